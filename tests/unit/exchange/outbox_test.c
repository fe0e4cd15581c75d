#include "folders.h"

#include "exchange/outbox.h"

#define PROFILE KURATOR_SOURCE_DIR "/adapters/provider/profile.yaml"

static struct folders f;
static struct profile *profile;
static struct outbox outbox;
static struct arena arena;

static int setup(void **state) {
  static const char *const participants[] = {"a", "b"};
  struct fault fault;
  (void)state;
  folders_make(&f);
  assert_int_equal(folder_prepare(f.root, participants, 2, &fault), ERR_OK);
  assert_int_equal(profile_load(PROFILE, NULL, &profile, &fault), ERR_OK);
  arena_init(&arena, 0);
  outbox = (struct outbox){.root = f.root, .profile = profile, .several = true};
  return 0;
}

static int teardown(void **state) {
  (void)state;
  disk_limit(RLIM_INFINITY);
  profile_destroy(&profile);
  arena_finish(&arena);
  folders_remove(&f);
  return 0;
}

/* An offer of 20 July 2026 for a person of that name. */
static enum err write_offer(uint64_t position, const char *surname) {
  arena_reset(&arena);
  struct value person = value_with(&arena, NULL, SPAN_LITERAL("surname"), value_text(span_of_cstr(surname)));
  struct value data = value_with(&arena, NULL, SPAN_LITERAL("person"), person);
  struct value body = value_with(&arena, NULL, SPAN_LITERAL("case_id"), value_text(SPAN_LITERAL("86-1/support/m1")));
  body = value_with(&arena, &body, SPAN_LITERAL("offer"), value_int(3));
  body = value_with(&arena, &body, SPAN_LITERAL("due"), value_text(SPAN_LITERAL("2026-08-30")));
  body = value_with(&arena, &body, SPAN_LITERAL("data"), data);
  const struct delivery delivery = {
      .position = position, .recorded_at = 1784530800000, .kind = SPAN_LITERAL("offer"), .body = body};
  return outbox_write(&outbox, "a", &delivery);
}

static void a_delivery_becomes_a_file_and_a_row(void **state) {
  (void)state;
  assert_int_equal(write_offer(7, "Тестов"), ERR_OK);
  const char *json = folders_text(&f, "out/a/0000000007-offer.json");
  assert_non_null(strstr(json, "\"position\":7"));
  assert_non_null(strstr(json, "\"participant\":\"a\""));
  assert_non_null(strstr(json, "\"recorded_at\":\"2026-07-20T"));
  const char *table = folders_text(&f, "out/a/направления-2026-07-20.csv");
  assert_non_null(strstr(table, "\xEF\xBB\xBF№;Направление;"));
  assert_non_null(strstr(table, "\r\n7;86-1/support/m1;3;"));
  assert_non_null(strstr(table, ";Тестов;"));
  assert_non_null(strstr(table, ";30.08.2026\r\n"));
}

static void a_delivery_that_comes_again_changes_nothing(void **state) {
  (void)state;
  for (uint64_t position = 1; position <= 3; position++) {
    assert_int_equal(write_offer(position, "Тестов"), ERR_OK);
  }
  char *before = strdup(folders_text(&f, "out/a/направления-2026-07-20.csv"));
  assert_int_equal(write_offer(2, "Тестов"), ERR_OK);
  assert_int_equal(write_offer(3, "Тестов"), ERR_OK);
  assert_string_equal(folders_text(&f, "out/a/направления-2026-07-20.csv"), before);
  free(before);
}

static void a_long_table_goes_on_in_a_second_one(void **state) {
  static char surname[3001];
  (void)state;
  memset(surname, 'x', sizeof surname - 1);
  for (uint64_t position = 1; position <= 120; position++) {
    assert_int_equal(write_offer(position, surname), ERR_OK);
  }
  unsigned first = count_of(folders_text(&f, "out/a/направления-2026-07-20.csv"), surname);
  unsigned second = count_of(folders_text(&f, "out/a/направления-2026-07-20.2.csv"), surname);
  assert_int_equal(first + second, 120);
  assert_in_range(first, 60, 110);
  for (uint64_t position = first - 2; position <= 120; position++) {
    assert_int_equal(write_offer(position, surname), ERR_OK);
  }
  assert_int_equal(count_of(folders_text(&f, "out/a/направления-2026-07-20.csv"), surname), first);
  assert_int_equal(count_of(folders_text(&f, "out/a/направления-2026-07-20.2.csv"), surname), second);
}

static void a_cell_that_a_spreadsheet_would_run_is_defused_here_too(void **state) {
  (void)state;
  assert_int_equal(write_offer(1, "=HYPERLINK(\"http://x\";\"y\")"), ERR_OK);
  const char *table = folders_text(&f, "out/a/направления-2026-07-20.csv");
  assert_non_null(strstr(table, ";\"'=HYPERLINK(\"\"http://x\"\";\"\"y\"\")\";"));
}

static void a_full_disk_is_an_error_and_leaves_the_table_as_it_was(void **state) {
  static char surname[5001];
  (void)state;
  memset(surname, 'x', sizeof surname - 1);
  assert_int_equal(write_offer(1, "Тестов"), ERR_OK);
  char *before = strdup(folders_text(&f, "out/a/направления-2026-07-20.csv"));
  disk_limit(4096);
  assert_int_not_equal(write_offer(2, surname), ERR_OK);
  disk_limit(RLIM_INFINITY);
  assert_string_equal(folders_text(&f, "out/a/направления-2026-07-20.csv"), before);
  free(before);
  assert_int_equal(write_offer(2, surname), ERR_OK);
  assert_int_equal(count_of(folders_text(&f, "out/a/направления-2026-07-20.csv"), surname), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_delivery_becomes_a_file_and_a_row, setup, teardown),
      cmocka_unit_test_setup_teardown(a_delivery_that_comes_again_changes_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(a_long_table_goes_on_in_a_second_one, setup, teardown),
      cmocka_unit_test_setup_teardown(a_cell_that_a_spreadsheet_would_run_is_defused_here_too, setup, teardown),
      cmocka_unit_test_setup_teardown(a_full_disk_is_an_error_and_leaves_the_table_as_it_was, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
