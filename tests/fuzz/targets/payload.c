/*
 * Every payload of the schema. The bytes themselves say which event's they are (the number of the oneof's member), so
 * the mutations of one input wander over all of them.
 */
#include "base/json.h"
#include "fuzz.h"
#include "kurator/v1/events.pb-c.h"
#include "proto/json.h"

/* The member's name is the event's, up to '.' and '_', which the schema does not tell apart. */
static struct span event_of(struct span bytes) {
  const ProtobufCMessageDescriptor *payload = &kurator__v1__payload__descriptor;
  struct reader r = reader_of(bytes);
  uint64_t number = reader_varint(&r) >> 3;
  for (unsigned i = 0; i < payload->n_fields; i++) {
    if (payload->fields[i].id == number) {
      return span_of_cstr(payload->fields[i].name);
    }
  }
  unsigned count = payload->n_fields > 0 ? payload->n_fields : 1;
  return span_of_cstr(payload->fields[bytes.size % count].name);
}

/* What is stored of a payload came through JSON text or a value: neither may change it. */
static void is_canonical(struct span event, const struct value *v, struct arena *arena) {
  struct writer packed;
  struct writer text;
  struct writer again;
  struct value read;
  struct fault fault = {0};
  writer_init(&packed);
  writer_init(&text);
  writer_init(&again);
  ASSERT(payload_pack(event, v, &packed, &fault) == ERR_OK);
  ASSERT(payload_unpack(event, writer_span(&packed), arena, &read, &fault) == ERR_OK);
  ASSERT(value_equal(v, &read));
  json_write(v, &text);
  ASSERT(json_read(writer_span(&text), arena, &read, &fault) == ERR_OK);
  ASSERT(payload_pack(event, &read, &again, &fault) == ERR_OK);
  ASSERT(span_equal(writer_span(&packed), writer_span(&again)));
  writer_finish(&packed);
  writer_finish(&text);
  writer_finish(&again);
}

static void is_no_other_event(struct span event, struct span bytes, struct arena *arena) {
  const ProtobufCMessageDescriptor *payload = &kurator__v1__payload__descriptor;
  struct value v;
  for (unsigned i = 0; i < payload->n_fields; i++) {
    struct span other = span_of_cstr(payload->fields[i].name);
    ASSERT(span_equal(other, event) || payload_unpack(other, bytes, arena, &v, NULL) != ERR_OK);
  }
}

void fuzz_one(struct span input, struct arena *arena) {
  struct value v;
  struct fault fault = {0};
  struct span event = event_of(input);
  ASSERT(payload_known(event));
  enum err err = payload_unpack(event, input, arena, &v, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    return;
  }
  is_canonical(event, &v, arena);
  if (!span_empty(input)) {
    is_no_other_event(event, input, arena);
  }
}
