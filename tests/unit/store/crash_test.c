/* A writer is killed at a random moment: what it reported as durable is there, and no batch is half there. */
#include "store_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 12, RING = 20, PER_BATCH = 3 };

struct writer_process {
  struct fixture *f;
  int pipe;
  uint32_t number; /* of the batch in flight */
};

static struct span number_key(uint32_t number, uint32_t part, uint8_t *buffer) {
  for (int i = 0; i < 4; i++) {
    buffer[i] = (uint8_t)(number >> (24 - 8 * i));
    buffer[4 + i] = (uint8_t)(part >> (24 - 8 * i));
  }
  return span_of(buffer, 8);
}

static struct span number_value(const uint32_t *number) {
  return span_of(number, sizeof *number);
}

/* Batch n adds entries of its own and writes its number into every place of a ring and into a value of several pages.
 */
static void put_batch(struct store *store, uint32_t number) {
  uint8_t key[8];
  uint32_t big[5000];
  for (uint32_t i = 0; i < PER_BATCH; i++) {
    store_put(store, STORE_JOURNAL, number_key(number, i, key), number_value(&number));
  }
  for (uint32_t i = 0; i < RING; i++) {
    store_put(store, STORE_CASE, number_key(i * 7919, i, key), number_value(&number));
  }
  for (size_t i = 0; i < 5000; i++) {
    big[i] = number;
  }
  store_put(store, STORE_DEFINITION, SPAN_LITERAL("big"), span_of(big, sizeof big));
}

static void report_and_go_on(void *arg, enum err result) {
  struct writer_process *writer = arg;
  if (result != ERR_OK || write(writer->pipe, &writer->number, sizeof writer->number) != sizeof writer->number) {
    _exit(1);
  }
  store_begin(writer->f->store);
  put_batch(writer->f->store, ++writer->number);
  store_commit(writer->f->store, report_and_go_on, writer);
}

/* Writes until it is killed. */
static _Noreturn void write_for_ever(struct fixture *f, int pipe, uint32_t first) {
  struct writer_process writer = {.f = f, .pipe = pipe, .number = first};
  struct fault fault;
  if (fixture_try_open(f, false, &f->store, &fault) != ERR_OK) {
    _exit(2);
  }
  store_begin(f->store);
  put_batch(f->store, first);
  store_commit(f->store, report_and_go_on, &writer);
  for (;;) {
    (void)store_poll(f->store);
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
  }
}

/* The last number that the writer reported before it was killed, 0 if none. */
static uint32_t read_reports(int pipe) {
  uint32_t number;
  uint32_t last = 0;
  while (read(pipe, &number, sizeof number) == sizeof number) {
    last = number;
  }
  return last;
}

static uint32_t run_and_kill(struct fixture *f, uint32_t first, uint64_t delay_us) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    (void)close(ends[0]);
    write_for_ever(f, ends[1], first);
  }
  (void)close(ends[1]);
  const struct timespec delay = {.tv_nsec = (long)(delay_us * 1000)};
  (void)nanosleep(&delay, NULL);
  assert_int_equal(kill(child, SIGKILL), 0);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  uint32_t last = read_reports(ends[0]);
  (void)close(ends[0]);
  return last;
}

static uint32_t stored_number(struct store *store) {
  struct span value;
  uint8_t key[8];
  uint32_t number = 0;
  if (store_get(store, STORE_CASE, number_key(0, 0, key), &value) == ERR_OK) {
    assert_int_equal(value.size, sizeof number);
    memcpy(&number, value.data, sizeof number);
  }
  return number;
}

static void assert_ring(struct store *store, uint32_t number) {
  uint8_t key[8];
  struct span value;
  for (uint32_t i = 0; i < RING; i++) {
    assert_int_equal(store_get(store, STORE_CASE, number_key(i * 7919, i, key), &value), ERR_OK);
    assert_true(span_equal(value, number_value(&number)));
  }
  assert_int_equal(store_get(store, STORE_DEFINITION, SPAN_LITERAL("big"), &value), ERR_OK);
  for (size_t i = 0; i < value.size; i += sizeof number) {
    assert_memory_equal(value.data + i, &number, sizeof number);
  }
}

static bool next_entry(void *arg, struct span key, struct span value) {
  uint32_t *seen = arg;
  uint8_t expected[8];
  uint32_t number = *seen / PER_BATCH + 1;
  assert_true(span_equal(key, number_key(number, *seen % PER_BATCH, expected)));
  assert_true(span_equal(value, number_value(&number)));
  (*seen)++;
  return true;
}

/* Batches 1 to `number`, each whole, and nothing else. */
static void assert_batches(struct store *store, uint32_t number) {
  uint32_t seen = 0;
  assert_int_equal(store_scan(store, STORE_JOURNAL, (struct span){0}, (struct span){0}, next_entry, &seen), ERR_OK);
  assert_int_equal(seen, number * PER_BATCH);
  if (number > 0) {
    assert_ring(store, number);
  }
}

static void nothing_reported_is_lost_and_no_batch_is_half_there(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  uint64_t random = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
  uint32_t number = 0;
  for (int round = 0; round < ROUNDS; round++) {
    store_close(&f->store);
    uint32_t reported = run_and_kill(f, number + 1, 2000 + next_random(&random) % 60000);
    assert_int_equal(fixture_try_open(f, false, &f->store, &fault), ERR_OK);
    uint32_t before = number;
    number = stored_number(f->store);
    assert_true(number >= before && number >= reported);
    assert_true(number <= (reported ? reported : before) + 1); /* one in flight may have made it */
    assert_batches(f->store, number);
  }
  assert_true(number > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      {"polled: nothing reported is lost", nothing_reported_is_lost_and_no_batch_is_half_there, fixture_setup_polled,
       fixture_teardown, NULL},
      {"on a loop: nothing reported is lost", nothing_reported_is_lost_and_no_batch_is_half_there, fixture_setup_loop,
       fixture_teardown, NULL},
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
