/*
 * runtime/calendars.h — the calendar that counts: that of config/, with the years that an operator has imported over
 * it.
 *
 * Purpose: an import is an entry of the journal with its rows, and from that moment on the years in it count, whole,
 * before those of config/calendar; a later import of a year before an earlier one. Then every family that ran already
 * is recounted (recount.c). What the store keeps is the list of those entries and how far the recount has come; the
 * calendar itself is made of them at each start.
 *
 * States: counting → (import waits) → counting by the new one, recounting → (all families, in slices) → counting.
 * While it recounts no further import is taken. An import is taken when no timer is due: what was due before it was due
 * by the calendar of then.
 *
 * Ownership: the calendar in use belongs here, that of config/ to whoever made the casework. Threading: the runtime's.
 */
#ifndef KURATOR_RUNTIME_CALENDARS_H
#define KURATOR_RUNTIME_CALENDARS_H

#include "casework/casework.h"
#include "runtime/records.h"

enum { RECOUNT_DEPTH_MAX = 8 };

/* An import that waits for its entry, or for the commit. */
struct calendar_import {
  struct span actor, rows; /* owned */
  uint64_t ticket, journal;
  bool taken;   /* in the batch that is being collected, */
  bool written; /* or in the one that is in flight */
};

struct calendars {
  const struct calendar *base; /* that of config/ */
  struct calendar *current;    /* NULL: `base` counts */
  struct record_calendar record;
  bool dirty; /* the record goes into the next batch */
  struct calendar_import *import;
  bool told;                                 /* rehearsal: families are recounted when lines say so */
  struct span recounting[RECOUNT_DEPTH_MAX]; /* families that are being recounted, the innermost last */
  size_t recounting_count;
};

#endif
