/* The SCXML reader: any document is compiled or refused with a reason, and what is compiled can be asked about. */
#include "charts.h"
#include "fuzz.h"

static void ask(const struct chart *chart) {
  for (uint32_t i = 0; i < chart_states_count(chart); i++) {
    ASSERT(!span_empty(chart_state_id(chart, i)) || i == 0);
    ASSERT(!chart_state_is_final(chart, i) || chart_state_is_atomic(chart, i));
    (void)chart_state_attribute(chart, i, "stage");
  }
  for (uint32_t i = 0; i < chart_elements_count(chart); i++) {
    struct chart_element_info info = chart_element_info(chart, i);
    ASSERT(info.state < chart_states_count(chart) && info.line > 0);
    ASSERT(!chart_element_has(chart, i, "unheard-of"));
    (void)chart_element_text(chart, i, "id");
  }
  (void)chart_knows_event(chart, SPAN_LITERAL("go"));
  (void)chart_knows_event(chart, SPAN_LITERAL(""));
}

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  struct chart_worker *worker = charts_worker();
  struct chart *chart = charts_compile(worker, input);
  if (chart) {
    ask(chart);
  }
  chart_destroy(&chart);
  chart_worker_destroy(&worker);
}
