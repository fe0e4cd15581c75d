#include "wire/options.h"

#include <zmq.h>

struct wire_limits wire_limits_default(void) {
  return (struct wire_limits){
      .part_bytes_max = 1 << 20,
      .message_parts_max = 520,
      .message_bytes_max = 16 << 20,
      .handshake_ms = 3000,
      .first_message_ms = 30000,
      .heartbeat_ms = 5000,
      .queue_messages_max = 1000,
      .turn_messages_max = 32,
      .turn_bytes_max = 256 << 10,
      .connections_max = 4096,
  };
}

bool options_int(void *socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

bool options_limits(void *socket, const struct wire_limits *limits) {
  int64_t part_max = (int64_t)limits->part_bytes_max + OPTIONS_PART_OVERHEAD;
  int queue = (int)limits->queue_messages_max;
  return limits->part_bytes_max >= 1024 && zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &part_max, sizeof part_max) == 0 &&
         options_int(socket, ZMQ_HANDSHAKE_IVL, (int)limits->handshake_ms) && options_int(socket, ZMQ_SNDHWM, queue) &&
         options_int(socket, ZMQ_RCVHWM, queue) && options_int(socket, ZMQ_LINGER, OPTIONS_LINGER_MS);
}

bool options_heartbeat(void *socket, const struct wire_limits *limits) {
  int heartbeat = (int)limits->heartbeat_ms;
  return options_int(socket, ZMQ_HEARTBEAT_IVL, heartbeat) &&
         options_int(socket, ZMQ_HEARTBEAT_TIMEOUT, 3 * heartbeat) &&
         options_int(socket, ZMQ_HEARTBEAT_TTL, 3 * heartbeat);
}

bool options_curve_client(void *socket, const uint8_t server_key[KEY_CONNECTION], const struct key_pair *pair) {
  return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, KEY_CONNECTION) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair->connection_public, KEY_CONNECTION) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair->connection_secret, KEY_CONNECTION) == 0;
}
