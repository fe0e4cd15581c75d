/*
 * runtime/yaml.c — libcyaml behind runtime/yaml.h. What it says of a file that does not fit becomes one fault.
 */
#include "runtime/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/yaml_talk.h"
#include "casework/catalogue.h"

const cyaml_schema_value_t yaml_text_entry = {
    .type = CYAML_STRING,
    .flags = CYAML_FLAG_POINTER,
    .data_size = sizeof(char),
    .string = {.min = 0, .max = YAML_TEXT_MAX},
};

static void hear(cyaml_log_t level, void *arg, const char *format, va_list arguments) {
  (void)level;
  yaml_talk_hear(arg, format, arguments);
}

/* ---- copying what libcyaml made into the arena; recursion is bounded by the depth of the (constant) schema ---- */

static void copy_record(const cyaml_schema_field_t *fields, struct arena *arena, uint8_t *record);

static struct span copy_text(struct arena *arena, const char *text) {
  return text ? arena_copy(arena, span_of_cstr(text)) : (struct span){NULL, 0};
}

static void copy_texts(struct arena *arena, uint8_t *field, size_t count) {
  char **texts;
  memcpy(&texts, field, sizeof(char **));
  struct span *items = ARENA_ARRAY(arena, struct span, count);
  for (size_t i = 0; i < count; i++) {
    items[i] = copy_text(arena, texts[i]);
  }
  void *copied = items;
  memcpy(field, &copied, sizeof copied);
}

static void copy_records(const cyaml_schema_value_t *entry, struct arena *arena, uint8_t *field, size_t count) {
  const uint8_t *records;
  memcpy(&records, field, sizeof records);
  uint8_t *items = arena_calloc(arena, count, entry->data_size);
  for (size_t i = 0; i < count; i++) {
    memcpy(items + i * entry->data_size, records + i * entry->data_size, entry->data_size);
    copy_record(entry->mapping.fields, arena, items + i * entry->data_size);
  }
  memcpy(field, &items, sizeof items);
}

static void copy_sequence(const cyaml_schema_field_t *schema, struct arena *arena, uint8_t *record) {
  size_t count;
  memcpy(&count, record + schema->count_offset, sizeof count);
  if (schema->value.sequence.entry->type == CYAML_STRING) {
    copy_texts(arena, record + schema->data_offset, count);
  } else {
    copy_records(schema->value.sequence.entry, arena, record + schema->data_offset, count);
  }
}

static void copy_field(const cyaml_schema_field_t *schema, struct arena *arena, uint8_t *record) {
  uint8_t *field = record + schema->data_offset;
  if (schema->value.type == CYAML_STRING) {
    struct span text;
    memcpy(&text, field, sizeof text);
    text = copy_text(arena, (const char *)text.data);
    memcpy(field, &text, sizeof text);
  } else if (schema->value.type == CYAML_SEQUENCE) {
    copy_sequence(schema, arena, record);
  } else if (schema->value.type == CYAML_MAPPING) {
    copy_record(schema->value.mapping.fields, arena, field);
  }
}

static void copy_record(const cyaml_schema_field_t *fields, struct arena *arena, uint8_t *record) {
  for (const cyaml_schema_field_t *schema = fields; schema->key; schema++) {
    copy_field(schema, arena, record);
  }
}

enum err yaml_read(struct span text, const char *file, const cyaml_schema_value_t *schema, struct arena *arena,
                   void *ret_document, struct fault *fault) {
  struct yaml_talk talk = {.line = 0};
  const cyaml_config_t config = {
      .log_fn = hear,
      .log_ctx = &talk,
      .mem_fn = cyaml_mem,
      .log_level = CYAML_LOG_ERROR,
      .flags = CYAML_CFG_NO_ALIAS,
  };
  cyaml_data_t *document = NULL;
  cyaml_err_t result = cyaml_load_data(text.data, text.size, &config, schema, &document, NULL);
  if (result != CYAML_OK) {
    return fault_set_at(fault, ERR_CONFIG, talk.line, talk.column, "%s:%u:%u: %s", file, talk.line, talk.column,
                        talk.text[0]                ? talk.text
                        : result == CYAML_ERR_ALIAS ? "ссылки (& и *) здесь не принимаются"
                                                    : "файл не читается");
  }
  if (!document) {
    return fault_set(fault, ERR_CONFIG, "%s: файл пуст", file);
  }
  memcpy(ret_document, document, schema->data_size);
  copy_record(schema->mapping.fields, arena, ret_document);
  (void)cyaml_free(&config, schema, document, 0);
  return ERR_OK;
}

/* ---- where a record stands, which libcyaml does not keep ---- */

/* A list of records lies in the document's own mapping: its records begin two levels down. */
static bool record_begins(const yaml_event_t *event, int *depth) {
  bool begins = event->type == YAML_MAPPING_START_EVENT && *depth == 2;
  if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT) {
    ++*depth;
  } else if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT) {
    --*depth;
  }
  return begins;
}

uint32_t yaml_record_line(struct span text, size_t index) {
  yaml_parser_t parser;
  yaml_event_t event;
  uint32_t line = 0;
  int depth = 0;
  if (!yaml_parser_initialize(&parser)) {
    return 0;
  }
  yaml_parser_set_input_string(&parser, text.data, text.size);
  for (bool more = true; more && line == 0 && yaml_parser_parse(&parser, &event); yaml_event_delete(&event)) {
    more = event.type != YAML_STREAM_END_EVENT;
    if (record_begins(&event, &depth) && index-- == 0) {
      line = (uint32_t)event.start_mark.line + 1;
    }
  }
  yaml_parser_delete(&parser);
  return line;
}
