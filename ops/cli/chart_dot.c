/*
 * Drawing a chart.
 *
 * Graphviz has no edge to or from a frame: such an edge goes to a node inside and is cut at the frame (lhead, ltail).
 * Where the other end lies inside the frame itself that is not possible: a small diamond in the frame stands for "in
 * any of its states". All transitions between the same two states are one edge.
 *
 * An ending that is reached from a lane is drawn in that lane, as often as there are lanes that reach it: lines across
 * all lanes to one box would show less.
 */
#include "chart_dot.h"

#include <stdlib.h>
#include <string.h>

#include "chart_rows.h"
#include "chart_text.h"

enum { BOX_WIDTH = 34, EDGE_WIDTH = 26, FRAME_WIDTH = 70, STAGES_COLOURED = 5, EDGES_MAX = 4096, LABEL_PARTS = 8 };

/* Fill of the boxes of a stage, in the order of the catalogue; then of what has none. */
static const char *const stage_colours[STAGES_COLOURED + 1] = {"#E3EEFB", "#FFF3D9", "#E4F4E4",
                                                               "#EFE6F8", "#ECEDEF", "#FFFFFF"};
static const char colour_line[] = "#5F6B7A";
static const char colour_pale[] = "#B9C0C9";
static const char colour_way[] = "#1565C0";
static const char colour_now[] = "#C62828";

struct edge {
  const struct node *from, *to;
  const struct node *frame; /* `to` is an ending that is drawn in this frame; NULL: by itself */
  struct span label;
  bool taken;
  bool late; /* by a missed deadline alone */
};

struct drawing {
  struct outline *o;
  const struct chart_trail *trail;
  struct writer *w;
  struct edge *edges;
  size_t edges_count;
  bool *any; /* by state: its diamond is needed */
};

static struct span get(const struct node *node, const char *name) {
  return span_trim(node_get(node, name));
}

/* ---- text ---- */

/* Graphviz looks for \N and its like even here: an invisible sign after a backslash ends that. */
static void put_escaped(struct writer *w, struct span text) {
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if (c == '\\') {
      writer_printf(w, "&#92;&#8288;");
    } else if (strchr("<>&\"[]", c) && c != '\0') {
      writer_printf(w, "&#%d;", c);
    } else {
      writer_u8(w, c < ' ' ? ' ' : c);
    }
  }
}

/* The id of a state in the picture, where no sign of it can end the text that it stands in. */
static void put_id(struct writer *w, const struct node *state) {
  struct span id = get(state, "id");
  writer_printf(w, "state-");
  for (size_t i = 0; i < id.size; i++) {
    uint8_t c = id.data[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    writer_u8(w, plain || c >= 0x80 ? c : '_');
  }
}

static void put_wrapped(struct writer *w, struct span text, int width, const char *line_break) {
  bool first = true;
  do {
    struct span line = text_next_line(&text, width);
    writer_printf(w, "%s", first ? "" : line_break);
    put_escaped(w, line);
    first = false;
  } while (span_trim(text).size > 0);
}

/* ---- the tree ---- */

static const struct node *first_state(const struct node *from) {
  while (from && (!node_is_state(from) || from->tag == TAG_SCXML)) {
    from = from->next;
  }
  return from;
}

static bool has_states(const struct node *state) {
  return first_state(state->first) != NULL;
}

/* The state that a compound one starts in by default; NULL for a parallel. */
static const struct node *initial_of(const struct drawing *d, const struct node *state) {
  struct span id = get(state, "initial");
  const struct node *initial = node_child(state, TAG_INITIAL);
  if (initial && initial->first) {
    id = get(initial->first, "target");
  }
  struct span rest = id;
  const struct node *named = outline_state(d->o, word_next(&rest));
  if (state->tag == TAG_PARALLEL) {
    return NULL;
  }
  const struct node *first = first_state(state->first);
  while (first && first->tag == TAG_HISTORY) {
    first = first_state(first->next);
  }
  return id.size > 0 && named ? named : first;
}

/* Whether the state around starts in this one. */
static bool is_initial(const struct drawing *d, const struct node *state) {
  for (const struct node *at = state->parent; at; at = at->parent) {
    if (node_is_state(at) && initial_of(d, at) == state) {
      return true;
    }
  }
  return false;
}

/* ---- what stands in a state ---- */

static const struct {
  const char *element, *word, *colour;
} duties[] = {
    {"deadline", "Срок", "#8A2B0E"},
    {"task", "Задача", "#1B4F72"},
    {"referrals", "Направления", "#4A235A"},
    {"case", "Отдельная часть", "#4A235A"},
    {"offer", "Подбор исполнителя", "#4A235A"},
};

static struct span title_of_duty(struct drawing *d, const struct node *node) {
  struct span title = get(node, "title");
  if (outline_is(node, "case")) {
    return outline_process(d->o, get(node, "process"));
  }
  if (outline_is(node, "deadline")) {
    struct span term = chart_rows_term(d->o, node);
    return arena_printf(&d->o->file.arena, "%.*s: %.*s", SPAN_ARG(title.size > 0 ? title : get(node, "id")),
                        SPAN_ARG(term));
  }
  if (outline_is(node, "task")) {
    struct span role = outline_role(d->o, get(node, "role"));
    return arena_printf(&d->o->file.arena, "%.*s (%.*s)", SPAN_ARG(title.size > 0 ? title : get(node, "id")),
                        SPAN_ARG(role));
  }
  return title;
}

static void put_duty(struct drawing *d, const struct node *node, int width) {
  for (size_t i = 0; i < sizeof duties / sizeof *duties; i++) {
    if (!outline_is(node, duties[i].element)) {
      continue;
    }
    struct span title = title_of_duty(d, node);
    struct span text =
        arena_printf(&d->o->file.arena, "%s%s%.*s", duties[i].word, title.size > 0 ? ": " : "", SPAN_ARG(title));
    writer_printf(d->w, "<TR><TD ALIGN=\"LEFT\" BALIGN=\"LEFT\"><FONT POINT-SIZE=\"10\" COLOR=\"%s\">",
                  duties[i].colour);
    put_wrapped(d->w, text, width, "<BR/>");
    writer_printf(d->w, "</FONT></TD></TR>");
  }
}

static void put_label(struct drawing *d, const struct node *state, int width, const char *mark) {
  struct span title = outline_state_title(d->o, state);
  title = title.size > 0 ? title : SPAN_LITERAL("(без имени)");
  writer_printf(d->w,
                "<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\"><TR><TD ALIGN=\"LEFT\" "
                "BALIGN=\"LEFT\">%s<B>",
                is_initial(d, state) ? "<FONT COLOR=\"#2E7D32\">● </FONT>" : "");
  put_wrapped(d->w, title, width, "<BR/>");
  writer_printf(d->w, "</B>%s</TD></TR>", mark);
  for (const struct node *child = state->first; child; child = child->next) {
    if (child->tag == TAG_EXTENSION) {
      put_duty(d, child, width);
    }
  }
  writer_printf(d->w, "</TABLE>>");
}

/* ---- states ---- */

static bool is_active(const struct drawing *d, const struct node *state) {
  return d->trail && d->trail->active[state->state];
}

static bool is_visited(const struct drawing *d, const struct node *state) {
  return d->trail && d->trail->visited[state->state];
}

static const char *colour_of_stage(const struct drawing *d, const struct node *state) {
  int stage = outline_stage(d->o, state);
  return stage_colours[stage >= 0 && stage < STAGES_COLOURED ? stage : STAGES_COLOURED];
}

static const char *classes(const struct drawing *d, const struct node *state) {
  return is_active(d, state) ? "state active" : is_visited(d, state) ? "state visited" : "state";
}

/* How a box or a frame is outlined. */
static void put_outline(const struct drawing *d, const struct node *state) {
  if (is_active(d, state)) {
    writer_printf(d->w, " color=\"%s\" penwidth=%s", colour_now, has_states(state) ? "1.5" : "3.5");
  } else if (is_visited(d, state)) {
    writer_printf(d->w, " color=\"%s\" penwidth=%s", colour_way, has_states(state) ? "1.2" : "2");
  } else {
    writer_printf(d->w, " color=\"%s\" penwidth=1", d->trail ? colour_pale : colour_line);
  }
}

static void put_box(struct drawing *d, const struct node *state) {
  writer_printf(d->w, "n%u [id=\"", state->state);
  put_id(d->w, state);
  writer_printf(d->w, "\" class=\"%s\" shape=box style=\"rounded,filled\" fillcolor=\"%s\"%s", classes(d, state),
                colour_of_stage(d, state), state->tag == TAG_FINAL ? " peripheries=2" : "");
  put_outline(d, state);
  writer_printf(d->w, " label=");
  put_label(d, state, BOX_WIDTH, "");
  writer_printf(d->w, "];\n");
}

static void put_history(struct drawing *d, const struct node *state) {
  bool deep = span_is(get(state, "type"), "deep");
  writer_printf(d->w, "n%u [shape=circle width=0.3 fixedsize=true fontsize=10 label=\"%s\" color=\"%s\"];\n",
                state->state, deep ? "H*" : "H", colour_line);
}

/* ---- endings ---- */

static bool is_ending(const struct drawing *d, const struct node *state) {
  return state->tag == TAG_FINAL && state->parent == d->o->root;
}

/* The frame in which an ending that is reached from `from` is drawn: the lane around it, for a lane itself the frame
 * around that; NULL outside of parallels. */
static const struct node *frame_of_ending(const struct node *from) {
  for (const struct node *at = from; at->parent; at = at->parent) {
    if (at->parent->tag == TAG_PARALLEL) {
      return at == from ? at->parent : at;
    }
  }
  return NULL;
}

static void put_ending(struct drawing *d, const struct node *ending, const struct node *frame) {
  struct span title = outline_state_title(d->o, ending);
  writer_printf(d->w,
                "e%u_%u [class=\"%s\" shape=box style=\"rounded,filled\" fillcolor=\"%s\" peripheries=2 fontsize=11",
                ending->state, frame->state, classes(d, ending), colour_of_stage(d, ending));
  put_outline(d, ending);
  writer_printf(d->w, " label=<");
  put_wrapped(d->w, title, BOX_WIDTH, "<BR/>");
  writer_printf(d->w, ">];\n");
}

static bool was_put(const struct drawing *d, size_t edge) {
  for (size_t i = 0; i < edge; i++) {
    if (d->edges[i].frame == d->edges[edge].frame && d->edges[i].to == d->edges[edge].to) {
      return true;
    }
  }
  return false;
}

static void put_endings_of(struct drawing *d, const struct node *frame) {
  for (size_t i = 0; i < d->edges_count; i++) {
    if (d->edges[i].frame == frame && !was_put(d, i)) {
      put_ending(d, d->edges[i].to, frame);
    }
  }
}

/* Whether an ending has a box of its own: some edge leads to it from outside of lanes, or none at all does. */
static bool stands_alone(const struct drawing *d, const struct node *ending) {
  bool reached = false;
  for (size_t i = 0; i < d->edges_count; i++) {
    reached |= d->edges[i].to == ending;
    if (d->edges[i].to == ending && !d->edges[i].frame) {
      return true;
    }
  }
  return !reached;
}

/* ---- frames ---- */

static void open_frame(struct drawing *d, const struct node *state) {
  bool parallel = state->tag == TAG_PARALLEL;
  writer_printf(d->w, "subgraph cluster_%u { id=\"", state->state);
  put_id(d->w, state);
  writer_printf(d->w, "\"; class=\"%s\"; style=\"rounded%s\"; margin=14; labeljust=l;", classes(d, state),
                parallel ? ",dashed" : "");
  writer_printf(d->w, " bgcolor=\"%s\";", parallel ? "#FFFFFF" : "#FAFBFC");
  writer_printf(d->w, " graph [");
  put_outline(d, state);
  writer_printf(d->w, "]; label=");
  put_label(d, state, FRAME_WIDTH,
            parallel ? " <FONT POINT-SIZE=\"10\" COLOR=\"#5F6B7A\">— все области идут одновременно</FONT>" : "");
  writer_printf(d->w, ";\n");
  if (d->any[state->state]) {
    writer_printf(d->w, "a%u [shape=diamond width=0.22 height=0.22 fixedsize=true label=\"\" color=\"%s\"];\n",
                  state->state, colour_line);
  }
  put_endings_of(d, state);
}

static void put_state(struct drawing *d, const struct node *state) {
  if (state->tag == TAG_HISTORY) {
    put_history(d, state);
  } else if (has_states(state)) {
    open_frame(d, state);
  } else if (!is_ending(d, state) || stands_alone(d, state)) {
    put_box(d, state);
  }
}

/* Frames inside frames, by a walk without recursion. */
static void put_states(struct drawing *d) {
  const struct node *root = d->o->root;
  const struct node *state = first_state(root->first);
  while (state) {
    put_state(d, state);
    const struct node *next = first_state(state->first);
    while (!next && state != root) {
      next = first_state(state->next);
      state = next ? state : state->parent;
      if (!next && state != root) {
        writer_printf(d->w, "}\n");
      }
    }
    state = next;
  }
}

/* ---- edges ---- */

/* The node that stands for a state: a box itself, of a frame its first box by default. */
static const struct node *box_of(const struct drawing *d, const struct node *state) {
  while (has_states(state)) {
    const struct node *initial = initial_of(d, state);
    state = initial && outline_is_around(state, initial) && initial != state ? initial : first_state(state->first);
  }
  return state;
}

static void put_end(struct drawing *d, const struct node *state, const struct node *other) {
  bool inside = has_states(state) && outline_is_around(state, other);
  writer_printf(d->w, inside ? "a%u" : "n%u", inside ? state->state : box_of(d, state)->state);
}

static void put_edge(struct drawing *d, const struct edge *e) {
  bool frame_from = has_states(e->from) && !outline_is_around(e->from, e->to);
  bool frame_to = has_states(e->to) && !outline_is_around(e->to, e->from);
  const char *colour = e->taken ? colour_way : d->trail ? colour_pale : e->late ? "#8A2B0E" : colour_line;
  put_end(d, e->from, e->to);
  writer_printf(d->w, " -> ");
  if (e->frame) {
    writer_printf(d->w, "e%u_%u", e->to->state, e->frame->state);
  } else {
    put_end(d, e->to, e->from);
  }
  writer_printf(d->w, " [class=\"%s\" color=\"%s\" fontcolor=\"%s\" penwidth=%s%s", e->taken ? "way taken" : "way",
                colour, e->taken || !d->trail ? "#30363D" : "#7B8591", e->taken ? "2.5" : "1",
                e->late ? " style=dashed" : "");
  if (frame_from) {
    writer_printf(d->w, " ltail=cluster_%u", e->from->state);
  }
  if (frame_to) {
    writer_printf(d->w, " lhead=cluster_%u", e->to->state);
  }
  if (e->label.size > 0) {
    writer_printf(d->w,
                  " label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLPADDING=\"1\" BGCOLOR=\"#FFFFFFD0\"><TR><TD>");
    put_wrapped(d->w, e->label, EDGE_WIDTH, "<BR/>");
    writer_printf(d->w, "</TD></TR></TABLE>>");
  }
  writer_printf(d->w, "];\n");
}

/* The diamonds inside a frame stand beyond the label of an edge that leads to the frame. */
static void keep_apart(struct drawing *d, const struct edge *e) {
  for (const struct node *state = e->to; state; state = node_walk(e->to, state)) {
    if (node_is_state(state) && d->any[state->state]) {
      put_end(d, e->from, e->to);
      writer_printf(d->w, " -> a%u [style=invis];\n", state->state);
    }
  }
}

/* ---- collecting edges ---- */

static struct span label_of(struct drawing *d, const struct node *t) {
  struct outline *o = d->o;
  struct span rest = get(t, "event");
  struct span text = span_of(NULL, 0);
  for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
    struct span title = outline_event(o, word);
    text = arena_printf(&o->file.arena, "%.*s%s%.*s", SPAN_ARG(text), text.size > 0 ? ", " : "", SPAN_ARG(title));
  }
  struct span title = outline_label(t, "title");
  struct span condition = get(t, "cond");
  if (title.size == 0 && condition.size > 0) {
    title = outline_condition(o, condition);
  }
  return title.size == 0 ? text : arena_printf(&o->file.arena, "%.*s [%.*s]", SPAN_ARG(text), SPAN_ARG(title));
}

static bool is_taken(const struct drawing *d, const struct node *t) {
  for (size_t i = 0; d->trail && i < d->trail->taken_count; i++) {
    if (d->trail->taken[i] == t) {
      return true;
    }
  }
  return false;
}

static bool is_late(const struct node *t) {
  return span_starts_with(get(t, "event"), SPAN_LITERAL("deadline"));
}

static struct edge *edge_between(struct drawing *d, const struct node *from, const struct node *to) {
  for (size_t i = 0; i < d->edges_count; i++) {
    if (d->edges[i].from == from && d->edges[i].to == to) {
      return &d->edges[i];
    }
  }
  return NULL;
}

static void add_edge(struct drawing *d, const struct node *t, const struct node *to) {
  struct span label = label_of(d, t);
  struct edge *e = edge_between(d, t->parent, to);
  if (!e && d->edges_count < EDGES_MAX) {
    const struct node *frame = is_ending(d, to) ? frame_of_ending(t->parent) : NULL;
    d->edges[d->edges_count++] = (struct edge){t->parent, to, frame, label, is_taken(d, t), is_late(t)};
  } else if (e) {
    e->label = arena_printf(&d->o->file.arena, "%.*s; %.*s", SPAN_ARG(e->label), SPAN_ARG(label));
    e->taken |= is_taken(d, t);
    e->late &= is_late(t);
  }
  if (outline_is_around(t->parent, to) && has_states(t->parent)) {
    d->any[t->parent->state] = true;
  }
  if (outline_is_around(to, t->parent) && has_states(to)) {
    d->any[to->state] = true;
  }
}

static void collect_edges(struct drawing *d) {
  for (const struct node *t = d->o->root; t; t = node_walk(d->o->root, t)) {
    if (t->tag != TAG_TRANSITION || !node_is_state(t->parent)) {
      continue;
    }
    struct span rest = get(t, "target");
    for (struct span id = word_next(&rest); id.size > 0; id = word_next(&rest)) {
      const struct node *to = outline_state(d->o, id);
      if (to && to->tag != TAG_SCXML) {
        add_edge(d, t, to);
      }
    }
  }
}

/* ---- the whole ---- */

uint32_t chart_dot_number(struct outline *o) {
  uint32_t count = 0;
  for (struct node *node = o->root; node; node = node_walk(o->root, node)) {
    if (node_is_state(node)) {
      node->state = count++;
    }
  }
  return count;
}

static void put_heading(struct drawing *d) {
  const struct catalogue *catalogue = &d->o->config->catalogue;
  struct span title = outline_label(d->o->root, "title");
  writer_printf(
      d->w, "label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"8\" CELLPADDING=\"4\"><TR><TD ALIGN=\"LEFT\" "
            "COLSPAN=\"9\"><FONT POINT-SIZE=\"20\"><B>");
  put_escaped(d->w, title.size > 0 ? title : d->o->name);
  writer_printf(d->w, "</B></FONT>");
  if (d->trail) {
    writer_printf(d->w, "<FONT POINT-SIZE=\"14\">&#160;&#160;&#160;случай ");
    put_escaped(d->w, d->trail->case_id);
    writer_printf(d->w,
                  ": <FONT COLOR=\"%s\"><B>где он сейчас</B></FONT>, <FONT COLOR=\"%s\"><B>какой путь прошёл</B>"
                  "</FONT></FONT>",
                  colour_now, colour_way);
  }
  writer_printf(d->w, "</TD></TR><TR>");
  for (size_t i = 0; i < catalogue->stages_count && i < STAGES_COLOURED; i++) {
    writer_printf(d->w, "<TD BORDER=\"1\" STYLE=\"ROUNDED\" COLOR=\"%s\" BGCOLOR=\"%s\">", colour_pale,
                  stage_colours[i]);
    put_escaped(d->w, catalogue->stages[i].title);
    writer_printf(d->w, "</TD>");
  }
  writer_printf(d->w, "<TD><FONT COLOR=\"#2E7D32\">●</FONT> начало</TD><TD>◇ в любом состоянии рамки</TD>");
  writer_printf(d->w, "</TR></TABLE>>; labelloc=t; labeljust=l;\n");
}

/* Endings stand in one column at the right. */
static void put_endings(struct drawing *d) {
  writer_printf(d->w, "{ rank=sink;");
  for (const struct node *state = first_state(d->o->root->first); state; state = first_state(state->next)) {
    if (state->tag == TAG_FINAL && stands_alone(d, state)) {
      writer_printf(d->w, " n%u;", state->state);
    }
  }
  writer_printf(d->w, " }\n");
}

void chart_dot_write(struct outline *o, const struct chart_trail *trail, struct writer *w) {
  struct arena *arena = &o->file.arena;
  uint32_t states = chart_dot_number(o);
  struct drawing d = {.o = o, .trail = trail, .w = w};
  d.edges = ARENA_ARRAY(arena, struct edge, EDGES_MAX);
  d.any = ARENA_ARRAY(arena, bool, states);
  collect_edges(&d);
  writer_printf(
      w, "digraph chart {\nrankdir=LR; compound=true; newrank=false; nodesep=0.22; ranksep=0.55; splines=spline;\n"
         "fontname=\"Liberation Sans\"; node [fontname=\"Liberation Sans\" fontsize=12]; edge [fontname=\"Liberation "
         "Sans\" fontsize=9 arrowsize=0.7];\n");
  put_heading(&d);
  put_states(&d);
  put_endings(&d);
  for (size_t i = 0; i < d.edges_count; i++) {
    put_edge(&d, &d.edges[i]);
    if (has_states(d.edges[i].to) && !outline_is_around(d.edges[i].to, d.edges[i].from)) {
      keep_apart(&d, &d.edges[i]);
    }
  }
  writer_printf(w, "}\n");
}
