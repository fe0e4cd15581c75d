/*
 * ops/cli/delivery.h — what is put before a participant in a rehearsal, as a line.
 *
 * {"type":"delivery","at","kind","to","case"[,"process"][,"subject"][,"event"][,"reason"][,"data"]}, for examples
 * (example.h) and `kurator rehearse --deliveries`. The daemon's own form of a delivery is the protocol's.
 */
#ifndef KURATOR_CLI_DELIVERY_H
#define KURATOR_CLI_DELIVERY_H

#include "runtime/line.h"
#include "runtime/runtime.h"

/* The line lies in `w`, overwritten. */
static inline struct span delivery_line(const struct runtime_delivery *delivery, struct writer *w) {
  static const char *const kinds[] = {
      [RUNTIME_DELIVERY_OFFER] = "offer",       [RUNTIME_DELIVERY_OFFER_WITHDRAWN] = "offer-withdrawn",
      [RUNTIME_DELIVERY_TASK] = "task",         [RUNTIME_DELIVERY_TASK_WITHDRAWN] = "task-withdrawn",
      [RUNTIME_DELIVERY_NOTICE] = "notice",     [RUNTIME_DELIVERY_DEADLINE] = "deadline",
      [RUNTIME_DELIVERY_INCIDENT] = "incident",
  };
  writer_reset(w);
  line_text(w, "type", SPAN_LITERAL("delivery"));
  line_moment(w, "at", delivery->recorded_at);
  line_text(w, "kind", span_of_cstr(kinds[delivery->kind]));
  line_text(w, "to", delivery->participant->id);
  line_text(w, "case", delivery->case_id);
  line_text_if_any(w, "process", delivery->process);
  line_text_if_any(w, "subject", delivery->subject);
  line_text_if_any(w, "event", delivery->event);
  line_text_if_any(w, "reason", delivery->reason);
  if (delivery->data.kind == VALUE_MAP) {
    line_value(w, "data", delivery->data);
  }
  line_end(w);
  return writer_span(w);
}

#endif
