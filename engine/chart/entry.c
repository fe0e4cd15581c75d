/*
 * Which states a transition enters (appendix D: computeEntrySet and its helpers).
 *
 * Targets, and what a history stands for, are put into the set together with their ancestors below the domain. Then one
 * pass in ascending order completes it: a compound state without a descendant in the set gets its default, a parallel
 * one all its regions. Whatever a state adds has a higher number than the state, so one pass is enough and nothing
 * recurs. Only what lies below the domain is entered: taken by the letter, appendix D enters an active state a second
 * time when a transition from inside it targets a history of a state around it. (Only a history's default that names a
 * history goes one level down; the compiler has made sure that it lies deeper.)
 */
#include "chart/tables.h"

struct entering {
  const struct chart *chart;
  struct entry_set *set;
  uint32_t domain;
};

static void add_targets(const struct entering *e, struct range targets);

static void add_with_ancestors(const struct entering *e, uint32_t state) {
  for (uint32_t s = state; s > e->domain; s = e->chart->states[s].parent) {
    bits_add(e->set->enters, s);
  }
}

static void add_history(const struct entering *e, uint32_t history) {
  const struct state *s = &e->chart->states[history];
  const bits_word *recorded = e->set->histories ? e->set->histories[history] : NULL;
  e->set->met_history = true;
  add_with_ancestors(e, s->parent);
  if (!recorded) {
    if (e->set->history_defaults) {
      e->set->history_defaults[s->parent] = s->initial;
    }
    add_targets(e, e->chart->transitions[s->initial].targets);
    return;
  }
  uint32_t end = e->chart->states[s->parent].last + 1;
  for (uint32_t i = bits_next(recorded, s->parent + 1, end); i != NONE; i = bits_next(recorded, i + 1, end)) {
    add_with_ancestors(e, i);
  }
}

static void add_targets(const struct entering *e, struct range targets) {
  for (uint32_t i = targets.first; i < targets.end; i++) {
    uint32_t target = e->chart->targets[i];
    if (state_is_history(&e->chart->states[target])) {
      add_history(e, target);
    } else {
      add_with_ancestors(e, target);
    }
  }
}

static void complete_compound(const struct entering *e, uint32_t state) {
  const struct state *s = &e->chart->states[state];
  if (bits_next(e->set->enters, state + 1, s->last + 1) == NONE) {
    bits_add(e->set->defaults, state);
    const struct entering below = {e->chart, e->set, state};
    add_targets(&below, e->chart->transitions[s->initial].targets);
  }
}

static void complete_parallel(const struct entering *e, uint32_t state) {
  const struct state *states = e->chart->states;
  for (uint32_t child = state + 1; child <= states[state].last; child = states[child].last + 1) {
    if (!state_is_history(&states[child])) {
      bits_add(e->set->enters, child);
    }
  }
}

void entry_add(const struct chart *chart, struct entry_set *set, struct range targets, uint32_t domain) {
  const struct entering e = {chart, set, domain};
  add_targets(&e, targets);
  uint32_t end = chart->states[domain].last + 1;
  for (uint32_t i = bits_next(set->enters, domain + 1, end); i != NONE; i = bits_next(set->enters, i + 1, end)) {
    if (chart->states[i].kind == STATE_COMPOUND) {
      complete_compound(&e, i);
    } else if (chart->states[i].kind == STATE_PARALLEL) {
      complete_parallel(&e, i);
    }
  }
}

static bool all_below(const struct chart *chart, uint32_t ancestor, const uint32_t *states, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!is_below(chart, states[i], ancestor)) {
      return false;
    }
  }
  return true;
}

uint32_t transition_domain_find(const struct chart *chart, const struct transition *t, const uint32_t *targets,
                                uint32_t count) {
  if (t->internal && chart->states[t->source].kind == STATE_COMPOUND && all_below(chart, t->source, targets, count)) {
    return t->source;
  }
  for (uint32_t s = chart->states[t->source].parent; s != NONE; s = chart->states[s].parent) {
    enum state_kind kind = chart->states[s].kind;
    if ((kind == STATE_COMPOUND || kind == STATE_ROOT) && all_below(chart, s, targets, count)) {
      return s;
    }
  }
  return 0;
}
