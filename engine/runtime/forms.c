/* runtime/forms.c — reading forms, and asking them. */
#include "runtime/forms.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* ---- reading ---- */

static const char suffix[] = ".json";

static enum err read_form(struct config *config, const char *path, struct config_form *form, struct fault *fault) {
  struct span text;
  struct fault found = {.err = ERR_OK};
  TRY(config_read_file(config, path, FORM_BYTES_MAX, &text, fault));
  if (json_read(text, &config->arena, &form->schema, &found) != ERR_OK || form->schema.kind != VALUE_MAP) {
    return fault_set_at(fault, ERR_CONFIG, found.line, found.column, "%s:%u: %s", path, found.line,
                        found.err != ERR_OK ? found.text : "форма — объект JSON");
  }
  form->event = value_get_text(&form->schema, "x-event");
  if (!catalogue_event(&config->catalogue, form->event)) {
    return fault_set(fault, ERR_CONFIG, "%s: x-event не называет события из catalogue.yaml", path);
  }
  return ERR_OK;
}

static bool is_form(const char *name) {
  size_t size = strlen(name);
  return name[0] != '.' && size > sizeof suffix - 1 && strcmp(name + size - (sizeof suffix - 1), suffix) == 0;
}

static enum err add_form(struct config *config, const struct config_process *process, const char *folder,
                         const char *file, struct config_forms *forms, struct fault *fault) {
  if (!is_form(file)) {
    return ERR_OK;
  }
  if (forms->count == FORMS_MAX) {
    return fault_set(fault, ERR_LIMIT, "%s: форм больше %d", folder, FORMS_MAX);
  }
  struct config_form *form = &forms->items[forms->count++];
  struct span path = arena_printf(&config->arena, "%s/%s", folder, file);
  *form = (struct config_form){
      .process = process->name,
      .name = arena_copy(&config->arena, span_of((const uint8_t *)file, strlen(file) - (sizeof suffix - 1)))};
  return read_form(config, arena_cstr(&config->arena, path), form, fault);
}

/* A process without forms has none. */
static enum err load_folder(struct config *config, const struct config_process *process, struct config_forms *forms,
                            struct fault *fault) {
  const char *slash = strrchr(process->file, '/');
  int size = slash ? (int)(slash - process->file) : 0;
  struct span path = arena_printf(&config->arena, "%.*s/forms", size, process->file);
  const char *folder = arena_cstr(&config->arena, path);
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, NULL, alphasort);
  enum err err = ERR_OK;
  for (int i = 0; i < count; i++) {
    err = err == ERR_OK ? add_form(config, process, folder, entries[i]->d_name, forms, fault) : err;
    free(entries[i]);
  }
  free((void *)entries);
  return err;
}

enum err forms_load(struct config *config, struct config_forms *ret_forms, struct fault *fault) {
  struct config_forms forms = {ARENA_ARRAY(&config->arena, struct config_form, FORMS_MAX), 0};
  for (size_t i = 0; i < config->processes_count; i++) {
    TRY(load_folder(config, &config->processes[i], &forms, fault));
  }
  *ret_forms = forms;
  return ERR_OK;
}

/* ---- finding ---- */

const struct config_form *forms_named(const struct config_forms *forms, struct span name) {
  struct span file;
  struct span process = span_cut(name, '/', &file);
  for (size_t i = 0; i < forms->count; i++) {
    if (span_equal(forms->items[i].process, process) && span_equal(forms->items[i].name, file)) {
      return &forms->items[i];
    }
  }
  return NULL;
}

const struct config_form *forms_find(const struct config_forms *forms, struct span process, struct span event,
                                     struct span preferred) {
  const struct config_form *named = forms_named(forms, preferred);
  const struct config_form *any = named && span_equal(named->event, event) ? named : NULL;
  for (size_t i = 0; i < forms->count; i++) {
    const struct config_form *form = &forms->items[i];
    if (!span_equal(form->event, event)) {
      continue;
    }
    if (span_equal(form->process, process)) {
      return form;
    }
    any = any ? any : form;
  }
  return any;
}

/* ---- asking ---- */

static const struct value *property(const struct value *schema, struct span field) {
  const struct value *properties = value_get(schema, "properties");
  return properties ? value_find(properties, field) : NULL;
}

struct span form_title(const struct value *schema, struct span field, struct span otherwise) {
  struct span title = value_get_text(property(schema, field), "title");
  return span_empty(title) ? otherwise : title;
}

/* The codes of a field stand beside it, those of a list beside its items. */
static const struct value *codes_of(const struct value *schema, struct span field) {
  const struct value *rule = property(schema, field);
  const struct value *items = value_get(rule, "items");
  const struct value *codes = value_get(items ? items : rule, "oneOf");
  return codes && codes->kind == VALUE_LIST ? codes : NULL;
}

struct span form_word(const struct value *schema, struct span field, struct span code) {
  const struct value *codes = codes_of(schema, field);
  for (size_t i = 0; codes && i < codes->list.count; i++) {
    struct span title = value_get_text(&codes->list.items[i], "title");
    if (span_equal(value_get_text(&codes->list.items[i], "const"), code) && !span_empty(title)) {
      return title;
    }
  }
  return code;
}

const struct value *form_items(const struct value *schema, struct span field) {
  return value_get(property(schema, field), "items");
}

bool form_needs(const struct value *schema, struct span field) {
  const struct value *required = value_get(schema, "required");
  for (size_t i = 0; required && required->kind == VALUE_LIST && i < required->list.count; i++) {
    if (required->list.items[i].kind == VALUE_TEXT && span_equal(required->list.items[i].text, field)) {
      return true;
    }
  }
  return false;
}
