#include "folders.h"

static struct folders f;

static int setup(void **state) {
  static const char *const participants[] = {"a", "b"};
  struct fault fault;
  (void)state;
  folders_make(&f);
  assert_int_equal(folder_prepare(f.root, participants, 2, &fault), ERR_OK);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  disk_limit(RLIM_INFINITY);
  folders_remove(&f);
  return 0;
}

static void folders_of_several_participants_are_made_and_may_exist(void **state) {
  static const char *const participants[] = {"a", "b"};
  static const char *const parts[] = {"in/a", "work/b", "out/a", "done", "rejected"};
  struct fault fault;
  (void)state;
  assert_int_equal(folder_prepare(f.root, participants, 2, &fault), ERR_OK);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    assert_true(folders_has(&f, parts[i]));
  }
  folders_put(&f, "file", "");
  assert_int_equal(folder_prepare(folders_path(&f, "file"), participants, 1, &fault), ERR_IO);
}

static void a_number_stands_before_the_extension(void **state) {
  char name[FOLDER_NAME_MAX + 1];
  (void)state;
  folder_name(name, "x.csv", 1);
  assert_string_equal(name, "x.csv");
  folder_name(name, "x.csv", 12);
  assert_string_equal(name, "x.12.csv");
  folder_name(name, "none", 2);
  assert_string_equal(name, "none.2");
  folder_name(name, ".csv", 2);
  assert_string_equal(name, ".csv.2");
}

static void a_long_name_is_cut_between_characters(void **state) {
  char wish[FOLDER_NAME_MAX + 1] = "";
  char name[FOLDER_NAME_MAX + 1];
  (void)state;
  for (int i = 0; i < 125; i++) {
    (void)snprintf(wish + strlen(wish), sizeof wish - strlen(wish), "ж");
  }
  (void)snprintf(wish + strlen(wish), sizeof wish - strlen(wish), ".csv");
  folder_name(name, wish, 1);
  assert_true(strlen(name) <= FOLDER_NAME_MAX - FOLDER_SUFFIX_MAX);
  assert_true(span_is_text(span_of_cstr(name)));
  assert_string_equal(name + strlen(name) - 4, ".csv");
}

static void a_move_never_hides_another_file(void **state) {
  (void)state;
  folders_put(&f, "one", "1");
  folders_put(&f, "two", "2");
  assert_int_equal(folder_move(folders_path(&f, "one"), folders_path(&f, "two")), ERR_EXISTS);
  assert_string_equal(folders_text(&f, "two"), "2");
  assert_int_equal(folder_move(folders_path(&f, "one"), folders_path(&f, "done/one")), ERR_OK);
  assert_int_equal(folder_move(folders_path(&f, "one"), folders_path(&f, "done/one")), ERR_NOT_FOUND);
}

static void a_full_disk_leaves_neither_half_a_file_nor_a_temporary_one(void **state) {
  static uint8_t bytes[200000];
  (void)state;
  assert_int_equal(folder_write(folders_path(&f, "file"), SPAN_LITERAL("before")), ERR_OK);
  disk_limit(100000);
  assert_int_not_equal(folder_write(folders_path(&f, "file"), span_of(bytes, sizeof bytes)), ERR_OK);
  disk_limit(RLIM_INFINITY);
  assert_string_equal(folders_text(&f, "file"), "before");
  assert_false(folders_has(&f, "file.tmp"));
  assert_int_equal(folder_write(folders_path(&f, "file"), span_of(bytes, sizeof bytes)), ERR_OK);
}

static void a_file_is_written_piece_by_piece_and_is_not_there_before_its_end(void **state) {
  struct folder_file file;
  (void)state;
  assert_int_equal(folder_file_begin(&file, folders_path(&f, "file")), ERR_OK);
  for (int i = 0; i < 100000; i++) {
    writer_raw(folder_file_writer(&file), SPAN_LITERAL("line\n"));
    assert_true(folder_file_flush(&file));
    assert_in_range(folder_file_writer(&file)->size, 0, 100000);
  }
  assert_false(folders_has(&f, "file"));
  assert_int_equal(folder_file_end(&file), ERR_OK);
  assert_int_equal(strlen(folders_text(&f, "file")), 500000);
  assert_int_equal(folder_file_begin(&file, folders_path(&f, "other")), ERR_OK);
  folder_file_drop(&file);
  assert_false(folders_has(&f, "other.tmp"));
}

static void links_are_not_followed(void **state) {
  struct writer w;
  (void)state;
  writer_init(&w);
  folders_put(&f, "precious", "kept");
  assert_int_equal(symlink(folders_path(&f, "precious"), folders_path(&f, "out/file.tmp")), 0);
  assert_int_equal(folder_write(folders_path(&f, "out/file"), SPAN_LITERAL("new")), ERR_OK);
  assert_string_equal(folders_text(&f, "precious"), "kept");
  assert_int_equal(symlink(folders_path(&f, "precious"), folders_path(&f, "out/link")), 0);
  assert_int_equal(folder_read(folders_path(&f, "out/link"), 100, &w), ERR_IO);
  assert_int_equal(folder_read(folders_path(&f, "precious"), 3, &w), ERR_LIMIT);
  assert_int_equal(folder_read(folders_path(&f, "nothing"), 3, &w), ERR_NOT_FOUND);
  writer_finish(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(folders_of_several_participants_are_made_and_may_exist, setup, teardown),
      cmocka_unit_test_setup_teardown(a_number_stands_before_the_extension, setup, teardown),
      cmocka_unit_test_setup_teardown(a_long_name_is_cut_between_characters, setup, teardown),
      cmocka_unit_test_setup_teardown(a_move_never_hides_another_file, setup, teardown),
      cmocka_unit_test_setup_teardown(a_full_disk_leaves_neither_half_a_file_nor_a_temporary_one, setup, teardown),
      cmocka_unit_test_setup_teardown(a_file_is_written_piece_by_piece_and_is_not_there_before_its_end, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(links_are_not_followed, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
