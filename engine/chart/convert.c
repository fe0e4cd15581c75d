/*
 * Values of the room's neighbours and values of Lua.
 *
 * A table whose keys are exactly 1 … n is a list, and so is an empty one; other tables are maps. What a map's keys may
 * be depends on who asks. For others (KEYS_OUTWARD) names and numbers are allowed, numbers becoming decimal text. For
 * a snapshot (KEYS_KEPT) a key of another kind than text is written with a leading byte 01 that names its kind, so that
 * it comes back as it was:
 *
 *   01 'i' decimal      an integer        01 'n' 16 hex digits   a number with fraction, by its bits
 *   01 't' / 01 'f'     true, false       01 01 …                a text that begins with 01
 *
 * Functions and trees deeper than VALUE_DEPTH_MAX, which is what a cycle is, cannot be values: they raise. The
 * recursion is bounded by that depth.
 */
#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "chart/script.h"

enum { ESCAPE = 1, STACK_NEEDED = 8, KEY_TEXT_MAX = 32, BYTES_PER_STEP = 16 };

struct conversion {
  lua_State *L;
  struct arena *arena;
  enum convert_keys keys;
};

static struct span text_at(lua_State *L, int index) {
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  return span_of(text, size);
}

/* --- keys --- */

static struct span key_of_number(const struct conversion *c, int index) {
  char text[KEY_TEXT_MAX];
  int size;
  if (lua_isinteger(c->L, index)) {
    const char *format = c->keys == KEYS_KEPT ? "\x01i%" PRId64 : "%" PRId64;
    size = snprintf(text, sizeof(text), format, (int64_t)lua_tointeger(c->L, index));
  } else if (c->keys == KEYS_KEPT) {
    lua_Number number = lua_tonumber(c->L, index);
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    size = snprintf(text, sizeof(text), "\x01n%016" PRIx64, bits);
  } else {
    size = snprintf(text, sizeof(text), LUA_NUMBER_FMT, lua_tonumber(c->L, index));
  }
  return arena_copy(c->arena, span_of(text, (size_t)size));
}

static struct span key_of_text(const struct conversion *c, int index) {
  struct span text = text_at(c->L, index);
  if (c->keys == KEYS_OUTWARD || text.size == 0 || text.data[0] != ESCAPE) {
    return arena_copy(c->arena, text);
  }
  uint8_t *escaped = arena_alloc(c->arena, text.size + 1);
  escaped[0] = ESCAPE;
  memcpy(escaped + 1, text.data, text.size);
  return span_of(escaped, text.size + 1);
}

static struct span key_of(const struct conversion *c, int index) {
  int type = lua_type(c->L, index);
  if (type == LUA_TSTRING) {
    return key_of_text(c, index);
  }
  if (type == LUA_TNUMBER) {
    return key_of_number(c, index);
  }
  if (type == LUA_TBOOLEAN && c->keys == KEYS_KEPT) {
    return lua_toboolean(c->L, index) ? SPAN_LITERAL("\x01t")
                                      : SPAN_LITERAL("\x01"
                                                     "f");
  }
  (void)luaL_error(c->L, "a %s cannot be a key", luaL_typename(c->L, index));
  return span_of(NULL, 0);
}

static void push_text(lua_State *L, struct span s) {
  lua_pushlstring(L, s.data ? (const char *)s.data : "", s.size);
}

static void push_kept_key(lua_State *L, struct span key) {
  char text[KEY_TEXT_MAX] = {0};
  size_t size = key.size - 2 < sizeof(text) - 1 ? key.size - 2 : sizeof(text) - 1;
  memcpy(text, key.data + 2, size);
  uint64_t bits = key.data[1] == 'n' ? strtoull(text, NULL, 16) : 0;
  lua_Number number;
  memcpy(&number, &bits, sizeof(number));
  switch (key.data[1]) {
  case 'i':
    lua_pushinteger(L, (lua_Integer)strtoll(text, NULL, 10));
    break;
  case 'n':
    if (number != number) { /* hostile: NaN cannot be a key */
      (void)luaL_error(L, "a key is not a number");
    }
    lua_pushnumber(L, number);
    break;
  case 't':
  case 'f':
    lua_pushboolean(L, key.data[1] == 't');
    break;
  default:
    push_text(L, span_of(key.data + 1, key.size - 1));
  }
}

static void push_key(lua_State *L, struct span key, enum convert_keys keys) {
  if (keys == KEYS_KEPT && key.size >= 2 && key.data[0] == ESCAPE) {
    push_kept_key(L, key);
  } else {
    push_text(L, key);
  }
}

/* --- from Lua --- */

static struct value from_lua(const struct conversion *c, int index, unsigned depth_left);

size_t convert_count(lua_State *L, int index) {
  size_t count = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    count++;
  }
  return count;
}

size_t convert_shape(lua_State *L, int index, bool *ret_list) {
  size_t count = 0;
  size_t places = 0;
  size_t length = lua_rawlen(L, index);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    count++;
    if (lua_isinteger(L, -1)) {
      lua_Integer key = lua_tointeger(L, -1);
      places += key >= 1 && (lua_Unsigned)key <= length;
    }
  }
  *ret_list = places == count && count == length;
  return count;
}

static struct value list_from_lua(const struct conversion *c, int index, size_t count, unsigned depth_left) {
  struct value *items = ARENA_ARRAY(c->arena, struct value, count);
  for (size_t i = 0; i < count; i++) {
    (void)lua_rawgeti(c->L, index, (lua_Integer)i + 1);
    items[i] = from_lua(c, lua_gettop(c->L), depth_left - 1);
    lua_pop(c->L, 1);
  }
  return value_list(items, count);
}

static struct value map_from_lua(const struct conversion *c, int index, size_t count, unsigned depth_left) {
  struct value_field *fields = ARENA_ARRAY(c->arena, struct value_field, count);
  size_t i = 0;
  lua_pushnil(c->L);
  while (lua_next(c->L, index)) {
    fields[i].name = key_of(c, -2);
    fields[i].value = from_lua(c, lua_gettop(c->L), depth_left - 1);
    lua_pop(c->L, 1);
    i++;
  }
  struct value map;
  if (value_map(fields, count, &map) != ERR_OK) {
    (void)luaL_error(c->L, "two keys of a table are the same when written as text");
  }
  return map;
}

int convert_table(lua_State *L, int index, unsigned depth_left) {
  if (depth_left == 0) {
    (void)luaL_error(L, "a table holds itself or is nested too deep");
  }
  luaL_checkstack(L, STACK_NEEDED, "nested too deep");
  int proxy = convert_proxy(L, index);
  if (proxy >= 0) {
    convert_push_proxy(L, (enum script_proxy)proxy);
  } else if (lua_getmetatable(L, index)) {
    (void)luaL_error(L, "a library is no value");
  } else {
    lua_pushvalue(L, index);
  }
  return lua_gettop(L);
}

static struct value table_from_lua(const struct conversion *c, int index, unsigned depth_left) {
  int table = convert_table(c->L, index, depth_left);
  bool list;
  size_t count = convert_shape(c->L, table, &list);
  sandbox_charge(c->L, count + 1); /* what goes into an arena is paid for: a chart could ask for it in a loop */
  struct value v = list ? list_from_lua(c, table, count, depth_left) : map_from_lua(c, table, count, depth_left);
  lua_settop(c->L, table - 1);
  return v;
}

static struct value from_lua(const struct conversion *c, int index, unsigned depth_left) {
  switch (lua_type(c->L, index)) {
  case LUA_TNIL:
    return value_nil();
  case LUA_TBOOLEAN:
    return value_bool(lua_toboolean(c->L, index));
  case LUA_TNUMBER:
    return lua_isinteger(c->L, index) ? value_int(lua_tointeger(c->L, index)) : value_real(lua_tonumber(c->L, index));
  case LUA_TSTRING:
    sandbox_charge(c->L, lua_rawlen(c->L, index) / BYTES_PER_STEP);
    return value_text(arena_copy(c->arena, text_at(c->L, index)));
  case LUA_TTABLE:
    return table_from_lua(c, index, depth_left);
  default:
    (void)luaL_error(c->L, "a %s is no value", luaL_typename(c->L, index));
    return value_nil();
  }
}

struct value convert_from_lua(lua_State *L, int index, struct arena *arena, enum convert_keys keys) {
  const struct conversion c = {L, arena, keys};
  return from_lua(&c, lua_absindex(L, index), VALUE_DEPTH_MAX);
}

/* --- to Lua; the depth of a value is bounded by whoever made it --- */

void convert_push(lua_State *L, const struct value *v, enum convert_keys keys) {
  luaL_checkstack(L, STACK_NEEDED, "nested too deep");
  switch (v->kind) {
  case VALUE_NIL:
    lua_pushnil(L);
    break;
  case VALUE_BOOL:
    lua_pushboolean(L, v->truth);
    break;
  case VALUE_INT:
    lua_pushinteger(L, v->integer);
    break;
  case VALUE_REAL:
    lua_pushnumber(L, v->real);
    break;
  case VALUE_TEXT:
    push_text(L, v->text);
    break;
  case VALUE_LIST:
    lua_createtable(L, v->list.count < INT32_MAX ? (int)v->list.count : 0, 0);
    for (size_t i = 0; i < v->list.count; i++) {
      convert_push(L, &v->list.items[i], keys);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    break;
  case VALUE_MAP:
    lua_createtable(L, 0, v->map.count < INT32_MAX ? (int)v->map.count : 0);
    for (size_t i = 0; i < v->map.count; i++) {
      push_key(L, v->map.fields[i].name, keys);
      convert_push(L, &v->map.fields[i].value, keys);
      lua_rawset(L, -3);
    }
    break;
  }
}

/* --- copying inside Lua --- */

static void push_copy(lua_State *L, int index, unsigned depth_left) {
  if (lua_type(L, index) != LUA_TTABLE) {
    lua_pushvalue(L, index);
    return;
  }
  int proxy = convert_proxy(L, index);
  if (proxy == PROXY_PROCESSORS) {
    lua_pushvalue(L, index);
    return;
  }
  if (depth_left == 0) {
    (void)luaL_error(L, "a table holds itself or is nested too deep");
  }
  luaL_checkstack(L, STACK_NEEDED, "nested too deep");
  if (proxy >= 0) {
    convert_push_proxy(L, (enum script_proxy)proxy);
    return;
  }
  lua_createtable(L, (int)lua_rawlen(L, index), 0);
  int copy = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    push_copy(L, lua_gettop(L), depth_left - 1);
    lua_pushvalue(L, copy + 1);
    lua_insert(L, -2);
    lua_rawset(L, copy);
    lua_settop(L, copy + 1);
  }
}

void convert_push_copy(lua_State *L, int index) {
  push_copy(L, lua_absindex(L, index), VALUE_DEPTH_MAX);
}

/* --- views of the system variables inside of tables --- */

/* With a table on top of the stack, under its key and `parent`. `seen` holds the tables that were walked. */
static void settle(lua_State *L, int parent, int seen, unsigned depth_left) {
  int value = lua_gettop(L);
  if (lua_type(L, value) != LUA_TTABLE || depth_left == 0) {
    return;
  }
  luaL_checkstack(L, STACK_NEEDED, "nested too deep");
  int proxy = convert_proxy(L, value);
  if (proxy >= 0) {
    if (proxy != PROXY_PROCESSORS) {
      lua_pushvalue(L, value - 1);
      convert_push_proxy(L, (enum script_proxy)proxy);
      lua_rawset(L, parent);
    }
    return;
  }
  lua_pushvalue(L, value);
  bool known = lua_rawget(L, seen) != LUA_TNIL;
  lua_pop(L, 1);
  if (known || lua_getmetatable(L, value)) {
    lua_settop(L, value);
    return;
  }
  lua_pushvalue(L, value);
  lua_pushboolean(L, 1);
  lua_rawset(L, seen);
  lua_pushnil(L);
  while (lua_next(L, value)) {
    settle(L, value, seen, depth_left - 1);
    lua_settop(L, value + 1);
  }
}

void convert_settle(lua_State *L, int parent) {
  parent = lua_absindex(L, parent);
  lua_createtable(L, 0, 0);
  int seen = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, parent)) {
    settle(L, parent, seen, VALUE_DEPTH_MAX);
    lua_settop(L, seen + 1);
  }
  lua_settop(L, seen - 1);
}
