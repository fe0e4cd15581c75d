/*
 * The calendar is amended while cases run. Each case of the world begins on Monday 2026-01-12 and is due five working
 * days later, on the 19th; an amended January moves that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "check.h"
#include "runtime/records.h"

#define MONDAY    "2026-01-12T10:00:00+05:00"
#define TUESDAY   "2026-01-13T10:00:00+05:00"
#define WEDNESDAY "2026-01-14T10:00:00+05:00"
#define LATE      "2026-01-19T10:00:00+05:00"
#define REHEARSED "2026-01-25T23:59:59.999+05:00"

enum { CASES = 60, LINES_MAX = 64, CSV_MAX = 1 << 14 };

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

/* ---- the file ---- */

static int by_text(const void *a, const void *c) {
  return strcmp(*(const char *const *)a, *(const char *const *)c);
}

/* The year 2026 of config/calendar with these rows besides (ended by NULL). */
static const char *amended(const char *const *rows) {
  static const struct calendar_options none = {0};
  struct calendar *calendar = NULL;
  FILE *file = fopen(KURATOR_SOURCE_DIR "/config/calendar/ru.csv", "rb");
  assert_non_null(file);
  char *text = arena_alloc(&b.arena, CSV_MAX * 4);
  size_t size = fread(text, 1, CSV_MAX * 4, file);
  (void)fclose(file);
  assert_int_equal(ERR_OK, calendar_create(span_of(text, size), none, &calendar, NULL));
  char *year = arena_cstr(&b.arena, calendar_source_year(calendar, 2026));
  calendar_destroy(&calendar);
  const char *lines[LINES_MAX];
  size_t count = 0;
  for (char *line = strtok(year, "\n"); line; line = strtok(NULL, "\n")) {
    lines[count++] = line;
  }
  for (; *rows; rows++) {
    lines[count++] = *rows;
  }
  qsort((void *)lines, count, sizeof lines[0], by_text);
  char *csv = arena_alloc(&b.arena, CSV_MAX);
  int length = snprintf(csv, CSV_MAX, "date,kind,note\n");
  for (size_t i = 0; i < count; i++) {
    length += snprintf(csv + length, (size_t)(CSV_MAX - length), "%s\n", lines[i]);
  }
  return csv;
}

/* The 15th is off: due on the 20th. */
static const char *later_by_a_day(void) {
  static const char *const rows[] = {"2026-01-15,off,перенос", NULL};
  return amended(rows);
}

/* Saturday and Sunday are worked: due on the 17th. */
static const char *earlier(void) {
  static const char *const rows[] = {"2026-01-17,work,перенос", "2026-01-18,work,перенос", NULL};
  return amended(rows);
}

/* Another word for a day that was a working day anyway. */
static const char *in_other_words(void) {
  static const char *const rows[] = {"2026-01-15,work,\"как и был, рабочий\"", NULL};
  return amended(rows);
}

/* ---- what happens ---- */

static enum err ask(const char *csv, struct fault *fault) {
  const struct runtime_import import = {.actor = SPAN_LITERAL("operator"), .rows = span_of_cstr(csv)};
  uint64_t ticket;
  return runtime_calendar_import(b.runtime, &import, &ticket, fault);
}

static void tick(const char *moment) {
  assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment(moment)));
  while (store_poll(b.store)) {
  }
}

static void until_recounted(const char *moment) {
  struct runtime_calendar_state state;
  do {
    tick(moment);
    state = runtime_calendar_state(b.runtime);
  } while (state.waiting || state.recounting);
  bench_until(&b, moment);
}

static void import(const char *moment, const char *csv) {
  struct fault fault = {0};
  if (ask(csv, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  until_recounted(moment);
}

static const char *name(unsigned number) {
  char buffer[32];
  (void)snprintf(buffer, sizeof buffer, "86-%02u", number);
  return arena_cstr(&b.arena, span_of_cstr(buffer));
}

static void begin_cases(unsigned count, const char *moment) {
  for (unsigned i = 0; i < count; i++) {
    struct bench_message m = *BEGIN(i + 1, 1, "2026-01-12");
    m.case_id = name(i);
    assert_memory_equal("accepted", bench_send(&b, moment, &m), 8);
  }
}

static void submit_visit(unsigned number, uint64_t sequence) {
  struct bench_message m = *VISIT(sequence);
  m.case_id = name(number);
  assert_int_equal(ERR_OK, bench_submit(&b, &m));
}

static void one_case(void) {
  assert_memory_equal("accepted", bench_send(&b, MONDAY, BEGIN(1, 1, "2026-01-12")), 8);
}

static void assert_rehearses(void) {
  const char *journal = bench_export(&b);
  struct span parts[] = {span_of_cstr(journal), span_of_cstr(bench_outcome(&b))};
  struct writer both;
  writer_init(&both);
  writer_raw(&both, parts[0]);
  writer_raw(&both, parts[1]);
  writer_u8(&both, '\0');
  assert_string_equal((const char *)both.data, bench_replay(&b, journal, "2026-01-25"));
  writer_finish(&both);
}

#define HAS(text, part)     assert_non_null(strstr((text), (part)))
#define HAS_NOT(text, part) assert_null(strstr((text), (part)))

static void open_deadlines_are_computed_again_and_the_journal_says_so(void **state) {
  (void)state;
  one_case();
  HAS(bench_outcome(&b), "\"due\":\"2026-01-19\"");
  import(TUESDAY, later_by_a_day());
  HAS(bench_outcome(&b), "\"due\":\"2026-01-20\"");
  const char *journal = bench_export(&b);
  HAS(journal, "\"as\":\"operator\",\"calendar\":{");
  HAS(journal, "2026-01-15,off,перенос");
  HAS(journal, "\"case\":\"A\",\"recount\":{");
  HAS(journal, "\"new\":\"2026-01-20\",\"old\":\"2026-01-19\"");
  HAS(journal, "\"explanation\":\"");
  HAS(journal, "\"recounted\":{");
  assert_int_equal(1, bench_count(journal, "\"recount\":{"));
  bench_until(&b, "2026-01-20T12:00:00+05:00");
  HAS_NOT(bench_outcome(&b), "missed");
  bench_until(&b, "2026-01-21T12:00:00+05:00");
  HAS(bench_outcome(&b), "missed");
}

static void a_case_that_begins_in_the_batch_of_the_import_is_recounted(void **state) {
  (void)state;
  struct fault fault = {0};
  assert_int_equal(ERR_OK, ask(later_by_a_day(), &fault));
  assert_int_equal(ERR_OK, bench_submit(&b, BEGIN(1, 1, "2026-01-12")));
  until_recounted(MONDAY);
  assert_memory_equal("accepted", bench_receipt(&b), 8);
  HAS(bench_outcome(&b), "\"due\":\"2026-01-20\"");
  assert_int_equal(1, bench_count(bench_export(&b), "\"recount\":{"));
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

static void the_calendar_is_there_after_a_restart(void **state) {
  (void)state;
  one_case();
  import(TUESDAY, later_by_a_day());
  char revision[32];
  (void)snprintf(revision, sizeof revision, "%s", calendar_revision(runtime_calendar(b.runtime)));
  assert_string_not_equal(revision, calendar_revision(b.config->calendar));
  bench_restart(&b);
  assert_string_equal(revision, calendar_revision(runtime_calendar(b.runtime)));
  bench_stop(&b);
  bench_start(&b);
  struct bench_message m = *BEGIN(2, 1, "2026-01-12");
  m.case_id = "B";
  assert_memory_equal("accepted", bench_send(&b, TUESDAY, &m), 8);
  assert_int_equal(2, bench_count(bench_outcome(&b), "\"due\":\"2026-01-20\""));
}

static void the_same_file_again_changes_nothing(void **state) {
  (void)state;
  struct fault fault = {0};
  one_case();
  import(TUESDAY, later_by_a_day());
  uint64_t head = runtime_journal_head(b.runtime);
  const char *journal = bench_export(&b);
  assert_int_equal(ERR_EXISTS, ask(later_by_a_day(), &fault));
  until_recounted(WEDNESDAY);
  assert_int_equal(head, runtime_journal_head(b.runtime));
  assert_string_equal(journal, bench_export(&b));
}

/* Nothing but the import's own entries. */
static void the_same_days_in_other_words_change_no_case(void **state) {
  (void)state;
  begin_cases(CASES, MONDAY);
  const char *outcome = bench_outcome(&b);
  const char *journal = bench_export(&b);
  size_t before = bench_records_with(&b, "86-");
  import(TUESDAY, in_other_words());
  assert_string_equal(outcome, bench_outcome(&b));
  const char *after = bench_export(&b);
  assert_memory_equal(journal, after, strlen(journal));
  assert_int_equal(2, bench_count(after + strlen(journal), "\n"));
  assert_int_equal(before, bench_records_with(&b, "86-"));
  bench_until(&b, "2026-01-21T12:00:00+05:00");
  assert_int_equal(CASES, bench_count(bench_outcome(&b), "\"state\":\"missed\""));
}

static void a_due_day_that_moved_into_the_past_is_missed_once(void **state) {
  (void)state;
  one_case();
  import(LATE, earlier());
  const char *outcome = bench_outcome(&b);
  HAS(outcome, "\"due\":\"2026-01-17\"");
  HAS(outcome, "\"state\":\"missed\"");
  assert_int_equal(1, bench_count(bench_export(&b), "\"state\":\"missed\""));
  size_t told = b.deliveries_count;
  bench_until(&b, "2026-01-22T12:00:00+05:00");
  assert_int_equal(told, b.deliveries_count);
}

static void what_was_missed_stays_missed(void **state) {
  (void)state;
  one_case();
  bench_until(&b, "2026-01-20T09:00:00+05:00");
  const char *outcome = bench_outcome(&b);
  HAS(outcome, "\"state\":\"missed\"");
  import("2026-01-20T10:00:00+05:00", later_by_a_day());
  assert_string_equal(outcome, bench_outcome(&b));
  assert_int_equal(0, bench_count(bench_export(&b), "\"recount\":{"));
}

/* Messages come between the slices, before and behind the place where those have come to. */
static void messages_go_on_and_a_rehearsal_gives_the_same_bytes(void **state) {
  (void)state;
  struct fault fault = {0};
  begin_cases(CASES, MONDAY);
  assert_int_equal(ERR_OK, ask(later_by_a_day(), &fault));
  submit_visit(55, 1);
  submit_visit(3, 2);
  tick(TUESDAY);
  assert_true(runtime_calendar_state(b.runtime).recounting);
  assert_memory_equal("accepted", bench_receipt(&b), 8);
  submit_visit(50, 3);
  submit_visit(57, 4);
  tick(TUESDAY);
  until_recounted(TUESDAY);
  const char *journal = bench_export(&b);
  assert_int_equal(CASES, bench_count(journal, "\"recount\":{"));
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

static void a_timer_finds_its_case_recounted(void **state) {
  (void)state;
  struct fault fault = {0};
  begin_cases(CASES, MONDAY);
  assert_int_equal(ERR_OK, ask(later_by_a_day(), &fault));
  tick("2026-01-15T23:59:59+05:00");
  assert_true(runtime_calendar_state(b.runtime).recounting);
  tick("2026-01-16T08:00:00+05:00"); /* the day of the reminder by the old calendar */
  until_recounted("2026-01-16T08:00:00+05:00");
  assert_int_equal(CASES, bench_count(bench_outcome(&b), "\"due\":\"2026-01-20\""));
  assert_false(bench_delivered(&b, "reminder"));
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

/* Each of the due timers moves by the recount of its family: that counts as one that was taken. */
static void recounts_for_timers_are_shared_out_among_ticks(void **state) {
  (void)state;
  struct fault fault = {0};
  begin_cases(CASES, MONDAY);
  assert_int_equal(ERR_OK, ask(later_by_a_day(), &fault));
  tick("2026-01-15T23:59:59+05:00");
  uint64_t head = runtime_journal_head(b.runtime);
  for (uint64_t ticks = 1; ticks <= 2; ticks++) {
    tick("2026-01-16T08:00:00+05:00");
    assert_int_equal(head + ticks * b.limits.tick_timers, runtime_journal_head(b.runtime));
  }
  submit_visit(59, 1);
  until_recounted("2026-01-16T08:00:00+05:00");
  assert_int_equal(CASES, bench_count(bench_export(&b), "\"recount\":{"));
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

static void a_kill_in_the_middle_goes_on_where_it_was(void **state) {
  (void)state;
  struct fault fault = {0};
  begin_cases(CASES, MONDAY);
  assert_int_equal(ERR_OK, ask(later_by_a_day(), &fault));
  b.limits.batch_messages = 1;
  submit_visit(58, 1);
  tick(TUESDAY);
  submit_visit(59, 2);
  for (unsigned kills = 0; runtime_calendar_state(b.runtime).recounting; kills++) {
    bench_restart(&b);
    assert_true(kills < CASES);
    submit_visit(59, 2);
    tick(TUESDAY);
  }
  until_recounted(TUESDAY);
  assert_int_equal(CASES, bench_count(bench_export(&b), "\"recount\":{"));
  assert_int_equal(1, bench_count(bench_export(&b), "\"recounted\":{"));
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

static void one_import_at_a_time(void **state) {
  (void)state;
  struct fault fault = {0};
  begin_cases(CASES, MONDAY);
  assert_int_equal(ERR_OK, ask(later_by_a_day(), &fault));
  assert_int_equal(ERR_BUSY, ask(earlier(), &fault));
  tick(TUESDAY);
  assert_int_equal(ERR_BUSY, ask(earlier(), &fault));
  until_recounted(TUESDAY);
  assert_int_equal(ERR_OK, ask(earlier(), &fault));
  until_recounted(WEDNESDAY);
  assert_int_equal(CASES, bench_count(bench_outcome(&b), "\"due\":\"2026-01-17\""));
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

static void what_is_wrong_with_a_file_is_said(void **state) {
  (void)state;
  static const struct {
    const char *csv, *text;
  } bad[] = {
      {"date,kind,note\n2026-01-01,off,\a\n", "управляющий символ"},
      {"date,kind,note\n2026-01-01,off,\n", "год загружается целиком"},
      {"nonsense", "первая строка"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct fault fault = {0};
    assert_int_not_equal(ERR_OK, ask(bad[i].csv, &fault));
    HAS(fault.text, bad[i].text);
  }
  assert_int_equal(0, runtime_journal_head(b.runtime));
}

/* ---- records that cannot be read ---- */

static void stored(void *arg, enum err result) {
  (void)arg;
  assert_int_equal(ERR_OK, result);
}

/* Nothing of this case is decoded any more, and its record keeps so many bytes, or loses so many. */
static void cut_record(const char *id, size_t kept, bool from_end) {
  struct record_key key = record_case_key(span_of_cstr(id));
  struct record_case record;
  struct span bytes;
  struct writer w;
  bench_restart(&b);
  writer_init(&w);
  assert_int_equal(ERR_OK, store_get(b.store, STORE_CASE, record_key_span(&key), &bytes));
  assert_int_equal(ERR_OK, record_case_read(arena_copy(&b.arena, bytes), &record));
  record.body.size = from_end ? record.body.size - kept : kept;
  record_case_write(&record, &w);
  store_begin(b.store);
  store_put(b.store, STORE_CASE, record_key_span(&key), writer_span(&w));
  store_commit(b.store, stored, NULL);
  while (store_poll(b.store)) {
  }
  writer_finish(&w);
}

static void a_record_whose_head_does_not_open_is_passed_over(void **state) {
  (void)state;
  begin_cases(CASES, MONDAY);
  cut_record("86-07", 2, false);
  import(TUESDAY, later_by_a_day());
  const char *journal = bench_export(&b);
  assert_int_equal(CASES - 1, bench_count(journal, "\"recount\":{"));
  HAS_NOT(journal, "\"case\":\"86-07\",\"recount\"");
  HAS(journal, "\"recounted\":{");
  HAS(journal, "\"failed\":0");
}

static void a_living_case_that_cannot_be_read_is_an_incident(void **state) {
  (void)state;
  begin_cases(CASES, MONDAY);
  cut_record("86-07", 1, true);
  import(TUESDAY, later_by_a_day());
  const char *journal = bench_export(&b);
  assert_int_equal(CASES, bench_count(journal, "\"recount\":{"));
  HAS(journal, "\"failed\":1");
  HAS(bench_outcome(&b), "recount-failed");
  assert_int_equal(1, runtime_calendar_state(b.runtime).failed);
}

static void a_part_that_cannot_be_read_is_an_incident_too(void **state) {
  (void)state;
  one_case();
  assert_memory_equal("accepted", bench_send(&b, MONDAY, VISIT(1)), 8);
  HAS(bench_outcome(&b), "\"process\":\"part\",\"states\":[\"planning\"]");
  cut_record("A/part", 1, true);
  import(TUESDAY, later_by_a_day());
  HAS(bench_outcome(&b), "recount-failed");
  assert_int_equal(1, runtime_calendar_state(b.runtime).failed);
}

/* ---- families that speak to each other ---- */

/* Each case tells an account of it; the account, which stands last, has seven working days, till the 21st. */
static void begin_informing(void) {
  bench_restart_with(&b, "informing");
  begin_cases(CASES, MONDAY);
  submit_visit(0, 1);
  bench_until(&b, MONDAY);
  HAS(bench_outcome(&b), "\"case\":\"account.north\",\"process\":\"account\",\"id\":\"settle\"");
}

static const char *line_of(const char *journal, const char *part) {
  const char *found = strstr(journal, part);
  assert_non_null(found);
  return found;
}

static void who_is_told_something_is_recounted_first(void **state) {
  (void)state;
  struct fault fault = {0};
  begin_informing();
  assert_int_equal(ERR_OK, ask(later_by_a_day(), &fault));
  tick(TUESDAY);
  assert_true(runtime_calendar_state(b.runtime).recounting);
  submit_visit(55, 2);
  tick(TUESDAY);
  assert_memory_equal("accepted", bench_receipt(&b), 8);
  until_recounted(TUESDAY);
  const char *journal = bench_export(&b);
  const char *account = line_of(journal, "\"case\":\"account.north\",\"recount\"");
  assert_true(account < line_of(journal, "\"event\":\"visit.done\",\"case\":\"86-55\""));
  assert_true(account < line_of(journal, "\"case\":\"86-50\",\"recount\""));
  assert_int_equal(1, bench_count(journal, "\"case\":\"account.north\",\"recount\""));
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

/* The 20th is off: nothing to the cases, which are missed that night and say so; the account is due a day later. */
static void a_timer_that_tells_something_waits_for_that_too(void **state) {
  (void)state;
  static const char *const rows[] = {"2026-01-20,off,перенос", NULL};
  struct fault fault = {0};
  begin_informing();
  bench_until(&b, "2026-01-19T23:59:59+05:00");
  assert_int_equal(ERR_OK, ask(amended(rows), &fault));
  tick("2026-01-19T23:59:59+05:00");
  assert_true(runtime_calendar_state(b.runtime).recounting);
  tick("2026-01-20T08:00:00+05:00");
  until_recounted("2026-01-20T08:00:00+05:00");
  const char *journal = bench_export(&b);
  assert_int_equal(1, bench_count(journal, "\"recount\":{"));
  const char *account = line_of(journal, "\"case\":\"account.north\",\"recount\"");
  const char *timers = line_of(account, "\"timers\":");
  assert_true(timers < strchr(account, '\n'));
  HAS(bench_outcome(&b), "\"due\":\"2026-01-22\"");
  bench_until(&b, REHEARSED);
  assert_rehearses();
}

/* ---- what it would change ---- */

static bool note_change(void *arg, const struct runtime_recount_change *change) {
  struct writer *w = arg;
  char old[CIVIL_DATE_TEXT];
  char new[CIVIL_DATE_TEXT];
  civil_day_format(change->old_due, old);
  civil_day_format(change->new_due, new);
  writer_printf(w, "%.*s %.*s %s %s %s %s\n", SPAN_ARG(change->case_id), SPAN_ARG(change->deadline), old, new,
                change->was, change->state);
  return true;
}

static const char *preview(const char *moment, const char *csv) {
  struct writer w;
  struct fault fault = {0};
  struct runtime_previewed previewed = {.more = true};
  struct runtime_preview question = {.rows = span_of_cstr(csv), .now = bench_moment(moment), .families_max = 7};
  writer_init(&w);
  while (previewed.more) {
    assert_int_equal(ERR_OK,
                     runtime_calendar_preview(b.runtime, &question, note_change, &w, &b.arena, &previewed, &fault));
    question.after = previewed.last;
  }
  const char *text = arena_cstr(&b.arena, writer_span(&w));
  writer_finish(&w);
  return text;
}

static void a_preview_says_what_would_change_and_changes_nothing(void **state) {
  (void)state;
  begin_cases(CASES, MONDAY);
  const char *outcome = bench_outcome(&b);
  uint64_t head = runtime_journal_head(b.runtime);
  const char *told = preview(TUESDAY, later_by_a_day());
  assert_int_equal(CASES, bench_count(told, "visit 2026-01-19 2026-01-20 open open\n"));
  assert_int_equal(CASES, bench_count(told, "\n"));
  assert_string_equal("", preview(TUESDAY, in_other_words()));
  assert_int_equal(CASES, bench_count(preview(LATE, earlier()), "visit 2026-01-19 2026-01-17 open missed\n"));
  assert_string_equal(outcome, bench_outcome(&b));
  assert_int_equal(head, runtime_journal_head(b.runtime));
  assert_string_equal(calendar_revision(b.config->calendar), calendar_revision(runtime_calendar(b.runtime)));
  import(TUESDAY, later_by_a_day());
  assert_int_equal(CASES, bench_count(bench_outcome(&b), "\"due\":\"2026-01-20\""));
}

static void a_preview_names_what_would_not_be_missed_yet(void **state) {
  (void)state;
  one_case();
  bench_until(&b, "2026-01-20T09:00:00+05:00");
  HAS(preview("2026-01-20T09:00:00+05:00", later_by_a_day()), "A visit 2026-01-19 2026-01-20 missed stays-missed\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(open_deadlines_are_computed_again_and_the_journal_says_so),
      TEST(a_case_that_begins_in_the_batch_of_the_import_is_recounted),
      TEST(the_calendar_is_there_after_a_restart),
      TEST(the_same_file_again_changes_nothing),
      TEST(the_same_days_in_other_words_change_no_case),
      TEST(a_due_day_that_moved_into_the_past_is_missed_once),
      TEST(what_was_missed_stays_missed),
      TEST(messages_go_on_and_a_rehearsal_gives_the_same_bytes),
      TEST(a_timer_finds_its_case_recounted),
      TEST(recounts_for_timers_are_shared_out_among_ticks),
      TEST(a_kill_in_the_middle_goes_on_where_it_was),
      TEST(one_import_at_a_time),
      TEST(what_is_wrong_with_a_file_is_said),
      TEST(a_record_whose_head_does_not_open_is_passed_over),
      TEST(a_living_case_that_cannot_be_read_is_an_incident),
      TEST(a_part_that_cannot_be_read_is_an_incident_too),
      TEST(who_is_told_something_is_recounted_first),
      TEST(a_timer_that_tells_something_waits_for_that_too),
      TEST(a_preview_says_what_would_change_and_changes_nothing),
      TEST(a_preview_names_what_would_not_be_missed_yet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
