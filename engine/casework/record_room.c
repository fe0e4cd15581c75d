/*
 * record_room.c — what a case's record holds between its head and its chart's session; the layout stands in record.c.
 *
 * Most fields of most cases are what the chart or another field says already. Those are not written: a flag tells that
 * there is something else. An element of the chart goes by its number and, lest a chart that was changed under its
 * revision be read wrongly, 16 bits of its id.
 */
#include "casework/record.h"

enum { CHECK_BYTES = 2 };
enum { ROOM_TIMER = 1 };
enum {
  LIVE_FAULTY = 1,
  LIVE_DELIVERED = 2,
  LIVE_ANSWERED = 4,
  LIVE_PARAMS = 8,
  LIVE_INVOKEID = 16, /* another than the element's id */
  LIVE_KEY = 32,
  LIVE_DUE = 64,
  LIVE_RECIPIENTS = 128
};
enum {
  WATCH_COUNTED = 1,
  WATCH_NOT_AFTER = 2,
  WATCH_END = 4,
  WATCH_END_ELSEWHERE = 8, /* not at the end of the due day */
  WATCH_WARNING = 16,
  WATCH_KEY = 32,
  WATCH_CAUSE = 64,
  WATCH_OPENS = 128,
  WATCH_DONE_ON = 256,
  WATCH_REVISION = 512, /* of the calendar: another than the watch's before */
  WATCH_HELD = 1024,
  WATCH_FLAGS = 2047
};

/* ---- elements ----------------------------------------------------------------------------------------------- */

static uint16_t check_of(struct span id) {
  uint32_t hash = 2166136261; /* FNV-1a */
  for (size_t i = 0; i < id.size; i++) {
    hash = (hash ^ id.data[i]) * 16777619;
  }
  return (uint16_t)(hash ^ hash >> 16);
}

static void put_element(struct writer *w, const struct element *e) {
  uint16_t check = check_of(e->id);
  const uint8_t bytes[CHECK_BYTES] = {(uint8_t)(check >> 8), (uint8_t)check};
  writer_varint(w, e->number);
  writer_raw(w, span_of(bytes, sizeof bytes));
}

/* By number if its id is the one, else by the check, if that is unambiguous. */
static const struct element *find_element(const struct process *process, uint32_t number, uint16_t check) {
  const struct element *found = NULL;
  if (number < process->elements_count && check_of(process->elements[number].id) == check) {
    return &process->elements[number];
  }
  for (uint32_t i = 0; i < process->elements_count; i++) {
    if (check_of(process->elements[i].id) == check) {
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
  struct span bytes = reader_raw(&d->r, CHECK_BYTES);
  const struct element *e =
      d->r.failed ? NULL : find_element(d->c->process, number, (uint16_t)(bytes.data[0] << 8 | bytes.data[1]));
  if (!e) {
    d->err = d->r.failed ? ERR_CORRUPT : ERR_CONFLICT;
    d->r.failed = true;
  }
  return e;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void put_text_if(struct writer *w, bool present, struct span text) {
  if (present) {
    writer_blob(w, text);
  }
}

static void put_day_if(struct writer *w, bool present, civil_day day) {
  if (present) {
    writer_zigzag(w, day);
  }
}

static void put_moment_if(struct writer *w, bool present, civil_moment moment, civil_moment from) {
  if (present) {
    put_moment(w, moment, from);
  }
}

static int live_flags(const struct live *live) {
  return (live->faulty ? LIVE_FAULTY : 0) | (live->delivered ? LIVE_DELIVERED : 0) |
         (live->answered ? LIVE_ANSWERED : 0) | (live->params.kind != VALUE_NIL ? LIVE_PARAMS : 0) |
         (span_equal(live->invokeid, live->element->id) ? 0 : LIVE_INVOKEID) | (span_empty(live->key) ? 0 : LIVE_KEY) |
         (live->due == CIVIL_DAY_NONE ? 0 : LIVE_DUE) | (live->recipients.count == 0 ? 0 : LIVE_RECIPIENTS);
}

static void put_live(struct writer *w, const struct live *live) {
  int flags = live_flags(live);
  put_element(w, live->element);
  writer_varint(w, live->serial);
  writer_varint(w, live->slot);
  writer_u8(w, (uint8_t)flags);
  put_text_if(w, flags & LIVE_INVOKEID, live->invokeid);
  put_text_if(w, flags & LIVE_KEY, live->key);
  put_day_if(w, flags & LIVE_DUE, live->due);
  if (flags & LIVE_RECIPIENTS) {
    put_texts(w, &live->recipients);
  }
  if (flags & LIVE_PARAMS) {
    value_encode(&live->params, w);
  }
}

/* A day ends at 24:00, which is the start of the next. */
static civil_moment end_of(civil_day day) {
  return civil_day_start(day + 1);
}

static unsigned watch_flags(const struct watch *watch, struct span revision) {
  const struct deadline *d = &watch->deadline;
  bool ends = watch->end.due != CIVIL_MOMENT_NONE;
  return (d->counted ? WATCH_COUNTED : 0u) | (watch->not_after == CIVIL_DAY_NONE ? 0u : WATCH_NOT_AFTER) |
         (ends ? WATCH_END : 0u) | (ends && watch->end.due != end_of(d->due) ? WATCH_END_ELSEWHERE : 0u) |
         (watch->warning.due == CIVIL_MOMENT_NONE ? 0u : WATCH_WARNING) | (span_empty(d->key) ? 0u : WATCH_KEY) |
         (span_empty(d->cause) ? 0u : WATCH_CAUSE) | (d->opens == CIVIL_DAY_NONE ? 0u : WATCH_OPENS) |
         (d->done_on == CIVIL_DAY_NONE ? 0u : WATCH_DONE_ON) | (d->held == 0 ? 0u : WATCH_HELD) |
         (span_equal(d->calendar_revision, revision) ? 0u : WATCH_REVISION);
}

/* `revision`: of the watch before. */
static void put_watch(const struct case_file *c, struct writer *w, const struct watch *watch, struct span revision) {
  const struct deadline *d = &watch->deadline;
  unsigned flags = watch_flags(watch, revision);
  put_element(w, watch->element);
  writer_varint(w, flags);
  writer_varint(w, watch->serial);
  writer_varint(w, d->slot);
  writer_u8(w, (uint8_t)d->shift);
  writer_u8(w, (uint8_t)d->state);
  writer_zigzag(w, d->from);
  writer_zigzag(w, d->due);
  put_day_if(w, flags & WATCH_NOT_AFTER, watch->not_after);
  writer_varint(w, watch->end.generation);
  put_moment_if(w, flags & WATCH_END_ELSEWHERE, watch->end.due, c->opened_at);
  writer_varint(w, watch->warning.generation);
  put_moment_if(w, flags & WATCH_WARNING, watch->warning.due, c->opened_at);
  put_text_if(w, flags & WATCH_KEY, d->key);
  writer_blob(w, d->term);
  put_text_if(w, flags & WATCH_CAUSE, d->cause);
  put_text_if(w, flags & WATCH_REVISION, d->calendar_revision);
  put_day_if(w, flags & WATCH_OPENS, d->opens);
  put_day_if(w, flags & WATCH_DONE_ON, d->done_on);
  if (flags & WATCH_HELD) {
    writer_varint(w, (uint64_t)d->held);
  }
  put_moment(w, d->opened_at, c->opened_at);
  put_moment(w, d->at, d->opened_at);
}

static void put_child(struct writer *w, const struct child *child) {
  writer_blob(w, child->key);
  writer_blob(w, child->process);
  writer_blob(w, child->invoke);
  writer_blob(w, child->status);
  writer_blob(w, child->to);
  writer_varint(w, child->serial);
  writer_varint(w, child->slot);
  writer_varint(w, child->content);
}

void room_put(const struct case_file *c, struct writer *w) {
  bool timer = c->session_timer.due != CIVIL_MOMENT_NONE;
  struct span revision = {0};
  writer_u8(w, timer ? ROOM_TIMER : 0);
  writer_varint(w, c->slots);
  writer_varint(w, c->serials);
  writer_varint(w, c->generations);
  writer_varint(w, c->session_timer.generation);
  put_moment_if(w, timer, c->session_timer.due, c->opened_at);
  writer_varint(w, c->lives_count);
  for (size_t i = 0; i < c->lives_count; i++) {
    put_live(w, &c->lives[i]);
  }
  writer_varint(w, c->watches_count);
  for (size_t i = 0; i < c->watches_count; i++) {
    put_watch(c, w, &c->watches[i], revision);
    revision = c->watches[i].deadline.calendar_revision;
  }
  for (size_t i = 0; i < c->children_count; i++) {
    put_child(w, &c->children[i]);
  }
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static struct span get_text_if(struct reader *r, bool present, struct span otherwise) {
  return present ? reader_blob(r) : otherwise;
}

static civil_day get_day_if(struct reader *r, bool present) {
  return present ? get_day(r, false) : CIVIL_DAY_NONE;
}

static civil_moment get_moment_if(struct reader *r, bool present, civil_moment from) {
  return present ? get_moment(r, from) : CIVIL_MOMENT_NONE;
}

static void get_live(struct decoding *d, struct live *live) {
  static const struct span none = {NULL, 0};
  struct reader *r = &d->r;
  const struct element *e = get_element(d);
  *live = (struct live){.element = e};
  live->serial = get_u32(r);
  live->slot = get_u32(r);
  uint8_t flags = reader_u8(r);
  live->faulty = (flags & LIVE_FAULTY) != 0;
  live->delivered = (flags & LIVE_DELIVERED) != 0;
  live->answered = (flags & LIVE_ANSWERED) != 0;
  live->invokeid = get_text_if(r, flags & LIVE_INVOKEID, e ? e->id : none);
  live->key = get_text_if(r, flags & LIVE_KEY, none);
  live->due = get_day_if(r, flags & LIVE_DUE);
  if (flags & LIVE_RECIPIENTS) {
    live->recipients = get_texts(r, &d->c->arena, RECIPIENTS_MAX);
  }
  if ((flags & LIVE_PARAMS) && (r->failed || value_decode(r, &d->c->arena, &live->params) != ERR_OK)) {
    r->failed = true;
  }
  r->failed = r->failed || live->serial == 0 || live->serial > d->c->serials || live->slot > d->c->slots;
}

static void get_deadline(struct reader *r, struct deadline *deadline) {
  deadline->slot = get_u32(r);
  deadline->shift = (enum term_shift)get_bounded(r, TERM_SHIFT_NONE);
  deadline->state = (enum deadline_state)get_bounded(r, DEADLINE_PROVISIONAL);
  deadline->from = get_day(r, false);
  deadline->due = get_day(r, false);
}

static void get_timers(struct reader *r, unsigned flags, civil_moment opened_at, struct watch *w) {
  w->not_after = get_day_if(r, flags & WATCH_NOT_AFTER);
  w->end.generation = reader_varint(r);
  w->end.due = get_moment_if(r, flags & WATCH_END_ELSEWHERE, opened_at);
  if ((flags & WATCH_END) && !(flags & WATCH_END_ELSEWHERE) && !r->failed) {
    w->end.due = end_of(w->deadline.due);
  }
  w->warning.generation = reader_varint(r);
  w->warning.due = get_moment_if(r, flags & WATCH_WARNING, opened_at);
}

static int32_t get_held(struct reader *r) {
  uint64_t days = reader_varint(r);
  r->failed = r->failed || days > DEADLINE_HELD_MAX;
  return r->failed ? 0 : (int32_t)days;
}

static void get_watch(struct decoding *d, struct watch *w, struct span revision) {
  static const struct span none = {NULL, 0};
  struct reader *r = &d->r;
  struct deadline *deadline = &w->deadline;
  *w = (struct watch){.element = get_element(d)};
  unsigned flags = get_u32(r);
  r->failed = r->failed || flags > WATCH_FLAGS || ((flags & WATCH_END_ELSEWHERE) && !(flags & WATCH_END));
  w->serial = get_u32(r);
  get_deadline(r, deadline);
  get_timers(r, flags, d->c->opened_at, w);
  deadline->key = get_text_if(r, flags & WATCH_KEY, none);
  deadline->term = reader_blob(r);
  deadline->cause = get_text_if(r, flags & WATCH_CAUSE, none);
  deadline->calendar_revision = get_text_if(r, flags & WATCH_REVISION, revision);
  deadline->counted = (flags & WATCH_COUNTED) != 0;
  deadline->opens = get_day_if(r, flags & WATCH_OPENS);
  deadline->done_on = get_day_if(r, flags & WATCH_DONE_ON);
  deadline->held = flags & WATCH_HELD ? get_held(r) : 0;
  deadline->opened_at = get_moment(r, d->c->opened_at);
  deadline->at = get_moment(r, deadline->opened_at);
  if (!r->failed) {
    r->failed = !room_watch_is_sound(d->c, w);
    room_complete_deadline(d->c, w->element, deadline);
  }
}

void room_get_child(struct decoding *d, struct child *child, const struct record_head *head, size_t index) {
  struct reader *r = &d->r;
  uint8_t flags = head->child_flags[index];
  *child = (struct child){.id = head->view.children.items[index],
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
  child->content = head->version > RECORD_PAPERLESS ? get_u32(r) : 0;
}

void room_get(struct decoding *d, const struct record_head *head) {
  struct case_file *c = d->c;
  struct reader *r = &d->r;
  struct span revision = {0};
  uint8_t flags = get_bounded(r, ROOM_TIMER);
  c->slots = get_u32(r);
  c->serials = get_u32(r);
  c->generations = reader_varint(r);
  c->session_timer.generation = reader_varint(r);
  c->session_timer.due = get_moment_if(r, flags & ROOM_TIMER, c->opened_at);
  r->failed = r->failed || c->slots > SLOTS_MAX;
  for (size_t left = get_count(r, LIVES_MAX); left > 0 && !r->failed; left--) {
    get_live(d, case_live_new(c));
  }
  for (size_t left = get_count(r, CASE_DEADLINES_MAX); left > 0 && !r->failed; left--) {
    struct watch *watch = case_watch_new(c);
    get_watch(d, watch, revision);
    revision = watch->deadline.calendar_revision;
  }
  for (size_t i = 0; i < head->view.children.count && !r->failed; i++) {
    room_get_child(d, case_child_new(c), head, i);
  }
}

void room_complete_deadline(struct case_file *c, const struct element *e, struct deadline *deadline) {
  deadline->id =
      e->kind == ELEMENT_REFERRALS ? arena_printf(&c->arena, "measure:%.*s", SPAN_ARG(deadline->key)) : e->id;
  deadline->basis = e->basis;
  deadline->title = e->title;
  deadline->owner = e->role ? e->role->role : (struct span){0};
}

bool room_watch_is_sound(const struct case_file *c, const struct watch *w) {
  bool timed = w->end.due != CIVIL_MOMENT_NONE;
  bool warned = w->warning.due != CIVIL_MOMENT_NONE;
  bool open = deadline_is_open(&w->deadline);
  bool is_waiting = w->deadline.state == DEADLINE_MISSED || w->deadline.state == DEADLINE_PAUSED;
  return (w->element->kind == ELEMENT_DEADLINE || w->element->kind == ELEMENT_REFERRALS) && w->deadline.slot != 0 &&
         w->deadline.slot <= c->slots && w->serial <= c->serials && (open ? timed : is_waiting && !timed && !warned);
}
