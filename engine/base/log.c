#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, TEXT_MAX_BYTES = 1024 };

static const char *const level_names[] = {"debug", "info", "warning", "error"};
static atomic_int level_min = LOG_INFO;

void log_set_level(enum log_level level) {
  atomic_store(&level_min, (int)level);
}

struct line {
  char text[LINE_MAX_BYTES];
  size_t size;
};

/* Keeps one byte free for the line end. */
static void line_add(struct line *line, char c) {
  if (line->size < LINE_MAX_BYTES - 1) {
    bool control = (unsigned char)c < ' ' || c == 0x7F;
    line->text[line->size++] = control ? ' ' : c;
  }
}

static void line_add_text(struct line *line, const char *text) {
  for (; *text; text++) {
    line_add(line, *text);
  }
}

/* Ends early rather than without its closing quote. */
static void line_add_quoted(struct line *line, const char *text) {
  line_add(line, '"');
  for (; *text && line->size < LINE_MAX_BYTES - 3; text++) {
    if (*text == '"' || *text == '\\') {
      line_add(line, '\\');
    }
    line_add(line, *text);
  }
  line_add(line, '"');
}

static void line_write(struct line *line) {
  line->text[line->size++] = '\n';
  ssize_t done;
  do {
    done = write(STDERR_FILENO, line->text, line->size);
  } while (done < 0 && errno == EINTR);
}

void log_line(enum log_level level, const char *room, const char *format, ...) {
  if ((int)level < atomic_load(&level_min)) {
    return;
  }
  int errno_saved = errno;
  char text[TEXT_MAX_BYTES] = "";
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  struct line line = {.size = 0};
  line_add_text(&line, "level=");
  line_add_text(&line, level_names[level]);
  line_add_text(&line, " room=");
  line_add_text(&line, room);
  if (strncmp(text, "msg=", 4) == 0) {
    line_add(&line, ' ');
    line_add_text(&line, text);
  } else {
    line_add_text(&line, " msg=");
    line_add_quoted(&line, text);
  }
  line_write(&line);
  errno = errno_saved;
}
