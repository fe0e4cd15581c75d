/* Hello, Welcome, and what happens when something goes wrong: a pause, and Hello again. */
#include "link/talk.h"

static void wait_and_greet(struct member *member, uint32_t pause_ms) {
  (void)uv_timer_start(&member->timer, member_on_timer, pause_ms, 0);
}

void member_silent(struct member *member) {
  member->talk = TALK_SILENT;
  member->sent = 0;
  member->in_flight = 0;
  (void)uv_timer_stop(&member->timer);
}

void member_restart(struct member *member, uint32_t pause_ms) {
  member_silent(member);
  if (!wire_client_is_up(member->connection->client)) {
    return; /* the connection's coming up is a Hello */
  }
  if (pause_ms == 0) {
    pause_ms = member->pause_ms;
    member->pause_ms = pause_ms * 2 < TALK_PAUSE_MAX_MS ? pause_ms * 2 : TALK_PAUSE_MAX_MS;
  }
  wait_and_greet(member, pause_ms);
}

void member_on_timer(uv_timer_t *timer) {
  member_hello(timer->data);
}

void member_hello(struct member *member) {
  member_silent(member);
  Kurator__V1__Hello hello = KURATOR__V1__HELLO__INIT;
  hello.has_version_min = hello.has_version_max = 1;
  hello.version_min = hello.version_max = WIRE_VERSION;
  hello.has_position = 1;
  hello.position = member->state.position;
  hello.has_credit = 1;
  hello.credit = TALK_CREDIT;
  hello.agent = member->link->agent;
  Kurator__V1__Frame frame = member_frame(member, KURATOR__V1__FRAME__BODY_HELLO);
  frame.hello = &hello;
  if (connection_send(member->connection, &frame, NULL, 0) == ERR_OK) {
    member->talk = TALK_GREETED;
  }
  wait_and_greet(member, TALK_WELCOME_MS);
}

/*
 * The first agreement of a spool with an engine. A new spool (the old one was lost) starts at 1 while the engine
 * remembers higher numbers of this participant: what is waiting moves behind them, since nothing of it has been sent
 * yet. Later a higher number there only means receipts that got lost.
 */
static enum err agree(struct member *member, uint64_t engine_sequence) {
  struct link *link = member->link;
  TRY(link_callback_begin(link));
  enum err err = ERR_OK;
  if (!member->state.welcomed && engine_sequence > 0) {
    err = spool_renumber(link->spool, member_id(member), engine_sequence);
    member->state.next += engine_sequence;
  }
  if (member->state.next <= engine_sequence) { /* an old copy of the spool: do not use a number twice */
    member->state.next = engine_sequence + 1;
  }
  member->state.welcomed = true;
  if (err == ERR_OK) {
    err = spool_participant_store(link->spool, member_id(member), &member->state);
  }
  enum err end = link_callback_end(link);
  return err != ERR_OK ? err : end;
}

static uint64_t or_default(bool given, uint64_t number, uint64_t otherwise) {
  return given && number > 0 && number < otherwise ? number : otherwise;
}

static void take_limits(struct member *member, const Kurator__V1__Welcome *welcome) {
  bool window = welcome->has_in_flight_max && welcome->in_flight_max > 0;
  member->in_flight_max = window ? welcome->in_flight_max : TALK_IN_FLIGHT;
  member->batch_messages =
      (uint32_t)or_default(welcome->has_envelope_messages_max, welcome->envelope_messages_max, TALK_BATCH);
  member->batch_bytes =
      (uint32_t)or_default(welcome->has_envelope_bytes_max, welcome->envelope_bytes_max, TALK_BATCH_BYTES);
}

void member_on_welcome(struct member *member, const Kurator__V1__Welcome *welcome) {
  if (member->talk != TALK_GREETED) {
    return; /* the answer to a Hello that was given up */
  }
  if (welcome->version != WIRE_VERSION || welcome->sequence > INT64_MAX / 2) {
    link_status(member->link, "сервер говорит на другой версии протокола: обновите программу");
    member_restart(member, TALK_PAUSE_MAX_MS);
    return;
  }
  bool changes = !member->state.welcomed || member->state.next <= welcome->sequence;
  if (changes && agree(member, welcome->sequence) != ERR_OK) {
    link_status(member->link, "не удалось записать состояние обмена на диск");
    member_restart(member, 0);
    return;
  }
  (void)uv_timer_stop(&member->timer);
  take_limits(member, welcome);
  member->talk = TALK_WELCOMED;
  member->barred = false;
  if (link_is_up(member->link)) {
    link_status(member->link, "обмен с сервером установлен");
  }
  link_flush_soon(member->link);
}

void member_on_refusal(struct member *member, const Kurator__V1__Refusal *refusal) {
  struct fault fault = {.text = "сервер отклонил сообщение без объяснения"};
  if (refusal->fault) {
    frame_fault_read(refusal->fault, &fault);
  }
  link_status(member->link, fault.text);
  member->barred = !refusal->has_retry_after_ms;
  uint32_t pause_ms = refusal->retry_after_ms < TALK_PAUSE_MAX_MS ? refusal->retry_after_ms : TALK_PAUSE_MAX_MS;
  member_restart(member, refusal->has_retry_after_ms ? pause_ms + 1 : TALK_PAUSE_MAX_MS);
  link_flush_soon(member->link); /* others may have waited for this one */
}
