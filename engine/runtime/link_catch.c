/*
 * Cases from before the links: a database of an earlier program, or one whose identities the catalogue has changed
 * since. They are gone through in the order of their numbers, a slice with each batch, until all are done.
 *
 * States: behind (the record says up to which case) → caught up. The record stands in the batch that does its slice, so
 * that a batch that is not stored is done again. What comes meanwhile is linked as it comes. As long as it is behind,
 * the runtime makes a batch for each slice, and whatever is said or done of a whole person is refused: an erasure would
 * destroy what is linked already, and tell that it destroyed all.
 */
#include <string.h>

#include "runtime/links.h"

enum { SLICE = 32 };
#define CATCH_KEY SPAN_LITERAL("runtime/links")

struct progress {
  bool done;
  struct span rules; /* what the catalogue said then */
  struct span last;  /* the case up to which it is done */
};

/* Two catalogues that identify persons in the same way have the same text. */
static struct span rules_of(struct runtime *runtime) {
  struct writer *w = &runtime->body;
  writer_reset(w);
  for (size_t i = 0; i < runtime->catalogue->identities_count; i++) {
    const struct identity_rule *rule = &runtime->catalogue->identities[i];
    const struct text_list *lists[] = {&rule->fields, &rule->optional};
    writer_blob(w, rule->name);
    writer_blob(w, rule->compare);
    writer_zigzag(w, rule->size);
    for (size_t k = 0; k < 2; k++) {
      writer_varint(w, lists[k]->count);
      for (size_t n = 0; n < lists[k]->count; n++) {
        writer_blob(w, lists[k]->items[n]);
      }
    }
  }
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(writer_span(w), hash);
  return arena_copy(&runtime->arena, span_of(hash, sizeof hash));
}

static struct progress read_progress(struct runtime *runtime, struct span rules) {
  struct progress progress = {.rules = rules};
  struct span bytes;
  if (store_get(runtime->store, STORE_META, CATCH_KEY, &bytes) != ERR_OK ||
      record_bytes_read(arena_copy(&runtime->arena, bytes), &bytes) != ERR_OK) {
    return progress;
  }
  struct reader r = reader_of(bytes);
  bool done = reader_u8(&r) != 0;
  struct span then = reader_blob(&r);
  struct span last = reader_blob(&r);
  if (reader_end(&r) == ERR_OK && span_equal(then, rules)) {
    progress.done = done;
    progress.last = last;
  }
  return progress;
}

static void write_progress(struct runtime *runtime, const struct progress *progress) {
  struct writer *w = &runtime->body;
  writer_reset(w);
  writer_u8(w, progress->done);
  writer_blob(w, progress->rules);
  writer_blob(w, progress->last);
  writer_reset(&runtime->scratch);
  record_bytes_write(writer_span(w), &runtime->scratch);
  store_put(runtime->store, STORE_META, CATCH_KEY, writer_span(&runtime->scratch));
}

struct slice {
  struct arena *arena;
  struct span after;
  struct span roots[SLICE];
  size_t count;
};

static bool take_root(void *arg, struct span key, struct span value) {
  struct slice *slice = arg;
  (void)value;
  if (!span_equal(key, slice->after)) {
    slice->roots[slice->count++] = arena_copy(slice->arena, key);
  }
  return slice->count < SLICE;
}

static void identify(struct runtime *runtime, struct span root) {
  struct value personal = persons_read(runtime, root, &runtime->arena);
  if (personal.kind == VALUE_MAP) {
    links_identify(runtime, root, &personal);
  }
}

void links_catch_up(struct runtime *runtime) {
  if (runtime->links_caught_up || !runtime->seal.enabled) {
    return;
  }
  struct progress progress = read_progress(runtime, rules_of(runtime));
  if (progress.done) {
    runtime->links_caught_up = true;
    return;
  }
  struct slice slice = {.arena = &runtime->arena, .after = progress.last};
  if (store_scan(runtime->store, STORE_PERSON, span_of(NULL, 0), progress.last, take_root, &slice) != ERR_OK) {
    return; /* tried again with the next batch */
  }
  for (size_t i = 0; i < slice.count; i++) {
    identify(runtime, slice.roots[i]);
  }
  progress.done = slice.count < SLICE;
  progress.last = slice.count > 0 ? slice.roots[slice.count - 1] : progress.last;
  write_progress(runtime, &progress);
  runtime->links_behind = !progress.done;
}

void links_load(struct runtime *runtime) {
  runtime->links_caught_up = false;
  runtime->links_behind = false;
  if (!runtime->seal.enabled) {
    return;
  }
  struct progress progress = read_progress(runtime, rules_of(runtime));
  struct slice slice = {.arena = &runtime->arena, .after = progress.last};
  runtime->links_caught_up = progress.done;
  if (!progress.done) {
    enum err err = store_scan(runtime->store, STORE_PERSON, span_of(NULL, 0), progress.last, take_root, &slice);
    runtime->links_behind = err != ERR_OK || slice.count > 0;
  }
}

bool runtime_links_behind(const struct runtime *runtime) {
  return runtime->links_behind;
}

enum err runtime_links_check(const struct runtime *runtime, struct fault *fault) {
  return !runtime->links_behind
             ? ERR_OK
             : fault_set(fault, ERR_BUSY,
                         "Связи случаев ещё собираются: видны не все случаи человека. Повторите через минуту");
}
