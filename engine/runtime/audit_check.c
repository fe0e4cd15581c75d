/*
 * Checking the journal: one walk along the chain, over the records of a store or over lines.
 *
 * States of the walk: at entry `number` with `chain` computed from what was seen, never from what a record says of
 * itself. Signed heads are met at their entry; a head behind the last entry means that the end was cut off.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "runtime/audit.h"
#include "runtime/records.h"
#include "runtime/seal.h"

struct walk {
  const struct audit_ports *ports;
  struct audit_report *report;
  struct fault *fault;
  uint64_t number;
  uint8_t chain[RECORD_CHAIN_SIZE];
};

#define NUMBER(n) (unsigned long long)(n)

static enum err walk_number(struct walk *walk, uint64_t number) {
  if (number == walk->number + 1) {
    return ERR_OK;
  }
  return fault_set(walk->fault, ERR_INVALID, "запись %llu: её нет, на её месте запись %llu", NUMBER(walk->number + 1),
                   NUMBER(number));
}

/* `chain`: what the entry says that the chain is. */
static enum err walk_to(struct walk *walk, uint64_t number, const uint8_t chain[RECORD_CHAIN_SIZE]) {
  if (memcmp(walk->chain, chain, sizeof walk->chain) != 0) {
    return fault_set(walk->fault, ERR_INVALID, "запись %llu: не сходится с цепочкой — изменена или не на своём месте",
                     NUMBER(number));
  }
  walk->number = number;
  walk->report->first = walk->report->first ? walk->report->first : number;
  walk->report->last = number;
  return ERR_OK;
}

static enum err walk_head(struct walk *walk, const struct record_signed *head) {
  uint8_t statement[RECORD_STATEMENT_SIZE];
  record_signed_statement(head, statement);
  if (!walk->ports->verify(walk->ports->arg, head->key_id, span_of(statement, sizeof statement), head->signature)) {
    return fault_set(walk->fault, ERR_INVALID, "подпись у записи %llu: не проверяется ни одним из данных ключей",
                     NUMBER(head->journal));
  }
  if (head->journal != walk->number || memcmp(head->chain, walk->chain, sizeof walk->chain) != 0) {
    return fault_set(walk->fault, ERR_INVALID, "запись %llu: подписана не такая цепочка", NUMBER(head->journal));
  }
  struct audit_report *report = walk->report;
  report->heads++;
  report->signed_to = head->journal;
  report->signed_at = head->at;
  size_t size = head->key_id.size < RUNTIME_KEY_ID_MAX ? head->key_id.size : RUNTIME_KEY_ID_MAX;
  if (size > 0) {
    memcpy(report->key_id, head->key_id.data, size);
  }
  report->key_id[size] = '\0';
  return ERR_OK;
}

/* ---- a store ---- */

struct heads {
  struct record_signed *items; /* sorted by number; their keys' names are owned */
  size_t count, capacity, next;
  struct arena arena;
  enum err err;
};

static bool take_head(void *arg, struct span key, struct span value) {
  struct heads *heads = arg;
  struct record_signed head;
  (void)key;
  heads->err = record_signed_read(value, &head);
  if (heads->err != ERR_OK) {
    return false;
  }
  if (heads->count == heads->capacity) {
    size_t capacity = heads->capacity ? heads->capacity * 2 : 64;
    struct record_signed *grown = realloc(heads->items, capacity * sizeof *grown);
    ASSERT(grown);
    heads->items = grown;
    heads->capacity = capacity;
  }
  head.key_id = arena_copy(&heads->arena, head.key_id);
  heads->items[heads->count++] = head;
  return true;
}

struct store_walk {
  struct walk walk;
  struct heads heads;
  enum err err;
};

static enum err store_entry(struct store_walk *s, struct span key, struct span value) {
  struct walk *walk = &s->walk;
  struct record_journal entry;
  uint64_t number;
  TRY(record_number_of_key(key, &number));
  TRY(walk_number(walk, number));
  if (record_journal_read(value, &entry) != ERR_OK) {
    return fault_set(walk->fault, ERR_INVALID, "запись %llu: не читается", NUMBER(number));
  }
  uint8_t hash[SEAL_HASH_SIZE];
  struct span content = record_journal_content(value);
  seal_hash(content, hash);
  seal_chain(walk->chain,
             &(struct seal_link){number, entry.recorded_at, entry.digest, span_empty(content) ? NULL : hash});
  TRY(walk_to(walk, number, entry.chain));
  struct heads *heads = &s->heads;
  for (; heads->next < heads->count && heads->items[heads->next].journal <= number; heads->next++) {
    TRY(walk_head(walk, &heads->items[heads->next]));
  }
  return ERR_OK;
}

static bool visit(void *arg, struct span key, struct span value) {
  struct store_walk *s = arg;
  s->err = store_entry(s, key, value);
  return s->err == ERR_OK;
}

static enum err store_end(struct store_walk *s, struct store *store) {
  struct record_head head = {.journal = 0};
  struct span bytes;
  uint64_t last = s->walk.number;
  enum err err = store_get(store, STORE_META, RECORD_HEAD_KEY, &bytes);
  if (err == ERR_OK) {
    err = record_head_read(bytes, &head);
  }
  if (err != ERR_OK && err != ERR_NOT_FOUND) {
    return fault_set(s->walk.fault, err, "конец журнала не читается");
  }
  if (s->heads.next < s->heads.count) {
    return fault_set(s->walk.fault, ERR_INVALID, "запись %llu: её нет, хотя подписана запись %llu — конец отрезан",
                     NUMBER(last + 1), NUMBER(s->heads.items[s->heads.next].journal));
  }
  if (head.journal != last || memcmp(head.chain, s->walk.chain, sizeof head.chain) != 0) {
    return fault_set(s->walk.fault, ERR_INVALID, "запись %llu: журнал кончается записью %llu, а должен записью %llu",
                     NUMBER(last + 1), NUMBER(last), NUMBER(head.journal));
  }
  return last > 0 && s->heads.count == 0
             ? fault_set(s->walk.fault, ERR_INVALID, "журнал нигде не подписан: цепочку мог составить кто угодно")
             : ERR_OK;
}

static enum err check_store(struct store_walk *s, struct store *store) {
  struct span all = {NULL, 0};
  struct record_key prefix = record_signed_prefix();
  TRY(store_scan(store, STORE_META, record_key_span(&prefix), all, take_head, &s->heads));
  if (s->heads.err != ERR_OK) {
    return fault_set(s->walk.fault, ERR_INVALID, "подписанная голова журнала не читается");
  }
  TRY(store_scan(store, STORE_JOURNAL, all, all, visit, s));
  TRY(s->err);
  return store_end(s, store);
}

enum err audit_verify_store(struct store *store, const struct audit_ports *ports, struct audit_report *ret_report,
                            struct fault *fault) {
  struct audit_report report = {.first = 0};
  struct store_walk s = {.walk = {.ports = ports, .report = &report, .fault = fault}};
  arena_init(&s.heads.arena, 0);
  enum err err = check_store(&s, store);
  free(s.heads.items);
  arena_finish(&s.heads.arena);
  *ret_report = report;
  return err;
}

/* ---- lines ---- */

static bool digit_of(uint8_t c, uint8_t *ret_digit) {
  if (c >= '0' && c <= '9') {
    *ret_digit = (uint8_t)(c - '0');
    return true;
  }
  if (c >= 'a' && c <= 'f') {
    *ret_digit = (uint8_t)(c - 'a' + 10);
    return true;
  }
  return false;
}

static bool bytes_of(const struct value *line, const char *name, uint8_t *ret_bytes, size_t size) {
  struct span text = value_get_text(line, name);
  if (text.size != 2 * size) {
    return false;
  }
  for (size_t i = 0; i < size; i++) {
    uint8_t high, low;
    if (!digit_of(text.data[2 * i], &high) || !digit_of(text.data[2 * i + 1], &low)) {
      return false;
    }
    ret_bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static bool number_of(const struct value *line, const char *name, int64_t *ret_number) {
  const struct value *value = value_get(line, name);
  if (!value || value->kind != VALUE_INT) {
    return false;
  }
  *ret_number = value->integer;
  return true;
}

struct line_walk {
  struct walk walk;
  bool begun, ended; /* ended: the last line was a head */
};

static enum err malformed(struct line_walk *l) {
  return fault_set(l->walk.fault, ERR_INVALID, "строка не из выписки журнала");
}

static enum err line_from(struct line_walk *l, const struct value *line, uint64_t number) {
  if (l->begun || !bytes_of(line, "chain", l->walk.chain, sizeof l->walk.chain)) {
    return malformed(l);
  }
  static const uint8_t nothing[RECORD_CHAIN_SIZE];
  if (number == 0 && memcmp(l->walk.chain, nothing, sizeof nothing) != 0) {
    return malformed(l);
  }
  l->begun = true;
  l->walk.number = number;
  return ERR_OK;
}

static enum err line_link(struct line_walk *l, const struct value *line, uint64_t number) {
  uint8_t link[SEAL_HASH_SIZE], chain[RECORD_CHAIN_SIZE];
  if (!bytes_of(line, "link", link, sizeof link) || !bytes_of(line, "chain", chain, sizeof chain)) {
    return malformed(l);
  }
  TRY(walk_number(&l->walk, number));
  seal_chain_add(l->walk.chain, link);
  return walk_to(&l->walk, number, chain);
}

static enum err line_entry(struct line_walk *l, const struct value *line, uint64_t number) {
  uint8_t digest[SEAL_HASH_SIZE], content[SEAL_HASH_SIZE], chain[RECORD_CHAIN_SIZE];
  int64_t at;
  bool covered = value_get(line, "content") != NULL;
  if (!number_of(line, "recorded_at_ms", &at) || !bytes_of(line, "digest", digest, sizeof digest) ||
      !bytes_of(line, "chain", chain, sizeof chain) ||
      (covered && !bytes_of(line, "content", content, sizeof content))) {
    return malformed(l);
  }
  TRY(walk_number(&l->walk, number));
  seal_chain(l->walk.chain, &(struct seal_link){number, at, digest, covered ? content : NULL});
  TRY(walk_to(&l->walk, number, chain));
  struct audit_report *report = l->walk.report;
  if (report->told == 0) {
    report->told = number;
    report->told_at = at;
    memcpy(report->told_digest, digest, sizeof digest);
  }
  return ERR_OK;
}

static enum err line_head(struct line_walk *l, const struct value *line, uint64_t number) {
  struct record_signed head = {.journal = number, .key_id = value_get_text(line, "key")};
  int64_t at;
  if (!number_of(line, "at_ms", &at) || !bytes_of(line, "chain", head.chain, sizeof head.chain) ||
      !bytes_of(line, "signature", head.signature, sizeof head.signature)) {
    return malformed(l);
  }
  head.at = at;
  return walk_head(&l->walk, &head);
}

typedef enum err (*line_run)(struct line_walk *l, const struct value *line, uint64_t number);
static const struct line_kind {
  const char *type;
  line_run run;
} line_kinds[] = {{"from", line_from}, {"link", line_link}, {"entry", line_entry}, {"head", line_head}};

static enum err check_line(struct line_walk *l, struct span text, struct arena *arena) {
  struct value line;
  int64_t number;
  if (json_read(text, arena, &line, NULL) != ERR_OK || line.kind != VALUE_MAP ||
      !number_of(&line, "journal", &number) || number < 0) {
    return malformed(l);
  }
  for (size_t i = 0; i < sizeof line_kinds / sizeof line_kinds[0]; i++) {
    if (span_is(value_get_text(&line, "type"), line_kinds[i].type)) {
      l->ended = line_kinds[i].run == line_head;
      return !l->begun && line_kinds[i].run != line_from ? malformed(l) : line_kinds[i].run(l, &line, (uint64_t)number);
    }
  }
  return malformed(l);
}

static enum err check_lines(struct line_walk *l, struct span text, struct arena *arena) {
  uint32_t count = 0;
  for (struct span rest = text; rest.size > 0;) {
    struct span line = span_trim(span_cut(rest, '\n', &rest));
    count++;
    arena_reset(arena);
    enum err err = line.size > 0 ? check_line(l, line, arena) : ERR_OK;
    if (err != ERR_OK) {
      l->walk.fault->line = count;
      return err;
    }
  }
  if (!l->begun || (!l->ended && l->walk.report->last > 0)) {
    return fault_set(l->walk.fault, ERR_INVALID, "запись %llu: выписка кончается без подписи — конец отрезан",
                     NUMBER(l->walk.number + 1));
  }
  return ERR_OK;
}

enum err audit_verify_lines(struct span text, const struct audit_ports *ports, struct audit_report *ret_report,
                            struct fault *fault) {
  struct audit_report report = {.first = 0};
  struct line_walk l = {.walk = {.ports = ports, .report = &report, .fault = fault}};
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  enum err err = check_lines(&l, text, &arena);
  *ret_report = report;
  return err;
}
