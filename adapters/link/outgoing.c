/* From the spool to the engine, in signed envelopes; and the receipts that come back. */
#include "link/talk.h"

#include <time.h>

struct batch {
  struct member *member;
  struct span *parts;
  size_t count;
  size_t count_max;
  size_t bytes;
  uint64_t last; /* sequence */
};

static bool batch_add(void *arg, uint64_t sequence, struct span bytes) {
  struct batch *batch = arg;
  struct link *link = batch->member->link;
  bool first = batch->count == 0;
  bool gap = !first && sequence != batch->last + 1; /* what lies between has its receipt: another envelope */
  bool full = batch->count == batch->count_max || (!first && batch->bytes + bytes.size > batch->member->batch_bytes);
  if (gap || full) {
    return false;
  }
  if (first) {
    envelope_begin(&link->draft, member_id(batch->member), sequence, 0);
  }
  struct span copy = arena_copy(&link->arena, bytes);
  if (envelope_add(&link->draft, copy) != ERR_OK) {
    return false;
  }
  batch->parts[batch->count++] = copy;
  batch->bytes += copy.size;
  batch->last = sequence;
  return true;
}

static civil_moment wall_clock(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  return (civil_moment)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum err envelope_send(struct member *member, const struct batch *batch) {
  struct link *link = member->link;
  uint8_t signature[SIGNING_SIGNATURE];
  link->draft.sent_at = wall_clock();
  writer_reset(&link->header);
  envelope_sign(&link->draft, &member->signing, &link->header, signature);
  Kurator__V1__Envelope envelope = KURATOR__V1__ENVELOPE__INIT;
  envelope.has_header = envelope.has_signature = 1;
  envelope.header = (ProtobufCBinaryData){link->header.size, link->header.data};
  envelope.signature = (ProtobufCBinaryData){sizeof signature, signature};
  Kurator__V1__Frame frame = member_frame(member, KURATOR__V1__FRAME__BODY_ENVELOPE);
  frame.envelope = &envelope;
  return connection_send(member->connection, &frame, batch->parts, batch->count);
}

/* ERR_BUSY: the queue is full, on_writable comes later; ERR_UNREACHABLE: the connection's coming up starts over. */
static enum err send_batch(struct member *member) {
  struct link *link = member->link;
  arena_reset(&link->arena);
  uint64_t window = member->in_flight_max - member->in_flight;
  struct batch batch = {.member = member,
                        .count_max = window < member->batch_messages ? (size_t)window : member->batch_messages};
  batch.parts = ARENA_ARRAY(&link->arena, struct span, batch.count_max);
  TRY(spool_messages(link->spool, member_id(member), member->sent, batch.count_max, batch_add, &batch));
  ASSERT(batch.count > 0); /* invariant 3 */
  TRY(envelope_send(member, &batch));
  member->sent = batch.last;
  member->in_flight += batch.count;
  return ERR_OK;
}

static bool may_send(const struct member *member) {
  return member->talk == TALK_WELCOMED && member->state.pending > member->in_flight &&
         member->in_flight < member->in_flight_max;
}

bool member_is_drained(const struct member *member) {
  return member->talk == TALK_WELCOMED && !may_send(member);
}

bool member_flush(struct member *member) {
  for (int i = 0; i < TALK_ENVELOPES_PER_TURN && may_send(member); i++) {
    enum err err = send_batch(member);
    if (err == ERR_BUSY || err == ERR_UNREACHABLE) {
      return true;
    }
    if (err != ERR_OK) {
      link_status(member->link, "не удалось прочитать исходящие сообщения с диска");
      member_restart(member, 0);
      return true;
    }
  }
  return !may_send(member);
}

/* ---- receipts ---- */

static struct link_receipt receipt_of(const Kurator__V1__Receipt *message, struct fault *fault) {
  struct link_receipt receipt = {.sequence = message->sequence};
  switch (message->outcome_case) {
  case KURATOR__V1__RECEIPT__OUTCOME_ACCEPTED:
    receipt.state = LINK_ACCEPTED;
    receipt.journal = message->accepted;
    break;
  case KURATOR__V1__RECEIPT__OUTCOME_DUPLICATE:
    receipt.state = LINK_DUPLICATE;
    receipt.journal = message->duplicate;
    break;
  case KURATOR__V1__RECEIPT__OUTCOME_REFUSED:
    receipt.state = LINK_REFUSED;
    frame_fault_read(message->refused, fault);
    receipt.code = span_of_cstr(err_name(fault->err));
    receipt.text = span_of_cstr(fault->text);
    break;
  default:
    receipt.state = LINK_PENDING; /* of a kind that we do not know: no receipt */
    break;
  }
  return receipt;
}

static enum err settle(struct member *member, const Kurator__V1__Receipt *message) {
  struct link *link = member->link;
  struct fault fault = {0};
  struct link_receipt receipt = receipt_of(message, &fault);
  bool settled = false;
  if (receipt.state == LINK_PENDING) {
    return ERR_OK;
  }
  TRY(spool_message_settle(link->spool, member_id(member), &receipt, &link->arena, &settled, &receipt.tag));
  if (!settled) {
    return ERR_OK; /* told before, or never ours */
  }
  member->state.pending--;
  if (receipt.sequence <= member->sent) {
    member->in_flight--;
  }
  if (link->options.on_receipt) {
    link->options.on_receipt(link->options.arg, member->id, &receipt);
  }
  return ERR_OK;
}

void member_on_receipts(struct member *member, const Kurator__V1__Receipts *receipts) {
  struct link *link = member->link;
  enum err err = link_callback_begin(link);
  if (err == ERR_OK) {
    for (size_t i = 0; i < receipts->n_receipts && err == ERR_OK; i++) {
      err = settle(member, receipts->receipts[i]);
    }
    enum err end = link_callback_end(link);
    err = err != ERR_OK ? err : end;
  }
  if (err != ERR_OK) { /* the engine will say "duplicate" when it hears them again */
    link_status(link, "не удалось записать квитанции на диск");
    link_reload(link);
    member_restart(member, 0);
    return;
  }
  member->pause_ms = TALK_PAUSE_MS;
  link_flush_soon(link);
}
