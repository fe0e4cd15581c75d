/*
 * daemon/backup.h — a copy of the database while the daemon works.
 *
 * States: NONE → RUNNING → DONE | FAILED → RUNNING … One at a time; the last one is remembered until the process ends.
 * The copy is the folder of the database as of one journal position; the keys are not in it. RUNNING begins with
 * `signing`: the copy is taken once the journal's head is signed, and until it ends each batch signs its own, so that
 * every entry of the copy is covered. A store that takes no batch is copied as it is. An end of the daemon waits for a
 * copy that is being written. Threading: the loop's thread. Limits: PATH in BACKUP_PATH_MAX bytes.
 */
#ifndef KURATOR_DAEMON_BACKUP_H
#define KURATOR_DAEMON_BACKUP_H

#include "base/civil.h"
#include "base/err.h"
#include "base/span.h"

struct daemon;

enum { BACKUP_PATH_MAX = 3000 };

struct backup {
  enum backup_state { BACKUP_NONE, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED } state;
  bool signing; /* RUNNING, and nothing copied yet */
  char path[BACKUP_PATH_MAX + 1];
  struct fault fault; /* FAILED, Russian */
  civil_moment started_at, ended_at;
};

/* `path` is absolute and must not exist. Russian text. ERR_INVALID, ERR_BUSY, ERR_EXISTS. */
enum err backup_start(struct daemon *daemon, struct span path, struct fault *fault) MUST_CHECK;
/* A batch has ended: a copy that waited for a signed head may begin. */
void backup_committed(struct daemon *daemon, enum err result);
const char *backup_state_name(enum backup_state state); /* "running" */

#endif
