/*
 * store/lmdb_env.h — inside of the LMDB backend: the environment that its three files share.
 *
 * lmdb.c is the state machine (reads, the commit in flight), lmdb_env.c the files (folder, lock, layout, backup),
 * lmdb_pages.c the accounts of pages (growth, admission, reserve). Nobody else includes this or lmdb.h.
 *
 * Threading: everything on the owner's thread, except lmdb_apply, which the thread pool runs while a commit is in
 * flight.
 */
#ifndef KURATOR_STORE_LMDB_ENV_H
#define KURATOR_STORE_LMDB_ENV_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "store/store.h"
#include "store/writeset.h"

struct lmdb {
  MDB_env *env;
  MDB_dbi spaces[STORE_SPACES];
  int directory; /* descriptor, locked for as long as the store is open */
  bool read_only;
  bool copying; /* another thread reads through the map: it stays where it is */
  size_t page_size;
  size_t map_size;      /* bytes now mapped */
  size_t map_size_max;  /* bytes, at least map_size */
  size_t ceiling;       /* bytes of these that the batch under way may use */
  size_t turned_at;     /* transaction that lmdb_turn made last, 0: none */
  MDB_txn *reader;      /* made once, then reset and renewed */
  bool reader_live;     /* renewed: holds a snapshot */
  enum store_room room; /* of the last commit */
};

/* LMDB's parameters are not const, though it does not write through them. */
static inline MDB_val lmdb_val(struct span span) {
  return (MDB_val){span.size, (void *)span.data};
}

/* lmdb_env.c. On failure `lmdb` is left as lmdb_env_close leaves it. */
enum err lmdb_env_open(const struct store_lmdb_options *options, struct lmdb *lmdb, struct fault *fault) MUST_CHECK;
void lmdb_env_close(struct lmdb *lmdb);
/* No room worth the name on its file system. */
bool lmdb_env_disk_is_full(const struct lmdb *lmdb);
enum err lmdb_env_backup(struct lmdb *lmdb, const char *path, struct fault *fault) MUST_CHECK;

/* lmdb.c: the snapshot for reads. All return an LMDB code, 0 if well. */
int lmdb_reader_acquire(struct lmdb *lmdb);
void lmdb_reader_release(struct lmdb *lmdb);

/* lmdb_pages.c. */

/* Before each try: sets the ceiling, which keeps the reserve for batches that make the data smaller. ERR_FULL only when
 * the map cannot be moved and the reserve would be eaten. */
enum err lmdb_pages_admit(struct lmdb *lmdb, const struct writeset *set) MUST_CHECK;
/* Grows the map ahead of need. No transaction is open and nobody holds spans. An LMDB code. */
int lmdb_pages_ahead(struct lmdb *lmdb, const struct writeset *set);
/* After MDB_MAP_FULL: makes room, so that another try makes sense. False if there is none; *ret_rc is not 0 if the
 * environment was lost on the way. */
bool lmdb_pages_make_room(struct lmdb *lmdb, int *ret_rc);
enum err lmdb_pages_stats(struct lmdb *lmdb, struct store_stats *ret_stats) MUST_CHECK;

#endif
