#include "bench.h"

static const struct chart_attribute watch_attributes[] = {{"due", CHART_ATTRIBUTE_TEXT, true},
                                                          {"from", CHART_ATTRIBUTE_EXPR, false},
                                                          {"met", CHART_ATTRIBUTE_LATER, false},
                                                          {NULL, CHART_ATTRIBUTE_TEXT, false}};
static const struct chart_attribute tell_attributes[] = {
    {"whom", CHART_ATTRIBUTE_TEXT, true}, {"what", CHART_ATTRIBUTE_EXPR, false}, {NULL, CHART_ATTRIBUTE_TEXT, false}};
static const struct chart_element elements[] = {{"watch", CHART_PLACE_STATE, watch_attributes},
                                                {"tell", CHART_PLACE_CONTENT, tell_attributes},
                                                {NULL, CHART_PLACE_STATE, NULL}};
static const struct chart_vocabulary vocabulary = {"urn:test:k", "urn:test:", elements};

static int setup(void **state) {
  static struct bench bench;
  bench_init(&bench);
  bench.vocabulary = &vocabulary;
  *state = &bench;
  return 0;
}

static int teardown(void **state) {
  bench_finish(*state);
  return 0;
}

static void elements_behave_as_invocations(void **state) {
  struct bench *b = *state;
  bench_start(b,
              "<datamodel><data id='day' expr=\"'2026-01-01'\"/></datamodel>"
              "<state id='a'><k:watch id='visit' due='10wd' from='day'><k:param name='extra' expr='1 + 1'/></k:watch>"
              "<k:watch due='1wd'/><transition event='go' target='b'/></state><state id='b'/>");
  assert_string_equal(bench_diary(b), "invoke visit urn:test:watch 0 "
                                      "{\"due\":\"10wd\",\"extra\":2,\"from\":\"2026-01-01\",\"id\":\"visit\"}\n"
                                      "invoke a.1 urn:test:watch 1 {\"due\":\"1wd\"}\n");
  assert_int_equal(bench_event(b, "go", NULL), ERR_OK);
  assert_string_equal(bench_diary(b), "uninvoke visit 0\nuninvoke a.1 1\n");
}

static void elements_in_content_behave_as_sends(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'><onentry><k:tell whom='all' what='{1, 2}'/></onentry></state>");
  assert_string_equal(bench_diary(b), "send urn:test:tell   {\"what\":[1,2],\"whom\":\"all\"}\n");
}

static void nothing_starts_in_a_state_that_is_left_at_once(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'><k:watch id='w' due='1wd'/><transition target='b'/></state><state id='b'/>");
  assert_string_equal(bench_diary(b), "");
}

static void a_refused_invocation_is_an_error_and_is_not_cancelled(void **state) {
  struct bench *b = *state;
  b->host_answer = ERR_INVALID;
  bench_start(b, "<state id='a'><k:watch id='w' due='1wd'/><transition event='error.execution' target='b'/></state>"
                 "<state id='b'/>");
  assert_true(bench_in(b, "b"));
  assert_string_equal(bench_diary(b), "invoke w urn:test:watch 0 {\"due\":\"1wd\",\"id\":\"w\"}\n");
}

static void an_unreachable_addressee_is_a_communication_error(void **state) {
  struct bench *b = *state;
  b->host_answer = ERR_UNREACHABLE;
  bench_start(b, "<state id='a'><onentry><k:tell whom='x'/></onentry>"
                 "<transition event='error.communication' target='b'/></state><state id='b'/>");
  assert_true(bench_in(b, "b"));
}

static void a_failing_attribute_stops_the_invocation(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'><k:watch id='w' due='1wd' from='no.thing'/></state>");
  assert_string_equal(bench_diary(b), "");
  assert_int_equal(b->outcome.errors, 1);
  assert_non_null(strstr(b->outcome.first_error.text, "index"));
}

static void later_attributes_are_evaluated_when_asked(void **state) {
  struct bench *b = *state;
  bench_start(b, "<datamodel><data id='limit' expr='3'/></datamodel>"
                 "<state id='a'><k:watch id='w' due='1wd' met='_event.data.n > limit'/>"
                 "<transition event='raise'><assign location='limit' expr='10'/></transition></state>");
  assert_string_equal(bench_diary(b), "invoke w urn:test:watch 0 {\"due\":\"1wd\",\"id\":\"w\"}\n");
  struct value data;
  assert_int_equal(json_read(SPAN_LITERAL("{\"n\":5}"), &b->arena, &data, NULL), ERR_OK);
  const struct chart_event event = {.name = SPAN_LITERAL("e"), .data = data};
  struct value v;
  assert_int_equal(chart_session_attribute(b->session, &b->moment, 0, "met", &event, &b->arena, &v, &b->fault), ERR_OK);
  assert_true(v.truth);
  assert_int_equal(bench_event(b, "raise", NULL), ERR_OK);
  assert_int_equal(chart_session_attribute(b->session, &b->moment, 0, "met", &event, &b->arena, &v, &b->fault), ERR_OK);
  assert_false(v.truth);
  assert_int_equal(chart_session_attribute(b->session, &b->moment, 0, "met", NULL, &b->arena, &v, &b->fault),
                   ERR_SCRIPT);
  assert_int_equal(chart_session_attribute(b->session, &b->moment, 0, "due", NULL, &b->arena, &v, &b->fault), ERR_OK);
  assert_true(span_is(v.text, "1wd"));
  assert_int_equal(chart_session_attribute(b->session, &b->moment, 0, "from", NULL, &b->arena, &v, &b->fault), ERR_OK);
  assert_int_equal(v.kind, VALUE_NIL);
}

static void the_chart_tells_its_elements(void **state) {
  struct bench *b = *state;
  assert_int_equal(bench_compile(b,
                                 "<state id='a' k:stage='first'>\n<k:watch id='w' due='1wd' met='x'/>\n<state id='b'>"
                                 "<k:watch due='2wd'/></state></state>"),
                   ERR_OK);
  assert_int_equal(chart_elements_count(b->chart), 2);
  struct chart_element_info info = chart_element_info(b->chart, 0);
  assert_true(span_is(info.name, "watch") && span_is(info.id, "w"));
  assert_int_equal(info.line, 3);
  assert_int_equal(info.state, 1);
  assert_true(span_is(chart_element_text(b->chart, 1, "due"), "2wd"));
  assert_true(span_empty(chart_element_text(b->chart, 0, "met")));
  assert_true(chart_element_has(b->chart, 0, "met"));
  assert_false(chart_element_has(b->chart, 1, "met"));
  assert_true(span_is(chart_state_attribute(b->chart, 1, "stage"), "first"));
  assert_true(span_empty(chart_state_attribute(b->chart, 2, "stage")));
}

static void mistakes_in_the_vocabulary_name_their_line(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *body;
    const char *part;
  } cases[] = {
      {"<state id='a'>\n<k:watch id='w'/></state>", "needs the attribute \"due\""},
      {"<state id='a'>\n<k:watch due='1' ude='2'/></state>", "no attribute \"ude\""},
      {"<state id='a'>\n<k:wach due='1'/></state>", "no element <k:wach>"},
      {"<state id='a'>\n<k:tell whom='x'/></state>", "belongs into executable content"},
      {"<state id='a'><onentry>\n<k:watch due='1'/></onentry></state>", "belongs into a state"},
      {"<state id='a'><k:watch due='1'>\n<k:param name='x'/></k:watch></state>", "\"name\" and \"expr\""},
      {"<state id='a'><invoke><content><scxml version='1.0'><state id='x'>\n<k:watch "
       "due='1'/></state></scxml></content>"
       "</invoke></state>",
       "inside another"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    assert_int_equal(bench_compile(b, cases[i].body), ERR_INVALID);
    assert_int_equal(b->fault.line, 3);
    if (!strstr(b->fault.text, cases[i].part)) {
      fail_msg("\"%s\" does not tell of \"%s\"", b->fault.text, cases[i].part);
    }
  }
}

static void without_a_vocabulary_the_elements_are_foreign(void **state) {
  struct bench *b = *state;
  b->vocabulary = NULL;
  bench_start(b, "<state id='a'><k:watch/><onentry><k:tell/></onentry></state>");
  assert_string_equal(bench_diary(b), "");
}

static void events_reach_and_leave_services_of_the_host(void **state) {
  struct bench *b = *state;
  bench_start(b,
              "<state id='a'><invoke type='urn:printer' id='p' autoforward='true'><param name='n' expr='2'/></invoke>"
              "<transition event='more'><send target='#_p' event='page' namelist='_name'/></transition></state>");
  assert_string_equal(bench_diary(b), "invoke p urn:printer 4294967295 {\"n\":2}\n");
  assert_int_equal(bench_event(b, "more", "{\"k\":1}"), ERR_OK);
  assert_string_equal(bench_diary(b), "send urn:printer #_p more {\"k\":1}\nsend  #_p page {\"_name\":\"bench\"}\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(elements_behave_as_invocations, setup, teardown),
      cmocka_unit_test_setup_teardown(elements_in_content_behave_as_sends, setup, teardown),
      cmocka_unit_test_setup_teardown(nothing_starts_in_a_state_that_is_left_at_once, setup, teardown),
      cmocka_unit_test_setup_teardown(a_refused_invocation_is_an_error_and_is_not_cancelled, setup, teardown),
      cmocka_unit_test_setup_teardown(an_unreachable_addressee_is_a_communication_error, setup, teardown),
      cmocka_unit_test_setup_teardown(a_failing_attribute_stops_the_invocation, setup, teardown),
      cmocka_unit_test_setup_teardown(later_attributes_are_evaluated_when_asked, setup, teardown),
      cmocka_unit_test_setup_teardown(the_chart_tells_its_elements, setup, teardown),
      cmocka_unit_test_setup_teardown(mistakes_in_the_vocabulary_name_their_line, setup, teardown),
      cmocka_unit_test_setup_teardown(without_a_vocabulary_the_elements_are_foreign, setup, teardown),
      cmocka_unit_test_setup_teardown(events_reach_and_leave_services_of_the_host, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
