#include "naive.h"

static void terms_are_read_part_by_part(void **state) {
  (void)state;
  struct term term = term_of("-6mo+10wd+2w+1y");
  assert_int_equal(term.parts_count, 4);
  assert_int_equal(term.parts[0].count, -6);
  assert_int_equal(term.parts[0].unit, TERM_MONTHS);
  assert_int_equal(term.parts[1].count, 10);
  assert_int_equal(term.parts[1].unit, TERM_WORKING_DAYS);
  assert_int_equal(term.parts[2].unit, TERM_WEEKS);
  assert_int_equal(term.parts[3].unit, TERM_YEARS);
  assert_int_equal(term_of("0d").parts[0].unit, TERM_DAYS);
}

static void malformed_terms_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum err err;
  } bad[] = {{"", ERR_FORMAT},
             {"10", ERR_FORMAT},
             {"wd", ERR_FORMAT},
             {"-d", ERR_FORMAT},
             {"10 wd", ERR_FORMAT},
             {" 10wd", ERR_FORMAT},
             {"10wd ", ERR_FORMAT},
             {"10WD", ERR_FORMAT},
             {"10m", ERR_FORMAT},
             {"1.5d", ERR_FORMAT},
             {"+5d", ERR_FORMAT},
             {"5d+", ERR_FORMAT},
             {"5d++5d", ERR_FORMAT},
             {"--5d", ERR_FORMAT},
             {"5d-3d", ERR_FORMAT},
             {"1d+1d+1d+1d+1d", ERR_FORMAT},
             {"10рд", ERR_FORMAT},
             {"100000d", ERR_RANGE},
             {"-100000wd", ERR_RANGE},
             {"99999999999999999999y", ERR_RANGE},
             {"0000000000000000000000000000000000000000000000000000000000000001d", ERR_FORMAT}};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct term term = {.parts_count = 42};
    struct fault fault = {0};
    assert_int_equal(term_parse(span_of_cstr(bad[i].text), &term, &fault), bad[i].err);
    assert_int_equal(term.parts_count, 42);
    assert_true(fault.text[0] != '\0');
  }
}

static void assert_due(struct calendar *calendar, const char *from, const char *term, enum term_shift shift,
                       const char *expected) {
  struct term parsed = term_of(term);
  struct due due;
  assert_int_equal(calendar_due(calendar, date(from), &parsed, shift, &due), ERR_OK);
  char text[CIVIL_DATE_TEXT];
  civil_day_format(due.day, text);
  assert_string_equal(text, expected);
}

/* "10 working days" and "6 months" of the vectors as terms. */
static void vector_term(const char *rule, char *term, size_t size) {
  int count = 0;
  int used = 0;
  assert_int_equal(sscanf(rule, "%d %n", &count, &used), 1);
  const char *unit = rule + used;
  assert_true(strcmp(unit, "working days") == 0 || strcmp(unit, "months") == 0);
  (void)snprintf(term, size, "%d%s", count, unit[0] == 'w' ? "wd" : "mo");
}

static void every_row_of_the_term_vectors_holds(void **state) {
  struct span csv = file_read("tests/unit/calendar/term-vectors.csv");
  struct span rest;
  assert_true(span_is(span_trim(span_cut(csv, '\n', &rest)), "event_date,rule,due,note"));
  int rows = 0;
  while (rest.size > 0) {
    char row[256];
    struct span line = span_cut(rest, '\n', &rest);
    (void)snprintf(row, sizeof(row), "%.*s", SPAN_ARG(line));
    char from[16];
    char rule[32];
    char expected[16];
    char term[32];
    assert_int_equal(sscanf(row, "%15[^,],%31[^,],%15[^,]", from, rule, expected), 3);
    vector_term(rule, term, sizeof(term));
    assert_due(*state, from, term, TERM_SHIFT_AUTO, expected);
    rows++;
  }
  assert_int_equal(rows, 15);
  free((void *)csv.data);
}

static void months_end_on_the_same_date_or_the_last_day(void **state) {
  static const struct {
    const char *from;
    const char *term;
    const char *raw;
  } rows[] = {{"2024-02-29", "1y", "2025-02-28"},      {"2024-02-29", "4y", "2028-02-29"},
              {"2026-01-31", "1mo", "2026-02-28"},     {"2026-02-28", "1mo", "2026-03-28"},
              {"2026-03-31", "-1mo", "2026-02-28"},    {"2026-01-15", "-1mo", "2025-12-15"},
              {"2026-12-31", "2mo", "2027-02-28"},     {"2026-01-15", "-13mo", "2024-12-15"},
              {"2026-01-15", "-2y", "2024-01-15"},     {"2026-01-15", "2w", "2026-01-29"},
              {"2026-01-15", "-5d", "2026-01-10"},     {"2026-01-10", "0d", "2026-01-10"},
              {"2026-01-31", "1mo+1mo", "2026-03-28"}, {"2026-01-15", "3mo+5wd", "2026-04-22"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_due(*state, rows[i].from, rows[i].term, TERM_SHIFT_NONE, rows[i].raw);
  }
}

static void a_term_that_ends_on_a_day_off_moves_as_its_direction_says(void **state) {
  /* Saturday 10 January 2026 ends the holidays; the working days around it are 30 December and 12 January. */
  assert_due(*state, "2026-01-03", "1w", TERM_SHIFT_AUTO, "2026-01-12");
  assert_due(*state, "2026-01-17", "-1w", TERM_SHIFT_AUTO, "2025-12-30");
  assert_due(*state, "2026-01-03", "1w", TERM_SHIFT_BACK, "2025-12-30");
  assert_due(*state, "2026-01-17", "-1w", TERM_SHIFT_ON, "2026-01-12");
  assert_due(*state, "2026-01-03", "1w", TERM_SHIFT_NONE, "2026-01-10");
  assert_due(*state, "2026-01-10", "0d", TERM_SHIFT_AUTO, "2026-01-12");
  assert_due(*state, "2026-01-10", "0wd", TERM_SHIFT_AUTO, "2026-01-12");
  assert_due(*state, "2026-01-03", "2w+-1w", TERM_SHIFT_AUTO, "2025-12-30");
}

/* The next part goes on from the unshifted end: 10 January, a Saturday, not from 12 January. */
static void parts_follow_each_other_without_a_shift_between(void **state) {
  assert_due(*state, "2026-01-03", "1w+2d", TERM_SHIFT_AUTO, "2026-01-12");
  assert_due(*state, "2026-01-03", "1w+1wd", TERM_SHIFT_AUTO, "2026-01-12");
}

static void working_days_from_a_day_off_begin_with_the_next_working_day(void **state) {
  assert_due(*state, "2026-01-10", "1wd", TERM_SHIFT_AUTO, "2026-01-12");
  assert_due(*state, "2026-01-10", "-1wd", TERM_SHIFT_AUTO, "2025-12-30");
}

static bool is_provisional(struct calendar *calendar, const char *from, const char *term) {
  struct term parsed = term_of(term);
  struct due due;
  assert_int_equal(calendar_due(calendar, date(from), &parsed, TERM_SHIFT_AUTO, &due), ERR_OK);
  return due.provisional;
}

static void what_rests_on_days_outside_the_file_is_provisional(void **state) {
  assert_false(is_provisional(*state, "2027-12-20", "5wd"));
  assert_false(is_provisional(*state, "2021-01-11", "0d"));
  assert_true(is_provisional(*state, "2027-12-20", "10wd"));
  assert_true(is_provisional(*state, "2027-12-01", "1mo+1d"));
  assert_true(is_provisional(*state, "2027-11-30", "1mo+1d")); /* 31 December is off: moves into 2028 */
  assert_true(is_provisional(*state, "2020-12-25", "10wd"));
  assert_false(is_provisional(*state, "2020-12-25", "6mo"));
  assert_true(is_provisional(*state, "2021-01-12", "-10wd"));
  assert_true(is_provisional(*state, "2027-12-20", "20wd+-20wd"));
  assert_false(is_provisional(*state, "2027-06-20", "1y+-1y"));
}

static void terms_past_the_known_years_are_out_of_range(void **state) {
  static const char *const terms[] = {"99999wd", "-99999wd", "99999d",   "-99999d", "99999w",
                                      "-99999w", "99999mo",  "-99999mo", "99999y",  "-99999y"};
  for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
    struct term term = term_of(terms[i]);
    struct due due;
    assert_int_equal(calendar_due(*state, date("2026-01-15"), &term, TERM_SHIFT_AUTO, &due), ERR_RANGE);
  }
  struct term term = term_of("0d");
  struct due due;
  assert_int_equal(calendar_due(*state, CIVIL_DAY_NONE, &term, TERM_SHIFT_AUTO, &due), ERR_RANGE);
  assert_int_equal(calendar_due(*state, CIVIL_DAY_FIRST, &term, TERM_SHIFT_BACK, &due), ERR_RANGE);
}

static civil_day months_by_hand(civil_day from, int months) {
  struct civil_date d = civil_date_of(from);
  for (; months > 0; months--) {
    d.month = d.month == 12 ? 1 : d.month + 1;
    d.year += d.month == 1 ? 1 : 0;
  }
  for (; months < 0; months++) {
    d.month = d.month == 1 ? 12 : d.month - 1;
    d.year -= d.month == 12 ? 1 : 0;
  }
  civil_day day;
  while (civil_day_of(d, &day) != ERR_OK) {
    d.day--;
  }
  return day;
}

static void months_and_shifts_agree_with_walking(void **state) {
  static struct naive naive;
  naive_load(&naive, false);
  for (civil_day from = date("2021-01-01"); from <= date("2027-12-31"); from++) {
    for (int32_t n = -60; n <= 60; n++) {
      struct term term = {.parts = {{n, TERM_MONTHS}}, .parts_count = 1};
      struct due due;
      civil_day raw = months_by_hand(from, n);
      assert_int_equal(calendar_due(*state, from, &term, TERM_SHIFT_AUTO, &due), ERR_OK);
      assert_int_equal(due.raw, raw);
      assert_int_equal(due.day, naive_shift(&naive, raw, n < 0 ? -1 : 1));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(terms_are_read_part_by_part),
      cmocka_unit_test(malformed_terms_are_refused),
      cmocka_unit_test(every_row_of_the_term_vectors_holds),
      cmocka_unit_test(months_end_on_the_same_date_or_the_last_day),
      cmocka_unit_test(a_term_that_ends_on_a_day_off_moves_as_its_direction_says),
      cmocka_unit_test(parts_follow_each_other_without_a_shift_between),
      cmocka_unit_test(working_days_from_a_day_off_begin_with_the_next_working_day),
      cmocka_unit_test(what_rests_on_days_outside_the_file_is_provisional),
      cmocka_unit_test(terms_past_the_known_years_are_out_of_range),
      cmocka_unit_test(months_and_shifts_agree_with_walking),
  };
  return cmocka_run_group_tests(tests, config_setup, config_teardown);
}
