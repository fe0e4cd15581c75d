/*
 * document.c — the register of documents of a case.
 *
 * An edition of a document, told from others by (kind, addressee, number):
 *
 *   an event that says `next` ──▶ edition n+1, in the state that the event says
 *   `known`                   ──▶ the last edition, if there is one, is in another state
 *   neither                   ──▶ the same, and the first edition if there was none
 *   the executor of a measure ──▶ its extract: edition n+1 when its measures, or what stands in the list about one of
 *                                 them, are others than those of the last edition, another state when only their
 * progress is; the last edition is gone when no measure is left
 *
 * Invariants
 * 1. Editions stand in the order in which they came about; those of one document are numbered without a gap.
 * 2. An edition with a later one of the same document is superseded: that is not written down, it is seen.
 * 3. What happens to an executor's measures at one moment makes one edition, however many inputs that takes.
 * 4. The register is made by inputs alone, so that a case that is gone through again has the same one.
 */
#include "casework/document.h"

/* ---- looking up --------------------------------------------------------------------------------------------- */

static bool same_document(const struct case_document *document, struct span kind, struct span to) {
  return span_equal(document->kind, kind) && span_equal(document->to, to);
}

static struct case_document *last_edition(struct case_file *c, struct span kind, struct span to) {
  for (size_t i = c->documents_count; i-- > 0;) {
    if (same_document(&c->documents[i], kind, to)) {
      return &c->documents[i];
    }
  }
  return NULL;
}

bool case_document_superseded(const struct case_document *documents, size_t count, size_t index) {
  for (size_t i = index + 1; i < count; i++) {
    if (same_document(&documents[i], documents[index].kind, documents[index].to)) {
      return true;
    }
  }
  return false;
}

/* ---- writing into it ---------------------------------------------------------------------------------------- */

static bool forget_superseded(struct case_file *c) {
  for (size_t i = 0; i < c->documents_count; i++) {
    if (case_document_superseded(c->documents, c->documents_count, i)) {
      c->documents_count--;
      memmove(&c->documents[i], &c->documents[i + 1], (c->documents_count - i) * sizeof *c->documents);
      return true;
    }
  }
  return false;
}

/* NULL: there is no room, and an incident says so. */
static struct case_document *next_edition(struct step *s, struct span kind, struct span to) {
  struct case_file *c = s->c;
  const struct case_document *before = last_edition(c, kind, to);
  uint32_t edition = before ? before->edition + 1 : 1;
  if (c->documents_count >= CASE_DOCUMENTS_MAX && !forget_superseded(c)) {
    effect_incident(s, "too-many-documents", kind);
    return NULL;
  }
  struct case_document *document = case_document_new(c);
  *document = (struct case_document){.kind = case_text(c, (struct span){0}, kind),
                                     .to = case_text(c, (struct span){0}, to),
                                     .edition = edition,
                                     .journal = s->input->payload,
                                     .made_at = span_empty(to) ? CIVIL_MOMENT_NONE : s->now};
  return document;
}

static void enter_state(struct step *s, struct case_document *document, struct span state) {
  document->state = case_text(s->c, document->state, state);
  document->occurred_at = s->occurred_at;
  document->recorded_at = s->now;
  document->state_journal = s->input->payload;
}

/* ---- documents that events bring ---------------------------------------------------------------------------- */

static bool value_is(const struct value *value, struct span text) {
  if (value->kind == VALUE_BOOL) {
    return span_is(text, value->truth ? "true" : "false");
  }
  return value->kind == VALUE_TEXT && span_equal(value->text, text);
}

static bool holds(const struct event_document *rule, const struct value *data) {
  const struct value *value = span_empty(rule->field) ? NULL : value_find(data, rule->field);
  if (span_empty(rule->field)) {
    return true;
  }
  return value && value->kind != VALUE_NIL ? value_is(value, rule->value) : rule->absent;
}

/* NULL: the event means nothing for it. */
static struct case_document *edition_for(struct step *s, const struct event_document *rule) {
  static const struct span nobody = {NULL, 0};
  struct case_document *last = last_edition(s->c, rule->kind, nobody);
  bool expected = rule->from.count == 0 || (last && text_list_names(&rule->from, last->state));
  if (!expected) {
    return NULL;
  }
  bool begins = span_is(rule->edition, "next") || (!last && !span_is(rule->edition, "known"));
  return begins ? next_edition(s, rule->kind, nobody) : last;
}

static void note(struct step *s, const struct event_document *rule) {
  struct case_document *document = edition_for(s, rule);
  if (document) {
    enter_state(s, document, rule->state);
  }
}

void documents_note_event(struct step *s) {
  const struct event_rule *rule = catalogue_event(s->c->casework->options.catalogue, s->input->event);
  for (size_t i = 0; rule && i < rule->documents_count; i++) {
    const struct event_document *document = &rule->documents[i];
    bool its = span_empty(document->process) || span_equal(document->process, s->c->identity.process);
    if (its && holds(document, &s->input->data)) {
      note(s, document);
    }
  }
}

/* ---- extracts ----------------------------------------------------------------------------------------------- */

/* The extract that an element's children stand in; NULL: none. An element that its chart calls otherwise than its
 * invocation is found if it is the only one that starts such cases. */
static const struct element *element_of(const struct case_file *c, const struct child *child) {
  const struct element *found = NULL;
  size_t candidates = 0;
  for (uint32_t i = 0; i < c->process->elements_count; i++) {
    const struct element *e = &c->process->elements[i];
    if (!e->extract || !span_equal(e->process, child->process)) {
      continue;
    }
    if (span_equal(e->id, child->invoke)) {
      return e;
    }
    found = e;
    candidates++;
  }
  return candidates == 1 ? found : NULL;
}

static bool is_in_hand(const struct case_file *c, const struct child *child, const struct document_rule *kind,
                       struct span to) {
  if (child->cancelled || !span_equal(child->to, to)) {
    return false;
  }
  const struct element *e = element_of(c, child);
  return e && e->extract == kind;
}

/* The measures of an executor, in the order of their referrals. */
struct share {
  struct text_list measures;
  struct value renewed; /* those that are to be done otherwise than before, as the list has them */
  size_t progress;      /* of the least advanced of them */
};

static size_t progress_of(const struct document_rule *kind, struct span status) {
  for (size_t i = 0; i < kind->progress_count; i++) {
    if (span_equal(kind->progress[i].status, status)) {
      return i;
    }
  }
  return kind->progress_count - 1; /* further than what makes a difference */
}

static struct share share_of(struct step *s, const struct document_rule *kind, struct span to) {
  const struct case_file *c = s->c;
  struct value *renewed = ARENA_ARRAY(s->arena, struct value, c->children_count);
  size_t renewed_count = 0;
  struct share share = {.measures = {ARENA_ARRAY(s->arena, struct span, c->children_count), 0},
                        .progress = kind->progress_count - 1};
  for (size_t i = 0; i < c->children_count; i++) {
    const struct child *child = &c->children[i];
    if (is_in_hand(c, child, kind, to)) {
      size_t progress = progress_of(kind, child->status);
      share.progress = progress < share.progress ? progress : share.progress;
      share.measures.items[share.measures.count++] = child->key;
      if (child->renewed) {
        renewed[renewed_count++] = *child->renewed;
      }
    }
  }
  share.renewed = value_list(renewed, renewed_count);
  return share;
}

static bool same_texts(const struct text_list *a, const struct text_list *b) {
  for (size_t i = 0; a->count == b->count && i < a->count; i++) {
    if (!span_equal(a->items[i], b->items[i])) {
      return false;
    }
  }
  return a->count == b->count;
}

static void take_measures(struct step *s, struct case_document *document, const struct text_list *measures) {
  struct case_file *c = s->c;
  document->measures = (struct text_list){ARENA_ARRAY(&c->arena, struct span, measures->count), measures->count};
  for (size_t i = 0; i < measures->count; i++) {
    document->measures.items[i] = case_text(c, (struct span){0}, measures->items[i]);
  }
}

static void change_state(struct step *s, struct case_document *document, struct span state) {
  if (!span_equal(document->state, state)) {
    enter_state(s, document, state);
  }
}

/* A new measure goes out as an offer; of one that it has already nobody else would tell the executor. */
static void tell_renewed(struct step *s, const struct document_rule *kind, const struct case_document *document,
                         const struct value *renewed) {
  if (renewed->list.count == 0) {
    return;
  }
  const struct value_field fields[] = {
      FIELD("title", value_text(kind->title)),
      FIELD("edition", value_int(document->edition)),
      FIELD("measures", *renewed),
  };
  const struct delivery delivery = {.kind = DELIVERY_NOTICE, .subject = kind->kind, .data = DATA_MAP(s, fields)};
  effect_delivery(s, &delivery, effect_text(s, document->to));
}

static void give_extract(struct step *s, const struct document_rule *kind, struct span to, const struct share *share) {
  struct case_document *last = last_edition(s->c, kind->kind, to);
  bool same = last && share->renewed.list.count == 0 && same_texts(&last->measures, &share->measures);
  if (same && !span_equal(last->state, kind->gone)) {
    change_state(s, last, kind->progress[share->progress].state);
    return;
  }
  bool fresh = last && last->made_at == s->now;
  struct case_document *document = fresh ? last : next_edition(s, kind->kind, to);
  if (document) {
    take_measures(s, document, &share->measures);
    enter_state(s, document, kind->progress[document->edition > 1 ? 0 : share->progress].state);
    tell_renewed(s, kind, document, &share->renewed);
  }
}

/* A catalogue without it (process trace) gives none. */
static void follow_executor(struct step *s, const struct document_rule *kind, struct span to) {
  if (kind->progress_count == 0) {
    return;
  }
  struct share share = share_of(s, kind, to);
  struct case_document *last = last_edition(s->c, kind->kind, to);
  if (share.measures.count > 0) {
    give_extract(s, kind, to, &share);
  } else if (last) {
    change_state(s, last, kind->gone);
  }
}

static bool was_kind(const struct process *process, uint32_t before, const struct document_rule *kind) {
  for (uint32_t i = 0; i < before; i++) {
    if (process->elements[i].extract == kind) {
      return true;
    }
  }
  return false;
}

void documents_touch(struct step *s, struct span executor) {
  for (const struct touched *t = s->touched; t; t = t->next) {
    if (span_equal(t->executor, executor)) {
      return;
    }
  }
  if (!span_empty(executor)) {
    struct touched *added = ARENA_NEW(s->arena, struct touched);
    *added = (struct touched){NULL, effect_text(s, executor)};
    *s->touched_last = added;
    s->touched_last = &added->next;
  }
}

void documents_follow_referrals(struct step *s) {
  const struct process *process = s->c->process;
  for (uint32_t i = 0; s->touched && i < process->elements_count; i++) {
    const struct document_rule *kind = process->elements[i].extract;
    for (const struct touched *t = s->touched; kind && !was_kind(process, i, kind) && t; t = t->next) {
      follow_executor(s, kind, t->executor);
    }
  }
  for (size_t i = 0; s->touched && i < s->c->children_count; i++) {
    s->c->children[i].renewed = NULL;
  }
}
