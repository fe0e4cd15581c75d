/*
 * daemon/sessions.h — the participants' conversations on the exchange socket.
 *
 * Purpose: one session per participant of the configuration: what it may send, what it has been sent, what it still has
 * to hear. A connection (peer) may carry several. Everything is bounded: see session.h.
 *
 * Life cycle: sessions_create → … → sessions_destroy. Threading: the loop's thread.
 * Never: judges an event (the runtime does), believes a name that the connection's key does not have.
 */
#ifndef KURATOR_DAEMON_SESSIONS_H
#define KURATOR_DAEMON_SESSIONS_H

#include "daemon/daemon.h"

enum err sessions_create(struct daemon *daemon, struct sessions **ret_sessions) MUST_CHECK;
void sessions_destroy(struct sessions **sessions);

/* A message of the exchange socket. */
void sessions_on_message(struct sessions *sessions, const struct wire_message *message);
/* The runtime's ports. */
void sessions_receipt(struct sessions *sessions, const struct runtime_receipt *receipt);
void sessions_delivered(struct sessions *sessions, struct span participant, uint64_t position);

/* Nothing can be stored now: whoever waits for a receipt is told, with the pause after which it may ask again. */
void sessions_store_full(struct sessions *sessions, const struct fault *fault);

/* The registry of keys has changed: who speaks with a key that is gone is refused and hears nothing more. */
void sessions_keys_changed(struct sessions *sessions);

/* Between batches: sends receipts and deliveries that wait, and hands over what the inbox had no room for. */
void sessions_flush(struct sessions *sessions);

/* Virtual clock. Asks every connection that has not been asked for this number; returns how many have not answered. */
size_t sessions_barrier(struct sessions *sessions, uint64_t number, civil_moment now);
enum sessions_state {                   /* in the order of importance */
                      SESSIONS_FULL,    /* the inbox has no room for what has come: it has to be worked off first */
                      SESSIONS_BUSY,    /* signatures are being verified or deliveries are on their way: ask again when
                                           kicked */
                      SESSIONS_CHANGED, /* something was handled since the links answered: another barrier is needed */
                      SESSIONS_SETTLED, /* what the links say they sent is here, what was sent to them is handled */
};
enum sessions_state sessions_settled(const struct sessions *sessions);
/* A participant whose link owes its answer to that barrier, empty if none. */
struct span sessions_owing(const struct sessions *sessions, uint64_t number);
/* The first participant that keeps sessions_settled from being SETTLED, empty if none. */
struct span sessions_unsettled(const struct sessions *sessions);
/* Finds out which of the connections that owe an answer are gone. */
void sessions_probe(struct sessions *sessions, uint64_t number);

/* For the operator. */
struct sessions_line {
  const struct participant *participant;
  bool connected;
  const char *agent;    /* what the link says of itself */
  civil_moment seen_at; /* wall clock, 0: not since the start */
  uint64_t sequence;    /* last one taken */
  uint64_t sent, acknowledged, head;
  size_t waiting; /* messages without receipt */
};
size_t sessions_count(const struct sessions *sessions);
struct sessions_line sessions_line(const struct sessions *sessions, size_t i);
/* True if every participant in the list (comma separated; empty: nobody) has a link; else the first that has none. */
bool sessions_connected(const struct sessions *sessions, struct span participants, struct span *ret_missing);

#endif
