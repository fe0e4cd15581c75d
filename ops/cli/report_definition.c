/* Definitions of reports: config/reports/NAME.yaml, read strictly and checked against the catalogue. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "report.h"
#include "runtime/yaml.h"

enum { DEFINITION_SIZE_MAX = 1 << 20, NAME_MAX_BYTES = 64 };

static const cyaml_schema_field_t condition_fields[] = {
    YAML_TEXT("field", CYAML_FLAG_DEFAULT, struct report_condition, field),
    YAML_TEXTS("is", CYAML_FLAG_OPTIONAL, struct report_condition, is),
    YAML_TEXTS("not", CYAML_FLAG_OPTIONAL, struct report_condition, not_),
    YAML_TEXT("period", CYAML_FLAG_OPTIONAL, struct report_condition, period),
    YAML_TEXT("not-after", CYAML_FLAG_OPTIONAL, struct report_condition, than),
    YAML_BOOL("missing", CYAML_FLAG_OPTIONAL, struct report_condition, missing),
    YAML_END,
};
static const cyaml_schema_value_t condition_entry = YAML_RECORD(struct report_condition, condition_fields);
static const cyaml_schema_field_t word_fields[] = {
    YAML_TEXT("code", CYAML_FLAG_DEFAULT, struct report_word, code),
    YAML_TEXT("text", CYAML_FLAG_DEFAULT, struct report_word, text),
    YAML_END,
};
static const cyaml_schema_value_t word_entry = YAML_RECORD(struct report_word, word_fields);
static const cyaml_schema_field_t words_fields[] = {
    YAML_TEXT("name", CYAML_FLAG_DEFAULT, struct report_words, name),
    YAML_RECORDS("words", CYAML_FLAG_DEFAULT, struct report_words, words, &word_entry),
    YAML_END,
};
static const cyaml_schema_value_t words_entry = YAML_RECORD(struct report_words, words_fields);
static const cyaml_schema_field_t lists_fields[] = {
    YAML_RECORDS("lists", CYAML_FLAG_DEFAULT, struct report_definition, lists, &words_entry),
    YAML_END,
};
static const cyaml_schema_value_t lists_schema = YAML_DOCUMENT(struct report_definition, lists_fields);
static const cyaml_schema_field_t having_fields[] = {
    YAML_TEXT("from", CYAML_FLAG_DEFAULT, struct report_having, from),
    YAML_TEXTS("same", CYAML_FLAG_OPTIONAL, struct report_having, same),
    YAML_TEXTS("after", CYAML_FLAG_OPTIONAL, struct report_having, after),
    YAML_RECORDS("where", CYAML_FLAG_OPTIONAL, struct report_having, where, &condition_entry),
    YAML_BOOL("none", CYAML_FLAG_OPTIONAL, struct report_having, none),
    YAML_END,
};
static const cyaml_schema_value_t having_entry = YAML_RECORD(struct report_having, having_fields);
static const cyaml_schema_field_t column_fields[] = {
    YAML_TEXT("name", CYAML_FLAG_DEFAULT, struct report_column, name),
    YAML_TEXT("title", CYAML_FLAG_DEFAULT, struct report_column, title),
    YAML_TEXT("field", CYAML_FLAG_OPTIONAL, struct report_column, field),
    YAML_TEXT("else", CYAML_FLAG_OPTIONAL, struct report_column, otherwise),
    YAML_TEXT("format", CYAML_FLAG_OPTIONAL, struct report_column, format),
    YAML_TEXT("role", CYAML_FLAG_OPTIONAL, struct report_column, role),
    YAML_TEXT("from", CYAML_FLAG_OPTIONAL, struct report_column, from),
    YAML_TEXTS("same", CYAML_FLAG_OPTIONAL, struct report_column, same),
    YAML_RECORDS("where", CYAML_FLAG_OPTIONAL, struct report_column, where, &condition_entry),
    YAML_TEXT("take", CYAML_FLAG_OPTIONAL, struct report_column, take),
    YAML_TEXT("words", CYAML_FLAG_OPTIONAL, struct report_column, words),
    YAML_END,
};
static const cyaml_schema_value_t column_entry = YAML_RECORD(struct report_column, column_fields);
static const cyaml_schema_field_t section_fields[] = {
    YAML_TEXT("title", CYAML_FLAG_OPTIONAL, struct report_section, title),
    YAML_TEXT("rows", CYAML_FLAG_OPTIONAL, struct report_section, rows),
    YAML_TEXT("scope", CYAML_FLAG_OPTIONAL, struct report_section, scope),
    YAML_RECORDS("where", CYAML_FLAG_OPTIONAL, struct report_section, where, &condition_entry),
    YAML_RECORDS("having", CYAML_FLAG_OPTIONAL, struct report_section, having, &having_entry),
    YAML_TEXTS("sort", CYAML_FLAG_OPTIONAL, struct report_section, sort),
    YAML_TEXTS("group", CYAML_FLAG_OPTIONAL, struct report_section, group),
    YAML_RECORDS("columns", CYAML_FLAG_DEFAULT, struct report_section, columns, &column_entry),
    YAML_END,
};
static const cyaml_schema_value_t section_entry = YAML_RECORD(struct report_section, section_fields);
static const cyaml_schema_field_t definition_fields[] = {
    YAML_TEXT("title", CYAML_FLAG_DEFAULT, struct report_definition, title),
    YAML_TEXT("basis", CYAML_FLAG_DEFAULT, struct report_definition, basis),
    YAML_TEXT("reader", CYAML_FLAG_DEFAULT, struct report_definition, reader),
    YAML_TEXTS("periods", CYAML_FLAG_OPTIONAL, struct report_definition, periods),
    YAML_BOOL("period_optional", CYAML_FLAG_OPTIONAL, struct report_definition, period_optional),
    YAML_TEXT("participant", CYAML_FLAG_OPTIONAL, struct report_definition, participant),
    YAML_BOOL("participant_needed", CYAML_FLAG_OPTIONAL, struct report_definition, participant_needed),
    YAML_TEXT("sitting_within", CYAML_FLAG_OPTIONAL, struct report_definition, sitting),
    YAML_RECORDS("sections", CYAML_FLAG_DEFAULT, struct report_definition, sections, &section_entry),
    YAML_END,
};
static const cyaml_schema_value_t definition_schema = YAML_DOCUMENT(struct report_definition, definition_fields);

static const char *const table_names[REPORT_TABLES] = {"cases", "deadlines", "referrals", "events", "items"};

int report_table_of(struct span name) {
  for (int i = 0; i < REPORT_TABLES; i++) {
    if (span_is(name, table_names[i])) {
      return i;
    }
  }
  return -1;
}

/* ---- checks ---- */

struct check {
  const struct config *config;
  const struct report_definition *definition;
  const char *path;
  struct fault *fault;
};

/* The word is one of the list (which ends with NULL), or empty. */
static bool is_one_of(struct span word, const char *const *words) {
  bool found = span_empty(word);
  for (; !found && *words; words++) {
    found = span_is(word, *words);
  }
  return found;
}

static enum err wrong(const struct check *check, const char *what, struct span word) {
  return fault_set(check->fault, ERR_CONFIG, "%s: %s: \"%.*s\"", check->path, what, SPAN_ARG(word));
}

static enum err check_where(const struct check *check, const struct report_condition *where, size_t count) {
  static const char *const periods[] = {"within", "by-end", "since-start", "before-start", "after-end", NULL};
  for (size_t i = 0; i < count; i++) {
    if (!is_one_of(where[i].period, periods)) {
      return wrong(check, "no such period", where[i].period);
    }
  }
  return ERR_OK;
}

static const struct field_rule *rule_of(const struct field_rule *rules, size_t count, struct span name) {
  for (size_t i = 0; i < count; i++) {
    if (span_equal(rules[i].name, name)) {
      return &rules[i];
    }
  }
  return NULL;
}

/* A name has one class wherever it stands. NULL: no event and no record has such a field. */
static const struct data_class *class_of(const struct catalogue *catalogue, struct span name) {
  const struct field_rule *rule = NULL;
  for (size_t i = 0; !rule && i < catalogue->events_count; i++) {
    rule = rule_of(catalogue->events[i].fields, catalogue->events[i].fields_count, name);
  }
  for (size_t i = 0; !rule && i < catalogue->records_count; i++) {
    rule = rule_of(catalogue->records[i].fields, catalogue->records[i].fields_count, name);
  }
  return rule ? catalogue_class(catalogue, rule->class_name) : NULL;
}

/* True if the reader of the report may see a field of an event's data: "data.NAME" or "item.NAME". */
static bool is_for_reader(const struct check *check, struct span path) {
  struct span name;
  struct span map = span_cut(path, '.', &name);
  if (span_empty(name) || (!span_is(map, "data") && !span_is(map, "item"))) {
    return true;
  }
  const struct data_class *seen = class_of(&check->config->catalogue, name);
  return seen && text_list_has(&seen->seen_by, check->definition->reader);
}

/* What its reader may not see stands in a report as a month, a yes or a number at most. */
static enum err check_reader(const struct check *check, const struct report_column *column) {
  bool coarse = span_is(column->format, "month") || span_is(column->take, "any") || span_is(column->take, "count") ||
                span_is(column->take, "cases");
  if (!coarse && !(is_for_reader(check, column->field) && is_for_reader(check, column->otherwise))) {
    return wrong(check, "the reader may not see this field", column->field);
  }
  return ERR_OK;
}

static enum err find_words(const struct check *check, struct report_column *column) {
  const struct report_definition *definition = check->definition;
  for (size_t i = 0; i < definition->lists_count && !span_empty(column->words); i++) {
    if (span_equal(definition->lists[i].name, column->words)) {
      column->list = &definition->lists[i];
    }
  }
  return span_empty(column->words) || column->list ? ERR_OK : wrong(check, "no such list of words", column->words);
}

static enum err check_column(const struct check *check, struct report_column *column) {
  static const char *const formats[] = {"text", "date",      "month",       "moment",        "number",
                                        "yes",  "territory", "participant", "event",         "stage",
                                        "role", "owner",     "days-left",   "after-sitting", NULL};
  static const char *const takes[] = {"first", "last", "count", "any", "cases", "index", NULL};
  if (!is_one_of(column->format, formats)) {
    return wrong(check, "no such format", column->format);
  }
  if (!is_one_of(column->take, takes)) {
    return wrong(check, "no such take", column->take);
  }
  if (!span_empty(column->from) && report_table_of(column->from) < 0) {
    return wrong(check, "no such table", column->from);
  }
  TRY(check_reader(check, column));
  TRY(find_words(check, column));
  return check_where(check, column->where, column->where_count);
}

static enum err check_section(const struct check *check, const struct report_section *section) {
  if (!span_empty(section->rows) && report_table_of(section->rows) < 0) {
    return wrong(check, "no such table", section->rows);
  }
  if (!span_empty(section->rows) && section->columns_count > REPORT_COLUMNS_MAX) {
    return wrong(check, "more columns than a table has", section->title);
  }
  for (size_t i = 0; i < section->having_count; i++) {
    if (report_table_of(section->having[i].from) < 0) {
      return wrong(check, "no such table", section->having[i].from);
    }
    if (section->having[i].after.count > 0 && report_table_of(section->having[i].from) != REPORT_EVENTS) {
      return wrong(check, "\"after\" is for events, not for", section->having[i].from);
    }
    TRY(check_where(check, section->having[i].where, section->having[i].where_count));
  }
  for (size_t i = 0; i < section->columns_count; i++) {
    TRY(check_column(check, &section->columns[i]));
    if (span_empty(section->rows) && span_empty(section->columns[i].from)) {
      return wrong(check, "a section without rows needs \"from\"", section->columns[i].name);
    }
  }
  return check_where(check, section->where, section->where_count);
}

static enum err check_definition(const struct check *check) {
  static const char *const periods[] = {"month", "quarter", NULL};
  const struct report_definition *definition = check->definition;
  struct term term;
  for (size_t i = 0; i < definition->periods.count; i++) {
    if (!is_one_of(definition->periods.items[i], periods)) {
      return wrong(check, "no such period", definition->periods.items[i]);
    }
  }
  if (!span_empty(definition->sitting)) {
    TRY(term_parse(definition->sitting, &term, check->fault));
  }
  for (size_t i = 0; i < definition->sections_count; i++) {
    TRY(check_section(check, &definition->sections[i]));
  }
  return ERR_OK;
}

/* ---- reading ---- */

/* Lower case letters, digits, hyphens: no name leads out of the folder. */
static bool is_name(const char *name) {
  size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
  return size > 0 && size <= NAME_MAX_BYTES && name[size] == '\0';
}

static enum err read_document(const char *path, const cyaml_schema_value_t *schema, struct arena *arena,
                              struct report_definition *ret_document, struct fault *fault) {
  DEFER(cli_file_free) struct span text = {NULL, 0};
  TRY(cli_read_file(path, DEFINITION_SIZE_MAX, &text, fault));
  return yaml_read(text, path, schema, arena, ret_document, fault);
}

enum err report_definition_read(const struct config *config, const char *config_dir, const char *name,
                                struct arena *arena, struct report_definition *ret_definition, struct fault *fault) {
  if (!is_name(name)) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого отчёта: %s", name);
  }
  const char *path = arena_cstr(arena, arena_printf(arena, "%s/reports/%s.yaml", config_dir, name));
  const char *words = arena_cstr(arena, arena_printf(arena, "%s/reports/words.yaml", config_dir));
  enum err err = read_document(path, &definition_schema, arena, ret_definition, fault);
  if (err == ERR_NOT_FOUND) {
    return fault_set(fault, err, "нет такого отчёта: %s (нет файла %s)", name, path);
  }
  TRY(err);
  struct report_definition lists = {.lists = NULL};
  TRY(read_document(words, &lists_schema, arena, &lists, fault));
  ret_definition->lists = lists.lists;
  ret_definition->lists_count = lists.lists_count;
  const struct check check = {config, ret_definition, path, fault};
  return check_definition(&check);
}

/* ---- which there are ---- */

#define SUFFIX ".yaml"
#define WORDS  "words"

static int is_definition(const struct dirent *entry) {
  size_t size = strlen(entry->d_name);
  size_t suffix = sizeof SUFFIX - 1;
  return size > suffix && strcmp(entry->d_name + size - suffix, SUFFIX) == 0 &&
         strcmp(entry->d_name, WORDS SUFFIX) != 0;
}

static enum err list_one(const struct config *config, const char *config_dir, const char *file, struct arena *arena,
                         struct fault *fault) {
  struct report_definition definition = {.sections = NULL};
  struct span name = span_of(file, strlen(file) - (sizeof SUFFIX - 1));
  TRY(report_definition_read(config, config_dir, arena_cstr(arena, name), arena, &definition, fault));
  (void)printf("%-14.*s %.*s (%.*s)\n", SPAN_ARG(name), SPAN_ARG(definition.title), SPAN_ARG(definition.basis));
  return ERR_OK;
}

enum err report_definitions_list(const struct config *config, const char *config_dir, struct arena *arena,
                                 struct fault *fault) {
  const char *folder = arena_cstr(arena, arena_printf(arena, "%s/reports", config_dir));
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, is_definition, alphasort);
  if (count < 0) {
    return fault_set(fault, ERR_NOT_FOUND, "нет папки отчётов: %s", folder);
  }
  enum err err = ERR_OK;
  for (int i = 0; i < count; i++) {
    err = err == ERR_OK ? list_one(config, config_dir, entries[i]->d_name, arena, fault) : err;
    free(entries[i]);
  }
  free((void *)entries);
  return err;
}
