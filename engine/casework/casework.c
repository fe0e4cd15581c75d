#include "casework/casework.h"

#include <stdlib.h>

#include "casework/functions.h"
#include "casework/state.h"

enum err casework_create(const struct casework_options *options, struct casework **ret_casework) {
  struct casework *casework = calloc(1, sizeof *casework);
  if (!casework) {
    return ERR_NO_MEMORY;
  }
  casework->options = *options;
  arena_init(&casework->arena, 0);
  struct chart_worker_options worker = {
      .limits = options->limits, .functions = functions_table(), .functions_arg = casework};
  enum err err = chart_worker_create(&worker, &casework->worker);
  if (err != ERR_OK) {
    casework_destroy(&casework);
    return err;
  }
  *ret_casework = casework;
  return ERR_OK;
}

void casework_destroy(struct casework **casework) {
  struct casework *w = *casework;
  if (!w) {
    return;
  }
  for (size_t i = 0; i < w->spare_count; i++) {
    arena_finish(&w->spare[i]->arena);
    free(w->spare[i]);
  }
  for (size_t i = 0; i < w->processes_count; i++) {
    chart_destroy(&w->processes[i]->chart);
  }
  chart_worker_destroy(&w->worker);
  arena_finish(&w->arena);
  free(w);
  *casework = NULL;
}

struct casework_ports casework_ports_swap(struct casework *casework, const struct casework_ports *ports) {
  struct casework_ports before = casework->options.ports;
  casework->options.ports = *ports;
  return before;
}

const struct calendar *casework_calendar_swap(struct casework *casework, const struct calendar *calendar) {
  const struct calendar *before = casework->options.calendar;
  casework->options.calendar = calendar;
  return before;
}

const struct catalogue *casework_catalogue(const struct casework *casework) {
  return casework->options.catalogue;
}

const struct calendar *casework_calendar(const struct casework *casework) {
  return casework->options.calendar;
}

/* ---- memory of cases ---------------------------------------------------------------------------------------- */

enum { CASE_ARENA_BLOCK = 8 << 10 };

struct case_file *case_acquire(struct casework *casework) {
  struct case_file *c = NULL;
  struct arena arena;
  if (casework->spare_count > 0) {
    c = casework->spare[--casework->spare_count];
    arena = c->arena;
  } else {
    c = malloc(sizeof *c);
    arena_init(&arena, CASE_ARENA_BLOCK);
  }
  if (c) {
    *c = (struct case_file){.casework = casework,
                            .arena = arena,
                            .stage = -1,
                            .opened_at = CIVIL_MOMENT_NONE,
                            .changed_at = CIVIL_MOMENT_NONE,
                            .status_at = CIVIL_MOMENT_NONE,
                            .session_timer = {CIVIL_MOMENT_NONE, 0}};
  }
  return c;
}

void case_release(struct case_file *c) {
  struct casework *casework = c->casework;
  chart_session_destroy(&c->session);
  if (casework->spare_count < CASEWORK_SPARE_MAX) {
    arena_reset(&c->arena);
    casework->spare[casework->spare_count++] = c;
    return;
  }
  arena_finish(&c->arena);
  free(c);
}
