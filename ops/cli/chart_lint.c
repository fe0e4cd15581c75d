/*
 * kurator chart lint: everything that is wrong with a chart, told by line, with what to do.
 *
 * A file goes through the schema, the reader, the compiler, the rules of charts and, if it speaks of cases, the rules
 * of processes; what compiles and has no error is at last defined as the daemon would define it. Later steps do not
 * repeat a line of which an earlier one has spoken.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "casework/functions.h"
#include "casework/lint.h"
#include "chart.h"
#include "cli.h"

enum { FILES_MAX = 256 };

struct linting {
  enum lint_language language;
  bool json;
  const char *config_given;
  const char *config_dir;      /* of the files that are being looked at; NULL: none yet */
  struct chart_schema *schema; /* of that folder, if it has one */
  struct config *config;       /* of that folder; NULL until a chart needs it */
  bool without_schema;         /* some chart had to do without */
  size_t errors, warnings;
  size_t unread;      /* files that could not be looked at */
  int broken;         /* the exit code for them */
  struct arena arena; /* paths */
};

static const struct lint_rule does_not_load = {
    "does-not-load",
    LINT_ERROR,
    {"the process cannot be loaded: %1", "процесс не загружается: %1"},
    {"correct it: the daemon would refuse to start with it", "исправьте: с ним сервер не запустится"},
};

/* ---- what a chart belongs to ---- */

static void forget_config(struct linting *l) {
  chart_schema_destroy(&l->schema);
  config_destroy(&l->config);
  l->config_dir = NULL;
}

/* Only what speaks of cases is asked about the catalogue. */
static bool speaks_of_cases(struct linting *l, const struct chart_file *file) {
  const char *prefix = casework_vocabulary()->type_prefix;
  return l->config_given || memmem(file->source.data, file->source.size, prefix, strlen(prefix)) != NULL;
}

static enum err load_schema(struct linting *l, struct fault *fault) {
  struct span catalog = arena_printf(&l->arena, "%s/schema/catalog.xml", l->config_dir);
  if (!l->config_given && !chart_path_exists(arena_cstr(&l->arena, catalog))) {
    l->without_schema = true;
    return ERR_OK;
  }
  return chart_schema_load(l->config_dir, &l->schema, fault);
}

/* Files of one configuration follow one another: it is read once. A chart that is no process needs none, and is
 * looked at without the schema where there is none. */
static enum err load_config(struct linting *l, struct chart_file *file, struct fault *fault) {
  const char *dir = chart_config_dir(file, l->config_given);
  char *real = realpath(dir, NULL);
  dir = arena_cstr(&l->arena, span_of_cstr(real ? real : dir));
  free(real);
  if (!l->config_dir || strcmp(l->config_dir, dir) != 0) {
    forget_config(l);
    l->config_dir = dir;
  }
  if (!l->config && speaks_of_cases(l, file)) {
    const struct config_options options = {.config_dir = dir, .without_processes = true};
    TRY(config_load(&options, &l->config, fault));
  }
  return l->schema ? ERR_OK : load_schema(l, fault);
}

static bool has_form(void *arg, struct span name) {
  struct chart_file *file = arg;
  struct span path = arena_printf(&file->arena, "forms/%.*s.json", SPAN_ARG(name));
  return !memchr(name.data, '/', name.size) &&
         chart_path_exists(chart_file_beside(file, arena_cstr(&file->arena, path)));
}

struct around {
  struct chart_file *file;
  const char *config_dir;
};

/* Beside the process' own folder, or among those of the configuration. */
static bool has_process(void *arg, struct span name) {
  const struct around *around = arg;
  struct arena *arena = &around->file->arena;
  if (memchr(name.data, '/', name.size)) {
    return false;
  }
  struct span beside = arena_printf(arena, "../%.*s/chart.scxml", SPAN_ARG(name));
  struct span configured = arena_printf(arena, "%s/processes/%.*s/chart.scxml", around->config_dir, SPAN_ARG(name));
  return chart_path_exists(chart_file_beside(around->file, arena_cstr(arena, beside))) ||
         chart_path_exists(arena_cstr(arena, configured));
}

static bool around_has_form(void *arg, struct span name) {
  const struct around *around = arg;
  return has_form(around->file, name);
}

/* ---- the rules, one after another ---- */

static int64_t no_load(void *arg, struct span participant) {
  (void)arg;
  (void)participant;
  return 0;
}

/* Without "FILE:LINE: ", which the finding has already. */
static struct span bare_text(const struct fault *fault, const char *path) {
  struct span text = span_of_cstr(fault->text);
  if (!span_starts_with(text, span_of_cstr(path))) {
    return text;
  }
  const char *colon = strstr(fault->text + strlen(path), ": ");
  return colon ? span_of_cstr(colon + 2) : text;
}

static void lint_definition(struct linting *l, struct chart_file *file, const struct config_process *process,
                            struct lint *lint) {
  DEFER(casework_destroy) struct casework *casework = NULL;
  const struct casework_options options = {.catalogue = &l->config->catalogue,
                                           .calendar = l->config->calendar,
                                           .limits = chart_limits_default(),
                                           .ports = {.load = no_load}};
  const struct process_source source = {
      .name = SPAN_LITERAL("lint"), .chart = file->source, .file = file->path, .settings = process->settings};
  struct fault fault = {.err = ERR_OK};
  if (casework_create(&options, &casework) == ERR_OK && casework_define(casework, &source, &fault) != ERR_OK) {
    struct span none = {NULL, 0};
    lint_add(lint, &does_not_load, fault.line, bare_text(&fault, file->path), none, none);
  }
}

static void lint_case(struct linting *l, struct chart_file *file, const struct node *root, bool compiled,
                      struct lint *lint) {
  struct config_process process = {.settings = value_nil()};
  struct fault fault = {.err = ERR_OK};
  if (config_read_settings(l->config, &process, file->folder, &fault) != ERR_OK) {
    lint_fault(lint, &fault);
    return;
  }
  struct around arg = {file, l->config_dir};
  const struct lint_around around = {
      .catalogue = &l->config->catalogue,
      .settings = process.settings,
      .has_process = has_process,
      .has_form = around_has_form,
      .arg = &arg,
  };
  lint_process(root, &around, lint);
  if (compiled && lint_errors(lint) == 0) {
    lint_definition(l, file, &process, lint);
  }
}

static void lint_fault_once(struct lint *lint, const struct fault *fault) {
  if (!lint_has_line(lint, fault->line)) {
    lint_fault(lint, fault);
  }
}

/* False when the chart does not compile. The charts of processes name no files: the daemon would read none. */
static bool lint_compiled(struct chart_file *file, const struct node *root, bool process, struct lint *lint) {
  const struct chart_worker_options options = {.limits = chart_limits_default()};
  const struct chart_source source = {.document = file->source,
                                      .name = file->path,
                                      .vocabulary = casework_vocabulary(),
                                      .loader = process ? NULL : chart_source_load,
                                      .loader_arg = (void *)file->folder};
  DEFER(chart_worker_destroy) struct chart_worker *worker = NULL;
  DEFER(chart_destroy) struct chart *chart = NULL;
  struct fault fault = {.err = ERR_OK};
  enum err err = chart_worker_create(&options, &worker);
  if (err == ERR_OK) {
    err = chart_compile(worker, &source, &chart, &fault);
  }
  if (err != ERR_OK) {
    fault.err = err;
    lint_fault_once(lint, &fault);
    return false;
  }
  lint_chart(chart, lint);
  lint_document(chart, root, lint);
  lint_names(chart, root, casework_vocabulary(), functions_table(), lint);
  return true;
}

static void lint_source(struct linting *l, struct chart_file *file, struct lint *lint) {
  const struct document_options options = {casework_vocabulary(), CHART_SOURCE_MAX};
  struct node *root = NULL;
  struct fault fault = {.err = ERR_OK};
  enum err err = document_read(&options, file->source, &file->arena, &root, &fault);
  if (err == ERR_FORMAT || err == ERR_LIMIT) {
    lint_fault(lint, &fault);
    return;
  }
  if (l->schema) {
    chart_schema_check(l->schema, file->source, speaks_of_cases(l, file), lint);
  }
  if (err != ERR_OK) {
    lint_fault_once(lint, &fault);
    return;
  }
  bool process = speaks_of_cases(l, file);
  bool compiled = lint_compiled(file, root, process, lint);
  if (process) {
    lint_case(l, file, root, compiled, lint);
  }
}

/* ---- lines ---- */

static struct span line_at(struct span source, uint32_t line) {
  struct span rest = source;
  struct span found = span_cut(rest, '\n', &rest);
  while (line-- > 1) {
    found = span_cut(rest, '\n', &rest);
  }
  return found;
}

/* libxml2 names the line on which a start tag ends; people look for the one on which it begins. */
static uint32_t first_line(struct span source, uint32_t line) {
  struct span text = line_at(source, line);
  const uint8_t *close = text.size > 0 ? memchr(text.data, '>', text.size) : NULL;
  if (!close || memchr(text.data, '<', (size_t)(close - text.data))) {
    return line;
  }
  uint32_t at = line;
  while (at > 1) {
    text = line_at(source, --at);
    if (text.size > 0 && memchr(text.data, '<', text.size)) {
      return at;
    }
  }
  return line;
}

/* ---- telling ---- */

static void print_text(const struct linting *l, const char *path, const struct lint_finding *f, struct arena *arena) {
  static const char *const words[LINT_LANGUAGES][2] = {{"warning", "error"}, {"предупреждение", "ошибка"}};
  static const char *const todo[LINT_LANGUAGES] = {"to do", "что сделать"};
  struct span message = lint_message(f, l->language, arena);
  struct span advice = lint_advice(f, l->language, arena);
  (void)printf("%s:%u: %s: %.*s [%s]\n    %s: %.*s\n", path, f->line,
               words[l->language][f->rule->severity == LINT_ERROR], SPAN_ARG(message), f->rule->name, todo[l->language],
               SPAN_ARG(advice));
}

static void print_json(const struct linting *l, const char *path, const struct lint_finding *f, struct arena *arena) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  const struct value_field fields[] = {
      {SPAN_LITERAL("file"), value_text(span_of_cstr(path))},
      {SPAN_LITERAL("line"), value_int(f->line)},
      {SPAN_LITERAL("severity"), value_text(span_of_cstr(f->rule->severity == LINT_ERROR ? "error" : "warning"))},
      {SPAN_LITERAL("rule"), value_text(span_of_cstr(f->rule->name))},
      {SPAN_LITERAL("message"), value_text(lint_message(f, l->language, arena))},
      {SPAN_LITERAL("advice"), value_text(lint_advice(f, l->language, arena))},
  };
  json_write_fields(fields, sizeof fields / sizeof *fields, &w);
  (void)printf("%s\n%.*s", l->errors + l->warnings > 0 ? "," : "", SPAN_ARG(writer_span(&w)));
}

static void print_findings(struct linting *l, const char *path, const struct lint *lint) {
  for (size_t i = 0; i < lint->count; i++) {
    (l->json ? print_json : print_text)(l, path, &lint->items[i], lint->arena);
    bool error = lint->items[i].rule->severity == LINT_ERROR;
    l->errors += error;
    l->warnings += !error;
  }
}

static void lint_path(struct linting *l, const char *path) {
  DEFER(chart_file_close) struct chart_file file;
  struct fault fault = {.err = ERR_OK};
  enum err err = chart_file_open(&file, path, &fault);
  if (err == ERR_OK) {
    err = load_config(l, &file, &fault);
  }
  if (err != ERR_OK) {
    (void)cli_fail_fault(err == ERR_CONFIG ? NULL : path, &fault);
    l->broken = cli_exit_of(err);
    l->unread++;
    return;
  }
  struct lint lint;
  lint_init(&lint, &file.arena);
  lint_source(l, &file, &lint);
  for (size_t i = 0; i < lint.count; i++) {
    lint.items[i].line = first_line(file.source, lint.items[i].line);
  }
  lint_sort(&lint);
  print_findings(l, path, &lint);
}

/* ---- which files ---- */

struct files {
  const char *items[FILES_MAX];
  size_t count;
  bool too_many;
};

static void add_file(struct files *files, const char *path) {
  if (files->count == FILES_MAX) {
    files->too_many = true;
    return;
  }
  files->items[files->count++] = path;
}

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_chart_name(struct span name) {
  struct span suffix = SPAN_LITERAL(".scxml");
  return name.size > suffix.size && span_equal(span_of(name.data + name.size - suffix.size, suffix.size), suffix);
}

static const char *joined(struct linting *l, const char *folder, const char *name) {
  struct span path = arena_printf(&l->arena, "%s/%s", folder, name);
  return arena_cstr(&l->arena, path);
}

/* A process' folder has one chart; a folder of processes has theirs; another one the charts that lie in it. */
static void add_folder(struct linting *l, struct files *files, const char *folder) {
  const char *own = joined(l, folder, "chart.scxml");
  if (chart_path_exists(own)) {
    add_file(files, own);
    return;
  }
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    const char *path = joined(l, folder, entries[i]->d_name);
    const char *chart = joined(l, path, "chart.scxml");
    if (entries[i]->d_name[0] != '.' && chart_path_exists(chart)) {
      add_file(files, chart);
    } else if (is_chart_name(span_of_cstr(entries[i]->d_name)) && !is_folder(path)) {
      add_file(files, path);
    }
    free(entries[i]);
  }
  free((void *)entries);
}

static void add_word(struct linting *l, struct files *files, const char *word) {
  if (is_folder(word)) {
    add_folder(l, files, word);
  } else {
    add_file(files, word);
  }
}

/* ---- the verb ---- */

static int conclude(const struct linting *l, size_t files) {
  if (l->without_schema) {
    (void)fputs(
        l->language == LINT_RUSSIAN
            ? "схемы W3C здесь нет (папка настроек не найдена, её называет --config): проверено без неё\n"
            : "the schema of the W3C is not here (no configuration, which --config names): looked at without it\n",
        stderr);
  }
  if (l->json) {
    (void)fputs(l->errors + l->warnings > 0 ? "\n]\n" : "]\n", stdout);
  } else if (l->language == LINT_RUSSIAN) {
    (void)printf("схем: %zu, ошибок: %zu, предупреждений: %zu", files, l->errors, l->warnings);
    (void)printf(l->unread > 0 ? ", не прочитано: %zu\n" : "\n", l->unread);
  } else {
    (void)printf("charts: %zu, errors: %zu, warnings: %zu", files, l->errors, l->warnings);
    (void)printf(l->unread > 0 ? ", not read: %zu\n" : "\n", l->unread);
  }
  return l->errors + l->warnings > 0 ? CLI_FAILURE : l->broken;
}

static int lint_words(struct linting *l, const char **words, int count) {
  struct files files = {.count = 0};
  for (int i = 0; i < count; i++) {
    add_word(l, &files, words[i]);
  }
  if (files.too_many) {
    return cli_fail(CLI_FAILURE, "схем больше %d", FILES_MAX);
  }
  if (files.count == 0) {
    return cli_fail(CLI_NOT_FOUND, "здесь нет ни одной схемы");
  }
  (void)fputs(l->json ? "[" : "", stdout);
  for (size_t i = 0; i < files.count; i++) {
    lint_path(l, files.items[i]);
  }
  return conclude(l, files.count);
}

int chart_lint_run(int argc, char **argv) {
  const char *language = NULL;
  const char *words[FILES_MAX];
  struct linting l = {.language = LINT_ENGLISH};
  const struct cli_option options[] = {
      {"--lang", &language, NULL}, {"--config", &l.config_given, NULL}, {"--json", NULL, &l.json}, {NULL, NULL, NULL}};
  int count = cli_options_read(argc, argv, options, words, FILES_MAX);
  if (count < 0) {
    return CLI_USAGE;
  }
  if (count == 0) {
    return cli_usage("нужна схема: файл, папка процесса или папка с процессами");
  }
  if (language && strcmp(language, "ru") != 0 && strcmp(language, "en") != 0) {
    return cli_usage("--lang бывает ru или en");
  }
  l.language = language && strcmp(language, "ru") == 0 ? LINT_RUSSIAN : LINT_ENGLISH;
  arena_init(&l.arena, 0);
  int result = lint_words(&l, words, count);
  forget_config(&l);
  arena_finish(&l.arena);
  return result;
}
