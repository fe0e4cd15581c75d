#include "load.h"

/* Set by the one test that wants the next allocation to fail. */
static bool calloc_fails;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) {
  return calloc_fails ? NULL : __real_calloc(count, size);
}

static void the_years_of_the_file_are_loaded(void **state) {
  assert_int_equal(calendar_first_year(*state), 2021);
  assert_int_equal(calendar_last_year(*state), 2027);
  civil_day day;
  assert_false(calendar_misses_holiday(*state, &day));
}

static void rows_say_which_days_work(void **state) {
  static const struct {
    const char *day;
    bool works;
  } rows[] = {
      {"2026-01-12", true},  /* an ordinary Monday */
      {"2026-01-10", false}, /* an ordinary Saturday */
      {"2026-01-09", false}, /* off by transfer */
      {"2026-04-30", true},  /* short */
      {"2024-04-27", true},  /* a working Saturday */
      {"2027-02-20", true},  /* a short working Saturday */
      {"2021-05-04", true},  /* off by decree, which does not count here */
      {"2021-10-30", false}, /* off by decree and a Saturday all the same */
      {"2021-11-04", false}, /* a holiday among days off by decree */
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_int_equal(calendar_is_working(*state, date(rows[i].day)), rows[i].works);
  }
}

static void decree_days_are_off_when_the_option_says_so(void **state) {
  (void)state;
  DEFER(calendar_destroy) struct calendar *calendar = calendar_of_config(true);
  assert_false(calendar_is_working(calendar, date("2021-05-04")));
  assert_false(calendar_is_working(calendar, date("2021-10-30")));
  assert_true(calendar_is_working(calendar, date("2021-05-11")));
}

static void days_outside_the_file_follow_the_law_alone(void **state) {
  assert_false(calendar_is_working(*state, date("2028-01-03"))); /* Monday within 1–8 January */
  assert_true(calendar_is_working(*state, date("2028-01-10")));
  assert_false(calendar_is_working(*state, date("2020-11-04")));
  assert_false(calendar_is_working(*state, date("2020-02-22"))); /* Saturday */
  assert_false(calendar_is_working(*state, CIVIL_DAY_NONE));
  assert_false(calendar_is_working(*state, INT32_MAX));
}

static void the_revision_follows_content_and_options(void **state) {
  DEFER(calendar_destroy) struct calendar *same = calendar_of_config(false);
  DEFER(calendar_destroy) struct calendar *decree = calendar_of_config(true);
  DEFER(calendar_destroy) struct calendar *other = calendar_of("date,kind,note\n2026-01-01,off,\n", false);
  assert_int_equal(strlen(calendar_revision(same)), 16);
  assert_string_equal(calendar_revision(same), calendar_revision(*state));
  assert_string_not_equal(calendar_revision(decree), calendar_revision(same));
  assert_string_not_equal(calendar_revision(other), calendar_revision(same));
}

static void a_year_that_is_not_loaded_is_named(void **state) {
  struct fault fault;
  assert_int_equal(calendar_require(*state, date("2021-01-01"), &fault), ERR_OK);
  assert_int_equal(calendar_require(*state, date("2027-12-31"), &fault), ERR_OK);
  assert_int_equal(calendar_require(*state, date("2028-01-01"), &fault), ERR_RANGE);
  assert_string_equal(fault.text, "в производственном календаре нет 2028 года: загружены 2021–2027");
  assert_int_equal(calendar_require(*state, date("2020-12-31"), &fault), ERR_RANGE);
  assert_non_null(strstr(fault.text, "2020"));
}

static void files_from_other_editors_are_read(void **state) {
  (void)state;
  static const char *const files[] = {
      "\xEF\xBB\xBF"
      "date,kind,note\r\n2026-01-01,off,x\r\n\r\n2026-12-31,short,\"a, \"\"b\"\"\"\r\n",
      "date,kind,note\n2026-01-01,off,\n2026-12-31,short",
      "date,kind,note\n2026-01-01,off\n",
  };
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    DEFER(calendar_destroy) struct calendar *calendar = calendar_of(files[i], false);
    assert_int_equal(calendar_first_year(calendar), 2026);
    assert_false(calendar_is_working(calendar, date("2026-01-01")));
  }
}

static void a_wrong_row_is_named_by_its_line(void **state) {
  (void)state;
  static const struct {
    const char *csv;
    enum err err;
    uint32_t line;
  } bad[] = {
      {"", ERR_FORMAT, 1},
      {"day,kind,note\n2026-01-01,off,\n", ERR_FORMAT, 1},
      {"date,kind,note\n", ERR_FORMAT, 0},
      {"date,kind,note\n01.01.2026,off,\n", ERR_FORMAT, 2},
      {"date,kind,note\n2026-02-30,off,\n", ERR_RANGE, 2},
      {"date,kind,note\n2026-01-01,holiday,\n", ERR_FORMAT, 2},
      {"date,kind,note\n2026-01-01\n", ERR_FORMAT, 2},
      {"date,kind,note\n\n2026-01-01,off,\n2026-01-01,off,\n", ERR_FORMAT, 4},
      {"date,kind,note\n2026-01-02,off,\n2026-01-01,off,\n", ERR_FORMAT, 3},
      {"date,kind,note\n2024-01-01,off,\n2026-01-01,off,\n", ERR_RANGE, 3},
      {"date,kind,note\n2026-01-01,off,a,b\n", ERR_FORMAT, 2},
      {"date,kind,note\n2026-01-01,off,\"a\n", ERR_FORMAT, 2},
      {"date,kind,note\n2026-01-01,off,\"a\"b\"\n", ERR_FORMAT, 2},
      {"date,kind,note\n2026-01-01,off,\"\"\"\n", ERR_FORMAT, 2},
      {"date,kind,note\n2026-01-01,off,\"\n", ERR_FORMAT, 2},
      {"date,kind,note\n2026-01-01,off,\xC0\xAF\n", ERR_FORMAT, 0},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct calendar *calendar = NULL;
    struct fault fault = {0};
    assert_int_equal(calendar_create(span_of_cstr(bad[i].csv), (struct calendar_options){0}, &calendar, &fault),
                     bad[i].err);
    assert_null(calendar);
    assert_int_equal(fault.line, bad[i].line);
    assert_true(fault.text[0] != '\0');
  }
}

static void size_and_years_are_limited(void **state) {
  (void)state;
  struct calendar *calendar = NULL;
  uint8_t *big = calloc(1, CALENDAR_FILE_MAX + 1);
  assert_non_null(big);
  assert_int_equal(calendar_create(span_of(big, CALENDAR_FILE_MAX + 1), (struct calendar_options){0}, &calendar, NULL),
                   ERR_LIMIT);
  size_t size = (size_t)snprintf((char *)big, CALENDAR_FILE_MAX, "date,kind,note\n");
  for (int year = 1950; year <= 1950 + CALENDAR_YEARS_MAX; year++) {
    size += (size_t)snprintf((char *)big + size, CALENDAR_FILE_MAX - size, "%d-01-01,off,\n", year);
  }
  assert_int_equal(calendar_create(span_of(big, size), (struct calendar_options){0}, &calendar, NULL), ERR_LIMIT);
  assert_null(calendar);
  free(big);
}

static void a_cut_file_is_noticed_by_its_missing_holidays(void **state) {
  (void)state;
  DEFER(calendar_destroy) struct calendar *calendar = calendar_of("date,kind,note\n2026-01-01,off,\n", false);
  civil_day day;
  assert_true(calendar_misses_holiday(calendar, &day));
  assert_int_equal(day, date("2026-01-02"));
}

static void every_cut_and_every_wrong_byte_gives_a_calendar_or_a_fault(void **state) {
  (void)state;
  static const char whole[] =
      "date,kind,note\n2026-01-01,off,\"a, \"\"b\"\" [decree]\"\n2026-04-30,short,x\n2026-05-02,work,\n";
  for (size_t size = 0; size < sizeof(whole); size++) {
    for (size_t at = 0; at <= size; at += 3) {
      char *bytes = malloc(size + 1);
      assert_non_null(bytes);
      memcpy(bytes, whole, size);
      if (at < size) {
        bytes[at] = (char)(at * 7 + size);
      }
      struct calendar *calendar = NULL;
      struct fault fault = {0};
      enum err err = calendar_create(span_of(bytes, size), (struct calendar_options){0}, &calendar, &fault);
      assert_int_equal(err == ERR_OK, calendar != NULL);
      assert_int_equal(err, fault.err);
      calendar_destroy(&calendar);
      free(bytes);
    }
  }
}

static void no_memory_is_an_error_like_others(void **state) {
  (void)state;
  struct calendar *calendar = NULL;
  calloc_fails = true;
  enum err err =
      calendar_create(span_of_cstr("date,kind,note\n2026-01-01,off,\n"), (struct calendar_options){0}, &calendar, NULL);
  calloc_fails = false;
  assert_int_equal(err, ERR_NO_MEMORY);
  assert_null(calendar);
  calendar_destroy(&calendar);
  calendar_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_years_of_the_file_are_loaded),
      cmocka_unit_test(rows_say_which_days_work),
      cmocka_unit_test(decree_days_are_off_when_the_option_says_so),
      cmocka_unit_test(days_outside_the_file_follow_the_law_alone),
      cmocka_unit_test(the_revision_follows_content_and_options),
      cmocka_unit_test(a_year_that_is_not_loaded_is_named),
      cmocka_unit_test(files_from_other_editors_are_read),
      cmocka_unit_test(a_wrong_row_is_named_by_its_line),
      cmocka_unit_test(size_and_years_are_limited),
      cmocka_unit_test(a_cut_file_is_noticed_by_its_missing_holidays),
      cmocka_unit_test(every_cut_and_every_wrong_byte_gives_a_calendar_or_a_fault),
      cmocka_unit_test(no_memory_is_an_error_like_others),
  };
  return cmocka_run_group_tests(tests, config_setup, config_teardown);
}
