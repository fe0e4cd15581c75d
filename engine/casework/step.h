/*
 * casework/step.h — one step while it runs, and what the files of this room do in it.
 *
 * Purpose: the context that lives for one call of case_step. Every function here works on the step's case and adds
 * effects; nothing outlives the call but the case and the effects.
 *
 * Ownership: texts of effects are copied into the arena of the effects or belong to the configuration.
 */
#ifndef KURATOR_CASEWORK_STEP_H
#define KURATOR_CASEWORK_STEP_H

#include "casework/state.h"

/* An event that this room tells the case's own chart, in the same step. */
struct told {
  struct told *next;
  struct chart_event event;
  struct span otherwise; /* reason of an incident if no transition takes it; empty: it may be ignored */
};

/* An element that the chart has started or stopped, in order, until the macrostep is over. */
struct change {
  struct change *next;
  bool start;
  bool void_; /* started and stopped within one call: it never was */
  const struct element *element;
  struct span invokeid;
  struct value params;
};

struct touched {
  struct touched *next;
  struct span executor;
};

struct step {
  struct case_file *c;
  const struct case_input *input;
  civil_moment now;
  civil_moment occurred_at;
  struct span territory_before; /* the case's when the step began */
  struct case_effects *effects;
  struct arena *arena; /* of the effects */
  struct fault *fault;
  struct chart_moment moment;
  struct chart_host host;
  struct told *told_first, **told_last;
  struct change *changes_first, **changes_last;
  uint32_t told_count;
  bool fault_seen;                         /* some live_fault since it was last cleared */
  struct touched *touched, **touched_last; /* executors whose extracts may be others now, each once */
};

/* ---- effect.c ---- */

struct case_effect *effect_add(struct step *s, enum case_effect_kind kind);
/* A text of the case, for an effect. */
struct span effect_text(struct step *s, struct span text);
void effect_incident(struct step *s, const char *reason, struct span detail);
void effect_deadline(struct step *s, const struct deadline *deadline);
struct deadline effect_deadline_copy(struct step *s, const struct deadline *deadline);
/* Sets a timer, or moves it, or clears it with CIVIL_MOMENT_NONE. */
void effect_timer(struct step *s, struct case_timer *timer, uint32_t slot, civil_moment due);
struct delivery {
  enum delivery_kind kind;
  struct span subject, event, reason;
  struct value data;
  const struct deadline *deadline; /* of a DELIVERY_DEADLINE */
};
void effect_delivery(struct step *s, const struct delivery *delivery, struct span participant);
void effect_deliveries(struct step *s, const struct delivery *delivery, const struct text_list *participants);
/* An event for the parent; nothing for a root case. */
void effect_parent(struct step *s, struct span event, struct value data);
/* Who stands behind a role in this case: its addressee if of that kind, else all of the territory, in order of ids. */
struct text_list role_participants(struct step *s, const struct role_rule *role);
/* Who stands behind it in that place. */
struct text_list role_in_territory(struct step *s, const struct role_rule *role, struct span territory);
/* Maps for data, of pairs in any order; a nil value leaves its field out. */
struct value data_map(struct step *s, const struct value_field *fields, size_t count);
struct value data_date(struct step *s, civil_day day); /* nil for CIVIL_DAY_NONE */
#define FIELD(name, v)                                                                                                 \
  { SPAN_LITERAL(name), (v) }
#define DATA_MAP(s, fields) data_map((s), (fields), sizeof(fields) / sizeof *(fields))
/* The text or nil for an empty one. */
struct value data_text(struct span text);

/* Tells the case's own chart something, once the present call is over. */
void step_tell(struct step *s, struct span event, struct value data, struct span invokeid, const char *otherwise);

/* ---- watch.c ---- */

struct anchor {
  civil_day from; /* CIVIL_DAY_NONE: nothing to count from yet */
  struct span term_text;
  struct term term;
  civil_day not_after;
  civil_day done; /* it was done already before it opened; CIVIL_DAY_NONE: not that the chart knew */
};
/* Opens, recomputes or cancels the deadline of an element so that it rests on `anchor`; `slot` remembers which one. */
enum err watch_follow(struct step *s, struct live *live, struct span key, const struct anchor *anchor,
                      uint32_t *slot) MUST_CHECK;
enum err watch_refresh(struct step *s, struct live *live) MUST_CHECK; /* k:deadline */
void watch_leave(struct step *s, uint32_t serial);                    /* its state was left */
void watch_cancel(struct step *s, uint32_t slot);
/* The case has ended by what occurred on this day: what would have been due only then or later is nobody's miss. */
void watch_take_back(struct step *s, civil_day day);
/* Did the event meet a deadline, or end one? By the day on which it occurred. */
enum err watch_meet_event(struct step *s, const struct chart_event *event, bool *ret_met) MUST_CHECK;
void watch_meet_status(struct step *s, uint32_t slot, struct span status);
/* A pause begins for it, or ends: it is due `days` working days later. */
void watch_hold(struct step *s, struct watch *watch);
void watch_release(struct step *s, struct watch *watch, int32_t days);
/* The earliest timer that is due; CIVIL_MOMENT_NONE if none. */
struct watch *watch_due(struct step *s, civil_moment *ret_due);
void watch_fire(struct step *s, struct watch *watch);
bool watch_owns_timer(const struct case_file *c, uint32_t slot, uint64_t generation);

/* Evaluates an attribute; a script's error becomes an incident of the element, told once, and *ret_ok false. */
enum err live_attribute(struct step *s, struct live *live, const char *name, struct value *ret_value,
                        bool *ret_ok) MUST_CHECK;
void live_fault(struct step *s, struct live *live, const char *name, const char *why);

/* ---- pause.c ---- */

void pause_refresh(struct step *s);
void pause_end(struct step *s, const struct live *pause); /* its state was left */

/* ---- task.c, children.c, offer.c, content.c ---- */

void task_refresh(struct step *s, struct live *live);
void task_withdraw(struct step *s, struct live *live);
/* The case has moved: the task goes to those behind its role in the new place. */
void task_move(struct step *s, struct live *live);

void child_start_case(struct step *s, struct live *live, const struct value *params);
enum err referrals_refresh(struct step *s, struct live *live) MUST_CHECK;
void children_cancel(struct step *s, uint32_t serial); /* 0: all */
/* Tells those that run that this case has moved: case.moved, with the territory. */
void children_move(struct step *s);
/* An event of a child. True if it is for the chart; otherwise all has been done. */
bool child_heard(struct step *s, struct child *child);

void offer_make(struct step *s, struct live *live, const struct value *params);
void offer_release(struct step *s); /* the addressee has one referral less */
void offer_withdraw(struct step *s, struct span reason);

enum err case_content_run(struct step *s, const struct chart_send *send, struct fault *fault) MUST_CHECK;

#endif
