/* A rehearsal is the engine itself: the journal of one gives the outcome of the other, byte for byte. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "check.h"

#define AT(time) "{\"at\":\"2026-01-12T" time "+05:00\","
#define BEGIN_LINE                                                                                                     \
  AT("10:00:00")                                                                                                       \
  "\"as\":\"agency-1\",\"event\":\"begin\",\"case\":\"A\",\"data\":{\"edition\":1,\"day\":\"2026-01-12\",\"place\":"   \
  "\"north\"}}\n"

static struct bench b;

static int setup(void **state) {
  (void)state;
  bench_open(&b);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  bench_close(&b);
  return 0;
}

static void assert_has(const char *text, const char *part) {
  if (!strstr(text, part)) {
    fail_msg("no %s in\n%s", part, text);
  }
}

static void the_outcome_stands_in_a_fixed_form(void **state) {
  (void)state;
  const char *expected =
      "{\"type\":\"case\",\"case\":\"A\",\"process\":\"root\",\"states\":[\"helped\"],\"stage\":\"late\",\"ground\":"
      "null}\n"
      "{\"type\":\"case\",\"case\":\"A\",\"process\":\"part\",\"states\":[\"planning\"],\"stage\":\"early\",\"ground\":"
      "null}\n"
      "{\"type\":\"deadline\",\"case\":\"A\",\"process\":\"root\",\"id\":\"visit\",\"basis\":\"правило\",\"from\":"
      "\"2026-01-12\","
      "\"term\":\"5wd\",\"due\":\"2026-01-19\",\"state\":\"met\",\"at\":\"2026-01-12T11:00:00+05:00\"}\n"
      "{\"type\":\"deadline\",\"case\":\"A\",\"process\":\"part\",\"id\":\"plan\",\"basis\":\"правило\",\"from\":"
      "\"2026-01-12\","
      "\"term\":\"3wd\",\"due\":\"2026-01-15\",\"state\":\"missed\",\"at\":\"2026-01-16T00:00:00+05:00\"}\n"
      "{\"type\":\"incident\",\"case\":\"B\",\"reason\":\"refused\",\"at\":\"2026-01-12T11:00:00+05:00\",\"detail\":"
      "\"Посещение: Дело не найдено\"}\n";
  const char *events =
      BEGIN_LINE AT("11:00:00") "\"as\":\"helper-north\",\"event\":\"visit.done\",\"case\":\"A\",\"data\":{}}\n" AT(
          "11:00:00") "\"as\":\"helper-north\",\"event\":\"visit.done\",\"case\":\"B\"}\n";
  assert_string_equal(expected, bench_rehearse(&b, events, "2026-01-31"));
}

static void the_end_of_the_last_day_is_not_reached(void **state) {
  (void)state;
  assert_has(bench_rehearse(&b, BEGIN_LINE, "2026-01-19"), "\"state\":\"open\"");
  assert_has(bench_rehearse(&b, BEGIN_LINE, "2026-01-20"), "\"state\":\"missed\"");
}

static void a_bad_line_is_passed_over_and_the_rest_goes_on(void **state) {
  (void)state;
  const char *result = bench_rehearse(&b, "{\n\xEF\xBB\xBF\n" BEGIN_LINE "nonsense\n", "2026-01-19");
  assert_has(result, "строка 1:");
  assert_has(result, "строка 4:");
  assert_has(result, "\"type\":\"case\"");
}

static void a_byte_order_mark_and_carriage_returns_are_no_mistake(void **state) {
  (void)state;
  const char *plain = bench_rehearse(&b, BEGIN_LINE, "2026-01-19");
  const char *marked = bench_rehearse(&b, "\xEF\xBB\xBF\r\n" BEGIN_LINE "\r\n", "2026-01-19");
  assert_string_equal(plain, marked);
}

static void lines_after_the_last_day_are_left_out(void **state) {
  (void)state;
  const char *before = bench_rehearse(&b, BEGIN_LINE, "2026-01-19");
  const char *with = bench_rehearse(
      &b, BEGIN_LINE "{\"at\":\"2030-01-01\",\"as\":\"helper-north\",\"event\":\"visit.done\",\"case\":\"A\"}\n",
      "2026-01-19");
  assert_string_equal(before, with);
}

static void a_line_that_is_wrong_is_named(void **state) {
  (void)state;
  const struct {
    const char *line, *complaint;
  } rows[] = {
      {"nonsense", "строка 2:"},
      {"[1]", "строка 2: не объект JSON"},
      {AT("09:00:00") "\"as\":\"x\",\"event\":\"e\",\"case\":\"A\"}", "строка 2: «at» раньше"},
      {"{\"at\":\"yesterday\",\"as\":\"x\",\"event\":\"e\",\"case\":\"A\"}", "строка 2: «at» — не момент"},
      {"{\"as\":\"x\",\"event\":\"e\",\"case\":\"A\"}", "строка 2: нет поля «at»"},
      {AT("11:00:00") "\"event\":\"e\",\"case\":\"A\"}", "строка 2: нет текста «as»"},
      {AT("11:00:00") "\"as\":\"x\",\"event\":7,\"case\":\"A\"}", "строка 2: нет текста «event»"},
      {AT("11:00:00") "\"as\":\"x\",\"event\":\"e\",\"case\":\"A\",\"data\":[]}", "строка 2: «data» — не объект"},
      {AT("11:00:00") "\"as\":\"x\",\"event\":\"e\",\"case\":\"A\",\"dada\":{}}", "строка 2: лишнее поле"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char events[1000];
    (void)snprintf(events, sizeof events, "%s%s", BEGIN_LINE, rows[i].line);
    assert_has(bench_rehearse(&b, events, "2026-12-31"), rows[i].complaint);
  }
}

/* Whatever a file holds, it ends in an outcome or in a complaint that names a line. */
static void spoiled_lines_never_crash(void **state) {
  (void)state;
  static const char good[] = BEGIN_LINE AT(
      "11:00:00") "\"as\":\"helper-north\",\"event\":\"visit.done\",\"case\":\"A\",\"data\":{\"note\":\"x\"}}\n";
  static const char bits[] = "\0\"{}[]:,\\\n-0e9\xff\xd0/";
  uint32_t seed = 7;
  for (int i = 0; i < 300; i++) {
    char events[sizeof good];
    memcpy(events, good, sizeof good);
    for (int k = 0; k < 3; k++) {
      seed = seed * 1664525u + 1013904223u;
      events[(seed >> 8) % (sizeof good - 1)] = bits[(seed >> 24) % (sizeof bits - 1)];
    }
    const char *result = bench_rehearse(&b, events, "2026-01-31");
    bool outcome = result[0] == '\0' || strncmp(result, "{\"type\":", 8) == 0;
    if (!outcome && strncmp(result, "строка ", 13) != 0) {
      fail_msg("%s gave %s", events, result);
    }
  }
}

/* Accepted, corrected, delegated, refused for every kind of reason, parked, repeated by the operator, late. */
static void play(void) {
  const char *rows =
      "{\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-03-02\"},{\"id\":\"m2\",\"kind\":\"medical\","
      "\"due\":\"2026-01-14\"}]}";
  const struct {
    const char *at;
    struct bench_message message;
  } script[] = {
      {"2026-01-12T09:00:00+05:00", {"helper-north", 1, "visit.done", "A", "{\"note\":\"рано\"}", NULL}},
      {"2026-01-12T10:00:00+05:00", *BEGIN(1, 1, "2026-01-12")},
      {"2026-01-12T10:00:00+05:00", *BEGIN(1, 1, "2026-01-12")},
      {"2026-01-12T10:00:00.500+05:00", *BEGIN(2, 2, "2026-01-13")},
      {"2026-01-12T10:01:00+05:00", *BEGIN(3, 2, "2026-01-13")},
      {"2026-01-12T11:00:00+05:00", {"helper-north", 2, "broken", "A", NULL, NULL}},
      {"2026-01-12T11:00:00+05:00", {"helper-north", 3, "visit.done", "A", "{\"secret\":\"x\"}", NULL}},
      {"2026-01-12T11:00:00+05:00", {"helper-north", 4, "visit.done", "A", "{\"note\":7}", NULL}},
      {"2026-01-12T11:00:00+05:00", {"helper-south", 1, "visit.done", "A", "{\"note\":\"чужой\"}", NULL}},
      {"2026-01-12T11:00:00+05:00", {"helper-north", 5, "visit.done", "A", NULL, "2026-01-12T12:00:00+05:00"}},
      {"2026-01-12T11:00:00+05:00", {"helper-north", 6, "visit.done", "no such/case!", NULL, NULL}},
      {"2026-01-25T11:00:00+05:00",
       {"helper-north", 7, "visit.done", "A", "{\"note\":\"Тайна\"}", "2026-01-14T11:00:00+05:00"}},
      {"2026-01-25T12:00:00+05:00", {"helper-north", 8, "plan", "A", rows, NULL}},
      {"2026-01-25T12:00:00+05:00", {"doctor-a", 1, "accepted", "A", "{\"measure\":\"m1\",\"offer\":1}", NULL}},
      {"2026-01-26T12:00:00+05:00", {"doctor-b", 1, "declined", "A/part/m2", NULL, NULL}},
      {"2026-01-27T12:00:00+05:00", {"doctor-a", 2, "completed", "A", "{\"measure\":\"m1\"}", NULL}},
  };
  for (size_t i = 0; i < sizeof script / sizeof *script; i++) {
    bench_send(&b, script[i].at, &script[i].message);
    if (i % 3 == 0) {
      bench_restart(&b);
    }
  }
  struct fault fault;
  assert_int_equal(ERR_OK, runtime_incident_retry(b.runtime, SPAN_LITERAL("A"), 1, &fault));
  bench_until(&b, "2026-03-31T23:59:59.999+05:00");
}

static void the_journal_rehearsed_gives_the_same_bytes(void **state) {
  (void)state;
  play();
  const char *outcome = bench_outcome(&b);
  assert_has(outcome, "met-reported-late");
  assert_has(outcome, "step-failed");
  assert_true(bench_count(outcome, "\"reason\":\"refused\"") >= 5);
  assert_string_equal(outcome, bench_rehearse(&b, bench_export(&b), "2026-03-31"));
}

static void twice_the_same_lines_give_the_same_bytes(void **state) {
  (void)state;
  play();
  const char *events = bench_export(&b);
  assert_string_equal(bench_rehearse(&b, events, "2026-12-31"), bench_rehearse(&b, events, "2026-12-31"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_outcome_stands_in_a_fixed_form),
      TEST(the_end_of_the_last_day_is_not_reached),
      TEST(a_bad_line_is_passed_over_and_the_rest_goes_on),
      TEST(a_byte_order_mark_and_carriage_returns_are_no_mistake),
      TEST(lines_after_the_last_day_are_left_out),
      TEST(a_line_that_is_wrong_is_named),
      TEST(spoiled_lines_never_crash),
      TEST(the_journal_rehearsed_gives_the_same_bytes),
      TEST(twice_the_same_lines_give_the_same_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
