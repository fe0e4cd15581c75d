/* daemon/deliver.c — fields by the schema's descriptors. */
#include "daemon/deliver.h"

#include "kurator/v1/deliveries.pb-c.h"
#include "proto/json.h"

enum { BODY_BLOCK = 4096 }; /* a delivery is small, and made for every deadline of a burst */

/* Which member of the oneof a kind is, and which of its fields takes the subject. */
static const struct form {
  const char *member;
  const char *subject;
} forms[] = {
    [RUNTIME_DELIVERY_OFFER] = {"offer", NULL},
    [RUNTIME_DELIVERY_OFFER_WITHDRAWN] = {"offer_withdrawn", NULL},
    [RUNTIME_DELIVERY_TASK] = {"task", "task"},
    [RUNTIME_DELIVERY_TASK_WITHDRAWN] = {"task_withdrawn", "task"},
    [RUNTIME_DELIVERY_NOTICE] = {"notice", "template"},
    [RUNTIME_DELIVERY_DEADLINE] = {"deadline_notice", "deadline"},
    [RUNTIME_DELIVERY_INCIDENT] = {"incident_notice", NULL},
};

struct body {
  const ProtobufCMessageDescriptor *schema;
  struct arena *arena;
  struct value map, rest;
};

static const ProtobufCMessageDescriptor *schema_of(const char *member) {
  const ProtobufCFieldDescriptor *field =
      protobuf_c_message_descriptor_get_field_by_name(&kurator__v1__delivery__descriptor, member);
  ASSERT(field != NULL);
  return field->descriptor;
}

/* Does the schema have such a field, and can it hold this value? */
static bool schema_takes(const struct body *body, struct span name, const struct value *value) {
  const ProtobufCFieldDescriptor *field =
      protobuf_c_message_descriptor_get_field_by_name(body->schema, arena_cstr(body->arena, name));
  if (!field || span_is(name, "data_json")) {
    return false;
  }
  if (field->label == PROTOBUF_C_LABEL_REPEATED) {
    return value->kind == VALUE_LIST;
  }
  if (field->type == PROTOBUF_C_TYPE_STRING) {
    return value->kind == VALUE_TEXT;
  }
  return value->kind == VALUE_INT;
}

static void body_add(struct body *body, struct span name, struct value value) {
  if (value.kind == VALUE_NIL) {
    return;
  }
  if (schema_takes(body, name, &value)) {
    body->map = value_with(body->arena, &body->map, name, value);
  } else {
    body->rest = value_with(body->arena, &body->rest, name, value);
  }
}

/* Only where the schema asks for it. */
static void body_add_known(struct body *body, const char *name, struct span text) {
  struct value value = value_text(text);
  if (name && !span_empty(text) && schema_takes(body, span_of_cstr(name), &value)) {
    body->map = value_with(body->arena, &body->map, span_of_cstr(name), value);
  }
}

static bool is_filled_map(const struct value *value) {
  return value->kind == VALUE_MAP && value->map.count > 0;
}

static bool keeps_data(const ProtobufCMessageDescriptor *schema) {
  return protobuf_c_message_descriptor_get_field_by_name(schema, "data_json") != NULL;
}

static struct value body_build(const struct runtime_delivery *delivery, struct arena *arena) {
  const struct form *form = &forms[delivery->kind];
  struct body body = {.schema = schema_of(form->member), .arena = arena};
  body.map = (struct value){.kind = VALUE_MAP};
  for (size_t i = 0; delivery->data.kind == VALUE_MAP && i < delivery->data.map.count; i++) {
    body_add(&body, delivery->data.map.fields[i].name, delivery->data.map.fields[i].value);
  }
  body_add_known(&body, "case_id", delivery->case_id);
  body_add_known(&body, form->subject, delivery->subject);
  body_add_known(&body, "event", delivery->event);
  body_add_known(&body, "reason", delivery->reason);
  body_add_known(&body, "detail", delivery->detail);
  return keeps_data(body.schema) && is_filled_map(&body.rest)
             ? value_with(arena, &body.map, SPAN_LITERAL("data"), body.rest)
             : body.map;
}

enum err deliver_encode(void *arg, const struct runtime_delivery *delivery, struct writer *w) {
  DEFER(arena_finish) struct arena arena;
  struct fault fault;
  (void)arg;
  arena_init(&arena, BODY_BLOCK);
  const struct delivery message = {
      .position = delivery->position,
      .recorded_at = delivery->recorded_at,
      .kind = span_of_cstr(forms[delivery->kind].member),
      .body = body_build(delivery, &arena),
  };
  return delivery_pack(&message, w, &fault);
}

/* Nil when there is nothing that this kind of participant may see. */
static struct value person_of(const struct daemon *daemon, const struct participant *participant, struct span case_id,
                              struct arena *arena) {
  struct value personal;
  if (span_empty(case_id) || runtime_person_read(daemon->runtime, case_root(case_id), arena, &personal) != ERR_OK) {
    return value_nil();
  }
  return catalogue_cut(&daemon->config->catalogue, &personal, participant->kind, arena);
}

struct span deliver_complete(const struct daemon *daemon, const struct participant *participant, struct span bytes,
                             struct arena *arena) {
  struct delivery message;
  struct fault fault;
  if (delivery_unpack(bytes, arena, &message, &fault) != ERR_OK ||
      !keeps_data(schema_of(arena_cstr(arena, message.kind)))) {
    return bytes;
  }
  struct value person = person_of(daemon, participant, value_get_text(&message.body, "case_id"), arena);
  if (!is_filled_map(&person)) {
    return bytes;
  }
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  struct value data = value_with(arena, value_get(&message.body, "data"), SPAN_LITERAL("person"), person);
  message.body = value_with(arena, &message.body, SPAN_LITERAL("data"), data);
  return delivery_pack(&message, &w, &fault) == ERR_OK ? arena_copy(arena, writer_span(&w)) : bytes;
}
