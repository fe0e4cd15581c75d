/* What the runtime promises to those who send, and to those who restart it. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "check.h"
#include "runtime/records.h"
#include "runtime/seal.h"

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

static void assert_lacks(const char *text, const char *part) {
  if (strstr(text, part)) {
    fail_msg("%s stands in\n%s", part, text);
  }
}

/* A case with its support part and two referrals offered. */
static void plan_two(void) {
  assert_string_equal("accepted 1", bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12")));
  assert_string_equal("accepted 2", bench_send(&b, MONDAY, VISIT(1)));
  const char *rows = "{\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-03-02\"},"
                     "{\"id\":\"m2\",\"kind\":\"medical\",\"due\":\"2026-03-03\"}]}";
  assert_string_equal("accepted 3",
                      bench_send(&b, TUESDAY, &(struct bench_message){"helper-north", 2, "plan", "A", rows, NULL}));
}

/* ---- receipts ---- */

static void a_receipt_comes_only_when_the_batch_is_durable(void **state) {
  (void)state;
  assert_int_equal(ERR_OK, bench_submit(&b, BEGIN(1, 1, "2026-01-12")));
  assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment(MONDAY)));
  assert_int_equal(0, b.receipts_count);
  assert_true(runtime_committing(b.runtime));
  while (store_poll(b.store)) {
  }
  assert_string_equal("accepted 1", bench_receipt(&b));
  assert_true(runtime_idle(b.runtime));
}

static void the_same_message_gets_the_first_receipt_again(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  const char *before = bench_outcome(&b);
  assert_string_equal("duplicate 1", bench_send(&b, TUESDAY, BEGIN(1, 1, "2026-01-12")));
  bench_restart(&b);
  assert_string_equal("duplicate 1", bench_send(&b, TUESDAY, BEGIN(1, 1, "2026-01-12")));
  assert_string_equal(before, bench_outcome(&b));
  assert_int_equal(1, runtime_journal_head(b.runtime));
}

static void a_refusal_is_repeated_too(void **state) {
  (void)state;
  const char *first = bench_send(&b, MONDAY, VISIT(1));
  assert_has(first, "refused NOT_FOUND Дело не найдено");
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_string_equal(first, bench_send(&b, MONDAY, VISIT(1)));
}

static void a_reused_number_is_refused_and_shown_to_the_operator(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_has(bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-13")), "refused CONFLICT");
  assert_int_equal(1, bench_records_with(&b, "sequence-reused"));
  assert_lacks(bench_outcome(&b), "sequence-reused");
}

static void a_full_inbox_pushes_back(void **state) {
  (void)state;
  b.limits.inbox_messages = 2;
  bench_restart(&b);
  assert_int_equal(ERR_OK, bench_submit(&b, BEGIN(1, 1, "2026-01-12")));
  assert_int_equal(ERR_OK, bench_submit(&b, BEGIN(2, 1, "2026-01-12")));
  assert_int_equal(ERR_BUSY, bench_submit(&b, BEGIN(3, 1, "2026-01-12")));
  bench_until(&b, MONDAY);
  assert_int_equal(ERR_OK, bench_submit(&b, BEGIN(3, 1, "2026-01-12")));
}

/* ---- start events ---- */

static void a_repeated_notice_is_a_duplicate_and_a_higher_edition_a_correction(void **state) {
  (void)state;
  assert_string_equal("accepted 1", bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12")));
  assert_string_equal("duplicate 1", bench_send(&b, MONDAY, BEGIN(2, 1, "2026-01-12")));
  assert_has(bench_outcome(&b), "\"from\":\"2026-01-12\",\"term\":\"5wd\",\"due\":\"2026-01-19\",\"state\":\"open\"");
  assert_string_equal("accepted 2", bench_send(&b, TUESDAY, BEGIN(3, 2, "2026-01-13")));
  assert_has(bench_outcome(&b), "\"from\":\"2026-01-13\",\"term\":\"5wd\",\"due\":\"2026-01-20\",\"state\":\"open\"");
  assert_string_equal("duplicate 1", bench_send(&b, TUESDAY, BEGIN(4, 2, "2026-01-13")));
  assert_int_equal(1, bench_count(bench_outcome(&b), "\"type\":\"case\""));
}

static void only_those_of_the_territory_may_start_a_case(void **state) {
  (void)state;
  struct bench_message m = *BEGIN(1, 1, "2026-01-12");
  m.as = "agency-south";
  assert_has(bench_send(&b, MONDAY, &m), "refused FORBIDDEN");
  assert_lacks(bench_outcome(&b), "\"type\":\"case\"");
}

/* ---- refusals ---- */

static void what_cannot_be_taken_is_refused_with_a_reason(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  const struct {
    struct bench_message message;
    const char *answer;
  } rows[] = {
      {{"nobody", 1, "visit.done", "A", NULL, NULL}, "refused FORBIDDEN Отправитель"},
      {{"helper-north", 11, "no.such", "A", NULL, NULL}, "refused NOT_FOUND Такого события"},
      {{"doctor-a", 12, "visit.done", "A", NULL, NULL}, "refused FORBIDDEN"},
      {{"helper-south", 13, "visit.done", "A", NULL, NULL}, "refused FORBIDDEN"},
      {{"helper-north", 14, "visit.done", "A", "{\"secret\":1}", NULL}, "refused INVALID"},
      {{"helper-north", 15, "visit.done", "A", "{\"day\":\"2026-02-31\"}", NULL}, "refused INVALID"},
      {{"helper-north", 16, "visit.done", "B", NULL, NULL}, "refused NOT_FOUND Дело не найдено"},
      {{"helper-north", 17, "visit.done", "A/part", NULL, NULL}, "refused NOT_FOUND Дело не найдено"},
      {{"helper-north", 18, "visit.done", "../A", NULL, NULL}, "refused INVALID Номер дела"},
      {{"helper-north", 19, "visit.done", "A//x", NULL, NULL}, "refused INVALID Номер дела"},
      {{"helper-north", 20, "visit.done", "", NULL, NULL}, "refused INVALID Номер дела"},
      {{"helper-north", 21, "visit.done", "A", NULL, "2026-01-12T10:00:00.001+05:00"}, "refused RANGE"},
      {{"helper-north", 22, "plan", "A", "{\"rows\":[]}", NULL}, "refused CONFLICT Дело сейчас не ждёт"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_has(bench_send(&b, MONDAY, &rows[i].message), rows[i].answer);
  }
  /* The case is as it was: it still waits for the visit. */
  assert_has(bench_outcome(&b), "\"states\":[\"waiting\"]");
  assert_has(bench_send(&b, MONDAY, VISIT(23)), "accepted");
}

static void a_closed_case_takes_nothing(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_string_equal("accepted 2",
                      bench_send(&b, MONDAY, &(struct bench_message){"helper-north", 1, "closed", "A", NULL, NULL}));
  assert_has(bench_send(&b, MONDAY, VISIT(2)), "refused CONFLICT Дело закрыто");
  assert_has(bench_outcome(&b), "\"ground\":\"closed\"");
  assert_has(bench_outcome(&b), "\"state\":\"cancelled\"");
}

static void each_refusal_has_an_incident_and_many_of_one_kind_are_counted(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  for (uint64_t i = 1; i <= 25; i++) {
    struct bench_message m = {"helper-south", i, "visit.done", "A", NULL, NULL};
    assert_has(bench_send(&b, MONDAY, &m), "refused FORBIDDEN");
  }
  struct bench_message unknown = {"helper-south", 26, "no.such", "A//x", NULL, NULL};
  assert_has(bench_send(&b, MONDAY, &unknown), "refused NOT_FOUND");
  const char *outcome = bench_outcome(&b);
  assert_int_equal(20, bench_count(outcome, "\"type\":\"incident\",\"case\":\"A\",\"reason\":\"refused\""));
  assert_int_equal(20, bench_count(outcome, "\"detail\":\"Посещение: "));
  assert_int_equal(1, bench_count(outcome, "\"count\":6}"));
  assert_has(outcome, "\"case\":\"-\",\"reason\":\"refused\"");
  assert_has(outcome, "\"detail\":\"неизвестное событие: Такого события нет в перечне\"");
  assert_int_equal(22, runtime_journal_head(b.runtime));
  assert_string_equal(outcome, bench_rehearse(&b, bench_export(&b), "2026-01-12"));
}

static void one_sender_cannot_fill_the_disk_with_refusals(void **state) {
  (void)state;
  b.limits.refusals_max = 5;
  bench_restart(&b);
  for (uint64_t i = 1; i <= 50; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "X%llu", (unsigned long long)i);
    struct bench_message m = {"helper-north", i, "visit.done", id, NULL, NULL};
    assert_has(bench_send(&b, MONDAY, &m), "refused NOT_FOUND");
  }
  assert_int_equal(6, bench_count(bench_outcome(&b), "\"type\":\"incident\""));
  assert_int_equal(6, runtime_journal_head(b.runtime));
}

/* ---- families ---- */

/* Which part of the family a referral belongs to tells what kind of case it is. */
static void outside_a_referral_has_the_number_of_its_root_and_answers_find_it(void **state) {
  (void)state;
  plan_two();
  for (size_t i = 0; i < b.deliveries_count; i++) {
    assert_lacks(b.deliveries[i], "A/part");
  }
  assert_string_equal(
      "accepted 4",
      bench_send(&b, TUESDAY, &(struct bench_message){"doctor-a", 1, "accepted", "A/m1", "{\"offer\":1}", NULL}));
  assert_string_equal("accepted 5",
                      bench_send(&b, TUESDAY, &(struct bench_message){"doctor-a", 2, "completed", "A/m1", NULL, NULL}));
  assert_has(bench_send(&b, TUESDAY, &(struct bench_message){"doctor-a", 3, "completed", "A/m1", NULL, NULL}),
             "refused CONFLICT Дело закрыто");
  assert_has(bench_send(&b, TUESDAY, &(struct bench_message){"doctor-a", 4, "completed", "A/m9", NULL, NULL}),
             "refused NOT_FOUND");
  assert_string_equal(bench_outcome(&b), bench_rehearse(&b, bench_export(&b), "2026-01-13"));
}

static void an_event_for_the_root_goes_to_the_child_that_knows_it(void **state) {
  (void)state;
  plan_two();
  assert_has(bench_outcome(&b), "\"type\":\"case\",\"case\":\"A\",\"process\":\"part\",\"states\":[\"working\"]");
  assert_true(bench_delivered(&b, "doctor-a 1 offer A/m1"));
  assert_true(bench_delivered(&b, "doctor-b 1 offer A/m2"));
}

static void a_field_says_which_child_is_meant(void **state) {
  (void)state;
  plan_two();
  struct bench_message accept = {"doctor-b", 1, "accepted", "A", "{\"measure\":\"m2\",\"offer\":1}", NULL};
  assert_string_equal("accepted 4", bench_send(&b, TUESDAY, &accept));
  const char *outcome = bench_outcome(&b);
  assert_has(outcome, "\"measure\":\"m1\",\"to\":\"doctor-a\",\"status\":\"offered\"");
  assert_has(outcome, "\"measure\":\"m2\",\"to\":\"doctor-b\",\"status\":\"accepted\"");
}

static void only_the_addressee_may_answer_an_offer(void **state) {
  (void)state;
  plan_two();
  struct bench_message accept = {"doctor-a", 1, "accepted", "A", "{\"measure\":\"m2\"}", NULL};
  assert_has(bench_send(&b, TUESDAY, &accept), "refused FORBIDDEN");
  struct bench_message stale = {"doctor-b", 1, "accepted", "A", "{\"measure\":\"m2\",\"offer\":7}", NULL};
  assert_has(bench_send(&b, TUESDAY, &stale), "refused CONFLICT");
  struct bench_message unknown = {"doctor-b", 2, "accepted", "A", "{\"measure\":\"m9\"}", NULL};
  assert_has(bench_send(&b, TUESDAY, &unknown), "refused CONFLICT");
}

/* Several wait for the answer: it is for the one that was offered to who answers, when that is only one. */
static void an_answer_that_names_no_child_is_for_the_only_one_of_its_sender(void **state) {
  (void)state;
  plan_two();
  struct bench_message accept = {"doctor-b", 1, "accepted", "A", NULL, NULL};
  assert_string_equal("accepted 4", bench_send(&b, TUESDAY, &accept));
  assert_has(bench_outcome(&b), "\"measure\":\"m2\",\"to\":\"doctor-b\",\"status\":\"accepted\"");
  struct bench_message again = {"doctor-b", 2, "completed", "A/part", NULL, NULL};
  assert_has(bench_send(&b, TUESDAY, &again), "accepted");
  assert_has(bench_outcome(&b), "\"measure\":\"m1\",\"to\":\"doctor-a\",\"status\":\"offered\"");
}

static void an_answer_that_might_mean_several_children_is_refused(void **state) {
  (void)state;
  plan_two();
  struct bench_message declined = {"doctor-a", 1, "declined", "A", "{\"measure\":\"m1\"}", NULL};
  assert_has(bench_send(&b, TUESDAY, &declined), "accepted"); /* both are doctor-b's now */
  struct bench_message both = {"doctor-b", 1, "accepted", "A", NULL, NULL};
  assert_has(bench_send(&b, TUESDAY, &both), "refused CONFLICT Укажите мероприятие (поле «measure»)");
  struct bench_message none = {"doctor-a", 2, "accepted", "A", NULL, NULL};
  assert_has(bench_send(&b, TUESDAY, &none), "refused CONFLICT Укажите мероприятие");
}

static void a_family_ends_together(void **state) {
  (void)state;
  plan_two();
  const struct bench_message answers[] = {
      {"doctor-a", 1, "accepted", "A", "{\"measure\":\"m1\"}", NULL},
      {"doctor-b", 1, "accepted", "A/part/m2", NULL, NULL},
      {"doctor-b", 2, "completed", "A", "{\"measure\":\"m2\"}", NULL},
      {"doctor-a", 2, "completed", "A", "{\"measure\":\"m1\"}", NULL},
  };
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    assert_has(bench_send(&b, TUESDAY, &answers[i]), "accepted");
  }
  const char *outcome = bench_outcome(&b);
  assert_has(outcome, "\"process\":\"root\",\"states\":[\"finished\"],\"stage\":\"late\",\"ground\":\"finished\"");
  assert_has(outcome, "\"process\":\"part\",\"states\":[\"done\"]");
  assert_int_equal(2, bench_count(outcome, "\"status\":\"completed\""));
  assert_int_equal(0, bench_count(outcome, "\"type\":\"incident\""));
  assert_true(runtime_next_due(b.runtime) == CIVIL_MOMENT_NONE);
}

/* ---- time ---- */

static void a_timer_is_stepped_at_its_moment_however_late_the_tick(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  bench_restart(&b);
  bench_until(&b, "2026-06-01");
  assert_has(bench_outcome(&b), "\"state\":\"missed\",\"at\":\"2026-01-20T00:00:00+05:00\"");
}

static void timers_come_before_the_message_of_the_same_moment(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  bench_send(&b, "2026-01-20", VISIT(1));
  assert_has(bench_outcome(&b), "\"state\":\"missed\"");
}

static void an_event_that_occurred_in_time_is_met_reported_late(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  struct bench_message late = *VISIT(1);
  late.occurred = "2026-01-19T23:00:00+05:00";
  assert_has(bench_send(&b, "2026-02-01", &late), "accepted");
  assert_has(bench_outcome(&b), "\"state\":\"met-reported-late\"");
}

static void recorded_time_never_runs_backwards(void **state) {
  (void)state;
  bench_send(&b, TUESDAY, BEGIN(1, 1, "2026-01-12"));
  bench_restart(&b);
  bench_send(&b, MONDAY, VISIT(1));
  assert_int_equal(2, bench_count(bench_export(&b), "\"at\":\"" TUESDAY "\""));
  assert_true(runtime_clock(b.runtime) == bench_moment(TUESDAY));
}

static void a_virtual_clock_outlives_a_restart(void **state) {
  (void)state;
  b.durable_clock = true;
  bench_restart(&b);
  bench_until(&b, "2027-12-31");
  bench_restart(&b);
  assert_true(runtime_clock(b.runtime) == bench_moment("2027-12-31"));
}

/* ---- failures ---- */

static uint32_t parked(const char *case_id) {
  struct record_key key = record_case_key(span_of_cstr(case_id));
  struct span bytes;
  struct record_case record;
  assert_int_equal(ERR_OK, store_get(b.store, STORE_CASE, record_key_span(&key), &bytes));
  assert_int_equal(ERR_OK, record_case_read(bytes, &record));
  return record.parked;
}

static void what_fails_is_parked_and_the_others_go_on(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  struct bench_message other = *BEGIN(2, 1, "2026-01-12");
  other.case_id = "B";
  struct bench_message broken = {"helper-north", 1, "broken", "A", NULL, NULL};
  assert_int_equal(ERR_OK, bench_submit(&b, &broken));
  assert_int_equal(ERR_OK, bench_submit(&b, &other));
  assert_int_equal(ERR_OK, bench_submit(&b, VISIT(2)));
  size_t first = b.receipts_count;
  bench_until(&b, TUESDAY);
  assert_string_equal("incident 2", b.receipts[first]);
  assert_string_equal("accepted 3", b.receipts[first + 1]);
  assert_string_equal("accepted 4", b.receipts[first + 2]);
  assert_has(bench_outcome(&b), "\"type\":\"incident\",\"case\":\"A\"");
  assert_has(bench_outcome(&b), "\"process\":\"root\",\"states\":[\"helped\"]");
  assert_int_equal(1, parked("A"));
}

static void resolve(uint64_t incident) {
  struct fault fault;
  assert_int_equal(ERR_OK,
                   runtime_incident_resolve(b.runtime, SPAN_LITERAL("A"), incident, SPAN_LITERAL("operator"), &fault));
}

static void a_case_is_parked_until_the_last_incident_that_parks_it_is_resolved(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  bench_send(&b, MONDAY, &(struct bench_message){"helper-north", 1, "broken", "A", NULL, NULL});
  bench_send(&b, MONDAY, &(struct bench_message){"helper-north", 2, "broken", "A", NULL, NULL});
  assert_has(bench_send(&b, MONDAY, &(struct bench_message){"helper-south", 1, "visit.done", "A", NULL, NULL}),
             "refused FORBIDDEN");
  assert_int_equal(2, parked("A"));
  resolve(3); /* a refusal: it parks nothing */
  bench_until(&b, MONDAY);
  assert_int_equal(2, parked("A"));
  resolve(1);
  resolve(1); /* twice before the batch */
  bench_until(&b, MONDAY);
  assert_int_equal(1, parked("A"));
  /* What the case does meanwhile changes nothing about it, from memory or from its record. */
  bench_send(&b, TUESDAY, BEGIN(2, 2, "2026-01-13"));
  assert_int_equal(1, parked("A"));
  bench_restart(&b);
  bench_send(&b, TUESDAY, VISIT(3));
  assert_int_equal(1, parked("A"));
  resolve(2);
  bench_until(&b, TUESDAY);
  assert_int_equal(0, parked("A"));
}

static void too_many_steps_leave_no_trace_but_the_incident(void **state) {
  (void)state;
  b.limits.steps_max = 4; /* the plan needs more: two referrals to start, and what they tell their parent */
  bench_restart(&b);
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  bench_send(&b, MONDAY, VISIT(1));
  const char *rows = "{\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-03-02\"},"
                     "{\"id\":\"m2\",\"kind\":\"medical\",\"due\":\"2026-03-02\"}]}";
  const char *receipt = bench_send(&b, TUESDAY, &(struct bench_message){"helper-north", 2, "plan", "A", rows, NULL});
  assert_has(receipt, "incident");
  const char *outcome = bench_outcome(&b);
  assert_lacks(outcome, "\"type\":\"referral\"");
  assert_has(outcome, "step-failed");
  assert_int_equal(0, runtime_load(&b.runtime, SPAN_LITERAL("doctor-a")));
  assert_false(bench_delivered(&b, "doctor-a"));
}

static void an_incident_can_be_repeated_when_its_cause_is_gone(void **state) {
  (void)state;
  struct fault fault;
  bench_send(&b, MONDAY, VISIT(1));
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_int_equal(ERR_NOT_FOUND, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 99, &fault));
  assert_int_equal(ERR_OK, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 1, &fault));
  bench_until(&b, TUESDAY);
  assert_has(bench_outcome(&b), "\"states\":[\"helped\"]");
  assert_int_equal(ERR_CONFLICT, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 1, &fault));
}

static void an_incident_is_resolved_durably(void **state) {
  (void)state;
  struct fault fault;
  bench_send(&b, MONDAY, VISIT(1));
  assert_int_equal(ERR_OK, runtime_incident_resolve(b.runtime, SPAN_LITERAL("A"), 1, SPAN_LITERAL("operator"), &fault));
  assert_false(runtime_idle(b.runtime));
  bench_until(&b, MONDAY);
  bench_restart(&b);
  assert_int_equal(ERR_CONFLICT,
                   runtime_incident_resolve(b.runtime, SPAN_LITERAL("A"), 1, SPAN_LITERAL("operator"), &fault));
}

/* ---- personal data ---- */

static void personal_data_is_nowhere_in_clear(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  bench_send(&b, MONDAY, VISIT(1));
  size_t in_streams = 0;
  for (size_t i = 0; i < b.deliveries_count; i++) {
    in_streams += bench_count(b.deliveries[i], "Иванов") > 0;
  }
  assert_int_equal(in_streams, bench_records_with(&b, "Иванов"));
  assert_lacks(bench_export(&b), "Иванов");
  assert_lacks(bench_export(&b), "Тайна");
  assert_lacks(bench_outcome(&b), "Иванов");
  struct value personal;
  assert_int_equal(ERR_OK, runtime_person_read(b.runtime, SPAN_LITERAL("A"), &b.arena, &personal));
  assert_span(value_get_text(&personal, "name"), "Иванов");
  assert_span(value_get_text(&personal, "note"), "Тайна");
}

static void without_a_master_key_personal_data_is_dropped(void **state) {
  (void)state;
  b.sealed = false;
  bench_restart(&b);
  assert_string_equal("accepted 1", bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12")));
  assert_int_equal(0, bench_records_with(&b, "Иванов"));
  struct value personal;
  assert_int_equal(ERR_NOT_FOUND, runtime_person_read(b.runtime, SPAN_LITERAL("A"), &b.arena, &personal));
}

static void erased(void *arg, enum err result) {
  *(enum err *)arg = result;
}

static void whoever_erases_the_key_erases_the_person(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  enum err result = ERR_BUSY;
  store_begin(b.store);
  store_delete(b.store, STORE_KEY, SPAN_LITERAL("A"));
  store_commit(b.store, erased, &result);
  while (store_poll(b.store)) {
  }
  assert_int_equal(ERR_OK, result);
  struct value personal;
  assert_int_equal(ERR_NOT_FOUND, runtime_person_read(b.runtime, SPAN_LITERAL("A"), &b.arena, &personal));
  /* The case goes on; what is told from now on lies under a key of its own. */
  assert_string_equal("accepted 2", bench_send(&b, MONDAY, VISIT(1)));
  assert_int_equal(ERR_OK, runtime_person_read(b.runtime, SPAN_LITERAL("A"), &b.arena, &personal));
  assert_span(value_get_text(&personal, "note"), "Тайна");
  assert_span(value_get_text(&personal, "name"), "");
}

static void a_store_opens_only_under_its_master_key(void **state) {
  (void)state;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  bench_stop(&b);
  b.master_key[0] ^= 1;
  assert_int_equal(ERR_CONFIG, bench_start_error(&b));
  b.sealed = false;
  assert_int_equal(ERR_CONFIG, bench_start_error(&b));
  b.sealed = true;
  b.master_key[0] ^= 1;
  bench_start(&b);
  assert_int_equal(1, runtime_journal_head(b.runtime));
}

static void each_reader_sees_what_its_kind_may_see(void **state) {
  (void)state;
  plan_two();
  bool helper_sees = false;
  for (size_t i = 0; i < b.deliveries_count; i++) {
    const char *line = b.deliveries[i];
    if (strncmp(line, "doctor", 6) == 0) {
      assert_lacks(line, "Иванов");
      assert_lacks(line, "a158");
    }
    helper_sees =
        helper_sees || (strstr(line, "helper-north") == line && strstr(line, "a158") && strstr(line, "Иванов"));
  }
  assert_true(helper_sees);
}

/* ---- streams ---- */

static bool count_entry(void *arg, uint64_t position, struct span bytes) {
  uint64_t *next = arg;
  assert_int_equal(*next, position);
  assert_true(bytes.size > 0);
  ++*next;
  return true;
}

static void a_stream_is_read_from_the_cursor_also_after_a_restart(void **state) {
  (void)state;
  plan_two();
  struct runtime_cursor cursor;
  assert_int_equal(ERR_OK, runtime_cursor_of(b.runtime, SPAN_LITERAL("helper-north"), &cursor));
  assert_true(cursor.head >= 2);
  assert_int_equal(ERR_RANGE, runtime_ack(b.runtime, SPAN_LITERAL("helper-north"), cursor.head + 1));
  assert_int_equal(ERR_OK, runtime_ack(b.runtime, SPAN_LITERAL("helper-north"), 1));
  bench_until(&b, TUESDAY);
  bench_restart(&b);
  struct runtime_cursor again;
  assert_int_equal(ERR_OK, runtime_cursor_of(b.runtime, SPAN_LITERAL("helper-north"), &again));
  assert_int_equal(cursor.head, again.head);
  assert_int_equal(1, again.acknowledged);
  uint64_t next = 2;
  assert_int_equal(ERR_OK, runtime_stream_read(b.runtime, SPAN_LITERAL("helper-north"), 1, 1000, count_entry, &next));
  assert_int_equal(cursor.head + 1, next);
  next = 1;
  assert_int_equal(ERR_OK, runtime_stream_read(b.runtime, SPAN_LITERAL("helper-north"), 0, 1, count_entry, &next));
  assert_int_equal(2, next);
  assert_int_equal(ERR_NOT_FOUND, runtime_cursor_of(b.runtime, SPAN_LITERAL("nobody"), &again));
}

static void read_from(uint64_t after, uint64_t first) {
  struct runtime_cursor cursor;
  uint64_t next = first;
  assert_int_equal(ERR_OK, runtime_cursor_of(b.runtime, SPAN_LITERAL("helper-north"), &cursor));
  assert_int_equal(first, cursor.first);
  assert_int_equal(ERR_OK,
                   runtime_stream_read(b.runtime, SPAN_LITERAL("helper-north"), after, 1000, count_entry, &next));
  assert_int_equal(cursor.head + 1, next);
}

/* Each of these cases is a task for the helper. */
static void begin_cases(uint64_t first, uint64_t last) {
  for (uint64_t i = first; i <= last; i++) {
    struct bench_message m = *BEGIN(0, 1, "2026-01-12");
    m.sequence = i;
    m.case_id = arena_cstr(&b.arena, arena_printf(&b.arena, "A-%llu", (unsigned long long)i));
    assert_has(bench_send(&b, MONDAY, &m), "accepted");
  }
}

static void acknowledge(uint64_t position) {
  assert_int_equal(ERR_OK, runtime_ack(b.runtime, SPAN_LITERAL("helper-north"), position));
  bench_until(&b, MONDAY);
}

/* What is not acknowledged never goes; whoever comes with an old position gets the first that there is. */
static void a_stream_keeps_a_tail_of_what_was_acknowledged(void **state) {
  (void)state;
  b.limits.stream_tail = 3;
  b.limits.stream_slice = 2;
  bench_restart(&b);
  begin_cases(1, 12);
  read_from(0, 1);
  acknowledge(4);
  read_from(0, 1); /* one could go: not a slice yet */
  acknowledge(10);
  read_from(0, 3); /* one slice in one commit */
  bench_restart(&b);
  begin_cases(13, 15);
  read_from(0, 7); /* up to 7 might go, but slices are whole */
  bench_restart(&b);
  read_from(2, 7);
}

static void a_sender_hears_of_the_incident_of_its_message(void **state) {
  (void)state;
  plan_two();
  struct bench_message completed = {"doctor-a", 1, "completed", "A/part/m1", NULL, NULL}; /* not accepted yet */
  assert_has(bench_send(&b, TUESDAY, &completed), "accepted");
  assert_true(bench_delivered(&b, "incident A/m1"));
  assert_has(bench_outcome(&b), "\"reason\":\"event-not-taken\"");
}

/* ---- restart ---- */

static void a_restart_changes_nothing(void **state) {
  (void)state;
  plan_two();
  const char *outcome = bench_outcome(&b);
  const char *journal = bench_export(&b);
  civil_moment due = runtime_next_due(b.runtime);
  bench_restart(&b);
  assert_string_equal(outcome, bench_outcome(&b));
  assert_string_equal(journal, bench_export(&b));
  assert_true(due == runtime_next_due(b.runtime));
  assert_int_equal(3, runtime_journal_head(b.runtime));
  assert_int_equal(2, runtime_sequence_of(b.runtime, SPAN_LITERAL("helper-north")));
  assert_int_equal(1, runtime_load(&b.runtime, SPAN_LITERAL("doctor-a")));
}

struct chain_check {
  uint8_t chain[RECORD_CHAIN_SIZE];
  uint64_t number;
};

static bool check_link(void *arg, struct span key, struct span value) {
  struct chain_check *check = arg;
  uint64_t number;
  struct record_journal entry;
  assert_int_equal(ERR_OK, record_number_of_key(key, &number));
  assert_int_equal(++check->number, number);
  assert_int_equal(ERR_OK, record_journal_read(value, &entry));
  uint8_t content[SEAL_HASH_SIZE];
  seal_hash(record_journal_content(value), content);
  seal_chain(check->chain, &(struct seal_link){number, entry.recorded_at, entry.digest, content});
  assert_memory_equal(check->chain, entry.chain, sizeof entry.chain);
  return true;
}

static void the_journal_is_one_chain_over_restarts_and_timers(void **state) {
  (void)state;
  plan_two();
  bench_restart(&b);
  bench_until(&b, "2026-06-01");
  bench_restart(&b);
  bench_send(&b, "2026-06-02", &(struct bench_message){"helper-north", 9, "closed", "A", NULL, NULL});
  struct chain_check check = {.number = 0};
  struct span all = {NULL, 0};
  assert_int_equal(ERR_OK, store_scan(b.store, STORE_JOURNAL, all, all, check_link, &check));
  assert_true(check.number > 4);
  assert_int_equal(runtime_journal_head(b.runtime), check.number);
}

static void what_waited_in_the_inbox_is_gone_and_unanswered(void **state) {
  (void)state;
  assert_int_equal(ERR_OK, bench_submit(&b, BEGIN(1, 1, "2026-01-12")));
  bench_restart(&b);
  bench_until(&b, MONDAY);
  assert_int_equal(0, b.receipts_count);
  assert_int_equal(0, runtime_sequence_of(b.runtime, SPAN_LITERAL("agency-1")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_receipt_comes_only_when_the_batch_is_durable),
      TEST(the_same_message_gets_the_first_receipt_again),
      TEST(a_refusal_is_repeated_too),
      TEST(a_reused_number_is_refused_and_shown_to_the_operator),
      TEST(a_full_inbox_pushes_back),
      TEST(a_repeated_notice_is_a_duplicate_and_a_higher_edition_a_correction),
      TEST(only_those_of_the_territory_may_start_a_case),
      TEST(what_cannot_be_taken_is_refused_with_a_reason),
      TEST(a_closed_case_takes_nothing),
      TEST(each_refusal_has_an_incident_and_many_of_one_kind_are_counted),
      TEST(one_sender_cannot_fill_the_disk_with_refusals),
      TEST(an_event_for_the_root_goes_to_the_child_that_knows_it),
      TEST(outside_a_referral_has_the_number_of_its_root_and_answers_find_it),
      TEST(a_field_says_which_child_is_meant),
      TEST(only_the_addressee_may_answer_an_offer),
      TEST(an_answer_that_names_no_child_is_for_the_only_one_of_its_sender),
      TEST(an_answer_that_might_mean_several_children_is_refused),
      TEST(a_family_ends_together),
      TEST(a_timer_is_stepped_at_its_moment_however_late_the_tick),
      TEST(timers_come_before_the_message_of_the_same_moment),
      TEST(an_event_that_occurred_in_time_is_met_reported_late),
      TEST(recorded_time_never_runs_backwards),
      TEST(a_virtual_clock_outlives_a_restart),
      TEST(what_fails_is_parked_and_the_others_go_on),
      TEST(a_case_is_parked_until_the_last_incident_that_parks_it_is_resolved),
      TEST(too_many_steps_leave_no_trace_but_the_incident),
      TEST(an_incident_can_be_repeated_when_its_cause_is_gone),
      TEST(an_incident_is_resolved_durably),
      TEST(personal_data_is_nowhere_in_clear),
      TEST(without_a_master_key_personal_data_is_dropped),
      TEST(whoever_erases_the_key_erases_the_person),
      TEST(a_store_opens_only_under_its_master_key),
      TEST(each_reader_sees_what_its_kind_may_see),
      TEST(a_stream_is_read_from_the_cursor_also_after_a_restart),
      TEST(a_stream_keeps_a_tail_of_what_was_acknowledged),
      TEST(a_sender_hears_of_the_incident_of_its_message),
      TEST(a_restart_changes_nothing),
      TEST(the_journal_is_one_chain_over_restarts_and_timers),
      TEST(what_waited_in_the_inbox_is_gone_and_unanswered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
