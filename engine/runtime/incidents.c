/*
 * Incidents: what could not be done, kept until the operator has dealt with it.
 *
 * States: open → resolved. Each refused message opens one, up to REFUSALS_OF_A_KIND per (case, sender, event, code);
 * what is beyond is counted in the last of them. A sender opens at most limits.refusals_max before all further ones of
 * a code share one record: so who is hostile cannot fill the disk. A count is part of the outcome, so the journal's
 * export tells it too.
 *
 * An incident may park its case: then an input of it could not be stepped. A case is parked while such an incident is
 * open; the number of them stands in its record.
 */
#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>

enum { REFUSALS_OF_A_KIND = 20 };

#define NOWHERE SPAN_LITERAL("-") /* root of what belongs to no case */

static void put_incident(struct runtime *runtime, const struct record_key *key,
                         const struct record_incident *incident) {
  writer_reset(&runtime->scratch);
  record_incident_write(incident, &runtime->scratch);
  engine_put(runtime, STORE_INCIDENT, key, writer_span(&runtime->scratch));
}

static struct span root_of(struct span case_id) {
  return span_empty(case_id) ? NOWHERE : case_root(case_id);
}

/* ---- parking ---- */

/* One more or one less of the incidents that park the case. It may be unknown: an incident of a start that failed. */
static void park(struct runtime *runtime, struct span case_id, bool more) {
  struct record_key key = record_case_key(case_id);
  struct span bytes;
  struct record_case record;
  if (!engine_read(runtime, STORE_CASE, &key, &bytes) || record_case_read(bytes, &record) != ERR_OK ||
      (!more && record.parked == 0)) {
    return;
  }
  record.parked = more ? record.parked + 1 : record.parked - 1;
  record.body = arena_copy(&runtime->arena, record.body);
  writer_reset(&runtime->scratch);
  record_case_write(&record, &runtime->scratch);
  engine_put(runtime, STORE_CASE, &key, writer_span(&runtime->scratch));
  struct case_slot *slot = cases_cached(&runtime->cases, case_id);
  if (slot) {
    slot->parked = record.parked;
  }
}

/* ---- opening ---- */

uint64_t incidents_open(struct runtime *runtime, const struct incident_report *report) {
  struct record_incident incident = {
      .transport = report->transport,
      .parks = report->parks,
      .journal = report->journal,
      .count = report->times > 1 ? report->times : 1,
      .at = report->at,
      .last_at = report->at,
      .resolved_at = CIVIL_MOMENT_NONE,
      .case_id = report->case_id,
      .reason = report->reason,
      .detail = report->detail,
      .sender = report->sender,
      .event = report->event,
  };
  uint64_t number = ++runtime->head.incidents;
  struct record_key key = record_incident_key(root_of(report->case_id), number);
  put_incident(runtime, &key, &incident);
  if (report->parks) {
    park(runtime, report->case_id, true);
  }
  runtime->stats.incidents++;
  return number;
}

/* ---- refusals ---- */

/* Refusals that are told apart by nothing but their messages: the number of the last incident, and how many there are.
 */
struct refusal_kind {
  struct record_key last_key, opened_key;
  uint64_t last, opened; /* 0: none */
};

static uint64_t index_number(struct runtime *runtime, const struct record_key *key) {
  struct span bytes;
  uint64_t number = 0;
  bool found = engine_read(runtime, STORE_INDEX, key, &bytes) && record_generation_read(bytes, &number) == ERR_OK;
  return found ? number : 0;
}

static void put_index_number(struct runtime *runtime, const struct record_key *key, uint64_t number) {
  writer_reset(&runtime->scratch);
  record_generation_write(number, &runtime->scratch);
  engine_put(runtime, STORE_INDEX, key, writer_span(&runtime->scratch));
}

static struct refusal_kind refusal_kind(struct runtime *runtime, const struct incident_report *report, enum err err) {
  uint8_t hash[SEAL_HASH_SIZE];
  writer_reset(&runtime->scratch);
  writer_blob(&runtime->scratch, report->case_id);
  writer_blob(&runtime->scratch, report->sender);
  writer_blob(&runtime->scratch, report->event);
  writer_blob(&runtime->scratch, report->reason);
  writer_blob(&runtime->scratch, span_of_cstr(err_name(err)));
  seal_hash(writer_span(&runtime->scratch), hash);
  struct refusal_kind kind = {.last_key = record_index_key("refusal", span_of(hash, sizeof hash)),
                              .opened_key = record_index_key("refusals", span_of(hash, sizeof hash))};
  kind.last = index_number(runtime, &kind.last_key);
  kind.opened = index_number(runtime, &kind.opened_key);
  return kind;
}

static bool count_again(struct runtime *runtime, const struct record_key *key, civil_moment at, uint64_t times) {
  struct span bytes;
  if (!engine_read(runtime, STORE_INCIDENT, key, &bytes)) {
    return false;
  }
  struct record_incident incident;
  enum err err = record_incident_read(arena_copy(&runtime->arena, bytes), &incident);
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return false;
  }
  incident.count += times > 1 ? times : 1;
  incident.last_at = at;
  put_incident(runtime, key, &incident);
  return true;
}

/* What a sender does to the exchange itself is one record anyway, and no part of what a rehearsal of the journal
 * counts. */
static struct cursor_entry *counted_sender(struct runtime *runtime, const struct incident_report *report) {
  return report->transport ? NULL : cursors_find(&runtime->cursors, report->sender);
}

static uint64_t open_refusal(struct runtime *runtime, const struct incident_report *report,
                             const struct refusal_kind *kind) {
  uint64_t number = incidents_open(runtime, report);
  put_index_number(runtime, &kind->last_key, number);
  put_index_number(runtime, &kind->opened_key, kind->opened + 1);
  return number;
}

uint64_t incidents_refusal(struct runtime *runtime, const struct incident_report *report, enum err err,
                           bool *ret_first) {
  struct incident_report counted = *report;
  struct cursor_entry *sender = counted_sender(runtime, report);
  bool shared = sender && sender->record.refusals >= runtime->limits.refusals_max;
  if (shared) {
    counted.case_id = span_of(NULL, 0);
    counted.event = span_of(NULL, 0);
  }
  const struct refusal_kind kind = refusal_kind(runtime, &counted, err);
  if (kind.last != 0 && (shared || report->transport || kind.opened >= REFUSALS_OF_A_KIND)) {
    struct record_key key = record_incident_key(root_of(counted.case_id), kind.last);
    if (count_again(runtime, &key, report->at, report->times)) {
      *ret_first = false;
      return kind.last;
    }
  }
  if (sender) {
    sender->record.refusals++;
    cursors_touch(&runtime->cursors, sender);
  }
  *ret_first = true;
  return open_refusal(runtime, &counted, &kind);
}

/* ---- the operator ---- */

static enum err committed_incident(struct runtime *runtime, struct span case_id, uint64_t number,
                                   struct record_key *ret_key, struct record_incident *ret_incident,
                                   struct fault *fault) {
  if (span_empty(case_id) || case_id.size > CASE_ID_MAX) {
    return fault_set(fault, ERR_NOT_FOUND, "Такого инцидента нет");
  }
  *ret_key = record_incident_key(case_root(case_id), number);
  struct span bytes;
  enum err err = store_get(runtime->store, STORE_INCIDENT, record_key_span(ret_key), &bytes);
  if (err != ERR_OK) {
    return fault_set(fault, err, err == ERR_NOT_FOUND ? "Такого инцидента нет" : "Хранилище не читается");
  }
  TRY(record_incident_read(bytes, ret_incident));
  return ret_incident->resolved ? fault_set(fault, ERR_CONFLICT, "Инцидент уже закрыт") : ERR_OK;
}

enum err runtime_incident_resolve(struct runtime *runtime, struct span case_id, uint64_t incident, struct span actor,
                                  struct fault *fault) {
  struct record_key key = {.size = 0};
  struct record_incident record;
  TRY(committed_incident(runtime, case_id, incident, &key, &record, fault));
  struct resolution *resolution = malloc(sizeof *resolution + actor.size);
  ASSERT(resolution);
  uint8_t *text = (uint8_t *)(resolution + 1);
  if (actor.size > 0) {
    memcpy(text, actor.data, actor.size);
  }
  *resolution = (struct resolution){.key = key, .actor = span_of(text, actor.size), .next = runtime->resolutions};
  runtime->resolutions = resolution;
  return ERR_OK;
}

static void close_incident(struct runtime *runtime, const struct record_key *key, struct span actor) {
  struct span bytes;
  if (!engine_read(runtime, STORE_INCIDENT, key, &bytes)) {
    return;
  }
  struct record_incident incident;
  enum err err = record_incident_read(arena_copy(&runtime->arena, bytes), &incident);
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return;
  }
  if (incident.resolved) {
    return; /* asked for twice within one batch */
  }
  incident.resolved = true;
  incident.resolved_at = runtime->head.recorded_at;
  incident.resolved_by = actor;
  put_incident(runtime, key, &incident);
  if (incident.parks) {
    park(runtime, incident.case_id, false);
  }
}

void incidents_resolved(struct runtime *runtime, struct span root, uint64_t incident) {
  struct record_key key = record_incident_key(root, incident);
  close_incident(runtime, &key, SPAN_LITERAL("retry"));
}

void incidents_annulled(struct runtime *runtime, struct span root, uint64_t incident) {
  struct record_key key = record_incident_key(root, incident);
  close_incident(runtime, &key, SPAN_LITERAL("annulled"));
}

void incidents_write_resolutions(struct runtime *runtime) {
  for (struct resolution *r = runtime->resolutions; r; r = r->next) {
    close_incident(runtime, &r->key, r->actor);
    r->written = true;
  }
}

void incidents_settle_resolutions(struct runtime *runtime, bool stored) {
  for (struct resolution **link = &runtime->resolutions; *link;) {
    struct resolution *r = *link;
    if (r->written && stored) {
      *link = r->next;
      free(r);
    } else {
      r->written = false;
      link = &r->next;
    }
  }
}

void incidents_drop_resolutions(struct runtime *runtime) {
  while (runtime->resolutions) {
    struct resolution *first = runtime->resolutions;
    runtime->resolutions = first->next;
    free(first);
  }
}

/* ---- again ---- */

static enum err journal_entry(struct runtime *runtime, uint64_t number, struct record_journal *ret_entry) {
  struct record_key key = record_number_key(number);
  struct span bytes;
  TRY(store_get(runtime->store, STORE_JOURNAL, record_key_span(&key), &bytes));
  return record_journal_read(bytes, ret_entry);
}

/* Clear and sealed data, together again. */
static enum err entry_data(struct runtime *runtime, const struct record_journal *entry, struct arena *arena,
                           struct value *ret_data) {
  struct reader r = reader_of(entry->clear);
  struct value data = value_nil();
  if (!span_empty(entry->clear)) {
    TRY(value_decode(&r, arena, &data));
  }
  if (!span_empty(entry->sealed)) {
    struct value personal = persons_unseal(runtime, case_root(entry->case_id), entry->sealed, arena);
    for (size_t i = 0; personal.kind == VALUE_MAP && i < personal.map.count; i++) {
      data = value_with(arena, &data, personal.map.fields[i].name, personal.map.fields[i].value);
    }
  }
  *ret_data = data;
  return ERR_OK;
}

void incidents_again(struct runtime *runtime, struct span root, uint64_t incident, civil_moment at) {
  struct record_key key = record_incident_key(root, incident);
  (void)count_again(runtime, &key, at, 1);
}

bool incidents_refused_again(struct runtime *runtime, struct span root, uint64_t incident, civil_moment at) {
  struct record_key key = record_incident_key(root, incident);
  struct span bytes;
  struct record_incident record;
  bool refusal = engine_read(runtime, STORE_INCIDENT, &key, &bytes) && record_incident_read(bytes, &record) == ERR_OK &&
                 span_is(record.reason, "refused");
  return refusal && count_again(runtime, &key, at, 1);
}

/* The way of a message, so that it waits its turn: a sender has a name, a timer has none. */
static enum err timer_repeat(struct runtime *runtime, const struct record_journal *entry, struct inbox_retry retry) {
  struct runtime_message message = {
      .sequence = entry->sequence,
      .case_id = entry->case_id,
      .occurred_at = entry->occurred_at,
      .data = value_int(entry->slot),
  };
  return inbox_put(&runtime->inbox, &message, retry);
}

static enum err recount_repeat(struct runtime *runtime, const struct record_journal *entry, struct inbox_retry retry) {
  struct runtime_message message = {
      .case_id = entry->case_id, .occurred_at = entry->occurred_at, .data = value_text(SPAN_LITERAL("recount"))};
  return inbox_put(&runtime->inbox, &message, retry);
}

static enum err entry_repeat(struct runtime *runtime, const struct record_journal *entry, struct inbox_retry retry,
                             struct arena *arena, struct fault *fault) {
  if (entry->kind == RECORD_JOURNAL_RECOUNT) {
    return recount_repeat(runtime, entry, retry);
  }
  if (span_empty(entry->sender) && entry->kind == RECORD_JOURNAL_PARKED) {
    return timer_repeat(runtime, entry, retry);
  }
  if (span_empty(entry->sender) || entry->kind == RECORD_JOURNAL_UNREADABLE) {
    return fault_set(
        fault, ERR_CONFLICT,
        "Повторять нечего: отвергнутое сообщение не хранится, исправленное пришлёт отправитель. Разобрались — "
        "kurator incident resolve %.*s %llu",
        SPAN_ARG(retry.root), (unsigned long long)retry.incident);
  }
  struct runtime_message message = {
      .sender = entry->sender,
      .event = entry->event,
      .case_id = entry->case_id,
      .acting_for = entry->acting_for,
      .occurred_at = entry->occurred_at,
  };
  memcpy(message.digest, entry->digest, sizeof message.digest);
  TRY(entry_data(runtime, entry, arena, &message.data));
  return inbox_put(&runtime->inbox, &message, retry);
}

enum err runtime_incident_retry(struct runtime *runtime, struct span case_id, uint64_t incident, struct fault *fault) {
  struct arena arena;
  arena_init(&arena, 0);
  struct record_key key;
  struct record_incident record = {.journal = 0};
  struct record_journal entry = {.sequence = 0};
  enum err err = committed_incident(runtime, case_id, incident, &key, &record, fault);
  if (err == ERR_OK) {
    err = journal_entry(runtime, record.journal, &entry);
  }
  if (err == ERR_OK) {
    struct record_journal copy = entry;
    copy.clear = arena_copy(&arena, entry.clear); /* unsealing reads the store again */
    copy.sealed = arena_copy(&arena, entry.sealed);
    copy.sender = arena_copy(&arena, entry.sender);
    copy.event = arena_copy(&arena, entry.event);
    copy.case_id = arena_copy(&arena, entry.case_id);
    copy.acting_for = arena_copy(&arena, entry.acting_for);
    err = entry_repeat(runtime, &copy, (struct inbox_retry){case_root(case_id), incident}, &arena, fault);
  }
  arena_finish(&arena);
  return err;
}
