/*
 * daemon/intake.h — an envelope between the socket and the inbox.
 *
 * Purpose: holds the envelope's copy while its signature, digests and payloads are judged beside the loop, and then
 * the messages until the inbox has taken them all. The order per sender and whose envelope is judged next are the
 * owner's business (sessions keep queues); this judges one envelope.
 *
 * The judges are few (INTAKE_JUDGES_MAX): they share libuv's pool of four threads with the commits, which must not wait
 * behind envelopes, and a queue in the pool would be one line for all participants.
 *
 * States: WAITING → (intake_judge) JUDGING (on the pool; the job must not be touched) → READY (messages, or a fault for
 * the whole envelope). A job that is dropped while it is judged ends itself. Life cycle: intake_create → intake_judge →
 * `done` → intake_drop. The judges: intake_judges_create → … → intake_judges_destroy, jobs under way may end later.
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

enum { INTAKE_JUDGES_MAX = 2 };

struct intake_job;
struct intake_judges;
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

enum intake_state { INTAKE_WAITING, INTAKE_JUDGING, INTAKE_READY };

struct intake_job {
  struct intake_job *next; /* for the owner's queue */
  enum intake_state state;
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
  struct intake_judges *judges;
  intake_done done;
  void *arg;
  bool dropped;
};

/* `idle` is called when a judge has become free, and may give it work. */
enum err intake_judges_create(uv_loop_t *loop, void (*idle)(void *arg), void *arg,
                              struct intake_judges **ret_judges) MUST_CHECK;
void intake_judges_destroy(struct intake_judges **at); /* NULL-safe, NULLs; nothing is called any more */
bool intake_judges_busy(const struct intake_judges *judges);

/* A copy. ERR_LIMIT: too many parts. */
enum err intake_create(const struct intake_source *source, intake_done done, void *arg, struct intake_job **ret_job,
                       struct fault *fault) MUST_CHECK;
/* Not while all are busy. A job that cannot be judged now becomes READY with its fault before this returns. */
void intake_judge(struct intake_judges *judges, struct intake_job *job);
/* Also while it is judged: then `done` is not called any more. NULL-safe. */
void intake_drop(struct intake_job *job);

#endif
