/*
 * A ROUTER on the loop.
 *
 * One turn: up to turn_messages_max messages are read, each whole, and no more than a few bytes over turn_bytes_max, so
 * that other work of the loop has its turn, too; libzmq takes them from its connections in turn. A message over the
 * limits is read to its end, dropped part by part, and its connection cut off. libzmq has no call for that, so the
 * connection's descriptor (which each message carries) is shut down: libzmq then sees a peer that hung up.
 *
 * A descriptor used again. A message may still wait when its connection is gone and the descriptor is another one's
 * already. Whoever was accepted on a used descriptor is not cut off for a message until the socket has been seen empty
 * once: what the one before had sent is read by then. (A message that would cut off is dropped all the same.)
 *
 * An endless message. libzmq shows a message only when its last part has come, and counts neither its parts nor their
 * sum, so a peer that never ends its message would fill the memory unseen. `watch` looks at the connections: one that
 * has brought more bytes than a whole message may have, while no message of its came for WATCH_TICKS_MAX ticks, is cut
 * off. The kernel counts bytes for TCP only; over ipc the peers are programs of the same machine, admitted by key and
 * by the folder's permissions. The same look ends TCP connections on which nothing comes at all, heartbeats included:
 * the server sends none of its own (options.h says why).
 *
 * Invariants: (1) `line` describes a descriptor only between ACCEPTED and DISCONNECTED of the monitor, which is read
 * just before anything is shut down; nothing else ever is. (2) After wire_server_close no callback is called. (3)
 * `current` is not −1 only inside on_message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <zmq.h>

#include "base/words.h"
#include "wire/context.h"
#include "wire/monitor.h"
#include "wire/options.h"
#include "wire/pump.h"
#include "wire/tally.h"

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* in the library since 4.3.0, in its header only for those who ask for drafts */
#endif

enum { ENDPOINT_MAX = 256, WATCH_MS = 200, WATCH_TICKS_MAX = 3, TURN_REST_MAX_MS = 100 };

/* A connection, by its descriptor. */
struct line {
  bool open;
  bool heard;  /* a whole message since the last tick */
  bool spoken; /* a message at all, though it may have been of the connection before */
  int ticks_silent;
  uint64_t bytes;                    /* received when it was last heard */
  uint64_t total;                    /* received at the last tick */
  int ticks_idle;                    /* without a byte */
  bool used;                         /* there was a connection on it before, */
  uint64_t empty;                    /* and the socket was last seen empty before this one came: that many times */
  size_t counted;                    /* wire_server_count */
  int ticks_mute;                    /* without a first message */
  char user_id[KEY_CONNECTION_TEXT]; /* of its first message; empty: none has come */
};
struct wire_server {
  struct wire *wire;
  struct wire_server_options options; /* endpoints and secret are not kept */
  char (*endpoints)[ENDPOINT_MAX];
  size_t endpoints_count;
  void *socket; /* the pump's */
  struct pump *pump;
  struct monitor monitor;
  uv_timer_t watch;
  struct line *lines; /* by descriptor */
  size_t lines_size;
  zmq_msg_t *messages; /* message_parts_max */
  struct span *parts;
  int current; /* descriptor of the message that is being handled */
  const char *drop_why;
  uint64_t empty; /* how often the socket was seen empty */
  struct wire_server_stats stats;
};

/* ---- connections ---- */

static struct line *line_of(struct wire_server *server, int fd) {
  if (fd < 0 || fd > (1 << 20)) {
    return NULL;
  }
  size_t index = (size_t)fd;
  if (index >= server->lines_size) {
    size_t size = index + 64;
    struct line *lines = realloc(server->lines, size * sizeof *lines);
    ASSERT(lines);
    memset(lines + server->lines_size, 0, (size - server->lines_size) * sizeof *lines);
    server->lines = lines;
    server->lines_size = size;
  }
  return &server->lines[index];
}

static void cut_off(struct wire_server *server, int fd, struct span user_id, const char *why) {
  struct line *line = line_of(server, fd);
  if (line && line->open) {
    (void)shutdown(fd, SHUT_RDWR);
    server->stats.dropped++;
    if (server->options.on_dropped) {
      server->options.on_dropped(server->options.arg, user_id, why);
    }
  }
}

/* True if a message that came with this descriptor may be of the connection before. */
static bool may_be_older(const struct wire_server *server, const struct line *line) {
  return !line || !line->open || (line->used && line->empty == server->empty);
}

/* For a message that came with this descriptor. */
static void cut_off_sender(struct wire_server *server, int fd, struct span user_id, const char *why) {
  monitor_read(&server->monitor);
  if (may_be_older(server, line_of(server, fd))) {
    server->stats.outlived++;
    return;
  }
  cut_off(server, fd, user_id, why);
}

/* Clients send a heartbeat; who sends nothing for four of them is gone, or never meant to speak. */
static bool is_idle(struct wire_server *server, struct line *line, uint64_t bytes) {
  line->ticks_idle = bytes == line->total ? line->ticks_idle + 1 : 0;
  line->total = bytes;
  return (uint64_t)line->ticks_idle * WATCH_MS >= UINT64_C(4) * server->options.limits.heartbeat_ms;
}

static bool is_mute(const struct wire_server *server, struct line *line) {
  uint64_t first_ms = server->options.limits.first_message_ms;
  return !line->spoken && first_ms > 0 && (uint64_t)++line->ticks_mute * WATCH_MS >= first_ms;
}

static void watch_line(struct wire_server *server, int fd, struct line *line) {
  uint64_t bytes = 0;
  if (is_mute(server, line)) {
    cut_off(server, fd, span_of(NULL, 0), "says nothing");
    return;
  }
  if (!tally_received(fd, &bytes)) {
    return;
  }
  if (is_idle(server, line, bytes)) {
    cut_off(server, fd, span_of(NULL, 0), "silent");
    return;
  }
  if (line->heard) {
    line->heard = false;
    line->ticks_silent = 0;
    line->bytes = bytes;
    return;
  }
  line->ticks_silent++;
  if (line->ticks_silent >= WATCH_TICKS_MAX && bytes - line->bytes > server->options.limits.message_bytes_max) {
    cut_off(server, fd, span_of(NULL, 0), "a message that does not end");
  }
}

static void on_watch(uv_timer_t *timer) {
  struct wire_server *server = timer->data;
  for (size_t fd = 0; fd < server->lines_size && server->pump; fd++) {
    if (server->lines[fd].open) {
      watch_line(server, (int)fd, &server->lines[fd]);
    }
  }
}

static void on_accepted(struct wire_server *server, int fd) {
  struct line *line = line_of(server, fd);
  server->stats.accepted++;
  if (!line) {
    (void)shutdown(fd, SHUT_RDWR);
    return;
  }
  if (!line->open) {
    server->stats.connections++;
  }
  *line = (struct line){.open = true, .used = line->used, .empty = server->empty};
  if (server->stats.connections > server->options.limits.connections_max) {
    cut_off(server, fd, span_of(NULL, 0), "too many connections");
  }
}

static void on_disconnected(struct wire_server *server, int fd) {
  struct line *line = line_of(server, fd);
  if (line && line->open) {
    line->open = false;
    line->used = true;
    server->stats.connections--;
  }
}

static void on_monitor(void *arg, int event, int value) {
  struct wire_server *server = arg;
  switch (event) {
  case ZMQ_EVENT_ACCEPTED:
    on_accepted(server, value);
    break;
  case ZMQ_EVENT_DISCONNECTED:
    on_disconnected(server, value);
    break;
  case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
  case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
  case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    server->stats.refused++;
    break;
  default:
    break;
  }
}

/* ---- receiving ---- */

struct intake {
  size_t parts;     /* kept */
  uint64_t bytes;   /* of all parts */
  bool over_limits; /* the rest is thrown away */
};

static void parts_free(struct wire_server *server, size_t count) {
  for (size_t i = 0; i < count; i++) {
    (void)zmq_msg_close(&server->messages[i]);
  }
}

/* Reads one part; false when there is none. */
static bool part_receive(struct wire_server *server, struct intake *intake, bool *ret_more) {
  const struct wire_limits *limits = &server->options.limits;
  zmq_msg_t surplus;
  bool fits = intake->parts < limits->message_parts_max;
  zmq_msg_t *message = fits ? &server->messages[intake->parts] : &surplus;
  (void)zmq_msg_init(message);
  if (zmq_msg_recv(message, server->socket, ZMQ_DONTWAIT) < 0) {
    (void)zmq_msg_close(message);
    return false;
  }
  *ret_more = zmq_msg_more(message);
  intake->bytes += zmq_msg_size(message);
  if (!fits || intake->bytes > limits->message_bytes_max || zmq_msg_size(message) > limits->part_bytes_max) {
    intake->over_limits = true;
    (void)zmq_msg_close(message);
    return true;
  }
  server->parts[intake->parts++] = span_of(zmq_msg_data(message), zmq_msg_size(message));
  return true;
}

/* The routing id stands before the parts. */
static bool message_receive(struct wire_server *server, zmq_msg_t *peer, struct intake *intake) {
  if (zmq_msg_recv(peer, server->socket, ZMQ_DONTWAIT) < 0) {
    return false;
  }
  for (bool more = zmq_msg_more(peer); more;) {
    if (!part_receive(server, intake, &more)) {
      break;
    }
  }
  return true;
}

/* Ids that libzmq assigns begin with a zero byte. One that a peer has chosen would be free for another peer when the
 * first is gone, and what was meant for the one would go to the other. */
static bool is_assigned(zmq_msg_t *peer) {
  return zmq_msg_size(peer) > 0 && *(const uint8_t *)zmq_msg_data(peer) == 0;
}

static size_t connections_of(const struct wire_server *server, const char *user_id) {
  size_t count = 0;
  for (size_t i = 0; i < server->lines_size; i++) {
    count += server->lines[i].open && strcmp(server->lines[i].user_id, user_id) == 0;
  }
  return count;
}

/* False: its key has too many connections already. */
static bool introduce(struct wire_server *server, int fd, const char *user_id) {
  struct line *line = line_of(server, fd);
  uint32_t most = server->options.limits.key_connections_max;
  if (may_be_older(server, line) || line->user_id[0] != '\0') {
    return true;
  }
  (void)snprintf(line->user_id, sizeof line->user_id, "%s", user_id);
  if (most == 0 || connections_of(server, user_id) <= most) {
    return true;
  }
  cut_off(server, fd, span_of_cstr(user_id), "too many connections of this key");
  return false;
}

static void message_handle(struct wire_server *server, zmq_msg_t *peer, const struct intake *intake) {
  if (intake->parts == 0) {
    return; /* an empty message, or one whose first part was too large: MAXMSGSIZE has closed that connection */
  }
  zmq_msg_t *first = &server->messages[0];
  const char *user_id = zmq_msg_gets(first, "User-Id");
  int fd = zmq_msg_get(first, ZMQ_SRCFD);
  struct line *line = line_of(server, fd);
  if (line) {
    line->heard = true;
    line->spoken = true;
  }
  if (intake->over_limits) {
    cut_off_sender(server, fd, span_of_cstr(user_id), "a message over the limits");
    return;
  }
  if (!is_assigned(peer)) {
    cut_off_sender(server, fd, span_of_cstr(user_id), "a routing id of its own");
    return;
  }
  if (!user_id || !*user_id) {
    return; /* cannot be: the domain is enforced */
  }
  if (!introduce(server, fd, user_id)) {
    return;
  }
  server->stats.messages_in++;
  server->stats.bytes_in += intake->bytes;
  struct wire_message message = {.peer = span_of(zmq_msg_data(peer), zmq_msg_size(peer)),
                                 .user_id = span_of_cstr(user_id),
                                 .parts = server->parts,
                                 .count = intake->parts};
  server->current = fd;
  server->drop_why = NULL;
  server->options.on_message(server->options.arg, &message);
  server->current = -1;
  if (server->drop_why && server->pump) {
    cut_off_sender(server, fd, message.user_id, server->drop_why);
  }
}

static void take_turn(struct wire_server *server) {
  monitor_read(&server->monitor); /* so that the connections of these messages are known */
  uint64_t bytes = 0;
  const struct wire_limits *limits = &server->options.limits;
  for (uint32_t i = 0; i < limits->turn_messages_max && bytes < limits->turn_bytes_max && server->pump; i++) {
    struct intake intake = {0};
    zmq_msg_t peer;
    (void)zmq_msg_init(&peer);
    bool received = message_receive(server, &peer, &intake);
    if (received) {
      message_handle(server, &peer, &intake);
    }
    parts_free(server, intake.parts);
    (void)zmq_msg_close(&peer);
    if (!received) {
      server->empty++;
      return;
    }
    bytes += intake.bytes;
  }
}

static void on_ready(void *arg, bool readable, bool writable) {
  struct wire_server *server = arg;
  (void)readable;
  (void)writable;
  uint64_t began = uv_hrtime();
  take_turn(server);
  uint64_t took_ms = (uv_hrtime() - began) / 1000000;
  uint64_t rest_ms = took_ms * server->options.limits.turn_rest;
  if (rest_ms > 0 && server->pump) {
    pump_rest(server->pump, rest_ms < TURN_REST_MAX_MS ? rest_ms : TURN_REST_MAX_MS);
  }
}

void wire_server_drop(struct wire_server *server, const char *why) {
  ASSERT(server->current >= 0);
  server->drop_why = why;
}

void wire_server_count(struct wire_server *server, size_t how_much, size_t most, const char *why) {
  struct line *line = line_of(server, server->current);
  if (!line) {
    return;
  }
  line->counted += how_much;
  if (line->counted > most) {
    wire_server_drop(server, why);
  }
}

void wire_server_forgive(struct wire_server *server) {
  struct line *line = line_of(server, server->current);
  if (line) {
    line->counted = 0;
  }
}

/* ---- sending ---- */

static enum err send_error(void) {
  return zmq_errno() == EAGAIN ? ERR_BUSY : ERR_UNREACHABLE;
}

static enum err within_limits(const struct wire_limits *limits, const struct span *parts, size_t count,
                              uint64_t *ret_bytes) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += parts[i].size;
    if (parts[i].size > limits->part_bytes_max) {
      return ERR_LIMIT;
    }
  }
  *ret_bytes = bytes;
  return count <= limits->message_parts_max && bytes <= limits->message_bytes_max ? ERR_OK : ERR_LIMIT;
}

enum err wire_server_send(struct wire_server *server, struct span peer, const struct span *parts, size_t count) {
  uint64_t bytes = 0;
  TRY(within_limits(&server->options.limits, parts, count, &bytes));
  /* ROUTER decides about the whole message when it takes the routing id. */
  if (zmq_send(server->socket, peer.data, peer.size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
    return send_error();
  }
  for (size_t i = 0; i < count; i++) {
    int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
    if (zmq_send(server->socket, parts[i].data, parts[i].size, flags) < 0) {
      return send_error();
    }
  }
  server->stats.messages_out++;
  server->stats.bytes_out += bytes;
  return ERR_OK;
}

/* ---- life ---- */

static bool set_options(void *socket, const struct wire_server_options *options) {
  return options_limits(socket, &options->limits) && options_int(socket, ZMQ_CURVE_SERVER, 1) &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, options->secret_key, KEY_CONNECTION) == 0 &&
         zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, options->domain, strlen(options->domain)) == 0 &&
         options_int(socket, ZMQ_ZAP_ENFORCE_DOMAIN, 1) && options_int(socket, ZMQ_ROUTER_MANDATORY, 1) &&
         options_int(socket, ZMQ_BACKLOG, 1024);
}

static enum err bind_all(struct wire_server *server, const struct wire_server_options *options, struct fault *fault) {
  for (size_t i = 0; i < options->endpoints_count; i++) {
    size_t size = ENDPOINT_MAX;
    if (zmq_bind(server->socket, options->endpoints[i]) != 0 ||
        zmq_getsockopt(server->socket, ZMQ_LAST_ENDPOINT, server->endpoints[i], &size) != 0) {
      return fault_set(fault, ERR_IO, "адрес %s не открывается: %s", options->endpoints[i],
                       words_of_system(zmq_errno()));
    }
  }
  return ERR_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
  struct wire_server *server = handle->data;
  free(server->lines);
  free(server->messages);
  free(server->parts);
  free(server->endpoints);
  free(server);
}

void wire_server_close(struct wire_server **at) {
  struct wire_server *server = *at;
  *at = NULL;
  if (!server) {
    return;
  }
  monitor_close(&server->monitor);
  pump_close(&server->pump);
  server->wire->sockets--;
  uv_close((uv_handle_t *)&server->watch, on_timer_closed);
}

static struct wire_server *server_new(struct wire *wire, const struct wire_server_options *options) {
  struct wire_server *server = calloc(1, sizeof *server);
  ASSERT(server);
  server->wire = wire;
  server->options = *options;
  server->options.endpoints = NULL;
  server->options.secret_key = NULL;
  server->current = -1;
  server->endpoints_count = options->endpoints_count;
  server->endpoints = calloc(options->endpoints_count + 1, ENDPOINT_MAX);
  server->messages = calloc(options->limits.message_parts_max, sizeof *server->messages);
  server->parts = calloc(options->limits.message_parts_max, sizeof *server->parts);
  ASSERT(server->endpoints && server->messages && server->parts);
  (void)uv_timer_init(wire->loop, &server->watch);
  server->watch.data = server;
  return server;
}

/* The socket, with its options, on the loop; the monitor before the first bind. */
static enum err socket_open(struct wire_server *server, const struct wire_server_options *options) {
  server->socket = zmq_socket(server->wire->context, ZMQ_ROUTER);
  if (!server->socket) {
    return ERR_IO;
  }
  if (!set_options(server->socket, options) ||
      pump_open(server->wire->loop, server->socket, on_ready, server, &server->pump) != ERR_OK) {
    (void)zmq_close(server->socket);
    return ERR_IO;
  }
  return monitor_open(&server->monitor, server->wire->context, server->wire->loop, server->socket, on_monitor, server);
}

enum err wire_server_open(struct wire *wire, const struct wire_server_options *options, struct wire_server **ret_server,
                          struct fault *fault) {
  struct wire_server *server = server_new(wire, options);
  wire->sockets++;
  enum err err = socket_open(server, options);
  if (err != ERR_OK) {
    (void)fault_set(fault, err, "сокет не открывается: %s", words_of_system(zmq_errno()));
  } else {
    err = bind_all(server, options, fault);
  }
  if (err != ERR_OK) {
    wire_server_close(&server);
    return err;
  }
  (void)uv_timer_start(&server->watch, on_watch, WATCH_MS, WATCH_MS);
  *ret_server = server;
  return ERR_OK;
}

const char *wire_server_endpoint(const struct wire_server *server, size_t index) {
  ASSERT(index < server->endpoints_count);
  return server->endpoints[index];
}

struct wire_server_stats wire_server_stats(const struct wire_server *server) {
  return server->stats;
}
