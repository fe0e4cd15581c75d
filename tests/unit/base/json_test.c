#include "base/json.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>

#include "check.h"

static struct arena arena;

static int arena_setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  return 0;
}

static int arena_teardown(void **state) {
  (void)state;
  arena_finish(&arena);
  return 0;
}

static enum err read_text(const char *text, struct value *ret_value) {
  struct fault fault;
  return json_read(span_of_cstr(text), &arena, ret_value, &fault);
}

static struct span printed(const struct value *v) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  json_write(v, &w);
  return arena_copy(&arena, writer_span(&w));
}

static void assert_printed(const char *text, const char *expected) {
  struct value v;
  assert_int_equal(read_text(text, &v), ERR_OK);
  assert_span(printed(&v), expected);
}

static void equal_data_is_printed_as_equal_bytes(void **state) {
  (void)state;
  assert_printed(" { \"b\" : [ 1 , -2.50 , null ] ,\n \"a\" : { } , \"\" : true } ",
                 "{\"\":true,\"a\":{},\"b\":[1,-2.5,null]}");
  assert_printed("\"\\u043f\\u0440\\u0438\\u0451\\u043c \\ud83d\\ude00 \\/\"", "\"приём 😀 /\"");
  assert_printed("\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  assert_printed("[]", "[]");
  assert_printed("false", "false");
}

static void integers_stay_integers_and_reals_stay_reals(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum value_kind kind;
    const char *printed;
  } rows[] = {{"0", VALUE_INT, "0"},
              {"-0", VALUE_INT, "0"},
              {"9223372036854775807", VALUE_INT, "9223372036854775807"},
              {"-9223372036854775808", VALUE_INT, "-9223372036854775808"},
              {"1.0", VALUE_REAL, "1.0"},
              {"1e3", VALUE_REAL, "1000.0"},
              {"-0.0", VALUE_REAL, "-0.0"},
              {"0.1", VALUE_REAL, "0.1"},
              {"0.30000000000000004", VALUE_REAL, "0.30000000000000004"},
              {"1e300", VALUE_REAL, "1e+300"},
              {"5e-324", VALUE_REAL, "4.94065645841247e-324"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct value v;
    assert_int_equal(read_text(rows[i].text, &v), ERR_OK);
    assert_int_equal(v.kind, rows[i].kind);
    assert_span(printed(&v), rows[i].printed);
  }
}

static void what_is_no_json_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    " ",
                                    "{",
                                    "[1,]",
                                    "{\"a\":1,}",
                                    "{a:1}",
                                    "[1 2]",
                                    "nul",
                                    "01",
                                    "1.",
                                    ".5",
                                    "+1",
                                    "0x10",
                                    "NaN",
                                    "Infinity",
                                    "'a'",
                                    "\"a",
                                    "\"\n\"",
                                    "\"\\x\"",
                                    "\"\\u00\"",
                                    "\"\\ud800\"",
                                    "\"\\udc00\"",
                                    "1 1",
                                    "[1]]",
                                    "{\"a\" 1}",
                                    "[\"\xff\"]",
                                    "\"\xc0\xaf\"",
                                    "\"\xed\xa0\x80\"",
                                    "9223372036854775808",
                                    "1e999",
                                    "\"\\u0000\"",
                                    "{\"\\u0000\":1}",
                                    "\xEF\xBB\xBF{}",
                                    "/**/1"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct value v = value_int(42);
    struct fault fault = {0};
    assert_int_equal(json_read(span_of_cstr(bad[i]), &arena, &v, &fault), ERR_FORMAT);
    assert_int_equal(fault.err, ERR_FORMAT);
    assert_true(fault.line >= 1);
    assert_true(fault.text[0] != '\0');
    assert_true(v.integer == 42);
  }
  struct value v;
  assert_int_equal(json_read(span_of(NULL, 0), &arena, &v, NULL), ERR_FORMAT);
  assert_int_equal(json_read(span_of("1\0", 2), &arena, &v, NULL), ERR_FORMAT);
  assert_int_equal(json_read(span_of("{}\0{", 4), &arena, &v, NULL), ERR_FORMAT);
}

static void a_doubled_name_is_refused_with_its_line(void **state) {
  (void)state;
  struct value v;
  struct fault fault;
  assert_int_equal(json_read(span_of_cstr("{\"a\":1,\n\n\"\\u0061\":2}"), &arena, &v, &fault), ERR_FORMAT);
  assert_int_equal(fault.line, 3);
  assert_true(fault.column > 0);
}

static void a_fault_never_quotes_the_data(void **state) {
  (void)state;
  struct value v;
  struct fault fault;
  assert_int_equal(json_read(span_of_cstr("{\"name\": Ivanov}"), &arena, &v, &fault), ERR_FORMAT);
  assert_null(strstr(fault.text, "Ivanov"));
  assert_int_equal(json_read(span_of_cstr("{\"Ivanov\": 1, \"Ivanov\": 2}"), &arena, &v, &fault), ERR_FORMAT);
  assert_null(strstr(fault.text, "Ivanov"));
}

static char *brackets(size_t count) {
  char *text = arena_alloc(&arena, 2 * count + 1);
  memset(text, '[', count);
  memset(text + count, ']', count);
  text[2 * count] = '\0';
  return text;
}

static void the_depth_is_limited(void **state) {
  (void)state;
  struct value v;
  struct fault fault;
  assert_int_equal(read_text(brackets(VALUE_DEPTH_MAX), &v), ERR_OK);
  assert_true(value_depth_fits(&v));
  assert_int_equal(json_read(span_of_cstr(brackets(VALUE_DEPTH_MAX + 1)), &arena, &v, &fault), ERR_FORMAT);
  assert_int_equal(fault.line, 1);
  assert_int_equal(fault.column, VALUE_DEPTH_MAX + 1);
  assert_int_equal(read_text(brackets(1000000), &v), ERR_FORMAT);
}

static void brackets_in_texts_are_no_depth(void **state) {
  (void)state;
  struct value v;
  assert_int_equal(
      read_text("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\", \"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]", &v),
      ERR_OK);
  assert_int_equal(v.list.count, 2);
}

static void bytes_that_are_no_text_are_printed_as_replacements(void **state) {
  (void)state;
  struct value v = value_text(span_of("a\xFF\xD0z\0", 5));
  assert_span(printed(&v), "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\\u0000\"");
}

static void what_json_has_no_number_for_is_null(void **state) {
  (void)state;
  struct value items[] = {value_real(NAN), value_real(INFINITY), value_real(-INFINITY)};
  struct value v = value_list(items, 3);
  assert_span(printed(&v), "[null,null,null]");
}

static void fields_keep_the_given_order_and_leave_nil_out(void **state) {
  (void)state;
  const struct value_field fields[] = {{SPAN_LITERAL("z"), value_int(1)},
                                       {SPAN_LITERAL("y"), value_nil()},
                                       {SPAN_LITERAL("a"), value_text(SPAN_LITERAL("x"))}};
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  json_write_fields(fields, 3, &w);
  assert_span(writer_span(&w), "{\"z\":1,\"a\":\"x\"}");
  writer_reset(&w);
  json_write_fields(fields + 1, 1, &w);
  assert_span(writer_span(&w), "{}");
}

static void flipped_bytes_give_a_value_or_a_fault(void **state) {
  (void)state;
  static const char whole[] =
      "{\"at\":\"2026-01-12T10:15:00+05:00\",\"data\":{\"list\":[1,-2.5e3,true,null,{\"k\":\"\\u0451"
      "текст\"}]},\"event\":\"a.b\"}";
  uint64_t seed = 11;
  for (int round = 0; round < 5000; round++) {
    size_t size = 1 + noise(&seed) % (sizeof(whole) - 1);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, whole, size);
    for (uint64_t flips = noise(&seed) % 4; flips > 0; flips--) {
      bytes[noise(&seed) % size] = (uint8_t)noise(&seed);
    }
    struct value v;
    if (json_read(span_of(bytes, size), &arena, &v, NULL) == ERR_OK) {
      struct value again;
      struct span text = printed(&v);
      assert_int_equal(json_read(text, &arena, &again, NULL), ERR_OK);
      assert_true(span_equal(printed(&again), text));
    }
    free(bytes);
    arena_reset(&arena);
  }
}

static void *read_many(void *unused) {
  (void)unused;
  struct arena own;
  arena_init(&own, 0);
  uintptr_t good = 0;
  for (int i = 0; i < 2000; i++) {
    struct value v;
    good += json_read(SPAN_LITERAL("{\"a\":[1,2,{\"b\":\"текст\"}]}"), &own, &v, NULL) == ERR_OK;
    arena_reset(&own);
  }
  arena_finish(&own);
  return (void *)good; /* NOLINT(performance-no-int-to-ptr): the count is the thread's result */
}

static void threads_read_side_by_side(void **state) {
  (void)state;
  pthread_t threads[3];
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, read_many, NULL), 0);
  }
  for (size_t i = 0; i < 3; i++) {
    void *good = NULL;
    assert_int_equal(pthread_join(threads[i], &good), 0);
    assert_int_equal((uintptr_t)good, 2000);
  }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, arena_setup, arena_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(equal_data_is_printed_as_equal_bytes),
      TEST(integers_stay_integers_and_reals_stay_reals),
      TEST(what_is_no_json_is_refused),
      TEST(a_doubled_name_is_refused_with_its_line),
      TEST(a_fault_never_quotes_the_data),
      TEST(the_depth_is_limited),
      TEST(brackets_in_texts_are_no_depth),
      TEST(bytes_that_are_no_text_are_printed_as_replacements),
      TEST(what_json_has_no_number_for_is_null),
      TEST(fields_keep_the_given_order_and_leave_nil_out),
      TEST(flipped_bytes_give_a_value_or_a_fault),
      TEST(threads_read_side_by_side),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
