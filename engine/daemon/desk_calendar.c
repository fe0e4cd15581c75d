/*
 * daemon/desk_calendar.c — the production calendar: which years count, and an operator's import.
 *
 *   calendar.show                 one row `type` state, then one `type` year for each year that counts
 *   calendar.preview csv1=… csv2=…  what an import would change: `type` asked first, then `type`
 *                                 change, and behind each page `type` looked; changes nothing
 *   calendar.import csv1=… csv2=…   one row, when the import is durable; the cases are recounted after it
 *
 * A file is sent in pieces, since a word of a question is bounded; they are put together in their order.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/page.h"
#include "daemon/turn.h"

enum {
  PIECES_MAX = 9,
  NAME_BYTES = 16,
  PAGE_BYTES_MOST = 900 << 10,
  FAMILIES_PER_PAGE = 64, /* a page must not keep the participants waiting */
};

/* ---- the file ---- */

static enum err file_of(const struct page *page, struct writer *w, struct fault *fault) {
  for (int i = 1; i <= PIECES_MAX; i++) {
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "csv%d", i);
    writer_raw(w, page_arg(page, name));
  }
  return w->size > 0 ? ERR_OK : fault_set(fault, ERR_INVALID, "в запросе нет файла календаря");
}

/* The line travels in the text: a fault of the query socket has none. */
static enum err with_line(enum err err, const struct fault *found, struct fault *fault) {
  if (found->line > 0) {
    return fault_set(fault, err, "строка %u: %s", found->line, found->text);
  }
  return fault_set(fault, err, "%s", found->text[0] ? found->text : err_text(err));
}

/* ---- show ---- */

static void state_row(struct page *page) {
  const struct runtime_calendar_state state = runtime_calendar_state(page->daemon->runtime);
  const struct calendar *calendar = runtime_calendar(page->daemon->runtime);
  bool any = state.imports > 0;
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("state"))),
      PAGE_FIELD("calendar", value_text(span_of_cstr(calendar_revision(calendar)))),
      PAGE_FIELD("first_year", value_int(calendar_first_year(calendar))),
      PAGE_FIELD("last_year", value_int(calendar_last_year(calendar))),
      PAGE_FIELD("imports", value_int((int64_t)state.imports)),
      PAGE_FIELD("imported", any ? page_moment(page, state.at) : value_nil()),
      PAGE_FIELD("recounting", value_bool(state.recounting || state.waiting)),
      PAGE_FIELD("cases", any ? value_int((int64_t)state.cases) : value_nil()),
      PAGE_FIELD("done", any ? value_int((int64_t)state.done) : value_nil()),
      PAGE_FIELD("changed", any ? value_int((int64_t)state.changed) : value_nil()),
      PAGE_FIELD("deadlines", any ? value_int((int64_t)state.deadlines) : value_nil()),
      PAGE_FIELD("failed", any ? value_int((int64_t)state.failed) : value_nil()),
  };
  (void)page_counted_row(page, fields, PAGE_COUNT(fields));
}

/* The last import that has this year; `journal` 0: none has. */
static enum err source_of(const struct page *page, int year, struct runtime_calendar_entry *ret_entry) {
  *ret_entry = (struct runtime_calendar_entry){.journal = 0};
  for (size_t i = runtime_calendar_state(page->daemon->runtime).imports; i-- > 0;) {
    struct runtime_calendar_entry entry;
    TRY(runtime_calendar_entry(page->daemon->runtime, i, page->arena, &entry));
    if (year >= entry.first_year && year <= entry.last_year) {
      *ret_entry = entry;
      return ERR_OK;
    }
  }
  return ERR_OK;
}

static int working_days_of(const struct calendar *calendar, int year) {
  civil_day first;
  civil_day last;
  if (civil_day_of((struct civil_date){year, 1, 1}, &first) != ERR_OK ||
      civil_day_of((struct civil_date){year, 12, 31}, &last) != ERR_OK) {
    return 0;
  }
  return calendar_working_days_between(calendar, first - 1, last);
}

/* config/calendar has other rows for a year that was imported: an import counts before it. */
static bool is_another_in_config(const struct page *page, int year) {
  struct span ours = calendar_source_year(runtime_calendar(page->daemon->runtime), year);
  struct span config = calendar_source_year(page->daemon->config->calendar, year);
  return config.size > 0 && !span_equal(ours, config);
}

static enum err year_row(struct page *page, int year) {
  struct runtime_calendar_entry entry;
  TRY(source_of(page, year, &entry));
  bool imported = entry.journal > 0;
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("year"))),
      PAGE_FIELD("year", value_int(year)),
      PAGE_FIELD("working_days", value_int(working_days_of(runtime_calendar(page->daemon->runtime), year))),
      PAGE_FIELD("source", value_text(imported ? SPAN_LITERAL("import") : SPAN_LITERAL("config"))),
      PAGE_FIELD("journal", imported ? value_int((int64_t)entry.journal) : value_nil()),
      PAGE_FIELD("at", imported ? page_moment(page, entry.at) : value_nil()),
      PAGE_FIELD("by", imported ? value_text(entry.actor) : value_nil()),
      PAGE_FIELD("another_in_config", imported ? value_bool(is_another_in_config(page, year)) : value_nil()),
  };
  (void)page_counted_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err calendar_show(struct page *page, struct fault *fault) {
  const struct calendar *calendar = runtime_calendar(page->daemon->runtime);
  TRY(page_counted(page, fault));
  state_row(page);
  for (int year = calendar_first_year(calendar); year <= calendar_last_year(calendar); year++) {
    if (year_row(page, year) != ERR_OK) {
      return fault_set(fault, ERR_CORRUPT, "запись журнала о загрузке календаря не читается");
    }
  }
  return ERR_OK;
}

/* ---- preview ---- */

static struct value moment_day(const struct page *page, civil_moment moment) {
  return moment == CIVIL_MOMENT_NONE ? value_nil() : page_day(page, civil_moment_day(moment));
}

static struct value known(const char *text) {
  return text ? value_text(span_of_cstr(text)) : value_nil();
}

/* What does not fit into an answer any more is counted: no case has so many deadlines but a broken one. */
static bool change_row(void *arg, const struct runtime_recount_change *change) {
  struct page *page = arg;
  bool failed = !span_empty(change->failed);
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(failed ? SPAN_LITERAL("failed") : SPAN_LITERAL("change"))),
      PAGE_FIELD("case", value_text(change->case_id)),
      PAGE_FIELD("process", page_known(change->process)),
      PAGE_FIELD("deadline", page_known(change->deadline)),
      PAGE_FIELD("key", page_known(change->key)),
      PAGE_FIELD("title", page_known(change->title)),
      PAGE_FIELD("old", failed ? value_nil() : page_day(page, change->old_due)),
      PAGE_FIELD("new", failed ? value_nil() : page_day(page, change->new_due)),
      PAGE_FIELD("was", known(change->was)),
      PAGE_FIELD("state", known(change->state)),
      PAGE_FIELD("old_reminder", failed ? value_nil() : moment_day(page, change->old_reminder)),
      PAGE_FIELD("new_reminder", failed ? value_nil() : moment_day(page, change->new_reminder)),
      PAGE_FIELD("explanation", page_known(change->explanation)),
      PAGE_FIELD("text", page_known(change->failed)),
  };
  bool fits = page->count < DESK_ROWS_MAX - 1 && page->rows->size < PAGE_BYTES_MOST;
  if (fits) {
    page_row(page, fields, PAGE_COUNT(fields));
  }
  page->scanned += !fits;
  return !page_full(page);
}

static void calendar_row(struct page *page) {
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("asked"))),
      PAGE_FIELD("at", page_moment(page, turn_now(page->daemon->turn))),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static void total_row(struct page *page, const struct runtime_previewed *previewed) {
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("looked"))),
      PAGE_FIELD("same", value_bool(previewed->same)),
      PAGE_FIELD("calendar", value_text(span_of_cstr(previewed->revision))),
      PAGE_FIELD("first_year", value_int(previewed->first_year)),
      PAGE_FIELD("last_year", value_int(previewed->last_year)),
      PAGE_FIELD("families", value_int((int64_t)previewed->families)),
      PAGE_FIELD("cases", value_int((int64_t)previewed->cases)),
      PAGE_FIELD("omitted", page->scanned > 0 ? value_int((int64_t)page->scanned) : value_nil()),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

/* The cursor is the root of the last family that was looked at. */
static enum err preview(struct page *page, struct span rows, struct fault *fault) {
  struct fault found = {.err = ERR_OK};
  struct runtime_previewed previewed;
  const struct runtime_preview question = {
      .rows = rows,
      .after = span_of(page->request->cursor.data, page->request->cursor.len),
      .now = turn_now(page->daemon->turn),
      .families_max = FAMILIES_PER_PAGE,
  };
  if (question.after.size > CASE_ROOT_MAX) {
    return fault_set(fault, ERR_INVALID, "неверная отметка продолжения");
  }
  if (span_empty(question.after)) {
    calendar_row(page);
  }
  enum err err =
      runtime_calendar_preview(page->daemon->runtime, &question, change_row, page, page->arena, &previewed, &found);
  if (err != ERR_OK) {
    return with_line(err, &found, fault);
  }
  total_row(page, &previewed);
  page->cursor = previewed.more ? previewed.last : span_of(NULL, 0);
  return ERR_OK;
}

static enum err calendar_preview(struct page *page, struct fault *fault) {
  DEFER(writer_finish) struct writer file;
  writer_init(&file);
  TRY(file_of(page, &file, fault));
  return preview(page, writer_span(&file), fault);
}

/* ---- import ---- */

static void imported_row(struct page *page, uint64_t journal) {
  const struct calendar *calendar = runtime_calendar(page->daemon->runtime);
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("imported"))),
      PAGE_FIELD("same", value_bool(journal == 0)),
      PAGE_FIELD("journal", journal > 0 ? value_int((int64_t)journal) : value_nil()),
      PAGE_FIELD("calendar", value_text(span_of_cstr(calendar_revision(calendar)))),
      PAGE_FIELD("first_year", value_int(calendar_first_year(calendar))),
      PAGE_FIELD("last_year", value_int(calendar_last_year(calendar))),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static enum err imported(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)fault;
  imported_row(page, acted->journal);
  return ERR_OK;
}

static enum err import(struct page *page, struct span rows, struct fault *fault) {
  struct fault found = {.err = ERR_OK};
  const struct runtime_import question = {.actor = page->asker, .rows = rows};
  enum err err = runtime_calendar_import(page->daemon->runtime, &question, &page->ticket, &found);
  if (err == ERR_EXISTS) {
    imported_row(page, 0);
    return ERR_OK;
  }
  if (err != ERR_OK) {
    return with_line(err, &found, fault);
  }
  page->then = imported;
  return ERR_OK;
}

static enum err calendar_import(struct page *page, struct fault *fault) {
  DEFER(writer_finish) struct writer file;
  writer_init(&file);
  TRY(file_of(page, &file, fault));
  return import(page, writer_span(&file), fault);
}

const struct desk_verb desk_calendar_verbs[] = {
    {"calendar.show", false, calendar_show},
    {"calendar.preview", true, calendar_preview},
    {"calendar.import", true, calendar_import},
    {NULL, false, NULL},
};
