#include "casework/identity.h"

#include "casework/payload.h"

bool identity_finds_of(const struct identity_rule *rule, enum identity_finds *ret_finds) {
  static const char *const words[] = {
      [IDENTITY_SAME] = "same", [IDENTITY_PERHAPS] = "perhaps", [IDENTITY_NOBODY] = "nobody"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (span_is(rule->finds, words[i])) {
      *ret_finds = (enum identity_finds)i;
      return true;
    }
  }
  return false;
}

/* ---- checking ---- */

static bool is_personal_text(const struct catalogue *catalogue, struct span name) {
  for (size_t i = 0; i < catalogue->events_count; i++) {
    const struct field_rule *field = event_field(&catalogue->events[i], name);
    const struct data_class *class = field ? catalogue_class(catalogue, field->class_name) : NULL;
    if (class && class->personal && (span_is(field->format, "text") || span_is(field->format, "date"))) {
      return true;
    }
  }
  return false;
}

static enum err check_list(const struct catalogue *catalogue, const struct identity_rule *rule,
                           const struct text_list *fields, struct fault *fault) {
  for (size_t i = 0; i < fields->count; i++) {
    if (!is_personal_text(catalogue, fields->items[i])) {
      return fault_set(fault, ERR_CONFIG, "identities, «%.*s»: «%.*s» — не личный текст и не дата ни у одного события",
                       SPAN_ARG(rule->name), SPAN_ARG(fields->items[i]));
    }
  }
  return ERR_OK;
}

static enum err check_rule(const struct catalogue *catalogue, const struct identity_rule *rule, struct fault *fault) {
  enum identity_finds finds;
  if (rule->fields.count == 0 || rule->size < 0) {
    return fault_set(fault, ERR_CONFIG, "identities, «%.*s»: нет ни одного поля, или размер меньше нуля",
                     SPAN_ARG(rule->name));
  }
  if (!span_is(rule->compare, "words") && !span_is(rule->compare, "digits")) {
    return fault_set(fault, ERR_CONFIG, "identities, «%.*s»: compare бывает words или digits", SPAN_ARG(rule->name));
  }
  if (!identity_finds_of(rule, &finds)) {
    return fault_set(fault, ERR_CONFIG, "identities, «%.*s»: finds бывает same, perhaps или nobody",
                     SPAN_ARG(rule->name));
  }
  TRY(check_list(catalogue, rule, &rule->fields, fault));
  return check_list(catalogue, rule, &rule->optional, fault);
}

enum err identity_check(const struct catalogue *catalogue, struct fault *fault) {
  if (catalogue->identities_count > CATALOGUE_IDENTITIES_MAX) {
    return fault_set(fault, ERR_CONFIG, "identities больше %d", CATALOGUE_IDENTITIES_MAX);
  }
  for (size_t i = 0; i < catalogue->identities_count; i++) {
    TRY(check_rule(catalogue, &catalogue->identities[i], fault));
  }
  return ERR_OK;
}

static bool holds_any(const struct text_list *fields, const struct value *personal) {
  for (size_t i = 0; i < fields->count; i++) {
    if (value_find(personal, fields->items[i])) {
      return true;
    }
  }
  return false;
}

bool identity_concerns(const struct catalogue *catalogue, const struct value *personal) {
  for (size_t i = 0; i < catalogue->identities_count; i++) {
    const struct identity_rule *rule = &catalogue->identities[i];
    if (holds_any(&rule->fields, personal) || holds_any(&rule->optional, personal)) {
      return true;
    }
  }
  return false;
}

/* ---- the canonical text ---- */

/* U+0400…U+045F: capitals of Russian and its neighbours, each with its small letter. */
enum { CYRILLIC_FIRST = 0x400, CYRILLIC_A = 0x410, CYRILLIC_SMALL_A = 0x430, CYRILLIC_LAST = 0x45F };
enum { CYRILLIC_IO = 0x451, CYRILLIC_IE = 0x435 };

static uint32_t small_letter(uint32_t c) {
  if (c >= 'A' && c <= 'Z') {
    return c + ('a' - 'A');
  }
  if (c >= CYRILLIC_FIRST && c < CYRILLIC_A) {
    c += CYRILLIC_LAST + 1 - CYRILLIC_A;
  } else if (c >= CYRILLIC_A && c < CYRILLIC_SMALL_A) {
    c += CYRILLIC_SMALL_A - CYRILLIC_A;
  }
  return c == CYRILLIC_IO ? CYRILLIC_IE : c; /* «ё» is written as «е» in half of all papers */
}

static bool is_digit(uint32_t c) {
  return c >= '0' && c <= '9';
}

/* Signs, blanks and hyphens tell nobody apart; letters outside ASCII stay. */
static bool counts(uint32_t c, bool digits) {
  bool letter = (c >= 'a' && c <= 'z') || c >= 0xC0;
  bool dash = c >= 0x2000 && c <= 0x206F; /* general punctuation */
  return is_digit(c) || (!digits && letter && !dash);
}

static uint32_t code_point(struct span s, size_t size) {
  static const uint8_t lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t c = s.data[0] & lead[size];
  for (size_t i = 1; i < size; i++) {
    c = c << 6 | (s.data[i] & 0x3FU);
  }
  return c;
}

struct canon {
  struct writer *w;
  bool digits;
  size_t count; /* characters that count, of all fields */
  uint32_t first;
  bool various;
};

static void add_character(struct canon *canon, uint32_t c) {
  if (!counts(c, canon->digits)) {
    return;
  }
  canon->first = canon->count == 0 ? c : canon->first;
  canon->various = canon->various || c != canon->first;
  canon->count++;
  writer_u32be(canon->w, c);
}

/* False if nothing of it counts. */
static bool add_text(struct canon *canon, struct span text) {
  size_t before = canon->count;
  while (text.size > 0) {
    size_t size = span_character_size(text);
    if (size == 0) {
      break; /* the catalogue has refused such a text before */
    }
    add_character(canon, small_letter(code_point(text, size)));
    text = span_of(text.data + size, text.size - size);
  }
  writer_u32be(canon->w, 0);
  return canon->count > before;
}

static struct span text_of(const struct value *personal, struct span name) {
  const struct value *v = value_find(personal, name);
  return v && v->kind == VALUE_TEXT ? v->text : span_of(NULL, 0);
}

static bool says_enough(const struct identity_rule *rule, const struct canon *canon) {
  return canon->various && (rule->size == 0 || canon->count == (size_t)rule->size);
}

bool identity_text(const struct identity_rule *rule, const struct value *personal, struct writer *w) {
  struct canon canon = {.w = w, .digits = span_is(rule->compare, "digits")};
  size_t before = w->size;
  bool whole = true;
  for (size_t i = 0; i < rule->fields.count; i++) {
    whole = add_text(&canon, text_of(personal, rule->fields.items[i])) && whole;
  }
  for (size_t i = 0; i < rule->optional.count; i++) {
    (void)add_text(&canon, text_of(personal, rule->optional.items[i]));
  }
  if (!whole || !says_enough(rule, &canon)) {
    w->size = before;
    return false;
  }
  return true;
}
