/*
 * The sittings of a report's participant: the next one, the one before, and the terms that hold none.
 *
 * Regular sittings stand in participants.yaml. What the secretary has told besides are events of the participant's own
 * case; which ones, and which of their fields say on what day it does not sit and on what day it does, is in the
 * definition. The last one that speaks of a day counts; who moves a sitting that is none says nothing.
 */
#include "casework/sitting.h"

#include "report.h"

enum { DAYS_BACK = 62, DAYS_AHEAD = 731 }; /* whoever sits once a month has sat in them; beyond, nobody has planned */

/* ---- the calendar ---- */

static bool sits_regularly(const struct participant *participant, civil_day day) {
  for (size_t i = 0; i < participant->sittings.count; i++) {
    struct sitting sitting;
    if (sitting_parse(participant->sittings.items[i], &sitting) == ERR_OK && sitting_next(&sitting, day) == day) {
      return true;
    }
  }
  return false;
}

static const struct report_change *change_of(const struct report *report, struct span event) {
  for (size_t i = 0; i < report->definition->changes_count; i++) {
    if (span_equal(report->definition->changes[i].event, event)) {
      return &report->definition->changes[i];
    }
  }
  return NULL;
}

/* A day on which it sits or does not, whatever its regular days are. */
struct exception {
  civil_day day;
  bool sits;
};
struct calendar_view {
  const struct participant *participant;
  struct exception *exceptions;
  size_t count;
};

static struct exception *exception_of(const struct calendar_view *view, civil_day day) {
  for (size_t i = 0; i < view->count; i++) {
    if (view->exceptions[i].day == day) {
      return &view->exceptions[i];
    }
  }
  return NULL;
}

static bool sits_on(const struct calendar_view *view, civil_day day) {
  const struct exception *exception = exception_of(view, day);
  return exception ? exception->sits : sits_regularly(view->participant, day);
}

static void except(struct calendar_view *view, civil_day day, bool sits) {
  struct exception *known = exception_of(view, day);
  if (known) {
    known->sits = sits;
  } else {
    view->exceptions[view->count++] = (struct exception){day, sits};
  }
}

static civil_day day_of(const struct value *data, struct span field) {
  civil_day day = CIVIL_DAY_NONE;
  const struct value *value = data && !span_empty(field) ? value_find(data, field) : NULL;
  bool is_day = value && value->kind == VALUE_TEXT && civil_day_parse(value->text, &day) == ERR_OK;
  return is_day ? day : CIVIL_DAY_NONE;
}

static void apply(struct calendar_view *view, const struct report_change *change, const struct value *data) {
  civil_day off = day_of(data, change->off);
  civil_day on = day_of(data, change->on);
  if (off != CIVIL_DAY_NONE && !sits_on(view, off)) {
    return;
  }
  if (off != CIVIL_DAY_NONE) {
    except(view, off, false);
  }
  if (on != CIVIL_DAY_NONE) {
    except(view, on, true);
  }
}

static struct calendar_view view_of(const struct report *report) {
  const struct report_table *events = &report->tables[REPORT_EVENTS];
  struct calendar_view view = {.participant = report->participant};
  view.exceptions = ARENA_ARRAY(report->arena, struct exception, 2 * events->count + 1);
  for (size_t i = 0; report->participant && i < events->count; i++) {
    const struct value *row = &events->rows[i].value;
    const struct report_change *change = change_of(report, value_get_text(row, "event"));
    if (change && span_equal(value_get_text(row, "participant"), report->participant->id)) {
      apply(&view, change, value_get(row, "data"));
    }
  }
  return view;
}

static civil_day next_sitting(const struct calendar_view *view, civil_day from) {
  for (civil_day day = from; view->participant && day < from + DAYS_AHEAD; day++) {
    if (sits_on(view, day)) {
      return day;
    }
  }
  return CIVIL_DAY_NONE;
}

/* The last sitting before a day, CIVIL_DAY_NONE if there was none of late. */
static civil_day sitting_before(const struct calendar_view *view, civil_day today) {
  for (civil_day day = today - 1; view->participant && day > today - DAYS_BACK; day--) {
    if (sits_on(view, day)) {
      return day;
    }
  }
  return CIVIL_DAY_NONE;
}

static struct span day_ru(const struct report *report, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  civil_day_format_ru(day, text);
  return arena_copy(report->arena, span_of_cstr(text));
}

void report_sitting_find(struct report *report) {
  if (span_empty(report->definition->sitting)) {
    return;
  }
  civil_day today = civil_moment_day(report->at);
  const struct calendar_view view = view_of(report);
  civil_day before = sitting_before(&view, today);
  report->sitting = next_sitting(&view, report->sitting_from);
  if (before != CIVIL_DAY_NONE) {
    struct span title = arena_printf(report->arena, "с прошлого заседания, %.*s", SPAN_ARG(day_ru(report, before)));
    report->period = (struct report_period){before, today, {NULL, 0}, title, NULL};
  }
}

/* What comes in on this day would have to wait for longer than the term. */
static void judge_term(struct report *report) {
  struct term term;
  struct due due;
  struct fault fault;
  civil_day today = civil_moment_day(report->at);
  const struct calendar_view view = view_of(report);
  civil_day next = next_sitting(&view, today + 1);
  if (term_parse(report->definition->sitting, &term, &fault) != ERR_OK ||
      calendar_due(report->calendar, today, &term, TERM_SHIFT_ON, &due) != ERR_OK ||
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
