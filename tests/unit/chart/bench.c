#include "bench.h"

#include <stdlib.h>

static void note_value(struct bench *b, const struct value *v) {
  if (v->kind != VALUE_NIL) {
    writer_u8(&b->diary, ' ');
    json_write(v, &b->diary);
  }
  writer_u8(&b->diary, '\n');
}

static enum err host_invoke(void *arg, const struct chart_invocation *i, struct fault *fault) {
  struct bench *b = arg;
  writer_printf(&b->diary, "invoke %.*s %.*s %u", SPAN_ARG(i->invokeid), SPAN_ARG(i->type), i->element);
  note_value(b, &i->params);
  return b->host_answer == ERR_OK ? ERR_OK : fault_set(fault, b->host_answer, "the host refuses");
}

static void host_uninvoke(void *arg, struct span invokeid, uint32_t element) {
  struct bench *b = arg;
  writer_printf(&b->diary, "uninvoke %.*s %u\n", SPAN_ARG(invokeid), element);
}

static enum err host_send(void *arg, const struct chart_send *s, struct fault *fault) {
  struct bench *b = arg;
  writer_printf(&b->diary, "send %.*s %.*s %.*s", SPAN_ARG(s->type), SPAN_ARG(s->target), SPAN_ARG(s->event));
  note_value(b, &s->data);
  return b->host_answer == ERR_OK ? ERR_OK : fault_set(fault, b->host_answer, "the host refuses");
}

static void host_log(void *arg, struct span label, struct span text) {
  struct bench *b = arg;
  writer_printf(&b->diary, "log %.*s %.*s\n", SPAN_ARG(label), SPAN_ARG(text));
}

void bench_init(struct bench *b) {
  *b = (struct bench){.host = {b, host_invoke, host_uninvoke, host_send, host_log, NULL}};
  b->options.limits = chart_limits_default();
  b->moment.now = 1000;
  writer_init(&b->diary);
  arena_init(&b->arena, 0);
}

static void bench_clear(struct bench *b) {
  chart_session_destroy(&b->session);
  chart_destroy(&b->chart);
}

void bench_finish(struct bench *b) {
  bench_clear(b);
  chart_worker_destroy(&b->worker);
  writer_finish(&b->diary);
  arena_finish(&b->arena);
}

enum err bench_compile_text(struct bench *b, const char *document) {
  bench_clear(b);
  if (!b->worker) {
    assert_int_equal(chart_worker_create(&b->options, &b->worker), ERR_OK);
  }
  const struct chart_source source = {
      .document = span_of_cstr(document), .name = "test.scxml", .vocabulary = b->vocabulary};
  b->fault = (struct fault){0};
  return chart_compile(b->worker, &source, &b->chart, &b->fault);
}

enum err bench_compile(struct bench *b, const char *body) {
  struct span document =
      arena_printf(&b->arena,
                   "<scxml xmlns='http://www.w3.org/2005/07/scxml' xmlns:k='urn:test:k' version='1.0' "
                   "datamodel='lua' name='bench'>\n%s\n</scxml>",
                   body);
  return bench_compile_text(b, arena_cstr(&b->arena, document));
}

void bench_start(struct bench *b, const char *body) {
  enum err err = bench_compile(b, body);
  if (err != ERR_OK) {
    fail_msg("line %u: %s", b->fault.line, b->fault.text);
  }
  assert_int_equal(chart_session_create(b->worker, b->chart, SPAN_LITERAL("s1"), &b->session), ERR_OK);
  err = chart_session_start(b->session, &b->moment, NULL, &b->host, &b->outcome);
  if (err != ERR_OK) {
    fail_msg("start: %s", b->outcome.first_error.text);
  }
}

enum err bench_event(struct bench *b, const char *name, const char *json) {
  struct chart_event event = {.name = span_of_cstr(name), .data = value_nil()};
  if (json) {
    assert_int_equal(json_read(span_of_cstr(json), &b->arena, &event.data, NULL), ERR_OK);
  }
  return chart_session_event(b->session, &b->moment, &event, &b->host, &b->outcome);
}

void bench_restore(struct bench *b) {
  struct writer w;
  writer_init(&w);
  if (chart_session_save(b->session, &w, &b->fault) != ERR_OK) {
    fail_msg("save: %s", b->fault.text);
  }
  chart_session_destroy(&b->session);
  struct reader r = reader_of(writer_span(&w));
  if (chart_session_restore(b->worker, b->chart, &r, &b->session, &b->fault) != ERR_OK) {
    fail_msg("restore: %s", b->fault.text);
  }
  assert_int_equal(reader_end(&r), ERR_OK);
  writer_finish(&w);
}

bool bench_in(const struct bench *b, const char *id) {
  for (uint32_t i = 0; i < chart_states_count(b->chart); i++) {
    if (span_is(chart_state_id(b->chart, i), id)) {
      return chart_session_in(b->session, i);
    }
  }
  fail_msg("there is no state %s", id);
  return false;
}

static const char *text_of(struct bench *b, const struct writer *w) {
  return arena_cstr(&b->arena, writer_span(w));
}

const char *bench_variable(struct bench *b, const char *name) {
  struct value v;
  assert_int_equal(chart_session_variable(b->session, name, &b->arena, &v), ERR_OK);
  struct writer w;
  writer_init(&w);
  json_write(&v, &w);
  const char *text = text_of(b, &w);
  writer_finish(&w);
  return text;
}

const char *bench_diary(struct bench *b) {
  const char *text = text_of(b, &b->diary);
  writer_reset(&b->diary);
  return text;
}
