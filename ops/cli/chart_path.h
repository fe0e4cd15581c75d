/*
 * ops/cli/chart_path.h — where a case is in its chart, and how it came there.
 *
 * Purpose: plays events through the real engine on a virtual clock (runtime/rehearse.h) and notes what the chart of one
 * case enters and leaves. The events come from a file, as `kurator rehearse` takes it, or an example's, or from the
 * journal of a running kuratord; then the states that the daemon itself shows are the ones that count.
 *
 * Ownership: the trail lives in the outline's arena. Threading: one owner.
 */
#ifndef KURATOR_CLI_CHART_PATH_H
#define KURATOR_CLI_CHART_PATH_H

#include "chart_dot.h"
#include "client.h"

struct path_request {
  const char *case_id; /* as the outside calls it: NUMBER, or NUMBER/MEASURE */
  const char *events;  /* a file; NULL: the journal of the daemon */
  const char *until;   /* date; NULL: an example's, else the day of the last event, of the daemon its clock */
  const char *config;  /* as it was given; may be NULL */
  struct client_options client;
};

/* CLI_OK, or an exit code after the reason has been told. */
int chart_path_find(struct outline *outline, const struct path_request *request, struct chart_trail *ret_trail);

#endif
