/* What every backend promises, on each of them: memory, LMDB polled, LMDB on a loop. */
#include "store_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void point_reads_see_the_batch_s_own_writes(void **state) {
  struct fixture *f = *state;
  store_text(f, STORE_CASE, "a", "old");
  store_begin(f->store);
  assert_value(f, STORE_CASE, "a", "old");
  put_text(f, STORE_CASE, "a", "new");
  put_text(f, STORE_CASE, "b", "made");
  assert_value(f, STORE_CASE, "a", "new");
  assert_value(f, STORE_CASE, "b", "made");
  delete_text(f, STORE_CASE, "a");
  assert_missing(f, STORE_CASE, "a");
  put_text(f, STORE_CASE, "a", "again");
  assert_int_equal(fixture_commit(f), ERR_OK);
  assert_value(f, STORE_CASE, "a", "again");
  assert_value(f, STORE_CASE, "b", "made");
}

static void point_reads_see_the_batch_in_flight_under_the_open_one(void **state) {
  struct fixture *f = *state;
  store_text(f, STORE_CASE, "gone", "committed");
  store_begin(f->store);
  put_text(f, STORE_CASE, "a", "flight");
  put_text(f, STORE_CASE, "b", "flight");
  delete_text(f, STORE_CASE, "gone");
  fixture_commit_start(f);
  store_begin(f->store);
  put_text(f, STORE_CASE, "b", "open");
  assert_value(f, STORE_CASE, "a", "flight");
  assert_value(f, STORE_CASE, "b", "open");
  assert_missing(f, STORE_CASE, "gone");
  assert_int_equal(fixture_settle(f), ERR_OK);
  assert_value(f, STORE_CASE, "a", "flight");
  assert_value(f, STORE_CASE, "b", "open");
  assert_int_equal(fixture_commit(f), ERR_OK);
  assert_value(f, STORE_CASE, "b", "open");
  assert_missing(f, STORE_CASE, "gone");
}

static void an_abandoned_batch_never_happened(void **state) {
  struct fixture *f = *state;
  store_text(f, STORE_CASE, "a", "kept");
  store_begin(f->store);
  assert_true(store_in_batch(f->store));
  put_text(f, STORE_CASE, "a", "dropped");
  put_text(f, STORE_CASE, "b", "dropped");
  store_abandon(f->store);
  assert_false(store_in_batch(f->store));
  assert_int_equal(store_batch_bytes(f->store), 0);
  assert_value(f, STORE_CASE, "a", "kept");
  assert_missing(f, STORE_CASE, "b");
  store_text(f, STORE_CASE, "c", "next");
  assert_missing(f, STORE_CASE, "b");
}

static void deletes_take_away_and_a_missing_key_is_no_error(void **state) {
  struct fixture *f = *state;
  store_text(f, STORE_CASE, "a", "1");
  store_begin(f->store);
  delete_text(f, STORE_CASE, "a");
  delete_text(f, STORE_CASE, "never");
  assert_int_equal(fixture_commit(f), ERR_OK);
  assert_missing(f, STORE_CASE, "a");
  assert_missing(f, STORE_CASE, "never");
}

static void an_empty_batch_commits_and_an_empty_value_is_a_value(void **state) {
  struct fixture *f = *state;
  store_begin(f->store);
  assert_int_equal(fixture_commit(f), ERR_OK);
  store_text(f, STORE_CASE, "empty", "");
  assert_value(f, STORE_CASE, "empty", "");
}

static void a_key_no_store_can_hold_is_not_found(void **state) {
  struct fixture *f = *state;
  uint8_t key[STORE_KEY_MAX + 1];
  memset(key, 'k', sizeof key);
  struct span value;
  assert_int_equal(store_get(f->store, STORE_CASE, (struct span){0}, &value), ERR_NOT_FOUND);
  assert_int_equal(store_get(f->store, STORE_CASE, span_of(key, sizeof key), &value), ERR_NOT_FOUND);
  store_begin(f->store);
  store_put(f->store, STORE_CASE, span_of(key, STORE_KEY_MAX), SPAN_LITERAL("longest"));
  assert_int_equal(fixture_commit(f), ERR_OK);
  assert_int_equal(store_get(f->store, STORE_CASE, span_of(key, STORE_KEY_MAX), &value), ERR_OK);
  assert_true(span_is(value, "longest"));
}

static void big_values_come_back_whole(void **state) {
  struct fixture *f = *state;
  enum { BIG = 3000000 };
  uint8_t *big = malloc(BIG);
  assert_non_null(big);
  for (uint32_t i = 0; i < BIG; i++) {
    big[i] = (uint8_t)(i * 2654435761u >> 24);
  }
  store_begin(f->store);
  store_put(f->store, STORE_DEFINITION, SPAN_LITERAL("big"), span_of(big, BIG));
  assert_int_equal(store_batch_bytes(f->store), BIG + 3);
  assert_int_equal(fixture_commit(f), ERR_OK);
  struct span value;
  assert_int_equal(store_get(f->store, STORE_DEFINITION, SPAN_LITERAL("big"), &value), ERR_OK);
  assert_int_equal(value.size, BIG);
  assert_memory_equal(value.data, big, BIG);
  free(big);
}

struct listing {
  char text[512];
  size_t size;
  unsigned left; /* entries after which to stop */
};

static bool list(void *arg, struct span key, struct span value) {
  struct listing *listing = arg;
  int size = snprintf(listing->text + listing->size, sizeof listing->text - listing->size, "%.*s=%.*s ", SPAN_ARG(key),
                      SPAN_ARG(value));
  assert_true(size > 0);
  listing->size += (size_t)size;
  return --listing->left > 0;
}

static void assert_scan(struct fixture *f, const char *prefix, const char *from, unsigned most, const char *expected) {
  struct listing listing = {.left = most};
  assert_int_equal(store_scan(f->store, STORE_STREAM, span_of_cstr(prefix), span_of_cstr(from), list, &listing),
                   ERR_OK);
  assert_string_equal(listing.text, expected);
}

static void assert_scan_back(struct fixture *f, const char *prefix, unsigned most, const char *expected) {
  struct listing listing = {.left = most};
  assert_int_equal(store_scan_back(f->store, STORE_STREAM, span_of_cstr(prefix), list, &listing), ERR_OK);
  assert_string_equal(listing.text, expected);
}

static void store_stream(struct fixture *f) {
  static const char *const keys[] = {"b2", "a1", "b", "c", "b1", "b10", "\xff", "\xff\xff", "\xff\xff\x01"};
  store_begin(f->store);
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    put_text(f, STORE_STREAM, keys[i], "x");
  }
  put_text(f, STORE_CURSOR, "b3", "another space");
  assert_int_equal(fixture_commit(f), ERR_OK);
}

static void scans_ascend_within_the_prefix_from_where_they_are_told(void **state) {
  struct fixture *f = *state;
  assert_scan(f, "", "", 99, "");
  store_stream(f);
  assert_scan(f, "", "", 4, "a1=x b=x b1=x b10=x ");
  assert_scan(f, "b", "", 99, "b=x b1=x b10=x b2=x ");
  assert_scan(f, "b", "b1", 99, "b1=x b10=x b2=x ");
  assert_scan(f, "b", "b11", 99, "b2=x ");
  assert_scan(f, "b", "a", 99, "b=x b1=x b10=x b2=x ");
  assert_scan(f, "b", "b3", 99, "");
  assert_scan(f, "b", "c", 99, "");
  assert_scan(f, "d", "", 99, "");
  assert_scan(f, "b", "", 1, "b=x ");
}

static void scans_back_start_at_the_last_key_with_the_prefix(void **state) {
  struct fixture *f = *state;
  assert_scan_back(f, "", 99, "");
  store_stream(f);
  assert_scan_back(f, "b", 99, "b2=x b10=x b1=x b=x ");
  assert_scan_back(f, "b1", 99, "b10=x b1=x ");
  assert_scan_back(f, "b", 1, "b2=x ");
  assert_scan_back(f, "c", 99, "c=x ");
  assert_scan_back(f, "d", 99, "");
  assert_scan_back(f, "0", 99, "");
  assert_scan_back(f, "", 2, "\xff\xff\x01=x \xff\xff=x ");
  assert_scan_back(f, "\xff", 99, "\xff\xff\x01=x \xff\xff=x \xff=x ");
  assert_scan_back(f, "\xff\xff", 99, "\xff\xff\x01=x \xff\xff=x ");
}

static void a_scan_during_a_commit_shows_the_state_before_it(void **state) {
  struct fixture *f = *state;
  store_begin(f->store);
  put_text(f, STORE_STREAM, "a", "1");
  put_text(f, STORE_STREAM, "b", "1");
  assert_int_equal(fixture_commit(f), ERR_OK);
  store_begin(f->store);
  put_text(f, STORE_STREAM, "a", "2");
  delete_text(f, STORE_STREAM, "b");
  put_text(f, STORE_STREAM, "c", "2");
  fixture_commit_start(f);
  for (int i = 0; i < 5; i++) {
    usleep(5000); /* long enough for a thread pool: only `done` ends the commit */
    assert_scan(f, "", "", 99, "a=1 b=1 ");
    assert_value(f, STORE_STREAM, "c", "2");
    assert_missing(f, STORE_STREAM, "b");
  }
  assert_int_equal(fixture_settle(f), ERR_OK);
  assert_scan(f, "", "", 99, "a=2 c=2 ");
}

static void both_backends_hold_the_layout_record_and_nothing_else_at_first(void **state) {
  struct fixture *f = *state;
  struct store_stats stats;
  struct span layout;
  assert_int_equal(store_get(f->store, STORE_META, SPAN_LITERAL("store/layout"), &layout), ERR_OK);
  assert_int_equal(layout.size, 4);
  assert_int_equal(layout.data[3], 1);
  assert_int_equal(store_stats(f->store, &stats), ERR_OK);
  assert_int_equal(stats.entries, 1);
  assert_int_equal(stats.commits, 0);
}

static void stats_count_commits_and_entries(void **state) {
  struct fixture *f = *state;
  struct store_stats stats;
  store_stream(f);
  store_text(f, STORE_STREAM, "b", "rewritten");
  assert_int_equal(store_stats(f->store, &stats), ERR_OK);
  assert_int_equal(stats.commits, 2);
  assert_int_equal(stats.entries, 11);
  assert_true(stats.bytes_used > 0 && stats.bytes_used < stats.bytes_max);
}

static void closing_waits_for_the_commit_and_calls_done_once(void **state) {
  struct fixture *f = *state;
  store_begin(f->store);
  put_text(f, STORE_CASE, "last", "words");
  fixture_commit_start(f);
  store_begin(f->store);
  put_text(f, STORE_CASE, "open", "lost with the close");
  store_close(&f->store);
  assert_int_equal(f->done_calls, 1);
  assert_int_equal(f->done_result, ERR_OK);
  (void)uv_run(&f->loop, UV_RUN_DEFAULT);
  assert_int_equal(f->done_calls, 1);
  fixture_reopen(f);
  if (f->kind != KIND_MEMORY) {
    assert_value(f, STORE_CASE, "last", "words");
  }
  assert_missing(f, STORE_CASE, "open");
}

struct chain {
  struct fixture *f;
  unsigned left;
  unsigned calls;
};

static void commit_next(void *arg, enum err result) {
  struct chain *chain = arg;
  assert_int_equal(result, ERR_OK);
  assert_false(store_committing(chain->f->store));
  chain->calls++;
  if (chain->left-- == 0) {
    return;
  }
  char key[16];
  (void)snprintf(key, sizeof key, "chain%03u", chain->calls);
  store_begin(chain->f->store);
  put_text(chain->f, STORE_JOURNAL, key, "x");
  store_commit(chain->f->store, commit_next, chain);
}

static void done_may_start_the_next_batch(void **state) {
  struct fixture *f = *state;
  struct chain chain = {.f = f, .left = 20};
  store_begin(f->store);
  store_commit(f->store, commit_next, &chain);
  while (store_committing(f->store)) {
    if (f->kind == KIND_LMDB_LOOP) {
      (void)uv_run(&f->loop, UV_RUN_ONCE);
    } else {
      assert_true(store_poll(f->store));
    }
  }
  assert_int_equal(chain.calls, 21);
  assert_value(f, STORE_JOURNAL, "chain020", "x");
  assert_false(store_poll(f->store));
}

static void close_in_done(void *arg, enum err result) {
  struct fixture *f = arg;
  assert_int_equal(result, ERR_OK);
  f->done_calls++;
  store_close(&f->store);
}

static void done_may_close_the_store(void **state) {
  struct fixture *f = *state;
  f->done_calls = 0;
  store_begin(f->store);
  put_text(f, STORE_CASE, "a", "1");
  store_commit(f->store, close_in_done, f);
  while (f->store) {
    (void)store_poll(f->store);
    if (f->kind == KIND_LMDB_LOOP) {
      (void)uv_run(&f->loop, UV_RUN_ONCE);
    }
  }
  assert_int_equal(f->done_calls, 1);
}

enum { MODEL_KEYS = 300, MODEL_SPACES = 3, MODEL_ROUNDS = 120 };

/* For each key 0 (absent) or the number that its value carries. */
struct model {
  uint32_t value[MODEL_SPACES][MODEL_KEYS];
};

static const enum store_space model_spaces[MODEL_SPACES] = {STORE_CASE, STORE_TIMER, STORE_INDEX};

static struct span model_key(uint32_t number, char *buffer) {
  int size = snprintf(buffer, 32, "key/%05u/%.*s", number, (int)(number % 11), "suffix-of-it");
  return span_of(buffer, (size_t)size);
}

/* Of 4 to some thousand bytes, to meet small values and those with pages of their own. */
static struct span model_value(uint32_t number, uint8_t *buffer) {
  size_t size = number % 37 == 0 ? 6000 : 4 + number % 300;
  memset(buffer, (int)(number % 251), size);
  memcpy(buffer, &number, sizeof number);
  return span_of(buffer, size);
}

static void assert_model_value(uint32_t number, struct span found) {
  uint8_t buffer[6000];
  assert_true(span_equal(found, model_value(number, buffer)));
}

static void assert_model_point(struct fixture *f, const struct model *model, size_t s, uint32_t k) {
  char buffer[32];
  struct span found;
  uint32_t expected = model->value[s][k];
  enum err err = store_get(f->store, model_spaces[s], model_key(k, buffer), &found);
  assert_int_equal(err, expected ? ERR_OK : ERR_NOT_FOUND);
  if (expected) {
    assert_model_value(expected, found);
  }
}

static void assert_model_points(struct fixture *f, const struct model *model) {
  for (size_t s = 0; s < MODEL_SPACES; s++) {
    for (uint32_t k = 0; k < MODEL_KEYS; k++) {
      assert_model_point(f, model, s, k);
    }
  }
}

struct walk {
  const uint32_t *values;
  uint32_t next; /* key to look at */
  int step;
};

static void walk_skip_absent(struct walk *walk) {
  while (walk->next < MODEL_KEYS && walk->values[walk->next] == 0) {
    walk->next += (uint32_t)walk->step;
  }
}

static bool walk_visit(void *arg, struct span key, struct span value) {
  struct walk *walk = arg;
  char buffer[32];
  walk_skip_absent(walk);
  assert_true(walk->next < MODEL_KEYS);
  assert_true(span_equal(key, model_key(walk->next, buffer)));
  assert_model_value(walk->values[walk->next], value);
  walk->next += (uint32_t)walk->step;
  return true;
}

static void assert_model_scans(struct fixture *f, const struct model *model) {
  for (size_t s = 0; s < MODEL_SPACES; s++) {
    struct walk up = {model->value[s], 0, 1};
    struct walk down = {model->value[s], MODEL_KEYS - 1, -1};
    assert_int_equal(store_scan(f->store, model_spaces[s], SPAN_LITERAL("key/"), (struct span){0}, walk_visit, &up),
                     ERR_OK);
    assert_int_equal(store_scan_back(f->store, model_spaces[s], SPAN_LITERAL("key/"), walk_visit, &down), ERR_OK);
    walk_skip_absent(&up);
    walk_skip_absent(&down);
    assert_true(up.next >= MODEL_KEYS && down.next >= MODEL_KEYS);
  }
}

static void model_change(struct fixture *f, struct model *model, uint64_t *random) {
  char key_buffer[32];
  uint8_t value_buffer[6000];
  size_t s = next_random(random) % MODEL_SPACES;
  uint32_t k = (uint32_t)(next_random(random) % MODEL_KEYS);
  if (next_random(random) % 3 == 0) {
    store_delete(f->store, model_spaces[s], model_key(k, key_buffer));
    model->value[s][k] = 0;
    return;
  }
  uint32_t value = 1 + (uint32_t)(next_random(random) % 100000);
  store_put(f->store, model_spaces[s], model_key(k, key_buffer), model_value(value, value_buffer));
  model->value[s][k] = value;
}

/* One batch; now and then it is abandoned. Leaves it open otherwise. */
static bool model_batch(struct fixture *f, struct model *model, uint64_t *random) {
  struct model before = *model;
  store_begin(f->store);
  for (uint64_t left = next_random(random) % 80; left > 0; left--) {
    model_change(f, model, random);
    size_t s = next_random(random) % MODEL_SPACES;
    assert_model_point(f, model, s, (uint32_t)(next_random(random) % MODEL_KEYS));
  }
  if (next_random(random) % 7 != 0) {
    return true;
  }
  *model = before;
  store_abandon(f->store);
  return false;
}

static void it_agrees_with_a_plain_table_over_random_batches(void **state) {
  struct fixture *f = *state;
  struct model model = {0};
  uint64_t random = 2026;
  for (int round = 0; round < MODEL_ROUNDS; round++) {
    bool open = model_batch(f, &model, &random);
    if (store_committing(f->store)) {
      assert_int_equal(fixture_settle(f), ERR_OK);
    }
    if (open) {
      fixture_commit_start(f);
    }
    if (round % 8 != 7) {
      continue; /* the next batch is filled while this one is in flight */
    }
    assert_model_points(f, &model);
    if (store_committing(f->store)) {
      assert_int_equal(fixture_settle(f), ERR_OK);
    }
    assert_model_scans(f, &model);
    if (f->kind != KIND_MEMORY && round % 16 == 15) {
      fixture_reopen(f);
    }
    assert_model_points(f, &model);
  }
}

static void many_entries_in_one_batch_are_all_there(void **state) {
  struct fixture *f = *state;
  enum { MANY = 20000 };
  store_begin(f->store);
  for (uint32_t i = 0; i < MANY; i++) {
    uint32_t key = i * 2654435761u;
    store_put(f->store, STORE_DEDUP, span_of(&key, sizeof key), span_of(&i, sizeof i));
  }
  assert_int_equal(fixture_commit(f), ERR_OK);
  for (uint32_t i = 0; i < MANY; i++) {
    uint32_t key = i * 2654435761u;
    struct span value;
    assert_int_equal(store_get(f->store, STORE_DEDUP, span_of(&key, sizeof key), &value), ERR_OK);
    assert_memory_equal(value.data, &i, sizeof i);
  }
}

#define ON_ALL(promise)                                                                                                \
  {"memory: " #promise, promise, fixture_setup_memory, fixture_teardown, NULL},                                        \
      {"lmdb, polled: " #promise, promise, fixture_setup_polled, fixture_teardown, NULL}, {                            \
    "lmdb, on a loop: " #promise, promise, fixture_setup_loop, fixture_teardown, NULL                                  \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_ALL(point_reads_see_the_batch_s_own_writes),
      ON_ALL(point_reads_see_the_batch_in_flight_under_the_open_one),
      ON_ALL(an_abandoned_batch_never_happened),
      ON_ALL(deletes_take_away_and_a_missing_key_is_no_error),
      ON_ALL(an_empty_batch_commits_and_an_empty_value_is_a_value),
      ON_ALL(a_key_no_store_can_hold_is_not_found),
      ON_ALL(big_values_come_back_whole),
      ON_ALL(scans_ascend_within_the_prefix_from_where_they_are_told),
      ON_ALL(scans_back_start_at_the_last_key_with_the_prefix),
      ON_ALL(a_scan_during_a_commit_shows_the_state_before_it),
      ON_ALL(both_backends_hold_the_layout_record_and_nothing_else_at_first),
      ON_ALL(stats_count_commits_and_entries),
      ON_ALL(closing_waits_for_the_commit_and_calls_done_once),
      ON_ALL(done_may_start_the_next_batch),
      ON_ALL(done_may_close_the_store),
      ON_ALL(it_agrees_with_a_plain_table_over_random_batches),
      ON_ALL(many_entries_in_one_batch_are_all_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
