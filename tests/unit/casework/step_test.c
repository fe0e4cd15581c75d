/* One input of a case: the chart, tasks, notices, rights, incidents, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static const struct world_process processes[] = {
    {"root", "<state id='first' k:stage='early'>"
             "<k:task id='visit' role='helper' title='Выезд' form='visit' basis='п. 2' events='visit.done'>"
             "  <k:param name='place' expr='start.place'/></k:task>"
             "<k:deadline id='visit' from='start.day' due='5wd' met-by='visit.done'/>"
             "<transition event='visit.done' target='second'/>"
             "<transition event='moved'><assign location='start.day' expr='_event.data.day'/></transition>"
             "<transition event='begin'><assign location='start.day' expr='_event.data.day'/></transition></state>"
             "<parallel id='second' k:stage='middle'><state id='left'/><state id='right' k:stage='late'/>"
             "<transition event='entered'><script>error('boom')</script></transition>"
             "<transition event='closed' target='end'/></parallel>"
             "<final id='end'><donedata><param name='ground' expr=\"'completed'\"/>"
             "<param name='days' expr='3'/></donedata></final>"},
    {"platform",
     "<state id='s'><transition event='left'><k:notify role='board' template='t' "
     "data='{today=_x.today, now=_x.now, on=_x.occurred_on, case=_x.case, territory=_x.territory,"
     " days=_x.settings.days, kind=_x.sender_kind, as=start.as, event=start.event, begun=start.occurred_on}'/>"
     "</transition></state>"},
    {"delayed", "<state id='s'><onentry><send event='later' delay='3600s'/></onentry>"
                "<transition event='later' target='end'/></state><final id='end'/>"},
    {"endless", "<state id='s'><transition event='left'><raise event='again'/></transition>"
                "<transition event='again'><raise event='again'/></transition></state>"},
    {"alone", "<state id='s'><k:task id='t' role='helper' title='T'/></state>"},
    {"incident", "<state id='s'><transition event='left'><k:incident reason=\"'no-vote'\"/></transition>"
                 "<transition event='entered'><k:status value=\"'not a code'\"/></transition></state>"},
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
  world_start(&w, "c", process, "begin", "{\"day\":\"2026-01-12\",\"place\":\"north\",\"edition\":1}");
}

static void a_task_goes_to_its_role_with_the_due_date_of_its_deadline(void **state) {
  (void)state;
  start("root");
  world_expect(&w,
               "c: deliver task to=helper-north subject=visit event= reason= "
               "{\"basis\":\"п. 2\",\"data\":{\"place\":\"north\"},\"due\":\"2026-01-19\",\"events\":[\"visit.done\"],"
               "\"form\":\"visit\",\"id\":\"visit\",\"title\":\"Выезд\"}");
  world_refuse(&w, "helper-south");
}

static void a_task_is_delivered_again_when_its_due_date_changes(void **state) {
  (void)state;
  start("root");
  world_mark(&w);
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-13\"}");
  world_expect(&w, "\"due\":\"2026-01-20\"");
  world_mark(&w);
  world_event(&w, "c", "agency-1", "moved", "{\"day\":\"2026-01-13\"}");
  world_refuse(&w, "deliver task");
}

static void a_task_is_withdrawn_with_its_state(void **state) {
  (void)state;
  start("root");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_expect(&w, "deliver task-withdrawn to=helper-north subject=visit");
}

static void a_task_for_nobody_is_an_incident(void **state) {
  (void)state;
  world_start(&w, "c", "alone", "begin", "{}");
  world_expect(&w, "incident no-participant: task t");
}

static void the_stage_is_the_furthest_of_the_active_states(void **state) {
  (void)state;
  start("root");
  assert_true(span_is(world_view(&w, "c").stage, "early"));
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  struct case_view view = world_view(&w, "c");
  assert_true(span_is(view.stage, "late"));
  assert_int_equal(view.states.count, 2);
  assert_true(span_is(view.states.items[0], "left"));
  assert_true(span_is(view.states.items[1], "right"));
}

static void the_end_names_its_ground(void **state) {
  (void)state;
  start("root");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_event(&w, "c", "helper-north", "closed", "{}");
  world_expect(&w, "c: ended ground=completed {\"days\":3,\"ground\":\"completed\"}");
  struct case_view view = world_view(&w, "c");
  assert_true(view.ended);
  assert_true(span_is(view.ground, "completed"));
  assert_int_equal(view.states.count, 1);
  assert_true(span_is(view.states.items[0], "end"));
  assert_true(span_is(view.stage, "late"));
}

static void an_ended_case_takes_nothing(void **state) {
  (void)state;
  start("root");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_event(&w, "c", "helper-north", "closed", "{}");
  world_mark(&w);
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_expect(&w, "incident event-not-taken: visit.done in end");
  assert_false(case_took(world_case(&w, "c")->kept));
}

static void an_event_that_nothing_takes_is_an_incident(void **state) {
  (void)state;
  start("root");
  world_event(&w, "c", "helper-north", "closed", "{}");
  world_expect(&w, "c: incident event-not-taken: closed in first");
  assert_false(case_took(world_case(&w, "c")->kept));
}

static void a_script_error_that_nothing_takes_is_an_incident(void **state) {
  (void)state;
  start("root");
  world_event(&w, "c", "helper-north", "visit.done", "{}");
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_expect(&w, "c: incident script-error:");
  world_expect(&w, "boom");
  assert_true(case_took(world_case(&w, "c")->kept));
}

static void an_unsound_status_is_a_script_error(void **state) {
  (void)state;
  start("incident");
  world_event(&w, "c", "helper-north", "entered", "{}");
  world_expect(&w, "incident script-error");
  assert_true(span_empty(world_view(&w, "c").status));
}

static void a_chart_may_declare_an_incident(void **state) {
  (void)state;
  start("incident");
  world_event(&w, "c", "helper-north", "left", "{}");
  world_expect(&w, "c: incident no-vote");
}

static void scripts_see_time_case_and_settings(void **state) {
  (void)state;
  start("platform");
  assert_int_equal(world_send(&w, "c", "helper-north", "left", "{}", "2026-01-09T12:00:00+05:00"), ERR_OK);
  world_expect(&w,
               "deliver notice to=board-north subject=t event= reason= {\"as\":\"agency-1\",\"begun\":\"2026-01-12\","
               "\"case\":\"c\",\"days\":\"5d\",\"event\":\"begin\",\"kind\":\"helper\","
               "\"now\":\"2026-01-12T10:00:00+05:00\",\"on\":\"2026-01-09\",\"territory\":\"north\","
               "\"today\":\"2026-01-12\"}");
}

static void a_delayed_event_of_the_chart_is_a_timer_of_the_case(void **state) {
  (void)state;
  start("delayed");
  world_expect(&w, "timer set slot=0 generation=1 due=2026-01-12T11:00:00+05:00");
  world_until(&w, "2026-01-12T10:59:59+05:00");
  assert_false(world_view(&w, "c").ended);
  world_until(&w, "2026-01-12T11:00:00+05:00");
  assert_true(world_view(&w, "c").ended);
  assert_int_equal(w.timers_count, 0);
}

static void an_endless_chart_is_an_error_that_parks_the_case(void **state) {
  (void)state;
  start("endless");
  struct case_file *c = NULL;
  assert_int_equal(case_decode(w.casework, writer_span(&world_case(&w, "c")->record), &c, &w.fault), ERR_OK);
  struct case_effects effects = {.arena = &w.arena};
  const struct case_input input = {.kind = CASE_INPUT_EVENT, .event = SPAN_LITERAL("left"), .occurred_at = w.now};
  assert_int_equal(case_step(c, &input, w.now, &effects, &w.fault), ERR_LIMIT);
  assert_int_not_equal(w.fault.text[0], 0);
  case_close(&c);
}

static void a_case_begins_with_its_start_and_starts_once(void **state) {
  (void)state;
  struct case_file *c = NULL;
  struct case_effects effects = {.arena = &w.arena};
  struct writer record;
  const struct case_identity identity = {.id = SPAN_LITERAL("x"), .process = SPAN_LITERAL("root")};
  const struct case_input event = {.kind = CASE_INPUT_EVENT, .event = SPAN_LITERAL("left"), .occurred_at = w.now};
  const struct case_input begin = {.kind = CASE_INPUT_START, .occurred_at = w.now};
  writer_init(&record);
  assert_int_equal(case_open(w.casework, &identity, &c), ERR_OK);
  assert_int_equal(case_encode(c, &record, &w.fault), ERR_INVALID);
  assert_int_equal(case_step(c, &event, w.now, &effects, &w.fault), ERR_INVALID);
  assert_int_equal(case_step(c, &begin, w.now, &effects, &w.fault), ERR_OK);
  assert_int_equal(case_step(c, &begin, w.now, &effects, &w.fault), ERR_INVALID);
  case_close(&c);
  writer_finish(&record);
}

static void a_case_of_an_unknown_process_cannot_be_opened(void **state) {
  (void)state;
  struct case_file *c = NULL;
  const struct case_identity identity = {.id = SPAN_LITERAL("x"), .process = SPAN_LITERAL("nothing")};
  assert_int_equal(case_open(w.casework, &identity, &c), ERR_NOT_FOUND);
}

static void a_territory_and_a_higher_edition_of_a_correction_are_kept(void **state) {
  (void)state;
  start("root");
  assert_int_equal(world_view(&w, "c").edition, 1);
  world_event(&w, "c", "agency-1", "begin", "{\"day\":\"2026-01-14\",\"place\":\"south\",\"edition\":2}");
  struct case_view view = world_view(&w, "c");
  assert_int_equal(view.edition, 2);
  assert_true(span_is(view.territory, "south"));
}

/* ---- rights ---- */

static void only_the_kinds_of_the_catalogue_may_send(void **state) {
  (void)state;
  start("root");
  assert_int_equal(world_send(&w, "c", "agency-1", "visit.done", "{}", NULL), ERR_FORBIDDEN);
  assert_string_equal(w.fault.text, "участник этого вида не вправе направлять событие «visit.done»");
}

static void only_participants_of_the_territory_may_send(void **state) {
  (void)state;
  start("root");
  assert_int_equal(world_send(&w, "c", "helper-south", "visit.done", "{}", NULL), ERR_FORBIDDEN);
  assert_int_equal(world_send(&w, "c", "helper-north", "visit.done", "{}", NULL), ERR_OK);
}

static void a_message_that_would_start_a_case_is_checked_by_its_own_territory(void **state) {
  (void)state;
  const struct event_rule *rule = catalogue_event(w.catalogue, SPAN_LITERAL("begin"));
  struct participant agency = *catalogue_participant(w.catalogue, SPAN_LITERAL("agency-1"));
  struct span north = SPAN_LITERAL("north");
  struct value south_data = world_json(&w, "{\"place\":\"south\"}");
  struct value north_data = world_json(&w, "{\"place\":\"north\"}");
  agency.territories = (struct text_list){&north, 1};
  assert_int_equal(case_permits(NULL, rule, &agency, &north_data, &w.fault), ERR_OK);
  assert_int_equal(case_permits(NULL, rule, &agency, &south_data, &w.fault), ERR_FORBIDDEN);
}

static void only_an_addressee_may_send_what_is_his(void **state) {
  (void)state;
  start("root");
  assert_int_equal(world_send(&w, "c", "doctor-a", "accepted", "{}", NULL), ERR_FORBIDDEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_task_goes_to_its_role_with_the_due_date_of_its_deadline),
      TEST(a_task_is_delivered_again_when_its_due_date_changes),
      TEST(a_task_is_withdrawn_with_its_state),
      TEST(a_task_for_nobody_is_an_incident),
      TEST(the_stage_is_the_furthest_of_the_active_states),
      TEST(the_end_names_its_ground),
      TEST(an_ended_case_takes_nothing),
      TEST(an_event_that_nothing_takes_is_an_incident),
      TEST(a_script_error_that_nothing_takes_is_an_incident),
      TEST(an_unsound_status_is_a_script_error),
      TEST(a_chart_may_declare_an_incident),
      TEST(scripts_see_time_case_and_settings),
      TEST(a_delayed_event_of_the_chart_is_a_timer_of_the_case),
      TEST(an_endless_chart_is_an_error_that_parks_the_case),
      TEST(a_case_begins_with_its_start_and_starts_once),
      TEST(a_case_of_an_unknown_process_cannot_be_opened),
      TEST(a_territory_and_a_higher_edition_of_a_correction_are_kept),
      TEST(only_the_kinds_of_the_catalogue_may_send),
      TEST(only_participants_of_the_territory_may_send),
      TEST(a_message_that_would_start_a_case_is_checked_by_its_own_territory),
      TEST(only_an_addressee_may_send_what_is_his),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
