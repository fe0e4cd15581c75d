#include "load.h"

#include "base/bytes.h"

/* The year 2028 as it may be published: the fixed holidays and two days that were moved. */
static const char *const year_2028 =
    "date,kind,note\n"
    "2028-01-01,off,Новый год [holiday]\n2028-01-02,off,\n2028-01-03,off,\n2028-01-04,off,\n2028-01-05,off,\n"
    "2028-01-06,off,\n2028-01-07,off,Рождество\n2028-01-08,off,\n"
    "2028-02-20,work,\"рабочая суббота, с 22.02\"\n2028-02-22,off,перенос с 20.02\n2028-02-23,off,\n"
    "2028-03-08,off,\n2028-05-01,off,\n2028-05-03,off,перенос\n2028-05-09,off,\n2028-05-10,off,перенос\n"
    "2028-06-12,off,\n2028-06-14,off,перенос\n2028-11-04,off,\n";

static enum err amended(const struct calendar *base, const char *csv, struct calendar **ret, struct fault *fault) {
  *fault = (struct fault){0};
  return calendar_amend(base, span_of_cstr(csv), ret, fault);
}

static void a_new_year_is_added_whole(void **state) {
  struct calendar *with = NULL;
  struct fault fault;
  assert_int_equal(2027, calendar_last_year(*state));
  assert_int_equal(ERR_OK, amended(*state, year_2028, &with, &fault));
  assert_int_equal(calendar_first_year(*state), calendar_first_year(with));
  assert_int_equal(2028, calendar_last_year(with));
  assert_true(calendar_is_working(with, date("2028-02-20")));
  assert_false(calendar_is_working(with, date("2028-02-22")));
  assert_true(calendar_is_working(*state, date("2028-02-22")));
  for (civil_day day = date("2021-01-01"); day <= date("2027-12-31"); day++) {
    assert_int_equal(calendar_is_working(*state, day), calendar_is_working(with, day));
  }
  assert_string_not_equal(calendar_revision(*state), calendar_revision(with));
  calendar_destroy(&with);
}

static void a_year_that_was_there_is_replaced(void **state) {
  struct calendar *with = NULL;
  struct calendar *again = NULL;
  struct fault fault;
  assert_int_equal(ERR_OK, amended(*state, year_2028, &with, &fault));
  char other[2048];
  (void)snprintf(other, sizeof other, "%s2028-12-29,off,перенос\n", year_2028);
  assert_int_equal(ERR_OK, amended(with, other, &again, &fault));
  assert_true(calendar_is_working(with, date("2028-12-29")));
  assert_false(calendar_is_working(again, date("2028-12-29")));
  assert_int_equal(2028, calendar_last_year(again));
  calendar_destroy(&with);
  calendar_destroy(&again);
}

/* The order of lines, a mark, carriage returns and empty lines are nobody's amendment. */
static void the_same_file_gives_the_same_revision(void **state) {
  struct calendar *with = NULL;
  struct calendar *again = NULL;
  struct fault fault;
  struct writer dressed;
  writer_init(&dressed);
  writer_raw(&dressed, SPAN_LITERAL("\xEF\xBB\xBF"));
  for (const char *c = year_2028; *c; c++) {
    writer_raw(&dressed, *c == '\n' ? SPAN_LITERAL("\r\n\r\n") : span_of(c, 1));
  }
  assert_int_equal(ERR_OK, amended(*state, year_2028, &with, &fault));
  assert_int_equal(ERR_OK, calendar_amend(with, writer_span(&dressed), &again, &fault));
  assert_string_equal(calendar_revision(with), calendar_revision(again));
  assert_true(span_equal(calendar_source(with), calendar_source(again)));
  writer_finish(&dressed);
  calendar_destroy(&with);
  calendar_destroy(&again);
}

static void the_source_of_a_year_is_its_rows(void **state) {
  struct calendar *with = NULL;
  struct fault fault;
  assert_int_equal(ERR_OK, amended(*state, year_2028, &with, &fault));
  assert_true(span_equal(span_of_cstr(strchr(year_2028, '\n') + 1), calendar_source_year(with, 2028)));
  assert_int_equal(0, calendar_source_year(with, 2029).size);
  assert_true(span_starts_with(calendar_source_year(with, 2021), SPAN_LITERAL("2021-01-01,off,")));
  assert_true(span_equal(calendar_source_year(*state, 2026), calendar_source_year(with, 2026)));
  calendar_destroy(&with);
}

static void what_is_wrong_is_said_and_changes_nothing(void **state) {
  static const struct {
    const char *csv, *text;
    uint32_t line;
  } bad[] = {
      {"", "первая строка", 1},
      {"date,kind,note\n", "ни одной даты", 0},
      {"date,kind,note\n2028-01-01,holiday,\n", "вид дня", 2},
      {"date,kind,note\n\n2028-13-01,off,\n", "такой даты нет", 3},
      {"date,kind,note\n2028-01-01,off,\n2028-01-01,off,\n", "по возрастанию", 3},
      {"date,kind,note\n2028-01-01,off,\n2028-01-02,off,\n", "год загружается целиком", 0},
      {"date,kind,note\n2028-01-01,work,\n", "записан рабочим днём", 2},
      {"date,kind,note\n2028-01-01,off,\xFF\n", "UTF-8", 0},
      {"date,kind,note\n2028-01-01,off,\"a\n", "не по правилам CSV", 2},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct calendar *with = NULL;
    struct fault fault;
    assert_int_not_equal(ERR_OK, amended(*state, bad[i].csv, &with, &fault));
    assert_null(with);
    assert_non_null(strstr(fault.text, bad[i].text));
    assert_int_equal(bad[i].line, fault.line);
  }
}

static void years_may_not_leave_a_gap(void **state) {
  struct calendar *with = NULL;
  struct fault fault;
  char later[2048];
  (void)snprintf(later, sizeof later, "%s", year_2028);
  for (char *at = strstr(later, "2028-"); at; at = strstr(at + 1, "2028-")) {
    at[3] = '9';
  }
  assert_int_equal(ERR_RANGE, amended(*state, later, &with, &fault));
  assert_non_null(strstr(fault.text, "нет 2028 года"));
  for (char *at = strstr(later, "2029-"); at; at = strstr(at + 1, "2029-")) {
    memcpy(at, "2001", 4);
  }
  assert_int_equal(ERR_RANGE, amended(*state, later, &with, &fault));
  assert_non_null(strstr(fault.text, "нет 2020 года"));
}

static void a_year_without_work_is_refused(void **state) {
  struct calendar *with = NULL;
  struct fault fault;
  struct writer csv;
  char text[CIVIL_DATE_TEXT];
  writer_init(&csv);
  writer_printf(&csv, "date,kind,note\n");
  for (civil_day day = date("2028-01-01"); day <= date("2028-12-29"); day++) {
    civil_day_format(day, text);
    writer_printf(&csv, "%s,off,\n", text);
  }
  fault = (struct fault){0};
  assert_int_equal(ERR_INVALID, calendar_amend(*state, writer_span(&csv), &with, &fault));
  assert_non_null(strstr(fault.text, "рабочих дней"));
  writer_finish(&csv);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_year_is_added_whole),
      cmocka_unit_test(a_year_that_was_there_is_replaced),
      cmocka_unit_test(the_same_file_gives_the_same_revision),
      cmocka_unit_test(the_source_of_a_year_is_its_rows),
      cmocka_unit_test(what_is_wrong_is_said_and_changes_nothing),
      cmocka_unit_test(years_may_not_leave_a_gap),
      cmocka_unit_test(a_year_without_work_is_refused),
  };
  return cmocka_run_group_tests(tests, config_setup, config_teardown);
}
