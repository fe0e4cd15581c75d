/*
 * daemon/desk_case.c — questions about cases.
 *
 *   case.list  [stage= process= territory= state=open|ended|parked]  one row for each root case
 *   case.show  case=ID                                               the family: cases, deadlines with reasons,
 * referrals, incidents; every row has a `type`
 */
#include "daemon/page.h"
#include "runtime/records.h"

/* ---- what is counted over a family's deadlines ---- */

struct tally {
  struct page *page;
  civil_day next_due; /* of the open ones, CIVIL_DAY_NONE: none */
  int64_t open, missed;
  enum err err;
};

static bool is_running(enum deadline_state state) {
  return state == DEADLINE_OPEN || state == DEADLINE_PROVISIONAL;
}

static bool tally_visit(void *arg, struct span key, struct span value) {
  struct tally *tally = arg;
  struct deadline deadline;
  (void)key;
  tally->err = record_deadline_read(value, &deadline);
  if (tally->err != ERR_OK) {
    return false;
  }
  if (is_running(deadline.state)) {
    tally->open++;
    if (tally->next_due == CIVIL_DAY_NONE || deadline.due < tally->next_due) {
      tally->next_due = deadline.due;
    }
  }
  tally->missed += deadline.state == DEADLINE_MISSED ? 1 : 0;
  return true;
}

static enum err tally_family(struct page *page, struct span root, struct tally *ret_tally) {
  struct record_key prefix = record_family_prefix(root);
  *ret_tally = (struct tally){.page = page, .next_due = CIVIL_DAY_NONE};
  TRY(store_scan(page->daemon->store, STORE_DEADLINE, record_key_span(&prefix), record_key_span(&prefix), tally_visit,
                 ret_tally));
  return ret_tally->err;
}

/* ---- the row of a case ---- */

static const char *case_state(const struct case_view *view, bool parked) {
  if (parked) {
    return "parked";
  }
  return view->ended ? "ended" : "open";
}

static struct value stage_title(const struct page *page, struct span stage) {
  const struct catalogue *catalogue = &page->daemon->config->catalogue;
  int at = catalogue_stage(catalogue, stage);
  return at >= 0 ? value_text(catalogue->stages[at].title) : value_nil();
}

enum { CASE_FIELDS = 20, LIST_ROWS_MAX = 500 /* of them a page is never too long for its frame */ };

static size_t case_fields(const struct page *page, const struct case_view *view, bool parked, const char *type,
                          struct value_field *fields) {
  const struct value_field all[] = {
      PAGE_FIELD("type", value_text(span_of_cstr(type))),
      PAGE_FIELD("case", value_text(view->identity.id)),
      PAGE_FIELD("process", value_text(view->identity.process)),
      PAGE_FIELD("parent", page_known(view->identity.parent)),
      PAGE_FIELD("stage", page_known(view->stage)),
      PAGE_FIELD("stage_title", stage_title(page, view->stage)),
      PAGE_FIELD("states", page_words(page, &view->states)),
      PAGE_FIELD("state", value_text(span_of_cstr(case_state(view, parked)))),
      PAGE_FIELD("ground", page_known(view->ground)),
      PAGE_FIELD("territory", page_known(view->territory)),
      PAGE_FIELD("measure", page_is_referral(view) ? page_known(view->identity.key) : value_nil()),
      PAGE_FIELD("to", page_known(view->addressee)),
      PAGE_FIELD("status", page_known(view->status)),
      PAGE_FIELD("reason", page_known(view->reason)),
      PAGE_FIELD("opened", page_moment(page, view->opened_at)),
      PAGE_FIELD("changed", page_moment(page, view->changed_at)),
  };
  _Static_assert(PAGE_COUNT(all) <= CASE_FIELDS, "the caller's array has room");
  memcpy(fields, all, sizeof all);
  return PAGE_COUNT(all);
}

/* ---- case.list ---- */

struct listed {
  struct case_view view;
  bool parked;
};
struct listing {
  struct listed *items;
  size_t count;
};

static bool is_root_key(struct span key) {
  return memchr(key.data, '\0', key.size) == NULL;
}

static bool wanted(const struct page *page, const struct listed *item) {
  return page_arg_is(page, "stage", item->view.stage) && page_arg_is(page, "process", item->view.identity.process) &&
         page_arg_is(page, "territory", item->view.territory) &&
         page_arg_is(page, "state", span_of_cstr(case_state(&item->view, item->parked)));
}

static enum err list_visit(struct page *page, struct span key, struct span value, void *arg) {
  struct listing *listing = arg;
  struct record_case record;
  if (!is_root_key(key)) {
    return ERR_OK;
  }
  struct listed *item = &listing->items[listing->count];
  TRY(record_case_read(arena_copy(page->arena, value), &record));
  TRY(case_view_decode(record.body, page->arena, &item->view));
  item->parked = record.parked;
  if (wanted(page, item)) {
    listing->count++;
    page->limit -= 1; /* the rows themselves come after the walk */
  }
  return ERR_OK;
}

static enum err list_row(struct page *page, const struct listed *item) {
  struct value_field fields[CASE_FIELDS + 4];
  struct tally tally;
  TRY(tally_family(page, item->view.identity.id, &tally));
  size_t count = case_fields(page, &item->view, item->parked, "case", fields);
  fields[count++] = (struct value_field)PAGE_FIELD("next_due", page_day(page, tally.next_due));
  fields[count++] = (struct value_field)PAGE_FIELD("deadlines_open", value_int(tally.open));
  fields[count++] = (struct value_field)PAGE_FIELD("deadlines_missed", value_int(tally.missed));
  page_row(page, fields, count);
  return ERR_OK;
}

static enum err case_list(struct page *page, struct fault *fault) {
  size_t limit = page->limit < LIST_ROWS_MAX ? page->limit : LIST_ROWS_MAX;
  page->limit = limit;
  struct listing listing = {.items = ARENA_ARRAY(page->arena, struct listed, limit + 1)};
  TRY(page_scan(page, STORE_CASE, span_of(NULL, 0), list_visit, &listing, fault));
  page->limit = limit;
  for (size_t i = 0; i < listing.count; i++) {
    if (list_row(page, &listing.items[i]) != ERR_OK) {
      return fault_set(fault, ERR_CORRUPT, "запись срока не читается");
    }
  }
  return ERR_OK;
}

/* ---- case.show ---- */

/* The records of one family in one space, copied out of the walk: a row may need other reads. */
struct gathered {
  struct page *page;
  struct span *keys, *values;
  size_t count, capacity;
};

enum { FAMILY_MAX = 20000 };

static bool gather_visit(void *arg, struct span key, struct span value) {
  struct gathered *all = arg;
  if (all->count == all->capacity) {
    return false;
  }
  all->keys[all->count] = arena_copy(all->page->arena, key);
  all->values[all->count++] = arena_copy(all->page->arena, value);
  return true;
}

static enum err gather(struct page *page, enum store_space space, struct span prefix, struct gathered *ret_all) {
  *ret_all = (struct gathered){.page = page, .capacity = FAMILY_MAX};
  ret_all->keys = ARENA_ARRAY(page->arena, struct span, FAMILY_MAX);
  ret_all->values = ARENA_ARRAY(page->arena, struct span, FAMILY_MAX);
  return store_scan(page->daemon->store, space, prefix, prefix, gather_visit, ret_all);
}

/* Every edition; what stands in one, case.document shows. */
static enum err show_document(struct page *page, const struct case_view *view, size_t index, bool *ret_room) {
  const struct catalogue *catalogue = &page->daemon->config->catalogue;
  const struct case_document *d = &view->documents[index];
  const struct document_rule *rule = catalogue_document(catalogue, d->kind);
  bool superseded = case_document_superseded(view->documents, view->documents_count, index);
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("document"))),
      PAGE_FIELD("case", value_text(view->identity.id)),
      PAGE_FIELD("process", value_text(view->identity.process)),
      PAGE_FIELD("kind", value_text(d->kind)),
      PAGE_FIELD("title", value_text(rule ? rule->title : d->kind)),
      PAGE_FIELD("edition", value_int(d->edition)),
      PAGE_FIELD("state", value_text(d->state)),
      PAGE_FIELD("state_title", value_text(catalogue_document_state(catalogue, d->state))),
      PAGE_FIELD("superseded", superseded ? value_bool(true) : value_nil()),
      PAGE_FIELD("occurred_on", page_day(page, civil_moment_day(d->occurred_at))),
      PAGE_FIELD("recorded", page_moment(page, d->recorded_at)),
      PAGE_FIELD("to", page_known(d->to)),
      PAGE_FIELD("measures", d->measures.count > 0 ? page_words(page, &d->measures) : value_nil()),
      PAGE_FIELD("journal", d->journal > 0 ? value_int((int64_t)d->journal) : value_nil()),
  };
  *ret_room = page_counted_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err show_case(struct page *page, struct span record_bytes, bool *ret_room) {
  struct record_case record;
  struct case_view view;
  struct value_field fields[CASE_FIELDS];
  TRY(record_case_read(record_bytes, &record));
  TRY(case_view_decode(record.body, page->arena, &view));
  const char *type = page_is_referral(&view) ? "referral" : "case";
  *ret_room = page_counted_row(page, fields, case_fields(page, &view, record.parked, type, fields));
  for (size_t i = 0; *ret_room && i < view.documents_count; i++) {
    TRY(show_document(page, &view, i, ret_room));
  }
  return ERR_OK;
}

static enum err show_deadline(struct page *page, struct span key, struct span value, bool *ret_room) {
  uint8_t *buffer = arena_alloc(page->arena, CASE_ID_MAX);
  struct value_field fields[PAGE_DEADLINE_FIELDS];
  struct deadline deadline;
  struct span case_id;
  uint32_t slot;
  size_t count;
  TRY(record_deadline_of_key(key, buffer, &case_id, &slot));
  TRY(record_deadline_read(value, &deadline));
  page_deadline_fields(page, case_id, &deadline, true, fields, &count);
  *ret_room = page_counted_row(page, fields, count);
  return ERR_OK;
}

static enum err show_incident(struct page *page, struct span key, struct span value, bool *ret_room) {
  struct record_incident incident;
  struct span root;
  uint64_t number;
  TRY(record_incident_of_key(key, &root, &number));
  TRY(record_incident_read(value, &incident));
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("incident"))),
      PAGE_FIELD("case", value_text(incident.case_id)),
      PAGE_FIELD("incident", value_int((int64_t)number)),
      PAGE_FIELD("reason", value_text(incident.reason)),
      PAGE_FIELD("detail", page_known(incident.detail)),
      PAGE_FIELD("at", page_moment(page, incident.at)),
      PAGE_FIELD("resolved", page_moment(page, incident.resolved_at)),
  };
  *ret_room = page_counted_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err show_cases(struct page *page, struct span root, bool *room) {
  struct gathered children;
  struct span bytes;
  struct record_key key = record_case_key(root);
  struct record_key prefix = record_family_prefix(root);
  TRY(store_get(page->daemon->store, STORE_CASE, record_key_span(&key), &bytes));
  TRY(show_case(page, arena_copy(page->arena, bytes), room));
  TRY(gather(page, STORE_CASE, record_key_span(&prefix), &children));
  for (size_t i = 0; *room && i < children.count; i++) {
    TRY(show_case(page, children.values[i], room));
  }
  return ERR_OK;
}

static enum err show_family(struct page *page, struct span root) {
  struct gathered all;
  bool room = true;
  TRY(show_cases(page, root, &room));
  struct record_key prefix = record_family_prefix(root);
  TRY(gather(page, STORE_DEADLINE, record_key_span(&prefix), &all));
  for (size_t i = 0; room && i < all.count; i++) {
    TRY(show_deadline(page, all.keys[i], all.values[i], &room));
  }
  prefix = record_incident_prefix(root);
  TRY(gather(page, STORE_INCIDENT, record_key_span(&prefix), &all));
  for (size_t i = 0; room && i < all.count; i++) {
    TRY(show_incident(page, all.keys[i], all.values[i], &room));
  }
  return ERR_OK;
}

static enum err case_show(struct page *page, struct fault *fault) {
  struct span case_id;
  struct case_view view;
  bool parked;
  TRY(page_arg_needed(page, "case", &case_id, fault));
  struct span root = case_root(case_id);
  TRY(page_case(page, root, &view, &parked, fault));
  TRY(page_counted(page, fault));
  enum err err = show_family(page, root);
  return err == ERR_OK ? ERR_OK : fault_set(fault, ERR_CORRUPT, "запись дела не читается");
}

const struct desk_verb desk_case_verbs[] = {
    {"case.list", false, case_list},
    {"case.show", false, case_show},
    {NULL, false, NULL},
};
