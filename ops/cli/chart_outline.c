/* A process as people speak of it: files, and the names of things. */
#include "chart_outline.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "cli.h"

enum { FORMS_MAX = 300, FORM_BYTES_MAX = 1 << 20 };

/* ---- reading ---- */

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The chart that a word means; NULL when there is none. */
static const char *find_chart(struct arena *arena, const char *word, const char *config_given) {
  if (is_folder(word)) {
    return arena_cstr(arena, arena_printf(arena, "%s/chart.scxml", word));
  }
  if (chart_path_exists(word) || strchr(word, '/')) {
    return word;
  }
  struct span named = arena_printf(arena, "%s/processes/%s/chart.scxml", cli_config_dir(config_given), word);
  const char *path = arena_cstr(arena, named);
  return chart_path_exists(path) ? path : word;
}

static enum err read_document(struct chart_file *file, struct span source, struct node **ret_root,
                              struct fault *fault) {
  const struct document_options options = {casework_vocabulary(), CHART_SOURCE_MAX};
  return document_read(&options, source, &file->arena, ret_root, fault);
}

static void read_form(struct outline *o, const char *path) {
  struct span text;
  struct value form;
  if (o->forms_count == FORMS_MAX || cli_read_file(path, FORM_BYTES_MAX, &text, NULL) != ERR_OK) {
    return;
  }
  struct span copy = arena_copy(&o->file.arena, text);
  cli_file_free(&text);
  if (json_read(copy, &o->file.arena, &form, NULL) == ERR_OK) {
    o->forms[o->forms_count++] = form;
  }
}

static void read_forms_of(struct outline *o, const char *folder) {
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    const char *dot = strrchr(entries[i]->d_name, '.');
    if (dot && strcmp(dot, ".json") == 0) {
      read_form(o, arena_cstr(&o->file.arena, arena_printf(&o->file.arena, "%s/%s", folder, entries[i]->d_name)));
    }
    free(entries[i]);
  }
  free((void *)entries);
}

/* Its own first: of two forms with a field of one name that one counts. */
static void read_forms(struct outline *o) {
  struct dirent **entries = NULL;
  o->forms = ARENA_ARRAY(&o->file.arena, struct value, FORMS_MAX);
  read_forms_of(o, chart_file_beside(&o->file, "forms"));
  int count = scandir(chart_file_beside(&o->file, ".."), &entries, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    if (entries[i]->d_name[0] != '.') {
      struct span folder = arena_printf(&o->file.arena, "../%s/forms", entries[i]->d_name);
      read_forms_of(o, chart_file_beside(&o->file, arena_cstr(&o->file.arena, folder)));
    }
    free(entries[i]);
  }
  free((void *)entries);
}

static struct span name_of_folder(struct outline *o) {
  char *real = realpath(o->file.folder, NULL);
  const char *slash = real ? strrchr(real, '/') : NULL;
  struct span name = arena_copy(&o->file.arena, span_of_cstr(slash ? slash + 1 : ""));
  free(real);
  return name;
}

static int fail(const char *path, enum err err, struct fault *fault) {
  fault->err = err;
  return cli_fail_fault(err == ERR_CONFIG ? NULL : path, fault);
}

int outline_open(struct outline *o, const char *word, const char *config_given) {
  struct fault fault = {.err = ERR_OK};
  struct arena paths;
  *o = (struct outline){.config = NULL};
  arena_init(&paths, 0);
  const char *path = find_chart(&paths, word, config_given);
  enum err err = chart_file_open(&o->file, path, &fault);
  o->file.path = arena_cstr(&o->file.arena, span_of_cstr(path));
  arena_finish(&paths);
  const struct config_options options = {.config_dir = chart_config_dir(&o->file, config_given),
                                         .without_processes = true};
  if (err == ERR_OK) {
    err = config_load(&options, &o->config, &fault);
  }
  if (err == ERR_OK) {
    err = config_read_settings(o->config, &o->process, o->file.folder, &fault);
  }
  if (err == ERR_OK) {
    err = read_document(&o->file, o->file.source, &o->root, &fault);
  }
  if (err != ERR_OK) {
    return fail(o->file.path, err, &fault);
  }
  o->name = name_of_folder(o);
  read_forms(o);
  return CLI_OK;
}

void outline_close(struct outline *o) {
  config_destroy(&o->config);
  chart_file_close(&o->file);
}

/* ---- the tree ---- */

bool outline_takes(const struct node *transition, struct span event) {
  struct span rest = node_get(transition, "event");
  for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
    if (descriptor_takes(descriptor_bare(word), event)) {
      return true;
    }
  }
  return false;
}

bool outline_is_around(const struct node *around, const struct node *node) {
  while (node && node != around) {
    node = node->parent;
  }
  return node != NULL;
}

bool outline_together(const struct node *a, const struct node *b) {
  if (outline_is_around(a, b) || outline_is_around(b, a)) {
    return true;
  }
  const struct node *common = a->parent;
  while (common && !outline_is_around(common, b)) {
    common = common->parent;
  }
  return common && common->tag == TAG_PARALLEL;
}

/* ---- names ---- */

struct span outline_label(const struct node *node, const char *name) {
  for (size_t i = 0; i < node->labels_count; i++) {
    if (span_is(node->labels[i].name, name)) {
      return span_trim(node->labels[i].value);
    }
  }
  return span_of(NULL, 0);
}

struct node *outline_state(const struct outline *o, struct span id) {
  for (struct node *node = o->root; node; node = node_walk(o->root, node)) {
    if (node_is_state(node) && span_equal(span_trim(node_get(node, "id")), id)) {
      return node;
    }
  }
  return NULL;
}

static const struct node *only_task(const struct node *state) {
  const struct node *task = NULL;
  for (const struct node *child = state->first; child; child = child->next) {
    if (outline_is(child, "task")) {
      if (task) {
        return NULL;
      }
      task = child;
    }
  }
  return task;
}

struct span outline_state_title(struct outline *o, const struct node *state) {
  (void)o;
  struct span title = outline_label(state, "title");
  const struct node *task = title.size > 0 ? NULL : only_task(state);
  title = task ? span_trim(node_get(task, "title")) : title;
  return title.size > 0 ? title : span_trim(node_get(state, "id"));
}

int outline_stage(const struct outline *o, const struct node *node) {
  while (node && outline_label(node, "stage").size == 0) {
    node = node->parent;
  }
  return node ? catalogue_stage(&o->config->catalogue, outline_label(node, "stage")) : -1;
}

struct span outline_role(struct outline *o, struct span role) {
  const struct catalogue *catalogue = &o->config->catalogue;
  for (size_t i = 0; i < catalogue->roles_count; i++) {
    if (span_equal(catalogue->roles[i].role, role) && catalogue->roles[i].title.size > 0) {
      return catalogue->roles[i].title;
    }
  }
  return role;
}

/* ---- other processes ---- */

static struct node *read_neighbour(struct outline *o, struct span process) {
  struct arena *arena = &o->file.arena;
  const char *path =
      chart_file_beside(&o->file, arena_cstr(arena, arena_printf(arena, "../%.*s/chart.scxml", SPAN_ARG(process))));
  struct span text;
  struct node *root = NULL;
  if (memchr(process.data, '/', process.size) || cli_read_file(path, CHART_SOURCE_MAX, &text, NULL) != ERR_OK) {
    return NULL;
  }
  struct span copy = arena_copy(arena, text);
  cli_file_free(&text);
  return read_document(&o->file, copy, &root, NULL) == ERR_OK ? root : NULL;
}

struct span outline_process(struct outline *o, struct span process) {
  const struct node *root = read_neighbour(o, process);
  struct span title = root ? outline_label(root, "title") : span_of(NULL, 0);
  return title.size > 0 ? title : process;
}

/* The state of the other chart that sets the status when it is entered. */
struct span outline_status(struct outline *o, struct span process, struct span status) {
  struct node *root = read_neighbour(o, process);
  struct span literal = arena_printf(&o->file.arena, "'%.*s'", SPAN_ARG(status));
  for (const struct node *node = root; node; node = node_walk(root, node)) {
    bool sets = outline_is(node, "status") && span_equal(span_trim(node_get(node, "value")), literal);
    if (sets && node->parent->tag == TAG_ONENTRY) {
      return outline_state_title(o, node->parent->parent);
    }
  }
  return status;
}

/* ---- events ---- */

static struct span title_of_element(const struct outline *o, const char *element, struct span id) {
  for (const struct node *node = o->root; node; node = node_walk(o->root, node)) {
    if (outline_is(node, element) && span_equal(span_trim(node_get(node, "id")), id)) {
      struct span title = span_trim(node_get(node, "title"));
      return title.size > 0 ? title : id;
    }
  }
  return id;
}

static struct span process_of_element(const struct outline *o, struct span id) {
  for (const struct node *node = o->root; node; node = node_walk(o->root, node)) {
    bool starts = outline_is(node, "case") || outline_is(node, "referrals");
    if (starts && span_equal(span_trim(node_get(node, "id")), id)) {
      return span_trim(node_get(node, "process"));
    }
  }
  return span_of(NULL, 0);
}

static struct span event_of_deadline(struct outline *o, const char *what, struct span id) {
  struct span title = span_is(id, "measure") ? SPAN_LITERAL("мероприятие") : title_of_element(o, "deadline", id);
  return id.size == 0 ? span_of_cstr(what) : arena_printf(&o->file.arena, "%s «%.*s»", what, SPAN_ARG(title));
}

static struct span event_missed(struct outline *o, struct span id) {
  return event_of_deadline(o, "нарушен срок", id);
}

static struct span event_reminded(struct outline *o, struct span id) {
  return event_of_deadline(o, "напоминание о сроке", id);
}

static struct span event_of_part(struct outline *o, struct span rest) {
  struct span status;
  struct span id = span_cut(rest, '.', &status);
  struct span process = process_of_element(o, id);
  if (process.size == 0) {
    return span_of(NULL, 0);
  }
  struct span title = outline_process(o, process);
  if (status.size == 0) {
    return arena_printf(&o->file.arena, "изменение: %.*s", SPAN_ARG(title));
  }
  struct span reached = outline_status(o, process, status);
  return arena_printf(&o->file.arena, "%.*s: %.*s", SPAN_ARG(title), SPAN_ARG(reached));
}

static struct span event_done(struct outline *o, struct span id) {
  struct span process = process_of_element(o, id);
  struct span title = process.size > 0 ? outline_process(o, process) : id;
  return arena_printf(&o->file.arena, "завершено: %.*s", SPAN_ARG(title));
}

static struct span event_done_state(struct outline *o, struct span id) {
  const struct node *state = outline_state(o, id);
  struct span title = state ? outline_state_title(o, state) : id;
  return arena_printf(&o->file.arena, "завершено: %.*s", SPAN_ARG(title));
}

static struct span event_of_offer(struct outline *o, struct span rest) {
  (void)o;
  struct span outcome;
  (void)span_cut(rest, '.', &outcome);
  return span_is(outcome, "made")   ? SPAN_LITERAL("исполнитель найден")
         : span_is(outcome, "none") ? SPAN_LITERAL("исполнитель не найден")
                                    : SPAN_LITERAL("подбор исполнителя");
}

static struct span event_cancelled(struct outline *o, struct span rest) {
  (void)o;
  (void)rest;
  return SPAN_LITERAL("объемлющий случай завершён");
}

static struct span event_moved(struct outline *o, struct span rest) {
  (void)o;
  (void)rest;
  return SPAN_LITERAL("гражданин переехал в другой муниципалитет");
}

/* What the engine itself tells a chart; what the catalogue names goes before. */
static const struct {
  const char *prefix;
  struct span (*title)(struct outline *, struct span);
} told[] = {
    {"deadline", event_missed},          {"reminder", event_reminded}, {"done.invoke", event_done},
    {"done.state", event_done_state},    {"referral", event_of_part},  {"offer", event_of_offer},
    {"case.cancelled", event_cancelled}, {"case.moved", event_moved},
};

static struct span after_prefix(struct span text, const char *prefix) {
  size_t size = strlen(prefix);
  bool dot = text.size > size && text.data[size] == '.';
  return span_of(text.data + size + dot, text.size - size - dot);
}

static struct span told_event(struct outline *o, struct span event) {
  for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
    struct span prefix = span_of_cstr(told[i].prefix);
    if (span_starts_with(event, prefix) && (event.size == prefix.size || event.data[prefix.size] == '.')) {
      return told[i].title(o, after_prefix(event, told[i].prefix));
    }
  }
  return span_of(NULL, 0);
}

/* Without its capital letter, to stand inside a sentence: Russian letters take two bytes, D0 90 … D0 AF. */
static struct span lowered(struct arena *arena, struct span text) {
  struct span copy = arena_copy(arena, text);
  uint8_t *bytes = (uint8_t *)copy.data;
  bool word = text.size >= 4 && !(bytes[2] == 0xD0 && bytes[3] >= 0x90 && bytes[3] <= 0xAF); /* no abbreviation */
  if (word && bytes[0] == 0xD0 && bytes[1] >= 0x90 && bytes[1] <= 0x9F) {
    bytes[1] = (uint8_t)(bytes[1] + 0x20);
  } else if (word && bytes[0] == 0xD0 && bytes[1] >= 0xA0 && bytes[1] <= 0xAF) {
    bytes[0] = 0xD1;
    bytes[1] = (uint8_t)(bytes[1] - 0x20);
  }
  return copy;
}

struct span outline_event(struct outline *o, struct span event) {
  struct span name = descriptor_bare(event);
  const struct event_rule *rule = catalogue_event(&o->config->catalogue, name);
  if (rule && rule->title.size > 0) {
    return lowered(&o->file.arena, rule->title);
  }
  struct span own = told_event(o, name);
  return own.size > 0 ? own : event;
}
