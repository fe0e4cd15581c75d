/* wire/options.h — socket options shared by server, client and request. For this room only. */
#ifndef KURATOR_WIRE_OPTIONS_H
#define KURATOR_WIRE_OPTIONS_H

#include <stdbool.h>

#include "wire/wire.h"

enum { OPTIONS_LINGER_MS = 500, OPTIONS_PART_OVERHEAD = 64 /* what CURVE adds to a part on the wire, and more */ };

bool options_int(void *socket, int option, int value);
/* Size, handshake, queues, linger. */
bool options_limits(void *socket, const struct wire_limits *limits);
/* For clients only: a server whose queue from a peer is full when that peer dies is aborted by its own heartbeat
 * (libzmq 4.3.4, issues 3937 and 4364). It hears the clients' heartbeats instead. */
bool options_heartbeat(void *socket, const struct wire_limits *limits);
bool options_curve_client(void *socket, const uint8_t server_key[KEY_CONNECTION], const struct key_pair *pair);

#endif
