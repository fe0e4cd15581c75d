/*
 * kurator chart desugar: the same chart in plain SCXML.
 *
 * What does not compile is refused; and so is, as a mistake of this program, what does not compile afterwards.
 */
#include <stdio.h>

#include "casework/casework.h"
#include "chart.h"
#include "chart/desugar.h"
#include "cli.h"
#include "output.h"

static enum err compiles(const char *path, struct span document, struct fault *fault) {
  const struct chart_worker_options options = {.limits = chart_limits_default()};
  const struct chart_source source = {.document = document, .name = path, .vocabulary = casework_vocabulary()};
  DEFER(chart_worker_destroy) struct chart_worker *worker = NULL;
  DEFER(chart_destroy) struct chart *chart = NULL;
  TRY(chart_worker_create(&options, &worker));
  return chart_compile(worker, &source, &chart, fault);
}

static int print(struct span text, const char *path) {
  struct output output;
  int result = output_open(&output, path ? path : "-");
  if (result != CLI_OK) {
    return result;
  }
  size_t size = text.size > 0 && text.data[text.size - 1] == '\n' ? text.size - 1 : text.size;
  (void)output_line(&output, span_of(text.data, size));
  return output_close(&output, true);
}

static int desugar(struct chart_file *file, const char *out) {
  DEFER(writer_finish) struct writer w;
  struct fault fault = {.err = ERR_OK};
  writer_init(&w);
  enum err err = compiles(file->path, file->source, &fault);
  if (err == ERR_OK) {
    err = chart_desugar(casework_vocabulary(), file->source, &w, &fault);
  }
  if (err != ERR_OK) {
    return cli_fail_fault(file->path, &fault);
  }
  if (compiles(file->path, writer_span(&w), &fault) != ERR_OK) {
    return cli_fail(CLI_FAILURE, "%s: схема без расширения не читается: %s", file->path, fault.text);
  }
  return print(writer_span(&w), out);
}

int chart_desugar_run(int argc, char **argv) {
  const char *path = NULL;
  const char *out = NULL;
  const struct cli_option options[] = {{"-o", &out, NULL}, {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, options, &path, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0) {
    return cli_usage("нужен файл схемы");
  }
  if (output_same_file(out, path)) {
    return cli_usage("вывод записал бы схему поверх самой себя");
  }
  DEFER(chart_file_close) struct chart_file file;
  struct fault fault = {.err = ERR_OK};
  if (chart_file_open(&file, path, &fault) != ERR_OK) {
    return cli_fail_fault(path, &fault);
  }
  return desugar(&file, out);
}
