/*
 * casework/casework.h — the case: a chart session with deadlines, tasks, offers and child cases around it.
 *
 * Purpose: `case_step(case, input, now)` is the whole logic of the engine: it takes one input (a message, a timer, an
 * event from another case) and returns the effects that have to be stored and sent. It is deterministic: the same
 * definition, record, input and moment give the same record bytes and the same effects in the same order.
 *
 * Revisions: a process is defined any number of times, once as the present one and otherwise as revisions that running
 * cases have begun with. A case is pinned to the revision that it was opened on; new cases, children too, begin on the
 * present one. There is no migration yet: no case is moved to another revision, also not by a map of states.
 *
 * Life cycle: casework_create (configuration) → casework_define per process → case_open | case_decode → case_step … →
 * case_encode → case_close. Threading: one worker thread owns a casework and its cases.
 * Ownership: effects and everything in them live in the arena passed to the step.
 * Limits: CASE_* below; what exceeds one becomes an incident of the case, never a crash.
 * Never: reads a clock, draws randomness, touches a file or the store. Other cases are reached by effects only. Pure.
 */
#ifndef KURATOR_CASEWORK_CASEWORK_H
#define KURATOR_CASEWORK_CASEWORK_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/value.h"
#include "calendar/calendar.h"
#include "casework/catalogue.h"
#include "chart/chart.h"

enum {
  CASE_ID_MAX = 200,
  CASE_KEY_MAX = 64,
  CASE_ROOT_MAX = 64, /* bytes of a root case's id */
  CASE_CHILDREN_MAX = 200,
  DEADLINE_HELD_MAX = 100000,      /* working days of pauses */
  CASE_DEADLINES_MAX = 400,        /* kept in one case, ended ones included */
  CASE_DOCUMENTS_MAX = 250,        /* editions in the register of one case */
  CASE_RECORD_MAX = 1 << 20,       /* bytes */
  CASEWORK_PROCESSES_MAX = 100,    /* present ones */
  CASEWORK_DEFINITIONS_MAX = 1000, /* with those that only running cases need */
  CASEWORK_NAME_MAX = 128,         /* bytes of a process' name */
  CASEWORK_REVISION_SIZE = 32,     /* hexadecimal digits */
  /* What a chart means. Raised with every change of the vocabulary after which an old chart would behave otherwise: it
   * is part of each revision, so that no case is taken for one that began under the new meaning. */
  CASEWORK_VOCABULARY = 3,
};

struct casework;  /* configuration and compiled processes */
struct case_file; /* one case in memory ("case" is a word of C) */

struct case_identity;

/* What a chart may be told of other cases: only the routing load. Asked while a step runs; must be deterministic for
 * the journal position (the runtime answers from its own counters). */
struct casework_ports {
  void *arg;
  /* While a case is gone through again: to whom this offer of it went then. False: it never was made. May be NULL. */
  bool (*recall)(void *arg, struct span case_id, int64_t offer, struct span *ret_participant);
  /* Open referrals of a participant. */
  int64_t (*load)(void *arg, struct span participant);
  /* What the chart of a case does: "event" NAME, "exit" and "enter" with the ids of the states. For drawings; may be
   * NULL. Tells a step as it goes, also one that is not kept in the end. */
  void (*trace)(void *arg, const struct case_identity *identity, const char *what, struct span detail);
};

struct casework_options {
  const struct catalogue *catalogue; /* checked; borrowed */
  const struct calendar *calendar;   /* borrowed */
  struct chart_limits limits;
  struct casework_ports ports;
};
enum err casework_create(const struct casework_options *options, struct casework **ret_casework) MUST_CHECK;
void casework_destroy(struct casework **casework);
/* Other ports from now on; the ones before. Not inside a step. */
struct casework_ports casework_ports_swap(struct casework *casework, const struct casework_ports *ports);

/* Another calendar from now on; the one before. Not inside a step. What stands in cases is computed by the one before
 * until they are stepped, at best with CASE_INPUT_CALENDAR; nothing of it is borrowed. */
const struct calendar *casework_calendar_swap(struct casework *casework, const struct calendar *calendar);

/* The elements of urn:kurator:case, for whoever reads a chart without defining a process. A constant. */
const struct chart_vocabulary *casework_vocabulary(void);

struct process_source {
  struct span name;      /* folder name */
  struct span chart;     /* SCXML */
  const char *file;      /* for faults */
  struct value settings; /* map, becomes _x.settings */
  struct span revision;  /* empty: the present one; else one of before, for cases that run on it */
};
/* Compiles and checks a process: roles, terms, stages, events of met-by against the catalogue. Copies the source. ERR_*
 * with the line; ERR_EXISTS: a second present one, or the same revision again. */
enum err casework_define(struct casework *casework, const struct process_source *source,
                         struct fault *fault) MUST_CHECK;
/* A present one. */
bool casework_has_process(const struct casework *casework, struct span name);
bool casework_has_revision(const struct casework *casework, struct span name, struct span revision);
/* BLAKE2b-128 of chart, settings and CASEWORK_VOCABULARY, as text without a terminating NUL. */
void casework_revision(struct span chart, const struct value *settings, char ret_revision[CASEWORK_REVISION_SIZE]);

/* What was defined, in that order; borrowed until casework_destroy. */
struct process_definition {
  struct span name, revision, chart;
  struct value settings;
  bool present;
};
size_t casework_definitions_count(const struct casework *casework);
struct process_definition casework_definition(const struct casework *casework, size_t index);
const struct catalogue *casework_catalogue(const struct casework *casework);
const struct calendar *casework_calendar(const struct casework *casework);

/* ---- a case ---- */

struct case_identity {
  struct span id; /* "86-2025-00137/support/m1" */
  struct span process;
  struct span parent;   /* case id, empty for a root */
  struct span invoke;   /* the parent's element that started it */
  struct span key;      /* what a sender calls it: the last part of the id, without the ".2" of a second life */
  bool referral;        /* it is one of a <k:referrals> of its parent */
  struct span revision; /* case_open: on which one; empty: the present one */
};
struct span case_root(struct span id); /* up to the first '/' */

/* What an input is. */
enum case_input_kind {
  CASE_INPUT_START,    /* first step; data presets the session */
  CASE_INPUT_EVENT,    /* an event of the catalogue from a participant */
  CASE_INPUT_INTERNAL, /* from another case: referral.X.Y, done.invoke.X, case.cancelled, case.moved */
  CASE_INPUT_WATCHED,  /* an external event that another case of the family handles: only deadlines look at it */
  CASE_INPUT_TIMER,    /* a timer of this case is due */
  CASE_INPUT_CALENDAR, /* the calendar is another one: what rests on working days is computed again */
};
struct case_input {
  enum case_input_kind kind;
  struct span event;         /* START: the event that started it */
  struct value data;         /* clear data only */
  struct span sender;        /* participant id; empty for internal */
  civil_moment occurred_at;  /* ≤ now */
  struct span invokeid;      /* INTERNAL: which element answers (the effect's `invoke`) */
  struct span origin;        /* INTERNAL: id of the case whose effect this was, empty if none */
  struct span participant;   /* START: whose case it is from the start, without an offer; empty: nobody's */
  uint32_t timer_slot;       /* TIMER */
  uint64_t timer_generation; /* TIMER: an older generation is ignored */
  uint64_t payload;          /* entry of the journal that holds `data`; 0: none, it comes from another case */
};

enum deadline_state {
  DEADLINE_OPEN,
  DEADLINE_MET,
  DEADLINE_MISSED,
  DEADLINE_MET_REPORTED_LATE,
  DEADLINE_PAUSED,
  DEADLINE_CANCELLED,
  DEADLINE_PROVISIONAL, /* open, resting on a year that is not loaded */
};
const char *deadline_state_name(enum deadline_state state); /* "met-reported-late" */

/* A deadline as a legal object (design section 3); one record per (case, slot), kept when it has ended. */
struct deadline {
  uint32_t slot; /* per case, never used twice */
  struct span id, key, basis, title, owner, term, cause, calendar_revision;
  civil_day from, due, opens; /* opens CIVIL_DAY_NONE: at once */
  enum term_shift shift;
  enum deadline_state state;
  civil_moment opened_at, at; /* at: the last change of state */
  civil_day done_on;          /* met or reported late: when it occurred */
  bool counted;               /* against the owner's record */
  int32_t held;               /* working days of the pauses that lie in it; part of `due` */
};
void deadline_encode(const struct deadline *deadline, struct writer *w);
enum err deadline_decode(struct span bytes, struct deadline *ret_deadline) MUST_CHECK; /* borrows from bytes */
/* Russian, why this due date. */
struct span deadline_explain(const struct calendar *calendar, const struct deadline *deadline, struct arena *arena);

/* An edition of a document in the register of its case (document.h). */
struct case_document {
  struct span kind, state;               /* of the catalogue's documents */
  struct span to;                        /* extract: its executor; else empty */
  uint32_t edition;                      /* from 1, per kind and executor */
  civil_moment occurred_at, recorded_at; /* of the last change of state */
  uint64_t journal;                      /* entry that holds what stands in it; 0: an extract, or not known */
  uint64_t state_journal;                /* entry of the last change of state; 0 as before */
  struct text_list measures;             /* extract: keys of its referrals */
  civil_moment made_at;                  /* extract: since when there is this edition; else CIVIL_MOMENT_NONE */
};
/* There is a later edition of the same document. */
bool case_document_superseded(const struct case_document *documents, size_t count, size_t index);

enum case_effect_kind {
  CASE_EFFECT_DEADLINE, /* store the record */
  CASE_EFFECT_TIMER_SET,
  CASE_EFFECT_TIMER_CLEAR,
  CASE_EFFECT_START,    /* start a child case */
  CASE_EFFECT_EVENT,    /* an internal event for another case: parent, child, or the root case of `process` */
  CASE_EFFECT_DELIVERY, /* something for a participant's stream */
  CASE_EFFECT_INCIDENT,
  CASE_EFFECT_LOAD,  /* a participant's open referrals change by `delta` */
  CASE_EFFECT_ENDED, /* the case is over; `data` is the donedata */
};
enum delivery_kind {
  DELIVERY_OFFER,
  DELIVERY_OFFER_WITHDRAWN,
  DELIVERY_TASK,
  DELIVERY_TASK_WITHDRAWN,
  DELIVERY_NOTICE,
  DELIVERY_DEADLINE, /* reminder or miss */
};
struct case_effect {
  enum case_effect_kind kind;
  struct span case_id;      /* START, EVENT: the other case */
  struct span process;      /* START: of the child; with `invoke`, `key` and `referral` for its case_identity.
                             * EVENT: a root case of this process, begun with the same data and for `participant` if it
                             * is not there; empty: parent or child */
  struct span invoke;       /* START; EVENT: becomes the input's invokeid */
  struct span key;          /* START */
  bool referral;            /* START */
  struct span event;        /* EVENT; DELIVERY_DEADLINE: "deadline.ID" or "reminder.ID" */
  struct value data;        /* START, EVENT, DELIVERY, ENDED */
  civil_moment occurred_at; /* START, EVENT: when that occurred which led to it; becomes the input's */
  struct deadline deadline; /* DEADLINE, DELIVERY_DEADLINE */
  uint32_t slot;            /* TIMER_*; DEADLINE: of its record */
  uint64_t generation;      /* TIMER_SET: hand it back with the input; TIMER_CLEAR: of the timer that goes */
  civil_moment due;         /* TIMER_SET; TIMER_CLEAR: of the timer that goes. No timer is SET twice without a CLEAR */
  enum delivery_kind delivery;
  struct span participant; /* DELIVERY, LOAD; EVENT with a process */
  struct span subject;     /* DELIVERY: element id, template or deadline id */
  struct span reason;      /* ENDED: the ground; DELIVERY_OFFER_WITHDRAWN: why; INCIDENT: a stable code, below */
  struct span detail;      /* INCIDENT: text for the operator; no personal data */
  int64_t delta;           /* LOAD */
};
/* Codes of incidents beside those that charts name themselves: event-not-taken, script-error, unroutable,
 * executor-unfit, no-participant, too-many-deadlines, too-many-documents. */
struct case_effects {
  struct arena *arena;
  struct case_effect *items;
  size_t count, capacity;
};

/* A case that does not exist yet; its first input must be CASE_INPUT_START. ERR_NOT_FOUND: no such process.
 * A record whose revision is not defined here still becomes a case: it can be looked at, asked for rights, and closed,
 * but not stepped or encoded (ERR_CONFIG). So an ended case needs no definition, and a living one can be parked. */
enum err case_open(struct casework *casework, const struct case_identity *identity,
                   struct case_file **ret_case) MUST_CHECK;
enum err case_decode(struct casework *casework, struct span record, struct case_file **ret_case,
                     struct fault *fault) MUST_CHECK;
void case_close(struct case_file **c);
/* After a step. ERR_UNSUPPORTED / ERR_LIMIT when the chart's data cannot be kept: park the case. */
enum err case_encode(struct case_file *c, struct writer *w, struct fault *fault) MUST_CHECK;

/*
 * Rights of a message at a case (NULL: one that it would start; then the territory in `data` counts): the sender's kind
 * against the catalogue, its territory against the case's, the addressee and the offer's number. `data`: the clear part
 * of the payload. ERR_FORBIDDEN or ERR_CONFLICT with a Russian text; never changes the case.
 */
enum err case_permits(const struct case_file *c, const struct event_rule *rule, const struct participant *sender,
                      const struct value *data, struct fault *fault) MUST_CHECK;

/*
 * One input. ERR_OK also when the input led to an incident (that is an effect). An error return means that the case
 * must be parked: nothing of the step may be stored; `fault` says why (limits, script memory).
 */
enum err case_step(struct case_file *c, const struct case_input *input, civil_moment now, struct case_effects *effects,
                   struct fault *fault) MUST_CHECK;
/* True if the last step's event was taken by a transition or met a deadline. */
bool case_took(const struct case_file *c);
bool case_has_ended(const struct case_file *c);
/* What began the case was said by mistake: it ends on the ground "annulled" and waits for nothing. Nobody is told; what
 * had gone out the caller withdraws. Its number may begin another case. */
void case_annul(struct case_file *c, civil_moment now);
bool case_is_annulled(const struct case_file *c);
struct span case_process(const struct case_file *c);
/* Empty: it comes from a record of before revisions were kept; its next step pins it to the present one. */
struct span case_revision(const struct case_file *c);
/* A timer that the case counts on. The runtime has it too, unless stepping it has failed. */
struct case_due {
  uint32_t slot;
  civil_moment moment; /* CIVIL_MOMENT_NONE: not set */
};
/* Number `index` of them, in no order; false past the last one. */
bool case_due_at(const struct case_file *c, size_t index, struct case_due *ret_due);
/* True if the process of this case names the event (delegation). Where its definition is missing, the present one of
 * the same name answers; without any it might name every event. */
bool case_knows(const struct case_file *c, struct span event);
/* True if a deadline of the process is met or ended by it: the second choice when nobody of a family knows the event.
 */
bool case_watches(const struct case_file *c, struct span event);

/* ---- reading a case ---- */

/* A task that participants have before them. */
struct case_task {
  struct span id;
  struct text_list recipients;
  struct value data; /* as it is delivered */
};
/* Those of a case, in order; texts live in `arena` or in the case. */
size_t case_tasks(const struct case_file *c, struct arena *arena, struct case_task **ret_tasks);
/* The number of deadlines that it has had: their slots are 1 to this. */
uint32_t case_slots(const struct case_file *c);

struct case_view {
  struct case_identity identity;
  struct span revision;       /* of its process; empty in a record of before they were kept */
  struct span status, reason; /* of <k:status> */
  struct span addressee;      /* participant, empty if none; an ended case keeps the one that it had */
  struct span last_addressee; /* the same, and also after its offer was withdrawn, until nobody else is found */
  int64_t offer;              /* number of the last offer */
  int64_t edition;
  struct span territory;
  struct span stage; /* furthest stage of the active states, empty if none */
  bool ended;
  struct span ground; /* empty while it runs */
  civil_moment opened_at, changed_at, status_at;
  struct text_list states;         /* active atomic states, or the final one */
  struct text_list children;       /* ids of child cases, in order of creation, ended ones included */
  struct text_list live;           /* of those, the ones that have not ended */
  struct case_document *documents; /* in the order in which they came about */
  size_t documents_count;
};
/* Fills `ret_view` from an open case; texts live in `arena`. */
void case_view_of(const struct case_file *c, struct arena *arena, struct case_view *ret_view);
/* The same from a record without restoring its session: cheap, for lists and the outcome. */
enum err case_view_decode(struct span record, struct arena *arena, struct case_view *ret_view) MUST_CHECK;

#endif
