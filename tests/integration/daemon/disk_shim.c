/*
 * A disk that fails on command, for LD_PRELOAD: whatever is written below the folder DISK_SHIM_FOLDER fails in the way
 * that the file DISK_SHIM_CONTROL names, for as long as it stands there:
 *
 *   ENOSPC, EROFS, EIO   nothing is written; with EROFS nothing is opened for writing either
 *   short                half of each write gets through, as on a disk that gets full in the middle of it
 *   sync                 writes seem to go well, syncing them says EIO
 *   meta                 writes to the first two pages of data.mdb say EIO; in all other cases they go well, for they
 *                        have their place on the disk since the beginning
 */
/* The names of the system's parameters begin with two underscores, which are not ours to use. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NAME_BYTES = 4096, WORD_BYTES = 16, META_BYTES = 8192 };

static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) {
    abort();
  }
  return found;
}

/* The word of the control file; false: all is well. */
static bool trouble(char word[WORD_BYTES]) {
  const char *path = getenv("DISK_SHIM_CONTROL"); /* NOLINT(concurrency-mt-unsafe): never set here */
  FILE *file = path ? fopen(path, "re") : NULL;
  bool read = file && fgets(word, WORD_BYTES, file) != NULL;
  if (file) {
    (void)fclose(file);
  }
  word[read ? strcspn(word, "\n") : 0] = '\0';
  return read && word[0] != '\0';
}

static bool is_below(const char *path) {
  const char *folder = getenv("DISK_SHIM_FOLDER"); /* NOLINT(concurrency-mt-unsafe): never set here */
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static void path_of(int fd, char path[NAME_BYTES]) {
  char link[64];
  (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, NAME_BYTES - 1);
  path[size < 0 ? 0 : size] = '\0';
}

static bool is_ours(int fd) {
  char path[NAME_BYTES];
  path_of(fd, path);
  return is_below(path);
}

static bool is_meta(int fd, off_t at) {
  char path[NAME_BYTES];
  path_of(fd, path);
  return at >= 0 && at < META_BYTES && strstr(path, "/data.mdb") != NULL;
}

static int error_of(const char *word) {
  return strcmp(word, "ENOSPC") == 0 ? ENOSPC : strcmp(word, "EROFS") == 0 ? EROFS : strcmp(word, "EIO") == 0 ? EIO : 0;
}

/* What becomes of a write of `size` bytes: -1 and errno, or how many of them may be written. `at` below 0: behind. */
static ssize_t allowed(int fd, size_t size, off_t at) {
  char word[WORD_BYTES];
  if (!is_ours(fd) || !trouble(word)) {
    return (ssize_t)size;
  }
  bool meta = is_meta(fd, at);
  int error = strcmp(word, "meta") == 0 ? EIO : error_of(word);
  if (error != 0 && meta == (strcmp(word, "meta") == 0)) {
    errno = error;
    return -1;
  }
  return strcmp(word, "short") == 0 && size > 1 && !meta ? (ssize_t)(size / 2) : (ssize_t)size;
}

ssize_t write(int fd, const void *data, size_t size) {
  ssize_t (*real)(int, const void *, size_t) = next("write");
  ssize_t count = allowed(fd, size, -1);
  return count < 0 ? -1 : real(fd, data, (size_t)count);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t) = next("pwrite64");
  ssize_t count = allowed(fd, size, at);
  return count < 0 ? -1 : real(fd, data, (size_t)count, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return pwrite64(fd, data, size, at);
}

static size_t size_of(const struct iovec *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++) {
    size += parts[i].iov_len;
  }
  return size;
}

/* Only the first part of one that is cut. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
  ssize_t (*real)(int, const struct iovec *, int) = next("writev");
  size_t size = size_of(parts, count);
  ssize_t may = allowed(fd, size, -1);
  return may < 0 ? -1 : real(fd, parts, (size_t)may < size && count > 1 ? 1 : count);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  ssize_t (*real)(int, const struct iovec *, int, off64_t) = next("pwritev64");
  size_t size = size_of(parts, count);
  ssize_t may = allowed(fd, size, at);
  return may < 0 ? -1 : real(fd, parts, (size_t)may < size && count > 1 ? 1 : count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  return pwritev64(fd, parts, count, at);
}

static int sync_with(const char *name, int fd) {
  int (*real)(int) = next(name);
  char word[WORD_BYTES];
  if (is_ours(fd) && trouble(word) && strcmp(word, "sync") == 0) {
    errno = EIO;
    return -1;
  }
  return real(fd);
}

int fsync(int fd) {
  return sync_with("fsync", fd);
}

int fdatasync(int fd) {
  return sync_with("fdatasync", fd);
}

static bool may_open(const char *path, int flags) {
  char word[WORD_BYTES];
  bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
  return !writes || !is_below(path) || !trouble(word) || strcmp(word, "EROFS") != 0;
}

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, mode_t) = next(name);
  if (!may_open(path, flags)) {
    errno = EROFS;
    return -1;
  }
  return real(path, flags, mode);
}

static mode_t mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t)va_arg(more, int) : 0;
}

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_with("open64", path, flags, mode);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
