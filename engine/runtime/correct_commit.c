/*
 * The family's records give way to those of the family without the mistake, in the open batch.
 *
 * In order: readers are told, incidents that only the mistake led to are resolved, the old records go and the new ones
 * come, the counters follow, and what cannot be taken any more becomes an incident. Cases that were open in memory are
 * forgotten: their records are the truth. A case that was there before keeps the entry that started it and the
 * incidents that park it.
 */
#include <string.h>

#include "runtime/correct_diff.h"

enum { INCIDENTS_IN_BATCH = 4096 }; /* that two batches may have opened: read point by point */

struct commit {
  struct correction *c;
  struct runtime *runtime;
  uint64_t journal;
  struct value personal;
};

/* ---- readers ---- */

static void send(struct commit *m, const struct replay_delivery *d) {
  struct runtime *rt = m->runtime;
  struct runtime_delivery delivery = {
      .kind = d->kind,
      .participant = d->participant,
      .recorded_at = m->c->now,
      .journal = m->journal,
      .case_id = d->case_id,
      .process = d->process,
      .subject = d->subject,
      .event = d->event,
      .data = streams_cut(rt, &d->data, d->participant->kind),
      .personal = catalogue_cut(rt->catalogue, &m->personal, d->participant->kind, &rt->arena),
      .deadline = d->has_deadline ? &d->deadline : NULL,
      .reason = d->reason,
  };
  streams_add(rt, &delivery);
}

/* ---- the person: what the other messages brought, in their order ---- */

static void merge_personal(struct commit *m, const struct replay_entry *item, struct value *merged) {
  struct arena *arena = &m->c->arena;
  struct value personal = persons_unseal(m->runtime, m->c->root, item->entry.sealed, arena);
  for (size_t i = 0; personal.kind == VALUE_MAP && i < personal.map.count; i++) {
    *merged = value_with(arena, merged, personal.map.fields[i].name, personal.map.fields[i].value);
  }
}

static void restore_person(struct commit *m) {
  const struct replay_entries *entries = &m->c->entries;
  struct value merged = value_nil();
  if (!m->c->target || span_empty(m->c->target->entry.sealed)) {
    return;
  }
  for (size_t i = 0; i < entries->count; i++) {
    if (!entries->items[i].annulled && replay_entry_latest(&entries->items[i]) != m->c->target) {
      merge_personal(m, &entries->items[i], &merged);
    }
  }
  persons_replace(m->runtime, m->c->root, &merged);
}

/* ---- counters ---- */

static void count_loads(struct commit *m, const struct family *family, int64_t delta) {
  for (size_t i = 0; i < family->count; i++) {
    const struct case_view *view = case_slot_view(family->members[i]);
    bool carries = !view->ended && view->offer > 0;
    struct cursor_entry *cursor = carries ? cursors_find(&m->runtime->cursors, view->addressee) : NULL;
    if (cursor) {
      cursor->record.load += delta;
      cursors_touch(&m->runtime->cursors, cursor);
    }
  }
}

static void count_cases(struct commit *m, const struct family *family, int delta) {
  for (size_t i = 0; i < family->count; i++) {
    const struct case_slot *slot = family->members[i];
    if (delta < 0 ? slot->counted : !case_has_ended(slot->file)) {
      definitions_count(&m->runtime->definitions, case_process(slot->file), case_revision(slot->file), delta);
    }
  }
}

/* ---- incidents ---- */

struct incident_item {
  uint64_t number;
  struct record_incident incident; /* texts in the correction's arena */
  bool matched;
};
struct incident_list {
  struct correction *c;
  struct incident_item *items;
  size_t count, capacity;
  uint64_t last;
  enum err err;
};

static void keep_incident(struct incident_list *list, uint64_t number, struct span bytes) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 32;
    struct incident_item *grown = ARENA_ARRAY(&list->c->arena, struct incident_item, list->capacity);
    if (list->count > 0) {
      memcpy(grown, list->items, list->count * sizeof *grown);
    }
    list->items = grown;
  }
  struct incident_item *item = &list->items[list->count];
  *item = (struct incident_item){.number = number};
  list->err = record_incident_read(arena_copy(&list->c->arena, bytes), &item->incident);
  list->count += list->err == ERR_OK;
}

static bool visit_incident(void *arg, struct span key, struct span value) {
  struct incident_list *list = arg;
  struct span root;
  uint64_t number;
  list->err = record_incident_of_key(key, &root, &number);
  if (list->err == ERR_OK) {
    keep_incident(list, number, value);
    list->last = number;
  }
  return list->err == ERR_OK;
}

/* A walk sees what is committed; those of the batch are read point by point, and in their newest state. */
static void read_incidents(struct commit *m, struct runtime *runtime, struct incident_list *list) {
  struct record_key prefix = record_incident_prefix(m->c->root);
  struct span at = record_key_span(&prefix);
  enum err err = store_scan(runtime->store, STORE_INCIDENT, at, at, visit_incident, list);
  for (size_t i = 0; i < list->count; i++) {
    struct record_key key = record_incident_key(m->c->root, list->items[i].number);
    struct span bytes;
    if (engine_read(runtime, STORE_INCIDENT, &key, &bytes)) {
      list->err = record_incident_read(arena_copy(&list->c->arena, bytes), &list->items[i].incident);
    }
  }
  uint64_t head = runtime->head.incidents;
  uint64_t first = head > INCIDENTS_IN_BATCH ? head - INCIDENTS_IN_BATCH + 1 : 1;
  for (uint64_t number = first > list->last ? first : list->last + 1; number <= head; number++) {
    struct record_key key = record_incident_key(m->c->root, number);
    struct span bytes;
    if (engine_read(runtime, STORE_INCIDENT, &key, &bytes)) {
      keep_incident(list, number, bytes);
    }
  }
  err = err == ERR_OK ? list->err : err;
  if (err != ERR_OK) {
    engine_fail(m->runtime, err);
  }
}

/* Of a case's own steps: not of the exchange, and not a refusal. */
static bool is_of_a_case(const struct record_incident *incident) {
  return !incident->transport && !span_is(incident->reason, "refused") && !span_is(incident->reason, "annulled");
}

static bool same_incident(const struct record_incident *a, const struct record_incident *b) {
  return span_equal(a->case_id, b->case_id) && span_equal(a->reason, b->reason) && span_equal(a->detail, b->detail) &&
         span_equal(a->sender, b->sender) && span_equal(a->event, b->event);
}

static void match_incidents(struct incident_list *before, struct incident_list *after) {
  for (size_t i = 0; i < before->count; i++) {
    struct incident_item *old = &before->items[i];
    for (size_t k = 0; is_of_a_case(&old->incident) && !old->matched && k < after->count; k++) {
      struct incident_item *new = &after->items[k];
      old->matched = !new->matched &&same_incident(&old->incident, &new->incident);
      new->matched = new->matched || old->matched;
    }
  }
}

static void resolve_incidents(struct commit *m, struct incident_list *before) {
  for (size_t i = 0; i < before->count; i++) {
    struct incident_item *item = &before->items[i];
    if (is_of_a_case(&item->incident) && !item->matched && !item->incident.resolved) {
      incidents_annulled(m->runtime, m->c->root, item->number);
      item->incident.resolved = true;
    }
  }
}

static void open_incidents(struct commit *m, const struct incident_list *after) {
  for (size_t i = 0; i < after->count; i++) {
    const struct record_incident *incident = &after->items[i].incident;
    if (is_of_a_case(incident) && !after->items[i].matched) {
      incidents_open(m->runtime, &(struct incident_report){
                                     .case_id = incident->case_id,
                                     .reason = incident->reason,
                                     .detail = incident->detail,
                                     .sender = incident->sender,
                                     .event = incident->event,
                                     .journal = m->journal,
                                     .at = m->c->now,
                                     .parks = incident->parks,
                                 });
    }
  }
}

static bool was_reported(const struct incident_list *before, const struct replay_refusal *refusal) {
  for (size_t i = 0; i < before->count; i++) {
    const struct record_incident *incident = &before->items[i].incident;
    if (span_is(incident->reason, "annulled") && incident->journal == refusal->entry->number) {
      return true;
    }
  }
  return false;
}

/* Its entry is named, so that the operator can repeat it. */
static void report_refusals(struct commit *m, const struct incident_list *before) {
  for (size_t i = 0; i < m->c->without.refusals_count; i++) {
    const struct replay_refusal *refusal = &m->c->without.refusals[i];
    const struct event_rule *rule = refusal->entry->rule;
    struct span title = rule && !span_empty(rule->title) ? rule->title : refusal->entry->entry.event;
    if (!was_reported(before, refusal)) {
      incidents_open(m->runtime, &(struct incident_report){
                                     .case_id = m->c->root,
                                     .reason = SPAN_LITERAL("annulled"),
                                     .detail = arena_printf(&m->runtime->arena, "%.*s, после отзыва: %.*s",
                                                            SPAN_ARG(title), SPAN_ARG(refusal->text)),
                                     .sender = refusal->entry->entry.sender,
                                     .event = refusal->entry->entry.event,
                                     .journal = refusal->entry->number,
                                     .at = m->c->now,
                                 });
    }
  }
}

/* ---- records ---- */

static void delete_key(struct commit *m, enum store_space space, const struct record_key *key) {
  store_delete(m->runtime->store, space, record_key_span(key));
}

static void delete_timers(struct commit *m, const struct case_slot *slot) {
  struct case_due set;
  for (size_t i = 0; case_due_at(slot->file, i, &set); i++) {
    if (set.moment != CIVIL_MOMENT_NONE) {
      struct record_key key = record_timer_key(set.moment, slot->id, set.slot);
      delete_key(m, STORE_TIMER, &key);
    }
  }
}

struct keys {
  struct arena *arena;
  struct span *items;
  size_t count, capacity;
};

static bool visit_key(void *arg, struct span key, struct span value) {
  struct keys *keys = arg;
  (void)value;
  if (keys->count == keys->capacity) {
    keys->capacity = keys->capacity ? keys->capacity * 2 : 64;
    struct span *grown = ARENA_ARRAY(keys->arena, struct span, keys->capacity);
    if (keys->count > 0) {
      memcpy(grown, keys->items, keys->count * sizeof *grown);
    }
    keys->items = grown;
  }
  keys->items[keys->count++] = arena_copy(keys->arena, key);
  return true;
}

/* Those that are committed by a walk, those of the batch by their slots. */
static void delete_deadlines(struct commit *m) {
  const struct family *before = &m->c->without.before;
  struct keys keys = {.arena = &m->c->arena};
  struct record_key prefix = record_family_prefix(m->c->root);
  struct span at = record_key_span(&prefix);
  enum err err = store_scan(m->runtime->store, STORE_DEADLINE, at, at, visit_key, &keys);
  if (err != ERR_OK) {
    engine_fail(m->runtime, err);
  }
  for (size_t i = 0; i < keys.count; i++) {
    store_delete(m->runtime->store, STORE_DEADLINE, keys.items[i]);
  }
  for (size_t i = 0; i < before->count; i++) {
    for (uint32_t slot = 1; slot <= case_slots(before->members[i]->file); slot++) {
      struct record_key key = record_deadline_key(before->members[i]->id, slot);
      delete_key(m, STORE_DEADLINE, &key);
    }
  }
}

static void delete_family(struct commit *m) {
  const struct family *before = &m->c->without.before;
  delete_deadlines(m);
  for (size_t i = 0; i < before->count; i++) {
    struct record_key key = record_case_key(before->members[i]->id);
    delete_timers(m, before->members[i]);
    delete_key(m, STORE_CASE, &key);
  }
}

/* Open incidents that park a case go on doing so. */
static uint32_t parked_by(const struct incident_list *incidents, struct span case_id) {
  uint32_t count = 0;
  for (size_t i = 0; i < incidents->count; i++) {
    const struct record_incident *incident = &incidents->items[i].incident;
    count += incident->parks && !incident->resolved && span_equal(incident->case_id, case_id);
  }
  return count;
}

struct old_case {
  struct span id;
  uint64_t journal, latest;
};
struct moving {
  struct commit *m;
  const struct incident_list *incidents;
  struct old_case *old;
  size_t old_count;
  enum err err;
};

/* The entry that started it and the latest one stay; what was not there before begins now. */
static struct old_case before_of(const struct moving *moving, struct span id) {
  for (size_t i = 0; i < moving->old_count; i++) {
    if (span_equal(moving->old[i].id, id)) {
      return moving->old[i];
    }
  }
  return (struct old_case){.id = id, .journal = moving->m->journal, .latest = RECORD_NO_ENTRY};
}

static bool move_case(void *arg, struct span key, struct span value) {
  struct moving *moving = arg;
  struct runtime *rt = moving->m->runtime;
  uint8_t buffer[CASE_ID_MAX];
  struct span id;
  struct record_case record;
  moving->err = record_case_of_key(key, buffer, &id);
  moving->err = moving->err == ERR_OK ? record_case_read(value, &record) : moving->err;
  if (moving->err != ERR_OK) {
    return false;
  }
  record.parked = parked_by(moving->incidents, id);
  const struct old_case before = before_of(moving, id);
  record.journal = before.journal;
  record.latest = before.latest;
  writer_reset(&rt->scratch);
  record_case_write(&record, &rt->scratch);
  store_put(rt->store, STORE_CASE, key, writer_span(&rt->scratch));
  return true;
}

static bool move_deadline(void *arg, struct span key, struct span value) {
  struct moving *moving = arg;
  store_put(moving->m->runtime->store, STORE_DEADLINE, key, value);
  return true;
}

static bool move_timer(void *arg, struct span key, struct span value) {
  struct moving *moving = arg;
  store_put(moving->m->runtime->store, STORE_TIMER, key, value);
  timers_set(&moving->m->runtime->timers, key);
  return true;
}

static bool move_offer(void *arg, struct span key, struct span value) {
  struct moving *moving = arg;
  store_put(moving->m->runtime->store, STORE_INDEX, key, value);
  return true;
}

static void move_space(struct moving *moving, enum store_space space, struct span prefix, store_visit visit) {
  enum err err = store_scan(moving->m->c->without.store, space, prefix, prefix, visit, moving);
  err = err == ERR_OK ? moving->err : err;
  if (err != ERR_OK) {
    engine_fail(moving->m->runtime, err);
  }
}

static void move_family(struct commit *m, const struct incident_list *incidents, struct old_case *old,
                        size_t old_count) {
  struct moving moving = {.m = m, .incidents = incidents, .old = old, .old_count = old_count};
  struct span all = {NULL, 0};
  struct record_key offers = record_offer_prefix(m->c->root);
  move_space(&moving, STORE_CASE, all, move_case);
  move_space(&moving, STORE_DEADLINE, all, move_deadline);
  move_space(&moving, STORE_TIMER, all, move_timer);
  move_space(&moving, STORE_INDEX, record_key_span(&offers), move_offer);
}

/* Nothing is left of the family: its number goes on telling that it was begun by mistake. */
static struct span annulled_record(struct commit *m, const struct incident_list *incidents) {
  struct runtime *rt = m->runtime;
  struct fault unread = {.err = ERR_OK};
  struct case_slot *slot = NULL;
  if (m->c->after.count > 0 || !m->c->begun_by_message || cases_get(&rt->cases, m->c->root, &slot, &unread) != ERR_OK) {
    return span_of(NULL, 0);
  }
  case_annul(slot->file, m->c->now);
  writer_reset(&rt->body);
  if (case_encode(slot->file, &rt->body, &unread) != ERR_OK) {
    return span_of(NULL, 0);
  }
  const struct record_case record = {.parked = parked_by(incidents, slot->id),
                                     .journal = slot->journal,
                                     .latest = slot->latest,
                                     .body = writer_span(&rt->body)};
  writer_reset(&rt->scratch);
  record_case_write(&record, &rt->scratch);
  return arena_copy(&rt->arena, writer_span(&rt->scratch));
}

static void put_annulled(struct commit *m, struct span record) {
  struct record_key key = record_case_key(m->c->root);
  if (!span_empty(record)) {
    engine_put(m->runtime, STORE_CASE, &key, record);
  }
}

static struct old_case *old_cases(struct commit *m, size_t *ret_count) {
  const struct family *before = &m->c->without.before;
  struct old_case *old = ARENA_ARRAY(&m->c->arena, struct old_case, before->count);
  for (size_t i = 0; i < before->count; i++) {
    old[i] = (struct old_case){arena_copy(&m->c->arena, before->members[i]->id), before->members[i]->journal,
                               before->members[i]->latest};
  }
  *ret_count = before->count;
  return old;
}

static void forget_family(struct commit *m) {
  const struct family *before = &m->c->without.before;
  for (size_t i = 0; i < before->count; i++) {
    cases_forget(&m->runtime->cases, before->members[i]);
  }
  m->c->without.before = (struct family){0};
  m->c->as_it_was.before = (struct family){0};
}

/* What this case heard, and what others hear that were not gone through again. */
static void write_told(struct commit *m) {
  struct correction *c = m->c;
  for (size_t i = 0; i < c->told.taken_back.count; i++) {
    told_take_back(m->runtime, c->root, &c->told.taken_back.items[i]);
  }
  for (size_t i = 0; i < c->told.added.count; i++) {
    told_put(m->runtime, c->root, &c->told.added.items[i]);
  }
  for (size_t i = 0; i < c->heard_count; i++) {
    told_put(m->runtime, c->heard[i].case_id, &c->heard[i].told);
  }
}

static void mark_annulled(struct commit *m) {
  if (!m->c->target) {
    return;
  }
  struct record_key key = record_annulled_key(m->c->target->number);
  writer_reset(&m->runtime->scratch);
  record_generation_write(m->journal, &m->runtime->scratch);
  engine_put(m->runtime, STORE_INDEX, &key, writer_span(&m->runtime->scratch));
}

void correct_commit(struct correction *c, uint64_t journal) {
  struct commit m = {.c = c, .runtime = c->runtime, .journal = journal};
  struct incident_list before = {.c = c};
  struct incident_list after = {.c = c};
  restore_person(&m);
  m.personal = persons_read(c->runtime, c->root, &c->arena);
  for (size_t i = 0; i < c->plan_count; i++) {
    send(&m, &c->plan[i]);
  }
  read_incidents(&m, c->runtime, &before);
  read_incidents(&m, c->without.runtime, &after);
  match_incidents(&before, &after);
  resolve_incidents(&m, &before);
  count_loads(&m, &c->without.before, -1);
  count_loads(&m, &c->after, 1);
  count_cases(&m, &c->without.before, -1);
  count_cases(&m, &c->after, 1);
  size_t old_count;
  struct old_case *old = old_cases(&m, &old_count);
  delete_family(&m);
  struct span annulled = annulled_record(&m, &before);
  forget_family(&m);
  move_family(&m, &before, old, old_count);
  put_annulled(&m, annulled);
  open_incidents(&m, &after);
  report_refusals(&m, &before);
  write_told(&m);
  mark_annulled(&m);
  for (size_t i = 0; i < c->others_count; i++) {
    correct_commit(c->others[i], journal);
  }
}
