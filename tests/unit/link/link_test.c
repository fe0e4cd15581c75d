/* The link against an engine that holds it to the protocol, over ipc with CURVE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_engine.h"
#include "link/link.h"

enum { WAIT_MS = 15000, SEEN_MAX = 4096 };

static struct engine engine;
static struct engine_participant *ufsin;

static struct fixture {
  uv_loop_t loop;
  uv_timer_t timer;
  bool late;
  struct wire *wire;
  struct link *link;
  struct key_pair keys, keys_of_health;
  bool two; /* participants, each with a connection of its own */
  char folder[64], endpoint[100], spool[100];
  unsigned receipts[4]; /* by enum link_state */
  char last_tag[LINK_TAG_MAX + 1];
  char last_text[200];
  uint64_t delivered[SEEN_MAX]; /* positions, in order of handling */
  size_t delivered_count;
  uint64_t fail_at;    /* position whose handling fails… */
  unsigned fail_times; /* … so often */
  bool answer_each;    /* a delivery leads to a message */
  unsigned barriers;
  bool barrier_waits;
  unsigned barrier_sends;
  char status[400];
} f;

static enum err send_one(unsigned number);

static enum err on_delivery(void *arg, const char *participant, const struct delivery *delivery) {
  (void)arg;
  assert_true(f.two || strcmp(participant, "ufsin") == 0);
  if (f.answer_each && send_one((unsigned)delivery->position) != ERR_OK) {
    return ERR_IO;
  }
  if (delivery->position == f.fail_at && f.fail_times > 0) {
    f.fail_times--;
    return ERR_FULL;
  }
  assert_true(f.delivered_count < SEEN_MAX);
  f.delivered[f.delivered_count++] = delivery->position;
  return ERR_OK;
}

static void on_receipt(void *arg, const char *participant, const struct link_receipt *receipt) {
  (void)arg;
  assert_string_equal(participant, "ufsin");
  f.receipts[receipt->state]++;
  (void)snprintf(f.last_tag, sizeof f.last_tag, "%.*s", SPAN_ARG(receipt->tag));
  (void)snprintf(f.last_text, sizeof f.last_text, "%.*s", SPAN_ARG(receipt->text));
}

static void on_barrier(void *arg, uint64_t number, civil_moment now) {
  (void)arg;
  assert_int_equal(now, 5);
  f.barriers++;
  for (unsigned i = 0; i < f.barrier_sends; i++) {
    assert_int_equal(send_one(i), ERR_OK);
  }
  if (!f.barrier_waits) {
    link_barrier_done(f.link, number);
  }
}

static void on_status(void *arg, bool up, const char *text) {
  (void)arg;
  (void)up;
  (void)snprintf(f.status, sizeof f.status, "%s", text);
}

static enum err send_one(unsigned number) {
  char case_id[32];
  char tag[32];
  (void)snprintf(case_id, sizeof case_id, "case-%u", number);
  (void)snprintf(tag, sizeof tag, "row %u", number);
  struct link_event event = {.participant = "ufsin",
                             .event = SPAN_LITERAL("visit.done"),
                             .case_id = span_of_cstr(case_id),
                             .occurred_at = number,
                             .tag = span_of_cstr(tag)};
  struct fault fault;
  return link_send(f.link, &event, NULL, &fault);
}

static void send_in_one_transaction(unsigned from, unsigned count) {
  struct fault fault;
  assert_int_equal(link_begin(f.link), ERR_OK);
  for (unsigned i = from; i < from + count; i++) {
    assert_int_equal(send_one(i), ERR_OK);
  }
  assert_int_equal(link_commit(f.link, &fault), ERR_OK);
}

static void on_timer(uv_timer_t *timer) {
  (void)timer;
  f.late = true;
}

#define RUN_UNTIL(condition, ms)                                                                                       \
  do {                                                                                                                 \
    f.late = false;                                                                                                    \
    uv_timer_start(&f.timer, on_timer, (ms), 0);                                                                       \
    while (!(condition) && !f.late) {                                                                                  \
      uv_run(&f.loop, UV_RUN_ONCE);                                                                                    \
    }                                                                                                                  \
    uv_timer_stop(&f.timer);                                                                                           \
  } while (0)
#define AWAIT(condition)                                                                                               \
  do {                                                                                                                 \
    RUN_UNTIL(condition, WAIT_MS);                                                                                     \
    assert_true(condition);                                                                                            \
  } while (0)

static enum err open_link(struct link **ret_link, struct fault *fault) {
  struct link_participant participants[] = {{"ufsin", &f.keys}, {"health", &f.keys_of_health}};
  struct link_options options = {.loop = &f.loop,
                                 .wire = f.wire,
                                 .endpoint = f.endpoint,
                                 .server_key = engine.keys.connection_public,
                                 .participants = participants,
                                 .participants_count = f.two ? 2 : 1,
                                 .spool_path = f.spool,
                                 .agent = "link_test",
                                 .limits = wire_limits_default(),
                                 .reconnect_max_ms = 100,
                                 .on_delivery = on_delivery,
                                 .on_receipt = on_receipt,
                                 .on_barrier = on_barrier,
                                 .on_status = on_status};
  return link_open(&options, ret_link, fault);
}

static void link_start(void) {
  struct fault fault = {0};
  if (open_link(&f.link, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
}

static int setup(void **state) {
  (void)state;
  memset(&f, 0, sizeof f);
  uv_loop_init(&f.loop);
  uv_timer_init(&f.loop, &f.timer);
  (void)snprintf(f.folder, sizeof f.folder, "/tmp/kurator-link-XXXXXX");
  assert_non_null(mkdtemp(f.folder));
  (void)snprintf(f.endpoint, sizeof f.endpoint, "ipc://%s/engine", f.folder);
  (void)snprintf(f.spool, sizeof f.spool, "%s/spool", f.folder);
  assert_int_equal(key_pair_generate(&f.keys), ERR_OK);
  struct wire_options options = {.loop = &f.loop};
  assert_int_equal(wire_create(&options, &f.wire), ERR_OK);
  engine_open(&engine, &f.loop, f.endpoint);
  ufsin = engine_participant(&engine, "ufsin", &f.keys);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  link_close(&f.link);
  wire_destroy(&f.wire);
  engine_finish(&engine);
  uv_close((uv_handle_t *)&f.timer, NULL);
  uv_run(&f.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&f.loop), 0);
  char command[200];
  (void)snprintf(command, sizeof command, "rm -r %s", f.folder);
  assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path made above
  return 0;
}

static void assert_taken_once(unsigned count) {
  assert_int_equal(ufsin->sequence, count);
  for (unsigned i = 0; i < count; i++) {
    char case_id[32];
    (void)snprintf(case_id, sizeof case_id, "case-%u", i);
    assert_string_equal(ufsin->messages[i].case_id, case_id);
  }
}

/* ---- sending ---- */

static void messages_arrive_in_order_and_get_their_receipts(void **state) {
  (void)state;
  link_start();
  send_in_one_transaction(0, 1000);
  AWAIT(link_idle(f.link));
  assert_taken_once(1000);
  assert_int_equal(f.receipts[LINK_ACCEPTED], 1000);
  assert_string_equal(f.last_tag, "row 999");
  assert_in_range(engine.envelopes, 1, 50);
  assert_in_range(engine.largest_envelope, 100, 512);
}

static void what_is_sent_while_the_engine_is_away_arrives_later(void **state) {
  (void)state;
  engine_close(&engine);
  link_start();
  send_in_one_transaction(0, 10);
  RUN_UNTIL(false, 150);
  assert_int_equal(link_pending(f.link), 10);
  engine_start(&engine, &f.loop, f.endpoint);
  AWAIT(link_idle(f.link));
  assert_taken_once(10);
}

static void lost_receipts_lead_to_sending_again_and_no_doubles(void **state) {
  (void)state;
  link_start();
  engine.mute_receipts = true;
  send_in_one_transaction(0, 100);
  AWAIT(ufsin->sequence == 100);
  assert_false(link_idle(f.link));
  engine_close(&engine);
  engine.mute_receipts = false;
  engine_start(&engine, &f.loop, f.endpoint);
  AWAIT(link_idle(f.link));
  assert_taken_once(100);
  assert_int_equal(ufsin->messages[0].times, 2);
  assert_int_equal(f.receipts[LINK_DUPLICATE], 100);
}

static void what_was_not_sent_before_a_restart_is_in_the_spool(void **state) {
  (void)state;
  engine_close(&engine);
  link_start();
  send_in_one_transaction(0, 50);
  link_close(&f.link);
  engine_start(&engine, &f.loop, f.endpoint);
  link_start();
  assert_int_equal(link_pending(f.link), 50);
  assert_int_equal(send_one(50), ERR_OK);
  AWAIT(link_idle(f.link));
  assert_taken_once(51);
}

static void what_was_sent_but_not_receipted_before_a_restart_is_sent_again(void **state) {
  (void)state;
  engine.mute_receipts = true;
  link_start();
  send_in_one_transaction(0, 50);
  AWAIT(ufsin->sequence == 50);
  link_close(&f.link);
  engine.mute_receipts = false;
  link_start();
  AWAIT(link_idle(f.link));
  assert_taken_once(50);
  assert_int_equal(f.receipts[LINK_DUPLICATE], 50);
}

static void a_new_spool_does_not_reuse_numbers(void **state) {
  (void)state;
  link_start();
  send_in_one_transaction(0, 5);
  AWAIT(link_idle(f.link));
  link_close(&f.link);
  assert_int_equal(unlink(f.spool), 0);
  link_start();
  send_in_one_transaction(5, 5);
  AWAIT(link_idle(f.link));
  assert_taken_once(10);
  assert_int_equal(f.receipts[LINK_ACCEPTED], 10);
}

static void the_engines_window_is_kept(void **state) {
  (void)state;
  engine.in_flight_max = 10;
  engine.mute_receipts = true;
  link_start();
  send_in_one_transaction(0, 100);
  AWAIT(ufsin->sequence == 10);
  RUN_UNTIL(ufsin->sequence > 10, 200);
  assert_int_equal(ufsin->sequence, 10);
  engine_close(&engine);
  engine.mute_receipts = false;
  engine_start(&engine, &f.loop, f.endpoint);
  AWAIT(link_idle(f.link));
  assert_taken_once(100);
}

static void a_busy_engine_is_asked_again_after_a_pause(void **state) {
  (void)state;
  engine.busy = 2;
  link_start();
  send_in_one_transaction(0, 5);
  AWAIT(link_idle(f.link));
  assert_taken_once(5);
  assert_int_equal(engine.busy, 0);
}

static void a_refused_message_is_told_with_its_reason_and_not_sent_again(void **state) {
  (void)state;
  engine.refuse_all = true;
  link_start();
  assert_int_equal(send_one(0), ERR_OK);
  AWAIT(link_idle(f.link));
  assert_int_equal(f.receipts[LINK_REFUSED], 1);
  assert_string_equal(f.last_text, "отправителю не разрешено");
  engine_close(&engine);
  engine_start(&engine, &f.loop, f.endpoint);
  AWAIT(ufsin->hellos == 2 && link_is_up(f.link));
  RUN_UNTIL(false, 50);
  assert_int_equal(ufsin->messages[0].times, 1);
}

static void bad_data_is_refused_before_it_is_stored(void **state) {
  (void)state;
  link_start();
  struct fault fault;
  struct value_field field = {SPAN_LITERAL("shoe_size"), value_int(42)};
  struct value data;
  assert_int_equal(value_map(&field, 1, &data), ERR_OK);
  struct link_event event = {
      .participant = "ufsin", .event = SPAN_LITERAL("visit.done"), .case_id = SPAN_LITERAL("c"), .data = &data};
  assert_int_equal(link_send(f.link, &event, NULL, &fault), ERR_INVALID);
  assert_non_null(strstr(fault.text, "shoe_size"));
  event.data = NULL;
  event.event = SPAN_LITERAL("no.such");
  assert_int_equal(link_send(f.link, &event, NULL, &fault), ERR_NOT_FOUND);
  event.event = SPAN_LITERAL("visit.done");
  event.case_id = SPAN_LITERAL("нет");
  assert_int_equal(link_send(f.link, &event, NULL, &fault), ERR_INVALID);
  event.participant = "health";
  assert_int_equal(link_send(f.link, &event, NULL, &fault), ERR_NOT_FOUND);
  assert_true(link_idle(f.link));
}

static void what_is_rolled_back_is_never_sent(void **state) {
  (void)state;
  link_start();
  assert_int_equal(link_begin(f.link), ERR_OK);
  assert_int_equal(send_one(77), ERR_OK);
  link_rollback(f.link);
  assert_true(link_idle(f.link));
  assert_int_equal(send_one(0), ERR_OK);
  AWAIT(link_idle(f.link));
  assert_taken_once(1);
}

/* ---- receiving ---- */

static void assert_handled_once_in_order(uint64_t count) {
  assert_int_equal(f.delivered_count, count);
  for (uint64_t i = 0; i < count; i++) {
    assert_int_equal(f.delivered[i], i + 1);
  }
}

static void deliveries_are_handled_once_in_order_and_acknowledged(void **state) {
  (void)state;
  link_start();
  engine_deliver(&engine, ufsin, 1000); /* more than the credit */
  AWAIT(ufsin->acknowledged == 1000);
  assert_handled_once_in_order(1000);
}

static void a_delivery_that_fails_comes_again_and_nothing_overtakes_it(void **state) {
  (void)state;
  f.fail_at = 33;
  f.fail_times = 2;
  f.answer_each = true;
  link_start();
  engine_deliver(&engine, ufsin, 60);
  AWAIT(ufsin->acknowledged == 60 && link_idle(f.link));
  assert_handled_once_in_order(60);
  assert_int_equal(f.fail_times, 0);
  assert_int_equal(ufsin->sequence, 60); /* what the failed attempts sent was undone */
}

static void after_a_restart_the_stream_goes_on_where_it_was(void **state) {
  (void)state;
  link_start();
  engine_deliver(&engine, ufsin, 30);
  AWAIT(ufsin->acknowledged == 30);
  link_close(&f.link);
  engine_deliver(&engine, ufsin, 30); /* the engine does not know yet that it is gone */
  link_start();
  AWAIT(ufsin->acknowledged == 60);
  assert_handled_once_in_order(60);
}

/* ---- barriers ---- */

static void a_barrier_is_answered_when_everything_has_been_sent(void **state) {
  (void)state;
  link_start();
  AWAIT(link_is_up(f.link));
  f.barrier_sends = 700;
  engine.mute_receipts = true; /* the virtual clock holds input: no receipts before the barrier */
  engine_deliver(&engine, ufsin, 7);
  engine_barrier(&engine, ufsin, 1);
  AWAIT(engine.barrier_replied == 1);
  assert_int_equal(engine.barrier_sequence, 700);
  assert_int_equal(ufsin->sequence, 700);
  assert_int_equal(engine.barrier_position, 7);
  assert_int_equal(ufsin->acknowledged, 7);
  f.barrier_sends = 0;
  engine_barrier(&engine, ufsin, 2);
  AWAIT(engine.barrier_replied == 2);
  assert_int_equal(f.barriers, 2);
}

static void a_barrier_waits_for_the_adapter(void **state) {
  (void)state;
  link_start();
  AWAIT(link_is_up(f.link));
  f.barrier_waits = true;
  engine_barrier(&engine, ufsin, 1);
  AWAIT(f.barriers == 1);
  RUN_UNTIL(engine.barrier_replied == 1, 100);
  assert_int_equal(engine.barrier_replied, 0);
  link_barrier_done(f.link, 1);
  AWAIT(engine.barrier_replied == 1);
}

/* What comes for one participant may lead to a message of another: the answer for the first waits for the second. */
static void a_barrier_is_answered_when_all_connections_have_been_asked(void **state) {
  (void)state;
  f.two = true;
  f.answer_each = true;
  assert_int_equal(key_pair_generate(&f.keys_of_health), ERR_OK);
  struct engine_participant *health = engine_participant(&engine, "health", &f.keys_of_health);
  link_start();
  AWAIT(link_is_up(f.link));
  engine_barrier(&engine, ufsin, 1);
  RUN_UNTIL(engine.barrier_replies > 0, 100);
  assert_int_equal(engine.barrier_replies, 0);
  engine_deliver(&engine, health, 1);
  engine_barrier(&engine, health, 1);
  AWAIT(engine.barrier_replies == 2);
  assert_int_equal(f.barriers, 1);
  assert_int_equal(ufsin->sequence, 1);
  assert_int_equal(health->acknowledged, 1);
}

static void a_restarted_engine_that_counts_barriers_anew_is_answered(void **state) {
  (void)state;
  link_start();
  AWAIT(link_is_up(f.link));
  engine_barrier(&engine, ufsin, 1);
  AWAIT(engine.barrier_replies == 1);
  engine_close(&engine);
  engine_start(&engine, &f.loop, f.endpoint);
  AWAIT(ufsin->hellos == 2 && link_is_up(f.link));
  engine_barrier(&engine, ufsin, 1);
  AWAIT(engine.barrier_replies == 2);
  assert_int_equal(f.barriers, 2);
}

/* ---- spool, files, notes ---- */

static bool count_row(void *arg, const struct link_row *row) {
  unsigned *counts = arg;
  counts[row->state]++;
  if (row->row == 2) {
    assert_true(span_is(row->text, "нет такой даты"));
  }
  return true;
}

static void rows_of_a_file_learn_what_became_of_them(void **state) {
  (void)state;
  link_start();
  struct span file = SPAN_LITERAL("notices.csv:abc");
  struct link_file progress = {.offset = 512, .rows = 3};
  struct fault fault;
  uint64_t pending = 0;
  assert_int_equal(link_file_get(f.link, file, &progress), ERR_NOT_FOUND);
  assert_int_equal(link_begin(f.link), ERR_OK);
  assert_int_equal(send_one(0), ERR_OK);
  assert_int_equal(link_row_sent(f.link, file, 1, "ufsin", 1), ERR_OK);
  assert_int_equal(link_row_refused(f.link, file, 2, SPAN_LITERAL("RANGE"), SPAN_LITERAL("нет такой даты")), ERR_OK);
  assert_int_equal(link_file_put(f.link, file, &progress), ERR_OK);
  assert_int_equal(link_rows_pending(f.link, file, &pending), ERR_OK);
  assert_int_equal(pending, 1);
  assert_int_equal(link_commit(f.link, &fault), ERR_OK);
  AWAIT(link_idle(f.link));
  unsigned counts[4] = {0};
  assert_int_equal(link_rows(f.link, file, count_row, counts), ERR_OK);
  assert_int_equal(counts[LINK_ACCEPTED], 1);
  assert_int_equal(counts[LINK_REFUSED], 1);
  assert_int_equal(link_rows_pending(f.link, file, &pending), ERR_OK);
  assert_int_equal(pending, 0);
  progress.complete = true;
  assert_int_equal(link_file_put(f.link, file, &progress), ERR_OK);
  assert_int_equal(link_file_done(f.link, file), ERR_OK);
  memset(counts, 0, sizeof counts);
  assert_int_equal(link_rows(f.link, file, count_row, counts), ERR_OK);
  assert_int_equal(counts[LINK_ACCEPTED] + counts[LINK_REFUSED], 0);
  struct link_file read;
  assert_int_equal(link_file_get(f.link, file, &read), ERR_OK);
  assert_true(read.complete && read.offset == 512 && read.rows == 3);
}

static void notes_survive_a_restart(void **state) {
  (void)state;
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  struct span value;
  link_start();
  assert_int_equal(link_note_get(f.link, SPAN_LITERAL("last"), &arena, &value), ERR_NOT_FOUND);
  assert_int_equal(link_note_put(f.link, SPAN_LITERAL("last"), SPAN_LITERAL("2026-01-20")), ERR_OK);
  link_close(&f.link);
  link_start();
  assert_int_equal(link_note_get(f.link, SPAN_LITERAL("last"), &arena, &value), ERR_OK);
  assert_true(span_is(value, "2026-01-20"));
  assert_int_equal(link_note_put(f.link, SPAN_LITERAL("last"), SPAN_LITERAL("")), ERR_OK);
  assert_int_equal(link_note_get(f.link, SPAN_LITERAL("last"), &arena, &value), ERR_NOT_FOUND);
}

static void one_spool_serves_one_process(void **state) {
  (void)state;
  link_start();
  struct link *second = NULL;
  struct fault fault;
  assert_int_equal(open_link(&second, &fault), ERR_BUSY);
  assert_null(second);
}

static void what_is_no_spool_is_not_touched(void **state) {
  (void)state;
  FILE *file = fopen(f.spool, "we");
  assert_non_null(file);
  for (int i = 0; i < 100; i++) {
    assert_true(fputs("это не база данных\n", file) >= 0);
  }
  assert_int_equal(fclose(file), 0);
  struct fault fault;
  assert_int_equal(open_link(&f.link, &fault), ERR_CORRUPT);
}

static void a_refused_key_is_told_to_people(void **state) {
  (void)state;
  assert_int_equal(key_pair_generate(&f.keys), ERR_OK); /* not the one that the engine knows */
  link_start();
  AWAIT(strstr(f.status, "ключ отклонён") != NULL);
  assert_false(link_is_up(f.link));
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(messages_arrive_in_order_and_get_their_receipts),
      PROMISE(what_is_sent_while_the_engine_is_away_arrives_later),
      PROMISE(lost_receipts_lead_to_sending_again_and_no_doubles),
      PROMISE(what_was_not_sent_before_a_restart_is_in_the_spool),
      PROMISE(what_was_sent_but_not_receipted_before_a_restart_is_sent_again),
      PROMISE(a_new_spool_does_not_reuse_numbers),
      PROMISE(the_engines_window_is_kept),
      PROMISE(a_busy_engine_is_asked_again_after_a_pause),
      PROMISE(a_refused_message_is_told_with_its_reason_and_not_sent_again),
      PROMISE(bad_data_is_refused_before_it_is_stored),
      PROMISE(what_is_rolled_back_is_never_sent),
      PROMISE(deliveries_are_handled_once_in_order_and_acknowledged),
      PROMISE(a_delivery_that_fails_comes_again_and_nothing_overtakes_it),
      PROMISE(after_a_restart_the_stream_goes_on_where_it_was),
      PROMISE(a_barrier_is_answered_when_everything_has_been_sent),
      PROMISE(a_barrier_waits_for_the_adapter),
      PROMISE(a_barrier_is_answered_when_all_connections_have_been_asked),
      PROMISE(a_restarted_engine_that_counts_barriers_anew_is_answered),
      PROMISE(rows_of_a_file_learn_what_became_of_them),
      PROMISE(notes_survive_a_restart),
      PROMISE(one_spool_serves_one_process),
      PROMISE(what_is_no_spool_is_not_touched),
      PROMISE(a_refused_key_is_told_to_people),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
