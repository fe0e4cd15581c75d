/*
 * The Lua state of a worker and its budget.
 *
 * Three things are counted from one sandbox_refill to the next: instructions (by a count hook, which each run starts
 * anew, so that the count depends on nothing before; by library functions that walk long texts or tables in C, where no
 * hook runs; and a little for each run), bytes held above what was held at the refill, and bytes asked for at all, so
 * that making garbage in a circle ends too. An expression without a call is run without the hook, which Lua asks at
 * every instruction: it cannot run for longer than its text. Memory is only refused while a protected
 * call runs (`armed`); outside of one, Lua would have nowhere to raise the error. (The compiler of Lua is protected
 * by itself: while it runs, `compiling`, a text that no script could make is refused.)
 *
 * One instruction must cost about as much as another. Two of them can be made to walk as much as there is: passing on
 * the arguments or results of a function, whose number can grow with each call, and setting a key in a full table,
 * which is then built anew. So calls are looked at, too, as soon as a chunk defines a function, and what tables are
 * built of counts by its size.
 *
 * A few refusals are answered by Lua with a full collection. After REFUSALS_MAX of them every request fails, because a
 * script that lives at the edge of its memory would otherwise spend hours collecting.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "chart/session.h"

enum {
  HOOK_COUNT = 100, /* instructions between two calls of the hook */
  RUN_COST = 20,    /* of each run, for what ends before the hook is called */
  REFUSALS_MAX = 8,
  TRAFFIC_FACTOR = 64,
  STRING_SIZE_MAX = 1 << 18, /* bytes of one text */
  PASSED_MAX = 1000,         /* extra arguments, or results, of one call */
  REBUILT_PER_STEP = 64,     /* bytes */
};

/* --- memory --- */

/* `kind` is what Lua tells of a new block: the type of the object, or 0 for the parts of one. */
static bool memory_refuses(const struct script_memory *m, const void *ptr, size_t kind, size_t growth, size_t size) {
  bool text = !ptr && kind == LUA_TSTRING && size > STRING_SIZE_MAX;
  if (m->compiling) {
    return text;
  }
  return text || m->refusals > REFUSALS_MAX || growth > m->used_max || m->used > m->used_max - growth ||
         growth > m->traffic_max - m->traffic;
}

static void *allocate(void *arg, void *ptr, size_t old_size, size_t size) {
  struct script_memory *m = arg;
  size_t held = ptr ? old_size : 0;
  if (size == 0) {
    free(ptr);
    m->used -= held;
    return NULL;
  }
  size_t growth = size > held ? size - held : 0;
  if ((m->armed || m->compiling) && growth > 0) {
    if (memory_refuses(m, ptr, old_size, growth, size)) {
      m->refusals += m->armed;
      return NULL;
    }
    m->traffic += growth;
    m->rebuilt += !ptr && old_size == 0 ? growth : 0;
  }
  void *moved = realloc(ptr, size);
  if (moved) {
    m->used = m->used - held + size;
  }
  return moved;
}

/* --- instructions --- */

struct chart_worker *sandbox_worker(lua_State *L) {
  struct chart_worker *const *slot = lua_getextraspace(L);
  return *slot;
}

void sandbox_charge(lua_State *L, uint64_t cost) {
  struct chart_worker *worker = sandbox_worker(L);
  worker->instructions_left -= cost < INT32_MAX ? (int64_t)cost : INT32_MAX;
  if (worker->instructions_left < 0) {
    (void)luaL_error(L, "too many instructions");
  }
}

static void check_passed(lua_State *L, lua_Debug *debug) {
  bool many;
  if (debug->event == LUA_HOOKRET) {
    many = lua_getinfo(L, "r", debug) && debug->ntransfer > PASSED_MAX;
  } else {
    many = lua_getlocal(L, debug, -(PASSED_MAX + 1)) != NULL; /* the extra argument of that number */
  }
  if (many) {
    (void)luaL_error(L, "too many arguments or results");
  }
}

static void hook(lua_State *L, lua_Debug *debug) {
  if (debug->event != LUA_HOOKCOUNT) {
    check_passed(L, debug);
    return;
  }
  struct script_memory *m = &sandbox_worker(L)->memory;
  uint64_t rebuilt = m->rebuilt / REBUILT_PER_STEP;
  m->rebuilt = 0;
  sandbox_charge(L, HOOK_COUNT + rebuilt);
}

void sandbox_refill(struct chart_worker *worker) {
  struct script_memory *m = &worker->memory;
  worker->instructions_left = worker->limits.instructions_max;
  m->used_max = m->used + worker->limits.script_memory_max;
  m->traffic = 0;
  m->traffic_max = (uint64_t)worker->limits.script_memory_max * TRAFFIC_FACTOR;
  m->refusals = 0;
  m->rebuilt = 0;
}

/* --- protected calls --- */

/* "script:3: text" is line 3 of the chunk. */
static void fault_of_message(const char *message, struct fault *fault) {
  static const char prefix[] = "script:";
  uint32_t line = 0;
  if (strncmp(message, prefix, sizeof(prefix) - 1) == 0) {
    char *end;
    line = (uint32_t)strtoul(message + sizeof(prefix) - 1, &end, 10);
    message = end[0] == ':' && end[1] == ' ' ? end + 2 : message;
  }
  (void)fault_set_at(fault, ERR_SCRIPT, line, 0, "%s", message);
}

static enum err fault_of_lua(struct chart_worker *worker, int status, struct fault *fault) {
  lua_State *L = worker->L;
  enum err err = ERR_SCRIPT;
  if (status == LUA_ERRMEM) {
    err = fault_set(fault, ERR_LIMIT, "a script takes too much memory");
  } else if (worker->instructions_left < 0) {
    err = fault_set(fault, ERR_LIMIT, "a script runs too long");
  } else if (lua_type(L, -1) == LUA_TSTRING) {
    fault_of_message(lua_tostring(L, -1), fault);
  } else {
    (void)fault_set(fault, ERR_SCRIPT, "a script raised an error that is no text");
  }
  lua_pop(L, 1);
  return err;
}

/* The hook is what makes Lua slow; it is only set while something runs that could run for long. */
static void set_hook(struct chart_worker *worker, bool on) {
  if (on || worker->hooked) {
    int mask = LUA_MASKCOUNT | (worker->defines_functions ? LUA_MASKCALL | LUA_MASKRET : 0);
    lua_sethook(worker->L, on ? hook : NULL, on ? mask : 0, on ? HOOK_COUNT : 0);
    worker->hooked = on;
  }
}

static enum err call(struct chart_worker *worker, int arguments, int results, struct fault *fault) {
  bool armed = worker->memory.armed;
  worker->memory.armed = true;
  int status = lua_pcall(worker->L, arguments, results, 0);
  worker->memory.armed = armed;
  return status == LUA_OK ? ERR_OK : fault_of_lua(worker, status, fault);
}

enum err sandbox_run(struct chart_worker *worker, lua_CFunction run, void *op, struct fault *fault) {
  set_hook(worker, true);
  lua_pushcfunction(worker->L, run);
  lua_pushlightuserdata(worker->L, op);
  return call(worker, 1, 0, fault);
}

enum err sandbox_run_with(struct chart_worker *worker, lua_CFunction run, void *op, struct fault *fault) {
  set_hook(worker, true);
  lua_pushcfunction(worker->L, run);
  lua_pushlightuserdata(worker->L, op);
  lua_rotate(worker->L, -3, -1);
  return call(worker, 2, 0, fault);
}

enum err sandbox_call(struct chart_worker *worker, int ref, bool bounded, struct fault *fault) {
  worker->instructions_left -= RUN_COST;
  if (worker->instructions_left < 0) {
    return fault_set(fault, ERR_LIMIT, "a script runs too long");
  }
  set_hook(worker, !bounded);
  (void)lua_rawgeti(worker->L, LUA_REGISTRYINDEX, ref);
  return call(worker, 0, 1, fault);
}

/* --- chunks --- */

struct pieces {
  struct span text[3];
  size_t next;
};

static const char *read_piece(lua_State *L, void *arg, size_t *ret_size) {
  (void)L;
  struct pieces *pieces = arg;
  while (pieces->next < 3 && pieces->text[pieces->next].size == 0) {
    pieces->next++;
  }
  if (pieces->next == 3) {
    *ret_size = 0;
    return NULL;
  }
  struct span piece = pieces->text[pieces->next++];
  *ret_size = piece.size;
  return (const char *)piece.data;
}

static int load(struct chart_worker *worker, const char *before, struct span text, const char *after,
                struct arena *arena, struct span *ret_problem) {
  lua_State *L = worker->L;
  if (text.size > 0 && memmem(text.data, text.size, "_ENV", 4)) { /* all chunks share it */
    *ret_problem = SPAN_LITERAL("_ENV cannot be used");
    return LUA_NOREF;
  }
  struct pieces pieces = {{span_of_cstr(before), text, span_of_cstr(after)}, 0};
  worker->defines_functions |= text.size > 0 && memmem(text.data, text.size, "function", 8);
  worker->memory.compiling = true;
  int status = lua_load(L, read_piece, &pieces, "=script", "t");
  worker->memory.compiling = false;
  if (status != LUA_OK) {
    struct fault fault = {0};
    fault_of_message(status == LUA_ERRMEM ? "a text in it is too long" : lua_tostring(L, -1), &fault);
    lua_pop(L, 1);
    *ret_problem = arena_copy(arena, span_of_cstr(fault.text));
    return LUA_NOREF;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, worker->slot_ref);
  lua_upvaluejoin(L, -2, 1, -1, 1);
  lua_pop(L, 1);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

int script_keep_name(struct chart_worker *worker, struct span name) {
  lua_pushlstring(worker->L, name.data ? (const char *)name.data : "", name.size);
  return luaL_ref(worker->L, LUA_REGISTRYINDEX);
}

void script_release(struct chart_worker *worker, int ref) {
  if (ref != LUA_NOREF && ref != LUA_REFNIL) {
    luaL_unref(worker->L, LUA_REGISTRYINDEX, ref);
  }
}

/* Exactly one expression: `return 1, 2` fails between the parentheses, `1) + (2` fails without them. */
int script_compile_expr(struct chart_worker *worker, struct span text, struct arena *arena, struct span *ret_problem) {
  int bare = load(worker, "return ", text, "\n", arena, ret_problem);
  if (bare == LUA_NOREF) {
    return LUA_NOREF;
  }
  script_release(worker, bare);
  return load(worker, "return (", text, "\n)", arena, ret_problem);
}

int script_compile_chunk(struct chart_worker *worker, struct span text, struct arena *arena, struct span *ret_problem) {
  return load(worker, "", text, "", arena, ret_problem);
}

int script_compile_location(struct chart_worker *worker, struct span text, struct arena *arena,
                            struct span *ret_problem) {
  return load(worker, "", text, "\n= ...", arena, ret_problem);
}

/* --- opening and closing --- */

static void open_slot(struct chart_worker *worker) {
  lua_State *L = worker->L;
  int status = luaL_loadstring(L, "return _ENV");
  ASSERT(status == LUA_OK);
  worker->slot_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

static int open_protected(lua_State *L) {
  struct chart_worker *worker = lua_touserdata(L, 1);
  library_open(L, worker);
  return 0;
}

enum err sandbox_open(struct chart_worker *worker) {
  worker->L = lua_newstate(allocate, &worker->memory);
  if (!worker->L) {
    return ERR_NO_MEMORY;
  }
  struct chart_worker **slot = lua_getextraspace(worker->L);
  *slot = worker;
  open_slot(worker);
  lua_pushcfunction(worker->L, open_protected);
  lua_pushlightuserdata(worker->L, worker);
  if (lua_pcall(worker->L, 1, 0, 0) != LUA_OK) {
    return ERR_NO_MEMORY;
  }
  sandbox_refill(worker);
  return ERR_OK;
}

void sandbox_close(struct chart_worker *worker) {
  if (worker->L) {
    lua_close(worker->L);
    worker->L = NULL;
  }
}

enum err chart_worker_create(const struct chart_worker_options *options, struct chart_worker **ret_worker) {
  struct chart_worker *worker = calloc(1, sizeof(*worker));
  if (!worker) {
    return ERR_NO_MEMORY;
  }
  worker->limits = options->limits;
  worker->functions = options->functions;
  worker->functions_arg = options->functions_arg;
  arena_init(&worker->scratch, 0);
  enum err err = sandbox_open(worker);
  if (err != ERR_OK) {
    chart_worker_destroy(&worker);
    return err;
  }
  *ret_worker = worker;
  return ERR_OK;
}

void chart_worker_destroy(struct chart_worker **worker) {
  if (!worker || !*worker) {
    return;
  }
  sandbox_close(*worker);
  arena_finish(&(*worker)->scratch);
  free(*worker);
  *worker = NULL;
}
