/*
 * A session as bytes.
 *
 *   "KCS" version
 *   session := status (u8) · id (blob) · sends, invokes, children, timer order (varints) · names active ·
 *              histories · names entered · data (value) · done data (value) · internal queue · external queue ·
 *              timers · invocations
 *   names   := count · ids of states (blobs)             only the innermost for `active`; ancestors follow from the
 * chart history := id · names event   := type (u8) · name · sendid · origin · origintype · invokeid (blobs) · data
 * (value) timer   := due (zigzag) · order (varint) · record (blob, see send.c) invocation := state, element name,
 * literal id (blobs) · ordinal (varint) · invokeid (blob) · kind (u8) [· source (blob)] [· session]
 *
 * States and invocations are found by name, so a session goes on in a changed chart as long as what it is in still
 * exists and makes a legal configuration there; otherwise it is a conflict. The order of everything is fixed, so equal
 * sessions give equal bytes. Records nest as deep as invocations may, CHART_NESTING_MAX.
 */
#include "chart/session.h"

enum { VERSION = 1 };
#define MAGIC "KCS"

enum kind { KIND_HOST, KIND_CHART_ENDED, KIND_CHART, KIND_CHART_OF_SOURCE, KINDS_COUNT };

/* --- saving --- */

struct saving {
  struct writer *w;
  struct arena *arena;
  struct fault *fault;
};

enum names { NAMES_ALL, NAMES_INNERMOST };

/* A member is told if all are wanted or if no other member lies inside it. */
static bool is_told(const struct chart_session *s, const bits_word *set, uint32_t state, enum names which) {
  return which == NAMES_ALL || bits_next(set, state + 1, s->chart->states[state].last + 1) == NONE;
}

static void write_names(struct saving *v, const struct chart_session *s, const bits_word *set, enum names which) {
  uint32_t end = s->chart->states_count;
  uint32_t count = 0;
  for (uint32_t i = bits_next(set, 0, end); i != NONE; i = bits_next(set, i + 1, end)) {
    count += is_told(s, set, i, which);
  }
  writer_varint(v->w, count);
  for (uint32_t i = bits_next(set, 0, end); i != NONE; i = bits_next(set, i + 1, end)) {
    if (is_told(s, set, i, which)) {
      writer_blob(v->w, s->chart->states[i].id);
    }
  }
}

static void write_histories(struct saving *v, const struct chart_session *s) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < s->chart->states_count; i++) {
    count += s->histories[i] != NULL;
  }
  writer_varint(v->w, count);
  for (uint32_t i = 0; i < s->chart->states_count; i++) {
    if (s->histories[i]) {
      writer_blob(v->w, s->chart->states[i].id);
      write_names(v, s, s->histories[i], NAMES_ALL);
    }
  }
}

static void write_queue(struct saving *v, const struct queue *queue) {
  writer_varint(v->w, queue->count);
  for (const struct event *event = queue->first; event; event = event->next) {
    writer_u8(v->w, (uint8_t)event->type);
    writer_blob(v->w, event->name);
    writer_blob(v->w, event->sendid);
    writer_blob(v->w, event->origin);
    writer_blob(v->w, event->origintype);
    writer_blob(v->w, event->invokeid);
    value_encode(&event->data, v->w);
  }
}

static void write_timers(struct saving *v, const struct chart_session *s) {
  uint32_t count = s->status == SESSION_ENDED ? 0 : s->timers_count;
  writer_varint(v->w, count);
  for (uint32_t i = 0; i < count; i++) {
    writer_zigzag(v->w, s->timers[i].due);
    writer_varint(v->w, s->timers[i].order);
    writer_blob(v->w, s->timers[i].record);
  }
}

/* The place of an invocation among those of its state with the same name and literal id. */
static uint32_t ordinal_of(const struct chart *chart, const struct invoke *invoke) {
  uint32_t ordinal = 0;
  struct range range = chart->states[invoke->state].invokes;
  for (uint32_t i = range.first; &chart->invokes[i] != invoke; i++) {
    const struct invoke *other = &chart->invokes[i];
    ordinal += span_equal(other->name, invoke->name) && span_equal(other->id.text, invoke->id.text);
  }
  return ordinal;
}

static enum err write_session(struct saving *v, struct chart_session *s);

static enum kind kind_of_invocation(const struct invocation *invocation) {
  if (!invocation->is_chart) {
    return KIND_HOST;
  }
  if (!invocation->child) {
    return KIND_CHART_ENDED;
  }
  return invocation->child->own_chart ? KIND_CHART_OF_SOURCE : KIND_CHART;
}

static enum err write_invocations(struct saving *v, struct chart_session *s) {
  writer_varint(v->w, s->invocations_count);
  for (uint32_t i = 0; i < s->invocations_count; i++) {
    const struct invocation *invocation = &s->invocations[i];
    enum kind kind = kind_of_invocation(invocation);
    writer_blob(v->w, s->chart->states[invocation->invoke->state].id);
    writer_blob(v->w, invocation->invoke->name);
    writer_blob(v->w, invocation->invoke->id.text);
    writer_varint(v->w, ordinal_of(s->chart, invocation->invoke));
    writer_blob(v->w, invocation->id);
    writer_u8(v->w, (uint8_t)kind);
    if (kind == KIND_CHART_OF_SOURCE) {
      writer_blob(v->w, invocation->child->own_source);
    }
    if (invocation->child) {
      TRY(write_session(v, invocation->child));
    }
  }
  return ERR_OK;
}

static enum err write_session(struct saving *v, struct chart_session *s) {
  struct value data;
  script_enter(s);
  TRY(script_save(s, v->arena, &data, v->fault));
  writer_u8(v->w, (uint8_t)s->status);
  writer_blob(v->w, s->id);
  writer_varint(v->w, s->sends_count);
  writer_varint(v->w, s->invokes_count);
  writer_varint(v->w, s->children_count);
  writer_varint(v->w, s->timer_order);
  write_names(v, s, s->config, NAMES_INNERMOST);
  write_histories(v, s);
  write_names(v, s, s->entered, NAMES_ALL);
  value_encode(&data, v->w);
  value_encode(&s->donedata, v->w);
  write_queue(v, &s->internal);
  write_queue(v, &s->external);
  write_timers(v, s);
  return write_invocations(v, s);
}

enum err chart_session_save(struct chart_session *session, struct writer *w, struct fault *fault) {
  ASSERT(!session->call && session->root == session && session->status != SESSION_NEW);
  sandbox_refill(session->worker);
  arena_reset(&session->worker->scratch);
  struct saving v = {w, &session->worker->scratch, fault};
  writer_raw(w, SPAN_LITERAL(MAGIC));
  writer_u8(w, VERSION);
  return write_session(&v, session);
}

/* --- restoring --- */

struct restoring {
  struct reader *r;
  struct arena *arena;
  struct fault *fault;
};

static enum err corrupt(struct restoring *v, const char *what) {
  return fault_set(v->fault, ERR_CORRUPT, "the snapshot is damaged: %s", what);
}

static enum err read_state(struct restoring *v, const struct chart_session *s, uint32_t *ret_state) {
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

static enum err read_names(struct restoring *v, const struct chart_session *s, bits_word *set) {
  uint64_t count = reader_varint(v->r);
  for (uint64_t i = 0; i < count; i++) {
    uint32_t state = 0;
    TRY(read_state(v, s, &state));
    bits_add(set, state);
  }
  return v->r->failed ? corrupt(v, "states") : ERR_OK;
}

static void add_ancestors(struct chart_session *s) {
  for (uint32_t i = s->chart->states_count; i-- > 1;) {
    if (bits_get(s->config, i)) {
      bits_add(s->config, s->chart->states[i].parent);
    }
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
  for (uint32_t i = 0; i < s->chart->states_count; i++) {
    if ((i == 0 || bits_get(s->config, i)) && !is_legal_state(s, i)) {
      return fault_set(v->fault, ERR_CONFLICT, "the chart has no such configuration: see \"%.*s\"",
                       SPAN_ARG(s->chart->states[i].id));
    }
  }
  if (s->status != SESSION_ENDED) {
    return ERR_OK;
  }
  s->reached = bits_previous(s->config, 1, s->chart->states_count);
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
  TRY(read_names(v, s, record));
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

static enum err read_data(struct restoring *v, struct chart_session *s) {
  struct value data;
  TRY(read_value(v, s, &data));
  if (data.kind != VALUE_MAP) {
    return corrupt(v, "data");
  }
  script_enter(s);
  struct fault inner = {0};
  enum err err = script_restore(s, &data, &inner);
  if (err == ERR_SCRIPT) {
    return corrupt(v, inner.text);
  }
  return err == ERR_OK ? ERR_OK : fault_set(v->fault, err, "%s", inner.text);
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

static enum err read_invoke(struct restoring *v, struct chart_session *s, const struct invoke **ret_invoke) {
  uint32_t state = 0;
  TRY(read_state(v, s, &state));
  struct span name = reader_blob(v->r);
  struct span id = reader_blob(v->r);
  uint64_t ordinal = reader_varint(v->r);
  if (v->r->failed) {
    return corrupt(v, "invocations");
  }
  *ret_invoke = find_invoke(s->chart, state, name, id, ordinal);
  if (!*ret_invoke || !bits_get(s->config, state)) {
    return fault_set(v->fault, ERR_CONFLICT, "the chart has no <%.*s> \"%.*s\" in \"%.*s\"", SPAN_ARG(name),
                     SPAN_ARG(id), SPAN_ARG(s->chart->states[state].id));
  }
  return ERR_OK;
}

static enum err read_session(struct restoring *v, struct chart_session *s);

/* The chart of a nested session: that of the invocation, or one compiled from the source in the snapshot. */
static enum err find_child_chart(struct restoring *v, struct chart_session *s, const struct invoke *invoke,
                                 enum kind kind, struct span source, struct chart **ret_own,
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
                           enum kind kind) {
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
  const struct invoke *invoke = NULL;
  TRY(read_invoke(v, s, &invoke));
  struct span id = reader_blob(v->r);
  uint8_t kind = reader_u8(v->r);
  if (v->r->failed || kind >= KINDS_COUNT) {
    return corrupt(v, "invocations");
  }
  struct invocation *invocation = invocation_add(s, invoke, id);
  invocation->is_chart = kind != KIND_HOST;
  if (kind == KIND_CHART || kind == KIND_CHART_OF_SOURCE) {
    return read_child(v, s, invocation, (enum kind)kind);
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

static enum err read_session(struct restoring *v, struct chart_session *s) {
  uint8_t status = reader_u8(v->r);
  struct span id = reader_blob(v->r);
  if (v->r->failed || (status != SESSION_RUNNING && status != SESSION_ENDED)) {
    return corrupt(v, "status");
  }
  s->status = (enum session_status)status;
  span_disown(&s->id);
  s->id = span_own(id);
  s->sends_count = reader_varint(v->r);
  s->invokes_count = reader_varint(v->r);
  s->children_count = reader_varint(v->r);
  s->timer_order = reader_varint(v->r);
  TRY(read_names(v, s, s->config));
  TRY(check_configuration(v, s));
  TRY(read_histories(v, s));
  TRY(read_names(v, s, s->entered));
  TRY(read_data(v, s));
  struct value donedata;
  TRY(read_value(v, s, &donedata));
  s->donedata = value_copy(&s->done_arena, &donedata);
  TRY(read_queue(v, s, &s->internal));
  TRY(read_queue(v, s, &s->external));
  TRY(read_timers(v, s));
  return read_invocations(v, s);
}

static enum err read_snapshot(struct restoring *v, struct chart_session *s) {
  struct span magic = reader_raw(v->r, sizeof(MAGIC) - 1);
  uint8_t version = reader_u8(v->r);
  if (v->r->failed || !span_is(magic, MAGIC)) {
    return corrupt(v, "it is no snapshot");
  }
  if (version != VERSION) {
    return fault_set(v->fault, ERR_VERSION, "snapshot version %u is not understood", version);
  }
  return read_session(v, s);
}

enum err chart_session_restore(struct chart_worker *worker, const struct chart *chart, struct reader *r,
                               struct chart_session **ret_session, struct fault *fault) {
  struct chart_session *s;
  TRY(chart_session_create(worker, chart, span_of(NULL, 0), &s));
  sandbox_refill(worker);
  struct restoring v = {r, &s->arena, fault};
  enum err err = read_snapshot(&v, s);
  if (err != ERR_OK) {
    session_destroy(s);
    return err;
  }
  *ret_session = s;
  return ERR_OK;
}
