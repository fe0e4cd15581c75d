#include "chart_index.h"

enum { NESTING_MAX = 200 };

struct scan {
  struct chart_index *index;
  struct arena *arena;
  size_t at;
  uint32_t line;
  size_t open[NESTING_MAX]; /* nodes whose end tag is still to come */
  size_t depth;
};

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool looking_at(const struct scan *s, const char *word) {
  struct span rest = span_of(s->index->text.data + s->at, s->index->text.size - s->at);
  return span_starts_with(rest, span_of_cstr(word));
}

static void step_to(struct scan *s, size_t at) {
  for (; s->at < at && s->at < s->index->text.size; s->at++) {
    s->line += s->index->text.data[s->at] == '\n';
  }
}

/* Behind the next `word`, or at the end of the text. */
static void skip_past(struct scan *s, const char *word) {
  struct span text = s->index->text;
  const uint8_t *found = memmem(text.data + s->at, text.size - s->at, word, strlen(word));
  step_to(s, found ? (size_t)(found - text.data) + strlen(word) : text.size);
}

/* The end of the tag that begins at `at`: behind its '>', which no quoted value ends. */
static size_t tag_end(struct span text, size_t at) {
  uint8_t quote = 0;
  for (; at < text.size; at++) {
    uint8_t c = text.data[at];
    if (quote) {
      quote = c == quote ? 0 : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return at + 1;
    }
  }
  return text.size;
}

static struct chart_node *add_node(struct scan *s) {
  struct chart_index *index = s->index;
  if (index->count == index->capacity) {
    index->capacity = index->capacity ? index->capacity * 2 : 256;
    struct chart_node *grown = ARENA_ARRAY(s->arena, struct chart_node, index->capacity);
    if (index->count > 0) {
      memcpy(grown, index->nodes, index->count * sizeof *grown);
    }
    index->nodes = grown;
  }
  return &index->nodes[index->count++];
}

static enum err open_tag(struct scan *s) {
  struct span text = s->index->text;
  size_t end = tag_end(text, s->at);
  struct span head = span_of(text.data + s->at, end - s->at);
  size_t size = 1;
  while (size < head.size && !is_space(head.data[size]) && head.data[size] != '>' && head.data[size] != '/') {
    size++;
  }
  struct span local;
  struct span name = span_of(head.data + 1, size - 1);
  struct span prefix = span_cut(name, ':', &local);
  struct chart_node *node = add_node(s);
  size_t number = (size_t)(node - s->index->nodes);
  *node = (struct chart_node){.tag = local.data ? local : prefix,
                              .extension = local.data != NULL,
                              .head = head,
                              .start = s->at,
                              .end = end,
                              .line = s->line,
                              .parent = s->depth > 0 ? s->open[s->depth - 1] : number};
  step_to(s, end);
  if (head.size >= 2 && head.data[head.size - 2] == '/') {
    return ERR_OK;
  }
  if (s->depth == NESTING_MAX) {
    return ERR_FORMAT;
  }
  s->open[s->depth++] = number;
  return ERR_OK;
}

static enum err close_tag(struct scan *s) {
  if (s->depth == 0) {
    return ERR_FORMAT;
  }
  step_to(s, tag_end(s->index->text, s->at));
  s->index->nodes[s->open[--s->depth]].end = s->at;
  return ERR_OK;
}

static enum err next_tag(struct scan *s) {
  static const struct {
    const char *begin, *end;
  } passed[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}};
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
    if (looking_at(s, passed[i].begin)) {
      skip_past(s, passed[i].end);
      return ERR_OK;
    }
  }
  return looking_at(s, "</") ? close_tag(s) : open_tag(s);
}

enum err chart_index_read(struct span chart, struct arena *arena, struct chart_index *ret_index) {
  *ret_index = (struct chart_index){.text = chart};
  struct scan s = {.index = ret_index, .arena = arena, .line = 1};
  while (s.at < chart.size) {
    if (chart.data[s.at] == '<') {
      TRY(next_tag(&s));
    } else {
      step_to(&s, s.at + 1);
    }
  }
  return s.depth == 0 ? ERR_OK : ERR_FORMAT;
}

struct span chart_node_attribute(const struct chart_node *node, const char *name) {
  size_t size = strlen(name);
  struct span head = node->head;
  for (size_t at = 1; at + size + 2 < head.size; at++) {
    uint8_t c = head.data[at];
    if (c == '"' || c == '\'') { /* over a value that is none of ours */
      const uint8_t *close = memchr(head.data + at + 1, c, head.size - at - 1);
      at = close ? (size_t)(close - head.data) : head.size;
      continue;
    }
    if (!is_space(head.data[at - 1]) || memcmp(head.data + at, name, size) != 0 || head.data[at + size] != '=') {
      continue;
    }
    const uint8_t *value = head.data + at + size + 2;
    const uint8_t *close = memchr(value, value[-1], head.size - (size_t)(value - head.data));
    return close ? span_of(value, (size_t)(close - value)) : span_of(NULL, 0);
  }
  return span_of(NULL, 0);
}

bool chart_node_names(const struct chart_node *node, const char *attribute, struct span word) {
  struct span rest = chart_node_attribute(node, attribute);
  for (size_t at = 0; at < rest.size;) {
    size_t size = 0;
    while (at + size < rest.size && !is_space(rest.data[at + size])) {
      size++;
    }
    if (span_equal(span_of(rest.data + at, size), word)) {
      return true;
    }
    at += size + 1;
  }
  return false;
}
