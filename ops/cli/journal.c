/*
 * kurator journal export, outcome export, watch.
 *
 * A broken connection leaves no half of a journal behind (output.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "lists.h"
#include "output.h"
#include "table.h"

enum { WATCH_MS = 500, WORD_BYTES = 64 };

static bool put_line(void *arg, struct span row) {
  return output_line(arg, row);
}

static int export_to(const struct client *client, const char *verb, const char *path) {
  struct output output;
  int code = output_open(&output, path);
  if (code != CLI_OK) {
    return code;
  }
  code = client_stream(client, verb, NULL, 0, put_line, &output);
  int closed = output_close(&output, code == CLI_OK);
  return code != CLI_OK ? code : closed;
}

static int export_run(int argc, char **argv, const char *verb) {
  struct client_options options = {.endpoint = NULL};
  const char *out = NULL;
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {"--out", &out, NULL}, {NULL, NULL, NULL}};
  struct client client;
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  int code = client_open(&options, &client);
  if (code != CLI_OK) {
    return code;
  }
  code = export_to(&client, verb, out ? out : "-");
  client_close(&client);
  return code;
}

int journal_export(int argc, char **argv) {
  return export_run(argc, argv, "journal.export");
}

int outcome_export(int argc, char **argv) {
  return export_run(argc, argv, "outcome.export");
}

/* ---- watch ---- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

static const struct table_column watch_columns[] = {
    {"Запись", "journal", TABLE_NUMBER, 0, NULL}, {"Когда", "at", TABLE_MOMENT, 0, NULL},
    {"Событие", "event", TABLE_TEXT, 0, NULL},    {"Случай", "case", TABLE_TEXT, 0, NULL},
    {"От кого", "sender", TABLE_TEXT, 0, NULL},   {"Итог", "kind", TABLE_TEXT, 0, table_entry_kinds},
    {"Пояснение", "text", TABLE_TEXT, 0, NULL},   {NULL, NULL, TABLE_TEXT, 0, NULL},
};

struct watch {
  const struct client *client;
  struct arena arena;
  uint64_t after;
};

static void line_print(struct watch *watch, const struct value *row) {
  for (const struct table_column *column = watch_columns; column->title; column++) {
    struct span cell = table_cell(row, column, &watch->arena);
    if (!span_empty(cell)) {
      (void)printf("%s%.*s", column == watch_columns ? "" : "  ", SPAN_ARG(cell));
    }
  }
  (void)putchar('\n');
}

static bool watch_row(void *arg, struct span text) {
  struct watch *watch = arg;
  struct value row;
  arena_reset(&watch->arena);
  if (json_read(text, &watch->arena, &row, NULL) != ERR_OK) {
    return false;
  }
  const struct value *number = value_get(&row, "journal");
  watch->after = number && number->kind == VALUE_INT ? (uint64_t)number->integer : watch->after;
  if (watch->client->output == CLIENT_TABLE) {
    line_print(watch, &row);
  } else {
    (void)printf("%.*s\n", SPAN_ARG(text));
  }
  return !interrupted;
}

static int watch_loop(struct watch *watch) {
  const struct timespec pause = {.tv_nsec = WATCH_MS * 1000000L};
  while (!interrupted) {
    char word[WORD_BYTES];
    (void)snprintf(word, sizeof word, "after=%llu", (unsigned long long)watch->after);
    const char *args[] = {word};
    int code = client_stream(watch->client, "journal.list", args, 1, watch_row, watch);
    if (code != CLI_OK) {
      return code;
    }
    if (fflush(stdout) != 0) {
      return CLI_FAILURE; /* nobody reads any more */
    }
    (void)nanosleep(&pause, NULL);
  }
  return CLI_OK;
}

int journal_watch(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  const char *after = NULL;
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {"--after", &after, NULL}, {NULL, NULL, NULL}};
  struct client client;
  struct watch watch = {.client = &client};
  int64_t first = 0;
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (after && (!span_to_int64(span_of_cstr(after), &first) || first < 0)) {
    return cli_usage("--after: номер записи журнала");
  }
  watch.after = (uint64_t)first;
  const struct sigaction action = {.sa_handler = on_interrupt};
  (void)sigaction(SIGINT, &action, NULL);
  (void)sigaction(SIGTERM, &action, NULL);
  int code = client_open(&options, &client);
  if (code != CLI_OK) {
    return code;
  }
  arena_init(&watch.arena, 0);
  code = watch_loop(&watch);
  arena_finish(&watch.arena);
  client_close(&client);
  return code;
}
