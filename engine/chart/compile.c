/*
 * From the tree of a document to the tables of tables.h.
 *
 * In this order: number the states, sort their ids, compile each state with what stands in it, check what only the
 * whole shows (targets, initial states, histories), then derive: domains, entry masks, symbols. Every fault names a
 * line.
 */
#include "chart/compiler.h"

#include <stdio.h>
#include <stdlib.h>

enum { STATES_MAX = 4096, TRANSITIONS_MAX = 16384, SYMBOLS_MAX = 16384, VECTOR_FIRST = 16 };

void *vector_add(struct arena *arena, struct vector *v, size_t item_size) {
  if (v->count == v->capacity) {
    uint32_t capacity = v->capacity ? v->capacity * 2 : VECTOR_FIRST;
    void *items = arena_alloc(arena, capacity * item_size);
    if (v->count > 0) {
      memcpy(items, v->items, v->count * item_size);
    }
    v->items = items;
    v->capacity = capacity;
  }
  void *item = (uint8_t *)v->items + v->count++ * item_size;
  return memset(item, 0, item_size);
}

enum err compile_fault(struct compiler *c, uint32_t line, const char *format, ...) {
  char text[FAULT_TEXT_MAX];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  return fault_set_at(c->fault, ERR_INVALID, line, 0, "%s", text);
}

/* --- states --- */

static struct node *first_state(const struct node *from) {
  struct node *node = (struct node *)from;
  while (node && (!node_is_state(node) || node->tag == TAG_SCXML)) {
    node = node->next;
  }
  return node;
}

/* The next state in document order below the root, without going into the charts of invocations. */
static struct node *next_state(const struct node *root, struct node *node) {
  struct node *child = first_state(node->first);
  while (!child && node != root) {
    child = first_state(node->next);
    node = node->parent;
  }
  return child;
}

static enum state_kind kind_of_state(const struct node *node) {
  switch (node->tag) {
  case TAG_SCXML:
    return STATE_ROOT;
  case TAG_PARALLEL:
    return STATE_PARALLEL;
  case TAG_FINAL:
    return STATE_FINAL;
  case TAG_HISTORY:
    return span_is(node_get(node, "type"), "deep") ? STATE_HISTORY_DEEP : STATE_HISTORY_SHALLOW;
  default:
    return first_state(node->first) ? STATE_COMPOUND : STATE_ATOMIC;
  }
}

static enum err count_states(struct compiler *c, struct node *root) {
  uint32_t count = 0;
  for (struct node *node = root; node; node = next_state(root, node)) {
    if (++count > STATES_MAX) {
      return fault_set_at(c->fault, ERR_LIMIT, node->line, 0, "more than %d states", STATES_MAX);
    }
  }
  c->chart->states_count = count;
  c->chart->states = ARENA_ARRAY(c->arena, struct state, count);
  c->nodes = ARENA_ARRAY(c->arena, struct node *, count);
  return ERR_OK;
}

/* States without an id get one that says where they stand and that no document can hold: "parent~2". */
static struct span id_of_state(struct compiler *c, uint32_t parent, const struct node *node) {
  if (node_has(node, "id")) {
    return span_trim(node_get(node, "id"));
  }
  unsigned place = 1;
  for (const struct node *at = node->parent ? node->parent->first : node; at != node; at = at->next) {
    place += node_is_state(at);
  }
  struct span above = parent == NONE ? SPAN_LITERAL("") : c->chart->states[parent].id;
  return arena_printf(c->arena, "%.*s~%u", SPAN_ARG(above), place);
}

static enum err number_states(struct compiler *c, struct node *root) {
  TRY(count_states(c, root));
  uint32_t i = 0;
  for (struct node *node = root; node; node = next_state(root, node)) {
    struct state *state = &c->chart->states[i];
    uint32_t parent = node == root ? NONE : node->parent->state;
    *state = (struct state){.kind = kind_of_state(node), .parent = parent, .last = i, .line = node->line};
    state->initial = state->donedata = NONE;
    state->id = id_of_state(c, parent, node);
    if (node_has(node, "id") && (span_empty(state->id) || memchr(state->id.data, '~', state->id.size))) {
      return compile_fault(c, node->line, "\"%.*s\" cannot be the id of a state", SPAN_ARG(state->id));
    }
    node->state = i;
    c->nodes[i++] = node;
  }
  for (i = c->chart->states_count; i-- > 1;) {
    struct state *parent = &c->chart->states[c->chart->states[i].parent];
    parent->last = parent->last > c->chart->states[i].last ? parent->last : c->chart->states[i].last;
    parent->has_history |= state_is_history(&c->chart->states[i]);
  }
  return ERR_OK;
}

struct id_entry {
  struct span id;
  uint32_t state;
};

static int id_compare(const void *a, const void *b) {
  const struct id_entry *x = a;
  const struct id_entry *y = b;
  int order = span_compare(x->id, y->id);
  return order != 0 ? order : (x->state > y->state) - (x->state < y->state);
}

static enum err sort_ids(struct compiler *c) {
  struct chart *chart = c->chart;
  struct id_entry *entries = ARENA_ARRAY(c->arena, struct id_entry, chart->states_count);
  for (uint32_t i = 0; i < chart->states_count; i++) {
    entries[i] = (struct id_entry){chart->states[i].id, i};
  }
  qsort(entries, chart->states_count, sizeof(*entries), id_compare);
  chart->by_id = ARENA_ARRAY(c->arena, uint32_t, chart->states_count);
  for (uint32_t i = 0; i < chart->states_count; i++) {
    chart->by_id[i] = entries[i].state;
    if (i > 0 && span_equal(entries[i].id, entries[i - 1].id)) {
      return compile_fault(c, chart->states[entries[i].state].line, "the id \"%.*s\" stands twice",
                           SPAN_ARG(entries[i].id));
    }
  }
  return ERR_OK;
}

/* --- transitions --- */

static enum err compile_targets(struct compiler *c, struct span ids, uint32_t line, struct range *ret_targets) {
  ret_targets->first = c->targets.count;
  for (struct span word = word_next(&ids); !span_empty(word); word = word_next(&ids)) {
    uint32_t target = chart_state_find(c->chart, word);
    if (target == NONE || target == 0) {
      return compile_fault(c, line, "there is no state \"%.*s\"", SPAN_ARG(word));
    }
    *VECTOR_ADD(c, targets, uint32_t) = target;
  }
  ret_targets->end = c->targets.count;
  return ERR_OK;
}

static void compile_descriptors(struct compiler *c, struct span events, uint32_t transition) {
  for (struct span word = word_next(&events); !span_empty(word); word = word_next(&events)) {
    if (word.size >= 2 && memcmp(word.data + word.size - 2, ".*", 2) == 0) {
      word.size -= 2;
    } else if (word.data[word.size - 1] == '.') {
      word.size -= 1;
    }
    struct span text = span_is(word, "*") ? span_of(NULL, 0) : word;
    *VECTOR_ADD(c, descriptors, struct descriptor) = (struct descriptor){text, transition};
  }
}

static enum err compile_transition(struct compiler *c, uint32_t source, const struct node *node) {
  if (c->transitions.count >= TRANSITIONS_MAX) {
    return fault_set_at(c->fault, ERR_LIMIT, node->line, 0, "more than %d transitions", TRANSITIONS_MAX);
  }
  struct transition t = {.source = source, .line = node->line, .domain = NONE, .cond = NONE};
  TRY(compile_targets(c, node_get(node, "target"), node->line, &t.targets));
  TRY(compile_block(c, node, &t.content));
  if (node_has(node, "cond")) {
    t.cond = compile_expr(c, node_get(node, "cond"), node->line);
  }
  struct span type = node_get(node, "type");
  t.internal = span_is(type, "internal");
  if (!span_empty(type) && !t.internal && !span_is(type, "external")) {
    return compile_fault(c, node->line, "a transition is \"internal\" or \"external\"");
  }
  compile_descriptors(c, node_get(node, "event"), c->transitions.count);
  *VECTOR_ADD(c, transitions, struct transition) = t;
  return ERR_OK;
}

static enum err compile_transitions(struct compiler *c, uint32_t state, const struct node *node) {
  struct range *range = &c->chart->states[state].transitions;
  range->first = c->transitions.count;
  for (const struct node *child = node->first; child; child = child->next) {
    if (child->tag != TAG_TRANSITION || state_is_history(&c->chart->states[state])) {
      continue;
    }
    bool event = !span_empty(span_trim(node_get(child, "event")));
    bool target = !span_empty(span_trim(node_get(child, "target")));
    if (!event && !target && !node_has(child, "cond")) {
      return compile_fault(c, child->line, "a transition needs \"event\", \"cond\" or \"target\"");
    }
    TRY(compile_transition(c, state, child));
    VECTOR_AT(c, transitions, struct transition, c->transitions.count - 1)->eventless = !event;
  }
  range->end = c->transitions.count;
  return ERR_OK;
}

/* The transition of an <initial> or a <history>: a target, and neither event nor condition (sections 3.6, 3.10). */
static enum err compile_default(struct compiler *c, uint32_t state, const struct node *node) {
  const struct node *child = node->first;
  bool one = child && child->tag == TAG_TRANSITION && !child->next;
  if (!one || node_has(child, "event") || node_has(child, "cond") || span_empty(span_trim(node_get(child, "target")))) {
    return compile_fault(c, node->line, "<%.*s> needs one transition with a target, without event and cond",
                         SPAN_ARG(node->name));
  }
  TRY(compile_transition(c, state, child));
  c->chart->states[state].initial = c->transitions.count - 1;
  return ERR_OK;
}

static enum err compile_empty_default(struct compiler *c, uint32_t state, struct span ids) {
  struct transition t = {.source = state, .line = c->chart->states[state].line, .domain = NONE, .cond = NONE};
  TRY(compile_targets(c, ids, t.line, &t.targets));
  *VECTOR_ADD(c, blocks, struct range) = (struct range){0, 0};
  t.content = c->blocks.count - 1;
  *VECTOR_ADD(c, transitions, struct transition) = t;
  c->chart->states[state].initial = c->transitions.count - 1;
  return ERR_OK;
}

static enum err compile_initial(struct compiler *c, uint32_t state, const struct node *node) {
  struct state *s = &c->chart->states[state];
  if (state_is_history(s)) {
    return compile_default(c, state, node);
  }
  const struct node *initial = node_child(node, TAG_INITIAL);
  bool given = node_has(node, "initial");
  if ((initial || given) && s->kind != STATE_COMPOUND && s->kind != STATE_ROOT) {
    return compile_fault(c, node->line, "only a state with states inside has an initial one");
  }
  if (s->kind != STATE_COMPOUND && s->kind != STATE_ROOT) {
    return ERR_OK;
  }
  if (initial && given) {
    return compile_fault(c, initial->line, "the attribute and the element \"initial\" exclude each other");
  }
  if (initial) {
    return compile_default(c, state, initial);
  }
  if (given) {
    return compile_empty_default(c, state, node_get(node, "initial"));
  }
  const struct node *first = first_state(node->first);
  while (first && first->tag == TAG_HISTORY) {
    first = first_state(first->next);
  }
  if (!first) {
    return compile_fault(c, node->line, "there is no state to start in");
  }
  return compile_empty_default(c, state, c->chart->states[first->state].id);
}

/* --- what stands in a state --- */

static enum err compile_handlers(struct compiler *c, const struct node *node, enum tag tag, struct range *ret_blocks) {
  ret_blocks->first = c->blocks.count;
  for (const struct node *child = node->first; child; child = child->next) {
    uint32_t block;
    if (child->tag == tag) {
      TRY(compile_block(c, child, &block));
    }
  }
  ret_blocks->end = c->blocks.count;
  return ERR_OK;
}

static enum err compile_data_value(struct compiler *c, const struct node *node, uint32_t *ret_expr) {
  bool inside = !span_empty(span_trim(node->text)) || !span_empty(node->markup);
  if (node_has(node, "expr") + node_has(node, "src") + inside > 1) {
    return compile_fault(c, node->line, "<data> has \"expr\" or \"src\" or something inside");
  }
  *ret_expr = NONE;
  if (node_has(node, "expr")) {
    struct span expr = node_get(node, "expr");
    c->chart->data_define |= expr.size > 0 && memmem(expr.data, expr.size, "function", 8);
    *ret_expr = compile_expr(c, expr, node->line);
  } else if (node_has(node, "src")) {
    struct span bytes;
    struct span src = node_get(node, "src");
    bool read = chart_load(c->chart, src, c->arena, &bytes) == ERR_OK;
    struct span markup = read && span_starts_with(span_trim(bytes), SPAN_LITERAL("<")) ? bytes : span_of(NULL, 0);
    *ret_expr = read ? compile_inline(c, bytes, markup, node->line)
                     : compile_bad(c, arena_printf(c->arena, "\"%.*s\" cannot be read", SPAN_ARG(src)), node->line);
  } else if (inside) {
    *ret_expr = compile_inline(c, node->text, node->markup, node->line);
  }
  return ERR_OK;
}

static enum err compile_datum(struct compiler *c, const struct node *node) {
  struct span id = span_trim(node_get(node, "id"));
  if (system_reserves(id)) {
    return compile_fault(c, node->line, "\"%.*s\" is a name of the system", SPAN_ARG(id));
  }
  if (c->chart->datamodel == DATAMODEL_NULL) {
    return compile_fault(c, node->line, "the null data model has no <data>");
  }
  struct data datum = {id, node->line, NONE, NONE};
  TRY(compile_data_value(c, node, &datum.expr));
  *VECTOR_ADD(c, data, struct data) = datum;
  return ERR_OK;
}

static enum err compile_data(struct compiler *c, const struct node *node, struct range *ret_data) {
  ret_data->first = c->data.count;
  for (const struct node *model = node->first; model; model = model->next) {
    for (const struct node *child = model->first; model->tag == TAG_DATAMODEL && child; child = child->next) {
      TRY(compile_datum(c, child));
    }
  }
  ret_data->end = c->data.count;
  return ERR_OK;
}

static enum err compile_invokes(struct compiler *c, uint32_t state, const struct node *node,
                                struct range *ret_invokes) {
  ret_invokes->first = c->invokes.count;
  for (const struct node *child = node->first; child; child = child->next) {
    if (child->tag == TAG_INVOKE) {
      TRY(compile_invoke(c, state, child));
    } else if (child->tag == TAG_EXTENSION) {
      TRY(compile_element(c, state, child));
    }
  }
  ret_invokes->end = c->invokes.count;
  return ERR_OK;
}

static enum err compile_donedata(struct compiler *c, const struct node *node, uint32_t *ret_payload) {
  const struct node *donedata = node_child(node, TAG_DONEDATA);
  if (donedata) {
    struct payload payload;
    TRY(compile_payload(c, donedata, &payload));
    *VECTOR_ADD(c, payloads, struct payload) = payload;
    *ret_payload = c->payloads.count - 1;
  }
  return ERR_OK;
}

static void compile_labels(struct compiler *c, const struct node *node, struct range *ret_labels) {
  ret_labels->first = c->labels.count;
  for (size_t i = 0; i < node->labels_count; i++) {
    *VECTOR_ADD(c, labels, struct label) = (struct label){node->labels[i].name, node->labels[i].value};
  }
  ret_labels->end = c->labels.count;
}

static enum err compile_state(struct compiler *c, uint32_t i) {
  const struct node *node = c->nodes[i];
  struct state *s = &c->chart->states[i];
  compile_labels(c, node, &s->labels);
  TRY(compile_transitions(c, i, node));
  TRY(compile_initial(c, i, node));
  TRY(compile_handlers(c, node, TAG_ONENTRY, &s->entry));
  TRY(compile_handlers(c, node, TAG_ONEXIT, &s->exit));
  TRY(compile_data(c, node, &s->data));
  TRY(compile_invokes(c, i, node, &s->invokes));
  TRY(compile_donedata(c, node, &s->donedata));
  if (i > 0 && !state_is_history(s)) {
    s->done = chart_symbol_declare(c->chart, arena_printf(c->arena, "done.state.%.*s", SPAN_ARG(s->id)));
  }
  return ERR_OK;
}

static enum err compile_root(struct compiler *c, const struct node *root) {
  struct chart *chart = c->chart;
  struct span datamodel = node_get(root, "datamodel");
  if (!span_empty(datamodel) && !span_is(datamodel, "lua") && !span_is(datamodel, "null")) {
    return fault_set_at(c->fault, ERR_UNSUPPORTED, root->line, 0, "the data model \"%.*s\" is not supported",
                        SPAN_ARG(datamodel));
  }
  if (node_has(root, "version") && !span_is(node_get(root, "version"), "1.0")) {
    return compile_fault(c, root->line, "the version of SCXML is \"1.0\"");
  }
  struct span binding = node_get(root, "binding");
  if (!span_empty(binding) && !span_is(binding, "early") && !span_is(binding, "late")) {
    return compile_fault(c, root->line, "the binding is \"early\" or \"late\"");
  }
  chart->datamodel = span_is(datamodel, "null") ? DATAMODEL_NULL : DATAMODEL_LUA;
  chart->late_binding = span_is(binding, "late");
  chart->name = node_get(root, "name");
  return ERR_OK;
}

/* The <script> of the root, as a block of its own. */
static enum err compile_global_script(struct compiler *c, const struct node *root, uint32_t *ret_block) {
  struct node block = {.tag = TAG_SCRIPT, .line = root->line, .name = root->name};
  struct node script;
  for (const struct node *child = root->first; child; child = child->next) {
    if (child->tag != TAG_SCRIPT) {
      continue;
    }
    if (block.first) {
      return compile_fault(c, child->line, "<scxml> holds at most one <script>");
    }
    script = *child;
    script.parent = &block;
    script.next = NULL;
    block.first = &script;
  }
  return block.first ? compile_block(c, &block, ret_block) : ERR_OK;
}

/* --- what only the whole shows (section 3.11: legal configurations) --- */

/* A history stands for the whole of its parent. */
static bool orthogonal(const struct chart *chart, uint32_t a, uint32_t b) {
  a = state_is_history(&chart->states[a]) ? chart->states[a].parent : a;
  b = state_is_history(&chart->states[b]) ? chart->states[b].parent : b;
  if (a == b || is_below(chart, a, b) || is_below(chart, b, a)) {
    return false;
  }
  uint32_t common = chart->states[a].parent;
  while (!is_below(chart, b, common)) {
    common = chart->states[common].parent;
  }
  return chart->states[common].kind == STATE_PARALLEL;
}

static enum err check_targets(struct compiler *c, const struct transition *t) {
  const struct chart *chart = c->chart;
  for (uint32_t i = t->targets.first; i < t->targets.end; i++) {
    for (uint32_t k = i + 1; k < t->targets.end; k++) {
      uint32_t a = chart->targets[i];
      uint32_t b = chart->targets[k];
      if (!orthogonal(chart, a, b)) {
        return compile_fault(c, t->line, "\"%.*s\" and \"%.*s\" cannot be active together",
                             SPAN_ARG(chart->states[a].id), SPAN_ARG(chart->states[b].id));
      }
    }
  }
  return ERR_OK;
}

/* Defaults must stay inside; a history's default that is a history must lie deeper. */
static enum err check_default(struct compiler *c, uint32_t state) {
  const struct chart *chart = c->chart;
  const struct state *s = &chart->states[state];
  const struct transition *t = &chart->transitions[s->initial];
  uint32_t scope = state_is_history(s) ? s->parent : state;
  for (uint32_t i = t->targets.first; i < t->targets.end; i++) {
    uint32_t target = chart->targets[i];
    bool shallow = s->kind == STATE_HISTORY_SHALLOW && chart->states[target].parent != scope;
    bool same =
        state_is_history(s) && state_is_history(&chart->states[target]) && chart->states[target].parent == scope;
    if (!is_below(chart, target, scope) || shallow || same) {
      return compile_fault(c, t->line, "\"%.*s\" is no state that \"%.*s\" can start in",
                           SPAN_ARG(chart->states[target].id), SPAN_ARG(chart->states[scope].id));
    }
  }
  if (t->targets.first == t->targets.end) {
    return compile_fault(c, t->line, "\"%.*s\" needs a state to start in", SPAN_ARG(chart->states[scope].id));
  }
  return ERR_OK;
}

static enum err check_structure(struct compiler *c) {
  for (uint32_t i = 0; i < c->chart->transitions_count; i++) {
    TRY(check_targets(c, &c->chart->transitions[i]));
  }
  for (uint32_t i = 0; i < c->chart->states_count; i++) {
    if (c->chart->states[i].initial != NONE) {
      TRY(check_default(c, i));
    }
  }
  return ERR_OK;
}

/* --- deriving --- */

static void derive_transition(struct compiler *c, struct transition *t, bool is_default) {
  struct chart *chart = c->chart;
  uint32_t count = t->targets.end - t->targets.first;
  if (count == 0) {
    return;
  }
  if (is_default) {
    const struct state *source = &chart->states[t->source];
    t->domain = state_is_history(source) ? source->parent : t->source;
  } else {
    t->domain = transition_domain_find(chart, t, &chart->targets[t->targets.first], count);
  }
  struct entry_set set = {ARENA_ARRAY(c->arena, bits_word, bits_words(chart->states_count)),
                          ARENA_ARRAY(c->arena, bits_word, bits_words(chart->states_count)), NULL, NULL, false};
  entry_add(chart, &set, t->targets, t->domain);
  t->dynamic = set.met_history;
  t->enters = set.enters;
  t->defaults = set.defaults;
}

/* Preorder: a parent's set stands before its children's are made. */
static void derive_above(struct compiler *c) {
  struct chart *chart = c->chart;
  size_t words = bits_words(chart->states_count);
  if (chart->states_count > ABOVE_MAX) {
    return;
  }
  chart->above = ARENA_ARRAY(c->arena, bits_word, words * chart->states_count);
  for (uint32_t i = 0; i < chart->states_count; i++) {
    bits_word *above = chart->above + i * words;
    if (chart->states[i].parent != NONE) {
      memcpy(above, chart->above + chart->states[i].parent * words, words * sizeof(*above));
    }
    bits_add(above, i);
  }
}

static void derive(struct compiler *c) {
  struct chart *chart = c->chart;
  chart->atomic = ARENA_ARRAY(c->arena, bits_word, bits_words(chart->states_count));
  for (uint32_t i = 0; i < chart->states_count; i++) {
    if (state_is_leaf(&chart->states[i])) {
      bits_add(chart->atomic, i);
    }
  }
  derive_above(c);
  for (uint32_t i = 0; i < chart->transitions_count; i++) {
    struct transition *t = &chart->transitions[i];
    derive_transition(c, t, chart->states[t->source].initial == i);
  }
}

static void move_tables(struct compiler *c) {
  struct chart *chart = c->chart;
  chart->transitions = c->transitions.items;
  chart->transitions_count = c->transitions.count;
  chart->targets = c->targets.items;
  chart->descriptors = c->descriptors.items;
  chart->descriptors_count = c->descriptors.count;
  chart->blocks = c->blocks.items;
  chart->blocks_count = c->blocks.count;
  chart->ops = c->ops.items;
  chart->exprs = c->exprs.items;
  chart->exprs_count = c->exprs.count;
  chart->locations = c->locations.items;
  chart->locations_count = c->locations.count;
  chart->params = c->params.items;
  chart->payloads = c->payloads.items;
  chart->sends = c->sends.items;
  chart->data = c->data.items;
  chart->data_count = c->data.count;
  chart->invokes = c->invokes.items;
  chart->invokes_count = c->invokes.count;
  chart->elements = c->elements.items;
  chart->elements_count = c->elements.count;
  chart->element_attributes = c->element_attributes.items;
  chart->labels = c->labels.items;
}

static enum err compile_states(struct compiler *c, struct node *root) {
  TRY(compile_root(c, root));
  TRY(number_states(c, root));
  TRY(sort_ids(c));
  for (uint32_t i = 0; i < c->chart->states_count; i++) {
    TRY(compile_state(c, i));
  }
  return compile_global_script(c, root, &c->chart->script);
}

static enum err compile_tables(struct compiler *c, struct node *root) {
  enum err err = compile_states(c, root);
  move_tables(c); /* also after a fault, so that destroying finds the Lua references */
  TRY(err);
  if (c->chart->known.count > SYMBOLS_MAX) {
    return fault_set_at(c->fault, ERR_LIMIT, root->line, 0, "more than %d events", SYMBOLS_MAX);
  }
  TRY(check_structure(c));
  derive(c);
  compile_numbers(c);
  c->chart->spare = ARENA_NEW(c->arena, struct spare);
  chart_symbols_finish(c->chart);
  defined_find(c->chart);
  return ERR_OK;
}

/* --- charts --- */

struct chart *chart_create(struct chart_worker *worker, struct chart *root, const struct chart_source *source) {
  struct chart *chart = root ? ARENA_NEW(&root->arena, struct chart) : calloc(1, sizeof(*chart));
  ASSERT(chart);
  chart->worker = worker;
  chart->root = root ? root : chart;
  chart->source = *source;
  chart->script = NONE;
  if (root) {
    chart->next = root->next;
    root->next = chart;
    chart->pending = root->pending;
    root->pending = chart;
  } else {
    arena_init(&chart->arena, 0);
  }
  chart->known.arena = &chart->root->arena;
  return chart;
}

static void chart_release_scripts(struct chart *chart) {
  for (uint32_t i = 0; i < chart->exprs_count; i++) {
    script_release(chart->worker, chart->exprs[i].ref);
  }
  for (uint32_t i = 0; i < chart->locations_count; i++) {
    script_release(chart->worker, chart->locations[i].write_ref);
  }
  for (uint32_t i = 0; i < chart->variables_count; i++) {
    script_release(chart->worker, chart->variables[i].name_ref);
  }
  defined_release(chart);
  chart_symbols_forget(chart);
}

void chart_destroy(struct chart **chart) {
  if (!chart || !*chart) {
    return;
  }
  ASSERT((*chart)->root == *chart);
  for (struct chart *at = *chart; at; at = at->next) {
    chart_spare_destroy(at);
    chart_release_scripts(at);
  }
  arena_finish(&(*chart)->arena);
  free(*chart);
  *chart = NULL;
}

static enum err compile_one(struct chart *chart, struct node *document, struct fault *fault) {
  struct compiler c = {.worker = chart->worker, .chart = chart, .arena = &chart->root->arena, .fault = fault};
  return compile_tables(&c, document);
}

/* Charts inside wait on the root's stack, compiling one may add others. A file named by a literal src that is no valid
 * chart does not refuse the document: its invocation fails when it is made. */
static enum err compile_nested(struct chart *root, struct fault *fault) {
  while (root->pending) {
    struct chart *nested = root->pending;
    root->pending = nested->pending;
    nested->pending = NULL;
    struct fault inner = {0};
    enum err err = compile_one(nested, nested->document, &inner);
    nested->document = NULL;
    if (err != ERR_OK && span_empty(nested->uri)) {
      return fault_set_at(fault, err, inner.line, 0, "%s", inner.text);
    }
    if (err != ERR_OK) {
      nested->problem = arena_printf(&root->arena, "%.*s:%u: %s", SPAN_ARG(nested->uri), inner.line, inner.text);
    }
  }
  return ERR_OK;
}

static enum err compile_document(struct chart *chart, struct fault *fault) {
  struct document_options options = {chart->source.vocabulary, chart->worker->limits.document_size_max};
  struct node *root;
  TRY(document_read(&options, chart->source.document, &chart->arena, &root, fault));
  TRY(compile_one(chart, root, fault));
  return compile_nested(chart, fault);
}

enum err chart_compile(struct chart_worker *worker, const struct chart_source *source, struct chart **ret_chart,
                       struct fault *fault) {
  struct chart *chart = chart_create(worker, NULL, source);
  chart->source.name = arena_cstr(&chart->arena, span_of_cstr(source->name ? source->name : "chart"));
  enum err err = compile_document(chart, fault);
  chart->source.document = span_of(NULL, 0);
  if (err != ERR_OK) {
    chart_destroy(&chart);
    return err;
  }
  *ret_chart = chart;
  return ERR_OK;
}
