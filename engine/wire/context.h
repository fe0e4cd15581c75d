/* wire/context.h — what servers and clients need of struct wire. For this room only. */
#ifndef KURATOR_WIRE_CONTEXT_H
#define KURATOR_WIRE_CONTEXT_H

#include <uv.h>

#include "wire/wire.h"

struct pump;

struct wire {
  void *context;
  uv_loop_t *loop;
  wire_admit admit;
  void *admit_arg;
  struct pump *zap;
  void *zap_socket; /* the pump's */
  int sockets;      /* servers and clients not yet closed */
};

#endif
