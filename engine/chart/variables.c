/*
 * The variables of a session: in bytes until somebody asks, in Lua from then on.
 *
 *             restore, save                 a script reads it
 *   (absent) ───────────────▶ KEPT ─────────────────────────────▶ LIVE ──┐ scripts change it
 *       │                       ▲  └──────── it is assigned ────────▲ ▲──┘
 *       │                       └────────────── save ───────────────┘ │
 *       └────────────────────────── it is assigned ───────────────────┘
 *
 * A variable of the chart is KEPT when its bytes stand in `kept_bytes` (the form of keep.c), LIVE when the environment,
 * a table of Lua, says what it holds (nothing, if the key is not there). A step that touches three variables of twenty
 * so pays for three: the others go from one snapshot to the next as they are. The environment is asked first; what it
 * does not have comes here by way of the metatable (system.c).
 *
 * After saving everything is KEPT. So a session that goes on is in the same state as one that was restored from its
 * snapshot: tables that two variables shared are parted, views of a past event have become tables.
 *
 * Invariants: (1) KEPT bytes have passed keep_check; (2) a KEPT variable has no key in the environment; (3) variables
 * that hide a name of the library, which Lua would find first, and those that no <data> declares (strays) are never
 * KEPT: saving and restoring put them into the environment at once.
 */
#include <lauxlib.h>

#include "chart/session.h"

enum { NO_STRAYS = 1 /* byte: their count */ };

struct operation {
  struct chart_session *s;
  struct arena *arena;
  struct span name; /* of the variable that the operation is at */
  struct reader strays;
  size_t *sizes; /* by variable, of its bytes */
  const struct value *map;
  struct value result;
};

static struct operation *operation_of(lua_State *L) {
  struct operation *op = lua_touserdata(L, 1);
  lua_settop(L, 0);
  return op;
}

static void push_environment(lua_State *L, const struct chart_session *s) {
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, s->environment_ref);
}

static void push_name(lua_State *L, const struct chart_session *s, uint32_t variable, struct span name) {
  if (variable == NONE) {
    lua_pushlstring(L, name.data ? (const char *)name.data : "", name.size);
  } else {
    (void)lua_rawgeti(L, LUA_REGISTRYINDEX, s->chart->variables[variable].name_ref);
  }
}

static bool is_kept(const struct chart_session *s, uint32_t variable) {
  return variable != NONE && s->kept[variable].bytes.size > 0;
}

/* Marks it as LIVE. */
static void live(struct chart_session *s, uint32_t variable) {
  if (variable == NONE) {
    s->strays = true;
  } else {
    s->kept[variable] = (struct kept){.live = true};
  }
}

/* --- single variables --- */

/* KEPT becomes LIVE; pushes the value. */
static void load(lua_State *L, struct chart_session *s, uint32_t variable) {
  struct reader r = reader_of(s->kept[variable].bytes);
  keep_push(L, &r);
  push_environment(L, s);
  push_name(L, s, variable, span_of(NULL, 0));
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  live(s, variable);
}

void variables_push(lua_State *L, struct chart_session *s, uint32_t variable, struct span name) {
  if (is_kept(s, variable)) {
    load(L, s, variable);
    return;
  }
  push_environment(L, s);
  push_name(L, s, variable, name);
  (void)lua_rawget(L, -2);
  lua_remove(L, -2);
}

void variables_put(lua_State *L, struct chart_session *s, uint32_t variable, struct span name) {
  push_environment(L, s);
  push_name(L, s, variable, name);
  lua_rotate(L, -3, -1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  live(s, variable);
}

void variables_index(lua_State *L, struct chart_session *s, struct span name) {
  uint32_t variable = chart_variable_find(s->chart, name);
  if (is_kept(s, variable)) {
    load(L, s, variable);
  } else {
    lua_pushnil(L);
  }
}

void variables_assigned(struct chart_session *s, struct span name) {
  live(s, chart_variable_find(s->chart, name));
}

/* --- leaving the environment --- */

static void unset(lua_State *L, const struct chart_session *s, uint32_t variable) {
  push_name(L, s, variable, span_of(NULL, 0));
  lua_pushnil(L);
  lua_rawset(L, -3);
}

/* With the environment on top. Setting what is there to nil while walking is allowed, and cannot raise. */
static void unset_strays(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, -4);
  }
}

void variables_clear(struct chart_session *s) {
  lua_State *L = s->worker->L;
  push_environment(L, s);
  for (uint32_t i = 0; i < s->chart->variables_count; i++) {
    if (s->kept[i].live) {
      unset(L, s, i);
    }
    s->kept[i] = (struct kept){.live = false};
  }
  if (s->strays) {
    unset_strays(L);
  }
  lua_pop(L, 1);
  s->strays = false;
  writer_reset(&s->kept_bytes);
}

/* --- saving --- */

/* With the environment on top: writes a variable and notes where. */
static void write_variable(lua_State *L, struct operation *op, uint32_t i) {
  struct chart_session *s = op->s;
  struct writer *w = &s->next_bytes;
  size_t from = w->size;
  op->name = s->chart->variables[i].name;
  if (is_kept(s, i)) {
    writer_raw(w, s->kept[i].bytes);
  } else if (s->kept[i].live) {
    push_name(L, s, i, span_of(NULL, 0));
    (void)lua_rawget(L, -2);
    keep_write(L, -1, w, op->arena);
    lua_pop(L, 1);
  } else {
    writer_u8(w, KEEP_NOTHING);
  }
  op->sizes[i] = w->size - from;
}

/* With the environment on top. */
static size_t count_strays(lua_State *L, const struct chart_session *s, struct script_key *keys) {
  size_t count = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    struct script_key key = key_at(L, -1); /* only names can be keys here */
    if (chart_variable_find(s->chart, key.text) == NONE) {
      if (keys) {
        keys[count] = key;
      }
      count++;
    }
  }
  return count;
}

static void write_strays(lua_State *L, struct operation *op) {
  struct chart_session *s = op->s;
  struct writer *w = &s->next_bytes;
  size_t count = s->strays ? count_strays(L, s, NULL) : 0;
  writer_varint(w, count);
  if (count == 0) {
    return;
  }
  struct script_key *keys = arena_alloc(op->arena, count * sizeof(*keys));
  (void)count_strays(L, s, keys);
  keys_sort(keys, count);
  for (size_t i = 0; i < count; i++) {
    op->name = keys[i].text;
    writer_blob(w, keys[i].text);
    key_push(L, &keys[i]);
    (void)lua_rawget(L, -2);
    keep_write(L, -1, w, op->arena);
    lua_pop(L, 1);
  }
}

static int run_write(lua_State *L) {
  struct operation *op = operation_of(L);
  push_environment(L, op->s);
  for (uint32_t i = 0; i < op->s->chart->variables_count; i++) {
    write_variable(L, op, i);
  }
  size_t before = op->s->next_bytes.size;
  write_strays(L, op);
  op->strays = reader_of(span_of(NULL, op->s->next_bytes.size - before));
  return 0;
}

/* --- after saving and restoring --- */

/* Names and values of strays, which have been checked; the environment is on top. */
static void load_strays(lua_State *L, struct operation *op) {
  uint64_t count = reader_varint(&op->strays);
  for (uint64_t i = 0; i < count; i++) {
    push_name(L, op->s, NONE, reader_blob(&op->strays));
    keep_push(L, &op->strays);
    lua_rawset(L, -3);
  }
  op->s->strays = count > 0;
}

/* Invariant 3. */
static int run_load(lua_State *L) {
  struct operation *op = operation_of(L);
  struct chart_session *s = op->s;
  push_environment(L, s);
  for (uint32_t i = 0; i < s->chart->variables_count; i++) {
    if (s->chart->variables[i].shadows && is_kept(s, i)) {
      load(L, s, i);
      lua_pop(L, 1);
    }
  }
  load_strays(L, op);
  return 0;
}

/* Where the variables stand whose bytes follow one another from `at`; gives the place behind them. */
static const uint8_t *place(struct chart_session *s, const size_t *sizes, const uint8_t *at) {
  for (uint32_t i = 0; i < s->chart->variables_count; i++) {
    bool nothing = *at == KEEP_NOTHING;
    s->kept[i] = (struct kept){.bytes = span_of(at, nothing ? 0 : sizes[i])};
    at += sizes[i];
  }
  return at;
}

static bool any_live(const struct chart_session *s) {
  bool any = s->strays;
  for (uint32_t i = 0; i < s->chart->variables_count && !any; i++) {
    any = s->kept[i].live;
  }
  return any;
}

static bool any_shadow(const struct chart_session *s) {
  bool any = false;
  for (uint32_t i = 0; i < s->chart->variables_count && !any; i++) {
    any = s->chart->variables[i].shadows && is_kept(s, i);
  }
  return any;
}

/* From `kept_bytes`, written as `op` says; the environment holds nothing. */
static enum err settle(struct chart_session *s, struct operation *op, struct fault *fault) {
  size_t strays = op->strays.size;
  op->strays = reader_of(span_of(place(s, op->sizes, s->kept_bytes.data), strays));
  bool some = strays > NO_STRAYS || any_shadow(s);
  return some ? sandbox_run(s->worker, run_load, op, fault) : ERR_OK;
}

/* What was written becomes what is kept. */
static enum err take_written(struct chart_session *s, struct operation *op, struct fault *fault) {
  struct writer written = s->next_bytes;
  s->next_bytes = s->kept_bytes;
  variables_clear(s);
  s->kept_bytes = written;
  return settle(s, op, fault);
}

static enum err write_all(struct chart_session *s, struct fault *fault) {
  struct operation op = {.s = s, .arena = &s->worker->scratch};
  op.sizes = ARENA_ARRAY(op.arena, size_t, s->chart->variables_count);
  writer_reset(&s->next_bytes);
  struct fault inner = {0};
  enum err err = sandbox_run(s->worker, run_write, &op, &inner);
  if (err == ERR_SCRIPT) {
    return fault_set(fault, ERR_UNSUPPORTED, "the variable \"%.*s\" cannot be kept: %s", SPAN_ARG(op.name), inner.text);
  }
  if (err == ERR_OK) {
    err = take_written(s, &op, &inner);
  }
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", inner.text);
}

enum err variables_save(struct chart_session *s, struct writer *w, struct fault *fault) {
  if (any_live(s) || s->kept_bytes.size == 0) {
    TRY(write_all(s, fault));
  }
  writer_raw(w, writer_span(&s->kept_bytes));
  return ERR_OK;
}

/* --- restoring --- */

static bool check_variables(struct chart_session *s, struct reader *r, size_t *sizes) {
  bool valid = true;
  for (uint32_t i = 0; i < s->chart->variables_count && valid; i++) {
    size_t before = r->size;
    valid = keep_check(r, true, s->chart);
    sizes[i] = before - r->size;
  }
  return valid;
}

static bool check_strays(const struct chart_session *s, struct reader *r) {
  uint64_t count = reader_varint(r);
  struct span before = span_of(NULL, 0);
  bool valid = !r->failed;
  for (uint64_t i = 0; i < count && valid; i++) {
    struct span name = reader_blob(r);
    bool known = chart_variable_find(s->chart, name) != NONE || system_reserves(name);
    valid = !r->failed && !known && (i == 0 || span_compare(before, name) < 0) && keep_check(r, false, s->chart);
    before = name;
  }
  return valid;
}

enum err variables_restore(struct chart_session *s, struct reader *r, struct fault *fault) {
  struct operation op = {.s = s};
  op.sizes = ARENA_ARRAY(&s->arena, size_t, s->chart->variables_count);
  struct reader all = *r;
  if (!check_variables(s, r, op.sizes)) {
    return ERR_CORRUPT;
  }
  size_t strays = r->size;
  if (!check_strays(s, r)) {
    return ERR_CORRUPT;
  }
  op.strays.size = strays - r->size;
  writer_raw(&s->kept_bytes, span_of(all.data, all.size - r->size));
  return settle(s, &op, fault);
}

/* --- with names --- */

/* "dates.last" */
static bool is_in_table(struct span name) {
  return memchr(name.data, '.', name.size) != NULL;
}

/* In names, a function is not said: whoever restores them takes what its own chart defines under the name. */
static bool is_own_function(lua_State *L, const struct chart *chart, int index, struct span name) {
  const struct defined *found = lua_type(L, index) == LUA_TFUNCTION ? defined_of(L, index) : NULL;
  const struct defined *own = found ? defined_named(chart, name) : NULL;
  return own && span_equal(found->code, own->code);
}

/* With the environment at 1: functions that are gone stand as nil, so that they stay away. */
static size_t name_missing(lua_State *L, const struct operation *op, struct value_field *fields) {
  const struct chart *chart = op->s->chart;
  size_t count = 0;
  for (uint32_t i = 0; i < chart->defined_count; i++) {
    struct span name = chart->defined[i].name;
    push_name(L, op->s, NONE, name);
    if (!is_in_table(name) && lua_rawget(L, 1) == LUA_TNIL) {
      fields[count++] = (struct value_field){name, value_nil()};
    }
    lua_pop(L, 1);
  }
  return count;
}

static int run_save_map(lua_State *L) {
  struct operation *op = operation_of(L);
  struct chart_session *s = op->s;
  push_environment(L, s);
  for (uint32_t i = 0; i < s->chart->variables_count; i++) {
    variables_push(L, s, i, span_of(NULL, 0));
    lua_pop(L, 1);
  }
  size_t count = convert_count(L, 1) + s->chart->defined_count;
  struct value_field *fields = ARENA_ARRAY(op->arena, struct value_field, count);
  size_t i = name_missing(L, op, fields);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    op->name = key_at(L, -2).text;
    if (!is_own_function(L, s->chart, -1, op->name)) {
      fields[i].name = arena_copy(op->arena, op->name);
      fields[i++].value = convert_from_lua(L, -1, op->arena, KEYS_KEPT);
    }
    lua_pop(L, 1);
  }
  ASSERT(value_map(fields, i, &op->result) == ERR_OK);
  return 0;
}

enum err variables_save_map(struct chart_session *s, struct arena *arena, struct value *ret_map, struct fault *fault) {
  TRY(write_all(s, fault));
  struct operation op = {.s = s, .arena = arena};
  struct fault inner = {0};
  enum err err = sandbox_run(s->worker, run_save_map, &op, &inner);
  if (err == ERR_SCRIPT) {
    return fault_set(fault, ERR_UNSUPPORTED, "the variable \"%.*s\" cannot be kept by names: %s", SPAN_ARG(op.name),
                     inner.text);
  }
  if (err != ERR_OK) {
    return fault_set(fault, err, "%s", inner.text);
  }
  if (!value_depth_fits(&op.result)) { /* the map itself is one level, which the other form does not need */
    return fault_set(fault, ERR_UNSUPPORTED, "a variable is nested too deep");
  }
  *ret_map = op.result;
  return ERR_OK;
}

/* Another chart's snapshot does not say which functions this chart has: with the environment on top, all of them that
 * it does not say are something else, or gone. */
static void put_defined(lua_State *L, const struct operation *op) {
  const struct chart *chart = op->s->chart;
  for (uint32_t i = 0; i < chart->defined_count; i++) {
    const struct defined *defined = &chart->defined[i];
    if (!is_in_table(defined->name) && !value_find(op->map, defined->name)) {
      push_name(L, op->s, NONE, defined->name);
      (void)lua_rawgeti(L, LUA_REGISTRYINDEX, defined->ref);
      lua_settable(L, 1);
    }
  }
}

static int run_restore_map(lua_State *L) {
  struct operation *op = operation_of(L);
  push_environment(L, op->s);
  for (size_t i = 0; i < op->map->map.count; i++) {
    push_name(L, op->s, NONE, op->map->map.fields[i].name);
    convert_push(L, &op->map->map.fields[i].value, KEYS_KEPT);
    lua_settable(L, 1); /* by way of the metatable, which refuses the names of the system */
  }
  put_defined(L, op);
  return 0;
}

enum err variables_restore_map(struct chart_session *s, const struct value *map, struct fault *fault) {
  struct operation op = {.s = s, .map = map};
  return sandbox_run(s->worker, run_restore_map, &op, fault);
}
