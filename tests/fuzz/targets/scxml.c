/*
 * The SCXML reader: any document is compiled or refused with a reason, and what is compiled can be asked about, looked
 * through for mistakes, and written in plain SCXML, which is the same chart again.
 */
#include "chart/desugar.h"
#include "chart/document.h"
#include "chart/lint.h"
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

static void look_through(const struct chart *chart, struct span input, struct arena *arena) {
  const struct document_options options = {&charts_vocabulary, 1 << 20};
  struct node *root = NULL;
  struct lint lint;
  lint_init(&lint, arena);
  ASSERT(document_read(&options, input, arena, &root, NULL) == ERR_OK);
  lint_chart(chart, &lint);
  lint_document(chart, root, &lint);
  lint_names(chart, root, &charts_vocabulary, NULL, &lint);
  lint_sort(&lint);
  for (size_t i = 0; i < lint.count; i++) {
    ASSERT(lint_message(&lint.items[i], LINT_RUSSIAN, arena).size > 0);
    ASSERT(lint_advice(&lint.items[i], LINT_ENGLISH, arena).size > 0);
  }
}

static void compare(const struct chart *a, const struct chart *b) {
  ASSERT(chart_states_count(a) == chart_states_count(b));
  ASSERT(chart_elements_count(a) == chart_elements_count(b));
  for (uint32_t i = 0; i < chart_elements_count(a); i++) {
    ASSERT(span_equal(chart_element_info(a, i).id, chart_element_info(b, i).id));
    ASSERT(span_equal(chart_element_text(a, i, "due"), chart_element_text(b, i, "due")));
    ASSERT(chart_element_has(a, i, "from") == chart_element_has(b, i, "from"));
  }
}

/* What is refused has an element that stands where no chart looks, or a <k:param> with the name of an attribute. */
static void write_plainly(struct chart_worker *worker, const struct chart *chart, struct span input) {
  DEFER(writer_finish) struct writer plain;
  DEFER(writer_finish) struct writer again;
  struct fault fault = {.err = ERR_OK};
  writer_init(&plain);
  writer_init(&again);
  enum err err = chart_desugar(&charts_vocabulary, input, &plain, &fault);
  if (err != ERR_OK) {
    ASSERT(err == ERR_INVALID && fault.text[0] != '\0');
    return;
  }
  struct chart *same = charts_compile(worker, writer_span(&plain));
  if (same) { /* the plain form is longer, and may be too long */
    compare(chart, same);
    ASSERT(chart_desugar(&charts_vocabulary, writer_span(&plain), &again, &fault) == ERR_OK);
    ASSERT(span_equal(writer_span(&plain), writer_span(&again)));
  }
  chart_destroy(&same);
}

void fuzz_one(struct span input, struct arena *arena) {
  struct chart_worker *worker = charts_worker();
  struct chart *chart = charts_compile(worker, input);
  if (chart) {
    ask(chart);
    look_through(chart, input, arena);
    write_plainly(worker, chart, input);
  }
  chart_destroy(&chart);
  chart_worker_destroy(&worker);
}
