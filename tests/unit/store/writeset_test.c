#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/writeset.h"

static struct span text(const char *s) {
  return span_of_cstr(s);
}

static void the_last_write_to_a_key_wins(void **state UNUSED) {
  struct writeset set;
  writeset_init(&set, 1);
  writeset_put(&set, STORE_CASE, text("a"), text("one"));
  writeset_put(&set, STORE_CASE, text("a"), text("two"));
  assert_true(span_is(writeset_find(&set, STORE_CASE, text("a"))->value, "two"));
  writeset_delete(&set, STORE_CASE, text("a"));
  assert_true(writeset_find(&set, STORE_CASE, text("a"))->deleted);
  writeset_put(&set, STORE_CASE, text("a"), text("three"));
  assert_false(writeset_find(&set, STORE_CASE, text("a"))->deleted);
  assert_int_equal(set.count, 1);
  writeset_finish(&set);
}

static void the_same_key_in_two_spaces_is_two_entries(void **state UNUSED) {
  struct writeset set;
  writeset_init(&set, 2);
  writeset_put(&set, STORE_CASE, text("k"), text("case"));
  writeset_put(&set, STORE_TIMER, text("k"), text("timer"));
  assert_null(writeset_find(&set, STORE_PERSON, text("k")));
  assert_true(span_is(writeset_find(&set, STORE_CASE, text("k"))->value, "case"));
  assert_true(span_is(writeset_find(&set, STORE_TIMER, text("k"))->value, "timer"));
  writeset_finish(&set);
}

static void bytes_count_the_keys_and_the_newest_values(void **state UNUSED) {
  struct writeset set;
  writeset_init(&set, 3);
  writeset_put(&set, STORE_CASE, text("key"), text("12345"));
  assert_int_equal(set.bytes, 8);
  writeset_put(&set, STORE_CASE, text("key"), text("1"));
  assert_int_equal(set.bytes, 4);
  writeset_delete(&set, STORE_CASE, text("key"));
  assert_int_equal(set.bytes, 3);
  writeset_reset(&set);
  assert_int_equal(set.bytes, 0);
  assert_null(writeset_find(&set, STORE_CASE, text("key")));
  writeset_finish(&set);
}

static void a_value_may_be_copied_from_the_set_itself(void **state UNUSED) {
  struct writeset set;
  writeset_init(&set, 4);
  writeset_put(&set, STORE_CASE, text("a"), text("value"));
  const struct write *write = writeset_find(&set, STORE_CASE, text("a"));
  writeset_put(&set, STORE_CASE, write->key, span_of(write->value.data + 1, 3));
  assert_true(span_is(writeset_find(&set, STORE_CASE, text("a"))->value, "alu"));
  writeset_finish(&set);
}

static void sorted_goes_by_space_and_then_by_bytes_whatever_the_seed(void **state UNUSED) {
  static const char *const keys[] = {"",         "a", "a\x01", "aaaaaaaa", "aaaaaaaab",
                                     "aaaaaaab", "b", "\x7f",  "\xc3\xa9", "\xff"};
  enum { KEYS = sizeof keys / sizeof keys[0] };
  for (uint64_t seed = 0; seed < 8; seed++) {
    struct writeset set;
    writeset_init(&set, seed * 0x1234567);
    for (size_t i = 0; i < KEYS; i++) {
      size_t k = (i * 7 + seed) % KEYS;
      writeset_put(&set, STORE_TIMER, text(keys[k]), text("t"));
      writeset_delete(&set, STORE_CASE, text(keys[k]));
    }
    const struct write *const *sorted = writeset_sorted(&set);
    assert_int_equal(set.count, 2 * KEYS);
    for (size_t i = 0; i < 2 * KEYS; i++) {
      assert_int_equal(sorted[i]->space, i < KEYS ? STORE_CASE : STORE_TIMER);
      assert_true(span_is(sorted[i]->key, keys[i % KEYS]));
    }
    writeset_finish(&set);
  }
}

static void many_keys_are_all_found_again_after_growth_and_reset(void **state UNUSED) {
  enum { MANY = 50000 };
  struct writeset set;
  writeset_init(&set, 5);
  for (int round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < MANY; i++) {
      writeset_put(&set, STORE_INDEX, span_of(&i, sizeof i), span_of(&i, sizeof i));
    }
    assert_int_equal(set.count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
      const struct write *write = writeset_find(&set, STORE_INDEX, span_of(&i, sizeof i));
      assert_non_null(write);
      assert_memory_equal(write->value.data, &i, sizeof i);
    }
    writeset_reset(&set);
  }
  writeset_finish(&set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_last_write_to_a_key_wins),
      cmocka_unit_test(the_same_key_in_two_spaces_is_two_entries),
      cmocka_unit_test(bytes_count_the_keys_and_the_newest_values),
      cmocka_unit_test(a_value_may_be_copied_from_the_set_itself),
      cmocka_unit_test(sorted_goes_by_space_and_then_by_bytes_whatever_the_seed),
      cmocka_unit_test(many_keys_are_all_found_again_after_growth_and_reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
