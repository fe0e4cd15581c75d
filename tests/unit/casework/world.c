#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"

/* ---- beginning and end -------------------------------------------------------------------------------------- */

static struct span file_read(struct arena *arena, const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  uint8_t *bytes = arena_alloc(arena, 1 << 20);
  size_t size = fread(bytes, 1, 1 << 20, file);
  (void)fclose(file);
  return span_of(bytes, size);
}

static int64_t load_of(void *arg, struct span participant) {
  const struct world *w = arg;
  for (size_t i = 0; i < w->loads_count; i++) {
    if (span_equal(w->loads[i].participant, participant)) {
      return w->loads[i].load;
    }
  }
  return 0;
}

struct span world_chart(struct arena *arena, const char *inside) {
  return arena_printf(arena,
                      "<scxml xmlns='http://www.w3.org/2005/07/scxml' xmlns:k='urn:kurator:case' version='1.0' "
                      "datamodel='lua'>\n<datamodel><data id='start'/></datamodel>%s</scxml>",
                      inside);
}

void world_define(struct world *w, const struct world_process *process, struct span revision) {
  const struct process_source source = {.name = span_of_cstr(process->name),
                                        .chart = world_chart(&w->arena, process->chart),
                                        .file = process->name,
                                        .settings = world_json(w, "{\"days\":\"5d\"}"),
                                        .revision = revision};
  struct fault fault = {0};
  if (casework_define(w->casework, &source, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
}

void world_open(struct world *w, const struct world_process *processes, size_t count) {
  *w = (struct world){0};
  arena_init(&w->arena, 0);
  struct fault fault = {0};
  struct span csv = file_read(&w->arena, KURATOR_SOURCE_DIR "/config/calendar/ru.csv");
  assert_int_equal(calendar_create(csv, (struct calendar_options){0}, &w->calendar, &fault), ERR_OK);
  w->catalogue = catalogue_fixture(&w->arena);
  if (catalogue_check(w->catalogue, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  const struct casework_options options = {.catalogue = w->catalogue,
                                           .calendar = w->calendar,
                                           .limits = chart_limits_default(),
                                           .ports = {.arg = w, .load = load_of}};
  assert_int_equal(casework_create(&options, &w->casework), ERR_OK);
  assert_int_equal(civil_moment_parse(SPAN_LITERAL("2026-01-12T10:00:00+05:00"), &w->now), ERR_OK);
  w->log = calloc(1, 1);
  for (size_t i = 0; i < count; i++) {
    world_define(w, &processes[i], (struct span){0});
  }
}

void world_close(struct world *w) {
  for (size_t i = 0; i < w->cases_count; i++) {
    case_close(&w->cases[i].kept);
    writer_finish(&w->cases[i].record);
  }
  casework_destroy(&w->casework);
  calendar_destroy(&w->calendar);
  arena_finish(&w->arena);
  free(w->log);
}

/* ---- the log ------------------------------------------------------------------------------------------------ */

static void log_add(struct world *w, struct span line) {
  w->log = realloc(w->log, w->log_size + line.size + 2);
  assert_non_null(w->log);
  memcpy(w->log + w->log_size, line.data, line.size);
  w->log_size += line.size;
  w->log[w->log_size++] = '\n';
  w->log[w->log_size] = 0;
}

void world_mark(struct world *w) {
  w->seen = w->log_size;
}

size_t world_count(const struct world *w, const char *part) {
  size_t count = 0;
  for (const char *at = strstr(w->log + w->seen, part); at; at = strstr(at + 1, part)) {
    count++;
  }
  return count;
}

bool world_has(const struct world *w, const char *line) {
  return world_count(w, line) > 0;
}

void world_expect(const struct world *w, const char *line) {
  if (!world_has(w, line)) {
    fail_msg("not there: %s\nsince the mark:\n%s", line, w->log + w->seen);
  }
}

void world_refuse(const struct world *w, const char *part) {
  if (world_has(w, part)) {
    fail_msg("should not be there: %s\nsince the mark:\n%s", part, w->log + w->seen);
  }
}

/* ---- effects as text ---------------------------------------------------------------------------------------- */

static const char *day_text(struct world *w, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  if (day == CIVIL_DAY_NONE) {
    return "-";
  }
  civil_day_format(day, text);
  return arena_cstr(&w->arena, span_of_cstr(text));
}

static const char *moment_text(struct world *w, civil_moment moment) {
  char text[CIVIL_MOMENT_TEXT];
  if (moment == CIVIL_MOMENT_NONE) {
    return "-";
  }
  civil_moment_format(moment, text);
  return arena_cstr(&w->arena, span_of_cstr(text));
}

static struct span json_text(struct world *w, const struct value *v) {
  struct writer out;
  writer_init(&out);
  json_write(v, &out);
  struct span text = arena_copy(&w->arena, writer_span(&out));
  writer_finish(&out);
  return text;
}

static struct span deadline_line(struct world *w, const struct deadline *d) {
  return arena_printf(&w->arena,
                      "deadline %.*s %s from=%s term=%.*s due=%s opens=%s at=%s done=%s key=%.*s cause=%.*s%s",
                      SPAN_ARG(d->id), deadline_state_name(d->state), day_text(w, d->from), SPAN_ARG(d->term),
                      day_text(w, d->due), day_text(w, d->opens), moment_text(w, d->at), day_text(w, d->done_on),
                      SPAN_ARG(d->key), SPAN_ARG(d->cause), d->counted ? "" : " uncounted");
}

static struct span delivery_line(struct world *w, const struct case_effect *e) {
  static const char *const names[] = {"offer", "offer-withdrawn", "task", "task-withdrawn", "notice", "deadline"};
  return arena_printf(&w->arena, "deliver %s to=%.*s subject=%.*s event=%.*s reason=%.*s %.*s", names[e->delivery],
                      SPAN_ARG(e->participant), SPAN_ARG(e->subject), SPAN_ARG(e->event), SPAN_ARG(e->reason),
                      SPAN_ARG(json_text(w, &e->data)));
}

static struct span effect_line(struct world *w, const struct case_effect *e) {
  struct span data = json_text(w, &e->data);
  switch (e->kind) {
  case CASE_EFFECT_DEADLINE:
    return deadline_line(w, &e->deadline);
  case CASE_EFFECT_TIMER_SET:
  case CASE_EFFECT_TIMER_CLEAR:
    return arena_printf(&w->arena, "timer %s slot=%u generation=%llu due=%s",
                        e->kind == CASE_EFFECT_TIMER_SET ? "set" : "clear", e->slot, (unsigned long long)e->generation,
                        moment_text(w, e->due));
  case CASE_EFFECT_START:
    return arena_printf(&w->arena, "start %.*s process=%.*s invoke=%.*s key=%.*s %.*s", SPAN_ARG(e->case_id),
                        SPAN_ARG(e->process), SPAN_ARG(e->invoke), SPAN_ARG(e->key), SPAN_ARG(data));
  case CASE_EFFECT_EVENT:
    return arena_printf(&w->arena, "event %.*s to=%.*s invoke=%.*s %.*s", SPAN_ARG(e->event), SPAN_ARG(e->case_id),
                        SPAN_ARG(e->invoke), SPAN_ARG(data));
  case CASE_EFFECT_DELIVERY:
    return delivery_line(w, e);
  case CASE_EFFECT_INCIDENT:
    return arena_printf(&w->arena, "incident %.*s: %.*s", SPAN_ARG(e->reason), SPAN_ARG(e->detail));
  case CASE_EFFECT_LOAD:
    return arena_printf(&w->arena, "load %.*s %lld", SPAN_ARG(e->participant), (long long)e->delta);
  case CASE_EFFECT_ENDED:
    return arena_printf(&w->arena, "ended ground=%.*s %.*s", SPAN_ARG(e->reason), SPAN_ARG(data));
  }
  return SPAN_LITERAL("?");
}

/* ---- one step, twice ---------------------------------------------------------------------------------------- */

static struct case_effects effects_of(struct world *w) {
  return (struct case_effects){.arena = &w->arena};
}

static void compare_effects(struct world *w, const struct case_effects *a, const struct case_effects *b) {
  assert_int_equal(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    struct span line_a = effect_line(w, &a->items[i]);
    struct span line_b = effect_line(w, &b->items[i]);
    if (!span_equal(line_a, line_b)) {
      fail_msg("a restored case does something else:\n%.*s\n%.*s", SPAN_ARG(line_a), SPAN_ARG(line_b));
    }
  }
}

static struct case_file *twin_of(struct world *w, const struct world_case *c, const struct case_identity *identity) {
  struct case_file *twin = NULL;
  struct fault fault = {0};
  enum err err = c->record.size == 0 ? case_open(w->casework, identity, &twin)
                                     : case_decode(w->casework, writer_span(&c->record), &twin, &fault);
  if (err != ERR_OK) {
    fail_msg("%s: %s", err_text(err), fault.text);
  }
  return twin;
}

static void save_both(struct world *w, struct world_case *c, struct case_file **twin) {
  struct writer kept;
  writer_init(&kept);
  writer_reset(&c->record);
  assert_int_equal(case_encode(*twin, &c->record, &w->fault), ERR_OK);
  assert_int_equal(case_encode(c->kept, &kept, &w->fault), ERR_OK);
  assert_int_equal(kept.size, c->record.size);
  assert_memory_equal(kept.data, c->record.data, kept.size);
  writer_finish(&kept);
  case_close(twin);
}

static struct world_pending *queue_add(struct world *w, struct span case_id) {
  assert_true(w->queue_count < WORLD_QUEUE_MAX);
  struct world_pending *pending = &w->queue[w->queue_count++];
  *pending = (struct world_pending){.case_id = case_id};
  return pending;
}

static void timer_clear(struct world *w, struct span case_id, const struct case_effect *e) {
  for (size_t i = 0; i < w->timers_count; i++) {
    struct world_timer *timer = &w->timers[i];
    if (span_equal(timer->case_id, case_id) && timer->slot == e->slot) {
      assert_int_equal(timer->generation, e->generation);
      assert_int_equal(timer->due, e->due);
      *timer = w->timers[--w->timers_count];
      return;
    }
  }
  fail_msg("a timer is cleared that was never set");
}

static void timer_set(struct world *w, struct span case_id, const struct case_effect *e) {
  for (size_t i = 0; i < w->timers_count; i++) {
    assert_false(span_equal(w->timers[i].case_id, case_id) && w->timers[i].slot == e->slot);
  }
  assert_true(w->timers_count < WORLD_TIMERS_MAX);
  w->timers[w->timers_count++] = (struct world_timer){case_id, e->slot, e->generation, e->due};
}

static void load_change(struct world *w, const struct case_effect *e) {
  for (size_t i = 0; i < w->loads_count; i++) {
    if (span_equal(w->loads[i].participant, e->participant)) {
      w->loads[i].load += e->delta;
      assert_true(w->loads[i].load >= 0);
      return;
    }
  }
  assert_true(w->loads_count < WORLD_LOADS_MAX);
  w->loads[w->loads_count].participant = e->participant;
  w->loads[w->loads_count++].load = e->delta;
}

static bool is_known(const struct world *w, struct span case_id) {
  for (size_t i = 0; i < w->cases_count; i++) {
    if (span_equal(w->cases[i].id, case_id)) {
      return true;
    }
  }
  return false;
}

static void carry(struct world *w, struct world_case *c, const struct case_effect *e) {
  struct world_pending *pending;
  switch (e->kind) {
  case CASE_EFFECT_TIMER_SET:
    timer_set(w, c->id, e);
    return;
  case CASE_EFFECT_TIMER_CLEAR:
    timer_clear(w, c->id, e);
    return;
  case CASE_EFFECT_LOAD:
    load_change(w, e);
    return;
  case CASE_EFFECT_START:
    pending = queue_add(w, e->case_id);
    pending->identity = (struct case_identity){.id = e->case_id,
                                               .process = e->process,
                                               .parent = c->id,
                                               .invoke = e->invoke,
                                               .key = e->key,
                                               .referral = e->referral};
    pending->input = (struct case_input){.kind = CASE_INPUT_START, .data = e->data, .occurred_at = e->occurred_at};
    return;
  case CASE_EFFECT_EVENT:
    if (!span_empty(e->process) && !is_known(w, e->case_id)) {
      pending = queue_add(w, e->case_id);
      pending->identity = (struct case_identity){.id = e->case_id, .process = e->process, .key = e->case_id};
      pending->input = (struct case_input){
          .kind = CASE_INPUT_START, .data = e->data, .occurred_at = e->occurred_at, .participant = e->participant};
    }
    pending = queue_add(w, e->case_id);
    pending->input = (struct case_input){.kind = CASE_INPUT_INTERNAL,
                                         .event = e->event,
                                         .data = e->data,
                                         .occurred_at = e->occurred_at,
                                         .invokeid = e->invoke,
                                         .origin = c->id};
    return;
  case CASE_EFFECT_ENDED:
    assert_false(c->ended);
    c->ended = true;
    return;
  default:
    return;
  }
}

static enum err step(struct world *w, struct world_case *c, const struct case_identity *identity,
                     const struct case_input *input) {
  struct case_effects kept_effects = effects_of(w);
  struct case_effects twin_effects = effects_of(w);
  struct case_file *twin = twin_of(w, c, identity);
  enum err err = case_step(twin, input, w->now, &twin_effects, &w->fault);
  assert_int_equal(case_step(c->kept, input, w->now, &kept_effects, &w->fault), err);
  if (err != ERR_OK) {
    case_close(&twin);
    return err;
  }
  assert_int_equal(case_took(twin), case_took(c->kept));
  compare_effects(w, &kept_effects, &twin_effects);
  save_both(w, c, &twin);
  for (size_t i = 0; i < twin_effects.count; i++) {
    log_add(w,
            arena_printf(&w->arena, "%.*s: %.*s", SPAN_ARG(c->id), SPAN_ARG(effect_line(w, &twin_effects.items[i]))));
    carry(w, c, &twin_effects.items[i]);
  }
  return ERR_OK;
}

struct world_case *world_case(struct world *w, const char *case_id) {
  for (size_t i = 0; i < w->cases_count; i++) {
    if (span_is(w->cases[i].id, case_id)) {
      return &w->cases[i];
    }
  }
  fail_msg("no case %s", case_id);
  return NULL;
}

static void open_case(struct world *w, const struct case_identity *identity) {
  assert_true(w->cases_count < WORLD_CASES_MAX);
  struct world_case *c = &w->cases[w->cases_count++];
  *c = (struct world_case){.id = identity->id, .process = identity->process};
  writer_init(&c->record);
  assert_int_equal(case_open(w->casework, identity, &c->kept), ERR_OK);
}

static void follow_up(struct world *w) {
  while (w->queue_first < w->queue_count) {
    struct world_pending pending = w->queue[w->queue_first++];
    if (pending.input.kind == CASE_INPUT_START) {
      open_case(w, &pending.identity);
    }
    struct world_case *c = world_case(w, arena_cstr(&w->arena, pending.case_id));
    assert_int_equal(step(w, c, &pending.identity, &pending.input), ERR_OK);
  }
  w->queue_first = w->queue_count = 0;
}

/* ---- inputs ------------------------------------------------------------------------------------------------- */

struct value world_json(struct world *w, const char *text) {
  struct value v;
  struct fault fault = {0};
  if (json_read(span_of_cstr(text), &w->arena, &v, &fault) != ERR_OK) {
    fail_msg("%s: %s", text, fault.text);
  }
  return v;
}

static civil_moment moment_of(const struct world *w, const char *text) {
  civil_moment moment = w->now;
  if (text) {
    assert_int_equal(civil_moment_parse(span_of_cstr(text), &moment), ERR_OK);
  }
  return moment;
}

void world_start(struct world *w, const char *case_id, const char *process, const char *event, const char *data) {
  const struct case_identity identity = {.id = span_of_cstr(case_id), .process = span_of_cstr(process)};
  const struct case_input input = {.kind = CASE_INPUT_START,
                                   .event = span_of_cstr(event),
                                   .data = world_json(w, data),
                                   .sender = SPAN_LITERAL("agency-1"),
                                   .occurred_at = w->now,
                                   .payload = ++w->entry};
  open_case(w, &identity);
  assert_int_equal(step(w, world_case(w, case_id), &identity, &input), ERR_OK);
  follow_up(w);
}

enum err world_send(struct world *w, const char *case_id, const char *sender, const char *event, const char *data,
                    const char *occurred) {
  struct world_case *c = world_case(w, case_id);
  const struct event_rule *rule = catalogue_event(w->catalogue, span_of_cstr(event));
  const struct participant *participant = catalogue_participant(w->catalogue, span_of_cstr(sender));
  const struct case_input input = {.kind = CASE_INPUT_EVENT,
                                   .event = span_of_cstr(event),
                                   .data = world_json(w, data),
                                   .sender = span_of_cstr(sender),
                                   .occurred_at = moment_of(w, occurred),
                                   .payload = ++w->entry};
  assert_non_null(rule);
  assert_non_null(participant);
  enum err err = case_permits(c->kept, rule, participant, &input.data, &w->fault);
  if (err == ERR_OK) {
    err = step(w, c, NULL, &input);
    follow_up(w);
  }
  return err;
}

void world_event(struct world *w, const char *case_id, const char *sender, const char *event, const char *data) {
  enum err err = world_send(w, case_id, sender, event, data, NULL);
  if (err != ERR_OK) {
    fail_msg("%s: %s", event, w->fault.text);
  }
}

void world_watched(struct world *w, const char *case_id, const char *event, const char *data, const char *occurred) {
  const struct case_input input = {.kind = CASE_INPUT_WATCHED,
                                   .event = span_of_cstr(event),
                                   .data = world_json(w, data),
                                   .occurred_at = moment_of(w, occurred)};
  assert_int_equal(step(w, world_case(w, case_id), NULL, &input), ERR_OK);
  follow_up(w);
}

void world_internal(struct world *w, const char *case_id, const char *event) {
  const struct case_input input = {.kind = CASE_INPUT_INTERNAL, .event = span_of_cstr(event), .occurred_at = w->now};
  assert_int_equal(step(w, world_case(w, case_id), NULL, &input), ERR_OK);
  follow_up(w);
}

/* Both are in the order of their dates; of two for one day the amended row counts. */
static struct span merged_rows(struct world *w, struct span year, struct span more) {
  enum { DATE = CIVIL_DATE_TEXT - 1 };
  struct writer csv;
  writer_init(&csv);
  writer_printf(&csv, "date,kind,note\n");
  while (year.size > 0 || more.size > 0) {
    int order = year.size == 0 ? 1 : more.size == 0 ? -1 : memcmp(year.data, more.data, DATE);
    struct span line = order < 0 ? span_cut(year, '\n', &year) : span_cut(more, '\n', &more);
    if (order == 0) {
      (void)span_cut(year, '\n', &year);
    }
    writer_printf(&csv, "%.*s\n", SPAN_ARG(line));
  }
  struct span copy = arena_copy(&w->arena, writer_span(&csv));
  writer_finish(&csv);
  return copy;
}

void world_amend(struct world *w, const char *case_id, const char *rows) {
  struct calendar *with = NULL;
  struct fault fault = {0};
  struct span csv = merged_rows(w, calendar_source_year(w->calendar, 2026), span_of_cstr(rows));
  if (calendar_amend(w->calendar, csv, &with, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  assert_ptr_equal(w->calendar, casework_calendar_swap(w->casework, with));
  calendar_destroy(&w->calendar);
  w->calendar = with;
  const struct case_input input = {.kind = CASE_INPUT_CALENDAR, .occurred_at = w->now};
  assert_int_equal(step(w, world_case(w, case_id), NULL, &input), ERR_OK);
  follow_up(w);
}

static const struct world_timer *next_timer(const struct world *w) {
  const struct world_timer *next = NULL;
  for (size_t i = 0; i < w->timers_count; i++) {
    const struct world_timer *timer = &w->timers[i];
    int order = next ? span_compare(timer->case_id, next->case_id) : 0;
    if (!next || timer->due < next->due ||
        (timer->due == next->due && (order < 0 || (order == 0 && timer->slot < next->slot)))) {
      next = timer;
    }
  }
  return next;
}

void world_until(struct world *w, const char *moment) {
  civil_moment until = moment_of(w, moment);
  for (;;) {
    const struct world_timer *found = next_timer(w);
    if (!found || found->due > until) {
      break;
    }
    const struct world_timer timer = *found;
    w->now = timer.due > w->now ? timer.due : w->now;
    const struct case_input input = {
        .kind = CASE_INPUT_TIMER, .timer_slot = timer.slot, .timer_generation = timer.generation};
    struct world_case *c = world_case(w, arena_cstr(&w->arena, timer.case_id));
    assert_int_equal(step(w, c, NULL, &input), ERR_OK);
    follow_up(w);
    /* Fired, moved or given up: in any case it is not there any more. */
    found = next_timer(w);
    assert_false(found && found->due == timer.due && found->slot == timer.slot &&
                 found->generation == timer.generation && span_equal(found->case_id, timer.case_id));
  }
  w->now = until;
}

struct case_view world_view(struct world *w, const char *case_id) {
  struct world_case *c = world_case(w, case_id);
  struct case_view open;
  struct case_view decoded;
  case_view_of(c->kept, &w->arena, &open);
  assert_int_equal(case_view_decode(writer_span(&c->record), &w->arena, &decoded), ERR_OK);
  assert_true(span_equal(open.identity.id, decoded.identity.id));
  assert_true(span_equal(open.revision, decoded.revision));
  assert_true(span_equal(open.stage, decoded.stage));
  assert_true(open.identity.referral == decoded.identity.referral);
  assert_true(span_equal(open.status, decoded.status));
  assert_true(span_equal(open.addressee, decoded.addressee));
  assert_true(span_equal(open.last_addressee, decoded.last_addressee));
  assert_int_equal(open.states.count, decoded.states.count);
  assert_int_equal(open.children.count, decoded.children.count);
  assert_int_equal(open.live.count, decoded.live.count);
  assert_int_equal(open.status_at, decoded.status_at);
  return decoded;
}
