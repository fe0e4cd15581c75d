/*
 * tests/fuzz/world.h — the small exchange of tests/unit/runtime/world, for targets that need a whole configuration.
 *
 * Loaded once per process. Threading: one thread, as libFuzzer runs.
 */
#ifndef KURATOR_TESTS_FUZZ_WORLD_H
#define KURATOR_TESTS_FUZZ_WORLD_H

#include "casework/casework.h"
#include "runtime/config.h"

const struct config *world_config(void);
/* With all its processes defined. */
struct casework *world_casework(void);

/*
 * Rehearses those lines with `root` (empty: the world's own) as the chart of the process "root". When they can be
 * rehearsed, the journal that came of it is rehearsed too, and must give the same outcome; the same lines must give the
 * same bytes.
 */
void world_rehearse(struct span root, struct span events);

#endif
