/* An agency's profile and the list of territories beside it. Input: the profile, NUL, the territories. */
#include <stdio.h>

#include "exchange/profile.h"
#include "fuzz.h"

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  char territories[600];
  struct profile *profile = NULL;
  struct fault fault = {0};
  struct span text = fuzz_text(&input);
  fuzz_write(fuzz_folder(), "territories.yaml", input);
  (void)snprintf(territories, sizeof territories, "%s/territories.yaml", fuzz_folder());
  const char *path = fuzz_file(".yaml", text);
  enum err err = profile_load(path, span_empty(input) ? NULL : territories, &profile, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(!profile);
    return;
  }
  (void)profile_list(profile, "territories");
  profile_destroy(&profile);
}
