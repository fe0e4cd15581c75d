/* Records of values: there is one way to write a value, and only that is read. */
#include "base/json.h"
#include "fuzz.h"

void fuzz_one(struct span input, struct arena *arena) {
  struct value v;
  struct reader r = reader_of(input);
  enum err err = value_decode(&r, arena, &v);
  if (err != ERR_OK) {
    ASSERT(err == ERR_CORRUPT);
    return;
  }
  struct writer w;
  writer_init(&w);
  value_encode(&v, &w);
  ASSERT(span_equal(writer_span(&w), span_of(input.data, input.size - r.size)));
  struct value copy = value_copy(arena, &v);
  ASSERT(value_equal(&v, &copy));
  writer_reset(&w);
  json_write(&v, &w);
  writer_finish(&w);
}
