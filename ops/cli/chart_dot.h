/*
 * ops/cli/chart_dot.h — a chart as a drawing in Graphviz's language.
 *
 * Purpose: states as boxes in the colour of their stage with what is to be done in them, states with states inside as
 * frames, parallel regions as lanes below each other, endings at the right. With a case: the states that it is in, and
 * the way that it took.
 *
 * Ownership: texts live in the outline's arena. Threading: one owner.
 */
#ifndef KURATOR_CLI_CHART_DOT_H
#define KURATOR_CLI_CHART_DOT_H

#include "base/bytes.h"
#include "chart_outline.h"

/* Where a case is and what it came through. All by number of the state in document order, and by transition. */
struct chart_trail {
  struct span case_id; /* as it is called in the heading */
  bool *active, *visited;
  const struct node **taken;
  size_t taken_count;
};

/* Numbers the states of the outline's chart in document order (node->state); gives their number. */
uint32_t chart_dot_number(struct outline *outline);
/* `trail` NULL: the chart alone. */
void chart_dot_write(struct outline *outline, const struct chart_trail *trail, struct writer *w);

#endif
