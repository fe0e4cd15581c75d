#include "base/arena.h"

#include "check.h"

static void every_size_is_aligned_and_does_not_overlap(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 256);
  enum { COUNT = 600 };
  uint8_t *blocks[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    blocks[i] = arena_alloc(&arena, i);
    assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
    memset(blocks[i], (int)(i % 251), i);
  }
  for (size_t i = 0; i < COUNT; i++) {
    for (size_t at = 0; at < i; at++) {
      assert_int_equal(blocks[i][at], i % 251);
    }
  }
  arena_finish(&arena);
}

static void a_reset_arena_gives_the_same_memory_again(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  void *first = arena_alloc(&arena, 100);
  arena_alloc(&arena, 200 * 1024);
  assert_true(arena_used(&arena) >= 100 + 200 * 1024);
  arena_reset(&arena);
  assert_int_equal(arena_used(&arena), 0);
  assert_ptr_equal(arena_alloc(&arena, 100), first);
  arena_finish(&arena);
}

static void a_batch_repeated_costs_no_new_blocks(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 1024);
  void *last[2] = {NULL, NULL};
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 100; i++) {
      last[round % 2] = arena_alloc(&arena, i % 7 == 0 ? 3000 : 40);
    }
    if (round >= 2) {
      assert_ptr_equal(last[0], last[1]);
    }
    arena_reset(&arena);
  }
  arena_finish(&arena);
}

static void cleared_memory_is_cleared_after_a_reset_too(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  memset(arena_alloc(&arena, 64), 0xAA, 64);
  arena_reset(&arena);
  const uint64_t *zeros = ARENA_ARRAY(&arena, uint64_t, 8);
  for (size_t i = 0; i < 8; i++) {
    assert_true(zeros[i] == 0);
  }
  arena_finish(&arena);
}

static void texts_are_copied_printed_and_terminated(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 64);
  assert_string_equal(arena_cstr(&arena, span_of_cstr("абв")), "абв");
  assert_string_equal(arena_cstr(&arena, span_of(NULL, 0)), "");
  assert_span(arena_copy(&arena, span_of(NULL, 0)), "");
  assert_span(arena_printf(&arena, "%s-%d", "a", 5), "a-5");
  struct span wide = arena_printf(&arena, "%1000d", 7);
  assert_int_equal(wide.size, 1000);
  assert_int_equal(wide.data[999], '7');
  struct span edge = arena_printf(&arena, "%256d", 7);
  assert_int_equal(edge.size, 256);
  assert_int_equal(edge.data[255], '7');
  arena_finish(&arena);
}

static void a_finished_arena_may_be_used_again(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 0);
  arena_finish(&arena);
  arena_reset(&arena);
  assert_non_null(arena_alloc(&arena, 0));
  arena_finish(&arena);
  arena_finish(&arena);
  arena_finish(NULL);
}

static void ask_for_an_array_that_overflows(void) {
  struct arena arena;
  arena_init(&arena, 0);
  arena_calloc(&arena, SIZE_MAX / 2, 3);
}

static void ask_for_more_than_there_is(void) {
  struct arena arena;
  arena_init(&arena, 0);
  arena_alloc(&arena, SIZE_MAX - 4);
}

static void impossible_sizes_stop_the_process(void **state) {
  (void)state;
  assert_aborts(ask_for_an_array_that_overflows);
  assert_aborts(ask_for_more_than_there_is);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_size_is_aligned_and_does_not_overlap),
      cmocka_unit_test(a_reset_arena_gives_the_same_memory_again),
      cmocka_unit_test(a_batch_repeated_costs_no_new_blocks),
      cmocka_unit_test(cleared_memory_is_cleared_after_a_reset_too),
      cmocka_unit_test(texts_are_copied_printed_and_terminated),
      cmocka_unit_test(a_finished_arena_may_be_used_again),
      cmocka_unit_test(impossible_sizes_stop_the_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
