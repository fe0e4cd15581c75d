#include "exchange/result.h"

#include <stdio.h>

#include "exchange/folder.h"
#include "exchange/row.h"
#include "exchange/source.h"

#define BOM "\xEF\xBB\xBF"

enum { NUMBER_TEXT = 24, FIELDS_MAX = ROW_FIELDS_MAX + 2 /* REMARKS */ };

struct tables {
  const struct result_file *file;
  struct folder_file result;
  struct folder_file rejected; /* begun with the first refused row */
  size_t width;                /* of its table, without the two columns of ours … */
  size_t width_read;           /* … and with those that an earlier refusal has left in it */
  bool any, any_refused;
  enum err err;
  struct source *source; /* second reading, for the text of refused rows; NULL: the file is gone */
  struct record record;  /* where the second reading stands */
  struct arena arena;    /* its text */
};

static void finish_tables(struct tables *tables) {
  folder_file_drop(&tables->result);
  folder_file_drop(&tables->rejected);
  source_close(&tables->source);
  arena_finish(&tables->arena);
}

static enum err place(const struct result_file *file, const char *part, const char *suffix,
                      char path[FOLDER_PATH_MAX]) {
  char name[FOLDER_NAME_MAX + 1];
  if (snprintf(name, sizeof name, "%s%s", file->name, suffix) >= (int)sizeof name) {
    return ERR_LIMIT;
  }
  return folder_path(path, file->root, part, name);
}

bool result_name_taken(const char *root, const char *name) {
  static const struct {
    const char *part, *suffix;
  } places[] = {
      {"done", ""},
      {"done", ".result.csv"},
      {"rejected", ""},
      {"rejected", ".rejected.csv"},
      {"rejected", ".reason.txt"},
  };
  const struct result_file file = {.root = root, .name = name};
  char path[FOLDER_PATH_MAX];
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (place(&file, places[i].part, places[i].suffix, path) != ERR_OK || folder_has(path)) {
      return true;
    }
  }
  return false;
}

bool result_is_written(const struct result_file *file) {
  char path[FOLDER_PATH_MAX];
  return place(file, "done", ".result.csv", path) == ERR_OK && folder_has(path);
}

/* ---- the refused rows ---- */

/* Rows come in ascending order, so one reading of the file finds the text of each. */
static struct span text_of(struct tables *tables, uint64_t line) {
  while (tables->source && tables->record.line < line) {
    arena_reset(&tables->arena);
    if (source_next(tables->source, &tables->arena, &tables->record) != ERR_OK) {
      source_close(&tables->source);
      return (struct span){0};
    }
  }
  return tables->record.line == line ? tables->record.text : (struct span){0};
}

/* What stands beside a refused row. The second title is none of the forms' own: a file that is mended and put in again
 * with these columns is read as the agency's own, and they are not. */
enum { REMARKS = 2 };
static const char *const REMARK_TITLES[REMARKS] = {"Номер строки", "Почему отклонено"};

/* The columns without those of an earlier refusal at their end. */
static size_t without_remarks(const struct row *header) {
  size_t count = header->count;
  while (count > REMARKS && span_is(header->fields[count - 2], REMARK_TITLES[0]) &&
         span_is(header->fields[count - 1], REMARK_TITLES[1])) {
    count -= REMARKS;
  }
  return count;
}

/* Columns of the agency's table; 1 when there is none. */
static size_t header_cut(struct tables *tables, struct arena *arena, struct span *fields) {
  struct row row;
  struct span header = tables->source ? source_header(tables->source) : (struct span){0};
  if (span_empty(header) || row_parse(header, source_separator(tables->source), arena, &row) != ERR_OK) {
    fields[0] = SPAN_LITERAL("Строка файла");
    return 1;
  }
  size_t count = without_remarks(&row);
  tables->width_read = row.count;
  memcpy(fields, row.fields, count * sizeof *fields);
  return count;
}

/* The fields of a row, filled up to the width of the header, so that what follows stands in its columns; all of the
 * text in the first one when it is no row, or too wide. */
static void row_cut(struct tables *tables, struct span text, struct span *fields) {
  struct row row = {0};
  memset(fields, 0, tables->width * sizeof *fields);
  bool is_row = tables->width > 1 && tables->source &&
                row_parse(text, source_separator(tables->source), &tables->arena, &row) == ERR_OK &&
                row.count <= tables->width_read;
  size_t count = row.count < tables->width ? row.count : tables->width;
  if (is_row && count > 0) {
    memcpy(fields, row.fields, count * sizeof *fields);
  } else {
    fields[0] = text;
  }
}

/* The row as it came, with two columns more: whoever mends it deletes them again, or leaves them. */
static void write_rejected(struct tables *tables, const struct link_row *row) {
  char line[NUMBER_TEXT];
  struct span fields[FIELDS_MAX];
  (void)snprintf(line, sizeof line, "%llu", (unsigned long long)row->row);
  row_cut(tables, text_of(tables, row->row), fields);
  fields[tables->width] = span_of_cstr(line);
  fields[tables->width + 1] = row->text;
  row_write(fields, tables->width + REMARKS, folder_file_writer(&tables->rejected));
}

static void write_rejected_header(struct tables *tables) {
  struct arena arena DEFER(arena_finish);
  struct span fields[FIELDS_MAX];
  arena_init(&arena, 0);
  tables->width = header_cut(tables, &arena, fields);
  for (size_t i = 0; i < REMARKS; i++) {
    fields[tables->width + i] = span_of_cstr(REMARK_TITLES[i]);
  }
  writer_raw(folder_file_writer(&tables->rejected), SPAN_LITERAL(BOM));
  row_write(fields, tables->width + REMARKS, folder_file_writer(&tables->rejected));
}

static enum err begin_rejected(struct tables *tables) {
  char path[FOLDER_PATH_MAX];
  TRY(place(tables->file, "rejected", ".rejected.csv", path));
  TRY(folder_file_begin(&tables->rejected, path));
  tables->any_refused = true;
  write_rejected_header(tables);
  return ERR_OK;
}

/* ---- every row ---- */

static const char *state_text(enum link_state state) {
  static const char *const texts[] = {[LINK_PENDING] = "ожидает ответа",
                                      [LINK_ACCEPTED] = "принято",
                                      [LINK_DUPLICATE] = "уже было принято",
                                      [LINK_REFUSED] = "отклонено"};
  return texts[state];
}

static void write_result(struct tables *tables, const struct link_row *row) {
  char line[NUMBER_TEXT];
  char journal[NUMBER_TEXT] = "";
  (void)snprintf(line, sizeof line, "%llu", (unsigned long long)row->row);
  if (row->journal) {
    (void)snprintf(journal, sizeof journal, "%llu", (unsigned long long)row->journal);
  }
  const struct span fields[] = {span_of_cstr(line), span_of_cstr(state_text(row->state)), span_of_cstr(journal),
                                row->text};
  row_write(fields, sizeof fields / sizeof *fields, folder_file_writer(&tables->result));
}

static bool write_row(void *arg, const struct link_row *row) {
  struct tables *tables = arg;
  tables->any = true;
  write_result(tables, row);
  if (row->state == LINK_REFUSED && !tables->any_refused) {
    tables->err = begin_rejected(tables);
  }
  if (row->state == LINK_REFUSED && tables->err == ERR_OK) {
    write_rejected(tables, row);
  }
  return tables->err == ERR_OK && folder_file_flush(&tables->result) &&
         (!tables->any_refused || folder_file_flush(&tables->rejected));
}

static enum err begin_result(struct tables *tables) {
  const struct span titles[] = {SPAN_LITERAL("Строка"), SPAN_LITERAL("Результат"), SPAN_LITERAL("Номер в журнале"),
                                SPAN_LITERAL("Причина")};
  char path[FOLDER_PATH_MAX];
  TRY(place(tables->file, "done", ".result.csv", path));
  TRY(folder_file_begin(&tables->result, path));
  writer_raw(folder_file_writer(&tables->result), SPAN_LITERAL(BOM));
  row_write(titles, sizeof titles / sizeof *titles, folder_file_writer(&tables->result));
  return ERR_OK;
}

enum err result_write(const struct result_file *file, const struct profile *profile, struct link *link) {
  struct tables tables DEFER(finish_tables) = {.file = file, .result.fd = -1, .rejected.fd = -1};
  arena_init(&tables.arena, 0);
  enum err opened = source_open(file->path, profile, &tables.source, NULL);
  if (opened == ERR_NO_MEMORY) {
    return opened;
  }
  if (opened != ERR_OK) {
    tables.source = NULL; /* gone, or not readable any more: the reasons are told without the rows */
  }
  TRY(begin_result(&tables));
  TRY(link_rows(link, file->key, write_row, &tables));
  TRY(tables.err);
  if (!tables.any && result_is_written(file)) {
    return ERR_OK;
  }
  if (tables.any_refused) {
    TRY(folder_file_end(&tables.rejected));
  }
  return folder_file_end(&tables.result);
}

/* ---- putting away ---- */

/* The name was free when the file was taken; if somebody has used it since, the next one. */
static enum err move_to(const struct result_file *file, const char *part) {
  enum { NAMES_MAX = 1000 };
  char name[FOLDER_NAME_MAX + 1];
  char to[FOLDER_PATH_MAX];
  enum err err = ERR_EXISTS;
  for (unsigned number = 1; err == ERR_EXISTS && number <= NAMES_MAX; number++) {
    folder_name(name, file->name, number);
    TRY(folder_path(to, file->root, part, name));
    err = folder_has(file->path) ? folder_move(file->path, to) : ERR_OK;
  }
  return err;
}

enum err result_put_away(const struct result_file *file) {
  return move_to(file, "done");
}

enum err result_write_reason(const struct result_file *file, const struct fault *fault) {
  char path[FOLDER_PATH_MAX];
  char text[FAULT_TEXT_MAX + 2];
  TRY(place(file, "rejected", ".reason.txt", path));
  (void)snprintf(text, sizeof text, "%s\n", fault->text);
  return folder_write(path, span_of_cstr(text));
}

enum err result_reject(const struct result_file *file, const struct fault *fault) {
  TRY(result_write_reason(file, fault));
  return move_to(file, "rejected");
}
