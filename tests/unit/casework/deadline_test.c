#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "world.h"

static struct deadline sample(void) {
  return (struct deadline){.slot = 7,
                           .id = SPAN_LITERAL("visit"),
                           .key = SPAN_LITERAL("k1"),
                           .basis = SPAN_LITERAL("п. 2"),
                           .title = SPAN_LITERAL("Выезд"),
                           .owner = SPAN_LITERAL("helper"),
                           .term = SPAN_LITERAL("10wd"),
                           .cause = SPAN_LITERAL("late-notice"),
                           .calendar_revision = SPAN_LITERAL("0123456789abcdef"),
                           .from = 20447, /* 2025-12-25 */
                           .due = 20473,  /* 2026-01-20 */
                           .opens = CIVIL_DAY_NONE,
                           .shift = TERM_SHIFT_ON,
                           .state = DEADLINE_MET_REPORTED_LATE,
                           .opened_at = 1766600000000,
                           .at = 1766700000000,
                           .done_on = 20450};
}

static void a_record_gives_back_what_was_written(void **state) {
  (void)state;
  struct deadline d = sample();
  struct deadline back;
  struct writer w;
  struct writer again;
  writer_init(&w);
  writer_init(&again);
  deadline_encode(&d, &w);
  assert_int_equal(deadline_decode(writer_span(&w), &back), ERR_OK);
  assert_true(span_equal(back.cause, d.cause));
  assert_int_equal(back.done_on, d.done_on);
  assert_int_equal(back.opens, CIVIL_DAY_NONE);
  assert_false(back.counted);
  deadline_encode(&back, &again);
  assert_int_equal(again.size, w.size);
  assert_memory_equal(again.data, w.data, w.size);
  writer_finish(&w);
  writer_finish(&again);
}

static void a_pause_stands_in_the_record(void **state) {
  (void)state;
  struct deadline d = sample();
  struct deadline back;
  struct writer w;
  writer_init(&w);
  d.held = 13;
  deadline_encode(&d, &w);
  assert_int_equal(deadline_decode(writer_span(&w), &back), ERR_OK);
  assert_int_equal(back.held, 13);
  writer_reset(&w);
  d.held = DEADLINE_HELD_MAX + 1;
  deadline_encode(&d, &w);
  assert_int_equal(deadline_decode(writer_span(&w), &back), ERR_CORRUPT);
  writer_finish(&w);
}

static void damaged_records_are_refused(void **state) {
  (void)state;
  struct deadline d = sample();
  struct deadline back;
  struct writer w;
  writer_init(&w);
  deadline_encode(&d, &w);
  for (size_t size = 0; size < w.size; size++) {
    assert_int_not_equal(deadline_decode(span_of(w.data, size), &back), ERR_OK);
  }
  writer_u8(&w, 0);
  assert_int_equal(deadline_decode(writer_span(&w), &back), ERR_CORRUPT);
  w.data[0] = 2;
  assert_int_equal(deadline_decode(writer_span(&w), &back), ERR_VERSION);
  w.data[0] = 1;
  w.data[1] = 99;
  assert_int_equal(deadline_decode(writer_span(&w), &back), ERR_CORRUPT);
  writer_finish(&w);
}

static void states_have_the_names_of_the_outcome(void **state) {
  (void)state;
  assert_string_equal(deadline_state_name(DEADLINE_MET_REPORTED_LATE), "met-reported-late");
  assert_string_equal(deadline_state_name(DEADLINE_PROVISIONAL), "provisional");
  assert_string_equal(deadline_state_name(DEADLINE_PAUSED), "paused");
}

static struct calendar *calendar_new(struct arena *arena) {
  struct calendar *calendar;
  FILE *file = fopen(KURATOR_SOURCE_DIR "/config/calendar/ru.csv", "rb");
  assert_non_null(file);
  uint8_t *bytes = arena_alloc(arena, 1 << 20);
  size_t size = fread(bytes, 1, 1 << 20, file);
  (void)fclose(file);
  assert_int_equal(calendar_create(span_of(bytes, size), (struct calendar_options){0}, &calendar, NULL), ERR_OK);
  return calendar;
}

static void the_explanation_says_term_bound_cause_and_basis(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  struct calendar *calendar = calendar_new(&arena);
  struct deadline d = sample();
  d.due -= 4; /* bounded by another date: 2026-01-16 */
  d.opens = 20448;
  const char *text = arena_cstr(&arena, deadline_explain(calendar, &d, &arena));
  static const char *const parts[] = {
      "10 рабочих дней",     "25.12.2025",           "; срок ограничен датой 16.01.2026",
      "не ранее 26.12.2025", "причина: late-notice", "исполнителю не засчитывается",
      "; основание: п. 2"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (!strstr(text, parts[i])) {
      fail_msg("\"%s\" does not say \"%s\"", text, parts[i]);
    }
  }
  calendar_destroy(&calendar);
  arena_finish(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_record_gives_back_what_was_written),
      cmocka_unit_test(damaged_records_are_refused),
      cmocka_unit_test(a_pause_stands_in_the_record),
      cmocka_unit_test(states_have_the_names_of_the_outcome),
      cmocka_unit_test(the_explanation_says_term_bound_cause_and_basis),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
