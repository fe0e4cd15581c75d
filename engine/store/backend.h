/*
 * store/backend.h — what a backend of the store has to do.
 *
 * Purpose: the seam inside the room. store.c keeps the batches (open and in flight), answers point reads from them
 * and checks the caller; a backend knows committed state only. LMDB and memory stand behind it today; a journal file
 * with LMDB brought up to date behind it, or a replicated log, need nothing but this table.
 *
 * Life cycle: the backend's constructor calls store_new; store_close calls `wait` while a commit is in flight, then
 * `close`. Threading: all slots are called on the owner's thread, and the backend calls store_settled on it.
 */
#ifndef KURATOR_STORE_BACKEND_H
#define KURATOR_STORE_BACKEND_H

#include "base/err.h"
#include "base/span.h"
#include "store/store.h"
#include "store/writeset.h"

struct store_range {
  struct span prefix;
  struct span from; /* inclusive; not used when going back */
  bool back;
};

struct store_backend {
  /* Committed value of a key of 1 to STORE_KEY_MAX bytes; ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO. While a commit is in
   * flight: the state before or after it, for keys that the flight does not touch (store.c answers the others). */
  enum err (*get)(void *self, enum store_space space, struct span key, struct span *ret_value);
  /* Committed entries in order. While a commit is in flight: the state before it. */
  enum err (*scan)(void *self, enum store_space space, const struct store_range *range, store_visit visit, void *arg);
  /* Starts to make `set` durable, or, when `verdict` is an error, only to answer with it. Calls store_settled exactly
   * once, later, never from inside: from `poll`, from `wait` or from the loop. `set` stays unchanged until then. */
  void (*commit)(void *self, struct writeset *set, enum err verdict);
  /* Finishes a commit that waits for the caller; false if there is none. */
  bool (*poll)(void *self);
  /* Blocks until the commit in flight has ended and store_settled was called. */
  void (*wait)(void *self);
  /* Fills all but `commits`. */
  enum err (*stats)(void *self, struct store_stats *ret_stats);
  /* NULL: it always has room. */
  enum store_room (*room)(const void *self);
  enum err (*backup)(void *self, const char *path, struct fault *fault);
  /* NULL: not supported. */
  enum err (*backup_start)(void *self, const char *path, store_copied copied, void *arg);
  /* Frees `self`. No commit is in flight; a copy may be. */
  void (*close)(void *self);
};

/* Takes `self`. */
struct store *store_new(const struct store_backend *backend, void *self, bool read_only);
/* The end of the commit in flight: ERR_OK, ERR_FULL (nothing stored) or ERR_COMMIT. Calls `done` as its last act;
 * `done` may begin, commit or close, so the backend touches nothing of its own after this call. */
void store_settled(struct store *store, enum err result);

/* The layout of the database as a whole, in space META under this key: version u32be. See LAYOUT.md. */
enum { STORE_LAYOUT_VERSION = 1 };
#define STORE_LAYOUT_KEY SPAN_LITERAL("store/layout")

/* The first key above all keys with `prefix`, written to `buffer` of STORE_KEY_MAX bytes; empty if there is none above.
 */
struct span store_prefix_end(struct span prefix, uint8_t *buffer);

#endif
