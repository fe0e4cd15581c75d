/*
 * daemon/session_out.c — receipts and deliveries on their way to a link.
 *
 * Receipts wait in the session until the socket takes them; deliveries wait in the stream, from which they are read
 * again whenever there is room, so that nothing but a position has to be kept for a reader that is slow or away.
 */
#include <stdlib.h>

#include "daemon/deliver.h"
#include "daemon/session.h"

/* ---- receipts ---- */

void daemon_session_receipt_note(struct session *session, const struct runtime_receipt *receipt) {
  handed_answer(&session->handed, receipt->sequence);
  if (session->state == SESSION_AWAY) {
    return; /* whoever comes back sends what has no receipt, and hears "duplicate" */
  }
  if (session->receipts_count == session->receipts_capacity) {
    size_t capacity = session->receipts_capacity ? session->receipts_capacity * 2 : 64;
    struct receipt_note *grown = realloc(session->receipts, capacity * sizeof *grown);
    ASSERT(grown != NULL);
    session->receipts = grown;
    session->receipts_capacity = capacity;
  }
  struct receipt_note *note = &session->receipts[session->receipts_count++];
  *note = (struct receipt_note){receipt->sequence, receipt->kind, receipt->journal, {.err = ERR_OK}};
  if (receipt->kind == RUNTIME_REFUSED) {
    (void)fault_set(&note->fault, receipt->err, "%.*s", SPAN_ARG(receipt->text));
  }
}

/* An incident is the operator's: for the sender the message is durable. */
static void receipt_fill(const struct receipt_note *note, Kurator__V1__Receipt *receipt, Kurator__V1__Fault *fault) {
  kurator__v1__receipt__init(receipt);
  receipt->has_sequence = 1;
  receipt->sequence = note->sequence;
  switch (note->kind) {
  case RUNTIME_ACCEPTED:
  case RUNTIME_INCIDENT:
    receipt->outcome_case = KURATOR__V1__RECEIPT__OUTCOME_ACCEPTED;
    receipt->accepted = note->journal;
    break;
  case RUNTIME_DUPLICATE:
    receipt->outcome_case = KURATOR__V1__RECEIPT__OUTCOME_DUPLICATE;
    receipt->duplicate = note->journal;
    break;
  case RUNTIME_REFUSED:
    *fault = frame_fault(&note->fault);
    receipt->outcome_case = KURATOR__V1__RECEIPT__OUTCOME_REFUSED;
    receipt->refused = fault;
    break;
  }
}

static enum err receipts_send(struct session *session, const struct receipt_note *notes, size_t count) {
  struct sessions *sessions = session->owner;
  Kurator__V1__Receipt items[RECEIPTS_PER_FRAME];
  Kurator__V1__Receipt *list[RECEIPTS_PER_FRAME];
  Kurator__V1__Fault faults[RECEIPTS_PER_FRAME];
  Kurator__V1__Receipts receipts = KURATOR__V1__RECEIPTS__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  for (size_t i = 0; i < count; i++) {
    receipt_fill(&notes[i], &items[i], &faults[i]);
    list[i] = &items[i];
  }
  receipts.n_receipts = count;
  receipts.receipts = list;
  arena_reset(&sessions->arena);
  frame.participant = arena_cstr(&sessions->arena, session->participant->id);
  frame.body_case = KURATOR__V1__FRAME__BODY_RECEIPTS;
  frame.receipts = &receipts;
  return peer_send(sessions, session->peer, &frame, NULL, 0);
}

/* False: the socket takes no more now, or the peer is gone (then there is nothing left to send). */
static bool receipts_flush(struct session *session) {
  size_t done = 0;
  bool room = true;
  while (room && done < session->receipts_count) {
    size_t count = session->receipts_count - done;
    count = count > RECEIPTS_PER_FRAME ? RECEIPTS_PER_FRAME : count;
    room = receipts_send(session, session->receipts + done, count) == ERR_OK;
    done += room ? count : 0;
  }
  if (done > 0 && session->receipts_count > 0) {
    session->receipts_count -= done;
    memmove(session->receipts, session->receipts + done, session->receipts_count * sizeof *session->receipts);
  }
  return room;
}

/* ---- deliveries ---- */

struct page {
  struct arena *arena;
  struct span parts[DELIVERIES_PER_FRAME];
  size_t count, bytes;
  uint64_t last, limit;
};

static bool page_add(void *arg, uint64_t position, struct span bytes) {
  struct page *page = arg;
  if (position > page->limit || page->count == DELIVERIES_PER_FRAME ||
      (page->count > 0 && page->bytes + bytes.size > DELIVERIES_BYTES_MAX)) {
    return false;
  }
  page->parts[page->count++] = arena_copy(page->arena, bytes);
  page->bytes += bytes.size;
  page->last = position;
  return true;
}

static enum err page_send(struct session *session, const struct page *page) {
  struct sessions *sessions = session->owner;
  Kurator__V1__Deliveries deliveries = KURATOR__V1__DELIVERIES__INIT;
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  deliveries.has_after = 1;
  deliveries.after = session->sent;
  frame.participant = arena_cstr(&sessions->arena, session->participant->id);
  frame.body_case = KURATOR__V1__FRAME__BODY_DELIVERIES;
  frame.deliveries = &deliveries;
  return peer_send(sessions, session->peer, &frame, page->parts, page->count);
}

static bool deliveries_send(struct session *session) {
  struct sessions *sessions = session->owner;
  struct page page = {.arena = &sessions->arena, .limit = session->window};
  arena_reset(&sessions->arena);
  enum err err = runtime_stream_read(sessions->daemon->runtime, session->participant->id, session->sent,
                                     DELIVERIES_PER_FRAME, page_add, &page);
  for (size_t i = 0; err == ERR_OK && i < page.count; i++) {
    page.parts[i] = deliver_complete(sessions->daemon, session->participant, page.parts[i], &sessions->arena);
  }
  if (err != ERR_OK || page.count == 0 || page_send(session, &page) != ERR_OK) {
    return false;
  }
  session->sent = page.last;
  return true;
}

void daemon_session_flush(struct session *session) {
  bool room = session->peer != NULL && receipts_flush(session);
  while (room && session->peer && session->sent < session->head && session->sent < session->window) {
    room = deliveries_send(session);
  }
}
