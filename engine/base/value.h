/*
 * base/value.h — a tree of data: what an event carries, what a chart computes, what JSON and protobuf map to.
 *
 * Purpose: one immutable tree between the outside formats (JSON, protobuf), the chart's data model and the records
 * on disk. It is canonical: the fields of a map stand in byte order of their names, without doubles, so equal data
 * is equal bytes.
 *
 * Ownership: a value borrows its texts, items and fields from the arena (or record) that it was made in; copy with
 * value_copy to let it outlive that. Threading: immutable once built.
 * Limits: depth VALUE_DEPTH_MAX; decoders refuse more. Never: shares or cycles.
 */
#ifndef KURATOR_BASE_VALUE_H
#define KURATOR_BASE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/span.h"

enum { VALUE_DEPTH_MAX = 32 };

enum value_kind { VALUE_NIL, VALUE_BOOL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_LIST, VALUE_MAP };

struct value_field;

struct value {
  enum value_kind kind;
  union {
    bool truth;
    int64_t integer;
    double real;
    struct span text; /* UTF-8 */
    struct {
      struct value *items;
      size_t count;
    } list;
    struct {
      struct value_field *fields; /* sorted by name */
      size_t count;
    } map;
  };
};

struct value_field {
  struct span name;
  struct value value;
};

static inline struct value value_nil(void) {
  return (struct value){.kind = VALUE_NIL};
}
static inline struct value value_bool(bool v) {
  return (struct value){.kind = VALUE_BOOL, .truth = v};
}
static inline struct value value_int(int64_t v) {
  return (struct value){.kind = VALUE_INT, .integer = v};
}
static inline struct value value_real(double v) {
  return (struct value){.kind = VALUE_REAL, .real = v};
}
static inline struct value value_text(struct span v) {
  return (struct value){.kind = VALUE_TEXT, .text = v};
}

/* Sorts the fields by name. ERR_INVALID if a name stands twice. `fields` must live as long as the value. */
enum err value_map(struct value_field *fields, size_t count, struct value *ret_value) MUST_CHECK;
static inline struct value value_list(struct value *items, size_t count) {
  return (struct value){.kind = VALUE_LIST, .list = {items, count}};
}

/* The field of a map, or NULL: when there is none, when `map` is NULL or is no map. */
const struct value *value_get(const struct value *map, const char *name);
const struct value *value_find(const struct value *map, struct span name);
/* The text of a map's field, or the empty span when it is missing or no text. */
struct span value_get_text(const struct value *map, const char *name);
/* A new map in `arena` with `name` set to `field` (replaced or added); `map` may be NULL or nil. Fields are shared. */
struct value value_with(struct arena *arena, const struct value *map, struct span name, struct value field);
/* False if the tree is deeper than decoders accept: whoever wraps data from outside asks this before encoding. */
bool value_depth_fits(const struct value *v);
bool value_equal(const struct value *a, const struct value *b);
/* Deep copy into `arena`. */
struct value value_copy(struct arena *arena, const struct value *v);

/* Canonical bytes: kind byte, then varints, blobs and reals of base/bytes.h. */
void value_encode(const struct value *v, struct writer *w);
/* Reads one value; texts borrow from the reader, tables come from `arena`. ERR_CORRUPT on anything malformed. */
enum err value_decode(struct reader *r, struct arena *arena, struct value *ret_value) MUST_CHECK;

#endif
