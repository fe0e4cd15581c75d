#include "wire/monitor.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum { TURN_EVENTS_MAX = 512, EVENT_SIZE = 6 };

/* An event is a part of six bytes, native order: what (16 bits) and a number (32 bits); then the endpoint's text. */
static bool event_read(void *reader, int *ret_event, int *ret_value) {
  uint8_t bytes[EVENT_SIZE];
  char endpoint[1];
  if (zmq_recv(reader, bytes, sizeof bytes, ZMQ_DONTWAIT) != EVENT_SIZE) {
    return false;
  }
  (void)zmq_recv(reader, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
  uint16_t event = 0;
  int32_t value = 0;
  memcpy(&event, bytes, sizeof event);
  memcpy(&value, bytes + sizeof event, sizeof value);
  *ret_event = event;
  *ret_value = value;
  return true;
}

void monitor_read(struct monitor *monitor) {
  int event = 0;
  int value = 0;
  for (int i = 0; i < TURN_EVENTS_MAX && monitor->reader && event_read(monitor->reader, &event, &value); i++) {
    monitor->on_event(monitor->arg, event, value);
  }
}

static void on_ready(void *arg, bool readable, bool writable) {
  (void)readable;
  (void)writable;
  monitor_read(arg);
}

enum err monitor_open(struct monitor *monitor, void *context, uv_loop_t *loop, void *watched,
                      void (*on_event)(void *arg, int event, int value), void *arg) {
  char address[64];
  (void)snprintf(address, sizeof address, "inproc://monitor-%p", watched);
  *monitor = (struct monitor){.watched = watched, .on_event = on_event, .arg = arg};
  int linger = 0;
  if (zmq_socket_monitor(watched, address, MONITOR_EVENTS) != 0) {
    return ERR_IO;
  }
  void *reader = zmq_socket(context, ZMQ_PAIR);
  bool connected =
      reader && zmq_setsockopt(reader, ZMQ_LINGER, &linger, sizeof linger) == 0 && zmq_connect(reader, address) == 0;
  if (!connected || (loop && pump_open(loop, reader, on_ready, monitor, &monitor->pump) != ERR_OK)) {
    if (reader) {
      (void)zmq_close(reader);
    }
    (void)zmq_socket_monitor(watched, NULL, 0);
    return ERR_IO;
  }
  monitor->reader = reader;
  return ERR_OK;
}

void monitor_close(struct monitor *monitor) {
  if (!monitor->reader) {
    return;
  }
  (void)zmq_socket_monitor(monitor->watched, NULL, 0);
  if (monitor->pump) {
    pump_close(&monitor->pump);
  } else {
    (void)zmq_close(monitor->reader);
  }
  monitor->reader = NULL;
}
