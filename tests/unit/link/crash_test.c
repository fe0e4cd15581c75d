/*
 * kill -9 of an adapter at random moments, again and again, until its work is done. The adapter is this program itself,
 * started as `crash_test child FOLDER`: it sends MESSAGES events of its own and answers each of DELIVERIES deliveries
 * with a file and an event. The engine lives in the parent and is now and then taken away too.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_engine.h"
#include "link/link.h"

enum { MESSAGES = 600, BATCH = 7, DELIVERIES = 300, ROUNDS = 25 };

/* ---- the adapter ---- */

static struct child {
  const char *folder;
  struct link *link;
  uv_timer_t timer;
  unsigned own_sent;
} child;

static void must(enum err err, const char *what) {
  if (err != ERR_OK) {
    (void)fprintf(stderr, "child: %s: %s\n", what, err_text(err));
    exit(1);
  }
}

static void child_send(const char *kind, unsigned number) {
  char case_id[32];
  struct fault fault;
  (void)snprintf(case_id, sizeof case_id, "%s-%u", kind, number);
  struct link_event event = {
      .participant = "health", .event = SPAN_LITERAL("visit.done"), .case_id = span_of_cstr(case_id)};
  must(link_send(child.link, &event, NULL, &fault), "send");
}

/* An adapter's file: whole or not there, and the same when it is written twice. */
static void write_file(uint64_t position) {
  char path[210];
  char final[200];
  (void)snprintf(final, sizeof final, "%s/out/%llu", child.folder, (unsigned long long)position);
  (void)snprintf(path, sizeof path, "%s.part", final);
  FILE *file = fopen(path, "we");
  bool written = file && fprintf(file, "%llu\n", (unsigned long long)position) > 0 && fclose(file) == 0;
  must(written && rename(path, final) == 0 ? ERR_OK : ERR_IO, "file");
}

static enum err child_on_delivery(void *arg, const char *participant, const struct delivery *delivery) {
  (void)arg;
  (void)participant;
  write_file(delivery->position);
  child_send("answer", (unsigned)delivery->position);
  return ERR_OK;
}

static void child_send_batch(void) {
  struct fault fault;
  must(link_begin(child.link), "begin");
  for (unsigned i = 0; i < BATCH && child.own_sent < MESSAGES; i++) {
    child_send("own", child.own_sent++);
  }
  struct span note = span_of(&child.own_sent, sizeof child.own_sent);
  must(link_note_put(child.link, SPAN_LITERAL("own_sent"), note), "note");
  must(link_commit(child.link, &fault), "commit");
}

static void child_on_timer(uv_timer_t *timer) {
  (void)timer;
  if (child.own_sent < MESSAGES) {
    child_send_batch();
  }
}

static int child_main(const char *folder) {
  char path[200];
  char endpoint[200];
  char spool[200];
  struct fault fault;
  struct key_pair keys;
  struct key_public server;
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  child.folder = folder;
  (void)snprintf(path, sizeof path, "%s/health.key", folder);
  must(key_pair_load(path, &keys, &fault), "keys");
  (void)snprintf(path, sizeof path, "%s/engine.pub", folder);
  must(key_public_load(path, &server, &fault), "server key");
  (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/engine", folder);
  (void)snprintf(spool, sizeof spool, "%s/spool", folder);
  uv_loop_t loop;
  uv_loop_init(&loop);
  struct wire *wire = NULL;
  must(wire_create(&(struct wire_options){.loop = &loop}, &wire), "wire");
  struct link_participant participant = {"health", &keys};
  struct link_options options = {.loop = &loop,
                                 .wire = wire,
                                 .endpoint = endpoint,
                                 .server_key = server.connection,
                                 .participants = &participant,
                                 .participants_count = 1,
                                 .spool_path = spool,
                                 .limits = wire_limits_default(),
                                 .reconnect_max_ms = 50,
                                 .on_delivery = child_on_delivery};
  must(link_open(&options, &child.link, &fault), "link");
  struct span note;
  if (link_note_get(child.link, SPAN_LITERAL("own_sent"), &arena, &note) == ERR_OK) {
    memcpy(&child.own_sent, note.data, sizeof child.own_sent);
  }
  uv_timer_init(&loop, &child.timer);
  uv_timer_start(&child.timer, child_on_timer, 1, 2);
  uv_run(&loop, UV_RUN_DEFAULT); /* until it is killed */
  return 1;
}

/* ---- the engine ---- */

static struct engine engine;
static uv_loop_t loop;
static uv_timer_t timer;
static char folder[64], endpoint[100];
static bool late;
static bool exited;

static void on_timer(uv_timer_t *handle) {
  (void)handle;
  late = true;
}

static void on_exit_of_child(uv_process_t *process, int64_t status, int signal) {
  (void)status;
  (void)signal;
  exited = true;
  uv_close((uv_handle_t *)process, NULL);
}

static void run_for(uint64_t ms, const bool *until) {
  late = false;
  uv_timer_start(&timer, on_timer, ms, 0);
  while (!late && !(until && *until)) {
    uv_run(&loop, UV_RUN_ONCE);
  }
  uv_timer_stop(&timer);
}

static void start_child(uv_process_t *process) {
  char self[] = "/proc/self/exe";
  char word[] = "child";
  char *args[] = {self, word, folder, NULL};
  uv_stdio_container_t stdio[3] = {
      {.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = 1}, {.flags = UV_INHERIT_FD, .data.fd = 2}};
  uv_process_options_t options = {
      .exit_cb = on_exit_of_child, .file = self, .args = args, .stdio_count = 3, .stdio = stdio};
  exited = false;
  assert_int_equal(uv_spawn(&loop, process, &options), 0);
}

static void kill_child(uv_process_t *process) {
  assert_false(exited); /* it never ends by itself: that would be an error of its own */
  assert_int_equal(uv_process_kill(process, SIGKILL), 0);
  run_for(10000, &exited);
  assert_true(exited);
}

static void assert_files_complete(void) {
  for (unsigned i = 1; i <= DELIVERIES; i++) {
    char path[200];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/out/%u", folder, i);
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size > 0);
  }
}

static void assert_messages_once(const struct engine_participant *p) {
  static unsigned own[MESSAGES];
  static unsigned answers[DELIVERIES + 1];
  unsigned next_own = 0;
  unsigned next_answer = 1;
  for (uint64_t i = 0; i < p->sequence; i++) {
    unsigned number = 0;
    if (sscanf(p->messages[i].case_id, "own-%u", &number) == 1) { // NOLINT(cert-err34-c): our own text
      assert_int_equal(number, next_own++);
      own[number]++;
    } else {
      assert_int_equal(sscanf(p->messages[i].case_id, "answer-%u", &number), 1); // NOLINT(cert-err34-c)
      assert_int_equal(number, next_answer++);
      answers[number]++;
    }
  }
  assert_int_equal(next_own, MESSAGES);
  assert_int_equal(next_answer, DELIVERIES + 1);
}

static void a_killed_adapter_loses_and_doubles_nothing(void **state) {
  (void)state;
  struct key_pair keys;
  struct fault fault;
  char path[200];
  (void)snprintf(path, sizeof path, "%s/health.key", folder);
  assert_int_equal(key_pair_create(path, &keys, &fault), ERR_OK);
  struct engine_participant *p = engine_participant(&engine, "health", &keys);
  unsigned seed = 20260120;
  unsigned kills = 0;
  unsigned patience = 1; /* on a busy machine a life may end before it has begun: the next ones are longer */
  for (; kills < 200 && (p->sequence < MESSAGES + DELIVERIES || p->acknowledged < DELIVERIES); kills++) {
    uv_process_t process;
    start_child(&process);
    uint64_t left = DELIVERIES - p->stream_end;
    uint64_t done = p->sequence + p->acknowledged;
    engine_deliver(&engine, p, left < DELIVERIES / ROUNDS ? left : DELIVERIES / ROUNDS);
    run_for((uint64_t)patience * ((unsigned)rand_r(&seed) % 150), NULL);
    engine.mute_receipts = rand_r(&seed) % 3 == 0;
    run_for((uint64_t)patience * ((unsigned)rand_r(&seed) % 250), NULL);
    if (rand_r(&seed) % 4 == 0) {
      engine_close(&engine);
      engine_start(&engine, &loop, endpoint);
      engine.mute_receipts = false;
      run_for((unsigned)rand_r(&seed) % 100, NULL);
    }
    kill_child(&process);
    engine.mute_receipts = false;
    run_for(1, NULL);
    patience = p->sequence + p->acknowledged > done ? 1 : patience + 1;
  }
  assert_in_range(kills, 5, 199);
  assert_messages_once(p);
  assert_files_complete();
}

static int setup(void **state) {
  (void)state;
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  (void)snprintf(folder, sizeof folder, "/tmp/kurator-crash-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/engine", folder);
  engine_open(&engine, &loop, endpoint);
  char path[200];
  (void)snprintf(path, sizeof path, "%s/out", folder);
  assert_int_equal(mkdir(path, 0700), 0);
  /* The child reads the engine's public half from a file, as adapters do. */
  (void)snprintf(path, sizeof path, "%s/engine.pub", folder);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  char connection[KEY_CONNECTION_TEXT];
  char signing[KEY_CONNECTION_TEXT];
  key_connection_format(engine.keys.connection_public, connection);
  key_connection_format(engine.keys.signing.public_key, signing);
  assert_true(fprintf(file, "kurator-keys 1\nconnection-public: %s\nsigning-public: %s\n", connection, signing) > 0);
  assert_int_equal(fclose(file), 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  engine_finish(&engine);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
  char command[200];
  (void)snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): a path made above
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "child") == 0) {
    return child_main(argv[2]);
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_killed_adapter_loses_and_doubles_nothing, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
