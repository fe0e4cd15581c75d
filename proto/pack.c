/* Value → serialised protobuf, by descriptor: fields ascend by number, what is nil or empty is left out. */
#include "proto/mapper.h"

struct packing {
  struct mapper_path path;
  struct writer *w;
};

static enum err pack_message(struct packing *p, const ProtobufCMessageDescriptor *descriptor,
                             const struct value *value);

static void write_key(struct packing *p, const ProtobufCFieldDescriptor *field) {
  writer_varint(p->w, (uint64_t)field->id << 3 | (uint64_t)mapper_wire_of(field->type));
}

static enum err wrong_type(const struct packing *p, const ProtobufCFieldDescriptor *field) {
  return mapper_fault(&p->path, field->name, ERR_INVALID, "неверный тип");
}

/* Puts the length before the bytes from `start` on. */
static void insert_length(struct writer *w, size_t start) {
  size_t body = w->size - start;
  writer_varint(w, body);
  size_t length = w->size - start - body;
  uint8_t digits[10];
  memcpy(digits, w->data + start + body, length);
  memmove(w->data + start + length, w->data + start, body);
  memcpy(w->data + start, digits, length);
}

static enum err pack_nested(struct packing *p, const ProtobufCFieldDescriptor *field, const struct value *value) {
  if (value->kind != VALUE_MAP) {
    return wrong_type(p, field);
  }
  if (p->path.depth + 1 >= MAPPER_DEPTH_MAX) {
    return mapper_fault(&p->path, field->name, ERR_LIMIT, "слишком глубокая вложенность");
  }
  write_key(p, field);
  size_t start = p->w->size;
  p->path.names[p->path.depth++] = field->name;
  TRY(pack_message(p, field->descriptor, value));
  p->path.depth--;
  insert_length(p->w, start);
  return ERR_OK;
}

static enum err pack_text(struct packing *p, const ProtobufCFieldDescriptor *field, const struct value *value) {
  if (value->kind != VALUE_TEXT) {
    return wrong_type(p, field);
  }
  if (field->type == PROTOBUF_C_TYPE_STRING && !span_is_text(value->text)) {
    return mapper_fault(&p->path, field->name, ERR_INVALID, "текст не в кодировке UTF-8");
  }
  write_key(p, field);
  writer_blob(p->w, value->text);
  return ERR_OK;
}

static bool integer_fits(ProtobufCType type, int64_t number) {
  switch (type) {
  case PROTOBUF_C_TYPE_INT32:
    return number >= INT32_MIN && number <= INT32_MAX;
  case PROTOBUF_C_TYPE_UINT32:
    return number >= 0 && number <= UINT32_MAX;
  case PROTOBUF_C_TYPE_UINT64:
    return number >= 0;
  default:
    return true;
  }
}

static enum err pack_integer(struct packing *p, const ProtobufCFieldDescriptor *field, const struct value *value) {
  if (value->kind != VALUE_INT) {
    return wrong_type(p, field);
  }
  if (!integer_fits(field->type, value->integer)) {
    return mapper_fault(&p->path, field->name, ERR_RANGE, "число вне допустимых границ");
  }
  write_key(p, field);
  writer_varint(p->w, (uint64_t)value->integer);
  return ERR_OK;
}

static enum err pack_bool(struct packing *p, const ProtobufCFieldDescriptor *field, const struct value *value) {
  if (value->kind != VALUE_BOOL) {
    return wrong_type(p, field);
  }
  write_key(p, field);
  writer_varint(p->w, value->truth);
  return ERR_OK;
}

static enum err pack_real(struct packing *p, const ProtobufCFieldDescriptor *field, const struct value *value) {
  if (value->kind != VALUE_REAL && value->kind != VALUE_INT) {
    return wrong_type(p, field);
  }
  double real = value->kind == VALUE_REAL ? value->real : (double)value->integer;
  uint64_t bits;
  memcpy(&bits, &real, sizeof bits);
  write_key(p, field);
  for (unsigned i = 0; i < sizeof bits; i++) {
    writer_u8(p->w, (uint8_t)(bits >> (8 * i)));
  }
  return ERR_OK;
}

static enum err pack_item(struct packing *p, const ProtobufCFieldDescriptor *field, const struct value *value) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_MESSAGE:
    return pack_nested(p, field, value);
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_BYTES:
    return pack_text(p, field, value);
  case PROTOBUF_C_TYPE_BOOL:
    return pack_bool(p, field, value);
  case PROTOBUF_C_TYPE_DOUBLE:
    return pack_real(p, field, value);
  case PROTOBUF_C_TYPE_INT32:
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_UINT64:
    return pack_integer(p, field, value);
  default:
    return mapper_fault(&p->path, field->name, ERR_UNSUPPORTED, "тип поля не поддерживается");
  }
}

static enum err pack_list(struct packing *p, const ProtobufCFieldDescriptor *field, const struct value *value) {
  if (value->kind != VALUE_LIST) {
    return mapper_fault(&p->path, field->name, ERR_INVALID, "ожидается список");
  }
  if (value->list.count > MAPPER_ITEMS_MAX) {
    return mapper_fault(&p->path, field->name, ERR_LIMIT, "слишком много элементов");
  }
  for (size_t i = 0; i < value->list.count; i++) {
    TRY(pack_item(p, field, &value->list.items[i]));
  }
  return ERR_OK;
}

static bool says_nothing(const struct value *value) {
  return !value || value->kind == VALUE_NIL || (value->kind == VALUE_TEXT && value->text.size == 0);
}

/* True if the schema has all fields of the map. */
static enum err refuse_unknown(const struct packing *p, const ProtobufCMessageDescriptor *descriptor,
                               const struct value *map) {
  for (size_t i = 0; i < map->map.count; i++) {
    struct span name = map->map.fields[i].name;
    char text[MAPPER_NAME_MAX] = "?";
    if (name.size < sizeof text && span_is_text(name)) {
      memcpy(text, name.data, name.size);
      text[name.size] = '\0';
    }
    if (!protobuf_c_message_descriptor_get_field_by_name(descriptor, text)) {
      return mapper_fault(&p->path, text, ERR_INVALID, "такого поля нет");
    }
  }
  return ERR_OK;
}

static enum err pack_message(struct packing *p, const ProtobufCMessageDescriptor *descriptor,
                             const struct value *value) {
  if (value->kind == VALUE_NIL) {
    return ERR_OK;
  }
  if (value->kind != VALUE_MAP) {
    return mapper_fault(&p->path, NULL, ERR_INVALID, "ожидается запись с полями");
  }
  TRY(refuse_unknown(p, descriptor, value));
  const ProtobufCFieldDescriptor *member = NULL; /* of the message's oneof, once it is set */
  for (unsigned i = 0; i < descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
    const struct value *given = value_get(value, field->name);
    if (says_nothing(given)) {
      continue;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
      TRY(pack_list(p, field, given));
      continue;
    }
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
      if (member && member->quantifier_offset == field->quantifier_offset) {
        return mapper_fault(&p->path, field->name, ERR_INVALID, "исключает другое указанное поле");
      }
      member = field;
    }
    TRY(pack_item(p, field, given));
  }
  return ERR_OK;
}

enum err message_pack(const ProtobufCMessageDescriptor *descriptor, const struct value *value, struct writer *w,
                      struct fault *fault) {
  struct packing p = {.path = {.fault = fault}, .w = w};
  struct value nil = value_nil();
  size_t start = w->size;
  enum err err = pack_message(&p, descriptor, value ? value : &nil);
  if (err != ERR_OK) {
    w->size = start;
  }
  return err;
}
