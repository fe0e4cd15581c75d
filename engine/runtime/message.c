/*
 * One message: who sent it, was it here before, is it well formed, may it be sent, which case takes it; then its work,
 * its entry in the journal and its receipt.
 *
 * Answers: duplicate (nothing is written but the answer) | refused (an incident; while each has one of its own it is
 * journalled too, so that a rehearsal of the journal refuses it again) | accepted | incident (journalled, its case is
 * parked). Invariant: whatever the answer, it is kept under (sender, sequence) in the write set that it belongs to, so
 * that the same message gets the same answer for ever; only refusals that are merely counted are judged anew.
 */
#include <string.h>

#include "runtime/correct.h"
#include "runtime/engine.h"
#include "runtime/work.h"

#define YEAR_1900 INT64_C(-2208988800000) /* what base/civil.h can name begins here */

enum way { WAY_START, WAY_EVENT, WAY_DUPLICATE, WAY_ANNUL };

struct judgement {
  struct runtime *runtime;
  const struct runtime_message *message;
  civil_moment now, occurred_at;
  const struct participant *sender;
  const struct event_rule *rule;
  struct value clear, personal;
  bool readable; /* `clear` holds what the sender sent: the refusal can be judged again from it */
  enum way way;
  struct case_slot *target;      /* EVENT, DUPLICATE */
  struct correction *correction; /* ANNUL */
  uint64_t earlier;              /* START, EVENT: of the entry (record_journal) */
  struct fault fault;
};

/* ---- judging ---- */

static bool is_id_part(struct span part) {
  for (size_t i = 0; i < part.size; i++) {
    uint8_t c = part.data[i];
    bool fine =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
    if (!fine) {
      return false;
    }
  }
  return part.size > 0 && part.data[0] != '.'; /* adapters name files after cases */
}

static bool is_case_id(struct span id) {
  if (id.size == 0 || id.size > CASE_ID_MAX || case_root(id).size > RUNTIME_ROOT_MAX) {
    return false;
  }
  for (struct span rest = id; rest.data;) {
    if (!is_id_part(span_cut(rest, '/', &rest))) {
      return false;
    }
  }
  return true;
}

/* What a stranger calls an event or itself goes into records and lines of JSON only when it is a plain name. */
static struct span plain_name(struct span name) {
  return is_id_part(name) ? name : span_of(NULL, 0);
}

static struct span case_named(const struct runtime_message *m) {
  return is_case_id(m->case_id) ? m->case_id : span_of(NULL, 0);
}

static enum err refuse(struct judgement *j, enum err err, const char *text) {
  return fault_set(&j->fault, err, "%s", text);
}

/* What can be said without looking at any case. */
static enum err judge_message(struct judgement *j) {
  const struct runtime_message *m = j->message;
  j->sender = catalogue_participant(j->runtime->catalogue, m->sender);
  if (!j->sender) {
    return refuse(j, ERR_FORBIDDEN, "Отправитель не зарегистрирован");
  }
  if (m->refusal) {
    j->fault = *m->refusal;
    return m->refusal->err;
  }
  j->rule = catalogue_event(j->runtime->catalogue, m->event);
  if (!j->rule) {
    return refuse(j, ERR_NOT_FOUND, "Такого события нет в перечне");
  }
  if (!text_list_has(&j->rule->senders, j->sender->kind)) {
    return refuse(j, ERR_FORBIDDEN, "Участник этого вида не может сообщать о таком событии");
  }
  if (m->occurred_at != CIVIL_MOMENT_NONE && m->occurred_at < YEAR_1900) {
    return refuse(j, ERR_RANGE, "Дата события раньше 1900 года");
  }
  if (!is_case_id(m->case_id)) {
    return refuse(j, ERR_INVALID,
                  "Номер дела: латинские буквы, цифры, точка, подчёркивание и дефис, не более 64 знаков");
  }
  return ERR_OK;
}

static enum err judge_payload(struct judgement *j) {
  struct value empty;
  TRY(value_map(NULL, 0, &empty));
  const struct value *data = j->message->data.kind == VALUE_NIL ? &empty : &j->message->data;
  const struct catalogue *catalogue = j->runtime->catalogue;
  TRY(catalogue_validate(catalogue, j->rule, data, !j->runtime->seal.enabled, &j->fault));
  enum err err = catalogue_split(catalogue, j->rule, data, &j->runtime->arena, &j->clear, &j->personal);
  if (err != ERR_OK) {
    return refuse(j, err, "Данные события не разделяются на открытые и персональные");
  }
  j->readable = true;
  if (j->occurred_at > j->now) {
    return refuse(j, ERR_RANGE, "Событие ещё не наступило: его дата позже времени регистрации");
  }
  return ERR_OK;
}

static int64_t edition_of(const struct judgement *j) {
  const struct value *edition = span_empty(j->rule->edition) ? NULL : value_find(&j->clear, j->rule->edition);
  return edition && edition->kind == VALUE_INT ? edition->integer : 0;
}

/* Numbers that begin with the name of a process are those of the cases that charts begin (k:inform). */
static bool is_kept_by_charts(const struct judgement *j) {
  struct span rest;
  struct span first = span_cut(j->message->case_id, '.', &rest);
  return first.size < j->message->case_id.size && casework_has_process(j->runtime->casework, first);
}

static enum err judge_start(struct judgement *j) {
  struct span process = event_process(j->rule, &j->clear);
  if (span_empty(process) || memchr(j->message->case_id.data, '/', j->message->case_id.size)) {
    return refuse(j, ERR_NOT_FOUND, "Дело не найдено");
  }
  if (!casework_has_process(j->runtime->casework, process)) {
    return refuse(j, ERR_CONFIG, "Процесс, который начинает это событие, не загружен");
  }
  if (is_kept_by_charts(j)) {
    return refuse(j, ERR_FORBIDDEN, "Номер дела начинается с имени процесса: такие дела начинает сама система");
  }
  j->way = WAY_START;
  return case_permits(NULL, j->rule, j->sender, &j->clear, &j->fault);
}

/* A start event for a case that runs already: the same news again, or a correction. */
static bool is_repeated_start(const struct judgement *j, struct case_slot *slot) {
  const struct case_view *view = case_slot_view(slot);
  if (!span_equal(event_process(j->rule, &j->clear), view->identity.process) || !span_empty(view->identity.parent)) {
    return false;
  }
  if (span_empty(j->rule->edition)) {
    return !case_knows(slot->file, j->rule->name);
  }
  return edition_of(j) <= view->edition;
}

/* Nobody in the case is there for it: what was offered is over, or was never offered. */
static enum err refuse_unexpected(struct judgement *j) {
  bool answers_offer = j->rule->only_addressee && !span_empty(j->rule->addressed_by);
  return refuse(j, ERR_CONFLICT,
                answers_offer ? "Такого предложения нет, или оно больше не действует"
                              : "Дело сейчас не ждёт такого события");
}

static enum err judge_event(struct judgement *j, struct case_slot *addressed) {
  const struct case_view *view = case_slot_view(addressed);
  if (is_repeated_start(j, addressed)) {
    j->way = WAY_DUPLICATE;
    j->target = addressed;
    return case_permits(addressed->file, j->rule, j->sender, &j->clear, &j->fault);
  }
  if (view->ended) {
    return refuse(j, ERR_CONFLICT, "Дело закрыто");
  }
  j->way = WAY_EVENT;
  enum err err = family_target(j->runtime, addressed->id, j->message, j->rule, &j->clear, &j->target, &j->fault);
  if (err == ERR_NOT_FOUND) {
    return refuse_unexpected(j);
  }
  TRY(err);
  return case_permits(j->target->file, j->rule, j->sender, &j->clear, &j->fault);
}

/* It is for no case: a case goes on without what it takes back. */
static enum err judge_annulment(struct judgement *j) {
  const struct correct_message message = {
      .case_id = j->message->case_id, .sender = j->sender, .rule = j->rule, .clear = &j->clear, .now = j->now};
  j->way = WAY_ANNUL;
  return correct_prepare(j->runtime, &message, &j->correction, &j->fault);
}

static enum err judge(struct judgement *j) {
  TRY(judge_message(j));
  TRY(judge_payload(j));
  if (!span_empty(j->rule->annuls)) {
    return judge_annulment(j);
  }
  struct case_slot *addressed = NULL;
  struct fault unread = {0};
  enum err found = family_named(j->runtime, j->message->case_id, &addressed, &unread);
  if (found == ERR_NOT_FOUND || (found == ERR_OK && case_is_annulled(addressed->file))) {
    return judge_start(j);
  }
  if (found != ERR_OK) {
    return refuse(j, found, "Дело не читается, оператор извещён");
  }
  return judge_event(j, addressed);
}

/* ---- answering ---- */

static void put_receipt(struct runtime *rt, const struct runtime_message *m, const struct runtime_receipt *receipt) {
  struct record_receipt record = {
      .kind = receipt->kind,
      .err = receipt->err,
      .journal = receipt->journal,
      .incident = receipt->incident,
      .text = receipt->text,
  };
  memcpy(record.digest, m->digest, sizeof record.digest);
  struct record_key key = record_pair_key(m->sender, m->sequence);
  writer_reset(&rt->scratch);
  record_receipt_write(&record, &rt->scratch);
  engine_put(rt, STORE_DEDUP, &key, writer_span(&rt->scratch));
}

static void note_sequence(struct runtime *rt, const struct runtime_message *m) {
  struct cursor_entry *cursor = cursors_find(&rt->cursors, m->sender);
  if (cursor && m->sequence > cursor->record.sequence) {
    cursor->record.sequence = m->sequence;
    cursors_touch(&rt->cursors, cursor);
  }
}

static uint64_t *counter_of(struct runtime *rt, enum runtime_receipt_kind kind) {
  uint64_t *counters[] = {
      [RUNTIME_ACCEPTED] = &rt->stats.accepted,
      [RUNTIME_DUPLICATE] = &rt->stats.duplicates,
      [RUNTIME_REFUSED] = &rt->stats.refused,
      [RUNTIME_INCIDENT] = &rt->stats.accepted,
  };
  return counters[kind];
}

/* The operator's repetition has no sender who waits for a receipt. */
static void answer(struct runtime *rt, const struct inbox_message *in, struct runtime_receipt *receipt, bool keep) {
  ++*counter_of(rt, receipt->kind);
  if (in->retry.incident != 0) {
    return;
  }
  receipt->sender = in->message.sender;
  receipt->sequence = in->message.sequence;
  if (keep) {
    put_receipt(rt, &in->message, receipt);
  }
  note_sequence(rt, &in->message);
  outbox_add_receipt(rt, receipt);
}

static void append_entry(struct judgement *j, enum record_journal_kind kind, struct span sealed) {
  const struct runtime_message *m = j->message;
  struct span clear = {NULL, 0};
  if (j->readable) {
    struct writer *w = &j->runtime->body;
    writer_reset(w);
    value_encode(&j->clear, w);
    clear = writer_span(w);
  }
  struct record_journal entry = {
      .kind = kind,
      .err = j->fault.err,
      .recorded_at = j->now,
      .occurred_at = j->occurred_at,
      .sender = m->sender,
      .sequence = m->sequence,
      .event = plain_name(m->event),
      .case_id = case_named(m),
      .acting_for = plain_name(m->acting_for),
      .text = span_of_cstr(j->fault.text),
      .clear = clear,
      .sealed = sealed,
      .earlier = j->earlier,
  };
  memcpy(entry.digest, m->digest, sizeof entry.digest);
  journal_append(j->runtime, &entry);
}

/* What was refused, by the catalogue's name for it, and why. */
static struct span refusal_detail(struct judgement *j) {
  struct span name = plain_name(j->message->event);
  const struct event_rule *rule = span_empty(name) ? NULL : catalogue_event(j->runtime->catalogue, name);
  struct span title = rule ? (span_empty(rule->title) ? name : rule->title) : SPAN_LITERAL("неизвестное событие");
  return arena_printf(&j->runtime->arena, "%.*s: %s", SPAN_ARG(title), j->fault.text);
}

static uint64_t refusal_incident(struct judgement *j, const struct inbox_message *in, bool *ret_first) {
  struct runtime *rt = j->runtime;
  *ret_first = false;
  if (in->retry.incident != 0 && incidents_refused_again(rt, in->retry.root, in->retry.incident, j->now)) {
    return in->retry.incident;
  }
  return incidents_refusal(rt,
                           &(struct incident_report){
                               .case_id = case_named(&in->message),
                               .reason = SPAN_LITERAL("refused"),
                               .detail = refusal_detail(j),
                               .sender = in->message.sender,
                               .event = plain_name(in->message.event),
                               .journal = rt->head.journal + 1,
                               .at = j->now,
                               .times = in->message.times,
                           },
                           j->fault.err, ret_first);
}

static void answer_refused(struct judgement *j, const struct inbox_message *in) {
  struct runtime *rt = j->runtime;
  bool first = false;
  uint64_t incident = refusal_incident(j, in, &first);
  if (first) {
    append_entry(j, j->readable ? RECORD_JOURNAL_REFUSED : RECORD_JOURNAL_UNREADABLE, span_of(NULL, 0));
  }
  struct runtime_receipt receipt = {
      .kind = RUNTIME_REFUSED,
      .incident = incident,
      .err = j->fault.err,
      .text = arena_copy(&rt->arena, span_of_cstr(j->fault.text)),
  };
  answer(rt, in, &receipt, first);
}

static void answer_duplicate(struct judgement *j, const struct inbox_message *in) {
  struct runtime_receipt receipt = {.kind = RUNTIME_DUPLICATE, .journal = j->target->journal};
  answer(j->runtime, in, &receipt, true);
}

/* ---- working ---- */

/* Where the payload stands: in the entry that this becomes, or that it is. */
static uint64_t payload_entry(const struct judgement *j, const struct work *work) {
  return j->message->entry != 0 ? j->message->entry : work->journal;
}

static void add_start(struct judgement *j, struct work *work) {
  struct span id = j->message->case_id;
  struct case_identity identity = {.id = id, .process = event_process(j->rule, &j->clear), .key = id};
  struct case_input input = {
      .kind = CASE_INPUT_START,
      .event = j->rule->name,
      .data = j->clear,
      .sender = j->message->sender,
      .occurred_at = j->occurred_at,
      .payload = payload_entry(j, work),
  };
  work_add(work, &identity, &input);
}

/* One is the other's ancestor. What is said to one referral is nothing to its siblings. */
static bool in_line(struct span a, struct span b) {
  struct span upper = a.size < b.size ? a : b;
  struct span lower = a.size < b.size ? b : a;
  return upper.size < lower.size && lower.data[upper.size] == '/' && span_starts_with(lower, upper);
}

/* Those above and below it see it first: what the event leads to may end the deadlines that it meets. */
static enum err add_event(struct judgement *j, struct work *work) {
  struct case_input input = {
      .kind = CASE_INPUT_WATCHED,
      .event = j->rule->name,
      .data = j->clear,
      .sender = j->message->sender,
      .occurred_at = j->occurred_at,
  };
  struct family family;
  TRY(family_living(j->runtime, case_root(j->target->id), &family, &work->fault));
  for (size_t i = 0; i < family.count; i++) {
    if (in_line(family.members[i]->id, j->target->id) && case_watches(family.members[i]->file, j->rule->name)) {
      work_add(work, &(struct case_identity){.id = family.members[i]->id}, &input);
    }
  }
  input.kind = CASE_INPUT_EVENT;
  input.payload = payload_entry(j, work);
  work_add(work, &(struct case_identity){.id = j->target->id}, &input);
  return ERR_OK;
}

/* Its entry is linked to those before it, and the family's record names it from then on. */
static void link_to_family(struct judgement *j, struct work *work) {
  if (j->way == WAY_ANNUL) {
    return; /* it is gone through by nobody */
  }
  work->family = case_root(j->message->case_id);
  j->earlier = j->way == WAY_START ? RECORD_NO_ENTRY : journal_latest(j->runtime, work->family);
}

static enum err do_work(struct judgement *j, struct work *work) {
  work->failed_case = j->message->case_id;
  if (j->way == WAY_START) {
    add_start(j, work);
  } else if (j->way == WAY_ANNUL) {
    correct_inform(j->correction, work);
  } else {
    TRY(add_event(j, work));
  }
  return work_run(work);
}

static struct span parking_reason(enum err err) {
  return err == ERR_SCRIPT   ? SPAN_LITERAL("script-error")
         : err == ERR_CONFIG ? SPAN_LITERAL("no-definition")
                             : SPAN_LITERAL("step-failed");
}

static uint64_t park(struct judgement *j, const struct work *work, enum err err) {
  return incidents_open(j->runtime, &(struct incident_report){
                                        .case_id = work->failed_case,
                                        .reason = parking_reason(err),
                                        .detail = span_of_cstr(work->fault.text),
                                        .sender = j->message->sender,
                                        .event = j->message->event,
                                        .journal = work->journal,
                                        .at = j->now,
                                        .parks = true,
                                    });
}

static void answer_parked(struct judgement *j, const struct inbox_message *in, struct work *work, enum err err) {
  struct runtime *rt = j->runtime;
  work->failed_case = arena_copy(&rt->arena, work->failed_case); /* may be the text of a slot that goes now */
  work_drop(work);
  correct_drop(&j->correction);
  struct span sealed = persons_merge(rt, case_root(in->message.case_id), &j->personal);
  uint64_t incident = park(j, work, err);
  journal_link(rt, work->family, work->journal);
  j->fault = work->fault;
  j->fault.err = err;
  append_entry(j, RECORD_JOURNAL_PARKED, sealed);
  struct runtime_receipt receipt = {
      .kind = RUNTIME_INCIDENT,
      .journal = work->journal,
      .incident = incident,
      .err = err,
      .text = SPAN_LITERAL("Сообщение принято, но дело не смогло его обработать: оператор извещён"),
  };
  answer(rt, in, &receipt, true);
}

static void answer_accepted(struct judgement *j, const struct inbox_message *in, struct work *work) {
  struct runtime *rt = j->runtime;
  struct span sealed = persons_merge(rt, case_root(in->message.case_id), &j->personal);
  work_commit(work);
  journal_link(rt, work->family, work->journal);
  if (j->correction) {
    correct_commit(j->correction, work->journal);
    correct_drop(&j->correction);
  }
  append_entry(j, RECORD_JOURNAL_MESSAGE, sealed);
  if (in->retry.incident != 0) {
    incidents_resolved(rt, in->retry.root, in->retry.incident);
  }
  struct runtime_receipt receipt = {.kind = RUNTIME_ACCEPTED, .journal = work->journal};
  answer(rt, in, &receipt, true);
}

/* False: a family to which it has something to say was recounted, and the message has to be judged again. */
static bool take(struct judgement *j, const struct inbox_message *in) {
  struct work work;
  work_begin(&work, j->runtime, j->now);
  work.sender = j->message->sender;
  work.event = j->message->event;
  link_to_family(j, &work);
  enum err err = do_work(j, &work);
  if (!span_empty(work.stale)) {
    work_recount_stale(&work, j->now, false);
    correct_drop(&j->correction);
    return false;
  }
  if (err == ERR_OK) {
    answer_accepted(j, in, &work);
  } else {
    answer_parked(j, in, &work, err);
  }
  return true;
}

/* ---- was it here before? ---- */

/* The same number for another message: somebody has two spools, or is not who it says. Not journalled: the number is
 * taken. */
static void answer_conflict(struct runtime *rt, const struct inbox_message *in, civil_moment now) {
  struct runtime_receipt receipt = {
      .kind = RUNTIME_REFUSED,
      .err = ERR_CONFLICT,
      .text = SPAN_LITERAL("Под этим номером уже принято другое сообщение"),
  };
  bool first = false;
  receipt.incident = incidents_refusal(rt,
                                       &(struct incident_report){
                                           .reason = SPAN_LITERAL("sequence-reused"),
                                           .detail = receipt.text,
                                           .sender = in->message.sender,
                                           .journal = rt->head.journal,
                                           .at = now,
                                           .transport = true,
                                       },
                                       ERR_CONFLICT, &first);
  answer(rt, in, &receipt, false);
}

static bool answer_from_memory(struct runtime *rt, const struct inbox_message *in, civil_moment now) {
  struct record_key key = record_pair_key(in->message.sender, in->message.sequence);
  struct span bytes;
  if (!engine_read(rt, STORE_DEDUP, &key, &bytes)) {
    return false;
  }
  struct record_receipt record;
  enum err err = record_receipt_read(arena_copy(&rt->arena, bytes), &record);
  if (err != ERR_OK) {
    engine_fail(rt, err);
    return true;
  }
  if (memcmp(record.digest, in->message.digest, sizeof record.digest) != 0) {
    answer_conflict(rt, in, now);
    return true;
  }
  struct runtime_receipt receipt = {
      .kind = record.kind == RUNTIME_ACCEPTED ? RUNTIME_DUPLICATE : record.kind,
      .journal = record.journal,
      .incident = record.incident,
      .err = record.err,
      .text = record.text,
  };
  answer(rt, in, &receipt, false);
  return true;
}

/* As the sender says; one that is refused for the moment itself is kept as recorded, or as far ahead as can be named.
 */
static civil_moment occurred_at(const struct runtime_message *m, civil_moment now) {
  if (m->occurred_at < YEAR_1900) { /* CIVIL_MOMENT_NONE among them */
    return now;
  }
  return m->occurred_at > now ? now + 1 : m->occurred_at;
}

/* Or a line of a rehearsal that is no message: the timers of its family have been taken, and that was all. */
static void repeat_timer(struct runtime *runtime, const struct inbox_message *in, civil_moment now) {
  if (in->retry.incident != 0) {
    due_again(runtime, in, now);
  }
}

/* By its word: a family is recounted, again or as a line of a rehearsal says; without a case all that are left. */
static void recount(struct runtime *runtime, const struct inbox_message *in, civil_moment now) {
  struct span root = case_root(in->message.case_id);
  if (in->retry.incident != 0) {
    recount_again(runtime, in, now);
  } else if (span_empty(root)) {
    runtime->calendars.told = false;
  } else if (recount_needed(runtime, root)) {
    recount_family(runtime, root, now, false);
  }
}

/* False: it has to be judged again. */
static bool process(struct runtime *runtime, const struct inbox_message *in, civil_moment now) {
  struct judgement j = {
      .runtime = runtime,
      .message = &in->message,
      .now = now,
      .occurred_at = occurred_at(&in->message, now),
  };
  if (judge(&j) != ERR_OK) {
    answer_refused(&j, in);
  } else if (j.way == WAY_DUPLICATE) {
    answer_duplicate(&j, in);
  } else {
    return take(&j, in);
  }
  return true;
}

void message_process(struct runtime *runtime, const struct inbox_message *in, civil_moment now) {
  const struct runtime_message *m = &in->message;
  bool of_timer = span_empty(m->sender);
  if (in->retry.incident == 0 && !of_timer && answer_from_memory(runtime, in, now)) {
    return;
  }
  if (of_timer && m->data.kind == VALUE_TEXT) {
    recount(runtime, in, now);
    return;
  }
  struct span root = case_root(case_named(m));
  if (recount_needed(runtime, root)) {
    recount_family(runtime, root, now, false);
    runtime->behind = due_waits(runtime, now);
  }
  due_take_family(runtime, case_named(m), now);
  if (of_timer) {
    repeat_timer(runtime, in, now);
    return;
  }
  while (!process(runtime, in, now)) {
  }
}
