/*
 * States of a correction: found (which entry is meant, and may it be taken back) → gone through (as it was, without it)
 * → planned (what readers are told) → committed | dropped. Until correct_commit the runtime is as it was.
 */
#include "runtime/correct.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/words.h"
#include "runtime/correct_diff.h"
#include "runtime/line.h"

/* ---- which entry is meant ---- */

struct meant {
  struct span sender; /* empty: of whomever */
  struct span event;
  int64_t sequence; /* 0: the last one */
};

static bool answers(const struct replay_entry *item, const struct meant *meant) {
  return !item->annuls && span_equal(item->entry.event, meant->event) &&
         (span_empty(meant->sender) || span_equal(item->entry.sender, meant->sender)) &&
         (meant->sequence == 0 || item->entry.sequence == (uint64_t)meant->sequence);
}

/* With a number also one that was taken back already, so that its sender hears that. What was parked and repeated goes
 * by the number of the first. */
static const struct replay_entry *find(const struct replay_entries *entries, const struct meant *meant) {
  for (size_t i = entries->count; i-- > 0;) {
    const struct replay_entry *item = &entries->items[i];
    if (answers(item, meant) && (meant->sequence != 0 || !replay_entry_latest(item)->annulled)) {
      return item;
    }
  }
  return NULL;
}

/* What began the family carries all the others. */
static bool carries_others(const struct replay_entries *entries, const struct replay_entry *target) {
  bool others = false;
  for (size_t i = 0; i < entries->count; i++) {
    const struct replay_entry *item = &entries->items[i];
    others = others || (item != target && !item->annulled && !item->annuls && !item->later);
  }
  return target == entries->items && others;
}

static enum err find_target(struct correction *c, const struct meant *meant, struct fault *fault) {
  c->named = find(&c->entries, meant);
  c->target = c->named ? replay_entry_latest(c->named) : NULL;
  if (!c->target) {
    return fault_set(fault, ERR_NOT_FOUND, "Такого принятого сообщения в деле нет: отзывать нечего");
  }
  if (c->target->annulled) {
    return fault_set(fault, ERR_CONFLICT, "Это сообщение уже отозвано");
  }
  if (c->begun_by_message && carries_others(&c->entries, c->target)) {
    return fault_set(fault, ERR_CONFLICT,
                     "Этим сообщением начато дело: его можно отозвать, только когда отозваны все остальные");
  }
  return ERR_OK;
}

/* ---- going through ---- */

static enum err check_definitions(const struct correction *c, struct fault *fault) {
  for (size_t i = 0; i < c->without.before.count; i++) {
    const struct case_slot *slot = c->without.before.members[i];
    struct span revision = case_revision(slot->file);
    if (!span_empty(revision) && !casework_has_revision(c->runtime->casework, case_process(slot->file), revision)) {
      return fault_set(fault, ERR_CONFLICT, "Схемы, по которой идёт дело, больше нет: пройти его заново нельзя");
    }
  }
  return ERR_OK;
}

static enum err go_through(struct correction *c, struct replay *replay, uint64_t without, struct fault *fault) {
  struct fault why = {.err = ERR_OK};
  replay->outer = c->runtime;
  replay->arena = &c->arena;
  replay->before = c->without.before;
  replay->entries = &c->entries;
  replay->root = c->root;
  replay->without = without;
  replay->now = c->now;
  enum err err = replay_run(replay, &why);
  if (err == ERR_OK) {
    return ERR_OK;
  }
  return fault_set(fault, ERR_CONFLICT, "Дело не удалось пройти заново: %s",
                   why.err != ERR_OK ? why.text : words_of_err(err));
}

static enum err prepare(struct correction *c, struct span case_id, const struct meant *meant, struct fault *fault) {
  struct case_slot *slot = NULL;
  struct fault unread = {.err = ERR_OK};
  if (family_named(c->runtime, case_id, &slot, &unread) != ERR_OK) {
    return fault_set(fault, ERR_NOT_FOUND, "Дело не найдено");
  }
  c->root = arena_copy(&c->arena, case_root(slot->id));
  if (cases_get(&c->runtime->cases, c->root, &slot, &unread) != ERR_OK ||
      replay_entries_read(c->runtime, slot, &c->arena, &c->entries) != ERR_OK) {
    return fault_set(fault, ERR_CONFLICT, "Дело или его журнал не читается, оператор извещён");
  }
  c->begun_by_message = replay_is_own(c->runtime, slot);
  if (!c->begun_by_message) {
    struct told_list all;
    if (correct_heard(c, slot, &all) != ERR_OK) {
      return fault_set(fault, ERR_CONFLICT, "Это дело система ведёт сама по другим делам: отзывают сообщения в них");
    }
    correct_hear_the_same(c, &all);
  }
  TRY(find_target(c, meant, fault));
  return ERR_OK;
}

enum err correct_compute(struct correction *c, uint64_t without, struct fault *fault) {
  family_all(c->runtime, c->root, &c->without.before);
  TRY(check_definitions(c, fault));
  TRY(go_through(c, &c->as_it_was, 0, fault));
  TRY(go_through(c, &c->without, without, fault));
  correct_plan(c);
  return ERR_OK;
}

static enum err compute(struct correction *c, struct fault *fault) {
  ASSERT(c->target); /* prepare has found it */
  TRY(correct_compute(c, c->target->number, fault));
  correct_others(c);
  return ERR_OK;
}

struct correction *correction_new(struct runtime *runtime, civil_moment now) {
  struct correction *c = calloc(1, sizeof *c);
  ASSERT(c);
  c->runtime = runtime;
  c->now = now;
  arena_init(&c->arena, 0);
  return c;
}

void correct_drop(struct correction **correction) {
  struct correction *c = *correction;
  if (c) {
    for (size_t i = 0; i < c->others_count; i++) {
      correct_drop(&c->others[i]);
    }
    replay_finish(&c->as_it_was);
    replay_finish(&c->without);
    arena_finish(&c->arena);
    free(c);
    *correction = NULL;
  }
}

/* ---- the event that takes back ---- */

static struct span text_field(const struct correct_message *m, struct span name) {
  const struct value *field = span_empty(name) ? NULL : value_find(m->clear, name);
  return field && field->kind == VALUE_TEXT ? field->text : span_of(NULL, 0);
}

static enum err read_meant(const struct correct_message *m, struct meant *ret_meant, struct fault *fault) {
  const struct event_rule *rule = m->rule;
  const struct value *sequence = span_empty(rule->annuls_sequence) ? NULL : value_find(m->clear, rule->annuls_sequence);
  bool any = text_list_has(&rule->annuls_any, m->sender->kind);
  struct span sender = text_field(m, rule->annuls_sender);
  *ret_meant = (struct meant){
      .sender = any ? sender : m->sender->id,
      .event = text_field(m, rule->annuls),
      .sequence = sequence && sequence->kind == VALUE_INT ? sequence->integer : 0,
  };
  if (!any && !span_empty(sender) && !span_equal(sender, m->sender->id)) {
    return fault_set(fault, ERR_FORBIDDEN, "Отозвать можно только своё сообщение");
  }
  return ERR_OK;
}

static void put_named(struct correction *c) {
  struct record_key key = record_named_key(c->named->number);
  writer_reset(&c->runtime->scratch);
  record_generation_write(c->named->entry.sequence, &c->runtime->scratch);
  engine_put(c->runtime, STORE_INDEX, &key, writer_span(&c->runtime->scratch));
}

enum err correct_prepare(struct runtime *runtime, const struct correct_message *message,
                         struct correction **ret_correction, struct fault *fault) {
  struct meant meant;
  TRY(read_meant(message, &meant, fault));
  struct correction *c = correction_new(runtime, message->now);
  enum err err = prepare(c, message->case_id, &meant, fault);
  if (c->target && meant.sequence != 0) {
    put_named(c); /* also when it is refused: a rehearsal has to refuse it likewise */
  }
  err = err == ERR_OK ? compute(c, fault) : err;
  if (err != ERR_OK) {
    correct_drop(&c);
    return err;
  }
  *ret_correction = c;
  return ERR_OK;
}

/* ---- before it is done ---- */

struct lines {
  struct arena *arena;
  struct span *items;
  size_t count, capacity;
};

struct family_lines {
  struct lines *lines;
  struct span root;
};

static bool keep_line(void *arg, struct span line) {
  struct lines *lines = ((struct family_lines *)arg)->lines;
  struct value value;
  if (json_read(line, lines->arena, &value, NULL) != ERR_OK || span_is(value_get_text(&value, "type"), "incident")) {
    return true;
  }
  if (lines->count == lines->capacity) {
    lines->capacity = lines->capacity ? lines->capacity * 2 : 64;
    struct span *grown = ARENA_ARRAY(lines->arena, struct span, lines->capacity);
    if (lines->count > 0) {
      memcpy(grown, lines->items, lines->count * sizeof *grown);
    }
    lines->items = grown;
  }
  lines->items[lines->count++] = arena_copy(lines->arena, line);
  return true;
}

static bool is_family(void *arg, struct span root) {
  return span_equal(((struct family_lines *)arg)->root, root);
}

static enum err lines_of(struct correction *c, struct store *store, struct lines *ret_lines) {
  *ret_lines = (struct lines){.arena = &c->arena};
  struct family_lines family = {ret_lines, c->root};
  const struct outcome_pages pages = {.from = c->root, .family = is_family, .sink = keep_line, .arg = &family};
  return outcome_write_from(store, &pages);
}

static bool has_line(const struct lines *lines, struct span line) {
  for (size_t i = 0; i < lines->count; i++) {
    if (span_equal(lines->items[i], line)) {
      return true;
    }
  }
  return false;
}

struct telling {
  line_sink sink;
  void *arg;
  struct writer w;
};

static void end(struct telling *t) {
  line_end(&t->w);
  (void)t->sink(t->arg, writer_span(&t->w));
  writer_reset(&t->w);
}

/* `{"change":"-",` before what the line says. */
static void tell_changes(struct telling *t, const struct lines *lines, const struct lines *others, const char *sign) {
  for (size_t i = 0; i < lines->count; i++) {
    struct span line = lines->items[i];
    if (!has_line(others, line)) {
      line_text(&t->w, "change", span_of_cstr(sign));
      writer_u8(&t->w, ',');
      writer_raw(&t->w, span_of(line.data + 1, line.size - 1));
      (void)t->sink(t->arg, writer_span(&t->w));
      writer_reset(&t->w);
    }
  }
}

static void tell_target(struct telling *t, const struct replay_entry *target) {
  line_text(&t->w, "type", SPAN_LITERAL("annulled"));
  line_value(&t->w, "journal", value_int((int64_t)target->number));
  line_moment(&t->w, "at", target->entry.recorded_at);
  line_text(&t->w, "as", target->entry.sender);
  line_text(&t->w, "event", target->entry.event);
  line_text(&t->w, "case", target->entry.case_id);
  uint64_t sequence = replay_entry_sequence(target);
  if (sequence > 0 && sequence <= INT64_MAX) {
    line_value(&t->w, "sequence", value_int((int64_t)sequence));
  }
  end(t);
}

static void tell_delivery(struct telling *t, const struct replay_delivery *d) {
  static const char *const names[] = {
      [RUNTIME_DELIVERY_OFFER] = "offer",       [RUNTIME_DELIVERY_OFFER_WITHDRAWN] = "offer-withdrawn",
      [RUNTIME_DELIVERY_TASK] = "task",         [RUNTIME_DELIVERY_TASK_WITHDRAWN] = "task-withdrawn",
      [RUNTIME_DELIVERY_NOTICE] = "notice",     [RUNTIME_DELIVERY_DEADLINE] = "deadline",
      [RUNTIME_DELIVERY_INCIDENT] = "incident",
  };
  line_text(&t->w, "change", SPAN_LITERAL("+"));
  line_text(&t->w, "type", SPAN_LITERAL("delivery"));
  line_text(&t->w, "kind", span_of_cstr(names[d->kind]));
  line_text(&t->w, "to", d->participant->id);
  line_text(&t->w, "case", d->case_id);
  line_text_if_any(&t->w, "subject", d->subject);
  line_text_if_any(&t->w, "event", d->event);
  line_text_if_any(&t->w, "reason", d->reason);
  end(t);
}

static void tell_refusal(struct telling *t, const struct replay_refusal *refusal) {
  line_text(&t->w, "type", SPAN_LITERAL("refused"));
  line_value(&t->w, "journal", value_int((int64_t)refusal->entry->number));
  line_text(&t->w, "as", refusal->entry->entry.sender);
  line_text(&t->w, "event", refusal->entry->entry.event);
  line_text(&t->w, "text", refusal->text);
  end(t);
}

static enum err tell_family(struct correction *c, struct telling *t) {
  struct lines before;
  struct lines after;
  TRY(lines_of(c, c->runtime->store, &before));
  TRY(lines_of(c, c->without.store, &after));
  tell_changes(t, &before, &after, "-");
  tell_changes(t, &after, &before, "+");
  for (size_t i = 0; i < c->plan_count; i++) {
    tell_delivery(t, &c->plan[i]);
  }
  for (size_t i = 0; i < c->without.refusals_count; i++) {
    tell_refusal(t, &c->without.refusals[i]);
  }
  return ERR_OK;
}

static enum err tell(struct correction *c, line_sink sink, void *arg) {
  struct telling t = {.sink = sink, .arg = arg};
  writer_init(&t.w);
  tell_target(&t, c->target);
  enum err err = tell_family(c, &t);
  for (size_t i = 0; err == ERR_OK && i < c->others_count; i++) {
    err = tell_family(c->others[i], &t);
  }
  writer_finish(&t.w);
  return err;
}

enum err runtime_correct_preview(struct runtime *runtime, const struct correct_question *question, civil_moment now,
                                 line_sink sink, void *arg, struct fault *fault) {
  const struct meant meant = {question->sender, question->event, question->sequence};
  civil_moment last = runtime->head.recorded_at;
  struct correction *c = correction_new(runtime, now > last ? now : last);
  enum err err = prepare(c, question->case_id, &meant, fault);
  err = err == ERR_OK ? compute(c, fault) : err;
  err = err == ERR_OK ? tell(c, sink, arg) : err;
  correct_drop(&c);
  return err;
}
