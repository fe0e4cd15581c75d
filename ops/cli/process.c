/* kurator process test and settings: what a process owner asks of a folder config/processes/NAME. */
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "example.h"
#include "lists.h"
#include "runtime/line.h"
#include "table.h"

/* ---- which processes ---- */

/* The last part of a path, and what is before it; trailing slashes do not count. */
static struct span path_name(struct span path, struct span *ret_folder) {
  while (path.size > 1 && path.data[path.size - 1] == '/') {
    path.size--;
  }
  size_t at = path.size;
  while (at > 0 && path.data[at - 1] != '/') {
    at--;
  }
  *ret_folder = span_of(path.data, at > 1 ? at - 1 : at);
  return span_of(path.data + at, path.size - at);
}

static bool copy_path(char path[CONFIG_PATH_MAX], struct span text, const char *behind) {
  int length = snprintf(path, CONFIG_PATH_MAX, "%.*s%s", SPAN_ARG(text), behind);
  return length > 0 && length < CONFIG_PATH_MAX;
}

/* A word with a slash says where the processes are; all such words have to say the same. */
static int find_folders(struct process_choice *choice) {
  const char *processes = choice->processes;
  for (int i = 0; i < choice->words_count; i++) {
    struct span folder;
    struct span word = span_of_cstr(choice->words[i]);
    (void)path_name(word, &folder);
    if (span_empty(folder)) {
      continue;
    }
    char given[CONFIG_PATH_MAX];
    if (!copy_path(given, folder, "")) {
      return cli_usage("слишком длинный путь");
    }
    if (processes && strcmp(processes, given) != 0) {
      return cli_usage("процессы из разных папок: %s и %s", processes, given);
    }
    memcpy(choice->processes_dir, given, sizeof given);
    processes = choice->processes_dir;
  }
  choice->processes = processes;
  bool above = processes && !choice->config;
  const char *config = above ? processes : cli_config_dir(choice->config);
  return copy_path(choice->config_dir, span_of_cstr(config), above ? "/.." : "") ? CLI_OK
                                                                                 : cli_usage("слишком длинный путь");
}

static int choose_named(struct process_choice *choice) {
  for (int i = 0; i < choice->words_count; i++) {
    struct span folder;
    struct span name = path_name(span_of_cstr(choice->words[i]), &folder);
    const struct config_process *process = config_process_of(choice->loaded, name);
    if (!process) {
      return cli_fail(CLI_NOT_FOUND, "нет такого процесса: %s", choice->words[i]);
    }
    choice->chosen[choice->chosen_count++] = process;
  }
  return CLI_OK;
}

int process_choose(struct process_choice *choice) {
  int exit_code = find_folders(choice);
  if (exit_code != CLI_OK) {
    return exit_code;
  }
  const struct config_options options = {.config_dir = choice->config_dir, .processes_dir = choice->processes};
  struct fault fault = {.err = ERR_OK};
  if (config_load(&options, &choice->loaded, &fault) != ERR_OK) {
    return cli_fail(CLI_INVALID, "%s", fault.text);
  }
  for (size_t i = 0; i < choice->loaded->processes_count && choice->words_count == 0; i++) {
    choice->chosen[choice->chosen_count++] = &choice->loaded->processes[i];
  }
  return choose_named(choice);
}

void process_choice_free(struct process_choice *choice) {
  config_destroy(&choice->loaded);
}

/* ---- test ---- */

struct run {
  const char *only; /* part of an example's name; NULL: all */
  bool quiet;       /* those that fail only */
  bool show;        /* everything that came about */
  size_t passed, failed;
};

static void show_progress(const struct run *run, const struct example_list *list) {
  if (isatty(STDERR_FILENO)) {
    (void)fprintf(stderr, "\r%zu из %zu\r", run->passed + run->failed, list->count);
  }
}

static void test_example(struct run *run, const struct example *e, struct bench *bench) {
  char *text = NULL;
  size_t size = 0;
  FILE *complaints = open_memstream(&text, &size);
  ASSERT(complaints);
  const struct example_report report = {.complaints = complaints, .lines = run->show ? stdout : NULL};
  bool fine = example_run(e, bench, &report);
  (void)fclose(complaints);
  run->passed += fine;
  run->failed += !fine;
  if (!fine || !run->quiet) {
    (void)printf("%-10s %.*s/%.*s: %.*s\n%s", fine ? "пройден" : "НЕ ПРОЙДЕН", SPAN_ARG(e->process), SPAN_ARG(e->name),
                 SPAN_ARG(e->about), text ? text : "");
  }
  free(text);
}

static bool is_meant(const struct run *run, const struct example *e) {
  char path[CONFIG_PATH_MAX];
  (void)snprintf(path, sizeof path, "%.*s/examples/%.*s.jsonl", SPAN_ARG(e->process), SPAN_ARG(e->name));
  return !run->only || strstr(path, run->only);
}

static int read_examples(const struct process_choice *choice, struct example_list *list) {
  struct fault fault = {.err = ERR_OK};
  for (size_t i = 0; i < choice->chosen_count; i++) {
    size_t before = list->count;
    enum err err = example_list_read(list, choice->chosen[i], &fault);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
      return cli_fail(CLI_INVALID, "%s", fault.text);
    }
    if (list->count == before) {
      return cli_fail(CLI_FAILURE, "у процесса %.*s нет ни одного примера", SPAN_ARG(choice->chosen[i]->name));
    }
  }
  return CLI_OK;
}

static int test_all(struct run *run, const struct process_choice *choice) {
  DEFER(example_list_free) struct example_list list = {0};
  DEFER(bench_destroy) struct bench *bench = NULL;
  struct fault fault = {.err = ERR_OK};
  int exit_code = read_examples(choice, &list);
  if (exit_code != CLI_OK) {
    return exit_code;
  }
  if (bench_create(choice->loaded, NULL, &bench, &fault) != ERR_OK) {
    return cli_fail(CLI_INVALID, "%s", fault.text);
  }
  for (size_t i = 0; i < list.count; i++) {
    if (is_meant(run, list.items[i])) {
      test_example(run, list.items[i], bench);
      show_progress(run, &list);
    }
  }
  (void)printf("%zu passed, %zu failed\n", run->passed, run->failed);
  if (run->passed + run->failed == 0) {
    return cli_fail(CLI_NOT_FOUND, "нет примера с таким именем: %s", run->only);
  }
  return run->failed == 0 ? CLI_OK : CLI_FAILURE;
}

int process_test(int argc, char **argv) {
  struct process_choice choice = {0};
  struct run run = {0};
  const struct cli_option table[] = {{"--config", &choice.config, NULL}, {"--processes", &choice.processes, NULL},
                                     {"--example", &run.only, NULL},     {"--quiet", NULL, &run.quiet},
                                     {"--show", NULL, &run.show},        {NULL, NULL, NULL}};
  choice.words_count = cli_options_read(argc, argv, table, choice.words, PROCESS_WORDS_MAX);
  if (choice.words_count < 0) {
    return CLI_USAGE;
  }
  int exit_code = process_choose(&choice);
  exit_code = exit_code == CLI_OK ? test_all(&run, &choice) : exit_code;
  process_choice_free(&choice);
  return exit_code;
}

/* ---- settings ---- */

static const struct table_column setting_columns[] = {
    {"Процесс", "process", TABLE_TEXT, 16, NULL}, {"Настройка", "name", TABLE_TEXT, 24, NULL},
    {"Значение", "value", TABLE_TEXT, 24, NULL},  {"По умолчанию", "default", TABLE_TEXT, 24, NULL},
    {"Изменено", "changed", TABLE_YES, 0, NULL},  {"Что решает", "title", TABLE_TEXT, 80, NULL},
    {"Основание", "source", TABLE_TEXT, 0, NULL}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};

/* Where no document decides, the choice is a house rule, and its source says so. */
static bool is_house_rule(const struct config_setting *setting) {
  static const char words[] = "правило по умолчанию";
  return memmem(setting->source.data, setting->source.size, words, sizeof words - 1) != NULL;
}

static void add_setting(struct client_rows *rows, const struct config_process *process,
                        const struct config_setting *setting) {
  bool known = setting->fallback.kind != VALUE_NIL;
  struct value_field fields[] = {
      {SPAN_LITERAL("process"), value_text(process->name)},
      {SPAN_LITERAL("name"), value_text(setting->name)},
      {SPAN_LITERAL("value"), setting->value},
      {SPAN_LITERAL("default"), setting->fallback},
      {SPAN_LITERAL("changed"), value_bool(known && !value_equal(&setting->value, &setting->fallback))},
      {SPAN_LITERAL("title"), value_text(setting->title)},
      {SPAN_LITERAL("source"), value_text(setting->source)},
      {SPAN_LITERAL("house_rule"), value_bool(is_house_rule(setting))},
  };
  client_rows_add(rows, fields, sizeof fields / sizeof *fields);
}

int process_settings(int argc, char **argv) {
  struct process_choice choice = {0};
  const char *output = NULL;
  const struct cli_option table[] = {{"--config", &choice.config, NULL},
                                     {"--processes", &choice.processes, NULL},
                                     {"-o", &output, NULL},
                                     {NULL, NULL, NULL}};
  choice.words_count = cli_options_read(argc, argv, table, choice.words, PROCESS_WORDS_MAX);
  struct client client = {0};
  if (choice.words_count < 0) {
    return CLI_USAGE;
  }
  if (!client_output_parse(output, &client.output)) {
    return cli_usage("-o бывает table, json или jsonl");
  }
  int exit_code = process_choose(&choice);
  struct client_rows rows;
  client_rows_init(&rows);
  for (size_t i = 0; exit_code == CLI_OK && i < choice.chosen_count; i++) {
    for (size_t k = 0; k < choice.chosen[i]->rules_count; k++) {
      add_setting(&rows, choice.chosen[i], &choice.chosen[i]->rules[k]);
    }
  }
  if (exit_code == CLI_OK) {
    table_show(&client, &rows, setting_columns);
  }
  client_rows_finish(&rows);
  process_choice_free(&choice);
  return exit_code;
}
