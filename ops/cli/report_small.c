/*
 * Small numbers: whoever reads "1 died in Pokachi" knows who. In a report that is made for everybody, numbers from 1 to
 * below the definition's threshold are not shown, nor as many others as it takes that nobody computes them again.
 *
 * A cell is SHOWN, SMALL ("<5": small, and tied to no other) or HIDDEN ("…": tied to others, and any number from 1; it
 * is not told whether it is small). Cells are tied by a sum (`sums`, in each line; `adds-to`, a column with a number
 * above it), and a part is at most what it is a part of. Zeros are shown: nobody stands behind them.
 *
 * Invariant when it ends: who knows all that is shown, that "…" is 1 at least, and how cells are tied, is left with
 * below or more numbers for each of the HIDDEN. `attack` is that reader: it narrows the bounds of each cell until
 * nothing changes; as long as a cell comes out too narrow, one more number of a sum that binds it is hidden. That ends:
 * with all but zeros hidden, twice the numbers would fit as well as the numbers. A share is shown only if both its
 * numbers are, and a part is hidden if the rest is small.
 */
#include "report.h"

/* More than all numbers of a report together. */
static const int64_t UNBOUNDED = INT64_C(1) << 60;

enum shade { SHADE_SHOWN, SHADE_SMALL, SHADE_HIDDEN };

struct small_cell {
  int64_t number;
  enum shade shade;
  int64_t least, most; /* what a reader knows; most may be UNBOUNDED */
  bool tied;
};

/* The cells of a section; of a section without rows one line. */
struct small_section {
  const struct report_section *section;
  struct report_lines *lines;
  size_t lines_count;
  struct small_cell *cells; /* lines_count × columns_count */
};
/* The first `parts` cells add up to the same as the others. */
struct equation {
  struct small_cell **cells;
  size_t parts, count;
};
struct share {
  struct small_cell *part, *of;
};
struct small {
  const struct report *report;
  struct small_section *sections;
  size_t sections_count;
  struct equation *equations;
  size_t equations_count;
  struct share *shares;
  size_t shares_count;
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

static bool is_small(const struct small *small, int64_t number) {
  return number > 0 && number < small->report->definition->small_below;
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
    }
  }
}

/* ---- what is tied ---- */

static void add_cell(struct equation *e, struct small_cell *cell) {
  cell->tied = true;
  e->cells[e->count++] = cell;
}

static struct equation *add_equation(struct small *small, size_t cells) {
  struct equation *e = &small->equations[small->equations_count++];
  *e = (struct equation){.cells = ARENA_ARRAY(small->report->arena, struct small_cell *, cells + 1)};
  return e;
}

static void add_fields(struct equation *e, const struct small_section *s, size_t line, const struct text_list *fields) {
  for (size_t i = 0; i < fields->count; i++) {
    size_t column = column_of(s->section, fields->items[i]);
    if (column < s->section->columns_count) {
      add_cell(e, cell_at(s, line, column));
    }
  }
}

static void tie_sum(struct small *small, const struct small_section *s, size_t line, const struct report_sum *sum) {
  struct equation *e = add_equation(small, sum->fields.count + sum->equals.count);
  add_fields(e, s, line, &sum->fields);
  e->parts = e->count;
  add_fields(e, s, line, &sum->equals);
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

static void tie_column(struct small *small, const struct small_section *s, size_t column) {
  struct small_cell *total = number_named(small, s->section->columns[column].adds_to);
  if (!total) {
    return;
  }
  struct equation *e = add_equation(small, s->lines_count + 1);
  for (size_t i = 0; i < s->lines_count; i++) {
    add_cell(e, cell_at(s, i, column));
  }
  e->parts = e->count;
  add_cell(e, total);
}

static void tie_share(struct small *small, const struct small_section *s, size_t line,
                      const struct report_column *column) {
  struct share *share = &small->shares[small->shares_count++];
  share->of = cell_at(s, line, column_of(s->section, column->of));
  share->part = cell_at(s, line, column_of(s->section, column->part));
  share->of->tied = true;
  share->part->tied = true;
}

static void tie_section(struct small *small, const struct small_section *s) {
  for (size_t line = 0; line < s->lines_count; line++) {
    for (size_t i = 0; i < s->section->sums_count; i++) {
      tie_sum(small, s, line, &s->section->sums[i]);
    }
    for (size_t i = 0; i < s->section->columns_count; i++) {
      if (!span_empty(s->section->columns[i].of)) {
        tie_share(small, s, line, &s->section->columns[i]);
      }
    }
  }
  for (size_t i = 0; i < s->section->columns_count; i++) {
    if (!span_empty(s->section->columns[i].adds_to)) {
      tie_column(small, s, i);
    }
  }
}

static void tie(struct small *small) {
  size_t equations = 0;
  size_t shares = 0;
  for (size_t i = 0; i < small->sections_count; i++) {
    const struct small_section *s = &small->sections[i];
    equations += s->lines_count * s->section->sums_count + s->section->columns_count;
    shares += s->lines_count * s->section->columns_count;
  }
  small->equations = ARENA_ARRAY(small->report->arena, struct equation, equations + 1);
  small->shares = ARENA_ARRAY(small->report->arena, struct share, shares + 1);
  for (size_t i = 0; i < small->sections_count; i++) {
    tie_section(small, &small->sections[i]);
  }
}

/* ---- what is small ---- */

static void shade_small(struct small *small) {
  for (size_t i = 0; i < small->sections_count; i++) {
    const struct small_section *s = &small->sections[i];
    for (size_t k = 0; k < s->lines_count * s->section->columns_count; k++) {
      struct small_cell *cell = &s->cells[k];
      cell->shade = !is_small(small, cell->number) ? SHADE_SHOWN : cell->tied ? SHADE_HIDDEN : SHADE_SMALL;
    }
  }
  /* Shown, a share and its whole give the part; and a small rest is a small number too. */
  for (size_t i = 0; i < small->shares_count; i++) {
    struct small_cell *part = small->shares[i].part;
    if (part->number > 0 && is_small(small, small->shares[i].of->number - part->number)) {
      part->shade = SHADE_HIDDEN;
    }
  }
}

/* ---- the reader who computes ---- */

static void know_cells(struct small *small) {
  for (size_t i = 0; i < small->sections_count; i++) {
    const struct small_section *s = &small->sections[i];
    for (size_t k = 0; k < s->lines_count * s->section->columns_count; k++) {
      struct small_cell *cell = &s->cells[k];
      bool known = cell->shade == SHADE_SHOWN;
      cell->least = known ? cell->number : 1;
      cell->most = known ? cell->number : UNBOUNDED;
    }
  }
}

static void narrow(struct small *small, struct small_cell *cell, int64_t least, int64_t most) {
  if (least > cell->least) {
    cell->least = least;
    small->changed = true;
  }
  if (most < cell->most) {
    cell->most = most;
    small->changed = true;
  }
}

/* The bounds of one side of a sum; `unbounded` of its cells have no upper one and are not in `most`. */
struct side {
  int64_t least, most;
  size_t unbounded;
};

static struct side side_of(const struct equation *e, size_t from, size_t to) {
  struct side side = {0};
  for (size_t i = from; i < to; i++) {
    bool bounded = e->cells[i]->most < UNBOUNDED;
    side.least += e->cells[i]->least;
    side.most += bounded ? e->cells[i]->most : 0;
    side.unbounded += !bounded;
  }
  return side;
}

/* A cell is the other side without the rest of its own. */
static void narrow_side(struct small *small, const struct equation *e, size_t from, size_t to, struct side other) {
  const struct side own = side_of(e, from, to);
  for (size_t i = from; i < to; i++) {
    struct small_cell *cell = e->cells[i];
    bool bounded = cell->most < UNBOUNDED;
    int64_t rest_least = own.least - cell->least;
    int64_t rest_most = own.most - (bounded ? cell->most : 0);
    bool rest_bounded = own.unbounded == (bounded ? 0 : 1);
    narrow(small, cell, rest_bounded ? other.least - rest_most : 0,
           other.unbounded == 0 ? other.most - rest_least : UNBOUNDED);
  }
}

static void attack(struct small *small) {
  know_cells(small);
  do { /* each round narrows at least one cell */
    small->changed = false;
    for (size_t i = 0; i < small->equations_count; i++) {
      const struct equation *e = &small->equations[i];
      narrow_side(small, e, 0, e->parts, side_of(e, e->parts, e->count));
      narrow_side(small, e, e->parts, e->count, side_of(e, 0, e->parts));
    }
    for (size_t i = 0; i < small->shares_count; i++) {
      const struct share *share = &small->shares[i];
      narrow(small, share->part, 0, share->of->most);
      narrow(small, share->of, share->part->least, UNBOUNDED);
    }
  } while (small->changed);
}

/* ---- hiding ---- */

/* The least number of a sum that is shown; a total stands behind its parts. NULL: all but zeros are hidden. */
static struct small_cell *next_to_hide(const struct equation *e) {
  struct small_cell *best = NULL;
  for (size_t i = 0; i < e->count; i++) {
    struct small_cell *cell = e->cells[i];
    if (cell->shade == SHADE_SHOWN && cell->number > 0 && (!best || cell->number < best->number)) {
      best = cell;
    }
  }
  return best;
}

static bool is_alone(const struct small *small, const struct equation *e) {
  size_t hidden = 0;
  (void)small;
  for (size_t i = 0; i < e->count; i++) {
    hidden += e->cells[i]->shade == SHADE_HIDDEN;
  }
  return hidden == 1;
}

static bool is_too_narrow(const struct small *small, const struct equation *e) {
  for (size_t i = 0; i < e->count; i++) {
    const struct small_cell *cell = e->cells[i];
    if (cell->shade == SHADE_HIDDEN && cell->most - cell->least < small->report->definition->small_below - 1) {
      return true;
    }
  }
  return false;
}

static bool hide_where(const struct small *small, bool (*wrong)(const struct small *, const struct equation *)) {
  for (size_t i = 0; i < small->equations_count; i++) {
    const struct equation *e = &small->equations[i];
    struct small_cell *next = wrong(small, e) ? next_to_hide(e) : NULL;
    if (next) {
      next->shade = SHADE_HIDDEN;
      return true;
    }
  }
  return false;
}

/* The lone ones first: while these stand, others look narrower than they will be. False: there is nothing to hide. */
static bool hide_one(const struct small *small) {
  return hide_where(small, is_alone) || hide_where(small, is_too_narrow);
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
  tie(&small);
  shade_small(&small);
  do {
    attack(&small);
  } while (hide_one(&small));
  for (size_t i = 0; i < count; i++) {
    write_section(&small, &small.sections[i]);
  }
}
