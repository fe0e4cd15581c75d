/*
 * daemon/desk.h — the query socket: questions of the CLI and the agents.
 *
 * Purpose: finds the verb, checks the asker's right to it, lets it fill one page and sends that with the journal
 * position it shows. Questions are answered between batches, from what is committed.
 *
 * Rights: operators may use every verb, agents those that change nothing; personal data needs a right of its own
 * (keyring: privacy/); a key in neither folder is not let in.
 * Life cycle: desk_create → … → desk_destroy. Threading: the loop's thread.
 * Limits: a page has at most limits.query_rows rows and DESK_PAGE_BYTES bytes, and looks at DESK_SCAN_MAX records.
 * Never: shows personal data, but to an operator who has the right to it, states a reason, and stands in the journal.
 */
#ifndef KURATOR_DAEMON_DESK_H
#define KURATOR_DAEMON_DESK_H

#include "daemon/daemon.h"

enum err desk_create(struct daemon *daemon, struct desk **ret_desk) MUST_CHECK;
void desk_destroy(struct desk **desk); /* the loop has to run once more */
void desk_on_message(struct desk *desk, const struct wire_message *message);
/* The runtime's port: whoever asked for that act is answered. */
void desk_acted(struct desk *desk, const struct runtime_acted *acted);
/* The virtual clock has reached its target: whoever waits for it is answered. */
void desk_clock_arrived(struct desk *desk);

#endif
