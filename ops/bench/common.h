/*
 * ops/bench/common.h — what the programs of the benchmark share: options, time, the ids of cases.
 *
 * They are tools for measuring: they print an error and end the process. Threading: no shared state.
 */
#ifndef KURATOR_BENCH_COMMON_H
#define KURATOR_BENCH_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { BENCH_LIST_MAX = 64, BENCH_ID_TEXT = 32 };

/* A repeated option. */
struct bench_list {
  const char *items[BENCH_LIST_MAX];
  size_t count;
};

/* "--name VALUE": exactly one of the targets is set. Ends with a NULL name. */
struct bench_option {
  const char *name;
  const char **text;
  uint64_t *number;
  struct bench_list *list;
};
/* Ends the process with a usage line if something is unknown, malformed or (a text without default) missing. */
void bench_options(int argc, char **argv, const struct bench_option *options);

_Noreturn void bench_die(const char *format, ...) PRINTF_LIKE(1, 2);
/* Dies with the fault's text. */
void bench_check(enum err err, const struct fault *fault, const char *what);

uint64_t bench_now_ns(void);

/* xorshift64*; a seed that is not 0 gives the same numbers each time. */
struct bench_random {
  uint64_t state;
};
uint64_t bench_random_below(struct bench_random *random, uint64_t below);

/* "86-0000123". Cases sort as their numbers. */
struct span bench_case_id(uint64_t number, char ret_text[BENCH_ID_TEXT]);

#endif
