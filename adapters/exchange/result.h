/*
 * exchange/result.h — what an agency finds in done/ and rejected/ after its file has been answered.
 *
 * Both tables are CSV for Excel (UTF-8 with BOM, `;`, CRLF). Writing them again gives the same bytes. Threading: the
 * loop's thread.
 */
#ifndef KURATOR_EXCHANGE_RESULT_H
#define KURATOR_EXCHANGE_RESULT_H

#include "base/err.h"
#include "base/span.h"
#include "exchange/profile.h"
#include "link/link.h"

struct result_file {
  const char *root;
  const char *path; /* of the file in in/ */
  const char *name;
  struct span key; /* in the spool */
};

/* done/NAME.result.csv: line, result, journal number or reason, for every row; rejected/NAME.rejected.csv with the
 * refused rows, if there are any: their own columns, then line and reason. */
enum err result_write(const struct result_file *file, const struct profile *profile, struct link *link) MUST_CHECK;
/* Moves the answered file to done/. */
enum err result_put_away(const struct result_file *file) MUST_CHECK;
/* The file as a whole to rejected/, with NAME.reason.txt. */
enum err result_reject_file(const char *root, const char *path, const char *name, const struct fault *fault) MUST_CHECK;

#endif
