/*
 * wire/pump.h — one ZeroMQ socket on the uv loop. For this room only.
 *
 * ZMQ_FD is edge-triggered: it says that something may have changed since ZMQ_EVENTS was read last, and nothing more.
 * So ZMQ_EVENTS is read twice in each turn of the loop: in the prepare phase, where a socket that is ready keeps the
 * loop from sleeping (by an idle handle), and in the check phase, where it is served. Whatever other callbacks did to
 * the socket in between cannot be missed.
 *
 * Life cycle: pump_open takes the socket → pump_close stops at once, closes the socket, frees itself from the loop.
 */
#ifndef KURATOR_WIRE_PUMP_H
#define KURATOR_WIRE_PUMP_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"

struct pump;
/* The socket can be read (and written, when that was wanted). Serves a bounded part; it is called again next turn. */
typedef void (*pump_ready)(void *arg, bool readable, bool writable);

enum err pump_open(uv_loop_t *loop, void *socket, pump_ready ready, void *arg, struct pump **ret_pump) MUST_CHECK;
void pump_close(struct pump **at); /* NULL-safe, NULLs; also from inside `ready` */
/* Does not look at the socket for so long: other work of the loop has its turn. */
void pump_rest(struct pump *pump, uint64_t delay_ms);
/* Calls `ready` with `writable` once the socket can be written; then it has to be wanted again. */
void pump_want_writable(struct pump *pump);

#endif
