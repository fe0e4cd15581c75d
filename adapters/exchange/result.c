#include "exchange/result.h"

#include <stdio.h>
#include <unistd.h>

#include "exchange/folder.h"
#include "exchange/row.h"
#include "exchange/source.h"

#define BOM "\xEF\xBB\xBF"

struct tables {
  struct writer result;
  struct writer rejected;
  uint64_t rows, refused;
  struct source *source; /* second reading, for the text of refused rows; NULL: the file is gone */
  struct record record;  /* where the second reading stands */
  struct arena arena;
};

static void finish_tables(struct tables *tables) {
  writer_finish(&tables->result);
  writer_finish(&tables->rejected);
  source_close(&tables->source);
  arena_finish(&tables->arena);
}

static const char *state_text(enum link_state state) {
  static const char *const texts[] = {[LINK_PENDING] = "ожидает ответа",
                                      [LINK_ACCEPTED] = "принято",
                                      [LINK_DUPLICATE] = "уже было принято",
                                      [LINK_REFUSED] = "отклонено"};
  return texts[state];
}

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

/* The row as it came, with two columns more: whoever mends it deletes them again, or leaves them. */
static void write_rejected(struct tables *tables, const struct link_row *row) {
  struct span text = text_of(tables, row->row);
  char line[24];
  snprintf(line, sizeof line, "%llu", (unsigned long long)row->row);
  struct span fields[ROW_FIELDS_MAX + 2];
  size_t count = 0;
  struct row parsed = {0};
  bool table = tables->source && !span_empty(source_header(tables->source));
  if (table && row_parse(text, source_separator(tables->source), &tables->arena, &parsed) == ERR_OK) {
    memcpy(fields, parsed.fields, parsed.count * sizeof *fields);
    count = parsed.count;
  } else {
    fields[count++] = text;
  }
  fields[count++] = span_of_cstr(line);
  fields[count++] = row->text;
  row_write(fields, count, &tables->rejected);
}

static void write_rejected_header(struct tables *tables) {
  struct span fields[ROW_FIELDS_MAX + 2];
  size_t count = 0;
  struct row header = {0};
  struct span text = tables->source ? source_header(tables->source) : (struct span){0};
  if (!span_empty(text) && row_parse(text, source_separator(tables->source), &tables->arena, &header) == ERR_OK) {
    memcpy(fields, header.fields, header.count * sizeof *fields);
    count = header.count;
  } else {
    fields[count++] = SPAN_LITERAL("Строка файла");
  }
  fields[count++] = SPAN_LITERAL("Номер строки");
  fields[count++] = SPAN_LITERAL("Причина");
  writer_raw(&tables->rejected, SPAN_LITERAL(BOM));
  row_write(fields, count, &tables->rejected);
}

static bool write_row(void *arg, const struct link_row *row) {
  struct tables *tables = arg;
  char line[24];
  char journal[24] = "";
  snprintf(line, sizeof line, "%llu", (unsigned long long)row->row);
  if (row->journal) {
    snprintf(journal, sizeof journal, "%llu", (unsigned long long)row->journal);
  }
  const struct span fields[] = {span_of_cstr(line), span_of_cstr(state_text(row->state)), span_of_cstr(journal),
                                row->text};
  row_write(fields, sizeof fields / sizeof *fields, &tables->result);
  tables->rows++;
  if (row->state == LINK_REFUSED) {
    if (tables->refused++ == 0) {
      write_rejected_header(tables);
    }
    write_rejected(tables, row);
  }
  return true;
}

/* Where the file will lie in done/: its own name, or with a number behind it if a file of that name was answered
 * before. The results stand beside it. The same until the file has been moved. */
static enum err place_in_done(const struct result_file *file, char path[FOLDER_PATH_MAX]) {
  char done[FOLDER_PATH_MAX];
  TRY(folder_path(done, file->root, "done", file->name));
  return folder_free_name(path, done);
}

static enum err store_table(const struct result_file *file, const char *part, const char *suffix,
                            const struct writer *table) {
  char done[FOLDER_PATH_MAX];
  char name[FOLDER_NAME_MAX + 1];
  char path[FOLDER_PATH_MAX];
  TRY(place_in_done(file, done));
  if (snprintf(name, sizeof name, "%s%s", strrchr(done, '/') + 1, suffix) >= (int)sizeof name) {
    return ERR_LIMIT;
  }
  TRY(folder_path(path, file->root, part, name));
  return folder_write(path, writer_span(table));
}

/* After a crash between forgetting the rows and moving the file: the results are written already. */
static bool is_written(const struct result_file *file) {
  char path[FOLDER_PATH_MAX];
  return place_in_done(file, path) == ERR_OK && strlen(path) + sizeof ".result.csv" <= sizeof path &&
         access(strcat(path, ".result.csv"), F_OK) == 0;
}

enum err result_write(const struct result_file *file, const struct profile *profile, struct link *link) {
  struct link_file place;
  uint64_t pending = 0;
  TRY(link_file_get(link, file->key, &place));
  TRY(link_rows_pending(link, file->key, &pending));
  ASSERT(pending == 0);
  struct tables tables DEFER(finish_tables) = {0};
  static const struct span titles[] = {{(const uint8_t *)"Строка", 12},
                                       {(const uint8_t *)"Результат", 18},
                                       {(const uint8_t *)"Номер в журнале", 28},
                                       {(const uint8_t *)"Причина", 14}};
  arena_init(&tables.arena, 0);
  if (source_open(file->path, profile, &tables.source, NULL) != ERR_OK) {
    tables.source = NULL; /* taken away meanwhile: the reasons are told without the rows */
  }
  writer_raw(&tables.result, SPAN_LITERAL(BOM));
  row_write(titles, sizeof titles / sizeof *titles, &tables.result);
  TRY(link_rows(link, file->key, write_row, &tables));
  if (tables.rows == 0 && is_written(file)) {
    return ERR_OK;
  }
  TRY(store_table(file, "done", ".result.csv", &tables.result));
  return tables.refused > 0 ? store_table(file, "rejected", ".rejected.csv", &tables.rejected) : ERR_OK;
}

enum err result_put_away(const struct result_file *file) {
  char to[FOLDER_PATH_MAX];
  if (access(file->path, F_OK) != 0) {
    return ERR_OK;
  }
  TRY(folder_path(to, file->root, "done", file->name));
  return folder_move(file->path, to);
}

enum err result_reject_file(const char *root, const char *path, const char *name, const struct fault *fault) {
  char to[FOLDER_PATH_MAX];
  char reason[FOLDER_PATH_MAX];
  TRY(folder_path(to, root, "rejected", name));
  if (snprintf(reason, sizeof reason, "%s.reason.txt", to) >= (int)sizeof reason) {
    return ERR_LIMIT;
  }
  char text[FAULT_TEXT_MAX + 4];
  snprintf(text, sizeof text, "%s\n", fault->text);
  TRY(folder_write(reason, span_of_cstr(text)));
  return folder_move(path, to);
}
