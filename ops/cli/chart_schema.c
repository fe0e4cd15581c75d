/*
 * The W3C's schema of SCXML and the project's own beside it, through libxml2.
 *
 * The files lie in config/; what they name by a web address is found through config/schema/catalog.xml, and the network
 * is never asked. libxml2 keeps its catalogue per process, which a command that runs once may do.
 */
#include <libxml/catalog.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "casework/definition.h"
#include "chart.h"

struct chart_schema {
  xmlSchemaPtr schema;
};

static const struct lint_rule against_schema = {
    "schema",
    LINT_ERROR,
    {"%1", "%1"},
    {"correct it: config/schema/w3c and config/processes/kurator-case.xsd say what may stand where",
     "исправьте запись; что где может стоять: engine/casework/VOCABULARY.md и схема config/processes/kurator-case.xsd"},
};

static const struct lint_rule id_twice = {
    "id-twice",
    LINT_ERROR,
    {"the id \"%1\" of <%2> stands in line %3 already", "имя «%1» у <%2> уже стоит в строке %3"},
    {"give it another name: by its id a state is found, a send is cancelled and an error of it told apart",
     "назовите иначе: по имени находят состояние, отменяют отправку и узнают, чья ошибка"},
};

static const struct lint_rule foreign_element = {
    "foreign-element",
    LINT_WARNING,
    {"nobody reads the element <%1>: it is of the namespace \"%2\"",
     "элемент <%1> никто не прочтёт: он из пространства имён «%2»"},
    {"correct the xmlns of its prefix: the elements of cases are of \"%3\"",
     "исправьте xmlns у его приставки: элементы дела — из «%3»"},
};

/* ---- messages ---- */

static struct span replaced(struct span text, const char *from, const char *to, struct arena *arena) {
  struct span out = {NULL, 0};
  for (;;) {
    const uint8_t *at = text.size > 0 ? memmem(text.data, text.size, from, strlen(from)) : NULL;
    size_t size = at ? (size_t)(at - text.data) : text.size;
    out = arena_printf(arena, "%.*s%.*s%s", SPAN_ARG(out), (int)size, (const char *)text.data, at ? to : "");
    if (!at) {
      return out;
    }
    size += strlen(from);
    text = span_of(text.data + size, text.size - size);
  }
}

/* Names as an author writes them, without the addresses of their namespaces. */
static struct span readable(const char *message, struct arena *arena) {
  struct span text = span_trim(span_of_cstr(message));
  text = replaced(text, "{http://www.w3.org/2005/07/scxml}", "", arena);
  text = replaced(text, "{urn:kurator:case}", "k:", arena);
  return replaced(text, "##other*, ", "", arena);
}

/* ---- where the W3C's schema is narrower than its recommendation ---- */

static bool is_named(const xmlNode *node, const char *name) {
  return node && node->name && strcmp((const char *)node->name, name) == 0;
}

/* The chart that a node stands in, or NULL. */
static const xmlNode *chart_around(const xmlNode *node) {
  while (node && !is_named(node, "scxml")) {
    node = node->parent;
  }
  return node;
}

/* Section 3.14: ids are unique in their session; a chart inside an <invoke> is another one. */
static bool is_id_of_another_chart(const xmlNode *node) {
  xmlChar *id = xmlGetNoNsProp(node, (const xmlChar *)"id");
  const xmlAttr *first = id ? xmlGetID(node->doc, id) : NULL;
  xmlFree(id);
  return first && chart_around(first->parent) != chart_around(node);
}

static bool is_descriptor_byte(char c) {
  return c != '\0' && !strchr(" \t\r\n,;*", c);
}

/* Section 3.12.1: words of tokens with dots between them, each as it is or with ".", ".*" behind it, or "*" alone. */
static bool are_descriptors(const char *text) {
  while (*text) {
    text += strspn(text, " \t\r\n");
    bool token = false;
    while (is_descriptor_byte(*text) && (*text != '.' || token)) {
      token = *text++ != '.';
    }
    text += *text == '*';
    if (*text && !strchr(" \t\r\n", *text)) {
      return false;
    }
  }
  return true;
}

static bool is_fine_event(const xmlNode *node) {
  xmlChar *event = xmlGetNoNsProp(node, (const xmlChar *)"event");
  bool fine = event && are_descriptors((const char *)event);
  xmlFree(event);
  return fine;
}

/* The schema takes ids for those of the whole document, knows but one <elseif> and no "*" among other words. What is
 * really wrong there, the compiler of charts says. */
static bool is_mistaken(const xmlError *error) {
  const xmlNode *node = error->node;
  if (!node || node->type != XML_ELEMENT_NODE) {
    return false;
  }
  if (strstr(error->message, "'xs:ID'")) {
    return is_id_of_another_chart(node);
  }
  if (is_named(node, "elseif") && is_named(node->parent, "if")) {
    return error->code == XML_SCHEMAV_ELEMENT_CONTENT;
  }
  return is_named(node, "transition") && strstr(error->message, "attribute 'event'") && is_fine_event(node);
}

/* Of a value against a list or a union of types the last finding has already said what is wrong with it. */
static bool is_repeated(const struct lint *lint, struct span text) {
  static const char general[] = "is not a valid value of the";
  const uint8_t *end = text.size > 0 ? memmem(text.data, text.size, "': ", 3) : NULL;
  if (!end || lint->count == 0 || !memmem(text.data, text.size, general, sizeof general - 1)) {
    return false;
  }
  const struct lint_finding *last = &lint->items[lint->count - 1];
  return last->rule == &against_schema &&
         span_starts_with(last->words[0], span_of(text.data, (size_t)(end - text.data) + 3));
}

/* What the schema calls a bad value of the type ID is mostly an id that somebody else has. */
static bool add_id_twice(struct lint *lint, const xmlError *error, uint32_t line) {
  const xmlNode *node = error->node;
  if (!node || node->type != XML_ELEMENT_NODE || !strstr(error->message, "'xs:ID'")) {
    return false;
  }
  xmlChar *id = xmlGetNoNsProp(node, (const xmlChar *)"id");
  const xmlAttr *first = id ? xmlGetID(node->doc, id) : NULL;
  bool twice = first && first->parent != node;
  if (twice) {
    struct span where = arena_printf(lint->arena, "%ld", xmlGetLineNo(first->parent));
    lint_add(lint, &id_twice, line, span_of_cstr((const char *)id), span_of_cstr((const char *)node->name), where);
  }
  xmlFree(id);
  return twice;
}

static void take_violation(void *arg, xmlErrorPtr error) {
  struct lint *lint = arg;
  struct span none = {NULL, 0};
  const xmlNode *node = error->node;
  long line = node ? xmlGetLineNo(node) : error->line;
  if (error->level < XML_ERR_ERROR || !error->message || is_mistaken(error)) {
    return;
  }
  if (add_id_twice(lint, error, line > 0 ? (uint32_t)line : 1)) {
    return;
  }
  struct span text = readable(error->message, lint->arena);
  if (!is_repeated(lint, text)) {
    lint_add(lint, &against_schema, line > 0 ? (uint32_t)line : 1, text, none, none);
  }
}

static void take_first(void *arg, xmlErrorPtr error) {
  struct fault *fault = arg;
  if (fault->err == ERR_OK && error->message) {
    struct span text = span_trim(span_of_cstr(error->message));
    (void)fault_set(fault, ERR_CONFIG, "схема не читается: %s:%d: %.*s", error->file ? error->file : "?", error->line,
                    SPAN_ARG(text));
  }
}

/* ---- reading ---- */

static enum err parse(const char *path, xmlSchemaPtr *ret_schema, struct fault *fault) {
  xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(path);
  struct fault found = {.err = ERR_OK};
  if (!parser) {
    return fault_set(fault, ERR_NO_MEMORY, "%s", words_of_err(ERR_NO_MEMORY));
  }
  xmlSchemaSetParserStructuredErrors(parser, take_first, &found);
  *ret_schema = xmlSchemaParse(parser);
  xmlSchemaFreeParserCtxt(parser);
  if (*ret_schema && found.err == ERR_OK) {
    return ERR_OK;
  }
  xmlSchemaFree(*ret_schema);
  return fault_set(fault, ERR_CONFIG, "%s", found.text[0] ? found.text : "схема не читается");
}

enum err chart_schema_load(const char *config_dir, struct chart_schema **ret_schema, struct fault *fault) {
  char path[CONFIG_PATH_MAX];
  int length = snprintf(path, sizeof path, "%s/schema/catalog.xml", config_dir);
  if (length < 0 || (size_t)length >= sizeof path || xmlLoadCatalog(path) != 0) {
    return fault_set(fault, ERR_CONFIG, "%s/schema/catalog.xml: каталог схем не читается", config_dir);
  }
  xmlSetExternalEntityLoader(xmlNoNetExternalEntityLoader);
  (void)snprintf(path, sizeof path, "%s/processes/kurator-case.xsd", config_dir);
  xmlSchemaPtr schema = NULL;
  TRY(parse(path, &schema, fault));
  struct chart_schema *loaded = calloc(1, sizeof *loaded);
  if (!loaded) {
    xmlSchemaFree(schema);
    return fault_set(fault, ERR_NO_MEMORY, "%s", words_of_err(ERR_NO_MEMORY));
  }
  loaded->schema = schema;
  *ret_schema = loaded;
  return ERR_OK;
}

void chart_schema_destroy(struct chart_schema **schema) {
  if (*schema) {
    xmlSchemaFree((*schema)->schema);
    free(*schema);
    *schema = NULL;
    xmlCatalogCleanup();
    xmlCleanupParser();
  }
}

/* ---- checking ---- */

/* The next node of a document in its order. */
static const xmlNode *next_node(const xmlNode *node) {
  if (node->type == XML_ELEMENT_NODE && node->children) {
    return node->children;
  }
  while (node->type == XML_ELEMENT_NODE || node->parent) {
    if (node->next || !node->parent) {
      return node->next;
    }
    node = node->parent;
  }
  return NULL;
}

/* What <data>, <content> and <assign> hold is a value, of whatever namespace. */
static bool holds_value(const xmlNode *node) {
  return is_named(node, "data") || is_named(node, "content") || is_named(node, "assign");
}

static bool is_of(const xmlNode *node, const char *uri) {
  return node && node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
         strcmp((const char *)node->ns->href, uri) == 0;
}

static bool is_foreign(const xmlNode *node, bool process) {
  static const char scxml[] = "http://www.w3.org/2005/07/scxml";
  const struct chart_vocabulary *vocabulary = casework_vocabulary();
  bool other = node->type == XML_ELEMENT_NODE && node->ns && node->ns->href && !is_of(node, scxml) &&
               !is_of(node, vocabulary->namespace_uri);
  if (!other || !is_of(node->parent, scxml) || holds_value(node->parent)) {
    return false;
  }
  size_t alike = strlen(vocabulary->type_prefix) - 1;
  return process || strncmp((const char *)node->ns->href, vocabulary->type_prefix, alike) == 0;
}

static void check_foreign(xmlDocPtr doc, bool process, struct lint *lint) {
  for (const xmlNode *node = xmlDocGetRootElement(doc); node; node = next_node(node)) {
    if (is_foreign(node, process)) {
      lint_add(lint, &foreign_element, (uint32_t)xmlGetLineNo(node), span_of_cstr((const char *)node->name),
               span_of_cstr((const char *)node->ns->href), span_of_cstr(casework_vocabulary()->namespace_uri));
    }
  }
}

void chart_schema_check(const struct chart_schema *schema, struct span document, bool process, struct lint *lint) {
  int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES;
  xmlDocPtr doc = xmlReadMemory((const char *)document.data, (int)document.size, NULL, NULL, options);
  xmlSchemaValidCtxtPtr check = doc ? xmlSchemaNewValidCtxt(schema->schema) : NULL;
  if (check) {
    xmlSchemaSetValidStructuredErrors(check, take_violation, lint);
    (void)xmlSchemaValidateDoc(check, doc);
    check_foreign(doc, process, lint);
  }
  xmlSchemaFreeValidCtxt(check);
  xmlFreeDoc(doc);
}
