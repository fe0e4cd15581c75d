#include "casework/sitting.h"

enum { SEARCH_MONTHS = 24, DAYS_OF_WEEK = 7 };

static int weekday_of(struct span name) {
  static const char *const names[DAYS_OF_WEEK] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  for (int i = 0; i < DAYS_OF_WEEK; i++) {
    if (span_is(name, names[i])) {
      return i + 1;
    }
  }
  return 0;
}

enum err sitting_parse(struct span text, struct sitting *ret_sitting) {
  civil_day date;
  if (civil_day_parse(text, &date) == ERR_OK) {
    *ret_sitting = (struct sitting){.date = date};
    return ERR_OK;
  }
  struct span weekday;
  struct span ordinal = span_cut(text, ' ', &weekday);
  int64_t number = 0;
  bool last = span_is(ordinal, "last");
  if (!last && (!span_to_int64(ordinal, &number) || number < 1 || number > 5)) {
    return ERR_FORMAT;
  }
  int day = weekday_of(weekday);
  if (day == 0) {
    return ERR_FORMAT;
  }
  *ret_sitting = (struct sitting){.date = CIVIL_DAY_NONE, .ordinal = (int)number, .weekday = day};
  return ERR_OK;
}

/* The sitting of one month, CIVIL_DAY_NONE if the month has no fifth such weekday. */
static civil_day sitting_of_month(const struct sitting *sitting, int year, int month) {
  civil_day first;
  if (civil_day_of((struct civil_date){year, month, 1}, &first) != ERR_OK) {
    return CIVIL_DAY_NONE;
  }
  int lead = (sitting->weekday - civil_weekday(first) + DAYS_OF_WEEK) % DAYS_OF_WEEK;
  int length = civil_month_days(year, month);
  int offset = lead + (sitting->ordinal - 1) * DAYS_OF_WEEK;
  if (sitting->ordinal == 0) {
    offset = lead + (length - 1 - lead) / DAYS_OF_WEEK * DAYS_OF_WEEK;
  }
  return offset < length ? first + offset : CIVIL_DAY_NONE;
}

civil_day sitting_next(const struct sitting *sitting, civil_day from) {
  if (sitting->date != CIVIL_DAY_NONE) {
    return sitting->date >= from ? sitting->date : CIVIL_DAY_NONE;
  }
  struct civil_date date = civil_date_of(from);
  for (int i = 0; i < SEARCH_MONTHS; i++) {
    int months = date.month - 1 + i;
    civil_day day = sitting_of_month(sitting, date.year + months / 12, months % 12 + 1);
    if (day != CIVIL_DAY_NONE && day >= from) {
      return day;
    }
  }
  return CIVIL_DAY_NONE;
}
