/*
 * The files of the LMDB backend: a folder that holds data.mdb and lock.mdb, locked as a whole (flock on the folder
 * itself), so that a second process, or a second opening in this one, is refused. LMDB's own lock file would let both
 * in, and opening one environment twice in a process corrupts its reader table.
 *
 * Opening goes: folder → lock → environment → layout record and spaces → reader. Each step is undone by lmdb_env_close,
 * which takes a half-opened environment.
 */
#include "store/lmdb_env.h"

#include "store/copy_sum.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/words.h"
#include "store/backend.h"

enum {
  FOLDER_MODE = 0700,
  FILE_MODE = 0600,
  SPACES_SPARE = 8,
  MAP_SIZE_MIN = 1 << 20,
  LOCK_FILE_SIZE = 8192,    /* as LMDB makes it, for its 126 readers */
  DISK_FREE_MIN = 16 << 20, /* bytes: a batch may need that much */
};
static const size_t MAP_SIZE_DEFAULT = (size_t)1 << 30;
static const size_t MAP_SIZE_MAX_DEFAULT = (size_t)1 << 40;

/* LMDB's own numbers are negative; beside them it gives the system's. */
static const char *words_of(int number) {
  static const struct {
    int number;
    const char *text;
  } own[] = {
      {MDB_INVALID, "файл другого вида"},      {MDB_CORRUPTED, "страница повреждена"},
      {MDB_PAGE_NOTFOUND, "страницы нет"},     {MDB_VERSION_MISMATCH, "версия LMDB другая"},
      {MDB_MAP_FULL, "база достигла предела"}, {MDB_NOTFOUND, "записи нет"},
      {MDB_INCOMPATIBLE, "устроено иначе"},
  };
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    if (own[i].number == number) {
      return own[i].text;
    }
  }
  return number < 0 ? mdb_strerror(number) : words_of_system(number);
}

static enum err io_error(const char *what, int number, struct fault *fault) {
  enum err err = number == ENOSPC || number == EDQUOT ? ERR_FULL : ERR_IO;
  return fault_set(fault, err, "%s: %s", what, words_of(number));
}

static void close_directory(const int *directory) {
  if (*directory >= 0) {
    (void)close(*directory);
  }
}

/* A new name is durable once its folder is synced. */
static int sync_parent(int directory) {
  int DEFER(close_directory) parent = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return parent < 0 ? -1 : fsync(parent);
}

static enum err open_folder(const struct store_lmdb_options *options, struct lmdb *lmdb, struct fault *fault) {
  bool made = !options->read_only && mkdir(options->path, FOLDER_MODE) == 0;
  if (!made && !options->read_only && errno != EEXIST) {
    return io_error("папка базы данных не создаётся", errno, fault);
  }
  lmdb->directory = open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lmdb->directory < 0) {
    return fault_set(fault, ERR_IO, "папка базы данных не открывается: %s", words_of_system(errno));
  }
  if (made && sync_parent(lmdb->directory) != 0) {
    return fault_set(fault, ERR_IO, "папка над базой данных не записывается на диск: %s", words_of_system(errno));
  }
  return ERR_OK;
}

/* Readers share the folder with readers, a writer shares it with nobody. */
static enum err lock_folder(const struct lmdb *lmdb, struct fault *fault) {
  if (flock(lmdb->directory, (lmdb->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) {
    return ERR_OK;
  }
  if (errno == EWOULDBLOCK) {
    return fault_set(fault, ERR_BUSY, "база данных открыта другим процессом");
  }
  return fault_set(fault, ERR_IO, "папка базы данных не запирается: %s", words_of_system(errno));
}

static enum err open_error(int rc, struct fault *fault) {
  switch (rc) {
  case MDB_INVALID:
  case MDB_CORRUPTED:
    return fault_set(fault, ERR_CORRUPT, "data.mdb повреждён или это не база данных: %s", words_of(rc));
  case MDB_VERSION_MISMATCH:
    return fault_set(fault, ERR_VERSION, "data.mdb записан в другом формате: %s", words_of(rc));
  default:
    return io_error("база данных не открывается", rc, fault);
  }
}

static size_t size_or(size_t size, size_t otherwise) {
  size = size == 0 ? otherwise : size;
  return size < MAP_SIZE_MIN ? MAP_SIZE_MIN : size;
}

static size_t rounded_up(size_t size, size_t page) {
  return (size + page - 1) / page * page;
}

/* Sizes as asked for, in whole pages of the system; an environment that is larger already keeps its own. */
static int set_limits(const struct store_lmdb_options *options, struct lmdb *lmdb) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  lmdb->map_size_max = rounded_up(size_or(options->map_size_max, MAP_SIZE_MAX_DEFAULT), page);
  size_t size = rounded_up(size_or(options->map_size, MAP_SIZE_DEFAULT), page);
  int rc = mdb_env_set_maxdbs(lmdb->env, STORE_SPACES + SPACES_SPARE);
  return rc != 0 ? rc : mdb_env_set_mapsize(lmdb->env, size > lmdb->map_size_max ? lmdb->map_size_max : size);
}

static int read_limits(struct lmdb *lmdb) {
  MDB_envinfo info;
  MDB_stat stat;
  int rc = mdb_env_info(lmdb->env, &info);
  rc = rc != 0 ? rc : mdb_env_stat(lmdb->env, &stat);
  if (rc == 0) {
    lmdb->page_size = stat.ms_psize;
    lmdb->map_size = info.me_mapsize;
    lmdb->map_size_max = info.me_mapsize > lmdb->map_size_max ? info.me_mapsize : lmdb->map_size_max;
  }
  return rc;
}

/* LMDB makes the file with a hole and writes to it through memory: on a full disk that would end the process. */
static enum err make_lock_file(const struct lmdb *lmdb, struct fault *fault) {
  int DEFER(close_directory) file = openat(lmdb->directory, "lock.mdb", O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
  if (file < 0) {
    return io_error("файл блокировки базы данных не открывается", errno, fault);
  }
  int number = posix_fallocate(file, 0, LOCK_FILE_SIZE);
  return number == 0 ? ERR_OK : io_error("файл блокировки базы данных не создаётся", number, fault);
}

/* A reader needs no lock file of LMDB, since the locked folder keeps writers out; so it works on a read-only disk. */
static enum err open_env(const struct store_lmdb_options *options, struct lmdb *lmdb, struct fault *fault) {
  unsigned flags = MDB_NOTLS | (lmdb->read_only ? MDB_RDONLY | MDB_NOLOCK : 0u);
  int dead;
  int rc = mdb_env_create(&lmdb->env);
  rc = rc != 0 ? rc : set_limits(options, lmdb);
  rc = rc != 0 ? rc : mdb_env_open(lmdb->env, options->path, flags, FILE_MODE);
  rc = rc != 0 ? rc : mdb_reader_check(lmdb->env, &dead);
  rc = rc != 0 ? rc : read_limits(lmdb);
  if (rc != 0) {
    return open_error(rc, fault);
  }
  if (!lmdb->read_only && fsync(lmdb->directory) != 0) {
    return fault_set(fault, ERR_IO, "папка базы данных не записывается на диск: %s", words_of_system(errno));
  }
  return ERR_OK;
}

/* Reading a page past the end of the file would end the process. A database that is written may end before its last
 * page, if that was given back before it was used; a copy is as long as it says. */
static enum err check_whole(const struct lmdb *lmdb, struct fault *fault) {
  struct stat status;
  MDB_envinfo info;
  int DEFER(close_directory) data = openat(lmdb->directory, "data.mdb", O_RDONLY | O_CLOEXEC);
  if (data < 0 || fstat(data, &status) != 0 || mdb_env_info(lmdb->env, &info) != 0) {
    return fault_set(fault, ERR_IO, "файл базы данных не читается: %s", words_of_system(errno));
  }
  if ((size_t)status.st_size / lmdb->page_size <= info.me_last_pgno) {
    return fault_set(fault, ERR_CORRUPT, "копия обрывается: она не дописана");
  }
  return ERR_OK;
}

static bool env_is_new(MDB_txn *txn) {
  MDB_dbi names;
  MDB_stat stat;
  return mdb_dbi_open(txn, NULL, 0, &names) == 0 && mdb_stat(txn, names, &stat) == 0 && stat.ms_entries == 0;
}

static enum err check_layout(const struct lmdb *lmdb, MDB_txn *txn, struct fault *fault) {
  MDB_val key = lmdb_val(STORE_LAYOUT_KEY);
  MDB_val value;
  int rc = mdb_get(txn, lmdb->spaces[STORE_META], &key, &value);
  if (rc != 0 || value.mv_size != sizeof(uint32_t)) {
    return fault_set(fault, ERR_CORRUPT, "в базе данных нет записи о её версии");
  }
  const uint8_t *bytes = value.mv_data;
  uint32_t version = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  if (version < 1 || version > STORE_LAYOUT_VERSION) {
    return fault_set(fault, ERR_VERSION, "версия базы данных — %u, эта программа знает версии с 1 по %d", version,
                     STORE_LAYOUT_VERSION);
  }
  return ERR_OK;
}

static int open_spaces(struct lmdb *lmdb, MDB_txn *txn) {
  int rc = 0;
  for (unsigned i = 0; i < STORE_SPACES && rc == 0; i++) {
    rc = mdb_dbi_open(txn, store_space_name((enum store_space)i), lmdb->read_only ? 0 : MDB_CREATE, &lmdb->spaces[i]);
  }
  return rc;
}

static int put_layout(const struct lmdb *lmdb, MDB_txn *txn) {
  uint8_t version[sizeof(uint32_t)] = {0, 0, 0, STORE_LAYOUT_VERSION};
  MDB_val key = lmdb_val(STORE_LAYOUT_KEY);
  return mdb_put(txn, lmdb->spaces[STORE_META], &key, &(MDB_val){sizeof version, version}, 0);
}

/* A new database gets its spaces and its layout record in one transaction; of an old one the record is read first,
 * before anything is changed. */
static enum err open_layout(struct lmdb *lmdb, MDB_txn *txn, struct fault *fault) {
  bool is_new = env_is_new(txn);
  if (is_new && lmdb->read_only) {
    return fault_set(fault, ERR_CORRUPT, "база данных пуста");
  }
  if (!is_new) {
    int rc = mdb_dbi_open(txn, store_space_name(STORE_META), 0, &lmdb->spaces[STORE_META]);
    if (rc != 0) {
      return fault_set(fault, ERR_CORRUPT, "это не база данных Куратора: %s", words_of(rc));
    }
    TRY(check_layout(lmdb, txn, fault));
  }
  int rc = open_spaces(lmdb, txn);
  rc = rc == 0 && is_new ? put_layout(lmdb, txn) : rc;
  return rc == 0 ? ERR_OK : open_error(rc, fault);
}

static enum err open_records(struct lmdb *lmdb, struct fault *fault) {
  MDB_txn *txn;
  int rc = mdb_txn_begin(lmdb->env, NULL, lmdb->read_only ? MDB_RDONLY : 0u, &txn);
  if (rc != 0) {
    return open_error(rc, fault);
  }
  enum err err = open_layout(lmdb, txn, fault);
  if (err != ERR_OK) {
    mdb_txn_abort(txn);
    return err;
  }
  rc = mdb_txn_commit(txn);
  rc = rc != 0 ? rc : mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->reader);
  if (rc != 0) {
    return open_error(rc, fault);
  }
  mdb_txn_reset(lmdb->reader);
  return ERR_OK;
}

static enum err open_all(const struct store_lmdb_options *options, struct lmdb *lmdb, struct fault *fault) {
  TRY(open_folder(options, lmdb, fault));
  TRY(lock_folder(lmdb, fault));
  TRY(lmdb->read_only ? ERR_OK : make_lock_file(lmdb, fault));
  TRY(open_env(options, lmdb, fault));
  TRY(options->is_copy ? check_whole(lmdb, fault) : ERR_OK);
  return open_records(lmdb, fault);
}

enum err lmdb_env_open(const struct store_lmdb_options *options, struct lmdb *lmdb, struct fault *fault) {
  *lmdb = (struct lmdb){.directory = -1, .read_only = options->read_only};
  enum err err = open_all(options, lmdb, fault);
  if (err != ERR_OK) {
    lmdb_env_close(lmdb);
  }
  return err;
}

void lmdb_env_close(struct lmdb *lmdb) {
  if (lmdb->reader) {
    mdb_txn_abort(lmdb->reader);
  }
  if (lmdb->env) {
    mdb_env_close(lmdb->env);
  }
  close_directory(&lmdb->directory); /* and with it the lock */
  *lmdb = (struct lmdb){.directory = -1};
}

bool lmdb_env_disk_is_full(const struct lmdb *lmdb) {
  struct statvfs disk;
  return fstatvfs(lmdb->directory, &disk) == 0 && disk.f_bavail < DISK_FREE_MIN / disk.f_frsize;
}

static enum err backup_error(int rc, struct fault *fault) {
  enum err err = rc == ENOSPC || rc == EDQUOT ? ERR_FULL : ERR_IO;
  return fault_set(fault, err, "копия не записана: %s", words_of(rc));
}

static int sync_copy(int directory) {
  int DEFER(close_directory) data = openat(directory, "data.mdb", O_RDONLY | O_CLOEXEC);
  return data >= 0 && fsync(data) == 0 && fsync(directory) == 0 ? 0 : errno;
}

static int copy_into(const struct lmdb *lmdb, const char *part) {
  int DEFER(close_directory) directory = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    return errno;
  }
  int rc = mdb_env_copy2(lmdb->env, part, MDB_CP_COMPACT);
  rc = rc != 0 ? rc : copy_sum_write(directory);
  return rc != 0 ? rc : sync_copy(directory);
}

static void remove_copy(const char *part) {
  static const char *const files[] = {"data.mdb", COPY_SUM_FILE};
  char path[PATH_MAX];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (snprintf(path, sizeof path, "%s/%s", part, files[i]) < (int)sizeof path) {
      (void)unlink(path);
    }
  }
  (void)rmdir(part);
}

static int publish_copy(const char *part, const char *path) {
  if (rename(part, path) != 0) {
    return errno;
  }
  int DEFER(close_directory) directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return directory >= 0 && sync_parent(directory) == 0 ? 0 : errno;
}

/* Written beside its place and renamed when it is durable: a folder with the final name is a whole backup. */
enum err lmdb_env_backup(struct lmdb *lmdb, const char *path, struct fault *fault) {
  char part[PATH_MAX];
  if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
    return fault_set(fault, ERR_LIMIT, "путь к копии слишком длинный");
  }
  if (access(path, F_OK) == 0) {
    return fault_set(fault, ERR_EXISTS, "папка копии уже есть; назовите новую");
  }
  remove_copy(part); /* what an earlier backup left that was cut off */
  if (mkdir(part, FOLDER_MODE) != 0) {
    return fault_set(fault, ERR_IO, "папка копии не создаётся: %s", words_of_system(errno));
  }
  int rc = copy_into(lmdb, part);
  rc = rc != 0 ? rc : publish_copy(part, path);
  if (rc != 0) {
    remove_copy(part);
    return backup_error(rc, fault);
  }
  return ERR_OK;
}
