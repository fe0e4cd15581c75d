/*
 * daemon/handed.h — what a sender has handed over and has no receipt for, so that it is not handed over twice.
 *
 * Purpose: a link that lost its connection says Hello again and repeats all that has no receipt. Copies of what still
 * waits in the inbox would only fill it, and on a held clock for ever: the copy is known here by sequence and digest,
 * and the receipt of the first one answers for both. A message is expected once the present connection has sent it.
 *
 * Life cycle: handed_init → … → handed_finish. Threading: one owner. Limits: as given to handed_init.
 * Never: forgets a message before its receipt.
 */
#ifndef KURATOR_DAEMON_HANDED_H
#define KURATOR_DAEMON_HANDED_H

#include "runtime/runtime.h"

struct handed_item {
  uint64_t sequence;
  uint8_t digest[RUNTIME_DIGEST_SIZE];
  bool answered; /* its place is given back when those before it have gone */
  bool expected;
};

struct handed {
  struct handed_item *items; /* by sequence; the first is never an answered one */
  size_t first, end, capacity;
  size_t count;    /* not answered */
  size_t expected; /* of these */
  size_t count_max;
};

void handed_init(struct handed *handed, size_t count_max);
void handed_finish(struct handed *handed);
/* A new connection: nothing is expected until it is sent again. */
void handed_forget_link(struct handed *handed);
/* True if this very message waits already; from now on the present connection expects its receipt. */
bool handed_again(struct handed *handed, uint64_t sequence, const uint8_t digest[RUNTIME_DIGEST_SIZE]);
bool handed_full(const struct handed *handed);
/* Expected by the present connection. Not when it is full. */
void handed_add(struct handed *handed, uint64_t sequence, const uint8_t digest[RUNTIME_DIGEST_SIZE]);
/* Its receipt has come; one that is not here does nothing. */
void handed_answer(struct handed *handed, uint64_t sequence);

#endif
