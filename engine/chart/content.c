/*
 * Running executable content.
 *
 * A block is a range of ops with jumps. The first error ends the block (section 4.9): it becomes an event on the
 * internal queue, and whoever runs the block goes on with the next. Loops in progress stand on a small stack here,
 * as deep as a document can nest.
 */
#include "chart/document.h"
#include "chart/session.h"

#include "base/json.h"

enum { OP_COST = 10 /* in instructions of Lua */ };

struct running_loop {
  struct script_loop loop;
  int64_t place;
};

struct run {
  struct chart_session *s;
  uint32_t at;    /* op */
  uint32_t depth; /* loops in progress */
  struct running_loop loops[DOCUMENT_DEPTH_MAX];
  struct span sendid; /* of a send that failed */
  struct fault fault;
};

/* --- evaluating what ops carry --- */

enum err text_or_expr_eval(struct chart_session *s, const struct text_or_expr *source, struct span *ret_text,
                           struct fault *fault) {
  if (source->expr == NONE) {
    *ret_text = source->text;
    return ERR_OK;
  }
  return script_text(s, source->expr, &s->arena, ret_text, fault);
}

/* Later params of a name replace earlier ones. */
static void fields_put(struct value_field *fields, size_t *count, struct value_field field) {
  for (size_t i = 0; i < *count; i++) {
    if (span_equal(fields[i].name, field.name)) {
      fields[i] = field;
      return;
    }
  }
  fields[(*count)++] = field;
}

static enum err param_value(struct chart_session *s, const struct param *param, struct value *ret_value,
                            struct fault *fault) {
  return param->expr != NONE ? script_value(s, param->expr, &s->arena, ret_value, fault)
                             : script_read(s, param->location, &s->arena, ret_value, fault);
}

enum err payload_params(struct chart_session *s, const struct payload *payload, struct value *ret_value,
                        struct fault *fault) {
  uint32_t count_max = payload->params.end - payload->params.first;
  struct value_field *fields = ARENA_ARRAY(&s->arena, struct value_field, count_max);
  size_t count = 0;
  for (uint32_t i = payload->params.first; i < payload->params.end; i++) {
    const struct param *param = &s->chart->params[i];
    struct value_field field = {param->name, value_nil()};
    TRY(param_value(s, param, &field.value, fault));
    fields_put(fields, &count, field);
  }
  return value_map(fields, count, ret_value);
}

static enum err raise_or_end(struct chart_session *s, enum err err, const struct fault *fault) {
  return expr_faulty(err) ? raise_error(s, fault, span_of(NULL, 0)) : call_fault(s, fault);
}

static enum err done_params(struct chart_session *s, const struct payload *payload, struct value *ret_value) {
  struct value_field *fields = ARENA_ARRAY(&s->arena, struct value_field, payload->params.end - payload->params.first);
  size_t count = 0;
  for (uint32_t i = payload->params.first; i < payload->params.end; i++) {
    struct value_field field = {s->chart->params[i].name, value_nil()};
    struct fault fault = {0};
    enum err err = param_value(s, &s->chart->params[i], &field.value, &fault);
    if (err == ERR_OK) {
      fields_put(fields, &count, field);
    } else {
      TRY(raise_or_end(s, err, &fault));
    }
  }
  return count > 0 ? value_map(fields, count, ret_value) : ERR_OK;
}

enum err payload_done(struct chart_session *s, const struct payload *payload, struct value *ret_value) {
  *ret_value = value_nil();
  if (payload->content == NONE) {
    return done_params(s, payload, ret_value);
  }
  struct fault fault = {0};
  enum err err = script_value(s, payload->content, &s->arena, ret_value, &fault);
  if (err == ERR_OK) {
    return ERR_OK;
  }
  *ret_value = value_nil();
  return raise_or_end(s, err, &fault);
}

enum err payload_value(struct chart_session *s, const struct payload *payload, struct value *ret_value,
                       struct fault *fault) {
  *ret_value = value_nil();
  if (payload->content != NONE) {
    return script_value(s, payload->content, &s->arena, ret_value, fault);
  }
  if (payload->params.end > payload->params.first) {
    return payload_params(s, payload, ret_value, fault);
  }
  return ERR_OK;
}

/* --- single ops --- */

static enum err run_raise(struct run *r, const struct op *op) {
  struct event *event = event_create(r->s, EVENT_INTERNAL, op->raise->name);
  event->symbol = op->raise;
  return queue_internal(r->s, event);
}

static struct span text_of_value(struct chart_session *s, const struct value *v) {
  if (v->kind == VALUE_TEXT) {
    return v->text;
  }
  struct writer w;
  writer_init(&w);
  json_write(v, &w);
  struct span text = arena_copy(&s->arena, writer_span(&w));
  writer_finish(&w);
  return text;
}

static enum err run_log(struct run *r, const struct op *op) {
  struct value value = value_text(span_of(NULL, 0));
  if (op->log.expr != NONE) {
    TRY(script_value(r->s, op->log.expr, &r->s->arena, &value, &r->fault));
  }
  const struct chart_host *host = r->s->root->call->host;
  if (host && host->log) {
    host->log(host->arg, op->log.label, text_of_value(r->s, &value));
  }
  return ERR_OK;
}

static enum err run_cancel(struct run *r, const struct op *op) {
  struct span sendid;
  TRY(text_or_expr_eval(r->s, &op->cancel, &sendid, &r->fault));
  send_cancel(r->s, sendid);
  return ERR_OK;
}

/* A condition that cannot be evaluated is false and raises error.execution (section 5.9.1); the block goes on. */
static enum err run_test(struct run *r, const struct op *op) {
  bool holds;
  enum err err = script_test(r->s, op->test.expr, &holds, &r->fault);
  if (expr_faulty(err)) {
    holds = false;
    r->fault.line = r->fault.line ? r->fault.line : op->line;
    err = raise_error(r->s, &r->fault, span_of(NULL, 0));
    r->fault.err = ERR_OK;
  }
  TRY(err);
  r->at = holds ? r->at : op->test.otherwise;
  return ERR_OK;
}

/* --- loops --- */

static enum err loop_advance(struct run *r, const struct op *op) {
  ASSERT(r->depth > 0);
  struct running_loop *running = &r->loops[r->depth - 1];
  if (running->place == running->loop.count) {
    script_loop_end(r->s, &running->loop);
    r->depth--;
    r->at = op->foreach.end;
    return ERR_OK;
  }
  running->place++;
  return script_loop_item(r->s, &running->loop, running->place, op->foreach.item, op->foreach.index, &r->fault);
}

static enum err run_foreach(struct run *r, const struct op *op) {
  ASSERT(r->depth < DOCUMENT_DEPTH_MAX);
  struct running_loop *running = &r->loops[r->depth];
  *running = (struct running_loop){{LUA_NOREF, 0}, 0};
  TRY(script_loop_begin(r->s, op->foreach.array, &running->loop, &r->fault));
  r->depth++;
  return loop_advance(r, op);
}

static enum err run_next(struct run *r, const struct op *op) {
  r->at = op->next + 1; /* the body; advancing may leave it */
  return loop_advance(r, &r->s->chart->ops[op->next]);
}

/* --- the block --- */

static enum err run_op(struct run *r, const struct op *op) {
  switch (op->kind) {
  case OP_RAISE:
    return run_raise(r, op);
  case OP_LOG:
    return run_log(r, op);
  case OP_ASSIGN:
    return script_assign(r->s, op->assign.location, op->assign.expr, &r->fault);
  case OP_SCRIPT:
    return script_run(r->s, op->script, &r->fault);
  case OP_SEND:
    return send_run(r->s, &r->s->chart->sends[op->send], &r->sendid, &r->fault);
  case OP_CANCEL:
    return run_cancel(r, op);
  case OP_TEST:
    return run_test(r, op);
  case OP_JUMP:
    r->at = op->jump;
    return ERR_OK;
  case OP_FOREACH:
    return run_foreach(r, op);
  case OP_NEXT:
    return run_next(r, op);
  }
  return ERR_OK;
}

static void loops_abandon(struct run *r) {
  while (r->depth > 0) {
    script_loop_end(r->s, &r->loops[--r->depth].loop);
  }
}

static enum err run_ended(struct run *r, enum err err) {
  loops_abandon(r);
  if (err == ERR_OK) {
    return ERR_OK;
  }
  if (r->fault.err != err) { /* the queue is full, which has no text of its own */
    (void)fault_set(&r->fault, err, "%s", err == ERR_LIMIT ? "too many events are queued" : err_text(err));
  }
  return expr_faulty(err) ? raise_error(r->s, &r->fault, r->sendid) : call_fault(r->s, &r->fault);
}

enum err content_run(struct chart_session *s, uint32_t block) {
  struct range range = s->chart->blocks[block];
  if (range.first == range.end) {
    return ERR_OK;
  }
  struct run r; /* not cleared: the loops and the text of the fault are large */
  r.s = s;
  r.at = range.first;
  r.depth = 0;
  r.sendid = span_of(NULL, 0);
  r.fault.err = ERR_OK;
  enum err err = ERR_OK;
  while (r.at < range.end && err == ERR_OK) {
    if ((s->worker->instructions_left -= OP_COST) < 0) {
      loops_abandon(&r);
      return call_limit(s, "executable content runs too long");
    }
    const struct op *op = &s->chart->ops[r.at++];
    r.fault.line = 0;
    err = run_op(&r, op);
    if (err != ERR_OK && r.fault.line == 0) {
      r.fault.line = op->line;
    }
  }
  return run_ended(&r, err);
}

/* --- <data> --- */

static enum err set_datum(struct chart_session *s, const struct data *datum, const struct value *preset,
                          struct fault *fault) {
  if (preset) {
    return script_set(s, datum, preset, fault);
  }
  return script_declare(s, datum, fault);
}

/* A value that the invocation gives replaces that of a top-level <data> of the same id (section 6.4.3). */
enum err content_data(struct chart_session *s, struct range data, bool top_level) {
  for (uint32_t i = data.first; i < data.end; i++) {
    const struct data *datum = &s->chart->data[i];
    const struct value *preset = top_level ? value_find(&s->preset, datum->id) : NULL;
    struct fault fault = {0};
    enum err err = set_datum(s, datum, preset, &fault);
    if (err != ERR_OK && !expr_faulty(err)) {
      return call_fault(s, &fault);
    }
    if (err != ERR_OK) {
      TRY(raise_error(s, &fault, span_of(NULL, 0)));
    }
  }
  return ERR_OK;
}
