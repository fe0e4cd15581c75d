/*
 * Payloads: a thin outer message with exactly one member, named after the event. Reading looks at that member directly
 * instead of going through the sixty possible ones.
 */
#include "proto/json.h"

#include <stdio.h>

#include "kurator/v1/events.pb-c.h"
#include "proto/mapper.h"

enum err mapper_fault(const struct mapper_path *path, const char *name, enum err err, const char *text) {
  char joined[FAULT_TEXT_MAX / 2] = "";
  size_t size = 0;
  for (unsigned i = 0; i <= path->depth; i++) {
    const char *part = i < path->depth ? path->names[i] : name;
    if (!part) {
      continue;
    }
    int written = snprintf(joined + size, sizeof joined - size, "%s%s", size > 0 ? "." : "", part);
    size += written > 0 ? (size_t)written : 0;
    if (size >= sizeof joined) {
      break;
    }
  }
  return size > 0 ? fault_set(path->fault, err, "поле «%s»: %s", joined, text)
                  : fault_set(path->fault, err, "%s", text);
}

enum mapper_wire mapper_wire_of(ProtobufCType type) {
  switch (type) {
  case PROTOBUF_C_TYPE_INT32:
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_BOOL:
    return MAPPER_VARINT;
  case PROTOBUF_C_TYPE_DOUBLE:
    return MAPPER_FIXED64;
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_BYTES:
  case PROTOBUF_C_TYPE_MESSAGE:
    return MAPPER_LENGTH;
  default:
    return MAPPER_UNUSED;
  }
}

const ProtobufCFieldDescriptor *mapper_payload_field(struct span event) {
  char name[MAPPER_NAME_MAX];
  if (event.size == 0 || event.size >= sizeof name || !span_is_text(event)) {
    return NULL;
  }
  for (size_t i = 0; i < event.size; i++) {
    name[i] = event.data[i] == '.' ? '_' : (char)event.data[i];
  }
  name[event.size] = '\0';
  return protobuf_c_message_descriptor_get_field_by_name(&kurator__v1__payload__descriptor, name);
}

bool payload_known(struct span event) {
  return mapper_payload_field(event) != NULL;
}

static enum err no_such_event(struct fault *fault) {
  return fault_set(fault, ERR_NOT_FOUND, "событие не описано в схеме обмена");
}

enum err payload_unpack(struct span event, struct span bytes, struct arena *arena, struct value *ret_value,
                        struct fault *fault) {
  const ProtobufCFieldDescriptor *field = mapper_payload_field(event);
  if (!field) {
    return no_such_event(fault);
  }
  struct reader r = reader_of(bytes);
  uint64_t key = reader_varint(&r);
  struct span body = reader_blob(&r);
  if (!r.failed && key >> 3 != field->id) {
    return fault_set(fault, ERR_INVALID, "данные относятся к другому событию");
  }
  if (r.failed || (key & 7) != MAPPER_LENGTH || r.size > 0) {
    return fault_set(fault, ERR_FORMAT, "данные события повреждены");
  }
  return message_unpack(field->descriptor, body, arena, ret_value, fault);
}

enum err payload_pack(struct span event, const struct value *value, struct writer *w, struct fault *fault) {
  const ProtobufCFieldDescriptor *field = mapper_payload_field(event);
  if (!field) {
    return no_such_event(fault);
  }
  struct writer body DEFER(writer_finish);
  writer_init(&body);
  TRY(message_pack(field->descriptor, value, &body, fault));
  writer_varint(w, (uint64_t)field->id << 3 | MAPPER_LENGTH);
  writer_blob(w, writer_span(&body));
  return ERR_OK;
}
