/*
 * daemon/evidence.h — the engine's signature under the head of its journal.
 *
 * Purpose: the one place where a head is signed with the server's key, for the runtime (its port `sign`) and for what
 * the desk hands out. Threading: the loop's thread. Never: keeps a key.
 */
#ifndef KURATOR_DAEMON_EVIDENCE_H
#define KURATOR_DAEMON_EVIDENCE_H

#include "daemon/daemon.h"

#define EVIDENCE_DOMAIN "kurator/v1/head"

/* `arg` is the struct daemon. */
void evidence_sign(void *arg, struct span statement, struct runtime_signature *ret_signature);

#endif
