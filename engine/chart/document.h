/*
 * chart/document.h — an SCXML document as a checked tree.
 *
 * Purpose: what stands between the XML reader and the compiler. Every element of the tree is one that the
 * recommendation (or the vocabulary) allows at its place, with no attribute that it does not know and none missing that
 * it must have, so that the compiler only has to look at meaning. Elements and attributes of other namespaces are left
 * out (section 2 of the recommendation).
 *
 * Ownership: the tree lives in the arena that it was read into. Threading: values only.
 * Limits: no document type declaration, no entities but the five of XML, no network, DOCUMENT_DEPTH_MAX levels.
 */
#ifndef KURATOR_CHART_DOCUMENT_H
#define KURATOR_CHART_DOCUMENT_H

#include "chart/chart.h"

enum { DOCUMENT_DEPTH_MAX = 100 };

/* X(name, element, attributes, must have, what may stand inside) */
enum tag {
  TAG_SCXML,
  TAG_STATE,
  TAG_PARALLEL,
  TAG_FINAL,
  TAG_HISTORY,
  TAG_INITIAL,
  TAG_TRANSITION,
  TAG_ONENTRY,
  TAG_ONEXIT,
  TAG_DATAMODEL,
  TAG_DATA,
  TAG_DONEDATA,
  TAG_CONTENT,
  TAG_PARAM,
  TAG_INVOKE,
  TAG_FINALIZE,
  TAG_SCRIPT,
  TAG_RAISE,
  TAG_IF,
  TAG_ELSEIF,
  TAG_ELSE,
  TAG_FOREACH,
  TAG_LOG,
  TAG_ASSIGN,
  TAG_SEND,
  TAG_CANCEL,
  TAG_EXTENSION, /* any element of the vocabulary's namespace */
  TAGS_COUNT,
};

struct node_attribute {
  struct span name;
  struct span value;
};

struct node {
  enum tag tag;
  uint32_t line;
  struct span name; /* local name */
  struct node *parent, *first, *last, *next;
  struct node_attribute *attributes; /* without namespace */
  size_t attributes_count;
  struct node_attribute *labels; /* those in the vocabulary's namespace (k:stage="…") */
  size_t labels_count;
  struct span text;   /* character data of data, assign, content and script */
  struct span markup; /* the inside of data, assign and content as XML, when there are elements in it */
  uint32_t state;     /* for the compiler: the number of a state */
};

struct document_options {
  const struct chart_vocabulary *vocabulary; /* NULL: plain SCXML */
  uint32_t size_max;                         /* bytes */
};

/* ERR_FORMAT: not well-formed XML; ERR_INVALID: not SCXML; ERR_LIMIT. The line is in `fault`. */
enum err document_read(const struct document_options *options, struct span bytes, struct arena *arena,
                       struct node **ret_root, struct fault *fault) MUST_CHECK;

/* Turns the <invoke> and <send> that stand for elements of the vocabulary (chart/desugar.h) into those elements;
 * document_read does it. */
enum err plain_read(const struct chart_vocabulary *vocabulary, struct node *root, struct arena *arena,
                    struct fault *fault) MUST_CHECK;
/* The element of a vocabulary, or NULL. */
const struct chart_element *vocabulary_element(const struct chart_vocabulary *vocabulary, struct span name,
                                               enum chart_element_place place);
/* Its attribute, "id" being one of every element; or NULL. */
const struct chart_attribute *vocabulary_attribute(const struct chart_element *element, struct span name);

/* The value of an attribute, or the empty span; `node_has` tells an empty one from none. */
struct span node_get(const struct node *node, const char *name);
bool node_has(const struct node *node, const char *name);
/* The first child with the tag, or NULL. */
struct node *node_child(const struct node *node, enum tag tag);
/* The node after `node` in document order within the tree below `root`, or NULL: a walk without recursion. */
struct node *node_walk(const struct node *root, const struct node *node);

/* Attributes are lists of words, and words of "event" are descriptors (section 3.12.1). The next word of a list that
 * white space separates; empty at its end. */
struct span word_next(struct span *rest);
/* A descriptor without what stands for "and everything below": "a.b.*" and "a.b." are "a.b", "*" is empty. */
struct span descriptor_bare(struct span word);
/* A bare descriptor takes the events whose first tokens are its own. */
bool descriptor_takes(struct span bare, struct span event);
static inline bool node_is_state(const struct node *node) {
  return node->tag <= TAG_HISTORY;
}

#endif
