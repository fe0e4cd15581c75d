#include "runtime/definitions.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "runtime/records.h"

#define INDEX_NAME "definition"

void definitions_init(struct definitions *definitions, struct casework *casework) {
  *definitions = (struct definitions){.casework = casework};
  arena_init(&definitions->arena, 0);
}

void definitions_finish(struct definitions *definitions) {
  if (definitions) {
    arena_finish(&definitions->arena);
    free(definitions->items);
    *definitions = (struct definitions){.casework = NULL};
  }
}

/* ---- the table ---- */

static int compare(const struct definition *entry, struct span process, struct span revision) {
  int order = span_compare(entry->process, process);
  return order != 0 ? order : span_compare(entry->revision, revision);
}

static struct definition *entry_insert(struct definitions *d, size_t at, struct span process, struct span revision) {
  if (d->count == d->capacity) {
    d->capacity = d->capacity ? d->capacity * 2 : 16;
    d->items = realloc(d->items, d->capacity * sizeof *d->items);
    ASSERT(d->items);
  }
  memmove(&d->items[at + 1], &d->items[at], (d->count - at) * sizeof *d->items);
  d->count++;
  d->items[at] =
      (struct definition){.process = arena_copy(&d->arena, process), .revision = arena_copy(&d->arena, revision)};
  return &d->items[at];
}

/* The entry, made if it is new; valid until the next one is made. */
static struct definition *entry_of(struct definitions *d, struct span process, struct span revision) {
  for (size_t i = 0; i < d->count; i++) {
    int order = compare(&d->items[i], process, revision);
    if (order >= 0) {
      return order == 0 ? &d->items[i] : entry_insert(d, i, process, revision);
    }
  }
  return entry_insert(d, d->count, process, revision);
}

static void touch(struct definitions *d, struct definition *entry) {
  d->dirty += !entry->dirty;
  entry->dirty = true;
}

static bool is_needed(const struct definition *entry) {
  return entry->present || entry->cases > 0;
}

/* ---- loading ---- */

struct loading {
  struct definitions *definitions;
  enum err err;
};

static bool load_count(void *arg, struct span key, struct span value) {
  struct loading *loading = arg;
  struct span process, revision;
  uint64_t cases = 0;
  struct span name = span_of(key.data + sizeof INDEX_NAME, key.size - sizeof INDEX_NAME);
  loading->err = record_definition_of_key(name, &process, &revision);
  if (loading->err == ERR_OK) {
    loading->err = record_generation_read(value, &cases);
  }
  if (loading->err == ERR_OK) {
    entry_of(loading->definitions, process, revision)->cases = cases;
  }
  return loading->err == ERR_OK;
}

static void load_present(struct definitions *d) {
  for (size_t i = 0; i < casework_definitions_count(d->casework); i++) {
    struct process_definition found = casework_definition(d->casework, i);
    if (found.present) {
      entry_of(d, found.name, found.revision)->present = true;
    }
  }
}

/* A record that does not give the revision under which it lies is damaged, unless it was written for another
 * vocabulary: then only compiling can tell. */
static enum err check_revision(const struct record_definition *record, const struct process_source *source,
                               struct fault *fault) {
  char revision[CASEWORK_REVISION_SIZE];
  if (record->vocabulary > CASEWORK_VOCABULARY) {
    return fault_set(fault, ERR_VERSION, "it is written in a later vocabulary");
  }
  casework_revision(source->chart, &source->settings, revision);
  bool same = span_equal(source->revision, span_of(revision, sizeof revision));
  return same || record->vocabulary < CASEWORK_VOCABULARY
             ? ERR_OK
             : fault_set(fault, ERR_CORRUPT, "its stored chart or settings are damaged");
}

static enum err define(struct definitions *d, const struct definition *entry, struct span bytes, struct fault *fault) {
  struct record_definition record;
  struct process_source source = {.name = entry->process, .revision = entry->revision};
  bytes = arena_copy(&d->arena, bytes);
  enum err err = record_definition_read(bytes, &record);
  struct reader r = reader_of(record.settings);
  if (err == ERR_OK) {
    err = value_decode(&r, &d->arena, &source.settings);
  }
  if (err != ERR_OK || reader_end(&r) != ERR_OK) {
    return fault_set(fault, err != ERR_OK ? err : ERR_CORRUPT, "its stored record cannot be read");
  }
  source.chart = record.chart;
  source.file = arena_cstr(&d->arena, entry->process);
  TRY(check_revision(&record, &source, fault));
  return casework_define(d->casework, &source, fault);
}

static void complain(const struct definition *entry, const struct fault *fault) {
  log_line(LOG_ERROR, "runtime",
           "process %.*s, revision %.*s cannot be used: %s; %llu cases that run on it will be parked",
           SPAN_ARG(entry->process), SPAN_ARG(entry->revision), fault->text, (unsigned long long)entry->cases);
}

static enum err load_definition(struct definitions *d, struct definition *entry, struct store *store) {
  struct record_key key = record_definition_key(entry->process, entry->revision);
  struct span bytes;
  enum err err = store_get(store, STORE_DEFINITION, record_key_span(&key), &bytes);
  if (err != ERR_OK && err != ERR_NOT_FOUND) {
    return err;
  }
  entry->stored = err == ERR_OK;
  if (!is_needed(entry)) {
    touch(d, entry); /* config/ has changed and nobody runs on it: goes with the next batch */
    return ERR_OK;
  }
  if (casework_has_revision(d->casework, entry->process, entry->revision)) {
    return ERR_OK;
  }
  struct fault fault = {.err = ERR_OK};
  if (entry->stored) {
    err = define(d, entry, bytes, &fault);
  } else {
    err = fault_set(&fault, ERR_NOT_FOUND, "it is not stored");
  }
  if (err != ERR_OK) {
    complain(entry, &fault);
  } else {
    log_line(LOG_INFO, "runtime", "process %.*s: %llu cases go on with revision %.*s", SPAN_ARG(entry->process),
             (unsigned long long)entry->cases, SPAN_ARG(entry->revision));
  }
  return ERR_OK;
}

enum err definitions_load(struct definitions *definitions, struct store *store) {
  struct loading loading = {definitions, ERR_OK};
  struct record_key prefix = record_index_key(INDEX_NAME, span_of(NULL, 0));
  arena_reset(&definitions->arena);
  definitions->count = 0;
  definitions->dirty = 0;
  load_present(definitions);
  TRY(store_scan(store, STORE_INDEX, record_key_span(&prefix), record_key_span(&prefix), load_count, &loading));
  TRY(loading.err);
  for (size_t i = 0; i < definitions->count; i++) {
    TRY(load_definition(definitions, &definitions->items[i], store));
  }
  return ERR_OK;
}

/* ---- counting ---- */

void definitions_count(struct definitions *definitions, struct span process, struct span revision, int delta) {
  struct definition *entry = entry_of(definitions, process, revision);
  if (delta > 0) {
    entry->cases++;
  } else if (entry->cases > 0) {
    entry->cases--;
  }
  touch(definitions, entry);
}

/* ---- writing ---- */

static bool source_of(const struct definitions *d, const struct definition *entry,
                      struct process_definition *ret_found) {
  for (size_t i = 0; i < casework_definitions_count(d->casework); i++) {
    *ret_found = casework_definition(d->casework, i);
    if (span_equal(ret_found->name, entry->process) && span_equal(ret_found->revision, entry->revision)) {
      return true;
    }
  }
  return false;
}

static void put_definition(const struct definitions *d, struct definition *entry, struct store *store,
                           struct writer *scratch) {
  struct process_definition found;
  if (!source_of(d, entry, &found)) {
    return;
  }
  struct writer settings;
  writer_init(&settings);
  value_encode(&found.settings, &settings);
  struct record_definition record = {
      .vocabulary = CASEWORK_VOCABULARY, .chart = found.chart, .settings = writer_span(&settings)};
  struct record_key key = record_definition_key(entry->process, entry->revision);
  writer_reset(scratch);
  record_definition_write(&record, scratch);
  store_put(store, STORE_DEFINITION, record_key_span(&key), writer_span(scratch));
  writer_finish(&settings);
  entry->stored = true;
}

static void write_entry(const struct definitions *d, struct definition *entry, struct store *store,
                        struct writer *scratch) {
  struct record_key key = record_definition_key(entry->process, entry->revision);
  struct record_key index = record_index_key(INDEX_NAME, record_key_span(&key));
  if (!is_needed(entry)) {
    store_delete(store, STORE_INDEX, record_key_span(&index));
    store_delete(store, STORE_DEFINITION, record_key_span(&key));
    entry->stored = false;
    return;
  }
  writer_reset(scratch);
  record_generation_write(entry->cases, scratch);
  store_put(store, STORE_INDEX, record_key_span(&index), writer_span(scratch));
  if (!entry->stored) {
    put_definition(d, entry, store, scratch);
  }
}

void definitions_write(struct definitions *definitions, struct store *store, struct writer *scratch) {
  for (size_t i = 0; definitions->dirty > 0; i++) {
    struct definition *entry = &definitions->items[i];
    if (entry->dirty) {
      write_entry(definitions, entry, store, scratch);
      entry->dirty = false;
      definitions->dirty--;
    }
  }
}
