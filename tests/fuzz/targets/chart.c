/*
 * A chart that runs. Input: the document, NUL, then lines: "NAME JSON" is an event with data, an empty line lets the
 * next delayed send come.
 */
#include "base/json.h"
#include "charts.h"
#include "fuzz.h"

enum { LINES_MAX = 20 };

static bool take_line(struct charts_pair *pair, struct span line, struct arena *arena) {
  struct span text;
  struct value data = value_nil();
  struct span name = span_cut(line, ' ', &text);
  if (span_empty(line)) {
    return charts_advance(pair);
  }
  if (!span_is_text(name) || json_read(text, arena, &data, NULL) != ERR_OK) {
    data = value_nil();
  }
  return !span_is_text(name) || charts_event(pair, name, &data);
}

static void run(struct chart_worker *worker, const struct chart *chart, struct span lines, struct arena *arena) {
  struct charts_pair pair;
  bool running = charts_start(&pair, worker, chart);
  for (int i = 0; running && i < LINES_MAX && !span_empty(lines); i++) {
    running = take_line(&pair, span_cut(lines, '\n', &lines), arena);
  }
  charts_finish(&pair);
}

void fuzz_one(struct span input, struct arena *arena) {
  struct span document = fuzz_text(&input);
  struct chart_worker *worker = charts_worker();
  struct chart *chart = charts_compile(worker, document);
  if (chart) {
    run(worker, chart, span_empty(input) ? SPAN_LITERAL("go\n\ngo\n\n") : input, arena);
  }
  chart_destroy(&chart);
  chart_worker_destroy(&worker);
}
