/*
 * Reading the plain form of the vocabulary's elements (desugar.h): after this there is only one.
 */
#include "chart/document.h"

const struct chart_element *vocabulary_element(const struct chart_vocabulary *vocabulary, struct span name,
                                               enum chart_element_place place) {
  for (const struct chart_element *kind = vocabulary->elements; kind && kind->name; kind++) {
    if (kind->place == place && span_is(name, kind->name)) {
      return kind;
    }
  }
  return NULL;
}

const struct chart_attribute *vocabulary_attribute(const struct chart_element *element, struct span name) {
  static const struct chart_attribute id = {"id", CHART_ATTRIBUTE_TEXT, false};
  for (const struct chart_attribute *at = element->attributes; at && at->name; at++) {
    if (span_is(name, at->name)) {
      return at;
    }
  }
  return span_is(name, "id") ? &id : NULL;
}

/* ---- literals ---- */

/* '…' and "…" with the escapes that desugaring writes, [[…]] without any. False for everything else. */
static bool unescape(struct span inside, uint8_t quote, struct arena *arena, struct span *ret_text) {
  uint8_t *out = arena_alloc(arena, inside.size);
  size_t size = 0;
  for (size_t i = 0; i < inside.size; i++) {
    uint8_t byte = inside.data[i];
    if (byte == quote || byte == '\n') {
      return false;
    }
    if (byte == '\\') {
      if (++i == inside.size) {
        return false;
      }
      byte = inside.data[i] == 'n' ? '\n' : inside.data[i] == 'r' ? '\r' : inside.data[i];
      if (byte == inside.data[i] && byte != '\\' && byte != '\'' && byte != '"') {
        return false;
      }
    }
    out[size++] = byte;
  }
  *ret_text = span_of(out, size);
  return true;
}

static bool literal(struct span text, struct arena *arena, struct span *ret_text) {
  text = span_trim(text);
  if (text.size >= 4 && text.data[0] == '[' && text.data[1] == '[') {
    const uint8_t *close = memmem(text.data, text.size, "]]", 2);
    *ret_text = span_of(text.data + 2, text.size - 4);
    return close == text.data + text.size - 2;
  }
  if (text.size < 2 || (text.data[0] != '\'' && text.data[0] != '"') || text.data[text.size - 1] != text.data[0]) {
    return false;
  }
  return unescape(span_of(text.data + 1, text.size - 2), text.data[0], arena, ret_text);
}

/* ---- one element ---- */

struct plain {
  const struct chart_element *kind;
  struct node *node;
  struct arena *arena;
  struct fault *fault;
};

static enum err refuse(const struct plain *p, const struct node *node, const char *why, struct span name) {
  return fault_set_at(p->fault, ERR_INVALID, node->line, 0, "<%.*s type=\"…:%s\">: %s \"%.*s\"",
                      SPAN_ARG(p->node->name), p->kind->name, why, SPAN_ARG(name));
}

static enum err check_attributes(const struct plain *p) {
  for (size_t i = 0; i < p->node->attributes_count; i++) {
    struct span name = p->node->attributes[i].name;
    bool event = p->node->tag == TAG_SEND && span_is(name, "event");
    if (!event && !span_is(name, "type") && !span_is(name, "id")) {
      return refuse(p, p->node, "takes no attribute", name);
    }
  }
  return ERR_OK;
}

static enum err attribute_of_param(const struct plain *p, const struct node *param, const struct chart_attribute *known,
                                   struct node_attribute *ret_attribute) {
  struct span expr = node_get(param, "expr");
  ret_attribute->name = span_of_cstr(known->name);
  ret_attribute->value = expr;
  if (known->kind != CHART_ATTRIBUTE_EXPR && !literal(expr, p->arena, &ret_attribute->value)) {
    return refuse(p, param, "wants a text in quotes as the param", ret_attribute->name);
  }
  return ERR_OK;
}

/* The params that are attributes move to `attributes`; the others stay, as elements of the vocabulary. */
static enum err take_params(const struct plain *p, struct node_attribute *attributes, size_t *count) {
  struct node *node = p->node;
  struct node *child = node->first;
  node->first = node->last = NULL;
  while (child) {
    struct node *next = child->next;
    struct span name = node_get(child, "name");
    if (child->tag != TAG_PARAM || !node_has(child, "expr") || child->attributes_count != 2) {
      return refuse(p, child, "holds nothing but <param name= expr=/>, not", child->name);
    }
    const struct chart_attribute *known = vocabulary_attribute(p->kind, name);
    if (known) {
      TRY(attribute_of_param(p, child, known, &attributes[(*count)++]));
    } else {
      child->tag = TAG_EXTENSION;
      child->next = NULL;
      *(node->last ? &node->last->next : &node->first) = child;
      node->last = child;
    }
    child = next;
  }
  return ERR_OK;
}

static enum err check_twice(const struct plain *p, const struct node_attribute *attributes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < i; k++) {
      if (span_equal(attributes[i].name, attributes[k].name)) {
        return refuse(p, p->node, "has twice", attributes[i].name);
      }
    }
  }
  return ERR_OK;
}

static enum err convert(const struct plain *p) {
  struct node *node = p->node;
  size_t room = 1;
  for (const struct node *child = node->first; child; child = child->next) {
    room++;
  }
  struct node_attribute *attributes = ARENA_ARRAY(p->arena, struct node_attribute, room);
  size_t count = 0;
  TRY(check_attributes(p));
  if (node_has(node, "id")) {
    attributes[count++] = (struct node_attribute){SPAN_LITERAL("id"), node_get(node, "id")};
  }
  TRY(take_params(p, attributes, &count));
  TRY(check_twice(p, attributes, count));
  node->tag = TAG_EXTENSION;
  node->name = span_of_cstr(p->kind->name);
  node->attributes = attributes;
  node->attributes_count = count;
  return ERR_OK;
}

/* NULL: an ordinary <invoke> or <send>. */
static const struct chart_element *kind_of(const struct chart_vocabulary *vocabulary, const struct node *node) {
  struct span prefix = span_of_cstr(vocabulary->type_prefix);
  struct span type = node_get(node, "type");
  if ((node->tag != TAG_INVOKE && node->tag != TAG_SEND) || !span_starts_with(type, prefix)) {
    return NULL;
  }
  struct span name = span_of(type.data + prefix.size, type.size - prefix.size);
  return vocabulary_element(vocabulary, name, node->tag == TAG_INVOKE ? CHART_PLACE_STATE : CHART_PLACE_CONTENT);
}

enum err plain_read(const struct chart_vocabulary *vocabulary, struct node *root, struct arena *arena,
                    struct fault *fault) {
  for (struct node *node = root; node; node = node_walk(root, node)) {
    const struct chart_element *kind = kind_of(vocabulary, node);
    if (kind) {
      const struct plain p = {kind, node, arena, fault};
      TRY(convert(&p));
    }
  }
  return ERR_OK;
}
