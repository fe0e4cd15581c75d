/*
 * record.c — a case as bytes.
 *
 * Version 2 (1: without the revision and flags 2 and 4). Integers are varints, signed ones, days and moments zigzag
 * (their "none" included), texts are blobs; a list is its count and then its items. An element of the chart is its
 * number and its id, so that a chart with a new element before it still finds it.
 *
 *   part     fields, in order
 *   ------   -------------------------------------------------------------------------------------------------
 *   head     u8 version · u8 flags (1 ended, 2 referral, 4 its offer was withdrawn: the addressee is the last one)
 *            id · process · parent · invoke · key
 *            status · reason · addressee · territory · ground · stage · revision
 *            offer · edition · opened_at · changed_at · status_at
 *            states [id] · children [id · u8 flags (1 ended, 2 cancelled, 4 part)]
 *   room     slots · serials · generations · session timer (due · generation)
 *            lives [element · serial · invokeid · key · slot · u8 flags · due · recipients [id] · params]
 *            watches [element · serial · not_after · end timer · warning timer · slot · key · term · cause · revision
 *                     · from · due · opens · u8 shift · u8 state · u8 flags · opened_at · at · done_on]
 *            children, the rest of each [key · process · invoke · status · to · serial · slot]
 *   session  to the end: what chart_session_save wrote
 *
 * The head alone tells a list what it shows: case_view_decode reads no further. It is also all that is read of a case
 * whose revision is not defined.
 */
#include "casework/state.h"

enum { RECORD_VERSION = 2, LIVES_MAX = 1000, RECIPIENTS_MAX = 10000, STATES_MAX = 10000 };
enum { HEAD_TEXTS = 12, HEAD_TEXTS_1 = 11 };
enum { CASE_FLAG_ENDED = 1, CASE_FLAG_REFERRAL = 2, CASE_FLAG_WITHDRAWN = 4, CASE_FLAGS = 7 };
enum { CHILD_FLAG_ENDED = 1, CHILD_FLAG_CANCELLED = 2, CHILD_FLAG_PART = 4, CHILD_FLAGS = 7 };
enum { LIVE_FLAG_FAULTY = 1, LIVE_FLAG_DELIVERED = 2, LIVE_FLAG_ANSWERED = 4, LIVE_FLAG_PARAMS = 8 };
enum { WATCH_FLAG_COUNTED = 1 };

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void put_texts(struct writer *w, const struct text_list *list) {
  writer_varint(w, list->count);
  for (size_t i = 0; i < list->count; i++) {
    writer_blob(w, list->items[i]);
  }
}

static bool state_is_shown(const struct case_file *c, uint32_t state) {
  return chart_state_is_atomic(c->process->chart, state) && chart_session_in(c->session, state);
}

/* What case_states lists, without a table in between. */
static void put_states(const struct case_file *c, struct writer *w) {
  uint32_t states = chart_states_count(c->process->chart);
  uint64_t shown = 0;
  for (uint32_t i = 0; i < states; i++) {
    shown += state_is_shown(c, i);
  }
  writer_varint(w, shown);
  for (uint32_t i = 0; i < states; i++) {
    if (state_is_shown(c, i)) {
      writer_blob(w, chart_state_id(c->process->chart, i));
    }
  }
}

static uint8_t head_flags(const struct case_file *c) {
  bool withdrawn = span_empty(c->addressee) && !span_empty(c->last_addressee);
  return (uint8_t)((c->ended ? CASE_FLAG_ENDED : 0) | (c->identity.referral ? CASE_FLAG_REFERRAL : 0) |
                   (withdrawn ? CASE_FLAG_WITHDRAWN : 0));
}

static void put_head(const struct case_file *c, struct writer *w) {
  const struct stage_rule *stages = c->casework->options.catalogue->stages;
  const struct span texts[HEAD_TEXTS] = {c->identity.id,
                                         c->identity.process,
                                         c->identity.parent,
                                         c->identity.invoke,
                                         c->identity.key,
                                         c->status,
                                         c->reason,
                                         c->last_addressee,
                                         c->territory,
                                         c->ground,
                                         c->stage < 0 ? (struct span){0} : stages[c->stage].name,
                                         c->revision};
  writer_u8(w, RECORD_VERSION);
  writer_u8(w, head_flags(c));
  for (size_t i = 0; i < HEAD_TEXTS; i++) {
    writer_blob(w, texts[i]);
  }
  const int64_t numbers[] = {c->offer, c->edition, c->opened_at, c->changed_at, c->status_at};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    writer_zigzag(w, numbers[i]);
  }
  put_states(c, w);
  writer_varint(w, c->children_count);
  for (size_t i = 0; i < c->children_count; i++) {
    const struct child *child = &c->children[i];
    int flags = (child->ended ? CHILD_FLAG_ENDED : 0) | (child->cancelled ? CHILD_FLAG_CANCELLED : 0) |
                (child->part ? CHILD_FLAG_PART : 0);
    writer_blob(w, child->id);
    writer_u8(w, (uint8_t)flags);
  }
}

static void put_timer(struct writer *w, const struct case_timer *timer) {
  writer_zigzag(w, timer->due);
  writer_varint(w, timer->generation);
}

static void put_element(struct writer *w, const struct element *e) {
  writer_varint(w, e->number);
  writer_blob(w, e->id);
}

static void put_live(struct writer *w, const struct live *live) {
  bool params = live->params.kind != VALUE_NIL;
  int flags = (live->faulty ? LIVE_FLAG_FAULTY : 0) | (live->delivered ? LIVE_FLAG_DELIVERED : 0) |
              (live->answered ? LIVE_FLAG_ANSWERED : 0) | (params ? LIVE_FLAG_PARAMS : 0);
  put_element(w, live->element);
  writer_varint(w, live->serial);
  writer_blob(w, live->invokeid);
  writer_blob(w, live->key);
  writer_varint(w, live->slot);
  writer_u8(w, (uint8_t)flags);
  writer_zigzag(w, live->due);
  put_texts(w, &live->recipients);
  if (params) {
    value_encode(&live->params, w);
  }
}

static void put_watch(struct writer *w, const struct watch *watch) {
  const struct deadline *d = &watch->deadline;
  put_element(w, watch->element);
  writer_varint(w, watch->serial);
  writer_zigzag(w, watch->not_after);
  put_timer(w, &watch->end);
  put_timer(w, &watch->warning);
  writer_varint(w, d->slot);
  writer_blob(w, d->key);
  writer_blob(w, d->term);
  writer_blob(w, d->cause);
  writer_blob(w, d->calendar_revision);
  writer_zigzag(w, d->from);
  writer_zigzag(w, d->due);
  writer_zigzag(w, d->opens);
  writer_u8(w, (uint8_t)d->shift);
  writer_u8(w, (uint8_t)d->state);
  writer_u8(w, d->counted ? WATCH_FLAG_COUNTED : 0);
  writer_zigzag(w, d->opened_at);
  writer_zigzag(w, d->at);
  writer_zigzag(w, d->done_on);
}

static void put_child(struct writer *w, const struct child *child) {
  writer_blob(w, child->key);
  writer_blob(w, child->process);
  writer_blob(w, child->invoke);
  writer_blob(w, child->status);
  writer_blob(w, child->to);
  writer_varint(w, child->serial);
  writer_varint(w, child->slot);
}

static void put_room(const struct case_file *c, struct writer *w) {
  writer_varint(w, c->slots);
  writer_varint(w, c->serials);
  writer_varint(w, c->generations);
  put_timer(w, &c->session_timer);
  writer_varint(w, c->lives_count);
  for (size_t i = 0; i < c->lives_count; i++) {
    put_live(w, &c->lives[i]);
  }
  writer_varint(w, c->watches_count);
  for (size_t i = 0; i < c->watches_count; i++) {
    put_watch(w, &c->watches[i]);
  }
  for (size_t i = 0; i < c->children_count; i++) {
    put_child(w, &c->children[i]);
  }
}

enum err case_encode(struct case_file *c, struct writer *w, struct fault *fault) {
  if (!c->process) {
    return fault_set(fault, ERR_CONFIG, "a case without its definition is not encoded");
  }
  if (!c->session) {
    return fault_set(fault, ERR_INVALID, "a case that has not been started has no record");
  }
  size_t before = w->size;
  put_head(c, w);
  put_room(c, w);
  TRY(chart_session_save(c->session, w, fault));
  if (w->size - before > CASE_RECORD_MAX) {
    return fault_set(fault, ERR_LIMIT, "the record of the case is larger than %d bytes", CASE_RECORD_MAX);
  }
  return ERR_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static uint32_t get_u32(struct reader *r) {
  uint64_t v = reader_varint(r);
  r->failed = r->failed || v > UINT32_MAX;
  return r->failed ? 0 : (uint32_t)v;
}

/* Every item takes at least one byte: a count beyond what is left is no count. */
static size_t get_count(struct reader *r, size_t max) {
  uint64_t v = reader_varint(r);
  r->failed = r->failed || v > max || v > r->size;
  return r->failed ? 0 : (size_t)v;
}

static uint8_t get_bounded(struct reader *r, uint8_t max) {
  uint8_t v = reader_u8(r);
  r->failed = r->failed || v > max;
  return r->failed ? 0 : v;
}

/* A day of the years of base/civil.h, or none where that may stand. */
static civil_day get_day(struct reader *r, bool may_be_none) {
  enum { DAY_FIRST = -25567 /* 1900-01-01 */, DAY_LAST = 84005 /* 2199-12-31 */ };
  int64_t v = reader_zigzag(r);
  bool valid = (v >= DAY_FIRST && v <= DAY_LAST) || (may_be_none && v == CIVIL_DAY_NONE);
  r->failed = r->failed || !valid;
  return r->failed ? CIVIL_DAY_NONE : (civil_day)v;
}

static struct case_timer get_timer(struct reader *r) {
  struct case_timer timer;
  timer.due = reader_zigzag(r);
  timer.generation = reader_varint(r);
  return timer;
}

static struct text_list get_texts(struct reader *r, struct arena *arena, size_t max) {
  struct text_list list = {NULL, get_count(r, max)};
  list.items = ARENA_ARRAY(arena, struct span, list.count);
  for (size_t i = 0; i < list.count; i++) {
    list.items[i] = reader_blob(r);
  }
  return list;
}

/* The head as a view; `flags` of the children, one each, live beside it. */
struct head {
  struct case_view view;
  uint8_t *child_flags;
};

/* As it was told before there was a flag: a child that was started for an element of a list has that element's key, not
 * its own invocation's id. */
static bool was_referral(const struct case_view *v) {
  return !span_empty(v->identity.parent) && !span_empty(v->status) && !span_equal(v->identity.invoke, v->identity.key);
}

static enum err get_head(struct reader *r, struct arena *arena, struct head *ret_head) {
  struct case_view v = {0};
  uint8_t version = reader_u8(r);
  if (r->failed || version < 1 || version > RECORD_VERSION) {
    return r->failed ? ERR_CORRUPT : ERR_VERSION;
  }
  uint8_t flags = get_bounded(r, version == 1 ? CASE_FLAG_ENDED : CASE_FLAGS);
  v.ended = (flags & CASE_FLAG_ENDED) != 0;
  struct span *const texts[HEAD_TEXTS] = {&v.identity.id,  &v.identity.process, &v.identity.parent, &v.identity.invoke,
                                          &v.identity.key, &v.status,           &v.reason,          &v.last_addressee,
                                          &v.territory,    &v.ground,           &v.stage,           &v.revision};
  for (size_t i = 0; i < (version == 1 ? HEAD_TEXTS_1 : HEAD_TEXTS); i++) {
    *texts[i] = reader_blob(r);
  }
  v.addressee = flags & CASE_FLAG_WITHDRAWN ? (struct span){0} : v.last_addressee;
  v.identity.referral = version == 1 ? was_referral(&v) : (flags & CASE_FLAG_REFERRAL) != 0;
  int64_t *const numbers[] = {&v.offer, &v.edition, &v.opened_at, &v.changed_at, &v.status_at};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    *numbers[i] = reader_zigzag(r);
  }
  v.states = get_texts(r, arena, STATES_MAX);
  v.children.count = get_count(r, CASE_CHILDREN_MAX);
  v.children.items = ARENA_ARRAY(arena, struct span, v.children.count);
  v.live.items = ARENA_ARRAY(arena, struct span, v.children.count);
  ret_head->child_flags = ARENA_ARRAY(arena, uint8_t, v.children.count);
  for (size_t i = 0; i < v.children.count; i++) {
    v.children.items[i] = reader_blob(r);
    ret_head->child_flags[i] = get_bounded(r, CHILD_FLAGS);
    if (!(ret_head->child_flags[i] & CHILD_FLAG_ENDED)) {
      v.live.items[v.live.count++] = v.children.items[i];
    }
  }
  ret_head->view = v;
  return r->failed ? ERR_CORRUPT : ERR_OK;
}

enum err case_view_decode(struct span record, struct arena *arena, struct case_view *ret_view) {
  struct head head;
  struct reader whole = reader_of(record);
  TRY(get_head(&whole, arena, &head));
  /* Once more from a copy of the head: its texts outlive the record. */
  struct span copy = arena_copy(arena, span_of(record.data, record.size - whole.size));
  struct reader r = reader_of(copy);
  TRY(get_head(&r, arena, &head));
  *ret_view = head.view;
  return ERR_OK;
}

struct decoding {
  struct case_file *c;
  struct reader r;
  enum err err; /* beside r.failed: the chart has no such element */
};

/* By number if the id still stands there, else by kind and id, if that is unambiguous. */
static const struct element *find_element(const struct process *process, uint32_t number, struct span id) {
  const struct element *found = NULL;
  if (number < process->elements_count && span_equal(process->elements[number].id, id)) {
    return &process->elements[number];
  }
  for (uint32_t i = 0; i < process->elements_count; i++) {
    if (span_equal(process->elements[i].id, id)) {
      if (found) {
        return NULL;
      }
      found = &process->elements[i];
    }
  }
  return found;
}

static const struct element *get_element(struct decoding *d) {
  uint32_t number = get_u32(&d->r);
  struct span id = reader_blob(&d->r);
  const struct element *e = d->r.failed ? NULL : find_element(d->c->process, number, id);
  if (!e) {
    d->err = d->r.failed ? ERR_CORRUPT : ERR_CONFLICT;
    d->r.failed = true;
  }
  return e;
}

static void get_live(struct decoding *d, struct live *live) {
  struct reader *r = &d->r;
  *live = (struct live){.element = get_element(d), .due = CIVIL_DAY_NONE};
  live->serial = get_u32(r);
  live->invokeid = reader_blob(r);
  live->key = reader_blob(r);
  live->slot = get_u32(r);
  uint8_t flags = get_bounded(r, LIVE_FLAG_FAULTY | LIVE_FLAG_DELIVERED | LIVE_FLAG_ANSWERED | LIVE_FLAG_PARAMS);
  live->faulty = (flags & LIVE_FLAG_FAULTY) != 0;
  live->delivered = (flags & LIVE_FLAG_DELIVERED) != 0;
  live->answered = (flags & LIVE_FLAG_ANSWERED) != 0;
  live->due = get_day(r, true);
  live->recipients = get_texts(r, &d->c->arena, RECIPIENTS_MAX);
  if ((flags & LIVE_FLAG_PARAMS) && (r->failed || value_decode(r, &d->c->arena, &live->params) != ERR_OK)) {
    r->failed = true;
  }
  r->failed = r->failed || live->serial == 0 || live->serial > d->c->serials || live->slot > d->c->slots;
}

static void get_deadline(struct decoding *d, struct deadline *deadline) {
  struct reader *r = &d->r;
  deadline->slot = get_u32(r);
  deadline->key = reader_blob(r);
  deadline->term = reader_blob(r);
  deadline->cause = reader_blob(r);
  deadline->calendar_revision = reader_blob(r);
  deadline->from = get_day(r, false);
  deadline->due = get_day(r, false);
  deadline->opens = get_day(r, true);
  deadline->shift = (enum term_shift)get_bounded(r, TERM_SHIFT_NONE);
  deadline->state = (enum deadline_state)get_bounded(r, DEADLINE_PROVISIONAL);
  deadline->counted = get_bounded(r, WATCH_FLAG_COUNTED) != 0;
  deadline->opened_at = reader_zigzag(r);
  deadline->at = reader_zigzag(r);
  deadline->done_on = get_day(r, true);
}

/* What the chart says of it is not in the record. */
static void complete_deadline(struct case_file *c, const struct element *e, struct deadline *deadline) {
  deadline->id =
      e->kind == ELEMENT_REFERRALS ? arena_printf(&c->arena, "measure:%.*s", SPAN_ARG(deadline->key)) : e->id;
  deadline->basis = e->basis;
  deadline->title = e->title;
  deadline->owner = e->role ? e->role->role : (struct span){0};
}

/* Open ones have an end timer, missed ones none; nothing else is watched. */
static bool watch_is_sound(const struct case_file *c, const struct watch *w) {
  bool timed = w->end.due != CIVIL_MOMENT_NONE;
  bool warned = w->warning.due != CIVIL_MOMENT_NONE;
  bool open = deadline_is_open(&w->deadline);
  return (w->element->kind == ELEMENT_DEADLINE || w->element->kind == ELEMENT_REFERRALS) && w->deadline.slot != 0 &&
         w->deadline.slot <= c->slots && w->serial <= c->serials &&
         (open ? timed : w->deadline.state == DEADLINE_MISSED && !timed && !warned);
}

static void get_watch(struct decoding *d, struct watch *w) {
  struct reader *r = &d->r;
  *w = (struct watch){.element = get_element(d)};
  w->serial = get_u32(r);
  w->not_after = get_day(r, true);
  w->end = get_timer(r);
  w->warning = get_timer(r);
  get_deadline(d, &w->deadline);
  if (!r->failed) {
    r->failed = !watch_is_sound(d->c, w);
    complete_deadline(d->c, w->element, &w->deadline);
  }
}

static void get_child(struct decoding *d, struct child *child, struct span id, uint8_t flags) {
  struct reader *r = &d->r;
  *child = (struct child){.id = id,
                          .ended = (flags & CHILD_FLAG_ENDED) != 0,
                          .cancelled = (flags & CHILD_FLAG_CANCELLED) != 0,
                          .part = (flags & CHILD_FLAG_PART) != 0};
  child->key = reader_blob(r);
  child->process = reader_blob(r);
  child->invoke = reader_blob(r);
  child->status = reader_blob(r);
  child->to = reader_blob(r);
  child->serial = get_u32(r);
  child->slot = get_u32(r);
}

static void get_room(struct decoding *d, const struct head *head) {
  struct case_file *c = d->c;
  struct reader *r = &d->r;
  c->slots = get_u32(r);
  c->serials = get_u32(r);
  c->generations = reader_varint(r);
  c->session_timer = get_timer(r);
  r->failed = r->failed || c->slots > SLOTS_MAX;
  for (size_t left = get_count(r, LIVES_MAX); left > 0 && !r->failed; left--) {
    get_live(d, case_live_new(c));
  }
  for (size_t left = get_count(r, CASE_DEADLINES_MAX); left > 0 && !r->failed; left--) {
    get_watch(d, case_watch_new(c));
  }
  for (size_t i = 0; i < head->view.children.count && !r->failed; i++) {
    get_child(d, case_child_new(c), head->view.children.items[i], head->child_flags[i]);
  }
}

static void take_head(struct case_file *c, const struct case_view *v) {
  c->identity = v->identity;
  c->revision = v->revision;
  c->status = v->status;
  c->reason = v->reason;
  c->addressee = v->addressee;
  c->last_addressee = v->last_addressee;
  c->territory = v->territory;
  c->ground = v->ground;
  c->stage = catalogue_stage(c->casework->options.catalogue, v->stage);
  c->offer = v->offer;
  c->edition = v->edition;
  c->ended = v->ended;
  c->opened_at = v->opened_at;
  c->changed_at = v->changed_at;
  c->status_at = v->status_at;
}

static void take_children(struct case_file *c, const struct head *head) {
  for (size_t i = 0; i < head->view.children.count; i++) {
    *case_child_new(c) =
        (struct child){.id = head->view.children.items[i], .ended = (head->child_flags[i] & CHILD_FLAG_ENDED) != 0};
  }
}

static enum err decode(struct case_file *c, struct span record, struct fault *fault) {
  struct head head;
  struct decoding d = {.c = c, .r = reader_of(arena_copy(&c->arena, record))};
  enum err err = get_head(&d.r, &c->arena, &head);
  if (err != ERR_OK) {
    return fault_set(fault, err, "the head of the record cannot be read");
  }
  take_head(c, &head.view);
  struct span name = c->identity.process;
  c->process = span_empty(c->revision) ? casework_process(c->casework, name)
                                       : casework_process_of(c->casework, name, c->revision);
  if (!c->process) {
    take_children(c, &head);
    c->states = head.view.states;
    return ERR_OK;
  }
  get_room(&d, &head);
  if (d.r.failed) {
    return d.err == ERR_CONFLICT ? fault_set(fault, ERR_CONFLICT, "the chart has lost an element that the case needs")
                                 : fault_set(fault, ERR_CORRUPT, "the record is damaged");
  }
  TRY(chart_session_restore(c->casework->worker, c->process->chart, &d.r, &c->session, fault));
  return reader_end(&d.r) == ERR_OK ? ERR_OK : fault_set(fault, ERR_CORRUPT, "the record is longer than its session");
}

enum err case_decode(struct casework *casework, struct span record, struct case_file **ret_case, struct fault *fault) {
  if (record.size > CASE_RECORD_MAX) {
    return fault_set(fault, ERR_CORRUPT, "the record is larger than any case");
  }
  struct case_file *c = case_acquire(casework);
  if (!c) {
    return ERR_NO_MEMORY;
  }
  enum err err = decode(c, record, fault);
  if (err != ERR_OK) {
    case_release(c);
    return err;
  }
  *ret_case = c;
  return ERR_OK;
}
