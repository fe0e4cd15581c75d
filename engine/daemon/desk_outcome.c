/*
 * daemon/desk_outcome.c — outcome.export, page by page.
 *
 * The cursor is "N ROOT": the page begins with this root's family, without its first N lines. A page ends between two
 * families, so that each of them is shown as it was at the journal position of its page; only a family that is larger
 * than a page is divided, and then N is not 0. No page costs more than what it shows.
 */
#include "daemon/page.h"
#include "runtime/outcome.h"

struct export {
  struct page *page;
  struct span from; /* the cursor */
  uint64_t skip;
  struct span root;   /* of the family that is being written, borrowed */
  uint64_t lines;     /* that it has had so far */
  size_t count, size; /* of the page when it began */
};

static void go_on(struct export *export, uint64_t lines, struct span root) {
  export->page->cursor = arena_printf(export->page->arena, "%llu %.*s", (unsigned long long)lines, SPAN_ARG(root));
}

static bool family_begins(void *arg, struct span root) {
  struct export *export = arg;
  if (page_full(export->page)) {
    go_on(export, 0, root);
    return false;
  }
  export->root = root;
  export->lines = 0;
  export->count = export->page->count;
  export->size = export->page->rows->size;
  return true;
}

/* The family has no room: it moves to the next page, or the rest of it does if it has this page to itself. */
static void family_breaks(struct export *export) {
  struct page *page = export->page;
  if (export->count == 0) {
    go_on(export, export->lines, export->root);
    return;
  }
  page->count = export->count;
  page->rows->size = export->size;
  go_on(export, 0, export->root);
}

static bool take_line(void *arg, struct span line) {
  struct export *export = arg;
  if (export->lines < export->skip && span_equal(export->root, export->from)) {
    export->lines++;
    return true;
  }
  if (page_full(export->page)) {
    family_breaks(export);
    return false;
  }
  page_text(export->page, line);
  export->lines++;
  return true;
}

static enum err cursor_read(struct export *export, struct fault *fault) {
  const ProtobufCBinaryData *cursor = &export->page->request->cursor;
  int64_t skip = 0;
  if (cursor->len == 0) {
    return ERR_OK;
  }
  struct span number = span_cut(span_of(cursor->data, cursor->len), ' ', &export->from);
  if (!span_to_int64(number, &skip) || skip < 0 || span_empty(export->from) || export->from.size > CASE_ID_MAX) {
    return fault_set(fault, ERR_INVALID, "неверная отметка продолжения");
  }
  export->skip = (uint64_t)skip;
  return ERR_OK;
}

static enum err outcome_export(struct page *page, struct fault *fault) {
  struct export export = {.page = page};
  TRY(cursor_read(&export, fault));
  if (page->request->limit == 0) {
    page->limit = DESK_ROWS_MAX; /* for a file: pages as large as a frame takes */
  }
  const struct outcome_pages pages = {.from = export.from, .family = family_begins, .sink = take_line, .arg = &export};
  enum err err = outcome_write_from(page->daemon->store, &pages);
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "запись в хранилище не читается");
}

const struct desk_verb desk_outcome_verbs[] = {
    {"outcome.export", false, outcome_export},
    {NULL, false, NULL},
};
