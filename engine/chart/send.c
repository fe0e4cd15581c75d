/*
 * <send>, its targets, delays and <cancel>.
 *
 * A send is evaluated at once, also when it is delayed (section 6.2.3). What is delayed becomes a record, a row of
 * blobs that a snapshot keeps as it is:
 *
 *   visible sendid, sendid, type, target, event (blobs) · line (varint) · data (value)
 *
 * The timers of a session stand in order of (due, order of sending); the order is counted by the root, so that the
 * timers of a whole tree fire in one sequence.
 */
#include <stdlib.h>

#include "chart/session.h"

struct outgoing {
  struct span visible; /* sendid as the receiver sees it: only an id that the author chose or asked for */
  struct span sendid;
  struct span type, target, event;
  uint32_t line;
  struct value data;
};

static bool is_scxml_type(struct span type) {
  return span_empty(type) || span_is(type, SCXML_PROCESSOR) || span_is(type, "scxml") ||
         span_is(type, "http://www.w3.org/TR/scxml/") || span_is(type, "http://www.w3.org/TR/scxml");
}

/* --- delivering --- */

static enum err to_session(struct chart_session *from, struct chart_session *to, const struct outgoing *out) {
  struct event *event = event_create(to, EVENT_EXTERNAL, arena_copy(&to->arena, out->event));
  event->data = value_copy(&to->arena, &out->data);
  event->sendid = arena_copy(&to->arena, out->visible);
  event->origin = arena_printf(&to->arena, SESSION_PREFIX "%.*s", SPAN_ARG(from->id));
  event->origintype = SPAN_LITERAL(SCXML_PROCESSOR);
  event->invokeid = to == from->parent ? arena_copy(&to->arena, from->invokeid) : span_of(NULL, 0);
  event->delivered = from->root->call->delivering;
  return queue_external(to, event);
}

static enum err to_internal(struct chart_session *s, const struct outgoing *out) {
  struct event *event = event_create(s, EVENT_INTERNAL, arena_copy(&s->arena, out->event));
  event->data = value_copy(&s->arena, &out->data);
  event->sendid = arena_copy(&s->arena, out->visible);
  return queue_internal(s, event);
}

static enum err to_host(struct chart_session *s, const struct outgoing *out, struct fault *fault) {
  const struct chart_host *host = s->root->call->host;
  if (!host || !host->send) {
    return fault_set_at(fault, ERR_UNSUPPORTED, out->line, 0, "nothing serves the type \"%.*s\"", SPAN_ARG(out->type));
  }
  const struct chart_send send = {out->sendid, out->type, out->target, out->event, out->line, out->data};
  fault->text[0] = '\0';
  enum err err = host->send(host->arg, &send, fault);
  if (err != ERR_OK && fault->text[0] == '\0') {
    (void)fault_set(fault, err, "the event was not accepted: %s", err_text(err));
  }
  fault->err = err;
  return err == ERR_LIMIT ? fault->err = ERR_SCRIPT : err;
}

static enum err to_invocation(struct chart_session *s, const struct outgoing *out, struct fault *fault) {
  struct span id = span_of(out->target.data + 2, out->target.size - 2);
  const struct invocation *invocation = invocation_find(s, id);
  if (invocation && invocation->child) {
    return to_session(s, invocation->child, out);
  }
  if (invocation && !invocation_is_chart(invocation)) {
    return to_host(s, out, fault);
  }
  return fault_set_at(fault, ERR_NOT_FOUND, out->line, 0, "no invocation \"%.*s\" is running", SPAN_ARG(id));
}

static enum err to_parent(struct chart_session *s, const struct outgoing *out, struct fault *fault) {
  if (!s->parent) {
    return fault_set_at(fault, ERR_NOT_FOUND, out->line, 0, "the session has no parent");
  }
  return to_session(s, s->parent, out);
}

static enum err to_named_session(struct chart_session *s, const struct outgoing *out, struct fault *fault) {
  size_t prefix = sizeof(SESSION_PREFIX) - 1;
  struct span id = span_of(out->target.data + prefix, out->target.size - prefix);
  struct chart_session *to = session_find(s->root, id);
  if (!to) {
    return fault_set_at(fault, ERR_NOT_FOUND, out->line, 0, "there is no session \"%.*s\"", SPAN_ARG(id));
  }
  return to_session(s, to, out);
}

/* Appendix C.1: the targets of the SCXML event processor. */
static enum err dispatch(struct chart_session *s, const struct outgoing *out, struct fault *fault) {
  if (!is_scxml_type(out->type)) {
    return to_host(s, out, fault);
  }
  if (span_empty(out->target)) {
    return to_session(s, s, out);
  }
  if (span_is(out->target, "#_internal")) {
    return to_internal(s, out);
  }
  if (s->detached) {
    return ERR_OK; /* section 6.4: nothing that a cancelled session sends is processed, under whatever name */
  }
  if (span_is(out->target, "#_parent")) {
    return to_parent(s, out, fault);
  }
  if (span_starts_with(out->target, SPAN_LITERAL(SESSION_PREFIX))) {
    return to_named_session(s, out, fault);
  }
  return to_invocation(s, out, fault);
}

/* --- delays --- */

static bool timer_before(const struct timer *a, const struct timer *b) {
  return a->due != b->due ? a->due < b->due : a->order < b->order;
}

enum err timer_add(struct chart_session *s, civil_moment due, uint64_t order, struct span record) {
  if (s->timers_count >= s->worker->limits.queue_max) {
    return ERR_LIMIT;
  }
  if (s->timers_count == s->timers_capacity) {
    uint32_t capacity = s->timers_capacity ? s->timers_capacity * 2 : 4;
    struct timer *timers = realloc(s->timers, capacity * sizeof(*timers));
    ASSERT(timers);
    s->timers = timers;
    s->timers_capacity = capacity;
  }
  struct timer timer = {due, order, span_own(record)};
  uint32_t at = s->timers_count++;
  for (; at > 0 && timer_before(&timer, &s->timers[at - 1]); at--) {
    s->timers[at] = s->timers[at - 1];
  }
  s->timers[at] = timer;
  return ERR_OK;
}

static void timer_remove(struct chart_session *s, uint32_t at) {
  span_disown(&s->timers[at].record);
  s->timers_count--;
  memmove(&s->timers[at], &s->timers[at + 1], (s->timers_count - at) * sizeof(*s->timers));
}

void timers_remove(struct chart_session *s) {
  while (s->timers_count > 0) {
    timer_remove(s, s->timers_count - 1);
  }
}

void timers_destroy(struct chart_session *s) {
  timers_remove(s);
  free(s->timers);
  s->timers = NULL;
}

static enum err delay(struct chart_session *s, const struct outgoing *out, int64_t delay_ms) {
  struct writer w;
  writer_init(&w);
  const struct span texts[] = {out->visible, out->sendid, out->type, out->target, out->event};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    writer_blob(&w, texts[i]);
  }
  writer_varint(&w, out->line);
  value_encode(&out->data, &w);
  civil_moment now = s->root->call->moment->now;
  civil_moment due;
  if (__builtin_add_overflow(now, delay_ms, &due)) {
    due = INT64_MAX;
  }
  enum err err = timer_add(s, due, s->root->timer_order++, writer_span(&w));
  writer_finish(&w);
  return err;
}

/* False for bytes that no `delay` wrote. */
static bool record_read(struct span record, struct arena *arena, struct outgoing *out) {
  struct reader r = reader_of(record);
  struct span *const texts[] = {&out->visible, &out->sendid, &out->type, &out->target, &out->event};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    *texts[i] = reader_blob(&r);
  }
  out->line = (uint32_t)reader_varint(&r);
  return value_decode(&r, arena, &out->data) == ERR_OK && reader_end(&r) == ERR_OK;
}

bool timer_record_valid(struct span record, struct arena *arena) {
  struct outgoing out;
  return record_read(record, arena, &out);
}

static struct span record_sendid(struct span record) {
  struct reader r = reader_of(record);
  (void)reader_blob(&r);
  return reader_blob(&r);
}

void send_cancel(struct chart_session *s, struct span sendid) {
  for (uint32_t i = s->timers_count; i-- > 0;) {
    if (span_equal(record_sendid(s->timers[i].record), sendid)) {
      timer_remove(s, i);
    }
  }
}

enum err send_fire(struct chart_session *s) {
  struct outgoing out;
  struct span record = arena_copy(&s->arena, s->timers[0].record);
  ASSERT(record_read(record, &s->arena, &out));
  timer_remove(s, 0);
  struct fault fault = {0};
  enum err err = dispatch(s, &out, &fault);
  if (err == ERR_LIMIT) {
    return call_limit(s, "too many events are queued");
  }
  return err == ERR_OK ? ERR_OK : raise_error(s, &fault, out.sendid);
}

/* --- evaluating --- */

static enum err make_sendid(struct chart_session *s, const struct send *send, struct outgoing *out,
                            struct fault *fault) {
  out->visible = out->sendid = send->id.text;
  if (!span_empty(out->sendid)) {
    return ERR_OK;
  }
  out->sendid = arena_printf(&s->arena, "send.%llu", (unsigned long long)++s->sends_count);
  if (send->id_location == NONE) {
    return ERR_OK;
  }
  out->visible = out->sendid;
  struct value id = value_text(out->sendid);
  return script_put(s, send->id_location, &id, fault);
}

static enum err evaluate_delay(struct chart_session *s, const struct send *send, int64_t *ret_ms, struct fault *fault) {
  *ret_ms = send->delay_ms;
  if (send->delay.expr == NONE) {
    return ERR_OK;
  }
  struct span text;
  TRY(text_or_expr_eval(s, &send->delay, &text, fault));
  if (!delay_parse(text, ret_ms)) {
    return fault_set_at(fault, ERR_SCRIPT, send->line, 0, "\"%.*s\" is not a delay", SPAN_ARG(text));
  }
  return ERR_OK;
}

static enum err check_target(const struct outgoing *out, int64_t delay_ms, struct fault *fault) {
  if (!is_scxml_type(out->type) || span_empty(out->target)) {
    return ERR_OK;
  }
  if (out->target.size < 3 || memcmp(out->target.data, "#_", 2) != 0) {
    return fault_set_at(fault, ERR_SCRIPT, out->line, 0, "\"%.*s\" is no target of SCXML", SPAN_ARG(out->target));
  }
  if (delay_ms > 0 && span_is(out->target, "#_internal")) {
    return fault_set_at(fault, ERR_SCRIPT, out->line, 0, "an event to #_internal cannot be delayed");
  }
  return ERR_OK;
}

enum err send_run(struct chart_session *s, const struct send *send, struct span *ret_sendid, struct fault *fault) {
  struct outgoing out = {.line = send->line};
  int64_t delay_ms;
  enum err err = make_sendid(s, send, &out, fault);
  *ret_sendid = out.sendid;
  TRY(err);
  TRY(text_or_expr_eval(s, &send->event, &out.event, fault));
  TRY(text_or_expr_eval(s, &send->type, &out.type, fault));
  TRY(text_or_expr_eval(s, &send->target, &out.target, fault));
  TRY(evaluate_delay(s, send, &delay_ms, fault));
  TRY(check_target(&out, delay_ms, fault));
  TRY(payload_value(s, &send->payload, &out.data, fault));
  return delay_ms > 0 ? delay(s, &out, delay_ms) : dispatch(s, &out, fault);
}
