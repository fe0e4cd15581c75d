/*
 * content.c — executable content of the namespace: k:status, k:notify, k:incident, k:withdraw, k:inform.
 *
 * They take effect at once, in the order in which the chart runs them. An error here becomes error.execution in the
 * chart.
 */
#include "casework/payload.h"
#include "casework/step.h"

enum { REASON_MAX = 200 };

/* The case's status; a parent hears of it. */
static enum err run_status(struct step *s, const struct value *data, struct fault *fault) {
  struct case_file *c = s->c;
  struct span status = value_get_text(data, "value");
  if (!payload_key_valid(status)) {
    return fault_set(fault, ERR_SCRIPT, "status: value is no code");
  }
  c->status = case_text(c, c->status, status);
  c->reason = case_text(c, c->reason, value_get_text(data, "reason"));
  c->status_at = s->now;
  const struct value_field fields[] = {
      FIELD("key", data_text(effect_text(s, c->identity.key))),
      FIELD("status", value_text(effect_text(s, c->status))),
      FIELD("to", data_text(effect_text(s, c->addressee))),
      FIELD("reason", data_text(effect_text(s, c->reason))),
  };
  struct span event = arena_printf(s->arena, "referral.%.*s.%.*s", SPAN_ARG(c->identity.invoke), SPAN_ARG(c->status));
  effect_parent(s, event, DATA_MAP(s, fields));
  return ERR_OK;
}

/* In another place than the case's: those who serve it, and not the addressee. */
static enum err run_notify(struct step *s, const struct value *data, struct fault *fault) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct role_rule *role = catalogue_role(catalogue, value_get_text(data, "role"));
  const struct value *content = value_get(data, "data");
  const struct value *where = value_get(data, "territory");
  const struct territory *territory = catalogue_territory(catalogue, value_get_text(data, "territory"));
  bool placed = where && where->kind != VALUE_NIL;
  if (!role || (placed && !territory)) {
    return fault_set(fault, ERR_SCRIPT, "notify: no such role or territory in the catalogue");
  }
  struct text_list participants = placed ? role_in_territory(s, role, territory->code) : role_participants(s, role);
  const struct delivery delivery = {.kind = DELIVERY_NOTICE,
                                    .subject = value_get_text(data, "template"),
                                    .data = content ? value_copy(s->arena, content) : value_nil()};
  effect_deliveries(s, &delivery, &participants);
  if (participants.count == 0) {
    effect_incident(s, "no-participant", arena_printf(s->arena, "notice %.*s", SPAN_ARG(delivery.subject)));
  }
  return ERR_OK;
}

static enum err run_incident(struct step *s, const struct value *data, struct fault *fault) {
  struct span reason = value_get_text(data, "reason");
  if (span_empty(reason) || reason.size > REASON_MAX) {
    return fault_set(fault, ERR_SCRIPT, "incident: a reason of at most %d bytes is wanted", REASON_MAX);
  }
  struct case_effect *effect = effect_add(s, CASE_EFFECT_INCIDENT);
  effect->reason = effect_text(s, reason);
  return ERR_OK;
}

static enum err run_withdraw(struct step *s, const struct value *data, struct fault *fault) {
  (void)fault;
  struct span reason = value_get_text(data, "reason");
  offer_withdraw(s, reason);
  return ERR_OK;
}

/* The root case PROCESS.KEY, which no sender can begin: its name says that a chart keeps it. */
static enum err run_inform(struct step *s, const struct value *data, struct fault *fault) {
  const struct catalogue *catalogue = s->c->casework->options.catalogue;
  const struct process *process = casework_process(s->c->casework, value_get_text(data, "process"));
  struct span key = value_get_text(data, "key");
  struct span event = value_get_text(data, "event");
  struct span owner = value_get_text(data, "participant");
  const struct participant *participant = catalogue_participant(catalogue, owner);
  const struct value *content = value_get(data, "data");
  if (!process || !payload_key_valid(key) || !payload_key_valid(event) ||
      process->name.size + 1 + key.size > CASE_ROOT_MAX || (!span_empty(owner) && !participant)) {
    return fault_set(fault, ERR_SCRIPT, "inform: a process, a key and an event are wanted, and a known participant");
  }
  struct case_effect *effect = effect_add(s, CASE_EFFECT_EVENT);
  effect->case_id = arena_printf(s->arena, "%.*s.%.*s", SPAN_ARG(process->name), SPAN_ARG(key));
  effect->process = process->name;
  effect->participant = participant ? participant->id : (struct span){0};
  effect->event = arena_printf(s->arena, "inform.%.*s", SPAN_ARG(event));
  effect->data = content ? value_copy(s->arena, content) : value_nil();
  return ERR_OK;
}

static const struct child *running_part(const struct case_file *c, struct span invokeid) {
  for (size_t i = c->children_count; i-- > 0;) {
    const struct child *child = &c->children[i];
    if (span_equal(child->invoke, invokeid) && child->part && !child->ended && !child->cancelled) {
      return child;
    }
  }
  return NULL;
}

static enum err run_send(struct step *s, const struct chart_send *send, struct fault *fault) {
  static const struct span prefix = {(const uint8_t *)"#_", 2};
  const struct child *part = NULL;
  if (span_starts_with(send->target, prefix)) {
    part = running_part(s->c, span_of(send->target.data + prefix.size, send->target.size - prefix.size));
  }
  if (!part) {
    return fault_set(fault, ERR_UNREACHABLE, "nobody answers at the target of a send");
  }
  struct case_effect *effect = effect_add(s, CASE_EFFECT_EVENT);
  effect->case_id = effect_text(s, part->id);
  effect->event = effect_text(s, send->event);
  effect->data = value_copy(s->arena, &send->data);
  return ERR_OK;
}

enum err case_content_run(struct step *s, const struct chart_send *send, struct fault *fault) {
  static const struct {
    const char *type;
    enum err (*run)(struct step *, const struct value *, struct fault *);
  } table[] = {
      {"urn:kurator:status", run_status},     {"urn:kurator:notify", run_notify},
      {"urn:kurator:incident", run_incident}, {"urn:kurator:withdraw", run_withdraw},
      {"urn:kurator:inform", run_inform},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (span_is(send->type, table[i].type)) {
      return table[i].run(s, &send->data, fault);
    }
  }
  return run_send(s, send, fault);
}
