/* kurator person …: personal data, and which cases are one person's, for operators who have the right to it. */
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

static void row_print(const struct value *row) {
  const struct value *person = value_get(row, "person");
  for (size_t i = 0; person && person->kind == VALUE_MAP && i < person->map.count; i++) {
    const struct value_field *field = &person->map.fields[i];
    char buffer[CELL_BYTES];
    if (field->value.kind == VALUE_TEXT) {
      table_put_text(span_of_cstr(field_title(field->name, buffer)));
      (void)fputs(": ", stdout);
      table_put_text(field->value.text);
      (void)putchar('\n');
    }
  }
}

/* The case that was asked for, then the person's others. */
static void person_print(const struct client_rows *rows) {
  for (size_t i = 0; i < rows->count; i++) {
    struct span number = value_get_text(&rows->items[i].value, "case");
    if (rows->count > 1) {
      (void)printf("%sСлучай ", i > 0 ? "\n" : "");
      table_put_text(number);
      (void)putchar('\n');
    }
    row_print(&rows->items[i].value);
  }
  (void)fprintf(stderr, "Просмотр записан в журнал.\n");
}

enum { WORDS_MAX = 3 };

struct request {
  struct client_options options;
  const char *numbers[2]; /* as they stand in the command */
  const char *case_id, *reason;
  bool reveal, yes;
  char words[WORDS_MAX][WORD_BYTES];
  size_t words_count;
};

/* False if it is too long. */
static bool add_word(struct request *request, const char *name, const char *value) {
  int length = snprintf(request->words[request->words_count], WORD_BYTES, "%s=%s", name, value);
  request->words_count++;
  return length >= 0 && length < WORD_BYTES;
}

static int ask(const struct request *request, const char *verb, const struct table_column *columns) {
  struct client client;
  int code = client_open(&request->options, &client);
  if (code != CLI_OK) {
    return code;
  }
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  const char *args[WORDS_MAX];
  for (size_t i = 0; i < request->words_count; i++) {
    args[i] = request->words[i];
  }
  client.reason = request->reason;
  code = client_ask(&client, verb, args, request->words_count, &rows);
  if (code == CLI_OK && request->reveal && client.output == CLIENT_TABLE) {
    person_print(&rows);
  } else if (code == CLI_OK) {
    table_show(&client, &rows, columns);
  }
  client_close(&client);
  return code;
}

/* At least `needed` numbers, and a reason. */
static int read_request(int argc, char **argv, struct request *request, int needed, const char *complaint) {
  const struct cli_option table[] = {CLIENT_OPTIONS(request->options),     {"--case", &request->case_id, NULL},
                                     {"--reveal", NULL, &request->reveal}, {"--yes", NULL, &request->yes},
                                     {"--reason", &request->reason, NULL}, {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, request->numbers, 2);
  if (words < 0) {
    return CLI_USAGE;
  }
  return words < needed ? cli_usage(complaint) : CLI_OK;
}

#define TOO_LONG "слишком длинный номер"

int person_show(int argc, char **argv) {
  struct request request = {.case_id = NULL};
  int code = read_request(argc, argv, &request, 1, "нужен номер случая");
  if (code != CLI_OK) {
    return code;
  }
  if (request.reveal && !request.reason) {
    return cli_usage("просмотр персональных данных требует --reason: причина остаётся в журнале");
  }
  bool fits = add_word(&request, "case", request.numbers[0]) && (!request.reveal || add_word(&request, "reveal", "1"));
  return fits ? ask(&request, "person.show", state_columns) : cli_usage(TOO_LONG);
}

/* ---- which cases are one person's ---- */

static const struct table_word kinds[] = {
    {"case", "случай этого человека"}, {"proposed", "возможно, тот же человек"}, {NULL, NULL}};
static const struct table_word grounds[] = {{"operator", "решение оператора"}, {NULL, NULL}};
static const struct table_column case_columns[] = {
    {"", "type", TABLE_TEXT, 0, kinds},          {"Человек", "person", TABLE_TEXT, 0, NULL},
    {"Случай", "case", TABLE_TEXT, 40, NULL},    {"Процесс", "process", TABLE_TEXT, 0, NULL},
    {"Основание", "by", TABLE_TEXT, 0, grounds}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column pair_columns[] = {
    {"Случай", "case", TABLE_TEXT, 40, NULL},     {"Процесс", "process", TABLE_TEXT, 0, NULL},
    {"Случай", "with", TABLE_TEXT, 40, NULL},     {"Процесс", "with_process", TABLE_TEXT, 0, NULL},
    {"Общий признак", "by", TABLE_TEXT, 0, NULL}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_word link_states[] = {{"linked", "связан"}, {"unlinked", "связь снята"}, {NULL, NULL}};
static const struct table_column link_columns[] = {
    {"Случай", "case", TABLE_TEXT, 40, NULL},
    {"Связь", "state", TABLE_TEXT, 0, link_states},
    {"Запись об этом", "journal", TABLE_NUMBER, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

#define REASON_NEEDED "нужна --reason: причина остаётся в журнале"

int person_cases(int argc, char **argv) {
  struct request request = {.case_id = NULL};
  int code = read_request(argc, argv, &request, 0, "");
  if (code != CLI_OK) {
    return code;
  }
  if (!request.reason || (!request.case_id && !request.numbers[0])) {
    return cli_usage("нужны номер человека или --case НОМЕР и --reason: причина остаётся в журнале");
  }
  bool fits =
      request.case_id ? add_word(&request, "case", request.case_id) : add_word(&request, "person", request.numbers[0]);
  return fits ? ask(&request, "person.cases", case_columns) : cli_usage(TOO_LONG);
}

int person_proposals(int argc, char **argv) {
  struct request request = {.case_id = NULL};
  int code = read_request(argc, argv, &request, 0, "");
  if (code != CLI_OK) {
    return code;
  }
  return request.reason ? ask(&request, "person.proposals", pair_columns) : cli_usage(REASON_NEEDED);
}

static int join_or_split(int argc, char **argv, const char *verb, int needed) {
  struct request request = {.case_id = NULL};
  int code =
      read_request(argc, argv, &request, needed, needed == 2 ? "нужны номера двух случаев" : "нужен номер случая");
  if (code != CLI_OK) {
    return code;
  }
  if (!request.reason) {
    return cli_usage(REASON_NEEDED);
  }
  bool fits = add_word(&request, "case", request.numbers[0]) &&
              (!request.numbers[1] || add_word(&request, "with", request.numbers[1]));
  return fits ? ask(&request, verb, link_columns) : cli_usage(TOO_LONG);
}

int person_link(int argc, char **argv) {
  return join_or_split(argc, argv, "person.link", 2);
}

int person_unlink(int argc, char **argv) {
  return join_or_split(argc, argv, "person.unlink", 1);
}

/* ---- erasing ---- */

/* True when the operator has written the case's number once more. */
static bool confirmed(const char *case_id) {
  char line[WORD_BYTES];
  (void)fprintf(
      stderr,
      "Персональные данные человека будут стёрты безвозвратно, во всех его случаях. Наберите номер случая ещё раз: ");
  if (!fgets(line, sizeof line, stdin)) {
    return false;
  }
  line[strcspn(line, "\r\n")] = '\0';
  return strcmp(line, case_id) == 0;
}

int person_erase(int argc, char **argv) {
  struct request request = {.case_id = NULL};
  int code = read_request(argc, argv, &request, 1, "нужны номер случая и --reason: причина остаётся в журнале");
  if (code != CLI_OK) {
    return code;
  }
  if (!request.reason) {
    return cli_usage("нужны номер случая и --reason: причина остаётся в журнале");
  }
  if (!request.yes && (!isatty(STDIN_FILENO) || !confirmed(request.numbers[0]))) {
    return cli_fail(CLI_USAGE, "ничего не стёрто: подтвердите номером случая или параметром --yes");
  }
  return add_word(&request, "case", request.numbers[0]) ? ask(&request, "person.erase", erased_columns)
                                                        : cli_usage(TOO_LONG);
}
