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
  uint64_t rebuilt;  /* bytes of parts of objects, above all of tables, that have not been paid for */
  uint32_t refusals; /* since the budget was filled */
  bool armed;
  bool compiling;
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
  bool hooked;                   /* instructions are being counted */
  bool defines_functions;        /* some chunk does: calls are looked at */
  struct chart_session *current; /* whose variables `_ENV` is */
  int slot_ref;                  /* a function that holds the shared `_ENV` upvalue */
  int environment_meta_ref;      /* metatable of all variables: library, system variables */
  int library_ref;
  int event_data_ref;         /* _event.data as a table, made when first asked for */
  uint64_t event_data_serial; /* of which event; 0 none */
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
/* The same with the value on top of the stack, which it takes, as a second argument. */
enum err sandbox_run_with(struct chart_worker *worker, lua_CFunction run, void *op, struct fault *fault);
/* Calls a compiled expression, whose value it leaves on the stack. `bounded`: it cannot run for long. */
enum err sandbox_call(struct chart_worker *worker, int ref, bool bounded, struct fault *fault);
/* For library functions: takes `cost` from the instructions left; raises when there are none. */
void sandbox_charge(lua_State *L, uint64_t cost);
struct chart_worker *sandbox_worker(lua_State *L);
/* Makes the library of scripts, the system variables and the metatable of environments (library.c). Raises. */
void library_open(lua_State *L, struct chart_worker *worker);
void system_open(lua_State *L, struct chart_worker *worker);
/* True for the names of the system: they can neither be declared nor assigned. */
bool system_reserves(struct span name);
/* True for the names of the library: a variable of such a name hides it. */
bool library_has(struct chart_worker *worker, struct span name);
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
size_t convert_count(lua_State *L, int index); /* entries of a table */
/* The number of entries of the table at `index`, and whether its keys are exactly 1 … count. */
size_t convert_shape(lua_State *L, int index, bool *ret_list);
/* Pushes the table at `index`, or the fields of the system variable that it is; gives its place on the stack. Raises
 * when it is too deep, and for a library. */
int convert_table(lua_State *L, int index, unsigned depth_left);
/* Replaces _event and _x, wherever they stand in the table `parent`, by tables with their present fields. */
void convert_settle(lua_State *L, int parent);
/* The proxy that stands at `index`, or -1. */
int convert_proxy(lua_State *L, int index);
/* Pushes a table with the fields of a proxy. */
void convert_push_proxy(lua_State *L, enum script_proxy proxy);

/* --- keys of tables, in one order (keys.c) --- */

enum key_rank { KEY_FALSE, KEY_TRUE, KEY_NUMBER, KEY_TEXT };
struct script_key {
  enum key_rank rank;
  bool is_integer;
  lua_Integer integer;
  lua_Number number;
  struct span text; /* borrowed from the table */
};
/* Raises for what has no order. */
struct script_key key_at(lua_State *L, int index);
int key_compare(const void *a, const void *b);
void keys_sort(struct script_key *keys, size_t count);
void key_push(lua_State *L, const struct script_key *key);

/* --- functions that the document's script defines (defined.c) --- */

/* Notes them, once the chart is compiled. */
void defined_find(struct chart *chart);
void defined_release(struct chart *chart);
/* Which of the current session's chart the function at `index` is; NULL: none, or it has state of its own. */
const struct defined *defined_of(lua_State *L, int index);
const struct defined *defined_named(const struct chart *chart, struct span name);

/* --- values as bytes (keep.c) --- */

/* What stands at `index`, nil included; of a function of the document's script its name. Raises for what cannot be
 * kept. */
void keep_write(lua_State *L, int index, struct writer *w, struct arena *scratch);
/* Passes over one value. False: bytes that keep_write never makes for a session of this chart. */
bool keep_check(struct reader *r, bool may_be_nothing, const struct chart *chart);
enum { KEEP_NOTHING = 0 /* the one byte of an unbound variable */ };
/* Of bytes that have been checked. Raises when memory is refused. */
void keep_push(lua_State *L, struct reader *r);

/* --- chunks --- */

/* Compiles `return (TEXT)`; on failure *ret_problem is the message in `arena` and the result LUA_NOREF. */
int script_compile_expr(struct chart_worker *worker, struct span text, struct arena *arena, struct span *ret_problem);
int script_compile_chunk(struct chart_worker *worker, struct span text, struct arena *arena, struct span *ret_problem);
/* A chunk that puts its argument into the location. */
int script_compile_location(struct chart_worker *worker, struct span text, struct arena *arena,
                            struct span *ret_problem);
void script_release(struct chart_worker *worker, int ref);
/* A reference to a text, for script_release. */
int script_keep_name(struct chart_worker *worker, struct span name);

/* --- evaluating and assigning (datamodel.c) --- */

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
enum err script_declare(struct chart_session *session, const struct data *datum, struct fault *fault) MUST_CHECK;
enum err script_set(struct chart_session *session, const struct data *datum, const struct value *value,
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

/* --- a session's variables (variables.c) --- */

/* A variable of the chart into the environment, for whoever asked for it by name: pushes its value, nil if there is
 * none (variables.c). Raises. */
void variables_index(lua_State *L, struct chart_session *session, struct span name);
/* The environment is about to hold what bears this name now. */
void variables_assigned(struct chart_session *session, struct span name);
/* Pushes a variable by its number among the chart's, NONE for one that no <data> declares. Raises. */
void variables_push(lua_State *L, struct chart_session *session, uint32_t variable, struct span name);
/* Pops the value on top into the variable. Raises. */
void variables_put(lua_State *L, struct chart_session *session, uint32_t variable, struct span name);
/* The session is to be used for another case: nothing is bound. */
void variables_clear(struct chart_session *session);

/* Writes all variables; they are bytes from then on, so that the session goes on as one that is restored from them.
 * ERR_UNSUPPORTED names the variable that cannot be kept; then nothing has changed. */
enum err variables_save(struct chart_session *session, struct writer *w, struct fault *fault) MUST_CHECK;
/* ERR_CORRUPT for bytes that no save made. */
enum err variables_restore(struct chart_session *session, struct reader *r, struct fault *fault) MUST_CHECK;
/* The same as a map with names, for a snapshot that another chart can read. */
enum err variables_save_map(struct chart_session *session, struct arena *arena, struct value *ret_map,
                            struct fault *fault) MUST_CHECK;
enum err variables_restore_map(struct chart_session *session, const struct value *map, struct fault *fault) MUST_CHECK;

#endif
