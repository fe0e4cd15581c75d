/*
 * Corrections, on all example cases of the project's own processes.
 *
 * A family that goes through its journal again, with nothing left out, gives the very records that stand there; one
 * whose last event is taken back and sent again is the same case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "runtime/config.h"
#include "runtime/correct_diff.h"
#include "runtime/rehearse.h"

#define CONFIG_DIR KURATOR_SOURCE_DIR "/config"

static struct config *config;
static struct casework *casework;
static struct runtime *runtime; /* of the rehearsal that runs */

static int setup(void **state) {
  (void)state;
  const struct config_options options = {.config_dir = CONFIG_DIR};
  const struct casework_ports ports = {.arg = &runtime, .load = runtime_load};
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(config_load(&options, &config, &fault), ERR_OK);
  assert_int_equal(config_casework(config, &ports, &casework, &fault), ERR_OK);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  casework_destroy(&casework);
  config_destroy(&config);
  return 0;
}

/* ---- an example ---- */

struct script {
  struct arena arena;
  struct span events; /* input lines */
  struct value last;  /* the last of them */
  civil_day until;
  bool plain; /* no settings of its own */
};

static struct span read_file(const char *path, struct arena *arena) {
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  uint8_t *bytes = arena_alloc(arena, 1 << 20);
  size_t size = fread(bytes, 1, 1 << 20, file);
  (void)fclose(file);
  return span_of(bytes, size);
}

static void take_line(struct script *script, struct span text, struct writer *events) {
  struct value line;
  assert_int_equal(json_read(text, &script->arena, &line, NULL), ERR_OK);
  if (value_get(&line, "until")) {
    assert_int_equal(civil_day_parse(value_get_text(&line, "until"), &script->until), ERR_OK);
    script->plain = value_get(&line, "settings") == NULL;
  } else if (value_get(&line, "at")) {
    writer_raw(events, text);
    writer_u8(events, '\n');
    script->last = line;
  }
}

static void script_read(const char *path, struct script *script) {
  *script = (struct script){.plain = false};
  arena_init(&script->arena, 0);
  struct writer events;
  writer_init(&events);
  for (struct span rest = read_file(path, &script->arena); rest.size > 0;) {
    struct span text = span_trim(span_cut(rest, '\n', &rest));
    if (!span_empty(text)) {
      take_line(script, text, &events);
    }
  }
  script->events = arena_copy(&script->arena, writer_span(&events));
  writer_finish(&events);
}

static void rehearse(struct span events, civil_day until, line_sink sink, void *arg) {
  struct fault fault = {.err = ERR_OK};
  const struct rehearse_options options = {
      .casework = casework, .runtime = &runtime, .events = events, .until = until, .outcome = sink, .sink_arg = arg};
  assert_int_equal(rehearse_run(&options, NULL, &fault), ERR_OK);
}

static void each_example(void (*check)(const char *path, struct script *script)) {
  glob_t found;
  assert_int_equal(glob(CONFIG_DIR "/processes/*/examples/*.jsonl", 0, NULL, &found), 0);
  size_t checked = 0;
  for (size_t i = 0; i < found.gl_pathc; i++) {
    struct script script;
    script_read(found.gl_pathv[i], &script);
    if (script.plain) {
      check(found.gl_pathv[i], &script);
      checked++;
    }
    arena_finish(&script.arena);
  }
  globfree(&found);
  assert_true(checked > 100);
}

/* ---- gone through again ---- */

struct comparison {
  const char *path;
  struct span last_root; /* the family that was compared last */
  struct arena arena;
  civil_moment now;
  struct runtime *outer;
  size_t compared;
};

static void differ(const struct comparison *c, const char *space, struct span key) {
  fail_msg("%s: %s %.*s is another one when gone through again", c->path, space, SPAN_ARG(key));
}

/* What stands in front of a case's own record, its first entry and what parks it, is the outer runtime's. */
static bool same_case(void *arg, struct span key, struct span value) {
  struct comparison *c = arg;
  struct span bytes;
  struct record_case ours;
  struct record_case theirs;
  if (store_get(c->outer->store, STORE_CASE, key, &bytes) != ERR_OK || record_case_read(value, &ours) != ERR_OK ||
      record_case_read(bytes, &theirs) != ERR_OK || !span_equal(ours.body, theirs.body)) {
    differ(c, "case", key);
  }
  c->compared++;
  return true;
}

static bool same_deadline(void *arg, struct span key, struct span value) {
  struct comparison *c = arg;
  struct span bytes;
  if (store_get(c->outer->store, STORE_DEADLINE, key, &bytes) != ERR_OK || !span_equal(bytes, value)) {
    differ(c, "deadline", key);
  }
  return true;
}

static bool same_timer(void *arg, struct span key, struct span value) {
  struct comparison *c = arg;
  struct span bytes;
  if (store_get(c->outer->store, STORE_TIMER, key, &bytes) != ERR_OK || !span_equal(bytes, value)) {
    differ(c, "timer", key);
  }
  return true;
}

/* What was accepted before a correction may rest on what was taken back. */
static bool has_annulled(const struct replay_entries *entries) {
  bool found = false;
  for (size_t i = 0; i < entries->count; i++) {
    found = found || entries->items[i].annulled;
  }
  return found;
}

static void take_told(struct comparison *c, struct span root, struct told_list *ret_told) {
  struct told_list all;
  assert_int_equal(told_read(runtime, root, &c->arena, &all), ERR_OK);
  assert_true(all.count > 0);
  for (size_t i = 0; i < all.count; i++) {
    if (!all.items[i].taken_back) {
      told_add(&c->arena, ret_told, &all.items[i]);
    }
  }
  told_sort(ret_told);
}

static void compare(struct comparison *c, struct span root) {
  struct case_slot *slot;
  struct replay_entries entries;
  struct replay replay = {.outer = runtime, .arena = &c->arena, .entries = &entries, .now = c->now};
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(cases_get(&runtime->cases, root, &slot, &fault), ERR_OK);
  replay.root = root;
  if (case_is_annulled(slot->file)) {
    return; /* nothing has been left to go through */
  }
  if (!replay_is_own(runtime, slot)) {
    take_told(c, root, &replay.told); /* it goes by what other families say */
  }
  assert_int_equal(replay_entries_read(runtime, slot, &c->arena, &entries), ERR_OK);
  family_all(runtime, root, &replay.before);
  assert_int_equal(replay_run(&replay, &fault), ERR_OK);
  assert_true(replay.refusals_count == 0 || has_annulled(&entries));
  struct span all = {NULL, 0};
  size_t before = c->compared;
  c->outer = runtime;
  assert_int_equal(store_scan(replay.store, STORE_CASE, all, all, same_case, c), ERR_OK);
  assert_int_equal(store_scan(replay.store, STORE_DEADLINE, all, all, same_deadline, c), ERR_OK);
  assert_int_equal(store_scan(replay.store, STORE_TIMER, all, all, same_timer, c), ERR_OK);
  assert_int_equal(c->compared - before, replay.before.count);
  replay_finish(&replay);
}

static bool compare_family(void *arg, struct span line) {
  struct comparison *c = arg;
  struct value value;
  assert_int_equal(json_read(line, &c->arena, &value, NULL), ERR_OK);
  struct span root = value_get_text(&value, "case");
  if (span_is(value_get_text(&value, "type"), "case") && !span_equal(root, c->last_root)) {
    c->last_root = arena_copy(&c->arena, root);
    compare(c, c->last_root);
  }
  return true;
}

static void check_again(const char *path, struct script *script) {
  struct comparison c = {.path = path, .now = rehearse_end_of(script->until)};
  arena_init(&c.arena, 0);
  rehearse(script->events, script->until, compare_family, &c);
  arena_finish(&c.arena);
}

static void a_family_that_goes_through_its_journal_again_is_the_same(void **state) {
  (void)state;
  each_example(check_again);
}

/* ---- taken back and sent again ---- */

struct lines {
  struct writer all;
};

/* Incidents stay. */
static bool take_state(void *arg, struct span line) {
  DEFER(arena_finish) struct arena arena;
  struct lines *lines = arg;
  struct value value;
  arena_init(&arena, 0);
  assert_int_equal(json_read(line, &arena, &value, NULL), ERR_OK);
  if (!span_is(value_get_text(&value, "type"), "incident")) {
    writer_raw(&lines->all, line);
    writer_u8(&lines->all, '\n');
  }
  return true;
}

static void put_line(struct writer *w, struct script *script, const char *event, struct value data) {
  struct value line = script->last;
  line = value_with(&script->arena, &line, SPAN_LITERAL("data"), data);
  if (event) {
    line = value_with(&script->arena, &line, SPAN_LITERAL("event"), value_text(span_of_cstr(event)));
  }
  json_write(&line, w);
  writer_u8(w, '\n');
}

/* The last line, taken back, and once more, all at its moment. */
static struct span with_correction(struct script *script) {
  struct writer w;
  writer_init(&w);
  writer_raw(&w, script->events);
  struct value named =
      value_with(&script->arena, NULL, SPAN_LITERAL("event"), value_text(value_get_text(&script->last, "event")));
  const struct value *data = value_get(&script->last, "data");
  put_line(&w, script, "event.annulled", named);
  put_line(&w, script, NULL, data ? *data : value_nil());
  struct span events = arena_copy(&script->arena, writer_span(&w));
  writer_finish(&w);
  return events;
}

static void check_sent_again(const char *path, struct script *script) {
  struct lines before;
  struct lines after;
  writer_init(&before.all);
  writer_init(&after.all);
  rehearse(script->events, script->until, take_state, &before);
  rehearse(with_correction(script), script->until, take_state, &after);
  if (!span_equal(writer_span(&before.all), writer_span(&after.all))) {
    fail_msg("%s: taken back and sent again it is another case:\n%.*s\n---\n%.*s", path,
             SPAN_ARG(writer_span(&before.all)), SPAN_ARG(writer_span(&after.all)));
  }
  writer_finish(&before.all);
  writer_finish(&after.all);
}

static void an_event_taken_back_and_sent_again_gives_the_same_case(void **state) {
  (void)state;
  each_example(check_sent_again);
}

/* ---- whatever is taken back ---- */

/* What is counted for all families together agrees with the cases: each living addressee carries one referral. */
static void check_loads(const struct family *family, int64_t *left) {
  for (size_t i = 0; i < family->count; i++) {
    const struct case_view *view = case_slot_view(family->members[i]);
    const struct participant *to =
        view->ended || view->offer == 0 ? NULL : catalogue_participant(runtime->catalogue, view->addressee);
    if (to) {
      left[to - runtime->catalogue->participants]--;
    }
  }
}

struct corrected {
  struct comparison comparison;
  int64_t *left; /* of each participant's load, while the families are gone through */
  bool counted;
};

static bool compare_corrected(void *arg, struct span line) {
  struct corrected *corrected = arg;
  struct comparison *c = &corrected->comparison;
  struct span before = c->last_root;
  if (!corrected->counted) {
    corrected->counted = true;
    for (size_t i = 0; i < runtime->catalogue->participants_count; i++) {
      corrected->left[i] = runtime->cursors.entries[i].record.load;
    }
  }
  bool more = compare_family(c, line);
  if (!span_equal(before, c->last_root)) {
    struct family family;
    family_all(runtime, c->last_root, &family);
    check_loads(&family, corrected->left);
  }
  return more;
}

static void check_corrected(const char *path, struct script *script, struct span events) {
  struct corrected corrected = {.comparison = {.path = path, .now = rehearse_end_of(script->until)}};
  size_t participants = config->catalogue.participants_count;
  arena_init(&corrected.comparison.arena, 0);
  corrected.left = ARENA_ARRAY(&corrected.comparison.arena, int64_t, participants);
  rehearse(events, script->until, compare_corrected, &corrected);
  for (size_t i = 0; i < participants; i++) {
    if (corrected.left[i] != 0) {
      fail_msg("%s: the load of %.*s is off by %lld", path, SPAN_ARG(config->catalogue.participants[i].id),
               (long long)corrected.left[i]);
    }
  }
  arena_finish(&corrected.comparison.arena);
}

/* Every line of the script in turn is taken back by whoever sent it, at the end; what cannot be is refused. */
static void check_each_line(const char *path, struct script *script) {
  struct value last = script->last;
  for (struct span rest = script->events; rest.size > 0;) {
    struct value line;
    struct writer w;
    assert_int_equal(json_read(span_cut(rest, '\n', &rest), &script->arena, &line, NULL), ERR_OK);
    struct span at = value_get_text(&last, "at");
    struct value named =
        value_with(&script->arena, NULL, SPAN_LITERAL("event"), value_text(value_get_text(&line, "event")));
    script->last = value_with(&script->arena, &line, SPAN_LITERAL("at"), value_text(at));
    writer_init(&w);
    writer_raw(&w, script->events);
    put_line(&w, script, "event.annulled", named);
    check_corrected(path, script, writer_span(&w));
    writer_finish(&w);
  }
}

static void whatever_is_taken_back_the_records_are_those_of_the_journal_without_it(void **state) {
  (void)state;
  each_example(check_each_line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_family_that_goes_through_its_journal_again_is_the_same),
      cmocka_unit_test(an_event_taken_back_and_sent_again_gives_the_same_case),
      cmocka_unit_test(whatever_is_taken_back_the_records_are_those_of_the_journal_without_it),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
