/*
 * watch.c — the deadlines of a case, while they can change.
 *
 *   (no anchor) ── anchor known ──▶ open | provisional ──┬─ event that occurred in time ─────▶ met
 *        ▲                             │  ▲              ├─ the due day has ended ───────────▶ missed
 *        └──── anchor gone: cancelled ─┘  │              ├─ state left, case ended ──────────▶ cancelled
 *                                         │              └─ event that ends it, in time ─────▶ cancelled
 *                 anchor, term, bound or calendar changed: computed again
 *   born overdue: missed at once, with the cause that the chart gives
 *   born done: met at once, when the chart knows the day and it lies within the term
 *   open, provisional ◀── a pause of the case begins and ends (pause.c) ──▶ paused
 *   missed ── event recorded late that occurred in time ──▶ met-reported-late
 *   missed ── ended by something recorded late that occurred in time, or the whole case was ──▶ cancelled
 *
 * A deadline is met by the day on which an event occurred, and missed by the clock: at 24:00 of its due day. What is
 * settled (met, met-reported-late, cancelled) is no longer kept here; the store has it. What is missed stays, also when
 * the chart has moved on, because a late report can still tell that all was well.
 *
 * Invariants: every open deadline has an end timer, every other one has none; a slot is given once; the deadline of a
 * live element is the one with its slot.
 */
#include "casework/step.h"

/* ---- numbers of timers: slot 0 is the chart session's --------------------------------------------------------- */

static uint32_t end_slot(const struct watch *w) {
  return w->deadline.slot * 2;
}

static uint32_t warning_slot(const struct watch *w) {
  return w->deadline.slot * 2 + 1;
}

/* A day ends at 24:00, which is the start of the next. */
static civil_moment end_of(civil_day day) {
  return civil_day_start(day + 1);
}

/* ---- telling ------------------------------------------------------------------------------------------------ */

/* What the chart calls it: keys are in the data, so that one transition serves all instances. */
static struct span chart_name(const struct watch *w) {
  return w->element->kind == ELEMENT_REFERRALS ? SPAN_LITERAL("measure") : w->element->id;
}

static struct value chart_data(struct step *s, const struct watch *w) {
  const struct value_field fields[] = {
      FIELD("id", value_text(chart_name(w))),
      FIELD("key", data_text(effect_text(s, w->deadline.key))),
      FIELD("due", data_date(s, w->deadline.due)),
  };
  return DATA_MAP(s, fields);
}

static struct value owner_data(struct step *s, const struct watch *w, const char *state) {
  const struct deadline d = effect_deadline_copy(s, &w->deadline);
  const struct calendar *calendar = s->c->casework->options.calendar;
  const struct value_field fields[] = {
      FIELD("id", value_text(d.id)),
      FIELD("key", data_text(d.key)),
      FIELD("title", data_text(d.title)),
      FIELD("basis", data_text(d.basis)),
      FIELD("from", data_date(s, d.from)),
      FIELD("term", data_text(d.term)),
      FIELD("due", data_date(s, d.due)),
      FIELD("state", value_text(span_of_cstr(state))),
      FIELD("explanation", value_text(deadline_explain(calendar, &d, s->arena))),
  };
  return DATA_MAP(s, fields);
}

/* A measure belongs to whom it was offered to; anything else to the role that the chart names. */
static struct text_list owners(struct step *s, const struct watch *w) {
  for (size_t i = 0; w->element->kind == ELEMENT_REFERRALS && i < s->c->children_count; i++) {
    struct child *child = &s->c->children[i];
    const struct participant *to = catalogue_participant(s->c->casework->options.catalogue, child->to);
    if (child->slot == w->deadline.slot && to) {
      struct text_list one = {ARENA_ARRAY(s->arena, struct span, 1), 1};
      one.items[0] = to->id;
      return one;
    }
  }
  return role_participants(s, w->element->role);
}

static void tell_all(struct step *s, const struct watch *w, const char *event, const char *state) {
  struct span name = chart_name(w);
  struct span event_name = arena_printf(s->arena, "%s.%.*s", event, SPAN_ARG(name));
  struct text_list participants = owners(s, w);
  const struct delivery delivery = {.kind = DELIVERY_DEADLINE,
                                    .subject = w->deadline.id,
                                    .event = event_name,
                                    .data = participants.count > 0 ? owner_data(s, w, state) : value_nil(),
                                    .deadline = &w->deadline};
  effect_deliveries(s, &delivery, &participants);
  step_tell(s, event_name, chart_data(s, w), (struct span){0}, NULL);
}

/* ---- timers ------------------------------------------------------------------------------------------------- */

static void clear_timers(struct step *s, struct watch *w) {
  effect_timer(s, &w->end, end_slot(w), CIVIL_MOMENT_NONE);
  effect_timer(s, &w->warning, warning_slot(w), CIVIL_MOMENT_NONE);
}

/* The next reminder that still lies ahead: the start of its day. */
static civil_moment next_warning(struct step *s, const struct watch *w) {
  civil_moment next = CIVIL_MOMENT_NONE;
  for (size_t i = 0; i < w->element->warnings_count; i++) {
    struct due day;
    if (calendar_due(s->c->casework->options.calendar, w->deadline.due, &w->element->warnings[i], TERM_SHIFT_BACK,
                     &day) != ERR_OK) {
      continue;
    }
    civil_moment moment = civil_day_start(day.day);
    if (moment > s->now && (next == CIVIL_MOMENT_NONE || moment < next)) {
      next = moment;
    }
  }
  return next;
}

static void set_timers(struct step *s, struct watch *w) {
  effect_timer(s, &w->end, end_slot(w), end_of(w->deadline.due));
  effect_timer(s, &w->warning, warning_slot(w), next_warning(s, w));
}

/* It too is counted in days of the calendar. One that is due already is on its way. */
static void move_warning(struct step *s, struct watch *w) {
  if (w->warning.due == CIVIL_MOMENT_NONE || w->warning.due > s->now) {
    effect_timer(s, &w->warning, warning_slot(w), next_warning(s, w));
  }
}

/* ---- changes of state --------------------------------------------------------------------------------------- */

/* Settled for good: the store keeps the record, the case forgets it. */
static void settle(struct step *s, struct watch *w, enum deadline_state state) {
  w->deadline.state = state;
  w->deadline.at = s->now;
  clear_timers(s, w);
  effect_deadline(s, &w->deadline);
  case_watch_drop(s->c, w);
}

static void miss(struct step *s, struct watch *w, civil_moment at) {
  w->deadline.state = DEADLINE_MISSED;
  w->deadline.at = at;
  clear_timers(s, w);
  effect_deadline(s, &w->deadline);
  tell_all(s, w, "deadline", "missed");
}

void watch_fire(struct step *s, struct watch *watch) {
  if (watch->end.due != CIVIL_MOMENT_NONE && watch->end.due <= s->now) {
    miss(s, watch, watch->end.due);
    return;
  }
  effect_timer(s, &watch->warning, warning_slot(watch), next_warning(s, watch));
  tell_all(s, watch, "reminder", "reminder");
}

struct watch *watch_due(struct step *s, civil_moment *ret_due) {
  struct watch *first = NULL;
  *ret_due = CIVIL_MOMENT_NONE;
  for (size_t i = 0; i < s->c->watches_count; i++) {
    struct watch *w = &s->c->watches[i];
    const civil_moment moments[] = {w->warning.due, w->end.due};
    for (size_t k = 0; k < 2; k++) {
      bool is_due = moments[k] != CIVIL_MOMENT_NONE && moments[k] <= s->now;
      if (is_due && (!first || moments[k] < *ret_due)) {
        first = w;
        *ret_due = moments[k];
      }
    }
  }
  return first;
}

/* The session's, then two of each deadline. */
bool case_due_at(const struct case_file *c, size_t index, struct case_due *ret_due) {
  if (index == 0) {
    *ret_due = (struct case_due){0, c->session_timer.due};
    return true;
  }
  if ((index - 1) / 2 >= c->watches_count) {
    return false;
  }
  const struct watch *w = &c->watches[(index - 1) / 2];
  *ret_due =
      index % 2 == 1 ? (struct case_due){end_slot(w), w->end.due} : (struct case_due){warning_slot(w), w->warning.due};
  return true;
}

bool watch_owns_timer(const struct case_file *c, uint32_t slot, uint64_t generation) {
  for (size_t i = 0; i < c->watches_count; i++) {
    const struct watch *w = &c->watches[i];
    if (slot / 2 == w->deadline.slot) {
      const struct case_timer *timer = slot % 2 == 0 ? &w->end : &w->warning;
      return timer->due != CIVIL_MOMENT_NONE && timer->generation == generation;
    }
  }
  return false;
}

/* ---- computing ---------------------------------------------------------------------------------------------- */

static enum err unknown_year(struct step *s, struct live *live) {
  live_fault(s, live, "due", "the date lies outside the years that are known");
  return ERR_OK;
}

/* A pause has moved the due day by so many working days. */
static enum err move_by(const struct calendar *calendar, int32_t days, struct due *due) {
  const struct term term = {.parts = {{.count = days, .unit = TERM_WORKING_DAYS}}, .parts_count = 1};
  bool provisional = due->provisional;
  if (days == 0) {
    return ERR_OK;
  }
  TRY(calendar_due(calendar, due->day, &term, TERM_SHIFT_ON, due));
  due->provisional = due->provisional || provisional;
  return ERR_OK;
}

/* Due and opening day from the anchor. ERR_RANGE: outside the years that are known. */
static enum err compute(struct step *s, const struct element *e, const struct anchor *anchor, struct watch *w) {
  const struct calendar *calendar = s->c->casework->options.calendar;
  struct due due;
  struct due opens = {.day = CIVIL_DAY_NONE};
  if (calendar_due(calendar, anchor->from, &anchor->term, e->shift, &due) != ERR_OK ||
      move_by(calendar, w->deadline.held, &due) != ERR_OK ||
      (e->opens.parts_count > 0 &&
       calendar_due(calendar, anchor->from, &e->opens, TERM_SHIFT_NONE, &opens) != ERR_OK)) {
    return ERR_RANGE;
  }
  struct deadline *d = &w->deadline;
  bool bounded = anchor->not_after != CIVIL_DAY_NONE && anchor->not_after < due.day;
  d->from = anchor->from;
  d->term = case_text(s->c, d->term, anchor->term_text);
  d->due = bounded ? anchor->not_after : due.day;
  d->opens = opens.day;
  d->calendar_revision = case_text(s->c, d->calendar_revision, span_of_cstr(calendar_revision(calendar)));
  d->state = due.provisional ? DEADLINE_PROVISIONAL : DEADLINE_OPEN;
  w->not_after = anchor->not_after;
  return ERR_OK;
}

/* Done already before it could be open: what has not happened yet, or not inside the term, does not count. */
static bool is_born_done(const struct step *s, const struct deadline *d, civil_day done) {
  return done != CIVIL_DAY_NONE && done <= d->due && done <= civil_moment_day(s->now) &&
         (d->opens == CIVIL_DAY_NONE || done >= d->opens);
}

static bool has_moved(const struct watch *w, const struct anchor *anchor) {
  const struct deadline *d = &w->deadline;
  return d->from != anchor->from || w->not_after != anchor->not_after || !span_equal(d->term, anchor->term_text);
}

static bool rests_on_another_calendar(const struct step *s, const struct watch *w) {
  return !span_is(w->deadline.calendar_revision, calendar_revision(s->c->casework->options.calendar));
}

/* The calendar is another one, and the days are the same: nothing has happened to the deadline, and its record goes on
 * naming the calendar that it was computed by. */
static bool is_as_before(const struct watch *before, const struct watch *again) {
  const struct deadline *a = &before->deadline;
  const struct deadline *b = &again->deadline;
  return a->due == b->due && a->opens == b->opens && a->state == b->state;
}

/* Nobody is blamed for a term that had run out before it began, when the chart knows why. */
static enum err miss_at_once(struct step *s, struct live *live, uint32_t slot) {
  struct value cause = value_nil();
  bool ok = false;
  if (live->element->excused) {
    TRY(live_attribute(s, live, "cause", &cause, &ok));
  }
  struct watch *w = case_watch_find(s->c, slot);
  if (ok && cause.kind == VALUE_TEXT && !span_empty(cause.text)) {
    w->deadline.cause = case_text(s->c, w->deadline.cause, cause.text);
    w->deadline.counted = false;
  }
  miss(s, w, s->now);
  return ERR_OK;
}

static enum err computed(struct step *s, struct live *live, struct watch *w) {
  if (end_of(w->deadline.due) <= s->now) {
    return miss_at_once(s, live, w->deadline.slot);
  }
  set_timers(s, w);
  effect_deadline(s, &w->deadline);
  return ERR_OK;
}

static struct span deadline_id(struct step *s, const struct live *live, struct span key) {
  if (live->element->kind != ELEMENT_REFERRALS) {
    return live->element->id;
  }
  return case_text(s->c, (struct span){0}, arena_printf(s->arena, "measure:%.*s", SPAN_ARG(key)));
}

static enum err open_watch(struct step *s, struct live *live, struct span key, const struct anchor *anchor,
                           uint32_t *slot) {
  struct case_file *c = s->c;
  const struct element *e = live->element;
  *slot = ++c->slots; /* also when it cannot be opened: it is not tried again */
  if (c->watches_count == CASE_DEADLINES_MAX || c->slots > SLOTS_MAX) {
    effect_incident(s, "too-many-deadlines", e->id);
    return ERR_OK;
  }
  struct watch made = {.element = e,
                       .serial = live->serial,
                       .end = {CIVIL_MOMENT_NONE, 0},
                       .warning = {CIVIL_MOMENT_NONE, 0},
                       .deadline = {.slot = *slot,
                                    .id = deadline_id(s, live, key),
                                    .key = case_text(c, (struct span){0}, key),
                                    .basis = e->basis,
                                    .title = e->title,
                                    .owner = e->role ? e->role->role : (struct span){0},
                                    .shift = e->shift,
                                    .opened_at = s->now,
                                    .at = s->now,
                                    .done_on = CIVIL_DAY_NONE,
                                    .counted = true}};
  if (compute(s, live->element, anchor, &made) != ERR_OK) {
    *slot = 0;
    return unknown_year(s, live);
  }
  struct watch *w = case_watch_new(c);
  *w = made;
  if (is_born_done(s, &w->deadline, anchor->done)) {
    w->deadline.done_on = anchor->done;
    settle(s, w, DEADLINE_MET);
    return ERR_OK;
  }
  return computed(s, live, w);
}

static enum err recompute(struct step *s, struct live *live, const struct anchor *anchor, struct watch *w) {
  enum deadline_state before = w->deadline.state;
  struct watch again = *w;
  if (compute(s, live->element, anchor, &again) != ERR_OK) {
    return unknown_year(s, live);
  }
  if (!has_moved(w, anchor) && is_as_before(w, &again)) {
    move_warning(s, w);
    return ERR_OK;
  }
  *w = again;
  if (w->deadline.state != before) {
    w->deadline.at = s->now;
  }
  return computed(s, live, w);
}

enum err watch_follow(struct step *s, struct live *live, struct span key, const struct anchor *anchor, uint32_t *slot) {
  struct watch *w = *slot == 0 ? NULL : case_watch_find(s->c, *slot);
  bool is_open = w && deadline_is_open(&w->deadline);
  if (anchor->from == CIVIL_DAY_NONE) {
    if (is_open) {
      settle(s, w, DEADLINE_CANCELLED);
      *slot = 0;
    }
    return ERR_OK;
  }
  if (*slot == 0) {
    return open_watch(s, live, key, anchor, slot);
  }
  bool another = is_open && (has_moved(w, anchor) || rests_on_another_calendar(s, w));
  return another ? recompute(s, live, anchor, w) : ERR_OK;
}

/* ---- k:deadline: its anchor from the chart -------------------------------------------------------------------- */

static enum err read_day(struct step *s, struct live *live, const char *name, civil_day *ret_day, bool *ret_ok) {
  struct value v;
  TRY(live_attribute(s, live, name, &v, ret_ok));
  *ret_day = CIVIL_DAY_NONE;
  if (*ret_ok && v.kind != VALUE_NIL && (v.kind != VALUE_TEXT || civil_day_parse(v.text, ret_day) != ERR_OK)) {
    live_fault(s, live, name, "no date");
    *ret_ok = false;
  }
  return ERR_OK;
}

static enum err read_term(struct step *s, struct live *live, struct anchor *anchor, bool *ret_ok) {
  struct value v;
  *ret_ok = true;
  anchor->term_text = live->element->term_text;
  anchor->term = live->element->term;
  if (!span_empty(anchor->term_text)) {
    return ERR_OK;
  }
  TRY(live_attribute(s, live, "dueexpr", &v, ret_ok));
  anchor->term_text = v.kind == VALUE_TEXT ? v.text : (struct span){0};
  if (*ret_ok && term_parse(anchor->term_text, &anchor->term, NULL) != ERR_OK) {
    live_fault(s, live, "dueexpr", "no term");
    *ret_ok = false;
  }
  return ERR_OK;
}

/* True if the deadline is met by what occurred on `day`; the watch is then gone. A late event leaves a missed deadline
 * missed and is remembered, as long as its state is active: later it speaks of something else. */
static bool meet(struct step *s, struct watch *w, civil_day day) {
  struct deadline *d = &w->deadline;
  if (d->opens != CIVIL_DAY_NONE && day < d->opens) {
    return false;
  }
  if (day <= d->due || d->state == DEADLINE_PAUSED) {
    d->done_on = day;
    settle(s, w, d->state == DEADLINE_MISSED ? DEADLINE_MET_REPORTED_LATE : DEADLINE_MET);
    return true;
  }
  if (d->state == DEADLINE_MISSED && d->done_on == CIVIL_DAY_NONE && w->serial != 0) {
    d->done_on = day;
    effect_deadline(s, d);
  }
  return false;
}

/* Done by what the chart has counted up, not by one event: asked again as long as it can still be met. */
static enum err foresee(struct step *s, struct live *live) {
  struct watch *w = live->slot == 0 ? NULL : case_watch_find(s->c, live->slot);
  bool ok = true;
  civil_day done;
  if (!live->element->foreseen || !w) {
    return ERR_OK;
  }
  TRY(read_day(s, live, "done", &done, &ok));
  if (ok && done != CIVIL_DAY_NONE && done <= civil_moment_day(s->now)) {
    (void)meet(s, w, done);
  }
  return ERR_OK;
}

enum err watch_refresh(struct step *s, struct live *live) {
  struct watch *w = live->slot == 0 ? NULL : case_watch_find(s->c, live->slot);
  struct anchor anchor;
  bool ok;
  if (live->slot != 0 && !(w && deadline_is_open(&w->deadline))) {
    return foresee(s, live); /* what is settled or missed is not computed again */
  }
  TRY(read_day(s, live, "from", &anchor.from, &ok));
  if (ok && anchor.from != CIVIL_DAY_NONE) {
    TRY(read_term(s, live, &anchor, &ok));
  }
  anchor.not_after = CIVIL_DAY_NONE;
  if (ok && live->element->bounded && anchor.from != CIVIL_DAY_NONE) {
    TRY(read_day(s, live, "not-after", &anchor.not_after, &ok));
  }
  anchor.done = CIVIL_DAY_NONE;
  if (ok && live->element->foreseen && live->slot == 0 && anchor.from != CIVIL_DAY_NONE) {
    TRY(read_day(s, live, "done", &anchor.done, &ok));
  }
  if (ok) {
    TRY(watch_follow(s, live, live->key, &anchor, &live->slot));
  }
  return ok ? foresee(s, live) : ERR_OK;
}

/* ---- pausing ------------------------------------------------------------------------------------------------ */

void watch_hold(struct step *s, struct watch *w) {
  w->deadline.state = DEADLINE_PAUSED;
  w->deadline.at = s->now;
  clear_timers(s, w);
  effect_deadline(s, &w->deadline);
}

/* Outside the known years it stays where it was; its end will tell. */
void watch_release(struct step *s, struct watch *w, int32_t days) {
  struct anchor anchor = {
      .from = w->deadline.from, .term_text = w->deadline.term, .not_after = w->not_after, .done = CIVIL_DAY_NONE};
  w->deadline.held += days;
  w->deadline.state = DEADLINE_OPEN;
  w->deadline.at = s->now;
  if (term_parse(anchor.term_text, &anchor.term, NULL) == ERR_OK) {
    (void)compute(s, w->element, &anchor, w);
  }
  set_timers(s, w);
  effect_deadline(s, &w->deadline);
}

static bool is_pending(const struct deadline *d) {
  return deadline_is_open(d) || d->state == DEADLINE_PAUSED;
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

void watch_cancel(struct step *s, uint32_t slot) {
  struct watch *w = slot == 0 ? NULL : case_watch_find(s->c, slot);
  if (w && is_pending(&w->deadline)) {
    settle(s, w, DEADLINE_CANCELLED);
  }
}

void watch_leave(struct step *s, uint32_t serial) {
  for (size_t i = 0; i < s->c->watches_count;) {
    struct watch *w = &s->c->watches[i];
    if (w->serial == serial && is_pending(&w->deadline)) {
      settle(s, w, DEADLINE_CANCELLED);
      continue;
    }
    w->serial = w->serial == serial ? 0 : w->serial;
    i++;
  }
}

void watch_take_back(struct step *s, civil_day day) {
  for (size_t i = 0; i < s->c->watches_count;) {
    struct watch *w = &s->c->watches[i];
    if (w->deadline.state == DEADLINE_MISSED && day <= w->deadline.due) {
      settle(s, w, DEADLINE_CANCELLED);
    } else {
      i++;
    }
  }
}

/* ---- meeting ------------------------------------------------------------------------------------------------ */

/* _x with the deadline that is asked about: one condition serves all instances, those of the past too. */
static struct chart_moment moment_of(struct step *s, const struct deadline *d) {
  const struct value_field fields[] = {
      FIELD("id", value_text(effect_text(s, d->id))),
      FIELD("key", data_text(effect_text(s, d->key))),
      FIELD("from", data_date(s, d->from)),
      FIELD("due", data_date(s, d->due)),
  };
  struct chart_moment moment = s->moment;
  moment.platform = value_with(s->arena, &moment.platform, SPAN_LITERAL("deadline"), DATA_MAP(s, fields));
  return moment;
}

/* A condition holds as in Lua: neither nil nor false; one that fails is an incident and does not hold. */
static enum err condition_holds(struct step *s, const struct watch *w, const char *name,
                                const struct chart_event *event, bool *ret_holds) {
  struct value v;
  struct fault fault = {0};
  const struct element *e = w->element;
  const struct chart_moment moment = moment_of(s, &w->deadline);
  enum err err = chart_session_attribute(s->c->session, &moment, e->number, name, event, s->arena, &v, &fault);
  *ret_holds = err == ERR_OK && v.kind != VALUE_NIL && (v.kind != VALUE_BOOL || v.truth);
  if (err == ERR_SCRIPT) {
    effect_incident(s, "script-error", arena_printf(s->arena, "%.*s, %s: %s", SPAN_ARG(e->id), name, fault.text));
    return ERR_OK;
  }
  return err;
}

/* Without a condition every event of the list counts. */
static enum err is_met_by(struct step *s, const struct watch *w, const struct chart_event *event, bool *ret_holds) {
  const struct element *e = w->element;
  *ret_holds = text_list_names(&e->met_by, event->name);
  return *ret_holds && e->conditional ? condition_holds(s, w, "met-if", event, ret_holds) : ERR_OK;
}

static enum err is_ended_by(struct step *s, const struct watch *w, const struct chart_event *event, bool *ret_holds) {
  const struct element *e = w->element;
  *ret_holds = text_list_names(&e->ends_by, event->name);
  return *ret_holds && e->ends_conditional ? condition_holds(s, w, "ends-if", event, ret_holds) : ERR_OK;
}

/* True if the watch is gone: the deadline was met, or what ends it occurred in time, so that nothing was due any more.
 */
static enum err apply_event(struct step *s, struct watch *w, const struct chart_event *event, bool *ret_gone) {
  civil_day day = civil_moment_day(s->occurred_at);
  bool holds = false;
  *ret_gone = false;
  TRY(is_met_by(s, w, event, &holds));
  if (holds && meet(s, w, day)) {
    *ret_gone = true;
    return ERR_OK;
  }
  TRY(is_ended_by(s, w, event, &holds));
  if (holds && (day <= w->deadline.due || w->deadline.state == DEADLINE_PAUSED)) {
    settle(s, w, DEADLINE_CANCELLED);
    *ret_gone = true;
  }
  return ERR_OK;
}

enum err watch_meet_event(struct step *s, const struct chart_event *event, bool *ret_met) {
  *ret_met = false;
  for (size_t i = 0; i < s->c->watches_count;) {
    struct watch *w = &s->c->watches[i];
    bool gone = false;
    if (w->element->kind == ELEMENT_DEADLINE) {
      TRY(apply_event(s, w, event, &gone));
    }
    if (gone) {
      *ret_met = true;
    } else {
      i++;
    }
  }
  return ERR_OK;
}

void watch_meet_status(struct step *s, uint32_t slot, struct span status) {
  struct watch *w = slot == 0 ? NULL : case_watch_find(s->c, slot);
  if (w && text_list_names(&w->element->met_by, status)) {
    (void)meet(s, w, civil_moment_day(s->occurred_at));
  }
}
