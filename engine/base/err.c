/* Codes, classes and texts stand in one table, so that none of the three can be forgotten for a new error. */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/span.h"

static const struct {
  const char *name;
  const char *text;
  enum err_class class;
} entries[] = {
#define X(name, class, text) {#name, text, class},
    ERR_MAP(X)
#undef X
};

enum { ENTRIES_COUNT = sizeof(entries) / sizeof(entries[0]) };

const char *err_text(enum err err) {
  return (size_t)err < ENTRIES_COUNT ? entries[err].text : "unknown error";
}

const char *err_name(enum err err) {
  return (size_t)err < ENTRIES_COUNT ? entries[err].name : "UNKNOWN";
}

enum err_class err_class_of(enum err err) {
  return (size_t)err < ENTRIES_COUNT ? entries[err].class : ERR_CLASS_OPERATIONAL;
}

/* A text that was cut by its limit must not end in half a UTF-8 character: it may travel on in JSON or protobuf. */
static void cut_whole_characters(char *text, size_t size) {
  size_t start = size;
  while (start > 0 && ((unsigned char)text[start - 1] & 0xC0U) == 0x80U) {
    start--;
  }
  if (start == 0) {
    return;
  }
  unsigned char lead = (unsigned char)text[start - 1];
  size_t wanted = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : lead >= 0xC0U ? 2 : 1;
  if (size - (start - 1) < wanted) {
    text[start - 1] = '\0';
  }
}

/* Nor may it hold what is no UTF-8: names of damaged records and words of damaged files come here as they are. */
static void mend_characters(char *text) {
  struct span rest = span_of_cstr(text);
  while (!span_empty(rest)) {
    size_t size = span_character_size(rest);
    if (size == 0) {
      text[strlen(text) - rest.size] = '?';
      size = 1;
    }
    rest = span_of(rest.data + size, rest.size - size);
  }
}

static void fault_fill(struct fault *fault, enum err err, const char *format, va_list args) {
  fault->err = err;
  int length = vsnprintf(fault->text, sizeof(fault->text), format, args);
  if (length < 0) {
    fault->text[0] = '\0';
  } else if ((size_t)length >= sizeof(fault->text)) {
    cut_whole_characters(fault->text, sizeof(fault->text) - 1);
  }
  mend_characters(fault->text);
}

enum err fault_set(struct fault *fault, enum err err, const char *format, ...) {
  if (fault) {
    fault->line = 0;
    fault->column = 0;
    va_list args;
    va_start(args, format);
    fault_fill(fault, err, format, args);
    va_end(args);
  }
  return err;
}

enum err fault_set_at(struct fault *fault, enum err err, uint32_t line, uint32_t column, const char *format, ...) {
  if (fault) {
    fault->line = line;
    fault->column = column;
    va_list args;
    va_start(args, format);
    fault_fill(fault, err, format, args);
    va_end(args);
  }
  return err;
}

void assert_fail(const char *condition, const char *file, int line) {
  (void)fprintf(stderr, "%s:%d: bug: %s does not hold\n", file, line, condition);
  abort();
}
