/*
 * A window of two line lengths slides over the file. Invariants: window[start, end) holds the bytes from `offset` on
 * that were read but not yet handed out; window[start - behind, start) still holds the bytes before them, so that going
 * back a few lines costs nothing. A line is looked for in the window, which is refilled when there is none.
 */
#include "exchange/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_SIZE = 2 * EXCHANGE_LINE_MAX };

struct line_reader {
  int fd;
  uint64_t size;
  uint64_t offset; /* of window[start] in the file */
  uint64_t number; /* of the line last handed out */
  size_t start, end, behind;
  bool at_end; /* the file has no more bytes behind window[end) */
  uint8_t window[WINDOW_SIZE];
};

static enum err open_error(void) {
  switch (errno) {
  case ENOENT:
    return ERR_NOT_FOUND;
  case EACCES:
  case EPERM:
    return ERR_FORBIDDEN;
  case ELOOP:
    return ERR_UNSUPPORTED;
  default:
    return ERR_IO;
  }
}

enum err line_reader_open(const char *path, struct line_reader **ret_reader) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a pipe must not keep us waiting */
  if (fd < 0) {
    return open_error();
  }
  struct stat status;
  struct line_reader *reader = NULL;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    (void)close(fd);
    return ERR_UNSUPPORTED;
  }
  if (!(reader = calloc(1, sizeof *reader))) {
    (void)close(fd);
    return ERR_NO_MEMORY;
  }
  reader->fd = fd;
  reader->size = (uint64_t)status.st_size;
  *ret_reader = reader;
  return ERR_OK;
}

void line_reader_close(struct line_reader **reader) {
  if (*reader) {
    (void)close((*reader)->fd);
    free(*reader);
    *reader = NULL;
  }
}

static enum err refill(struct line_reader *reader) {
  memmove(reader->window, reader->window + reader->start, reader->end - reader->start);
  reader->end -= reader->start;
  reader->start = reader->behind = 0;
  while (reader->end < WINDOW_SIZE) {
    ssize_t got = read(reader->fd, reader->window + reader->end, WINDOW_SIZE - reader->end);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return ERR_IO;
    }
    if (got == 0) {
      reader->at_end = true;
      break;
    }
    reader->end += (size_t)got;
  }
  return ERR_OK;
}

static const uint8_t *find_newline(const struct line_reader *reader) {
  return memchr(reader->window + reader->start, '\n', reader->end - reader->start);
}

static void consume(struct line_reader *reader, size_t bytes) {
  reader->start += bytes;
  reader->behind += bytes;
  reader->offset += bytes;
}

/* The rest of a line that did not fit is read and dropped. */
static enum err skip_rest(struct line_reader *reader) {
  for (;;) {
    const uint8_t *newline = find_newline(reader);
    if (newline) {
      consume(reader, (size_t)(newline - (reader->window + reader->start)) + 1);
      return ERR_OK;
    }
    consume(reader, reader->end - reader->start);
    if (reader->at_end) {
      return ERR_OK;
    }
    TRY(refill(reader));
  }
}

/* A line that is too long hands out its beginning from a place that skip_rest does not overwrite. */
static enum err take_too_long(struct line_reader *reader, struct line *line) {
  enum { SHOWN = 256 };
  uint8_t beginning[SHOWN];
  memcpy(beginning, reader->window + reader->start, SHOWN);
  TRY(skip_rest(reader));
  line->too_long = true;
  /* The window before `start` is free: everything in it has been consumed. */
  size_t free_bytes = reader->start < SHOWN ? reader->start : SHOWN;
  memcpy(reader->window, beginning, free_bytes);
  reader->behind = 0;
  line->bytes = span_of(reader->window, free_bytes);
  return ERR_OK;
}

enum err line_reader_next(struct line_reader *reader, struct line *ret_line) {
  const uint8_t *newline = find_newline(reader);
  if (!newline && !reader->at_end) {
    TRY(refill(reader));
    newline = find_newline(reader);
  }
  size_t left = reader->end - reader->start;
  if (left == 0) {
    return ERR_NOT_FOUND;
  }
  size_t size = newline ? (size_t)(newline - (reader->window + reader->start)) : left;
  *ret_line = (struct line){.number = ++reader->number, .offset = reader->offset};
  if (size > EXCHANGE_LINE_MAX) {
    return take_too_long(reader, ret_line);
  }
  const uint8_t *bytes = reader->window + reader->start;
  consume(reader, size + (newline ? 1 : 0));
  if (size > 0 && bytes[size - 1] == '\r') {
    size--;
  }
  ret_line->bytes = span_of(bytes, size);
  return ERR_OK;
}

enum err line_reader_rewind(struct line_reader *reader, const struct line *line) {
  reader->number = line->number - 1;
  if (line->offset <= reader->offset && reader->offset - line->offset <= reader->behind) {
    size_t back = (size_t)(reader->offset - line->offset);
    reader->start -= back;
    reader->behind -= back;
    reader->offset = line->offset;
    return ERR_OK;
  }
  if (lseek(reader->fd, (off_t)line->offset, SEEK_SET) < 0) {
    return ERR_IO;
  }
  reader->offset = line->offset;
  reader->start = reader->end = reader->behind = 0;
  reader->at_end = false;
  return ERR_OK;
}

uint64_t line_reader_size(const struct line_reader *reader) {
  return reader->size;
}

uint64_t line_reader_offset(const struct line_reader *reader) {
  return reader->offset;
}

uint64_t line_reader_number(const struct line_reader *reader) {
  return reader->number;
}
