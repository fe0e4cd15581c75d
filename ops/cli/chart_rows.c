/* The rows of a process: each cell from the elements and transitions that it speaks of. */
#include "chart_rows.h"

#include <string.h>

enum { ROWS_MAX = 1000, PARTS_MAX = 12 };

const char *const row_titles[ROW_COLUMNS] = {
    [ROW_WHAT] = "Что сделать",      [ROW_WHO] = "Кто",
    [ROW_DUE] = "К какому сроку",    [ROW_BASIS] = "На каком основании",
    [ROW_MET] = "Что засчитывается", [ROW_NEXT] = "Что дальше",
    [ROW_LATE] = "Если не в срок",
};

static struct span none(void) {
  return span_of(NULL, 0);
}

static struct arena *arena_of(struct outline *o) {
  return &o->file.arena;
}

static struct span get(const struct node *node, const char *name) {
  return node ? span_trim(node_get(node, name)) : none();
}

/* ---- lists of phrases ---- */

/* Appends a phrase, once. */
static void add(struct outline *o, struct span *text, struct span part, const char *separator) {
  if (part.size == 0 || (text->size > 0 && memmem(text->data, text->size, part.data, part.size))) {
    return;
  }
  *text = arena_printf(arena_of(o), "%.*s%s%.*s", SPAN_ARG(*text), text->size > 0 ? separator : "", SPAN_ARG(part));
}

static struct span with_condition(struct outline *o, struct span text, struct span condition) {
  if (condition.size == 0) {
    return text;
  }
  struct span words = outline_condition(o, condition);
  bool when = span_starts_with(words, SPAN_LITERAL("пока ")) || span_starts_with(words, SPAN_LITERAL("когда "));
  return text.size == 0 ? arena_printf(arena_of(o), "%s%.*s", when ? "" : "если ", SPAN_ARG(words))
                        : arena_printf(arena_of(o), "%.*s (%.*s)", SPAN_ARG(text), SPAN_ARG(words));
}

/* With the words that the chart itself has for the condition, if it has. */
static struct span with_told(struct outline *o, struct span text, struct span words, struct span condition) {
  if (words.size == 0) {
    return with_condition(o, text, condition);
  }
  return text.size == 0 ? words : arena_printf(arena_of(o), "%.*s (%.*s)", SPAN_ARG(text), SPAN_ARG(words));
}

/* k:title of a transition puts its condition into words. */
static struct span with_condition_of(struct outline *o, struct span text, const struct node *transition) {
  return with_told(o, text, outline_label(transition, "title"), get(transition, "cond"));
}

static struct span titles_of_events(struct outline *o, struct span events) {
  struct span text = none();
  for (struct span word = word_next(&events); word.size > 0; word = word_next(&events)) {
    add(o, &text, outline_event(o, word), ", ");
  }
  return text;
}

/* ---- by when ---- */

static struct span reminders(struct outline *o, struct span warn) {
  struct span text = none();
  for (struct span word = word_next(&warn); word.size > 0; word = word_next(&warn)) {
    add(o, &text, outline_term_text(o, word), " и за ");
  }
  return text.size == 0 ? text : arena_printf(arena_of(o), "напоминание за %.*s", SPAN_ARG(text));
}

static struct span bound(struct outline *o, const struct node *deadline, const char *attribute, const char *words,
                         struct span (*say)(struct outline *, struct span)) {
  struct span text = get(deadline, attribute);
  struct span said = text.size == 0 ? text : say(o, text);
  return said.size == 0 ? said : arena_printf(arena_of(o), "%s %.*s", words, SPAN_ARG(said));
}

static bool counts_back(struct span words) {
  struct span ending = SPAN_LITERAL(" до");
  return words.size > ending.size && memcmp(words.data + words.size - ending.size, ending.data, ending.size) == 0;
}

struct span chart_rows_term(struct outline *o, const struct node *deadline) {
  struct span due = get(deadline, "due");
  struct span term = due.size > 0 ? outline_term_text(o, due) : outline_term(o, get(deadline, "dueexpr"));
  struct span anchor = outline_value(o, get(deadline, "from"));
  struct span text = span_is(due, "0d") ? anchor
                                        : arena_printf(arena_of(o), "%.*s%s %.*s", SPAN_ARG(term),
                                                       counts_back(term) ? ":" : ", считая от:", SPAN_ARG(anchor));
  add(o, &text, bound(o, deadline, "not-after", "не позднее:", outline_value), "; ");
  bool early = span_starts_with(get(deadline, "opens"), SPAN_LITERAL("-"));
  const char *from = early ? "не раньше чем" : "не раньше чем через";
  add(o, &text, bound(o, deadline, "opens", from, outline_term_text), "; ");
  add(o, &text, reminders(o, get(deadline, "warn")), "; ");
  return text;
}

/* ---- what is done by a transition ---- */

/* Who is told, and what else is done. */
struct effects {
  struct span roles, others;
};

static void collect(struct outline *o, const struct node *around, struct effects *effects) {
  for (const struct node *node = around; node; node = node_walk(around, node)) {
    if (outline_is(node, "notify")) {
      add(o, &effects->roles, outline_role(o, get(node, "role")), ", ");
    } else if (outline_is(node, "incident")) {
      add(o, &effects->others, SPAN_LITERAL("на разбор оператору"), "; ");
    } else if (outline_is(node, "withdraw")) {
      add(o, &effects->others, SPAN_LITERAL("предложение снимается"), "; ");
    }
  }
}

static struct span say_effects(struct outline *o, const struct effects *effects) {
  struct span text = none();
  if (effects->roles.size > 0) {
    text = arena_printf(arena_of(o), "сообщение: %.*s", SPAN_ARG(effects->roles));
  }
  add(o, &text, effects->others, "; ");
  return text;
}

struct span chart_rows_effects(struct outline *o, const struct node *transition) {
  struct effects effects = {none(), none()};
  collect(o, transition, &effects);
  return say_effects(o, &effects);
}

static struct span titles_of_targets(struct outline *o, const struct node *transition) {
  struct span rest = node_get(transition, "target");
  struct span text = none();
  for (struct span id = word_next(&rest); id.size > 0; id = word_next(&rest)) {
    const struct node *state = outline_state(o, id);
    add(o, &text, state ? outline_state_title(o, state) : id, " и ");
  }
  return text;
}

/* ---- what next ---- */

static bool is_near(const struct node *state, const struct node *transition) {
  return outline_is_around(transition->parent, state) || outline_is_around(state, transition->parent);
}

static bool names_one(const struct node *transition, struct span events) {
  for (struct span word = word_next(&events); word.size > 0; word = word_next(&events)) {
    if (outline_takes(transition, word)) {
      return true;
    }
  }
  return false;
}

/* "событие (условие) → состояние"; an event that goes without saying is left out. */
static struct span say_next(struct outline *o, const struct node *t, struct span events) {
  struct span cause = none();
  struct span targets = titles_of_targets(o, t);
  bool all = true;
  struct span rest = events;
  for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
    bool takes = outline_takes(t, word);
    all &= takes;
    add(o, &cause, takes ? outline_event(o, word) : none(), ", ");
  }
  struct span when = with_condition_of(o, all ? none() : cause, t);
  return arena_printf(arena_of(o), "%.*s%s→ %.*s", SPAN_ARG(when), when.size > 0 ? " " : "", SPAN_ARG(targets));
}

static struct span next_of(struct outline *o, const struct node *state, struct span events) {
  struct span text = none();
  for (const struct node *t = o->root; t; t = node_walk(o->root, t)) {
    if (t->tag == TAG_TRANSITION && is_near(state, t) && get(t, "target").size > 0 && names_one(t, events)) {
      add(o, &text, say_next(o, t, events), "; ");
    }
  }
  /* What the events leave in the data leads on by conditions alone. */
  for (const struct node *t = text.size == 0 ? state->first : NULL; t; t = t->next) {
    if (t->tag == TAG_TRANSITION && get(t, "event").size == 0 && get(t, "target").size > 0) {
      add(o, &text, say_next(o, t, none()), "; ");
    }
  }
  return text;
}

/* ---- what if late ---- */

static bool is_switched_off(const struct outline *o, struct span condition) {
  struct span prefix = SPAN_LITERAL("_x.settings.");
  if (!span_starts_with(condition, prefix)) {
    return false;
  }
  struct span name = span_of(condition.data + prefix.size, condition.size - prefix.size);
  const struct value *value = value_find(&o->process.settings, name);
  return value && value->kind == VALUE_BOOL && !value->truth;
}

/* A transition that is told by its condition too: a setting that is on goes without saying. */
static bool is_conditional(struct span condition) {
  return condition.size > 0 && !span_starts_with(condition, SPAN_LITERAL("_x.settings."));
}

static void add_consequence(struct outline *o, const struct node *t, struct effects *effects) {
  struct span target = titles_of_targets(o, t);
  if (!is_conditional(get(t, "cond"))) {
    collect(o, t, effects);
    add(o, &effects->others, target.size > 0 ? arena_printf(arena_of(o), "→ %.*s", SPAN_ARG(target)) : target, "; ");
    return;
  }
  struct span does = chart_rows_effects(o, t);
  add(o, &does, target.size > 0 ? arena_printf(arena_of(o), "→ %.*s", SPAN_ARG(target)) : target, "; ");
  add(o, &effects->others, does.size > 0 ? with_condition_of(o, does, t) : does, "; ");
}

/* What the transitions that hear of the miss do: of those of one state the first that may be taken. */
static void add_consequences(struct outline *o, const struct node *state, struct span event, struct effects *effects) {
  const struct node *done = NULL; /* the state whose unconditional transition has been told */
  for (const struct node *t = o->root; t; t = node_walk(o->root, t)) {
    struct span condition = get(t, "cond");
    if (t->tag == TAG_TRANSITION && get(t, "event").size > 0 && t->parent != done && outline_takes(t, event) &&
        outline_together(state, t->parent) && !is_switched_off(o, condition)) {
      done = is_conditional(condition) ? done : t->parent;
      add_consequence(o, t, effects);
    }
  }
}

static struct span late_of(struct outline *o, const struct node *deadline, struct span event) {
  struct effects effects = {none(), none()};
  struct span text = none();
  struct span owner = get(deadline, "owner");
  if (owner.size > 0) {
    struct span title = outline_role(o, owner);
    text = arena_printf(arena_of(o), "тревога: %.*s", SPAN_ARG(title));
  }
  add_consequences(o, deadline->parent, event, &effects);
  add(o, &text, say_effects(o, &effects), "; ");
  if (node_has(deadline, "cause")) {
    add(o, &text, SPAN_LITERAL("просрочку до начала исполнителю не засчитывают"), "; ");
  }
  return text;
}

/* ---- rows ---- */

struct making {
  struct outline *o;
  struct chart_rows *rows;
};

static struct chart_row *row_add(struct making *m, const struct node *element) {
  struct chart_row *row = &m->rows->items[m->rows->count++];
  *row = (struct chart_row){.stage = outline_stage(m->o, element), .element = element};
  return row;
}

static struct span id_of_row(const struct chart_row *row) {
  return get(row->deadline ? row->deadline : row->task, "id");
}

/* The row that the element belongs to: its deadline's or its task's. */
static struct chart_row *row_of_id(struct making *m, const struct node *node) {
  for (size_t i = 0; i < m->rows->count; i++) {
    if (id_of_row(&m->rows->items[i]).size > 0 && span_equal(id_of_row(&m->rows->items[i]), get(node, "id"))) {
      return &m->rows->items[i];
    }
  }
  return row_add(m, node);
}

static void place_duty(struct making *m, const struct node *node) {
  struct chart_row *row = row_of_id(m, node);
  if (outline_is(node, "deadline")) {
    row->deadline = row->deadline ? row->deadline : node;
    return;
  }
  if (!row->task) {
    row->task = node;
    row->stage = outline_stage(m->o, node);
  }
}

static void fill_basis(struct making *m, struct chart_row *row, const struct node *first, const struct node *second) {
  struct span a = get(first, "basis");
  struct span b = get(second, "basis");
  bool longer = b.size > a.size && a.size > 0 && memmem(b.data, b.size, a.data, a.size);
  row->cells[ROW_BASIS] = longer ? b : a;
  add(m->o, &row->cells[ROW_BASIS], b, "; ");
}

/* What may be said of both: the one that names more counts. */
static struct span events_of_duty(const struct chart_row *row) {
  struct span met = get(row->deadline, "met-by");
  return met.size > 0 ? met : get(row->task, "events");
}

static void fill_duty(struct making *m, struct chart_row *row) {
  struct outline *o = m->o;
  const struct node *near = row->task ? row->task : row->deadline;
  struct span role = get(row->task, "role");
  struct span owner = get(row->deadline, "owner");
  add(o, &row->cells[ROW_WHAT], get(near, "title").size > 0 ? get(near, "title") : get(near, "id"), "; ");
  add(o, &row->cells[ROW_WHO], role.size > 0 ? outline_role(o, role) : none(), "; ");
  add(o, &row->cells[ROW_WHO], owner.size > 0 ? outline_role(o, owner) : none(), "; ");
  row->cells[ROW_DUE] = row->deadline ? chart_rows_term(o, row->deadline) : SPAN_LITERAL("не назван");
  fill_basis(m, row, row->deadline, row->task);
  row->cells[ROW_MET] = with_told(o, titles_of_events(o, events_of_duty(row)), get(row->deadline, "met-title"),
                                  get(row->deadline, "met-if"));
  row->cells[ROW_NEXT] = next_of(o, near->parent, events_of_duty(row));
  if (row->deadline) {
    struct span id = get(row->deadline, "id");
    struct span event = arena_printf(arena_of(o), "deadline.%.*s", SPAN_ARG(id));
    row->cells[ROW_LATE] = late_of(o, row->deadline, event);
  }
}

static void fill_referrals(struct making *m, struct chart_row *row) {
  struct outline *o = m->o;
  const struct node *node = row->element;
  struct span id = get(node, "id");
  struct span process = get(node, "process");
  struct span title = get(node, "title");
  row->cells[ROW_WHAT] = arena_printf(arena_of(o), "%.*s (каждое по отдельности)",
                                      SPAN_ARG(title.size > 0 ? title : outline_process(o, process)));
  row->cells[ROW_WHO] = get(node, "owner").size > 0 ? outline_role(o, get(node, "owner")) : none();
  row->cells[ROW_DUE] = SPAN_LITERAL("у каждого свой, назван в нём самом");
  row->cells[ROW_BASIS] = get(node, "basis");
  struct span rest = get(node, "met");
  for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
    add(o, &row->cells[ROW_MET], outline_status(o, process, word), ", ");
  }
  row->cells[ROW_NEXT] = next_of(o, node->parent, arena_printf(arena_of(o), "done.invoke.%.*s", SPAN_ARG(id)));
  row->cells[ROW_LATE] = late_of(o, node, SPAN_LITERAL("deadline.measure"));
}

static void fill_case(struct making *m, struct chart_row *row) {
  struct outline *o = m->o;
  struct span id = get(row->element, "id");
  struct span process = outline_process(o, get(row->element, "process"));
  row->cells[ROW_WHAT] = arena_printf(arena_of(o), "Начать часть «%.*s»", SPAN_ARG(process));
  row->cells[ROW_WHO] = SPAN_LITERAL("система");
  row->cells[ROW_NEXT] = next_of(o, row->element->parent, arena_printf(arena_of(o), "done.invoke.%.*s", SPAN_ARG(id)));
}

static void fill_offer(struct making *m, struct chart_row *row) {
  struct outline *o = m->o;
  struct span id = get(row->element, "id");
  row->cells[ROW_WHAT] = SPAN_LITERAL("Подобрать исполнителя и направить ему");
  row->cells[ROW_WHO] = SPAN_LITERAL("система");
  row->cells[ROW_NEXT] =
      next_of(o, row->element->parent,
              arena_printf(arena_of(o), "offer.%.*s.made offer.%.*s.none", SPAN_ARG(id), SPAN_ARG(id)));
}

/* What leads to an ending, and who is told. */
static void fill_ending(struct making *m, struct chart_row *row) {
  struct outline *o = m->o;
  struct span id = get(row->element, "id");
  row->cells[ROW_WHAT] = outline_state_title(o, row->element);
  row->cells[ROW_BASIS] = outline_label(row->element, "basis");
  for (const struct node *t = o->root; t; t = node_walk(o->root, t)) {
    struct span rest = t->tag == TAG_TRANSITION ? get(t, "target") : none();
    for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
      if (span_equal(word, id)) {
        struct span cause = with_condition_of(o, titles_of_events(o, get(t, "event")), t);
        add(o, &row->cells[ROW_MET], cause, "; ");
      }
    }
  }
  row->cells[ROW_NEXT] = SPAN_LITERAL("случай завершён");
  add(o, &row->cells[ROW_NEXT], chart_rows_effects(o, row->element), "; ");
}

static void place(struct making *m, const struct node *node) {
  bool in_state = node->parent && node_is_state(node->parent);
  if (m->rows->count == ROWS_MAX || !in_state) {
    return;
  }
  if (outline_is(node, "deadline") || outline_is(node, "task")) {
    place_duty(m, node);
  } else if (outline_is(node, "referrals") || outline_is(node, "case") || outline_is(node, "offer") ||
             (node->tag == TAG_FINAL && node->parent == m->o->root)) {
    (void)row_add(m, node);
  }
}

static void fill(struct making *m, struct chart_row *row) {
  if (row->deadline || row->task) {
    fill_duty(m, row);
  } else if (row->element->tag == TAG_FINAL) {
    fill_ending(m, row);
  } else if (outline_is(row->element, "referrals")) {
    fill_referrals(m, row);
  } else if (outline_is(row->element, "case")) {
    fill_case(m, row);
  } else {
    fill_offer(m, row);
  }
}

/* By stage; those of one stage stay in the order of the chart. */
static void sort(struct chart_rows *rows) {
  for (size_t i = 1; i < rows->count; i++) {
    struct chart_row moved = rows->items[i];
    size_t at = i;
    while (at > 0 && rows->items[at - 1].stage > moved.stage) {
      rows->items[at] = rows->items[at - 1];
      at--;
    }
    rows->items[at] = moved;
  }
}

void chart_rows_make(struct outline *o, struct chart_rows *ret_rows) {
  *ret_rows = (struct chart_rows){.items = ARENA_ARRAY(arena_of(o), struct chart_row, ROWS_MAX)};
  struct making m = {o, ret_rows};
  for (const struct node *node = o->root; node; node = node_walk(o->root, node)) {
    place(&m, node);
  }
  for (size_t i = 0; i < ret_rows->count; i++) {
    fill(&m, &ret_rows->items[i]);
  }
  sort(ret_rows);
}
