/*
 * exchange/lines.h — a file, line by line, whatever is in it.
 *
 * Purpose: reads a file of any size in bounded memory. A line ends with LF or CRLF; the last one may lack its end. A
 * line longer than LINE_MAX is reported as such, skipped to its end, and the reading goes on behind it.
 *
 * Life cycle: line_reader_open → line_reader_next … → line_reader_close. Ownership: a line is valid until the next
 * call. Threading: one owner. Never: decodes (see encoding.h).
 */
#ifndef KURATOR_EXCHANGE_LINES_H
#define KURATOR_EXCHANGE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { EXCHANGE_LINE_MAX = 64 << 10 };

struct line_reader;

struct line {
  struct span bytes; /* without the line end */
  uint64_t number;   /* 1-based */
  uint64_t offset;   /* of its first byte */
  bool too_long;     /* then `bytes` holds the beginning */
};

/* ERR_NOT_FOUND, ERR_FORBIDDEN (no right to read it), ERR_UNSUPPORTED (no regular file), ERR_IO. */
enum err line_reader_open(const char *path, struct line_reader **ret_reader) MUST_CHECK;
void line_reader_close(struct line_reader **reader);
/* ERR_NOT_FOUND at the end, ERR_IO when the file cannot be read on. */
enum err line_reader_next(struct line_reader *reader, struct line *ret_line) MUST_CHECK;
/* Goes back to a line that was read before: it will be the next. */
enum err line_reader_rewind(struct line_reader *reader, const struct line *line) MUST_CHECK;
/* Offset of the line that would come next. */
uint64_t line_reader_offset(const struct line_reader *reader);
/* Number of lines handed out so far. */
uint64_t line_reader_number(const struct line_reader *reader);
/* Size of the file in bytes when it was opened. */
uint64_t line_reader_size(const struct line_reader *reader);

#endif
