/*
 * wire/frame.h — the first part of every message: kurator.v1.Frame.
 *
 * Purpose: bounded reading and writing of frames and of the query socket's messages. Protobuf-c structs are used as
 * they are: fill one, pack it; unpack into an arena and read it, nothing to free.
 *
 * Limits: FRAME_BYTES_MAX. Unknown fields are passed over (a newer peer). Threading: no shared state.
 */
#ifndef KURATOR_WIRE_FRAME_H
#define KURATOR_WIRE_FRAME_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "kurator/v1/frames.pb-c.h"
#include "kurator/v1/query.pb-c.h"

enum {
  WIRE_VERSION = 1, /* of the protocol; the only one so far */
  FRAME_BYTES_MAX = 64 << 10,
  FRAME_QUERY_MAX = 1 << 20, /* a question or a page of answers */
};

/* ERR_LIMIT, ERR_FORMAT, ERR_INVALID (no participant or no body). The frame lives in `arena`. */
enum err frame_read(struct span part, struct arena *arena, Kurator__V1__Frame **ret_frame) MUST_CHECK;
/* Appends. */
void frame_write(const Kurator__V1__Frame *frame, struct writer *w);

enum err frame_read_question(struct span part, struct arena *arena, Kurator__V1__QueryRequest **ret_request) MUST_CHECK;
enum err frame_read_answer(struct span part, struct arena *arena, Kurator__V1__QueryReply **ret_reply) MUST_CHECK;

/* Any protobuf-c message: unpacked into `arena`, NULL when it is malformed; packed behind what `w` holds. */
ProtobufCMessage *frame_unpack(const ProtobufCMessageDescriptor *descriptor, struct span bytes, struct arena *arena);
void frame_pack(const ProtobufCMessage *message, struct writer *w);

/* protobuf-c's structs have no const, though packing only reads: what a frame is filled with may be constant. */
static inline char *frame_text(const char *text) {
  union {
    const char *constant;
    char *plain;
  } either = {.constant = text};
  return either.plain;
}

/* For the `fault` field of receipts, refusals and replies. Texts are borrowed: valid while `fault` is. */
Kurator__V1__Fault frame_fault(const struct fault *fault);
/* Back: an unknown code counts as ERR_INVALID, text is cut to fit. */
void frame_fault_read(const Kurator__V1__Fault *message, struct fault *ret_fault);

#endif
