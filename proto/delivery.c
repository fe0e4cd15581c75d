/* Deliveries: the member of the oneof is the kind, and the JSON text of the cut data is data again. */
#include "base/json.h"
#include "kurator/v1/deliveries.pb-c.h"
#include "proto/mapper.h"

#define DATA_TEXT "data_json"
#define DATA      "data"

static bool is_body(const ProtobufCFieldDescriptor *field) {
  return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

static int64_t integer_of(const struct value *map, const char *name) {
  const struct value *field = value_get(map, name);
  return field && field->kind == VALUE_INT ? field->integer : 0;
}

/* The map without the field `name`. */
static struct value without(struct arena *arena, const struct value *map, const char *name) {
  struct value_field *fields = ARENA_ARRAY(arena, struct value_field, map->map.count);
  size_t count = 0;
  for (size_t i = 0; i < map->map.count; i++) {
    if (!span_is(map->map.fields[i].name, name)) {
      fields[count++] = map->map.fields[i];
    }
  }
  return (struct value){.kind = VALUE_MAP, .map = {fields, count}};
}

static enum err body_read(const struct value *body, struct arena *arena, struct value *ret_body, struct fault *fault) {
  struct span text = value_get_text(body, DATA_TEXT);
  if (span_empty(text)) {
    *ret_body = *body;
    return ERR_OK;
  }
  struct value data = value_nil();
  TRY(json_read(text, arena, &data, fault));
  struct value rest = without(arena, body, DATA_TEXT);
  *ret_body = value_with(arena, &rest, SPAN_LITERAL(DATA), data);
  return ERR_OK;
}

enum err delivery_unpack(struct span bytes, struct arena *arena, struct delivery *ret_delivery, struct fault *fault) {
  const ProtobufCMessageDescriptor *descriptor = &kurator__v1__delivery__descriptor;
  struct value message;
  TRY(mapper_unpack_newer(descriptor, bytes, arena, &message, fault));
  for (unsigned i = 0; i < descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
    const struct value *body = is_body(field) ? value_get(&message, field->name) : NULL;
    if (body) {
      ret_delivery->position = (uint64_t)integer_of(&message, "position");
      ret_delivery->recorded_at = integer_of(&message, "recorded_at_ms");
      ret_delivery->kind = span_of_cstr(field->name);
      return body_read(body, arena, &ret_delivery->body, fault);
    }
  }
  return fault_set(fault, ERR_INVALID, "доставка без содержания");
}

/* The body as the schema has it: `data` becomes text in `text`. */
static struct value body_write(const struct value *body, struct arena *arena, struct writer *text) {
  const struct value *data = value_get(body, DATA);
  if (!data) {
    return *body;
  }
  json_write(data, text);
  struct value rest = without(arena, body, DATA);
  return value_with(arena, &rest, SPAN_LITERAL(DATA_TEXT), value_text(writer_span(text)));
}

enum err delivery_pack(const struct delivery *delivery, struct writer *w, struct fault *fault) {
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 4096);
  struct writer text DEFER(writer_finish);
  writer_init(&text);
  struct value body = body_write(&delivery->body, &arena, &text);
  struct value_field fields[] = {
      {SPAN_LITERAL("position"), value_int((int64_t)delivery->position)},
      {SPAN_LITERAL("recorded_at_ms"), value_int(delivery->recorded_at)},
      {delivery->kind, body},
  };
  struct value message;
  if (delivery->position > INT64_MAX || value_map(fields, 3, &message) != ERR_OK) {
    return fault_set(fault, ERR_INVALID, "доставка без содержания");
  }
  return message_pack(&kurator__v1__delivery__descriptor, &message, w, fault);
}
