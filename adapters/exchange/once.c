/*
 * Notes. "once:DIGEST" of what makes an event the same: digest of its content, a blank and the number in the journal
 * (empty: on its way). "again:DIGEST" of sender, case and event: the name of the last such note, by which it is found
 * when the event is taken back. "asked:DIGEST" of participant and case: the items that are asked, each with a newline.
 *
 * Tags. A message that is to be told once carries the name of its note; one that takes another back carries the name of
 * the "again:" note.
 */
#include "exchange/once.h"

#include <sodium.h>
#include <string.h>

enum { HEX = 2 * crypto_generichash_BYTES };

#define ONCE_PREFIX  "once:"
#define AGAIN_PREFIX "again:"

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

/* Empty when the first field is not there: then it is no such event. */
static struct span once_name(const struct profile_once *once, const char *sender, const struct exchange_event *event,
                             struct arena *arena) {
  struct span *parts = ARENA_ARRAY(arena, struct span, 3 + once->fields_count);
  parts[0] = span_of_cstr(sender);
  parts[1] = event->case_id;
  parts[2] = event->event;
  for (unsigned i = 0; i < once->fields_count; i++) {
    parts[3 + i] = value_get_text(&event->data, once->fields[i]);
  }
  return span_empty(parts[3]) ? (struct span){0} : name_of(ONCE_PREFIX, parts, 3 + once->fields_count, arena);
}

static struct span content_digest(const struct value *data, struct arena *arena) {
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  value_encode(data, &w);
  return digest_of(&w, arena);
}

/* ---- sending ---- */

static enum err told_otherwise(uint64_t journal, struct fault *fault) {
  const char *what = "По этому протоколу уже есть другое решение по этому случаю";
  const char *how = "чтобы его исправить, сначала отзовите прежнее";
  return journal > 0
             ? fault_set(fault, ERR_EXISTS, "%s (запись журнала %llu): %s.", what, (unsigned long long)journal, how)
             : fault_set(fault, ERR_EXISTS, "%s: %s.", what, how);
}

enum err once_ask(const struct profile *profile, struct link *link, const char *sender,
                  const struct exchange_event *event, struct arena *arena, struct once *ret_once, struct fault *fault) {
  const struct profile_once *rule = profile->once;
  struct span note;
  struct span rest;
  *ret_once = (struct once){.known = false};
  if (!rule) {
    return ERR_OK;
  }
  if (rule->again_after && span_is(event->event, rule->again_after)) {
    ret_once->tag = again_name(sender, event->case_id, value_get_text(&event->data, rule->again_field), arena);
    return ERR_OK;
  }
  ret_once->note = once_name(rule, sender, event, arena);
  if (span_empty(ret_once->note)) {
    return ERR_OK;
  }
  ret_once->tag = ret_once->note;
  ret_once->digest = content_digest(&event->data, arena);
  enum err err = link_note_get(link, ret_once->note, arena, &note);
  if (err == ERR_NOT_FOUND) {
    struct span again = again_name(sender, event->case_id, event->event, arena);
    return link_note_put(link, again, ret_once->note);
  }
  TRY(err);
  ret_once->known = span_equal(span_cut(note, ' ', &rest), ret_once->digest);
  int64_t journal = 0;
  ret_once->journal = span_to_int64(rest, &journal) && journal > 0 ? (uint64_t)journal : 0;
  return ret_once->known ? ERR_OK : told_otherwise(ret_once->journal, fault);
}

enum err once_sent(struct link *link, const struct once *once) {
  return span_empty(once->note) ? ERR_OK : link_note_put(link, once->note, once->digest);
}

/* ---- receipts ---- */

static enum err settle(struct link *link, const struct link_receipt *receipt, struct arena *arena) {
  struct span note;
  struct span rest;
  if (receipt->state == LINK_REFUSED) {
    return link_note_put(link, receipt->tag, (struct span){0});
  }
  enum err err = link_note_get(link, receipt->tag, arena, &note);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  struct span digest = span_cut(note, ' ', &rest);
  return link_note_put(link, receipt->tag,
                       arena_printf(arena, "%.*s %llu", SPAN_ARG(digest), (unsigned long long)receipt->journal));
}

/* Taken back: it may be told again. */
static enum err forget(struct link *link, const struct link_receipt *receipt, struct arena *arena) {
  struct span note;
  if (receipt->state == LINK_REFUSED) {
    return ERR_OK;
  }
  enum err err = link_note_get(link, receipt->tag, arena, &note);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  TRY(link_note_put(link, note, (struct span){0}));
  return link_note_put(link, receipt->tag, (struct span){0});
}

enum err once_receipt(struct link *link, const struct link_receipt *receipt) {
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  if (span_starts_with(receipt->tag, SPAN_LITERAL(ONCE_PREFIX))) {
    return settle(link, receipt, &arena);
  }
  return span_starts_with(receipt->tag, SPAN_LITERAL(AGAIN_PREFIX)) ? forget(link, receipt, &arena) : ERR_OK;
}

/* ---- the agenda ---- */

static struct span asked_name(const char *participant, struct span case_id, struct arena *arena) {
  const struct span parts[] = {span_of_cstr(participant), case_id};
  return name_of("asked:", parts, sizeof parts / sizeof *parts, arena);
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
  enum err err = link_note_get(link, name, &arena, &list);
  TRY(err == ERR_NOT_FOUND ? ERR_OK : err);
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
