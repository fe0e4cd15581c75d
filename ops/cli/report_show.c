/*
 * A report, printed: as a table for a terminal, as CSV for a spreadsheet (UTF-8 with its mark, ';', CRLF), as JSON.
 *
 * A cell that a spreadsheet would take for a formula begins with an apostrophe: registration numbers are the senders'.
 */
#include <stdio.h>

#include "base/json.h"
#include "report.h"
#include "runtime/line.h"
#include "table.h"

/* ---- cells ---- */

static const char *const month_names[] = {"январь", "февраль", "март",     "апрель",  "май",    "июнь",
                                          "июль",   "август",  "сентябрь", "октябрь", "ноябрь", "декабрь"};

/* "2026-03" → "март 2026". */
static struct span month_text(struct arena *arena, struct span text) {
  int64_t month = 0;
  if (text.size != 7 || !span_to_int64(span_of(text.data + 5, 2), &month) || month < 1 || month > 12) {
    return text;
  }
  return arena_printf(arena, "%s %.4s", month_names[month - 1], (const char *)text.data);
}

/* A code of the catalogue as its title; what it does not know stands as it is. */
static struct span title_text(const struct catalogue *catalogue, struct span format, struct span code) {
  if (span_is(format, "territory")) {
    const struct territory *territory = catalogue_territory(catalogue, code);
    return territory ? territory->title : code;
  }
  if (span_is(format, "participant") || span_is(format, "role")) {
    const struct participant *participant = catalogue_participant(catalogue, code);
    return participant ? participant->title : code;
  }
  if (span_is(format, "event")) {
    const struct event_rule *event = catalogue_event(catalogue, code);
    return event ? event->title : code;
  }
  if (span_is(format, "stage")) {
    int stage = catalogue_stage(catalogue, code);
    return stage >= 0 ? catalogue->stages[stage].title : code;
  }
  for (size_t i = 0; span_is(format, "owner") && i < catalogue->roles_count; i++) {
    if (span_equal(catalogue->roles[i].role, code)) {
      return catalogue->roles[i].title;
    }
  }
  return code;
}

static const struct report_word *word_of(const struct report_column *column, struct span code) {
  for (size_t i = 0; column->list && i < column->list->words_count; i++) {
    if (span_equal(column->list->words[i].code, code)) {
      return &column->list->words[i];
    }
  }
  return NULL;
}

static struct span text_text(const struct report *report, const struct report_column *column, struct span text) {
  const struct report_word *word = word_of(column, text);
  enum table_kind kind = span_is(column->format, "date")     ? TABLE_DATE
                         : span_is(column->format, "moment") ? TABLE_MOMENT
                                                             : TABLE_TEXT;
  if (word) {
    return word->text;
  }
  if (span_is(column->format, "month")) {
    return month_text(report->arena, text);
  }
  if (kind != TABLE_TEXT) {
    const struct table_column as = {"", "x", kind, 0, NULL};
    struct value_field field = {SPAN_LITERAL("x"), value_text(text)};
    const struct value row = {.kind = VALUE_MAP, .map = {&field, 1}};
    return table_cell(&row, &as, report->arena);
  }
  return title_text(&report->config->catalogue, column->format, text);
}

static struct span list_text(const struct report *report, const struct report_column *column,
                             const struct value *list) {
  struct span text = {NULL, 0};
  for (size_t i = 0; i < list->list.count; i++) {
    if (list->list.items[i].kind == VALUE_TEXT) {
      struct span item = text_text(report, column, list->list.items[i].text);
      text = arena_printf(report->arena, "%.*s%s%.*s", SPAN_ARG(text), text.size > 0 ? ", " : "", SPAN_ARG(item));
    }
  }
  return text;
}

struct span report_cell_text(const struct report *report, const struct report_column *column,
                             const struct value *cell) {
  switch (cell->kind) {
  case VALUE_TEXT:
    return text_text(report, column, cell->text);
  case VALUE_INT:
    return arena_printf(report->arena, "%lld", (long long)cell->integer);
  case VALUE_BOOL:
    return cell->truth ? SPAN_LITERAL("да") : SPAN_LITERAL("нет");
  case VALUE_LIST:
    return list_text(report, column, cell);
  default:
    return span_of(NULL, 0);
  }
}

/* ---- what stands above ---- */

static struct span day_ru(const struct report *report, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  civil_day_format_ru(day, text);
  return arena_copy(report->arena, span_of_cstr(text));
}

static struct span moment_ru(const struct report *report) {
  civil_day day = civil_moment_day(report->at);
  long long minutes = (report->at - civil_day_start(day)) / 60000;
  if (report->at == civil_day_start(day + 1) - 1) {
    return arena_printf(report->arena, "конец дня %.*s", SPAN_ARG(day_ru(report, day)));
  }
  return arena_printf(report->arena, "%.*s %02lld:%02lld", SPAN_ARG(day_ru(report, day)), minutes / 60, minutes % 60);
}

/* Lines above the sections; an empty one ends them. */
enum { HEADS_MAX = 7 + REPORT_FINDINGS_MAX };

static size_t heads_of(const struct report *report, struct span heads[HEADS_MAX]) {
  struct arena *arena = report->arena;
  size_t count = 0;
  heads[count++] = span_empty(report->definition->basis)
                       ? report->definition->title
                       : arena_printf(arena, "%.*s (%.*s)", SPAN_ARG(report->definition->title),
                                      SPAN_ARG(report->definition->basis));
  heads[count++] = arena_printf(arena, "По состоянию на: %.*s; записей журнала обмена: %u", SPAN_ARG(moment_ru(report)),
                                report->lines);
  if (report->period.first != CIVIL_DAY_NONE) {
    heads[count++] = arena_printf(arena, "%s: %.*s", report->period.label ? report->period.label : "Период",
                                  SPAN_ARG(report->period.title));
  }
  if (report->participant) {
    heads[count++] = arena_printf(arena, "%s: %.*s", report->extract ? "Выписка для" : "Для кого",
                                  SPAN_ARG(report->participant->title));
  }
  if (report_hides(report)) {
    heads[count++] = arena_printf(
        arena, "Числа меньше %lld скрыты; «…» — любое число от 1, чтобы скрытое нельзя было вычислить: %.*s",
        (long long)report->definition->small_below, SPAN_ARG(report->definition->small_source));
  }
  if (!span_empty(report->definition->sitting)) {
    heads[count++] = report->sitting == CIVIL_DAY_NONE
                         ? SPAN_LITERAL("Ближайшее заседание: не назначено")
                         : arena_printf(arena, "Ближайшее заседание: %.*s", SPAN_ARG(day_ru(report, report->sitting)));
  }
  for (size_t i = 0; i < report->findings_count; i++) {
    heads[count++] = arena_printf(arena, "ВНИМАНИЕ: %.*s", SPAN_ARG(report->findings[i]));
  }
  return count;
}

/* ---- table ---- */

static void table_rows(const struct report *report, const struct report_section *section,
                       const struct report_lines *lines) {
  struct table_column columns[REPORT_COLUMNS_MAX + 1] = {0};
  struct client_rows rows;
  client_rows_init(&rows);
  for (size_t i = 0; i < section->columns_count; i++) {
    const struct report_column *column = &section->columns[i];
    columns[i].title = arena_cstr(report->arena, column->title);
    columns[i].field = arena_cstr(report->arena, column->name);
  }
  for (size_t k = 0; k < lines->count; k++) {
    struct value_field fields[REPORT_COLUMNS_MAX];
    for (size_t i = 0; i < section->columns_count; i++) {
      const struct value *cell = &lines->lines[k].cells[i];
      columns[i].kind = cell->kind == VALUE_INT ? TABLE_NUMBER : columns[i].kind;
      fields[i] = (struct value_field){section->columns[i].name,
                                       value_text(report_cell_text(report, &section->columns[i], cell))};
    }
    client_rows_add(&rows, fields, section->columns_count);
  }
  table_print(&rows, columns);
  client_rows_finish(&rows);
}

/* One number per line, each under its own title. */
static void table_numbers(const struct report *report, const struct report_section *section,
                          const struct report_lines *lines) {
  static const struct table_column columns[] = {
      {"Показатель", "title", TABLE_TEXT, 0, NULL},
      {"Значение", "value", TABLE_NUMBER, 0, NULL},
      {NULL, NULL, TABLE_TEXT, 0, NULL},
  };
  struct client_rows rows;
  client_rows_init(&rows);
  for (size_t i = 0; i < lines->count; i++) {
    const struct value_field fields[] = {
        {SPAN_LITERAL("title"), value_text(section->columns[i].title)},
        {SPAN_LITERAL("value"), value_text(report_cell_text(report, &section->columns[i], &lines->lines[i].cells[0]))},
    };
    client_rows_add(&rows, fields, 2);
  }
  table_print(&rows, columns);
  client_rows_finish(&rows);
}

static void show_table(const struct report *report) {
  struct span heads[HEADS_MAX];
  size_t count = heads_of(report, heads);
  for (size_t i = 0; i < count; i++) {
    (void)printf("%.*s\n", SPAN_ARG(heads[i]));
  }
  for (size_t i = 0; i < report->definition->sections_count; i++) {
    const struct report_section *section = &report->definition->sections[i];
    const struct report_lines *lines = &report->sections[i];
    bool numbers = span_empty(section->rows);
    (void)putchar('\n');
    if (!span_empty(section->title)) {
      (void)printf(numbers           ? "%.*s\n"
                   : lines->withheld ? "%.*s: только в полном отчёте\n"
                                     : "%.*s: %zu\n",
                   SPAN_ARG(section->title), lines->count);
    }
    if (numbers) {
      table_numbers(report, section, lines);
    } else if (lines->count > 0) {
      table_rows(report, section, lines);
    }
  }
  for (size_t i = 0; i < report->definition->closing.count; i++) {
    (void)printf(i == 0 ? "\n%.*s\n" : "%.*s\n", SPAN_ARG(report->definition->closing.items[i]));
  }
}

/* ---- CSV ---- */

static bool is_formula(struct span text) {
  return text.size > 0 && text.data[0] != '\0' && strchr("=+-@\t\r", text.data[0]) != NULL;
}

static void put_field(struct span text, bool number, bool last) {
  (void)putchar('"');
  if (!number && is_formula(text)) {
    (void)putchar('\'');
  }
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if (c == '"') {
      (void)putchar('"');
    }
    (void)putchar(c < 0x20 || c == 0x7f ? ' ' : c);
  }
  (void)fputs(last ? "\"\r\n" : "\";", stdout);
}

static void csv_section(const struct report *report, const struct report_section *section,
                        const struct report_lines *lines) {
  bool numbers = span_empty(section->rows);
  if (!span_empty(section->title)) {
    (void)fputs("\r\n", stdout);
    put_field(section->title, false, true);
  }
  for (size_t i = 0; !numbers && i < section->columns_count; i++) {
    put_field(section->columns[i].title, false, i + 1 == section->columns_count);
  }
  for (size_t k = 0; k < lines->count; k++) {
    if (numbers) {
      put_field(section->columns[k].title, false, false);
    }
    for (size_t i = 0; i < (numbers ? 1 : section->columns_count); i++) {
      const struct report_column *column = &section->columns[numbers ? k : i];
      const struct value *cell = &lines->lines[k].cells[i];
      put_field(report_cell_text(report, column, cell), cell->kind == VALUE_INT,
                numbers || i + 1 == section->columns_count);
    }
  }
}

static void show_csv(const struct report *report) {
  (void)fputs("\xEF\xBB\xBF", stdout);
  for (size_t i = 0; i < report->definition->sections_count; i++) {
    csv_section(report, &report->definition->sections[i], &report->sections[i]);
  }
  for (size_t i = 0; i < report->findings_count; i++) {
    (void)fputs(i == 0 ? "\r\n" : "", stdout);
    put_field(SPAN_LITERAL("Внимание"), false, false);
    put_field(report->findings[i], false, true);
  }
}

/* ---- JSON ---- */

static void put_json(struct writer *w) {
  struct span text = writer_span(w);
  (void)fwrite(text.data, 1, text.size, stdout);
  writer_reset(w);
}

/* One line of a section as an object; `section`: its title stands in it too. */
static void line_json(struct writer *w, const struct report_section *section, const struct report_line *line,
                      bool titled) {
  if (titled && !span_empty(section->title)) {
    line_text(w, "section", section->title);
  }
  for (size_t i = 0; i < section->columns_count; i++) {
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", SPAN_ARG(section->columns[i].name));
    line_value(w, name, line->cells[i]);
  }
  line_end(w);
}

/* The numbers of a section without rows are one object. */
static void numbers_json(struct writer *w, const struct report_section *section, const struct report_lines *lines,
                         bool titled) {
  if (titled && !span_empty(section->title)) {
    line_text(w, "section", section->title);
  }
  for (size_t i = 0; i < section->columns_count; i++) {
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", SPAN_ARG(section->columns[i].name));
    line_value(w, name, lines->lines[i].cells[0]);
  }
  line_end(w);
}

static void section_json(const struct report_section *section, const struct report_lines *lines, bool lines_only) {
  struct writer w;
  writer_init(&w);
  bool numbers = span_empty(section->rows);
  size_t count = numbers ? 1 : lines->count;
  for (size_t k = 0; k < count; k++) {
    if (numbers) {
      numbers_json(&w, section, lines, lines_only);
    } else {
      line_json(&w, section, &lines->lines[k], lines_only);
    }
    put_json(&w);
    (void)fputs(lines_only ? "\n" : k + 1 < count ? ",\n  " : "", stdout);
  }
  writer_finish(&w);
}

static void head_json(const struct report *report, struct span name) {
  struct writer w;
  writer_init(&w);
  line_text(&w, "report", name);
  line_text(&w, "title", report->definition->title);
  line_moment(&w, "as_of", report->at);
  line_value(&w, "lines", value_int(report->lines));
  line_text_or_null(&w, "period", report->period.text);
  line_text_or_null(&w, "for", report->participant ? report->participant->id : span_of(NULL, 0));
  if (report_hides(report)) {
    line_value(&w, "hidden_below", value_int(report->definition->small_below));
  }
  if (!span_empty(report->definition->sitting) && report->sitting != CIVIL_DAY_NONE) {
    line_day(&w, "next_sitting", report->sitting);
  }
  struct value findings[REPORT_FINDINGS_MAX];
  for (size_t i = 0; i < report->findings_count; i++) {
    findings[i] = value_text(report->findings[i]);
  }
  line_value(&w, "findings", value_list(findings, report->findings_count));
  put_json(&w);
  writer_finish(&w);
}

static void show_json(const struct report *report, struct span name) {
  head_json(report, name);
  (void)fputs(",\n \"sections\":[", stdout);
  for (size_t i = 0; i < report->definition->sections_count; i++) {
    const struct report_section *section = &report->definition->sections[i];
    struct writer w;
    writer_init(&w);
    line_text(&w, "title", section->title);
    (void)fputs(i > 0 ? ",\n " : "", stdout);
    put_json(&w);
    writer_finish(&w);
    (void)fputs(",\"rows\":[", stdout);
    section_json(section, &report->sections[i], false);
    (void)fputs("]}", stdout);
  }
  (void)fputs("]}\n", stdout);
}

void report_show(const struct report *report, struct span name, enum report_output output) {
  switch (output) {
  case REPORT_CSV:
    show_csv(report);
    break;
  case REPORT_JSON:
    show_json(report, name);
    break;
  case REPORT_JSONL:
    for (size_t i = 0; i < report->definition->sections_count; i++) {
      section_json(&report->definition->sections[i], &report->sections[i], true);
    }
    break;
  default:
    show_table(report);
  }
}
