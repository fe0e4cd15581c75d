/*
 * The personal fields of a family, one sealed record under the root's id, and the same fields as each message brought
 * them, sealed in its journal entry. Both lie under one key: without it neither can be read.
 */
#include "base/log.h"
#include "casework/identity.h"
#include "runtime/links.h"

/* A destroyed key leaves its record behind, empty, with the entry of the journal that says who destroyed it. */
static bool read_secret(struct runtime *runtime, struct span root, struct record_secret *ret_secret) {
  struct record_key key = record_name_key(root);
  struct span bytes;
  if (!engine_read(runtime, STORE_KEY, &key, &bytes)) {
    return false;
  }
  enum err err = record_secret_read(bytes, ret_secret);
  if (err != ERR_OK) {
    engine_fail(runtime, err);
  }
  return err == ERR_OK;
}

static void put_secret(struct runtime *runtime, struct span root, const struct record_secret *secret) {
  struct record_key key = record_name_key(root);
  writer_reset(&runtime->scratch);
  record_secret_write(secret, &runtime->scratch);
  engine_put(runtime, STORE_KEY, &key, writer_span(&runtime->scratch));
}

static bool wrapped_key(struct runtime *runtime, struct span root, struct span *ret_wrapped) {
  struct record_secret secret;
  if (!read_secret(runtime, root, &secret) || span_empty(secret.wrapped)) {
    return false;
  }
  *ret_wrapped = arena_copy(&runtime->arena, secret.wrapped); /* puts that follow would move it */
  return true;
}

static struct span new_key(struct runtime *runtime, struct span root) {
  struct writer fresh;
  writer_init(&fresh);
  seal_new_key(&runtime->seal, &fresh);
  struct span wrapped = arena_copy(&runtime->arena, writer_span(&fresh));
  writer_finish(&fresh);

  put_secret(runtime, root, &(struct record_secret){.wrapped = wrapped});
  return wrapped;
}

/* What does not open is told as absent: its key was erased since, or the record is damaged; the case goes on without
 * it. */
static struct value unseal(struct runtime *runtime, struct span wrapped, struct span sealed, struct arena *arena) {
  struct span plain;
  struct value value = value_nil();
  enum err err = seal_open(&runtime->seal, wrapped, sealed, arena, &plain);
  if (err == ERR_OK) {
    struct reader r = reader_of(plain);
    err = value_decode(&r, arena, &value);
  }
  if (err != ERR_OK) {
    log_line(LOG_WARNING, "runtime", "a sealed record does not open under its key");
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
  struct span wrapped;
  struct value merged = value_nil();
  if (wrapped_key(runtime, root, &wrapped)) {
    merged = persons_read(runtime, root, &runtime->arena);
  } else {
    wrapped = new_key(runtime, root); /* the first, or the one after an erasure: what was before stays unreadable */
  }
  for (size_t i = 0; i < personal->map.count; i++) {
    const struct value_field *field = &personal->map.fields[i];
    merged = value_with(&runtime->arena, &merged, field->name, field->value);
  }
  put_person(runtime, root, sealed_value(runtime, wrapped, &merged));
  if (identity_concerns(runtime->catalogue, personal)) {
    links_identify(runtime, root, &merged);
  }
  return sealed_value(runtime, wrapped, personal);
}

struct span persons_seal(struct runtime *runtime, struct span root, const struct value *value) {
  struct span wrapped;
  return runtime->seal.enabled && wrapped_key(runtime, root, &wrapped) ? sealed_value(runtime, wrapped, value)
                                                                       : span_of(NULL, 0);
}

void persons_replace(struct runtime *runtime, struct span root, const struct value *personal) {
  struct record_key key = record_name_key(root);
  struct span wrapped;
  if (!runtime->seal.enabled || !wrapped_key(runtime, root, &wrapped)) {
    return;
  }
  if (personal->kind == VALUE_MAP && personal->map.count > 0) {
    put_person(runtime, root, sealed_value(runtime, wrapped, personal));
  } else {
    store_delete(runtime->store, STORE_PERSON, record_key_span(&key));
  }
  links_identify(runtime, root, personal);
}

/* ---- the end of a person ---- */

struct runtime_person persons_state(struct runtime *runtime, struct span root) {
  struct record_secret secret;
  if (!read_secret(runtime, root, &secret)) {
    return (struct runtime_person){.state = RUNTIME_PERSON_NONE};
  }
  return (struct runtime_person){
      .state = span_empty(secret.wrapped) ? RUNTIME_PERSON_ERASED : RUNTIME_PERSON_SEALED,
      .erased = secret.erased,
  };
}

void persons_erase(struct runtime *runtime, struct span root, uint64_t journal) {
  struct record_key key = record_name_key(root);
  put_secret(runtime, root, &(struct record_secret){.erased = journal});
  store_delete(runtime->store, STORE_PERSON, record_key_span(&key));
}

/* ---- the master key ---- */

#define MASTER_KEY  SPAN_LITERAL("runtime/master")
#define MASTER_TEXT SPAN_LITERAL("kurator")

enum err persons_check_master(struct runtime *runtime, struct fault *fault) {
  struct span bytes, wrapped, sealed, plain;
  enum err err = store_get(runtime->store, STORE_META, MASTER_KEY, &bytes);
  if (err == ERR_NOT_FOUND) {
    return ERR_OK;
  }
  TRY(err);
  runtime->master_known = true;
  TRY(record_bytes_read(bytes, &bytes));
  struct reader r = reader_of(bytes);
  wrapped = reader_blob(&r);
  sealed = reader_blob(&r);
  TRY(reader_end(&r));
  if (!runtime->seal.enabled) {
    return fault_set(fault, ERR_CONFIG,
                     "в базе есть запечатанные данные, а ключа master нет: верните его в папку ключей");
  }
  if (seal_open(&runtime->seal, wrapped, sealed, &runtime->arena, &plain) != ERR_OK ||
      !span_equal(plain, MASTER_TEXT)) {
    return fault_set(fault, ERR_CONFIG, "база запечатана другим ключом master: верните тот, с которым она работала");
  }
  return ERR_OK;
}

void persons_write_master(struct runtime *runtime) {
  if (!runtime->seal.enabled || runtime->master_known) {
    return;
  }
  struct writer wrapped, sealed, record;
  writer_init(&wrapped);
  writer_init(&sealed);
  writer_init(&record);
  seal_new_key(&runtime->seal, &wrapped);
  enum err err = seal_close(&runtime->seal, writer_span(&wrapped), MASTER_TEXT, &sealed);
  ASSERT(err == ERR_OK); /* the key is our own, made just now */
  writer_blob(&record, writer_span(&wrapped));
  writer_blob(&record, writer_span(&sealed));
  writer_reset(&runtime->scratch);
  record_bytes_write(writer_span(&record), &runtime->scratch);
  store_put(runtime->store, STORE_META, MASTER_KEY, writer_span(&runtime->scratch));
  writer_finish(&record);
  writer_finish(&sealed);
  writer_finish(&wrapped);
}
