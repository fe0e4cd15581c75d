/*
 * task.c — work that a participant is asked to do while a state is active.
 *
 * A task is delivered when the macrostep that entered its state has ended, to everybody behind its role, with the due
 * date of the deadline of the same id if there is one; delivered again when that date changes; and withdrawn from those
 * who have it when the state is left. When the case moves to another territory it goes to those who stand behind its
 * role there, and who does not any more loses it.
 */
#include "casework/step.h"

static civil_day due_of(const struct case_file *c, const struct live *task) {
  for (size_t i = c->watches_count; i-- > 0;) {
    const struct watch *w = &c->watches[i];
    if (w->serial != 0 && w->element->kind == ELEMENT_DEADLINE && span_equal(w->element->id, task->element->id)) {
      return w->deadline.due;
    }
  }
  return CIVIL_DAY_NONE;
}

static struct value words_value(struct step *s, const struct text_list *words) {
  struct value *items = ARENA_ARRAY(s->arena, struct value, words->count);
  for (size_t i = 0; i < words->count; i++) {
    items[i] = value_text(words->items[i]);
  }
  return words->count == 0 ? value_nil() : value_list(items, words->count);
}

static struct value task_data(struct step *s, const struct live *live) {
  const struct element *e = live->element;
  const struct value_field fields[] = {
      FIELD("id", value_text(e->id)),
      FIELD("title", data_text(e->title)),
      FIELD("form", data_text(e->form)),
      FIELD("basis", data_text(e->basis)),
      FIELD("events", words_value(s, &e->events)),
      FIELD("due", data_date(s, live->due)),
      FIELD("data", live->params.kind == VALUE_NIL ? value_nil() : value_copy(s->arena, &live->params)),
  };
  return DATA_MAP(s, fields);
}

static void choose_recipients(struct step *s, struct live *live) {
  struct text_list chosen = role_participants(s, live->element->role);
  live->recipients = (struct text_list){ARENA_ARRAY(&s->c->arena, struct span, chosen.count), chosen.count};
  for (size_t i = 0; i < chosen.count; i++) {
    live->recipients.items[i] = chosen.items[i];
  }
  if (chosen.count == 0) {
    effect_incident(s, "no-participant", arena_printf(s->arena, "task %.*s", SPAN_ARG(live->element->id)));
  }
}

void task_refresh(struct step *s, struct live *live) {
  civil_day due = due_of(s->c, live);
  if (live->delivered && (due == live->due || due == CIVIL_DAY_NONE)) {
    return; /* also when its deadline has been met or given up: the task itself stands until the state is left */
  }
  if (!live->delivered) {
    choose_recipients(s, live);
    live->delivered = true;
  }
  live->due = due;
  const struct delivery delivery = {.kind = DELIVERY_TASK, .subject = live->element->id, .data = task_data(s, live)};
  effect_deliveries(s, &delivery, &live->recipients);
}

static void withdraw_from(struct step *s, const struct live *live, const struct text_list *participants) {
  const struct value_field fields[] = {FIELD("id", value_text(live->element->id))};
  const struct delivery delivery = {
      .kind = DELIVERY_TASK_WITHDRAWN, .subject = live->element->id, .data = DATA_MAP(s, fields)};
  effect_deliveries(s, &delivery, participants);
}

/* Those of `all` who are not among `others`. */
static struct text_list without(struct step *s, const struct text_list *all, const struct text_list *others) {
  struct text_list list = {ARENA_ARRAY(s->arena, struct span, all->count), 0};
  for (size_t i = 0; i < all->count; i++) {
    if (!text_list_names(others, all->items[i])) {
      list.items[list.count++] = all->items[i];
    }
  }
  return list;
}

void task_move(struct step *s, struct live *live) {
  if (live->element->kind != ELEMENT_TASK || !live->delivered) {
    return;
  }
  const struct text_list before = live->recipients;
  choose_recipients(s, live);
  const struct text_list left = without(s, &before, &live->recipients);
  const struct text_list added = without(s, &live->recipients, &before);
  withdraw_from(s, live, &left);
  const struct delivery delivery = {.kind = DELIVERY_TASK, .subject = live->element->id, .data = task_data(s, live)};
  effect_deliveries(s, &delivery, &added);
}

size_t case_tasks(const struct case_file *c, struct arena *arena, struct case_task **ret_tasks) {
  struct step s = {.arena = arena};
  struct case_task *tasks = ARENA_ARRAY(arena, struct case_task, c->lives_count);
  size_t count = 0;
  for (size_t i = 0; i < c->lives_count; i++) {
    const struct live *live = &c->lives[i];
    if (live->element->kind == ELEMENT_TASK && live->delivered) {
      tasks[count++] = (struct case_task){live->element->id, live->recipients, task_data(&s, live)};
    }
  }
  *ret_tasks = tasks;
  return count;
}

void task_withdraw(struct step *s, struct live *live) {
  withdraw_from(s, live, &live->recipients);
}
