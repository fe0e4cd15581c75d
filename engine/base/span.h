/*
 * base/span.h — borrowed bytes.
 *
 * Purpose: a pointer and a size that travel together, for text (UTF-8, not terminated) and for bytes. A span
 * never owns what it shows: whoever hands one out says how long it lives (process, batch, or until the
 * transaction or callback ends).
 *
 * Threading: values only. Never: allocates or frees.
 */
#ifndef KURATOR_BASE_SPAN_H
#define KURATOR_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
  const uint8_t *data; /* may be NULL only when size is 0 */
  size_t size;         /* bytes */
};

/* For printf("%.*s", SPAN_ARG(s)); evaluates `s` twice. */
#define SPAN_ARG(s)        (int)(s).size, (const char *)(s).data
#define SPAN_LITERAL(text) ((struct span){(const uint8_t *)("" text), sizeof(text) - 1})

static inline struct span span_of(const void *data, size_t size) {
  return (struct span){data, size};
}
/* NULL gives the empty span. */
static inline struct span span_of_cstr(const char *text) {
  return (struct span){(const uint8_t *)text, text ? strlen(text) : 0};
}
static inline bool span_empty(struct span s) {
  return s.size == 0;
}
static inline bool span_equal(struct span a, struct span b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
static inline bool span_is(struct span a, const char *text) {
  return span_equal(a, span_of_cstr(text));
}

/* Byte order, shorter first when one is a prefix of the other; the order of every sorted table in the project. */
int span_compare(struct span a, struct span b);
bool span_starts_with(struct span s, struct span prefix);
/* Without leading and trailing ASCII white space. */
struct span span_trim(struct span s);
/* Cuts at the first `separator`: returns what is before it and leaves the rest in `*rest`. When there is none,
 * returns all and leaves `*rest` empty with data NULL. */
struct span span_cut(struct span s, char separator, struct span *ret_rest);
/* Strict decimal integer, optional sign, no white space, whole span; false on anything else or overflow. */
bool span_to_int64(struct span s, int64_t *ret_value);
/* True if the bytes are well-formed UTF-8 without NUL (Unicode 15, table 3-7). */
bool span_is_text(struct span s);
/* Bytes of the well-formed UTF-8 character that `s` begins with (NUL counts as one), 0 if there is none. */
size_t span_character_size(struct span s);

#endif
