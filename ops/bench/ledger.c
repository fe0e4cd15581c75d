#include "ledger.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CASE_BYTES = 512, ENTRY_BYTES = 256, FILL_SLICE = 100000 };
#define MAP_BYTES ((size_t)64 << 30)

struct ledger {
  MDB_env *env;
  MDB_dbi cases, journal;
  uint64_t entries;
  struct ledger_batch *batch; /* NULL: the thread ends */
  pthread_t thread;
  sem_t go;
  int fd;
};

static void check(int rc) {
  if (rc != 0) {
    bench_die("lmdb: %s", mdb_strerror(rc));
  }
}

static MDB_val val_of(void *data, size_t size) {
  return (MDB_val){.mv_size = size, .mv_data = data};
}

/* ---- a batch ---- */

static void rewrite_case(const struct ledger *ledger, MDB_txn *txn, struct ledger_key *key) {
  uint8_t record[CASE_BYTES];
  MDB_val name = val_of(key->text, key->size);
  MDB_val value;
  check(mdb_get(txn, ledger->cases, &name, &value));
  memcpy(record, value.mv_data, sizeof record);
  record[0]++;
  value = val_of(record, sizeof record);
  check(mdb_put(txn, ledger->cases, &name, &value, 0));
}

static void append_entry(struct ledger *ledger, MDB_txn *txn, const struct ledger_key *key) {
  uint8_t record[ENTRY_BYTES] = {0};
  uint64_t number = __builtin_bswap64(++ledger->entries);
  memcpy(record, key->text, key->size);
  MDB_val name = val_of(&number, sizeof number);
  MDB_val value = val_of(record, sizeof record);
  check(mdb_put(txn, ledger->journal, &name, &value, MDB_APPEND));
}

static int key_compare(const void *a, const void *b) {
  return strcmp(((const struct ledger_key *)a)->text, ((const struct ledger_key *)b)->text);
}

static void commit(struct ledger *ledger, struct ledger_batch *batch) {
  MDB_txn *txn;
  qsort(batch->keys, batch->count, sizeof *batch->keys, key_compare); /* neighbours share pages */
  check(mdb_txn_begin(ledger->env, NULL, 0, &txn));
  for (size_t i = 0; i < batch->count; i++) {
    rewrite_case(ledger, txn, &batch->keys[i]);
    append_entry(ledger, txn, &batch->keys[i]);
  }
  check(mdb_txn_commit(txn));
}

static void *work(void *arg) {
  struct ledger *ledger = arg;
  for (;;) {
    while (sem_wait(&ledger->go) != 0) {
    }
    if (!ledger->batch) {
      return NULL;
    }
    commit(ledger, ledger->batch);
    if (eventfd_write(ledger->fd, 1) != 0) {
      bench_die("eventfd");
    }
  }
}

/* ---- life ---- */

static void fill_slice(struct ledger *ledger, uint64_t from, uint64_t end) {
  uint8_t record[CASE_BYTES] = {0};
  MDB_txn *txn;
  check(mdb_txn_begin(ledger->env, NULL, 0, &txn));
  for (uint64_t i = from; i < end; i++) {
    char id[BENCH_ID_TEXT];
    struct span text = bench_case_id(i, id);
    MDB_val name = val_of(id, text.size);
    MDB_val value = val_of(record, sizeof record);
    check(mdb_put(txn, ledger->cases, &name, &value, MDB_APPEND));
  }
  check(mdb_txn_commit(txn));
}

static void open_tables(struct ledger *ledger, uint64_t *ret_cases) {
  MDB_txn *txn;
  MDB_stat cases;
  MDB_stat journal;
  check(mdb_txn_begin(ledger->env, NULL, 0, &txn));
  check(mdb_dbi_open(txn, "case", MDB_CREATE, &ledger->cases));
  check(mdb_dbi_open(txn, "journal", MDB_CREATE, &ledger->journal));
  check(mdb_stat(txn, ledger->cases, &cases));
  check(mdb_stat(txn, ledger->journal, &journal));
  check(mdb_txn_commit(txn));
  ledger->entries = journal.ms_entries;
  *ret_cases = cases.ms_entries;
}

struct ledger *ledger_open(const char *path, uint64_t cases) {
  struct ledger *ledger = calloc(1, sizeof *ledger);
  uint64_t filled = 0;
  ASSERT(ledger);
  if (mkdir(path, 0700) != 0 && errno != EEXIST) {
    bench_die("%s: cannot be made", path);
  }
  check(mdb_env_create(&ledger->env));
  check(mdb_env_set_mapsize(ledger->env, MAP_BYTES));
  check(mdb_env_set_maxdbs(ledger->env, 2));
  check(mdb_env_open(ledger->env, path, 0, 0600));
  open_tables(ledger, &filled);
  for (uint64_t from = filled; from < cases; from += FILL_SLICE) {
    fill_slice(ledger, from, from + FILL_SLICE < cases ? from + FILL_SLICE : cases);
  }
  ledger->fd = eventfd(0, EFD_CLOEXEC);
  if (ledger->fd < 0 || sem_init(&ledger->go, 0, 0) != 0 || pthread_create(&ledger->thread, NULL, work, ledger) != 0) {
    bench_die("no thread");
  }
  return ledger;
}

void ledger_close(struct ledger *ledger) {
  ledger->batch = NULL;
  (void)sem_post(&ledger->go);
  (void)pthread_join(ledger->thread, NULL);
  (void)sem_destroy(&ledger->go);
  (void)close(ledger->fd);
  mdb_env_close(ledger->env);
  free(ledger);
}

int ledger_fd(const struct ledger *ledger) {
  return ledger->fd;
}

void ledger_commit(struct ledger *ledger, struct ledger_batch *batch) {
  ledger->batch = batch;
  (void)sem_post(&ledger->go);
}

void ledger_done(struct ledger *ledger) {
  eventfd_t count;
  (void)eventfd_read(ledger->fd, &count);
}
