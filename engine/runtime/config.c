/*
 * runtime/config.c — reading config/ into one struct config.
 *
 * Each file is read whole (bounded), parsed by its schema into the config's own arena and checked; the catalogue is
 * checked against itself once its five files are in. Nothing is kept of a load that failed.
 */
#include "runtime/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/words.h"
#include "runtime/config_schema.h"
#include "runtime/documents.h"
#include "runtime/starts.h"

/* ---- files ---- */

static void close_fd(const int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
  }
}

static enum err read_all(int fd, size_t size_max, struct arena *arena, struct span *ret_bytes) {
  uint8_t *bytes = arena_alloc(arena, size_max + 1);
  size_t size = 0;
  while (size <= size_max) {
    ssize_t got = read(fd, bytes + size, size_max + 1 - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return ERR_IO;
    }
    if (got == 0) {
      *ret_bytes = span_of(bytes, size);
      return ERR_OK;
    }
    size += (size_t)got;
  }
  return ERR_LIMIT;
}

/* The arena gets what the file holds, not what it may hold at most. */
static enum err read_file(const char *path, size_t size_max, struct arena *arena, struct span *ret_bytes,
                          struct fault *fault) {
  DEFER(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) {
    enum err err = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    return fault_set(fault, err, "%s: %s", path, words_of_system(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fault_set(fault, ERR_CONFIG, "%s: это не файл", path);
  }
  if (status.st_size < 0 || (size_t)status.st_size > size_max) {
    return fault_set(fault, ERR_CONFIG, "%s: файл длиннее %zu байт", path, size_max);
  }
  enum err err = read_all(fd, (size_t)status.st_size, arena, ret_bytes);
  if (err != ERR_OK) {
    return fault_set(fault, err, "%s: %s", path,
                     err == ERR_LIMIT ? "файл растёт, пока его читают" : words_of_system(errno));
  }
  return ERR_OK;
}

/* A needed file that is missing is a wrong configuration. */
static enum err read_needed(const char *path, size_t size_max, struct arena *arena, struct span *ret_bytes,
                            struct fault *fault) {
  enum err err = read_file(path, size_max, arena, ret_bytes, fault);
  if (err == ERR_NOT_FOUND) {
    return fault_set(fault, ERR_CONFIG, "%s: нет такого файла, а он нужен", path);
  }
  return err;
}

/* "DIR/NAME", in the arena. */
static const char *path_of(struct arena *arena, const char *dir, const char *name) {
  struct span path = arena_printf(arena, "%s/%s", dir, name);
  return arena_cstr(arena, path);
}

enum err config_read_file(struct config *config, const char *path, size_t size_max, struct span *ret_text,
                          struct fault *fault) {
  return read_needed(path, size_max, &config->arena, ret_text, fault);
}

enum err config_read_document(struct config *config, const char *path, const cyaml_schema_value_t *schema,
                              struct span *ret_text, void *document, struct fault *fault) {
  TRY(read_needed(path, CONFIG_FILE_MAX, &config->arena, ret_text, fault));
  return yaml_read(*ret_text, path, schema, &config->arena, document, fault);
}

static enum err read_document(struct config *config, const char *path, const cyaml_schema_value_t *schema,
                              void *document, struct fault *fault) {
  struct span text;
  return config_read_document(config, path, schema, &text, document, fault);
}

/* ---- the catalogue, from five files ---- */

/* Who serves a municipality serves the settlements that lie in it. */
static void add_settlements(struct arena *arena, const struct catalogue *catalogue, struct participant *p) {
  for (size_t i = 0; i < catalogue->territories_count; i++) {
    const struct territory *territory = &catalogue->territories[i];
    if (span_empty(territory->within) || !text_list_has(&p->territories, territory->within)) {
      continue;
    }
    if (!p->settlements.items) {
      p->settlements.items = ARENA_ARRAY(arena, struct span, catalogue->territories_count);
    }
    p->settlements.items[p->settlements.count++] = territory->code;
  }
}

/* A configuration without documents.yaml keeps no register of documents. */
static enum err load_documents(struct config *config, const char *dir, struct fault *fault) {
  const char *path = path_of(&config->arena, dir, "documents.yaml");
  struct catalogue *catalogue = &config->catalogue;
  struct catalogue part;
  if (access(path, F_OK) != 0) {
    return ERR_OK;
  }
  TRY(read_document(config, path, &config_documents_schema, &part, fault));
  catalogue->documents = part.documents;
  catalogue->documents_count = part.documents_count;
  catalogue->document_states = part.document_states;
  catalogue->document_states_count = part.document_states_count;
  catalogue->statuses = part.statuses;
  catalogue->statuses_count = part.statuses_count;
  return ERR_OK;
}

static enum err load_catalogue(struct config *config, const char *dir, struct fault *fault) {
  struct catalogue *catalogue = &config->catalogue;
  struct catalogue part;
  TRY(read_document(config, path_of(&config->arena, dir, "catalogue.yaml"), &config_catalogue_schema, catalogue,
                    fault));
  TRY(read_document(config, path_of(&config->arena, dir, "participants.yaml"), &config_participants_schema, &part,
                    fault));
  catalogue->participants = part.participants;
  catalogue->participants_count = part.participants_count;
  TRY(read_document(config, path_of(&config->arena, dir, "territories.yaml"), &config_territories_schema, &part,
                    fault));
  catalogue->territories = part.territories;
  catalogue->territories_count = part.territories_count;
  TRY(read_document(config, path_of(&config->arena, dir, "routing.yaml"), &config_routing_schema, &part, fault));
  catalogue->routing = part.routing;
  catalogue->routing_count = part.routing_count;
  TRY(load_documents(config, dir, fault));
  for (size_t i = 0; i < catalogue->participants_count; i++) {
    add_settlements(&config->arena, catalogue, &catalogue->participants[i]);
  }
  struct fault found = {.err = ERR_OK};
  if (catalogue_check(catalogue, &found) != ERR_OK) {
    return fault_set(fault, ERR_CONFIG, "%s: %s", dir, found.text);
  }
  return ERR_OK;
}

/* ---- kurator.yaml ---- */

static const struct config_engine config_engine_default = {
    .daemon = {.endpoint = {(const uint8_t *)"tcp://127.0.0.1:7300", 20},
               .query_endpoint = {(const uint8_t *)"tcp://127.0.0.1:7301", 20},
               .data = {(const uint8_t *)"/var/lib/kurator", 16},
               .keys = {(const uint8_t *)"/etc/kurator/keys", 17},
               .log_level = {(const uint8_t *)"info", 4}},
    .limits = {.batch_messages = 256,
               .batch_share = 32,
               .timer_slice = 200,
               .inbox_messages = 20000,
               .inbox_share = 2000,
               .envelope_messages = 500,
               .deliveries_window = 1000,
               .query_rows = 500,
               .sessions = 4000,
               .key_sessions = 1200,
               .handshake_ms = 3000,
               .stream_tail = 1000},
    .store = {.map_mib = 1024, .map_max_mib = 1 << 20},
};

static void default_text(struct span *text, struct span fallback) {
  if (text->size == 0) {
    *text = fallback;
  }
}

/* One table for what a number may be: nothing in kurator.yaml may unbound the daemon. */
static const struct {
  const char *name;
  size_t offset;
  int64_t max;
} engine_numbers[] = {
    {"limits.batch_messages", offsetof(struct config_engine, limits.batch_messages), 10000},
    {"limits.batch_share", offsetof(struct config_engine, limits.batch_share), 10000},
    {"limits.timer_slice", offsetof(struct config_engine, limits.timer_slice), 10000},
    {"limits.inbox_messages", offsetof(struct config_engine, limits.inbox_messages), 1000000},
    {"limits.inbox_share", offsetof(struct config_engine, limits.inbox_share), 1000000},
    {"limits.envelope_messages", offsetof(struct config_engine, limits.envelope_messages), 512},
    {"limits.deliveries_window", offsetof(struct config_engine, limits.deliveries_window), 100000},
    {"limits.query_rows", offsetof(struct config_engine, limits.query_rows), 10000},
    {"limits.sessions", offsetof(struct config_engine, limits.sessions), 100000},
    {"limits.key_sessions", offsetof(struct config_engine, limits.key_sessions), 100000},
    {"limits.handshake_ms", offsetof(struct config_engine, limits.handshake_ms), 60000},
    {"limits.stream_tail", offsetof(struct config_engine, limits.stream_tail), 1000000},
    {"store.map_mib", offsetof(struct config_engine, store.map_mib), 1 << 20},
    {"store.map_max_mib", offsetof(struct config_engine, store.map_max_mib), 1 << 24},
};

static enum err complete_numbers(struct config_engine *engine, const char *path, struct fault *fault) {
  for (size_t i = 0; i < sizeof engine_numbers / sizeof engine_numbers[0]; i++) {
    int64_t value;
    memcpy(&value, (uint8_t *)engine + engine_numbers[i].offset, sizeof value);
    if (value < 0 || value > engine_numbers[i].max) {
      return fault_set(fault, ERR_CONFIG, "%s: %s — число от 1 до %lld", path, engine_numbers[i].name,
                       (long long)engine_numbers[i].max);
    }
    if (value == 0) {
      memcpy((uint8_t *)engine + engine_numbers[i].offset,
             (const uint8_t *)&config_engine_default + engine_numbers[i].offset, sizeof value);
    }
  }
  return ERR_OK;
}

static enum err load_engine(struct config *config, const char *dir, struct fault *fault) {
  const char *path = path_of(&config->arena, dir, "kurator.yaml");
  struct config_engine *engine = &config->engine;
  struct span text = {NULL, 0};
  struct fault found;
  enum err err = read_file(path, CONFIG_FILE_MAX, &config->arena, &text, &found);
  if (err == ERR_NOT_FOUND) {
    *engine = config_engine_default;
    return ERR_OK;
  }
  if (err != ERR_OK) {
    return fault_set(fault, err, "%s", found.text);
  }
  TRY(yaml_read(text, path, &config_engine_schema, &config->arena, engine, fault));
  default_text(&engine->daemon.endpoint, config_engine_default.daemon.endpoint);
  default_text(&engine->daemon.query_endpoint, config_engine_default.daemon.query_endpoint);
  default_text(&engine->daemon.data, config_engine_default.daemon.data);
  default_text(&engine->daemon.keys, config_engine_default.daemon.keys);
  default_text(&engine->daemon.log_level, config_engine_default.daemon.log_level);
  return complete_numbers(engine, path, fault);
}

/* ---- the calendar ---- */

static enum err load_calendar(struct config *config, const char *dir, struct fault *fault) {
  const char *path = path_of(&config->arena, dir, "calendar/ru.csv");
  const struct calendar_options options = {.decree_days_off = config->engine.calendar.decree_days_off};
  struct span csv = {NULL, 0};
  struct fault found = {.err = ERR_OK};
  TRY(read_needed(path, CALENDAR_FILE_MAX, &config->arena, &csv, fault));
  enum err err = calendar_create(csv, options, &config->calendar, &found);
  if (err != ERR_OK) {
    return fault_set_at(fault, ERR_CONFIG, found.line, found.column, "%s:%u: %s", path, found.line, found.text);
  }
  return ERR_OK;
}

/* ---- processes ---- */

static struct value setting_value(struct span text) {
  int64_t number;
  if (span_is(text, "true") || span_is(text, "false")) {
    return value_bool(span_is(text, "true"));
  }
  return span_to_int64(text, &number) ? value_int(number) : value_text(text);
}

enum err config_read_settings(struct config *config, struct config_process *process, const char *folder,
                              struct fault *fault) {
  const char *path = path_of(&config->arena, folder, "settings.yaml");
  struct config_settings_document document = {.settings_count = 0};
  if (access(path, F_OK) == 0) {
    TRY(read_document(config, path, &config_settings_schema, &document, fault));
  }
  process->rules_count = document.settings_count;
  process->rules = ARENA_ARRAY(&config->arena, struct config_setting, document.settings_count);
  struct value_field *fields = ARENA_ARRAY(&config->arena, struct value_field, document.settings_count);
  for (size_t i = 0; i < document.settings_count; i++) {
    const struct config_setting_text *text = &document.settings[i];
    process->rules[i] = (struct config_setting){
        .name = text->name,
        .value = setting_value(text->value),
        .fallback = span_empty(text->fallback) ? value_nil() : setting_value(text->fallback),
        .source = text->source,
        .title = text->title,
    };
    fields[i] = (struct value_field){text->name, process->rules[i].value};
  }
  if (value_map(fields, document.settings_count, &process->settings) != ERR_OK) {
    return fault_set(fault, ERR_CONFIG, "%s: одна и та же настройка стоит дважды", path);
  }
  return ERR_OK;
}

static enum err load_process(struct config *config, const char *dir, struct config_process *process,
                             struct fault *fault) {
  const char *folder = path_of(&config->arena, dir, arena_cstr(&config->arena, process->name));
  process->file = path_of(&config->arena, folder, "chart.scxml");
  TRY(read_needed(process->file, CONFIG_CHART_MAX, &config->arena, &process->chart, fault));
  TRY(starts_load(config, process->name, folder, fault));
  TRY(documents_load(config, process->name, folder, fault));
  return config_read_settings(config, process, folder, fault);
}

static bool is_process_name(const char *name) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return name[0] >= 'a' && name[0] <= 'z' && strspn(name, allowed) == strlen(name);
}

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int process_compare(const void *a, const void *b) {
  return span_compare(((const struct config_process *)a)->name, ((const struct config_process *)b)->name);
}

static void close_dir(DIR **dir) {
  if (*dir) {
    (void)closedir(*dir);
  }
}

/* Hidden folders and plain files beside the processes are none of ours; a folder with another name is a mistake. */
static enum err find_processes(struct config *config, const char *path, struct fault *fault) {
  DEFER(close_dir) DIR *dir = opendir(path);
  if (!dir) {
    return fault_set(fault, errno == ENOENT ? ERR_CONFIG : ERR_IO, "%s: %s", path, words_of_system(errno));
  }
  config->processes = ARENA_ARRAY(&config->arena, struct config_process, CONFIG_PROCESSES_MAX);
  for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    if (entry->d_name[0] == '.' || !is_folder(path_of(&config->arena, path, entry->d_name))) {
      continue;
    }
    if (!is_process_name(entry->d_name)) {
      return fault_set(fault, ERR_CONFIG, "%s/%s: имя процесса — строчные латинские буквы, цифры и -", path,
                       entry->d_name);
    }
    if (config->processes_count == CONFIG_PROCESSES_MAX) {
      return fault_set(fault, ERR_CONFIG, "%s: процессов больше %d", path, CONFIG_PROCESSES_MAX);
    }
    config->processes[config->processes_count++].name = arena_copy(&config->arena, span_of_cstr(entry->d_name));
  }
  qsort(config->processes, config->processes_count, sizeof *config->processes, process_compare);
  return ERR_OK;
}

static enum err load_processes(struct config *config, const char *path, struct fault *fault) {
  TRY(find_processes(config, path, fault));
  if (config->processes_count == 0) {
    return fault_set(fault, ERR_CONFIG, "%s: здесь нет ни одного процесса", path);
  }
  config->sources = ARENA_ARRAY(&config->arena, struct process_source, config->processes_count);
  for (size_t i = 0; i < config->processes_count; i++) {
    struct config_process *process = &config->processes[i];
    TRY(load_process(config, path, process, fault));
    config->sources[i] = (struct process_source){
        .name = process->name, .chart = process->chart, .file = process->file, .settings = process->settings};
  }
  return ERR_OK;
}

const struct config_process *config_process_of(const struct config *config, struct span name) {
  for (size_t i = 0; i < config->processes_count; i++) {
    if (span_equal(config->processes[i].name, name)) {
      return &config->processes[i];
    }
  }
  return NULL;
}

/* An event that starts a process that is not there would turn every such message into an incident. */
static enum err check_starts(const struct config *config, const char *dir, struct fault *fault) {
  for (size_t i = 0; i < config->catalogue.events_count; i++) {
    const struct event_rule *rule = &config->catalogue.events[i];
    for (size_t k = 0; k <= rule->starts_when_count; k++) {
      struct span process = k < rule->starts_when_count ? rule->starts_when[k].process : rule->starts;
      if (process.size > 0 && !config_process_of(config, process)) {
        return fault_set(fault, ERR_CONFIG,
                         "%s/catalogue.yaml: событие %.*s начинает процесс %.*s, а такого процесса нет", dir,
                         SPAN_ARG(rule->name), SPAN_ARG(process));
      }
    }
  }
  return ERR_OK;
}

/* ---- the whole ---- */

static enum err load(struct config *config, const struct config_options *options, struct fault *fault) {
  const char *dir = options->config_dir;
  const char *processes = options->processes_dir ? options->processes_dir : path_of(&config->arena, dir, "processes");
  TRY(load_engine(config, dir, fault));
  TRY(load_catalogue(config, dir, fault));
  TRY(load_calendar(config, dir, fault));
  if (options->without_processes) {
    return ERR_OK;
  }
  TRY(load_processes(config, processes, fault));
  return check_starts(config, dir, fault);
}

enum err config_load(const struct config_options *options, struct config **ret_config, struct fault *fault) {
  if (strlen(options->config_dir) > CONFIG_PATH_MAX) {
    return fault_set(fault, ERR_CONFIG, "путь к папке настроек слишком длинный");
  }
  struct config *config = calloc(1, sizeof *config);
  if (!config) {
    return fault_set(fault, ERR_NO_MEMORY, "%s", words_of_err(ERR_NO_MEMORY));
  }
  arena_init(&config->arena, 0);
  enum err err = load(config, options, fault);
  if (err != ERR_OK) {
    config_destroy(&config);
    return err;
  }
  *ret_config = config;
  return ERR_OK;
}

void config_destroy(struct config **config) {
  if (*config) {
    calendar_destroy(&(*config)->calendar);
    arena_finish(&(*config)->arena);
    free(*config);
    *config = NULL;
  }
}

static enum err define(struct casework *casework, const struct process_source *process, struct fault *fault) {
  struct fault found = {.err = ERR_OK};
  enum err err = casework_define(casework, process, &found);
  if (err == ERR_OK) {
    return ERR_OK;
  }
  /* Some checks name the file themselves. */
  if (strstr(found.text, process->file)) {
    return fault_set_at(fault, err, found.line, found.column, "%s", found.text);
  }
  return fault_set_at(fault, err, found.line, found.column, "%s:%u: %s", process->file, found.line, found.text);
}

enum err config_casework(const struct config *config, const struct casework_ports *ports,
                         struct casework **ret_casework, struct fault *fault) {
  const struct casework_options options = {
      .catalogue = &config->catalogue,
      .calendar = config->calendar,
      .limits = chart_limits_default(),
      .ports = *ports,
  };
  struct casework *casework;
  enum err err = casework_create(&options, &casework);
  if (err != ERR_OK) {
    return fault_set(fault, err, "%s", words_of_err(err));
  }
  for (size_t i = 0; i < config->processes_count; i++) {
    err = define(casework, &config->sources[i], fault);
    if (err != ERR_OK) {
      casework_destroy(&casework);
      return err;
    }
  }
  *ret_casework = casework;
  return ERR_OK;
}
