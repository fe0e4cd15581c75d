/*
 * Ids of states and names of events.
 *
 * An event name is matched token by token: a descriptor matches a name that is equal to it or goes on with a dot
 * (section 3.12.1). So the descriptors of a name are found by asking the sorted table for each of its prefixes that end
 * at a dot. The answer is kept as a symbol: for names that stand in the chart for ever, for others in a small
 * table that is emptied when it is full, because names come from outside.
 */
#include "chart/tables.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 64 };

/* --- ids --- */

uint32_t chart_state_find(const struct chart *chart, struct span id) {
  uint32_t low = 0;
  uint32_t high = chart->states_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = span_compare(chart->states[chart->by_id[middle]].id, id);
    if (order == 0) {
      return chart->by_id[middle];
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NONE;
}

uint32_t chart_variable_find(const struct chart *chart, struct span name) {
  uint32_t low = 0;
  uint32_t high = chart->variables_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = span_compare(chart->variables[middle].name, name);
    if (order == 0) {
      return middle;
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return NONE;
}

/* --- the table of symbols --- */

static uint32_t hash_of(struct span name) {
  uint32_t hash = 2166136261U; /* FNV-1a */
  for (size_t i = 0; i < name.size; i++) {
    hash = (hash ^ name.data[i]) * 16777619U;
  }
  return hash;
}

static struct symbol **slot_find(const struct symbol_table *table, struct span name) {
  uint32_t mask = table->capacity - 1;
  uint32_t at = hash_of(name) & mask;
  while (table->slots[at] && !span_equal(table->slots[at]->name, name)) {
    at = (at + 1) & mask;
  }
  return &table->slots[at];
}

static struct symbol *table_find(const struct symbol_table *table, struct span name) {
  return table->capacity ? *slot_find(table, name) : NULL;
}

static void table_grow(struct symbol_table *table) {
  struct symbol_table old = *table;
  table->capacity = old.capacity ? old.capacity * 2 : CAPACITY_FIRST;
  table->slots = ARENA_ARRAY(table->arena, struct symbol *, table->capacity);
  for (uint32_t i = 0; i < old.capacity; i++) {
    if (old.slots[i]) {
      *slot_find(table, old.slots[i]->name) = old.slots[i];
    }
  }
}

static struct symbol *table_add(struct symbol_table *table, struct span name) {
  if (table->count * 2 >= table->capacity) {
    table_grow(table);
  }
  struct symbol *symbol = ARENA_NEW(table->arena, struct symbol);
  symbol->name = name;
  *slot_find(table, name) = symbol;
  table->count++;
  return symbol;
}

/* --- what a name matches --- */

static uint32_t descriptor_lower_bound(const struct chart *chart, struct span text) {
  uint32_t low = 0;
  uint32_t high = chart->descriptors_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (span_compare(chart->descriptors[middle].text, text) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

struct matching {
  const struct chart *chart;
  struct arena *arena;
  bits_word *transitions, *sources;
};

static void matching_add(struct matching *m, uint32_t transition) {
  if (!m->transitions) {
    m->transitions = ARENA_ARRAY(m->arena, bits_word, bits_words(m->chart->transitions_count));
    m->sources = ARENA_ARRAY(m->arena, bits_word, bits_words(m->chart->states_count));
  }
  bits_add(m->transitions, transition);
  bits_add(m->sources, m->chart->transitions[transition].source);
}

static bool match_descriptor(struct matching *m, struct span text) {
  uint32_t first = descriptor_lower_bound(m->chart, text);
  uint32_t at = first;
  for (; at < m->chart->descriptors_count && span_equal(m->chart->descriptors[at].text, text); at++) {
    matching_add(m, m->chart->descriptors[at].transition);
  }
  return at > first;
}

static void symbol_fill(const struct chart *chart, struct symbol *symbol, struct arena *arena) {
  struct matching m = {.chart = chart, .arena = arena};
  (void)match_descriptor(&m, span_of(NULL, 0)); /* "*" */
  for (size_t i = 1; i <= symbol->name.size; i++) {
    if (i == symbol->name.size || symbol->name.data[i] == '.') {
      symbol->known |= match_descriptor(&m, span_of(symbol->name.data, i));
    }
  }
  symbol->transitions = m.transitions;
  symbol->sources = m.sources;
  symbol->any = m.transitions != NULL;
}

static int descriptor_compare(const void *a, const void *b) {
  const struct descriptor *x = a;
  const struct descriptor *y = b;
  int order = span_compare(x->text, y->text);
  return order != 0 ? order : (x->transition > y->transition) - (x->transition < y->transition);
}

static void eventless_fill(struct chart *chart) {
  struct matching m = {.chart = chart, .arena = &chart->root->arena};
  for (uint32_t i = 0; i < chart->transitions_count; i++) {
    if (chart->transitions[i].eventless) {
      matching_add(&m, i);
    }
  }
  chart->eventless = (struct symbol){.transitions = m.transitions, .sources = m.sources, .any = m.transitions != NULL};
}

const struct symbol *chart_symbol_declare(struct chart *chart, struct span name) {
  struct symbol *symbol = table_find(&chart->known, name);
  return symbol ? symbol : table_add(&chart->known, name);
}

void chart_symbols_finish(struct chart *chart) {
  if (chart->descriptors_count > 0) {
    qsort(chart->descriptors, chart->descriptors_count, sizeof(struct descriptor), descriptor_compare);
  }
  for (uint32_t i = 0; i < chart->known.capacity; i++) {
    if (chart->known.slots[i]) {
      symbol_fill(chart, chart->known.slots[i], &chart->root->arena);
    }
  }
  eventless_fill(chart);
  chart->learned = ARENA_NEW(&chart->root->arena, struct learned);
  arena_init(&chart->learned->arena, 0);
  chart->learned->table.arena = &chart->learned->arena;
}

void chart_symbols_forget(struct chart *chart) {
  if (chart->learned) {
    arena_finish(&chart->learned->arena);
    chart->learned->table = (struct symbol_table){.arena = &chart->learned->arena};
  }
}

const struct symbol *chart_symbol(const struct chart *chart, struct span name) {
  const struct symbol *known = table_find(&chart->known, name);
  if (known) {
    return known;
  }
  struct learned *learned = chart->learned;
  struct symbol *symbol = table_find(&learned->table, name);
  if (symbol) {
    return symbol;
  }
  if (learned->table.count >= LEARNED_MAX) {
    arena_reset(&learned->arena);
    learned->table = (struct symbol_table){.arena = &learned->arena};
  }
  symbol = table_add(&learned->table, arena_copy(&learned->arena, name));
  symbol_fill(chart, symbol, &learned->arena);
  return symbol;
}

bool chart_knows_event(const struct chart *chart, struct span name) {
  return chart_symbol(chart, name)->known;
}
