/*
 * base/bytes.h — writing and reading records.
 *
 * Purpose: every record on disk and every snapshot is written with `struct writer` and read with `struct reader`.
 * Integers are big-endian where they stand in keys (so that byte order is number order) and LEB128 varints in
 * values. The reader never runs past its end: the first impossible read sets `failed`, every later read gives
 * zero, and one check at the end decides.
 *
 * Ownership: a writer owns a growing heap buffer that it reuses after writer_reset; a reader borrows.
 * Threading: one owner. Limits: a writer aborts over 1 GiB (a bug of the caller's bounds).
 */
#ifndef KURATOR_BASE_BYTES_H
#define KURATOR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct writer {
  uint8_t *data;
  size_t size;
  size_t capacity;
};

void writer_init(struct writer *w);
void writer_finish(struct writer *w); /* NULL-safe, may be called twice */
void writer_reset(struct writer *w);
void writer_raw(struct writer *w, struct span bytes);
void writer_u8(struct writer *w, uint8_t v);
void writer_u32be(struct writer *w, uint32_t v);
void writer_u64be(struct writer *w, uint64_t v);
void writer_varint(struct writer *w, uint64_t v);  /* unsigned LEB128 */
void writer_zigzag(struct writer *w, int64_t v);   /* signed, zigzag LEB128 */
void writer_blob(struct writer *w, struct span v); /* varint length, then the bytes */
/* IEEE 754 bits: numbers with equal bits are the same value, which == does not say of NaN and of the two zeros. */
static inline uint64_t real_bits(double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof(bits));
  return bits;
}
void writer_real(struct writer *w, double v); /* IEEE 754 bits, big-endian */
void writer_printf(struct writer *w, const char *format, ...) PRINTF_LIKE(2, 3);
static inline struct span writer_span(const struct writer *w) {
  return (struct span){w->data, w->size};
}

struct reader {
  const uint8_t *data;
  size_t size; /* bytes left */
  bool failed;
};

static inline struct reader reader_of(struct span s) {
  return (struct reader){s.data, s.size, false};
}
uint8_t reader_u8(struct reader *r);
uint32_t reader_u32be(struct reader *r);
uint64_t reader_u64be(struct reader *r);
uint64_t reader_varint(struct reader *r);
int64_t reader_zigzag(struct reader *r);
double reader_real(struct reader *r);
/* Borrows from the reader's bytes. */
struct span reader_blob(struct reader *r);
struct span reader_raw(struct reader *r, size_t size);
/* ERR_OK if nothing failed and nothing is left, else ERR_CORRUPT. */
enum err reader_end(const struct reader *r) MUST_CHECK;

#endif
