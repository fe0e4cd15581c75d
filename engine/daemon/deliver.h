/*
 * daemon/deliver.h — a delivery of the runtime as the bytes of kurator.v1.Delivery.
 *
 * Purpose: what the schema of that kind of delivery names becomes its field, everything else goes into `data`, and the
 * personal fields that the participant may see into `data.person`. No field of a process is known here.
 * Threading: no shared state.
 */
#ifndef KURATOR_DAEMON_DELIVER_H
#define KURATOR_DAEMON_DELIVER_H

#include "runtime/runtime.h"

/* For runtime_ports.delivery_encode. */
enum err deliver_encode(void *arg, const struct runtime_delivery *delivery, struct writer *w);

#endif
