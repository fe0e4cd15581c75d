/*
 * runtime/correct.h — a clerk's mistake is undone: a family of cases without one of its events.
 *
 * Purpose: an event whose rule names `annuls` takes back one that was accepted before. The family goes through its
 * entries of the journal again, without that one, in a runtime of its own on the memory store: the same definitions,
 * the same moments, its timers at theirs, every offer to whom it went then. What comes out takes the place of the
 * family's records, in the write set of the event itself: cases, deadlines, timers. What had gone out and does not hold
 * any more is withdrawn (offers, tasks, alarms), what holds now and had not gone out is delivered.
 *
 * Who: the sender of the event, or a kind of participant that the rule lets take back others' (`annuls_any`). Not what
 * began the case while other events rest on it, not what was taken back already.
 *
 * What was accepted after the mistake and cannot be taken without it becomes an incident that the operator may repeat;
 * what was refused because of it stays refused, its sender was told so. Incidents that only the mistake led to are
 * resolved. Notices cannot be taken back: their readers are told. Personal data that came with it goes from what is
 * shown, not from the journal, where it stays sealed.
 *
 * A message that was parked and then repeated by the operator is one event: the repetition counts, at its moment, and
 * it is taken back by the number that the sender gave the first.
 *
 * Cases that charts keep (an account, the calendar of a body) are gone through again too, when the family told them
 * what does not hold (correct_told.c); and what somebody sent to such a case itself is taken back like anything else.
 *
 * What began a case can be taken back when nothing else rests on it: the case ends on the ground "annulled", and its
 * number may begin another.
 *
 * Deterministic: from the journal alone, so that a rehearsal corrects as the daemon did. Cost: the family's entries,
 * which are linked (journal_link), twice; families from before that are looked for from their first entry on.
 *
 * Threading: the runtime's. Ownership: a correction owns its runtime and store until correct_drop.
 */
#ifndef KURATOR_RUNTIME_CORRECT_H
#define KURATOR_RUNTIME_CORRECT_H

#include "runtime/outcome.h"
#include "runtime/runtime.h"

/* ---- before it is done ---- */

struct correct_question {
  struct span case_id; /* of the family */
  struct span sender;  /* of the event; empty: of whomever */
  struct span event;   /* name */
  int64_t sequence;    /* of the sender; 0: its last one of this name */
};
/*
 * What would be different: lines of JSON, deterministic.
 *   {"type":"annulled","journal","at","as","event","case"[,"sequence"]}   the entry that is meant
 *   {"change":"-"|"+", …}       a line of the outcome (case, deadline, referral) that goes or comes
 *   {"change":"+","type":"delivery","kind","to","case","subject"[,"reason"]}   what would be sent
 *   {"type":"refused","journal","as","event","text"}                 accepted then, not to be taken any more
 * Between batches only. ERR_NOT_FOUND: no such case or event; ERR_CONFLICT: it cannot be taken back, and why (Russian).
 */
enum err runtime_correct_preview(struct runtime *runtime, const struct correct_question *question, civil_moment now,
                                 line_sink sink, void *arg, struct fault *fault) MUST_CHECK;

/* ---- for message.c ---- */

struct correction;
struct event_rule;
struct participant;

struct correct_message {
  struct span case_id;
  const struct participant *sender;
  const struct event_rule *rule;
  const struct value *clear;
  civil_moment now;
};
/* Finds what is meant, judges whether it may be taken back, and goes through the family without it. Changes nothing
 * but what the export has to know.
 * Errors with a Russian text. */
enum err correct_prepare(struct runtime *runtime, const struct correct_message *message,
                         struct correction **ret_correction, struct fault *fault) MUST_CHECK;
/* What other root cases were told by the family and does not hold, as inputs of the work that the event leads to:
 * "annulled.EVENT" for what was said, "inform.EVENT" for what was not. */
struct work;
void correct_inform(struct correction *correction, struct work *work);
/* Into the open batch; `journal` is the entry of the event that takes back. Cannot fail. */
void correct_commit(struct correction *correction, uint64_t journal);
void correct_drop(struct correction **correction);

#endif
