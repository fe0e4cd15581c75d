#include "wire/pump.h"

#include <stdlib.h>
#include <zmq.h>

enum { HANDLES = 5 };

struct pump {
  void *socket;
  pump_ready ready;
  void *arg;
  bool want_writable;
  int handles_open;
  uv_poll_t poll;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;
  uv_timer_t rest; /* active: nobody looks */
};

static int events_of(const struct pump *pump) {
  int events = 0;
  size_t size = sizeof events;
  int wanted = ZMQ_POLLIN | (pump->want_writable ? ZMQ_POLLOUT : 0);
  return zmq_getsockopt(pump->socket, ZMQ_EVENTS, &events, &size) == 0 ? events & wanted : 0;
}

static bool is_resting(const struct pump *pump) {
  return uv_is_active((const uv_handle_t *)&pump->rest);
}

/* The descriptor only wakes the loop; the check phase of the same turn serves the socket. */
static void on_poll(uv_poll_t *handle, int status, int events) {
  (void)handle;
  (void)status;
  (void)events;
}

static void on_idle(uv_idle_t *handle) {
  (void)handle;
}

static void on_prepare(uv_prepare_t *handle) {
  struct pump *pump = handle->data;
  if (!is_resting(pump) && events_of(pump) != 0) {
    (void)uv_idle_start(&pump->idle, on_idle);
  }
}

static void on_check(uv_check_t *handle) {
  struct pump *pump = handle->data;
  (void)uv_idle_stop(&pump->idle);
  if (is_resting(pump)) {
    return;
  }
  int events = events_of(pump);
  bool writable = events & ZMQ_POLLOUT;
  if (writable) {
    pump->want_writable = false;
  }
  if (events != 0) {
    pump->ready(pump->arg, events & ZMQ_POLLIN, writable);
  }
}

enum err pump_open(uv_loop_t *loop, void *socket, pump_ready ready, void *arg, struct pump **ret_pump) {
  int fd = -1;
  size_t size = sizeof fd;
  if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0) {
    return ERR_IO;
  }
  struct pump *pump = calloc(1, sizeof *pump);
  ASSERT(pump);
  pump->socket = socket;
  pump->ready = ready;
  pump->arg = arg;
  pump->handles_open = HANDLES;
  pump->poll.data = pump->prepare.data = pump->check.data = pump->idle.data = pump->rest.data = pump;
  if (uv_poll_init(loop, &pump->poll, fd) != 0) {
    free(pump);
    return ERR_IO;
  }
  /* These cannot fail: they only put the handles on the loop's lists. */
  (void)uv_prepare_init(loop, &pump->prepare);
  (void)uv_check_init(loop, &pump->check);
  (void)uv_idle_init(loop, &pump->idle);
  (void)uv_timer_init(loop, &pump->rest);
  (void)uv_poll_start(&pump->poll, UV_READABLE, on_poll);
  (void)uv_prepare_start(&pump->prepare, on_prepare);
  (void)uv_check_start(&pump->check, on_check);
  *ret_pump = pump;
  return ERR_OK;
}

static void on_closed(uv_handle_t *handle) {
  struct pump *pump = handle->data;
  if (--pump->handles_open == 0) {
    free(pump);
  }
}

void pump_close(struct pump **at) {
  struct pump *pump = *at;
  *at = NULL;
  if (!pump) {
    return;
  }
  uv_handle_t *handles[HANDLES] = {(uv_handle_t *)&pump->poll, (uv_handle_t *)&pump->prepare,
                                   (uv_handle_t *)&pump->check, (uv_handle_t *)&pump->idle, (uv_handle_t *)&pump->rest};
  for (int i = 0; i < HANDLES; i++) {
    uv_close(handles[i], on_closed); /* first: the poll handle lets go of the descriptor before the socket closes it */
  }
  (void)zmq_close(pump->socket);
  pump->socket = NULL;
}

/* The prepare phase, which comes after the timers, looks again. */
static void on_rested(uv_timer_t *handle) {
  (void)handle;
}

void pump_rest(struct pump *pump, uint64_t delay_ms) {
  (void)uv_timer_start(&pump->rest, on_rested, delay_ms, 0);
}

void pump_want_writable(struct pump *pump) {
  pump->want_writable = true;
}
