#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/envelope.h"

struct fixture {
  struct arena arena;
  struct signing_pair pair;
  struct writer header;
  struct writer events[3];
  struct span parts[3];
  uint8_t signature[SIGNING_SIGNATURE];
};

static int setup(void **state) {
  static struct fixture f;
  f = (struct fixture){0};
  arena_init(&f.arena, 0);
  assert_int_equal(signing_start(), ERR_OK);
  signing_create(&f.pair);
  static struct envelope_draft draft;
  envelope_begin(&draft, SPAN_LITERAL("ufsin"), 41, 1768194900000);
  for (unsigned i = 0; i < 3; i++) {
    struct event_message m = {.case_id = SPAN_LITERAL("86-2025-00137"),
                              .event = SPAN_LITERAL("visit.done"),
                              .occurred_at = 1768194900000 + i,
                              .expires_at = CIVIL_MOMENT_NONE,
                              .payload = SPAN_LITERAL("\x42\x00")};
    uint8_t salt[ENVELOPE_SALT];
    signing_random(salt, sizeof salt);
    assert_int_equal(event_pack(&m, salt, &f.events[i]), ERR_OK);
    f.parts[i] = writer_span(&f.events[i]);
    assert_int_equal(envelope_add(&draft, f.parts[i]), ERR_OK);
  }
  envelope_sign(&draft, &f.pair, &f.header, f.signature);
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  arena_finish(&f->arena);
  writer_finish(&f->header);
  for (unsigned i = 0; i < 3; i++) {
    writer_finish(&f->events[i]);
  }
  return 0;
}

static void a_signed_batch_is_read_verified_and_matched(void **state) {
  struct fixture *f = *state;
  struct envelope_header header;
  struct fault fault;
  assert_int_equal(envelope_read(writer_span(&f->header), &f->arena, &header, &fault), ERR_OK);
  assert_true(span_is(header.sender, "ufsin"));
  assert_int_equal(header.first_sequence, 41);
  assert_int_equal(header.count, 3);
  char key_id[SIGNING_KEY_ID_TEXT];
  signing_key_id(f->pair.public_key, key_id);
  assert_true(span_is(header.key_id, key_id));
  struct span signature = span_of(f->signature, sizeof f->signature);
  assert_int_equal(envelope_verify(header.bytes, signature, f->pair.public_key), ERR_OK);
  assert_int_equal(envelope_match(&header, f->parts, 3), ERR_OK);
  struct event_message m;
  assert_int_equal(event_read(f->parts[2], &f->arena, &m, &fault), ERR_OK);
  assert_true(span_is(m.case_id, "86-2025-00137"));
  assert_true(span_is(m.event, "visit.done"));
  assert_int_equal(m.occurred_at, 1768194900002);
  assert_int_equal(m.expires_at, CIVIL_MOMENT_NONE);
  assert_int_equal(m.payload.size, 2);
}

static void every_changed_byte_of_the_header_breaks_the_signature(void **state) {
  struct fixture *f = *state;
  struct span signature = span_of(f->signature, sizeof f->signature);
  for (size_t i = 0; i < f->header.size; i++) {
    f->header.data[i] ^= 1;
    assert_int_equal(envelope_verify(writer_span(&f->header), signature, f->pair.public_key), ERR_FORBIDDEN);
    f->header.data[i] ^= 1;
  }
  assert_int_equal(envelope_verify(writer_span(&f->header), span_of(f->signature, 63), f->pair.public_key),
                   ERR_FORBIDDEN);
}

static void another_key_did_not_sign(void **state) {
  struct fixture *f = *state;
  struct signing_pair other;
  signing_create(&other);
  struct span signature = span_of(f->signature, sizeof f->signature);
  assert_int_equal(envelope_verify(writer_span(&f->header), signature, other.public_key), ERR_FORBIDDEN);
}

static void changed_exchanged_or_missing_messages_do_not_match(void **state) {
  struct fixture *f = *state;
  struct envelope_header header;
  struct fault fault;
  assert_int_equal(envelope_read(writer_span(&f->header), &f->arena, &header, &fault), ERR_OK);
  f->events[1].data[3] ^= 1;
  assert_int_equal(envelope_match(&header, f->parts, 3), ERR_INVALID);
  f->events[1].data[3] ^= 1;
  struct span exchanged[] = {f->parts[1], f->parts[0], f->parts[2]};
  assert_int_equal(envelope_match(&header, exchanged, 3), ERR_INVALID);
  assert_int_equal(envelope_match(&header, f->parts, 2), ERR_INVALID);
}

static void equal_events_have_different_digests_by_their_salt(void **state) {
  struct fixture *f = *state;
  struct event_message m = {.case_id = SPAN_LITERAL("c"),
                            .event = SPAN_LITERAL("e"),
                            .expires_at = CIVIL_MOMENT_NONE,
                            .payload = SPAN_LITERAL("p")};
  struct writer other DEFER(writer_finish);
  writer_init(&other);
  uint8_t salts[2][ENVELOPE_SALT] = {{1}, {2}};
  uint8_t digests[2][SIGNING_DIGEST];
  for (unsigned i = 0; i < 2; i++) {
    writer_reset(&other);
    assert_int_equal(event_pack(&m, salts[i], &other), ERR_OK);
    event_digest(writer_span(&other), digests[i]);
  }
  assert_memory_not_equal(digests[0], digests[1], SIGNING_DIGEST);
  assert_int_equal(f->header.size > 0, 1);
}

static void an_event_of_bad_form_is_refused_by_field(void **state) {
  struct fixture *f = *state;
  struct event_message good = {.case_id = SPAN_LITERAL("86/support"),
                               .event = SPAN_LITERAL("visit.done"),
                               .expires_at = 5,
                               .recipient = SPAN_LITERAL("health-1"),
                               .payload = SPAN_LITERAL("p")};
  struct event_message bad[4] = {good, good, good, good};
  bad[0].case_id = SPAN_LITERAL("86 support");
  bad[1].event = SPAN_LITERAL("Visit");
  bad[2].recipient = SPAN_LITERAL("HEALTH");
  bad[3].case_id = SPAN_LITERAL("");
  const char *named[] = {"case_id", "event", "recipient", "case_id"};
  uint8_t salt[ENVELOPE_SALT] = {7};
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  struct event_message read;
  struct fault fault;
  assert_int_equal(event_pack(&good, salt, &w), ERR_OK);
  assert_int_equal(event_read(writer_span(&w), &f->arena, &read, &fault), ERR_OK);
  assert_int_equal(read.expires_at, 5);
  for (unsigned i = 0; i < 4; i++) {
    writer_reset(&w);
    assert_int_equal(event_pack(&bad[i], salt, &w), ERR_OK);
    assert_int_equal(event_read(writer_span(&w), &f->arena, &read, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.text, named[i]));
  }
}

static void too_large_an_event_is_not_packed(void **state) {
  struct fixture *f = *state;
  struct event_message m = {.case_id = SPAN_LITERAL("c"), .event = SPAN_LITERAL("e"), .expires_at = CIVIL_MOMENT_NONE};
  m.payload = span_of(arena_calloc(&f->arena, 1, EVENT_BYTES_MAX), EVENT_BYTES_MAX);
  uint8_t salt[ENVELOPE_SALT] = {0};
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  assert_int_equal(event_pack(&m, salt, &w), ERR_LIMIT);
  assert_int_equal(w.size, 0);
}

static void an_envelope_takes_only_its_limit(void **state) {
  (void)state;
  static struct envelope_draft draft;
  envelope_begin(&draft, SPAN_LITERAL("a"), 1, 0);
  for (unsigned i = 0; i < ENVELOPE_MESSAGES_MAX; i++) {
    assert_int_equal(envelope_add(&draft, SPAN_LITERAL("x")), ERR_OK);
  }
  assert_int_equal(envelope_add(&draft, SPAN_LITERAL("x")), ERR_LIMIT);
}

/* The expected bytes come from Python: hashlib.blake2b(b"kurator/v1/message\\0abc", digest_size=32). */
static void digests_are_those_of_other_implementations(void **state) {
  (void)state;
  uint8_t digest[SIGNING_DIGEST];
  event_digest(SPAN_LITERAL("abc"), digest);
  static const uint8_t expected[SIGNING_DIGEST] = {0x10, 0xc2, 0x0b, 0x90, 0x53, 0x6a, 0x5d, 0x0c, 0xf7, 0x6e, 0x69,
                                                   0xa8, 0xd5, 0x3e, 0xe3, 0x84, 0x0a, 0x90, 0x65, 0x1a, 0x94, 0x6d,
                                                   0x5b, 0x53, 0xd1, 0x87, 0x5b, 0xe3, 0x88, 0x7b, 0x5a, 0xd7};
  assert_memory_equal(digest, expected, sizeof expected);
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(a_signed_batch_is_read_verified_and_matched),
      PROMISE(every_changed_byte_of_the_header_breaks_the_signature),
      PROMISE(another_key_did_not_sign),
      PROMISE(changed_exchanged_or_missing_messages_do_not_match),
      PROMISE(equal_events_have_different_digests_by_their_salt),
      PROMISE(an_event_of_bad_form_is_refused_by_field),
      PROMISE(too_large_an_event_is_not_packed),
      PROMISE(an_envelope_takes_only_its_limit),
      PROMISE(digests_are_those_of_other_implementations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
