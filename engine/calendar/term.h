/*
 * calendar/term.h — the steps of calendar_due, for the files of this room only: the explanation retells them.
 */
#ifndef KURATOR_CALENDAR_TERM_H
#define KURATOR_CALENDAR_TERM_H

#include "calendar/calendar.h"

/* The unshifted end of one part. ERR_RANGE past the years of base/civil.h. */
enum err term_part_end(const struct calendar *calendar, civil_day from, int32_t count, enum term_unit unit,
                       civil_day *ret_day) MUST_CHECK;
/* TERM_SHIFT_AUTO made definite. */
enum term_shift term_shift_resolve(const struct term *term, enum term_shift shift);

#endif
