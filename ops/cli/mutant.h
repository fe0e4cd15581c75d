/*
 * ops/cli/mutant.h — a configuration without one of its elements.
 *
 * Purpose: says where the elements of a name stand (runtime/rules.h: PLACE#NAME) and, for each place, what the
 * configuration is without it: a vocabulary element, a notice, an incident or a transition is blanked out of the chart;
 * a state loses the ways that lead into it, or what it holds if none does; an event loses those who may send it, a
 * class those who may see it, a document the events that bring it and the executors who get it, a setting, a kind of
 * help or a territory is gone.
 *
 * Ownership: mutants live in the arena and borrow the configuration. Threading: values only.
 */
#ifndef KURATOR_CLI_MUTANT_H
#define KURATOR_CLI_MUTANT_H

#include "example.h"

struct mutant {
  struct span element; /* PLACE#NAME */
  const char *file;    /* where it stands */
  uint32_t line;       /* 0: not known */
  struct span kind;    /* "k:deadline", "state", "event" … */
  struct span basis;   /* of a vocabulary element; empty: it has none */
  struct example_change change;
};
struct mutant_list {
  struct arena *arena;
  struct mutant *items;
  size_t count, capacity;
};

/* Adds one mutant for each place of the element. False: its PLACE is no process of this configuration, and nothing
 * else that has elements. An element that is not there adds nothing. */
bool mutants_add(struct mutant_list *list, const struct config *config, struct span element);

/* The elements of a chart that have to rest on a clause: deadlines, tasks, referrals. One mutant each, with its basis;
 * their `change` is empty. */
void mutants_add_based(struct mutant_list *list, const struct config_process *process);

#endif
