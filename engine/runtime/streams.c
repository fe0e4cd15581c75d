/*
 * The streams: what a participant is to be told, as the bytes that will be sent, in the order in which it was recorded.
 */
#include <stdlib.h>

#include "base/words.h"
#include "runtime/engine.h"

/* ---- cutting ---- */

static int name_compare(const void *a, const void *b) {
  return span_compare(*(const struct span *)a, *(const struct span *)b);
}

void streams_init(struct runtime *runtime) {
  const struct catalogue *catalogue = runtime->catalogue;
  size_t count = 0;
  for (size_t i = 0; i < catalogue->events_count; i++) {
    count += catalogue->events[i].fields_count;
  }
  runtime->field_names = calloc(count + 1, sizeof *runtime->field_names);
  ASSERT(runtime->field_names);
  for (size_t i = 0; i < catalogue->events_count; i++) {
    for (size_t k = 0; k < catalogue->events[i].fields_count; k++) {
      runtime->field_names[runtime->field_names_count++] = catalogue->events[i].fields[k].name;
    }
  }
  qsort(runtime->field_names, count, sizeof *runtime->field_names, name_compare);
}

void streams_finish(struct runtime *runtime) {
  free(runtime->field_names);
  runtime->field_names = NULL;
}

static bool is_catalogued(const struct runtime *runtime, struct span name) {
  return bsearch(&name, runtime->field_names, runtime->field_names_count, sizeof name, name_compare) != NULL;
}

/* The catalogue is asked for the rest only: it looks a name up in every event. */
static struct value catalogued_of(struct runtime *runtime, const struct value *data) {
  struct value rest = {.kind = VALUE_MAP};
  rest.map.fields = ARENA_ARRAY(&runtime->arena, struct value_field, data->map.count + 1);
  for (size_t i = 0; i < data->map.count; i++) {
    if (is_catalogued(runtime, data->map.fields[i].name)) {
      rest.map.fields[rest.map.count++] = data->map.fields[i];
    }
  }
  return rest;
}

static struct value cut_fields(struct runtime *runtime, const struct value *data, struct span kind) {
  if (data->kind != VALUE_MAP) {
    return *data;
  }
  struct value catalogued = catalogued_of(runtime, data);
  struct value seen = catalogue_cut(runtime->catalogue, &catalogued, kind, &runtime->arena);
  struct value_field *kept = ARENA_ARRAY(&runtime->arena, struct value_field, data->map.count + 1);
  size_t count = 0;
  for (size_t i = 0; i < data->map.count; i++) {
    const struct value_field *field = &data->map.fields[i];
    const struct value *shown = value_find(&seen, field->name);
    if (shown) {
      kept[count++] = (struct value_field){field->name, *shown};
    } else if (!value_find(&catalogued, field->name)) {
      kept[count++] = *field;
    }
  }
  struct value cut;
  enum err err = value_map(kept, count, &cut);
  ASSERT(err == ERR_OK); /* a part of a map */
  return cut;
}

struct value streams_cut(struct runtime *runtime, const struct value *data, struct span kind) {
  struct value cut = cut_fields(runtime, data, kind);
  for (size_t i = 0; cut.kind == VALUE_MAP && i < cut.map.count; i++) {
    struct value_field *field = &cut.map.fields[i]; /* the table is ours, from cut_fields */
    if (field->value.kind == VALUE_MAP && !is_catalogued(runtime, field->name)) {
      field->value = cut_fields(runtime, &field->value, kind);
    }
  }
  return cut;
}

/* ---- writing ---- */

void streams_add(struct runtime *runtime, struct runtime_delivery *delivery) {
  if (!runtime->ports.delivery_encode) {
    return;
  }
  struct cursor_entry *cursor = cursors_find(&runtime->cursors, delivery->participant->id);
  delivery->position = cursor->record.head + 1;
  struct writer bytes;
  writer_init(&bytes);
  enum err err = runtime->ports.delivery_encode(runtime->ports.arg, delivery, &bytes);
  if (err == ERR_OK) {
    struct record_key key = record_pair_key(delivery->participant->id, delivery->position);
    writer_reset(&runtime->scratch);
    record_bytes_write(writer_span(&bytes), &runtime->scratch);
    engine_put(runtime, STORE_STREAM, &key, writer_span(&runtime->scratch));
    cursor->record.head = delivery->position;
    cursors_touch(&runtime->cursors, cursor);
    outbox_add_delivery(runtime, delivery->participant->id, delivery->position,
                        arena_copy(&runtime->arena, writer_span(&bytes)));
  } else {
    /* Must not vanish in silence: the operator sees who was not told what. */
    incidents_open(runtime, &(struct incident_report){.case_id = delivery->case_id,
                                                      .reason = SPAN_LITERAL("undeliverable"),
                                                      .detail = span_of_cstr(words_of_err(err)),
                                                      .sender = delivery->participant->id,
                                                      .journal = delivery->journal,
                                                      .at = delivery->recorded_at,
                                                      .transport = true});
  }
  writer_finish(&bytes);
}

/* ---- retention ---- */

/* What a reader has acknowledged stands in the journal; a tail is kept for one that comes back with an older spool. */
static void trim(struct runtime *runtime, struct cursor_entry *cursor) {
  struct record_cursor *record = &cursor->record;
  uint64_t tail = runtime->limits.stream_tail;
  uint64_t slice = runtime->limits.stream_slice;
  uint64_t spare = record->acknowledged > tail ? record->acknowledged - tail : 0;
  if (spare < record->dropped + slice) {
    return;
  }
  for (uint64_t i = 0; i < slice; i++) {
    struct record_key key = record_pair_key(cursor->participant->id, ++record->dropped);
    store_delete(runtime->store, STORE_STREAM, record_key_span(&key));
  }
  cursors_touch(&runtime->cursors, cursor);
}

void streams_trim(struct runtime *runtime) {
  for (size_t i = 0; i < runtime->catalogue->participants_count; i++) {
    trim(runtime, &runtime->cursors.entries[i]);
  }
}

/* ---- the reader ---- */

enum err runtime_cursor_of(const struct runtime *runtime, struct span participant, struct runtime_cursor *ret_cursor) {
  const struct cursor_entry *cursor = cursors_find(&runtime->cursors, participant);
  if (!cursor) {
    return ERR_NOT_FOUND;
  }
  *ret_cursor = (struct runtime_cursor){
      .head = cursor->record.head,
      .acknowledged = cursor->record.acknowledged,
      .first = cursor->record.dropped + 1,
  };
  return ERR_OK;
}

enum err runtime_ack(struct runtime *runtime, struct span participant, uint64_t position) {
  struct cursor_entry *cursor = cursors_find(&runtime->cursors, participant);
  if (!cursor) {
    return ERR_NOT_FOUND;
  }
  if (position > cursor->record.head) {
    return ERR_RANGE;
  }
  if (position > cursor->record.acknowledged) {
    cursor->record.acknowledged = position;
    cursors_touch(&runtime->cursors, cursor);
  }
  return ERR_OK;
}

struct stream_read {
  size_t left;
  runtime_stream_visit visit;
  void *arg;
  enum err err;
};

static bool show_entry(void *arg, struct span key, struct span value) {
  struct stream_read *read = arg;
  struct span participant, bytes;
  uint64_t position;
  read->err = record_pair_of_key(key, &participant, &position);
  if (read->err == ERR_OK) {
    read->err = record_bytes_read(value, &bytes);
  }
  if (read->err != ERR_OK || read->left == 0) {
    return false;
  }
  read->left--;
  return read->visit(read->arg, position, bytes) && read->left > 0;
}

enum err runtime_stream_read(struct runtime *runtime, struct span participant, uint64_t after, size_t count_max,
                             runtime_stream_visit visit, void *arg) {
  if (!cursors_find(&runtime->cursors, participant)) {
    return ERR_NOT_FOUND;
  }
  if (count_max == 0 || after == UINT64_MAX) {
    return ERR_OK;
  }
  struct stream_read read = {.left = count_max, .visit = visit, .arg = arg};
  struct record_key prefix = record_pair_prefix(participant);
  struct record_key from = record_pair_key(participant, after + 1);
  TRY(store_scan(runtime->store, STORE_STREAM, record_key_span(&prefix), record_key_span(&from), show_entry, &read));
  return read.err;
}
