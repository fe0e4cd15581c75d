/* kurator case document: one document of a case, in the words of its form. */
#include <stdio.h>

#include "lists.h"
#include "table.h"

enum { WORD_BYTES = 300, WORDS_MAX = 6 };

static const struct table_column extract_columns[] = {
    {"Код", "measure", TABLE_TEXT, 16, NULL},           {"Мероприятие", "title", TABLE_TEXT, 48, NULL},
    {"Вид помощи", "kind_title", TABLE_TEXT, 24, NULL}, {"Исполнить до", "due", TABLE_DATE, 0, NULL},
    {"Ход", "status_title", TABLE_TEXT, 36, NULL},      {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column measure_columns[] = {
    {"Код", "measure", TABLE_TEXT, 16, NULL},
    {"Мероприятие", "title", TABLE_TEXT, 48, NULL},
    {"Вид помощи", "kind_title", TABLE_TEXT, 24, NULL},
    {"Исполнить до", "due", TABLE_DATE, 0, NULL},
    {"Исполнитель", "to_title", TABLE_TEXT, 48, NULL},
    {"Результат", "status_title", TABLE_TEXT, 36, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

/* ---- the sheet ---- */

static bool is_type(const struct value *row, const char *type) {
  return span_is(value_get_text(row, "type"), type);
}

static bool is_set(const struct value *row, const char *field) {
  const struct value *value = value_get(row, field);
  return value && value->kind == VALUE_BOOL && value->truth;
}

static int64_t number_of(const struct value *row, const char *field) {
  const struct value *value = value_get(row, field);
  return value && value->kind == VALUE_INT ? value->integer : 0;
}

static struct span cell(const struct value *row, const char *field, enum table_kind kind, struct arena *arena) {
  const struct table_column column = {"", field, kind, 0, NULL};
  return table_cell(row, &column, arena);
}

static void text_print(const char *before, struct span text, const char *after) {
  (void)fputs(before, stdout);
  table_put_text(text);
  (void)fputs(after, stdout);
}

static void head_print(const struct value *row, struct arena *arena) {
  text_print("", value_get_text(row, "title"), "");
  (void)printf(", редакция %lld\n", (long long)number_of(row, "edition"));
  text_print("Состояние: ", value_get_text(row, "state_title"), "");
  text_print(", ", cell(row, "occurred_on", TABLE_DATE, arena), "");
  if (is_set(row, "superseded")) {
    (void)printf("; заменена редакцией %lld", (long long)number_of(row, "last_edition"));
  }
  text_print("\nСлучай: ", value_get_text(row, "case"), "\n");
  if (value_get(row, "to_title")) {
    text_print("Кому: ", value_get_text(row, "to_title"), "\n");
  }
  if (value_get(row, "from_title")) {
    text_print("От кого: ", value_get_text(row, "from_title"), "");
    (void)printf("; запись журнала %lld\n", (long long)number_of(row, "journal"));
  }
  if (value_get(row, "basis")) {
    text_print("Основание: ", value_get_text(row, "basis"), "\n");
  }
}

static void field_print(const struct value *row, struct arena *arena) {
  bool date = span_is(value_get_text(row, "format"), "date");
  struct span text = date ? cell(row, "value", TABLE_DATE, arena) : value_get_text(row, "text");
  if (is_set(row, "hidden")) {
    text = SPAN_LITERAL("(персональные данные скрыты)");
  } else if (is_set(row, "missing")) {
    text = SPAN_LITERAL("(не заполнено)");
  }
  text_print("  ", value_get_text(row, "title"), ": ");
  text_print("", text, "\n");
}

/* Measures stand together behind the fields of their document. Returns how many rows they are. */
static size_t measures_print(const struct client_rows *rows, size_t first, bool extract) {
  struct client_rows some = *rows;
  some.items = &rows->items[first];
  some.count = 0;
  while (first + some.count < rows->count && is_type(&rows->items[first + some.count].value, "measure")) {
    some.count++;
  }
  (void)printf("\n");
  table_print(&some, extract ? extract_columns : measure_columns);
  return some.count;
}

static void document_print(const struct client_rows *rows) {
  DEFER(arena_finish) struct arena arena;
  bool extract = false;
  arena_init(&arena, 0);
  for (size_t i = 0; i < rows->count; i++) {
    const struct value *row = &rows->items[i].value;
    if (is_type(row, "document")) {
      extract = value_get(row, "to") != NULL;
      (void)printf("%s", i > 0 ? "\n" : "");
      head_print(row, &arena);
    } else if (is_type(row, "field")) {
      field_print(row, &arena);
    } else {
      i += measures_print(rows, i, extract) - 1;
    }
  }
}

/* ---- the command ---- */

struct request {
  struct client_options options;
  const char *words[2]; /* case and kind */
  const char *edition, *to, *reader, *reason;
  bool reveal, json;
  char args[WORDS_MAX][WORD_BYTES];
  size_t args_count;
};

/* False if it is too long; nothing for what was not given. */
static bool add(struct request *request, const char *name, const char *value) {
  if (!value) {
    return true;
  }
  int length = snprintf(request->args[request->args_count++], WORD_BYTES, "%s=%s", name, value);
  return length >= 0 && length < WORD_BYTES;
}

static int ask(const struct request *request) {
  struct client client;
  int code = client_open(&request->options, &client);
  if (code != CLI_OK) {
    return code;
  }
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  const char *args[WORDS_MAX];
  for (size_t i = 0; i < request->args_count; i++) {
    args[i] = request->args[i];
  }
  client.reason = request->reason;
  code = client_ask(&client, "case.document", args, request->args_count, &rows);
  if (code == CLI_OK && client.output == CLIENT_TABLE) {
    document_print(&rows);
  } else if (code == CLI_OK) {
    table_show(&client, &rows, measure_columns);
  }
  if (code == CLI_OK && request->reveal) {
    (void)fprintf(stderr, "Просмотр записан в журнал.\n");
  }
  client_close(&client);
  return code;
}

int case_document(int argc, char **argv) {
  struct request r = {.edition = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(r.options),     {"--edition", &r.edition, NULL},
                                     {"--to", &r.to, NULL},         {"--for", &r.reader, NULL},
                                     {"--reason", &r.reason, NULL}, {"--reveal", NULL, &r.reveal},
                                     {"--json", NULL, &r.json},     {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, r.words, 2);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words < 2) {
    return cli_usage("нужны номер случая и вид документа: виды показывает case show");
  }
  if (r.reveal && !r.reason) {
    return cli_usage("просмотр персональных данных требует --reason: причина остаётся в журнале");
  }
  r.options.output = r.json ? "json" : r.options.output;
  bool fits = add(&r, "case", r.words[0]) && add(&r, "kind", r.words[1]) && add(&r, "edition", r.edition) &&
              add(&r, "to", r.to) && add(&r, "for", r.reader) && add(&r, "reveal", r.reveal ? "1" : NULL);
  return fits ? ask(&r) : cli_usage("слишком длинное слово");
}
