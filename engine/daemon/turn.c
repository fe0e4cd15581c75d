/*
 * daemon/turn.c — the heartbeat, for both clocks.
 *
 * Everything that happens asks for a turn (turn_kick); a turn comes from the loop, never from inside another call,
 * sends what waits to be sent and then, if no commit is in flight (FREE: also beside one):
 *
 *   FREE      system clock: ticks the runtime, arms the timer for the next due moment
 *   HELD      virtual clock, nobody moves it: messages are taken in, nothing is stepped
 *   ASKING    a barrier is out: waits until every link has answered, those that are expected have come, what they say
 *             they sent is here and what was sent to them is handled; then, in this order:
 *               input waits            → put in order, STEPPING at the present moment
 *               a timer is due ≤ target → the clock goes there, STEPPING
 *               otherwise              → the clock goes to the target, STEPPING for the last time
 *   STEPPING  ticks until nothing is due and nothing waits, then ASKING again, or HELD after the last time
 *
 * Invariants
 *   1. In HELD and ASKING no tick is made but for acts of the operator: what waits is put in order before it is
 * stepped.
 *   2. In STEPPING nothing new gets into the inbox (turn_holds).
 *   3. The clock never goes back, and is durable with the batch that saw it (runtime's durable_clock).
 */
#include "daemon/turn.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "daemon/desk.h"
#include "daemon/sessions.h"
#include "daemon/telling.h"
#include "daemon/trouble.h"

enum {
  IDLE_MS = 60000, /* the longest sleep of the system clock: wall clocks jump */
  PROBE_MS = 100,  /* how often a link that owes an answer is looked for */
  RETRY_MS = 20,   /* a socket that had no room is tried again */
  FULL_MS = 1000,  /* after a full store */
  FULL_LOG_MS = 60000,
  DRAIN_MS = 10000,   /* the longest that an end may take */
  COMPLAIN_MS = 30000 /* a barrier that takes so long is told to the operator */
};

enum turn_state { TURN_FREE, TURN_HELD, TURN_ASKING, TURN_STEPPING };

struct turn {
  struct daemon *daemon;
  enum turn_state state;
  bool is_virtual;
  bool last; /* STEPPING: at the target */
  bool draining;
  enum store_room room;     /* of the last batch */
  civil_moment now, target; /* virtual */
  uint64_t barrier;
  uint64_t asked_at, probed_at, backoff_until, full_told_at; /* uv_now */
  struct writer expect; /* participants that must be there for the first barrier, with commas */
  uv_timer_t timer;
  uv_idle_t soon; /* a turn in the next round of the loop: a timer of 0 ms that its own callback starts would run before
                     the sockets are looked at */
  uv_timer_t drain_timer;
  int open_handles; /* turn_destroy */
};

civil_moment turn_wall_clock(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_REALTIME, &time);
  return (civil_moment)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

civil_moment turn_now(const struct turn *turn) {
  return turn->is_virtual ? turn->now : turn_wall_clock();
}

bool turn_is_virtual(const struct turn *turn) {
  return turn->is_virtual;
}

bool turn_holds(const struct turn *turn) {
  return turn->draining || turn->state == TURN_STEPPING;
}

bool turn_draining(const struct turn *turn) {
  return turn->draining;
}

enum store_room turn_store_room(const struct turn *turn) {
  return turn->room;
}

bool turn_refuses(const struct turn *turn) {
  return turn->room != STORE_HAS_ROOM && uv_now(&turn->daemon->loop) < turn->backoff_until;
}

bool turn_advancing(const struct turn *turn) {
  return turn->state == TURN_ASKING || turn->state == TURN_STEPPING;
}

civil_moment turn_target(const struct turn *turn) {
  return turn_advancing(turn) ? turn->target : turn_now(turn);
}

struct span turn_missing(const struct turn *turn) {
  struct span missing = {NULL, 0};
  (void)sessions_connected(turn->daemon->sessions, writer_span(&turn->expect), &missing);
  return turn_advancing(turn) ? missing : span_of(NULL, 0);
}

struct span turn_held_by(const struct turn *turn) {
  if (turn->state != TURN_ASKING) {
    return span_of(NULL, 0);
  }
  struct span owing = sessions_owing(turn->daemon->sessions, turn->barrier);
  return span_empty(owing) ? sessions_unsettled(turn->daemon->sessions) : owing;
}

void turn_fail(struct turn *turn, enum err why) {
  log_line(LOG_ERROR, "daemon", "msg=\"the store is unsafe, stopping\" err=%s", err_name(why));
  turn->daemon->failed = true;
  uv_stop(&turn->daemon->loop);
}

/* ---- the timer ---- */

static void on_timer(uv_timer_t *timer);
static void on_soon(uv_idle_t *soon);

static void turn_after(struct turn *turn, uint64_t delay_ms) {
  uint64_t now = uv_now(&turn->daemon->loop);
  if (turn->backoff_until > now && delay_ms < turn->backoff_until - now) {
    delay_ms = turn->backoff_until - now;
  }
  if (uv_is_closing((uv_handle_t *)&turn->timer)) {
    return;
  }
  if (delay_ms == 0) {
    (void)uv_timer_stop(&turn->timer);
    (void)uv_idle_start(&turn->soon, on_soon);
  } else {
    (void)uv_timer_start(&turn->timer, on_timer, delay_ms, 0);
  }
}

void turn_kick(struct turn *turn) {
  turn_after(turn, 0);
}

/* ---- system clock ---- */

static void free_sleep(struct turn *turn) {
  civil_moment due = runtime_next_due(turn->daemon->runtime);
  civil_moment now = turn_wall_clock();
  uint64_t delay = IDLE_MS;
  if (due != CIVIL_MOMENT_NONE && due - now < IDLE_MS) {
    delay = due > now ? (uint64_t)(due - now) : 0;
  }
  turn_after(turn, delay);
}

/* What was too much for one batch goes into the next. Between two ticks of one batch the sockets are looked at, so that
 * who has little to say gets into it, too. */
static enum err free_turn(struct turn *turn) {
  struct runtime *runtime = turn->daemon->runtime;
  TRY(runtime_tick(runtime, turn_wall_clock()));
  if (runtime_committing(runtime) && !runtime_pausing(runtime)) {
    TRY(runtime_tick(runtime, turn_wall_clock()));
  }
  if (runtime_pausing(runtime)) {
    turn_kick(turn);
  } else if (!runtime_committing(runtime)) {
    free_sleep(turn);
  }
  return ERR_OK;
}

/* ---- virtual clock ---- */

static void ask(struct turn *turn) {
  turn->state = TURN_ASKING;
  turn->barrier++;
  turn->asked_at = uv_now(&turn->daemon->loop);
  (void)sessions_barrier(turn->daemon->sessions, turn->barrier, turn->now);
  turn_kick(turn);
}

static void step(struct turn *turn, civil_moment now, bool last) {
  turn->now = now;
  turn->last = last;
  turn->state = TURN_STEPPING;
  runtime_inbox_sort(turn->daemon->runtime);
  turn_kick(turn);
}

static void step_next(struct turn *turn) {
  struct runtime *runtime = turn->daemon->runtime;
  civil_moment due = runtime_next_due(runtime);
  if (runtime_inbox_waiting(runtime) > 0) {
    step(turn, turn->now, false);
  } else if (due != CIVIL_MOMENT_NONE && due <= turn->target) {
    step(turn, due > turn->now ? due : turn->now, false);
  } else {
    step(turn, turn->target, true);
  }
}

static void wait_for_links(struct turn *turn) {
  uint64_t now = uv_now(&turn->daemon->loop);
  uint64_t waited = now - turn->asked_at;
  if (waited >= COMPLAIN_MS) {
    log_line(LOG_WARNING, "daemon", "msg=\"a link owes its answer to a barrier\" participant=%.*s",
             SPAN_ARG(sessions_owing(turn->daemon->sessions, turn->barrier)));
    turn->asked_at = now;
  }
  if (waited >= PROBE_MS && now - turn->probed_at >= PROBE_MS) {
    turn->probed_at = now;
    sessions_probe(turn->daemon->sessions, turn->barrier);
  }
  turn_after(turn, PROBE_MS);
}

static void asking_turn(struct turn *turn) {
  if (sessions_barrier(turn->daemon->sessions, turn->barrier, turn->now) > 0) {
    wait_for_links(turn);
    return;
  }
  if (!span_empty(turn_missing(turn))) {
    turn_after(turn, PROBE_MS); /* its Hello is answered with the barrier */
    return;
  }
  writer_reset(&turn->expect);
  switch (sessions_settled(turn->daemon->sessions)) {
  case SESSIONS_BUSY:
    turn_after(turn, RETRY_MS);
    break;
  case SESSIONS_FULL:
    step(turn, turn->now, false);
    break;
  case SESSIONS_CHANGED:
    ask(turn);
    break;
  case SESSIONS_SETTLED:
    step_next(turn);
    break;
  }
}

static void arrive(struct turn *turn) {
  turn->state = TURN_HELD;
  desk_clock_arrived(turn->daemon->desk);
}

/* The clock itself is work, too: where it stands has to be durable before anybody hears of it. */
static enum err stepping_turn(struct turn *turn) {
  struct runtime *runtime = turn->daemon->runtime;
  civil_moment due = runtime_next_due(runtime);
  bool work = runtime_inbox_waiting(runtime) > 0 || (due != CIVIL_MOMENT_NONE && due <= turn->now);
  if (work || runtime_clock(runtime) < turn->now) {
    TRY(runtime_tick(runtime, turn->now));
    if (!runtime_committing(runtime)) {
      turn_kick(turn);
    }
  } else if (turn->last) {
    arrive(turn);
  } else {
    ask(turn);
  }
  return ERR_OK;
}

/* ---- a turn ---- */

/* What waits for a store that takes nothing has no receipt: its senders bring it again, to whoever is there then. */
static bool drained(const struct turn *turn) {
  const struct runtime *runtime = turn->daemon->runtime;
  if (turn->room != STORE_HAS_ROOM && !runtime_committing(runtime)) {
    return true;
  }
  return turn->is_virtual ? !runtime_committing(runtime) : runtime_idle(runtime);
}

static enum err take_turn(struct turn *turn) {
  sessions_flush(turn->daemon->sessions);
  tellings_flush(turn->daemon->tellings);
  if (turn->draining && drained(turn)) {
    uv_stop(&turn->daemon->loop);
    return ERR_OK;
  }
  if (runtime_committing(turn->daemon->runtime) && turn->state != TURN_FREE) {
    return ERR_OK; /* turn_committed brings the next one */
  }
  struct runtime *runtime = turn->daemon->runtime;
  bool acts =
      turn->state != TURN_FREE &&
      (runtime_acts_waiting(runtime) || runtime_calendar_waiting(runtime, turn->now) || runtime_links_behind(runtime));
  if (acts) {
    TRY(runtime_tick_acts(turn->daemon->runtime, turn->now)); /* they step nothing: the clock may be held */
    if (runtime_committing(turn->daemon->runtime)) {
      return ERR_OK;
    }
  }
  switch (turn->state) {
  case TURN_FREE:
    return free_turn(turn);
  case TURN_ASKING:
    asking_turn(turn);
    return ERR_OK;
  case TURN_STEPPING:
    return stepping_turn(turn);
  case TURN_HELD:
    break;
  }
  return ERR_OK;
}

static void run_turn(struct turn *turn) {
  enum err err = take_turn(turn);
  if (err != ERR_OK) {
    turn_fail(turn, err);
  }
}

static void on_timer(uv_timer_t *timer) {
  run_turn(timer->data);
}

static void on_soon(uv_idle_t *soon) {
  (void)uv_idle_stop(soon); /* may be started again by what follows */
  run_turn(soon->data);
}

/* What is wrong goes wrong again every second: it is told once a minute, something else at once. */
static void tell_room(struct turn *turn, enum store_room room) {
  static const char *const texts[] = {[STORE_HAS_ROOM] = "the store takes batches again",
                                      [STORE_MAP_FULL] = "the store has reached its greatest size, waiting",
                                      [STORE_DISK_FULL] = "the disk is full, waiting",
                                      [STORE_DISK_READ_ONLY] = "the disk has become read-only, waiting",
                                      [STORE_DISK_FAILS] = "the disk takes no bytes, waiting"};
  uint64_t now = uv_now(&turn->daemon->loop);
  bool again = room == STORE_HAS_ROOM || now - turn->full_told_at < FULL_LOG_MS;
  if (room != turn->room || !again) {
    log_line(room == STORE_HAS_ROOM ? LOG_INFO : LOG_ERROR, "daemon", "msg=\"%s\"", texts[room]);
    turn->full_told_at = now;
  }
  turn->room = room;
}

static void store_is_full(struct turn *turn) {
  struct fault fault;
  tell_room(turn, store_room(turn->daemon->store));
  turn->backoff_until = uv_now(&turn->daemon->loop) + FULL_MS;
  (void)trouble_refuse(turn->room, &fault);
  sessions_store_full(turn->daemon->sessions, &fault);
}

void turn_committed(struct turn *turn, enum err result) {
  if (result == ERR_OK) {
    tell_room(turn, STORE_HAS_ROOM);
  } else if (result == ERR_FULL) {
    store_is_full(turn);
  } else {
    turn_fail(turn, result);
    return;
  }
  turn_kick(turn);
}

enum err turn_advance(struct turn *turn, civil_moment target, struct span expect, struct fault *fault) {
  if (!turn->is_virtual) {
    return fault_set(fault, ERR_UNSUPPORTED, "часы системные, их нельзя переводить");
  }
  if (turn_advancing(turn) && target != turn->target) {
    return fault_set(fault, ERR_CONFLICT, "часы уже идут к другому моменту");
  }
  if (turn_advancing(turn)) {
    return ERR_OK;
  }
  if (target < turn->now) {
    return fault_set(fault, ERR_RANGE, "часы не идут назад");
  }
  writer_reset(&turn->expect);
  writer_raw(&turn->expect, expect);
  turn->target = target;
  ask(turn);
  return ERR_OK;
}

/* ---- beginning and end ---- */

static civil_moment first_moment(const struct daemon *daemon, civil_moment start) {
  civil_moment stored = runtime_clock(daemon->runtime);
  if (stored != CIVIL_MOMENT_NONE) {
    return stored;
  }
  return start != CIVIL_MOMENT_NONE ? start : turn_wall_clock();
}

enum err turn_create(struct daemon *daemon, const struct turn_options *options, struct turn **ret_turn) {
  struct turn *turn = calloc(1, sizeof *turn);
  ASSERT(turn != NULL);
  turn->daemon = daemon;
  writer_init(&turn->expect);
  turn->is_virtual = options->is_virtual;
  turn->state = options->is_virtual ? TURN_HELD : TURN_FREE;
  turn->now = options->is_virtual ? first_moment(daemon, options->start) : 0;
  turn->target = turn->now;
  if (uv_timer_init(&daemon->loop, &turn->timer) != 0 || uv_timer_init(&daemon->loop, &turn->drain_timer) != 0 ||
      uv_idle_init(&daemon->loop, &turn->soon) != 0) {
    free(turn);
    return ERR_NO_MEMORY;
  }
  turn->timer.data = turn;
  turn->drain_timer.data = turn;
  turn->soon.data = turn;
  if (runtime_links_behind(daemon->runtime)) {
    turn_kick(turn); /* nobody else may come */
  }
  *ret_turn = turn;
  return ERR_OK;
}

static void on_drain_late(uv_timer_t *timer) {
  struct turn *turn = timer->data;
  log_line(LOG_WARNING, "daemon", "msg=\"did not finish in time\"");
  uv_stop(&turn->daemon->loop);
}

void turn_drain(struct turn *turn) {
  if (turn->draining) {
    return;
  }
  turn->draining = true;
  turn->backoff_until = 0;
  if (turn->is_virtual) {
    turn->state = TURN_HELD;
  }
  (void)uv_timer_start(&turn->drain_timer, on_drain_late, DRAIN_MS, 0);
  turn_kick(turn);
}

static void on_closed(uv_handle_t *handle) {
  struct turn *turn = handle->data;
  if (--turn->open_handles == 0) {
    writer_finish(&turn->expect);
    free(turn);
  }
}

void turn_destroy(struct turn **turn) {
  if (*turn) {
    (*turn)->open_handles = 3;
    uv_close((uv_handle_t *)&(*turn)->timer, on_closed);
    uv_close((uv_handle_t *)&(*turn)->drain_timer, on_closed);
    uv_close((uv_handle_t *)&(*turn)->soon, on_closed);
    *turn = NULL;
  }
}
