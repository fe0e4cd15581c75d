/*
 * A store under test, of one of the kinds that have to keep the same promises, with the few words that the tests need.
 * LMDB lives in a folder of its own under /tmp, removed at the end.
 */
#ifndef KURATOR_TESTS_STORE_FIXTURE_H
#define KURATOR_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#include <cmocka.h>

#include "store/store.h"

enum store_kind { KIND_MEMORY, KIND_LMDB_POLLED, KIND_LMDB_LOOP };

struct fixture {
  enum store_kind kind;
  struct store *store;
  uv_loop_t loop;
  char folder[64];
  size_t map_size;
  size_t map_size_max;
  unsigned done_calls;
  enum err done_result;
};

int fixture_setup_memory(void **state);
int fixture_setup_polled(void **state);
int fixture_setup_loop(void **state);
int fixture_teardown(void **state);

/* Opens the same folder again (what was in memory is gone). */
void fixture_reopen(struct fixture *f);
enum err fixture_try_open(struct fixture *f, bool read_only, struct store **ret_store, struct fault *fault);
void fixture_remove_folder(const char *folder);

/* Starts the commit of the open batch; fixture_settle waits until `done` was called and returns its result. */
void fixture_commit_start(struct fixture *f);
enum err fixture_settle(struct fixture *f);
enum err fixture_commit(struct fixture *f);

void put_text(struct fixture *f, enum store_space space, const char *key, const char *value);
void delete_text(struct fixture *f, enum store_space space, const char *key);
void assert_value(struct fixture *f, enum store_space space, const char *key, const char *value);
void assert_missing(struct fixture *f, enum store_space space, const char *key);
/* begin, put, commit, well. */
void store_text(struct fixture *f, enum store_space space, const char *key, const char *value);

/* A fixed sequence of numbers for made-up operations (splitmix64). */
uint64_t next_random(uint64_t *state);

#endif
