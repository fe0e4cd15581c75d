/*
 * A process of any kind: its chart with the k: elements is defined, and when that succeeds a year of a case runs on it.
 * Whatever the chart does, the journal alone gives the same outcome again.
 */
#include "fuzz.h"
#include "world.h"

#define LINE(at, as, event, id, data)                                                                                  \
  "{\"at\":\"2026-" at "+05:00\",\"as\":\"" as "\",\"event\":\"" event "\",\"case\":\"" id "\",\"data\":" data "}\n"

static const char events[] = LINE("01-12T10:00:00", "agency-1", "begin", "A",
                                  "{\"edition\":1,\"day\":\"2026-01-12\",\"place\":\"north\",\"article\":\"a1\"}")
    LINE("01-13T10:00:00", "agency-1", "begin", "A", "{\"edition\":2,\"day\":\"2026-01-20\",\"place\":\"north\"}")
        LINE("01-14T10:00:00", "helper-north", "visit.done", "A", "{\"day\":\"2026-01-13\"}")
            LINE("01-15T10:00:00", "helper-north", "plan", "A",
                 "{\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-02-10\"},"
                 "{\"id\":\"m2\",\"kind\":\"other\",\"due\":\"2026-01-15\"}]}")
                LINE("01-16T10:00:00", "doctor-a", "declined", "A", "{\"measure\":\"m1\",\"offer\":1}")
                    LINE("01-17T10:00:00", "doctor-b", "accepted", "A", "{\"measure\":\"m1\"}")
                        LINE("01-18T10:00:00", "doctor-b", "completed", "A", "{\"measure\":\"m1\"}")
                            LINE("02-20T10:00:00", "helper-north", "broken", "A", "{}")
                                LINE("02-21T10:00:00", "helper-north", "closed", "A", "{}");

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  if (!span_empty(input)) {
    world_rehearse(input, span_of_cstr(events));
  }
}
