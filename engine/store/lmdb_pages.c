/*
 * How much room there is, and who may use it.
 *
 * LMDB never writes over a page that a snapshot may still show: changing or deleting a record takes new pages first and
 * gives the old ones back later, to the transaction after the next. Three consequences are handled here.
 *
 *  - Growth. The map (address space, not disk) is doubled before a commit when the pages in use pass 80 % of it, and
 *    again if a transaction meets MDB_MAP_FULL, up to map_size_max. Only between transactions.
 *  - The reserve. Deletes need pages too, so the last part of map_size_max is kept for batches that make the data
 *    smaller: near the limit the map is made as large as the batch may use (the ceiling), and LMDB itself says whether
 *    that is enough. Only while a copy keeps the map from moving a generous estimate decides in its place.
 *  - The turn. Pages given back by the last transaction cannot be used by the next one. When the map is full and
 *    cannot grow, one tiny transaction is put between, which turns them into free pages.
 *
 * While a copy is being made on another thread the map may not move, so it does not grow: then a batch that needs more
 * is refused with ERR_FULL, as at the limit.
 *
 * Words: the "high water" is the first page never used; "free" pages below it are on LMDB's own list.
 */
#include "store/lmdb_env.h"

#include <string.h>

#include "store/backend.h"

enum {
  RESERVE_SHARE = 16,      /* of map_size_max */
  RESERVE_MIN = 256 << 10, /* bytes */
  RESERVE_MAX = 64 << 20,  /* bytes */
  PAGES_FOR_TREES = 32,    /* roots, branches and the free list, per transaction */
  PAGES_PER_WRITE = 2,     /* the leaf and a share of the branches above it */
  NODE_SIZE = 16,          /* bytes that LMDB adds to an entry, at most */
  FREE_LIST = 0,           /* the handle of LMDB's own list of free pages: part of its file format */
};

static size_t reserve_pages(const struct lmdb *lmdb) {
  size_t bytes = lmdb->map_size_max / RESERVE_SHARE;
  bytes = bytes < RESERVE_MIN ? RESERVE_MIN : bytes;
  return (bytes > RESERVE_MAX ? RESERVE_MAX : bytes) / lmdb->page_size;
}

static MDB_envinfo info_of(const struct lmdb *lmdb) {
  MDB_envinfo info = {0};
  ASSERT(mdb_env_info(lmdb->env, &info) == 0); /* fails for NULL arguments only */
  return info;
}

static size_t high_water(const struct lmdb *lmdb) {
  return info_of(lmdb).me_last_pgno + 1;
}

/* A write copies its leaf and shares copies of branches, but no page is copied twice; what is new is counted twice,
 * since splits leave pages half empty. */
static size_t estimate(const struct lmdb *lmdb, const struct writeset *set) {
  size_t copied = PAGES_PER_WRITE * set->count;
  size_t used = high_water(lmdb);
  size_t added = 2 * (set->bytes + NODE_SIZE * set->count) / lmdb->page_size;
  return PAGES_FOR_TREES + (copied < used ? copied : used) + added;
}

static int count_free(const struct lmdb *lmdb, size_t *ret_pages) {
  MDB_cursor *cursor;
  int rc = mdb_cursor_open(lmdb->reader, FREE_LIST, &cursor);
  if (rc != 0) {
    return rc;
  }
  MDB_val key;
  MDB_val list;
  size_t pages = 0;
  while ((rc = mdb_cursor_get(cursor, &key, &list, MDB_NEXT)) == 0) {
    size_t count; /* a list starts with its length */
    memcpy(&count, list.mv_data, sizeof count);
    pages += count;
  }
  mdb_cursor_close(cursor);
  *ret_pages = pages;
  return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Pages on the free list of the committed state. */
static int free_pages(struct lmdb *lmdb, size_t *ret_pages) {
  int rc = lmdb_reader_acquire(lmdb);
  return rc != 0 ? rc : count_free(lmdb, ret_pages);
}

static size_t size_before(const struct lmdb *lmdb, const struct write *write) {
  MDB_val key = lmdb_val(write->key);
  MDB_val value;
  int rc = mdb_get(lmdb->reader, lmdb->spaces[write->space], &key, &value);
  return rc == 0 ? write->key.size + value.mv_size : 0;
}

/* Needs a live reader. */
static bool makes_smaller(const struct lmdb *lmdb, const struct writeset *set) {
  size_t before = 0;
  size_t after = 0;
  for (size_t i = 0; i < set->count; i++) {
    const struct write *write = set->sorted[i];
    before += size_before(lmdb, write);
    after += write->deleted ? 0 : write->key.size + write->value.size;
  }
  return after < before;
}

/* LMDB keeps it at least as large as what is used. */
static int resize(struct lmdb *lmdb, size_t size) {
  lmdb_reader_release(lmdb);
  int rc = mdb_env_set_mapsize(lmdb->env, size);
  lmdb->map_size = size;
  return rc;
}

/* Whether it certainly fits: the pages, counted generously, and the reserve. */
static enum err fits(struct lmdb *lmdb, size_t needed) {
  size_t free = 0;
  if (free_pages(lmdb, &free) != 0) {
    return ERR_COMMIT;
  }
  return high_water(lmdb) + needed <= lmdb->map_size_max / lmdb->page_size + free ? ERR_OK : ERR_FULL;
}

enum err lmdb_pages_admit(struct lmdb *lmdb, const struct writeset *set) {
  size_t reserve = reserve_pages(lmdb);
  size_t needed = estimate(lmdb, set) + reserve;
  lmdb->ceiling = lmdb->map_size_max;
  if (high_water(lmdb) + needed <= lmdb->map_size_max / lmdb->page_size) {
    return ERR_OK;
  }
  if (lmdb_reader_acquire(lmdb) != 0) {
    return ERR_COMMIT;
  }
  bool smaller = makes_smaller(lmdb, set);
  if (lmdb->copying) {
    return smaller ? ERR_OK : fits(lmdb, needed);
  }
  lmdb->ceiling -= smaller ? 0 : reserve * lmdb->page_size;
  return lmdb->map_size <= lmdb->ceiling || resize(lmdb, lmdb->ceiling) == 0 ? ERR_OK : ERR_COMMIT;
}

static size_t doubled(const struct lmdb *lmdb, size_t size) {
  return size > lmdb->ceiling / 2 ? lmdb->ceiling : size * 2;
}

int lmdb_pages_ahead(struct lmdb *lmdb, const struct writeset *set) {
  size_t used = (high_water(lmdb) + estimate(lmdb, set)) * lmdb->page_size;
  size_t size = lmdb->map_size;
  if (lmdb->copying) {
    return 0;
  }
  while (used / 4 > size / 5 && size < lmdb->ceiling) {
    size = doubled(lmdb, size);
  }
  return size == lmdb->map_size ? 0 : resize(lmdb, size);
}

/* Rewrites the layout record with what it already says: a transaction that changes nothing but LMDB's clock. */
static int turn(struct lmdb *lmdb) {
  lmdb_reader_release(lmdb); /* a snapshot of the time before would keep the pages from being free */
  MDB_txn *txn;
  int rc = mdb_txn_begin(lmdb->env, NULL, 0, &txn);
  if (rc != 0) {
    return rc;
  }
  MDB_val key = lmdb_val(STORE_LAYOUT_KEY);
  MDB_val old;
  rc = mdb_get(txn, lmdb->spaces[STORE_META], &key, &old);
  if (rc == 0) {
    uint8_t copy[sizeof(uint32_t)];
    memcpy(copy, old.mv_data, sizeof copy); /* the size was checked at opening */
    rc = mdb_put(txn, lmdb->spaces[STORE_META], &key, &(MDB_val){sizeof copy, copy}, 0);
  }
  if (rc != 0) {
    mdb_txn_abort(txn);
    return rc;
  }
  return mdb_txn_commit(txn);
}

bool lmdb_pages_make_room(struct lmdb *lmdb, int *ret_rc) {
  *ret_rc = 0;
  if (lmdb->map_size < lmdb->ceiling) {
    if (lmdb->copying) {
      return false;
    }
    *ret_rc = resize(lmdb, doubled(lmdb, lmdb->map_size));
    return *ret_rc == 0;
  }
  if (info_of(lmdb).me_last_txnid == lmdb->turned_at) {
    return false; /* nothing was given back since */
  }
  int rc = turn(lmdb);
  lmdb->turned_at = info_of(lmdb).me_last_txnid;
  *ret_rc = rc == MDB_MAP_FULL ? 0 : rc;
  return rc == 0;
}

static int count_entries(const struct lmdb *lmdb, uint64_t *ret_entries) {
  uint64_t entries = 0;
  for (size_t i = 0; i < STORE_SPACES; i++) {
    MDB_stat stat;
    int rc = mdb_stat(lmdb->reader, lmdb->spaces[i], &stat);
    if (rc != 0) {
      return rc;
    }
    entries += stat.ms_entries;
  }
  *ret_entries = entries;
  return 0;
}

enum err lmdb_pages_stats(struct lmdb *lmdb, struct store_stats *ret_stats) {
  size_t free = 0;
  if (free_pages(lmdb, &free) != 0 || count_entries(lmdb, &ret_stats->entries) != 0) {
    return ERR_IO;
  }
  size_t used = high_water(lmdb);
  ret_stats->bytes_used = (used > free ? used - free : 0) * lmdb->page_size;
  ret_stats->bytes_max = lmdb->map_size_max - reserve_pages(lmdb) * lmdb->page_size;
  return ERR_OK;
}
