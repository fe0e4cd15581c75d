/*
 * The record form of a value: a kind byte, then what the kind needs.
 *
 *   nil   00
 *   bool  01 00|01
 *   int   02 zigzag varint
 *   real  03 eight bytes, big-endian
 *   text  04 blob
 *   list  05 count, values
 *   map   06 count, (blob name, value) in byte order of the names, each name once
 */
#include "base/value.h"

#include <stdlib.h>

enum { INSERTION_SORT_MAX = 24 };

/* --- maps --- */

static int field_compare(const void *a, const void *b) {
  return span_compare(((const struct value_field *)a)->name, ((const struct value_field *)b)->name);
}

static void fields_insertion_sort(struct value_field *fields, size_t count) {
  for (size_t i = 1; i < count; i++) {
    struct value_field moved = fields[i];
    size_t at = i;
    for (; at > 0 && field_compare(&fields[at - 1], &moved) > 0; at--) {
      fields[at] = fields[at - 1];
    }
    fields[at] = moved;
  }
}

enum err value_map(struct value_field *fields, size_t count, struct value *ret_value) {
  if (count <= INSERTION_SORT_MAX) {
    fields_insertion_sort(fields, count);
  } else {
    qsort(fields, count, sizeof(*fields), field_compare);
  }
  for (size_t i = 1; i < count; i++) {
    if (field_compare(&fields[i - 1], &fields[i]) == 0) {
      return ERR_INVALID;
    }
  }
  *ret_value = (struct value){.kind = VALUE_MAP, .map = {fields, count}};
  return ERR_OK;
}

/* The first field whose name is not before `name`. */
static size_t fields_lower_bound(const struct value *map, struct span name) {
  size_t low = 0;
  size_t high = map->map.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (span_compare(map->map.fields[middle].name, name) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

const struct value *value_find(const struct value *map, struct span name) {
  if (!map || map->kind != VALUE_MAP) {
    return NULL;
  }
  size_t at = fields_lower_bound(map, name);
  bool found = at < map->map.count && span_equal(map->map.fields[at].name, name);
  return found ? &map->map.fields[at].value : NULL;
}

const struct value *value_get(const struct value *map, const char *name) {
  return value_find(map, span_of_cstr(name));
}

struct span value_get_text(const struct value *map, const char *name) {
  const struct value *field = value_get(map, name);
  return field && field->kind == VALUE_TEXT ? field->text : span_of(NULL, 0);
}

struct value value_with(struct arena *arena, const struct value *map, struct span name, struct value field) {
  struct value none = {.kind = VALUE_MAP, .map = {NULL, 0}};
  const struct value *old = map && map->kind == VALUE_MAP ? map : &none;
  size_t at = fields_lower_bound(old, name);
  size_t replaced = at < old->map.count && span_equal(old->map.fields[at].name, name) ? 1 : 0;
  size_t after = old->map.count - at - replaced;
  struct value_field *fields = ARENA_ARRAY(arena, struct value_field, at + 1 + after);
  if (at > 0) {
    memcpy(fields, old->map.fields, at * sizeof(*fields));
  }
  fields[at] = (struct value_field){name, field};
  if (after > 0) {
    memcpy(fields + at + 1, old->map.fields + at + replaced, after * sizeof(*fields));
  }
  return (struct value){.kind = VALUE_MAP, .map = {fields, at + 1 + after}};
}

/* --- whole trees; the recursion is as deep as the tree, which whoever read it from outside has bounded --- */

static bool depth_fits(const struct value *v, unsigned left) {
  if (v->kind != VALUE_LIST && v->kind != VALUE_MAP) {
    return true;
  }
  if (left == 0) {
    return false;
  }
  for (size_t i = 0; v->kind == VALUE_LIST && i < v->list.count; i++) {
    if (!depth_fits(&v->list.items[i], left - 1)) {
      return false;
    }
  }
  for (size_t i = 0; v->kind == VALUE_MAP && i < v->map.count; i++) {
    if (!depth_fits(&v->map.fields[i].value, left - 1)) {
      return false;
    }
  }
  return true;
}

bool value_depth_fits(const struct value *v) {
  return depth_fits(v, VALUE_DEPTH_MAX);
}

static bool lists_equal(const struct value *a, const struct value *b) {
  if (a->list.count != b->list.count) {
    return false;
  }
  for (size_t i = 0; i < a->list.count; i++) {
    if (!value_equal(&a->list.items[i], &b->list.items[i])) {
      return false;
    }
  }
  return true;
}

static bool maps_equal(const struct value *a, const struct value *b) {
  if (a->map.count != b->map.count) {
    return false;
  }
  for (size_t i = 0; i < a->map.count; i++) {
    if (!span_equal(a->map.fields[i].name, b->map.fields[i].name) ||
        !value_equal(&a->map.fields[i].value, &b->map.fields[i].value)) {
      return false;
    }
  }
  return true;
}

bool value_equal(const struct value *a, const struct value *b) {
  if (a->kind != b->kind) {
    return false;
  }
  switch (a->kind) {
  case VALUE_NIL:
    return true;
  case VALUE_BOOL:
    return a->truth == b->truth;
  case VALUE_INT:
    return a->integer == b->integer;
  case VALUE_REAL: /* as the record form is: a value always equals its copy */
    return real_bits(a->real) == real_bits(b->real);
  case VALUE_TEXT:
    return span_equal(a->text, b->text);
  case VALUE_LIST:
    return lists_equal(a, b);
  case VALUE_MAP:
    return maps_equal(a, b);
  }
  return false;
}

static struct value list_copy(struct arena *arena, const struct value *v) {
  struct value *items = ARENA_ARRAY(arena, struct value, v->list.count);
  for (size_t i = 0; i < v->list.count; i++) {
    items[i] = value_copy(arena, &v->list.items[i]);
  }
  return value_list(items, v->list.count);
}

static struct value map_copy(struct arena *arena, const struct value *v) {
  struct value_field *fields = ARENA_ARRAY(arena, struct value_field, v->map.count);
  for (size_t i = 0; i < v->map.count; i++) {
    fields[i].name = arena_copy(arena, v->map.fields[i].name);
    fields[i].value = value_copy(arena, &v->map.fields[i].value);
  }
  return (struct value){.kind = VALUE_MAP, .map = {fields, v->map.count}};
}

struct value value_copy(struct arena *arena, const struct value *v) {
  switch (v->kind) {
  case VALUE_TEXT:
    return value_text(arena_copy(arena, v->text));
  case VALUE_LIST:
    return list_copy(arena, v);
  case VALUE_MAP:
    return map_copy(arena, v);
  default:
    return *v;
  }
}

/* --- records --- */

void value_encode(const struct value *v, struct writer *w) {
  writer_u8(w, (uint8_t)v->kind);
  switch (v->kind) {
  case VALUE_NIL:
    break;
  case VALUE_BOOL:
    writer_u8(w, v->truth ? 1 : 0);
    break;
  case VALUE_INT:
    writer_zigzag(w, v->integer);
    break;
  case VALUE_REAL:
    writer_real(w, v->real);
    break;
  case VALUE_TEXT:
    writer_blob(w, v->text);
    break;
  case VALUE_LIST:
    writer_varint(w, v->list.count);
    for (size_t i = 0; i < v->list.count; i++) {
      value_encode(&v->list.items[i], w);
    }
    break;
  case VALUE_MAP:
    writer_varint(w, v->map.count);
    for (size_t i = 0; i < v->map.count; i++) {
      writer_blob(w, v->map.fields[i].name);
      value_encode(&v->map.fields[i].value, w);
    }
    break;
  }
}

/*
 * `owed` is the least number of bytes that the lists and maps being read still need. A count is believed only as far
 * as the bytes behind the owed ones can carry it, so that a short hostile record cannot ask for much memory.
 */
struct decoding {
  struct reader *reader;
  struct arena *arena;
  size_t owed;
};

enum { ITEM_SIZE_MIN = 1, FIELD_SIZE_MIN = 2 };

static enum err decode_value(struct decoding *d, unsigned depth_left, struct value *ret_value);

static enum err decode_count(struct decoding *d, unsigned depth_left, size_t size_min, size_t *ret_count) {
  uint64_t count = reader_varint(d->reader);
  size_t left = d->reader->size;
  if (d->reader->failed || depth_left == 0 || left < d->owed || count > (left - d->owed) / size_min) {
    return ERR_CORRUPT;
  }
  d->owed += (size_t)count * size_min;
  *ret_count = (size_t)count;
  return ERR_OK;
}

static enum err decode_list(struct decoding *d, unsigned depth_left, struct value *ret_value) {
  size_t count;
  TRY(decode_count(d, depth_left, ITEM_SIZE_MIN, &count));
  struct value *items = ARENA_ARRAY(d->arena, struct value, count);
  for (size_t i = 0; i < count; i++) {
    d->owed -= ITEM_SIZE_MIN;
    TRY(decode_value(d, depth_left - 1, &items[i]));
  }
  *ret_value = value_list(items, count);
  return ERR_OK;
}

static enum err decode_map(struct decoding *d, unsigned depth_left, struct value *ret_value) {
  size_t count;
  TRY(decode_count(d, depth_left, FIELD_SIZE_MIN, &count));
  struct value_field *fields = ARENA_ARRAY(d->arena, struct value_field, count);
  for (size_t i = 0; i < count; i++) {
    d->owed -= FIELD_SIZE_MIN;
    fields[i].name = reader_blob(d->reader);
    if (i > 0 && span_compare(fields[i - 1].name, fields[i].name) >= 0) {
      return ERR_CORRUPT;
    }
    TRY(decode_value(d, depth_left - 1, &fields[i].value));
  }
  *ret_value = (struct value){.kind = VALUE_MAP, .map = {fields, count}};
  return ERR_OK;
}

static enum err decode_bool(struct reader *r, struct value *ret_value) {
  uint8_t truth = reader_u8(r);
  *ret_value = value_bool(truth == 1);
  return truth <= 1 ? ERR_OK : ERR_CORRUPT;
}

static enum err decode_value(struct decoding *d, unsigned depth_left, struct value *ret_value) {
  switch (reader_u8(d->reader)) {
  case VALUE_NIL:
    *ret_value = value_nil();
    break;
  case VALUE_BOOL:
    TRY(decode_bool(d->reader, ret_value));
    break;
  case VALUE_INT:
    *ret_value = value_int(reader_zigzag(d->reader));
    break;
  case VALUE_REAL:
    *ret_value = value_real(reader_real(d->reader));
    break;
  case VALUE_TEXT:
    *ret_value = value_text(reader_blob(d->reader));
    break;
  case VALUE_LIST:
    TRY(decode_list(d, depth_left, ret_value));
    break;
  case VALUE_MAP:
    TRY(decode_map(d, depth_left, ret_value));
    break;
  default:
    return ERR_CORRUPT;
  }
  return d->reader->failed ? ERR_CORRUPT : ERR_OK;
}

enum err value_decode(struct reader *r, struct arena *arena, struct value *ret_value) {
  struct decoding d = {r, arena, 0};
  struct value v;
  TRY(decode_value(&d, VALUE_DEPTH_MAX, &v));
  *ret_value = v;
  return ERR_OK;
}
