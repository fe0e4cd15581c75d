#include "mutant.h"

#include "chart_index.h"

static struct mutant *add(struct mutant_list *list, const struct mutant *mutant) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 32;
    struct mutant *grown = ARENA_ARRAY(list->arena, struct mutant, list->capacity);
    if (list->count > 0) {
      memcpy(grown, list->items, list->count * sizeof *grown);
    }
    list->items = grown;
  }
  list->items[list->count] = *mutant;
  return &list->items[list->count++];
}

/* ---- charts: an element goes by blanks, so that all lines stay where they are ---- */

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void blank(uint8_t *text, size_t start, size_t end) {
  for (size_t i = start; i < end; i++) {
    text[i] = text[i] == '\n' ? '\n' : ' ';
  }
}

struct cut {
  struct mutant_list *list;
  const struct config_process *process;
  struct span element, name;
  struct chart_index index;
};

static bool is_tag(const struct chart_node *node, const char *tag) {
  return span_is(node->tag, tag);
}

static bool is_state(const struct chart_node *node) {
  return !node->extension && (is_tag(node, "state") || is_tag(node, "parallel") || is_tag(node, "final"));
}

static uint8_t *chart_copy(struct cut *cut) {
  uint8_t *text = arena_alloc(cut->list->arena, cut->index.text.size);
  memcpy(text, cut->index.text.data, cut->index.text.size);
  return text;
}

static void add_chart(struct cut *cut, const struct chart_node *node, const uint8_t *text) {
  struct mutant mutant = {
      .element = cut->element,
      .file = cut->process->file,
      .line = node->line,
      .kind = arena_printf(cut->list->arena, "%s%.*s", node->extension ? "k:" : "", SPAN_ARG(node->tag)),
      .basis = chart_node_attribute(node, node->extension ? "basis" : "k:basis"),
      .change = {.process = cut->process->name, .chart = span_of(text, cut->index.text.size)},
  };
  add(cut->list, &mutant);
}

static void cut_node(struct cut *cut, const struct chart_node *node) {
  uint8_t *text = chart_copy(cut);
  blank(text, node->start, node->end);
  add_chart(cut, node, text);
}

/* Without the transitions that lead into it; a state that none leads into is left without what it holds. */
static void cut_state(struct cut *cut, const struct chart_node *state) {
  uint8_t *text = chart_copy(cut);
  bool led = false;
  for (size_t i = 0; i < cut->index.count; i++) {
    const struct chart_node *node = &cut->index.nodes[i];
    if (!node->extension && is_tag(node, "transition") && chart_node_names(node, "target", cut->name)) {
      blank(text, node->start, node->end);
      led = true;
    }
  }
  size_t head_end = state->start + state->head.size;
  if (!led && head_end < state->end) {
    size_t tail = state->end;
    while (text[tail - 1] != '<') {
      tail--;
    }
    blank(text, head_end, tail - 1);
    const struct span initial = chart_node_attribute(state, "initial");
    if (initial.data) {
      size_t at = (size_t)(initial.data - cut->index.text.data);
      blank(text, at - sizeof "initial=\"" + 1, at + initial.size + 1);
    }
  }
  add_chart(cut, state, text);
}

/* The event's name goes from the transitions that take it; one that takes nothing else goes as a whole. */
static void blank_event(uint8_t *text, const struct chart_index *index, const struct chart_node *node,
                        struct span name) {
  struct span events = chart_node_attribute(node, "event");
  size_t from = (size_t)(events.data - index->text.data);
  size_t left = 0;
  for (size_t at = 0; at < events.size;) {
    size_t size = 0;
    while (at + size < events.size && !is_space(events.data[at + size])) {
      size++;
    }
    if (span_equal(span_of(events.data + at, size), name)) {
      blank(text, from + at, from + at + size);
    } else {
      left += size;
    }
    at += size + 1;
  }
  if (left == 0) {
    blank(text, node->start, node->end);
  }
}

static void cut_event(struct cut *cut) {
  const struct chart_node *first = NULL;
  uint8_t *text = chart_copy(cut);
  for (size_t i = 0; i < cut->index.count; i++) {
    const struct chart_node *node = &cut->index.nodes[i];
    if (is_tag(node, "transition") && chart_node_names(node, "event", cut->name)) {
      blank_event(text, &cut->index, node, cut->name);
      first = first ? first : node;
    }
  }
  if (first) {
    add_chart(cut, first, text);
  }
}

/* 'text' in quotes, as a literal expression. */
static bool is_literal(struct span expression, struct span text) {
  return expression.size == text.size + 2 && expression.data[0] == '\'' &&
         span_equal(span_of(expression.data + 1, text.size), text);
}

static void cut_chart(struct cut *cut) {
  for (size_t i = 0; i < cut->index.count; i++) {
    const struct chart_node *node = &cut->index.nodes[i];
    if (is_state(node) && span_equal(chart_node_attribute(node, "id"), cut->name)) {
      cut_state(cut, node);
    } else if (node->extension && (span_equal(chart_node_attribute(node, "id"), cut->name) ||
                                   span_equal(chart_node_attribute(node, "template"), cut->name) ||
                                   is_literal(chart_node_attribute(node, "reason"), cut->name))) {
      cut_node(cut, node);
    }
  }
  cut_event(cut);
}

static void cut_setting(struct cut *cut) {
  const struct value *settings = &cut->process->settings;
  if (!value_find(settings, cut->name)) {
    return;
  }
  struct value_field *fields = ARENA_ARRAY(cut->list->arena, struct value_field, settings->map.count);
  size_t count = 0;
  for (size_t i = 0; i < settings->map.count; i++) {
    if (!span_equal(settings->map.fields[i].name, cut->name)) {
      fields[count++] = settings->map.fields[i];
    }
  }
  struct mutant mutant = {
      .element = cut->element,
      .file = cut->process->file,
      .kind = SPAN_LITERAL("setting"),
      .change = {.process = cut->process->name, .settings = {.kind = VALUE_MAP, .map = {fields, count}}},
  };
  add(cut->list, &mutant);
}

/* ---- the catalogue ---- */

struct table {
  const char *place, *kind, *file;
  size_t items, count; /* offsets in struct catalogue */
  size_t size, name;   /* of an item; of its name in it */
  size_t granted;      /* of the list that is emptied; SIZE_MAX: the item goes */
};
#define TABLE(place, kind, file, member, type, name, granted)                                                          \
  {                                                                                                                    \
    place, kind, file, offsetof(struct catalogue, member), offsetof(struct catalogue, member##_count), sizeof(type),   \
        offsetof(type, name), granted                                                                                  \
  }
static const struct table tables[] = {
    TABLE("catalogue", "event", "catalogue.yaml", events, struct event_rule, name,
          offsetof(struct event_rule, senders)),
    TABLE("catalogue", "class", "catalogue.yaml", classes, struct data_class, name,
          offsetof(struct data_class, seen_by)),
    TABLE("catalogue", "role", "catalogue.yaml", roles, struct role_rule, role, offsetof(struct role_rule, kinds)),
    TABLE("routing", "help", "routing.yaml", routing, struct routing_rule, help, SIZE_MAX),
    TABLE("territories", "territory", "territories.yaml", territories, struct territory, code, SIZE_MAX),
};

static bool is_named(const uint8_t *item, const struct table *table, struct span name) {
  struct span own;
  memcpy(&own, item + table->name, sizeof own);
  return span_equal(own, name);
}

/* The catalogue with a table of its own, in which one item has lost its rights or is missing. */
static const struct catalogue *catalogue_without(struct arena *arena, const struct catalogue *catalogue,
                                                 const struct table *table, size_t index) {
  struct catalogue *changed = ARENA_NEW(arena, struct catalogue);
  *changed = *catalogue;
  uint8_t *items;
  size_t count;
  memcpy(&items, (const uint8_t *)catalogue + table->items, sizeof items);
  memcpy(&count, (const uint8_t *)catalogue + table->count, sizeof count);
  uint8_t *copy = arena_alloc(arena, count * table->size);
  memcpy(copy, items, count * table->size);
  if (table->granted != SIZE_MAX) {
    memset(copy + index * table->size + table->granted, 0, sizeof(struct text_list));
  } else {
    memmove(copy + index * table->size, copy + (index + 1) * table->size, (count - index - 1) * table->size);
    count--;
  }
  memcpy((uint8_t *)changed + table->items, &copy, sizeof copy);
  memcpy((uint8_t *)changed + table->count, &count, sizeof count);
  return changed;
}

static bool add_tables(struct mutant_list *list, const struct config *config, struct span place, struct span name,
                       struct span element) {
  bool known = false;
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
    if (!span_is(place, tables[t].place)) {
      continue;
    }
    known = true;
    const uint8_t *items;
    size_t count;
    memcpy(&items, (const uint8_t *)&config->catalogue + tables[t].items, sizeof items);
    memcpy(&count, (const uint8_t *)&config->catalogue + tables[t].count, sizeof count);
    for (size_t i = 0; i < count; i++) {
      if (is_named(items + i * tables[t].size, &tables[t], name)) {
        struct mutant mutant = {
            .element = element,
            .file = tables[t].file,
            .kind = span_of_cstr(tables[t].kind),
            .change = {.catalogue = catalogue_without(list->arena, &config->catalogue, &tables[t], i)},
        };
        add(list, &mutant);
      }
    }
  }
  return known;
}

/* ---- documents: no event brings it, no executor gets it ---- */

static void without_events(struct arena *arena, struct catalogue *catalogue, struct span kind) {
  struct event_rule *events = ARENA_ARRAY(arena, struct event_rule, catalogue->events_count);
  memcpy(events, catalogue->events, catalogue->events_count * sizeof *events);
  for (size_t i = 0; i < catalogue->events_count; i++) {
    struct event_document *kept = ARENA_ARRAY(arena, struct event_document, events[i].documents_count);
    size_t count = 0;
    for (size_t k = 0; k < events[i].documents_count; k++) {
      if (!span_equal(events[i].documents[k].kind, kind)) {
        kept[count++] = events[i].documents[k];
      }
    }
    events[i].documents = kept;
    events[i].documents_count = count;
  }
  catalogue->events = events;
}

static void without_extracts(struct arena *arena, struct catalogue *catalogue, size_t index) {
  struct document_rule *documents = ARENA_ARRAY(arena, struct document_rule, catalogue->documents_count);
  memcpy(documents, catalogue->documents, catalogue->documents_count * sizeof *documents);
  documents[index].progress_count = 0;
  catalogue->documents = documents;
}

static bool add_document(struct mutant_list *list, const struct config *config, struct span place, struct span kind,
                         struct span element) {
  if (!span_is(place, "documents")) {
    return false;
  }
  for (size_t i = 0; i < config->catalogue.documents_count; i++) {
    if (span_equal(config->catalogue.documents[i].kind, kind)) {
      struct catalogue *changed = ARENA_NEW(list->arena, struct catalogue);
      *changed = config->catalogue;
      without_events(list->arena, changed, kind);
      without_extracts(list->arena, changed, i);
      struct mutant mutant = {.element = element,
                              .file = "documents.yaml",
                              .kind = SPAN_LITERAL("document"),
                              .basis = config->catalogue.documents[i].basis,
                              .change = {.catalogue = changed}};
      add(list, &mutant);
    }
  }
  return true;
}

bool mutants_add(struct mutant_list *list, const struct config *config, struct span element) {
  struct cut cut = {.list = list, .element = element};
  struct span place = span_cut(element, '#', &cut.name);
  if (add_tables(list, config, place, cut.name, element) || add_document(list, config, place, cut.name, element)) {
    return true;
  }
  cut.process = config_process_of(config, place);
  if (!cut.process) {
    return false;
  }
  if (chart_index_read(cut.process->chart, list->arena, &cut.index) == ERR_OK) {
    cut_chart(&cut);
  }
  cut_setting(&cut);
  return true;
}

void mutants_add_based(struct mutant_list *list, const struct config_process *process) {
  struct chart_index index;
  if (chart_index_read(process->chart, list->arena, &index) != ERR_OK) {
    return;
  }
  for (size_t i = 0; i < index.count; i++) {
    const struct chart_node *node = &index.nodes[i];
    if (node->extension && (is_tag(node, "deadline") || is_tag(node, "task") || is_tag(node, "referrals"))) {
      struct span id = chart_node_attribute(node, "id");
      struct mutant mutant = {
          .element = arena_printf(list->arena, "%.*s#%.*s", SPAN_ARG(process->name), SPAN_ARG(id)),
          .file = process->file,
          .line = node->line,
          .kind = arena_printf(list->arena, "k:%.*s", SPAN_ARG(node->tag)),
          .basis = chart_node_attribute(node, "basis"),
      };
      add(list, &mutant);
    }
  }
}
