/*
 * The memory backend: a tree per space, for rehearsal and simulation. Nothing survives store_close.
 *
 * A commit waits in `set` until store_poll (or store_close) applies it: so `done` comes as late as with a disk, and a
 * caller that forgets that a commit takes time is found out here.
 */
#include <stdlib.h>

#include "store/backend.h"
#include "store/tree.h"

struct memory {
  struct store *store;
  struct tree spaces[STORE_SPACES];
  struct writeset *set; /* in flight, or NULL */
  enum err verdict;
};

static enum err memory_get(void *self, enum store_space space, struct span key, struct span *ret_value) {
  struct memory *memory = self;
  return tree_find(&memory->spaces[space], key, ret_value) ? ERR_OK : ERR_NOT_FOUND;
}

static struct tree_cursor start_of(const struct tree *tree, const struct store_range *range) {
  if (!range->back) {
    return tree_seek(tree, range->from);
  }
  uint8_t buffer[STORE_KEY_MAX];
  struct span end = store_prefix_end(range->prefix, buffer);
  return end.size > 0 ? tree_seek_before(tree, end) : tree_last(tree);
}

static enum err memory_scan(void *self, enum store_space space, const struct store_range *range, store_visit visit,
                            void *arg) {
  struct memory *memory = self;
  struct tree_cursor cursor = start_of(&memory->spaces[space], range);
  struct span key;
  struct span value;
  while (tree_entry(cursor, &key, &value) && span_starts_with(key, range->prefix) && visit(arg, key, value)) {
    if (range->back) {
      tree_previous(&cursor);
    } else {
      tree_next(&cursor);
    }
  }
  return ERR_OK;
}

static void memory_commit(void *self, struct writeset *set, enum err verdict) {
  struct memory *memory = self;
  memory->set = set;
  memory->verdict = verdict;
}

static void apply(struct memory *memory, struct writeset *set) {
  const struct write *const *writes = writeset_sorted(set);
  for (size_t i = 0; i < set->count; i++) {
    const struct write *write = writes[i];
    if (write->deleted) {
      (void)tree_delete(&memory->spaces[write->space], write->key);
    } else {
      tree_put(&memory->spaces[write->space], write->key, write->value);
    }
  }
}

static bool memory_poll(void *self) {
  struct memory *memory = self;
  if (!memory->set) {
    return false;
  }
  if (memory->verdict == ERR_OK) {
    apply(memory, memory->set);
  }
  memory->set = NULL;
  store_settled(memory->store, memory->verdict);
  return true;
}

static void memory_wait(void *self) {
  (void)memory_poll(self);
}

static enum err memory_stats(void *self, struct store_stats *ret_stats) {
  const struct memory *memory = self;
  for (size_t i = 0; i < STORE_SPACES; i++) {
    ret_stats->entries += memory->spaces[i].count;
    ret_stats->bytes_used += memory->spaces[i].bytes;
  }
  ret_stats->bytes_max = SIZE_MAX;
  return ERR_OK;
}

static enum err memory_backup(void *self UNUSED, const char *path UNUSED, struct fault *fault) {
  return fault_set(fault, ERR_UNSUPPORTED, "a store in memory has no files to copy");
}

static void memory_close(void *self) {
  struct memory *memory = self;
  for (size_t i = 0; i < STORE_SPACES; i++) {
    tree_finish(&memory->spaces[i]);
  }
  free(memory);
}

static const struct store_backend MEMORY_BACKEND = {
    .get = memory_get,
    .scan = memory_scan,
    .commit = memory_commit,
    .poll = memory_poll,
    .wait = memory_wait,
    .stats = memory_stats,
    .backup = memory_backup,
    .close = memory_close,
};

/* The same record as in LMDB, so that a scan of META gives the same on both. */
static void put_layout(struct memory *memory) {
  const uint8_t version[4] = {0, 0, 0, STORE_LAYOUT_VERSION};
  tree_put(&memory->spaces[STORE_META], STORE_LAYOUT_KEY, span_of(version, sizeof version));
}

enum err store_open_memory(struct store **ret_store) {
  struct memory *memory = calloc(1, sizeof *memory);
  if (!memory) {
    return ERR_NO_MEMORY;
  }
  for (size_t i = 0; i < STORE_SPACES; i++) {
    tree_init(&memory->spaces[i]);
  }
  put_layout(memory);
  memory->store = store_new(&MEMORY_BACKEND, memory, false);
  *ret_store = memory->store;
  return ERR_OK;
}
