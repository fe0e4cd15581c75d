/*
 * What can be seen wrong in a compiled chart without running it.
 *
 * Reachability is a fixed point over two sets: states that some run may enter, and of those the ones that it may enter
 * by default, so that their initial states are entered too. A state on the way to a target is entered, but not by
 * default; the other regions of a parallel on the way are.
 */
#include "chart/document.h"
#include "chart/lint.h"
#include "chart/tables.h"

static const struct lint_rule unreachable_state = {
    "unreachable-state",
    LINT_ERROR,
    {"no run ever enters the state \"%1\"", "в состояние «%1» нельзя попасть ни при каком ходе дела"},
    {"lead a transition to it, make it initial, or take it out",
     "направьте в него переход, сделайте его начальным (initial) или уберите"},
};
static const struct lint_rule leaves_parallel = {
    "leaves-parallel",
    LINT_ERROR,
    {"this transition leaves the parallel \"%2\" and enters it anew, to reach \"%1\" inside: all its regions start "
     "again",
     "этот переход выходит из параллели «%2» и входит в неё заново, чтобы попасть в «%1» внутри неё: все её области "
     "начнутся "
     "сначала"},
    {"target a state inside the transition's own region; a transition of the region itself needs type=\"internal\"; "
     "if all is to start again, target \"%2\"",
     "выберите цель внутри той же области; переходу самой области добавьте type=\"internal\"; если всё должно начаться "
     "сначала, назовите целью «%2»"},
};
static const struct lint_rule region_never_done = {
    "region-never-done",
    LINT_ERROR,
    {"the region \"%1\" never ends, so that done.state.%2, which a transition waits for, never comes",
     "область «%1» никогда не завершается, поэтому события done.state.%2, которого ждёт переход, не будет"},
    {"give the region a <final> state that can be reached, or wait for another event",
     "добавьте в область достижимое состояние <final> или ждите другого события"},
};
static const struct lint_rule parallel_never_done = {
    "parallel-never-done",
    LINT_WARNING,
    {"the region \"%1\" never ends, while other regions of \"%2\" do: the parallel is never done",
     "область «%1» никогда не завершается, а другие области параллели «%2» завершаются: параллель не завершится "
     "никогда"},
    {"give the region a <final> state, or make the final states of the other regions ordinary ones",
     "добавьте в область состояние <final> или сделайте конечные состояния других областей обычными"},
};
static const struct lint_rule empty_parallel = {
    "empty-parallel",
    LINT_WARNING,
    {"the parallel \"%1\" has no region: it is never done",
     "в параллели «%1» нет ни одной области: она не завершится никогда"},
    {"put states into it that run beside each other, or make it a <state>",
     "вложите в неё состояния, которые идут рядом, или сделайте её обычным <state>"},
};
static const struct lint_rule state_never_done = {
    "state-never-done",
    LINT_ERROR,
    {"\"%1\" has no final state, so that done.state.%1, which a transition waits for, never comes",
     "в «%1» нет конечного состояния, поэтому события done.state.%1, которого ждёт переход, не будет"},
    {"give it a <final> state, or wait for another event",
     "добавьте в него состояние <final> или ждите другого события"},
};
static const struct lint_rule not_compiled = {
    "expression",
    LINT_ERROR,
    {"an expression or script does not compile: %1", "выражение или скрипт не разбирается: %1"},
    {"write it in Lua 5.4; a condition is one expression, compares with == and ~=, and writes < as &lt;",
     "запишите его на Lua 5.4; условие — одно выражение, сравнивается через == и ~=, а знак < пишется &lt;"},
};
static const struct lint_rule bad_location = {
    "location",
    LINT_ERROR,
    {"nothing can be put there: %1", "сюда нельзя ничего записать: %1"},
    {"name a variable that <data> declares, or a field of one",
     "назовите переменную, объявленную в <data>, или её поле"},
};
static const struct lint_rule undeclared = {
    "undeclared",
    LINT_WARNING,
    {"no <data> declares \"%1\": unless a script has set it before, the assignment fails",
     "«%1» не объявлено в <data>: если его раньше не задал скрипт, присвоить не удастся"},
    {"add <data id=\"%1\"/> to the <datamodel>", "добавьте <data id=\"%1\"/> в <datamodel>"},
};
static const struct lint_rule reserved = {
    "reserved",
    LINT_ERROR,
    {"\"%1\" belongs to the system and cannot be assigned to", "«%1» принадлежит системе, присвоить ему ничего нельзя"},
    {"name a variable that <data> declares", "назовите переменную, объявленную в <data>"},
};
static const struct lint_rule unknown_state = {
    "unknown-state",
    LINT_ERROR,
    {"In('%1') asks for a state that is not there, and is never true",
     "In('%1') спрашивает о состоянии, которого нет, и всегда ложно"},
    {"correct the name of the state", "исправьте имя состояния"},
};
static const struct lint_rule function_with_state = {
    "function-with-state",
    LINT_ERROR,
    {"the function \"%1\" uses a local variable or function of its script: a case cannot be saved while it is there",
     "функция «%1» пользуется локальной переменной или функцией своего скрипта: пока она есть, дело нельзя сохранить"},
    {"take away the word local from what it uses, or write that into the function",
     "уберите слово local у того, чем она пользуется, или перенесите это внутрь функции"},
};
static const struct lint_rule function_elsewhere = {
    "function-elsewhere",
    LINT_ERROR,
    {"this script defines the function \"%1\", which outlives it: a case cannot be saved while it is there",
     "этот скрипт определяет функцию «%1», которая остаётся после него: пока она есть, дело нельзя сохранить"},
    {"define it in the <script> that stands directly in <scxml>, or write local function %1",
     "определите её в том <script>, что стоит прямо в <scxml>, или напишите local function %1"},
};
static const struct lint_rule document_fault = {
    "document",
    LINT_ERROR,
    {"%1", "%1"},
    {"correct the document", "исправьте запись схемы"},
};

static struct span none(void) {
  return span_of(NULL, 0);
}

void lint_fault(struct lint *lint, const struct fault *fault) {
  struct span text = span_of_cstr(fault->text[0] ? fault->text : err_text(fault->err));
  lint_add(lint, &document_fault, fault->line, text, none(), none());
}

/* ---- what can be reached ---- */

struct reach {
  const struct chart *chart;
  bits_word *entered;  /* by some run */
  bits_word *defaults; /* by default, in some run */
  bool changed;
};

static void mark(struct reach *r, bits_word *set, uint32_t state) {
  if (!bits_get(set, state)) {
    bits_add(set, state);
    r->changed = true;
  }
}

static void enter_by_default(struct reach *r, uint32_t state) {
  mark(r, r->entered, state);
  mark(r, r->defaults, state);
}

static void enter_regions(struct reach *r, uint32_t parallel, uint32_t except) {
  const struct chart *c = r->chart;
  for (uint32_t i = parallel + 1; i <= c->states[parallel].last; i = c->states[i].last + 1) {
    if (i != except && !state_is_history(&c->states[i])) {
      enter_by_default(r, i);
    }
  }
}

static void enter_target(struct reach *r, uint32_t target) {
  const struct chart *c = r->chart;
  enter_by_default(r, target);
  uint32_t below = target;
  for (uint32_t at = c->states[target].parent; at != NONE; at = c->states[at].parent) {
    mark(r, r->entered, at);
    if (c->states[at].kind == STATE_PARALLEL) {
      enter_regions(r, at, below);
    }
    below = at;
  }
}

static void take(struct reach *r, uint32_t transition) {
  const struct chart *c = r->chart;
  const struct transition *t = &c->transitions[transition];
  const struct expr *cond = t->cond == NONE ? NULL : &c->exprs[t->cond];
  bool never = cond && cond->kind == EXPR_LITERAL &&
               (cond->literal.kind == VALUE_NIL || (cond->literal.kind == VALUE_BOOL && !cond->literal.truth));
  for (uint32_t i = t->targets.first; !never && i < t->targets.end; i++) {
    enter_target(r, c->targets[i]);
  }
}

/* A shallow history remembers which child was active, and enters it by default. */
static void remember(struct reach *r, uint32_t history) {
  const struct chart *c = r->chart;
  uint32_t parent = c->states[history].parent;
  for (uint32_t i = parent + 1; i <= c->states[parent].last; i = c->states[i].last + 1) {
    if (bits_get(r->entered, i) && !state_is_history(&c->states[i])) {
      enter_by_default(r, i);
    }
  }
}

static void reach_from(struct reach *r, uint32_t state) {
  const struct state *s = &r->chart->states[state];
  if (s->kind == STATE_HISTORY_SHALLOW && bits_get(r->defaults, state)) {
    remember(r, state);
  }
  if (bits_get(r->defaults, state) && s->initial != NONE) {
    take(r, s->initial);
  }
  if (bits_get(r->defaults, state) && s->kind == STATE_PARALLEL) {
    enter_regions(r, state, NONE);
  }
  for (uint32_t i = s->transitions.first; bits_get(r->entered, state) && i < s->transitions.end; i++) {
    take(r, i);
  }
}

static struct reach reach_all(const struct chart *c, struct arena *arena) {
  size_t words = bits_words(c->states_count);
  struct reach r = {c, ARENA_ARRAY(arena, bits_word, words), ARENA_ARRAY(arena, bits_word, words), false};
  enter_by_default(&r, 0);
  do {
    r.changed = false;
    for (uint32_t i = 0; i < c->states_count; i++) {
      reach_from(&r, i);
    }
  } while (r.changed);
  return r;
}

/* Of states inside one another only the outermost is told. */
static void lint_reach(const struct reach *r, struct lint *lint) {
  const struct chart *c = r->chart;
  for (uint32_t i = 1; i < c->states_count; i++) {
    if (!bits_get(r->entered, i) && bits_get(r->entered, c->states[i].parent)) {
      lint_add(lint, &unreachable_state, c->states[i].line, c->states[i].id, none(), none());
    }
  }
}

/* ---- what leaves its own parallel ---- */

/* Appendix D's domain, a history standing for the targets of its default transition. */
static uint32_t domain_of(const struct chart *c, const struct transition *t) {
  if (!t->dynamic) {
    return t->domain;
  }
  uint32_t first = c->targets[t->targets.first];
  const struct range targets =
      state_is_history(&c->states[first]) ? c->transitions[c->states[first].initial].targets : t->targets;
  return transition_domain_find(c, t, &c->targets[targets.first], targets.end - targets.first);
}

/* The region of `parallel` that holds all targets, or NONE. */
static uint32_t region_of_targets(const struct chart *c, const struct transition *t, uint32_t parallel) {
  for (uint32_t region = parallel + 1; region <= c->states[parallel].last; region = c->states[region].last + 1) {
    uint32_t inside = 0;
    for (uint32_t i = t->targets.first; i < t->targets.end; i++) {
      inside += c->targets[i] == region || is_below(c, c->targets[i], region);
    }
    if (inside == t->targets.end - t->targets.first) {
      return region;
    }
  }
  return NONE;
}

/* Whoever names states in several regions has thought of them all. */
static void lint_domain(const struct chart *c, const struct transition *t, struct lint *lint) {
  uint32_t domain = domain_of(c, t);
  for (uint32_t at = t->source; domain != NONE && at != NONE && is_below(c, at, domain); at = c->states[at].parent) {
    if (c->states[at].kind == STATE_PARALLEL && region_of_targets(c, t, at) != NONE) {
      lint_add(lint, &leaves_parallel, t->line, c->states[c->targets[t->targets.first]].id, c->states[at].id, none());
      return;
    }
  }
}

static void lint_domains(const struct chart *c, struct lint *lint) {
  for (uint32_t i = 0; i < c->states_count; i++) {
    for (uint32_t k = c->states[i].transitions.first; k < c->states[i].transitions.end; k++) {
      if (c->transitions[k].targets.end > c->transitions[k].targets.first) {
        lint_domain(c, &c->transitions[k], lint);
      }
    }
  }
}

/* ---- what is waited for and never ends ---- */

/* Per state: its done.state event can come (for a final one: it can be entered). */
static bits_word *find_done(const struct reach *r, struct arena *arena) {
  const struct chart *c = r->chart;
  bits_word *done = ARENA_ARRAY(arena, bits_word, bits_words(c->states_count));
  for (uint32_t i = c->states_count; i-- > 0;) {
    const struct state *s = &c->states[i];
    bool any = false;
    bool all = s->last > i;
    for (uint32_t at = i + 1; at <= s->last; at = c->states[at].last + 1) {
      bool history = state_is_history(&c->states[at]);
      any |= c->states[at].kind == STATE_FINAL && bits_get(r->entered, at);
      all &= history || bits_get(done, at);
    }
    if (s->kind == STATE_FINAL || (s->kind == STATE_COMPOUND && any) || (s->kind == STATE_PARALLEL && all)) {
      bits_add(done, i);
    }
  }
  return done;
}

/* The line of a transition that names done.state.ID of this state; 0 if none does. */
static uint32_t line_of_waiting(const struct chart *c, uint32_t state, struct arena *arena) {
  struct span name = arena_printf(arena, "done.state.%.*s", SPAN_ARG(c->states[state].id));
  for (uint32_t i = 0; i < c->descriptors_count; i++) {
    if (span_equal(c->descriptors[i].text, name)) {
      return c->transitions[c->descriptors[i].transition].line;
    }
  }
  return 0;
}

static void lint_regions(const struct chart *c, uint32_t parallel, const bits_word *done, struct lint *lint) {
  const struct state *p = &c->states[parallel];
  bool waited = line_of_waiting(c, parallel, lint->arena) > 0;
  bool some_ends = false;
  for (uint32_t i = parallel + 1; i <= p->last; i = c->states[i].last + 1) {
    /* A region whose own end somebody waits for has its final state for that. */
    some_ends |= bits_get(done, i) && line_of_waiting(c, i, lint->arena) == 0;
  }
  for (uint32_t i = parallel + 1; (waited || some_ends) && i <= p->last; i = c->states[i].last + 1) {
    if (!bits_get(done, i) && !state_is_history(&c->states[i])) {
      lint_add(lint, waited ? &region_never_done : &parallel_never_done, c->states[i].line, c->states[i].id, p->id,
               none());
    }
  }
}

static void lint_parallels(const struct chart *c, struct lint *lint) {
  for (uint32_t i = 1; i < c->states_count; i++) {
    bool regions = false;
    for (uint32_t k = i + 1; k <= c->states[i].last; k = c->states[k].last + 1) {
      regions = regions || !state_is_history(&c->states[k]);
    }
    if (c->states[i].kind == STATE_PARALLEL && !regions) {
      lint_add(lint, &empty_parallel, c->states[i].line, c->states[i].id, none(), none());
    }
  }
}

static void lint_done(const struct reach *r, struct lint *lint) {
  const struct chart *c = r->chart;
  const bits_word *done = find_done(r, lint->arena);
  for (uint32_t i = 1; i < c->states_count; i++) {
    if (bits_get(done, i) || !bits_get(r->entered, i)) {
      continue;
    }
    uint32_t waiting = line_of_waiting(c, i, lint->arena);
    if (c->states[i].kind == STATE_PARALLEL) {
      lint_regions(c, i, done, lint);
    } else if (waiting > 0) {
      lint_add(lint, &state_never_done, waiting, c->states[i].id, none(), none());
    }
  }
}

/* ---- what does not compile ---- */

static void lint_expressions(const struct chart *c, struct lint *lint) {
  for (uint32_t i = 0; i < c->exprs_count; i++) {
    const struct expr *e = &c->exprs[i];
    if (e->kind == EXPR_BAD) {
      lint_add(lint, &not_compiled, e->line, e->problem, none(), none());
    }
  }
  for (uint32_t i = 0; i < c->locations_count; i++) {
    const struct location *l = &c->locations[i];
    bool told = l->read != NONE && c->exprs[l->read].kind == EXPR_BAD;
    if (!told && l->problem.size > 0) {
      lint_add(lint, &bad_location, l->line, l->problem, none(), none());
    }
  }
}

static void lint_assignments(const struct chart *c, struct lint *lint) {
  for (uint32_t b = 0; b < c->blocks_count; b++) {
    for (uint32_t i = c->blocks[b].first; i < c->blocks[b].end; i++) {
      const struct location *l = c->ops[i].kind == OP_ASSIGN ? &c->locations[c->ops[i].assign.location] : NULL;
      if (l && l->problem.size == 0 && (l->reserved || !l->declared)) {
        lint_add(lint, l->reserved ? &reserved : &undeclared, l->line, l->root, none(), none());
      }
    }
  }
}

/* The script's line, or that of the <data> that holds the function: "name" or "name.field". */
static uint32_t line_of_function(const struct chart *c, struct span name) {
  struct span rest;
  struct span variable = span_cut(name, '.', &rest);
  for (uint32_t i = 0; i < c->data_count; i++) {
    if (span_equal(c->data[i].id, variable) && (c->script == NONE || c->data[i].expr != NONE)) {
      return c->data[i].line;
    }
  }
  return c->script == NONE ? c->states[0].line : c->ops[c->blocks[c->script].first].line;
}

static void lint_functions(const struct chart *c, struct lint *lint) {
  for (uint32_t i = 0; i < c->stateful_count; i++) {
    lint_add(lint, &function_with_state, line_of_function(c, c->stateful[i]), c->stateful[i], none(), none());
  }
}

void lint_chart(const struct chart *chart, struct lint *lint) {
  for (const struct chart *c = chart; c; c = c->next) {
    struct reach r = reach_all(c, lint->arena);
    lint_reach(&r, lint);
    lint_domains(c, lint);
    lint_done(&r, lint);
    lint_parallels(c, lint);
    lint_expressions(c, lint);
    lint_assignments(c, lint);
    lint_functions(c, lint);
  }
}

/* ---- In() ---- */

static bool is_name_byte(uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* The literal argument of the next In('…') in `*rest`, or false. */
static bool next_in(struct span *rest, struct span *ret_id) {
  for (size_t i = 0; i + 4 < rest->size; i++) {
    const uint8_t *at = rest->data + i;
    bool word = at[0] == 'I' && at[1] == 'n' && at[2] == '(' && (i == 0 || !is_name_byte(at[-1]));
    if (!word || (at[3] != '\'' && at[3] != '"')) {
      continue;
    }
    const uint8_t *close = memchr(at + 4, at[3], rest->size - i - 4);
    if (!close) {
      return false;
    }
    *ret_id = span_of(at + 4, (size_t)(close - at) - 4);
    *rest = span_of(close, rest->size - (size_t)(close - rest->data));
    return true;
  }
  return false;
}

static void lint_in(const struct chart *chart, uint32_t line, struct span text, struct lint *lint) {
  struct span id;
  while (next_in(&text, &id)) {
    if (chart_state_find(chart, id) == NONE) {
      lint_add(lint, &unknown_state, line, id, none(), none());
    }
  }
}

/* ---- functions that scripts define for later ---- */

static const uint8_t *word_before(struct span text, const uint8_t *at, size_t *ret_size) {
  while (at > text.data && (at[-1] == ' ' || (at[-1] >= '\t' && at[-1] <= '\r'))) {
    at--;
  }
  const uint8_t *end = at;
  while (at > text.data && is_name_byte(at[-1])) {
    at--;
  }
  *ret_size = (size_t)(end - at);
  return at;
}

/* The name in the next "function NAME" of `*rest`, a part of `text`, that no "local" stands before. */
static bool next_function(struct span text, struct span *rest, struct span *ret_name) {
  static const char keyword[] = "function";
  enum { KEYWORD = sizeof keyword - 1 };
  for (;;) {
    const uint8_t *at = rest->size > 0 ? memmem(rest->data, rest->size, keyword, KEYWORD) : NULL;
    if (!at) {
      return false;
    }
    bool word = at == text.data || !is_name_byte(at[-1]);
    *rest = span_of(at + KEYWORD, rest->size - (size_t)(at + KEYWORD - rest->data));
    struct span name = *rest;
    while (name.size > 0 && (name.data[0] == ' ' || (name.data[0] >= '\t' && name.data[0] <= '\r'))) {
      name = span_of(name.data + 1, name.size - 1);
    }
    size_t size = 0;
    while (size < name.size && (is_name_byte(name.data[size]) || name.data[size] == '.')) {
      size++;
    }
    size_t before_size;
    const uint8_t *before = word_before(text, at, &before_size);
    if (word && size > 0 && name.data != rest->data && !span_is(span_of(before, before_size), "local")) {
      *ret_name = span_of(name.data, size);
      return true;
    }
  }
}

static void lint_script(const struct node *root, const struct node *node, struct lint *lint) {
  struct span rest = node->text;
  struct span name;
  while (node->tag == TAG_SCRIPT && node->parent != root && next_function(node->text, &rest, &name)) {
    lint_add(lint, &function_elsewhere, node->line, name, none(), none());
  }
}

/* The nearest <scxml> around a node that stands inside another chart; its ids are not those of `chart`. */
static bool is_of_inner_chart(const struct node *root, const struct node *node) {
  while (node != root && node->tag != TAG_SCXML) {
    node = node->parent;
  }
  return node != root;
}

void lint_document(const struct chart *chart, const struct node *root, struct lint *lint) {
  for (const struct node *node = root; node; node = node_walk(root, node)) {
    if (is_of_inner_chart(root, node)) {
      continue;
    }
    for (size_t i = 0; i < node->attributes_count; i++) {
      lint_in(chart, node->line, node->attributes[i].value, lint);
    }
    lint_in(chart, node->line, node->text, lint);
    lint_script(root, node, lint);
  }
}
