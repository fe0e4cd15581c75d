/* The inbox with a real link and spool, against the engine of the link's tests. */
#include "folders.h"

#include "../link/fake_engine.h"
#include "exchange/inbox.h"
#include "exchange/result.h"

#define PROFILE     KURATOR_SOURCE_DIR "/adapters/ufsin/profile.yaml"
#define TERRITORIES KURATOR_SOURCE_DIR "/config/territories.yaml"

enum { WAIT_MS = 30000 };

static struct engine engine;
static struct engine_participant *ufsin;

static struct fixture {
  struct folders folders;
  uv_loop_t loop;
  uv_timer_t timer;
  bool late, virtual_clock;
  struct wire *wire;
  struct link *link;
  struct inbox *inbox;
  struct profile *profile;
  struct key_pair keys;
  char endpoint[100], spool[100];
} f;

static enum err on_delivery(void *arg, const char *participant, const struct delivery *delivery) {
  (void)arg;
  (void)participant;
  (void)delivery;
  return ERR_OK;
}

static void on_receipt(void *arg, const char *participant, const struct link_receipt *receipt) {
  (void)arg;
  (void)participant;
  (void)receipt;
  inbox_receipt(f.inbox);
}

static void on_timer(uv_timer_t *timer) {
  (void)timer;
  f.late = true;
}

/* As a process begins: the spool, then what it had under way. */
static void begin(void) {
  static const char *const participants[] = {"ufsin"};
  const struct link_participant member = {"ufsin", &f.keys};
  const struct link_options options = {.loop = &f.loop,
                                       .wire = f.wire,
                                       .endpoint = f.endpoint,
                                       .server_key = engine.keys.connection_public,
                                       .participants = &member,
                                       .participants_count = 1,
                                       .spool_path = f.spool,
                                       .agent = "inbox_test",
                                       .limits = wire_limits_default(),
                                       .reconnect_max_ms = 50,
                                       .on_delivery = on_delivery,
                                       .on_receipt = on_receipt};
  struct fault fault = {0};
  assert_int_equal(link_open(&options, &f.link, &fault), ERR_OK);
  const struct inbox_options inbox = {.root = f.folders.root,
                                      .profile = f.profile,
                                      .participants = participants,
                                      .participants_count = 1,
                                      .link = f.link,
                                      .virtual_clock = f.virtual_clock};
  assert_int_equal(inbox_create(&inbox, &f.inbox), ERR_OK);
}

/* As it ends, at whatever point: nothing is said to the files. */
static void end(void) {
  inbox_destroy(&f.inbox);
  link_close(&f.link);
}

static void restart(void) {
  end();
  begin();
}

static int setup(void **state) {
  static const char *const participants[] = {"ufsin"};
  struct fault fault;
  (void)state;
  memset(&f, 0, sizeof f);
  folders_make(&f.folders);
  assert_int_equal(folder_prepare(f.folders.root, participants, 1, &fault), ERR_OK);
  assert_int_equal(profile_load(PROFILE, TERRITORIES, &f.profile, &fault), ERR_OK);
  uv_loop_init(&f.loop);
  uv_timer_init(&f.loop, &f.timer);
  (void)snprintf(f.endpoint, sizeof f.endpoint, "ipc://%s/engine", f.folders.root);
  (void)snprintf(f.spool, sizeof f.spool, "%s/spool", f.folders.root);
  assert_int_equal(key_pair_generate(&f.keys), ERR_OK);
  const struct wire_options options = {.loop = &f.loop};
  assert_int_equal(wire_create(&options, &f.wire), ERR_OK);
  engine_open(&engine, &f.loop, f.endpoint);
  ufsin = engine_participant(&engine, "ufsin", &f.keys);
  begin();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  disk_limit(RLIM_INFINITY);
  end();
  wire_destroy(&f.wire);
  engine_finish(&engine);
  uv_close((uv_handle_t *)&f.timer, NULL);
  uv_run(&f.loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&f.loop), 0);
  profile_destroy(&f.profile);
  folders_remove(&f.folders);
  return 0;
}

/* ---- steps ---- */

static void put_lines(const char *name, unsigned first, unsigned count) {
  struct writer w;
  writer_init(&w);
  for (unsigned i = first; i < first + count; i++) {
    writer_printf(&w, "{\"event\":\"visit.done\",\"case\":\"case-%u\",\"data\":{\"phase\":\"before\"}}\n", i);
  }
  writer_u8(&w, 0);
  folders_put(&f.folders, name, (const char *)w.data);
  writer_finish(&w);
}

static void take(void) {
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
}

static bool work(void) {
  bool more = false;
  assert_int_equal(inbox_work(f.inbox, 1, &more), ERR_OK);
  return more;
}

static void work_all(void) {
  while (work()) {
  }
}

/* Until every message has its receipt. */
static void exchange(void) {
  f.late = false;
  uv_timer_start(&f.timer, on_timer, WAIT_MS, 0);
  while (!link_idle(f.link) && !f.late) {
    uv_run(&f.loop, UV_RUN_ONCE);
  }
  uv_timer_stop(&f.timer);
  assert_false(f.late);
}

static void finish_all(void) {
  work_all();
  exchange();
  assert_int_equal(inbox_settle(f.inbox), ERR_OK);
}

static bool has(const char *name) {
  return folders_has(&f.folders, name);
}

static const char *text(const char *name) {
  return folders_text(&f.folders, name);
}

static void assert_sent_once(unsigned count) {
  assert_int_equal(ufsin->sequence, count);
  for (unsigned i = 0; i < count; i++) {
    char case_id[32];
    (void)snprintf(case_id, sizeof case_id, "case-%u", i);
    assert_string_equal(ufsin->messages[i].case_id, case_id);
  }
}

/* ---- taking ---- */

static void a_file_is_taken_when_it_has_not_changed_since_the_last_look(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1);
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  put_lines("in/a.jsonl", 0, 2);
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_true(has("in/a.jsonl"));
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_true(has("work/a.jsonl"));
  assert_false(has("in/a.jsonl"));
  finish_all();
  assert_sent_once(2);
  assert_true(has("done/a.jsonl"));
}

static void under_the_virtual_clock_it_is_taken_at_once(void **state) {
  (void)state;
  f.virtual_clock = true;
  restart();
  put_lines("in/a.jsonl", 0, 1);
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_true(has("work/a.jsonl"));
}

static void a_file_that_vanishes_before_it_is_taken_is_forgotten(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1);
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_int_equal(unlink(folders_path(&f.folders, "in/a.jsonl")), 0);
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_false(work());
}

static void a_file_of_the_same_name_is_another_file(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 600);
  take();
  assert_true(work());
  put_lines("in/a.jsonl", 600, 2); /* while the first one is being read */
  take();
  assert_true(has("work/a.2.jsonl"));
  finish_all();
  assert_sent_once(602);
  assert_int_equal(count_of(text("done/a.jsonl"), "\n"), 600);
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "принято"), 600);
  assert_int_equal(count_of(text("done/a.2.jsonl.result.csv"), "принято"), 2);
}

/* ---- ends of the process ---- */

static void a_restart_between_slices_goes_on_at_the_next_row(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1700);
  take();
  do {
    restart();
  } while (work());
  finish_all();
  assert_sent_once(1700);
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "принято"), 1700);
  assert_false(has("work/a.jsonl"));
}

static void a_restart_while_receipts_are_missing_waits_for_the_rest(void **state) {
  (void)state;
  engine_close(&engine);
  put_lines("in/a.jsonl", 0, 3);
  take();
  work_all();
  restart();
  assert_int_equal(inbox_settle(f.inbox), ERR_OK);
  assert_true(has("work/a.jsonl"));
  assert_false(has("done/a.jsonl.result.csv"));
  engine_start(&engine, &f.loop, f.endpoint);
  finish_all();
  assert_sent_once(3);
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "принято"), 3);
}

static void results_that_were_written_before_the_end_are_written_again_the_same(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 3);
  take();
  work_all();
  exchange();
  const struct result_file file = {.root = f.folders.root,
                                   .path = folders_path(&f.folders, "work/a.jsonl"),
                                   .name = "a.jsonl",
                                   .key = SPAN_LITERAL("/a.jsonl")};
  assert_int_equal(result_write(&file, f.profile, f.link), ERR_OK);
  char *before = strdup(text("done/a.jsonl.result.csv"));
  assert_int_equal(count_of(before, "принято"), 3);
  restart();
  assert_int_equal(inbox_settle(f.inbox), ERR_OK);
  assert_string_equal(text("done/a.jsonl.result.csv"), before);
  assert_true(has("done/a.jsonl"));
  free(before);
}

static void rows_that_were_forgotten_before_the_end_leave_the_results_alone(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 3);
  take();
  finish_all();
  char *before = strdup(text("done/a.jsonl.result.csv"));
  /* Back to where rows are forgotten and the file is not yet moved. */
  assert_int_equal(rename(folders_path(&f.folders, "done/a.jsonl"), folders_path(&f.folders, "work/a.jsonl")), 0);
  const struct link_file complete = {.offset = 1, .rows = 3, .complete = true};
  assert_int_equal(link_file_put(f.link, SPAN_LITERAL("/a.jsonl"), &complete), ERR_OK);
  restart();
  assert_int_equal(inbox_settle(f.inbox), ERR_OK);
  assert_string_equal(text("done/a.jsonl.result.csv"), before);
  free(before);
}

static void a_place_that_belongs_to_no_file_does_not_swallow_the_next(void **state) {
  (void)state;
  const struct link_file stale = {.offset = 1000000, .rows = 3, .complete = true};
  assert_int_equal(link_file_put(f.link, SPAN_LITERAL("/a.jsonl"), &stale), ERR_OK);
  put_lines("in/a.jsonl", 0, 3);
  take();
  finish_all();
  assert_sent_once(3);
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "принято"), 3);
}

/* ---- trouble ---- */

static void a_file_that_vanishes_while_it_is_read_is_answered_all_the_same(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1200);
  take();
  assert_true(work());
  assert_int_equal(unlink(folders_path(&f.folders, "work/a.jsonl")), 0);
  engine.refuse_all = true;
  finish_all();
  assert_sent_once(1200);
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "отклонено"), 1200);
  assert_int_equal(count_of(text("rejected/a.jsonl.rejected.csv"), "отправителю не разрешено"), 1200);
}

static void a_file_that_was_away_for_a_while_goes_on_where_it_was(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1200);
  take();
  assert_true(work());
  end();
  assert_int_equal(rename(folders_path(&f.folders, "work/a.jsonl"), folders_path(&f.folders, "away")), 0);
  begin();
  assert_false(work());
  end();
  assert_int_equal(rename(folders_path(&f.folders, "away"), folders_path(&f.folders, "work/a.jsonl")), 0);
  begin();
  finish_all();
  assert_sent_once(1200);
}

static void what_cannot_be_read_on_gets_a_reason_and_the_results_so_far(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1200);
  take();
  assert_true(work());
  end();
  assert_int_equal(unlink(folders_path(&f.folders, "work/a.jsonl")), 0);
  assert_int_equal(symlink("/nowhere", folders_path(&f.folders, "work/a.jsonl")), 0);
  begin();
  finish_all();
  assert_non_null(strstr(text("rejected/a.jsonl.reason.txt"), "не обычный файл"));
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "принято"), INBOX_SLICE_ROWS);
  restart();
  assert_false(work());
}

static void a_bad_file_holds_up_no_other(void **state) {
  (void)state;
  folders_put(&f.folders, "in/a.csv", "один;два\n1;2\n");
  put_lines("in/b.jsonl", 0, 2);
  take();
  finish_all();
  assert_true(has("rejected/a.csv"));
  assert_true(has("rejected/a.csv.reason.txt"));
  assert_true(has("done/b.jsonl"));
}

static void a_refusal_of_the_engine_comes_back_with_the_row(void **state) {
  (void)state;
  engine.refuse_all = true;
  put_lines("in/a.jsonl", 0, 2);
  take();
  finish_all();
  const char *rejected = text("rejected/a.jsonl.rejected.csv");
  assert_int_equal(count_of(rejected, "отправителю не разрешено"), 2);
  assert_non_null(strstr(rejected, "case-1"));
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "отклонено"), 2);
}

static void a_full_disk_delays_the_results_and_loses_nothing(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1500);
  take();
  work_all();
  exchange();
  disk_limit(8192);
  assert_int_not_equal(inbox_settle(f.inbox), ERR_OK);
  disk_limit(RLIM_INFINITY);
  assert_true(has("work/a.jsonl"));
  assert_false(has("done/a.jsonl.result.csv"));
  assert_false(has("done/a.jsonl.result.csv.tmp"));
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_int_equal(inbox_settle(f.inbox), ERR_OK);
  assert_int_equal(count_of(text("done/a.jsonl.result.csv"), "принято"), 1500);
}

static void a_folder_that_is_missing_is_an_error_and_the_file_stays(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 2);
  take();
  work_all();
  exchange();
  assert_int_equal(rename(folders_path(&f.folders, "done"), folders_path(&f.folders, "away")), 0);
  assert_int_equal(inbox_settle(f.inbox), ERR_IO);
  assert_int_equal(rename(folders_path(&f.folders, "away"), folders_path(&f.folders, "done")), 0);
  assert_int_equal(inbox_scan(f.inbox), ERR_OK);
  assert_int_equal(inbox_settle(f.inbox), ERR_OK);
  assert_true(has("done/a.jsonl"));
}

static void reading_stops_while_too_much_waits_for_receipts(void **state) {
  (void)state;
  engine_close(&engine);
  put_lines("in/a.jsonl", 0, INBOX_PENDING_MAX + 5000);
  take();
  work_all();
  assert_int_equal(link_pending(f.link), INBOX_PENDING_MAX);
  assert_false(work());
}

static void a_name_that_somebody_took_in_done_is_not_overwritten(void **state) {
  (void)state;
  put_lines("in/a.jsonl", 0, 1);
  take();
  folders_put(&f.folders, "done/a.jsonl", "theirs");
  finish_all();
  assert_string_equal(text("done/a.jsonl"), "theirs");
  assert_int_equal(count_of(text("done/a.2.jsonl"), "case-0"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_file_is_taken_when_it_has_not_changed_since_the_last_look),
      TEST(under_the_virtual_clock_it_is_taken_at_once),
      TEST(a_file_that_vanishes_before_it_is_taken_is_forgotten),
      TEST(a_file_of_the_same_name_is_another_file),
      TEST(a_restart_between_slices_goes_on_at_the_next_row),
      TEST(a_restart_while_receipts_are_missing_waits_for_the_rest),
      TEST(results_that_were_written_before_the_end_are_written_again_the_same),
      TEST(rows_that_were_forgotten_before_the_end_leave_the_results_alone),
      TEST(a_place_that_belongs_to_no_file_does_not_swallow_the_next),
      TEST(a_file_that_vanishes_while_it_is_read_is_answered_all_the_same),
      TEST(a_file_that_was_away_for_a_while_goes_on_where_it_was),
      TEST(what_cannot_be_read_on_gets_a_reason_and_the_results_so_far),
      TEST(a_bad_file_holds_up_no_other),
      TEST(a_refusal_of_the_engine_comes_back_with_the_row),
      TEST(a_full_disk_delays_the_results_and_loses_nothing),
      TEST(a_folder_that_is_missing_is_an_error_and_the_file_stays),
      TEST(reading_stops_while_too_much_waits_for_receipts),
      TEST(a_name_that_somebody_took_in_done_is_not_overwritten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
