/*
 * runtime/runtime.h — inbox → step → commit → outbox.
 *
 * Purpose: makes the pure room casework durable. Messages wait in a bounded inbox; a tick takes the timers that are due
 * and then the messages that wait, lets each one step its case and whatever that touches, and commits the whole as one
 * write set. Receipts and deliveries leave only when the commit is done: a receipt means "durable at journal n".
 *
 * Life cycle: runtime_create (recovers from the store) → runtime_submit | runtime_ack …, runtime_tick … →
 * runtime_destroy. Threading: one thread; callbacks run on it, from store_poll or the store's loop. Ownership: borrows
 * the casework, the store and the ports; copies every message. Time: comes with runtime_tick. recorded_at never runs
 * backwards, also across restarts. A timer that is due at T is stepped at T, however late the tick comes, and always
 * before a message of its family that is recorded at T or later: so what becomes of a case does not depend on how the
 * loop was scheduled. Messages of others do not wait for more timers than one batch takes; what that means, and how a
 * rehearsal follows it, stands in due.c. One input is all or nothing: either everything that follows from it is in
 * the write set, or only the incident that says why it is not. Never: opens a socket or a file, reads a clock, knows
 * protobuf, an event, an agency or a process.
 */
#ifndef KURATOR_RUNTIME_RUNTIME_H
#define KURATOR_RUNTIME_RUNTIME_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/value.h"
#include "casework/casework.h"
#include "casework/catalogue.h"
#include "store/store.h"

enum {
  RUNTIME_DIGEST_SIZE = 32,
  RUNTIME_KEY_SIZE = 32,
  RUNTIME_SIGNATURE_SIZE = 64,
  RUNTIME_KEY_ID_MAX = 64,
  RUNTIME_NAME_MAX = 64,         /* bytes of a sender, an event, acting_for */
  RUNTIME_ROOT_MAX = 64,         /* bytes of a root case's id */
  RUNTIME_MESSAGE_MAX = 1 << 20, /* bytes of one message as it waits */
};

struct runtime;

/* ---- what goes in ---- */

struct runtime_message {
  /* Participant; the wire has authenticated it. Empty only in a rehearsal: no message, but the moment at which the
   * timers of `case_id`'s family were taken out of their order. */
  struct span sender;
  uint64_t sequence; /* per sender; the same number stands for the same message */
  uint8_t digest[RUNTIME_DIGEST_SIZE];
  struct span event;
  struct span case_id;
  struct span acting_for;   /* id of the person on whose behalf an agent speaks, empty if none */
  civil_moment occurred_at; /* CIVIL_MOMENT_NONE: when it is recorded */
  struct value data;        /* the whole payload, personal fields included; a map or nil */
  /* Not NULL: the payload could not even be read. It is journalled without data and answered with this refusal. */
  const struct fault *refusal;
  /* More than 1 only in a rehearsal: so many refusals of this kind were counted in the incident of this one. */
  uint64_t times;
  /* Not 0: it is this entry of the journal, gone through again (runtime/correct.h); else it becomes the next one. */
  uint64_t entry;
};

/* ---- what comes out ---- */

enum runtime_receipt_kind {
  RUNTIME_ACCEPTED,  /* durable at `journal` */
  RUNTIME_DUPLICATE, /* was durable at `journal` already; nothing happened now */
  RUNTIME_REFUSED,   /* `err` and `text` (Russian) say why */
  RUNTIME_INCIDENT,  /* durable at `journal`, but its case could not take it: the operator has `incident` */
};
struct runtime_receipt {
  enum runtime_receipt_kind kind;
  struct span sender;
  uint64_t sequence;
  uint64_t journal;
  uint64_t incident;
  enum err err;
  struct span text;
};
const char *runtime_receipt_name(enum runtime_receipt_kind kind); /* "accepted" */

/* Something for a participant's stream, before it becomes bytes. Data is cut to what the participant's kind may see. */
enum runtime_delivery_kind {
  RUNTIME_DELIVERY_OFFER,
  RUNTIME_DELIVERY_OFFER_WITHDRAWN,
  RUNTIME_DELIVERY_TASK,
  RUNTIME_DELIVERY_TASK_WITHDRAWN,
  RUNTIME_DELIVERY_NOTICE,
  RUNTIME_DELIVERY_DEADLINE,
  RUNTIME_DELIVERY_INCIDENT, /* of the participant's own message */
};
struct runtime_delivery {
  enum runtime_delivery_kind kind;
  const struct participant *participant;
  uint64_t position;
  civil_moment recorded_at;
  uint64_t journal;
  struct span case_id;
  struct span process;
  struct span subject; /* element id, template or deadline id */
  struct span event;   /* DEADLINE: "reminder.ID" or "deadline.ID"; INCIDENT: of the message; else empty */
  struct value data; /* map or nil: what casework tells, without catalogue fields that the reader's kind may not see */
  struct value personal;           /* map or nil: personal fields of the family that it may see */
  const struct deadline *deadline; /* DEADLINE: the legal object; else NULL */
  struct span reason;              /* INCIDENT: stable code; withdrawals: why */
  struct span detail;              /* INCIDENT: text for the operator and the sender, no personal data */
};

struct runtime_acted {
  uint64_t ticket, journal;
  enum err err;
};
struct runtime_signature {
  char key_id[RUNTIME_KEY_ID_MAX + 1];
  uint8_t bytes[RUNTIME_SIGNATURE_SIZE];
};

struct runtime_ports {
  void *arg;
  /* Called when the commit is done, in order of processing; `receipt` is borrowed until it returns. NULL: nobody asks.
   */
  void (*receipt)(void *arg, const struct runtime_receipt *receipt);
  /* A stream has grown; `bytes` as they have been stored. After the receipts of the same batch. NULL: nobody asks. */
  void (*delivered)(void *arg, struct span participant, uint64_t position, struct span bytes);
  /* The bytes of a delivery as they will be sent. NULL: no streams are written (rehearsal). */
  enum err (*delivery_encode)(void *arg, const struct runtime_delivery *delivery, struct writer *w);
  /* Every batch: the journal has reached `head`. ERR_FULL: nothing was stored, the messages wait again. Anything else:
   * the store is unsafe, the process has to stop and recover. NULL: nobody asks. */
  void (*committed)(void *arg, enum err result, uint64_t head);
  /* An act of the operator is durable (ERR_OK, `journal`), or could not be done any more (ERR_CONFLICT). NULL: none are
   * made. */
  void (*acted)(void *arg, const struct runtime_acted *acted);
  /* Signs the head of the chain. NULL: heads are not signed (rehearsal). */
  void (*sign)(void *arg, struct span statement, struct runtime_signature *ret_signature);
  /* Keys and nonces. NULL: libsodium's generator. */
  void (*random)(void *arg, void *bytes, size_t size);
};

struct runtime_limits {
  uint32_t inbox_messages; /* waiting: more are ERR_BUSY */
  size_t inbox_bytes;
  uint32_t batch_messages; /* in one commit, */
  uint32_t batch_share;    /* of these, of one sender; 0: first come first served, whoever sent it */
  uint32_t tick_messages;  /* of these, in one tick; 0: all that a batch takes */
  uint32_t batch_timers;   /* in one commit, */
  uint32_t tick_timers;    /* of these, in one tick: messages wait for no more; 0: all that a batch takes */
  uint32_t timer_window;   /* read ahead in their order; twice as many are kept in memory; ≥ 1 */
  uint32_t steps_max;      /* that follow from one input, in all cases together */
  uint32_t cases_cached;   /* decoded between batches */
  uint32_t refusals_max;   /* incidents of one sender for refusals; further ones are counted together */
  uint32_t stream_tail;    /* acknowledged deliveries that each stream keeps */
  uint32_t stream_slice;   /* older ones go so many at a time, per stream and commit; ≥ 1 */
  uint32_t signed_entries; /* a signed head after so many entries, */
  uint32_t signed_ms;      /* or this long after the one before */
};
/* 4,096 messages, 64 MiB, 256, 0, 0, 256, 16, 4,096, 1,000, 4,096, 1,000, 1,000, 256; 1,000 entries, 15 minutes. */
struct runtime_limits runtime_limits_default(void);

struct runtime_options {
  /* Borrowed, with its present processes defined; those that only running cases need are added from the store. Its
   * `load` port is runtime_load with a `struct runtime **` as argument: the one that runtime_create fills. */
  struct casework *casework;
  struct store *store;
  struct runtime_ports ports;
  struct runtime_limits limits;
  const uint8_t *master_key; /* RUNTIME_KEY_SIZE bytes, copied; NULL: personal data is dropped (rehearsal) */
  bool durable_clock;        /* the moment of runtime_tick is committed even if nothing else happens (virtual clock) */
  bool timers_first;         /* no message is taken while a timer is due (rehearsal; a durable clock means it too) */
};
/* Recovers from the store: ERR_CORRUPT, ERR_VERSION, ERR_IO, or ERR_CONFIG when the store was sealed under another
 * master key. */
enum err runtime_create(const struct runtime_options *options, struct runtime **ret_runtime,
                        struct fault *fault) MUST_CHECK;
/* Polls until a commit in flight has ended; with a store on a loop, close the store first (that waits for it). What
 * still waits in the inbox is dropped: nobody had a receipt for it. */
void runtime_destroy(struct runtime **runtime);
/* For casework_ports.load: open referrals of a participant. `arg` is a `struct runtime **`. */
int64_t runtime_load(void *arg, struct span participant);

/* ---- work ---- */

/* ERR_BUSY: the inbox is full (back-pressure: try again after a tick). ERR_LIMIT: over RUNTIME_MESSAGE_MAX,
 * RUNTIME_NAME_MAX, CASE_ID_MAX or VALUE_DEPTH_MAX: answer it yourself. ERR_CLOSED: the store has failed. Anything else
 * that is wrong with the message comes as a receipt. */
enum err runtime_submit(struct runtime *runtime, const struct runtime_message *message) MUST_CHECK;
/* In a rehearsal: before the next message that is taken, exactly so many of the timers that are due are taken in order,
 * then those of its family; the others wait. Without it as `timers_first` says. */
void runtime_hold_timers(struct runtime *runtime, uint64_t count);
/* Orders what waits by (occurred_at, sender, sequence): for a virtual clock, between two barriers. */
void runtime_inbox_sort(struct runtime *runtime);
/* One batch: due timers, then messages, as many as the limits allow, senders in turn, and the commit is begun; while
 * the one before is in flight the next is only collected, and committed as soon as that has ended. Nothing to do:
 * nothing. ERR_COMMIT, ERR_CORRUPT: stop and recover. */
enum err runtime_tick(struct runtime *runtime, civil_moment now) MUST_CHECK;
/* The last tick has collected as much as a tick may, and the batch takes more, or timers are due and go into the batch
 * that waits for the one in flight: tick again soon. What is submitted meanwhile has its turn in the same batch. */
bool runtime_pausing(const struct runtime *runtime);
/* When the next timer is due, CIVIL_MOMENT_NONE if there is none. */
civil_moment runtime_next_due(struct runtime *runtime);
/* No message waits, no acknowledgement, no commit is in flight. (Timers may be due: ask runtime_next_due.) */
bool runtime_idle(const struct runtime *runtime);
size_t runtime_inbox_waiting(const struct runtime *runtime);
bool runtime_committing(const struct runtime *runtime);

/* The last recorded moment, or the virtual clock when durable_clock; CIVIL_MOMENT_NONE in a new store. */
civil_moment runtime_clock(const struct runtime *runtime);
uint64_t runtime_journal_head(const struct runtime *runtime);
/* The highest sequence of a sender that is durable, 0 if none: where its link goes on after a restart. */
uint64_t runtime_sequence_of(const struct runtime *runtime, struct span sender);

/* ---- streams ---- */

struct runtime_cursor {
  uint64_t head;         /* last position written, 0 if none */
  uint64_t acknowledged; /* by the reader */
  uint64_t first;        /* first position that is kept, head + 1 if none: who needs an earlier one has missed it */
};
/* ERR_NOT_FOUND: no such participant. */
enum err runtime_cursor_of(const struct runtime *runtime, struct span participant,
                           struct runtime_cursor *ret_cursor) MUST_CHECK;
/* The reader has everything up to `position`. Durable with the next batch. Going back is ignored; ERR_RANGE past the
 * head. */
enum err runtime_ack(struct runtime *runtime, struct span participant, uint64_t position) MUST_CHECK;
/* Returns false to stop; the bytes are borrowed until it returns. */
typedef bool (*runtime_stream_visit)(void *arg, uint64_t position, struct span bytes);
/* Committed positions > `after` that are kept (from runtime_cursor.first on), at most `count_max`, ascending. Between
 * ticks only. */
enum err runtime_stream_read(struct runtime *runtime, struct span participant, uint64_t after, size_t count_max,
                             runtime_stream_visit visit, void *arg) MUST_CHECK;

/* ---- the operator ---- */

/* Steps the journalled message of an open incident again, with the rights of its sender, or its timer, as a new entry
 * of the journal; the incident is resolved when that is accepted. ERR_NOT_FOUND; ERR_CONFLICT: resolved already, or
 * nothing to repeat (the timer was stepped, an unreadable payload); ERR_BUSY. */
enum err runtime_incident_retry(struct runtime *runtime, struct span case_id, uint64_t incident,
                                struct fault *fault) MUST_CHECK;
/* Marks it as dealt with; its case stays parked while another incident parks it. Durable with the next batch. `actor`
 * is kept. ERR_NOT_FOUND, ERR_CONFLICT. */
enum err runtime_incident_resolve(struct runtime *runtime, struct span case_id, uint64_t incident, struct span actor,
                                  struct fault *fault) MUST_CHECK;

/* What an operator does with personal data or with keys. It becomes an entry of the journal first, and is told by
 * ports.acted when that is durable: who, what, which case, why. */
enum runtime_act_kind {
  RUNTIME_ACT_REVEAL,    /* the caller shows the data after it is told */
  RUNTIME_ACT_ERASE,     /* destroys the keys of all of the person's cases; what is sealed under them is noise then */
  RUNTIME_ACT_CASES,     /* the caller shows which cases are the person's */
  RUNTIME_ACT_PROPOSALS, /* no case; the caller shows who may be one person */
  RUNTIME_ACT_LINK,      /* `case_id` and `other` are one person's */
  RUNTIME_ACT_UNLINK,    /* they are not; without `other` `case_id` is no case of its person's */
  RUNTIME_ACT_KEY_ADD,   /* no case; the caller has done it, and `reason` says what: no more than an entry */
  RUNTIME_ACT_KEY_REVOKE,
};
struct runtime_act {
  enum runtime_act_kind kind;
  struct span actor;   /* name of the operator */
  struct span case_id; /* the family's root is meant */
  struct span other;   /* LINK, UNLINK: of another one; it stands sealed in the entry */
  struct span reason;  /* for ever in the journal: none of the person's data in it */
};
enum { RUNTIME_ACTS_MAX = 64, RUNTIME_REASON_MAX = 1000 };
/* `ret_ticket` comes back with ports.acted. ERR_NOT_FOUND: there is no personal data; ERR_CONFLICT: it was erased
 * (`fault` says in which entry), or is linked, or is not, already; ERR_INVALID: no reason, one that is too long, or one
 * that names the person or another of its cases; ERR_BUSY, also for what is of all cases of a person while
 * runtime_links_behind.
 */
enum err runtime_act(struct runtime *runtime, const struct runtime_act *act, uint64_t *ret_ticket,
                     struct fault *fault) MUST_CHECK;
/* One that stands in no batch yet. */
bool runtime_acts_waiting(const struct runtime *runtime);
/* An import waits, or cases have to be recounted, and no timer is in the way. */
bool runtime_calendar_waiting(struct runtime *runtime, civil_moment now);
/* Cases that an earlier program left, or that were linked by other identities, are still being linked: nobody can say
 * which are one person's. Each tick does some of them. */
bool runtime_links_behind(const struct runtime *runtime);
/* ERR_BUSY then, with a Russian text. */
enum err runtime_links_check(const struct runtime *runtime, struct fault *fault) MUST_CHECK;
/* A batch of the acts that wait, of an import and what follows from it, of links that are behind, and of nothing else:
 * for a clock that is held. */
enum err runtime_tick_acts(struct runtime *runtime, civil_moment now) MUST_CHECK;

enum runtime_person_state { RUNTIME_PERSON_NONE, RUNTIME_PERSON_SEALED, RUNTIME_PERSON_ERASED };
struct runtime_person {
  enum runtime_person_state state;
  uint64_t erased; /* entry of the journal */
};
struct runtime_person runtime_person_state(struct runtime *runtime, struct span root);

/* Which cases are one person's (links.c). The caller has the access journalled. Texts in `arena`. */
struct runtime_linked_case {
  struct span case_id;
  struct span by; /* the identity of the catalogue that joined it; empty: it was the first, or an operator's word */
  bool fixed;     /* an operator has said where it belongs */
};
struct runtime_linked {
  struct span person; /* empty: nothing identifies the one case */
  struct runtime_linked_case *cases;
  size_t cases_count;
};
/* `name`: a case, or a person. ERR_NOT_FOUND: there is no personal data, or it was erased. */
enum err runtime_linked(struct runtime *runtime, struct span name, struct arena *arena,
                        struct runtime_linked *ret_linked) MUST_CHECK;
/* A person that may be the same, by one of its cases. */
struct runtime_linked_near {
  struct span person, case_id;
  struct span by; /* the identity that they share */
};
enum { RUNTIME_NEAR_MAX = 32 };
size_t runtime_linked_near(struct runtime *runtime, const struct runtime_linked *linked, struct arena *arena,
                           struct runtime_linked_near ret_near[RUNTIME_NEAR_MAX]);
/* All that are proposed, in no order that tells anything; `visit` returns false to stop. */
typedef bool (*runtime_pair_visit)(void *arg, const struct runtime_linked_near *a, const struct runtime_linked_near *b);
enum err runtime_linked_pairs(struct runtime *runtime, struct arena *arena, runtime_pair_visit visit,
                              void *arg) MUST_CHECK;

/* The personal fields of a family, all of them: the caller cuts (catalogue_cut) and has the access journalled.
 * ERR_NOT_FOUND: none, or the key is gone. */
enum err runtime_person_read(struct runtime *runtime, struct span root, struct arena *arena,
                             struct value *ret_personal) MUST_CHECK;

/* The same of what one entry of the family's journal brought. */
enum err runtime_entry_personal(struct runtime *runtime, struct span root, uint64_t journal, struct arena *arena,
                                struct value *ret_personal) MUST_CHECK;

/* The end of the day: signs the head if entries came after the last signed one, in a batch of its own. Nothing when a
 * commit is in flight. Close the store then: that waits for it. */
void runtime_sign_head(struct runtime *runtime);
/* While it is on, each batch signs its head: whatever moment a copy that is made meanwhile shows, it ends with a signed
 * head. What is committed already is signed at once, or by the next batch when one is in flight: ask again whenever
 * `committed` tells of a batch. */
void runtime_sign_each(struct runtime *runtime, bool each);
/* True if the committed head is a signed one, and that of the batch in flight, too. */
bool runtime_head_signed(const struct runtime *runtime);

/* ---- the calendar ---- */

enum { RUNTIME_CALENDAR_MAX = 200 << 10 /* bytes of one import */ };
/* An import: `rows` in the form of config/calendar. It becomes an entry of the journal and counts from then on; told by
 * ports.acted when that is durable. Cases are recounted afterwards, in slices of the batches, each case with an entry
 * of its own if something changes. ERR_EXISTS: it would change nothing. ERR_BUSY: one is under way. ERR_LIMIT,
 * ERR_FORMAT, ERR_INVALID, ERR_RANGE: what is wrong with it (Russian, `line`). */
struct runtime_import {
  struct span actor; /* name of the operator */
  struct span rows;
};
enum err runtime_calendar_import(struct runtime *runtime, const struct runtime_import *import, uint64_t *ret_ticket,
                                 struct fault *fault) MUST_CHECK;
/* In a rehearsal: `told` — lines say when families are recounted (a message without sender, its data a text; without
 * case: all that are left). */
void runtime_calendar_told(struct runtime *runtime, bool told);
/* Cases have to be recounted, and no line has to say when. */
bool runtime_recounting(const struct runtime *runtime);
/* What counts, borrowed until the next import. */
const struct calendar *runtime_calendar(const struct runtime *runtime);
struct runtime_calendar_state {
  size_t imports;
  bool waiting;                                     /* an import has no entry yet */
  bool recounting;                                  /* the last one has not reached all cases */
  civil_moment at;                                  /* of the last one */
  uint64_t cases, done, changed, deadlines, failed; /* of its recount: cases, cases, families, deadlines, families */
};
struct runtime_calendar_state runtime_calendar_state(const struct runtime *runtime);
struct runtime_calendar_entry {
  uint64_t journal;
  civil_moment at;
  struct span actor, rows;
  int first_year, last_year;
};
/* Number `index` of the imports, the oldest first; in `arena`. ERR_NOT_FOUND, ERR_CORRUPT. */
enum err runtime_calendar_entry(struct runtime *runtime, size_t index, struct arena *arena,
                                struct runtime_calendar_entry *ret_entry) MUST_CHECK;

/* What an import would change, some families at a time; changes nothing. Between ticks only. */
struct runtime_recount_change {
  struct span case_id; /* as everybody outside calls it */
  struct span process, deadline, key, title;
  civil_day old_due, new_due; /* CIVIL_DAY_NONE: there was none, there is none */
  const char *was, *state; /* deadline_state_name; NULL: there was none; "stays-missed": it would not be missed yet */
  civil_moment old_reminder, new_reminder; /* CIVIL_MOMENT_NONE: none */
  struct span explanation;                 /* by the new calendar */
  struct span failed; /* not empty: the family could not be stepped, and why; no other field but the case */
};
/* False: no further family is looked at in this call. */
typedef bool (*runtime_recount_visit)(void *arg, const struct runtime_recount_change *change);
struct runtime_preview {
  struct span rows;
  struct span after; /* root of the last family that was looked at, empty: from the beginning */
  civil_moment now;
  uint32_t families_max;
};
struct runtime_previewed {
  bool same;        /* it would change nothing, also not the calendar */
  bool more;        /* go on after `last` */
  struct span last; /* in `arena` */
  uint64_t families, cases;
  char revision[17];
  int first_year, last_year; /* of the calendar as it would be */
};
enum err runtime_calendar_preview(struct runtime *runtime, const struct runtime_preview *preview,
                                  runtime_recount_visit visit, void *arg, struct arena *arena,
                                  struct runtime_previewed *ret_previewed, struct fault *fault) MUST_CHECK;

/* ---- revisions of processes ---- */

/* A case runs on the definition (chart and settings) that it started with, also when config/ has another one since: the
 * store keeps it until its last case has ended. There is no migration of cases from one revision to another yet. */
struct runtime_definition {
  struct span process, revision;
  uint64_t cases; /* that have not ended */
  bool present;   /* of config/: new cases begin on it */
  bool usable;    /* false: it could not be read or compiled, and cases that run on it are parked when touched */
};
/* Returns false to stop; borrowed until it returns. */
typedef bool (*runtime_definition_visit)(void *arg, const struct runtime_definition *definition);
/* The present ones, and the old ones that cases run on, by process and revision. */
void runtime_definitions(const struct runtime *runtime, runtime_definition_visit visit, void *arg);

struct runtime_stats {
  uint64_t batches, accepted, duplicates, refused, incidents, timers;
  uint64_t steps;   /* case_step calls */
  uint64_t decoded; /* cases restored from their record */
};
struct runtime_stats runtime_stats(const struct runtime *runtime);

#endif
