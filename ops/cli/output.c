#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/words.h"
#include "cli.h"

static int complain(const struct output *output, int number) {
  return cli_fail(CLI_FAILURE, "файл %s не записан: %s", output->path, words_of_system(number));
}

static int open_directly(struct output *output) {
  output->file = fopen(output->path, "we");
  return output->file ? CLI_OK : complain(output, errno);
}

/* Where the links lead; a name that nobody has yet is its own target. */
static bool find_target(struct output *output) {
  if (realpath(output->path, output->target)) {
    return true;
  }
  size_t size = strlen(output->path);
  if (errno != ENOENT || size >= sizeof output->target) {
    return false;
  }
  memcpy(output->target, output->path, size + 1);
  return true;
}

static int open_neighbour(struct output *output) {
  static const char suffix[] = ".part";
  size_t size = strlen(output->target);
  if (size + sizeof suffix > sizeof output->temporary) {
    return complain(output, ENAMETOOLONG);
  }
  memcpy(output->temporary, output->target, size);
  memcpy(output->temporary + size, suffix, sizeof suffix);
  output->file = fopen(output->temporary, "we");
  return output->file ? CLI_OK : complain(output, errno);
}

int output_open(struct output *output, const char *path) {
  struct stat status;
  *output = (struct output){.path = path};
  if (!path) {
    return CLI_OK;
  }
  if (strcmp(path, "-") == 0) {
    output->path = "stdout";
    output->file = stdout;
    return CLI_OK;
  }
  if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
    return open_directly(output);
  }
  return find_target(output) ? open_neighbour(output) : complain(output, errno);
}

bool output_same_file(const char *path, const char *input) {
  struct stat a;
  struct stat b;
  return path && stat(path, &a) == 0 && stat(input, &b) == 0 && S_ISREG(a.st_mode) && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

bool output_line(struct output *output, struct span line) {
  FILE *file = output->file;
  if (file && (fwrite(line.data, 1, line.size, file) != line.size || fputc('\n', file) == EOF)) {
    output->failed = true;
  }
  return !output->failed;
}

static bool settle(struct output *output, bool keep) {
  if (output->target[0] == '\0') {
    return true;
  }
  if (keep) {
    return rename(output->temporary, output->target) == 0;
  }
  (void)unlink(output->temporary);
  return true;
}

int output_close(struct output *output, bool keep) {
  if (!output->file) {
    return CLI_OK;
  }
  bool written = fflush(output->file) == 0 && !output->failed;
  int number = errno;
  if (written && output->target[0] != '\0' && fsync(fileno(output->file)) != 0) {
    written = false;
    number = errno;
  }
  if (output->file != stdout && fclose(output->file) != 0 && written) {
    written = false;
    number = errno;
  }
  output->file = NULL;
  if (!settle(output, keep && written)) {
    written = false;
    number = errno;
  }
  return written ? CLI_OK : complain(output, number);
}
