/*
 * bench-ceiling — how fast this machine could be: the same frames over the same CURVE, and the least to be done with
 * them.
 *
 * ROUTER → the frame and every event decoded → ledger.h (a record rewritten at random, one appended, all that waits in
 * one synced transaction, on a thread of its own) → receipts after the commit. It checks no signature, no digest, no
 * right, no duplicate, and runs no chart.
 *
 * While a commit is in flight the next batch is collected. Prints "endpoint E" when it is ready; ends with SIGTERM.
 *
 *   --endpoint E --server-key FILE --data DIR --cases N
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common.h"
#include "kurator/v1/envelope.pb-c.h"
#include "ledger.h"
#include "proto/envelope.h"
#include "wire/frame.h"
#include "wire/keys.h"

enum { ENDPOINT_BYTES = 256, PEER_BYTES = 255, TURN_MESSAGES = 256, ENVELOPES_MAX = 4096 };

/* An envelope whose receipts are owed. */
struct owed {
  uint8_t peer[PEER_BYTES];
  size_t peer_size;
  char participant[PARTICIPANT_ID_MAX + 1];
  uint64_t first_sequence;
  size_t count;
};
struct batch {
  struct ledger_batch keys;
  struct owed *owed;
  size_t owed_count;
};

struct ceiling {
  const char *endpoint, *server_key, *data_dir;
  uint64_t cases;

  void *context, *router;
  struct ledger *ledger;
  struct batch batches[2];
  struct batch *open, *flight; /* flight: NULL when nothing is in flight */
  struct arena arena;
  struct writer frame;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

/* ---- answers ---- */

static void send_frame(struct ceiling *ceiling, struct span peer, const Kurator__V1__Frame *frame) {
  writer_reset(&ceiling->frame);
  frame_write(frame, &ceiling->frame);
  if (zmq_send(ceiling->router, peer.data, peer.size, ZMQ_SNDMORE) < 0 ||
      zmq_send(ceiling->router, ceiling->frame.data, ceiling->frame.size, 0) < 0) {
    bench_die("send: %s", zmq_strerror(zmq_errno()));
  }
}

static void answer(struct ceiling *ceiling, const struct owed *owed) {
  Kurator__V1__Receipt items[ENVELOPE_MESSAGES_MAX];
  Kurator__V1__Receipt *list[ENVELOPE_MESSAGES_MAX];
  Kurator__V1__Receipts receipts = KURATOR__V1__RECEIPTS__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  for (size_t i = 0; i < owed->count; i++) {
    kurator__v1__receipt__init(&items[i]);
    items[i].has_sequence = 1;
    items[i].sequence = owed->first_sequence + i;
    items[i].outcome_case = KURATOR__V1__RECEIPT__OUTCOME_ACCEPTED;
    items[i].accepted = owed->first_sequence + i;
    list[i] = &items[i];
  }
  receipts.n_receipts = owed->count;
  receipts.receipts = list;
  frame.participant = frame_text(owed->participant);
  frame.body_case = KURATOR__V1__FRAME__BODY_RECEIPTS;
  frame.receipts = &receipts;
  send_frame(ceiling, span_of(owed->peer, owed->peer_size), &frame);
}

static void welcome(struct ceiling *ceiling, struct span peer, const Kurator__V1__Frame *hello) {
  Kurator__V1__Welcome body = KURATOR__V1__WELCOME__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  body.has_version = 1;
  body.version = WIRE_VERSION;
  frame.participant = hello->participant;
  frame.body_case = KURATOR__V1__FRAME__BODY_WELCOME;
  frame.welcome = &body;
  send_frame(ceiling, peer, &frame);
}

/* ---- what comes ---- */

static void take_event(struct ceiling *ceiling, struct span part) {
  struct ledger_batch *keys = &ceiling->open->keys;
  Kurator__V1__Event *event = kurator__v1__event__unpack(NULL, part.size, part.data);
  if (!event || !event->case_id || strlen(event->case_id) >= BENCH_ID_TEXT) {
    bench_die("an event that cannot be read");
  }
  if (keys->count == keys->capacity) {
    keys->capacity = keys->capacity ? keys->capacity * 2 : 1024;
    keys->keys = realloc(keys->keys, keys->capacity * sizeof *keys->keys);
    ASSERT(keys->keys);
  }
  struct ledger_key *key = &keys->keys[keys->count++];
  key->size = strlen(event->case_id);
  memcpy(key->text, event->case_id, key->size + 1);
  kurator__v1__event__free_unpacked(event, NULL);
}

static struct owed *take_envelope(struct ceiling *ceiling, struct span peer, const Kurator__V1__Frame *frame) {
  const ProtobufCBinaryData *bytes = &frame->envelope->header;
  Kurator__V1__EnvelopeHeader *header = kurator__v1__envelope_header__unpack(NULL, bytes->len, bytes->data);
  if (!header || ceiling->open->owed_count == ENVELOPES_MAX || peer.size > PEER_BYTES) {
    bench_die("an envelope that cannot be taken");
  }
  struct owed *owed = &ceiling->open->owed[ceiling->open->owed_count++];
  *owed = (struct owed){.peer_size = peer.size, .first_sequence = header->first_sequence};
  memcpy(owed->peer, peer.data, peer.size);
  (void)snprintf(owed->participant, sizeof owed->participant, "%s", frame->participant);
  kurator__v1__envelope_header__free_unpacked(header, NULL);
  return owed;
}

static struct owed *take_frame(struct ceiling *ceiling, struct span peer, struct span part) {
  Kurator__V1__Frame *frame;
  arena_reset(&ceiling->arena);
  bench_check(frame_read(part, &ceiling->arena, &frame), NULL, "frame");
  if (frame->body_case == KURATOR__V1__FRAME__BODY_ENVELOPE) {
    return take_envelope(ceiling, peer, frame);
  }
  if (frame->body_case == KURATOR__V1__FRAME__BODY_HELLO) {
    welcome(ceiling, peer, frame);
  }
  return NULL;
}

/* A whole message; false when none waits. */
static bool receive(struct ceiling *ceiling) {
  zmq_msg_t peer;
  struct owed *owed = NULL;
  (void)zmq_msg_init(&peer);
  if (zmq_msg_recv(&peer, ceiling->router, ZMQ_DONTWAIT) < 0) {
    return false;
  }
  bool first = true;
  for (bool more = true; more; first = false) {
    zmq_msg_t message;
    (void)zmq_msg_init(&message);
    if (zmq_msg_recv(&message, ceiling->router, 0) < 0) {
      bench_die("receive: %s", zmq_strerror(zmq_errno()));
    }
    struct span part = span_of(zmq_msg_data(&message), zmq_msg_size(&message));
    if (first) {
      owed = take_frame(ceiling, span_of(zmq_msg_data(&peer), zmq_msg_size(&peer)), part);
    } else if (owed && owed->count < ENVELOPE_MESSAGES_MAX) {
      take_event(ceiling, part);
      owed->count++;
    }
    more = zmq_msg_more(&message);
    (void)zmq_msg_close(&message);
  }
  (void)zmq_msg_close(&peer);
  return true;
}

/* ---- batches ---- */

static void begin_commit(struct ceiling *ceiling) {
  if (ceiling->flight || ceiling->open->keys.count == 0) {
    return;
  }
  ceiling->flight = ceiling->open;
  ceiling->open = ceiling->flight == &ceiling->batches[0] ? &ceiling->batches[1] : &ceiling->batches[0];
  ledger_commit(ceiling->ledger, &ceiling->flight->keys);
}

static void end_commit(struct ceiling *ceiling) {
  struct batch *batch = ceiling->flight;
  ledger_done(ceiling->ledger);
  for (size_t i = 0; i < batch->owed_count; i++) {
    answer(ceiling, &batch->owed[i]);
  }
  batch->owed_count = 0;
  batch->keys.count = 0;
  ceiling->flight = NULL;
}

static void serve(struct ceiling *ceiling) {
  zmq_pollitem_t items[] = {{.socket = ceiling->router, .events = ZMQ_POLLIN},
                            {.fd = ledger_fd(ceiling->ledger), .events = ZMQ_POLLIN}};
  while (!stopping || ceiling->flight) {
    if (zmq_poll(items, 2, 200) < 0) {
      continue;
    }
    if (items[1].revents & ZMQ_POLLIN) {
      end_commit(ceiling);
    }
    for (int i = 0; i < TURN_MESSAGES && receive(ceiling); i++) {
    }
    begin_commit(ceiling);
  }
}

/* ---- life ---- */

static void listen_on(struct ceiling *ceiling) {
  struct fault fault = {.err = ERR_OK};
  struct key_pair keys;
  const int server = 1;
  char endpoint[ENDPOINT_BYTES];
  size_t size = sizeof endpoint;
  bench_check(key_pair_load(ceiling->server_key, &keys, &fault), &fault, "server key");
  ceiling->context = zmq_ctx_new();
  ceiling->router = zmq_socket(ceiling->context, ZMQ_ROUTER);
  if (zmq_setsockopt(ceiling->router, ZMQ_CURVE_SERVER, &server, sizeof server) != 0 ||
      zmq_setsockopt(ceiling->router, ZMQ_CURVE_SECRETKEY, keys.connection_secret, KEY_CONNECTION) != 0 ||
      zmq_bind(ceiling->router, ceiling->endpoint) != 0 ||
      zmq_getsockopt(ceiling->router, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0) {
    bench_die("%s: %s", ceiling->endpoint, zmq_strerror(zmq_errno()));
  }
  key_pair_erase(&keys);
  (void)printf("endpoint %s\n", endpoint);
  (void)fflush(stdout);
}

int main(int argc, char **argv) {
  static struct ceiling ceiling;
  const struct bench_option options[] = {
      {.name = "endpoint", .text = &ceiling.endpoint},
      {.name = "server-key", .text = &ceiling.server_key},
      {.name = "data", .text = &ceiling.data_dir},
      {.name = "cases", .number = &ceiling.cases},
      {.name = NULL},
  };
  bench_options(argc, argv, options);
  (void)signal(SIGTERM, on_signal);
  (void)signal(SIGINT, on_signal);
  arena_init(&ceiling.arena, 0);
  writer_init(&ceiling.frame);
  for (size_t i = 0; i < 2; i++) {
    ceiling.batches[i].owed = calloc(ENVELOPES_MAX, sizeof *ceiling.batches[i].owed);
    ASSERT(ceiling.batches[i].owed);
  }
  ceiling.open = &ceiling.batches[0];
  ceiling.ledger = ledger_open(ceiling.data_dir, ceiling.cases);
  listen_on(&ceiling);
  serve(&ceiling);
  const int linger = 0;
  (void)zmq_setsockopt(ceiling.router, ZMQ_LINGER, &linger, sizeof linger);
  (void)zmq_close(ceiling.router);
  (void)zmq_ctx_term(ceiling.context);
  ledger_close(ceiling.ledger);
  for (size_t i = 0; i < 2; i++) {
    free(ceiling.batches[i].owed);
    free(ceiling.batches[i].keys.keys);
  }
  writer_finish(&ceiling.frame);
  arena_finish(&ceiling.arena);
  return EXIT_SUCCESS;
}
