/*
 * A bench for charts: compiles a chart from text, runs it, and writes down what the host is asked for, one line each:
 *
 *   invoke ID TYPE ELEMENT {params}    uninvoke ID ELEMENT    send TYPE TARGET EVENT {data}    log LABEL TEXT
 */
#ifndef KURATOR_TESTS_CHART_BENCH_H
#define KURATOR_TESTS_CHART_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "chart/chart.h"

struct bench {
  struct chart_worker *worker;
  struct chart *chart;
  struct chart_session *session;
  struct chart_host host;
  struct chart_moment moment;
  struct chart_outcome outcome;
  struct fault fault;
  struct writer diary;
  struct arena arena;
  enum err host_answer; /* of invoke and send */
  const struct chart_vocabulary *vocabulary;
  struct chart_worker_options options;
};

void bench_init(struct bench *b);
void bench_finish(struct bench *b);
/* "<scxml …>" BODY "</scxml>" in the lua data model, the prefix k bound to the vocabulary's namespace. */
enum err bench_compile(struct bench *b, const char *body) MUST_CHECK;
enum err bench_compile_text(struct bench *b, const char *document) MUST_CHECK;
/* Compiles, makes a session and starts it; every step must succeed. */
void bench_start(struct bench *b, const char *body);
enum err bench_event(struct bench *b, const char *name, const char *json) MUST_CHECK;
/* Puts the session through bytes. */
void bench_restore(struct bench *b);
bool bench_in(const struct bench *b, const char *id);
/* A variable as JSON. */
const char *bench_variable(struct bench *b, const char *name);
/* What was written down since the last question. */
const char *bench_diary(struct bench *b);

#endif
