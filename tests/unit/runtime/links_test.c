/* One citizen's several cases are found to be one person's, a doubt never joins, and no case shows the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "check.h"
#include "runtime/audit.h"
#include "runtime/records.h"

#define MONDAY  "2026-01-12T10:00:00+05:00"
#define TUESDAY "2026-01-13T10:00:00+05:00"

static struct bench b;
static uint64_t sequence;

static int setup(void **state) {
  (void)state;
  bench_open(&b);
  sequence = 0;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

/* ---- cases and who they belong to ---- */

struct citizen {
  const char *name, *born, *number; /* NULL: not known */
};

static const char *field(const char *name, const char *text) {
  struct span line = text ? arena_printf(&b.arena, ",\"%s\":\"%s\"", name, text) : span_of(NULL, 0);
  return arena_cstr(&b.arena, line);
}

static const char *begin(const char *case_id, int edition, struct citizen who) {
  struct span data =
      arena_printf(&b.arena, "{\"edition\":%d,\"day\":\"2026-01-12\",\"place\":\"north\"%s%s%s}", edition,
                   field("name", who.name), field("born", who.born), field("number", who.number));
  return bench_send(
      &b, MONDAY, &(struct bench_message){"agency-1", ++sequence, "begin", case_id, arena_cstr(&b.arena, data), NULL});
}

static struct runtime_linked linked(const char *name) {
  struct runtime_linked found = {.cases_count = 0};
  enum err err = runtime_linked(b.runtime, span_of_cstr(name), &b.arena, &found);
  assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
  return found;
}

static bool same_person(const char *a, const char *other) {
  struct runtime_linked mine = linked(a), theirs = linked(other);
  assert_false(span_empty(mine.person) || span_empty(theirs.person));
  return span_equal(mine.person, theirs.person);
}

static size_t near_of(const char *name) {
  struct runtime_linked_near near[RUNTIME_NEAR_MAX];
  struct runtime_linked found = linked(name);
  return runtime_linked_near(b.runtime, &found, &b.arena, near);
}

static bool count_pair(void *arg, const struct runtime_linked_near *a, const struct runtime_linked_near *other) {
  assert_false(span_equal(a->person, other->person));
  ++*(size_t *)arg;
  return true;
}

static size_t proposals(void) {
  size_t count = 0;
  assert_int_equal(ERR_OK, runtime_linked_pairs(b.runtime, &b.arena, count_pair, &count));
  return count;
}

static enum err act(enum runtime_act_kind kind, const char *case_id, const char *other, const char *reason) {
  uint64_t ticket = 0;
  struct fault fault = {.err = ERR_OK};
  const struct runtime_act asked = {.kind = kind,
                                    .actor = SPAN_LITERAL("petrova"),
                                    .case_id = span_of_cstr(case_id),
                                    .other = span_of_cstr(other),
                                    .reason = span_of_cstr(reason)};
  enum err err = runtime_act(b.runtime, &asked, &ticket, &fault);
  if (err == ERR_OK) {
    bench_until(&b, TUESDAY);
    assert_int_equal(ticket, b.acted.ticket);
  }
  return err == ERR_OK ? b.acted.err : err;
}

#define IVANOV   ((struct citizen){"Иванов", "1980-02-03", NULL})
#define IVANOV_1 ((struct citizen){"Иванов", "1980-02-03", "11-12"})
#define IVANOV_2 ((struct citizen){"Иванов", "1980-02-03", "22-23"})

static void two_cases_of_one_number_are_one_person_s(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, (struct citizen){"Петрова", NULL, "1112"});
  assert_true(same_person("A", "B"));
  assert_span(linked("B").cases[1].by, "number");
  assert_int_equal(0, proposals());
}

static void without_a_number_name_and_birth_tell_however_they_are_spelt(void **state) {
  (void)state;
  begin("A", 1, (struct citizen){"Семёнов-Тян", "1980-02-03", "1112"});
  begin("B", 1, (struct citizen){" СЕМЕНОВ – тян", "1980-02-03", NULL});
  begin("C", 1, (struct citizen){"Семёнов", "1980-02-03", NULL});
  assert_true(same_person("A", "B"));
  assert_false(same_person("A", "C"));
}

static void the_same_name_and_birth_with_another_number_is_only_proposed(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, IVANOV_2);
  assert_false(same_person("A", "B"));
  assert_int_equal(1, near_of("A"));
  assert_int_equal(1, near_of("B"));
  assert_int_equal(1, proposals());
}

static void the_same_number_with_another_birth_is_only_proposed(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, (struct citizen){"Иванов", "1990-01-01", "1112"});
  assert_false(same_person("A", "B"));
  assert_int_equal(1, proposals());
}

static void of_two_who_could_be_meant_neither_is_taken(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, IVANOV_2);
  begin("C", 1, IVANOV);
  assert_false(same_person("A", "C"));
  assert_false(same_person("B", "C"));
  assert_int_equal(2, near_of("C"));
  assert_int_equal(3, proposals());
}

static void a_placeholder_or_half_a_name_identifies_nobody(void **state) {
  (void)state;
  begin("A", 1, (struct citizen){"Иванов", NULL, "0000"});
  begin("B", 1, (struct citizen){"Иванов", NULL, "0000"});
  begin("C", 1, (struct citizen){"Иванов", NULL, "12345"});
  assert_true(span_empty(linked("A").person));
  assert_int_equal(1, linked("B").cases_count);
  assert_true(span_empty(linked("C").person));
}

static void a_number_that_comes_later_finds_the_person(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, (struct citizen){"Ивано", "1980-02-03", NULL});
  assert_false(same_person("A", "B"));
  begin("B", 2, (struct citizen){"Ивано", "1980-02-03", "1112"});
  assert_true(same_person("A", "B"));
}

static void a_corrected_number_takes_the_case_out_again(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, (struct citizen){"Петров", NULL, "1112"});
  assert_true(same_person("A", "B"));
  begin("B", 2, (struct citizen){"Петров", NULL, "3334"});
  assert_false(same_person("A", "B"));
  assert_int_equal(1, linked("A").cases_count);
  begin("C", 1, (struct citizen){"Петров", NULL, "1112"});
  assert_true(same_person("A", "C"));
}

/* ---- the operator's word ---- */

static void an_operator_links_and_the_entry_tells_it_of_one_case_only(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("Bee-7", 1, IVANOV_2);
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_LINK, "A", "Bee-7", "паспорт предъявлен"));
  assert_true(same_person("A", "Bee-7"));
  assert_int_equal(0, proposals());
  struct record_key key = record_number_key(b.acted.journal);
  struct span bytes;
  struct record_journal entry;
  assert_int_equal(ERR_OK, store_get(b.store, STORE_JOURNAL, record_key_span(&key), &bytes));
  assert_int_equal(ERR_OK, record_journal_read(bytes, &entry));
  assert_span(entry.event, "person.link");
  assert_span(entry.case_id, "A");
  assert_null(memmem(bytes.data, bytes.size, "Bee-7", 5));
  assert_false(span_empty(entry.sealed));
  assert_int_equal(ERR_CONFLICT, act(RUNTIME_ACT_LINK, "A", "Bee-7", "ещё раз"));
}

static void who_was_unlinked_is_not_found_again(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, IVANOV);
  assert_true(same_person("A", "B"));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_UNLINK, "B", "", "однофамилец"));
  assert_false(same_person("A", "B"));
  begin("B", 2, IVANOV_1);
  assert_false(same_person("A", "B"));
  assert_int_equal(0, proposals());
  assert_int_equal(ERR_CONFLICT, act(RUNTIME_ACT_UNLINK, "B", "", "ещё раз"));
}

static void a_proposal_that_was_rejected_stays_so(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, IVANOV_2);
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_UNLINK, "A", "B", "разные люди"));
  assert_int_equal(0, proposals());
  begin("B", 2, IVANOV_1);
  assert_false(same_person("A", "B"));
  assert_int_equal(0, proposals());
}

static void a_reason_names_neither_the_person_nor_the_other_case(void **state) {
  (void)state;
  begin("Aye-6", 1, IVANOV_1);
  begin("Bee-7", 1, IVANOV);
  uint64_t head = runtime_journal_head(b.runtime);
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_UNLINK, "Aye-6", "Bee-7", "спутали с Bee-7"));
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_CASES, "Aye-6", "", "есть ещё Bee-7"));
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_CASES, "Aye-6", "", "звонил Иванов"));
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_LINK, "Aye-6", "Aye-6", "сам с собой"));
  assert_int_equal(ERR_INVALID, act(RUNTIME_ACT_LINK, "Aye-6", "", "ни с кем"));
  assert_int_equal(ERR_NOT_FOUND, act(RUNTIME_ACT_LINK, "Aye-6", "nobody", "нет такого"));
  assert_int_equal(head, runtime_journal_head(b.runtime));
}

/* ---- the end ---- */

static size_t link_records(void) {
  size_t count = 0;
  static const char *const names[] = {"link", "pair"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct record_key prefix = record_index_key(names[i], span_of(NULL, 0));
    count += bench_keys(&b, STORE_INDEX, record_key_span(&prefix));
  }
  return count;
}

static bool is_signed(void *arg, struct span key_id, struct span statement, const uint8_t *signature) {
  struct runtime_signature expected;
  (void)arg;
  bench_sign(NULL, statement, &expected);
  return span_is(key_id, BENCH_KEY_ID) && memcmp(expected.bytes, signature, sizeof expected.bytes) == 0;
}

static void an_erasure_destroys_all_keys_and_all_links_and_the_chain_holds(void **state) {
  (void)state;
  struct audit_report report;
  struct fault fault = {.err = ERR_OK};
  static const struct audit_ports ports = {.verify = is_signed};
  begin("A", 1, IVANOV_1);
  begin("B", 1, IVANOV);
  begin("C", 1, IVANOV_2);
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "B", "", "срок хранения истёк"));
  uint64_t journal = b.acted.journal;
  static const char *const erased[] = {"A", "B"};
  for (size_t i = 0; i < 2; i++) {
    struct runtime_person person = runtime_person_state(b.runtime, span_of_cstr(erased[i]));
    assert_int_equal(RUNTIME_PERSON_ERASED, person.state);
    assert_int_equal(journal, person.erased);
    struct value left;
    assert_int_equal(ERR_NOT_FOUND, runtime_person_read(b.runtime, span_of_cstr(erased[i]), &b.arena, &left));
  }
  assert_int_equal(RUNTIME_PERSON_SEALED, runtime_person_state(b.runtime, SPAN_LITERAL("C")).state);
  assert_int_equal(0, near_of("C"));
  assert_int_equal(0, proposals());
  assert_int_equal(ERR_OK, audit_verify_store(b.store, &ports, &report, &fault));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "C", "", "срок хранения истёк"));
  assert_int_equal(0, link_records());
  begin("D", 1, IVANOV_1);
  assert_int_equal(1, linked("D").cases_count);
}

/* ---- without one showing the other ---- */

struct story {
  const char *receipts, *deliveries, *outcome;
};

/* Those that hold `part`. */
static const char *lines(const char *const *items, size_t count, const char *part) {
  struct writer w;
  writer_init(&w);
  for (size_t i = 0; i < count; i++) {
    if (strstr(items[i], part)) {
      writer_printf(&w, "%s\n", items[i]);
    }
  }
  const char *text = arena_cstr(&b.arena, writer_span(&w));
  writer_finish(&w);
  return text;
}

/* Somebody else's case A is there, then that of `second`. What everybody hears of B, from beginning to end. */
static struct story tell_of(struct citizen first, struct citizen second, struct arena *arena) {
  bench_open(&b);
  sequence = 0;
  begin("A", 1, first);
  b.receipts_count = b.deliveries_count = 0;
  begin("B", 1, second);
  bench_send(&b, MONDAY, &(struct bench_message){"helper-north", 1, "visit.done", "B", "{\"note\":\"Тайна\"}", NULL});
  begin("B", 1, second);
  begin("B", 0, second);
  bench_send(&b, TUESDAY, &(struct bench_message){"helper-north", 2, "broken", "B", NULL, NULL});
  bench_until(&b, "2026-03-01T10:00:00+05:00");
  struct story story = {
      arena_cstr(arena, span_of_cstr(lines(b.receipts, b.receipts_count, ""))),
      arena_cstr(arena, span_of_cstr(lines(b.deliveries, b.deliveries_count, " B "))),
      arena_cstr(arena, span_of_cstr(bench_outcome(&b))),
  };
  bench_close(&b);
  return story;
}

static void what_anybody_hears_of_a_case_does_not_depend_on_another_of_its_person(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  struct story linked_story = tell_of(IVANOV_1, IVANOV_1, &arena);
  struct story stranger = tell_of((struct citizen){"Сидоров", "1970-05-06", "9798"}, IVANOV_1, &arena);
  assert_string_equal(linked_story.receipts, stranger.receipts);
  assert_string_equal(linked_story.deliveries, stranger.deliveries);
  assert_string_equal(linked_story.outcome, stranger.outcome);
  assert_non_null(strstr(linked_story.deliveries, "Иванов"));
  assert_null(strstr(linked_story.deliveries, "P-"));
  arena_finish(&arena);
}

/* Whoever has the database and not the master key finds neither the link nor the name. */
static void the_database_tells_nothing_of_a_link(void **state) {
  (void)state;
  begin("Aye-6", 1, IVANOV_1);
  begin("Bee-7", 1, IVANOV);
  size_t without = bench_records_with(&b, "Bee-7");
  struct runtime_linked found = linked("Aye-6");
  assert_int_equal(2, found.cases_count);
  assert_int_equal(0, bench_records_with(&b, arena_cstr(&b.arena, found.person)));
  assert_int_equal(0, bench_records_with(&b, "1112"));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_LINK, "Aye-6", "Bee-7", "проверка") == ERR_CONFLICT ? ERR_OK : ERR_INVALID);
  assert_int_equal(without, bench_records_with(&b, "Bee-7"));
}

static void links_outlive_a_restart_and_are_no_part_of_a_rehearsal(void **state) {
  (void)state;
  begin("A", 1, IVANOV_1);
  begin("B", 1, IVANOV);
  begin("C", 1, IVANOV_2);
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_LINK, "A", "C", "паспорт предъявлен"));
  bench_restart(&b);
  assert_int_equal(3, linked("B").cases_count);
  bench_until(&b, "2026-03-01");
  assert_string_equal(bench_outcome(&b), bench_rehearse(&b, bench_export(&b), "2026-02-28"));
}

struct doomed {
  struct span keys[200];
  size_t count;
};

static bool doom(void *arg, struct span key, struct span value) {
  struct doomed *doomed = arg;
  (void)value;
  assert_true(doomed->count < 200);
  doomed->keys[doomed->count++] = arena_copy(&b.arena, key);
  return true;
}

static void stored(void *arg, enum err result) {
  (void)arg;
  assert_int_equal(ERR_OK, result);
}

/* As a program left the store that knew of no links. */
static void forget_links(void) {
  static const char *const names[] = {"link", "pair"};
  struct doomed doomed = {.count = 0};
  bench_stop(&b);
  for (size_t i = 0; i < 2; i++) {
    struct record_key prefix = record_index_key(names[i], span_of(NULL, 0));
    struct span at = record_key_span(&prefix);
    assert_int_equal(ERR_OK, store_scan(b.store, STORE_INDEX, at, at, doom, &doomed));
  }
  store_begin(b.store);
  for (size_t i = 0; i < doomed.count; i++) {
    store_delete(b.store, STORE_INDEX, doomed.keys[i]);
  }
  store_delete(b.store, STORE_META, SPAN_LITERAL("runtime/links"));
  store_commit(b.store, stored, NULL);
  while (store_poll(b.store)) {
  }
  bench_start(&b);
}

enum { CASES = 70 }; /* more than two slices */

static void begin_many(void) {
  char name[16];
  for (int i = 0; i < CASES; i++) {
    (void)snprintf(name, sizeof name, "N-%03d", i);
    begin(name, 1, i % 2 == 0 ? IVANOV_1 : IVANOV_2);
  }
}

/* Nobody sends anything. How many batches it has taken. */
static int idle_until_linked(void) {
  int batches = 0;
  for (; runtime_links_behind(b.runtime) && batches < CASES; batches++) {
    assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment(TUESDAY)));
    while (store_poll(b.store)) {
    }
  }
  return batches;
}

static void an_erasure_waits_until_all_cases_of_an_earlier_program_are_linked(void **state) {
  (void)state;
  static const enum runtime_act_kind refused[] = {RUNTIME_ACT_ERASE, RUNTIME_ACT_CASES, RUNTIME_ACT_UNLINK};
  begin_many();
  assert_false(runtime_links_behind(b.runtime));
  forget_links();
  uint64_t head = runtime_journal_head(b.runtime);
  assert_true(runtime_links_behind(b.runtime));
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    assert_int_equal(ERR_BUSY, act(refused[i], "N-000", "", "срок хранения истёк"));
  }
  assert_int_equal(ERR_BUSY, act(RUNTIME_ACT_LINK, "N-000", "N-001", "паспорт предъявлен"));
  assert_int_equal(head, runtime_journal_head(b.runtime));
  assert_int_equal(CASES / 32 + 1, idle_until_linked());
  assert_false(runtime_links_behind(b.runtime));
  assert_int_equal(ERR_OK, act(RUNTIME_ACT_ERASE, "N-000", "", "срок хранения истёк"));
  for (int i = 0; i < CASES; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "N-%03d", i);
    assert_int_equal(i % 2 == 0 ? RUNTIME_PERSON_ERASED : RUNTIME_PERSON_SEALED,
                     runtime_person_state(b.runtime, span_of_cstr(name)).state);
  }
}

static void a_restart_amid_the_links_goes_on_where_they_stood(void **state) {
  (void)state;
  begin_many();
  forget_links();
  assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment(TUESDAY)));
  while (store_poll(b.store)) {
  }
  bench_restart(&b);
  assert_int_equal(ERR_BUSY, act(RUNTIME_ACT_ERASE, "N-069", "", "срок хранения истёк"));
  assert_int_equal(CASES / 32, idle_until_linked());
  bench_restart(&b);
  assert_false(runtime_links_behind(b.runtime));
  assert_int_equal(CASES / 2, linked("N-069").cases_count);
}

/* With a clock that is held, too. */
static void cases_are_linked_while_the_clock_is_held(void **state) {
  (void)state;
  begin_many();
  forget_links();
  civil_moment clock = runtime_clock(b.runtime);
  for (int i = 0; i < CASES && runtime_links_behind(b.runtime); i++) {
    assert_int_equal(ERR_OK, runtime_tick_acts(b.runtime, clock));
    while (store_poll(b.store)) {
    }
  }
  assert_int_equal(CASES / 2, linked("N-000").cases_count);
  assert_int_equal(clock, runtime_clock(b.runtime));
}

static void cases_of_an_earlier_program_are_linked_as_batches_come(void **state) {
  (void)state;
  begin_many();
  forget_links();
  assert_int_equal(0, link_records());
  for (uint64_t i = 1; i < 5; i++) {
    bench_send(&b, TUESDAY, &(struct bench_message){"helper-north", i, "visit.done", "N-001", NULL, NULL});
  }
  assert_int_equal(CASES / 2, linked("N-000").cases_count);
  assert_int_equal(CASES / 2, linked("N-069").cases_count);
  assert_int_equal(1, proposals());
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(two_cases_of_one_number_are_one_person_s),
      TEST(without_a_number_name_and_birth_tell_however_they_are_spelt),
      TEST(the_same_name_and_birth_with_another_number_is_only_proposed),
      TEST(the_same_number_with_another_birth_is_only_proposed),
      TEST(of_two_who_could_be_meant_neither_is_taken),
      TEST(a_placeholder_or_half_a_name_identifies_nobody),
      TEST(a_number_that_comes_later_finds_the_person),
      TEST(a_corrected_number_takes_the_case_out_again),
      TEST(an_operator_links_and_the_entry_tells_it_of_one_case_only),
      TEST(who_was_unlinked_is_not_found_again),
      TEST(a_proposal_that_was_rejected_stays_so),
      TEST(a_reason_names_neither_the_person_nor_the_other_case),
      TEST(an_erasure_destroys_all_keys_and_all_links_and_the_chain_holds),
      cmocka_unit_test(what_anybody_hears_of_a_case_does_not_depend_on_another_of_its_person),
      TEST(the_database_tells_nothing_of_a_link),
      TEST(cases_of_an_earlier_program_are_linked_as_batches_come),
      TEST(an_erasure_waits_until_all_cases_of_an_earlier_program_are_linked),
      TEST(a_restart_amid_the_links_goes_on_where_they_stood),
      TEST(cases_are_linked_while_the_clock_is_held),
      TEST(links_outlive_a_restart_and_are_no_part_of_a_rehearsal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
