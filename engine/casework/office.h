/*
 * casework/office.h — when a participant's office is open.
 *
 * Purpose: reads one entry of a participant's `office`, "mon-fri 09:00-18:00" or "sat 10:00-14:00", and says whether
 * the office is open at a moment of the zone. An entry for Monday to Friday does not hold on a day off of the
 * production calendar. Who has no entry is always open. Pure, values only.
 */
#ifndef KURATOR_CASEWORK_OFFICE_H
#define KURATOR_CASEWORK_OFFICE_H

#include "calendar/calendar.h"
#include "casework/catalogue.h"

struct office_hours {
  int first, last;   /* 1 Monday … 7 Sunday, first ≤ last */
  int opens, closes; /* minutes of the day, opens < closes ≤ 1440 */
};

enum err office_parse(struct span text, struct office_hours *ret_hours) MUST_CHECK;
/* `calendar` may be NULL: then no day is off. Entries that do not parse are passed over (catalogue_check refuses them).
 */
bool office_is_open(const struct text_list *office, const struct calendar *calendar, civil_moment now);

#endif
