/*
 * link/link.h — the client side of the exchange: what is sent is never lost, what comes is handled once.
 *
 * Purpose: an adapter hands events over and is called for deliveries; in between stand a durable spool (SQLite), the
 * signed envelope, the connection, receipts, credit and resending. Killing the process at any point loses nothing
 * and doubles nothing.
 *
 * Outgoing: link_send stores the packed event under the participant's next sequence before it returns (inside
 * link_begin … link_commit: when that returns). It is sent when there is a connection, again after every
 * reconnection until its receipt is stored; the engine knows it by its sequence and digest.
 * Incoming: deliveries come in order of position; a position counts as handled, durably, when on_delivery has
 * returned ERR_OK and the transaction around it (which also holds what on_delivery sent or noted) is committed. After a
 * crash between the two the same delivery comes again: write files by atomic rename under a name that holds the
 * position, and the second time changes nothing.
 *
 * Life cycle: link_open → … → link_close, then run the loop until it is empty. Threading: the loop's thread only.
 * Callbacks come from the loop, never from inside a call of this room, and may call everything but link_close.
 * Ownership: options and the texts in them are copied, key pairs too. Values given to callbacks live until they return.
 * Limits: one event EVENT_BYTES_MAX bytes; LINK_PARTICIPANTS_MAX participants.
 * Never: reads an agency's file, knows an event's name, logs a payload.
 */
#ifndef KURATOR_LINK_LINK_H
#define KURATOR_LINK_LINK_H

#include <stdbool.h>

#include "base/civil.h"
#include "base/err.h"
#include "base/value.h"
#include "proto/json.h"
#include "wire/wire.h"

struct link;

enum { LINK_PARTICIPANTS_MAX = 256, LINK_TAG_MAX = 200 };

struct link_participant {
  const char *id;
  const struct key_pair *keys; /* participants with the same connection key share a connection */
};

/* What became of a message. */
enum link_state {
  LINK_PENDING,   /* no receipt yet */
  LINK_ACCEPTED,  /* durable in the engine's journal */
  LINK_DUPLICATE, /* was durable before */
  LINK_REFUSED,   /* refused for good */
};
struct link_receipt {
  uint64_t sequence;
  enum link_state state;
  uint64_t journal; /* ACCEPTED, DUPLICATE */
  struct span code; /* REFUSED: stable code and Russian text */
  struct span text;
  struct span tag; /* as given to link_send */
};

struct link_options {
  struct uv_loop_s *loop;
  struct wire *wire;
  const char *endpoint;
  const uint8_t *server_key; /* KEY_CONNECTION bytes, public */
  const struct link_participant *participants;
  size_t participants_count;
  const char *spool_path; /* SQLite file, made if missing; one process at a time */
  const char *agent;      /* name and version of the program, for the operator */
  struct wire_limits limits;
  uint32_t reconnect_max_ms; /* 0: 10 s */

  void *arg;
  /* ERR_OK: handled. Anything else: not handled; it comes again after a pause, and nothing behind it comes before. */
  enum err (*on_delivery)(void *arg, const char *participant, const struct delivery *delivery);
  /* Once per message, within the transaction that stores the receipt (again after a crash in between). May be NULL. */
  void (*on_receipt)(void *arg, const char *participant, const struct link_receipt *receipt);
  /* Virtual clock: look into the folders, send what is there (link_send), then call link_barrier_done, now or later.
   * NULL: answered at once. */
  void (*on_barrier)(void *arg, uint64_t number, civil_moment now);
  /* The state of the connection changed or a handshake was refused; Russian text for people. May be NULL. */
  void (*on_status)(void *arg, bool up, const char *text);
};
/* ERR_IO, ERR_BUSY (another process has the spool), ERR_VERSION, ERR_CORRUPT, ERR_INVALID; text in `fault`. */
enum err link_open(const struct link_options *options, struct link **ret_link, struct fault *fault) MUST_CHECK;
void link_close(struct link **at); /* NULL-safe */

/* ---- sending ---- */

struct link_event {
  const char *participant;
  struct span event;
  struct span case_id;
  civil_moment occurred_at;
  const struct value *data; /* map or NULL; checked against the schema */
  struct span acting_for;   /* empty: nobody */
  struct span tag;          /* ≤ LINK_TAG_MAX bytes, comes back with the receipt: "notices.csv:17" */
};
/* ERR_NOT_FOUND: no such participant or event; ERR_INVALID, ERR_LIMIT: the data does not fit the schema (Russian text);
 * ERR_IO, ERR_FULL: the spool could not be written. `ret_sequence` may be NULL. */
enum err link_send(struct link *link, const struct link_event *event, uint64_t *ret_sequence,
                   struct fault *fault) MUST_CHECK;

/* ---- transactions: messages, file offsets and row results together ---- */

/* Not nested, and not open across turns of the loop. Inside on_delivery and on_receipt a transaction is open already:
 * these three then do nothing (what on_delivery wrote is undone by its returning an error). After an error of link_send
 * other than of the data (ERR_IO, ERR_FULL) the transaction must be rolled back. */
enum err link_begin(struct link *link) MUST_CHECK;
/* ERR_IO, ERR_FULL: nothing of it is stored. */
enum err link_commit(struct link *link, struct fault *fault) MUST_CHECK;
void link_rollback(struct link *link); /* nothing open: does nothing */

/* How far a file of the agency has been read. `file` is a key that the adapter chooses: it should name the content
 * (name, size, digest), so that another file of the same name is another file. */
struct link_file {
  uint64_t offset; /* bytes read */
  uint64_t rows;   /* rows read */
  bool complete;   /* read to the end */
};
enum err link_file_get(struct link *link, struct span file, struct link_file *ret_file) MUST_CHECK; /* ERR_NOT_FOUND */
enum err link_file_put(struct link *link, struct span file, const struct link_file *state) MUST_CHECK;
/* Row `row` of the file became the message `sequence` of `participant` (say so in the transaction of its link_send), …
 */
enum err link_row_sent(struct link *link, struct span file, uint64_t row, const char *participant,
                       uint64_t sequence) MUST_CHECK;
/* … or was refused here, with a reason for the agency. */
enum err link_row_refused(struct link *link, struct span file, uint64_t row, struct span code,
                          struct span text) MUST_CHECK;

/* … or was not sent, for it has been accepted before (LINK_DUPLICATE); journal 0: it is on its way. */
enum err link_row_known(struct link *link, struct span file, uint64_t row, uint64_t journal,
                        struct span text) MUST_CHECK;
/* What the agency is to be told of a row that was sent, unless it is refused. */
enum err link_row_remark(struct link *link, struct span file, uint64_t row, struct span text) MUST_CHECK;

struct link_row {
  uint64_t row;
  uint64_t sequence; /* 0: refused here */
  enum link_state state;
  uint64_t journal;
  struct span code, text;
};
/* Rows in ascending order; the callback returns false to stop. */
enum err link_rows(struct link *link, struct span file, bool (*visit)(void *arg, const struct link_row *row),
                   void *arg) MUST_CHECK;
/* Rows of the file whose message has no receipt yet. */
enum err link_rows_pending(struct link *link, struct span file, uint64_t *ret_count) MUST_CHECK;
/* The results are written: forgets the rows, keeps a mark (complete) so that the file is not read again. */
enum err link_file_done(struct link *link, struct span file) MUST_CHECK;

/* A small durable note of the adapter's own, in the same transactions. ERR_NOT_FOUND; `ret_value` lives in `arena`. */
enum err link_note_get(struct link *link, struct span name, struct arena *arena, struct span *ret_value) MUST_CHECK;
enum err link_note_put(struct link *link, struct span name, struct span value) MUST_CHECK; /* empty value: forgets */

/* ---- state ---- */

/* Ends the barrier that on_barrier announced: it is answered as soon as everything in the spool has been sent. */
void link_barrier_done(struct link *link, uint64_t number);
/* True when every message has its receipt. */
bool link_idle(const struct link *link);
/* Messages without receipt, over all participants. */
uint64_t link_pending(const struct link *link);
/* True while every participant has been welcomed. */
bool link_is_up(const struct link *link);

#endif
