/* What scripts can call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static struct world w;

static int setup(void **state) {
  (void)state;
  world_open(&w, NULL, 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  world_close(&w);
  return 0;
}

/* Runs a case whose notice holds the value of an expression. */
static void assert_gives(const char *expression, const char *json) {
  static int number;
  number++;
  const char *name = arena_cstr(&w.arena, arena_printf(&w.arena, "p%d", number));
  const char *inside =
      arena_cstr(&w.arena, arena_printf(&w.arena,
                                        "<state id='s'><onentry><k:notify role='helper' template='t' data=\"{v=%s}\"/>"
                                        "</onentry></state>",
                                        expression));
  const struct process_source source = {
      .name = span_of_cstr(name), .chart = world_chart(&w.arena, inside), .file = name, .settings = value_nil()};
  if (casework_define(w.casework, &source, &w.fault) != ERR_OK) {
    fail_msg("%s", w.fault.text);
  }
  world_mark(&w);
  world_start(&w, name, name, "begin", "{\"place\":\"north\"}");
  world_expect(&w, arena_cstr(&w.arena, arena_printf(&w.arena, "subject=t event= reason= %s", json)));
  world_refuse(&w, "incident");
}

static void assert_fails(const char *expression) {
  static int number;
  number++;
  const char *name = arena_cstr(&w.arena, arena_printf(&w.arena, "f%d", number));
  const char *inside = arena_cstr(
      &w.arena,
      arena_printf(&w.arena, "<state id='s'><onentry><script>local x = %s</script></onentry></state>", expression));
  const struct process_source source = {
      .name = span_of_cstr(name), .chart = world_chart(&w.arena, inside), .file = name, .settings = value_nil()};
  assert_int_equal(casework_define(w.casework, &source, &w.fault), ERR_OK);
  world_mark(&w);
  world_start(&w, name, name, "begin", "{\"place\":\"north\"}");
  world_expect(&w, "incident script-error");
}

static void due_counts_a_term(void **state) {
  (void)state;
  assert_gives("due('2025-12-25', '10wd')", "{\"v\":\"2026-01-20\"}");
  assert_gives("due('2026-01-31', '1mo', 'none')", "{\"v\":\"2026-02-28\"}");
  assert_gives("due(nil, '1mo')", "[]");
  assert_fails("due('2026-02-30', '1mo')");
  assert_fails("due('2026-02-20', 'soon')");
  assert_fails("due('2026-02-20', '1mo', 'sideways')");
  assert_fails("due('2199-12-31', '5y')");
}

static void working_days_are_counted(void **state) {
  (void)state;
  assert_gives("working_days('2026-01-12', '2026-01-19')", "{\"v\":5}");
  assert_gives("working_days('2026-01-19', '2026-01-12')", "{\"v\":-5}");
  assert_fails("working_days('2026-01-19')");
}

static void the_next_sitting_is_that_of_the_territory(void **state) {
  (void)state;
  assert_gives("next_sitting('2026-01-12')", "{\"v\":\"2026-01-21\"}");
  assert_gives("next_sitting('2026-01-22', 'board')", "{\"v\":\"2026-02-18\"}");
  assert_gives("next_sitting('2026-01-22', 'helper')", "[]");
  assert_fails("next_sitting('2026-01-22', 'nobody')");
}

static void participants_are_those_of_the_territory(void **state) {
  (void)state;
  assert_gives("participants('helper')", "{\"v\":[\"helper-north\"]}");
  assert_gives("participants('board')[1]", "{\"v\":\"board-north\"}");
  assert_fails("participants('nobody')");
  assert_fails("participants()");
}

static void a_delay_lasts_until_the_day_begins(void **state) {
  (void)state;
  assert_gives("delay('2026-01-12T10:00:00+05:00', '2026-01-13')", "{\"v\":\"50400000ms\"}");
  assert_gives("delay('2026-01-12T10:00:00+05:00', '2026-01-12')", "{\"v\":\"0ms\"}");
  assert_gives("delay(_x.now, '1999-01-01')", "{\"v\":\"0ms\"}");
  assert_fails("delay('soon', '2026-01-13')");
  assert_fails("delay(_x.now)");
}

static void dates_are_compared_and_nil_is_passed_over(void **state) {
  (void)state;
  assert_gives("max_date('2026-01-12', nil, '2026-02-01')", "{\"v\":\"2026-02-01\"}");
  assert_gives("min_date('2026-01-12', '2026-02-01', nil)", "{\"v\":\"2026-01-12\"}");
  assert_gives("min_date()", "[]");
  assert_fails("min_date(5)");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(due_counts_a_term),
      TEST(working_days_are_counted),
      TEST(the_next_sitting_is_that_of_the_territory),
      TEST(participants_are_those_of_the_territory),
      TEST(a_delay_lasts_until_the_day_begins),
      TEST(dates_are_compared_and_nil_is_passed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
