/* The connection of one command to a running kuratord. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

const char *client_text(const char *given, const char *variable, const char *fallback) {
  const char *environment = given ? given : getenv(variable);
  return environment && environment[0] ? environment : fallback;
}

bool client_path(char path[CLIENT_PATH_MAX], const char *dir, const char *name) {
  int length = snprintf(path, CLIENT_PATH_MAX, "%s/%s", dir, name);
  return length >= 0 && length < CLIENT_PATH_MAX;
}

int client_keys(const struct client_options *options, const char *default_as, struct key_pair *ret_pair,
                struct key_public *ret_server) {
  const char *dir = client_text(options->keys, "KURATOR_KEYS", "/etc/kurator/keys");
  const char *as = default_as ? client_text(options->as, "KURATOR_AS", default_as) : options->as;
  char path[CLIENT_PATH_MAX];
  struct fault fault = {.err = ERR_OK};
  if (!client_path(path, dir, "server.pub")) {
    return cli_usage("слишком длинный путь к ключам");
  }
  enum err err = key_public_load(path, ret_server, &fault);
  if (err == ERR_OK && !client_path(path, dir, as)) {
    return cli_usage("слишком длинный путь к ключам");
  }
  if (err == ERR_OK) {
    err = key_pair_load(path, ret_pair, &fault);
  }
  fault.err = err;
  return err == ERR_OK ? CLI_OK : cli_fail_fault(path, &fault);
}

bool client_output_parse(const char *text, enum client_output *ret_output) {
  static const char *const names[] = {[CLIENT_TABLE] = "table", [CLIENT_JSON] = "json", [CLIENT_JSONL] = "jsonl"};
  *ret_output = CLIENT_TABLE;
  for (size_t i = 0; text && i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(text, names[i]) == 0) {
      *ret_output = (enum client_output)i;
      return true;
    }
  }
  return !text;
}

static bool timeout_parse(const char *text, uint32_t *ret_ms) {
  int64_t seconds = 0;
  if (text && (!span_to_int64(span_of_cstr(text), &seconds) || seconds < 1 || seconds > 3600)) {
    return false;
  }
  *ret_ms = (uint32_t)seconds * 1000;
  return true;
}

int client_open(const struct client_options *options, struct client *ret_client) {
  struct key_pair pair;
  struct key_public server;
  struct fault fault = {.err = ERR_OK};
  uint32_t timeout_ms;
  if (!client_output_parse(options->output, &ret_client->output)) {
    return cli_usage("-o бывает table, json или jsonl");
  }
  if (!timeout_parse(options->timeout, &timeout_ms)) {
    return cli_usage("--timeout задаётся в секундах, от 1 до 3600");
  }
  int code = client_keys(options, "operator", &pair, &server);
  if (code != CLI_OK) {
    return code;
  }
  const struct query_options query = {
      .endpoint = client_text(options->endpoint, "KURATOR_QUERY_ENDPOINT", "tcp://127.0.0.1:7301"),
      .server_key = server.connection,
      .key_pair = &pair,
      .timeout_ms = timeout_ms,
  };
  enum err err = query_open(&query, &ret_client->query, &fault);
  key_pair_erase(&pair);
  ret_client->reason = NULL;
  ret_client->actor = client_text(options->as, "KURATOR_AS", "operator");
  fault.err = err;
  return err == ERR_OK ? CLI_OK : cli_fail_fault(NULL, &fault);
}

void client_close(struct client *client) {
  query_close(&client->query);
}

/* ---- rows ---- */

void client_rows_init(struct client_rows *rows) {
  *rows = (struct client_rows){.count = 0};
  arena_init(&rows->arena, 0);
}

void client_rows_finish(struct client_rows *rows) {
  arena_finish(&rows->arena);
  free(rows->items);
}

static bool rows_grow(struct client_rows *rows) {
  if (rows->count < rows->capacity) {
    return true;
  }
  size_t capacity = rows->capacity ? rows->capacity * 2 : 256;
  struct client_row *grown = realloc(rows->items, capacity * sizeof *grown);
  if (!grown) {
    return false;
  }
  rows->items = grown;
  rows->capacity = capacity;
  return true;
}

static bool keep_row(void *arg, struct span text) {
  struct client_rows *rows = arg;
  if (rows->count == CLIENT_ROWS_MAX || !rows_grow(rows)) {
    rows->too_many = true;
    return false;
  }
  struct client_row *row = &rows->items[rows->count];
  row->text = arena_copy(&rows->arena, text);
  rows->malformed = json_read(row->text, &rows->arena, &row->value, NULL) != ERR_OK;
  rows->count += rows->malformed ? 0 : 1;
  return !rows->malformed;
}

void client_rows_add(struct client_rows *rows, const struct value_field *fields, size_t count) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  json_write_fields(fields, count, &w);
  (void)keep_row(rows, writer_span(&w));
}

static enum err ask(const struct client *client, const char *verb, const char *const *args, size_t args_count,
                    query_on_row on_row, void *arg, uint64_t *ret_journal, struct fault *fault) {
  const struct query_request request = {
      .actor = client->actor, .reason = client->reason, .verb = verb, .args = args, .args_count = args_count};
  enum err err = query_ask(client->query, &request, on_row, arg, ret_journal, fault);
  fault->err = err;
  return err;
}

int client_ask(const struct client *client, const char *verb, const char *const *args, size_t args_count,
               struct client_rows *rows) {
  struct fault fault = {.err = ERR_OK};
  if (ask(client, verb, args, args_count, keep_row, rows, &rows->journal, &fault) != ERR_OK) {
    return cli_fail_fault(NULL, &fault);
  }
  if (rows->too_many) {
    return cli_fail(CLI_FAILURE, "ответ длиннее %d строк: сузьте запрос", CLIENT_ROWS_MAX);
  }
  return rows->malformed ? cli_fail(CLI_FAILURE, "ответ сервера не читается") : CLI_OK;
}

int client_stream(const struct client *client, const char *verb, const char *const *args, size_t args_count,
                  query_on_row on_row, void *arg) {
  struct fault fault = {.err = ERR_OK};
  enum err err = ask(client, verb, args, args_count, on_row, arg, NULL, &fault);
  return err == ERR_OK ? CLI_OK : cli_fail_fault(NULL, &fault);
}
