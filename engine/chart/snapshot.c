/*
 * A session as bytes.
 *
 *   "KCS" version
 *
 * Version 2, what chart_session_save writes, numbers what the chart has. It belongs to the chart that it was made
 * with: the fingerprint says so. Numbers are varints; texts blobs.
 *
 *   session := fingerprint (u32) · parts · id · sends, invokes, children, timer order · active ·
 *              variables · strays · what `parts` names, in the order of enum snapshot_part
 *   active  := states                              only the innermost; the others follow from the chart
 *   states  := count · the first, then differences
 *   variables := one value each (keep.c)           strays := count · name and value of each
 *   histories := count · of each: its number, states
 *   entered := states       donedata := value      queue := count · events       timers, invocations := count · each
 *   event   := type (u8) · name · sendid · origin · origintype · invokeid (blobs) · data (value)
 *   timer   := due (zigzag) · order · record (blob, see send.c)
 *   invocation := its number · kind (u8) [· invokeid] [· source (blob)] [· session]
 *
 * Version 3 is the same of charts whose script defines functions: what names one stands among the variables.
 *
 * Version 1, what chart_session_save_named writes, says everything by name and can be read by another chart, as long as
 * what the session is in exists there and makes a legal configuration:
 *
 *   session := status (u8) · id · sends, invokes, children, timer order · active · histories · entered ·
 *              data (a map) · done data (value) · internal queue · external queue · timers · invocations
 *   states  := count · ids (blobs)
 *   invocation := state, element name, literal id (blobs) · ordinal · invokeid · kind (u8) [· source] [· session]
 *
 * The order of everything is fixed, so equal sessions give equal bytes. Records nest as deep as invocations may,
 * CHART_NESTING_MAX. restore.c reads both.
 */
#include "chart/session.h"

struct saving {
  struct writer *w;
  struct arena *arena;
  struct fault *fault;
  bool named;
};

/* --- states --- */

enum members { MEMBERS_ALL, MEMBERS_INNERMOST };

static void write_state(struct saving *v, const struct chart_session *s, uint32_t state) {
  if (v->named) {
    writer_blob(v->w, s->chart->states[state].id);
  } else {
    writer_varint(v->w, state);
  }
}

/* The first state at or after `from` that is told, or NONE: all are wanted, or no other member lies inside it, which
 * then would be the next. */
static uint32_t next_told(const struct chart_session *s, const bits_word *set, uint32_t from, enum members which) {
  uint32_t end = s->chart->states_count;
  uint32_t state = bits_next(set, from, end);
  while (state != NONE && which == MEMBERS_INNERMOST) {
    uint32_t next = bits_next(set, state + 1, end);
    if (next == NONE || next > s->chart->states[state].last) {
      break;
    }
    state = next;
  }
  return state;
}

static void write_states(struct saving *v, const struct chart_session *s, const bits_word *set, enum members which) {
  uint32_t count = 0;
  for (uint32_t i = next_told(s, set, 0, which); i != NONE; i = next_told(s, set, i + 1, which)) {
    count++;
  }
  writer_varint(v->w, count);
  uint32_t before = 0;
  for (uint32_t i = next_told(s, set, 0, which); i != NONE; i = next_told(s, set, i + 1, which)) {
    if (v->named) {
      write_state(v, s, i);
    } else {
      writer_varint(v->w, i - before);
      before = i;
    }
  }
}

static uint32_t count_histories(const struct chart_session *s) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < s->chart->states_count; i++) {
    count += s->histories[i] != NULL;
  }
  return count;
}

static void write_histories(struct saving *v, const struct chart_session *s) {
  writer_varint(v->w, count_histories(s));
  for (uint32_t i = 0; i < s->chart->states_count; i++) {
    if (s->histories[i]) {
      write_state(v, s, i);
      write_states(v, s, s->histories[i], MEMBERS_ALL);
    }
  }
}

/* --- events --- */

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

/* What an ended session would have sent is sent no more. */
static uint32_t count_timers(const struct chart_session *s) {
  return s->status == SESSION_ENDED ? 0 : s->timers_count;
}

static void write_timers(struct saving *v, const struct chart_session *s) {
  uint32_t count = count_timers(s);
  writer_varint(v->w, count);
  for (uint32_t i = 0; i < count; i++) {
    writer_zigzag(v->w, s->timers[i].due);
    writer_varint(v->w, s->timers[i].order);
    writer_blob(v->w, s->timers[i].record);
  }
}

/* --- invocations --- */

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

static enum snapshot_kind kind_of_invocation(const struct invocation *invocation) {
  if (!invocation->is_chart) {
    return KIND_HOST;
  }
  if (!invocation->child) {
    return KIND_CHART_ENDED;
  }
  return invocation->child->own_chart ? KIND_CHART_OF_SOURCE : KIND_CHART;
}

static void write_invocation_named(struct saving *v, const struct chart_session *s, const struct invocation *invocation,
                                   enum snapshot_kind kind) {
  writer_blob(v->w, s->chart->states[invocation->invoke->state].id);
  writer_blob(v->w, invocation->invoke->name);
  writer_blob(v->w, invocation->invoke->id.text);
  writer_varint(v->w, ordinal_of(s->chart, invocation->invoke));
  writer_blob(v->w, invocation->id);
  writer_u8(v->w, (uint8_t)kind);
}

static void write_invocation_numbered(struct saving *v, const struct chart_session *s,
                                      const struct invocation *invocation, enum snapshot_kind kind) {
  bool literal = span_equal(invocation->id, invocation->invoke->id.text);
  writer_varint(v->w, (uint64_t)(invocation->invoke - s->chart->invokes));
  writer_u8(v->w, (uint8_t)((int)kind | (literal ? KIND_LITERAL_ID : 0)));
  if (!literal) {
    writer_blob(v->w, invocation->id);
  }
}

static enum err write_invocations(struct saving *v, struct chart_session *s) {
  writer_varint(v->w, s->invocations_count);
  for (uint32_t i = 0; i < s->invocations_count; i++) {
    const struct invocation *invocation = &s->invocations[i];
    enum snapshot_kind kind = kind_of_invocation(invocation);
    (v->named ? write_invocation_named : write_invocation_numbered)(v, s, invocation, kind);
    if (kind == KIND_CHART_OF_SOURCE) {
      writer_blob(v->w, invocation->child->own_source);
    }
    if (invocation->child) {
      TRY(write_session(v, invocation->child));
    }
  }
  return ERR_OK;
}

/* --- sessions --- */

static void write_counters(struct saving *v, const struct chart_session *s) {
  writer_blob(v->w, s->id);
  writer_varint(v->w, s->sends_count);
  writer_varint(v->w, s->invokes_count);
  writer_varint(v->w, s->children_count);
  writer_varint(v->w, s->timer_order);
}

static enum err write_named(struct saving *v, struct chart_session *s) {
  struct value data;
  TRY(variables_save_map(s, v->arena, &data, v->fault));
  writer_u8(v->w, (uint8_t)s->status);
  write_counters(v, s);
  write_states(v, s, s->config, MEMBERS_INNERMOST);
  write_histories(v, s);
  write_states(v, s, s->entered, MEMBERS_ALL);
  value_encode(&data, v->w);
  value_encode(&s->donedata, v->w);
  write_queue(v, &s->internal);
  write_queue(v, &s->external);
  write_timers(v, s);
  return write_invocations(v, s);
}

static unsigned parts_of(const struct chart_session *s) {
  unsigned parts = s->status == SESSION_ENDED ? PART_ENDED : 0;
  parts |= count_histories(s) > 0 ? PART_HISTORIES : 0;
  parts |= bits_next(s->entered, 0, s->chart->states_count) != NONE ? PART_ENTERED : 0;
  parts |= s->donedata.kind != VALUE_NIL ? PART_DONEDATA : 0;
  parts |= s->internal.count > 0 ? PART_INTERNAL : 0;
  parts |= s->external.count > 0 ? PART_EXTERNAL : 0;
  parts |= count_timers(s) > 0 ? PART_TIMERS : 0;
  parts |= s->invocations_count > 0 ? PART_INVOCATIONS : 0;
  return parts;
}

static enum err write_numbered(struct saving *v, struct chart_session *s) {
  unsigned parts = parts_of(s);
  writer_u32be(v->w, s->chart->fingerprint);
  writer_varint(v->w, parts);
  write_counters(v, s);
  write_states(v, s, s->config, MEMBERS_INNERMOST);
  TRY(variables_save(s, v->w, v->fault));
  if (parts & PART_HISTORIES) {
    write_histories(v, s);
  }
  if (parts & PART_ENTERED) {
    write_states(v, s, s->entered, MEMBERS_ALL);
  }
  if (parts & PART_DONEDATA) {
    value_encode(&s->donedata, v->w);
  }
  if (parts & PART_INTERNAL) {
    write_queue(v, &s->internal);
  }
  if (parts & PART_EXTERNAL) {
    write_queue(v, &s->external);
  }
  if (parts & PART_TIMERS) {
    write_timers(v, s);
  }
  return parts & PART_INVOCATIONS ? write_invocations(v, s) : ERR_OK;
}

static enum err write_session(struct saving *v, struct chart_session *s) {
  script_enter(s);
  return v->named ? write_named(v, s) : write_numbered(v, s);
}

static bool any_defines(struct chart_session *session) {
  struct chart_session *s = session;
  while (s && s->chart->defined_count == 0) {
    s = session_next(session, s);
  }
  return s != NULL;
}

static enum err save(struct chart_session *session, bool named, struct writer *w, struct fault *fault) {
  ASSERT(!session->call && session->root == session && session->status != SESSION_NEW);
  sandbox_refill(session->worker);
  arena_reset(&session->worker->scratch);
  struct saving v = {w, &session->worker->scratch, fault, named};
  writer_raw(w, SPAN_LITERAL(SNAPSHOT_MAGIC));
  writer_u8(w, named ? SNAPSHOT_NAMED : any_defines(session) ? SNAPSHOT_FUNCTIONS : SNAPSHOT_NUMBERED);
  return write_session(&v, session);
}

enum err chart_session_save(struct chart_session *session, struct writer *w, struct fault *fault) {
  return save(session, false, w, fault);
}

enum err chart_session_save_named(struct chart_session *session, struct writer *w, struct fault *fault) {
  return save(session, true, w, fault);
}
