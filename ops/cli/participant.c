/*
 * kurator participant keys, add, rotate, revoke: a participant's keys in the registry of a running engine.
 *
 * Only public halves travel. A rotation is "rotate, wait until the participant uses the new key, revoke the old label".
 */
#include <stdio.h>

#include "lists.h"
#include "table.h"
#include "wire/keys.h"

enum { WORD_BYTES = 160, WORDS_MAX = 5, LABEL_DIGITS = 8 };

struct change {
  struct client_options client;
  const char *participant, *label, *key;
  char words[WORDS_MAX][WORD_BYTES];
  const char *args[WORDS_MAX];
  size_t count;
};

static const struct table_column key_columns[] = {
    {"Метка", "label", TABLE_TEXT, 0, NULL},
    {"Ключ подписи", "signing_id", TABLE_TEXT, 0, NULL},
    {"Ключ соединения", "connection", TABLE_TEXT, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column result_columns[] = {
    {"Участник", "participant", TABLE_TEXT, 0, NULL},
    {"Итог", "result", TABLE_TEXT, 0,
     (const struct table_word[]){{"added", "ключ внесён"}, {"revoked", "ключ отозван"}, {NULL, NULL}}},
    {"Запись", "journal", TABLE_NUMBER, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

static bool word_add(struct change *change, const char *name, const char *value) {
  char *word = change->words[change->count];
  int length = snprintf(word, WORD_BYTES, "%s=%s", name, value);
  change->args[change->count++] = word;
  return length > 0 && length < WORD_BYTES;
}

static int options_read(int argc, char **argv, struct change *change, bool with_label, bool with_key) {
  const struct cli_option table[] = {CLIENT_OPTIONS(change->client),
                                     {with_label ? "--label" : NULL, &change->label, NULL},
                                     {with_key ? "--key" : NULL, &change->key, NULL},
                                     {NULL, NULL, NULL}};
  int count = cli_options_read(argc, argv, table, &change->participant, 1);
  if (count < 0) {
    return CLI_USAGE;
  }
  if (count == 0 || (with_key && !change->key)) {
    return cli_usage(count == 0 ? "нужен участник" : "нужен файл открытого ключа: --key");
  }
  return word_add(change, "participant", change->participant) ? CLI_OK : cli_usage("слишком длинное имя участника");
}

static int ask(const struct change *change, const char *verb, const struct table_column *columns) {
  struct client client;
  int code = client_open(&change->client, &client);
  if (code != CLI_OK) {
    return code;
  }
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  code = client_ask(&client, verb, change->args, change->count, &rows);
  if (code == CLI_OK) {
    table_show(&client, &rows, columns);
  }
  client_close(&client);
  return code;
}

int participant_keys(int argc, char **argv) {
  struct change change = {.label = NULL};
  int code = options_read(argc, argv, &change, false, false);
  return code == CLI_OK ? ask(&change, "key.list", key_columns) : code;
}

/* A further key without a label is called by its first digits. */
static int key_words(struct change *change, bool beside) {
  struct key_public key;
  struct fault fault = {.err = ERR_OK};
  char connection[KEY_CONNECTION_TEXT];
  char signing[KEY_CONNECTION_TEXT];
  char label[LABEL_DIGITS + 1];
  enum err err = key_public_load(change->key, &key, &fault);
  if (err != ERR_OK) {
    fault.err = err;
    return cli_fail_fault(change->key, &fault);
  }
  key_connection_format(key.connection, connection);
  key_connection_format(key.signing, signing);
  (void)snprintf(label, sizeof label, "%.*s", LABEL_DIGITS, connection);
  const char *name = change->label ? change->label : beside ? label : "";
  bool fits = word_add(change, "connection", connection) && word_add(change, "signing", signing) &&
              word_add(change, "label", name) && word_add(change, "beside", beside ? "1" : "0");
  return fits ? CLI_OK : cli_usage("слишком длинная метка");
}

static int key_bring(int argc, char **argv, bool beside) {
  struct change change = {.label = NULL};
  int code = options_read(argc, argv, &change, true, true);
  code = code == CLI_OK ? key_words(&change, beside) : code;
  return code == CLI_OK ? ask(&change, "key.add", result_columns) : code;
}

int participant_add(int argc, char **argv) {
  return key_bring(argc, argv, false);
}

int participant_rotate(int argc, char **argv) {
  return key_bring(argc, argv, true);
}

int participant_revoke(int argc, char **argv) {
  struct change change = {.label = NULL};
  int code = options_read(argc, argv, &change, true, false);
  if (code == CLI_OK && change.label && !word_add(&change, "label", change.label)) {
    return cli_usage("слишком длинная метка");
  }
  return code == CLI_OK ? ask(&change, "key.revoke", result_columns) : code;
}
