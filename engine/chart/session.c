/*
 * Making and unmaking sessions, and walking their tree.
 *
 * Most sessions live for one event: restored, stepped, saved, destroyed. So what a session is made of (sets, lists,
 * arenas, buffers and the environment in Lua) is kept with its chart when it is destroyed, SPARE_MAX of them, and the
 * next session of that chart takes it over. Only what depends on the chart's size alone is kept: a session that has
 * declared variables of its own, whose environment may have grown, gives it back.
 */
#include "chart/session.h"

#include <stdlib.h>

struct span span_own(struct span s) {
  if (s.size == 0) {
    return span_of(NULL, 0);
  }
  uint8_t *copy = malloc(s.size);
  ASSERT(copy);
  memcpy(copy, s.data, s.size);
  return span_of(copy, s.size);
}

void span_disown(struct span *s) {
  free((void *)s->data);
  *s = span_of(NULL, 0);
}

/* --- sets --- */

enum { SETS_COUNT = 7, LISTS_COUNT = 4, ARENA_BLOCK = 4096, SPARE_BYTES_MAX = 1 << 15, SPARE_ITEMS_MAX = 64 };

static uint32_t count_histories(const struct chart *chart) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < chart->states_count; i++) {
    count += state_is_history(&chart->states[i]);
  }
  return count;
}

static void share_out_histories(struct chart_session *s, bits_word *room) {
  size_t words = bits_words(s->chart->states_count);
  for (uint32_t i = 0; i < s->chart->states_count; i++) {
    if (state_is_history(&s->chart->states[i])) {
      s->history_room[i] = room;
      room += words;
    }
  }
}

/* Bytes of each part of the one allocation for everything whose size the chart decides. */
struct sets_layout {
  size_t bits, pointers, kept, lists;
};

static struct sets_layout layout_of(const struct chart *chart) {
  size_t states = chart->states_count;
  return (struct sets_layout){
      .bits = (SETS_COUNT + count_histories(chart)) * bits_words(chart->states_count) * sizeof(bits_word),
      .pointers = 2 * states * sizeof(bits_word *),
      .kept = chart->variables_count * sizeof(struct kept),
      .lists = LISTS_COUNT * states * sizeof(uint32_t),
  };
}

/* All sets empty, nothing recorded. */
static void sets_clear(struct chart_session *s) {
  const struct sets_layout layout = layout_of(s->chart);
  uint32_t states = s->chart->states_count;
  memset(s->bits, 0, layout.bits);
  memset(s->histories, 0, states * sizeof(*s->histories));
  for (uint32_t i = 0; i < states; i++) {
    s->history_defaults[i] = NONE;
  }
}

static enum err sets_create(struct chart_session *s) {
  uint32_t states = s->chart->states_count;
  ASSERT(states > 0);
  size_t words = bits_words(states);
  const struct sets_layout layout = layout_of(s->chart);
  uint8_t *at = calloc(1, layout.bits + layout.pointers + layout.kept + layout.lists);
  if (!at) {
    return ERR_NO_MEMORY;
  }
  s->bits = (bits_word *)(void *)at;
  bits_word **const sets[SETS_COUNT] = {&s->config, &s->to_invoke, &s->entered, &s->exits,
                                        &s->enters, &s->defaults,  &s->visited};
  for (size_t i = 0; i < SETS_COUNT; i++) {
    *sets[i] = s->bits + i * words;
  }
  s->histories = (bits_word **)(void *)(at + layout.bits);
  s->history_room = s->histories + states;
  share_out_histories(s, s->bits + SETS_COUNT * words);
  s->kept = (struct kept *)(void *)(at + layout.bits + layout.pointers);
  uint32_t *lists = (uint32_t *)(void *)(at + layout.bits + layout.pointers + layout.kept);
  s->history_defaults = lists;
  s->enabled = lists + states;
  s->filtered = lists + 2 * (size_t)states;
  s->domains = lists + 3 * (size_t)states;
  sets_clear(s);
  return ERR_OK;
}

/* --- sessions --- */

static void session_free(struct chart_session *s) {
  timers_destroy(s);
  invocations_destroy(s);
  script_environment_destroy(s);
  arena_finish(&s->arena);
  arena_finish(&s->done_arena);
  writer_finish(&s->kept_bytes);
  writer_finish(&s->next_bytes);
  free(s->bits);
  free(s);
}

static enum err session_make(struct chart_worker *worker, const struct chart *chart,
                             struct chart_session **ret_session) {
  struct chart_session *s = calloc(1, sizeof(*s));
  if (!s) {
    return ERR_NO_MEMORY;
  }
  s->worker = worker;
  s->chart = chart;
  s->environment_ref = LUA_NOREF;
  arena_init(&s->arena, ARENA_BLOCK);
  arena_init(&s->done_arena, 256);
  enum err err = sets_create(s);
  if (err == ERR_OK) {
    err = script_environment_create(s);
  }
  if (err != ERR_OK) {
    session_free(s);
    return err;
  }
  *ret_session = s;
  return ERR_OK;
}

enum err session_create(struct chart_worker *worker, const struct chart *chart, struct span id,
                        struct chart_session **ret_session) {
  struct chart_session *s;
  if (chart->spare->count > 0) {
    s = chart->spare->sessions[--chart->spare->count];
  } else {
    TRY(session_make(worker, chart, &s));
  }
  s->root = s;
  s->id = span_own(id);
  *ret_session = s;
  return ERR_OK;
}

/* To what session_make gives. */
static void session_clear(struct chart_session *s) {
  struct chart_session fresh = {.worker = s->worker, .chart = s->chart};
  variables_clear(s);
  fresh.environment_ref = s->environment_ref;
  fresh.kept = s->kept;
  fresh.kept_bytes = s->kept_bytes;
  fresh.next_bytes = s->next_bytes;
  fresh.arena = s->arena;
  fresh.done_arena = s->done_arena;
  fresh.bits = s->bits;
  fresh.config = s->config;
  fresh.to_invoke = s->to_invoke;
  fresh.entered = s->entered;
  fresh.exits = s->exits;
  fresh.enters = s->enters;
  fresh.defaults = s->defaults;
  fresh.visited = s->visited;
  fresh.histories = s->histories;
  fresh.history_room = s->history_room;
  fresh.history_defaults = s->history_defaults;
  fresh.enabled = s->enabled;
  fresh.filtered = s->filtered;
  fresh.domains = s->domains;
  fresh.timers = s->timers;
  fresh.timers_capacity = s->timers_capacity;
  fresh.invocations = s->invocations;
  fresh.invocations_capacity = s->invocations_capacity;
  *s = fresh;
  sets_clear(s);
  arena_reset(&s->arena);
  arena_reset(&s->done_arena);
}

static bool is_worth_keeping(const struct chart_session *s) {
  bool small = s->kept_bytes.capacity <= SPARE_BYTES_MAX && s->next_bytes.capacity <= SPARE_BYTES_MAX &&
               s->timers_capacity <= SPARE_ITEMS_MAX && s->invocations_capacity <= SPARE_ITEMS_MAX &&
               arena_held(&s->arena) <= SPARE_BYTES_MAX && arena_held(&s->done_arena) <= SPARE_BYTES_MAX;
  return !s->own_chart && !s->strays && small && s->chart->spare->count < SPARE_MAX;
}

/* Goes into nested sessions, which are at most CHART_NESTING_MAX levels deep. */
void session_destroy(struct chart_session *s) {
  if (!s) {
    return;
  }
  invocations_remove(s);
  timers_remove(s);
  span_disown(&s->own_source);
  span_disown(&s->id);
  span_disown(&s->invokeid);
  if (s->worker->current == s) {
    s->worker->current = NULL;
  }
  if (is_worth_keeping(s)) {
    session_clear(s);
    s->chart->spare->sessions[s->chart->spare->count++] = s;
    return;
  }
  struct chart *own = s->own_chart;
  session_free(s);
  chart_destroy(&own);
}

void chart_spare_destroy(struct chart *chart) {
  while (chart->spare && chart->spare->count > 0) {
    session_free(chart->spare->sessions[--chart->spare->count]);
  }
}

enum err session_create_child(struct chart_session *parent, const struct chart *chart, const struct invoke *invoke,
                              struct span id, struct span invokeid, struct chart_session **ret_child) {
  struct chart_session *child;
  TRY(session_create(parent->worker, chart, id, &child));
  child->root = parent->root;
  child->parent = parent;
  child->invoke = invoke;
  child->invokeid = span_own(invokeid);
  child->nesting = parent->nesting + 1;
  *ret_child = child;
  return ERR_OK;
}

enum err chart_session_create(struct chart_worker *worker, const struct chart *chart, struct span session_id,
                              struct chart_session **ret_session) {
  ASSERT(chart->worker == worker && chart->root == chart);
  return session_create(worker, chart, session_id, ret_session);
}

void chart_session_destroy(struct chart_session **session) {
  if (session && *session) {
    session_destroy(*session);
    *session = NULL;
  }
}

/* --- the tree --- */

static struct chart_session *child_from(struct chart_session *s, uint32_t from) {
  for (uint32_t i = from; i < s->invocations_count; i++) {
    if (s->invocations[i].child) {
      return s->invocations[i].child;
    }
  }
  return NULL;
}

static struct chart_session *sibling_after(const struct chart_session *s) {
  struct chart_session *parent = s->parent;
  uint32_t place = 0;
  while (parent->invocations[place].child != s) {
    place++;
  }
  return child_from(parent, place + 1);
}

struct chart_session *session_next(struct chart_session *top, struct chart_session *s) {
  struct chart_session *next = child_from(s, 0);
  while (!next && s != top) {
    next = sibling_after(s);
    s = s->parent;
  }
  return next;
}

struct chart_session *session_find(struct chart_session *root, struct span id) {
  struct chart_session *s = root;
  while (s && !(span_equal(s->id, id) && s->status != SESSION_ENDED)) {
    s = session_next(root, s);
  }
  return s;
}
