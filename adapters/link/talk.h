/*
 * link/talk.h — how the parts of the link hang together. For this room only.
 *
 * A link has connections (one per distinct connection key) and members (one per participant), each member on one
 * connection.
 *
 *   member:  SILENT ── connection up: Hello ──→ GREETED ── Welcome ──→ WELCOMED
 *              ↑                                  │ no answer            │
 *              └── connection down, something went wrong: a pause ──────┴┘
 *
 * Invariants:
 *  1. Nothing is sent that is not committed: the flush runs from the loop, with no transaction open.
 *  2. `sent` counts on this greeting only: after a Hello everything without receipt is sent again, in order.
 *  3. in_flight = messages without receipt with sequence ≤ sent; pending = all without receipt. Both fall only with a
 * stored receipt.
 *  4. A position is acknowledged only after the commit that stored it.
 *  5. After any failed or undone transaction the counters are read again from the spool.
 */
#ifndef KURATOR_LINK_TALK_H
#define KURATOR_LINK_TALK_H

#include <uv.h>

#include "link/spool.h"
#include "proto/envelope.h"
#include "wire/frame.h"

enum {
  TALK_CREDIT = 256,     /* deliveries that may be under way to us */
  TALK_IN_FLIGHT = 4096, /* messages without receipt, unless the engine says otherwise */
  TALK_BATCH = 256,      /* messages in one envelope */
  TALK_BATCH_BYTES = 4 << 20,
  TALK_ENVELOPES_PER_TURN = 8,
  TALK_WELCOME_MS = 10000, /* then Hello again */
  TALK_PAUSE_MS = 500,     /* first pause after something went wrong, doubled up to TALK_PAUSE_MAX_MS */
  TALK_PAUSE_MAX_MS = 30000,
};

enum talk_state { TALK_SILENT, TALK_GREETED, TALK_WELCOMED };

struct connection {
  struct link *link;
  struct wire_client *client;
  struct key_pair keys;
  uint64_t barrier;  /* last number asked for */
  bool barrier_open; /* and not yet answered */
};

struct member {
  struct link *link;
  struct connection *connection;
  char id[PARTICIPANT_ID_MAX + 1];
  struct signing_pair signing;
  struct spool_participant state;
  enum talk_state talk;
  uint64_t sent;
  uint64_t in_flight;
  uint64_t in_flight_max;
  uint32_t batch_messages;
  uint32_t batch_bytes;
  uint32_t pause_ms;
  bool barred;      /* the engine refused this participant until something is mended; nobody waits for it */
  uv_timer_t timer; /* the next Hello */
};

enum transaction { TRANSACTION_NONE, TRANSACTION_USER, TRANSACTION_CALLBACK };

struct link {
  struct link_options options; /* texts in it are the caller's and forgotten after link_open */
  char *agent;
  struct spool *spool;
  enum transaction transaction;
  struct connection *connections;
  size_t connections_count;
  struct member *members;
  size_t members_count;
  uv_timer_t flush;
  size_t handles_open;
  uint64_t barrier;            /* number that on_barrier was called with last */
  bool barrier_done;           /* and answered by link_barrier_done */
  bool rescan;                 /* a connection was lost since: the next barrier is a new one, whatever its number */
  struct envelope_draft draft; /* scratch */
  struct arena arena;          /* of the frame that is being handled */
  struct writer frame;
  struct writer header;
};

/* ---- link.c ---- */
struct span member_id(const struct member *member);
struct member *link_member(struct link *link, const char *id); /* NULL: none */
void link_status(struct link *link, const char *text);
void link_flush_soon(struct link *link);
/* Begins the transaction around callbacks; end commits. On failure everything is read again and the member greets
 * anew. */
enum err link_callback_begin(struct link *link) MUST_CHECK;
enum err link_callback_end(struct link *link) MUST_CHECK;
void link_reload(struct link *link);
/* Sends a frame and its parts on the member's connection. */
enum err connection_send(struct connection *connection, const Kurator__V1__Frame *frame, const struct span *parts,
                         size_t count) MUST_CHECK;
Kurator__V1__Frame member_frame(struct member *member, Kurator__V1__Frame__BodyCase body);

/* ---- greeting.c: Hello, Welcome, pauses ---- */
void member_hello(struct member *member);
void member_silent(struct member *member);                     /* the connection is gone */
void member_restart(struct member *member, uint32_t pause_ms); /* 0: growing pauses */
void member_on_welcome(struct member *member, const Kurator__V1__Welcome *welcome);
void member_on_refusal(struct member *member, const Kurator__V1__Refusal *refusal);
void member_on_timer(uv_timer_t *timer);

/* ---- outgoing.c: envelopes and receipts ---- */
/* False when there is more to send than fits in one turn. */
bool member_flush(struct member *member);
void member_on_receipts(struct member *member, const Kurator__V1__Receipts *receipts);
/* Everything that may be sent has been. */
bool member_is_drained(const struct member *member);

/* ---- incoming.c: deliveries and barriers ---- */
void member_on_deliveries(struct member *member, const Kurator__V1__Deliveries *deliveries, const struct span *parts,
                          size_t count);
void connection_on_barrier(struct connection *connection, const Kurator__V1__Barrier *barrier);
void link_answer_barriers(struct link *link);

#endif
