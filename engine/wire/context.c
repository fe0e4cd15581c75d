/*
 * The ZeroMQ context and its ZAP handler (ZMQ RFC 27).
 *
 * libzmq's I/O threads ask the handler over inproc before a CURVE connection is let in. The handler is bound before any
 * server is, on the loop, so that `admit` may read the owner's tables without a lock; every answer carries the key as
 * User-Id. Without `admit` nobody is let in.
 */
#include "wire/context.h"

#include <stdlib.h>
#include <zmq.h>

#include "wire/pump.h"

enum { ZAP_PARTS = 7, ZAP_PART_MAX = 256, ZAP_TURN_MAX = 64 };
enum zap_part { ZAP_VERSION, ZAP_REQUEST, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_CREDENTIALS };

struct zap_request {
  uint8_t bytes[ZAP_PARTS][ZAP_PART_MAX];
  size_t sizes[ZAP_PARTS];
};

/* False when there is none. A request of another shape is read to its end and left with empty parts. */
static bool zap_receive(void *socket, struct zap_request *request) {
  int more = 1;
  for (size_t i = 0; more; i++) {
    uint8_t surplus[1];
    bool fits = i < ZAP_PARTS;
    int size = zmq_recv(socket, fits ? request->bytes[i] : surplus, fits ? ZAP_PART_MAX - 1 : 0, ZMQ_DONTWAIT);
    if (size < 0) {
      return false;
    }
    if (fits) {
      request->sizes[i] = size < ZAP_PART_MAX ? (size_t)size : 0;
      request->bytes[i][request->sizes[i]] = '\0';
    }
    size_t more_size = sizeof more;
    if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) != 0) {
      return false;
    }
  }
  return true;
}

static bool zap_admits(const struct wire *wire, const struct zap_request *request) {
  bool curve = request->sizes[ZAP_CREDENTIALS] == KEY_CONNECTION &&
               span_is(span_of(request->bytes[ZAP_MECHANISM], request->sizes[ZAP_MECHANISM]), "CURVE");
  return curve && wire->admit &&
         wire->admit(wire->admit_arg, (const char *)request->bytes[ZAP_DOMAIN], request->bytes[ZAP_CREDENTIALS]);
}

static void zap_answer(void *socket, const struct zap_request *request, bool admitted) {
  char user_id[KEY_CONNECTION_TEXT] = "";
  if (admitted) {
    key_connection_format(request->bytes[ZAP_CREDENTIALS], user_id);
  }
  const char *code = admitted ? "200" : "400";
  const char *text = admitted ? "OK" : "key is not admitted";
  (void)zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
  (void)zmq_send(socket, request->bytes[ZAP_REQUEST], request->sizes[ZAP_REQUEST], ZMQ_SNDMORE);
  (void)zmq_send(socket, code, 3, ZMQ_SNDMORE);
  (void)zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
  (void)zmq_send(socket, user_id, strlen(user_id), ZMQ_SNDMORE);
  (void)zmq_send(socket, "", 0, 0);
}

static void zap_ready(void *arg, bool readable, bool writable) {
  struct wire *wire = arg;
  (void)readable;
  (void)writable;
  for (int i = 0; i < ZAP_TURN_MAX; i++) {
    struct zap_request request = {0};
    if (!zap_receive(wire->zap_socket, &request)) {
      return;
    }
    zap_answer(wire->zap_socket, &request, zap_admits(wire, &request));
  }
}

enum err wire_create(const struct wire_options *options, struct wire **ret_wire) {
  struct wire *wire = calloc(1, sizeof *wire);
  ASSERT(wire);
  wire->loop = options->loop;
  wire->admit = options->admit;
  wire->admit_arg = options->admit_arg;
  wire->context = zmq_ctx_new();
  wire->zap_socket = wire->context ? zmq_socket(wire->context, ZMQ_REP) : NULL;
  bool bound = wire->zap_socket && zmq_bind(wire->zap_socket, "inproc://zeromq.zap.01") == 0;
  if (!bound || pump_open(wire->loop, wire->zap_socket, zap_ready, wire, &wire->zap) != ERR_OK) {
    if (wire->zap_socket) {
      (void)zmq_close(wire->zap_socket);
    }
    if (wire->context) {
      (void)zmq_ctx_term(wire->context);
    }
    free(wire);
    return ERR_IO;
  }
  *ret_wire = wire;
  return ERR_OK;
}

void wire_destroy(struct wire **at) {
  struct wire *wire = *at;
  *at = NULL;
  if (!wire) {
    return;
  }
  ASSERT(wire->sockets == 0);
  pump_close(&wire->zap);
  while (zmq_ctx_term(wire->context) != 0 && zmq_errno() == EINTR) {
  }
  free(wire);
}
