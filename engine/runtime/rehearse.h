/*
 * runtime/rehearse.h — a year of cases in seconds.
 *
 * Purpose: feeds lines of events to the real runtime on the memory store, with the time that stands in them, and hands
 * out what has become of the cases. The same lines and the same configuration give the same bytes. All cases go by the
 * processes of that configuration: where a daemon has cases that began under an earlier one (runtime/definitions.h),
 * its journal, rehearsed, says what today's rules would have made of them.
 *
 * A line: {"at":"2026-01-12T10:15:00+05:00","as":"PARTICIPANT","event":"…","case":"…","data":{…}}, with an optional
 * "occurred_at", and "refused":{"code","text"}, "times", "timers" and "sequence" as the journal's export writes them.
 * Lines are taken in the order of the file; `at` must not run backwards. Timers that are due at or before `at` come
 * before the line; where it has "timers", so many of them, and then those of its family. A line of "at", "case" and
 * "timers" alone is no message, but takes these timers. {"at":…,"as":WHO,"calendar":{"rows":CSV}} imports a calendar (a
 * text or a list of its lines), and all cases are recounted at once; with "told" inside it only those that a line
 * "recount" of the journal's export names, there, until its line "recounted". What is refused is not the end: it
 * becomes an incident of the outcome. A line that cannot be read as an event (or whose `at` runs backwards) is told,
 * counted and passed over; lines after the last day are left out, so that one file gives the state as of any date. A
 * byte order mark and CRLF are accepted.
 *
 * Threading: one thread, no other work. Limits: REHEARSE_LINE_MAX. Never: reads a clock or a file.
 */
#ifndef KURATOR_RUNTIME_REHEARSE_H
#define KURATOR_RUNTIME_REHEARSE_H

#include "base/civil.h"
#include "runtime/outcome.h"
#include "runtime/runtime.h"

enum { REHEARSE_LINE_MAX = 1 << 20, REHEARSE_BAD_TOLD = 100 };

struct rehearse_options {
  /* Its load port: runtime_load with `runtime` as argument. */
  struct casework *casework;
  struct runtime **runtime; /* where that port looks; set while the rehearsal runs */
  struct span events;       /* JSON lines */
  civil_day until;          /* timers up to 24:00 of this day (exclusive) fire */
  bool until_moment;        /* instead: those up to and including `moment`, lines after it are left out */
  civil_moment moment;
  line_sink outcome; /* may be NULL */
  line_sink journal; /* the journal's export, may be NULL */
  /* What is put before participants, as it happens; may be NULL. The bytes are not looked at. */
  enum err (*delivery)(void *arg, const struct runtime_delivery *delivery, struct writer *w);
  void *delivery_arg;
  void *sink_arg;
  /* Looks at the records that were left, when all has been played; between two batches, reads only. May be NULL. */
  enum err (*look)(void *arg, struct store *store);
  void *look_arg;
  void (*progress)(void *arg, size_t bytes_done, size_t bytes); /* now and then, may be NULL */
  void *progress_arg;
  /* A line that was passed over, at most REHEARSE_BAD_TOLD times; `fault` names it. May be NULL. */
  void (*bad_line)(void *arg, uint32_t line, const struct fault *fault);
  void *bad_line_arg;
};
struct rehearse_counts {
  uint32_t lines;    /* played */
  uint32_t bad;      /* passed over */
  uint32_t left_out; /* after the last day */
};
/* `ret_counts` may be NULL. Errors are the engine's and the store's, or a sink that does not take a line. */
enum err rehearse_run(const struct rehearse_options *options, struct rehearse_counts *ret_counts,
                      struct fault *fault) MUST_CHECK;

/* The last moment of a day, up to which `until` reaches. */
civil_moment rehearse_end_of(civil_day day);

#endif
