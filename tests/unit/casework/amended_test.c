/*
 * A case by another calendar. Now is Monday 2026-01-12, 10:00; five working days later is Monday the 19th, two before
 * that Thursday the 15th.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static const struct world_process processes[] = {
    {"visit", "<state id='wait'>"
              "<k:deadline id='visit' title='Выезд' owner='helper' from='start.day' due='5wd' warn='2wd'"
              "  met-by='visit.done'/>"
              "<k:task id='visit' role='helper' title='Выехать'/>"
              "<transition event='deadline.visit reminder.visit visit.done'/>"
              "<transition event='left' target='away'/></state><state id='away'/>"},
    {"two", "<state id='wait'>"
            "<k:deadline id='early' from='start.day' due='2wd' met-by='visit.done'/>"
            "<k:deadline id='late' owner='helper' from='start.day' due='5wd' warn='2wd' met-by='visit.done'/>"
            "<transition event='deadline reminder'/></state>"},
    {"bound", "<state id='wait'><k:deadline id='b' from='start.day' due='5wd' not-after=\"'2026-01-16'\""
              "  met-by='visit.done'/><transition event='visit.done'/></state>"},
    {"paused", "<state id='run'><k:deadline id='p' from='start.day' due='5wd' met-by='visit.done'/>"
               "<state id='on'><transition event='left' target='off'/></state>"
               "<state id='off'><k:pause id='pause'/><transition event='entered' target='on'/></state></state>"},
    {"own", "<datamodel><data id='day' expr=\"due('2026-01-12', '5wd')\"/></datamodel>"
            "<state id='wait'><transition event='calendar.changed'><script>day = due('2026-01-12', '5wd')</script>"
            "<k:notify role='helper' template='day' data='{day = day}'/></transition></state>"},
    {"deaf", "<datamodel><data id='heard' expr='0'/></datamodel>"
             "<state id='wait'><transition event='left'/></state>"},
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

static void begin(const char *process) {
  world_start(&w, "c", process, "begin", "{\"day\":\"2026-01-12\",\"place\":\"north\"}");
  world_mark(&w);
}

#define FREE_THURSDAY "2026-01-15,off,\n"

static void an_open_deadline_and_its_task_move(void **state) {
  (void)state;
  begin("visit");
  world_amend(&w, "c", FREE_THURSDAY);
  world_expect(&w, "c: deadline visit open from=2026-01-12 term=5wd due=2026-01-20");
  world_expect(&w, "\"due\":\"2026-01-20\"");
  world_mark(&w);
  world_until(&w, "2026-01-20T23:59:59+05:00");
  world_refuse(&w, "missed");
  world_until(&w, "2026-01-21");
  world_expect(&w, "deadline visit missed");
}

/* Not even a record is written: the world would show an effect. */
static void where_the_days_are_the_same_nothing_happens(void **state) {
  (void)state;
  begin("visit");
  const struct case_view before = world_view(&w, "c");
  w.now += 1000;
  world_amend(&w, "c", "2026-01-14,work,\n2026-06-15,off,\n");
  world_refuse(&w, "c:");
  assert_int_equal(before.changed_at, world_view(&w, "c").changed_at);
  world_amend(&w, "c", "2026-01-14,work,\n2026-06-15,work,\n");
  world_refuse(&w, "c:");
}

static void a_reminder_moves_by_itself(void **state) {
  (void)state;
  begin("two");
  /* A worked Saturday for a free Thursday: the 19th stays the day, two working days before it is the 16th. */
  world_amend(&w, "c", "2026-01-15,off,\n2026-01-17,work,\n");
  world_refuse(&w, "c: deadline");
  world_until(&w, "2026-01-15T23:59:59+05:00");
  world_refuse(&w, "reminder");
  world_until(&w, "2026-01-16");
  world_expect(&w, "reminder");
}

/* Both are looked at at the same moment: one is missed then, the other is reminded of. */
static void a_reminder_that_is_due_at_this_moment_is_not_lost(void **state) {
  (void)state;
  begin("two");
  world_amend(&w, "c", "2026-06-15,off,\n");
  world_until(&w, "2026-01-15");
  world_expect(&w, "deadline early missed");
  world_expect(&w, "reminder");
}

static void a_due_day_in_the_past_is_missed_at_once_and_once(void **state) {
  (void)state;
  begin("visit");
  world_until(&w, "2026-01-19T09:00:00+05:00");
  world_mark(&w);
  world_amend(&w, "c", "2026-01-17,work,\n2026-01-18,work,\n");
  world_expect(&w,
               "deadline visit missed from=2026-01-12 term=5wd due=2026-01-17 opens=- at=2026-01-19T09:00:00+05:00");
  world_mark(&w);
  world_until(&w, "2026-01-25");
  world_refuse(&w, "missed");
}

static void what_was_missed_stays_missed(void **state) {
  (void)state;
  begin("visit");
  world_until(&w, "2026-01-20T09:00:00+05:00");
  world_expect(&w, "deadline visit missed");
  world_mark(&w);
  world_amend(&w, "c", FREE_THURSDAY);
  world_refuse(&w, "c:");
}

static void a_bound_that_is_no_working_day_matter_stays(void **state) {
  (void)state;
  begin("bound");
  world_amend(&w, "c", FREE_THURSDAY);
  world_refuse(&w, "c:");
}

/* A pause keeps the working days that were left; they are counted when it ends. */
static void a_paused_deadline_is_computed_when_the_pause_ends(void **state) {
  (void)state;
  begin("paused");
  world_until(&w, "2026-01-13T10:00:00+05:00");
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "deadline p paused");
  world_mark(&w);
  world_amend(&w, "c", "2026-01-19,off,\n");
  world_refuse(&w, "c:");
  world_until(&w, "2026-01-14T10:00:00+05:00");
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_expect(&w, "deadline p open from=2026-01-12 term=5wd due=2026-01-21");
}

static void a_chart_that_keeps_dates_of_its_own_is_told_if_it_asks(void **state) {
  (void)state;
  begin("own");
  world_amend(&w, "c", FREE_THURSDAY);
  world_expect(&w, "\"day\":\"2026-01-20\"");
  assert_true(case_took(world_case(&w, "c")->kept));
}

static void a_chart_that_does_not_ask_is_not_told(void **state) {
  (void)state;
  begin("deaf");
  world_amend(&w, "c", FREE_THURSDAY);
  world_refuse(&w, "c:");
  assert_false(case_took(world_case(&w, "c")->kept));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_open_deadline_and_its_task_move),
      TEST(where_the_days_are_the_same_nothing_happens),
      TEST(a_reminder_moves_by_itself),
      TEST(a_reminder_that_is_due_at_this_moment_is_not_lost),
      TEST(a_due_day_in_the_past_is_missed_at_once_and_once),
      TEST(what_was_missed_stays_missed),
      TEST(a_bound_that_is_no_working_day_matter_stays),
      TEST(a_paused_deadline_is_computed_when_the_pause_ends),
      TEST(a_chart_that_keeps_dates_of_its_own_is_told_if_it_asks),
      TEST(a_chart_that_does_not_ask_is_not_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
