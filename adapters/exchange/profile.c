#include "exchange/profile.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "base/yaml_talk.h"

/* ---- schema ---- */

static const cyaml_strval_t FORMATS[] = {
    {"text", COLUMN_TEXT},       {"integer", COLUMN_INTEGER}, {"date", COLUMN_DATE},
    {"boolean", COLUMN_BOOLEAN}, {"code", COLUMN_CODE},       {"codes", COLUMN_CODES},
};

#define TEXT_FIELD(key, flags, type, member)                                                                           \
  CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 1, 1000)
#define LIST_FIELD(key, flags, type, member, entry)                                                                    \
  CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | (flags), type, member, member##_count, entry, 0, 1000)

static const cyaml_schema_field_t COLUMN_FIELDS[] = {
    TEXT_FIELD("title", 0, struct profile_column, title),
    TEXT_FIELD("field", CYAML_FLAG_OPTIONAL, struct profile_column, field),
    CYAML_FIELD_ENUM("format", CYAML_FLAG_STRICT, struct profile_column, format, FORMATS, CYAML_ARRAY_LEN(FORMATS)),
    CYAML_FIELD_BOOL("required", CYAML_FLAG_OPTIONAL, struct profile_column, required),
    TEXT_FIELD("list", CYAML_FLAG_OPTIONAL, struct profile_column, list),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t COLUMN = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_column, COLUMN_FIELDS)};

static const cyaml_schema_field_t SETTING_FIELDS[] = {
    TEXT_FIELD("field", 0, struct profile_setting, field),
    CYAML_FIELD_ENUM("format", CYAML_FLAG_STRICT, struct profile_setting, format, FORMATS, CYAML_ARRAY_LEN(FORMATS)),
    TEXT_FIELD("value", 0, struct profile_setting, value),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t SETTING = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_setting, SETTING_FIELDS)};

static const cyaml_schema_field_t CHOICE_FIELDS[] = {
    TEXT_FIELD("text", 0, struct profile_choice, text),
    TEXT_FIELD("event", 0, struct profile_choice, event),
    TEXT_FIELD("date_field", CYAML_FLAG_OPTIONAL, struct profile_choice, date_field),
    LIST_FIELD("set", CYAML_FLAG_OPTIONAL, struct profile_choice, set, &SETTING),
    TEXT_FIELD("sender", CYAML_FLAG_OPTIONAL, struct profile_choice, sender),
    TEXT_FIELD("own_case", CYAML_FLAG_OPTIONAL, struct profile_choice, own_case),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t CHOICE = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_choice, CHOICE_FIELDS)};

static const cyaml_schema_field_t TABLE_FIELDS[] = {
    TEXT_FIELD("name", 0, struct profile_table, name),
    TEXT_FIELD("event", CYAML_FLAG_OPTIONAL, struct profile_table, event),
    TEXT_FIELD("event_column", CYAML_FLAG_OPTIONAL, struct profile_table, event_column),
    LIST_FIELD("events", CYAML_FLAG_OPTIONAL, struct profile_table, events, &CHOICE),
    TEXT_FIELD("case_column", CYAML_FLAG_OPTIONAL, struct profile_table, case_column),
    TEXT_FIELD("occurred_column", CYAML_FLAG_OPTIONAL, struct profile_table, occurred_column),
    LIST_FIELD("columns", 0, struct profile_table, columns, &COLUMN),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t TABLE = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_table, TABLE_FIELDS)};

static const cyaml_schema_field_t OUT_COLUMN_FIELDS[] = {
    TEXT_FIELD("title", 0, struct profile_out_column, title),
    TEXT_FIELD("field", 0, struct profile_out_column, field),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t OUT_COLUMN = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_out_column, OUT_COLUMN_FIELDS)};

static const cyaml_schema_field_t OUT_FIELDS[] = {
    TEXT_FIELD("name", 0, struct profile_out, name),
    TEXT_FIELD("delivery", 0, struct profile_out, delivery),
    LIST_FIELD("columns", 0, struct profile_out, columns, &OUT_COLUMN),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t OUT = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_out, OUT_FIELDS)};

static const cyaml_schema_field_t REPLY_FIELD_FIELDS[] = {
    TEXT_FIELD("field", 0, struct profile_reply_field, field),
    TEXT_FIELD("from", 0, struct profile_reply_field, from),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t REPLY_FIELD = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_reply_field, REPLY_FIELD_FIELDS)};

static const cyaml_schema_field_t REPLY_FIELDS[] = {
    TEXT_FIELD("delivery", 0, struct profile_reply, delivery),
    TEXT_FIELD("event", 0, struct profile_reply, event),
    TEXT_FIELD("case_field", 0, struct profile_reply, case_field),
    TEXT_FIELD("date_field", CYAML_FLAG_OPTIONAL, struct profile_reply, date_field),
    LIST_FIELD("fields", CYAML_FLAG_OPTIONAL, struct profile_reply, fields, &REPLY_FIELD),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t REPLY = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_reply, REPLY_FIELDS)};

static const cyaml_schema_value_t NAME = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 1000)};
static const cyaml_schema_field_t CODE_FIELDS[] = {
    TEXT_FIELD("code", 0, struct profile_code, code),
    TEXT_FIELD("title", 0, struct profile_code, title),
    LIST_FIELD("names", CYAML_FLAG_OPTIONAL, struct profile_code, names, &NAME),
    CYAML_FIELD_IGNORE("within", CYAML_FLAG_OPTIONAL), /* of a settlement: the engine's business */
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t CODE = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_code, CODE_FIELDS)};

static const cyaml_schema_field_t LIST_FIELDS[] = {
    TEXT_FIELD("name", 0, struct profile_list, name),
    LIST_FIELD("items", 0, struct profile_list, items, &CODE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t LIST = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_list, LIST_FIELDS)};

static const cyaml_schema_field_t ALTERNATIVE_FIELDS[] = {
    TEXT_FIELD("event", 0, struct profile_alternative, event),
    TEXT_FIELD("when", CYAML_FLAG_OPTIONAL, struct profile_alternative, when),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t ALTERNATIVE = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_alternative, ALTERNATIVE_FIELDS)};

static const cyaml_schema_field_t INSTEAD_FIELDS[] = {
    TEXT_FIELD("name", 0, struct profile_instead, name),
    LIST_FIELD("of", 0, struct profile_instead, of, &ALTERNATIVE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t INSTEAD = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct profile_instead, INSTEAD_FIELDS)};

static const cyaml_schema_field_t ONCE_FIELDS[] = {
    LIST_FIELD("fields", 0, struct profile_once, fields, &NAME),
    TEXT_FIELD("again_after", CYAML_FLAG_OPTIONAL, struct profile_once, again_after),
    TEXT_FIELD("again_field", CYAML_FLAG_OPTIONAL, struct profile_once, again_field),
    LIST_FIELD("instead", CYAML_FLAG_OPTIONAL, struct profile_once, instead, &INSTEAD),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t ASKED_FIELDS[] = {
    TEXT_FIELD("delivery", 0, struct profile_asked, delivery),
    TEXT_FIELD("until", 0, struct profile_asked, until),
    TEXT_FIELD("item", 0, struct profile_asked, item),
    TEXT_FIELD("text", 0, struct profile_asked, text),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t PROFILE_FIELDS[] = {
    TEXT_FIELD("title", 0, struct profile, title),
    LIST_FIELD("tables", CYAML_FLAG_OPTIONAL, struct profile, tables, &TABLE),
    LIST_FIELD("out", CYAML_FLAG_OPTIONAL, struct profile, out, &OUT),
    LIST_FIELD("replies", CYAML_FLAG_OPTIONAL, struct profile, replies, &REPLY),
    CYAML_FIELD_MAPPING_PTR("once", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct profile, once, ONCE_FIELDS),
    CYAML_FIELD_MAPPING_PTR("asked", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct profile, asked, ASKED_FIELDS),
    LIST_FIELD("lists", CYAML_FLAG_OPTIONAL, struct profile, lists, &LIST),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t PROFILE = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct profile, PROFILE_FIELDS)};

/* config/territories.yaml, the same records that the engine reads. */
struct territories {
  struct profile_code *territories;
  unsigned territories_count;
};
static const cyaml_schema_field_t TERRITORIES_FIELDS[] = {
    LIST_FIELD("territories", 0, struct territories, territories, &CODE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t TERRITORIES = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct territories, TERRITORIES_FIELDS)};

static void hear(cyaml_log_t level, void *arg, const char *format, va_list arguments) {
  (void)level;
  if (arg) {
    yaml_talk_hear(arg, format, arguments);
  }
}

static cyaml_config_t loader(struct yaml_talk *talk) {
  return (cyaml_config_t){
      .log_fn = hear, .log_ctx = talk, .log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem, .flags = CYAML_CFG_DEFAULT};
}

static enum err load(const char *path, const cyaml_schema_value_t *schema, void **ret_data, struct fault *fault) {
  struct yaml_talk talk = {.line = 0};
  const cyaml_config_t config = loader(&talk);
  cyaml_err_t result = cyaml_load_file(path, &config, schema, ret_data, NULL);
  if (result != CYAML_OK) {
    return fault_set_at(fault, ERR_CONFIG, talk.line, talk.column, "%s:%u: %s", path, talk.line,
                        talk.text[0] ? talk.text : "файл не открывается");
  }
  /* libcyaml reads an empty document as nothing at all. */
  return *ret_data ? ERR_OK : fault_set(fault, ERR_CONFIG, "%s: файл пуст", path);
}

/* ---- use ---- */

const struct profile_list *profile_list(const struct profile *profile, const char *name) {
  for (unsigned i = 0; i < profile->lists_count; i++) {
    if (strcmp(profile->lists[i].name, name) == 0) {
      return &profile->lists[i];
    }
  }
  return NULL;
}

static const struct profile_column *find_column(const struct profile_table *table, const char *title) {
  for (unsigned i = 0; i < table->columns_count; i++) {
    if (strcmp(table->columns[i].title, title) == 0) {
      return &table->columns[i];
    }
  }
  return NULL;
}

static bool is_required(const struct profile_table *table, const char *title) {
  const struct profile_column *column = find_column(table, title);
  return column && column->required;
}

static enum err check_column(const struct profile *profile, const struct profile_column *column, struct fault *fault) {
  bool coded = column->format == COLUMN_CODE || column->format == COLUMN_CODES;
  if (coded && !(column->list && profile_list(profile, column->list))) {
    return fault_set(fault, ERR_CONFIG, "столбец «%s»: нет списка «%s»", column->title,
                     column->list ? column->list : "");
  }
  return ERR_OK;
}

/* A value that a choice sets has to be one, and its list the column's of that field; only the plain formats have none.
 */
static enum err check_choice(const struct profile_table *table, const struct profile_choice *choice,
                             struct fault *fault) {
  for (unsigned i = 0; i < choice->set_count; i++) {
    enum column_format format = choice->set[i].format;
    if (format == COLUMN_CODE || format == COLUMN_CODES) {
      return fault_set(fault, ERR_CONFIG, "таблица «%s»: в set не бывает списка кодов: впишите код текстом",
                       table->name);
    }
  }
  return table->case_column || choice->own_case
             ? ERR_OK
             : fault_set(fault, ERR_CONFIG, "таблица «%s»: без case_column каждому выбору нужен own_case", table->name);
}

static enum err check_table(const struct profile *profile, const struct profile_table *table, struct fault *fault) {
  if (!table->event == !table->event_column) {
    return fault_set(fault, ERR_CONFIG, "таблица «%s»: нужно либо event, либо event_column", table->name);
  }
  for (unsigned i = 0; i < table->events_count; i++) {
    TRY(check_choice(table, &table->events[i], fault));
  }
  bool cases = table->case_column ? is_required(table, table->case_column) : table->events_count > 0;
  if (!cases || (table->event_column && !is_required(table, table->event_column))) {
    return fault_set(fault, ERR_CONFIG,
                     "таблица «%s»: столбцы case_column и event_column должны быть обязательными (required)",
                     table->name);
  }
  const struct profile_column *occurred = table->occurred_column ? find_column(table, table->occurred_column) : NULL;
  if (table->occurred_column && !(occurred && occurred->format == COLUMN_DATE)) {
    return fault_set(fault, ERR_CONFIG, "таблица «%s»: occurred_column — столбец вида date", table->name);
  }
  for (unsigned i = 0; i < table->columns_count; i++) {
    TRY(check_column(profile, &table->columns[i], fault));
  }
  return ERR_OK;
}

static void free_territories(struct territories **territories) {
  const cyaml_config_t config = loader(NULL);
  if (*territories) {
    cyaml_free(&config, &TERRITORIES, *territories, 0);
  }
}

static enum err grow_lists(struct profile *profile) {
  struct profile_list *lists = realloc(profile->lists, (profile->lists_count + 1) * sizeof *profile->lists);
  if (!lists) {
    return ERR_NO_MEMORY;
  }
  profile->lists = lists;
  return ERR_OK;
}

/* The territories become one more list, in memory that libcyaml's free will release with the rest. */
static enum err add_territories(struct profile *profile, const char *path, struct fault *fault) {
  struct territories *territories DEFER(free_territories) = NULL;
  TRY(load(path, &TERRITORIES, (void **)&territories, fault));
  char *name = strdup("territories");
  if (!name || grow_lists(profile) != ERR_OK) {
    free(name);
    return fault_set(fault, ERR_NO_MEMORY, "%s", words_of_err(ERR_NO_MEMORY));
  }
  profile->lists[profile->lists_count++] = (struct profile_list){
      .name = name, .items = territories->territories, .items_count = territories->territories_count};
  free(territories);
  territories = NULL;
  return ERR_OK;
}

enum err profile_load(const char *path, const char *territories_path, struct profile **ret_profile,
                      struct fault *fault) {
  struct profile *profile DEFER(profile_destroy) = NULL;
  TRY(load(path, &PROFILE, (void **)&profile, fault));
  if (territories_path) {
    TRY(add_territories(profile, territories_path, fault));
  }
  for (unsigned i = 0; i < profile->tables_count; i++) {
    TRY(check_table(profile, &profile->tables[i], fault));
  }
  if (profile->once &&
      (profile->once->fields_count == 0 || !profile->once->again_after != !profile->once->again_field)) {
    return fault_set(fault, ERR_CONFIG,
                     "once: нужно хотя бы одно поле, а again_after стоит только вместе с again_field");
  }
  *ret_profile = profile;
  profile = NULL;
  return ERR_OK;
}

void profile_destroy(struct profile **profile) {
  const cyaml_config_t config = loader(NULL);
  if (*profile) {
    cyaml_free(&config, &PROFILE, *profile, 0);
    *profile = NULL;
  }
}
