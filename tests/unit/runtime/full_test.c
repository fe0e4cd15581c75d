/* A full disk loses nothing: what was not stored waits again, and what was stored is still there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "check.h"

enum { SMALL = 256 << 10, LARGE = 64 << 20, MESSAGES_MAX = 3000 };

static struct bench b;
static char folder[64];

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/kurator-full-XXXXXX");
  if (!mkdtemp(folder)) {
    return -1;
  }
  bench_open_lmdb(&b, folder, SMALL);
  b.limits.timer_window = 2; /* most timers are beyond it, also those of what is not stored */
  bench_restart(&b);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  const char *const files[] = {"data.mdb", "lock.mdb", ""};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    (void)remove(path);
  }
  return 0;
}

static void begin_case(uint64_t number) {
  char id[32];
  (void)snprintf(id, sizeof id, "86-%llu", (unsigned long long)number);
  struct bench_message m = *BEGIN(number, 1, "2026-01-12");
  m.case_id = id;
  assert_int_equal(ERR_OK, bench_submit(&b, &m));
}

static void tick(void) {
  assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment("2026-01-12T10:00:00+05:00")));
  while (store_poll(b.store)) {
  }
}

static void a_full_store_keeps_what_it_has_and_takes_the_rest_later(void **state) {
  (void)state;
  uint64_t sent = 0;
  while (b.committed == ERR_OK && sent < MESSAGES_MAX) {
    begin_case(++sent);
    tick();
  }
  assert_int_equal(ERR_FULL, b.committed);
  assert_int_equal(sent - 1, b.receipts_count);
  assert_int_equal(1, runtime_inbox_waiting(b.runtime));
  assert_int_equal(sent - 1, runtime_journal_head(b.runtime));
  const char *outcome = bench_outcome(&b);
  civil_moment due = runtime_next_due(b.runtime);
  assert_true(due != CIVIL_MOMENT_NONE);
  assert_int_equal(sent - 1, bench_count(outcome, "\"type\":\"case\""));

  b.size_max = LARGE;
  bench_restart(&b);
  assert_string_equal(outcome, bench_outcome(&b));
  assert_int_equal(due, runtime_next_due(b.runtime));
  begin_case(sent);
  tick();
  assert_int_equal(ERR_OK, b.committed);
  assert_int_equal(sent, b.receipts_count);
  assert_int_equal(sent, runtime_journal_head(b.runtime));
}

/* 2026 as config/calendar has it, with the 15th of January off. */
static struct span amended(void) {
  static const char next[] = "2026-02-23,";
  struct span year = calendar_source_year(b.config->calendar, 2026);
  const uint8_t *at = memmem(year.data, year.size, next, sizeof next - 1);
  assert_non_null(at);
  return arena_printf(&b.arena, "date,kind,note\n%.*s2026-01-15,off,перенос\n%.*s", (int)(at - year.data),
                      (const char *)year.data, (int)(year.size - (size_t)(at - year.data)), (const char *)at);
}

static enum err import(void) {
  const struct runtime_import import = {.actor = SPAN_LITERAL("operator"), .rows = amended()};
  uint64_t ticket;
  return runtime_calendar_import(b.runtime, &import, &ticket, NULL);
}

static void assert_calendar_of_config(void) {
  assert_string_equal(calendar_revision(b.config->calendar), calendar_revision(runtime_calendar(b.runtime)));
  assert_int_equal(0, runtime_calendar_state(b.runtime).imports);
}

/* Nobody was told of it, so it never was; a later try finds room. */
static void an_import_that_finds_no_room_does_not_count(void **state) {
  (void)state;
  uint64_t sent = 0;
  while (b.committed == ERR_OK && sent < MESSAGES_MAX) {
    begin_case(++sent);
    tick();
  }
  const char *outcome = bench_outcome(&b);
  assert_int_equal(ERR_OK, import());
  tick();
  assert_int_equal(ERR_FULL, b.committed);
  assert_int_equal(0, b.acted.journal);
  assert_calendar_of_config();
  assert_true(runtime_calendar_state(b.runtime).waiting);
  assert_string_equal(outcome, bench_outcome(&b));

  b.size_max = LARGE;
  bench_restart(&b);
  assert_calendar_of_config();
  assert_int_equal(ERR_OK, import());
  do {
    tick();
  } while (runtime_calendar_state(b.runtime).waiting || runtime_calendar_state(b.runtime).recounting);
  assert_int_not_equal(0, b.acted.journal);
  assert_int_equal(sent - 1, bench_count(bench_outcome(&b), "\"due\":\"2026-01-20\""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_full_store_keeps_what_it_has_and_takes_the_rest_later, setup, teardown),
      cmocka_unit_test_setup_teardown(an_import_that_finds_no_room_does_not_count, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
