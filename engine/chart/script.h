/*
 * chart/script.h — Lua, kept in its place.
 *
 * Purpose: one Lua state per worker with a library of pure functions; chunks compiled once into its registry, all
 * sharing one `_ENV` upvalue that is pointed at the running session's variables. Every call into Lua that can raise
 * runs protected and under the budget of the session's call: instructions, memory and the bytes that library functions
 * walk.
 *
 * Errors: ERR_SCRIPT with a message for what a chart may handle (error.execution); ERR_LIMIT when a budget is used
 * up. Threading: as the worker. Never: hands a script a clock, randomness, files, addresses or another session's data.
 */
#ifndef KURATOR_CHART_SCRIPT_H
#define KURATOR_CHART_SCRIPT_H

#include <lauxlib.h>
#include <lua.h>

#include "chart/tables.h"

struct chart_session;

struct script_memory {
  size_t used;      /* bytes held by the Lua state */
  size_t used_max;  /* while armed */
  uint64_t traffic; /* bytes allocated since the budget was filled */
  uint64_t traffic_max;
  uint32_t refusals; /* since the budget was filled */
  bool armed;
};

/* The system variables that are tables: empty ones whose fields are made when they are asked for. */
enum script_proxy { PROXY_EVENT, PROXY_PLATFORM, PROXY_PROCESSORS, PROXIES_COUNT };

struct chart_worker {
  lua_State *L;
  struct chart_limits limits;
  const struct chart_function_entry *functions;
  void *functions_arg;
  struct script_memory memory;
  int64_t instructions_left;
  struct chart_session *current; /* whose variables `_ENV` is */
  int slot_ref;                  /* a function that holds the shared `_ENV` upvalue */
  int environment_meta_ref;      /* metatable of all variables: library, system variables */
  int event_data_ref;            /* _event.data as a table, made when first asked for */
  uint64_t event_data_serial;    /* of which event; 0 none */
  uint64_t event_serial;
  int proxy_refs[PROXIES_COUNT];
  const void *proxies[PROXIES_COUNT]; /* identities of _event, _x and _ioprocessors */
  struct arena scratch;
};

/* --- the Lua state (sandbox.c) --- */

enum err sandbox_open(struct chart_worker *worker);
void sandbox_close(struct chart_worker *worker);
/* Before each call of a session's owner. */
void sandbox_refill(struct chart_worker *worker);
/* Runs `run(L)` with `op` as its light userdata argument, protected and under the budget. */
enum err sandbox_run(struct chart_worker *worker, lua_CFunction run, void *op, struct fault *fault);
/* For library functions: takes `cost` from the instructions left; raises when there are none. */
void sandbox_charge(lua_State *L, uint64_t cost);
struct chart_worker *sandbox_worker(lua_State *L);
/* Makes the library of scripts, the system variables and the metatable of environments (library.c). Raises. */
void library_open(lua_State *L, struct chart_worker *worker);
void system_open(lua_State *L, struct chart_worker *worker);
/* True for the names of the system: they can neither be declared nor assigned. */
bool system_reserves(struct span name);
/* string.find, match, gmatch and gsub with a budget, into the table on top (pattern.c). */
void library_patterns(lua_State *L);

/* --- values (convert.c); these raise, so they run inside sandbox_run --- */

enum convert_keys {
  KEYS_OUTWARD, /* for others: numbers that are no list's become decimal text */
  KEYS_KEPT,    /* for snapshots: the kind of each key survives */
};
/* What stands at `index` as a value in `arena`. An empty table is a list. */
struct value convert_from_lua(lua_State *L, int index, struct arena *arena, enum convert_keys keys);
void convert_push(lua_State *L, const struct value *v, enum convert_keys keys);
/* Pushes a copy that shares nothing with what stands at `index`; the system variables keep their identity. */
void convert_push_copy(lua_State *L, int index);
/* With a key and its value on top of the stack, while `parent` is being walked with lua_next: where the value, or a
 * table inside it, is in the table `seen` already, it is replaced by a copy. Adds the tables that it meets to `seen`.
 */
void convert_part(lua_State *L, int parent, int seen);
/* The proxy that stands at `index`, or -1. */
int convert_proxy(lua_State *L, int index);
/* Pushes a table with the fields of a proxy. */
void convert_push_proxy(lua_State *L, enum script_proxy proxy);

/* --- chunks --- */

/* Compiles `return (TEXT)`; on failure *ret_problem is the message in `arena` and the result LUA_NOREF. */
int script_compile_expr(struct chart_worker *worker, struct span text, struct arena *arena, struct span *ret_problem);
int script_compile_chunk(struct chart_worker *worker, struct span text, struct arena *arena, struct span *ret_problem);
/* A chunk that puts its argument into the location. */
int script_compile_location(struct chart_worker *worker, struct span text, struct arena *arena,
                            struct span *ret_problem);
void script_release(struct chart_worker *worker, int ref);

/* --- a session's variables (datamodel.c) --- */

enum err script_environment_create(struct chart_session *session);
void script_environment_destroy(struct chart_session *session);
/* Points `_ENV` at the session. */
void script_enter(struct chart_session *session);

enum err script_test(struct chart_session *session, uint32_t expr, bool *ret_truth, struct fault *fault) MUST_CHECK;
enum err script_run(struct chart_session *session, uint32_t expr, struct fault *fault) MUST_CHECK;
/* Texts and tables of the value live in `arena`. */
enum err script_value(struct chart_session *session, uint32_t expr, struct arena *arena, struct value *ret_value,
                      struct fault *fault) MUST_CHECK;
/* As text, for names, targets and log lines: numbers and booleans are written out; nil is an error if `needed`. */
enum err script_text(struct chart_session *session, uint32_t expr, struct arena *arena, struct span *ret_text,
                     struct fault *fault) MUST_CHECK;
enum err script_assign(struct chart_session *session, uint32_t location, uint32_t expr, struct fault *fault) MUST_CHECK;
enum err script_put(struct chart_session *session, uint32_t location, const struct value *value,
                    struct fault *fault) MUST_CHECK;
/* The value at a location; an undeclared variable is an error. */
enum err script_read(struct chart_session *session, uint32_t location, struct arena *arena, struct value *ret_value,
                     struct fault *fault) MUST_CHECK;
/* <data>: sets the variable from its expression (NONE: leaves it unbound). */
enum err script_declare(struct chart_session *session, struct span name, uint32_t expr, struct fault *fault) MUST_CHECK;
enum err script_set(struct chart_session *session, struct span name, const struct value *value,
                    struct fault *fault) MUST_CHECK;
enum err script_get(struct chart_session *session, struct span name, struct arena *arena, struct value *ret_value,
                    struct fault *fault) MUST_CHECK;

struct script_loop {
  int ref; /* the copied list */
  int64_t count;
};
enum err script_loop_begin(struct chart_session *session, uint32_t expr, struct script_loop *ret_loop,
                           struct fault *fault) MUST_CHECK;
/* Binds the item and, unless NONE, the index (from 1). */
enum err script_loop_item(struct chart_session *session, const struct script_loop *loop, int64_t place, uint32_t item,
                          uint32_t index, struct fault *fault) MUST_CHECK;
void script_loop_end(struct chart_session *session, const struct script_loop *loop);

/* All variables as a map, and back. ERR_UNSUPPORTED names the variable that cannot be kept. */
enum err script_save(struct chart_session *session, struct arena *arena, struct value *ret_map,
                     struct fault *fault) MUST_CHECK;
enum err script_restore(struct chart_session *session, const struct value *map, struct fault *fault) MUST_CHECK;
/* After a script element: no variable may go on being a view of the present event. */
enum err script_settle(struct chart_session *session, struct fault *fault) MUST_CHECK;

#endif
