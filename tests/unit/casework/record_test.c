/* A case as bytes, and bytes that are no case. (That a restored case goes on as before: world.h, in every test.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "family_charts.h"
#include "world.h"

static const struct world_process processes[] = {{"parent", PARENT_CHART}, {"measure", MEASURE_CHART}};

static struct world w;

static int setup(void **state) {
  (void)state;
  world_open(&w, processes, sizeof processes / sizeof *processes);
  world_start(&w, "c", "parent", "begin",
              "{\"place\":\"north\",\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-02-10\"},"
              "{\"id\":\"m2\",\"kind\":\"medical\",\"due\":\"2026-01-05\"}]}");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  world_close(&w);
  return 0;
}

static struct span record_of(const char *case_id) {
  return writer_span(&world_case(&w, case_id)->record);
}

static void an_ordinary_record_is_small(void **state) {
  (void)state;
  assert_true(record_of("c").size < 1024);
  assert_true(record_of("c/m1").size < 1024);
}

static void a_cut_record_is_refused(void **state) {
  (void)state;
  struct span record = record_of("c");
  for (size_t size = 0; size < record.size; size++) {
    struct case_file *c = NULL;
    assert_int_not_equal(case_decode(w.casework, span_of(record.data, size), &c, &w.fault), ERR_OK);
    assert_null(c);
  }
}

static void a_record_with_more_behind_it_is_refused(void **state) {
  (void)state;
  struct case_file *c = NULL;
  struct span record = record_of("c");
  uint8_t *longer = arena_calloc(&w.arena, 1, record.size + 1);
  memcpy(longer, record.data, record.size);
  assert_int_equal(case_decode(w.casework, span_of(longer, record.size + 1), &c, &w.fault), ERR_CORRUPT);
}

static void a_later_version_is_told_apart_from_damage(void **state) {
  (void)state;
  struct case_file *c = NULL;
  struct case_view view;
  struct span record = record_of("c");
  uint8_t *other = arena_calloc(&w.arena, 1, record.size);
  memcpy(other, record.data, record.size);
  other[0] = 2;
  assert_int_equal(case_decode(w.casework, span_of(other, record.size), &c, &w.fault), ERR_VERSION);
  assert_int_equal(case_view_decode(span_of(other, record.size), &w.arena, &view), ERR_VERSION);
}

/* Whatever a damaged record decodes to, a step on it must not crash; the sanitizers watch. */
static void use(struct case_file *c) {
  struct case_effects effects = {.arena = &w.arena};
  struct case_view view;
  const struct case_input input = {.kind = CASE_INPUT_EVENT,
                                   .event = SPAN_LITERAL("plan"),
                                   .occurred_at = w.now,
                                   .data = world_json(&w, "{\"rows\":[]}")};
  case_view_of(c, &w.arena, &view);
  (void)!case_step(c, &input, w.now, &effects, &w.fault);
}

static void no_flipped_byte_does_harm(void **state) {
  (void)state;
  static const uint8_t flips[] = {0x01, 0x80, 0xFF, 0x10};
  static const char *const cases[] = {"c", "c/m1"};
  for (size_t which = 0; which < 2; which++) {
    struct span record = record_of(cases[which]);
    uint8_t *bytes = arena_calloc(&w.arena, 1, record.size);
    for (size_t i = 0; i < record.size * 4; i++) {
      memcpy(bytes, record.data, record.size);
      bytes[i / 4] ^= flips[i % 4];
      struct case_file *c = NULL;
      struct case_view view;
      if (case_decode(w.casework, span_of(bytes, record.size), &c, &w.fault) == ERR_OK) {
        use(c);
        case_close(&c);
      }
      (void)!case_view_decode(span_of(bytes, record.size), &w.arena, &view);
    }
  }
}

static void a_view_needs_the_head_only(void **state) {
  (void)state;
  struct case_view view;
  struct span record = record_of("c");
  assert_int_equal(case_view_decode(span_of(record.data, record.size - 50), &w.arena, &view), ERR_OK);
  assert_true(span_is(view.identity.id, "c"));
  assert_true(span_is(view.territory, "north"));
  assert_int_equal(view.children.count, 2);
}

static void a_record_of_a_process_that_is_gone_is_not_found(void **state) {
  (void)state;
  struct world other;
  struct case_file *c = NULL;
  world_open(&other, &processes[1], 1);
  assert_int_equal(case_decode(other.casework, record_of("c"), &c, &w.fault), ERR_NOT_FOUND);
  world_close(&other);
}

/* The chart has changed: an element before the old ones shifts their numbers, a lost one cannot be done without. */
static void elements_are_found_again_by_their_ids(void **state) {
  (void)state;
  static const struct world_process more[] = {
      {"parent", "<state id='before'><k:deadline id='new' from='1' due='1d'/></state>" PARENT_CHART}};
  static const struct world_process less[] = {{"parent", "<state id='work'/><state id='away'/><final id='end'/>"}};
  struct world other;
  struct case_file *c = NULL;
  world_open(&other, more, 1);
  enum err err = case_decode(other.casework, record_of("c"), &c, &w.fault);
  if (err != ERR_OK) {
    fail_msg("%s", w.fault.text);
  }
  case_close(&c);
  world_close(&other);
  world_open(&other, less, 1);
  assert_int_equal(case_decode(other.casework, record_of("c"), &c, &w.fault), ERR_CONFLICT);
  world_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_ordinary_record_is_small),
      TEST(a_cut_record_is_refused),
      TEST(a_record_with_more_behind_it_is_refused),
      TEST(a_later_version_is_told_apart_from_damage),
      TEST(no_flipped_byte_does_harm),
      TEST(a_view_needs_the_head_only),
      TEST(a_record_of_a_process_that_is_gone_is_not_found),
      TEST(elements_are_found_again_by_their_ids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
