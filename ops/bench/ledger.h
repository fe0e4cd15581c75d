/*
 * ops/bench/ledger.h — the least that a durable engine must do with a message: LMDB and nothing else.
 *
 * Purpose: the floor under bench-ceiling. A batch of messages is one synced transaction: of each message's case a
 * record of 512 bytes is read, changed and written back, and a record of 256 bytes is appended.
 *
 * States: idle → (ledger_commit) committing, on a thread of its own → the descriptor of ledger_fd becomes readable →
 * (ledger_done) idle. Threading: all calls from one thread. Ownership: the batch is borrowed until ledger_done.
 */
#ifndef KURATOR_BENCH_LEDGER_H
#define KURATOR_BENCH_LEDGER_H

#include <stdbool.h>

#include "common.h"

struct ledger_key {
  char text[BENCH_ID_TEXT];
  size_t size;
};
struct ledger_batch {
  struct ledger_key *keys;
  size_t count, capacity;
};

struct ledger;
/* Makes the directory and the records of all cases, if they are not there. */
struct ledger *ledger_open(const char *path, uint64_t cases);
void ledger_close(struct ledger *ledger); /* not while a commit is in flight */
int ledger_fd(const struct ledger *ledger);
void ledger_commit(struct ledger *ledger, struct ledger_batch *batch);
void ledger_done(struct ledger *ledger);

#endif
