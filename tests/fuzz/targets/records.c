/* Every record and key of the store: what was read can be written, and is read as the same. */
#include "runtime/records.h"
#include "fuzz.h"

static uint8_t id_buffer[CASE_ID_MAX];

/* A reader with its writer; each returns ERR_OK when it has read and written again, or what the reader said. */
#define RECORD(name, type, read, write)                                                                                \
  static enum err name(struct span bytes, struct writer *w) {                                                          \
    type record;                                                                                                       \
    TRY(read(bytes, &record));                                                                                         \
    write(&record, w);                                                                                                 \
    return ERR_OK;                                                                                                     \
  }
RECORD(head, struct record_head, record_head_read, record_head_write)
RECORD(case_, struct record_case, record_case_read, record_case_write)
RECORD(deadline, struct deadline, record_deadline_read, record_deadline_write)
RECORD(incident, struct record_incident, record_incident_read, record_incident_write)
RECORD(journal, struct record_journal, record_journal_read, record_journal_write)
RECORD(receipt, struct record_receipt, record_receipt_read, record_receipt_write)
RECORD(cursor, struct record_cursor, record_cursor_read, record_cursor_write)
RECORD(secret, struct record_secret, record_secret_read, record_secret_write)
RECORD(calendar, struct record_calendar, record_calendar_read, record_calendar_write)
RECORD(signed_head, struct record_signed, record_signed_read, record_signed_write)

static enum err generation(struct span bytes, struct writer *w) {
  uint64_t number;
  TRY(record_generation_read(bytes, &number));
  record_generation_write(number, w);
  return ERR_OK;
}

static enum err plain(struct span bytes, struct writer *w) {
  struct span inner;
  TRY(record_bytes_read(bytes, &inner));
  record_bytes_write(inner, w);
  return ERR_OK;
}

static enum err put_key(const struct record_key *key, struct writer *w) {
  writer_raw(w, record_key_span(key));
  return ERR_OK;
}

static enum err case_key(struct span bytes, struct writer *w) {
  struct span id;
  TRY(record_case_of_key(bytes, id_buffer, &id));
  struct record_key key = record_case_key(id);
  return put_key(&key, w);
}

static enum err deadline_key(struct span bytes, struct writer *w) {
  struct span id;
  uint32_t slot;
  TRY(record_deadline_of_key(bytes, id_buffer, &id, &slot));
  struct record_key key = record_deadline_key(id, slot);
  return put_key(&key, w);
}

static enum err timer_key(struct span bytes, struct writer *w) {
  struct record_timer timer;
  TRY(record_timer_of_key(bytes, id_buffer, &timer));
  struct record_key key = record_timer_key(timer.due, timer.case_id, timer.slot);
  return put_key(&key, w);
}

static enum err incident_key(struct span bytes, struct writer *w) {
  struct span root;
  uint64_t number;
  TRY(record_incident_of_key(bytes, &root, &number));
  struct record_key key = record_incident_key(root, number);
  return put_key(&key, w);
}

static enum err pair_key(struct span bytes, struct writer *w) {
  struct span participant;
  uint64_t number;
  TRY(record_pair_of_key(bytes, &participant, &number));
  struct record_key key = record_pair_key(participant, number);
  return put_key(&key, w);
}

static enum err number_key(struct span bytes, struct writer *w) {
  uint64_t number;
  TRY(record_number_of_key(bytes, &number));
  struct record_key key = record_number_key(number);
  return put_key(&key, w);
}

typedef enum err (*round_trip)(struct span bytes, struct writer *w);
static const round_trip round_trips[] = {head,         case_,    deadline,   incident, journal,      receipt,
                                         cursor,       plain,    generation, case_key, deadline_key, timer_key,
                                         incident_key, pair_key, number_key, secret,   signed_head,  calendar};

enum { CHOICE_JOURNAL = 4, CHOICE_RECEIPT = 5, CHOICE_KEYS = 9, CHOICE_LATER = 15 };

/* Of a record in its present version there is one way to write it; an older one becomes the present. A key may hold a
 * '/' where a NUL belongs: it is written as it should be. A code of an error that this version does not know becomes
 * one that it knows. */
static bool is_exact(size_t choice, struct span read, struct span written) {
  bool names_codes = choice == CHOICE_JOURNAL || choice == CHOICE_RECEIPT;
  bool is_record = choice < CHOICE_KEYS || choice >= CHOICE_LATER;
  return is_record && !names_codes && read.data[0] == written.data[0];
}

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  size_t choice = fuzz_choice(&input) % (sizeof round_trips / sizeof *round_trips);
  struct writer first;
  struct writer second;
  if (choice >= CHOICE_KEYS && input.size > RECORD_KEY_MAX) {
    return; /* the store holds no such key */
  }
  writer_init(&first);
  writer_init(&second);
  enum err err = round_trips[choice](input, &first);
  if (err == ERR_OK) {
    ASSERT(!is_exact(choice, input, writer_span(&first)) || span_equal(input, writer_span(&first)));
    ASSERT(round_trips[choice](writer_span(&first), &second) == ERR_OK);
    ASSERT(span_equal(writer_span(&first), writer_span(&second)));
  } else {
    ASSERT(err == ERR_CORRUPT || err == ERR_VERSION);
  }
  writer_finish(&first);
  writer_finish(&second);
}
