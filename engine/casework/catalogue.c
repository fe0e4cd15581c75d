#include "casework/catalogue.h"

#include <stdlib.h>

#include "casework/identity.h"
#include "casework/office.h"
#include "casework/payload.h"
#include "casework/sitting.h"

enum { NAME_MAX_BYTES = 64 };

bool text_list_has(const struct text_list *list, struct span text) {
  for (size_t i = 0; i < list->count; i++) {
    if (span_equal(list->items[i], text) || span_is(list->items[i], "*")) {
      return true;
    }
  }
  return false;
}

/* ---- looking up --------------------------------------------------------------------------------------------- */

static int event_compare(const void *a, const void *b) {
  return span_compare(((const struct event_rule *)a)->name, ((const struct event_rule *)b)->name);
}

static int participant_compare(const void *a, const void *b) {
  return span_compare(((const struct participant *)a)->id, ((const struct participant *)b)->id);
}

const struct event_rule *catalogue_event(const struct catalogue *catalogue, struct span name) {
  struct event_rule key = {.name = name};
  return catalogue->events_count == 0
             ? NULL
             : bsearch(&key, catalogue->events, catalogue->events_count, sizeof key, event_compare);
}

struct span event_process(const struct event_rule *event, const struct value *data) {
  for (size_t i = 0; i < event->starts_when_count; i++) {
    const struct start_rule *when = &event->starts_when[i];
    const struct value *v = value_find(data, when->field);
    if (v && v->kind == VALUE_TEXT && span_equal(v->text, when->value)) {
      return when->process;
    }
  }
  return event->starts;
}

const struct participant *catalogue_participant(const struct catalogue *catalogue, struct span id) {
  struct participant key = {.id = id};
  return catalogue->participants_count == 0
             ? NULL
             : bsearch(&key, catalogue->participants, catalogue->participants_count, sizeof key, participant_compare);
}

const struct data_class *catalogue_class(const struct catalogue *catalogue, struct span name) {
  for (size_t i = 0; i < catalogue->classes_count; i++) {
    if (span_equal(catalogue->classes[i].name, name)) {
      return &catalogue->classes[i];
    }
  }
  return NULL;
}

static bool territory_answers(const struct territory *territory, struct span name) {
  if (span_equal(territory->code, name) || span_equal(territory->title, name)) {
    return true;
  }
  for (size_t i = 0; i < territory->names.count; i++) {
    if (span_equal(territory->names.items[i], name)) {
      return true;
    }
  }
  return false;
}

const struct territory *catalogue_territory(const struct catalogue *catalogue, struct span name) {
  for (size_t i = 0; i < catalogue->territories_count && !span_empty(name); i++) {
    if (territory_answers(&catalogue->territories[i], name)) {
      return &catalogue->territories[i];
    }
  }
  return NULL;
}

int catalogue_stage(const struct catalogue *catalogue, struct span name) {
  for (size_t i = 0; i < catalogue->stages_count; i++) {
    if (span_equal(catalogue->stages[i].name, name)) {
      return (int)i;
    }
  }
  return -1;
}

bool participant_serves(const struct participant *participant, struct span territory) {
  return text_list_has(&participant->territories, territory) || text_list_has(&participant->settlements, territory);
}

/* ---- checking ----------------------------------------------------------------------------------------------- */

/* A table of the catalogue, seen as records that begin somewhere with their name. */
struct name_table {
  const char *what;
  const void *items;
  size_t count, stride, offset;
};
#define NAME_TABLE(what, items, count, type, member)                                                                   \
  { what, items, count, sizeof(type), offsetof(type, member) }

static struct span table_name(const struct name_table *table, size_t index) {
  const char *item = (const char *)table->items + index * table->stride + table->offset;
  struct span name;
  memcpy(&name, item, sizeof name);
  return name;
}

/* Every name is there, short, and stands once. */
static enum err check_names(const struct name_table *table, struct fault *fault) {
  for (size_t i = 0; i < table->count; i++) {
    struct span name = table_name(table, i);
    if (span_empty(name) || name.size > NAME_MAX_BYTES) {
      return fault_set(fault, ERR_CONFIG, "%s, по счёту %zu: нужно имя длиной от 1 до %d байт", table->what, i + 1,
                       NAME_MAX_BYTES);
    }
    for (size_t k = 0; k < i; k++) {
      if (span_equal(name, table_name(table, k))) {
        return fault_set(fault, ERR_CONFIG, "%s «%.*s» стоит дважды", table->what, SPAN_ARG(name));
      }
    }
  }
  return ERR_OK;
}

static enum err check_tables(const struct catalogue *c, struct fault *fault) {
  const struct name_table tables[] = {
      NAME_TABLE("этап (stages)", c->stages, c->stages_count, struct stage_rule, name),
      NAME_TABLE("класс данных (classes)", c->classes, c->classes_count, struct data_class, name),
      NAME_TABLE("запись (records)", c->records, c->records_count, struct record_rule, name),
      NAME_TABLE("событие", c->events, c->events_count, struct event_rule, name),
      NAME_TABLE("участник", c->participants, c->participants_count, struct participant, id),
      NAME_TABLE("территория", c->territories, c->territories_count, struct territory, code),
      NAME_TABLE("роль", c->roles, c->roles_count, struct role_rule, role),
      NAME_TABLE("маршрут помощи (routing.yaml)", c->routing, c->routing_count, struct routing_rule, help),
      NAME_TABLE("признак человека (identities)", c->identities, c->identities_count, struct identity_rule, name),
      NAME_TABLE("документ (documents)", c->documents, c->documents_count, struct document_rule, kind),
      NAME_TABLE("состояние документа (document_states)", c->document_states, c->document_states_count,
                 struct document_state, name),
      NAME_TABLE("итог направления (statuses)", c->statuses, c->statuses_count, struct status_rule, name),
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    TRY(check_names(&tables[i], fault));
  }
  return ERR_OK;
}

/* The fields of an event, or of a record when `in_record`. */
struct field_table {
  const char *what;
  struct span owner;
  const struct field_rule *fields;
  size_t count;
  bool in_record;
};

static enum err field_wrong(const struct field_table *table, const struct field_rule *field, const char *why,
                            struct fault *fault) {
  return fault_set(fault, ERR_CONFIG, "%s «%.*s», поле «%.*s»: %s", table->what, SPAN_ARG(table->owner),
                   SPAN_ARG(field->name), why);
}

static const struct record_rule *find_record(const struct catalogue *catalogue, struct span name) {
  for (size_t i = 0; i < catalogue->records_count; i++) {
    if (span_equal(catalogue->records[i].name, name)) {
      return &catalogue->records[i];
    }
  }
  return NULL;
}

static enum err check_field(const struct catalogue *catalogue, const struct field_table *table,
                            const struct field_rule *field, struct fault *fault) {
  enum field_format format;
  if (!field_format_of(field, &format)) {
    return field_wrong(table, field, "такого формата нет", fault);
  }
  if (!catalogue_class(catalogue, field->class_name)) {
    return field_wrong(table, field, "не указан класс данных, или он не описан в classes", fault);
  }
  if (field->values.count > 0 && format != FIELD_CODE && format != FIELD_CODES) {
    return field_wrong(table, field, "values бывает только у кодов (code, codes)", fault);
  }
  if (field->min < 0 && format != FIELD_INTEGER) {
    return field_wrong(table, field, "наименьшее значение меньше нуля", fault);
  }
  if (field->max != 0 && field->min > field->max) {
    return field_wrong(table, field, "наименьшее значение больше наибольшего", fault);
  }
  if (table->in_record && (format == FIELD_RECORDS || format == FIELD_TERRITORY)) {
    return field_wrong(table, field, "внутри записи не бывает ни записей, ни территории", fault);
  }
  if (format == FIELD_RECORDS && !find_record(catalogue, field->record)) {
    return field_wrong(table, field, "названа запись, которой нет в records", fault);
  }
  return ERR_OK;
}

static enum err check_fields(const struct catalogue *catalogue, const struct field_table *table, struct fault *fault) {
  const struct name_table names = NAME_TABLE("поле", table->fields, table->count, struct field_rule, name);
  TRY(check_names(&names, fault));
  size_t territories = 0;
  for (size_t i = 0; i < table->count; i++) {
    TRY(check_field(catalogue, table, &table->fields[i], fault));
    territories += span_is(table->fields[i].format, "territory");
    if (territories > 1) {
      return field_wrong(table, &table->fields[i], "территория у события только одна", fault);
    }
  }
  return ERR_OK;
}

static enum err check_event_field(const struct event_rule *event, struct span name, const char *what, bool integer,
                                  struct fault *fault) {
  if (span_empty(name)) {
    return ERR_OK;
  }
  const struct field_rule *field = event_field(event, name);
  if (!field || span_is(field->format, "integer") != integer) {
    return fault_set(fault, ERR_CONFIG, "событие «%.*s»: в %s названо «%.*s», а это не его поле вида %s",
                     SPAN_ARG(event->name), what, SPAN_ARG(name), integer ? "integer" : "text или code");
  }
  return ERR_OK;
}

/* A code that the event cannot carry would never start anything; a personal one is not there when it is asked for. */
static enum err check_starts_when(const struct catalogue *catalogue, const struct event_rule *event,
                                  struct fault *fault) {
  for (size_t i = 0; i < event->starts_when_count; i++) {
    const struct start_rule *when = &event->starts_when[i];
    const struct field_rule *field = event_field(event, when->field);
    const struct data_class *class = field ? catalogue_class(catalogue, field->class_name) : NULL;
    if (!class || class->personal || !span_is(field->format, "code") || !text_list_has(&field->values, when->value)) {
      return fault_set(fault, ERR_CONFIG,
                       "событие «%.*s»: в starts_when названо «%.*s», а такого значения у его кода нет",
                       SPAN_ARG(event->name), SPAN_ARG(when->value));
    }
  }
  return ERR_OK;
}

static enum err check_event(const struct catalogue *catalogue, const struct event_rule *event, struct fault *fault) {
  if (event->senders.count == 0) {
    return fault_set(fault, ERR_CONFIG, "событие «%.*s»: никому не разрешено его отправлять (senders)",
                     SPAN_ARG(event->name));
  }
  const struct field_table table = {"событие", event->name, event->fields, event->fields_count, false};
  TRY(check_fields(catalogue, &table, fault));
  TRY(check_event_field(event, event->edition, "edition", true, fault));
  TRY(check_starts_when(catalogue, event, fault));
  TRY(check_event_field(event, event->annuls, "annuls", false, fault));
  TRY(check_event_field(event, event->annuls_sequence, "annuls_sequence", true, fault));
  TRY(check_event_field(event, event->annuls_sender, "annuls_sender", false, fault));
  return check_event_field(event, event->addressed_by, "addressed_by", false, fault);
}

static enum err check_participant(const struct catalogue *catalogue, const struct participant *p, struct fault *fault) {
  if (span_empty(p->kind) || p->capacity < 0) {
    return fault_set(fault, ERR_CONFIG, "участник «%.*s»: не указан вид (kind), или вместимость (capacity) меньше нуля",
                     SPAN_ARG(p->id));
  }
  for (size_t i = 0; i < p->territories.count; i++) {
    const struct territory *territory = catalogue_territory(catalogue, p->territories.items[i]);
    bool known = territory && span_equal(territory->code, p->territories.items[i]);
    if (!known && !span_is(p->territories.items[i], "*")) {
      return fault_set(fault, ERR_CONFIG, "участник «%.*s»: территории «%.*s» нет в territories.yaml", SPAN_ARG(p->id),
                       SPAN_ARG(p->territories.items[i]));
    }
  }
  for (size_t i = 0; i < p->office.count; i++) {
    struct office_hours hours;
    if (office_parse(p->office.items[i], &hours) != ERR_OK) {
      return fault_set(fault, ERR_CONFIG, "участник «%.*s»: часы работы пишутся так: mon-fri 09:00-18:00",
                       SPAN_ARG(p->id));
    }
  }
  for (size_t i = 0; i < p->sittings.count; i++) {
    struct sitting sitting;
    if (sitting_parse(p->sittings.items[i], &sitting) != ERR_OK) {
      return fault_set(fault, ERR_CONFIG, "участник «%.*s»: заседания — даты или дни вида 3 wed, last fri",
                       SPAN_ARG(p->id));
    }
  }
  return ERR_OK;
}

/* A settlement lies in a municipality, and in no other settlement. */
static enum err check_within(const struct catalogue *catalogue, const struct territory *territory,
                             struct fault *fault) {
  const struct territory *outer = catalogue_territory(catalogue, territory->within);
  bool fine = span_empty(territory->within) ||
              (outer && span_empty(outer->within) && span_equal(outer->code, territory->within));
  return fine ? ERR_OK
              : fault_set(fault, ERR_CONFIG, "территория «%.*s»: within называет то, что не муниципалитет",
                          SPAN_ARG(territory->code));
}

/* No spelling stands for two territories. */
static enum err check_spellings(const struct catalogue *catalogue, struct fault *fault) {
  for (size_t i = 0; i < catalogue->territories_count; i++) {
    const struct territory *territory = &catalogue->territories[i];
    TRY(check_within(catalogue, territory, fault));
    for (size_t k = 0; k <= territory->names.count; k++) {
      struct span name = k < territory->names.count ? territory->names.items[k] : territory->title;
      if (!span_empty(name) && catalogue_territory(catalogue, name) != territory) {
        return fault_set(fault, ERR_CONFIG, "территория «%.*s»: одно из названий стоит и у другой территории",
                         SPAN_ARG(territory->code));
      }
    }
  }
  return ERR_OK;
}

enum err catalogue_check(struct catalogue *catalogue, struct fault *fault) {
  TRY(check_tables(catalogue, fault));
  TRY(check_spellings(catalogue, fault));
  for (size_t i = 0; i < catalogue->records_count; i++) {
    const struct record_rule *record = &catalogue->records[i];
    const struct field_table table = {"запись", record->name, record->fields, record->fields_count, true};
    TRY(check_fields(catalogue, &table, fault));
  }
  for (size_t i = 0; i < catalogue->events_count; i++) {
    TRY(check_event(catalogue, &catalogue->events[i], fault));
  }
  for (size_t i = 0; i < catalogue->participants_count; i++) {
    TRY(check_participant(catalogue, &catalogue->participants[i], fault));
  }
  TRY(identity_check(catalogue, fault));
  if (catalogue->events_count > 0) {
    qsort(catalogue->events, catalogue->events_count, sizeof *catalogue->events, event_compare);
  }
  if (catalogue->participants_count > 0) {
    qsort(catalogue->participants, catalogue->participants_count, sizeof *catalogue->participants, participant_compare);
  }
  return catalogue_check_documents(catalogue, fault);
}
