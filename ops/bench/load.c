/*
 * bench-load — senders that keep a number of messages in flight, and how long each one waits for its receipt.
 *
 * Each participant has a connection of its own (DEALER, CURVE) and cases of its own: number k those whose number modulo
 * the number of places is k. Envelopes are made before the clock starts (pool.h).
 *
 * Two modes. Closed (--rate 0): a connection sends its next envelope as soon as the window has room: throughput.
 * Open (--rate R): envelopes are due at fixed times, R messages per second over all connections; the wait is counted
 * from when the envelope was due, so that a server that stalls is not spared the messages that it held up.
 * What is answered in the first --warm-ms is not counted. SIGTERM ends the sending early.
 *
 *   --endpoint E --server-key FILE.pub --keys DIR (a file per participant) --participant ID …
 *   --places N --cases N --event NAME --data JSON
 *   --window MESSAGES --envelope MESSAGES --rate MESSAGES-PER-SECOND --ms N --warm-ms N --pool MESSAGES
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/json.h"
#include "common.h"
#include "pool.h"
#include "proto/envelope.h"
#include "wire/frame.h"

enum { PATH_BYTES = 4096, PARTS_MAX = ENVELOPE_MESSAGES_MAX, POLL_MS = 100, GIVE_UP_NS = 1000000000 };
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

struct connection {
  void *socket;
  const char *participant;
  struct key_pair keys;
  bool welcomed;
  uint64_t first_sequence; /* of the pool */
  struct pool pool;
  uint64_t *sent_ns; /* per envelope: sent, or due when the mode is open */
  size_t next;       /* envelope */
  size_t in_flight;  /* messages */
  uint64_t due_ns;   /* open mode: when the next envelope is due */
};

struct load {
  const char *endpoint, *server_key, *keys_dir, *event, *data;
  struct bench_list participants;
  uint64_t places, cases, window, envelope, rate, ms, warm_ms, pool;

  void *context;
  struct connection connections[BENCH_LIST_MAX];
  zmq_pollitem_t items[BENCH_LIST_MAX + 1]; /* the last of them: the timer */
  size_t count;
  int timer;          /* open mode: of the next envelope that may be sent */
  struct arena arena; /* of the frame being read */
  uint64_t start_ns, warm_ns, end_ns;
  uint32_t *waits_us;
  size_t waits, waits_max;
  uint64_t answered, refused;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

/* ---- frames ---- */

static void set_option(void *socket, int option, const void *value, size_t size) {
  if (zmq_setsockopt(socket, option, value, size) != 0) {
    bench_die("socket option: %s", zmq_strerror(zmq_errno()));
  }
}

static void connect_to(struct load *load, struct connection *connection, const struct key_public *server) {
  const int linger = 0;
  connection->socket = zmq_socket(load->context, ZMQ_DEALER);
  set_option(connection->socket, ZMQ_LINGER, &linger, sizeof linger);
  set_option(connection->socket, ZMQ_CURVE_SERVERKEY, server->connection, KEY_CONNECTION);
  set_option(connection->socket, ZMQ_CURVE_PUBLICKEY, connection->keys.connection_public, KEY_CONNECTION);
  set_option(connection->socket, ZMQ_CURVE_SECRETKEY, connection->keys.connection_secret, KEY_CONNECTION);
  if (zmq_connect(connection->socket, load->endpoint) != 0) {
    bench_die("%s: %s", load->endpoint, zmq_strerror(zmq_errno()));
  }
}

static void send_part(struct connection *connection, struct span part, int flags) {
  if (zmq_send(connection->socket, part.data, part.size, flags) < 0) {
    bench_die("send: %s", zmq_strerror(zmq_errno()));
  }
}

static void say_hello(struct connection *connection) {
  Kurator__V1__Hello hello = KURATOR__V1__HELLO__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  hello.has_version_min = hello.has_version_max = 1;
  hello.version_min = hello.version_max = WIRE_VERSION;
  hello.agent = frame_text("bench-load");
  frame.participant = frame_text(connection->participant);
  frame.body_case = KURATOR__V1__FRAME__BODY_HELLO;
  frame.hello = &hello;
  frame_write(&frame, &w);
  send_part(connection, writer_span(&w), 0);
}

static void count_answer(struct load *load, const struct connection *connection, uint64_t sequence) {
  uint64_t now = bench_now_ns();
  bool late = load->rate == 0 && now > load->end_ns; /* an open load waits for all that it has sent */
  if (now < load->warm_ns || late) {
    return;
  }
  load->answered++;
  if (load->waits < load->waits_max) {
    uint64_t sent = connection->sent_ns[(sequence - connection->first_sequence) / load->envelope];
    load->waits_us[load->waits++] = (uint32_t)((now - sent) / 1000);
  }
}

static void on_receipts(struct load *load, struct connection *connection, const Kurator__V1__Receipts *receipts) {
  for (size_t i = 0; i < receipts->n_receipts; i++) {
    const Kurator__V1__Receipt *receipt = receipts->receipts[i];
    if (receipt->outcome_case != KURATOR__V1__RECEIPT__OUTCOME_ACCEPTED && load->refused++ == 0) {
      (void)fprintf(stderr, "%s\n",
                    receipt->outcome_case == KURATOR__V1__RECEIPT__OUTCOME_REFUSED ? receipt->refused->text
                                                                                   : "a duplicate");
    }
    count_answer(load, connection, receipt->sequence);
    connection->in_flight--;
  }
}

static void on_frame(struct load *load, struct connection *connection, struct span part) {
  Kurator__V1__Frame *frame;
  arena_reset(&load->arena);
  bench_check(frame_read(part, &load->arena, &frame), NULL, "frame");
  switch (frame->body_case) {
  case KURATOR__V1__FRAME__BODY_WELCOME:
    connection->welcomed = true;
    connection->first_sequence = frame->welcome->sequence + 1;
    break;
  case KURATOR__V1__FRAME__BODY_RECEIPTS:
    on_receipts(load, connection, frame->receipts);
    break;
  case KURATOR__V1__FRAME__BODY_REFUSAL:
    bench_die("refused: %s", frame->refusal->fault->text);
  default:
    break;
  }
}

/* What has come, all of it. */
static void receive(struct load *load, struct connection *connection) {
  for (;;) {
    zmq_msg_t message;
    (void)zmq_msg_init(&message);
    if (zmq_msg_recv(&message, connection->socket, ZMQ_DONTWAIT) < 0) {
      (void)zmq_msg_close(&message);
      return;
    }
    on_frame(load, connection, span_of(zmq_msg_data(&message), zmq_msg_size(&message)));
    (void)zmq_msg_close(&message);
  }
}

/* ---- sending ---- */

static bool may_send(const struct load *load, const struct connection *connection, uint64_t now) {
  return connection->next < connection->pool.count && connection->in_flight + load->envelope <= load->window &&
         (load->rate == 0 || connection->due_ns <= now);
}

static void send_envelope(struct load *load, struct connection *connection, uint64_t now) {
  const struct pool_envelope *envelope = &connection->pool.envelopes[connection->next];
  connection->sent_ns[connection->next++] = load->rate == 0 ? now : connection->due_ns;
  connection->due_ns += load->rate == 0 ? 0 : NS_PER_S * load->envelope * load->count / load->rate;
  connection->in_flight += load->envelope;
  send_part(connection, envelope->frame, ZMQ_SNDMORE);
  for (size_t i = 0; i < load->envelope; i++) {
    send_part(connection, envelope->parts[i], i + 1 < load->envelope ? ZMQ_SNDMORE : 0);
  }
}

/* When the next envelope may be sent if no receipt comes before that; UINT64_MAX: never. */
static uint64_t next_due(const struct load *load) {
  uint64_t next = UINT64_MAX;
  for (size_t i = 0; i < load->count; i++) {
    const struct connection *connection = &load->connections[i];
    if (may_send(load, connection, UINT64_MAX) && connection->due_ns < next) {
      next = connection->due_ns;
    }
  }
  return next;
}

/* To the microsecond, and asleep meanwhile: zmq_poll counts in milliseconds, and a sender that spins until the next
 * envelope is due takes a processor away from the server that it measures. */
static void set_timer(const struct load *load, bool sending) {
  uint64_t due = sending ? next_due(load) : UINT64_MAX;
  struct itimerspec when = {{0, 0}, {0, 0}};
  if (due != UINT64_MAX) {
    when.it_value = (struct timespec){(time_t)(due / NS_PER_S), (long)(due % NS_PER_S)};
  }
  if (timerfd_settime(load->timer, TFD_TIMER_ABSTIME, &when, NULL) != 0) {
    bench_die("timerfd: %s", strerror(errno));
  }
}

static size_t in_flight(const struct load *load) {
  size_t all = 0;
  for (size_t i = 0; i < load->count; i++) {
    all += load->connections[i].in_flight;
  }
  return all;
}

static bool pool_empty(const struct load *load) {
  for (size_t i = 0; i < load->count; i++) {
    if (load->connections[i].next < load->connections[i].pool.count) {
      return false;
    }
  }
  return true;
}

static void turn(struct load *load, bool sending) {
  uint64_t now = bench_now_ns();
  for (size_t i = 0; i < load->count && sending; i++) {
    while (may_send(load, &load->connections[i], now)) {
      send_envelope(load, &load->connections[i], now);
    }
  }
  if (load->rate > 0) {
    set_timer(load, sending);
  }
  if (zmq_poll(load->items, (int)load->count + 1, POLL_MS) > 0) {
    for (size_t i = 0; i < load->count; i++) {
      if (load->items[i].revents & ZMQ_POLLIN) {
        receive(load, &load->connections[i]);
      }
    }
  }
}

static void run(struct load *load) {
  load->start_ns = bench_now_ns();
  load->warm_ns = load->start_ns + load->warm_ms * NS_PER_MS;
  load->end_ns = load->start_ns + load->ms * NS_PER_MS;
  for (size_t i = 0; i < load->count; i++) { /* spread, so that they are not due together */
    load->connections[i].due_ns = load->start_ns + (load->rate == 0 ? 0 : i * NS_PER_S * load->envelope / load->rate);
  }
  while (bench_now_ns() < load->end_ns) {
    turn(load, true);
    if (stopping || (in_flight(load) == 0 && pool_empty(load))) {
      load->end_ns = bench_now_ns(); /* the pool was too small: what was measured is true all the same */
    }
  }
  while (in_flight(load) > 0 && bench_now_ns() < load->end_ns + 10 * (uint64_t)GIVE_UP_NS) {
    turn(load, false);
  }
}

/* ---- before and after ---- */

static void open_all(struct load *load) {
  struct fault fault = {.err = ERR_OK};
  struct key_public server;
  bench_check(key_public_load(load->server_key, &server, &fault), &fault, "server key");
  load->context = zmq_ctx_new();
  load->count = load->participants.count;
  for (size_t i = 0; i < load->count; i++) {
    struct connection *connection = &load->connections[i];
    char path[PATH_BYTES];
    connection->participant = load->participants.items[i];
    (void)snprintf(path, sizeof path, "%s/%s", load->keys_dir, connection->participant);
    bench_check(key_pair_load(path, &connection->keys, &fault), &fault, path);
    connect_to(load, connection, &server);
    say_hello(connection);
    load->items[i] = (zmq_pollitem_t){.socket = connection->socket, .events = ZMQ_POLLIN};
  }
  load->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  if (load->timer < 0) {
    bench_die("timerfd: %s", strerror(errno));
  }
  load->items[load->count] = (zmq_pollitem_t){.fd = load->timer, .events = ZMQ_POLLIN};
}

static void wait_for_welcome(struct load *load) {
  uint64_t until = bench_now_ns() + 10 * (uint64_t)GIVE_UP_NS;
  for (size_t i = 0; i < load->count;) {
    turn(load, false);
    i = load->connections[i].welcomed ? i + 1 : i;
    if (bench_now_ns() > until) {
      bench_die("%s does not answer", load->endpoint);
    }
  }
}

static void make_pools(struct load *load) {
  struct fault fault = {.err = ERR_OK};
  struct value data;
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  bench_check(json_read(span_of_cstr(load->data), &arena, &data, &fault), &fault, "--data");
  for (size_t i = 0; i < load->count; i++) {
    struct connection *connection = &load->connections[i];
    const struct pool_options options = {
        .participant = connection->participant,
        .keys = &connection->keys,
        .first_sequence = connection->first_sequence,
        .envelopes = load->pool / load->count / load->envelope + 1,
        .messages = load->envelope,
        .event = span_of_cstr(load->event),
        .data = &data,
        .cases = load->cases,
        .places = load->places,
        .place = i,
        .random = {connection->first_sequence * UINT64_C(0x9e3779b97f4a7c15) + i + 1},
    };
    pool_make(&connection->pool, &options);
    connection->sent_ns = calloc(connection->pool.count, sizeof *connection->sent_ns);
    ASSERT(connection->sent_ns);
    load->waits_max += connection->pool.count * load->envelope;
  }
  load->waits_us = calloc(load->waits_max, sizeof *load->waits_us);
  ASSERT(load->waits_us);
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a;
  uint32_t y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double wait_ms(const struct load *load, double part) {
  size_t index = (size_t)((double)load->waits * part);
  index = index < load->waits ? index : load->waits - 1;
  return load->waits == 0 ? 0 : load->waits_us[index] / 1000.0;
}

static void print_result(struct load *load) {
  double seconds = (double)(load->end_ns - load->warm_ns) / 1e9;
  qsort(load->waits_us, load->waits, sizeof *load->waits_us, compare);
  (void)printf("{\"answered\":%" PRIu64 ",\"seconds\":%.3f,\"rate\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
               "\"max_ms\":%.2f,\"refused\":%" PRIu64 ",\"lost\":%zu}\n",
               load->answered, seconds, (double)load->answered / seconds, wait_ms(load, 0.5), wait_ms(load, 0.99),
               wait_ms(load, 1.0), load->refused, in_flight(load));
}

static void close_all(struct load *load) {
  for (size_t i = 0; i < load->count; i++) {
    (void)zmq_close(load->connections[i].socket);
    pool_free(&load->connections[i].pool);
    free(load->connections[i].sent_ns);
    key_pair_erase(&load->connections[i].keys);
  }
  (void)close(load->timer);
  (void)zmq_ctx_term(load->context);
  free(load->waits_us);
  arena_finish(&load->arena);
}

int main(int argc, char **argv) {
  static struct load load = {.window = 32, .envelope = 1, .ms = 3000, .warm_ms = 500, .pool = 200000};
  const struct bench_option options[] = {
      {.name = "endpoint", .text = &load.endpoint},
      {.name = "server-key", .text = &load.server_key},
      {.name = "keys", .text = &load.keys_dir},
      {.name = "participant", .list = &load.participants},
      {.name = "places", .number = &load.places},
      {.name = "cases", .number = &load.cases},
      {.name = "event", .text = &load.event},
      {.name = "data", .text = &load.data},
      {.name = "window", .number = &load.window},
      {.name = "envelope", .number = &load.envelope},
      {.name = "rate", .number = &load.rate},
      {.name = "ms", .number = &load.ms},
      {.name = "warm-ms", .number = &load.warm_ms},
      {.name = "pool", .number = &load.pool},
      {.name = NULL},
  };
  bench_options(argc, argv, options);
  if (load.places == 0 || load.participants.count > load.places || load.cases < load.places || load.envelope == 0 ||
      load.envelope > PARTS_MAX || load.window < load.envelope) {
    bench_die("participants ≤ places ≤ cases, 0 < envelope ≤ window must hold");
  }
  (void)signal(SIGTERM, on_signal);
  bench_check(signing_start(), NULL, "randomness");
  arena_init(&load.arena, 0);
  open_all(&load);
  wait_for_welcome(&load);
  make_pools(&load);
  run(&load);
  print_result(&load);
  bool good = load.refused == 0 && in_flight(&load) == 0;
  close_all(&load);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
