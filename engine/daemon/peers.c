/*
 * daemon/peers.c — connections of the exchange socket.
 *
 * A ROUTER does not tell when a connection ends. A peer is known to be gone when a message to it finds no route
 * (peer_send), or when its sessions have moved to another connection; until then it costs one slot of the table.
 */
#include "base/log.h"
#include "daemon/session.h"
#include "daemon/telling.h"

struct peer *peer_find(struct sessions *sessions, struct span id) {
  for (size_t i = 0; i < sessions->peers_count; i++) {
    struct peer *peer = &sessions->peers[i];
    if (peer->sessions > 0 && span_equal(span_of(peer->id, peer->id_size), id)) {
      return peer;
    }
  }
  return NULL;
}

static struct peer *peer_free_slot(struct sessions *sessions) {
  for (size_t i = 0; i < sessions->peers_count; i++) {
    if (sessions->peers[i].sessions == 0) {
      return &sessions->peers[i];
    }
  }
  return sessions->peers_count < sessions->peers_max ? &sessions->peers[sessions->peers_count++] : NULL;
}

struct peer *peer_take(struct sessions *sessions, const struct wire_message *message) {
  struct peer *peer = peer_find(sessions, message->peer);
  if (peer) {
    return peer;
  }
  peer = message->peer.size <= PEER_ID_MAX && message->user_id.size < KEY_CONNECTION_TEXT ? peer_free_slot(sessions)
                                                                                          : NULL;
  if (!peer) {
    return NULL;
  }
  *peer = (struct peer){.id_size = message->peer.size};
  memcpy(peer->id, message->peer.data, message->peer.size);
  memcpy(peer->user_id, message->user_id.data, message->user_id.size);
  return peer;
}

void peer_lost(struct sessions *sessions, struct peer *peer) {
  const struct participant *one = NULL;
  for (size_t i = 0; i < sessions->count; i++) {
    if (sessions->items[i].peer == peer) {
      one = sessions->items[i].participant;
      daemon_session_leave(&sessions->items[i]);
    }
  }
  if (telling_allows(sessions->daemon->tellings, TELLING_LINK_GONE, one)) {
    log_line(LOG_INFO, "daemon", "msg=\"link gone\" agent=\"%s\"", peer->agent);
  }
  peer->sessions = 0;
}

enum err peer_send(struct sessions *sessions, struct peer *peer, const Kurator__V1__Frame *frame,
                   const struct span *parts, size_t count) {
  struct span all[1 + DELIVERIES_PER_FRAME];
  ASSERT(count <= DELIVERIES_PER_FRAME);
  writer_reset(&sessions->frame);
  frame_write(frame, &sessions->frame);
  all[0] = writer_span(&sessions->frame);
  for (size_t i = 0; i < count; i++) {
    all[1 + i] = parts[i];
  }
  enum err err = wire_server_send(sessions->daemon->exchange, span_of(peer->id, peer->id_size), all, 1 + count);
  if (err == ERR_UNREACHABLE) {
    peer_lost(sessions, peer);
  }
  return err;
}

void peer_refuse(struct sessions *sessions, struct span peer_id, const char *participant, const struct fault *fault,
                 uint32_t retry_ms) {
  Kurator__V1__Fault what = frame_fault(fault);
  Kurator__V1__Refusal refusal = KURATOR__V1__REFUSAL__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  refusal.fault = &what;
  refusal.has_retry_after_ms = retry_ms > 0;
  refusal.retry_after_ms = retry_ms;
  frame.participant = (char *)participant;
  frame.body_case = KURATOR__V1__FRAME__BODY_REFUSAL;
  frame.refusal = &refusal;
  writer_reset(&sessions->frame);
  frame_write(&frame, &sessions->frame);
  struct span part = writer_span(&sessions->frame);
  enum err err = wire_server_send(sessions->daemon->exchange, peer_id, &part, 1);
  if (err != ERR_OK) {
    log_line(LOG_DEBUG, "daemon", "msg=\"refusal not delivered\" participant=%s err=%s", participant, err_name(err));
  }
}

/* Any participant of the connection may stand in the frame: the barrier is the connection's. */
static const char *peer_participant(const struct sessions *sessions, const struct peer *peer, struct arena *arena) {
  for (size_t i = 0; i < sessions->count; i++) {
    if (sessions->items[i].peer == peer) {
      return arena_cstr(arena, sessions->items[i].participant->id);
    }
  }
  return "";
}

void peer_barrier(struct sessions *sessions, struct peer *peer) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 1024);
  Kurator__V1__Barrier barrier = KURATOR__V1__BARRIER__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  barrier.has_number = 1;
  barrier.number = sessions->barrier;
  barrier.has_now_ms = 1;
  barrier.now_ms = sessions->barrier_now;
  frame.participant = (char *)peer_participant(sessions, peer, &arena);
  frame.body_case = KURATOR__V1__FRAME__BODY_BARRIER;
  frame.barrier = &barrier;
  if (peer_send(sessions, peer, &frame, NULL, 0) == ERR_OK) {
    peer->asked = sessions->barrier;
  }
}

void peer_ping(struct sessions *sessions, struct peer *peer, uint64_t number) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 1024);
  Kurator__V1__Ping ping = KURATOR__V1__PING__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  ping.has_number = 1;
  ping.number = number;
  frame.participant = (char *)peer_participant(sessions, peer, &arena);
  frame.body_case = KURATOR__V1__FRAME__BODY_PING;
  frame.ping = &ping;
  (void)peer_send(sessions, peer, &frame, NULL, 0);
}
