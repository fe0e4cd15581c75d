#include "store/copy_sum.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/words.h"
#include "store/store.h"

static const char NAME[] = "  data.mdb\n"; /* as b2sum(1) writes it */

enum { HASH_SIZE = 32, BLOCK_BYTES = 64 * 1024, LINE_SIZE = 2 * HASH_SIZE + sizeof NAME };

static void file_close(const int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
  }
}

/* The line that the file has to hold, ended by a zero. */
static int line_of(int directory, char line[LINE_SIZE]) {
  DEFER(file_close) int data = openat(directory, "data.mdb", O_RDONLY | O_CLOEXEC);
  uint8_t block[BLOCK_BYTES];
  crypto_generichash_state state;
  uint8_t hash[HASH_SIZE];
  if (data < 0) {
    return errno;
  }
  (void)crypto_generichash_init(&state, NULL, 0, HASH_SIZE);
  for (ssize_t got = 1; got != 0;) {
    got = read(data, block, BLOCK_BYTES);
    if (got < 0 && errno != EINTR) {
      return errno;
    }
    (void)crypto_generichash_update(&state, block, got > 0 ? (unsigned long long)got : 0);
  }
  (void)crypto_generichash_final(&state, hash, HASH_SIZE);
  (void)sodium_bin2hex(line, LINE_SIZE, hash, HASH_SIZE);
  memcpy(line + 2 * HASH_SIZE, NAME, sizeof NAME);
  return 0;
}

int copy_sum_write(int directory) {
  char line[LINE_SIZE];
  int rc = line_of(directory, line);
  if (rc != 0) {
    return rc;
  }
  DEFER(file_close) int sum = openat(directory, COPY_SUM_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ssize_t size = (ssize_t)strlen(line);
  errno = EIO; /* for a short write */
  return sum >= 0 && write(sum, line, (size_t)size) == size && fsync(sum) == 0 ? 0 : errno;
}

enum err store_copy_check(const char *path, struct fault *fault) {
  char wanted[LINE_SIZE];
  char found[LINE_SIZE] = "";
  DEFER(file_close) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DEFER(file_close) int sum = directory >= 0 ? openat(directory, COPY_SUM_FILE, O_RDONLY | O_CLOEXEC) : -1;
  if (sum < 0) {
    enum err err = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    return fault_set(fault, err, "%s: %s", COPY_SUM_FILE, words_of_system(errno));
  }
  int rc = line_of(directory, wanted);
  if (rc != 0) {
    return fault_set(fault, ERR_IO, "data.mdb: %s", words_of_system(rc));
  }
  ssize_t size = read(sum, found, sizeof found - 1);
  bool same = size == (ssize_t)strlen(wanted) && memcmp(found, wanted, (size_t)size) == 0;
  return same ? ERR_OK : fault_set(fault, ERR_CORRUPT, "data.mdb не тот, что был записан: его сумма не сходится");
}
