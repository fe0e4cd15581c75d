#include "pool.h"

#include <time.h>

#include "proto/envelope.h"
#include "proto/json.h"
#include "wire/frame.h"

static civil_moment wall_clock(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_REALTIME, &time);
  return (civil_moment)time.tv_sec * 1000;
}

static struct span event_make(struct pool *pool, struct pool_options *options, struct span payload, struct writer *w) {
  char id[BENCH_ID_TEXT];
  uint8_t salt[ENVELOPE_SALT];
  uint64_t row = bench_random_below(&options->random, options->cases / options->places);
  struct event_message message = {
      .case_id = bench_case_id(row * options->places + options->place, id),
      .event = options->event,
      .occurred_at = wall_clock(),
      .expires_at = CIVIL_MOMENT_NONE,
      .payload = payload,
  };
  signing_random(salt, sizeof salt);
  writer_reset(w);
  bench_check(event_pack(&message, salt, w), NULL, "event");
  return arena_copy(&pool->arena, writer_span(w));
}

static struct span frame_make(struct pool *pool, const struct pool_options *options, const struct envelope_draft *draft,
                              struct writer *w) {
  uint8_t signature[SIGNING_SIGNATURE];
  DEFER(writer_finish) struct writer header;
  writer_init(&header);
  envelope_sign(draft, &options->keys->signing, &header, signature);
  Kurator__V1__Envelope envelope = KURATOR__V1__ENVELOPE__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  envelope.has_header = envelope.has_signature = 1;
  envelope.header = (ProtobufCBinaryData){header.size, header.data};
  envelope.signature = (ProtobufCBinaryData){sizeof signature, signature};
  frame.participant = frame_text(options->participant);
  frame.body_case = KURATOR__V1__FRAME__BODY_ENVELOPE;
  frame.envelope = &envelope;
  writer_reset(w);
  frame_write(&frame, w);
  return arena_copy(&pool->arena, writer_span(w));
}

void pool_make(struct pool *pool, const struct pool_options *given) {
  struct pool_options options = *given;
  struct fault fault = {.err = ERR_OK};
  DEFER(writer_finish) struct writer payload;
  DEFER(writer_finish) struct writer w;
  writer_init(&payload);
  writer_init(&w);
  arena_init(&pool->arena, 1 << 20);
  bench_check(payload_pack(options.event, options.data, &payload, &fault), &fault, "payload");
  pool->count = options.envelopes;
  pool->envelopes = ARENA_ARRAY(&pool->arena, struct pool_envelope, options.envelopes);
  struct envelope_draft *draft = ARENA_NEW(&pool->arena, struct envelope_draft);
  for (size_t i = 0; i < options.envelopes; i++) {
    struct pool_envelope *envelope = &pool->envelopes[i];
    envelope->parts = ARENA_ARRAY(&pool->arena, struct span, options.messages);
    envelope_begin(draft, span_of_cstr(options.participant), options.first_sequence + i * options.messages,
                   wall_clock());
    for (size_t k = 0; k < options.messages; k++) {
      envelope->parts[k] = event_make(pool, &options, writer_span(&payload), &w);
      bench_check(envelope_add(draft, envelope->parts[k]), NULL, "envelope");
    }
    envelope->frame = frame_make(pool, &options, draft, &w);
  }
}

void pool_free(struct pool *pool) {
  arena_finish(&pool->arena);
}
