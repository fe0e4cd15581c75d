#include "base/words.h"

#include <errno.h>

#include "check.h"

/* Cyrillic letters begin with D0 or D1 in UTF-8. */
static bool is_russian(const char *text) {
  return ((unsigned char)text[0] & 0xFEU) == 0xD0U;
}

static void every_code_is_told_in_russian(void **state) {
  (void)state;
#define X(name, class, text) assert_true(is_russian(words_of_err(ERR_##name)));
  ERR_MAP(X)
#undef X
  assert_string_equal(words_of_err((enum err)9999), "неизвестная ошибка");
}

static void what_the_system_says_of_files_is_told_in_russian(void **state) {
  (void)state;
  static const int errors[] = {ENOENT, EACCES, EEXIST, EISDIR, ENOTDIR, ENOSPC, EROFS, EMFILE, EADDRINUSE};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    assert_true(is_russian(words_of_system(errors[i])));
  }
  assert_non_null(words_of_system(9999));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_is_told_in_russian),
      cmocka_unit_test(what_the_system_says_of_files_is_told_in_russian),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
