/* Keys sort as the tables are walked, and every record comes back as it was written, or is refused. */
#include "check.h"

#include "runtime/records.h"

static struct writer w;
static uint8_t id_buffer[CASE_ID_MAX];

static int setup(void **state) {
  (void)state;
  writer_init(&w);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  writer_finish(&w);
  return 0;
}

static struct span L(const char *text) {
  return span_of_cstr(text);
}

static void
a_family_is_one_range_of_keys(void **state) {
  (void)state;
  const char *ids[] = {"A", "A/part", "A/part/m1", "A/zz", "A-1", "A.2", "AB"};
  struct record_key family = record_family_prefix(L("A"));
  for (size_t i = 1; i < sizeof ids / sizeof *ids; i++) {
    struct record_key before = record_case_key(L(ids[i - 1]));
    struct record_key key = record_case_key(L(ids[i]));
    assert_true(span_compare(record_key_span(&before), record_key_span(&key)) < 0);
    assert_int_equal(span_starts_with(record_key_span(&key), record_key_span(&family)), i <= 3);
  }
}

static void deadlines_of_a_family_lie_under_its_prefix(void **state) {
  (void)state;
  struct record_key family = record_family_prefix(L("A"));
  struct record_key own = record_deadline_key(L("A"), 7);
  struct record_key part = record_deadline_key(L("A/part"), 1);
  struct record_key other = record_deadline_key(L("A-1"), 1);
  assert_true(span_starts_with(record_key_span(&own), record_key_span(&family)));
  assert_true(span_starts_with(record_key_span(&part), record_key_span(&family)));
  assert_false(span_starts_with(record_key_span(&other), record_key_span(&family)));
}

static void a_deadline_key_comes_back(void **state) {
  (void)state;
  const uint32_t slots[] = {0, 1, 255, 256, 0x2f2f2f2f, UINT32_MAX};
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
    struct record_key key = record_deadline_key(L("86-1/part/m.1"), slots[i]);
    struct span id;
    uint32_t slot;
    assert_int_equal(ERR_OK, record_deadline_of_key(record_key_span(&key), id_buffer, &id, &slot));
    assert_span(id, "86-1/part/m.1");
    assert_int_equal(slots[i], slot);
  }
}

static void timers_sort_by_moment_then_case_then_slot(void **state) {
  (void)state;
  struct record_key keys[] = {
      record_timer_key(-5, L("B"), 9),        record_timer_key(0, L("B"), 1),       record_timer_key(10, L("A"), 2),
      record_timer_key(10, L("A"), 300),      record_timer_key(10, L("A/part"), 1), record_timer_key(10, L("A-1"), 0),
      record_timer_key(INT64_MAX, L("A"), 0),
  };
  for (size_t i = 1; i < sizeof keys / sizeof *keys; i++) {
    assert_true(span_compare(record_key_span(&keys[i - 1]), record_key_span(&keys[i])) < 0);
  }
  struct record_timer timer;
  assert_int_equal(ERR_OK, record_timer_of_key(record_key_span(&keys[4]), id_buffer, &timer));
  assert_int_equal(10, timer.due);
  assert_span(timer.case_id, "A/part");
  assert_int_equal(1, timer.slot);
  assert_int_equal(ERR_OK, record_timer_of_key(record_key_span(&keys[0]), id_buffer, &timer));
  assert_int_equal(-5, timer.due);
}

static void foreign_keys_are_corrupt(void **state) {
  (void)state;
  struct span id;
  uint32_t slot;
  uint64_t number;
  struct record_timer timer;
  assert_int_equal(ERR_CORRUPT, record_case_of_key(L(""), id_buffer, &id));
  assert_int_equal(ERR_CORRUPT, record_deadline_of_key(L("A12345678"), id_buffer, &id, &slot));
  assert_int_equal(ERR_CORRUPT, record_timer_of_key(L("short"), id_buffer, &timer));
  assert_int_equal(ERR_CORRUPT, record_pair_of_key(L("x"), &id, &number));
  assert_int_equal(ERR_CORRUPT, record_number_of_key(L("123"), &number));
}

static void a_head_comes_back(void **state) {
  (void)state;
  struct record_head head = {.journal = 300,
                             .incidents = 7,
                             .recorded_at = CIVIL_MOMENT_NONE,
                             .clock = 1768194900123,
                             .timers = 400,
                             .chain = {1, 2, 3}};
  record_head_write(&head, &w);
  struct record_head read;
  assert_int_equal(ERR_OK, record_head_read(writer_span(&w), &read));
  assert_int_equal(300, read.journal);
  assert_int_equal(7, read.incidents);
  assert_true(read.recorded_at == CIVIL_MOMENT_NONE);
  assert_int_equal(1768194900123, read.clock);
  assert_memory_equal(head.chain, read.chain, sizeof read.chain);
  assert_int_equal(400, read.timers);
}

static struct record_journal entry_example(void) {
  return (struct record_journal){
      .kind = RECORD_JOURNAL_REFUSED,
      .err = ERR_CONFLICT,
      .recorded_at = 1768194900000,
      .occurred_at = -1,
      .sender = L("helper-1"),
      .sequence = 42,
      .slot = 9,
      .behind = true,
      .timers = 300,
      .event = L("visit.done"),
      .case_id = L("A/part"),
      .acting_for = L("w-7"),
      .text = L("Дело закрыто"),
      .clear = L("clear"),
      .sealed = L("sealed"),
      .digest = {9, 8, 7},
      .chain = {6, 5},
  };
}

static void a_journal_entry_comes_back(void **state) {
  (void)state;
  struct record_journal entry = entry_example();
  record_journal_write(&entry, &w);
  struct record_journal read;
  assert_int_equal(ERR_OK, record_journal_read(writer_span(&w), &read));
  assert_int_equal(RECORD_JOURNAL_REFUSED, read.kind);
  assert_int_equal(ERR_CONFLICT, read.err);
  assert_int_equal(entry.recorded_at, read.recorded_at);
  assert_int_equal(-1, read.occurred_at);
  assert_span(read.sender, "helper-1");
  assert_int_equal(42, read.sequence);
  assert_int_equal(9, read.slot);
  assert_true(read.behind);
  assert_int_equal(300, read.timers);
  assert_span(read.event, "visit.done");
  assert_span(read.case_id, "A/part");
  assert_span(read.acting_for, "w-7");
  assert_span(read.text, "Дело закрыто");
  assert_span(read.clear, "clear");
  assert_span(read.sealed, "sealed");
  assert_memory_equal(entry.digest, read.digest, sizeof read.digest);
  assert_memory_equal(entry.chain, read.chain, sizeof read.chain);
}

/* What version 1 wrote, byte for byte: the chain behind the digest, and no salt. */
static void an_entry_of_version_1_is_still_read(void **state) {
  (void)state;
  static const uint8_t head[] = {1, RECORD_JOURNAL_MESSAGE, 2, 1};
  static const uint8_t digest[32] = {9, 8};
  static const uint8_t chain[32] = {6, 5};
  static const uint8_t rest[] = {1, 'a', 42, 0, 1, 'e', 1, 'A', 0, 0, 0, 1, 'c', 1, 's'};
  writer_raw(&w, span_of(head, sizeof head));
  writer_raw(&w, span_of(digest, sizeof digest));
  writer_raw(&w, span_of(chain, sizeof chain));
  writer_raw(&w, span_of(rest, sizeof rest));
  struct record_journal read;
  assert_int_equal(ERR_OK, record_journal_read(writer_span(&w), &read));
  assert_int_equal(1, read.recorded_at);
  assert_int_equal(-1, read.occurred_at);
  assert_int_equal(42, read.sequence);
  assert_span(read.sender, "a");
  assert_span(read.sealed, "s");
  assert_memory_equal(digest, read.digest, sizeof digest);
  assert_memory_equal(chain, read.chain, sizeof chain);
  assert_true(span_empty(record_journal_content(writer_span(&w))));
}

/* What version 2 wrote: nothing of timers, which all came first then. */
static void an_entry_of_version_2_is_still_read_and_covered(void **state) {
  (void)state;
  static const uint8_t head[] = {2, RECORD_JOURNAL_MESSAGE, 2, 1};
  static const uint8_t digest[32] = {9, 8};
  static const uint8_t salt[16] = {4};
  static const uint8_t rest[] = {1, 'a', 42, 0, 1, 'e', 1, 'A', 0, 0, 0, 1, 'c', 1, 's'};
  static const uint8_t chain[32] = {6, 5};
  writer_raw(&w, span_of(head, sizeof head));
  writer_raw(&w, span_of(digest, sizeof digest));
  writer_raw(&w, span_of(salt, sizeof salt));
  writer_raw(&w, span_of(rest, sizeof rest));
  writer_raw(&w, span_of(chain, sizeof chain));
  struct record_journal read;
  assert_int_equal(ERR_OK, record_journal_read(writer_span(&w), &read));
  assert_int_equal(42, read.sequence);
  assert_span(read.event, "e");
  assert_span(read.sealed, "s");
  assert_false(read.behind);
  assert_int_equal(0, read.timers);
  assert_memory_equal(chain, read.chain, sizeof chain);
  assert_int_equal(w.size - RECORD_CHAIN_SIZE, record_journal_content(writer_span(&w)).size);
}

/* Version 4 ends before the entry that came earlier in the family: nobody knows it then. */
static void an_entry_of_version_4_is_still_read(void **state) {
  (void)state;
  static const uint8_t head[] = {4, RECORD_JOURNAL_MESSAGE, 2, 1};
  static const uint8_t digest[32] = {9, 8};
  static const uint8_t salt[16] = {4};
  static const uint8_t rest[] = {1, 'a', 42, 0, 8, 1, 'e', 1, 'A', 0, 0, 0, 1, 'c', 1, 's'};
  static const uint8_t chain[32] = {6, 5};
  writer_raw(&w, span_of(head, sizeof head));
  writer_raw(&w, span_of(digest, sizeof digest));
  writer_raw(&w, span_of(salt, sizeof salt));
  writer_raw(&w, span_of(rest, sizeof rest));
  writer_raw(&w, span_of(chain, sizeof chain));
  struct record_journal read = {.earlier = 9};
  assert_int_equal(ERR_OK, record_journal_read(writer_span(&w), &read));
  assert_span(read.sealed, "s");
  assert_int_equal(0, read.earlier);
  assert_memory_equal(chain, read.chain, sizeof chain);
}

/* What version 3 wrote has the layout of version 4; what a newer kind looks like there is damage. */
static void an_entry_of_version_3_is_still_read(void **state) {
  (void)state;
  static const uint8_t digest[32] = {9, 8};
  static const uint8_t salt[16] = {4};
  static const uint8_t rest[] = {1, 'a', 42, 0, 8, 1, 'e', 1, 'A', 0, 0, 0, 1, 'c', 1, 's'};
  static const uint8_t chain[32] = {6, 5};
  for (uint8_t kind = RECORD_JOURNAL_MESSAGE; kind <= RECORD_JOURNAL_RECOUNT; kind++) {
    const uint8_t head[] = {3, kind, 2, 1};
    writer_reset(&w);
    writer_raw(&w, span_of(head, sizeof head));
    writer_raw(&w, span_of(digest, sizeof digest));
    writer_raw(&w, span_of(salt, sizeof salt));
    writer_raw(&w, span_of(rest, sizeof rest));
    writer_raw(&w, span_of(chain, sizeof chain));
    struct record_journal read = {.sequence = 0};
    bool known = kind <= RECORD_JOURNAL_AUDIT;
    assert_int_equal(known ? ERR_OK : ERR_CORRUPT, record_journal_read(writer_span(&w), &read));
    assert_int_equal(known ? 42 : 0, read.sequence);
    assert_int_equal(known ? 7 : 0, read.timers);
  }
}

static void the_calendar_comes_back(void **state) {
  (void)state;
  static const uint8_t bytes[] = {1, 2, 5, 0xAC, 2, 1, 0x80, 0, 0, 0, 0, 0, 0, 9, 2, 'A', '1', 60, 16, 3, 4, 1};
  struct record_calendar read;
  assert_int_equal(ERR_OK, record_calendar_read(span_of(bytes, sizeof bytes), &read));
  assert_int_equal(2, read.imports_count);
  assert_int_equal(5, read.imports[0]);
  assert_int_equal(300, read.imports[1]);
  assert_true(read.recounting);
  assert_int_equal(9, read.at);
  assert_span(span_of(read.root, read.root_size), "A1");
  assert_int_equal(60, read.cases);
  assert_int_equal(16, read.done);
  assert_int_equal(3, read.changed);
  assert_int_equal(4, read.deadlines);
  assert_int_equal(1, read.failed);
  record_calendar_write(&read, &w);
  assert_true(span_equal(span_of(bytes, sizeof bytes), writer_span(&w)));
}

static void a_damaged_calendar_is_refused(void **state) {
  (void)state;
  static const uint8_t many[] = {1, 0xF5, 3};
  static const uint8_t flag[] = {1, 0, 2, 0x80, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0};
  uint8_t longer[1 + 1 + 1 + 8 + 1 + 65 + 5] = {1, 0, 1, 0x80, [11] = 65};
  struct record_calendar read;
  assert_int_equal(ERR_CORRUPT, record_calendar_read(span_of(many, sizeof many), &read));
  assert_int_equal(ERR_CORRUPT, record_calendar_read(span_of(flag, sizeof flag), &read));
  assert_int_equal(ERR_CORRUPT, record_calendar_read(span_of(longer, sizeof longer), &read));
  longer[0] = 2;
  assert_int_equal(ERR_VERSION, record_calendar_read(span_of(longer, sizeof longer), &read));
}

static void a_head_of_version_1_is_still_read(void **state) {
  (void)state;
  static const uint8_t bytes[1 + 2 + 8 + 8 + 32] = {1, 7, 3, 0x80, [51 - 1] = 5};
  struct record_head head;
  assert_int_equal(ERR_OK, record_head_read(span_of(bytes, sizeof bytes), &head));
  assert_int_equal(7, head.journal);
  assert_int_equal(3, head.incidents);
  assert_int_equal(0, head.recorded_at);
  assert_int_equal(5, head.chain[31]);
  assert_int_equal(0, head.timers);
}

static void the_chain_covers_all_of_an_entry_before_it(void **state) {
  (void)state;
  struct record_journal entry = entry_example();
  record_journal_write(&entry, &w);
  struct span content = record_journal_content(writer_span(&w));
  assert_int_equal(w.size - RECORD_CHAIN_SIZE, content.size);
  assert_ptr_equal(w.data, content.data);
}

static void a_key_of_version_1_lives_and_a_destroyed_one_says_where(void **state) {
  (void)state;
  static const uint8_t old[] = {1, 'k', 'e', 'y'};
  struct record_secret read;
  assert_int_equal(ERR_OK, record_secret_read(span_of(old, sizeof old), &read));
  assert_span(read.wrapped, "key");
  assert_int_equal(0, read.erased);
  record_secret_write(&(struct record_secret){.erased = 300}, &w);
  assert_int_equal(ERR_OK, record_secret_read(writer_span(&w), &read));
  assert_true(span_empty(read.wrapped));
  assert_int_equal(300, read.erased);
}

static void a_signed_head_comes_back(void **state) {
  (void)state;
  struct record_signed head = {
      .journal = 300, .at = 1768194900000, .chain = {1, 2}, .key_id = L("0123"), .signature = {3, 4}};
  record_signed_write(&head, &w);
  struct record_signed read;
  assert_int_equal(ERR_OK, record_signed_read(writer_span(&w), &read));
  assert_int_equal(300, read.journal);
  assert_int_equal(1768194900000, read.at);
  assert_span(read.key_id, "0123");
  assert_memory_equal(head.chain, read.chain, sizeof head.chain);
  assert_memory_equal(head.signature, read.signature, sizeof head.signature);
  uint8_t statement[RECORD_STATEMENT_SIZE];
  record_signed_statement(&head, statement);
  static const uint8_t start[] = {0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 1, 0x9b, 0xb0, 0xa1, 0x00, 0x20, 1, 2, 0};
  assert_memory_equal(start, statement, 16);
  assert_memory_equal(start + 16, statement + 16, 3);
}

/* Whatever is cut off or added, nothing is read past the end and nothing passes as whole. */
static void a_cut_or_lengthened_record_is_corrupt(void **state) {
  (void)state;
  struct record_journal entry = entry_example();
  struct record_journal read;
  record_journal_write(&entry, &w);
  size_t whole = w.size;
  for (size_t size = 0; size < whole; size++) {
    assert_int_equal(ERR_CORRUPT, record_journal_read(span_of(w.data, size), &read));
  }
  writer_u8(&w, 0);
  assert_int_equal(ERR_CORRUPT, record_journal_read(writer_span(&w), &read));
}

static void a_newer_version_is_told_apart_from_damage(void **state) {
  (void)state;
  struct record_case c = {.journal = 3, .body = L("body")};
  record_case_write(&c, &w);
  w.data[0] = 4;
  assert_int_equal(ERR_VERSION, record_case_read(writer_span(&w), &c));
  w.data[0] = 0;
  assert_int_equal(ERR_CORRUPT, record_case_read(writer_span(&w), &c));
}

static void a_case_remembers_that_it_is_parked(void **state) {
  (void)state;
  struct record_case c = {.parked = 2, .journal = 300, .latest = 400, .body = L("body")};
  record_case_write(&c, &w);
  struct record_case read;
  assert_int_equal(ERR_OK, record_case_read(writer_span(&w), &read));
  assert_int_equal(2, read.parked);
  assert_int_equal(300, read.journal);
  assert_int_equal(400, read.latest);
  assert_span(read.body, "body");
  assert_int_equal(ERR_OK, record_case_read(L("\x02\x02\xac\x02\x04"
                                              "body"),
                                            &read));
  assert_int_equal(2, read.parked);
  assert_int_equal(300, read.journal);
  assert_int_equal(0, read.latest); /* version 2 */
  assert_span(read.body, "body");
}

static void records_of_version_1_are_read(void **state) {
  (void)state;
  struct record_case c;
  assert_int_equal(ERR_OK, record_case_read(L("\x01\x01\xac\x02\x04"
                                              "body"),
                                            &c));
  assert_int_equal(1, c.parked);
  assert_int_equal(300, c.journal);
  assert_span(c.body, "body");
  struct record_cursor cursor = {.dropped = 1};
  assert_int_equal(ERR_OK, record_cursor_read(SPAN_LITERAL("\x01\x07\x06\x05\x00\x03"), &cursor));
  assert_int_equal(7, cursor.head);
  assert_int_equal(6, cursor.acknowledged);
  assert_int_equal(-2, cursor.load);
  assert_int_equal(0, cursor.dropped);
  struct record_incident incident;
  assert_int_equal(ERR_OK,
                   record_incident_read(SPAN_LITERAL("\x01\x00\x04\x01\x14\x28\x00\x00\x00\x00\x00\x00\x00\x00\x01"
                                                     "A\x0ctimer-failed\x00\x00\x00\x00"),
                                        &incident));
  assert_true(incident.parks);
  assert_false(incident.resolved);
  assert_int_equal(4, incident.journal);
  assert_true(incident.resolved_at == CIVIL_MOMENT_NONE);
  assert_span(incident.reason, "timer-failed");
}

static void a_definition_comes_back(void **state) {
  (void)state;
  struct record_definition definition = {.vocabulary = 7, .chart = L("<scxml/>"), .settings = L("map")};
  record_definition_write(&definition, &w);
  struct record_definition read;
  assert_int_equal(ERR_OK, record_definition_read(writer_span(&w), &read));
  assert_int_equal(7, read.vocabulary);
  assert_span(read.chart, "<scxml/>");
  assert_span(read.settings, "map");
  assert_int_equal(ERR_CORRUPT, record_definition_read(span_of(w.data, w.size - 1), &read));
  struct record_key key = record_definition_key(L("root"), L("0123"));
  struct span process, revision;
  assert_int_equal(ERR_OK, record_definition_of_key(record_key_span(&key), &process, &revision));
  assert_span(process, "root");
  assert_span(revision, "0123");
  assert_int_equal(ERR_CORRUPT, record_definition_of_key(L("root"), &process, &revision));
}

static void a_receipt_keeps_the_code_by_name(void **state) {
  (void)state;
  struct record_receipt receipt = {
      .kind = RUNTIME_REFUSED, .err = ERR_FORBIDDEN, .incident = 5, .text = L("Нельзя"), .digest = {1}};
  record_receipt_write(&receipt, &w);
  bool named = false;
  for (size_t i = 0; i + 9 <= w.size; i++) {
    named = named || span_is(span_of(w.data + i, 9), "FORBIDDEN");
  }
  assert_true(named);
  struct record_receipt read;
  assert_int_equal(ERR_OK, record_receipt_read(writer_span(&w), &read));
  assert_int_equal(RUNTIME_REFUSED, read.kind);
  assert_int_equal(ERR_FORBIDDEN, read.err);
  assert_int_equal(5, read.incident);
  assert_span(read.text, "Нельзя");
}

static void an_incident_comes_back(void **state) {
  (void)state;
  struct record_incident incident = {.transport = true,
                                     .parks = true,
                                     .journal = 4,
                                     .count = 3,
                                     .at = 10,
                                     .last_at = 20,
                                     .resolved_at = CIVIL_MOMENT_NONE,
                                     .case_id = L("A"),
                                     .reason = L("refused"),
                                     .detail = L("Дело закрыто"),
                                     .sender = L("s"),
                                     .event = L("e")};
  record_incident_write(&incident, &w);
  struct record_incident read;
  assert_int_equal(ERR_OK, record_incident_read(writer_span(&w), &read));
  assert_true(read.transport);
  assert_true(read.parks);
  assert_false(read.resolved);
  assert_int_equal(3, read.count);
  assert_int_equal(20, read.last_at);
  assert_true(read.resolved_at == CIVIL_MOMENT_NONE);
  assert_span(read.detail, "Дело закрыто");
  assert_span(read.resolved_by, "");
}

static void a_cursor_comes_back(void **state) {
  (void)state;
  struct record_cursor cursor = {
      .head = 1000, .acknowledged = 999, .sequence = 5, .refusals = 2, .load = -1, .dropped = 300};
  record_cursor_write(&cursor, &w);
  struct record_cursor read;
  assert_int_equal(ERR_OK, record_cursor_read(writer_span(&w), &read));
  assert_int_equal(1000, read.head);
  assert_int_equal(999, read.acknowledged);
  assert_int_equal(5, read.sequence);
  assert_int_equal(2, read.refusals);
  assert_int_equal(-1, read.load);
  assert_int_equal(300, read.dropped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_family_is_one_range_of_keys),
      TEST(deadlines_of_a_family_lie_under_its_prefix),
      TEST(a_deadline_key_comes_back),
      TEST(timers_sort_by_moment_then_case_then_slot),
      TEST(foreign_keys_are_corrupt),
      TEST(a_head_comes_back),
      TEST(a_journal_entry_comes_back),
      TEST(an_entry_of_version_1_is_still_read),
      TEST(an_entry_of_version_2_is_still_read_and_covered),
      TEST(an_entry_of_version_3_is_still_read),
      TEST(an_entry_of_version_4_is_still_read),
      TEST(the_calendar_comes_back),
      TEST(a_damaged_calendar_is_refused),
      TEST(a_head_of_version_1_is_still_read),
      TEST(the_chain_covers_all_of_an_entry_before_it),
      TEST(a_signed_head_comes_back),
      TEST(a_key_of_version_1_lives_and_a_destroyed_one_says_where),
      TEST(a_cut_or_lengthened_record_is_corrupt),
      TEST(a_newer_version_is_told_apart_from_damage),
      TEST(a_case_remembers_that_it_is_parked),
      TEST(records_of_version_1_are_read),
      TEST(a_definition_comes_back),
      TEST(a_receipt_keeps_the_code_by_name),
      TEST(an_incident_comes_back),
      TEST(a_cursor_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
