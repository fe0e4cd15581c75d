/*
 * Cases that charts keep (the account of a participant, the calendar of a body), when a family has told them what does
 * not hold: they are gone through again with what they should have heard, and their records give way like the family's.
 *
 * Where that cannot be (a database from before told.h, a list that is too long, a revision that is gone), the chart of
 * such a case hears "annulled.EVENT" and helps itself (correct_inform).
 */
#include "runtime/correct_diff.h"

/* ---- what it has heard, and should have ---- */

static void add_holding(struct arena *arena, const struct told_list *all, struct told_list *list) {
  for (size_t i = 0; i < all->count; i++) {
    if (!all->items[i].taken_back) {
      told_add(arena, list, &all->items[i]);
    }
  }
}

static bool says_it(const struct told *told, const struct replay_inform *inform) {
  return !told->taken_back && told->at == inform->told.at && span_equal(told->from, inform->told.from) &&
         span_equal(told->event, inform->told.event) && value_equal(&told->data, &inform->told.data);
}

/* False: the list does not have it. */
static bool take_back(struct correction *other, struct told_list *all, const struct replay_inform *inform) {
  for (size_t i = 0; i < all->count; i++) {
    if (says_it(&all->items[i], inform)) {
      told_add(&other->arena, &other->told.taken_back, &all->items[i]);
      all->items[i].taken_back = true;
      return true;
    }
  }
  return false;
}

/* The list knows the case from its beginning. */
static bool is_whole(const struct told_list *all, const struct case_slot *slot) {
  for (size_t i = 0; i < all->count; i++) {
    if (all->items[i].journal <= slot->journal) {
      return true;
    }
  }
  return false;
}

enum err correct_heard(struct correction *c, const struct case_slot *slot, struct told_list *ret_all) {
  TRY(told_read(c->runtime, slot ? slot->id : c->root, &c->arena, ret_all));
  return !slot || is_whole(ret_all, slot) ? ERR_OK : ERR_NOT_FOUND;
}

void correct_hear_the_same(struct correction *c, const struct told_list *all) {
  add_holding(&c->arena, all, &c->without.told);
  told_sort(&c->without.told);
  c->as_it_was.told = c->without.told;
}

static enum err hear(struct correction *other, const struct correction *c, struct told_list *all) {
  add_holding(&other->arena, all, &other->as_it_was.told);
  for (size_t i = 0; i < c->as_it_was.informs_count; i++) {
    const struct replay_inform *inform = &c->as_it_was.informs[i];
    if (!inform->matched && span_equal(inform->case_id, other->root) && !take_back(other, all, inform)) {
      return ERR_NOT_FOUND;
    }
  }
  add_holding(&other->arena, all, &other->without.told);
  for (size_t i = 0; i < c->without.informs_count; i++) {
    const struct replay_inform *inform = &c->without.informs[i];
    if (!inform->matched && span_equal(inform->case_id, other->root)) {
      told_add(&other->arena, &other->told.added, &inform->told);
      told_add(&other->arena, &other->without.told, &inform->told);
    }
  }
  told_sort(&other->as_it_was.told);
  told_sort(&other->without.told);
  return ERR_OK;
}

/* ---- going through it ---- */

static enum err compute(struct correction *other, const struct correction *c, struct fault *fault) {
  struct case_slot *slot = NULL;
  struct told_list all;
  enum err found = cases_get(&other->runtime->cases, other->root, &slot, fault);
  if (found != ERR_OK && found != ERR_NOT_FOUND) {
    return found;
  }
  /* First: the entries of an account that is not whole may be the whole journal. */
  TRY(correct_heard(other, slot, &all));
  if (slot) {
    TRY(replay_entries_read(other->runtime, slot, &other->arena, &other->entries));
  }
  TRY(hear(other, c, &all));
  return correct_compute(other, 0, fault);
}

static void settle(struct replay *replay, struct span root) {
  for (size_t i = 0; i < replay->informs_count; i++) {
    struct replay_inform *inform = &replay->informs[i];
    inform->matched = inform->matched || span_equal(inform->case_id, root);
  }
}

static bool is_tried(const struct told_list *tried, struct span root) {
  for (size_t i = 0; i < tried->count; i++) {
    if (span_equal(tried->items[i].from, root)) {
      return true;
    }
  }
  return false;
}

static void add_other(struct correction *c, struct correction *other) {
  struct correction **grown = ARENA_ARRAY(&c->arena, struct correction *, c->others_count + 1);
  if (c->others_count > 0) {
    memcpy(grown, c->others, c->others_count * sizeof(struct correction *));
  }
  grown[c->others_count++] = other;
  c->others = grown;
}

static void correct_other(struct correction *c, struct span root) {
  struct fault why = {.err = ERR_OK};
  struct correction *other = correction_new(c->runtime, c->now);
  other->root = arena_copy(&other->arena, root);
  if (compute(other, c, &why) != ERR_OK) {
    correct_drop(&other);
    return;
  }
  add_other(c, other);
  settle(&c->as_it_was, root);
  settle(&c->without, root);
}

/* `tried` names those that have had their turn, by `from`. */
static void correct_unmatched(struct correction *c, const struct replay *replay, struct told_list *tried) {
  for (size_t i = 0; i < replay->informs_count; i++) {
    const struct replay_inform *inform = &replay->informs[i];
    if (!inform->matched && !is_tried(tried, inform->case_id)) {
      told_add(&c->arena, tried, &(struct told){.from = inform->case_id});
      correct_other(c, inform->case_id);
    }
  }
}

void correct_others(struct correction *c) {
  struct told_list tried = {.count = 0};
  correct_match_informs(c);
  correct_unmatched(c, &c->as_it_was, &tried);
  correct_unmatched(c, &c->without, &tried);
}
