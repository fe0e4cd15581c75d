#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "chart/document.h"
#include "chart/lint.h"

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

/* "rule word_1 word_2;" for each finding. */
static const char *found(struct bench *b, const char *body) {
  struct lint lint;
  assert_int_equal(bench_compile(b, body), ERR_OK);
  lint_init(&lint, &b->arena);
  lint_chart(b->chart, &lint);
  lint_sort(&lint);
  struct span text = span_of(NULL, 0);
  for (size_t i = 0; i < lint.count; i++) {
    const struct lint_finding *f = &lint.items[i];
    text = arena_printf(&b->arena, "%.*s%s %.*s %.*s;", SPAN_ARG(text), f->rule->name, SPAN_ARG(f->words[0]),
                        SPAN_ARG(f->words[1]));
  }
  chart_destroy(&b->chart);
  return arena_cstr(&b->arena, text);
}

static void what_some_run_enters_is_reachable(void **state) {
  static const char *const bodies[] = {
      /* by default, by a region beside the target, by a history, by the history's default */
      "<state id='a'><state id='b'/></state>",
      ("<state id='a'><transition event='e' target='l2'/></state><parallel id='p'><state id='l' initial='l1'><state "
       "id='l1'><transition event='f' target='a'/></state><state id='l2'><transition event='x' "
       "target='l1'/></state></state><state id='r'><state id='r1'/></state></parallel>"),
      ("<state id='a'><transition event='e' target='h'/></state><state id='p' initial='c'><history id='h'><transition "
       "target='d'/></history><state id='c'/><state id='d'><transition event='x' target='c'/></state></state>"),
      "<state id='a'><transition cond='no.thing' target='b'/></state><state id='b'/>",
      /* A shallow history enters a remembered state by default. */
      ("<state id='a'><transition event='e' target='h'/><transition event='f' target='d'/></state><state id='p' "
       "initial='q'><history id='h'><transition target='q'/></history><state id='q'><transition event='x' "
       "target='d'/></state><state id='r' initial='c'><state id='c'/><state id='d'><transition event='x' "
       "target='a'/></state></state></state>"),
      ("<state id='a' initial='c'><transition event='e' target='b'/><state id='b'/><state id='c'/></state>"),
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    assert_string_equal(found(*state, bodies[i]), "");
  }
}

static void what_no_run_enters_is_told_once_with_what_is_inside(void **state) {
  struct bench *b = *state;
  assert_string_equal(found(b, "<state id='a'/><state id='b'><state id='c'/></state><final id='d'/>"),
                      "unreachable-state b ;unreachable-state d ;");
  assert_string_equal(found(b, "<state id='a' initial='c'><state id='b'/><state id='c'/></state>"),
                      "unreachable-state b ;");
  assert_string_equal(found(b, "<state id='a'><transition event='e' cond='false' target='b'/></state><state id='b'/>"),
                      "unreachable-state b ;");
  /* Only from one another. */
  assert_string_equal(found(b, "<state id='a'/><state id='b'><transition event='e' target='c'/></state><state id='c'>"
                               "<transition event='e' target='b'/></state>"),
                      "unreachable-state b ;unreachable-state c ;");
  /* A state that is only entered on the way to another does not enter its initial one. */
  assert_string_equal(found(b, "<state id='a'><transition event='e' target='d'/></state>"
                               "<state id='b' initial='c'><state id='c'/><state id='d'/></state>"),
                      "unreachable-state c ;");
}

#define PARALLEL(left, right)                                                                                          \
  "<parallel id='p'><state id='l' initial='l1'>" left "</state><state id='r' initial='r1'>" right                      \
  "</state></parallel><final id='end'/>"

static void targets_that_restart_their_own_parallel_are_told(void **state) {
  struct bench *b = *state;
  assert_string_equal(found(b, PARALLEL("<state id='l1'><transition event='e' target='l'/><transition event='x' "
                                        "target='end'/></state>",
                                        "<state id='r1'/>")),
                      "leaves-parallel l p;");
  assert_string_equal(found(b, PARALLEL("<state id='l1'><transition event='e' target='r1'/><transition event='x' "
                                        "target='end'/></state>",
                                        "<state id='r1'/>")),
                      "leaves-parallel r1 p;");
  assert_string_equal(found(b, PARALLEL("<transition event='e' target='l1'/><transition event='x' target='end'/>"
                                        "<state id='l1'/>",
                                        "<state id='r1'/>")),
                      "leaves-parallel l1 p;");
  assert_string_equal(found(b, "<state id='a'><parallel id='p'><history id='h'><transition target='l'/></history>"
                               "<state id='l'><transition event='e' target='h'/></state><state id='r'/></parallel>"
                               "</state>"),
                      "leaves-parallel h p;");
}

static void targets_that_stay_or_leave_on_purpose_are_not_told(void **state) {
  struct bench *b = *state;
  assert_string_equal(found(b, PARALLEL("<transition event='e' type='internal' target='l1'/><state id='l1'><transition "
                                        "event='x' target='l2'/></state><state id='l2'><transition event='y' "
                                        "target='end'/><transition event='z' target='p'/></state>",
                                        "<state id='r1'/>")),
                      "");
  /* Who names a state in each region has thought of them all. */
  assert_string_equal(found(b, PARALLEL("<state id='l1'><transition event='e' target='l1 r1'/><transition event='x' "
                                        "target='end'/></state>",
                                        "<state id='r1'/>")),
                      "");
}

static void only_an_end_that_can_come_is_waited_for(void **state) {
  struct bench *b = *state;
  const char *nested = "<state id='s'><transition event='done.state.p' target='e'/><parallel id='p'>"
                       "<state id='l'><final id='lf'/></state><parallel id='r'><state id='r1'><final id='rf'/></state>"
                       "<state id='r2'><final id='rg'/></state></parallel></parallel></state><final id='e'/>";
  assert_string_equal(found(b, nested), "");
  /* The final state is there, but nothing leads to it. */
  assert_string_equal(found(b, "<state id='s'><transition event='done.state.s' target='e'/><state id='a'/>"
                               "<final id='f'/></state><final id='e'/>"),
                      "unreachable-state f ;state-never-done s ;");
  /* A region's own end is waited for: the parallel need not end. */
  assert_string_equal(found(b,
                            "<parallel id='p'><transition event='done.state.l'/><state id='l'><final id='f'/></state>"
                            "<state id='r'/></parallel>"),
                      "");
}

static void charts_inside_are_looked_at_too(void **state) {
  assert_string_equal(found(*state, "<state id='a'><invoke><content><scxml xmlns='http://www.w3.org/2005/07/scxml' "
                                    "version='1.0' datamodel='lua'><state id='x'/><state id='y'/></scxml></content>"
                                    "</invoke></state>"),
                      "unreachable-state y ;");
}

/* ---- texts ---- */

static char *read_source(const char *name) {
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/engine/chart/%s", KURATOR_SOURCE_DIR, name);
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  enum { SIZE = 1 << 17 };
  char *text = calloc(1, SIZE + 1);
  assert_non_null(text);
  size_t size = fread(text, 1, SIZE, file);
  assert_true(size > 0 && size < SIZE);
  (void)fclose(file);
  return text;
}

/* The C literal that begins at `at`, each conversion replaced by a word. */
static struct span example_of(struct arena *arena, const char *at) {
  char *out = arena_alloc(arena, strlen(at) + 1);
  size_t size = 0;
  for (at++; *at != '"'; at++) {
    if (*at == '%') {
      at += strcspn(at, "sdu");
      out[size++] = 'x';
    } else {
      at += *at == '\\';
      out[size++] = *at;
    }
  }
  return span_of(out, size);
}

static void translated(struct arena *arena, const char *source, const char *call, unsigned *count) {
  for (const char *at = strstr(source, call); at; at = strstr(at + 1, call)) {
    const char *end = strchr(at, ';');
    const char *text = strchr(at, '"');
    struct span english = text && text < end ? example_of(arena, text) : span_of(NULL, 0);
    if (english.size == 0 || span_is(english, "x")) {
      continue;
    }
    (*count)++;
    if (span_equal(lint_translate(english, LINT_RUSSIAN, arena), english)) {
      fail_msg("no Russian for: %.*s", SPAN_ARG(english));
    }
  }
}

static void every_fault_of_reading_and_compiling_has_its_russian(void **state) {
  static const char *const names[] = {"document.c", "compile.c", "compile_content.c", "compile_invoke.c",
                                      "compile_expr.c"};
  struct bench *b = *state;
  unsigned count = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *source = read_source(names[i]);
    translated(&b->arena, source, "compile_fault(", &count);
    translated(&b->arena, source, "fault_set_at(", &count);
    translated(&b->arena, source, "compile_bad(", &count);
    free(source);
  }
  assert_true(count > 50);
}

static void what_a_text_is_about_stays_in_its_translation(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *english, *russian;
  } cases[] = {
      {"<k:deadline> has no attribute \"by\"", "у <k:deadline> не бывает атрибута «by»"},
      {"there is no state \"a b\"", "состояния «a b» нет"},
      {"'end' expected (to close 'if' at line 1) near <eof>",
       "возле <eof> ожидается 'end', чтобы закрыть 'if' строки 1"},
      {"unexpected symbol near '='", "неожиданный знак возле '='"},
      {"<invoke type=\"…:task\">: takes no attribute \"src\"", "у <invoke type=\"…:task\"> не бывает атрибута «src»"},
      {"<k:param name=\"title\"> has the name of an attribute",
       "<k:param name=\"title\"> называется так же, как атрибут"},
      {"something nobody has thought of", "something nobody has thought of"},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct span russian = lint_translate(span_of_cstr(cases[i].english), LINT_RUSSIAN, &b->arena);
    assert_string_equal(arena_cstr(&b->arena, russian), cases[i].russian);
    struct span english = lint_translate(span_of_cstr(cases[i].english), LINT_ENGLISH, &b->arena);
    assert_string_equal(arena_cstr(&b->arena, english), cases[i].english);
  }
}

static void findings_are_bounded_and_stand_once(void **state) {
  static const struct lint_rule rule = {"r", LINT_ERROR, {"%1 and %2", "%2 и %1"}, {"%3", ""}};
  struct bench *b = *state;
  struct lint lint;
  lint_init(&lint, &b->arena);
  const struct span none = {NULL, 0};
  for (uint32_t i = 0; i < LINT_FINDINGS_MAX * 2; i++) {
    lint_add(&lint, &rule, i / 2, SPAN_LITERAL("a"), SPAN_LITERAL("b"), none);
  }
  assert_int_equal(lint.count, LINT_FINDINGS_MAX);
  assert_int_equal(lint_errors(&lint), LINT_FINDINGS_MAX);
  assert_true(lint_has_line(&lint, LINT_FINDINGS_MAX - 1));
  assert_string_equal(arena_cstr(&b->arena, lint_message(&lint.items[0], LINT_RUSSIAN, &b->arena)), "b и a");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_some_run_enters_is_reachable, setup, teardown),
      cmocka_unit_test_setup_teardown(what_no_run_enters_is_told_once_with_what_is_inside, setup, teardown),
      cmocka_unit_test_setup_teardown(targets_that_restart_their_own_parallel_are_told, setup, teardown),
      cmocka_unit_test_setup_teardown(targets_that_stay_or_leave_on_purpose_are_not_told, setup, teardown),
      cmocka_unit_test_setup_teardown(only_an_end_that_can_come_is_waited_for, setup, teardown),
      cmocka_unit_test_setup_teardown(charts_inside_are_looked_at_too, setup, teardown),
      cmocka_unit_test_setup_teardown(every_fault_of_reading_and_compiling_has_its_russian, setup, teardown),
      cmocka_unit_test_setup_teardown(what_a_text_is_about_stays_in_its_translation, setup, teardown),
      cmocka_unit_test_setup_teardown(findings_are_bounded_and_stand_once, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
