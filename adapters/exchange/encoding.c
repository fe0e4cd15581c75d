#include "exchange/encoding.h"

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

/* The characters of the bytes 80 to BF; 0: none. C0 to FF are the letters from А to я in order. */
static const uint16_t CP1251_UPPER[] = {
    0x0402, 0x0403, 0x201A, 0x0453, 0x201E, 0x2026, 0x2020, 0x2021, /* 80 */
    0x20AC, 0x2030, 0x0409, 0x2039, 0x040A, 0x040C, 0x040B, 0x040F, /* 88 */
    0x0452, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, /* 90 */
    0x0000, 0x2122, 0x0459, 0x203A, 0x045A, 0x045C, 0x045B, 0x045F, /* 98 */
    0x00A0, 0x040E, 0x045E, 0x0408, 0x00A4, 0x0490, 0x00A6, 0x00A7, /* A0 */
    0x0401, 0x00A9, 0x0404, 0x00AB, 0x00AC, 0x00AD, 0x00AE, 0x0407, /* A8 */
    0x00B0, 0x00B1, 0x0406, 0x0456, 0x0491, 0x00B5, 0x00B6, 0x00B7, /* B0 */
    0x0451, 0x2116, 0x0454, 0x00BB, 0x0458, 0x0405, 0x0455, 0x0457, /* B8 */
};
static const unsigned CP1251_LETTERS = 0xC0;
static const unsigned LETTER_A = 0x0410;

/* Every character of windows-1251 beyond ASCII takes two or three bytes. Returns how many, 0 for a byte that is none.
 */
static size_t put_character(uint8_t byte, uint8_t *to) {
  unsigned code = byte >= CP1251_LETTERS ? LETTER_A + byte - CP1251_LETTERS : CP1251_UPPER[byte - 0x80];
  if (code == 0) {
    return 0;
  }
  if (code < 0x800) {
    to[0] = (uint8_t)(0xC0 | code >> 6);
    to[1] = (uint8_t)(0x80 | (code & 0x3F));
    return 2;
  }
  to[0] = (uint8_t)(0xE0 | code >> 12);
  to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
  to[2] = (uint8_t)(0x80 | (code & 0x3F));
  return 3;
}

static enum err cp1251_to_utf8(struct span bytes, struct arena *arena, struct span *ret_text) {
  uint8_t *text = arena_alloc(arena, bytes.size * 3);
  size_t size = 0;
  for (size_t i = 0; i < bytes.size; i++) {
    if (bytes.data[i] < 0x80) {
      text[size++] = bytes.data[i];
      continue;
    }
    size_t put = put_character(bytes.data[i], text + size);
    if (put == 0) {
      return ERR_FORMAT;
    }
    size += put;
  }
  *ret_text = span_of(text, size);
  return ERR_OK;
}

enum err encoding_to_utf8(enum encoding encoding, struct span bytes, struct arena *arena, struct span *ret_text) {
  *ret_text = bytes;
  if (encoding == ENCODING_CP1251) {
    TRY(cp1251_to_utf8(bytes, arena, ret_text));
  }
  return span_is_text(*ret_text) ? ERR_OK : ERR_FORMAT;
}
