/*
 * runtime/correct_replay.h — a family that goes through its journal again, in a runtime of its own.
 *
 * Not for other rooms. Purpose: what would stand in the store, and what would have been delivered, had an entry not
 * been there. The runtime around it is not changed; its casework is used, with other ports, while replay_run runs.
 */
#ifndef KURATOR_RUNTIME_CORRECT_REPLAY_H
#define KURATOR_RUNTIME_CORRECT_REPLAY_H

#include "runtime/told.h"

/* An entry of the family that is gone through: accepted, or accepted and not taken. */
struct replay_entry {
  uint64_t number;
  struct record_journal entry; /* texts in the arena */
  const struct event_rule *rule;
  bool annulled, annuls;
  /* It was parked, and this is its repetition, which counts in its place; NULL: it counts itself. */
  const struct replay_entry *later;
  const struct replay_entry *first; /* what this repeats; NULL: nothing */
};
/* The one that counts. */
const struct replay_entry *replay_entry_latest(const struct replay_entry *item);
/* The number that its sender knows it by; the operator's repetition has none of its own. */
uint64_t replay_entry_sequence(const struct replay_entry *item);
struct replay_entries {
  struct replay_entry *items;
  size_t count, capacity;
};
/* Those of the family since it began, in order. ERR_CORRUPT, ERR_IO. */
enum err replay_entries_read(struct runtime *runtime, const struct case_slot *root, struct arena *arena,
                             struct replay_entries *ret_entries) MUST_CHECK;

/* False: other families' charts have begun it, and what it was told stands in no entry of its own (told.h). */
bool replay_is_own(struct runtime *runtime, const struct case_slot *root);

/* A delivery as it would have been made; texts and data in the arena. */
struct replay_delivery {
  enum runtime_delivery_kind kind;
  const struct participant *participant;
  struct span case_id, process, subject, event, reason;
  struct value data;
  bool has_deadline;
  struct deadline deadline;
  bool matched; /* for whoever compares two lists */
};
/* What the family said to a root case of another one (k:inform), and to whom. */
struct replay_inform {
  struct span case_id;
  struct told told; /* `event` with its prefix; its journal is the entry that was played, 0: a timer's */
  bool matched;
};
/* A message that was accepted then and is refused now. */
struct replay_refusal {
  const struct replay_entry *entry;
  struct span text;
};

struct replay {
  struct runtime *outer;
  struct arena *arena;
  struct family before; /* as the family stands in the outer runtime */
  struct store *store;
  struct runtime *runtime;
  const struct replay_entries *entries;
  struct span root;      /* of the family */
  struct told_list told; /* what it heard from others, sorted; for a case that charts keep */
  uint64_t playing;      /* number of the entry that is played, 0: none */
  uint64_t without;      /* number of the entry that is left out besides those that were taken back before; 0: none */
  civil_moment now;
  size_t imports; /* of calendars, gone through */
  struct replay_delivery *deliveries;
  size_t deliveries_count, deliveries_capacity;
  struct replay_inform *informs;
  size_t informs_count, informs_capacity;
  struct replay_refusal *refusals;
  size_t refusals_count, refusals_capacity;
};
/* `outer`, `arena`, `before`, `entries`, `root`, `told`, `without` and `now` are set. Afterwards store and runtime hold
 * the family as it would be at `now`, all committed. */
enum err replay_run(struct replay *replay, struct fault *fault) MUST_CHECK;
void replay_finish(struct replay *replay);

#endif
