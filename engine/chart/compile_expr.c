/*
 * Expressions, locations and inline content.
 *
 * An expression that no script is needed for (a constant, a plain In('state')) becomes data; the rest is compiled to a
 * Lua function now and only run later. Text that does not compile is kept with its message and raises error.execution
 * when it is evaluated: section 5.9 leaves it to the processor when to find out, and a document with one bad
 * expression must still run. The null data model (appendix B.1) is a matter of compiling only: it knows In() and
 * quoted text, everything else is such a bad expression.
 */
#include "chart/compiler.h"

#include "base/json.h"

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_byte(uint8_t c, bool first) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && c >= '0' && c <= '9');
}

static uint32_t expr_add(struct compiler *c, struct expr expr) {
  *VECTOR_ADD(c, exprs, struct expr) = expr;
  return c->exprs.count - 1;
}

uint32_t compile_literal(struct compiler *c, struct value literal, uint32_t line) {
  return expr_add(c, (struct expr){.kind = EXPR_LITERAL, .line = line, .ref = LUA_NOREF, .literal = literal});
}

uint32_t compile_bad(struct compiler *c, struct span problem, uint32_t line) {
  return expr_add(c, (struct expr){.kind = EXPR_BAD, .line = line, .ref = LUA_NOREF, .problem = problem});
}

/* --- In('state') --- */

static struct span skip_spaces(struct span s) {
  while (s.size > 0 && is_space(s.data[0])) {
    s = span_of(s.data + 1, s.size - 1);
  }
  return s;
}

static bool take(struct span *s, const char *text) {
  *s = skip_spaces(*s);
  struct span prefix = span_of_cstr(text);
  if (!span_starts_with(*s, prefix)) {
    return false;
  }
  *s = span_of(s->data + prefix.size, s->size - prefix.size);
  return true;
}

/* Text in quotes without an escape, and nothing after it but `after`. */
static bool quoted(struct span s, const char *after, struct span *ret_text) {
  s = skip_spaces(s);
  if (s.size < 2 || (s.data[0] != '\'' && s.data[0] != '"')) {
    return false;
  }
  const uint8_t *close = memchr(s.data + 1, s.data[0], s.size - 1);
  if (!close || memchr(s.data, '\\', s.size) || memchr(s.data, '\n', s.size)) {
    return false;
  }
  *ret_text = span_of(s.data + 1, (size_t)(close - s.data) - 1);
  struct span rest = span_of(close + 1, s.size - ret_text->size - 2);
  return (*after == '\0' || take(&rest, after)) && skip_spaces(rest).size == 0;
}

static bool is_in(struct span text, struct span *ret_id) {
  return take(&text, "In") && take(&text, "(") && quoted(text, ")", ret_id);
}

/* --- expressions --- */

/* Whether text mentions a system variable otherwise than to read a field of it. */
static bool mentions_views(struct span text) {
  static const char *const names[] = {"_event", "_x"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    size_t size = strlen(names[i]);
    const uint8_t *end = text.data + text.size;
    const uint8_t *at = text.data;
    while (text.size > 0 && (at = memmem(at, (size_t)(end - at), names[i], size)) != NULL) {
      at += size;
      struct span rest = skip_spaces(span_of(at, (size_t)(end - at)));
      bool longer = at < end && is_name_byte(*at, false);
      if (!longer && !(rest.size > 0 && (rest.data[0] == '.' || rest.data[0] == '['))) {
        return true;
      }
    }
  }
  return false;
}

enum token { TOKEN_OPERATOR, TOKEN_OPERAND, TOKEN_UNKNOWN };

static enum token word_token(struct span word) {
  static const char *const operators[] = {"and", "or", "not"};
  for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
    if (span_is(word, operators[i])) {
      return TOKEN_OPERATOR;
    }
  }
  return span_is(word, "function") ? TOKEN_UNKNOWN : TOKEN_OPERAND;
}

/* Text in quotes without an escape, or one that is not looked into further. */
static enum token text_token(struct span text, size_t *ret_size) {
  const uint8_t *close = memchr(text.data + 1, text.data[0], text.size - 1);
  *ret_size = close ? (size_t)(close - text.data) + 1 : text.size;
  return close && !memchr(text.data, '\\', *ret_size) ? TOKEN_OPERAND : TOKEN_UNKNOWN;
}

/* What `text` begins with, which is no space; `before` is what stood before it. */
static enum token take_token(struct span text, enum token before, size_t *ret_size) {
  uint8_t c = text.data[0];
  uint8_t next = text.size > 1 ? text.data[1] : 0;
  *ret_size = 1;
  if (is_name_byte(c, false)) { /* a number is a word here, too */
    while (*ret_size < text.size && is_name_byte(text.data[*ret_size], false)) {
      ++*ret_size;
    }
    return word_token(span_of(text.data, *ret_size));
  }
  if (c == '\'' || c == '"') {
    return before == TOKEN_OPERAND ? TOKEN_UNKNOWN : text_token(text, ret_size);
  }
  if (c == '(') {
    return before == TOKEN_OPERAND ? TOKEN_UNKNOWN : TOKEN_OPERATOR;
  }
  if (c == ')' || c == ']') {
    return TOKEN_OPERAND;
  }
  bool comment = c == '-' && next == '-';
  bool long_text = c == '[' && (next == '[' || next == '=');
  bool plain = c != 0 && strchr("+-*/%^#<>=~&|.,[", c) != NULL;
  return plain && !comment && !long_text ? TOKEN_OPERATOR : TOKEN_UNKNOWN;
}

/* Whether an expression surely calls nothing: no name, bracket or text is followed by what makes it a call, and there
 * is nothing else that could hide one. Such an expression goes once through its text and ends. */
static bool calls_nothing(struct span text) {
  enum token before = TOKEN_OPERATOR;
  for (text = skip_spaces(text); text.size > 0; text = skip_spaces(text)) {
    size_t size;
    before = take_token(text, before, &size);
    if (before == TOKEN_UNKNOWN) {
      return false;
    }
    text = span_of(text.data + size, text.size - size);
  }
  return true;
}

/* Numbers, true, false and null as JSON has them. */
static bool json_scalar(struct compiler *c, struct span text, struct value *ret_value) {
  text = span_trim(text);
  bool number = text.size > 0 && (text.data[0] == '-' || (text.data[0] >= '0' && text.data[0] <= '9'));
  if (span_is(text, "nil")) {
    *ret_value = value_nil();
    return true;
  }
  bool word = span_is(text, "true") || span_is(text, "false");
  return (number || word) && json_read(text, c->arena, ret_value, NULL) == ERR_OK;
}

static bool constant(struct compiler *c, struct span text, struct value *ret_value) {
  struct span inner;
  if (quoted(text, "", &inner)) {
    *ret_value = value_text(inner);
    return true;
  }
  return json_scalar(c, text, ret_value);
}

static uint32_t compile_null_expr(struct compiler *c, uint32_t line) {
  return compile_bad(c, SPAN_LITERAL("the null data model has no expressions but In('state')"), line);
}

uint32_t compile_expr(struct compiler *c, struct span text, uint32_t line) {
  struct span id;
  if (is_in(text, &id)) {
    struct expr in = {.kind = EXPR_IN, .line = line, .ref = LUA_NOREF, .state = chart_state_find(c->chart, id)};
    return expr_add(c, in);
  }
  struct value literal;
  if (constant(c, text, &literal)) {
    return compile_literal(c, literal, line);
  }
  if (c->chart->datamodel == DATAMODEL_NULL) {
    return compile_null_expr(c, line);
  }
  struct span problem;
  int ref = script_compile_expr(c->worker, text, c->arena, &problem);
  if (ref == LUA_NOREF) {
    return compile_bad(c, problem, line);
  }
  return expr_add(c, (struct expr){.kind = EXPR_LUA, .line = line, .ref = ref, .bounded = calls_nothing(text)});
}

uint32_t compile_script(struct compiler *c, struct span text, uint32_t line) {
  if (c->chart->datamodel == DATAMODEL_NULL) {
    return compile_bad(c, SPAN_LITERAL("the null data model has no scripts"), line);
  }
  struct span problem;
  int ref = script_compile_chunk(c->worker, text, c->arena, &problem);
  if (ref == LUA_NOREF) {
    return compile_bad(c, problem, line);
  }
  return expr_add(c, (struct expr){.kind = EXPR_LUA, .line = line, .ref = ref, .views = mentions_views(text)});
}

/* --- inline content --- */

/* Leading and trailing white space goes, each run inside becomes one space. */
static struct span normalise(struct arena *arena, struct span text) {
  text = span_trim(text);
  uint8_t *out = arena_alloc(arena, text.size);
  size_t size = 0;
  for (size_t i = 0; i < text.size; i++) {
    if (!is_space(text.data[i])) {
      out[size++] = text.data[i];
    } else if (!is_space(text.data[i - 1])) {
      out[size++] = ' ';
    }
  }
  return span_of(out, size);
}

static bool begins_structure(struct span text) {
  return text.size > 0 && (text.data[0] == '{' || text.data[0] == '[');
}

uint32_t compile_inline(struct compiler *c, struct span text, struct span markup, uint32_t line) {
  if (!span_empty(markup)) {
    return compile_literal(c, value_text(markup), line);
  }
  text = span_trim(text);
  struct value literal;
  if (constant(c, text, &literal)) {
    return compile_literal(c, literal, line);
  }
  if (begins_structure(text)) {
    struct span problem;
    int ref =
        c->chart->datamodel == DATAMODEL_LUA ? script_compile_expr(c->worker, text, c->arena, &problem) : LUA_NOREF;
    if (ref != LUA_NOREF) {
      return expr_add(c, (struct expr){.kind = EXPR_LUA, .line = line, .ref = ref});
    }
    if (json_read(text, c->arena, &literal, NULL) == ERR_OK) {
      return compile_literal(c, literal, line);
    }
  }
  return compile_literal(c, value_text(normalise(c->arena, text)), line);
}

/* --- locations --- */

static struct span root_of(struct span text) {
  size_t size = 0;
  while (size < text.size && is_name_byte(text.data[size], size == 0)) {
    size++;
  }
  return span_of(text.data, size);
}

static void compile_path(struct compiler *c, struct span text, struct location *location) {
  struct span problem;
  location->write_ref = script_compile_location(c->worker, text, c->arena, &problem);
  if (location->write_ref == LUA_NOREF) {
    location->problem = problem;
  }
}

uint32_t compile_location(struct compiler *c, struct span text, uint32_t line) {
  text = span_trim(text);
  struct span root = root_of(text);
  struct location location = {.root = root, .plain = root.size == text.size, .write_ref = LUA_NOREF, .line = line};
  location.reserved = system_reserves(root);
  location.read = NONE;
  if (span_empty(root)) {
    location.problem = arena_printf(c->arena, "\"%.*s\" is not a place in the data model", SPAN_ARG(text));
  } else if (c->chart->datamodel == DATAMODEL_NULL) {
    location.problem = SPAN_LITERAL("the null data model has no variables");
  } else {
    location.read = compile_expr(c, text, line);
    const struct expr *read = VECTOR_AT(c, exprs, struct expr, location.read);
    if (read->kind != EXPR_LUA) { /* a keyword, a constant, or no expression at all */
      location.problem = arena_printf(c->arena, "\"%.*s\" is not a place in the data model", SPAN_ARG(text));
    } else if (!location.plain) {
      compile_path(c, text, &location);
    }
  }
  *VECTOR_ADD(c, locations, struct location) = location;
  return c->locations.count - 1;
}

enum err compile_text_or_expr(struct compiler *c, const struct node *node, const char *name, const char *name_expr,
                              struct text_or_expr *ret_source) {
  *ret_source = (struct text_or_expr){node_get(node, name), NONE};
  if (!node_has(node, name_expr)) {
    return ERR_OK;
  }
  if (node_has(node, name)) {
    return compile_fault(c, node->line, "\"%s\" and \"%s\" exclude each other", name, name_expr);
  }
  ret_source->expr = compile_expr(c, node_get(node, name_expr), node->line);
  return ERR_OK;
}

bool delay_parse(struct span text, int64_t *ret_ms) {
  text = span_trim(text);
  double unit = 1;
  if (text.size >= 2 && memcmp(text.data + text.size - 2, "ms", 2) == 0) {
    text.size -= 2;
  } else if (text.size >= 1 && text.data[text.size - 1] == 's') {
    unit = 1000;
    text.size -= 1;
  }
  double number = 0;
  double place = 0; /* 0 before the point */
  size_t digits = 0;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t byte = text.data[i];
    if (byte == '.' && place == 0) {
      place = 1;
    } else if (byte >= '0' && byte <= '9') {
      place *= 10;
      number = number * 10 + (byte - '0');
      digits++;
    } else {
      return false;
    }
  }
  if (digits == 0 || digits > 15) {
    return false;
  }
  *ret_ms = (int64_t)(number / (place > 0 ? place : 1) * unit + 0.5);
  return true;
}
