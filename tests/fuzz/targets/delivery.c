/* An entry of a stream: what is read can be packed, and that is read as the same. */
#include "fuzz.h"
#include "proto/json.h"

void fuzz_one(struct span input, struct arena *arena) {
  struct delivery delivery;
  struct delivery again;
  struct fault fault = {0};
  enum err err = delivery_unpack(input, arena, &delivery, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    return;
  }
  struct writer first;
  struct writer second;
  writer_init(&first);
  writer_init(&second);
  ASSERT(delivery_pack(&delivery, &first, &fault) == ERR_OK);
  ASSERT(delivery_unpack(writer_span(&first), arena, &again, &fault) == ERR_OK);
  ASSERT(delivery.position == again.position && delivery.recorded_at == again.recorded_at);
  ASSERT(span_equal(delivery.kind, again.kind) && value_equal(&delivery.body, &again.body));
  ASSERT(delivery_pack(&again, &second, &fault) == ERR_OK);
  ASSERT(span_equal(writer_span(&first), writer_span(&second)));
  writer_finish(&first);
  writer_finish(&second);
}
