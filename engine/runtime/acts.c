/*
 * What an operator does with personal data or with keys, each an entry of the journal.
 *
 * States of an act: waiting → written (in a batch) → told and forgotten; a batch that is not stored brings it back to
 * waiting. Whoever asked is answered only when the entry is durable: nobody sees a name, and no key counts as
 * destroyed, before the journal says who did it.
 *
 * An act of this page is judged twice: when it is asked for, so that the asker hears at once what is wrong, and when it
 * is written, since another act may have come before it.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/links.h"

enum { TELLING_BYTES = 4 }; /* shorter values stand in any text */

static const struct form {
  const char *name;
  bool of_person; /* else of no case, and never refused when it is written */
  bool of_all;    /* the person's cases: not before all are linked */
} forms[] = {
    [RUNTIME_ACT_REVEAL] = {"person.reveal", true, false}, [RUNTIME_ACT_ERASE] = {"person.erase", true, true},
    [RUNTIME_ACT_CASES] = {"person.cases", true, true},    [RUNTIME_ACT_PROPOSALS] = {"person.proposals", false, false},
    [RUNTIME_ACT_LINK] = {"person.link", true, true},      [RUNTIME_ACT_UNLINK] = {"person.unlink", true, true},
    [RUNTIME_ACT_KEY_ADD] = {"key.add", false, false},     [RUNTIME_ACT_KEY_REVOKE] = {"key.revoke", false, false},
};

/* ---- judging ---- */

static enum err check_state(struct runtime *runtime, struct span root, struct fault *fault) {
  struct runtime_person person = persons_state(runtime, root);
  switch (person.state) {
  case RUNTIME_PERSON_SEALED:
    return ERR_OK;
  case RUNTIME_PERSON_ERASED:
    return fault_set(fault, ERR_CONFLICT, "Персональные данные этого случая уже стёрты, запись журнала %llu",
                     (unsigned long long)person.erased);
  case RUNTIME_PERSON_NONE:
    break;
  }
  return fault_set(fault, ERR_NOT_FOUND, "Персональных данных у этого случая нет");
}

static bool names(struct span reason, const struct value *value) {
  return value->kind == VALUE_TEXT && value->text.size >= TELLING_BYTES &&
         memmem(reason.data, reason.size, value->text.data, value->text.size) != NULL;
}

static bool names_family(struct runtime *runtime, struct span root, struct span reason, struct arena *arena) {
  struct value personal = persons_read(runtime, root, arena);
  for (size_t i = 0; personal.kind == VALUE_MAP && i < personal.map.count; i++) {
    if (names(reason, &personal.map.fields[i].value)) {
      return true;
    }
  }
  return false;
}

static enum err check_links(const struct runtime *runtime, const struct runtime_act *act, struct fault *fault) {
  return forms[act->kind].of_all ? runtime_links_check(runtime, fault) : ERR_OK;
}

/* The journal outlives the person's key: what stands there in clear cannot be erased. Nor may it tell of one case that
 * the person has another. */
static bool names_person(struct runtime *runtime, struct span root, struct span reason) {
  DEFER(arena_finish) struct arena arena;
  struct runtime_linked linked;
  bool named = false;
  arena_init(&arena, 0);
  if (runtime_linked(runtime, root, &arena, &linked) != ERR_OK) {
    return false;
  }
  for (size_t i = 0; !named && i < linked.cases_count; i++) {
    struct span other = linked.cases[i].case_id;
    named = names_family(runtime, other, reason, &arena) ||
            (!span_equal(other, root) && memmem(reason.data, reason.size, other.data, other.size) != NULL);
  }
  return named;
}

static enum err check_text(struct span reason, struct fault *fault) {
  if (span_empty(reason) || reason.size > RUNTIME_REASON_MAX || !span_is_text(reason)) {
    return fault_set(fault, ERR_INVALID, "Нужна причина, не длиннее %d байт", RUNTIME_REASON_MAX);
  }
  return ERR_OK;
}

static enum err check_reason(struct runtime *runtime, struct span root, struct span reason, struct fault *fault) {
  TRY(check_text(reason, fault));
  if (names_person(runtime, root, reason)) {
    return fault_set(fault, ERR_INVALID, "В причине стоят персональные данные этого случая: журнал хранится всегда");
  }
  return ERR_OK;
}

static struct span append_text(uint8_t **at, struct span text) {
  struct span copy = span_of(*at, text.size);
  if (text.size > 0) {
    memcpy(*at, text.data, text.size);
  }
  *at += text.size;
  return copy;
}

static struct act *act_copy(const struct runtime_act *act, struct span root) {
  struct span other = case_root(act->other);
  struct act *copy = calloc(1, sizeof *copy + act->actor.size + root.size + other.size + act->reason.size);
  ASSERT(copy);
  uint8_t *at = (uint8_t *)(copy + 1);
  copy->act.kind = act->kind;
  copy->act.actor = append_text(&at, act->actor);
  copy->act.case_id = append_text(&at, root);
  copy->act.other = append_text(&at, other);
  copy->act.reason = append_text(&at, act->reason);
  return copy;
}

static void put_last(struct acts *acts, struct act *act) {
  struct act **end = &acts->first;
  while (*end) {
    end = &(*end)->next;
  }
  *end = act;
  acts->count++;
}

/* Said at once, before anything is written. */
static enum err check_link(struct runtime *runtime, const struct runtime_act *act, struct fault *fault) {
  DEFER(arena_finish) struct arena arena;
  struct runtime_linked one, other;
  arena_init(&arena, 0);
  TRY(runtime_linked(runtime, act->case_id, &arena, &one));
  if (act->kind == RUNTIME_ACT_UNLINK && span_empty(act->other) && one.cases_count < 2) {
    return fault_set(fault, ERR_CONFLICT, "Этот случай ни с каким другим не связан");
  }
  if (act->kind != RUNTIME_ACT_LINK) {
    return ERR_OK;
  }
  TRY(runtime_linked(runtime, act->other, &arena, &other));
  bool linked = !span_empty(one.person) && span_equal(one.person, other.person);
  return linked ? fault_set(fault, ERR_CONFLICT, "Эти случаи уже связаны") : ERR_OK;
}

/* The other's number goes into the entry under the one's key, and stays out of the reason. */
static enum err check_other(struct runtime *runtime, const struct runtime_act *act, struct fault *fault) {
  struct span root = case_root(act->other);
  if (span_empty(root) || root.size > RUNTIME_ROOT_MAX || span_equal(root, case_root(act->case_id))) {
    return fault_set(fault, ERR_INVALID, "Нужны номера двух разных случаев");
  }
  TRY(check_state(runtime, root, fault));
  TRY(check_reason(runtime, root, act->reason, fault));
  if (memmem(act->reason.data, act->reason.size, root.data, root.size)) {
    return fault_set(fault, ERR_INVALID,
                     "В причине стоит номер другого случая: журнал читают и те, кому связь не видна");
  }
  return ERR_OK;
}

static enum err check_person(struct runtime *runtime, const struct runtime_act *act, struct fault *fault) {
  if (span_empty(act->case_id) || case_root(act->case_id).size > RUNTIME_ROOT_MAX ||
      act->actor.size > RUNTIME_NAME_MAX) {
    return fault_set(fault, ERR_NOT_FOUND, "Персональных данных у этого случая нет");
  }
  struct span root = case_root(act->case_id);
  TRY(check_state(runtime, root, fault));
  TRY(check_links(runtime, act, fault));
  TRY(check_reason(runtime, root, act->reason, fault));
  if (!span_empty(act->other) || act->kind == RUNTIME_ACT_LINK) {
    TRY(check_other(runtime, act, fault));
  }
  return check_link(runtime, act, fault);
}

enum err runtime_act(struct runtime *runtime, const struct runtime_act *act, uint64_t *ret_ticket,
                     struct fault *fault) {
  if (runtime->failed != ERR_OK) {
    return ERR_CLOSED;
  }
  bool of_person = forms[act->kind].of_person;
  TRY(of_person ? check_person(runtime, act, fault) : check_text(act->reason, fault));
  if (runtime->acts.count == RUNTIME_ACTS_MAX) {
    return fault_set(fault, ERR_BUSY, "Слишком много таких запросов ждут записи");
  }
  *ret_ticket = ++runtime->acts.tickets;
  struct act *added = act_copy(act, of_person ? case_root(act->case_id) : span_of(NULL, 0));
  added->acted.ticket = *ret_ticket;
  put_last(&runtime->acts, added);
  return ERR_OK;
}

/* ---- writing ---- */

static void digest_of(const struct record_journal *entry, const uint8_t *salt, struct writer *w,
                      uint8_t ret_digest[SEAL_HASH_SIZE]) {
  writer_reset(w);
  writer_raw(w, span_of(salt, SEAL_SALT_SIZE));
  writer_u64be(w, (uint64_t)entry->recorded_at);
  writer_blob(w, entry->sender);
  writer_blob(w, entry->event);
  writer_blob(w, entry->case_id);
  writer_blob(w, entry->text);
  seal_hash(writer_span(w), ret_digest);
}

static struct span sealed_other(struct runtime *runtime, const struct runtime_act *act) {
  if (span_empty(act->other)) {
    return span_of(NULL, 0);
  }
  struct value_field field = {SPAN_LITERAL("other"), value_text(act->other)};
  struct value map;
  enum err err = value_map(&field, 1, &map);
  ASSERT(err == ERR_OK); /* one name */
  return persons_seal(runtime, act->case_id, &map);
}

static void append(struct runtime *runtime, const struct runtime_act *act, civil_moment now) {
  struct record_journal entry = {
      .kind = RECORD_JOURNAL_AUDIT,
      .recorded_at = now,
      .occurred_at = now,
      .sender = act->actor,
      .event = span_of_cstr(forms[act->kind].name),
      .case_id = act->case_id,
      .text = act->reason,
      .sealed = sealed_other(runtime, act),
  };
  uint8_t salt[SEAL_SALT_SIZE];
  seal_salt(&runtime->seal, runtime->head.chain, salt);
  digest_of(&entry, salt, &runtime->scratch, entry.digest);
  journal_append(runtime, &entry);
}

/* What the act changes; the others are shown by whoever asked. ERR_CONFLICT: it is so already. */
static enum err carry_out(struct runtime *runtime, const struct runtime_act *act, struct fault *fault) {
  switch (act->kind) {
  case RUNTIME_ACT_LINK:
    return links_join(runtime, act->case_id, act->other, fault);
  case RUNTIME_ACT_UNLINK:
    return links_split(runtime, act->case_id, act->other, fault);
  default:
    return ERR_OK;
  }
}

static enum err judge_again(struct runtime *runtime, const struct runtime_act *act, struct fault *fault) {
  if (!forms[act->kind].of_person) {
    return ERR_OK;
  }
  TRY(check_links(runtime, act, fault));
  TRY(check_state(runtime, act->case_id, fault));
  return span_empty(act->other) ? ERR_OK : check_state(runtime, act->other, fault);
}

static void write_act(struct runtime *runtime, struct act *act, civil_moment now) {
  struct fault fault = {.err = ERR_OK};
  act->written = true;
  act->acted.err = judge_again(runtime, &act->act, &fault);
  act->acted.err = act->acted.err == ERR_OK ? carry_out(runtime, &act->act, &fault) : act->acted.err;
  if (act->acted.err != ERR_OK) {
    return;
  }
  append(runtime, &act->act, now);
  act->acted.journal = runtime->head.journal;
  if (act->act.kind == RUNTIME_ACT_ERASE) {
    links_erase(runtime, act->act.case_id, runtime->head.journal);
  }
}

bool runtime_acts_waiting(const struct runtime *runtime) {
  for (const struct act *act = runtime->acts.first; act; act = act->next) {
    if (!act->written) {
      return true;
    }
  }
  return false;
}

void acts_write(struct runtime *runtime) {
  civil_moment last = runtime->head.recorded_at;
  civil_moment now = runtime->now > last ? runtime->now : last;
  for (struct act *act = runtime->acts.first; act; act = act->next) {
    if (!act->written) {
      write_act(runtime, act, now);
    }
  }
}

/* ---- the answer ---- */

static void tell(struct runtime *runtime, struct act **link) {
  struct act *act = *link;
  *link = act->next;
  runtime->acts.count--;
  if (runtime->ports.acted) {
    runtime->ports.acted(runtime->ports.arg, &act->acted);
  }
  free(act);
}

void acts_settle(struct runtime *runtime, bool stored) {
  for (struct act **link = &runtime->acts.first; *link;) {
    if ((*link)->written && stored) {
      tell(runtime, link);
    } else {
      (*link)->written = false;
      link = &(*link)->next;
    }
  }
}

void acts_drop(struct runtime *runtime) {
  while (runtime->acts.first) {
    struct act *first = runtime->acts.first;
    runtime->acts.first = first->next;
    free(first);
  }
}
