/* The ordinals of working days: adding and counting them without walking over days. */
#include "calendar/table.h"

/* ТК РФ, ст. 112, ч. 1. The first eight days of January are one row. */
static const struct {
  int month;
  int first;
  int last;
} fixed_holidays[] = {{1, 1, 8}, {2, 23, 23}, {3, 8, 8}, {5, 1, 1}, {5, 9, 9}, {6, 12, 12}, {11, 4, 4}};

bool calendar_is_weekend(civil_day day) {
  return civil_weekday(day) >= 6;
}

bool calendar_is_fixed_holiday(civil_day day) {
  struct civil_date date = civil_date_of(day);
  for (size_t i = 0; i < sizeof(fixed_holidays) / sizeof(fixed_holidays[0]); i++) {
    if (date.month == fixed_holidays[i].month && date.day >= fixed_holidays[i].first &&
        date.day <= fixed_holidays[i].last) {
      return true;
    }
  }
  return false;
}

enum day_kind calendar_kind(const struct calendar *calendar, civil_day day) {
  return (enum day_kind)calendar->kinds[day - CIVIL_DAY_FIRST];
}

static bool works(const struct calendar *calendar, civil_day day) {
  if (!calendar_has_loaded(calendar, day)) {
    return !calendar_is_weekend(day) && !calendar_is_fixed_holiday(day);
  }
  switch (calendar_kind(calendar, day)) {
  case DAY_OFF:
    return false;
  case DAY_WORK:
  case DAY_SHORT:
    return true;
  case DAY_DECREE: /* some of them fall on a weekend and are days off without the decree */
    return !calendar->options.decree_days_off && !calendar_is_weekend(day);
  case DAY_PLAIN:
    break;
  }
  return !calendar_is_weekend(day);
}

void calendar_index(struct calendar *calendar) {
  int32_t ordinal = 0;
  for (int32_t i = 0; i < CALENDAR_DAYS; i++) {
    civil_day day = CIVIL_DAY_FIRST + i;
    if (works(calendar, day)) {
      calendar->working[++ordinal] = day;
    }
    calendar->ordinals[i] = ordinal;
  }
  calendar->working_count = ordinal;
}

/* Days outside the table count as its edge: no working days are known beyond. */
static int32_t ordinal_of(const struct calendar *calendar, civil_day day) {
  if (day < CIVIL_DAY_FIRST) {
    return 0;
  }
  return day > CIVIL_DAY_LAST ? calendar->working_count : calendar->ordinals[day - CIVIL_DAY_FIRST];
}

bool calendar_is_working(const struct calendar *calendar, civil_day day) {
  return calendar_knows(day) && ordinal_of(calendar, day) > ordinal_of(calendar, day - 1);
}

int calendar_working_days_between(const struct calendar *calendar, civil_day from, civil_day to) {
  return ordinal_of(calendar, to) - ordinal_of(calendar, from);
}

bool calendar_misses_holiday(const struct calendar *calendar, civil_day *ret_day) {
  for (civil_day day = calendar->loaded_first; day <= calendar->loaded_last; day++) {
    if (calendar_is_fixed_holiday(day) && calendar_is_working(calendar, day)) {
      *ret_day = day;
      return true;
    }
  }
  return false;
}

enum err calendar_add_working_days(const struct calendar *calendar, civil_day from, int32_t count, civil_day *ret_day) {
  if (!calendar_knows(from)) {
    return ERR_RANGE;
  }
  if (count == 0) {
    *ret_day = from;
    return ERR_OK;
  }
  /* Forwards the first is the one after all days up to `from`; backwards the first is the last one before `from`. */
  int64_t base = count > 0 ? ordinal_of(calendar, from) : (int64_t)ordinal_of(calendar, from - 1) + 1;
  int64_t ordinal = base + count;
  if (ordinal < 1 || ordinal > calendar->working_count) {
    return ERR_RANGE;
  }
  *ret_day = calendar->working[ordinal];
  return ERR_OK;
}
