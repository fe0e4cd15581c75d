/*
 * pause.c — <k:pause>: the clock of a case stands still while its state is active.
 *
 *   open | provisional ── state entered ──▶ paused ── state left ──▶ open | provisional, later by the working days
 * between missed ── the pause began on or before the due day, but was told later ──▶ paused: nothing was due any more
 *
 * The pause lasts from the day on which it was told to begin to the day on which it was told to end (dates of what
 * occurred, not of the messages). A deadline keeps the working days that it had left: its due day moves by the working
 * days of the pause, counted from its own anchor if that came only during it. What meets a deadline meets it during a
 * pause too. Deadlines with pause="no" go on.
 *
 * Invariants: a paused deadline has no timer and an element that is live; it is paused only while a pause is live. The
 * day on which the pause began is the `due` of the pause's own live element.
 */
#include "casework/step.h"

static struct live *pause_of(struct case_file *c) {
  for (size_t i = 0; i < c->lives_count; i++) {
    if (c->lives[i].element->kind == ELEMENT_PAUSE) {
      return &c->lives[i];
    }
  }
  return NULL;
}

/* What was missed before the pause stays missed; so does what the chart has left. */
static bool stands_still(const struct watch *w, civil_day since) {
  bool taken_back = w->deadline.state == DEADLINE_MISSED && w->serial != 0 && w->deadline.due >= since;
  return !w->element->unpaused && (deadline_is_open(&w->deadline) || taken_back);
}

void pause_refresh(struct step *s) {
  struct live *pause = pause_of(s->c);
  if (!pause) {
    return;
  }
  if (pause->due == CIVIL_DAY_NONE) {
    pause->due = civil_moment_day(s->occurred_at);
  }
  for (size_t i = 0; i < s->c->watches_count; i++) {
    if (stands_still(&s->c->watches[i], pause->due)) {
      watch_hold(s, &s->c->watches[i]);
    }
  }
}

/* Working days of the pause that lie in the deadline's own time. */
static int32_t days_held(const struct step *s, const struct deadline *d, civil_day since, civil_day until) {
  civil_day start = d->from > since && d->from <= until ? d->from : since;
  int days = calendar_working_days_between(s->c->casework->options.calendar, start, until);
  return days > 0 ? days : 0;
}

void pause_end(struct step *s, const struct live *pause) {
  civil_day until = civil_moment_day(s->occurred_at);
  for (size_t i = 0; i < s->c->watches_count; i++) {
    struct watch *w = &s->c->watches[i];
    if (w->deadline.state == DEADLINE_PAUSED) {
      watch_release(s, w, days_held(s, &w->deadline, pause->due, until));
    }
  }
}
