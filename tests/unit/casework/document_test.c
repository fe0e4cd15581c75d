/* The register of documents of a case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "family_charts.h"
#include "world.h"

#define TAKING_CHART                                                                                                   \
  "<state id='s'><transition event='plan left visit.done'/><transition event='moved' "                                 \
  "cond='_event.data.term'/></state>"
#define EXTRACT_CHART                                                                                                  \
  "<state id='work'><k:referrals id='measures' each='start.rows' process='measure' met='completed' extract='share'/>"  \
  "<transition event='plan'><assign location='start.rows' expr='_event.data.rows'/></transition>"                      \
  "<transition event='referral deadline done'/><transition event='closed' target='end'/></state><final id='end'/>"

static const struct world_process processes[] = {
    {"taking", TAKING_CHART}, {"root", EXTRACT_CHART}, {"measure", MEASURE_CHART}};

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

#define ROWS(rows) "{\"place\":\"north\",\"rows\":[" rows "]}"
#define M1         "{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-02-10\"}"
#define M1_LATER   "{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-03-10\"}"
#define M2         "{\"id\":\"m2\",\"kind\":\"medical\",\"due\":\"2026-02-20\"}"
#define M3         "{\"id\":\"m3\",\"kind\":\"work\",\"due\":\"2026-02-20\"}"

/* Each edition as a word: "paper1=made", "share2@doctor-a=sent:m1,m2", a superseded one with "!" behind it. */
static const char *register_of(const char *case_id) {
  struct case_view view = world_view(&w, case_id);
  struct span text = {NULL, 0};
  for (size_t i = 0; i < view.documents_count; i++) {
    const struct case_document *d = &view.documents[i];
    text = arena_printf(&w.arena, "%.*s%s%.*s%u%s%.*s=%.*s", SPAN_ARG(text), i > 0 ? " " : "", SPAN_ARG(d->kind),
                        d->edition, d->to.size > 0 ? "@" : "", SPAN_ARG(d->to), SPAN_ARG(d->state));
    for (size_t k = 0; k < d->measures.count; k++) {
      text = arena_printf(&w.arena, "%.*s%s%.*s", SPAN_ARG(text), k > 0 ? "," : ":", SPAN_ARG(d->measures.items[k]));
    }
    if (case_document_superseded(view.documents, view.documents_count, i)) {
      text = arena_printf(&w.arena, "%.*s!", SPAN_ARG(text));
    }
  }
  return arena_cstr(&w.arena, text);
}

static void helper_says(const char *event, const char *data) {
  world_event(&w, "c", "helper-north", event, data);
}

/* ---- what events bring ---- */

static void an_event_brings_the_document_that_the_catalogue_names(void **state) {
  (void)state;
  world_start(&w, "c", "taking", "begin", ROWS());
  assert_string_equal(register_of("c"), "");
  helper_says("plan", "{\"rows\":[]}");
  struct case_document first = world_view(&w, "c").documents[0];
  assert_int_equal(first.journal, 2);
  assert_int_equal(first.state_journal, 2);
  assert_int_equal(first.recorded_at, w.now);
  assert_string_equal(register_of("c"), "paper1=made");
  helper_says("visit.done", "{\"phase\":\"after\"}");
  assert_string_equal(register_of("c"), "paper1=sent");
  first = world_view(&w, "c").documents[0];
  assert_int_equal(first.journal, 2);
  assert_int_equal(first.state_journal, 3);
  helper_says("plan", "{\"rows\":[]}");
  assert_string_equal(register_of("c"), "paper1=sent! paper2=made");
}

static void a_condition_and_the_state_before_decide(void **state) {
  (void)state;
  world_start(&w, "c", "taking", "begin", ROWS());
  helper_says("left", "{}");       /* known: there is none */
  helper_says("visit.done", "{}"); /* from: there is none */
  assert_string_equal(register_of("c"), "");
  helper_says("plan", "{\"rows\":[]}");
  helper_says("visit.done", "{\"phase\":\"before\"}"); /* another value */
  assert_string_equal(register_of("c"), "paper1=made");
  helper_says("visit.done", "{}"); /* absent */
  assert_string_equal(register_of("c"), "paper1=sent");
  helper_says("left", "{}");
  helper_says("visit.done", "{}"); /* not out of this state */
  assert_string_equal(register_of("c"), "paper1=gone");
}

static void what_the_case_does_not_take_brings_nothing(void **state) {
  (void)state;
  world_start(&w, "c", "taking", "begin", ROWS());
  world_event(&w, "c", "agency-1", "moved", "{}");
  assert_string_equal(register_of("c"), "");
  world_event(&w, "c", "agency-1", "moved", "{\"term\":\"5d\"}");
  assert_string_equal(register_of("c"), "paper1=taken");
}

static void it_occurred_when_the_event_did(void **state) {
  (void)state;
  world_start(&w, "c", "taking", "begin", ROWS());
  world_until(&w, "2026-01-20T10:00:00+05:00");
  assert_int_equal(world_send(&w, "c", "helper-north", "plan", "{\"rows\":[]}", "2026-01-15T09:00:00+05:00"), ERR_OK);
  struct case_document d = world_view(&w, "c").documents[0];
  assert_int_equal(civil_moment_day(d.recorded_at) - civil_moment_day(d.occurred_at),
                   civil_moment_day(w.now) - civil_moment_day(d.occurred_at));
  assert_true(d.occurred_at < d.recorded_at);
}

static void the_register_is_bounded_and_forgets_what_is_superseded(void **state) {
  (void)state;
  world_start(&w, "c", "taking", "begin", ROWS());
  for (int i = 0; i < CASE_DOCUMENTS_MAX + 3; i++) {
    helper_says("plan", "{\"rows\":[]}");
  }
  struct case_view view = world_view(&w, "c");
  assert_int_equal(view.documents_count, CASE_DOCUMENTS_MAX);
  assert_int_equal(view.documents[0].edition, 4);
  assert_int_equal(view.documents[CASE_DOCUMENTS_MAX - 1].edition, CASE_DOCUMENTS_MAX + 3);
}

static void a_case_with_its_usual_papers_is_small(void **state) {
  (void)state;
  world_start(&w, "c", "taking", "begin", ROWS());
  size_t before = world_case(&w, "c")->record.size;
  for (int i = 0; i < 8; i++) {
    helper_says("plan", "{\"rows\":[]}");
  }
  assert_true(world_case(&w, "c")->record.size - before < 8 * 32);
}

/* ---- extracts ---- */

static void an_executor_gets_its_own_measures_in_one_edition(void **state) {
  (void)state;
  world_start(&w, "c", "root", "begin", ROWS(M1 "," M2 "," M3));
  assert_string_equal(register_of("c"), "share1@doctor-a=sent:m1 share1@doctor-b=sent:m2 share1@office-1=sent:m3");
  world_event(&w, "c/m1", "doctor-a", "accepted", "{}");
  assert_string_equal(register_of("c"), "share1@doctor-a=taken:m1 share1@doctor-b=sent:m2 share1@office-1=sent:m3");
}

static void another_list_gives_new_editions_to_those_whom_it_touches(void **state) {
  (void)state;
  world_start(&w, "c", "root", "begin", ROWS(M1 "," M2));
  world_event(&w, "c/m1", "doctor-a", "accepted", "{}");
  world_until(&w, "2026-01-13T10:00:00+05:00");
  world_mark(&w);
  helper_says("plan", "{\"rows\":[" M1_LATER "," M2 "," M3 "]}");
  assert_string_equal(
      register_of("c"),
      "share1@doctor-a=taken:m1! share1@doctor-b=sent:m2 paper1=made share2@doctor-a=sent:m1 share1@office-1=sent:m3");
  world_until(&w, "2026-01-14T10:00:00+05:00");
  helper_says("plan", "{\"rows\":[" M1_LATER "," M3 "]}");
  assert_string_equal(register_of("c"), "share1@doctor-a=taken:m1! share1@doctor-b=gone:m2 paper1=made! "
                                        "share2@doctor-a=sent:m1 share1@office-1=sent:m3 paper2=made");
}

static void who_gives_a_measure_back_has_no_extract_of_it(void **state) {
  (void)state;
  world_start(&w, "c", "root", "begin", ROWS(M1));
  world_until(&w, "2026-01-13T10:00:00+05:00");
  world_event(&w, "c/m1", "doctor-a", "declined", "{}");
  assert_string_equal(register_of("c"), "share1@doctor-a=gone:m1 share1@doctor-b=sent:m1");
}

static void the_end_of_the_case_takes_extracts_back_but_not_those_of_what_was_done(void **state) {
  (void)state;
  world_start(&w, "c", "root", "begin", ROWS(M1 "," M2));
  world_event(&w, "c/m1", "doctor-a", "accepted", "{}");
  world_event(&w, "c/m1", "doctor-a", "completed", "{}");
  helper_says("closed", "{}");
  assert_string_equal(register_of("c"), "share1@doctor-a=taken:m1 share1@doctor-b=gone:m2");
}

/* ---- the catalogue ---- */

static void refused(const char *part) {
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(catalogue_check_documents(w.catalogue, &fault), ERR_CONFIG);
  assert_non_null(strstr(fault.text, part));
}

static struct event_document *of_event(const char *name) {
  const struct event_rule *event = catalogue_event(w.catalogue, span_of_cstr(name));
  return &event->documents[0];
}

static void a_catalogue_whose_documents_do_not_fit_is_refused(void **state) {
  (void)state;
  struct event_document *visit = of_event("visit.done");
  struct event_document sound = *visit;
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(catalogue_check_documents(w.catalogue, &fault), ERR_OK);
  visit->kind = SPAN_LITERAL("share"); /* an extract comes by itself */
  refused("share");
  *visit = sound;
  visit->state = SPAN_LITERAL("lost");
  refused("lost");
  *visit = sound;
  visit->field = SPAN_LITERAL("note"); /* personal */
  refused("note");
  *visit = sound;
  visit->value = SPAN_LITERAL("never");
  refused("phase");
  *visit = sound;
  visit->edition = SPAN_LITERAL("last");
  refused("last");
  *visit = sound;
  w.catalogue->documents[1].gone = SPAN_LITERAL("nowhere");
  refused("nowhere");
  w.catalogue->documents[1].gone = SPAN_LITERAL("gone");
  w.catalogue->documents[0].kind = SPAN_LITERAL("share");
  refused("share");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_event_brings_the_document_that_the_catalogue_names),
      TEST(a_condition_and_the_state_before_decide),
      TEST(what_the_case_does_not_take_brings_nothing),
      TEST(it_occurred_when_the_event_did),
      TEST(the_register_is_bounded_and_forgets_what_is_superseded),
      TEST(a_case_with_its_usual_papers_is_small),
      TEST(an_executor_gets_its_own_measures_in_one_edition),
      TEST(another_list_gives_new_editions_to_those_whom_it_touches),
      TEST(who_gives_a_measure_back_has_no_extract_of_it),
      TEST(the_end_of_the_case_takes_extracts_back_but_not_those_of_what_was_done),
      TEST(a_catalogue_whose_documents_do_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
