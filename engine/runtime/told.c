#include "runtime/told.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/work.h"

enum { VERSION = 1, TEXTS = 6 };

/* ---- records ---- */

static struct record_key key_of(struct span root, uint64_t number) {
  struct record_key name = record_pair_key(root, number);
  return record_index_key("told", record_key_span(&name));
}

static void put(struct runtime *runtime, struct span root, const struct told *told) {
  const struct span texts[TEXTS] = {told->from,  told->process, told->participant,
                                    told->event, told->sender,  told->cause};
  struct record_key key = key_of(root, told->number);
  struct writer *w = &runtime->body;
  writer_reset(w);
  writer_u8(w, VERSION);
  writer_u8(w, told->taken_back);
  writer_varint(w, told->journal);
  writer_zigzag(w, told->at);
  writer_zigzag(w, told->occurred_at);
  for (size_t i = 0; i < TEXTS; i++) {
    writer_blob(w, texts[i]);
  }
  value_encode(&told->data, w);
  engine_put(runtime, STORE_INDEX, &key, writer_span(w));
}

static enum err read_one(struct span bytes, struct arena *arena, struct told *ret_told) {
  struct span *const texts[TEXTS] = {&ret_told->from,  &ret_told->process, &ret_told->participant,
                                     &ret_told->event, &ret_told->sender,  &ret_told->cause};
  struct reader r = reader_of(arena_copy(arena, bytes));
  if (reader_u8(&r) != VERSION) {
    return r.failed ? ERR_CORRUPT : ERR_VERSION;
  }
  ret_told->taken_back = reader_u8(&r) != 0;
  ret_told->journal = reader_varint(&r);
  ret_told->at = reader_zigzag(&r);
  ret_told->occurred_at = reader_zigzag(&r);
  for (size_t i = 0; i < TEXTS; i++) {
    *texts[i] = reader_blob(&r);
  }
  TRY(value_decode(&r, arena, &ret_told->data));
  return reader_end(&r);
}

static uint64_t count_of(struct runtime *runtime, struct span root) {
  struct record_key key = key_of(root, 0);
  struct span bytes;
  uint64_t count = 0;
  if (engine_read(runtime, STORE_INDEX, &key, &bytes) && record_generation_read(bytes, &count) != ERR_OK) {
    engine_fail(runtime, ERR_CORRUPT);
  }
  return count;
}

static void put_count(struct runtime *runtime, struct span root, uint64_t count) {
  struct record_key key = key_of(root, 0);
  writer_reset(&runtime->scratch);
  record_generation_write(count, &runtime->scratch);
  engine_put(runtime, STORE_INDEX, &key, writer_span(&runtime->scratch));
}

void told_put(struct runtime *runtime, struct span root, const struct told *told) {
  struct told numbered = *told;
  numbered.number = count_of(runtime, root) + 1;
  put(runtime, root, &numbered);
  put_count(runtime, root, numbered.number);
}

void told_take_back(struct runtime *runtime, struct span root, const struct told *told) {
  struct told taken = *told;
  taken.taken_back = true;
  put(runtime, root, &taken);
}

/* ---- lists ---- */

void told_add(struct arena *arena, struct told_list *list, const struct told *told) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 32;
    struct told *grown = ARENA_ARRAY(arena, struct told, list->capacity);
    if (list->count > 0) {
      memcpy(grown, list->items, list->count * sizeof *grown);
    }
    list->items = grown;
  }
  list->items[list->count++] = *told;
}

enum err told_read(struct runtime *runtime, struct span root, struct arena *arena, struct told_list *ret_list) {
  uint64_t count = count_of(runtime, root);
  *ret_list = (struct told_list){.count = 0};
  if (count > TOLD_MAX) {
    return ERR_LIMIT;
  }
  for (uint64_t number = 1; number <= count; number++) {
    struct record_key key = key_of(root, number);
    struct told told = {.number = number};
    struct span bytes;
    TRY(store_get(runtime->store, STORE_INDEX, record_key_span(&key), &bytes));
    TRY(read_one(bytes, arena, &told));
    told_add(arena, ret_list, &told);
  }
  return ERR_OK;
}

static int compare(const void *left, const void *right) {
  const struct told *a = left;
  const struct told *b = right;
  if (a->at != b->at) {
    return a->at < b->at ? -1 : 1;
  }
  if (a->journal != b->journal) {
    return a->journal < b->journal ? -1 : 1;
  }
  /* What is not in the list yet is said behind what was. */
  uint64_t left_number = a->number == 0 ? UINT64_MAX : a->number;
  uint64_t right_number = b->number == 0 ? UINT64_MAX : b->number;
  return (left_number > right_number) - (left_number < right_number);
}

void told_sort(struct told_list *list) {
  if (list->count > 1) {
    qsort(list->items, list->count, sizeof *list->items, compare);
  }
}

/* ---- hearing it again ---- */

static void park(struct work *work, const struct told *told) {
  struct span failed = arena_copy(&work->runtime->arena, work->failed_case);
  work_drop(work);
  incidents_open(work->runtime, &(struct incident_report){
                                    .case_id = failed,
                                    .reason = SPAN_LITERAL("step-failed"),
                                    .detail = span_of_cstr(work->fault.text),
                                    .sender = told->sender,
                                    .event = told->cause,
                                    .journal = work->journal,
                                    .at = work->now,
                                    .parks = true,
                                });
}

enum err told_play(struct runtime *runtime, struct span root, const struct told *told) {
  const struct case_identity identity = {.id = root, .process = told->process, .key = root};
  const struct case_input input = {
      .kind = CASE_INPUT_INTERNAL,
      .event = told->event,
      .data = told->data,
      .occurred_at = told->occurred_at,
      .participant = told->participant,
  };
  struct work work;
  store_begin(runtime->store);
  work_begin(&work, runtime, told->at);
  work.gated = false;
  work.sender = told->sender;
  work.event = told->cause;
  work_add(&work, &identity, &input);
  if (work_run(&work) == ERR_OK) {
    work_commit(&work);
  } else {
    park(&work, told);
  }
  return engine_commit(runtime);
}
