/*
 * daemon/desk_list.c — deadlines, referrals and incidents over all cases.
 *
 *   deadline.list    [state= owner= id= case= before=DATE]
 *   referral.list    [status= to= case=]
 *   incident.list    [all=1 case=]            open ones unless all=1
 *   incident.retry   case= incident=
 *   incident.resolve case= incident=
 */
#include <stdlib.h>

#include "daemon/page.h"
#include "daemon/turn.h"
#include "runtime/records.h"

/* ---- deadline.list ---- */

/* Prefix of a walk: one family when the question names a case. A family's root sorts apart from its descendants only in
 * CASE; in DEADLINE and INCIDENT one prefix covers it. */
static struct record_key family_or_all(const struct page *page, struct record_key (*prefix_of)(struct span root)) {
  struct span case_id = page_arg(page, "case");
  if (span_empty(case_id) || case_id.size > CASE_ID_MAX) {
    return (struct record_key){.size = 0};
  }
  return prefix_of(case_root(case_id));
}

static enum err deadline_visit(struct page *page, struct span key, struct span value, void *arg) {
  const civil_day *before = arg;
  uint8_t *buffer = arena_alloc(page->arena, CASE_ID_MAX);
  struct value_field fields[PAGE_DEADLINE_FIELDS];
  struct deadline deadline;
  struct span case_id;
  uint32_t slot;
  size_t count;
  TRY(record_deadline_of_key(key, buffer, &case_id, &slot));
  TRY(record_deadline_read(arena_copy(page->arena, value), &deadline));
  if (!page_arg_is(page, "state", span_of_cstr(deadline_state_name(deadline.state))) ||
      !page_arg_is(page, "owner", deadline.owner) || !page_arg_is(page, "id", deadline.id) ||
      (*before != CIVIL_DAY_NONE && deadline.due >= *before)) {
    return ERR_OK;
  }
  page_deadline_fields(page, case_id, &deadline, !span_empty(page_arg(page, "explain")), fields, &count);
  page_row(page, fields, count);
  return ERR_OK;
}

static enum err deadline_list(struct page *page, struct fault *fault) {
  struct span before_text = page_arg(page, "before");
  civil_day before = CIVIL_DAY_NONE;
  if (!span_empty(before_text) && civil_day_parse(before_text, &before) != ERR_OK) {
    return fault_set(fault, ERR_INVALID, "дата пишется как 2026-01-31");
  }
  struct record_key prefix = family_or_all(page, record_family_prefix);
  return page_scan(page, STORE_DEADLINE, record_key_span(&prefix), deadline_visit, &before, fault);
}

/* ---- referral.list ---- */

static enum err referral_visit(struct page *page, struct span key, struct span value, void *arg) {
  struct record_case record;
  struct case_view view;
  (void)key;
  (void)arg;
  TRY(record_case_read(arena_copy(page->arena, value), &record));
  TRY(case_view_decode(record.body, page->arena, &view));
  if (!page_is_referral(&view) || !page_arg_is(page, "status", view.status) ||
      !page_arg_is(page, "to", view.addressee)) {
    return ERR_OK;
  }
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(view.identity.id)),
      PAGE_FIELD("measure", value_text(view.identity.key)),
      PAGE_FIELD("to", page_known(view.addressee)),
      PAGE_FIELD("status", value_text(view.status)),
      PAGE_FIELD("at", page_moment(page, view.status_at)),
      PAGE_FIELD("reason", page_known(view.reason)),
      PAGE_FIELD("offer", view.offer > 0 ? value_int(view.offer) : value_nil()),
      PAGE_FIELD("opened", page_moment(page, view.opened_at)),
      PAGE_FIELD("ended", value_bool(view.ended)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err referral_list(struct page *page, struct fault *fault) {
  struct record_key prefix = family_or_all(page, record_family_prefix);
  return page_scan(page, STORE_CASE, record_key_span(&prefix), referral_visit, NULL, fault);
}

/* ---- incidents ---- */

static enum err incident_visit(struct page *page, struct span key, struct span value, void *arg) {
  struct record_incident incident;
  struct span root;
  uint64_t number = 0;
  (void)arg;
  TRY(record_incident_of_key(arena_copy(page->arena, key), &root, &number));
  TRY(record_incident_read(arena_copy(page->arena, value), &incident));
  if (incident.resolved && span_empty(page_arg(page, "all"))) {
    return ERR_OK;
  }
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(span_empty(incident.case_id) ? root : incident.case_id)),
      PAGE_FIELD("incident", value_int((int64_t)number)),
      PAGE_FIELD("reason", value_text(incident.reason)),
      PAGE_FIELD("detail", page_known(incident.detail)),
      PAGE_FIELD("sender", page_known(incident.sender)),
      PAGE_FIELD("event", page_known(incident.event)),
      PAGE_FIELD("journal", value_int((int64_t)incident.journal)),
      PAGE_FIELD("count", value_int((int64_t)incident.count)),
      PAGE_FIELD("at", page_moment(page, incident.at)),
      PAGE_FIELD("last_at", page_moment(page, incident.last_at)),
      PAGE_FIELD("resolved", page_moment(page, incident.resolved_at)),
      PAGE_FIELD("resolved_by", page_known(incident.resolved_by)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err incident_list(struct page *page, struct fault *fault) {
  struct record_key prefix = family_or_all(page, record_incident_prefix);
  return page_scan(page, STORE_INCIDENT, record_key_span(&prefix), incident_visit, NULL, fault);
}

static enum err incident_named(const struct page *page, struct span *ret_case, uint64_t *ret_number,
                               struct fault *fault) {
  int64_t number;
  TRY(page_arg_needed(page, "case", ret_case, fault));
  TRY(page_arg_number(page, "incident", 0, &number, fault));
  if (number == 0 || ret_case->size > CASE_ID_MAX) {
    return fault_set(fault, ERR_INVALID, "нужны номер дела и номер инцидента");
  }
  *ret_number = (uint64_t)number;
  return ERR_OK;
}

static void done_row(struct page *page, struct span case_id, uint64_t number, const char *what) {
  const struct value_field fields[] = {
      PAGE_FIELD("case", value_text(case_id)),
      PAGE_FIELD("incident", value_int((int64_t)number)),
      PAGE_FIELD("result", value_text(span_of_cstr(what))),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  turn_kick(page->daemon->turn);
}

static enum err incident_retry(struct page *page, struct fault *fault) {
  struct span case_id;
  uint64_t number = 0;
  TRY(incident_named(page, &case_id, &number, fault));
  TRY(runtime_incident_retry(page->daemon->runtime, case_id, number, fault));
  done_row(page, case_id, number, "queued");
  return ERR_OK;
}

static enum err incident_resolve(struct page *page, struct fault *fault) {
  struct span case_id;
  uint64_t number = 0;
  TRY(incident_named(page, &case_id, &number, fault));
  TRY(runtime_incident_resolve(page->daemon->runtime, case_id, number, page->asker, fault));
  done_row(page, case_id, number, "resolved");
  return ERR_OK;
}

const struct desk_verb desk_list_verbs[] = {
    {"deadline.list", false, deadline_list},      {"referral.list", false, referral_list},
    {"incident.list", false, incident_list},      {"incident.retry", true, incident_retry},
    {"incident.resolve", true, incident_resolve}, {NULL, false, NULL},
};
