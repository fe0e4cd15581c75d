/*
 * daemon/intake.h — an envelope between the socket and the inbox.
 *
 * Purpose: holds the envelope's copy while its signature, digests and payloads are judged beside the loop, and then
 * the messages until the inbox has taken them all. The order per sender is the owner's business (sessions keep a
 * queue); this judges one envelope.
 *
 * States: JUDGING (on the pool; the job must not be touched) → READY (messages, or a fault for the whole envelope).
 * A job that is dropped while it is judged ends itself. Life cycle: intake_start → `done` → intake_drop.
 * Ownership: the job owns all bytes of the envelope and what was read from them. Threading: `done` runs on the loop.
 * Limits: those of proto/envelope.h, checked before anything is copied. Never: logs a payload.
 */
#ifndef KURATOR_DAEMON_INTAKE_H
#define KURATOR_DAEMON_INTAKE_H

#include <uv.h>

#include "base/arena.h"
#include "base/civil.h"
#include "base/err.h"
#include "daemon/keyring.h"
#include "proto/envelope.h"
#include "runtime/runtime.h"

struct intake_job;
typedef void (*intake_done)(void *arg, struct intake_job *job);

struct intake_source {
  struct span participant; /* borrowed until the job has ended: of the configuration */
  struct span header, signature;
  const struct span *parts; /* the events */
  size_t count;
  uint8_t signers[KEYRING_SIGNERS_MAX][SIGNING_PUBLIC];
  size_t signers_count;
  civil_moment now; /* for the expiry of messages */
};

struct intake_job {
  struct intake_job *next; /* for the owner's queue */
  bool ready;
  struct fault fault;             /* READY: err ERR_OK, or why the whole envelope counts for nothing */
  uint64_t first_sequence;        /* READY without fault */
  uint8_t signer[SIGNING_PUBLIC]; /* the same: whose signature it was. It may have been revoked since */
  struct runtime_message *messages;
  size_t count;
  size_t taken;  /* by the inbox: the owner counts here, */
  bool in_order; /* and marks here that the numbers were looked at */
  size_t bytes;

  struct arena arena;
  struct intake_source source; /* the spans are the job's copies */
  uv_work_t work;
  intake_done done;
  void *arg;
  bool dropped;
};

/* ERR_LIMIT: too many parts. ERR_NO_MEMORY: the pool does not take it. */
enum err intake_start(uv_loop_t *loop, const struct intake_source *source, intake_done done, void *arg,
                      struct intake_job **ret_job, struct fault *fault) MUST_CHECK;
/* Also while it is judged: then `done` is not called any more. NULL-safe. */
void intake_drop(struct intake_job *job);

#endif
