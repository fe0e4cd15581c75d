/*
 * proto/envelope.h — events and the signed envelope that carries them (design section 4, PROTOCOL.md).
 *
 * Purpose: packs an event with its salt; digests it; packs and signs the header over the digests of up to
 * ENVELOPE_MESSAGES_MAX events; and, on the other side, reads a header, verifies its signature and holds the messages
 * against its digests. One signature serves the whole batch, and each message can be proved without the others.
 *
 * Life cycle: sender: event_pack… → envelope_begin → envelope_add… → envelope_sign. Receiver: envelope_read →
 * (look up the key) → envelope_verify → envelope_match → event_read.
 * Threading: envelope_verify and envelope_match touch nothing but their arguments and may run beside the loop.
 * Ownership: what is read borrows from the bytes and the arena given.
 * Limits: below; more is ERR_LIMIT. Never: packs again what came in; reads a clock.
 */
#ifndef KURATOR_PROTO_ENVELOPE_H
#define KURATOR_PROTO_ENVELOPE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/signing.h"

enum {
  ENVELOPE_MESSAGES_MAX = 512,
  ENVELOPE_HEADER_MAX = 32 << 10, /* bytes; 512 digests take 17 KiB */
  ENVELOPE_SALT = 16,
  EVENT_BYTES_MAX = 256 << 10, /* one serialised Event */
  EVENT_NAME_MAX = 64,
  EVENT_CASE_MAX = 200,
  PARTICIPANT_ID_MAX = 64, /* [a-z0-9._-] */
};

/* ---- events ---- */

struct event_message {
  struct span case_id;
  struct span event;
  civil_moment occurred_at;
  struct span recipient;   /* empty: the engine */
  struct span acting_for;  /* empty: nobody */
  civil_moment expires_at; /* CIVIL_MOMENT_NONE: never */
  struct span payload;     /* serialised Payload, see proto/json.h */
  struct span salt;        /* of a read message; event_pack takes its own */
};
/* Appends. ERR_LIMIT when the message would be too large; then nothing is appended. */
enum err event_pack(const struct event_message *message, const uint8_t salt[ENVELOPE_SALT],
                    struct writer *w) MUST_CHECK;
/* ERR_FORMAT, ERR_INVALID, ERR_LIMIT with a Russian text. Checks form and bounds, not the payload. */
enum err event_read(struct span bytes, struct arena *arena, struct event_message *ret_message,
                    struct fault *fault) MUST_CHECK;
/* The digest that stands in the header, the journal and the dedup record. */
void event_digest(struct span bytes, uint8_t ret_digest[SIGNING_DIGEST]);

/* True for a text that may be a participant's id. */
bool participant_id_valid(struct span id);

/* ---- sending ---- */

struct envelope_draft {
  struct span sender; /* borrowed until envelope_sign */
  uint64_t first_sequence;
  int64_t sent_at; /* civil_moment */
  uint32_t count;
  uint8_t digests[ENVELOPE_MESSAGES_MAX][SIGNING_DIGEST];
};
void envelope_begin(struct envelope_draft *draft, struct span sender, uint64_t first_sequence, civil_moment sent_at);
/* The message with the next sequence. ERR_LIMIT: the envelope is full. */
enum err envelope_add(struct envelope_draft *draft, struct span event_bytes) MUST_CHECK;
/* Appends the header's bytes and signs them. */
void envelope_sign(const struct envelope_draft *draft, const struct signing_pair *pair, struct writer *header,
                   uint8_t ret_signature[SIGNING_SIGNATURE]);

/* ---- receiving ---- */

struct envelope_header {
  struct span bytes; /* exactly as received: what the signature covers */
  struct span sender;
  struct span key_id;
  uint64_t first_sequence; /* ≥ 1; first_sequence + count does not overflow */
  civil_moment sent_at;
  const struct span *digests; /* of SIGNING_DIGEST bytes each */
  size_t count;               /* 1 … ENVELOPE_MESSAGES_MAX */
};
/* ERR_FORMAT, ERR_INVALID, ERR_LIMIT with a Russian text. Nothing in it may be believed before envelope_verify. */
enum err envelope_read(struct span header_bytes, struct arena *arena, struct envelope_header *ret_header,
                       struct fault *fault) MUST_CHECK;
/* ERR_FORBIDDEN: not signed by that key. */
enum err envelope_verify(struct span header_bytes, struct span signature,
                         const uint8_t public_key[SIGNING_PUBLIC]) MUST_CHECK;
/* ERR_INVALID: another number of messages, or one that does not have its digest. */
enum err envelope_match(const struct envelope_header *header, const struct span *messages, size_t count) MUST_CHECK;

#endif
