/*
 * kurator case correct: what taking an event back would change, and, without --dry-run, taking it back.
 *
 * The difference is always shown first. What does it is an event like any other, sent by its sender's own key or by the
 * operator's, so that the journal says who did it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "lists.h"
#include "table.h"

enum { WORDS_MAX = 4, WORD_BYTES = 300 };

struct correct {
  struct client_options options;
  const char *event, *sequence, *sender;  /* what is meant */
  const char *from, *link, *spool, *wait; /* who takes it back, and where */
  const char *case_id;
  bool dry_run;
};

static const struct table_word signs[] = {{"-", "было"}, {"+", "станет"}, {NULL, NULL}};
static const struct table_word kinds[] = {
    {"offer", "предложение"},
    {"offer-withdrawn", "предложение отзывается"},
    {"task", "задача"},
    {"task-withdrawn", "задача снимается"},
    {"notice", "извещение"},
    {"deadline", "напоминание или тревога"},
    {NULL, NULL},
};
static const struct table_column target_columns[] = {
    {"Запись", "journal", TABLE_NUMBER, 0, NULL}, {"Когда", "at", TABLE_MOMENT, 0, NULL},
    {"От кого", "as", TABLE_TEXT, 28, NULL},      {"Событие", "event", TABLE_TEXT, 32, NULL},
    {"Номер", "sequence", TABLE_NUMBER, 0, NULL}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column case_columns[] = {
    {"", "change", TABLE_TEXT, 0, signs},
    {"Процесс", "process", TABLE_TEXT, 16, NULL},
    {"Состояния", "states", TABLE_WORDS, 0, NULL},
    {"Основание", "ground", TABLE_TEXT, 16, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column deadline_columns[] = {
    {"", "change", TABLE_TEXT, 0, signs},
    {"Срок", "id", TABLE_TEXT, 28, NULL},
    {"Отсчёт с", "from", TABLE_DATE, 0, NULL},
    {"Срок до", "due", TABLE_DATE, 0, NULL},
    {"Состояние", "state", TABLE_TEXT, 32, table_deadline_states},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column referral_columns[] = {
    {"", "change", TABLE_TEXT, 0, signs},        {"Мероприятие", "measure", TABLE_TEXT, 16, NULL},
    {"Кому", "to", TABLE_TEXT, 28, NULL},        {"Состояние", "status", TABLE_TEXT, 16, NULL},
    {"Причина", "reason", TABLE_TEXT, 24, NULL}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column delivery_columns[] = {
    {"Что", "kind", TABLE_TEXT, 0, kinds},    {"Кому", "to", TABLE_TEXT, 28, NULL},
    {"Случай", "case", TABLE_TEXT, 36, NULL}, {"О чём", "subject", TABLE_TEXT, 28, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column refused_columns[] = {
    {"Запись", "journal", TABLE_NUMBER, 0, NULL},
    {"От кого", "as", TABLE_TEXT, 28, NULL},
    {"Событие", "event", TABLE_TEXT, 32, NULL},
    {"Почему", "text", TABLE_TEXT, 60, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct {
  const char *type, *title;
  const struct table_column *columns;
} sections[] = {
    {"annulled", "Отзывается", target_columns},
    {"case", "Случай", case_columns},
    {"deadline", "Сроки", deadline_columns},
    {"referral", "Направления", referral_columns},
    {"delivery", "Будет отправлено", delivery_columns},
    {"refused", "Принятое раньше, что теперь не подходит: его разберёт оператор", refused_columns},
};

/* Rows of one type, in the order of the answer; borrowed from it. */
static struct client_rows rows_of(const struct client_rows *all, const char *type) {
  struct client_rows some = {.count = 0};
  some.items = calloc(all->count + 1, sizeof *some.items);
  ASSERT(some.items != NULL);
  for (size_t i = 0; i < all->count; i++) {
    if (span_is(value_get_text(&all->items[i].value, "type"), type)) {
      some.items[some.count++] = all->items[i];
    }
  }
  return some;
}

static void difference_print(const struct client_rows *all) {
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    struct client_rows some = rows_of(all, sections[i].type);
    if (some.count > 0) {
      (void)printf("%s%s\n", i > 0 ? "\n" : "", sections[i].title);
      table_print(&some, sections[i].columns);
    }
    free(some.items);
  }
}

/* ---- the question ---- */

static int ask(const struct correct *c, const struct client *client, struct client_rows *rows) {
  const struct {
    const char *name, *text;
  } given[WORDS_MAX] = {{"case", c->case_id}, {"event", c->event}, {"sequence", c->sequence}, {"sender", c->sender}};
  char words[WORDS_MAX][WORD_BYTES];
  const char *args[WORDS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < WORDS_MAX; i++) {
    if (!given[i].text) {
      continue;
    }
    int length = snprintf(words[count], sizeof words[count], "%s=%s", given[i].name, given[i].text);
    if (length < 0 || (size_t)length >= sizeof words[count]) {
      return cli_usage("слишком длинное значение: %s", given[i].name);
    }
    args[count] = words[count];
    count++;
  }
  return client_ask(client, "case.correct", args, count, rows);
}

/* ---- the event that does it ---- */

static int send(const struct correct *c, const struct client_rows *rows) {
  DEFER(arena_finish) struct arena arena;
  DEFER(writer_finish) struct writer data;
  const struct value *row = rows->count > 0 ? &rows->items[rows->count - 1].value : NULL;
  const struct value *payload = row ? value_get(row, "data") : NULL;
  arena_init(&arena, 0);
  writer_init(&data);
  if (!payload || !span_is(value_get_text(row, "type"), "send")) {
    return cli_fail(CLI_FAILURE, "ответ сервера не читается");
  }
  json_write(payload, &data);
  char *words[20] = {(char[]){"submit"}};
  int count = 1;
  const struct {
    const char *name;
    struct span text;
  } options[] = {
      {"--as", span_of_cstr(c->from)},           {"--event", value_get_text(row, "event")},
      {"--case", value_get_text(row, "case")},   {"--data", writer_span(&data)},
      {"--keys", span_of_cstr(c->options.keys)}, {"--endpoint", span_of_cstr(c->link)},
      {"--spool", span_of_cstr(c->spool)},       {"--wait", span_of_cstr(c->wait)},
  };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    if (!span_empty(options[i].text)) {
      words[count++] = arena_cstr(&arena, span_of_cstr(options[i].name));
      words[count++] = arena_cstr(&arena, options[i].text);
    }
  }
  return event_submit(count, words);
}

static int show_and_send(const struct correct *c) {
  struct client client;
  int code = client_open(&c->options, &client);
  if (code != CLI_OK) {
    return code;
  }
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  code = ask(c, &client, &rows);
  if (code == CLI_OK && client.output == CLIENT_TABLE) {
    difference_print(&rows);
  } else if (code == CLI_OK) {
    table_show(&client, &rows, target_columns);
  }
  client_close(&client);
  return code == CLI_OK && !c->dry_run ? send(c, &rows) : code;
}

int case_correct(int argc, char **argv) {
  struct correct c = {.dry_run = false};
  const struct cli_option table[] = {CLIENT_OPTIONS(c.options),         {"--event", &c.event, NULL},
                                     {"--sequence", &c.sequence, NULL}, {"--sender", &c.sender, NULL},
                                     {"--from", &c.from, NULL},         {"--link", &c.link, NULL},
                                     {"--spool", &c.spool, NULL},       {"--wait", &c.wait, NULL},
                                     {"--dry-run", NULL, &c.dry_run},   {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, &c.case_id, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0 || !c.event) {
    return cli_usage("нужны номер случая и --event");
  }
  if (c.dry_run == (c.from != NULL)) {
    return cli_usage("нужно одно из двух: --dry-run или --from УЧАСТНИК");
  }
  return show_and_send(&c);
}
