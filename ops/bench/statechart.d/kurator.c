/*
 * bench-statechart CHART EVENTS MODE — runs the chart of ops/bench/statechart.d and tells how long it took.
 *
 * MODE plain: the session stays in memory. saved: a snapshot is written after every macrostep. restored: it is written,
 * the session is destroyed, and the next event meets one that was read back from the bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "chart/chart.h"

enum mode { MODE_PLAIN, MODE_SAVED, MODE_RESTORED };

struct run {
  struct chart_worker *worker;
  struct chart *chart;
  struct chart_session *session;
  struct chart_moment moment;
  struct writer snapshot;
  struct fault fault;
  enum mode mode;
};

static _Noreturn void give_up(const char *what, const struct fault *fault) {
  (void)fprintf(stderr, "bench-statechart: %s: line %u: %s\n", what, fault ? fault->line : 0, fault ? fault->text : "");
  exit(1);
}

static struct span read_file(const char *path, struct arena *arena) {
  enum { SIZE_MAX_READ = 1 << 20 };
  FILE *file = fopen(path, "rb");
  if (!file) {
    give_up(path, NULL);
  }
  uint8_t *bytes = arena_alloc(arena, SIZE_MAX_READ);
  size_t size = fread(bytes, 1, SIZE_MAX_READ, file);
  (void)fclose(file);
  return span_of(bytes, size);
}

static void start(struct run *r, const char *path, struct arena *arena) {
  const struct chart_worker_options options = {.limits = chart_limits_default()};
  const struct chart_source source = {.document = read_file(path, arena), .name = path};
  struct chart_outcome outcome;
  if (chart_worker_create(&options, &r->worker) != ERR_OK ||
      chart_compile(r->worker, &source, &r->chart, &r->fault) != ERR_OK ||
      chart_session_create(r->worker, r->chart, SPAN_LITERAL("bench"), &r->session) != ERR_OK ||
      chart_session_start(r->session, &r->moment, NULL, NULL, &outcome) != ERR_OK) {
    give_up(path, &r->fault);
  }
}

static void keep(struct run *r) {
  writer_reset(&r->snapshot);
  if (chart_session_save(r->session, &r->snapshot, &r->fault) != ERR_OK) {
    give_up("save", &r->fault);
  }
  if (r->mode == MODE_RESTORED) {
    struct reader bytes = reader_of(writer_span(&r->snapshot));
    chart_session_destroy(&r->session);
    if (chart_session_restore(r->worker, r->chart, &bytes, &r->session, &r->fault) != ERR_OK) {
      give_up("restore", &r->fault);
    }
  }
}

/* The same sequence for every engine: tick, step, answer with the weights 0 to 3 in turn, note. */
static void run_events(struct run *r, long count) {
  static const char *const names[] = {"tick", "step", "answer", "note"};
  struct value_field fields[4];
  struct chart_event events[4];
  for (int i = 0; i < 4; i++) {
    fields[i] = (struct value_field){SPAN_LITERAL("weight"), value_int(i)};
    events[i] = (struct chart_event){.name = span_of_cstr(names[i])};
  }
  struct chart_outcome outcome;
  for (long i = 0; i < count; i++) {
    struct chart_event event = events[i % 4];
    if (i % 4 == 2 && value_map(&fields[i / 4 % 4], 1, &event.data) != ERR_OK) {
      give_up("data", NULL);
    }
    if (chart_session_event(r->session, &r->moment, &event, NULL, &outcome) != ERR_OK || outcome.errors > 0) {
      give_up("event", &outcome.first_error);
    }
    if (r->mode != MODE_PLAIN) {
      keep(r);
    }
  }
}

static double seconds_of(clockid_t clock) {
  struct timespec t;
  (void)clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_counters(struct run *r, struct arena *arena) {
  static const char *const names[] = {"visits", "answers", "weight", "warned", "missed", "offers",
                                      "done",   "left",    "score",  "resets", "notes"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    struct value v;
    if (chart_session_variable(r->session, names[i], arena, &v) != ERR_OK) {
      give_up(names[i], NULL);
    }
    (void)printf("%s\"%s\":%lld", i ? "," : "", names[i], (long long)v.integer);
  }
}

int main(int argc, char **argv) {
  static const char *const modes[] = {"plain", "saved", "restored"};
  struct run r = {.moment = {.platform = value_nil()}};
  struct arena arena;
  while (argc == 4 && r.mode < 3 && strcmp(modes[r.mode], argv[3]) != 0) {
    r.mode++;
  }
  if (argc != 4 || r.mode == 3) {
    (void)fprintf(stderr, "bench-statechart CHART EVENTS plain|saved|restored\n");
    return 2;
  }
  arena_init(&arena, 0);
  writer_init(&r.snapshot);
  start(&r, argv[1], &arena);
  long count = strtol(argv[2], NULL, 10);
  run_events(&r, count / 10); /* warm */
  double cpu = -seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  double seconds = -seconds_of(CLOCK_MONOTONIC);
  run_events(&r, count);
  cpu += seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  seconds += seconds_of(CLOCK_MONOTONIC);
  (void)printf("{\"events\":%ld,\"seconds\":%.6f,\"cpu\":%.6f,\"snapshot\":%zu,\"counters\":{", count, seconds, cpu,
               r.snapshot.size);
  print_counters(&r, &arena);
  (void)printf("}}\n");
  chart_session_destroy(&r.session);
  chart_destroy(&r.chart);
  chart_worker_destroy(&r.worker);
  writer_finish(&r.snapshot);
  arena_finish(&arena);
  return 0;
}
