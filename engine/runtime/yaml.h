/*
 * runtime/yaml.h — strict reading of a YAML text into plain structs, by libcyaml.
 *
 * Purpose: a schema is a constant table over the very structs that the rest of the engine uses: a text is a struct
 * span, a list of texts a struct text_list, a list of records a pointer `x` with a count `x_count`. What libcyaml
 * allocates is copied into the caller's arena and freed here.
 *
 * Strict: unknown, doubled and missing keys and values of a wrong type are errors with line and column.
 * Threading: no shared state. Limits: the caller bounds the text. The depth of a document is that of its schema.
 */
#ifndef KURATOR_RUNTIME_YAML_H
#define KURATOR_RUNTIME_YAML_H

#include <cyaml/cyaml.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum { YAML_TEXT_MAX = 4096, YAML_LIST_MAX = 100000 };

/* `need` is CYAML_FLAG_DEFAULT (must be there) or CYAML_FLAG_OPTIONAL (missing: empty). */
#define YAML_TEXT(name, need, object, member)                                                                          \
  {                                                                                                                    \
    .key = (name), .data_offset = offsetof(object, member.data), .value = {                                            \
      .type = CYAML_STRING,                                                                                            \
      .flags = (enum cyaml_flag)((unsigned)(need) | CYAML_FLAG_POINTER),                                               \
      .data_size = sizeof(char),                                                                                       \
      .string = {.min = 0, .max = YAML_TEXT_MAX}                                                                       \
    }                                                                                                                  \
  }
#define YAML_NUMBER(name, need, object, member)                                                                        \
  {                                                                                                                    \
    .key = (name), .data_offset = offsetof(object, member), .value = {                                                 \
      .type = CYAML_INT,                                                                                               \
      .flags = (need),                                                                                                 \
      .data_size = sizeof(int64_t)                                                                                     \
    }                                                                                                                  \
  }
#define YAML_BOOL(name, need, object, member)                                                                          \
  {                                                                                                                    \
    .key = (name), .data_offset = offsetof(object, member), .value = {                                                 \
      .type = CYAML_BOOL,                                                                                              \
      .flags = (need),                                                                                                 \
      .data_size = sizeof(bool)                                                                                        \
    }                                                                                                                  \
  }
#define YAML_SEQUENCE(name, need, items_offset, size_offset, entry_size, entry_schema)                                 \
  {                                                                                                                    \
    .key = (name), .data_offset = (items_offset), .count_offset = (size_offset), .count_size = sizeof(size_t),         \
    .value = {                                                                                                         \
      .type = CYAML_SEQUENCE,                                                                                          \
      .flags = (enum cyaml_flag)((unsigned)(need) | CYAML_FLAG_POINTER),                                               \
      .data_size = (entry_size),                                                                                       \
      .sequence = {.entry = (entry_schema), .min = 0, .max = YAML_LIST_MAX}                                            \
    }                                                                                                                  \
  }
#define YAML_TEXTS(name, need, object, member)                                                                         \
  YAML_SEQUENCE(name, need, offsetof(object, member.items), offsetof(object, member.count), sizeof(char *),            \
                &yaml_text_entry)
#define YAML_RECORDS(name, need, object, member, entry)                                                                \
  YAML_SEQUENCE(name, need, offsetof(object, member), offsetof(object, member##_count),                                \
                sizeof(*((object *)NULL)->member), entry)
/* A mapping inside the document whose fields count their offsets from the document itself. */
#define YAML_GROUP(name, need, object, group_fields)                                                                   \
  {                                                                                                                    \
    .key = (name), .data_offset = 0, .value = {                                                                        \
      .type = CYAML_MAPPING,                                                                                           \
      .flags = (need),                                                                                                 \
      .data_size = sizeof(object),                                                                                     \
      .mapping = {.fields = (group_fields)}                                                                            \
    }                                                                                                                  \
  }
#define YAML_END                                                                                                       \
  { .key = NULL }

/* What a list of records holds, and what a document is. */
#define YAML_RECORD(object, record_fields)                                                                             \
  {                                                                                                                    \
    .type = CYAML_MAPPING, .flags = CYAML_FLAG_DEFAULT, .data_size = sizeof(object), .mapping = {                      \
      .fields = (record_fields)                                                                                        \
    }                                                                                                                  \
  }
#define YAML_DOCUMENT(object, record_fields)                                                                           \
  {                                                                                                                    \
    .type = CYAML_MAPPING, .flags = CYAML_FLAG_POINTER, .data_size = sizeof(object), .mapping = {                      \
      .fields = (record_fields)                                                                                        \
    }                                                                                                                  \
  }

extern const cyaml_schema_value_t yaml_text_entry;

/* Reads `text` into `*ret_document`, a struct of the schema's type, overwritten as a whole. `file` only stands in the
 * fault: "FILE:LINE:COLUMN: what". ERR_CONFIG. An empty text is an error. */
enum err yaml_read(struct span text, const char *file, const cyaml_schema_value_t *schema, struct arena *arena,
                   void *ret_document, struct fault *fault) MUST_CHECK;
/* The line of the record `index` (from 0, through all lists of the document) of a text that yaml_read has accepted. */
uint32_t yaml_record_line(struct span text, size_t index);

#endif
