/*
 * runtime/outcome.h — what has become of all cases, as lines of JSON.
 *
 * Purpose: the one writer behind `kurator rehearse` and `kurator outcome export`, so that a rehearsal of a daemon's
 * journal can be compared with the daemon byte for byte. Reads committed records only.
 *
 * For each root case in byte order: its `case` lines (itself, then its descendants that are no referrals), the
 * `deadline` lines of the family (by case, from, id, key, slot), its `referral` lines, its `document` lines (every
 * edition, case by case, as they came about), its `incident` lines (as they were opened). Each line is a fixed sequence
 * of fields:
 *   {"type":"case","case","process","states":[…],"stage","ground"}                 stage, ground: null if there is none
 *   {"type":"deadline","case","process","id","basis","from","term","due","state","at"[,"opens"][,"cause"][,"measure"][,"counted":false]}
 *   {"type":"referral","case","measure","to","status","at"[,"reason"]}             to: the last one; null if nobody is
 * found, status: null before its first
 *   {"type":"document","case","process","kind","edition","state","on","at"[,"to","measures":[…]][,"superseded":true]}
 *                         on: the day of the last change of state; to, measures: of an extract
 *   {"type":"incident","case","reason","at"[,"detail"][,"count"]}              count: refused messages, if several
 * "case" is always the root's id; incidents of the exchange itself (a reused number) are left out, since a journal does
 * not hold what led to them.
 *
 * A page of it begins at any root and ends between two families, so that no family is shown in two states.
 *
 * Threading: the store's. Never: looks at a clock or at personal data.
 */
#ifndef KURATOR_RUNTIME_OUTCOME_H
#define KURATOR_RUNTIME_OUTCOME_H

#include "base/err.h"
#include "base/span.h"
#include "store/store.h"

/* One line, without its line feed; borrowed until it returns. Returns false to stop. */
typedef bool (*line_sink)(void *arg, struct span line);

/* Not inside a batch. ERR_CORRUPT, ERR_IO. */
enum err outcome_write(struct store *store, line_sink sink, void *arg) MUST_CHECK;
/* The families from the root `from` on. `family` is asked before each; false stops. ERR_LIMIT: no id is so long. */
struct outcome_pages {
  struct span from; /* empty: the first */
  bool (*family)(void *arg, struct span root);
  line_sink sink;
  void *arg; /* of both */
};
enum err outcome_write_from(struct store *store, const struct outcome_pages *pages) MUST_CHECK;

#endif
