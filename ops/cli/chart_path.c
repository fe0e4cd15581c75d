/*
 * The way of a case through its chart.
 *
 * The engine tells which states a microstep leaves and enters, not by which transition: it is the one whose source was
 * left (or stays around its target) and whose targets were entered, and that takes the event of this moment, or needs
 * none.
 */
#include "chart_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/words.h"
#include "runtime/rehearse.h"

enum { EVENTS_MAX = 1 << 28, TAKEN_MAX = 4096, WORD_BYTES = 300 };

/* What is traced. The first member is where the engine's load port looks. */
struct tracing {
  struct runtime *runtime;
  struct outline *o;
  struct span wanted;  /* as it was asked for */
  struct span case_id; /* the case that is followed; empty: none yet */
  struct span other;   /* another one that fits as well; empty: none */
  struct chart_trail *trail;
  bool *left;         /* by the microstep that is going on */
  struct span event;  /* of this moment */
  struct arena arena; /* of `event` */
};

/* ---- which case ---- */

/* The last part of an internal id, without the ".2" of a second life. */
static struct span key_of(struct span id) {
  const uint8_t *slash = memrchr(id.data, '/', id.size);
  struct span key = slash ? span_of(slash + 1, id.size - (size_t)(slash + 1 - id.data)) : id;
  struct span rest;
  return slash ? span_cut(key, '.', &rest) : key;
}

static bool fits(const struct tracing *t, const struct case_identity *identity) {
  struct span measure;
  struct span root = span_cut(t->wanted, '/', &measure);
  if (!span_equal(identity->process, t->o->name) || !span_equal(case_root(identity->id), root)) {
    return false;
  }
  return measure.data == NULL || span_equal(identity->id, t->wanted) || span_equal(key_of(identity->id), measure);
}

static bool follows(struct tracing *t, const struct case_identity *identity) {
  if (!fits(t, identity)) {
    return false;
  }
  if (t->case_id.size == 0) {
    t->case_id = arena_copy(&t->o->file.arena, identity->id);
  }
  if (!span_equal(t->case_id, identity->id) && t->other.size == 0) {
    t->other = arena_copy(&t->o->file.arena, identity->id);
  }
  return span_equal(t->case_id, identity->id);
}

/* ---- what a microstep does ---- */

static void enter(struct tracing *t, struct span ids) {
  for (struct span id = word_next(&ids); id.size > 0; id = word_next(&ids)) {
    const struct node *state = outline_state(t->o, id);
    if (state) {
      t->trail->active[state->state] = true;
      t->trail->visited[state->state] = true;
    }
  }
}

/* An ending is left at once, because the session is over; for people it is where the case is. */
static void leave(struct tracing *t, struct span ids) {
  for (struct span id = word_next(&ids); id.size > 0; id = word_next(&ids)) {
    const struct node *state = outline_state(t->o, id);
    if (state && !(state->tag == TAG_FINAL && state->parent == t->o->root)) {
      t->trail->active[state->state] = false;
      t->left[state->state] = true;
    }
  }
}

static bool listed(struct span ids, struct span wanted) {
  for (struct span id = word_next(&ids); id.size > 0; id = word_next(&ids)) {
    if (span_equal(id, wanted)) {
      return true;
    }
  }
  return false;
}

/* A history stands for what it remembers. */
static bool reaches(const struct tracing *t, const struct node *transition, struct span entered) {
  struct span rest = node_get(transition, "target");
  bool all = span_trim(rest).size > 0;
  for (struct span id = word_next(&rest); id.size > 0; id = word_next(&rest)) {
    const struct node *target = outline_state(t->o, id);
    struct span name = target && target->tag == TAG_HISTORY ? span_trim(node_get(target->parent, "id")) : id;
    all &= listed(entered, name);
  }
  return all;
}

/* An internal transition leaves what is inside its source, which stays. */
static bool stays_around(const struct tracing *t, const struct node *transition) {
  struct span rest = node_get(transition, "target");
  const struct node *target = outline_state(t->o, word_next(&rest));
  return t->trail->active[transition->parent->state] && target && outline_is_around(transition->parent, target);
}

static bool starts(const struct tracing *t, const struct node *transition) {
  const struct node *source = transition->parent;
  bool eventless = span_trim(node_get(transition, "event")).size == 0;
  return (t->left[source->state] || stays_around(t, transition)) &&
         (eventless || (t->event.size > 0 && outline_takes(transition, t->event)));
}

static void note_taken(struct tracing *t, const struct node *transition) {
  struct chart_trail *trail = t->trail;
  for (size_t i = 0; i < trail->taken_count; i++) {
    if (trail->taken[i] == transition) {
      return;
    }
  }
  if (trail->taken_count < TAKEN_MAX) {
    trail->taken[trail->taken_count++] = transition;
  }
}

static void find_taken(struct tracing *t, struct span entered) {
  for (const struct node *node = t->o->root; node; node = node_walk(t->o->root, node)) {
    if (node->tag == TAG_TRANSITION && node_is_state(node->parent) && node->parent != t->o->root && starts(t, node) &&
        reaches(t, node, entered)) {
      note_taken(t, node);
    }
  }
}

static void take_trace(void *arg, const struct case_identity *identity, const char *what, struct span detail) {
  struct tracing *t = arg;
  if (!follows(t, identity)) {
    return;
  }
  if (strcmp(what, "event") == 0) {
    arena_reset(&t->arena);
    t->event = arena_copy(&t->arena, detail);
  } else if (strcmp(what, "exit") == 0) {
    leave(t, detail);
  } else if (strcmp(what, "enter") == 0) {
    find_taken(t, detail);
    enter(t, detail);
    memset(t->left, 0, sizeof *t->left * chart_dot_number(t->o));
  }
}

/* ---- rehearsing ---- */

static int64_t take_load(void *arg, struct span participant) {
  struct tracing *t = arg;
  return runtime_load(&t->runtime, participant);
}

static bool ignore_line(void *arg, struct span line) {
  (void)arg;
  (void)line;
  return true;
}

static enum err play(struct tracing *t, const struct config *config, struct span events, civil_day until,
                     struct fault *fault) {
  DEFER(casework_destroy) struct casework *casework = NULL;
  const struct casework_ports ports = {.arg = t, .load = take_load, .trace = take_trace};
  TRY(config_casework(config, &ports, &casework, fault));
  const struct rehearse_options options = {
      .casework = casework, .runtime = &t->runtime, .events = events, .until = until, .outcome = ignore_line};
  return rehearse_run(&options, NULL, fault);
}

/* The whole configuration: a case may have parts in other processes. */
static enum err load_config(struct outline *o, const char *given, struct config **ret_config, struct fault *fault) {
  const char *dir = chart_config_dir(&o->file, given);
  const struct config_options options = {.config_dir = dir, .processes_dir = chart_file_beside(&o->file, "..")};
  return config_load(&options, ret_config, fault);
}

static int trace_events(struct tracing *t, const char *config_given, struct span events, civil_day until) {
  DEFER(config_destroy) struct config *config = NULL;
  struct fault fault = {.err = ERR_OK};
  enum err err = load_config(t->o, config_given, &config, &fault);
  if (err == ERR_OK) {
    err = play(t, config, events, until, &fault);
  }
  if (err != ERR_OK) {
    return cli_fail(cli_exit_of(err), "%s", fault.text[0] ? fault.text : words_of_err(err));
  }
  if (t->other.size > 0) {
    return cli_fail(CLI_USAGE, "случаю %.*s здесь отвечают %.*s, %.*s и, может быть, другие: назовите один",
                    SPAN_ARG(t->wanted), SPAN_ARG(t->case_id), SPAN_ARG(t->other));
  }
  return CLI_OK;
}

/* ---- events of a file ---- */

struct lines {
  struct writer events; /* those lines that are events */
  struct arena arena;   /* of one line */
  civil_day until;      /* of an example, else of the last event */
  bool told;            /* by an example */
};

static void take_day(struct lines *l, struct span text, bool told) {
  civil_day day;
  if (civil_day_parse(span_of(text.data, text.size < 10 ? text.size : 10), &day) == ERR_OK && (told || !l->told)) {
    l->until = day;
    l->told |= told;
  }
}

static void take_line(struct lines *l, struct span text) {
  struct value line;
  arena_reset(&l->arena);
  if (span_empty(text) || json_read(text, &l->arena, &line, NULL) != ERR_OK || line.kind != VALUE_MAP) {
    return;
  }
  if (value_get(&line, "at")) {
    take_day(l, value_get_text(&line, "at"), false);
    writer_raw(&l->events, text);
    writer_u8(&l->events, '\n');
  } else if (value_get(&line, "until")) {
    take_day(l, value_get_text(&line, "until"), true);
  }
}

static void take_file(struct lines *l, struct span text) {
  while (text.size > 0) {
    take_line(l, span_trim(span_cut(text, '\n', &text)));
  }
}

static int read_file(struct lines *l, const char *path) {
  DEFER(cli_file_free) struct span text = {NULL, 0};
  struct fault fault = {.err = ERR_OK};
  if (cli_read_file(path, EVENTS_MAX, &text, &fault) != ERR_OK) {
    return cli_fail_fault(path, &fault);
  }
  take_file(l, text);
  return CLI_OK;
}

/* ---- events of the daemon ---- */

struct asking {
  struct tracing *t;
  struct lines *lines;
};

/* The lines of one case: others only matter to it by the load that they put on participants. */
static bool take_row(void *arg, struct span row) {
  struct asking *a = arg;
  struct value line;
  struct span measure;
  arena_reset(&a->lines->arena);
  struct span root = span_cut(a->t->wanted, '/', &measure);
  if (json_read(row, &a->lines->arena, &line, NULL) == ERR_OK && line.kind == VALUE_MAP &&
      span_equal(case_root(value_get_text(&line, "case")), root)) {
    struct span copy = arena_copy(&a->t->o->file.arena, row);
    take_line(a->lines, copy);
  }
  return true;
}

static int ask_clock(const struct client *client, struct lines *l) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, "clock.show", NULL, 0, &rows);
  if (code == CLI_OK && rows.count > 0) {
    take_day(l, value_get_text(&rows.items[0].value, "now"), true);
  }
  return code;
}

/* The states that the daemon shows, in place of those that were rehearsed. */
static bool take_states(struct tracing *t, const struct value *row) {
  const struct value *states = value_get(row, "states");
  uint32_t count = chart_dot_number(t->o);
  if (!span_equal(value_get_text(row, "process"), t->o->name) || !states || states->kind != VALUE_LIST ||
      !(span_equal(value_get_text(row, "case"), t->case_id) || t->case_id.size == 0)) {
    return false;
  }
  memset(t->trail->active, 0, count * sizeof *t->trail->active);
  for (size_t i = 0; i < states->list.count; i++) {
    const struct value *id = &states->list.items[i];
    const struct node *state = id->kind == VALUE_TEXT ? outline_state(t->o, id->text) : NULL;
    for (; state && state->tag != TAG_SCXML; state = state->parent) {
      t->trail->active[state->state] = true;
      t->trail->visited[state->state] = true;
    }
  }
  return true;
}

static int ask_states(const struct client *client, struct tracing *t) {
  DEFER(client_rows_finish) struct client_rows rows;
  struct span measure;
  struct span root = span_cut(t->wanted, '/', &measure);
  struct span word = arena_printf(&t->o->file.arena, "case=%.*s", SPAN_ARG(root));
  const char *args[] = {arena_cstr(&t->o->file.arena, word)};
  client_rows_init(&rows);
  int code = client_ask(client, "case.show", args, 1, &rows);
  bool found = false;
  for (size_t i = 0; code == CLI_OK && !found && i < rows.count; i++) {
    found = take_states(t, &rows.items[i].value);
  }
  return code == CLI_OK && !found ? cli_fail(CLI_NOT_FOUND, "у случая нет части этого процесса") : code;
}

static int ask_daemon(struct tracing *t, const struct path_request *request, struct lines *l) {
  struct client client;
  struct asking asking = {t, l};
  int code = client_open(&request->client, &client);
  if (code != CLI_OK) {
    return code;
  }
  code = client_stream(&client, "journal.export", NULL, 0, take_row, &asking);
  if (code == CLI_OK) {
    code = ask_clock(&client, l);
  }
  if (code == CLI_OK) {
    code = trace_events(t, request->config, writer_span(&l->events), l->until);
  }
  if (code == CLI_OK) {
    code = ask_states(&client, t);
  }
  client_close(&client);
  return code;
}

/* ---- the whole ---- */

static int find(struct tracing *t, const struct path_request *request, struct lines *l) {
  if (!request->events) {
    return ask_daemon(t, request, l);
  }
  int code = read_file(l, request->events);
  if (code == CLI_OK && request->until && civil_day_parse(span_of_cstr(request->until), &l->until) != ERR_OK) {
    return cli_usage("--until: дата вида 2027-12-31");
  }
  if (code == CLI_OK) {
    code = trace_events(t, request->config, writer_span(&l->events), l->until);
  }
  return code == CLI_OK && t->case_id.size == 0
             ? cli_fail(CLI_NOT_FOUND, "в событиях нет случая %s этого процесса", request->case_id)
             : code;
}

int chart_path_find(struct outline *o, const struct path_request *request, struct chart_trail *ret_trail) {
  uint32_t states = chart_dot_number(o);
  struct arena *arena = &o->file.arena;
  struct tracing t = {.o = o, .wanted = span_of_cstr(request->case_id), .trail = ret_trail};
  struct lines lines = {.until = 0};
  *ret_trail = (struct chart_trail){.case_id = t.wanted,
                                    .active = ARENA_ARRAY(arena, bool, states),
                                    .visited = ARENA_ARRAY(arena, bool, states),
                                    .taken = ARENA_ARRAY(arena, const struct node *, TAKEN_MAX)};
  t.left = ARENA_ARRAY(arena, bool, states);
  arena_init(&t.arena, 0);
  arena_init(&lines.arena, 0);
  writer_init(&lines.events);
  int code = find(&t, request, &lines);
  writer_finish(&lines.events);
  arena_finish(&lines.arena);
  arena_finish(&t.arena);
  return code;
}
