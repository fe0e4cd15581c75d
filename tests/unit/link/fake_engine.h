/*
 * An engine for tests of the link: takes envelopes, remembers what it took, gives receipts, sends a stream. It holds
 * the protocol against the link: signatures, digests, sequences without gaps, the same bytes when sent again.
 */
#ifndef KURATOR_TEST_FAKE_ENGINE_H
#define KURATOR_TEST_FAKE_ENGINE_H

#include <uv.h>

#include "proto/envelope.h"
#include "wire/frame.h"
#include "wire/wire.h"

enum { ENGINE_MESSAGES_MAX = 4096, ENGINE_PARTICIPANTS_MAX = 3 };

struct engine_message {
  uint8_t digest[SIGNING_DIGEST];
  char event[32];
  char case_id[32];
  unsigned times; /* seen, duplicates included */
};
struct engine_participant {
  const char *id;
  struct key_public keys;
  struct engine_message messages[ENGINE_MESSAGES_MAX]; /* by sequence - 1 */
  uint64_t sequence;                                   /* highest taken */
  uint64_t stream_end;                                 /* deliveries 1 … stream_end exist */
  uint64_t sent;                                       /* last delivery sent on the present greeting */
  uint64_t acknowledged;
  uint64_t credit_until;
  unsigned hellos;
  uint8_t peer[64];
  size_t peer_size;
};
struct engine {
  struct wire *wire;
  struct wire_server *server;
  struct key_pair keys;
  struct engine_participant participants[ENGINE_PARTICIPANTS_MAX];
  size_t participants_count;
  bool mute_receipts;     /* takes messages, but its receipts get lost */
  bool refuse_all;        /* receipts say refused */
  unsigned busy;          /* so many envelopes are answered by a Refusal with retry */
  unsigned in_flight_max; /* of Welcome, 0: none */
  unsigned envelopes;
  uint64_t largest_envelope;
  unsigned barrier_replies;
  uint64_t barrier_replied; /* number of the last reply */
  uint64_t barrier_sequence, barrier_position;
  struct arena arena;
  struct writer frame;
};

void engine_open(struct engine *engine, uv_loop_t *loop, const char *endpoint);
void engine_close(struct engine *engine); /* what it took stays; engine_start goes on with it */
void engine_start(struct engine *engine, uv_loop_t *loop, const char *endpoint);
struct engine_participant *engine_participant(struct engine *engine, const char *id, const struct key_pair *keys);
/* Puts `count` more deliveries into the stream and sends what credit allows. */
void engine_deliver(struct engine *engine, struct engine_participant *participant, uint64_t count);
void engine_barrier(struct engine *engine, struct engine_participant *participant, uint64_t number);
void engine_finish(struct engine *engine);

#endif
