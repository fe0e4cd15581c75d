#include "runtime/rehearse.h"

#include <string.h>

#include "base/json.h"
#include "base/words.h"
#include "runtime/export.h"
#include "runtime/seal.h"
#include "store/store.h"

enum { PROGRESS_LINES = 256 };
#define LINES_FROM (UINT64_C(1) << 63) /* numbers of lines that have none of their own: no sender counts so far */

struct rehearsal {
  const struct rehearse_options *options;
  struct store *store;
  struct runtime *runtime;
  struct arena arena; /* of one line */
  civil_moment now;   /* `at` of the last line */
  uint32_t line;      /* 1-based */
  struct rehearse_counts counts;
  bool bad; /* the line, not the engine, is what went wrong */
  struct fault *fault;
};

civil_moment rehearse_end_of(civil_day day) {
  return civil_day_start(day + 1) - 1;
}

static civil_moment end_of(const struct rehearse_options *options) {
  return options->until_moment ? options->moment : rehearse_end_of(options->until);
}

static enum err complain(struct rehearsal *r, enum err err, const char *text) {
  r->bad = true;
  return fault_set_at(r->fault, err, r->line, 0, "строка %u: %s", r->line, text);
}

/* ---- reading a line ---- */

struct line {
  civil_moment at;
  bool behind; /* it says how many `timers` were taken before it */
  uint64_t timers;
  struct runtime_message message; /* without a sender: none */
  struct span rows;               /* not empty: no message, but a calendar that `message.sender` imports */
  bool told;                      /* lines say when families are recounted */
  struct fault refusal;           /* what it points to */
};

static enum err read_moment(struct rehearsal *r, const struct value *map, const char *name, civil_moment *ret_moment) {
  const struct value *field = value_get(map, name);
  if (!field) {
    return ERR_NOT_FOUND;
  }
  if (field->kind != VALUE_TEXT || civil_moment_parse(field->text, ret_moment) != ERR_OK) {
    r->bad = true;
    return fault_set_at(r->fault, ERR_INVALID, r->line, 0, "строка %u: «%s» — не момент времени (RFC 3339)", r->line,
                        name);
  }
  return ERR_OK;
}

static enum err read_text(struct rehearsal *r, const struct value *map, const char *name, struct span *ret_text) {
  const struct value *field = value_get(map, name);
  if (!field || field->kind != VALUE_TEXT) {
    r->bad = true;
    return fault_set_at(r->fault, ERR_INVALID, r->line, 0, "строка %u: нет текста «%s»", r->line, name);
  }
  *ret_text = field->text;
  return ERR_OK;
}

static enum err err_of_name(struct span name) {
#define X(code, class, text)                                                                                           \
  if (span_is(name, #code)) {                                                                                          \
    return ERR_##code;                                                                                                 \
  }
  ERR_MAP(X)
#undef X
  return ERR_INVALID;
}

static enum err read_refusal(struct rehearsal *r, const struct value *map, struct fault *storage,
                             struct runtime_message *message) {
  const struct value *refused = value_get(map, "refused");
  if (!refused) {
    return ERR_OK;
  }
  struct span code = {NULL, 0};
  struct span text = {NULL, 0};
  TRY(read_text(r, refused, "code", &code));
  TRY(read_text(r, refused, "text", &text));
  enum err err = err_of_name(code);
  *storage = (struct fault){.err = ERR_OK};
  fault_set(storage, err == ERR_OK ? ERR_INVALID : err, "%.*s", SPAN_ARG(text));
  message->refusal = storage;
  return ERR_OK;
}

/* `ret_count` stays when there is no such field. */
static enum err read_count(struct rehearsal *r, const struct value *map, const char *name, int64_t least,
                           uint64_t *ret_count) {
  const struct value *count = value_get(map, name);
  if (!count) {
    return ERR_OK;
  }
  if (count->kind != VALUE_INT || count->integer < least) {
    r->bad = true;
    return fault_set_at(r->fault, ERR_INVALID, r->line, 0, "строка %u: «%s» — не число", r->line, name);
  }
  *ret_count = (uint64_t)count->integer;
  return ERR_OK;
}

static enum err check_names(struct rehearsal *r, const struct value *map) {
  static const char *const known[] = {"at",    "as",     "event",    "case",     "data",    "occurred_at", "refused",
                                      "times", "timers", "sequence", "calendar", "recount", "recounted"};
  for (size_t i = 0; i < map->map.count; i++) {
    bool found = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
      found = found || span_is(map->map.fields[i].name, known[k]);
    }
    if (!found) {
      return complain(r, ERR_INVALID, "лишнее поле: такого у события нет");
    }
  }
  return ERR_OK;
}

static enum err read_at(struct rehearsal *r, const struct value *map, civil_moment *ret_at) {
  enum err err = read_moment(r, map, "at", ret_at);
  if (err == ERR_NOT_FOUND) {
    return complain(r, ERR_INVALID, "нет поля «at»");
  }
  TRY(err);
  return *ret_at < r->now ? complain(r, ERR_INVALID, "«at» раньше, чем в предыдущей строке") : ERR_OK;
}

static enum err read_message(struct rehearsal *r, const struct value *map, struct line *line) {
  struct runtime_message *message = &line->message;
  TRY(read_text(r, map, "as", &message->sender));
  TRY(read_text(r, map, "event", &message->event));
  enum err err = read_moment(r, map, "occurred_at", &message->occurred_at);
  if (err != ERR_NOT_FOUND) {
    TRY(err);
  }
  const struct value *data = value_get(map, "data");
  if (data && data->kind != VALUE_MAP) {
    return complain(r, ERR_INVALID, "«data» — не объект");
  }
  message->data = data ? *data : value_nil();
  message->times = 1;
  TRY(read_refusal(r, map, &line->refusal, message));
  TRY(read_count(r, map, "sequence", 1, &message->sequence));
  return read_count(r, map, "times", 1, &message->times);
}

/* One text, as the journal's export has it, or a list of lines, which people read better. */
static enum err read_rows(struct rehearsal *r, const struct value *calendar, struct span *ret_rows) {
  const struct value *rows = value_get(calendar, "rows");
  if (!rows || rows->kind != VALUE_LIST) {
    return read_text(r, calendar, "rows", ret_rows);
  }
  size_t size = 0;
  for (size_t i = 0; i < rows->list.count; i++) {
    const struct value *row = &rows->list.items[i];
    if (row->kind != VALUE_TEXT) {
      return complain(r, ERR_INVALID, "«rows» — не список строк календаря");
    }
    size += row->text.size + 1;
  }
  uint8_t *text = arena_alloc(&r->arena, size);
  *ret_rows = span_of(text, size);
  for (size_t i = 0; i < rows->list.count; i++) {
    const struct value *row = &rows->list.items[i];
    memcpy(text, row->text.data, row->text.size);
    text += row->text.size;
    *text++ = '\n';
  }
  return ERR_OK;
}

static enum err read_import(struct rehearsal *r, const struct value *map, struct line *line) {
  const struct value *calendar = value_get(map, "calendar");
  const struct value *told = value_get(calendar, "told");
  line->told = told && told->kind == VALUE_BOOL && told->truth;
  TRY(read_rows(r, calendar, &line->rows));
  return read_text(r, map, "as", &line->message.sender);
}

/* Of a family when it has a case, of all that are left when not. What has changed is found again. */
static enum err read_recount(struct rehearsal *r, const struct value *map, struct line *line) {
  line->message.data = value_text(SPAN_LITERAL("recount"));
  return value_get(map, "recount") ? read_text(r, map, "case", &line->message.case_id) : ERR_OK;
}

/* Three fields, or a message. */
static enum err read_fields(struct rehearsal *r, const struct value *map, struct line *line) {
  line->message = (struct runtime_message){.sequence = LINES_FROM + r->line, .occurred_at = CIVIL_MOMENT_NONE};
  line->behind = value_get(map, "timers") != NULL;
  TRY(read_at(r, map, &line->at));
  TRY(read_count(r, map, "timers", 0, &line->timers));
  if (value_get(map, "calendar")) {
    return read_import(r, map, line);
  }
  if (value_get(map, "recount") || value_get(map, "recounted")) {
    return read_recount(r, map, line);
  }
  if (!line->behind || map->map.count > 3) {
    TRY(read_message(r, map, line));
  }
  return read_text(r, map, "case", &line->message.case_id);
}

/* ---- feeding ---- */

static enum err turn(struct rehearsal *r, civil_moment now) {
  enum err err = runtime_tick(r->runtime, now);
  if (err != ERR_OK) {
    return fault_set(r->fault, err, "проигрывание остановилось: %s", words_of_err(err));
  }
  while (store_poll(r->store)) {
  }
  return ERR_OK;
}

/* Until nothing is left to do up to `now`. */
static enum err drain(struct rehearsal *r, civil_moment now) {
  for (;;) {
    TRY(turn(r, now));
    civil_moment due = runtime_next_due(r->runtime);
    if (runtime_idle(r->runtime) && (due == CIVIL_MOMENT_NONE || due > now)) {
      return ERR_OK;
    }
  }
}

/* Until the import is taken and, unless lines say when, all families are recounted. */
static enum err settle_calendar(struct rehearsal *r) {
  while (runtime_calendar_state(r->runtime).waiting || runtime_recounting(r->runtime)) {
    TRY(turn(r, r->now));
  }
  return ERR_OK;
}

/* One that changes nothing has no entry, and is no mistake. */
static enum err import(struct rehearsal *r, const struct line *line) {
  const struct runtime_import import = {.actor = line->message.sender, .rows = line->rows};
  struct fault fault = {.err = ERR_OK};
  uint64_t ticket;
  runtime_calendar_told(r->runtime, false); /* what the one before has left */
  TRY(settle_calendar(r));
  enum err err = runtime_calendar_import(r->runtime, &import, &ticket, &fault);
  if (err != ERR_OK) {
    return err == ERR_EXISTS ? ERR_OK : complain(r, err, fault.text);
  }
  runtime_calendar_told(r->runtime, line->told);
  return settle_calendar(r);
}

/* Line by line: what follows from one, and is due by then, waits for what the next one says of timers. */
static enum err submit(struct rehearsal *r, const struct line *line) {
  if (line->rows.data) {
    return import(r, line);
  }
  enum err err = runtime_submit(r->runtime, &line->message);
  if (err != ERR_OK) {
    return complain(r, err, "сообщение слишком длинное или слишком вложенное");
  }
  if (line->behind) {
    runtime_hold_timers(r->runtime, line->timers);
  }
  while (runtime_inbox_waiting(r->runtime) > 0) {
    TRY(turn(r, r->now));
  }
  return settle_calendar(r);
}

/* The message of a line, whole, before anything of it counts. */
static enum err read_line(struct rehearsal *r, struct span text, struct line *ret_line) {
  struct value map;
  struct fault unread = {0};
  if (text.size > REHEARSE_LINE_MAX) {
    return complain(r, ERR_LIMIT, "строка слишком длинная");
  }
  enum err err = json_read(text, &r->arena, &map, &unread);
  if (err != ERR_OK || map.kind != VALUE_MAP) {
    return complain(r, ERR_FORMAT, err != ERR_OK ? unread.text : "не объект JSON");
  }
  TRY(check_names(r, &map));
  TRY(read_fields(r, &map, ret_line));
  seal_hash(text, ret_line->message.digest);
  return ERR_OK;
}

static enum err feed_line(struct rehearsal *r, struct span text) {
  struct line line = {.at = 0};
  arena_reset(&r->arena);
  TRY(read_line(r, text, &line));
  if (line.at > end_of(r->options)) {
    r->counts.left_out++;
    return ERR_OK;
  }
  r->now = line.at;
  r->counts.lines++;
  return submit(r, &line);
}

/* The rest goes on behind a bad line; what the engine says is the end. */
static enum err take_line(struct rehearsal *r, struct span text) {
  struct fault fault = {.err = ERR_OK};
  struct fault *outer = r->fault;
  r->bad = false;
  r->fault = &fault;
  enum err err = feed_line(r, text);
  r->fault = outer;
  if (err == ERR_OK || !r->bad) {
    return err == ERR_OK ? ERR_OK : fault_set(outer, err, "%s", fault.text);
  }
  r->counts.bad++;
  if (r->options->bad_line && r->counts.bad <= REHEARSE_BAD_TOLD) {
    r->options->bad_line(r->options->bad_line_arg, r->line, &fault);
  }
  return ERR_OK;
}

static struct span without_mark(struct span text) {
  static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
  bool marked = span_starts_with(text, span_of(mark, sizeof mark));
  return marked ? span_of(text.data + sizeof mark, text.size - sizeof mark) : text;
}

static enum err feed(struct rehearsal *r) {
  struct span events = r->options->events;
  for (struct span rest = without_mark(events); rest.size > 0;) {
    struct span text = span_trim(span_cut(rest, '\n', &rest));
    r->line++;
    if (!span_empty(text)) {
      TRY(take_line(r, text));
    }
    if (r->options->progress && r->line % PROGRESS_LINES == 0) {
      r->options->progress(r->options->progress_arg, events.size - rest.size, events.size);
    }
  }
  if (r->now != CIVIL_MOMENT_NONE) {
    TRY(drain(r, r->now)); /* the last lines are recorded when they say */
  }
  return drain(r, end_of(r->options));
}

static enum err run(struct rehearsal *r) {
  const struct rehearse_options *options = r->options;
  struct runtime_options runtime = {
      .casework = options->casework,
      .store = r->store,
      .ports = {.arg = options->delivery_arg, .delivery_encode = options->delivery},
      .limits = runtime_limits_default(),
      .timers_first = true,
  };
  TRY(runtime_create(&runtime, &r->runtime, r->fault));
  *options->runtime = r->runtime;
  TRY(feed(r));
  if (options->journal) {
    TRY(export_write(r->store, 1, options->journal, options->sink_arg));
  }
  if (options->look) {
    TRY(options->look(options->look_arg, r->store));
  }
  return options->outcome ? outcome_write(r->store, options->outcome, options->sink_arg) : ERR_OK;
}

enum err rehearse_run(const struct rehearse_options *options, struct rehearse_counts *ret_counts, struct fault *fault) {
  struct rehearsal r = {.options = options, .now = CIVIL_MOMENT_NONE, .fault = fault};
  TRY(store_open_memory(&r.store));
  arena_init(&r.arena, 0);
  enum err err = run(&r);
  if (err == ERR_OK && ret_counts) {
    *ret_counts = r.counts;
  }
  *options->runtime = NULL;
  runtime_destroy(&r.runtime);
  store_close(&r.store);
  arena_finish(&r.arena);
  return err;
}
