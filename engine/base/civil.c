#include "base/civil.h"

enum { YEAR_MIN = 1900, YEAR_MAX = 2199, DAYS_PER_ERA = 146097 /* 400 years */ };

static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int civil_month_days(int year, int month) {
  return month_days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Years that begin on 1 March put the leap day last: then the days before a month are a linear function of the month,
 * (153 m + 2) / 5 with March as 0, and the days before a year need no case for February. */
enum err civil_day_of(struct civil_date date, civil_day *ret_day) {
  if (date.year < YEAR_MIN || date.year > YEAR_MAX || date.month < 1 || date.month > 12 || date.day < 1 ||
      date.day > civil_month_days(date.year, date.month)) {
    return ERR_RANGE;
  }
  int year = date.month > 2 ? date.year : date.year - 1;
  int month = (date.month + 9) % 12;
  int days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date.day - 1;
  enum { DAYS_TO_1970 = 719468 }; /* from 1 March of year 0 to 1 January 1970 */
  *ret_day = days - DAYS_TO_1970;
  return ERR_OK;
}

struct civil_date civil_date_of(civil_day day) {
  int64_t days = (int64_t)day + 719468;
  int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
  int of_era = (int)(days - era * DAYS_PER_ERA);
  int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (DAYS_PER_ERA - 1)) / 365;
  int of_year = of_era - (365 * year + year / 4 - year / 100);
  int month = (5 * of_year + 2) / 153;
  struct civil_date date = {
      .year = (int)(era * 400) + year + (month >= 10 ? 1 : 0),
      .month = month < 10 ? month + 3 : month - 9,
      .day = of_year - (153 * month + 2) / 5 + 1,
  };
  return date;
}

int civil_weekday(civil_day day) {
  int64_t since_monday = ((int64_t)day + 3) % 7; /* 1970-01-01 was a Thursday */
  return (int)(since_monday < 0 ? since_monday + 7 : since_monday) + 1;
}

/* Reads `count` digits; false if one is none. The caller has checked that they are there. */
static bool digits_read(const uint8_t *text, int count, int *ret_number) {
  int number = 0;
  for (int i = 0; i < count; i++) {
    if (text[i] < '0' || text[i] > '9') {
      return false;
    }
    number = number * 10 + (text[i] - '0');
  }
  *ret_number = number;
  return true;
}

static void digits_write(char *text, int count, int number) {
  for (int i = count - 1; i >= 0; i--) {
    text[i] = (char)('0' + number % 10);
    number /= 10;
  }
}

enum err civil_day_parse(struct span text, civil_day *ret_day) {
  struct civil_date date;
  if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-' || !digits_read(text.data, 4, &date.year) ||
      !digits_read(text.data + 5, 2, &date.month) || !digits_read(text.data + 8, 2, &date.day)) {
    return ERR_FORMAT;
  }
  return civil_day_of(date, ret_day);
}

enum err civil_day_parse_ru(struct span text, civil_day *ret_day) {
  struct civil_date date;
  if (text.size != 10 || text.data[2] != '.' || text.data[5] != '.' || !digits_read(text.data, 2, &date.day) ||
      !digits_read(text.data + 3, 2, &date.month) || !digits_read(text.data + 6, 4, &date.year)) {
    return ERR_FORMAT;
  }
  return civil_day_of(date, ret_day);
}

static bool is_inside(civil_day day) {
  return day >= CIVIL_DAY_FIRST && day <= CIVIL_DAY_LAST;
}

/* A day outside the years of this file (CIVIL_DAY_NONE above all) is written as zeros: no text reads back as it. */
static struct civil_date date_to_write(civil_day day) {
  return is_inside(day) ? civil_date_of(day) : (struct civil_date){0, 0, 0};
}

void civil_day_format(civil_day day, char text[CIVIL_DATE_TEXT]) {
  struct civil_date date = date_to_write(day);
  digits_write(text, 4, date.year);
  text[4] = '-';
  digits_write(text + 5, 2, date.month);
  text[7] = '-';
  digits_write(text + 8, 2, date.day);
  text[10] = '\0';
}

void civil_day_format_ru(civil_day day, char text[CIVIL_DATE_TEXT]) {
  struct civil_date date = date_to_write(day);
  digits_write(text, 2, date.day);
  text[2] = '.';
  digits_write(text + 3, 2, date.month);
  text[5] = '.';
  digits_write(text + 6, 4, date.year);
  text[10] = '\0';
}

/* "hh:mm:ss" into milliseconds of the day. A leap second (60) is refused: the epoch does not count it. */
static enum err clock_parse(const uint8_t *text, int64_t *ret_ms) {
  int hour;
  int minute;
  int second;
  if (text[2] != ':' || text[5] != ':' || !digits_read(text, 2, &hour) || !digits_read(text + 3, 2, &minute) ||
      !digits_read(text + 6, 2, &second)) {
    return ERR_FORMAT;
  }
  if (hour > 23 || minute > 59 || second > 59) {
    return ERR_RANGE;
  }
  *ret_ms = (((int64_t)hour * 60 + minute) * 60 + second) * 1000;
  return ERR_OK;
}

/* ".5", ".123", ".123456789": what is finer than a millisecond is dropped. Cuts what it read off `rest`. */
static enum err fraction_parse(struct span *rest, int64_t *ret_ms) {
  enum { DIGITS_MAX = 9 };
  *ret_ms = 0;
  if (rest->size == 0 || rest->data[0] != '.') {
    return ERR_OK;
  }
  int64_t scale = 100;
  size_t at = 1;
  for (; at < rest->size && rest->data[at] >= '0' && rest->data[at] <= '9'; at++) {
    *ret_ms += scale * (rest->data[at] - '0');
    scale /= 10;
  }
  *rest = span_of(rest->data + at, rest->size - at);
  return at > 1 && at <= DIGITS_MAX + 1 ? ERR_OK : ERR_FORMAT;
}

static enum err offset_parse(struct span text, int64_t *ret_ms) {
  if (span_is(text, "Z")) {
    *ret_ms = 0;
    return ERR_OK;
  }
  int hour;
  int minute;
  if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':' ||
      !digits_read(text.data + 1, 2, &hour) || !digits_read(text.data + 4, 2, &minute)) {
    return ERR_FORMAT;
  }
  if (hour > 23 || minute > 59) {
    return ERR_RANGE;
  }
  int64_t ms = ((int64_t)hour * 60 + minute) * 60 * 1000;
  *ret_ms = text.data[0] == '-' ? -ms : ms;
  return ERR_OK;
}

enum err civil_moment_parse(struct span text, civil_moment *ret_moment) {
  enum { DATE_SIZE = 10, CLOCK_SIZE = 8 };
  civil_day day;
  if (text.size < DATE_SIZE) {
    return ERR_FORMAT;
  }
  TRY(civil_day_parse(span_of(text.data, DATE_SIZE), &day));
  if (text.size == DATE_SIZE) {
    *ret_moment = civil_day_start(day);
    return ERR_OK;
  }
  if (text.size < DATE_SIZE + 1 + CLOCK_SIZE || text.data[DATE_SIZE] != 'T') {
    return ERR_FORMAT;
  }
  int64_t clock_ms;
  int64_t fraction_ms;
  int64_t offset_ms;
  TRY(clock_parse(text.data + DATE_SIZE + 1, &clock_ms));
  struct span rest = span_of(text.data + DATE_SIZE + 1 + CLOCK_SIZE, text.size - DATE_SIZE - 1 - CLOCK_SIZE);
  TRY(fraction_parse(&rest, &fraction_ms));
  TRY(offset_parse(rest, &offset_ms));
  civil_moment moment = (int64_t)day * CIVIL_DAY_MS + clock_ms + fraction_ms - offset_ms;
  if (!is_inside(civil_moment_day(moment))) {
    return ERR_RANGE;
  }
  *ret_moment = moment;
  return ERR_OK;
}

/* Outside of what day numbers can carry the nearest day is taken: it is outside the years of this file as well. */
civil_day civil_moment_day(civil_moment moment) {
  int64_t day = moment / CIVIL_DAY_MS;
  int64_t rest = moment % CIVIL_DAY_MS;
  day += rest < 0 ? -1 : 0;
  rest += rest < 0 ? CIVIL_DAY_MS : 0;
  day += rest + CIVIL_ZONE_MS >= CIVIL_DAY_MS ? 1 : 0;
  return day < INT32_MIN ? INT32_MIN : day > INT32_MAX ? INT32_MAX : (civil_day)day;
}

civil_moment civil_day_start(civil_day day) {
  return (int64_t)day * CIVIL_DAY_MS - CIVIL_ZONE_MS;
}

void civil_moment_format(civil_moment moment, char text[CIVIL_MOMENT_TEXT]) {
  civil_day day = civil_moment_day(moment);
  civil_day_format(day, text);
  int64_t of_day = is_inside(day) ? moment - civil_day_start(day) : 0;
  int seconds = (int)(of_day / 1000);
  char *at = text + CIVIL_DATE_TEXT - 1;
  *at++ = 'T';
  digits_write(at, 2, seconds / 3600);
  at[2] = ':';
  digits_write(at + 3, 2, seconds / 60 % 60);
  at[5] = ':';
  digits_write(at + 6, 2, seconds % 60);
  at += 8;
  if (of_day % 1000 != 0) {
    *at++ = '.';
    digits_write(at, 3, (int)(of_day % 1000));
    at += 3;
  }
  memcpy(at, "+05:00", sizeof("+05:00"));
}
