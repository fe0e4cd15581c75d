/*
 * daemon/desk.c — questions, one at a time, and those who wait for the clock or for the journal.
 *
 * An act on personal data is answered when its entry is durable: the question is kept until the runtime says so.
 *
 * Waiting for the virtual clock: the question is kept (one per asker, at
 * most WAITERS_MAX) until the clock has arrived or WAIT_MS have passed; then a page tells how far it is, and the asker
 * asks for the next one.
 */
#include "daemon/desk.h"

#include <stdlib.h>

#include "base/log.h"
#include "daemon/page.h"
#include "daemon/turn.h"

enum { WAITERS_MAX = 16, WAIT_MS = 1000, PEER_BYTES = 255, TEXT_MAX = 32 << 10 };

struct waiter {
  uint8_t peer[PEER_BYTES];
  size_t peer_size;
  uint64_t number;
};

/* One who waits for an act. */
struct pending {
  struct waiter waiter;
  uint64_t ticket;
  page_then then;
  uint8_t subject[PAGE_SUBJECT_MAX];
  size_t subject_size;
  struct pending *next;
};

struct desk {
  struct daemon *daemon;
  struct arena arena;
  struct writer rows, reply;
  size_t ends[DESK_ROWS_MAX];
  struct waiter waiters[WAITERS_MAX];
  size_t waiters_count;
  struct pending *pending; /* at most RUNTIME_ACTS_MAX */
  uint64_t clock_pages;
  uv_timer_t timer;
};

static const struct desk_verb *const verb_tables[] = {
    desk_case_verbs,    desk_document_verbs, desk_list_verbs, desk_outcome_verbs, desk_journal_verbs,
    desk_person_verbs,  desk_audit_verbs,    desk_keys_verbs, desk_doctor_verbs,  desk_backup_verbs,
    desk_correct_verbs, desk_calendar_verbs, desk_admin_verbs};

static const struct desk_verb *verb_find(const char *name) {
  for (size_t i = 0; i < sizeof verb_tables / sizeof verb_tables[0]; i++) {
    for (const struct desk_verb *verb = verb_tables[i]; verb->name; verb++) {
      if (strcmp(verb->name, name) == 0) {
        return verb;
      }
    }
  }
  return NULL;
}

/* ---- answering ---- */

static void reply_send(struct desk *desk, struct span peer, const Kurator__V1__QueryReply *reply) {
  if (!desk->daemon->query) {
    return; /* the end: what is written now is told to nobody */
  }
  writer_reset(&desk->reply);
  frame_pack(&reply->base, &desk->reply);
  struct span part = writer_span(&desk->reply);
  enum err err = wire_server_send(desk->daemon->query, peer, &part, 1);
  if (err != ERR_OK) {
    log_line(LOG_DEBUG, "daemon", "msg=\"answer not delivered\" err=%s", err_name(err));
  }
}

static void page_send(struct desk *desk, struct span peer, const struct page *page, uint64_t number) {
  Kurator__V1__QueryReply reply = KURATOR__V1__QUERY_REPLY__INIT;
  ProtobufCBinaryData *rows = ARENA_ARRAY(&desk->arena, ProtobufCBinaryData, page->count);
  size_t start = 0;
  for (size_t i = 0; i < page->count; i++) {
    rows[i] = (ProtobufCBinaryData){.data = desk->rows.data + start, .len = page->ends[i] - start};
    start = page->ends[i];
  }
  reply.has_number = 1;
  reply.number = number;
  reply.has_journal_position = 1;
  reply.journal_position = runtime_journal_head(desk->daemon->runtime);
  reply.n_rows = page->count;
  reply.rows = rows;
  reply.has_next_cursor = page->cursor.size > 0;
  reply.next_cursor = (ProtobufCBinaryData){.data = (uint8_t *)page->cursor.data, .len = page->cursor.size};
  reply.has_done = 1;
  reply.done = page->cursor.size == 0;
  reply_send(desk, peer, &reply);
}

static void fault_send(struct desk *desk, struct span peer, uint64_t number, const struct fault *fault) {
  Kurator__V1__QueryReply reply = KURATOR__V1__QUERY_REPLY__INIT;
  Kurator__V1__Fault what = frame_fault(fault);
  reply.has_number = 1;
  reply.number = number;
  reply.has_journal_position = 1;
  reply.journal_position = runtime_journal_head(desk->daemon->runtime);
  reply.fault = &what;
  reply.has_done = 1;
  reply.done = 1;
  reply_send(desk, peer, &reply);
}

/* ---- waiting for the clock ---- */

static void clock_page(struct desk *desk, struct page *page) {
  const struct turn *turn = desk->daemon->turn;
  bool moving = turn_advancing(turn);
  const struct value_field fields[] = {
      PAGE_FIELD("now", page_moment(page, turn_now(turn))),
      PAGE_FIELD("target", page_moment(page, turn_target(turn))),
      PAGE_FIELD("arrived", value_bool(!moving)),
      PAGE_FIELD("waiting_for", page_known(turn_missing(turn))),
      PAGE_FIELD("held_by", page_known(turn_held_by(turn))),
      PAGE_FIELD("journal", value_int((int64_t)runtime_journal_head(desk->daemon->runtime))),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  page->cursor = span_of(NULL, 0);
  if (moving) { /* never the same twice: an asker takes a repeated cursor for an endless answer */
    page->cursor = arena_printf(page->arena, "%llu", (unsigned long long)++desk->clock_pages);
  }
}

static void waiters_answer(struct desk *desk) {
  for (size_t i = 0; i < desk->waiters_count; i++) {
    const struct waiter *waiter = &desk->waiters[i];
    arena_reset(&desk->arena);
    writer_reset(&desk->rows);
    struct page page = {
        .daemon = desk->daemon, .arena = &desk->arena, .rows = &desk->rows, .ends = desk->ends, .limit = 1};
    clock_page(desk, &page);
    page_send(desk, span_of(waiter->peer, waiter->peer_size), &page, waiter->number);
  }
  desk->waiters_count = 0;
  (void)uv_timer_stop(&desk->timer);
}

static void on_timer(uv_timer_t *timer) {
  waiters_answer(timer->data);
}

void desk_clock_arrived(struct desk *desk) {
  waiters_answer(desk);
}

/* False: a name that no peer has. */
static bool waiter_set(struct waiter *waiter, struct span peer, uint64_t number) {
  if (peer.size > PEER_BYTES) {
    return false;
  }
  waiter->peer_size = peer.size;
  waiter->number = number;
  memcpy(waiter->peer, peer.data, peer.size);
  return true;
}

static enum err wait(struct desk *desk, const struct wire_message *message, uint64_t number, struct fault *fault) {
  if (desk->waiters_count == WAITERS_MAX || !waiter_set(&desk->waiters[desk->waiters_count], message->peer, number)) {
    return fault_set(fault, ERR_BUSY, "слишком многие ждут часов");
  }
  desk->waiters_count++;
  if (!uv_is_active((uv_handle_t *)&desk->timer)) {
    (void)uv_timer_start(&desk->timer, on_timer, WAIT_MS, 0);
  }
  return ERR_OK;
}

/* ---- waiting for the journal ---- */

static void wait_for_act(struct desk *desk, const struct wire_message *message, uint64_t number,
                         const struct page *page) {
  struct pending *pending = calloc(1, sizeof *pending);
  ASSERT(pending != NULL && page->subject.size <= sizeof pending->subject);
  pending->ticket = page->ticket;
  pending->then = page->then;
  pending->subject_size = page->subject.size;
  if (page->subject.size > 0) {
    memcpy(pending->subject, page->subject.data, page->subject.size);
  }
  pending->next = desk->pending;
  desk->pending = pending;
  if (!waiter_set(&pending->waiter, message->peer, number)) {
    pending->waiter.peer_size = 0; /* done and journalled, with nobody to tell */
  }
  turn_kick(desk->daemon->turn);
}

/* What was shown does not stay in memory for whoever reads it later. */
static void wipe(struct writer *w) {
  if (w->size > 0) {
    explicit_bzero(w->data, w->size);
  }
}

static void pending_answer(struct desk *desk, const struct pending *pending, const struct runtime_acted *acted) {
  struct span peer = span_of(pending->waiter.peer, pending->waiter.peer_size);
  struct fault fault = {.err = ERR_OK};
  arena_reset(&desk->arena);
  writer_reset(&desk->rows);
  struct page page = {.daemon = desk->daemon,
                      .arena = &desk->arena,
                      .rows = &desk->rows,
                      .ends = desk->ends,
                      .limit = 1,
                      .subject = span_of(pending->subject, pending->subject_size)};
  enum err err = acted->err == ERR_OK
                     ? pending->then(&page, acted, &fault)
                     : fault_set(&fault, acted->err,
                                 "Пока запрос ждал записи, данные стёрты или связь изменена: посмотрите ещё раз");
  if (err == ERR_OK) {
    page_send(desk, peer, &page, pending->waiter.number);
  } else {
    fault.err = err;
    fault_send(desk, peer, pending->waiter.number, &fault);
  }
  wipe(&desk->rows);
  wipe(&desk->reply);
}

void desk_acted(struct desk *desk, const struct runtime_acted *acted) {
  for (struct pending **link = &desk->pending; *link; link = &(*link)->next) {
    struct pending *pending = *link;
    if (pending->ticket == acted->ticket) {
      *link = pending->next;
      if (pending->waiter.peer_size > 0) {
        pending_answer(desk, pending, acted);
      }
      free(pending);
      return;
    }
  }
}

/* ---- a question ---- */

static enum err check_right(const struct desk *desk, const struct wire_message *message, const struct desk_verb *verb,
                            struct fault *fault) {
  unsigned roles = keyring_roles_of_user(desk->daemon->keyring, message->user_id);
  unsigned enough = verb->changes ? KEYRING_OPERATOR : KEYRING_OPERATOR | KEYRING_AGENT;
  return (roles & enough) != 0 ? ERR_OK : fault_set(fault, ERR_FORBIDDEN, "этот ключ не имеет права на такой запрос");
}

static enum err check_words(const Kurator__V1__QueryRequest *request, struct fault *fault) {
  for (size_t i = 0; i < request->n_args; i++) {
    if (strlen(request->args[i]) > TEXT_MAX || !span_is_text(span_of_cstr(request->args[i]))) {
      return fault_set(fault, ERR_INVALID, "слишком длинное слово в запросе");
    }
  }
  return ERR_OK;
}

static size_t page_limit(const struct desk *desk, const Kurator__V1__QueryRequest *request) {
  size_t most = (size_t)desk->daemon->config->engine.limits.query_rows;
  most = most < DESK_ROWS_MAX ? most : DESK_ROWS_MAX;
  return request->limit > 0 && request->limit < most ? request->limit : most;
}

/* A copy: the answer may change the keyring that the name stands in. */
static struct span asker_copy(struct desk *desk, struct span user_id) {
  return arena_copy(&desk->arena, keyring_name_of_user(desk->daemon->keyring, user_id));
}

static enum err answer(struct desk *desk, const struct wire_message *message, const Kurator__V1__QueryRequest *request,
                       struct fault *fault) {
  const struct desk_verb *verb = request->verb ? verb_find(request->verb) : NULL;
  if (!verb) {
    return fault_set(fault, ERR_UNSUPPORTED, "нет такого запроса");
  }
  TRY(check_right(desk, message, verb, fault));
  TRY(check_words(request, fault));
  struct page page = {
      .daemon = desk->daemon,
      .request = request,
      .asker = asker_copy(desk, message->user_id),
      .roles = keyring_roles_of_user(desk->daemon->keyring, message->user_id),
      .arena = &desk->arena,
      .rows = &desk->rows,
      .ends = desk->ends,
      .limit = page_limit(desk, request),
  };
  TRY(verb->run(&page, fault));
  if (page.ticket > 0) {
    wait_for_act(desk, message, request->number, &page);
    return ERR_OK;
  }
  if (page.later) {
    return wait(desk, message, request->number, fault);
  }
  page_send(desk, message->peer, &page, request->number);
  return ERR_OK;
}

void desk_on_message(struct desk *desk, const struct wire_message *message) {
  Kurator__V1__QueryRequest *request;
  struct fault fault = {.err = ERR_OK};
  arena_reset(&desk->arena);
  writer_reset(&desk->rows);
  if (message->count != 1 || frame_read_question(message->parts[0], &desk->arena, &request) != ERR_OK) {
    wire_server_drop(desk->daemon->query, "malformed question");
    return;
  }
  enum err err = answer(desk, message, request, &fault);
  if (err != ERR_OK) {
    log_line(LOG_DEBUG, "daemon", "msg=\"question refused\" err=%s", err_name(err));
    fault.err = err;
    fault_send(desk, message->peer, request->number, &fault);
  }
  if (err == ERR_CORRUPT) {
    turn_fail(desk->daemon->turn, err);
  }
}

/* ---- beginning and end ---- */

enum err desk_create(struct daemon *daemon, struct desk **ret_desk) {
  struct desk *desk = calloc(1, sizeof *desk);
  ASSERT(desk != NULL);
  desk->daemon = daemon;
  arena_init(&desk->arena, 0);
  writer_init(&desk->rows);
  writer_init(&desk->reply);
  if (uv_timer_init(&daemon->loop, &desk->timer) != 0) {
    free(desk);
    return ERR_NO_MEMORY;
  }
  desk->timer.data = desk;
  *ret_desk = desk;
  return ERR_OK;
}

static void on_closed(uv_handle_t *handle) {
  struct desk *desk = handle->data;
  while (desk->pending) {
    struct pending *first = desk->pending;
    desk->pending = first->next;
    free(first);
  }
  arena_finish(&desk->arena);
  writer_finish(&desk->rows);
  writer_finish(&desk->reply);
  free(desk);
}

void desk_destroy(struct desk **desk) {
  if (*desk) {
    uv_close((uv_handle_t *)&(*desk)->timer, on_closed);
    *desk = NULL;
  }
}
