/*
 * routing.c — who is offered a kind of help.
 *
 * A participant fits when its kind may be offered the help, when it gives that help, serves the case's territory, is
 * not excluded, and has room for one more. Of those that fit: the one that the chart prefers, then the kind that stands
 * first in the routing table, then the least load in proportion to capacity, then the id. So the choice depends on
 * nothing but the configuration, the chart and the counters of open referrals.
 */
#include "casework/step.h"

enum {
  ROUTING_UNBOUNDED = 1000,    /* participants without a bound share out as if they had this much room */
  ROUTING_COUNT_MAX = 1 << 30, /* beyond it nothing is compared any more; products stay in 64 bits */
};

struct candidate {
  const struct participant *participant;
  bool preferred;
  size_t rank;
  int64_t load, room;
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

static int64_t load_of(const struct step *s, const struct participant *p) {
  const struct casework_ports *ports = &s->c->casework->options.ports;
  int64_t load = ports->load ? ports->load(ports->arg, p->id) : 0;
  return load < 0 ? 0 : bounded(load);
}

static bool fits(const struct step *s, const struct routing_rule *rule, struct span help, const struct participant *p,
                 struct candidate *ret_candidate) {
  size_t rank;
  if (!rank_of(rule, p->kind, &rank) || !text_list_has(&p->helps, help) || !participant_serves(p, s->c->territory)) {
    return false;
  }
  int64_t load = load_of(s, p);
  if (p->capacity > 0 && load >= p->capacity) {
    return false;
  }
  *ret_candidate = (struct candidate){p, false, rank, load, p->capacity > 0 ? bounded(p->capacity) : ROUTING_UNBOUNDED};
  return true;
}

/* Participants come in order of their ids: the first of equals stays. */
static bool goes_before(const struct candidate *a, const struct candidate *b) {
  if (a->preferred != b->preferred) {
    return a->preferred;
  }
  if (a->rank != b->rank) {
    return a->rank < b->rank;
  }
  return a->load * b->room < b->load * a->room;
}

const struct participant *routing_choose(const struct step *s, struct span help, const struct value *exclude,
                                         const struct value *prefer) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct routing_rule *rule = rule_for(catalogue, help);
  struct candidate best = {0};
  for (size_t i = 0; rule && i < catalogue->participants_count; i++) {
    const struct participant *p = &catalogue->participants[i];
    struct candidate candidate;
    if (names_participant(exclude, p->id) || !fits(s, rule, help, p, &candidate)) {
      continue;
    }
    candidate.preferred = names_participant(prefer, p->id);
    if (!best.participant || goes_before(&candidate, &best)) {
      best = candidate;
    }
  }
  return best.participant;
}
