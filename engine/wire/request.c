#include "wire/request.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "wire/monitor.h"
#include "wire/options.h"

enum request_state { REQUEST_TRYING, REQUEST_UP, REQUEST_REFUSED };

struct request_socket {
  void *context;
  void *socket;
  struct monitor monitor;
  enum request_state state;
};

static int64_t now_ms(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_event(void *arg, int event, int value) {
  struct request_socket *s = arg;
  (void)value;
  switch (event) {
  case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
    s->state = REQUEST_UP;
    break;
  case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    s->state = REQUEST_REFUSED;
    break;
  default:
    break;
  }
}

/* Waits for the reader of events, and for the socket when `for_message`. False when the time is over. */
static bool wait_for(struct request_socket *s, int64_t until, bool for_message) {
  for (;;) {
    int64_t left = until - now_ms();
    zmq_pollitem_t items[] = {{s->monitor.reader, 0, ZMQ_POLLIN, 0}, {s->socket, 0, ZMQ_POLLIN, 0}};
    int ready = left > 0 ? zmq_poll(items, for_message ? 2 : 1, left) : 0;
    if (ready == 0) {
      return false;
    }
    if (ready < 0 && zmq_errno() != EINTR) {
      return false;
    }
    monitor_read(&s->monitor);
    if (for_message ? (items[1].revents & ZMQ_POLLIN) != 0 : s->state != REQUEST_TRYING) {
      return true;
    }
  }
}

static enum err connect_and_wait(struct request_socket *s, const char *endpoint, uint32_t timeout_ms,
                                 struct fault *fault) {
  if (zmq_connect(s->socket, endpoint) != 0) {
    return fault_set(fault, ERR_IO, "неверный адрес %s", endpoint);
  }
  if (!wait_for(s, now_ms() + timeout_ms, false)) {
    return fault_set(fault, ERR_UNREACHABLE, "сервер по адресу %s не отвечает", endpoint);
  }
  if (s->state == REQUEST_REFUSED) {
    return fault_set(fault, ERR_FORBIDDEN, "%s", wire_refusal_text(WIRE_REFUSED_KEY));
  }
  return ERR_OK;
}

enum err request_open(const char *endpoint, const uint8_t server_key[KEY_CONNECTION], const struct key_pair *pair,
                      uint32_t timeout_ms, struct request_socket **ret_socket, struct fault *fault) {
  struct request_socket *s = calloc(1, sizeof *s);
  ASSERT(s);
  struct wire_limits limits = wire_limits_default();
  limits.part_bytes_max = 4 << 20;
  s->context = zmq_ctx_new();
  s->socket = s->context ? zmq_socket(s->context, ZMQ_DEALER) : NULL;
  bool ready = s->socket && options_limits(s->socket, &limits) && options_heartbeat(s->socket, &limits) &&
               options_curve_client(s->socket, server_key, pair) && options_int(s->socket, ZMQ_RECONNECT_IVL, 50) &&
               monitor_open(&s->monitor, s->context, NULL, s->socket, on_event, s) == ERR_OK;
  enum err err = ready ? connect_and_wait(s, endpoint, timeout_ms, fault)
                       : fault_set(fault, ERR_IO, "не удалось создать соединение");
  if (err != ERR_OK) {
    request_close(&s);
    return err;
  }
  *ret_socket = s;
  return ERR_OK;
}

void request_close(struct request_socket **at) {
  struct request_socket *s = *at;
  *at = NULL;
  if (!s) {
    return;
  }
  monitor_close(&s->monitor);
  if (s->socket) {
    (void)options_int(s->socket, ZMQ_LINGER, 0);
    (void)zmq_close(s->socket);
  }
  while (s->context && zmq_ctx_term(s->context) != 0 && zmq_errno() == EINTR) {
  }
  free(s);
}

enum err request_send(struct request_socket *s, struct span part, struct fault *fault) {
  bool sent = zmq_send(s->socket, part.data, part.size, ZMQ_DONTWAIT) >= 0;
  return sent ? ERR_OK : fault_set(fault, ERR_UNREACHABLE, "сервер не принимает запрос");
}

enum err request_receive(struct request_socket *s, uint32_t timeout_ms, size_t size_max, struct writer *w,
                         struct fault *fault) {
  if (!wait_for(s, now_ms() + timeout_ms, true)) {
    return fault_set(fault, ERR_UNREACHABLE, "сервер не ответил за %u мс", timeout_ms);
  }
  enum err err = ERR_OK;
  for (bool more = true, first = true; more; first = false) {
    zmq_msg_t message;
    (void)zmq_msg_init(&message);
    if (zmq_msg_recv(&message, s->socket, ZMQ_DONTWAIT) < 0) {
      (void)zmq_msg_close(&message);
      return fault_set(fault, ERR_UNREACHABLE, "соединение прервано");
    }
    more = zmq_msg_more(&message);
    if (!first || zmq_msg_size(&message) > size_max) {
      err = fault_set(fault, ERR_LIMIT, "ответ сервера не той формы или слишком велик");
    } else {
      writer_raw(w, span_of(zmq_msg_data(&message), zmq_msg_size(&message)));
    }
    (void)zmq_msg_close(&message);
  }
  return err;
}
