/*
 * daemon/trouble.h — a database that cannot be written or opened, in words.
 *
 * Purpose: what senders are told while nothing can be stored, what the operator is told, and what whoever starts the
 * daemon reads when the database does not open. Russian; no state. Never: writes anything.
 */
#ifndef KURATOR_DAEMON_TROUBLE_H
#define KURATOR_DAEMON_TROUBLE_H

#include "base/err.h"
#include "store/store.h"

struct trouble {
  const char *why;    /* a clause without its end */
  const char *advice; /* what the operator does; the daemon goes on by itself unless this says otherwise */
};
/* NULL for STORE_HAS_ROOM. */
const struct trouble *trouble_of_room(enum store_room room);
/* The refusal of a message that cannot be stored now. */
enum err trouble_refuse(enum store_room room, struct fault *fault);
/* Puts in place of the store's English text what is wrong with the database in the folder `data`, and what to do. */
enum err trouble_explain_start(const char *data, struct fault *fault);

#endif
