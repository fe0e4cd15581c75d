/*
 * routing.c — who is offered a kind of help.
 *
 * A participant fits when its kind may be offered the help, when it gives that help and serves the case's territory. It
 * is free when it is not excluded and has room for one more. Of those that are both: the one that the chart prefers,
 * then the kind that stands first in the routing table, then the least load in proportion to capacity, then the id. So
 * the choice depends on nothing but the configuration, the chart and the counters of open referrals.
 *
 * Whom the chart names has to fit: when none of the named does, nobody else is chosen in their place, because whoever
 * named them meant something else. One that fits and is not free is passed over for the next.
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

static bool fits(const struct step *s, const struct routing_rule *rule, const struct participant *p, size_t *ret_rank) {
  return rank_of(rule, p->kind, ret_rank) && text_list_has(&p->helps, rule->help) &&
         participant_serves(p, s->c->territory);
}

static bool has_room(const struct step *s, const struct participant *p, size_t rank, struct candidate *ret_candidate) {
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

static bool names_anybody(const struct value *v) {
  return (v->kind == VALUE_TEXT && !span_empty(v->text)) || (v->kind == VALUE_LIST && v->list.count > 0);
}

const struct participant *routing_choose(const struct step *s, struct span help, const struct value *exclude,
                                         const struct value *prefer, bool *ret_unfit) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct routing_rule *rule = rule_for(catalogue, help);
  struct candidate best = {0};
  *ret_unfit = rule && names_anybody(prefer);
  for (size_t i = 0; rule && i < catalogue->participants_count; i++) {
    const struct participant *p = &catalogue->participants[i];
    struct candidate candidate;
    size_t rank;
    if (!fits(s, rule, p, &rank)) {
      continue;
    }
    bool preferred = names_participant(prefer, p->id);
    *ret_unfit = *ret_unfit && !preferred;
    if (names_participant(exclude, p->id) || !has_room(s, p, rank, &candidate)) {
      continue;
    }
    candidate.preferred = preferred;
    if (!best.participant || goes_before(&candidate, &best)) {
      best = candidate;
    }
  }
  return *ret_unfit ? NULL : best.participant;
}
