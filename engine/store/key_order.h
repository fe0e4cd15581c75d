/*
 * store/key_order.h — the one order of keys: bytes ascending, the shorter first when one begins the other.
 *
 * Purpose: span_compare's order, made fast for sorting and searching: the first eight bytes of a key, read as a
 * big-endian number ("head"), decide most comparisons without following a pointer. LMDB's default order is the same.
 */
#ifndef KURATOR_STORE_KEY_ORDER_H
#define KURATOR_STORE_KEY_ORDER_H

#include <stdint.h>

#include "base/span.h"

/* A short key is padded with zero bytes: a tie of heads, never a wrong order. */
static inline uint64_t key_head(struct span key) {
  if (key.size >= sizeof(uint64_t)) {
    uint64_t raw;
    memcpy(&raw, key.data, sizeof raw);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    raw = __builtin_bswap64(raw);
#endif
    return raw;
  }
  uint64_t head = 0;
  for (size_t i = 0; i < sizeof head; i++) {
    head = head << 8 | (i < key.size ? key.data[i] : 0);
  }
  return head;
}

static inline int key_compare(uint64_t a_head, struct span a, uint64_t b_head, struct span b) {
  if (a_head != b_head) {
    return a_head < b_head ? -1 : 1;
  }
  return span_compare(a, b);
}

#endif
