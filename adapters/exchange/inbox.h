/*
 * exchange/inbox.h — from the agency's files to messages, and the answers back to the agency.
 *
 * Purpose: takes files out of in/, turns each row into a message of the link's spool (or into a refusal), and when
 * every row of a file has its answer, writes the results and moves the file to done/. Rows, the place in the file and
 * the messages are stored in one transaction, so a process that is killed goes on at the next row.
 *
 * Life cycle: inbox_create → inbox_scan / inbox_work / inbox_settle / inbox_receipt … → inbox_destroy.
 * Threading: the loop's thread. Ownership: what the options point to is borrowed.
 * Limits: INBOX_FILES_MAX files are under way at a time and no further rows are read while INBOX_PENDING_MAX messages
 * wait for their receipts; the rest waits in in/. Under the virtual clock these limits do not hold: an engine that
 * holds its input until everything is there would wait for ever. Work comes in slices, so that the loop lives. Never:
 * logs a file's name or content, loses a file without a word in done/ or rejected/.
 */
#ifndef KURATOR_EXCHANGE_INBOX_H
#define KURATOR_EXCHANGE_INBOX_H

#include <stdbool.h>

#include "base/civil.h"
#include "base/err.h"
#include "exchange/profile.h"
#include "link/link.h"

enum { INBOX_FILES_MAX = 1000, INBOX_SLICE_ROWS = 500, INBOX_PENDING_MAX = 20000 };

struct inbox;

struct inbox_options {
  const char *root;                /* holds in/, work/, done/, rejected/ */
  const struct profile *profile;   /* borrowed */
  const char *const *participants; /* ids, borrowed */
  size_t participants_count;
  struct link *link;  /* borrowed */
  bool virtual_clock; /* a scan comes when all is there: files are taken at once, limits do not hold */
};
/* Finds again what an earlier process had under way. ERR_IO, ERR_NO_MEMORY, or as the spool says. */
enum err inbox_create(const struct inbox_options *options, struct inbox **ret_inbox) MUST_CHECK;
void inbox_destroy(struct inbox **inbox); /* NULL-safe */

/* Takes files from in/. One that has just appeared is taken at the second look when it has not changed since. What
 * could not be read or answered before is tried again. The error is the first one; the other folders are still looked
 * at. */
enum err inbox_scan(struct inbox *inbox) MUST_CHECK;
/* Reads at most one slice of rows; `now` is when a row without a date happened. `*ret_more`: there is more to read now.
 * After an error the file in question waits for the next scan, the others go on. */
enum err inbox_work(struct inbox *inbox, civil_moment now, bool *ret_more) MUST_CHECK;
/* A message has got its receipt. */
void inbox_receipt(struct inbox *inbox);
/* Ends the files all of whose rows are answered. The error is the first one; all are tried. */
enum err inbox_settle(struct inbox *inbox) MUST_CHECK;

#endif
