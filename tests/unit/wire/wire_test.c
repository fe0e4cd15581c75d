/* Real sockets on ipc and loopback, real CURVE, one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "base/bytes.h"
#include "wire/request.h"
#include "wire/wire.h"

enum { WAIT_MS = 10000, RECEIVED_MAX = 4096, FORGIVE = 1000000 };

/* ---- a server that notes what it hears ---- */

struct heard {
  char user_id[KEY_CONNECTION_TEXT];
  uint32_t number;
  size_t parts;
};

struct peer;
static struct fixture {
  uv_loop_t loop;
  uv_timer_t timer;
  bool late;
  struct wire *wire;
  struct wire_server *server;
  struct key_pair server_keys, keys, stranger;
  uint8_t admitted[KEY_CONNECTION]; /* the one key that is let in */
  struct heard heard[RECEIVED_MAX];
  size_t heard_count;
  bool echo;
  bool drop_all;
  size_t count_to; /* 0: nothing is counted */
  char folder[64];
  char ipc[128];
  unsigned dropped;
  const char *dropped_why;
  unsigned admit_asked;
  struct peer *peers[4]; /* closed at the end of the test */
  size_t peers_count;
} f;

static bool admit(void *arg, const char *domain, const uint8_t key[KEY_CONNECTION]) {
  (void)arg;
  f.admit_asked++;
  return strcmp(domain, "test") == 0 && memcmp(key, f.admitted, KEY_CONNECTION) == 0;
}

static void on_message(void *arg, const struct wire_message *message) {
  (void)arg;
  assert_true(f.heard_count < RECEIVED_MAX);
  struct heard *heard = &f.heard[f.heard_count++];
  assert_int_equal(message->user_id.size, KEY_CONNECTION_TEXT - 1);
  memcpy(heard->user_id, message->user_id.data, message->user_id.size);
  heard->parts = message->count;
  struct reader r = reader_of(message->parts[0]);
  heard->number = reader_u32be(&r);
  if (heard->number == FORGIVE) {
    wire_server_forgive(f.server);
  } else if (f.count_to > 0) {
    wire_server_count(f.server, 1, f.count_to, "too often");
  } else if (f.drop_all) {
    wire_server_drop(f.server, "asked for");
  } else if (f.echo) {
    assert_int_equal(wire_server_send(f.server, message->peer, message->parts, message->count), ERR_OK);
  }
}

static void on_dropped(void *arg, struct span user_id, const char *why) {
  (void)arg;
  (void)user_id;
  f.dropped++;
  f.dropped_why = why;
}

/* ---- a client ---- */

struct peer {
  struct wire_client *client;
  unsigned ups, downs, refusals, writable;
  enum wire_refusal refusal;
  uint32_t received[RECEIVED_MAX];
  size_t received_count;
};

static void on_up(void *arg) {
  ((struct peer *)arg)->ups++;
}
static void on_down(void *arg) {
  ((struct peer *)arg)->downs++;
}
static void on_refused(void *arg, enum wire_refusal refusal) {
  struct peer *peer = arg;
  peer->refusals++;
  peer->refusal = refusal;
}
static void on_writable(void *arg) {
  ((struct peer *)arg)->writable++;
}
static void on_answer(void *arg, const struct span *parts, size_t count) {
  struct peer *peer = arg;
  assert_int_equal(count, 2);
  struct reader r = reader_of(parts[0]);
  assert_true(peer->received_count < RECEIVED_MAX);
  peer->received[peer->received_count++] = reader_u32be(&r);
}

static void peer_open(struct peer *peer, const char *endpoint, const struct key_pair *keys, const uint8_t *server_key) {
  *peer = (struct peer){0};
  assert_true(f.peers_count < 4);
  f.peers[f.peers_count++] = peer;
  struct wire_client_options options = {.endpoint = endpoint,
                                        .server_key = server_key,
                                        .key_pair = keys,
                                        .limits = wire_limits_default(),
                                        .reconnect_ms = 20,
                                        .reconnect_max_ms = 50,
                                        .on_up = on_up,
                                        .on_down = on_down,
                                        .on_refused = on_refused,
                                        .on_message = on_answer,
                                        .on_writable = on_writable,
                                        .arg = peer};
  struct fault fault;
  assert_int_equal(wire_client_open(f.wire, &options, &peer->client, &fault), ERR_OK);
}

static enum err peer_send(struct peer *peer, uint32_t number, size_t parts_count, size_t size) {
  struct span *parts = calloc(parts_count, sizeof *parts);
  uint8_t head[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
  uint8_t *body = calloc(1, size + 1);
  assert_true(parts && body);
  parts[0] = span_of(head, sizeof head);
  for (size_t i = 1; i < parts_count; i++) {
    parts[i] = span_of(body, size);
  }
  enum err err = wire_client_send(peer->client, parts, parts_count);
  free(body);
  free(parts);
  return err;
}

/* ---- running the loop ---- */

static void on_timer(uv_timer_t *timer) {
  (void)timer;
  f.late = true;
}

/* Turns the loop until the condition holds or the time is over. */
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

static void server_open(const char *endpoint, struct wire_limits limits) {
  struct wire_server_options options = {.endpoints = &endpoint,
                                        .endpoints_count = 1,
                                        .domain = "test",
                                        .secret_key = f.server_keys.connection_secret,
                                        .limits = limits,
                                        .on_message = on_message,
                                        .on_dropped = on_dropped};
  struct fault fault = {0};
  if (wire_server_open(f.wire, &options, &f.server, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
}

static int setup(void **state) {
  (void)state;
  memset(&f, 0, sizeof f);
  uv_loop_init(&f.loop);
  uv_timer_init(&f.loop, &f.timer);
  assert_int_equal(key_pair_generate(&f.server_keys), ERR_OK);
  assert_int_equal(key_pair_generate(&f.keys), ERR_OK);
  assert_int_equal(key_pair_generate(&f.stranger), ERR_OK);
  memcpy(f.admitted, f.keys.connection_public, KEY_CONNECTION);
  (void)snprintf(f.folder, sizeof f.folder, "/tmp/kurator-wire-XXXXXX");
  assert_non_null(mkdtemp(f.folder));
  (void)snprintf(f.ipc, sizeof f.ipc, "ipc://%s/socket", f.folder);
  struct wire_options options = {.loop = &f.loop, .admit = admit};
  assert_int_equal(wire_create(&options, &f.wire), ERR_OK);
  f.echo = true;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (size_t i = 0; i < f.peers_count; i++) {
    wire_client_close(&f.peers[i]->client);
  }
  wire_server_close(&f.server);
  wire_destroy(&f.wire);
  uv_close((uv_handle_t *)&f.timer, NULL);
  uv_run(&f.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&f.loop), 0);
  (void)unlink(f.ipc + strlen("ipc://"));
  (void)rmdir(f.folder);
  return 0;
}

/* ---- promises ---- */

static void send_and_count(const char *endpoint, uint32_t total) {
  static struct peer peer;
  peer_open(&peer, endpoint, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  uint32_t sent = 0;
  f.late = false;
  uv_timer_start(&f.timer, on_timer, WAIT_MS, 0);
  while (peer.received_count < total && !f.late) {
    while (sent < total && sent - peer.received_count < 500 && peer_send(&peer, sent, 2, 100) == ERR_OK) {
      sent++;
    }
    uv_run(&f.loop, UV_RUN_ONCE);
  }
  uv_timer_stop(&f.timer);
  assert_int_equal(peer.received_count, total);
  for (uint32_t i = 0; i < total; i++) {
    assert_int_equal(peer.received[i], i);
    assert_int_equal(f.heard[i].number, i);
  }
}

static void a_thousand_messages_go_there_and_back_in_order_over_ipc(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  send_and_count(f.ipc, 3000);
  assert_int_equal(wire_server_stats(f.server).messages_in, 3000);
}

static void and_over_tcp(void **state) {
  (void)state;
  server_open("tcp://127.0.0.1:*", wire_limits_default());
  send_and_count(wire_server_endpoint(f.server, 0), 1000);
}

static void identity_is_the_key_that_was_let_in(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  assert_int_equal(peer_send(&peer, 1, 2, 1), ERR_OK);
  AWAIT(f.heard_count == 1);
  char expected[KEY_CONNECTION_TEXT];
  key_connection_format(f.keys.connection_public, expected);
  assert_string_equal(f.heard[0].user_id, expected);
}

static void a_wrong_key_is_refused_and_told_so(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.stranger, f.server_keys.connection_public);
  AWAIT(peer.refusals > 0);
  assert_int_equal(peer.refusal, WIRE_REFUSED_KEY);
  assert_non_null(strstr(wire_refusal_text(peer.refusal), "ключ отклонён"));
  assert_int_equal(peer.ups, 0);
  assert_int_equal(peer_send(&peer, 1, 2, 1), ERR_UNREACHABLE);
  AWAIT(wire_server_stats(f.server).refused > 0);
}

static void a_key_admitted_later_gets_in_without_restart(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.stranger, f.server_keys.connection_public);
  AWAIT(peer.refusals > 0);
  memcpy(f.admitted, f.stranger.connection_public, KEY_CONNECTION);
  AWAIT(peer.ups == 1);
}

static void a_wrong_server_is_not_talked_to(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.stranger.connection_public);
  AWAIT(peer.refusals > 0);
  assert_int_equal(peer.refusal, WIRE_REFUSED_HANDSHAKE);
  assert_int_equal(peer.ups, 0);
  assert_int_equal(f.admit_asked, 0);
}

static void a_message_of_too_many_parts_is_dropped_with_its_sender(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.message_parts_max = 10;
  server_open(f.ipc, limits);
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  assert_int_equal(peer_send(&peer, 1, 500, 10), ERR_OK);
  AWAIT(f.dropped == 1 && peer.downs == 1);
  assert_int_equal(f.heard_count, 0);
  AWAIT(peer.ups == 2); /* and may come again, behaving */
  assert_int_equal(peer_send(&peer, 2, 2, 10), ERR_OK);
  AWAIT(peer.received_count == 1);
  assert_int_equal(f.heard_count, 1);
  assert_int_equal(f.heard[0].number, 2);
}

static void a_message_too_large_in_sum_is_dropped_with_its_sender(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.message_bytes_max = 100000;
  server_open(f.ipc, limits);
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  assert_int_equal(peer_send(&peer, 1, 30, 10000), ERR_OK);
  AWAIT(f.dropped == 1 && peer.downs == 1);
  assert_int_equal(f.heard_count, 0);
}

static void an_oversized_part_ends_the_connection(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.part_bytes_max = 2000;
  server_open(f.ipc, limits);
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  assert_int_equal(peer_send(&peer, 1, 2, 100000), ERR_OK);
  AWAIT(peer.downs == 1);
  assert_int_equal(f.heard_count, 0);
}

static void others_go_on_while_an_offender_is_cut_off(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.message_parts_max = 10;
  server_open(f.ipc, limits);
  static struct peer good, bad;
  peer_open(&good, f.ipc, &f.keys, f.server_keys.connection_public);
  peer_open(&bad, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(good.ups == 1 && bad.ups == 1);
  assert_int_equal(peer_send(&bad, 1, 400, 10), ERR_OK);
  assert_int_equal(peer_send(&good, 2, 2, 10), ERR_OK);
  AWAIT(bad.downs == 1 && good.received_count == 1);
  assert_int_equal(good.downs, 0);
}

static void the_owner_can_cut_off_a_sender(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  f.drop_all = true;
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  assert_int_equal(peer_send(&peer, 1, 2, 1), ERR_OK);
  AWAIT(f.dropped == 1 && peer.downs == 1);
  assert_string_equal(f.dropped_why, "asked for");
}

/* The message waits while its sender hangs up and another one gets the descriptor. */
static void who_comes_on_a_descriptor_is_not_cut_off_for_the_one_before(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  f.drop_all = true;
  static struct peer gone, next;
  peer_open(&gone, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(gone.ups == 1);
  assert_int_equal(peer_send(&gone, 1, 2, 1), ERR_OK);
  wire_client_close(&gone.client); /* what was sent leaves first */
  (void)usleep(300 * 1000);        /* libzmq's threads go on, the loop stands */
  peer_open(&next, f.ipc, &f.keys, f.server_keys.connection_public);
  (void)usleep(300 * 1000);
  AWAIT(f.heard_count == 1 && next.ups > 0);
  assert_int_equal(wire_server_stats(f.server).outlived, 1);
  assert_int_equal(f.dropped, 0);
  RUN_UNTIL(false, 200);
  assert_int_equal(next.downs, 0);
  assert_int_equal(peer_send(&next, 2, 2, 1), ERR_OK); /* by now its messages are its own */
  AWAIT(f.dropped == 1 && next.downs == 1);
}

static void who_does_something_too_often_is_cut_off(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  f.count_to = 5;
  f.echo = false;
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  for (uint32_t i = 0; i < 5; i++) {
    assert_int_equal(peer_send(&peer, i, 2, 1), ERR_OK);
  }
  AWAIT(f.heard_count == 5);
  assert_int_equal(peer_send(&peer, FORGIVE, 2, 1), ERR_OK);
  for (uint32_t i = 0; i < 5; i++) {
    assert_int_equal(peer_send(&peer, i, 2, 1), ERR_OK);
  }
  AWAIT(f.heard_count == 11);
  assert_int_equal(f.dropped, 0);
  assert_int_equal(peer_send(&peer, 1, 2, 1), ERR_OK);
  AWAIT(f.dropped == 1 && peer.downs == 1);
  assert_string_equal(f.dropped_why, "too often");
}

static void one_key_has_so_many_connections_and_no_more(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.key_connections_max = 2;
  server_open(f.ipc, limits);
  static struct peer peers[3];
  for (uint32_t i = 0; i < 3; i++) {
    peer_open(&peers[i], f.ipc, &f.keys, f.server_keys.connection_public);
    AWAIT(peers[i].ups == 1);
    assert_int_equal(peer_send(&peers[i], i, 2, 1), ERR_OK);
    AWAIT(i == 2 ? peers[i].downs == 1 : peers[i].received_count == 1);
  }
  assert_string_equal(f.dropped_why, "too many connections of this key");
  assert_int_equal(peers[0].downs + peers[1].downs, 0);
}

static void who_says_nothing_is_cut_off_and_who_spoke_once_is_not(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.first_message_ms = 1000;
  server_open(f.ipc, limits);
  static struct peer mute, quiet;
  peer_open(&quiet, f.ipc, &f.keys, f.server_keys.connection_public);
  peer_open(&mute, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(quiet.ups == 1 && mute.ups == 1);
  assert_int_equal(peer_send(&quiet, 1, 2, 1), ERR_OK);
  AWAIT(mute.downs == 1);
  assert_string_equal(f.dropped_why, "says nothing");
  RUN_UNTIL(quiet.downs > 0, 1500);
  assert_int_equal(quiet.downs, 0);
}

/* ---- a slow line: carries what comes from the client on in small pieces, what comes back at once ---- */

static struct slow_line {
  uv_tcp_t listener, client, server;
  uv_timer_t pause;
  uv_connect_t connecting;
  int port;
} slow;
enum { SLOW_PIECE = 65536, SLOW_PAUSE_MS = 20 };

static void slow_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
  (void)handle;
  (void)size;
  *buffer = uv_buf_init(malloc(SLOW_PIECE), SLOW_PIECE); // NOLINT(clang-analyzer-unix.Malloc): slow_written frees it
}

static void slow_written(uv_write_t *request, int status) {
  (void)status;
  free(request->data);
  free(request);
}

static void slow_forward(uv_tcp_t *to, ssize_t size, const uv_buf_t *buffer) {
  uv_write_t *request = size > 0 ? malloc(sizeof *request) : NULL;
  if (!request) {
    free(buffer->base);
    return;
  }
  request->data = buffer->base;
  uv_buf_t piece = uv_buf_init(buffer->base, (unsigned)size);
  if (uv_write(request, (uv_stream_t *)to, &piece, 1, slow_written) != 0) {
    slow_written(request, 0);
  }
}

static void slow_from_client(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);

static void slow_again(uv_timer_t *timer) {
  (void)timer;
  (void)uv_read_start((uv_stream_t *)&slow.client, slow_alloc, slow_from_client);
}

static void slow_from_client(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
  (void)uv_read_stop(stream);
  slow_forward(&slow.server, size, buffer);
  if (size > 0) {
    (void)uv_timer_start(&slow.pause, slow_again, SLOW_PAUSE_MS, 0);
  }
}

static void slow_from_server(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
  (void)stream;
  slow_forward(&slow.client, size, buffer);
}

static void slow_connected(uv_connect_t *request, int status) {
  (void)request;
  assert_int_equal(status, 0);
  slow_again(NULL);
  (void)uv_read_start((uv_stream_t *)&slow.server, slow_alloc, slow_from_server);
}

static void slow_accepted(uv_stream_t *listener, int status) {
  (void)status;
  if (uv_is_closing((uv_handle_t *)&slow.client) || slow.client.data) {
    return; /* one connection is enough */
  }
  slow.client.data = &slow;
  assert_int_equal(uv_accept(listener, (uv_stream_t *)&slow.client), 0);
  struct sockaddr_in address;
  assert_int_equal(uv_ip4_addr("127.0.0.1", slow.port, &address), 0);
  assert_int_equal(uv_tcp_connect(&slow.connecting, &slow.server, (struct sockaddr *)&address, slow_connected), 0);
}

/* Returns the port to connect to. */
static int slow_open(const char *server_endpoint) {
  memset(&slow, 0, sizeof slow);
  slow.port = atoi(strrchr(server_endpoint, ':') + 1);
  uv_tcp_t *handles[] = {&slow.listener, &slow.client, &slow.server};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(uv_tcp_init(&f.loop, handles[i]), 0);
  }
  assert_int_equal(uv_timer_init(&f.loop, &slow.pause), 0);
  struct sockaddr_in address;
  int size = sizeof address;
  assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
  assert_int_equal(uv_tcp_bind(&slow.listener, (struct sockaddr *)&address, 0), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&slow.listener, 4, slow_accepted), 0);
  assert_int_equal(uv_tcp_getsockname(&slow.listener, (struct sockaddr *)&address, &size), 0);
  return ntohs(address.sin_port);
}

static void slow_close(void) {
  uv_close((uv_handle_t *)&slow.pause, NULL);
  uv_close((uv_handle_t *)&slow.listener, NULL);
  uv_close((uv_handle_t *)&slow.client, NULL);
  uv_close((uv_handle_t *)&slow.server, NULL);
}

/* libzmq hands a message on only when it is complete, so the endless message is played by a huge one on a slow line. */
static void a_message_that_does_not_end_is_cut_off_before_it_fills_the_memory(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.message_bytes_max = 1 << 20;
  server_open("tcp://127.0.0.1:*", limits);
  char endpoint[64];
  (void)snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", slow_open(wire_server_endpoint(f.server, 0)));
  static struct peer peer;
  peer_open(&peer, endpoint, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  assert_int_equal(peer_send(&peer, 1, 500, 30000), ERR_OK); /* 15 MB */
  AWAIT(f.dropped > 0);
  assert_string_equal(f.dropped_why, "a message that does not end");
  assert_int_equal(f.heard_count, 0);
  slow_close();
}

static void too_many_connections_are_cut_off(void **state) {
  (void)state;
  struct wire_limits limits = wire_limits_default();
  limits.connections_max = 1;
  server_open(f.ipc, limits);
  static struct peer first, second;
  peer_open(&first, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(first.ups == 1);
  peer_open(&second, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(f.dropped > 0);
  assert_int_equal(first.downs, 0);
  wire_client_close(&first.client);
  AWAIT(second.ups > 0); /* the place is free again */
}

static void an_answer_to_one_who_left_is_not_lost_in_silence(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  struct span part = SPAN_LITERAL("x");
  assert_int_equal(wire_server_send(f.server, SPAN_LITERAL("nobody"), &part, 1), ERR_UNREACHABLE);
}

static void a_client_comes_back_after_the_server_was_away(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  static struct peer peer;
  peer_open(&peer, f.ipc, &f.keys, f.server_keys.connection_public);
  AWAIT(peer.ups == 1);
  wire_server_close(&f.server);
  AWAIT(peer.downs == 1);
  assert_int_equal(peer_send(&peer, 1, 2, 1), ERR_UNREACHABLE);
  server_open(f.ipc, wire_limits_default());
  AWAIT(peer.ups == 2);
  assert_int_equal(peer_send(&peer, 2, 2, 1), ERR_OK);
  AWAIT(peer.received_count == 1);
}

/* The blocking client in a thread, the server on the loop. */
struct asking {
  const struct key_pair *keys;
  enum err open_err, err;
  struct fault fault;
  char answer[16];
  volatile bool finished;
};

static void ask(void *arg) {
  struct asking *asking = arg;
  struct request_socket *socket = NULL;
  asking->open_err = request_open(f.ipc, f.server_keys.connection_public, asking->keys, 3000, &socket, &asking->fault);
  if (asking->open_err == ERR_OK) {
    struct writer w DEFER(writer_finish);
    writer_init(&w);
    assert_int_equal(request_send(socket, SPAN_LITERAL("ping"), &asking->fault), ERR_OK);
    asking->err = request_receive(socket, 3000, 100, &w, &asking->fault);
    memcpy(asking->answer, w.data, w.size < sizeof asking->answer ? w.size : 0);
    request_close(&socket);
  }
  __atomic_store_n(&asking->finished, true, __ATOMIC_SEQ_CST);
}

static void a_blocking_question_is_answered(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  struct asking asking = {.keys = &f.keys};
  uv_thread_t thread;
  assert_int_equal(uv_thread_create(&thread, ask, &asking), 0);
  AWAIT(__atomic_load_n(&asking.finished, __ATOMIC_SEQ_CST));
  uv_thread_join(&thread);
  assert_int_equal(asking.open_err, ERR_OK);
  assert_int_equal(asking.err, ERR_OK);
  assert_string_equal(asking.answer, "ping");
}

static void a_blocking_question_with_a_wrong_key_says_so(void **state) {
  (void)state;
  server_open(f.ipc, wire_limits_default());
  struct asking asking = {.keys = &f.stranger};
  uv_thread_t thread;
  assert_int_equal(uv_thread_create(&thread, ask, &asking), 0);
  AWAIT(__atomic_load_n(&asking.finished, __ATOMIC_SEQ_CST));
  uv_thread_join(&thread);
  assert_int_equal(asking.open_err, ERR_FORBIDDEN);
  assert_non_null(strstr(asking.fault.text, "ключ отклонён"));
}

static void nobody_there_is_unreachable(void **state) {
  (void)state;
  struct request_socket *socket = NULL;
  struct fault fault;
  assert_int_equal(request_open(f.ipc, f.server_keys.connection_public, &f.keys, 200, &socket, &fault),
                   ERR_UNREACHABLE);
  assert_null(socket);
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(a_thousand_messages_go_there_and_back_in_order_over_ipc),
      PROMISE(and_over_tcp),
      PROMISE(identity_is_the_key_that_was_let_in),
      PROMISE(a_wrong_key_is_refused_and_told_so),
      PROMISE(a_key_admitted_later_gets_in_without_restart),
      PROMISE(a_wrong_server_is_not_talked_to),
      PROMISE(a_message_of_too_many_parts_is_dropped_with_its_sender),
      PROMISE(a_message_too_large_in_sum_is_dropped_with_its_sender),
      PROMISE(an_oversized_part_ends_the_connection),
      PROMISE(others_go_on_while_an_offender_is_cut_off),
      PROMISE(the_owner_can_cut_off_a_sender),
      PROMISE(who_comes_on_a_descriptor_is_not_cut_off_for_the_one_before),
      PROMISE(who_does_something_too_often_is_cut_off),
      PROMISE(one_key_has_so_many_connections_and_no_more),
      PROMISE(who_says_nothing_is_cut_off_and_who_spoke_once_is_not),
      PROMISE(a_message_that_does_not_end_is_cut_off_before_it_fills_the_memory),
      PROMISE(too_many_connections_are_cut_off),
      PROMISE(an_answer_to_one_who_left_is_not_lost_in_silence),
      PROMISE(a_client_comes_back_after_the_server_was_away),
      PROMISE(a_blocking_question_is_answered),
      PROMISE(a_blocking_question_with_a_wrong_key_says_so),
      PROMISE(nobody_there_is_unreachable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
