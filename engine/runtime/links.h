/*
 * runtime/links.h — one citizen's several cases, linked by person without one showing the other.
 *
 * Purpose: what the rest of the runtime tells the links (links.c says how a person is found). Not for other rooms; what
 * those may ask stands in runtime.h. Everything happens in the open batch; without a master key nothing does.
 */
#ifndef KURATOR_RUNTIME_LINKS_H
#define KURATOR_RUNTIME_LINKS_H

#include "runtime/link_records.h"

/* The family's personal fields are these now, all of them: finds its person, or makes one. */
void links_identify(struct runtime *runtime, struct span root, const struct value *personal);
/* The family belongs to nobody any more. */
void links_forget(struct runtime *runtime, struct span root);
/* An operator's word: these two are one person's. ERR_CONFLICT: they are already. */
enum err links_join(struct runtime *runtime, struct span root, struct span other, struct fault *fault) MUST_CHECK;
/* They are not: linked, `root` gets a person of its own; proposed, the proposal goes. Neither comes again by itself.
 * `other` empty: `root` is taken out of its person. ERR_CONFLICT: it has no other cases. */
enum err links_split(struct runtime *runtime, struct span root, struct span other, struct fault *fault) MUST_CHECK;
/* Some of the cases that were there before there were links, or before the catalogue's identities were what they are;
 * in each batch, until all are done. */
void links_catch_up(struct runtime *runtime);
/* Part of recovery: whether any are left. */
void links_load(struct runtime *runtime);
/* Destroys the keys of all cases of this one's person, and what linked them; `journal` is the entry that says so. */
void links_erase(struct runtime *runtime, struct span root, uint64_t journal);

#endif
