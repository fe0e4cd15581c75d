/*
 * ops/cli/chart_outline.h — a process as people speak of it.
 *
 * Purpose: Russian for what stands in a chart: titles of states, variables, events, roles and stages, terms with the
 * value of their setting, conditions. What has no title anywhere stands as it is in the chart: nothing is left out, and
 * nothing is guessed.
 *
 * Where titles come from: k:title in the chart; the catalogue; the forms of the process (fields and their values);
 * settings.yaml. Ownership: texts live in the outline's arena. Threading: one owner.
 */
#ifndef KURATOR_CLI_CHART_OUTLINE_H
#define KURATOR_CLI_CHART_OUTLINE_H

#include "chart.h"

struct outline {
  struct chart_file file;
  struct config *config;
  struct config_process process; /* its settings */
  struct value *forms;           /* each a JSON Schema */
  size_t forms_count;
  struct node *root;
  struct span name; /* of the process: its folder */
};

/* `word`: a chart, a process' folder, or the name of a process of the configuration. Tells what is wrong and gives an
 * exit code. Close it in either case. */
int outline_open(struct outline *outline, const char *word, const char *config_given);
void outline_close(struct outline *outline);

/* ---- names ---- */

struct span outline_label(const struct node *node, const char *name); /* k:NAME, or the empty span */
struct node *outline_state(const struct outline *outline, struct span id);
/* k:title, else the title of its only task, else the id. */
struct span outline_state_title(struct outline *outline, const struct node *state);
/* Of the nearest state around that has one; an index into the catalogue's stages, or -1. */
int outline_stage(const struct outline *outline, const struct node *node);
struct span outline_role(struct outline *outline, struct span role);
struct span outline_event(struct outline *outline, struct span event);
/* What another process is called, and what its state with that status is. */
struct span outline_process(struct outline *outline, struct span process);
struct span outline_status(struct outline *outline, struct span process, struct span status);

/* ---- expressions ---- */

struct span outline_condition(struct outline *outline, struct span expr);
struct span outline_value(struct outline *outline, struct span expr);
/* "5 рабочих дней" for a term, a setting's value, or an expression over them. */
struct span outline_term(struct outline *outline, struct span expr);
struct span outline_term_text(struct outline *outline, struct span text);

/* ---- the tree ---- */

/* Whether an event descriptor takes an event (section 3.12.1). */
bool outline_takes(const struct node *transition, struct span event);
/* Whether two states can be active at once. */
bool outline_together(const struct node *a, const struct node *b);
bool outline_is_around(const struct node *around, const struct node *node);
static inline bool outline_is(const struct node *node, const char *element) {
  return node->tag == TAG_EXTENSION && span_is(node->name, element);
}

#endif
