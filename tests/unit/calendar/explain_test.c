#include "load.h"

static struct arena arena;

static void assert_explained(const struct calendar *calendar, const char *from, const char *term, enum term_shift shift,
                             const char *expected) {
  struct term parsed = term_of(term);
  struct span why = calendar_explain(calendar, date(from), &parsed, shift, &arena);
  assert_string_equal(arena_cstr(&arena, why), expected);
}

static void working_days_name_the_days_off_inside(void **state) {
  assert_explained(*state, "2025-12-25", "10wd", TERM_SHIFT_AUTO,
                   "10 рабочих дней с 25.12.2025, день начала не считается (ст. 191 ГК РФ, по аналогии); нерабочие дни "
                   "27.12–28.12, 31.12–11.01, 17.01–18.01; срок до 20.01.2026");
  assert_explained(*state, "2026-05-07", "1wd", TERM_SHIFT_AUTO,
                   "1 рабочий день с 07.05.2026, день начала не считается (ст. 191 ГК РФ, по аналогии); срок до "
                   "08.05.2026");
}

static void working_saturdays_and_ignored_decrees_are_named(void **state) {
  assert_explained(*state, "2027-02-19", "3wd", TERM_SHIFT_AUTO,
                   "3 рабочих дня с 19.02.2027, день начала не считается (ст. 191 ГК РФ, по аналогии); нерабочие дни "
                   "21.02–23.02; рабочие по переносу выходные 20.02; срок до 25.02.2027");
  assert_explained(*state, "2021-04-29", "3wd", TERM_SHIFT_AUTO,
                   "3 рабочих дня с 29.04.2021, день начала не считается (ст. 191 ГК РФ, по аналогии); нерабочие дни "
                   "01.05–03.05; нерабочие по указу Президента, но считаются рабочими (правило по умолчанию) "
                   "04.05–05.05; срок до 05.05.2021");
}

static void a_shift_names_its_ground(void **state) {
  assert_explained(*state, "2026-08-28", "6mo", TERM_SHIFT_AUTO,
                   "6 месяцев с 28.08.2026, день начала не считается (ст. 191 ГК РФ, по аналогии); последний день "
                   "28.02.2027 — нерабочий, перенос на ближайший следующий рабочий день 01.03.2027, ст. 193 ГК РФ; "
                   "срок до 01.03.2027");
  assert_explained(*state, "2026-03-07", "-1w", TERM_SHIFT_AUTO,
                   "за 1 неделю до 07.03.2026, этот день не считается (ст. 191 ГК РФ, по аналогии); последний день "
                   "28.02.2026 — нерабочий, перенос на ближайший предыдущий рабочий день 27.02.2026 (правило по "
                   "умолчанию); не позднее 27.02.2026");
  assert_explained(*state, "2026-08-28", "6mo", TERM_SHIFT_NONE,
                   "6 месяцев с 28.08.2026, день начала не считается (ст. 191 ГК РФ, по аналогии); последний день "
                   "28.02.2027 — нерабочий, срок не переносится; срок до 28.02.2027");
}

static void a_month_without_the_date_is_named(void **state) {
  assert_explained(*state, "2026-08-31", "1mo", TERM_SHIFT_AUTO,
                   "1 месяц с 31.08.2026, день начала не считается (ст. 191 ГК РФ, по аналогии); 31-го числа в "
                   "последнем месяце нет, срок оканчивается в его последний день 30.09.2026 (п. 3 ст. 192 ГК РФ); срок "
                   "до 30.09.2026");
}

static void parts_are_told_one_after_the_other(void **state) {
  assert_explained(*state, "2026-01-15", "3mo+5wd", TERM_SHIFT_AUTO,
                   "3 месяца с 15.01.2026, день начала не считается (ст. 191 ГК РФ, по аналогии); затем 5 рабочих дней "
                   "с 15.04.2026; нерабочие дни 18.04–19.04; срок до 22.04.2026");
  assert_explained(*state, "2026-01-10", "0d", TERM_SHIFT_AUTO,
                   "в день 10.01.2026; последний день 10.01.2026 — нерабочий, перенос на ближайший следующий рабочий "
                   "день 12.01.2026, ст. 193 ГК РФ; срок до 12.01.2026");
}

static void years_that_are_not_loaded_are_named(void **state) {
  assert_explained(*state, "2027-12-27", "5wd", TERM_SHIFT_AUTO,
                   "5 рабочих дней с 27.12.2027, день начала не считается (ст. 191 ГК РФ, по аналогии); нерабочие дни "
                   "31.12–09.01; срок до 11.01.2028; предварительно: нет производственного календаря на 2028 год, "
                   "учтены выходные и праздники по ст. 112 ТК РФ");
  assert_explained(
      *state, "2027-06-01", "3y", TERM_SHIFT_AUTO,
      "3 года с 01.06.2027, день начала не считается (ст. 191 ГК РФ, по аналогии); последний день "
      "01.06.2030 — нерабочий, перенос на ближайший следующий рабочий день 03.06.2030, ст. 193 ГК РФ; срок "
      "до 03.06.2030; предварительно: нет производственного календаря на 2028–2030 годы, учтены выходные и "
      "праздники по ст. 112 ТК РФ");
}

static void long_terms_list_only_unusual_days_off(void **state) {
  assert_explained(*state, "2026-09-01", "60wd", TERM_SHIFT_AUTO,
                   "60 рабочих дней с 01.09.2026, день начала не считается (ст. 191 ГК РФ, по аналогии); нерабочие дни "
                   "04.11 и обычные выходные; срок до 25.11.2026");
  struct term century = term_of("25000wd");
  struct span why = calendar_explain(*state, date("2026-01-01"), &century, TERM_SHIFT_AUTO, &arena);
  assert_true(why.size < 2500);
  assert_non_null(strstr(arena_cstr(&arena, why), " и другие"));
}

static void words_agree_with_their_numbers(void **state) {
  static const struct {
    const char *term;
    const char *words;
  } rows[] = {{"1wd", "1 рабочий день с"},
              {"2wd", "2 рабочих дня с"},
              {"5wd", "5 рабочих дней с"},
              {"11wd", "11 рабочих дней с"},
              {"14d", "14 календарных дней с"},
              {"21d", "21 календарный день с"},
              {"22d", "22 календарных дня с"},
              {"111d", "111 календарных дней с"},
              {"1w", "1 неделя с"},
              {"3w", "3 недели с"},
              {"6w", "6 недель с"},
              {"-1w", "за 1 неделю до"},
              {"-21w", "за 21 неделю до"},
              {"-4w", "за 4 недели до"},
              {"1mo", "1 месяц с"},
              {"4mo", "4 месяца с"},
              {"12mo", "12 месяцев с"},
              {"1y", "1 год с"},
              {"-2y", "за 2 года до"},
              {"5y", "5 лет с"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct term term = term_of(rows[i].term);
    struct span why = calendar_explain(*state, date("2026-01-15"), &term, TERM_SHIFT_AUTO, &arena);
    assert_true(span_starts_with(why, span_of_cstr(rows[i].words)));
  }
}

static void what_cannot_be_counted_is_said(void **state) {
  assert_explained(*state, "2026-01-15", "99999y", TERM_SHIFT_AUTO, "срок выходит за пределы 1900–2199 годов");
}

static void every_explanation_is_one_line_of_text(void **state) {
  static const char *const terms[] = {"10wd", "-10wd", "2w", "3mo", "-6mo", "1y", "3mo+5wd", "-6mo+-5wd", "0d"};
  for (civil_day from = date("2020-12-01"); from < date("2028-02-01"); from += 3) {
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
      struct term term = term_of(terms[i]);
      struct due due;
      assert_int_equal(calendar_due(*state, from, &term, TERM_SHIFT_AUTO, &due), ERR_OK);
      char *why = arena_cstr(&arena, calendar_explain(*state, from, &term, TERM_SHIFT_AUTO, &arena));
      char day[CIVIL_DATE_TEXT];
      civil_day_format_ru(due.day, day);
      assert_true(span_is_text(span_of_cstr(why)));
      assert_null(strchr(why, '\n'));
      assert_non_null(strstr(why, day));
      assert_int_equal(strstr(why, "предварительно") != NULL, due.provisional);
      arena_reset(&arena);
    }
  }
}

static int arena_setup(void **state) {
  arena_init(&arena, 0);
  return config_setup(state);
}

static int arena_teardown(void **state) {
  arena_finish(&arena);
  return config_teardown(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(working_days_name_the_days_off_inside),
      cmocka_unit_test(working_saturdays_and_ignored_decrees_are_named),
      cmocka_unit_test(a_shift_names_its_ground),
      cmocka_unit_test(a_month_without_the_date_is_named),
      cmocka_unit_test(parts_are_told_one_after_the_other),
      cmocka_unit_test(years_that_are_not_loaded_are_named),
      cmocka_unit_test(long_terms_list_only_unusual_days_off),
      cmocka_unit_test(words_agree_with_their_numbers),
      cmocka_unit_test(what_cannot_be_counted_is_said),
      cmocka_unit_test(every_explanation_is_one_line_of_text),
  };
  return cmocka_run_group_tests(tests, arena_setup, arena_teardown);
}
