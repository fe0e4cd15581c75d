/* daemon/options.c — the command line of kuratord. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "kuratord — сервер межведомственного сопровождения\n\n"
    "  --config DIR            настройки (по умолчанию /etc/kurator)\n"
    "  --data DIR              база данных\n"
    "  --keys DIR              ключи сервера и реестр открытых ключей\n"
    "  --endpoint АДРЕС        сокет обмена: tcp://127.0.0.1:7300, ipc:///run/kurator/engine.sock\n"
    "  --query-endpoint АДРЕС  сокет запросов\n"
    "  --clock system|virtual  часы\n"
    "  --start ДАТА            где начинаются виртуальные часы новой базы: 2025-05-01\n"
    "  --log-level debug|info|warning|error\n"
    "  --help, --version\n";

static const struct option table[] = {
    {"config", required_argument, NULL, 'c'},
    {"data", required_argument, NULL, 'd'},
    {"keys", required_argument, NULL, 'k'},
    {"endpoint", required_argument, NULL, 'e'},
    {"query-endpoint", required_argument, NULL, 'q'},
    {"clock", required_argument, NULL, 'C'},
    {"start", required_argument, NULL, 's'},
    {"log-level", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool set_level(const char *text) {
  static const char *const names[] = {
      [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(text, names[i]) == 0) {
      log_set_level((enum log_level)i);
      return true;
    }
  }
  return false;
}

static bool set_clock(struct options *options, const char *text) {
  options->is_virtual = strcmp(text, "virtual") == 0;
  return options->is_virtual || strcmp(text, "system") == 0;
}

static bool take(struct options *options, int which, const char *text) {
  switch (which) {
  case 'c':
    options->config = text;
    return true;
  case 'd':
    options->data = text;
    return true;
  case 'k':
    options->keys = text;
    return true;
  case 'e':
    options->endpoint = text;
    return true;
  case 'q':
    options->query_endpoint = text;
    return true;
  case 'C':
    return set_clock(options, text);
  case 's':
    return civil_moment_parse(span_of_cstr(text), &options->start) == ERR_OK;
  case 'l':
    options->level_given = true;
    return set_level(text);
  default:
    return false;
  }
}

static int complain(const char *what, const char *text) {
  (void)fprintf(stderr, "kuratord: %s: %s\n\n%s", what, text, usage);
  return EXIT_USAGE;
}

int options_read(int argc, char **argv, struct options *ret_options, bool *ret_stop) {
  *ret_options = (struct options){.config = "/etc/kurator", .start = CIVIL_MOMENT_NONE};
  *ret_stop = true;
  opterr = 0;
  for (;;) {
    int which = getopt_long(argc, argv, "", table, NULL); /* NOLINT(concurrency-mt-unsafe): one thread so far */
    if (which == -1) {
      break;
    }
    if (which == 'h' || which == 'V') {
      (void)fputs(which == 'h' ? usage : "kuratord " KURATOR_VERSION "\n", stdout);
      return EXIT_SUCCESS;
    }
    if (which == '?') {
      return complain("неверный параметр", argv[optind - 1]);
    }
    if (!take(ret_options, which, optarg)) {
      return complain("неверное значение", optarg);
    }
  }
  if (optind < argc) {
    return complain("лишнее слово", argv[optind]);
  }
  if (ret_options->start != CIVIL_MOMENT_NONE && !ret_options->is_virtual) {
    return complain("только для виртуальных часов", "--start");
  }
  *ret_stop = false;
  return EXIT_SUCCESS;
}

static void complete(const char **text, struct span fallback, struct arena *arena) {
  if (!*text) {
    *text = arena_cstr(arena, fallback);
  }
}

void options_complete(struct options *options, const struct config_engine *engine, struct arena *arena) {
  complete(&options->data, engine->daemon.data, arena);
  complete(&options->keys, engine->daemon.keys, arena);
  complete(&options->endpoint, engine->daemon.endpoint, arena);
  complete(&options->query_endpoint, engine->daemon.query_endpoint, arena);
  if (!options->level_given) {
    (void)set_level(arena_cstr(arena, engine->daemon.log_level));
  }
}
