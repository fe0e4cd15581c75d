#include "runtime/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/line.h"
#include "runtime/records.h"

struct outcome_case {
  struct span id;
  struct case_view view;
};
struct outcome_deadline {
  struct span case_id;
  struct deadline deadline;
  const struct outcome_case *of;
};

/* One family at a time; `family_arena` is emptied between two. */
struct outcome {
  struct store *store;
  line_sink sink;
  void *arg;
  bool stopped;
  enum err err;
  struct writer line;
  struct writer next; /* root of the family behind this one */

  struct arena family_arena;
  struct span root;
  struct outcome_case *cases;
  size_t cases_count, cases_capacity;
  struct outcome_deadline *deadlines;
  size_t deadlines_count, deadlines_capacity;
};

/* Room for one more in a malloc'ed table. */
static void *room(void *items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) {
    return items;
  }
  *capacity = *capacity ? *capacity * 2 : 64;
  void *more = realloc(items, *capacity * size);
  ASSERT(more);
  return more;
}

static void send(struct outcome *o) {
  line_end(&o->line);
  o->stopped = o->stopped || !o->sink(o->arg, writer_span(&o->line));
}

static void begin(struct outcome *o, const char *type) {
  writer_reset(&o->line);
  line_text(&o->line, "type", span_of_cstr(type));
  line_text(&o->line, "case", o->root);
}

/* ---- which families there are ---- */

/* Keys of cases and of incidents begin with the root's id, up to the first NUL, and stand in the order of the roots. */
static bool visit_root(void *arg, struct span key, struct span value) {
  struct outcome *o = arg;
  struct span rest;
  struct span root = span_cut(key, '\0', &rest);
  (void)value;
  if (o->next.size == 0 || span_compare(root, writer_span(&o->next)) < 0) {
    writer_reset(&o->next);
    writer_raw(&o->next, root);
  }
  return false;
}

/* The first root that does not stand before `from`: `next`, empty if there is none. */
static enum err find_root(struct outcome *o, struct span from) {
  struct span all = {NULL, 0};
  writer_reset(&o->next);
  TRY(store_scan(o->store, STORE_CASE, all, from, visit_root, o));
  return store_scan(o->store, STORE_INCIDENT, all, from, visit_root, o);
}

/* The one behind `root`: past all keys that are this root with a NUL and more behind it. */
static enum err find_root_behind(struct outcome *o, struct span root) {
  uint8_t from[STORE_KEY_MAX];
  ASSERT(root.size < sizeof from);
  memcpy(from, root.data, root.size);
  from[root.size] = 1;
  return find_root(o, span_of(from, root.size + 1));
}

/* ---- one family ---- */

static enum err keep_case(struct outcome *o, struct span key, struct span value) {
  uint8_t *text = arena_alloc(&o->family_arena, CASE_ID_MAX);
  struct outcome_case c;
  struct record_case record;
  TRY(record_case_of_key(key, text, &c.id));
  TRY(record_case_read(value, &record));
  TRY(case_view_decode(arena_copy(&o->family_arena, record.body), &o->family_arena, &c.view));
  o->cases = room(o->cases, o->cases_count, &o->cases_capacity, sizeof *o->cases);
  o->cases[o->cases_count++] = c;
  return ERR_OK;
}

static bool visit_case(void *arg, struct span key, struct span value) {
  struct outcome *o = arg;
  o->err = keep_case(o, key, value);
  return o->err == ERR_OK;
}

static enum err keep_deadline(struct outcome *o, struct span key, struct span value) {
  uint8_t *text = arena_alloc(&o->family_arena, CASE_ID_MAX);
  struct outcome_deadline d = {.of = NULL};
  uint32_t slot;
  TRY(record_deadline_of_key(key, text, &d.case_id, &slot));
  TRY(record_deadline_read(arena_copy(&o->family_arena, value), &d.deadline));
  d.deadline.slot = slot;
  o->deadlines = room(o->deadlines, o->deadlines_count, &o->deadlines_capacity, sizeof *o->deadlines);
  o->deadlines[o->deadlines_count++] = d;
  return ERR_OK;
}

static bool visit_deadline(void *arg, struct span key, struct span value) {
  struct outcome *o = arg;
  o->err = keep_deadline(o, key, value);
  return o->err == ERR_OK;
}

static void write_case(struct outcome *o, const struct case_view *view) {
  struct value *states = ARENA_ARRAY(&o->family_arena, struct value, view->states.count + 1);
  for (size_t i = 0; i < view->states.count; i++) {
    states[i] = value_text(view->states.items[i]);
  }
  begin(o, "case");
  line_text(&o->line, "process", view->identity.process);
  line_value(&o->line, "states", value_list(states, view->states.count));
  line_text_or_null(&o->line, "stage", view->stage);
  line_text_or_null(&o->line, "ground", view->ended ? view->ground : span_of(NULL, 0));
  send(o);
}

static void write_referral(struct outcome *o, const struct case_view *view) {
  begin(o, "referral");
  line_text(&o->line, "measure", view->identity.key);
  line_text_or_null(&o->line, "to", view->last_addressee);
  line_text_or_null(&o->line, "status", view->status);
  line_moment(&o->line, "at", view->status_at != CIVIL_MOMENT_NONE ? view->status_at : view->opened_at);
  line_text_if_any(&o->line, "reason", view->reason);
  send(o);
}

static void write_deadline(struct outcome *o, const struct outcome_deadline *item) {
  const struct deadline *d = &item->deadline;
  const struct case_view *view = item->of ? &item->of->view : NULL;
  begin(o, "deadline");
  line_text(&o->line, "process", view ? view->identity.process : span_of(NULL, 0));
  line_text(&o->line, "id", d->id);
  line_text(&o->line, "basis", d->basis);
  line_day(&o->line, "from", d->from);
  line_text(&o->line, "term", d->term);
  line_day(&o->line, "due", d->due);
  line_text(&o->line, "state", span_of_cstr(deadline_state_name(d->state)));
  line_moment(&o->line, "at", d->at);
  if (d->opens != CIVIL_DAY_NONE) {
    line_day(&o->line, "opens", d->opens);
  }
  line_text_if_any(&o->line, "cause", d->cause);
  if (view && view->identity.referral) {
    line_text(&o->line, "measure", view->identity.key);
  }
  if (!d->counted) {
    line_value(&o->line, "counted", value_bool(false));
  }
  send(o);
}

static void write_document(struct outcome *o, const struct case_view *view, size_t index) {
  const struct case_document *d = &view->documents[index];
  begin(o, "document");
  line_text(&o->line, "process", view->identity.process);
  line_text(&o->line, "kind", d->kind);
  line_value(&o->line, "edition", value_int(d->edition));
  line_text(&o->line, "state", d->state);
  line_day(&o->line, "on", civil_moment_day(d->occurred_at));
  line_moment(&o->line, "at", d->recorded_at);
  if (!span_empty(d->to)) {
    struct value *measures = ARENA_ARRAY(&o->family_arena, struct value, d->measures.count + 1);
    for (size_t i = 0; i < d->measures.count; i++) {
      measures[i] = value_text(d->measures.items[i]);
    }
    line_text(&o->line, "to", d->to);
    line_value(&o->line, "measures", value_list(measures, d->measures.count));
  }
  if (case_document_superseded(view->documents, view->documents_count, index)) {
    line_value(&o->line, "superseded", value_bool(true));
  }
  send(o);
}

static int compare_deadlines(const void *left, const void *right) {
  const struct outcome_deadline *a = left;
  const struct outcome_deadline *b = right;
  int order = span_compare(a->case_id, b->case_id);
  if (order == 0) {
    order = (a->deadline.from > b->deadline.from) - (a->deadline.from < b->deadline.from);
  }
  if (order == 0) {
    order = span_compare(a->deadline.id, b->deadline.id);
  }
  if (order == 0) {
    order = span_compare(a->deadline.key, b->deadline.key);
  }
  return order != 0 ? order : (a->deadline.slot > b->deadline.slot) - (a->deadline.slot < b->deadline.slot);
}

static const struct outcome_case *case_of(const struct outcome *o, struct span id) {
  for (size_t i = 0; i < o->cases_count; i++) {
    if (span_equal(o->cases[i].id, id)) {
      return &o->cases[i];
    }
  }
  return NULL;
}

static bool visit_incident(void *arg, struct span key, struct span value) {
  struct outcome *o = arg;
  struct record_incident incident;
  (void)key;
  o->err = record_incident_read(value, &incident);
  if (o->err == ERR_OK && !incident.transport) {
    begin(o, "incident");
    line_text(&o->line, "reason", incident.reason);
    line_moment(&o->line, "at", incident.at);
    line_text_if_any(&o->line, "detail", incident.detail);
    if (incident.count > 1 && span_is(incident.reason, "refused")) {
      line_value(&o->line, "count", value_int((int64_t)incident.count));
    }
    send(o);
  }
  return o->err == ERR_OK && !o->stopped;
}

static void write_cases(struct outcome *o, bool referrals) {
  for (size_t i = 0; i < o->cases_count; i++) {
    if (o->cases[i].view.identity.referral != referrals) {
      continue;
    }
    if (referrals) {
      write_referral(o, &o->cases[i].view);
    } else {
      write_case(o, &o->cases[i].view);
    }
  }
}

static void write_documents(struct outcome *o) {
  for (size_t i = 0; i < o->cases_count; i++) {
    for (size_t k = 0; k < o->cases[i].view.documents_count; k++) {
      write_document(o, &o->cases[i].view, k);
    }
  }
}

static void write_deadlines(struct outcome *o) {
  for (size_t i = 0; i < o->deadlines_count; i++) {
    o->deadlines[i].of = case_of(o, o->deadlines[i].case_id);
  }
  if (o->deadlines_count > 0) {
    qsort(o->deadlines, o->deadlines_count, sizeof *o->deadlines, compare_deadlines);
  }
  for (size_t i = 0; i < o->deadlines_count; i++) {
    write_deadline(o, &o->deadlines[i]);
  }
}

/* The root's own record, then the contiguous range of its descendants. */
static enum err collect_cases(struct outcome *o) {
  struct record_key key = record_case_key(o->root);
  struct span value;
  enum err err = store_get(o->store, STORE_CASE, record_key_span(&key), &value);
  if (err == ERR_NOT_FOUND) {
    return ERR_OK; /* known by its incidents only */
  }
  TRY(err);
  TRY(keep_case(o, record_key_span(&key), value));
  struct record_key family = record_family_prefix(o->root);
  TRY(store_scan(o->store, STORE_CASE, record_key_span(&family), record_key_span(&family), visit_case, o));
  TRY(o->err);
  TRY(store_scan(o->store, STORE_DEADLINE, record_key_span(&family), record_key_span(&family), visit_deadline, o));
  return o->err;
}

static enum err write_family(struct outcome *o, struct span root) {
  o->root = root;
  o->cases_count = 0;
  o->deadlines_count = 0;
  TRY(collect_cases(o));
  write_cases(o, false);
  write_deadlines(o);
  write_cases(o, true);
  write_documents(o);
  struct record_key prefix = record_incident_prefix(root);
  TRY(store_scan(o->store, STORE_INCIDENT, record_key_span(&prefix), record_key_span(&prefix), visit_incident, o));
  return o->err;
}

static enum err write_all(struct outcome *o, const struct outcome_pages *pages) {
  TRY(find_root(o, pages->from));
  while (o->next.size > 0 && !o->stopped) {
    arena_reset(&o->family_arena);
    struct span root = arena_copy(&o->family_arena, writer_span(&o->next));
    if (pages->family && !pages->family(pages->arg, root)) {
      break;
    }
    TRY(write_family(o, root));
    TRY(find_root_behind(o, root));
  }
  return ERR_OK;
}

enum err outcome_write_from(struct store *store, const struct outcome_pages *pages) {
  struct outcome o = {.store = store, .sink = pages->sink, .arg = pages->arg};
  arena_init(&o.family_arena, 0);
  writer_init(&o.line);
  writer_init(&o.next);
  enum err err = write_all(&o, pages);
  writer_finish(&o.next);
  writer_finish(&o.line);
  arena_finish(&o.family_arena);
  free(o.cases);
  free(o.deadlines);
  return err;
}

enum err outcome_write(struct store *store, line_sink sink, void *arg) {
  const struct outcome_pages pages = {.sink = sink, .arg = arg};
  return outcome_write_from(store, &pages);
}
