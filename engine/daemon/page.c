/* daemon/page.c — filling one page of an answer. */
#include "daemon/page.h"

#include <stdio.h>

#include "base/json.h"
#include "runtime/records.h"

/* ---- the question's words ---- */

struct span page_arg(const struct page *page, const char *name) {
  for (size_t i = 0; i < page->request->n_args; i++) {
    struct span value;
    struct span word = span_of_cstr(page->request->args[i]);
    struct span key = span_cut(word, '=', &value);
    if (value.data && span_is(key, name)) {
      return value;
    }
  }
  return span_of(NULL, 0);
}

enum err page_arg_needed(const struct page *page, const char *name, struct span *ret_value, struct fault *fault) {
  *ret_value = page_arg(page, name);
  if (span_empty(*ret_value)) {
    return fault_set(fault, ERR_INVALID, "в запросе нет параметра %s", name);
  }
  return ERR_OK;
}

enum err page_arg_number(const struct page *page, const char *name, int64_t fallback, int64_t *ret_value,
                         struct fault *fault) {
  struct span text = page_arg(page, name);
  *ret_value = fallback;
  if (!span_empty(text) && (!span_to_int64(text, ret_value) || *ret_value < 0)) {
    return fault_set(fault, ERR_INVALID, "параметр %s должен быть целым числом", name);
  }
  return ERR_OK;
}

bool page_arg_is(const struct page *page, const char *name, struct span text) {
  struct span wanted = page_arg(page, name);
  return span_empty(wanted) || span_equal(wanted, text);
}

/* ---- rows ---- */

bool page_full(const struct page *page) {
  return page->count >= page->limit || page->rows->size >= DESK_PAGE_BYTES;
}

static void row_end(struct page *page) {
  ASSERT(page->count < DESK_ROWS_MAX);
  page->ends[page->count++] = page->rows->size;
}

void page_row(struct page *page, const struct value_field *fields, size_t count) {
  json_write_fields(fields, count, page->rows);
  row_end(page);
}

void page_text(struct page *page, struct span json) {
  writer_raw(page->rows, json);
  row_end(page);
}

enum err page_counted(struct page *page, struct fault *fault) {
  int64_t skip = 0;
  struct span cursor = span_of(page->request->cursor.data, page->request->cursor.len);
  if (!span_empty(cursor) && (!span_to_int64(cursor, &skip) || skip < 0)) {
    return fault_set(fault, ERR_INVALID, "неверная отметка продолжения");
  }
  page->skip = (size_t)skip;
  page->scanned = 0;
  return ERR_OK;
}

bool page_counted_row(struct page *page, const struct value_field *fields, size_t count) {
  if (page->scanned < page->skip) {
    page->scanned++;
    return true;
  }
  if (page_full(page)) {
    page->cursor = arena_printf(page->arena, "%zu", page->scanned);
    return false;
  }
  page->scanned++;
  page_row(page, fields, count);
  return true;
}

/* ---- walking ---- */

struct scan {
  struct page *page;
  page_visit row;
  void *arg;
  enum err err;
};

static bool scan_visit(void *arg, struct span key, struct span value) {
  struct scan *scan = arg;
  struct page *page = scan->page;
  if (page_full(page) || page->scanned >= DESK_SCAN_MAX) {
    page->cursor = arena_copy(page->arena, key);
    return false;
  }
  page->scanned++;
  scan->err = scan->row(page, key, value, scan->arg);
  return scan->err == ERR_OK;
}

enum err page_scan(struct page *page, enum store_space space, struct span prefix, page_visit row, void *arg,
                   struct fault *fault) {
  struct scan scan = {page, row, arg, ERR_OK};
  struct span from = span_of(page->request->cursor.data, page->request->cursor.len);
  if (from.size > STORE_KEY_MAX || (from.size > 0 && !span_starts_with(from, prefix))) {
    return fault_set(fault, ERR_INVALID, "неверная отметка продолжения");
  }
  enum err err = store_scan(page->daemon->store, space, prefix, from.size > 0 ? from : prefix, scan_visit, &scan);
  err = err != ERR_OK ? err : scan.err;
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "запись в хранилище не читается");
}

/* ---- values ---- */

struct value page_moment(const struct page *page, civil_moment moment) {
  char text[CIVIL_MOMENT_TEXT];
  if (moment == CIVIL_MOMENT_NONE) {
    return value_nil();
  }
  civil_moment_format(moment, text);
  return value_text(arena_copy(page->arena, span_of_cstr(text)));
}

struct value page_day(const struct page *page, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  if (day == CIVIL_DAY_NONE) {
    return value_nil();
  }
  civil_day_format(day, text);
  return value_text(arena_copy(page->arena, span_of_cstr(text)));
}

struct value page_words(const struct page *page, const struct text_list *list) {
  struct value *items = ARENA_ARRAY(page->arena, struct value, list->count);
  for (size_t i = 0; i < list->count; i++) {
    items[i] = value_text(list->items[i]);
  }
  return value_list(items, list->count);
}

struct value page_known(struct span text) {
  return span_empty(text) ? value_nil() : value_text(text);
}

enum err page_case(const struct page *page, struct span case_id, struct case_view *ret_view, bool *ret_parked,
                   struct fault *fault) {
  struct span bytes;
  struct record_case record;
  if (span_empty(case_id) || case_id.size > CASE_ID_MAX) {
    return fault_set(fault, ERR_INVALID, "неверный номер дела");
  }
  struct record_key key = record_case_key(case_id);
  enum err err = store_get(page->daemon->store, STORE_CASE, record_key_span(&key), &bytes);
  if (err == ERR_NOT_FOUND) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого дела: %.*s", SPAN_ARG(case_id));
  }
  bytes = err == ERR_OK ? arena_copy(page->arena, bytes) : bytes;
  if (err != ERR_OK || record_case_read(bytes, &record) != ERR_OK ||
      case_view_decode(record.body, page->arena, ret_view) != ERR_OK) {
    return fault_set(fault, ERR_CORRUPT, "запись дела не читается");
  }
  *ret_parked = record.parked;
  return ERR_OK;
}

void page_deadline_fields(const struct page *page, struct span case_id, const struct deadline *deadline, bool explain,
                          struct value_field *fields, size_t *ret_count) {
  const struct calendar *calendar = runtime_calendar(page->daemon->runtime);
  struct value why = value_nil();
  if (explain) {
    why = value_text(deadline_explain(calendar, deadline, page->arena));
  }
  const struct value_field all[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("deadline"))),
      PAGE_FIELD("case", value_text(case_id)),
      PAGE_FIELD("id", value_text(deadline->id)),
      PAGE_FIELD("key", page_known(deadline->key)),
      PAGE_FIELD("title", page_known(deadline->title)),
      PAGE_FIELD("basis", page_known(deadline->basis)),
      PAGE_FIELD("owner", page_known(deadline->owner)),
      PAGE_FIELD("from", page_day(page, deadline->from)),
      PAGE_FIELD("term", page_known(deadline->term)),
      PAGE_FIELD("opens", page_day(page, deadline->opens)),
      PAGE_FIELD("due", page_day(page, deadline->due)),
      PAGE_FIELD("state", value_text(span_of_cstr(deadline_state_name(deadline->state)))),
      PAGE_FIELD("at", page_moment(page, deadline->at)),
      PAGE_FIELD("done_on", page_day(page, deadline->done_on)),
      PAGE_FIELD("cause", page_known(deadline->cause)),
      PAGE_FIELD("counted", deadline->counted ? value_nil() : value_bool(false)),
      PAGE_FIELD("explanation", why),
  };
  _Static_assert(PAGE_COUNT(all) <= PAGE_DEADLINE_FIELDS, "the caller's array has room");
  memcpy(fields, all, sizeof all);
  *ret_count = PAGE_COUNT(all);
}
