#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "casework/sitting.h"

static civil_day day(const char *text) {
  civil_day d;
  assert_int_equal(civil_day_parse(span_of_cstr(text), &d), ERR_OK);
  return d;
}

static void the_next_sitting_is_on_or_after_the_day(void **state) {
  (void)state;
  static const struct {
    const char *sitting, *from, *next;
  } rows[] = {
      {"3 wed", "2026-01-01", "2026-01-21"},      {"3 wed", "2026-01-21", "2026-01-21"},
      {"3 wed", "2026-01-22", "2026-02-18"},      {"3 wed", "2026-12-17", "2027-01-20"},
      {"1 sun", "2026-02-01", "2026-02-01"},      {"last fri", "2026-02-01", "2026-02-27"},
      {"last sat", "2026-01-31", "2026-01-31"},   {"5 mon", "2026-01-01", "2026-03-30"},
      {"2026-03-18", "2026-01-01", "2026-03-18"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct sitting sitting;
    assert_int_equal(sitting_parse(span_of_cstr(rows[i].sitting), &sitting), ERR_OK);
    assert_int_equal(sitting_next(&sitting, day(rows[i].from)), day(rows[i].next));
  }
}

static void a_date_that_is_over_is_no_sitting(void **state) {
  (void)state;
  struct sitting sitting;
  assert_int_equal(sitting_parse(SPAN_LITERAL("2026-03-18"), &sitting), ERR_OK);
  assert_int_equal(sitting_next(&sitting, day("2026-03-19")), CIVIL_DAY_NONE);
}

static void what_is_no_sitting_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"",       "3",          "wed",      "0 wed", "6 wed", "3 wednesday",
                                      "3  wed", "2026-02-30", "third wed"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct sitting sitting;
    assert_int_equal(sitting_parse(span_of_cstr(texts[i]), &sitting), ERR_FORMAT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_next_sitting_is_on_or_after_the_day),
      cmocka_unit_test(a_date_that_is_over_is_no_sitting),
      cmocka_unit_test(what_is_no_sitting_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
