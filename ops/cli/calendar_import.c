/*
 * kurator calendar import, show: years of the production calendar for a running kuratord.
 *
 * The file goes to the engine in pieces that begin and end with a line; the engine judges it and keeps it in its
 * journal. What an import changes is shown with --preview, page by page, and changes nothing. Without it the import is
 * durable when the engine answers, and this command then follows the recount; whoever interrupts it stops only the
 * following.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "lists.h"
#include "table.h"

enum { FILE_MAX = 200 << 10, PIECES = 9, PIECE_BYTES = 30000, NAME_BYTES = 8, POLL_MS = 300, ROWS_SHOWN = 40 };

struct import {
  struct client_options options;
  const char *path, *rows_text;
  bool preview, no_wait, json;
  int64_t rows_shown;
};

/* ---- the file as words of a question ---- */

struct words {
  struct arena arena;
  const char *items[PIECES];
  size_t count;
};

static int cannot_send(const char *path, const char *why) {
  return cli_fail(CLI_INVALID, "%s: %s", path, why);
}

/* As many whole lines as a piece has room for; empty: not even one. */
static struct span piece_of(struct span rest) {
  if (rest.size <= PIECE_BYTES) {
    return rest;
  }
  size_t size = PIECE_BYTES;
  while (size > 0 && rest.data[size - 1] != '\n') {
    size--;
  }
  return span_of(rest.data, size);
}

static int cut(const char *path, struct span file, struct words *words) {
  for (struct span rest = file; rest.size > 0;) {
    struct span piece = piece_of(rest);
    if (piece.size == 0 || words->count == PIECES) {
      return cannot_send(path, "слишком длинная строка: это не производственный календарь");
    }
    struct span word = arena_printf(&words->arena, "csv%zu=", words->count + 1);
    char *text = arena_alloc(&words->arena, word.size + piece.size + 1);
    memcpy(text, word.data, word.size);
    memcpy(text + word.size, piece.data, piece.size);
    text[word.size + piece.size] = '\0';
    words->items[words->count++] = text;
    rest = span_of(rest.data + piece.size, rest.size - piece.size);
  }
  return CLI_OK;
}

static int words_of(const char *path, struct words *words) {
  DEFER(cli_file_free) struct span file = {0};
  struct fault fault = {.err = ERR_OK};
  if (cli_read_file(path, FILE_MAX, &file, &fault) != ERR_OK) {
    return cli_fail_fault(path, &fault);
  }
  if (span_empty(file)) {
    return cannot_send(path, "файл пуст: первой строкой стоит «date,kind,note», дальше дни года");
  }
  if (!span_is_text(file)) {
    return cannot_send(path, "файл не в кодировке UTF-8: сохраните его в ней");
  }
  return cut(path, file, words);
}

/* ---- what would change ---- */

static const struct table_word states[] = {
    {"open", "открыт"},
    {"provisional", "предварительный"},
    {"missed", "нарушен"},
    {"met", "исполнен"},
    {"cancelled", "снят"},
    {"met-reported-late", "исполнен, сообщено позже"},
    {"paused", "приостановлен"},
    {"stays-missed", "остаётся нарушенным"},
    {NULL, NULL},
};
static const struct table_column change_columns[] = {
    {"Случай", "case", TABLE_TEXT, 28, NULL},
    {"Срок", "deadline", TABLE_TEXT, 28, NULL},
    {"Был до", "old", TABLE_DATE, 0, NULL},
    {"Станет до", "new", TABLE_DATE, 0, NULL},
    {"Был", "was", TABLE_TEXT, 20, states},
    {"Станет", "state", TABLE_TEXT, 24, states},
    {"Напоминание", "new_reminder", TABLE_DATE, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};
static const struct table_column failed_columns[] = {{"Случай", "case", TABLE_TEXT, 28, NULL},
                                                     {"Почему", "text", TABLE_TEXT, 80, NULL},
                                                     {NULL, NULL, TABLE_TEXT, 0, NULL}};

struct counted {
  int64_t families, cases, changes, changed, stays, failed, omitted;
  bool same;
  int64_t first_year, last_year;
};

static int64_t number_of(const struct value *row, const char *name) {
  const struct value *field = value_get(row, name);
  return field && field->kind == VALUE_INT ? field->integer : 0;
}

static bool truth_of(const struct value *row, const char *name) {
  const struct value *field = value_get(row, name);
  return field && field->kind == VALUE_BOOL && field->truth;
}

static void count_page(struct counted *counted, const struct value *row) {
  counted->families += number_of(row, "families");
  counted->cases += number_of(row, "cases");
  counted->omitted += number_of(row, "omitted");
  counted->same = truth_of(row, "same");
  counted->first_year = number_of(row, "first_year");
  counted->last_year = number_of(row, "last_year");
}

/* Rows of a family stand together: its number is the part before the first slash. */
static void count_change(struct counted *counted, const struct value *row, struct span *family) {
  struct span rest;
  struct span root = span_cut(value_get_text(row, "case"), '/', &rest);
  bool stays = span_is(value_get_text(row, "state"), "stays-missed");
  counted->stays += stays;
  counted->changes += !stays;
  if (!stays && !span_equal(root, *family)) {
    counted->changed++;
    *family = root;
  }
}

static struct counted count(const struct client_rows *rows) {
  struct counted counted = {.families = 0};
  struct span family = {NULL, 0};
  for (size_t i = 0; i < rows->count; i++) {
    const struct value *row = &rows->items[i].value;
    struct span type = value_get_text(row, "type");
    if (span_is(type, "looked")) {
      count_page(&counted, row);
    } else if (span_is(type, "change")) {
      count_change(&counted, row, &family);
    } else {
      counted.failed += span_is(type, "failed");
    }
  }
  return counted;
}

/* The first of one type; borrowed. `*ret_left`: how many more there are. */
static struct client_rows first_of(const struct client_rows *all, const char *type, int64_t most, int64_t *ret_left) {
  struct client_rows some = {.count = 0};
  some.items = calloc(all->count + 1, sizeof *some.items);
  ASSERT(some.items != NULL);
  *ret_left = 0;
  for (size_t i = 0; i < all->count; i++) {
    if (!span_is(value_get_text(&all->items[i].value, "type"), type)) {
      continue;
    }
    if ((int64_t)some.count < most) {
      some.items[some.count++] = all->items[i];
    } else {
      ++*ret_left;
    }
  }
  return some;
}

static void rows_print(const struct client_rows *rows, const char *type, const struct table_column *columns,
                       int64_t most) {
  int64_t left;
  struct client_rows some = first_of(rows, type, most, &left);
  if (some.count > 0) {
    (void)putchar('\n');
    table_print(&some, columns);
  }
  if (left > 0) {
    (void)printf("… и ещё %lld; все строки: --rows ЧИСЛО или -o jsonl\n", (long long)left);
  }
  free(some.items);
}

static void preview_print(const struct client_rows *rows, int64_t most) {
  const struct counted counted = count(rows);
  if (counted.same) {
    (void)puts("Эти годы уже загружены в таком же виде: загрузка ничего не изменит.");
    return;
  }
  (void)printf("Календарь будет за %lld–%lld годы.\n", (long long)counted.first_year, (long long)counted.last_year);
  (void)printf("Случаев в работе: %lld (частей: %lld). Изменится случаев: %lld, сроков: %lld.\n",
               (long long)counted.families, (long long)counted.cases, (long long)counted.changed,
               (long long)counted.changes);
  if (counted.stays > 0) {
    (void)printf("Уже нарушенных сроков, которые по новому календарю ещё не истекли бы: %lld. Загрузка их не "
                 "восстановит: разберите их сами.\n",
                 (long long)counted.stays);
  }
  rows_print(rows, "change", change_columns, most);
  if (counted.failed > 0) {
    (void)puts("\nНе пересчитаются, их разберёт оператор:");
    rows_print(rows, "failed", failed_columns, most);
  }
  if (counted.omitted > 0) {
    (void)printf("Не поместилось в ответ: %lld\n", (long long)counted.omitted);
  }
  (void)puts("\nНичего не изменено. Загрузить: та же команда без --preview.");
}

static int preview(const struct import *import, const struct client *client, const struct words *words) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, "calendar.preview", words->items, words->count, &rows);
  if (code != CLI_OK) {
    return code;
  }
  if (client->output == CLIENT_TABLE) {
    preview_print(&rows, import->rows_shown);
  } else {
    table_show(client, &rows, NULL);
  }
  return CLI_OK;
}

/* ---- the recount ---- */

static void progress_tell(const struct value *state, bool last) {
  bool screen = isatty(STDERR_FILENO) == 1;
  if (screen || last) {
    (void)fprintf(stderr, "%sпересчитано случаев: %lld из %lld%s", screen ? "\r" : "",
                  (long long)number_of(state, "done"), (long long)number_of(state, "cases"), last ? "\n" : "");
  }
}

static int ask_state(const struct client *client, struct client_rows *rows) {
  int code = client_ask(client, "calendar.show", NULL, 0, rows);
  if (code == CLI_OK && rows->count == 0) {
    return cli_fail(CLI_FAILURE, "ответ сервера не читается");
  }
  return code;
}

/* CLI_OK and `*ret_over` when all cases are through. */
static int look(const struct client *client, bool *ret_over, struct counted *ret_counted) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = ask_state(client, &rows);
  if (code == CLI_OK) {
    const struct value *state = &rows.items[0].value;
    *ret_over = !truth_of(state, "recounting");
    *ret_counted = (struct counted){.changed = number_of(state, "changed"),
                                    .changes = number_of(state, "deadlines"),
                                    .failed = number_of(state, "failed")};
    progress_tell(state, *ret_over);
  }
  return code;
}

static int follow(const struct client *client, struct counted *ret_counted) {
  const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
  bool over = false;
  int code = look(client, &over, ret_counted);
  while (code == CLI_OK && !over) {
    (void)nanosleep(&pause, NULL);
    code = look(client, &over, ret_counted);
  }
  return code;
}

static int result_tell(const struct client *client, const struct client_rows *rows, const struct counted *counted) {
  const struct value *row = &rows->items[0].value;
  if (client->output != CLIENT_TABLE) {
    table_show(client, rows, NULL);
    return counted && counted->failed > 0 ? CLI_FAILURE : CLI_OK;
  }
  if (truth_of(row, "same")) {
    (void)puts("Эти годы уже загружены в таком же виде: ничего не изменилось.");
    return CLI_OK;
  }
  (void)printf("Календарь загружен, запись журнала %lld; действует за %lld–%lld годы.\n",
               (long long)number_of(row, "journal"), (long long)number_of(row, "first_year"),
               (long long)number_of(row, "last_year"));
  if (!counted) {
    (void)puts("Сроки пересчитываются; как идёт: kurator calendar show");
    return CLI_OK;
  }
  (void)printf("Изменилось случаев: %lld, сроков: %lld.\n", (long long)counted->changed, (long long)counted->changes);
  if (counted->failed > 0) {
    (void)printf("Не пересчитано случаев: %lld, причины: kurator incident list\n", (long long)counted->failed);
    return CLI_FAILURE;
  }
  return CLI_OK;
}

static int import_now(const struct import *import, const struct client *client, const struct words *words) {
  DEFER(client_rows_finish) struct client_rows rows;
  struct counted counted = {.families = 0};
  client_rows_init(&rows);
  int code = client_ask(client, "calendar.import", words->items, words->count, &rows);
  if (code != CLI_OK || rows.count == 0) {
    return code != CLI_OK ? code : cli_fail(CLI_FAILURE, "ответ сервера не читается");
  }
  bool wait = !import->no_wait && !truth_of(&rows.items[0].value, "same");
  code = wait ? follow(client, &counted) : CLI_OK;
  return code == CLI_OK ? result_tell(client, &rows, wait ? &counted : NULL) : code;
}

static int run(const struct import *import) {
  struct words words = {.count = 0};
  struct client client;
  arena_init(&words.arena, 0);
  int code = words_of(import->path, &words);
  code = code == CLI_OK ? client_open(&import->options, &client) : code;
  if (code == CLI_OK) {
    code = import->preview ? preview(import, &client, &words) : import_now(import, &client, &words);
    client_close(&client);
  }
  arena_finish(&words.arena);
  return code;
}

int calendar_import(int argc, char **argv) {
  struct import import = {.rows_shown = ROWS_SHOWN};
  const struct cli_option table[] = {CLIENT_OPTIONS(import.options),      {"--preview", NULL, &import.preview},
                                     {"--rows", &import.rows_text, NULL}, {"--no-wait", NULL, &import.no_wait},
                                     {"--json", NULL, &import.json},      {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, &import.path, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0) {
    return cli_usage("нужен файл календаря");
  }
  if (import.rows_text &&
      (!span_to_int64(span_of_cstr(import.rows_text), &import.rows_shown) || import.rows_shown < 0)) {
    return cli_usage("--rows — число строк");
  }
  if (import.json) {
    import.options.output = "json";
  }
  return run(&import);
}

/* ---- show ---- */

static const struct table_word sources[] = {{"config", "config/calendar"}, {"import", "загружен"}, {NULL, NULL}};
static const struct table_column year_columns[] = {
    {"Год", "year", TABLE_NUMBER, 0, NULL},
    {"Рабочих дней", "working_days", TABLE_NUMBER, 0, NULL},
    {"Откуда", "source", TABLE_TEXT, 0, sources},
    {"Запись", "journal", TABLE_NUMBER, 0, NULL},
    {"Когда", "at", TABLE_MOMENT, 0, NULL},
    {"Кем", "by", TABLE_TEXT, 28, NULL},
    {"В config иначе", "another_in_config", TABLE_YES, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

static void state_print(const struct value *state) {
  struct span revision = value_get_text(state, "calendar");
  (void)printf("Производственный календарь за %lld–%lld годы, редакция %.*s\n",
               (long long)number_of(state, "first_year"), (long long)number_of(state, "last_year"), SPAN_ARG(revision));
  if (truth_of(state, "recounting")) {
    (void)printf("Сроки пересчитываются: %lld из %lld случаев\n", (long long)number_of(state, "done"),
                 (long long)number_of(state, "cases"));
  } else if (number_of(state, "imports") > 0) {
    (void)printf("Последний пересчёт закончен: изменилось случаев %lld, сроков %lld, не пересчитано %lld\n",
                 (long long)number_of(state, "changed"), (long long)number_of(state, "deadlines"),
                 (long long)number_of(state, "failed"));
  }
}

static void show_print(const struct client_rows *rows) {
  state_print(&rows->items[0].value);
  rows_print(rows, "year", year_columns, (int64_t)rows->count);
}

int calendar_show(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {NULL, NULL, NULL}};
  struct client client;
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  int code = client_open(&options, &client);
  if (code != CLI_OK) {
    return code;
  }
  code = ask_state(&client, &rows);
  if (code == CLI_OK && client.output == CLIENT_TABLE) {
    show_print(&rows);
  } else if (code == CLI_OK) {
    table_show(&client, &rows, NULL);
  }
  client_close(&client);
  return code;
}
