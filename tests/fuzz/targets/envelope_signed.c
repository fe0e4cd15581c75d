/*
 * What a participant with a key of its own can send: well signed, with whatever inside. The parsers behind the
 * signature are reached: header, events, payloads.
 *
 * Input: messages, each behind its size in two bytes (big-endian); the last one may be shorter.
 */
#include "fuzz.h"
#include "proto/envelope.h"
#include "proto/json.h"

enum { MESSAGES_MAX = 16 };

static struct signing_pair pair;

static size_t cut_messages(struct span input, struct span messages[MESSAGES_MAX]) {
  size_t count = 0;
  while (input.size > 2 && count < MESSAGES_MAX) {
    size_t size = (size_t)input.data[0] << 8 | input.data[1];
    size = size < input.size - 2 ? size : input.size - 2;
    messages[count++] = span_of(input.data + 2, size);
    input = span_of(input.data + 2 + size, input.size - 2 - size);
  }
  return count;
}

static void read_message(struct span bytes, struct arena *arena) {
  struct event_message message;
  struct value data;
  struct fault fault = {0};
  enum err err = event_read(bytes, arena, &message, &fault);
  if (err == ERR_OK) {
    err = payload_unpack(message.event, message.payload, arena, &data, &fault);
  }
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
  }
}

void fuzz_one(struct span input, struct arena *arena) {
  struct span messages[MESSAGES_MAX];
  size_t count = cut_messages(input, messages);
  if (count == 0) {
    return;
  }
  if (pair.public_key[0] == 0 && pair.public_key[1] == 0) {
    ASSERT(signing_start() == ERR_OK);
    signing_create(&pair);
  }
  struct envelope_draft draft;
  struct envelope_header header;
  struct fault fault = {0};
  struct writer w;
  uint8_t signature[SIGNING_SIGNATURE];
  envelope_begin(&draft, SPAN_LITERAL("agency-1"), 7, 1);
  for (size_t i = 0; i < count; i++) {
    ASSERT(envelope_add(&draft, messages[i]) == ERR_OK);
  }
  writer_init(&w);
  envelope_sign(&draft, &pair, &w, signature);
  ASSERT(envelope_read(writer_span(&w), arena, &header, &fault) == ERR_OK);
  ASSERT(envelope_verify(header.bytes, span_of(signature, sizeof signature), pair.public_key) == ERR_OK);
  ASSERT(envelope_match(&header, messages, count) == ERR_OK);
  messages[0] = span_of(messages[0].data, messages[0].size > 0 ? messages[0].size - 1 : 0);
  ASSERT(header.count != count || envelope_match(&header, messages, count) == ERR_INVALID || span_empty(messages[0]));
  cut_messages(input, messages);
  for (size_t i = 0; i < count; i++) {
    read_message(messages[i], arena);
  }
  writer_finish(&w);
}
