/*
 * calendar/table.h — the days of a calendar, for the files of this room only.
 *
 * Purpose: one row per day of all the years that base/civil.h knows, so that a look-up has no case for "outside". The
 * loaded years take their rows from the file, the others from the weekday and the fixed holidays.
 *
 * Invariants after calendar_index: ordinals[i] is the number of working days up to and including day i;
 * working[ordinals[i]] is the last working day up to day i; working[0] is unused.
 */
#ifndef KURATOR_CALENDAR_TABLE_H
#define KURATOR_CALENDAR_TABLE_H

#include "base/bytes.h"
#include "calendar/calendar.h"

enum { CALENDAR_DAYS = CIVIL_DAY_LAST - CIVIL_DAY_FIRST + 1, CALENDAR_REVISION_TEXT = 17 };

enum day_kind {
  DAY_PLAIN, /* the file says nothing: Monday to Friday are working days */
  DAY_OFF,
  DAY_WORK,
  DAY_SHORT,  /* an hour shorter, a working day all the same */
  DAY_DECREE, /* off by presidential decree; whether that counts is an option */
};

struct calendar {
  struct calendar_options options;
  int first_year;
  int last_year;
  civil_day loaded_first; /* 1 January of first_year */
  civil_day loaded_last;  /* 31 December of last_year */
  char revision[CALENDAR_REVISION_TEXT];
  struct writer source; /* what was read, without mark, carriage returns and empty lines */
  int32_t working_count;
  uint8_t kinds[CALENDAR_DAYS]; /* enum day_kind */
  int32_t ordinals[CALENDAR_DAYS];
  civil_day working[CALENDAR_DAYS + 1];
};

static inline bool calendar_knows(civil_day day) {
  return day >= CIVIL_DAY_FIRST && day <= CIVIL_DAY_LAST;
}
static inline bool calendar_has_loaded(const struct calendar *calendar, civil_day day) {
  return day >= calendar->loaded_first && day <= calendar->loaded_last;
}

/* The kind from the file; `day` must be known (calendar_knows). */
enum day_kind calendar_kind(const struct calendar *calendar, civil_day day);
bool calendar_is_weekend(civil_day day);
bool calendar_is_fixed_holiday(civil_day day);
/* Fills ordinals and working from kinds and the loaded years. */
void calendar_index(struct calendar *calendar);
/* The `count`th working day after `from` (before it, if negative); `from` itself if 0. ERR_RANGE past the table. */
enum err calendar_add_working_days(const struct calendar *calendar, civil_day from, int32_t count,
                                   civil_day *ret_day) MUST_CHECK;

#endif
