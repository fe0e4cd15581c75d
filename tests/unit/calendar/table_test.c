#include "naive.h"

static struct naive naive;

static void each_way_of_counting_agrees_with_walking(void **state, bool decree_days_off) {
  (void)state;
  DEFER(calendar_destroy) struct calendar *calendar = calendar_of_config(decree_days_off);
  naive_load(&naive, decree_days_off);
  for (civil_day from = date("2021-01-01"); from <= date("2027-12-31"); from++) {
    assert_int_equal(calendar_is_working(calendar, from), naive_works(&naive, from));
    for (int32_t n = -60; n <= 60; n++) {
      struct term term = {.parts = {{n, TERM_WORKING_DAYS}}, .parts_count = 1};
      struct due due;
      assert_int_equal(calendar_due(calendar, from, &term, TERM_SHIFT_NONE, &due), ERR_OK);
      assert_int_equal(due.raw, naive_add_working_days(&naive, from, n));
      assert_int_equal(due.day, due.raw);
    }
  }
}

static void adding_working_days_agrees_with_walking(void **state) {
  each_way_of_counting_agrees_with_walking(state, false);
}

static void adding_working_days_agrees_with_walking_when_decrees_count(void **state) {
  each_way_of_counting_agrees_with_walking(state, true);
}

static void days_around_the_loaded_years_agree_with_walking(void **state) {
  (void)state;
  DEFER(calendar_destroy) struct calendar *calendar = calendar_of_config(false);
  naive_load(&naive, false);
  for (civil_day day = naive.first; day < naive.first + NAIVE_DAYS; day++) {
    assert_int_equal(calendar_is_working(calendar, day), naive_works(&naive, day));
  }
}

static void counting_between_agrees_with_walking_and_is_antisymmetric(void **state) {
  (void)state;
  DEFER(calendar_destroy) struct calendar *calendar = calendar_of_config(false);
  naive_load(&naive, false);
  for (civil_day from = date("2020-06-01"); from < date("2028-06-01"); from += 17) {
    int count = 0;
    for (civil_day to = from; to < from + 400; to++) {
      count += to > from && naive_works(&naive, to) ? 1 : 0;
      assert_int_equal(calendar_working_days_between(calendar, from, to), count);
      assert_int_equal(calendar_working_days_between(calendar, to, from), -count);
    }
  }
}

static void counting_past_the_known_years_stops_at_their_edge(void **state) {
  (void)state;
  DEFER(calendar_destroy) struct calendar *calendar = calendar_of_config(false);
  int all = calendar_working_days_between(calendar, CIVIL_DAY_FIRST - 1, CIVIL_DAY_LAST);
  assert_true(all > 70000);
  assert_int_equal(calendar_working_days_between(calendar, INT32_MIN, INT32_MAX), all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(adding_working_days_agrees_with_walking),
      cmocka_unit_test(adding_working_days_agrees_with_walking_when_decrees_count),
      cmocka_unit_test(days_around_the_loaded_years_agree_with_walking),
      cmocka_unit_test(counting_between_agrees_with_walking_and_is_antisymmetric),
      cmocka_unit_test(counting_past_the_known_years_stops_at_their_edge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
