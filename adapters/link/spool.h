/*
 * link/spool.h — what the link must not forget, in one SQLite file. For this room only.
 *
 * Tables. participant: next sequence, last handled position, whether an engine has ever welcomed it. outgoing: one line
 * per message; its bytes are forgotten with the receipt, the line itself too unless a file's row still needs the
 * outcome. file, line: how far an agency's file was read and what became of its rows. note: the adapter's own small
 * notes.
 *
 * Durability: WAL with synchronous=FULL: a commit that returned survives a power cut. One process at a time: the file
 * is locked exclusively while it is open. secure_delete overwrites what is forgotten. Errors: ERR_FULL, ERR_IO,
 * ERR_CORRUPT, ERR_BUSY as SQLite reports them.
 */
#ifndef KURATOR_LINK_SPOOL_H
#define KURATOR_LINK_SPOOL_H

#include "base/arena.h"
#include "link/link.h"

struct spool;

enum err spool_open(const char *path, struct spool **ret_spool, struct fault *fault) MUST_CHECK;
void spool_close(struct spool **at); /* NULL-safe; an open transaction is rolled back */

enum err spool_begin(struct spool *spool) MUST_CHECK;
enum err spool_commit(struct spool *spool) MUST_CHECK; /* on error nothing is stored and no transaction is open */
void spool_rollback(struct spool *spool);
/* One level inside a transaction. */
enum err spool_mark(struct spool *spool) MUST_CHECK;
enum err spool_mark_keep(struct spool *spool) MUST_CHECK;
void spool_mark_undo(struct spool *spool);

struct spool_participant {
  uint64_t next;     /* sequence of the next message, from 1 */
  uint64_t position; /* of the last delivery that was handled */
  bool welcomed;     /* the counters have been agreed with an engine */
  uint64_t pending;  /* messages without receipt */
};
/* Made with next 1 when it is new. */
enum err spool_participant_load(struct spool *spool, struct span id,
                                struct spool_participant *ret_participant) MUST_CHECK;
enum err spool_participant_store(struct spool *spool, struct span id,
                                 const struct spool_participant *participant) MUST_CHECK;

enum err spool_message_put(struct spool *spool, struct span participant, uint64_t sequence, struct span bytes,
                           struct span tag) MUST_CHECK;
/* Messages without receipt behind `after`, ascending, at most `limit`; false stops. */
typedef bool (*spool_visit)(void *arg, uint64_t sequence, struct span bytes);
enum err spool_messages(struct spool *spool, struct span participant, uint64_t after, size_t limit, spool_visit visit,
                        void *arg) MUST_CHECK;
/* Stores the receipt. `*ret_settled` is false when the message had one already or never was; else its tag is copied. */
enum err spool_message_settle(struct spool *spool, struct span participant, const struct link_receipt *receipt,
                              struct arena *arena, bool *ret_settled, struct span *ret_tag) MUST_CHECK;
/* Moves all messages of a participant `by` numbers up. */
enum err spool_renumber(struct spool *spool, struct span participant, uint64_t by) MUST_CHECK;

enum err spool_file_get(struct spool *spool, struct span file, struct link_file *ret_file) MUST_CHECK;
enum err spool_file_put(struct spool *spool, struct span file, const struct link_file *state) MUST_CHECK;
enum err spool_file_done(struct spool *spool, struct span file) MUST_CHECK;
enum err spool_row_sent(struct spool *spool, struct span file, uint64_t row, struct span participant,
                        uint64_t sequence) MUST_CHECK;
enum err spool_row_refused(struct spool *spool, struct span file, uint64_t row, struct span code,
                           struct span text) MUST_CHECK;
/* A line without participant and with the code "known": its sequence is the number in the journal. */
enum err spool_row_known(struct spool *spool, struct span file, uint64_t row, uint64_t journal,
                         struct span text) MUST_CHECK;
enum err spool_row_remark(struct spool *spool, struct span file, uint64_t row, struct span text) MUST_CHECK;
enum err spool_rows(struct spool *spool, struct span file, bool (*visit)(void *arg, const struct link_row *row),
                    void *arg) MUST_CHECK;
enum err spool_rows_pending(struct spool *spool, struct span file, uint64_t *ret_count) MUST_CHECK;
enum err spool_note_get(struct spool *spool, struct span name, struct arena *arena, struct span *ret_value) MUST_CHECK;
enum err spool_note_put(struct spool *spool, struct span name, struct span value) MUST_CHECK;

#endif
