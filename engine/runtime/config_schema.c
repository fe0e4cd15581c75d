/* runtime/config_schema.c — which keys the files of config/ may hold. */
#include "runtime/config_schema.h"

#define NEEDED   CYAML_FLAG_DEFAULT
#define OPTIONAL CYAML_FLAG_OPTIONAL

/* ---- catalogue.yaml ---- */

static const cyaml_schema_field_t stage_fields[] = {
    YAML_TEXT("name", NEEDED, struct stage_rule, name),
    YAML_TEXT("title", NEEDED, struct stage_rule, title),
    YAML_END,
};
static const cyaml_schema_value_t stage_entry = YAML_RECORD(struct stage_rule, stage_fields);

static const cyaml_schema_field_t class_fields[] = {
    YAML_TEXT("name", NEEDED, struct data_class, name),
    YAML_BOOL("personal", NEEDED, struct data_class, personal),
    YAML_TEXTS("seen_by", NEEDED, struct data_class, seen_by),
    YAML_END,
};
static const cyaml_schema_value_t class_entry = YAML_RECORD(struct data_class, class_fields);

static const cyaml_schema_field_t field_fields[] = {
    YAML_TEXT("name", NEEDED, struct field_rule, name),
    YAML_TEXT("class", NEEDED, struct field_rule, class_name),
    YAML_TEXT("format", NEEDED, struct field_rule, format),
    YAML_BOOL("required", OPTIONAL, struct field_rule, required),
    YAML_TEXTS("values", OPTIONAL, struct field_rule, values),
    YAML_TEXT("record", OPTIONAL, struct field_rule, record),
    YAML_NUMBER("min", OPTIONAL, struct field_rule, min),
    YAML_NUMBER("max", OPTIONAL, struct field_rule, max),
    YAML_END,
};
static const cyaml_schema_value_t field_entry = YAML_RECORD(struct field_rule, field_fields);

static const cyaml_schema_field_t record_fields[] = {
    YAML_TEXT("name", NEEDED, struct record_rule, name),
    YAML_RECORDS("fields", NEEDED, struct record_rule, fields, &field_entry),
    YAML_END,
};
static const cyaml_schema_value_t record_entry = YAML_RECORD(struct record_rule, record_fields);

static const cyaml_schema_field_t start_fields[] = {
    YAML_TEXT("field", NEEDED, struct start_rule, field),
    YAML_TEXT("value", NEEDED, struct start_rule, value),
    YAML_TEXT("process", NEEDED, struct start_rule, process),
    YAML_END,
};
static const cyaml_schema_value_t start_entry = YAML_RECORD(struct start_rule, start_fields);

static const cyaml_schema_field_t event_document_fields[] = {
    YAML_TEXT("kind", NEEDED, struct event_document, kind),
    YAML_TEXT("state", NEEDED, struct event_document, state),
    YAML_TEXT("edition", OPTIONAL, struct event_document, edition),
    YAML_TEXTS("from", OPTIONAL, struct event_document, from),
    YAML_TEXT("field", OPTIONAL, struct event_document, field),
    YAML_TEXT("value", OPTIONAL, struct event_document, value),
    YAML_BOOL("absent", OPTIONAL, struct event_document, absent),
    YAML_END,
};
static const cyaml_schema_value_t event_document_entry = YAML_RECORD(struct event_document, event_document_fields);

static const cyaml_schema_field_t event_fields[] = {
    YAML_TEXT("name", NEEDED, struct event_rule, name),
    YAML_TEXT("title", NEEDED, struct event_rule, title),
    YAML_TEXTS("senders", NEEDED, struct event_rule, senders),
    YAML_BOOL("only_addressee", OPTIONAL, struct event_rule, only_addressee),
    YAML_TEXT("starts", OPTIONAL, struct event_rule, starts),
    YAML_RECORDS("starts_when", OPTIONAL, struct event_rule, starts_when, &start_entry),
    YAML_TEXT("edition", OPTIONAL, struct event_rule, edition),
    YAML_TEXT("addressed_by", OPTIONAL, struct event_rule, addressed_by),
    YAML_TEXT("annuls", OPTIONAL, struct event_rule, annuls),
    YAML_TEXT("annuls_sequence", OPTIONAL, struct event_rule, annuls_sequence),
    YAML_TEXT("annuls_sender", OPTIONAL, struct event_rule, annuls_sender),
    YAML_TEXTS("annuls_any", OPTIONAL, struct event_rule, annuls_any),
    YAML_RECORDS("documents", OPTIONAL, struct event_rule, documents, &event_document_entry),
    YAML_RECORDS("fields", OPTIONAL, struct event_rule, fields, &field_entry),
    YAML_END,
};
static const cyaml_schema_value_t event_entry = YAML_RECORD(struct event_rule, event_fields);

static const cyaml_schema_field_t role_fields[] = {
    YAML_TEXT("role", NEEDED, struct role_rule, role),
    YAML_TEXTS("kinds", NEEDED, struct role_rule, kinds),
    YAML_TEXT("title", NEEDED, struct role_rule, title),
    YAML_END,
};
static const cyaml_schema_value_t role_entry = YAML_RECORD(struct role_rule, role_fields);

static const cyaml_schema_field_t identity_fields[] = {
    YAML_TEXT("name", NEEDED, struct identity_rule, name),
    YAML_TEXTS("fields", NEEDED, struct identity_rule, fields),
    YAML_TEXTS("optional", OPTIONAL, struct identity_rule, optional),
    YAML_TEXT("compare", NEEDED, struct identity_rule, compare),
    YAML_NUMBER("size", OPTIONAL, struct identity_rule, size),
    YAML_TEXT("finds", NEEDED, struct identity_rule, finds),
    YAML_BOOL("differs", OPTIONAL, struct identity_rule, differs),
    YAML_END,
};
static const cyaml_schema_value_t identity_entry = YAML_RECORD(struct identity_rule, identity_fields);

static const cyaml_schema_field_t catalogue_fields[] = {
    YAML_RECORDS("stages", NEEDED, struct catalogue, stages, &stage_entry),
    YAML_RECORDS("classes", NEEDED, struct catalogue, classes, &class_entry),
    YAML_RECORDS("records", OPTIONAL, struct catalogue, records, &record_entry),
    YAML_RECORDS("events", NEEDED, struct catalogue, events, &event_entry),
    YAML_RECORDS("roles", NEEDED, struct catalogue, roles, &role_entry),
    YAML_RECORDS("identities", OPTIONAL, struct catalogue, identities, &identity_entry),
    YAML_END,
};
const cyaml_schema_value_t config_catalogue_schema = YAML_DOCUMENT(struct catalogue, catalogue_fields);

/* ---- participants.yaml, territories.yaml, routing.yaml ---- */

static const cyaml_schema_field_t participant_fields[] = {
    YAML_TEXT("id", NEEDED, struct participant, id),
    YAML_TEXT("kind", NEEDED, struct participant, kind),
    YAML_TEXT("title", NEEDED, struct participant, title),
    YAML_TEXTS("territories", OPTIONAL, struct participant, territories),
    YAML_TEXTS("helps", OPTIONAL, struct participant, helps),
    YAML_NUMBER("capacity", OPTIONAL, struct participant, capacity),
    YAML_TEXTS("office", OPTIONAL, struct participant, office),
    YAML_TEXTS("sittings", OPTIONAL, struct participant, sittings),
    YAML_END,
};
static const cyaml_schema_value_t participant_entry = YAML_RECORD(struct participant, participant_fields);
static const cyaml_schema_field_t participants_fields[] = {
    YAML_RECORDS("participants", NEEDED, struct catalogue, participants, &participant_entry),
    YAML_END,
};
const cyaml_schema_value_t config_participants_schema = YAML_DOCUMENT(struct catalogue, participants_fields);

static const cyaml_schema_field_t territory_fields[] = {
    YAML_TEXT("code", NEEDED, struct territory, code),
    YAML_TEXT("title", NEEDED, struct territory, title),
    YAML_TEXTS("names", OPTIONAL, struct territory, names),
    YAML_TEXT("within", OPTIONAL, struct territory, within),
    YAML_END,
};
static const cyaml_schema_value_t territory_entry = YAML_RECORD(struct territory, territory_fields);
static const cyaml_schema_field_t territories_fields[] = {
    YAML_RECORDS("territories", NEEDED, struct catalogue, territories, &territory_entry),
    YAML_END,
};
const cyaml_schema_value_t config_territories_schema = YAML_DOCUMENT(struct catalogue, territories_fields);

static const cyaml_schema_field_t route_fields[] = {
    YAML_TEXT("help", NEEDED, struct routing_rule, help),
    YAML_TEXTS("kinds", NEEDED, struct routing_rule, kinds),
    YAML_END,
};
static const cyaml_schema_value_t route_entry = YAML_RECORD(struct routing_rule, route_fields);
static const cyaml_schema_field_t routing_fields[] = {
    YAML_RECORDS("routing", NEEDED, struct catalogue, routing, &route_entry),
    YAML_END,
};
const cyaml_schema_value_t config_routing_schema = YAML_DOCUMENT(struct catalogue, routing_fields);

/* ---- documents.yaml ---- */

static const cyaml_schema_field_t document_progress_fields[] = {
    YAML_TEXT("status", NEEDED, struct document_progress, status),
    YAML_TEXT("state", NEEDED, struct document_progress, state),
    YAML_END,
};
static const cyaml_schema_value_t document_progress_entry =
    YAML_RECORD(struct document_progress, document_progress_fields);
static const cyaml_schema_field_t document_fields[] = {
    YAML_TEXT("kind", NEEDED, struct document_rule, kind),
    YAML_TEXT("title", NEEDED, struct document_rule, title),
    YAML_TEXT("basis", NEEDED, struct document_rule, basis),
    YAML_TEXT("form", OPTIONAL, struct document_rule, form),
    YAML_TEXTS("seen_by", NEEDED, struct document_rule, seen_by),
    YAML_TEXTS("includes", OPTIONAL, struct document_rule, includes),
    YAML_TEXTS("measures_from", OPTIONAL, struct document_rule, measures_from),
    YAML_TEXTS("of", OPTIONAL, struct document_rule, of),
    YAML_RECORDS("progress", OPTIONAL, struct document_rule, progress, &document_progress_entry),
    YAML_TEXT("gone", OPTIONAL, struct document_rule, gone),
    YAML_END,
};
static const cyaml_schema_value_t document_entry = YAML_RECORD(struct document_rule, document_fields);
static const cyaml_schema_field_t document_state_fields[] = {
    YAML_TEXT("name", NEEDED, struct document_state, name),
    YAML_TEXT("title", NEEDED, struct document_state, title),
    YAML_END,
};
static const cyaml_schema_value_t document_state_entry = YAML_RECORD(struct document_state, document_state_fields);
static const cyaml_schema_field_t status_fields[] = {
    YAML_TEXT("name", NEEDED, struct status_rule, name),
    YAML_TEXT("title", NEEDED, struct status_rule, title),
    YAML_END,
};
static const cyaml_schema_value_t status_entry = YAML_RECORD(struct status_rule, status_fields);
/* In a process' own file the event stands beside what it means. */
static const cyaml_schema_field_t process_event_fields[] = {
    YAML_TEXT("event", NEEDED, struct config_event_document, event),
    YAML_TEXT("kind", NEEDED, struct config_event_document, document.kind),
    YAML_TEXT("state", NEEDED, struct config_event_document, document.state),
    YAML_TEXT("edition", OPTIONAL, struct config_event_document, document.edition),
    YAML_TEXTS("from", OPTIONAL, struct config_event_document, document.from),
    YAML_TEXT("field", OPTIONAL, struct config_event_document, document.field),
    YAML_TEXT("value", OPTIONAL, struct config_event_document, document.value),
    YAML_BOOL("absent", OPTIONAL, struct config_event_document, document.absent),
    YAML_END,
};
static const cyaml_schema_value_t process_event_entry = YAML_RECORD(struct config_event_document, process_event_fields);
static const cyaml_schema_field_t process_documents_fields[] = {
    YAML_RECORDS("states", OPTIONAL, struct config_documents, states, &document_state_entry),
    YAML_RECORDS("statuses", OPTIONAL, struct config_documents, statuses, &status_entry),
    YAML_RECORDS("documents", OPTIONAL, struct config_documents, documents, &document_entry),
    YAML_RECORDS("events", OPTIONAL, struct config_documents, events, &process_event_entry),
    YAML_END,
};
const cyaml_schema_value_t config_process_documents_schema =
    YAML_DOCUMENT(struct config_documents, process_documents_fields);

static const cyaml_schema_field_t documents_fields[] = {
    YAML_RECORDS("states", NEEDED, struct catalogue, document_states, &document_state_entry),
    YAML_RECORDS("statuses", OPTIONAL, struct catalogue, statuses, &status_entry),
    YAML_RECORDS("documents", NEEDED, struct catalogue, documents, &document_entry),
    YAML_END,
};
const cyaml_schema_value_t config_documents_schema = YAML_DOCUMENT(struct catalogue, documents_fields);

/* ---- processes/NAME/settings.yaml ---- */

static const cyaml_schema_field_t setting_fields[] = {
    YAML_TEXT("name", NEEDED, struct config_setting_text, name),
    YAML_TEXT("value", NEEDED, struct config_setting_text, value),
    YAML_TEXT("default", OPTIONAL, struct config_setting_text, fallback),
    YAML_TEXT("source", NEEDED, struct config_setting_text, source),
    YAML_TEXT("title", NEEDED, struct config_setting_text, title),
    YAML_END,
};
static const cyaml_schema_value_t setting_entry = YAML_RECORD(struct config_setting_text, setting_fields);
static const cyaml_schema_field_t settings_fields[] = {
    YAML_RECORDS("settings", NEEDED, struct config_settings_document, settings, &setting_entry),
    YAML_END,
};
const cyaml_schema_value_t config_settings_schema = YAML_DOCUMENT(struct config_settings_document, settings_fields);

/* ---- starts.yaml of a process ---- */

static const cyaml_schema_field_t process_start_fields[] = {
    YAML_TEXT("event", NEEDED, struct config_start, event),
    YAML_TEXT("field", OPTIONAL, struct config_start, field),
    YAML_TEXT("value", OPTIONAL, struct config_start, value),
    YAML_END,
};
static const cyaml_schema_value_t process_start_entry = YAML_RECORD(struct config_start, process_start_fields);
static const cyaml_schema_field_t starts_fields[] = {
    YAML_RECORDS("starts", NEEDED, struct config_starts_document, starts, &process_start_entry),
    YAML_END,
};
const cyaml_schema_value_t config_starts_schema = YAML_DOCUMENT(struct config_starts_document, starts_fields);

/* ---- kurator.yaml ---- */

#define LIMIT(name) YAML_NUMBER(#name, OPTIONAL, struct config_engine, limits.name)
static const cyaml_schema_field_t daemon_fields[] = {
    YAML_TEXT("endpoint", OPTIONAL, struct config_engine, daemon.endpoint),
    YAML_TEXT("query_endpoint", OPTIONAL, struct config_engine, daemon.query_endpoint),
    YAML_TEXT("data", OPTIONAL, struct config_engine, daemon.data),
    YAML_TEXT("keys", OPTIONAL, struct config_engine, daemon.keys),
    YAML_TEXT("log_level", OPTIONAL, struct config_engine, daemon.log_level),
    YAML_END,
};
static const cyaml_schema_field_t limits_fields[] = {
    LIMIT(batch_messages),    LIMIT(batch_share),       LIMIT(timer_slice), LIMIT(inbox_messages), LIMIT(inbox_share),
    LIMIT(envelope_messages), LIMIT(deliveries_window), LIMIT(query_rows),  LIMIT(sessions),       LIMIT(key_sessions),
    LIMIT(handshake_ms),      LIMIT(stream_tail),       YAML_END,
};
static const cyaml_schema_field_t store_fields[] = {
    YAML_NUMBER("map_mib", OPTIONAL, struct config_engine, store.map_mib),
    YAML_NUMBER("map_max_mib", OPTIONAL, struct config_engine, store.map_max_mib),
    YAML_END,
};
static const cyaml_schema_field_t calendar_fields[] = {
    YAML_BOOL("decree_days_off", OPTIONAL, struct config_engine, calendar.decree_days_off),
    YAML_END,
};
#define GROUP(name) YAML_GROUP(#name, OPTIONAL, struct config_engine, name##_fields)
static const cyaml_schema_field_t engine_fields[] = {
    GROUP(daemon), GROUP(limits), GROUP(store), GROUP(calendar), YAML_END,
};
const cyaml_schema_value_t config_engine_schema = YAML_DOCUMENT(struct config_engine, engine_fields);
