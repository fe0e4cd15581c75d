#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "store/tree.h"

enum { UNIVERSE = 4096, KEY_SIZE = 12 };

struct model {
  bool present[UNIVERSE];
  uint32_t value[UNIVERSE];
  size_t count;
};

static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  return z ^ (z >> 29);
}

/* Keys share their first ten bytes, so that heads tie and whole keys have to be compared. */
static struct span key_of(uint32_t number, uint8_t *buffer) {
  memset(buffer, 'k', KEY_SIZE);
  buffer[KEY_SIZE - 2] = (uint8_t)(number >> 8);
  buffer[KEY_SIZE - 1] = (uint8_t)number;
  return span_of(buffer, KEY_SIZE);
}

static uint32_t number_of(struct span key) {
  assert_int_equal(key.size, KEY_SIZE);
  return (uint32_t)key.data[KEY_SIZE - 2] << 8 | key.data[KEY_SIZE - 1];
}

static void model_put(struct model *model, struct tree *tree, uint32_t number, uint32_t value) {
  uint8_t buffer[KEY_SIZE];
  tree_put(tree, key_of(number, buffer), span_of(&value, sizeof value));
  model->count += !model->present[number];
  model->present[number] = true;
  model->value[number] = value;
}

static void model_delete(struct model *model, struct tree *tree, uint32_t number) {
  uint8_t buffer[KEY_SIZE];
  assert_int_equal(tree_delete(tree, key_of(number, buffer)), model->present[number]);
  model->count -= model->present[number];
  model->present[number] = false;
}

static void assert_entry(const struct model *model, struct tree_cursor cursor, uint32_t number) {
  struct span key;
  struct span value;
  assert_true(tree_entry(cursor, &key, &value));
  assert_int_equal(number_of(key), number);
  assert_memory_equal(value.data, &model->value[number], sizeof(uint32_t));
}

static void assert_same(const struct model *model, const struct tree *tree) {
  uint8_t buffer[KEY_SIZE];
  struct span key;
  struct span value;
  struct tree_cursor forward = tree_seek(tree, key_of(0, buffer));
  struct tree_cursor back = tree_last(tree);
  for (uint32_t i = 0; i < UNIVERSE; i++) {
    if (model->present[i]) {
      assert_entry(model, forward, i);
      tree_next(&forward);
    }
    if (model->present[UNIVERSE - 1 - i]) {
      assert_entry(model, back, UNIVERSE - 1 - i);
      tree_previous(&back);
    }
  }
  assert_false(tree_entry(forward, &key, &value));
  assert_false(tree_entry(back, &key, &value));
  assert_int_equal(tree->count, model->count);
}

static void assert_seeks(const struct model *model, const struct tree *tree, uint32_t number) {
  uint8_t buffer[KEY_SIZE];
  struct span ignored;
  uint32_t at = number;
  while (at < UNIVERSE && !model->present[at]) {
    at++;
  }
  struct tree_cursor cursor = tree_seek(tree, key_of(number, buffer));
  if (at < UNIVERSE) {
    assert_entry(model, cursor, at);
  } else {
    assert_false(tree_entry(cursor, &ignored, &ignored));
  }
  uint32_t before = number;
  while (before > 0 && !model->present[before - 1]) {
    before--;
  }
  cursor = tree_seek_before(tree, key_of(number, buffer));
  if (before > 0) {
    assert_entry(model, cursor, before - 1);
  } else {
    assert_false(tree_entry(cursor, &ignored, &ignored));
  }
}

static void it_agrees_with_a_plain_table_over_random_operations(void **state UNUSED) {
  struct model *model = calloc(1, sizeof *model);
  assert_non_null(model);
  struct tree tree;
  tree_init(&tree);
  uint64_t random = 86;
  for (uint32_t round = 0; round < 12; round++) {
    /* Rounds that mostly fill alternate with rounds that mostly empty. */
    uint64_t puts_in_ten = round % 2 == 0 ? 8 : 1;
    for (uint32_t i = 0; i < 6000; i++) {
      uint32_t number = (uint32_t)(next_random(&random) % UNIVERSE);
      if (next_random(&random) % 10 < puts_in_ten) {
        model_put(model, &tree, number, i);
      } else {
        model_delete(model, &tree, number);
      }
    }
    assert_same(model, &tree);
    for (uint32_t i = 0; i < 200; i++) {
      assert_seeks(model, &tree, (uint32_t)(next_random(&random) % UNIVERSE));
    }
  }
  tree_finish(&tree);
  free(model);
}

static void emptied_from_either_end_it_is_as_new(void **state UNUSED) {
  struct model *model = calloc(1, sizeof *model);
  assert_non_null(model);
  struct tree tree;
  tree_init(&tree);
  for (uint32_t round = 0; round < 4; round++) {
    for (uint32_t i = 0; i < UNIVERSE; i++) {
      model_put(model, &tree, round % 2 == 0 ? i : UNIVERSE - 1 - i, i);
    }
    assert_same(model, &tree);
    for (uint32_t i = 0; i < UNIVERSE; i++) {
      model_delete(model, &tree, round < 2 ? i : UNIVERSE - 1 - i);
    }
    assert_same(model, &tree);
    assert_int_equal(tree.bytes, 0);
  }
  tree_finish(&tree);
  free(model);
}

static void keys_and_values_of_any_size_replace_each_other(void **state UNUSED) {
  struct tree tree;
  struct span value;
  tree_init(&tree);
  uint8_t *big = calloc(1, 1 << 20);
  assert_non_null(big);
  tree_put(&tree, SPAN_LITERAL("k"), (struct span){0});
  assert_true(tree_find(&tree, SPAN_LITERAL("k"), &value));
  assert_int_equal(value.size, 0);
  tree_put(&tree, SPAN_LITERAL("k"), span_of(big, 1 << 20));
  assert_true(tree_find(&tree, SPAN_LITERAL("k"), &value));
  assert_int_equal(value.size, 1 << 20);
  assert_int_equal(tree.bytes, 1 + (1 << 20));
  tree_put(&tree, SPAN_LITERAL("k\0"), SPAN_LITERAL("x"));
  tree_put(&tree, SPAN_LITERAL("k"), SPAN_LITERAL("y"));
  assert_true(tree_find(&tree, SPAN_LITERAL("k"), &value));
  assert_true(span_is(value, "y"));
  assert_int_equal(tree.count, 2);
  free(big);
  tree_finish(&tree);
}

/* A bound that only a wrong structure misses: seconds, where a list would take hours. */
static void a_million_entries_take_seconds(void **state UNUSED) {
  enum { MILLION = 1000000 };
  struct tree tree;
  struct span value;
  tree_init(&tree);
  clock_t start = clock();
  for (uint64_t i = 0; i < MILLION; i++) {
    uint64_t key = i * 0x9e3779b97f4a7c15u;
    tree_put(&tree, span_of(&key, sizeof key), span_of(&i, sizeof i));
  }
  for (uint64_t i = 0; i < MILLION; i++) {
    uint64_t key = i * 0x9e3779b97f4a7c15u;
    assert_true(tree_find(&tree, span_of(&key, sizeof key), &value) && memcmp(value.data, &i, sizeof i) == 0);
  }
  assert_int_equal(tree.count, MILLION);
  tree_finish(&tree);
  assert_true((clock() - start) / CLOCKS_PER_SEC < 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_agrees_with_a_plain_table_over_random_operations),
      cmocka_unit_test(emptied_from_either_end_it_is_as_new),
      cmocka_unit_test(keys_and_values_of_any_size_replace_each_other),
      cmocka_unit_test(a_million_entries_take_seconds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
