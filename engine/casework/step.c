/*
 * step.c — one input, from beginning to end.
 *
 *   1. What the clock has brought: timers that are due fire in order of (moment, slot), before anything else, so that a
 *      message never sees a deadline that should already have been missed.
 *   2. The input. An event first meets deadlines, by the day on which it occurred; then the chart gets it.
 *   3. After each call of the chart: elements that were stopped and started, in that order in which the chart did it;
 *      then every live element is looked at again, because any variable may have changed.
 *   4. What this room has to tell the chart (a miss, an offer made, all referrals ended) follows as further events,
 *      in the order in which it arose, until nothing is left. Their number is bounded.
 *   5. The end of the case, and the session's own timer.
 *
 * An error return leaves the case unusable; the record of the step before is the truth.
 */
#include "casework/step.h"

#include "casework/document.h"
#include "casework/payload.h"

enum { TOLD_MAX = 1000 };

/* ---- what the chart asks for -------------------------------------------------------------------------------- */

static void change_add(struct step *s, struct change change) {
  struct change *added = ARENA_NEW(s->arena, struct change);
  *added = change;
  added->invokeid = arena_copy(s->arena, change.invokeid);
  *s->changes_last = added;
  s->changes_last = &added->next;
}

static enum err host_invoke(void *arg, const struct chart_invocation *invocation, struct fault *fault) {
  struct step *s = arg;
  if (invocation->element >= s->c->process->elements_count) {
    return fault_set(fault, ERR_UNSUPPORTED, "no such kind of invocation");
  }
  change_add(s, (struct change){.start = true,
                                .element = &s->c->process->elements[invocation->element],
                                .invokeid = invocation->invokeid,
                                .params = value_copy(s->arena, &invocation->params)});
  return ERR_OK;
}

static void host_uninvoke(void *arg, struct span invokeid, uint32_t element) {
  struct step *s = arg;
  if (element >= s->c->process->elements_count) {
    return;
  }
  const struct element *e = &s->c->process->elements[element];
  for (struct change *change = s->changes_first; change; change = change->next) {
    if (change->start && !change->void_ && change->element == e && span_equal(change->invokeid, invokeid)) {
      change->void_ = true;
      return;
    }
  }
  change_add(s, (struct change){.element = e, .invokeid = invokeid});
}

static enum err host_send(void *arg, const struct chart_send *send, struct fault *fault) {
  return case_content_run(arg, send, fault);
}

static void host_trace(void *arg, const char *what, struct span detail) {
  const struct step *s = arg;
  const struct casework_ports *ports = &s->c->casework->options.ports;
  ports->trace(ports->arg, &s->c->identity, what, detail);
}

/* ---- the step's context ------------------------------------------------------------------------------------- */

void step_tell(struct step *s, struct span event, struct value data, struct span invokeid, const char *otherwise) {
  struct told *told = ARENA_NEW(s->arena, struct told);
  told->event = (struct chart_event){.name = event, .data = data, .invokeid = effect_text(s, invokeid)};
  told->otherwise = span_of_cstr(otherwise);
  *s->told_last = told;
  s->told_last = &told->next;
}

static struct value moment_value(struct step *s, civil_moment moment) {
  char text[CIVIL_MOMENT_TEXT];
  civil_moment_format(moment, text);
  return value_text(arena_copy(s->arena, span_of_cstr(text)));
}

static struct value sender_kind(const struct step *s) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct participant *sender = catalogue_participant(catalogue, s->input->sender);
  return sender ? value_text(sender->kind) : value_nil();
}

/* _x: what a script may know of the case and the time beside its own data. */
static void platform_update(struct step *s) {
  struct case_file *c = s->c;
  const struct value_field fields[] = {
      FIELD("now", moment_value(s, s->now)),
      FIELD("today", data_date(s, civil_moment_day(s->now))),
      FIELD("occurred_on", data_date(s, civil_moment_day(s->occurred_at))),
      FIELD("case", value_text(c->identity.id)),
      FIELD("territory", data_text(c->territory)),
      FIELD("settings", c->process->settings),
      FIELD("sender_kind", sender_kind(s)),
  };
  s->moment = (struct chart_moment){s->now, DATA_MAP(s, fields)};
}

static void step_init(struct step *s, struct case_file *c, const struct case_input *input, civil_moment now,
                      struct case_effects *effects, struct fault *fault) {
  bool dated = input->kind != CASE_INPUT_TIMER && input->occurred_at <= now;
  *s = (struct step){.c = c,
                     .input = input,
                     .now = now,
                     .occurred_at = dated ? input->occurred_at : now,
                     .territory_before = c->territory,
                     .effects = effects,
                     .arena = effects->arena,
                     .fault = fault,
                     .host = {.arg = s, .invoke = host_invoke, .uninvoke = host_uninvoke, .send = host_send}};
  s->host.trace = c->casework->options.ports.trace ? host_trace : NULL;
  s->touched_last = &s->touched;
  s->told_last = &s->told_first;
  s->changes_last = &s->changes_first;
  platform_update(s);
}

/* ---- live elements ------------------------------------------------------------------------------------------ */

void live_fault(struct step *s, struct live *live, const char *name, const char *why) {
  s->fault_seen = true;
  if (!live->faulty) {
    live->faulty = true;
    effect_incident(s, "script-error", arena_printf(s->arena, "%.*s, %s: %s", SPAN_ARG(live->element->id), name, why));
  }
}

enum err live_attribute(struct step *s, struct live *live, const char *name, struct value *ret_value, bool *ret_ok) {
  struct fault fault = {0};
  *ret_value = value_nil();
  enum err err = chart_session_attribute(s->c->session, &s->moment, live->element->number, name, NULL, s->arena,
                                         ret_value, &fault);
  *ret_ok = err != ERR_SCRIPT;
  if (err == ERR_SCRIPT) {
    live_fault(s, live, name, fault.text);
    return ERR_OK;
  }
  if (err != ERR_OK) {
    return fault_set(s->fault, err, "%.*s, %s: %s", SPAN_ARG(live->element->id), name, fault.text);
  }
  return ERR_OK;
}

static struct span key_of(struct step *s, const struct value *params) {
  const struct value *key = value_get(params, "key");
  if (key && key->kind == VALUE_INT) {
    return arena_printf(s->arena, "%lld", (long long)key->integer);
  }
  return key && key->kind == VALUE_TEXT ? key->text : (struct span){0};
}

static void element_start(struct step *s, const struct change *change) {
  struct case_file *c = s->c;
  enum element_kind kind = change->element->kind;
  struct live *live = case_live_new(c);
  bool keeps = kind == ELEMENT_TASK || kind == ELEMENT_REFERRALS || kind == ELEMENT_CASES;
  struct value params = keeps ? element_params(kind, &change->params, s->arena) : value_nil();
  *live = (struct live){.element = change->element,
                        .serial = ++c->serials,
                        .invokeid = case_text(c, change->element->id, change->invokeid),
                        .key = case_text(c, (struct span){0}, key_of(s, &change->params)),
                        .params = keeps ? value_copy(&c->arena, &params) : value_nil(),
                        .due = CIVIL_DAY_NONE};
  if (kind == ELEMENT_CASE) {
    child_start_case(s, live, &change->params);
  } else if (kind == ELEMENT_OFFER) {
    offer_make(s, live, &change->params);
  }
}

static void live_stop(struct step *s, struct live *live) {
  if (live->element->kind == ELEMENT_PAUSE) {
    pause_end(s, live);
  }
  watch_leave(s, live->serial);
  children_cancel(s, live->serial);
  if (live->element->kind == ELEMENT_TASK) {
    task_withdraw(s, live);
  }
  case_live_drop(s->c, live);
}

static void element_stop(struct step *s, const struct change *change) {
  for (size_t i = 0; i < s->c->lives_count; i++) {
    struct live *live = &s->c->lives[i];
    if (live->element == change->element && span_equal(live->invokeid, change->invokeid)) {
      live_stop(s, live);
      return;
    }
  }
}

static void apply_changes(struct step *s) {
  struct change *change = s->changes_first;
  s->changes_first = NULL;
  s->changes_last = &s->changes_first;
  for (; change; change = change->next) {
    if (change->void_) {
      continue;
    }
    if (change->start) {
      element_start(s, change);
    } else {
      element_stop(s, change);
    }
  }
}

static enum err refresh_live(struct step *s, struct live *live) {
  enum err err = ERR_OK;
  s->fault_seen = false;
  if (live->element->kind == ELEMENT_DEADLINE) {
    err = watch_refresh(s, live);
  } else if (live->element->kind == ELEMENT_REFERRALS || live->element->kind == ELEMENT_CASES) {
    err = referrals_refresh(s, live);
  } else {
    return ERR_OK;
  }
  live->faulty = s->fault_seen;
  return err;
}

/* Tasks last: they show the due dates of the deadlines. */
static enum err refresh(struct step *s) {
  for (size_t i = 0; i < s->c->lives_count; i++) {
    TRY(refresh_live(s, &s->c->lives[i]));
  }
  pause_refresh(s);
  for (size_t i = 0; i < s->c->lives_count; i++) {
    if (s->c->lives[i].element->kind == ELEMENT_TASK) {
      task_refresh(s, &s->c->lives[i]);
    }
  }
  return ERR_OK;
}

/* ---- the end of a case -------------------------------------------------------------------------------------- */

static void case_end(struct step *s, struct span ground, struct value donedata) {
  struct case_file *c = s->c;
  while (c->lives_count > 0) {
    live_stop(s, &c->lives[0]);
  }
  watch_take_back(s, civil_moment_day(s->occurred_at));
  children_cancel(s, 0);
  struct span addressee = c->addressee;
  offer_release(s);
  c->addressee = addressee; /* lists go on showing who had it */
  effect_timer(s, &c->session_timer, 0, CIVIL_MOMENT_NONE);
  c->ended = true;
  c->ground = case_text(c, c->ground, ground);
  struct case_effect *effect = effect_add(s, CASE_EFFECT_ENDED);
  effect->data = donedata;
  effect->reason = effect_text(s, ground);
  effect_parent(s, arena_printf(s->arena, "done.invoke.%.*s", SPAN_ARG(c->identity.invoke)), donedata);
}

static void end_with_session(struct step *s) {
  struct value donedata = chart_session_donedata(s->c->session);
  donedata = value_copy(s->arena, &donedata);
  case_end(s, value_get_text(&donedata, "ground"), donedata);
}

/* The parent has no use for the case and the chart no word for it. */
static void end_cancelled(struct step *s) {
  static const struct span ground = {(const uint8_t *)"cancelled", sizeof "cancelled" - 1};
  struct case_file *c = s->c;
  offer_withdraw(s, ground);
  if (!span_empty(c->status)) {
    c->status = ground;
    c->reason = (struct span){0};
    c->status_at = s->now;
  }
  case_end(s, ground, value_nil());
}

/* ---- calls of the chart ------------------------------------------------------------------------------------- */

/* After every call: errors that nobody handled, elements, and the end. */
static enum err settle(struct step *s, const struct chart_outcome *outcome) {
  if (outcome->errors > 0) {
    effect_incident(s, "script-error", span_of_cstr(outcome->first_error.text));
  }
  apply_changes(s);
  if (outcome->ended && !s->c->ended) {
    end_with_session(s);
    return ERR_OK;
  }
  return refresh(s);
}

static enum err chart_takes(struct step *s, const struct chart_event *event, bool *ret_taken) {
  struct chart_outcome outcome = {0};
  enum err err = chart_session_event(s->c->session, &s->moment, event, &s->host, &outcome);
  if (err != ERR_OK) {
    return fault_set(s->fault, err, "event %.*s: %s", SPAN_ARG(event->name),
                     outcome.first_error.err != ERR_OK ? outcome.first_error.text : err_text(err));
  }
  *ret_taken = outcome.taken;
  return settle(s, &outcome);
}

static enum err drain(struct step *s) {
  while (s->told_first && !s->c->ended) {
    struct told *told = s->told_first;
    bool taken = false;
    s->told_first = told->next;
    s->told_last = s->told_first ? s->told_last : &s->told_first;
    if (++s->told_count > TOLD_MAX) {
      return fault_set(s->fault, ERR_LIMIT, "more than %d consequences of one input", TOLD_MAX);
    }
    TRY(chart_takes(s, &told->event, &taken));
    if (!taken && !span_empty(told->otherwise)) {
      effect_incident(s, (const char *)told->otherwise.data, told->event.name);
    }
  }
  return ERR_OK;
}

static enum err advance(struct step *s) {
  struct chart_outcome outcome = {0};
  effect_timer(s, &s->c->session_timer, 0, CIVIL_MOMENT_NONE);
  enum err err = chart_session_advance(s->c->session, &s->moment, &s->host, &outcome);
  if (err != ERR_OK) {
    return fault_set(s->fault, err, "delayed event: %s", err_text(err));
  }
  return settle(s, &outcome);
}

/* ---- inputs ------------------------------------------------------------------------------------------------- */

/* Fires what is due, the earliest first; at one moment the session before the deadlines. */
static enum err catch_up(struct step *s) {
  for (int fired = 0; !s->c->ended && fired <= TOLD_MAX; fired++) {
    civil_moment due;
    struct watch *watch = watch_due(s, &due);
    civil_moment session_due = chart_session_due(s->c->session);
    bool session_first = session_due != CIVIL_MOMENT_NONE && session_due <= s->now && (!watch || session_due <= due);
    if (session_first) {
      TRY(advance(s));
    } else if (watch) {
      watch_fire(s, watch);
    } else {
      return ERR_OK;
    }
    TRY(drain(s));
  }
  return s->c->ended ? ERR_OK : fault_set(s->fault, ERR_LIMIT, "more than %d timers at one moment", TOLD_MAX);
}

static void move_to(struct step *s, struct span territory) {
  if (!span_empty(territory)) {
    s->c->territory = case_text(s->c, s->c->territory, territory);
    platform_update(s);
  }
}

/* A territory or an edition in the payload is the case's from now on; a correction changes them. */
static void read_payload(struct step *s) {
  const struct event_rule *rule = catalogue_event(s->c->casework->options.catalogue, s->input->event);
  const struct field_rule *field = rule ? event_territory_field(rule) : NULL;
  struct span territory = value_get_text(&s->input->data, "territory");
  if (rule) {
    const struct value *v = field ? value_find(&s->input->data, field->name) : NULL;
    territory = v && v->kind == VALUE_TEXT ? v->text : (struct span){0};
    const struct value *edition = value_find(&s->input->data, rule->edition);
    s->c->edition =
        edition && edition->kind == VALUE_INT && edition->integer > s->c->edition ? edition->integer : s->c->edition;
  }
  move_to(s, territory);
}

/* An event of the catalogue that the parent's chart has sent on moves the case as it moved the parent. */
static void read_forwarded(struct step *s) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct event_rule *rule = catalogue_event(catalogue, s->input->event);
  const struct field_rule *field = rule ? event_territory_field(rule) : NULL;
  const struct value *v = field ? value_find(&s->input->data, field->name) : NULL;
  bool from_parent = !span_empty(s->input->origin) && span_equal(s->input->origin, s->c->identity.parent);
  const struct territory *territory =
      from_parent && v && v->kind == VALUE_TEXT ? catalogue_territory(catalogue, v->text) : NULL;
  if (territory) {
    move_to(s, territory->code);
  }
}

/* The parent has moved, and this case follows. False: nothing is new, or the chart does not follow (it was written
 * before there was anything to hear, or is of another kind). */
static bool follows_move(struct step *s) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct territory *territory = catalogue_territory(catalogue, value_get_text(&s->input->data, "territory"));
  if (!territory || !chart_knows_event(s->c->process->chart, s->input->event) ||
      span_equal(s->c->territory, territory->code)) {
    return false;
  }
  move_to(s, territory->code);
  return true;
}

/* `start`: the data of the event, with its name, its sender and the date on which it occurred. */
static struct value start_preset(struct step *s) {
  struct value start = s->input->data;
  const struct value_field fields[] = {
      FIELD("event", data_text(s->input->event)),
      FIELD("as", data_text(s->input->sender)),
      FIELD("occurred_on", data_date(s, civil_moment_day(s->occurred_at))),
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (fields[i].value.kind != VALUE_NIL) {
      start = value_with(s->arena, &start, fields[i].name, fields[i].value);
    }
  }
  const struct value_field preset[] = {FIELD("start", start)};
  return DATA_MAP(s, preset);
}

static enum err step_start(struct step *s) {
  struct case_file *c = s->c;
  struct chart_outcome outcome = {0};
  c->opened_at = s->now;
  c->addressee = case_text(c, c->addressee, s->input->participant);
  c->last_addressee = c->addressee;
  read_payload(s);
  TRY(chart_session_create(c->casework->worker, c->process->chart, c->identity.id, &c->session));
  struct value preset = start_preset(s);
  enum err err = chart_session_start(c->session, &s->moment, &preset, &s->host, &outcome);
  if (err != ERR_OK) {
    return fault_set(s->fault, err, "start: %s", err_text(err));
  }
  c->took = true;
  if (span_empty(c->identity.parent) && span_empty(s->input->origin)) {
    documents_note_event(s);
  }
  return settle(s, &outcome);
}

/* Where the case stood, for the operator. A chart that took nothing still stands there. */
static struct span states_text(struct step *s) {
  struct text_list states = case_states(s->c, s->arena);
  struct span text = {0};
  for (size_t i = 0; i < states.count; i++) {
    text = arena_printf(s->arena, "%.*s %.*s", SPAN_ARG(text), SPAN_ARG(states.items[i]));
  }
  return text;
}

static void event_not_taken(struct step *s, struct span event) {
  struct span states = states_text(s);
  effect_incident(s, "event-not-taken", arena_printf(s->arena, "%.*s in%.*s", SPAN_ARG(event), SPAN_ARG(states)));
}

static enum err step_event(struct step *s) {
  struct case_file *c = s->c;
  const struct chart_event event = {.name = s->input->event, .data = s->input->data, .origin = s->input->sender};
  bool met = false;
  bool taken = false;
  if (!c->ended) {
    read_payload(s);
  }
  TRY(watch_meet_event(s, &event, &met));
  if (!c->ended) {
    TRY(chart_takes(s, &event, &taken));
  }
  c->took = met || taken;
  if (c->took) {
    documents_note_event(s);
  } else {
    event_not_taken(s, event.name);
  }
  return ERR_OK;
}

/* What this room says to a chart may be passed over; what a chart has sent to another may not. */
static bool is_sent_by_chart(struct span event) {
  return !span_starts_with(event, SPAN_LITERAL("referral.")) &&
         !span_starts_with(event, SPAN_LITERAL("done.invoke.")) && !span_is(event, "case.cancelled") &&
         !span_is(event, "case.moved");
}

static enum err step_internal(struct step *s) {
  struct case_file *c = s->c;
  struct child *child = span_empty(s->input->origin) ? NULL : case_child_find(c, s->input->origin);
  const struct chart_event event = {.name = s->input->event, .data = s->input->data, .invokeid = s->input->invokeid};
  if (child && !child_heard(s, child)) {
    return ERR_OK;
  }
  if (c->ended) {
    return ERR_OK;
  }
  if (span_is(event.name, "case.cancelled") && !chart_knows_event(c->process->chart, event.name)) {
    end_cancelled(s);
    c->took = true;
    return ERR_OK;
  }
  if (span_is(event.name, "case.moved") && !follows_move(s)) {
    return ERR_OK;
  }
  read_forwarded(s);
  TRY(chart_takes(s, &event, &c->took));
  if (!c->took && is_sent_by_chart(event.name)) {
    event_not_taken(s, event.name);
  }
  return ERR_OK;
}

static enum err step_watched(struct step *s) {
  const struct chart_event event = {.name = s->input->event, .data = s->input->data, .origin = s->input->sender};
  return watch_meet_event(s, &event, &s->c->took);
}

static bool timer_is_current(const struct case_file *c, const struct case_input *input) {
  if (input->timer_slot == 0) {
    return c->session_timer.due != CIVIL_MOMENT_NONE && c->session_timer.generation == input->timer_generation;
  }
  return watch_owns_timer(c, input->timer_slot, input->timer_generation);
}

static enum err step_timer(struct step *s) {
  s->c->took = true; /* catch_up has fired it */
  return ERR_OK;
}

/* What was put before the participants of the old place goes to those of the new one, and the cases below follow. */
static void moved(struct step *s) {
  for (size_t i = 0; i < s->c->lives_count; i++) {
    task_move(s, &s->c->lives[i]);
  }
  children_move(s);
}

/* Every live element is looked at again, as after any event. A chart that keeps dates of its own may say what it does
 * when the calendar changes. */
static enum err step_calendar(struct step *s) {
  struct case_file *c = s->c;
  const struct chart_event event = {.name = SPAN_LITERAL("calendar.changed")};
  c->took = false;
  if (c->ended) {
    return ERR_OK;
  }
  TRY(refresh(s));
  return chart_knows_event(c->process->chart, event.name) ? chart_takes(s, &event, &c->took) : ERR_OK;
}

/* Another calendar that changes nothing leaves the case as it was. */
static bool is_untouched(const struct step *s) {
  return s->input->kind == CASE_INPUT_CALENDAR && !s->c->took && s->effects->count == 0;
}

static void finish(struct step *s) {
  struct case_file *c = s->c;
  if (is_untouched(s)) {
    return;
  }
  documents_follow_referrals(s);
  if (!c->ended) {
    effect_timer(s, &c->session_timer, 0, chart_session_due(c->session));
  }
  if (!c->ended && s->input->kind != CASE_INPUT_START && !span_equal(c->territory, s->territory_before)) {
    moved(s);
  }
  case_stage_update(c);
  c->changed_at = s->now;
}

static enum err run(struct step *s) {
  static enum err (*const inputs[])(struct step *) = {
      [CASE_INPUT_START] = step_start,     [CASE_INPUT_EVENT] = step_event, [CASE_INPUT_INTERNAL] = step_internal,
      [CASE_INPUT_WATCHED] = step_watched, [CASE_INPUT_TIMER] = step_timer, [CASE_INPUT_CALENDAR] = step_calendar,
  };
  if (s->input->kind != CASE_INPUT_START) {
    TRY(catch_up(s));
  }
  TRY(inputs[s->input->kind](s));
  TRY(drain(s));
  finish(s);
  return ERR_OK;
}

enum err case_step(struct case_file *c, const struct case_input *input, civil_moment now, struct case_effects *effects,
                   struct fault *fault) {
  bool started = c->session != NULL;
  c->took = false;
  if (!c->process) {
    return fault_set(fault, ERR_CONFIG, "no definition of process \"%.*s\", revision %.*s, is loaded",
                     SPAN_ARG(c->identity.process), SPAN_ARG(c->revision));
  }
  if (started == (input->kind == CASE_INPUT_START)) {
    return fault_set(fault, ERR_INVALID, started ? "a case starts once" : "a case begins with its start");
  }
  if (input->kind == CASE_INPUT_TIMER && !timer_is_current(c, input)) {
    return ERR_OK;
  }
  struct step s;
  c->revision = c->process->revision;
  step_init(&s, c, input, now, effects, fault);
  c->casework->stepping = c;
  enum err err = run(&s);
  c->casework->stepping = NULL;
  return err;
}
