/*
 * base/civil.h — calendar dates and instants, without any notion of a working day.
 *
 * Purpose: dates as day numbers (days since 1970-01-01, proleptic Gregorian), instants as milliseconds since the
 * Unix epoch, and their texts. One time zone is used: Asia/Yekaterinburg, UTC+05:00 without summer time (Federal Law
 * No. 248-FZ of 21.07.2014), which holds for all years that the production calendar covers.
 *
 * Threading: values only. Never reads a clock.
 * Limits: years 1900–2199; anything outside is ERR_RANGE.
 */
#ifndef KURATOR_BASE_CIVIL_H
#define KURATOR_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

typedef int32_t civil_day;    /* days since 1970-01-01 */
typedef int64_t civil_moment; /* milliseconds since 1970-01-01T00:00:00Z */

#define CIVIL_DAY_NONE    INT32_MIN
#define CIVIL_DAY_FIRST   (-25567) /* 1900-01-01 */
#define CIVIL_DAY_LAST    84005    /* 2199-12-31 */
#define CIVIL_MOMENT_NONE INT64_MIN
#define CIVIL_DAY_MS      INT64_C(86400000)
#define CIVIL_ZONE_MS     (INT64_C(5) * 3600 * 1000)

enum { CIVIL_DATE_TEXT = 11 /* "2026-01-20" and NUL */, CIVIL_MOMENT_TEXT = 30 };

struct civil_date {
  int year;
  int month; /* 1–12 */
  int day;   /* 1–31 */
};

enum err civil_day_of(struct civil_date date, civil_day *ret_day) MUST_CHECK; /* ERR_RANGE: no such date */
struct civil_date civil_date_of(civil_day day);
int civil_weekday(civil_day day); /* 1 Monday … 7 Sunday (ISO 8601) */
int civil_month_days(int year, int month);

/* "2026-01-20" exactly. ERR_FORMAT: not that form; ERR_RANGE: a day that does not exist (31.02). */
enum err civil_day_parse(struct span text, civil_day *ret_day) MUST_CHECK;
/* "20.01.2026" exactly, the Russian form. Errors as above. */
enum err civil_day_parse_ru(struct span text, civil_day *ret_day) MUST_CHECK;
void civil_day_format(civil_day day, char text[CIVIL_DATE_TEXT]);
void civil_day_format_ru(civil_day day, char text[CIVIL_DATE_TEXT]);

/* RFC 3339 with offset: "2026-01-12T10:15:00+05:00", "…Z", fraction to milliseconds; a plain date means 00:00 in the
 * zone. ERR_FORMAT, ERR_RANGE. */
enum err civil_moment_parse(struct span text, civil_moment *ret_moment) MUST_CHECK;
/* Always in the zone, "+05:00"; milliseconds only when they are not zero. */
void civil_moment_format(civil_moment moment, char text[CIVIL_MOMENT_TEXT]);
/* The date in the zone at that moment, and the first moment of a date in the zone. The moment at which a day has ended
 * (24:00) is the start of the next. */
civil_day civil_moment_day(civil_moment moment);
civil_moment civil_day_start(civil_day day);

#endif
