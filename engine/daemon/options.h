/*
 * daemon/options.h — the command line of kuratord, completed from kurator.yaml.
 *
 * What the command line says wins. Threading: start of the process only.
 */
#ifndef KURATOR_DAEMON_OPTIONS_H
#define KURATOR_DAEMON_OPTIONS_H

#include "base/civil.h"
#include "runtime/config.h"

struct options {
  const char *config, *data, *keys;
  const char *endpoint, *query_endpoint;
  bool is_virtual;
  civil_moment start; /* CIVIL_MOMENT_NONE: not given */
  bool level_given;
};

/* Returns the exit code when *ret_stop is set: --help, --version, or a mistake (told on stderr). Sets the log level. */
int options_read(int argc, char **argv, struct options *ret_options, bool *ret_stop);
/* Texts live in `arena`. */
void options_complete(struct options *options, const struct config_engine *engine, struct arena *arena);

#endif
