/*
 * proto/json.h — the one mapper between protobuf and value trees (and so JSON, forms, charts).
 *
 * Purpose: reads serialised protobuf into a value and writes a value as serialised protobuf, guided by the schemas'
 * descriptors: a field's name is its JSON name; what is absent is absent on the other side. No table of events exists
 * in C: the event "a.b_c" is the member `a_b_c` of Payload's oneof.
 *
 * Strictness: the bytes come from outside and become evidence, so what another reader might understand differently is
 * refused: unknown fields, a field given twice, two members of a oneof, text that is no UTF-8 or holds NUL, wrong wire
 * types, integers outside their type, anything cut short. Every refusal names the field, never its value.
 * Output is canonical: fields ascend by number, equal values give equal bytes.
 *
 * Ownership: texts borrow from the input bytes, tables come from the arena. Threading: no shared state.
 * Limits: VALUE_DEPTH_MAX levels, MAPPER_ITEMS_MAX items in a list, and what the caller allows in bytes.
 */
#ifndef KURATOR_PROTO_JSON_H
#define KURATOR_PROTO_JSON_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/value.h"

enum { MAPPER_ITEMS_MAX = 10000 };

/* From protobuf-c; whoever works with values only need not include it. */
struct ProtobufCMessageDescriptor;

/* ---- payloads of events ---- */

/* True if the schema has a payload for this event name. */
bool payload_known(struct span event);
/* The serialised Payload of `event` as a map (empty map: no fields given). ERR_NOT_FOUND: no such event in the schema;
 * ERR_INVALID: the bytes hold the payload of another event; ERR_FORMAT, ERR_INVALID, ERR_LIMIT. Texts are Russian. */
enum err payload_unpack(struct span event, struct span bytes, struct arena *arena, struct value *ret_value,
                        struct fault *fault) MUST_CHECK;
/* Appends. `value` is a map or nil; nil fields count as absent. ERR_NOT_FOUND: no such event; ERR_INVALID: unknown
 * field or wrong type; then nothing is appended. */
enum err payload_pack(struct span event, const struct value *value, struct writer *w, struct fault *fault) MUST_CHECK;

/* ---- deliveries ---- */

/* One entry of a participant's stream. `kind` is the name of the oneof member: "offer", "task", "deadline_notice", …;
 * `body` its fields. A field `data_json` stands in the body as `data`, parsed. Fields that this program's schema does
 * not have are passed over (the engine may be newer), a whole kind that it does not have is refused. */
struct delivery {
  uint64_t position;
  civil_moment recorded_at;
  struct span kind;
  struct value body;
};
enum err delivery_unpack(struct span bytes, struct arena *arena, struct delivery *ret_delivery,
                         struct fault *fault) MUST_CHECK;
enum err delivery_pack(const struct delivery *delivery, struct writer *w, struct fault *fault) MUST_CHECK;

/* ---- any message ---- */

/* The same for any schema. Fields of type bytes are text that need not be UTF-8: only for messages that never become
 * JSON. */
enum err message_unpack(const struct ProtobufCMessageDescriptor *descriptor, struct span bytes, struct arena *arena,
                        struct value *ret_value, struct fault *fault) MUST_CHECK;
enum err message_pack(const struct ProtobufCMessageDescriptor *descriptor, const struct value *value, struct writer *w,
                      struct fault *fault) MUST_CHECK;

#endif
