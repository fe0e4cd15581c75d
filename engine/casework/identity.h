/*
 * casework/identity.h — what makes two records speak of one person, as the configuration says.
 *
 * Purpose: the catalogue names which personal fields, alone or together, identify a person (struct identity_rule). Here
 * such fields become one canonical text, so that spellings that mean the same give the same bytes. Whoever keeps such
 * texts keeps a keyed hash of them (runtime/links.c), never the text. Pure: no clock, no file, no key.
 *
 * Never: knows a field by its name.
 */
#ifndef KURATOR_CASEWORK_IDENTITY_H
#define KURATOR_CASEWORK_IDENTITY_H

#include "base/bytes.h"
#include "casework/catalogue.h"

/* What one who is found by a rule is to the one who was there before. */
enum identity_finds {
  IDENTITY_SAME,    /* the same person, if nothing speaks against it */
  IDENTITY_PERHAPS, /* an operator has to look */
  IDENTITY_NOBODY,  /* nobody is looked for: the rule only tells persons apart (`differs`) */
};
/* False if the word is none of those. */
bool identity_finds_of(const struct identity_rule *rule, enum identity_finds *ret_finds);

/* ERR_CONFIG with the first rule that names no personal text or date of any event, or an unknown word. */
enum err identity_check(const struct catalogue *catalogue, struct fault *fault) MUST_CHECK;

/* True if the map holds a field that some rule names. */
bool identity_concerns(const struct catalogue *catalogue, const struct value *personal);

/* Appends the canonical text of the rule's fields, each ended by a zero byte; false, and nothing is appended, if one
 * that is needed is missing or says nothing (no letter or digit, another number of characters than `size`, one
 * character over and over: a placeholder). `personal` is a map or nil. */
bool identity_text(const struct identity_rule *rule, const struct value *personal, struct writer *w);

#endif
