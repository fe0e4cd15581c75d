/* Questions to a compiled chart. */
#include "chart/chart.h"

#include "chart/tables.h"

struct chart_limits chart_limits_default(void) {
  return (struct chart_limits){.document_size_max = 1 << 20,
                               .instructions_max = 1000000,
                               .script_memory_max = 16 << 20,
                               .microsteps_max = 1000,
                               .queue_max = 1000};
}

uint32_t chart_states_count(const struct chart *chart) {
  return chart->states_count;
}

struct span chart_state_id(const struct chart *chart, uint32_t state) {
  ASSERT(state < chart->states_count);
  return chart->states[state].id;
}

bool chart_state_is_final(const struct chart *chart, uint32_t state) {
  ASSERT(state < chart->states_count);
  return chart->states[state].kind == STATE_FINAL;
}

bool chart_state_is_atomic(const struct chart *chart, uint32_t state) {
  ASSERT(state < chart->states_count);
  return state_is_leaf(&chart->states[state]);
}

struct span chart_state_attribute(const struct chart *chart, uint32_t state, const char *name) {
  ASSERT(state < chart->states_count);
  struct range labels = chart->states[state].labels;
  for (uint32_t i = labels.first; i < labels.end; i++) {
    if (span_is(chart->labels[i].name, name)) {
      return chart->labels[i].value;
    }
  }
  return span_of(NULL, 0);
}

bool chart_problem(const struct chart *chart, uint32_t n, uint32_t *ret_line, struct span *ret_text) {
  for (uint32_t i = 0; i < chart->exprs_count; i++) {
    if (chart->exprs[i].kind == EXPR_BAD && n-- == 0) {
      *ret_line = chart->exprs[i].line;
      *ret_text = chart->exprs[i].problem;
      return true;
    }
  }
  return false;
}

uint32_t chart_elements_count(const struct chart *chart) {
  return chart->elements_count;
}

struct chart_element_info chart_element_info(const struct chart *chart, uint32_t element) {
  ASSERT(element < chart->elements_count);
  const struct invoke *invoke = &chart->invokes[chart->elements[element].invoke];
  return (struct chart_element_info){invoke->name, invoke->id.text, invoke->state, invoke->line};
}

const struct element_attribute *chart_element_attribute(const struct chart *chart, uint32_t element, const char *name) {
  ASSERT(element < chart->elements_count);
  struct range attributes = chart->elements[element].attributes;
  for (uint32_t i = attributes.first; i < attributes.end; i++) {
    if (span_is(chart->element_attributes[i].name, name)) {
      return &chart->element_attributes[i];
    }
  }
  return NULL;
}

struct span chart_element_text(const struct chart *chart, uint32_t element, const char *attribute) {
  const struct element_attribute *found = chart_element_attribute(chart, element, attribute);
  return found ? found->text : span_of(NULL, 0);
}

bool chart_element_has(const struct chart *chart, uint32_t element, const char *attribute) {
  return chart_element_attribute(chart, element, attribute) != NULL;
}
