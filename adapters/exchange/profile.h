/*
 * exchange/profile.h — how one agency's files look: adapters/<agency>/profile.yaml.
 *
 * Purpose: the tables that an agency sends (which columns, what stands in them, which event a row is) and the tables
 * that it is given. No event and no column is known to C. A table is recognised by its header: it is the one all of
 * whose required columns are there. Beside tables every adapter reads and writes JSON lines.
 *
 * Life cycle: profile_load → used → profile_destroy. Threading: immutable once loaded.
 */
#ifndef KURATOR_EXCHANGE_PROFILE_H
#define KURATOR_EXCHANGE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What stands in a column. */
enum column_format {
  COLUMN_TEXT,
  COLUMN_INTEGER,
  COLUMN_DATE,    /* dd.mm.yyyy or yyyy-mm-dd; becomes yyyy-mm-dd */
  COLUMN_BOOLEAN, /* да / нет */
  COLUMN_CODE,    /* a title of `list`; becomes its code */
  COLUMN_CODES,   /* several, separated by commas; a list of codes */
};

struct profile_column {
  char *title; /* in the header */
  char *field; /* in the payload; NULL: only looked at (event, occurred) */
  enum column_format format;
  bool required;
  char *list; /* COLUMN_CODE(S) */
};

/* A field that a choice sets by itself: the value as it would stand in a column of that format. */
struct profile_setting {
  char *field;
  enum column_format format;
  char *value;
};
struct profile_choice {
  char *text;
  char *event;
  char *date_field; /* of the payload: takes the date of the occurred column; NULL: none */
  struct profile_setting *set;
  unsigned set_count;
  /* Whoever speaks here is another participant that this process serves: the folder's, with what stands before the
   * first
   * "-" replaced by this. NULL: the folder's. */
  char *sender;
  /* It is for the speaker's own case, PREFIX.SPEAKER, whatever stands in the case column. NULL: it is not. */
  char *own_case;
};

/* A table that the agency sends. */
struct profile_table {
  char *name;
  char *event;        /* what every row is, or NULL: */
  char *event_column; /* the column that says it, by `events` */
  struct profile_choice *events;
  unsigned events_count;
  char *case_column;     /* whose text is the case id; NULL: every choice has an own_case */
  char *occurred_column; /* a date; NULL: the day on which the file is read */
  struct profile_column *columns;
  unsigned columns_count;
};

/* A table that the agency is given, from the deliveries of one kind. */
struct profile_out_column {
  char *title;
  char *field; /* of the delivery, "." reaches into a map: "data.title" */
};
struct profile_out {
  char *name;     /* part of the file's name */
  char *delivery; /* kind of delivery */
  struct profile_out_column *columns;
  unsigned columns_count;
};

/* What the adapter itself answers when a delivery of that kind lies in the agency's folder: a field of the answer is
 * copied from the delivery. */
struct profile_reply_field {
  char *field;
  char *from;
};
struct profile_reply {
  char *delivery;
  char *event;
  char *case_field; /* of the delivery: which case the answer is about */
  char *date_field; /* of the answer: takes today's date; NULL: none */
  struct profile_reply_field *fields;
  unsigned fields_count;
};

/* Decisions of which one minutes holds one at most, whatever their events. */
struct profile_alternative {
  char *event;
  char *when; /* a yes-or-no field: only when it says yes; NULL: always */
};
struct profile_instead {
  char *name;
  struct profile_alternative *of;
  unsigned of_count;
};
/* What is sent once only: events with a value in the first of these fields are alike when sender, case, event and all
 * of these fields are. Told again with the same content, such a row is known; with another one, or when one that
 * `instead` puts beside it was told with the same fields, it is refused, until an event `again_after` for the case has
 * taken back the one that its field `again_field` names. */
struct profile_once {
  char **fields;
  unsigned fields_count;
  char *again_after;
  char *again_field;
  struct profile_instead *instead;
  unsigned instead_count;
};
/* Whether a case was on the agenda: it was when a delivery of this kind had come for it, and had not been withdrawn by
 * one of the kind `until`. A row for another case gets the remark `text`. */
struct profile_asked {
  char *delivery;
  char *until;
  char *item; /* field of both deliveries that tells several of one case apart */
  char *text;
};

struct profile_code {
  char *code;
  char *title;
  char **names; /* further spellings */
  unsigned names_count;
};
struct profile_list {
  char *name;
  struct profile_code *items;
  unsigned items_count;
};

struct profile {
  char *title; /* Russian name of the agency */
  struct profile_table *tables;
  unsigned tables_count;
  struct profile_out *out;
  unsigned out_count;
  struct profile_reply *replies;
  unsigned replies_count;
  struct profile_once *once;   /* NULL: everything as often as it is told */
  struct profile_asked *asked; /* NULL: nothing is told */
  struct profile_list *lists;
  unsigned lists_count;
};

/* Reads the profile, and the list of territories from `territories_path` (NULL: none), which becomes the list
 * "territories". ERR_CONFIG with file and reason in `fault`. */
enum err profile_load(const char *path, const char *territories_path, struct profile **ret_profile,
                      struct fault *fault) MUST_CHECK;
void profile_destroy(struct profile **profile);

const struct profile_list *profile_list(const struct profile *profile, const char *name);

#endif
