/*
 * kurator chart table: a process for those who answer for it, on a screen or as CSV, Markdown or HTML.
 *
 * On a screen cells are wrapped at words. The width is given to the columns so that the table gets short: each begins
 * as wide as its longest word, and the column that wins most lines by one more character gets it, until the width is
 * used up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "chart_rows.h"
#include "chart_text.h"
#include "cli.h"

enum { WIDTH_DEFAULT = 120, WIDTH_LEAST = 100, WIDTH_MOST = 400, GAP = 2, WORD_MOST = 22 };

struct table {
  struct outline *o;
  struct chart_rows rows;
  int width;
};

/* ---- widths ---- */

static int longest(struct span text) {
  int size = text_longest(text);
  return size < WORD_MOST ? size : WORD_MOST;
}

/* What is to be small: the lines of the table, and among tables of the same height those of all cells. */
static int64_t cost(const struct table *t, const int widths[ROW_COLUMNS]) {
  enum { WEIGHT = 1000 };
  int64_t sum = 0;
  for (size_t i = 0; i < t->rows.count; i++) {
    int height = 1;
    for (int c = 0; c < ROW_COLUMNS; c++) {
      int lines = text_lines(t->rows.items[i].cells[c], widths[c]);
      height = lines > height ? lines : height;
      sum += lines;
    }
    sum += (int64_t)height * WEIGHT;
  }
  return sum;
}

static int column_needed(const struct table *t, int column, int (*measure)(struct span)) {
  int needed = measure(span_of_cstr(row_titles[column]));
  for (size_t i = 0; i < t->rows.count; i++) {
    int size = measure(t->rows.items[i].cells[column]);
    needed = size > needed ? size : needed;
  }
  return needed;
}

/* The column that helps most when it gets `more` characters; -1 when none wants them. */
static int column_to_widen(const struct table *t, int widths[ROW_COLUMNS], const int wanted[ROW_COLUMNS], int more) {
  int best = -1;
  int64_t best_cost = INT64_MAX;
  for (int c = 0; c < ROW_COLUMNS; c++) {
    if (widths[c] < wanted[c]) {
      widths[c] += more;
      int64_t found = cost(t, widths);
      widths[c] -= more;
      if (found < best_cost) {
        best_cost = found;
        best = c;
      }
    }
  }
  return best;
}

static int *widest(int widths[ROW_COLUMNS]) {
  int *found = widths;
  for (int c = 1; c < ROW_COLUMNS; c++) {
    found = widths[c] > *found ? &widths[c] : found;
  }
  return found;
}

static void find_widths(const struct table *t, int widths[ROW_COLUMNS]) {
  enum { STEP = 2 };
  int wanted[ROW_COLUMNS];
  int left = t->width - GAP * (ROW_COLUMNS - 1);
  for (int c = 0; c < ROW_COLUMNS; c++) {
    widths[c] = column_needed(t, c, longest);
    wanted[c] = column_needed(t, c, text_length);
    left -= widths[c];
  }
  for (; left < 0; left++) { /* even the longest words do not fit beside each other: they are broken */
    (*widest(widths))--;
  }
  while (left >= STEP) {
    int widened = column_to_widen(t, widths, wanted, STEP);
    if (widened < 0) {
      return;
    }
    widths[widened] += STEP;
    left -= STEP;
  }
}

/* ---- on a screen ---- */

static void put_spaces(int count) {
  for (int i = 0; i < count; i++) {
    (void)putchar(' ');
  }
}

static void put_rule(int width) {
  for (int i = 0; i < width; i++) {
    (void)fputs("─", stdout);
  }
  (void)putchar('\n');
}

/* Trailing blanks are left away. */
static void put_cells(const struct span cells[ROW_COLUMNS], const int widths[ROW_COLUMNS]) {
  struct span rest[ROW_COLUMNS];
  bool more = true;
  memcpy(rest, cells, sizeof rest);
  while (more) {
    int owed = 0;
    more = false;
    for (int c = 0; c < ROW_COLUMNS; c++) {
      struct span line = text_next_line(&rest[c], widths[c]);
      if (line.size > 0) {
        put_spaces(owed);
        (void)fwrite(line.data, 1, line.size, stdout);
        owed = 0;
      }
      owed += widths[c] - text_length(line) + GAP;
      more |= span_trim(rest[c]).size > 0;
    }
    (void)putchar('\n');
  }
}

static struct span stage_title(const struct table *t, int stage) {
  const struct catalogue *catalogue = &t->o->config->catalogue;
  return stage >= 0 ? catalogue->stages[stage].title : SPAN_LITERAL("Без этапа");
}

static struct span process_title(const struct table *t) {
  struct span title = outline_label(t->o->root, "title");
  return title.size > 0 ? title : t->o->name;
}

static void print_screen(const struct table *t) {
  int widths[ROW_COLUMNS];
  struct span titles[ROW_COLUMNS];
  int stage = -2;
  find_widths(t, widths);
  for (int c = 0; c < ROW_COLUMNS; c++) {
    titles[c] = span_of_cstr(row_titles[c]);
  }
  struct span title = process_title(t);
  (void)printf("Процесс: %.*s\n\n", SPAN_ARG(title));
  put_cells(titles, widths);
  for (size_t i = 0; i < t->rows.count; i++) {
    const struct chart_row *row = &t->rows.items[i];
    put_rule(t->width);
    if (row->stage != stage) {
      stage = row->stage;
      title = stage_title(t, stage);
      (void)printf("Этап: %.*s\n", SPAN_ARG(title));
      put_rule(t->width);
    }
    put_cells(row->cells, widths);
  }
}

/* ---- CSV: as the exchange folders write it, for a spreadsheet ---- */

static void put_csv(struct span text, bool last) {
  (void)putchar('"');
  for (size_t i = 0; i < text.size; i++) {
    (void)fputs(text.data[i] == '"' ? "\"" : "", stdout);
    (void)putchar(text.data[i]);
  }
  (void)fputs(last ? "\"\r\n" : "\";", stdout);
}

static void print_csv(const struct table *t) {
  (void)fputs("\xEF\xBB\xBF", stdout);
  put_csv(SPAN_LITERAL("Этап"), false);
  for (int c = 0; c < ROW_COLUMNS; c++) {
    put_csv(span_of_cstr(row_titles[c]), c + 1 == ROW_COLUMNS);
  }
  for (size_t i = 0; i < t->rows.count; i++) {
    put_csv(stage_title(t, t->rows.items[i].stage), false);
    for (int c = 0; c < ROW_COLUMNS; c++) {
      put_csv(t->rows.items[i].cells[c], c + 1 == ROW_COLUMNS);
    }
  }
}

/* ---- Markdown and HTML ---- */

static void put_escaped(struct span text, const char *bytes, const char *const *instead) {
  for (size_t i = 0; i < text.size; i++) {
    const char *at = text.data[i] ? strchr(bytes, text.data[i]) : NULL;
    if (at) {
      (void)fputs(instead[at - bytes], stdout);
    } else {
      (void)putchar(text.data[i]);
    }
  }
}

static void put_markdown(struct span text) {
  static const char *const instead[] = {"\\|", "\\*", "\\_", "&lt;"};
  put_escaped(text, "|*_<", instead);
}

static void put_html(struct span text) {
  static const char *const instead[] = {"&lt;", "&gt;", "&amp;", "&quot;"};
  put_escaped(text, "<>&\"", instead);
}

static void markdown_head(void) {
  (void)putchar('|');
  for (int c = 0; c < ROW_COLUMNS; c++) {
    (void)printf(" %s |", row_titles[c]);
  }
  (void)fputs("\n|---|---|---|---|---|---|---|\n", stdout);
}

static void print_markdown(const struct table *t) {
  int stage = -2;
  (void)fputs("# ", stdout);
  put_markdown(process_title(t));
  (void)putchar('\n');
  for (size_t i = 0; i < t->rows.count; i++) {
    const struct chart_row *row = &t->rows.items[i];
    if (row->stage != stage) {
      stage = row->stage;
      (void)fputs("\n## ", stdout);
      put_markdown(stage_title(t, stage));
      (void)fputs("\n\n", stdout);
      markdown_head();
    }
    (void)putchar('|');
    for (int c = 0; c < ROW_COLUMNS; c++) {
      (void)putchar(' ');
      put_markdown(row->cells[c]);
      (void)fputs(" |", stdout);
    }
    (void)putchar('\n');
  }
}

static const char html_style[] =
    "body{font:15px/1.4 \"Liberation Sans\",Arial,sans-serif;margin:2em;color:#222}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:.4em .6em;vertical-align:top;"
    "text-align:left}thead th{background:#eef2f6;position:sticky;top:0}tbody th{background:#f7f4ea}"
    "@media print{body{margin:0;font-size:10px}thead th{position:static}}";

static void print_html(const struct table *t) {
  int stage = -2;
  (void)fputs("<!DOCTYPE html>\n<html lang=\"ru\"><head><meta charset=\"utf-8\"><title>", stdout);
  put_html(process_title(t));
  (void)printf("</title><style>%s</style></head><body>\n<h1>", html_style);
  put_html(process_title(t));
  (void)fputs("</h1>\n<table><thead><tr>", stdout);
  for (int c = 0; c < ROW_COLUMNS; c++) {
    (void)printf("<th scope=\"col\">%s</th>", row_titles[c]);
  }
  (void)fputs("</tr></thead>\n", stdout);
  for (size_t i = 0; i < t->rows.count; i++) {
    const struct chart_row *row = &t->rows.items[i];
    if (row->stage != stage) {
      (void)printf("%s<tbody><tr><th scope=\"rowgroup\" colspan=\"%d\">", stage == -2 ? "" : "</tbody>\n", ROW_COLUMNS);
      stage = row->stage;
      put_html(stage_title(t, stage));
      (void)fputs("</th></tr>\n", stdout);
    }
    (void)fputs("<tr>", stdout);
    for (int c = 0; c < ROW_COLUMNS; c++) {
      (void)fputs("<td>", stdout);
      put_html(row->cells[c]);
      (void)fputs("</td>", stdout);
    }
    (void)fputs("</tr>\n", stdout);
  }
  (void)printf("%s</table></body></html>\n", t->rows.count > 0 ? "</tbody>" : "");
}

/* ---- the verb ---- */

static int screen_width(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < WIDTH_LEAST) {
    return WIDTH_DEFAULT;
  }
  return size.ws_col < WIDTH_MOST ? size.ws_col : WIDTH_MOST;
}

static bool read_width(const char *text, int *ret_width) {
  int64_t width = 0;
  if (!text) {
    *ret_width = screen_width();
    return true;
  }
  bool good = span_to_int64(span_of_cstr(text), &width) && width >= WIDTH_LEAST && width <= WIDTH_MOST;
  *ret_width = (int)width;
  return good;
}

int chart_table_run(int argc, char **argv) {
  const char *word = NULL;
  const char *config = NULL;
  const char *width = NULL;
  bool csv = false;
  bool markdown = false;
  bool html = false;
  const struct cli_option options[] = {{"--config", &config, NULL}, {"--width", &width, NULL},
                                       {"--csv", NULL, &csv},       {"--markdown", NULL, &markdown},
                                       {"--html", NULL, &html},     {NULL, NULL, NULL}};
  struct outline outline;
  struct table t = {.o = &outline};
  int words = cli_options_read(argc, argv, options, &word, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0) {
    return cli_usage("нужна схема: файл, папка или имя процесса");
  }
  if (!read_width(width, &t.width)) {
    return cli_usage("--width: от %d до %d знаков", WIDTH_LEAST, WIDTH_MOST);
  }
  if (csv + markdown + html > 1) {
    return cli_usage("вид таблицы один: --csv, --markdown или --html");
  }
  int result = outline_open(&outline, word, config);
  if (result == CLI_OK) {
    chart_rows_make(&outline, &t.rows);
    (csv ? print_csv : markdown ? print_markdown : html ? print_html : print_screen)(&t);
  }
  outline_close(&outline);
  return result;
}
