/* An event as it stands in an envelope: what is read can be packed again, and that is canonical. */
#include "fuzz.h"
#include "proto/envelope.h"

static void equal_events(const struct event_message *a, const struct event_message *b) {
  ASSERT(span_equal(a->case_id, b->case_id));
  ASSERT(span_equal(a->event, b->event));
  ASSERT(span_equal(a->recipient, b->recipient));
  ASSERT(span_equal(a->acting_for, b->acting_for));
  ASSERT(span_equal(a->payload, b->payload));
  ASSERT(span_equal(a->salt, b->salt));
  ASSERT(a->occurred_at == b->occurred_at);
  ASSERT(a->expires_at == b->expires_at);
}

void fuzz_one(struct span input, struct arena *arena) {
  struct event_message message;
  struct event_message again;
  struct fault fault = {0};
  enum err err = event_read(input, arena, &message, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    return;
  }
  ASSERT(message.salt.size == ENVELOPE_SALT);
  struct writer first;
  struct writer second;
  writer_init(&first);
  writer_init(&second);
  ASSERT(event_pack(&message, message.salt.data, &first) == ERR_OK);
  ASSERT(event_read(writer_span(&first), arena, &again, &fault) == ERR_OK);
  equal_events(&message, &again);
  ASSERT(event_pack(&again, again.salt.data, &second) == ERR_OK);
  ASSERT(span_equal(writer_span(&first), writer_span(&second)));
  writer_finish(&first);
  writer_finish(&second);
}
