#include "casework/office.h"

enum { MINUTE_MS = 60000, DAY_MINUTES = 24 * 60, FRIDAY = 5 };

static bool weekday_of(struct span text, int *ret_weekday) {
  static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  for (int i = 0; i < 7; i++) {
    if (span_is(text, names[i])) {
      *ret_weekday = i + 1;
      return true;
    }
  }
  return false;
}

/* "09:00" exactly; "24:00" is the end of the day. */
static bool minutes_of(struct span text, int *ret_minutes) {
  bool shaped = text.size == 5 && text.data[2] == ':';
  for (size_t i = 0; shaped && i < text.size; i++) {
    shaped = i == 2 || (text.data[i] >= '0' && text.data[i] <= '9');
  }
  if (!shaped) {
    return false;
  }
  int hours = (text.data[0] - '0') * 10 + text.data[1] - '0';
  int minutes = (text.data[3] - '0') * 10 + text.data[4] - '0';
  *ret_minutes = hours * 60 + minutes;
  return minutes < 60 && *ret_minutes <= DAY_MINUTES;
}

enum err office_parse(struct span text, struct office_hours *ret_hours) {
  struct office_hours hours;
  struct span times;
  struct span last;
  struct span closes;
  struct span days = span_cut(text, ' ', &times);
  struct span first = span_cut(days, '-', &last);
  struct span opens = span_cut(times, '-', &closes);
  if (!weekday_of(first, &hours.first) || !weekday_of(last.data ? last : first, &hours.last) ||
      !minutes_of(opens, &hours.opens) || !minutes_of(closes, &hours.closes)) {
    return ERR_FORMAT;
  }
  if (hours.first > hours.last || hours.opens >= hours.closes) {
    return ERR_RANGE;
  }
  *ret_hours = hours;
  return ERR_OK;
}

bool office_is_open(const struct text_list *office, const struct calendar *calendar, civil_moment now) {
  if (office->count == 0) {
    return true;
  }
  civil_day day = civil_moment_day(now);
  int weekday = civil_weekday(day);
  int minute = (int)((now - civil_day_start(day)) / MINUTE_MS);
  if (weekday <= FRIDAY && calendar && !calendar_is_working(calendar, day)) {
    return false;
  }
  for (size_t i = 0; i < office->count; i++) {
    struct office_hours hours;
    if (office_parse(office->items[i], &hours) == ERR_OK && weekday >= hours.first && weekday <= hours.last &&
        minute >= hours.opens && minute < hours.closes) {
      return true;
    }
  }
  return false;
}
