/*
 * runtime/records.h — every key and record that the runtime keeps in the store.
 *
 * Purpose: one place where bytes get their meaning; store/LAYOUT.md is the same in prose. A record begins with a
 * version byte; whoever changes a layout raises RECORD_VERSION_* of that record and teaches its `read` the old one.
 *
 * Keys sort as the tables are walked. A case id becomes a key by turning '/' into NUL, so that a family (root,
 * children, their children) is one contiguous range: "A", "A␀support", then "A-1", which as plain text would stand
 * between them. Numbers in keys are big-endian; moments are biased by 2^63, so that those before 1970 sort before.
 *
 * Ownership: what a `read` returns borrows from the bytes it was given. Threading: values only.
 */
#ifndef KURATOR_RUNTIME_RECORDS_H
#define KURATOR_RUNTIME_RECORDS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "runtime/runtime.h"
#include "store/store.h"

enum {
  RECORD_CHAIN_SIZE = 32,
  RECORD_SALT_SIZE = 16,
  RECORD_SIGNATURE_SIZE = 64,
  RECORD_KEY_MAX = STORE_KEY_MAX,
};

/* ---- keys ---- */

/* A key under construction, on the stack. */
struct record_key {
  uint8_t bytes[RECORD_KEY_MAX];
  size_t size;
};
static inline struct span record_key_span(const struct record_key *key) {
  return (struct span){key->bytes, key->size};
}

struct record_key record_case_key(struct span case_id);
/* The prefix of all descendants of a case in CASE and of all deadlines of its family in DEADLINE. */
struct record_key record_family_prefix(struct span root);
struct record_key record_deadline_key(struct span case_id, uint32_t slot);
struct record_key record_timer_key(civil_moment due, struct span case_id, uint32_t slot);
struct record_key record_incident_key(struct span root, uint64_t number);
struct record_key record_incident_prefix(struct span root);
struct record_key record_number_key(uint64_t number);                        /* JOURNAL */
struct record_key record_pair_key(struct span participant, uint64_t number); /* DEDUP, STREAM */
struct record_key record_pair_prefix(struct span participant);
struct record_key record_name_key(struct span name);                     /* CURSOR, PERSON, KEY */
struct record_key record_index_key(const char *index, struct span name); /* INDEX */
/* INDEX: to whom an offer of a case went; those of a family stand together. */
struct record_key record_offer_key(struct span case_id, int64_t offer);
struct record_key record_offer_prefix(struct span root);
/* INDEX: the import (its entry) that this family was recounted for before its turn came. */
struct record_key record_recounted_key(struct span root);
/* INDEX: the entry that has taken this one back; and that one has been named by its sender's number to be taken back.
 */
struct record_key record_annulled_key(uint64_t journal);
struct record_key record_named_key(uint64_t journal);
struct record_key record_definition_key(struct span process, struct span revision);

/* The other way: the case id with '/' again, written to `buffer` of CASE_ID_MAX bytes. ERR_CORRUPT. */
enum err record_case_of_key(struct span key, uint8_t *buffer, struct span *ret_case_id) MUST_CHECK;
enum err record_deadline_of_key(struct span key, uint8_t *buffer, struct span *ret_case_id,
                                uint32_t *ret_slot) MUST_CHECK;
struct record_timer {
  civil_moment due;
  struct span case_id;
  uint32_t slot;
};
enum err record_timer_of_key(struct span key, uint8_t *buffer, struct record_timer *ret_timer) MUST_CHECK;
enum err record_incident_of_key(struct span key, struct span *ret_root, uint64_t *ret_number) MUST_CHECK;
enum err record_number_of_key(struct span key, uint64_t *ret_number) MUST_CHECK;
enum err record_definition_of_key(struct span key, struct span *ret_process, struct span *ret_revision) MUST_CHECK;
/* The number at the end of a pair key. */
enum err record_pair_of_key(struct span key, struct span *ret_participant, uint64_t *ret_number) MUST_CHECK;

/* ---- META: one record under the key "runtime/head" ---- */

#define RECORD_HEAD_KEY SPAN_LITERAL("runtime/head")
struct record_head {
  uint64_t journal;                 /* last number given, 0: none yet */
  uint64_t incidents;               /* last number given */
  civil_moment recorded_at;         /* last recorded moment, CIVIL_MOMENT_NONE: none yet */
  civil_moment clock;               /* virtual clock, ≥ recorded_at */
  uint64_t timers;                  /* taken in order since the last entry that a rehearsal reads (due.c) */
  uint8_t chain[RECORD_CHAIN_SIZE]; /* of the last journal entry */
};
void record_head_write(const struct record_head *head, struct writer *w);
enum err record_head_read(struct span bytes, struct record_head *ret_head) MUST_CHECK;

/* ---- META: the calendar, one record under the key "runtime/calendar"; none until the first import ---- */

#define RECORD_CALENDAR_KEY SPAN_LITERAL("runtime/calendar")
enum { RECORD_IMPORTS_MAX = 500 };
struct record_calendar {
  uint64_t imports[RECORD_IMPORTS_MAX]; /* entries of the journal, ascending */
  size_t imports_count;
  bool recounting;             /* the last import has not reached all cases */
  civil_moment at;             /* when the last import was recorded */
  uint8_t root[CASE_ROOT_MAX]; /* up to this family all are recounted */
  size_t root_size;
  uint64_t cases, done;        /* running when it was imported; of these, recounted */
  uint64_t changed, deadlines; /* families in which something changed, and their changed deadlines */
  uint64_t failed;             /* families that could not be stepped */
};
void record_calendar_write(const struct record_calendar *calendar, struct writer *w);
enum err record_calendar_read(struct span bytes, struct record_calendar *ret_calendar) MUST_CHECK;

/* ---- META: heads of the chain that the engine has signed, "runtime/signed/" and the number ---- */

struct record_signed {
  uint64_t journal; /* the head */
  civil_moment at;  /* when it was signed, by the engine's clock */
  uint8_t chain[RECORD_CHAIN_SIZE];
  struct span key_id; /* name of the key */
  uint8_t signature[RECORD_SIGNATURE_SIZE];
};
struct record_key record_signed_key(uint64_t journal);
struct record_key record_signed_prefix(void);
void record_signed_write(const struct record_signed *head, struct writer *w);
enum err record_signed_read(struct span bytes, struct record_signed *ret_head) MUST_CHECK;
/* What is signed: journal u64, at u64, chain. */
enum { RECORD_STATEMENT_SIZE = 8 + 8 + RECORD_CHAIN_SIZE };
void record_signed_statement(const struct record_signed *head, uint8_t ret_statement[RECORD_STATEMENT_SIZE]);

/* ---- CASE ---- */

enum { RECORD_NO_ENTRY = 1 }; /* of `latest` and `earlier` */
struct record_case {
  uint32_t parked;  /* open incidents of inputs that could not be stepped; 0: it goes on as it should */
  uint64_t journal; /* entry that started it */
  uint64_t latest;  /* root: 1 + number of the latest entry of a message to its family (1: none); 0: not known */
  struct span body; /* casework's record: case_decode, case_view_decode */
};
void record_case_write(const struct record_case *c, struct writer *w);
enum err record_case_read(struct span bytes, struct record_case *ret_case) MUST_CHECK;

/* ---- DEADLINE: casework's record behind a version byte ---- */

void record_deadline_write(const struct deadline *deadline, struct writer *w);
enum err record_deadline_read(struct span bytes, struct deadline *ret_deadline) MUST_CHECK;

/* ---- TIMER ---- */

void record_generation_write(uint64_t generation, struct writer *w);
enum err record_generation_read(struct span bytes, uint64_t *ret_generation) MUST_CHECK;

/* ---- INCIDENT ---- */

struct record_incident {
  bool resolved;
  bool transport;           /* of the exchange, not of a case: not part of the outcome */
  bool parks;               /* its case is parked while it is open */
  uint64_t journal;         /* entry it came from */
  uint64_t count;           /* refusals of one kind are counted, not repeated */
  civil_moment at;          /* the first time */
  civil_moment last_at;     /* the last time */
  civil_moment resolved_at; /* CIVIL_MOMENT_NONE while open */
  struct span case_id;      /* the case itself; the key holds its root */
  struct span reason;       /* stable code */
  struct span detail;       /* no personal data */
  struct span sender, event;
  struct span resolved_by;
};
void record_incident_write(const struct record_incident *incident, struct writer *w);
enum err record_incident_read(struct span bytes, struct record_incident *ret_incident) MUST_CHECK;

/* ---- JOURNAL ---- */

enum record_journal_kind {
  RECORD_JOURNAL_MESSAGE,    /* accepted */
  RECORD_JOURNAL_REFUSED,    /* by the state of the case or by rights: would be judged the same again */
  RECORD_JOURNAL_UNREADABLE, /* refused for its payload, of which nothing is kept */
  RECORD_JOURNAL_PARKED,     /* accepted, but its case could not take it */
  RECORD_JOURNAL_TIMER,
  RECORD_JOURNAL_AUDIT, /* what an operator did: `sender` the operator, `event` the act, `text` the reason */
  /* The calendar was amended: `sender` the operator, `clear` the rows; or all cases have been recounted, no sender. */
  RECORD_JOURNAL_CALENDAR,
  RECORD_JOURNAL_RECOUNT, /* of a family: `clear` what has changed by the amended calendar, or `err` why it could not */
};
struct record_journal {
  enum record_journal_kind kind;
  enum err err; /* REFUSED, UNREADABLE, PARKED */
  civil_moment recorded_at;
  civil_moment occurred_at;
  struct span sender; /* empty for a timer */
  uint64_t sequence;  /* message; timer: its generation */
  uint32_t slot;      /* timer */
  bool behind;        /* timers that were due waited when it came (due.c); a timer: it was taken out of their order */
  uint64_t timers;    /* behind: taken in order since the last entry that a rehearsal reads */
  struct span event;
  struct span case_id;
  struct span acting_for;
  struct span text;   /* of a refusal */
  struct span clear;  /* value_encode of the clear data; empty if none */
  struct span sealed; /* personal data under the person's key; empty if none */
  uint64_t
      earlier; /* message: 1 + number of the entry of the message before it to its family (1: none); 0: not known */
  uint8_t digest[RUNTIME_DIGEST_SIZE];
  uint8_t salt[RECORD_SALT_SIZE]; /* seal_salt; zeros in version 1 */
  uint8_t chain[RECORD_CHAIN_SIZE];
};
/* All but the chain, which comes last: what the chain covers. */
void record_journal_write_content(const struct record_journal *entry, struct writer *w);
void record_journal_write(const struct record_journal *entry, struct writer *w);
/* The same part of a record that was read; empty in version 1, where the chain covered the digest only. */
struct span record_journal_content(struct span bytes);
enum err record_journal_read(struct span bytes, struct record_journal *ret_entry) MUST_CHECK;

/* ---- DEDUP ---- */

struct record_receipt {
  enum runtime_receipt_kind kind;
  enum err err;
  uint64_t journal;
  uint64_t incident;
  struct span text;
  uint8_t digest[RUNTIME_DIGEST_SIZE];
};
void record_receipt_write(const struct record_receipt *receipt, struct writer *w);
enum err record_receipt_read(struct span bytes, struct record_receipt *ret_receipt) MUST_CHECK;

/* ---- CURSOR: what is counted for a participant ---- */

struct record_cursor {
  uint64_t head; /* of its stream */
  uint64_t acknowledged;
  uint64_t dropped;  /* positions up to this one are no longer kept; ≤ acknowledged */
  uint64_t sequence; /* highest seen from it */
  uint64_t refusals; /* incidents opened for its refusals */
  int64_t load;      /* open referrals */
};
void record_cursor_write(const struct record_cursor *cursor, struct writer *w);
enum err record_cursor_read(struct span bytes, struct record_cursor *ret_cursor) MUST_CHECK;

/* ---- DEFINITION ---- */

struct record_definition {
  uint64_t vocabulary;  /* CASEWORK_VOCABULARY when it was written */
  struct span chart;    /* SCXML */
  struct span settings; /* value_encode of the map */
};
void record_definition_write(const struct record_definition *definition, struct writer *w);
enum err record_definition_read(struct span bytes, struct record_definition *ret_definition) MUST_CHECK;

/* ---- KEY ---- */

struct record_secret {
  struct span wrapped; /* the person's key under the master key; empty: destroyed */
  uint64_t erased;     /* entry of the journal that says who destroyed it; 0: it lives */
};
void record_secret_write(const struct record_secret *secret, struct writer *w);
enum err record_secret_read(struct span bytes, struct record_secret *ret_secret) MUST_CHECK;

/* ---- STREAM, PERSON: bytes behind a version byte ---- */

void record_bytes_write(struct span bytes, struct writer *w);
enum err record_bytes_read(struct span bytes, struct span *ret_bytes) MUST_CHECK;

#endif
