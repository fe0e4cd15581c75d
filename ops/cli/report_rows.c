/* Rows and columns: which facts stand in a section, and what a column says of them. */
#include <stdlib.h>

#include "report.h"

/* ---- conditions ---- */

static bool text_day(const struct value *value, civil_day *ret_day) {
  return value && value->kind == VALUE_TEXT && value->text.size >= CIVIL_DATE_TEXT - 1 &&
         civil_day_parse(span_of(value->text.data, CIVIL_DATE_TEXT - 1), ret_day) == ERR_OK;
}

/* A text, a truth, or one of a list stands in `list`. */
static bool value_is_in(const struct value *value, const struct text_list *list) {
  if (value->kind == VALUE_LIST) {
    for (size_t i = 0; i < value->list.count; i++) {
      if (value->list.items[i].kind == VALUE_TEXT && text_list_has(list, value->list.items[i].text)) {
        return true;
      }
    }
    return false;
  }
  if (value->kind == VALUE_BOOL) {
    return text_list_has(list, value->truth ? SPAN_LITERAL("true") : SPAN_LITERAL("false"));
  }
  return value->kind == VALUE_TEXT ? text_list_has(list, value->text) : text_list_has(list, SPAN_LITERAL("*"));
}

static bool period_holds(const struct report *report, struct span how, const struct value *value) {
  const struct report_period *period = &report->period;
  civil_day day;
  if (span_empty(how) || period->first == CIVIL_DAY_NONE) {
    return true;
  }
  if (!text_day(value, &day)) {
    return false;
  }
  bool before = day < period->first;
  bool after = day > period->last;
  const struct {
    const char *how;
    bool holds;
  } ways[] = {{"within", !before && !after},
              {"by-end", !after},
              {"since-start", !before},
              {"before-start", before},
              {"after-end", after}};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    if (span_is(how, ways[i].how)) {
      return ways[i].holds;
    }
  }
  return false;
}

static bool condition_holds(const struct report *report, const struct report_condition *condition,
                            const struct value *row) {
  const struct value *value = report_field(row, condition->field);
  if (!value) {
    return condition->missing;
  }
  if (condition->is.count > 0 && !value_is_in(value, &condition->is)) {
    return false;
  }
  if (condition->not_.count > 0 && value_is_in(value, &condition->not_)) {
    return false;
  }
  civil_day day;
  civil_day than;
  if (!span_empty(condition->than) && text_day(value, &day) && text_day(report_field(row, condition->than), &than) &&
      day > than) {
    return false;
  }
  return period_holds(report, condition->period, value);
}

static bool where_holds(const struct report *report, const struct report_condition *where, size_t count,
                        const struct value *row) {
  for (size_t i = 0; i < count; i++) {
    if (!condition_holds(report, &where[i], row)) {
      return false;
    }
  }
  return true;
}

/* ---- rows ---- */

/* Whom the report is made for: its own rows, or those of the territories that it serves. */
static bool scope_holds(const struct report *report, struct span scope, const struct value *row) {
  if (report->group && !participant_serves(report->group, value_get_text(row, "territory"))) {
    return false;
  }
  if (!report->participant) {
    return true;
  }
  if (!span_empty(scope)) {
    const struct value *value = report_field(row, scope);
    return value && value->kind == VALUE_TEXT && span_equal(value->text, report->participant->id);
  }
  return participant_serves(report->participant, value_get_text(row, "territory"));
}

/* Missing ones last; numbers before texts. */
static int compare_values(const struct value *a, const struct value *b) {
  if (!a || !b) {
    return (a == NULL) - (b == NULL);
  }
  if (a->kind == VALUE_INT && b->kind == VALUE_INT) {
    return (a->integer > b->integer) - (a->integer < b->integer);
  }
  if (a->kind == VALUE_TEXT && b->kind == VALUE_TEXT) {
    return span_compare(a->text, b->text);
  }
  return (a->kind > b->kind) - (a->kind < b->kind);
}

static int compare_by(const struct report_row *a, const struct report_row *b, const struct text_list *fields) {
  for (size_t i = 0; i < fields->count; i++) {
    int order = compare_values(report_field(&a->value, fields->items[i]), report_field(&b->value, fields->items[i]));
    if (order != 0) {
      return order;
    }
  }
  return 0;
}

struct order {
  const struct report_section *section;
};

static int compare_rows(const void *left, const void *right, void *arg) {
  const struct report_row *a = *(const struct report_row *const *)left;
  const struct report_row *b = *(const struct report_row *const *)right;
  const struct report_section *section = ((const struct order *)arg)->section;
  int order = compare_by(a, b, &section->group);
  order = order != 0 ? order : compare_by(a, b, &section->sort);
  return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

static void sort_rows(struct report_rows *rows, const struct report_section *section) {
  struct order order = {section};
  if (rows->count > 1) {
    qsort_r(rows->items, rows->count, sizeof(void *), compare_rows, &order);
  }
}

/* ---- columns ---- */

/* One line of a section: the rows that it stands for, none of them for a line over all facts. */
struct context {
  const struct report *report;
  struct report_rows group;
  size_t index;
};

static bool same_holds(const struct report_column *column, const struct value *a, const struct value *b) {
  for (size_t i = 0; i < column->same.count; i++) {
    struct span ours;
    struct span its = span_cut(column->same.items[i], '=', &ours);
    const struct value *left = report_field(a, its);
    const struct value *right = report_field(b, span_empty(ours) ? its : ours);
    if (!left || !right || !value_equal(left, right)) {
      return false;
    }
  }
  return true;
}

/* What a column has found so far. */
struct found {
  const struct report_column *column;
  size_t after;  /* rows with a smaller number in their table do not count */
  size_t before; /* nor do these with this number or a greater one */
  struct span last_case;
  const struct value *value;
  int64_t count, cases;
};

static const struct value *column_value(const struct report_column *column, const struct value *row) {
  const struct value *value = report_field(row, column->field);
  return value || span_empty(column->otherwise) ? value : report_field(row, column->otherwise);
}

static void find(struct found *found, const struct report_row *row) {
  const struct value *value = column_value(found->column, &row->value);
  found->count++;
  if (!span_equal(found->last_case, row->case_id)) {
    found->last_case = row->case_id;
    found->cases++;
  }
  if (value && (!found->value || span_is(found->column->take, "last"))) {
    found->value = value;
  }
}

/* The rows that a column looks at, before its conditions. */
static struct report_rows column_rows(const struct context *context, const struct report_column *column) {
  const struct report_row *row = context->group.count > 0 ? context->group.items[0] : NULL;
  if (span_empty(column->from)) {
    return context->group;
  }
  const struct report_table *table = &context->report->tables[report_table_of(column->from)];
  if (row && (column->same.count == 0 || text_list_has(&column->same, SPAN_LITERAL("case")))) {
    return report_family(table, row->case_id);
  }
  return (struct report_rows){table->by_case, table->count};
}

static void look(const struct context *context, const struct report_column *column, struct found *found) {
  const struct report_row *row = context->group.count > 0 ? context->group.items[0] : NULL;
  struct report_rows rows = column_rows(context, column);
  for (size_t i = 0; i < rows.count; i++) {
    const struct value *value = &rows.items[i]->value;
    bool related = row && !span_empty(column->from) ? same_holds(column, value, &row->value)
                                                    : scope_holds(context->report, span_of(NULL, 0), value);
    if ((related || span_empty(column->from)) && rows.items[i]->order >= found->after &&
        rows.items[i]->order < found->before &&
        where_holds(context->report, column->where, column->where_count, value)) {
      find(found, rows.items[i]);
    }
  }
}

/* The number behind the family's last event of these names. */
static size_t order_behind(const struct report *report, const struct text_list *events, struct span case_id) {
  struct report_rows rows = report_family(&report->tables[REPORT_EVENTS], case_id);
  size_t order = 0;
  for (size_t i = 0; i < rows.count; i++) {
    if (text_list_has(events, value_get_text(&rows.items[i]->value, "event"))) {
      order = rows.items[i]->order + 1;
    }
  }
  return order;
}

/* The number of the family's next event of these names behind the row; SIZE_MAX: there is none. */
static size_t order_until(const struct report *report, const struct text_list *events, const struct report_row *row) {
  struct report_rows rows = report_family(&report->tables[REPORT_EVENTS], row->case_id);
  for (size_t i = 0; i < rows.count; i++) {
    if (rows.items[i]->order >= row->events && text_list_has(events, value_get_text(&rows.items[i]->value, "event"))) {
      return rows.items[i]->order;
    }
  }
  return SIZE_MAX;
}

static bool having_holds(const struct report *report, const struct report_section *section,
                         const struct report_row *row) {
  const struct context context = {.report = report, .group = {&row, 1}};
  for (size_t i = 0; i < section->having_count; i++) {
    const struct report_having *having = &section->having[i];
    const struct report_column column = {
        .from = having->from, .same = having->same, .where = having->where, .where_count = having->where_count};
    struct found found = {.column = &column, .before = SIZE_MAX};
    found.after = having->after.count > 0 ? order_behind(report, &having->after, row->case_id) : 0;
    if (having->until.count > 0) {
      found.after = found.after > row->events ? found.after : row->events;
      found.before = order_until(report, &having->until, row);
    }
    look(&context, &column, &found);
    if ((found.count > 0) == having->none) {
      return false;
    }
  }
  return true;
}

static struct report_rows rows_of(const struct report *report, const struct report_section *section) {
  const struct report_table *table = &report->tables[report_table_of(section->rows)];
  struct report_rows rows = {.items = ARENA_ARRAY(report->arena, const struct report_row *, table->count + 1)};
  for (size_t i = 0; i < table->count; i++) {
    const struct report_row *row = &table->rows[i];
    if (scope_holds(report, section->scope, &row->value) &&
        where_holds(report, section->where, section->where_count, &row->value) && having_holds(report, section, row)) {
      rows.items[rows.count++] = row;
    }
  }
  return rows;
}

/* ---- cells ---- */

/* Working days from the position to a date: 0 is today, below 0 it is over. */
static struct value days_left(const struct report *report, const struct value *value) {
  civil_day day;
  if (!text_day(value, &day)) {
    return value_nil();
  }
  civil_day today = civil_moment_day(report->at);
  return value_int(calendar_working_days_between(report->calendar, today, day));
}

/* True if the next sitting comes after that date, or never. */
static struct value after_sitting(const struct report *report, const struct value *value) {
  civil_day day;
  if (!text_day(value, &day)) {
    return value_nil();
  }
  return value_bool(report->sitting == CIVIL_DAY_NONE || report->sitting > day);
}

static struct value coarse(const struct report *report, const struct report_column *column, const struct value *value) {
  civil_day day;
  if (!value) {
    return value_nil();
  }
  if (span_is(column->format, "days-left")) {
    return days_left(report, value);
  }
  if (span_is(column->format, "after-sitting")) {
    return after_sitting(report, value);
  }
  if (span_is(column->format, "month")) {
    return text_day(value, &day) ? value_text(span_of(value->text.data, 7)) : value_nil();
  }
  return *value;
}

/* The participant of a role in the territory of the row. */
static struct value role_cell(const struct report *report, const struct report_column *column,
                              const struct value *territory) {
  const struct catalogue *catalogue = &report->config->catalogue;
  for (size_t i = 0; territory && territory->kind == VALUE_TEXT && i < catalogue->roles_count; i++) {
    for (size_t k = 0; span_equal(catalogue->roles[i].role, column->role) && k < catalogue->participants_count; k++) {
      const struct participant *participant = &catalogue->participants[k];
      if (text_list_has(&catalogue->roles[i].kinds, participant->kind) &&
          participant_serves(participant, territory->text)) {
        return value_text(participant->id);
      }
    }
  }
  return value_nil();
}

static struct value cell_of(const struct context *context, const struct report_column *column) {
  struct found found = {.column = column, .before = SIZE_MAX};
  if (span_is(column->take, "index")) {
    return value_int((int64_t)context->index + 1);
  }
  if (!span_empty(column->of)) {
    return value_nil(); /* a share: when the numbers are there */
  }
  look(context, column, &found);
  if (span_is(column->take, "count")) {
    return value_int(found.count);
  }
  if (span_is(column->take, "cases")) {
    return value_int(found.cases);
  }
  if (span_is(column->take, "any")) {
    return value_bool(found.count > 0);
  }
  if (span_is(column->format, "role")) {
    return role_cell(context->report, column, found.value);
  }
  return coarse(context->report, column, found.value);
}

/* ---- shares ---- */

/* "57.1": per cent with one digit, half up. Nil when there is nothing to have a share of. */
static struct value share_of(struct arena *arena, const struct value *part, const struct value *of) {
  if (!part || !of || part->kind != VALUE_INT || of->kind != VALUE_INT || of->integer <= 0) {
    return value_nil();
  }
  long long tenths = (part->integer * 2000 / of->integer + 1) / 2;
  return value_text(arena_printf(arena, "%lld.%lld", tenths / 10, tenths % 10));
}

/* The cell of a column with this name, NULL: there is none. */
static const struct value *cell_named(const struct report_section *section, const struct report_line *lines,
                                      struct span name) {
  bool numbers = span_empty(section->rows);
  for (size_t i = 0; i < section->columns_count; i++) {
    if (span_equal(section->columns[i].name, name)) {
      return numbers ? &lines[i].cells[0] : &lines->cells[i];
    }
  }
  return NULL;
}

/* Once the numbers are there. `lines`: of a section without rows all of them, else the one. */
static void add_shares(const struct report *report, const struct report_section *section, struct report_line *lines) {
  bool numbers = span_empty(section->rows);
  for (size_t i = 0; i < section->columns_count; i++) {
    const struct report_column *column = &section->columns[i];
    if (!span_empty(column->of)) {
      *(numbers ? &lines[i].cells[0] : &lines->cells[i]) =
          share_of(report->arena, cell_named(section, lines, column->part), cell_named(section, lines, column->of));
    }
  }
}

/* ---- lines ---- */

static void line_add(struct report_lines *lines, const struct context *context, const struct report_section *section) {
  struct report_line *line = &lines->lines[lines->count++];
  for (size_t i = 0; i < section->columns_count && i < REPORT_COLUMNS_MAX; i++) {
    line->cells[i] = cell_of(context, &section->columns[i]);
  }
  add_shares(context->report, section, line);
}

/* Rows that are alike in the fields of `group` are one line. */
static size_t group_end(const struct report_rows *rows, size_t at, const struct text_list *group) {
  size_t end = at + 1;
  while (group->count > 0 && end < rows->count && compare_by(rows->items[at], rows->items[end], group) == 0) {
    end++;
  }
  return end;
}

/* A line over all facts has a column per line. */
static void numbers_add(const struct report *report, const struct report_section *section, struct report_lines *lines) {
  const struct context context = {.report = report};
  lines->lines = ARENA_ARRAY(report->arena, struct report_line, section->columns_count + 1);
  for (size_t i = 0; i < section->columns_count; i++) {
    lines->lines[lines->count++].cells[0] = cell_of(&context, &section->columns[i]);
  }
  add_shares(report, section, lines->lines);
}

static void section_lines(const struct report *report, const struct report_section *section,
                          struct report_lines *ret_lines) {
  *ret_lines = (struct report_lines){.count = 0};
  if (span_empty(section->rows)) {
    numbers_add(report, section, ret_lines);
    return;
  }
  struct report_rows rows = rows_of(report, section);
  sort_rows(&rows, section);
  ret_lines->lines = ARENA_ARRAY(report->arena, struct report_line, rows.count + 1);
  for (size_t at = 0; at < rows.count;) {
    size_t end = group_end(&rows, at, &section->group);
    const struct context context = {report, {rows.items + at, end - at}, ret_lines->count};
    line_add(ret_lines, &context, section);
    at = end;
  }
}

void report_lines_make(struct report *report) {
  size_t count = report->definition->sections_count;
  report->sections = ARENA_ARRAY(report->arena, struct report_lines, count + 1);
  for (size_t i = 0; i < count; i++) {
    section_lines(report, &report->definition->sections[i], &report->sections[i]);
  }
}
