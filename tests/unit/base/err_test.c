#include "check.h"

static void every_code_has_name_text_and_class(void **state) {
  (void)state;
#define X(name, class, text)                                                                                           \
  assert_string_equal(err_name(ERR_##name), #name);                                                                    \
  assert_string_equal(err_text(ERR_##name), text);                                                                     \
  assert_int_equal(err_class_of(ERR_##name), class);
  ERR_MAP(X)
#undef X
}

static void an_unknown_code_is_named_as_such(void **state) {
  (void)state;
  assert_string_equal(err_name((enum err)9999), "UNKNOWN");
  assert_string_equal(err_text((enum err)9999), "unknown error");
  assert_int_equal(err_class_of((enum err)9999), ERR_CLASS_OPERATIONAL);
}

static void fault_set_fills_and_returns_the_code(void **state) {
  (void)state;
  struct fault fault = {.line = 7, .column = 9};
  assert_int_equal(fault_set(&fault, ERR_RANGE, "поле %s", "date"), ERR_RANGE);
  assert_int_equal(fault.err, ERR_RANGE);
  assert_int_equal(fault.line, 0);
  assert_int_equal(fault.column, 0);
  assert_string_equal(fault.text, "поле date");
  assert_int_equal(fault_set_at(&fault, ERR_FORMAT, 3, 14, "x"), ERR_FORMAT);
  assert_int_equal(fault.line, 3);
  assert_int_equal(fault.column, 14);
}

static void fault_set_needs_no_fault(void **state) {
  (void)state;
  assert_int_equal(fault_set(NULL, ERR_IO, "%d", 1), ERR_IO);
  assert_int_equal(fault_set_at(NULL, ERR_IO, 1, 1, "%d", 1), ERR_IO);
}

static void a_text_that_is_too_long_is_cut_between_characters(void **state) {
  (void)state;
  static const char *const fillers[] = {"я", "€", "😀"};
  for (size_t shift = 0; shift < 4; shift++) {
    for (size_t f = 0; f < 3; f++) {
      char text[2 * FAULT_TEXT_MAX + 8] = {0};
      memset(text, 'a', shift);
      for (size_t at = shift; at < FAULT_TEXT_MAX + 4; at += strlen(fillers[f])) {
        memcpy(text + at, fillers[f], strlen(fillers[f]));
      }
      struct fault fault;
      fault_set(&fault, ERR_INVALID, "%s", text);
      assert_true(span_is_text(span_of_cstr(fault.text)));
      assert_true(strlen(fault.text) > FAULT_TEXT_MAX - 6);
      assert_memory_equal(fault.text, text, strlen(fault.text));
    }
  }
}

static void a_text_is_utf8_whatever_was_put_into_it(void **state) {
  (void)state;
  struct fault fault;
  fault_set(&fault, ERR_CORRUPT, "no \"%s\"", "\x80я\xff€\xd0");
  assert_string_equal(fault.text, "no \"?я?€?\"");
  fault_set(&fault, ERR_CORRUPT, "%s", "\xe2\x82");
  assert_string_equal(fault.text, "??");
}

static enum err tried(enum err err, int *ret_reached) {
  TRY(err);
  *ret_reached = 1;
  return ERR_OK;
}

static void try_returns_at_the_first_error(void **state) {
  (void)state;
  int reached = 0;
  assert_int_equal(tried(ERR_BUSY, &reached), ERR_BUSY);
  assert_int_equal(reached, 0);
  assert_int_equal(tried(ERR_OK, &reached), ERR_OK);
  assert_int_equal(reached, 1);
}

static void break_an_assertion(void) {
  ASSERT(1 + 1 == 3);
}

static void a_bug_stops_the_process(void **state) {
  (void)state;
  assert_aborts(break_an_assertion);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_has_name_text_and_class),
      cmocka_unit_test(an_unknown_code_is_named_as_such),
      cmocka_unit_test(fault_set_fills_and_returns_the_code),
      cmocka_unit_test(fault_set_needs_no_fault),
      cmocka_unit_test(a_text_that_is_too_long_is_cut_between_characters),
      cmocka_unit_test(a_text_is_utf8_whatever_was_put_into_it),
      cmocka_unit_test(try_returns_at_the_first_error),
      cmocka_unit_test(a_bug_stops_the_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
