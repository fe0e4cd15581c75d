/* What waits for its receipt is not handed over twice, and is forgotten with its receipt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/handed.h"

enum { MANY = 500 };

static const uint8_t *digest_of(uint8_t byte) {
  static uint8_t digest[RUNTIME_DIGEST_SIZE];
  memset(digest, byte, sizeof digest);
  return digest;
}

static void the_same_message_is_known_until_its_receipt(void **state) {
  (void)state;
  struct handed handed;
  handed_init(&handed, 10);
  assert_false(handed_again(&handed, 7, digest_of(1)));
  handed_add(&handed, 7, digest_of(1));
  assert_true(handed_again(&handed, 7, digest_of(1)));
  assert_int_equal(1, handed.count);
  handed_answer(&handed, 7);
  assert_false(handed_again(&handed, 7, digest_of(1)));
  assert_int_equal(0, handed.count);
  handed_finish(&handed);
}

static void another_message_under_the_same_number_is_not_the_same(void **state) {
  (void)state;
  struct handed handed;
  handed_init(&handed, 10);
  handed_add(&handed, 7, digest_of(1));
  assert_false(handed_again(&handed, 7, digest_of(2)));
  handed_add(&handed, 7, digest_of(2));
  handed_answer(&handed, 7);
  assert_int_equal(1, handed.count);
  assert_true(handed_again(&handed, 7, digest_of(2)));
  handed_answer(&handed, 7);
  assert_int_equal(0, handed.count);
  handed_finish(&handed);
}

static void a_new_connection_expects_only_what_it_sends_again(void **state) {
  (void)state;
  struct handed handed;
  handed_init(&handed, 10);
  for (uint64_t i = 1; i <= 4; i++) {
    handed_add(&handed, i, digest_of((uint8_t)i));
  }
  assert_int_equal(4, handed.expected);
  handed_forget_link(&handed);
  assert_int_equal(0, handed.expected);
  assert_true(handed_again(&handed, 2, digest_of(2)));
  assert_true(handed_again(&handed, 2, digest_of(2)));
  assert_int_equal(1, handed.expected);
  handed_answer(&handed, 1);
  assert_int_equal(1, handed.expected);
  handed_answer(&handed, 2);
  assert_int_equal(0, handed.expected);
  assert_int_equal(2, handed.count);
  handed_finish(&handed);
}

static void receipts_in_any_order_empty_it(void **state) {
  (void)state;
  struct handed handed;
  handed_init(&handed, MANY);
  for (int round = 0; round < 5; round++) {
    uint64_t first = 1 + (uint64_t)round * MANY;
    for (uint64_t i = 0; i < MANY; i++) {
      handed_add(&handed, first + i, digest_of((uint8_t)i));
    }
    assert_true(handed_full(&handed));
    for (uint64_t i = 0; i < MANY; i++) {
      uint64_t at = i * 7919 % MANY; /* a prime: every number once */
      assert_true(handed_again(&handed, first + at, digest_of((uint8_t)at)));
      handed_answer(&handed, first + at);
      handed_answer(&handed, first + at); /* a second receipt does nothing */
    }
    assert_int_equal(0, handed.count);
    assert_int_equal(0, handed.expected);
  }
  assert_true(handed.capacity <= 2 * MANY);
  handed_finish(&handed);
}

static void the_array_stays_small_when_the_oldest_has_no_receipt(void **state) {
  (void)state;
  struct handed handed;
  handed_init(&handed, 10);
  handed_add(&handed, 1, digest_of(1));
  for (uint64_t i = 2; i < 10000; i++) {
    handed_add(&handed, i, digest_of((uint8_t)i));
    handed_answer(&handed, i);
  }
  assert_true(handed.capacity <= 128);
  assert_true(handed_again(&handed, 1, digest_of(1)));
  assert_int_equal(1, handed.count);
  handed_finish(&handed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_message_is_known_until_its_receipt),
      cmocka_unit_test(another_message_under_the_same_number_is_not_the_same),
      cmocka_unit_test(a_new_connection_expects_only_what_it_sends_again),
      cmocka_unit_test(receipts_in_any_order_empty_it),
      cmocka_unit_test(the_array_stays_small_when_the_oldest_has_no_receipt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
