/*
 * ops/cli/example.h — one example case of a process: its input, what it expects, and whether that came about.
 *
 * A file NAME.jsonl in the folder "examples" of a process holds
 *   {"until": DATE, "about": TEXT}      first line; "settings": {NAME: VALUE} beside them: with these of its process
 *   {"at": …, "as": …, "event": …}      input, as `kurator rehearse` takes it
 *   {"expect": {…}, "times": N}         a line with these fields: at least one, or exactly N
 * A line is one of the outcome (runtime/outcome.h), or what was put before a participant:
 *   {"type":"delivery","at","kind","to","case","process","subject"[,"event"][,"reason"][,"data"]}
 * A map that is expected is met by one that has its fields. Nothing may go wrong that an example does not name: there
 * are as many incidents, refusals among them, as it expects.
 *
 * Life cycle: example_list_read → example_run any number of times → example_list_free. Threading: one owner.
 */
#ifndef KURATOR_CLI_EXAMPLE_H
#define KURATOR_CLI_EXAMPLE_H

#include <stdio.h>

#include "base/arena.h"
#include "runtime/config.h"

struct example {
  struct arena arena;
  struct span process; /* the folder that it stands in */
  struct span name;    /* of the file, without ".jsonl" */
  struct span text;    /* the file */
  struct span events;  /* its input lines */
  struct span about;
  civil_day until;
  struct value settings;  /* map or nil */
  struct value *expected; /* the maps with "expect" */
  size_t expected_count;
};
struct example_list {
  struct example **items;
  size_t count, capacity;
};

/* All examples of a process, by name; added to `list`. ERR_NOT_FOUND: it has no folder of them. ERR_FORMAT: `fault`
 * names file and line. */
enum err example_list_read(struct example_list *list, const struct config_process *process,
                           struct fault *fault) MUST_CHECK;
void example_list_free(struct example_list *list);

/* A process as it is to be, in place of the configuration's own of that name. */
struct example_change {
  struct span process;
  struct span chart;                 /* empty: as it is */
  struct value settings;             /* nil: as they are */
  const struct catalogue *catalogue; /* NULL: as it is */
};
/* What was compiled for examples without settings of their own. NULL `change`: as it is. ERR_CONFIG and others of
 * config_casework. */
struct bench;
enum err bench_create(const struct config *config, const struct example_change *change, struct bench **ret_bench,
                      struct fault *fault) MUST_CHECK;
void bench_destroy(struct bench **bench);

/* True if all came about as expected. */
struct example_report {
  FILE *complaints; /* why not; may be NULL */
  FILE *lines;      /* everything that came about, as an example may expect it; may be NULL */
};
bool example_run(const struct example *example, struct bench *bench, const struct example_report *report);

#endif
