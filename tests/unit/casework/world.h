/*
 * tests/unit/casework/world.h — a family of cases with a clock, for the tests of this room.
 *
 * Purpose: the smallest thing that carries effects where they belong: starts and events to other cases, timers to a
 * list, load to counters. Each case runs twice side by side: one stays in memory from its first step to its last, the
 * other is encoded and decoded between any two steps. After every step the effects and the records of both must be the
 * same bytes, so that every test of a behaviour is a test of durability too.
 *
 * All effects are written down as lines, in order; a test says which lines it expects.
 */
#ifndef KURATOR_TESTS_CASEWORK_WORLD_H
#define KURATOR_TESTS_CASEWORK_WORLD_H

#include "casework/casework.h"

enum { WORLD_CASES_MAX = 64, WORLD_TIMERS_MAX = 256, WORLD_LOADS_MAX = 16, WORLD_QUEUE_MAX = 256 };

struct world_process {
  const char *name;
  const char *chart; /* what stands inside <scxml>, see world_new */
};

struct world_case {
  struct span id, process;
  struct case_file *kept; /* never closed */
  struct writer record;   /* of the other one */
  bool ended;
};

struct world_timer {
  struct span case_id;
  uint32_t slot;
  uint64_t generation;
  civil_moment due;
};

struct world_pending {
  struct span case_id;
  struct case_identity identity; /* of a start */
  struct case_input input;
};

struct world {
  struct arena arena;
  struct calendar *calendar;
  struct catalogue *catalogue;
  struct casework *casework;
  civil_moment now;
  uint64_t entry; /* last number of the journal */
  struct world_case cases[WORLD_CASES_MAX];
  size_t cases_count;
  struct world_timer timers[WORLD_TIMERS_MAX];
  size_t timers_count;
  struct {
    struct span participant;
    int64_t load;
  } loads[WORLD_LOADS_MAX];
  size_t loads_count;
  struct world_pending queue[WORLD_QUEUE_MAX];
  size_t queue_first, queue_count;
  char *log;
  size_t log_size;
  size_t seen; /* where expectations begin: world_mark */
  struct fault fault;
};

/* The production calendar of config/ and the catalogue of catalogue_fixture.c. Each chart is wrapped into an <scxml>
 * with the Lua data model and the prefix k. */
void world_open(struct world *w, const struct world_process *processes, size_t count);
void world_close(struct world *w);
/* The chart as world_open wraps it. */
struct span world_chart(struct arena *arena, const char *inside);
/* Adds a process, under this revision or as the present one. */
void world_define(struct world *w, const struct world_process *process, struct span revision);

/* Starts a case with an event; `data` is JSON. */
void world_start(struct world *w, const char *case_id, const char *process, const char *event, const char *data);
/* Rights, then the step, then whatever follows in other cases. `occurred`: NULL for now. */
enum err world_send(struct world *w, const char *case_id, const char *sender, const char *event, const char *data,
                    const char *occurred);
/* The same without asking for the result: it must be ERR_OK. */
void world_event(struct world *w, const char *case_id, const char *sender, const char *event, const char *data);
/* An event that another case of the family handles. */
void world_watched(struct world *w, const char *case_id, const char *event, const char *data, const char *occurred);
void world_internal(struct world *w, const char *case_id, const char *event);
/* These days of 2026, ascending, each a row ended by a line feed, take the place of what the calendar says of them; the
 * old calendar is gone. Then the case is stepped by the new one. */
void world_amend(struct world *w, const char *case_id, const char *rows);
/* Fires timers up to a moment ("2026-01-20" is its beginning) and sets the clock to it. */
void world_until(struct world *w, const char *moment);

struct world_case *world_case(struct world *w, const char *case_id);
struct case_view world_view(struct world *w, const char *case_id);
struct value world_json(struct world *w, const char *text);

/* Lines since the last mark. */
void world_mark(struct world *w);
bool world_has(const struct world *w, const char *line);
size_t world_count(const struct world *w, const char *part);
/* Fails the test, showing the log. */
void world_expect(const struct world *w, const char *line);
void world_refuse(const struct world *w, const char *part);

struct catalogue *catalogue_fixture(struct arena *arena);

#endif
