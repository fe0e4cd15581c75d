/*
 * exchange/source.h — a file of the agency as a series of records, good and bad.
 *
 * Purpose: hides whether the file is a table or JSON lines, how it is encoded and where a record ends. A bad record
 * never stops the reading: it comes with its fault and the next follows. Only a file that cannot be understood at all
 * (no known header, empty, too large) is refused as a whole.
 *
 * Life cycle: source_open → [source_seek] → source_next … → source_close. Threading: one owner.
 * Limits: SOURCE_SIZE_MAX bytes; records of SOURCE_JOIN_MAX lines (a quoted field may hold line ends).
 */
#ifndef KURATOR_EXCHANGE_SOURCE_H
#define KURATOR_EXCHANGE_SOURCE_H

#include "base/arena.h"
#include "base/err.h"
#include "exchange/convert.h"
#include "exchange/profile.h"

enum { SOURCE_JOIN_MAX = 5 };
#define SOURCE_SIZE_MAX (UINT64_C(1) << 30)

struct source;

struct record {
  uint64_t line; /* 1-based number of its first line */
  uint64_t next; /* offset of what follows, and the number of lines before it: for source_seek */
  uint64_t lines;
  struct span text;            /* UTF-8 where it could be decoded, else empty */
  struct exchange_event event; /* valid if err is ERR_OK */
  enum err err;
  struct fault fault;
};

/* Errors of the domain: the file as a whole is refused, Russian text in `fault`. ERR_IO, ERR_NO_MEMORY: try later. */
enum err source_open(const char *path, const struct profile *profile, struct source **ret_source,
                     struct fault *fault) MUST_CHECK;
void source_close(struct source **source);
/* Goes on behind a record: its `next` and the number of lines before it. */
enum err source_seek(struct source *source, uint64_t offset, uint64_t lines) MUST_CHECK;
/* ERR_NOT_FOUND at the end, ERR_IO. Empty lines are passed over. Everything in the record lives in `arena`. */
enum err source_next(struct source *source, struct arena *arena, struct record *ret_record) MUST_CHECK;
/* Where the reading stands, as for source_seek. */
void source_place(const struct source *source, uint64_t *ret_offset, uint64_t *ret_lines);
/* The header of a table in UTF-8; empty for JSON lines. Valid until source_close. */
struct span source_header(const struct source *source);
char source_separator(const struct source *source);

#endif
