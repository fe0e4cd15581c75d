/*
 * exchange/encoding.h — UTF-8 (with or without BOM) and windows-1251, as agencies' files come.
 *
 * Purpose: decides once per file, then gives each line as UTF-8. Both encodings keep ASCII, so a file may be cut into
 * lines and fields before it is decoded. Threading: one owner per decoder.
 */
#ifndef KURATOR_EXCHANGE_ENCODING_H
#define KURATOR_EXCHANGE_ENCODING_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum encoding { ENCODING_UTF8, ENCODING_CP1251 };

/* From the first bytes of a file: a BOM or well-formed UTF-8 (a character cut at the end is allowed) is UTF-8, anything
 * else windows-1251. */
enum encoding encoding_guess(struct span head);
/* The three bytes of a UTF-8 BOM cut off, if they are there. */
struct span encoding_without_bom(struct span head);
/* ERR_FORMAT when the bytes are no text in that encoding (UTF-8 malformed, NUL, or an unassigned byte). The result
 * lives in `arena` or borrows from `bytes`. */
enum err encoding_to_utf8(enum encoding encoding, struct span bytes, struct arena *arena,
                          struct span *ret_text) MUST_CHECK;

#endif
