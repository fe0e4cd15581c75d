/*
 * The keys of tables, in one order: false, true, numbers, texts.
 *
 * Lua walks a table in an order that depends on how it was filled. Whatever a script can see of it (pairs, next) and
 * whatever is written down goes by this order instead. Texts stay borrowed from the table that they are keys of.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "chart/script.h"

struct script_key key_at(lua_State *L, int index) {
  struct script_key key = {0};
  switch (lua_type(L, index)) {
  case LUA_TBOOLEAN:
    key.rank = lua_toboolean(L, index) ? KEY_TRUE : KEY_FALSE;
    break;
  case LUA_TNUMBER:
    key.rank = KEY_NUMBER;
    key.is_integer = lua_isinteger(L, index);
    key.integer = lua_tointeger(L, index);
    key.number = lua_tonumber(L, index);
    break;
  case LUA_TSTRING: {
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    key.rank = KEY_TEXT;
    key.text = span_of(text, size);
    break;
  }
  default:
    (void)luaL_error(L, "a %s cannot be a key", luaL_typename(L, index));
  }
  return key;
}

int key_compare(const void *a, const void *b) {
  const struct script_key *x = a;
  const struct script_key *y = b;
  if (x->rank != y->rank) {
    return x->rank < y->rank ? -1 : 1;
  }
  if (x->rank == KEY_TEXT) {
    return span_compare(x->text, y->text);
  }
  if (x->is_integer && y->is_integer) {
    return (x->integer > y->integer) - (x->integer < y->integer);
  }
  if (x->number != y->number) {
    return x->number > y->number ? 1 : -1;
  }
  return (int)y->is_integer - (int)x->is_integer; /* 2^63 - 1 is rounded to the number 2^63 */
}

void key_push(lua_State *L, const struct script_key *key) {
  if (key->rank == KEY_TEXT) {
    lua_pushlstring(L, key->text.data ? (const char *)key->text.data : "", key->text.size);
  } else if (key->rank != KEY_NUMBER) {
    lua_pushboolean(L, key->rank == KEY_TRUE);
  } else if (key->is_integer) {
    lua_pushinteger(L, key->integer);
  } else {
    lua_pushnumber(L, key->number);
  }
}

enum { INSERTION_SORT_MAX = 12 };

void keys_sort(struct script_key *keys, size_t count) {
  if (count > INSERTION_SORT_MAX) {
    qsort(keys, count, sizeof(*keys), key_compare);
    return;
  }
  for (size_t i = 1; i < count; i++) {
    struct script_key moved = keys[i];
    size_t at = i;
    for (; at > 0 && key_compare(&keys[at - 1], &moved) > 0; at--) {
      keys[at] = keys[at - 1];
    }
    keys[at] = moved;
  }
}
