/*
 * daemon/telling.h — the lines of the log that a peer can provoke: so many a minute, and then how many were left out.
 *
 * Purpose: a peer that connects, is refused or is cut off again and again must not fill the log, nor hide what another
 * one does. Each kind of line is counted for each participant by itself; who is unknown shares one count.
 *
 * Life cycle: tellings_create → … → tellings_destroy. Threading: the loop's thread. Limits: TELLING_LINES of a kind and
 * participant in TELLING_MS. Never: leaves lines out without telling how many (tellings_flush, a minute later).
 */
#ifndef KURATOR_DAEMON_TELLING_H
#define KURATOR_DAEMON_TELLING_H

#include "daemon/daemon.h"

enum { TELLING_LINES = 10, TELLING_MS = 60000 };

enum telling_kind { TELLING_LINK_UP, TELLING_LINK_GONE, TELLING_REFUSED, TELLING_CUT_OFF, TELLING_KINDS };

enum err tellings_create(struct daemon *daemon, struct tellings **ret_tellings) MUST_CHECK;
void tellings_destroy(struct tellings **at); /* NULL-safe, NULLs; tells what was left out */
/* True: write the line. `participant` NULL: unknown. */
bool telling_allows(struct tellings *tellings, enum telling_kind kind, const struct participant *participant);
/* Tells what was left out in minutes that are over. */
void tellings_flush(struct tellings *tellings);

#endif
