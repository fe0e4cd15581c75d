#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static atomic_int level_min = LOG_INFO;

void log_set_level(enum log_level level) {
  atomic_store(&level_min, (int)level);
}

/* Appends `text` in quotes; leaves two bytes for the closing quote and the line end. */
static size_t quoted_append(char *line, size_t size, const char *text) {
  line[size++] = '"';
  for (const char *c = text; *c && size < LINE_MAX_BYTES - 4; c++) {
    if (*c == '"' || *c == '\\') {
      line[size++] = '\\';
    }
    line[size++] = *c;
  }
  line[size++] = '"';
  return size;
}

static void controls_blank(char *line, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if ((unsigned char)line[i] < ' ' || line[i] == 0x7F) {
      line[i] = ' ';
    }
  }
}

static void line_write(const char *line, size_t size) {
  ssize_t done;
  do {
    done = write(STDERR_FILENO, line, size);
  } while (done < 0 && errno == EINTR);
}

void log_line(enum log_level level, const char *room, const char *format, ...) {
  if ((int)level < atomic_load(&level_min)) {
    return;
  }
  int errno_saved = errno;
  char text[LINE_MAX_BYTES / 2];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  char line[LINE_MAX_BYTES];
  int head = snprintf(line, sizeof(line) / 4, "level=%s room=%s ", level_names[level], room);
  size_t size = head < 0 ? 0 : strnlen(line, sizeof(line) / 4);
  const char *shown = length < 0 ? "message could not be formatted" : text;
  if (strncmp(shown, "msg=", 4) == 0) {
    size_t rest = strlen(shown);
    memcpy(line + size, shown, rest);
    size += rest;
  } else {
    (void)memcpy(line + size, "msg=", 4);
    size = quoted_append(line, size + 4, shown);
  }
  controls_blank(line, size);
  line[size++] = '\n';
  line_write(line, size);
  errno = errno_saved;
}
