#include "fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/json.h"

enum { RECEIPTS_MAX = ENVELOPE_MESSAGES_MAX, DELIVERIES_PER_FRAME = 20 };

static bool admit(void *arg, const char *domain, const uint8_t key[KEY_CONNECTION]) {
  const struct engine *engine = arg;
  for (size_t i = 0; i < engine->participants_count; i++) {
    if (memcmp(engine->participants[i].keys.connection, key, KEY_CONNECTION) == 0) {
      return strcmp(domain, "exchange") == 0;
    }
  }
  return false;
}

static void send_frame(struct engine *engine, const struct engine_participant *p, Kurator__V1__Frame *frame,
                       const struct span *parts, size_t count) {
  struct span all[1 + DELIVERIES_PER_FRAME];
  frame->participant = frame_text(p->id);
  writer_reset(&engine->frame);
  frame_write(frame, &engine->frame);
  all[0] = writer_span(&engine->frame);
  for (size_t i = 0; i < count; i++) {
    all[1 + i] = parts[i];
  }
  /* A link that was killed cannot be reached: it says Hello when it is back. */
  enum err err = wire_server_send(engine->server, span_of(p->peer, p->peer_size), all, 1 + count);
  assert_true(err == ERR_OK || err == ERR_UNREACHABLE);
}

/* ---- the stream ---- */

static void pack_delivery(uint64_t position, struct writer *w, struct arena *arena) {
  struct value_field *fields = ARENA_ARRAY(arena, struct value_field, 2);
  fields[0] = (struct value_field){SPAN_LITERAL("case_id"),
                                   value_text(arena_printf(arena, "case-%llu", (unsigned long long)position))};
  fields[1] = (struct value_field){SPAN_LITERAL("offer"), value_int((int64_t)position)};
  struct delivery delivery = {.position = position, .recorded_at = 1, .kind = SPAN_LITERAL("offer")};
  struct fault fault;
  assert_int_equal(value_map(fields, 2, &delivery.body), ERR_OK);
  assert_int_equal(delivery_pack(&delivery, w, &fault), ERR_OK);
}

static bool send_some(struct engine *engine, struct engine_participant *p) {
  struct writer bytes[DELIVERIES_PER_FRAME] = {0};
  struct span parts[DELIVERIES_PER_FRAME];
  size_t count = 0;
  uint64_t after = p->sent;
  while (count < DELIVERIES_PER_FRAME && p->sent < p->stream_end && p->sent < p->credit_until) {
    pack_delivery(++p->sent, &bytes[count], &engine->arena);
    parts[count] = writer_span(&bytes[count]);
    count++;
  }
  if (count > 0) {
    Kurator__V1__Deliveries deliveries = KURATOR__V1__DELIVERIES__INIT;
    deliveries.has_after = 1;
    deliveries.after = after;
    Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
    frame.body_case = KURATOR__V1__FRAME__BODY_DELIVERIES;
    frame.deliveries = &deliveries;
    send_frame(engine, p, &frame, parts, count);
  }
  for (size_t i = 0; i < count; i++) {
    writer_finish(&bytes[i]);
  }
  return count > 0;
}

static void send_stream(struct engine *engine, struct engine_participant *p) {
  while (p->peer_size > 0 && send_some(engine, p)) {
  }
}

void engine_deliver(struct engine *engine, struct engine_participant *participant, uint64_t count) {
  participant->stream_end += count;
  send_stream(engine, participant);
}

/* ---- frames ---- */

static void on_hello(struct engine *engine, struct engine_participant *p, const Kurator__V1__Hello *hello) {
  p->hellos++;
  p->sent = hello->position;
  p->credit_until = hello->position + hello->credit;
  Kurator__V1__Welcome welcome = KURATOR__V1__WELCOME__INIT;
  welcome.has_version = welcome.has_sequence = welcome.has_in_flight_max = 1;
  welcome.version = 1;
  welcome.sequence = p->sequence;
  welcome.in_flight_max = engine->in_flight_max;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  frame.body_case = KURATOR__V1__FRAME__BODY_WELCOME;
  frame.welcome = &welcome;
  send_frame(engine, p, &frame, NULL, 0);
  send_stream(engine, p);
}

static void send_refusal(struct engine *engine, struct engine_participant *p) {
  char code[] = "BUSY";
  char text[] = "хранилище заполнено, повторите позже";
  Kurator__V1__Fault fault = KURATOR__V1__FAULT__INIT;
  fault.code = code;
  fault.text = text;
  Kurator__V1__Refusal refusal = KURATOR__V1__REFUSAL__INIT;
  refusal.fault = &fault;
  refusal.has_retry_after_ms = 1;
  refusal.retry_after_ms = 10;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  frame.body_case = KURATOR__V1__FRAME__BODY_REFUSAL;
  frame.refusal = &refusal;
  send_frame(engine, p, &frame, NULL, 0);
}

/* True if it is new. */
static bool take(struct engine *engine, struct engine_participant *p, uint64_t sequence, struct span digest,
                 struct span part) {
  struct event_message event;
  struct fault fault;
  assert_int_equal(event_read(part, &engine->arena, &event, &fault), ERR_OK);
  assert_in_range(sequence, 1, ENGINE_MESSAGES_MAX);
  struct engine_message *message = &p->messages[sequence - 1];
  bool fresh = message->times++ == 0;
  if (!fresh) {
    assert_memory_equal(message->digest, digest.data, SIGNING_DIGEST);
    return false;
  }
  assert_int_equal(sequence, p->sequence + 1);
  p->sequence = sequence;
  memcpy(message->digest, digest.data, SIGNING_DIGEST);
  (void)snprintf(message->event, sizeof message->event, "%.*s", SPAN_ARG(event.event));
  (void)snprintf(message->case_id, sizeof message->case_id, "%.*s", SPAN_ARG(event.case_id));
  return true;
}

static void send_receipts(struct engine *engine, struct engine_participant *p, Kurator__V1__Receipt **receipts,
                          size_t count) {
  Kurator__V1__Receipts message = KURATOR__V1__RECEIPTS__INIT;
  message.n_receipts = count;
  message.receipts = receipts;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  frame.body_case = KURATOR__V1__FRAME__BODY_RECEIPTS;
  frame.receipts = &message;
  send_frame(engine, p, &frame, NULL, 0);
}

static Kurator__V1__Receipt *receipt_new(struct engine *engine, uint64_t sequence, bool fresh) {
  static char code[] = "FORBIDDEN";
  static char text[] = "отправителю не разрешено";
  Kurator__V1__Receipt *receipt = ARENA_NEW(&engine->arena, Kurator__V1__Receipt);
  *receipt = (Kurator__V1__Receipt)KURATOR__V1__RECEIPT__INIT;
  receipt->has_sequence = 1;
  receipt->sequence = sequence;
  if (engine->refuse_all) {
    receipt->refused = ARENA_NEW(&engine->arena, Kurator__V1__Fault);
    *receipt->refused = (Kurator__V1__Fault)KURATOR__V1__FAULT__INIT;
    receipt->refused->code = code;
    receipt->refused->text = text;
    receipt->outcome_case = KURATOR__V1__RECEIPT__OUTCOME_REFUSED;
  } else {
    receipt->accepted = receipt->duplicate = sequence + 1000;
    receipt->outcome_case = fresh ? KURATOR__V1__RECEIPT__OUTCOME_ACCEPTED : KURATOR__V1__RECEIPT__OUTCOME_DUPLICATE;
  }
  return receipt;
}

static void on_envelope(struct engine *engine, struct engine_participant *p, const Kurator__V1__Envelope *envelope,
                        const struct span *parts, size_t count) {
  struct envelope_header header;
  struct fault fault;
  struct span bytes = span_of(envelope->header.data, envelope->header.len);
  assert_int_equal(envelope_read(bytes, &engine->arena, &header, &fault), ERR_OK);
  assert_true(span_is(header.sender, p->id));
  struct span signature = span_of(envelope->signature.data, envelope->signature.len);
  assert_int_equal(envelope_verify(bytes, signature, p->keys.signing), ERR_OK);
  assert_int_equal(envelope_match(&header, parts, count), ERR_OK);
  if (engine->busy > 0) {
    engine->busy--;
    send_refusal(engine, p);
    return;
  }
  engine->envelopes++;
  engine->largest_envelope = count > engine->largest_envelope ? count : engine->largest_envelope;
  Kurator__V1__Receipt *receipts[RECEIPTS_MAX];
  for (size_t i = 0; i < count; i++) {
    uint64_t sequence = header.first_sequence + i;
    receipts[i] = receipt_new(engine, sequence, take(engine, p, sequence, header.digests[i], parts[i]));
  }
  if (!engine->mute_receipts) {
    send_receipts(engine, p, receipts, count);
  }
}

static void on_ack(struct engine *engine, struct engine_participant *p, const Kurator__V1__Ack *ack) {
  assert_true(ack->position >= p->acknowledged && ack->position <= p->sent);
  p->acknowledged = ack->position;
  p->credit_until = ack->position + ack->credit;
  send_stream(engine, p);
}

void engine_barrier(struct engine *engine, struct engine_participant *participant, uint64_t number) {
  Kurator__V1__Barrier barrier = KURATOR__V1__BARRIER__INIT;
  barrier.has_number = barrier.has_now_ms = 1;
  barrier.number = number;
  barrier.now_ms = 5;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  frame.body_case = KURATOR__V1__FRAME__BODY_BARRIER;
  frame.barrier = &barrier;
  send_frame(engine, participant, &frame, NULL, 0);
}

static void on_barrier_reply(struct engine *engine, const Kurator__V1__BarrierReply *reply) {
  assert_int_equal(reply->n_positions, 1);
  engine->barrier_replies++;
  engine->barrier_replied = reply->number;
  engine->barrier_sequence = reply->positions[0]->sequence;
  engine->barrier_position = reply->positions[0]->position;
}

static void on_message(void *arg, const struct wire_message *message) {
  struct engine *engine = arg;
  arena_reset(&engine->arena);
  Kurator__V1__Frame *frame = NULL;
  assert_int_equal(frame_read(message->parts[0], &engine->arena, &frame), ERR_OK);
  struct engine_participant *p = engine_participant(engine, frame->participant, NULL);
  char user_id[KEY_CONNECTION_TEXT];
  key_connection_format(p->keys.connection, user_id);
  assert_true(span_is(message->user_id, user_id));
  p->peer_size = message->peer.size;
  memcpy(p->peer, message->peer.data, message->peer.size);
  switch (frame->body_case) {
  case KURATOR__V1__FRAME__BODY_HELLO:
    on_hello(engine, p, frame->hello);
    break;
  case KURATOR__V1__FRAME__BODY_ENVELOPE:
    on_envelope(engine, p, frame->envelope, message->parts + 1, message->count - 1);
    break;
  case KURATOR__V1__FRAME__BODY_ACK:
    on_ack(engine, p, frame->ack);
    break;
  case KURATOR__V1__FRAME__BODY_BARRIER_REPLY:
    on_barrier_reply(engine, frame->barrier_reply);
    break;
  default:
    fail_msg("a frame that no link sends");
  }
}

/* ---- life ---- */

struct engine_participant *engine_participant(struct engine *engine, const char *id, const struct key_pair *keys) {
  for (size_t i = 0; i < engine->participants_count; i++) {
    if (strcmp(engine->participants[i].id, id) == 0) {
      return &engine->participants[i];
    }
  }
  assert_non_null(keys);
  assert_true(engine->participants_count < ENGINE_PARTICIPANTS_MAX);
  struct engine_participant *p = &engine->participants[engine->participants_count++];
  *p = (struct engine_participant){.id = id, .keys = key_pair_public(keys)};
  return p;
}

void engine_start(struct engine *engine, uv_loop_t *loop, const char *endpoint) {
  struct wire_options options = {.loop = loop, .admit = admit, .admit_arg = engine};
  assert_int_equal(wire_create(&options, &engine->wire), ERR_OK);
  struct wire_server_options server = {.endpoints = &endpoint,
                                       .endpoints_count = 1,
                                       .domain = "exchange",
                                       .secret_key = engine->keys.connection_secret,
                                       .limits = wire_limits_default(),
                                       .on_message = on_message,
                                       .arg = engine};
  struct fault fault;
  assert_int_equal(wire_server_open(engine->wire, &server, &engine->server, &fault), ERR_OK);
}

void engine_open(struct engine *engine, uv_loop_t *loop, const char *endpoint) {
  memset(engine, 0, sizeof *engine);
  arena_init(&engine->arena, 0);
  assert_int_equal(key_pair_generate(&engine->keys), ERR_OK);
  engine_start(engine, loop, endpoint);
}

void engine_close(struct engine *engine) {
  wire_server_close(&engine->server);
  wire_destroy(&engine->wire);
  for (size_t i = 0; i < engine->participants_count; i++) {
    engine->participants[i].peer_size = 0;
  }
}

void engine_finish(struct engine *engine) {
  engine_close(engine);
  arena_finish(&engine->arena);
  writer_finish(&engine->frame);
}
