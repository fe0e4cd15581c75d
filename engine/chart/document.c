/*
 * From bytes to a checked tree.
 *
 * libxml2 parses (xml.c). Its tree is then copied, without recursion, into nodes of our own under the table of elements
 * below. Whatever has a value in it (data, assign, content, script) is kept as text or as markup and not descended
 * into, except for the chart inside an invoke's <content>, which becomes part of the tree.
 */
#include "chart/document.h"

#include "chart/xml.h"

#define BIT(tag) (UINT64_C(1) << (tag))
#define EXECUTABLE                                                                                                     \
  (BIT(TAG_RAISE) | BIT(TAG_IF) | BIT(TAG_FOREACH) | BIT(TAG_LOG) | BIT(TAG_ASSIGN) | BIT(TAG_SCRIPT) |                \
   BIT(TAG_SEND) | BIT(TAG_CANCEL) | BIT(TAG_EXTENSION))
#define SUBSTATES (BIT(TAG_STATE) | BIT(TAG_PARALLEL) | BIT(TAG_HISTORY))
#define IN_A_STATE                                                                                                     \
  (BIT(TAG_TRANSITION) | BIT(TAG_ONENTRY) | BIT(TAG_ONEXIT) | BIT(TAG_DATAMODEL) | BIT(TAG_INVOKE) |                   \
   BIT(TAG_EXTENSION) | SUBSTATES)

enum inside { INSIDE_ELEMENTS, INSIDE_VALUE };

/* Section 3 to 6 of the recommendation: what each element may and must carry. */
static const struct element_rule {
  const char *name;
  const char *attributes; /* separated by spaces */
  const char *required;
  uint64_t children;
  enum inside inside;
} rules[TAGS_COUNT] = {
    [TAG_SCXML] = {"scxml", "initial name version datamodel binding", "",
                   BIT(TAG_STATE) | BIT(TAG_PARALLEL) | BIT(TAG_FINAL) | BIT(TAG_DATAMODEL) | BIT(TAG_SCRIPT),
                   INSIDE_ELEMENTS},
    [TAG_STATE] = {"state", "id initial", "", IN_A_STATE | BIT(TAG_FINAL) | BIT(TAG_INITIAL), INSIDE_ELEMENTS},
    [TAG_PARALLEL] = {"parallel", "id", "", IN_A_STATE, INSIDE_ELEMENTS},
    [TAG_FINAL] = {"final", "id", "", BIT(TAG_ONENTRY) | BIT(TAG_ONEXIT) | BIT(TAG_DONEDATA), INSIDE_ELEMENTS},
    [TAG_HISTORY] = {"history", "id type", "", BIT(TAG_TRANSITION), INSIDE_ELEMENTS},
    [TAG_INITIAL] = {"initial", "", "", BIT(TAG_TRANSITION), INSIDE_ELEMENTS},
    [TAG_TRANSITION] = {"transition", "event cond target type", "", EXECUTABLE, INSIDE_ELEMENTS},
    [TAG_ONENTRY] = {"onentry", "", "", EXECUTABLE, INSIDE_ELEMENTS},
    [TAG_ONEXIT] = {"onexit", "", "", EXECUTABLE, INSIDE_ELEMENTS},
    [TAG_DATAMODEL] = {"datamodel", "", "", BIT(TAG_DATA), INSIDE_ELEMENTS},
    [TAG_DATA] = {"data", "id src expr", "id", 0, INSIDE_VALUE},
    [TAG_DONEDATA] = {"donedata", "", "", BIT(TAG_CONTENT) | BIT(TAG_PARAM), INSIDE_ELEMENTS},
    [TAG_CONTENT] = {"content", "expr", "", 0, INSIDE_VALUE},
    [TAG_PARAM] = {"param", "name expr location", "name", 0, INSIDE_ELEMENTS},
    [TAG_INVOKE] = {"invoke", "type typeexpr src srcexpr id idlocation namelist autoforward", "",
                    BIT(TAG_CONTENT) | BIT(TAG_PARAM) | BIT(TAG_FINALIZE), INSIDE_ELEMENTS},
    [TAG_FINALIZE] = {"finalize", "", "", EXECUTABLE, INSIDE_ELEMENTS},
    [TAG_SCRIPT] = {"script", "src", "", 0, INSIDE_VALUE},
    [TAG_RAISE] = {"raise", "event", "event", 0, INSIDE_ELEMENTS},
    [TAG_IF] = {"if", "cond", "cond", EXECUTABLE | BIT(TAG_ELSEIF) | BIT(TAG_ELSE), INSIDE_ELEMENTS},
    [TAG_ELSEIF] = {"elseif", "cond", "cond", 0, INSIDE_ELEMENTS},
    [TAG_ELSE] = {"else", "", "", 0, INSIDE_ELEMENTS},
    [TAG_FOREACH] = {"foreach", "array item index", "array item", EXECUTABLE, INSIDE_ELEMENTS},
    [TAG_LOG] = {"log", "label expr", "", 0, INSIDE_ELEMENTS},
    [TAG_ASSIGN] = {"assign", "location expr attr type", "location", 0, INSIDE_VALUE},
    [TAG_SEND] = {"send", "event eventexpr target targetexpr type typeexpr id idlocation delay delayexpr namelist", "",
                  BIT(TAG_CONTENT) | BIT(TAG_PARAM), INSIDE_ELEMENTS},
    [TAG_CANCEL] = {"cancel", "sendid sendidexpr", "", 0, INSIDE_ELEMENTS},
    [TAG_EXTENSION] = {NULL, "", "", BIT(TAG_EXTENSION), INSIDE_ELEMENTS},
};

struct reading {
  const struct document_options *options;
  struct arena *arena;
  struct fault *fault;
};

/* --- small questions to the tree --- */

static const struct node_attribute *attribute_find(const struct node *node, const char *name) {
  for (size_t i = 0; i < node->attributes_count; i++) {
    if (span_is(node->attributes[i].name, name)) {
      return &node->attributes[i];
    }
  }
  return NULL;
}

struct span node_get(const struct node *node, const char *name) {
  const struct node_attribute *found = attribute_find(node, name);
  return found ? found->value : span_of(NULL, 0);
}

bool node_has(const struct node *node, const char *name) {
  return attribute_find(node, name) != NULL;
}

struct node *node_child(const struct node *node, enum tag tag) {
  struct node *child = node->first;
  while (child && child->tag != tag) {
    child = child->next;
  }
  return child;
}

struct span word_next(struct span *rest) {
  struct span text = span_trim(*rest);
  size_t size = 0;
  while (size < text.size && text.data[size] > ' ') {
    size++;
  }
  *rest = text.data ? span_of(text.data + size, text.size - size) : text;
  return span_of(text.data, size);
}

struct span descriptor_bare(struct span word) {
  while (word.size > 0 && (word.data[word.size - 1] == '*' || word.data[word.size - 1] == '.')) {
    word.size--;
  }
  return word;
}

bool descriptor_takes(struct span bare, struct span event) {
  return bare.size == 0 || (span_starts_with(event, bare) && (event.size == bare.size || event.data[bare.size] == '.'));
}

struct node *node_walk(const struct node *root, const struct node *node) {
  if (node->first) {
    return node->first;
  }
  while (node != root && !node->next) {
    node = node->parent;
  }
  return node == root ? NULL : node->next;
}

/* --- XML --- */

static struct span text_of(const xmlChar *text) {
  return span_of_cstr((const char *)text);
}

static uint32_t line_of(const xmlNode *xml) {
  long line = xmlGetLineNo(xml);
  return line > 0 ? (uint32_t)line : 0;
}

static bool namespace_is(const xmlNs *ns, const char *uri) {
  return ns && ns->href && strcmp((const char *)ns->href, uri) == 0;
}

static bool namespace_is_vocabulary(const struct reading *r, const xmlNs *ns) {
  return r->options->vocabulary && namespace_is(ns, r->options->vocabulary->namespace_uri);
}

static bool is_element(const xmlNode *xml) {
  return xml->type == XML_ELEMENT_NODE;
}

static bool is_text(const xmlNode *xml) {
  return xml->type == XML_TEXT_NODE || xml->type == XML_CDATA_SECTION_NODE;
}

/* --- one element --- */

static bool word_listed(const char *list, struct span word) {
  struct span rest = span_of_cstr(list);
  while (rest.data) {
    if (span_equal(span_cut(rest, ' ', &rest), word)) {
      return true;
    }
  }
  return false;
}

/* The tag of an element; TAGS_COUNT for one of a foreign namespace. */
static enum err tag_of(const struct reading *r, const xmlNode *xml, enum tag *ret_tag) {
  *ret_tag = TAGS_COUNT;
  if (namespace_is_vocabulary(r, xml->ns)) {
    *ret_tag = TAG_EXTENSION;
    return ERR_OK;
  }
  if (!namespace_is(xml->ns, SCXML_URI)) {
    return ERR_OK;
  }
  for (int tag = 0; tag < TAG_EXTENSION; tag++) {
    if (strcmp((const char *)xml->name, rules[tag].name) == 0) {
      *ret_tag = (enum tag)tag;
      return ERR_OK;
    }
  }
  return fault_set_at(r->fault, ERR_INVALID, line_of(xml), 0, "SCXML has no element <%s>", (const char *)xml->name);
}

static struct span attribute_value(const struct reading *r, const xmlAttr *attribute) {
  xmlChar *value = xmlNodeListGetString(attribute->doc, attribute->children, 1);
  struct span copy = arena_copy(r->arena, text_of(value));
  xmlFree(value);
  return copy;
}

static enum err read_attributes(const struct reading *r, const xmlNode *xml, struct node *node) {
  size_t count = 0;
  for (const xmlAttr *at = xml->properties; at; at = at->next) {
    count++;
  }
  node->attributes = ARENA_ARRAY(r->arena, struct node_attribute, count);
  node->labels = ARENA_ARRAY(r->arena, struct node_attribute, count);
  for (const xmlAttr *at = xml->properties; at; at = at->next) {
    struct node_attribute read = {arena_copy(r->arena, text_of(at->name)), attribute_value(r, at)};
    if (namespace_is_vocabulary(r, at->ns)) {
      node->labels[node->labels_count++] = read;
    } else if (!at->ns) {
      node->attributes[node->attributes_count++] = read;
    }
  }
  return ERR_OK;
}

static enum err check_attributes(const struct reading *r, const struct node *node) {
  if (node->tag == TAG_EXTENSION) {
    return ERR_OK; /* the compiler knows the vocabulary */
  }
  const struct element_rule *rule = &rules[node->tag];
  for (size_t i = 0; i < node->attributes_count; i++) {
    if (!word_listed(rule->attributes, node->attributes[i].name)) {
      return fault_set_at(r->fault, ERR_INVALID, node->line, 0, "<%s> has no attribute \"%.*s\"", rule->name,
                          SPAN_ARG(node->attributes[i].name));
    }
  }
  struct span rest = span_of_cstr(rule->required);
  while (!span_empty(rest)) {
    struct span name = span_cut(rest, ' ', &rest);
    const char *text = arena_cstr(r->arena, name);
    if (span_empty(span_trim(node_get(node, text)))) {
      return fault_set_at(r->fault, ERR_INVALID, node->line, 0, "<%s> needs the attribute \"%s\"", rule->name, text);
    }
  }
  return ERR_OK;
}

/* The inside of an element as text, its elements serialised with the namespaces that they need. */
static struct span markup_of(const struct reading *r, const xmlNode *xml) {
  xmlBufferPtr buffer = xmlBufferCreate();
  for (xmlNode *child = xml->children; child; child = child->next) {
    xmlNodePtr copy = is_element(child) || is_text(child) ? xmlDocCopyNode(child, xml->doc, 1) : NULL;
    if (copy) {
      (void)xmlNodeDump(buffer, xml->doc, copy, 0, 0);
      xmlFreeNode(copy);
    }
  }
  struct span copy = arena_copy(r->arena, text_of(xmlBufferContent(buffer)));
  xmlBufferFree(buffer);
  return copy;
}

static struct span character_data(const struct reading *r, const xmlNode *xml) {
  size_t size = 0;
  for (const xmlNode *child = xml->children; child; child = child->next) {
    size += is_text(child) ? strlen((const char *)child->content) : 0;
  }
  uint8_t *text = arena_alloc(r->arena, size);
  size_t at = 0;
  for (const xmlNode *child = xml->children; child; child = child->next) {
    if (is_text(child)) {
      struct span part = text_of(child->content);
      memcpy(text + at, part.data, part.size);
      at += part.size;
    }
  }
  return span_of(text, size);
}

static const xmlNode *element_child(const xmlNode *xml) {
  const xmlNode *child = xml->children;
  while (child && !is_element(child)) {
    child = child->next;
  }
  return child;
}

/* A chart inside an invoke's <content> is read as a chart; everything else there is a value. */
static bool holds_chart(const struct node *node, const xmlNode *xml) {
  const xmlNode *child = element_child(xml);
  return node->tag == TAG_CONTENT && node->parent && node->parent->tag == TAG_INVOKE && child &&
         namespace_is(child->ns, SCXML_URI) && strcmp((const char *)child->name, "scxml") == 0;
}

static enum err read_value(const struct reading *r, const xmlNode *xml, struct node *node) {
  node->text = character_data(r, xml);
  if (!element_child(xml)) {
    return ERR_OK;
  }
  if (node->tag == TAG_SCRIPT) {
    return fault_set_at(r->fault, ERR_INVALID, node->line, 0, "<script> cannot hold elements");
  }
  node->markup = span_trim(markup_of(r, xml));
  return ERR_OK;
}

static enum err check_place(const struct reading *r, const struct node *node) {
  const struct node *parent = node->parent;
  if (!parent) {
    return node->tag == TAG_SCXML ? ERR_OK
                                  : fault_set_at(r->fault, ERR_INVALID, node->line, 0, "the root must be <scxml>");
  }
  bool chart_inside = node->tag == TAG_SCXML && parent->tag == TAG_CONTENT;
  if (!chart_inside && (rules[parent->tag].children & BIT(node->tag)) == 0) {
    return fault_set_at(r->fault, ERR_INVALID, node->line, 0, "<%.*s> cannot stand in <%.*s>", SPAN_ARG(node->name),
                        SPAN_ARG(parent->name));
  }
  return ERR_OK;
}

/* Text between elements that is more than white space is a mistake that would otherwise be lost without a word. */
static enum err check_no_text(const struct reading *r, const xmlNode *xml, const struct node *node) {
  if (!span_empty(span_trim(character_data(r, xml)))) {
    return fault_set_at(r->fault, ERR_INVALID, node->line, 0, "<%.*s> cannot hold text", SPAN_ARG(node->name));
  }
  return ERR_OK;
}

static void node_append(struct node *parent, struct node *node) {
  node->parent = parent;
  if (!parent) {
    return;
  }
  if (parent->last) {
    parent->last->next = node;
  } else {
    parent->first = node;
  }
  parent->last = node;
}

/* `*ret_node` is NULL for a foreign element. */
static enum err read_element(const struct reading *r, const xmlNode *xml, struct node *parent, struct node **ret_node) {
  enum tag tag;
  *ret_node = NULL;
  TRY(tag_of(r, xml, &tag));
  if (tag == TAGS_COUNT) {
    return ERR_OK;
  }
  struct node *node = ARENA_NEW(r->arena, struct node);
  node->tag = tag;
  node->line = line_of(xml);
  node->name = arena_copy(r->arena, text_of(xml->name));
  node_append(parent, node);
  TRY(check_place(r, node));
  TRY(read_attributes(r, xml, node));
  TRY(check_attributes(r, node));
  bool value = rules[tag].inside == INSIDE_VALUE && !holds_chart(node, xml);
  TRY(value ? read_value(r, xml, node) : check_no_text(r, xml, node));
  *ret_node = node;
  return ERR_OK;
}

/* --- the walk --- */

static bool descends(const struct node *node) {
  bool value = rules[node->tag].inside == INSIDE_VALUE;
  return !value || (node->tag == TAG_CONTENT && span_empty(node->markup) && node->parent->tag == TAG_INVOKE);
}

static enum err read_tree(const struct reading *r, const xmlNode *root, struct node **ret_root) {
  struct node *parent = NULL;
  const xmlNode *xml = root;
  unsigned depth = 0;
  for (;;) {
    struct node *node = NULL;
    if (is_element(xml)) {
      TRY(read_element(r, xml, parent, &node));
      *ret_root = parent ? *ret_root : node;
    }
    if (node && descends(node) && xml->children) {
      if (++depth > DOCUMENT_DEPTH_MAX) {
        return fault_set_at(r->fault, ERR_LIMIT, node->line, 0, "nested deeper than %d levels", DOCUMENT_DEPTH_MAX);
      }
      parent = node;
      xml = xml->children;
      continue;
    }
    while (xml != root && !xml->next) {
      ASSERT(parent);
      xml = xml->parent;
      parent = parent->parent;
      depth--;
    }
    if (xml == root) {
      return ERR_OK;
    }
    xml = xml->next;
  }
}

static enum err read_document(const struct reading *r, xmlDocPtr doc, struct node **ret_root) {
  const xmlNode *root = xmlDocGetRootElement(doc);
  if (!root || !namespace_is(root->ns, SCXML_URI)) {
    return fault_set_at(r->fault, ERR_INVALID, root ? line_of(root) : 1, 0,
                        "the root must be <scxml xmlns=\"" SCXML_URI "\">");
  }
  return read_tree(r, root, ret_root);
}

enum err document_read(const struct document_options *options, struct span bytes, struct arena *arena,
                       struct node **ret_root, struct fault *fault) {
  if (bytes.size == 0) {
    return fault_set_at(fault, ERR_FORMAT, 1, 0, "the document is empty");
  }
  if (bytes.size > options->size_max) {
    return fault_set_at(fault, ERR_LIMIT, 0, 0, "the document is larger than %u bytes", options->size_max);
  }
  xmlDocPtr doc = NULL;
  TRY(xml_parse(bytes, &doc, fault));
  struct reading r = {options, arena, fault};
  struct node *root = NULL;
  enum err err = read_document(&r, doc, &root);
  xmlFreeDoc(doc);
  if (err == ERR_OK && options->vocabulary) {
    err = plain_read(options->vocabulary, root, arena, fault);
  }
  if (err == ERR_OK) {
    *ret_root = root;
  }
  return err;
}
