#include "bench.h"

#include <stdio.h>

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

static void refused(struct bench *b, const char *body, enum err err, uint32_t line, const char *part) {
  assert_int_equal(bench_compile(b, body), err);
  assert_int_equal(b->fault.line, line);
  if (!strstr(b->fault.text, part)) {
    fail_msg("\"%s\" does not tell of \"%s\"", b->fault.text, part);
  }
  assert_null(b->chart);
}

static void structural_mistakes_name_their_line(void **state) {
  static const struct {
    const char *body;
    uint32_t line;
    const char *part;
  } cases[] = {
      {"<state id='a'>\n<transition target='b'/></state>", 3, "no state \"b\""},
      {"<state id='a'/>\n<state id='a'/>", 3, "stands twice"},
      {"<state id='a'>\n<sate/></state>", 3, "no element <sate>"},
      {"<state id='a' intial='b'/>", 2, "no attribute \"intial\""},
      {"<state id='a'>\n<onentry><raise/></onentry></state>", 3, "needs the attribute \"event\""},
      {"<state id='a'>\n<transition/></state>", 3, "needs \"event\""},
      {"<state id='a'>\n<onentry>hello</onentry></state>", 3, "cannot hold text"},
      {"<state id='a'>\n<raise event='x'/></state>", 3, "cannot stand in <state>"},
      {"<state id='a' initial='c'><state id='b'/></state><state id='c'/>", 2, "can start in"},
      {"<state id='a'><state id='b'/><history id='h'/></state>", 2, "needs one transition"},
      {"<state id='a'><state id='b'/><state id='c'/></state>\n<state id='d'><transition target='b c'/></state>", 3,
       "cannot be active together"},
      {"<state id='a'><onentry>\n<send event='e' eventexpr='x'/></onentry></state>", 3, "exclude each other"},
      {"<state id='a'><onentry>\n<send event='e' delay='10 hours'/></onentry></state>", 3, "is not a delay"},
      {"<state id='a'><onentry>\n<script src='nowhere.lua'/></onentry></state>", 3, "cannot be read"},
      {"<state id='a'><onentry>\n<if cond='x'><else/><elseif cond='y'/></if></onentry></state>", 3, "follow <else>"},
      {"<datamodel>\n<data id='_event'/></datamodel><state id='a'/>", 3, "name of the system"},
      {"<state id='a~1'/>", 2, "cannot be the id"},
      {"<state id='a'><invoke><content>\n<scxml version='1.0'><state id='x'>\n<transition target='y'/></state></scxml>"
       "</content></invoke></state>",
       4, "no state \"y\""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    refused(*state, cases[i].body, ERR_INVALID, cases[i].line, cases[i].part);
  }
}

static void documents_that_are_no_scxml_are_refused(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *document;
    enum err err;
  } cases[] = {
      {"", ERR_FORMAT},
      {"<scxml", ERR_FORMAT},
      {"\x01\x02\x03", ERR_FORMAT},
      {"<scxml version='1.0'/>", ERR_INVALID},
      {"<state xmlns='http://www.w3.org/2005/07/scxml'/>", ERR_INVALID},
      {"<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'/>", ERR_INVALID},
      {"<scxml xmlns='http://www.w3.org/2005/07/scxml' version='2.0'><state/></scxml>", ERR_INVALID},
      {"<scxml xmlns='http://www.w3.org/2005/07/scxml' datamodel='xpath'><state/></scxml>", ERR_UNSUPPORTED},
      {"<scxml xmlns='http://www.w3.org/2005/07/scxml'><state id='&#xD800;'/></scxml>", ERR_FORMAT},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    assert_int_equal(bench_compile_text(b, cases[i].document), cases[i].err);
    assert_string_not_equal(b->fault.text, "");
  }
}

static void entities_cannot_be_declared(void **state) {
  struct bench *b = *state;
  assert_int_equal(bench_compile_text(b, "<!DOCTYPE scxml [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>\n"
                                         "<scxml xmlns='http://www.w3.org/2005/07/scxml'><state id='&b;'/></scxml>"),
                   ERR_FORMAT);
  assert_non_null(strstr(b->fault.text, "document type"));
  assert_int_equal(bench_compile_text(b, "<!DOCTYPE scxml SYSTEM 'file:///etc/passwd'>"
                                         "<scxml xmlns='http://www.w3.org/2005/07/scxml'><state/></scxml>"),
                   ERR_FORMAT);
}

static void size_and_depth_are_bounded(void **state) {
  struct bench *b = *state;
  b->options.limits.document_size_max = 2000;
  struct writer w;
  writer_init(&w);
  for (int i = 0; i < 150; i++) {
    writer_printf(&w, "<state>");
  }
  for (int i = 0; i < 150; i++) {
    writer_printf(&w, "</state>");
  }
  writer_u8(&w, 0);
  assert_int_equal(bench_compile(b, (const char *)w.data), ERR_LIMIT);
  chart_worker_destroy(&b->worker);
  b->options.limits = chart_limits_default();
  assert_int_equal(bench_compile(b, (const char *)w.data), ERR_LIMIT);
  assert_non_null(strstr(b->fault.text, "deeper"));
  writer_finish(&w);
}

static void a_bad_expression_does_not_refuse_the_document(void **state) {
  struct bench *b = *state;
  bench_start(b,
              "<state id='a'><transition cond=')(' target='b'/><transition event='error.execution' target='c'/></state>"
              "<state id='b'/><state id='c'/>");
  assert_true(bench_in(b, "c"));
}

static void events_are_known_by_descriptor(void **state) {
  struct bench *b = *state;
  assert_int_equal(bench_compile(b, "<state id='a'><transition event='deadline.* x' target='a'/>"
                                    "<transition event='*' target='a'/></state>"),
                   ERR_OK);
  assert_true(chart_knows_event(b->chart, SPAN_LITERAL("deadline.visit.late")));
  assert_true(chart_knows_event(b->chart, SPAN_LITERAL("x")));
  assert_false(chart_knows_event(b->chart, SPAN_LITERAL("deadlines")));
  assert_false(chart_knows_event(b->chart, SPAN_LITERAL("unknown")));
  char name[16];
  for (int i = 0; i < 2000; i++) { /* more names than are kept */
    (void)snprintf(name, sizeof(name), "x.%d", i);
    assert_true(chart_knows_event(b->chart, span_of_cstr(name)));
  }
}

static void states_without_id_get_one_by_place(void **state) {
  struct bench *b = *state;
  assert_int_equal(bench_compile(b, "<state id='a'><state/><state id='in'/><state/></state><final/>"), ERR_OK);
  assert_true(span_is(chart_state_id(b->chart, 2), "a~1"));
  assert_true(span_is(chart_state_id(b->chart, 4), "a~3"));
  assert_true(chart_state_is_final(b->chart, 5));
  assert_true(chart_state_is_atomic(b->chart, 4));
  assert_false(chart_state_is_atomic(b->chart, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(structural_mistakes_name_their_line, setup, teardown),
      cmocka_unit_test_setup_teardown(documents_that_are_no_scxml_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(entities_cannot_be_declared, setup, teardown),
      cmocka_unit_test_setup_teardown(size_and_depth_are_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(a_bad_expression_does_not_refuse_the_document, setup, teardown),
      cmocka_unit_test_setup_teardown(events_are_known_by_descriptor, setup, teardown),
      cmocka_unit_test_setup_teardown(states_without_id_get_one_by_place, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
