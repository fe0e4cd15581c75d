/* A case runs on the definition that it began with; world/later holds the same processes as they are later. */
#include <string.h>

#include "bench.h"
#include "check.h"
#include "runtime/records.h"

#define MONDAY  "2026-01-12T10:00:00+05:00"
#define TUESDAY "2026-01-13T10:00:00+05:00"

static struct bench b;

static int setup(void **state) {
  (void)state;
  bench_open(&b);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static void assert_has(const char *text, const char *part) {
  if (!strstr(text, part)) {
    fail_msg("no %s in\n%s", part, text);
  }
}

static const char *begin(const char *case_id, uint64_t sequence) {
  struct bench_message m = *BEGIN(0, 1, "2026-01-12");
  m.case_id = case_id;
  m.sequence = sequence;
  return bench_send(&b, MONDAY, &m);
}

static const char *tell(const char *case_id, uint64_t sequence, const char *event) {
  return bench_send(&b, TUESDAY, &(struct bench_message){"helper-north", sequence, event, case_id, NULL, NULL});
}

/* ---- what the runtime counts ---- */

struct count {
  const char *process;
  uint64_t old, present;
  size_t old_definitions;
  bool usable;
};

static bool count_definition(void *arg, const struct runtime_definition *d) {
  struct count *count = arg;
  assert_int_equal(CASEWORK_REVISION_SIZE, d->revision.size);
  if (span_is(d->process, count->process)) {
    *(d->present ? &count->present : &count->old) += d->cases;
    count->old_definitions += !d->present;
    count->usable = count->usable && d->usable;
  }
  return true;
}

static struct count counted(const char *process) {
  struct count count = {.process = process, .usable = true};
  runtime_definitions(b.runtime, count_definition, &count);
  return count;
}

static bool count_record(void *arg, struct span key, struct span value) {
  (void)key;
  (void)value;
  ++*(size_t *)arg;
  return true;
}

static size_t stored_definitions(const char *process) {
  size_t count = 0;
  struct record_key prefix = record_pair_prefix(span_of_cstr(process));
  assert_int_equal(ERR_OK, store_scan(b.store, STORE_DEFINITION, record_key_span(&prefix), record_key_span(&prefix),
                                      count_record, &count));
  return count;
}

/* ---- promises ---- */

static void a_case_goes_on_by_the_chart_that_it_began_with(void **state) {
  (void)state;
  begin("A", 1);
  bench_restart_with(&b, "later");
  assert_string_equal("accepted 2", begin("B", 2));
  const char *outcome = bench_outcome(&b);
  assert_has(outcome,
             "\"case\":\"A\",\"process\":\"root\",\"id\":\"visit\",\"basis\":\"правило\",\"from\":\"2026-01-12\","
             "\"term\":\"5wd\",\"due\":\"2026-01-19\",\"state\":\"open\"");
  assert_has(outcome,
             "\"case\":\"B\",\"process\":\"root\",\"id\":\"visit\",\"basis\":\"правило\",\"from\":\"2026-01-12\","
             "\"term\":\"3wd\",\"due\":\"2026-01-15\",\"state\":\"open\"");
  assert_string_equal("accepted 3", tell("A", 1, "visit.done"));
  assert_string_equal("accepted 4", tell("B", 2, "visit.done"));
  outcome = bench_outcome(&b);
  assert_has(outcome, "\"case\":\"A\",\"process\":\"root\",\"states\":[\"helped\"]"); /* lost in the later chart */
  assert_has(outcome, "\"case\":\"B\",\"process\":\"root\",\"states\":[\"over\"]");
  assert_int_equal(0, bench_count(outcome, "\"type\":\"incident\""));
}

static void its_deadlines_are_its_own_too(void **state) {
  (void)state;
  begin("A", 1);
  bench_restart_with(&b, "later");
  bench_until(&b, "2026-02-01");
  assert_has(bench_outcome(&b), "\"term\":\"5wd\",\"due\":\"2026-01-19\",\"state\":\"missed\",\"at\":\"2026-01-20");
}

/* The part of an old case begins today, so by today's rules. */
static void a_child_begins_on_the_present_revision(void **state) {
  (void)state;
  begin("A", 1);
  bench_restart_with(&b, "later");
  tell("A", 1, "visit.done");
  assert_has(bench_outcome(&b), "\"process\":\"part\",\"id\":\"plan\",\"basis\":\"правило\",\"from\":\"2026-01-13\","
                                "\"term\":\"1wd\"");
  assert_int_equal(1, counted("part").present);
  assert_int_equal(0, counted("part").old_definitions);
}

/* By the chart of then: the later one has no state "helped", another term, and no task. */
static void a_correction_of_an_old_case_goes_by_its_own_chart(void **state) {
  (void)state;
  begin("A", 1);
  bench_restart_with(&b, "later");
  const char *before = bench_outcome(&b);
  assert_string_equal("accepted 2", tell("A", 1, "visit.done"));
  assert_has(bench_outcome(&b), "\"states\":[\"helped\"]");
  const struct bench_message annulled = {"helper-north", 2, "annulled", "A", "{\"event\":\"visit.done\"}", NULL};
  assert_string_equal("accepted 3", bench_send(&b, TUESDAY, &annulled));
  assert_string_equal(before, bench_outcome(&b));
  assert_int_equal(1, counted("root").old);
  assert_int_equal(0, counted("root").present);
  assert_true(bench_delivered(&b, "task A call"));
  bench_restart(&b);
  assert_string_equal("accepted 4", tell("A", 3, "visit.done"));
  assert_has(bench_outcome(&b), "\"case\":\"A\",\"process\":\"root\",\"states\":[\"helped\"]");
  assert_has(bench_outcome(&b), "\"term\":\"5wd\",\"due\":\"2026-01-19\",\"state\":\"met\"");
}

static void what_began_an_old_case_is_taken_back_too(void **state) {
  (void)state;
  begin("A", 1);
  bench_restart_with(&b, "later");
  const struct bench_message annulled = {"agency-1", 2, "annulled", "A", "{\"event\":\"begin\"}", NULL};
  assert_string_equal("accepted 2", bench_send(&b, TUESDAY, &annulled));
  assert_has(bench_outcome(&b), "\"ground\":\"annulled\"");
  assert_int_equal(0, counted("root").old);
  assert_int_equal(CIVIL_MOMENT_NONE, runtime_next_due(b.runtime));
  assert_string_equal("accepted 3", begin("A", 3)); /* its number is free: it begins on the present chart */
  assert_has(bench_outcome(&b), "\"term\":\"3wd\"");
  assert_int_equal(1, counted("root").present);
}

static void running_cases_are_counted_by_their_definition(void **state) {
  (void)state;
  begin("A", 1);
  begin("B", 2);
  tell("A", 1, "visit.done");
  bench_restart(&b);
  assert_int_equal(2, counted("root").present);
  assert_int_equal(1, counted("part").present);
  assert_int_equal(0, counted("referral").present);
  assert_int_equal(1, stored_definitions("root"));
  assert_int_equal(0, stored_definitions("referral"));
  tell("A", 2, "closed");
  assert_int_equal(1, counted("root").present);
  assert_int_equal(0, counted("part").present);
  bench_restart_with(&b, "later");
  begin("C", 3);
  assert_int_equal(1, counted("root").present);
  assert_int_equal(1, counted("root").old);
  assert_int_equal(1, counted("root").old_definitions);
  assert_int_equal(2, stored_definitions("root"));
}

static void an_old_definition_is_forgotten_with_its_last_case(void **state) {
  (void)state;
  begin("A", 1);
  begin("B", 2);
  bench_restart_with(&b, "later");
  tell("A", 1, "closed");
  assert_int_equal(1, counted("root").old);
  tell("B", 2, "closed");
  assert_int_equal(0, counted("root").old_definitions);
  assert_int_equal(0, stored_definitions("root"));
  bench_restart(&b);
  assert_int_equal(0, counted("root").old_definitions);
  /* An ended case is still known, and its record still shows how it ended. */
  assert_has(tell("A", 3, "visit.done"), "refused CONFLICT Дело закрыто");
  assert_string_equal("duplicate 1", begin("A", 9));
  assert_has(bench_outcome(&b), "\"case\":\"A\",\"process\":\"root\",\"states\":[\"over\"],\"stage\":\"late\"");
}

/* A present one stays, so that a process with few cases is not written again and again; when config/ leaves it, it
 * goes. */
static void a_definition_that_nobody_runs_on_goes_when_config_has_left_it(void **state) {
  (void)state;
  begin("A", 1);
  tell("A", 1, "closed");
  assert_int_equal(1, stored_definitions("root"));
  bench_restart_with(&b, "later");
  begin("B", 2);
  assert_int_equal(1, stored_definitions("root"));
  assert_int_equal(0, counted("root").old_definitions);
}

static void going_back_to_the_old_configuration_needs_no_second_definition(void **state) {
  (void)state;
  begin("A", 1);
  bench_restart_with(&b, "later");
  begin("B", 2);
  bench_restart_with(&b, NULL);
  assert_int_equal(1, counted("root").present);
  assert_int_equal(1, counted("root").old);
  assert_string_equal("accepted 3", tell("A", 1, "visit.done"));
  assert_string_equal("accepted 4", tell("B", 2, "visit.done"));
  assert_has(bench_outcome(&b), "\"case\":\"B\",\"process\":\"root\",\"states\":[\"over\"]");
}

/* ---- a definition that cannot be used ---- */

struct kept {
  struct span key, value;
};

static bool keep_record(void *arg, struct span key, struct span value) {
  struct kept *kept = arg;
  *kept = (struct kept){arena_copy(&b.arena, key), arena_copy(&b.arena, value)};
  return false;
}

static void stored(void *arg, enum err result) {
  *(enum err *)arg = result;
}

static void put_definition(struct span key, struct span value) {
  enum err result = ERR_BUSY;
  store_begin(b.store);
  store_put(b.store, STORE_DEFINITION, key, value);
  store_commit(b.store, stored, &result);
  while (store_poll(b.store)) {
  }
  assert_int_equal(ERR_OK, result);
}

/* Returns what stood there. An older vocabulary: only compiling can tell whether it is sound. */
static struct kept break_definition(const char *process, uint64_t vocabulary, struct span chart) {
  struct kept kept = {{NULL, 0}, {NULL, 0}};
  struct record_key prefix = record_pair_prefix(span_of_cstr(process));
  assert_int_equal(ERR_OK, store_scan(b.store, STORE_DEFINITION, record_key_span(&prefix), record_key_span(&prefix),
                                      keep_record, &kept));
  struct record_definition record;
  struct writer w;
  writer_init(&w);
  assert_int_equal(ERR_OK, record_definition_read(kept.value, &record));
  record.vocabulary = vocabulary;
  record.chart = chart;
  record_definition_write(&record, &w);
  put_definition(kept.key, writer_span(&w));
  writer_finish(&w);
  return kept;
}

static void a_broken_definition_parks_only_its_cases(void **state) {
  (void)state;
  begin("A", 1);
  struct kept kept = break_definition("root", 0, SPAN_LITERAL("<scxml"));
  bench_restart_with(&b, "later");
  assert_false(counted("root").usable);
  begin("B", 2);
  assert_string_equal("incident 3", tell("A", 1, "visit.done"));
  assert_string_equal("accepted 4", tell("B", 2, "visit.done"));
  const char *outcome = bench_outcome(&b);
  assert_has(outcome, "\"case\":\"A\",\"process\":\"root\",\"states\":[\"waiting\"]");
  assert_has(outcome, "{\"type\":\"incident\",\"case\":\"A\",\"reason\":\"no-definition\"");
  assert_has(outcome, "\"case\":\"B\",\"process\":\"root\",\"states\":[\"over\"]");
  assert_int_equal(1, counted("root").old);

  /* Nothing is lost: with the definition back, what was parked can be done. */
  put_definition(kept.key, kept.value);
  bench_restart(&b);
  assert_true(counted("root").usable);
  struct fault fault;
  assert_int_equal(ERR_OK, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 1, &fault));
  bench_until(&b, TUESDAY);
  assert_has(bench_outcome(&b), "\"case\":\"A\",\"process\":\"root\",\"states\":[\"helped\"]");
}

static void a_damaged_definition_is_not_taken_for_another(void **state) {
  (void)state;
  begin("A", 1);
  break_definition("root", CASEWORK_VOCABULARY,
                   SPAN_LITERAL("<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' "
                                "datamodel='lua'><state id='open'/></scxml>"));
  bench_restart_with(&b, "later");
  assert_false(counted("root").usable);
  assert_string_equal("incident 2", tell("A", 1, "visit.done"));
  /* The present one is compiled from config/, whatever is stored. */
  bench_restart_with(&b, NULL);
  assert_true(counted("root").usable);
  assert_string_equal("accepted 3", tell("A", 2, "visit.done"));
}

static void a_timer_of_a_case_without_definition_is_an_incident_too(void **state) {
  (void)state;
  begin("A", 1);
  break_definition("root", CASEWORK_VOCABULARY + 1, SPAN_LITERAL("<scxml"));
  bench_restart_with(&b, "later");
  bench_until(&b, "2026-02-01");
  assert_has(bench_outcome(&b), "\"reason\":\"timer-failed\"");
  assert_string_equal("accepted 4", begin("B", 2)); /* after the start and two timers: the warning and the end */
}

/* As a message can be: with the definition back, the deadline that nobody could miss is missed. */
static void a_timer_that_failed_can_be_repeated(void **state) {
  (void)state;
  struct fault fault;
  begin("A", 1);
  struct kept kept = break_definition("root", 0, SPAN_LITERAL("<scxml"));
  bench_restart_with(&b, "later");
  bench_until(&b, "2026-02-01");
  assert_int_equal(2, bench_count(bench_outcome(&b), "\"reason\":\"timer-failed\"")); /* the warning, the end */
  /* Nothing has changed yet: it fails again, in the same incident. */
  assert_int_equal(ERR_OK, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 2, &fault));
  bench_until(&b, "2026-02-02");
  assert_int_equal(2, bench_count(bench_outcome(&b), "\"type\":\"incident\""));
  assert_has(bench_outcome(&b), "\"state\":\"open\"");
  put_definition(kept.key, kept.value);
  bench_restart(&b);
  assert_int_equal(ERR_OK, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 2, &fault));
  bench_until(&b, "2026-02-03T12:00:00+05:00");
  assert_has(bench_outcome(&b), "\"state\":\"missed\",\"at\":\"2026-01-20T00:00:00+05:00\"");
  assert_int_equal(ERR_CONFLICT, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 2, &fault));
  /* The other one finds nothing left to do, which is as good. */
  assert_int_equal(ERR_OK, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 1, &fault));
  bench_until(&b, "2026-02-03T13:00:00+05:00");
  assert_int_equal(ERR_CONFLICT, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 1, &fault));
  assert_int_equal(1, bench_count(bench_outcome(&b), "\"type\":\"deadline\""));
}

/* ---- rehearsal ---- */

/* The journal says nothing of definitions: it is rehearsed on those of today. */
static void a_rehearsal_knows_present_definitions_only(void **state) {
  (void)state;
  begin("A", 1);
  bench_restart_with(&b, "later");
  const char *journal = bench_export(&b);
  assert_null(strstr(journal, "revision"));
  const char *outcome = bench_rehearse(&b, journal, "2026-01-13");
  assert_has(outcome, "\"term\":\"3wd\"");
  assert_has(bench_outcome(&b), "\"term\":\"5wd\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_case_goes_on_by_the_chart_that_it_began_with),
      TEST(its_deadlines_are_its_own_too),
      TEST(a_child_begins_on_the_present_revision),
      TEST(a_correction_of_an_old_case_goes_by_its_own_chart),
      TEST(what_began_an_old_case_is_taken_back_too),
      TEST(running_cases_are_counted_by_their_definition),
      TEST(an_old_definition_is_forgotten_with_its_last_case),
      TEST(a_definition_that_nobody_runs_on_goes_when_config_has_left_it),
      TEST(going_back_to_the_old_configuration_needs_no_second_definition),
      TEST(a_broken_definition_parks_only_its_cases),
      TEST(a_damaged_definition_is_not_taken_for_another),
      TEST(a_timer_of_a_case_without_definition_is_an_incident_too),
      TEST(a_timer_that_failed_can_be_repeated),
      TEST(a_rehearsal_knows_present_definitions_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
