#include "base/bytes.h"

#include "check.h"

static void what_is_written_is_read_back(void **state) {
  (void)state;
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  writer_u8(&w, 200);
  writer_u32be(&w, 0x01020304);
  writer_u64be(&w, UINT64_MAX - 1);
  writer_real(&w, -0.1);
  writer_blob(&w, span_of_cstr("приём"));
  writer_blob(&w, span_of(NULL, 0));
  writer_raw(&w, span_of_cstr("xyz"));
  struct reader r = reader_of(writer_span(&w));
  assert_int_equal(reader_u8(&r), 200);
  assert_int_equal(reader_u32be(&r), 0x01020304);
  assert_true(reader_u64be(&r) == UINT64_MAX - 1);
  assert_true(reader_real(&r) == -0.1);
  assert_span(reader_blob(&r), "приём");
  assert_span(reader_blob(&r), "");
  assert_int_equal(reader_end(&r), ERR_CORRUPT);
  assert_span(reader_raw(&r, 3), "xyz");
  assert_int_equal(reader_end(&r), ERR_OK);
}

static void numbers_in_keys_sort_as_numbers(void **state) {
  (void)state;
  static const uint64_t rising[] = {0, 1, 255, 256, 65535, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
    writer_u64be(&w, rising[i]);
  }
  for (size_t at = 8; at < w.size; at += 8) {
    assert_true(memcmp(w.data + at - 8, w.data + at, 8) < 0);
  }
}

static void varints_of_every_length_return(void **state) {
  (void)state;
  for (unsigned bits = 0; bits <= 64; bits++) {
    uint64_t values[] = {bits == 0 ? 0 : UINT64_MAX >> (64 - bits), bits == 64 ? UINT64_MAX - 1 : UINT64_C(1) << bits};
    for (size_t i = 0; i < 2; i++) {
      DEFER(writer_finish) struct writer w;
      writer_init(&w);
      writer_varint(&w, values[i]);
      writer_zigzag(&w, (int64_t)values[i]);
      struct reader r = reader_of(writer_span(&w));
      assert_true(reader_varint(&r) == values[i]);
      assert_true(reader_zigzag(&r) == (int64_t)values[i]);
      assert_int_equal(reader_end(&r), ERR_OK);
    }
  }
}

static void small_negative_numbers_stay_short(void **state) {
  (void)state;
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  writer_zigzag(&w, -64);
  assert_int_equal(w.size, 1);
}

static void an_impossible_varint_fails(void **state) {
  (void)state;
  static const struct {
    const char *what;
    struct span bytes;
  } bad[] = {
      {"nothing", {(const uint8_t *)"", 0}},
      {"cut", {(const uint8_t *)"\x80", 1}},
      {"overlong", {(const uint8_t *)"\x81\x00", 2}},
      {"65 bits", {(const uint8_t *)"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10}},
      {"eleven bytes", {(const uint8_t *)"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct reader r = reader_of(bad[i].bytes);
    assert_true(reader_varint(&r) == 0);
    assert_true(r.failed);
    assert_int_equal(reader_end(&r), ERR_CORRUPT);
  }
}

static void after_a_failure_every_read_gives_zero(void **state) {
  (void)state;
  struct reader r = reader_of(span_of("\x05"
                                      "abc",
                                      4));
  assert_span(reader_blob(&r), "");
  assert_true(r.failed);
  assert_int_equal(reader_u8(&r), 0);
  assert_int_equal(reader_u32be(&r), 0);
  assert_true(reader_u64be(&r) == 0);
  assert_true(reader_zigzag(&r) == 0);
  assert_true(reader_real(&r) == 0);
  assert_span(reader_raw(&r, 0), "");
  assert_int_equal(reader_end(&r), ERR_CORRUPT);
}

static void a_blob_that_claims_everything_is_refused(void **state) {
  (void)state;
  struct reader r = reader_of(span_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10));
  assert_span(reader_blob(&r), "");
  assert_true(r.failed);
}

static void printing_grows_the_buffer_and_appends(void **state) {
  (void)state;
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  writer_printf(&w, "%s", "");
  assert_int_equal(w.size, 0);
  for (int i = 0; i < 300; i++) {
    writer_printf(&w, "%d;", i % 10);
  }
  assert_int_equal(w.size, 600);
  assert_memory_equal(w.data, "0;1;2;", 6);
  assert_memory_equal(w.data + 594, "7;8;9;", 6);
}

static void a_writer_keeps_its_buffer_over_a_reset(void **state) {
  (void)state;
  struct writer w;
  writer_init(&w);
  writer_printf(&w, "%5000d", 1);
  size_t capacity = w.capacity;
  writer_reset(&w);
  assert_int_equal(writer_span(&w).size, 0);
  assert_int_equal(w.capacity, capacity);
  writer_finish(&w);
  writer_finish(&w);
  writer_finish(NULL);
}

/* A writer that says it is full already: a real gigabyte would only prove the same slowly. */
static void write_over_the_limit(void) {
  struct writer w = {.data = NULL, .size = 1U << 30, .capacity = 1U << 30};
  writer_u8(&w, 0);
}

static void a_record_over_the_limit_stops_the_process(void **state) {
  (void)state;
  assert_aborts(write_over_the_limit);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read_back),
      cmocka_unit_test(numbers_in_keys_sort_as_numbers),
      cmocka_unit_test(varints_of_every_length_return),
      cmocka_unit_test(small_negative_numbers_stay_short),
      cmocka_unit_test(an_impossible_varint_fails),
      cmocka_unit_test(after_a_failure_every_read_gives_zero),
      cmocka_unit_test(a_blob_that_claims_everything_is_refused),
      cmocka_unit_test(printing_grows_the_buffer_and_appends),
      cmocka_unit_test(a_writer_keeps_its_buffer_over_a_reset),
      cmocka_unit_test(a_record_over_the_limit_stops_the_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
