/*
 * ops/cli/client.h — what the commands that ask a running kuratord share: where it is, who asks, and the rows.
 *
 * The folder of keys (--keys, else $KURATOR_KEYS, else /etc/kurator/keys) holds the server's public key `server.pub`
 * and the asker's own pair under its name (--as, else $KURATOR_AS, else "operator").
 */
#ifndef KURATOR_CLI_CLIENT_H
#define KURATOR_CLI_CLIENT_H

#include "base/arena.h"
#include "base/value.h"
#include "cli.h"
#include "link/query.h"

enum { CLIENT_ROWS_MAX = 1000000, CLIENT_PATH_MAX = 4096 };

enum client_output { CLIENT_TABLE, CLIENT_JSON, CLIENT_JSONL };

struct client_options {
  const char *endpoint, *keys, *as, *output, *timeout;
};
/* For a verb's table of options. */
#define CLIENT_OPTIONS(o)                                                                                              \
  {"--endpoint", &(o).endpoint, NULL}, {"--keys", &(o).keys, NULL}, {"--as", &(o).as, NULL},                           \
      {"-o", &(o).output, NULL}, {                                                                                     \
    "--timeout", &(o).timeout, NULL                                                                                    \
  }
#define CLIENT_USAGE "[--endpoint АДРЕС] [--keys ПАПКА] [--as ИМЯ] [-o table|json|jsonl]"

/* A text from the environment when it was not given. Never NULL if `fallback` is not. */
const char *client_text(const char *given, const char *variable, const char *fallback);
/* "DIR/NAME" in `path`; false: too long. */
bool client_path(char path[CLIENT_PATH_MAX], const char *dir, const char *name);
/* The text of -o; NULL is a table. False: it is none of them. */
bool client_output_parse(const char *text, enum client_output *ret_output);
/* The keys of --keys and --as; an exit code, told on stderr. */
int client_keys(const struct client_options *options, const char *default_as, struct key_pair *ret_pair,
                struct key_public *ret_server);

struct client {
  struct query *query;
  const char *actor;
  const char *reason; /* why personal data is needed; NULL: it is not */
  enum client_output output;
};
/* CLI_OK, or an exit code after the reason has been told. */
int client_open(const struct client_options *options, struct client *ret_client);
void client_close(struct client *client);

struct client_row {
  struct span text; /* JSON as it came */
  struct value value;
};
struct client_rows {
  struct arena arena;
  struct client_row *items;
  size_t count, capacity;
  uint64_t journal; /* position that the answer shows */
  bool malformed, too_many;
};
void client_rows_init(struct client_rows *rows);
void client_rows_finish(struct client_rows *rows);
/* A row of our own, of fields in this order. */
void client_rows_add(struct client_rows *rows, const struct value_field *fields, size_t count);

/* All rows of an answer. `args` are "name=value" words. */
int client_ask(const struct client *client, const char *verb, const char *const *args, size_t args_count,
               struct client_rows *rows);
/* The same, each row handed on as it comes. */
int client_stream(const struct client *client, const char *verb, const char *const *args, size_t args_count,
                  query_on_row on_row, void *arg);

#endif
