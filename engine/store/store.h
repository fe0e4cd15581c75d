/*
 * store/store.h — what the engine knows, durably: an ordered map per space, changed by one write set at a time.
 *
 * Purpose: the seam of design section 4. The runtime reads points (which see the batch's own writes), collects puts
 * and deletes in a write set, and commits it asynchronously, one commit in flight; range reads see the committed
 * state and happen between batches. Two backends under the same contract tests: LMDB (one synced transaction per
 * commit) and memory (rehearsal, simulation).
 *
 * Life cycle: store_open_lmdb | store_open_memory → (store_begin → store_get/put/delete… → store_commit → done)* →
 * store_close.
 *
 * Threading: one thread calls; `done` runs on that thread, from the loop (LMDB) or from store_poll (memory, or LMDB
 * without a loop). Between store_commit and `done` a new batch may be begun: its point reads see the batch in flight.
 *
 * Ownership: keys and values are copied by store_put. Spans from store_get are valid until the next call that changes
 * the batch or, outside a batch, until the next store call, and never longer than until the return to the loop (a
 * finished commit moves the ground under them). Spans in a scan are valid until the callback returns.
 *
 * Errors: a failed commit is ERR_COMMIT or ERR_FULL in `done`. After ERR_COMMIT the store refuses everything with
 * ERR_COMMIT: recover by restart. After ERR_FULL nothing of the batch is stored and the store goes on reading and, once
 * there is room again, writing; store_room tells what it is short of (a disk that takes nothing counts as full, as long
 * as it is certain that nothing was stored). A batch that was open meanwhile rests on changes that never happened, so
 * its commit answers ERR_FULL too: abandon it.
 * A full store takes reads and batches that make the data smaller (a reserve of map_size_max is kept for them).
 *
 * Limits: key 1 to STORE_KEY_MAX bytes, value STORE_VALUE_MAX; more is a bug of the caller in store_put, and not found
 * in store_get. A batch that needs more than fits is ERR_FULL.
 *
 * Never: interprets a value, logs, reads a clock.
 */
#ifndef KURATOR_STORE_STORE_H
#define KURATOR_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { STORE_KEY_MAX = 480, STORE_VALUE_MAX = 64 << 20 };

/* One named database each. The layout of keys and records is documented in store/LAYOUT.md. */
#define STORE_SPACE_MAP(X)                                                                                             \
  X(META, "meta")                                                                                                      \
  X(CASE, "case")                                                                                                      \
  X(TIMER, "timer")                                                                                                    \
  X(DEADLINE, "deadline")                                                                                              \
  X(INCIDENT, "incident")                                                                                              \
  X(JOURNAL, "journal")                                                                                                \
  X(DEDUP, "dedup")                                                                                                    \
  X(STREAM, "stream")                                                                                                  \
  X(CURSOR, "cursor")                                                                                                  \
  X(PERSON, "person")                                                                                                  \
  X(KEY, "key")                                                                                                        \
  X(DEFINITION, "definition")                                                                                          \
  X(INDEX, "index")

enum store_space {
#define X(name, text) STORE_##name,
  STORE_SPACE_MAP(X)
#undef X
      STORE_SPACES
};
const char *store_space_name(enum store_space space);

struct store;
struct uv_loop_s;

struct store_lmdb_options {
  const char *path;       /* directory, made if missing; one process at a time (locked) */
  size_t map_size;        /* bytes, 0: 1 GiB; grows by doubling between transactions up to map_size_max */
  size_t map_size_max;    /* bytes, 0: 1 TiB; a sixteenth (256 KiB to 64 MiB) of it is the reserve */
  struct uv_loop_s *loop; /* `done` callbacks run on it; NULL: from store_poll */
  bool read_only;         /* shared with other readers, no writer; store_begin is a bug then */
  bool is_copy;           /* made by store_backup and not written since: one that was cut off is ERR_CORRUPT */
};
/* ERR_IO, ERR_FULL, ERR_VERSION (a newer layout), ERR_BUSY (open already, in this process or another), ERR_CORRUPT;
 * English text in `fault`. The path is borrowed during the call only. */
enum err store_open_lmdb(const struct store_lmdb_options *options, struct store **ret_store,
                         struct fault *fault) MUST_CHECK;
enum err store_open_memory(struct store **ret_store) MUST_CHECK;
/* Waits for the commit in flight (its `done` is called), drops an open batch, then closes. NULLs *store. With a loop,
 * let it run once more before uv_loop_close: the callback of a commit that was waited for is still queued there. */
void store_close(struct store **store);

/* Starts the write set of a batch. At most one batch is open. */
void store_begin(struct store *store);
bool store_in_batch(const struct store *store);
/* ERR_NOT_FOUND (then *ret_value is empty). Sees, in this order: the open batch, the batch in flight, what is
 * committed. */
enum err store_get(struct store *store, enum store_space space, struct span key, struct span *ret_value) MUST_CHECK;
void store_put(struct store *store, enum store_space space, struct span key, struct span value);
void store_delete(struct store *store, enum store_space space, struct span key); /* of a missing key: nothing */
/* Drops the open batch: nothing of it happened. */
void store_abandon(struct store *store);
size_t store_batch_bytes(const struct store *store); /* keys and values in the open batch */

typedef void (*store_done)(void *arg, enum err result);
/* Ends the open batch and commits it. `done` is called exactly once, never from inside store_commit; it may begin and
 * commit the next batch, or close the store. A commit in flight already: ASSERT (ask store_committing first). */
void store_commit(struct store *store, store_done done, void *arg);
bool store_committing(const struct store *store);
/* Runs finished commits' `done` when there is no loop; returns true if one ran. With LMDB and no loop it does the
 * commit itself, synchronously. */
bool store_poll(struct store *store);

/* Committed state only (during a commit: the state before it; nothing of an open batch), keys ascending from `from`
 * (inclusive) while they start with `prefix`; the callback returns false to stop, and must not begin, commit, poll or
 * close. ERR_LIMIT if `prefix` or `from` is longer than a key can be. */
typedef bool (*store_visit)(void *arg, struct span key, struct span value);
enum err store_scan(struct store *store, enum store_space space, struct span prefix, struct span from,
                    store_visit visit, void *arg) MUST_CHECK;
/* The same, descending from the last key with the prefix. */
enum err store_scan_back(struct store *store, enum store_space space, struct span prefix, store_visit visit,
                         void *arg) MUST_CHECK;

struct store_stats {
  uint64_t commits;    /* since opening */
  uint64_t entries;    /* over all spaces, committed */
  uint64_t bytes_used; /* LMDB: pages in use, without those that are free to be used again */
  uint64_t bytes_max;  /* LMDB: what batches may fill, without the reserve. Raise an alarm at 80 % of it. */
};
/* Why the last commit was ERR_FULL; STORE_HAS_ROOM after one that was stored. */
enum store_room {
  STORE_HAS_ROOM,
  STORE_MAP_FULL,       /* map_size_max is reached, or the map may not grow while a copy is made */
  STORE_DISK_FULL,      /* or the quota */
  STORE_DISK_READ_ONLY, /* the file system was made so while it was in use */
  STORE_DISK_FAILS,     /* it takes no bytes */
};
enum store_room store_room(const struct store *store);
/* LMDB walks its list of free pages: for intervals, not for every batch. */
enum err store_stats(struct store *store, struct store_stats *ret_stats) MUST_CHECK;
/* A consistent, compact and durable copy of the committed state into a new directory, which is there whole or not at
 * all. Blocks the caller while it copies. ERR_EXISTS, ERR_IO, ERR_FULL, ERR_LIMIT; ERR_UNSUPPORTED in memory. */
enum err store_backup(struct store *store, const char *path, struct fault *fault) MUST_CHECK;
/* Whether a copy is still, byte for byte, what was written: ERR_CORRUPT, ERR_IO; ERR_NOT_FOUND when it has no sum of
 * its bytes, as those of earlier versions. Reads all of it. */
enum err store_copy_check(const char *path, struct fault *fault) MUST_CHECK;
/* The same beside the caller's work, on the thread pool of the store's loop; `copied` comes from the loop, its fault is
 * borrowed. While it runs the map does not grow: a batch that needs that is ERR_FULL and may be tried again. Pages that
 * are given back meanwhile cannot be used again before it ends. ERR_BUSY: one runs already; ERR_UNSUPPORTED: no loop,
 * or in memory; ERR_LIMIT. store_close waits for it, and then it is not told. */
typedef void (*store_copied)(void *arg, enum err result, const struct fault *fault);
enum err store_backup_start(struct store *store, const char *path, store_copied copied, void *arg) MUST_CHECK;

#endif
