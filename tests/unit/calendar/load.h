/*
 * What the tests of this room share: cmocka, files of the repository, the calendar of config/ and dates as texts.
 */
#ifndef KURATOR_TESTS_CALENDAR_LOAD_H
#define KURATOR_TESTS_CALENDAR_LOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar/calendar.h"

/* The caller frees `data`. */
static inline struct span file_read(const char *path) {
  char full[1024];
  (void)snprintf(full, sizeof(full), "%s/%s", KURATOR_SOURCE_DIR, path);
  FILE *file = fopen(full, "rb");
  assert_non_null(file);
  uint8_t *data = malloc(CALENDAR_FILE_MAX);
  assert_non_null(data);
  size_t size = fread(data, 1, CALENDAR_FILE_MAX, file);
  (void)fclose(file);
  return span_of(data, size);
}

static inline struct calendar *calendar_of(const char *csv, bool decree_days_off) {
  struct calendar *calendar = NULL;
  struct fault fault = {0};
  struct calendar_options options = {.decree_days_off = decree_days_off};
  assert_int_equal(calendar_create(span_of_cstr(csv), options, &calendar, &fault), ERR_OK);
  return calendar;
}

static inline struct calendar *calendar_of_config(bool decree_days_off) {
  struct span csv = file_read("config/calendar/ru.csv");
  struct calendar *calendar = NULL;
  struct calendar_options options = {.decree_days_off = decree_days_off};
  assert_int_equal(calendar_create(csv, options, &calendar, NULL), ERR_OK);
  free((void *)csv.data);
  return calendar;
}

static inline civil_day date(const char *text) {
  civil_day day;
  assert_int_equal(civil_day_parse(span_of_cstr(text), &day), ERR_OK);
  return day;
}

static inline struct term term_of(const char *text) {
  struct term term;
  assert_int_equal(term_parse(span_of_cstr(text), &term, NULL), ERR_OK);
  return term;
}

/* A group's state is the calendar of config/calendar/ru.csv. */
static inline int config_setup(void **state) {
  *state = calendar_of_config(false);
  return 0;
}

static inline int config_teardown(void **state) {
  calendar_destroy((struct calendar **)state);
  return 0;
}

#endif
