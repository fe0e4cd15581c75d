/*
 * proto/mapper.h — what reading (unpack.c) and writing (pack.c) of messages by descriptor share. For this room only.
 *
 * The recursion of both goes down the schema, never the input: a descriptor has a fixed depth, and MAPPER_DEPTH_MAX
 * holds even should a schema become recursive.
 */
#ifndef KURATOR_PROTO_MAPPER_H
#define KURATOR_PROTO_MAPPER_H

#include <protobuf-c/protobuf-c.h>

#include "proto/json.h"

enum {
  MAPPER_DEPTH_MAX = VALUE_DEPTH_MAX / 2,
  /* a list and its message are two levels of a value */ MAPPER_NAME_MAX = 64
};

/* Where in the message we are, for the fault's text. */
struct mapper_path {
  const char *names[MAPPER_DEPTH_MAX];
  unsigned depth;
  struct fault *fault;
};

/* Fills the fault with "поле «measures.due»: TEXT" and returns `err`. `name` may be NULL: the message as a whole. */
enum err mapper_fault(const struct mapper_path *path, const char *name, enum err err, const char *text);

/* The wire format's types, as they stand in the low three bits of a key. */
enum mapper_wire { MAPPER_VARINT = 0, MAPPER_FIXED64 = 1, MAPPER_LENGTH = 2, MAPPER_FIXED32 = 5, MAPPER_UNUSED = -1 };
/* MAPPER_UNUSED for the types that our schemas do not use (a test holds them to it). */
enum mapper_wire mapper_wire_of(ProtobufCType type);

/* The member of Payload for an event's name, or NULL. */
const ProtobufCFieldDescriptor *mapper_payload_field(struct span event);

/* As message_unpack, but fields that the schema does not have are passed over. */
enum err mapper_unpack_newer(const ProtobufCMessageDescriptor *descriptor, struct span bytes, struct arena *arena,
                             struct value *ret_value, struct fault *fault);

#endif
