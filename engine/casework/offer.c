/*
 * offer.c — offering a case to a participant.
 *
 * A case has at most one addressee. Each offer gets a number, one more than the last: an answer that names an older one
 * is stale (case_permits). From the offer until it is released the addressee carries one referral of load, which is
 * released when the offer is made to somebody else, withdrawn, or the case ends. Who had a withdrawn offer is
 * remembered for those who look, but has no rights from it any more: not the addressee, only the last one.
 */
#include "casework/routing.h"
#include "casework/step.h"

/* Whose case it is without an offer carries nothing. */
static void change_load(struct step *s, int64_t delta) {
  if (s->c->offer == 0) {
    return;
  }
  struct case_effect *effect = effect_add(s, CASE_EFFECT_LOAD);
  effect->participant = effect_text(s, s->c->addressee);
  effect->delta = delta;
}

void offer_release(struct step *s) {
  if (!span_empty(s->c->addressee)) {
    change_load(s, -1);
    s->c->addressee = (struct span){0};
  }
}

void offer_withdraw(struct step *s, struct span reason) {
  struct case_file *c = s->c;
  if (span_empty(c->addressee)) {
    return;
  }
  const struct value_field fields[] = {
      FIELD("offer", value_int(c->offer)),
      FIELD("measure", data_text(effect_text(s, c->identity.key))),
      FIELD("reason", data_text(effect_text(s, reason))),
  };
  const struct delivery delivery = {.kind = DELIVERY_OFFER_WITHDRAWN,
                                    .subject = SPAN_LITERAL("offer"),
                                    .reason = reason,
                                    .data = DATA_MAP(s, fields)};
  effect_delivery(s, &delivery, effect_text(s, c->addressee));
  offer_release(s);
}

static struct value offer_data(struct step *s, const struct value *params) {
  struct value data = element_params(ELEMENT_OFFER, params, s->arena);
  const struct value_field fields[] = {
      FIELD("offer", value_int(s->c->offer)),
      FIELD("measure", data_text(effect_text(s, s->c->identity.key))),
      FIELD("kind", value_text(value_get_text(params, "kind"))),
      FIELD("offered_on", data_date(s, civil_moment_day(s->now))),
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (fields[i].value.kind != VALUE_NIL) {
      data = value_with(s->arena, &data, fields[i].name, fields[i].value);
    }
  }
  return data;
}

static void offer_to(struct step *s, const struct live *live, const struct participant *to,
                     const struct value *params) {
  struct case_file *c = s->c;
  c->addressee = to->id;
  c->last_addressee = to->id;
  c->offer++;
  change_load(s, 1);
  const struct delivery delivery = {
      .kind = DELIVERY_OFFER, .subject = live->element->id, .data = offer_data(s, params)};
  effect_delivery(s, &delivery, to->id);
  const struct value_field fields[] = {
      FIELD("to", value_text(to->id)),
      FIELD("offer", value_int(c->offer)),
      FIELD("offered_on", data_date(s, civil_moment_day(s->now))),
  };
  struct span event = arena_printf(s->arena, "offer.%.*s.made", SPAN_ARG(live->element->id));
  step_tell(s, event, DATA_MAP(s, fields), live->invokeid, NULL);
}

/* What the counters say, and what this step has changed already: whoever gives the case back has room for it again. */
static int64_t load_with_step(void *arg, struct span participant) {
  const struct step *s = arg;
  const struct casework_ports *ports = &s->c->casework->options.ports;
  int64_t load = ports->load ? ports->load(ports->arg, participant) : 0;
  for (size_t i = 0; i < s->effects->count; i++) {
    const struct case_effect *effect = &s->effects->items[i];
    if (effect->kind == CASE_EFFECT_LOAD && span_equal(effect->participant, participant)) {
      load += effect->delta;
    }
  }
  return load;
}

static const struct participant *choose(struct step *s, struct span kind, const struct value *params, bool *ret_unfit) {
  static const struct value nil = {.kind = VALUE_NIL};
  const struct casework_options *options = &s->c->casework->options;
  const struct value *exclude = value_get(params, "exclude");
  const struct value *prefer = value_get(params, "prefer");
  struct span recalled = {0};
  if (options->ports.recall &&
      !options->ports.recall(options->ports.arg, s->c->identity.id, s->c->offer + 1, &recalled)) {
    recalled = (struct span){0};
  }
  const struct routing_query query = {
      .catalogue = options->catalogue,
      .calendar = options->calendar,
      .help = kind,
      .territory = s->c->territory,
      .exclude = exclude ? exclude : &nil,
      .prefer = prefer ? prefer : &nil,
      .recalled = recalled,
      .now = s->now,
      .load = load_with_step,
      .load_arg = s,
  };
  return routing_choose(&query, ret_unfit);
}

void offer_make(struct step *s, struct live *live, const struct value *params) {
  struct span kind = value_get_text(params, "kind");
  if (span_empty(kind)) {
    live_fault(s, live, "kind", "no kind of help");
  }
  offer_release(s);
  bool unfit;
  const struct participant *to = choose(s, kind, params, &unfit);
  if (to) {
    offer_to(s, live, to, params);
    return;
  }
  s->c->last_addressee = (struct span){0};
  const char *reason = unfit ? "executor-unfit" : "unroutable";
  const struct value_field fields[] = {
      FIELD("kind", data_text(kind)),
      FIELD("reason", unfit ? value_text(span_of_cstr(reason)) : value_nil()),
  };
  struct span event = arena_printf(s->arena, "offer.%.*s.none", SPAN_ARG(live->element->id));
  step_tell(s, event, DATA_MAP(s, fields), live->invokeid, reason);
}
