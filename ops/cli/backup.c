/*
 * kurator backup: a copy of the database of a running kuratord.
 *
 * The engine makes it beside its work; this command waits for the end. The folder is of the server's computer.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lists.h"
#include "table.h"

enum { POLL_MS = 200 };

/* What is relative is so for whoever types it, not for the server. False: too long. */
static bool word_of(const char *out, char word[PATH_MAX]) {
  char here[PATH_MAX] = "";
  bool absolute = out[0] == '/';
  if (!absolute && !getcwd(here, sizeof here)) {
    return false;
  }
  int length = snprintf(word, PATH_MAX, "out=%s%s%s", here, absolute ? "" : "/", out);
  return length > 0 && length < PATH_MAX;
}

static int done_tell(const struct client *client, const struct client_rows *rows) {
  const struct value *row = &rows->items[0].value;
  if (client->output != CLIENT_TABLE) {
    table_show(client, rows, NULL);
    return CLI_OK;
  }
  struct span out = value_get_text(row, "out");
  const struct value *ms = value_get(row, "ms");
  (void)printf("Копия готова: %.*s (%lld мс)\n", SPAN_ARG(out),
               ms && ms->kind == VALUE_INT ? (long long)ms->integer : 0);
  (void)printf("Проверить: kurator restore --verify %.*s --keys …/server.pub\n", SPAN_ARG(out));
  (void)puts("Ключи сервера (server, master, реестр) в копию не входят: без master персональные данные не прочесть.");
  return CLI_OK;
}

/* CLI_OK and `*ret_over` when it has ended well. */
static int look(const struct client *client, bool *ret_over) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, "backup.show", NULL, 0, &rows);
  if (code != CLI_OK || rows.count == 0) {
    return code != CLI_OK ? code : cli_fail(CLI_FAILURE, "ответ сервера не читается");
  }
  const struct value *row = &rows.items[0].value;
  struct span state = value_get_text(row, "state");
  *ret_over = !span_is(state, "running");
  if (!*ret_over) {
    return CLI_OK;
  }
  if (!span_is(state, "done")) {
    struct span text = value_get_text(row, "text");
    return cli_fail(CLI_FAILURE, "%.*s", SPAN_ARG(text));
  }
  return done_tell(client, &rows);
}

static int make(const struct client *client, const char *word) {
  const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, "backup.start", &word, 1, &rows);
  bool over = false;
  while (code == CLI_OK && !over) {
    (void)nanosleep(&pause, NULL);
    code = look(client, &over);
  }
  return code;
}

int backup_run(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  const char *out = NULL;
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {"--out", &out, NULL}, {NULL, NULL, NULL}};
  char word[PATH_MAX];
  struct client client;
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (!out || !word_of(out, word)) {
    return cli_usage(out ? "слишком длинный путь" : "нужна папка копии: --out");
  }
  int code = client_open(&options, &client);
  if (code == CLI_OK) {
    code = make(&client, word);
    client_close(&client);
  }
  return code;
}
