/*
 * runtime/engine.h — what the parts of the runtime share. Not for other rooms.
 *
 * The parts, in the order in which a message meets them: inbox (waits) → message (one message: known? permitted? to
 * whom?) → family (which case of a family takes it) → work (steps it and everything that follows, all or nothing) →
 * journal, incidents, persons, streams (records of it) → runtime (batch, commit, outbox).
 */
#ifndef KURATOR_RUNTIME_ENGINE_H
#define KURATOR_RUNTIME_ENGINE_H

#include "runtime/calendars.h"
#include "runtime/cases.h"
#include "runtime/cursors.h"
#include "runtime/definitions.h"
#include "runtime/inbox.h"
#include "runtime/records.h"
#include "runtime/runtime.h"
#include "runtime/seal.h"
#include "runtime/timers.h"

struct work;

struct outbox_receipt {
  struct runtime_receipt receipt;
  struct outbox_receipt *next;
};
struct outbox_delivery {
  struct span participant, bytes;
  uint64_t position;
  struct outbox_delivery *next;
};
/* What leaves when the batch is durable. Everything lives in the batch's arena. */
struct outbox {
  struct outbox_receipt *receipts, **receipts_end;
  struct outbox_delivery *deliveries, **deliveries_end;
};
/* The batch that is being committed. */
struct flight {
  struct arena arena;
  struct outbox outbox; /* to be read only: its ends point nowhere */
  size_t messages;      /* that it took from the inbox */
  uint64_t journal;     /* the last number in it */
  bool head_signed;
};

/* An incident that the operator has closed; written with the next batch. */
struct resolution {
  struct record_key key;
  struct span actor; /* owned */
  bool written;      /* in the batch that is in flight */
  struct resolution *next;
};

/* An act of the operator that waits for its entry, or for the commit. */
struct act {
  struct runtime_act act; /* its texts lie behind the struct */
  struct runtime_acted acted;
  bool written; /* in the batch that is in flight */
  struct act *next;
};
struct acts {
  struct act *first;
  size_t count;
  uint64_t tickets; /* given */
};

/* A rehearsal says how many timers are taken in order before the next message. */
struct held_timers {
  bool told;
  uint64_t left;
};

/* The last head that was signed. */
struct signed_head {
  uint64_t journal;
  civil_moment at;
};

struct runtime {
  struct casework *casework;
  const struct catalogue *catalogue;
  struct store *store;
  struct runtime_ports ports;
  struct runtime_limits limits;
  bool durable_clock;
  bool timers_first;

  struct inbox inbox;
  struct timers timers;
  struct cases cases;
  struct cursors cursors;
  struct definitions definitions;
  struct seal seal;
  struct record_head head;
  struct signed_head signed_head;
  bool sign_each;   /* batch, as long as a copy is being made */
  bool head_signed; /* of what is committed */
  struct resolution *resolutions;
  struct acts acts;
  struct calendars calendars;
  civil_moment now;         /* of the last tick */
  struct span *field_names; /* of all events of the catalogue, sorted */
  size_t field_names_count;

  /* Of the batch that is being collected, from its first message until it is committed. */
  struct arena arena;
  struct outbox outbox;
  uint32_t batch_messages, batch_timers, batch_recounts;
  struct held_timers held;
  bool behind;  /* timers that are due wait for the message that is being processed */
  bool adding;  /* timers are due, and the batch that waits for the one in flight takes more of them */
  bool pausing; /* the tick has ended before the batch was full, so that the owner may look around */
  struct flight flight;
  struct writer scratch;
  struct writer body; /* what goes into another record as a blob, while that is written */

  /* While a family is gone through again by itself: what it says to other root cases. NULL: they hear it. */
  void (*informed)(void *arg, const struct case_effect *effect, const struct work *work);
  void *informed_arg;

  bool links_caught_up; /* link_catch.c */
  bool links_behind;    /* cases are left that it has not gone through */
  bool master_known;    /* the store can tell whether it was sealed under our master key */
  bool committing;      /* between store_commit and done */
  bool calling;         /* inside a port: a tick would clear what is being shown */
  enum err failed;      /* not ERR_OK: the store is unsafe */
  struct runtime_stats stats;
};

/* Point read; an error other than ERR_NOT_FOUND makes the batch fail and is told as "not found". */
bool engine_read(struct runtime *runtime, enum store_space space, const struct record_key *key, struct span *ret_value);
void engine_put(struct runtime *runtime, enum store_space space, const struct record_key *key, struct span value);
/* A record that could not be read: the store is unsafe. */
void engine_fail(struct runtime *runtime, enum err err);

/* ---- journal.c ---- */

/* Gives the entry the next number and its link of the chain, and puts it. Advances recorded_at. */
void journal_append(struct runtime *runtime, struct record_journal *entry);
/* The messages to a family are linked backwards, from its root's record, so that nobody needs to look for them. What
 * `earlier` of the next one is; */
uint64_t journal_latest(struct runtime *runtime, struct span root);
/* and once that has this number. */
void journal_link(struct runtime *runtime, struct span root, uint64_t number);

/* ---- signed.c ---- */

/* Part of recovery. */
enum err signed_load(struct runtime *runtime) MUST_CHECK;
/* Whether the head, with what is being collected, is a signed one. */
bool signed_now(const struct runtime *runtime);
bool signed_due(const struct runtime *runtime, civil_moment now);
/* Into the batch that is being committed. */
void signed_write(struct runtime *runtime);

/* ---- acts.c ---- */

/* Those that wait go into the batch that is being committed, */
void acts_write(struct runtime *runtime);
/* and are told when that is stored, or wait for the next. */
void acts_settle(struct runtime *runtime, bool stored);
void acts_drop(struct runtime *runtime);

/* ---- calendars.c ---- */

void calendars_init(struct runtime *runtime);
void calendars_finish(struct runtime *runtime);
/* Part of recovery. ERR_CONFIG: what was imported does not fit the calendar of config/ any more, and why. */
enum err calendars_load(struct runtime *runtime, struct fault *fault) MUST_CHECK;
/* An import waits and stands in no batch. */
bool calendars_waiting(const struct runtime *runtime);
/* The import that waits goes into the open batch, and counts. Nothing while a timer is due. */
void calendars_take(struct runtime *runtime, civil_moment now);
/* What is kept of it goes into the batch that is being committed, */
void calendars_write(struct runtime *runtime);
/* and is told when that is stored; else it waits again (calendars_load has brought back what counted before). */
void calendars_settle(struct runtime *runtime, bool stored);
/* All families have been recounted: an entry says so. */
void calendars_recounted(struct runtime *runtime, civil_moment now);
/* ERR_BUSY, ERR_LIMIT: no import may be taken now. */
enum err calendars_check_turn(const struct runtime *runtime, struct fault *fault) MUST_CHECK;
/* A calendar with these rows over the one that counts. Russian texts. */
enum err calendars_amended(const struct runtime *runtime, struct span rows, struct calendar **ret_calendar,
                           struct fault *fault) MUST_CHECK;

/* ---- recount.c ---- */

/* The family began before the last import and has not been recounted. */
bool recount_needed(struct runtime *runtime, struct span root);
/* Recounts it, and before it those that it has something to say to; an entry of the journal for each in which something
 * changes, recorded at this moment. `behind`: a timer that is due has been taken out of the store for it already. */
void recount_family(struct runtime *runtime, struct span root, civil_moment recorded_at, bool behind);
/* A slice of those that are left. True: there are more, and the open batch takes them. */
bool recount_slice(struct runtime *runtime, civil_moment now);
/* There are some, and nobody has to tell when. */
bool recount_waits(const struct runtime *runtime);
/* The operator's repetition of one that failed; it comes by the inbox. */
void recount_again(struct runtime *runtime, const struct inbox_message *in, civil_moment now);

/* ---- persons.c ---- */

/* Merges into the family's personal fields (later ones win) and returns what was added, sealed, for the journal; the
 * empty span when there is nothing to keep or no key to keep it under. */
struct span persons_merge(struct runtime *runtime, struct span root, const struct value *personal);
/* The family's personal fields are these and no others; nothing if there is no key to keep them under. */
void persons_replace(struct runtime *runtime, struct span root, const struct value *personal);
/* The store was sealed under this master key, or is new. ERR_CONFIG: under another one, or the key is missing. */
enum err persons_check_master(struct runtime *runtime, struct fault *fault) MUST_CHECK;
/* Into the first batch of a new store: what the next start is checked against. */
void persons_write_master(struct runtime *runtime);
struct runtime_person persons_state(struct runtime *runtime, struct span root);
/* Destroys the key of this one family (links_erase: of the whole person); `journal` is the entry that says so. */
void persons_erase(struct runtime *runtime, struct span root, uint64_t journal);
/* Nil when there is none. */
struct value persons_read(struct runtime *runtime, struct span root, struct arena *arena);
/* Under the family's key, for an entry of the journal; empty if there is none. */
struct span persons_seal(struct runtime *runtime, struct span root, const struct value *value);
/* Opens what persons_merge or persons_seal sealed. */
struct value persons_unseal(struct runtime *runtime, struct span root, struct span sealed, struct arena *arena);

/* ---- streams.c ---- */

void streams_init(struct runtime *runtime);
void streams_finish(struct runtime *runtime);
/* Encodes and puts a delivery at the end of its participant's stream; fills position. */
void streams_add(struct runtime *runtime, struct runtime_delivery *delivery);
/* Deletes some of what was acknowledged long ago, in the open batch. */
void streams_trim(struct runtime *runtime);
/* A delivery's data without the catalogue's fields that a participant of `kind` may not see; names that no event has
 * (those that casework itself gives) stay. Two levels deep: deeper maps are records of one field. */
struct value streams_cut(struct runtime *runtime, const struct value *data, struct span kind);

/* ---- incidents.c ---- */

struct incident_report {
  struct span case_id;
  struct span reason, detail;
  struct span sender, event;
  uint64_t journal;
  civil_moment at;
  uint64_t times; /* refusals that it stands for; 0: one */
  bool transport;
  bool parks; /* its case is parked until this, and all others that park it, are resolved */
};
uint64_t incidents_open(struct runtime *runtime, const struct incident_report *report);
/* A refusal: the first ones of its kind open an incident each (*ret_first), the others are counted in the last. */
uint64_t incidents_refusal(struct runtime *runtime, const struct incident_report *report, enum err err,
                           bool *ret_first);
/* What the operator has closed goes into the open batch, */
void incidents_write_resolutions(struct runtime *runtime);
/* and is forgotten when that is stored, or waits for the next. */
void incidents_settle_resolutions(struct runtime *runtime, bool stored);
void incidents_drop_resolutions(struct runtime *runtime);
/* What was repeated has failed once more. */
void incidents_again(struct runtime *runtime, struct span root, uint64_t incident, civil_moment at);
/* The repeated message of the incident is refused once more. False if the incident was no refusal. */
bool incidents_refused_again(struct runtime *runtime, struct span root, uint64_t incident, civil_moment at);
/* The message or the timer of the incident was taken at last. */
void incidents_resolved(struct runtime *runtime, struct span root, uint64_t incident);
/* What led to it was taken back. */
void incidents_annulled(struct runtime *runtime, struct span root, uint64_t incident);

/* ---- family.c ---- */

/* The living cases of a family: a case, then its children in order of creation, depth first. */
struct family {
  struct case_slot **members;
  size_t count;
  struct span unread; /* family_all: the first of which the record is there and cannot be read; empty: none */
};
enum err family_living(struct runtime *runtime, struct span top, struct family *ret_family,
                       struct fault *fault) MUST_CHECK;
/* All that can be read, those that have ended too. */
void family_all(struct runtime *runtime, struct span top, struct family *ret_family);
/* Which case takes an event of this sender that is addressed to `top` (not ended). ERR_NOT_FOUND: none. ERR_CONFLICT:
 * several could, and nothing tells which. */
enum err family_target(struct runtime *runtime, struct span top, const struct runtime_message *message,
                       const struct event_rule *rule, const struct value *data, struct case_slot **ret_target,
                       struct fault *fault) MUST_CHECK;

/* What everybody outside calls a case: the root's number, and behind it the referral's own part of the id. Which part
 * of the family a referral belongs to tells what kind of case the root is, and with it what an executor may not know.
 */
struct span family_outside(struct runtime *runtime, const struct case_view *view, struct span id);
/* The case of that name: its id, or what family_outside calls it. As cases_get. */
enum err family_named(struct runtime *runtime, struct span name, struct case_slot **ret_slot,
                      struct fault *fault) MUST_CHECK;

/* ---- message.c ---- */

/* One message from the inbox: everything about it is put into the open batch and the outbox. */
void message_process(struct runtime *runtime, const struct inbox_message *in, civil_moment now);

/* ---- due.c ---- */

/* A timer is due and has not been taken. */
bool due_waits(struct runtime *runtime, civil_moment now);
/* The next one in order: its work, or an incident, and its entry in the journal; or, if its family has to be recounted
 * first, that alone. False: none is due. */
bool due_take_next(struct runtime *runtime, civil_moment now);
/* When the engine is behind: all that are due in the family of this case, out of the order, before its message. */
void due_take_family(struct runtime *runtime, struct span case_id, civil_moment now);
/* The operator's repetition of one that failed; it comes by the inbox. */
void due_again(struct runtime *runtime, const struct inbox_message *in, civil_moment now);

/* ---- runtime.c ---- */

/* Ends the open batch, which was begun outside a tick: by whoever plays into a runtime of its own. */
enum err engine_commit(struct runtime *runtime) MUST_CHECK;
void outbox_add_receipt(struct runtime *runtime, const struct runtime_receipt *receipt);
void outbox_add_delivery(struct runtime *runtime, struct span participant, uint64_t position, struct span bytes);

#endif
