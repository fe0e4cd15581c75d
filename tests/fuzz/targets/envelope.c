/* The header of an envelope, signed whatever it holds: its signature covers every byte, its form is checked. */
#include "proto/envelope.h"
#include "fuzz.h"

static struct signing_pair pair;

static void is_covered_by_its_signature(struct span header, struct arena *arena) {
  uint8_t signature[SIGNING_SIGNATURE];
  struct span signed_by = span_of(signature, sizeof signature);
  signing_sign(&pair, "kurator/v1/envelope", header, signature);
  ASSERT(envelope_verify(header, signed_by, pair.public_key) == ERR_OK);
  ASSERT(envelope_verify(header, span_of(signature, sizeof signature - 1), pair.public_key) == ERR_FORBIDDEN);
  if (header.size > 0) {
    uint8_t *changed = (uint8_t *)arena_cstr(arena, header);
    changed[header.data[0] % header.size] ^= 1U;
    ASSERT(envelope_verify(span_of(changed, header.size), signed_by, pair.public_key) == ERR_FORBIDDEN);
  }
}

/* The fuzzer learns the digest of the empty message from the comparison itself: then it does match, and has to. */
static bool digests_nothing(const struct envelope_header *header) {
  uint8_t digest[SIGNING_DIGEST];
  event_digest((struct span){0}, digest);
  for (size_t i = 0; i < header->count; i++) {
    if (!span_equal(header->digests[i], span_of(digest, sizeof digest))) {
      return false;
    }
  }
  return true;
}

void fuzz_one(struct span input, struct arena *arena) {
  if (pair.public_key[0] == 0 && pair.public_key[1] == 0) {
    ASSERT(signing_start() == ERR_OK);
    signing_create(&pair);
  }
  struct envelope_header header;
  struct fault fault = {0};
  is_covered_by_its_signature(input, arena);
  enum err err = envelope_read(input, arena, &header, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    return;
  }
  ASSERT(participant_id_valid(header.sender));
  ASSERT(header.count >= 1 && header.count <= ENVELOPE_MESSAGES_MAX);
  ASSERT(header.first_sequence >= 1 && header.first_sequence + header.count > header.first_sequence);
  struct span *messages = ARENA_ARRAY(arena, struct span, header.count);
  ASSERT(envelope_match(&header, messages, header.count) == (digests_nothing(&header) ? ERR_OK : ERR_INVALID));
  ASSERT(envelope_match(&header, messages, header.count - 1) == ERR_INVALID);
}
