#include "store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fixture *fixture_new(enum store_kind kind) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->kind = kind;
  f->map_size = 4 << 20;
  f->map_size_max = 256 << 20;
  assert_int_equal(uv_loop_init(&f->loop), 0);
  if (kind != KIND_MEMORY) {
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/kurator-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
  }
  return f;
}

enum err fixture_try_open(struct fixture *f, bool read_only, struct store **ret_store, struct fault *fault) {
  if (f->kind == KIND_MEMORY) {
    return store_open_memory(ret_store);
  }
  const struct store_lmdb_options options = {
      .path = f->folder,
      .map_size = f->map_size,
      .map_size_max = f->map_size_max,
      .loop = f->kind == KIND_LMDB_LOOP ? &f->loop : NULL,
      .read_only = read_only,
  };
  return store_open_lmdb(&options, ret_store, fault);
}

static int setup(void **state, enum store_kind kind) {
  struct fixture *f = fixture_new(kind);
  struct fault fault;
  assert_int_equal(fixture_try_open(f, false, &f->store, &fault), ERR_OK);
  *state = f;
  return 0;
}

int fixture_setup_memory(void **state) {
  return setup(state, KIND_MEMORY);
}
int fixture_setup_polled(void **state) {
  return setup(state, KIND_LMDB_POLLED);
}
int fixture_setup_loop(void **state) {
  return setup(state, KIND_LMDB_LOOP);
}

void fixture_remove_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return;
  }
  static const char *const files[] = {"data.mdb", "data.mdb.b2sum", "lock.mdb"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    (void)unlinkat(fd, files[i], 0);
  }
  (void)close(fd);
  (void)rmdir(folder);
}

int fixture_teardown(void **state) {
  struct fixture *f = *state;
  store_close(&f->store);
  assert_null(f->store);
  while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0) {
  }
  assert_int_equal(uv_loop_close(&f->loop), 0);
  if (f->kind != KIND_MEMORY) {
    fixture_remove_folder(f->folder);
  }
  free(f);
  return 0;
}

void fixture_reopen(struct fixture *f) {
  struct fault fault;
  store_close(&f->store);
  assert_int_equal(fixture_try_open(f, false, &f->store, &fault), ERR_OK);
}

static void on_done(void *arg, enum err result) {
  struct fixture *f = arg;
  f->done_calls++;
  f->done_result = result;
}

void fixture_commit_start(struct fixture *f) {
  f->done_calls = 0;
  store_commit(f->store, on_done, f);
  assert_int_equal(f->done_calls, 0);
  assert_true(store_committing(f->store));
}

enum err fixture_settle(struct fixture *f) {
  while (f->done_calls == 0) {
    if (f->kind == KIND_LMDB_LOOP) {
      assert_false(store_poll(f->store));
      (void)uv_run(&f->loop, UV_RUN_ONCE);
    } else {
      assert_true(store_poll(f->store));
    }
  }
  assert_int_equal(f->done_calls, 1);
  return f->done_result;
}

enum err fixture_commit(struct fixture *f) {
  fixture_commit_start(f);
  return fixture_settle(f);
}

void put_text(struct fixture *f, enum store_space space, const char *key, const char *value) {
  store_put(f->store, space, span_of_cstr(key), span_of_cstr(value));
}

void delete_text(struct fixture *f, enum store_space space, const char *key) {
  store_delete(f->store, space, span_of_cstr(key));
}

void assert_value(struct fixture *f, enum store_space space, const char *key, const char *value) {
  struct span found;
  assert_int_equal(store_get(f->store, space, span_of_cstr(key), &found), ERR_OK);
  assert_int_equal(found.size, strlen(value));
  assert_true(span_is(found, value));
}

void assert_missing(struct fixture *f, enum store_space space, const char *key) {
  struct span found = SPAN_LITERAL("untouched");
  assert_int_equal(store_get(f->store, space, span_of_cstr(key), &found), ERR_NOT_FOUND);
  assert_int_equal(found.size, 0);
}

void store_text(struct fixture *f, enum store_space space, const char *key, const char *value) {
  store_begin(f->store);
  put_text(f, space, key, value);
  assert_int_equal(fixture_commit(f), ERR_OK);
}

uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
