#include "example.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli.h"
#include "delivery.h"
#include "runtime/rehearse.h"

enum { EXAMPLE_BYTES_MAX = 4 << 20, NEAREST_MAX = 6 };

/* ---- reading ---- */

static enum err complain(const char *path, unsigned line, struct fault *fault, const char *why) {
  return fault_set_at(fault, ERR_FORMAT, line, 0, "%s:%u: %s", path, line, why);
}

static enum err read_head(struct example *e, const struct value *head, const char *path, struct fault *fault) {
  const struct value *settings = value_get(head, "settings");
  if (civil_day_parse(value_get_text(head, "until"), &e->until) != ERR_OK) {
    return complain(path, 1, fault, "первая строка называет «until» — день, до которого идут часы");
  }
  e->about = value_get_text(head, "about");
  e->settings = settings ? *settings : value_nil();
  if (e->settings.kind != VALUE_NIL && e->settings.kind != VALUE_MAP) {
    return complain(path, 1, fault, "«settings» — не объект");
  }
  return ERR_OK;
}

struct reading {
  struct example *example;
  const char *path;
  struct writer events;
  unsigned line;
};

static enum err read_line(struct reading *r, struct span text, bool first, struct fault *fault) {
  struct example *e = r->example;
  struct fault unread = {.err = ERR_OK};
  struct value line;
  if (json_read(text, &e->arena, &line, &unread) != ERR_OK || line.kind != VALUE_MAP) {
    return complain(r->path, r->line, fault, unread.err != ERR_OK ? unread.text : "не объект JSON");
  }
  if (first) {
    return read_head(e, &line, r->path, fault);
  }
  if (value_get(&line, "expect")) {
    e->expected[e->expected_count++] = line;
    return ERR_OK;
  }
  if (!value_get(&line, "at")) {
    return complain(r->path, r->line, fault, "строка без «at» и без «expect»");
  }
  writer_raw(&r->events, text);
  writer_u8(&r->events, '\n');
  return ERR_OK;
}

static size_t lines_of(struct span text) {
  size_t count = 1;
  for (size_t i = 0; i < text.size; i++) {
    count += text.data[i] == '\n';
  }
  return count;
}

static enum err read_lines(struct reading *r, struct fault *fault) {
  struct example *e = r->example;
  bool first = true;
  e->expected = ARENA_ARRAY(&e->arena, struct value, lines_of(e->text));
  for (struct span rest = e->text; rest.size > 0;) {
    struct span text = span_trim(span_cut(rest, '\n', &rest));
    r->line++;
    if (!span_empty(text)) {
      TRY(read_line(r, text, first, fault));
      first = false;
    }
  }
  if (e->expected_count == 0) {
    return complain(r->path, r->line, fault, "пример ничего не ожидает");
  }
  return ERR_OK;
}

static void example_free(struct example *e) {
  if (e) {
    arena_finish(&e->arena);
    free(e);
  }
}

static enum err read_example(const char *folder, const char *file, struct example *e, struct fault *fault) {
  DEFER(cli_file_free) struct span text = {0};
  const char *path = arena_cstr(&e->arena, arena_printf(&e->arena, "%s/%s", folder, file));
  struct fault unread = {.err = ERR_OK};
  enum err err = cli_read_file(path, EXAMPLE_BYTES_MAX, &text, &unread);
  if (err != ERR_OK) {
    return fault_set(fault, err, "%s: %s", path, unread.text);
  }
  e->text = arena_copy(&e->arena, text);
  struct reading r = {.example = e, .path = path};
  writer_init(&r.events);
  err = read_lines(&r, fault);
  e->events = arena_copy(&e->arena, writer_span(&r.events));
  writer_finish(&r.events);
  return err;
}

static void list_add(struct example_list *list, struct example *e) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 64;
    struct example **grown = realloc((void *)list->items, list->capacity * sizeof(struct example *));
    ASSERT(grown);
    list->items = grown;
  }
  list->items[list->count++] = e;
}

void example_list_free(struct example_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    example_free(list->items[i]);
  }
  free((void *)list->items);
  *list = (struct example_list){0};
}

static enum err add_example(struct example_list *list, const struct config_process *process, const char *folder,
                            const char *file, struct fault *fault) {
  struct span name = span_of_cstr(file);
  static const char suffix[] = ".jsonl";
  if (name.size < sizeof suffix ||
      !span_is(span_of(name.data + name.size - sizeof suffix + 1, sizeof suffix - 1), suffix)) {
    return ERR_OK;
  }
  struct example *e = calloc(1, sizeof *e);
  ASSERT(e);
  arena_init(&e->arena, 0);
  e->process = arena_copy(&e->arena, process->name);
  e->name = arena_copy(&e->arena, span_of(name.data, name.size - sizeof suffix + 1));
  list_add(list, e);
  return read_example(folder, file, e, fault);
}

enum err example_list_read(struct example_list *list, const struct config_process *process, struct fault *fault) {
  char folder[CONFIG_PATH_MAX];
  const char *slash = strrchr(process->file, '/');
  int length =
      snprintf(folder, sizeof folder, "%.*s/examples", slash ? (int)(slash - process->file) : 0, process->file);
  struct dirent **entries = NULL;
  int count = length > 0 && (size_t)length < sizeof folder ? scandir(folder, &entries, NULL, alphasort) : -1;
  if (count < 0) {
    return fault_set(fault, ERR_NOT_FOUND, "%s: такой папки нет", folder);
  }
  enum err err = ERR_OK;
  for (int i = 0; i < count; i++) {
    err = err == ERR_OK ? add_example(list, process, folder, entries[i]->d_name, fault) : err;
    free(entries[i]);
  }
  free((void *)entries);
  return err;
}

/* ---- what is compiled ---- */

struct bench {
  struct arena arena;
  struct config config; /* a shallow copy, with what was changed */
  struct casework *casework;
  struct runtime *runtime; /* where the casework's load port looks */
};

static struct value merged(struct arena *arena, const struct value *settings, const struct value *changes) {
  struct value all = *settings;
  for (size_t i = 0; changes->kind == VALUE_MAP && i < changes->map.count; i++) {
    all = value_with(arena, &all, changes->map.fields[i].name, changes->map.fields[i].value);
  }
  return all;
}

static void change_sources(struct bench *bench, const struct config *config, const struct example_change *change) {
  struct process_source *sources = ARENA_ARRAY(&bench->arena, struct process_source, config->processes_count);
  for (size_t i = 0; i < config->processes_count; i++) {
    sources[i] = config->sources[i];
    if (change && span_equal(sources[i].name, change->process)) {
      sources[i].chart = span_empty(change->chart) ? sources[i].chart : change->chart;
      sources[i].settings = change->settings.kind == VALUE_MAP ? change->settings : sources[i].settings;
    }
  }
  bench->config.sources = sources;
  if (change && change->catalogue) {
    bench->config.catalogue = *change->catalogue;
  }
}

enum err bench_create(const struct config *config, const struct example_change *change, struct bench **ret_bench,
                      struct fault *fault) {
  struct bench *bench = calloc(1, sizeof *bench);
  ASSERT(bench);
  arena_init(&bench->arena, 0);
  bench->config = *config;
  change_sources(bench, config, change);
  struct casework_ports ports = {.arg = &bench->runtime, .load = runtime_load};
  enum err err = config_casework(&bench->config, &ports, &bench->casework, fault);
  if (err != ERR_OK) {
    bench_destroy(&bench);
    return err;
  }
  *ret_bench = bench;
  return ERR_OK;
}

void bench_destroy(struct bench **bench) {
  if (*bench) {
    casework_destroy(&(*bench)->casework);
    arena_finish(&(*bench)->arena);
    free(*bench);
    *bench = NULL;
  }
}

/* A text is read as settings.yaml reads it: "5wd" in quotes of its own, true, false and whole numbers without. */
static struct value setting_of(const struct value *given) {
  int64_t number;
  if (given->kind != VALUE_TEXT) {
    return *given;
  }
  struct span text = given->text;
  if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"') {
    return value_text(span_of(text.data + 1, text.size - 2));
  }
  if (span_is(text, "true") || span_is(text, "false")) {
    return value_bool(span_is(text, "true"));
  }
  return span_to_int64(text, &number) ? value_int(number) : value_text(text);
}

/* The settings of the example's process, as the bench has them, with the example's own. False: it has no such one. */
static bool own_settings(const struct example *e, const struct bench *bench, struct arena *arena,
                         struct example_change *ret_change, FILE *complaints) {
  struct value changes = value_nil();
  const struct process_source *source = NULL;
  for (size_t i = 0; i < bench->config.processes_count; i++) {
    source = span_equal(bench->config.sources[i].name, e->process) ? &bench->config.sources[i] : source;
  }
  for (size_t i = 0; source && i < e->settings.map.count; i++) {
    const struct value_field *field = &e->settings.map.fields[i];
    if (!value_find(&source->settings, field->name)) {
      if (complaints) {
        (void)fprintf(complaints, "    нет настройки «%.*s»\n", SPAN_ARG(field->name));
      }
      return false;
    }
    changes = value_with(arena, &changes, field->name, setting_of(&field->value));
  }
  if (!source) {
    return false; /* the process itself is gone */
  }
  *ret_change = (struct example_change){.process = e->process, .settings = merged(arena, &source->settings, &changes)};
  return true;
}

/* ---- what came about ---- */

struct found {
  struct arena arena;
  struct value *lines;
  size_t count, capacity;
  size_t incidents;
};

static void found_add(struct found *found, struct value line) {
  if (found->count == found->capacity) {
    found->capacity = found->capacity ? found->capacity * 2 : 64;
    struct value *grown = realloc(found->lines, found->capacity * sizeof *grown);
    ASSERT(grown);
    found->lines = grown;
  }
  found->incidents += span_is(value_get_text(&line, "type"), "incident");
  found->lines[found->count++] = line;
}

static bool take_outcome(void *arg, struct span line) {
  struct found *found = arg;
  struct value value;
  enum err err = json_read(arena_copy(&found->arena, line), &found->arena, &value, NULL);
  ASSERT(err == ERR_OK); /* our own print */
  found_add(found, value);
  return true;
}

static enum err take_delivery(void *arg, const struct runtime_delivery *delivery, struct writer *w) {
  struct found *found = arg;
  return take_outcome(found, delivery_line(delivery, w)) ? ERR_OK : ERR_IO;
}

/* A map has what is wanted of it, field by field; anything else is equal. Goes no deeper than the example's own JSON,
 * which json_read bounds by VALUE_DEPTH_MAX. */
static bool has(const struct value *line, const struct value *wanted) {
  if (line->kind != VALUE_MAP || wanted->kind != VALUE_MAP) {
    return value_equal(line, wanted);
  }
  for (size_t i = 0; i < wanted->map.count; i++) {
    const struct value *field = value_find(line, wanted->map.fields[i].name);
    if (!field || !has(field, &wanted->map.fields[i].value)) {
      return false;
    }
  }
  return true;
}

static size_t times_found(const struct found *found, const struct value *wanted) {
  size_t count = 0;
  for (size_t i = 0; i < found->count; i++) {
    count += has(&found->lines[i], wanted);
  }
  return count;
}

static void print_value(FILE *out, const struct value *value) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  json_write(value, &w);
  (void)fprintf(out, "%.*s", SPAN_ARG(writer_span(&w)));
}

/* The lines that speak of the same thing, for the reader of a complaint. */
static void print_nearest(FILE *out, const struct found *found, const struct value *wanted, struct arena *arena) {
  static const char *const keys[] = {"type", "case", "process", "id", "measure", "kind", "subject"};
  struct value same = value_nil();
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const struct value *field = value_get(wanted, keys[i]);
    same = field ? value_with(arena, &same, span_of_cstr(keys[i]), *field) : same;
  }
  size_t shown = 0;
  for (size_t i = 0; same.kind == VALUE_MAP && i < found->count && shown < NEAREST_MAX; i++) {
    if (has(&found->lines[i], &same)) {
      (void)fputs("      ", out);
      print_value(out, &found->lines[i]);
      (void)fputc('\n', out);
      shown++;
    }
  }
}

static bool judge_line(const struct value *line, struct found *found, FILE *complaints) {
  static const struct value nothing = {.kind = VALUE_MAP};
  const struct value *wanted = value_get(line, "expect");
  const struct value *times = value_get(line, "times");
  wanted = wanted->kind == VALUE_MAP ? wanted : &nothing;
  size_t count = times_found(found, wanted);
  if (times && times->kind == VALUE_INT ? count == (size_t)times->integer : count > 0) {
    return true;
  }
  if (complaints) {
    (void)fputs("    ожидается ", complaints);
    print_value(complaints, line);
    (void)fprintf(complaints, "\n    есть: %zu\n", count);
    print_nearest(complaints, found, wanted, &found->arena);
  }
  return false;
}

static size_t incidents_expected(const struct example *e) {
  size_t count = 0;
  for (size_t i = 0; i < e->expected_count; i++) {
    const struct value *times = value_get(&e->expected[i], "times");
    if (span_is(value_get_text(value_get(&e->expected[i], "expect"), "type"), "incident")) {
      count += times && times->kind == VALUE_INT ? (size_t)times->integer : 1;
    }
  }
  return count;
}

static bool judge_incidents(const struct example *e, const struct found *found, FILE *complaints) {
  size_t expected = incidents_expected(e);
  if (expected == found->incidents) {
    return true;
  }
  if (complaints) {
    (void)fprintf(complaints, "    сбоев ожидается: %zu, есть: %zu\n", expected, found->incidents);
    for (size_t i = 0; i < found->count; i++) {
      if (span_is(value_get_text(&found->lines[i], "type"), "incident")) {
        (void)fputs("      ", complaints);
        print_value(complaints, &found->lines[i]);
        (void)fputc('\n', complaints);
      }
    }
  }
  return false;
}

static bool judge(const struct example *e, struct found *found, FILE *complaints) {
  bool fine = true;
  for (size_t i = 0; i < e->expected_count && (fine || complaints); i++) {
    fine = judge_line(&e->expected[i], found, complaints) && fine;
  }
  return judge_incidents(e, found, complaints) && fine;
}

/* ---- playing ---- */

static void tell_bad_line(void *arg, uint32_t line, const struct fault *fault) {
  (void)line; /* the text names it */
  if (arg) {
    (void)fprintf(arg, "    %s\n", fault->text);
  }
}

static enum err play(const struct example *e, struct bench *bench, struct found *found, FILE *complaints) {
  struct fault fault = {.err = ERR_OK};
  struct rehearse_counts counts = {0};
  const struct rehearse_options options = {
      .casework = bench->casework,
      .runtime = &bench->runtime,
      .events = e->events,
      .until = e->until,
      .outcome = take_outcome,
      .sink_arg = found,
      .delivery = take_delivery,
      .delivery_arg = found,
      .bad_line = tell_bad_line,
      .bad_line_arg = complaints,
  };
  enum err err = rehearse_run(&options, &counts, &fault);
  if (err != ERR_OK && complaints) {
    (void)fprintf(complaints, "    %s\n", fault.text);
  }
  if (err == ERR_OK && counts.bad > 0) {
    return ERR_FORMAT;
  }
  return err;
}

static void print_lines(FILE *out, const struct found *found) {
  for (size_t i = 0; out && i < found->count; i++) {
    print_value(out, &found->lines[i]);
    (void)fputc('\n', out);
  }
}

static bool run_on(const struct example *e, struct bench *bench, const struct example_report *report) {
  struct found found = {0};
  arena_init(&found.arena, 0);
  bool fine = play(e, bench, &found, report->complaints) == ERR_OK && judge(e, &found, report->complaints);
  print_lines(report->lines, &found);
  free(found.lines);
  arena_finish(&found.arena);
  return fine;
}

static bool run_with_settings(const struct example *e, struct bench *bench, const struct example_report *report) {
  DEFER(arena_finish) struct arena arena;
  DEFER(bench_destroy) struct bench *own = NULL;
  struct example_change change;
  struct fault fault = {.err = ERR_OK};
  arena_init(&arena, 0);
  if (!own_settings(e, bench, &arena, &change, report->complaints)) {
    return false;
  }
  if (bench_create(&bench->config, &change, &own, &fault) != ERR_OK) {
    if (report->complaints) {
      (void)fprintf(report->complaints, "    %s\n", fault.text);
    }
    return false;
  }
  return run_on(e, own, report);
}

bool example_run(const struct example *e, struct bench *bench, const struct example_report *report) {
  return e->settings.kind == VALUE_NIL ? run_on(e, bench, report) : run_with_settings(e, bench, report);
}
