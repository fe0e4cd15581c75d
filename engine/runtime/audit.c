/* Writing the lines that prove the journal; checking stands in audit_check.c. */
#include "runtime/audit.h"

#include <string.h>

#include "runtime/line.h"
#include "runtime/records.h"
#include "runtime/seal.h"

struct lines {
  const struct audit_writer *writer;
  struct store *store;
  struct writer line;
  struct record_signed head; /* the next one that is signed; journal 0: none */
  uint8_t key_room[RUNTIME_KEY_ID_MAX];
  uint64_t told; /* entry that is told */
  uint64_t last; /* number and chain of the last one written */
  uint8_t chain[RECORD_CHAIN_SIZE];
  size_t left;
  uint64_t next;
  enum err err;
};

static void line_bytes(struct writer *w, const char *name, const uint8_t *bytes, size_t size) {
  writer_printf(w, ",\"%s\":\"", name);
  for (size_t i = 0; i < size; i++) {
    writer_printf(w, "%02x", bytes[i]);
  }
  writer_printf(w, "\"");
}

static void line_begin(struct lines *lines, const char *type, uint64_t number) {
  writer_reset(&lines->line);
  line_text(&lines->line, "type", span_of_cstr(type));
  line_value(&lines->line, "journal", value_int((int64_t)number));
}

static void line_put(struct lines *lines) {
  line_end(&lines->line);
  (void)lines->writer->sink(lines->writer->sink_arg, writer_span(&lines->line));
}

static void put_from(struct lines *lines, uint64_t number, const uint8_t chain[RECORD_CHAIN_SIZE]) {
  line_begin(lines, "from", number);
  line_bytes(&lines->line, "chain", chain, RECORD_CHAIN_SIZE);
  line_put(lines);
}

static void put_head(struct lines *lines, const struct record_signed *head) {
  line_begin(lines, "head", head->journal);
  line_value(&lines->line, "at_ms", value_int(head->at));
  line_bytes(&lines->line, "chain", head->chain, sizeof head->chain);
  line_text(&lines->line, "key", head->key_id);
  line_bytes(&lines->line, "signature", head->signature, sizeof head->signature);
  line_put(lines);
}

/* Of an entry of version 1 there is no link without its digest. */
static void put_entry(struct lines *lines, uint64_t number, const struct record_journal *entry, struct span content) {
  uint8_t hash[SEAL_HASH_SIZE];
  seal_hash(content, hash);
  struct seal_link link = {number, entry->recorded_at, entry->digest, span_empty(content) ? NULL : hash};
  if (lines->told == number || !link.content) {
    line_begin(lines, "entry", number);
    line_value(&lines->line, "recorded_at_ms", value_int(entry->recorded_at));
    line_bytes(&lines->line, "digest", entry->digest, sizeof entry->digest);
    if (link.content) {
      line_bytes(&lines->line, "content", hash, sizeof hash);
    }
  } else {
    uint8_t bytes[SEAL_HASH_SIZE];
    seal_link_hash(&link, bytes);
    line_begin(lines, "link", number);
    line_bytes(&lines->line, "link", bytes, sizeof bytes);
  }
  line_bytes(&lines->line, "chain", entry->chain, sizeof entry->chain);
  line_put(lines);
}

static bool visit(void *arg, struct span key, struct span value) {
  struct lines *lines = arg;
  struct record_journal entry;
  uint64_t number;
  lines->err = record_number_of_key(key, &number);
  if (lines->err == ERR_OK) {
    lines->err = record_journal_read(value, &entry);
  }
  if (lines->err != ERR_OK) {
    return false;
  }
  if (lines->left == 0) {
    lines->next = number;
    return false;
  }
  lines->left--;
  put_entry(lines, number, &entry, record_journal_content(value));
  lines->last = number;
  memcpy(lines->chain, entry.chain, sizeof entry.chain);
  return lines->head.journal != number; /* a head stands here: stop, to write it */
}

static bool take_head(void *arg, struct span key, struct span value) {
  struct lines *lines = arg;
  (void)key;
  lines->err = record_signed_read(value, &lines->head);
  if (lines->err == ERR_OK && lines->head.key_id.size > sizeof lines->key_room) {
    lines->err = ERR_CORRUPT;
  }
  if (lines->err == ERR_OK && lines->head.key_id.size > 0) {
    memcpy(lines->key_room, lines->head.key_id.data, lines->head.key_id.size);
    lines->head.key_id.data = lines->key_room;
  }
  return false;
}

/* The first signed head at or after this entry. */
static enum err find_head(struct lines *lines, uint64_t number) {
  struct record_key prefix = record_signed_prefix();
  struct record_key from = record_signed_key(number);
  lines->head = (struct record_signed){.journal = 0};
  TRY(store_scan(lines->store, STORE_META, record_key_span(&prefix), record_key_span(&from), take_head, lines));
  return lines->err;
}

static void sign_end(struct lines *lines) {
  struct record_signed head = {.journal = lines->last, .at = lines->writer->now};
  struct runtime_signature signature = {.key_id = ""};
  uint8_t statement[RECORD_STATEMENT_SIZE];
  memcpy(head.chain, lines->chain, sizeof head.chain);
  record_signed_statement(&head, statement);
  lines->writer->sign(lines->writer->sign_arg, span_of(statement, sizeof statement), &signature);
  head.key_id = span_of_cstr(signature.key_id);
  memcpy(head.signature, signature.bytes, sizeof head.signature);
  put_head(lines, &head);
}

/* Up to and with the next signed head; ret_more: there may be entries behind it. */
static enum err write_stretch(struct lines *lines, uint64_t first, bool *ret_more) {
  TRY(find_head(lines, first));
  struct record_key from = record_number_key(first);
  TRY(store_scan(lines->store, STORE_JOURNAL, span_of(NULL, 0), record_key_span(&from), visit, lines));
  TRY(lines->err);
  *ret_more = lines->last > 0 && lines->head.journal == lines->last;
  if (*ret_more) {
    put_head(lines, &lines->head);
  }
  return ERR_OK;
}

static enum err write_all(struct lines *lines, uint64_t first) {
  bool headed = false;
  if (first == 1) {
    put_from(lines, 0, lines->chain);
  }
  for (uint64_t at = first;; at = lines->last + 1) {
    uint64_t before = lines->last;
    bool more = false;
    TRY(write_stretch(lines, at, &more));
    headed = more || (headed && lines->last == before);
    if (!more || lines->next > 0) {
      break;
    }
  }
  if (lines->next == 0 && !headed && lines->last > 0) {
    sign_end(lines);
  }
  return ERR_OK;
}

enum err audit_export(struct store *store, uint64_t first, size_t entries_max, const struct audit_writer *writer,
                      uint64_t *ret_next) {
  struct lines lines = {.writer = writer, .store = store, .left = entries_max};
  writer_init(&lines.line);
  enum err err = write_all(&lines, first);
  writer_finish(&lines.line);
  *ret_next = lines.next;
  return err;
}

/* ---- one entry ---- */

static enum err chain_of(struct store *store, uint64_t number, uint8_t ret_chain[RECORD_CHAIN_SIZE]) {
  struct record_key key = record_number_key(number);
  struct record_journal entry;
  struct span bytes;
  TRY(store_get(store, STORE_JOURNAL, record_key_span(&key), &bytes));
  TRY(record_journal_read(bytes, &entry));
  memcpy(ret_chain, entry.chain, RECORD_CHAIN_SIZE);
  return ERR_OK;
}

static enum err write_proof(struct lines *lines, uint64_t number) {
  uint8_t before[RECORD_CHAIN_SIZE] = {0};
  bool headed = false;
  if (number > 1) {
    TRY(chain_of(lines->store, number - 1, before));
  }
  put_from(lines, number - 1, before);
  TRY(write_stretch(lines, number, &headed));
  if (!headed) {
    sign_end(lines);
  }
  return ERR_OK;
}

enum err audit_prove(struct store *store, uint64_t number, const struct audit_writer *writer, struct fault *fault) {
  enum { LINKS_MAX = 2500 }; /* then it is signed there */
  struct lines lines = {.writer = writer, .store = store, .told = number, .left = LINKS_MAX};
  uint8_t chain[RECORD_CHAIN_SIZE];
  enum err err = number > 0 ? chain_of(store, number, chain) : ERR_NOT_FOUND;
  if (err != ERR_OK) {
    return fault_set(fault, err, err == ERR_NOT_FOUND ? "Такой записи в журнале нет" : "Запись журнала не читается");
  }
  writer_init(&lines.line);
  err = write_proof(&lines, number);
  writer_finish(&lines.line);
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "Запись журнала не читается");
}
