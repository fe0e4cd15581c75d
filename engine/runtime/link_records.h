/*
 * runtime/link_records.h — the records that say which cases are one person's. Not for other rooms.
 *
 * Purpose: reading and writing of four kinds of record in space INDEX, under the name "link". Their keys are keyed
 * hashes (seal_mark) and their values are sealed under the engine's own key and filled up to a multiple of 256 bytes,
 * so that the database alone tells neither who a person is nor which cases belong together.
 *
 *   of a case      the person it belongs to
 *   of a person    its cases, by which marks each is known, persons it may be the same as, persons it is not
 *   of a mark      the persons that have it; a mark stands for the identifying fields of one rule (casework/identity.h)
 *   of a pair      two persons that may be the same, for the list of them; under the name "pair"
 *
 * Ownership: what is read lives in the arena that was given. A record that does not open counts as absent. Point reads
 * and puts only, in the open batch.
 */
#ifndef KURATOR_RUNTIME_LINK_RECORDS_H
#define KURATOR_RUNTIME_LINK_RECORDS_H

#include "runtime/engine.h"

enum {
  LINK_CASES_MAX = 100, /* of one person, by the engine; further ones are proposed to an operator */
  LINK_JOINED_MAX = 1000,
  LINK_NEAR_MAX = RUNTIME_NEAR_MAX, /* persons that a person may be; and persons that share a mark */
  LINK_ID_SIZE = 18,                /* "P-" and 16 hexadecimal digits */
};

struct link_mark {
  struct span rule; /* name of the identity */
  uint8_t bytes[SEAL_MARK_SIZE];
};
struct link_marks {
  struct link_mark items[CATALOGUE_IDENTITIES_MAX];
  size_t count;
};
struct link_case {
  struct span root;
  struct span by; /* identity that joined it to the others; empty: none */
  bool fixed;     /* an operator has said where it belongs */
  struct link_marks marks;
};
struct link_near {
  struct span person;
  struct span by; /* identity that they share */
};
struct link_person {
  struct span id;
  struct link_case *cases;
  size_t cases_count;
  struct link_near *near;
  size_t near_count;
  struct span *apart; /* an operator has said that they are others */
  size_t apart_count;
};
struct link_persons {
  struct span ids[LINK_NEAR_MAX];
  size_t count;
};

/* ---- reading ---- */

/* The person of a case; empty if it has none. */
struct span link_case_read(struct runtime *runtime, struct span root, struct arena *arena);
bool link_person_read(struct runtime *runtime, struct span id, struct arena *arena, struct link_person *ret_person);
void link_mark_read(struct runtime *runtime, const struct link_mark *mark, struct arena *arena,
                    struct link_persons *ret_persons);
struct link_pair {
  struct span a, b, by;
};
/* What lies under a key of INDEX "pair". ERR_CORRUPT. */
enum err link_pair_open(struct runtime *runtime, struct span bytes, struct arena *arena,
                        struct link_pair *ret_pair) MUST_CHECK;

/* ---- writing ---- */

/* An id that no person has. It lives in the batch's arena. */
struct span link_new_id(struct runtime *runtime, struct span root);
void link_case_write(struct runtime *runtime, struct span root, struct span person);
void link_case_delete(struct runtime *runtime, struct span root);
void link_person_write(struct runtime *runtime, const struct link_person *person);
void link_person_delete(struct runtime *runtime, struct span id);
void link_mark_add(struct runtime *runtime, const struct link_mark *mark, struct span person);
void link_mark_remove(struct runtime *runtime, const struct link_mark *mark, struct span person);
void link_pair_write(struct runtime *runtime, const struct link_pair *pair);
void link_pair_delete(struct runtime *runtime, struct span a, struct span b);

/* The mark of a rule for these personal fields; false if they do not say enough. */
bool link_mark_of(struct runtime *runtime, const struct identity_rule *rule, const struct value *personal,
                  struct link_mark *ret_mark);

#endif
