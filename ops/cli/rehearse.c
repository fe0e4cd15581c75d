/*
 * kurator rehearse — what would become of these events under this configuration.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "delivery.h"
#include "output.h"
#include "runtime/config.h"
#include "runtime/rehearse.h"

enum { EVENTS_SIZE_MAX = 1 << 30, PATH_SIZE = CONFIG_PATH_MAX, BAR_WIDTH = 40 };

struct arguments {
  const char *processes;
  const char *events;
  const char *until;
  const char *out;
  const char *config;
  const char *journal;
  const char *deliveries;
  bool progress;
  civil_day until_day;
};

struct outputs {
  struct output outcome, journal, deliveries;
};

static bool take_outcome(void *arg, struct span line) {
  struct outputs *outputs = arg;
  return output_line(&outputs->outcome, line);
}

static bool take_journal(void *arg, struct span line) {
  struct outputs *outputs = arg;
  return output_line(&outputs->journal, line);
}

static enum err take_delivery(void *arg, const struct runtime_delivery *delivery, struct writer *w) {
  struct outputs *outputs = arg;
  return output_line(&outputs->deliveries, delivery_line(delivery, w)) ? ERR_OK : ERR_IO;
}

/* A line that cannot be read is told and passed over: the rest goes on. */
static void tell_bad_line(void *arg, uint32_t line, const struct fault *fault) {
  const struct arguments *a = arg;
  (void)line; /* the text names it */
  (void)fprintf(stderr, "%s: %s\n", a->events, fault->text);
}

static void draw_progress(void *arg, size_t done, size_t all) {
  (void)arg;
  size_t filled = all > 0 ? done * BAR_WIDTH / all : BAR_WIDTH;
  char bar[BAR_WIDTH + 1];
  memset(bar, '.', BAR_WIDTH);
  memset(bar, '#', filled);
  bar[BAR_WIDTH] = '\0';
  fprintf(stderr, "\r[%s] %3zu %%", bar, all > 0 ? done * 100 / all : 100);
}

/* The folder of the configuration: --config, else the one above the processes. */
static const char *config_dir(const struct arguments *a, char buffer[PATH_SIZE]) {
  if (a->config) {
    return a->config;
  }
  int length = snprintf(buffer, PATH_SIZE, "%s/..", a->processes);
  return length > 0 && length < PATH_SIZE ? buffer : a->processes;
}

/* What was not played has to be known. */
static int conclude(const struct rehearse_counts *counts) {
  if (counts->left_out > 0) {
    (void)fprintf(stderr, "kurator: после --until не проиграно строк: %u\n", counts->left_out);
  }
  return counts->bad == 0 ? CLI_OK : cli_fail(CLI_INVALID, "строк с ошибками: %u; они пропущены", counts->bad);
}

static int rehearse_config(struct arguments *a, const struct config *config, struct span events,
                           struct outputs *outputs) {
  struct fault fault = {.err = ERR_OK};
  struct runtime *runtime = NULL;
  struct casework *casework = NULL;
  struct casework_ports ports = {.arg = &runtime, .load = runtime_load};
  enum err err = config_casework(config, &ports, &casework, &fault);
  if (err != ERR_OK) {
    return cli_fail(cli_exit_of(err), "%s", fault.text);
  }
  bool draws = a->progress && isatty(STDERR_FILENO);
  struct rehearse_options options = {
      .casework = casework,
      .runtime = &runtime,
      .events = events,
      .until = a->until_day,
      .outcome = take_outcome,
      .journal = a->journal ? take_journal : NULL,
      .delivery = a->deliveries ? take_delivery : NULL,
      .delivery_arg = outputs,
      .sink_arg = outputs,
      .progress = draws ? draw_progress : NULL,
      .bad_line = tell_bad_line,
      .bad_line_arg = a,
  };
  struct rehearse_counts counts = {0};
  err = rehearse_run(&options, &counts, &fault);
  casework_destroy(&casework);
  if (draws) {
    fputs("\r\033[K", stderr);
  }
  return err == ERR_OK ? conclude(&counts) : cli_fail(cli_exit_of(err), "%s: %s", a->events, fault.text);
}

static int rehearse_files(struct arguments *a, struct span events) {
  char buffer[PATH_SIZE];
  struct fault fault = {.err = ERR_OK};
  struct config *config = NULL;
  struct config_options options = {.config_dir = config_dir(a, buffer), .processes_dir = a->processes};
  enum err err = config_load(&options, &config, &fault);
  if (err != ERR_OK) {
    return cli_fail(cli_exit_of(err), "%s", fault.text);
  }
  struct outputs outputs = {0};
  int result = output_open(&outputs.outcome, a->out);
  if (result == CLI_OK) {
    result = output_open(&outputs.journal, a->journal);
  }
  if (result == CLI_OK) {
    result = output_open(&outputs.deliveries, a->deliveries);
  }
  if (result == CLI_OK) {
    result = rehearse_config(a, config, events, &outputs);
  }
  bool keep = result == CLI_OK || result == CLI_INVALID;
  int outcome = output_close(&outputs.outcome, keep);
  int journal = output_close(&outputs.journal, keep);
  int deliveries = output_close(&outputs.deliveries, keep);
  config_destroy(&config);
  int closed = outcome != CLI_OK ? outcome : journal != CLI_OK ? journal : deliveries;
  return result != CLI_OK ? result : closed;
}

static bool parse(int argc, char **argv, struct arguments *a) {
  static const struct option longs[] = {
      {"processes", required_argument, NULL, 'p'},
      {"events", required_argument, NULL, 'e'},
      {"until", required_argument, NULL, 'u'},
      {"out", required_argument, NULL, 'o'},
      {"config", required_argument, NULL, 'c'},
      {"journal", required_argument, NULL, 'j'},
      {"deliveries", required_argument, NULL, 'd'},
      {"progress", no_argument, NULL, 'g'},
      {NULL, 0, NULL, 0},
  };
  optind = 0;
  for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
    switch (option) {
    case 'p':
      a->processes = optarg;
      break;
    case 'e':
      a->events = optarg;
      break;
    case 'u':
      a->until = optarg;
      break;
    case 'o':
      a->out = optarg;
      break;
    case 'c':
      a->config = optarg;
      break;
    case 'j':
      a->journal = optarg;
      break;
    case 'd':
      a->deliveries = optarg;
      break;
    case 'g':
      a->progress = true;
      break;
    default:
      return false;
    }
  }
  return optind == argc && a->processes && a->events && a->until && a->out;
}

static int run(int argc, char **argv) {
  struct arguments a = {.processes = NULL};
  if (!parse(argc, argv, &a)) {
    return cli_usage("нужны --processes, --events, --until и --out");
  }
  if (civil_day_parse(span_of_cstr(a.until), &a.until_day) != ERR_OK) {
    return cli_usage("--until: дата вида 2027-12-31");
  }
  if (output_same_file(a.out, a.events) || output_same_file(a.journal, a.events) ||
      output_same_file(a.deliveries, a.events)) {
    return cli_usage("вывод записал бы файл событий поверх самого себя");
  }
  struct span events;
  struct fault fault = {.err = ERR_OK};
  enum err err = cli_read_file(a.events, EVENTS_SIZE_MAX, &events, &fault);
  if (err != ERR_OK) {
    return cli_fail_fault(a.events, &fault);
  }
  int result = rehearse_files(&a, events);
  free((void *)events.data);
  return result;
}

const struct cli_verb cli_rehearse_verbs[] = {
    {"rehearse", "",
     "--processes ПАПКА --events ФАЙЛ --until ДАТА --out ФАЙЛ [--config ПАПКА] [--journal ФАЙЛ] [--deliveries ФАЙЛ] "
     "[--progress]",
     "проиграть события на виртуальных часах и показать, что стало с делами", run},
    {NULL, NULL, NULL, NULL, NULL},
};
