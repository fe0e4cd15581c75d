/*
 * Whatever the size of the window, the first timer is the first of the store with the open batch and the one in flight:
 * schedules by chance beside a table that knows everything.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/timers.h"

enum { MOMENTS = 64, CASES = 8, KEYS = MOMENTS * CASES, STEPS = 6000, EVERYTHING = 1 << 20 };

/* ---- chance ---- */

static uint64_t chance_state;

static uint32_t chance(uint32_t below) { /* xorshift64* */
  chance_state ^= chance_state >> 12;
  chance_state ^= chance_state << 25;
  chance_state ^= chance_state >> 27;
  return (uint32_t)((chance_state * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* ---- the world: a store, the window on it, and what they must agree with ---- */

struct world {
  struct store *store;
  char folder[64]; /* empty: memory */
  struct timers timers;
  size_t window;
  bool now[KEYS], flying[KEYS]; /* with the open batch; as the batch in flight leaves it, or as it is committed */
  size_t taken;
};

static struct world w;

static struct span key_of(uint32_t number, uint8_t bytes[2]) {
  bytes[0] = (uint8_t)(number / CASES);
  bytes[1] = (uint8_t)(number % CASES);
  return span_of(bytes, 2);
}

static void open_store(void) {
  struct fault fault = {0};
  struct store_lmdb_options options = {.path = w.folder, .map_size = 4 << 20, .map_size_max = 64 << 20};
  enum err err = w.folder[0] ? store_open_lmdb(&options, &w.store, &fault) : store_open_memory(&w.store);
  assert_int_equal(ERR_OK, err);
}

static void open_world(size_t window, bool on_disk) {
  w = (struct world){.window = window};
  if (on_disk) {
    (void)snprintf(w.folder, sizeof w.folder, "/tmp/kurator-timers-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
  }
  open_store();
  timers_init(&w.timers, w.store, window);
}

static void close_world(void) {
  timers_finish(&w.timers);
  store_close(&w.store);
  const char *const files[] = {"data.mdb", "lock.mdb", ""};
  for (size_t i = 0; w.folder[0] && i < sizeof files / sizeof *files; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", w.folder, files[i]);
    assert_int_equal(0, remove(path));
  }
}

static void need_batch(void) {
  if (!store_in_batch(w.store)) {
    store_begin(w.store);
  }
}

static void set(uint32_t number) {
  uint8_t bytes[2];
  need_batch();
  store_put(w.store, STORE_TIMER, key_of(number, bytes), SPAN_LITERAL("1"));
  timers_set(&w.timers, key_of(number, bytes));
  w.now[number] = true;
}

static void clear(uint32_t number) {
  uint8_t bytes[2];
  need_batch();
  store_delete(w.store, STORE_TIMER, key_of(number, bytes));
  w.now[number] = false;
}

static void done(void *arg, enum err result) {
  (void)arg;
  assert_int_equal(ERR_OK, result);
  timers_stored(&w.timers);
}

static void commit(void) {
  if (store_in_batch(w.store) && !store_committing(w.store)) {
    timers_take_off(&w.timers);
    store_commit(w.store, done, NULL);
    memcpy(w.flying, w.now, sizeof w.now);
  }
}

static void settle(void) {
  while (store_poll(w.store)) {
  }
}

/* As a process that is killed; the batch in flight has just been stored. */
static void lose_the_open_batch(void) {
  settle();
  if (store_in_batch(w.store)) {
    store_abandon(w.store);
  }
  memcpy(w.now, w.flying, sizeof w.now);
}

static void recover(void) {
  lose_the_open_batch();
  timers_recover(&w.timers);
}

static void restart(void) {
  lose_the_open_batch();
  timers_finish(&w.timers);
  if (w.folder[0]) {
    store_close(&w.store);
    open_store();
  }
  timers_init(&w.timers, w.store, w.window);
}

/* As the engine does: what the store has no more is dropped on the way. */
static uint32_t first(void) {
  struct span key;
  struct span value;
  enum err err;
  while ((err = timers_first(&w.timers, &key)) == ERR_OK &&
         store_get(w.store, STORE_TIMER, key, &value) == ERR_NOT_FOUND) {
    timers_pop(&w.timers);
  }
  assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
  return err == ERR_OK ? (uint32_t)key.data[0] * CASES + key.data[1] : KEYS;
}

static uint32_t expected_first(void) {
  uint32_t number = 0;
  while (number < KEYS && !w.now[number]) {
    number++;
  }
  return number;
}

static void take(void) {
  uint32_t number = first();
  assert_int_equal(expected_first(), number);
  if (number < KEYS) {
    timers_pop(&w.timers);
    clear(number);
    w.taken++;
  }
}

/* ---- schedules ---- */

/* Often many at one moment, more than a window holds. */
static void set_some(void) {
  uint32_t moment = chance(MOMENTS);
  for (uint32_t count = chance(8) == 0 ? CASES : 1; count > 0; count--) {
    set(moment * CASES + chance(CASES));
  }
}

static void step(void) {
  switch (chance(16)) {
  case 0:
  case 1:
  case 2:
  case 3:
    set_some();
    break;
  case 4:
  case 5:
    clear(chance(KEYS));
    break;
  case 6: /* a case that moves one timer again and again */
    for (uint32_t i = 0, number = chance(KEYS); i < 20; i++) {
      clear(number);
      set(number);
    }
    break;
  case 7:
  case 8:
  case 9:
    commit();
    break;
  case 10:
  case 11:
    settle();
    break;
  case 12:
    assert_int_equal(expected_first(), first());
    break;
  default:
    take();
  }
}

static void play(size_t window, bool on_disk, uint64_t seed) {
  open_world(window, on_disk);
  chance_state = seed;
  size_t set_by_a_batch = 0;
  for (int i = 0; i < STEPS; i++) {
    step();
    size_t recent = w.timers.open.size / 3 + w.timers.flight.size / 3;
    set_by_a_batch = recent > set_by_a_batch ? recent : set_by_a_batch;
    assert_true(w.timers.count <= 2 * window + 1 + set_by_a_batch);
    if (chance(200) == 0) {
      recover();
    } else if (chance(on_disk ? 600 : 200) == 0) {
      restart();
    }
  }
  while (expected_first() < KEYS) {
    take();
  }
  assert_int_equal(KEYS, first());
  assert_true(w.taken > STEPS / 8);
  commit();
  settle();
  close_world();
}

static void the_first_is_the_first_of_all_whatever_the_window(void **state) {
  (void)state;
  const size_t windows[] = {1, 2, 3, 7, 50, EVERYTHING};
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
    for (uint64_t seed = 1; seed <= 4; seed++) {
      play(windows[i], false, seed);
    }
  }
}

static void in_a_database_too(void **state) {
  (void)state;
  play(1, true, 11);
  play(5, true, 12);
}

/* ---- one by one ---- */

static void a_start_reads_a_window_and_no_more(void **state) {
  (void)state;
  open_world(4, false);
  for (uint32_t i = 0; i < KEYS; i++) {
    set(i);
  }
  assert_true(w.timers.count <= 9);
  commit();
  settle();
  restart();
  assert_int_equal(0, w.timers.count);
  assert_int_equal(0, first());
  assert_int_equal(4, w.timers.count);
  close_world();
}

static void one_set_beyond_the_horizon_comes_though_nothing_is_stored_yet(void **state) {
  (void)state;
  open_world(2, false);
  for (uint32_t i = 0; i < 10; i++) {
    set(i);
  }
  commit();
  settle();
  restart();
  assert_int_equal(0, first());
  set(20); /* in flight when the window is filled again, */
  commit();
  set(15); /* in the open batch, */
  assert_int_equal(2, w.timers.count);
  for (uint32_t i = 0; i < 10; i++) {
    assert_int_equal(i, first());
    take();
  }
  assert_int_equal(15, first());
  take();
  settle(); /* and stored before it is asked for */
  assert_int_equal(20, first());
  take();
  assert_int_equal(KEYS, first());
  close_world();
}

static void a_burst_larger_than_the_window_comes_in_order(void **state) {
  (void)state;
  open_world(3, false);
  for (uint32_t i = CASES; i > 0; i--) {
    set(5 * CASES + i - 1);
  }
  for (uint32_t i = 0; i < CASES; i++) {
    assert_int_equal(5 * CASES + i, first());
    take();
  }
  assert_int_equal(KEYS, first());
  close_world();
}

static void timers_that_have_gone_take_no_room(void **state) {
  (void)state;
  open_world(4, false);
  for (int i = 0; i < 1000; i++) {
    set(7);
    clear(7);
    commit();
    settle();
    assert_true(w.timers.count <= 9);
    assert_true(w.timers.open.size + w.timers.flight.size <= 3);
  }
  assert_int_equal(KEYS, first());
  close_world();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_is_the_first_of_all_whatever_the_window),
      cmocka_unit_test(in_a_database_too),
      cmocka_unit_test(a_start_reads_a_window_and_no_more),
      cmocka_unit_test(one_set_beyond_the_horizon_comes_though_nothing_is_stored_yet),
      cmocka_unit_test(a_burst_larger_than_the_window_comes_in_order),
      cmocka_unit_test(timers_that_have_gone_take_no_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
