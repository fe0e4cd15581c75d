/* cmocka with what has to stand before it, and one assertion for texts. */
#ifndef KURATOR_TESTS_RUNTIME_CHECK_H
#define KURATOR_TESTS_RUNTIME_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/span.h"

static inline void assert_span(struct span s, const char *text) {
  assert_int_equal(s.size, strlen(text));
  assert_memory_equal(s.data ? (const void *)s.data : "", text, s.size);
}

#endif
