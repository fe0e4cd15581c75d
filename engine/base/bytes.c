#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 256, SIZE_LIMIT = 1 << 30, VARINT_MAX = 10 };

void writer_init(struct writer *w) {
  *w = (struct writer){0};
}

void writer_finish(struct writer *w) {
  if (w) {
    free(w->data);
    writer_init(w);
  }
}

void writer_reset(struct writer *w) {
  w->size = 0;
}

/* Room for `size` more bytes; returns where they start. The caller adds to `size` what it wrote. */
static uint8_t *writer_reserve(struct writer *w, size_t size) {
  ASSERT(size <= SIZE_LIMIT - w->size);
  if (w->capacity - w->size < size) {
    size_t capacity = w->capacity ? w->capacity : CAPACITY_FIRST;
    while (capacity - w->size < size) {
      capacity *= 2;
    }
    uint8_t *data = realloc(w->data, capacity);
    ASSERT(data);
    w->data = data;
    w->capacity = capacity;
  }
  return w->data + w->size;
}

void writer_raw(struct writer *w, struct span bytes) {
  if (bytes.size > 0) {
    memcpy(writer_reserve(w, bytes.size), bytes.data, bytes.size);
    w->size += bytes.size;
  }
}

void writer_u8(struct writer *w, uint8_t v) {
  *writer_reserve(w, 1) = v;
  w->size++;
}

static void writer_be(struct writer *w, uint64_t v, unsigned size) {
  uint8_t *at = writer_reserve(w, size);
  for (unsigned i = 0; i < size; i++) {
    at[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
  }
  w->size += size;
}

void writer_u32be(struct writer *w, uint32_t v) {
  writer_be(w, v, 4);
}

void writer_u64be(struct writer *w, uint64_t v) {
  writer_be(w, v, 8);
}

void writer_varint(struct writer *w, uint64_t v) {
  uint8_t *at = writer_reserve(w, VARINT_MAX);
  size_t size = 0;
  while (v >= 0x80) {
    at[size++] = (uint8_t)(v | 0x80U);
    v >>= 7;
  }
  at[size++] = (uint8_t)v;
  w->size += size;
}

/* Small numbers of either sign stay short: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
void writer_zigzag(struct writer *w, int64_t v) {
  uint64_t sign = v < 0 ? UINT64_MAX : 0;
  writer_varint(w, ((uint64_t)v << 1) ^ sign);
}

void writer_blob(struct writer *w, struct span v) {
  writer_varint(w, v.size);
  writer_raw(w, v);
}

void writer_real(struct writer *w, double v) {
  writer_u64be(w, real_bits(v));
}

void writer_printf(struct writer *w, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = w->capacity - w->size;
  int length = vsnprintf(w->data ? (char *)w->data + w->size : NULL, room, format, args);
  va_end(args);
  ASSERT(length >= 0);
  size_t size = (size_t)length;
  if (size >= room) {
    char *at = (char *)writer_reserve(w, size + 1);
    va_start(args, format);
    (void)vsnprintf(at, size + 1, format, args);
    va_end(args);
  }
  w->size += size;
}

/* After a failure nothing is left, so that later reads fail by the ordinary check and `size` bounds stay true. */
static void reader_fail(struct reader *r) {
  r->failed = true;
  r->size = 0;
}

struct span reader_raw(struct reader *r, size_t size) {
  if (r->failed || size > r->size) {
    reader_fail(r);
    return span_of(NULL, 0);
  }
  struct span bytes = span_of(r->data, size);
  if (size > 0) {
    r->data += size;
    r->size -= size;
  }
  return bytes;
}

static uint64_t reader_be(struct reader *r, unsigned size) {
  struct span bytes = reader_raw(r, size);
  uint64_t v = 0;
  for (size_t i = 0; i < bytes.size; i++) {
    v = v << 8 | bytes.data[i];
  }
  return v;
}

uint8_t reader_u8(struct reader *r) {
  return (uint8_t)reader_be(r, 1);
}

uint32_t reader_u32be(struct reader *r) {
  return (uint32_t)reader_be(r, 4);
}

uint64_t reader_u64be(struct reader *r) {
  return reader_be(r, 8);
}

/* Refuses overlong forms too: one number has one form, so that equal records are equal bytes. */
uint64_t reader_varint(struct reader *r) {
  uint64_t v = 0;
  for (unsigned i = 0; i < VARINT_MAX && i < r->size; i++) {
    uint8_t byte = r->data[i];
    v |= (uint64_t)(byte & 0x7FU) << (7 * i);
    if (byte < 0x80) {
      bool overlong = byte == 0 && i > 0;
      bool overflow = i == VARINT_MAX - 1 && byte > 1;
      if (overlong || overflow) {
        break;
      }
      r->data += i + 1;
      r->size -= i + 1;
      return v;
    }
  }
  reader_fail(r);
  return 0;
}

int64_t reader_zigzag(struct reader *r) {
  uint64_t v = reader_varint(r);
  int64_t half = (int64_t)(v >> 1);
  return v & 1U ? -1 - half : half;
}

double reader_real(struct reader *r) {
  uint64_t bits = reader_u64be(r);
  double v;
  memcpy(&v, &bits, sizeof(v));
  return v;
}

struct span reader_blob(struct reader *r) {
  uint64_t size = reader_varint(r);
  if (size > r->size) {
    reader_fail(r);
    return span_of(NULL, 0);
  }
  return reader_raw(r, (size_t)size);
}

enum err reader_end(const struct reader *r) {
  return r->failed || r->size > 0 ? ERR_CORRUPT : ERR_OK;
}
