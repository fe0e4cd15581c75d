/* Making and unmaking sessions, and walking their tree. */
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

enum { SETS_COUNT = 7, LISTS_COUNT = 4 };

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

/* One allocation for everything whose size the chart decides. */
static enum err sets_create(struct chart_session *s) {
  uint32_t states = s->chart->states_count;
  ASSERT(states > 0);
  size_t words = bits_words(states);
  size_t bits = (SETS_COUNT + count_histories(s->chart)) * words * sizeof(bits_word);
  size_t pointers = 2 * (size_t)states * sizeof(bits_word *);
  uint8_t *at = calloc(1, bits + pointers + LISTS_COUNT * (size_t)states * sizeof(uint32_t));
  if (!at) {
    return ERR_NO_MEMORY;
  }
  s->bits = (bits_word *)(void *)at;
  bits_word **const sets[SETS_COUNT] = {&s->config, &s->to_invoke, &s->entered, &s->exits,
                                        &s->enters, &s->defaults,  &s->visited};
  for (size_t i = 0; i < SETS_COUNT; i++) {
    *sets[i] = s->bits + i * words;
  }
  s->histories = (bits_word **)(void *)(at + bits);
  s->history_room = s->histories + states;
  share_out_histories(s, s->bits + SETS_COUNT * words);
  uint32_t *lists = (uint32_t *)(void *)(at + bits + pointers);
  s->history_defaults = lists;
  s->enabled = lists + states;
  s->filtered = lists + 2 * (size_t)states;
  s->domains = lists + 3 * (size_t)states;
  for (uint32_t i = 0; i < states; i++) {
    s->history_defaults[i] = NONE;
  }
  return ERR_OK;
}

/* --- sessions --- */

static enum err session_create(struct chart_worker *worker, const struct chart *chart, struct span id,
                               struct chart_session **ret_session) {
  struct chart_session *s = calloc(1, sizeof(*s));
  if (!s) {
    return ERR_NO_MEMORY;
  }
  s->worker = worker;
  s->chart = chart;
  s->root = s;
  s->environment_ref = LUA_NOREF;
  arena_init(&s->arena, 4096);
  arena_init(&s->done_arena, 256);
  s->id = span_own(id);
  enum err err = sets_create(s);
  if (err == ERR_OK) {
    err = script_environment_create(s);
  }
  if (err != ERR_OK) {
    session_destroy(s);
    return err;
  }
  *ret_session = s;
  return ERR_OK;
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

/* Goes into nested sessions, which are at most CHART_NESTING_MAX levels deep. */
void session_destroy(struct chart_session *s) {
  if (!s) {
    return;
  }
  invocations_destroy(s);
  timers_destroy(s);
  script_environment_destroy(s);
  arena_finish(&s->arena);
  arena_finish(&s->done_arena);
  chart_destroy(&s->own_chart);
  span_disown(&s->own_source);
  span_disown(&s->id);
  span_disown(&s->invokeid);
  free(s->bits);
  free(s);
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
