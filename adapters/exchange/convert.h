/*
 * exchange/convert.h — from an agency's row or line to an event, and from a delivery to a row.
 *
 * Purpose: the only place that turns a person's spelling into codes, and says in Russian what is wrong with a row.
 * Fault texts name the column, never what stood in it.
 */
#ifndef KURATOR_EXCHANGE_CONVERT_H
#define KURATOR_EXCHANGE_CONVERT_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/value.h"
#include "exchange/profile.h"
#include "exchange/row.h"

/* What a row says. Lives in the arena it was made in. */
struct exchange_event {
  struct span sender; /* participant; empty: the folder's */
  struct span event;
  struct span case_id;
  civil_moment occurred_at; /* CIVIL_MOMENT_NONE: not said */
  struct value data;        /* map */
  const char *speaker;      /* as profile_choice.sender and own_case say; NULL: nothing */
  const char *own_case;
};

/* A table with the place of each of its columns in this file's header. */
struct table_layout {
  const struct profile_table *table;
  size_t positions[ROW_FIELDS_MAX]; /* by column of the table; SIZE_MAX: not in this file */
  size_t fields_count;              /* of the header */
};

/* Finds the table whose required columns all stand in the header (UTF-8). ERR_NOT_FOUND with the reason in `fault`:
 * which column is missing, when there is one table only. */
enum err convert_recognise(const struct profile *profile, const struct row *header, struct table_layout *ret_layout,
                           struct fault *fault) MUST_CHECK;
/* ERR_INVALID with a Russian text that names each column with a mistake, as far as there is room. */
enum err convert_row(const struct profile *profile, const struct table_layout *layout, const struct row *row,
                     struct arena *arena, struct exchange_event *ret_event, struct fault *fault) MUST_CHECK;
/* A JSON line {"event","case","data"[,"as"][,"occurred_at"]}. ERR_FORMAT or ERR_INVALID with a Russian text. */
enum err convert_line(struct span line, struct arena *arena, struct exchange_event *ret_event,
                      struct fault *fault) MUST_CHECK;
/* The field of a delivery that an out column names; dates become dd.mm.yyyy, lists are joined by ", ". */
struct span convert_out(const struct value *delivery, const char *field, struct arena *arena);

#endif
