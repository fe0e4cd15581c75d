/*
 * daemon/session_in.c — from envelopes to the runtime's inbox, in the order in which they came.
 *
 * Envelopes wait here for a judge, and the sessions have one judged in turn, so that a session that sends many only
 * keeps itself waiting. They are judged in parallel and leave the queue in order: the first one that is not ready holds
 * those behind it.
 * When the inbox is full the queue waits for the next commit (sessions_flush); the bounds of the queue are those that
 * the link was told in its Welcome, so that only one that ignores them is refused.
 */
#include "base/log.h"
#include "daemon/session.h"
#include "daemon/sessions.h"
#include "daemon/telling.h"
#include "daemon/trouble.h"
#include "daemon/turn.h"

static void queue_pop(struct session *session) {
  struct intake_job *job = session->first;
  session->first = job->next;
  if (!session->first) {
    session->last = NULL;
  }
  if (session->unjudged == job) {
    session->unjudged = job->next;
  }
  session->queued_bytes -= job->bytes;
  session->owner->queued_bytes -= job->bytes;
  session->queued_messages -= job->source.count;
  intake_drop(job);
}

void daemon_session_queue_drop(struct session *session) {
  while (session->first) {
    queue_pop(session);
  }
}

void daemon_session_refuse(struct session *session, const struct fault *fault, uint32_t retry_ms) {
  struct sessions *sessions = session->owner;
  struct peer *peer = session->peer;
  daemon_session_queue_drop(session);
  session->state = SESSION_REFUSED;
  if (telling_allows(sessions->daemon->tellings, TELLING_REFUSED, session->participant)) {
    log_line(LOG_WARNING, "daemon", "msg=\"envelope refused\" participant=%.*s err=%s",
             SPAN_ARG(session->participant->id), err_name(fault->err));
  }
  if (peer) {
    arena_reset(&sessions->arena);
    peer_refuse(sessions, span_of(peer->id, peer->id_size), arena_cstr(&sessions->arena, session->participant->id),
                fault, retry_ms);
  }
  if (peer && retry_ms == 0) {
    peer->sessions--; /* the virtual clock does not wait for one that has to be mended first */
    daemon_session_forget(session);
  }
  turn_kick(sessions->daemon->turn);
}

/* ---- handing over ---- */

/* Numbers ascend on a connection; those that a link leaves out have their receipts. */
static enum err check_sequence(struct session *session, const struct intake_job *job, struct fault *fault) {
  if (job->first_sequence < session->expected) {
    return fault_set(fault, ERR_CONFLICT, "номера сообщений идут не по порядку");
  }
  session->expected = job->first_sequence + job->count;
  return ERR_OK;
}

/* ERR_BUSY: no room, in the inbox or for this sender. */
static enum err submit_message(struct session *session, const struct runtime_message *message) {
  struct handed *handed = &session->handed;
  if (handed_again(handed, message->sequence, message->digest)) {
    return ERR_OK;
  }
  if (handed_full(handed)) {
    return ERR_BUSY;
  }
  TRY(runtime_submit(session->owner->daemon->runtime, message));
  handed_add(handed, message->sequence, message->digest);
  return ERR_OK;
}

/* ERR_BUSY: the rest waits. */
static enum err submit_messages(struct session *session, struct intake_job *job) {
  while (job->taken < job->count) {
    TRY(submit_message(session, &job->messages[job->taken]));
    session->received = job->messages[job->taken].sequence;
    job->taken++;
  }
  return ERR_OK;
}

/* A key that was revoked while the envelope waited is worth nothing for what is not handed over yet. */
static enum err check_signer(const struct session *session, const struct intake_job *job, struct fault *fault) {
  if (!keyring_signs_for(session->owner->daemon->keyring, session->participant->id, job->signer)) {
    return fault_set(fault, ERR_FORBIDDEN, "ключ подписи отозван");
  }
  return ERR_OK;
}

/* True if the job is done with and the next one may follow. (A refusal has emptied the queue.) */
static bool submit_job(struct session *session, struct intake_job *job) {
  struct fault fault = job->fault;
  enum err err = fault.err == ERR_OK ? check_signer(session, job, &fault) : fault.err;
  if (err == ERR_OK && !job->in_order) {
    err = check_sequence(session, job, &fault);
    job->in_order = true;
  }
  if (err != ERR_OK) {
    daemon_session_refuse(session, &fault, err == ERR_CONFLICT || err == ERR_BUSY ? RETRY_MS : 0);
    return false;
  }
  err = submit_messages(session, job);
  if (err == ERR_OK) {
    queue_pop(session);
    return true;
  }
  if (err != ERR_BUSY) {
    (void)fault_set(&fault, err, err == ERR_LIMIT ? "сообщение слишком велико" : "система не принимает сообщения");
    daemon_session_refuse(session, &fault, err == ERR_LIMIT ? 0 : RETRY_MS);
  }
  return false;
}

void daemon_session_submit(struct session *session) {
  bool any = false;
  while (!turn_holds(session->owner->daemon->turn) && session->first && session->first->state == INTAKE_READY &&
         submit_job(session, session->first)) {
    any = true;
  }
  if (any) {
    turn_kick(session->owner->daemon->turn);
  }
}

static void judged(void *arg, struct intake_job *job) {
  struct session *session = arg;
  (void)job;
  daemon_session_submit(session);
  turn_kick(session->owner->daemon->turn);
}

/* ---- judging ---- */

/* The session whose turn it is, NULL if none has anything to judge. */
static struct session *session_to_judge(struct sessions *sessions) {
  for (size_t i = 0; i < sessions->count; i++) {
    struct session *session = &sessions->items[(sessions->judged_next + i) % sessions->count];
    if (session->unjudged) {
      sessions->judged_next = (sessions->judged_next + i + 1) % sessions->count;
      return session;
    }
  }
  return NULL;
}

void daemon_sessions_judge(struct sessions *sessions) {
  struct session *session;
  while (!intake_judges_busy(sessions->judges) && (session = session_to_judge(sessions)) != NULL) {
    struct intake_job *job = session->unjudged;
    session->unjudged = job->next;
    intake_judge(sessions->judges, job);
  }
}

/* ---- taking an envelope ---- */

static enum err check_room(const struct session *session, const struct span *parts, size_t count, struct fault *fault) {
  const struct config_engine *engine = &session->owner->daemon->config->engine;
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += parts[i].size;
  }
  if (session->queued_messages + session->handed.expected + count > (size_t)engine->limits.inbox_share) {
    return fault_set(fault, ERR_LIMIT, "сообщений без квитанции больше, чем разрешено");
  }
  size_t all = session->owner->queued_bytes + bytes;
  size_t most = all > QUEUED_BYTES_ALL_MAX / 2 && session->first ? QUEUED_BYTES_FEW : QUEUED_BYTES_MAX;
  if (session->queued_bytes + bytes > most || all > QUEUED_BYTES_ALL_MAX) {
    return fault_set(fault, ERR_BUSY, "очередь сообщений заполнена");
  }
  return ERR_OK;
}

static void queue_push(struct session *session, struct intake_job *job) {
  if (session->last) {
    session->last->next = job;
  } else {
    session->first = job;
  }
  session->last = job;
  session->unjudged = session->unjudged ? session->unjudged : job;
  session->queued_bytes += job->bytes;
  session->owner->queued_bytes += job->bytes;
  session->queued_messages += job->source.count;
}

static enum err take(struct session *session, const Kurator__V1__Envelope *envelope, const struct span *parts,
                     size_t count, struct fault *fault) {
  struct daemon *daemon = session->owner->daemon;
  TRY(check_room(session, parts, count, fault));
  struct intake_source source = {
      .participant = session->participant->id,
      .header = span_of(envelope->header.data, envelope->header.len),
      .signature = span_of(envelope->signature.data, envelope->signature.len),
      .parts = parts,
      .count = count,
      .now = turn_now(daemon->turn),
  };
  source.signers_count = keyring_signers(daemon->keyring, session->participant->id, source.signers);
  struct intake_job *job;
  TRY(intake_create(&source, judged, session, &job, fault));
  queue_push(session, job);
  daemon_sessions_judge(session->owner);
  return ERR_OK;
}

void daemon_session_envelope(struct session *session, const Kurator__V1__Envelope *envelope, const struct span *parts,
                             size_t count) {
  struct fault fault;
  if (session->state == SESSION_REFUSED) {
    daemon_sessions_count_refused(session->owner, count);
    return;
  }
  if (session->state != SESSION_PRESENT || turn_draining(session->owner->daemon->turn)) {
    return;
  }
  const struct turn *turn = session->owner->daemon->turn;
  enum err err = turn_refuses(turn) ? trouble_refuse(turn_store_room(turn), &fault)
                                    : take(session, envelope, parts, count, &fault);
  if (err != ERR_OK) {
    daemon_session_refuse(session, &fault, err == ERR_FULL ? FULL_RETRY_MS : RETRY_MS);
  }
}
