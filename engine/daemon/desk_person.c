/*
 * daemon/desk_person.c — personal data, for operators who have the right to it (keyring: privacy/).
 *
 *   person.show case=ID             is there any? No data, no entry in the journal
 *   person.show case=ID reveal=1    the fields whose class says `reveal`; needs the question's `reason`
 *   person.erase case=ID            destroys the person's key; needs a reason
 *
 * What is shown or destroyed is answered when its entry of the journal is durable. An asker who has gone meanwhile
 * stands in the journal all the same.
 */
#include "daemon/page.h"

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

static enum err act(struct page *page, enum runtime_act_kind kind, page_then then, struct fault *fault) {
  struct runtime_act act = {.kind = kind, .actor = page->asker, .reason = reason_of(page)};
  if ((page->roles & KEYRING_PRIVACY) == 0) {
    return fault_set(fault, ERR_FORBIDDEN, "у этого ключа нет права на персональные данные");
  }
  TRY(case_of(page, &act.case_id, fault));
  TRY(runtime_act(page->daemon->runtime, &act, &page->ticket, fault));
  page->then = then;
  page->subject = act.case_id;
  return ERR_OK;
}

/* ---- show ---- */

static void put_state(struct page *page, struct span case_id) {
  static const char *const states[] = {
      [RUNTIME_PERSON_NONE] = "none", [RUNTIME_PERSON_SEALED] = "sealed", [RUNTIME_PERSON_ERASED] = "erased"};
  struct runtime_person person = runtime_person_state(page->daemon->runtime, case_id);
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(case_id)),
      PAGE_FIELD("state", value_text(span_of_cstr(states[person.state]))),
      PAGE_FIELD("erased_in", person.erased > 0 ? value_int((int64_t)person.erased) : value_nil()),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

/* The journal said it before: what may be shown goes out now. An erasure may have come in between. */
static enum err show_person(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  struct value personal;
  enum err err = runtime_person_read(page->daemon->runtime, page->subject, page->arena, &personal);
  if (err != ERR_OK) {
    return fault_set(fault, ERR_CONFLICT, "Персональные данные этого случая стёрты");
  }
  const struct catalogue *catalogue = &page->daemon->config->catalogue;
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(page->subject)),
      PAGE_FIELD("journal", value_int((int64_t)acted->journal)),
      PAGE_FIELD("person", catalogue_cut(catalogue, &personal, SPAN_LITERAL(CATALOGUE_REVEAL), page->arena)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err person_show(struct page *page, struct fault *fault) {
  struct span case_id;
  if (!span_empty(page_arg(page, "reveal"))) {
    return act(page, RUNTIME_ACT_REVEAL, show_person, fault);
  }
  TRY(case_of(page, &case_id, fault));
  put_state(page, case_id);
  return ERR_OK;
}

/* ---- erase ---- */

static enum err show_erased(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)fault;
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(page->subject)),
      PAGE_FIELD("state", value_text(SPAN_LITERAL("erased"))),
      PAGE_FIELD("journal", value_int((int64_t)acted->journal)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err person_erase(struct page *page, struct fault *fault) {
  return act(page, RUNTIME_ACT_ERASE, show_erased, fault);
}

const struct desk_verb desk_person_verbs[] = {
    {"person.show", true, person_show},
    {"person.erase", true, person_erase},
    {NULL, false, NULL},
};
