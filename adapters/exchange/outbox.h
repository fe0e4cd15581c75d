/*
 * exchange/outbox.h — what the engine sends, as files for the agency.
 *
 * Each delivery becomes out/[PARTICIPANT/]POSITION-KIND.json; where the profile has a table for its kind, it also
 * becomes a row of out/[PARTICIPANT/]NAME-DATE.csv (UTF-8 with BOM for Excel), one table a day, continued in
 * NAME-DATE.2.csv and so on when it gets long. Handling a delivery a second time changes nothing as long as its files
 * lie there: files are named after the position, rows begin with it.
 *
 * Threading: the loop's thread. Never: writes a file in part, follows a link that the agency may have put there.
 */
#ifndef KURATOR_EXCHANGE_OUTBOX_H
#define KURATOR_EXCHANGE_OUTBOX_H

#include <stdbool.h>

#include "base/err.h"
#include "exchange/profile.h"
#include "proto/json.h"

struct outbox {
  const char *root;
  const struct profile *profile;
  bool several; /* participants: a sub-folder each */
};

/* Durable when it returns ERR_OK. ERR_IO, ERR_FULL, ERR_LIMIT (a path too long): to be tried again. */
enum err outbox_write(const struct outbox *outbox, const char *participant, const struct delivery *delivery) MUST_CHECK;

#endif
