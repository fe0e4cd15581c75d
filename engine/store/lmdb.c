/*
 * The LMDB backend: one environment, one named database per space, one synced transaction per commit.
 *
 * States of a commit ("job" is the commit in flight, NULL when idle)
 *
 *   IDLE ── lmdb_commit ──▶ STARTED ── try (thread pool, lmdb_poll or lmdb_wait) ──▶ TRIED
 *   TRIED ── ended: stored, refused or failed ──▶ IDLE, then store_settled
 *   TRIED ── map full and room was made ──▶ STARTED
 *
 * lmdb_commit decides first (admission) and grows the map ahead of need; a refused commit goes the same way as the
 * others, so that `done` is never called from inside store_commit. With a loop a job lives until its last callback;
 * store_close, which cannot run the loop, ends the job itself and leaves the empty shell for the callback to free.
 *
 * Invariants
 *  1. A write transaction begins and ends inside one call of try_commit: LMDB binds it to its thread.
 *  2. The map is resized only on the owner's thread, with no job being tried, no copy being made and the reader
 * released.
 *  3. While a job is in flight the reader holds the snapshot from before it: a scan sees one state, whenever it
 *     runs. It is released when the job ends, so it never keeps pages longer than the commit itself does.
 *  4. ERR_FULL means that the transaction was aborted before its meta page was written: the map or the disk had no
 *     room, or the disk took no bytes. Anything less certain is ERR_COMMIT, and the store is not used any more.
 *  5. After store_settled nothing of the backend is touched: `done` may have closed it.
 *
 * A copy (backup_start) runs beside all that, on the pool, with a snapshot of its own; nothing but lmdb.copying tells
 * the others of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "store/backend.h"
#include "store/lmdb_env.h"

enum { READER_CHECK_COMMITS = 4096 };

struct job {
  uv_work_t work;
  uv_sem_t tried;        /* posted by the thread pool, for lmdb_wait */
  struct backend *owner; /* NULL: ended by lmdb_wait, only the memory is left */
  struct writeset *set;
  enum err verdict; /* not ERR_OK: refused, nothing is tried */
  int rc;           /* LMDB's answer to the last try */
};

struct copy {
  uv_work_t work;
  uv_sem_t ended;
  struct backend *owner; /* NULL: closed meanwhile, only the memory is left */
  char path[PATH_MAX];
  enum err err;
  struct fault fault;
  store_copied copied;
  void *arg;
};

struct backend {
  struct lmdb lmdb;
  struct store *store;
  uv_loop_t *loop;   /* NULL: the owner polls */
  struct job *job;   /* in flight */
  struct copy *copy; /* being made */
  uint64_t jobs;
};

int lmdb_reader_acquire(struct lmdb *lmdb) {
  if (lmdb->reader_live) {
    return 0;
  }
  int rc = mdb_txn_renew(lmdb->reader);
  lmdb->reader_live = rc == 0;
  return rc;
}

void lmdb_reader_release(struct lmdb *lmdb) {
  if (lmdb->reader_live) {
    mdb_txn_reset(lmdb->reader);
    lmdb->reader_live = false;
  }
}

static struct span span_of_val(MDB_val val) {
  return span_of(val.mv_data, val.mv_size);
}

static enum err read_error(int rc) {
  switch (rc) {
  case 0:
    return ERR_OK;
  case MDB_NOTFOUND:
    return ERR_NOT_FOUND;
  case MDB_CORRUPTED:
  case MDB_PAGE_NOTFOUND:
  case MDB_BAD_TXN:
    return ERR_CORRUPT;
  default:
    return ERR_IO;
  }
}

static enum err lmdb_get(void *self, enum store_space space, struct span key, struct span *ret_value) {
  struct lmdb *lmdb = &((struct backend *)self)->lmdb;
  TRY(read_error(lmdb_reader_acquire(lmdb)));
  MDB_val name = lmdb_val(key);
  MDB_val value;
  TRY(read_error(mdb_get(lmdb->reader, lmdb->spaces[space], &name, &value)));
  *ret_value = span_of_val(value);
  return ERR_OK;
}

static int seek_back(MDB_cursor *cursor, struct span prefix, MDB_val *key, MDB_val *value) {
  uint8_t buffer[STORE_KEY_MAX];
  *key = lmdb_val(store_prefix_end(prefix, buffer));
  int rc = key->mv_size > 0 ? mdb_cursor_get(cursor, key, value, MDB_SET_RANGE) : MDB_NOTFOUND;
  return mdb_cursor_get(cursor, key, value, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
}

static int seek(MDB_cursor *cursor, const struct store_range *range, MDB_val *key, MDB_val *value) {
  if (range->back) {
    return seek_back(cursor, range->prefix, key, value);
  }
  *key = lmdb_val(range->from);
  return mdb_cursor_get(cursor, key, value, key->mv_size > 0 ? MDB_SET_RANGE : MDB_FIRST);
}

static int visit_all(MDB_cursor *cursor, const struct store_range *range, store_visit visit, void *arg) {
  MDB_val key;
  MDB_val value;
  int rc = seek(cursor, range, &key, &value);
  while (rc == 0 && span_starts_with(span_of_val(key), range->prefix) &&
         visit(arg, span_of_val(key), span_of_val(value))) {
    rc = mdb_cursor_get(cursor, &key, &value, range->back ? MDB_PREV : MDB_NEXT);
  }
  return rc == MDB_NOTFOUND ? 0 : rc;
}

static enum err lmdb_scan(void *self, enum store_space space, const struct store_range *range, store_visit visit,
                          void *arg) {
  struct lmdb *lmdb = &((struct backend *)self)->lmdb;
  TRY(read_error(lmdb_reader_acquire(lmdb)));
  MDB_cursor *cursor;
  TRY(read_error(mdb_cursor_open(lmdb->reader, lmdb->spaces[space], &cursor)));
  int rc = visit_all(cursor, range, visit, arg);
  mdb_cursor_close(cursor);
  return read_error(rc);
}

static int apply_delete(MDB_txn *txn, MDB_dbi space, struct span name) {
  MDB_val key = lmdb_val(name);
  int rc = mdb_del(txn, space, &key, NULL);
  return rc == MDB_NOTFOUND ? 0 : rc;
}

static int apply_put(MDB_txn *txn, MDB_dbi space, const struct write *write, MDB_cursor **cursor) {
  MDB_val key = lmdb_val(write->key);
  MDB_val value = lmdb_val(write->value);
  int rc = *cursor ? 0 : mdb_cursor_open(txn, space, cursor);
  return rc != 0 ? rc : mdb_cursor_put(*cursor, &key, &value, 0);
}

static void cursor_end(MDB_cursor **cursor) {
  if (*cursor) {
    mdb_cursor_close(*cursor);
    *cursor = NULL;
  }
}

/* Keys ascend: one cursor for the puts of a space, since the next key mostly lies on the page of the last. */
static int apply_writes(const struct lmdb *lmdb, MDB_txn *txn, const struct writeset *set) {
  MDB_cursor *cursor = NULL;
  int rc = 0;
  for (size_t i = 0; i < set->count && rc == 0; i++) {
    const struct write *write = set->sorted[i];
    MDB_dbi space = lmdb->spaces[write->space];
    if (write->deleted || (i > 0 && write->space != set->sorted[i - 1]->space)) {
      cursor_end(&cursor);
    }
    rc = write->deleted ? apply_delete(txn, space, write->key) : apply_put(txn, space, write, &cursor);
  }
  cursor_end(&cursor);
  return rc;
}

/* One transaction, from begin to end (invariant 1). Runs on the thread pool: touches no field that the owner changes.
 */
static int try_commit(const struct lmdb *lmdb, const struct writeset *set) {
  MDB_txn *txn;
  int rc = mdb_txn_begin(lmdb->env, NULL, 0, &txn);
  if (rc != 0) {
    return rc;
  }
  rc = apply_writes(lmdb, txn, set);
  if (rc != 0) {
    mdb_txn_abort(txn);
    return rc;
  }
  return mdb_txn_commit(txn);
}

static void try_job(struct job *job) {
  if (job->verdict == ERR_OK) {
    job->rc = try_commit(&job->owner->lmdb, job->set);
  }
}

/* After a failed write of its meta page LMDB refuses every later write transaction; this asks for one. */
static bool env_is_sound(const struct lmdb *lmdb) {
  MDB_txn *txn;
  if (mdb_txn_begin(lmdb->env, NULL, 0, &txn) != 0) {
    return false;
  }
  mdb_txn_abort(txn);
  return true;
}

/* LMDB says EIO when a write ended short, as it does on a disk that gets full in the middle of it. */
static enum store_room room_of(const struct lmdb *lmdb, int rc) {
  switch (rc) {
  case MDB_MAP_FULL:
  case MDB_TXN_FULL:
    return STORE_MAP_FULL;
  case ENOSPC:
  case EDQUOT:
    return STORE_DISK_FULL;
  case EROFS:
    return STORE_DISK_READ_ONLY;
  case EIO:
    return lmdb_env_disk_is_full(lmdb) ? STORE_DISK_FULL : STORE_DISK_FAILS;
  default:
    return STORE_HAS_ROOM;
  }
}

/* Pages are written and synced before the meta page is: a disk that fails there leaves the state of before, whatever
 * became of the pages, for nothing points to them. A failed meta page is told by env_is_sound. */
static enum err commit_error(struct lmdb *lmdb, int rc) {
  lmdb->room = rc == 0 ? STORE_HAS_ROOM : room_of(lmdb, rc);
  if (rc == 0) {
    return ERR_OK;
  }
  return lmdb->room != STORE_HAS_ROOM && env_is_sound(lmdb) ? ERR_FULL : ERR_COMMIT;
}

/* True when the job has ended, with its result; false when it has to be tried again. */
static bool judge(struct job *job, enum err *ret_result) {
  struct lmdb *lmdb = &job->owner->lmdb;
  if (job->verdict != ERR_OK) {
    *ret_result = job->verdict;
    return true;
  }
  if (job->rc == MDB_MAP_FULL) {
    int rc;
    bool room = lmdb_pages_make_room(lmdb, &rc);
    rc = room ? lmdb_reader_acquire(lmdb) : rc;
    if (room && rc == 0) {
      return false;
    }
    job->rc = rc != 0 ? rc : MDB_MAP_FULL;
  }
  *ret_result = commit_error(lmdb, job->rc);
  return true;
}

/* Leaves the state IDLE and tells the store; the caller has seen to the job's memory. */
static void settle(struct backend *backend, enum err result) {
  backend->job = NULL;
  lmdb_reader_release(&backend->lmdb);
  store_settled(backend->store, result);
}

static void job_free(struct job *job) {
  uv_sem_destroy(&job->tried);
  free(job);
}

static void on_pool(uv_work_t *work) {
  struct job *job = work->data;
  try_job(job);
  uv_sem_post(&job->tried);
}

static void on_loop(uv_work_t *work, int status) {
  ASSERT(status == 0); /* nobody cancels it */
  struct job *job = work->data;
  struct backend *backend = job->owner;
  if (!backend) {
    job_free(job);
    return;
  }
  uv_sem_wait(&job->tried); /* already posted */
  enum err result;
  if (!judge(job, &result)) {
    ASSERT(uv_queue_work(backend->loop, work, on_pool, on_loop) == 0);
    return;
  }
  job_free(job);
  settle(backend, result);
}

/* On this thread, after the first try. */
static enum err try_until_ended(struct job *job) {
  enum err result;
  while (!judge(job, &result)) {
    try_job(job);
  }
  return result;
}

static bool lmdb_poll(void *self) {
  struct backend *backend = self;
  struct job *job = backend->job;
  if (backend->loop || !job) {
    return false;
  }
  try_job(job);
  enum err result = try_until_ended(job);
  job_free(job);
  settle(backend, result);
  return true;
}

static void lmdb_wait(void *self) {
  struct backend *backend = self;
  if (lmdb_poll(backend)) {
    return;
  }
  struct job *job = backend->job;
  uv_sem_wait(&job->tried);
  enum err result = try_until_ended(job);
  job->owner = NULL; /* on_loop frees it */
  settle(backend, result);
}

/* Admission, growth and the reader's snapshot (invariant 3), before the thread pool takes over. */
static enum err prepare(struct lmdb *lmdb, const struct writeset *set) {
  enum err err = lmdb_pages_admit(lmdb, set);
  if (err != ERR_OK) {
    lmdb->room = STORE_MAP_FULL;
    return err;
  }
  if (lmdb_pages_ahead(lmdb, set) != 0 || lmdb_reader_acquire(lmdb) != 0) {
    return ERR_COMMIT;
  }
  return ERR_OK;
}

/* A process that died with a snapshot would keep its pages for ever. */
static void check_readers(struct backend *backend) {
  int dead;
  if (backend->jobs++ % READER_CHECK_COMMITS == 0) {
    (void)mdb_reader_check(backend->lmdb.env, &dead);
  }
}

static void lmdb_commit(void *self, struct writeset *set, enum err verdict) {
  struct backend *backend = self;
  struct job *job = calloc(1, sizeof *job);
  ASSERT(job && uv_sem_init(&job->tried, 0) == 0);
  (void)writeset_sorted(set);
  check_readers(backend);
  job->owner = backend;
  job->set = set;
  job->verdict = verdict == ERR_OK ? prepare(&backend->lmdb, set) : verdict;
  job->work.data = job;
  backend->job = job;
  if (backend->loop) {
    ASSERT(uv_queue_work(backend->loop, &job->work, on_pool, on_loop) == 0);
  }
}

static enum err lmdb_stats(void *self, struct store_stats *ret_stats) {
  return lmdb_pages_stats(&((struct backend *)self)->lmdb, ret_stats);
}

static enum store_room lmdb_room(const void *self) {
  return ((const struct backend *)self)->lmdb.room;
}

static enum err lmdb_backup(void *self, const char *path, struct fault *fault) {
  return lmdb_env_backup(&((struct backend *)self)->lmdb, path, fault);
}

/* ---- a copy beside the work ---- */

static void copy_on_pool(uv_work_t *work) {
  struct copy *copy = work->data;
  copy->err = lmdb_env_backup(&copy->owner->lmdb, copy->path, &copy->fault);
  uv_sem_post(&copy->ended);
}

static void copy_on_loop(uv_work_t *work, int status) {
  struct copy *copy = work->data;
  struct backend *backend = copy->owner;
  (void)status;
  if (backend) {
    backend->copy = NULL;
    backend->lmdb.copying = false;
    copy->copied(copy->arg, copy->err, &copy->fault);
  }
  uv_sem_destroy(&copy->ended);
  free(copy);
}

static enum err lmdb_backup_start(void *self, const char *path, store_copied copied, void *arg) {
  struct backend *backend = self;
  if (!backend->loop || backend->copy || strlen(path) >= PATH_MAX) {
    return !backend->loop ? ERR_UNSUPPORTED : backend->copy ? ERR_BUSY : ERR_LIMIT;
  }
  struct copy *copy = calloc(1, sizeof *copy);
  ASSERT(copy && uv_sem_init(&copy->ended, 0) == 0);
  copy->owner = backend;
  copy->copied = copied;
  copy->arg = arg;
  memcpy(copy->path, path, strlen(path) + 1);
  copy->work.data = copy;
  backend->copy = copy;
  backend->lmdb.copying = true;
  ASSERT(uv_queue_work(backend->loop, &copy->work, copy_on_pool, copy_on_loop) == 0);
  return ERR_OK;
}

/* One that has not begun is called off; one that has cannot be. */
static void copy_wait(struct backend *backend) {
  if (backend->copy && uv_cancel((uv_req_t *)&backend->copy->work) != 0) {
    uv_sem_wait(&backend->copy->ended);
  }
  if (backend->copy) {
    backend->copy->owner = NULL; /* copy_on_loop frees it */
  }
}

static void lmdb_close(void *self) {
  struct backend *backend = self;
  ASSERT(!backend->job);
  copy_wait(backend);
  lmdb_env_close(&backend->lmdb);
  free(backend);
}

static const struct store_backend LMDB_BACKEND = {
    .get = lmdb_get,
    .scan = lmdb_scan,
    .commit = lmdb_commit,
    .poll = lmdb_poll,
    .wait = lmdb_wait,
    .stats = lmdb_stats,
    .room = lmdb_room,
    .backup = lmdb_backup,
    .backup_start = lmdb_backup_start,
    .close = lmdb_close,
};

enum err store_open_lmdb(const struct store_lmdb_options *options, struct store **ret_store, struct fault *fault) {
  struct backend *backend = calloc(1, sizeof *backend);
  if (!backend) {
    return fault_set(fault, ERR_NO_MEMORY, "out of memory");
  }
  enum err err = lmdb_env_open(options, &backend->lmdb, fault);
  if (err != ERR_OK) {
    free(backend);
    return err;
  }
  backend->loop = options->loop;
  backend->store = store_new(&LMDB_BACKEND, backend, options->read_only);
  *ret_store = backend->store;
  return ERR_OK;
}
