/* The heap gives its keys back in byte order, whatever went in. */
#include "check.h"

#include "runtime/timers.h"

static uint32_t seed = 1;

static uint32_t draw(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

static void keys_come_out_in_order_with_their_doubles(void **state) {
  (void)state;
  enum { KEYS = 5000 };
  struct timers timers;
  timers_init(&timers);
  for (int i = 0; i < KEYS; i++) {
    uint8_t key[4] = {0, 0, (uint8_t)(draw() % 7), (uint8_t)draw()};
    timers_push(&timers, span_of(key, draw() % 2 ? 4 : 3));
  }
  uint8_t last[4];
  size_t last_size = 0;
  for (int i = 0; i < KEYS; i++) {
    struct span key;
    assert_true(timers_top(&timers, &key));
    assert_true(span_compare(span_of(last, last_size), key) <= 0);
    memcpy(last, key.data, key.size);
    last_size = key.size;
    timers_pop(&timers);
  }
  struct span none;
  assert_false(timers_top(&timers, &none));
  timers_finish(&timers);
}

static void a_finished_heap_is_empty_and_usable(void **state) {
  (void)state;
  struct timers timers;
  struct span key;
  timers_init(&timers);
  timers_push(&timers, SPAN_LITERAL("b"));
  timers_finish(&timers);
  assert_false(timers_top(&timers, &key));
  timers_push(&timers, SPAN_LITERAL("a"));
  assert_true(timers_top(&timers, &key));
  assert_span(key, "a");
  timers_finish(&timers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_come_out_in_order_with_their_doubles),
      cmocka_unit_test(a_finished_heap_is_empty_and_usable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
