/*
 * ops/cli/output.h — where a command's lines go when it is told a file.
 *
 * A regular file (or a name that is free) appears under its name only when it is whole, so that what fails leaves no
 * half of it behind; symbolic links are followed and stay links; anything else (a pipe, a device, "-" for stdout) is
 * written to as it is. Threading: one owner.
 */
#ifndef KURATOR_CLI_OUTPUT_H
#define KURATOR_CLI_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/span.h"

struct output {
  FILE *file;               /* NULL: nothing wanted */
  char target[PATH_MAX];    /* with all links followed; empty when written to directly */
  char temporary[PATH_MAX]; /* its neighbour */
  const char *path;         /* as the user said it, for messages */
  bool failed;
};

/* `path` NULL: an output that takes nothing. CLI_OK, or an exit code after the reason has been told. */
int output_open(struct output *output, const char *path);
/* True if writing `path` would overwrite the file `input`. */
bool output_same_file(const char *path, const char *input);
/* The line and a line end. False once something could not be written. */
bool output_line(struct output *output, struct span line);
/* `keep`: the file takes its place; else it is dropped. CLI_OK, or an exit code after the reason has been told. */
int output_close(struct output *output, bool keep);

#endif
