/* Lines of events through the whole engine: whatever comes, the journal alone gives the same outcome again. */
#include "fuzz.h"
#include "world.h"

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  world_rehearse(span_of(NULL, 0), input);
}
