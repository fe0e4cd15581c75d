/*
 * Names in expressions.
 *
 * Lua takes a name that nobody has set for nil without a word: a deadline from a misspelt day never opens, a text
 * without quotes compares with nothing. So every name that an expression reads must be declared, set by some script or
 * loop of the document, or belong to the library. What scripts mention counts as set, and an expression that defines
 * functions or locals of its own is passed over: better to say too little here than to say something wrong.
 */
#include "chart/document.h"
#include "chart/lint.h"
#include "chart/script.h"

static const struct lint_rule unknown_name = {
    "unknown-name",
    LINT_WARNING,
    {"nothing sets \"%1\": here it is always nil", "«%1» нигде не задано: здесь это всегда nil"},
    {"correct the name, or declare <data id=\"%1\"/>; if it is meant as a text, quote it: '%1'",
     "исправьте имя или объявите <data id=\"%1\"/>; если это текст, возьмите его в кавычки: '%1'"},
};
static const struct lint_rule bare_date = {
    "bare-date",
    LINT_ERROR,
    {"%1 is a subtraction of numbers here, not a date", "%1 здесь — вычитание чисел, а не дата"},
    {"quote it: '%1'", "возьмите дату в кавычки: '%1'"},
};

enum { WALKS_MAX = 10000 /* through the document, for names that no <data> declares; then nothing more is said */ };

struct naming {
  const struct chart *chart;
  const struct node *root;
  const struct chart_vocabulary *vocabulary;    /* may be NULL */
  const struct chart_function_entry *functions; /* may be NULL */
  struct lint *lint;
  unsigned walks;
};

static struct span none(void) {
  return span_of(NULL, 0);
}

/* ---- words of Lua ---- */

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static bool is_name_byte(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static bool is_listed(const char *const *list, struct span word) {
  for (size_t i = 0; list[i]; i++) {
    if (span_is(word, list[i])) {
      return true;
    }
  }
  return false;
}

static bool is_keyword(struct span word) {
  static const char *const keywords[] = {"and",    "break",  "do",   "else", "elseif", "end",   "false",
                                         "for",    "goto",   "if",   "in",   "nil",    "not",   "or",
                                         "repeat", "return", "then", "true", "until",  "while", NULL};
  return is_listed(keywords, word);
}

static struct span word_at(struct span text, size_t at) {
  size_t end = at;
  while (end < text.size && is_name_byte(text.data[end])) {
    end++;
  }
  return span_of(text.data + at, end - at);
}

/* Behind a text in quotes or long brackets that begins at `at`; `at` itself if none does. */
static size_t skip_text(struct span text, size_t at) {
  uint8_t quote = text.data[at];
  if (quote == '[' && at + 1 < text.size && text.data[at + 1] == '[') {
    const uint8_t *close = memmem(text.data + at, text.size - at, "]]", 2);
    return close ? (size_t)(close - text.data) + 2 : text.size;
  }
  if (quote != '\'' && quote != '"') {
    return at;
  }
  for (at++; at < text.size && text.data[at] != quote; at++) {
    at += text.data[at] == '\\';
  }
  return at < text.size ? at + 1 : text.size;
}

/* ---- what is known ---- */

/* As a word, anywhere in the text. */
static bool mentions(struct span text, struct span word) {
  for (size_t at = 0; at < text.size;) {
    struct span found = word_at(text, at);
    if (found.size > 0 && span_equal(found, word)) {
      return true;
    }
    at += found.size > 0 ? found.size : 1;
  }
  return false;
}

static bool node_sets(const struct node *node, struct span name) {
  switch (node->tag) {
  case TAG_DATA:
    return span_equal(span_trim(node_get(node, "id")), name);
  case TAG_FOREACH:
    return mentions(node_get(node, "item"), name) || mentions(node_get(node, "index"), name);
  case TAG_SCRIPT:
    return node_has(node, "src") || mentions(node->text, name);
  default:
    return false;
  }
}

static bool is_function(const struct naming *n, struct span name) {
  for (size_t i = 0; n->functions && n->functions[i].name; i++) {
    if (span_is(name, n->functions[i].name)) {
      return true;
    }
  }
  return false;
}

static bool is_known(struct naming *n, struct span name) {
  if (is_keyword(name) || chart_variable_find(n->chart, name) != NONE || system_reserves(name) ||
      library_has(n->chart->worker, name) || is_function(n, name) || n->walks++ >= WALKS_MAX) {
    return true;
  }
  for (const struct node *node = n->root; node; node = node_walk(n->root, node)) {
    if (node_sets(node, name)) {
      return true;
    }
  }
  return false;
}

/* ---- one expression ---- */

/* "2026-01-20", with nothing around it that belongs to it. */
static bool is_date(struct span text, size_t at) {
  static const char form[] = "dddd-dd-dd";
  for (size_t i = 0; i < sizeof form - 1; i++) {
    bool fits = at + i < text.size && (form[i] == 'd' ? is_digit(text.data[at + i]) : text.data[at + i] == '-');
    if (!fits) {
      return false;
    }
  }
  size_t end = at + sizeof form - 1;
  return (end == text.size || !is_name_byte(text.data[end])) && (at == 0 || !is_name_byte(text.data[at - 1]));
}

/* A field (a.b, a:b), or a key in a table ({b = 1}). */
static bool is_field(struct span text, size_t at, size_t size) {
  size_t before = at;
  while (before > 0 && text.data[before - 1] <= ' ') {
    before--;
  }
  bool dot = before > 0 && text.data[before - 1] == '.' && !(before > 1 && text.data[before - 2] == '.');
  size_t after = at + size;
  while (after < text.size && text.data[after] <= ' ') {
    after++;
  }
  bool equals = after < text.size && text.data[after] == '=' && !(after + 1 < text.size && text.data[after + 1] == '=');
  return dot || equals || (before > 0 && text.data[before - 1] == ':');
}

static void judge_word(struct naming *n, const struct node *node, struct span text, size_t at, struct span word) {
  if (is_date(text, at)) {
    lint_add(n->lint, &bare_date, node->line, span_of(text.data + at, sizeof "2026-01-20" - 1), none(), none());
  } else if (!is_digit(word.data[0]) && !is_field(text, at, word.size) && !is_known(n, word)) {
    lint_add(n->lint, &unknown_name, node->line, word, none(), none());
  }
}

static void lint_expression(struct naming *n, const struct node *node, struct span text) {
  if (mentions(text, SPAN_LITERAL("function")) || mentions(text, SPAN_LITERAL("local"))) {
    return;
  }
  for (size_t at = 0; at < text.size;) {
    size_t behind = skip_text(text, at);
    struct span word = behind > at ? none() : word_at(text, at);
    if (word.size > 0) {
      judge_word(n, node, text, at, word);
    }
    at = behind > at ? behind : at + (word.size > 0 ? word.size : 1);
  }
}

/* ---- the document ---- */

static bool is_expression(const struct naming *n, const struct node *node, struct span attribute) {
  static const char *const names[] = {"cond",      "expr",       "eventexpr", "targetexpr", "typeexpr",
                                      "delayexpr", "sendidexpr", "srcexpr",   "array",      NULL};
  if (node->tag != TAG_EXTENSION || !n->vocabulary) {
    return is_listed(names, attribute);
  }
  const struct chart_element *kind = vocabulary_element(n->vocabulary, node->name, CHART_PLACE_STATE);
  kind = kind ? kind : vocabulary_element(n->vocabulary, node->name, CHART_PLACE_CONTENT);
  const struct chart_attribute *known = kind ? vocabulary_attribute(kind, attribute) : NULL;
  return kind ? known && known->kind != CHART_ATTRIBUTE_TEXT : span_is(attribute, "expr"); /* of a k:param */
}

void lint_names(const struct chart *chart, const struct node *root, const struct chart_vocabulary *vocabulary,
                const struct chart_function_entry *functions, struct lint *lint) {
  struct naming n = {chart, root, vocabulary, functions, lint, 0};
  if (chart->datamodel == DATAMODEL_NULL) {
    return;
  }
  for (const struct node *node = root; node; node = node_walk(root, node)) {
    for (size_t i = 0; i < node->attributes_count; i++) {
      if (is_expression(&n, node, node->attributes[i].name)) {
        lint_expression(&n, node, node->attributes[i].value);
      }
    }
  }
}
