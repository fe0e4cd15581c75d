/*
 * A session from bytes: both versions of snapshot.c.
 *
 * The reader does not believe what it reads: numbers and names must be the chart's, the configuration a legal one,
 * variables in the form that keep.c writes. Bytes that no save made are ERR_CORRUPT, those of another chart
 * ERR_CONFLICT.
 */
#include "chart/session.h"

struct restoring {
  struct reader *r;
  struct arena *arena;
  struct fault *fault;
  bool named;
};

static enum err corrupt(struct restoring *v, const char *what) {
  return fault_set(v->fault, ERR_CORRUPT, "the snapshot is damaged: %s", what);
}

static enum err read_state_named(struct restoring *v, const struct chart_session *s, uint32_t *ret_state) {
  struct span id = reader_blob(v->r);
  if (v->r->failed) {
    return corrupt(v, "states");
  }
  *ret_state = chart_state_find(s->chart, id);
  if (*ret_state == NONE) {
    return fault_set(v->fault, ERR_CONFLICT, "the chart has no state \"%.*s\"", SPAN_ARG(id));
  }
  return ERR_OK;
}

static enum err read_state(struct restoring *v, const struct chart_session *s, uint32_t *ret_state) {
  if (v->named) {
    return read_state_named(v, s, ret_state);
  }
  uint64_t state = reader_varint(v->r);
  if (v->r->failed || state >= s->chart->states_count) {
    return corrupt(v, "states");
  }
  *ret_state = (uint32_t)state;
  return ERR_OK;
}

static enum err read_states_named(struct restoring *v, const struct chart_session *s, uint64_t count, bits_word *set) {
  for (uint64_t i = 0; i < count; i++) {
    uint32_t state = 0;
    TRY(read_state_named(v, s, &state));
    bits_add(set, state);
  }
  return ERR_OK;
}

static enum err read_states(struct restoring *v, const struct chart_session *s, bits_word *set) {
  uint64_t count = reader_varint(v->r);
  if (v->named && !v->r->failed) {
    return read_states_named(v, s, count, set);
  }
  uint64_t state = 0;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t difference = reader_varint(v->r);
    if (v->r->failed || (i > 0 && difference == 0) || difference >= s->chart->states_count - state) {
      return corrupt(v, "states");
    }
    state += difference;
    bits_add(set, (uint32_t)state);
  }
  return v->r->failed ? corrupt(v, "states") : ERR_OK;
}

static void add_ancestors(struct chart_session *s) {
  uint32_t end = s->chart->states_count;
  for (uint32_t i = bits_previous(s->config, 1, end); i != NONE; i = bits_previous(s->config, 1, i)) {
    bits_add(s->config, s->chart->states[i].parent);
  }
}

static bool is_legal_state(const struct chart_session *s, uint32_t state) {
  const struct state *states = s->chart->states;
  uint32_t active = 0;
  uint32_t regions = 0;
  for (uint32_t i = state + 1; i <= states[state].last; i = states[i].last + 1) {
    regions += !state_is_history(&states[i]);
    active += bits_get(s->config, i);
  }
  switch (states[state].kind) {
  case STATE_ROOT:
  case STATE_COMPOUND:
    return active == 1;
  case STATE_PARALLEL:
    return active == regions;
  default:
    return !state_is_history(&states[state]);
  }
}

/* Section 3.11: a configuration of the chart as it is now. */
static enum err check_configuration(struct restoring *v, struct chart_session *s) {
  add_ancestors(s);
  uint32_t end = s->chart->states_count;
  for (uint32_t i = 0; i != NONE; i = bits_next(s->config, i + 1, end)) {
    if (!is_legal_state(s, i)) {
      return fault_set(v->fault, ERR_CONFLICT, "the chart has no such configuration: see \"%.*s\"",
                       SPAN_ARG(s->chart->states[i].id));
    }
  }
  if (s->status != SESSION_ENDED) {
    return ERR_OK;
  }
  s->reached = bits_previous(s->config, 1, end);
  bool final = s->chart->states[s->reached].kind == STATE_FINAL && s->chart->states[s->reached].parent == 0;
  bits_remove(s->config, 0);
  return final ? ERR_OK : corrupt(v, "the final state");
}

static enum err read_history(struct restoring *v, struct chart_session *s) {
  uint32_t history = 0;
  TRY(read_state(v, s, &history));
  if (!state_is_history(&s->chart->states[history])) {
    return fault_set(v->fault, ERR_CONFLICT, "\"%.*s\" is no history", SPAN_ARG(s->chart->states[history].id));
  }
  bits_word *record = s->history_room[history];
  TRY(read_states(v, s, record));
  uint32_t parent = s->chart->states[history].parent;
  uint32_t end = s->chart->states_count;
  for (uint32_t i = bits_next(record, 0, end); i != NONE; i = bits_next(record, i + 1, end)) {
    if (!is_below(s->chart, i, parent) || state_is_history(&s->chart->states[i])) {
      return fault_set(v->fault, ERR_CONFLICT, "a history names \"%.*s\"", SPAN_ARG(s->chart->states[i].id));
    }
  }
  if (bits_next(record, 0, end) == NONE) {
    return corrupt(v, "an empty history");
  }
  s->histories[history] = record;
  return ERR_OK;
}

static enum err read_histories(struct restoring *v, struct chart_session *s) {
  uint64_t count = reader_varint(v->r);
  for (uint64_t i = 0; i < count; i++) {
    TRY(read_history(v, s));
  }
  return v->r->failed ? corrupt(v, "histories") : ERR_OK;
}

static enum err read_value(struct restoring *v, struct chart_session *s, struct value *ret_value) {
  return value_decode(v->r, &s->arena, ret_value) == ERR_OK ? ERR_OK : corrupt(v, "data");
}

static enum err fault_of_data(struct restoring *v, enum err err, const struct fault *inner) {
  bool damaged = err == ERR_SCRIPT || err == ERR_CORRUPT;
  return damaged ? corrupt(v, inner->text[0] ? inner->text : "data") : fault_set(v->fault, err, "%s", inner->text);
}

static enum err read_data_named(struct restoring *v, struct chart_session *s) {
  struct value data;
  TRY(read_value(v, s, &data));
  if (data.kind != VALUE_MAP) {
    return corrupt(v, "data");
  }
  struct fault inner = {0};
  script_enter(s);
  enum err err = variables_restore_map(s, &data, &inner);
  return err == ERR_OK ? ERR_OK : fault_of_data(v, err, &inner);
}

static enum err read_data(struct restoring *v, struct chart_session *s) {
  struct fault inner = {0};
  script_enter(s);
  enum err err = variables_restore(s, v->r, &inner);
  return err == ERR_OK ? ERR_OK : fault_of_data(v, err, &inner);
}

static enum err read_donedata(struct restoring *v, struct chart_session *s) {
  struct value donedata;
  TRY(read_value(v, s, &donedata));
  s->donedata = value_copy(&s->done_arena, &donedata);
  return ERR_OK;
}

static enum err read_event(struct restoring *v, struct chart_session *s, struct queue *queue) {
  uint8_t type = reader_u8(v->r);
  struct span texts[5];
  for (size_t i = 0; i < 5; i++) {
    texts[i] = arena_copy(&s->arena, reader_blob(v->r));
  }
  struct value data;
  TRY(read_value(v, s, &data));
  if (type > EVENT_EXTERNAL) {
    return corrupt(v, "an event");
  }
  struct event *event = event_create(s, (enum event_type)type, texts[0]);
  event->sendid = texts[1];
  event->origin = texts[2];
  event->origintype = texts[3];
  event->invokeid = texts[4];
  event->data = value_copy(&s->arena, &data);
  enum err err = queue == &s->internal ? queue_internal(s, event) : queue_external(s, event);
  return err == ERR_OK ? ERR_OK : corrupt(v, "too many events");
}

static enum err read_queue(struct restoring *v, struct chart_session *s, struct queue *queue) {
  uint64_t count = reader_varint(v->r);
  for (uint64_t i = 0; i < count; i++) {
    TRY(read_event(v, s, queue));
  }
  return v->r->failed ? corrupt(v, "events") : ERR_OK;
}

static enum err read_timers(struct restoring *v, struct chart_session *s) {
  uint64_t count = reader_varint(v->r);
  for (uint64_t i = 0; i < count; i++) {
    civil_moment due = reader_zigzag(v->r);
    uint64_t order = reader_varint(v->r);
    struct span record = reader_blob(v->r);
    if (v->r->failed || !timer_record_valid(record, &s->arena) || timer_add(s, due, order, record) != ERR_OK) {
      return corrupt(v, "delayed events");
    }
  }
  return v->r->failed ? corrupt(v, "delayed events") : ERR_OK;
}

/* --- invocations --- */

static const struct invoke *find_invoke(const struct chart *chart, uint32_t state, struct span name, struct span id,
                                        uint64_t ordinal) {
  struct range range = chart->states[state].invokes;
  for (uint32_t i = range.first; i < range.end; i++) {
    const struct invoke *invoke = &chart->invokes[i];
    if (span_equal(invoke->name, name) && span_equal(invoke->id.text, id) && ordinal-- == 0) {
      return invoke;
    }
  }
  return NULL;
}

/* What stands before the rest of an invocation. */
struct invocation_head {
  const struct invoke *invoke;
  struct span id;
  enum snapshot_kind kind;
};

static enum err read_head_named(struct restoring *v, struct chart_session *s, struct invocation_head *head) {
  uint32_t state = 0;
  TRY(read_state(v, s, &state));
  struct span name = reader_blob(v->r);
  struct span id = reader_blob(v->r);
  uint64_t ordinal = reader_varint(v->r);
  if (v->r->failed) {
    return corrupt(v, "invocations");
  }
  head->invoke = find_invoke(s->chart, state, name, id, ordinal);
  if (!head->invoke || !bits_get(s->config, state)) {
    return fault_set(v->fault, ERR_CONFLICT, "the chart has no <%.*s> \"%.*s\" in \"%.*s\"", SPAN_ARG(name),
                     SPAN_ARG(id), SPAN_ARG(s->chart->states[state].id));
  }
  head->id = reader_blob(v->r);
  uint8_t kind = reader_u8(v->r);
  head->kind = (enum snapshot_kind)kind;
  return v->r->failed || kind >= KINDS_COUNT ? corrupt(v, "invocations") : ERR_OK;
}

static enum err read_head_numbered(struct restoring *v, struct chart_session *s, struct invocation_head *head) {
  uint64_t number = reader_varint(v->r);
  uint8_t kind = reader_u8(v->r);
  bool literal = (kind & KIND_LITERAL_ID) != 0;
  kind &= KIND_LITERAL_ID - 1;
  if (v->r->failed || number >= s->chart->invokes_count || kind >= KINDS_COUNT) {
    return corrupt(v, "invocations");
  }
  head->invoke = &s->chart->invokes[number];
  head->kind = (enum snapshot_kind)kind;
  head->id = literal ? head->invoke->id.text : reader_blob(v->r);
  return v->r->failed || !bits_get(s->config, head->invoke->state) ? corrupt(v, "invocations") : ERR_OK;
}

static enum err read_session(struct restoring *v, struct chart_session *s);

/* The chart of a nested session: that of the invocation, or one compiled from the source in the snapshot. */
static enum err find_child_chart(struct restoring *v, struct chart_session *s, const struct invoke *invoke,
                                 enum snapshot_kind kind, struct span source, struct chart **ret_own,
                                 const struct chart **ret_chart) {
  *ret_own = NULL;
  if (kind == KIND_CHART_OF_SOURCE) {
    TRY(invoke_compile_child(s, source, ret_own, v->fault));
    *ret_chart = *ret_own;
    return ERR_OK;
  }
  *ret_chart = invoke->nested;
  if (!invoke->nested || !span_empty(invoke->nested->problem)) {
    return fault_set(v->fault, ERR_CONFLICT, "an invocation has no chart any more");
  }
  return ERR_OK;
}

static enum err read_child(struct restoring *v, struct chart_session *s, struct invocation *invocation,
                           enum snapshot_kind kind) {
  struct span source = kind == KIND_CHART_OF_SOURCE ? reader_blob(v->r) : span_of(NULL, 0);
  if (v->r->failed || s->nesting + 1 >= CHART_NESTING_MAX) {
    return corrupt(v, "invocations");
  }
  struct chart *own;
  const struct chart *chart;
  TRY(find_child_chart(v, s, invocation->invoke, kind, source, &own, &chart));
  struct chart_session *child;
  enum err err = session_create_child(s, chart, invocation->invoke, span_of(NULL, 0), invocation->id, &child);
  if (err != ERR_OK) {
    chart_destroy(&own);
    return fault_set(v->fault, err, "the session cannot be made");
  }
  child->own_chart = own;
  child->own_source = span_own(source);
  invocation->child = child;
  TRY(read_session(v, child));
  return child->status == SESSION_RUNNING ? ERR_OK : corrupt(v, "a nested session");
}

static enum err read_invocation(struct restoring *v, struct chart_session *s) {
  struct invocation_head head = {0};
  TRY((v->named ? read_head_named : read_head_numbered)(v, s, &head));
  struct invocation *invocation = invocation_add(s, head.invoke, head.id);
  invocation->is_chart = head.kind != KIND_HOST;
  if (head.kind == KIND_CHART || head.kind == KIND_CHART_OF_SOURCE) {
    return read_child(v, s, invocation, head.kind);
  }
  return ERR_OK;
}

static enum err read_invocations(struct restoring *v, struct chart_session *s) {
  uint64_t count = reader_varint(v->r);
  if (count > s->worker->limits.queue_max) {
    return corrupt(v, "invocations");
  }
  for (uint64_t i = 0; i < count; i++) {
    TRY(read_invocation(v, s));
  }
  return v->r->failed ? corrupt(v, "invocations") : ERR_OK;
}

/* --- sessions --- */

static enum err read_counters(struct restoring *v, struct chart_session *s) {
  struct span id = reader_blob(v->r);
  if (v->r->failed) {
    return corrupt(v, "status");
  }
  span_disown(&s->id);
  s->id = span_own(id);
  s->sends_count = reader_varint(v->r);
  s->invokes_count = reader_varint(v->r);
  s->children_count = reader_varint(v->r);
  s->timer_order = reader_varint(v->r);
  return ERR_OK;
}

static enum err read_named(struct restoring *v, struct chart_session *s) {
  uint8_t status = reader_u8(v->r);
  if (v->r->failed || (status != SESSION_RUNNING && status != SESSION_ENDED)) {
    return corrupt(v, "status");
  }
  s->status = (enum session_status)status;
  TRY(read_counters(v, s));
  TRY(read_states(v, s, s->config));
  TRY(check_configuration(v, s));
  TRY(read_histories(v, s));
  TRY(read_states(v, s, s->entered));
  TRY(read_data_named(v, s));
  TRY(read_donedata(v, s));
  TRY(read_queue(v, s, &s->internal));
  TRY(read_queue(v, s, &s->external));
  TRY(read_timers(v, s));
  return read_invocations(v, s);
}

static enum err read_parts(struct restoring *v, struct chart_session *s, unsigned parts) {
  if (parts & PART_HISTORIES) {
    TRY(read_histories(v, s));
  }
  if (parts & PART_ENTERED) {
    TRY(read_states(v, s, s->entered));
  }
  if (parts & PART_DONEDATA) {
    TRY(read_donedata(v, s));
  }
  if (parts & PART_INTERNAL) {
    TRY(read_queue(v, s, &s->internal));
  }
  if (parts & PART_EXTERNAL) {
    TRY(read_queue(v, s, &s->external));
  }
  if (parts & PART_TIMERS) {
    TRY(read_timers(v, s));
  }
  return parts & PART_INVOCATIONS ? read_invocations(v, s) : ERR_OK;
}

static enum err read_numbered(struct restoring *v, struct chart_session *s) {
  uint32_t fingerprint = reader_u32be(v->r);
  uint64_t parts = reader_varint(v->r);
  if (v->r->failed || parts >= PARTS_END) {
    return corrupt(v, "parts");
  }
  if (fingerprint != s->chart->fingerprint) {
    return fault_set(v->fault, ERR_CONFLICT, "the snapshot was made with another chart");
  }
  s->status = parts & PART_ENDED ? SESSION_ENDED : SESSION_RUNNING;
  TRY(read_counters(v, s));
  TRY(read_states(v, s, s->config));
  TRY(check_configuration(v, s));
  TRY(read_data(v, s));
  return read_parts(v, s, (unsigned)parts);
}

static enum err read_session(struct restoring *v, struct chart_session *s) {
  return v->named ? read_named(v, s) : read_numbered(v, s);
}

static enum err read_snapshot(struct restoring *v, struct chart_session *s) {
  struct span magic = reader_raw(v->r, sizeof(SNAPSHOT_MAGIC) - 1);
  uint8_t version = reader_u8(v->r);
  if (v->r->failed || !span_is(magic, SNAPSHOT_MAGIC)) {
    return corrupt(v, "it is no snapshot");
  }
  if (version < SNAPSHOT_NAMED || version > SNAPSHOT_FUNCTIONS) {
    return fault_set(v->fault, ERR_VERSION, "snapshot version %u is not understood", version);
  }
  v->named = version == SNAPSHOT_NAMED;
  return read_session(v, s);
}

enum err chart_session_restore(struct chart_worker *worker, const struct chart *chart, struct reader *r,
                               struct chart_session **ret_session, struct fault *fault) {
  struct chart_session *s;
  TRY(chart_session_create(worker, chart, span_of(NULL, 0), &s));
  sandbox_refill(worker);
  struct restoring v = {r, &s->arena, fault, false};
  enum err err = read_snapshot(&v, s);
  if (err != ERR_OK) {
    session_destroy(s);
    return err;
  }
  *ret_session = s;
  return ERR_OK;
}
