/*
 * daemon/deliver.h — a delivery of the runtime as the bytes of kurator.v1.Delivery.
 *
 * Purpose: what the schema of that kind of delivery names becomes its field, everything else goes into `data`. No field
 * of a process is known here. The stream keeps clear data only; the personal fields that the participant may see are
 * put into `data.person` when a delivery is sent, from the sealed record: when its key is gone, nothing is left.
 * Threading: no shared state.
 */
#ifndef KURATOR_DAEMON_DELIVER_H
#define KURATOR_DAEMON_DELIVER_H

#include "daemon/daemon.h"

/* For runtime_ports.delivery_encode. */
enum err deliver_encode(void *arg, const struct runtime_delivery *delivery, struct writer *w);
/* The bytes as they are sent, from `arena`; not while the store is walked. What cannot be completed stays as it is. */
struct span deliver_complete(const struct daemon *daemon, const struct participant *participant, struct span bytes,
                             struct arena *arena);

#endif
