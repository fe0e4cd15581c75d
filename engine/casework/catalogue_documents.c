/* catalogue_documents.c — the documents of the catalogue: looking them up, and whether they agree with the events. */
#include "casework/definition.h"
#include "casework/payload.h"

/* ---- looking up --------------------------------------------------------------------------------------------- */

const struct document_rule *catalogue_document(const struct catalogue *catalogue, struct span kind) {
  for (size_t i = 0; i < catalogue->documents_count; i++) {
    if (span_equal(catalogue->documents[i].kind, kind)) {
      return &catalogue->documents[i];
    }
  }
  return NULL;
}

static const struct document_state *find_state(const struct catalogue *catalogue, struct span name) {
  for (size_t i = 0; i < catalogue->document_states_count; i++) {
    if (span_equal(catalogue->document_states[i].name, name)) {
      return &catalogue->document_states[i];
    }
  }
  return NULL;
}

struct span catalogue_document_state(const struct catalogue *catalogue, struct span state) {
  const struct document_state *found = find_state(catalogue, state);
  return found ? found->title : state;
}

struct span catalogue_status(const struct catalogue *catalogue, struct span status) {
  for (size_t i = 0; i < catalogue->statuses_count; i++) {
    if (span_equal(catalogue->statuses[i].name, status)) {
      return catalogue->statuses[i].title;
    }
  }
  return status;
}

/* ---- a document --------------------------------------------------------------------------------------------- */

static enum err document_wrong(struct span kind, const char *why, struct span name, struct fault *fault) {
  return fault_set(fault, ERR_CONFIG, "документ «%.*s»: %s «%.*s»", SPAN_ARG(kind), why, SPAN_ARG(name));
}

/* Each name stands once: a process may have brought one that was there. */
static enum err check_kind(const struct catalogue *catalogue, const struct document_rule *rule, struct fault *fault) {
  if (!payload_key_valid(rule->kind)) {
    return document_wrong(rule->kind, "вид пишется латинскими буквами, цифрами и дефисом:", rule->kind, fault);
  }
  return catalogue_document(catalogue, rule->kind) == rule
             ? ERR_OK
             : document_wrong(rule->kind, "стоит дважды:", rule->title, fault);
}

static enum err check_kinds(const struct catalogue *catalogue, struct span kind, const struct text_list *list,
                            struct fault *fault) {
  for (size_t i = 0; i < list->count; i++) {
    const struct document_rule *other = catalogue_document(catalogue, list->items[i]);
    if (!other || other->of.count > 0 || span_equal(other->kind, kind)) {
      return document_wrong(
          kind, "опирается на то, что не есть другой документ, приходящий с событием:", list->items[i], fault);
    }
  }
  return ERR_OK;
}

/* What an extract goes through, and what other documents have no use for. */
static enum err check_extract(const struct catalogue *catalogue, const struct document_rule *rule,
                              struct fault *fault) {
  bool extract = rule->of.count > 0;
  if (extract != (rule->progress_count > 0) || extract == span_empty(rule->gone) ||
      (extract && !span_empty(rule->form))) {
    return document_wrong(rule->kind, "у выписки есть of, progress и gone и нет form, у другого документа — наоборот;",
                          rule->title, fault);
  }
  for (size_t i = 0; i < rule->progress_count; i++) {
    if (!find_state(catalogue, rule->progress[i].state)) {
      return document_wrong(rule->kind, "нет такого состояния документов:", rule->progress[i].state, fault);
    }
  }
  return !extract || find_state(catalogue, rule->gone)
             ? ERR_OK
             : document_wrong(rule->kind, "нет такого состояния документов:", rule->gone, fault);
}

static enum err check_document(const struct catalogue *catalogue, const struct document_rule *rule,
                               struct fault *fault) {
  TRY(check_kind(catalogue, rule, fault));
  TRY(check_kinds(catalogue, rule->kind, &rule->of, fault));
  TRY(check_kinds(catalogue, rule->kind, &rule->includes, fault));
  TRY(check_kinds(catalogue, rule->kind, &rule->measures_from, fault));
  return check_extract(catalogue, rule, fault);
}

/* ---- what an event means for one ---------------------------------------------------------------------------- */

static enum err event_wrong(const struct event_rule *event, const struct event_document *document, const char *why,
                            struct span name, struct fault *fault) {
  return fault_set(fault, ERR_CONFIG, "событие «%.*s», документ «%.*s»: %s «%.*s»", SPAN_ARG(event->name),
                   SPAN_ARG(document->kind), why, SPAN_ARG(name));
}

/* A personal field is not there when it is asked for. */
static bool condition_is_sound(const struct catalogue *catalogue, const struct event_rule *event,
                               const struct event_document *document) {
  const struct field_rule *field = event_field(event, document->field);
  const struct data_class *class = field ? catalogue_class(catalogue, field->class_name) : NULL;
  if (!class || class->personal) {
    return false;
  }
  if (span_is(field->format, "boolean")) {
    return span_is(document->value, "true") || span_is(document->value, "false");
  }
  return span_is(field->format, "code") && !span_empty(document->value) &&
         (field->values.count == 0 || text_list_has(&field->values, document->value));
}

static enum err check_states(const struct catalogue *catalogue, const struct event_rule *event,
                             const struct event_document *document, struct fault *fault) {
  if (!find_state(catalogue, document->state)) {
    return event_wrong(event, document, "нет такого состояния документов:", document->state, fault);
  }
  for (size_t i = 0; i < document->from.count; i++) {
    if (!find_state(catalogue, document->from.items[i])) {
      return event_wrong(event, document, "нет такого состояния документов:", document->from.items[i], fault);
    }
  }
  return ERR_OK;
}

static enum err check_event(const struct catalogue *catalogue, const struct event_rule *event,
                            const struct event_document *document, struct fault *fault) {
  const struct document_rule *rule = catalogue_document(catalogue, document->kind);
  bool conditional = !span_empty(document->field) || !span_empty(document->value) || document->absent;
  if (!rule || rule->of.count > 0) {
    return event_wrong(event, document, "такого документа нет, или это выписка:", document->kind, fault);
  }
  if (!span_empty(document->edition) && !span_is(document->edition, "next") && !span_is(document->edition, "known")) {
    return event_wrong(event, document, "edition — next, known или ничего, а не", document->edition, fault);
  }
  if (conditional && !condition_is_sound(catalogue, event, document)) {
    return event_wrong(event, document, "у события нет открытого кода или признака с таким значением:",
                       span_empty(document->field) ? document->value : document->field, fault);
  }
  return check_states(catalogue, event, document, fault);
}

enum err catalogue_check_documents(const struct catalogue *catalogue, struct fault *fault) {
  for (size_t i = 0; i < catalogue->documents_count; i++) {
    TRY(check_document(catalogue, &catalogue->documents[i], fault));
  }
  for (size_t i = 0; i < catalogue->events_count; i++) {
    for (size_t k = 0; k < catalogue->events[i].documents_count; k++) {
      TRY(check_event(catalogue, &catalogue->events[i], &catalogue->events[i].documents[k], fault));
    }
  }
  return ERR_OK;
}
