#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/frame.h"

static struct arena arena;
static struct writer w;

static int setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  writer_init(&w);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_finish(&arena);
  writer_finish(&w);
  return 0;
}

static void a_frame_comes_back(void **state) {
  (void)state;
  Kurator__V1__Ack ack = KURATOR__V1__ACK__INIT;
  ack.has_position = 1;
  ack.position = 99;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  char participant[] = "health-1";
  frame.participant = participant;
  frame.body_case = KURATOR__V1__FRAME__BODY_ACK;
  frame.ack = &ack;
  frame_write(&frame, &w);
  Kurator__V1__Frame *read = NULL;
  assert_int_equal(frame_read(writer_span(&w), &arena, &read), ERR_OK);
  assert_string_equal(read->participant, "health-1");
  assert_int_equal(read->body_case, KURATOR__V1__FRAME__BODY_ACK);
  assert_int_equal(read->ack->position, 99);
}

static void what_is_no_frame_is_refused(void **state) {
  (void)state;
  Kurator__V1__Frame *read = NULL;
  static uint8_t large[FRAME_BYTES_MAX + 1];
  assert_int_equal(frame_read(span_of(large, sizeof large), &arena, &read), ERR_LIMIT);
  assert_int_equal(frame_read(SPAN_LITERAL("\xff\xff\xff"), &arena, &read), ERR_FORMAT);
  assert_int_equal(frame_read(SPAN_LITERAL(""), &arena, &read), ERR_INVALID);
  assert_int_equal(frame_read(SPAN_LITERAL("\x0a\x01\x61"), &arena, &read), ERR_INVALID); /* no body */
  assert_int_equal(frame_read(SPAN_LITERAL("\x5a\x00"), &arena, &read), ERR_INVALID);     /* no participant */
}

static void a_fault_keeps_its_code_and_text(void **state) {
  (void)state;
  struct fault given = {.err = ERR_CONFLICT, .text = "предложение устарело"};
  struct fault read;
  Kurator__V1__Fault message = frame_fault(&given);
  frame_fault_read(&message, &read);
  assert_int_equal(read.err, ERR_CONFLICT);
  assert_string_equal(read.text, given.text);
  char unknown[] = "WEATHER";
  message.code = unknown;
  frame_fault_read(&message, &read);
  assert_int_equal(read.err, ERR_INVALID);
}

static void a_question_needs_a_verb(void **state) {
  (void)state;
  Kurator__V1__QueryRequest *request = NULL;
  assert_int_equal(frame_read_question(SPAN_LITERAL("\x08\x01"), &arena, &request), ERR_INVALID);
  assert_int_equal(frame_read_question(SPAN_LITERAL("\x08\x01\x2a\x01\x61"), &arena, &request), ERR_OK);
  assert_string_equal(request->verb, "a");
}

static void random_bytes_are_survived(void **state) {
  (void)state;
  uint64_t seed = 7;
  for (unsigned round = 0; round < 20000; round++) {
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) {
      seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      bytes[i] = (uint8_t)(seed >> 56);
    }
    bytes[0] = (uint8_t)(10 + 8 * (round % 12)); /* a key of the frame's own */
    bytes[1] %= 62;
    Kurator__V1__Frame *read = NULL;
    if (frame_read(span_of(bytes, 2U + bytes[1]), &arena, &read) == ERR_OK) {
      assert_non_null(read->participant);
    }
    arena_reset(&arena);
  }
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(a_frame_comes_back),      PROMISE(what_is_no_frame_is_refused), PROMISE(a_fault_keeps_its_code_and_text),
      PROMISE(a_question_needs_a_verb), PROMISE(random_bytes_are_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
