/*
 * Running the sessions of a tree.
 *
 *   NEW ──first turn──▶ RUNNING ──top-level final state──▶ ENDED
 *
 * A call of the owner puts something on a queue of the root (or fires a timer) and then gives turns until no session of
 * the tree has anything left: in each turn the first session, in preorder, that is new or has events queued takes one
 * external event and goes on to the end of its macrostep (appendix D, mainEventLoop): eventless transitions, internal
 * events, and when there are none of both, the invocations of the states entered and not left. Preorder makes the order
 * of everything a function of the input alone.
 *
 * Limits hold for one call, that is one external event or timer with all that follows from it.
 */
#include "chart/session.h"

/* --- the call --- */

enum err call_fault(struct chart_session *s, const struct fault *fault) {
  struct chart_outcome *outcome = s->root->call->outcome;
  if (outcome->first_error.err == ERR_OK || fault->err == ERR_LIMIT) {
    outcome->first_error = *fault;
  }
  return fault->err;
}

enum err call_limit(struct chart_session *s, const char *text) {
  struct fault fault = {0};
  (void)fault_set(&fault, ERR_LIMIT, "%s", text);
  return call_fault(s, &fault);
}

enum err call_step(struct chart_session *s) {
  struct call *call = s->root->call;
  if (call->microsteps_left == 0) {
    return call_limit(s, "too many microsteps");
  }
  call->microsteps_left--;
  return ERR_OK;
}

void call_unhandled(struct chart_session *s, const struct event *event) {
  struct chart_outcome *outcome = s->root->call->outcome;
  if (!span_starts_with(event->name, SPAN_LITERAL("error.")) && !span_is(event->name, "error")) {
    return;
  }
  outcome->errors++;
  if (outcome->first_error.err != ERR_OK) {
    return;
  }
  if (event->fault) {
    outcome->first_error = *event->fault;
  } else {
    (void)fault_set(&outcome->first_error, ERR_SCRIPT, "the event %.*s was not handled", SPAN_ARG(event->name));
  }
}

void call_abandon(struct chart_session *s) {
  while (s->internal.count > 0) {
    call_unhandled(s, queue_take(&s->internal));
  }
}

void session_trace(struct chart_session *s, const char *what, struct span detail) {
  const struct chart_host *host = s->root->call->host;
  if (host && host->trace) {
    host->trace(host->arg, what, detail);
  }
}

/* --- the macrostep --- */

static void bind_event(struct chart_session *s, struct event *event) {
  event->serial = ++s->worker->event_serial;
  s->event = event;
}

static enum err process(struct chart_session *s, struct event *event) {
  bool taken;
  session_trace(s, "event", event->name);
  TRY(step_event(s, event, &taken));
  if (!taken) {
    call_unhandled(s, event);
  } else if (event->delivered) {
    s->root->call->outcome->taken = true;
  }
  return ERR_OK;
}

/* Eventless transitions and internal events until neither is left. */
static enum err macrostep(struct chart_session *s) {
  while (s->status == SESSION_RUNNING) {
    bool taken;
    TRY(step_event(s, NULL, &taken));
    if (taken) {
      continue;
    }
    if (s->internal.count == 0) {
      return ERR_OK;
    }
    TRY(call_step(s));
    struct event *event = queue_take(&s->internal);
    bind_event(s, event);
    TRY(process(s, event));
  }
  return ERR_OK;
}

static enum err start_invocations(struct chart_session *s) {
  uint32_t end = s->chart->states_count;
  for (uint32_t i = bits_next(s->to_invoke, 0, end); i != NONE; i = bits_next(s->to_invoke, i + 1, end)) {
    bits_remove(s->to_invoke, i);
    struct range invokes = s->chart->states[i].invokes;
    for (uint32_t k = invokes.first; k < invokes.end; k++) {
      TRY(invoke_start(s, &s->chart->invokes[k]));
    }
  }
  return ERR_OK;
}

static enum err settle(struct chart_session *s) {
  do {
    TRY(macrostep(s));
    if (s->status == SESSION_ENDED) {
      call_abandon(s);
      TRY(step_exit(s));
      call_abandon(s);
      bits_add(s->config, s->reached); /* left, but still told by chart_session_in */
      session_trace(s, "ended", s->id);
      return ERR_OK;
    }
    TRY(start_invocations(s));
  } while (s->internal.count > 0);
  return ERR_OK;
}

static enum err start(struct chart_session *s) {
  s->status = SESSION_RUNNING;
  const struct chart *chart = s->chart;
  if (chart->late_binding) {
    for (uint32_t i = 0; i < chart->data_count; i++) { /* all exist from the start, unbound (section 5.3.3) */
      struct fault fault = {0};
      const struct value none = value_nil();
      enum err err = script_set(s, &chart->data[i], &none, &fault);
      if (err != ERR_OK) {
        return call_fault(s, &fault);
      }
    }
  }
  TRY(content_data(s, chart->states[0].data, true));
  for (uint32_t i = 1; i < chart->states_count && !chart->late_binding; i++) {
    TRY(content_data(s, chart->states[i].data, false));
  }
  if (chart->script != NONE) {
    TRY(content_run(s, chart->script));
  }
  return step_start(s);
}

static enum err take_external(struct chart_session *s) {
  struct event *event = queue_take(&s->external);
  bind_event(s, event);
  TRY(invoke_before(s, event));
  return process(s, event);
}

static enum err turn(struct chart_session *s) {
  script_enter(s);
  if (s->status == SESSION_NEW) {
    TRY(start(s));
  } else if (s->internal.count == 0) {
    TRY(take_external(s));
  }
  return settle(s);
}

/* --- the tree --- */

static bool is_ready(const struct chart_session *s) {
  return s->status == SESSION_NEW || (s->status == SESSION_RUNNING && (s->internal.count > 0 || s->external.count > 0));
}

static enum err run_tree(struct chart_session *root) {
  struct chart_session *s = root;
  while (s) {
    if (!is_ready(s)) {
      s = session_next(root, s);
      continue;
    }
    if (root->call->turns_left-- == 0) {
      return call_limit(root, "the sessions do not come to rest");
    }
    TRY(turn(s));
    if (s->status == SESSION_ENDED && s != root) {
      TRY(invoke_done(s));
    }
    s = root;
  }
  return ERR_OK;
}

static void call_begin(struct chart_session *root, struct call *call) {
  root->call = call;
  sandbox_refill(root->worker);
  arena_reset(&root->worker->scratch);
  for (struct chart_session *s = root; s; s = session_next(root, s)) {
    if (s->internal.count == 0 && s->external.count == 0 && s->status != SESSION_NEW) {
      arena_reset(&s->arena);
    }
  }
}

static struct call call_of(struct chart_session *s, const struct chart_moment *moment, const struct chart_host *host,
                           struct chart_outcome *outcome) {
  const struct chart_limits *limits = &s->worker->limits;
  return (struct call){host, moment, outcome, limits->microsteps_max, limits->microsteps_max, false};
}

/* Without its text, which is large: it is only looked at when there is an error. */
static void outcome_clear(struct chart_outcome *outcome, bool taken, bool ended) {
  outcome->taken = taken;
  outcome->errors = 0;
  outcome->ended = ended;
  outcome->first_error.err = ERR_OK;
  outcome->first_error.line = outcome->first_error.column = 0;
  outcome->first_error.text[0] = '\0';
}

static enum err call_end(struct chart_session *root, enum err err) {
  struct chart_outcome *outcome = root->call->outcome;
  outcome->ended = root->status == SESSION_ENDED;
  if (err != ERR_OK && outcome->first_error.err == ERR_OK) {
    (void)fault_set(&outcome->first_error, err, "%s", err == ERR_LIMIT ? "too many events are queued" : err_text(err));
  }
  root->call = NULL;
  for (struct chart_session *s = root; s; s = session_next(root, s)) {
    s->event = NULL;
  }
  return err;
}

/* --- what an owner calls --- */

enum err chart_session_start(struct chart_session *session, const struct chart_moment *moment, const struct value *data,
                             const struct chart_host *host, struct chart_outcome *ret_outcome) {
  ASSERT(session->status == SESSION_NEW);
  outcome_clear(ret_outcome, true, false);
  struct call call = call_of(session, moment, host, ret_outcome);
  call_begin(session, &call);
  session->preset = data ? value_copy(&session->arena, data) : value_nil();
  return call_end(session, run_tree(session));
}

enum err chart_session_event(struct chart_session *session, const struct chart_moment *moment,
                             const struct chart_event *event, const struct chart_host *host,
                             struct chart_outcome *ret_outcome) {
  ASSERT(session->status != SESSION_NEW);
  outcome_clear(ret_outcome, false, session->status == SESSION_ENDED);
  if (session->status == SESSION_ENDED) {
    return ERR_OK;
  }
  struct call call = call_of(session, moment, host, ret_outcome);
  call_begin(session, &call);
  struct event borrowed = {.type = EVENT_EXTERNAL, /* it is taken before the call ends */
                           .name = event->name,
                           .data = event->data,
                           .sendid = event->sendid,
                           .origin = event->origin,
                           .origintype = event->origintype,
                           .invokeid = event->invokeid,
                           .delivered = true};
  enum err err = queue_external(session, &borrowed);
  err = call_end(session, err == ERR_OK ? run_tree(session) : err);
  if (err != ERR_OK) {
    session->external = (struct queue){.count = 0};
  }
  return err;
}

/* The session of the tree whose first timer is the earliest, or NULL. */
static struct chart_session *earliest(struct chart_session *root) {
  struct chart_session *found = NULL;
  for (struct chart_session *s = root; s; s = session_next(root, s)) {
    if (s->timers_count == 0) {
      continue;
    }
    const struct timer *a = &s->timers[0];
    const struct timer *b = found ? &found->timers[0] : NULL;
    if (!b || a->due < b->due || (a->due == b->due && a->order < b->order)) {
      found = s;
    }
  }
  return found;
}

civil_moment chart_session_due(const struct chart_session *session) {
  const struct chart_session *first = earliest((struct chart_session *)session);
  return first && session->status == SESSION_RUNNING ? first->timers[0].due : CIVIL_MOMENT_NONE;
}

static enum err fire(struct chart_session *root, const struct chart_moment *moment, const struct chart_host *host,
                     struct chart_outcome *outcome) {
  struct chart_session *s = earliest(root);
  struct call call = call_of(root, moment, host, outcome);
  call_begin(root, &call);
  call.delivering = true;
  script_enter(s);
  enum err err = send_fire(s);
  call.delivering = false;
  return call_end(root, err == ERR_OK ? run_tree(root) : err);
}

enum err chart_session_advance(struct chart_session *session, const struct chart_moment *moment,
                               const struct chart_host *host, struct chart_outcome *ret_outcome) {
  outcome_clear(ret_outcome, false, session->status == SESSION_ENDED);
  for (;;) {
    civil_moment due = chart_session_due(session);
    if (due == CIVIL_MOMENT_NONE || due > moment->now) {
      return ERR_OK;
    }
    TRY(fire(session, moment, host, ret_outcome));
  }
}

bool chart_session_ended(const struct chart_session *session) {
  return session->status == SESSION_ENDED;
}

struct value chart_session_donedata(const struct chart_session *session) {
  return session->donedata;
}

bool chart_session_in(const struct chart_session *session, uint32_t state) {
  ASSERT(state < session->chart->states_count);
  return bits_get(session->config, state);
}

/* --- looking in from outside --- */

enum err chart_session_attribute(struct chart_session *session, const struct chart_moment *moment, uint32_t element,
                                 const char *attribute, const struct chart_event *event, struct arena *arena,
                                 struct value *ret_value, struct fault *fault) {
  const struct element_attribute *found = chart_element_attribute(session->chart, element, attribute);
  if (!found || found->expr == NONE) {
    *ret_value = found ? value_text(found->text) : value_nil();
    return ERR_OK;
  }
  struct chart_outcome outcome = {0};
  struct call call = call_of(session, moment, NULL, &outcome);
  call_begin(session, &call);
  struct event bound;
  if (event) {
    bound = (struct event){.type = EVENT_EXTERNAL,
                           .name = event->name,
                           .data = event->data,
                           .sendid = event->sendid,
                           .origin = event->origin,
                           .origintype = event->origintype,
                           .invokeid = event->invokeid};
    bind_event(session, &bound);
  }
  script_enter(session);
  struct fault inner = {0};
  enum err err = script_value(session, found->expr, arena, ret_value, &inner);
  (void)call_end(session, ERR_OK);
  return err == ERR_OK ? ERR_OK : fault_set_at(fault, err, inner.line, 0, "%s", inner.text);
}

enum err chart_session_variable(struct chart_session *session, const char *name, struct arena *arena,
                                struct value *ret_value) {
  struct fault fault;
  script_enter(session);
  sandbox_refill(session->worker);
  return script_get(session, span_of_cstr(name), arena, ret_value, &fault);
}
