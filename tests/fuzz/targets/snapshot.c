/*
 * Snapshots. What is read as a session goes on, and what it saves, by numbers or by names, is read as the same session.
 * Input: a byte that chooses the chart, then the snapshot.
 */
#include "charts.h"
#include "fuzz.h"

static struct chart_worker *worker;
static struct chart *charts[CHARTS_FIXED];

static void make_charts(void) {
  worker = charts_worker();
  for (size_t i = 0; i < CHARTS_FIXED; i++) {
    charts[i] = charts_compile(worker, span_of_cstr(charts_fixed[i]));
    ASSERT(charts[i]);
  }
}

static struct chart_session *restore(const struct chart *chart, struct span bytes) {
  struct chart_session *session = NULL;
  struct reader r = reader_of(bytes);
  struct fault fault = {0};
  enum err err = chart_session_restore(worker, chart, &r, &session, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(!session);
  }
  return session;
}

/* By names and back again it is what `numbered` says. */
static void check_names(const struct chart *chart, struct chart_session *session, struct span numbered) {
  struct writer named;
  struct writer back;
  struct fault fault = {0};
  writer_init(&named);
  writer_init(&back);
  enum err err = chart_session_save_named(session, &named, &fault);
  if (err == ERR_OK) {
    struct chart_session *again = restore(chart, writer_span(&named));
    ASSERT(again);
    ASSERT(chart_session_save(again, &back, &fault) == ERR_OK);
    ASSERT(span_equal(writer_span(&back), numbered));
    chart_session_destroy(&again);
  } else {
    fuzz_refused(err, &fault);
  }
  writer_finish(&named);
  writer_finish(&back);
}

/* False when it cannot be saved. */
static bool is_stable(const struct chart *chart, struct chart_session *session) {
  struct writer first;
  struct writer second;
  struct fault fault = {0};
  writer_init(&first);
  writer_init(&second);
  enum err err = chart_session_save(session, &first, &fault);
  if (err == ERR_OK) {
    struct chart_session *again = restore(chart, writer_span(&first));
    ASSERT(again);
    ASSERT(chart_session_save(again, &second, &fault) == ERR_OK);
    ASSERT(span_equal(writer_span(&first), writer_span(&second)));
    check_names(chart, again, writer_span(&first));
    chart_session_destroy(&again);
  } else {
    fuzz_refused(err, &fault);
  }
  writer_finish(&first);
  writer_finish(&second);
  return err == ERR_OK;
}

static void go_on(struct chart_session *session) {
  static const char *const events[] = {"go", "tick", "out", "go"};
  struct chart_moment moment = {.now = 1000, .platform = value_nil()};
  struct chart_outcome outcome;
  enum err err = ERR_OK;
  for (size_t i = 0; err == ERR_OK && i < sizeof events / sizeof *events; i++) {
    const struct chart_event event = {.name = span_of_cstr(events[i])};
    moment.now += 10000;
    err = chart_session_event(session, &moment, &event, &charts_silent, &outcome);
    if (err == ERR_OK && chart_session_due(session) != CIVIL_MOMENT_NONE) {
      err = chart_session_advance(session, &moment, &charts_silent, &outcome);
    }
  }
}

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  if (!worker) {
    make_charts();
  }
  const struct chart *chart = charts[fuzz_choice(&input) % CHARTS_FIXED];
  struct chart_session *session = restore(chart, input);
  if (!session) {
    return;
  }
  if (is_stable(chart, session)) {
    go_on(session);
  }
  chart_session_destroy(&session);
}
