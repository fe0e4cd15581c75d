/*
 * ops/cli/table.h — rows of an answer for people: a table in Russian, or the JSON as it came.
 *
 * Widths count characters, not bytes; what is longer than a column's limit is cut with "…".
 */
#ifndef KURATOR_CLI_TABLE_H
#define KURATOR_CLI_TABLE_H

#include "client.h"

enum table_kind {
  TABLE_TEXT,
  TABLE_DATE,   /* 2026-01-31 → 31.01.2026 */
  TABLE_MOMENT, /* 2026-01-31T10:15:00+05:00 → 31.01.2026 10:15 */
  TABLE_NUMBER, /* to the right */
  TABLE_YES,    /* true → да */
  TABLE_WORDS,  /* a list, with commas */
};

/* Words of the engine in Russian; ends with a NULL name. What is not in the list stands as it is. */
struct table_word {
  const char *name;
  const char *text;
};
extern const struct table_word table_deadline_states[];
extern const struct table_word table_case_states[];
extern const struct table_word table_entry_kinds[];

struct table_column {
  const char *title;
  const char *field;
  enum table_kind kind;
  int width_max; /* on a screen; 0: no limit */
  const struct table_word *words;
};

/* Ascending by the texts of these fields (the second may be NULL); rows without the first one come last. */
void table_sort(struct client_rows *rows, const char *first, const char *second);
/* Columns end with a NULL title. An empty answer prints nothing but a note on stderr. */
void table_print(const struct client_rows *rows, const struct table_column *columns);
/* By the output that was asked for. */
void table_show(const struct client *client, const struct client_rows *rows, const struct table_column *columns);
/* A text on stdout as a terminal may have it: control characters become spaces. */
void table_put_text(struct span text);
/* The text of one cell, from `arena`. */
struct span table_cell(const struct value *row, const struct table_column *column, struct arena *arena);

#endif
