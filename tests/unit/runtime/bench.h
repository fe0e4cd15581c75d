/*
 * tests/unit/runtime/bench.h — a runtime on the memory store, with the small exchange of world/ and a notebook.
 *
 * Receipts and deliveries are written down as lines. A restart keeps the store and nothing else.
 */
#ifndef KURATOR_TESTS_RUNTIME_BENCH_H
#define KURATOR_TESTS_RUNTIME_BENCH_H

#include "runtime/config.h"
#include "runtime/runtime.h"

enum { BENCH_NOTES_MAX = 4000 };

struct bench {
  struct config *config;
  const char *processes; /* folder of world/, NULL: "processes" */
  struct casework *casework;
  struct store *store;
  const char *folder; /* of the database, NULL: memory */
  size_t size_max;
  struct runtime *runtime;
  struct runtime_limits limits;
  bool sealed; /* under this key: */
  uint8_t master_key[RUNTIME_KEY_SIZE];
  bool durable_clock, timers_first;
  struct arena arena; /* notes and whatever a test makes */
  const char *receipts[BENCH_NOTES_MAX];
  size_t receipts_count;
  const char *deliveries[BENCH_NOTES_MAX];
  size_t deliveries_count;
  enum err committed;
  struct runtime_acted acted; /* the last act that was told */
};

/* What the bench signs with: a hash under a name. */
void bench_sign(void *arg, struct span statement, struct runtime_signature *ret_signature);
#define BENCH_KEY_ID "bench"

void bench_open(struct bench *b);
/* On a database in this folder; a restart opens it anew. */
void bench_open_lmdb(struct bench *b, const char *folder, size_t size_max);
void bench_close(struct bench *b);
/* What was not committed is gone; the notebook stays. */
void bench_restart(struct bench *b);
/* A restart with the processes of this folder of world/. */
void bench_restart_with(struct bench *b, const char *processes);
/* The error of a start on the store as it is; the runtime that runs must be stopped. */
enum err bench_start_error(struct bench *b);
void bench_stop(struct bench *b);
void bench_start(struct bench *b);

struct bench_message {
  const char *as;
  uint64_t sequence;
  const char *event, *case_id;
  const char *data;     /* JSON, NULL: {} */
  const char *occurred; /* moment, NULL: when it is recorded */
};
/* The digest is made of the content, so that equal messages have equal digests. */
enum err bench_submit(struct bench *b, const struct bench_message *message);
/* Ticks until all is done up to that moment. */
void bench_until(struct bench *b, const char *moment);
/* Submits and works at that moment; returns the receipt: "accepted 3", "duplicate 1", "refused CONFLICT Дело закрыто",
 * "incident 4". */
const char *bench_send(struct bench *b, const char *moment, const struct bench_message *message);
/* The last receipt. */
const char *bench_receipt(const struct bench *b);
/* Lines "participant position kind case subject data | personal". */
bool bench_delivered(const struct bench *b, const char *part);

civil_moment bench_moment(const char *text);
/* All lines of the outcome, or of the journal's export, ended by line feeds. */
const char *bench_outcome(struct bench *b);
const char *bench_export(struct bench *b);
/* How often `part` stands in `text`. */
size_t bench_count(const char *text, const char *part);
/* How many records of all spaces hold these bytes in a key or value. */
size_t bench_records_with(struct bench *b, const char *bytes);
/* How many records of a space stand under this prefix. */
size_t bench_keys(struct bench *b, enum store_space space, struct span prefix);
/* A rehearsal of these lines in a store of its own: the outcome, */
const char *bench_rehearse(struct bench *b, const char *events, const char *until);
/* or its export, then the outcome. */
const char *bench_replay(struct bench *b, const char *events, const char *until);

/* Frequent messages. */
#define BEGIN(sequence, edition, day)                                                                                  \
  &(struct bench_message) {                                                                                            \
    "agency-1", sequence, "begin", "A",                                                                                \
        "{\"edition\":" #edition ",\"day\":\"" day "\",\"place\":\"north\",\"name\":\"Иванов\",\"article\":\"a158\"}", \
        NULL                                                                                                           \
  }
#define VISIT(sequence)                                                                                                \
  &(struct bench_message) {                                                                                            \
    "helper-north", sequence, "visit.done", "A", "{\"note\":\"Тайна\"}", NULL                                          \
  }

#endif
