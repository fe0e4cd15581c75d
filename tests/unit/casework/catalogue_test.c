#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

struct state {
  struct arena arena;
  struct catalogue *catalogue;
  struct fault fault;
};

static int setup(void **state) {
  static struct state s;
  s = (struct state){0};
  arena_init(&s.arena, 0);
  s.catalogue = catalogue_fixture(&s.arena);
  *state = &s;
  return 0;
}

static int teardown(void **state) {
  arena_finish(&((struct state *)*state)->arena);
  return 0;
}

static void assert_refused(struct state *s, const char *part) {
  assert_int_equal(catalogue_check(s->catalogue, &s->fault), ERR_CONFIG);
  if (!strstr(s->fault.text, part)) {
    fail_msg("\"%s\" does not say \"%s\"", s->fault.text, part);
  }
}

static void a_sound_catalogue_is_accepted_and_sorted(void **state) {
  struct state *s = *state;
  assert_int_equal(catalogue_check(s->catalogue, &s->fault), ERR_OK);
  for (size_t i = 1; i < s->catalogue->events_count; i++) {
    assert_true(span_compare(s->catalogue->events[i - 1].name, s->catalogue->events[i].name) < 0);
  }
  for (size_t i = 1; i < s->catalogue->participants_count; i++) {
    assert_true(span_compare(s->catalogue->participants[i - 1].id, s->catalogue->participants[i].id) < 0);
  }
}

static void everything_is_found_by_its_name(void **state) {
  struct state *s = *state;
  assert_int_equal(catalogue_check(s->catalogue, &s->fault), ERR_OK);
  for (size_t i = 0; i < s->catalogue->events_count; i++) {
    assert_ptr_equal(catalogue_event(s->catalogue, s->catalogue->events[i].name), &s->catalogue->events[i]);
  }
  for (size_t i = 0; i < s->catalogue->participants_count; i++) {
    const struct participant *p = &s->catalogue->participants[i];
    assert_ptr_equal(catalogue_participant(s->catalogue, p->id), p);
  }
  assert_null(catalogue_event(s->catalogue, SPAN_LITERAL("visit")));
  assert_null(catalogue_participant(s->catalogue, SPAN_LITERAL("nobody")));
  assert_true(catalogue_class(s->catalogue, SPAN_LITERAL("person"))->personal);
  assert_null(catalogue_class(s->catalogue, SPAN_LITERAL("")));
  assert_int_equal(catalogue_stage(s->catalogue, SPAN_LITERAL("late")), 2);
  assert_int_equal(catalogue_stage(s->catalogue, SPAN_LITERAL("")), -1);
}

static void a_territory_is_known_by_every_spelling(void **state) {
  struct state *s = *state;
  const struct territory *north = catalogue_territory(s->catalogue, SPAN_LITERAL("north"));
  assert_non_null(north);
  assert_ptr_equal(catalogue_territory(s->catalogue, SPAN_LITERAL("г. Северный")), north);
  assert_ptr_equal(catalogue_territory(s->catalogue, SPAN_LITERAL("Северный")), north);
  assert_null(catalogue_territory(s->catalogue, SPAN_LITERAL("Северны")));
  assert_null(catalogue_territory(s->catalogue, SPAN_LITERAL("")));
}

static void a_star_stands_for_all(void **state) {
  struct state *s = *state;
  assert_int_equal(catalogue_check(s->catalogue, &s->fault), ERR_OK);
  const struct participant *agency = catalogue_participant(s->catalogue, SPAN_LITERAL("agency-1"));
  const struct participant *doctor = catalogue_participant(s->catalogue, SPAN_LITERAL("doctor-south"));
  assert_true(participant_serves(agency, SPAN_LITERAL("south")));
  assert_true(participant_serves(doctor, SPAN_LITERAL("south")));
  assert_false(participant_serves(doctor, SPAN_LITERAL("north")));
}

static void a_name_that_stands_twice_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->participants[3].id = s->catalogue->participants[0].id;
  assert_refused(s, "участник «office-1» стоит дважды");
}

static void a_field_without_a_declared_class_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->events[1].fields[0].class_name = SPAN_LITERAL("secret");
  assert_refused(s, "не указан класс данных");
}

static void a_field_of_unknown_format_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->events[1].fields[0].format = SPAN_LITERAL("number");
  assert_refused(s, "такого формата нет");
}

static void a_list_of_undeclared_records_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->events[1].fields[7].record = SPAN_LITERAL("line");
  assert_refused(s, "запись, которой нет в records");
}

static void records_inside_records_are_refused(void **state) {
  struct state *s = *state;
  s->catalogue->records[0].fields[1].format = SPAN_LITERAL("records");
  assert_refused(s, "внутри записи не бывает ни записей");
}

static void an_event_that_nobody_may_send_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->events[0].senders.count = 0;
  assert_refused(s, "никому не разрешено его отправлять");
}

static void an_edition_that_is_no_integer_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->events[1].edition = SPAN_LITERAL("day");
  assert_refused(s, "в edition названо «day»");
}

static void an_undeclared_territory_of_a_participant_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->participants[1].territories.items[0] = SPAN_LITERAL("Северный");
  assert_refused(s, "территории «Северный» нет");
}

static void a_spelling_of_two_territories_is_refused(void **state) {
  struct state *s = *state;
  s->catalogue->territories[1].title = SPAN_LITERAL("Северный");
  assert_refused(s, "одно из названий стоит и у другой территории");
}

static void sittings_that_cannot_be_read_are_refused(void **state) {
  struct state *s = *state;
  s->catalogue->participants[7].sittings.items[0] = SPAN_LITERAL("every day");
  assert_refused(s, "заседания");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_sound_catalogue_is_accepted_and_sorted, setup, teardown),
      cmocka_unit_test_setup_teardown(everything_is_found_by_its_name, setup, teardown),
      cmocka_unit_test_setup_teardown(a_territory_is_known_by_every_spelling, setup, teardown),
      cmocka_unit_test_setup_teardown(a_star_stands_for_all, setup, teardown),
      cmocka_unit_test_setup_teardown(a_name_that_stands_twice_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_field_without_a_declared_class_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_field_of_unknown_format_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_list_of_undeclared_records_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(records_inside_records_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(an_event_that_nobody_may_send_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(an_edition_that_is_no_integer_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(an_undeclared_territory_of_a_participant_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_spelling_of_two_territories_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(sittings_that_cannot_be_read_are_refused, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
