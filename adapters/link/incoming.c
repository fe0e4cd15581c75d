/* From the engine to the adapter: deliveries in order of position, and barriers of the virtual clock. */
#include "link/talk.h"

static void acknowledge(struct member *member) {
  Kurator__V1__Ack ack = KURATOR__V1__ACK__INIT;
  ack.has_position = ack.has_credit = 1;
  ack.position = member->state.position;
  ack.credit = TALK_CREDIT;
  Kurator__V1__Frame frame = member_frame(member, KURATOR__V1__FRAME__BODY_ACK);
  frame.ack = &ack;
  if (connection_send(member->connection, &frame, NULL, 0) == ERR_BUSY) {
    member_restart(member, 0); /* a Hello says the position too */
  }
}

/* What the callback wrote counts only together with its ERR_OK. */
static enum err hand_over(struct member *member, const struct delivery *delivery) {
  struct link *link = member->link;
  TRY(spool_mark(link->spool));
  enum err err = link->options.on_delivery(link->options.arg, member->id, delivery);
  if (err != ERR_OK) {
    spool_mark_undo(link->spool);
    return err;
  }
  return spool_mark_keep(link->spool);
}

static enum err handle(struct member *member, struct span part) {
  struct delivery delivery;
  struct fault fault;
  if (delivery_unpack(part, &member->link->arena, &delivery, &fault) != ERR_OK) {
    link_status(member->link, "доставка сервера не разобрана: обновите программу");
    return ERR_FORMAT;
  }
  if (delivery.position <= member->state.position) {
    return ERR_OK; /* handled before */
  }
  TRY(hand_over(member, &delivery));
  member->state.position = delivery.position;
  return ERR_OK;
}

/* Handles what it can. `*ret_failed`: the first error of a delivery; the return value is the spool's. */
static enum err handle_all(struct member *member, const struct span *parts, size_t count, enum err *ret_failed) {
  struct link *link = member->link;
  TRY(link_callback_begin(link));
  uint64_t before = member->state.position;
  enum err failed = ERR_OK;
  for (size_t i = 0; i < count && failed == ERR_OK; i++) {
    failed = handle(member, parts[i]);
  }
  uint64_t position = member->state.position;
  if (failed != ERR_OK) {
    link_reload(link); /* of what the undone callback sent, nothing is left */
    member->state.position = position;
  }
  enum err err = ERR_OK;
  if (position != before) {
    err = spool_participant_store(link->spool, member_id(member), &member->state);
  }
  enum err end = link_callback_end(link);
  *ret_failed = failed;
  return err != ERR_OK ? err : end;
}

void member_on_deliveries(struct member *member, const Kurator__V1__Deliveries *deliveries, const struct span *parts,
                          size_t count) {
  struct link *link = member->link;
  if (member->talk != TALK_WELCOMED) {
    return; /* of a greeting that was given up; they come again behind the next Welcome */
  }
  if (deliveries->after > member->state.position) {
    member_restart(member, 0); /* something is missing in between */
    return;
  }
  enum err failed = ERR_OK;
  enum err err = handle_all(member, parts, count, &failed);
  if (err != ERR_OK) {
    link_status(link, "не удалось записать состояние обмена на диск");
    link_reload(link);
    member_restart(member, 0);
    return;
  }
  acknowledge(member);
  link_flush_soon(link);
  if (failed != ERR_OK) {
    member_restart(member, 0);
  } else {
    member->pause_ms = TALK_PAUSE_MS;
  }
}

/* ---- barriers ---- */

void connection_on_barrier(struct connection *connection, const Kurator__V1__Barrier *barrier) {
  struct link *link = connection->link;
  bool again = connection->barrier == barrier->number; /* asked twice: look twice */
  bool another = link->barrier != barrier->number;     /* else the adapter has heard of it over another connection */
  connection->barrier = barrier->number;
  connection->barrier_open = true;
  if (another || again || link->rescan) {
    link->rescan = false;
    link->barrier = barrier->number;
    link->barrier_done = !link->options.on_barrier;
    if (link->options.on_barrier) {
      link->options.on_barrier(link->options.arg, barrier->number, barrier->now_ms);
    }
  }
  link_flush_soon(link); /* whose end answers, when all is done */
}

/* Every member that is present has been asked and has sent all that it may send: what one connection delivered may have
 * led to messages on another. */
static bool all_quiet(const struct link *link) {
  for (size_t i = 0; i < link->members_count; i++) {
    const struct member *member = &link->members[i];
    bool present = wire_client_is_up(member->connection->client) && !member->barred;
    if (present && (member->connection->barrier != link->barrier || !member_is_drained(member))) {
      return false;
    }
  }
  return true;
}

static void answer(struct connection *connection) {
  struct link *link = connection->link;
  Kurator__V1__LinkPosition positions[LINK_PARTICIPANTS_MAX];
  Kurator__V1__LinkPosition *pointers[LINK_PARTICIPANTS_MAX];
  Kurator__V1__BarrierReply reply = KURATOR__V1__BARRIER_REPLY__INIT;
  struct member *first = NULL;
  for (size_t i = 0; i < link->members_count; i++) {
    struct member *member = &link->members[i];
    if (member->connection != connection) {
      continue;
    }
    first = first ? first : member;
    Kurator__V1__LinkPosition *at = &positions[reply.n_positions];
    *at = (Kurator__V1__LinkPosition)KURATOR__V1__LINK_POSITION__INIT;
    at->participant = member->id;
    at->has_sequence = at->has_position = 1;
    at->sequence = member->sent;
    at->position = member->state.position;
    pointers[reply.n_positions++] = at;
  }
  ASSERT(first);
  reply.has_number = 1;
  reply.number = connection->barrier;
  reply.positions = pointers;
  Kurator__V1__Frame frame = member_frame(first, KURATOR__V1__FRAME__BODY_BARRIER_REPLY);
  frame.barrier_reply = &reply;
  if (connection_send(connection, &frame, NULL, 0) != ERR_BUSY) { /* busy: the next flush tries again */
    connection->barrier_open = false;
  }
}

void link_answer_barriers(struct link *link) {
  if (!link->barrier_done || !all_quiet(link)) {
    return;
  }
  for (size_t i = 0; i < link->connections_count; i++) {
    if (link->connections[i].barrier_open) {
      answer(&link->connections[i]);
    }
  }
}

void link_barrier_done(struct link *link, uint64_t number) {
  if (number == link->barrier) {
    link->barrier_done = true;
    link_flush_soon(link);
  }
}
