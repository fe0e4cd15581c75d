/* A delivery of the runtime becomes the fields of its schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/deliver.h"
#include "proto/json.h"

static struct arena arena;
static struct writer bytes;

static int setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  writer_init(&bytes);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_finish(&arena);
  writer_finish(&bytes);
  return 0;
}

static struct delivery encoded(const struct runtime_delivery *delivery) {
  struct delivery message;
  struct fault fault;
  assert_int_equal(ERR_OK, deliver_encode(NULL, delivery, &bytes));
  assert_int_equal(ERR_OK, delivery_unpack(writer_span(&bytes), &arena, &message, &fault));
  return message;
}

static struct value map_of(struct value_field *fields, size_t count) {
  struct value map;
  assert_int_equal(ERR_OK, value_map(fields, count, &map));
  return map;
}

static void what_the_schema_names_becomes_a_field_and_the_rest_data(void **state) {
  (void)state;
  struct value_field fields[] = {
      {SPAN_LITERAL("title"), value_text(SPAN_LITERAL("Выезд"))},
      {SPAN_LITERAL("due"), value_text(SPAN_LITERAL("2026-01-20"))},
      {SPAN_LITERAL("place"), value_text(SPAN_LITERAL("north"))},
      {SPAN_LITERAL("level"), value_int(3)},
  };
  const struct runtime_delivery delivery = {
      .kind = RUNTIME_DELIVERY_TASK,
      .position = 7,
      .recorded_at = 1000,
      .case_id = SPAN_LITERAL("A/b"),
      .subject = SPAN_LITERAL("visit"),
      .data = map_of(fields, 4),
  };
  struct delivery message = encoded(&delivery);
  assert_int_equal(7, message.position);
  assert_int_equal(1000, message.recorded_at);
  assert_true(span_is(message.kind, "task"));
  assert_true(span_is(value_get_text(&message.body, "case_id"), "A/b"));
  assert_true(span_is(value_get_text(&message.body, "task"), "visit"));
  assert_true(span_is(value_get_text(&message.body, "title"), "Выезд"));
  const struct value *data = value_get(&message.body, "data");
  assert_non_null(data);
  assert_int_equal(2, data->map.count);
  assert_int_equal(3, value_get(data, "level")->integer);
}

static void a_value_that_does_not_fit_its_field_is_data(void **state) {
  (void)state;
  struct value_field fields[] = {{SPAN_LITERAL("offer"), value_text(SPAN_LITERAL("seven"))},
                                 {SPAN_LITERAL("measure"), value_text(SPAN_LITERAL("m1"))}};
  const struct runtime_delivery delivery = {
      .kind = RUNTIME_DELIVERY_OFFER, .position = 1, .case_id = SPAN_LITERAL("A"), .data = map_of(fields, 2)};
  struct delivery message = encoded(&delivery);
  assert_null(value_get(&message.body, "offer"));
  assert_true(span_is(value_get_text(value_get(&message.body, "data"), "offer"), "seven"));
  assert_true(span_is(value_get_text(&message.body, "measure"), "m1"));
}

static void personal_fields_do_not_reach_the_stream(void **state) {
  (void)state;
  struct value_field fields[] = {{SPAN_LITERAL("surname"), value_text(SPAN_LITERAL("Тестов"))}};
  const struct runtime_delivery delivery = {
      .kind = RUNTIME_DELIVERY_TASK, .position = 1, .case_id = SPAN_LITERAL("A"), .personal = map_of(fields, 1)};
  assert_int_equal(ERR_OK, deliver_encode(NULL, &delivery, &bytes));
  assert_null(memmem(bytes.data, bytes.size, "Тестов", strlen("Тестов")));
}

static void every_kind_has_its_form(void **state) {
  (void)state;
  static const struct {
    enum runtime_delivery_kind kind;
    const char *name, *field;
  } kinds[] = {
      {RUNTIME_DELIVERY_OFFER, "offer", NULL},
      {RUNTIME_DELIVERY_OFFER_WITHDRAWN, "offer_withdrawn", "reason"},
      {RUNTIME_DELIVERY_TASK, "task", "task"},
      {RUNTIME_DELIVERY_TASK_WITHDRAWN, "task_withdrawn", "task"},
      {RUNTIME_DELIVERY_NOTICE, "notice", "template"},
      {RUNTIME_DELIVERY_DEADLINE, "deadline_notice", "deadline"},
      {RUNTIME_DELIVERY_INCIDENT, "incident_notice", "reason"},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    const struct runtime_delivery delivery = {.kind = kinds[i].kind,
                                              .position = 1,
                                              .case_id = SPAN_LITERAL("A"),
                                              .subject = SPAN_LITERAL("x"),
                                              .reason = SPAN_LITERAL("x")};
    writer_reset(&bytes);
    struct delivery message = encoded(&delivery);
    assert_true(span_is(message.kind, kinds[i].name));
    if (kinds[i].field) {
      assert_true(span_is(value_get_text(&message.body, kinds[i].field), "x"));
    }
  }
}

#define DELIVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      DELIVER_TEST(what_the_schema_names_becomes_a_field_and_the_rest_data),
      DELIVER_TEST(a_value_that_does_not_fit_its_field_is_data),
      DELIVER_TEST(personal_fields_do_not_reach_the_stream),
      DELIVER_TEST(every_kind_has_its_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
