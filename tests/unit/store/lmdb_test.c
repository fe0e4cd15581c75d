/* What LMDB adds to the contract: files, the lock, the layout, growth, a full map, a failed commit, backups. */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_reopened_store_has_everything(void **state) {
  struct fixture *f = *state;
  for (unsigned i = 0; i < STORE_SPACES; i++) {
    store_text(f, (enum store_space)i, "key", store_space_name((enum store_space)i));
  }
  fixture_reopen(f);
  for (unsigned i = 0; i < STORE_SPACES; i++) {
    assert_value(f, (enum store_space)i, "key", store_space_name((enum store_space)i));
  }
}

static void a_second_opening_is_refused_in_this_process_and_in_another(void **state) {
  struct fixture *f = *state;
  struct store *second = NULL;
  struct fault fault;
  assert_int_equal(fixture_try_open(f, false, &second, &fault), ERR_BUSY);
  assert_int_equal(fault.err, ERR_BUSY);
  assert_int_equal(fixture_try_open(f, true, &second, &fault), ERR_BUSY);
  pid_t child = fork();
  if (child == 0) {
    _exit(fixture_try_open(f, false, &second, &fault) == ERR_BUSY ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  store_text(f, STORE_CASE, "still", "works");
}

static void only_the_owner_can_read_the_files(void **state) {
  struct fixture *f = *state;
  char path[80];
  struct stat info;
  (void)snprintf(path, sizeof path, "%s/data.mdb", f->folder);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 077, 0);
}

static void put_layout(struct fixture *f, struct span record) {
  store_begin(f->store);
  if (record.size > 0) {
    store_put(f->store, STORE_META, SPAN_LITERAL("store/layout"), record);
  } else {
    store_delete(f->store, STORE_META, SPAN_LITERAL("store/layout"));
  }
  assert_int_equal(fixture_commit(f), ERR_OK);
  store_close(&f->store);
}

static void a_newer_layout_is_refused_and_left_untouched(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  put_layout(f, SPAN_LITERAL("\0\0\0\2"));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(fixture_try_open(f, i == 1, &f->store, &fault), ERR_VERSION);
    assert_non_null(strstr(fault.text, "версия базы данных — 2"));
    assert_null(f->store);
  }
}

static void a_database_without_a_whole_layout_record_is_corrupt(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  put_layout(f, SPAN_LITERAL("\0\1"));
  assert_int_equal(fixture_try_open(f, false, &f->store, &fault), ERR_CORRUPT);
}

static void a_database_without_a_layout_record_is_corrupt(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  put_layout(f, (struct span){0});
  assert_int_equal(fixture_try_open(f, false, &f->store, &fault), ERR_CORRUPT);
}

static void a_file_that_is_no_database_is_corrupt(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  char path[80];
  store_close(&f->store);
  (void)snprintf(path, sizeof path, "%s/data.mdb", f->folder);
  int fd = open(path, O_WRONLY | O_TRUNC);
  assert_true(fd >= 0);
  for (int i = 0; i < 1024; i++) {
    assert_int_equal(write(fd, "no database here", 16), 16);
  }
  (void)close(fd);
  assert_int_equal(fixture_try_open(f, false, &f->store, &fault), ERR_CORRUPT);
}

static void a_folder_that_cannot_be_made_is_an_error(void **state UNUSED) {
  struct store *store = NULL;
  struct fault fault;
  const struct store_lmdb_options nowhere = {.path = "/proc/nowhere/database"};
  assert_int_equal(store_open_lmdb(&nowhere, &store, &fault), ERR_IO);
  const struct store_lmdb_options file = {.path = "/proc/self/status"};
  assert_int_equal(store_open_lmdb(&file, &store, &fault), ERR_IO);
  assert_null(store);
}

static void read_only_opens_beside_read_only_and_keeps_writers_out(void **state) {
  struct fixture *f = *state;
  struct store *second = NULL;
  struct store *writer = NULL;
  struct fault fault;
  struct store_stats stats;
  store_text(f, STORE_CASE, "a", "1");
  store_close(&f->store);
  assert_int_equal(fixture_try_open(f, true, &f->store, &fault), ERR_OK);
  assert_int_equal(fixture_try_open(f, true, &second, &fault), ERR_OK);
  assert_value(f, STORE_CASE, "a", "1");
  assert_int_equal(store_stats(second, &stats), ERR_OK);
  assert_int_equal(stats.entries, 2);
  assert_int_equal(fixture_try_open(f, false, &writer, &fault), ERR_BUSY);
  store_close(&second);
}

static void read_only_does_not_make_a_database(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  store_close(&f->store);
  fixture_remove_folder(f->folder);
  assert_int_equal(fixture_try_open(f, true, &f->store, &fault), ERR_IO);
  assert_int_equal(access(f->folder, F_OK), -1);
  assert_int_equal(mkdir(f->folder, 0700), 0);
  assert_int_equal(fixture_try_open(f, true, &f->store, &fault), ERR_IO);
}

static void reopen_with_sizes(struct fixture *f, size_t map_size, size_t map_size_max) {
  store_close(&f->store);
  fixture_remove_folder(f->folder);
  f->map_size = map_size;
  f->map_size_max = map_size_max;
  struct fault fault;
  assert_int_equal(fixture_try_open(f, false, &f->store, &fault), ERR_OK);
}

/* Numbered entries of about a kilobyte, whose bytes follow from the number. */
enum { ENTRY_SIZE = 1000 };

static struct span entry_key(uint32_t number, uint8_t *buffer) {
  for (int i = 0; i < 4; i++) {
    buffer[i] = (uint8_t)(number >> (24 - 8 * i));
  }
  return span_of(buffer, 4);
}

static void put_entries(struct fixture *f, uint32_t first, uint32_t count) {
  uint8_t key[4];
  uint8_t value[ENTRY_SIZE];
  for (uint32_t i = first; i < first + count; i++) {
    memset(value, (int)(i % 251), sizeof value);
    store_put(f->store, STORE_JOURNAL, entry_key(i, key), span_of(value, sizeof value));
  }
}

static enum err commit_entries(struct fixture *f, uint32_t first, uint32_t count) {
  store_begin(f->store);
  put_entries(f, first, count);
  return fixture_commit(f);
}

static enum err commit_deletes(struct fixture *f, uint32_t first, uint32_t count) {
  uint8_t key[4];
  store_begin(f->store);
  for (uint32_t i = first; i < first + count; i++) {
    store_delete(f->store, STORE_JOURNAL, entry_key(i, key));
  }
  return fixture_commit(f);
}

static void assert_entries(struct fixture *f, uint32_t first, uint32_t count) {
  uint8_t key[4];
  struct span value;
  for (uint32_t i = first; i < first + count; i++) {
    assert_int_equal(store_get(f->store, STORE_JOURNAL, entry_key(i, key), &value), ERR_OK);
    assert_int_equal(value.size, ENTRY_SIZE);
    assert_int_equal(value.data[0], i % 251);
    assert_int_equal(value.data[ENTRY_SIZE - 1], i % 251);
  }
}

static uint64_t entries_of(struct fixture *f) {
  struct store_stats stats;
  assert_int_equal(store_stats(f->store, &stats), ERR_OK);
  return stats.entries;
}

static void the_map_grows_as_batches_come(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 64 << 20);
  for (uint32_t i = 0; i < 100; i++) {
    assert_int_equal(commit_entries(f, i * 100, 100), ERR_OK);
    assert_entries(f, i * 100, 100);
  }
  assert_entries(f, 0, 10000);
  fixture_reopen(f);
  assert_entries(f, 0, 10000);
}

static void the_map_grows_for_one_batch_many_times_its_size(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 128 << 20);
  assert_int_equal(commit_entries(f, 0, 30000), ERR_OK);
  assert_entries(f, 0, 30000);
}

static void the_map_grows_while_the_next_batch_is_open(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 128 << 20);
  assert_int_equal(commit_entries(f, 0, 10), ERR_OK);
  store_begin(f->store);
  put_entries(f, 10, 20000);
  fixture_commit_start(f);
  store_begin(f->store);
  put_entries(f, 20010, 10);
  assert_entries(f, 0, 20020);
  assert_int_equal(fixture_settle(f), ERR_OK);
  assert_entries(f, 0, 20020);
  assert_int_equal(fixture_commit(f), ERR_OK);
  assert_entries(f, 0, 20020);
}

/* Fills until the first refusal; returns how many entries are stored. */
static uint32_t fill(struct fixture *f, uint32_t first, uint32_t per_batch) {
  uint32_t stored = first;
  while (commit_entries(f, stored, per_batch) == ERR_OK) {
    stored += per_batch;
    assert_true(stored < 100000);
  }
  assert_int_equal(f->done_result, ERR_FULL);
  return stored;
}

static void a_full_map_refuses_a_batch_whole_and_takes_reads_and_deletes(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 4 << 20);
  uint32_t stored = fill(f, 0, 20);
  assert_true(stored > 1000); /* most of the four megabytes are of use */
  for (int i = 0; i < 5; i++) {
    assert_int_equal(commit_entries(f, stored, 20), ERR_FULL);
    assert_int_equal(entries_of(f), stored + 1);
  }
  assert_entries(f, 0, stored);
  assert_int_equal(commit_deletes(f, 0, stored / 4), ERR_OK);
  assert_int_equal(commit_entries(f, 0, 20), ERR_OK);
  assert_entries(f, 0, 20);
  assert_entries(f, stored / 4, stored - stored / 4);
  fixture_reopen(f);
  assert_entries(f, stored / 4, stored - stored / 4);
}

/* To the last page that puts may have, so that each delete lives on the reserve. */
static void a_map_full_to_the_brim_takes_deletes_all_over(void **state) {
  struct fixture *f = *state;
  uint8_t key[4];
  reopen_with_sizes(f, 1 << 20, 4 << 20);
  uint32_t stored = fill(f, 0, 20);
  for (int round = 0; round < 3; round++) {
    stored = fill(f, stored, 1);
  }
  for (uint32_t step = 0; step < 200; step++) {
    store_begin(f->store);
    for (uint32_t i = step; i < stored; i += 200) {
      store_delete(f->store, STORE_JOURNAL, entry_key(i, key));
    }
    assert_int_equal(fixture_commit(f), ERR_OK);
  }
  assert_int_equal(entries_of(f), 1);
}

static void a_full_map_recovers_every_time(void **state) {
  struct fixture *f = *state;
  struct store_stats stats;
  reopen_with_sizes(f, 1 << 20, 4 << 20);
  for (int round = 0; round < 12; round++) {
    uint32_t stored = fill(f, 0, 7);
    assert_int_equal(store_stats(f->store, &stats), ERR_OK);
    assert_true(stats.bytes_used <= 4 << 20);
    assert_true(stats.bytes_used > stats.bytes_max / 5 * 4);
    /* From both ends, in pieces, each of which has to fit into the reserve. */
    for (uint32_t i = 0; i < stored; i += 50) {
      assert_int_equal(commit_deletes(f, round % 2 ? i : stored - (i + 50 < stored ? i + 50 : stored), 50), ERR_OK);
    }
    assert_int_equal(entries_of(f), 1);
    assert_int_equal(store_stats(f->store, &stats), ERR_OK);
    assert_true(stats.bytes_used < stats.bytes_max / 5);
  }
}

static void a_batch_too_big_for_any_map_is_refused_and_the_next_goes_on(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 4 << 20);
  assert_int_equal(commit_entries(f, 0, 100), ERR_OK);
  assert_int_equal(commit_entries(f, 100, 8000), ERR_FULL);
  assert_int_equal(entries_of(f), 101);
  assert_int_equal(commit_entries(f, 100, 100), ERR_OK);
  assert_entries(f, 0, 200);
}

/* Values with pages of their own. */
enum { BIG = 100000 };

static void put_big(struct fixture *f, uint32_t first, uint32_t count) {
  static const uint8_t big[BIG];
  uint8_t key[4];
  for (uint32_t i = first; i < first + count; i++) {
    store_put(f->store, STORE_STREAM, entry_key(i, key), span_of(big, BIG));
  }
}

static void delete_big(struct fixture *f, uint32_t first, uint32_t count) {
  uint8_t key[4];
  for (uint32_t i = first; i < first + count; i++) {
    store_delete(f->store, STORE_STREAM, entry_key(i, key));
  }
}

static uint32_t fill_big(struct fixture *f) {
  enum err err = ERR_OK;
  uint32_t count = 0;
  while (err == ERR_OK) {
    store_begin(f->store);
    put_big(f, count++, 1);
    err = fixture_commit(f);
  }
  assert_int_equal(err, ERR_FULL);
  assert_int_equal(entries_of(f), count);
  return count - 1;
}

static void big_values_fill_and_free_the_map_too(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 4 << 20);
  for (int round = 0; round < 4; round++) {
    uint32_t count = fill_big(f);
    assert_true(count > 20);
    for (uint32_t i = 0; i < count; i++) {
      store_begin(f->store);
      delete_big(f, i, 1);
      assert_int_equal(fixture_commit(f), ERR_OK);
    }
    assert_int_equal(entries_of(f), 1);
  }
}

static void what_a_delete_gives_back_is_of_use_to_the_very_next_batch(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 4 << 20);
  assert_true(fill_big(f) > 20);
  for (int round = 0; round < 4; round++) {
    store_begin(f->store);
    delete_big(f, 0, 20);
    assert_int_equal(fixture_commit(f), ERR_OK);
    store_begin(f->store);
    put_big(f, 0, 10);
    assert_int_equal(fixture_commit(f), ERR_OK);
  }
}

static void a_batch_that_rests_on_a_refused_one_is_refused_too(void **state) {
  struct fixture *f = *state;
  reopen_with_sizes(f, 1 << 20, 4 << 20);
  store_begin(f->store);
  put_entries(f, 0, 8000);
  fixture_commit_start(f);
  store_begin(f->store);
  assert_entries(f, 0, 1);
  put_text(f, STORE_CASE, "after", "the refused one");
  assert_int_equal(fixture_settle(f), ERR_FULL);
  assert_int_equal(fixture_commit(f), ERR_FULL);
  assert_missing(f, STORE_CASE, "after");
  assert_int_equal(entries_of(f), 1);
  store_text(f, STORE_CASE, "new", "start");
}

static void set_file_limit(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The kernel refuses to write past the limit, so that a write ends short, in the middle of a commit. */
static void a_disk_that_takes_no_more_leaves_what_was_stored_and_is_tried_again(void **state) {
  struct fixture *f = *state;
  assert_int_equal(commit_entries(f, 0, 100), ERR_OK);
  void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
  set_file_limit(400 << 10);
  enum err err = commit_entries(f, 100, 1000);
  enum store_room room = store_room(f->store);
  enum err again = commit_entries(f, 100, 1000);
  set_file_limit(RLIM_INFINITY);
  (void)signal(SIGXFSZ, before);
  assert_int_equal(err, ERR_FULL);
  assert_int_equal(again, ERR_FULL);
  assert_true(room == STORE_DISK_FAILS || room == STORE_DISK_FULL);
  assert_entries(f, 0, 100);
  assert_int_equal(entries_of(f), 101);
  assert_int_equal(commit_entries(f, 100, 1000), ERR_OK);
  assert_int_equal(store_room(f->store), STORE_HAS_ROOM);
  fixture_reopen(f);
  assert_entries(f, 0, 1100);
  assert_int_equal(entries_of(f), 1101);
}

static void assert_is_copy(struct fixture *f, const char *path, uint32_t entries) {
  struct fixture copy = {.kind = KIND_LMDB_POLLED};
  struct fault fault;
  (void)snprintf(copy.folder, sizeof copy.folder, "%s", path);
  assert_int_equal(fixture_try_open(&copy, false, &copy.store, &fault), ERR_OK);
  assert_entries(&copy, 0, entries);
  assert_int_equal(entries_of(&copy), entries + 1);
  assert_int_equal(commit_entries(&copy, entries, 10), ERR_OK);
  store_close(&copy.store);
  assert_entries(f, 0, entries);
}

static void a_backup_is_the_committed_state_while_work_goes_on(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  char path[64];
  char part[80];
  (void)snprintf(path, sizeof path, "%.40s-copy", f->folder);
  (void)snprintf(part, sizeof part, "%s.part", path);
  assert_int_equal(mkdir(part, 0700), 0); /* as a backup leaves it that was cut off */
  assert_int_equal(commit_entries(f, 0, 500), ERR_OK);
  store_begin(f->store);
  put_entries(f, 500, 10);
  assert_int_equal(store_backup(f->store, path, &fault), ERR_OK);
  assert_int_equal(access(part, F_OK), -1);
  assert_int_equal(store_backup(f->store, path, &fault), ERR_EXISTS);
  assert_int_equal(fixture_commit(f), ERR_OK);
  assert_is_copy(f, path, 500);
  assert_entries(f, 0, 510);
  fixture_remove_folder(path);
}

static void a_backup_that_cannot_be_written_leaves_nothing(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  assert_int_equal(store_backup(f->store, "/proc/nowhere/copy", &fault), ERR_IO);
  store_text(f, STORE_CASE, "still", "works");
}

struct copied {
  unsigned calls;
  enum err result;
};

static void note_copied(void *arg, enum err result, const struct fault *fault) {
  struct copied *copied = arg;
  copied->calls++;
  copied->result = result;
  assert_int_equal(fault->text[0] != '\0', result != ERR_OK);
}

static void a_copy_is_made_beside_the_work_and_is_one_committed_state(void **state) {
  struct fixture *f = *state;
  struct copied copied = {.calls = 0};
  char path[64];
  (void)snprintf(path, sizeof path, "%.40s-copy", f->folder);
  assert_int_equal(commit_entries(f, 0, 500), ERR_OK);
  assert_int_equal(store_backup_start(f->store, path, note_copied, &copied), ERR_OK);
  assert_int_equal(store_backup_start(f->store, path, note_copied, &copied), ERR_BUSY);
  unsigned entries = 500;
  while (copied.calls == 0) {
    enum err err = commit_entries(f, entries, 10);
    assert_true(err == ERR_OK || err == ERR_FULL); /* the map does not grow meanwhile */
    entries += err == ERR_OK ? 10 : 0;
    (void)uv_run(&f->loop, UV_RUN_NOWAIT);
  }
  assert_int_equal(copied.calls, 1);
  assert_int_equal(copied.result, ERR_OK);
  struct fixture copy = {.kind = KIND_LMDB_POLLED};
  struct fault fault;
  (void)snprintf(copy.folder, sizeof copy.folder, "%s", path);
  assert_int_equal(fixture_try_open(&copy, true, &copy.store, &fault), ERR_OK);
  unsigned kept = (unsigned)entries_of(&copy) - 1;
  assert_true(kept >= 500 && kept <= entries && kept % 10 == 0);
  assert_entries(&copy, 0, kept);
  store_close(&copy.store);
  assert_entries(f, 0, entries);
  assert_int_equal(commit_entries(f, entries, 5000), ERR_OK); /* and the map grows again */
  fixture_remove_folder(path);
}

static void a_copy_that_was_cut_off_is_corrupt(void **state) {
  struct fixture *f = *state;
  struct fault fault;
  struct store *store = NULL;
  struct stat info;
  char path[64];
  char data[80];
  (void)snprintf(path, sizeof path, "%.40s-copy", f->folder);
  (void)snprintf(data, sizeof data, "%s/data.mdb", path);
  const struct store_lmdb_options options = {.path = path, .read_only = true, .is_copy = true};
  assert_int_equal(commit_entries(f, 0, 500), ERR_OK);
  assert_int_equal(store_backup(f->store, path, &fault), ERR_OK);
  assert_int_equal(store_open_lmdb(&options, &store, &fault), ERR_OK);
  store_close(&store);
  assert_int_equal(stat(data, &info), 0);
  assert_int_equal(truncate(data, info.st_size - 1), 0);
  assert_int_equal(store_open_lmdb(&options, &store, &fault), ERR_CORRUPT);
  assert_int_equal(truncate(data, info.st_size / 2), 0);
  assert_int_equal(store_open_lmdb(&options, &store, &fault), ERR_CORRUPT);
  fixture_remove_folder(path);
}

static void a_copy_that_cannot_be_made_is_told(void **state) {
  struct fixture *f = *state;
  struct copied copied = {.calls = 0};
  assert_int_equal(store_backup_start(f->store, "/proc/nowhere/copy", note_copied, &copied), ERR_OK);
  while (copied.calls == 0) {
    (void)uv_run(&f->loop, UV_RUN_ONCE);
  }
  assert_int_equal(copied.result, ERR_IO);
  store_text(f, STORE_CASE, "still", "works");
}

static void a_store_that_is_closed_waits_for_its_copy(void **state) {
  struct fixture *f = *state;
  struct copied copied = {.calls = 0};
  char path[64];
  (void)snprintf(path, sizeof path, "%.40s-copy", f->folder);
  assert_int_equal(commit_entries(f, 0, 500), ERR_OK);
  assert_int_equal(store_backup_start(f->store, path, note_copied, &copied), ERR_OK);
  fixture_reopen(f);
  (void)uv_run(&f->loop, UV_RUN_NOWAIT);
  assert_int_equal(copied.calls, 0);
  assert_entries(f, 0, 500);
  fixture_remove_folder(path); /* begun or called off: both are right */
}

static void without_a_loop_there_is_no_copy_beside(void **state) {
  struct fixture *f = *state;
  struct copied copied = {.calls = 0};
  assert_int_equal(store_backup_start(f->store, "/tmp/never", note_copied, &copied), ERR_UNSUPPORTED);
}

#define ON_LOOP(promise)                                                                                               \
  { "on a loop: " #promise, promise, fixture_setup_loop, fixture_teardown, NULL }
#define ON_BOTH(promise)                                                                                               \
  {"polled: " #promise, promise, fixture_setup_polled, fixture_teardown, NULL}, {                                      \
    "on a loop: " #promise, promise, fixture_setup_loop, fixture_teardown, NULL                                        \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(a_reopened_store_has_everything),
      ON_BOTH(a_second_opening_is_refused_in_this_process_and_in_another),
      ON_BOTH(only_the_owner_can_read_the_files),
      ON_BOTH(a_newer_layout_is_refused_and_left_untouched),
      ON_BOTH(a_database_without_a_whole_layout_record_is_corrupt),
      ON_BOTH(a_database_without_a_layout_record_is_corrupt),
      ON_BOTH(a_file_that_is_no_database_is_corrupt),
      cmocka_unit_test(a_folder_that_cannot_be_made_is_an_error),
      ON_BOTH(read_only_opens_beside_read_only_and_keeps_writers_out),
      ON_BOTH(read_only_does_not_make_a_database),
      ON_BOTH(the_map_grows_as_batches_come),
      ON_BOTH(the_map_grows_for_one_batch_many_times_its_size),
      ON_BOTH(the_map_grows_while_the_next_batch_is_open),
      ON_BOTH(a_full_map_refuses_a_batch_whole_and_takes_reads_and_deletes),
      ON_BOTH(a_full_map_recovers_every_time),
      ON_BOTH(what_a_delete_gives_back_is_of_use_to_the_very_next_batch),
      ON_BOTH(a_map_full_to_the_brim_takes_deletes_all_over),
      ON_BOTH(a_batch_too_big_for_any_map_is_refused_and_the_next_goes_on),
      ON_BOTH(big_values_fill_and_free_the_map_too),
      ON_BOTH(a_batch_that_rests_on_a_refused_one_is_refused_too),
      ON_BOTH(a_disk_that_takes_no_more_leaves_what_was_stored_and_is_tried_again),
      ON_BOTH(a_backup_is_the_committed_state_while_work_goes_on),
      ON_BOTH(a_backup_that_cannot_be_written_leaves_nothing),
      ON_BOTH(a_copy_that_was_cut_off_is_corrupt),
      ON_LOOP(a_copy_is_made_beside_the_work_and_is_one_committed_state),
      ON_LOOP(a_copy_that_cannot_be_made_is_told),
      ON_LOOP(a_store_that_is_closed_waits_for_its_copy),
      cmocka_unit_test_setup_teardown(without_a_loop_there_is_no_copy_beside, fixture_setup_polled, fixture_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
