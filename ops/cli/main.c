/* Finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* Those that this program was built with; the list ends with NULL. */
static const struct cli_verb *const tables[] = {
    cli_calendar_verbs,
#ifdef KURATOR_CLI_CHART
    cli_chart_verbs,
#endif
#ifdef KURATOR_CLI_REHEARSE
    cli_rehearse_verbs,
#endif
#ifdef KURATOR_CLI_ENGINE
    cli_engine_verbs,
    cli_report_verbs,
#endif
    NULL,
};

static bool is_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static void verb_print(const struct cli_verb *verb, FILE *out) {
  (void)fprintf(out, "  kurator %s%s%s %s\n      %s\n", verb->noun, verb->verb[0] ? " " : "", verb->verb, verb->usage,
                verb->help);
}

/* All verbs, or those of one noun; returns how many there were. */
static int verbs_print(const char *noun, FILE *out) {
  int count = 0;
  for (const struct cli_verb *const *table = tables; *table; table++) {
    for (const struct cli_verb *verb = *table; verb->noun; verb++) {
      if (!noun || strcmp(verb->noun, noun) == 0) {
        verb_print(verb, out);
        count++;
      }
    }
  }
  return count;
}

static void help_print(FILE *out) {
  (void)fputs("kurator — межведомственное социальное сопровождение: проверка, репетиция и управление.\n\nКоманды:\n",
              out);
  verbs_print(NULL, out);
  (void)fputs(
      "\n  kurator --help, kurator --version\n\n"
      "Данные печатаются в stdout, всё остальное — в stderr. Коды завершения: 0 успех, 1 сбой, 2 неверный вызов,\n"
      "3 не найдено, 4 противоречит состоянию, 5 неверные данные, 6 исход не определён, 7 нет связи.\n",
      out);
}

static const struct cli_verb *verb_find(const char *noun, const char *name) {
  for (const struct cli_verb *const *table = tables; *table; table++) {
    for (const struct cli_verb *verb = *table; verb->noun; verb++) {
      if (strcmp(verb->noun, noun) == 0 && strcmp(verb->verb, name) == 0) {
        return verb;
      }
    }
  }
  return NULL;
}

static int verb_run(const struct cli_verb *verb, int argc, char **argv) {
  if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    verb_print(verb, stdout);
    return CLI_OK;
  }
  cli_set_running(verb);
  return verb->run(argc, argv);
}

static bool noun_exists(const char *noun) {
  for (const struct cli_verb *const *table = tables; *table; table++) {
    for (const struct cli_verb *verb = *table; verb->noun; verb++) {
      if (strcmp(verb->noun, noun) == 0) {
        return true;
      }
    }
  }
  return false;
}

static int verb_unknown(const char *noun, const char *verb) {
  if (!noun_exists(noun)) {
    (void)fprintf(stderr, "kurator: нет такой команды: %s\nВсе команды: kurator --help\n", noun);
    return CLI_USAGE;
  }
  if (verb && verb[0] != '-') {
    (void)fprintf(stderr, "kurator: нет такой команды: %s %s. Есть такие:\n", noun, verb);
  } else {
    (void)fprintf(stderr, "kurator: %s — это начало команды. Есть такие:\n", noun);
  }
  verbs_print(noun, stderr);
  return CLI_USAGE;
}

static int dispatch(int argc, char **argv) {
  if (argc < 2) {
    help_print(stderr);
    return CLI_USAGE;
  }
  if (is_help(argv[1])) {
    help_print(stdout);
    return CLI_OK;
  }
  if (strcmp(argv[1], "--version") == 0) {
    (void)puts("kurator " KURATOR_VERSION);
    return CLI_OK;
  }
  const struct cli_verb *verb = argc > 2 ? verb_find(argv[1], argv[2]) : NULL;
  if (verb) {
    return verb_run(verb, argc - 2, argv + 2);
  }
  verb = verb_find(argv[1], "");
  if (verb) {
    return verb_run(verb, argc - 1, argv + 1);
  }
  if (argc > 2 && is_help(argv[2])) {
    return verbs_print(argv[1], stdout) > 0 ? CLI_OK : verb_unknown(argv[1], NULL);
  }
  return verb_unknown(argv[1], argc > 2 ? argv[2] : NULL);
}

int main(int argc, char **argv) {
  int exit_code = dispatch(argc, argv);
  /* A full disk must not look like a result: what was printed has to have arrived. */
  bool arrived = fflush(stdout) == 0 && !ferror(stdout);
  return exit_code == CLI_OK && !arrived ? cli_fail(CLI_FAILURE, "вывод не записан") : exit_code;
}
