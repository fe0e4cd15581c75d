#include "chart_text.h"

static size_t character(struct span text) {
  size_t size = span_character_size(text);
  return size > 0 ? size : 1;
}

int text_length(struct span text) {
  int count = 0;
  while (text.size > 0) {
    size_t size = character(text);
    text = span_of(text.data + size, text.size - size);
    count++;
  }
  return count;
}

/* The first `most` characters. */
static struct span head(struct span text, int most) {
  size_t size = 0;
  while (size < text.size && most-- > 0) {
    size += character(span_of(text.data + size, text.size - size));
  }
  return span_of(text.data, size);
}

static bool may_break_after(uint8_t c) {
  return c == ' ' || c == '-' || c == '_';
}

/* Where a line may end; 0: nowhere. */
static size_t last_break(struct span line) {
  size_t at = line.size;
  while (at > 0 && !may_break_after(line.data[at - 1])) {
    at--;
  }
  return at;
}

struct span text_next_line(struct span *rest, int width) {
  struct span text = span_trim(*rest);
  struct span line = head(text, width);
  if (line.size < text.size && text.data[line.size] != ' ') {
    size_t size = last_break(line);
    line = size > 0 ? span_of(line.data, size) : line;
  }
  *rest = span_of(text.data + line.size, text.size - line.size);
  return span_trim(line);
}

int text_lines(struct span text, int width) {
  int lines = 0;
  do {
    (void)text_next_line(&text, width);
    lines++;
  } while (span_trim(text).size > 0);
  return lines;
}

int text_longest(struct span text) {
  int longest = 1;
  int size = 0;
  while (text.size > 0) {
    size_t bytes = character(text);
    size = text.data[0] == ' ' ? 0 : size + 1;
    longest = size > longest ? size : longest;
    size = may_break_after(text.data[0]) ? 0 : size;
    text = span_of(text.data + bytes, text.size - bytes);
  }
  return longest;
}
