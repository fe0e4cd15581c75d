/*
 * wire/monitor.h — what happens to a socket's connections, which the socket itself does not tell. For this room only.
 *
 * Life cycle: monitor_open on a socket that is not yet bound or connected → monitor_close before that socket is closed.
 */
#ifndef KURATOR_WIRE_MONITOR_H
#define KURATOR_WIRE_MONITOR_H

#include <uv.h>

#include "wire/pump.h"

enum { MONITOR_EVENTS = 0xFFFF };

struct monitor {
  void *watched;
  void (*on_event)(void *arg, int event, int value);
  void *arg;
  struct pump *pump; /* NULL: closed, or read by hand */
  void *reader;      /* the PAIR socket; the pump's when there is one */
};

/* `loop` NULL: the owner polls `reader` and calls monitor_read. */
enum err monitor_open(struct monitor *monitor, void *context, uv_loop_t *loop, void *watched,
                      void (*on_event)(void *arg, int event, int value), void *arg) MUST_CHECK;
void monitor_close(struct monitor *monitor);
/* Reports what is there, up to a bounded number. Stops when on_event closed the monitor. */
void monitor_read(struct monitor *monitor);

#endif
