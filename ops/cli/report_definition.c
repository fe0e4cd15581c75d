/* Definitions of reports: config/reports/NAME.yaml, read strictly and checked against the catalogue. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "report.h"
#include "runtime/yaml.h"

enum { DEFINITION_SIZE_MAX = 1 << 20, NAME_MAX_BYTES = 64, SMALL_MAX = 1000 };

#define TABLES_HINT "бывает cases, deadlines, referrals, events, items"

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
    YAML_TEXTS("until", CYAML_FLAG_OPTIONAL, struct report_having, until),
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
    YAML_TEXT("part", CYAML_FLAG_OPTIONAL, struct report_column, part),
    YAML_TEXT("of", CYAML_FLAG_OPTIONAL, struct report_column, of),
    YAML_TEXT("adds-to", CYAML_FLAG_OPTIONAL, struct report_column, adds_to),
    YAML_END,
};
static const cyaml_schema_value_t column_entry = YAML_RECORD(struct report_column, column_fields);
static const cyaml_schema_field_t sum_fields[] = {
    YAML_TEXTS("fields", CYAML_FLAG_DEFAULT, struct report_sum, fields),
    YAML_TEXTS("equals", CYAML_FLAG_DEFAULT, struct report_sum, equals),
    YAML_END,
};
static const cyaml_schema_value_t sum_entry = YAML_RECORD(struct report_sum, sum_fields);
static const cyaml_schema_field_t section_fields[] = {
    YAML_TEXT("title", CYAML_FLAG_OPTIONAL, struct report_section, title),
    YAML_TEXT("rows", CYAML_FLAG_OPTIONAL, struct report_section, rows),
    YAML_TEXT("scope", CYAML_FLAG_OPTIONAL, struct report_section, scope),
    YAML_RECORDS("where", CYAML_FLAG_OPTIONAL, struct report_section, where, &condition_entry),
    YAML_RECORDS("having", CYAML_FLAG_OPTIONAL, struct report_section, having, &having_entry),
    YAML_TEXTS("sort", CYAML_FLAG_OPTIONAL, struct report_section, sort),
    YAML_TEXTS("group", CYAML_FLAG_OPTIONAL, struct report_section, group),
    YAML_RECORDS("columns", CYAML_FLAG_DEFAULT, struct report_section, columns, &column_entry),
    YAML_RECORDS("sums", CYAML_FLAG_OPTIONAL, struct report_section, sums, &sum_entry),
    YAML_BOOL("full_only", CYAML_FLAG_OPTIONAL, struct report_section, full_only),
    YAML_END,
};
static const cyaml_schema_value_t section_entry = YAML_RECORD(struct report_section, section_fields);
static const cyaml_schema_field_t change_fields[] = {
    YAML_TEXT("event", CYAML_FLAG_DEFAULT, struct report_change, event),
    YAML_TEXT("off", CYAML_FLAG_OPTIONAL, struct report_change, off),
    YAML_TEXT("on", CYAML_FLAG_OPTIONAL, struct report_change, on),
    YAML_END,
};
static const cyaml_schema_value_t change_entry = YAML_RECORD(struct report_change, change_fields);
static const cyaml_schema_field_t extract_fields[] = {
    YAML_TEXTS("kinds", CYAML_FLAG_DEFAULT, struct report_extract, kinds),
    YAML_TEXT("report", CYAML_FLAG_DEFAULT, struct report_extract, report),
    YAML_END,
};
static const cyaml_schema_value_t extract_entry = YAML_RECORD(struct report_extract, extract_fields);
static const cyaml_schema_field_t small_fields[] = {
    YAML_NUMBER("below", CYAML_FLAG_DEFAULT, struct report_definition, small_below),
    YAML_TEXT("source", CYAML_FLAG_DEFAULT, struct report_definition, small_source),
    YAML_END,
};
static const cyaml_schema_field_t definition_fields[] = {
    YAML_TEXT("title", CYAML_FLAG_DEFAULT, struct report_definition, title),
    YAML_TEXT("basis", CYAML_FLAG_OPTIONAL, struct report_definition, basis),
    YAML_TEXT("reader", CYAML_FLAG_DEFAULT, struct report_definition, reader),
    YAML_TEXTS("periods", CYAML_FLAG_OPTIONAL, struct report_definition, periods),
    YAML_BOOL("period_optional", CYAML_FLAG_OPTIONAL, struct report_definition, period_optional),
    YAML_TEXT("participant", CYAML_FLAG_OPTIONAL, struct report_definition, participant),
    YAML_BOOL("participant_needed", CYAML_FLAG_OPTIONAL, struct report_definition, participant_needed),
    YAML_TEXT("sitting_within", CYAML_FLAG_OPTIONAL, struct report_definition, sitting),
    YAML_RECORDS("sitting_changes", CYAML_FLAG_OPTIONAL, struct report_definition, changes, &change_entry),
    YAML_RECORDS("extracts", CYAML_FLAG_OPTIONAL, struct report_definition, extracts, &extract_entry),
    YAML_GROUP("small_cells", CYAML_FLAG_OPTIONAL, struct report_definition, small_fields),
    YAML_TEXTS("closing", CYAML_FLAG_OPTIONAL, struct report_definition, closing),
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

/* `hint`: what to do about it. */
static enum err wrong(const struct check *check, const char *what, struct span word, const char *hint) {
  return fault_set(check->fault, ERR_CONFIG, "%s: %s: «%.*s»; %s", check->path, what, SPAN_ARG(word), hint);
}

static bool process_exists(const struct config *config, struct span name) {
  for (size_t i = 0; i < config->processes_count; i++) {
    if (span_equal(config->processes[i].name, name)) {
      return true;
    }
  }
  return false;
}

/* Names of events and processes that a condition asks for have to be there: else it would quietly find nothing. */
static enum err check_names(const struct check *check, const struct report_condition *condition,
                            const struct text_list *names) {
  bool event = span_is(condition->field, "event");
  bool process = span_is(condition->field, "process") || span_is(condition->field, "root_process");
  for (size_t i = 0; i < names->count && (event || process); i++) {
    struct span name = names->items[i];
    if (event && !span_is(name, "*") && !catalogue_event(&check->config->catalogue, name)) {
      return wrong(check, "такого события нет", name, "названия событий — в catalogue.yaml");
    }
    if (process && !span_is(name, "*") && !process_exists(check->config, name)) {
      return wrong(check, "такого процесса нет", name, "процессы — папки в processes/");
    }
  }
  return ERR_OK;
}

static enum err check_where(const struct check *check, const struct report_condition *where, size_t count) {
  static const char *const periods[] = {"within", "by-end", "since-start", "before-start", "after-end", NULL};
  for (size_t i = 0; i < count; i++) {
    if (!is_one_of(where[i].period, periods)) {
      return wrong(check, "такого отношения к периоду нет", where[i].period,
                   "бывает within, by-end, since-start, before-start, after-end");
    }
    TRY(check_names(check, &where[i], &where[i].is));
    TRY(check_names(check, &where[i], &where[i].not_));
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

static bool is_count(const struct report_column *column) {
  return span_is(column->take, "count") || span_is(column->take, "cases");
}

/* What its reader may not see stands in a report as a month, a yes or a number at most. */
static enum err check_reader(const struct check *check, const struct report_column *column) {
  bool coarse = span_is(column->format, "month") || span_is(column->take, "any") || is_count(column);
  if (!coarse && !(is_for_reader(check, column->field) && is_for_reader(check, column->otherwise))) {
    return wrong(check, "читателю отчёта это поле не показывается", column->field,
                 "покажите месяц, «да» или число, или уберите столбец");
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
  return span_empty(column->words) || column->list
             ? ERR_OK
             : wrong(check, "такого списка слов нет", column->words, "списки — в reports/words.yaml");
}

static const struct report_column *column_named(const struct report_section *section, struct span name) {
  for (size_t i = 0; i < section->columns_count; i++) {
    if (span_equal(section->columns[i].name, name)) {
      return &section->columns[i];
    }
  }
  return NULL;
}

static enum err check_counts(const struct check *check, const struct report_section *section, struct span name) {
  const struct report_column *column = column_named(section, name);
  return column && is_count(column) ? ERR_OK
                                    : wrong(check, "такого столбца с числом в этой части нет", name,
                                            "назовите столбец с take: count или cases");
}

/* The number that a column adds up to stands in a section without rows. */
static enum err check_total(const struct check *check, struct span name) {
  const struct report_definition *definition = check->definition;
  for (size_t i = 0; i < definition->sections_count; i++) {
    if (span_empty(definition->sections[i].rows) && column_named(&definition->sections[i], name)) {
      return check_counts(check, &definition->sections[i], name);
    }
  }
  return wrong(check, "такого числа нет", name, "adds-to называет число из части без rows");
}

static enum err check_all_count(const struct check *check, const struct report_section *section,
                                const struct text_list *names) {
  for (size_t i = 0; i < names->count; i++) {
    TRY(check_counts(check, section, names->items[i]));
  }
  return ERR_OK;
}

static enum err check_sums(const struct check *check, const struct report_section *section) {
  for (size_t i = 0; i < section->sums_count; i++) {
    TRY(check_all_count(check, section, &section->sums[i].fields));
    TRY(check_all_count(check, section, &section->sums[i].equals));
  }
  for (size_t i = 0; i < section->columns_count; i++) {
    const struct report_column *column = &section->columns[i];
    if (!span_empty(column->of) || !span_empty(column->part)) {
      TRY(check_counts(check, section, column->of));
      TRY(check_counts(check, section, column->part));
    }
    TRY(span_empty(column->adds_to) ? ERR_OK : check_total(check, column->adds_to));
  }
  return ERR_OK;
}

static enum err check_column(const struct check *check, struct report_column *column) {
  static const char *const formats[] = {"text", "date",      "month",       "moment",        "number",
                                        "yes",  "territory", "participant", "event",         "stage",
                                        "role", "owner",     "days-left",   "after-sitting", NULL};
  static const char *const takes[] = {"first", "last", "count", "any", "cases", "index", NULL};
  if (!is_one_of(column->format, formats)) {
    return wrong(check, "такого вида (format) нет", column->format, "какие есть — в reports/README.md");
  }
  if (!is_one_of(column->take, takes)) {
    return wrong(check, "такого выбора (take) нет", column->take, "бывает first, last, count, any, cases, index");
  }
  if (!span_empty(column->from) && report_table_of(column->from) < 0) {
    return wrong(check, "такой таблицы нет", column->from, TABLES_HINT);
  }
  TRY(check_reader(check, column));
  TRY(find_words(check, column));
  return check_where(check, column->where, column->where_count);
}

static enum err check_having(const struct check *check, const struct report_having *having) {
  if (report_table_of(having->from) < 0) {
    return wrong(check, "такой таблицы нет", having->from, TABLES_HINT);
  }
  if (having->after.count > 0 && report_table_of(having->from) != REPORT_EVENTS) {
    return wrong(check, "after бывает только у событий", having->from, "уберите after или возьмите from: events");
  }
  if (having->until.count > 0 && report_table_of(having->from) != REPORT_EVENTS) {
    return wrong(check, "until бывает только у событий", having->from, "уберите until или возьмите from: events");
  }
  return check_where(check, having->where, having->where_count);
}

static enum err check_section(const struct check *check, const struct report_section *section) {
  if (!span_empty(section->rows) && report_table_of(section->rows) < 0) {
    return wrong(check, "такой таблицы нет", section->rows, TABLES_HINT);
  }
  if (!span_empty(section->rows) && section->columns_count > REPORT_COLUMNS_MAX) {
    return wrong(check, "слишком много столбцов", section->title, "в таблице их не больше 16");
  }
  for (size_t i = 0; i < section->having_count; i++) {
    TRY(check_having(check, &section->having[i]));
  }
  for (size_t i = 0; i < section->columns_count; i++) {
    const struct report_column *column = &section->columns[i];
    TRY(check_column(check, &section->columns[i]));
    if (span_empty(section->rows) && span_empty(column->from) && span_empty(column->of)) {
      return wrong(check, "столбцу части без rows нужна таблица", column->name, "назовите её в from");
    }
  }
  TRY(check_sums(check, section));
  return check_where(check, section->where, section->where_count);
}

static enum err check_term(const struct check *check) {
  struct term term;
  struct fault fault = {.err = ERR_OK};
  struct span text = check->definition->sitting;
  return span_empty(text) || term_parse(text, &term, &fault) == ERR_OK
             ? ERR_OK
             : wrong(check, "sitting_within: это не срок", text, "срок пишется, например, 10wd");
}

static enum err check_events(const struct check *check) {
  const struct report_definition *definition = check->definition;
  for (size_t i = 0; i < definition->changes_count; i++) {
    if (!catalogue_event(&check->config->catalogue, definition->changes[i].event)) {
      return wrong(check, "такого события нет", definition->changes[i].event, "названия событий — в catalogue.yaml");
    }
  }
  return ERR_OK;
}

static enum err check_definition(const struct check *check) {
  static const char *const periods[] = {"month", "quarter", "day", NULL};
  const struct report_definition *definition = check->definition;
  for (size_t i = 0; i < definition->periods.count; i++) {
    if (!is_one_of(definition->periods.items[i], periods)) {
      return wrong(check, "такого периода нет", definition->periods.items[i], "бывает month, quarter, day");
    }
  }
  if (definition->small_below < 0 || definition->small_below > SMALL_MAX) {
    return wrong(check, "small_cells: порог от 0 до 1000", definition->title, "0 — ничего не скрывать");
  }
  TRY(check_term(check));
  TRY(check_events(check));
  for (size_t i = 0; i < definition->sections_count; i++) {
    TRY(check_section(check, &definition->sections[i]));
  }
  return ERR_OK;
}

enum err report_definition_for(const struct config *config, const struct report_definition *definition,
                               struct span reader, struct fault *fault) {
  struct report_definition other = *definition;
  other.reader = reader;
  const struct check check = {config, &other, definition->path, fault};
  for (size_t i = 0; i < other.sections_count; i++) {
    for (size_t k = 0; k < other.sections[i].columns_count; k++) {
      TRY(check_reader(&check, &other.sections[i].columns[k]));
    }
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
  ret_definition->path = path;
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
  (void)printf("%-17.*s %.*s", SPAN_ARG(name), SPAN_ARG(definition.title));
  (void)printf(span_empty(definition.basis) ? "\n" : " (%.*s)\n", SPAN_ARG(definition.basis));
  return ERR_OK;
}

/* Calls `visit` with each definition's file, by name; -1: there is no such folder. */
static int each_definition(const char *config_dir, struct arena *arena, void (*visit)(void *arg, const char *file),
                           void *arg) {
  const char *folder = arena_cstr(arena, arena_printf(arena, "%s/reports", config_dir));
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, is_definition, alphasort);
  for (int i = 0; i < count; i++) {
    visit(arg, entries[i]->d_name);
    free(entries[i]);
  }
  free((void *)entries);
  return count;
}

struct listing {
  const struct config *config;
  const char *config_dir;
  struct arena *arena;
  struct fault *fault;
  enum err err;
};

static void list_next(void *arg, const char *file) {
  struct listing *l = arg;
  l->err = l->err == ERR_OK ? list_one(l->config, l->config_dir, file, l->arena, l->fault) : l->err;
}

enum err report_definitions_list(const struct config *config, const char *config_dir, struct arena *arena,
                                 struct fault *fault) {
  struct listing listing = {config, config_dir, arena, fault, ERR_OK};
  if (each_definition(config_dir, arena, list_next, &listing) < 0) {
    return fault_set(fault, ERR_NOT_FOUND, "нет папки отчётов: %s/reports", config_dir);
  }
  return listing.err;
}

/* ---- whether they are right ---- */

struct checking {
  const struct config *config;
  const char *config_dir;
  void (*tell)(void *arg, const char *text);
  void *arg;
  size_t wrong;
};

static struct span name_of_file(const char *file) {
  return span_of(file, strlen(file) - (sizeof SUFFIX - 1));
}

/* A report that an extract names has to be there, and for the kinds that get it. */
static enum err check_extracts(const struct checking *c, const struct report_definition *definition,
                               struct arena *arena, struct fault *fault) {
  for (size_t i = 0; i < definition->extracts_count; i++) {
    const struct report_extract *extract = &definition->extracts[i];
    struct report_definition other = {.sections = NULL};
    TRY(report_definition_read(c->config, c->config_dir, arena_cstr(arena, extract->report), arena, &other, fault));
    for (size_t k = 0; k < extract->kinds.count; k++) {
      TRY(report_definition_for(c->config, &other, extract->kinds.items[k], fault));
    }
  }
  return ERR_OK;
}

static void check_next(void *arg, const char *file) {
  struct checking *c = arg;
  struct fault fault = {.err = ERR_OK};
  struct report_definition definition = {.sections = NULL};
  struct arena arena;
  arena_init(&arena, 0);
  const char *name = arena_cstr(&arena, name_of_file(file));
  enum err err = report_definition_read(c->config, c->config_dir, name, &arena, &definition, &fault);
  err = err == ERR_OK ? check_extracts(c, &definition, &arena, &fault) : err;
  if (err != ERR_OK) {
    c->wrong++;
    c->tell(c->arg, fault.text);
  }
  arena_finish(&arena);
}

size_t report_definitions_check(const struct config *config, const char *config_dir,
                                void (*tell)(void *arg, const char *text), void *arg) {
  struct checking checking = {config, config_dir, tell, arg, 0};
  struct arena arena;
  arena_init(&arena, 0);
  (void)each_definition(config_dir, &arena, check_next, &checking);
  arena_finish(&arena);
  return checking.wrong;
}
