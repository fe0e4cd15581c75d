/* wire/tally.h — how many bytes a connection has brought, as the kernel counts them. For this room only. */
#ifndef KURATOR_WIRE_TALLY_H
#define KURATOR_WIRE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* False when the kernel does not count: anything but TCP. */
bool tally_received(int fd, uint64_t *ret_bytes);

#endif
