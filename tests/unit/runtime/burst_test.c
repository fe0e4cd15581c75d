/*
 * Many deadlines that fall due at once: nobody waits for those of others, and each case goes the way that it would have
 * gone alone. Then the clock: whatever it does, what is recorded goes forward, and a timer fires once.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "check.h"
#include "runtime/records.h"

#define MONDAY "2026-01-12T10:00:00+05:00"
#define MISSED "2026-01-20T00:00:00+05:00" /* five working days later */
#define AFTER  "2026-01-21T09:00:00+05:00"
#define LATER  "2026-01-21T09:00:01+05:00"
#define END    "2026-12-31"

enum { CASES = 60, SLICE = 8, WINDOW = 5 };

static struct bench b;

static int setup(void **state) {
  (void)state;
  bench_open(&b);
  b.limits.batch_timers = SLICE;
  b.limits.timer_window = WINDOW; /* the burst is larger */
  bench_restart(&b);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static const char *text(const char *format, unsigned number) {
  char buffer[400];
  (void)snprintf(buffer, sizeof buffer, format, number);
  return arena_cstr(&b.arena, span_of_cstr(buffer));
}

/* ---- the world: each case waits for a visit, and will have missed it on the 20th ---- */

static void begin_cases(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    struct bench_message m = *BEGIN(i + 1, 1, "2026-01-12");
    m.case_id = text("86-%02u", i);
    assert_memory_equal("accepted", bench_send(&b, MONDAY, &m), 8);
  }
}

static void submit_visit(unsigned number, uint64_t sequence) {
  struct bench_message m = *VISIT(sequence);
  m.case_id = text("86-%02u", number);
  assert_int_equal(ERR_OK, bench_submit(&b, &m));
}

static void tick(const char *moment) {
  assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment(moment)));
  while (store_poll(b.store)) {
  }
}

static bool is_behind(const char *moment) {
  civil_moment due = runtime_next_due(b.runtime);
  return due != CIVIL_MOMENT_NONE && due <= bench_moment(moment);
}

/* ---- the journal ---- */

struct entries {
  size_t timers, of_deadlines;
  civil_moment last;
};

static bool count_entry(void *arg, struct span key, struct span value) {
  struct entries *entries = arg;
  struct record_journal entry;
  (void)key;
  assert_int_equal(ERR_OK, record_journal_read(value, &entry));
  assert_true(entry.recorded_at >= entries->last);
  entries->last = entry.recorded_at;
  entries->timers += entry.kind == RECORD_JOURNAL_TIMER;
  entries->of_deadlines += entry.kind == RECORD_JOURNAL_TIMER && entry.occurred_at == bench_moment(MISSED);
  return true;
}

/* Each entry at or after the one before it. */
static struct entries entries(void) {
  struct entries found = {.last = CIVIL_MOMENT_NONE};
  struct span all = {NULL, 0};
  assert_int_equal(ERR_OK, store_scan(b.store, STORE_JOURNAL, all, all, count_entry, &found));
  return found;
}

static void assert_all_missed_once(size_t count) {
  assert_int_equal(count, entries().of_deadlines);
  assert_int_equal(count,
                   bench_count(bench_outcome(&b), "\"id\":\"visit\",\"basis\":\"правило\",\"from\":\"2026-01-12\","
                                                  "\"term\":\"5wd\",\"due\":\"2026-01-19\",\"state\":\"missed\","
                                                  "\"at\":\"" MISSED "\""));
}

static void assert_rehearsed(void) {
  bench_until(&b, END "T23:59:59.999+05:00");
  const char *journal = bench_export(&b);
  const char *outcome = bench_outcome(&b);
  struct span both = arena_printf(&b.arena, "%s%s", journal, outcome);
  assert_string_equal(arena_cstr(&b.arena, both), bench_replay(&b, journal, END));
}

/* ---- messages among them ---- */

static void a_message_waits_for_one_slice_of_others_timers(void **state) {
  (void)state;
  begin_cases(CASES);
  size_t before = b.receipts_count;
  submit_visit(CASES - 1, 1);
  tick(AFTER);
  assert_int_equal(before + 1, b.receipts_count);
  assert_true(is_behind(AFTER));
  assert_int_equal(SLICE + 2, entries().timers); /* the slice, and the case's own reminder and deadline */
}

static void what_was_missed_before_the_message_is_missed(void **state) {
  (void)state;
  begin_cases(CASES);
  submit_visit(CASES - 1, 1);
  tick(AFTER);
  assert_true(is_behind(AFTER));
  assert_all_missed_once(1);
  struct bench_message m = {"helper-north", 2, "visit.done", text("86-%02u", CASES - 2), NULL, NULL};
  m.occurred = "2026-01-19T12:00:00+05:00";
  assert_int_equal(ERR_OK, bench_submit(&b, &m));
  tick(AFTER);
  assert_true(is_behind(AFTER));
  assert_int_equal(1, bench_count(bench_outcome(&b), "\"state\":\"met-reported-late\",\"at\":\"" AFTER "\""));
  assert_rehearsed();
  assert_int_equal(CASES, entries().of_deadlines);
}

/* The plan of the part is due with the rest; the message goes to the root. */
static void a_message_waits_for_the_timers_of_every_part_of_its_case(void **state) {
  (void)state;
  begin_cases(CASES);
  submit_visit(CASES - 1, 1);
  bench_until(&b, "2026-01-14T09:00:00+05:00"); /* the part's plan: until the 19th */
  struct bench_message closed = {"helper-north", 2, "closed", text("86-%02u", CASES - 1), NULL, NULL};
  assert_int_equal(ERR_OK, bench_submit(&b, &closed));
  tick(AFTER);
  assert_true(is_behind(AFTER));
  const char *outcome = bench_outcome(&b);
  assert_int_equal(1, bench_count(outcome, "\"id\":\"plan\""));
  assert_non_null(strstr(outcome, "\"due\":\"2026-01-19\",\"state\":\"missed\",\"at\":\"" MISSED "\""));
  assert_rehearsed();
}

static void whoever_is_refused_or_known_leaves_no_gap_in_a_rehearsal(void **state) {
  (void)state;
  begin_cases(CASES);
  struct bench_message again = *BEGIN(500, 1, "2026-01-12"); /* a duplicate: no entry, but its timers are taken */
  again.case_id = text("86-%02u", CASES - 1);
  struct bench_message stranger = {"helper-south", 1, "visit.done", text("86-%02u", CASES - 2), NULL, NULL};
  struct bench_message unreadable = {"helper-north", 1, "visit.done", text("86-%02u", CASES - 3), "{\"note\":7}", NULL};
  assert_int_equal(ERR_OK, bench_submit(&b, &again));
  assert_int_equal(ERR_OK, bench_submit(&b, &stranger));
  assert_int_equal(ERR_OK, bench_submit(&b, &unreadable));
  tick(AFTER);
  assert_true(is_behind(AFTER));
  tick(LATER);
  submit_visit(CASES - 1, 2);
  tick(LATER);
  assert_true(is_behind(LATER));
  assert_non_null(strstr(bench_export(&b), "{\"at\":\"" AFTER "\",\"case\":\"86-59\",\"timers\":8}\n"));
  assert_rehearsed();
  assert_int_equal(CASES, entries().of_deadlines);
}

static void an_engine_that_is_not_behind_says_nothing_of_timers(void **state) {
  (void)state;
  b.limits.batch_timers = 2 * CASES + 1;
  b.limits.tick_timers = 0;
  bench_restart(&b);
  begin_cases(CASES);
  submit_visit(0, 1);
  tick(AFTER);
  assert_all_missed_once(CASES);
  assert_null(strstr(bench_export(&b), "\"timers\""));
  assert_rehearsed();
}

static void with_timers_first_a_message_waits_for_all_of_them(void **state) {
  (void)state;
  begin_cases(CASES);
  b.timers_first = true;
  bench_restart(&b);
  size_t before = b.receipts_count;
  submit_visit(0, 1);
  while (is_behind(AFTER)) {
    assert_int_equal(before, b.receipts_count);
    tick(AFTER);
  }
  bench_until(&b, AFTER);
  assert_all_missed_once(CASES);
  assert_null(strstr(bench_export(&b), "\"timers\""));
}

/* ---- restarts ---- */

static void a_restart_in_the_middle_loses_no_timer_and_repeats_none(void **state) {
  (void)state;
  begin_cases(CASES);
  for (unsigned i = 0; i < CASES / 4; i++) {
    submit_visit(CASES - 1 - i, i + 1);
    tick(AFTER);
    bench_restart(&b);
    tick(AFTER);
    bench_restart(&b);
  }
  assert_rehearsed();
  assert_int_equal(CASES, entries().of_deadlines);
  assert_true(bench_count(bench_export(&b), "\"timers\":16}") > 2); /* counted across the restart */
}

static void timers_that_fell_due_while_nothing_ran_fire_once_when_they_were_due(void **state) {
  (void)state;
  begin_cases(CASES);
  bench_stop(&b);
  bench_start(&b);
  bench_until(&b, "2026-08-01");
  assert_all_missed_once(CASES);
  bench_restart(&b);
  bench_until(&b, "2026-08-02");
  assert_all_missed_once(CASES);
}

/* ---- clocks ---- */

static void a_clock_that_jumps_forward_fires_once(void **state) {
  (void)state;
  begin_cases(CASES);
  bench_until(&b, "2027-06-01");
  size_t timers = entries().timers;
  assert_all_missed_once(CASES);
  bench_until(&b, "2026-01-13T09:00:00+05:00");
  bench_restart(&b);
  bench_until(&b, "2027-06-01");
  assert_int_equal(timers, entries().timers);
}

static void a_clock_set_back_in_the_middle_changes_nothing(void **state) {
  (void)state;
  begin_cases(CASES);
  submit_visit(CASES - 1, 1);
  tick(AFTER);
  assert_true(is_behind(AFTER));
  for (unsigned i = 2; i < 10; i++) {
    submit_visit(CASES - i, i);
    tick(i % 2 == 0 ? MONDAY : "2026-01-15T10:00:00+05:00");
    bench_restart(&b);
  }
  assert_true(is_behind(AFTER)); /* what is recorded stands at AFTER */
  assert_int_equal(9, bench_count(bench_export(&b), "\"at\":\"" AFTER "\",\"as\":\"helper-north\""));
  assert_rehearsed();
  assert_int_equal(CASES, entries().of_deadlines);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_message_waits_for_one_slice_of_others_timers),
      TEST(what_was_missed_before_the_message_is_missed),
      TEST(a_message_waits_for_the_timers_of_every_part_of_its_case),
      TEST(whoever_is_refused_or_known_leaves_no_gap_in_a_rehearsal),
      TEST(an_engine_that_is_not_behind_says_nothing_of_timers),
      TEST(with_timers_first_a_message_waits_for_all_of_them),
      TEST(a_restart_in_the_middle_loses_no_timer_and_repeats_none),
      TEST(timers_that_fell_due_while_nothing_ran_fire_once_when_they_were_due),
      TEST(a_clock_that_jumps_forward_fires_once),
      TEST(a_clock_set_back_in_the_middle_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
