/*
 * children.c — the cases that a case has started: <k:case> one, <k:cases> and <k:referrals> one per element of a list.
 *
 *   started ──▶ running ──▶ ended             the child says so (done.invoke.ID)
 *               running: case.moved             this case has another territory at the end of a step than before it
 *                  └─ cancelled ──▶ ended     its element was left, or the list no longer has it: case.cancelled
 *
 * A child is another case: it is reached by effects only, and heard through internal events that name it as their
 * origin. Its id is PARENT/KEY; a second life of a key, when a state is entered again, is PARENT/KEY.2 and so on,
 * because a case id is never used twice. Records of children stay, ended ones too: they are what lists and the outcome
 * show, and what makes the next id new.
 */
#include "casework/document.h"
#include "casework/payload.h"

enum { MEASURE_LIST_MAX = 100 };

/* ---- starting ----------------------------------------------------------------------------------------------- */

/* Empty when no id within the limits is free. */
static struct span free_id(struct step *s, struct span key) {
  struct case_file *c = s->c;
  struct span id = arena_printf(s->arena, "%.*s/%.*s", SPAN_ARG(c->identity.id), SPAN_ARG(key));
  for (int life = 2; case_child_find(c, id) && life <= CASE_CHILDREN_MAX; life++) {
    id = arena_printf(s->arena, "%.*s/%.*s.%d", SPAN_ARG(c->identity.id), SPAN_ARG(key), life);
  }
  return id.size <= CASE_ID_MAX ? id : (struct span){0};
}

/* Why a child cannot be started; NULL if it can. */
static const char *refusal(const struct case_file *c, const struct element *e, struct span key, struct span id) {
  if (c->children_count == CASE_CHILDREN_MAX) {
    return "too-many-children";
  }
  if (!casework_has_process(c->casework, e->process)) {
    return "unknown-process";
  }
  return payload_key_valid(key) && !span_empty(id) ? NULL : "bad-key";
}

static void start_effect(struct step *s, const struct child *child, struct value data) {
  struct case_effect *effect = effect_add(s, CASE_EFFECT_START);
  effect->case_id = effect_text(s, child->id);
  effect->process = child->process;
  effect->invoke = effect_text(s, child->invoke);
  effect->key = effect_text(s, child->key);
  effect->referral = !child->part;
  effect->data = data;
}

/* A child works where its parent does, unless the chart says otherwise. */
static struct value with_territory(struct step *s, struct value data) {
  if (span_empty(s->c->territory) || value_get(&data, "territory")) {
    return data;
  }
  return value_with(s->arena, &data, SPAN_LITERAL("territory"), value_text(effect_text(s, s->c->territory)));
}

static struct child *start(struct step *s, struct live *live, struct span key, struct value data) {
  struct case_file *c = s->c;
  struct span id = free_id(s, key);
  const char *why = refusal(c, live->element, key, id);
  if (why) {
    live_fault(s, live, "key", why);
    return NULL;
  }
  struct child *child = case_child_new(c);
  *child = (struct child){.id = case_text(c, (struct span){0}, id),
                          .key = case_text(c, (struct span){0}, key),
                          .process = live->element->process,
                          .invoke = live->invokeid,
                          .serial = live->serial,
                          .part = live->element->kind != ELEMENT_REFERRALS};
  start_effect(s, child, with_territory(s, data));
  return child;
}

void child_start_case(struct step *s, struct live *live, const struct value *params) {
  struct value data = element_params(ELEMENT_CASE, params, s->arena);
  start(s, live, span_empty(live->key) ? live->element->id : live->key, data);
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

static void cancel(struct step *s, struct child *child) {
  watch_cancel(s, child->slot);
  if (child->ended || child->cancelled) {
    return;
  }
  child->cancelled = true;
  documents_touch(s, child->to);
  struct case_effect *effect = effect_add(s, CASE_EFFECT_EVENT);
  effect->case_id = effect_text(s, child->id);
  effect->event = SPAN_LITERAL("case.cancelled");
}

void children_cancel(struct step *s, uint32_t serial) {
  for (size_t i = 0; i < s->c->children_count; i++) {
    if (serial == 0 || s->c->children[i].serial == serial) {
      cancel(s, &s->c->children[i]);
    }
  }
}

/* ---- moving ------------------------------------------------------------------------------------------------- */

void children_move(struct step *s) {
  const struct value_field fields[] = {FIELD("territory", value_text(effect_text(s, s->c->territory)))};
  const struct value where = DATA_MAP(s, fields);
  for (size_t i = 0; i < s->c->children_count; i++) {
    const struct child *child = &s->c->children[i];
    if (child->ended || child->cancelled) {
      continue;
    }
    struct case_effect *effect = effect_add(s, CASE_EFFECT_EVENT);
    effect->case_id = effect_text(s, child->id);
    effect->event = SPAN_LITERAL("case.moved");
    effect->data = where;
  }
}

/* ---- k:cases, k:referrals: following the list
 * -------------------------------------------------------------------------- */

static struct child *child_of(struct case_file *c, uint32_t serial, struct span key) {
  for (size_t i = 0; i < c->children_count; i++) {
    struct child *child = &c->children[i];
    if (child->serial == serial && !child->cancelled && span_equal(child->key, key)) {
      return child;
    }
  }
  return NULL;
}

/* What a referral starts with: its element of the list, and what the chart adds to all of them. */
static struct value start_data(struct step *s, const struct live *live, const struct value *item) {
  struct value data = live->params.kind == VALUE_MAP ? value_copy(s->arena, &live->params) : value_nil();
  for (size_t i = 0; i < item->map.count; i++) {
    data = value_with(s->arena, &data, item->map.fields[i].name, item->map.fields[i].value);
  }
  return data;
}

/* Never 0. */
static uint32_t content_of(const struct value *item) {
  DEFER(writer_finish) struct writer w;
  uint32_t hash = 2166136261; /* FNV-1a */
  writer_init(&w);
  value_encode(item, &w);
  for (size_t i = 0; i < w.size; i++) {
    hash = (hash ^ w.data[i]) * 16777619;
  }
  return hash ? hash : 1;
}

/* Its executor has an extract that tells what stands in the list. */
static void follow_content(struct step *s, const struct live *live, struct child *child, const struct value *item) {
  uint32_t content = live->element->extract ? content_of(item) : 0;
  if (content != child->content && child->content != 0 && !span_empty(child->to)) {
    struct value *renewed = ARENA_NEW(s->arena, struct value);
    *renewed = value_copy(s->arena, item);
    child->renewed = renewed;
    documents_touch(s, child->to);
  }
  child->content = content;
}

static enum err follow_item(struct step *s, struct live *live, const struct value *item) {
  struct span key = value_get_text(item, "id");
  const struct value *due = value_get(item, "due");
  struct anchor anchor = {.from = CIVIL_DAY_NONE,
                          .term_text = live->element->term_text,
                          .term = live->element->term,
                          .not_after = CIVIL_DAY_NONE,
                          .done = CIVIL_DAY_NONE};
  if (item->kind != VALUE_MAP || !payload_key_valid(key)) {
    live_fault(s, live, "each", "an element without a valid id");
    return ERR_OK;
  }
  bool dated = live->element->kind == ELEMENT_REFERRALS && due && due->kind != VALUE_NIL;
  if (dated && (due->kind != VALUE_TEXT || civil_day_parse(due->text, &anchor.from) != ERR_OK)) {
    live_fault(s, live, "each", "an element whose due is no date");
    return ERR_OK;
  }
  struct child *child = child_of(s->c, live->serial, key);
  if (!child) {
    child = start(s, live, key, start_data(s, live, item));
    live->answered = live->answered && !child;
  }
  if (child) {
    follow_content(s, live, child, item);
  }
  return child ? watch_follow(s, live, child->key, &anchor, &child->slot) : ERR_OK;
}

static bool list_has(const struct value *list, struct span key) {
  for (size_t i = 0; i < list->list.count; i++) {
    if (span_equal(value_get_text(&list->list.items[i], "id"), key)) {
      return true;
    }
  }
  return false;
}

static void cancel_vanished(struct step *s, const struct live *live, const struct value *list) {
  for (size_t i = 0; i < s->c->children_count; i++) {
    struct child *child = &s->c->children[i];
    if (child->serial == live->serial && !list_has(list, child->key)) {
      cancel(s, child);
      child->cancelled = child->cancelled || child->part; /* over and gone: its key may come again */
    }
  }
}

enum err referrals_refresh(struct step *s, struct live *live) {
  struct value list;
  bool ok;
  TRY(live_attribute(s, live, "each", &list, &ok));
  if (ok && list.kind == VALUE_NIL) {
    list = value_list(NULL, 0);
  }
  /* An empty table of a script has no kind of its own. */
  if (ok && list.kind == VALUE_MAP && list.map.count == 0) {
    list = value_list(NULL, 0);
  }
  if (ok && (list.kind != VALUE_LIST || list.list.count > MEASURE_LIST_MAX)) {
    live_fault(s, live, "each", "no list, or one that is too long");
    ok = false;
  }
  for (size_t i = 0; ok && i < list.list.count; i++) {
    TRY(follow_item(s, live, &list.list.items[i]));
  }
  if (ok) {
    cancel_vanished(s, live, &list);
  }
  return ERR_OK;
}

/* ---- hearing ------------------------------------------------------------------------------------------------ */

static struct live *live_of(struct case_file *c, uint32_t serial) {
  for (size_t i = 0; i < c->lives_count; i++) {
    if (c->lives[i].serial == serial) {
      return &c->lives[i];
    }
  }
  return NULL;
}

static void count_status(struct value_field *fields, size_t *count, struct span status) {
  for (size_t i = 0; i < *count; i++) {
    if (span_equal(fields[i].name, status)) {
      fields[i].value.integer++;
      return;
    }
  }
  fields[(*count)++] = (struct value_field){status, value_int(1)};
}

/* True when all children of the element have ended; then `ret_counts` says how many with which status, and "total". */
static bool all_ended(struct step *s, uint32_t serial, struct value *ret_counts) {
  struct case_file *c = s->c;
  struct value_field *fields = ARENA_ARRAY(s->arena, struct value_field, c->children_count + 1);
  size_t count = 1;
  fields[0] = (struct value_field){SPAN_LITERAL("total"), value_int(0)};
  for (size_t i = 0; i < c->children_count; i++) {
    const struct child *child = &c->children[i];
    if (child->serial == serial && !child->ended) {
      return false;
    }
    if (child->serial == serial) {
      fields[0].value.integer++;
      count_status(fields, &count, span_empty(child->status) ? SPAN_LITERAL("none") : effect_text(s, child->status));
    }
  }
  *ret_counts = data_map(s, fields, count);
  return true;
}

static void answer_when_all_ended(struct step *s, struct live *live) {
  struct value counts;
  if (!live->answered && all_ended(s, live->serial, &counts)) {
    live->answered = true;
    struct span event = arena_printf(s->arena, "done.invoke.%.*s", SPAN_ARG(live->invokeid));
    step_tell(s, event, counts, live->invokeid, NULL);
  }
}

static void heard_status(struct step *s, struct child *child) {
  const struct value *data = &s->input->data;
  child->status = case_text(s->c, child->status, value_get_text(data, "status"));
  documents_touch(s, child->to);
  child->to = case_text(s->c, child->to, value_get_text(data, "to"));
  documents_touch(s, child->to);
  watch_meet_status(s, child->slot, child->status);
}

/* What a child says after its element was left is kept, but the chart has stopped listening. */
bool child_heard(struct step *s, struct child *child) {
  struct live *live = live_of(s->c, child->serial);
  if (span_starts_with(s->input->event, SPAN_LITERAL("referral."))) {
    heard_status(s, child);
    return live != NULL;
  }
  if (!span_starts_with(s->input->event, SPAN_LITERAL("done.invoke."))) {
    return live != NULL;
  }
  child->ended = true;
  if (live && live->element->kind != ELEMENT_CASE) {
    answer_when_all_ended(s, live);
    return false;
  }
  return live != NULL;
}
