/*
 * Lists: case, deadline, referral, incident, participant. Each is one row of a table: what to ask, which options narrow
 * it, how it is sorted and which columns a person sees.
 */
#include "lists.h"

#include <stdio.h>

#include "table.h"

enum { FILTERS_MAX = 6, WORD_MAX_BYTES = 500 };

struct filter {
  const char *option; /* "--state" */
  const char *word;   /* "state" */
  bool flag;          /* takes no text */
};

struct list {
  const char *verb;
  struct filter filters[FILTERS_MAX];
  const char *sort_first, *sort_second;
  struct table_column columns[12];
};

static const struct list case_list = {
    .verb = "case.list",
    .filters = {{"--stage", "stage", false},
                {"--process", "process", false},
                {"--territory", "territory", false},
                {"--state", "state", false}},
    .sort_first = "next_due",
    .sort_second = "case",
    .columns = {{"Случай", "case", TABLE_TEXT, 32, NULL},
                {"Процесс", "process", TABLE_TEXT, 16, NULL},
                {"Этап", "stage_title", TABLE_TEXT, 28, NULL},
                {"Состояние", "state", TABLE_TEXT, 12, table_case_states},
                {"Основание", "ground", TABLE_TEXT, 16, NULL},
                {"Территория", "territory", TABLE_TEXT, 20, NULL},
                {"Срок до", "next_due", TABLE_DATE, 0, NULL},
                {"На контроле", "deadlines_open", TABLE_NUMBER, 0, NULL},
                {"Нарушено", "deadlines_missed", TABLE_NUMBER, 0, NULL}},
};
static const struct list deadline_list = {
    .verb = "deadline.list",
    .filters = {{"--state", "state", false},
                {"--owner", "owner", false},
                {"--id", "id", false},
                {"--case", "case", false},
                {"--before", "before", false}},
    .sort_first = "due",
    .sort_second = "case",
    .columns = {{"Срок до", "due", TABLE_DATE, 0, NULL},
                {"Случай", "case", TABLE_TEXT, 36, NULL},
                {"Срок", "id", TABLE_TEXT, 24, NULL},
                {"Ключ", "key", TABLE_TEXT, 12, NULL},
                {"Состояние", "state", TABLE_TEXT, 32, table_deadline_states},
                {"Отсчёт с", "from", TABLE_DATE, 0, NULL},
                {"Длительность", "term", TABLE_TEXT, 12, NULL},
                {"Отвечает", "owner", TABLE_TEXT, 16, NULL},
                {"Основание", "basis", TABLE_TEXT, 40, NULL}},
};
static const struct list referral_list = {
    .verb = "referral.list",
    .filters = {{"--status", "status", false}, {"--to", "to", false}, {"--case", "case", false}},
    .sort_first = "at",
    .sort_second = "case",
    .columns = {{"Случай", "case", TABLE_TEXT, 40, NULL},
                {"Мероприятие", "measure", TABLE_TEXT, 16, NULL},
                {"Кому", "to", TABLE_TEXT, 28, NULL},
                {"Состояние", "status", TABLE_TEXT, 16, NULL},
                {"С какого времени", "at", TABLE_MOMENT, 0, NULL},
                {"Причина", "reason", TABLE_TEXT, 24, NULL}},
};
static const struct list incident_list = {
    .verb = "incident.list",
    .filters = {{"--all", "all", true}, {"--case", "case", false}},
    .sort_first = "at",
    .sort_second = "case",
    .columns = {{"Номер", "incident", TABLE_NUMBER, 0, NULL},
                {"Случай", "case", TABLE_TEXT, 36, NULL},
                {"Когда", "at", TABLE_MOMENT, 0, NULL},
                {"Причина", "reason", TABLE_TEXT, 24, NULL},
                {"От кого", "sender", TABLE_TEXT, 24, NULL},
                {"Событие", "event", TABLE_TEXT, 24, NULL},
                {"Раз", "count", TABLE_NUMBER, 0, NULL},
                {"Разобран", "resolved", TABLE_MOMENT, 0, NULL},
                {"Подробности", "detail", TABLE_TEXT, 60, NULL}},
};
static const struct list participant_list = {
    .verb = "participant.list",
    .filters = {{"--connected", "connected", true}},
    .sort_first = "participant",
    .columns = {{"Участник", "participant", TABLE_TEXT, 0, NULL},
                {"Название", "title", TABLE_TEXT, 48, NULL},
                {"Связь", "connected", TABLE_YES, 0, NULL},
                {"Программа", "agent", TABLE_TEXT, 24, NULL},
                {"Принято до", "sequence", TABLE_NUMBER, 0, NULL},
                {"Поток", "stream", TABLE_NUMBER, 0, NULL},
                {"Получено до", "acknowledged", TABLE_NUMBER, 0, NULL},
                {"Ждёт", "waiting", TABLE_NUMBER, 0, NULL}},
};

/* The words of the question, made of the options that were given. */
struct question {
  const char *texts[FILTERS_MAX];
  bool flags[FILTERS_MAX];
  char words[FILTERS_MAX][WORD_MAX_BYTES];
  const char *args[FILTERS_MAX];
  size_t count;
};

static int question_read(int argc, char **argv, const struct list *list, struct client_options *options,
                         struct question *question) {
  struct cli_option table[FILTERS_MAX + 6] = {CLIENT_OPTIONS(*options)};
  size_t at = 5;
  for (size_t i = 0; i < FILTERS_MAX && list->filters[i].option; i++) {
    const struct filter *filter = &list->filters[i];
    table[at++] = (struct cli_option){filter->option, filter->flag ? NULL : &question->texts[i],
                                      filter->flag ? &question->flags[i] : NULL};
  }
  table[at] = (struct cli_option){NULL, NULL, NULL};
  return cli_options_read(argc, argv, table, NULL, 0) < 0 ? CLI_USAGE : CLI_OK;
}

static int question_words(const struct list *list, struct question *question) {
  for (size_t i = 0; i < FILTERS_MAX && list->filters[i].option; i++) {
    const char *text = question->flags[i] ? "1" : question->texts[i];
    if (!text) {
      continue;
    }
    char *word = question->words[question->count];
    int length = snprintf(word, WORD_MAX_BYTES, "%s=%s", list->filters[i].word, text);
    if (length < 0 || length >= WORD_MAX_BYTES) {
      return cli_usage("слишком длинное значение у %s", list->filters[i].option);
    }
    question->args[question->count++] = word;
  }
  return CLI_OK;
}

static int list_answer(const struct list *list, const struct client *client, const struct question *question) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, list->verb, question->args, question->count, &rows);
  if (code == CLI_OK) {
    table_sort(&rows, list->sort_first, list->sort_second);
    table_show(client, &rows, list->columns);
  }
  return code;
}

static int list_run(int argc, char **argv, const struct list *list) {
  struct client_options options = {.endpoint = NULL};
  struct question question = {.count = 0};
  struct client client;
  int code = question_read(argc, argv, list, &options, &question);
  code = code == CLI_OK ? question_words(list, &question) : code;
  code = code == CLI_OK ? client_open(&options, &client) : code;
  if (code != CLI_OK) {
    return code;
  }
  code = list_answer(list, &client, &question);
  client_close(&client);
  return code;
}

int list_cases(int argc, char **argv) {
  return list_run(argc, argv, &case_list);
}

int list_deadlines(int argc, char **argv) {
  return list_run(argc, argv, &deadline_list);
}

int list_referrals(int argc, char **argv) {
  return list_run(argc, argv, &referral_list);
}

int list_incidents(int argc, char **argv) {
  return list_run(argc, argv, &incident_list);
}

int list_participants(int argc, char **argv) {
  return list_run(argc, argv, &participant_list);
}
