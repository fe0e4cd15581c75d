/* Bytes from outside: nothing that another reader could understand differently gets through, and nothing crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kurator/v1/deliveries.pb-c.h"
#include "kurator/v1/events.pb-c.h"
#include "proto/envelope.h"
#include "proto/json.h"

static struct arena arena;
static struct fault fault;

static int setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_finish(&arena);
  return 0;
}

#define NOTICE      &kurator__v1__release_notice__descriptor
#define BYTES(text) span_of((text), sizeof(text) - 1)

static enum err read_notice(struct span bytes) {
  struct value v;
  return message_unpack(NOTICE, bytes, &arena, &v, &fault);
}

static void what_two_readers_could_take_differently_is_refused(void **state) {
  (void)state;
  assert_int_equal(read_notice(BYTES("\x2a\x02\xd0\xa4")), ERR_OK);              /* surname "Ф" */
  assert_int_equal(read_notice(BYTES("\x2a\x01\x41\x2a\x01\x42")), ERR_INVALID); /* surname twice */
  assert_int_equal(read_notice(BYTES("\x2a\x03\x41\x00\x42")), ERR_INVALID);     /* NUL in text */
  assert_int_equal(read_notice(BYTES("\x2a\x02\xc0\x80")), ERR_INVALID);         /* overlong UTF-8 */
  assert_int_equal(read_notice(BYTES("\x2a\x01\xd4")), ERR_INVALID);             /* windows-1251 */
  assert_int_equal(read_notice(BYTES("\x28\x01")), ERR_INVALID);                 /* surname as number */
  assert_int_equal(read_notice(BYTES("\xfa\x07\x01\x41")), ERR_INVALID);         /* no such field */
  assert_int_equal(read_notice(BYTES("\x90\x01\x02")), ERR_INVALID);             /* bool 2 */
  assert_int_equal(read_notice(BYTES("\x2a\x05\x41")), ERR_FORMAT);              /* cut short */
  assert_int_equal(read_notice(BYTES("\x2a")), ERR_FORMAT);                      /* length missing */
  assert_int_equal(read_notice(BYTES("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), ERR_FORMAT); /* length 2^64-1 */
  assert_int_equal(read_notice(BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80")), ERR_FORMAT); /* endless varint */
  assert_int_equal(read_notice(BYTES("\x00\x01")), ERR_INVALID);                                    /* field 0 */
  assert_int_equal(read_notice(BYTES("\x2b\x2c")), ERR_INVALID);                                    /* groups */
}

static void a_payload_of_another_event_or_of_two_is_refused(void **state) {
  (void)state;
  struct value v;
  struct span event = SPAN_LITERAL("visit.done"); /* member 8 */
  assert_int_equal(payload_unpack(event, BYTES("\x42\x00"), &arena, &v, &fault), ERR_OK);
  assert_int_equal(payload_unpack(event, BYTES("\x4a\x00"), &arena, &v, &fault), ERR_INVALID);
  assert_int_equal(payload_unpack(event, BYTES("\x42\x00\x42\x00"), &arena, &v, &fault), ERR_FORMAT);
  assert_int_equal(payload_unpack(event, BYTES("\x42\x00\x4a\x00"), &arena, &v, &fault), ERR_FORMAT);
  assert_int_equal(payload_unpack(event, BYTES(""), &arena, &v, &fault), ERR_FORMAT);
  assert_int_equal(payload_unpack(event, BYTES("\x40\x01"), &arena, &v, &fault), ERR_FORMAT);
}

static void two_members_of_a_oneof_are_refused(void **state) {
  (void)state;
  struct delivery d;
  assert_int_equal(delivery_unpack(BYTES("\x08\x01\x1a\x00"), &arena, &d, &fault), ERR_OK);
  assert_int_equal(delivery_unpack(BYTES("\x08\x01\x1a\x00\x22\x00"), &arena, &d, &fault), ERR_INVALID);
  assert_int_equal(delivery_unpack(BYTES("\x08\x01"), &arena, &d, &fault), ERR_INVALID);
  assert_int_equal(delivery_unpack(BYTES("\x08\x01\x1a\x03\x4a\x01\x7b"), &arena, &d, &fault),
                   ERR_FORMAT); /* data "{" */
}

static void a_delivery_of_a_newer_engine_is_read_without_what_is_new(void **state) {
  (void)state;
  struct delivery d;
  /* Position 1, an offer with case_id "c" and field 100, and field 101 of the delivery. */
  struct span newer = BYTES("\x08\x01\x1a\x07\x0a\x01\x63\xa2\x06\x01\x78\xa8\x06\x05");
  assert_int_equal(delivery_unpack(newer, &arena, &d, &fault), ERR_OK);
  assert_int_equal(d.body.map.count, 1);
  assert_true(span_is(value_get_text(&d.body, "case_id"), "c"));
  assert_int_equal(delivery_unpack(BYTES("\x08\x01\xaa\x06\x00"), &arena, &d, &fault), ERR_INVALID); /* a newer kind */
}

static void lists_are_bounded(void **state) {
  (void)state;
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  for (unsigned i = 0; i < MAPPER_ITEMS_MAX; i++) {
    writer_raw(&w, BYTES("\x8a\x01\x01\x61")); /* needs: "a" */
  }
  assert_int_equal(read_notice(writer_span(&w)), ERR_OK);
  writer_raw(&w, BYTES("\x8a\x01\x01\x61"));
  assert_int_equal(read_notice(writer_span(&w)), ERR_LIMIT);
}

static uint64_t next(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *seed >> 33;
}

/* Readers may refuse or accept; they may not read past the end (AddressSanitizer watches: each input is a block of its
 * own), and what is accepted is packed to the same value again. */
static void read_everything(struct span bytes) {
  struct value v;
  struct delivery d;
  struct event_message m;
  struct envelope_header h;
  if (message_unpack(&kurator__v1__payload__descriptor, bytes, &arena, &v, &fault) == ERR_OK) {
    struct writer w DEFER(writer_finish);
    writer_init(&w);
    struct value again;
    assert_int_equal(message_pack(&kurator__v1__payload__descriptor, &v, &w, &fault), ERR_OK);
    assert_int_equal(message_unpack(&kurator__v1__payload__descriptor, writer_span(&w), &arena, &again, &fault),
                     ERR_OK);
    assert_true(value_equal(&v, &again));
  }
  if (delivery_unpack(bytes, &arena, &d, &fault) == ERR_OK) {
    assert_true(d.body.kind == VALUE_MAP);
  }
  if (event_read(bytes, &arena, &m, &fault) == ERR_OK) {
    assert_int_equal(m.salt.size, ENVELOPE_SALT);
  }
  if (envelope_read(bytes, &arena, &h, &fault) == ERR_OK) {
    assert_in_range(h.count, 1, ENVELOPE_MESSAGES_MAX);
  }
}

static void random_and_damaged_bytes_are_survived(void **state) {
  (void)state;
  static const char sample[] =
      "\xaa\x02\x3a\x0a\x0a\x32\x30\x32\x36\x2d\x30\x31\x2d\x32\x30\x12\x0d\x0a\x02m1\x12\x07medical"
      "\x12\x09\x0a\x02m2\x22\x03\x64\x75\x65\x1a\x05legal\x22\x04note\x12\x04\x0a\x02m3";
  uint64_t seed = 1;
  for (unsigned round = 0; round < 60000; round++) {
    size_t size = round % 2 ? sizeof sample - 1 : next(&seed) % 80;
    uint8_t *block = malloc(size ? size : 1);
    assert_non_null(block);
    for (size_t i = 0; i < size; i++) {
      block[i] = round % 2 ? (uint8_t)sample[i] : (uint8_t)next(&seed);
    }
    for (unsigned i = 0; round % 2 && i < 1 + next(&seed) % 4; i++) {
      block[next(&seed) % size] = (uint8_t)next(&seed);
    }
    read_everything(span_of(block, round % 2 ? size - next(&seed) % 4 : size));
    free(block);
    arena_reset(&arena);
  }
}

static void envelope_headers_of_bad_form_are_refused(void **state) {
  (void)state;
  struct envelope_header h;
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  writer_raw(&w, BYTES("\x0a\x05ufsin\x12\x10"
                       "0123456789abcdef\x28\x01"));
  size_t common = w.size;
  assert_int_equal(envelope_read(writer_span(&w), &arena, &h, &fault), ERR_INVALID); /* no digests */
  uint8_t digest[34] = {0x22, 32};
  writer_raw(&w, span_of(digest, sizeof digest));
  assert_int_equal(envelope_read(writer_span(&w), &arena, &h, &fault), ERR_INVALID); /* no sequence */
  assert_non_null(strstr(fault.text, "first_sequence"));
  writer_raw(&w, BYTES("\x18\x01"));
  assert_int_equal(envelope_read(writer_span(&w), &arena, &h, &fault), ERR_OK);
  w.size = common;
  writer_raw(&w, BYTES("\x18\x01\x22\x03"
                       "abc"));
  assert_int_equal(envelope_read(writer_span(&w), &arena, &h, &fault), ERR_INVALID); /* short digest */
  w.size = common;
  writer_raw(&w, BYTES("\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
  writer_raw(&w, span_of(digest, sizeof digest));
  assert_int_equal(envelope_read(writer_span(&w), &arena, &h, &fault), ERR_INVALID); /* sequence would overflow */
  w.size = common;
  writer_raw(&w, BYTES("\x18\x01"));
  for (unsigned i = 0; i <= ENVELOPE_MESSAGES_MAX; i++) {
    writer_raw(&w, span_of(digest, sizeof digest));
  }
  assert_int_equal(envelope_read(writer_span(&w), &arena, &h, &fault), ERR_LIMIT);
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(what_two_readers_could_take_differently_is_refused),
      PROMISE(a_payload_of_another_event_or_of_two_is_refused),
      PROMISE(two_members_of_a_oneof_are_refused),
      PROMISE(a_delivery_of_a_newer_engine_is_read_without_what_is_new),
      PROMISE(lists_are_bounded),
      PROMISE(random_and_damaged_bytes_are_survived),
      PROMISE(envelope_headers_of_bad_form_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
