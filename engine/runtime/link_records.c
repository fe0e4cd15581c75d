#include "runtime/link_records.h"

#include <string.h>

#include "casework/identity.h"

enum { FILL = 256, VERSION = 1 };
#define LINKS "link"
#define PAIRS "pair"

/* ---- keys ---- */

static struct record_key key_of(struct runtime *runtime, const char *purpose, struct span text) {
  uint8_t mark[SEAL_MARK_SIZE];
  seal_mark(&runtime->seal, purpose, text, mark);
  return record_index_key(LINKS, span_of(mark, sizeof mark));
}

/* The same for (a, b) and (b, a). */
static struct record_key pair_key(struct runtime *runtime, struct span a, struct span b) {
  bool turned = span_compare(a, b) > 0;
  struct span text = arena_printf(&runtime->arena, "%.*s %.*s", SPAN_ARG(turned ? b : a), SPAN_ARG(turned ? a : b));
  uint8_t mark[SEAL_MARK_SIZE];
  seal_mark(&runtime->seal, "pair", text, mark);
  return record_index_key(PAIRS, span_of(mark, sizeof mark));
}

static struct record_key mark_key(const struct link_mark *mark) {
  return record_index_key(LINKS, span_of(mark->bytes, sizeof mark->bytes));
}

bool link_mark_of(struct runtime *runtime, const struct identity_rule *rule, const struct value *personal,
                  struct link_mark *ret_mark) {
  struct writer *w = &runtime->body;
  writer_reset(w);
  writer_raw(w, rule->name);
  writer_u8(w, 0);
  if (!identity_text(rule, personal, w)) {
    return false;
  }
  ret_mark->rule = rule->name;
  seal_mark(&runtime->seal, "identity", writer_span(w), ret_mark->bytes);
  return true;
}

struct span link_new_id(struct runtime *runtime, struct span root) {
  for (unsigned n = 0;; n++) {
    uint8_t mark[SEAL_MARK_SIZE];
    struct span text =
        arena_printf(&runtime->arena, "%.*s %llu %u", SPAN_ARG(root), (unsigned long long)runtime->head.journal, n);
    seal_mark(&runtime->seal, "person", text, mark);
    struct span id = arena_printf(&runtime->arena, "P-%02x%02x%02x%02x%02x%02x%02x%02x", mark[0], mark[1], mark[2],
                                  mark[3], mark[4], mark[5], mark[6], mark[7]);
    struct record_key key = key_of(runtime, "of person", id);
    struct span taken;
    if (!engine_read(runtime, STORE_INDEX, &key, &taken)) {
      return id;
    }
  }
}

/* ---- sealed, filled up ---- */

static void put(struct runtime *runtime, const struct record_key *key, struct span plain) {
  static const uint8_t zeros[FILL];
  struct writer filled, sealed;
  writer_init(&filled);
  writer_init(&sealed);
  writer_blob(&filled, plain);
  writer_raw(&filled, span_of(zeros, FILL - filled.size % FILL));
  seal_own_close(&runtime->seal, writer_span(&filled), &sealed);
  writer_reset(&runtime->scratch);
  record_bytes_write(writer_span(&sealed), &runtime->scratch);
  engine_put(runtime, STORE_INDEX, key, writer_span(&runtime->scratch));
  writer_finish(&sealed);
  writer_finish(&filled);
}

static enum err open_record(struct runtime *runtime, struct span bytes, struct arena *arena,
                            struct reader *ret_reader) {
  struct span sealed, plain;
  TRY(record_bytes_read(bytes, &sealed));
  TRY(seal_own_open(&runtime->seal, sealed, arena, &plain));
  struct reader r = reader_of(plain);
  struct span content = reader_blob(&r);
  if (r.failed) {
    return ERR_CORRUPT;
  }
  *ret_reader = reader_of(content);
  return reader_u8(ret_reader) == VERSION ? ERR_OK : ERR_VERSION;
}

static bool get(struct runtime *runtime, const struct record_key *key, struct arena *arena, struct reader *ret_reader) {
  struct span bytes;
  return runtime->seal.enabled && engine_read(runtime, STORE_INDEX, key, &bytes) &&
         open_record(runtime, bytes, arena, ret_reader) == ERR_OK;
}

static void drop(struct runtime *runtime, const struct record_key *key) {
  store_delete(runtime->store, STORE_INDEX, record_key_span(key));
}

/* Everything is written before anything else uses the writer. */
static struct writer *content(struct runtime *runtime) {
  writer_reset(&runtime->body);
  writer_u8(&runtime->body, VERSION);
  return &runtime->body;
}

/* ---- of a case ---- */

struct span link_case_read(struct runtime *runtime, struct span root, struct arena *arena) {
  if (!runtime->seal.enabled) {
    return span_of(NULL, 0);
  }
  struct record_key key = key_of(runtime, "of case", root);
  struct reader r;
  return get(runtime, &key, arena, &r) ? reader_blob(&r) : span_of(NULL, 0);
}

void link_case_write(struct runtime *runtime, struct span root, struct span person) {
  struct record_key key = key_of(runtime, "of case", root);
  struct writer *w = content(runtime);
  writer_blob(w, person);
  put(runtime, &key, writer_span(w));
}

void link_case_delete(struct runtime *runtime, struct span root) {
  struct record_key key = key_of(runtime, "of case", root);
  drop(runtime, &key);
}

/* ---- of a person ---- */

static void write_marks(const struct link_marks *marks, struct writer *w) {
  writer_varint(w, marks->count);
  for (size_t i = 0; i < marks->count; i++) {
    writer_blob(w, marks->items[i].rule);
    writer_raw(w, span_of(marks->items[i].bytes, SEAL_MARK_SIZE));
  }
}

static void read_marks(struct reader *r, struct link_marks *marks) {
  uint64_t count = reader_varint(r);
  for (uint64_t i = 0; i < count && !r->failed; i++) {
    struct link_mark mark = {.rule = reader_blob(r)};
    struct span bytes = reader_raw(r, SEAL_MARK_SIZE);
    if (!r->failed && marks->count < CATALOGUE_IDENTITIES_MAX) {
      memcpy(mark.bytes, bytes.data, SEAL_MARK_SIZE);
      marks->items[marks->count++] = mark;
    }
  }
}

void link_person_write(struct runtime *runtime, const struct link_person *person) {
  struct record_key key = key_of(runtime, "of person", person->id);
  struct writer *w = content(runtime);
  writer_varint(w, person->cases_count);
  for (size_t i = 0; i < person->cases_count; i++) {
    writer_blob(w, person->cases[i].root);
    writer_blob(w, person->cases[i].by);
    writer_u8(w, person->cases[i].fixed);
    write_marks(&person->cases[i].marks, w);
  }
  writer_varint(w, person->near_count);
  for (size_t i = 0; i < person->near_count; i++) {
    writer_blob(w, person->near[i].person);
    writer_blob(w, person->near[i].by);
  }
  writer_varint(w, person->apart_count);
  for (size_t i = 0; i < person->apart_count; i++) {
    writer_blob(w, person->apart[i]);
  }
  put(runtime, &key, writer_span(w));
}

/* Room for one more of each, so that who changes a person adds in place. */
static size_t read_count(struct reader *r) {
  uint64_t count = reader_varint(r);
  if (count > r->size) {
    r->failed = true;
  }
  return r->failed ? 0 : (size_t)count;
}

static enum err read_person(struct reader *r, struct arena *arena, struct link_person *person) {
  person->cases_count = read_count(r);
  person->cases = ARENA_ARRAY(arena, struct link_case, person->cases_count + 1);
  for (size_t i = 0; i < person->cases_count; i++) {
    person->cases[i].root = reader_blob(r);
    person->cases[i].by = reader_blob(r);
    person->cases[i].fixed = reader_u8(r) != 0;
    read_marks(r, &person->cases[i].marks);
  }
  person->near_count = read_count(r);
  person->near = ARENA_ARRAY(arena, struct link_near, person->near_count + 1);
  for (size_t i = 0; i < person->near_count; i++) {
    person->near[i].person = reader_blob(r);
    person->near[i].by = reader_blob(r);
  }
  person->apart_count = read_count(r);
  person->apart = ARENA_ARRAY(arena, struct span, person->apart_count + 1);
  for (size_t i = 0; i < person->apart_count; i++) {
    person->apart[i] = reader_blob(r);
  }
  return reader_end(r);
}

bool link_person_read(struct runtime *runtime, struct span id, struct arena *arena, struct link_person *ret_person) {
  if (!runtime->seal.enabled || span_empty(id)) {
    return false;
  }
  struct record_key key = key_of(runtime, "of person", id);
  struct reader r;
  *ret_person = (struct link_person){.id = arena_copy(arena, id)};
  return get(runtime, &key, arena, &r) && read_person(&r, arena, ret_person) == ERR_OK;
}

void link_person_delete(struct runtime *runtime, struct span id) {
  struct record_key key = key_of(runtime, "of person", id);
  drop(runtime, &key);
}

/* ---- of a mark ---- */

void link_mark_read(struct runtime *runtime, const struct link_mark *mark, struct arena *arena,
                    struct link_persons *ret_persons) {
  struct record_key key = mark_key(mark);
  struct reader r;
  *ret_persons = (struct link_persons){.count = 0};
  if (!get(runtime, &key, arena, &r)) {
    return;
  }
  for (size_t left = read_count(&r); left > 0 && ret_persons->count < LINK_NEAR_MAX; left--) {
    ret_persons->ids[ret_persons->count++] = reader_blob(&r);
  }
}

static void mark_write(struct runtime *runtime, const struct link_mark *mark, const struct link_persons *persons) {
  struct record_key key = mark_key(mark);
  struct writer *w = content(runtime);
  writer_varint(w, persons->count);
  for (size_t i = 0; i < persons->count; i++) {
    writer_blob(w, persons->ids[i]);
  }
  put(runtime, &key, writer_span(w));
}

static bool persons_have(const struct link_persons *persons, struct span id) {
  for (size_t i = 0; i < persons->count; i++) {
    if (span_equal(persons->ids[i], id)) {
      return true;
    }
  }
  return false;
}

/* Written also when it stood there: finding somebody costs the same puts as finding nobody. */
void link_mark_add(struct runtime *runtime, const struct link_mark *mark, struct span person) {
  struct link_persons persons;
  link_mark_read(runtime, mark, &runtime->arena, &persons);
  if (!persons_have(&persons, person) && persons.count < LINK_NEAR_MAX) {
    persons.ids[persons.count++] = person;
  }
  mark_write(runtime, mark, &persons);
}

void link_mark_remove(struct runtime *runtime, const struct link_mark *mark, struct span person) {
  struct record_key key = mark_key(mark);
  struct link_persons persons, left = {.count = 0};
  link_mark_read(runtime, mark, &runtime->arena, &persons);
  for (size_t i = 0; i < persons.count; i++) {
    if (!span_equal(persons.ids[i], person)) {
      left.ids[left.count++] = persons.ids[i];
    }
  }
  if (left.count > 0) {
    mark_write(runtime, mark, &left);
  } else {
    drop(runtime, &key);
  }
}

/* ---- of a pair ---- */

enum err link_pair_open(struct runtime *runtime, struct span bytes, struct arena *arena, struct link_pair *ret_pair) {
  struct reader r;
  TRY(open_record(runtime, bytes, arena, &r));
  ret_pair->a = reader_blob(&r);
  ret_pair->b = reader_blob(&r);
  ret_pair->by = reader_blob(&r);
  return reader_end(&r);
}

void link_pair_write(struct runtime *runtime, const struct link_pair *pair) {
  struct record_key key = pair_key(runtime, pair->a, pair->b);
  struct writer *w = content(runtime);
  writer_blob(w, pair->a);
  writer_blob(w, pair->b);
  writer_blob(w, pair->by);
  put(runtime, &key, writer_span(w));
}

void link_pair_delete(struct runtime *runtime, struct span a, struct span b) {
  struct record_key key = pair_key(runtime, a, b);
  drop(runtime, &key);
}
