/*
 * exchange/row.h — one record of a CSV table, cut into fields (libcsv).
 *
 * Limits: ROW_FIELDS_MAX fields. Ownership: fields live in the arena. Threading: values only.
 */
#ifndef KURATOR_EXCHANGE_ROW_H
#define KURATOR_EXCHANGE_ROW_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "base/value.h"

enum { ROW_FIELDS_MAX = 128 };

struct row {
  struct span *fields;
  size_t count;
};

/* The character that separates the header's fields: of ';' ',' tab the most frequent one outside quotes. */
char row_separator(struct span header);
/* True if the text has an opening quote without its closing one: the record goes on in the next line. */
bool row_unfinished(struct span text);
/* ERR_FORMAT for stray quotes, ERR_LIMIT for too many fields. White space around unquoted fields is dropped. */
enum err row_parse(struct span text, char separator, struct arena *arena, struct row *ret_row) MUST_CHECK;
/* One line for Excel: fields quoted where needed, separated by ';', ended by CRLF; a field that a spreadsheet would
 * take for a formula (= + - @ tab) gets a leading apostrophe. */
void row_write(const struct span *fields, size_t count, struct writer *w);

/* Takes that apostrophe away again: a table that was written here comes back mended. */
struct span row_plain(struct span field);

#endif
