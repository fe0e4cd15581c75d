/* Who is offered a kind of help, and why not the others: one function chooses and explains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "casework/office.h"
#include "casework/routing.h"

#define T(text) SPAN_LITERAL(text)

enum { CLERK, DOCTOR, FAR, LOCAL, MENDER, PARTICIPANTS };

static struct participant participants[PARTICIPANTS];
static struct territory territories[2];
static struct routing_rule routing[1];
static struct catalogue catalogue;
static struct routing_query query;
static struct value nobody;
static int64_t loads[PARTICIPANTS];

static int64_t load_of(void *arg, struct span id) {
  (void)arg;
  for (size_t i = 0; i < PARTICIPANTS; i++) {
    if (span_equal(participants[i].id, id)) {
      return loads[i];
    }
  }
  return 0;
}

static int setup(void **state) {
  (void)state;
  static struct span all[2];
  all[0] = SPAN_LITERAL("heal");

  static struct span north[2];
  north[0] = SPAN_LITERAL("north");

  static struct span village[2];
  village[0] = SPAN_LITERAL("village");

  static struct span south[2];
  south[0] = SPAN_LITERAL("south");

  static struct span kinds[2];
  kinds[0] = SPAN_LITERAL("doctor");
  kinds[1] = SPAN_LITERAL("office");

  const struct text_list heal = {all, 1};
  participants[CLERK] = (struct participant){T("clerk"), T("guard"), .territories = {north, 1}, .helps = heal};
  participants[DOCTOR] = (struct participant){
      T("doctor"), T("doctor"), .territories = {north, 1}, .settlements = {village, 1}, .helps = heal, .capacity = 2};
  participants[FAR] = (struct participant){T("far"), T("doctor"), .territories = {south, 1}, .helps = heal};
  participants[LOCAL] = (struct participant){T("local"), T("doctor"), .territories = {village, 1}, .helps = heal};
  participants[MENDER] = (struct participant){T("mender"), T("office"), .territories = {north, 1},
                                              .settlements = {village, 1}, .helps = heal};
  territories[0] = (struct territory){.code = T("north"), .title = T("North")};
  territories[1] = (struct territory){.code = T("village"), .title = T("Village"), .within = T("north")};
  routing[0] = (struct routing_rule){T("heal"), {kinds, 2}};
  catalogue = (struct catalogue){.participants = participants,
                                 .participants_count = PARTICIPANTS,
                                 .territories = territories,
                                 .territories_count = 2,
                                 .routing = routing,
                                 .routing_count = 1};
  nobody = value_nil();
  memset(loads, 0, sizeof loads);
  query = (struct routing_query){.catalogue = &catalogue,
                                 .help = T("heal"),
                                 .territory = T("north"),
                                 .exclude = &nobody,
                                 .prefer = &nobody,
                                 .load = load_of};
  return 0;
}

static const char *chosen(void) {
  bool unfit;
  const struct participant *p = routing_choose(&query, &unfit);
  return p ? (const char *)p->id.data : unfit ? "unfit" : "none";
}

static void each_participant_is_told_why(void **state) {
  (void)state;
  struct routing_verdict verdicts[PARTICIPANTS];
  const struct participant *to;
  bool unfit;
  assert_true(routing_explain(&query, verdicts, &to, &unfit));
  assert_ptr_equal(to, &participants[DOCTOR]);
  static const enum routing_reason reasons[] = {ROUTING_KIND, ROUTING_CHOSEN, ROUTING_TERRITORY, ROUTING_TERRITORY,
                                                ROUTING_BEHIND};
  for (size_t i = 0; i < PARTICIPANTS; i++) {
    assert_int_equal(verdicts[i].reason, reasons[i]);
  }
}

static void who_declined_or_is_full_is_passed_over(void **state) {
  (void)state;
  struct value declined = value_text(T("doctor"));
  query.exclude = &declined;
  assert_string_equal(chosen(), "mender");
  query.exclude = &nobody;
  loads[DOCTOR] = 2;
  assert_string_equal(chosen(), "mender");
  struct routing_verdict verdicts[PARTICIPANTS];
  const struct participant *to;
  bool unfit;
  assert_true(routing_explain(&query, verdicts, &to, &unfit));
  assert_int_equal(verdicts[DOCTOR].reason, ROUTING_FULL);
}

static void in_a_settlement_its_own_organisation_comes_first(void **state) {
  (void)state;
  query.territory = T("village");
  assert_string_equal(chosen(), "local");
  loads[LOCAL] = 500;
  assert_string_equal(chosen(), "local");
  struct value declined = value_text(T("local"));
  query.exclude = &declined;
  assert_string_equal(chosen(), "doctor");
}

static void of_equals_the_open_office_comes_first(void **state) {
  (void)state;
  static struct span hours[2];
  hours[0] = SPAN_LITERAL("mon-fri 09:00-18:00");

  static struct span north[2];
  north[0] = SPAN_LITERAL("north");

  participants[FAR].territories = (struct text_list){north, 1};
  participants[DOCTOR].office = (struct text_list){hours, 1};
  assert_int_equal(civil_moment_parse(T("2026-03-17T12:00:00+05:00"), &query.now), ERR_OK); /* a Tuesday */
  assert_string_equal(chosen(), "doctor");
  assert_int_equal(civil_moment_parse(T("2026-03-17T18:00:00+05:00"), &query.now), ERR_OK);
  assert_string_equal(chosen(), "far");
}

static void nobody_takes_the_place_of_a_named_one_who_cannot(void **state) {
  (void)state;
  struct value named = value_text(T("far"));
  query.prefer = &named;
  assert_string_equal(chosen(), "unfit");
  named = value_text(T("mender"));
  assert_string_equal(chosen(), "mender");
}

static void an_unknown_help_has_no_explanation(void **state) {
  (void)state;
  struct routing_verdict verdicts[PARTICIPANTS];
  const struct participant *to;
  bool unfit;
  query.help = T("fly");
  assert_false(routing_explain(&query, verdicts, &to, &unfit));
  assert_null(to);
}

static void office_hours_are_read_strictly(void **state) {
  (void)state;
  struct office_hours hours;
  assert_int_equal(office_parse(T("tue-sat 08:30-24:00"), &hours), ERR_OK);
  assert_int_equal(hours.first, 2);
  assert_int_equal(hours.last, 6);
  assert_int_equal(hours.opens, 8 * 60 + 30);
  assert_int_equal(hours.closes, 24 * 60);
  static const char *const wrong[] = {"",
                                      "mon",
                                      "mon 9:00-18:00",
                                      "mon 18:00-09:00",
                                      "fri-mon 09:00-18:00",
                                      "mon 09:60",
                                      "mon 09:00-24:01",
                                      "day 09:00-18:00",
                                      "mon 09:00-18:00 "};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_not_equal(office_parse(span_of_cstr(wrong[i]), &hours), ERR_OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(each_participant_is_told_why, setup),
      cmocka_unit_test_setup(who_declined_or_is_full_is_passed_over, setup),
      cmocka_unit_test_setup(in_a_settlement_its_own_organisation_comes_first, setup),
      cmocka_unit_test_setup(of_equals_the_open_office_comes_first, setup),
      cmocka_unit_test_setup(nobody_takes_the_place_of_a_named_one_who_cannot, setup),
      cmocka_unit_test_setup(an_unknown_help_has_no_explanation, setup),
      cmocka_unit_test(office_hours_are_read_strictly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
