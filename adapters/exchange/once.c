/*
 * Notes. "once:DIGEST" of what makes an event the same: digest of its content, number in the journal (0: on its way),
 * name of its "again:" note and of every "other:" note it holds, with blanks between. "other:DIGEST" of what makes
 * events contradict each other: the same line of whoever holds it, with "*" for the content. "again:DIGEST" of sender,
 * case and event: the accepted ones in the order of their receipts, a line each: name of the note, a blank, sequence.
 * "taking:AGAIN": sequence of the last taking back that is on its way. "asked:DIGEST" of participant and case: the
 * items that are asked, each with a newline.
 *
 * Only what was accepted stands in an "again:" note: the engine takes back nothing else, the last or the numbered one.
 *
 * Tags. A message that is to be told once carries the name of its note; one that takes another back carries the name of
 * the "again:" note and, after a blank, the sequence that it names, if any.
 *
 * A spool of before has shorter lines: what is missing at their ends is empty, and a line without a sequence answers to
 * any.
 */
#include "exchange/once.h"

#include <sodium.h>
#include <string.h>

enum { HEX = 2 * crypto_generichash_BYTES };

#define ONCE_PREFIX  "once:"
#define AGAIN_PREFIX "again:"
#define OTHER_PREFIX "other:"

/* ---- digests ---- */

static struct span digest_of(const struct writer *w, struct arena *arena) {
  uint8_t digest[crypto_generichash_BYTES];
  char text[HEX + 1];
  struct span bytes = writer_span(w);
  (void)crypto_generichash(digest, sizeof digest, bytes.data, bytes.size, NULL, 0);
  (void)sodium_bin2hex(text, sizeof text, digest, sizeof digest);
  return arena_copy(arena, span_of(text, HEX));
}

/* Each part with its length, so that no two lists of parts look alike. */
static void put_part(struct writer *w, struct span part) {
  writer_u32be(w, (uint32_t)part.size);
  writer_raw(w, part);
}

static struct span name_of(const char *prefix, const struct span *parts, size_t count, struct arena *arena) {
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  for (size_t i = 0; i < count; i++) {
    put_part(&w, parts[i]);
  }
  return arena_printf(arena, "%s%.*s", prefix, SPAN_ARG(digest_of(&w, arena)));
}

static struct span again_name(const char *sender, struct span case_id, struct span event, struct arena *arena) {
  const struct span parts[] = {span_of_cstr(sender), case_id, event};
  return name_of(AGAIN_PREFIX, parts, sizeof parts / sizeof *parts, arena);
}

/* Sender and case, what is decided, and the fields; empty when the first of these is not there: it is no such event. */
static struct span once_name(const char *prefix, struct span decided, const struct profile_once *once,
                             const char *sender, const struct exchange_event *event, struct arena *arena) {
  struct span *parts = ARENA_ARRAY(arena, struct span, 3 + once->fields_count);
  parts[0] = span_of_cstr(sender);
  parts[1] = event->case_id;
  parts[2] = decided;
  for (unsigned i = 0; i < once->fields_count; i++) {
    parts[3 + i] = value_get_text(&event->data, once->fields[i]);
  }
  return span_empty(parts[3]) ? (struct span){0} : name_of(prefix, parts, 3 + once->fields_count, arena);
}

static struct span taking_name(struct span again, struct arena *arena) {
  return arena_printf(arena, "taking:%.*s", SPAN_ARG(again));
}

static struct span content_digest(const struct value *data, struct arena *arena) {
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  value_encode(data, &w);
  return digest_of(&w, arena);
}

/* ---- a note ---- */

struct note {
  struct span digest;
  uint64_t journal;
  struct span again;
  struct span others; /* names with blanks between */
};

static uint64_t number_of(struct span text) {
  int64_t number = 0;
  return span_to_int64(text, &number) && number > 0 ? (uint64_t)number : 0;
}

static enum err note_read(struct link *link, struct span name, struct arena *arena, struct note *ret_note) {
  struct span rest;
  TRY(link_note_get(link, name, arena, &rest));
  ret_note->digest = span_cut(rest, ' ', &rest);
  ret_note->journal = number_of(span_cut(rest, ' ', &rest));
  ret_note->again = span_cut(rest, ' ', &rest);
  ret_note->others = rest;
  return ERR_OK;
}

/* With a line for each of the others that it holds. */
static enum err note_write(struct link *link, struct span name, const struct note *note, struct arena *arena) {
  struct span others = note->others;
  unsigned long long journal = note->journal;
  while (others.size > 0) {
    struct span other = span_cut(others, ' ', &others);
    TRY(link_note_put(link, other, arena_printf(arena, "* %llu %.*s", journal, SPAN_ARG(note->again))));
  }
  return link_note_put(link, name,
                       arena_printf(arena, "%.*s %llu %.*s %.*s", SPAN_ARG(note->digest), journal,
                                    SPAN_ARG(note->again), SPAN_ARG(note->others)));
}

static enum err note_drop(struct link *link, struct span name, struct arena *arena) {
  struct note note;
  enum err err = note_read(link, name, arena, &note);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  while (note.others.size > 0) {
    TRY(link_note_put(link, span_cut(note.others, ' ', &note.others), (struct span){0}));
  }
  return link_note_put(link, name, (struct span){0});
}

/* ---- sending ---- */

static enum err told_otherwise(uint64_t journal, struct fault *fault) {
  const char *what = "По этому протоколу уже есть другое решение по этому случаю";
  const char *how = "чтобы его исправить, отзовите прежнее и, когда придёт ответ об отзыве, положите строку снова";
  return journal > 0
             ? fault_set(fault, ERR_EXISTS, "%s (запись журнала %llu): %s.", what, (unsigned long long)journal, how)
             : fault_set(fault, ERR_EXISTS, "%s: %s.", what, how);
}

/* What is there is being taken back: whether it stands nobody knows before the receipt. */
static enum err check_taking(struct link *link, const struct note *note, struct arena *arena, struct fault *fault) {
  struct span sequence;
  enum err err =
      span_empty(note->again) ? ERR_NOT_FOUND : link_note_get(link, taking_name(note->again, arena), arena, &sequence);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  return fault_set(fault, ERR_EXISTS,
                   "Прежнее решение отзывается: когда придёт ответ об отзыве, положите эту строку снова.");
}

static enum err ask_again(const struct profile_once *rule, const char *sender, const struct exchange_event *event,
                          struct arena *arena, struct once *once) {
  const struct value *sequence = value_get(&event->data, "sequence");
  once->takes = again_name(sender, event->case_id, value_get_text(&event->data, rule->again_field), arena);
  once->tag = once->takes;
  if (sequence && sequence->kind == VALUE_INT) {
    once->tag = arena_printf(arena, "%.*s %lld", SPAN_ARG(once->takes), (long long)sequence->integer);
  }
  return ERR_OK;
}

static bool is_among(const struct profile_instead *instead, const struct exchange_event *event) {
  for (unsigned i = 0; i < instead->of_count; i++) {
    const struct profile_alternative *one = &instead->of[i];
    const struct value *when = one->when ? value_get(&event->data, one->when) : NULL;
    if (span_is(event->event, one->event) && (!one->when || (when && when->kind == VALUE_BOOL && when->truth))) {
      return true;
    }
  }
  return false;
}

/* What contradicts the event must not be there. */
static enum err ask_others(const struct profile_once *rule, struct link *link, const char *sender,
                           const struct exchange_event *event, struct arena *arena, struct once *once,
                           struct fault *fault) {
  for (unsigned i = 0; i < rule->instead_count; i++) {
    const struct profile_instead *instead = &rule->instead[i];
    if (!is_among(instead, event)) {
      continue;
    }
    struct note note;
    struct span other = once_name(OTHER_PREFIX, span_of_cstr(instead->name), rule, sender, event, arena);
    enum err err = note_read(link, other, arena, &note);
    if (err == ERR_OK) {
      TRY(check_taking(link, &note, arena, fault));
      return told_otherwise(note.journal, fault);
    }
    TRY(err == ERR_NOT_FOUND ? ERR_OK : err);
    once->others =
        span_empty(once->others) ? other : arena_printf(arena, "%.*s %.*s", SPAN_ARG(once->others), SPAN_ARG(other));
  }
  return ERR_OK;
}

enum err once_ask(const struct profile *profile, struct link *link, const char *sender,
                  const struct exchange_event *event, struct arena *arena, struct once *ret_once, struct fault *fault) {
  const struct profile_once *rule = profile->once;
  struct note note;
  *ret_once = (struct once){.known = false};
  if (!rule) {
    return ERR_OK;
  }
  if (rule->again_after && span_is(event->event, rule->again_after)) {
    return ask_again(rule, sender, event, arena, ret_once);
  }
  ret_once->note = once_name(ONCE_PREFIX, event->event, rule, sender, event, arena);
  if (span_empty(ret_once->note)) {
    return ERR_OK;
  }
  ret_once->tag = ret_once->note;
  ret_once->digest = content_digest(&event->data, arena);
  ret_once->again = again_name(sender, event->case_id, event->event, arena);
  enum err err = note_read(link, ret_once->note, arena, &note);
  if (err == ERR_NOT_FOUND) {
    return ask_others(rule, link, sender, event, arena, ret_once, fault);
  }
  TRY(err);
  TRY(check_taking(link, &note, arena, fault));
  ret_once->known = span_equal(note.digest, ret_once->digest);
  ret_once->journal = note.journal;
  return ret_once->known ? ERR_OK : told_otherwise(note.journal, fault);
}

enum err once_sent(struct link *link, const struct once *once, uint64_t sequence, struct arena *arena) {
  if (!span_empty(once->takes)) {
    return link_note_put(link, taking_name(once->takes, arena),
                         arena_printf(arena, "%llu", (unsigned long long)sequence));
  }
  const struct note note = {.digest = once->digest, .again = once->again, .others = once->others};
  return span_empty(once->note) ? ERR_OK : note_write(link, once->note, &note, arena);
}

/* ---- receipts ---- */

static enum err list_get(struct link *link, struct span name, struct arena *arena, struct span *ret_list) {
  *ret_list = (struct span){0};
  enum err err = link_note_get(link, name, arena, ret_list);
  return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The list without the item. */
static struct span without(struct span list, struct span item, struct arena *arena) {
  struct span kept = {0};
  while (list.size > 0) {
    struct span one = span_cut(list, '\n', &list);
    if (!span_empty(one) && !span_equal(one, item)) {
      kept = arena_printf(arena, "%.*s%.*s\n", SPAN_ARG(kept), SPAN_ARG(one));
    }
  }
  return kept;
}

static enum err settle(struct link *link, const struct link_receipt *receipt, struct arena *arena) {
  struct note note;
  struct span list;
  if (receipt->state == LINK_REFUSED) {
    return note_drop(link, receipt->tag, arena);
  }
  enum err err = note_read(link, receipt->tag, arena, &note);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  note.journal = receipt->journal;
  TRY(note_write(link, receipt->tag, &note, arena));
  if (span_empty(note.again)) {
    return ERR_OK;
  }
  unsigned long long sequence = receipt->sequence;
  struct span line = arena_printf(arena, "%.*s %llu", SPAN_ARG(receipt->tag), sequence);
  TRY(list_get(link, note.again, arena, &list));
  list = without(list, line, arena);
  return link_note_put(link, note.again, arena_printf(arena, "%.*s%.*s\n", SPAN_ARG(list), SPAN_ARG(line)));
}

/* The line that was taken back: of that sequence, or the last one; empty: none. */
static struct span line_of(struct span list, uint64_t sequence) {
  struct span found = {0};
  while (list.size > 0) {
    struct span number;
    struct span line = span_cut(list, '\n', &list);
    (void)span_cut(line, ' ', &number);
    if (!span_empty(line) && (sequence == 0 || span_empty(number) || number_of(number) == sequence)) {
      found = line;
    }
  }
  return found;
}

/* Taken back: it may be told again. */
static enum err forget(struct link *link, struct span again, struct span line, struct arena *arena) {
  struct span list;
  struct span rest;
  TRY(list_get(link, again, arena, &list));
  TRY(note_drop(link, span_cut(line, ' ', &rest), arena));
  return link_note_put(link, again, without(list, line, arena));
}

/* There is nothing to take back of that name: all of it was, in some other way. */
static enum err forget_all(struct link *link, struct span again, struct arena *arena) {
  struct span list;
  TRY(list_get(link, again, arena, &list));
  while (list.size > 0) {
    struct span rest;
    struct span name = span_cut(span_cut(list, '\n', &list), ' ', &rest);
    TRY(span_empty(name) ? ERR_OK : note_drop(link, name, arena));
  }
  return link_note_put(link, again, (struct span){0});
}

static enum err stop_taking(struct link *link, struct span again, uint64_t sequence, struct arena *arena) {
  struct span last;
  struct span name = taking_name(again, arena);
  TRY(list_get(link, name, arena, &last));
  return number_of(last) <= sequence ? link_note_put(link, name, (struct span){0}) : ERR_OK;
}

static enum err take_back(struct link *link, const struct link_receipt *receipt, struct arena *arena) {
  struct span list;
  struct span named;
  struct span again = span_cut(receipt->tag, ' ', &named);
  TRY(stop_taking(link, again, receipt->sequence, arena));
  if (receipt->state == LINK_REFUSED) {
    bool nothing = span_empty(named) && span_is(receipt->code, err_name(ERR_NOT_FOUND));
    return nothing ? forget_all(link, again, arena) : ERR_OK;
  }
  TRY(list_get(link, again, arena, &list));
  struct span line = line_of(list, number_of(named));
  return span_empty(line) ? ERR_OK : forget(link, again, line, arena);
}

enum err once_receipt(struct link *link, const struct link_receipt *receipt) {
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  if (span_starts_with(receipt->tag, SPAN_LITERAL(ONCE_PREFIX))) {
    return settle(link, receipt, &arena);
  }
  return span_starts_with(receipt->tag, SPAN_LITERAL(AGAIN_PREFIX)) ? take_back(link, receipt, &arena) : ERR_OK;
}

/* ---- the agenda ---- */

static struct span asked_name(const char *participant, struct span case_id, struct arena *arena) {
  const struct span parts[] = {span_of_cstr(participant), case_id};
  return name_of("asked:", parts, sizeof parts / sizeof *parts, arena);
}

enum err once_delivered(const struct profile *profile, struct link *link, const char *participant,
                        const struct delivery *delivery) {
  const struct profile_asked *asked = profile->asked;
  bool opens = asked && span_is(delivery->kind, asked->delivery);
  if (!opens && !(asked && span_is(delivery->kind, asked->until))) {
    return ERR_OK;
  }
  struct arena arena DEFER(arena_finish);
  struct span list = {0};
  arena_init(&arena, 0);
  struct span name = asked_name(participant, value_get_text(&delivery->body, "case_id"), &arena);
  struct span item = value_get_text(&delivery->body, asked->item);
  TRY(list_get(link, name, &arena, &list));
  list = without(list, item, &arena);
  return link_note_put(link, name, opens ? arena_printf(&arena, "%.*s%.*s\n", SPAN_ARG(list), SPAN_ARG(item)) : list);
}

enum err once_asked(const struct profile *profile, struct link *link, const char *participant, struct span case_id,
                    bool *ret_asked) {
  *ret_asked = true;
  if (!profile->asked) {
    return ERR_OK;
  }
  struct arena arena DEFER(arena_finish);
  struct span list = {0};
  arena_init(&arena, 0);
  enum err err = link_note_get(link, asked_name(participant, case_id, &arena), &arena, &list);
  *ret_asked = err == ERR_OK;
  return err == ERR_NOT_FOUND ? ERR_OK : err;
}
