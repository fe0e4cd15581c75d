/*
 * bench-fill — a database with many open cases, made by the runtime itself.
 *
 * Every case gets the same messages, in order, in its own place; they go through the runtime as they would in the
 * daemon (rights, charts, deadlines, streams, receipts), only in larger batches and without sockets. Case number i
 * belongs to place i modulo the number of places.
 *
 *   --config DIR --keys DIR --data DIR    as for kuratord
 *   --cases N
 *   --at DATE                             when all this happens
 *   --place TERRITORY=PARTICIPANT         repeated
 *   --message 'SENDER EVENT JSON'         repeated; @place and @participant are replaced
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "common.h"
#include "daemon/deliver.h"
#include "daemon/keyring.h"
#include "runtime/config.h"

enum { PATH_BYTES = 4096, BATCH = 4096, STEPS_MAX = 8, TEXT_BYTES = 4096 };

struct step {
  char event[RUNTIME_NAME_MAX];
  struct value data[BENCH_LIST_MAX]; /* per place */
  char senders[BENCH_LIST_MAX][RUNTIME_NAME_MAX];
};

struct fill {
  const char *config_dir, *keys_dir, *data_dir, *at;
  uint64_t cases;
  struct bench_list places, messages;

  struct arena arena;
  struct config *config;
  struct keyring *keyring;
  struct casework *casework;
  struct store *store;
  struct runtime *runtime;
  struct step steps[STEPS_MAX];
  civil_moment now;
  uint64_t sequences[BENCH_LIST_MAX * STEPS_MAX];
  const char *sequence_owners[BENCH_LIST_MAX * STEPS_MAX];
  uint64_t accepted, others;
};

/* ---- messages ---- */

static void replace_all(const char *text, const char *name, const char *with, char ret_text[TEXT_BYTES]) {
  size_t used = 0;
  while (*text) {
    bool found = strncmp(text, name, strlen(name)) == 0;
    size_t size = found ? strlen(with) : 1;
    if (used + size >= TEXT_BYTES) {
      bench_die("a message is too long");
    }
    memcpy(ret_text + used, found ? with : text, size);
    used += size;
    text += found ? strlen(name) : 1;
  }
  ret_text[used] = '\0';
}

/* One message of one place. */
static void step_read(struct fill *fill, struct step *step, size_t place, const char *text) {
  char territory[RUNTIME_NAME_MAX];
  char placed[TEXT_BYTES];
  char full[TEXT_BYTES];
  const char *pair = fill->places.items[place];
  const char *equals = strchr(pair, '=');
  if (!equals || (size_t)(equals - pair) >= sizeof territory) {
    bench_die("--place: TERRITORY=PARTICIPANT, not %s", pair);
  }
  (void)snprintf(territory, sizeof territory, "%.*s", (int)(equals - pair), pair);
  replace_all(text, "@place", territory, placed);
  replace_all(placed, "@participant", equals + 1, full);
  int used = 0;
  if (sscanf(full, "%63s %63s %n", step->senders[place], step->event, &used) < 2) { /* NOLINT(cert-err34-c) */
    bench_die("--message: 'SENDER EVENT JSON', not %s", text);
  }
  struct fault fault = {.err = ERR_OK};
  struct span json = arena_copy(&fill->arena, span_of_cstr(full + used));
  bench_check(json_read(json, &fill->arena, &step->data[place], &fault), &fault, "--message");
}

static void steps_read(struct fill *fill) {
  if (fill->messages.count > STEPS_MAX) {
    bench_die("--message: at most %d times", STEPS_MAX);
  }
  for (size_t i = 0; i < fill->messages.count; i++) {
    for (size_t place = 0; place < fill->places.count; place++) {
      step_read(fill, &fill->steps[i], place, fill->messages.items[i]);
    }
  }
}

static uint64_t *sequence_of(struct fill *fill, const char *sender) {
  for (size_t i = 0;; i++) {
    if (!fill->sequence_owners[i]) {
      fill->sequence_owners[i] = sender;
    }
    if (strcmp(fill->sequence_owners[i], sender) == 0) {
      return &fill->sequences[i];
    }
  }
}

/* ---- the engine ---- */

static void on_receipt(void *arg, const struct runtime_receipt *receipt) {
  struct fill *fill = arg;
  if (receipt->kind == RUNTIME_ACCEPTED) {
    fill->accepted++;
    return;
  }
  if (fill->others++ == 0) {
    (void)fprintf(stderr, "%s: %.*s\n", runtime_receipt_name(receipt->kind), SPAN_ARG(receipt->text));
  }
}

static void engine_open(struct fill *fill) {
  struct fault fault = {.err = ERR_OK};
  char path[PATH_BYTES];
  const struct config_options options = {.config_dir = fill->config_dir};
  bench_check(config_load(&options, &fill->config, &fault), &fault, "config");
  bench_check(keyring_load(fill->keys_dir, &fill->config->catalogue, &fill->keyring, &fault), &fault, "keys");
  const struct casework_ports ports = {.arg = &fill->runtime, .load = runtime_load};
  bench_check(config_casework(fill->config, &ports, &fill->casework, &fault), &fault, "processes");
  (void)mkdir(fill->data_dir, 0700);
  (void)snprintf(path, sizeof path, "%s/store", fill->data_dir);
  const struct store_lmdb_options lmdb = {.path = path, .map_size = (size_t)1 << 30};
  bench_check(store_open_lmdb(&lmdb, &fill->store, &fault), &fault, path);
  struct runtime_options runtime = {
      .casework = fill->casework,
      .store = fill->store,
      .ports = {.arg = fill, .receipt = on_receipt, .delivery_encode = deliver_encode},
      .limits = runtime_limits_default(),
      .master_key = keyring_master(fill->keyring),
  };
  runtime.limits.inbox_messages = BATCH;
  runtime.limits.batch_messages = BATCH;
  bench_check(runtime_create(&runtime, &fill->runtime, &fault), &fault, "runtime");
}

static void engine_close(struct fill *fill) {
  runtime_destroy(&fill->runtime);
  store_close(&fill->store);
  casework_destroy(&fill->casework);
  keyring_destroy(&fill->keyring);
  config_destroy(&fill->config);
}

static void work_off(struct fill *fill) {
  while (!runtime_idle(fill->runtime)) {
    bench_check(runtime_tick(fill->runtime, fill->now), NULL, "tick");
    (void)store_poll(fill->store);
  }
}

static void submit(struct fill *fill, uint64_t number, const struct step *step) {
  char id[BENCH_ID_TEXT];
  size_t place = number % fill->places.count;
  const char *sender = step->senders[place];
  struct runtime_message message = {
      .sender = span_of_cstr(sender),
      .sequence = ++*sequence_of(fill, sender),
      .event = span_of_cstr(step->event),
      .case_id = bench_case_id(number, id),
      .occurred_at = fill->now,
      .data = step->data[place],
  };
  memcpy(message.digest, &message.sequence, sizeof message.sequence);
  while (runtime_submit(fill->runtime, &message) == ERR_BUSY) {
    work_off(fill);
  }
}

int main(int argc, char **argv) {
  static struct fill fill;
  const struct bench_option options[] = {
      {.name = "config", .text = &fill.config_dir}, {.name = "keys", .text = &fill.keys_dir},
      {.name = "data", .text = &fill.data_dir},     {.name = "at", .text = &fill.at},
      {.name = "cases", .number = &fill.cases},     {.name = "place", .list = &fill.places},
      {.name = "message", .list = &fill.messages},  {.name = NULL},
  };
  bench_options(argc, argv, options);
  bench_check(signing_start(), NULL, "randomness");
  bench_check(civil_moment_parse(span_of_cstr(fill.at), &fill.now), NULL, "--at");
  arena_init(&fill.arena, 0);
  engine_open(&fill);
  steps_read(&fill);
  uint64_t start = bench_now_ns();
  for (uint64_t i = 0; i < fill.cases; i++) {
    for (size_t k = 0; k < fill.messages.count; k++) {
      submit(&fill, i, &fill.steps[k]);
    }
  }
  work_off(&fill);
  struct store_stats stats;
  bench_check(store_stats(fill.store, &stats), NULL, "statistics");
  (void)printf("{\"cases\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"others\":%" PRIu64
               ",\"seconds\":%.3f,\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n",
               fill.cases, fill.accepted, fill.others, (double)(bench_now_ns() - start) / 1e9, stats.entries,
               stats.bytes_used);
  engine_close(&fill);
  arena_finish(&fill.arena);
  return fill.others == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
