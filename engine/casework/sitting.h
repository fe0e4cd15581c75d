/*
 * casework/sitting.h — when a body sits.
 *
 * Purpose: reads one entry of a participant's `sittings` ("3 wed": the third Wednesday of each month; "last fri";
 * "2026-03-18": that date) and finds the first sitting on or after a day. Pure, values only.
 */
#ifndef KURATOR_CASEWORK_SITTING_H
#define KURATOR_CASEWORK_SITTING_H

#include "base/civil.h"
#include "base/err.h"
#include "base/span.h"

struct sitting {
  civil_day date; /* CIVIL_DAY_NONE: every month */
  int ordinal;    /* 1–5, 0: the last one of the month */
  int weekday;    /* 1 Monday … 7 Sunday */
};

enum err sitting_parse(struct span text, struct sitting *ret_sitting) MUST_CHECK;
/* CIVIL_DAY_NONE if there is none within two years. */
civil_day sitting_next(const struct sitting *sitting, civil_day from);

#endif
