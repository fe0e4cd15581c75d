/*
 * runtime/forms.h — the forms of the processes: what the fields of an event are called, and which a document needs.
 *
 * Purpose: reads the JSON files (JSON Schema) of processes/NAME/forms of a loaded configuration, so that a document can
 * be shown in the words of its form. A form fills one event (its "x-event"). Payloads are checked by the catalogue,
 * never by a form.
 *
 * Ownership: everything lives in the arena of the configuration. Threading: immutable once read.
 * Limits: FORM_BYTES_MAX, FORMS_MAX.
 */
#ifndef KURATOR_RUNTIME_FORMS_H
#define KURATOR_RUNTIME_FORMS_H

#include "runtime/config.h"

enum { FORM_BYTES_MAX = 1 << 20, FORMS_MAX = 2000 };

struct config_form {
  struct span process, name; /* folder, and file without ".json" */
  struct span event;         /* that it fills */
  struct value schema;
};
struct config_forms {
  struct config_form *items; /* by process and name, in byte order */
  size_t count;
};

/* ERR_CONFIG with the file when a form is no JSON object or names no event of the catalogue; ERR_LIMIT. */
enum err forms_load(struct config *config, struct config_forms *ret_forms, struct fault *fault) MUST_CHECK;
/* The process' own form for the event, else the one that is `preferred` ("PROCESS/NAME"), else any; NULL: none. */
const struct config_form *forms_find(const struct config_forms *forms, struct span process, struct span event,
                                     struct span preferred);
/* By "PROCESS/NAME"; NULL if there is no such form. */
const struct config_form *forms_named(const struct config_forms *forms, struct span name);
/* The Russian title of a field of the schema, or of a code that it may have; `otherwise` if it has none. */
struct span form_title(const struct value *schema, struct span field, struct span otherwise);
struct span form_word(const struct value *schema, struct span field, struct span code);
/* What the items of a list of records are; NULL if the form does not have the field. */
const struct value *form_items(const struct value *schema, struct span field);
bool form_needs(const struct value *schema, struct span field);

#endif
