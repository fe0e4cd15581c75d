/*
 * runtime/rules.h — the rules that the processes carry out, as the documents state them.
 *
 * Purpose: config/rules.yaml, read and checked: one entry per rule with its document and clause, who has to act and by
 * when, what the document leaves open, and the elements that carry the rule out. Nothing runs on it: it is what
 * `kurator process trace` compares the processes with.
 *
 * An element is written PLACE#NAME. PLACE is a process: then NAME is a state, an element of the vocabulary, the
 * template of a notice, the reason of an incident, an event that transitions take, or a setting. PLACE `catalogue`: an
 * event, a class of data or a role; `documents`: a kind of document; `routing`: a kind of help; `territories`: a
 * municipality or settlement.
 *
 * Ownership: everything lives in the arena that is passed. Threading: immutable once read. Never: writes.
 */
#ifndef KURATOR_RUNTIME_RULES_H
#define KURATOR_RUNTIME_RULES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "casework/catalogue.h"

struct rule {
  struct span id;
  struct span document, clause;
  struct span text;  /* Russian, in our own words */
  struct span owner; /* who acts */
  struct span term;  /* by when; empty: no term is named */
  struct span gap;   /* what the document leaves open, and what was chosen; empty: nothing */
  struct span process;
  struct text_list elements;
};
struct rules {
  struct rule *rules;
  size_t rules_count;
};

/* ERR_NOT_FOUND: there is no such file; ERR_CONFIG with file and line: doubled ids, an element without '#'. */
enum err rules_read(const char *config_dir, struct arena *arena, struct rules *ret_rules,
                    struct fault *fault) MUST_CHECK;

#endif
