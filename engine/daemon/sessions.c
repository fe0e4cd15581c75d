/*
 * daemon/sessions.c — the table of sessions and what a frame does to one; see session.h for states and invariants.
 */
#include "daemon/sessions.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/session.h"
#include "daemon/telling.h"
#include "daemon/turn.h"

/* ---- the table ---- */

static void on_idle_judge(void *arg) {
  daemon_sessions_judge(arg);
}

enum err sessions_create(struct daemon *daemon, struct sessions **ret_sessions) {
  const struct catalogue *catalogue = &daemon->config->catalogue;
  struct sessions *sessions = calloc(1, sizeof *sessions);
  ASSERT(sessions != NULL);
  sessions->daemon = daemon;
  sessions->count = catalogue->participants_count;
  sessions->items = calloc(sessions->count + 1, sizeof *sessions->items);
  sessions->peers_max = (size_t)daemon->config->engine.limits.sessions;
  sessions->peers = calloc(sessions->peers_max, sizeof *sessions->peers);
  ASSERT(sessions->items != NULL && sessions->peers != NULL);
  for (size_t i = 0; i < sessions->count; i++) {
    sessions->items[i].owner = sessions;
    sessions->items[i].participant = &catalogue->participants[i];
    handed_init(&sessions->items[i].handed, (size_t)daemon->config->engine.limits.inbox_share);
  }
  writer_init(&sessions->frame);
  arena_init(&sessions->arena, 0);
  *ret_sessions = sessions;
  return intake_judges_create(&daemon->loop, on_idle_judge, sessions, &sessions->judges);
}

void sessions_destroy(struct sessions **sessions) {
  if (!*sessions) {
    return;
  }
  for (size_t i = 0; i < (*sessions)->count; i++) {
    daemon_session_forget(&(*sessions)->items[i]);
    free((*sessions)->items[i].receipts);
    handed_finish(&(*sessions)->items[i].handed);
  }
  intake_judges_destroy(&(*sessions)->judges);
  writer_finish(&(*sessions)->frame);
  arena_finish(&(*sessions)->arena);
  free((*sessions)->items);
  free((*sessions)->peers);
  free(*sessions);
  *sessions = NULL;
}

/* The table stands in the order of the catalogue's participants. */
struct session *daemon_session_find(const struct sessions *sessions, struct span participant) {
  const struct catalogue *catalogue = &sessions->daemon->config->catalogue;
  const struct participant *found = catalogue_participant(catalogue, participant);
  return found ? &sessions->items[found - catalogue->participants] : NULL;
}

void daemon_session_leave(struct session *session) {
  session->receipts_count = 0;
  session->state = SESSION_AWAY;
  session->peer = NULL;
}

void daemon_session_forget(struct session *session) {
  daemon_session_queue_drop(session);
  daemon_session_leave(session);
}

void sessions_store_full(struct sessions *sessions, const struct fault *fault) {
  for (size_t i = 0; i < sessions->count; i++) {
    struct session *session = &sessions->items[i];
    if (session->state == SESSION_PRESENT && session->queued_messages + session->handed.expected > 0) {
      daemon_session_refuse(session, fault, FULL_RETRY_MS);
    }
  }
}

void daemon_sessions_count_refused(struct sessions *sessions, size_t count) {
  size_t on_the_way = (size_t)sessions->daemon->config->engine.limits.inbox_share;
  wire_server_count(sessions->daemon->exchange, count, on_the_way + REFUSED_FRAMES_MAX, "goes on after a refusal");
}

/* ---- Hello ---- */

static enum err check_version(const Kurator__V1__Hello *hello, struct fault *fault) {
  if (hello->version_min > WIRE_VERSION || hello->version_max < WIRE_VERSION) {
    return fault_set(fault, ERR_VERSION, "версия протокола не поддерживается: нужна %d", WIRE_VERSION);
  }
  return ERR_OK;
}

/* A link may have handled no more than was ever written: else its spool belongs to another engine. */
static enum err session_resume(struct session *session, const Kurator__V1__Hello *hello, struct fault *fault) {
  struct runtime *runtime = session->owner->daemon->runtime;
  struct runtime_cursor cursor;
  TRY(runtime_cursor_of(runtime, session->participant->id, &cursor));
  if (hello->position > cursor.head) {
    return fault_set(fault, ERR_CONFLICT, "адаптер помнит доставки, которых в системе нет: спул от другой системы");
  }
  TRY(runtime_ack(runtime, session->participant->id, hello->position));
  session->head = cursor.head;
  session->sent = hello->position;
  session->acknowledged = hello->position;
  session->kept_from = cursor.first;
  session->expected = 0;
  session->received = runtime_sequence_of(runtime, session->participant->id);
  return ERR_OK;
}

/* Credit counts deliveries: for a link that is older than what is kept of its stream, from the first that is kept. */
static void session_window(struct session *session, uint32_t credit) {
  uint64_t most = (uint64_t)session->owner->daemon->config->engine.limits.deliveries_window;
  uint64_t gone = session->kept_from > 0 ? session->kept_from - 1 : 0;
  uint64_t base = session->acknowledged > gone ? session->acknowledged : gone;
  session->window = base + (credit < most ? credit : most);
}

static void session_attach(struct session *session, struct peer *peer, const Kurator__V1__Hello *hello) {
  struct peer *before = session->peer;
  daemon_session_forget(session);
  handed_forget_link(&session->handed);
  if (before != peer) {
    if (before) {
      before->sessions--;
    }
    peer->sessions++;
  }
  session->peer = peer;
  session->state = SESSION_PRESENT;
  (void)snprintf(peer->agent, sizeof peer->agent, "%s", hello->agent ? hello->agent : "");
  for (char *c = peer->agent; *c; c++) {
    *c = *c == '"' ? '\'' : *c; /* it stands in a log line */
  }
}

static void session_welcome(struct session *session) {
  struct daemon *daemon = session->owner->daemon;
  const struct config_engine *engine = &daemon->config->engine;
  Kurator__V1__Welcome welcome = KURATOR__V1__WELCOME__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  welcome.has_version = 1;
  welcome.version = WIRE_VERSION;
  welcome.has_sequence = 1;
  welcome.sequence = session->received;
  welcome.has_stream_end = 1;
  welcome.stream_end = session->head;
  welcome.has_now_ms = 1;
  welcome.now_ms = turn_now(daemon->turn);
  welcome.has_in_flight_max = 1;
  welcome.in_flight_max = (uint32_t)engine->limits.inbox_share;
  welcome.has_envelope_messages_max = 1;
  welcome.envelope_messages_max = (uint32_t)engine->limits.envelope_messages;
  welcome.has_virtual_clock = 1;
  welcome.virtual_clock = turn_is_virtual(daemon->turn);
  frame.participant = arena_cstr(&session->owner->arena, session->participant->id);
  frame.body_case = KURATOR__V1__FRAME__BODY_WELCOME;
  frame.welcome = &welcome;
  (void)peer_send(session->owner, session->peer, &frame, NULL, 0);
}

static enum err check_hello(struct session *session, const struct wire_message *message,
                            const Kurator__V1__Hello *hello, struct peer **ret_peer, struct fault *fault) {
  TRY(check_version(hello, fault));
  *ret_peer = peer_take(session->owner, message);
  if (!*ret_peer) {
    return fault_set(fault, ERR_BUSY, "слишком много соединений");
  }
  return session_resume(session, hello, fault);
}

static void on_hello(struct session *session, const struct wire_message *message, const Kurator__V1__Hello *hello,
                     const char *participant) {
  struct sessions *sessions = session->owner;
  struct fault fault = {.err = ERR_OK};
  struct peer *peer = NULL;
  enum err err = check_hello(session, message, hello, &peer, &fault);
  if (err != ERR_OK) {
    daemon_sessions_count_refused(sessions, 1);
    peer_refuse(sessions, message->peer, participant, &fault, err == ERR_BUSY ? RETRY_MS : 0);
    return;
  }
  ASSERT(peer != NULL);
  wire_server_forgive(sessions->daemon->exchange);
  session_attach(session, peer, hello);
  session_window(session, hello->credit);
  session_welcome(session);
  if (telling_allows(sessions->daemon->tellings, TELLING_LINK_UP, session->participant)) {
    log_line(LOG_INFO, "daemon", "msg=\"link up\" participant=%s agent=\"%s\"", participant, peer->agent);
  }
  if (session->peer && sessions->barrier > peer->asked) {
    peer_barrier(sessions, peer);
  }
  turn_kick(sessions->daemon->turn);
}

/* ---- other frames ---- */

static void on_ack(struct session *session, const Kurator__V1__Ack *ack) {
  struct runtime *runtime = session->owner->daemon->runtime;
  if (ack->position > session->sent || runtime_ack(runtime, session->participant->id, ack->position) != ERR_OK) {
    struct fault fault;
    (void)fault_set(&fault, ERR_RANGE, "подтверждена доставка, которой не было");
    daemon_session_refuse(session, &fault, 0);
    return;
  }
  if (ack->position > session->acknowledged) {
    session->acknowledged = ack->position;
  }
  session_window(session, ack->credit);
  turn_kick(session->owner->daemon->turn);
}

/* A connection speaks here only for sessions that it carries itself. */
static void on_barrier_reply(struct sessions *sessions, struct peer *peer, const Kurator__V1__BarrierReply *reply) {
  for (size_t i = 0; i < reply->n_positions; i++) {
    const Kurator__V1__LinkPosition *said = reply->positions[i];
    struct session *session = daemon_session_find(sessions, span_of_cstr(said->participant));
    if (session && session->peer == peer) {
      session->said_number = reply->number;
      session->said_sequence = said->sequence;
      session->said_position = said->position;
    }
  }
  if (reply->number > peer->answered && reply->number <= sessions->barrier) {
    peer->answered = reply->number;
  }
  turn_kick(sessions->daemon->turn);
}

static void on_ping(struct session *session, const Kurator__V1__Ping *ping) {
  Kurator__V1__Pong pong = KURATOR__V1__PONG__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  pong.has_number = 1;
  pong.number = ping->number;
  frame.participant = arena_cstr(&session->owner->arena, session->participant->id);
  frame.body_case = KURATOR__V1__FRAME__BODY_PONG;
  frame.pong = &pong;
  (void)peer_send(session->owner, session->peer, &frame, NULL, 0);
}

/* From a connection that has said Hello for this participant. */
static void on_frame(struct session *session, const Kurator__V1__Frame *frame, const struct span *parts, size_t count) {
  switch (frame->body_case) {
  case KURATOR__V1__FRAME__BODY_ENVELOPE:
    daemon_session_envelope(session, frame->envelope, parts, count);
    break;
  case KURATOR__V1__FRAME__BODY_ACK:
    on_ack(session, frame->ack);
    break;
  case KURATOR__V1__FRAME__BODY_BARRIER_REPLY:
    on_barrier_reply(session->owner, session->peer, frame->barrier_reply);
    break;
  case KURATOR__V1__FRAME__BODY_PING:
    on_ping(session, frame->ping);
    break;
  default:
    break; /* a Pong has done its work by coming; what only the engine says is passed over */
  }
}

static enum err check_right(const struct sessions *sessions, const struct wire_message *message,
                            const Kurator__V1__Frame *frame, struct session **ret_session, struct fault *fault) {
  struct span name = span_of_cstr(frame->participant);
  *ret_session = daemon_session_find(sessions, name);
  if (!*ret_session || !keyring_speaks_for(sessions->daemon->keyring, message->user_id, name)) {
    return fault_set(fault, ERR_FORBIDDEN, "этот ключ не может действовать от имени участника");
  }
  return ERR_OK;
}

void sessions_on_message(struct sessions *sessions, const struct wire_message *message) {
  Kurator__V1__Frame *frame;
  struct session *session;
  struct fault fault = {.err = ERR_OK};
  arena_reset(&sessions->arena);
  enum err err = frame_read(message->parts[0], &sessions->arena, &frame);
  if (err != ERR_OK) {
    wire_server_drop(sessions->daemon->exchange, "malformed frame");
    return;
  }
  /* The frame lives in the arena that answers are built in: what has to outlast a reset is copied by then. */
  err = check_right(sessions, message, frame, &session, &fault);
  if (err != ERR_OK) {
    daemon_sessions_count_refused(sessions, message->count);
    peer_refuse(sessions, message->peer, frame->participant, &fault, 0);
    return;
  }
  session->seen_at = turn_wall_clock();
  if (frame->body_case == KURATOR__V1__FRAME__BODY_HELLO) {
    on_hello(session, message, frame->hello, frame->participant);
  } else if (session->peer && span_equal(span_of(session->peer->id, session->peer->id_size), message->peer)) {
    on_frame(session, frame, message->parts + 1, message->count - 1);
  } else {
    (void)fault_set(&fault, ERR_CONFLICT, "соединение не представилось");
    daemon_sessions_count_refused(sessions, message->count);
    peer_refuse(sessions, message->peer, frame->participant, &fault, RETRY_MS);
  }
}

/* ---- what the runtime says ---- */

void sessions_receipt(struct sessions *sessions, const struct runtime_receipt *receipt) {
  struct session *session = daemon_session_find(sessions, receipt->sender);
  if (session) {
    daemon_session_receipt_note(session, receipt);
  }
}

void sessions_delivered(struct sessions *sessions, struct span participant, uint64_t position) {
  struct session *session = daemon_session_find(sessions, participant);
  if (session && position > session->head) {
    session->head = position;
  }
}

/* Each time another one is the first to find room in the inbox. */
void sessions_flush(struct sessions *sessions) {
  for (size_t i = 0; i < sessions->count; i++) {
    struct session *session = &sessions->items[(sessions->handed_next + i) % sessions->count];
    daemon_session_submit(session);
    daemon_session_flush(session);
  }
  sessions->handed_next += sessions->count > 0 ? 1 : 0;
}

/* ---- virtual clock ---- */

size_t sessions_barrier(struct sessions *sessions, uint64_t number, civil_moment now) {
  size_t owed = 0;
  sessions->barrier = number;
  sessions->barrier_now = now;
  for (size_t i = 0; i < sessions->peers_count; i++) {
    struct peer *peer = &sessions->peers[i];
    if (peer->sessions > 0 && peer->asked < number) {
      peer_barrier(sessions, peer);
    }
    owed += peer->sessions > 0 && peer->answered < number ? 1 : 0;
  }
  return owed;
}

struct span sessions_owing(const struct sessions *sessions, uint64_t number) {
  for (size_t i = 0; i < sessions->count; i++) {
    const struct session *session = &sessions->items[i];
    if (session->peer && session->peer->answered < number) {
      return session->participant->id;
    }
  }
  return span_of(NULL, 0);
}

void sessions_probe(struct sessions *sessions, uint64_t number) {
  for (size_t i = 0; i < sessions->peers_count; i++) {
    struct peer *peer = &sessions->peers[i];
    if (peer->sessions > 0 && peer->answered < number) {
      peer_ping(sessions, peer, number);
    }
  }
}

/* Of one session: a link that took all the deliveries that it asked for is not waited for. */
static enum sessions_state session_settled(const struct session *session) {
  const struct sessions *sessions = session->owner;
  if (session->first) {
    return session->first->state == INTAKE_READY ? SESSIONS_FULL : SESSIONS_BUSY;
  }
  if (session->state == SESSION_AWAY) {
    return SESSIONS_SETTLED;
  }
  uint64_t wanted = session->head < session->window ? session->head : session->window;
  if (session->state == SESSION_REFUSED || session->receipts_count > 0 || session->acknowledged < wanted) {
    return SESSIONS_BUSY;
  }
  bool same = session->said_number == sessions->barrier && session->said_position == session->acknowledged &&
              session->said_sequence <= session->received;
  return same ? SESSIONS_SETTLED : SESSIONS_CHANGED;
}

/* The first that is not settled decides, but what keeps all the others waiting comes first. */
enum sessions_state sessions_settled(const struct sessions *sessions) {
  enum sessions_state all = SESSIONS_SETTLED;
  for (size_t i = 0; i < sessions->count; i++) {
    enum sessions_state one = session_settled(&sessions->items[i]);
    all = one < all ? one : all;
  }
  return all;
}

struct span sessions_unsettled(const struct sessions *sessions) {
  for (size_t i = 0; i < sessions->count; i++) {
    if (session_settled(&sessions->items[i]) != SESSIONS_SETTLED) {
      return sessions->items[i].participant->id;
    }
  }
  return span_of(NULL, 0);
}

/* ---- for the operator ---- */

size_t sessions_count(const struct sessions *sessions) {
  return sessions->count;
}

struct sessions_line sessions_line(const struct sessions *sessions, size_t i) {
  const struct session *session = &sessions->items[i];
  struct runtime_cursor cursor = {.head = session->head};
  if (runtime_cursor_of(sessions->daemon->runtime, session->participant->id, &cursor) != ERR_OK) {
    cursor = (struct runtime_cursor){.head = session->head, .acknowledged = session->acknowledged};
  }
  return (struct sessions_line){
      .participant = session->participant,
      .connected = session->peer != NULL,
      .agent = session->peer ? session->peer->agent : "",
      .seen_at = session->seen_at,
      .sequence = runtime_sequence_of(sessions->daemon->runtime, session->participant->id),
      .sent = session->sent,
      .acknowledged = cursor.acknowledged,
      .head = cursor.head,
      .waiting = session->queued_messages + session->handed.count,
  };
}

bool sessions_connected(const struct sessions *sessions, struct span participants, struct span *ret_missing) {
  struct span rest = participants;
  while (rest.size > 0) {
    struct span name = span_cut(rest, ',', &rest);
    const struct session *session = daemon_session_find(sessions, name);
    if (!session || !session->peer) {
      *ret_missing = name;
      return false;
    }
  }
  return true;
}
