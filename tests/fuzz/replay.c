/*
 * replay.c — a target without a fuzzer: runs every file of the folders named on the command line through it.
 *
 * So that seeds and former findings are a test of every build, with any compiler. A finding ends the process, as under
 * the fuzzer; the file's name has been printed by then. A folder that is not there holds nothing.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { PATH_TEXT = 4096, FILE_SIZE_MAX = 4 << 20 };

static unsigned replayed;

static void replay_file(const char *path) {
  FILE *file = fopen(path, "rb");
  ASSERT(file);
  uint8_t *bytes = malloc(FILE_SIZE_MAX);
  ASSERT(bytes);
  size_t size = fread(bytes, 1, FILE_SIZE_MAX, file);
  ASSERT(fclose(file) == 0);
  /* Exactly as large as the input, so that reading past its end is seen. */
  uint8_t *exact = realloc(bytes, size > 0 ? size : 1);
  ASSERT(exact);
  (void)fprintf(stderr, "%s\n", path);
  (void)LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  replayed++;
}

static void replay(const char *path);

static void replay_folder(const char *path) {
  struct dirent **entries = NULL;
  int count = scandir(path, &entries, NULL, alphasort);
  ASSERT(count >= 0);
  for (int i = 0; i < count; i++) {
    char child[PATH_TEXT];
    (void)snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.') {
      replay(child);
    }
    free(entries[i]);
  }
  free(entries);
}

static void replay(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) {
    return;
  }
  if (S_ISDIR(status.st_mode)) {
    replay_folder(path);
  } else {
    replay_file(path);
  }
}

int main(int argc, char **argv) {
  replay_file("/dev/null");
  for (int i = 1; i < argc; i++) {
    replay(argv[i]);
  }
  (void)printf("%u inputs\n", replayed);
  return 0;
}
