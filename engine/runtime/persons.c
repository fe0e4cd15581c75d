/*
 * The personal fields of a family, one sealed record under the root's id, and the same fields as each message brought
 * them, sealed in its journal entry. Both lie under one key: without it neither can be read.
 */
#include "runtime/engine.h"

static bool wrapped_key(struct runtime *runtime, struct span root, struct span *ret_wrapped) {
  struct record_key key = record_name_key(root);
  struct span bytes;
  if (!engine_read(runtime, STORE_KEY, &key, &bytes)) {
    return false;
  }
  enum err err = record_bytes_read(bytes, ret_wrapped);
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return false;
  }
  *ret_wrapped = arena_copy(&runtime->arena, *ret_wrapped); /* puts that follow would move it */
  return true;
}

static struct span wrapped_key_or_new(struct runtime *runtime, struct span root) {
  struct span wrapped;
  if (wrapped_key(runtime, root, &wrapped)) {
    return wrapped;
  }
  struct writer fresh;
  writer_init(&fresh);
  seal_new_key(&runtime->seal, &fresh);
  wrapped = arena_copy(&runtime->arena, writer_span(&fresh));
  writer_finish(&fresh);

  struct record_key key = record_name_key(root);
  writer_reset(&runtime->scratch);
  record_bytes_write(wrapped, &runtime->scratch);
  engine_put(runtime, STORE_KEY, &key, writer_span(&runtime->scratch));
  return wrapped;
}

static struct value unseal(struct runtime *runtime, struct span wrapped, struct span sealed, struct arena *arena) {
  struct span plain;
  struct value value = value_nil();
  enum err err = seal_open(&runtime->seal, wrapped, sealed, arena, &plain);
  if (err == ERR_OK) {
    struct reader r = reader_of(plain);
    err = value_decode(&r, arena, &value);
  }
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return value_nil();
  }
  return value;
}

struct value persons_unseal(struct runtime *runtime, struct span root, struct span sealed, struct arena *arena) {
  struct span wrapped;
  if (!runtime->seal.enabled || span_empty(sealed) || !wrapped_key(runtime, root, &wrapped)) {
    return value_nil();
  }
  return unseal(runtime, wrapped, sealed, arena);
}

struct value persons_read(struct runtime *runtime, struct span root, struct arena *arena) {
  struct record_key key = record_name_key(root);
  struct span bytes, sealed;
  if (!runtime->seal.enabled || !engine_read(runtime, STORE_PERSON, &key, &bytes)) {
    return value_nil();
  }
  enum err err = record_bytes_read(bytes, &sealed);
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return value_nil();
  }
  return persons_unseal(runtime, root, arena_copy(arena, sealed), arena);
}

static struct span sealed_value(struct runtime *runtime, struct span wrapped, const struct value *value) {
  struct writer plain, sealed;
  writer_init(&plain);
  writer_init(&sealed);
  value_encode(value, &plain);
  enum err err = seal_close(&runtime->seal, wrapped, writer_span(&plain), &sealed);
  struct span bytes = {NULL, 0};
  if (err == ERR_OK) {
    bytes = arena_copy(&runtime->arena, writer_span(&sealed));
  } else {
    engine_fail(runtime, err);
  }
  writer_finish(&sealed);
  writer_finish(&plain);
  return bytes;
}

static void put_person(struct runtime *runtime, struct span root, struct span sealed) {
  struct record_key key = record_name_key(root);
  writer_reset(&runtime->scratch);
  record_bytes_write(sealed, &runtime->scratch);
  engine_put(runtime, STORE_PERSON, &key, writer_span(&runtime->scratch));
}

struct span persons_merge(struct runtime *runtime, struct span root, const struct value *personal) {
  if (!runtime->seal.enabled || personal->kind != VALUE_MAP || personal->map.count == 0) {
    return span_of(NULL, 0);
  }
  struct span wrapped = wrapped_key_or_new(runtime, root);
  struct value merged = persons_read(runtime, root, &runtime->arena);
  for (size_t i = 0; i < personal->map.count; i++) {
    const struct value_field *field = &personal->map.fields[i];
    merged = value_with(&runtime->arena, &merged, field->name, field->value);
  }
  put_person(runtime, root, sealed_value(runtime, wrapped, &merged));
  return sealed_value(runtime, wrapped, personal);
}
