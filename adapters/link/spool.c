#include "link/spool.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPOOL_VERSION = 1, SPOOL_APPLICATION = 0x6b75726c /* "kurl" */ };

static const char schema[] =
    "CREATE TABLE participant(id TEXT PRIMARY KEY, next INTEGER NOT NULL, position INTEGER NOT NULL,"
    " welcomed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE outgoing(participant TEXT NOT NULL, sequence INTEGER NOT NULL, state INTEGER NOT NULL,"
    " tag TEXT NOT NULL, journal INTEGER, code TEXT, text TEXT, bytes BLOB,"
    " PRIMARY KEY(participant, sequence)) WITHOUT ROWID;"
    "CREATE INDEX outgoing_pending ON outgoing(participant, sequence) WHERE state = 0;"
    "CREATE TABLE file(name TEXT PRIMARY KEY, bytes_read INTEGER NOT NULL, rows_read INTEGER NOT NULL,"
    " complete INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE line(file TEXT NOT NULL, number INTEGER NOT NULL, participant TEXT, sequence INTEGER,"
    " code TEXT, text TEXT, PRIMARY KEY(file, number)) WITHOUT ROWID;"
    "CREATE INDEX line_message ON line(participant, sequence);"
    "CREATE TABLE note(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

/* `outgoing.state` is enum link_state, which therefore never changes its numbers. */
_Static_assert(LINK_PENDING == 0 && LINK_REFUSED == 3, "stored in the spool");

#define SQL_MAP(X)                                                                                                     \
  X(BEGIN, "BEGIN IMMEDIATE")                                                                                          \
  X(COMMIT, "COMMIT")                                                                                                  \
  X(ROLLBACK, "ROLLBACK")                                                                                              \
  X(MARK, "SAVEPOINT mark")                                                                                            \
  X(MARK_KEEP, "RELEASE mark")                                                                                         \
  X(MARK_UNDO, "ROLLBACK TO mark")                                                                                     \
  X(PARTICIPANT_NEW, "INSERT OR IGNORE INTO participant VALUES(?1, 1, 0, 0)")                                          \
  X(PARTICIPANT_GET, "SELECT next, position, welcomed, (SELECT count(*) FROM outgoing WHERE participant = ?1 AND"      \
                     " state = 0) FROM participant WHERE id = ?1")                                                     \
  X(PARTICIPANT_PUT, "UPDATE participant SET next = ?2, position = ?3, welcomed = ?4 WHERE id = ?1")                   \
  X(MESSAGE_PUT, "INSERT INTO outgoing(participant, sequence, state, tag, bytes) VALUES(?1, ?2, 0, ?3, ?4)")           \
  X(MESSAGES, "SELECT sequence, bytes FROM outgoing WHERE participant = ?1 AND sequence > ?2 AND state = 0"            \
              " ORDER BY sequence LIMIT ?3")                                                                           \
  X(MESSAGE_TAG, "SELECT tag FROM outgoing WHERE participant = ?1 AND sequence = ?2 AND state = 0")                    \
  X(MESSAGE_SETTLE, "UPDATE outgoing SET state = ?3, journal = ?4, code = ?5, text = ?6, bytes = NULL"                 \
                    " WHERE participant = ?1 AND sequence = ?2")                                                       \
  X(MESSAGE_FORGET, "DELETE FROM outgoing WHERE participant = ?1 AND sequence = ?2 AND NOT EXISTS"                     \
                    " (SELECT 1 FROM line WHERE line.participant = ?1 AND line.sequence = ?2)")                        \
  X(RENUMBER_AWAY, "UPDATE outgoing SET sequence = -(sequence + ?2) WHERE participant = ?1")                           \
  X(RENUMBER_BACK, "UPDATE outgoing SET sequence = -sequence WHERE participant = ?1 AND sequence < 0")                 \
  X(RENUMBER_LINES, "UPDATE line SET sequence = sequence + ?2 WHERE participant = ?1")                                 \
  X(FILE_GET, "SELECT bytes_read, rows_read, complete FROM file WHERE name = ?1")                                      \
  X(FILE_PUT, "INSERT OR REPLACE INTO file VALUES(?1, ?2, ?3, ?4)")                                                    \
  X(FILE_MESSAGES, "DELETE FROM outgoing WHERE state <> 0 AND (participant, sequence) IN"                              \
                   " (SELECT participant, sequence FROM line WHERE file = ?1 AND sequence IS NOT NULL)")               \
  X(FILE_LINES, "DELETE FROM line WHERE file = ?1")                                                                    \
  X(LINE_SENT, "INSERT OR REPLACE INTO line(file, number, participant, sequence) VALUES(?1, ?2, ?3, ?4)")              \
  X(LINE_REFUSED, "INSERT OR REPLACE INTO line(file, number, code, text) VALUES(?1, ?2, ?3, ?4)")                      \
  X(LINE_KNOWN, "INSERT OR REPLACE INTO line(file, number, sequence, code, text) VALUES(?1, ?2, ?3, 'known', ?4)")     \
  X(LINE_REMARK, "UPDATE line SET text = ?3 WHERE file = ?1 AND number = ?2")                                          \
  X(LINES, "SELECT l.number, CASE WHEN l.participant IS NULL THEN 0 ELSE l.sequence END,"                              \
           " coalesce(o.state, CASE WHEN l.code = 'known' THEN 2 ELSE 3 END),"                                         \
           " coalesce(o.journal, CASE WHEN l.code = 'known' THEN l.sequence END, 0), coalesce(l.code, o.code, ''),"    \
           " CASE WHEN o.state = 3 THEN coalesce(o.text, '') ELSE coalesce(l.text, o.text, '') END"                    \
           " FROM line l LEFT JOIN outgoing o"                                                                         \
           " ON o.participant = l.participant AND o.sequence = l.sequence WHERE l.file = ?1 ORDER BY l.number")        \
  X(LINES_PENDING, "SELECT count(*) FROM line l JOIN outgoing o ON o.participant = l.participant"                      \
                   " AND o.sequence = l.sequence WHERE l.file = ?1 AND o.state = 0")                                   \
  X(NOTE_GET, "SELECT value FROM note WHERE name = ?1")                                                                \
  X(NOTE_PUT, "INSERT OR REPLACE INTO note VALUES(?1, ?2)")                                                            \
  X(NOTE_FORGET, "DELETE FROM note WHERE name = ?1")

enum sql {
#define X(name, text) SQL_##name,
  SQL_MAP(X)
#undef X
      SQL_COUNT
};
static const char *const sql_texts[SQL_COUNT] = {
#define X(name, text) text,
    SQL_MAP(X)
#undef X
};

struct spool {
  sqlite3 *db;
  bool open; /* a transaction was begun and neither committed nor rolled back by us */
  sqlite3_stmt *statements[SQL_COUNT];
};

/* ---- running statements ---- */

static enum err err_of(int code) {
  switch (code & 0xff) {
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE:
    return ERR_OK;
  case SQLITE_FULL:
    return ERR_FULL;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return ERR_CORRUPT;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return ERR_BUSY;
  case SQLITE_CONSTRAINT:
    return ERR_EXISTS;
  default:
    return ERR_IO;
  }
}

static void bind_all(sqlite3_stmt *statement, const char *types, va_list values) {
  static const char empty[1];
  for (int i = 0; types[i]; i++) {
    int at = i + 1;
    int bound = SQLITE_OK;
    if (types[i] == 'i') {
      bound = sqlite3_bind_int64(statement, at, (sqlite3_int64)va_arg(values, uint64_t));
    } else {
      struct span s = va_arg(values, struct span);
      const void *data = s.size > 0 ? (const void *)s.data : empty;
      bound = types[i] == 't' ? sqlite3_bind_text(statement, at, data, (int)s.size, SQLITE_STATIC)
                              : sqlite3_bind_blob(statement, at, data, (int)s.size, SQLITE_STATIC);
    }
    ASSERT(bound == SQLITE_OK);
  }
}

/* Prepares at first use and binds: 'i' uint64_t, 't' span as text, 'b' span as bytes (which must live until the
 * statement has run). NULL when it cannot be prepared. */
static sqlite3_stmt *start(struct spool *spool, enum sql sql, const char *types, va_list values) {
  sqlite3_stmt **statement = &spool->statements[sql];
  if (!*statement &&
      sqlite3_prepare_v3(spool->db, sql_texts[sql], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK) {
    return NULL;
  }
  bind_all(*statement, types, values);
  return *statement;
}

static void finish(sqlite3_stmt *statement) {
  (void)sqlite3_reset(statement); /* says again what step said */
  (void)sqlite3_clear_bindings(statement);
}

/* After a full disk SQLite may have rolled back by itself; what is written then would stand alone. */
static bool transaction_lost(const struct spool *spool) {
  return spool->open && sqlite3_get_autocommit(spool->db);
}

/* A statement without result. */
static enum err run(struct spool *spool, enum sql sql, const char *types, ...) {
  if (transaction_lost(spool)) {
    return ERR_IO;
  }
  va_list values;
  va_start(values, types);
  sqlite3_stmt *statement = start(spool, sql, types, values);
  va_end(values);
  if (!statement) {
    return err_of(sqlite3_errcode(spool->db));
  }
  int code = sqlite3_step(statement);
  finish(statement);
  return err_of(code);
}

/* The first row of a query: `*ret_statement` stands on it until finish(). ERR_NOT_FOUND: no row, nothing to finish. */
static enum err first(struct spool *spool, sqlite3_stmt **ret_statement, enum sql sql, const char *types, ...) {
  if (transaction_lost(spool)) {
    return ERR_IO;
  }
  va_list values;
  va_start(values, types);
  sqlite3_stmt *statement = start(spool, sql, types, values);
  va_end(values);
  if (!statement) {
    return err_of(sqlite3_errcode(spool->db));
  }
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    *ret_statement = statement;
    return ERR_OK;
  }
  finish(statement);
  return code == SQLITE_DONE ? ERR_NOT_FOUND : err_of(code);
}

static uint64_t column_int(sqlite3_stmt *statement, int column) {
  return (uint64_t)sqlite3_column_int64(statement, column);
}

/* Borrowed until the next step or finish. */
static struct span column_span(sqlite3_stmt *statement, int column) {
  const void *data = sqlite3_column_blob(statement, column);
  return span_of(data, (size_t)sqlite3_column_bytes(statement, column));
}

/* ---- life ---- */

static enum err number_of(struct spool *spool, const char *pragma, int64_t *ret_number) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(spool->db, pragma, -1, &statement, NULL);
  if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    *ret_number = sqlite3_column_int64(statement, 0);
  }
  (void)sqlite3_finalize(statement);
  return err_of(code);
}

static enum err execute(struct spool *spool, const char *sql) {
  return err_of(sqlite3_exec(spool->db, sql, NULL, NULL, NULL));
}

static enum err schema_create(struct spool *spool) {
  char text[sizeof schema + 200];
  (void)snprintf(text, sizeof text, "BEGIN; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", schema,
                 SPOOL_APPLICATION, SPOOL_VERSION);
  return execute(spool, text);
}

static enum err configure(struct spool *spool) {
  TRY(execute(spool, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216;"));
  /* Takes the exclusive lock now rather than at the first write. */
  TRY(execute(spool, "BEGIN IMMEDIATE; COMMIT;"));
  int64_t version = 0;
  int64_t tables = 0;
  TRY(number_of(spool, "PRAGMA user_version", &version));
  TRY(number_of(spool, "SELECT count(*) FROM sqlite_schema", &tables));
  if (version == 0 && tables == 0) {
    return schema_create(spool);
  }
  int64_t application = 0;
  TRY(number_of(spool, "PRAGMA application_id", &application));
  return version == SPOOL_VERSION && application == SPOOL_APPLICATION ? ERR_OK : ERR_VERSION;
}

static const char *open_text(enum err err) {
  switch (err) {
  case ERR_BUSY:
    return "с ним работает другой процесс";
  case ERR_VERSION:
    return "его писала другая версия или другая программа";
  case ERR_CORRUPT:
    return "он повреждён, или это не спул";
  case ERR_FULL:
    return "на диске нет места: освободите и запустите снова";
  default:
    return "он не открывается";
  }
}

enum err spool_open(const char *path, struct spool **ret_spool, struct fault *fault) {
  struct spool *spool = calloc(1, sizeof *spool);
  ASSERT(spool);
  enum err err = err_of(sqlite3_open_v2(path, &spool->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
  if (err == ERR_OK) {
    err = configure(spool);
  }
  if (err != ERR_OK) {
    (void)fault_set(fault, err, "спул %s: %s", path, open_text(err));
    spool_close(&spool);
    return err;
  }
  *ret_spool = spool;
  return ERR_OK;
}

void spool_close(struct spool **at) {
  struct spool *spool = *at;
  *at = NULL;
  if (!spool) {
    return;
  }
  for (int i = 0; i < SQL_COUNT; i++) {
    (void)sqlite3_finalize(spool->statements[i]);
  }
  (void)sqlite3_close(spool->db);
  free(spool);
}

/* ---- transactions ---- */

enum err spool_begin(struct spool *spool) {
  TRY(run(spool, SQL_BEGIN, ""));
  spool->open = true;
  return ERR_OK;
}

enum err spool_commit(struct spool *spool) {
  enum err err = run(spool, SQL_COMMIT, "");
  if (err != ERR_OK) {
    spool_rollback(spool);
  }
  spool->open = false;
  return err;
}

void spool_rollback(struct spool *spool) {
  spool->open = false;
  if (!sqlite3_get_autocommit(spool->db)) {
    enum err err = run(spool, SQL_ROLLBACK, "");
    ASSERT(err == ERR_OK || sqlite3_get_autocommit(spool->db));
  }
}

enum err spool_mark(struct spool *spool) {
  return run(spool, SQL_MARK, "");
}

enum err spool_mark_keep(struct spool *spool) {
  return run(spool, SQL_MARK_KEEP, "");
}

void spool_mark_undo(struct spool *spool) {
  if (!transaction_lost(spool)) {
    (void)run(spool, SQL_MARK_UNDO, "");
    (void)run(spool, SQL_MARK_KEEP, "");
  }
}

/* ---- participants and messages ---- */

enum err spool_participant_load(struct spool *spool, struct span id, struct spool_participant *ret_participant) {
  sqlite3_stmt *row = NULL;
  enum err err = first(spool, &row, SQL_PARTICIPANT_GET, "t", id);
  if (err == ERR_NOT_FOUND) {
    TRY(run(spool, SQL_PARTICIPANT_NEW, "t", id));
    err = first(spool, &row, SQL_PARTICIPANT_GET, "t", id);
  }
  TRY(err);
  *ret_participant = (struct spool_participant){.next = column_int(row, 0),
                                                .position = column_int(row, 1),
                                                .welcomed = column_int(row, 2) != 0,
                                                .pending = column_int(row, 3)};
  finish(row);
  return ERR_OK;
}

enum err spool_participant_store(struct spool *spool, struct span id, const struct spool_participant *participant) {
  return run(spool, SQL_PARTICIPANT_PUT, "tiii", id, participant->next, participant->position,
             (uint64_t)participant->welcomed);
}

enum err spool_message_put(struct spool *spool, struct span participant, uint64_t sequence, struct span bytes,
                           struct span tag) {
  return run(spool, SQL_MESSAGE_PUT, "titb", participant, sequence, tag, bytes);
}

enum err spool_messages(struct spool *spool, struct span participant, uint64_t after, size_t limit, spool_visit visit,
                        void *arg) {
  sqlite3_stmt *row = NULL;
  enum err err = first(spool, &row, SQL_MESSAGES, "tii", participant, after, (uint64_t)limit);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW && visit(arg, column_int(row, 0), column_span(row, 1))) {
    code = sqlite3_step(row);
  }
  finish(row);
  return err_of(code);
}

enum err spool_message_settle(struct spool *spool, struct span participant, const struct link_receipt *receipt,
                              struct arena *arena, bool *ret_settled, struct span *ret_tag) {
  sqlite3_stmt *row = NULL;
  enum err err = first(spool, &row, SQL_MESSAGE_TAG, "ti", participant, receipt->sequence);
  if (err == ERR_NOT_FOUND) {
    *ret_settled = false;
    return ERR_OK;
  }
  TRY(err);
  *ret_tag = arena_copy(arena, column_span(row, 0));
  finish(row);
  TRY(run(spool, SQL_MESSAGE_SETTLE, "tiiitt", participant, receipt->sequence, (uint64_t)receipt->state,
          receipt->journal, receipt->code, receipt->text));
  TRY(run(spool, SQL_MESSAGE_FORGET, "ti", participant, receipt->sequence));
  *ret_settled = true;
  return ERR_OK;
}

/* By way of negative numbers, so that no two lines meet on the way. */
enum err spool_renumber(struct spool *spool, struct span participant, uint64_t by) {
  TRY(run(spool, SQL_RENUMBER_AWAY, "ti", participant, by));
  TRY(run(spool, SQL_RENUMBER_BACK, "t", participant));
  return run(spool, SQL_RENUMBER_LINES, "ti", participant, by);
}

/* ---- files and their rows ---- */

enum err spool_file_get(struct spool *spool, struct span file, struct link_file *ret_file) {
  sqlite3_stmt *row = NULL;
  TRY(first(spool, &row, SQL_FILE_GET, "t", file));
  *ret_file = (struct link_file){column_int(row, 0), column_int(row, 1), column_int(row, 2) != 0};
  finish(row);
  return ERR_OK;
}

enum err spool_file_put(struct spool *spool, struct span file, const struct link_file *state) {
  return run(spool, SQL_FILE_PUT, "tiii", file, state->offset, state->rows, (uint64_t)state->complete);
}

enum err spool_file_done(struct spool *spool, struct span file) {
  TRY(run(spool, SQL_FILE_MESSAGES, "t", file));
  return run(spool, SQL_FILE_LINES, "t", file);
}

enum err spool_row_sent(struct spool *spool, struct span file, uint64_t row, struct span participant,
                        uint64_t sequence) {
  return run(spool, SQL_LINE_SENT, "titi", file, row, participant, sequence);
}

enum err spool_row_refused(struct spool *spool, struct span file, uint64_t row, struct span code, struct span text) {
  return run(spool, SQL_LINE_REFUSED, "titt", file, row, code, text);
}

enum err spool_row_known(struct spool *spool, struct span file, uint64_t row, uint64_t journal, struct span text) {
  return run(spool, SQL_LINE_KNOWN, "tiit", file, row, journal, text);
}

enum err spool_row_remark(struct spool *spool, struct span file, uint64_t row, struct span text) {
  return run(spool, SQL_LINE_REMARK, "tit", file, row, text);
}

static struct link_row row_of(sqlite3_stmt *row) {
  return (struct link_row){.row = column_int(row, 0),
                           .sequence = column_int(row, 1),
                           .state = (enum link_state)column_int(row, 2),
                           .journal = column_int(row, 3),
                           .code = column_span(row, 4),
                           .text = column_span(row, 5)};
}

enum err spool_rows(struct spool *spool, struct span file, bool (*visit)(void *arg, const struct link_row *row),
                    void *arg) {
  sqlite3_stmt *row = NULL;
  enum err err = first(spool, &row, SQL_LINES, "t", file);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  int code = SQLITE_ROW;
  for (bool go_on = true; code == SQLITE_ROW && go_on;) {
    struct link_row line = row_of(row);
    go_on = visit(arg, &line);
    code = go_on ? sqlite3_step(row) : code;
  }
  finish(row);
  return err_of(code);
}

enum err spool_rows_pending(struct spool *spool, struct span file, uint64_t *ret_count) {
  sqlite3_stmt *row = NULL;
  TRY(first(spool, &row, SQL_LINES_PENDING, "t", file));
  *ret_count = column_int(row, 0);
  finish(row);
  return ERR_OK;
}

/* ---- notes ---- */

enum err spool_note_get(struct spool *spool, struct span name, struct arena *arena, struct span *ret_value) {
  sqlite3_stmt *row = NULL;
  TRY(first(spool, &row, SQL_NOTE_GET, "t", name));
  *ret_value = arena_copy(arena, column_span(row, 0));
  finish(row);
  return ERR_OK;
}

enum err spool_note_put(struct spool *spool, struct span name, struct span value) {
  return span_empty(value) ? run(spool, SQL_NOTE_FORGET, "t", name) : run(spool, SQL_NOTE_PUT, "tb", name, value);
}
