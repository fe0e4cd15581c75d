#include "runtime/cases.h"

#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "runtime/records.h"

enum { VIEW_BLOCK = 1024, SPARES_MAX = 256, SPARE_VIEW_MAX = 16 * VIEW_BLOCK };

void cases_init(struct cases *cases, struct casework *casework, struct store *store, size_t capacity) {
  *cases = (struct cases){.casework = casework, .store = store, .capacity = capacity, .table_size = 1024};
  while (cases->table_size < capacity) {
    cases->table_size *= 2;
  }
  cases->table = calloc(cases->table_size, sizeof(struct case_slot *));
  ASSERT(cases->table);
}

static void slot_free(struct case_slot *slot) {
  arena_finish(&slot->view_arena);
  free(slot);
}

void cases_finish(struct cases *cases) {
  if (cases && cases->table) {
    cases_clear(cases);
    while (cases->spares) {
      struct case_slot *spare = cases->spares;
      cases->spares = spare->hash_next;
      slot_free(spare);
    }
    free(cases->table);
    cases->table = NULL;
  }
}

/* ---- the table and the list ---- */

static struct case_slot **bucket_of(const struct cases *cases, struct span id) {
  uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
  for (size_t i = 0; i < id.size; i++) {
    hash = (hash ^ id.data[i]) * UINT64_C(1099511628211);
  }
  return &cases->table[(hash ^ hash >> 32) & (cases->table_size - 1)];
}

static void list_remove(struct cases *cases, struct case_slot *slot) {
  ASSERT(slot->newer != slot && slot->older != slot);
  if (slot->newer) {
    slot->newer->older = slot->older;
  } else {
    cases->newest = slot->older;
  }
  if (slot->older) {
    slot->older->newer = slot->newer;
  } else {
    cases->oldest = slot->newer;
  }
}

static void list_add(struct cases *cases, struct case_slot *slot) {
  slot->newer = NULL;
  slot->older = cases->newest;
  if (slot->older) {
    slot->older->newer = slot;
  } else {
    cases->oldest = slot;
  }
  cases->newest = slot;
}

static struct case_slot *find(struct cases *cases, struct span id) {
  if (cases->newest && span_equal(cases->newest->id, id)) {
    return cases->newest; /* one message asks for its case several times */
  }
  struct case_slot *slot = *bucket_of(cases, id);
  while (slot && !span_equal(slot->id, id)) {
    slot = slot->hash_next;
  }
  if (slot && slot != cases->newest) {
    list_remove(cases, slot);
    list_add(cases, slot);
  }
  return slot;
}

/* With nothing in it but an empty arena. */
static struct case_slot *slot_acquire(struct cases *cases) {
  struct case_slot *slot = cases->spares;
  struct arena arena;
  if (slot) {
    cases->spares = slot->hash_next;
    cases->spares_count--;
    arena = slot->view_arena;
    arena_reset(&arena);
  } else {
    slot = malloc(sizeof *slot);
    ASSERT(slot);
    arena_init(&arena, VIEW_BLOCK);
  }
  *slot = (struct case_slot){.fired_at = CIVIL_MOMENT_NONE, .view_arena = arena};
  return slot;
}

static void slot_release(struct cases *cases, struct case_slot *slot) {
  if (cases->spares_count == SPARES_MAX || arena_used(&slot->view_arena) > SPARE_VIEW_MAX) {
    slot_free(slot);
    return;
  }
  slot->hash_next = cases->spares;
  cases->spares = slot;
  cases->spares_count++;
}

static struct case_slot *add(struct cases *cases, struct span id, struct case_file *file) {
  struct case_slot *slot = slot_acquire(cases);
  ASSERT(id.size <= sizeof slot->text);
  memcpy(slot->text, id.data, id.size);
  slot->id = span_of(slot->text, id.size);
  slot->file = file;
  struct case_slot **bucket = bucket_of(cases, id);
  slot->hash_next = *bucket;
  *bucket = slot;
  list_add(cases, slot);
  cases->count++;
  return slot;
}

void cases_forget(struct cases *cases, struct case_slot *slot) {
  list_remove(cases, slot);
  struct case_slot **link = bucket_of(cases, slot->id);
  while (*link != slot) {
    link = &(*link)->hash_next;
  }
  *link = slot->hash_next;
  cases->count--;
  case_close(&slot->file);
  slot_release(cases, slot);
}

static void forget_oldest(struct cases *cases) {
  struct case_slot *slot = cases->oldest;
  ASSERT(slot && !slot->older);
  cases_forget(cases, slot);
}

void cases_trim(struct cases *cases) {
  while (cases->count > cases->capacity) {
    forget_oldest(cases);
  }
}

void cases_clear(struct cases *cases) {
  while (cases->oldest) {
    forget_oldest(cases);
  }
}

/* ---- cases ---- */

static enum err record_of(struct cases *cases, struct span id, struct record_case *ret_record) {
  struct record_key key = record_case_key(id);
  struct span bytes;
  TRY(store_get(cases->store, STORE_CASE, record_key_span(&key), &bytes));
  return record_case_read(bytes, ret_record);
}

enum err cases_get(struct cases *cases, struct span id, struct case_slot **ret_slot, struct fault *fault) {
  struct case_slot *slot = find(cases, id);
  if (!slot) {
    struct record_case record;
    enum err err = record_of(cases, id, &record);
    if (err != ERR_OK) {
      return fault_set(fault, err, "запись случая не читается: %s", words_of_err(err));
    }
    struct case_file *file;
    err = case_decode(cases->casework, record.body, &file, fault);
    if (err != ERR_OK) {
      return err;
    }
    cases->decoded++;
    slot = add(cases, id, file);
    slot->journal = record.journal;
    slot->latest = record.latest;
    slot->parked = record.parked;
    slot->counted = !case_has_ended(file) && !span_empty(case_revision(file));
  }
  *ret_slot = slot;
  return ERR_OK;
}

struct case_slot *cases_cached(struct cases *cases, struct span id) {
  return find(cases, id);
}

/* A number that was begun by mistake is free: what stood under it gives way. */
static bool is_taken(struct cases *cases, struct span id) {
  struct case_slot *slot = NULL;
  struct fault unread = {.err = ERR_OK};
  enum err found = cases_get(cases, id, &slot, &unread);
  if (found == ERR_OK && case_is_annulled(slot->file)) {
    cases_forget(cases, slot);
    return false;
  }
  return found != ERR_NOT_FOUND;
}

enum err cases_open(struct cases *cases, const struct case_identity *identity, uint64_t journal,
                    struct case_slot **ret_slot, struct fault *fault) {
  if (is_taken(cases, identity->id)) {
    return fault_set(fault, ERR_EXISTS, "случай с таким номером уже есть");
  }
  struct case_file *file;
  struct case_identity opened = *identity;
  opened.revision = cases->pin ? cases->pin(cases->pin_arg, identity->id, identity->process) : span_of(NULL, 0);
  enum err err = case_open(cases->casework, &opened, &file);
  if (err != ERR_OK) {
    return fault_set(fault, err, "процесса «%.*s» среди настроек нет", SPAN_ARG(identity->process));
  }
  struct case_slot *slot = add(cases, identity->id, file);
  slot->journal = journal;
  slot->latest = RECORD_NO_ENTRY;
  slot->dirty = true;
  *ret_slot = slot;
  return ERR_OK;
}

const struct case_view *case_slot_view(struct case_slot *slot) {
  if (!slot->view_valid) {
    arena_reset(&slot->view_arena);
    case_view_of(slot->file, &slot->view_arena, &slot->view);
    slot->view_valid = true;
  }
  return &slot->view;
}

void case_slot_changed(struct case_slot *slot) {
  slot->dirty = true;
  slot->view_valid = false;
}
