#include "base/span.h"

int span_compare(struct span a, struct span b) {
  size_t common = a.size < b.size ? a.size : b.size;
  int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
  if (order != 0) {
    return order;
  }
  return (a.size > b.size) - (a.size < b.size);
}

bool span_starts_with(struct span s, struct span prefix) {
  return s.size >= prefix.size && (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

static bool is_white(uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span span_trim(struct span s) {
  while (s.size > 0 && is_white(s.data[0])) {
    s.data++;
    s.size--;
  }
  while (s.size > 0 && is_white(s.data[s.size - 1])) {
    s.size--;
  }
  return s;
}

struct span span_cut(struct span s, char separator, struct span *ret_rest) {
  const uint8_t *found = s.size == 0 ? NULL : memchr(s.data, (unsigned char)separator, s.size);
  if (!found) {
    *ret_rest = span_of(NULL, 0);
    return s;
  }
  size_t before = (size_t)(found - s.data);
  *ret_rest = span_of(found + 1, s.size - before - 1);
  return span_of(s.data, before);
}

bool span_to_int64(struct span s, int64_t *ret_value) {
  size_t at = 0;
  bool negative = s.size > 0 && s.data[0] == '-';
  if (s.size > 0 && (s.data[0] == '-' || s.data[0] == '+')) {
    at = 1;
  }
  if (at == s.size) {
    return false;
  }
  uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
  uint64_t value = 0;
  for (; at < s.size; at++) {
    if (s.data[at] < '0' || s.data[at] > '9') {
      return false;
    }
    uint64_t digit = (uint64_t)(s.data[at] - '0');
    if (value > (limit - digit) / 10) {
      return false;
    }
    value = value * 10 + digit;
  }
  /* Through -1 - (value - 1), because the smallest number has no positive twin. */
  *ret_value = negative && value > 0 ? -1 - (int64_t)(value - 1) : (int64_t)value;
  return true;
}

/* One row per kind of first byte (Unicode 15, table 3-7): what the second byte may be; later ones are 80..BF. */
static const struct {
  uint8_t first_min, first_max;
  uint8_t second_min, second_max;
  uint8_t size;
} sequences[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

size_t span_character_size(struct span s) {
  if (s.size == 0) {
    return 0;
  }
  if (s.data[0] < 0x80) {
    return 1;
  }
  for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
    if (s.data[0] < sequences[i].first_min || s.data[0] > sequences[i].first_max) {
      continue;
    }
    if (s.size < sequences[i].size || s.data[1] < sequences[i].second_min || s.data[1] > sequences[i].second_max) {
      return 0;
    }
    for (size_t at = 2; at < sequences[i].size; at++) {
      if ((s.data[at] & 0xC0U) != 0x80U) {
        return 0;
      }
    }
    return sequences[i].size;
  }
  return 0;
}

bool span_is_text(struct span s) {
  for (size_t at = 0; at < s.size;) {
    if (s.data[at] == 0) {
      return false;
    }
    size_t size = s.data[at] < 0x80 ? 1 : span_character_size(span_of(s.data + at, s.size - at));
    if (size == 0) {
      return false;
    }
    at += size;
  }
  return true;
}
