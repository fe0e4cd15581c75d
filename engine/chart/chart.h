/*
 * chart/chart.h — W3C State Chart XML 1.0: read, compile, interpret.
 *
 * Purpose: turns an SCXML document into immutable tables once, and runs any number of sessions on them. Data models
 * "lua" (Lua 5.4, sandboxed) and "null". Foreign elements of one registered namespace become invocations of named
 * services (children of <state>) or sends to them (executable content); this room knows their names only from the
 * vocabulary that the caller passes.
 *
 * Data: a Lua table with the keys 1 … n, or without any, is a list, every other one a map.
 * Life cycle: chart_worker_create (one per thread) → chart_compile → chart_session_create or _restore →
 * chart_session_start / _event / _advance … → chart_session_save → chart_session_destroy.
 * Threading: a chart belongs to the worker that compiled it; a worker and its sessions belong to one thread.
 * Ownership: sessions borrow their chart, charts their worker. Values handed to a callback are valid until it returns.
 * Determinism: the same chart, snapshot, event and moment give the same bytes and the same calls to the host, in the
 * same order. Never: reads a clock, draws randomness, touches a file (a chart's `src` files come through `loader`).
 * Limits: struct chart_limits; a session that exceeds one stops with ERR_LIMIT and is to be parked by its owner.
 */
#ifndef KURATOR_CHART_CHART_H
#define KURATOR_CHART_CHART_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/span.h"
#include "base/value.h"

struct chart_worker;  /* a Lua state and scratch memory */
struct chart;         /* compiled document, immutable */
struct chart_session; /* one running instance */

/* "A call" is one external event or one delayed send with all that follows from it, in all nested sessions. */
struct chart_limits {
  uint32_t document_size_max; /* bytes of SCXML */
  uint32_t instructions_max;  /* Lua VM instructions in one call; long texts and tables walked in C count too */
  uint32_t script_memory_max; /* bytes the Lua state may grow by in one call */
  uint32_t microsteps_max;    /* microsteps and internal events in one call; also its external events */
  uint32_t queue_max;         /* events in a session's queues; delayed sends of a session */
};
/* What kuratord runs with: 1 MiB, 1,000,000, 16 MiB, 1,000, 1,000. */
struct chart_limits chart_limits_default(void);

/* A pure function that scripts can call by name. `arguments` and `*ret_value` live in `arena`. An error becomes
 * error.execution with the fault's text. */
typedef enum err (*chart_function)(void *arg, const struct value *arguments, size_t count, struct arena *arena,
                                   struct value *ret_value, struct fault *fault);

struct chart_function_entry {
  const char *name;
  chart_function function;
};
struct chart_worker_options {
  struct chart_limits limits;
  const struct chart_function_entry
      *functions; /* ended by a NULL name; NULL for none. Borrowed for the worker's life. */
  void *functions_arg;
};
enum err chart_worker_create(const struct chart_worker_options *options, struct chart_worker **ret_worker) MUST_CHECK;
void chart_worker_destroy(struct chart_worker **worker);

/* ---- compiling ---------------------------------------------------------------------------------------------- */

enum chart_attribute_kind {
  CHART_ATTRIBUTE_TEXT,  /* literal */
  CHART_ATTRIBUTE_EXPR,  /* data-model expression */
  CHART_ATTRIBUTE_LATER, /* data-model expression that is not evaluated at the start, only by chart_session_attribute */
};
struct chart_attribute {
  const char *name;
  enum chart_attribute_kind kind;
  bool required;
};
enum chart_element_place { CHART_PLACE_STATE, CHART_PLACE_CONTENT };
/* An element of the extension namespace (not inside a chart that another invokes). In CHART_PLACE_STATE it behaves as
 * <invoke type="PREFIX:NAME">, its attributes as params, its `id` attribute (or a generated one) as invokeid; in
 * CHART_PLACE_CONTENT as <send type="PREFIX:NAME">, its attributes evaluated when it runs. <k:param name= expr=/>
 * children add params. */
struct chart_element {
  const char *name;
  enum chart_element_place place;
  const struct chart_attribute *attributes; /* ended by a NULL name */
};
struct chart_vocabulary {
  const char *namespace_uri;            /* "urn:kurator:case" */
  const char *type_prefix;              /* "urn:kurator:" */
  const struct chart_element *elements; /* ended by a NULL name */
};

/* Reads a file that the document names (`src`, file: or relative). The bytes live in `arena`. NULL: all refused. */
typedef enum err (*chart_loader)(void *arg, struct span uri, struct arena *arena, struct span *ret_bytes);

struct chart_source {
  struct span document;
  const char *name;                          /* for faults: a file name */
  const struct chart_vocabulary *vocabulary; /* NULL: plain SCXML. Borrowed for the chart's life. */
  chart_loader
      loader; /* asked while compiling, and while running for a src that is an expression: lives as the chart */
  void *loader_arg;
};
/* ERR_FORMAT / ERR_INVALID / ERR_LIMIT with line and an English text in `fault`. */
enum err chart_compile(struct chart_worker *worker, const struct chart_source *source, struct chart **ret_chart,
                       struct fault *fault) MUST_CHECK;
void chart_destroy(struct chart **chart);

uint32_t
chart_states_count(const struct chart *chart); /* states are numbered in document (pre-)order from 0 = <scxml> */
struct span chart_state_id(const struct chart *chart, uint32_t state); /* generated ids for states without one */
bool chart_state_is_final(const struct chart *chart, uint32_t state);
bool chart_state_is_atomic(const struct chart *chart, uint32_t state); /* no children; final yes, history no */
/* A foreign attribute of a state, by the vocabulary's namespace and local name ("stage"); empty if none. */
struct span chart_state_attribute(const struct chart *chart, uint32_t state, const char *name);
/* True if some transition of the chart names this event by a descriptor other than "*". Static, O(1) after the first
 * question for a name. */
bool chart_knows_event(const struct chart *chart, struct span name);

/* The n-th expression or script (from 0, in the order of compiling) that did not compile, which the recommendation
 * makes an error of the run and not of the document; false when there are no more. For linters. `*ret_text` lives as
 * the chart. */
bool chart_problem(const struct chart *chart, uint32_t n, uint32_t *ret_line, struct span *ret_text);

/* The extension invocations of a chart, numbered in document order, for owners that keep a record per element. */
uint32_t chart_elements_count(const struct chart *chart);
struct chart_element_info {
  struct span name; /* "deadline" */
  struct span id;   /* literal id attribute, empty if none */
  uint32_t state;
  uint32_t line;
};
struct chart_element_info chart_element_info(const struct chart *chart, uint32_t element);
/* A literal attribute of an element; empty if absent or an expression. */
struct span chart_element_text(const struct chart *chart, uint32_t element, const char *attribute);
/* Whether the element carries the attribute, literal or expression. */
bool chart_element_has(const struct chart *chart, uint32_t element, const char *attribute);

/* ---- running ------------------------------------------------------------------------------------------------ */

struct chart_event {
  struct span name;
  struct value data; /* VALUE_NIL for none */
  struct span sendid, origin, origintype, invokeid;
};

struct chart_invocation {
  struct span invokeid;
  struct span type; /* full URI */
  struct span src;
  uint32_t element;    /* number among chart_elements_count, UINT32_MAX for a plain <invoke> of an unknown type */
  struct value params; /* map: attributes (EXPR evaluated, TEXT as text) and params */
  struct value content;
};
struct chart_send {
  struct span sendid, type, target, event;
  uint32_t line;
  struct value data; /* params, namelist or content; for a vocabulary element its attributes */
};

/* What a session asks of its owner. Sends to itself, to its parent and to its own SCXML invocations, delays and
 * cancels are handled inside; only what leaves the session arrives here. */
struct chart_host {
  void *arg;
  /* Called when the macrostep that entered the state has ended. An error puts error.execution on the queue. */
  enum err (*invoke)(void *arg, const struct chart_invocation *invocation, struct fault *fault);
  /* The state was left; also for an invocation that has already ended. */
  void (*uninvoke)(void *arg, struct span invokeid, uint32_t element);
  /* ERR_NOT_FOUND / ERR_UNREACHABLE becomes error.communication, others error.execution. */
  enum err (*send)(void *arg, const struct chart_send *send, struct fault *fault);
  void (*log)(void *arg, struct span label, struct span text); /* may be NULL */
  /* When tracing, may be NULL: "event" NAME, "exit" and "enter" with the ids of the states, "ended" SESSION. */
  void (*trace)(void *arg, const char *what, struct span detail);
};

struct chart_moment {
  civil_moment now;
  struct value platform; /* a map: becomes the fields of _x, read-only for scripts */
};

/* What a call did with what it was given. */
struct chart_outcome {
  bool taken;               /* at least one transition was enabled by the external event (for start: always true) */
  uint32_t errors;          /* error.* events raised that no transition took */
  struct fault first_error; /* of those: the first, err ERR_OK if none */
  bool ended;               /* the session has reached a top-level final state (now or before) */
};

enum err chart_session_create(struct chart_worker *worker, const struct chart *chart, struct span session_id,
                              struct chart_session **ret_session) MUST_CHECK;
void chart_session_destroy(struct chart_session **session);

/* Runs to the end of the first macrostep and of all internal consequences. `data` (a map or nil) presets top-level
 * <data> of the same ids, as <param> of an <invoke> does (section 6.4.3). */
enum err chart_session_start(struct chart_session *session, const struct chart_moment *moment, const struct value *data,
                             const struct chart_host *host, struct chart_outcome *ret_outcome) MUST_CHECK;
/* Delivers one external event and runs until quiescent. Any error return leaves the session unusable: destroy it and
 * park the case; the snapshot before the call is the truth. */
enum err chart_session_event(struct chart_session *session, const struct chart_moment *moment,
                             const struct chart_event *event, const struct chart_host *host,
                             struct chart_outcome *ret_outcome) MUST_CHECK;
/* The earliest delayed send, or CIVIL_MOMENT_NONE. */
civil_moment chart_session_due(const struct chart_session *session);
/* Delivers the delayed sends that are due at moment->now, in order of (due, order of sending), running a macrostep
 * after each. */
enum err chart_session_advance(struct chart_session *session, const struct chart_moment *moment,
                               const struct chart_host *host, struct chart_outcome *ret_outcome) MUST_CHECK;

bool chart_session_ended(const struct chart_session *session);
/* donedata of the final state, nil if none or not ended. Valid until the session changes. */
struct value chart_session_donedata(const struct chart_session *session);
/* After the end: true for the top-level final state that was reached. */
bool chart_session_in(const struct chart_session *session, uint32_t state);
/* Evaluates an EXPR or LATER attribute of an element in the session's present data; ERR_SCRIPT with the message in
 * `fault`. `event` becomes _event, may be NULL. A literal gives its text, an attribute that is not there nil. */
enum err chart_session_attribute(struct chart_session *session, const struct chart_moment *moment, uint32_t element,
                                 const char *attribute, const struct chart_event *event, struct arena *arena,
                                 struct value *ret_value, struct fault *fault) MUST_CHECK;
/* A top-level variable of the data model, nil if there is none. */
enum err chart_session_variable(struct chart_session *session, const char *name, struct arena *arena,
                                struct value *ret_value) MUST_CHECK;

/* ---- durability ---------------------------------------------------------------------------------------------- */

/* Only of a session that was started, between calls (it is then quiescent). Holds configuration, history, data as a
 * canonical tree, queues, delayed sends with absolute due, running invocations with their children inside. States and
 * variables go by their numbers: only the chart that it was made with, compiled again at any time, reads it. A table
 * that two variables share is parted, so that the saved session goes on as a restored one would. ERR_UNSUPPORTED with
 * the name of the variable in `fault` when the data holds a cycle, or a function that the document's own script or data
 * have not defined: the session stays as it was. */
enum err chart_session_save(struct chart_session *session, struct writer *w, struct fault *fault) MUST_CHECK;
/* The same by names, larger and slower: a chart that was changed reads it, as long as it has what the session is in.
 * For carrying a session over to another revision. A function is not said, but taken from the chart that restores:
 * only a variable can hold one, and only the one that the chart defines under that name; ERR_UNSUPPORTED with the name
 * of the variable for a function in a table or under another name. One that is gone (nil) stays away. */
enum err chart_session_save_named(struct chart_session *session, struct writer *w, struct fault *fault) MUST_CHECK;
/* Of either form. ERR_CORRUPT for bytes that no save made, ERR_CONFLICT when it is another chart's, or the chart has no
 * such state or element. Does not call the host: running invocations stay as they are. */
enum err chart_session_restore(struct chart_worker *worker, const struct chart *chart, struct reader *r,
                               struct chart_session **ret_session, struct fault *fault) MUST_CHECK;

#endif
