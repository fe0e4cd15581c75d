/*
 * A file of an agency, table or JSON lines. Whoever goes on behind a record finds what he would have found: that is
 * what an adapter does that was killed in the middle of a file.
 *
 * Input: a byte that chooses the agency and the file's name, then the file.
 */
#include <stdio.h>

#include "exchange/encoding.h"
#include "exchange/source.h"
#include "fuzz.h"

enum { AGENCIES = 5, RECORDS_MAX = 64 };

static const struct profile *profile_of(unsigned agency) {
  static const char *const names[AGENCIES] = {"ufsin", "health", "employment", "working_group", "provider"};
  static struct profile *profiles[AGENCIES];
  if (!profiles[agency]) {
    char path[512];
    struct fault fault;
    (void)snprintf(path, sizeof path, "%s/adapters/%s/profile.yaml", KURATOR_SOURCE_DIR, names[agency]);
    ASSERT(profile_load(path, KURATOR_SOURCE_DIR "/config/territories.yaml", &profiles[agency], &fault) == ERR_OK);
  }
  return profiles[agency];
}

static void check_event(const struct exchange_event *event) {
  ASSERT(!span_empty(event->event));
  ASSERT(span_is_text(event->event) && span_is_text(event->case_id) && span_is_text(event->sender));
  ASSERT(event->data.kind == VALUE_MAP);
  ASSERT(value_depth_fits(&event->data));
}

static void check_record(const struct record *record, uint64_t line_before) {
  ASSERT(record->line > line_before);
  ASSERT(record->lines >= record->line);
  ASSERT(span_is_text(record->text));
  if (record->err == ERR_OK) {
    check_event(&record->event);
  } else {
    fuzz_refused(record->err, &record->fault);
  }
}

static void goes_on_behind(const char *path, const struct profile *profile, const struct record *record,
                           const struct record *expected, struct arena *arena) {
  struct source *source = NULL;
  struct record next;
  struct fault fault;
  ASSERT(source_open(path, profile, &source, &fault) == ERR_OK);
  ASSERT(source_seek(source, record->next, record->lines) == ERR_OK);
  ASSERT(source_next(source, arena, &next) == ERR_OK);
  ASSERT(next.line == expected->line && next.err == expected->err && next.next == expected->next);
  ASSERT(span_equal(next.text, expected->text));
  source_close(&source);
}

void fuzz_one(struct span input, struct arena *arena) {
  unsigned choice = fuzz_choice(&input);
  const struct profile *profile = profile_of(choice % AGENCIES);
  const char *path = fuzz_file((choice & 0x80U) != 0 ? ".jsonl" : ".csv", input);
  struct source *source = NULL;
  struct fault fault = {0};
  struct record before = {0};
  struct record record;
  enum err err = source_open(path, profile, &source, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    return;
  }
  for (int i = 0; i < RECORDS_MAX && (err = source_next(source, arena, &record)) == ERR_OK; i++) {
    check_record(&record, before.line);
    if (before.line > 0) {
      goes_on_behind(path, profile, &before, &record, arena);
    }
    before = record;
  }
  ASSERT(err == ERR_OK || err == ERR_NOT_FOUND);
  source_close(&source);
}
