/*
 * The step: selecting transitions, leaving and entering states (appendix D of the recommendation).
 *
 * Selection walks up from every active leaf in document order. A state that another leaf's walk has already seen ends
 * the walk: whatever lies above was decided then, and its conditions must not be evaluated twice. Two transitions with
 * targets conflict exactly when their domains are equal or nested, because then, and only then, is some active state
 * left by both; a transition without target conflicts with nothing.
 *
 * Invariants: between microsteps the configuration is legal (one child per active compound state, every region of an
 * active parallel one); `enters` and `exits` mean nothing outside of a microstep; history_defaults is NONE everywhere.
 */
#include "chart/session.h"

static uint32_t states_end(const struct chart_session *s) {
  return s->chart->states_count;
}

static void bits_clear(bits_word *set, uint32_t count) {
  memset(set, 0, bits_words(count) * sizeof(*set));
}

static bool bits_meet(const bits_word *a, const bits_word *b, uint32_t count) {
  for (size_t i = 0; i < bits_words(count); i++) {
    if (a[i] & b[i]) {
      return true;
    }
  }
  return false;
}

/* --- selecting --- */

/* A condition that cannot be evaluated is false and raises error.execution (section 5.9.1). */
static enum err cond_holds(struct chart_session *s, const struct transition *t, bool *ret_holds) {
  *ret_holds = true;
  if (t->cond == NONE) {
    return ERR_OK;
  }
  struct fault fault; /* not cleared: its text is large */
  enum err err = script_test(s, t->cond, ret_holds, &fault);
  if (err == ERR_OK) {
    return ERR_OK;
  }
  *ret_holds = false;
  if (!expr_faulty(err)) {
    return call_fault(s, &fault);
  }
  return raise_error(s, &fault, span_of(NULL, 0));
}

/* The first transition of a state that the event enables, if any. */
static enum err select_in_state(struct chart_session *s, const struct symbol *symbol, uint32_t state, bool *ret_found) {
  struct range range = s->chart->states[state].transitions;
  *ret_found = false;
  for (uint32_t i = bits_next(symbol->transitions, range.first, range.end); i != NONE;
       i = bits_next(symbol->transitions, i + 1, range.end)) {
    TRY(cond_holds(s, &s->chart->transitions[i], ret_found));
    if (*ret_found) {
      s->enabled[s->enabled_count++] = i;
      return ERR_OK;
    }
  }
  return ERR_OK;
}

/* The nearest state that holds a transition of the symbol: the leaf itself, or above it. */
static uint32_t source_from(const struct chart *chart, const struct symbol *symbol, uint32_t state) {
  if (!chart->above) {
    while (state != NONE && !bits_get(symbol->sources, state)) {
      state = chart->states[state].parent;
    }
    return state;
  }
  const bits_word *above = chart->above + state * bits_words(chart->states_count);
  for (size_t word = state / BITS_WORD + 1; word-- > 0;) {
    bits_word both = above[word] & symbol->sources[word];
    if (both) {
      return (uint32_t)(word * BITS_WORD) + (BITS_WORD - 1 - (uint32_t)__builtin_clzll(both));
    }
  }
  return NONE;
}

static enum err select_from_leaf(struct chart_session *s, const struct symbol *symbol, uint32_t leaf) {
  bool found = false;
  uint32_t state = source_from(s->chart, symbol, leaf);
  while (state != NONE && !bits_get(s->visited, state)) {
    bits_add(s->visited, state);
    TRY(select_in_state(s, symbol, state, &found));
    uint32_t parent = s->chart->states[state].parent;
    state = found || parent == NONE ? NONE : source_from(s->chart, symbol, parent);
  }
  return ERR_OK;
}

static enum err select_all(struct chart_session *s, const struct symbol *symbol) {
  s->enabled_count = 0;
  uint32_t end = states_end(s);
  if (!symbol->any || !bits_meet(s->config, symbol->sources, end)) {
    return ERR_OK;
  }
  bits_clear(s->visited, end);
  for (uint32_t word = 0; word < bits_words(end); word++) {
    bits_word leaves = s->config[word] & s->chart->atomic[word];
    for (; leaves; leaves &= leaves - 1) {
      TRY(select_from_leaf(s, symbol, word * BITS_WORD + (uint32_t)__builtin_ctzll(leaves)));
    }
  }
  return ERR_OK;
}

/* --- domains --- */

/* What the targets of a transition stand for now: histories give what they recorded, or their default. */
static uint32_t effective_targets(const struct chart_session *s, struct range targets, uint32_t *list, uint32_t count) {
  const struct chart *chart = s->chart;
  for (uint32_t i = targets.first; i < targets.end; i++) {
    uint32_t target = chart->targets[i];
    if (!state_is_history(&chart->states[target])) {
      list[count++] = target;
    } else if (!s->histories[target]) {
      count = effective_targets(s, chart->transitions[chart->states[target].initial].targets, list, count);
    } else {
      const bits_word *recorded = s->histories[target];
      for (uint32_t k = bits_next(recorded, 0, states_end(s)); k != NONE;
           k = bits_next(recorded, k + 1, states_end(s))) {
        list[count++] = k;
      }
    }
  }
  return count;
}

static uint32_t domain_of(struct chart_session *s, const struct transition *t) {
  if (!t->dynamic) {
    return t->domain;
  }
  uint32_t *list = ARENA_ARRAY(&s->arena, uint32_t, states_end(s));
  uint32_t count = effective_targets(s, t->targets, list, 0);
  return transition_domain_find(s->chart, t, list, count);
}

static bool domains_conflict(const struct chart *chart, uint32_t a, uint32_t b) {
  return a != NONE && b != NONE && (a == b || is_below(chart, a, b) || is_below(chart, b, a));
}

/* --- preemption (appendix D, removeConflictingTransitions) --- */

/* Is transition `t` held back by one already kept? Those that it overrides itself are marked with NONE. */
static bool is_preempted(struct chart_session *s, uint32_t t, uint32_t domain, uint32_t kept_count) {
  const struct transition *all = s->chart->transitions;
  for (uint32_t i = 0; i < kept_count; i++) {
    bool conflict = s->filtered[i] != NONE && domains_conflict(s->chart, domain, s->domains[i]);
    if (conflict && !is_below(s->chart, all[t].source, all[s->filtered[i]].source)) {
      return true;
    }
  }
  for (uint32_t i = 0; i < kept_count; i++) {
    if (s->filtered[i] != NONE && domains_conflict(s->chart, domain, s->domains[i])) {
      s->filtered[i] = NONE;
    }
  }
  return false;
}

static void remove_conflicting(struct chart_session *s) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < s->enabled_count; i++) {
    uint32_t domain = domain_of(s, &s->chart->transitions[s->enabled[i]]);
    if (!is_preempted(s, s->enabled[i], domain, kept)) {
      s->filtered[kept] = s->enabled[i];
      s->domains[kept++] = domain;
    }
  }
  s->enabled_count = 0;
  for (uint32_t i = 0; i < kept; i++) {
    if (s->filtered[i] != NONE) {
      s->domains[s->enabled_count] = s->domains[i];
      s->enabled[s->enabled_count++] = s->filtered[i];
    }
  }
}

/* --- leaving --- */

static void trace_states(struct chart_session *s, const char *what, const bits_word *set) {
  const struct chart_host *host = s->root->call->host;
  if (!host || !host->trace) {
    return;
  }
  struct span text = span_of(NULL, 0);
  for (uint32_t i = bits_next(set, 0, states_end(s)); i != NONE; i = bits_next(set, i + 1, states_end(s))) {
    text =
        arena_printf(&s->arena, "%.*s%s%.*s", SPAN_ARG(text), text.size ? " " : "", SPAN_ARG(s->chart->states[i].id));
  }
  host->trace(host->arg, what, text);
}

static void record_history(struct chart_session *s, uint32_t state) {
  const struct state *states = s->chart->states;
  for (uint32_t h = state + 1; h <= states[state].last; h = states[h].last + 1) {
    if (!state_is_history(&states[h])) {
      continue;
    }
    bits_word *record = s->history_room[h];
    bits_clear(record, states_end(s));
    for (uint32_t i = bits_next(s->config, state + 1, states[state].last + 1); i != NONE;
         i = bits_next(s->config, i + 1, states[state].last + 1)) {
      bool kept = states[h].kind == STATE_HISTORY_DEEP ? bits_get(s->chart->atomic, i) : states[i].parent == state;
      if (kept) {
        bits_add(record, i);
      }
    }
    bool empty = bits_next(record, state + 1, states[state].last + 1) == NONE; /* parallels without regions */
    s->histories[h] = empty ? NULL : record;
  }
}

static enum err run_blocks(struct chart_session *s, struct range blocks) {
  for (uint32_t i = blocks.first; i < blocks.end; i++) {
    TRY(content_run(s, i));
  }
  return ERR_OK;
}

static enum err leave_state(struct chart_session *s, uint32_t state) {
  const struct state *st = &s->chart->states[state];
  TRY(run_blocks(s, st->exit));
  if (st->invokes.end > st->invokes.first) {
    TRY(invoke_cancel(s, state));
  }
  bits_remove(s->config, state);
  return ERR_OK;
}

static enum err leave_states(struct chart_session *s) {
  uint32_t end = states_end(s);
  for (uint32_t i = bits_next(s->exits, 0, end); i != NONE; i = bits_next(s->exits, i + 1, end)) {
    bits_remove(s->to_invoke, i);
    if (s->chart->states[i].has_history) {
      record_history(s, i);
    }
  }
  trace_states(s, "exit", s->exits);
  for (uint32_t i = bits_previous(s->exits, 0, end); i != NONE; i = bits_previous(s->exits, 0, i)) {
    TRY(leave_state(s, i));
  }
  return ERR_OK;
}

static void compute_exits(struct chart_session *s) {
  bits_clear(s->exits, states_end(s));
  for (uint32_t t = 0; t < s->enabled_count; t++) {
    uint32_t domain = s->domains[t];
    if (domain == NONE) {
      continue;
    }
    uint32_t end = s->chart->states[domain].last + 1;
    for (uint32_t i = bits_next(s->config, domain + 1, end); i != NONE; i = bits_next(s->config, i + 1, end)) {
      bits_add(s->exits, i);
    }
  }
}

/* --- entering --- */

static bool in_final_state(const struct chart_session *s, uint32_t state) {
  const struct state *states = s->chart->states;
  bool parallel = states[state].kind == STATE_PARALLEL;
  for (uint32_t i = state + 1; i <= states[state].last; i = states[i].last + 1) {
    if (parallel && !state_is_history(&states[i]) && !in_final_state(s, i)) {
      return false;
    }
    if (!parallel && states[i].kind == STATE_FINAL && bits_get(s->config, i)) {
      return true;
    }
  }
  return parallel;
}

static enum err raise_done(struct chart_session *s, uint32_t state, struct value data) {
  const struct symbol *symbol = s->chart->states[state].done;
  struct event *event = event_create(s, EVENT_PLATFORM, symbol->name);
  event->symbol = symbol;
  event->data = data;
  return queue_internal(s, event);
}

static enum err enter_final(struct chart_session *s, uint32_t state) {
  const struct state *final = &s->chart->states[state];
  struct value data = value_nil();
  if (final->donedata != NONE) { /* evaluated on entry (section 5.5) */
    TRY(payload_done(s, &s->chart->payloads[final->donedata], &data));
  }
  if (final->parent == 0) {
    s->donedata = value_copy(&s->done_arena, &data);
    s->status = SESSION_ENDED;
    s->reached = state;
    return ERR_OK;
  }
  TRY(raise_done(s, final->parent, data));
  uint32_t above = s->chart->states[final->parent].parent;
  if (s->chart->states[above].kind == STATE_PARALLEL && in_final_state(s, above)) {
    return raise_done(s, above, value_nil());
  }
  return ERR_OK;
}

static enum err enter_data(struct chart_session *s, uint32_t state) {
  struct range data = s->chart->states[state].data;
  if (!s->chart->late_binding || data.first == data.end || bits_get(s->entered, state)) {
    return ERR_OK;
  }
  bits_add(s->entered, state);
  return content_data(s, data, false);
}

static enum err enter_state(struct chart_session *s, uint32_t state) {
  const struct state *st = &s->chart->states[state];
  bits_add(s->config, state);
  if (st->invokes.end > st->invokes.first) {
    bits_add(s->to_invoke, state);
  }
  TRY(enter_data(s, state));
  TRY(run_blocks(s, st->entry));
  if (bits_get(s->defaults, state)) {
    TRY(content_run(s, s->chart->transitions[st->initial].content));
  }
  uint32_t history_default = s->history_defaults[state];
  if (history_default != NONE) {
    TRY(content_run(s, s->chart->transitions[history_default].content));
  }
  return st->kind == STATE_FINAL ? enter_final(s, state) : ERR_OK;
}

static void add_entries(struct chart_session *s, const struct transition *t, uint32_t domain) {
  if (t->dynamic) {
    struct entry_set set = {s->enters, s->defaults, s->history_defaults, (const bits_word *const *)s->histories, false};
    entry_add(s->chart, &set, t->targets, domain);
    return;
  }
  for (size_t i = 0; i < bits_words(states_end(s)); i++) {
    s->enters[i] |= t->enters[i];
    s->defaults[i] |= t->defaults[i];
  }
}

static enum err enter_states(struct chart_session *s) {
  uint32_t end = states_end(s);
  trace_states(s, "enter", s->enters);
  for (uint32_t i = bits_next(s->enters, 0, end); i != NONE; i = bits_next(s->enters, i + 1, end)) {
    TRY(enter_state(s, i));
  }
  return ERR_OK;
}

/* The default content of a history whose parent was active all the time is not run, now or later. */
static void forget_history_defaults(struct chart_session *s) {
  for (uint32_t i = 0; i < states_end(s); i++) {
    s->history_defaults[i] = NONE;
  }
}

/* --- the microstep --- */

static enum err microstep(struct chart_session *s) {
  TRY(call_step(s));
  compute_exits(s);
  TRY(leave_states(s));
  for (uint32_t i = 0; i < s->enabled_count; i++) {
    TRY(content_run(s, s->chart->transitions[s->enabled[i]].content));
  }
  bits_clear(s->enters, states_end(s));
  bits_clear(s->defaults, states_end(s));
  bool dynamic = false;
  for (uint32_t i = 0; i < s->enabled_count; i++) {
    const struct transition *t = &s->chart->transitions[s->enabled[i]];
    if (s->domains[i] != NONE) {
      add_entries(s, t, s->domains[i]);
      dynamic |= t->dynamic;
    }
  }
  TRY(enter_states(s));
  if (dynamic) {
    forget_history_defaults(s);
  }
  return ERR_OK;
}

enum err step_event(struct chart_session *s, struct event *event, bool *ret_taken) {
  const struct symbol *symbol = &s->chart->eventless;
  if (event) {
    symbol = event->symbol ? event->symbol : chart_symbol(s->chart, event->name);
  }
  TRY(select_all(s, symbol));
  *ret_taken = s->enabled_count > 0;
  if (!*ret_taken) {
    return ERR_OK;
  }
  remove_conflicting(s);
  return microstep(s);
}

enum err step_start(struct chart_session *s) {
  const struct transition *t = &s->chart->transitions[s->chart->states[0].initial];
  bits_clear(s->enters, states_end(s));
  bits_clear(s->defaults, states_end(s));
  bits_add(s->config, 0);
  add_entries(s, t, 0);
  TRY(content_run(s, t->content));
  TRY(enter_states(s));
  forget_history_defaults(s);
  return ERR_OK;
}

enum err step_exit(struct chart_session *s) {
  memcpy(s->exits, s->config, bits_words(states_end(s)) * sizeof(*s->exits));
  bits_remove(s->exits, 0);
  bits_clear(s->to_invoke, states_end(s));
  trace_states(s, "exit", s->exits);
  uint32_t end = states_end(s);
  for (uint32_t i = bits_previous(s->exits, 0, end); i != NONE; i = bits_previous(s->exits, 0, i)) {
    TRY(leave_state(s, i));
  }
  return ERR_OK;
}
