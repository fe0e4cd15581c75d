/* The sittings of a report's participant: the next one, the one before, and the terms that hold none. */
#include "casework/sitting.h"

#include "report.h"

enum { DAYS_BACK = 62 }; /* whoever sits once a month has sat in them */

static civil_day next_sitting(const struct participant *participant, civil_day from) {
  civil_day best = CIVIL_DAY_NONE;
  for (size_t i = 0; participant && i < participant->sittings.count; i++) {
    struct sitting sitting;
    if (sitting_parse(participant->sittings.items[i], &sitting) != ERR_OK) {
      continue;
    }
    civil_day day = sitting_next(&sitting, from);
    if (day != CIVIL_DAY_NONE && (best == CIVIL_DAY_NONE || day < best)) {
      best = day;
    }
  }
  return best;
}

/* The last sitting before a day, CIVIL_DAY_NONE if there was none of late. */
static civil_day sitting_before(const struct participant *participant, civil_day today) {
  civil_day last = CIVIL_DAY_NONE;
  civil_day day = next_sitting(participant, today - DAYS_BACK);
  while (day != CIVIL_DAY_NONE && day < today) {
    last = day;
    day = next_sitting(participant, day + 1);
  }
  return last;
}

static struct span day_ru(const struct report *report, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  civil_day_format_ru(day, text);
  return arena_copy(report->arena, span_of_cstr(text));
}

void report_sitting_find(struct report *report, civil_day from) {
  if (span_empty(report->definition->sitting)) {
    return;
  }
  civil_day today = civil_moment_day(report->at);
  civil_day before = sitting_before(report->participant, today);
  report->sitting = next_sitting(report->participant, from);
  if (before != CIVIL_DAY_NONE) {
    struct span title = arena_printf(report->arena, "с прошлого заседания, %.*s", SPAN_ARG(day_ru(report, before)));
    report->period = (struct report_period){before, today, {NULL, 0}, title};
  }
}

/* What comes in on this day would have to wait for longer than the term. */
static void judge_term(struct report *report) {
  struct term term;
  struct due due;
  struct fault fault;
  civil_day today = civil_moment_day(report->at);
  civil_day next = next_sitting(report->participant, today + 1);
  if (term_parse(report->definition->sitting, &term, &fault) != ERR_OK ||
      calendar_due(report->config->calendar, today, &term, TERM_SHIFT_ON, &due) != ERR_OK ||
      (next != CIVIL_DAY_NONE && next <= due.day)) {
    return;
  }
  struct span words = calendar_term_words(&term, report->arena);
  report->findings[report->findings_count++] =
      arena_printf(report->arena, "за %.*s (до %.*s) нет заседания: проект по заявлению этого дня не успеет к сроку",
                   SPAN_ARG(words), SPAN_ARG(day_ru(report, due.day)));
}

/* Lines that say themselves that their term ends before the next sitting. */
static int64_t lines_too_early(const struct report *report) {
  int64_t count = 0;
  for (size_t i = 0; i < report->definition->sections_count; i++) {
    const struct report_section *section = &report->definition->sections[i];
    for (size_t c = 0; c < section->columns_count; c++) {
      bool asks = span_is(section->columns[c].format, "after-sitting");
      for (size_t k = 0; asks && k < report->sections[i].count; k++) {
        const struct value *cell = &report->sections[i].lines[k].cells[c];
        count += cell->kind == VALUE_BOOL && cell->truth;
      }
    }
  }
  return count;
}

void report_sitting_judge(struct report *report) {
  if (span_empty(report->definition->sitting)) {
    return;
  }
  judge_term(report);
  int64_t count = lines_too_early(report);
  if (count > 0) {
    report->findings[report->findings_count++] =
        arena_printf(report->arena, "проектов, срок которых истекает до ближайшего заседания: %lld", (long long)count);
  }
}
