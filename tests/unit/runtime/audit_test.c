/* Whoever sees or erases a person stands in the journal first; whoever changes the journal is found out. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "check.h"
#include "runtime/audit.h"
#include "runtime/records.h"
#include "runtime/seal.h"

#define MONDAY  "2026-01-12T10:00:00+05:00"
#define TUESDAY "2026-01-13T10:00:00+05:00"

static struct bench b;

static int setup(void **state) {
  (void)state;
  bench_open(&b);
  b.limits.signed_entries = 4;
  bench_restart(&b);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

/* ---- acts ---- */

static enum err act(enum runtime_act_kind kind, const char *reason, struct fault *fault) {
  uint64_t ticket = 0;
  const struct runtime_act asked = {
      .kind = kind, .actor = SPAN_LITERAL("petrova"), .case_id = SPAN_LITERAL("A"), .reason = span_of_cstr(reason)};
  b.acted = (struct runtime_acted){.ticket = 0};
  return runtime_act(b.runtime, &asked, &ticket, fault);
}

static struct value personal(void) {
  struct value found = value_nil();
  if (runtime_person_read(b.runtime, SPAN_LITERAL("A"), &b.arena, &found) != ERR_OK) {
    return value_nil();
  }
  return found;
}

static struct record_journal entry_of(uint64_t number) {
  struct record_key key = record_number_key(number);
  struct span bytes;
  struct record_journal entry;
  assert_int_equal(ERR_OK, store_get(b.store, STORE_JOURNAL, record_key_span(&key), &bytes));
  assert_int_equal(ERR_OK, record_journal_read(arena_copy(&b.arena, bytes), &entry));
  return entry;
}

static void an_act_is_told_when_its_entry_is_durable_and_not_before(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_REVEAL, "запрос суда 5-12", &fault));
  assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment(TUESDAY)));
  assert_true(runtime_committing(b.runtime));
  assert_int_equal(0, b.acted.ticket);
  while (store_poll(b.store)) {
  }
  assert_int_equal(1, b.acted.ticket);
  assert_int_equal(ERR_OK, b.acted.err);
  assert_int_equal(2, b.acted.journal);
  struct record_journal entry = entry_of(2);
  assert_int_equal(RECORD_JOURNAL_AUDIT, entry.kind);
  assert_span(entry.sender, "petrova");
  assert_span(entry.event, "person.reveal");
  assert_span(entry.case_id, "A");
  assert_span(entry.text, "запрос суда 5-12");
  assert_int_equal(bench_moment(TUESDAY), entry.recorded_at);
  bench_restart(&b);
  assert_int_equal(2, runtime_journal_head(b.runtime));
}

static void who_is_erased_is_noise_and_the_case_goes_on(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  struct value before = personal();
  assert_span(value_get_text(&before, "name"), "Иванов");
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
  struct value still = personal();
  assert_int_equal(VALUE_MAP, still.kind); /* nothing is destroyed before it is durable */
  const char *outcome = bench_outcome(&b);
  bench_until(&b, TUESDAY);
  assert_int_equal(2, b.acted.journal);
  assert_int_equal(VALUE_NIL, personal().kind);
  assert_string_equal(outcome, bench_outcome(&b));
  bench_restart(&b);
  assert_int_equal(VALUE_NIL, personal().kind);
  struct runtime_person person = runtime_person_state(b.runtime, SPAN_LITERAL("A"));
  assert_int_equal(RUNTIME_PERSON_ERASED, person.state);
  assert_int_equal(2, person.erased);
  assert_string_equal(
      "accepted 3", bench_send(&b, TUESDAY, &(struct bench_message){"helper-north", 7, "visit.done", "A", NULL, NULL}));
}

static void a_second_erasure_is_told_so(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
  bench_until(&b, MONDAY);
  assert_int_equal(ERR_CONFLICT, act(RUNTIME_ACT_ERASE, "ещё раз", &fault));
  assert_non_null(strstr(fault.text, "запись журнала 2"));
  assert_int_equal(ERR_CONFLICT, act(RUNTIME_ACT_REVEAL, "проверка", &fault));
  bench_until(&b, TUESDAY);
  assert_int_equal(2, runtime_journal_head(b.runtime));
}

static void of_two_that_wait_for_one_batch_the_second_has_nothing_left_to_erase(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
  bench_until(&b, MONDAY);
  assert_int_equal(2, b.acted.ticket);
  assert_int_equal(ERR_CONFLICT, b.acted.err);
  assert_int_equal(2, runtime_journal_head(b.runtime));
}

static void what_comes_after_an_erasure_lies_under_a_new_key(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
  bench_until(&b, MONDAY);
  bench_send(&b, TUESDAY, VISIT(1));
  struct value now = personal();
  assert_span(value_get_text(&now, "note"), "Тайна");
  assert_span(value_get_text(&now, "name"), "");
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
}

static void a_reason_is_needed_and_may_not_name_the_person(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_REVEAL, "", &fault));
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_REVEAL, "звонил Иванов", &fault));
  assert_null(strstr(fault.text, "Иванов"));
  char *endless = calloc(1, RUNTIME_REASON_MAX + 2);
  memset(endless, 'x', RUNTIME_REASON_MAX + 1);
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_REVEAL, endless, &fault));
  free(endless);
  bench_until(&b, TUESDAY);
  assert_int_equal(1, runtime_journal_head(b.runtime));
}

static void of_a_case_without_a_person_there_is_nothing_to_see(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(ERR_NOT_FOUND, act(RUNTIME_ACT_REVEAL, "проверка", &fault));
}

static void acts_have_a_batch_of_their_own_while_the_clock_is_held(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_REVEAL, "проверка", &fault));
  assert_int_equal(ERR_OK, bench_submit(&b, VISIT(1)));
  assert_int_equal(ERR_OK, runtime_tick_acts(b.runtime, bench_moment(MONDAY)));
  while (store_poll(b.store)) {
  }
  assert_int_equal(2, b.acted.journal);
  assert_int_equal(1, runtime_inbox_waiting(b.runtime));
}

/* Its entry stands before the timer's; the deadline was missed when it was. */
static void an_act_neither_waits_for_timers_nor_moves_them(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  civil_moment due = runtime_next_due(b.runtime);
  assert_true(due != CIVIL_MOMENT_NONE);
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_REVEAL, "проверка", &fault));
  assert_int_equal(ERR_OK, runtime_tick_acts(b.runtime, due + 1));
  while (store_poll(b.store)) {
  }
  assert_int_equal(2, b.acted.journal);
  bench_until(&b, "2026-02-12T10:00:00+05:00");
  assert_int_equal(due + 1, entry_of(3).recorded_at);
  assert_int_equal(due, entry_of(3).occurred_at);
  assert_non_null(strstr(bench_outcome(&b), "\"state\":\"missed\",\"at\":\"2026-01-20T00:00:00+05:00\""));
}

static void acts_are_no_part_of_a_rehearsal(void **state) {
  (void)state;
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  const char *before = bench_export(&b);
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
  bench_until(&b, TUESDAY);
  assert_string_equal(before, bench_export(&b));
  bench_until(&b, "2026-03-01");
  assert_string_equal(bench_outcome(&b), bench_rehearse(&b, bench_export(&b), "2026-02-28"));
}

/* ---- the proof of the journal ---- */

static bool is_signed(void *arg, struct span key_id, struct span statement, const uint8_t *signature) {
  struct runtime_signature expected;
  (void)arg;
  bench_sign(NULL, statement, &expected);
  return span_is(key_id, BENCH_KEY_ID) && memcmp(expected.bytes, signature, sizeof expected.bytes) == 0;
}

static const struct audit_ports ports = {.verify = is_signed};

static bool take_line(void *arg, struct span line) {
  writer_raw(arg, line);
  writer_u8(arg, '\n');
  return true;
}

/* More than ten entries: messages, a timer, an act. */
static void make_journal(void) {
  struct fault fault = {.err = ERR_OK};
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  for (uint64_t i = 1; i < 8; i++) {
    struct bench_message visit = *VISIT(1);
    visit.sequence = i;
    bench_send(&b, MONDAY, &visit);
  }
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_REVEAL, "проверка", &fault));
  bench_until(&b, "2026-02-12T10:00:00+05:00");
  assert_true(runtime_journal_head(b.runtime) >= 10);
  runtime_sign_head(b.runtime);
  while (store_poll(b.store)) {
  }
}

static enum err verify(struct audit_report *report, struct fault *fault) {
  *fault = (struct fault){.err = ERR_OK};
  return audit_verify_store(b.store, &ports, report, fault);
}

static void heads_are_signed_every_few_entries_and_at_the_end(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault;
  make_journal();
  assert_int_equal(ERR_OK, verify(&report, &fault));
  assert_int_equal(1, report.first);
  assert_int_equal(runtime_journal_head(b.runtime), report.last);
  assert_int_equal(report.last, report.signed_to);
  assert_true(report.heads >= report.last / 4);
  assert_string_equal(BENCH_KEY_ID, report.key_id);
}

static void a_head_is_signed_when_time_has_passed(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault;
  bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12"));
  bench_send(&b, MONDAY, VISIT(1));
  assert_int_equal(ERR_OK, verify(&report, &fault));
  assert_int_equal(1, report.signed_to);
  bench_until(&b, "2026-01-12T10:15:00+05:00");
  assert_int_equal(ERR_OK, verify(&report, &fault));
  assert_int_equal(2, report.signed_to);
}

static void the_chain_still_holds_after_an_erasure(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault;
  make_journal();
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "срок хранения истёк", &fault));
  bench_until(&b, "2026-02-13T10:00:00+05:00");
  assert_int_equal(ERR_OK, verify(&report, &fault));
  assert_int_equal(b.acted.journal, report.last);
}

/* ---- what somebody with the database can do ---- */

static struct span value_of(enum store_space space, struct span key) {
  struct span bytes;
  assert_int_equal(ERR_OK, store_get(b.store, space, key, &bytes));
  return arena_copy(&b.arena, bytes);
}

static struct span entry_bytes(uint64_t number) {
  struct record_key key = record_number_key(number);
  return value_of(STORE_JOURNAL, record_key_span(&key));
}

static void stored(void *arg, enum err result) {
  *(enum err *)arg = result;
}

static void commit(void) {
  enum err result = ERR_BUSY;
  store_commit(b.store, stored, &result);
  while (store_poll(b.store)) {
  }
  assert_int_equal(ERR_OK, result);
}

/* Empty `value`: the entry is taken out. */
static void forge(uint64_t number, struct span value) {
  struct record_key key = record_number_key(number);
  store_begin(b.store);
  if (span_empty(value)) {
    store_delete(b.store, STORE_JOURNAL, record_key_span(&key));
  } else {
    store_put(b.store, STORE_JOURNAL, record_key_span(&key), value);
  }
  commit();
}

static void assert_found_out(const char *name) {
  struct audit_report report;
  struct fault fault;
  assert_int_equal(ERR_INVALID, verify(&report, &fault));
  if (strncmp(fault.text, name, strlen(name)) != 0) {
    fail_msg("\"%s\" does not begin with \"%s\"", fault.text, name);
  }
}

static void every_flipped_byte_of_an_entry_is_found_and_named(void **state) {
  (void)state;
  make_journal();
  struct span whole = entry_bytes(6);
  for (size_t i = 0; i < whole.size; i++) {
    struct span changed = arena_copy(&b.arena, whole);
    ((uint8_t *)changed.data)[i] ^= 0x04;
    forge(6, changed);
    assert_found_out("запись 6:");
  }
  forge(6, whole);
  struct audit_report report;
  struct fault fault;
  assert_int_equal(ERR_OK, verify(&report, &fault));
}

static void two_swapped_entries_are_found_and_the_first_is_named(void **state) {
  (void)state;
  make_journal();
  struct span fifth = entry_bytes(5);
  struct span seventh = entry_bytes(7);
  forge(5, seventh);
  forge(7, fifth);
  assert_found_out("запись 5:");
}

static void a_missing_entry_is_named(void **state) {
  (void)state;
  make_journal();
  forge(3, span_of(NULL, 0));
  assert_found_out("запись 3:");
}

static void a_tail_that_was_cut_off_is_named(void **state) {
  (void)state;
  make_journal();
  uint64_t last = runtime_journal_head(b.runtime);
  forge(last, span_of(NULL, 0));
  forge(last - 1, span_of(NULL, 0));
  struct span name = arena_printf(&b.arena, "запись %llu:", (unsigned long long)(last - 1));
  assert_found_out(arena_cstr(&b.arena, name));
}

/* Who can write the whole database makes the chain anew, and lacks the engine's key. */
static void a_chain_made_anew_is_found_at_the_next_signed_head(void **state) {
  (void)state;
  make_journal();
  uint64_t last = runtime_journal_head(b.runtime);
  struct record_head head;
  assert_int_equal(ERR_OK, record_head_read(value_of(STORE_META, RECORD_HEAD_KEY), &head));
  memset(head.chain, 0, sizeof head.chain);
  for (uint64_t n = 1; n <= last; n++) {
    struct record_journal entry = entry_of(n);
    uint8_t content[SEAL_HASH_SIZE];
    struct writer w;
    writer_init(&w);
    entry.occurred_at += n == 2;
    record_journal_write_content(&entry, &w);
    seal_hash(writer_span(&w), content);
    seal_chain(head.chain, &(struct seal_link){n, entry.recorded_at, entry.digest, content});
    writer_raw(&w, span_of(head.chain, sizeof head.chain));
    forge(n, writer_span(&w));
    writer_finish(&w);
  }
  store_begin(b.store);
  struct writer w;
  writer_init(&w);
  record_head_write(&head, &w);
  store_put(b.store, STORE_META, RECORD_HEAD_KEY, writer_span(&w));
  writer_finish(&w);
  commit();
  assert_found_out("запись");
}

static bool forget_head(void *arg, struct span key, struct span value) {
  struct writer *keys = arg;
  (void)value;
  writer_blob(keys, key);
  return true;
}

static void a_journal_that_nobody_signed_proves_nothing(void **state) {
  (void)state;
  make_journal();
  struct record_key prefix = record_signed_prefix();
  struct span all = {NULL, 0};
  struct writer keys;
  writer_init(&keys);
  assert_int_equal(ERR_OK, store_scan(b.store, STORE_META, record_key_span(&prefix), all, forget_head, &keys));
  store_begin(b.store);
  for (struct reader r = reader_of(writer_span(&keys)); r.size > 0;) {
    store_delete(b.store, STORE_META, reader_blob(&r));
  }
  commit();
  writer_finish(&keys);
  assert_found_out("журнал нигде не подписан");
}

/* ---- lines ---- */

static char *lines_of(struct writer *w) {
  char *text = arena_cstr(&b.arena, writer_span(w));
  writer_finish(w);
  return text;
}

static struct audit_writer writer_to(struct writer *w) {
  writer_init(w);
  return (struct audit_writer){.sink = take_line, .sink_arg = w, .sign = bench_sign, .now = bench_moment(TUESDAY)};
}

static char *export_lines(size_t at_a_time) {
  struct writer w;
  struct audit_writer out = writer_to(&w);
  uint64_t next = 1;
  while (next > 0) {
    assert_int_equal(ERR_OK, audit_export(b.store, next, at_a_time, &out, &next));
  }
  return lines_of(&w);
}

static enum err check(const char *text, struct audit_report *report, struct fault *fault) {
  *fault = (struct fault){.err = ERR_OK};
  return audit_verify_lines(span_of_cstr(text), &ports, report, fault);
}

static void an_exported_journal_is_checked_without_the_database(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault;
  make_journal();
  bench_send(&b, "2026-02-13T10:00:00+05:00",
             &(struct bench_message){"helper-north", 90, "visit.done", "A", NULL, NULL});
  const char *whole = export_lines(1000);
  assert_int_equal(ERR_OK, check(whole, &report, &fault));
  assert_int_equal(1, report.first);
  assert_int_equal(runtime_journal_head(b.runtime), report.last);
  assert_int_equal(report.last, report.signed_to);
  for (size_t pages = 1; pages < 7; pages++) {
    assert_string_equal(whole, export_lines(pages));
  }
  assert_null(strstr(whole, "helper"));
}

static void an_export_that_was_changed_or_cut_is_found_out(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault;
  make_journal();
  char *text = export_lines(1000);
  char *link = strstr(text, "\"journal\":3,\"link\":\"");
  assert_non_null(link);
  link += strlen("\"journal\":3,\"link\":\"");
  char kept = *link;
  *link = kept == 'a' ? 'b' : 'a';
  assert_int_equal(ERR_INVALID, check(text, &report, &fault));
  assert_non_null(strstr(fault.text, "запись 3:"));
  *link = kept;
  assert_int_equal(ERR_OK, check(text, &report, &fault));
  text[strlen(text) - 1] = '\0';
  *(strrchr(text, '\n') + 1) = '\0'; /* the last head */
  assert_int_equal(ERR_INVALID, check(text, &report, &fault));
  assert_non_null(strstr(fault.text, "конец отрезан"));
}

static void one_entry_is_proved_and_nothing_of_the_others_shown(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault = {.err = ERR_OK};
  make_journal();
  for (uint64_t number = 1; number <= runtime_journal_head(b.runtime); number++) {
    struct writer w;
    struct audit_writer out = writer_to(&w);
    assert_int_equal(ERR_OK, audit_prove(b.store, number, &out, &fault));
    const char *proof = lines_of(&w);
    assert_int_equal(ERR_OK, check(proof, &report, &fault));
    assert_int_equal(number, report.told);
    struct record_journal entry = entry_of(number);
    assert_int_equal(entry.recorded_at, report.told_at);
    assert_memory_equal(entry.digest, report.told_digest, sizeof entry.digest);
    assert_int_equal(1, bench_count(proof, "\"digest\""));
    assert_int_equal(1, bench_count(proof, "\"head\""));
  }
  struct writer w;
  struct audit_writer out = writer_to(&w);
  assert_int_equal(ERR_NOT_FOUND, audit_prove(b.store, 0, &out, &fault));
  assert_int_equal(ERR_NOT_FOUND, audit_prove(b.store, 1000, &out, &fault));
  writer_finish(&w);
}

/* Found by fuzzing. */
static void a_head_without_a_key_is_nobodys(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault;
  make_journal();
  char *text = export_lines(1000);
  char *key = strstr(text, "\"key\":\"" BENCH_KEY_ID "\"");
  assert_non_null(key);
  key[3] = 'z'; /* another field than the reader knows */
  assert_int_equal(ERR_INVALID, check(text, &report, &fault));
}

static void rubbish_is_no_proof(void **state) {
  (void)state;
  static const char *const rubbish[] = {
      "",
      "x",
      "[]",
      "{\"type\":\"head\",\"journal\":1}",
      "{\"type\":\"from\",\"journal\":-1}",
      "{\"type\":\"from\",\"journal\":0,\"chain\":\"00\"}",
      ("{\"type\":\"from\",\"journal\":0,\"chain\":"
       "\"1100000000000000000000000000000000000000000000000000000000000000\"}"),
      "{\"type\":\"other\",\"journal\":1}",
  };
  for (size_t i = 0; i < sizeof rubbish / sizeof rubbish[0]; i++) {
    struct audit_report report;
    struct fault fault;
    assert_int_equal(ERR_INVALID, check(rubbish[i], &report, &fault));
    assert_true(fault.text[0] != '\0');
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_act_is_told_when_its_entry_is_durable_and_not_before),
      TEST(who_is_erased_is_noise_and_the_case_goes_on),
      TEST(a_second_erasure_is_told_so),
      TEST(of_two_that_wait_for_one_batch_the_second_has_nothing_left_to_erase),
      TEST(what_comes_after_an_erasure_lies_under_a_new_key),
      TEST(a_reason_is_needed_and_may_not_name_the_person),
      TEST(of_a_case_without_a_person_there_is_nothing_to_see),
      TEST(acts_have_a_batch_of_their_own_while_the_clock_is_held),
      TEST(an_act_neither_waits_for_timers_nor_moves_them),
      TEST(acts_are_no_part_of_a_rehearsal),
      TEST(heads_are_signed_every_few_entries_and_at_the_end),
      TEST(a_head_is_signed_when_time_has_passed),
      TEST(the_chain_still_holds_after_an_erasure),
      TEST(every_flipped_byte_of_an_entry_is_found_and_named),
      TEST(two_swapped_entries_are_found_and_the_first_is_named),
      TEST(a_missing_entry_is_named),
      TEST(a_tail_that_was_cut_off_is_named),
      TEST(a_chain_made_anew_is_found_at_the_next_signed_head),
      TEST(a_journal_that_nobody_signed_proves_nothing),
      TEST(an_exported_journal_is_checked_without_the_database),
      TEST(an_export_that_was_changed_or_cut_is_found_out),
      TEST(one_entry_is_proved_and_nothing_of_the_others_shown),
      TEST(a_head_without_a_key_is_nobodys),
      TEST(rubbish_is_no_proof),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
