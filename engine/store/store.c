/*
 * The part of the store that both backends share: the batches and the rules of the caller.
 *
 * States: idle → (begin) → in batch → (commit) → in flight → (settled) → idle; in batch → (abandon) → idle. "In batch"
 * and "in flight" are independent: a batch may be open while the one before it is in flight.
 *
 * Invariants
 *  1. `open` and `flight` are two different write sets; a commit swaps them. `flight` is empty when nothing is in
 *     flight, `open` when no batch is open.
 *  2. A point read asks the open batch, then the flight, then the backend: the newest word on a key wins.
 *  3. A batch that was open when the flight before it failed rests on changes that never happened: it is `orphaned` and
 *     its commit answers ERR_FULL without storing anything.
 *  4. Once `broken`, nothing is read or stored any more: memory and disk may disagree about the last commit.
 *  5. While a scan visits (`scanning`), nothing may change the committed state under it.
 */
#include "store/store.h"

#include <stdlib.h>
#include <sys/random.h>

#include "store/backend.h"

struct store {
  const struct store_backend *backend;
  void *self;
  struct writeset sets[2];
  struct writeset *open;
  struct writeset *flight;
  store_done done;
  void *done_arg;
  uint64_t commits;
  unsigned scanning; /* depth of scans within scans */
  bool in_batch;
  bool committing;
  bool orphaned;
  bool broken;
  bool read_only;
  bool closing;
};

const char *store_space_name(enum store_space space) {
  static const char *const names[STORE_SPACES] = {
#define X(name, text) [STORE_##name] = (text),
      STORE_SPACE_MAP(X)
#undef X
  };
  ASSERT(space < STORE_SPACES);
  return names[space];
}

struct store *store_new(const struct store_backend *backend, void *self, bool read_only) {
  struct store *store = calloc(1, sizeof *store);
  ASSERT(store);
  uint64_t seed;
  ASSERT(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
  store->backend = backend;
  store->self = self;
  store->read_only = read_only;
  writeset_init(&store->sets[0], seed);
  writeset_init(&store->sets[1], seed);
  store->open = &store->sets[0];
  store->flight = &store->sets[1];
  return store;
}

void store_close(struct store **store) {
  if (!store || !*store) {
    return;
  }
  struct store *closed = *store;
  ASSERT(!closed->closing && closed->scanning == 0);
  closed->closing = true;
  while (closed->committing) {
    closed->backend->wait(closed->self);
  }
  closed->backend->close(closed->self);
  writeset_finish(&closed->sets[0]);
  writeset_finish(&closed->sets[1]);
  free(closed);
  *store = NULL;
}

void store_begin(struct store *store) {
  ASSERT(!store->in_batch && !store->read_only && store->scanning == 0);
  store->in_batch = true;
  store->orphaned = false;
}

bool store_in_batch(const struct store *store) {
  return store->in_batch;
}

static const struct write *newest_write(const struct store *store, enum store_space space, struct span key) {
  const struct write *write = store->in_batch ? writeset_find(store->open, space, key) : NULL;
  return write || !store->committing ? write : writeset_find(store->flight, space, key);
}

enum err store_get(struct store *store, enum store_space space, struct span key, struct span *ret_value) {
  ASSERT(space < STORE_SPACES);
  *ret_value = (struct span){0};
  if (store->broken) {
    return ERR_COMMIT;
  }
  if (key.size == 0 || key.size > STORE_KEY_MAX) {
    return ERR_NOT_FOUND;
  }
  const struct write *write = newest_write(store, space, key);
  if (!write) {
    return store->backend->get(store->self, space, key, ret_value);
  }
  if (write->deleted) {
    return ERR_NOT_FOUND;
  }
  *ret_value = write->value;
  return ERR_OK;
}

static void check_write(const struct store *store, enum store_space space, struct span key) {
  ASSERT(store->in_batch && space < STORE_SPACES && key.size > 0 && key.size <= STORE_KEY_MAX);
}

void store_put(struct store *store, enum store_space space, struct span key, struct span value) {
  check_write(store, space, key);
  ASSERT(value.size <= STORE_VALUE_MAX);
  writeset_put(store->open, space, key, value);
}

void store_delete(struct store *store, enum store_space space, struct span key) {
  check_write(store, space, key);
  writeset_delete(store->open, space, key);
}

void store_abandon(struct store *store) {
  ASSERT(store->in_batch);
  writeset_reset(store->open);
  store->in_batch = false;
}

size_t store_batch_bytes(const struct store *store) {
  return store->open->bytes;
}

static enum err verdict(const struct store *store) {
  if (store->broken) {
    return ERR_COMMIT;
  }
  return store->orphaned ? ERR_FULL : ERR_OK;
}

void store_commit(struct store *store, store_done done, void *arg) {
  ASSERT(store->in_batch && !store->committing && store->scanning == 0);
  struct writeset *set = store->open;
  store->open = store->flight;
  store->flight = set;
  store->in_batch = false;
  store->committing = true;
  store->done = done;
  store->done_arg = arg;
  store->backend->commit(store->self, set, verdict(store));
}

void store_settled(struct store *store, enum err result) {
  ASSERT(store->committing && store->scanning == 0);
  store->committing = false;
  writeset_reset(store->flight);
  if (result == ERR_OK) {
    store->commits++;
  } else {
    store->orphaned = store->in_batch;
    store->broken = store->broken || err_class_of(result) == ERR_CLASS_STORAGE;
  }
  store->done(store->done_arg, result);
}

bool store_committing(const struct store *store) {
  return store->committing;
}

bool store_poll(struct store *store) {
  ASSERT(store->scanning == 0);
  return store->committing && store->backend->poll(store->self);
}

static enum err scan(struct store *store, enum store_space space, const struct store_range *range, store_visit visit,
                     void *arg) {
  ASSERT(space < STORE_SPACES);
  if (store->broken) {
    return ERR_COMMIT;
  }
  if (range->prefix.size > STORE_KEY_MAX || range->from.size > STORE_KEY_MAX) {
    return ERR_LIMIT;
  }
  store->scanning++;
  enum err err = store->backend->scan(store->self, space, range, visit, arg);
  store->scanning--;
  return err;
}

enum err store_scan(struct store *store, enum store_space space, struct span prefix, struct span from,
                    store_visit visit, void *arg) {
  struct span start = span_compare(from, prefix) > 0 ? from : prefix;
  return scan(store, space, &(struct store_range){.prefix = prefix, .from = start}, visit, arg);
}

enum err store_scan_back(struct store *store, enum store_space space, struct span prefix, store_visit visit,
                         void *arg) {
  return scan(store, space, &(struct store_range){.prefix = prefix, .back = true}, visit, arg);
}

struct span store_prefix_end(struct span prefix, uint8_t *buffer) {
  size_t size = prefix.size;
  while (size > 0 && prefix.data[size - 1] == UINT8_MAX) {
    size--;
  }
  if (size > 0) {
    memcpy(buffer, prefix.data, size);
    buffer[size - 1]++;
  }
  return span_of(buffer, size);
}

enum err store_stats(struct store *store, struct store_stats *ret_stats) {
  struct store_stats stats = {0};
  if (store->broken) {
    return ERR_COMMIT;
  }
  TRY(store->backend->stats(store->self, &stats));
  stats.commits = store->commits;
  *ret_stats = stats;
  return ERR_OK;
}

enum store_room store_room(const struct store *store) {
  return store->backend->room ? store->backend->room(store->self) : STORE_HAS_ROOM;
}

enum err store_backup_start(struct store *store, const char *path, store_copied copied, void *arg) {
  if (store->broken) {
    return ERR_COMMIT;
  }
  return store->backend->backup_start ? store->backend->backup_start(store->self, path, copied, arg) : ERR_UNSUPPORTED;
}

enum err store_backup(struct store *store, const char *path, struct fault *fault) {
  if (store->broken) {
    return fault_set(fault, ERR_COMMIT, "последняя запись в базу не удалась: перезапустите kuratord и повторите");
  }
  return store->backend->backup(store->self, path, fault);
}
