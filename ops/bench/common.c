#include "common.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vfprintf(stderr, format, arguments);
  va_end(arguments);
  (void)fputc('\n', stderr);
  exit(EXIT_FAILURE); /* NOLINT(concurrency-mt-unsafe): nothing is left to do */
}

void bench_check(enum err err, const struct fault *fault, const char *what) {
  if (err != ERR_OK) {
    bench_die("%s: %s", what, fault && fault->text[0] ? fault->text : err_text(err));
  }
}

static void take(const struct bench_option *option, const char *value) {
  if (option->text) {
    *option->text = value;
  } else if (option->number) {
    char *end;
    *option->number = strtoull(value, &end, 10);
    if (*value == '\0' || *end != '\0') {
      bench_die("--%s: not a number: %s", option->name, value);
    }
  } else if (option->list->count < BENCH_LIST_MAX) {
    option->list->items[option->list->count++] = value;
  } else {
    bench_die("--%s: at most %d times", option->name, BENCH_LIST_MAX);
  }
}

static const struct bench_option *option_named(const struct bench_option *options, const char *word) {
  for (const struct bench_option *option = options; option->name; option++) {
    if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, option->name) == 0) {
      return option;
    }
  }
  bench_die("no such option: %s", word);
}

void bench_options(int argc, char **argv, const struct bench_option *options) {
  for (int i = 1; i < argc; i += 2) {
    const struct bench_option *option = option_named(options, argv[i]);
    if (i + 1 == argc) {
      bench_die("%s needs a value", argv[i]);
    }
    take(option, argv[i + 1]);
  }
  for (const struct bench_option *option = options; option->name; option++) {
    if ((option->text && !*option->text) || (option->list && option->list->count == 0)) {
      bench_die("--%s is missing", option->name);
    }
  }
}

uint64_t bench_now_ns(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

uint64_t bench_random_below(struct bench_random *random, uint64_t below) {
  random->state ^= random->state >> 12;
  random->state ^= random->state << 25;
  random->state ^= random->state >> 27;
  return (random->state * UINT64_C(2685821657736338717) >> 20) % below;
}

struct span bench_case_id(uint64_t number, char ret_text[BENCH_ID_TEXT]) {
  int size = snprintf(ret_text, BENCH_ID_TEXT, "86-%07" PRIu64, number);
  return span_of(ret_text, (size_t)size);
}
