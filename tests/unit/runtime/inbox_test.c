/* What waits is bounded, comes back as it was sent, and is kept until it is durable. */
#include "check.h"

#include "base/json.h"
#include "runtime/inbox.h"

static struct arena arena;
static struct inbox inbox;

static int setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  inbox_init(&inbox, 4, 4000);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  inbox_finish(&inbox);
  arena_finish(&arena);
  return 0;
}

static struct runtime_message message(const char *sender, uint64_t sequence, civil_moment occurred_at) {
  return (struct runtime_message){.sender = span_of_cstr(sender),
                                  .sequence = sequence,
                                  .digest = {(uint8_t)sequence},
                                  .event = SPAN_LITERAL("visit.done"),
                                  .case_id = SPAN_LITERAL("A"),
                                  .occurred_at = occurred_at};
}

static enum err put(const char *sender, uint64_t sequence, civil_moment occurred_at) {
  struct runtime_message m = message(sender, sequence, occurred_at);
  return inbox_put(&inbox, &m, (struct inbox_retry){0});
}

static uint64_t take(void) {
  struct inbox_message taken;
  return inbox_take(&inbox, &arena, &taken) ? taken.message.sequence : 0;
}

static void a_message_comes_back_whole(void **state) {
  (void)state;
  struct fault refusal = {.err = ERR_FORMAT, .text = "Не читается"};
  struct runtime_message m = message("helper-1", 7, -3);
  m.acting_for = SPAN_LITERAL("w-1");
  m.refusal = &refusal;
  assert_int_equal(ERR_OK, json_read(SPAN_LITERAL("{\"a\":[1,{\"b\":\"x\"}]}"), &arena, &m.data, NULL));
  assert_int_equal(ERR_OK, inbox_put(&inbox, &m, (struct inbox_retry){SPAN_LITERAL("A"), 12}));
  struct inbox_message taken;
  assert_true(inbox_take(&inbox, &arena, &taken));
  assert_span(taken.message.sender, "helper-1");
  assert_int_equal(7, taken.message.sequence);
  assert_int_equal(7, taken.message.digest[0]);
  assert_span(taken.message.event, "visit.done");
  assert_span(taken.message.acting_for, "w-1");
  assert_int_equal(-3, taken.message.occurred_at);
  assert_true(value_equal(&m.data, &taken.message.data));
  assert_int_equal(ERR_FORMAT, taken.message.refusal->err);
  assert_string_equal("Не читается", taken.message.refusal->text);
  assert_span(taken.retry.root, "A");
  assert_int_equal(12, taken.retry.incident);
}

static void a_full_inbox_is_busy_until_a_batch_is_durable(void **state) {
  (void)state;
  for (uint64_t i = 1; i <= 4; i++) {
    assert_int_equal(ERR_OK, put("s", i, 0));
  }
  assert_int_equal(ERR_BUSY, put("s", 5, 0));
  assert_int_equal(1, take());
  assert_int_equal(ERR_BUSY, put("s", 5, 0));
  inbox_release(&inbox, 1);
  assert_int_equal(ERR_OK, put("s", 5, 0));
  for (uint64_t i = 2; i <= 5; i++) {
    assert_int_equal(i, take());
  }
  assert_int_equal(0, take());
}

static void bytes_are_bounded_too(void **state) {
  (void)state;
  static uint8_t text[3000];
  memset(text, 'x', sizeof text);
  struct runtime_message m = message("s", 1, 0);
  m.data = value_text(span_of(text, sizeof text));
  assert_int_equal(ERR_OK, inbox_put(&inbox, &m, (struct inbox_retry){0}));
  assert_int_equal(ERR_BUSY, inbox_put(&inbox, &m, (struct inbox_retry){0}));
}

static void a_name_that_is_too_long_is_refused(void **state) {
  (void)state;
  char name[RUNTIME_NAME_MAX + 2];
  memset(name, 'a', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  assert_int_equal(ERR_LIMIT, put(name, 1, 0));
  name[sizeof name - 2] = '\0';
  assert_int_equal(ERR_OK, put(name, 1, 0));
}

static void what_was_not_stored_waits_again_in_order(void **state) {
  (void)state;
  assert_int_equal(ERR_OK, put("s", 1, 0));
  assert_int_equal(ERR_OK, put("s", 2, 0));
  assert_int_equal(1, take());
  assert_int_equal(2, take());
  inbox_return(&inbox, 2);
  assert_int_equal(2, inbox_waiting(&inbox));
  assert_int_equal(1, take());
}

static void of_two_batches_the_first_is_released_and_the_second_waits_again(void **state) {
  (void)state;
  for (uint64_t i = 1; i <= 4; i++) {
    assert_int_equal(ERR_OK, put("s", i, 0));
    assert_int_equal(i, take());
  }
  inbox_release(&inbox, 2);
  inbox_return(&inbox, 2);
  assert_int_equal(2, inbox_waiting(&inbox));
  assert_int_equal(3, take());
  assert_int_equal(4, take());
}

static void sorting_orders_what_waits_and_leaves_what_is_taken(void **state) {
  (void)state;
  assert_int_equal(ERR_OK, put("z", 9, 99));
  inbox_release(&inbox, 0);
  assert_int_equal(9, take());
  inbox_release(&inbox, 1); /* the ring now begins in the middle */
  assert_int_equal(ERR_OK, put("b", 4, 5));
  assert_int_equal(ERR_OK, put("b", 3, 5));
  assert_int_equal(ERR_OK, put("a", 8, 5));
  assert_int_equal(ERR_OK, put("c", 1, 4));
  inbox_sort(&inbox);
  const uint64_t order[] = {1, 8, 3, 4};
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(order[i], take());
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_message_comes_back_whole),
      TEST(a_full_inbox_is_busy_until_a_batch_is_durable),
      TEST(bytes_are_bounded_too),
      TEST(a_name_that_is_too_long_is_refused),
      TEST(what_was_not_stored_waits_again_in_order),
      TEST(of_two_batches_the_first_is_released_and_the_second_waits_again),
      TEST(sorting_orders_what_waits_and_leaves_what_is_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
