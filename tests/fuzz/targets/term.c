/*
 * Legal terms and texts of dates. Input: two bytes for the day it is counted from, one for the shift, then the text,
 * which is read as a term, a date and a moment.
 */
#include <stdio.h>
#include <stdlib.h>

#include "calendar/calendar.h"
#include "fuzz.h"

static struct calendar *calendar;

static void load_calendar(void) {
  static uint8_t bytes[CALENDAR_FILE_MAX];
  FILE *file = fopen(KURATOR_SOURCE_DIR "/config/calendar/ru.csv", "rb");
  ASSERT(file);
  size_t size = fread(bytes, 1, sizeof bytes, file);
  ASSERT(fclose(file) == 0);
  struct fault fault;
  ASSERT(calendar_create(span_of(bytes, size), (struct calendar_options){0}, &calendar, &fault) == ERR_OK);
}

static void count_term(struct span text, civil_day from, enum term_shift shift, struct arena *arena) {
  struct term term;
  struct due due;
  struct fault fault = {0};
  enum err err = term_parse(text, &term, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    return;
  }
  ASSERT(term.parts_count >= 1 && term.parts_count <= TERM_PARTS_MAX);
  struct span explained = calendar_explain(calendar, from, &term, shift, arena);
  ASSERT(!span_empty(explained) && span_is_text(explained));
  if (calendar_due(calendar, from, &term, shift, &due) != ERR_OK) {
    return;
  }
  ASSERT(due.day >= CIVIL_DAY_FIRST && due.day <= CIVIL_DAY_LAST);
  ASSERT(shift != TERM_SHIFT_NONE || due.day == due.raw);
  ASSERT(shift != TERM_SHIFT_ON || (due.day >= due.raw && calendar_is_working(calendar, due.day)));
  ASSERT(shift != TERM_SHIFT_BACK || (due.day <= due.raw && calendar_is_working(calendar, due.day)));
}

static void read_dates(struct span text) {
  char printed[CIVIL_MOMENT_TEXT];
  civil_day day;
  civil_moment moment;
  civil_moment again;
  if (civil_day_parse(text, &day) == ERR_OK) {
    civil_day_format(day, printed);
    ASSERT(span_is(text, printed));
  }
  if (civil_day_parse_ru(text, &day) == ERR_OK) {
    civil_day_format_ru(day, printed);
    ASSERT(span_is(text, printed));
  }
  if (civil_moment_parse(text, &moment) == ERR_OK) {
    civil_moment_format(moment, printed);
    ASSERT(civil_moment_parse(span_of_cstr(printed), &again) == ERR_OK && again == moment);
    ASSERT(civil_day_start(civil_moment_day(moment)) <= moment);
    ASSERT(civil_day_start(civil_moment_day(moment) + 1) > moment);
  }
}

void fuzz_one(struct span input, struct arena *arena) {
  if (!calendar) {
    load_calendar();
  }
  civil_day from = CIVIL_DAY_FIRST + (fuzz_choice(&input) << 8);
  from += fuzz_choice(&input);
  from = from > CIVIL_DAY_LAST ? CIVIL_DAY_LAST : from;
  enum term_shift shift = (enum term_shift)(fuzz_choice(&input) % (TERM_SHIFT_NONE + 1));
  count_term(input, from, shift, arena);
  read_dates(input);
}
