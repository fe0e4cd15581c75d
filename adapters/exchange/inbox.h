/*
 * exchange/inbox.h — from the agency's files to messages, and the answers back to the agency.
 *
 * Purpose: looks into in/, turns each row into a message of the link's spool (or into a refusal), and when every row of
 * a file has its answer, writes the results and moves the file to done/. Rows, the place in the file and the messages
 * are stored in one transaction, so a process that is killed goes on at the next row.
 *
 * Life cycle: inbox_create → inbox_scan / inbox_work / inbox_settle … → inbox_destroy. Threading: the loop's thread.
 * Limits: INBOX_FILES_MAX files at a time; further ones wait. Work stops while more than INBOX_PENDING_MAX messages
 * wait for their receipts (back-pressure), and comes in slices so that the loop lives.
 */
#ifndef KURATOR_EXCHANGE_INBOX_H
#define KURATOR_EXCHANGE_INBOX_H

#include <stdbool.h>

#include "base/civil.h"
#include "base/err.h"
#include "exchange/profile.h"
#include "link/link.h"

enum { INBOX_FILES_MAX = 256, INBOX_SLICE_ROWS = 500, INBOX_PENDING_MAX = 20000 };

struct inbox;

struct inbox_options {
  const char *root;                /* holds in/, done/, rejected/ */
  const struct profile *profile;   /* borrowed */
  const char *const *participants; /* ids, borrowed */
  size_t participants_count;
  struct link *link; /* borrowed */
};
enum err inbox_create(const struct inbox_options *options, struct inbox **ret_inbox) MUST_CHECK;
void inbox_destroy(struct inbox **inbox);

/* Looks for files. One that has just appeared is taken at the second look when its size has not changed, or at once if
 * `settled` (a barrier of the virtual clock: whoever put it there has finished). */
enum err inbox_scan(struct inbox *inbox, bool settled) MUST_CHECK;
/* Reads at most one slice of rows; `now` is when a row without a date happened. `*ret_more`: there is more to read now.
 */
enum err inbox_work(struct inbox *inbox, civil_moment now, bool *ret_more) MUST_CHECK;
/* Ends the files all of whose rows are answered. */
enum err inbox_settle(struct inbox *inbox) MUST_CHECK;

#endif
