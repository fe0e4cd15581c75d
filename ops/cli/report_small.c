/*
 * Small numbers: whoever reads "1 died in Pokachi" knows who. In a report that is made for everybody, numbers from 1 to
 * below the definition's threshold are shown as "<5", and as many others as "…" as it takes that nobody computes them
 * again.
 *
 * A cell is SHOWN, SMALL or HIDDEN. Columns tied by a sum (`sums`, in each line; `adds-to`, a column with a number
 * above it) make an equation. Invariants when it ends, for every equation with a cell that is not shown: at least two
 * are not, and one of these is no small one, unless none is left; so neither the difference nor the bounds of "<5" give
 * a number away. A share is shown only if both its numbers are and the rest is not small. Zeros are shown: nobody
 * stands behind them.
 */
#include "report.h"

enum shade { SHADE_SHOWN, SHADE_SMALL, SHADE_HIDDEN };

struct small_cell {
  int64_t number;
  enum shade shade;
};

/* The cells of a section; of a section without rows one line. */
struct small_section {
  const struct report_section *section;
  struct report_lines *lines;
  size_t lines_count;
  struct small_cell *cells; /* lines_count × columns_count */
};
struct small {
  const struct report *report;
  struct small_section *sections;
  size_t sections_count;
  bool changed;
};

bool report_hides(const struct report *report) {
  return report->definition->small_below > 0 && !report->full && !report->participant;
}

static bool is_count(const struct report_column *column) {
  return span_is(column->take, "count") || span_is(column->take, "cases");
}

/* Where the cell stands in the report. */
static struct value *value_of(const struct small_section *s, size_t line, size_t column) {
  bool numbers = span_empty(s->section->rows);
  return numbers ? &s->lines->lines[column].cells[0] : &s->lines->lines[line].cells[column];
}

static struct small_cell *cell_at(const struct small_section *s, size_t line, size_t column) {
  return &s->cells[line * s->section->columns_count + column];
}

static size_t column_of(const struct report_section *section, struct span name) {
  size_t i = 0;
  while (i < section->columns_count && !span_equal(section->columns[i].name, name)) {
    i++;
  }
  return i;
}

/* ---- reading ---- */

static void read_section(struct small *small, size_t index) {
  const struct report *report = small->report;
  struct small_section *s = &small->sections[index];
  s->section = &report->definition->sections[index];
  s->lines = &report->sections[index];
  s->lines_count = span_empty(s->section->rows) ? 1 : s->lines->count;
  s->cells = ARENA_ARRAY(report->arena, struct small_cell, s->lines_count * s->section->columns_count + 1);
  for (size_t i = 0; i < s->lines_count; i++) {
    for (size_t k = 0; k < s->section->columns_count; k++) {
      const struct value *value = value_of(s, i, k);
      struct small_cell *cell = cell_at(s, i, k);
      bool counts = is_count(&s->section->columns[k]) && value->kind == VALUE_INT;
      cell->number = counts ? value->integer : 0;
      cell->shade = cell->number > 0 && cell->number < report->definition->small_below ? SHADE_SMALL : SHADE_SHOWN;
    }
  }
}

/* ---- equations ---- */

struct equation {
  struct small_cell **cells;
  size_t count;
};

/* The least of the shown ones that is no small number; without one the greatest that is left. */
static struct small_cell *next_to_hide(const struct equation *e, int64_t below) {
  struct small_cell *best = NULL;
  for (size_t i = 0; i < e->count; i++) {
    struct small_cell *cell = e->cells[i];
    bool large = cell->number >= below;
    bool best_large = best && best->number >= below;
    bool better = !best || (large && !best_large) || (large && best_large && cell->number < best->number);
    if (cell->shade == SHADE_SHOWN && better) {
      best = cell;
    }
  }
  return best;
}

static void settle(struct small *small, const struct equation *e) {
  int64_t below = small->report->definition->small_below;
  for (;;) {
    size_t away = 0;
    size_t large = 0;
    for (size_t i = 0; i < e->count; i++) {
      away += e->cells[i]->shade != SHADE_SHOWN;
      large += e->cells[i]->shade == SHADE_HIDDEN && e->cells[i]->number >= below;
    }
    struct small_cell *next = next_to_hide(e, below);
    bool safe = away == 0 || (away >= 2 && (large > 0 || !next || next->number < below));
    if (safe || !next) {
      return;
    }
    next->shade = SHADE_HIDDEN;
    small->changed = true;
  }
}

static void settle_sum(struct small *small, const struct small_section *s, size_t line, const struct report_sum *sum) {
  struct equation e = {ARENA_ARRAY(small->report->arena, struct small_cell *, sum->fields.count + 1), 0};
  for (size_t i = 0; i < sum->fields.count; i++) {
    size_t column = column_of(s->section, sum->fields.items[i]);
    if (column < s->section->columns_count) {
      e.cells[e.count++] = cell_at(s, line, column);
    }
  }
  settle(small, &e);
}

static struct small_cell *number_named(const struct small *small, struct span name) {
  for (size_t i = 0; i < small->sections_count; i++) {
    const struct small_section *s = &small->sections[i];
    size_t column = column_of(s->section, name);
    if (span_empty(s->section->rows) && column < s->section->columns_count) {
      return cell_at(s, 0, column);
    }
  }
  return NULL;
}

static void settle_column(struct small *small, const struct small_section *s, size_t column) {
  struct small_cell *total = number_named(small, s->section->columns[column].adds_to);
  struct equation e = {ARENA_ARRAY(small->report->arena, struct small_cell *, s->lines_count + 1), 0};
  for (size_t i = 0; i < s->lines_count; i++) {
    e.cells[e.count++] = cell_at(s, i, column);
  }
  if (total) {
    e.cells[e.count++] = total;
    settle(small, &e);
  }
}

/* Shown, a share and its whole give the part; and a small rest is a small number too. */
static void settle_share(struct small *small, const struct small_section *s, size_t line,
                         const struct report_column *column) {
  const struct small_cell *of = cell_at(s, line, column_of(s->section, column->of));
  struct small_cell *part = cell_at(s, line, column_of(s->section, column->part));
  int64_t rest = of->number - part->number;
  if (part->shade == SHADE_SHOWN && rest > 0 && rest < small->report->definition->small_below) {
    part->shade = SHADE_HIDDEN;
    small->changed = true;
  }
}

static void settle_section(struct small *small, const struct small_section *s) {
  for (size_t line = 0; line < s->lines_count; line++) {
    for (size_t i = 0; i < s->section->sums_count; i++) {
      settle_sum(small, s, line, &s->section->sums[i]);
    }
    for (size_t i = 0; i < s->section->columns_count; i++) {
      if (!span_empty(s->section->columns[i].of)) {
        settle_share(small, s, line, &s->section->columns[i]);
      }
    }
  }
  for (size_t i = 0; i < s->section->columns_count; i++) {
    if (!span_empty(s->section->columns[i].adds_to)) {
      settle_column(small, s, i);
    }
  }
}

/* ---- writing ---- */

static bool is_share_away(const struct small_section *s, size_t line, const struct report_column *column) {
  return !span_empty(column->of) && (cell_at(s, line, column_of(s->section, column->of))->shade != SHADE_SHOWN ||
                                     cell_at(s, line, column_of(s->section, column->part))->shade != SHADE_SHOWN);
}

static void write_section(const struct small *small, const struct small_section *s) {
  for (size_t i = 0; i < s->lines_count; i++) {
    for (size_t k = 0; k < s->section->columns_count; k++) {
      enum shade shade = cell_at(s, i, k)->shade;
      if (shade == SHADE_SMALL) {
        *value_of(s, i, k) =
            value_text(arena_printf(small->report->arena, "<%lld", (long long)small->report->definition->small_below));
      } else if (shade == SHADE_HIDDEN || is_share_away(s, i, &s->section->columns[k])) {
        *value_of(s, i, k) = value_text(SPAN_LITERAL("…"));
      }
    }
  }
  if (s->section->full_only) {
    s->lines->count = 0;
    s->lines->withheld = true;
  }
}

void report_small_hide(struct report *report) {
  if (!report_hides(report)) {
    return;
  }
  size_t count = report->definition->sections_count;
  struct small small = {.report = report, .sections_count = count};
  small.sections = ARENA_ARRAY(report->arena, struct small_section, count + 1);
  for (size_t i = 0; i < count; i++) {
    read_section(&small, i);
  }
  do { /* each round hides at least one cell more */
    small.changed = false;
    for (size_t i = 0; i < count; i++) {
      settle_section(&small, &small.sections[i]);
    }
  } while (small.changed);
  for (size_t i = 0; i < count; i++) {
    write_section(&small, &small.sections[i]);
  }
}
