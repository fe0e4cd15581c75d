/*
 * ops/cli/cli.h — what the commands of `kurator` share.
 *
 * `kurator NOUN VERB [options]`. Data goes to stdout, everything else to stderr. Each noun is one file with a table of
 * verbs; main.c only finds the entry. Exit codes are the contract with scripts.
 */
#ifndef KURATOR_CLI_H
#define KURATOR_CLI_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum cli_exit {
  CLI_OK = 0,
  CLI_FAILURE = 1,
  CLI_USAGE = 2,
  CLI_NOT_FOUND = 3,
  CLI_CONFLICT = 4,
  CLI_INVALID = 5,
  CLI_UNDECIDED = 6, /* `chart test`: the chart ended in neither pass nor fail */
  CLI_UNREACHABLE = 7,
};

/* `argv[0]` is the verb's name; the words after it follow. */
typedef int (*cli_run)(int argc, char **argv);

struct cli_verb {
  const char *noun;
  const char *verb;  /* "" for a noun that is a command by itself (`kurator rehearse`) */
  const char *usage; /* arguments, shown after the words */
  const char *help;  /* one line, Russian */
  cli_run run;
};

/* Prints "kurator: TEXT" on stderr and returns `exit_code`. */
int cli_fail(enum cli_exit exit_code, const char *format, ...) PRINTF_LIKE(2, 3);
/* Prints the usage of the verb that is running and returns CLI_USAGE. */
int cli_usage(const char *format, ...) PRINTF_LIKE(1, 2);
/* Prints the fault as "FILE:LINE:COLUMN: TEXT" (what is known of it; `file` may be NULL) and returns its exit code. */
int cli_fail_fault(const char *file, const struct fault *fault);
/* What the fault says, in Russian as far as there are words for it; of the arena or of the fault. */
const char *cli_told(const struct fault *fault, struct arena *arena);
/* The exit code for an error: NOT_FOUND 3, CONFLICT/EXISTS 4, other domain errors 5, UNREACHABLE 7, the rest 1. */
enum cli_exit cli_exit_of(enum err err);
/* Reads a whole file of at most `size_max` bytes. "-" is stdin. The caller gives the bytes back to cli_file_free. */
enum err cli_read_file(const char *path, size_t size_max, struct span *ret_bytes, struct fault *fault) MUST_CHECK;
void cli_file_free(struct span *bytes); /* for DEFER; NULL-safe, leaves the empty span */
/* Where config/ is: --config, else $KURATOR_CONFIG, else ./config, else the installed /etc/kurator. Borrowed. */
const char *cli_config_dir(const char *given);

/* An option that takes a text (--name TEXT or --name=TEXT) or, with `flag`, none. A table ends with a NULL name. */
struct cli_option {
  const char *name;  /* with its dashes: "--from", "-o" */
  const char **text; /* set to the argument, which is borrowed from argv; repeated: the last one */
  bool *flag;        /* set to true */
};
/*
 * Reads the options of a verb and collects the other words, at most `words_max`, in `words`; "--" ends the options.
 * Returns the number of words, or -1 when something is wrong: then the usage has been printed and the verb returns
 * CLI_USAGE.
 */
int cli_options_read(int argc, char **argv, const struct cli_option *options, const char **words, int words_max);
/* What cli_usage speaks of; main.c sets it. */
void cli_set_running(const struct cli_verb *verb);

/* One table per noun, ended by a NULL noun; main.c lists them. */
extern const struct cli_verb cli_calendar_verbs[];
extern const struct cli_verb cli_chart_verbs[];
extern const struct cli_verb cli_rehearse_verbs[];
extern const struct cli_verb cli_engine_verbs[]; /* what asks a running kuratord */
extern const struct cli_verb cli_report_verbs[];

#endif
