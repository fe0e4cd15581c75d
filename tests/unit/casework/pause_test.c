/* A case that stands still keeps the working days that its deadlines had left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

/* left: pauses, entered: goes on; plan: another state, closed: the end. */
static const struct world_process processes[] = {
    {"held",
     "<parallel id='all'>"
     "<state id='clock' initial='runs'><state id='runs'><transition event='left' target='still'/></state>"
     "<state id='still'><k:pause id='still'/>"
     "<k:deadline id='review' from='_x.occurred_on' due='3wd' pause='no'/>"
     "<transition event='entered' target='runs'/></state></state>"
     "<state id='work' initial='first'><state id='first'>"
     "<k:deadline id='d' from='start.day' due='10wd' warn='2wd' met-by='visit.done' ends-by='completed'/>"
     "<transition event='plan' target='second'/></state><state id='second'/></state>"
     "<transition event='moved'><assign location='start.day' expr='_event.data.day'/></transition>"
     "<transition event='visit.done completed deadline reminder'/><transition event='closed' target='end'/></parallel>"
     "<final id='end'/>"},
};

static struct world w;

/* 10wd from Monday the 12th: Monday the 26th. */
static int setup(void **state) {
  (void)state;
  world_open(&w, processes, 1);
  world_start(&w, "c", "held", "begin", "{\"place\":\"north\",\"day\":\"2026-01-12\"}");
  world_expect(&w, "deadline d open from=2026-01-12 term=10wd due=2026-01-26");
  world_until(&w, "2026-01-15");
  world_mark(&w);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  world_close(&w);
  return 0;
}

static void pause_from(const char *occurred) {
  assert_int_equal(world_send(&w, "c", "helper-north", "left", "{}", occurred), ERR_OK);
}

static void go_on(const char *occurred) {
  assert_int_equal(world_send(&w, "c", "helper-north", "entered", "{}", occurred), ERR_OK);
}

/* Paused on Thursday the 15th with 7 left, until Tuesday the 3rd of February: the 12th. */
static void the_remaining_working_days_are_kept(void **state) {
  (void)state;
  pause_from(NULL);
  world_expect(&w, "deadline d paused from=2026-01-12 term=10wd due=2026-01-26");
  world_until(&w, "2026-02-03");
  world_refuse(&w, "deadline d missed");
  world_refuse(&w, "reminder.d");
  go_on(NULL);
  world_expect(&w, "deadline d open from=2026-01-12 term=10wd due=2026-02-12");
  world_until(&w, "2026-02-14");
  world_expect(&w, "deadline d missed from=2026-01-12 term=10wd due=2026-02-12");
}

static void two_pauses_add_up_and_a_changed_anchor_keeps_them(void **state) {
  (void)state;
  pause_from(NULL);
  world_until(&w, "2026-01-19");
  go_on(NULL);
  world_expect(&w, "deadline d open from=2026-01-12 term=10wd due=2026-01-28");
  pause_from(NULL);
  world_until(&w, "2026-01-20");
  go_on(NULL);
  world_expect(&w, "deadline d open from=2026-01-12 term=10wd due=2026-01-29");
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-13\"}");
  world_expect(&w, "deadline d open from=2026-01-13 term=10wd due=2026-01-30");
}

static void what_is_done_during_a_pause_counts(void **state) {
  (void)state;
  pause_from(NULL);
  world_until(&w, "2026-02-03");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_expect(&w, "deadline d met from=2026-01-12 term=10wd due=2026-01-26");
  go_on(NULL);
  world_refuse(&w, "deadline d open");
}

static void leaving_its_state_or_the_end_cancels_a_paused_one(void **state) {
  (void)state;
  pause_from(NULL);
  world_event(&w, "c", "helper-north", "plan", "{\"rows\":[]}");
  world_expect(&w, "deadline d cancelled");
  world_start(&w, "e", "held", "begin", "{\"place\":\"north\",\"day\":\"2026-01-12\"}");
  world_event(&w, "e", "helper-north", "left", "{}");
  world_event(&w, "e", "helper-north", "closed", "{}");
  world_expect(&w, "e: deadline d cancelled");
  assert_true(world_view(&w, "e").ended);
}

/* Told on the 29th, when the deadline had been missed. */
static void a_pause_that_is_told_late_takes_a_miss_back(void **state) {
  (void)state;
  world_until(&w, "2026-01-29");
  world_expect(&w, "deadline d missed");
  pause_from("2026-01-22");
  world_expect(&w, "deadline d paused");
  world_until(&w, "2026-02-03");
  go_on("2026-01-30");
  world_expect(&w, "deadline d open from=2026-01-12 term=10wd due=2026-02-03");
}

static void a_miss_before_the_pause_stays(void **state) {
  (void)state;
  world_until(&w, "2026-01-29");
  pause_from(NULL);
  world_refuse(&w, "deadline d paused");
}

static void what_may_not_be_paused_goes_on(void **state) {
  (void)state;
  pause_from(NULL);
  world_expect(&w, "deadline review open from=2026-01-15 term=3wd due=2026-01-20");
  world_until(&w, "2026-01-22");
  world_expect(&w, "deadline review missed");
}

static void another_word_than_no_is_refused(void **state) {
  (void)state;
  struct fault fault = {0};
  const struct process_source source = {
      .name = SPAN_LITERAL("wrong"),
      .chart =
          world_chart(&w.arena, "<state id='s'><k:deadline id='d' from='_x.today' due='1d' pause='never'/></state>"),
      .file = "wrong",
      .settings = value_nil()};
  assert_int_equal(casework_define(w.casework, &source, &fault), ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_remaining_working_days_are_kept),
      TEST(two_pauses_add_up_and_a_changed_anchor_keeps_them),
      TEST(what_is_done_during_a_pause_counts),
      TEST(leaving_its_state_or_the_end_cancels_a_paused_one),
      TEST(a_pause_that_is_told_late_takes_a_miss_back),
      TEST(a_miss_before_the_pause_stays),
      TEST(what_may_not_be_paused_goes_on),
      TEST(another_word_than_no_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
