/*
 * The batch.
 *
 * States: idle → (runtime_tick) collecting → committing → (batch_done) idle | failed. Beside a batch that is committing
 * the next one may be collecting, so that the disk and the charts work at the same time; batch_done commits it at once.
 * - collecting: the store's batch is open, timers and messages are put into it. It ends inside runtime_tick, unless the
 *   batch before is committing or the tick has collected its share (pausing): then each tick adds to it, up to the
 *   limits.
 * - committing lasts until the store calls batch_done; new messages are taken into the inbox.
 * - failed: the store cannot be trusted; only a restart leads out.
 *
 * Invariants
 * 1. A receipt or delivery leaves only from batch_done with ERR_OK.
 * 2. When nothing is committing or pausing the store's batch is closed, and the decoded cases, the cursors, the head
 * and the window of timers equal what is committed; after ERR_FULL they are read again and the messages of both batches
 * wait again.
 * 3. recorded_at never runs backwards; a timer is stepped before any message of its family that is recorded at or after
 * its moment, and before any message at all unless more are due than a batch takes (due.c).
 * 4. What is kept in memory and written once per batch (cursors, definitions, resolutions, acts, head) is written when
 * the batch is committed: never two batches hold unsettled writes of them.
 */
#include "runtime/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/words.h"
#include "runtime/engine.h"
#include "runtime/links.h"

enum { BATCH_BYTES_MAX = 16 << 20 };

/* ---- records ---- */

void engine_fail(struct runtime *runtime, enum err err) {
  if (runtime->failed == ERR_OK) {
    runtime->failed = err;
  }
}

bool engine_read(struct runtime *runtime, enum store_space space, const struct record_key *key,
                 struct span *ret_value) {
  enum err err = store_get(runtime->store, space, record_key_span(key), ret_value);
  if (err != ERR_OK && err != ERR_NOT_FOUND) {
    engine_fail(runtime, err);
  }
  return err == ERR_OK;
}

void engine_put(struct runtime *runtime, enum store_space space, const struct record_key *key, struct span value) {
  store_put(runtime->store, space, record_key_span(key), value);
}

/* ---- outbox ---- */

/* The next batch begins with nothing. */
static void batch_clear(struct runtime *runtime) {
  runtime->outbox = (struct outbox){0};
  runtime->outbox.receipts_end = &runtime->outbox.receipts;
  runtime->outbox.deliveries_end = &runtime->outbox.deliveries;
  runtime->batch_messages = 0;
  runtime->batch_timers = 0;
  runtime->batch_recounts = 0;
  runtime->pausing = false;
  runtime->adding = false;
  inbox_next_batch(&runtime->inbox);
  arena_reset(&runtime->arena);
}

void outbox_add_receipt(struct runtime *runtime, const struct runtime_receipt *receipt) {
  struct outbox_receipt *added = ARENA_NEW(&runtime->arena, struct outbox_receipt);
  added->receipt = *receipt;
  *runtime->outbox.receipts_end = added;
  runtime->outbox.receipts_end = &added->next;
}

void outbox_add_delivery(struct runtime *runtime, struct span participant, uint64_t position, struct span bytes) {
  struct outbox_delivery *added = ARENA_NEW(&runtime->arena, struct outbox_delivery);
  *added = (struct outbox_delivery){participant, bytes, position, NULL};
  *runtime->outbox.deliveries_end = added;
  runtime->outbox.deliveries_end = &added->next;
}

static void outbox_send(const struct runtime_ports *ports, const struct outbox *outbox) {
  for (const struct outbox_receipt *r = outbox->receipts; r && ports->receipt; r = r->next) {
    ports->receipt(ports->arg, &r->receipt);
  }
  for (const struct outbox_delivery *d = outbox->deliveries; d && ports->delivered; d = d->next) {
    ports->delivered(ports->arg, d->participant, d->position, d->bytes);
  }
}

/* ---- recovery ---- */

static enum err load_head(struct runtime *runtime) {
  runtime->head = (struct record_head){.recorded_at = CIVIL_MOMENT_NONE, .clock = CIVIL_MOMENT_NONE};
  struct span bytes;
  enum err err = store_get(runtime->store, STORE_META, RECORD_HEAD_KEY, &bytes);
  return err == ERR_OK ? record_head_read(bytes, &runtime->head) : err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* What is committed becomes what is in memory. */
static enum err recover(struct runtime *runtime, struct fault *fault) {
  cases_clear(&runtime->cases);
  TRY(calendars_load(runtime, fault));
  timers_recover(&runtime->timers);
  TRY(load_head(runtime));
  links_load(runtime);
  TRY(signed_load(runtime));
  runtime->head_signed = signed_now(runtime);
  TRY(cursors_load(&runtime->cursors, runtime->store));
  return definitions_load(&runtime->definitions, runtime->store);
}

/* ---- commit ---- */

static void batch_stored(struct runtime *runtime) {
  runtime->stats.batches++;
  runtime->head_signed = runtime->flight.head_signed;
  runtime->master_known = true;
  timers_stored(&runtime->timers);
  outbox_send(&runtime->ports, &runtime->flight.outbox); /* receipts borrow their sender from the inbox */
  inbox_release(&runtime->inbox, runtime->flight.messages);
  incidents_settle_resolutions(runtime, true);
  acts_settle(runtime, true);
  calendars_settle(runtime, true);
}

/* The batch that was collected meanwhile rests on changes that never happened: it goes the same way. */
static void batch_not_stored(struct runtime *runtime, enum err result) {
  if (store_in_batch(runtime->store)) {
    store_abandon(runtime->store);
  }
  inbox_return(&runtime->inbox, runtime->flight.messages + runtime->batch_messages);
  batch_clear(runtime);
  incidents_settle_resolutions(runtime, false);
  acts_settle(runtime, false);
  calendars_settle(runtime, false);
  if (result != ERR_FULL) {
    engine_fail(runtime, result);
    return;
  }
  log_line(LOG_DEBUG, "runtime", "the store is full: %zu messages wait again", inbox_waiting(&runtime->inbox));
  enum err err = recover(runtime, NULL);
  if (err != ERR_OK) {
    engine_fail(runtime, err);
  }
}

static enum err batch_commit(struct runtime *runtime);

static void batch_done(void *arg, enum err result) {
  struct runtime *runtime = arg;
  uint64_t durable = runtime->flight.journal;
  runtime->committing = false;
  runtime->calling = true;
  if (result == ERR_OK) {
    batch_stored(runtime);
  } else {
    batch_not_stored(runtime, result);
  }
  if (store_in_batch(runtime->store) && !runtime->pausing) {
    (void)batch_commit(runtime); /* a failure is kept, and told below */
  }
  runtime->calling = false;
  if (runtime->ports.committed) {
    runtime->ports.committed(runtime->ports.arg, runtime->failed != ERR_OK ? runtime->failed : result, durable);
  }
}

static void put_head(struct runtime *runtime) {
  writer_reset(&runtime->scratch);
  record_head_write(&runtime->head, &runtime->scratch);
  store_put(runtime->store, STORE_META, RECORD_HEAD_KEY, writer_span(&runtime->scratch));
}

/* A record that could not be read in this batch: nothing of it may be stored. */
static enum err batch_give_up(struct runtime *runtime) {
  store_abandon(runtime->store);
  inbox_return(&runtime->inbox, runtime->batch_messages);
  batch_clear(runtime);
  log_line(LOG_ERROR, "runtime", "a record cannot be read: %s", err_text(runtime->failed));
  return runtime->failed;
}

/* What was collected is in flight from now on; the arenas change places. */
static void batch_take_off(struct runtime *runtime) {
  struct arena spare = runtime->flight.arena;
  runtime->flight = (struct flight){
      .arena = runtime->arena,
      .outbox = runtime->outbox,
      .messages = runtime->batch_messages,
      .journal = runtime->head.journal,
      .head_signed = signed_now(runtime),
  };
  runtime->arena = spare;
  timers_take_off(&runtime->timers);
  batch_clear(runtime);
}

static enum err batch_commit(struct runtime *runtime) {
  if (runtime->failed != ERR_OK) {
    return batch_give_up(runtime);
  }
  acts_write(runtime);
  incidents_write_resolutions(runtime);
  calendars_write(runtime);
  streams_trim(runtime);
  links_catch_up(runtime);
  cursors_write(&runtime->cursors, runtime->store, &runtime->scratch);
  definitions_write(&runtime->definitions, runtime->store, &runtime->scratch);
  signed_write(runtime);
  put_head(runtime);
  persons_write_master(runtime);
  cases_trim(&runtime->cases);
  batch_take_off(runtime);
  runtime->committing = true;
  store_commit(runtime->store, batch_done, runtime);
  return ERR_OK;
}

enum err engine_commit(struct runtime *runtime) {
  return batch_commit(runtime);
}

/* ---- the tick ---- */

static bool clock_lags(const struct runtime *runtime, civil_moment now) {
  return runtime->durable_clock && now > runtime->head.clock;
}

/* What one tick has taken. */
struct share {
  uint32_t timers, messages;
};

static bool batch_takes_timers(const struct runtime *runtime) {
  bool room = !store_in_batch(runtime->store) || store_batch_bytes(runtime->store) < BATCH_BYTES_MAX;
  return room && runtime->batch_timers < runtime->limits.batch_timers;
}

/* One slice after the other: who drains the engine need not wait for the last. */
static bool links_wait(const struct runtime *runtime) {
  return runtime->links_behind && !runtime->committing;
}

static bool has_work(struct runtime *runtime, civil_moment now) {
  return inbox_waiting(&runtime->inbox) > 0 || (batch_takes_timers(runtime) && due_waits(runtime, now)) ||
         runtime->cursors.dirty > 0 || runtime->resolutions || runtime_acts_waiting(runtime) ||
         calendars_waiting(runtime) || recount_waits(runtime) || links_wait(runtime) || signed_due(runtime, now) ||
         clock_lags(runtime, now) || runtime->pausing;
}

/* A slice in each tick, or as many as a rehearsal was told. */
static bool may_take_timer(const struct runtime *runtime, const struct share *share) {
  if (!batch_takes_timers(runtime)) {
    return false;
  }
  if (runtime->held.told) {
    return runtime->held.left > 0;
  }
  return runtime->timers_first || runtime->limits.tick_timers == 0 || share->timers < runtime->limits.tick_timers;
}

static bool take_timer(struct runtime *runtime, civil_moment now, struct share *share) {
  if (!may_take_timer(runtime, share) || !due_take_next(runtime, now)) {
    return false;
  }
  share->timers++;
  runtime->batch_timers++;
  return true;
}

/* May a message be taken while timers are due? */
static bool may_overtake(const struct runtime *runtime) {
  return runtime->held.told ? runtime->held.left == 0 : !runtime->timers_first;
}

static bool take_message(struct runtime *runtime, civil_moment now) {
  struct inbox_message message;
  bool behind = due_waits(runtime, now);
  if ((behind && !may_overtake(runtime)) || runtime->batch_messages == runtime->limits.batch_messages ||
      !inbox_take(&runtime->inbox, &runtime->arena, &message)) {
    return false;
  }
  runtime->batch_messages++;
  runtime->behind = behind;
  message_process(runtime, &message, now);
  runtime->behind = false;
  runtime->held = (struct held_timers){0};
  cases_trim(&runtime->cases);
  return true;
}

/* Before each message the timers that are due, also those that the message before has set. What the last one has set is
 * for the next tick: nobody's receipt waits for it. False if the tick has had its share of messages. */
static bool collect(struct runtime *runtime, civil_moment now) {
  struct share share = {0, 0};
  while (runtime->failed == ERR_OK && store_batch_bytes(runtime->store) < BATCH_BYTES_MAX) {
    if (take_timer(runtime, now, &share)) {
      continue;
    }
    if (!take_message(runtime, now) || inbox_waiting(&runtime->inbox) == 0) {
      return true;
    }
    if (++share.messages == runtime->limits.tick_messages) {
      return false;
    }
  }
  return true;
}

/* A batch of timers grows tick by tick; one in which a message waits for its receipt goes as soon as it can. */
static void collect_batch(struct runtime *runtime, civil_moment now) {
  bool done = collect(runtime, now);
  calendars_take(runtime, now);
  bool recounting = recount_slice(runtime, now);
  bool more = recounting || (batch_takes_timers(runtime) && due_waits(runtime, now));
  runtime->pausing = !done || (more && runtime->batch_messages == 0);
  runtime->adding = more && runtime->committing;
}

/* With timers still due the clock stands at the last of them: it must not jump over those that a crash leaves. */
static void move_clock(struct runtime *runtime, civil_moment now) {
  if (clock_lags(runtime, now) && !due_waits(runtime, now)) {
    runtime->head.clock = now;
  }
}

/* The wall clock may go back; what is recorded does not. */
static civil_moment recorded_moment(struct runtime *runtime, civil_moment now) {
  civil_moment last = runtime->head.recorded_at;
  runtime->now = now < last ? last : now;
  return runtime->now;
}

enum err runtime_tick(struct runtime *runtime, civil_moment now) {
  if (runtime->failed != ERR_OK || runtime->calling) {
    return runtime->failed;
  }
  now = recorded_moment(runtime, now);
  if (!has_work(runtime, now)) {
    return runtime->failed;
  }
  if (!store_in_batch(runtime->store)) {
    store_begin(runtime->store);
  }
  collect_batch(runtime, now);
  move_clock(runtime, now);
  if ((runtime->committing || runtime->pausing) && runtime->failed == ERR_OK) {
    return ERR_OK; /* batch_done goes on with it, or the next tick */
  }
  return batch_commit(runtime);
}

enum err runtime_tick_acts(struct runtime *runtime, civil_moment now) {
  bool waiting =
      runtime_acts_waiting(runtime) || runtime_calendar_waiting(runtime, now) || runtime_links_behind(runtime);
  if (runtime->failed != ERR_OK || runtime->calling || runtime->committing || runtime->pausing || !waiting) {
    return runtime->failed;
  }
  now = recorded_moment(runtime, now);
  store_begin(runtime->store);
  calendars_take(runtime, now);
  while (recount_slice(runtime, now)) {
  }
  return batch_commit(runtime);
}

void runtime_sign_head(struct runtime *runtime) {
  if (runtime->failed != ERR_OK || runtime->calling || runtime->committing || runtime->pausing ||
      !runtime->ports.sign || runtime->head.journal == runtime->signed_head.journal) {
    return;
  }
  runtime->signed_head.at = CIVIL_MOMENT_NONE; /* due whatever the clock says */
  store_begin(runtime->store);
  (void)batch_commit(runtime); /* a failure is kept */
}

void runtime_sign_each(struct runtime *runtime, bool each) {
  runtime->sign_each = each;
  if (each) {
    runtime_sign_head(runtime);
  }
}

bool runtime_head_signed(const struct runtime *runtime) {
  return runtime->head_signed && (!runtime->committing || runtime->flight.head_signed);
}

/* ---- life ---- */

struct runtime_limits runtime_limits_default(void) {
  return (struct runtime_limits){
      .inbox_messages = 4096,
      .inbox_bytes = (size_t)64 << 20,
      .batch_messages = 256,
      .batch_timers = 256,
      .tick_timers = 16,
      .timer_window = 4096,
      .steps_max = 1000,
      .cases_cached = 4096,
      .refusals_max = 1000,
      .stream_tail = 1000,
      .stream_slice = 256,
      .signed_entries = 1000,
      .signed_ms = 15 * 60 * 1000,
  };
}

static struct runtime *new_runtime(const struct runtime_options *options) {
  struct runtime *runtime = calloc(1, sizeof *runtime);
  ASSERT(runtime);
  runtime->casework = options->casework;
  runtime->catalogue = casework_catalogue(options->casework);
  runtime->store = options->store;
  runtime->ports = options->ports;
  runtime->limits = options->limits;
  runtime->durable_clock = options->durable_clock;
  runtime->timers_first = options->timers_first || options->durable_clock;
  arena_init(&runtime->arena, 0);
  writer_init(&runtime->scratch);
  writer_init(&runtime->body);
  arena_init(&runtime->flight.arena, 0);
  batch_clear(runtime);
  timers_init(&runtime->timers, options->store, options->limits.timer_window);
  const struct inbox_limits inbox = {.count_max = options->limits.inbox_messages,
                                     .bytes_max = options->limits.inbox_bytes,
                                     .share = options->limits.batch_share};
  inbox_init(&runtime->inbox, &inbox);
  cases_init(&runtime->cases, runtime->casework, runtime->store, options->limits.cases_cached);
  cursors_init(&runtime->cursors, runtime->catalogue);
  definitions_init(&runtime->definitions, runtime->casework);
  calendars_init(runtime);
  streams_init(runtime);
  return runtime;
}

static enum err open_runtime(struct runtime *runtime, const struct runtime_options *options, struct fault *fault) {
  struct seal_options seal = {
      .master_key = options->master_key, .random = options->ports.random, .random_arg = options->ports.arg};
  TRY(seal_init(&runtime->seal, &seal));
  TRY(persons_check_master(runtime, fault));
  return recover(runtime, fault);
}

enum err runtime_create(const struct runtime_options *options, struct runtime **ret_runtime, struct fault *fault) {
  ASSERT(options->limits.inbox_messages > 0 && options->limits.batch_messages > 0 && options->limits.batch_timers > 0 &&
         options->limits.timer_window > 0 && options->limits.stream_slice > 0);
  struct runtime *runtime = new_runtime(options);
  struct fault why = {.err = ERR_OK};
  enum err err = open_runtime(runtime, options, &why);
  if (err != ERR_OK) {
    runtime_destroy(&runtime);
    return fault_set(fault, err, "состояние не восстанавливается из базы: %s",
                     why.err != ERR_OK ? why.text : words_of_err(err));
  }
  *ret_runtime = runtime;
  return ERR_OK;
}

void runtime_destroy(struct runtime **runtime) {
  struct runtime *r = *runtime;
  if (!r) {
    return;
  }
  while (r->committing && store_poll(r->store)) {
  }
  ASSERT(!r->committing);
  incidents_drop_resolutions(r);
  acts_drop(r);
  inbox_finish(&r->inbox);
  cases_finish(&r->cases);
  cursors_finish(&r->cursors);
  definitions_finish(&r->definitions);
  calendars_finish(r);
  streams_finish(r);
  timers_finish(&r->timers);
  seal_finish(&r->seal);
  writer_finish(&r->scratch);
  writer_finish(&r->body);
  arena_finish(&r->arena);
  arena_finish(&r->flight.arena);
  free(r);
  *runtime = NULL;
}

int64_t runtime_load(void *arg, struct span participant) {
  struct runtime *const *runtime = arg;
  const struct cursor_entry *cursor = *runtime ? cursors_find(&(*runtime)->cursors, participant) : NULL;
  return cursor ? cursor->record.load : 0;
}

enum err runtime_submit(struct runtime *runtime, const struct runtime_message *message) {
  if (runtime->failed != ERR_OK) {
    return ERR_CLOSED;
  }
  return inbox_put(&runtime->inbox, message, (struct inbox_retry){0});
}

void runtime_hold_timers(struct runtime *runtime, uint64_t count) {
  runtime->held = (struct held_timers){.told = true, .left = count};
}

void runtime_inbox_sort(struct runtime *runtime) {
  inbox_sort(&runtime->inbox);
}

/* ---- answers ---- */

const char *runtime_receipt_name(enum runtime_receipt_kind kind) {
  static const char *const names[] = {
      [RUNTIME_ACCEPTED] = "accepted",
      [RUNTIME_DUPLICATE] = "duplicate",
      [RUNTIME_REFUSED] = "refused",
      [RUNTIME_INCIDENT] = "incident",
  };
  return names[kind];
}

bool runtime_idle(const struct runtime *runtime) {
  return inbox_waiting(&runtime->inbox) == 0 && runtime->cursors.dirty == 0 && !runtime->resolutions &&
         !runtime->acts.first && !runtime->calendars.import && !runtime->committing && !runtime->pausing;
}

size_t runtime_inbox_waiting(const struct runtime *runtime) {
  return inbox_waiting(&runtime->inbox);
}

bool runtime_pausing(const struct runtime *runtime) {
  return runtime->pausing || runtime->adding;
}

bool runtime_committing(const struct runtime *runtime) {
  return runtime->committing;
}

civil_moment runtime_clock(const struct runtime *runtime) {
  return runtime->head.clock > runtime->head.recorded_at ? runtime->head.clock : runtime->head.recorded_at;
}

uint64_t runtime_journal_head(const struct runtime *runtime) {
  return runtime->head.journal;
}

uint64_t runtime_sequence_of(const struct runtime *runtime, struct span sender) {
  const struct cursor_entry *cursor = cursors_find(&runtime->cursors, sender);
  return cursor ? cursor->record.sequence : 0;
}

enum err runtime_person_read(struct runtime *runtime, struct span root, struct arena *arena,
                             struct value *ret_personal) {
  if (span_empty(root) || root.size > CASE_ID_MAX) {
    return ERR_NOT_FOUND;
  }
  struct value personal = persons_read(runtime, root, arena);
  if (personal.kind == VALUE_NIL) {
    return ERR_NOT_FOUND;
  }
  *ret_personal = personal;
  return ERR_OK;
}

enum err runtime_entry_personal(struct runtime *runtime, struct span root, uint64_t journal, struct arena *arena,
                                struct value *ret_personal) {
  struct record_key key = record_number_key(journal);
  struct record_journal entry;
  struct span bytes;
  if (span_empty(root) || root.size > CASE_ID_MAX || !engine_read(runtime, STORE_JOURNAL, &key, &bytes)) {
    return ERR_NOT_FOUND;
  }
  TRY(record_journal_read(arena_copy(arena, bytes), &entry));
  if (!span_equal(case_root(entry.case_id), root)) {
    return ERR_NOT_FOUND;
  }
  *ret_personal = persons_unseal(runtime, root, entry.sealed, arena);
  return ret_personal->kind == VALUE_MAP ? ERR_OK : ERR_NOT_FOUND;
}

struct runtime_person runtime_person_state(struct runtime *runtime, struct span root) {
  if (span_empty(root) || root.size > CASE_ID_MAX) {
    return (struct runtime_person){.state = RUNTIME_PERSON_NONE};
  }
  return persons_state(runtime, root);
}

void runtime_definitions(const struct runtime *runtime, runtime_definition_visit visit, void *arg) {
  const struct definitions *definitions = &runtime->definitions;
  for (size_t i = 0; i < definitions->count; i++) {
    const struct definition *entry = &definitions->items[i];
    struct runtime_definition shown = {
        .process = entry->process,
        .revision = entry->revision,
        .cases = entry->cases,
        .present = entry->present,
        .usable = casework_has_revision(runtime->casework, entry->process, entry->revision),
    };
    if ((entry->present || entry->cases > 0) && !visit(arg, &shown)) {
      return;
    }
  }
}

struct runtime_stats runtime_stats(const struct runtime *runtime) {
  struct runtime_stats stats = runtime->stats;
  stats.decoded = runtime->cases.decoded;
  return stats;
}
