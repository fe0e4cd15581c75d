/* kurator status, clock show, clock advance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/json.h"
#include "lists.h"
#include "table.h"

enum { WORD_BYTES = 32 << 10, ABSENT_PAGES = 60 /* a second each */ };

static const struct table_word clock_words[] = {{"system", "системные"},
                                                {"virtual", "виртуальные"},
                                                {"running", "работает"},
                                                {"ending", "завершается"},
                                                {NULL, NULL}};

static const struct table_column status_lines[] = {
    {"Состояние", "state", TABLE_TEXT, 0, clock_words},
    {"Часы", "clock", TABLE_TEXT, 0, clock_words},
    {"Сейчас", "now", TABLE_MOMENT, 0, NULL},
    {"Куда идут часы", "target", TABLE_MOMENT, 0, NULL},
    {"Запущен", "started", TABLE_MOMENT, 0, NULL},
    {"Записей журнала", "journal", TABLE_TEXT, 0, NULL},
    {"Ближайший срок", "next_due", TABLE_MOMENT, 0, NULL},
    {"Ждут обработки", "inbox", TABLE_TEXT, 0, NULL},
    {"Участников на связи", "connected", TABLE_TEXT, 0, NULL},
    {"Соединений", "connections", TABLE_TEXT, 0, NULL},
    {"Отвергнуто соединений", "connections_refused", TABLE_TEXT, 0, NULL},
    {"Принято сообщений", "accepted", TABLE_TEXT, 0, NULL},
    {"Повторов", "duplicates", TABLE_TEXT, 0, NULL},
    {"Отказано", "refused", TABLE_TEXT, 0, NULL},
    {"Сбоев обработки", "incidents", TABLE_TEXT, 0, NULL},
    {"Сработало сроков", "timers", TABLE_TEXT, 0, NULL},
    {"Занято в хранилище, байт", "store_bytes", TABLE_TEXT, 0, NULL},
    {"Размер хранилища, байт", "store_bytes_max", TABLE_TEXT, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

static void lines_print(const struct client_rows *rows) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  for (const struct table_column *line = status_lines; rows->count > 0 && line->title; line++) {
    struct span cell = table_cell(&rows->items[0].value, line, &arena);
    if (!span_empty(cell)) {
      (void)printf("%s: %.*s\n", line->title, SPAN_ARG(cell));
    }
  }
}

static int one_row(int argc, char **argv, const char *verb) {
  struct client_options options = {.endpoint = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {NULL, NULL, NULL}};
  struct client client;
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  int code = client_open(&options, &client);
  if (code != CLI_OK) {
    return code;
  }
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  code = client_ask(&client, verb, NULL, 0, &rows);
  if (code == CLI_OK && client.output == CLIENT_TABLE) {
    lines_print(&rows);
  } else if (code == CLI_OK) {
    table_show(&client, &rows, NULL);
  }
  client_close(&client);
  return code;
}

int status_show(int argc, char **argv) {
  return one_row(argc, argv, "status");
}

int clock_show(int argc, char **argv) {
  return one_row(argc, argv, "clock.show");
}

/* ---- clock advance ---- */

struct advance {
  struct arena arena;
  civil_moment from; /* CIVIL_MOMENT_NONE until the first page */
  bool terminal;
  bool arrived;
  int absent;       /* pages in which the clock stood still for want of a link */
  char missing[80]; /* that link's participant */
  char last[512];
};

static civil_moment moment_of(const struct value *row, const char *field) {
  civil_moment moment;
  return civil_moment_parse(value_get_text(row, field), &moment) == ERR_OK ? moment : CIVIL_MOMENT_NONE;
}

/* A line that is written over, on a terminal only. */
static void progress_print(struct advance *advance, const struct value *row) {
  civil_moment now = moment_of(row, "now");
  civil_moment target = moment_of(row, "target");
  if (!advance->terminal || now == CIVIL_MOMENT_NONE || target == CIVIL_MOMENT_NONE) {
    return;
  }
  if (advance->from == CIVIL_MOMENT_NONE) {
    advance->from = now;
  }
  int64_t whole = target > advance->from ? target - advance->from : 1;
  char text[CIVIL_DATE_TEXT];
  civil_day_format_ru(civil_moment_day(now), text);
  (void)fprintf(stderr, "\rчасы: %s  %3lld %%", text, (long long)((now - advance->from) * 100 / whole));
}

static bool advance_row(void *arg, struct span text) {
  struct advance *advance = arg;
  struct value row;
  arena_reset(&advance->arena);
  if (json_read(text, &advance->arena, &row, NULL) != ERR_OK) {
    return false;
  }
  progress_print(advance, &row);
  const struct value *arrived = value_get(&row, "arrived");
  advance->arrived = arrived && arrived->kind == VALUE_BOOL && arrived->truth;
  (void)snprintf(advance->last, sizeof advance->last, "%.*s", SPAN_ARG(text));
  struct span missing = value_get_text(&row, "waiting_for");
  (void)snprintf(advance->missing, sizeof advance->missing, "%.*s", SPAN_ARG(missing));
  advance->absent = span_empty(missing) ? 0 : advance->absent + 1;
  return advance->absent <= ABSENT_PAGES;
}

static int advance_run(const struct client *client, const char *const *args, size_t count) {
  struct advance advance = {.from = CIVIL_MOMENT_NONE, .terminal = isatty(STDERR_FILENO) == 1};
  arena_init(&advance.arena, 0);
  int code = client_stream(client, "clock.advance", args, count, advance_row, &advance);
  (void)fputs(advance.terminal && advance.from != CIVIL_MOMENT_NONE ? "\n" : "", stderr);
  if (code == CLI_OK && advance.absent > ABSENT_PAGES) {
    code = cli_fail(CLI_UNREACHABLE, "часы стоят: нет связи с участником %s", advance.missing);
  } else if (code == CLI_OK && !advance.arrived) {
    code = cli_fail(CLI_FAILURE, "часы не дошли до цели");
  }
  if (code == CLI_OK) {
    (void)printf("%s\n", advance.last);
  }
  arena_finish(&advance.arena);
  return code;
}

int clock_advance(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  const char *to = NULL;
  const char *expect = NULL;
  const struct cli_option table[] = {
      CLIENT_OPTIONS(options), {"--to", &to, NULL}, {"--expect", &expect, NULL}, {NULL, NULL, NULL}};
  char to_word[WORD_BYTES];
  char expect_word[WORD_BYTES];
  const char *args[] = {to_word, expect_word};
  struct client client;
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (!to) {
    return cli_usage("нужен параметр --to");
  }
  int first = snprintf(to_word, sizeof to_word, "to=%s", to);
  int second = snprintf(expect_word, sizeof expect_word, "expect=%s", expect ? expect : "");
  if (first < 0 || second < 0 || first >= WORD_BYTES || second >= WORD_BYTES) {
    return cli_usage("слишком длинное значение");
  }
  int code = client_open(&options, &client);
  if (code == CLI_OK) {
    code = advance_run(&client, args, expect ? 2 : 1);
    client_close(&client);
  }
  return code;
}
