/* kurator person show, person erase: personal data, for operators who have the right to it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lists.h"
#include "table.h"

enum { WORD_BYTES = 300, CELL_BYTES = 128 };

static const struct table_word states[] = {
    {"none", "нет"}, {"sealed", "хранятся, зашифрованы"}, {"erased", "стёрты"}, {NULL, NULL}};

static const struct table_column state_columns[] = {
    {"Случай", "case", TABLE_TEXT, 40, NULL},
    {"Персональные данные", "state", TABLE_TEXT, 0, states},
    {"Запись об этом", "erased_in", TABLE_NUMBER, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

static const struct table_column erased_columns[] = {
    {"Случай", "case", TABLE_TEXT, 40, NULL},
    {"Персональные данные", "state", TABLE_TEXT, 0, states},
    {"Запись об этом", "journal", TABLE_NUMBER, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

static const struct table_word fields[] = {
    {"surname", "Фамилия"}, {"given_name", "Имя"}, {"patronymic", "Отчество"}, {"birth_date", "Дата рождения"},
    {"sex", "Пол"},         {"snils", "СНИЛС"},    {"contact", "Контакт"},     {NULL, NULL},
};

static const char *field_title(struct span name, char buffer[CELL_BYTES]) {
  for (const struct table_word *word = fields; word->name; word++) {
    if (span_is(name, word->name)) {
      return word->text;
    }
  }
  (void)snprintf(buffer, CELL_BYTES, "%.*s", SPAN_ARG(name));
  return buffer;
}

static void person_print(const struct client_rows *rows) {
  const struct value *row = rows->count > 0 ? &rows->items[0].value : NULL;
  const struct value *person = row ? value_get(row, "person") : NULL;
  for (size_t i = 0; person && person->kind == VALUE_MAP && i < person->map.count; i++) {
    const struct value_field *field = &person->map.fields[i];
    char buffer[CELL_BYTES];
    if (field->value.kind == VALUE_TEXT) {
      (void)printf("%s: %.*s\n", field_title(field->name, buffer), SPAN_ARG(field->value.text));
    }
  }
  (void)fprintf(stderr, "Просмотр записан в журнал.\n");
}

struct request {
  struct client_options options;
  const char *case_id, *reason;
  bool reveal, yes;
};

static int ask(const struct request *request, const char *verb, const struct table_column *columns) {
  struct client client;
  char word[WORD_BYTES];
  int length = snprintf(word, sizeof word, "case=%s", request->case_id);
  if (length < 0 || length >= WORD_BYTES) {
    return cli_usage("слишком длинный номер");
  }
  int code = client_open(&request->options, &client);
  if (code != CLI_OK) {
    return code;
  }
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  const char *args[] = {word, "reveal=1"};
  client.reason = request->reason;
  code = client_ask(&client, verb, args, request->reveal ? 2 : 1, &rows);
  if (code == CLI_OK && request->reveal && client.output == CLIENT_TABLE) {
    person_print(&rows);
  } else if (code == CLI_OK) {
    table_show(&client, &rows, columns);
  }
  client_close(&client);
  return code;
}

int person_show(int argc, char **argv) {
  struct request request = {.case_id = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(request.options),
                                     {"--reveal", NULL, &request.reveal},
                                     {"--reason", &request.reason, NULL},
                                     {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, &request.case_id, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0) {
    return cli_usage("нужен номер случая");
  }
  if (request.reveal && !request.reason) {
    return cli_usage("просмотр персональных данных требует --reason: причина остаётся в журнале");
  }
  return ask(&request, "person.show", state_columns);
}

/* True when the operator has written the case's number once more. */
static bool confirmed(const char *case_id) {
  char line[WORD_BYTES];
  (void)fprintf(stderr, "Персональные данные случая будут стёрты безвозвратно. Наберите его номер ещё раз: ");
  if (!fgets(line, sizeof line, stdin)) {
    return false;
  }
  line[strcspn(line, "\r\n")] = '\0';
  return strcmp(line, case_id) == 0;
}

int person_erase(int argc, char **argv) {
  struct request request = {.case_id = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(request.options),
                                     {"--yes", NULL, &request.yes},
                                     {"--reason", &request.reason, NULL},
                                     {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, &request.case_id, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0 || !request.reason) {
    return cli_usage("нужны номер случая и --reason: причина остаётся в журнале");
  }
  if (!request.yes && (!isatty(STDIN_FILENO) || !confirmed(request.case_id))) {
    return cli_fail(CLI_USAGE, "ничего не стёрто: подтвердите номером случая или параметром --yes");
  }
  return ask(&request, "person.erase", erased_columns);
}
