/*
 * wire/wire.h — ZeroMQ on the uv loop: a server that knows who speaks, a client that says why it is not heard.
 *
 * Purpose: carries messages of several parts between a ROUTER (the engine's sockets) and DEALERs (links), encrypted and
 * authenticated by CURVE. It knows keys, limits and connections; what the parts mean is wire/frame.h's and others'
 * business.
 *
 * Identity. Each key is shown to `admit` before the first connection of that key gets through; the ZAP handler answers
 * before a socket is bound, and a domain is enforced, so that no connection gets past it. A message carries the User-Id
 * that ZAP gave to its connection (the key in hexadecimal), never something that the peer says of itself. A key that
 * is revoked later keeps its open connection: the receiver checks the key's state on each message.
 *
 * Life cycle: wire_create → wire_server_open / wire_client_open … → wire_server_close / wire_client_close →
 * wire_destroy, after which the loop has to run once more so that handles can end (uv_run until nothing is left).
 * Threading: everything on the thread of the loop. Callbacks come from the loop, never from inside a call of this room.
 * A callback may send, and may close the server or client that it came from.
 * Ownership: parts are borrowed until the callback returns; what is sent is copied. Options are copied, the texts in
 * them too.
 * Limits: struct wire_limits. A peer that exceeds one is cut off: its connection is shut down, its message dropped.
 * Never: interprets a part, logs (the owner does, from callbacks and wire_server_stats).
 */
#ifndef KURATOR_WIRE_WIRE_H
#define KURATOR_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "wire/keys.h"

struct uv_loop_s;
struct wire;        /* a ZeroMQ context and its ZAP handler on a loop */
struct wire_server; /* a ROUTER */
struct wire_client; /* a DEALER */

struct wire_limits {
  uint32_t part_bytes_max; /* also of the handshake: never under 1 KiB */
  uint32_t message_parts_max;
  uint32_t message_bytes_max; /* sum over the parts */
  uint32_t handshake_ms;
  uint32_t first_message_ms;   /* server: who has not said anything by then is cut off; 0: any time */
  uint32_t heartbeat_ms;       /* a peer that is silent for three of them is gone */
  uint32_t queue_messages_max; /* in each direction, per connection */
  uint32_t turn_messages_max;  /* taken in one turn of the loop, */
  uint32_t turn_bytes_max;     /* server: or until so many bytes have come; one message at least */
  uint32_t turn_rest;       /* server: a turn that took a millisecond or more is followed by so many times its length */
  uint32_t connections_max; /* server: more are cut off at once, before the handshake */
  uint32_t key_connections_max; /* server: of one key, and more are cut off at their first message; 0: any number */
};
/* 1 MiB, 520 parts, 16 MiB, 3 s, 30 s, 5 s, 1,000 messages, 32 messages, 256 KiB, no rest, 4,096 connections, any
 * number of one key. */
struct wire_limits wire_limits_default(void);

/* Asked once per connection, before it is let in; false refuses. The table behind it may change at any time. */
typedef bool (*wire_admit)(void *arg, const char *domain, const uint8_t key[KEY_CONNECTION]);

struct wire_options {
  struct uv_loop_s *loop;
  wire_admit admit; /* NULL for processes with clients only: nobody is let in */
  void *admit_arg;
};
enum err wire_create(const struct wire_options *options, struct wire **ret_wire) MUST_CHECK;
/* All servers and clients must be closed before. NULL-safe, NULLs. */
void wire_destroy(struct wire **at);

/* ---- server ---- */

struct wire_message {
  struct span peer;    /* routing id, to answer with; dead when the connection is */
  struct span user_id; /* connection key in hexadecimal, KEY_CONNECTION_TEXT - 1 digits */
  const struct span *parts;
  size_t count; /* ≥ 1 */
};
typedef void (*wire_on_message)(void *arg, const struct wire_message *message);

struct wire_server_options {
  const char *const *endpoints; /* "ipc:///run/kurator/engine.sock", "tcp://127.0.0.1:*" */
  size_t endpoints_count;
  const char *domain;        /* passed to `admit`: "exchange", "query" */
  const uint8_t *secret_key; /* KEY_CONNECTION bytes */
  struct wire_limits limits;
  wire_on_message on_message;
  /* May be NULL. The connection of `user_id` (empty before it is known) was cut off, and why, in English. */
  void (*on_dropped)(void *arg, struct span user_id, const char *why);
  void *arg;
};
/* Bound and listening when it returns. ERR_IO with the endpoint and reason in `fault`. A stale ipc file of a process
 * that is gone is replaced. */
enum err wire_server_open(struct wire *wire, const struct wire_server_options *options, struct wire_server **ret_server,
                          struct fault *fault) MUST_CHECK;
void wire_server_close(struct wire_server **at); /* NULL-safe; what was sent has 0.5 s to leave */
/* The endpoint as bound, with the port that "*" stood for. Valid while the server is. */
const char *wire_server_endpoint(const struct wire_server *server, size_t index);
/* ERR_UNREACHABLE: no such connection (any more); ERR_BUSY: the peer's queue is full, try again later; ERR_LIMIT: over
 * the limits. All or nothing. */
enum err wire_server_send(struct wire_server *server, struct span peer, const struct span *parts,
                          size_t count) MUST_CHECK;
/* Cuts off the connection from which the message that is being handled came. Only inside on_message. */
void wire_server_drop(struct wire_server *server, const char *why);
/* Something that a peer may do now and then: cuts off once its connection has done more than `most` of it, counted from
 * the last wire_server_forgive. Only inside on_message. */
void wire_server_count(struct wire_server *server, size_t how_much, size_t most, const char *why);
void wire_server_forgive(struct wire_server *server);

struct wire_server_stats {
  uint64_t connections; /* now */
  uint64_t accepted;    /* since the start */
  uint64_t refused;     /* handshakes that failed, wrong keys among them */
  uint64_t dropped;     /* cut off */
  uint64_t outlived;    /* messages to be cut off for, whose connection may have been gone already */
  uint64_t messages_in, messages_out;
  uint64_t bytes_in, bytes_out;
};
struct wire_server_stats wire_server_stats(const struct wire_server *server);

/* ---- client ---- */

enum wire_refusal {
  WIRE_REFUSED_KEY,       /* the server does not admit our key */
  WIRE_REFUSED_HANDSHAKE, /* the handshake broke off: wrong server key, other protocol, server too busy */
};
/* Russian, for a person: "ключ отклонён: …". */
const char *wire_refusal_text(enum wire_refusal refusal);

struct wire_client_options {
  const char *endpoint;
  const uint8_t *server_key; /* KEY_CONNECTION bytes, public */
  const struct key_pair *key_pair;
  struct wire_limits limits;
  uint32_t reconnect_ms;      /* first pause, doubled up to reconnect_max_ms; 0: 100 ms */
  uint32_t reconnect_max_ms;  /* 0: 10 s */
  void (*on_up)(void *arg);   /* connected and let in; nothing of an earlier connection is left in the queues */
  void (*on_down)(void *arg); /* the connection is gone; a new one is being tried */
  void (*on_refused)(void *arg, enum wire_refusal refusal); /* tried again all the same */
  void (*on_message)(void *arg, const struct span *parts, size_t count);
  void (*on_writable)(void *arg); /* after ERR_BUSY: there is room again. May be NULL */
  void *arg;
};
/* Returns at once; the connection comes later. ERR_IO: the endpoint makes no sense. */
enum err wire_client_open(struct wire *wire, const struct wire_client_options *options, struct wire_client **ret_client,
                          struct fault *fault) MUST_CHECK;
void wire_client_close(struct wire_client **at); /* NULL-safe; what was sent has 0.5 s to leave */
bool wire_client_is_up(const struct wire_client *client);
/* ERR_UNREACHABLE: not up; ERR_BUSY: the queue is full; ERR_LIMIT. All or nothing. */
enum err wire_client_send(struct wire_client *client, const struct span *parts, size_t count) MUST_CHECK;

#endif
