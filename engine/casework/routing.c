/*
 * routing.c — who is offered a kind of help.
 *
 * A participant fits when its kind may be offered the help, when it gives that help and serves the case's territory:
 * the settlement, its municipality, or the whole region. It is free when it is not excluded and has room for one more.
 * Of those that are both: the one that the chart prefers, then the kind that stands first in the routing table, then
 * who names the settlement itself, then who is open at the moment, then the least load in proportion to capacity, then
 * the id. So the choice depends on nothing but the configuration, the chart, the moment and the counters of open
 * referrals.
 *
 * Whom the chart names has to fit: when none of the named does, nobody else is chosen in their place, because whoever
 * named them meant something else. One that fits and is not free is passed over for the next.
 */
#include "casework/routing.h"

#include "casework/office.h"

enum {
  ROUTING_UNBOUNDED = 1000,    /* participants without a bound share out as if they had this much room */
  ROUTING_COUNT_MAX = 1 << 30, /* beyond it nothing is compared any more; products stay in 64 bits */
};

static bool names_participant(const struct value *v, struct span id) {
  if (v->kind == VALUE_TEXT) {
    return span_equal(v->text, id);
  }
  for (size_t i = 0; v->kind == VALUE_LIST && i < v->list.count; i++) {
    const struct value *item = &v->list.items[i];
    if (item->kind == VALUE_TEXT && span_equal(item->text, id)) {
      return true;
    }
  }
  return false;
}

static bool names_anybody(const struct value *v) {
  return (v->kind == VALUE_TEXT && !span_empty(v->text)) || (v->kind == VALUE_LIST && v->list.count > 0);
}

static const struct routing_rule *rule_for(const struct catalogue *catalogue, struct span help) {
  for (size_t i = 0; i < catalogue->routing_count; i++) {
    if (span_equal(catalogue->routing[i].help, help)) {
      return &catalogue->routing[i];
    }
  }
  return NULL;
}

static bool rank_of(const struct routing_rule *rule, struct span kind, size_t *ret_rank) {
  for (size_t i = 0; i < rule->kinds.count; i++) {
    if (span_equal(rule->kinds.items[i], kind)) {
      *ret_rank = i;
      return true;
    }
  }
  return false;
}

static int64_t bounded(int64_t count) {
  return count > ROUTING_COUNT_MAX ? ROUTING_COUNT_MAX : count;
}

static int64_t load_of(const struct routing_query *query, const struct participant *p) {
  int64_t load = query->load ? query->load(query->load_arg, p->id) : 0;
  return load < 0 ? 0 : bounded(load);
}

static int64_t room_of(const struct participant *p) {
  return p->capacity > 0 ? bounded(p->capacity) : ROUTING_UNBOUNDED;
}

static bool is_settlement(const struct routing_query *query) {
  const struct territory *territory = catalogue_territory(query->catalogue, query->territory);
  return territory && !span_empty(territory->within);
}

static bool names_territory(const struct participant *p, struct span territory) {
  for (size_t i = 0; i < p->territories.count; i++) {
    if (span_equal(p->territories.items[i], territory)) {
      return true;
    }
  }
  return false;
}

static enum routing_reason judge(const struct routing_query *query, const struct routing_rule *rule,
                                 struct routing_verdict *v) {
  const struct participant *p = v->participant;
  if (!rank_of(rule, p->kind, &v->rank)) {
    return ROUTING_KIND;
  }
  if (!text_list_has(&p->helps, rule->help)) {
    return ROUTING_HELP;
  }
  if (!participant_serves(p, query->territory)) {
    return ROUTING_TERRITORY;
  }
  v->preferred = names_participant(query->prefer, p->id);
  if (names_participant(query->exclude, p->id)) {
    return ROUTING_EXCLUDED;
  }
  v->load = load_of(query, p);
  return p->capacity > 0 && v->load >= p->capacity ? ROUTING_FULL : ROUTING_BEHIND;
}

/* Participants come in order of their ids: the first of equals stays. */
static bool goes_before(const struct routing_verdict *a, const struct routing_verdict *b) {
  if (a->preferred != b->preferred) {
    return a->preferred;
  }
  if (a->rank != b->rank) {
    return a->rank < b->rank;
  }
  if (a->near != b->near) {
    return a->near;
  }
  if (a->open != b->open) {
    return a->open;
  }
  return a->load * room_of(b->participant) < b->load * room_of(a->participant);
}

/* The rest of what the order looks at, for one that fits. */
static void complete(const struct routing_query *query, bool settlement, struct routing_verdict *v) {
  v->near = settlement && names_territory(v->participant, query->territory);
  v->open = office_is_open(&v->participant->office, query->calendar, query->now);
}

/* One pass over all participants; `verdicts` may be NULL. */
static const struct participant *choose(const struct routing_query *query, struct routing_verdict *verdicts,
                                        bool *ret_unfit) {
  const struct catalogue *catalogue = query->catalogue;
  const struct routing_rule *rule = rule_for(catalogue, query->help);
  struct routing_verdict best = {0};
  bool settlement = rule && is_settlement(query);
  bool recalled = false;
  *ret_unfit = rule && names_anybody(query->prefer);
  for (size_t i = 0; rule && i < catalogue->participants_count; i++) {
    struct routing_verdict v = {.participant = &catalogue->participants[i]};
    v.reason = judge(query, rule, &v);
    *ret_unfit = *ret_unfit && !v.preferred;
    bool again = !span_empty(query->recalled) && span_equal(v.participant->id, query->recalled);
    if (v.reason == ROUTING_BEHIND || (again && v.reason == ROUTING_FULL)) {
      complete(query, settlement, &v);
      best = !best.participant || again || (!recalled && goes_before(&v, &best)) ? v : best;
      recalled = recalled || again;
    }
    if (verdicts) {
      verdicts[i] = v;
    }
  }
  return *ret_unfit ? NULL : best.participant;
}

const struct participant *routing_choose(const struct routing_query *query, bool *ret_unfit) {
  return choose(query, NULL, ret_unfit);
}

bool routing_explain(const struct routing_query *query, struct routing_verdict *verdicts,
                     const struct participant **ret_chosen, bool *ret_unfit) {
  const struct catalogue *catalogue = query->catalogue;
  *ret_chosen = choose(query, verdicts, ret_unfit);
  bool known = rule_for(catalogue, query->help) != NULL;
  for (size_t i = 0; known && i < catalogue->participants_count; i++) {
    if (verdicts[i].participant == *ret_chosen) {
      verdicts[i].reason = ROUTING_CHOSEN;
    } else if (verdicts[i].reason == ROUTING_BEHIND && *ret_unfit) {
      verdicts[i].reason = ROUTING_UNNAMED;
    }
  }
  return known;
}
