#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_TEXT = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena arena;
  arena_init(&arena, 1);
  fuzz_one(span_of(data, size), &arena);
  arena_finish(&arena);
  return 0;
}

void fuzz_refused(enum err err, const struct fault *fault) {
  struct span text = span_of_cstr(fault->text);
  ASSERT(err != ERR_OK);
  if (span_empty(text) || !span_is_text(text)) {
    (void)fprintf(stderr, "refused with %s: \"%s\"\n", err_name(err), fault->text);
    abort();
  }
}

uint8_t fuzz_choice(struct span *input) {
  if (span_empty(*input)) {
    return 0;
  }
  uint8_t choice = input->data[0];
  *input = span_of(input->data + 1, input->size - 1);
  return choice;
}

struct span fuzz_text(struct span *input) {
  return span_cut(*input, '\0', input);
}

/* ---- files ---- */

static char folder[PATH_TEXT];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place) {
  (void)status;
  (void)type;
  (void)place;
  return remove(path);
}

static void remove_folder(void) {
  (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
  if (!folder[0]) {
    /* In memory where there is such a place: a fuzzer writes thousands of files in a second. */
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(folder, sizeof folder, "%s/kurator-fuzz-XXXXXX", base);
    ASSERT(mkdtemp(folder));
    ASSERT(atexit(remove_folder) == 0);
  }
  return folder;
}

void fuzz_write(const char *dir, const char *name, struct span bytes) {
  char path[2 * PATH_TEXT];
  (void)snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *file = fopen(path, "wb");
  ASSERT(file);
  ASSERT(bytes.size == 0 || fwrite(bytes.data, 1, bytes.size, file) == bytes.size);
  ASSERT(fclose(file) == 0);
}

const char *fuzz_file(const char *suffix, struct span bytes) {
  static char path[2 * PATH_TEXT];
  char name[64];
  (void)snprintf(name, sizeof name, "input%s", suffix);
  (void)snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
  fuzz_write(folder, name, bytes);
  return path;
}
