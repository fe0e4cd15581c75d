/* Cases that a case has started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "family_charts.h"
#include "world.h"

static const struct world_process processes[] = {
    {"parent", PARENT_CHART},
    {"measure", MEASURE_CHART},
    {"whole",
     "<state id='s'><k:case id='part' process='part'><k:param name='why' expr=\"'need'\"/></k:case>"
     "<transition event='done.invoke.part'><k:notify role='board' template='part' data='_event.data'/></transition>"
     "<transition event='left' target='away'/><transition event='closed' target='end'/></state>"
     "<state id='away'><transition event='entered' target='s'/></state><final id='end'/>"},
    {"keyed", "<state id='s'><k:case id='part' key='start.key' process='part'/></state>"},
    {"part",
     "<state id='p'><k:deadline id='d' from='_x.today' due='3d'/><transition event='closed' target='end'/></state>"
     "<final id='end'><donedata><param name='ground' expr=\"'completed'\"/><param name='why' expr='start.why'/>"
     "</donedata></final>"},
    {"polite", "<state id='s'><k:case id='guest' process='guest'/><transition event='left' target='away'/></state>"
               "<state id='away'/>"},
    {"guest", "<state id='g'><transition event='case.cancelled' target='leaving'/></state>"
              "<state id='leaving'><transition event='closed' target='end'/></state><final id='end'/>"},
    {"caller",
     "<state id='s'><k:case id='part' process='callee'/>"
     "<transition event='entered'><send target='#_part' eventexpr='_event.name'><content expr='_event.data'/>"
     "</send></transition>"
     "<transition event='left'><send target='#_part' event='left'/></transition>"
     "<transition event='closed' target='away'/></state>"
     "<state id='away'><transition event='entered'><send target='#_part' event='entered'/></transition></state>"},
    {"callee", "<state id='s'><transition event='entered'><k:notify role='board' template='heard' data='_event.data'/>"
               "</transition></state>"},
    {"asker",
     "<state id='s'><k:cases id='questions' each='start.rows' process='part'><k:param name='why' "
     "expr=\"'need'\"/></k:cases>"
     "<transition event='plan'><assign location='start.rows' expr='_event.data.rows'/></transition>"
     "<transition event='done.invoke.questions'><k:notify role='board' template='all' data='_event.data'/></transition>"
     "</state>"},
    {"nothing", "<state id='s'><k:case id='part' process='absent'/></state>"},
    {"mover", "<state id='s'><k:case id='part' process='moved'/>"
              "<transition event='begin'><send target='#_part' event='begin'><content expr='_event.data'/></send>"
              "</transition></state>"},
    {"moved", "<state id='s'><transition event='begin'><k:status value='_x.territory'/></transition></state>"},
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

#define M1 "{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-02-10\"}"
#define M2 "{\"id\":\"m2\",\"kind\":\"medical\",\"due\":\"2026-03-10\"}"

static void start(const char *rows) {
  const char *data =
      arena_cstr(&w.arena, arena_printf(&w.arena, "{\"day\":\"2026-01-12\",\"place\":\"north\",\"rows\":[%s]}", rows));
  world_start(&w, "c", "parent", "begin", data);
}

static void plan(const char *rows) {
  const char *data = arena_cstr(&w.arena, arena_printf(&w.arena, "{\"rows\":[%s]}", rows));
  world_event(&w, "c", "helper-north", "plan", data);
}

static void complete(const char *case_id, const char *who, const char *occurred) {
  assert_int_equal(world_send(&w, case_id, who, "accepted", "{}", occurred), ERR_OK);
  assert_int_equal(world_send(&w, case_id, who, "completed", "{}", occurred), ERR_OK);
}

static void each_element_of_the_list_becomes_a_case_with_a_deadline(void **state) {
  (void)state;
  start(M1 "," M2);
  world_expect(&w, "c: start c/m1 process=measure invoke=measures key=m1 {\"due\":\"2026-02-10\",\"id\":\"m1\","
                   "\"kind\":\"medical\",\"reason\":\"plan\",\"territory\":\"north\"}");
  world_expect(&w, "c: deadline measure:m1 open from=2026-02-10 term=0d due=2026-02-10");
  world_expect(&w, "c: deadline measure:m2 open from=2026-03-10 term=0d due=2026-03-10");
  struct case_view view = world_view(&w, "c");
  assert_int_equal(view.children.count, 2);
  assert_int_equal(view.live.count, 2);
  assert_true(span_is(view.children.items[0], "c/m1"));
  assert_true(span_is(world_view(&w, "c/m1").territory, "north"));
  assert_true(span_is(world_view(&w, "c/m1").identity.key, "m1"));
}

static void a_parent_hears_the_status_of_a_child(void **state) {
  (void)state;
  start(M1);
  complete("c/m1", "doctor-a", NULL);
  world_expect(&w, "c: deliver notice to=board-north subject=one event= reason= "
                   "{\"key\":\"m1\",\"status\":\"completed\",\"to\":\"doctor-a\"}");
}

static void a_measure_is_met_on_the_day_that_the_child_names(void **state) {
  (void)state;
  start(M1);
  world_event(&w, "c/m1", "doctor-a", "accepted", "{}");
  world_until(&w, "2026-02-20");
  world_expect(&w, "c: deadline measure:m1 missed");
  world_expect(&w, "c: deliver deadline to=doctor-a subject=measure:m1 event=deadline.measure");
  assert_int_equal(world_send(&w, "c/m1", "doctor-a", "completed", "{}", "2026-02-09"), ERR_OK);
  world_expect(&w, "c: deadline measure:m1 met-reported-late from=2026-02-10 term=0d due=2026-02-10 opens=- "
                   "at=2026-02-20T00:00:00+05:00 done=2026-02-09");
}

static void when_all_have_ended_the_chart_is_told_how_many(void **state) {
  (void)state;
  start(M1 "," M2);
  complete("c/m1", "doctor-a", NULL);
  world_refuse(&w, "subject=all");
  complete("c/m2", "doctor-b", NULL);
  world_expect(&w, "c: deliver notice to=board-north subject=all event= reason= {\"completed\":2,\"total\":2}");
  assert_int_equal(world_view(&w, "c").live.count, 0);
  assert_int_equal(world_view(&w, "c").children.count, 2);
}

static void a_new_element_starts_a_case_and_a_vanished_one_is_cancelled(void **state) {
  (void)state;
  start(M1);
  world_mark(&w);
  plan(M2);
  world_expect(&w, "c: start c/m2");
  world_expect(&w, "c: event case.cancelled to=c/m1");
  world_expect(&w, "c: deadline measure:m1 cancelled");
  world_expect(&w, "c/m1: deliver offer-withdrawn to=doctor-a subject=offer event= reason=cancelled");
  world_expect(&w, "c/m1: ended ground=cancelled");
  world_refuse(&w, "start c/m1");
  assert_true(span_is(world_view(&w, "c/m1").status, "cancelled"));
  assert_int_equal(world_view(&w, "c").live.count, 1);
}

static void a_changed_due_date_moves_the_deadline_of_its_measure(void **state) {
  (void)state;
  start(M1);
  plan("{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-02-20\"}");
  world_expect(&w, "c: deadline measure:m1 open from=2026-02-20 term=0d due=2026-02-20");
  assert_int_equal(world_count(&w, "start c/m1"), 1);
}

static void a_second_life_of_a_key_gets_an_id_of_its_own(void **state) {
  (void)state;
  start(M1);
  plan(M2);
  plan(M1);
  world_expect(&w, "c: start c/m1.2 process=measure invoke=measures key=m1");
  assert_true(span_is(world_view(&w, "c/m1.2").identity.key, "m1"));
}

static void an_unsound_element_is_an_incident_once_and_the_others_go_on(void **state) {
  (void)state;
  start("{\"id\":\"../m\",\"kind\":\"medical\"}," M2);
  assert_int_equal(world_count(&w, "incident script-error: measures, each:"), 1);
  world_expect(&w, "c: start c/m2");
  complete("c/m2", "doctor-a", NULL);
  assert_int_equal(world_count(&w, "incident script-error: measures, each:"), 1);
}

static void an_empty_list_starts_nothing_and_does_not_answer(void **state) {
  (void)state;
  start("");
  world_refuse(&w, "start");
  world_refuse(&w, "incident");
  world_refuse(&w, "subject=all");
}

static void leaving_the_state_cancels_the_children(void **state) {
  (void)state;
  start(M1 "," M2);
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "c/m1: ended ground=cancelled");
  world_expect(&w, "c/m2: ended ground=cancelled");
  world_expect(&w, "c: deadline measure:m1 cancelled");
  world_refuse(&w, "subject=all");
  assert_int_equal(world_view(&w, "c").live.count, 0);
  assert_int_equal(w.timers_count, 0);
}

static void the_end_of_the_parent_ends_the_children(void **state) {
  (void)state;
  start(M1);
  world_event(&w, "c", "helper-north", "closed", "{}");
  world_expect(&w, "c/m1: ended ground=cancelled");
  assert_int_equal(w.timers_count, 0);
  for (size_t i = 0; i < w.loads_count; i++) {
    assert_int_equal(w.loads[i].load, 0);
  }
}

static void a_part_starts_with_its_params_and_answers_with_its_donedata(void **state) {
  (void)state;
  world_start(&w, "c", "whole", "begin", "{\"place\":\"north\"}");
  world_expect(&w, "c: start c/part process=part invoke=part key=part {\"territory\":\"north\",\"why\":\"need\"}");
  world_event(&w, "c/part", "helper-north", "closed", "{}");
  world_expect(&w, "c: deliver notice to=board-north subject=part event= reason= "
                   "{\"ground\":\"completed\",\"why\":\"need\"}");
  assert_int_equal(world_view(&w, "c").live.count, 0);
}

static void a_part_may_have_a_key(void **state) {
  (void)state;
  world_start(&w, "c", "keyed", "begin", "{\"key\":\"k1\"}");
  world_expect(&w, "c: start c/k1 process=part invoke=part key=k1");
}

/* A date of theirs is their own affair, and nobody outside knows them by a number. */
static void a_part_for_each_element_of_a_list(void **state) {
  (void)state;
  world_start(&w, "c", "asker", "begin", "{\"place\":\"north\",\"rows\":[" M1 "," M2 "]}");
  world_expect(&w, "c: start c/m1 process=part invoke=questions key=m1");
  world_expect(&w, "c: start c/m2 process=part invoke=questions key=m2");
  world_refuse(&w, "deadline measure:");
  assert_false(world_view(&w, "c/m1").identity.referral);
  world_event(&w, "c/m1", "helper-north", "closed", "{}");
  world_event(&w, "c", "helper-north", "plan", "{\"rows\":[" M2 "]}");
  assert_false(world_view(&w, "c/m2").ended);
  world_event(&w, "c", "helper-north", "plan", "{\"rows\":[" M1 "," M2 "]}");
  world_expect(&w, "c: start c/m1.2 process=part invoke=questions key=m1");
  world_event(&w, "c/m2", "helper-north", "closed", "{}");
  world_refuse(&w, "subject=all");
  world_event(&w, "c/m1.2", "helper-north", "closed", "{}");
  world_expect(&w, "c: deliver notice to=board-north subject=all event= reason= {\"none\":3,\"total\":3}");
}

/* Whatever their keys are called. */
static void a_referral_is_told_from_a_part(void **state) {
  (void)state;
  start("{\"id\":\"measures\",\"kind\":\"medical\"}," M1);
  assert_true(world_view(&w, "c/measures").identity.referral);
  assert_true(world_view(&w, "c/m1").identity.referral);
  assert_false(world_view(&w, "c").identity.referral);
  world_start(&w, "k", "keyed", "begin", "{\"key\":\"k1\"}");
  assert_false(world_view(&w, "k/k1").identity.referral);
}

static void a_part_is_cancelled_with_its_state_and_starts_anew(void **state) {
  (void)state;
  world_start(&w, "c", "whole", "begin", "{\"place\":\"north\"}");
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "c/part: ended ground=cancelled");
  world_expect(&w, "c/part: deadline d cancelled");
  world_refuse(&w, "subject=part");
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_expect(&w, "c: start c/part.2 process=part invoke=part key=part");
}

static void a_chart_that_knows_its_cancellation_may_take_its_time(void **state) {
  (void)state;
  world_start(&w, "c", "polite", "begin", "{\"place\":\"north\"}");
  world_event(&w, "c", "helper-north", "left", "{}");
  assert_false(world_view(&w, "c/guest").ended);
  assert_true(span_is(world_view(&w, "c/guest").states.items[0], "leaving"));
  assert_int_equal(world_view(&w, "c").live.count, 1);
  world_event(&w, "c/guest", "helper-north", "closed", "{}");
  assert_int_equal(world_view(&w, "c").live.count, 0);
}

static void a_part_can_be_sent_an_event(void **state) {
  (void)state;
  world_start(&w, "c", "caller", "begin", "{\"place\":\"north\"}");
  world_event(&w, "c", "helper-north", "entered", "{\"phase\":\"after\"}");
  world_expect(&w, "c: event entered to=c/part invoke= {\"phase\":\"after\"}");
  world_expect(&w, "c/part: deliver notice to=board-north subject=heard event= reason= {\"phase\":\"after\"}");
  world_refuse(&w, "incident");
}

/* A forwarded event of the catalogue counts for a part as it does for the case that it was sent to. */
static void a_part_moves_with_the_territory_that_it_is_sent(void **state) {
  (void)state;
  world_start(&w, "c", "mover", "begin", "{\"place\":\"north\"}");
  assert_true(span_is(world_view(&w, "c/part").territory, "north"));
  world_event(&w, "c", "agency-1", "begin", "{\"place\":\"south\",\"edition\":2}");
  assert_true(span_is(world_view(&w, "c").territory, "south"));
  assert_true(span_is(world_view(&w, "c/part").territory, "south"));
  assert_true(span_is(world_view(&w, "c/part").status, "south")); /* the chart sees it at once */
  world_event(&w, "c", "agency-1", "begin", "{\"edition\":3}");
  assert_true(span_is(world_view(&w, "c/part").territory, "south"));
}

static void what_is_sent_and_not_taken_is_an_incident(void **state) {
  (void)state;
  world_start(&w, "c", "caller", "begin", "{\"place\":\"north\"}");
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "c/part: incident event-not-taken: left in s");
  world_event(&w, "c", "helper-north", "closed", "{}");
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_expect(&w, "c: incident script-error: ");
}

static void a_process_that_is_not_there_is_an_incident(void **state) {
  (void)state;
  world_start(&w, "c", "nothing", "begin", "{}");
  world_expect(&w, "c: incident script-error: part, key: unknown-process");
}

static void an_event_goes_to_whom_names_it(void **state) {
  (void)state;
  world_start(&w, "c", "parent", "begin", "{\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\"}],\"place\":\"north\"}");
  const struct case_file *parent = world_case(&w, "c")->kept;
  const struct case_file *measure = world_case(&w, "c/m1")->kept;
  assert_true(case_knows(parent, SPAN_LITERAL("plan")));
  assert_false(case_knows(parent, SPAN_LITERAL("accepted")));
  assert_true(case_knows(measure, SPAN_LITERAL("accepted")));
  assert_true(case_watches(measure, SPAN_LITERAL("declined")));
  assert_false(case_watches(measure, SPAN_LITERAL("completed")));
  assert_true(span_is(case_root(SPAN_LITERAL("c/part/m1")), "c"));
  assert_true(span_is(case_root(SPAN_LITERAL("c")), "c"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_element_of_the_list_becomes_a_case_with_a_deadline),
      TEST(a_parent_hears_the_status_of_a_child),
      TEST(a_measure_is_met_on_the_day_that_the_child_names),
      TEST(when_all_have_ended_the_chart_is_told_how_many),
      TEST(a_new_element_starts_a_case_and_a_vanished_one_is_cancelled),
      TEST(a_changed_due_date_moves_the_deadline_of_its_measure),
      TEST(a_second_life_of_a_key_gets_an_id_of_its_own),
      TEST(an_unsound_element_is_an_incident_once_and_the_others_go_on),
      TEST(an_empty_list_starts_nothing_and_does_not_answer),
      TEST(leaving_the_state_cancels_the_children),
      TEST(the_end_of_the_parent_ends_the_children),
      TEST(a_part_starts_with_its_params_and_answers_with_its_donedata),
      TEST(a_part_may_have_a_key),
      TEST(a_part_for_each_element_of_a_list),
      TEST(a_referral_is_told_from_a_part),
      TEST(a_part_is_cancelled_with_its_state_and_starts_anew),
      TEST(a_chart_that_knows_its_cancellation_may_take_its_time),
      TEST(a_part_can_be_sent_an_event),
      TEST(a_part_moves_with_the_territory_that_it_is_sent),
      TEST(what_is_sent_and_not_taken_is_an_incident),
      TEST(a_process_that_is_not_there_is_an_incident),
      TEST(an_event_goes_to_whom_names_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
