/*
 * Writing the vocabulary's elements as plain SCXML, in libxml2's own tree, so that everything else stays as it is.
 */
#include "chart/desugar.h"

#include "chart/document.h"
#include "chart/xml.h"

struct desugaring {
  const struct chart_vocabulary *vocabulary;
  struct arena arena;
  xmlDocPtr doc;
  struct fault *fault;
  struct span *ids; /* every id of the document as it came */
  size_t ids_count;
};

static struct span text_of(const xmlChar *text) {
  return text ? span_of_cstr((const char *)text) : span_of(NULL, 0);
}

static const xmlChar *xml_of(struct desugaring *d, struct span text) {
  return (const xmlChar *)arena_cstr(&d->arena, text);
}

static bool is_element(const xmlNode *node) {
  return node->type == XML_ELEMENT_NODE;
}

static bool is_ours(const struct desugaring *d, const xmlNs *ns) {
  return ns && ns->href && strcmp((const char *)ns->href, d->vocabulary->namespace_uri) == 0;
}

static uint32_t line_of(const xmlNode *node) {
  long line = xmlGetLineNo(node);
  return line > 0 ? (uint32_t)line : 0;
}

/* The next node in document order; children first, without recursion. */
static xmlNode *walk(const xmlNode *root, xmlNode *node, bool inside) {
  if (inside && is_element(node) && node->children) {
    return node->children;
  }
  while (node != root && !node->next) {
    node = node->parent;
  }
  return node == root ? NULL : node->next;
}

static struct span value_of(struct desugaring *d, const xmlAttr *attribute) {
  xmlChar *value = xmlNodeListGetString(d->doc, attribute->children, 1);
  struct span copy = arena_copy(&d->arena, text_of(value));
  xmlFree(value);
  return copy;
}

/* ---- literals ---- */

static bool fits_brackets(struct span text) {
  return text.size > 0 && text.data[text.size - 1] != ']' && !memmem(text.data, text.size, "]]", 2) &&
         !memchr(text.data, '\n', text.size) && !memchr(text.data, '\r', text.size);
}

/* 'plain', [[with 'quotes']], and with escapes where neither will do. */
static struct span literal(struct desugaring *d, struct span text) {
  bool special = text.size > 0 && (memchr(text.data, '\'', text.size) || memchr(text.data, '\\', text.size));
  if (special && fits_brackets(text)) {
    return arena_printf(&d->arena, "[[%.*s]]", SPAN_ARG(text));
  }
  uint8_t *out = arena_alloc(&d->arena, text.size * 2 + 2);
  size_t size = 0;
  out[size++] = '\'';
  for (size_t i = 0; i < text.size; i++) {
    uint8_t byte = text.data[i];
    if (byte == '\'' || byte == '\\' || byte == '\n' || byte == '\r') {
      out[size++] = '\\';
    }
    out[size++] = byte == '\n' ? 'n' : byte == '\r' ? 'r' : byte;
  }
  out[size++] = '\'';
  return span_of(out, size);
}

/* ---- ids ---- */

static bool is_name(struct span text) {
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.'))) {
      return false;
    }
  }
  return text.size > 0;
}

/* Counts the ids, and keeps them where there is room. */
static size_t find_ids(struct desugaring *d, struct span *ret_ids) {
  xmlNode *root = xmlDocGetRootElement(d->doc);
  size_t count = 0;
  for (xmlNode *node = root; node; node = walk(root, node, true)) {
    for (const xmlAttr *at = is_element(node) ? node->properties : NULL; at; at = at->next) {
      if (!at->ns && strcmp((const char *)at->name, "id") == 0) {
        struct span *id = ret_ids ? &ret_ids[count] : NULL;
        count++;
        if (id) {
          *id = value_of(d, at);
        }
      }
    }
  }
  return count;
}

static void collect_ids(struct desugaring *d) {
  d->ids_count = find_ids(d, NULL);
  d->ids = ARENA_ARRAY(&d->arena, struct span, d->ids_count);
  (void)find_ids(d, d->ids);
}

static bool stands_once(const struct desugaring *d, struct span id) {
  unsigned count = 0;
  for (size_t i = 0; i < d->ids_count; i++) {
    count += span_equal(d->ids[i], id);
  }
  return count == 1;
}

/* ---- one element ---- */

struct writing {
  struct desugaring *d;
  const struct chart_element *kind;
  xmlNode *old, *node;
  xmlNs *ns;
  const char *break_inside, *break_after; /* line break and indentation; empty: all in one line */
};

static void add_param(const struct writing *w, const char *name, struct span expr) {
  xmlNodeAddContent(w->node, (const xmlChar *)w->break_inside);
  xmlNode *param = xmlNewChild(w->node, w->ns, (const xmlChar *)"param", NULL);
  xmlNewProp(param, (const xmlChar *)"name", (const xmlChar *)name);
  xmlNewProp(param, (const xmlChar *)"expr", xml_of(w->d, expr));
}

static enum err write_attribute(const struct writing *w, const xmlAttr *at) {
  struct span name = text_of(at->name);
  struct span value = value_of(w->d, at);
  const struct chart_attribute *known = vocabulary_attribute(w->kind, name);
  if (!known) {
    return fault_set_at(w->d->fault, ERR_INVALID, line_of(w->old), 0, "<k:%s> has no attribute \"%.*s\"", w->kind->name,
                        SPAN_ARG(name));
  }
  if (span_is(name, "id") && is_name(value) && stands_once(w->d, value)) {
    xmlNewProp(w->node, (const xmlChar *)"id", xml_of(w->d, value));
    return ERR_OK;
  }
  add_param(w, known->name, known->kind == CHART_ATTRIBUTE_EXPR ? value : literal(w->d, value));
  return ERR_OK;
}

static enum err write_child(const struct writing *w, const xmlNode *child) {
  if (child->type == XML_COMMENT_NODE) {
    xmlNodeAddContent(w->node, (const xmlChar *)w->break_inside);
    xmlAddChild(w->node, xmlNewDocComment(w->d->doc, child->content));
    return ERR_OK;
  }
  if (!is_element(child)) {
    return ERR_OK;
  }
  xmlChar *name = xmlGetNoNsProp((xmlNode *)child, (const xmlChar *)"name");
  xmlChar *expr = xmlGetNoNsProp((xmlNode *)child, (const xmlChar *)"expr");
  enum err err = ERR_OK;
  if (!name || !expr || !is_ours(w->d, child->ns) || strcmp((const char *)child->name, "param") != 0) {
    err = fault_set_at(w->d->fault, ERR_INVALID, line_of(child), 0, "<k:%s> can only hold <k:param name= expr=/>",
                       w->kind->name);
  } else if (vocabulary_attribute(w->kind, text_of(name))) {
    err = fault_set_at(w->d->fault, ERR_INVALID, line_of(child), 0,
                       "<k:param name=\"%s\"> has the name of an attribute", (const char *)name);
  } else {
    add_param(w, (const char *)name, text_of(expr));
  }
  xmlFree(name);
  xmlFree(expr);
  return err;
}

/* "\n    " before an element that begins its line, else NULL. */
static const char *break_before(struct desugaring *d, const xmlNode *node) {
  struct span text = node->prev && node->prev->type == XML_TEXT_NODE ? text_of(node->prev->content) : span_of(NULL, 0);
  const uint8_t *line = text.size > 0 ? memrchr(text.data, '\n', text.size) : NULL;
  return line ? arena_cstr(&d->arena, span_of(line, text.size - (size_t)(line - text.data))) : NULL;
}

static void prepare(struct writing *w) {
  static const char *const names[] = {[CHART_PLACE_STATE] = "invoke", [CHART_PLACE_CONTENT] = "send"};
  struct desugaring *d = w->d;
  const char *before = break_before(d, w->old);
  w->break_after = before ? before : "";
  w->break_inside = before ? arena_cstr(&d->arena, arena_printf(&d->arena, "%s  ", before)) : "";
  w->ns = xmlSearchNsByHref(d->doc, w->old->parent, (const xmlChar *)SCXML_URI);
  w->node = xmlNewDocNode(d->doc, w->ns, (const xmlChar *)names[w->kind->place], NULL);
  struct span type = arena_printf(&d->arena, "%s%s", d->vocabulary->type_prefix, w->kind->name);
  xmlNewProp(w->node, (const xmlChar *)"type", xml_of(d, type));
  if (w->kind->place == CHART_PLACE_CONTENT) {
    xmlNewProp(w->node, (const xmlChar *)"event", (const xmlChar *)w->kind->name);
  }
}

static enum err fill(const struct writing *w) {
  for (const xmlAttr *at = w->old->properties; at; at = at->next) {
    TRY(at->ns ? ERR_OK : write_attribute(w, at));
  }
  for (const xmlNode *child = w->old->children; child; child = child->next) {
    TRY(write_child(w, child));
  }
  if (w->node->children) {
    xmlNodeAddContent(w->node, (const xmlChar *)w->break_after);
  }
  return ERR_OK;
}

/* Puts the plain element in the place of `old` and gives it back. */
static enum err replace(struct desugaring *d, xmlNode *old, xmlNode **ret_node) {
  struct span name = text_of(old->name);
  struct writing w = {.d = d, .old = old};
  w.kind = vocabulary_element(d->vocabulary, name, CHART_PLACE_STATE);
  w.kind = w.kind ? w.kind : vocabulary_element(d->vocabulary, name, CHART_PLACE_CONTENT);
  if (!w.kind) {
    return fault_set_at(d->fault, ERR_INVALID, line_of(old), 0, "the vocabulary has no element <k:%.*s>",
                        SPAN_ARG(name));
  }
  prepare(&w);
  enum err err = fill(&w);
  if (err != ERR_OK) {
    xmlFreeNode(w.node);
    return err;
  }
  xmlReplaceNode(old, w.node);
  *ret_node = w.node;
  return ERR_OK;
}

/* ---- the document ---- */

/* Not inside a value (<data>, <assign>, <content>), where it is data like everything else. */
static bool is_element_of_chart(const struct desugaring *d, const xmlNode *node) {
  static const char *const values[] = {"data", "assign", "content"};
  const xmlNode *parent = node->parent;
  bool in_chart = is_element(node) && is_ours(d, node->ns) && is_element(parent) && parent->ns && parent->ns->href &&
                  strcmp((const char *)parent->ns->href, SCXML_URI) == 0;
  for (size_t i = 0; in_chart && i < sizeof values / sizeof *values; i++) {
    in_chart = strcmp((const char *)parent->name, values[i]) != 0;
  }
  return in_chart;
}

static enum err replace_all(struct desugaring *d) {
  xmlNode *root = xmlDocGetRootElement(d->doc);
  for (xmlNode *node = root; node;) {
    bool ours = is_element_of_chart(d, node);
    xmlNode *put = node;
    if (ours) {
      TRY(replace(d, node, &put));
      xmlFreeNode(node);
    }
    node = walk(root, put, !ours);
  }
  return ERR_OK;
}

/* A declaration of the namespace that nothing needs any more goes. */
static void drop_namespace(const struct desugaring *d) {
  xmlNode *root = xmlDocGetRootElement(d->doc);
  ASSERT(root); /* well-formed */
  for (xmlNode *node = root; node; node = walk(root, node, true)) {
    if (is_element(node) && is_ours(d, node->ns)) {
      return;
    }
    for (const xmlAttr *at = is_element(node) ? node->properties : NULL; at; at = at->next) {
      if (is_ours(d, at->ns)) {
        return;
      }
    }
  }
  for (xmlNs **at = &root->nsDef; *at; at = &(*at)->next) {
    if (is_ours(d, *at)) {
      xmlNs *gone = *at;
      *at = gone->next;
      xmlFreeNs(gone);
      return;
    }
  }
}

static enum err write_document(const struct desugaring *d, struct writer *w) {
  xmlChar *bytes = NULL;
  int size = 0;
  xmlDocDumpMemoryEnc(d->doc, &bytes, &size, "UTF-8");
  if (!bytes) {
    return fault_set(d->fault, ERR_NO_MEMORY, "no memory for the document");
  }
  writer_raw(w, span_of(bytes, (size_t)size));
  xmlFree(bytes);
  return ERR_OK;
}

enum err chart_desugar(const struct chart_vocabulary *vocabulary, struct span document, struct writer *w,
                       struct fault *fault) {
  struct desugaring d = {.vocabulary = vocabulary, .fault = fault};
  arena_init(&d.arena, 0);
  enum err err = xml_parse(document, &d.doc, fault);
  if (err == ERR_OK) {
    collect_ids(&d);
    err = replace_all(&d);
  }
  if (err == ERR_OK) {
    drop_namespace(&d);
    err = write_document(&d, w);
  }
  xmlFreeDoc(d.doc);
  arena_finish(&d.arena);
  return err;
}
