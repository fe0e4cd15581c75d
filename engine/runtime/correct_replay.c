#include "runtime/correct_replay.h"

#include <string.h>

#include "runtime/work.h"

/* ---- the entries ---- */

struct gathering {
  struct runtime *runtime;
  struct arena *arena;
  struct span root;
  struct replay_entries entries;
  uint64_t last;  /* number of the last one that was looked at */
  uint64_t until; /* of a walk: not this one and what comes after */
  enum err err;
};

static struct replay_entry *add_entry(struct gathering *g) {
  struct replay_entries *entries = &g->entries;
  if (entries->count == entries->capacity) {
    entries->capacity = entries->capacity ? entries->capacity * 2 : 32;
    struct replay_entry *grown = ARENA_ARRAY(g->arena, struct replay_entry, entries->capacity);
    if (entries->count > 0) {
      memcpy(grown, entries->items, entries->count * sizeof *grown);
    }
    entries->items = grown;
  }
  return &entries->items[entries->count++];
}

/* Messages that were accepted. Timers set themselves again; what was refused stays refused. */
static bool is_gone_through(const struct gathering *g, const struct record_journal *entry) {
  bool accepted = entry->kind == RECORD_JOURNAL_MESSAGE || entry->kind == RECORD_JOURNAL_PARKED;
  return accepted && !span_empty(entry->sender) && span_equal(case_root(entry->case_id), g->root);
}

static enum err look_at(struct gathering *g, uint64_t number, struct span bytes) {
  struct record_journal entry;
  g->last = number;
  TRY(record_journal_read(bytes, &entry));
  if (!is_gone_through(g, &entry)) {
    return ERR_OK;
  }
  TRY(record_journal_read(arena_copy(g->arena, bytes), &entry));
  struct replay_entry *added = add_entry(g);
  *added = (struct replay_entry){
      .number = number, .entry = entry, .rule = catalogue_event(g->runtime->catalogue, entry.event)};
  added->annuls = added->rule && !span_empty(added->rule->annuls);
  return ERR_OK;
}

static bool visit(void *arg, struct span key, struct span value) {
  struct gathering *g = arg;
  uint64_t number;
  g->err = record_number_of_key(key, &number);
  if (g->err == ERR_OK && number >= g->until) {
    return false;
  }
  g->err = g->err == ERR_OK ? look_at(g, number, value) : g->err;
  return g->err == ERR_OK;
}

static enum err read_entry(struct gathering *g, uint64_t number, struct span *ret_bytes) {
  struct record_key key = record_number_key(number);
  return store_get(g->runtime->store, STORE_JOURNAL, record_key_span(&key), ret_bytes);
}

/* Entries that do not name the one before them are looked for. A walk sees what is committed; what the open batch and
 * the one in flight hold is read point by point. */
static enum err walk(struct gathering *g, uint64_t first, uint64_t until) {
  struct record_key from = record_number_key(first);
  g->last = first - 1;
  g->until = until;
  TRY(store_scan(g->runtime->store, STORE_JOURNAL, span_of(NULL, 0), record_key_span(&from), visit, g));
  TRY(g->err);
  for (uint64_t number = g->last + 1; number < until; number++) {
    struct span bytes;
    TRY(read_entry(g, number, &bytes));
    TRY(look_at(g, number, bytes));
  }
  return ERR_OK;
}

struct numbers {
  uint64_t *items;
  size_t count, capacity;
};

static void add_number(struct arena *arena, struct numbers *numbers, uint64_t number) {
  if (numbers->count == numbers->capacity) {
    numbers->capacity = numbers->capacity ? numbers->capacity * 2 : 32;
    uint64_t *grown = ARENA_ARRAY(arena, uint64_t, numbers->capacity);
    if (numbers->count > 0) {
      memcpy(grown, numbers->items, numbers->count * sizeof *grown);
    }
    numbers->items = grown;
  }
  numbers->items[numbers->count++] = number;
}

/* From the latest backwards. `ret_at`: RECORD_NO_ENTRY when that was all, 0 when those before the last are not known.
 */
static enum err follow(struct gathering *g, uint64_t latest, struct numbers *numbers, uint64_t *ret_at) {
  uint64_t at = latest;
  while (at > RECORD_NO_ENTRY) {
    struct record_journal entry;
    struct span bytes;
    uint64_t number = at - 1;
    TRY(read_entry(g, number, &bytes));
    TRY(record_journal_read(bytes, &entry));
    add_number(g->arena, numbers, number);
    at = entry.earlier;
    if (at > number) {
      return ERR_CORRUPT; /* an earlier one is not a later one */
    }
  }
  *ret_at = at;
  return ERR_OK;
}

static enum err gather(struct gathering *g, const struct case_slot *root) {
  struct numbers numbers = {.count = 0};
  uint64_t first = root->journal > 0 ? root->journal : 1;
  uint64_t at;
  TRY(follow(g, root->latest, &numbers, &at));
  if (at != RECORD_NO_ENTRY) {
    TRY(walk(g, first, numbers.count > 0 ? numbers.items[numbers.count - 1] : g->runtime->head.journal + 1));
  }
  for (size_t i = numbers.count; i-- > 0;) {
    struct span bytes;
    TRY(read_entry(g, numbers.items[i], &bytes));
    TRY(look_at(g, numbers.items[i], bytes));
  }
  return ERR_OK;
}

/* ---- what was parked and repeated ---- */

/* The same event of the same moment. By its content, since a rehearsal has neither the sender's numbers nor its digests
 * (message.c keeps the moment and the clear data of what the operator has repeated). */
static bool is_same_message(const struct record_journal *a, const struct record_journal *b) {
  return span_equal(a->sender, b->sender) && span_equal(a->event, b->event) && span_equal(a->case_id, b->case_id) &&
         a->occurred_at == b->occurred_at && span_equal(a->clear, b->clear);
}

/* Each parked one with the nearest repetition, which may have been parked again. */
static void pair_repeated(struct replay_entries *entries) {
  for (size_t i = 0; i < entries->count; i++) {
    struct replay_entry *item = &entries->items[i];
    bool parked = item->entry.kind == RECORD_JOURNAL_PARKED;
    for (size_t k = i + 1; parked && !item->later && k < entries->count; k++) {
      struct replay_entry *other = &entries->items[k];
      if (is_same_message(&item->entry, &other->entry)) {
        item->later = other;
        other->first = item;
      }
    }
  }
}

const struct replay_entry *replay_entry_latest(const struct replay_entry *item) {
  while (item->later) {
    item = item->later;
  }
  return item;
}

uint64_t replay_entry_sequence(const struct replay_entry *item) {
  while (item->entry.sequence == 0 && item->first) {
    item = item->first;
  }
  return item->entry.sequence;
}

enum err replay_entries_read(struct runtime *runtime, const struct case_slot *root, struct arena *arena,
                             struct replay_entries *ret_entries) {
  struct gathering g = {.runtime = runtime, .arena = arena, .root = root->id};
  TRY(gather(&g, root));
  for (size_t i = 0; i < g.entries.count; i++) {
    struct record_key key = record_annulled_key(g.entries.items[i].number);
    struct span by;
    g.entries.items[i].annulled = engine_read(runtime, STORE_INDEX, &key, &by);
  }
  pair_repeated(&g.entries);
  *ret_entries = g.entries;
  return ERR_OK;
}

bool replay_is_own(struct runtime *runtime, const struct case_slot *root) {
  struct record_key key = record_number_key(root->journal);
  struct record_journal entry;
  struct span bytes;
  return engine_read(runtime, STORE_JOURNAL, &key, &bytes) && record_journal_read(bytes, &entry) == ERR_OK &&
         span_equal(case_root(entry.case_id), root->id);
}

/* ---- the ports of the inner runtime ---- */

static void *grown(struct arena *arena, const void *items, size_t count, size_t *capacity, size_t size) {
  *capacity = *capacity ? *capacity * 2 : 32;
  void *more = arena_calloc(arena, *capacity, size);
  if (count > 0) {
    memcpy(more, items, count * size);
  }
  return more;
}

static struct deadline deadline_copy(struct arena *arena, const struct deadline *deadline) {
  enum { TEXTS = 8 };
  struct deadline copy = *deadline;
  struct span *const texts[TEXTS] = {&copy.id,    &copy.key,  &copy.basis, &copy.title,
                                     &copy.owner, &copy.term, &copy.cause, &copy.calendar_revision};
  for (size_t i = 0; i < TEXTS; i++) {
    *texts[i] = arena_copy(arena, *texts[i]);
  }
  return copy;
}

static enum err take_delivery(void *arg, const struct runtime_delivery *d, struct writer *w) {
  struct replay *replay = arg;
  (void)w;
  if (d->kind == RUNTIME_DELIVERY_INCIDENT) {
    return ERR_OK; /* compared as an incident */
  }
  if (replay->deliveries_count == replay->deliveries_capacity) {
    replay->deliveries = grown(replay->arena, replay->deliveries, replay->deliveries_count,
                               &replay->deliveries_capacity, sizeof *replay->deliveries);
  }
  struct replay_delivery *added = &replay->deliveries[replay->deliveries_count++];
  *added = (struct replay_delivery){
      .kind = d->kind,
      .participant = d->participant,
      .case_id = arena_copy(replay->arena, d->case_id),
      .process = arena_copy(replay->arena, d->process),
      .subject = arena_copy(replay->arena, d->subject),
      .event = arena_copy(replay->arena, d->event),
      .reason = arena_copy(replay->arena, d->reason),
      .data = value_copy(replay->arena, &d->data),
      .has_deadline = d->deadline != NULL,
  };
  if (d->deadline) {
    added->deadline = deadline_copy(replay->arena, d->deadline);
  }
  return ERR_OK;
}

static void take_inform(void *arg, const struct case_effect *effect, const struct work *work) {
  struct replay *replay = arg;
  if (replay->informs_count == replay->informs_capacity) {
    replay->informs = grown(replay->arena, replay->informs, replay->informs_count, &replay->informs_capacity,
                            sizeof *replay->informs);
  }
  bool of_timer = span_empty(work->sender);
  replay->informs[replay->informs_count++] = (struct replay_inform){
      .case_id = arena_copy(replay->arena, effect->case_id),
      .told = {.journal = of_timer ? 0 : replay->playing,
               .at = work->now,
               .occurred_at = effect->occurred_at,
               .from = replay->root,
               .process = arena_copy(replay->arena, effect->process),
               .participant = arena_copy(replay->arena, effect->participant),
               .event = arena_copy(replay->arena, effect->event),
               .data = value_copy(replay->arena, &effect->data),
               .sender = arena_copy(replay->arena, work->sender),
               .cause = arena_copy(replay->arena, work->event)},
  };
}

static const struct replay_entry *entry_of(const struct replay *replay, uint64_t number) {
  for (size_t i = 0; i < replay->entries->count; i++) {
    if (replay->entries->items[i].number == number) {
      return &replay->entries->items[i];
    }
  }
  return NULL;
}

static void take_receipt(void *arg, const struct runtime_receipt *receipt) {
  struct replay *replay = arg;
  if (receipt->kind != RUNTIME_REFUSED) {
    return;
  }
  if (replay->refusals_count == replay->refusals_capacity) {
    replay->refusals = grown(replay->arena, replay->refusals, replay->refusals_count, &replay->refusals_capacity,
                             sizeof *replay->refusals);
  }
  replay->refusals[replay->refusals_count++] = (struct replay_refusal){
      .entry = entry_of(replay, receipt->sequence), .text = arena_copy(replay->arena, receipt->text)};
}

/* Others' referrals, and the family's own as they come and go again. */
static int64_t load_of(void *arg, struct span participant) {
  const struct replay *replay = arg;
  const struct cursor_entry *outer = cursors_find(&replay->outer->cursors, participant);
  const struct cursor_entry *inner = replay->runtime ? cursors_find(&replay->runtime->cursors, participant) : NULL;
  int64_t load = (outer ? outer->record.load : 0) + (inner ? inner->record.load : 0);
  for (size_t i = 0; i < replay->before.count; i++) {
    const struct case_view *view = case_slot_view(replay->before.members[i]);
    load -= !view->ended && view->offer > 0 && span_equal(view->addressee, participant);
  }
  return load;
}

static struct case_slot *slot_before(const struct replay *replay, struct span id) {
  for (size_t i = 0; i < replay->before.count; i++) {
    if (span_equal(replay->before.members[i]->id, id)) {
      return replay->before.members[i];
    }
  }
  return NULL;
}

/* What is kept of an offer, or what the case itself still knows of its last one. */
static bool recall(void *arg, struct span case_id, int64_t offer, struct span *ret_participant) {
  struct replay *replay = arg;
  struct record_key key = record_offer_key(case_id, offer);
  struct span bytes;
  struct span participant;
  if (engine_read(replay->outer, STORE_INDEX, &key, &bytes) && record_bytes_read(bytes, &participant) == ERR_OK) {
    *ret_participant = arena_copy(replay->arena, participant);
    return true;
  }
  struct case_slot *slot = slot_before(replay, case_id);
  const struct case_view *view = slot ? case_slot_view(slot) : NULL;
  *ret_participant = view && view->offer == offer ? view->last_addressee : span_of(NULL, 0);
  return !span_empty(*ret_participant);
}

/* Its own revision of then; a case that was not there then goes with its family. */
static struct span pin(void *arg, struct span id, struct span process) {
  const struct replay *replay = arg;
  struct span found = {NULL, 0};
  for (size_t i = 0; i < replay->before.count; i++) {
    const struct case_slot *slot = replay->before.members[i];
    if (!span_equal(case_process(slot->file), process)) {
      continue;
    }
    if (span_equal(slot->id, id)) {
      return case_revision(slot->file);
    }
    found = span_empty(found) ? case_revision(slot->file) : found;
  }
  return found;
}

/* ---- going through it ---- */

static enum err turn(struct replay *replay, civil_moment now) {
  TRY(runtime_tick(replay->runtime, now));
  while (store_poll(replay->store)) {
  }
  return ERR_OK;
}

static enum err play(struct replay *replay, const struct replay_entry *item) {
  const struct record_journal *entry = &item->entry;
  struct runtime_message message = {
      .sender = entry->sender,
      .sequence = item->number,
      .event = entry->event,
      .case_id = entry->case_id,
      .acting_for = entry->acting_for,
      .occurred_at = entry->occurred_at,
      .data = value_nil(),
      .times = 1,
      .entry = item->number,
  };
  memcpy(message.digest, entry->digest, sizeof message.digest);
  if (!span_empty(entry->clear)) {
    struct reader r = reader_of(entry->clear);
    TRY(value_decode(&r, replay->arena, &message.data));
  }
  replay->playing = item->number;
  TRY(runtime_submit(replay->runtime, &message));
  while (runtime_inbox_waiting(replay->runtime) > 0) {
    TRY(turn(replay, entry->recorded_at));
  }
  return ERR_OK;
}

/* Until nothing is left to do up to then. */
static enum err drain(struct replay *replay, civil_moment until) {
  for (;;) {
    TRY(turn(replay, until));
    civil_moment due = runtime_next_due(replay->runtime);
    if (runtime_idle(replay->runtime) && (due == CIVIL_MOMENT_NONE || due > until)) {
      return ERR_OK;
    }
  }
}

/* The calendar was amended then: at that moment the family is recounted. */
static enum err play_import(struct replay *replay, size_t index) {
  struct runtime_calendar_entry entry;
  uint64_t ticket;
  TRY(runtime_calendar_entry(replay->outer, index, replay->arena, &entry));
  const struct runtime_import import = {.actor = entry.actor, .rows = entry.rows};
  enum err err = runtime_calendar_import(replay->runtime, &import, &ticket, NULL);
  if (err != ERR_OK) {
    return err == ERR_EXISTS ? ERR_OK : err; /* config/calendar has these years by now */
  }
  while (runtime_calendar_state(replay->runtime).waiting || runtime_recounting(replay->runtime)) {
    TRY(turn(replay, entry.at));
  }
  return ERR_OK;
}

/* Those that stand before this entry. */
static enum err play_imports(struct replay *replay, uint64_t number) {
  const struct record_calendar *record = &replay->outer->calendars.record;
  while (replay->imports < record->imports_count && record->imports[replay->imports] < number) {
    TRY(play_import(replay, replay->imports++));
  }
  return ERR_OK;
}

static enum err hear(struct replay *replay, const struct told *told) {
  TRY(play_imports(replay, told->journal));
  TRY(drain(replay, told->at));
  TRY(told_play(replay->runtime, replay->root, told));
  while (store_poll(replay->store)) {
  }
  return ERR_OK;
}

static bool comes_before(const struct told *told, const struct replay_entry *item) {
  return told->at != item->entry.recorded_at ? told->at < item->entry.recorded_at : told->journal < item->number;
}

/* What was heard before this entry; NULL: all that is left. */
static enum err hear_until(struct replay *replay, const struct replay_entry *item, size_t *next) {
  for (; *next < replay->told.count; ++*next) {
    const struct told *told = &replay->told.items[*next];
    if (item && !comes_before(told, item)) {
      return ERR_OK;
    }
    TRY(hear(replay, told));
  }
  return ERR_OK;
}

static enum err play_all(struct replay *replay) {
  size_t heard = 0;
  for (size_t i = 0; i < replay->entries->count; i++) {
    const struct replay_entry *item = &replay->entries->items[i];
    TRY(hear_until(replay, item, &heard));
    TRY(play_imports(replay, item->number));
    if (!item->annulled && !item->annuls && !item->later && item->number != replay->without) {
      TRY(play(replay, item));
    }
  }
  TRY(hear_until(replay, NULL, &heard));
  TRY(play_imports(replay, UINT64_MAX));
  return drain(replay, replay->now);
}

/* It begins with the calendar of config/, and goes through the imports as they came. */
static enum err run(struct replay *replay, const struct runtime_options *options, struct fault *fault) {
  TRY(runtime_create(options, &replay->runtime, fault));
  replay->runtime->cases.pin = pin;
  replay->runtime->cases.pin_arg = replay;
  replay->runtime->informed = take_inform;
  replay->runtime->informed_arg = replay;
  return play_all(replay);
}

enum err replay_run(struct replay *replay, struct fault *fault) {
  struct runtime_options options = {
      .casework = replay->outer->casework,
      .ports = {.arg = replay, .receipt = take_receipt, .delivery_encode = take_delivery},
      .limits = runtime_limits_default(),
      .timers_first = true,
  };
  TRY(store_open_memory(&replay->store));
  options.store = replay->store;
  const struct casework_ports ports = {.arg = replay, .load = load_of, .recall = recall};
  struct casework_ports before = casework_ports_swap(options.casework, &ports);
  const struct calendar *calendar = casework_calendar_swap(options.casework, replay->outer->calendars.base);
  enum err err = run(replay, &options, fault);
  (void)casework_calendar_swap(options.casework, calendar);
  (void)casework_ports_swap(options.casework, &before);
  return err;
}

void replay_finish(struct replay *replay) {
  runtime_destroy(&replay->runtime);
  if (replay->store) {
    store_close(&replay->store);
  }
}
