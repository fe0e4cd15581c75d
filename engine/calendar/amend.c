/* One calendar over another: whole years of the one take the place of the same years of the other. */
#include <stdio.h>

#include "calendar/table.h"

/* A five-day week has about 247 working days in a year, with or without a leap day and whatever is moved. */
enum { WORKING_DAYS_LEAST = 200, WORKING_DAYS_MOST = 300, YEAR_DIGITS = 4 };

static struct span without_header(struct span source) {
  struct span rest;
  (void)span_cut(source, '\n', &rest);
  return rest;
}

/* Rows stand in the order of their dates, which begin with the year in four digits. */
struct span calendar_source_year(const struct calendar *calendar, int year) {
  char digits[12];
  (void)snprintf(digits, sizeof digits, "%04d", year);
  const uint8_t *first = NULL;
  size_t size = 0;
  for (struct span rest = without_header(calendar_source(calendar)); rest.size > 0;) {
    struct span line = span_cut(rest, '\n', &rest);
    if (span_starts_with(line, span_of(digits, YEAR_DIGITS))) {
      first = first ? first : line.data;
      size = (size_t)(line.data + line.size + 1 - first);
    }
  }
  return span_of(first, size);
}

/* The line of the file on which this day stands, 0 if it stands on none. Empty lines were not kept: they count. */
static uint32_t line_of(struct span csv, civil_day day) {
  char date[CIVIL_DATE_TEXT];
  civil_day_format(day, date);
  uint32_t number = 0;
  for (struct span rest = csv; rest.size > 0;) {
    number++;
    if (span_starts_with(span_cut(rest, '\n', &rest), span_of_cstr(date))) {
      return number;
    }
  }
  return 0;
}

static enum err check_holidays(const struct calendar *amendment, struct span csv, struct fault *fault) {
  civil_day day;
  char text[CIVIL_DATE_TEXT];
  if (!calendar_misses_holiday(amendment, &day)) {
    return ERR_OK;
  }
  uint32_t line = line_of(csv, day);
  civil_day_format_ru(day, text);
  if (line > 0) {
    return fault_set_at(fault, ERR_INVALID, line, 0, "праздник %s (ст. 112 ТК РФ) записан рабочим днём", text);
  }
  return fault_set(fault, ERR_INVALID,
                   "праздника %s (ст. 112 ТК РФ) в файле нет: год загружается целиком, со всеми его нерабочими днями",
                   text);
}

static enum err check_year(const struct calendar *amendment, int year, struct fault *fault) {
  civil_day first;
  civil_day last;
  TRY(civil_day_of((struct civil_date){year, 1, 1}, &first));
  TRY(civil_day_of((struct civil_date){year, 12, 31}, &last));
  int days = calendar_working_days_between(amendment, first - 1, last);
  if (days < WORKING_DAYS_LEAST || days > WORKING_DAYS_MOST) {
    return fault_set(fault, ERR_INVALID, "в %d году выходит %d рабочих дней: файл неполон или испорчен", year, days);
  }
  return ERR_OK;
}

static enum err check_whole(const struct calendar *base, const struct calendar *amendment, struct fault *fault) {
  for (int year = amendment->first_year; year <= amendment->last_year; year++) {
    TRY(check_year(amendment, year, fault));
  }
  if (amendment->first_year > base->last_year + 1) {
    return fault_set(fault, ERR_RANGE,
                     "между загруженным календарём (%d–%d) и файлом нет %d года: сначала загрузите его",
                     base->first_year, base->last_year, base->last_year + 1);
  }
  if (amendment->last_year < base->first_year - 1) {
    return fault_set(fault, ERR_RANGE,
                     "между файлом и загруженным календарём (%d–%d) нет %d года: сначала загрузите его",
                     base->first_year, base->last_year, base->first_year - 1);
  }
  return ERR_OK;
}

static void merge(const struct calendar *base, const struct calendar *amendment, struct writer *w) {
  int first = base->first_year < amendment->first_year ? base->first_year : amendment->first_year;
  int last = base->last_year > amendment->last_year ? base->last_year : amendment->last_year;
  struct span rest;
  writer_raw(w, span_cut(calendar_source(base), '\n', &rest));
  writer_u8(w, '\n');
  for (int year = first; year <= last; year++) {
    bool amended = year >= amendment->first_year && year <= amendment->last_year;
    writer_raw(w, calendar_source_year(amended ? amendment : base, year));
  }
}

static enum err amend(const struct calendar *base, const struct calendar *amendment, struct span csv,
                      struct calendar **ret_calendar, struct fault *fault) {
  DEFER(writer_finish) struct writer merged;
  writer_init(&merged);
  TRY(check_holidays(amendment, csv, fault));
  TRY(check_whole(base, amendment, fault));
  merge(base, amendment, &merged);
  return calendar_create(writer_span(&merged), base->options, ret_calendar, fault);
}

enum err calendar_amend(const struct calendar *base, struct span csv, struct calendar **ret_calendar,
                        struct fault *fault) {
  DEFER(calendar_destroy) struct calendar *amendment = NULL;
  TRY(calendar_create(csv, base->options, &amendment, fault));
  return amend(base, amendment, csv, ret_calendar, fault);
}
