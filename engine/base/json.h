/*
 * base/json.h — JSON text to value tree and back (RFC 8259, by jansson).
 *
 * Limits: depth VALUE_DEPTH_MAX, input size as the caller bounds it; doubled names, invalid UTF-8 and anything after
 * the value are refused with the position in the fault. Numbers without fraction are VALUE_INT.
 * Printing is compact, in the map's order, UTF-8 unescaped except for what RFC 8259 demands: equal values give equal
 * bytes.
 */
#ifndef KURATOR_BASE_JSON_H
#define KURATOR_BASE_JSON_H

#include "base/arena.h"
#include "base/value.h"

/* Texts and tables come from `arena`. ERR_FORMAT with line and column in `fault` (may be NULL). */
enum err json_read(struct span text, struct arena *arena, struct value *ret_value, struct fault *fault) MUST_CHECK;
void json_write(const struct value *v, struct writer *w);

/* For lines with a fixed order of fields that is not the alphabet's (rehearsal output, CLI): fields are printed in the
 * order of the array; nil fields are left out. */
void json_write_fields(const struct value_field *fields, size_t count, struct writer *w);

#endif
