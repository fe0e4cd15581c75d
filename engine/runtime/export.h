/*
 * runtime/export.h — the journal as the input of a rehearsal.
 *
 * Purpose: one line of JSON per message that was accepted or refused, in the order of the journal, in the form that
 * runtime/rehearse.h reads:
 *   {"at","as","event","case","data"[,"occurred_at"][,"refused":{"code","text"}][,"times"]}
 * It says nothing of the definitions that cases run on: a rehearsal of it takes all cases through today's processes,
 * and gives the bytes of the daemon only if no process has changed while cases ran. Timers are not in it: a rehearsal
 * fires its own. `refused` stands where nothing of the payload was kept, so that the refusal cannot be judged again;
 * personal data is never in it. `times` stands where more refusals than this one were counted in its incident, until
 * now: they are no lines of their own.
 *
 * Threading: the store's; not inside a batch.
 */
#ifndef KURATOR_RUNTIME_EXPORT_H
#define KURATOR_RUNTIME_EXPORT_H

#include "runtime/outcome.h"

struct record_journal;
/* True if the entry is one of its lines: neither a timer nor what an operator did. */
bool export_takes(const struct record_journal *entry);
/* Entries from `first` on (1 is the oldest). ERR_CORRUPT, ERR_IO. */
enum err export_write(struct store *store, uint64_t first, line_sink sink, void *arg) MUST_CHECK;

#endif
