/* The production calendar: what is loaded counts as one would by walking over its days. */
#include "calendar/calendar.h"
#include "fuzz.h"

enum { STEPS = 40 };

static civil_day first_day(const struct calendar *calendar) {
  civil_day day = 0;
  ASSERT(civil_day_of((struct civil_date){calendar_first_year(calendar), 1, 1}, &day) == ERR_OK);
  return day;
}

static void counts_day_by_day(const struct calendar *calendar, civil_day from) {
  int working = 0;
  for (civil_day day = from + 1; day <= from + STEPS && day <= CIVIL_DAY_LAST; day++) {
    working += calendar_is_working(calendar, day);
    ASSERT(calendar_working_days_between(calendar, from, day) == working);
    ASSERT(calendar_working_days_between(calendar, day, from) == -working);
  }
}

static void adds_working_days(const struct calendar *calendar, civil_day from, struct arena *arena) {
  const struct term term = {.parts = {{7, TERM_WORKING_DAYS}}, .parts_count = 1};
  struct due due;
  if (calendar_due(calendar, from, &term, TERM_SHIFT_ON, &due) == ERR_OK) {
    ASSERT(calendar_is_working(calendar, due.day));
    ASSERT(calendar_working_days_between(calendar, from, due.day) == 7);
  }
  ASSERT(span_is_text(calendar_explain(calendar, from, &term, TERM_SHIFT_ON, arena)));
}

/* Over itself a calendar is the same, or is no whole year. */
static void amends_itself(const struct calendar *calendar, struct span input) {
  struct calendar *again = NULL;
  struct fault fault = {0};
  enum err err = calendar_amend(calendar, input, &again, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(!again);
    return;
  }
  ASSERT(span_equal(calendar_source(calendar), calendar_source(again)));
  calendar_destroy(&again);
}

void fuzz_one(struct span input, struct arena *arena) {
  struct calendar *calendar = NULL;
  struct fault fault = {0};
  civil_day day;
  const struct calendar_options options = {.decree_days_off = (input.size & 1U) != 0};
  enum err err = calendar_create(input, options, &calendar, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(!calendar);
    return;
  }
  ASSERT(calendar_first_year(calendar) <= calendar_last_year(calendar));
  ASSERT(strlen(calendar_revision(calendar)) == 16);
  counts_day_by_day(calendar, first_day(calendar));
  adds_working_days(calendar, first_day(calendar) + (civil_day)(input.size % 365), arena);
  (void)calendar_misses_holiday(calendar, &day);
  amends_itself(calendar, input);
  calendar_destroy(&calendar);
}
