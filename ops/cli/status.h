/*
 * ops/cli/status.h — the state of the server for those who watch over it with programs.
 */
#ifndef KURATOR_CLI_STATUS_H
#define KURATOR_CLI_STATUS_H

#include "client.h"

/* Asks the server (NULL: there is none) and writes the answer to `out` (NULL: stdout) as Prometheus reads it. A server
 * that does not answer is written as such; the exit code is the question's. */
int status_metrics(const struct client *client, const char *out);

#endif
