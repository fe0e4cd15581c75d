/* What the tests of this room share: an exchange folder of one's own, files in it, and a disk that can be full. */
#ifndef KURATOR_TEST_FOLDERS_H
#define KURATOR_TEST_FOLDERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange/folder.h"

struct folders {
  char root[64];
  struct writer text; /* of the last file that was read */
};

static inline void folders_make(struct folders *folders) {
  (void)snprintf(folders->root, sizeof folders->root, "/tmp/kurator-exchange-XXXXXX");
  assert_non_null(mkdtemp(folders->root));
  writer_init(&folders->text);
}

static inline void folders_remove(struct folders *folders) {
  char command[100];
  (void)snprintf(command, sizeof command, "rm -r %s", folders->root);
  assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path made above
  writer_finish(&folders->text);
}

static inline const char *folders_path(const struct folders *folders, const char *name) {
  static char paths[4][200];
  static unsigned next;
  char *path = paths[next++ % 4];
  (void)snprintf(path, sizeof paths[0], "%s/%s", folders->root, name);
  return path;
}

static inline void folders_put(const struct folders *folders, const char *name, const char *text) {
  FILE *file = fopen(folders_path(folders, name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
}

static inline bool folders_has(const struct folders *folders, const char *name) {
  return folder_has(folders_path(folders, name));
}

/* Terminated; valid until the next call. */
static inline const char *folders_text(struct folders *folders, const char *name) {
  writer_reset(&folders->text);
  assert_int_equal(folder_read(folders_path(folders, name), 64 << 20, &folders->text), ERR_OK);
  writer_u8(&folders->text, 0);
  return (const char *)folders->text.data;
}

static inline unsigned count_of(const char *text, const char *what) {
  unsigned count = 0;
  for (const char *at = strstr(text, what); at; at = strstr(at + 1, what)) {
    count++;
  }
  return count;
}

/* No file grows beyond `bytes`: writing fails as on a full disk. */
static inline void disk_limit(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#endif
