/*
 * Small numbers against a reader who computes: every small table of a kind is hidden, and all tables that agree with
 * what is then shown (a "…" is 1 at least) are what that reader is left with. No hidden number may have fewer than
 * BELOW values among them. Tables of numbers up to MOST are made; those up to INNER are judged, since what else they
 * could be is among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { CELLS = 10, MOST = 8, INNER = 5, BELOW = 3, AWAY = -1 };

struct trial {
  int8_t shown[CELLS]; /* AWAY, or the number */
  int8_t numbers[CELLS];
};
struct trials {
  struct trial *items;
  size_t count, capacity;
};

/* A kind of report: a section of numbers, and one with lines that add up to them. */
struct kind {
  struct report_column columns[2][5];
  struct report_sum sum;
  struct report_section sections[2];
  struct report_definition definition;
  size_t lines;
};

static struct text_list names_of(struct span *names, size_t count) {
  return (struct text_list){.items = names, .count = count};
}

static struct report_column count_column(const char *name, const char *adds_to) {
  return (struct report_column){
      .name = span_of_cstr(name), .take = SPAN_LITERAL("count"), .adds_to = span_of_cstr(adds_to)};
}

static void kind_finish(struct kind *kind, size_t numbers, size_t columns, size_t lines) {
  kind->sections[0].columns = kind->columns[0];
  kind->sections[0].columns_count = numbers;
  kind->sections[1].rows = SPAN_LITERAL("cases");
  kind->sections[1].columns = kind->columns[1];
  kind->sections[1].columns_count = columns;
  kind->definition =
      (struct report_definition){.small_below = BELOW, .sections = kind->sections, .sections_count = lines > 0 ? 2 : 1};
  kind->lines = lines;
}

static int8_t code_of(const struct value *value) {
  if (value->kind == VALUE_INT) {
    return (int8_t)value->integer;
  }
  /* Every cell of these kinds is tied to others: there is one sign. */
  assert_true(span_is(value->text, "…"));
  return AWAY;
}

/* `numbers`: those of the first section, then line by line. */
static void hide(struct arena *arena, const struct kind *kind, const int8_t *numbers, struct trials *trials) {
  struct report_line firsts[5] = {0};
  struct report_line lines[4] = {0};
  size_t head = kind->sections[0].columns_count;
  size_t width = kind->sections[1].columns_count;
  size_t count = head + width * kind->lines;
  struct value *cells[CELLS];
  for (size_t i = 0; i < count; i++) {
    cells[i] = i < head ? &firsts[i].cells[0] : &lines[(i - head) / width].cells[(i - head) % width];
    *cells[i] = value_int(numbers[i]);
  }
  struct report_lines sections[2] = {{.lines = firsts, .count = head}, {.lines = lines, .count = kind->lines}};
  struct report report = {.definition = &kind->definition, .sections = sections, .arena = arena};
  report_small_hide(&report);
  if (trials->count == trials->capacity) {
    trials->capacity = trials->capacity * 2 + 1024;
    trials->items = realloc(trials->items, trials->capacity * sizeof *trials->items);
    assert_non_null(trials->items);
  }
  struct trial *trial = &trials->items[trials->count++];
  memset(trial, 0, sizeof *trial);
  memcpy(trial->numbers, numbers, count);
  for (size_t i = 0; i < count; i++) {
    trial->shown[i] = code_of(cells[i]);
    bool share = !span_empty(kind->columns[i >= head][i < head ? i : (i - head) % width].of);
    trial->shown[i] = share ? 0 : trial->shown[i]; /* away if one of its numbers is */
    assert_true(trial->shown[i] == numbers[i] || trial->shown[i] == AWAY);
    assert_true(trial->shown[i] == AWAY || numbers[i] == 0 || numbers[i] >= BELOW);
  }
  arena_reset(arena);
}

static bool is_inner(const struct trial *trial) {
  for (size_t i = 0; i < CELLS; i++) {
    if (trial->numbers[i] > INNER) {
      return false;
    }
  }
  return true;
}

static bool agrees(const struct trial *trial, const int8_t *shown) {
  for (size_t i = 0; i < CELLS; i++) {
    if (shown[i] == AWAY ? trial->numbers[i] < 1 : trial->numbers[i] != shown[i]) {
      return false;
    }
  }
  return true;
}

static bool all_wide(const int8_t *shown, const uint64_t *values) {
  for (size_t i = 0; i < CELLS; i++) {
    if (shown[i] == AWAY && __builtin_popcountll(values[i]) < BELOW) {
      return false;
    }
  }
  return true;
}

/* One table, and all that it could be. */
static void judge_table(const struct trials *trials, const struct trial *trial) {
  uint64_t values[CELLS] = {0}; /* a bit per number */
  bool wide = all_wide(trial->shown, values);
  for (size_t i = 0; i < trials->count && !wide; i++) {
    const struct trial *other = &trials->items[i];
    if (agrees(other, trial->shown)) {
      for (size_t k = 0; k < CELLS; k++) {
        values[k] |= UINT64_C(1) << other->numbers[k];
      }
      wide = all_wide(trial->shown, values);
    }
  }
  for (size_t i = 0; i < CELLS && !wide; i++) {
    print_message("%d shown as %d\n", trial->numbers[i], trial->shown[i]);
  }
  assert_true(wide);
}

static void judge(struct trials *trials) {
  assert_true(trials->count > 0);
  for (size_t i = 0; i < trials->count; i++) {
    if (is_inner(&trials->items[i])) {
      judge_table(trials, &trials->items[i]);
    }
  }
  free(trials->items);
}

/* The next of all numbers below `base` with `count` digits; false after the last. */
static bool next_digits(int8_t *digits, size_t count, int8_t base) {
  for (size_t i = 0; i < count; i++) {
    if (++digits[i] < base) {
      return true;
    }
    digits[i] = 0;
  }
  return false;
}

static void parts_of_a_total_cannot_be_computed(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 1U << 16);
  struct kind kind = {
      .columns = {{count_column("a", ""), count_column("b", ""), count_column("c", ""), count_column("t", "")}}};
  struct span names[] = {SPAN_LITERAL("a"), SPAN_LITERAL("b"), SPAN_LITERAL("c"), SPAN_LITERAL("t")};
  kind.sum = (struct report_sum){names_of(names, 3), names_of(names + 3, 1)};
  kind.sections[0].sums = &kind.sum;
  kind.sections[0].sums_count = 1;
  kind_finish(&kind, 4, 1, 0);
  struct trials trials = {0};
  int8_t n[CELLS] = {0};
  do {
    n[3] = (int8_t)(n[0] + n[1] + n[2]);
    hide(&arena, &kind, n, &trials);
  } while (next_digits(n, 3, MOST + 1));
  judge(&trials);
  arena_finish(&arena);
}

/* at the start + begun = ended + at the end; ended = its grounds. */
static void grounds_of_what_ended_cannot_be_computed(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 1U << 16);
  struct kind kind = {
      .columns = {{count_column("s", ""), count_column("b", ""), count_column("e", ""), count_column("l", "")},
                  {count_column("n", "e")}}};
  struct span names[] = {SPAN_LITERAL("s"), SPAN_LITERAL("b"), SPAN_LITERAL("e"), SPAN_LITERAL("l")};
  kind.sum = (struct report_sum){names_of(names, 2), names_of(names + 2, 2)};
  kind.sections[0].sums = &kind.sum;
  kind.sections[0].sums_count = 1;
  for (size_t lines = 1; lines <= 3; lines++) {
    kind_finish(&kind, 4, 1, lines);
    struct trials trials = {0};
    int8_t d[CELLS] = {0}; /* begun, at the end, the lines from 1 */
    do {
      int8_t n[CELLS] = {0, d[0], 0, d[1]};
      for (size_t i = 0; i < lines; i++) {
        n[4 + i] = (int8_t)(d[2 + i] + 1);
        n[2] = (int8_t)(n[2] + n[4 + i]);
      }
      n[0] = (int8_t)(n[2] + n[3] - n[1]);
      if (n[0] >= 0) {
        hide(&arena, &kind, n, &trials);
      }
    } while (next_digits(d, 2 + lines, MOST));
    judge(&trials);
  }
  arena_finish(&arena);
}

/* Places, in each of them those who ended and of these those with a result. */
static void shares_of_places_cannot_be_computed(void **state) {
  (void)state;
  struct arena arena;
  arena_init(&arena, 1U << 16);
  struct kind kind = {.columns = {{count_column("all", ""), count_column("some", "")},
                                  {count_column("of", "all"), count_column("part", "some")}}};
  for (size_t i = 0; i < 2; i++) { /* a share of the two before it; it counts nothing itself and is 0 here */
    kind.columns[i][2] = (struct report_column){
        .name = SPAN_LITERAL("share"), .of = kind.columns[i][0].name, .part = kind.columns[i][1].name};
  }
  kind_finish(&kind, 3, 3, 2);
  struct trials trials = {0};
  int8_t d[CELLS] = {0};
  do {
    int8_t n[CELLS] = {0};
    bool fits = true;
    for (size_t i = 0; i < 2; i++) {
      int8_t of = (int8_t)(d[2 * i] + 1);
      int8_t part = d[2 * i + 1];
      n[3 + 3 * i] = of;
      n[4 + 3 * i] = part;
      n[0] = (int8_t)(n[0] + of);
      n[1] = (int8_t)(n[1] + part);
      fits = fits && part <= of;
    }
    if (fits) {
      hide(&arena, &kind, n, &trials);
    }
  } while (next_digits(d, 4, MOST + 1));
  judge(&trials);
  arena_finish(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_of_a_total_cannot_be_computed),
      cmocka_unit_test(grounds_of_what_ended_cannot_be_computed),
      cmocka_unit_test(shares_of_places_cannot_be_computed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
