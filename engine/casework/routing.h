/*
 * casework/routing.h — who is offered a kind of help, and why not the others.
 *
 * Purpose: one choice, made while a case is stepped and, with the same function, explained to whoever asks. What
 * decides, and in which order, stands in routing.c. Pure: depends on nothing but the query.
 */
#ifndef KURATOR_CASEWORK_ROUTING_H
#define KURATOR_CASEWORK_ROUTING_H

#include "calendar/calendar.h"
#include "casework/catalogue.h"

struct routing_query {
  const struct catalogue *catalogue;
  const struct calendar *calendar;
  struct span help;
  struct span territory;       /* code; empty: of no municipality */
  const struct value *exclude; /* who was asked before: a participant's id, a list of them, or nil */
  const struct value *prefer;  /* whom the chart names: the same */
  struct span recalled; /* who got this very offer when it was made; chosen again if it still fits. Empty: nobody */
  civil_moment now;     /* office hours are looked at then */
  int64_t (*load)(void *arg, struct span participant); /* open referrals; NULL: none anywhere */
  void *load_arg;
};

/* Why a participant was not chosen; the first that holds, in this order. */
enum routing_reason {
  ROUTING_CHOSEN,
  ROUTING_KIND,      /* its kind is not offered this help */
  ROUTING_HELP,      /* it does not give it */
  ROUTING_TERRITORY, /* it does not serve the territory */
  ROUTING_EXCLUDED,  /* asked before */
  ROUTING_FULL,
  ROUTING_BEHIND,  /* it fits: somebody goes before it */
  ROUTING_UNNAMED, /* it fits, but the named executor does not, and nobody else is asked in its place */
};
struct routing_verdict {
  const struct participant *participant;
  enum routing_reason reason;
  bool preferred; /* named by the chart */
  bool near;      /* names the settlement itself */
  bool open;      /* by its office hours */
  size_t rank;    /* of its kind in the routing table, 0 first */
  int64_t load;
};

/* NULL if there is none left, or if none of those that are preferred could give this help here at all (*ret_unfit). */
const struct participant *routing_choose(const struct routing_query *query, bool *ret_unfit);
/* The same choice; `verdicts` has room for all participants of the catalogue and gets one each, in its order. False: no
 * rule for this help. */
bool routing_explain(const struct routing_query *query, struct routing_verdict *verdicts,
                     const struct participant **ret_chosen, bool *ret_unfit);

#endif
