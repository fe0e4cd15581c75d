/*
 * chart/lint.h — what is wrong with a chart that can nevertheless be read, told so that its author can mend it.
 *
 * Purpose: a finding names a rule, a line, and up to three words of the chart; the rule holds the message and what to
 * do, in English and in Russian. Other rooms add findings by rules of their own to the same list. Everything is looked
 * at without running the chart: a condition counts as one that may be true.
 *
 * Life cycle: lint_init → lint_chart and whoever else adds → lint_sort → lint_message, lint_advice.
 * Threading: values only. Ownership: findings and their words live in the arena; rules are constants.
 * Limits: LINT_FINDINGS_MAX findings, then no more are taken.
 * Never: reads a file or prints. Pure.
 */
#ifndef KURATOR_CHART_LINT_H
#define KURATOR_CHART_LINT_H

#include "chart/chart.h"

enum lint_severity { LINT_WARNING, LINT_ERROR };
enum lint_language { LINT_ENGLISH, LINT_RUSSIAN, LINT_LANGUAGES };
enum { LINT_WORDS_MAX = 3, LINT_FINDINGS_MAX = 1000 };

struct lint_rule {
  const char *name; /* for programs: "unreachable-state" */
  enum lint_severity severity;
  const char *message[LINT_LANGUAGES]; /* %1 … %3 stand for the words of the finding */
  const char *advice[LINT_LANGUAGES];  /* what to do; the same */
};

struct lint_finding {
  const struct lint_rule *rule;
  uint32_t line;
  struct span words[LINT_WORDS_MAX];
};

struct lint {
  struct arena *arena;
  struct lint_finding *items;
  size_t count, capacity;
};

void lint_init(struct lint *lint, struct arena *arena);
/* Words may be empty and are copied. The same finding twice (rule, line and words) stands once. */
void lint_add(struct lint *lint, const struct lint_rule *rule, uint32_t line, struct span word_1, struct span word_2,
              struct span word_3);
/* By line; findings of one line stay in the order in which they were added. */
void lint_sort(struct lint *lint);
bool lint_has_line(const struct lint *lint, uint32_t line);
size_t lint_errors(const struct lint *lint);
struct span lint_message(const struct lint_finding *finding, enum lint_language language, struct arena *arena);
struct span lint_advice(const struct lint_finding *finding, enum lint_language language, struct arena *arena);

/* The rules of this room, by what the recommendation lets a chart do: states that no transition leads to, targets that
 * leave their own parallel (appendix D, findLCCA), regions and states whose end is waited for and never comes (section
 * 3.4, 3.7), expressions, scripts and locations that do not compile, In() of a state that is not there. */
void lint_chart(const struct chart *chart, struct lint *lint);
/* In() inside longer expressions, which the compiled chart does not show. `document`: the bytes that the chart was
 * compiled from. */
struct node;
void lint_document(const struct chart *chart, const struct node *root, struct lint *lint);

/* Names in expressions that nothing sets, and dates without quotes. `vocabulary` and `functions`, which scripts may
 * call beside the library, may be NULL. */
void lint_names(const struct chart *chart, const struct node *root, const struct chart_vocabulary *vocabulary,
                const struct chart_function_entry *functions, struct lint *lint);

/* A fault of chart_compile or of reading: its own rule. */
void lint_fault(struct lint *lint, const struct fault *fault);
/* The Russian for a text of this room (a fault, a message of the Lua compiler); the text itself when there is none. */
struct span lint_translate(struct span text, enum lint_language language, struct arena *arena);
/* The same in Russian for a text that may begin with what it speaks of, "FILE:LINE: ". */
struct span lint_told(struct span text, struct arena *arena);

#endif
