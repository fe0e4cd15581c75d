#include "base/log.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"

enum { CAPTURE_MAX = 8192 };

/* What one log_line writes to stderr. */
#define CAPTURE(text, ...)                                                                                             \
  do {                                                                                                                 \
    int pipe_ends[2];                                                                                                  \
    assert_int_equal(pipe(pipe_ends), 0);                                                                              \
    int stderr_saved = dup(STDERR_FILENO);                                                                             \
    dup2(pipe_ends[1], STDERR_FILENO);                                                                                 \
    log_line(__VA_ARGS__);                                                                                             \
    dup2(stderr_saved, STDERR_FILENO);                                                                                 \
    close(stderr_saved);                                                                                               \
    close(pipe_ends[1]);                                                                                               \
    ssize_t got = read(pipe_ends[0], text, CAPTURE_MAX - 1);                                                           \
    assert_true(got >= 0);                                                                                             \
    text[got] = '\0';                                                                                                  \
    close(pipe_ends[0]);                                                                                               \
  } while (0)

static void a_plain_text_becomes_a_quoted_message(void **state) {
  (void)state;
  char text[CAPTURE_MAX];
  CAPTURE(text, LOG_WARNING, "wire", "said \"%s\" \\ %d", "да", 3);
  assert_string_equal(text, "level=warning room=wire msg=\"said \\\"да\\\" \\\\ 3\"\n");
}

static void a_text_with_its_own_pairs_is_kept(void **state) {
  (void)state;
  char text[CAPTURE_MAX];
  CAPTURE(text, LOG_INFO, "runtime", "msg=commit journal=%d", 7);
  assert_string_equal(text, "level=info room=runtime msg=commit journal=7\n");
}

static void one_fact_is_one_line(void **state) {
  (void)state;
  char text[CAPTURE_MAX];
  CAPTURE(text, LOG_ERROR, "x", "a\nlevel=info\tb%c", 0x1B);
  assert_string_equal(text, "level=error room=x msg=\"a level=info b \"\n");
  CAPTURE(text, LOG_ERROR, "x", "msg=a\nb");
  assert_string_equal(text, "level=error room=x msg=a b\n");
}

static void a_long_line_is_cut_and_ended(void **state) {
  (void)state;
  static char quotes[5000];
  memset(quotes, '"', sizeof(quotes) - 1);
  char text[CAPTURE_MAX];
  CAPTURE(text, LOG_INFO, "x", "%s", quotes);
  assert_true(strlen(text) <= 2048);
  assert_int_equal(text[strlen(text) - 1], '\n');
  assert_int_equal(text[strlen(text) - 2], '"');
  CAPTURE(text, LOG_INFO, "x", "msg=%s", quotes);
  assert_true(strlen(text) <= 2048);
  assert_int_equal(text[strlen(text) - 1], '\n');
  CAPTURE(text, LOG_INFO, quotes, "x");
  assert_true(strlen(text) <= 2048);
  assert_int_equal(text[strlen(text) - 1], '\n');
}

static void lines_under_the_level_are_dropped(void **state) {
  (void)state;
  char text[CAPTURE_MAX];
  CAPTURE(text, LOG_DEBUG, "x", "hidden");
  assert_string_equal(text, "");
  log_set_level(LOG_DEBUG);
  CAPTURE(text, LOG_DEBUG, "x", "shown");
  assert_string_equal(text, "level=debug room=x msg=\"shown\"\n");
  log_set_level(LOG_INFO);
}

static void errno_survives_a_line(void **state) {
  (void)state;
  char text[CAPTURE_MAX];
  errno = EDOM;
  CAPTURE(text, LOG_INFO, "x", "y");
  int kept = errno;
  assert_int_equal(kept, EDOM);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_text_becomes_a_quoted_message),
      cmocka_unit_test(a_text_with_its_own_pairs_is_kept),
      cmocka_unit_test(one_fact_is_one_line),
      cmocka_unit_test(a_long_line_is_cut_and_ended),
      cmocka_unit_test(lines_under_the_level_are_dropped),
      cmocka_unit_test(errno_survives_a_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
