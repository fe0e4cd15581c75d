/*
 * runtime/starts.h — which event starts a process, as the folder of the process says it.
 *
 * Purpose: a process is added by adding its folder. What starts it may stand in catalogue.yaml (`starts`,
 * `starts_when`) or in starts.yaml of its folder: an event, and where that event starts something else too, the code
 * that tells them apart. Both become the same rules of the catalogue.
 *
 * Two processes never claim the same message: of one event, without a code one process at most; with a code, rules
 * of different processes ask the same field for different values. A rule with a code wins over one without.
 *
 * Ownership: the rules live in the config's arena. For config.c only.
 */
#ifndef KURATOR_RUNTIME_STARTS_H
#define KURATOR_RUNTIME_STARTS_H

#include "runtime/config.h"

/* Adds the rules of `folder`/starts.yaml (may be missing) for `process` to config->catalogue, which has been checked.
 * ERR_CONFIG names file and line; ERR_IO. */
enum err starts_load(struct config *config, struct span process, const char *folder, struct fault *fault) MUST_CHECK;

#endif
