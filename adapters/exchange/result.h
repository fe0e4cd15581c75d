/*
 * exchange/result.h — what an agency finds in done/ and rejected/ after its file has been answered.
 *
 * Both tables are CSV for Excel (UTF-8 with BOM, `;`, CRLF), written as they come, in bounded memory. Writing them
 * again gives the same bytes. Threading: the loop's thread.
 */
#ifndef KURATOR_EXCHANGE_RESULT_H
#define KURATOR_EXCHANGE_RESULT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "exchange/profile.h"
#include "link/link.h"

struct result_file {
  const char *root;
  const char *path; /* of the file in work/ */
  const char *name;
  struct span key; /* in the spool */
};

/* True if the results of the file stand in done/. */
bool result_is_written(const struct result_file *file);
/* True if anything in done/ or rejected/ belongs to a file of that name. */
bool result_name_taken(const char *root, const char *name);
/* done/NAME.result.csv: line, result, journal number or reason, for every row; rejected/NAME.rejected.csv with the
 * refused rows, if there are any: their own columns, then line and reason. All rows have to be answered. Without rows a
 * result that exists already stays. */
enum err result_write(const struct result_file *file, const struct profile *profile, struct link *link) MUST_CHECK;
/* Moves the answered file to done/; one that is gone needs no moving. */
enum err result_put_away(const struct result_file *file) MUST_CHECK;
/* rejected/NAME.reason.txt: why the file, or the rest of it, could not be read. */
enum err result_write_reason(const struct result_file *file, const struct fault *fault) MUST_CHECK;
/* The same, and the file itself goes to rejected/. */
enum err result_reject(const struct result_file *file, const struct fault *fault) MUST_CHECK;

#endif
