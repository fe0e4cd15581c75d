#include "check.h"

static int order(const char *a, const char *b) {
  int c = span_compare(span_of_cstr(a), span_of_cstr(b));
  return (c > 0) - (c < 0);
}

static void order_is_by_bytes_and_the_prefix_comes_first(void **state) {
  (void)state;
  assert_int_equal(order("", ""), 0);
  assert_int_equal(order("", "a"), -1);
  assert_int_equal(order("ab", "a"), 1);
  assert_int_equal(order("a", "b"), -1);
  assert_int_equal(order("\xFF", "a"), 1);
  assert_int_equal(span_compare(span_of(NULL, 0), span_of_cstr("a")) < 0, 1);
}

static void spans_without_bytes_are_equal_whatever_they_point_to(void **state) {
  (void)state;
  assert_true(span_equal(span_of(NULL, 0), span_of_cstr("")));
  assert_true(span_is(span_of_cstr(NULL), ""));
  assert_false(span_is(span_of_cstr("a"), "ab"));
  assert_true(span_starts_with(span_of_cstr("ab"), span_of(NULL, 0)));
  assert_true(span_starts_with(span_of_cstr("ab"), span_of_cstr("ab")));
  assert_false(span_starts_with(span_of_cstr("a"), span_of_cstr("ab")));
}

static void trim_takes_white_space_from_both_ends_only(void **state) {
  (void)state;
  assert_span(span_trim(span_of_cstr(" \t\r\n a b \v\f")), "a b");
  assert_span(span_trim(span_of_cstr("  ")), "");
  assert_span(span_trim(span_of(NULL, 0)), "");
}

static void cut_tells_an_empty_last_piece_from_none(void **state) {
  (void)state;
  struct span rest;
  assert_span(span_cut(span_of_cstr("a,b,"), ',', &rest), "a");
  assert_span(rest, "b,");
  assert_span(span_cut(rest, ',', &rest), "b");
  assert_int_equal(rest.size, 0);
  assert_non_null(rest.data);
  assert_span(span_cut(rest, ',', &rest), "");
  assert_null(rest.data);
}

static void integers_are_read_to_the_last_value_and_no_further(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t value;
  } good[] = {{"0", 0},
              {"-0", 0},
              {"+7", 7},
              {"007", 7},
              {"9223372036854775807", INT64_MAX},
              {"-9223372036854775808", INT64_MIN}};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    int64_t value = 1;
    assert_true(span_to_int64(span_of_cstr(good[i].text), &value));
    assert_true(value == good[i].value);
  }
  static const char *const bad[] = {"",
                                    "-",
                                    "+",
                                    " 1",
                                    "1 ",
                                    "1.0",
                                    "1e3",
                                    "0x1",
                                    "--1",
                                    "9223372036854775808",
                                    "-9223372036854775809",
                                    "99999999999999999999",
                                    "١"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    int64_t value = 42;
    assert_false(span_to_int64(span_of_cstr(bad[i]), &value));
    assert_true(value == 42);
  }
}

static void text_is_well_formed_utf8_without_nul(void **state) {
  (void)state;
  static const char *const good[] = {
      "", "abc", "приём", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    assert_true(span_is_text(span_of_cstr(good[i])));
  }
  static const char *const bad[] = {"\x80",
                                    "\xC0\xAF",
                                    "\xC1\xBF",
                                    "\xC3",
                                    "\xC3(",
                                    "\xE0\x9F\xBF",
                                    "\xED\xA0\x80",
                                    "\xE2\x82",
                                    "\xE2\x82(",
                                    "\xF0\x8F\xBF\xBF",
                                    "\xF4\x90\x80\x80",
                                    "\xF5\x80\x80\x80",
                                    "\xF0\x9F\x98",
                                    "\xFF",
                                    "a\xFE"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_false(span_is_text(span_of_cstr(bad[i])));
  }
  assert_false(span_is_text(span_of("a\0b", 3)));
}

/* The exact size matters: the sanitizer sees a read past the end. */
static void a_cut_character_is_not_read_past_its_end(void **state) {
  (void)state;
  static const uint8_t whole[] = {0xF0, 0x9F, 0x98, 0x80};
  for (size_t size = 0; size <= sizeof(whole); size++) {
    uint8_t *exact = malloc(size + (size == 0));
    assert_non_null(exact);
    memcpy(exact, whole, size);
    assert_int_equal(span_character_size(span_of(exact, size)), size == sizeof(whole) ? 4 : 0);
    assert_int_equal(span_is_text(span_of(exact, size)), size == 0 || size == sizeof(whole));
    free(exact);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_is_by_bytes_and_the_prefix_comes_first),
      cmocka_unit_test(spans_without_bytes_are_equal_whatever_they_point_to),
      cmocka_unit_test(trim_takes_white_space_from_both_ends_only),
      cmocka_unit_test(cut_tells_an_empty_last_piece_from_none),
      cmocka_unit_test(integers_are_read_to_the_last_value_and_no_further),
      cmocka_unit_test(text_is_well_formed_utf8_without_nul),
      cmocka_unit_test(a_cut_character_is_not_read_past_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
