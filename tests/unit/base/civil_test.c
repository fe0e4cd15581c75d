#include "base/civil.h"

#include "check.h"

static civil_day day_of(int year, int month, int day) {
  civil_day result;
  assert_int_equal(civil_day_of((struct civil_date){year, month, day}, &result), ERR_OK);
  return result;
}

/* Counts on from one day to the next by the rules of the Gregorian calendar alone. */
static void every_day_has_its_number_and_back(void **state) {
  (void)state;
  civil_day day = CIVIL_DAY_FIRST;
  int weekday = 1; /* 1900-01-01 was a Monday */
  for (int year = 1900; year <= 2199; year++) {
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; month++) {
      assert_int_equal(civil_month_days(year, month), lengths[month - 1]);
      for (int d = 1; d <= lengths[month - 1]; d++, day++) {
        assert_int_equal(day_of(year, month, d), day);
        struct civil_date date = civil_date_of(day);
        assert_true(date.year == year && date.month == month && date.day == d);
        assert_int_equal(civil_weekday(day), weekday);
        weekday = weekday % 7 + 1;
      }
    }
  }
  assert_int_equal(day - 1, CIVIL_DAY_LAST);
  assert_int_equal(day_of(1970, 1, 1), 0);
}

static void days_that_do_not_exist_are_out_of_range(void **state) {
  (void)state;
  static const struct civil_date none[] = {{1899, 12, 31}, {2200, 1, 1},  {2026, 2, 29}, {2100, 2, 29}, {2026, 0, 1},
                                           {2026, 13, 1},  {2026, 4, 31}, {2026, 1, 0},  {2026, 1, 32}, {2026, -1, -1}};
  for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
    civil_day day = 42;
    assert_int_equal(civil_day_of(none[i], &day), ERR_RANGE);
    assert_int_equal(day, 42);
  }
}

static void dates_are_read_in_exactly_one_form(void **state) {
  (void)state;
  civil_day day;
  assert_int_equal(civil_day_parse(span_of_cstr("2026-01-20"), &day), ERR_OK);
  assert_int_equal(day, day_of(2026, 1, 20));
  assert_int_equal(civil_day_parse_ru(span_of_cstr("20.01.2026"), &day), ERR_OK);
  assert_int_equal(day, day_of(2026, 1, 20));
  static const char *const malformed[] = {"",           "2026-1-20", "2026-01-20 ", " 2026-01-20",
                                          "2026/01/20", "20260120",  "2026-01-2x",  "+026-01-20",
                                          "2026-01--1", "20.01.26",  "2026.01.20",  "20-01-2026"};
  for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
    assert_int_equal(civil_day_parse(span_of_cstr(malformed[i]), &day), ERR_FORMAT);
    assert_int_equal(civil_day_parse_ru(span_of_cstr(malformed[i]), &day), ERR_FORMAT);
  }
  assert_int_equal(civil_day_parse(span_of_cstr("2026-02-31"), &day), ERR_RANGE);
  assert_int_equal(civil_day_parse_ru(span_of_cstr("31.02.2026"), &day), ERR_RANGE);
  assert_int_equal(civil_day_parse(span_of_cstr("0000-00-00"), &day), ERR_RANGE);
}

static void dates_are_written_in_both_forms(void **state) {
  (void)state;
  char text[CIVIL_DATE_TEXT];
  civil_day_format(day_of(2026, 1, 2), text);
  assert_string_equal(text, "2026-01-02");
  civil_day_format_ru(day_of(2026, 1, 2), text);
  assert_string_equal(text, "02.01.2026");
}

static void no_day_is_written_as_no_date(void **state) {
  (void)state;
  static const civil_day outside[] = {CIVIL_DAY_NONE, INT32_MAX, CIVIL_DAY_FIRST - 1, CIVIL_DAY_LAST + 1};
  for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
    char text[CIVIL_MOMENT_TEXT];
    civil_day_format(outside[i], text);
    assert_string_equal(text, "0000-00-00");
    civil_moment_format(civil_day_start(outside[i]), text);
    assert_string_equal(text, "0000-00-00T00:00:00+05:00");
  }
  char text[CIVIL_MOMENT_TEXT];
  civil_moment_format(CIVIL_MOMENT_NONE, text);
  assert_string_equal(text, "0000-00-00T00:00:00+05:00");
  civil_moment_format(INT64_MAX, text);
  assert_string_equal(text, "0000-00-00T00:00:00+05:00");
}

static void moments_of_any_offset_are_the_same_instant(void **state) {
  (void)state;
  static const char *const same[] = {"2026-01-12T10:15:00+05:00", "2026-01-12T05:15:00Z", "2026-01-11T22:15:00-07:00",
                                     "2026-01-12T05:15:00.000000000Z", "2026-01-12T05:15:00-00:00"};
  for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
    civil_moment moment;
    assert_int_equal(civil_moment_parse(span_of_cstr(same[i]), &moment), ERR_OK);
    assert_true(moment == INT64_C(1768194900000));
    char text[CIVIL_MOMENT_TEXT];
    civil_moment_format(moment, text);
    assert_string_equal(text, same[0]);
  }
}

static void fractions_are_kept_to_the_millisecond(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *printed;
  } rows[] = {{"2026-01-12T10:15:00.5+05:00", "2026-01-12T10:15:00.500+05:00"},
              {"2026-01-12T10:15:00.007+05:00", "2026-01-12T10:15:00.007+05:00"},
              {"2026-01-12T10:15:00.123999999+05:00", "2026-01-12T10:15:00.123+05:00"},
              {"1960-01-12T23:59:59.999+05:00", "1960-01-12T23:59:59.999+05:00"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    civil_moment moment;
    char text[CIVIL_MOMENT_TEXT];
    assert_int_equal(civil_moment_parse(span_of_cstr(rows[i].text), &moment), ERR_OK);
    civil_moment_format(moment, text);
    assert_string_equal(text, rows[i].printed);
  }
}

static void malformed_moments_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum err err;
  } rows[] = {{"2026-01-12T10:15:00", ERR_FORMAT},
              {"2026-01-12T10:15", ERR_FORMAT},
              {"2026-01-12 10:15:00Z", ERR_FORMAT},
              {"2026-01-12T10:15:00.Z", ERR_FORMAT},
              {"2026-01-12T10:15:00.1234567890Z", ERR_FORMAT},
              {"2026-01-12T10:15:00+0500", ERR_FORMAT},
              {"2026-01-12T10:15:00ZZ", ERR_FORMAT},
              {"2026-01-12T10.15.00Z", ERR_FORMAT},
              {"2026-01-12T1a:15:00Z", ERR_FORMAT},
              {"2026-01-12T", ERR_FORMAT},
              {"2026-01-12T24:00:00Z", ERR_RANGE},
              {"2026-01-12T10:60:00Z", ERR_RANGE},
              {"2026-06-30T23:59:60Z", ERR_RANGE},
              {"2026-01-12T10:15:00+24:00", ERR_RANGE},
              {"2026-02-30T10:15:00Z", ERR_RANGE},
              {"2199-12-31T23:00:00Z", ERR_RANGE},
              {"1900-01-01T00:00:00+23:00", ERR_RANGE}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    civil_moment moment = 42;
    assert_int_equal(civil_moment_parse(span_of_cstr(rows[i].text), &moment), rows[i].err);
    assert_true(moment == 42);
  }
}

static void a_plain_date_is_its_first_moment_in_the_zone(void **state) {
  (void)state;
  civil_moment moment;
  assert_int_equal(civil_moment_parse(span_of_cstr("2026-01-12"), &moment), ERR_OK);
  assert_true(moment == civil_day_start(day_of(2026, 1, 12)));
  assert_int_equal(civil_moment_day(moment), day_of(2026, 1, 12));
  assert_int_equal(civil_moment_day(moment - 1), day_of(2026, 1, 11));
  assert_int_equal(civil_moment_day(moment + CIVIL_DAY_MS - 1), day_of(2026, 1, 12));
}

static void moments_without_a_day_number_stay_outside(void **state) {
  (void)state;
  assert_int_equal(civil_moment_day(INT64_MIN), INT32_MIN);
  assert_int_equal(civil_moment_day(INT64_MAX), INT32_MAX);
  assert_int_equal(civil_weekday(INT32_MIN) >= 1 && civil_weekday(INT32_MAX) <= 7, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_day_has_its_number_and_back),
      cmocka_unit_test(days_that_do_not_exist_are_out_of_range),
      cmocka_unit_test(dates_are_read_in_exactly_one_form),
      cmocka_unit_test(dates_are_written_in_both_forms),
      cmocka_unit_test(no_day_is_written_as_no_date),
      cmocka_unit_test(moments_of_any_offset_are_the_same_instant),
      cmocka_unit_test(fractions_are_kept_to_the_millisecond),
      cmocka_unit_test(malformed_moments_are_refused),
      cmocka_unit_test(a_plain_date_is_its_first_moment_in_the_zone),
      cmocka_unit_test(moments_without_a_day_number_stay_outside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
