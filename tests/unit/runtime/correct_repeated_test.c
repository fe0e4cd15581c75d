/* What was parked and then repeated by the operator is one event, and is taken back as one. */
#include <string.h>

#include "bench.h"
#include "check.h"

#define MONDAY    "2026-01-12T10:00:00+05:00"
#define TUESDAY   "2026-01-13T10:00:00+05:00"
#define WEDNESDAY "2026-01-14T10:00:00+05:00"

static struct bench b;

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static const char *tell(const char *moment, uint64_t sequence, const char *event, const char *data) {
  return bench_send(&b, moment, &(struct bench_message){"helper-north", sequence, event, "A", data, NULL});
}

static void repeat(uint64_t incident) {
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(ERR_OK, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), incident, &fault));
  bench_until(&b, WEDNESDAY);
}

/* The visit of sequence 7 came while the case was broken, was repeated in vain, and again when it no longer was. */
static int setup(void **state) {
  (void)state;
  bench_open(&b);
  bench_restart_with(&b, "failing");
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_string_equal("accepted 2", tell(MONDAY, 1, "broken", NULL));
  assert_string_equal("incident 3", tell(TUESDAY, 7, "visit.done", "{\"note\":\"Тайна\"}"));
  repeat(1);
  assert_string_equal("accepted 5", tell(WEDNESDAY, 8, "closed", NULL));
  repeat(1);
  return 0;
}

static bool visits_are(const char *state) {
  struct span part = arena_printf(&b.arena, "\"process\":\"root\",\"states\":[\"%s\"]", state);
  return strstr(bench_outcome(&b), arena_cstr(&b.arena, part)) != NULL;
}

static void assert_rehearsal_agrees(void) {
  const char *replay = bench_rehearse(&b, bench_export(&b), "2026-01-14");
  assert_non_null(strstr(replay, "\"process\":\"root\""));
  const char *at = strstr(replay, "\"states\":");
  const char *ours = strstr(bench_outcome(&b), "\"states\":");
  assert_non_null(at);
  assert_non_null(ours);
  assert_memory_equal(ours, at, strcspn(ours, "]"));
}

static void it_is_taken_back_by_the_number_that_its_sender_gave_it(void **state) {
  (void)state;
  assert_true(visits_are("one"));
  assert_string_equal("accepted 7", tell(WEDNESDAY, 9, "annulled", "{\"event\":\"visit.done\",\"sequence\":7}"));
  assert_true(visits_are("none"));
  assert_rehearsal_agrees();
  struct value person;
  assert_int_equal(ERR_OK, runtime_person_read(b.runtime, SPAN_LITERAL("A"), &b.arena, &person));
  assert_null(value_get(&person, "note"));
  assert_non_null(strstr(tell(WEDNESDAY, 10, "annulled", "{\"event\":\"visit.done\",\"sequence\":7}"), "уже отозвано"));
}

static void it_is_taken_back_without_a_number_and_only_once(void **state) {
  (void)state;
  assert_string_equal("accepted 7", tell(WEDNESDAY, 9, "annulled", "{\"event\":\"visit.done\"}"));
  assert_true(visits_are("none"));
  assert_non_null(strstr(tell(WEDNESDAY, 10, "annulled", "{\"event\":\"visit.done\"}"), "отзывать нечего"));
  assert_rehearsal_agrees();
}

static void it_counts_once_when_what_made_it_park_is_taken_back(void **state) {
  (void)state;
  assert_string_equal("accepted 7", tell(WEDNESDAY, 9, "annulled", "{\"event\":\"broken\",\"sequence\":1}"));
  assert_true(visits_are("one"));
  assert_int_equal(0, bench_count(bench_outcome(&b), "\"reason\":\"annulled\""));
  assert_rehearsal_agrees();
}

/* Another visit of the same sender is another event. */
static void another_one_is_not_taken_for_its_repetition(void **state) {
  (void)state;
  assert_string_equal("accepted 7", tell(WEDNESDAY, 9, "visit.done", "{\"note\":\"Тайна\"}"));
  assert_true(visits_are("two"));
  assert_string_equal("accepted 8", tell(WEDNESDAY, 10, "annulled", "{\"event\":\"visit.done\",\"sequence\":7}"));
  assert_true(visits_are("one"));
  assert_string_equal("accepted 9", tell(WEDNESDAY, 11, "annulled", "{\"event\":\"visit.done\",\"sequence\":9}"));
  assert_true(visits_are("none"));
  assert_rehearsal_agrees();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(it_is_taken_back_by_the_number_that_its_sender_gave_it),
      TEST(it_is_taken_back_without_a_number_and_only_once),
      TEST(it_counts_once_when_what_made_it_park_is_taken_back),
      TEST(another_one_is_not_taken_for_its_repetition),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
