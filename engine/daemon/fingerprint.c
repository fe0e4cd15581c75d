/* daemon/fingerprint.c — names and digests of the files, in the order that glob gives them. */
#include "daemon/fingerprint.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

enum { PATTERN_BYTES = 8192 };
#define FINGERPRINT_DOMAIN "kurator/v1/configuration"

static bool counts(const char *path) {
  static const char *const endings[] = {".yaml", ".csv", ".scxml"};
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++) {
    if (strcmp(dot, endings[i]) == 0) {
      return true;
    }
  }
  return false;
}

static void descriptor_close(const int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
  }
}

static void block_free(uint8_t **block) {
  free(*block);
}

static enum err file_add(const char *path, const char *name, struct writer *w) {
  struct stat status;
  DEFER(descriptor_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0) {
    return ERR_IO;
  }
  if (!S_ISREG(status.st_mode)) {
    return ERR_OK;
  }
  if (status.st_size > FINGERPRINT_FILE_MAX) {
    return ERR_LIMIT;
  }
  size_t size = (size_t)status.st_size;
  DEFER(block_free) uint8_t *block = malloc(size + 1);
  ASSERT(block != NULL);
  if (read(fd, block, size) != (ssize_t)size) {
    return ERR_IO; /* it is being written */
  }
  uint8_t digest[SIGNING_DIGEST];
  signing_digest(FINGERPRINT_DOMAIN, span_of(block, size), digest);
  writer_blob(w, span_of_cstr(name));
  writer_raw(w, span_of(digest, sizeof digest));
  return ERR_OK;
}

static enum err level_add(const char *pattern, size_t prefix, struct writer *w) {
  glob_t found;
  int result = glob(pattern, 0, NULL, &found);
  if (result == GLOB_NOMATCH) {
    return ERR_OK;
  }
  if (result != 0) {
    return ERR_IO;
  }
  enum err err = found.gl_pathc > FINGERPRINT_FILES_MAX ? ERR_LIMIT : ERR_OK;
  for (size_t i = 0; err == ERR_OK && i < found.gl_pathc; i++) {
    const char *path = found.gl_pathv[i];
    err = counts(path) ? file_add(path, path + prefix, w) : ERR_OK;
  }
  globfree(&found);
  return err;
}

/* The folder's own name may hold what glob takes for a pattern. */
static bool escape(const char *folder, char pattern[PATTERN_BYTES]) {
  size_t size = 0;
  for (const char *c = folder; *c; c++) {
    if (size + 16 > PATTERN_BYTES) {
      return false;
    }
    if (strchr("*?[\\", *c)) {
      pattern[size++] = '\\';
    }
    pattern[size++] = *c;
  }
  pattern[size] = '\0';
  return true;
}

enum err fingerprint_of(const char *folder, uint8_t ret_digest[SIGNING_DIGEST]) {
  static const char *const levels[] = {"/*", "/*/*", "/*/*/*"};
  char pattern[PATTERN_BYTES];
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  if (!escape(folder, pattern)) {
    return ERR_LIMIT;
  }
  size_t size = strlen(pattern);
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    (void)snprintf(pattern + size, sizeof pattern - size, "%s", levels[i]);
    TRY(level_add(pattern, strlen(folder) + 1, &w));
  }
  signing_digest(FINGERPRINT_DOMAIN, writer_span(&w), ret_digest);
  return ERR_OK;
}
