/*
 * deadline.c — the deadline as a legal object: its record and its explanation.
 *
 * Record, version 1 (integers are varints, signed ones zigzag, texts are blobs; a day or moment that is none has its
 * own flag bit, so that the sentinels never reach the disk):
 *
 *   u8 version · u8 state · u8 shift · u8 flags · slot · id · key · basis · title · owner · term · cause · revision
 *   · from · due · opens? · opened_at · at · done_on? · held?
 */
#include "casework/casework.h"

enum { DEADLINE_VERSION = 1 };
enum { FLAG_OPENS = 1, FLAG_DONE = 2, FLAG_COUNTED = 4, FLAG_HELD = 8, FLAGS_ALL = 15 };

const char *deadline_state_name(enum deadline_state state) {
  static const char *const names[] = {
      [DEADLINE_OPEN] = "open",
      [DEADLINE_MET] = "met",
      [DEADLINE_MISSED] = "missed",
      [DEADLINE_MET_REPORTED_LATE] = "met-reported-late",
      [DEADLINE_PAUSED] = "paused",
      [DEADLINE_CANCELLED] = "cancelled",
      [DEADLINE_PROVISIONAL] = "provisional",
  };
  return (size_t)state < sizeof names / sizeof *names ? names[state] : "?";
}

static const size_t text_offsets[] = {
    offsetof(struct deadline, id),    offsetof(struct deadline, key),
    offsetof(struct deadline, basis), offsetof(struct deadline, title),
    offsetof(struct deadline, owner), offsetof(struct deadline, term),
    offsetof(struct deadline, cause), offsetof(struct deadline, calendar_revision),
};
enum { DEADLINE_TEXTS = sizeof text_offsets / sizeof *text_offsets };

void deadline_encode(const struct deadline *d, struct writer *w) {
  int flags = (d->opens != CIVIL_DAY_NONE ? FLAG_OPENS : 0) | (d->done_on != CIVIL_DAY_NONE ? FLAG_DONE : 0) |
              (d->counted ? FLAG_COUNTED : 0) | (d->held > 0 ? FLAG_HELD : 0);
  writer_u8(w, DEADLINE_VERSION);
  writer_u8(w, (uint8_t)d->state);
  writer_u8(w, (uint8_t)d->shift);
  writer_u8(w, (uint8_t)flags);
  writer_varint(w, d->slot);
  for (size_t i = 0; i < DEADLINE_TEXTS; i++) {
    struct span text;
    memcpy(&text, (const char *)d + text_offsets[i], sizeof text);
    writer_blob(w, text);
  }
  writer_zigzag(w, d->from);
  writer_zigzag(w, d->due);
  if (flags & FLAG_OPENS) {
    writer_zigzag(w, d->opens);
  }
  writer_zigzag(w, d->opened_at);
  writer_zigzag(w, d->at);
  if (flags & FLAG_DONE) {
    writer_zigzag(w, d->done_on);
  }
  if (flags & FLAG_HELD) {
    writer_varint(w, (uint64_t)d->held);
  }
}

/* A day of the years that base/civil.h knows, or a failed reader. */
static civil_day read_day(struct reader *r) {
  enum { DAY_FIRST = -25567 /* 1900-01-01 */, DAY_LAST = 84005 /* 2199-12-31 */ };
  int64_t day = reader_zigzag(r);
  if (day < DAY_FIRST || day > DAY_LAST) {
    r->failed = true;
    return 0;
  }
  return (civil_day)day;
}

enum err deadline_decode(struct span bytes, struct deadline *ret_deadline) {
  struct reader r = reader_of(bytes);
  struct deadline d = {0};
  if (reader_u8(&r) != DEADLINE_VERSION) {
    return r.failed ? ERR_CORRUPT : ERR_VERSION;
  }
  uint8_t state = reader_u8(&r);
  uint8_t shift = reader_u8(&r);
  uint8_t flags = reader_u8(&r);
  uint64_t slot = reader_varint(&r);
  if (state > DEADLINE_PROVISIONAL || shift > TERM_SHIFT_NONE || flags > FLAGS_ALL || slot > UINT32_MAX) {
    return ERR_CORRUPT;
  }
  d.state = (enum deadline_state)state;
  d.shift = (enum term_shift)shift;
  d.counted = (flags & FLAG_COUNTED) != 0;
  d.slot = (uint32_t)slot;
  for (size_t i = 0; i < DEADLINE_TEXTS; i++) {
    struct span text = reader_blob(&r);
    memcpy((char *)&d + text_offsets[i], &text, sizeof text);
  }
  d.from = read_day(&r);
  d.due = read_day(&r);
  d.opens = flags & FLAG_OPENS ? read_day(&r) : CIVIL_DAY_NONE;
  d.opened_at = reader_zigzag(&r);
  d.at = reader_zigzag(&r);
  d.done_on = flags & FLAG_DONE ? read_day(&r) : CIVIL_DAY_NONE;
  uint64_t held = flags & FLAG_HELD ? reader_varint(&r) : 0;
  if (held > DEADLINE_HELD_MAX) {
    return ERR_CORRUPT;
  }
  d.held = (int32_t)held;
  TRY(reader_end(&r));
  *ret_deadline = d;
  return ERR_OK;
}

/* ---- explanation -------------------------------------------------------------------------------------------- */

/* Where the chart bounds the term by another date ("not after the release"), the term itself ends later. */
static struct span explain_bound(const struct calendar *calendar, const struct deadline *d, const struct term *term,
                                 struct arena *arena) {
  struct due due;
  char text[CIVIL_DATE_TEXT];
  if (calendar_due(calendar, d->from, term, d->shift, &due) != ERR_OK || due.day <= d->due) {
    return (struct span){0};
  }
  civil_day_format_ru(d->due, text);
  return arena_printf(arena, "; срок ограничен датой %s", text);
}

static struct span explain_window(const struct deadline *d, struct arena *arena) {
  char text[CIVIL_DATE_TEXT];
  if (d->opens == CIVIL_DAY_NONE) {
    return (struct span){0};
  }
  civil_day_format_ru(d->opens, text);
  return arena_printf(arena, "; выполнение засчитывается не ранее %s", text);
}

static struct span explain_pause(const struct deadline *d, struct arena *arena) {
  if (d->held == 0) {
    return (struct span){0};
  }
  return arena_printf(arena, "; приостановлен, добавлено рабочих дней: %d", (int)d->held);
}

static struct span explain_cause(const struct deadline *d, struct arena *arena) {
  if (span_empty(d->cause)) {
    return (struct span){0};
  }
  return arena_printf(arena, "; срок истёк до начала исчисления (причина: %.*s)%s", SPAN_ARG(d->cause),
                      d->counted ? "" : ", исполнителю не засчитывается");
}

static struct span explain_basis(const struct deadline *d, struct arena *arena) {
  return span_empty(d->basis) ? (struct span){0} : arena_printf(arena, "; основание: %.*s", SPAN_ARG(d->basis));
}

struct span deadline_explain(const struct calendar *calendar, const struct deadline *d, struct arena *arena) {
  struct term term;
  if (term_parse(d->term, &term, NULL) != ERR_OK) {
    return (struct span){0};
  }
  struct span counted = calendar_explain(calendar, d->from, &term, d->shift, arena);
  struct span bound = explain_bound(calendar, d, &term, arena);
  struct span window = explain_window(d, arena);
  struct span cause = explain_cause(d, arena);
  struct span pause = explain_pause(d, arena);
  struct span basis = explain_basis(d, arena);
  return arena_printf(arena, "%.*s%.*s%.*s%.*s%.*s%.*s", SPAN_ARG(counted), SPAN_ARG(bound), SPAN_ARG(window),
                      SPAN_ARG(pause), SPAN_ARG(cause), SPAN_ARG(basis));
}
