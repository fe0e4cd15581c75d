/*
 * Conditions, values and terms of a chart in Russian.
 *
 * Comparisons, questions about states, fields, variables and settings, joined by and, or, not and brackets; `C and A or
 * B`; a variable that may be missing. What is none of these, or has no title anywhere, stands as it is in the chart.
 */
#include <string.h>

#include "base/json.h"
#include "chart_outline.h"

static struct span none(void) {
  return span_of(NULL, 0);
}

static struct arena *arena_of(struct outline *o) {
  return &o->file.arena;
}

/* SPAN_ARG looks at its argument twice: what is found out first goes through these. */
static struct span around(struct outline *o, const char *before, struct span text, const char *after) {
  return arena_printf(arena_of(o), "%s%.*s%s", before, SPAN_ARG(text), after);
}

static struct span chain(struct outline *o, struct span first, const char *between, struct span second) {
  return arena_printf(arena_of(o), "%.*s%s%.*s", SPAN_ARG(first), between, SPAN_ARG(second));
}

/* ---- small parsing ---- */

static bool is_name_byte(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_name(struct span text) {
  for (size_t i = 0; i < text.size; i++) {
    if (!is_name_byte(text.data[i])) {
      return false;
    }
  }
  return text.size > 0 && !(text.data[0] >= '0' && text.data[0] <= '9');
}

static bool take(struct span *text, const char *prefix) {
  struct span wanted = span_of_cstr(prefix);
  if (!span_starts_with(*text, wanted)) {
    return false;
  }
  *text = span_of(text->data + wanted.size, text->size - wanted.size);
  return true;
}

/* Where `word` stands outside quotes and brackets, or NULL. */
static const uint8_t *find_outside(struct span text, const char *word) {
  size_t size = strlen(word);
  int depth = 0;
  uint8_t quote = 0;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if (quote) {
      quote = c == quote ? 0 : quote;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '{' || c == '[') {
      depth++;
    } else if (c == ')' || c == '}' || c == ']') {
      depth--;
    } else if (depth == 0 && i + size <= text.size && memcmp(text.data + i, word, size) == 0) {
      return text.data + i;
    }
  }
  return NULL;
}

/* Cuts at the first `word` outside quotes and brackets. */
static bool cut(struct span text, const char *word, struct span *ret_before, struct span *ret_after) {
  const uint8_t *at = find_outside(text, word);
  if (!at) {
    return false;
  }
  size_t size = (size_t)(at - text.data);
  *ret_before = span_trim(span_of(text.data, size));
  *ret_after = span_trim(span_of(at + strlen(word), text.size - size - strlen(word)));
  return true;
}

static bool quoted(struct span text, struct span *ret_inside) {
  bool is = text.size >= 2 && (text.data[0] == '\'' || text.data[0] == '"') &&
            text.data[text.size - 1] == text.data[0] && !memchr(text.data + 1, text.data[0], text.size - 2);
  *ret_inside = is ? span_of(text.data + 1, text.size - 2) : none();
  return is;
}

/* ---- fields of forms ---- */

static const struct value *form_field(const struct outline *o, struct span field) {
  for (size_t i = 0; i < o->forms_count; i++) {
    const struct value *properties = value_get(&o->forms[i], "properties");
    const struct value *found = properties && properties->kind == VALUE_MAP ? value_find(properties, field) : NULL;
    if (found && value_get_text(found, "title").size > 0) {
      return found;
    }
  }
  return NULL;
}

static struct span field_title(const struct outline *o, struct span field) {
  const struct value *found = form_field(o, field);
  return found ? value_get_text(found, "title") : none();
}

static struct span field_value(const struct outline *o, struct span field, struct span value) {
  for (size_t i = 0; i < o->forms_count; i++) {
    const struct value *properties = value_get(&o->forms[i], "properties");
    const struct value *found = properties && properties->kind == VALUE_MAP ? value_find(properties, field) : NULL;
    const struct value *choices = found ? value_get(found, "oneOf") : NULL;
    for (size_t k = 0; choices && choices->kind == VALUE_LIST && k < choices->list.count; k++) {
      const struct value *choice = &choices->list.items[k];
      if (choice->kind == VALUE_MAP && span_equal(value_get_text(choice, "const"), value)) {
        return value_get_text(choice, "title");
      }
    }
  }
  return none();
}

/* ---- variables and settings ---- */

static struct span variable_title(const struct outline *o, struct span name) {
  for (const struct node *node = o->root; node; node = node_walk(o->root, node)) {
    if (node->tag == TAG_DATA && span_equal(span_trim(node_get(node, "id")), name)) {
      return outline_label(node, "title");
    }
  }
  return none();
}

static const struct config_setting *setting(const struct outline *o, struct span name) {
  for (size_t i = 0; i < o->process.rules_count; i++) {
    if (span_equal(o->process.rules[i].name, name)) {
      return &o->process.rules[i];
    }
  }
  return NULL;
}

/* ---- conditions ---- */

enum { DEPTH_MAX = 8 };

static struct span say_any(struct outline *o, struct span text, int depth);

static struct span operand(struct outline *o, struct span text) {
  struct span rest = text;
  struct span title = none();
  if (span_is(text, "_x.occurred_on")) {
    return SPAN_LITERAL("день события");
  }
  if (span_is(text, "_x.today")) {
    return SPAN_LITERAL("сегодня");
  }
  if (span_is(text, "_x.deadline.key")) {
    return SPAN_LITERAL("тот, к которому относится срок");
  }
  if (take(&rest, "_x.settings.")) {
    const struct config_setting *found = setting(o, rest);
    title = found ? found->title : none();
  } else if (take(&rest, "_event.data.") || take(&rest, "start.")) {
    title = field_title(o, rest);
    return title.size > 0 ? title : rest;
  } else if (is_name(text)) {
    title = variable_title(o, text);
  }
  return title.size > 0 ? title : text;
}

/* A literal beside what it is compared with: a value of a form's field, an event, a role. */
static struct span compared(struct outline *o, struct span left, struct span right) {
  struct span inside;
  if (!quoted(right, &inside)) {
    return operand(o, right);
  }
  struct span known = none();
  if (take(&left, "_event.data.")) {
    known = field_value(o, left, inside);
  } else if (span_is(left, "_event.name")) {
    known = outline_event(o, inside);
  } else if (span_is(left, "_x.sender_kind")) {
    known = outline_role(o, inside);
  }
  return known.size > 0 ? known : inside;
}

static struct span say_equal(struct outline *o, struct span left, struct span right, bool not ) {
  struct span value = compared(o, left, right);
  struct span name = operand(o, left);
  struct span field = left;
  struct span inside;
  if (span_is(left, "_event.name")) {
    return arena_printf(arena_of(o), "%s%.*s", not ? "не " : "", SPAN_ARG(value));
  }
  if (span_is(left, "_x.sender_kind")) {
    return arena_printf(arena_of(o), "сообщает %s%.*s", not ? "не " : "", SPAN_ARG(value));
  }
  if (span_is(right, "nil")) {
    return arena_printf(arena_of(o), "%.*s: %s", SPAN_ARG(name), not ? "указано" : "не указано");
  }
  if (span_is(right, "false") || span_is(right, "true")) {
    bool no = span_is(right, "false") != not ;
    return arena_printf(arena_of(o), "%.*s: %s", SPAN_ARG(name), no ? "нет" : not ? "да или не сказано" : "да");
  }
  if (take(&field, "_event.data.") && quoted(right, &inside) && field_value(o, field, inside).size > 0) {
    return arena_printf(arena_of(o), "%s%.*s", not ? "не " : "", SPAN_ARG(value));
  }
  return arena_printf(arena_of(o), "%.*s: %s%.*s", SPAN_ARG(name), not ? "не " : "", SPAN_ARG(value));
}

static struct span say_comparison(struct outline *o, struct span text) {
  static const struct {
    const char *sign, *words;
  } signs[] = {{"==", NULL}, {"~=", NULL}, {">=", " ≥ "}, {"<=", " ≤ "}, {">", " > "}, {"<", " < "}};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    struct span left;
    struct span right;
    if (!cut(text, signs[i].sign, &left, &right)) {
      continue;
    }
    if (!signs[i].words) {
      return say_equal(o, left, right, signs[i].sign[0] == '~');
    }
    return chain(o, operand(o, left), signs[i].words, compared(o, left, right));
  }
  return none();
}

/* In('state') */
static struct span say_in(struct outline *o, struct span text, bool not ) {
  struct span inside;
  if (!take(&text, "In(") || text.size < 2 || text.data[text.size - 1] != ')' ||
      !quoted(span_of(text.data, text.size - 1), &inside)) {
    return none();
  }
  const struct node *state = outline_state(o, inside);
  struct span title = state ? outline_state_title(o, state) : inside;
  return arena_printf(arena_of(o), "%s «%.*s»", not ? "пока не" : "когда", SPAN_ARG(title));
}

static bool bracketed(struct span text, struct span *ret_inside) {
  bool is = text.size > 2 && text.data[0] == '(' && text.data[text.size - 1] == ')';
  *ret_inside = is ? span_of(text.data + 1, text.size - 2) : none();
  /* "(a) or (b)" begins and ends with brackets too: then what is between does not balance. */
  int depth = 0;
  for (size_t i = 0; is && i < ret_inside->size; i++) {
    depth += ret_inside->data[i] == '(' ? 1 : ret_inside->data[i] == ')' ? -1 : 0;
    is = depth >= 0;
  }
  return is;
}

static struct span say_one(struct outline *o, struct span text, int depth) {
  struct span inside;
  struct span rest = text;
  bool not = take(&rest, "not ");
  rest = span_trim(rest);
  struct span words = say_in(o, rest, not );
  if (words.size > 0) {
    return words;
  }
  if (bracketed(rest, &inside) && depth > 0) {
    return around(o, not ? "неверно, что (" : "(", say_any(o, inside, depth - 1), ")");
  }
  words = not ? none() : say_comparison(o, rest);
  return words.size > 0 ? words : around(o, not ? "нет: " : "", operand(o, rest), "");
}

static struct span say_all(struct outline *o, struct span text, int depth) {
  struct span words = none();
  struct span part;
  struct span rest = text;
  while (cut(rest, " and ", &part, &rest)) {
    words = chain(o, words, "", around(o, "", say_one(o, part, depth), ", "));
  }
  return chain(o, words, "", say_one(o, span_trim(rest), depth));
}

static struct span say_any(struct outline *o, struct span text, int depth) {
  struct span words = none();
  struct span part;
  struct span rest = text;
  while (cut(rest, " or ", &part, &rest)) {
    words = chain(o, words, "", around(o, "", say_all(o, part, depth), " или "));
  }
  return chain(o, words, "", say_all(o, span_trim(rest), depth));
}

struct span outline_condition(struct outline *o, struct span expr) {
  return say_any(o, span_trim(expr), DEPTH_MAX);
}

/* ---- values ---- */

/* "A or nil" and "A or false" are A, when there is one. */
static struct span without_missing(struct span text) {
  struct span before;
  struct span after;
  while (cut(text, " or ", &before, &after) && (span_is(after, "nil") || span_is(after, "false"))) {
    text = before;
  }
  return text;
}

static struct span simple_value(struct outline *o, struct span text) {
  return operand(o, text);
}

/* C and A or B, where B may be missing; `say` puts A and B into words. */
static struct span choice(struct outline *o, struct span text, struct span (*say)(struct outline *, struct span)) {
  struct span condition;
  struct span rest;
  struct span yes;
  struct span no = none();
  if (!cut(text, " and ", &condition, &rest)) {
    return say(o, without_missing(text));
  }
  if (!cut(rest, " or ", &yes, &no)) {
    yes = rest;
  }
  if (find_outside(yes, " and ")) {
    return text;
  }
  struct span when = outline_condition(o, condition);
  struct span first = chain(o, say(o, yes), " (если ", around(o, "", when, ")"));
  bool missing = no.size == 0 || span_is(no, "nil") || span_is(no, "false");
  return missing ? first : chain(o, first, ", иначе ", say(o, no));
}

struct span outline_value(struct outline *o, struct span expr) {
  return choice(o, span_trim(expr), simple_value);
}

/* ---- terms ---- */

struct span outline_term_text(struct outline *o, struct span text) {
  struct term term;
  return term_parse(text, &term, NULL) == ERR_OK ? calendar_term_words(&term, arena_of(o)) : text;
}

static struct span setting_term(struct outline *o, struct span name) {
  const struct config_setting *found = setting(o, name);
  if (!found || found->value.kind != VALUE_TEXT) {
    return none();
  }
  return chain(o, outline_term_text(o, found->value.text), " [настройка ", around(o, "", name, "]"));
}

/* VARIABLE .. 'mo' */
static struct span counted_term(struct outline *o, struct span text) {
  struct span name;
  struct span unit;
  struct span inside;
  if (!cut(text, "..", &name, &unit) || !quoted(unit, &inside)) {
    return none();
  }
  struct span example = outline_term_text(o, arena_printf(arena_of(o), "5%.*s", SPAN_ARG(inside)));
  struct span title = variable_title(o, name);
  const uint8_t *space = example.size > 0 ? memchr(example.data, ' ', example.size) : NULL;
  if (!space || title.size == 0) {
    return none();
  }
  size_t skipped = (size_t)(space - example.data) + 1;
  return arena_printf(arena_of(o), "%.*s (%.*s)", SPAN_ARG(title), (int)(example.size - skipped),
                      (const char *)example.data + skipped);
}

static struct span simple_term(struct outline *o, struct span text) {
  struct span inside;
  struct span rest = text;
  if (quoted(text, &inside)) {
    return outline_term_text(o, inside);
  }
  struct span words = take(&rest, "_x.settings.") ? setting_term(o, rest) : counted_term(o, text);
  return words.size > 0 ? words : simple_value(o, text);
}

struct span outline_term(struct outline *o, struct span expr) {
  return choice(o, span_trim(expr), simple_term);
}
