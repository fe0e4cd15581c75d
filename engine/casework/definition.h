/*
 * casework/definition.h — a process: its chart and what its k: elements say, read once.
 *
 * Purpose: everything about an element that does not depend on a case stands here parsed and checked: terms, roles,
 * names of events. A step never parses an attribute's text.
 *
 * Ownership: processes live in the arena of their casework; charts in its worker. Threading: as the casework.
 */
#ifndef KURATOR_CASEWORK_DEFINITION_H
#define KURATOR_CASEWORK_DEFINITION_H

#include "casework/casework.h"

/* The vocabulary of the namespace urn:kurator:case. The order is that of the table in definition.c. */
enum element_kind {
  ELEMENT_DEADLINE,
  ELEMENT_TASK,
  ELEMENT_CASE,
  ELEMENT_REFERRALS,
  ELEMENT_OFFER,
  ELEMENT_CASES,
  ELEMENT_PAUSE,
  ELEMENT_KINDS,
};

enum { ELEMENT_WARNINGS_MAX = 4, CASEWORK_SPARE_MAX = 16 };

struct element {
  enum element_kind kind;
  uint32_t number; /* of the chart */
  struct span id;
  struct span basis, title;
  const struct role_rule *role; /* who owns the deadline or gets the task; NULL: nobody */
  struct text_list met_by;      /* deadline: events; referrals: statuses */
  struct text_list ends_by;     /* deadline: events that end it without meeting it */

  /* deadline */
  struct span term_text; /* empty: `dueexpr` says */
  struct term term;
  struct term opens;                          /* no parts: at once */
  struct term warnings[ELEMENT_WARNINGS_MAX]; /* counted back from the due day */
  size_t warnings_count;
  enum term_shift shift;
  bool conditional;      /* met-if stands there */
  bool ends_conditional; /* ends-if */
  bool bounded;          /* not-after */
  bool excused;          /* cause */
  bool foreseen;         /* done */
  bool unpaused;         /* pause="no" */

  /* task */
  struct span form;
  struct text_list events;

  /* case, cases, referrals */
  struct span process;
  const struct document_rule *extract; /* referrals: what each executor gets of them; NULL: nothing */
};

struct process {
  struct span name, revision;
  bool present;         /* new cases begin on it */
  struct span document; /* the chart as it was read */
  struct value settings;
  struct chart *chart;
  struct element *elements; /* one per extension invocation of the chart, in its order */
  uint32_t elements_count;
  int *stages; /* per state: number of its stage, -1 if none */
};

struct casework {
  struct casework_options options;
  struct chart_worker *worker;
  struct arena arena; /* processes */
  struct process *processes[CASEWORK_DEFINITIONS_MAX];
  size_t processes_count;
  /* The case that a script of this worker belongs to at this moment; functions of scripts look at it. NULL between
   * calls. */
  struct case_file *stepping;
  /* Closed cases, kept with their memory for the next one. */
  struct case_file *spare[CASEWORK_SPARE_MAX];
  size_t spare_count;
};

const struct process *casework_process(const struct casework *casework, struct span name); /* present; NULL: unknown */
const struct process *casework_process_of(const struct casework *casework, struct span name, struct span revision);
const struct role_rule *catalogue_role(const struct catalogue *catalogue, struct span role); /* NULL if unknown */

/* Splits at white space; the list lives in `arena`, the texts borrow. */
struct text_list text_words(struct arena *arena, struct span text);
/* Unlike text_list_has, "*" stands for itself. */
bool text_list_names(const struct text_list *list, struct span text);

/* Of an invocation's params, those that are no attributes of its element: the <k:param>s. */
struct value element_params(enum element_kind kind, const struct value *params, struct arena *arena);

#endif
