/*
 * runtime/starts.c — starts.yaml of a process' folder becomes rules of the catalogue.
 *
 * The catalogue has been checked and sorted when this runs; each rule is checked before it joins, against the event and
 * against every rule that stands there already, whichever file it came from.
 */
#include "runtime/starts.h"

#include <string.h>
#include <unistd.h>

#include "casework/payload.h"
#include "runtime/config_schema.h"

/* The rule at hand, and where it stands. */
struct claim {
  const struct config_start *rule;
  struct span process;
  const char *file;
  uint32_t line;
};

static enum err complain(const struct claim *claim, struct fault *fault, const char *what, struct span name) {
  return fault_set_at(fault, ERR_CONFIG, claim->line, 0, "%s:%u: событие «%.*s»: %s «%.*s»", claim->file, claim->line,
                      SPAN_ARG(claim->rule->event), what, SPAN_ARG(name));
}

/* ---- against the event ---- */

static const struct field_rule *field_of(const struct event_rule *event, struct span name) {
  for (size_t i = 0; i < event->fields_count; i++) {
    if (span_equal(event->fields[i].name, name)) {
      return &event->fields[i];
    }
  }
  return NULL;
}

/* A value that the event cannot carry would never start anything; a personal one is not there when it is asked for. */
static enum err check_condition(const struct catalogue *catalogue, const struct event_rule *event,
                                const struct claim *claim, struct fault *fault) {
  const struct config_start *rule = claim->rule;
  if (span_empty(rule->field) != span_empty(rule->value)) {
    return complain(claim, fault, "field и value стоят только вместе; процесс", claim->process);
  }
  if (span_empty(rule->field)) {
    return ERR_OK;
  }
  const struct field_rule *field = field_of(event, rule->field);
  const struct data_class *class = field ? catalogue_class(catalogue, field->class_name) : NULL;
  if (!class || class->personal || !span_is(field->format, "code")) {
    return complain(claim, fault, "у него нет поля-кода, о котором можно спросить, с именем", rule->field);
  }
  bool open_list = field->values.count == 0;
  if (open_list ? !payload_key_valid(rule->value) : !text_list_has(&field->values, rule->value)) {
    return complain(claim, fault, "у поля не бывает значения", rule->value);
  }
  return ERR_OK;
}

/* ---- against the rules that stand there ---- */

static enum err check_conflict(const struct event_rule *event, const struct claim *claim, struct fault *fault) {
  const struct config_start *rule = claim->rule;
  if (span_empty(rule->field)) {
    return span_empty(event->starts) ? ERR_OK : complain(claim, fault, "уже начинает другой процесс:", event->starts);
  }
  for (size_t i = 0; i < event->starts_when_count; i++) {
    const struct start_rule *other = &event->starts_when[i];
    bool same_field = span_equal(other->field, rule->field);
    bool same_value = span_equal(other->value, rule->value);
    bool own = span_equal(other->process, claim->process);
    if (own ? same_field && same_value : !same_field || same_value) {
      return complain(claim, fault, "то же сообщение может начать и процесс", other->process);
    }
  }
  return ERR_OK;
}

static void join(struct arena *arena, struct event_rule *event, const struct claim *claim) {
  if (span_empty(claim->rule->field)) {
    event->starts = claim->process;
    return;
  }
  size_t count = event->starts_when_count;
  struct start_rule *grown = ARENA_ARRAY(arena, struct start_rule, count + 1);
  if (count > 0) {
    memcpy(grown, event->starts_when, count * sizeof *grown);
  }
  grown[count] = (struct start_rule){claim->rule->field, claim->rule->value, claim->process};
  event->starts_when = grown;
  event->starts_when_count = count + 1;
}

static enum err add(struct config *config, const struct claim *claim, struct fault *fault) {
  const struct event_rule *known = catalogue_event(&config->catalogue, claim->rule->event);
  if (!known) {
    return complain(claim, fault, "такого события нет в catalogue.yaml; процесс", claim->process);
  }
  struct event_rule *event = &config->catalogue.events[known - config->catalogue.events];
  TRY(check_condition(&config->catalogue, event, claim, fault));
  TRY(check_conflict(event, claim, fault));
  join(&config->arena, event, claim);
  return ERR_OK;
}

enum err starts_load(struct config *config, struct span process, const char *folder, struct fault *fault) {
  struct config_starts_document document = {.starts_count = 0};
  struct span text;
  struct claim claim = {.process = process,
                        .file = arena_cstr(&config->arena, arena_printf(&config->arena, "%s/starts.yaml", folder))};
  if (access(claim.file, F_OK) != 0) {
    return ERR_OK;
  }
  TRY(config_read_document(config, claim.file, &config_starts_schema, &text, &document, fault));
  for (size_t i = 0; i < document.starts_count; i++) {
    claim.rule = &document.starts[i];
    claim.line = yaml_record_line(text, i);
    TRY(add(config, &claim, fault));
  }
  return ERR_OK;
}
