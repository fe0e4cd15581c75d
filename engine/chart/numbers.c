/*
 * What snapshots call by number: variables, states, invocations.
 *
 * Compiling the same document gives the same numbers at any time. The fingerprint, which stands in every snapshot,
 * covers all that the numbers mean, so that a snapshot is never read by a chart that counts otherwise. What goes into
 * it, and in which order, is part of that format.
 */
#include "chart/compiler.h"

#include <stdlib.h>

static int variable_compare(const void *a, const void *b) {
  return span_compare(((const struct variable *)a)->name, ((const struct variable *)b)->name);
}

/* Two <data> of one name, in different states, are one variable. */
static void derive_variables(struct compiler *c) {
  struct chart *chart = c->chart;
  chart->variables = ARENA_ARRAY(c->arena, struct variable, chart->data_count);
  for (uint32_t i = 0; i < chart->data_count; i++) {
    chart->variables[i].name = chart->data[i].id;
  }
  if (chart->data_count > 0) {
    qsort(chart->variables, chart->data_count, sizeof(struct variable), variable_compare);
  }
  for (uint32_t i = 0; i < chart->data_count; i++) {
    uint32_t last = chart->variables_count;
    struct variable *variable = &chart->variables[i];
    if (last > 0 && span_equal(chart->variables[last - 1].name, variable->name)) {
      continue;
    }
    variable->name_ref = script_keep_name(c->worker, variable->name);
    variable->shadows = library_has(c->worker, variable->name);
    chart->variables[chart->variables_count++] = *variable;
  }
}

static void number_variables(struct chart *chart) {
  for (uint32_t i = 0; i < chart->data_count; i++) {
    chart->data[i].variable = chart_variable_find(chart, chart->data[i].id);
  }
  for (uint32_t i = 0; i < chart->locations_count; i++) {
    chart->locations[i].variable = chart_variable_find(chart, chart->locations[i].root);
    chart->locations[i].declared = chart->locations[i].variable != NONE;
  }
}

/* --- the fingerprint --- */

static uint32_t fingerprint_byte(uint32_t hash, uint32_t byte) {
  return (hash ^ (byte & 0xFF)) * 16777619U; /* FNV-1a */
}

static uint32_t fingerprint_number(uint32_t hash, uint32_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    hash = fingerprint_byte(hash, number >> shift);
  }
  return hash;
}

static uint32_t fingerprint_text(uint32_t hash, struct span text) {
  hash = fingerprint_number(hash, (uint32_t)text.size);
  for (size_t i = 0; i < text.size; i++) {
    hash = fingerprint_byte(hash, text.data[i]);
  }
  return hash;
}

static uint32_t fingerprint_of(const struct chart *chart) {
  uint32_t hash = fingerprint_number(2166136261U, chart->states_count);
  for (uint32_t i = 0; i < chart->states_count; i++) {
    hash = fingerprint_text(hash, chart->states[i].id);
    hash = fingerprint_number(hash, (uint32_t)chart->states[i].kind);
    hash = fingerprint_number(hash, chart->states[i].parent);
  }
  for (uint32_t i = 0; i < chart->variables_count; i++) {
    hash = fingerprint_text(hash, chart->variables[i].name);
  }
  for (uint32_t i = 0; i < chart->invokes_count; i++) {
    hash = fingerprint_number(hash, chart->invokes[i].state);
    hash = fingerprint_text(hash, chart->invokes[i].name);
    hash = fingerprint_text(hash, chart->invokes[i].id.text);
  }
  return hash;
}

void compile_numbers(struct compiler *c) {
  derive_variables(c);
  number_variables(c->chart);
  c->chart->fingerprint = fingerprint_of(c->chart);
}
