/* JSON text: what is read is printed, read and encoded again without a change. */
#include "base/json.h"
#include "fuzz.h"

static void comes_back(const struct value *v, struct span text, struct arena *arena) {
  struct value again;
  ASSERT(json_read(text, arena, &again, NULL) == ERR_OK);
  ASSERT(value_equal(v, &again));
  struct writer w;
  writer_init(&w);
  json_write(&again, &w);
  ASSERT(span_equal(text, writer_span(&w)));
  writer_finish(&w);
}

static void comes_back_from_bytes(const struct value *v, struct arena *arena) {
  struct writer w;
  struct value again;
  writer_init(&w);
  value_encode(v, &w);
  struct reader r = reader_of(writer_span(&w));
  ASSERT(value_decode(&r, arena, &again) == ERR_OK);
  ASSERT(reader_end(&r) == ERR_OK);
  ASSERT(value_equal(v, &again));
  writer_finish(&w);
}

void fuzz_one(struct span input, struct arena *arena) {
  struct value v;
  struct fault fault = {0};
  enum err err = json_read(input, arena, &v, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(fault.line > 0);
    return;
  }
  ASSERT(value_depth_fits(&v));
  struct writer w;
  writer_init(&w);
  json_write(&v, &w);
  ASSERT(span_is_text(writer_span(&w)));
  comes_back(&v, writer_span(&w), arena);
  comes_back_from_bytes(&v, arena);
  writer_finish(&w);
}
