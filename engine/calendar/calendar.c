/* Reads the production calendar's file into the table of days. */
#include <stdio.h>
#include <stdlib.h>

#include "calendar/table.h"

#define HEADER "date,kind,note"

static const struct {
  const char *name;
  enum day_kind kind;
} kind_names[] = {{"off", DAY_OFF}, {"work", DAY_WORK}, {"short", DAY_SHORT}};

struct row {
  civil_day day;
  enum day_kind kind;
};

/* FNV-1a, 64 bits: it tells revisions apart, it does not guard against forgery. */
static uint64_t hash_add(uint64_t hash, struct span bytes) {
  for (size_t i = 0; i < bytes.size; i++) {
    hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001B3);
  }
  return hash;
}

static void revision_write(struct span csv, struct calendar_options options, char revision[CALENDAR_REVISION_TEXT]) {
  uint64_t hash = hash_add(UINT64_C(0xCBF29CE484222325), csv);
  uint8_t flags = options.decree_days_off ? 1 : 0;
  hash = hash_add(hash, span_of(&flags, 1));
  (void)snprintf(revision, CALENDAR_REVISION_TEXT, "%016llx", (unsigned long long)hash);
}

/* A note is free text up to the line's end: quoted, with inner quotes doubled, or plain without comma and quote. */
static bool note_is_well_formed(struct span note) {
  if (note.size == 0 || note.data[0] != '"') {
    return note.size == 0 || (!memchr(note.data, '"', note.size) && !memchr(note.data, ',', note.size));
  }
  if (note.size < 2 || note.data[note.size - 1] != '"') {
    return false;
  }
  for (size_t i = 1; i < note.size - 1; i++) {
    if (note.data[i] == '"' && (note.data[++i] != '"' || i == note.size - 1)) {
      return false;
    }
  }
  return true;
}

static bool contains(struct span text, struct span word) {
  return text.size > 0 && memmem(text.data, text.size, word.data, word.size) != NULL;
}

static enum err kind_parse(struct span text, struct span note, uint32_t line, enum day_kind *ret_kind,
                           struct fault *fault) {
  for (size_t i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
    if (span_is(text, kind_names[i].name)) {
      bool decree = kind_names[i].kind == DAY_OFF && contains(note, SPAN_LITERAL("[decree]"));
      *ret_kind = decree ? DAY_DECREE : kind_names[i].kind;
      return ERR_OK;
    }
  }
  return fault_set_at(fault, ERR_FORMAT, line, 0, "вид дня должен быть off, work или short");
}

static enum err row_parse(struct span text, uint32_t line, struct row *ret_row, struct fault *fault) {
  struct span rest;
  struct span note;
  struct span date = span_cut(text, ',', &rest);
  struct span kind = span_cut(rest, ',', &note);
  enum err err = civil_day_parse(date, &ret_row->day);
  if (err == ERR_RANGE) {
    return fault_set_at(fault, err, line, 0, "такой даты нет");
  }
  if (err != ERR_OK) {
    return fault_set_at(fault, err, line, 0, "строка должна начинаться с даты вида 2026-01-31");
  }
  if (!note_is_well_formed(note)) {
    return fault_set_at(fault, ERR_FORMAT, line, 0, "примечание записано не по правилам CSV");
  }
  return kind_parse(kind, note, line, &ret_row->kind, fault);
}

/* Adds one row; the file is in the order of dates, so that a date cannot stand twice and a missing year is seen. */
static enum err row_add(struct calendar *calendar, struct row row, civil_day *previous, uint32_t line,
                        struct fault *fault) {
  int year = civil_date_of(row.day).year;
  if (*previous == CIVIL_DAY_NONE) {
    calendar->first_year = year;
  } else if (row.day <= *previous) {
    return fault_set_at(fault, ERR_FORMAT, line, 0, "даты должны идти по возрастанию и не повторяться");
  } else if (year > calendar->last_year + 1) {
    return fault_set_at(fault, ERR_RANGE, line, 0, "в календаре нет %d года", calendar->last_year + 1);
  }
  if (year - calendar->first_year >= CALENDAR_YEARS_MAX) {
    return fault_set_at(fault, ERR_LIMIT, line, 0, "в календаре больше %d лет", CALENDAR_YEARS_MAX);
  }
  calendar->last_year = year;
  calendar->kinds[row.day - CIVIL_DAY_FIRST] = (uint8_t)row.kind;
  *previous = row.day;
  return ERR_OK;
}

static struct span line_cut(struct span *rest) {
  struct span line = span_cut(*rest, '\n', rest);
  if (line.size > 0 && line.data[line.size - 1] == '\r') {
    line.size--;
  }
  return line;
}

static void source_add(struct calendar *calendar, struct span line) {
  writer_raw(&calendar->source, line);
  writer_u8(&calendar->source, '\n');
}

static enum err rows_read(struct calendar *calendar, struct span csv, struct fault *fault) {
  if (span_starts_with(csv, SPAN_LITERAL("\xEF\xBB\xBF"))) {
    csv = span_of(csv.data + 3, csv.size - 3);
  }
  struct span rest = csv;
  source_add(calendar, SPAN_LITERAL(HEADER));
  if (!span_is(line_cut(&rest), HEADER)) {
    return fault_set_at(fault, ERR_FORMAT, 1, 0, "первая строка должна быть «date,kind,note»");
  }
  civil_day previous = CIVIL_DAY_NONE;
  for (uint32_t line = 2; rest.size > 0; line++) {
    struct span text = line_cut(&rest);
    if (text.size == 0) {
      continue;
    }
    struct row row;
    TRY(row_parse(text, line, &row, fault));
    TRY(row_add(calendar, row, &previous, line, fault));
    source_add(calendar, text);
  }
  return previous == CIVIL_DAY_NONE ? fault_set(fault, ERR_FORMAT, "в календаре нет ни одной даты") : ERR_OK;
}

static enum err calendar_fill(struct calendar *calendar, struct span csv, struct fault *fault) {
  if (csv.size > CALENDAR_FILE_MAX) {
    return fault_set(fault, ERR_LIMIT, "файл календаря больше %d байт", CALENDAR_FILE_MAX);
  }
  if (!span_is_text(csv)) {
    return fault_set(fault, ERR_FORMAT, "файл календаря не в кодировке UTF-8");
  }
  TRY(rows_read(calendar, csv, fault));
  TRY(civil_day_of((struct civil_date){calendar->first_year, 1, 1}, &calendar->loaded_first));
  TRY(civil_day_of((struct civil_date){calendar->last_year, 12, 31}, &calendar->loaded_last));
  calendar_index(calendar);
  revision_write(csv, calendar->options, calendar->revision);
  return ERR_OK;
}

enum err calendar_create(struct span csv, struct calendar_options options, struct calendar **ret_calendar,
                         struct fault *fault) {
  struct calendar *calendar = calloc(1, sizeof(*calendar));
  if (!calendar) {
    return fault_set(fault, ERR_NO_MEMORY, "не хватает памяти для календаря");
  }
  calendar->options = options;
  writer_init(&calendar->source);
  enum err err = calendar_fill(calendar, csv, fault);
  if (err != ERR_OK) {
    calendar_destroy(&calendar);
    return err;
  }
  *ret_calendar = calendar;
  return ERR_OK;
}

void calendar_destroy(struct calendar **calendar) {
  if (calendar && *calendar) {
    writer_finish(&(*calendar)->source);
    free(*calendar);
    *calendar = NULL;
  }
}

struct span calendar_source(const struct calendar *calendar) {
  return writer_span(&calendar->source);
}

int calendar_first_year(const struct calendar *calendar) {
  return calendar->first_year;
}

int calendar_last_year(const struct calendar *calendar) {
  return calendar->last_year;
}

const char *calendar_revision(const struct calendar *calendar) {
  return calendar->revision;
}

enum err calendar_require(const struct calendar *calendar, civil_day day, struct fault *fault) {
  if (calendar_has_loaded(calendar, day)) {
    return ERR_OK;
  }
  return fault_set(fault, ERR_RANGE, "в производственном календаре нет %d года: загружены %d–%d",
                   civil_date_of(day).year, calendar->first_year, calendar->last_year);
}
