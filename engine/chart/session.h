/*
 * chart/session.h — a running session, inside the room.
 *
 * A session owns its configuration, its variables (a Lua table), two queues, delayed sends and invocations; a session
 * that an <invoke> started is owned by the invocation. All sessions of one tree run on the call of the root's owner:
 * struct call, which lives on that call's stack, holds the host, the moment and what may still be spent.
 *
 * Memory: bitsets are made once with the session; events, their data and every intermediate value live in `arena`,
 * which is emptied when a call begins, because nothing is queued then but what `restore` or a delayed send put there.
 * A session that is destroyed keeps all of it for the next one of its chart (session.c).
 */
#ifndef KURATOR_CHART_SESSION_H
#define KURATOR_CHART_SESSION_H

#include "chart/script.h"
#include "chart/tables.h"

#define SCXML_PROCESSOR "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"
#define SESSION_PREFIX  "#_scxml_"

enum event_type { EVENT_PLATFORM, EVENT_INTERNAL, EVENT_EXTERNAL };

struct event {
  struct event *next;
  const struct symbol *symbol; /* of the session's chart; NULL: look it up */
  enum event_type type;
  struct span name;
  struct value data;
  struct span sendid, origin, origintype, invokeid;
  const struct fault *fault; /* of error events; NULL */
  uint64_t serial;           /* set when it becomes _event */
  bool delivered;            /* by the owner, or forwarded from such: counts for outcome->taken */
};

struct queue {
  struct event *first, *last;
  uint32_t count;
};

struct invocation {
  const struct invoke *invoke;
  struct span id;              /* owned, unless it is the one that the chart says */
  struct chart_session *child; /* owned; NULL for what the host runs, and after the end */
  bool is_chart;
};

/* A delayed send as it will be dispatched; `record` is also what a snapshot holds. */
struct timer {
  civil_moment due;
  uint64_t order;     /* of sending, over the whole tree */
  struct span record; /* owned */
};

struct call {
  const struct chart_host *host;
  const struct chart_moment *moment;
  struct chart_outcome *outcome;
  uint32_t microsteps_left;
  uint32_t turns_left;
  bool delivering; /* events queued now are the owner's doing: outcome->taken */
};

/* A variable of the chart (variables.c). */
struct kept {
  struct span bytes; /* in `kept_bytes`; empty: the environment knows */
  bool live;         /* the environment may hold it */
};

enum session_status { SESSION_NEW, SESSION_RUNNING, SESSION_ENDED };

struct chart_session {
  struct chart_worker *worker;
  const struct chart *chart;
  struct chart *own_chart;      /* compiled for this session alone (from an expression); NULL */
  struct span own_source;       /* owned: its text, for snapshots */
  struct chart_session *root;   /* itself */
  struct chart_session *parent; /* NULL for the root */
  const struct invoke *invoke;  /* of the parent's chart; NULL for the root */
  struct span id;               /* owned */
  struct span invokeid;         /* owned; empty for the root */
  uint32_t nesting;
  enum session_status status;
  bool detached;     /* being cancelled: nothing it sends to its parent arrives */
  struct call *call; /* of the root, while a call runs */

  int environment_ref;
  struct kept *kept; /* by variable; with `bits` */
  struct writer kept_bytes, next_bytes;
  bool strays;               /* the environment may hold variables that no <data> declares */
  const struct event *event; /* _event */
  struct queue internal, external;
  struct arena arena;
  struct arena done_arena;
  struct value donedata;
  uint32_t reached;    /* the top-level final state, when ENDED */
  struct value preset; /* what the invocation or the owner gives <data>; until it has started */

  bits_word *bits; /* owned: all sets below */
  bits_word *config;
  bits_word *to_invoke;
  bits_word *entered;                             /* with late binding: states whose <data> have been set */
  bits_word *exits, *enters, *defaults, *visited; /* of the present microstep */
  bits_word **histories;                          /* by state; NULL: nothing recorded */
  bits_word **history_room;                       /* by state: where a history records; NULL for other states */
  uint32_t *history_defaults;                     /* by state: default content to run on entry; NONE */
  uint32_t *enabled, *filtered;                   /* transitions selected */
  uint32_t enabled_count;
  uint32_t *domains; /* by place in `enabled` */

  struct timer *timers; /* owned; in order of (due, order) */
  uint32_t timers_count, timers_capacity;
  struct invocation *invocations; /* owned; in order of starting */
  uint32_t invocations_count, invocations_capacity;

  uint64_t sends_count, invokes_count, children_count; /* for generated ids */
  uint64_t timer_order;                                /* of the root */
};

/* --- events (queue.c) --- */

/* ERR_LIMIT when the queues of the session are full. The event is borrowed: it must live in the session's arena. */
enum err queue_internal(struct chart_session *s, struct event *event) MUST_CHECK;
enum err queue_external(struct chart_session *s, struct event *event) MUST_CHECK;
struct event *queue_take(struct queue *queue);
struct event *event_create(struct chart_session *s, enum event_type type, struct span name);
/* A copy of everything into the session's arena. */
struct event *event_copy(struct chart_session *s, const struct event *from);
/* error.execution, or error.communication for ERR_NOT_FOUND and ERR_UNREACHABLE. */
enum err raise_error(struct chart_session *s, const struct fault *fault, struct span sendid) MUST_CHECK;

/* --- the interpreter (step.c, content.c) --- */

/* Selects for an event, NULL for none, and runs the microstep if anything is enabled. */
enum err step_event(struct chart_session *s, struct event *event, bool *ret_taken) MUST_CHECK;
/* Enters the initial configuration. */
enum err step_start(struct chart_session *s) MUST_CHECK;
/* Leaves all states (appendix D, exitInterpreter). */
enum err step_exit(struct chart_session *s) MUST_CHECK;
/* Runs a block; script errors become error events, only ERR_LIMIT and the host's misuse come back. */
enum err content_run(struct chart_session *s, uint32_t block) MUST_CHECK;
/* Declares and sets the <data> of a range. */
enum err content_data(struct chart_session *s, struct range data, bool top_level) MUST_CHECK;
/* Evaluates a payload into the session's arena; nil when it is empty. */
enum err payload_value(struct chart_session *s, const struct payload *payload, struct value *ret_value,
                       struct fault *fault) MUST_CHECK;
/* The payload of a <donedata>. A param that cannot be evaluated raises error.execution and is left out, the others stay
 * (section 5.7.1); so does the content, and nothing is left. */
enum err payload_done(struct chart_session *s, const struct payload *payload, struct value *ret_value) MUST_CHECK;
/* The params of a payload as a map, without its content. */
enum err payload_params(struct chart_session *s, const struct payload *payload, struct value *ret_value,
                        struct fault *fault) MUST_CHECK;
enum err text_or_expr_eval(struct chart_session *s, const struct text_or_expr *source, struct span *ret_text,
                           struct fault *fault) MUST_CHECK;
/* Of the kind that becomes an event; everything else ends the call. */
static inline bool expr_faulty(enum err err) {
  return err != ERR_OK && err != ERR_LIMIT && err != ERR_NO_MEMORY;
}

/* --- sends (send.c) --- */

enum err send_run(struct chart_session *s, const struct send *send, struct span *ret_sendid,
                  struct fault *fault) MUST_CHECK;
void send_cancel(struct chart_session *s, struct span sendid);
/* Dispatches the earliest delayed send of the session. */
enum err send_fire(struct chart_session *s) MUST_CHECK;
enum err timer_add(struct chart_session *s, civil_moment due, uint64_t order, struct span record) MUST_CHECK;
void timers_remove(struct chart_session *s);
void timers_destroy(struct chart_session *s); /* and their room */
/* True for bytes that a delayed send wrote. */
bool timer_record_valid(struct span record, struct arena *arena);

/* --- invocations (invoke.c) --- */

enum err invoke_start(struct chart_session *s, const struct invoke *invoke) MUST_CHECK;
/* Leaves the invocations of a state. */
enum err invoke_cancel(struct chart_session *s, uint32_t state) MUST_CHECK;
/* finalize and autoforward for an external event. */
enum err invoke_before(struct chart_session *s, const struct event *event) MUST_CHECK;
/* A nested session has ended: done.invoke to its parent. */
enum err invoke_done(struct chart_session *child) MUST_CHECK;
struct invocation *invocation_find(struct chart_session *s, struct span id);
bool invocation_is_chart(const struct invocation *invocation);
struct invocation *invocation_add(struct chart_session *s, const struct invoke *invoke, struct span id);
void invocations_remove(struct chart_session *s);
void invocations_destroy(struct chart_session *s); /* and their room */
enum err invoke_compile_child(struct chart_session *s, struct span document, struct chart **ret_chart,
                              struct fault *fault) MUST_CHECK;

/* --- the tree (run.c) --- */

/* Of any chart, also one inside another. */
enum err session_create(struct chart_worker *worker, const struct chart *chart, struct span id,
                        struct chart_session **ret_session) MUST_CHECK;
enum err session_create_child(struct chart_session *parent, const struct chart *chart, const struct invoke *invoke,
                              struct span id, struct span invokeid, struct chart_session **ret_child) MUST_CHECK;
void session_destroy(struct chart_session *s);
/* The session after `s` in preorder of the tree below `top`, or NULL. */
struct chart_session *session_next(struct chart_session *top, struct chart_session *s);
struct chart_session *session_find(struct chart_session *root, struct span id);
void session_trace(struct chart_session *s, const char *what, struct span detail);
/* Ends the call: tells the owner why, as outcome->first_error, and returns the error. */
enum err call_fault(struct chart_session *s, const struct fault *fault) MUST_CHECK;
enum err call_limit(struct chart_session *s, const char *text) MUST_CHECK;
/* Pays for a microstep, or for an internal event taken: a condition without event that fails raises one error after the
 * other though no transition is ever taken. */
enum err call_step(struct chart_session *s) MUST_CHECK;
/* For an error event that no transition has taken. */
void call_unhandled(struct chart_session *s, const struct event *event);
/* The session ends with events still queued: the errors among them count as unhandled. */
void call_abandon(struct chart_session *s);
struct span span_own(struct span s); /* malloc'ed copy */
void span_disown(struct span *s);

/* --- snapshots (snapshot.c writes, restore.c reads) --- */

#define SNAPSHOT_MAGIC "KCS"
/* Versions; the third is the second of a chart whose script defines functions. */
enum { SNAPSHOT_NAMED = 1, SNAPSHOT_NUMBERED = 2, SNAPSHOT_FUNCTIONS = 3 };
/* What a numbered session has, in this order. */
enum snapshot_part {
  PART_ENDED = 1 << 0, /* a flag alone */
  PART_HISTORIES = 1 << 1,
  PART_ENTERED = 1 << 2,
  PART_DONEDATA = 1 << 3,
  PART_INTERNAL = 1 << 4,
  PART_EXTERNAL = 1 << 5,
  PART_TIMERS = 1 << 6,
  PART_INVOCATIONS = 1 << 7,
  PARTS_END = 1 << 8
};
enum snapshot_kind { KIND_HOST, KIND_CHART_ENDED, KIND_CHART, KIND_CHART_OF_SOURCE, KINDS_COUNT };
enum { KIND_LITERAL_ID = 4 /* with a kind: the id is the one that the chart says */ };

#endif
