/* What a chart says to a root case of another process, and the case that begins by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static const struct world_process processes[] = {
    {"teller",
     "<state id='s'><transition event='entered'><k:inform process='account' key=\"'doctor-a'\" "
     "participant=\"'doctor-a'\""
     "  event='told' data=\"{phase = _event.data.phase}\"/></transition>"
     "<transition event='left'><k:inform process='account' key=\"'doctor-a'\" event='over'/></transition>"
     "<transition event='moved'><k:inform process='account' key=\"'x'\" participant=\"'nobody'\" event='told'/>"
     "</transition>"
     "<transition event='closed'><k:inform process='absent' key=\"'x'\" event='told'/></transition></state>"},
    {"account",
     "<datamodel><data id='start'/><data id='count' expr='0'/></datamodel>"
     "<state id='s'><onentry><k:notify role='executor' template='begun' data='start'/></onentry>"
     "<transition event='inform.told'><assign location='count' expr='count + 1'/>"
     "<k:notify role='executor' template='told' data='{count = count, phase = _event.data.phase}'/></transition>"
     "<transition event='completed' target='end'/></state><final id='end'/>"},
};

static struct world w;

static int setup(void **state) {
  (void)state;
  world_open(&w, processes, sizeof processes / sizeof *processes);
  world_start(&w, "c", "teller", "begin", "{\"place\":\"north\"}");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  world_close(&w);
  return 0;
}

static void the_first_word_begins_the_case_and_the_next_find_it(void **state) {
  (void)state;
  world_event(&w, "c", "helper-north", "entered", "{\"phase\":\"before\"}");
  world_expect(&w, "c: event inform.told to=account.doctor-a invoke= {\"phase\":\"before\"}");
  world_expect(&w, "account.doctor-a: deliver notice to=doctor-a subject=begun event= reason= "
                   "{\"occurred_on\":\"2026-01-12\",\"phase\":\"before\"}");
  world_expect(&w, "subject=told event= reason= {\"count\":1,\"phase\":\"before\"}");
  world_mark(&w);
  world_event(&w, "c", "helper-north", "entered", "{\"phase\":\"after\"}");
  world_expect(&w, "subject=told event= reason= {\"count\":2,\"phase\":\"after\"}");
  world_refuse(&w, "subject=begun");
}

/* Roles of its kind are the participant alone, and only it may answer; there is no offer, so nothing to carry. */
static void it_is_the_case_of_its_participant(void **state) {
  (void)state;
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_refuse(&w, "to=doctor-b");
  assert_true(span_is(world_view(&w, "account.doctor-a").addressee, "doctor-a"));
  assert_int_equal(world_send(&w, "account.doctor-a", "doctor-b", "completed", "{}", NULL), ERR_FORBIDDEN);
  assert_int_equal(world_send(&w, "account.doctor-a", "doctor-a", "completed", "{}", NULL), ERR_OK);
  assert_true(world_view(&w, "account.doctor-a").ended);
  world_refuse(&w, "load");
}

static void what_it_does_not_take_is_its_incident(void **state) {
  (void)state;
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "account.doctor-a: incident event-not-taken: inform.over in s");
}

static void an_unknown_participant_or_process_is_an_incident(void **state) {
  (void)state;
  world_event(&w, "c", "agency-1", "moved", "{}");
  world_event(&w, "c", "agency-1", "closed", "{}");
  assert_int_equal(world_count(&w, "c: incident script-error"), 2);
  world_refuse(&w, "inform.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_first_word_begins_the_case_and_the_next_find_it),
      TEST(it_is_the_case_of_its_participant),
      TEST(what_it_does_not_take_is_its_incident),
      TEST(an_unknown_participant_or_process_is_an_incident),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
