/*
 * calendar/calendar.h — working days and legal terms.
 *
 * Purpose: answers "when is it due, and why" from a production calendar. Each loaded day carries the ordinal of the
 * last working day up to it, so that adding n working days is one subtraction and one table look-up, O(1).
 * Terms follow ГК РФ, статьи 190–194, by analogy: the count starts on the day after the anchor (191), months end on the
 * same date or on the last day of the month (192), a term that ends on a day off moves to the next working day (193).
 * A term counted backwards moves to the previous working day (house rule: the code does not say).
 *
 * Life cycle: calendar_create → used by any number of readers → calendar_destroy. Threading: immutable once made.
 * Ownership: the calendar copies what it reads. Limits: years CALENDAR_YEARS_MAX, file CALENDAR_FILE_MAX.
 * Never: reads a clock, a file or a global. Pure.
 */
#ifndef KURATOR_CALENDAR_CALENDAR_H
#define KURATOR_CALENDAR_CALENDAR_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/span.h"

enum { CALENDAR_YEARS_MAX = 100, CALENDAR_FILE_MAX = 1 << 20, TERM_PARTS_MAX = 4, TERM_TEXT_MAX = 64 };

struct calendar;

struct calendar_options {
  /* Days off by presidential decree (tag "[decree]") count as working unless this is set (design: a setting). */
  bool decree_days_off;
};

/*
 * Reads the CSV of config/calendar (date,kind,note; kind off | work | short; a header line; double-quoted notes).
 * Every year between the first and the last date must be present. ERR_FORMAT / ERR_RANGE name the line in `fault`.
 */
enum err calendar_create(struct span csv, struct calendar_options options, struct calendar **ret_calendar,
                         struct fault *fault) MUST_CHECK;
void calendar_destroy(struct calendar **calendar);
/*
 * A calendar of `base` in which the years of `csv` take the place of the same years, whole. The years of both must hang
 * together; in those of `csv` the fixed holidays of ТК РФ, ст. 112 must be days off and the number of working days must
 * be one that a year can have, so that a file that was cut or garbled changes nothing. The same options as `base`.
 * Errors as calendar_create, Russian, with the line of `csv`.
 */
enum err calendar_amend(const struct calendar *base, struct span csv, struct calendar **ret_calendar,
                        struct fault *fault) MUST_CHECK;
/* What was read: header and rows, each ended by a line feed, nothing else. Borrowed. Read again it gives the same days.
 */
struct span calendar_source(const struct calendar *calendar);
/* The rows of one year in it, empty if it has none. Borrowed. */
struct span calendar_source_year(const struct calendar *calendar, int year);
int calendar_first_year(const struct calendar *calendar);
int calendar_last_year(const struct calendar *calendar);
/* Identifies the loaded content: 16 hex digits of a hash of the CSV and the options. Static for the calendar's life. */
const char *calendar_revision(const struct calendar *calendar);

/* Outside the loaded years: weekends and the fixed holidays of ТК РФ ст. 112 (that is what "provisional" means). */
bool calendar_is_working(const struct calendar *calendar, civil_day day);
/* Number of working days d with from < d <= to; negative when to < from. */
int calendar_working_days_between(const struct calendar *calendar, civil_day from, civil_day to);
/* True if some fixed holiday of ТК РФ ст. 112 inside the loaded years counts as working: most likely the file was cut.
 * `ret_day` gets the first such day. */
bool calendar_misses_holiday(const struct calendar *calendar, civil_day *ret_day);

/* A legal term: "10wd" working days, "5d" calendar days, "2w", "3mo", "1y", "-6mo" before; parts joined by '+' are
 * counted one after the other, each from the unshifted end of the one before ("3mo+5wd"). "0d" is the anchor itself. */
enum term_unit { TERM_WORKING_DAYS, TERM_DAYS, TERM_WEEKS, TERM_MONTHS, TERM_YEARS };
struct term {
  struct {
    int32_t count; /* negative: backwards */
    enum term_unit unit;
  } parts[TERM_PARTS_MAX];
  size_t parts_count;
};
enum err term_parse(struct span text, struct term *ret_term, struct fault *fault) MUST_CHECK;

enum term_shift {
  TERM_SHIFT_AUTO, /* backwards if the last part is negative, else on */
  TERM_SHIFT_ON,   /* to the next working day */
  TERM_SHIFT_BACK, /* to the previous one */
  TERM_SHIFT_NONE,
};

struct due {
  civil_day day;    /* the last day of the term, after the shift */
  civil_day raw;    /* before the shift */
  bool provisional; /* rests on a day outside the loaded years */
};

/* ERR_RANGE only when the result leaves the years of base/civil.h. Days past the loaded years are provisional. */
enum err calendar_due(const struct calendar *calendar, civil_day from, const struct term *term, enum term_shift shift,
                      struct due *ret_due) MUST_CHECK;

/*
 * The same in words, as a lawyer would accept them: the term, the day it is counted from, that this day is not counted
 * (ст. 191 ГК РФ, по аналогии), the days off that lie inside, the shift and its ground, and whether it is provisional.
 * Russian, one line, from `arena`.
 */
struct span calendar_explain(const struct calendar *calendar, civil_day from, const struct term *term,
                             enum term_shift shift, struct arena *arena);
/* A term by itself in Russian, in the arena: "10 рабочих дней", "за 6 месяцев до", "3 месяца и ещё 5 рабочих дней". */
struct span calendar_term_words(const struct term *term, struct arena *arena);

/* ERR_RANGE with a Russian text that names the missing year, if `day` lies outside the loaded years. */
enum err calendar_require(const struct calendar *calendar, civil_day day, struct fault *fault) MUST_CHECK;

#endif
