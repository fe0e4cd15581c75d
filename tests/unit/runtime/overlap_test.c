/* While one batch is being committed the next is collected: nothing is told early, and a failure takes both back. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "check.h"

enum { SMALL = 256 << 10, LARGE = 64 << 20, MESSAGES_MAX = 3000 };

static struct bench b;
static char folder[64];

static int setup(void **state) {
  (void)state;
  bench_open(&b);
  return 0;
}

static int setup_small_disk(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/kurator-overlap-XXXXXX");
  if (!mkdtemp(folder)) {
    return -1;
  }
  bench_open_lmdb(&b, folder, SMALL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static int teardown_small_disk(void **state) {
  (void)teardown(state);
  const char *const files[] = {"data.mdb", "lock.mdb", ""};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    (void)remove(path);
  }
  return 0;
}

static void tick(void) {
  assert_int_equal(ERR_OK, runtime_tick(b.runtime, bench_moment("2026-01-12T10:00:00+05:00")));
}

static void begin_case(uint64_t number) {
  char id[32];
  (void)snprintf(id, sizeof id, "86-%llu", (unsigned long long)number);
  struct bench_message m = *BEGIN(number, 1, "2026-01-12");
  m.case_id = id;
  assert_int_equal(ERR_OK, bench_submit(&b, &m));
}

/* One batch in flight, the next collected. */
static void submit_two(void) {
  assert_int_equal(ERR_OK, bench_submit(&b, BEGIN(1, 1, "2026-01-12")));
  tick();
  assert_true(runtime_committing(b.runtime));
  assert_int_equal(ERR_OK, bench_submit(&b, VISIT(1)));
  tick();
  assert_int_equal(0, runtime_inbox_waiting(b.runtime));
}

static void receipts_come_batch_by_batch(void **state) {
  (void)state;
  submit_two();
  assert_int_equal(0, b.receipts_count);
  assert_true(store_poll(b.store));
  assert_int_equal(1, b.receipts_count);
  assert_string_equal("accepted 1", bench_receipt(&b));
  assert_true(runtime_committing(b.runtime));
  assert_false(runtime_idle(b.runtime));
  assert_true(store_poll(b.store));
  assert_int_equal(2, b.receipts_count);
  assert_string_equal("accepted 2", bench_receipt(&b));
  assert_true(runtime_idle(b.runtime));
}

static void what_comes_during_a_commit_is_one_batch(void **state) {
  (void)state;
  submit_two();
  begin_case(2);
  tick();
  begin_case(3);
  tick();
  assert_true(store_poll(b.store));
  assert_int_equal(1, b.receipts_count);
  assert_true(store_poll(b.store));
  assert_int_equal(4, b.receipts_count);
  assert_false(store_poll(b.store));
}

static void a_batch_that_is_collected_has_its_limit(void **state) {
  (void)state;
  begin_case(1);
  tick();
  for (uint64_t i = 2; i <= b.limits.batch_messages + 3; i++) {
    begin_case(i);
    tick();
  }
  assert_int_equal(2, runtime_inbox_waiting(b.runtime));
}

/* ---- a batch over several ticks ---- */

static void open_with_short_ticks(uint32_t tick_messages) {
  bench_stop(&b);
  b.limits.tick_messages = tick_messages;
  b.limits.batch_share = 4;
  bench_start(&b);
}

static void a_tick_takes_its_share_and_the_next_goes_on_with_the_batch(void **state) {
  (void)state;
  open_with_short_ticks(2);
  for (uint64_t i = 1; i <= 3; i++) {
    begin_case(i);
  }
  tick();
  assert_true(runtime_pausing(b.runtime));
  assert_false(runtime_committing(b.runtime));
  assert_false(runtime_idle(b.runtime));
  assert_false(store_poll(b.store));
  tick();
  assert_false(runtime_pausing(b.runtime));
  assert_true(runtime_committing(b.runtime));
  assert_true(store_poll(b.store));
  assert_int_equal(3, b.receipts_count);
  assert_true(runtime_idle(b.runtime));
}

static void who_has_little_to_say_gets_into_the_batch_of_one_who_has_much(void **state) {
  (void)state;
  open_with_short_ticks(2);
  for (uint64_t i = 1; i <= 100; i++) {
    begin_case(i);
  }
  tick();
  assert_true(runtime_pausing(b.runtime));
  assert_int_equal(ERR_OK, bench_submit(&b, VISIT(1)));
  while (runtime_pausing(b.runtime)) {
    tick();
  }
  assert_true(store_poll(b.store));
  assert_int_equal(5, b.receipts_count); /* four and the one */
  assert_int_equal(96, runtime_inbox_waiting(b.runtime));
}

static void a_batch_that_pauses_is_not_committed_with_the_one_before(void **state) {
  (void)state;
  open_with_short_ticks(2);
  begin_case(1);
  tick();
  assert_true(runtime_committing(b.runtime));
  for (uint64_t i = 2; i <= 4; i++) {
    begin_case(i);
  }
  tick();
  assert_true(runtime_pausing(b.runtime));
  assert_true(store_poll(b.store));
  assert_int_equal(1, b.receipts_count);
  assert_false(runtime_committing(b.runtime));
  runtime_sign_head(b.runtime);
  assert_int_equal(ERR_OK, runtime_tick_acts(b.runtime, bench_moment("2026-01-12T10:00:00+05:00")));
  tick();
  assert_true(store_poll(b.store));
  assert_int_equal(4, b.receipts_count);
  assert_true(runtime_idle(b.runtime));
}

static bool count_entry(void *arg, uint64_t position, struct span bytes) {
  (void)position;
  (void)bytes;
  ++*(size_t *)arg;
  return true;
}

static size_t stream_length(const char *participant) {
  size_t count = 0;
  assert_int_equal(ERR_OK, runtime_stream_read(b.runtime, span_of_cstr(participant), 0, 100, count_entry, &count));
  return count;
}

static void a_stream_shows_what_is_committed_only(void **state) {
  (void)state;
  (void)bench_send(&b, "2026-01-12T10:00:00+05:00", BEGIN(1, 1, "2026-01-12"));
  size_t before = stream_length("helper-north");
  assert_true(before > 0);
  begin_case(2);
  tick();
  begin_case(3);
  tick();
  assert_int_equal(before, stream_length("helper-north"));
  assert_true(store_poll(b.store));
  size_t between = stream_length("helper-north");
  assert_true(between > before);
  assert_true(store_poll(b.store));
  assert_true(stream_length("helper-north") > between);
}

static void a_full_store_gives_both_batches_back(void **state) {
  (void)state;
  uint64_t sent = 0;
  size_t waiting = 0;
  while (b.committed == ERR_OK && sent < MESSAGES_MAX) {
    begin_case(++sent);
    tick();
    begin_case(++sent);
    tick();
    waiting = runtime_inbox_waiting(b.runtime);
    assert_int_equal(0, waiting);
    while (b.committed == ERR_OK && store_poll(b.store)) {
    }
  }
  assert_int_equal(ERR_FULL, b.committed);
  assert_int_equal(sent, b.receipts_count + runtime_inbox_waiting(b.runtime));
  assert_int_equal(b.receipts_count, runtime_journal_head(b.runtime));
  assert_false(runtime_committing(b.runtime));

  b.size_max = LARGE;
  bench_restart(&b);
  for (uint64_t i = b.receipts_count + 1; i <= sent; i++) {
    begin_case(i);
    tick();
  }
  while (store_poll(b.store)) {
  }
  assert_int_equal(sent, b.receipts_count);
  assert_int_equal(sent, runtime_journal_head(b.runtime));
  assert_int_equal(sent, bench_count(bench_outcome(&b), "\"type\":\"case\""));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(receipts_come_batch_by_batch),
      TEST(what_comes_during_a_commit_is_one_batch),
      TEST(a_batch_that_is_collected_has_its_limit),
      TEST(a_stream_shows_what_is_committed_only),
      TEST(a_tick_takes_its_share_and_the_next_goes_on_with_the_batch),
      TEST(who_has_little_to_say_gets_into_the_batch_of_one_who_has_much),
      TEST(a_batch_that_pauses_is_not_committed_with_the_one_before),
      cmocka_unit_test_setup_teardown(a_full_store_gives_both_batches_back, setup_small_disk, teardown_small_disk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
