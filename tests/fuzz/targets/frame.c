/* The first part of every message on the wire, and both messages of the query socket. */
#include "wire/frame.h"
#include "fuzz.h"

/* Of fields that it does not know, protobuf-c takes some that it would not take again (number 0, written in two bytes);
 * nobody sends those on. */
static void comes_back(const ProtobufCMessage *message, struct arena *arena) {
  struct writer first;
  struct writer second;
  writer_init(&first);
  writer_init(&second);
  frame_pack(message, &first);
  const ProtobufCMessage *again = frame_unpack(message->descriptor, writer_span(&first), arena);
  if (again) {
    frame_pack(again, &second);
    ASSERT(span_equal(writer_span(&first), writer_span(&second)));
  }
  writer_finish(&first);
  writer_finish(&second);
}

static void read_fault(const Kurator__V1__Fault *message) {
  struct fault fault = {0};
  if (message) {
    frame_fault_read(message, &fault);
    ASSERT(fault.err != ERR_OK);
  }
}

static void read_faults(const Kurator__V1__Frame *frame) {
  if (frame->body_case == KURATOR__V1__FRAME__BODY_REFUSAL) {
    read_fault(frame->refusal->fault);
  }
  if (frame->body_case != KURATOR__V1__FRAME__BODY_RECEIPTS) {
    return;
  }
  for (size_t i = 0; i < frame->receipts->n_receipts; i++) {
    const Kurator__V1__Receipt *receipt = frame->receipts->receipts[i];
    if (receipt->outcome_case == KURATOR__V1__RECEIPT__OUTCOME_REFUSED) {
      read_fault(receipt->refused);
    }
  }
}

void fuzz_one(struct span input, struct arena *arena) {
  Kurator__V1__Frame *frame = NULL;
  Kurator__V1__QueryRequest *question = NULL;
  Kurator__V1__QueryReply *answer = NULL;
  if (frame_read(input, arena, &frame) == ERR_OK) {
    comes_back(&frame->base, arena);
    read_faults(frame);
  }
  if (frame_read_question(input, arena, &question) == ERR_OK) {
    comes_back(&question->base, arena);
  }
  if (frame_read_answer(input, arena, &answer) == ERR_OK) {
    comes_back(&answer->base, arena);
    read_fault(answer->fault);
  }
}
