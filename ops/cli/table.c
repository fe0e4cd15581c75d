/* Tables for a terminal. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/civil.h"

enum { COLUMNS_MAX = 16 };

const struct table_word table_deadline_states[] = {
    {"open", "на контроле"},
    {"met", "исполнено в срок"},
    {"missed", "срок нарушен"},
    {"met-reported-late", "исполнено в срок, сообщено позже"},
    {"paused", "приостановлено"},
    {"cancelled", "снято с контроля"},
    {"provisional", "на контроле, предварительно"},
    {NULL, NULL},
};
const struct table_word table_case_states[] = {
    {"open", "идёт"},
    {"ended", "завершён"},
    {"parked", "на разборе"},
    {NULL, NULL},
};
const struct table_word table_entry_kinds[] = {
    {"message", "принято"},    {"refused", "отказано"},        {"unreadable", "не читается"},
    {"parked", "на разборе"},  {"timer", "по часам"},          {"audit", "действие оператора"},
    {"calendar", "календарь"}, {"recount", "пересчёт сроков"}, {NULL, NULL},
};

/* ---- cells ---- */

static struct span date_text(struct span text, struct arena *arena) {
  char buffer[CIVIL_DATE_TEXT];
  civil_day day;
  if (civil_day_parse(text, &day) != ERR_OK) {
    return text;
  }
  civil_day_format_ru(day, buffer);
  return arena_copy(arena, span_of_cstr(buffer));
}

static struct span moment_text(struct span text, struct arena *arena) {
  char buffer[CIVIL_DATE_TEXT];
  civil_moment moment;
  if (civil_moment_parse(text, &moment) != ERR_OK) {
    return text;
  }
  civil_day day = civil_moment_day(moment);
  int64_t minutes = (moment - civil_day_start(day)) / 60000;
  civil_day_format_ru(day, buffer);
  return arena_printf(arena, "%s %02lld:%02lld", buffer, (long long)(minutes / 60), (long long)(minutes % 60));
}

static struct span words_text(const struct value *list, struct arena *arena) {
  struct span text = {NULL, 0};
  for (size_t i = 0; i < list->list.count; i++) {
    const struct value *item = &list->list.items[i];
    if (item->kind == VALUE_TEXT) {
      text = arena_printf(arena, "%.*s%s%.*s", SPAN_ARG(text), text.size > 0 ? ", " : "", SPAN_ARG(item->text));
    }
  }
  return text;
}

static struct span word_text(struct span text, const struct table_word *words) {
  for (; words && words->name; words++) {
    if (span_is(text, words->name)) {
      return span_of_cstr(words->text);
    }
  }
  return text;
}

static struct span text_cell(struct span text, const struct table_column *column, struct arena *arena) {
  switch (column->kind) {
  case TABLE_DATE:
    return date_text(text, arena);
  case TABLE_MOMENT:
    return moment_text(text, arena);
  default:
    return word_text(text, column->words);
  }
}

struct span table_cell(const struct value *row, const struct table_column *column, struct arena *arena) {
  const struct value *value = value_get(row, column->field);
  if (!value) {
    return span_of(NULL, 0);
  }
  switch (value->kind) {
  case VALUE_TEXT:
    return text_cell(value->text, column, arena);
  case VALUE_INT:
    return arena_printf(arena, "%lld", (long long)value->integer);
  case VALUE_BOOL:
    return value->truth ? SPAN_LITERAL("да") : SPAN_LITERAL("нет");
  case VALUE_LIST:
    return words_text(value, arena);
  default:
    return span_of(NULL, 0);
  }
}

/* ---- widths ---- */

/* Characters, and where the text has to be cut so that `most` of them stay. Control characters count for nothing and
 * are left to nobody: they are turned into spaces when a cell is printed. */
static int characters(struct span text, int most, size_t *ret_cut) {
  int count = 0;
  size_t at = 0;
  *ret_cut = text.size;
  while (at < text.size) {
    if (most > 0 && count == most - 1) {
      *ret_cut = at;
    }
    size_t size = span_character_size(span_of(text.data + at, text.size - at));
    at += size > 0 ? size : 1;
    count++;
  }
  if (most <= 0 || count <= most) {
    *ret_cut = text.size;
    return count;
  }
  return most;
}

/* Cells are cut to fit a screen only: a file or another program gets all of them. */
static int width_limit(const struct table_column *column) {
  return isatty(STDOUT_FILENO) ? column->width_max : 0;
}

static void put_padding(int count) {
  for (int i = 0; i < count; i++) {
    (void)putchar(' ');
  }
}

/* Bytes of the control character (of ASCII, or U+0080 to U+009F, which a terminal obeys too) that it begins with; or 0.
 */
static size_t control_size(struct span text) {
  if (text.data[0] < 0x20 || text.data[0] == 0x7f) {
    return 1;
  }
  return text.size > 1 && text.data[0] == 0xC2 && text.data[1] >= 0x80 && text.data[1] < 0xA0 ? 2 : 0;
}

void table_put_text(struct span text) {
  ASSERT(text.size == 0 || text.data != NULL);
  for (size_t i = 0; i < text.size; i++) {
    size_t size = control_size(span_of(text.data + i, text.size - i));
    (void)putchar(size > 0 ? ' ' : text.data[i]);
    i += size > 1 ? size - 1 : 0;
  }
}

static void put_cell(struct span text, const struct table_column *column, int width, bool last) {
  size_t cut;
  int count = characters(text, width_limit(column), &cut);
  bool right = column->kind == TABLE_NUMBER;
  put_padding(right ? width - count : 0);
  table_put_text(span_of(text.data, cut));
  if (cut < text.size) {
    (void)fputs("…", stdout);
  }
  put_padding(right || last ? 0 : width - count);
  (void)fputs(last ? "\n" : "  ", stdout);
}

static int column_width(const struct table_column *column, size_t index, size_t columns, const struct span *cells,
                        size_t rows) {
  size_t cut;
  int width = characters(span_of_cstr(column->title), 0, &cut);
  for (size_t i = 0; i < rows; i++) {
    int count = characters(cells[i * columns + index], width_limit(column), &cut);
    width = count > width ? count : width;
  }
  return width;
}

static size_t columns_count(const struct table_column *columns) {
  size_t count = 0;
  while (columns[count].title) {
    count++;
  }
  ASSERT(count <= COLUMNS_MAX);
  return count;
}

void table_print(const struct client_rows *rows, const struct table_column *columns) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  size_t count = columns_count(columns);
  int widths[COLUMNS_MAX];
  struct span *cells = ARENA_ARRAY(&arena, struct span, rows->count * count + 1);
  for (size_t i = 0; i < rows->count * count; i++) {
    cells[i] = table_cell(&rows->items[i / count].value, &columns[i % count], &arena);
  }
  for (size_t i = 0; i < count; i++) {
    widths[i] = column_width(&columns[i], i, count, cells, rows->count);
    struct table_column title = {.kind = columns[i].kind};
    put_cell(span_of_cstr(columns[i].title), &title, widths[i], i + 1 == count);
  }
  for (size_t i = 0; i < rows->count * count; i++) {
    put_cell(cells[i], &columns[i % count], widths[i % count], (i + 1) % count == 0);
  }
}

/* ---- order ---- */

static struct span sort_key(const struct client_row *row, const char *field) {
  return field ? value_get_text(&row->value, field) : span_of(NULL, 0);
}

struct order {
  const char *first, *second;
};

static int row_compare(const void *a, const void *b, void *arg) {
  const struct order *order = arg;
  struct span left = sort_key(a, order->first);
  struct span right = sort_key(b, order->first);
  if (span_empty(left) != span_empty(right)) {
    return span_empty(left) ? 1 : -1;
  }
  int result = span_compare(left, right);
  return result != 0 ? result : span_compare(sort_key(a, order->second), sort_key(b, order->second));
}

void table_sort(struct client_rows *rows, const char *first, const char *second) {
  struct order order = {first, second};
  if (rows->count > 1) {
    qsort_r(rows->items, rows->count, sizeof *rows->items, row_compare, &order);
  }
}

/* ---- by the output that was asked for ---- */

static void json_print(const struct client_rows *rows, bool lines) {
  (void)fputs(lines ? "" : "[", stdout);
  for (size_t i = 0; i < rows->count; i++) {
    (void)fputs(lines || i == 0 ? "" : ",\n", stdout);
    (void)fwrite(rows->items[i].text.data, 1, rows->items[i].text.size, stdout);
    (void)fputs(lines ? "\n" : "", stdout);
  }
  (void)fputs(lines ? "" : "]\n", stdout);
}

void table_show(const struct client *client, const struct client_rows *rows, const struct table_column *columns) {
  if (client->output != CLIENT_TABLE) {
    json_print(rows, client->output == CLIENT_JSONL);
  } else if (rows->count > 0) {
    table_print(rows, columns);
  } else {
    (void)fputs("kurator: ничего не найдено\n", stderr);
  }
}
