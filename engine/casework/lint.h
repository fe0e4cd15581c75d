/*
 * casework/lint.h — what is wrong with a process beyond its chart.
 *
 * Purpose: looks at the k: elements and at the names of events in a chart's document, and asks the catalogue, the
 * settings and the other processes about every name in it. casework_define stops at the first mistake that no case
 * could run with; this tells all of them, and those that a case would only meet on its way: a deadline whose miss
 * nobody hears, an event that never comes.
 *
 * Threading: values only. Ownership: findings belong to the lint. Never: reads a file. Pure.
 */
#ifndef KURATOR_CASEWORK_LINT_H
#define KURATOR_CASEWORK_LINT_H

#include "casework/casework.h"
#include "chart/lint.h"

struct node;

/* What stands around the chart. */
struct lint_around {
  const struct catalogue *catalogue;
  struct value settings; /* map */
  bool (*has_process)(void *arg, struct span name);
  bool (*has_form)(void *arg, struct span name);
  void *arg;
};

/* `root`: the chart's document, read with casework_vocabulary. */
void lint_process(const struct node *root, const struct lint_around *around, struct lint *lint);

#endif
