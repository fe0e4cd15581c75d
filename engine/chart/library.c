/*
 * What scripts can call.
 *
 * Everything here is pure and bounded: no clock, randomness, files, addresses, coroutines, protected calls or
 * metatables; nothing walks much memory without paying for it. pairs and next go in a fixed order, numbers before
 * texts, and table.sort is stable, so that a restored session goes on exactly as the one that was saved. Libraries are
 * shown through read-only stand-ins, because all sessions of a worker share them.
 */
#include <lauxlib.h>
#include <lualib.h>

#include "chart/session.h"

enum {
  TEXT_SIZE_MAX = 1 << 18,
  UNPACK_MAX = 250,
  BYTES_PER_STEP = 16,
  FORMAT_COST = 50, /* of one conversion */
  CONCAT_COST = 8,  /* of one item, which may be a number */
  UTF8_FOLLOW_MASK = 0xC0,
  UTF8_FOLLOW = 0x80, /* 10xxxxxx: a byte that goes on with a character */
};

static const char *const charged_base_names[] = {"tonumber", NULL};
static const char *const base_names[] = {"assert", "error", "ipairs", "select", "type", NULL};
static const char *const string_names[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper", NULL};
static const char *const table_names[] = {"insert", "remove", NULL};
static const char *const math_names[] = {"abs",  "ceil",       "floor",      "fmod", "max", "min",
                                         "modf", "sqrt",       "tointeger",  "type", "ult", "huge",
                                         "pi",   "maxinteger", "mininteger", NULL};
static const char *const utf8_names[] = {"char", "charpattern", "codepoint", "len", "offset", NULL};

/* Pays for the texts and tables among the arguments, then calls the function that it stands for. */
static int charged(lua_State *L) {
  uint64_t cost = 0;
  int count = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    int type = lua_type(L, i);
    cost += type == LUA_TSTRING || type == LUA_TTABLE ? lua_rawlen(L, i) : 0;
  }
  sandbox_charge(L, cost / BYTES_PER_STEP + 1);
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* --- order --- */

/* A system variable is listed through a table with its fields. */
static void check_listable(lua_State *L) {
  int proxy = convert_proxy(L, 1);
  if (proxy >= 0) {
    convert_push_proxy(L, (enum script_proxy)proxy);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
}

static size_t table_count(lua_State *L, int index) {
  size_t count = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    count++;
  }
  sandbox_charge(L, count);
  return count;
}

/* upvalues: the table, its keys in order, the place reached */
static int pairs_next(lua_State *L) {
  for (;;) {
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(3)) + 1;
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(3));
    if (lua_rawgeti(L, lua_upvalueindex(2), at) == LUA_TNIL) {
      return 1;
    }
    lua_pushvalue(L, -1);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
      return 2;
    }
    lua_pop(L, 2); /* removed meanwhile */
    sandbox_charge(L, 1);
  }
}

static int lib_pairs(lua_State *L) {
  check_listable(L);
  size_t count = table_count(L, 1);
  struct script_key *keys = lua_newuserdatauv(L, count * sizeof(*keys), 0);
  size_t i = 0;
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    keys[i++] = key_at(L, -1);
  }
  keys_sort(keys, count);
  lua_pushvalue(L, 1);
  lua_createtable(L, (int)count, 0);
  for (i = 0; i < count; i++) {
    key_push(L, &keys[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, pairs_next, 3);
  return 1;
}

/* The smallest key above the given one. */
static int lib_next(lua_State *L) {
  check_listable(L);
  lua_settop(L, 2);
  bool after = !lua_isnil(L, 2);
  struct script_key from = {0};
  if (after) {
    from = key_at(L, 2);
  }
  struct script_key best = {0};
  bool found = false;
  (void)table_count(L, 1);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    lua_pop(L, 1);
    struct script_key key = key_at(L, -1);
    if ((!after || key_compare(&key, &from) > 0) && (!found || key_compare(&key, &best) < 0)) {
      best = key;
      found = true;
    }
  }
  if (!found) {
    lua_pushnil(L);
    return 1;
  }
  key_push(L, &best);
  lua_pushvalue(L, -1);
  lua_rawget(L, 1);
  return 2;
}

/* --- text --- */

static int lib_tostring(lua_State *L) {
  luaL_checkany(L, 1);
  int type = lua_type(L, 1);
  if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING) {
    (void)luaL_tolstring(L, 1, NULL);
  } else {
    lua_pushstring(L, lua_typename(L, type)); /* an address would differ from run to run */
  }
  return 1;
}

static int lib_rep(lua_State *L) {
  size_t size;
  size_t gap_size;
  const char *text = luaL_checklstring(L, 1, &size);
  lua_Integer count = luaL_checkinteger(L, 2);
  const char *gap = luaL_optlstring(L, 3, "", &gap_size);
  count = size + gap_size == 0 || count < 0 ? 0 : count;
  if (count > 0 && (size + gap_size > TEXT_SIZE_MAX || count > (lua_Integer)(TEXT_SIZE_MAX / (size + gap_size)))) {
    sandbox_charge(L, UINT64_MAX);
  }
  sandbox_charge(L, (uint64_t)count + (size + gap_size) * (uint64_t)count / BYTES_PER_STEP);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (lua_Integer i = 0; i < count; i++) {
    luaL_addlstring(&buffer, text, size);
    if (i + 1 < count) {
      luaL_addlstring(&buffer, gap, gap_size);
    }
  }
  luaL_pushresult(&buffer);
  return 1;
}

static void refuse_addresses(lua_State *L, const char *format) {
  for (const char *at = strchr(format, '%'); at; at = strchr(at, '%')) {
    at++;
    at += strspn(at, "-+ #0123456789.");
    if (*at == 'p') {
      (void)luaL_error(L, "%%p is not supported");
    }
    at += *at != '\0';
  }
}

static uint64_t conversions(const char *format) {
  uint64_t count = 0;
  for (const char *at = strchr(format, '%'); at; at = strchr(at + 1, '%')) {
    count++;
  }
  return count;
}

static int lib_format(lua_State *L) {
  refuse_addresses(L, luaL_checkstring(L, 1));
  sandbox_charge(L, FORMAT_COST * conversions(lua_tostring(L, 1)));
  bool quotes = strchr(lua_tostring(L, 1), 'q') != NULL; /* byte by byte */
  for (int i = 2; i <= lua_gettop(L); i++) {
    int type = lua_type(L, i);
    sandbox_charge(L, quotes && type == LUA_TSTRING ? lua_rawlen(L, i) : 0);
    if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA) {
      lua_pushstring(L, lua_typename(L, type));
      lua_replace(L, i);
    }
  }
  return charged(L); /* the upvalue is the original */
}

/* upvalue: the iterator of utf8.codes, which passes over the bytes that go on with a character, however many. */
static int codes_next(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  lua_Integer at = lua_tointeger(L, 2);
  size_t from = at > 0 && (lua_Unsigned)at < size ? (size_t)at : size;
  size_t end = from;
  while (end < size && ((unsigned char)text[end] & UTF8_FOLLOW_MASK) == UTF8_FOLLOW) {
    end++;
  }
  sandbox_charge(L, (end - from) / BYTES_PER_STEP);
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* upvalue: the original */
static int lib_codes(lua_State *L) {
  int count = charged(L);
  lua_pushvalue(L, -count);
  lua_pushcclosure(L, codes_next, 1);
  lua_replace(L, -count - 1);
  return count;
}

/* --- tables --- */

/* How many places a range names, as far as anybody could pay for them. */
static uint64_t range_count(lua_Integer from, lua_Integer to) {
  uint64_t behind_first = from <= to ? (uint64_t)to - (uint64_t)from : 0;
  return from > to ? 0 : behind_first < INT32_MAX ? behind_first + 1 : INT32_MAX;
}

/* upvalue: the original. The range is the caller's: what has no length can hold many places below 1. */
static int lib_concat(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  uint64_t length = lua_rawlen(L, 1);
  uint64_t count = range_count(luaL_optinteger(L, 3, 1), luaL_optinteger(L, 4, (lua_Integer)length));
  sandbox_charge(L, CONCAT_COST * (length > count ? length : count));
  return charged(L);
}

static int lib_unpack(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer from = luaL_optinteger(L, 2, 1);
  lua_Integer to = lua_isnoneornil(L, 3) ? (lua_Integer)lua_rawlen(L, 1) : luaL_checkinteger(L, 3);
  if (from > to) {
    return 0;
  }
  if ((lua_Unsigned)to - (lua_Unsigned)from >= UNPACK_MAX) {
    return luaL_error(L, "too many results to unpack");
  }
  int count = (int)(to - from) + 1;
  luaL_checkstack(L, count, "too many results to unpack");
  for (lua_Integer i = 0; i < count; i++) {
    (void)lua_rawgeti(L, 1, from + i);
  }
  return count;
}

/* Is the value on top less than the one below it? The stack stays as it is. */
static bool top_is_less(lua_State *L) {
  sandbox_charge(L, 1);
  if (lua_isnil(L, 2)) {
    return lua_compare(L, -1, -2, LUA_OPLT);
  }
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -4);
  lua_call(L, 2, 1);
  bool less = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return less;
}

struct merge {
  int from, to; /* stack indexes of the tables */
  lua_Integer left, middle, right;
};

static void merge_runs(lua_State *L, const struct merge *m) {
  lua_Integer a = m->left;
  lua_Integer b = m->middle;
  for (lua_Integer out = m->left; out < m->right; out++) {
    bool take_b = a >= m->middle;
    if (!take_b && b < m->right) {
      (void)lua_rawgeti(L, m->from, a);
      (void)lua_rawgeti(L, m->from, b);
      take_b = top_is_less(L);
      lua_pop(L, 2);
    }
    (void)lua_rawgeti(L, m->from, take_b ? b : a);
    lua_rawseti(L, m->to, out);
    a += !take_b;
    b += take_b;
  }
}

static void copy_list(lua_State *L, int from, int to, lua_Integer count) {
  for (lua_Integer i = 1; i <= count; i++) {
    (void)lua_rawgeti(L, from, i);
    lua_rawseti(L, to, i);
  }
}

/* Bottom-up merge sort: stable, so equal items keep their order. */
static int lib_sort(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
  }
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  sandbox_charge(L, (uint64_t)count);
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 0);
  copy_list(L, 1, 3, count);
  int from = 3;
  for (lua_Integer width = 1; width < count; width *= 2) {
    int to = from == 3 ? 4 : 3;
    for (lua_Integer left = 1; left <= count; left += 2 * width) {
      lua_Integer middle = left + width < count + 1 ? left + width : count + 1;
      lua_Integer right = middle + width < count + 1 ? middle + width : count + 1;
      merge_runs(L, &(struct merge){from, to, left, middle, right});
    }
    from = to;
  }
  copy_list(L, from, 1, count);
  return 0;
}

/* --- functions of the host --- */

static struct value *arguments_read(lua_State *L, struct arena *arena, size_t *ret_count) {
  int count = lua_gettop(L);
  struct value *arguments = ARENA_ARRAY(arena, struct value, (size_t)count);
  for (int i = 0; i < count; i++) {
    arguments[i] = convert_from_lua(L, i + 1, arena, KEYS_OUTWARD);
  }
  *ret_count = (size_t)count;
  return arguments;
}

/* upvalue: the number of the function. The worker's scratch arena is emptied with the next call. */
static int call_host(lua_State *L) {
  struct chart_worker *worker = sandbox_worker(L);
  const struct chart_function_entry *entry = &worker->functions[lua_tointeger(L, lua_upvalueindex(1))];
  size_t count;
  const struct value *arguments = arguments_read(L, &worker->scratch, &count);
  sandbox_charge(L, BYTES_PER_STEP);
  struct value result = value_nil();
  struct fault fault = {0};
  enum err err = entry->function(worker->functions_arg, arguments, count, &worker->scratch, &result, &fault);
  if (err != ERR_OK) {
    return luaL_error(L, "%s: %s", entry->name, fault.text[0] ? fault.text : err_text(err));
  }
  convert_push(L, &result, KEYS_OUTWARD);
  return 1;
}

/* --- putting it together; the library is on top of the stack --- */

static int refuse_change(lua_State *L) {
  return luaL_error(L, "this cannot be changed");
}

static void copy_functions(lua_State *L, int from, const char *const *names, bool charge) {
  for (size_t i = 0; names[i]; i++) {
    int type = lua_getfield(L, from, names[i]);
    if (charge && type == LUA_TFUNCTION) {
      lua_pushcclosure(L, charged, 1);
    }
    lua_setfield(L, -2, names[i]);
  }
}

/* Replaces the table on top by a read-only stand-in. */
static void seal(lua_State *L) {
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse_change);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

static void open_base(lua_State *L) {
  luaL_requiref(L, "_G", luaopen_base, 0);
  int base = lua_gettop(L);
  lua_pushvalue(L, -2);
  copy_functions(L, base, base_names, false);
  copy_functions(L, base, charged_base_names, true);
  lua_pop(L, 2);
  static const luaL_Reg own[] = {
      {"pairs", lib_pairs}, {"next", lib_next}, {"tostring", lib_tostring}, {"unpack", lib_unpack}, {NULL, NULL}};
  luaL_setfuncs(L, own, 0);
}

/* "10" + 1: the operators of texts go through these. The metatable of texts is on top. */
static void charge_operators(lua_State *L) {
  static const char *const names[] = {"__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm", NULL};
  for (size_t i = 0; names[i]; i++) {
    (void)lua_getfield(L, -1, names[i]);
    lua_pushcclosure(L, charged, 1);
    lua_setfield(L, -2, names[i]);
  }
}

/* Texts find their methods in the same table. */
static void open_string(lua_State *L) {
  luaL_requiref(L, "string", luaopen_string, 0);
  int original = lua_gettop(L);
  lua_createtable(L, 0, 0);
  copy_functions(L, original, string_names, true);
  lua_pushcfunction(L, lib_rep);
  lua_setfield(L, -2, "rep");
  (void)lua_getfield(L, original, "format");
  lua_pushcclosure(L, lib_format, 1);
  lua_setfield(L, -2, "format");
  library_patterns(L);
  lua_pushliteral(L, "");
  (void)lua_getmetatable(L, -1);
  charge_operators(L);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 2);
  seal(L);
  lua_setfield(L, original - 1, "string");
  lua_settop(L, original - 1);
}

struct module {
  const char *name;
  lua_CFunction open;
  const char *const *names;
  const luaL_Reg *own;  /* may be NULL */
  const luaL_Reg *paid; /* with the original of the name as upvalue; may be NULL */
};

static void open_module(lua_State *L, const struct module *module) {
  luaL_requiref(L, module->name, module->open, 0);
  int original = lua_gettop(L);
  lua_createtable(L, 0, 0);
  copy_functions(L, original, module->names, true);
  if (module->own) {
    luaL_setfuncs(L, module->own, 0);
  }
  for (const luaL_Reg *paid = module->paid; paid && paid->name; paid++) {
    (void)lua_getfield(L, original, paid->name);
    lua_pushcclosure(L, paid->func, 1);
    lua_setfield(L, -2, paid->name);
  }
  seal(L);
  lua_setfield(L, original - 1, module->name);
  lua_settop(L, original - 1);
}

static void open_host_functions(lua_State *L, const struct chart_worker *worker) {
  for (int i = 0; worker->functions && worker->functions[i].name; i++) {
    lua_pushinteger(L, i);
    lua_pushcclosure(L, call_host, 1);
    lua_setfield(L, -2, worker->functions[i].name);
  }
}

void library_open(lua_State *L, struct chart_worker *worker) {
  static const luaL_Reg table_own[] = {{"sort", lib_sort}, {"unpack", lib_unpack}, {NULL, NULL}};
  static const luaL_Reg table_paid[] = {{"concat", lib_concat}, {NULL, NULL}};
  static const luaL_Reg utf8_paid[] = {{"codes", lib_codes}, {NULL, NULL}};
  static const struct module modules[] = {{LUA_TABLIBNAME, luaopen_table, table_names, table_own, table_paid},
                                          {LUA_MATHLIBNAME, luaopen_math, math_names, NULL, NULL},
                                          {LUA_UTF8LIBNAME, luaopen_utf8, utf8_names, NULL, utf8_paid}};
  lua_createtable(L, 0, 0);
  open_base(L);
  open_string(L);
  for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
    open_module(L, &modules[i]);
  }
  open_host_functions(L, worker);
  lua_pushvalue(L, -1);
  worker->library_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  system_open(L, worker);
}

bool library_has(struct chart_worker *worker, struct span name) {
  lua_State *L = worker->L;
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, worker->library_ref);
  lua_pushlstring(L, name.data ? (const char *)name.data : "", name.size);
  bool has = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return has;
}
