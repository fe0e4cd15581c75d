#include "exchange/encoding.h"

#include <iconv.h>

static const uint8_t BOM[] = {0xEF, 0xBB, 0xBF};

struct span encoding_without_bom(struct span head) {
  if (span_starts_with(head, span_of(BOM, sizeof BOM))) {
    return span_of(head.data + sizeof BOM, head.size - sizeof BOM);
  }
  return head;
}

/* The head may end inside a character: up to three bytes are forgiven. */
enum encoding encoding_guess(struct span head) {
  if (encoding_without_bom(head).size != head.size) {
    return ENCODING_UTF8;
  }
  for (size_t cut = 0; cut <= 3 && cut <= head.size; cut++) {
    if (span_is_text(span_of(head.data, head.size - cut))) {
      return ENCODING_UTF8;
    }
  }
  return ENCODING_CP1251;
}

static void close_iconv(iconv_t *converter) {
  if (*converter != (iconv_t)-1) {
    iconv_close(*converter);
  }
}

enum err encoding_to_utf8(enum encoding encoding, struct span bytes, struct arena *arena, struct span *ret_text) {
  if (encoding == ENCODING_UTF8) {
    *ret_text = bytes;
    return span_is_text(bytes) ? ERR_OK : ERR_FORMAT;
  }
  if (bytes.size == 0) {
    *ret_text = bytes;
    return ERR_OK;
  }
  iconv_t converter DEFER(close_iconv) = iconv_open("UTF-8", "WINDOWS-1251");
  if (converter == (iconv_t)-1) {
    return ERR_UNSUPPORTED;
  }
  size_t capacity = bytes.size * 3; /* the longest character of windows-1251 takes three bytes */
  char *text = arena_alloc(arena, capacity);
  char *in = (char *)(uintptr_t)bytes.data; /* iconv's input is const in all but its type */
  char *out = text;
  size_t in_left = bytes.size;
  size_t out_left = capacity;
  if (iconv(converter, &in, &in_left, &out, &out_left) == (size_t)-1) {
    return ERR_FORMAT;
  }
  *ret_text = span_of(text, capacity - out_left);
  return span_is_text(*ret_text) ? ERR_OK : ERR_FORMAT;
}
