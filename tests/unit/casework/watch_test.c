/* Deadlines of a case. Now is Monday 2026-01-12, 10:00; five working days later is Monday 2026-01-19. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static const struct world_process processes[] = {
    {"visit",
     "<state id='wait'>"
     "<k:deadline id='visit' title='Выезд' basis='п. 2' owner='helper' from='start.day' due='5wd' warn='2wd 1wd'"
     "  met-by='visit.done' met-if=\"_event.data.phase == 'after'\" cause=\"start.late\"/>"
     "<transition event='moved'><assign location='start.day' expr='_event.data.day'/></transition>"
     "<transition event='deadline.visit' cond=\"_event.data.due == '2026-01-19'\">"
     "  <k:notify role='board' template='late'/></transition>"
     "<transition event='reminder.visit'><k:notify role='board' template='soon'/></transition>"
     "<transition event='left' target='away'/><transition event='closed' target='end'/></state>"
     "<state id='away'><transition event='entered' target='wait'/></state><final id='end'/>"},
    {"window", "<state id='wait'><k:deadline id='look' from='start.day' due='3mo+5wd' opens='3mo' met-by='visit.done'/>"
               "<transition event='visit.done'/></state>"},
    {"bound",
     "<state id='wait'><k:deadline id='b' from='start.day' dueexpr='start.term' not-after='start.bound'"
     "  met-by='visit.done'/>"
     "<transition event='moved'><script>for k, v in pairs(_event.data) do start[k] = v end</script></transition>"
     "</state>"},
    {"keyed",
     "<state id='wait'><k:deadline id='issue' key='start.key' from='start.day' due='1d' met-by='visit.done'/>"
     "<transition event='deadline.issue'><k:incident reason=\"'late-' .. _event.data.key\"/></transition></state>"},
    {"early",
     "<state id='wait'>"
     "<k:deadline id='early' from='start.day' due='-6mo' shift='back' owner='helper' met-by='visit.done'"
     "  cause=\"'late-notice'\"/><transition event='deadline.early'><k:incident reason=\"'told'\"/></transition>"
     "</state>"},
    {"doubt", "<state id='wait'><k:deadline id='d' from='start.day' due='5wd' met-by='visit.done'"
              "  met-if='_event.data.phase and true'/><transition event='visit.done'/></state>"},
    {"ending",
     "<state id='wait'><k:deadline id='e' from='start.day' due='5wd' met-by='visit.done' ends-by='left closed'"
     "  ends-if=\"_event.name ~= 'left' or _event.data.really\"/>"
     "<k:deadline id='f' from='start.day' due='1wd' met-by='visit.done'/>"
     "<transition event='left visit.done'/><transition event='moved' target='away'/>"
     "<transition event='entered' target='end'/></state>"
     "<state id='away'/><final id='end'/>"},
    {"done", "<state id='wait'><k:deadline id='d' from='start.day' due='5wd' opens='1d' done='start.done'"
             "  met-by='visit.done'/><transition event='moved'><assign location='start.day' expr='_event.data.day'/>"
             "</transition></state>"},
    {"counted",
     "<state id='wait'><k:deadline id='d' key='start.day' from='start.day' due='5wd' done='start.done'"
     "  met-by='completed visit.done' met-if=\"_event.name == 'completed' or _x.deadline.key == _event.data.phase\"/>"
     "<transition event='moved'><assign location='start.done' expr='_event.data.day'/></transition>"
     "<transition event='entered' target='wait'><assign location='start.day' expr=\"'2026-02-02'\"/>"
     "</transition><transition event='left' target='away'/></state><state id='away'/>"},
    {"broken",
     "<state id='wait'><k:deadline id='x' from='start.day.nothing.at' due='1d'/>"
     "<transition event='moved'><assign location='start.day' expr=\"{nothing={at=_event.data.day}}\"/></transition>"
     "<transition event='left'/></state>"},
};

static struct world w;

static int setup(void **state) {
  (void)state;
  world_open(&w, processes, sizeof processes / sizeof *processes);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  world_close(&w);
  return 0;
}

static void start(const char *process, const char *data) {
  world_start(&w, "c", process, "begin", data);
}

#define OPEN_VISIT start("visit", "{\"day\":\"2026-01-12\",\"place\":\"north\"}")

static void a_deadline_opens_with_its_state_and_its_anchor(void **state) {
  (void)state;
  OPEN_VISIT;
  world_expect(&w,
               "c: deadline visit open from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-12T10:00:00+05:00");
}

static void an_event_in_time_meets_it(void **state) {
  (void)state;
  OPEN_VISIT;
  world_event(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}");
  world_expect(&w, "deadline visit met from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-12T10:00:00+05:00 "
                   "done=2026-01-12");
  assert_true(case_took(world_case(&w, "c")->kept));
  world_refuse(&w, "incident");
  assert_int_equal(w.timers_count, 0);
}

static void the_last_minute_of_the_due_day_is_in_time(void **state) {
  (void)state;
  OPEN_VISIT;
  world_until(&w, "2026-01-19T23:59:59+05:00");
  world_event(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}");
  world_expect(&w, "deadline visit met");
}

static void an_event_that_fails_the_condition_meets_nothing(void **state) {
  (void)state;
  OPEN_VISIT;
  world_event(&w, "c", "helper-north", "visit.done", "{\"phase\":\"before\"}");
  world_refuse(&w, "deadline visit met");
  world_expect(&w, "c: incident event-not-taken: visit.done in wait");
}

static void a_condition_without_an_answer_does_not_hold(void **state) {
  (void)state;
  start("doubt", "{\"day\":\"2026-01-12\"}");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_refuse(&w, "met");
  world_event(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}");
  world_expect(&w, "deadline d met");
}

static void a_condition_that_fails_is_an_incident_and_does_not_hold(void **state) {
  (void)state;
  OPEN_VISIT;
  world_watched(&w, "c", "visit.done", "null", NULL);
  world_refuse(&w, "deadline visit met");
  world_expect(&w, "incident script-error: visit, met-if:");
}

static void it_is_missed_when_the_due_day_has_ended(void **state) {
  (void)state;
  OPEN_VISIT;
  world_until(&w, "2026-01-19T23:59:59+05:00");
  world_refuse(&w, "missed");
  world_until(&w, "2026-01-20");
  world_expect(&w,
               "deadline visit missed from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-20T00:00:00+05:00");
  world_expect(&w, "deliver deadline to=helper-north subject=visit event=deadline.visit");
  world_expect(&w, "deliver notice to=board-north subject=late");
  assert_int_equal(w.timers_count, 0);
}

static void a_report_that_comes_late_of_what_was_in_time_clears_it(void **state) {
  (void)state;
  OPEN_VISIT;
  world_until(&w, "2026-01-22T09:00:00+05:00");
  assert_int_equal(
      world_send(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}", "2026-01-19T18:00:00+05:00"), ERR_OK);
  world_expect(&w, "deadline visit met-reported-late from=2026-01-12 term=5wd due=2026-01-19 opens=- "
                   "at=2026-01-22T09:00:00+05:00 done=2026-01-19");
}

static void it_is_cleared_also_when_the_chart_has_moved_on(void **state) {
  (void)state;
  OPEN_VISIT;
  world_until(&w, "2026-01-20");
  world_event(&w, "c", "helper-north", "left", "{}");
  world_mark(&w);
  assert_int_equal(world_send(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}", "2026-01-16"), ERR_OK);
  world_expect(&w, "deadline visit met-reported-late");
  assert_true(case_took(world_case(&w, "c")->kept));
}

static void it_is_cleared_even_when_the_case_has_ended(void **state) {
  (void)state;
  OPEN_VISIT;
  world_until(&w, "2026-01-20");
  world_event(&w, "c", "helper-north", "closed", "{}");
  world_mark(&w);
  assert_int_equal(world_send(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}", "2026-01-16"), ERR_OK);
  world_expect(&w, "deadline visit met-reported-late");
  world_refuse(&w, "incident");
}

static void what_was_done_late_stays_missed_and_is_remembered(void **state) {
  (void)state;
  OPEN_VISIT;
  world_until(&w, "2026-01-22");
  world_event(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}");
  world_expect(&w, "deadline visit missed from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-20T00:00:00+05:00 "
                   "done=2026-01-22");
}

static void each_warning_comes_at_the_start_of_its_day(void **state) {
  (void)state;
  OPEN_VISIT;
  world_until(&w, "2026-01-14T23:59:59+05:00");
  world_refuse(&w, "reminder");
  world_until(&w, "2026-01-15");
  assert_int_equal(world_count(&w, "deliver deadline to=helper-north subject=visit event=reminder.visit"), 1);
  world_until(&w, "2026-01-16");
  assert_int_equal(world_count(&w, "deliver deadline to=helper-north subject=visit event=reminder.visit"), 2);
  assert_int_equal(world_count(&w, "deliver notice to=board-north subject=soon"), 2);
}

static void a_correction_of_the_anchor_computes_it_again(void **state) {
  (void)state;
  OPEN_VISIT;
  world_mark(&w);
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-02-02\"}");
  world_expect(&w, "deadline visit open from=2026-02-02 term=5wd due=2026-02-09 opens=- at=2026-01-12T10:00:00+05:00");
  assert_int_equal(w.timers_count, 2);
  world_until(&w, "2026-02-09T12:00:00+05:00");
  world_refuse(&w, "missed");
}

static void a_correction_into_the_past_misses_it_at_once(void **state) {
  (void)state;
  OPEN_VISIT;
  world_mark(&w);
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2025-12-01\"}");
  world_expect(&w,
               "deadline visit missed from=2025-12-01 term=5wd due=2025-12-08 opens=- at=2026-01-12T10:00:00+05:00");
  world_refuse(&w, "uncounted");
}

static void a_message_that_changes_nothing_leaves_it_alone(void **state) {
  (void)state;
  OPEN_VISIT;
  world_mark(&w);
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-12\"}");
  world_refuse(&w, "deadline");
  world_refuse(&w, "timer");
}

static void an_anchor_that_is_not_there_yet_opens_nothing(void **state) {
  (void)state;
  start("visit", "{\"place\":\"north\"}");
  world_refuse(&w, "deadline");
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-13\"}");
  world_expect(&w, "deadline visit open from=2026-01-13");
  world_event(&w, "c", "agency-1", "moved", "{}");
  world_expect(&w, "deadline visit cancelled from=2026-01-13");
  assert_int_equal(w.timers_count, 0);
}

static void leaving_the_state_cancels_and_entering_it_again_begins_anew(void **state) {
  (void)state;
  OPEN_VISIT;
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "deadline visit cancelled");
  world_mark(&w);
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_expect(&w, "deadline visit open");
  world_expect(&w, "timer set slot=4");
}

static void the_end_of_the_case_cancels_it(void **state) {
  (void)state;
  OPEN_VISIT;
  world_event(&w, "c", "helper-north", "closed", "{}");
  world_expect(&w, "deadline visit cancelled");
  assert_int_equal(w.timers_count, 0);
}

static void what_is_born_overdue_is_missed_with_its_cause(void **state) {
  (void)state;
  start("early", "{\"day\":\"2026-03-02\",\"place\":\"north\"}");
  world_expect(&w,
               "deadline early missed from=2026-03-02 term=-6mo due=2025-09-02 opens=- at=2026-01-12T10:00:00+05:00 "
               "done=- key= cause=late-notice uncounted");
  world_expect(&w, "incident told");
  world_expect(&w, "deliver deadline to=helper-north");
  assert_int_equal(w.timers_count, 0);
}

static void what_begins_in_time_has_no_cause(void **state) {
  (void)state;
  start("early", "{\"day\":\"2026-12-01\",\"place\":\"north\"}");
  world_expect(&w, "deadline early open from=2026-12-01 term=-6mo due=2026-06-01");
  world_refuse(&w, "late-notice");
}

static void what_occurred_before_the_window_does_not_count(void **state) {
  (void)state;
  start("window", "{\"day\":\"2026-01-12\"}");
  world_expect(&w, "deadline look open from=2026-01-12 term=3mo+5wd due=2026-04-17 opens=2026-04-12");
  world_until(&w, "2026-04-10");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_refuse(&w, "met");
  world_until(&w, "2026-04-13");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_expect(&w, "deadline look met");
}

static void term_and_bound_come_from_the_data(void **state) {
  (void)state;
  start("bound", "{\"day\":\"2026-01-12\",\"term\":\"10wd\"}");
  world_expect(&w, "deadline b open from=2026-01-12 term=10wd due=2026-01-26");
  world_event(&w, "c", "agency-1", "moved", "{\"bound\":\"2026-01-20\"}");
  world_expect(&w, "deadline b open from=2026-01-12 term=10wd due=2026-01-20");
  world_event(&w, "c", "agency-1", "moved", "{\"term\":\"1wd\"}");
  world_expect(&w, "deadline b open from=2026-01-12 term=1wd due=2026-01-13");
  world_event(&w, "c", "agency-1", "moved", "{\"term\":\"soon\"}");
  world_expect(&w, "incident script-error: b, dueexpr: no term");
}

static void past_the_loaded_years_it_is_provisional(void **state) {
  (void)state;
  start("visit", "{\"day\":\"2030-05-06\",\"place\":\"north\"}");
  world_expect(&w, "deadline visit provisional from=2030-05-06");
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-02-02\"}");
  world_expect(&w, "deadline visit open from=2026-02-02");
}

static void a_key_tells_instances_apart(void **state) {
  (void)state;
  start("keyed", "{\"day\":\"2026-01-12\",\"key\":\"k7\"}");
  world_expect(&w, "deadline issue open");
  world_until(&w, "2026-01-14");
  world_expect(&w, "key=k7");
  world_expect(&w, "incident late-k7");
}

static void an_event_that_another_case_handles_meets_it_too(void **state) {
  (void)state;
  OPEN_VISIT;
  world_watched(&w, "c", "visit.done", "{\"phase\":\"after\"}", "2026-01-12T08:00:00+05:00");
  world_expect(&w, "deadline visit met");
  world_mark(&w);
  world_watched(&w, "c", "moved", "{\"day\":\"2026-02-02\"}", NULL);
  world_refuse(&w, "c:");
}

static void a_script_that_fails_is_told_once(void **state) {
  (void)state;
  start("broken", "{}");
  assert_int_equal(world_count(&w, "incident script-error: x, from:"), 1);
  world_event(&w, "c", "helper-north", "left", "{}");
  assert_int_equal(world_count(&w, "incident script-error: x, from:"), 1);
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-12\"}");
  world_expect(&w, "deadline x open from=2026-01-12");
}

static void an_older_generation_of_a_timer_is_ignored(void **state) {
  (void)state;
  OPEN_VISIT;
  const struct world_timer old = w.timers[0];
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-02-02\"}");
  struct case_effects effects = {.arena = &w.arena};
  const struct case_input input = {
      .kind = CASE_INPUT_TIMER, .timer_slot = old.slot, .timer_generation = old.generation};
  assert_int_equal(case_step(world_case(&w, "c")->kept, &input, old.due, &effects, &w.fault), ERR_OK);
  assert_int_equal(effects.count, 0);
}

/* A message that is recorded after the due day finds the deadline missed, although its timer has not been asked yet. */
static void a_message_never_sees_a_deadline_that_should_be_missed(void **state) {
  (void)state;
  OPEN_VISIT;
  assert_int_equal(civil_moment_parse(SPAN_LITERAL("2026-01-21"), &w.now), ERR_OK);
  world_event(&w, "c", "helper-north", "visit.done", "{\"phase\":\"after\"}");
  world_expect(&w, "deadline visit missed from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-20T00:00:00+05:00 "
                   "done=2026-01-21");
}

#define OPEN_ENDING start("ending", "{\"day\":\"2026-01-12\"}")

static void what_ends_it_without_meeting_it_cancels_it(void **state) {
  (void)state;
  OPEN_ENDING;
  world_event(&w, "c", "helper-north", "left", "{}");
  world_refuse(&w, "deadline e cancelled");
  world_event(&w, "c", "helper-north", "left", "{\"really\":true}");
  world_expect(&w, "deadline e cancelled from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-12T10:00:00+05:00");
  world_refuse(&w, "deadline f cancelled");
  assert_int_equal(w.timers_count, 1);
  world_mark(&w);
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_refuse(&w, "deadline e");
}

static void an_ending_that_is_told_late_takes_the_miss_back(void **state) {
  (void)state;
  OPEN_ENDING;
  world_until(&w, "2026-01-22");
  world_event(&w, "c", "agency-1", "moved", "{}");
  assert_int_equal(world_send(&w, "c", "helper-north", "left", "{\"really\":true}", "2026-01-19T23:59:59+05:00"),
                   ERR_OK);
  world_expect(&w, "deadline e cancelled from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-22T00:00:00+05:00");
  assert_true(case_took(world_case(&w, "c")->kept));
}

static void what_would_have_ended_it_too_late_leaves_the_miss(void **state) {
  (void)state;
  OPEN_ENDING;
  world_until(&w, "2026-01-22");
  assert_int_equal(world_send(&w, "c", "helper-north", "left", "{\"really\":true}", "2026-01-20"), ERR_OK);
  world_refuse(&w, "cancelled");
}

static void the_end_of_the_case_that_is_told_late_takes_the_misses_after_it_back(void **state) {
  (void)state;
  OPEN_ENDING;
  world_until(&w, "2026-01-22");
  world_expect(&w, "deadline e missed");
  world_expect(&w, "deadline f missed");
  assert_int_equal(world_send(&w, "c", "helper-north", "entered", "{}", "2026-01-15"), ERR_OK);
  world_expect(&w, "deadline e cancelled from=2026-01-12 term=5wd due=2026-01-19 opens=- at=2026-01-22T00:00:00+05:00");
  world_refuse(&w, "deadline f cancelled");
}

static void what_was_done_before_it_opened_is_born_met(void **state) {
  (void)state;
  start("done", "{\"done\":\"2026-01-12\"}");
  world_refuse(&w, "deadline");
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-09\"}");
  world_expect(&w, "deadline d met from=2026-01-09 term=5wd due=2026-01-16 opens=2026-01-10 "
                   "at=2026-01-12T10:00:00+05:00 done=2026-01-12");
  assert_int_equal(w.timers_count, 0);
}

static void what_was_done_outside_the_term_leaves_it_open(void **state) {
  (void)state;
  start("done", "{\"day\":\"2026-01-12\",\"done\":\"2026-01-12\"}");
  world_expect(&w, "deadline d open");
  world_start(&w, "late", "done", "begin", "{\"day\":\"2025-12-01\",\"done\":\"2026-01-12\"}");
  world_expect(&w, "late: deadline d missed");
  world_start(&w, "future", "done", "begin", "{\"day\":\"2026-01-12\",\"done\":\"2026-01-13\"}");
  world_expect(&w, "future: deadline d open");
  world_refuse(&w, "met");
}

static void what_a_chart_counts_up_meets_it_when_it_is_enough(void **state) {
  (void)state;
  start("counted", "{\"day\":\"2026-01-09\"}");
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-13\"}");
  world_refuse(&w, "met"); /* that day has not come */
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-12\"}");
  world_expect(&w, "deadline d met from=2026-01-09 term=5wd due=2026-01-16 opens=- at=2026-01-12T10:00:00+05:00 "
                   "done=2026-01-12");
}

static void a_missed_one_can_still_be_counted_up_while_its_state_is_active(void **state) {
  (void)state;
  start("counted", "{\"day\":\"2026-01-09\"}");
  world_start(&w, "gone", "counted", "begin", "{\"day\":\"2026-01-09\"}");
  world_until(&w, "2026-01-20");
  world_event(&w, "gone", "helper-north", "left", "{}");
  world_mark(&w);
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-19\"}");
  world_refuse(&w, "met-reported-late"); /* not inside the term */
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-15\"}");
  world_expect(&w, "c: deadline d met-reported-late");
  world_refuse(&w, "gone: deadline");
}

/* The variables have moved on; the deadline that is asked about has not. */
static void a_condition_knows_which_deadline_it_is_asked_about(void **state) {
  (void)state;
  start("counted", "{\"day\":\"2026-01-12\"}");
  world_until(&w, "2026-01-22");
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_expect(&w, "deadline d open from=2026-02-02");
  world_mark(&w);
  assert_int_equal(world_send(&w, "c", "helper-north", "visit.done", "{\"phase\":\"2026-01-12\"}", "2026-01-15"),
                   ERR_OK);
  world_expect(&w, "deadline d met-reported-late from=2026-01-12");
  world_refuse(&w, "from=2026-02-02");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_deadline_opens_with_its_state_and_its_anchor),
      TEST(an_event_in_time_meets_it),
      TEST(the_last_minute_of_the_due_day_is_in_time),
      TEST(an_event_that_fails_the_condition_meets_nothing),
      TEST(a_condition_without_an_answer_does_not_hold),
      TEST(a_condition_that_fails_is_an_incident_and_does_not_hold),
      TEST(it_is_missed_when_the_due_day_has_ended),
      TEST(a_report_that_comes_late_of_what_was_in_time_clears_it),
      TEST(it_is_cleared_also_when_the_chart_has_moved_on),
      TEST(it_is_cleared_even_when_the_case_has_ended),
      TEST(what_was_done_late_stays_missed_and_is_remembered),
      TEST(each_warning_comes_at_the_start_of_its_day),
      TEST(a_correction_of_the_anchor_computes_it_again),
      TEST(a_correction_into_the_past_misses_it_at_once),
      TEST(a_message_that_changes_nothing_leaves_it_alone),
      TEST(an_anchor_that_is_not_there_yet_opens_nothing),
      TEST(leaving_the_state_cancels_and_entering_it_again_begins_anew),
      TEST(the_end_of_the_case_cancels_it),
      TEST(what_is_born_overdue_is_missed_with_its_cause),
      TEST(what_begins_in_time_has_no_cause),
      TEST(what_occurred_before_the_window_does_not_count),
      TEST(term_and_bound_come_from_the_data),
      TEST(past_the_loaded_years_it_is_provisional),
      TEST(a_key_tells_instances_apart),
      TEST(an_event_that_another_case_handles_meets_it_too),
      TEST(a_script_that_fails_is_told_once),
      TEST(an_older_generation_of_a_timer_is_ignored),
      TEST(a_message_never_sees_a_deadline_that_should_be_missed),
      TEST(what_ends_it_without_meeting_it_cancels_it),
      TEST(an_ending_that_is_told_late_takes_the_miss_back),
      TEST(what_would_have_ended_it_too_late_leaves_the_miss),
      TEST(the_end_of_the_case_that_is_told_late_takes_the_misses_after_it_back),
      TEST(what_a_chart_counts_up_meets_it_when_it_is_enough),
      TEST(a_missed_one_can_still_be_counted_up_while_its_state_is_active),
      TEST(a_condition_knows_which_deadline_it_is_asked_about),
      TEST(what_was_done_before_it_opened_is_born_met),
      TEST(what_was_done_outside_the_term_leaves_it_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
