/*
 * casework/record.h — what the files that write and read a case's record share.
 *
 * Purpose: record.c has the head and the whole, record_room.c the room of today's version, record_before.c the room of
 * versions 1 and 2. The layout stands in record.c. Every reader of a field is bounded; the first impossible field sets
 * `failed` of the reader, and what follows reads as zero. Threading: as the casework. Ownership: everything that is
 * read borrows from the copy of the record in the case's arena.
 */
#ifndef KURATOR_CASEWORK_RECORD_H
#define KURATOR_CASEWORK_RECORD_H

#include "casework/state.h"

enum {
  RECORD_VERSION = 5,
  RECORD_NAMED = 2,    /* the last version whose room goes by ids */
  RECORD_PAPERLESS = 4 /* the last one without a register of documents */
};
enum { LIVES_MAX = 1000, RECIPIENTS_MAX = 10000 };

/* The head as a view; the flags of the children, one each, beside it. */
struct record_head {
  uint8_t version;
  struct case_view view;
  uint8_t *child_flags;
};

enum { CHILD_FLAG_ENDED = 1, CHILD_FLAG_CANCELLED = 2, CHILD_FLAG_PART = 4, CHILD_FLAGS = 7 };

struct decoding {
  struct case_file *c;
  struct reader r;
  enum err err; /* beside r.failed: the chart has no such element */
};

/* ---- record.c ---- */

uint32_t get_u32(struct reader *r);
/* Every item takes at least one byte: a count beyond what is left is no count. */
size_t get_count(struct reader *r, size_t max);
uint8_t get_bounded(struct reader *r, uint8_t max);
/* A day of the years of base/civil.h, or none where that may stand. */
civil_day get_day(struct reader *r, bool may_be_none);
struct text_list get_texts(struct reader *r, struct arena *arena, size_t max);
void put_texts(struct writer *w, const struct text_list *list);
/* A moment that is there, told by its distance from another. */
void put_moment(struct writer *w, civil_moment moment, civil_moment from);
civil_moment get_moment(struct reader *r, civil_moment from);

/* ---- record_room.c, record_before.c: on failure d->r.failed, and d->err if it was not the bytes ---- */

void room_put(const struct case_file *c, struct writer *w);
void room_get(struct decoding *d, const struct record_head *head);
/* What stands the same in every version. */
void room_get_child(struct decoding *d, struct child *child, const struct record_head *head, size_t index);
void room_get_before(struct decoding *d, const struct record_head *head);
/* What the chart says of a deadline is not in the record. */
void room_complete_deadline(struct case_file *c, const struct element *e, struct deadline *deadline);
/* Open ones have an end timer, missed ones none; nothing else is watched. */
bool room_watch_is_sound(const struct case_file *c, const struct watch *w);

#endif
