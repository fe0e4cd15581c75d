#include "runtime/records.h"

#include <string.h>

enum {
  VERSION = 1,          /* of every record but these: */
  VERSION_CURSOR = 2,   /* 1: without what was dropped */
  VERSION_CASE = 3,     /* 2: without the latest entry of its family; 1: a flag instead of the number of incidents */
  VERSION_INCIDENT = 2, /* 1: without FLAG_PARKS */
  VERSION_HEAD = 2,     /* 1: without the count of timers */
  VERSION_JOURNAL = 5,  /* 4: without the earlier entry of the family; 3: without calendars and recounts; 2: without the
                           count of timers; 1: without salt, the chain  covers the digest only */
  VERSION_COVERED = 2,  /* JOURNAL: from this one on the chain covers the entry */
  VERSION_KEY = 2,      /* 1: the wrapped key alone */
  SEPARATOR = 0,        /* between the parts of a key; no id holds it */
  FLAG_PARKED = 1,      /* CASE, version 1 */
  FLAG_RESOLVED = 1,    /* INCIDENT */
  FLAG_TRANSPORT = 2,   /* INCIDENT */
  FLAG_PARKS = 4,       /* INCIDENT */
};

/* ---- keys ---- */

static void key_add(struct record_key *key, struct span bytes) {
  ASSERT(bytes.size <= sizeof key->bytes - key->size);
  if (bytes.size > 0) {
    memcpy(key->bytes + key->size, bytes.data, bytes.size);
  }
  key->size += bytes.size;
}

static void key_add_byte(struct record_key *key, uint8_t byte) {
  key_add(key, span_of(&byte, 1));
}

static void key_add_number(struct record_key *key, uint64_t number, size_t size) {
  for (size_t i = size; i > 0; i--) {
    key_add_byte(key, (uint8_t)(number >> (8 * (i - 1))));
  }
}

static void key_add_case(struct record_key *key, struct span case_id) {
  size_t start = key->size;
  key_add(key, case_id);
  for (size_t i = start; i < key->size; i++) {
    if (key->bytes[i] == '/') {
      key->bytes[i] = SEPARATOR;
    }
  }
}

static uint64_t moment_biased(civil_moment moment) {
  return (uint64_t)moment ^ (UINT64_C(1) << 63);
}

struct record_key record_case_key(struct span case_id) {
  struct record_key key = {.size = 0};
  key_add_case(&key, case_id);
  return key;
}

struct record_key record_family_prefix(struct span root) {
  struct record_key key = record_case_key(root);
  key_add_byte(&key, SEPARATOR);
  return key;
}

/* Two separators: no id has an empty part, so that a child's key never begins like a deadline's. */
struct record_key record_deadline_key(struct span case_id, uint32_t slot) {
  struct record_key key = record_family_prefix(case_id);
  key_add_byte(&key, SEPARATOR);
  key_add_number(&key, slot, 4);
  return key;
}

struct record_key record_timer_key(civil_moment due, struct span case_id, uint32_t slot) {
  struct record_key key = {.size = 0};
  key_add_number(&key, moment_biased(due), 8);
  struct record_key rest = record_deadline_key(case_id, slot);
  key_add(&key, record_key_span(&rest));
  return key;
}

struct record_key record_pair_prefix(struct span participant) {
  struct record_key key = record_name_key(participant);
  key_add_byte(&key, SEPARATOR);
  return key;
}

struct record_key record_pair_key(struct span participant, uint64_t number) {
  struct record_key key = record_pair_prefix(participant);
  key_add_number(&key, number, 8);
  return key;
}

struct record_key record_incident_prefix(struct span root) {
  return record_pair_prefix(root);
}

struct record_key record_incident_key(struct span root, uint64_t number) {
  return record_pair_key(root, number);
}

struct record_key record_number_key(uint64_t number) {
  struct record_key key = {.size = 0};
  key_add_number(&key, number, 8);
  return key;
}

struct record_key record_name_key(struct span name) {
  struct record_key key = {.size = 0};
  key_add(&key, name);
  return key;
}

struct record_key record_index_key(const char *index, struct span name) {
  struct record_key key = record_pair_prefix(span_of_cstr(index));
  key_add(&key, name);
  return key;
}

/* The name in the index is that of a deadline's key: the case, then the number. */
struct record_key record_offer_key(struct span case_id, int64_t offer) {
  struct record_key name = record_deadline_key(case_id, (uint32_t)offer);
  return record_index_key("offer", record_key_span(&name));
}

struct record_key record_offer_prefix(struct span root) {
  struct record_key name = record_family_prefix(root);
  return record_index_key("offer", record_key_span(&name));
}

struct record_key record_recounted_key(struct span root) {
  return record_index_key("recounted", root);
}

struct record_key record_annulled_key(uint64_t journal) {
  struct record_key number = record_number_key(journal);
  return record_index_key("annulled", record_key_span(&number));
}

struct record_key record_named_key(uint64_t journal) {
  struct record_key number = record_number_key(journal);
  return record_index_key("named", record_key_span(&number));
}

struct record_key record_definition_key(struct span process, struct span revision) {
  struct record_key key = record_pair_prefix(process);
  key_add(&key, revision);
  return key;
}

static uint64_t number_at(const uint8_t *bytes, size_t size) {
  uint64_t number = 0;
  for (size_t i = 0; i < size; i++) {
    number = number << 8 | bytes[i];
  }
  return number;
}

enum err record_case_of_key(struct span key, uint8_t *buffer, struct span *ret_case_id) {
  if (key.size == 0 || key.size > CASE_ID_MAX) {
    return ERR_CORRUPT;
  }
  for (size_t i = 0; i < key.size; i++) {
    buffer[i] = key.data[i] == SEPARATOR ? '/' : key.data[i];
  }
  *ret_case_id = span_of(buffer, key.size);
  return ERR_OK;
}

enum err record_deadline_of_key(struct span key, uint8_t *buffer, struct span *ret_case_id, uint32_t *ret_slot) {
  if (key.size < 2 + 4 || key.data[key.size - 5] != SEPARATOR || key.data[key.size - 6] != SEPARATOR) {
    return ERR_CORRUPT;
  }
  TRY(record_case_of_key(span_of(key.data, key.size - 6), buffer, ret_case_id));
  *ret_slot = (uint32_t)number_at(key.data + key.size - 4, 4);
  return ERR_OK;
}

enum err record_definition_of_key(struct span key, struct span *ret_process, struct span *ret_revision) {
  *ret_process = span_cut(key, SEPARATOR, ret_revision);
  return span_empty(*ret_process) || span_empty(*ret_revision) ? ERR_CORRUPT : ERR_OK;
}

enum err record_timer_of_key(struct span key, uint8_t *buffer, struct record_timer *ret_timer) {
  if (key.size < 8) {
    return ERR_CORRUPT;
  }
  struct record_timer timer = {.due = (civil_moment)(number_at(key.data, 8) ^ (UINT64_C(1) << 63))};
  TRY(record_deadline_of_key(span_of(key.data + 8, key.size - 8), buffer, &timer.case_id, &timer.slot));
  *ret_timer = timer;
  return ERR_OK;
}

enum err record_pair_of_key(struct span key, struct span *ret_participant, uint64_t *ret_number) {
  if (key.size < 1 + 8 || key.data[key.size - 9] != SEPARATOR) {
    return ERR_CORRUPT;
  }
  *ret_participant = span_of(key.data, key.size - 9);
  *ret_number = number_at(key.data + key.size - 8, 8);
  return ERR_OK;
}

enum err record_incident_of_key(struct span key, struct span *ret_root, uint64_t *ret_number) {
  return record_pair_of_key(key, ret_root, ret_number);
}

enum err record_number_of_key(struct span key, uint64_t *ret_number) {
  if (key.size != 8) {
    return ERR_CORRUPT;
  }
  *ret_number = number_at(key.data, 8);
  return ERR_OK;
}

/* ---- what all records share ---- */

/* A reader behind the version byte; a newer version is ERR_VERSION. */
static enum err record_open_to(struct span bytes, uint8_t newest, struct reader *ret_reader, uint8_t *ret_version) {
  struct reader r = reader_of(bytes);
  uint8_t version = reader_u8(&r);
  if (r.failed || version == 0) {
    return ERR_CORRUPT;
  }
  if (version > newest) {
    return ERR_VERSION;
  }
  *ret_reader = r;
  *ret_version = version;
  return ERR_OK;
}

static enum err record_open(struct span bytes, struct reader *ret_reader) {
  uint8_t version;
  return record_open_to(bytes, VERSION, ret_reader, &version);
}

static void read_fixed(struct reader *r, uint8_t *bytes, size_t size) {
  struct span raw = reader_raw(r, size);
  if (raw.size == size) {
    memcpy(bytes, raw.data, size);
  } else {
    memset(bytes, 0, size);
  }
}

/* Errors are stored by name, since their numbers follow the order of ERR_MAP. */
static void write_err(enum err err, struct writer *w) {
  writer_blob(w, err == ERR_OK ? span_of(NULL, 0) : span_of_cstr(err_name(err)));
}

static enum err read_err(struct reader *r) {
  struct span name = reader_blob(r);
  if (span_empty(name)) {
    return ERR_OK;
  }
#define X(code, class, text)                                                                                           \
  if (span_is(name, #code)) {                                                                                          \
    return ERR_##code;                                                                                                 \
  }
  ERR_MAP(X)
#undef X
  return ERR_INVALID; /* a code of another version: still a refusal */
}

/* ---- META ---- */

void record_head_write(const struct record_head *head, struct writer *w) {
  writer_u8(w, VERSION_HEAD);
  writer_varint(w, head->journal);
  writer_varint(w, head->incidents);
  writer_u64be(w, moment_biased(head->recorded_at));
  writer_u64be(w, moment_biased(head->clock));
  writer_raw(w, span_of(head->chain, sizeof head->chain));
  writer_varint(w, head->timers);
}

enum err record_head_read(struct span bytes, struct record_head *ret_head) {
  struct reader r;
  uint8_t version;
  TRY(record_open_to(bytes, VERSION_HEAD, &r, &version));
  struct record_head head = {.journal = reader_varint(&r)};
  head.incidents = reader_varint(&r);
  head.recorded_at = (civil_moment)moment_biased((civil_moment)reader_u64be(&r));
  head.clock = (civil_moment)moment_biased((civil_moment)reader_u64be(&r));
  read_fixed(&r, head.chain, sizeof head.chain);
  head.timers = version > 1 ? reader_varint(&r) : 0;
  TRY(reader_end(&r));
  *ret_head = head;
  return ERR_OK;
}

/* ---- META: the calendar ---- */

void record_calendar_write(const struct record_calendar *calendar, struct writer *w) {
  writer_u8(w, VERSION);
  writer_varint(w, calendar->imports_count);
  for (size_t i = 0; i < calendar->imports_count; i++) {
    writer_varint(w, calendar->imports[i]);
  }
  writer_u8(w, calendar->recounting);
  writer_u64be(w, moment_biased(calendar->at));
  writer_blob(w, span_of(calendar->root, calendar->root_size));
  writer_varint(w, calendar->cases);
  writer_varint(w, calendar->done);
  writer_varint(w, calendar->changed);
  writer_varint(w, calendar->deadlines);
  writer_varint(w, calendar->failed);
}

static enum err read_imports(struct reader *r, struct record_calendar *calendar) {
  uint64_t count = reader_varint(r);
  if (count > RECORD_IMPORTS_MAX) {
    return ERR_CORRUPT;
  }
  for (uint64_t i = 0; i < count; i++) {
    calendar->imports[i] = reader_varint(r);
  }
  calendar->imports_count = (size_t)count;
  return ERR_OK;
}

enum err record_calendar_read(struct span bytes, struct record_calendar *ret_calendar) {
  struct reader r;
  struct record_calendar calendar = {.imports_count = 0};
  TRY(record_open(bytes, &r));
  TRY(read_imports(&r, &calendar));
  uint8_t recounting = reader_u8(&r);
  calendar.recounting = recounting == 1;
  calendar.at = (civil_moment)moment_biased((civil_moment)reader_u64be(&r));
  struct span root = reader_blob(&r);
  calendar.cases = reader_varint(&r);
  calendar.done = reader_varint(&r);
  calendar.changed = reader_varint(&r);
  calendar.deadlines = reader_varint(&r);
  calendar.failed = reader_varint(&r);
  TRY(reader_end(&r));
  if (recounting > 1 || root.size > sizeof calendar.root) {
    return ERR_CORRUPT;
  }
  if (root.size > 0) {
    memcpy(calendar.root, root.data, root.size);
  }
  calendar.root_size = root.size;
  *ret_calendar = calendar;
  return ERR_OK;
}

/* ---- META: signed heads ---- */

struct record_key record_signed_prefix(void) {
  struct record_key key = {.size = 0};
  key_add(&key, SPAN_LITERAL("runtime/signed/"));
  return key;
}

struct record_key record_signed_key(uint64_t journal) {
  struct record_key key = record_signed_prefix();
  key_add_number(&key, journal, 8);
  return key;
}

void record_signed_write(const struct record_signed *head, struct writer *w) {
  writer_u8(w, VERSION);
  writer_varint(w, head->journal);
  writer_u64be(w, moment_biased(head->at));
  writer_raw(w, span_of(head->chain, sizeof head->chain));
  writer_blob(w, head->key_id);
  writer_raw(w, span_of(head->signature, sizeof head->signature));
}

enum err record_signed_read(struct span bytes, struct record_signed *ret_head) {
  struct reader r;
  TRY(record_open(bytes, &r));
  struct record_signed head = {.journal = reader_varint(&r)};
  head.at = (civil_moment)moment_biased((civil_moment)reader_u64be(&r));
  read_fixed(&r, head.chain, sizeof head.chain);
  head.key_id = reader_blob(&r);
  read_fixed(&r, head.signature, sizeof head.signature);
  TRY(reader_end(&r));
  *ret_head = head;
  return ERR_OK;
}

void record_signed_statement(const struct record_signed *head, uint8_t ret_statement[RECORD_STATEMENT_SIZE]) {
  for (size_t i = 0; i < 8; i++) {
    ret_statement[i] = (uint8_t)(head->journal >> (8 * (7 - i)));
    ret_statement[8 + i] = (uint8_t)((uint64_t)head->at >> (8 * (7 - i)));
  }
  memcpy(ret_statement + 16, head->chain, sizeof head->chain);
}

/* ---- CASE ---- */

void record_case_write(const struct record_case *c, struct writer *w) {
  writer_u8(w, VERSION_CASE);
  writer_varint(w, c->parked);
  writer_varint(w, c->journal);
  writer_varint(w, c->latest);
  writer_blob(w, c->body);
}

enum err record_case_read(struct span bytes, struct record_case *ret_case) {
  struct reader r;
  uint8_t version;
  TRY(record_open_to(bytes, VERSION_CASE, &r, &version));
  uint64_t parked = version == 1 ? reader_u8(&r) & FLAG_PARKED : reader_varint(&r);
  if (parked > UINT32_MAX) {
    return ERR_CORRUPT;
  }
  struct record_case c = {.parked = (uint32_t)parked};
  c.journal = reader_varint(&r);
  c.latest = version > 2 ? reader_varint(&r) : 0;
  c.body = reader_blob(&r);
  TRY(reader_end(&r));
  *ret_case = c;
  return ERR_OK;
}

/* ---- DEADLINE, TIMER ---- */

void record_deadline_write(const struct deadline *deadline, struct writer *w) {
  writer_u8(w, VERSION);
  deadline_encode(deadline, w);
}

enum err record_deadline_read(struct span bytes, struct deadline *ret_deadline) {
  struct reader r;
  TRY(record_open(bytes, &r));
  return deadline_decode(span_of(r.data, r.size), ret_deadline);
}

void record_generation_write(uint64_t generation, struct writer *w) {
  writer_u8(w, VERSION);
  writer_varint(w, generation);
}

enum err record_generation_read(struct span bytes, uint64_t *ret_generation) {
  struct reader r;
  TRY(record_open(bytes, &r));
  uint64_t generation = reader_varint(&r);
  TRY(reader_end(&r));
  *ret_generation = generation;
  return ERR_OK;
}

/* ---- INCIDENT ---- */

void record_incident_write(const struct record_incident *incident, struct writer *w) {
  writer_u8(w, VERSION_INCIDENT);
  writer_u8(w, (uint8_t)((incident->resolved ? FLAG_RESOLVED : 0) | (incident->transport ? FLAG_TRANSPORT : 0) |
                         (incident->parks ? FLAG_PARKS : 0)));
  writer_varint(w, incident->journal);
  writer_varint(w, incident->count);
  writer_zigzag(w, incident->at);
  writer_zigzag(w, incident->last_at);
  writer_u64be(w, moment_biased(incident->resolved_at));
  writer_blob(w, incident->case_id);
  writer_blob(w, incident->reason);
  writer_blob(w, incident->detail);
  writer_blob(w, incident->sender);
  writer_blob(w, incident->event);
  writer_blob(w, incident->resolved_by);
}

/* Before there was a flag the reason said it; a script's error may or may not have. */
static bool has_parked(struct span reason) {
  return span_is(reason, "timer-failed") || span_is(reason, "step-failed") || span_is(reason, "script-error");
}

enum err record_incident_read(struct span bytes, struct record_incident *ret_incident) {
  struct reader r;
  uint8_t version;
  TRY(record_open_to(bytes, VERSION_INCIDENT, &r, &version));
  uint8_t flags = reader_u8(&r);
  if ((flags & ~(FLAG_RESOLVED | FLAG_TRANSPORT | FLAG_PARKS)) != 0) {
    return ERR_CORRUPT;
  }
  struct record_incident incident = {
      .resolved = (flags & FLAG_RESOLVED) != 0,
      .transport = (flags & FLAG_TRANSPORT) != 0,
      .parks = (flags & FLAG_PARKS) != 0,
  };
  incident.journal = reader_varint(&r);
  incident.count = reader_varint(&r);
  incident.at = reader_zigzag(&r);
  incident.last_at = reader_zigzag(&r);
  incident.resolved_at = (civil_moment)moment_biased((civil_moment)reader_u64be(&r));
  incident.case_id = reader_blob(&r);
  incident.reason = reader_blob(&r);
  incident.detail = reader_blob(&r);
  incident.sender = reader_blob(&r);
  incident.event = reader_blob(&r);
  incident.resolved_by = reader_blob(&r);
  incident.parks = version == 1 ? has_parked(incident.reason) : incident.parks;
  TRY(reader_end(&r));
  *ret_incident = incident;
  return ERR_OK;
}

/* ---- JOURNAL ---- */

void record_journal_write_content(const struct record_journal *entry, struct writer *w) {
  writer_u8(w, VERSION_JOURNAL);
  writer_u8(w, (uint8_t)entry->kind);
  writer_zigzag(w, entry->recorded_at);
  writer_zigzag(w, entry->occurred_at);
  writer_raw(w, span_of(entry->digest, sizeof entry->digest));
  writer_raw(w, span_of(entry->salt, sizeof entry->salt));
  writer_blob(w, entry->sender);
  writer_varint(w, entry->sequence);
  writer_varint(w, entry->slot);
  writer_varint(w, entry->behind ? entry->timers + 1 : 0);
  writer_blob(w, entry->event);
  writer_blob(w, entry->case_id);
  writer_blob(w, entry->acting_for);
  write_err(entry->err, w);
  writer_blob(w, entry->text);
  writer_blob(w, entry->clear);
  writer_blob(w, entry->sealed);
  writer_varint(w, entry->earlier);
}

void record_journal_write(const struct record_journal *entry, struct writer *w) {
  record_journal_write_content(entry, w);
  writer_raw(w, span_of(entry->chain, sizeof entry->chain));
}

struct span record_journal_content(struct span bytes) {
  bool covered = bytes.size > RECORD_CHAIN_SIZE && bytes.data[0] >= VERSION_COVERED;
  return covered ? span_of(bytes.data, bytes.size - RECORD_CHAIN_SIZE) : span_of(NULL, 0);
}

enum err record_journal_read(struct span bytes, struct record_journal *ret_entry) {
  struct reader r;
  uint8_t version;
  TRY(record_open_to(bytes, VERSION_JOURNAL, &r, &version));
  uint8_t kind = reader_u8(&r);
  if (kind > (version > 3 ? RECORD_JOURNAL_RECOUNT : RECORD_JOURNAL_AUDIT)) {
    return ERR_CORRUPT;
  }
  struct record_journal entry = {.kind = (enum record_journal_kind)kind};
  entry.recorded_at = reader_zigzag(&r);
  entry.occurred_at = reader_zigzag(&r);
  read_fixed(&r, entry.digest, sizeof entry.digest);
  if (version == 1) {
    read_fixed(&r, entry.chain, sizeof entry.chain);
  } else {
    read_fixed(&r, entry.salt, sizeof entry.salt);
  }
  entry.sender = reader_blob(&r);
  entry.sequence = reader_varint(&r);
  entry.slot = (uint32_t)reader_varint(&r);
  uint64_t timers = version > 2 ? reader_varint(&r) : 0;
  entry.behind = timers > 0;
  entry.timers = timers > 0 ? timers - 1 : 0;
  entry.event = reader_blob(&r);
  entry.case_id = reader_blob(&r);
  entry.acting_for = reader_blob(&r);
  entry.err = read_err(&r);
  entry.text = reader_blob(&r);
  entry.clear = reader_blob(&r);
  entry.sealed = reader_blob(&r);
  entry.earlier = version > 4 ? reader_varint(&r) : 0;
  if (version > 1) {
    read_fixed(&r, entry.chain, sizeof entry.chain);
  }
  TRY(reader_end(&r));
  *ret_entry = entry;
  return ERR_OK;
}

/* ---- DEDUP, CURSOR ---- */

void record_receipt_write(const struct record_receipt *receipt, struct writer *w) {
  writer_u8(w, VERSION);
  writer_u8(w, (uint8_t)receipt->kind);
  writer_raw(w, span_of(receipt->digest, sizeof receipt->digest));
  writer_varint(w, receipt->journal);
  writer_varint(w, receipt->incident);
  write_err(receipt->err, w);
  writer_blob(w, receipt->text);
}

enum err record_receipt_read(struct span bytes, struct record_receipt *ret_receipt) {
  struct reader r;
  TRY(record_open(bytes, &r));
  uint8_t kind = reader_u8(&r);
  if (kind > RUNTIME_INCIDENT) {
    return ERR_CORRUPT;
  }
  struct record_receipt receipt = {.kind = (enum runtime_receipt_kind)kind};
  read_fixed(&r, receipt.digest, sizeof receipt.digest);
  receipt.journal = reader_varint(&r);
  receipt.incident = reader_varint(&r);
  receipt.err = read_err(&r);
  receipt.text = reader_blob(&r);
  TRY(reader_end(&r));
  *ret_receipt = receipt;
  return ERR_OK;
}

void record_cursor_write(const struct record_cursor *cursor, struct writer *w) {
  writer_u8(w, VERSION_CURSOR);
  writer_varint(w, cursor->head);
  writer_varint(w, cursor->acknowledged);
  writer_varint(w, cursor->sequence);
  writer_varint(w, cursor->refusals);
  writer_zigzag(w, cursor->load);
  writer_varint(w, cursor->dropped);
}

enum err record_cursor_read(struct span bytes, struct record_cursor *ret_cursor) {
  struct reader r;
  uint8_t version;
  TRY(record_open_to(bytes, VERSION_CURSOR, &r, &version));
  struct record_cursor cursor = {.head = reader_varint(&r)};
  cursor.acknowledged = reader_varint(&r);
  cursor.sequence = reader_varint(&r);
  cursor.refusals = reader_varint(&r);
  cursor.load = reader_zigzag(&r);
  cursor.dropped = version == 1 ? 0 : reader_varint(&r);
  TRY(reader_end(&r));
  if (cursor.dropped > cursor.acknowledged) {
    return ERR_CORRUPT;
  }
  *ret_cursor = cursor;
  return ERR_OK;
}

/* ---- DEFINITION ---- */

void record_definition_write(const struct record_definition *definition, struct writer *w) {
  writer_u8(w, VERSION);
  writer_varint(w, definition->vocabulary);
  writer_blob(w, definition->chart);
  writer_blob(w, definition->settings);
}

enum err record_definition_read(struct span bytes, struct record_definition *ret_definition) {
  struct reader r;
  TRY(record_open(bytes, &r));
  struct record_definition definition = {.vocabulary = reader_varint(&r)};
  definition.chart = reader_blob(&r);
  definition.settings = reader_blob(&r);
  TRY(reader_end(&r));
  *ret_definition = definition;
  return ERR_OK;
}

/* ---- KEY ---- */

void record_secret_write(const struct record_secret *secret, struct writer *w) {
  writer_u8(w, VERSION_KEY);
  writer_varint(w, secret->erased);
  writer_blob(w, secret->wrapped);
}

enum err record_secret_read(struct span bytes, struct record_secret *ret_secret) {
  struct reader r;
  uint8_t version;
  TRY(record_open_to(bytes, VERSION_KEY, &r, &version));
  if (version == 1) {
    *ret_secret = (struct record_secret){.wrapped = span_of(r.data, r.size)};
    return ERR_OK;
  }
  struct record_secret secret = {.erased = reader_varint(&r)};
  secret.wrapped = reader_blob(&r);
  TRY(reader_end(&r));
  *ret_secret = secret;
  return ERR_OK;
}

/* ---- STREAM, PERSON ---- */

void record_bytes_write(struct span bytes, struct writer *w) {
  writer_u8(w, VERSION);
  writer_raw(w, bytes);
}

enum err record_bytes_read(struct span bytes, struct span *ret_bytes) {
  struct reader r;
  TRY(record_open(bytes, &r));
  *ret_bytes = span_of(r.data, r.size);
  return ERR_OK;
}
