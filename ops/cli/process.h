/*
 * ops/cli/process.h — what the verbs of `kurator process` share: which processes are meant, and their configuration.
 */
#ifndef KURATOR_CLI_PROCESS_H
#define KURATOR_CLI_PROCESS_H

#include "runtime/config.h"

enum { PROCESS_WORDS_MAX = CONFIG_PROCESSES_MAX };

struct process_choice {
  const char *config, *processes;       /* --config, --processes */
  const char *words[PROCESS_WORDS_MAX]; /* folders of processes, or names; none: all */
  int words_count;
  char config_dir[CONFIG_PATH_MAX], processes_dir[CONFIG_PATH_MAX];
  struct config *loaded;
  const struct config_process *chosen[PROCESS_WORDS_MAX];
  size_t chosen_count;
};
/* Loads the configuration that the words and options mean. CLI_OK, or an exit code after the reason has been told.
 * process_choice_free afterwards in any case. */
int process_choose(struct process_choice *choice);
void process_choice_free(struct process_choice *choice);

#endif
