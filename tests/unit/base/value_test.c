#include "base/value.h"

#include <math.h>

#include "check.h"

static struct arena arena;

static int arena_setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  return 0;
}

static int arena_teardown(void **state) {
  (void)state;
  arena_finish(&arena);
  return 0;
}

static struct value text(const char *t) {
  return value_text(span_of_cstr(t));
}

static struct value map_of(struct value_field *fields, size_t count) {
  struct value v;
  assert_int_equal(value_map(fields, count, &v), ERR_OK);
  return v;
}

/* A tree of every kind, made from noise; `depth` levels at most. */
static struct value tree(uint64_t *seed, unsigned depth) {
  switch (noise(seed) % (depth > 0 ? 7 : 5)) {
  case 0:
    return value_nil();
  case 1:
    return value_bool(noise(seed) % 2);
  case 2:
    return value_int((int64_t)(noise(seed) >> (noise(seed) % 64)));
  case 3:
    return value_real((double)(int64_t)noise(seed) / 1000.0);
  case 4:
    return value_text(arena_printf(&arena, "текст-%u", (unsigned)(noise(seed) % 1000)));
  case 5: {
    size_t count = noise(seed) % 5;
    struct value *items = ARENA_ARRAY(&arena, struct value, count);
    for (size_t i = 0; i < count; i++) {
      items[i] = tree(seed, depth - 1);
    }
    return value_list(items, count);
  }
  default: {
    size_t count = noise(seed) % 40;
    struct value_field *fields = ARENA_ARRAY(&arena, struct value_field, count);
    for (size_t i = 0; i < count; i++) {
      fields[i].name = arena_printf(&arena, "%zu", (i * 7919) % 1000);
      fields[i].value = tree(seed, depth > 1 ? depth - 2 : 0);
    }
    return map_of(fields, count);
  }
  }
}

static struct span encoded(const struct value *v) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  value_encode(v, &w);
  return arena_copy(&arena, writer_span(&w));
}

static enum err decoded(struct span bytes, struct value *ret_value) {
  struct reader r = reader_of(bytes);
  TRY(value_decode(&r, &arena, ret_value));
  return reader_end(&r);
}

static void a_map_is_sorted_and_found_by_name(void **state) {
  (void)state;
  struct value_field fields[] = {{SPAN_LITERAL("b"), value_int(2)},
                                 {SPAN_LITERAL("ab"), text("x")},
                                 {SPAN_LITERAL("a"), value_int(1)},
                                 {SPAN_LITERAL(""), value_nil()}};
  struct value map = map_of(fields, 4);
  assert_span(map.map.fields[0].name, "");
  assert_span(map.map.fields[1].name, "a");
  assert_span(map.map.fields[2].name, "ab");
  assert_span(map.map.fields[3].name, "b");
  assert_true(value_get(&map, "a")->integer == 1);
  assert_span(value_get_text(&map, "ab"), "x");
  assert_span(value_get_text(&map, "a"), "");
  assert_null(value_get(&map, "c"));
  assert_null(value_get(NULL, "a"));
  assert_null(value_get(value_get(&map, "a"), "a"));
}

static void a_name_that_stands_twice_is_refused_in_maps_of_any_size(void **state) {
  (void)state;
  for (size_t count = 2; count < 80; count += 13) {
    struct value_field *fields = ARENA_ARRAY(&arena, struct value_field, count);
    for (size_t i = 0; i < count; i++) {
      fields[i].name = arena_printf(&arena, "%zu", i == count - 1 ? 0 : i);
    }
    struct value map = value_nil();
    assert_int_equal(value_map(fields, count, &map), ERR_INVALID);
    assert_int_equal(map.kind, VALUE_NIL);
  }
}

static void with_adds_and_replaces_and_leaves_the_old_map(void **state) {
  (void)state;
  struct value one = value_with(&arena, NULL, SPAN_LITERAL("m"), value_int(1));
  struct value before = value_with(&arena, &one, SPAN_LITERAL("a"), value_int(2));
  struct value after = value_with(&arena, &before, SPAN_LITERAL("z"), value_int(3));
  struct value replaced = value_with(&arena, &after, SPAN_LITERAL("m"), value_int(9));
  assert_int_equal(one.map.count, 1);
  assert_int_equal(after.map.count, 3);
  assert_int_equal(replaced.map.count, 3);
  assert_true(value_get(&after, "m")->integer == 1);
  assert_true(value_get(&replaced, "m")->integer == 9);
  assert_span(replaced.map.fields[0].name, "a");
  assert_span(replaced.map.fields[2].name, "z");
}

static void trees_survive_copy_and_record_and_are_canonical(void **state) {
  (void)state;
  uint64_t seed = 86;
  for (int round = 0; round < 300; round++) {
    struct value v = tree(&seed, 6);
    struct value copy = value_copy(&arena, &v);
    assert_true(value_equal(&v, &copy));
    struct span bytes = encoded(&v);
    struct value back;
    assert_int_equal(decoded(bytes, &back), ERR_OK);
    assert_true(value_equal(&v, &back));
    assert_true(span_equal(encoded(&back), bytes));
    assert_true(value_depth_fits(&v));
    arena_reset(&arena);
  }
}

static void values_of_different_content_differ(void **state) {
  (void)state;
  struct value items[] = {value_int(1), value_int(2)};
  struct value_field a[] = {{SPAN_LITERAL("a"), value_int(1)}};
  struct value_field b[] = {{SPAN_LITERAL("b"), value_int(1)}};
  struct value values[] = {value_nil(),   value_bool(false),    value_bool(true),        value_int(0), value_int(1),
                           value_real(0), value_real(-0.0),     value_real(1),           text(""),     text("1"),
                           text("12"),    value_list(items, 1), value_list(items, 2),    map_of(a, 1), map_of(b, 1),
                           map_of(a, 0),  value_list(items, 0), value_list(items + 1, 1)};
  size_t count = sizeof(values) / sizeof(values[0]);
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < count; j++) {
      assert_int_equal(value_equal(&values[i], &values[j]), i == j);
    }
  }
  struct value nan = value_real(NAN);
  assert_true(value_equal(&nan, &nan));
}

static struct value nested(unsigned depth) {
  struct value v = value_int(1);
  for (unsigned i = 0; i < depth; i++) {
    struct value *item = ARENA_NEW(&arena, struct value);
    *item = v;
    v = value_list(item, 1);
  }
  return v;
}

static void the_depth_is_limited_in_records(void **state) {
  (void)state;
  struct value back;
  struct value deepest = nested(VALUE_DEPTH_MAX);
  assert_true(value_depth_fits(&deepest));
  assert_int_equal(decoded(encoded(&deepest), &back), ERR_OK);
  struct value deeper = nested(VALUE_DEPTH_MAX + 1);
  assert_false(value_depth_fits(&deeper));
  assert_int_equal(decoded(encoded(&deeper), &back), ERR_CORRUPT);
  uint8_t brackets[200000];
  for (size_t i = 0; i < sizeof(brackets); i += 2) {
    brackets[i] = VALUE_LIST;
    brackets[i + 1] = 1;
  }
  assert_int_equal(decoded(span_of(brackets, sizeof(brackets)), &back), ERR_CORRUPT);
}

static void malformed_records_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *what;
    const char *bytes;
    size_t size;
  } bad[] = {
      {"nothing", "", 0},
      {"unknown kind", "\x07", 1},
      {"a third truth", "\x01\x02", 2},
      {"cut integer", "\x02\x80", 2},
      {"cut real", "\x03\x00\x00", 3},
      {"cut text",
       "\x04\x05"
       "abc",
       5},
      {"list without items", "\x05\x02\x00", 3},
      {"names out of order",
       "\x06\x02\x01"
       "b\x00\x01"
       "a\x00",
       8},
      {"name twice",
       "\x06\x02\x01"
       "a\x00\x01"
       "a\x00",
       8},
      {"something after it", "\x00\x00", 2},
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct value v;
    assert_int_equal(decoded(span_of(bad[i].bytes, bad[i].size), &v), ERR_CORRUPT);
  }
}

/* Lists in lists, each claiming as many items as bytes are left: the memory asked for must stay near the input's size.
 */
static void a_short_record_cannot_ask_for_much_memory(void **state) {
  (void)state;
  enum { SIZE = 1 << 20 };
  uint8_t *bytes = calloc(1, SIZE);
  assert_non_null(bytes);
  for (unsigned kind = VALUE_LIST; kind <= VALUE_MAP; kind++) {
    DEFER(writer_finish) struct writer w;
    writer_init(&w);
    for (unsigned depth = 0; depth < VALUE_DEPTH_MAX; depth++) {
      writer_u8(&w, (uint8_t)kind);
      writer_varint(&w, kind == VALUE_LIST ? SIZE - 200 : (SIZE - 200) / 2);
      if (kind == VALUE_MAP) {
        writer_u8(&w, 0);
      }
    }
    memcpy(bytes, w.data, w.size);
    struct value v;
    assert_int_equal(decoded(span_of(bytes, SIZE), &v), ERR_CORRUPT);
    assert_true(arena_used(&arena) < (size_t)SIZE * 2 * sizeof(struct value_field));
    arena_reset(&arena);
  }
  free(bytes);
}

static void records_with_flipped_bytes_never_crash(void **state) {
  (void)state;
  uint64_t seed = 5;
  for (int round = 0; round < 200; round++) {
    struct value v = tree(&seed, 5);
    struct span whole = encoded(&v);
    for (int flip = 0; flip < 50 && whole.size > 0; flip++) {
      size_t size = 1 + noise(&seed) % whole.size;
      uint8_t *bytes = malloc(size);
      assert_non_null(bytes);
      memcpy(bytes, whole.data, size);
      bytes[noise(&seed) % size] ^= (uint8_t)(1U << noise(&seed) % 8);
      struct value back;
      if (decoded(span_of(bytes, size), &back) == ERR_OK) {
        assert_true(span_equal(encoded(&back), span_of(bytes, size)));
      }
      free(bytes);
    }
    arena_reset(&arena);
  }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, arena_setup, arena_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_map_is_sorted_and_found_by_name),
      TEST(a_name_that_stands_twice_is_refused_in_maps_of_any_size),
      TEST(with_adds_and_replaces_and_leaves_the_old_map),
      TEST(trees_survive_copy_and_record_and_are_canonical),
      TEST(values_of_different_content_differ),
      TEST(the_depth_is_limited_in_records),
      TEST(malformed_records_are_refused),
      TEST(a_short_record_cannot_ask_for_much_memory),
      TEST(records_with_flipped_bytes_never_crash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
