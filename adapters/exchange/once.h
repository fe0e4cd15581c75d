/*
 * exchange/once.h — what an agency tells twice is done once, and whether anybody had asked.
 *
 * Purpose: a decision is told in a file, and files are put into the folder again: by mistake, with one row mended,
 * after a crash of the agency's own program. profile.once says which rows are the same decision; a note in the spool
 * remembers each until it is refused or taken back. profile.asked says which deliveries put a case on the agenda; a
 * note remembers them until they are withdrawn. Notes hold digests and numbers of the journal, nothing of a person.
 *
 *   unknown ──sent──▶ on its way ──accepted──▶ known (journal N) ──taken back──▶ unknown
 *                         └──refused──▶ unknown
 *
 * Taken back is the accepted one that the engine means (PROTOCOL.md, 27): of the sequence that `again_after` names, or
 * the last one; when the engine finds nothing to take back, all of that event. While a taking back is on its way, what
 * it may be about is refused: whether it stands nobody knows.
 *
 * Calls belong into the transaction of the message or receipt that they are about. Threading: the loop's thread.
 */
#ifndef KURATOR_EXCHANGE_ONCE_H
#define KURATOR_EXCHANGE_ONCE_H

#include "exchange/convert.h"
#include "exchange/profile.h"
#include "link/link.h"

/* What is known of an event before it is sent. */
struct once {
  struct span tag;  /* for link_send: what the receipt is to do; empty: nothing */
  struct span note; /* name; empty: it may be told as often as it likes */
  struct span digest;
  struct span again;  /* note of what may be taken back together */
  struct span others; /* notes that it holds against what contradicts it */
  struct span takes;  /* not empty: it takes back something of that "again" note */
  bool known;         /* not to be sent */
  uint64_t journal;   /* known: 0 while it is on its way */
};
/* Changes nothing. ERR_EXISTS: the decision was told with another content, or one that contradicts it was, or what was
 * told is being taken back (Russian text). Everything lives in `arena`. */
enum err once_ask(const struct profile *profile, struct link *link, const char *sender,
                  const struct exchange_event *event, struct arena *arena, struct once *ret_once,
                  struct fault *fault) MUST_CHECK;
/* The event is in the spool under this sequence. */
enum err once_sent(struct link *link, const struct once *once, uint64_t sequence, struct arena *arena) MUST_CHECK;
/* Does what the tag of the message says; other tags are none of its business. */
enum err once_receipt(struct link *link, const struct link_receipt *receipt) MUST_CHECK;

/* A delivery that puts a case on the agenda, or takes it off. */
enum err once_delivered(const struct profile *profile, struct link *link, const char *participant,
                        const struct delivery *delivery) MUST_CHECK;
/* Whether something about the case is to be decided by this participant; true where the profile does not say. */
enum err once_asked(const struct profile *profile, struct link *link, const char *participant, struct span case_id,
                    bool *ret_asked) MUST_CHECK;

#endif
