/*
 * What the tests of this room share: cmocka with what it needs before it, the end of a process by a bug, and numbers
 * that look random and are the same on every run.
 */
#ifndef KURATOR_TESTS_BASE_CHECK_H
#define KURATOR_TESTS_BASE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/span.h"

static inline void assert_span(struct span s, const char *text) {
  assert_int_equal(s.size, strlen(text));
  assert_memory_equal(s.data ? (const void *)s.data : "", text, s.size);
}

/* Runs `fn` in a child and demands that it ends by abort(). */
static inline void assert_aborts(void (*fn)(void)) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    fn();
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* xorshift64; `state` must not be 0. */
static inline uint64_t noise(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

#endif
