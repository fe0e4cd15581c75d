/*
 * `kurator chart …`: a chart on its own, without cases and without a daemon.
 *
 * `test` runs a chart on a virtual clock: when nothing is left to do the clock jumps to the next delayed send. The exit
 * code tells the final state: 0 pass, 1 fail, 6 anything else, 5 for a chart that cannot be compiled.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "chart.h"
#include "chart/chart.h"
#include "cli.h"

enum { JUMPS_MAX = 10000 };

struct test {
  const char *path;
  char *folder; /* absolute; what `src` may name lies in it */
  bool restore;
  bool trace;
  struct chart_worker *worker;
  struct chart *chart;
  struct chart_session *session;
  struct chart_outcome outcome;
};

static enum err find_folder(struct test *test) {
  char *real = realpath(test->path, NULL);
  if (!real) {
    return ERR_NOT_FOUND;
  }
  char *slash = strrchr(real, '/');
  *(slash == real ? slash + 1 : slash) = '\0';
  test->folder = real;
  return ERR_OK;
}

/* --- what the chart says --- */

static void print_log(void *arg, struct span label, struct span text) {
  (void)arg;
  (void)printf("log %.*s: %.*s\n", SPAN_ARG(label), SPAN_ARG(text));
}

static void print_trace(void *arg, const char *what, struct span detail) {
  (void)arg;
  (void)printf("%s %.*s\n", what, SPAN_ARG(detail));
}

static enum err restore_from_bytes(struct test *test, struct fault *fault) {
  struct writer w;
  writer_init(&w);
  enum err err = chart_session_save(test->session, &w, fault);
  if (err == ERR_OK) {
    chart_session_destroy(&test->session);
    struct reader r = reader_of(writer_span(&w));
    err = chart_session_restore(test->worker, test->chart, &r, &test->session, fault);
  }
  writer_finish(&w);
  return err;
}

static enum err run_to_the_end(struct test *test, struct fault *fault) {
  const struct chart_host host = {.log = print_log, .trace = test->trace ? print_trace : NULL};
  struct chart_moment moment = {.now = 0, .platform = value_nil()};
  enum err err = chart_session_start(test->session, &moment, NULL, &host, &test->outcome);
  for (int jumps = 0; err == ERR_OK && jumps < JUMPS_MAX; jumps++) {
    if (test->restore) {
      TRY(restore_from_bytes(test, fault));
    }
    civil_moment due = chart_session_due(test->session);
    if (due == CIVIL_MOMENT_NONE) {
      return ERR_OK;
    }
    moment.now = due;
    err = chart_session_advance(test->session, &moment, &host, &test->outcome);
  }
  if (err != ERR_OK) {
    *fault = test->outcome.first_error;
  }
  return err;
}

static int verdict(const struct test *test) {
  for (uint32_t i = 0; chart_session_ended(test->session) && i < chart_states_count(test->chart); i++) {
    if (chart_state_is_final(test->chart, i) && chart_session_in(test->session, i)) {
      struct span id = chart_state_id(test->chart, i);
      return span_is(id, "pass") ? CLI_OK : span_is(id, "fail") ? CLI_FAILURE : CLI_UNDECIDED;
    }
  }
  return CLI_UNDECIDED;
}

static enum err compile(struct test *test, struct fault *fault) {
  struct span document;
  TRY(cli_read_file(test->path, CHART_SOURCE_MAX, &document, fault));
  const struct chart_source source = {
      .document = document, .name = test->path, .loader = chart_source_load, .loader_arg = test->folder};
  enum err err = chart_compile(test->worker, &source, &test->chart, fault);
  free((void *)document.data);
  return err;
}

static int fail_test(const struct test *test, enum cli_exit code, enum err err, struct fault *fault) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  fault->err = err;
  const char *text = cli_told(fault, &arena);
  return fault->line > 0 ? cli_fail(code, "%s:%u: %s", test->path, fault->line, text)
                         : cli_fail(code, "%s: %s", test->path, text);
}

static int run_test(struct test *test) {
  struct fault fault = {0};
  const struct chart_worker_options options = {.limits = chart_limits_default()};
  enum err err = chart_worker_create(&options, &test->worker);
  if (err == ERR_OK) {
    err = compile(test, &fault);
  }
  if (err != ERR_OK) {
    return fail_test(test, CLI_INVALID, err, &fault);
  }
  err = chart_session_create(test->worker, test->chart, SPAN_LITERAL("test"), &test->session);
  if (err == ERR_OK) {
    err = run_to_the_end(test, &fault);
  }
  if (err != ERR_OK) {
    return fail_test(test, CLI_UNDECIDED, err, &fault);
  }
  return verdict(test);
}

static int chart_test(int argc, char **argv) {
  struct test test = {0};
  const struct cli_option options[] = {
      {"--restore", NULL, &test.restore}, {"--trace", NULL, &test.trace}, {NULL, NULL, NULL}};
  int count = cli_options_read(argc, argv, options, &test.path, 1);
  if (count < 1) {
    return count < 0 ? CLI_USAGE : cli_usage("нужна схема: файл SCXML");
  }
  if (find_folder(&test) != ERR_OK) {
    return cli_fail(CLI_NOT_FOUND, "%s: нет такого файла", test.path);
  }
  int result = run_test(&test);
  chart_session_destroy(&test.session);
  chart_destroy(&test.chart);
  chart_worker_destroy(&test.worker);
  free(test.folder);
  return result;
}

const struct cli_verb cli_chart_verbs[] = {
    {"chart", "test", "ФАЙЛ [--restore] [--trace]",
     "выполнить схему на виртуальных часах: 0 pass, 1 fail, 6 иное, 5 не читается", chart_test},
    {"chart", "lint", "ФАЙЛ|ПАПКА… [--lang ru|en] [--config ПАПКА] [--json]",
     "проверить схему: файл, строка, что не так и что сделать. 0: замечаний нет, 1: есть", chart_lint_run},
    {"chart", "desugar", "ФАЙЛ [-o ФАЙЛ]", "схема без расширения: элементы k: как <invoke> и <send> обычного SCXML",
     chart_desugar_run},
    {"chart", "table", "ФАЙЛ|ПРОЦЕСС [--csv|--markdown|--html] [--width ЗНАКОВ] [--config ПАПКА]",
     "процесс таблицей: что, кто, к какому сроку, на каком основании, что дальше, что если не в срок", chart_table_run},
    {"chart", "render",
     "ФАЙЛ|ПРОЦЕСС [-o ФАЙЛ.svg|.png|.pdf|.dot] [--config ПАПКА] [--case НОМЕР [--events ФАЙЛ [--until ДАТА] | "
     "--endpoint "
     "АДРЕС --keys ПАПКА --as ИМЯ]]",
     "процесс рисунком; со случаем — где он сейчас и какой путь прошёл", chart_render_run},
    {NULL, NULL, NULL, NULL, NULL},
};
