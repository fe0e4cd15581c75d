/*
 * casework/catalogue.h — what the configuration says, as plain data: events, participants, territories, routing.
 *
 * Purpose: the in-memory form of the YAML files of config/. This room never reads a file: runtime/config fills these
 * structs from YAML in an arena of their own and hands them over; here they are checked (catalogue_check) and asked. No
 * event, agency or process is known to C: only these tables name them.
 *
 * Ownership: everything lives in the arena of whoever built it, for the life of the process. Threading: immutable.
 * Never: reads a clock or a file. Pure.
 */
#ifndef KURATOR_CASEWORK_CATALOGUE_H
#define KURATOR_CASEWORK_CATALOGUE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/value.h"

struct text_list {
  struct span *items;
  size_t count;
};
bool text_list_has(const struct text_list *list, struct span text); /* "*" in the list stands for all */

/* ---- classes of data (need-to-know) ---- */
struct data_class {
  struct span name;
  bool personal;            /* sealed; never in a chart's data, a log or an error text */
  struct text_list seen_by; /* participant kinds; "*" all; CATALOGUE_REVEAL */
};
/* Stands among the kinds where an operator may be shown the class for a reason, which is journalled. */
#define CATALOGUE_REVEAL "reveal"

enum field_format {
  FIELD_TEXT,
  FIELD_CODE, /* one of `values`, or [a-z0-9-_.]{1,64} when there are none */
  FIELD_DATE, /* YYYY-MM-DD that exists */
  FIELD_INTEGER,
  FIELD_BOOLEAN,
  FIELD_TERRITORY, /* a territory in any spelling that is known; its code becomes the case's territory */
  FIELD_CODES,     /* list of codes */
  FIELD_RECORDS,   /* list of maps: `record` names a record type */
};
struct field_rule {
  struct span name;
  struct span class_name;
  struct span format; /* "text", "code", "date", "integer", "boolean", "territory", "codes", "records" */
  bool required;
  struct text_list values;
  struct span record;
  int64_t min, max; /* integers: bounds; text: max bytes (0: 1000); lists: max items (0: 100) */
};
struct record_rule {
  struct span name;
  struct field_rule *fields;
  size_t fields_count;
};
/* Another process than the usual one, when a code of the event says so. */
struct start_rule {
  struct span field, value, process;
};
/* A document that an event brings, or puts into another state. */
struct event_document {
  struct span process; /* only in its cases; empty: in all */
  struct span kind, state;
  struct span
      edition; /* "next": a new one; "known": the last one, nothing if there is none; empty: the last or first */
  struct text_list from;    /* only out of one of these states; empty: out of any, or none */
  struct span field, value; /* only if this code or boolean of the event is so; empty: always */
  bool absent;              /* or is not there */
};
struct event_rule {
  struct span name;
  struct text_list senders;       /* participant kinds; nobody else may send it */
  bool only_addressee;            /* of those, only the participant that the case was offered to */
  struct span starts;             /* process that it starts when the case is unknown; empty: none */
  struct start_rule *starts_when; /* the first that holds wins over `starts` */
  size_t starts_when_count;
  struct span edition;      /* field with the edition of a start event; empty: none */
  struct span addressed_by; /* field that names the child case's key; empty: none */
  struct span annuls;       /* field that names the event which this one takes back; empty: it takes none back */
  struct span annuls_sequence, annuls_sender; /* fields that say which of them; they may be missing */
  struct text_list annuls_any;                /* kinds that may take back what others have sent */
  struct event_document *documents;           /* what it means for the register of documents */
  size_t documents_count;
  struct span title; /* Russian */
  struct field_rule *fields;
  size_t fields_count;
};

struct participant {
  struct span id;
  struct span kind;
  struct span title;            /* Russian */
  struct text_list territories; /* municipalities, settlements, "*" */
  struct text_list settlements; /* those within its municipalities (whoever builds the catalogue fills it) */
  struct text_list helps;       /* kinds of help it takes referrals for */
  int64_t capacity;             /* open referrals at a time, 0: unbounded */
  struct text_list office;      /* "mon-fri 09:00-18:00"; none: always open */
  struct text_list sittings;    /* "3 wed" = third Wednesday of each month, "last fri", or dates; for bodies that sit */
};
struct territory {
  struct span code;
  struct span title;      /* "г. Сургут" */
  struct text_list names; /* further spellings */
  struct span within;     /* a settlement's municipality; empty: it is one itself */
};
/* Who stands behind a role in a chart (`owner="…"`, `role="…"`): the participants of these kinds in the territory. */
struct role_rule {
  struct span role;
  struct text_list kinds;
  struct span title; /* Russian */
};
/* Which kinds of participant may be offered which kind of help, in order of preference. */
struct routing_rule {
  struct span help;
  struct text_list kinds;
};
struct stage_rule {
  struct span name;
  struct span title;
};
/* By what a person is known again when another case begins (identity.h). */
struct identity_rule {
  struct span name;
  struct text_list fields;   /* personal ones; all of them are needed */
  struct text_list optional; /* these count when they are there */
  struct span compare;       /* "words": letters and digits, "digits": digits only */
  int64_t size;              /* so many characters, or it says nothing; 0: any number */
  struct span finds;         /* "same", "perhaps" or "nobody" */
  bool differs;              /* who differs in it is another person, whatever else agrees */
};
enum { CATALOGUE_IDENTITIES_MAX = 8 };

/* ---- documents.yaml ---- */

struct document_state {
  struct span name;
  struct span title; /* Russian */
};
/* The state of an extract while the least advanced of its referrals has this status. */
struct document_progress {
  struct span status, state;
};
struct document_rule {
  struct span kind;
  struct span title;                  /* Russian */
  struct span basis;                  /* document and clause */
  struct span form;                   /* name of the form that is filled; empty: the engine makes it */
  struct text_list seen_by;           /* participant kinds; an extract is its executor's besides */
  struct text_list includes;          /* kinds that stand in it when it is shown */
  struct text_list measures_from;     /* kinds whose measures are its own, if its event brought none */
  struct text_list of;                /* an extract: kinds whose measures it tells, the newest counts; else empty */
  struct document_progress *progress; /* an extract: in the order of statuses; the last stands for all further ones */
  size_t progress_count;
  struct span gone; /* an extract: the state when no measure is left */
};
/* What a status of a referral is called. */
struct status_rule {
  struct span name;
  struct span title; /* Russian */
};

struct catalogue {
  struct stage_rule *stages; /* in order: the furthest one counts */
  size_t stages_count;
  struct data_class *classes;
  size_t classes_count;
  struct record_rule *records;
  size_t records_count;
  struct event_rule *events; /* sorted by name by catalogue_check */
  size_t events_count;
  struct participant *participants; /* sorted by id by catalogue_check */
  size_t participants_count;
  struct territory *territories;
  size_t territories_count;
  struct role_rule *roles;
  size_t roles_count;
  struct routing_rule *routing;
  size_t routing_count;
  struct identity_rule *identities; /* the strongest first */
  size_t identities_count;
  struct document_rule *documents;
  size_t documents_count;
  struct document_state *document_states;
  size_t document_states_count;
  struct status_rule *statuses;
  size_t statuses_count;
};

/* Sorts and checks everything against everything; ERR_CONFIG with the first contradiction in `fault`. */
enum err catalogue_check(struct catalogue *catalogue, struct fault *fault) MUST_CHECK;
/* The part of it that is about documents: once more when a process has brought its own. */
enum err catalogue_check_documents(const struct catalogue *catalogue, struct fault *fault) MUST_CHECK;

const struct event_rule *catalogue_event(const struct catalogue *catalogue, struct span name);
/* The process that such an event starts when the case is unknown; empty: none. `data`: its clear part. */
struct span event_process(const struct event_rule *event, const struct value *data);
const struct participant *catalogue_participant(const struct catalogue *catalogue, struct span id);
const struct data_class *catalogue_class(const struct catalogue *catalogue, struct span name);
/* By code, title or other spelling; NULL if unknown. */
const struct territory *catalogue_territory(const struct catalogue *catalogue, struct span name);
/* NULL if unknown. */
const struct document_rule *catalogue_document(const struct catalogue *catalogue, struct span kind);
/* The Russian title; the name itself where there is none. */
struct span catalogue_document_state(const struct catalogue *catalogue, struct span state);
struct span catalogue_status(const struct catalogue *catalogue, struct span status);
/* -1 if unknown, else the order of the stage. */
int catalogue_stage(const struct catalogue *catalogue, struct span name);
/* The territory itself, or the municipality that it lies in. */
bool participant_serves(const struct participant *participant, struct span territory);

/* Checks a payload against the event's rule: formats, bounds, required fields, unknown fields. Personal fields may be
 * absent whatever `required` says when `without_personal`. ERR_INVALID with a Russian text that names the field. */
enum err catalogue_validate(const struct catalogue *catalogue, const struct event_rule *event, const struct value *data,
                            bool without_personal, struct fault *fault) MUST_CHECK;
/* Splits a payload: what may stand in a chart's data, and what is personal. Both maps live in `arena`. */
enum err catalogue_split(const struct catalogue *catalogue, const struct event_rule *event, const struct value *data,
                         struct arena *arena, struct value *ret_clear, struct value *ret_personal) MUST_CHECK;
/* Of a map of personal or clear fields, those that a participant of `kind` may see. Classes are looked up by the
 * fields' names over all events; a field that no event names is not shown. */
struct value catalogue_cut(const struct catalogue *catalogue, const struct value *data, struct span kind,
                           struct arena *arena);

#endif
