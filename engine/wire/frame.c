#include "wire/frame.h"

/* protobuf-c allocates through the arena; what it would free one by one goes with the arena. The amount is bounded by
 * the size of the part: a message of n bytes takes at most some fifty times n. */
static void *allocate(void *arena, size_t size) {
  return arena_alloc(arena, size);
}

static void release(void *arena, void *at) {
  (void)arena;
  (void)at;
}

ProtobufCMessage *frame_unpack(const ProtobufCMessageDescriptor *descriptor, struct span bytes, struct arena *arena) {
  ProtobufCAllocator allocator = {allocate, release, arena};
  static const uint8_t nothing[1];
  return protobuf_c_message_unpack(descriptor, &allocator, bytes.size, bytes.size > 0 ? bytes.data : nothing);
}

struct buffer {
  ProtobufCBuffer base;
  struct writer *w;
};

static void buffer_append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data) {
  writer_raw(((struct buffer *)buffer)->w, span_of(data, size));
}

void frame_pack(const ProtobufCMessage *message, struct writer *w) {
  struct buffer buffer = {{buffer_append}, w};
  (void)protobuf_c_message_pack_to_buffer(message, &buffer.base);
}

static enum err read_bounded(const ProtobufCMessageDescriptor *descriptor, struct span part, size_t size_max,
                             struct arena *arena, ProtobufCMessage **ret_message) {
  if (part.size > size_max) {
    return ERR_LIMIT;
  }
  ProtobufCMessage *message = frame_unpack(descriptor, part, arena);
  if (!message) {
    return ERR_FORMAT;
  }
  *ret_message = message;
  return ERR_OK;
}

enum err frame_read(struct span part, struct arena *arena, Kurator__V1__Frame **ret_frame) {
  ProtobufCMessage *message = NULL;
  TRY(read_bounded(&kurator__v1__frame__descriptor, part, FRAME_BYTES_MAX, arena, &message));
  Kurator__V1__Frame *frame = (Kurator__V1__Frame *)message;
  if (!frame->participant || frame->body_case == KURATOR__V1__FRAME__BODY__NOT_SET) {
    return ERR_INVALID;
  }
  *ret_frame = frame;
  return ERR_OK;
}

void frame_write(const Kurator__V1__Frame *frame, struct writer *w) {
  frame_pack(&frame->base, w);
}

enum err frame_read_question(struct span part, struct arena *arena, Kurator__V1__QueryRequest **ret_request) {
  ProtobufCMessage *message = NULL;
  TRY(read_bounded(&kurator__v1__query_request__descriptor, part, FRAME_QUERY_MAX, arena, &message));
  *ret_request = (Kurator__V1__QueryRequest *)message;
  return (*ret_request)->verb ? ERR_OK : ERR_INVALID;
}

enum err frame_read_answer(struct span part, struct arena *arena, Kurator__V1__QueryReply **ret_reply) {
  ProtobufCMessage *message = NULL;
  TRY(read_bounded(&kurator__v1__query_reply__descriptor, part, FRAME_QUERY_MAX, arena, &message));
  *ret_reply = (Kurator__V1__QueryReply *)message;
  return ERR_OK;
}

Kurator__V1__Fault frame_fault(const struct fault *fault) {
  Kurator__V1__Fault message = KURATOR__V1__FAULT__INIT;
  message.code = frame_text(err_name(fault->err));
  message.text = frame_text(fault->text);
  return message;
}

void frame_fault_read(const Kurator__V1__Fault *message, struct fault *ret_fault) {
  static const enum err codes[] = {
#define X(name, class, text) ERR_##name,
      ERR_MAP(X)
#undef X
  };
  enum err err = ERR_INVALID;
  for (size_t i = 0; message->code && i < sizeof codes / sizeof codes[0]; i++) {
    if (codes[i] != ERR_OK && strcmp(message->code, err_name(codes[i])) == 0) {
      err = codes[i];
    }
  }
  (void)fault_set(ret_fault, err, "%s", message->text ? message->text : err_text(err));
}
