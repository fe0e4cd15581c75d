#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "runtime/export.h"
#include "runtime/outcome.h"
#include "runtime/rehearse.h"
#include "runtime/seal.h"

/* ---- the notebook ---- */

static const char *text_of(struct bench *b, struct writer *w) {
  const char *text = arena_cstr(&b->arena, writer_span(w));
  writer_finish(w);
  return text;
}

static void note_receipt(void *arg, const struct runtime_receipt *r) {
  struct bench *b = arg;
  struct writer w;
  writer_init(&w);
  writer_printf(&w, "%s", runtime_receipt_name(r->kind));
  if (r->kind == RUNTIME_REFUSED) {
    writer_printf(&w, " %s %.*s", err_name(r->err), SPAN_ARG(r->text));
  } else {
    writer_printf(&w, " %llu", (unsigned long long)r->journal);
  }
  assert_true(b->receipts_count < BENCH_NOTES_MAX);
  b->receipts[b->receipts_count++] = text_of(b, &w);
}

static void note_delivery(void *arg, struct span participant, uint64_t position, struct span bytes) {
  struct bench *b = arg;
  struct writer w;
  writer_init(&w);
  writer_printf(&w, "%.*s %llu %.*s", SPAN_ARG(participant), (unsigned long long)position, SPAN_ARG(bytes));
  assert_true(b->deliveries_count < BENCH_NOTES_MAX);
  b->deliveries[b->deliveries_count++] = text_of(b, &w);
}

static enum err encode(void *arg, const struct runtime_delivery *d, struct writer *w) {
  static const char *const kinds[] = {"offer", "withdrawn", "task", "task-withdrawn", "notice", "deadline", "incident"};
  (void)arg;
  writer_printf(w, "%s %.*s %.*s ", kinds[d->kind], SPAN_ARG(d->case_id), SPAN_ARG(d->subject));
  json_write(&d->data, w);
  writer_printf(w, " | ");
  json_write(&d->personal, w);
  writer_printf(w, " %.*s", SPAN_ARG(d->reason));
  return ERR_OK;
}

static void note_commit(void *arg, enum err result, uint64_t head) {
  struct bench *b = arg;
  (void)head;
  b->committed = result;
}

static void note_acted(void *arg, const struct runtime_acted *acted) {
  struct bench *b = arg;
  b->acted = *acted;
}

void bench_sign(void *arg, struct span statement, struct runtime_signature *ret_signature) {
  (void)arg;
  *ret_signature = (struct runtime_signature){.key_id = BENCH_KEY_ID};
  seal_hash(statement, ret_signature->bytes);
  seal_hash(span_of(ret_signature->bytes, SEAL_HASH_SIZE), ret_signature->bytes + SEAL_HASH_SIZE);
}

/* Counts up: what is sealed is the same on every run. */
static void not_random(void *arg, void *bytes, size_t size) {
  static uint8_t next;
  (void)arg;
  for (size_t i = 0; i < size; i++) {
    ((uint8_t *)bytes)[i] = next++;
  }
}

/* ---- life ---- */

static void load_config(struct bench *b) {
  struct fault fault = {0};
  struct config_options options = {.config_dir = KURATOR_SOURCE_DIR "/tests/unit/runtime/world"};
  if (b->processes) {
    struct span path = arena_printf(&b->arena, "%s/%s", options.config_dir, b->processes);
    options.processes_dir = arena_cstr(&b->arena, path);
  }
  if (config_load(&options, &b->config, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
}

static struct casework *load_casework(struct bench *b, struct runtime **runtime) {
  struct fault fault = {0};
  struct casework *casework = NULL;
  struct casework_ports ports = {.arg = runtime, .load = runtime_load};
  if (config_casework(b->config, &ports, &casework, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  return casework;
}

static enum err try_start(struct bench *b, struct fault *fault) {
  b->casework = load_casework(b, &b->runtime);
  struct runtime_options options = {
      .casework = b->casework,
      .store = b->store,
      .limits = b->limits,
      .master_key = b->sealed ? b->master_key : NULL,
      .durable_clock = b->durable_clock,
      .timers_first = b->timers_first,
      .ports = {.arg = b,
                .receipt = note_receipt,
                .delivered = note_delivery,
                .delivery_encode = encode,
                .committed = note_commit,
                .acted = note_acted,
                .sign = bench_sign,
                .random = not_random},
  };
  return runtime_create(&options, &b->runtime, fault);
}

void bench_start(struct bench *b) {
  struct fault fault = {0};
  if (try_start(b, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
}

enum err bench_start_error(struct bench *b) {
  struct fault fault = {0};
  enum err err = try_start(b, &fault);
  bench_stop(b);
  return err;
}

void bench_stop(struct bench *b) {
  runtime_destroy(&b->runtime);
  casework_destroy(&b->casework);
}

static void open_store(struct bench *b) {
  struct fault fault = {0};
  struct store_lmdb_options options = {.path = b->folder, .map_size = b->size_max, .map_size_max = b->size_max};
  enum err err = b->folder ? store_open_lmdb(&options, &b->store, &fault) : store_open_memory(&b->store);
  if (err != ERR_OK) {
    fail_msg("%s", fault.text);
  }
}

void bench_open_lmdb(struct bench *b, const char *folder, size_t size_max) {
  *b = (struct bench){.limits = runtime_limits_default(), .sealed = true, .master_key = {7, 7, 7}};
  b->folder = folder;
  b->size_max = size_max;
  arena_init(&b->arena, 0);
  load_config(b);
  open_store(b);
  bench_start(b);
}

void bench_open(struct bench *b) {
  bench_open_lmdb(b, NULL, 0);
}

void bench_close(struct bench *b) {
  bench_stop(b);
  store_close(&b->store);
  config_destroy(&b->config);
  arena_finish(&b->arena);
}

void bench_restart(struct bench *b) {
  bench_stop(b);
  if (b->folder) {
    store_close(&b->store);
    open_store(b);
  }
  bench_start(b);
}

void bench_restart_with(struct bench *b, const char *processes) {
  bench_stop(b);
  config_destroy(&b->config);
  b->processes = processes;
  load_config(b);
  bench_start(b);
}

/* ---- messages ---- */

civil_moment bench_moment(const char *text) {
  civil_moment moment = 0;
  if (civil_moment_parse(span_of_cstr(text), &moment) != ERR_OK) {
    fail_msg("no moment: %s", text);
  }
  return moment;
}

static void digest_of(const struct bench_message *m, uint8_t digest[RUNTIME_DIGEST_SIZE]) {
  struct writer w;
  writer_init(&w);
  writer_printf(&w, "%s %llu %s %s %s %s", m->as, (unsigned long long)m->sequence, m->event, m->case_id,
                m->data ? m->data : "", m->occurred ? m->occurred : "");
  seal_hash(writer_span(&w), digest);
  writer_finish(&w);
}

enum err bench_submit(struct bench *b, const struct bench_message *m) {
  struct runtime_message message = {
      .sender = span_of_cstr(m->as),
      .sequence = m->sequence,
      .event = span_of_cstr(m->event),
      .case_id = span_of_cstr(m->case_id),
      .occurred_at = m->occurred ? bench_moment(m->occurred) : CIVIL_MOMENT_NONE,
  };
  digest_of(m, message.digest);
  if (m->data) {
    assert_int_equal(ERR_OK, json_read(span_of_cstr(m->data), &b->arena, &message.data, NULL));
  }
  return runtime_submit(b->runtime, &message);
}

void bench_until(struct bench *b, const char *moment) {
  civil_moment now = bench_moment(moment);
  civil_moment due;
  do {
    assert_int_equal(ERR_OK, runtime_tick(b->runtime, now));
    while (store_poll(b->store)) {
    }
    due = runtime_next_due(b->runtime);
  } while (!runtime_idle(b->runtime) || (due != CIVIL_MOMENT_NONE && due <= now));
}

const char *bench_receipt(const struct bench *b) {
  return b->receipts_count > 0 ? b->receipts[b->receipts_count - 1] : "none";
}

const char *bench_send(struct bench *b, const char *moment, const struct bench_message *message) {
  size_t before = b->receipts_count;
  assert_int_equal(ERR_OK, bench_submit(b, message));
  bench_until(b, moment);
  assert_int_equal(before + 1, b->receipts_count);
  return bench_receipt(b);
}

bool bench_delivered(const struct bench *b, const char *part) {
  for (size_t i = 0; i < b->deliveries_count; i++) {
    if (strstr(b->deliveries[i], part)) {
      return true;
    }
  }
  return false;
}

/* ---- looking ---- */

static bool take_line(void *arg, struct span line) {
  writer_raw(arg, line);
  writer_u8(arg, '\n');
  return true;
}

const char *bench_outcome(struct bench *b) {
  struct writer w;
  writer_init(&w);
  assert_int_equal(ERR_OK, outcome_write(b->store, take_line, &w));
  return text_of(b, &w);
}

const char *bench_export(struct bench *b) {
  struct writer w;
  writer_init(&w);
  assert_int_equal(ERR_OK, export_write(b->store, 1, take_line, &w));
  return text_of(b, &w);
}

size_t bench_count(const char *text, const char *part) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) {
    count++;
  }
  return count;
}

struct search {
  const char *bytes;
  size_t found;
};

static bool search_record(void *arg, struct span key, struct span value) {
  struct search *search = arg;
  bool in_key = key.size > 0 && memmem(key.data, key.size, search->bytes, strlen(search->bytes));
  bool in_value = value.size > 0 && memmem(value.data, value.size, search->bytes, strlen(search->bytes));
  search->found += in_key || in_value;
  return true;
}

size_t bench_records_with(struct bench *b, const char *bytes) {
  struct search search = {bytes, 0};
  struct span all = {NULL, 0};
  for (int space = 0; space < STORE_SPACES; space++) {
    assert_int_equal(ERR_OK, store_scan(b->store, (enum store_space)space, all, all, search_record, &search));
  }
  return search.found;
}

static bool count_record(void *arg, struct span key, struct span value) {
  (void)key;
  (void)value;
  ++*(size_t *)arg;
  return true;
}

size_t bench_keys(struct bench *b, enum store_space space, struct span prefix) {
  size_t count = 0;
  assert_int_equal(ERR_OK, store_scan(b->store, space, prefix, prefix, count_record, &count));
  return count;
}

/* Complaints stand before the outcome. */
static void take_complaint(void *arg, uint32_t line, const struct fault *fault) {
  (void)line;
  writer_printf(arg, "%s\n", fault->text);
}

static const char *rehearse(struct bench *b, const char *events, const char *until, line_sink journal) {
  struct runtime *runtime = NULL;
  struct casework *casework = load_casework(b, &runtime);
  struct writer w;
  writer_init(&w);
  struct rehearse_options options = {.casework = casework,
                                     .runtime = &runtime,
                                     .events = span_of_cstr(events),
                                     .outcome = take_line,
                                     .journal = journal,
                                     .sink_arg = &w,
                                     .bad_line = take_complaint,
                                     .bad_line_arg = &w};
  assert_int_equal(ERR_OK, civil_day_parse(span_of_cstr(until), &options.until));
  struct fault fault = {0};
  if (rehearse_run(&options, NULL, &fault) != ERR_OK) {
    writer_reset(&w);
    writer_printf(&w, "%s", fault.text);
  }
  casework_destroy(&casework);
  return text_of(b, &w);
}

const char *bench_rehearse(struct bench *b, const char *events, const char *until) {
  return rehearse(b, events, until, NULL);
}

const char *bench_replay(struct bench *b, const char *events, const char *until) {
  return rehearse(b, events, until, take_line);
}
