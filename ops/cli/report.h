/*
 * ops/cli/report.h — what a report is made of: a definition, the facts of a journal, and the cells they give.
 *
 * Purpose: `kurator report NAME` says what the journal says and nothing else. The journal is rehearsed up to a position
 * (runtime/rehearse.h); the records that this leaves are read into five tables of facts (report_facts.c); a definition
 * (config/reports/NAME.yaml, report_definition.c) says which of their rows stand in which section, and what stands in a
 * column (report_rows.c); the result is printed as a table, CSV or JSON (report_show.c). No process, event or agency is
 * named here: only the definitions name them.
 *
 * Invariants: the same journal, position, configuration and words give the same bytes: no clock, no machine's name, no
 * order of chance. What the reader's kind may not see (classes of catalogue.yaml) is shown as a month, a yes or a
 * number at most; personal data is in no journal.
 *
 * Ownership: everything lives in the arena of the struct report that holds it. Threading: one owner.
 */
#ifndef KURATOR_CLI_REPORT_H
#define KURATOR_CLI_REPORT_H

#include "calendar/calendar.h"
#include "runtime/config.h"
#include "store/store.h"

enum { REPORT_COLUMNS_MAX = 16, REPORT_FINDINGS_MAX = 2 };

/* ---- the definition ---- */

/* One condition on a row of facts. */
struct report_condition {
  struct span field; /* "state", "data.kind" */
  struct text_list is, not_;
  /* "within" the period, "by-end", "since-start", "before-start", "after-end". Without a period they all hold. */
  struct span period;
  struct span than; /* with `period` empty: another field of the row, which this one, a date, is not after */
  bool missing;     /* a row without the field passes too */
};
struct report_word {
  struct span code, text;
};
struct report_words {
  struct span name;
  struct report_word *words;
  size_t words_count;
};
struct report_column {
  struct span name;  /* in JSON */
  struct span title; /* Russian */
  struct span field;
  struct span otherwise; /* field to take where the first is missing */
  struct span format;    /* "text", "date", "month", "moment", "number", "yes", "territory", "participant", … */
  struct span role;      /* of format "role" */
  struct span from;      /* another table of facts; empty: this row, or the rows of this group */
  struct text_list same; /* fields in which a row of `from` is like this row, "ITS" or "ITS=OURS"; none: "case" */
  struct report_condition *where;
  size_t where_count;
  struct span take;     /* "first", "last", "count", "any", "cases", "index" */
  struct span words;    /* list of reports/words.yaml; empty: none */
  struct span part, of; /* per cent: names of two columns of this section that count; empty: no share */
  struct span adds_to;  /* of a section with rows: name of a number that its cells add up to */
  const struct report_words *list;
};
/* Columns of a section that add up to the same as others, parts to a total: who knows all but one knows that one too.
 */
struct report_sum {
  struct text_list fields, equals;
};
/* Rows of another table that a row of the section needs, or (`none`) must not have. */
struct report_having {
  struct span from;
  struct text_list same;
  struct text_list after; /* of events: only those after the family's last event of these names */
  struct text_list until; /* of events: only those behind this row, before the family's next event of these names */
  struct report_condition *where;
  size_t where_count;
  bool none;
};
struct report_section {
  struct span title;
  struct span rows;  /* table of facts; empty: one row over all facts, shown as a list of numbers */
  struct span scope; /* field that names the participant, empty: by the territory */
  struct report_condition *where;
  size_t where_count;
  struct report_having *having;
  size_t having_count;
  struct text_list sort, group;
  struct report_column *columns;
  size_t columns_count;
  struct report_sum *sums;
  size_t sums_count;
  bool full_only; /* left out where small numbers are hidden: its lines would tell them */
};
/* Which report a participant of these kinds gets as its extract. */
struct report_extract {
  struct text_list kinds;
  struct span report;
};
/* An event of the participant's own case that changes when it sits: not on the date in `off`, but on that in `on`. */
struct report_change {
  struct span event;
  struct span off, on; /* fields of the event's data; empty: none */
};
struct report_definition {
  struct span title;
  const char *path;   /* of its file, for faults */
  struct span basis;  /* empty: it is not said */
  struct span reader; /* kind of participant */
  struct text_list
      periods; /* "month", "quarter", "day" (of a sitting): one of them is needed; none: no period is taken */
  bool period_optional;
  struct span participant; /* kind that --for has to be of; empty: any */
  bool participant_needed;
  struct span sitting; /* term that has to hold a sitting: "10wd"; empty: no agenda */
  struct report_change *changes;
  size_t changes_count;
  struct report_extract *extracts;
  size_t extracts_count;
  int64_t small_below;      /* numbers from 1 to below this are hidden from those who get the whole; 0: none are */
  struct span small_source; /* why: document and clause, or house rule */
  struct text_list closing; /* lines below the table: who signs */
  struct report_section *sections;
  size_t sections_count;
  struct report_words *lists; /* of reports/words.yaml */
  size_t lists_count;
};
/* A title and a name per report of CONFIG_DIR/reports on stdout, by name. ERR_NOT_FOUND: no such folder; ERR_CONFIG. */
enum err report_definitions_list(const struct config *config, const char *config_dir, struct arena *arena,
                                 struct fault *fault) MUST_CHECK;
/* CONFIG_DIR/reports/NAME.yaml, checked against the catalogue. ERR_NOT_FOUND: there is no such report; ERR_CONFIG. */
enum err report_definition_read(const struct config *config, const char *config_dir, const char *name,
                                struct arena *arena, struct report_definition *ret_definition,
                                struct fault *fault) MUST_CHECK;
/* Once more, for another reader than the definition's own: may this kind see all of it? ERR_FORBIDDEN. */
enum err report_definition_for(const struct config *config, const struct report_definition *definition,
                               struct span reader, struct fault *fault) MUST_CHECK;
/* Calls `tell` with what is wrong with each file of CONFIG_DIR/reports. Their number; 0 without such a folder. */
size_t report_definitions_check(const struct config *config, const char *config_dir,
                                void (*tell)(void *arg, const char *text), void *arg);

/* ---- the facts ---- */

enum report_table_id { REPORT_CASES, REPORT_DEADLINES, REPORT_REFERRALS, REPORT_EVENTS, REPORT_ITEMS, REPORT_TABLES };
/*
 * Rows in the order of the records; an event's in the order of the journal.
 *   cases      case, part, process, territory, state (open, ended), stage, ground, opened_on, ended_on, states, status,
 * key deadlines  case, part, process, territory, id, key, title, basis, owner, term, from, due, state, at, on, done_on,
 * counted referrals  case, part, process, measure, kind, territory, to, status, state, at, on, opened_on, reason events
 * case, process, territory, event, sender, measure, at, on, period, journal, data (a map) items      the same for each
 * record of a list in `data`, with it as `item`; `measure` is its id case: the root's id; on: date in the zone; process
 * of an event: the root's; kind: that of the measure with the referral's id, as it was last told.
 */
struct report_row {
  struct span case_id;
  struct value value;
  size_t order;
  size_t events; /* how many rows of events stand before it: of an item, those up to its own event */
};
struct report_table {
  struct report_row *rows;
  size_t count, capacity;
  const struct report_row **by_case; /* by (case, order) */
};
struct report_line {
  struct value cells[REPORT_COLUMNS_MAX];
};
struct report_lines {
  struct report_line *lines;
  size_t count;
  bool withheld;
};
struct report_period {
  civil_day first, last; /* CIVIL_DAY_NONE: no period */
  struct span text;      /* "2026-Q1" */
  struct span title;     /* "I квартал 2026 года" */
  const char *label;     /* before the title; NULL: "Период" */
};
struct report {
  const struct config *config;
  struct calendar *calendar; /* that counts at the position: config's, with what the journal has imported over it */
  const struct report_definition *definition;
  struct report_period period;
  const struct participant *participant; /* --for; NULL: all */
  const struct participant *group;       /* of an extract: whose minutes; NULL: all or no extract */
  bool extract;
  bool full;              /* nothing is hidden */
  civil_day sitting_from; /* the first day on which the next sitting may be */
  civil_moment at;        /* the position, as a moment */
  uint32_t lines;         /* of the journal, up to it */
  civil_day sitting;      /* the next one, CIVIL_DAY_NONE: none, or no agenda */
  struct report_table tables[REPORT_TABLES];
  struct report_lines *sections;             /* of the definition's, by report_lines_make */
  struct span findings[REPORT_FINDINGS_MAX]; /* Russian: what the reader has to be told besides */
  size_t findings_count;
  struct arena *arena;
};
/* -1: no such table. */
int report_table_of(struct span name);
/* Borrowed from by_case. */
struct report_rows {
  const struct report_row **items;
  size_t count;
};
/* The rows of one family; of cases the root comes first. */
struct report_rows report_family(const struct report_table *table, struct span case_id);
/* Reads the records of a rehearsal into the tables of the report `arg`. */
enum err report_facts_read(void *arg, struct store *store) MUST_CHECK;
/* Frees what the arena does not hold. */
void report_facts_finish(struct report *report);
/* A field, or with "map.field" one of a map in it; NULL when it is missing or nil. */
const struct value *report_field(const struct value *row, struct span path);

/* ---- the cells ---- */

/* Fills `sections`. */
void report_lines_make(struct report *report);
/* True if small numbers are hidden: the definition says so, and it is made for everybody and not in full. */
bool report_hides(const struct report *report);
/* Hides small numbers, and those by which they could be computed (report_small.c). */
void report_small_hide(struct report *report);
/* A cell as people read it. */
struct span report_cell_text(const struct report *report, const struct report_column *column, const struct value *cell);

/* ---- the sitting (report_sitting.c) ---- */

/* For a report with a term that has to hold a sitting: the participant's next one on or after `sitting_from`, and as
 * its period the days since the one before the position. Needs the facts: sittings are appointed, moved and cancelled.
 */
void report_sitting_find(struct report *report);
/* Once the lines are made: no sitting inside the term, or inside what is left of a line's term, is a finding. */
void report_sitting_judge(struct report *report);

enum report_output { REPORT_TABLE, REPORT_CSV, REPORT_JSON, REPORT_JSONL };
void report_show(const struct report *report, struct span name, enum report_output output);

#endif
