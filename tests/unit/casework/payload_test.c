#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "world.h"

struct state {
  struct arena arena;
  struct catalogue *catalogue;
  const struct event_rule *begin;
  struct fault fault;
};

static int setup(void **state) {
  static struct state s;
  s = (struct state){0};
  arena_init(&s.arena, 0);
  s.catalogue = catalogue_fixture(&s.arena);
  if (catalogue_check(s.catalogue, &s.fault) != ERR_OK) {
    return -1;
  }
  s.begin = catalogue_event(s.catalogue, SPAN_LITERAL("begin"));
  *state = &s;
  return 0;
}

static int teardown(void **state) {
  arena_finish(&((struct state *)*state)->arena);
  return 0;
}

static struct value json(struct state *s, const char *text) {
  struct value v;
  assert_int_equal(json_read(span_of_cstr(text), &s->arena, &v, NULL), ERR_OK);
  return v;
}

static const char *text_of(struct state *s, const struct value *v) {
  struct writer w;
  writer_init(&w);
  json_write(v, &w);
  const char *text = arena_cstr(&s->arena, writer_span(&w));
  writer_finish(&w);
  return text;
}

#define SOUND "\"edition\":1,\"day\":\"2026-02-28\",\"place\":\"Северный\",\"name\":\"Иванов\""

static void assert_wrong(struct state *s, const char *data, const char *text) {
  struct value v = json(s, data);
  assert_int_equal(catalogue_validate(s->catalogue, s->begin, &v, false, &s->fault), ERR_INVALID);
  assert_string_equal(s->fault.text, text);
}

static void a_sound_payload_is_accepted(void **state) {
  struct state *s = *state;
  struct value v = json(s, "{" SOUND ",\"sex\":\"m\",\"free\":true,\"kinds\":[\"medical\"],"
                           "\"rows\":[{\"id\":\"m1\",\"comment\":\"да\"}]}");
  assert_int_equal(catalogue_validate(s->catalogue, s->begin, &v, false, &s->fault), ERR_OK);
}

static void a_fault_names_the_field_and_never_its_value(void **state) {
  struct state *s = *state;
  static const struct {
    const char *data, *fault;
  } rows[] = {
      {"{" SOUND ",\"colour\":\"red\"}", "поле «colour»: такого поля у события нет"},
      {"{" SOUND ",\"Иванов Иван\":\"x\"}", "поле «?»: такого поля у события нет"},
      {"{\"edition\":1}", "поле «day»: обязательное поле не заполнено"},
      {"{\"edition\":0,\"day\":\"2026-02-28\",\"place\":\"north\",\"name\":\"a\"}",
       "поле «edition»: число вне допустимых границ"},
      {"{\"edition\":\"1\",\"day\":\"2026-02-28\",\"place\":\"north\",\"name\":\"a\"}",
       "поле «edition»: нужно целое число"},
      {"{\"edition\":1,\"day\":\"2026-02-30\",\"place\":\"north\",\"name\":\"a\"}", "поле «day»: такой даты нет"},
      {"{\"edition\":1,\"day\":\"28.02.2026\",\"place\":\"north\",\"name\":\"a\"}",
       "поле «day»: нужна дата в виде ГГГГ-ММ-ДД"},
      {"{\"edition\":1,\"day\":20260228,\"place\":\"north\",\"name\":\"a\"}",
       "поле «day»: нужна дата в виде ГГГГ-ММ-ДД"},
      {"{\"edition\":1,\"day\":\"2026-02-28\",\"place\":\"west\",\"name\":\"a\"}",
       "поле «place»: такого муниципального образования нет в справочнике"},
      {"{\"edition\":1,\"day\":\"2026-02-28\",\"place\":\"north\",\"name\":\"  \"}",
       "поле «name»: обязательное поле не заполнено"},
      {"{\"edition\":1,\"day\":\"2026-02-28\",\"place\":\"north\",\"name\":"
       "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
       "поле «name»: слишком длинный текст"},
      {"{" SOUND ",\"sex\":\"x\"}", "поле «sex»: такого кода нет; можно: m, f"},
      {"{" SOUND ",\"free\":\"yes\"}", "поле «free»: нужно «да» или «нет»"},
      {"{" SOUND ",\"kinds\":\"medical\"}", "поле «kinds»: нужен список"},
      {"{" SOUND ",\"kinds\":[\"medical\",\"x\"]}", "поле «kinds»: такого кода нет; можно: medical, work"},
      {"{" SOUND ",\"kinds\":[\"work\",\"work\",\"work\",\"work\"]}", "поле «kinds»: слишком длинный список"},
      {"{" SOUND ",\"rows\":[1]}", "поле «rows»: нужен список записей"},
      {"{" SOUND ",\"rows\":[{\"id\":\"m1\"},{\"due\":\"x\",\"id\":\"m2\"}]}",
       "поле «rows», запись 2, «due»: нужна дата в виде ГГГГ-ММ-ДД"},
      {"{" SOUND ",\"rows\":[{\"kind\":\"a\"}]}", "поле «rows», запись 1, «id»: обязательное поле не заполнено"},
      {"{" SOUND ",\"rows\":[{\"id\":\"m1\",\"who\":1}]}", "поле «rows», запись 1, «who»: такого поля у события нет"},
      {"{" SOUND ",\"rows\":[{\"id\":\"../x\"}]}", "поле «rows», запись 1, «id»: такого кода нет"},
      {"[1]", "данные события должны быть набором полей"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_wrong(s, rows[i].data, rows[i].fault);
  }
}

static void personal_fields_may_be_missing_when_they_were_taken_out(void **state) {
  struct state *s = *state;
  struct value v = json(s, "{\"edition\":1,\"day\":\"2026-02-28\",\"place\":\"north\"}");
  assert_int_equal(catalogue_validate(s->catalogue, s->begin, &v, true, &s->fault), ERR_OK);
  assert_int_equal(catalogue_validate(s->catalogue, s->begin, &v, false, &s->fault), ERR_INVALID);
}

static void a_chart_gets_codes_and_dates_and_nothing_personal(void **state) {
  struct state *s = *state;
  struct value v = json(s, "{" SOUND ",\"sex\":null,\"rows\":[{\"id\":\"m1\",\"comment\":\"тайна\"},{\"id\":\"m2\"}]}");
  struct value clear;
  struct value personal;
  assert_int_equal(catalogue_split(s->catalogue, s->begin, &v, &s->arena, &clear, &personal), ERR_OK);
  assert_string_equal(
      text_of(s, &clear),
      "{\"day\":\"2026-02-28\",\"edition\":1,\"place\":\"north\",\"rows\":[{\"id\":\"m1\"},{\"id\":\"m2\"}]}");
  assert_string_equal(text_of(s, &personal), "{\"name\":\"Иванов\",\"rows\":[{\"comment\":\"тайна\"},{}]}");
}

static void splitting_an_unknown_field_is_refused(void **state) {
  struct state *s = *state;
  struct value v = json(s, "{\"colour\":\"red\"}");
  struct value clear;
  struct value personal;
  assert_int_equal(catalogue_split(s->catalogue, s->begin, &v, &s->arena, &clear, &personal), ERR_INVALID);
}

static void everybody_sees_only_the_classes_of_his_kind(void **state) {
  struct state *s = *state;
  struct value v = json(
      s, "{\"name\":\"Иванов\",\"day\":\"2026-02-28\",\"unknown\":1,\"rows\":[{\"id\":\"m1\",\"comment\":\"x\"}]}");
  struct value helper = catalogue_cut(s->catalogue, &v, SPAN_LITERAL("helper"), &s->arena);
  struct value doctor = catalogue_cut(s->catalogue, &v, SPAN_LITERAL("doctor"), &s->arena);
  assert_string_equal(text_of(s, &helper),
                      "{\"day\":\"2026-02-28\",\"name\":\"Иванов\",\"rows\":[{\"comment\":\"x\",\"id\":\"m1\"}]}");
  assert_string_equal(text_of(s, &doctor), "{\"day\":\"2026-02-28\",\"rows\":[{\"id\":\"m1\"}]}");
}

static void of_rows_in_which_nothing_may_be_seen_not_even_the_number_is_shown(void **state) {
  struct state *s = *state;
  struct value v = json(s, "{\"rows\":[{\"comment\":\"x\"},{\"comment\":\"y\"}]}");
  struct value doctor = catalogue_cut(s->catalogue, &v, SPAN_LITERAL("doctor"), &s->arena);
  assert_string_equal(text_of(s, &doctor), "{}");
}

/* "note" is a person's in one event and health in another: a helper may see the one, a doctor the other, nobody both.
 */
static void a_name_with_two_classes_is_shown_only_to_whom_both_are(void **state) {
  struct state *s = *state;
  struct value v = json(s, "{\"note\":\"x\"}");
  struct value helper = catalogue_cut(s->catalogue, &v, SPAN_LITERAL("helper"), &s->arena);
  struct value doctor = catalogue_cut(s->catalogue, &v, SPAN_LITERAL("doctor"), &s->arena);
  assert_string_equal(text_of(s, &helper), "{}");
  assert_string_equal(text_of(s, &doctor), "{}");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_sound_payload_is_accepted, setup, teardown),
      cmocka_unit_test_setup_teardown(a_fault_names_the_field_and_never_its_value, setup, teardown),
      cmocka_unit_test_setup_teardown(personal_fields_may_be_missing_when_they_were_taken_out, setup, teardown),
      cmocka_unit_test_setup_teardown(a_chart_gets_codes_and_dates_and_nothing_personal, setup, teardown),
      cmocka_unit_test_setup_teardown(splitting_an_unknown_field_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(everybody_sees_only_the_classes_of_his_kind, setup, teardown),
      cmocka_unit_test_setup_teardown(of_rows_in_which_nothing_may_be_seen_not_even_the_number_is_shown, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_name_with_two_classes_is_shown_only_to_whom_both_are, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
