/* kurator case show, case timeline: one case with everything that belongs to it. */
#include <stdio.h>
#include <stdlib.h>

#include "lists.h"
#include "table.h"

enum { WORD_BYTES = 300 };

static const struct table_column part_columns[] = {
    {"Случай", "case", TABLE_TEXT, 40, NULL},
    {"Процесс", "process", TABLE_TEXT, 16, NULL},
    {"Этап", "stage_title", TABLE_TEXT, 28, NULL},
    {"Состояния", "states", TABLE_WORDS, 48, NULL},
    {"Ход", "state", TABLE_TEXT, 12, table_case_states},
    {"Основание", "ground", TABLE_TEXT, 16, NULL},
    {"Открыт", "opened", TABLE_MOMENT, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column deadline_columns[] = {
    {"Срок до", "due", TABLE_DATE, 0, NULL},      {"Срок", "id", TABLE_TEXT, 24, NULL},
    {"Ключ", "key", TABLE_TEXT, 12, NULL},        {"Состояние", "state", TABLE_TEXT, 32, table_deadline_states},
    {"Отсчёт с", "from", TABLE_DATE, 0, NULL},    {"Длительность", "term", TABLE_TEXT, 12, NULL},
    {"Сделано", "done_on", TABLE_DATE, 0, NULL},  {"Отвечает", "owner", TABLE_TEXT, 16, NULL},
    {"Основание", "basis", TABLE_TEXT, 40, NULL}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column referral_columns[] = {
    {"Мероприятие", "measure", TABLE_TEXT, 16, NULL}, {"Кому", "to", TABLE_TEXT, 28, NULL},
    {"Состояние", "status", TABLE_TEXT, 16, NULL},    {"Изменено", "changed", TABLE_MOMENT, 0, NULL},
    {"Причина", "reason", TABLE_TEXT, 24, NULL},      {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column document_columns[] = {
    {"Документ", "title", TABLE_TEXT, 52, NULL},
    {"Вид", "kind", TABLE_TEXT, 20, NULL},
    {"Ред.", "edition", TABLE_NUMBER, 0, NULL},
    {"Состояние", "state_title", TABLE_TEXT, 28, NULL},
    {"С", "occurred_on", TABLE_DATE, 0, NULL},
    {"Кому", "to", TABLE_TEXT, 28, NULL},
    {"Мероприятия", "measures", TABLE_WORDS, 24, NULL},
    {"Заменён", "superseded", TABLE_YES, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column incident_columns[] = {
    {"Номер", "incident", TABLE_NUMBER, 0, NULL},    {"Когда", "at", TABLE_MOMENT, 0, NULL},
    {"Причина", "reason", TABLE_TEXT, 24, NULL},     {"Подробности", "detail", TABLE_TEXT, 60, NULL},
    {"Разобран", "resolved", TABLE_MOMENT, 0, NULL}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column entry_columns[] = {
    {"Когда", "at", TABLE_MOMENT, 0, NULL},
    {"Произошло", "occurred_at", TABLE_MOMENT, 0, NULL},
    {"Случай", "case", TABLE_TEXT, 36, NULL},
    {"Событие", "event", TABLE_TEXT, 28, NULL},
    {"От кого", "sender", TABLE_TEXT, 24, NULL},
    {"Итог", "kind", TABLE_TEXT, 12, table_entry_kinds},
    {"Отозвано", "annulled_by", TABLE_NUMBER, 0, NULL},
    {"Пояснение", "text", TABLE_TEXT, 60, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

/* A section of the answer: its rows are borrowed from the whole. */
static void section_print(const struct client_rows *all, const char *type, const char *title,
                          const struct table_column *columns, const char *order) {
  struct client_rows some = {.count = 0};
  some.items = calloc(all->count + 1, sizeof *some.items);
  ASSERT(some.items != NULL);
  for (size_t i = 0; i < all->count; i++) {
    if (span_is(value_get_text(&all->items[i].value, "type"), type)) {
      some.items[some.count++] = all->items[i];
    }
  }
  if (some.count > 0) {
    (void)printf("\n%s\n", title);
    table_sort(&some, order, "id");
    table_print(&some, columns);
  }
  free(some.items);
}

static void reasons_print(const struct client_rows *all) {
  bool first = true;
  for (size_t i = 0; i < all->count; i++) {
    const struct value *row = &all->items[i].value;
    struct span why = value_get_text(row, "explanation");
    if (span_empty(why)) {
      continue;
    }
    (void)printf("%s  %.*s%s%.*s: %.*s\n", first ? "\nПочему такие сроки\n" : "", SPAN_ARG(value_get_text(row, "id")),
                 value_get(row, "key") ? ":" : "", SPAN_ARG(value_get_text(row, "key")), SPAN_ARG(why));
    first = false;
  }
}

static void case_print(const struct client_rows *rows) {
  const struct value *root = &rows->items[0].value;
  (void)printf("Случай %.*s, территория: %.*s. Журнал: запись %llu.\n", SPAN_ARG(value_get_text(root, "case")),
               SPAN_ARG(value_get_text(root, "territory")), (unsigned long long)rows->journal);
  section_print(rows, "case", "Части", part_columns, "due");
  section_print(rows, "deadline", "Сроки", deadline_columns, "due");
  reasons_print(rows);
  section_print(rows, "referral", "Направления", referral_columns, "due");
  section_print(rows, "document", "Документы", document_columns, "recorded");
  section_print(rows, "incident", "Сбои обработки", incident_columns, "due");
}

/* Asks about the one case that the command names. */
static int ask_case(int argc, char **argv, const char *verb, void (*print)(const struct client_rows *rows)) {
  struct client_options options = {.endpoint = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {NULL, NULL, NULL}};
  const char *case_id = NULL;
  struct client client;
  char word[WORD_BYTES];
  int words = cli_options_read(argc, argv, table, &case_id, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  int length = snprintf(word, sizeof word, "case=%s", words == 1 ? case_id : "");
  if (words == 0 || length < 0 || (size_t)length >= sizeof word) {
    return cli_usage("нужен номер случая");
  }
  int code = client_open(&options, &client);
  if (code != CLI_OK) {
    return code;
  }
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  const char *args[] = {word};
  code = client_ask(&client, verb, args, 1, &rows);
  if (code == CLI_OK && client.output == CLIENT_TABLE && rows.count > 0) {
    print(&rows);
  } else if (code == CLI_OK) {
    table_show(&client, &rows, part_columns);
  }
  client_close(&client);
  return code;
}

int case_show(int argc, char **argv) {
  return ask_case(argc, argv, "case.show", case_print);
}

static void timeline_print(const struct client_rows *rows) {
  table_print(rows, entry_columns);
}

int case_timeline(int argc, char **argv) {
  return ask_case(argc, argv, "case.timeline", timeline_print);
}
