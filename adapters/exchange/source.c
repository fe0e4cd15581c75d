#include "exchange/source.h"

#include <stdlib.h>

#include "base/words.h"
#include "exchange/encoding.h"
#include "exchange/lines.h"
#include "exchange/row.h"

struct source {
  const struct profile *profile;
  struct line_reader *lines;
  struct arena arena; /* the header */
  enum encoding encoding;
  bool is_table;
  char separator;
  struct span header;
  struct table_layout layout;
};

void source_close(struct source **source) {
  if (*source) {
    line_reader_close(&(*source)->lines);
    arena_finish(&(*source)->arena);
    free(*source);
    *source = NULL;
  }
}

/* The encoding is decided by the first lines: Russian text betrays itself soon. */
static enum err guess_encoding(struct source *source, const struct line *first) {
  struct line line;
  enum { LINES_LOOKED_AT = 200 };
  source->encoding = encoding_guess(first->bytes);
  /* One damaged line must not turn a UTF-8 file into windows-1251 when its header is Russian UTF-8 already. */
  bool decided = first->bytes.size > 0 && first->bytes.data[0] >= 0x80;
  for (int i = 0; i < LINES_LOOKED_AT && source->encoding == ENCODING_UTF8 && !decided; i++) {
    enum err result = line_reader_next(source->lines, &line);
    if (result == ERR_NOT_FOUND) {
      break;
    }
    TRY(result);
    source->encoding = encoding_guess(line.bytes);
  }
  return line_reader_rewind(source->lines, first);
}

static bool has_suffix(const char *text, const char *suffix) {
  size_t size = strlen(text);
  size_t suffix_size = strlen(suffix);
  return size >= suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

/* What people send by mistake, told by its first bytes. */
static const char *mistaken_for_text(struct span head) {
  static const struct {
    const char *bytes;
    const char *text;
  } kinds[] = {
      {"\xFF\xFE", "Файл в кодировке UTF-16: сохраните его в UTF-8 или windows-1251."},
      {"\xFE\xFF", "Файл в кодировке UTF-16: сохраните его в UTF-8 или windows-1251."},
      {"PK\x03\x04", "Это не таблица CSV, а архив или книга Excel: сохраните её как CSV."},
      {"\xD0\xCF\x11\xE0", "Это не таблица CSV, а книга Excel: сохраните её как CSV."},
      {"%PDF", "Это не таблица CSV, а документ PDF."},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (span_starts_with(head, span_of_cstr(kinds[i].bytes))) {
      return kinds[i].text;
    }
  }
  return NULL;
}

/* The first line: of a table its header. ERR_FORMAT when it is none. */
static enum err read_first_line(struct source *source, struct line *line, struct fault *fault) {
  enum err result = line_reader_next(source->lines, line);
  if (result == ERR_NOT_FOUND) {
    return fault_set(fault, ERR_FORMAT, "Файл пуст.");
  }
  TRY(result);
  const char *mistake = mistaken_for_text(line->bytes);
  return mistake ? fault_set(fault, ERR_FORMAT, "%s", mistake) : ERR_OK;
}

static enum err read_header(struct source *source, const struct line *first, struct fault *fault) {
  struct line line;
  TRY(guess_encoding(source, first));
  TRY(line_reader_next(source->lines, &line));
  struct span bytes = arena_copy(&source->arena, encoding_without_bom(line.bytes));
  if (line.too_long || encoding_to_utf8(source->encoding, bytes, &source->arena, &source->header) != ERR_OK) {
    return fault_set(fault, ERR_FORMAT, "Первая строка файла не читается как заголовок таблицы.");
  }
  return ERR_OK;
}

static enum err recognise_table(struct source *source, const struct line *first, struct fault *fault) {
  struct row header;
  TRY(read_header(source, first, fault));
  source->separator = row_separator(source->header);
  if (row_parse(source->header, source->separator, &source->arena, &header) != ERR_OK) {
    return fault_set(fault, ERR_FORMAT, "Заголовок таблицы повреждён.");
  }
  return convert_recognise(source->profile, &header, &source->layout, fault);
}

static enum err recognise(struct source *source, const char *path, struct fault *fault) {
  struct line first;
  TRY(read_first_line(source, &first, fault));
  struct span text = span_trim(encoding_without_bom(first.bytes));
  source->is_table = !has_suffix(path, ".jsonl") && !(text.size > 0 && text.data[0] == '{');
  return source->is_table ? recognise_table(source, &first, fault) : source_seek(source, 0, 0);
}

static enum err open_lines(struct source *source, const char *path, struct fault *fault) {
  enum err err = line_reader_open(path, &source->lines);
  switch (err) {
  case ERR_NOT_FOUND:
    return fault_set(fault, err, "Файл исчез, пока его читали.");
  case ERR_FORBIDDEN:
    return fault_set(fault, err, "Файл нельзя прочитать: нет прав на чтение.");
  case ERR_UNSUPPORTED:
    return fault_set(fault, err, "Это не обычный файл.");
  default:
    return err;
  }
}

enum err source_open(const char *path, const struct profile *profile, struct source **ret_source, struct fault *fault) {
  struct source *source DEFER(source_close) = calloc(1, sizeof *source);
  if (!source) {
    return fault_set(fault, ERR_NO_MEMORY, "%s", words_of_err(ERR_NO_MEMORY));
  }
  source->profile = profile;
  arena_init(&source->arena, 0);
  TRY(open_lines(source, path, fault));
  if (line_reader_size(source->lines) > SOURCE_SIZE_MAX) {
    return fault_set(fault, ERR_LIMIT, "Файл больше 1 ГиБ: разделите его на части.");
  }
  TRY(recognise(source, path, fault));
  *ret_source = source;
  source = NULL;
  return ERR_OK;
}

enum err source_seek(struct source *source, uint64_t offset, uint64_t lines) {
  const struct line place = {.offset = offset, .number = lines + 1};
  return line_reader_rewind(source->lines, &place);
}

void source_place(const struct source *source, uint64_t *ret_offset, uint64_t *ret_lines) {
  *ret_offset = line_reader_offset(source->lines);
  *ret_lines = line_reader_number(source->lines);
}

struct span source_header(const struct source *source) {
  return source->header;
}

char source_separator(const struct source *source) {
  return source->separator;
}

/* ---- records ---- */

static void refuse(struct record *record, enum err err, const char *text) {
  record->err = fault_set(&record->fault, err, "%s", text);
}

/* A quoted field may hold line ends, so lines are joined until they make a row of the header's width. When they never
 * do, the joining is undone: a forgotten quote costs one record and not the rest of the file. */
static bool is_row(const struct source *source, struct span text, struct arena *arena) {
  struct row row;
  return !row_unfinished(text) && row_parse(text, source->separator, arena, &row) == ERR_OK &&
         row.count == source->layout.fields_count;
}

/* Whole, whatever is in them: what no text may hold is refused later, not cut off here. */
static struct span join_two(struct span first, struct span second, struct arena *arena) {
  uint8_t *bytes = arena_alloc(arena, first.size + 1 + second.size);
  memcpy(bytes, first.data, first.size);
  bytes[first.size] = '\n';
  if (second.size > 0) {
    memcpy(bytes + first.size + 1, second.data, second.size);
  }
  return span_of(bytes, first.size + 1 + second.size);
}

static enum err join_lines(struct source *source, struct arena *arena, struct span *text, bool *ret_whole) {
  const struct line behind = {.offset = line_reader_offset(source->lines),
                              .number = line_reader_number(source->lines) + 1};
  struct span joined = *text;
  *ret_whole = false;
  for (int i = 1; i < SOURCE_JOIN_MAX && !*ret_whole; i++) {
    struct line line;
    enum err result = line_reader_next(source->lines, &line);
    if (result == ERR_NOT_FOUND || (result == ERR_OK && line.too_long)) {
      break;
    }
    TRY(result);
    joined = join_two(joined, line.bytes, arena);
    *ret_whole = is_row(source, joined, arena);
  }
  if (*ret_whole) {
    *text = joined;
    return ERR_OK;
  }
  return line_reader_rewind(source->lines, &behind);
}

static void read_row(struct source *source, struct arena *arena, struct record *record) {
  struct row row;
  enum err result = row_parse(record->text, source->separator, arena, &row);
  if (result != ERR_OK) {
    refuse(record, result,
           result == ERR_LIMIT ? "В строке слишком много столбцов." : "Строка повреждена: неверные кавычки.");
    return;
  }
  record->err = convert_row(source->profile, &source->layout, &row, arena, &record->event, &record->fault);
}

static void understand(struct source *source, struct span bytes, struct arena *arena, struct record *record) {
  enum encoding encoding = source->is_table ? source->encoding : ENCODING_UTF8;
  if (encoding_to_utf8(encoding, bytes, arena, &record->text) != ERR_OK) {
    record->text = (struct span){0};
    refuse(record, ERR_FORMAT, "Строка повреждена: в ней недопустимые знаки.");
  } else if (source->is_table) {
    read_row(source, arena, record);
  } else {
    record->err = convert_line(encoding_without_bom(record->text), arena, &record->event, &record->fault);
  }
}

static enum err read_record(struct source *source, const struct line *line, struct arena *arena,
                            struct record *record) {
  *record = (struct record){.line = line->number};
  if (line->too_long) {
    refuse(record, ERR_LIMIT, "Строка длиннее 64 КиБ.");
    return ERR_OK;
  }
  bool whole = true;
  struct span bytes = arena_copy(arena, line->bytes);
  if (source->is_table && row_unfinished(bytes)) {
    TRY(join_lines(source, arena, &bytes, &whole));
  }
  if (!whole) {
    if (encoding_to_utf8(source->encoding, bytes, arena, &record->text) != ERR_OK) {
      record->text = (struct span){0};
    }
    refuse(record, ERR_FORMAT, "Строка повреждена: кавычки не закрыты.");
    return ERR_OK;
  }
  understand(source, bytes, arena, record);
  return ERR_OK;
}

enum err source_next(struct source *source, struct arena *arena, struct record *ret_record) {
  struct line line;
  do {
    TRY(line_reader_next(source->lines, &line));
  } while (!line.too_long && span_empty(span_trim(line.bytes)));
  TRY(read_record(source, &line, arena, ret_record));
  ret_record->next = line_reader_offset(source->lines);
  ret_record->lines = line_reader_number(source->lines);
  return ERR_OK;
}
