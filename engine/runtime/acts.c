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

#include "runtime/engine.h"

enum { TELLING_BYTES = 4 }; /* shorter values stand in any text */

static const struct form {
  const char *name;
  bool of_person; /* else of no case, and never refused when it is written */
} forms[] = {
    [RUNTIME_ACT_REVEAL] = {"person.reveal", true},
    [RUNTIME_ACT_ERASE] = {"person.erase", true},
    [RUNTIME_ACT_KEY_ADD] = {"key.add", false},
    [RUNTIME_ACT_KEY_REVOKE] = {"key.revoke", false},
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

/* The journal outlives the person's key: what stands there in clear cannot be erased. */
static bool names_person(struct runtime *runtime, struct span root, struct span reason) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  struct value personal = persons_read(runtime, root, &arena);
  for (size_t i = 0; personal.kind == VALUE_MAP && i < personal.map.count; i++) {
    if (names(reason, &personal.map.fields[i].value)) {
      return true;
    }
  }
  return false;
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
  struct act *copy = calloc(1, sizeof *copy + act->actor.size + root.size + act->reason.size);
  ASSERT(copy);
  uint8_t *at = (uint8_t *)(copy + 1);
  copy->act.kind = act->kind;
  copy->act.actor = append_text(&at, act->actor);
  copy->act.case_id = append_text(&at, root);
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

static enum err check_person(struct runtime *runtime, const struct runtime_act *act, struct fault *fault) {
  if (span_empty(act->case_id) || case_root(act->case_id).size > RUNTIME_ROOT_MAX ||
      act->actor.size > RUNTIME_NAME_MAX) {
    return fault_set(fault, ERR_NOT_FOUND, "Персональных данных у этого случая нет");
  }
  struct span root = case_root(act->case_id);
  TRY(check_state(runtime, root, fault));
  return check_reason(runtime, root, act->reason, fault);
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

static void append(struct runtime *runtime, const struct runtime_act *act, civil_moment now) {
  struct record_journal entry = {
      .kind = RECORD_JOURNAL_AUDIT,
      .recorded_at = now,
      .occurred_at = now,
      .sender = act->actor,
      .event = span_of_cstr(forms[act->kind].name),
      .case_id = act->case_id,
      .text = act->reason,
  };
  uint8_t salt[SEAL_SALT_SIZE];
  seal_salt(&runtime->seal, runtime->head.chain, salt);
  digest_of(&entry, salt, &runtime->scratch, entry.digest);
  journal_append(runtime, &entry);
}

static void write_act(struct runtime *runtime, struct act *act, civil_moment now) {
  struct fault fault = {.err = ERR_OK};
  act->written = true;
  act->acted.err = forms[act->act.kind].of_person ? check_state(runtime, act->act.case_id, &fault) : ERR_OK;
  if (act->acted.err != ERR_OK) {
    return;
  }
  append(runtime, &act->act, now);
  act->acted.journal = runtime->head.journal;
  if (act->act.kind == RUNTIME_ACT_ERASE) {
    persons_erase(runtime, act->act.case_id, runtime->head.journal);
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
