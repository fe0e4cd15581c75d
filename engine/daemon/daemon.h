/*
 * daemon/daemon.h — the parts of kuratord and what they know of each other.
 *
 * Purpose: one struct that holds the rooms wired together: configuration, store, runtime, sockets, and the daemon's own
 * parts: sessions (participants), turn (when a batch is made, and the clock), desk (the query socket).
 * Each part has its own file and touches the others through their headers only.
 *
 * Life cycle: kuratord.c fills it in this order and empties it in the reverse one. Threading: the loop's thread.
 */
#ifndef KURATOR_DAEMON_DAEMON_H
#define KURATOR_DAEMON_DAEMON_H

#include <uv.h>

#include "daemon/backup.h"
#include "daemon/keyring.h"
#include "proto/signing.h"
#include "runtime/config.h"
#include "runtime/forms.h"
#include "runtime/runtime.h"
#include "store/store.h"
#include "wire/wire.h"

struct sessions;
struct turn;
struct desk;
struct tellings;

struct daemon {
  uv_loop_t loop;
  struct config *config;
  struct config_forms forms; /* of the configuration */
  struct keyring *keyring;
  struct store *store;
  struct runtime *runtime;
  struct wire *wire;
  struct wire_server *exchange;
  struct wire_server *query;
  struct sessions *sessions;
  struct turn *turn;
  struct desk *desk;
  struct tellings *tellings; /* what was logged of peers */
  struct backup backup;      /* the last one */
  const char *config_dir, *data_dir;
  uint8_t config_digest[SIGNING_DIGEST]; /* of the configuration as it was read */
  civil_moment started_at;               /* wall clock */
  bool failed;                           /* the store is unsafe: exit, a restart recovers */
};

#endif
