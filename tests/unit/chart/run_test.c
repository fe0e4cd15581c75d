#include "bench.h"

static int setup(void **state) {
  static struct bench bench;
  bench_init(&bench);
  *state = &bench;
  return 0;
}

static int teardown(void **state) {
  bench_finish(*state);
  return 0;
}

static void an_unmatched_event_is_told(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'><transition event='known'/></state>");
  assert_true(b->outcome.taken);
  assert_int_equal(bench_event(b, "unknown", NULL), ERR_OK);
  assert_false(b->outcome.taken);
  assert_int_equal(bench_event(b, "known", NULL), ERR_OK);
  assert_true(b->outcome.taken);
}

static void only_the_delivered_event_counts_as_taken(void **state) {
  struct bench *b = *state;
  bench_start(
      b, "<state id='a'><onentry><send event='own'/></onentry><transition event='own'><send event='own2'/>"
         "</transition><transition event='own2'/><transition event='start'><send event='own'/></transition></state>");
  assert_int_equal(bench_event(b, "nothing", NULL), ERR_OK);
  assert_false(b->outcome.taken);
}

static void an_event_that_a_forwarded_child_takes_is_taken(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'><invoke autoforward='true'><content><scxml version='1.0' datamodel='lua'><state id='x'>"
                 "<transition event='deep'/></state></scxml></content></invoke></state>");
  assert_int_equal(bench_event(b, "deep", NULL), ERR_OK);
  assert_true(b->outcome.taken);
  assert_int_equal(bench_event(b, "shallow", NULL), ERR_OK);
  assert_false(b->outcome.taken);
}

static void unhandled_errors_are_counted_and_the_first_is_kept(void **state) {
  struct bench *b = *state;
  bench_start(
      b,
      "<state id='a'>\n<transition event='e'><assign location='nowhere' expr='1'/></transition>\n"
      "<transition event='e' cond='false'/><transition event='f' target='b'/></state>"
      "<state id='b'><onentry><assign location='x' expr='1'/></onentry>\n<onentry><raise event='error.own'/></onentry>"
      "<transition event='error.execution'/></state>");
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
  assert_int_equal(b->outcome.first_error.err, ERR_SCRIPT);
  assert_int_equal(b->outcome.first_error.line, 3);
  assert_non_null(strstr(b->outcome.first_error.text, "nowhere"));
  assert_int_equal(bench_event(b, "f", NULL), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
  assert_non_null(strstr(b->outcome.first_error.text, "error.own"));
}

static void start_data_preset_top_level_variables(void **state) {
  struct bench *b = *state;
  assert_int_equal(bench_compile(b, "<datamodel><data id='given' expr='1'/><data id='other' expr='2'/></datamodel>"
                                    "<state id='a'><datamodel><data id='inner' expr='3'/></datamodel></state>"),
                   ERR_OK);
  assert_int_equal(chart_session_create(b->worker, b->chart, SPAN_LITERAL("s"), &b->session), ERR_OK);
  struct value data;
  assert_int_equal(json_read(SPAN_LITERAL("{\"given\":[1],\"inner\":9,\"unknown\":9}"), &b->arena, &data, NULL),
                   ERR_OK);
  assert_int_equal(chart_session_start(b->session, &b->moment, &data, &b->host, &b->outcome), ERR_OK);
  assert_string_equal(bench_variable(b, "given"), "[1]");
  assert_string_equal(bench_variable(b, "other"), "2");
  assert_string_equal(bench_variable(b, "inner"), "3");
  assert_string_equal(bench_variable(b, "unknown"), "null");
}

static void the_platform_is_shown_as_x(void **state) {
  struct bench *b = *state;
  assert_int_equal(json_read(SPAN_LITERAL("{\"today\":\"2026-01-20\",\"settings\":{\"n\":3}}"), &b->arena,
                             &b->moment.platform, NULL),
                   ERR_OK);
  bench_start(b, "<datamodel><data id='d'/><data id='n'/></datamodel><state id='a'><transition event='e'>"
                 "<assign location='d' expr='_x.today'/><assign location='n' expr='_x.settings.n + 1'/></transition>"
                 "<transition event='bad'><assign location='_x.today' expr='1'/></transition></state>");
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_string_equal(bench_variable(b, "d"), "\"2026-01-20\"");
  assert_string_equal(bench_variable(b, "n"), "4");
  assert_int_equal(bench_event(b, "bad", NULL), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
}

static void a_kept_event_does_not_become_the_next_one(void **state) {
  struct bench *b = *state;
  bench_start(b, "<datamodel><data id='kept' expr='0'/></datamodel><state id='a'><transition event='first'>"
                 "<script>kept = _event</script></transition><transition event='second'/></state>");
  assert_int_equal(bench_event(b, "first", "{\"k\":1}"), ERR_OK);
  assert_int_equal(bench_event(b, "second", "{\"k\":2}"), ERR_OK);
  assert_string_equal(bench_variable(b, "kept"), "{\"data\":{\"k\":1},\"name\":\"first\",\"type\":\"external\"}");
}

static void delayed_sends_fire_in_order_of_due_and_sending(void **state) {
  struct bench *b = *state;
  bench_start(b, "<datamodel><data id='o' expr=\"''\"/></datamodel><state id='a'><onentry>"
                 "<send event='c' delay='3s'/><send event='a' delay='1s'/><send event='b' delay='1s'/></onentry>"
                 "<transition event='*'><assign location='o' expr='o .. _event.name'/></transition></state>");
  assert_int_equal(chart_session_due(b->session), 2000);
  b->moment.now = 2000;
  assert_int_equal(chart_session_advance(b->session, &b->moment, &b->host, &b->outcome), ERR_OK);
  assert_true(b->outcome.taken);
  assert_string_equal(bench_variable(b, "o"), "\"ab\"");
  assert_int_equal(chart_session_due(b->session), 4000);
  b->moment.now = 9000;
  assert_int_equal(chart_session_advance(b->session, &b->moment, &b->host, &b->outcome), ERR_OK);
  assert_string_equal(bench_variable(b, "o"), "\"abc\"");
  assert_int_equal(chart_session_due(b->session), CIVIL_MOMENT_NONE);
}

static void invocations_nest_to_a_limit(void **state) {
  struct bench *b = *state;
  bench_start(b, "<datamodel><data id='doc'/></datamodel><state id='a'><onentry><assign location='doc'>"
                 "<scxml version='1.0' datamodel='lua'><datamodel><data id='doc'/></datamodel><state id='x'>"
                 "<invoke><param name='doc' expr='doc'/><content expr='doc'/></invoke>"
                 "<transition event='error' target='f'><send event='deep' target='#_parent'/></transition>"
                 "<transition event='deep' target='f'><send event='deep' target='#_parent'/></transition></state>"
                 "<final id='f'/></scxml></assign></onentry>"
                 "<invoke><param name='doc' expr='doc'/><content expr='doc'/></invoke>"
                 "<transition event='deep' target='told'/></state><state id='told'/>");
  assert_true(bench_in(b, "told"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_unmatched_event_is_told, setup, teardown),
      cmocka_unit_test_setup_teardown(only_the_delivered_event_counts_as_taken, setup, teardown),
      cmocka_unit_test_setup_teardown(an_event_that_a_forwarded_child_takes_is_taken, setup, teardown),
      cmocka_unit_test_setup_teardown(unhandled_errors_are_counted_and_the_first_is_kept, setup, teardown),
      cmocka_unit_test_setup_teardown(start_data_preset_top_level_variables, setup, teardown),
      cmocka_unit_test_setup_teardown(the_platform_is_shown_as_x, setup, teardown),
      cmocka_unit_test_setup_teardown(a_kept_event_does_not_become_the_next_one, setup, teardown),
      cmocka_unit_test_setup_teardown(delayed_sends_fire_in_order_of_due_and_sending, setup, teardown),
      cmocka_unit_test_setup_teardown(invocations_nest_to_a_limit, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
