/* kurator incident retry, incident resolve. */
#include <stdio.h>

#include "lists.h"
#include "table.h"

enum { WORD_BYTES = 300 };

static const struct table_column columns[] = {
    {"Случай", "case", TABLE_TEXT, 40, NULL},
    {"Инцидент", "incident", TABLE_NUMBER, 0, NULL},
    {"Итог", "result", TABLE_TEXT, 0,
     (const struct table_word[]){{"queued", "поставлен в очередь"}, {"resolved", "отмечен разобранным"}, {NULL, NULL}}},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

static int answer(const struct client *client, const char *verb, const char *case_word, const char *incident_word) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  const char *args[] = {case_word, incident_word};
  int code = client_ask(client, verb, args, 2, &rows);
  if (code == CLI_OK) {
    table_show(client, &rows, columns);
  }
  return code;
}

static int incident_do(int argc, char **argv, const char *verb) {
  struct client_options options = {.endpoint = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {NULL, NULL, NULL}};
  const char *words[2];
  char case_word[WORD_BYTES];
  char incident_word[WORD_BYTES];
  struct client client;
  int count = cli_options_read(argc, argv, table, words, 2);
  if (count < 0) {
    return CLI_USAGE;
  }
  if (count < 2) {
    return cli_usage("нужны номер случая и номер инцидента");
  }
  int first = snprintf(case_word, sizeof case_word, "case=%s", words[0]);
  int second = snprintf(incident_word, sizeof incident_word, "incident=%s", words[1]);
  if (first < 0 || second < 0 || first >= WORD_BYTES || second >= WORD_BYTES) {
    return cli_usage("слишком длинный номер");
  }
  int code = client_open(&options, &client);
  if (code == CLI_OK) {
    code = answer(&client, verb, case_word, incident_word);
    client_close(&client);
  }
  return code;
}

int incident_retry(int argc, char **argv) {
  return incident_do(argc, argv, "incident.retry");
}

int incident_resolve(int argc, char **argv) {
  return incident_do(argc, argv, "incident.resolve");
}
