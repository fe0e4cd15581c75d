/*
 * A window of two line lengths slides over the file. Invariant: window[start, end) holds the bytes from `offset` on
 * that were read but not yet handed out; a line is looked for in it, and the window is refilled when there is none.
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
  size_t start, end;
  bool at_end; /* the file has no more bytes behind window[end) */
  uint8_t window[WINDOW_SIZE];
};

enum err line_reader_open(const char *path, struct line_reader **ret_reader) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
  }
  struct stat status;
  struct line_reader *reader = NULL;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || !(reader = calloc(1, sizeof *reader))) {
    close(fd);
    return ERR_IO;
  }
  reader->fd = fd;
  reader->size = (uint64_t)status.st_size;
  *ret_reader = reader;
  return ERR_OK;
}

void line_reader_close(struct line_reader **reader) {
  if (*reader) {
    close((*reader)->fd);
    free(*reader);
    *reader = NULL;
  }
}

static enum err refill(struct line_reader *reader) {
  memmove(reader->window, reader->window + reader->start, reader->end - reader->start);
  reader->end -= reader->start;
  reader->start = 0;
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
  if (lseek(reader->fd, (off_t)line->offset, SEEK_SET) < 0) {
    return ERR_IO;
  }
  reader->offset = line->offset;
  reader->number = line->number - 1;
  reader->start = reader->end = 0;
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
