/* The query client, in a thread, against a server on the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "link/query.h"
#include "wire/frame.h"
#include "wire/wire.h"

enum { WAIT_MS = 10000, ROWS = 25, PAGE = 10 };

static struct fixture {
  uv_loop_t loop;
  uv_timer_t timer;
  bool late;
  struct wire *wire;
  struct wire_server *server;
  struct key_pair server_keys, keys;
  char folder[64], endpoint[100];
  struct arena arena;
  struct writer reply;
  unsigned questions;
  char verb[32], actor[32], arg[32];
  bool stray;   /* an answer to another question first */
  bool silent;  /* never answers */
  bool endless; /* always the same page */
} f;

static bool admit(void *arg, const char *domain, const uint8_t key[KEY_CONNECTION]) {
  (void)arg;
  return strcmp(domain, "query") == 0 && memcmp(key, f.keys.connection_public, KEY_CONNECTION) == 0;
}

static void answer(const struct wire_message *message, Kurator__V1__QueryReply *reply) {
  writer_reset(&f.reply);
  frame_pack(&reply->base, &f.reply);
  struct span part = writer_span(&f.reply);
  assert_int_equal(wire_server_send(f.server, message->peer, &part, 1), ERR_OK);
}

/* Rows {"n":0} … in pages of PAGE; the cursor is the number of the next row, one byte. */
static void answer_page(const struct wire_message *message, const Kurator__V1__QueryRequest *request) {
  static char texts[PAGE][16];
  ProtobufCBinaryData rows[PAGE];
  uint8_t next = request->has_cursor && request->cursor.len == 1 && !f.endless ? request->cursor.data[0] : 0;
  Kurator__V1__QueryReply reply = KURATOR__V1__QUERY_REPLY__INIT;
  reply.has_number = reply.has_journal_position = 1;
  reply.number = request->number;
  reply.journal_position = 4711;
  reply.rows = rows;
  size_t page = request->has_limit && request->limit < PAGE ? request->limit : PAGE;
  for (; reply.n_rows < page && next < ROWS; next++) {
    int size = snprintf(texts[reply.n_rows], sizeof texts[0], "{\"n\":%d}", next);
    rows[reply.n_rows] = (ProtobufCBinaryData){(size_t)size, (uint8_t *)texts[reply.n_rows]};
    reply.n_rows++;
  }
  reply.has_done = 1;
  reply.done = next == ROWS;
  reply.has_next_cursor = !reply.done;
  reply.next_cursor = (ProtobufCBinaryData){1, &next};
  answer(message, &reply);
}

static void answer_fault(const struct wire_message *message, const Kurator__V1__QueryRequest *request) {
  char code[] = "NOT_FOUND";
  char text[] = "случай не найден";
  Kurator__V1__Fault fault = KURATOR__V1__FAULT__INIT;
  fault.code = code;
  fault.text = text;
  Kurator__V1__QueryReply reply = KURATOR__V1__QUERY_REPLY__INIT;
  reply.has_number = 1;
  reply.number = request->number;
  reply.fault = &fault;
  answer(message, &reply);
}

static void on_message(void *arg, const struct wire_message *message) {
  (void)arg;
  arena_reset(&f.arena);
  Kurator__V1__QueryRequest *request = NULL;
  assert_int_equal(frame_read_question(message->parts[0], &f.arena, &request), ERR_OK);
  f.questions++;
  (void)snprintf(f.verb, sizeof f.verb, "%s", request->verb);
  (void)snprintf(f.actor, sizeof f.actor, "%s", request->actor ? request->actor : "");
  (void)snprintf(f.arg, sizeof f.arg, "%s", request->n_args > 0 ? request->args[0] : "");
  if (f.silent) {
    return;
  }
  if (f.stray) {
    Kurator__V1__QueryReply stray = KURATOR__V1__QUERY_REPLY__INIT;
    stray.has_number = 1;
    stray.number = 999999;
    answer(message, &stray);
  }
  if (strcmp(request->verb, "case.show") == 0) {
    answer_fault(message, request);
  } else {
    answer_page(message, request);
  }
}

/* ---- the asker ---- */

struct asking {
  const char *verb;
  uint64_t limit;
  unsigned stop_after;
  const uint8_t *server_key;
  unsigned rows;
  bool in_order;
  uint64_t journal;
  enum err open_err, err;
  struct fault fault;
  bool finished;
};

static bool on_row(void *arg, struct span row) {
  struct asking *asking = arg;
  char expected[16];
  (void)snprintf(expected, sizeof expected, "{\"n\":%u}", asking->rows);
  asking->in_order = asking->in_order && span_is(row, expected);
  asking->rows++;
  return asking->stop_after == 0 || asking->rows < asking->stop_after;
}

static void ask(void *arg) {
  struct asking *asking = arg;
  struct query *query = NULL;
  struct query_options options = {
      .endpoint = f.endpoint, .server_key = asking->server_key, .key_pair = &f.keys, .timeout_ms = 1000};
  asking->open_err = query_open(&options, &query, &asking->fault);
  if (asking->open_err == ERR_OK) {
    const char *args[] = {"86-2025-00137"};
    struct query_request request = {
        .actor = "operator", .verb = asking->verb, .args = args, .args_count = 1, .limit = asking->limit};
    asking->in_order = true;
    asking->err = query_ask(query, &request, on_row, asking, &asking->journal, &asking->fault);
    query_close(&query);
  }
  __atomic_store_n(&asking->finished, true, __ATOMIC_SEQ_CST);
}

static void on_timer(uv_timer_t *timer) {
  (void)timer;
  f.late = true;
}

static void run(struct asking *asking) {
  uv_thread_t thread;
  asking->server_key = f.server_keys.connection_public;
  assert_int_equal(uv_thread_create(&thread, ask, asking), 0);
  f.late = false;
  uv_timer_start(&f.timer, on_timer, 10, 10); /* also turns the loop while nothing comes in */
  while (!__atomic_load_n(&asking->finished, __ATOMIC_SEQ_CST)) {
    uv_run(&f.loop, UV_RUN_ONCE);
  }
  uv_timer_stop(&f.timer);
  uv_thread_join(&thread);
}

static int setup(void **state) {
  (void)state;
  memset(&f, 0, sizeof f);
  uv_loop_init(&f.loop);
  uv_timer_init(&f.loop, &f.timer);
  arena_init(&f.arena, 0);
  (void)snprintf(f.folder, sizeof f.folder, "/tmp/kurator-query-XXXXXX");
  assert_non_null(mkdtemp(f.folder));
  (void)snprintf(f.endpoint, sizeof f.endpoint, "ipc://%s/query", f.folder);
  assert_int_equal(key_pair_generate(&f.server_keys), ERR_OK);
  assert_int_equal(key_pair_generate(&f.keys), ERR_OK);
  assert_int_equal(wire_create(&(struct wire_options){.loop = &f.loop, .admit = admit}, &f.wire), ERR_OK);
  const char *endpoint = f.endpoint;
  struct wire_server_options options = {.endpoints = &endpoint,
                                        .endpoints_count = 1,
                                        .domain = "query",
                                        .secret_key = f.server_keys.connection_secret,
                                        .limits = wire_limits_default(),
                                        .on_message = on_message};
  struct fault fault;
  assert_int_equal(wire_server_open(f.wire, &options, &f.server, &fault), ERR_OK);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  wire_server_close(&f.server);
  wire_destroy(&f.wire);
  uv_close((uv_handle_t *)&f.timer, NULL);
  uv_run(&f.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&f.loop), 0);
  arena_finish(&f.arena);
  writer_finish(&f.reply);
  (void)unlink(f.endpoint + strlen("ipc://"));
  (void)rmdir(f.folder);
  return 0;
}

static void rows_come_page_by_page_in_order(void **state) {
  (void)state;
  f.stray = true;
  struct asking asking = {.verb = "case.list"};
  run(&asking);
  assert_int_equal(asking.err, ERR_OK);
  assert_int_equal(asking.rows, ROWS);
  assert_true(asking.in_order);
  assert_int_equal(asking.journal, 4711);
  assert_int_equal(f.questions, 3);
  assert_string_equal(f.verb, "case.list");
  assert_string_equal(f.actor, "operator");
  assert_string_equal(f.arg, "86-2025-00137");
}

static void a_limit_ends_the_asking(void **state) {
  (void)state;
  struct asking asking = {.verb = "case.list", .limit = 12};
  run(&asking);
  assert_int_equal(asking.err, ERR_OK);
  assert_int_equal(asking.rows, 12);
}

static void the_asker_may_stop(void **state) {
  (void)state;
  struct asking asking = {.verb = "case.list", .stop_after = 3};
  run(&asking);
  assert_int_equal(asking.err, ERR_OK);
  assert_int_equal(asking.rows, 3);
  assert_int_equal(f.questions, 1);
}

static void the_engines_error_comes_through(void **state) {
  (void)state;
  struct asking asking = {.verb = "case.show"};
  run(&asking);
  assert_int_equal(asking.err, ERR_NOT_FOUND);
  assert_string_equal(asking.fault.text, "случай не найден");
}

static void a_silent_engine_is_unreachable(void **state) {
  (void)state;
  f.silent = true;
  struct asking asking = {.verb = "case.list"};
  run(&asking);
  assert_int_equal(asking.open_err, ERR_OK);
  assert_int_equal(asking.err, ERR_UNREACHABLE);
}

static void a_page_that_repeats_ends_with_an_error(void **state) {
  (void)state;
  f.endless = true;
  struct asking asking = {.verb = "case.list"};
  run(&asking);
  assert_int_equal(asking.err, ERR_FORMAT);
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(rows_come_page_by_page_in_order),
      PROMISE(a_limit_ends_the_asking),
      PROMISE(the_asker_may_stop),
      PROMISE(the_engines_error_comes_through),
      PROMISE(a_silent_engine_is_unreachable),
      PROMISE(a_page_that_repeats_ends_with_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
