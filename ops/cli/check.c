/*
 * kurator config check: reads config/ as the daemon does, compiles every chart, and then asks what no reader of a
 * single file can see. Everything that is wrong is told, not only the first thing.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/words.h"
#include "cli.h"
#include "lists.h"
#include "report.h"
#include "runtime/config.h"
#include "runtime/forms.h"

enum { DOCUMENT_BYTES_MAX = 8 << 20 };

struct findings {
  unsigned errors;
  struct arena arena;
};

static void find(struct findings *findings, const char *format, ...) PRINTF_LIKE(2, 3);
static void find(struct findings *findings, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vprintf(format, arguments);
  va_end(arguments);
  (void)printf("\n");
  findings->errors++;
}

/* ---- kinds of participant ---- */

static bool kind_exists(const struct catalogue *catalogue, struct span kind) {
  for (size_t i = 0; i < catalogue->participants_count; i++) {
    if (span_equal(catalogue->participants[i].kind, kind)) {
      return true;
    }
  }
  return span_is(kind, "*") || span_is(kind, CATALOGUE_REVEAL);
}

static void check_kinds(struct findings *findings, const struct catalogue *catalogue, const char *where,
                        struct span name, const struct text_list *kinds) {
  for (size_t i = 0; i < kinds->count; i++) {
    if (!kind_exists(catalogue, kinds->items[i])) {
      find(findings, "%s «%.*s»: вида участников «%.*s» нет ни у кого в participants.yaml", where, SPAN_ARG(name),
           SPAN_ARG(kinds->items[i]));
    }
  }
}

static void check_all_kinds(struct findings *findings, const struct catalogue *catalogue) {
  for (size_t i = 0; i < catalogue->events_count; i++) {
    check_kinds(findings, catalogue, "catalogue.yaml: событие", catalogue->events[i].name,
                &catalogue->events[i].senders);
  }
  for (size_t i = 0; i < catalogue->classes_count; i++) {
    check_kinds(findings, catalogue, "catalogue.yaml: класс данных", catalogue->classes[i].name,
                &catalogue->classes[i].seen_by);
  }
  for (size_t i = 0; i < catalogue->roles_count; i++) {
    check_kinds(findings, catalogue, "catalogue.yaml: роль", catalogue->roles[i].role, &catalogue->roles[i].kinds);
  }
  for (size_t i = 0; i < catalogue->routing_count; i++) {
    check_kinds(findings, catalogue, "routing.yaml: помощь", catalogue->routing[i].help, &catalogue->routing[i].kinds);
  }
}

/* ---- kinds of help ---- */

static bool help_is_routed(const struct catalogue *catalogue, struct span help) {
  for (size_t i = 0; i < catalogue->routing_count; i++) {
    if (span_equal(catalogue->routing[i].help, help)) {
      return true;
    }
  }
  return false;
}

static bool help_is_given(const struct catalogue *catalogue, const struct routing_rule *rule) {
  for (size_t i = 0; i < catalogue->participants_count; i++) {
    const struct participant *participant = &catalogue->participants[i];
    if (text_list_has(&rule->kinds, participant->kind) && text_list_has(&participant->helps, rule->help)) {
      return true;
    }
  }
  return false;
}

/* A help that is nowhere routed is told once, not for each that gives it. */
static bool help_was_seen(const struct catalogue *catalogue, size_t participants, struct span help) {
  for (size_t i = 0; i < participants; i++) {
    if (text_list_has(&catalogue->participants[i].helps, help)) {
      return true;
    }
  }
  return false;
}

static void check_helps(struct findings *findings, const struct catalogue *catalogue) {
  for (size_t i = 0; i < catalogue->participants_count; i++) {
    const struct participant *participant = &catalogue->participants[i];
    for (size_t k = 0; k < participant->helps.count; k++) {
      struct span help = participant->helps.items[k];
      if (!help_is_routed(catalogue, help) && !help_was_seen(catalogue, i, help)) {
        find(findings, "participants.yaml: «%.*s» оказывает помощь «%.*s», которой нет в routing.yaml",
             SPAN_ARG(participant->id), SPAN_ARG(help));
      }
    }
  }
  for (size_t i = 0; i < catalogue->routing_count; i++) {
    if (!help_is_given(catalogue, &catalogue->routing[i])) {
      find(findings, "routing.yaml: помощь «%.*s» не оказывает ни один участник названных видов",
           SPAN_ARG(catalogue->routing[i].help));
    }
  }
}

/* ---- settings that a chart reads ---- */

static bool is_name_byte(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static const uint8_t *find_bytes(struct span text, const char *word) {
  return memmem(text.data, text.size, word, strlen(word));
}

static unsigned line_of(struct span text, const uint8_t *at) {
  unsigned line = 1;
  for (const uint8_t *c = text.data; c < at; c++) {
    line += *c == '\n';
  }
  return line;
}

static struct span after(struct span text, const uint8_t *at, size_t skip) {
  size_t done = (size_t)(at - text.data) + skip;
  return span_of(text.data + done, text.size - done);
}

static void check_reference(struct findings *findings, const struct config_process *process, struct span name,
                            unsigned line) {
  if (!value_find(&process->settings, name)) {
    find(findings, "%s:%u: схема читает настройку «%.*s», которой нет в settings.yaml", process->file, line,
         SPAN_ARG(name));
  }
}

static void check_references(struct findings *findings, const struct config_process *process) {
  static const char prefix[] = "_x.settings.";
  struct span rest = process->chart;
  for (const uint8_t *at; (at = find_bytes(rest, prefix));) {
    rest = after(rest, at, sizeof prefix - 1);
    size_t size = 0;
    while (size < rest.size && is_name_byte(rest.data[size])) {
      size++;
    }
    check_reference(findings, process, span_of(rest.data, size), line_of(process->chart, at));
  }
}

/* A setting that stands alone as the length of a deadline has to be a term, and so has its default: it is what somebody
 * returns to. */
static void check_term(struct findings *findings, const char *place, const char *what, struct span name,
                       const struct value *value) {
  struct term term;
  struct fault fault = {.err = ERR_OK};
  if (value && value->kind != VALUE_NIL &&
      (value->kind != VALUE_TEXT || term_parse(value->text, &term, &fault) != ERR_OK)) {
    find(findings, "%s: %s «%.*s» служит сроком, а сроком не является: %s; срок пишется, например, 10wd", place, what,
         SPAN_ARG(name), fault.text[0] ? fault.text : "это не текст");
  }
}

static const struct value *default_of(const struct config_process *process, struct span name) {
  for (size_t i = 0; i < process->rules_count; i++) {
    if (span_equal(process->rules[i].name, name)) {
      return &process->rules[i].fallback;
    }
  }
  return NULL;
}

static void check_terms(struct findings *findings, const struct config_process *process) {
  static const char prefix[] = "dueexpr=\"_x.settings.";
  struct span rest = process->chart;
  for (const uint8_t *at; (at = find_bytes(rest, prefix));) {
    rest = after(rest, at, sizeof prefix - 1);
    struct span name = span_cut(rest, '"', &rest);
    char place[CONFIG_PATH_MAX + 16];
    (void)snprintf(place, sizeof place, "%s:%u", process->file, line_of(process->chart, at));
    check_term(findings, place, "настройка", name, value_find(&process->settings, name));
    check_term(findings, place, "default настройки", name, default_of(process, name));
  }
}

static bool is_term(const struct value *value) {
  struct term term;
  struct fault fault = {.err = ERR_OK};
  return value->kind == VALUE_TEXT && term_parse(value->text, &term, &fault) == ERR_OK;
}

/* Read by a script, a setting is not known to be a term; but when it is one, its default is one too, and the other way
 * round. */
static void check_defaults(struct findings *findings, const struct config_process *process) {
  const char *slash = strrchr(process->file, '/');
  for (size_t i = 0; i < process->rules_count; i++) {
    const struct config_setting *rule = &process->rules[i];
    bool said = rule->fallback.kind != VALUE_NIL;
    if (said && is_term(&rule->value) != is_term(&rule->fallback)) {
      find(findings, "%.*ssettings.yaml: настройка «%.*s»: %s — срок, а %s — нет; исправьте одно из двух",
           slash ? (int)(slash + 1 - process->file) : 0, process->file, SPAN_ARG(rule->name),
           is_term(&rule->value) ? "value" : "default", is_term(&rule->value) ? "default" : "value");
    }
  }
}

/* ---- forms and examples ---- */

static void check_json(struct findings *findings, const char *path, struct span text, bool lines) {
  struct fault fault = {.err = ERR_OK};
  struct value value;
  unsigned number = 0;
  struct span rest = text;
  while (rest.size > 0) {
    struct span part = lines ? span_cut(rest, '\n', &rest) : rest;
    rest = lines ? rest : span_of(NULL, 0);
    number++;
    arena_reset(&findings->arena);
    if (!span_empty(span_trim(part)) && json_read(part, &findings->arena, &value, &fault) != ERR_OK) {
      find(findings, "%s:%u: %s", path, lines ? number : fault.line, fault.text);
      return;
    }
  }
}

static void check_document(struct findings *findings, const char *folder, const char *name, bool lines) {
  char path[CONFIG_PATH_MAX];
  struct span text;
  struct fault fault = {.err = ERR_OK};
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof path) {
    return;
  }
  if (cli_read_file(path, DOCUMENT_BYTES_MAX, &text, &fault) != ERR_OK) {
    find(findings, "%s: %s", path, fault.text);
    return;
  }
  check_json(findings, path, text, lines);
  cli_file_free(&text);
}

static void check_documents(struct findings *findings, const char *chart, const char *part, const char *suffix) {
  char folder[CONFIG_PATH_MAX];
  const char *slash = strrchr(chart, '/');
  int length = snprintf(folder, sizeof folder, "%.*s/%s", slash ? (int)(slash - chart) : 0, chart, part);
  struct dirent **entries = NULL;
  if (length < 0 || (size_t)length >= sizeof folder) {
    return;
  }
  int count = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    struct span name = span_of_cstr(entries[i]->d_name);
    size_t size = strlen(suffix);
    if (name.size > size && span_is(span_of(name.data + name.size - size, size), suffix)) {
      check_document(findings, folder, entries[i]->d_name, strcmp(suffix, ".jsonl") == 0);
    }
    free(entries[i]);
  }
  free((void *)entries);
}

/* ---- reports ---- */

static void tell_report(void *arg, const char *text) {
  find(arg, "%s", text);
}

static void check_reports(struct findings *findings, const struct config *config, const char *config_dir) {
  (void)report_definitions_check(config, config_dir, tell_report, findings);
}

/* ---- documents ---- */

static bool brings(const struct event_rule *event, struct span kind) {
  for (size_t i = 0; i < event->documents_count; i++) {
    if (span_equal(event->documents[i].kind, kind)) {
      return true;
    }
  }
  return false;
}

static bool is_brought(const struct catalogue *catalogue, struct span kind) {
  for (size_t i = 0; i < catalogue->events_count; i++) {
    if (brings(&catalogue->events[i], kind)) {
      return true;
    }
  }
  return false;
}

/* A document is shown by the form of the event that brings it. */
static void check_form(struct findings *findings, const struct config *config, const struct config_forms *forms,
                       const struct document_rule *document) {
  struct span rest;
  const struct config_form *form = forms_named(forms, document->form);
  bool here = config_process_of(config, span_cut(document->form, '/', &rest)) != NULL;
  if (document->of.count > 0) {
    return;
  }
  if (!is_brought(&config->catalogue, document->kind)) {
    find(findings, "документ «%.*s»: его не приносит ни одно событие", SPAN_ARG(document->kind));
  } else if (!form && (here || span_empty(document->form))) {
    find(findings, "документ «%.*s»: нет формы «%.*s»", SPAN_ARG(document->kind), SPAN_ARG(document->form));
  } else if (form && !brings(catalogue_event(&config->catalogue, form->event), document->kind)) {
    find(findings, "документ «%.*s»: форма «%.*s» заполняет событие «%.*s», а оно этого документа не приносит",
         SPAN_ARG(document->kind), SPAN_ARG(document->form), SPAN_ARG(form->event));
  }
}

static void check_papers(struct findings *findings, struct config *config) {
  struct config_forms forms;
  struct fault fault = {.err = ERR_OK};
  if (forms_load(config, &forms, &fault) != ERR_OK) {
    if (findings->errors == 0) { /* else the form has been named */
      find(findings, "%s", fault.text);
    }
    return;
  }
  for (size_t i = 0; i < config->catalogue.documents_count; i++) {
    const struct document_rule *document = &config->catalogue.documents[i];
    check_kinds(findings, &config->catalogue, "документ", document->kind, &document->seen_by);
    check_form(findings, config, &forms, document);
  }
}

/* ---- all of it ---- */

static int64_t no_load(void *arg, struct span participant) {
  (void)arg;
  (void)participant;
  return 0;
}

/* Each process by itself, so that one with a mistake does not hide the next one's. */
static void check_processes(struct findings *findings, const struct config *config) {
  DEFER(casework_destroy) struct casework *casework = NULL;
  const struct casework_options options = {.catalogue = &config->catalogue,
                                           .calendar = config->calendar,
                                           .limits = chart_limits_default(),
                                           .ports = {.load = no_load}};
  if (casework_create(&options, &casework) != ERR_OK) {
    find(findings, "%s", words_of_err(ERR_NO_MEMORY));
    return;
  }
  for (size_t i = 0; i < config->processes_count; i++) {
    const struct config_process *process = &config->processes[i];
    struct fault fault = {.err = ERR_OK};
    if (casework_define(casework, &config->sources[i], &fault) != ERR_OK) {
      find(findings, "%s", cli_told(&fault, &findings->arena));
    }
    check_references(findings, process);
    check_terms(findings, process);
    check_defaults(findings, process);
    check_documents(findings, process->file, "forms", ".json");
    check_documents(findings, process->file, "examples", ".jsonl");
  }
}

static int check(const struct config_options *options) {
  DEFER(config_destroy) struct config *config = NULL;
  struct fault fault = {.err = ERR_OK};
  struct findings findings = {0};
  if (config_load(options, &config, &fault) != ERR_OK) {
    return cli_fail(CLI_INVALID, "%s", fault.text);
  }
  arena_init(&findings.arena, 0);
  check_all_kinds(&findings, &config->catalogue);
  check_helps(&findings, &config->catalogue);
  check_processes(&findings, config);
  check_papers(&findings, config);
  check_reports(&findings, config, options->config_dir);
  arena_finish(&findings.arena);
  if (findings.errors > 0) {
    return cli_fail(CLI_INVALID, "ошибок в настройках: %u", findings.errors);
  }
  (void)printf("настройки верны: процессов %zu, событий %zu, участников %zu, территорий %zu, календарь %d–%d\n",
               config->processes_count, config->catalogue.events_count, config->catalogue.participants_count,
               config->catalogue.territories_count, calendar_first_year(config->calendar),
               calendar_last_year(config->calendar));
  return CLI_OK;
}

int config_check(int argc, char **argv) {
  const char *config = NULL;
  const char *processes = NULL;
  const struct cli_option table[] = {
      {"--config", &config, NULL}, {"--processes", &processes, NULL}, {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  const struct config_options options = {.config_dir = cli_config_dir(config), .processes_dir = processes};
  return check(&options);
}
