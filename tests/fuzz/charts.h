/*
 * tests/fuzz/charts.h — running a chart under small limits, twice side by side.
 *
 * Purpose: one session stays in memory, the other is saved and restored between any two calls. Both must say the same
 * to their host and save the same bytes: so a target that runs charts checks determinism and durability too.
 */
#ifndef KURATOR_TESTS_FUZZ_CHARTS_H
#define KURATOR_TESTS_FUZZ_CHARTS_H

#include "chart/chart.h"

extern const struct chart_vocabulary charts_vocabulary; /* a few elements in urn:kurator:case */

/* With small limits and one function, twice(x). Destroyed by the caller. */
struct chart_worker *charts_worker(void);
/* NULL when it is refused; then the refusal has been checked. */
struct chart *charts_compile(struct chart_worker *worker, struct span document);

struct charts_pair {
  struct chart_worker *worker;
  const struct chart *chart;
  struct chart_session *kept, *restored;
  struct writer diary[2]; /* what each has told its host */
  struct chart_moment moment;
};
/* False when the session has stopped (a limit, data that cannot be kept); then nothing more may be asked of it. */
bool charts_start(struct charts_pair *pair, struct chart_worker *worker, const struct chart *chart);
bool charts_event(struct charts_pair *pair, struct span name, const struct value *data);
/* To the next delayed send, if there is one. */
bool charts_advance(struct charts_pair *pair);
void charts_finish(struct charts_pair *pair);

/* A host that takes everything and writes nothing down. */
extern const struct chart_host charts_silent;

/* Fixed charts whose snapshots the target `snapshot` reads. */
enum { CHARTS_FIXED = 3 };
extern const char *const charts_fixed[CHARTS_FIXED];

#endif
