/* Legal terms: their text, and the day on which they end. */
#include "calendar/term.h"

#include "calendar/table.h"

enum { COUNT_MAX = 99999 };

static const struct {
  const char *suffix;
  enum term_unit unit;
} suffixes[] = {
    {"wd", TERM_WORKING_DAYS}, {"d", TERM_DAYS}, {"w", TERM_WEEKS}, {"mo", TERM_MONTHS}, {"y", TERM_YEARS},
};

static bool unit_parse(struct span text, enum term_unit *ret_unit) {
  for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
    if (span_is(text, suffixes[i].suffix)) {
      *ret_unit = suffixes[i].unit;
      return true;
    }
  }
  return false;
}

static enum err part_parse(struct span text, struct term *term) {
  size_t sign = text.size > 0 && text.data[0] == '-' ? 1 : 0;
  size_t end = sign;
  while (end < text.size && text.data[end] >= '0' && text.data[end] <= '9') {
    end++;
  }
  int64_t count;
  enum term_unit unit;
  if (end == sign || !unit_parse(span_of(text.data + end, text.size - end), &unit)) {
    return ERR_FORMAT;
  }
  if (!span_to_int64(span_of(text.data, end), &count) || count > COUNT_MAX || count < -COUNT_MAX) {
    return ERR_RANGE;
  }
  term->parts[term->parts_count].count = (int32_t)count;
  term->parts[term->parts_count].unit = unit;
  term->parts_count++;
  return ERR_OK;
}

static enum err term_fault(enum err err, struct fault *fault) {
  return fault_set(fault, err,
                   err == ERR_RANGE ? "число в записи срока слишком велико"
                                    : "срок записывается как 10wd, 5d, 2w, 3mo, 1y, -6mo или 3mo+5wd");
}

enum err term_parse(struct span text, struct term *ret_term, struct fault *fault) {
  struct term term = {0};
  if (text.size == 0 || text.size >= TERM_TEXT_MAX) {
    return term_fault(ERR_FORMAT, fault);
  }
  struct span rest = text;
  while (rest.data) {
    enum err err = term.parts_count < TERM_PARTS_MAX ? part_parse(span_cut(rest, '+', &rest), &term) : ERR_FORMAT;
    if (err != ERR_OK) {
      return term_fault(err, fault);
    }
  }
  *ret_term = term;
  return ERR_OK;
}

/* --- when it is due --- */

/* ГК РФ, ст. 192, п. 3: the same date of the last month, or its last day where it has no such date. */
static enum err months_add(civil_day from, int32_t months, civil_day *ret_day) {
  struct civil_date date = civil_date_of(from);
  int total = date.year * 12 + date.month - 1 + months;
  if (total < 0) {
    return ERR_RANGE;
  }
  date.year = total / 12;
  date.month = total % 12 + 1;
  int last = civil_month_days(date.year, date.month);
  date.day = date.day < last ? date.day : last;
  return civil_day_of(date, ret_day);
}

static enum err days_add(civil_day from, int32_t days, civil_day *ret_day) {
  int64_t day = (int64_t)from + days;
  if (day < CIVIL_DAY_FIRST || day > CIVIL_DAY_LAST) {
    return ERR_RANGE;
  }
  *ret_day = (civil_day)day;
  return ERR_OK;
}

enum err term_part_end(const struct calendar *calendar, civil_day from, int32_t count, enum term_unit unit,
                       civil_day *ret_day) {
  switch (unit) {
  case TERM_WORKING_DAYS:
    return calendar_add_working_days(calendar, from, count, ret_day);
  case TERM_DAYS:
    return days_add(from, count, ret_day);
  case TERM_WEEKS:
    return days_add(from, count * 7, ret_day);
  case TERM_MONTHS:
    return months_add(from, count, ret_day);
  case TERM_YEARS:
    return months_add(from, count * 12, ret_day);
  }
  return ERR_INVALID;
}

enum term_shift term_shift_resolve(const struct term *term, enum term_shift shift) {
  if (shift != TERM_SHIFT_AUTO) {
    return shift;
  }
  bool backwards = term->parts_count > 0 && term->parts[term->parts_count - 1].count < 0;
  return backwards ? TERM_SHIFT_BACK : TERM_SHIFT_ON;
}

/* ГК РФ, ст. 193 forwards; backwards by house rule. */
static enum err shift_apply(const struct calendar *calendar, enum term_shift shift, civil_day raw, civil_day *ret_day) {
  if (shift == TERM_SHIFT_NONE || calendar_is_working(calendar, raw)) {
    *ret_day = raw;
    return ERR_OK;
  }
  return calendar_add_working_days(calendar, raw, shift == TERM_SHIFT_BACK ? -1 : 1, ret_day);
}

static bool part_is_provisional(const struct calendar *calendar, enum term_unit unit, civil_day start, civil_day end) {
  bool counted = unit == TERM_WORKING_DAYS && start != end;
  return counted && !(calendar_has_loaded(calendar, start) && calendar_has_loaded(calendar, end));
}

enum err calendar_due(const struct calendar *calendar, civil_day from, const struct term *term, enum term_shift shift,
                      struct due *ret_due) {
  if (!calendar_knows(from)) {
    return ERR_RANGE;
  }
  struct due due = {.raw = from};
  for (size_t i = 0; i < term->parts_count; i++) {
    civil_day start = due.raw;
    enum term_unit unit = term->parts[i].unit;
    TRY(term_part_end(calendar, start, term->parts[i].count, unit, &due.raw));
    due.provisional = due.provisional || part_is_provisional(calendar, unit, start, due.raw);
  }
  TRY(shift_apply(calendar, term_shift_resolve(term, shift), due.raw, &due.day));
  due.provisional =
      due.provisional || !calendar_has_loaded(calendar, due.raw) || !calendar_has_loaded(calendar, due.day);
  *ret_due = due;
  return ERR_OK;
}
