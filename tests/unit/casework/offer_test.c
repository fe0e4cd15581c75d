/* Offering a case: who is asked, in which order, and what becomes of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "family_charts.h"
#include "world.h"

static const struct world_process processes[] = {
    {"measure", MEASURE_CHART},
    {"careless", "<state id='s'><k:offer id='o' kind=\"'work'\"/></state>"},
    {"choosy", "<state id='s'><k:offer id='o' kind=\"'medical'\" prefer=\"'nobody'\"/></state>"},
    {"kindless", "<state id='s'><k:offer id='o' kind='start.kind'/><transition event='offer'/></state>"},
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

static void start(const char *id, const char *data) {
  world_start(&w, id, "measure", "begin", data);
}
#define MEDICAL "{\"kind\":\"medical\",\"due\":\"2026-02-10\",\"place\":\"north\"}"

static void the_offer_goes_to_the_first_that_fits(void **state) {
  (void)state;
  start("c", MEDICAL);
  world_expect(&w, "c: load doctor-a 1");
  world_expect(&w, "c: deliver offer to=doctor-a subject=next event= reason= "
                   "{\"due\":\"2026-02-10\",\"kind\":\"medical\",\"offer\":1,\"offered_on\":\"2026-01-12\"}");
  struct case_view view = world_view(&w, "c");
  assert_true(span_is(view.addressee, "doctor-a"));
  assert_int_equal(view.offer, 1);
  assert_true(span_is(view.status, "offered"));
}

static void load_is_shared_out_and_a_full_participant_is_passed_over(void **state) {
  (void)state;
  static const char *const expected[] = {"doctor-a", "doctor-b", "doctor-a", "doctor-b", "office-1"};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    const char *id = arena_cstr(&w.arena, arena_printf(&w.arena, "c%zu", i));
    start(id, MEDICAL);
    assert_true(span_is(world_view(&w, id).addressee, expected[i]));
  }
}

static void another_territory_has_other_helpers(void **state) {
  (void)state;
  start("c", "{\"kind\":\"medical\",\"place\":\"south\"}");
  assert_true(span_is(world_view(&w, "c").addressee, "doctor-south"));
}

static void the_one_that_the_chart_prefers_goes_first(void **state) {
  (void)state;
  start("c", "{\"kind\":\"medical\",\"place\":\"north\",\"prefer\":\"office-1\"}");
  assert_true(span_is(world_view(&w, "c").addressee, "office-1"));
}

/* Of another kind, of another territory, of another help, nobody at all. */
static void one_named_who_cannot_do_it_is_not_replaced_by_another(void **state) {
  (void)state;
  static const char *const names[] = {"\"helper-north\"", "\"doctor-south\"", "\"nobody\"",
                                      "[\"nobody\",\"doctor-south\"]"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *id = arena_cstr(&w.arena, arena_printf(&w.arena, "c%zu", i));
    start(id, arena_cstr(&w.arena,
                         arena_printf(&w.arena, "{\"kind\":\"medical\",\"place\":\"north\",\"prefer\":%s}", names[i])));
    assert_true(span_empty(world_view(&w, id).addressee));
    assert_true(span_is(world_view(&w, id).status, "unroutable"));
    assert_true(span_is(world_view(&w, id).reason, "executor-unfit"));
  }
  world_start(&w, "d", "choosy", "begin", "{\"place\":\"north\"}");
  world_expect(&w, "d: incident executor-unfit: offer.o.none");
  start("e", "{\"kind\":\"medical\",\"place\":\"north\",\"prefer\":[\"nobody\",\"doctor-b\"]}");
  assert_true(span_is(world_view(&w, "e").addressee, "doctor-b"));
}

static void one_named_who_is_full_or_has_declined_is_passed_over(void **state) {
  (void)state;
  static const char preferring[] = "{\"kind\":\"medical\",\"place\":\"north\",\"prefer\":\"doctor-b\"}";
  start("c", preferring);
  world_event(&w, "c", "doctor-b", "declined", "{\"offer\":1}");
  assert_true(span_is(world_view(&w, "c").addressee, "doctor-a"));
  start("d", preferring);
  start("e", preferring);
  start("f", preferring);
  assert_true(span_is(world_view(&w, "e").addressee, "doctor-b"));
  assert_true(span_is(world_view(&w, "f").addressee, "doctor-a"));
}

static void a_decline_goes_to_the_next_and_meets_the_answer_term(void **state) {
  (void)state;
  start("c", MEDICAL);
  world_mark(&w);
  world_event(&w, "c", "doctor-a", "declined", "{\"offer\":1}");
  world_expect(&w, "c: deadline response met");
  world_expect(&w, "c: load doctor-a -1");
  world_expect(&w, "c: load doctor-b 1");
  world_expect(&w, "c: deliver offer to=doctor-b");
  world_expect(&w, "c: deadline response open");
  assert_int_equal(world_view(&w, "c").offer, 2);
}

static void silence_goes_to_the_next_too(void **state) {
  (void)state;
  start("c", MEDICAL);
  world_until(&w, "2026-01-16");
  world_expect(&w, "c: deadline response missed");
  world_expect(&w, "c: deliver deadline to=doctor-a");
  world_expect(&w, "c: deliver offer-withdrawn to=doctor-a subject=offer event= reason=expired "
                   "{\"offer\":1,\"reason\":\"expired\"}");
  assert_true(span_is(world_view(&w, "c").addressee, "doctor-b"));
}

static void when_nobody_is_left_the_chart_is_told(void **state) {
  (void)state;
  start("c", MEDICAL);
  world_event(&w, "c", "doctor-a", "declined", "{}");
  world_event(&w, "c", "doctor-b", "declined", "{}");
  world_event(&w, "c", "office-1", "declined", "{}");
  struct case_view view = world_view(&w, "c");
  assert_true(span_is(view.status, "unroutable"));
  assert_true(span_empty(view.addressee));
  assert_true(span_empty(view.last_addressee));
  world_refuse(&w, "incident");
  for (size_t i = 0; i < w.loads_count; i++) {
    assert_int_equal(w.loads[i].load, 0);
  }
}

static void nobody_left_is_an_incident_when_the_chart_does_not_care(void **state) {
  (void)state;
  world_start(&w, "c", "careless", "begin", "{\"place\":\"east\"}");
  world_expect(&w, "c: incident unroutable: offer.o.none");
}

static void an_offer_without_a_kind_is_an_incident(void **state) {
  (void)state;
  world_start(&w, "c", "kindless", "begin", "{\"place\":\"north\"}");
  world_expect(&w, "c: incident script-error: o, kind: no kind of help");
}

static void only_the_addressee_may_answer(void **state) {
  (void)state;
  start("c", MEDICAL);
  assert_int_equal(world_send(&w, "c", "doctor-b", "accepted", "{\"offer\":1}", NULL), ERR_FORBIDDEN);
  assert_string_equal(w.fault.text, "ответить может только участник, которому направлено предложение");
  assert_int_equal(world_send(&w, "c", "doctor-a", "accepted", "{\"offer\":1}", NULL), ERR_OK);
}

static void a_stale_answer_loses(void **state) {
  (void)state;
  start("c", MEDICAL);
  world_until(&w, "2026-01-16");
  assert_int_equal(world_send(&w, "c", "doctor-a", "accepted", "{\"offer\":1}", NULL), ERR_CONFLICT);
  assert_string_equal(w.fault.text, "предложение № 1 больше не действует");
  assert_int_equal(world_send(&w, "c", "doctor-a", "accepted", "{}", NULL), ERR_FORBIDDEN);
  assert_int_equal(world_send(&w, "c", "doctor-b", "accepted", "{\"offer\":2}", NULL), ERR_OK);
  assert_true(span_is(world_view(&w, "c").status, "accepted"));
}

static void the_end_frees_the_addressee_and_still_names_him(void **state) {
  (void)state;
  start("c", MEDICAL);
  world_event(&w, "c", "doctor-a", "accepted", "{}");
  world_mark(&w);
  world_event(&w, "c", "doctor-a", "completed", "{}");
  world_expect(&w, "c: load doctor-a -1");
  world_refuse(&w, "offer-withdrawn");
  struct case_view view = world_view(&w, "c");
  assert_true(view.ended);
  assert_true(span_is(view.addressee, "doctor-a"));
  assert_true(span_is(view.status, "completed"));
}

/* Lists go on showing who had it; from the offer itself nothing follows any more. */
static void a_withdrawn_offer_names_its_addressee_and_gives_him_no_rights(void **state) {
  (void)state;
  start("c", MEDICAL);
  world_internal(&w, "c", "case.cancelled");
  world_expect(&w, "c: deliver offer-withdrawn to=doctor-a");
  world_expect(&w, "c: load doctor-a -1");
  struct case_view view = world_view(&w, "c");
  assert_true(span_is(view.status, "cancelled"));
  assert_true(span_empty(view.addressee));
  assert_true(span_is(view.last_addressee, "doctor-a"));
  assert_int_equal(world_send(&w, "c", "doctor-a", "accepted", "{\"offer\":1}", NULL), ERR_CONFLICT);
  assert_int_equal(world_send(&w, "c", "doctor-a", "accepted", "{}", NULL), ERR_CONFLICT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_offer_goes_to_the_first_that_fits),
      TEST(load_is_shared_out_and_a_full_participant_is_passed_over),
      TEST(another_territory_has_other_helpers),
      TEST(the_one_that_the_chart_prefers_goes_first),
      TEST(one_named_who_cannot_do_it_is_not_replaced_by_another),
      TEST(one_named_who_is_full_or_has_declined_is_passed_over),
      TEST(a_decline_goes_to_the_next_and_meets_the_answer_term),
      TEST(silence_goes_to_the_next_too),
      TEST(when_nobody_is_left_the_chart_is_told),
      TEST(nobody_left_is_an_incident_when_the_chart_does_not_care),
      TEST(an_offer_without_a_kind_is_an_incident),
      TEST(only_the_addressee_may_answer),
      TEST(a_stale_answer_loses),
      TEST(the_end_frees_the_addressee_and_still_names_him),
      TEST(a_withdrawn_offer_names_its_addressee_and_gives_him_no_rights),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
