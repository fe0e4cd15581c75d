/*
 * ops/cli/chart_rows.h — a process as rows: what is to be done, by whom, by when, and what follows.
 *
 * A deadline and the task with its id are one row. Rows come in the order of the stages, within one in the order of the
 * chart. Ownership: texts live in the outline's arena.
 */
#ifndef KURATOR_CLI_CHART_ROWS_H
#define KURATOR_CLI_CHART_ROWS_H

#include "chart_outline.h"

enum row_column { ROW_WHAT, ROW_WHO, ROW_DUE, ROW_BASIS, ROW_MET, ROW_NEXT, ROW_LATE, ROW_COLUMNS };

struct chart_row {
  int stage;                                    /* of the catalogue; -1: none */
  const struct node *element, *deadline, *task; /* `element`: where it stands first; for an ending its <final> */
  struct span cells[ROW_COLUMNS];
};
struct chart_rows {
  struct chart_row *items;
  size_t count;
};

extern const char *const row_titles[ROW_COLUMNS];

void chart_rows_make(struct outline *outline, struct chart_rows *ret_rows);
/* The term of a deadline with all that belongs to it: "5 рабочих дней от: день прибытия; …". */
struct span chart_rows_term(struct outline *outline, const struct node *deadline);
/* What a transition does besides leading somewhere: "сообщение: …; на разбор". */
struct span chart_rows_effects(struct outline *outline, const struct node *transition);

#endif
