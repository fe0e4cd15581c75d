/*
 * A calendar that walks from day to day, to hold the real one against. It reads the file in its own way and keeps the
 * answer for each day of the years around it.
 */
#ifndef KURATOR_TESTS_CALENDAR_NAIVE_H
#define KURATOR_TESTS_CALENDAR_NAIVE_H

#include "load.h"

enum { NAIVE_FIRST_YEAR = 2010, NAIVE_LAST_YEAR = 2040, NAIVE_DAYS = 366 * (NAIVE_LAST_YEAR - NAIVE_FIRST_YEAR + 1) };

struct naive {
  civil_day first;
  bool works[NAIVE_DAYS];
};

static inline bool naive_is_fixed_holiday(const char *iso) {
  static const char *const holidays[] = {"01-01", "01-02", "01-03", "01-04", "01-05", "01-06", "01-07",
                                         "01-08", "02-23", "03-08", "05-01", "05-09", "06-12", "11-04"};
  for (size_t i = 0; i < sizeof(holidays) / sizeof(holidays[0]); i++) {
    if (strcmp(iso + 5, holidays[i]) == 0) {
      return true;
    }
  }
  return false;
}

static inline void naive_load(struct naive *naive, bool decree_days_off) {
  assert_int_equal(civil_day_of((struct civil_date){NAIVE_FIRST_YEAR, 1, 1}, &naive->first), ERR_OK);
  struct span csv = file_read("config/calendar/ru.csv");
  char *text = calloc(1, csv.size + 1);
  assert_non_null(text);
  memcpy(text, csv.data, csv.size);
  for (civil_day day = naive->first; day < naive->first + NAIVE_DAYS; day++) {
    char line_start[CIVIL_DATE_TEXT + 1] = "\n";
    civil_day_format(day, line_start + 1);
    const char *iso = line_start + 1;
    bool weekend = (day % 7 + 7) % 7 == 2 || (day % 7 + 7) % 7 == 3; /* day 0 was a Thursday */
    bool loaded = strcmp(iso, "2021-01-01") >= 0 && strcmp(iso, "2027-12-31") <= 0;
    bool works = !weekend && (loaded || !naive_is_fixed_holiday(iso));
    const char *row = strstr(text, line_start);
    if (row) {
      const char *end = strchr(row + 1, '\n');
      const char *decree = strstr(row, "[decree]");
      bool by_decree = decree && (!end || decree < end);
      bool off = strncmp(row + 11, ",off", 4) == 0;
      works = off ? by_decree && !decree_days_off && !weekend : true;
    }
    naive->works[day - naive->first] = works;
  }
  free(text);
  free((void *)csv.data);
}

static inline bool naive_works(const struct naive *naive, civil_day day) {
  assert_true(day >= naive->first && day < naive->first + NAIVE_DAYS);
  return naive->works[day - naive->first];
}

static inline civil_day naive_add_working_days(const struct naive *naive, civil_day from, int count) {
  int step = count < 0 ? -1 : 1;
  civil_day day = from;
  for (int left = count * step; left > 0;) {
    day += step;
    left -= naive_works(naive, day) ? 1 : 0;
  }
  return day;
}

static inline civil_day naive_shift(const struct naive *naive, civil_day day, int step) {
  while (!naive_works(naive, day)) {
    day += step;
  }
  return day;
}

#endif
