/* What waits is bounded, comes back as it was sent, is kept until it is durable, and has its turn. */
#include "check.h"

#include "base/json.h"
#include "runtime/inbox.h"

static struct arena arena;
static struct inbox inbox;

static int setup_with(struct inbox_limits limits) {
  arena_init(&arena, 0);
  inbox_init(&inbox, &limits);
  return 0;
}

/* One line for all. */
static int setup(void **state) {
  (void)state;
  return setup_with((struct inbox_limits){.count_max = 4, .bytes_max = 4000});
}

enum { SHARE = 20 };
static uint64_t last_of[UINT8_MAX + 1]; /* the number taken last, by the first letter of its sender */

static int setup_lanes(void **state) {
  (void)state;
  memset(last_of, 0, sizeof last_of);
  return setup_with((struct inbox_limits){.count_max = 400, .bytes_max = 1 << 20, .share = SHARE});
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
  inbox_release(&inbox, 1);
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

/* ---- lanes ---- */

static void put_many(const char *sender, uint64_t count) {
  for (uint64_t i = 1; i <= count; i++) {
    assert_int_equal(ERR_OK, put(sender, i, 0));
  }
}

/* The sender of the next one, 0 if none may be taken; its numbers must ascend. */
static char take_sender(void) {
  struct inbox_message taken;
  if (!inbox_take(&inbox, &arena, &taken)) {
    return 0;
  }
  uint8_t name = taken.message.sender.data[0];
  assert_int_equal(++last_of[name], taken.message.sequence);
  return (char)name;
}

static void a_sender_gives_no_more_than_its_share_to_a_batch(void **state) {
  (void)state;
  put_many("a", SHARE + 5);
  for (int i = 0; i < SHARE; i++) {
    assert_int_equal('a', take_sender());
  }
  assert_int_equal(0, take());
  assert_int_equal(5, inbox_waiting(&inbox));
  inbox_next_batch(&inbox);
  for (int i = 0; i < 5; i++) {
    assert_int_equal('a', take_sender());
  }
  assert_int_equal(0, take_sender());
}

static void one_message_waits_for_a_visit_to_each_of_the_others_at_most(void **state) {
  (void)state;
  put_many("a", 100);
  put_many("b", 100);
  assert_int_equal('a', take_sender());
  put_many("q", 1);
  int before = 0;
  while (take_sender() != 'q') {
    before++;
  }
  assert_in_range(before, 1, 2 * INBOX_VISIT);
}

static void who_has_used_up_its_share_keeps_nobody_from_the_same_batch(void **state) {
  (void)state;
  put_many("a", 100);
  for (int i = 0; i < SHARE; i++) {
    assert_int_equal('a', take_sender());
  }
  assert_int_equal(0, take());
  put_many("q", 1);
  struct inbox_message taken;
  assert_true(inbox_take(&inbox, &arena, &taken));
  assert_span(taken.message.sender, "q");
}

static void all_who_wait_are_served_and_each_in_its_order(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "c", "d", "e"};
  for (size_t i = 0; i < 5; i++) {
    put_many(names[i], 20 + 3 * i);
  }
  size_t counts[5] = {0};
  for (char name; (name = take_sender()) != 0;) {
    counts[name - 'a']++;
  }
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(SHARE, counts[i]);
  }
}

static void the_last_quarter_of_the_room_is_for_those_who_send_little(void **state) {
  (void)state;
  put_many("a", 300);
  assert_int_equal(ERR_BUSY, put("a", 301, 0));
  put_many("q", INBOX_FEW);
  assert_int_equal(ERR_BUSY, put("q", INBOX_FEW + 1, 0));
  put_many("r", 1);
}

static void what_was_not_stored_waits_again_before_what_came_behind_it(void **state) {
  (void)state;
  put_many("a", 30);
  put_many("b", 3);
  for (int i = 0; i < 12; i++) {
    (void)take();
  }
  inbox_return(&inbox, 12);
  inbox_next_batch(&inbox);
  assert_int_equal(33, inbox_waiting(&inbox));
  uint64_t last[2] = {0};
  struct inbox_message taken;
  while (inbox_take(&inbox, &arena, &taken)) {
    uint64_t *before = &last[taken.message.sender.data[0] - 'a'];
    assert_int_equal(*before + 1, taken.message.sequence);
    *before = taken.message.sequence;
  }
  assert_int_equal(SHARE, last[0]);
  assert_int_equal(3, last[1]);
}

static void what_the_operator_repeats_waits_behind_nobody(void **state) {
  (void)state;
  put_many("a", 100);
  struct runtime_message m = message("a", 7, 0);
  assert_int_equal(ERR_OK, inbox_put(&inbox, &m, (struct inbox_retry){SPAN_LITERAL("A"), 12}));
  struct inbox_message taken;
  int before = 0;
  do {
    assert_true(inbox_take(&inbox, &arena, &taken));
    before++;
  } while (taken.retry.incident == 0);
  assert_in_range(before, 1, INBOX_VISIT + 1);
}

static void what_is_sorted_goes_first_and_without_a_share(void **state) {
  (void)state;
  for (uint64_t i = 1; i <= 2 * SHARE; i++) {
    assert_int_equal(ERR_OK, put(i % 2 ? "b" : "a", i, (civil_moment)i));
  }
  inbox_sort(&inbox);
  put_many("c", 1);
  for (uint64_t i = 1; i <= 2 * SHARE; i++) {
    assert_int_equal(i, take());
  }
  assert_int_equal(1, take());
  assert_int_equal(0, take());
}

#define LANES(name) cmocka_unit_test_setup_teardown(name, setup_lanes, teardown)
#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_message_comes_back_whole),
      TEST(a_full_inbox_is_busy_until_a_batch_is_durable),
      TEST(bytes_are_bounded_too),
      TEST(a_name_that_is_too_long_is_refused),
      TEST(what_was_not_stored_waits_again_in_order),
      TEST(of_two_batches_the_first_is_released_and_the_second_waits_again),
      TEST(sorting_orders_what_waits_and_leaves_what_is_taken),
      LANES(a_sender_gives_no_more_than_its_share_to_a_batch),
      LANES(one_message_waits_for_a_visit_to_each_of_the_others_at_most),
      LANES(who_has_used_up_its_share_keeps_nobody_from_the_same_batch),
      LANES(all_who_wait_are_served_and_each_in_its_order),
      LANES(the_last_quarter_of_the_room_is_for_those_who_send_little),
      LANES(what_was_not_stored_waits_again_before_what_came_behind_it),
      LANES(what_the_operator_repeats_waits_behind_nobody),
      LANES(what_is_sorted_goes_first_and_without_a_share),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
