/* A case that moves to another territory: its tasks, its parts, and notices to a place that is not its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

#define SAYS_WHERE "<transition event='case.moved'><k:status value='_x.territory'/></transition>"

static const struct world_process processes[] = {
    {"home", "<parallel id='all'><state id='s'><k:case id='part' process='follower'/></state>"
             "<state id='t'><k:case id='other' process='stayer'/></state>"
             "<transition event='begin plan'/></parallel>"},
    {"follower", "<parallel id='all'><state id='s'><k:case id='deep' process='deep'/></state>"
                 "<state id='t'>" SAYS_WHERE "</state></parallel>"},
    {"deep", "<state id='s'>" SAYS_WHERE "</state>"},
    {"stayer", "<state id='s'><transition event='plan'/></state>"},
    {"sender", "<state id='s'><k:case id='part' process='sent'/>"
               "<transition event='begin'><send target='#_part' event='begin'><content expr='_event.data'/></send>"
               "</transition></state>"},
    {"sent", "<state id='s'><transition event='case.moved'><k:status value=\"'told-again'\"/></transition>"
             "<transition event='begin'><k:status value=\"'sent'\"/></transition></state>"},
    {"worker", "<state id='s'><k:task id='call' role='helper' title='Call'/>"
               "<transition event='begin'/><transition event='left' target='away'/></state><state id='away'/>"},
    {"asked", "<state id='s'><k:task id='treat' role='executor' title='Treat'/><k:offer id='o' kind=\"'medical'\"/>"
              "<transition event='offer begin'/></state>"},
    {"teller", "<state id='s'><transition event='begin'>"
               "<k:notify role='helper' template='there' territory=\"'north'\"/>"
               "<k:notify role='helper' template='here'/></transition>"
               "<transition event='left'><k:notify role='helper' template='there' territory=\"'nowhere'\"/>"
               "</transition></state>"},
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

static void start(const char *process) {
  world_start(&w, "c", process, "begin", "{\"place\":\"north\"}");
}

static void move(void) {
  world_mark(&w);
  world_event(&w, "c", "agency-1", "begin", "{\"place\":\"south\",\"edition\":2}");
}

static void parts_that_ask_for_it_move_along_however_deep(void **state) {
  (void)state;
  start("home");
  move();
  assert_true(span_is(world_view(&w, "c/part").territory, "south"));
  assert_true(span_is(world_view(&w, "c/part").status, "south"));
  assert_true(span_is(world_view(&w, "c/part/deep").territory, "south"));
  assert_true(span_is(world_view(&w, "c/part/deep").status, "south"));
}

static void a_part_whose_chart_knows_no_move_stays_and_nobody_complains(void **state) {
  (void)state;
  start("home");
  move();
  assert_true(span_is(world_view(&w, "c/other").territory, "north"));
  world_refuse(&w, "incident");
}

static void an_event_that_moves_nothing_is_not_told(void **state) {
  (void)state;
  start("home");
  world_mark(&w);
  world_event(&w, "c", "agency-1", "begin", "{\"place\":\"north\",\"edition\":2}");
  world_event(&w, "c", "helper-north", "plan", "{}");
  world_refuse(&w, "case.moved");
  assert_true(span_empty(world_view(&w, "c/part").status));
}

static void a_part_that_has_moved_by_what_it_was_sent_is_not_told_again(void **state) {
  (void)state;
  start("sender");
  move();
  assert_true(span_is(world_view(&w, "c/part").territory, "south"));
  assert_true(span_is(world_view(&w, "c/part").status, "sent"));
}

static void an_open_task_goes_to_those_of_the_new_place(void **state) {
  (void)state;
  start("worker");
  world_expect(&w, "c: deliver task to=helper-north subject=call");
  move();
  world_expect(&w, "c: deliver task-withdrawn to=helper-north subject=call");
  world_expect(&w, "c: deliver task to=helper-south subject=call");
  world_mark(&w);
  world_event(&w, "c", "helper-south", "left", "{}");
  world_expect(&w, "c: deliver task-withdrawn to=helper-south subject=call");
  world_refuse(&w, "helper-north");
}

static void the_task_of_an_addressee_stays_with_it(void **state) {
  (void)state;
  start("asked");
  move();
  world_refuse(&w, "deliver task");
}

static void a_notice_may_be_for_another_place(void **state) {
  (void)state;
  start("teller");
  move();
  world_expect(&w, "c: deliver notice to=helper-north subject=there");
  world_expect(&w, "c: deliver notice to=helper-south subject=here");
}

static void a_notice_to_no_known_place_is_an_error_of_the_script(void **state) {
  (void)state;
  start("teller");
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "c: incident script-error");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(parts_that_ask_for_it_move_along_however_deep),
      TEST(a_part_whose_chart_knows_no_move_stays_and_nobody_complains),
      TEST(an_event_that_moves_nothing_is_not_told),
      TEST(a_part_that_has_moved_by_what_it_was_sent_is_not_told_again),
      TEST(an_open_task_goes_to_those_of_the_new_place),
      TEST(the_task_of_an_addressee_stays_with_it),
      TEST(a_notice_may_be_for_another_place),
      TEST(a_notice_to_no_known_place_is_an_error_of_the_script),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
