/*
 * Invocations: nested charts and services of the host.
 *
 * An invocation stands from its start, at the end of the macrostep that entered its state, until the state is left,
 * also when what it started has long ended: its finalize still belongs to the events that are under way. A
 * nested session is only created here; the tree's loop (run.c) starts it. Cancelling one runs its exit handlers, which
 * go into its own invocations at most CHART_NESTING_MAX levels deep.
 */
#include <stdlib.h>

#include "chart/document.h"
#include "chart/session.h"

/* --- the list --- */

struct invocation *invocation_find(struct chart_session *s, struct span id) {
  for (uint32_t i = 0; i < s->invocations_count; i++) {
    if (span_equal(s->invocations[i].id, id)) {
      return &s->invocations[i];
    }
  }
  return NULL;
}

bool invocation_is_chart(const struct invocation *invocation) {
  return invocation->is_chart;
}

struct invocation *invocation_add(struct chart_session *s, const struct invoke *invoke, struct span id) {
  if (s->invocations_count == s->invocations_capacity) {
    uint32_t capacity = s->invocations_capacity ? s->invocations_capacity * 2 : 4;
    struct invocation *invocations = realloc(s->invocations, capacity * sizeof(*invocations));
    ASSERT(invocations);
    s->invocations = invocations;
    s->invocations_capacity = capacity;
  }
  struct invocation *invocation = &s->invocations[s->invocations_count++];
  *invocation = (struct invocation){.invoke = invoke};
  invocation->id = span_equal(id, invoke->id.text) ? invoke->id.text : span_own(id);
  return invocation;
}

static void invocation_remove(struct chart_session *s, uint32_t at) {
  struct invocation *invocation = &s->invocations[at];
  if (invocation->id.data != invocation->invoke->id.text.data) {
    span_disown(&invocation->id);
  }
  session_destroy(s->invocations[at].child);
  s->invocations_count--;
  memmove(&s->invocations[at], &s->invocations[at + 1], (s->invocations_count - at) * sizeof(*s->invocations));
}

void invocations_remove(struct chart_session *s) {
  while (s->invocations_count > 0) {
    invocation_remove(s, s->invocations_count - 1);
  }
}

void invocations_destroy(struct chart_session *s) {
  invocations_remove(s);
  free(s->invocations);
  s->invocations = NULL;
}

/* --- starting --- */

struct starting {
  struct chart_session *s;
  const struct invoke *invoke;
  struct span id, type, src;
  struct value params, content;
  struct fault fault;
};

/* Section 6.4.1: a generated id has the form stateid.platformid. */
static enum err make_id(struct starting *st) {
  struct chart_session *s = st->s;
  st->id = st->invoke->id.text;
  if (!span_empty(st->id)) {
    return ERR_OK;
  }
  st->id = arena_printf(&s->arena, "%.*s.%llu", SPAN_ARG(s->chart->states[st->invoke->state].id),
                        (unsigned long long)++s->invokes_count);
  if (st->invoke->id_location == NONE) {
    return ERR_OK;
  }
  struct value id = value_text(st->id);
  return script_put(s, st->invoke->id_location, &id, &st->fault);
}

static enum err evaluate(struct starting *st) {
  const struct invoke *invoke = st->invoke;
  TRY(make_id(st));
  TRY(text_or_expr_eval(st->s, &invoke->type, &st->type, &st->fault));
  TRY(text_or_expr_eval(st->s, &invoke->src, &st->src, &st->fault));
  TRY(payload_params(st->s, &invoke->payload, &st->params, &st->fault));
  st->content = value_nil();
  if (invoke->payload.content != NONE) {
    TRY(script_value(st->s, invoke->payload.content, &st->s->arena, &st->content, &st->fault));
  }
  return ERR_OK;
}

enum err invoke_compile_child(struct chart_session *s, struct span document, struct chart **ret_chart,
                              struct fault *fault) {
  struct chart_source source = s->chart->root->source;
  source.document = document;
  source.name = "invoked chart";
  struct fault inner = {0};
  enum err err = chart_compile(s->worker, &source, ret_chart, &inner);
  if (err != ERR_OK) {
    return fault_set(fault, ERR_SCRIPT, "the invoked chart cannot run: line %u: %s", inner.line, inner.text);
  }
  return ERR_OK;
}

/* The text of a chart that is only known now: <content expr> or srcexpr. */
static enum err find_document(struct starting *st, struct span *ret_document) {
  if (st->content.kind == VALUE_TEXT) {
    *ret_document = st->content.text;
    return ERR_OK;
  }
  if (span_empty(st->src)) {
    return fault_set_at(&st->fault, ERR_SCRIPT, st->invoke->line, 0, "there is no chart to invoke");
  }
  if (chart_load(st->s->chart, st->src, &st->s->arena, ret_document) != ERR_OK) {
    return fault_set_at(&st->fault, ERR_NOT_FOUND, st->invoke->line, 0, "\"%.*s\" cannot be read", SPAN_ARG(st->src));
  }
  return ERR_OK;
}

static enum err check_nested(struct starting *st) {
  const struct invoke *invoke = st->invoke;
  struct span problem = invoke->nested ? invoke->nested->problem : invoke->nested_problem;
  if (st->s->nesting + 1 >= CHART_NESTING_MAX) {
    return fault_set_at(&st->fault, ERR_SCRIPT, invoke->line, 0, "charts are nested too deep");
  }
  if (!span_empty(problem)) {
    enum err err = invoke->nested_unreachable ? ERR_NOT_FOUND : ERR_SCRIPT;
    return fault_set_at(&st->fault, err, invoke->line, 0, "%.*s", SPAN_ARG(problem));
  }
  return ERR_OK;
}

static struct span child_session_id(struct chart_session *s) {
  return arena_printf(&s->arena, "%.*s/%llu", SPAN_ARG(s->id), (unsigned long long)++s->children_count);
}

static enum err start_chart(struct starting *st) {
  struct chart_session *s = st->s;
  TRY(check_nested(st));
  const struct chart *chart = st->invoke->nested;
  struct chart *own = NULL;
  struct span document = span_of(NULL, 0);
  if (!chart) {
    TRY(find_document(st, &document));
    TRY(invoke_compile_child(s, document, &own, &st->fault));
    chart = own;
  }
  struct chart_session *child;
  enum err err = session_create_child(s, chart, st->invoke, child_session_id(s), st->id, &child);
  if (err != ERR_OK) {
    chart_destroy(&own);
    return fault_set_at(&st->fault, err, st->invoke->line, 0, "the session cannot be made");
  }
  child->own_chart = own;
  child->own_source = span_own(document);
  child->preset = value_copy(&child->arena, &st->params);
  struct invocation *invocation = invocation_add(s, st->invoke, st->id);
  invocation->child = child;
  invocation->is_chart = true;
  return ERR_OK;
}

static enum err start_at_host(struct starting *st) {
  const struct chart_host *host = st->s->root->call->host;
  if (!host || !host->invoke) {
    return fault_set_at(&st->fault, ERR_UNSUPPORTED, st->invoke->line, 0, "nothing serves the type \"%.*s\"",
                        SPAN_ARG(st->type));
  }
  const struct chart_invocation invocation = {st->id, st->type, st->src, st->invoke->element, st->params, st->content};
  enum err err = host->invoke(host->arg, &invocation, &st->fault);
  if (err != ERR_OK) {
    st->fault.err = err == ERR_LIMIT ? ERR_SCRIPT : err;
    if (st->fault.text[0] == '\0') {
      (void)fault_set_at(&st->fault, st->fault.err, st->invoke->line, 0, "the invocation was refused: %s",
                         err_text(err));
    }
    return st->fault.err;
  }
  (void)invocation_add(st->s, st->invoke, st->id);
  return ERR_OK;
}

/* A fault of any kind cancels the invocation (section 6.4.2) and becomes an event. */
enum err invoke_start(struct chart_session *s, const struct invoke *invoke) {
  struct starting st = {.s = s, .invoke = invoke};
  enum err err = evaluate(&st);
  if (err == ERR_OK) {
    err = chart_type_is_scxml(st.type) ? start_chart(&st) : start_at_host(&st);
  }
  if (err == ERR_OK) {
    return ERR_OK;
  }
  st.fault.line = st.fault.line ? st.fault.line : invoke->line;
  return expr_faulty(err) ? raise_error(s, &st.fault, span_of(NULL, 0)) : call_fault(s, &st.fault);
}

/* --- ending --- */

static enum err cancel_child(struct chart_session *s, struct chart_session *child) {
  child->detached = true;
  enum err err = ERR_OK;
  if (child->status == SESSION_RUNNING) {
    script_enter(child);
    err = step_exit(child);
    call_abandon(child);
    script_enter(s);
  }
  return err;
}

enum err invoke_cancel(struct chart_session *s, uint32_t state) {
  const struct chart_host *host = s->root->call->host;
  for (uint32_t i = 0; i < s->invocations_count;) {
    struct invocation *invocation = &s->invocations[i];
    if (invocation->invoke->state != state) {
      i++;
      continue;
    }
    if (invocation->child) {
      TRY(cancel_child(s, invocation->child));
    } else if (!invocation->is_chart && host && host->uninvoke) {
      host->uninvoke(host->arg, invocation->id, invocation->invoke->element);
    }
    invocation_remove(s, i);
  }
  return ERR_OK;
}

enum err invoke_done(struct chart_session *child) {
  struct chart_session *parent = child->parent;
  struct invocation *invocation = invocation_find(parent, child->invokeid);
  while (invocation->child != child) { /* two invocations may bear one id */
    invocation++;
  }
  struct span name = arena_printf(&parent->arena, "done.invoke.%.*s", SPAN_ARG(child->invokeid));
  struct event *event = event_create(parent, EVENT_EXTERNAL, name);
  event->data = value_copy(&parent->arena, &child->donedata);
  event->invokeid = arena_copy(&parent->arena, child->invokeid);
  session_destroy(child);
  invocation->child = NULL;
  return queue_external(parent, event);
}

/* --- events that come in --- */

/* Section 6.5: an empty <finalize> puts what came back where the parameters were taken from. */
static enum err finalize_empty(struct chart_session *s, const struct invoke *invoke, const struct event *event) {
  for (uint32_t i = invoke->payload.params.first; i < invoke->payload.params.end; i++) {
    const struct param *param = &s->chart->params[i];
    const struct value *field = value_find(&event->data, param->name);
    if (param->location == NONE || !field) {
      continue;
    }
    struct fault fault = {0};
    enum err err = script_put(s, param->location, field, &fault);
    if (err != ERR_OK) {
      return expr_faulty(err) ? raise_error(s, &fault, span_of(NULL, 0)) : call_fault(s, &fault);
    }
  }
  return ERR_OK;
}

static enum err finalize(struct chart_session *s, const struct invoke *invoke, const struct event *event) {
  struct range block = s->chart->blocks[invoke->finalize];
  return block.first == block.end ? finalize_empty(s, invoke, event) : content_run(s, invoke->finalize);
}

static enum err forward(struct chart_session *s, struct invocation *invocation, const struct event *event) {
  if (invocation->child) {
    return queue_external(invocation->child, event_copy(invocation->child, event));
  }
  const struct chart_host *host = s->root->call->host;
  if (invocation->is_chart || !host || !host->send) {
    return ERR_OK;
  }
  const struct chart_send send = {
      .sendid = event->sendid,
      .type = invocation->invoke->type.text,
      .target = arena_printf(&s->arena, "#_%.*s", SPAN_ARG(invocation->id)),
      .event = event->name,
      .line = invocation->invoke->line,
      .data = event->data,
  };
  struct fault fault = {0};
  enum err err = host->send(host->arg, &send, &fault);
  fault.err = err;
  return err == ERR_OK ? ERR_OK : raise_error(s, &fault, event->sendid);
}

enum err invoke_before(struct chart_session *s, const struct event *event) {
  for (uint32_t i = 0; i < s->invocations_count; i++) {
    struct invocation *invocation = &s->invocations[i];
    const struct invoke *invoke = invocation->invoke;
    if (invoke->has_finalize && span_equal(invocation->id, event->invokeid)) {
      TRY(finalize(s, invoke, event));
    }
    if (invoke->autoforward) {
      TRY(forward(s, invocation, event));
    }
  }
  return ERR_OK;
}
