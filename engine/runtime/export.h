/*
 * runtime/export.h — the journal as the input of a rehearsal.
 *
 * Purpose: one line of JSON per message that was accepted or refused, in the order of the journal, in the form that
 * runtime/rehearse.h reads:
 *   {"at","as","event","case","data"[,"occurred_at"][,"refused":{"code","text"}][,"times"][,"timers"][,"sequence"]}
 * It says nothing of the definitions that cases run on: a rehearsal of it takes all cases through today's processes,
 * and gives the bytes of the daemon only if no process has changed while cases ran. Timers are not in it: a rehearsal
 * fires its own, all that are due before the next line, as the daemon does. Only where it was behind with them (many
 * fall due at once, and messages do not wait for all of them: due.c) a line says where they were: `timers` is how many
 * were taken in their order since the line before, the others that were due waited, but for those of the line's own
 * family. {"at","case","timers"} says the same of timers that were taken out of their order for a message that left no
 * line (an answer that was known, a refusal that was only counted). `refused` stands where nothing of the payload was
 * kept, so that the refusal cannot be judged again; personal data is never in it. `sequence` is the sender's number of
 * a message that an event has named by it to take it back. `times` stands where more refusals than this one were
 * counted in its incident, until now: they are no lines of their own.
 * A calendar that was imported is a line {"at","as","calendar":{"calendar","rows","told":true}}; each family in which
 * something changed by it {"at","case","recount":{"calendar","changes":[…]}[,"timers"]}, where it was recounted; and
 * {"at","recounted":{"calendar","changed","deadlines","failed"}} when all were.
 *
 * Threading: the store's; not inside a batch.
 */
#ifndef KURATOR_RUNTIME_EXPORT_H
#define KURATOR_RUNTIME_EXPORT_H

#include "runtime/outcome.h"

struct record_journal;
/* True if the entry is one of its lines: neither a timer in its order nor what an operator did. */
bool export_takes(const struct record_journal *entry);
/* Entries from `first` on (1 is the oldest). ERR_CORRUPT, ERR_IO. */
enum err export_write(struct store *store, uint64_t first, line_sink sink, void *arg) MUST_CHECK;
/* The same up to the entry `last`: the input of what was so at that position. */
enum err export_write_to(struct store *store, uint64_t first, uint64_t last, line_sink sink, void *arg) MUST_CHECK;

#endif
