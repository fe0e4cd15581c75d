/*
 * The list of findings, and their texts.
 */
#include "chart/lint.h"

#include <stdlib.h>

void lint_init(struct lint *lint, struct arena *arena) {
  *lint = (struct lint){.arena = arena};
}

static bool same_finding(const struct lint_finding *a, const struct lint_finding *b) {
  bool same = a->rule == b->rule && a->line == b->line;
  for (int i = 0; same && i < LINT_WORDS_MAX; i++) {
    same = span_equal(a->words[i], b->words[i]);
  }
  return same;
}

static void grow(struct lint *lint) {
  size_t capacity = lint->capacity ? lint->capacity * 2 : 16;
  struct lint_finding *items = ARENA_ARRAY(lint->arena, struct lint_finding, capacity);
  if (lint->count > 0) {
    memcpy(items, lint->items, lint->count * sizeof *items);
  }
  lint->items = items;
  lint->capacity = capacity;
}

void lint_add(struct lint *lint, const struct lint_rule *rule, uint32_t line, struct span word_1, struct span word_2,
              struct span word_3) {
  struct lint_finding found = {rule, line, {word_1, word_2, word_3}};
  for (size_t i = 0; i < lint->count; i++) {
    if (same_finding(&lint->items[i], &found)) {
      return;
    }
  }
  if (lint->count == LINT_FINDINGS_MAX) {
    return;
  }
  if (lint->count == lint->capacity) {
    grow(lint);
  }
  for (int i = 0; i < LINT_WORDS_MAX; i++) {
    found.words[i] = arena_copy(lint->arena, found.words[i]);
  }
  lint->items[lint->count++] = found;
}

/* Few findings, nearly in order: insertion keeps those of one line as they came. */
void lint_sort(struct lint *lint) {
  for (size_t i = 1; i < lint->count; i++) {
    struct lint_finding moved = lint->items[i];
    size_t at = i;
    while (at > 0 && lint->items[at - 1].line > moved.line) {
      lint->items[at] = lint->items[at - 1];
      at--;
    }
    lint->items[at] = moved;
  }
}

bool lint_has_line(const struct lint *lint, uint32_t line) {
  for (size_t i = 0; i < lint->count; i++) {
    if (lint->items[i].line == line) {
      return true;
    }
  }
  return false;
}

size_t lint_errors(const struct lint *lint) {
  size_t errors = 0;
  for (size_t i = 0; i < lint->count; i++) {
    errors += lint->items[i].rule->severity == LINT_ERROR;
  }
  return errors;
}

/* ---- texts ---- */

static struct span fill(const char *text, const struct lint_finding *finding, enum lint_language language,
                        struct arena *arena) {
  struct span out = {NULL, 0};
  for (const char *at = text; *at;) {
    size_t plain = strcspn(at, "%");
    out = arena_printf(arena, "%.*s%.*s", SPAN_ARG(out), (int)plain, at);
    at += plain;
    if (*at == '\0') {
      break;
    }
    ASSERT(at[1] >= '1' && at[1] <= '0' + LINT_WORDS_MAX);
    struct span word = lint_translate(finding->words[at[1] - '1'], language, arena);
    out = arena_printf(arena, "%.*s%.*s", SPAN_ARG(out), SPAN_ARG(word));
    at += 2;
  }
  return out;
}

struct span lint_message(const struct lint_finding *finding, enum lint_language language, struct arena *arena) {
  return fill(finding->rule->message[language], finding, language, arena);
}

struct span lint_advice(const struct lint_finding *finding, enum lint_language language, struct arena *arena) {
  return fill(finding->rule->advice[language], finding, language, arena);
}
