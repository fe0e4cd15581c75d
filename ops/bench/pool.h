/*
 * ops/bench/pool.h — envelopes made before the clock starts.
 *
 * Purpose: packing, digesting and signing are the sender's work, not the engine's; on one machine they would take the
 * engine's processor. So a connection's envelopes are made in advance, as the bytes that will be sent.
 * Life cycle: pool_make → pool_free. Ownership: everything hangs on the pool.
 */
#ifndef KURATOR_BENCH_POOL_H
#define KURATOR_BENCH_POOL_H

#include "base/value.h"
#include "common.h"
#include "wire/keys.h"

struct pool_envelope {
  struct span frame;
  struct span *parts; /* the events */
};
struct pool {
  struct arena arena;
  struct pool_envelope *envelopes;
  size_t count;
};
struct pool_options {
  const char *participant;
  const struct key_pair *keys;
  uint64_t first_sequence;
  size_t envelopes, messages; /* in each */
  struct span event;
  const struct value *data;
  uint64_t cases, places, place; /* cases whose number modulo `places` is `place` */
  struct bench_random random;
};
void pool_make(struct pool *pool, const struct pool_options *given);
void pool_free(struct pool *pool);

#endif
