#include "casework/step.h"

enum { EFFECTS_FIRST = 16 };

struct case_effect *effect_add(struct step *s, enum case_effect_kind kind) {
  struct case_effects *effects = s->effects;
  if (effects->count == effects->capacity) {
    size_t capacity = effects->capacity ? effects->capacity * 2 : EFFECTS_FIRST;
    struct case_effect *items = arena_alloc(effects->arena, capacity * sizeof *items);
    if (effects->count > 0) {
      memcpy(items, effects->items, effects->count * sizeof *items);
    }
    effects->items = items;
    effects->capacity = capacity;
  }
  struct case_effect *effect = &effects->items[effects->count++];
  *effect = (struct case_effect){.kind = kind, .occurred_at = s->occurred_at};
  return effect;
}

struct span effect_text(struct step *s, struct span text) {
  return span_empty(text) ? (struct span){0} : arena_copy(s->arena, text);
}

void effect_incident(struct step *s, const char *reason, struct span detail) {
  struct case_effect *effect = effect_add(s, CASE_EFFECT_INCIDENT);
  effect->reason = span_of_cstr(reason);
  effect->detail = effect_text(s, detail);
}

/* Basis, title and owner belong to the chart, the revision to the calendar: those stay where they are. */
struct deadline effect_deadline_copy(struct step *s, const struct deadline *deadline) {
  struct deadline copy = *deadline;
  copy.id = effect_text(s, deadline->id);
  copy.key = effect_text(s, deadline->key);
  copy.term = effect_text(s, deadline->term);
  copy.cause = effect_text(s, deadline->cause);
  copy.calendar_revision = effect_text(s, deadline->calendar_revision);
  return copy;
}

void effect_deadline(struct step *s, const struct deadline *deadline) {
  struct case_effect *effect = effect_add(s, CASE_EFFECT_DEADLINE);
  effect->deadline = effect_deadline_copy(s, deadline);
  effect->slot = deadline->slot;
}

static void timer_effect(struct step *s, enum case_effect_kind kind, uint32_t slot, const struct case_timer *timer) {
  struct case_effect *effect = effect_add(s, kind);
  effect->slot = slot;
  effect->due = timer->due;
  effect->generation = timer->generation;
}

void effect_timer(struct step *s, struct case_timer *timer, uint32_t slot, civil_moment due) {
  if (timer->due == due) {
    return;
  }
  if (timer->due != CIVIL_MOMENT_NONE) {
    timer_effect(s, CASE_EFFECT_TIMER_CLEAR, slot, timer);
  }
  *timer = (struct case_timer){due, 0};
  if (due != CIVIL_MOMENT_NONE) {
    timer->generation = ++s->c->generations;
    timer_effect(s, CASE_EFFECT_TIMER_SET, slot, timer);
  }
}

void effect_delivery(struct step *s, const struct delivery *delivery, struct span participant) {
  struct case_effect *effect = effect_add(s, CASE_EFFECT_DELIVERY);
  effect->delivery = delivery->kind;
  effect->participant = participant;
  effect->subject = effect_text(s, delivery->subject);
  effect->event = effect_text(s, delivery->event);
  effect->reason = effect_text(s, delivery->reason);
  effect->data = delivery->data;
  if (delivery->deadline) {
    effect->deadline = effect_deadline_copy(s, delivery->deadline);
    effect->slot = delivery->deadline->slot;
  }
}

void effect_deliveries(struct step *s, const struct delivery *delivery, const struct text_list *participants) {
  for (size_t i = 0; i < participants->count; i++) {
    effect_delivery(s, delivery, participants->items[i]);
  }
}

void effect_parent(struct step *s, struct span event, struct value data) {
  struct case_file *c = s->c;
  if (span_empty(c->identity.parent)) {
    return;
  }
  struct case_effect *effect = effect_add(s, CASE_EFFECT_EVENT);
  effect->case_id = effect_text(s, c->identity.parent);
  effect->invoke = effect_text(s, c->identity.invoke);
  effect->key = effect_text(s, c->identity.key);
  effect->event = event;
  effect->data = data;
}

struct text_list role_in_territory(struct step *s, const struct role_rule *role, struct span territory) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  struct text_list list = {ARENA_ARRAY(s->arena, struct span, catalogue->participants_count), 0};
  for (size_t i = 0; i < catalogue->participants_count; i++) {
    const struct participant *p = &catalogue->participants[i];
    if (text_list_names(&role->kinds, p->kind) && participant_serves(p, territory)) {
      list.items[list.count++] = p->id;
    }
  }
  return list;
}

static struct text_list one_participant(struct step *s, struct span id) {
  struct text_list list = {ARENA_ARRAY(s->arena, struct span, 1), 1};
  list.items[0] = id;
  return list;
}

struct text_list role_participants(struct step *s, const struct role_rule *role) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct participant *addressee = catalogue_participant(catalogue, s->c->addressee);
  if (!role) {
    return (struct text_list){NULL, 0};
  }
  if (addressee && text_list_names(&role->kinds, addressee->kind)) {
    return one_participant(s, addressee->id);
  }
  return role_in_territory(s, role, s->c->territory);
}

struct value data_map(struct step *s, const struct value_field *fields, size_t count) {
  struct value_field *kept = ARENA_ARRAY(s->arena, struct value_field, count);
  struct value map;
  size_t kept_count = 0;
  for (size_t i = 0; i < count; i++) {
    if (fields[i].value.kind != VALUE_NIL) {
      kept[kept_count++] = fields[i];
    }
  }
  enum err err = value_map(kept, kept_count, &map);
  ASSERT(err == ERR_OK); /* the names are ours */
  return map;
}

struct value data_date(struct step *s, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  if (day == CIVIL_DAY_NONE) {
    return value_nil();
  }
  civil_day_format(day, text);
  return value_text(arena_copy(s->arena, span_of_cstr(text)));
}

struct value data_text(struct span text) {
  return span_empty(text) ? value_nil() : value_text(text);
}
