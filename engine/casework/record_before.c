/*
 * record_before.c — the room of a case's record as versions 1 and 2 had it.
 *
 *   room     slots · serials · generations · session timer (due · generation)
 *            lives [element · serial · invokeid · key · slot · u8 flags · due · recipients [id] · params]
 *            watches [element · serial · not_after · end timer · warning timer · slot · key · term · cause · revision
 *                     · from · due · opens · u8 shift · u8 state · u8 flags · opened_at · at · done_on]
 *            children, the rest of each [key · process · invoke · status · to · serial · slot]
 *
 * An element is its number and its id. Days and moments are zigzag, their "none" included.
 */
#include "casework/record.h"

enum { LIVE_FLAG_FAULTY = 1, LIVE_FLAG_DELIVERED = 2, LIVE_FLAG_ANSWERED = 4, LIVE_FLAG_PARAMS = 8 };
enum { WATCH_FLAG_COUNTED = 1 };

static struct case_timer get_timer(struct reader *r) {
  struct case_timer timer;
  timer.due = reader_zigzag(r);
  timer.generation = reader_varint(r);
  return timer;
}

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

static void get_watch(struct decoding *d, struct watch *w) {
  struct reader *r = &d->r;
  *w = (struct watch){.element = get_element(d)};
  w->serial = get_u32(r);
  w->not_after = get_day(r, true);
  w->end = get_timer(r);
  w->warning = get_timer(r);
  get_deadline(d, &w->deadline);
  if (!r->failed) {
    r->failed = !room_watch_is_sound(d->c, w);
    room_complete_deadline(d->c, w->element, &w->deadline);
  }
}

void room_get_before(struct decoding *d, const struct record_head *head) {
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
    room_get_child(d, case_child_new(c), head, i);
  }
}
