/*
 * Which case of a family takes an event: the one addressed if its process knows the event, else the living child that
 * does. An event that should name one of several referrals and does not goes to the only one that its sender has, or
 * to none. Walks with a stack of its own: how deep a family is, is said by its charts.
 */
#include "runtime/engine.h"

#include <string.h>

enum { FAMILY_MAX = 1000, FAMILY_ALL_MAX = 10000 };

struct walk {
  struct runtime *runtime;
  struct span *stack; /* ids still to visit, the next one on top */
  size_t depth, capacity;
  struct family family;
  size_t family_capacity;
};

static void *grown(struct arena *arena, const void *items, size_t count, size_t *capacity, size_t size) {
  *capacity = *capacity ? *capacity * 2 : 16;
  void *more = arena_calloc(arena, *capacity, size);
  if (count > 0) {
    memcpy(more, items, count * size);
  }
  return more;
}

static void stack_push(struct walk *walk, struct span id) {
  if (walk->depth == walk->capacity) {
    walk->stack = grown(&walk->runtime->arena, walk->stack, walk->depth, &walk->capacity, sizeof *walk->stack);
  }
  walk->stack[walk->depth++] = id;
}

static void family_add(struct walk *walk, struct case_slot *slot) {
  struct family *family = &walk->family;
  if (family->count == walk->family_capacity) {
    family->members = grown(&walk->runtime->arena, family->members, family->count, &walk->family_capacity,
                            sizeof(struct case_slot *));
  }
  family->members[family->count++] = slot;
}

enum err family_living(struct runtime *runtime, struct span top, struct family *ret_family, struct fault *fault) {
  struct walk walk = {.runtime = runtime};
  stack_push(&walk, top);
  while (walk.depth > 0) {
    struct case_slot *slot = NULL;
    TRY(cases_get(&runtime->cases, walk.stack[--walk.depth], &slot, fault));
    const struct case_view *view = case_slot_view(slot);
    if (view->ended) {
      continue;
    }
    if (walk.family.count == FAMILY_MAX) {
      return fault_set(fault, ERR_LIMIT, "у случая больше %d частей", FAMILY_MAX);
    }
    family_add(&walk, slot);
    for (size_t i = view->live.count; i > 0; i--) {
      stack_push(&walk, view->live.items[i - 1]);
    }
  }
  *ret_family = walk.family;
  return ERR_OK;
}

void family_all(struct runtime *runtime, struct span top, struct family *ret_family) {
  struct walk walk = {.runtime = runtime};
  stack_push(&walk, top);
  while (walk.depth > 0 && walk.family.count < FAMILY_ALL_MAX) {
    struct case_slot *slot = NULL;
    struct fault unread = {0};
    struct span id = walk.stack[--walk.depth];
    enum err err = cases_get(&runtime->cases, id, &slot, &unread);
    if (err != ERR_OK) {
      bool first = err != ERR_NOT_FOUND && span_empty(walk.family.unread);
      walk.family.unread = first ? arena_copy(&runtime->arena, id) : walk.family.unread;
      continue;
    }
    const struct text_list *children = &case_slot_view(slot)->children;
    family_add(&walk, slot);
    for (size_t i = children->count; i > 0; i--) {
      stack_push(&walk, children->items[i - 1]);
    }
  }
  *ret_family = walk.family;
}

/* ---- names ---- */

struct span family_outside(struct runtime *runtime, const struct case_view *view, struct span id) {
  struct span root = case_root(id);
  struct span parent = view->identity.parent;
  if (!view->identity.referral || parent.size >= id.size) {
    return root;
  }
  struct span own = span_of(id.data + parent.size, id.size - parent.size); /* with its '/' */
  return arena_printf(&runtime->arena, "%.*s%.*s", SPAN_ARG(root), SPAN_ARG(own));
}

/* A referral stands below the root or below one of its parts. */
static enum err below_a_part(struct runtime *runtime, struct span root, struct span own, struct case_slot **ret_slot,
                             struct fault *fault) {
  struct case_slot *slot = NULL;
  TRY(cases_get(&runtime->cases, root, &slot, fault));
  const struct text_list *children = &case_slot_view(slot)->children;
  for (size_t i = 0; i < children->count; i++) {
    struct fault unread = {0};
    struct span id = arena_printf(&runtime->arena, "%.*s%.*s", SPAN_ARG(children->items[i]), SPAN_ARG(own));
    enum err err = id.size > CASE_ID_MAX ? ERR_NOT_FOUND : cases_get(&runtime->cases, id, ret_slot, &unread);
    if (err != ERR_NOT_FOUND) {
      return err;
    }
  }
  return ERR_NOT_FOUND;
}

enum err family_named(struct runtime *runtime, struct span name, struct case_slot **ret_slot, struct fault *fault) {
  enum err err = cases_get(&runtime->cases, name, ret_slot, fault);
  struct span root = case_root(name);
  if (err != ERR_NOT_FOUND || root.size == name.size) {
    return err;
  }
  return below_a_part(runtime, root, span_of(name.data + root.size, name.size - root.size), ret_slot, fault);
}

typedef bool (*family_ask)(const struct case_file *c, struct span event);

/* The first member that answers yes; with a key, the case addressed or the first member of that key. */
static struct case_slot *first_that(const struct family *family, struct span event, struct span key, family_ask ask) {
  for (size_t i = 0; i < family->count; i++) {
    const struct case_identity *identity = &case_slot_view(family->members[i])->identity;
    bool meant = i == 0 || span_empty(key) || span_equal(identity->key, key);
    if (meant && ask(family->members[i]->file, event)) {
      return family->members[i];
    }
  }
  return NULL;
}

/* Of the referrals that know the event: the only one, or the only one that was offered to the sender. */
static enum err only_referral(const struct family *family, const struct event_rule *rule, struct span sender,
                              struct case_slot **ret_target, struct fault *fault) {
  struct case_slot *of_sender = NULL;
  size_t all = 0;
  size_t own = 0;
  for (size_t i = 0; i < family->count; i++) {
    struct case_slot *member = family->members[i];
    const struct case_view *view = case_slot_view(member);
    if (view->identity.referral && case_knows(member->file, rule->name)) {
      all++;
      bool is_own = span_equal(view->addressee, sender);
      own += is_own;
      of_sender = is_own ? member : of_sender;
    }
  }
  if (all > 1 && own != 1) {
    return fault_set(fault, ERR_CONFLICT, "Укажите мероприятие (поле «%.*s»): этого события ждут несколько направлений",
                     SPAN_ARG(rule->addressed_by));
  }
  *ret_target = all > 1 ? of_sender : *ret_target;
  return ERR_OK;
}

enum err family_target(struct runtime *runtime, struct span top, const struct runtime_message *message,
                       const struct event_rule *rule, const struct value *data, struct case_slot **ret_target,
                       struct fault *fault) {
  struct family family;
  TRY(family_living(runtime, top, &family, fault));
  const struct value *field = span_empty(rule->addressed_by) ? NULL : value_find(data, rule->addressed_by);
  struct span key = field && field->kind == VALUE_TEXT ? field->text : span_of(NULL, 0);
  struct case_slot *target = first_that(&family, rule->name, key, case_knows);
  if (!target) {
    target = first_that(&family, rule->name, key, case_watches);
  }
  if (!target) {
    return ERR_NOT_FOUND;
  }
  *ret_target = target;
  bool unnamed = !span_empty(rule->addressed_by) && span_empty(key);
  bool is_child = target != family.members[0] && case_slot_view(target)->identity.referral;
  return unnamed && is_child ? only_referral(&family, rule, message->sender, ret_target, fault) : ERR_OK;
}
