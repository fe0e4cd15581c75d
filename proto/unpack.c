/*
 * Serialised protobuf → value, by descriptor, without protobuf-c's structs in between: texts stay where they are, NUL
 * bytes and doubled fields cannot hide, and no allocation is larger than what the input pays for.
 *
 * Each message is one pass over its fields into an array of slots, one per field of the schema, in the schema's order
 * by name, which is the order of a value's map.
 */
#include "proto/mapper.h"

struct slot {
  bool given;
  struct value value;
  size_t capacity; /* of a list's items */
};

struct unpacking {
  struct mapper_path path;
  struct arena *arena;
  bool newer_allowed; /* fields that the schema does not have are passed over: the sender may be newer */
};

static enum err unpack_message(struct unpacking *u, const ProtobufCMessageDescriptor *descriptor, struct span bytes,
                               struct value *ret_value);

static enum err unpack_integer(const struct unpacking *u, const ProtobufCFieldDescriptor *field, uint64_t raw,
                               struct value *ret_value) {
  bool fits = true;
  int64_t number = (int64_t)raw;
  switch (field->type) {
  case PROTOBUF_C_TYPE_BOOL:
    *ret_value = value_bool(raw == 1);
    return raw <= 1 ? ERR_OK : mapper_fault(&u->path, field->name, ERR_INVALID, "не логическое значение");
  case PROTOBUF_C_TYPE_INT32:
    fits = number >= INT32_MIN && number <= INT32_MAX;
    break;
  case PROTOBUF_C_TYPE_UINT32:
    fits = raw <= UINT32_MAX;
    break;
  case PROTOBUF_C_TYPE_UINT64:
    fits = raw <= INT64_MAX; /* a value holds no more; counters never get there */
    break;
  default:
    break;
  }
  *ret_value = value_int(number);
  return fits ? ERR_OK : mapper_fault(&u->path, field->name, ERR_RANGE, "число вне допустимых границ");
}

static enum err unpack_length(struct unpacking *u, const ProtobufCFieldDescriptor *field, struct span bytes,
                              struct value *ret_value) {
  if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
    if (u->path.depth + 1 >= MAPPER_DEPTH_MAX) {
      return mapper_fault(&u->path, field->name, ERR_LIMIT, "слишком глубокая вложенность");
    }
    u->path.names[u->path.depth++] = field->name;
    TRY(unpack_message(u, field->descriptor, bytes, ret_value));
    u->path.depth--;
    return ERR_OK;
  }
  if (field->type == PROTOBUF_C_TYPE_STRING && !span_is_text(bytes)) {
    return mapper_fault(&u->path, field->name, ERR_INVALID, "текст не в кодировке UTF-8");
  }
  *ret_value = value_text(bytes);
  return ERR_OK;
}

/* The eight bytes of a double stand in little-endian order. */
static double real_of(struct span bytes) {
  uint64_t bits = 0;
  for (size_t i = bytes.size; i > 0; i--) {
    bits = bits << 8 | bytes.data[i - 1];
  }
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

static enum err cut_short(const struct unpacking *u, const ProtobufCFieldDescriptor *field) {
  return mapper_fault(&u->path, field->name, ERR_FORMAT, "данные повреждены или оборваны");
}

static enum err unpack_field(struct unpacking *u, const ProtobufCFieldDescriptor *field, struct reader *r,
                             struct value *ret_value) {
  switch (mapper_wire_of(field->type)) {
  case MAPPER_VARINT: {
    uint64_t raw = reader_varint(r);
    return r->failed ? cut_short(u, field) : unpack_integer(u, field, raw, ret_value);
  }
  case MAPPER_FIXED64: {
    struct span bytes = reader_raw(r, sizeof(uint64_t));
    *ret_value = value_real(real_of(bytes));
    return r->failed ? cut_short(u, field) : ERR_OK;
  }
  case MAPPER_LENGTH: {
    struct span bytes = reader_blob(r);
    return r->failed ? cut_short(u, field) : unpack_length(u, field, bytes, ret_value);
  }
  default:
    return mapper_fault(&u->path, field->name, ERR_UNSUPPORTED, "тип поля не поддерживается");
  }
}

static enum err slot_append(struct unpacking *u, const ProtobufCFieldDescriptor *field, struct slot *slot,
                            struct value item) {
  if (!slot->given) {
    slot->value = value_list(NULL, 0);
  }
  size_t count = slot->value.list.count;
  if (count == MAPPER_ITEMS_MAX) {
    return mapper_fault(&u->path, field->name, ERR_LIMIT, "слишком много элементов");
  }
  if (count == slot->capacity) {
    slot->capacity = count > 0 ? count * 2 : 4;
    struct value *items = ARENA_ARRAY(u->arena, struct value, slot->capacity);
    if (count > 0) {
      memcpy(items, slot->value.list.items, count * sizeof *items);
    }
    slot->value.list.items = items;
  }
  slot->value.list.items[count] = item;
  slot->value.list.count++;
  return ERR_OK;
}

/* Two members of a oneof would leave it to the reader which of them counts. */
static bool oneof_taken(const ProtobufCMessageDescriptor *descriptor, const struct slot *slots,
                        const ProtobufCFieldDescriptor *field) {
  for (unsigned i = 0; i < descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *other = &descriptor->fields[i];
    if (slots[i].given && (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
        other->quantifier_offset == field->quantifier_offset) {
      return true;
    }
  }
  return false;
}

static enum err slot_fill(struct unpacking *u, const ProtobufCMessageDescriptor *descriptor, struct slot *slots,
                          const ProtobufCFieldDescriptor *field, struct reader *r) {
  struct slot *slot = &slots[field - descriptor->fields];
  struct value value = value_nil();
  if (field->label == PROTOBUF_C_LABEL_REPEATED) {
    TRY(unpack_field(u, field, r, &value));
    TRY(slot_append(u, field, slot, value));
    slot->given = true;
    return ERR_OK;
  }
  bool oneof = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
  if (slot->given || (oneof && oneof_taken(descriptor, slots, field))) {
    return mapper_fault(&u->path, field->name, ERR_INVALID, "указано более одного раза");
  }
  TRY(unpack_field(u, field, r, &slot->value));
  slot->given = true;
  return ERR_OK;
}

/* Empty text says no more than no text. */
static bool worth_keeping(const struct slot *slot) {
  return slot->given && !(slot->value.kind == VALUE_TEXT && slot->value.text.size == 0);
}

static struct value map_of(const struct unpacking *u, const ProtobufCMessageDescriptor *descriptor,
                           const struct slot *slots) {
  size_t count = 0;
  for (unsigned i = 0; i < descriptor->n_fields; i++) {
    count += worth_keeping(&slots[i]);
  }
  struct value_field *fields = ARENA_ARRAY(u->arena, struct value_field, count);
  size_t at = 0;
  for (unsigned i = 0; i < descriptor->n_fields; i++) {
    unsigned index = descriptor->fields_sorted_by_name[i];
    if (worth_keeping(&slots[index])) {
      fields[at++] = (struct value_field){span_of_cstr(descriptor->fields[index].name), slots[index].value};
    }
  }
  return (struct value){.kind = VALUE_MAP, .map = {fields, count}};
}

/* A field of which only the wire type is known. */
static enum err pass_over(const struct unpacking *u, uint64_t key, struct reader *r) {
  switch (key & 7) {
  case MAPPER_VARINT:
    (void)reader_varint(r);
    break;
  case MAPPER_FIXED64:
    (void)reader_raw(r, sizeof(uint64_t));
    break;
  case MAPPER_LENGTH:
    (void)reader_blob(r);
    break;
  case MAPPER_FIXED32:
    (void)reader_raw(r, sizeof(uint32_t));
    break;
  default:
    r->failed = true;
    break;
  }
  return r->failed ? mapper_fault(&u->path, NULL, ERR_FORMAT, "данные повреждены или оборваны") : ERR_OK;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *descriptor, uint64_t key) {
  uint64_t number = key >> 3;
  return number <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(descriptor, (unsigned)number) : NULL;
}

static enum err unpack_message(struct unpacking *u, const ProtobufCMessageDescriptor *descriptor, struct span bytes,
                               struct value *ret_value) {
  struct slot *slots = ARENA_ARRAY(u->arena, struct slot, descriptor->n_fields);
  struct reader r = reader_of(bytes);
  while (r.size > 0) {
    uint64_t key = reader_varint(&r);
    if (r.failed) {
      return mapper_fault(&u->path, NULL, ERR_FORMAT, "данные повреждены или оборваны");
    }
    const ProtobufCFieldDescriptor *field = field_of(descriptor, key);
    if (!field && u->newer_allowed && key >> 3 > 0) {
      TRY(pass_over(u, key, &r));
      continue;
    }
    if (!field) {
      return mapper_fault(&u->path, NULL, ERR_INVALID, "есть поле, которого нет в схеме обмена");
    }
    if ((int)(key & 7) != (int)mapper_wire_of(field->type)) {
      return mapper_fault(&u->path, field->name, ERR_INVALID, "неверный тип");
    }
    TRY(slot_fill(u, descriptor, slots, field, &r));
  }
  *ret_value = map_of(u, descriptor, slots);
  return ERR_OK;
}

enum err message_unpack(const ProtobufCMessageDescriptor *descriptor, struct span bytes, struct arena *arena,
                        struct value *ret_value, struct fault *fault) {
  struct unpacking u = {.path = {.fault = fault}, .arena = arena};
  return unpack_message(&u, descriptor, bytes, ret_value);
}

enum err mapper_unpack_newer(const ProtobufCMessageDescriptor *descriptor, struct span bytes, struct arena *arena,
                             struct value *ret_value, struct fault *fault) {
  struct unpacking u = {.path = {.fault = fault}, .arena = arena, .newer_allowed = true};
  return unpack_message(&u, descriptor, bytes, ret_value);
}
