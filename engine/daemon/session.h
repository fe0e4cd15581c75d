/*
 * daemon/session.h — one participant's session, for the sessions_*.c files only.
 *
 * States of a session:
 *   AWAY     no link: nothing is sent, receipts are not kept (a link that comes back asks again); what it had sent is
 *            still handed over
 *   PRESENT  a link said Hello and was welcomed
 *   REFUSED  an envelope counted for nothing: what comes behind it is passed over until the link says Hello again,
 *            because the order of a sender's messages must hold
 *
 * Invariants
 *   1. A message is handed to the runtime only behind all that its sender sent before it on this connection.
 *   2. acknowledged ≤ sent ≤ head, sent ≤ window: no delivery is sent past what the link asked for.
 *   3. Messages that this connection sent and that have no receipt (queued and handed.expected) ≤ limits.inbox_share:
 *      a link that sends more breaks its Welcome and is refused. What was handed over ≤ limits.inbox_share, whichever
 *      connection brought it: more waits in the queue, and what is sent again after a Hello is not handed over again.
 *   4. A receipt is sent after the commit that made it true, and kept until the socket has taken it.
 */
#ifndef KURATOR_DAEMON_SESSION_H
#define KURATOR_DAEMON_SESSION_H

#include "base/arena.h"
#include "daemon/daemon.h"
#include "daemon/handed.h"
#include "daemon/intake.h"
#include "wire/frame.h"

enum {
  PEER_ID_MAX = 255,
  AGENT_TEXT_MAX = 80,
  RECEIPTS_PER_FRAME = 100, /* keeps the frame far under FRAME_BYTES_MAX */
  DELIVERIES_PER_FRAME = 200,
  DELIVERIES_BYTES_MAX = 1 << 20,   /* of one frame, but at least one delivery */
  QUEUED_BYTES_MAX = 16 << 20,      /* envelopes of one session that wait, */
  QUEUED_BYTES_FEW = 1 << 20,       /* and when those of all sessions take half of what they may */
  QUEUED_BYTES_ALL_MAX = 512 << 20, /* of all sessions */
  REFUSED_FRAMES_MAX = 256,         /* beside those on their way, that a connection may send in vain */
  RETRY_MS = 1000,                  /* told to a link that has to wait */
  FULL_RETRY_MS = 5000,             /* for room in the store */
};

/* A connection. */
struct peer {
  uint8_t id[PEER_ID_MAX];
  size_t id_size;
  char user_id[KEY_CONNECTION_TEXT];
  char agent[AGENT_TEXT_MAX];
  size_t sessions; /* that it carries; 0: free for another */
  uint64_t asked;  /* last barrier sent to it */
  uint64_t answered;
};

struct receipt_note {
  uint64_t sequence;
  enum runtime_receipt_kind kind;
  uint64_t journal;
  struct fault fault; /* REFUSED */
};

enum session_state { SESSION_AWAY, SESSION_PRESENT, SESSION_REFUSED };

struct session {
  struct sessions *owner;
  const struct participant *participant;
  enum session_state state;
  struct peer *peer;    /* NULL: AWAY */
  civil_moment seen_at; /* wall clock of its last frame, 0: none since the start */

  /* what comes in */
  struct intake_job *first, *last; /* in order of arrival */
  struct intake_job *unjudged;     /* of these, the first that no judge has had; NULL: none */
  size_t queued_messages, queued_bytes;
  uint64_t expected;    /* first sequence of the next envelope, 0: any */
  uint64_t received;    /* last sequence handed to the runtime, or durable before */
  struct handed handed; /* to the runtime, no receipt yet */

  /* what goes out */
  struct receipt_note *receipts;
  size_t receipts_count, receipts_capacity;
  uint64_t head;         /* of its stream */
  uint64_t sent;         /* last position sent on this connection */
  uint64_t acknowledged; /* by this connection */
  uint64_t window;       /* last position that it will take */
  uint64_t kept_from;    /* first position of the stream that is kept, as the greeting found it */

  /* its part of the last barrier's answer */
  uint64_t said_number, said_sequence, said_position;
};

struct sessions {
  struct daemon *daemon;
  struct session *items; /* one per participant, in their order */
  size_t count;
  struct peer *peers;
  size_t peers_count, peers_max;
  size_t queued_bytes; /* over all sessions */
  struct intake_judges *judges;
  size_t judged_next, handed_next; /* whose turn it is */
  uint64_t barrier;                /* last number asked for */
  civil_moment barrier_now;
  struct writer frame; /* scratch */
  struct arena arena;  /* of the message being handled */
};

/* NULL: no such participant. */
struct session *daemon_session_find(const struct sessions *sessions, struct span participant);
/* The connection that is being heard has sent what counts for nothing: so many messages. One that goes on and on,
 * beyond what may have been on its way when it was refused, is cut off. */
void daemon_sessions_count_refused(struct sessions *sessions, size_t count);
void daemon_session_leave(struct session *session);  /* AWAY: receipts and connection are gone */
void daemon_session_forget(struct session *session); /* AWAY, and the queue is gone, too */

/* peers.c */
struct peer *peer_find(struct sessions *sessions, struct span id);
/* NULL: no room. The same connection comes back as itself. */
struct peer *peer_take(struct sessions *sessions, const struct wire_message *message);
/* The connection is dead: all its sessions are AWAY. */
void peer_lost(struct sessions *sessions, struct peer *peer);
/* Sends a frame, with further parts; ERR_UNREACHABLE loses the peer. */
enum err peer_send(struct sessions *sessions, struct peer *peer, const Kurator__V1__Frame *frame,
                   const struct span *parts, size_t count);
/* To a connection that may be no session's (yet); what comes of it does not matter. */
void peer_refuse(struct sessions *sessions, struct span peer_id, const char *participant, const struct fault *fault,
                 uint32_t retry_ms);
void peer_barrier(struct sessions *sessions, struct peer *peer);
/* Only to see whether the connection still stands. */
void peer_ping(struct sessions *sessions, struct peer *peer, uint64_t number);

/* session_in.c */
void daemon_session_envelope(struct session *session, const Kurator__V1__Envelope *envelope, const struct span *parts,
                             size_t count);
void daemon_session_submit(struct session *session); /* what is ready, as far as the inbox has room */
void daemon_sessions_judge(
    struct sessions *sessions); /* gives idle judges work, one envelope of each session in turn */
void daemon_session_queue_drop(struct session *session);
/* The participant's messages count for nothing until it says Hello again; retry_ms 0: something has to be mended first,
 * and it is AWAY. */
void daemon_session_refuse(struct session *session, const struct fault *fault, uint32_t retry_ms);

/* session_out.c */
void daemon_session_receipt_note(struct session *session, const struct runtime_receipt *receipt);
void daemon_session_flush(struct session *session);

#endif
