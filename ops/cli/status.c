/* kurator status, clock show, clock advance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/json.h"
#include "lists.h"
#include "status.h"
#include "table.h"

enum { WORD_BYTES = 32 << 10, NAME_BYTES = 80, STILL_SECONDS = 60, PAGE_SECONDS_MIN = 5 };

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

static int row_show(const struct client *client, const char *verb) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, verb, NULL, 0, &rows);
  if (code == CLI_OK && client->output == CLIENT_TABLE) {
    lines_print(&rows);
  } else if (code == CLI_OK) {
    table_show(client, &rows, NULL);
  }
  return code;
}

static int one_row(int argc, char **argv, const char *verb) {
  struct client_options options = {.endpoint = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {NULL, NULL, NULL}};
  struct client client;
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  int code = client_open(&options, &client);
  if (code == CLI_OK) {
    code = row_show(&client, verb);
    client_close(&client);
  }
  return code;
}

int status_show(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  struct client client;
  bool metrics = false;
  const char *out = NULL;
  const struct cli_option table[] = {
      CLIENT_OPTIONS(options), {"--prometheus", NULL, &metrics}, {"--out", &out, NULL}, {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (out && !metrics) {
    return cli_usage("--out стоит только вместе с --prometheus");
  }
  int code = client_open(&options, &client);
  if (code == CLI_UNREACHABLE && metrics) {
    int written = status_metrics(NULL, out);
    return written == CLI_OK ? code : written;
  }
  if (code == CLI_OK) {
    code = metrics ? status_metrics(&client, out) : row_show(&client, "status");
    client_close(&client);
  }
  return code;
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
  time_t still_max; /* seconds */
  time_t moved_at;  /* when something was last seen to happen */
  bool still;       /* for so long that we gave up */
  civil_moment now;
  int64_t journal;
  char missing[NAME_BYTES]; /* participant without a link, and one whose link */
  char held_by[NAME_BYTES]; /* keeps the clock from going on; empty if there is none */
  char last[512];
};

static time_t seconds_now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec;
}

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

/* Many timers at one instant move the journal, not the clock. */
static void movement_note(struct advance *advance, const struct value *row) {
  const struct value *number = value_get(row, "journal");
  civil_moment now = moment_of(row, "now");
  int64_t journal = number && number->kind == VALUE_INT ? number->integer : advance->journal;
  if (now != advance->now || journal != advance->journal) {
    advance->moved_at = seconds_now();
  }
  advance->now = now;
  advance->journal = journal;
  advance->still = !advance->arrived && seconds_now() - advance->moved_at >= advance->still_max;
}

static void name_keep(char name[NAME_BYTES], const struct value *row, const char *field) {
  struct span text = value_get_text(row, field);
  (void)snprintf(name, NAME_BYTES, "%.*s", SPAN_ARG(text));
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
  name_keep(advance->missing, &row, "waiting_for");
  name_keep(advance->held_by, &row, "held_by");
  movement_note(advance, &row);
  return !advance->still;
}

/* The clock goes on by itself when what holds it is mended; only the asker waits no longer. */
static int still_tell(const struct advance *advance) {
  long long seconds = advance->still_max;
  if (advance->missing[0]) {
    return cli_fail(CLI_UNREACHABLE, "часы стоят %lld с: нет связи с участником %s", seconds, advance->missing);
  }
  if (advance->held_by[0]) {
    return cli_fail(CLI_UNREACHABLE, "часы стоят %lld с: не отвечает адаптер участника %s", seconds, advance->held_by);
  }
  return cli_fail(CLI_FAILURE, "часы стоят %lld с", seconds);
}

static int advance_run(const struct client *client, const char *const *args, size_t count, time_t still_max) {
  struct advance advance = {.from = CIVIL_MOMENT_NONE,
                            .terminal = isatty(STDERR_FILENO) == 1,
                            .still_max = still_max,
                            .moved_at = seconds_now(),
                            .now = CIVIL_MOMENT_NONE};
  arena_init(&advance.arena, 0);
  int code = client_stream(client, "clock.advance", args, count, advance_row, &advance);
  (void)fputs(advance.terminal && advance.from != CIVIL_MOMENT_NONE ? "\n" : "", stderr);
  if (code == CLI_OK && advance.still) {
    code = still_tell(&advance);
  } else if (code == CLI_OK && !advance.arrived) {
    code = cli_fail(CLI_FAILURE, "часы не дошли до цели");
  }
  if (code == CLI_OK) {
    (void)printf("%s\n", advance.last);
  }
  arena_finish(&advance.arena);
  return code;
}

/* --timeout is how long the clock may stand still; a page comes every second, so its own timeout is no shorter than
 * usual. */
static time_t still_max_of(struct client_options *options) {
  int64_t seconds = STILL_SECONDS;
  if (options->timeout && span_to_int64(span_of_cstr(options->timeout), &seconds) && seconds >= 1 &&
      seconds < PAGE_SECONDS_MIN) {
    options->timeout = NULL;
  }
  return (time_t)seconds;
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
  time_t still_max = still_max_of(&options);
  int code = client_open(&options, &client);
  if (code == CLI_OK) {
    code = advance_run(&client, args, expect ? 2 : 1, still_max);
    client_close(&client);
  }
  return code;
}
