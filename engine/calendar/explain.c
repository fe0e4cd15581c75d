/*
 * Why a term ends on its day, in Russian.
 *
 * The sentence is a row of clauses joined by "; ": the parts of the term with what was counted in each, the shift, the
 * date, and what the date rests on. Every clause names its ground: the article, or "правило по умолчанию" for a rule of
 * the house.
 */
#include "base/bytes.h"
#include "calendar/table.h"
#include "calendar/term.h"

enum {
  RUNS_MAX = 10, /* above this, plain weekends are not listed one by one */
  RUNS_LISTED_MAX = 24,
  WITH_YEAR_DAYS = 300, /* a span this long needs years in its dates */
};

/* Forms for 1, 2–4 and 5 or more, and for "за 1 …". */
static const struct {
  const char *forms[3];
  const char *one_accusative;
} unit_words[] = {
    [TERM_WORKING_DAYS] = {{"рабочий день", "рабочих дня", "рабочих дней"}, "рабочий день"},
    [TERM_DAYS] = {{"календарный день", "календарных дня", "календарных дней"}, "календарный день"},
    [TERM_WEEKS] = {{"неделя", "недели", "недель"}, "неделю"},
    [TERM_MONTHS] = {{"месяц", "месяца", "месяцев"}, "месяц"},
    [TERM_YEARS] = {{"год", "года", "лет"}, "год"},
};

static unsigned plural_form(int32_t count) {
  int32_t tens = count % 100;
  int32_t ones = count % 10;
  if (tens >= 11 && tens <= 14) {
    return 2;
  }
  return ones == 1 ? 0 : ones >= 2 && ones <= 4 ? 1 : 2;
}

static const char *unit_word(enum term_unit unit, int32_t count, bool accusative) {
  unsigned form = plural_form(count);
  return accusative && form == 0 ? unit_words[unit].one_accusative : unit_words[unit].forms[form];
}

static void say(struct writer *w, const char *text) {
  writer_raw(w, span_of_cstr(text));
}

static void say_date(struct writer *w, civil_day day, bool with_year) {
  enum { DAY_AND_MONTH = 5 };
  char text[CIVIL_DATE_TEXT];
  civil_day_format_ru(day, text);
  writer_raw(w, span_of(text, with_year ? CIVIL_DATE_TEXT - 1 : DAY_AND_MONTH));
}

/* --- runs of days that have something in common --- */

typedef bool (*day_test)(const struct calendar *calendar, civil_day day);

struct days {
  civil_day first;
  civil_day last;
};

static bool is_off(const struct calendar *calendar, civil_day day) {
  return !calendar_is_working(calendar, day);
}

static bool is_working_weekend(const struct calendar *calendar, civil_day day) {
  return calendar_is_weekend(day) && calendar_is_working(calendar, day);
}

static bool is_ignored_decree(const struct calendar *calendar, civil_day day) {
  return calendar_kind(calendar, day) == DAY_DECREE && calendar_is_working(calendar, day);
}

/* The first run at or after `left->first`; cuts it off `left`. */
static bool run_next(const struct calendar *calendar, day_test test, struct days *left, struct days *ret_run) {
  civil_day day = left->first;
  while (day <= left->last && !test(calendar, day)) {
    day++;
  }
  ret_run->first = day;
  while (day <= left->last && test(calendar, day)) {
    day++;
  }
  ret_run->last = day - 1;
  left->first = day;
  return ret_run->last >= ret_run->first;
}

static unsigned runs_count(const struct calendar *calendar, day_test test, struct days span) {
  unsigned count = 0;
  for (struct days run; run_next(calendar, test, &span, &run);) {
    count++;
  }
  return count;
}

static bool is_plain_weekend(struct days run) {
  for (civil_day day = run.first; day <= run.last; day++) {
    if (!calendar_is_weekend(day)) {
      return false;
    }
  }
  return true;
}

static void say_run(struct writer *w, struct days run, bool with_year) {
  say_date(w, run.first, with_year);
  if (run.last > run.first) {
    say(w, "–");
    say_date(w, run.last, with_year);
  }
}

struct listing {
  const char *intro;
  day_test test;
  bool skip_weekends;
};

/* "; INTRO 27.12–28.12, 31.12–11.01", nothing if there is no such run. Returns the number of runs it listed. */
static unsigned say_runs(struct writer *w, const struct calendar *calendar, struct listing listing, struct days span) {
  bool with_year = span.last - span.first > WITH_YEAR_DAYS;
  unsigned listed = 0;
  for (struct days run; run_next(calendar, listing.test, &span, &run);) {
    if (listing.skip_weekends && is_plain_weekend(run)) {
      continue;
    }
    if (listed == RUNS_LISTED_MAX) {
      say(w, " и другие");
      break;
    }
    say(w, listed == 0 ? listing.intro : ", ");
    say_run(w, run, with_year);
    listed++;
  }
  return listed;
}

static void say_days_off(struct writer *w, const struct calendar *calendar, struct days span) {
  bool many = runs_count(calendar, is_off, span) > RUNS_MAX;
  unsigned listed = say_runs(w, calendar, (struct listing){"; нерабочие дни ", is_off, many}, span);
  if (many) {
    say(w, listed > 0 ? " и обычные выходные" : "; нерабочие дни — обычные выходные");
  }
  say_runs(w, calendar, (struct listing){"; рабочие по переносу выходные ", is_working_weekend, false}, span);
  struct listing decree = {"; нерабочие по указу Президента, но считаются рабочими (правило по умолчанию) ",
                           is_ignored_decree, false};
  say_runs(w, calendar, decree, span);
}

/* --- the clauses --- */

struct part {
  int32_t count;
  enum term_unit unit;
  civil_day start;
  civil_day end;
  bool first;
};

static void say_count(struct writer *w, const struct part *part) {
  if (part->count == 0) {
    say(w, "в день ");
    say_date(w, part->start, true);
    return;
  }
  bool back = part->count < 0;
  int32_t count = back ? -part->count : part->count;
  writer_printf(w, "%s%d %s %s ", back ? "за " : "", count, unit_word(part->unit, count, back), back ? "до" : "с");
  say_date(w, part->start, true);
  if (part->first) {
    writer_printf(w, ", %s не считается (ст. 191 ГК РФ, по аналогии)", back ? "этот день" : "день начала");
  }
}

/* Months and years that end in a month without the date they began on. */
static void say_short_month(struct writer *w, const struct part *part) {
  int begun = civil_date_of(part->start).day;
  bool by_date = part->unit == TERM_MONTHS || part->unit == TERM_YEARS;
  if (by_date && civil_date_of(part->end).day != begun) {
    writer_printf(w, "; %d-го числа в последнем месяце нет, срок оканчивается в его последний день ", begun);
    say_date(w, part->end, true);
    say(w, " (п. 3 ст. 192 ГК РФ)");
  }
}

static void say_part(struct writer *w, const struct calendar *calendar, const struct part *part) {
  if (!part->first) {
    say(w, "; затем ");
  }
  say_count(w, part);
  say_short_month(w, part);
  if (part->unit == TERM_WORKING_DAYS && part->count != 0) {
    struct days forward = {part->start + 1, part->end};
    struct days backward = {part->end, part->start - 1};
    say_days_off(w, calendar, part->count > 0 ? forward : backward);
  }
}

static void say_shift(struct writer *w, const struct calendar *calendar, enum term_shift shift, const struct due *due) {
  if (calendar_is_working(calendar, due->raw)) {
    return;
  }
  say(w, "; последний день ");
  say_date(w, due->raw, true);
  if (shift == TERM_SHIFT_NONE) {
    say(w, " — нерабочий, срок не переносится");
    return;
  }
  bool back = shift == TERM_SHIFT_BACK;
  say(w, " — нерабочий, перенос на ближайший ");
  say(w, back ? "предыдущий рабочий день " : "следующий рабочий день ");
  say_date(w, due->day, true);
  say(w, back ? " (правило по умолчанию)" : ", ст. 193 ГК РФ");
}

static void say_years(struct writer *w, int first, int last) {
  if (first == last) {
    writer_printf(w, " на %d год", first);
  } else {
    writer_printf(w, " на %d–%d годы", first, last);
  }
}

static void say_provisional(struct writer *w, const struct calendar *calendar, struct days touched) {
  int from = civil_date_of(touched.first).year;
  int to = civil_date_of(touched.last).year;
  say(w, "; предварительно: нет производственного календаря");
  if (from < calendar->first_year) {
    say_years(w, from, to < calendar->first_year ? to : calendar->first_year - 1);
  }
  if (to > calendar->last_year) {
    say(w, from < calendar->first_year ? " и" : "");
    say_years(w, from > calendar->last_year ? from : calendar->last_year + 1, to);
  }
  say(w, ", учтены выходные и праздники по ст. 112 ТК РФ");
}

static void days_include(struct days *touched, civil_day day) {
  touched->first = day < touched->first ? day : touched->first;
  touched->last = day > touched->last ? day : touched->last;
}

static enum err say_all(struct writer *w, const struct calendar *calendar, civil_day from, const struct term *term,
                        enum term_shift shift) {
  struct due due;
  TRY(calendar_due(calendar, from, term, shift, &due));
  struct days touched = {from, from};
  struct part part = {.end = from, .first = true};
  for (size_t i = 0; i < term->parts_count; i++) {
    part.count = term->parts[i].count;
    part.unit = term->parts[i].unit;
    part.start = part.end;
    TRY(term_part_end(calendar, part.start, part.count, part.unit, &part.end));
    say_part(w, calendar, &part);
    part.first = false;
    days_include(&touched, part.end);
  }
  days_include(&touched, due.day);
  say_shift(w, calendar, term_shift_resolve(term, shift), &due);
  say(w, part.count < 0 ? "; не позднее " : "; срок до ");
  say_date(w, due.day, true);
  if (due.provisional) {
    say_provisional(w, calendar, touched);
  }
  return ERR_OK;
}

struct span calendar_explain(const struct calendar *calendar, civil_day from, const struct term *term,
                             enum term_shift shift, struct arena *arena) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  if (say_all(&w, calendar, from, term, shift) != ERR_OK) {
    writer_reset(&w);
    say(&w, "срок выходит за пределы 1900–2199 годов");
  }
  return arena_copy(arena, writer_span(&w));
}

struct span calendar_term_words(const struct term *term, struct arena *arena) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  for (size_t i = 0; i < term->parts_count; i++) {
    int32_t count = term->parts[i].count;
    enum term_unit unit = term->parts[i].unit;
    say(&w, i > 0 ? " и ещё " : "");
    if (count == 0) {
      say(&w, "тот же день");
    } else if (count < 0) {
      writer_printf(&w, "за %d %s до", -count, unit_word(unit, -count, true));
    } else {
      writer_printf(&w, "%d %s", count, unit_word(unit, count, false));
    }
  }
  return arena_copy(arena, writer_span(&w));
}
