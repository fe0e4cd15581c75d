/*
 * casework/payload.h — the fields of an event's payload, for the rest of this room.
 *
 * Purpose: look-ups in the rules of an event that catalogue.h does not promise to other rooms. Pure.
 */
#ifndef KURATOR_CASEWORK_PAYLOAD_H
#define KURATOR_CASEWORK_PAYLOAD_H

#include "casework/catalogue.h"

enum {
  PAYLOAD_TEXT_MAX = 1000, /* bytes, unless the rule says otherwise */
  PAYLOAD_LIST_MAX = 100,  /* items, unless the rule says otherwise */
  PAYLOAD_CODE_MAX = 64,   /* bytes */
};

/* False if the rule's format is none that is known. */
bool field_format_of(const struct field_rule *rule, enum field_format *ret_format);
/* NULL if the event has no such field. */
const struct field_rule *event_field(const struct event_rule *event, struct span name);
/* The event's field of format territory, NULL if it has none. */
const struct field_rule *event_territory_field(const struct event_rule *event);

/* Case keys, measure ids and codes without a list of values: [A-Za-z0-9._-], 1 to PAYLOAD_CODE_MAX bytes, no leading
 * dot. */
bool payload_key_valid(struct span key);

#endif
