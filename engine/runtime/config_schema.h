/*
 * runtime/config_schema.h — the shape of each YAML file of config/, for config.c only.
 *
 * Purpose: one constant table per file. The structs are those of casework/catalogue.h and runtime/config.h; what stands
 * here besides are the few documents that hold parts of them.
 * Threading: constants.
 */
#ifndef KURATOR_RUNTIME_CONFIG_SCHEMA_H
#define KURATOR_RUNTIME_CONFIG_SCHEMA_H

#include "runtime/config.h"
#include "runtime/yaml.h"

/* settings.yaml of a process, before the scalars are told apart. */
struct config_setting_text {
  struct span name, value, fallback, source, title;
};
struct config_settings_document {
  struct config_setting_text *settings;
  size_t settings_count;
};

/* starts.yaml of a process. */
struct config_start {
  struct span event, field, value; /* field and value empty: whatever the event says */
};
struct config_starts_document {
  struct config_start *starts;
  size_t starts_count;
};

/* documents.yaml of a process. */
struct config_event_document {
  struct span event;
  struct event_document document;
};
struct config_documents {
  struct document_state *states;
  size_t states_count;
  struct status_rule *statuses;
  size_t statuses_count;
  struct document_rule *documents;
  size_t documents_count;
  struct config_event_document *events;
  size_t events_count;
};

extern const cyaml_schema_value_t config_catalogue_schema;    /* into struct catalogue: its own five tables */
extern const cyaml_schema_value_t config_participants_schema; /* struct catalogue: participants */
extern const cyaml_schema_value_t config_territories_schema;  /* struct catalogue: territories */
extern const cyaml_schema_value_t config_routing_schema;      /* struct catalogue: routing */
extern const cyaml_schema_value_t config_documents_schema;    /* struct catalogue: documents, their states, statuses */
extern const cyaml_schema_value_t config_process_documents_schema; /* struct config_documents */
extern const cyaml_schema_value_t config_engine_schema;            /* struct config_engine */
extern const cyaml_schema_value_t config_settings_schema;          /* struct config_settings_document */
extern const cyaml_schema_value_t config_starts_schema;            /* struct config_starts_document */

/* A file of the configuration, read whole into the config's arena (`*ret_text`) and by its schema. ERR_CONFIG (a
 * missing file too), ERR_IO. */
enum err config_read_document(struct config *config, const char *path, const cyaml_schema_value_t *schema,
                              struct span *ret_text, void *document, struct fault *fault) MUST_CHECK;

#endif
