#include "runtime/correct_diff.h"

#include <string.h>

#include "runtime/work.h"

#define REASON SPAN_LITERAL("annulled")

static struct replay_delivery *plan_add(struct correction *c, const struct replay_delivery *delivery) {
  if (c->plan_count == c->plan_capacity) {
    c->plan_capacity = c->plan_capacity ? c->plan_capacity * 2 : 32;
    struct replay_delivery *grown = ARENA_ARRAY(&c->arena, struct replay_delivery, c->plan_capacity);
    if (c->plan_count > 0) {
      memcpy(grown, c->plan, c->plan_count * sizeof *grown);
    }
    c->plan = grown;
  }
  c->plan[c->plan_count] = *delivery;
  return &c->plan[c->plan_count++];
}

static struct value map_of(struct correction *c, const struct value_field *fields, size_t count) {
  struct value_field *copy = ARENA_ARRAY(&c->arena, struct value_field, count);
  memcpy(copy, fields, count * sizeof *copy);
  struct value map;
  enum err err = value_map(copy, count, &map);
  ASSERT(err == ERR_OK); /* names of ours, each once */
  return map;
}

static struct case_slot *member_of(const struct family *family, struct span id) {
  for (size_t i = 0; i < family->count; i++) {
    if (span_equal(family->members[i]->id, id)) {
      return family->members[i];
    }
  }
  return NULL;
}

static struct span outside(struct correction *c, struct case_slot *slot) {
  return arena_copy(&c->arena, family_outside(c->runtime, case_slot_view(slot), slot->id));
}

static struct replay_delivery delivery_of(struct correction *c, enum runtime_delivery_kind kind, struct case_slot *slot,
                                          struct span participant) {
  return (struct replay_delivery){
      .kind = kind,
      .participant = catalogue_participant(c->runtime->catalogue, participant),
      .case_id = outside(c, slot),
      .process = arena_copy(&c->arena, case_process(slot->file)),
  };
}

/* ---- offers: each case has one addressee at most ---- */

static struct span addressee_of(struct case_slot *slot) {
  const struct case_view *view = slot ? case_slot_view(slot) : NULL;
  return view && !view->ended ? view->addressee : span_of(NULL, 0);
}

static bool same_offer(struct case_slot *a, struct case_slot *b) {
  return a && b && span_equal(addressee_of(a), addressee_of(b)) && case_slot_view(a)->offer == case_slot_view(b)->offer;
}

static void withdraw_offer(struct correction *c, struct case_slot *slot) {
  const struct case_view *view = case_slot_view(slot);
  const struct value_field fields[] = {
      {SPAN_LITERAL("offer"), value_int(view->offer)},
      {SPAN_LITERAL("measure"), value_text(arena_copy(&c->arena, view->identity.key))},
      {SPAN_LITERAL("reason"), value_text(REASON)},
  };
  struct replay_delivery delivery = delivery_of(c, RUNTIME_DELIVERY_OFFER_WITHDRAWN, slot, view->addressee);
  delivery.subject = SPAN_LITERAL("offer");
  delivery.reason = REASON;
  delivery.data = map_of(c, fields, sizeof fields / sizeof *fields);
  if (delivery.participant) {
    plan_add(c, &delivery);
  }
}

/* As it went out when the family was gone through. */
static void make_offer(struct correction *c, struct case_slot *slot) {
  struct span id = outside(c, slot);
  struct span to = addressee_of(slot);
  for (size_t i = c->without.deliveries_count; i-- > 0;) {
    const struct replay_delivery *d = &c->without.deliveries[i];
    if (d->kind == RUNTIME_DELIVERY_OFFER && span_equal(d->case_id, id) && span_equal(d->participant->id, to)) {
      plan_add(c, d);
      return;
    }
  }
}

static void withdraw_offers(struct correction *c) {
  const struct family *before = &c->without.before;
  for (size_t i = 0; i < before->count; i++) {
    struct case_slot *slot = before->members[i];
    bool offered = !span_empty(addressee_of(slot)) && case_slot_view(slot)->offer > 0; /* else of an account */
    if (offered && !same_offer(slot, member_of(&c->after, slot->id))) {
      withdraw_offer(c, slot);
    }
  }
}

static void make_offers(struct correction *c) {
  for (size_t i = 0; i < c->after.count; i++) {
    struct case_slot *slot = c->after.members[i];
    if (!span_empty(addressee_of(slot)) && !same_offer(slot, member_of(&c->without.before, slot->id))) {
      make_offer(c, slot);
    }
  }
}

/* ---- tasks: one delivery for each recipient ---- */

struct tasks {
  struct replay_delivery *items;
  size_t count, capacity;
};

static void tasks_add(struct correction *c, struct tasks *tasks, struct case_slot *slot, const struct case_task *task) {
  for (size_t i = 0; i < task->recipients.count; i++) {
    struct replay_delivery delivery = delivery_of(c, RUNTIME_DELIVERY_TASK, slot, task->recipients.items[i]);
    if (!delivery.participant) {
      continue;
    }
    if (tasks->count == tasks->capacity) {
      tasks->capacity = tasks->capacity ? tasks->capacity * 2 : 32;
      struct replay_delivery *grown = ARENA_ARRAY(&c->arena, struct replay_delivery, tasks->capacity);
      if (tasks->count > 0) {
        memcpy(grown, tasks->items, tasks->count * sizeof *grown);
      }
      tasks->items = grown;
    }
    delivery.subject = arena_copy(&c->arena, task->id);
    delivery.data = value_copy(&c->arena, &task->data);
    tasks->items[tasks->count++] = delivery;
  }
}

static struct tasks tasks_of(struct correction *c, const struct family *family) {
  struct tasks tasks = {.count = 0};
  for (size_t i = 0; i < family->count; i++) {
    struct case_task *items;
    size_t count = case_tasks(family->members[i]->file, &c->arena, &items);
    for (size_t k = 0; k < count; k++) {
      tasks_add(c, &tasks, family->members[i], &items[k]);
    }
  }
  return tasks;
}

/* Of one participant, case and element: what a withdrawal speaks of. */
static bool same_task(const struct replay_delivery *a, const struct replay_delivery *b) {
  return a->participant == b->participant && span_equal(a->case_id, b->case_id) && span_equal(a->process, b->process) &&
         span_equal(a->subject, b->subject);
}

static size_t count_same(const struct tasks *tasks, const struct replay_delivery *task) {
  size_t count = 0;
  for (size_t i = 0; i < tasks->count; i++) {
    count += same_task(&tasks->items[i], task);
  }
  return count;
}

static bool holds(const struct tasks *tasks, const struct replay_delivery *task) {
  for (size_t i = 0; i < tasks->count; i++) {
    if (same_task(&tasks->items[i], task) && value_equal(&tasks->items[i].data, &task->data)) {
      return true;
    }
  }
  return false;
}

static bool is_withdrawn(const struct correction *c, const struct replay_delivery *task) {
  for (size_t i = 0; i < c->plan_count; i++) {
    if (c->plan[i].kind == RUNTIME_DELIVERY_TASK_WITHDRAWN && same_task(&c->plan[i], task)) {
      return true;
    }
  }
  return false;
}

/* A task whose date has moved is delivered again, and nothing needs to be withdrawn for it. */
static void withdraw_tasks(struct correction *c, const struct tasks *before, const struct tasks *after) {
  for (size_t i = 0; i < before->count; i++) {
    const struct replay_delivery *task = &before->items[i];
    bool moved = count_same(before, task) == 1 && count_same(after, task) == 1;
    if (holds(after, task) || moved || is_withdrawn(c, task)) {
      continue;
    }
    const struct value_field fields[] = {{SPAN_LITERAL("id"), value_text(task->subject)}};
    struct replay_delivery *delivery = plan_add(c, task);
    delivery->kind = RUNTIME_DELIVERY_TASK_WITHDRAWN;
    delivery->reason = REASON;
    delivery->data = map_of(c, fields, 1);
  }
}

static void give_tasks(struct correction *c, const struct tasks *before, const struct tasks *after) {
  for (size_t i = 0; i < after->count; i++) {
    if (!holds(before, &after->items[i]) || is_withdrawn(c, &after->items[i])) {
      plan_add(c, &after->items[i]);
    }
  }
}

/* ---- notices and alarms: as they went out ---- */

static bool is_told(const struct replay_delivery *d) {
  return d->kind == RUNTIME_DELIVERY_NOTICE || d->kind == RUNTIME_DELIVERY_DEADLINE;
}

static bool same_news(const struct replay_delivery *a, const struct replay_delivery *b) {
  return a->kind == b->kind && same_task(a, b) && span_equal(a->event, b->event) && value_equal(&a->data, &b->data) &&
         a->has_deadline == b->has_deadline && (!a->has_deadline || a->deadline.due == b->deadline.due);
}

static void match_news(struct replay *a, struct replay *b) {
  for (size_t i = 0; i < a->deliveries_count; i++) {
    struct replay_delivery *left = &a->deliveries[i];
    for (size_t k = 0; is_told(left) && !left->matched && k < b->deliveries_count; k++) {
      struct replay_delivery *right = &b->deliveries[k];
      left->matched = !right->matched && same_news(left, right);
      right->matched = right->matched || left->matched;
    }
  }
}

static bool is_warned(const struct correction *c, const struct replay_delivery *d) {
  for (size_t i = 0; i < c->plan_count; i++) {
    if (c->plan[i].kind == RUNTIME_DELIVERY_NOTICE && c->plan[i].participant == d->participant &&
        span_equal(c->plan[i].case_id, d->case_id)) {
      return true;
    }
  }
  return false;
}

/* A notice cannot be taken back: whoever had one that was none is told so, once for each case. */
static void take_back_news(struct correction *c) {
  const struct value_field fields[] = {
      {SPAN_LITERAL("title"), value_text(SPAN_LITERAL("Прежнее извещение недействительно: сообщение было ошибочным"))},
  };
  for (size_t i = 0; i < c->as_it_was.deliveries_count; i++) {
    const struct replay_delivery *d = &c->as_it_was.deliveries[i];
    if (is_told(d) && !d->matched && !is_warned(c, d)) {
      struct replay_delivery *delivery = plan_add(c, d);
      delivery->kind = RUNTIME_DELIVERY_NOTICE;
      delivery->subject = REASON;
      delivery->event = span_of(NULL, 0);
      delivery->reason = span_of(NULL, 0);
      delivery->has_deadline = false;
      delivery->data = map_of(c, fields, 1);
    }
  }
}

static void tell_news(struct correction *c) {
  for (size_t i = 0; i < c->without.deliveries_count; i++) {
    if (is_told(&c->without.deliveries[i]) && !c->without.deliveries[i].matched) {
      plan_add(c, &c->without.deliveries[i]);
    }
  }
}

void correct_plan(struct correction *c) {
  family_all(c->without.runtime, c->root, &c->after);
  struct tasks before = tasks_of(c, &c->without.before);
  struct tasks after = tasks_of(c, &c->after);
  match_news(&c->as_it_was, &c->without);
  withdraw_offers(c);
  withdraw_tasks(c, &before, &after);
  take_back_news(c);
  make_offers(c);
  give_tasks(c, &before, &after);
  tell_news(c);
}

/* ---- what other cases were told ---- */

static bool same_inform(const struct replay_inform *a, const struct replay_inform *b) {
  return span_equal(a->case_id, b->case_id) && a->told.at == b->told.at && span_equal(a->told.event, b->told.event) &&
         value_equal(&a->told.data, &b->told.data);
}

static void match_informs(struct replay *a, struct replay *b) {
  for (size_t i = 0; i < a->informs_count; i++) {
    for (size_t k = 0; !a->informs[i].matched && k < b->informs_count; k++) {
      bool same = !b->informs[k].matched && same_inform(&a->informs[i], &b->informs[k]);
      a->informs[i].matched = same;
      b->informs[k].matched = b->informs[k].matched || same;
    }
  }
}

void correct_match_informs(struct correction *c) {
  match_informs(&c->as_it_was, &c->without);
}

static void keep_heard(struct correction *c, const struct replay_inform *heard) {
  if (c->heard_count == c->heard_capacity) {
    c->heard_capacity = c->heard_capacity ? c->heard_capacity * 2 : 8;
    struct replay_inform *grown = ARENA_ARRAY(&c->arena, struct replay_inform, c->heard_capacity);
    if (c->heard_count > 0) {
      memcpy(grown, c->heard, c->heard_count * sizeof *grown);
    }
    c->heard = grown;
  }
  c->heard[c->heard_count++] = *heard;
}

static void add_inform(struct correction *c, struct work *work, const struct replay_inform *inform, struct span event) {
  const struct case_identity identity = {
      .id = inform->case_id, .process = inform->told.process, .key = inform->case_id};
  const struct case_input input = {
      .kind = CASE_INPUT_INTERNAL,
      .event = event,
      .data = inform->told.data,
      .occurred_at = inform->told.occurred_at,
      .participant = inform->told.participant,
  };
  struct replay_inform heard = *inform;
  heard.told.event = event;
  heard.told.journal = work->journal;
  heard.told.at = work->now;
  keep_heard(c, &heard);
  work_add(work, &identity, &input);
}

/* In reverse, so that what was said last is taken back first. */
void correct_inform(struct correction *c, struct work *work) {
  for (size_t i = c->as_it_was.informs_count; i-- > 0;) {
    const struct replay_inform *inform = &c->as_it_was.informs[i];
    struct span event;
    (void)span_cut(inform->told.event, '.', &event);
    if (!inform->matched) {
      add_inform(c, work, inform, arena_printf(&c->arena, "annulled.%.*s", SPAN_ARG(event)));
    }
  }
  for (size_t i = 0; i < c->without.informs_count; i++) {
    if (!c->without.informs[i].matched) {
      add_inform(c, work, &c->without.informs[i], c->without.informs[i].told.event);
    }
  }
}
