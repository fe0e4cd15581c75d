/*
 * A year of cases, told twice by the same seed: once straight, once through everything that goes wrong between two
 * programs. Messages come twice or again much later; the engine stops before a batch (its inbox is lost and sent again)
 * or after it (the receipts are lost and the messages are sent again); it is restarted from its store, decodes every
 * case anew, and keeps few of them in memory; batches are cut at other places.
 *
 * What must hold: the outcome and the exported journal are the same bytes; each message has one answer for ever; and
 * the journal, rehearsed, gives the outcome again.
 *
 * And once more for an engine that is behind: more timers are due than a batch takes, messages come between them, ticks
 * and restarts fall anywhere. There the order is the engine's own, and the rehearsal of its journal must follow it,
 * also where one case's timer decides whom another case's referral is offered to. And what the engine reads ahead of
 * its timers, one or all of them, shows nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "check.h"

enum { CASES = 12, STEPS = 400, SEEDS = 12, BEHIND_SEEDS = 24, TEXT_MAX = 400, DATABASE_SIZE = 64 << 20 };

/* ---- chance ---- */

static uint64_t chance_state;

static uint32_t chance(uint32_t below) { /* xorshift64* */
  chance_state ^= chance_state >> 12;
  chance_state ^= chance_state << 25;
  chance_state ^= chance_state >> 27;
  return (uint32_t)((chance_state * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* ---- the script of a year ---- */

struct sent {
  civil_moment at;
  struct bench_message message;
  char event[32], case_id[64], data[TEXT_MAX], occurred[CIVIL_MOMENT_TEXT];
  const char *receipt; /* the first answer */
};

static struct sent script[STEPS];
static uint64_t sequences[8];

static const char *const helpers[] = {"helper-north", "helper-south"};
static const char *const doctors[] = {"doctor-a", "doctor-b"};
static const char *const places[] = {"north", "south"};

static void write_begin(struct sent *s, uint32_t number) {
  s->message.as = "agency-1";
  (void)snprintf(s->event, sizeof s->event, "begin");
  char day[CIVIL_DATE_TEXT];
  civil_day_format(civil_moment_day(s->at) + (civil_day)chance(40), day);
  (void)snprintf(s->data, sizeof s->data, "{\"edition\":%u,\"day\":\"%s\",\"place\":\"%s\",\"name\":\"Иванов %u\"}",
                 1 + chance(3), day, places[number % 2], number);
}

static void write_plan(struct sent *s) {
  (void)snprintf(s->event, sizeof s->event, "plan");
  int used = snprintf(s->data, sizeof s->data, "{\"rows\":[");
  uint32_t count = chance(4);
  for (uint32_t i = 0; i < count; i++) {
    char day[CIVIL_DATE_TEXT];
    civil_day_format(civil_moment_day(s->at) + (civil_day)chance(60), day);
    used += snprintf(s->data + used, sizeof s->data - (size_t)used,
                     "%s{\"id\":\"m%u\",\"kind\":\"medical\",\"due\":\"%s\"}", i > 0 ? "," : "", i, day);
  }
  (void)snprintf(s->data + used, sizeof s->data - (size_t)used, "]}");
}

static void write_answer(struct sent *s) {
  static const char *const answers[] = {"accepted", "declined", "completed", "completed"};
  s->message.as = doctors[chance(2)];
  (void)snprintf(s->event, sizeof s->event, "%s", answers[chance(4)]);
  if (chance(4) == 0) {
    (void)snprintf(s->case_id + strlen(s->case_id), 20, "/part/m%u", chance(3));
  } else {
    (void)snprintf(s->data, sizeof s->data, "{\"measure\":\"m%u\"}", chance(3));
  }
}

static void write_helper(struct sent *s, uint32_t number) {
  static const char *const events[] = {"visit.done", "visit.done", "visit.done", "closed", "broken", "no.such"};
  s->message.as = helpers[chance(8) == 0 ? chance(2) : number % 2];
  (void)snprintf(s->event, sizeof s->event, "%s",
                 events[chance(40) == 0   ? 4
                        : chance(30) == 0 ? 3 + chance(3)
                                          : chance(3)]);
  (void)snprintf(s->data, sizeof s->data, chance(20) == 0 ? "{\"secret\":1}" : "{\"note\":\"Тайна\"}");
  if (strcmp(s->event, "visit.done") != 0) {
    s->data[0] = '\0';
  }
}

static void write_message(struct sent *s) {
  uint32_t number = chance(CASES);
  (void)snprintf(s->case_id, sizeof s->case_id, "86-%u", number);
  s->message.as = helpers[number % 2];
  switch (chance(8)) {
  case 0:
  case 1:
    write_begin(s, number);
    break;
  case 2:
  case 3:
    write_plan(s);
    break;
  case 4:
  case 5:
  case 6:
    write_answer(s);
    break;
  default:
    write_helper(s, number);
  }
  if (chance(10) == 0) {
    civil_moment_format(s->at - (civil_moment)chance(10) * CIVIL_DAY_MS, s->occurred);
  }
}

static size_t sender_number(const char *as) {
  static const char *const all[] = {"agency-1", "helper-north", "helper-south", "doctor-a", "doctor-b"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (strcmp(all[i], as) == 0) {
      return i;
    }
  }
  return 7;
}

static void write_script(uint64_t seed) {
  chance_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  civil_moment now = bench_moment("2026-01-12T09:00:00+05:00");
  memset(script, 0, sizeof script);
  memset(sequences, 0, sizeof sequences);
  for (size_t i = 0; i < STEPS; i++) {
    struct sent *s = &script[i];
    now += chance(3) == 0 ? 0 : (civil_moment)chance(2 * 24 * 3600) * 1000; /* often several at one moment */
    s->at = now;
    write_message(s);
    s->message.sequence = ++sequences[sender_number(s->message.as)];
    s->message.event = s->event;
    s->message.case_id = s->case_id;
    s->message.data = s->data[0] ? s->data : NULL;
    s->message.occurred = s->occurred[0] ? s->occurred : NULL;
  }
}

/* ---- playing it ---- */

static void work_until(struct bench *b, civil_moment now) {
  char text[CIVIL_MOMENT_TEXT];
  civil_moment_format(now, text);
  bench_until(b, text);
}

static void submit(struct bench *b, struct sent *s) {
  assert_int_equal(ERR_OK, bench_submit(b, &s->message));
}

/* Messages of one moment in one go; each answer is kept. */
static size_t play_moment(struct bench *b, size_t first) {
  size_t end = first;
  while (end < STEPS && script[end].at == script[first].at) {
    submit(b, &script[end++]);
  }
  size_t before = b->receipts_count;
  work_until(b, script[first].at);
  assert_int_equal(before + (end - first), b->receipts_count);
  for (size_t i = first; i < end; i++) {
    script[i].receipt = b->receipts[before + i - first];
  }
  return end;
}

static void end_of_year(struct bench *b) {
  bench_until(b, "2027-12-31T23:59:59.999+05:00");
}

/* All that was skipped included. */
static void end_of_time(struct bench *b) {
  bench_until(b, "2032-12-31T23:59:59.999+05:00");
}

static void play_straight(struct bench *b) {
  for (size_t i = 0; i < STEPS;) {
    i = play_moment(b, i);
  }
  end_of_year(b);
}

/* An accepted message is told a second time as a duplicate of the same entry; everything else is repeated word for
 * word. */
static void assert_same_answer(const char *first, const char *again) {
  if (strncmp(first, "accepted ", 9) == 0) {
    assert_memory_equal("duplicate ", again, 10);
    assert_string_equal(first + 9, again + 10);
  } else {
    assert_string_equal(first, again);
  }
}

static bool counted_refusal(const struct sent *s) {
  return strncmp(s->receipt, "refused", 7) == 0;
}

/* Something that was answered before comes again. A refusal that was only counted may be judged anew, so it is left
 * out. */
static void send_again(struct bench *b, size_t below, civil_moment now) {
  struct sent *s = &script[chance((uint32_t)below)];
  if (counted_refusal(s)) {
    return;
  }
  size_t before = b->receipts_count;
  submit(b, s);
  work_until(b, now);
  assert_int_equal(before + 1, b->receipts_count);
  assert_same_answer(s->receipt, b->receipts[before]);
}

static void play_troubled(struct bench *b) {
  for (size_t i = 0; i < STEPS;) {
    if (chance(5) == 0) { /* stopped with a full inbox: nobody was answered, all is sent again */
      submit(b, &script[i]);
      bench_restart(b);
    }
    size_t end = play_moment(b, i);
    if (chance(4) == 0) {
      bench_restart(b);
    }
    if (chance(3) == 0) {
      send_again(b, end, script[i].at);
    }
    if (end < STEPS && chance(4) == 0) { /* a tick between two messages */
      work_until(b, script[i].at + (script[end].at - script[i].at) / 2);
    }
    i = end;
  }
  end_of_year(b);
}

/* ---- what must hold ---- */

static void first_difference(const char *a, const char *b, char text[2000]) {
  size_t at = 0;
  size_t line = 0;
  for (; a[at] && a[at] == b[at]; at++) {
    line = a[at] == '\n' ? at + 1 : line;
  }
  (void)snprintf(text, 2000, "%.500s\n---\n%.500s", a + line, b + line);
}

static void assert_same(uint64_t seed, const char *what, const char *a, const char *b) {
  if (strcmp(a, b) != 0) {
    char text[2000];
    first_difference(a, b, text);
    fail_msg("seed %llu: %s differs:\n%s", (unsigned long long)seed, what, text);
  }
}

static void play_seed(uint64_t seed, const char *folder) {
  static struct bench straight, troubled;
  bench_open(&straight);
  write_script(seed);
  play_straight(&straight);
  const char *outcome = bench_outcome(&straight);
  const char *journal = bench_export(&straight);

  bench_open_lmdb(&troubled, folder, DATABASE_SIZE);
  troubled.limits.batch_messages = 1 + chance(4);
  troubled.limits.batch_timers = 1 + chance(4);
  troubled.limits.cases_cached = 1 + chance(6);
  troubled.limits.timer_window = 1 + (uint32_t)(seed % 5);
  troubled.timers_first = true; /* else what the batches are cut into shows in the journal */
  bench_restart(&troubled);
  play_troubled(&troubled);
  assert_same(seed, "the outcome", outcome, bench_outcome(&troubled));
  assert_same(seed, "the journal", journal, bench_export(&troubled));
  assert_same(seed, "the rehearsal", outcome, bench_rehearse(&troubled, journal, "2027-12-31"));
  assert_int_equal(runtime_journal_head(straight.runtime), runtime_journal_head(troubled.runtime));
  bench_close(&troubled);
  bench_close(&straight);
}

static void trouble_changes_nothing(void **state) {
  (void)state;
  const char *only = getenv("SIMULATION_SEED");
  if (only) {
    play_seed(strtoull(only, NULL, 10), NULL);
    return;
  }
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    play_seed(seed, NULL);
  }
}

static void remove_database(const char *folder) {
  const char *const files[] = {"data.mdb", "lock.mdb", ""};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    assert_int_equal(0, remove(path));
  }
}

static void trouble_changes_nothing_in_a_database_either(void **state) {
  (void)state;
  char folder[] = "/tmp/kurator-simulation-XXXXXX";
  assert_non_null(mkdtemp(folder));
  play_seed(SEEDS + 1, folder);
  remove_database(folder);
}

/* A script that never gets anywhere would prove nothing. */
static void the_script_reaches_every_corner(void **state) {
  (void)state;
  static struct bench b;
  size_t completed = 0, missed = 0, late = 0, refused = 0, parked = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    bench_open(&b);
    write_script(seed);
    play_straight(&b);
    const char *outcome = bench_outcome(&b);
    completed += bench_count(outcome, "\"status\":\"completed\"");
    missed += bench_count(outcome, "\"state\":\"missed\"");
    late += bench_count(outcome, "\"state\":\"met-reported-late\"");
    refused += bench_count(outcome, "\"reason\":\"refused\"");
    parked += bench_count(outcome, "\"reason\":\"step-failed\"");
    bench_close(&b);
  }
  assert_true(completed > 0);
  assert_true(missed > 0);
  assert_true(late > 0);
  assert_true(refused > 0);
  assert_true(parked > 0);
}

/* ---- an engine that is behind ---- */

static void tick(struct bench *b, civil_moment now) {
  assert_int_equal(ERR_OK, runtime_tick(b->runtime, now));
  while (chance(3) > 0 && store_poll(b->store)) {
  }
}

/* In the middle of what is due, with no message on the way. */
static void restart_behind(struct bench *b, civil_moment now) {
  while (runtime_inbox_waiting(b->runtime) > 0) {
    tick(b, now);
  }
  bench_restart(b);
}

/* Nobody looks at the clock between two messages, and seldom then; now and then a month goes by. */
static void play_behind(struct bench *b) {
  civil_moment now = 0;
  civil_moment skipped = 0;
  for (size_t i = 0; i < STEPS; i++) {
    skipped += chance(40) == 0 ? (civil_moment)chance(30) * CIVIL_DAY_MS : 0;
    now = script[i].at + skipped;
    submit(b, &script[i]);
    for (uint32_t ticks = chance(3); ticks > 0; ticks--) {
      tick(b, now);
    }
    if (chance(3) == 0) { /* told again: what is known already leaves no entry */
      submit(b, &script[chance((uint32_t)i + 1)]);
    }
    if (chance(10) == 0) {
      restart_behind(b, now);
    }
  }
  work_until(b, now);
  end_of_time(b);
}

static void open_behind(struct bench *b, uint64_t seed, const char *folder, uint32_t window) {
  bench_open_lmdb(b, folder, DATABASE_SIZE);
  write_script(seed);
  b->limits.batch_messages = 1 + chance(4);
  b->limits.batch_timers = 1 + chance(3);
  b->limits.tick_timers = chance(3);
  b->limits.cases_cached = 1 + chance(6);
  b->limits.timer_window = window;
  bench_restart_with(b, "expiring");
}

static const char *joined(struct bench *b, const char *first, const char *second) {
  return arena_cstr(&b->arena, arena_printf(&b->arena, "%s%s", first, second));
}

/* The journal as if nobody had said where the timers were. */
static const char *without_timers(struct bench *b, const char *journal) {
  struct span plain = {NULL, 0};
  for (struct span rest = span_of_cstr(journal); rest.size > 0;) {
    struct span line = span_cut(rest, '\n', &rest);
    const uint8_t *field = memmem(line.data, line.size, ",\"timers\":", 10);
    size_t kept = field ? (size_t)(field - line.data) : line.size - 1;
    bool is_message = memmem(line.data, line.size, "\"as\":", 5) != NULL;
    if (is_message) {
      plain = arena_printf(&b->arena, "%.*s%.*s}\n", SPAN_ARG(plain), (int)kept, (const char *)line.data);
    }
  }
  return arena_cstr(&b->arena, plain);
}

struct behind_counts {
  size_t lines, families, moved; /* with a number of timers, without a message, whose outcome depends on them */
};

static void play_behind_seed(uint64_t seed, struct behind_counts *counts) {
  static struct bench b;
  open_behind(&b, seed, NULL, 1 + (uint32_t)(seed % 4));
  play_behind(&b);
  const char *journal = bench_export(&b);
  const char *outcome = bench_outcome(&b);
  assert_same(seed, "the replay", joined(&b, journal, outcome), bench_replay(&b, journal, "2032-12-31"));
  counts->lines += bench_count(journal, ",\"timers\":");
  counts->families += bench_count(journal, "\",\"timers\":"); /* behind the case */
  counts->moved += strcmp(outcome, bench_rehearse(&b, without_timers(&b, journal), "2032-12-31")) != 0;
  bench_close(&b);
}

static void an_engine_that_is_behind_is_rehearsed_byte_for_byte(void **state) {
  (void)state;
  struct behind_counts counts = {0};
  const char *only = getenv("SIMULATION_SEED");
  for (uint64_t seed = 1; !only && seed <= BEHIND_SEEDS; seed++) {
    play_behind_seed(seed, &counts);
  }
  if (only) {
    play_behind_seed(strtoull(only, NULL, 10), &counts);
    return;
  }
  assert_true(counts.lines > 100);
  assert_true(counts.families > 0);
  assert_true(counts.moved > 0);
}

/* Messages, ticks, commits and restarts fall as the seed says: only the window differs. */
static const char *journal_behind(uint64_t seed, const char *folder, uint32_t window, struct arena *arena) {
  static struct bench b;
  open_behind(&b, seed, folder, window);
  play_behind(&b);
  struct span both = arena_printf(arena, "%s%s", bench_export(&b), bench_outcome(&b));
  bench_close(&b);
  return arena_cstr(arena, both);
}

static void what_is_read_ahead_of_the_timers_shows_nowhere(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  for (uint64_t seed = BEHIND_SEEDS + 1; seed <= BEHIND_SEEDS + 6; seed++) {
    const char *everything = journal_behind(seed, NULL, 1 << 20, &arena);
    for (uint32_t window = 1; window <= 5; window += 2) {
      assert_same(seed, "a window", everything, journal_behind(seed, NULL, window, &arena));
    }
  }
  uint64_t seed = BEHIND_SEEDS + 1;
  char folder[] = "/tmp/kurator-simulation-XXXXXX";
  assert_non_null(mkdtemp(folder));
  const char *on_disk = journal_behind(seed, folder, 2, &arena);
  assert_same(seed, "a database", journal_behind(seed, NULL, 1 << 20, &arena), on_disk);
  remove_database(folder);
  arena_finish(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trouble_changes_nothing),
      cmocka_unit_test(trouble_changes_nothing_in_a_database_either),
      cmocka_unit_test(the_script_reaches_every_corner),
      cmocka_unit_test(an_engine_that_is_behind_is_rehearsed_byte_for_byte),
      cmocka_unit_test(what_is_read_ahead_of_the_timers_shows_nowhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
