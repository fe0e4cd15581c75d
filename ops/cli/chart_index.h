/*
 * ops/cli/chart_index.h — where the elements of a chart stand in its text.
 *
 * Purpose: finds the tags of a chart that the engine has already compiled, so that an element can be named by its line,
 * and be taken out of the text without touching anything else. A reader of well-formed tags, no parser: comments,
 * processing instructions and CDATA are passed over, entities stay as they are.
 *
 * Ownership: borrows the text; the nodes live in the arena. Threading: values only. Never: recursion.
 */
#ifndef KURATOR_CLI_CHART_INDEX_H
#define KURATOR_CLI_CHART_INDEX_H

#include "base/arena.h"

struct chart_node {
  struct span tag;   /* without its prefix */
  bool extension;    /* it has a prefix: one of the vocabulary */
  struct span head;  /* "<tag … >" */
  size_t start, end; /* of the whole element in the text */
  uint32_t line;
  size_t parent; /* index; of the root: its own */
};
struct chart_index {
  struct span text;
  struct chart_node *nodes; /* in document order */
  size_t count, capacity;
};

/* ERR_FORMAT: its tags do not nest. */
enum err chart_index_read(struct span chart, struct arena *arena, struct chart_index *ret_index) MUST_CHECK;
/* The value of an attribute as it stands there; empty data NULL if there is none. */
struct span chart_node_attribute(const struct chart_node *node, const char *name);
/* True if one of the words of an attribute is `word`. */
bool chart_node_names(const struct chart_node *node, const char *attribute, struct span word);

#endif
