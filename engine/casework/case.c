/*
 * case.c — the case file: what it consists of, its rights, its view.
 *
 *   opened ──START──▶ running ──┬─ the chart reaches a top-level final ─▶ ended, ground from its donedata
 *                               ├─ case.cancelled that the chart does not know ─▶ ended, ground "cancelled"
 *                               └─ what began it is taken back ─▶ ended, ground "annulled"
 *
 * A case file is a chart session and what the session cannot hold itself: the live elements (whose state is active),
 * the watched deadlines (watch.c), the children (children.c), the status and the offer (offer.c).
 *
 * Between two steps:
 *  1. The session is quiescent; `lives` are exactly its running extension invocations.
 *  2. A task that is live has been delivered; a deadline that is live with an anchor has a slot.
 *  3. A timer that is set here is set in the store, with the same slot, moment and generation.
 *  4. An ended case has no live element, no timer and no open deadline, and never gets one again.
 *  5. The addressee carries one referral of load until the case has ended.
 */
#include "casework/casework.h"

#include "casework/payload.h"
#include "casework/state.h"

/* ---- tables that grow --------------------------------------------------------------------------------------- */

enum { TABLE_FIRST = 8 };

void case_room(struct arena *arena, void **items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) {
    return;
  }
  size_t more = *capacity ? *capacity * 2 : TABLE_FIRST;
  void *moved = arena_alloc(arena, more * size);
  if (count > 0) {
    memcpy(moved, *items, count * size);
  }
  *items = moved;
  *capacity = more;
}

struct watch *case_watch_new(struct case_file *c) {
  void *items = c->watches;
  case_room(&c->arena, &items, c->watches_count, &c->watches_capacity, sizeof *c->watches);
  c->watches = items;
  return &c->watches[c->watches_count++];
}

struct live *case_live_new(struct case_file *c) {
  void *items = c->lives;
  case_room(&c->arena, &items, c->lives_count, &c->lives_capacity, sizeof *c->lives);
  c->lives = items;
  return &c->lives[c->lives_count++];
}

struct child *case_child_new(struct case_file *c) {
  void *items = c->children;
  case_room(&c->arena, &items, c->children_count, &c->children_capacity, sizeof *c->children);
  c->children = items;
  return &c->children[c->children_count++];
}

struct case_document *case_document_new(struct case_file *c) {
  void *items = c->documents;
  case_room(&c->arena, &items, c->documents_count, &c->documents_capacity, sizeof *c->documents);
  c->documents = items;
  return &c->documents[c->documents_count++];
}

void case_watch_drop(struct case_file *c, struct watch *watch) {
  size_t index = (size_t)(watch - c->watches);
  c->watches_count--;
  memmove(watch, watch + 1, (c->watches_count - index) * sizeof *watch);
}

void case_live_drop(struct case_file *c, struct live *live) {
  size_t index = (size_t)(live - c->lives);
  c->lives_count--;
  memmove(live, live + 1, (c->lives_count - index) * sizeof *live);
}

struct watch *case_watch_find(struct case_file *c, uint32_t slot) {
  for (size_t i = 0; i < c->watches_count; i++) {
    if (c->watches[i].deadline.slot == slot) {
      return &c->watches[i];
    }
  }
  return NULL;
}

struct child *case_child_find(struct case_file *c, struct span id) {
  for (size_t i = 0; i < c->children_count; i++) {
    if (span_equal(c->children[i].id, id)) {
      return &c->children[i];
    }
  }
  return NULL;
}

struct span case_text(struct case_file *c, struct span present, struct span text) {
  if (span_equal(present, text)) {
    return present;
  }
  return span_empty(text) ? (struct span){0} : arena_copy(&c->arena, text);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

struct span case_root(struct span id) {
  struct span rest;
  return span_cut(id, '/', &rest);
}

enum err case_open(struct casework *casework, const struct case_identity *identity, struct case_file **ret_case) {
  const struct process *process = span_empty(identity->revision)
                                      ? casework_process(casework, identity->process)
                                      : casework_process_of(casework, identity->process, identity->revision);
  if (!process) {
    return ERR_NOT_FOUND;
  }
  if (span_empty(identity->id) || identity->id.size > CASE_ID_MAX) {
    return ERR_INVALID;
  }
  struct case_file *c = case_acquire(casework);
  if (!c) {
    return ERR_NO_MEMORY;
  }
  c->process = process;
  c->revision = process->revision;
  c->identity = (struct case_identity){.id = arena_copy(&c->arena, identity->id),
                                       .process = process->name,
                                       .parent = arena_copy(&c->arena, identity->parent),
                                       .invoke = arena_copy(&c->arena, identity->invoke),
                                       .key = arena_copy(&c->arena, identity->key),
                                       .referral = identity->referral};
  *ret_case = c;
  return ERR_OK;
}

void case_close(struct case_file **c) {
  if (*c) {
    case_release(*c);
    *c = NULL;
  }
}

bool case_took(const struct case_file *c) {
  return c->took;
}

bool case_has_ended(const struct case_file *c) {
  return c->ended;
}

#define GROUND_ANNULLED SPAN_LITERAL("annulled")

void case_annul(struct case_file *c, civil_moment now) {
  c->lives_count = 0;
  c->watches_count = 0;
  c->children_count = 0;
  c->documents_count = 0;
  c->session_timer = (struct case_timer){CIVIL_MOMENT_NONE, 0};
  c->offer = 0;
  c->addressee = span_of(NULL, 0);
  c->ended = true;
  c->ground = case_text(c, c->ground, GROUND_ANNULLED);
  c->changed_at = now;
}

bool case_is_annulled(const struct case_file *c) {
  return c->ended && span_equal(c->ground, GROUND_ANNULLED);
}

uint32_t case_slots(const struct case_file *c) {
  return c->slots;
}

struct span case_process(const struct case_file *c) {
  return c->identity.process;
}

struct span case_revision(const struct case_file *c) {
  return c->revision;
}

/* ---- rights ------------------------------------------------------------------------------------------------- */

/* The territory that counts: the case's, or the one that a message for a new case names. */
static struct span territory_of(const struct case_file *c, const struct event_rule *rule, const struct value *data) {
  const struct field_rule *field = event_territory_field(rule);
  if (c && !span_empty(c->territory)) {
    return c->territory;
  }
  const struct value *v = field ? value_find(data, field->name) : NULL;
  return v && v->kind == VALUE_TEXT ? v->text : (struct span){0};
}

static bool is_addressee(const struct case_file *c, const struct participant *sender) {
  return c && !span_empty(c->addressee) && span_equal(c->addressee, sender->id);
}

static enum err permits_addressee(const struct case_file *c, const struct participant *sender, const struct value *data,
                                  struct fault *fault) {
  const struct value *offer = value_get(data, "offer");
  bool numbered = offer && offer->kind == VALUE_INT;
  if (c && numbered && (span_empty(c->addressee) || offer->integer != c->offer)) {
    return fault_set(fault, ERR_CONFLICT, "предложение № %lld больше не действует", (long long)offer->integer);
  }
  if (is_addressee(c, sender)) {
    return ERR_OK;
  }
  if (c && span_equal(c->last_addressee, sender->id)) {
    return fault_set(fault, ERR_CONFLICT, "предложение снято и больше не действует");
  }
  return fault_set(fault, ERR_FORBIDDEN, "ответить может только участник, которому направлено предложение");
}

enum err case_permits(const struct case_file *c, const struct event_rule *rule, const struct participant *sender,
                      const struct value *data, struct fault *fault) {
  if (!text_list_has(&rule->senders, sender->kind)) {
    return fault_set(fault, ERR_FORBIDDEN, "участник этого вида не вправе направлять событие «%.*s»",
                     SPAN_ARG(rule->name));
  }
  if (rule->only_addressee) {
    return permits_addressee(c, sender, data, fault);
  }
  struct span territory = territory_of(c, rule, data);
  if (!is_addressee(c, sender) && !span_empty(territory) && !participant_serves(sender, territory)) {
    return fault_set(fault, ERR_FORBIDDEN,
                     "случай относится к муниципальному образованию, которое участник не обслуживает");
  }
  return ERR_OK;
}

/* ---- view --------------------------------------------------------------------------------------------------- */

static struct text_list head_states(const struct case_file *c, struct arena *arena) {
  struct text_list list = {ARENA_ARRAY(arena, struct span, c->states.count), c->states.count};
  for (size_t i = 0; i < list.count; i++) {
    list.items[i] = arena_copy(arena, c->states.items[i]);
  }
  return list;
}

struct text_list case_states(const struct case_file *c, struct arena *arena) {
  if (!c->process) {
    return head_states(c, arena);
  }
  uint32_t count = chart_states_count(c->process->chart);
  struct text_list list = {ARENA_ARRAY(arena, struct span, count), 0};
  for (uint32_t i = 0; c->session && i < count; i++) {
    if (chart_state_is_atomic(c->process->chart, i) && chart_session_in(c->session, i)) {
      list.items[list.count++] = chart_state_id(c->process->chart, i);
    }
  }
  return list;
}

void case_stage_update(struct case_file *c) {
  int furthest = -1;
  for (uint32_t i = 0; i < chart_states_count(c->process->chart); i++) {
    if (c->process->stages[i] > furthest && chart_session_in(c->session, i)) {
      furthest = c->process->stages[i];
    }
  }
  c->stage = furthest >= 0 ? furthest : c->stage;
}

static struct span stage_name(const struct case_file *c) {
  return c->stage < 0 ? (struct span){0} : c->casework->options.catalogue->stages[c->stage].name;
}

static void view_children(const struct case_file *c, struct arena *arena, struct case_view *view) {
  view->children = (struct text_list){ARENA_ARRAY(arena, struct span, c->children_count), 0};
  view->live = (struct text_list){ARENA_ARRAY(arena, struct span, c->children_count), 0};
  for (size_t i = 0; i < c->children_count; i++) {
    struct span id = arena_copy(arena, c->children[i].id);
    view->children.items[view->children.count++] = id;
    if (!c->children[i].ended) {
      view->live.items[view->live.count++] = id;
    }
  }
}

static void view_documents(const struct case_file *c, struct arena *arena, struct case_view *view) {
  view->documents = ARENA_ARRAY(arena, struct case_document, c->documents_count);
  view->documents_count = c->documents_count;
  for (size_t i = 0; i < c->documents_count; i++) {
    const struct case_document *document = &c->documents[i];
    struct text_list measures = {ARENA_ARRAY(arena, struct span, document->measures.count), document->measures.count};
    for (size_t k = 0; k < measures.count; k++) {
      measures.items[k] = arena_copy(arena, document->measures.items[k]);
    }
    view->documents[i] = *document;
    view->documents[i].kind = arena_copy(arena, document->kind);
    view->documents[i].state = arena_copy(arena, document->state);
    view->documents[i].to = arena_copy(arena, document->to);
    view->documents[i].measures = measures;
  }
}

void case_view_of(const struct case_file *c, struct arena *arena, struct case_view *ret_view) {
  struct case_view view = {
      .identity = {.id = arena_copy(arena, c->identity.id),
                   .process = arena_copy(arena, c->identity.process),
                   .parent = arena_copy(arena, c->identity.parent),
                   .invoke = arena_copy(arena, c->identity.invoke),
                   .key = arena_copy(arena, c->identity.key),
                   .referral = c->identity.referral},
      .revision = arena_copy(arena, c->revision),
      .status = arena_copy(arena, c->status),
      .reason = arena_copy(arena, c->reason),
      .addressee = arena_copy(arena, c->addressee),
      .last_addressee = arena_copy(arena, c->last_addressee),
      .offer = c->offer,
      .edition = c->edition,
      .territory = arena_copy(arena, c->territory),
      .stage = stage_name(c),
      .ended = c->ended,
      .ground = arena_copy(arena, c->ground),
      .opened_at = c->opened_at,
      .changed_at = c->changed_at,
      .status_at = c->status_at,
      .states = case_states(c, arena),
  };
  view_children(c, arena, &view);
  view_documents(c, arena, &view);
  *ret_view = view;
}
