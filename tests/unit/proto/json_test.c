#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/json.h"
#include "kurator/v1/deliveries.pb-c.h"
#include "kurator/v1/envelope.pb-c.h"
#include "kurator/v1/events.pb-c.h"
#include "kurator/v1/frames.pb-c.h"
#include "kurator/v1/query.pb-c.h"
#include "proto/json.h"

static struct arena arena;
static struct writer bytes;
static struct fault fault;

static int setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  writer_init(&bytes);
  fault = (struct fault){0};
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_finish(&arena);
  writer_finish(&bytes);
  return 0;
}

static struct value from_json(const char *text) {
  struct value v;
  assert_int_equal(json_read(span_of_cstr(text), &arena, &v, &fault), ERR_OK);
  return v;
}

static void assert_json(const struct value *v, const char *text) {
  struct writer w DEFER(writer_finish);
  writer_init(&w);
  json_write(v, &w);
  writer_u8(&w, 0);
  assert_string_equal((const char *)w.data, text);
}

/* ---- every schema ---- */

/* Small numbers from a fixed sequence, so that a failure repeats. */
static uint64_t next(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *seed >> 33;
}

static struct value generate_message(const ProtobufCMessageDescriptor *d, uint64_t *seed, unsigned depth);

static struct value generate_item(const ProtobufCFieldDescriptor *field, uint64_t *seed, unsigned depth) {
  static const char *const texts[] = {"2026-01-20", "Ханты-Мансийск", "m1", "кв. 42 «а»", "\t\"\\", "𝄞"};
  switch (field->type) {
  case PROTOBUF_C_TYPE_MESSAGE:
    return generate_message(field->descriptor, seed, depth + 1);
  case PROTOBUF_C_TYPE_STRING:
    return value_text(span_of_cstr(texts[next(seed) % 6]));
  case PROTOBUF_C_TYPE_BYTES:
    return value_text(SPAN_LITERAL("\x00\xff raw"));
  case PROTOBUF_C_TYPE_BOOL:
    return value_bool(next(seed) % 2);
  case PROTOBUF_C_TYPE_INT64:
    return value_int((int64_t)(next(seed) % 3) - 1 + (next(seed) % 2 ? INT64_MAX / 2 : 0));
  default:
    return value_int((int64_t)next(seed));
  }
}

static struct value generate_list(const ProtobufCFieldDescriptor *field, uint64_t *seed, unsigned depth) {
  size_t count = 1 + next(seed) % 9;
  struct value *items = ARENA_ARRAY(&arena, struct value, count);
  for (size_t i = 0; i < count; i++) {
    items[i] = generate_item(field, seed, depth);
  }
  return value_list(items, count);
}

static struct value generate_message(const ProtobufCMessageDescriptor *d, uint64_t *seed, unsigned depth) {
  struct value_field *fields = ARENA_ARRAY(&arena, struct value_field, d->n_fields);
  size_t count = 0;
  bool oneof = false;
  for (unsigned i = 0; i < d->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &d->fields[i];
    bool member = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
    if (next(seed) % 4 == 0 || depth > 6 || (member && oneof)) {
      continue;
    }
    oneof = oneof || member;
    fields[count].name = span_of_cstr(field->name);
    fields[count++].value = field->label == PROTOBUF_C_LABEL_REPEATED ? generate_list(field, seed, depth)
                                                                      : generate_item(field, seed, depth);
  }
  struct value map;
  assert_int_equal(value_map(fields, count, &map), ERR_OK);
  return map;
}

static void assert_round_trip(const ProtobufCMessageDescriptor *d, uint64_t seed) {
  struct value given = generate_message(d, &seed, 0);
  struct value read;
  writer_reset(&bytes);
  assert_int_equal(message_pack(d, &given, &bytes, &fault), ERR_OK);
  assert_int_equal(message_unpack(d, writer_span(&bytes), &arena, &read, &fault), ERR_OK);
  assert_true(value_equal(&given, &read));
  /* protobuf-c understands the same bytes, and what it would write is no longer than ours. */
  ProtobufCMessage *message = protobuf_c_message_unpack(d, NULL, bytes.size, bytes.data);
  assert_non_null(message);
  assert_int_equal(protobuf_c_message_get_packed_size(message), bytes.size);
  assert_null(message->unknown_fields);
  protobuf_c_message_free_unpacked(message, NULL);
}

static void every_schema_survives_the_round_trip(void **state) {
  (void)state;
  const ProtobufCMessageDescriptor *const descriptors[] = {
      &kurator__v1__payload__descriptor,         &kurator__v1__frame__descriptor,
      &kurator__v1__delivery__descriptor,        &kurator__v1__event__descriptor,
      &kurator__v1__envelope_header__descriptor, &kurator__v1__query_request__descriptor,
      &kurator__v1__query_reply__descriptor,
  };
  for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) {
    for (uint64_t seed = 0; seed < 200; seed++) {
      assert_round_trip(descriptors[i], seed);
      arena_reset(&arena);
    }
  }
}

static void assert_payload_round_trip(struct span event, const ProtobufCFieldDescriptor *member, uint64_t seed) {
  struct value given = generate_message(member->descriptor, &seed, 0);
  struct value read;
  writer_reset(&bytes);
  assert_int_equal(payload_pack(event, &given, &bytes, &fault), ERR_OK);
  assert_int_equal(payload_unpack(event, writer_span(&bytes), &arena, &read, &fault), ERR_OK);
  assert_true(value_equal(&given, &read));
  Kurator__V1__Payload *payload = kurator__v1__payload__unpack(NULL, bytes.size, bytes.data);
  assert_non_null(payload);
  assert_int_equal(payload->event_case, member->id);
  kurator__v1__payload__free_unpacked(payload, NULL);
}

static void every_payload_survives_the_round_trip(void **state) {
  (void)state;
  const ProtobufCMessageDescriptor *d = &kurator__v1__payload__descriptor;
  for (unsigned i = 0; i < d->n_fields; i++) {
    for (uint64_t seed = 0; seed < 50; seed++) {
      assert_payload_round_trip(span_of_cstr(d->fields[i].name), &d->fields[i], seed);
      arena_reset(&arena);
    }
  }
}

static void assert_mapped_types(const ProtobufCMessageDescriptor *d, unsigned depth) {
  assert_true(depth < VALUE_DEPTH_MAX / 2);
  for (unsigned i = 0; i < d->n_fields; i++) {
    const ProtobufCFieldDescriptor *f = &d->fields[i];
    bool length =
        f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_BYTES || f->type == PROTOBUF_C_TYPE_MESSAGE;
    bool scalar = f->type == PROTOBUF_C_TYPE_BOOL || f->type == PROTOBUF_C_TYPE_INT64 ||
                  f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_UINT32;
    assert_true(length || (scalar && f->label != PROTOBUF_C_LABEL_REPEATED));
    assert_true(f->label != PROTOBUF_C_LABEL_REQUIRED);
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
      assert_mapped_types(f->descriptor, depth + 1);
    }
  }
}

/* Lists of numbers would be packed or not at the writer's choice; other number types have other forms. */
static void schemas_use_only_the_types_that_the_mapper_knows(void **state) {
  (void)state;
  assert_mapped_types(&kurator__v1__payload__descriptor, 0);
  assert_mapped_types(&kurator__v1__delivery__descriptor, 0);
  assert_mapped_types(&kurator__v1__event__descriptor, 0);
  assert_mapped_types(&kurator__v1__envelope_header__descriptor, 0);
}

/* JSON texts have no bytes; a payload or delivery with such a field could not become a form or a line. */
static void assert_no_bytes(const ProtobufCMessageDescriptor *d) {
  for (unsigned i = 0; i < d->n_fields; i++) {
    assert_true(d->fields[i].type != PROTOBUF_C_TYPE_BYTES);
    if (d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
      assert_no_bytes(d->fields[i].descriptor);
    }
  }
}

static void payloads_and_deliveries_can_always_become_json(void **state) {
  (void)state;
  assert_no_bytes(&kurator__v1__payload__descriptor);
  assert_no_bytes(&kurator__v1__delivery__descriptor);
}

/* ---- meaning ---- */

static void names_of_events_find_their_payload(void **state) {
  (void)state;
  assert_true(payload_known(SPAN_LITERAL("release.notice")));
  assert_true(payload_known(SPAN_LITERAL("referral.in_progress")));
  assert_true(payload_known(SPAN_LITERAL("prerelease.plan.agreed")));
  assert_false(payload_known(SPAN_LITERAL("release.notices")));
  assert_false(payload_known(SPAN_LITERAL("")));
  assert_false(payload_known(SPAN_LITERAL("release\0notice")));
}

static void json_comes_back_as_it_was(void **state) {
  (void)state;
  const char *text = "{\"consent\":false,\"edition\":0,\"minors\":-1,\"needs\":[\"housing\",\"legal\"],"
                     "\"surname\":\"Фёдоров\"}";
  struct value v = from_json(text);
  assert_int_equal(payload_pack(SPAN_LITERAL("release.notice"), &v, &bytes, &fault), ERR_OK);
  struct value read;
  assert_int_equal(payload_unpack(SPAN_LITERAL("release.notice"), writer_span(&bytes), &arena, &read, &fault), ERR_OK);
  assert_json(&read, text);
}

static void nil_and_empty_text_count_as_absent(void **state) {
  (void)state;
  struct value v = from_json("{\"surname\":\"\",\"snils\":null,\"needs\":[],\"edition\":1}");
  assert_int_equal(payload_pack(SPAN_LITERAL("release.notice"), &v, &bytes, &fault), ERR_OK);
  struct value read;
  assert_int_equal(payload_unpack(SPAN_LITERAL("release.notice"), writer_span(&bytes), &arena, &read, &fault), ERR_OK);
  assert_json(&read, "{\"edition\":1}");
}

static void no_value_is_an_empty_payload(void **state) {
  (void)state;
  assert_int_equal(payload_pack(SPAN_LITERAL("visit.done"), NULL, &bytes, &fault), ERR_OK);
  struct value read;
  assert_int_equal(payload_unpack(SPAN_LITERAL("visit.done"), writer_span(&bytes), &arena, &read, &fault), ERR_OK);
  assert_json(&read, "{}");
}

static void assert_refused(const char *event, const char *json, const char *named) {
  struct value v = from_json(json);
  writer_reset(&bytes);
  writer_u8(&bytes, 7);
  assert_int_equal(payload_pack(span_of_cstr(event), &v, &bytes, &fault), ERR_INVALID);
  assert_non_null(strstr(fault.text, named));
  assert_int_equal(bytes.size, 1);
}

static void wrong_data_is_refused_by_the_name_of_the_field(void **state) {
  (void)state;
  assert_refused("release.notice", "{\"surname\":7}", "«surname»");
  assert_refused("release.notice", "{\"edition\":\"1\"}", "«edition»");
  assert_refused("release.notice", "{\"edition\":1.5}", "«edition»");
  assert_refused("release.notice", "{\"consent\":1}", "«consent»");
  assert_refused("release.notice", "{\"needs\":\"legal\"}", "«needs»");
  assert_refused("release.notice", "{\"needs\":[1]}", "«needs»");
  assert_refused("release.notice", "{\"shoe_size\":42}", "«shoe_size»");
  assert_refused("section14.formed", "{\"measures\":[{\"due\":5}]}", "«measures.due»");
  assert_refused("section14.formed", "{\"measures\":[{\"colour\":\"red\"}]}", "«measures.colour»");
  assert_refused("section14.formed", "{\"measures\":[\"m1\"]}", "«measures»");
  assert_refused("release.notice", "[1]", "запись");
}

static void faults_never_repeat_the_value(void **state) {
  (void)state;
  struct value v = from_json("{\"edition\":\"Фёдоров\"}");
  assert_int_equal(payload_pack(SPAN_LITERAL("release.notice"), &v, &bytes, &fault), ERR_INVALID);
  assert_null(strstr(fault.text, "Фёдоров"));
}

static void an_event_without_schema_is_not_found(void **state) {
  (void)state;
  struct value v;
  assert_int_equal(payload_pack(SPAN_LITERAL("no.such"), NULL, &bytes, &fault), ERR_NOT_FOUND);
  assert_int_equal(payload_unpack(SPAN_LITERAL("no.such"), SPAN_LITERAL("\x0a\x00"), &arena, &v, &fault),
                   ERR_NOT_FOUND);
}

static void a_delivery_keeps_its_kind_body_and_data(void **state) {
  (void)state;
  struct delivery given = {
      .position = 17, .recorded_at = 1768194900000, .kind = SPAN_LITERAL("offer"), .body = value_nil()};
  given.body =
      from_json("{\"case_id\":\"86-1/support/m1\",\"data\":{\"list\":[1,true],\"title\":\"МСЭ\"},\"offer\":2}");
  assert_int_equal(delivery_pack(&given, &bytes, &fault), ERR_OK);
  struct delivery read;
  assert_int_equal(delivery_unpack(writer_span(&bytes), &arena, &read, &fault), ERR_OK);
  assert_int_equal(read.position, 17);
  assert_int_equal(read.recorded_at, 1768194900000);
  assert_true(span_is(read.kind, "offer"));
  assert_true(value_equal(&given.body, &read.body));
}

static void a_delivery_of_no_known_kind_is_not_packed(void **state) {
  (void)state;
  struct delivery given = {.position = 1, .kind = SPAN_LITERAL("parcel"), .body = from_json("{}")};
  assert_int_equal(delivery_pack(&given, &bytes, &fault), ERR_INVALID);
  given.kind = SPAN_LITERAL("position");
  assert_int_equal(delivery_pack(&given, &bytes, &fault), ERR_INVALID);
  assert_int_equal(bytes.size, 0);
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(every_schema_survives_the_round_trip),
      PROMISE(every_payload_survives_the_round_trip),
      PROMISE(schemas_use_only_the_types_that_the_mapper_knows),
      PROMISE(payloads_and_deliveries_can_always_become_json),
      PROMISE(names_of_events_find_their_payload),
      PROMISE(json_comes_back_as_it_was),
      PROMISE(nil_and_empty_text_count_as_absent),
      PROMISE(no_value_is_an_empty_payload),
      PROMISE(wrong_data_is_refused_by_the_name_of_the_field),
      PROMISE(faults_never_repeat_the_value),
      PROMISE(an_event_without_schema_is_not_found),
      PROMISE(a_delivery_keeps_its_kind_body_and_data),
      PROMISE(a_delivery_of_no_known_kind_is_not_packed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
