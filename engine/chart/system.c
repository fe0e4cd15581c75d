/*
 * Variables, as scripts see them.
 *
 * The environment of a session holds its own variables and nothing else. What is not there is looked for in the
 * library, then among the system variables (section 5.10), then among the variables that are still bytes. _event, _x
 * and _ioprocessors are empty tables whose fields are made when they are asked for: an event that no condition looks at
 * costs nothing, and there is nothing to overwrite. They are equal to any table with the same content, so that a
 * variable that has kept one of them still compares equal after the session was restored.
 */
#include <lauxlib.h>

#include "chart/session.h"

enum { EQUAL_DEPTH_MAX = VALUE_DEPTH_MAX };

static struct chart_session *session_of(lua_State *L) {
  return sandbox_worker(L)->current;
}

static void push_span(lua_State *L, struct span s) {
  lua_pushlstring(L, s.data ? (const char *)s.data : "", s.size);
}

/* Section 5.10.1: fields that do not apply stay empty, which in Lua is nil. */
static void push_present(lua_State *L, struct span s) {
  if (span_empty(s)) {
    lua_pushnil(L);
  } else {
    push_span(L, s);
  }
}

/* --- _event --- */

static void push_event_data(lua_State *L, const struct event *event) {
  struct chart_worker *worker = sandbox_worker(L);
  if (event->data.kind != VALUE_LIST && event->data.kind != VALUE_MAP) {
    convert_push(L, &event->data, KEYS_OUTWARD);
    return;
  }
  if (worker->event_data_serial != event->serial) {
    convert_push(L, &event->data, KEYS_OUTWARD);
    lua_rawseti(L, LUA_REGISTRYINDEX, worker->event_data_ref);
    worker->event_data_serial = event->serial;
  }
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, worker->event_data_ref);
}

static void push_event_field(lua_State *L, const struct event *event, struct span field) {
  static const char *const types[] = {"platform", "internal", "external"};
  if (span_is(field, "data")) {
    push_event_data(L, event);
  } else if (span_is(field, "name")) {
    push_span(L, event->name);
  } else if (span_is(field, "type")) {
    lua_pushstring(L, types[event->type]);
  } else if (span_is(field, "sendid")) {
    push_present(L, event->sendid);
  } else if (span_is(field, "origin")) {
    push_present(L, event->origin);
  } else if (span_is(field, "origintype")) {
    push_present(L, event->origintype);
  } else if (span_is(field, "invokeid")) {
    push_present(L, event->invokeid);
  } else {
    lua_pushnil(L);
  }
}

/* --- _x and _ioprocessors --- */

static const struct value *platform_of(lua_State *L) {
  const struct call *call = session_of(L)->root->call;
  return call && call->moment ? &call->moment->platform : NULL;
}

static void push_processor(lua_State *L, struct span field) {
  if (!span_is(field, "scxml") && !span_is(field, SCXML_PROCESSOR)) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, SESSION_PREFIX);
  push_span(L, session_of(L)->id);
  lua_concat(L, 2);
  lua_setfield(L, -2, "location");
}

static void push_field(lua_State *L, enum script_proxy proxy, struct span field) {
  if (proxy == PROXY_EVENT && session_of(L)->event) {
    push_event_field(L, session_of(L)->event, field);
  } else if (proxy == PROXY_PROCESSORS) {
    push_processor(L, field);
  } else {
    const struct value *value = proxy == PROXY_PLATFORM ? value_find(platform_of(L), field) : NULL;
    const struct value none = value_nil();
    convert_push(L, value ? value : &none, KEYS_OUTWARD);
  }
}

/* upvalue: which */
static int proxy_index(lua_State *L) {
  if (!session_of(L) || lua_type(L, 2) != LUA_TSTRING) {
    lua_pushnil(L);
    return 1;
  }
  size_t size;
  const char *field = lua_tolstring(L, 2, &size);
  push_field(L, (enum script_proxy)lua_tointeger(L, lua_upvalueindex(1)), span_of(field, size));
  return 1;
}

static void set_field(lua_State *L, enum script_proxy proxy, const char *field) {
  push_field(L, proxy, span_of_cstr(field));
  lua_setfield(L, -2, field);
}

void convert_push_proxy(lua_State *L, enum script_proxy proxy) {
  static const char *const event_fields[] = {"name",   "type",       "data",     "sendid",
                                             "origin", "origintype", "invokeid", NULL};
  lua_createtable(L, 0, 0);
  if (proxy == PROXY_PROCESSORS) {
    set_field(L, proxy, "scxml");
    set_field(L, proxy, SCXML_PROCESSOR);
    return;
  }
  for (size_t i = 0; proxy == PROXY_EVENT && event_fields[i]; i++) {
    set_field(L, proxy, event_fields[i]);
  }
  const struct value *platform = proxy == PROXY_PLATFORM ? platform_of(L) : NULL;
  for (size_t i = 0; platform && platform->kind == VALUE_MAP && i < platform->map.count; i++) {
    push_span(L, platform->map.fields[i].name);
    convert_push(L, &platform->map.fields[i].value, KEYS_OUTWARD);
    lua_rawset(L, -3);
  }
}

int convert_proxy(lua_State *L, int index) {
  const struct chart_worker *worker = sandbox_worker(L);
  const void *identity = lua_type(L, index) == LUA_TTABLE ? lua_topointer(L, index) : NULL;
  for (int i = 0; identity && i < PROXIES_COUNT; i++) {
    if (worker->proxies[i] == identity) {
      return i;
    }
  }
  return -1;
}

static int refuse_change(lua_State *L) {
  return luaL_error(L, "a system variable cannot be changed");
}

/* Compares as values: slow, but only ever asked of a system variable. */
static int proxy_equal(lua_State *L) {
  struct chart_worker *worker = sandbox_worker(L);
  struct value a = convert_from_lua(L, 1, &worker->scratch, KEYS_KEPT);
  struct value b = convert_from_lua(L, 2, &worker->scratch, KEYS_KEPT);
  lua_pushboolean(L, value_equal(&a, &b));
  return 1;
}

static void open_proxy(lua_State *L, struct chart_worker *worker, enum script_proxy proxy) {
  lua_createtable(L, 0, 0);
  worker->proxies[proxy] = lua_topointer(L, -1);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, proxy);
  lua_pushcclosure(L, proxy_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse_change);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, proxy_equal);
  lua_setfield(L, -2, "__eq");
  lua_setmetatable(L, -2);
  worker->proxy_refs[proxy] = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* --- the environment --- */

/* Whether a name is one of the system's, and if so which. */
enum system_name { NAME_EVENT, NAME_PLATFORM, NAME_PROCESSORS, NAME_SESSION, NAME_NAME, NAME_IN, NAME_NONE };

static enum system_name system_name(struct span name) {
  static const char *const names[] = {"_event", "_x", "_ioprocessors", "_sessionid", "_name", "In"};
  for (int i = 0; i < NAME_NONE; i++) {
    if (span_is(name, names[i])) {
      return (enum system_name)i;
    }
  }
  return NAME_NONE;
}

bool system_reserves(struct span name) {
  return system_name(name) != NAME_NONE;
}

static void push_system(lua_State *L, enum system_name name) {
  const struct chart_session *s = session_of(L);
  switch (name) {
  case NAME_EVENT:
  case NAME_PLATFORM:
  case NAME_PROCESSORS:
    if (name == NAME_EVENT && !s->event) { /* not bound before the first event (section 5.10) */
      lua_pushnil(L);
    } else {
      (void)lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox_worker(L)->proxy_refs[name]);
    }
    break;
  case NAME_SESSION:
    push_span(L, s->id);
    break;
  case NAME_NAME:
    push_span(L, s->chart->name);
    break;
  default:
    lua_pushnil(L);
  }
}

static int system_index(lua_State *L) {
  size_t size;
  const char *text = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &size) : NULL;
  enum system_name name = text && text[0] == '_' ? system_name(span_of(text, size)) : NAME_NONE;
  if (!text || !session_of(L)) {
    lua_pushnil(L);
  } else if (name != NAME_NONE) {
    push_system(L, name);
  } else {
    variables_index(L, session_of(L), span_of(text, size));
  }
  return 1;
}

static int environment_set(lua_State *L) {
  size_t size;
  const char *text = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &size) : NULL;
  if (text && system_name(span_of(text, size)) != NAME_NONE) {
    return luaL_error(L, "\"%s\" cannot be changed", text);
  }
  if (!text) {
    return luaL_error(L, "only names can be assigned");
  }
  lua_settop(L, 3);
  lua_rawset(L, 1);
  variables_assigned(session_of(L), span_of(text, size));
  return 0;
}

static int lib_in(lua_State *L) {
  size_t size;
  const char *id = luaL_checklstring(L, 1, &size);
  const struct chart_session *s = session_of(L);
  uint32_t state = chart_state_find(s->chart, span_of(id, size));
  lua_pushboolean(L, state != NONE && bits_get(s->config, state));
  return 1;
}

void system_open(lua_State *L, struct chart_worker *worker) {
  for (int i = 0; i < PROXIES_COUNT; i++) {
    open_proxy(L, worker, (enum script_proxy)i);
  }
  lua_pushboolean(L, 0);
  worker->event_data_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushcfunction(L, lib_in);
  lua_setfield(L, -2, "In");
  lua_createtable(L, 0, 1); /* behind the library: the system variables */
  lua_pushcfunction(L, system_index);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, environment_set);
  lua_setfield(L, -2, "__newindex");
  worker->environment_meta_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
}
