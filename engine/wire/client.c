/*
 * A DEALER on the loop.
 *
 *   TRYING ── handshake done ──→ UP ── disconnected ──→ PAUSED ── timer ──→ TRYING
 *     └── handshake refused or broken off: told ──────────────────→┘
 *
 * A socket lives for one connection: after a disconnection it is thrown away with everything that it still holds, and a
 * new one is made after a pause. So nothing that was queued for the old connection turns up on the new one before its
 * greeting; what was lost is the sender's to send again.
 *
 * Invariants: (1) `socket` and `pump` are there exactly in TRYING and UP. (2) After wire_client_close no callback is
 * called.
 */
#include <stdlib.h>
#include <zmq.h>

#include "base/words.h"
#include "wire/context.h"
#include "wire/monitor.h"
#include "wire/options.h"
#include "wire/pump.h"

enum { RECONNECT_MS = 100, RECONNECT_MAX_MS = 10000, STEADY_MS = 5000, ENDPOINT_MAX = 256 };

struct wire_client {
  struct wire *wire;
  struct wire_client_options options;
  char endpoint[ENDPOINT_MAX];
  uint8_t server_key[KEY_CONNECTION];
  struct key_pair key_pair;
  void *socket; /* the pump's */
  struct pump *pump;
  struct monitor monitor;
  uv_timer_t timer;
  bool up;
  uint64_t up_since; /* uv_now */
  uint32_t pause_ms;
  zmq_msg_t *messages;
  struct span *parts;
};

const char *wire_refusal_text(enum wire_refusal refusal) {
  return refusal == WIRE_REFUSED_KEY ? "ключ отклонён: сервер не знает этого ключа; внесите ИМЯ.pub в реестр и "
                                       "перечитайте его: systemctl reload kuratord"
                                     : "соединение прервано при установлении: проверьте открытый ключ сервера и адрес";
}

/* ---- receiving ---- */

static void parts_free(struct wire_client *client, size_t count) {
  for (size_t i = 0; i < count; i++) {
    (void)zmq_msg_close(&client->messages[i]);
  }
}

/* Reads a whole message; more parts than allowed are read and thrown away. Returns the parts kept, 0: no message. */
static size_t message_receive(struct wire_client *client, bool *ret_whole) {
  size_t count = 0;
  *ret_whole = true;
  for (bool more = true; more;) {
    zmq_msg_t surplus;
    bool fits = count < client->options.limits.message_parts_max;
    zmq_msg_t *message = fits ? &client->messages[count] : &surplus;
    (void)zmq_msg_init(message);
    if (zmq_msg_recv(message, client->socket, ZMQ_DONTWAIT) < 0) {
      (void)zmq_msg_close(message);
      return count;
    }
    more = zmq_msg_more(message);
    if (!fits) {
      *ret_whole = false;
      (void)zmq_msg_close(message);
      continue;
    }
    client->parts[count++] = span_of(zmq_msg_data(message), zmq_msg_size(message));
  }
  return count;
}

static void receive_some(struct wire_client *client) {
  for (uint32_t i = 0; i < client->options.limits.turn_messages_max && client->pump; i++) {
    bool whole = true;
    size_t count = message_receive(client, &whole);
    if (count > 0 && whole) {
      client->options.on_message(client->options.arg, client->parts, count);
    }
    parts_free(client, count);
    if (count == 0) {
      return;
    }
  }
}

static void on_ready(void *arg, bool readable, bool writable) {
  struct wire_client *client = arg;
  if (writable && client->options.on_writable) {
    client->options.on_writable(client->options.arg);
  }
  if (readable && client->pump) {
    receive_some(client);
  }
}

/* ---- connection ---- */

static void socket_close(struct wire_client *client) {
  monitor_close(&client->monitor);
  pump_close(&client->pump);
  client->socket = NULL;
}

static void on_monitor(void *arg, int event, int value);

static bool set_options(const struct wire_client *client, void *socket) {
  return options_limits(socket, &client->options.limits) && options_heartbeat(socket, &client->options.limits) &&
         options_curve_client(socket, client->server_key, &client->key_pair) && options_int(socket, ZMQ_IMMEDIATE, 1) &&
         options_int(socket, ZMQ_RECONNECT_IVL, (int)client->options.reconnect_ms) &&
         options_int(socket, ZMQ_RECONNECT_IVL_MAX, (int)client->options.reconnect_max_ms);
}

static enum err socket_open(struct wire_client *client) {
  void *socket = zmq_socket(client->wire->context, ZMQ_DEALER);
  if (!socket) {
    return ERR_IO;
  }
  if (!set_options(client, socket) ||
      pump_open(client->wire->loop, socket, on_ready, client, &client->pump) != ERR_OK) {
    (void)zmq_close(socket);
    return ERR_IO;
  }
  client->socket = socket;
  if (monitor_open(&client->monitor, client->wire->context, client->wire->loop, socket, on_monitor, client) != ERR_OK ||
      zmq_connect(socket, client->endpoint) != 0) {
    socket_close(client);
    return ERR_IO;
  }
  return ERR_OK;
}

static void pause_before_next(struct wire_client *client);

static void on_timer(uv_timer_t *timer) {
  struct wire_client *client = timer->data;
  if (socket_open(client) != ERR_OK) { /* out of descriptors: later perhaps */
    pause_before_next(client);
  }
}

static void pause_before_next(struct wire_client *client) {
  (void)uv_timer_start(&client->timer, on_timer, client->pause_ms, 0);
  client->pause_ms =
      client->pause_ms * 2 < client->options.reconnect_max_ms ? client->pause_ms * 2 : client->options.reconnect_max_ms;
}

/* libzmq would try again by itself after some failures, and never again after others (a refused key). */
static void give_up_socket(struct wire_client *client) {
  client->up = false;
  socket_close(client);
  pause_before_next(client);
}

static void on_disconnected(struct wire_client *client) {
  bool was_up = client->up;
  if (was_up && uv_now(client->wire->loop) - client->up_since >= STEADY_MS) {
    client->pause_ms = client->options.reconnect_ms;
  }
  give_up_socket(client);
  if (was_up) {
    client->options.on_down(client->options.arg);
  }
}

static void on_handshake_failed(struct wire_client *client, enum wire_refusal refusal) {
  give_up_socket(client);
  client->options.on_refused(client->options.arg, refusal);
}

static void on_monitor(void *arg, int event, int value) {
  struct wire_client *client = arg;
  (void)value;
  switch (event) {
  case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
    client->up = true;
    client->up_since = uv_now(client->wire->loop);
    client->options.on_up(client->options.arg);
    break;
  case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    on_handshake_failed(client, WIRE_REFUSED_KEY);
    break;
  case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
  case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    on_handshake_failed(client, WIRE_REFUSED_HANDSHAKE);
    break;
  case ZMQ_EVENT_DISCONNECTED:
    on_disconnected(client);
    break;
  default:
    break;
  }
}

/* ---- sending ---- */

static enum err within_limits(const struct wire_limits *limits, const struct span *parts, size_t count) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += parts[i].size;
    if (parts[i].size > limits->part_bytes_max) {
      return ERR_LIMIT;
    }
  }
  return count > 0 && count <= limits->message_parts_max && bytes <= limits->message_bytes_max ? ERR_OK : ERR_LIMIT;
}

enum err wire_client_send(struct wire_client *client, const struct span *parts, size_t count) {
  if (!client->up) {
    return ERR_UNREACHABLE;
  }
  TRY(within_limits(&client->options.limits, parts, count));
  /* The first part decides: DEALER gives the whole message to the one pipe that took it. */
  for (size_t i = 0; i < count; i++) {
    int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
    if (zmq_send(client->socket, parts[i].data, parts[i].size, flags) < 0) {
      pump_want_writable(client->pump);
      return ERR_BUSY;
    }
  }
  return ERR_OK;
}

/* ---- life ---- */

bool wire_client_is_up(const struct wire_client *client) {
  return client->up;
}

static void on_timer_closed(uv_handle_t *handle) {
  struct wire_client *client = handle->data;
  key_pair_erase(&client->key_pair);
  free(client->messages);
  free(client->parts);
  free(client);
}

void wire_client_close(struct wire_client **at) {
  struct wire_client *client = *at;
  *at = NULL;
  if (!client) {
    return;
  }
  client->up = false;
  socket_close(client);
  client->wire->sockets--;
  uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

static struct wire_client *client_new(struct wire *wire, const struct wire_client_options *options) {
  struct wire_client *client = calloc(1, sizeof *client);
  ASSERT(client);
  client->wire = wire;
  client->options = *options;
  client->options.reconnect_ms = options->reconnect_ms > 0 ? options->reconnect_ms : RECONNECT_MS;
  client->options.reconnect_max_ms = options->reconnect_max_ms > 0 ? options->reconnect_max_ms : RECONNECT_MAX_MS;
  client->pause_ms = client->options.reconnect_ms;
  memcpy(client->server_key, options->server_key, KEY_CONNECTION);
  client->key_pair = *options->key_pair;
  client->messages = calloc(options->limits.message_parts_max, sizeof *client->messages);
  client->parts = calloc(options->limits.message_parts_max, sizeof *client->parts);
  ASSERT(client->messages && client->parts);
  (void)uv_timer_init(wire->loop, &client->timer);
  client->timer.data = client;
  return client;
}

enum err wire_client_open(struct wire *wire, const struct wire_client_options *options, struct wire_client **ret_client,
                          struct fault *fault) {
  if (strlen(options->endpoint) >= ENDPOINT_MAX) {
    return fault_set(fault, ERR_IO, "адрес сервера слишком длинный");
  }
  struct wire_client *client = client_new(wire, options);
  memcpy(client->endpoint, options->endpoint, strlen(options->endpoint) + 1);
  client->options.endpoint = client->endpoint;
  wire->sockets++;
  if (socket_open(client) != ERR_OK) {
    enum err err = fault_set(fault, ERR_IO, "адрес %s не годится: %s", options->endpoint, words_of_system(zmq_errno()));
    wire_client_close(&client);
    return err;
  }
  *ret_client = client;
  return ERR_OK;
}
