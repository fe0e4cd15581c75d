/* What is refused before a case ever runs on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static struct world w;

static int setup(void **state) {
  (void)state;
  world_open(&w, NULL, 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  world_close(&w);
  return 0;
}

static enum err define(const char *name, const char *inside) {
  const struct process_source source = {.name = span_of_cstr(name),
                                        .chart = world_chart(&w.arena, inside),
                                        .file = "chart.scxml",
                                        .settings = value_nil()};
  w.fault = (struct fault){0};
  return casework_define(w.casework, &source, &w.fault);
}

static void assert_refused(const char *element, const char *part) {
  const char *inside = arena_cstr(&w.arena, arena_printf(&w.arena, "\n<state id='s'>%s</state>", element));
  assert_int_equal(define("p", inside), ERR_INVALID);
  if (!strstr(w.fault.text, part)) {
    fail_msg("\"%s\" does not say \"%s\"", w.fault.text, part);
  }
  assert_int_equal(w.fault.line, 3);
  assert_false(casework_has_process(w.casework, SPAN_LITERAL("p")));
}

static void a_term_that_does_not_parse_is_refused_with_its_line(void **state) {
  (void)state;
  assert_refused("<k:deadline id='d' from='1' due='ten days'/>", "attribute due: no term");
  assert_refused("<k:deadline id='d' from='1' due='5wd' opens='x'/>", "attribute opens: no term");
  assert_refused("<k:deadline id='d' from='1' due='5wd' warn='-2wd'/>", "attribute warn");
  assert_refused("<k:deadline id='d' from='1' due='5wd' warn='1d 2d 3d 4d 5d'/>", "attribute warn: too many terms");
  assert_refused("<k:deadline id='d' from='1' due='5wd' shift='forward'/>", "attribute shift");
}

static void a_deadline_needs_a_term(void **state) {
  (void)state;
  assert_refused("<k:deadline id='d' from='1'/>", "attribute due: a term is wanted");
}

static void a_role_or_an_event_that_the_catalogue_lacks_is_refused(void **state) {
  (void)state;
  assert_refused("<k:deadline id='d' from='1' due='5wd' owner='nobody'/>", "attribute owner: no such role");
  assert_refused("<k:deadline id='d' from='1' due='5wd' met-by='visit.done visit.undone'/>", "attribute met-by");
  assert_refused("<k:task id='t' role='nobody'/>", "attribute role: no such role");
  assert_refused("<k:task id='t' role='helper' events='undone'/>", "attribute events");
}

static void a_stage_that_the_catalogue_lacks_is_refused(void **state) {
  (void)state;
  assert_int_equal(define("p", "<state id='s' k:stage='nowhere'/>"), ERR_INVALID);
  assert_non_null(strstr(w.fault.text, "no stage \"nowhere\""));
}

static void a_process_is_defined_once(void **state) {
  (void)state;
  assert_int_equal(define("p", "<state id='s'/>"), ERR_OK);
  assert_true(casework_has_process(w.casework, SPAN_LITERAL("p")));
  assert_int_equal(define("p", "<state id='s'/>"), ERR_EXISTS);
}

static void a_sound_process_is_accepted(void **state) {
  (void)state;
  assert_int_equal(define("p", "<state id='s' k:stage='early'>"
                               "<k:deadline id='d' from='1' dueexpr='x' owner='helper' met-by='visit.done begin'"
                               "  warn='2wd 1wd' shift='none' opens='3mo'/></state>"),
                   ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_term_that_does_not_parse_is_refused_with_its_line),
      TEST(a_deadline_needs_a_term),
      TEST(a_role_or_an_event_that_the_catalogue_lacks_is_refused),
      TEST(a_stage_that_the_catalogue_lacks_is_refused),
      TEST(a_process_is_defined_once),
      TEST(a_sound_process_is_accepted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
