/*
 * runtime/line.h — one line of JSON with a fixed order of fields.
 */
#ifndef KURATOR_RUNTIME_LINE_H
#define KURATOR_RUNTIME_LINE_H

#include "base/bytes.h"
#include "base/civil.h"
#include "base/json.h"

static inline void line_value(struct writer *w, const char *name, struct value value) {
  writer_u8(w, w->size == 0 ? '{' : ',');
  struct value key = value_text(span_of_cstr(name));
  json_write(&key, w);
  writer_u8(w, ':');
  json_write(&value, w);
}

static inline void line_text(struct writer *w, const char *name, struct span text) {
  line_value(w, name, value_text(text));
}

/* Null when there is none. */
static inline void line_text_or_null(struct writer *w, const char *name, struct span text) {
  line_value(w, name, span_empty(text) ? value_nil() : value_text(text));
}

static inline void line_text_if_any(struct writer *w, const char *name, struct span text) {
  if (!span_empty(text)) {
    line_text(w, name, text);
  }
}

static inline void line_day(struct writer *w, const char *name, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  civil_day_format(day, text);
  line_text(w, name, span_of_cstr(text));
}

static inline void line_moment(struct writer *w, const char *name, civil_moment moment) {
  char text[CIVIL_MOMENT_TEXT];
  civil_moment_format(moment, text);
  line_text(w, name, span_of_cstr(text));
}

static inline void line_end(struct writer *w) {
  writer_u8(w, '}');
}

#endif
