/*
 * daemon/desk_person.c — personal data, for operators who have the right to it (keyring: privacy/).
 *
 *   person.show case=ID              is there any? No data, no entry in the journal, no word of other cases
 *   person.show case=ID reveal=1     the fields whose class says `reveal`, of each case of the person
 *   person.cases case=ID|person=ID   which cases are the person's, and who may be the same
 *   person.proposals                 who may be one person: at most ROWS_MAX pairs
 *   person.link case=ID with=ID      these two are one person's
 *   person.unlink case=ID [with=ID]  they are not; or the case is taken out of its person
 *   person.erase case=ID             destroys the keys of all cases of the person
 *
 * All but the first need a reason. What is shown, changed or destroyed is answered when its entry of the journal is
 * durable. An asker who has gone meanwhile stands in the journal all the same.
 */
#include "daemon/page.h"

enum { ROWS_MAX = 1000 };

static struct span reason_of(const struct page *page) {
  struct span given = span_of_cstr(page->request->reason);
  return span_trim(span_empty(given) ? page_arg(page, "reason") : given);
}

static enum err case_of(const struct page *page, struct span *ret_case, struct fault *fault) {
  struct case_view view;
  bool parked;
  TRY(page_arg_needed(page, "case", ret_case, fault));
  *ret_case = case_root(*ret_case);
  return page_case(page, *ret_case, &view, &parked, fault);
}

static bool may_see(const struct page *page) {
  return (page->roles & KEYRING_PRIVACY) != 0;
}

static enum err ask_for(struct page *page, struct runtime_act *act, page_then then, struct fault *fault) {
  act->actor = page->asker;
  act->reason = reason_of(page);
  TRY(runtime_act(page->daemon->runtime, act, &page->ticket, fault));
  page->then = then;
  page->subject = act->case_id;
  return ERR_OK;
}

static enum err check_right(const struct page *page, struct fault *fault) {
  return may_see(page) ? ERR_OK : fault_set(fault, ERR_FORBIDDEN, "у этого ключа нет права на персональные данные");
}

static enum err act(struct page *page, enum runtime_act_kind kind, page_then then, struct fault *fault) {
  struct runtime_act act = {.kind = kind};
  TRY(check_right(page, fault));
  TRY(case_of(page, &act.case_id, fault));
  return ask_for(page, &act, then, fault);
}

/* ---- show ---- */

static void put_state(struct page *page, struct span case_id) {
  static const char *const states[] = {
      [RUNTIME_PERSON_NONE] = "none", [RUNTIME_PERSON_SEALED] = "sealed", [RUNTIME_PERSON_ERASED] = "erased"};
  struct runtime_person person = runtime_person_state(page->daemon->runtime, case_id);
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(case_id)),
      PAGE_FIELD("state", value_text(span_of_cstr(states[person.state]))),
      /* The entry names the case for which the person was erased, which may be another. */
      PAGE_FIELD("erased_in", person.erased > 0 && may_see(page) ? value_int((int64_t)person.erased) : value_nil()),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static void put_personal(struct page *page, struct span case_id, const struct runtime_acted *acted) {
  struct value personal;
  if (runtime_person_read(page->daemon->runtime, case_id, page->arena, &personal) != ERR_OK) {
    return;
  }
  const struct catalogue *catalogue = &page->daemon->config->catalogue;
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(case_id)),
      PAGE_FIELD("journal", value_int((int64_t)acted->journal)),
      PAGE_FIELD("person", catalogue_cut(catalogue, &personal, SPAN_LITERAL(CATALOGUE_REVEAL), page->arena)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

/* The journal said it before: what may be shown goes out now. An erasure may have come in between. The case that was
 * asked for comes first, then the person's others. */
static enum err show_person(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  struct runtime_linked linked;
  if (runtime_linked(page->daemon->runtime, page->subject, page->arena, &linked) != ERR_OK) {
    return fault_set(fault, ERR_CONFLICT, "Персональные данные этого случая стёрты");
  }
  put_personal(page, page->subject, acted);
  for (size_t i = 0; i < linked.cases_count; i++) {
    if (!span_equal(linked.cases[i].case_id, page->subject)) {
      put_personal(page, linked.cases[i].case_id, acted);
    }
  }
  return ERR_OK;
}

static enum err person_show(struct page *page, struct fault *fault) {
  struct span case_id;
  if (!span_empty(page_arg(page, "reveal"))) {
    TRY(check_right(page, fault));
    TRY(runtime_links_check(page->daemon->runtime, fault)); /* it would look like all that there is */
    return act(page, RUNTIME_ACT_REVEAL, show_person, fault);
  }
  TRY(case_of(page, &case_id, fault));
  put_state(page, case_id);
  return ERR_OK;
}

/* ---- which cases ---- */

static struct value process_of(const struct page *page, struct span case_id) {
  struct case_view view;
  struct fault unread = {.err = ERR_OK};
  bool parked;
  return page_case(page, case_id, &view, &parked, &unread) == ERR_OK
             ? value_text(arena_copy(page->arena, view.identity.process))
             : value_nil();
}

static void put_case(struct page *page, const struct runtime_linked *linked, const struct runtime_linked_case *item) {
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("case"))),
      PAGE_FIELD("person", page_known(linked->person)),
      PAGE_FIELD("case", value_text(item->case_id)),
      PAGE_FIELD("process", process_of(page, item->case_id)),
      PAGE_FIELD("by", item->fixed ? value_text(SPAN_LITERAL("operator")) : page_known(item->by)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static void put_near(struct page *page, const struct runtime_linked_near *near) {
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("proposed"))),
      PAGE_FIELD("person", value_text(near->person)),
      PAGE_FIELD("case", value_text(near->case_id)),
      PAGE_FIELD("process", process_of(page, near->case_id)),
      PAGE_FIELD("by", value_text(near->by)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static enum err show_cases(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  struct runtime *runtime = page->daemon->runtime;
  struct runtime_linked_near near[RUNTIME_NEAR_MAX];
  struct runtime_linked linked;
  (void)acted;
  if (runtime_linked(runtime, page->subject, page->arena, &linked) != ERR_OK) {
    return fault_set(fault, ERR_CONFLICT, "Персональные данные этого случая стёрты");
  }
  for (size_t i = 0; i < linked.cases_count; i++) {
    put_case(page, &linked, &linked.cases[i]);
  }
  size_t count = runtime_linked_near(runtime, &linked, page->arena, near);
  for (size_t i = 0; i < count; i++) {
    put_near(page, &near[i]);
  }
  return ERR_OK;
}

/* A person is asked for by one of its cases: the journal knows no other name. */
static enum err first_case(const struct page *page, struct span person, struct span *ret_case, struct fault *fault) {
  struct runtime_linked linked;
  if (runtime_linked(page->daemon->runtime, person, page->arena, &linked) != ERR_OK ||
      !span_equal(linked.person, person)) {
    return fault_set(fault, ERR_NOT_FOUND, "Такого человека нет, или его данные стёрты");
  }
  *ret_case = linked.cases[0].case_id;
  return ERR_OK;
}

static enum err person_cases(struct page *page, struct fault *fault) {
  struct runtime_act act = {.kind = RUNTIME_ACT_CASES};
  struct span person = page_arg(page, "person");
  TRY(check_right(page, fault));
  TRY(span_empty(person) ? case_of(page, &act.case_id, fault) : first_case(page, person, &act.case_id, fault));
  return ask_for(page, &act, show_cases, fault);
}

/* ---- who may be one person ---- */

static bool put_pair(void *arg, const struct runtime_linked_near *a, const struct runtime_linked_near *b) {
  struct page *page = arg;
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(a->case_id)), PAGE_FIELD("process", process_of(page, a->case_id)),
      PAGE_FIELD("with", value_text(b->case_id)), PAGE_FIELD("with_process", process_of(page, b->case_id)),
      PAGE_FIELD("by", value_text(a->by)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return page->count < ROWS_MAX;
}

static enum err show_proposals(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)acted;
  enum err err = runtime_linked_pairs(page->daemon->runtime, page->arena, put_pair, page);
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "Предложения не читаются");
}

static enum err person_proposals(struct page *page, struct fault *fault) {
  struct runtime_act act = {.kind = RUNTIME_ACT_PROPOSALS};
  TRY(check_right(page, fault));
  return ask_for(page, &act, show_proposals, fault);
}

/* ---- the operator's word ---- */

static enum err show_done(struct page *page, const struct runtime_acted *acted, const char *state) {
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(page->subject)),
      PAGE_FIELD("state", value_text(span_of_cstr(state))),
      PAGE_FIELD("journal", value_int((int64_t)acted->journal)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err show_linked(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)fault;
  return show_done(page, acted, "linked");
}

static enum err show_unlinked(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)fault;
  return show_done(page, acted, "unlinked");
}

static enum err person_link(struct page *page, struct fault *fault) {
  struct runtime_act act = {.kind = RUNTIME_ACT_LINK};
  TRY(check_right(page, fault));
  TRY(case_of(page, &act.case_id, fault));
  TRY(page_arg_needed(page, "with", &act.other, fault));
  return ask_for(page, &act, show_linked, fault);
}

static enum err person_unlink(struct page *page, struct fault *fault) {
  struct runtime_act act = {.kind = RUNTIME_ACT_UNLINK, .other = page_arg(page, "with")};
  TRY(check_right(page, fault));
  TRY(case_of(page, &act.case_id, fault));
  return ask_for(page, &act, show_unlinked, fault);
}

/* ---- erase ---- */

static enum err show_erased(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)fault;
  return show_done(page, acted, "erased");
}

static enum err person_erase(struct page *page, struct fault *fault) {
  return act(page, RUNTIME_ACT_ERASE, show_erased, fault);
}

const struct desk_verb desk_person_verbs[] = {
    {"person.show", true, person_show},
    {"person.cases", true, person_cases},
    {"person.proposals", true, person_proposals},
    {"person.link", true, person_link},
    {"person.unlink", true, person_unlink},
    {"person.erase", true, person_erase},
    {NULL, false, NULL},
};
