#include "exchange/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum err folder_path(char path[FOLDER_PATH_MAX], const char *root, const char *part, const char *name) {
  int size = snprintf(path, FOLDER_PATH_MAX, "%s/%s%s%s", root, part, *name ? "/" : "", name);
  return size > 0 && size < FOLDER_PATH_MAX ? ERR_OK : ERR_LIMIT;
}

static enum err make(const char *path, struct fault *fault) {
  if (mkdir(path, 0750) != 0 && errno != EEXIST) {
    return fault_set(fault, ERR_IO, "%s: %s", path, strerror(errno));
  }
  return ERR_OK;
}

enum err folder_prepare(const char *root, const char *const *participants, size_t count, struct fault *fault) {
  static const char *const parts[] = {"in", "out", "done", "rejected"};
  static const char *const own[] = {"in", "out"};
  char path[FOLDER_PATH_MAX];
  TRY(make(root, fault));
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    TRY(folder_path(path, root, parts[i], ""));
    TRY(make(path, fault));
  }
  for (size_t i = 0; count > 1 && i < 2 * count; i++) {
    TRY(folder_path(path, root, own[i % 2], participants[i / 2]));
    TRY(make(path, fault));
  }
  return ERR_OK;
}

static void close_fd(int *fd) {
  if (*fd >= 0) {
    close(*fd);
  }
}

static enum err write_all(int fd, struct span bytes) {
  size_t done = 0;
  while (done < bytes.size) {
    ssize_t written = write(fd, bytes.data + done, bytes.size - done);
    if (written < 0 && errno != EINTR) {
      return errno == ENOSPC ? ERR_FULL : ERR_IO;
    }
    done += written > 0 ? (size_t)written : 0;
  }
  return ERR_OK;
}

/* The new name is durable only when its folder is. */
static enum err sync_parent(const char *path) {
  char parent[FOLDER_PATH_MAX];
  const char *slash = strrchr(path, '/');
  ASSERT(slash && (size_t)(slash - path) < sizeof parent);
  memcpy(parent, path, (size_t)(slash - path));
  parent[slash - path] = '\0';
  int fd DEFER(close_fd) = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_IO;
}

enum err folder_write(const char *path, struct span bytes) {
  char temporary[FOLDER_PATH_MAX];
  if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >= (int)sizeof temporary) {
    return ERR_LIMIT;
  }
  {
    int fd DEFER(close_fd) = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
      return errno == ENOSPC ? ERR_FULL : ERR_IO;
    }
    TRY(write_all(fd, bytes));
    if (fsync(fd) != 0) {
      return ERR_IO;
    }
  }
  if (rename(temporary, path) != 0) {
    return ERR_IO;
  }
  return sync_parent(path);
}

enum err folder_free_name(char free_path[FOLDER_PATH_MAX], const char *path) {
  enum { NAMES_MAX = 100000 };
  for (int i = 1; i <= NAMES_MAX; i++) {
    int size = i == 1 ? snprintf(free_path, FOLDER_PATH_MAX, "%s", path)
                      : snprintf(free_path, FOLDER_PATH_MAX, "%s.%d", path, i);
    if (size >= FOLDER_PATH_MAX) {
      return ERR_LIMIT;
    }
    if (access(free_path, F_OK) != 0) {
      return ERR_OK;
    }
  }
  return ERR_EXISTS;
}

enum err folder_move(const char *from, const char *to) {
  char path[FOLDER_PATH_MAX];
  TRY(folder_free_name(path, to));
  return rename(from, path) == 0 ? sync_parent(path) : ERR_IO;
}
