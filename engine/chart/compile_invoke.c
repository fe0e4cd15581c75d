/*
 * <invoke>, the elements of the vocabulary, and the charts inside.
 *
 * A vocabulary element under a state is an invocation whose attributes are parameters; in executable content it is a
 * send. A chart inside <content>, or one that a literal src names, is put on the root's list to be compiled after the
 * present one; each file is read once, so that a chart may even invoke itself.
 */
#include "chart/compiler.h"

/* --- the vocabulary --- */

static enum err kind_of(struct compiler *c, const struct node *node, enum chart_element_place place,
                        const struct chart_element **ret_kind) {
  const struct chart_vocabulary *vocabulary = c->chart->source.vocabulary;
  *ret_kind = vocabulary_element(vocabulary, node->name, place);
  if (*ret_kind) {
    return ERR_OK;
  }
  enum chart_element_place other = place == CHART_PLACE_STATE ? CHART_PLACE_CONTENT : CHART_PLACE_STATE;
  if (vocabulary_element(vocabulary, node->name, other)) {
    return compile_fault(c, node->line, "<k:%.*s> belongs into %s", SPAN_ARG(node->name),
                         place == CHART_PLACE_STATE ? "executable content" : "a state");
  }
  return compile_fault(c, node->line, "the vocabulary has no element <k:%.*s>", SPAN_ARG(node->name));
}

static enum err check_required(struct compiler *c, const struct node *node, const struct chart_element *kind) {
  for (const struct chart_attribute *at = kind->attributes; at && at->name; at++) {
    if (at->required && span_empty(span_trim(node_get(node, at->name)))) {
      return compile_fault(c, node->line, "<k:%s> needs the attribute \"%s\"", kind->name, at->name);
    }
  }
  return ERR_OK;
}

/* Each attribute becomes an entry for chart_element_text and chart_session_attribute, and, unless it is only asked for
 * later, a parameter. */
static enum err compile_element_attributes(struct compiler *c, const struct node *node,
                                           const struct chart_element *kind) {
  for (size_t i = 0; i < node->attributes_count; i++) {
    const struct node_attribute *given = &node->attributes[i];
    const struct chart_attribute *known = vocabulary_attribute(kind, given->name);
    if (!known) {
      return compile_fault(c, node->line, "<k:%s> has no attribute \"%.*s\"", kind->name, SPAN_ARG(given->name));
    }
    bool literal = known->kind == CHART_ATTRIBUTE_TEXT;
    uint32_t expr =
        literal ? compile_literal(c, value_text(given->value), node->line) : compile_expr(c, given->value, node->line);
    struct element_attribute attribute = {given->name, literal ? given->value : span_of(NULL, 0),
                                          literal ? NONE : expr};
    *VECTOR_ADD(c, element_attributes, struct element_attribute) = attribute;
    if (known->kind != CHART_ATTRIBUTE_LATER) {
      *VECTOR_ADD(c, params, struct param) = (struct param){given->name, expr, NONE};
    }
  }
  return check_required(c, node, kind);
}

static enum err compile_element_params(struct compiler *c, const struct node *node) {
  for (const struct node *child = node->first; child; child = child->next) {
    if (!span_is(child->name, "param") || child->first) {
      return compile_fault(c, child->line, "<k:%.*s> can only hold <k:param name= expr=/>", SPAN_ARG(node->name));
    }
    struct span name = node_get(child, "name");
    if (span_empty(name) || !node_has(child, "expr") || child->attributes_count != 2) {
      return compile_fault(c, child->line, "<k:param> has exactly the attributes \"name\" and \"expr\"");
    }
    uint32_t expr = compile_expr(c, node_get(child, "expr"), child->line);
    *VECTOR_ADD(c, params, struct param) = (struct param){name, expr, NONE};
  }
  return ERR_OK;
}

static enum err compile_element_payload(struct compiler *c, const struct node *node, const struct chart_element *kind,
                                        struct payload *payload) {
  payload->content = NONE;
  payload->params.first = c->params.count;
  TRY(compile_element_attributes(c, node, kind));
  TRY(compile_element_params(c, node));
  payload->params.end = c->params.count;
  return ERR_OK;
}

static struct text_or_expr element_type(struct compiler *c, const struct node *node) {
  const char *prefix = c->chart->source.vocabulary->type_prefix;
  return (struct text_or_expr){arena_printf(c->arena, "%s%.*s", prefix, SPAN_ARG(node->name)), NONE};
}

static struct invoke invoke_of(uint32_t state, const struct node *node) {
  struct invoke invoke = {.state = state, .line = node->line, .element = NONE, .name = node->name};
  invoke.type.expr = invoke.src.expr = invoke.id.expr = NONE;
  invoke.id_location = invoke.payload.content = NONE;
  return invoke;
}

enum err compile_element(struct compiler *c, uint32_t state, const struct node *node) {
  const struct chart_element *kind;
  TRY(kind_of(c, node, CHART_PLACE_STATE, &kind));
  if (c->chart->root != c->chart) { /* its owner could not tell which chart an element's number belongs to */
    return compile_fault(c, node->line, "<k:%.*s> cannot stand in a chart inside another", SPAN_ARG(node->name));
  }
  struct invoke invoke = invoke_of(state, node);
  struct element element = {.kind = kind, .invoke = c->invokes.count};
  element.attributes.first = c->element_attributes.count;
  TRY(compile_element_payload(c, node, kind, &invoke.payload));
  element.attributes.end = c->element_attributes.count;
  invoke.type = element_type(c, node);
  invoke.id = (struct text_or_expr){node_get(node, "id"), NONE};
  invoke.element = c->elements.count;
  *VECTOR_ADD(c, elements, struct element) = element;
  *VECTOR_ADD(c, invokes, struct invoke) = invoke;
  return ERR_OK;
}

enum err compile_element_send(struct compiler *c, const struct node *node, struct send *send) {
  const struct chart_element *kind;
  TRY(kind_of(c, node, CHART_PLACE_CONTENT, &kind));
  send->element = (uint32_t)(kind - c->chart->source.vocabulary->elements);
  send->type = element_type(c, node);
  send->id = (struct text_or_expr){node_get(node, "id"), NONE};
  return compile_element_payload(c, node, kind, &send->payload);
}

/* --- charts inside --- */

bool chart_type_is_scxml(struct span type) {
  static const char *const names[] = {"", "scxml", "http://www.w3.org/TR/scxml/", "http://www.w3.org/TR/scxml", NULL};
  for (size_t i = 0; names[i]; i++) {
    if (span_is(type, names[i])) {
      return true;
    }
  }
  return false;
}

enum err chart_load(const struct chart *chart, struct span uri, struct arena *arena, struct span *ret_bytes) {
  const struct chart_source *source = &chart->root->source;
  if (!source->loader) {
    return ERR_NOT_FOUND;
  }
  return source->loader(source->loader_arg, uri, arena, ret_bytes);
}

static struct chart *nested_add(struct compiler *c, struct node *document) {
  struct chart *nested = chart_create(c->worker, c->chart->root, &c->chart->source);
  nested->document = document;
  return nested;
}

static struct chart *nested_find(struct chart *root, struct span uri) {
  struct chart *at = root;
  while (at && !(at->uri.size > 0 && span_equal(at->uri, uri))) {
    at = at->next;
  }
  return at;
}

/* A file that cannot be read or is no chart is found out when the invocation starts (section 6.4.1). */
static void compile_src(struct compiler *c, struct invoke *invoke) {
  struct span uri = invoke->src.text;
  invoke->nested = nested_find(c->chart->root, uri);
  if (invoke->nested) {
    return;
  }
  struct span bytes;
  if (chart_load(c->chart, uri, c->arena, &bytes) != ERR_OK) {
    invoke->nested_problem = arena_printf(c->arena, "\"%.*s\" cannot be read", SPAN_ARG(uri));
    invoke->nested_unreachable = true;
    return;
  }
  struct document_options options = {c->chart->source.vocabulary, c->worker->limits.document_size_max};
  struct node *root;
  struct fault fault = {0};
  if (document_read(&options, bytes, c->arena, &root, &fault) != ERR_OK) {
    invoke->nested_problem = arena_printf(c->arena, "%.*s:%u: %s", SPAN_ARG(uri), fault.line, fault.text);
    return;
  }
  struct chart *nested = nested_add(c, root);
  nested->uri = uri;
  invoke->nested = nested;
}

static enum err compile_invoke_source(struct compiler *c, const struct node *node, struct invoke *invoke) {
  const struct node *content = node_child(node, TAG_CONTENT);
  bool src = node_has(node, "src") || node_has(node, "srcexpr");
  if (src && content) {
    return compile_fault(c, node->line, "<invoke> has either a src or <content>");
  }
  if (content && content->first) {
    if (node_has(content, "expr") || content->first->next) {
      return compile_fault(c, content->line, "<content> holds one chart or has \"expr\"");
    }
    invoke->nested = nested_add(c, content->first);
  } else if (node_has(node, "src") && invoke->type.expr == NONE && chart_type_is_scxml(invoke->type.text)) {
    compile_src(c, invoke);
  }
  return ERR_OK;
}

static enum err compile_finalize(struct compiler *c, const struct node *node, struct invoke *invoke) {
  const struct node *finalize = node_child(node, TAG_FINALIZE);
  invoke->has_finalize = finalize != NULL;
  return finalize ? compile_block(c, finalize, &invoke->finalize) : ERR_OK;
}

/* Unlike a send, an invocation may have parameters and <content> (section 6.4.2). */
static enum err compile_invoke_payload(struct compiler *c, const struct node *node, struct invoke *invoke) {
  TRY(compile_params(c, node, &invoke->payload));
  const struct node *content = node_child(node, TAG_CONTENT);
  if (!content || content->first) {
    return ERR_OK;
  }
  return compile_content_value(c, content, &invoke->payload.content);
}

enum err compile_invoke(struct compiler *c, uint32_t state, const struct node *node) {
  struct invoke invoke = invoke_of(state, node);
  if (node_has(node, "id") && node_has(node, "idlocation")) {
    return compile_fault(c, node->line, "\"id\" and \"idlocation\" exclude each other");
  }
  TRY(compile_text_or_expr(c, node, "type", "typeexpr", &invoke.type));
  TRY(compile_text_or_expr(c, node, "src", "srcexpr", &invoke.src));
  invoke.id = (struct text_or_expr){node_get(node, "id"), NONE};
  if (node_has(node, "idlocation")) {
    invoke.id_location = compile_location(c, node_get(node, "idlocation"), node->line);
  }
  struct span autoforward = node_get(node, "autoforward");
  invoke.autoforward = span_is(autoforward, "true") || span_is(autoforward, "1");
  TRY(compile_invoke_payload(c, node, &invoke));
  TRY(compile_invoke_source(c, node, &invoke));
  TRY(compile_finalize(c, node, &invoke));
  *VECTOR_ADD(c, invokes, struct invoke) = invoke;
  return ERR_OK;
}
