/*
 * Which cases are one person's: found when a case brings the fields that identify somebody, or said by an operator.
 *
 * States of a case: of no person (nothing identifies it) → of a person, by its marks → of a person, fixed by an
 * operator. Marks that change (a correction, an annulled message, a paper that came later) move a case that is not
 * fixed; a fixed one stays. A person without cases is gone.
 *
 * Who is meant: the identities of the catalogue are asked in their order, the strongest first. The first that finds
 * somebody decides. One person found, and nothing that speaks against it (another value of an identity that `differs`,
 * an operator's word): the case is that person's. Several, or something speaks against it: a person of its own, and
 * each that was found is proposed to an operator. So a doubt never joins.
 *
 * Invariants
 * 1. A case is of one person at most; the record of the case and the record of the person agree.
 * 2. A mark's record names exactly the persons that have a case with that mark (at most LINK_NEAR_MAX of them).
 * 3. "near" and "apart" stand with both persons; a pair is listed exactly as long as they are near.
 *
 * None of it is an input of any case, of a receipt or of a delivery: what a participant is told of a case does not
 * depend on whether the person has others. Finding somebody and finding nobody cost the same puts. A rehearsal has no
 * keys and keeps no links; the outcome and the export do not speak of them.
 */
#include "runtime/links.h"

#include <string.h>

#include "casework/identity.h"

/* ---- small things ---- */

static bool same_mark(const struct link_mark *a, const struct link_mark *b) {
  return span_equal(a->rule, b->rule) && memcmp(a->bytes, b->bytes, SEAL_MARK_SIZE) == 0;
}

static bool has_mark(const struct link_marks *marks, const struct link_mark *mark) {
  for (size_t i = 0; i < marks->count; i++) {
    if (same_mark(&marks->items[i], mark)) {
      return true;
    }
  }
  return false;
}

static bool same_marks(const struct link_marks *a, const struct link_marks *b) {
  bool same = a->count == b->count;
  for (size_t i = 0; same && i < a->count; i++) {
    same = has_mark(b, &a->items[i]);
  }
  return same;
}

static const struct link_mark *mark_of_rule(const struct link_marks *marks, struct span rule) {
  for (size_t i = 0; i < marks->count; i++) {
    if (span_equal(marks->items[i].rule, rule)) {
      return &marks->items[i];
    }
  }
  return NULL;
}

static struct link_marks marks_of(struct runtime *runtime, const struct value *personal) {
  const struct catalogue *catalogue = runtime->catalogue;
  struct link_marks marks = {.count = 0};
  for (size_t i = 0; i < catalogue->identities_count; i++) {
    marks.count += link_mark_of(runtime, &catalogue->identities[i], personal, &marks.items[marks.count]);
  }
  return marks;
}

static struct link_case *case_of(const struct link_person *person, struct span root) {
  for (size_t i = 0; i < person->cases_count; i++) {
    if (span_equal(person->cases[i].root, root)) {
      return &person->cases[i];
    }
  }
  return NULL;
}

static bool person_has_mark(const struct link_person *person, const struct link_mark *mark) {
  for (size_t i = 0; i < person->cases_count; i++) {
    if (has_mark(&person->cases[i].marks, mark)) {
      return true;
    }
  }
  return false;
}

static bool is_apart(const struct link_person *person, struct span other) {
  for (size_t i = 0; i < person->apart_count; i++) {
    if (span_equal(person->apart[i], other)) {
      return true;
    }
  }
  return false;
}

static bool is_near(const struct link_person *person, struct span other) {
  for (size_t i = 0; i < person->near_count; i++) {
    if (span_equal(person->near[i].person, other)) {
      return true;
    }
  }
  return false;
}

/* ---- changing a person ---- */

static void add_case(struct runtime *runtime, struct link_person *person, const struct link_case *added) {
  struct link_case *grown = ARENA_ARRAY(&runtime->arena, struct link_case, person->cases_count + 1);
  if (person->cases_count > 0) {
    memcpy(grown, person->cases, person->cases_count * sizeof *grown);
  }
  grown[person->cases_count++] = *added;
  person->cases = grown;
  for (size_t i = 0; i < added->marks.count; i++) {
    link_mark_add(runtime, &added->marks.items[i], person->id);
  }
}

static struct link_case take_case(struct runtime *runtime, struct link_person *person, struct span root) {
  struct link_case *at = case_of(person, root);
  struct link_case taken = *at;
  memmove(at, at + 1, (size_t)(person->cases + person->cases_count - (at + 1)) * sizeof *at);
  person->cases_count--;
  for (size_t i = 0; i < taken.marks.count; i++) {
    if (!person_has_mark(person, &taken.marks.items[i])) {
      link_mark_remove(runtime, &taken.marks.items[i], person->id);
    }
  }
  return taken;
}

static void add_near(struct runtime *runtime, struct link_person *person, const struct link_near *near) {
  struct link_near *grown = ARENA_ARRAY(&runtime->arena, struct link_near, person->near_count + 1);
  if (person->near_count > 0) {
    memcpy(grown, person->near, person->near_count * sizeof *grown);
  }
  grown[person->near_count++] = *near;
  person->near = grown;
}

static void remove_near(struct link_person *person, struct span other) {
  size_t left = 0;
  for (size_t i = 0; i < person->near_count; i++) {
    if (!span_equal(person->near[i].person, other)) {
      person->near[left++] = person->near[i];
    }
  }
  person->near_count = left;
}

static void add_apart(struct runtime *runtime, struct link_person *person, struct span other) {
  if (is_apart(person, other)) {
    return;
  }
  struct span *grown = ARENA_ARRAY(&runtime->arena, struct span, person->apart_count + 1);
  if (person->apart_count > 0) {
    memcpy(grown, person->apart, person->apart_count * sizeof *grown);
  }
  grown[person->apart_count++] = other;
  person->apart = grown;
}

static void remove_apart(struct link_person *person, struct span other) {
  size_t left = 0;
  for (size_t i = 0; i < person->apart_count; i++) {
    if (!span_equal(person->apart[i], other)) {
      person->apart[left++] = person->apart[i];
    }
  }
  person->apart_count = left;
}

/* `a` is in memory and is written by the caller. */
static void propose(struct runtime *runtime, struct link_person *a, struct link_person *b, struct span by) {
  if (is_near(a, b->id) || is_apart(a, b->id) || a->near_count >= LINK_NEAR_MAX || b->near_count >= LINK_NEAR_MAX) {
    return;
  }
  add_near(runtime, a, &(struct link_near){b->id, by});
  add_near(runtime, b, &(struct link_near){a->id, by});
  link_person_write(runtime, b);
  link_pair_write(runtime, &(struct link_pair){a->id, b->id, by});
}

static void separate(struct runtime *runtime, struct link_person *a, struct link_person *b) {
  if (is_near(a, b->id)) {
    link_pair_delete(runtime, a->id, b->id);
  }
  remove_near(a, b->id);
  remove_near(b, a->id);
  add_apart(runtime, a, b->id);
  add_apart(runtime, b, a->id);
}

/* What was proposed of it goes. The caller writes the person. */
static void leave_near(struct runtime *runtime, struct link_person *person) {
  for (size_t i = 0; i < person->near_count; i++) {
    struct link_person other;
    link_pair_delete(runtime, person->id, person->near[i].person);
    if (link_person_read(runtime, person->near[i].person, &runtime->arena, &other)) {
      remove_near(&other, person->id);
      link_person_write(runtime, &other);
    }
  }
  person->near_count = 0;
}

/* A person without cases: nobody speaks of it any more. */
static void dissolve(struct runtime *runtime, struct link_person *person) {
  leave_near(runtime, person);
  for (size_t i = 0; i < person->apart_count; i++) {
    struct link_person other;
    if (link_person_read(runtime, person->apart[i], &runtime->arena, &other)) {
      remove_apart(&other, person->id);
      link_person_write(runtime, &other);
    }
  }
  link_person_delete(runtime, person->id);
}

/* ---- who is meant ---- */

struct candidate {
  struct link_person person;
  size_t rule; /* the strongest that found it */
  bool agrees;
};
struct candidates {
  struct candidate items[LINK_NEAR_MAX];
  size_t count;
};

/* Another value of an identity in which no two values are one person's. */
static bool differs(const struct runtime *runtime, const struct link_marks *marks, const struct link_person *person) {
  for (size_t i = 0; i < runtime->catalogue->identities_count; i++) {
    const struct identity_rule *rule = &runtime->catalogue->identities[i];
    const struct link_mark *mark = rule->differs ? mark_of_rule(marks, rule->name) : NULL;
    bool known = false, same = false;
    for (size_t k = 0; mark && k < person->cases_count; k++) {
      const struct link_mark *theirs = mark_of_rule(&person->cases[k].marks, rule->name);
      known = known || theirs;
      same = same || (theirs && same_mark(theirs, mark));
    }
    if (known && !same) {
      return true;
    }
  }
  return false;
}

static bool is_candidate(const struct candidates *candidates, struct span person) {
  for (size_t i = 0; i < candidates->count; i++) {
    if (span_equal(candidates->items[i].person.id, person)) {
      return true;
    }
  }
  return false;
}

/* Whose marks they are, and the person that the case has just left; NULL: it is new. */
struct search {
  const struct link_marks *marks;
  const struct link_person *own;
  struct candidates *found;
};

static void consider(struct runtime *runtime, struct search *search, size_t rule, struct span id) {
  struct candidates *found = search->found;
  struct link_person person;
  if (found->count == LINK_NEAR_MAX || is_candidate(found, id) ||
      !link_person_read(runtime, id, &runtime->arena, &person)) {
    return;
  }
  enum identity_finds finds = IDENTITY_NOBODY;
  (void)identity_finds_of(&runtime->catalogue->identities[rule], &finds);
  struct candidate *added = &found->items[found->count++];
  *added = (struct candidate){.person = person, .rule = rule};
  added->agrees = finds == IDENTITY_SAME && person.cases_count < LINK_CASES_MAX &&
                  !(search->own && is_apart(search->own, id)) && !differs(runtime, search->marks, &person);
}

/* Those that share a mark, in the order of the identities. */
static void find(struct runtime *runtime, struct search *search) {
  for (size_t i = 0; i < runtime->catalogue->identities_count; i++) {
    const struct identity_rule *rule = &runtime->catalogue->identities[i];
    const struct link_mark *mark = span_is(rule->finds, "nobody") ? NULL : mark_of_rule(search->marks, rule->name);
    struct link_persons persons = {.count = 0};
    if (mark) {
      link_mark_read(runtime, mark, &runtime->arena, &persons);
    }
    for (size_t k = 0; k < persons.count; k++) {
      consider(runtime, search, i, persons.ids[k]);
    }
  }
}

/* The one that the strongest identity finds, the one of before among several; NULL: none, or nobody can say. */
static struct candidate *choose(struct candidates *candidates, const struct link_person *own) {
  struct candidate *chosen = NULL;
  size_t among = 0;
  for (size_t i = 0; i < candidates->count; i++) {
    struct candidate *c = &candidates->items[i];
    if (c->agrees && own && span_equal(c->person.id, own->id)) {
      return c;
    }
    if (c->agrees && (!chosen || c->rule == chosen->rule)) {
      chosen = chosen ? chosen : c;
      among++;
    }
  }
  return among == 1 ? chosen : NULL;
}

/* ---- a case and its marks ---- */

/* The person that it belongs to from now on; `own` is stored without it, and goes if nothing is left of it. */
static struct link_person *target_of(struct runtime *runtime, const struct link_case *moved, struct link_person *own,
                                     struct candidate *chosen) {
  if (own && (moved->fixed || (!chosen && own->cases_count == 0))) {
    return own;
  }
  if (chosen) {
    return &chosen->person;
  }
  struct link_person *fresh = ARENA_NEW(&runtime->arena, struct link_person);
  fresh->id = link_new_id(runtime, moved->root);
  return fresh;
}

static void settle(struct runtime *runtime, struct link_case *moved, struct link_person *own) {
  struct candidates found = {.count = 0};
  struct search search = {&moved->marks, own, &found};
  find(runtime, &search);
  struct candidate *chosen = moved->fixed ? NULL : choose(&found, own);
  struct link_person *target = target_of(runtime, moved, own, chosen);
  if (!moved->fixed) {
    moved->by = chosen ? runtime->catalogue->identities[chosen->rule].name : span_of(NULL, 0);
  }
  add_case(runtime, target, moved);
  for (size_t i = 0; i < found.count; i++) {
    struct candidate *c = &found.items[i];
    if (!span_equal(c->person.id, target->id)) {
      propose(runtime, target, &c->person, runtime->catalogue->identities[c->rule].name);
    }
  }
  link_person_write(runtime, target);
  link_case_write(runtime, moved->root, target->id);
  if (own && own != target && own->cases_count == 0) {
    dissolve(runtime, own);
  }
}

void links_forget(struct runtime *runtime, struct span root) {
  struct link_person person;
  if (!link_person_read(runtime, link_case_read(runtime, root, &runtime->arena), &runtime->arena, &person) ||
      !case_of(&person, root)) {
    return;
  }
  (void)take_case(runtime, &person, root);
  link_case_delete(runtime, root);
  if (person.cases_count > 0) {
    link_person_write(runtime, &person);
  } else {
    dissolve(runtime, &person);
  }
}

void links_identify(struct runtime *runtime, struct span root, const struct value *personal) {
  if (!runtime->seal.enabled || runtime->catalogue->identities_count == 0) {
    return;
  }
  struct link_case moved = {.root = root, .marks = marks_of(runtime, personal)};
  struct link_person own;
  bool known = link_person_read(runtime, link_case_read(runtime, root, &runtime->arena), &runtime->arena, &own) &&
               case_of(&own, root);
  if (known && same_marks(&case_of(&own, root)->marks, &moved.marks)) {
    return;
  }
  if (moved.marks.count == 0 && !(known && case_of(&own, root)->fixed)) {
    links_forget(runtime, root);
    return;
  }
  if (known) {
    struct link_case before = take_case(runtime, &own, root);
    moved.by = before.by;
    moved.fixed = before.fixed;
    if (own.cases_count == 0) {
      leave_near(runtime, &own);
    }
    link_person_write(runtime, &own);
  }
  settle(runtime, &moved, known ? &own : NULL);
}

/* ---- the operator's word ---- */

/* A case that nothing identifies gets a person of its own. */
static struct link_person person_of(struct runtime *runtime, struct span root) {
  struct link_person person;
  if (link_person_read(runtime, link_case_read(runtime, root, &runtime->arena), &runtime->arena, &person) &&
      case_of(&person, root)) {
    return person;
  }
  person = (struct link_person){.id = link_new_id(runtime, root)};
  add_case(runtime, &person, &(struct link_case){.root = root});
  link_person_write(runtime, &person);
  link_case_write(runtime, root, person.id);
  return person;
}

/* What stood near or apart of `from` stands so of `to`. */
static void inherit(struct runtime *runtime, const struct link_person *from, struct link_person *to) {
  for (size_t i = 0; i < from->near_count; i++) {
    struct link_person other;
    if (!span_equal(from->near[i].person, to->id) &&
        link_person_read(runtime, from->near[i].person, &runtime->arena, &other)) {
      propose(runtime, to, &other, from->near[i].by);
    }
  }
  for (size_t i = 0; i < from->apart_count; i++) {
    struct link_person other;
    if (!span_equal(from->apart[i], to->id) && link_person_read(runtime, from->apart[i], &runtime->arena, &other)) {
      separate(runtime, to, &other);
      link_person_write(runtime, &other);
    }
  }
}

enum err links_join(struct runtime *runtime, struct span root, struct span other, struct fault *fault) {
  struct link_person into = person_of(runtime, root);
  struct link_person from = person_of(runtime, other);
  if (span_equal(into.id, from.id)) {
    return fault_set(fault, ERR_CONFLICT, "Эти случаи уже связаны");
  }
  if (into.cases_count + from.cases_count > LINK_JOINED_MAX) {
    return fault_set(fault, ERR_LIMIT, "У одного человека не бывает столько случаев");
  }
  case_of(&into, root)->fixed = true;
  while (from.cases_count > 0) {
    struct link_case moved = take_case(runtime, &from, from.cases[0].root);
    moved.fixed = true;
    add_case(runtime, &into, &moved);
    link_case_write(runtime, moved.root, into.id);
  }
  remove_apart(&into, from.id);
  remove_near(&into, from.id);
  inherit(runtime, &from, &into);
  link_person_write(runtime, &into);
  dissolve(runtime, &from);
  return ERR_OK;
}

static enum err reject(struct runtime *runtime, struct link_person *a, struct link_person *b) {
  separate(runtime, a, b);
  link_person_write(runtime, a);
  link_person_write(runtime, b);
  return ERR_OK;
}

static enum err take_out(struct runtime *runtime, struct link_person *person, struct span root, struct fault *fault) {
  if (person->cases_count < 2) {
    return fault_set(fault, ERR_CONFLICT, "Этот случай ни с каким другим не связан");
  }
  struct link_case moved = take_case(runtime, person, root);
  struct link_person own = {.id = link_new_id(runtime, root)};
  moved.fixed = true;
  moved.by = span_of(NULL, 0);
  add_case(runtime, &own, &moved);
  link_case_write(runtime, root, own.id);
  return reject(runtime, &own, person);
}

enum err links_split(struct runtime *runtime, struct span root, struct span other, struct fault *fault) {
  struct link_person person = person_of(runtime, root);
  if (span_empty(other)) {
    return take_out(runtime, &person, root, fault);
  }
  struct link_person theirs = person_of(runtime, other);
  return span_equal(person.id, theirs.id) ? take_out(runtime, &person, root, fault) : reject(runtime, &person, &theirs);
}

void links_erase(struct runtime *runtime, struct span root, uint64_t journal) {
  struct link_person person;
  persons_erase(runtime, root, journal);
  if (!link_person_read(runtime, link_case_read(runtime, root, &runtime->arena), &runtime->arena, &person)) {
    return;
  }
  while (person.cases_count > 0) {
    struct link_case taken = take_case(runtime, &person, person.cases[0].root);
    persons_erase(runtime, taken.root, journal);
    link_case_delete(runtime, taken.root);
  }
  dissolve(runtime, &person);
}

/* ---- for those who may see it ---- */

static void show(const struct link_person *person, struct arena *arena, struct runtime_linked *ret_linked) {
  *ret_linked = (struct runtime_linked){.person = person->id};
  ret_linked->cases = ARENA_ARRAY(arena, struct runtime_linked_case, person->cases_count + 1);
  for (size_t i = 0; i < person->cases_count; i++) {
    const struct link_case *c = &person->cases[i];
    ret_linked->cases[ret_linked->cases_count++] = (struct runtime_linked_case){c->root, c->by, c->fixed};
  }
}

enum err runtime_linked(struct runtime *runtime, struct span name, struct arena *arena,
                        struct runtime_linked *ret_linked) {
  struct link_person person;
  if (span_starts_with(name, SPAN_LITERAL("P-")) && link_person_read(runtime, name, arena, &person)) {
    show(&person, arena, ret_linked);
    return ERR_OK;
  }
  struct span root = arena_copy(arena, case_root(name));
  if (!link_person_read(runtime, link_case_read(runtime, root, arena), arena, &person)) {
    struct link_case alone = {.root = root};
    person = (struct link_person){.cases = &alone, .cases_count = 1};
    show(&person, arena, ret_linked);
    return runtime_person_state(runtime, root).state == RUNTIME_PERSON_SEALED ? ERR_OK : ERR_NOT_FOUND;
  }
  show(&person, arena, ret_linked);
  return ERR_OK;
}

size_t runtime_linked_near(struct runtime *runtime, const struct runtime_linked *linked, struct arena *arena,
                           struct runtime_linked_near ret_near[RUNTIME_NEAR_MAX]) {
  struct link_person person;
  size_t count = 0;
  if (!link_person_read(runtime, linked->person, arena, &person)) {
    return 0;
  }
  for (size_t i = 0; i < person.near_count && count < RUNTIME_NEAR_MAX; i++) {
    struct link_person other;
    if (link_person_read(runtime, person.near[i].person, arena, &other) && other.cases_count > 0) {
      ret_near[count++] = (struct runtime_linked_near){other.id, other.cases[0].root, person.near[i].by};
    }
  }
  return count;
}

struct walk {
  struct runtime *runtime;
  struct arena *arena;
  runtime_pair_visit visit;
  void *arg;
};

static bool visit_pair(void *arg, struct span key, struct span bytes) {
  struct walk *walk = arg;
  struct link_pair pair;
  struct link_person a, b;
  (void)key;
  if (link_pair_open(walk->runtime, bytes, walk->arena, &pair) != ERR_OK ||
      !link_person_read(walk->runtime, pair.a, walk->arena, &a) ||
      !link_person_read(walk->runtime, pair.b, walk->arena, &b) || a.cases_count == 0 || b.cases_count == 0) {
    return true;
  }
  const struct runtime_linked_near first = {a.id, a.cases[0].root, pair.by};
  const struct runtime_linked_near second = {b.id, b.cases[0].root, pair.by};
  return walk->visit(walk->arg, &first, &second);
}

enum err runtime_linked_pairs(struct runtime *runtime, struct arena *arena, runtime_pair_visit visit, void *arg) {
  struct walk walk = {runtime, arena, visit, arg};
  struct record_key prefix = record_index_key("pair", span_of(NULL, 0));
  struct span at = record_key_span(&prefix);
  return store_scan(runtime->store, STORE_INDEX, at, at, visit_pair, &walk);
}
