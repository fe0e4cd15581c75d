/*
 * daemon/desk_journal.c — the journal.
 *
 *   journal.export [to=N]     the input of a rehearsal (runtime/export.h), up to an entry
 *   journal.list  [after=N]   every entry, timers and refusals too
 *   case.timeline case=ID     the entries of one family
 */
#include "base/json.h"
#include "daemon/page.h"
#include "runtime/export.h"
#include "runtime/records.h"

static const char *const kind_names[] = {
    [RECORD_JOURNAL_MESSAGE] = "message",       [RECORD_JOURNAL_REFUSED] = "refused",
    [RECORD_JOURNAL_UNREADABLE] = "unreadable", [RECORD_JOURNAL_PARKED] = "parked",
    [RECORD_JOURNAL_TIMER] = "timer",           [RECORD_JOURNAL_AUDIT] = "audit",
    [RECORD_JOURNAL_CALENDAR] = "calendar",     [RECORD_JOURNAL_RECOUNT] = "recount",
};

static enum err clear_data(const struct page *page, const struct record_journal *entry, struct value *ret_data) {
  *ret_data = value_nil();
  if (span_empty(entry->clear)) {
    return ERR_OK;
  }
  struct reader r = reader_of(entry->clear);
  TRY(value_decode(&r, page->arena, ret_data));
  return reader_end(&r);
}

static enum err entry_read(const struct page *page, struct span key, struct span value, uint64_t *ret_number,
                           struct record_journal *ret_entry, struct value *ret_data) {
  TRY(record_number_of_key(key, ret_number));
  TRY(record_journal_read(arena_copy(page->arena, value), ret_entry));
  return clear_data(page, ret_entry, ret_data);
}

/* ---- journal.export ---- */

/* Lines are written until the page is full; `lines` counts them, the one that found no room too. */
struct lines {
  struct page *page;
  size_t lines;
};

static bool take_line(void *arg, struct span line) {
  struct lines *lines = arg;
  lines->lines++;
  if (page_full(lines->page)) {
    return false;
  }
  page_text(lines->page, line);
  return true;
}

/* Exports are for files: pages as large as a frame takes, unless the asker wants fewer rows. */
static void widen(struct page *page) {
  if (page->request->limit == 0) {
    page->limit = DESK_ROWS_MAX;
  }
}

/* Finds the entry of the first line that had no room: the writer tells no numbers, and passes over timers. */
struct seek {
  size_t left;
  uint64_t found;
  enum err err;
};

static bool seek_visit(void *arg, struct span key, struct span value) {
  struct seek *seek = arg;
  struct record_journal entry;
  seek->err = record_journal_read(value, &entry);
  if (seek->err != ERR_OK || (export_takes(&entry) && seek->left-- == 0)) {
    seek->err = seek->err == ERR_OK ? record_number_of_key(key, &seek->found) : seek->err;
    return false;
  }
  return true;
}

static enum err seek_entry(const struct page *page, uint64_t first, size_t lines, uint64_t *ret_number) {
  struct seek seek = {.left = lines};
  struct record_key from = record_number_key(first);
  TRY(store_scan(page->daemon->store, STORE_JOURNAL, span_of(NULL, 0), record_key_span(&from), seek_visit, &seek));
  *ret_number = seek.found;
  return seek.err;
}

static enum err journal_export(struct page *page, struct fault *fault) {
  struct lines lines = {.page = page};
  uint64_t next = 0;
  int64_t last;
  TRY(page_counted(page, fault));
  TRY(page_arg_number(page, "to", INT64_MAX, &last, fault));
  widen(page);
  uint64_t first = page->skip > 0 ? page->skip : 1;
  enum err err = export_write_to(page->daemon->store, first, (uint64_t)last, take_line, &lines);
  if (err == ERR_OK && lines.lines > page->count) {
    err = seek_entry(page, first, page->count, &next);
    page->cursor = arena_printf(page->arena, "%llu", (unsigned long long)next);
  }
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "запись журнала не читается");
}

/* ---- journal.list, case.timeline ---- */

/* The entry that has taken this one back; nil if none has. */
static struct value annulled_by(const struct page *page, uint64_t number) {
  struct record_key key = record_annulled_key(number);
  struct span bytes;
  uint64_t by = 0;
  bool found = store_get(page->daemon->store, STORE_INDEX, record_key_span(&key), &bytes) == ERR_OK &&
               record_generation_read(bytes, &by) == ERR_OK;
  return found ? value_int((int64_t)by) : value_nil();
}

struct filter {
  uint64_t after;
  struct span root; /* empty: all */
};

static enum err list_visit(struct page *page, struct span key, struct span value, void *arg) {
  const struct filter *filter = arg;
  struct record_journal entry;
  struct value data;
  uint64_t number;
  TRY(entry_read(page, key, value, &number, &entry, &data));
  if (number <= filter->after || (filter->root.size > 0 && !span_equal(case_root(entry.case_id), filter->root))) {
    return ERR_OK;
  }
  const struct value_field fields[] = {
      PAGE_FIELD("journal", value_int((int64_t)number)),
      PAGE_FIELD("at", page_moment(page, entry.recorded_at)),
      PAGE_FIELD("occurred_at", page_moment(page, entry.occurred_at)),
      PAGE_FIELD("kind", value_text(span_of_cstr(kind_names[entry.kind]))),
      PAGE_FIELD("case", page_known(entry.case_id)),
      PAGE_FIELD("event", page_known(entry.event)),
      PAGE_FIELD("sender", page_known(entry.sender)),
      PAGE_FIELD("sequence", entry.kind >= RECORD_JOURNAL_TIMER ? value_nil() : value_int((int64_t)entry.sequence)),
      PAGE_FIELD("acting_for", page_known(entry.acting_for)),
      PAGE_FIELD("error", entry.err == ERR_OK ? value_nil() : value_text(span_of_cstr(err_name(entry.err)))),
      PAGE_FIELD("text", page_known(entry.text)),
      PAGE_FIELD("annulled_by", annulled_by(page, number)),
      PAGE_FIELD("data", data),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

/* Where the walk begins when the question has no cursor: after an entry that the asker has. */
static enum err scan_after(struct page *page, struct filter *filter, struct fault *fault) {
  const Kurator__V1__QueryRequest *asked = page->request;
  Kurator__V1__QueryRequest request = *asked;
  struct record_key from = record_number_key(filter->after + 1);
  if (request.cursor.len == 0 && filter->after > 0) {
    request.cursor = (ProtobufCBinaryData){.data = from.bytes, .len = from.size};
  }
  page->request = &request;
  enum err err = page_scan(page, STORE_JOURNAL, span_of(NULL, 0), list_visit, filter, fault);
  page->request = asked;
  return err;
}

static enum err journal_list(struct page *page, struct fault *fault) {
  int64_t after;
  TRY(page_arg_number(page, "after", 0, &after, fault));
  struct filter filter = {.after = (uint64_t)after};
  return scan_after(page, &filter, fault);
}

static enum err case_timeline(struct page *page, struct fault *fault) {
  struct filter filter = {.after = 0};
  struct case_view view;
  bool parked;
  TRY(page_arg_needed(page, "case", &filter.root, fault));
  filter.root = case_root(filter.root);
  TRY(page_case(page, filter.root, &view, &parked, fault));
  return page_scan(page, STORE_JOURNAL, span_of(NULL, 0), list_visit, &filter, fault);
}

const struct desk_verb desk_journal_verbs[] = {
    {"journal.export", false, journal_export},
    {"journal.list", false, journal_list},
    {"case.timeline", false, case_timeline},
    {NULL, false, NULL},
};
