#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "runtime/rehearse.h"

static struct config *config;
static struct casework *casework;

const struct config *world_config(void) {
  if (!config) {
    const struct config_options options = {.config_dir = KURATOR_SOURCE_DIR "/tests/unit/runtime/world"};
    struct fault fault;
    ASSERT(config_load(&options, &config, &fault) == ERR_OK);
  }
  return config;
}

static int64_t no_load(void *arg, struct span participant) {
  (void)arg;
  (void)participant;
  return 0;
}

struct casework *world_casework(void) {
  if (!casework) {
    const struct casework_ports ports = {.load = no_load};
    struct fault fault;
    ASSERT(config_casework(world_config(), &ports, &casework, &fault) == ERR_OK);
  }
  return casework;
}

/* ---- rehearsing ---- */

/* Scripts of a fuzzed chart may run into these often. */
static struct chart_limits small_limits(void) {
  struct chart_limits limits = chart_limits_default();
  limits.instructions_max = 50000;
  limits.script_memory_max = 4 << 20;
  limits.microsteps_max = 200;
  return limits;
}

static enum err define_all(struct casework *into, struct span root, struct fault *fault) {
  for (size_t i = 0; i < world_config()->processes_count; i++) {
    struct process_source source = world_config()->sources[i];
    if (!span_empty(root) && span_is(source.name, "root")) {
      source.chart = root;
    }
    TRY(casework_define(into, &source, fault));
  }
  return ERR_OK;
}

struct output {
  struct writer outcome, journal;
  bool journal_follows;
};

static bool put_line(struct writer *w, struct span line) {
  writer_raw(w, line);
  writer_u8(w, '\n');
  return true;
}

/* One argument serves both sinks: the journal comes first, then the outcome. */
static bool put_journal(void *arg, struct span line) {
  return put_line(&((struct output *)arg)->journal, line);
}

static bool put_outcome(void *arg, struct span line) {
  return put_line(&((struct output *)arg)->outcome, line);
}

static void output_init(struct output *output) {
  writer_init(&output->outcome);
  writer_init(&output->journal);
}

static void output_finish(struct output *output) {
  writer_finish(&output->outcome);
  writer_finish(&output->journal);
}

static void play(struct casework *processes, struct runtime **runtime, struct span events, struct output *output) {
  struct fault fault = {0};
  struct rehearse_options rehearsal = {.casework = processes,
                                       .runtime = runtime,
                                       .events = events,
                                       .outcome = put_outcome,
                                       .journal = put_journal,
                                       .sink_arg = output};
  ASSERT(civil_day_of((struct civil_date){2026, 4, 1}, &rehearsal.until) == ERR_OK);
  if (rehearse_run(&rehearsal, NULL, &fault) != ERR_OK) {
    (void)fprintf(stderr, "the engine stopped: %s\n", fault.text);
    abort();
  }
}

/* False when the processes are refused. Bad lines are passed over: whatever they are, the engine goes on. */
static bool rehearse(struct span root, struct span events, struct output *output) {
  struct runtime *runtime = NULL;
  struct casework *processes = NULL;
  struct fault fault = {0};
  const struct casework_options options = {.catalogue = &world_config()->catalogue,
                                           .calendar = world_config()->calendar,
                                           .limits = small_limits(),
                                           .ports = {.arg = &runtime, .load = runtime_load}};
  ASSERT(casework_create(&options, &processes) == ERR_OK);
  enum err err = define_all(processes, root, &fault);
  if (err == ERR_OK) {
    play(processes, &runtime, events, output);
  } else {
    fuzz_refused(err, &fault);
  }
  casework_destroy(&processes);
  return err == ERR_OK;
}

static void same_again(struct span root, struct span events, const struct output *before) {
  struct output again;
  output_init(&again);
  ASSERT(rehearse(root, events, &again));
  ASSERT(span_equal(writer_span(&before->outcome), writer_span(&again.outcome)));
  ASSERT(span_equal(writer_span(&before->journal), writer_span(&again.journal)));
  output_finish(&again);
}

void world_rehearse(struct span root, struct span events) {
  struct output output;
  output_init(&output);
  if (rehearse(root, events, &output)) {
    same_again(root, events, &output);
    struct span journal = writer_span(&output.journal);
    same_again(root, journal, &output);
  }
  output_finish(&output);
}
