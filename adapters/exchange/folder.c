#include "exchange/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/words.h"

enum { FLUSH_SIZE = 64 << 10, EXTENSION_MAX = 16 };

static enum err err_of_errno(void) {
  switch (errno) {
  case ENOSPC:
  case EDQUOT:
    return ERR_FULL;
  case ENOENT:
    return ERR_NOT_FOUND;
  case EEXIST:
    return ERR_EXISTS;
  default:
    return ERR_IO;
  }
}

enum err folder_path(char path[FOLDER_PATH_MAX], const char *root, const char *part, const char *name) {
  int size = snprintf(path, FOLDER_PATH_MAX, "%s/%s%s%s", root, part, *name ? "/" : "", name);
  return size > 0 && size < FOLDER_PATH_MAX ? ERR_OK : ERR_LIMIT;
}

bool folder_has(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0;
}

static enum err make(const char *path, struct fault *fault) {
  struct stat status;
  if (mkdir(path, 0750) != 0 && (errno != EEXIST || stat(path, &status) != 0 || !S_ISDIR(status.st_mode))) {
    return fault_set(fault, ERR_IO, "%s: %s", path, words_of_system(errno));
  }
  return ERR_OK;
}

enum err folder_prepare(const char *root, const char *const *participants, size_t count, struct fault *fault) {
  static const char *const parts[] = {"in", "work", "out", "done", "rejected"};
  enum { OWN = 3 }; /* the first so many have sub-folders */
  char folder[FOLDER_PATH_MAX];
  char path[FOLDER_PATH_MAX];
  TRY(make(root, fault));
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    TRY(folder_path(folder, root, parts[i], ""));
    TRY(make(folder, fault));
    for (size_t p = 0; i < OWN && count > 1 && p < count; p++) {
      TRY(folder_path(path, folder, participants[p], ""));
      TRY(make(path, fault));
    }
  }
  return ERR_OK;
}

/* ---- names ---- */

/* The last dot and what follows; the end of the name if there is nothing like that. */
static const char *extension_of(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && dot != name && strlen(dot) <= EXTENSION_MAX ? dot : name + strlen(name);
}

static bool inside_character(const char *name, size_t at) {
  return ((unsigned char)name[at] & 0xC0) == 0x80;
}

void folder_name(char name[FOLDER_NAME_MAX + 1], const char *wish, unsigned number) {
  const char *extension = extension_of(wish);
  size_t stem = (size_t)(extension - wish);
  size_t stem_max = FOLDER_NAME_MAX - FOLDER_SUFFIX_MAX - strlen(extension);
  if (stem > stem_max) {
    for (stem = stem_max; stem > 1 && inside_character(wish, stem); stem--) {
    }
  }
  if (number > 1) {
    (void)snprintf(name, FOLDER_NAME_MAX + 1, "%.*s.%u%s", (int)stem, wish, number, extension);
  } else {
    (void)snprintf(name, FOLDER_NAME_MAX + 1, "%.*s%s", (int)stem, wish, extension);
  }
}

/* ---- whole files ---- */

static void close_fd(int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
    *fd = -1;
  }
}

static enum err write_all(int fd, struct span bytes) {
  size_t done = 0;
  while (done < bytes.size) {
    ssize_t written = write(fd, bytes.data + done, bytes.size - done);
    if (written < 0 && errno != EINTR) {
      return err_of_errno();
    }
    done += written > 0 ? (size_t)written : 0;
  }
  return ERR_OK;
}

/* A new name is durable only when its folder is. */
static enum err sync_parent(const char *path) {
  char parent[FOLDER_PATH_MAX];
  const char *slash = strrchr(path, '/');
  ASSERT(slash && (size_t)(slash - path) < sizeof parent);
  memcpy(parent, path, (size_t)(slash - path));
  parent[slash - path] = '\0';
  int fd DEFER(close_fd) = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_IO;
}

/* Whatever lies under the temporary name, a link perhaps, is put away and never written through. */
enum err folder_file_begin(struct folder_file *file, const char *path) {
  *file = (struct folder_file){.fd = -1};
  if (snprintf(file->path, sizeof file->path, "%s", path) >= (int)sizeof file->path ||
      snprintf(file->temporary, sizeof file->temporary, "%s.tmp", path) >= (int)sizeof file->temporary) {
    return ERR_LIMIT;
  }
  (void)unlink(file->temporary);
  file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
  if (file->fd < 0) {
    return errno == ENAMETOOLONG ? ERR_LIMIT : err_of_errno() == ERR_FULL ? ERR_FULL : ERR_IO;
  }
  writer_init(&file->buffer);
  return ERR_OK;
}

struct writer *folder_file_writer(struct folder_file *file) {
  return &file->buffer;
}

static void write_out(struct folder_file *file) {
  if (file->err == ERR_OK) {
    file->err = write_all(file->fd, writer_span(&file->buffer));
  }
  writer_reset(&file->buffer);
}

bool folder_file_flush(struct folder_file *file) {
  if (file->buffer.size >= FLUSH_SIZE) {
    write_out(file);
  }
  return file->err == ERR_OK;
}

void folder_file_drop(struct folder_file *file) {
  if (file->fd >= 0 && file->temporary[0]) {
    close_fd(&file->fd);
    (void)unlink(file->temporary);
  }
  writer_finish(&file->buffer);
}

static enum err name_file(struct folder_file *file) {
  write_out(file);
  TRY(file->err);
  if (fsync(file->fd) != 0) {
    return err_of_errno() == ERR_FULL ? ERR_FULL : ERR_IO;
  }
  return rename(file->temporary, file->path) == 0 ? ERR_OK : ERR_IO;
}

enum err folder_file_end(struct folder_file *file) {
  enum err err = name_file(file);
  if (err == ERR_OK) {
    close_fd(&file->fd);
    err = sync_parent(file->path);
  }
  folder_file_drop(file);
  return err;
}

enum err folder_write(const char *path, struct span bytes) {
  struct folder_file file DEFER(folder_file_drop) = {.fd = -1};
  TRY(folder_file_begin(&file, path));
  writer_raw(&file.buffer, bytes);
  return folder_file_end(&file);
}

enum err folder_read(const char *path, size_t size_max, struct writer *w) {
  uint8_t block[16384];
  struct stat status;
  int fd DEFER(close_fd) = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    return err_of_errno() == ERR_NOT_FOUND ? ERR_NOT_FOUND : ERR_IO;
  }
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    return ERR_IO;
  }
  size_t start = w->size;
  for (;;) {
    ssize_t got = read(fd, block, sizeof block);
    if (got < 0 && errno != EINTR) {
      return ERR_IO;
    }
    if (got == 0) {
      return ERR_OK;
    }
    writer_raw(w, span_of(block, got > 0 ? (size_t)got : 0));
    if (w->size - start > size_max) {
      return ERR_LIMIT;
    }
  }
}

enum err folder_move(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0) {
    if (errno != EINVAL) {
      return err_of_errno();
    }
    /* A file system that cannot promise it: asked first, renamed then. */
    if (folder_has(to)) {
      return ERR_EXISTS;
    }
    if (rename(from, to) != 0) {
      return err_of_errno();
    }
  }
  return sync_parent(to);
}
