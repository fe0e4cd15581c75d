/*
 * Functions that a document's own script, or an expression of its <data>, defines.
 *
 * Bytes cannot hold a function. But one that the global <script> (section 5.8) or a <data> defines is the same in every
 * session of its chart, if it has no state of its own: nothing but the environment, which all chunks share, so that
 * whichever session calls it, it sees that session's variables. Such functions are found once, when the chart is
 * compiled: they run in a session that is thrown away, and what then stands in its variables, or in tables among them,
 * is noted by name ("rate", "dates.last"). A snapshot holds the name (keep.c), and whoever is restored from it gets the
 * function that was noted.
 *
 * A function of a session is one of these if it is that closure, or if Lua dumps both to the same bytes: constants,
 * instructions, lines; those of the noted functions stand in the chart. So a script that defines something else under
 * the same name, as its data tell it to, is refused as before and never restored wrongly; and what a snapshot names is
 * found again, since compiling the same document notes the same functions.
 *
 * In that session <data> have the values of their expressions; <data> without one are unbound. A script that fails
 * keeps what it had defined until then.
 */
#include <lauxlib.h>
#include <stdlib.h>

#include "chart/session.h"

enum {
  NAME_MAX_BYTES = 200,
  BYTES_PER_STEP = 16,
  DEFINED_MAX = 1000,        /* a script with more of them, or too much code in them, has none that can be kept */
  INSTRUCTIONS_MAX = 100000, /* of the script in that session, and of noting: as many at any time, whoever compiles */
};

/* ---- which function it is ---- */

static int dump_part(lua_State *L, const void *bytes, size_t size, void *arg) {
  (void)L;
  writer_raw(arg, span_of(bytes, size));
  return 0;
}

/* FNV-1a: tells codes apart that are not meant to look alike; equal ones are compared. */
static uint64_t digest_of(struct span code) {
  uint64_t digest = 0xCBF29CE484222325;
  for (size_t i = 0; i < code.size; i++) {
    digest = (digest ^ code.data[i]) * 0x100000001B3;
  }
  return digest;
}

/* Raises nothing: the caller holds memory. */
static struct span code_write(lua_State *L, int index, struct writer *w) {
  lua_pushvalue(L, index);
  (void)lua_dump(L, dump_part, w, 0);
  lua_pop(L, 1);
  return writer_span(w);
}

/* True if it is written in Lua and sees nothing but the environment that all chunks share. */
static bool is_stateless(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TFUNCTION || lua_iscfunction(L, index)) {
    return false;
  }
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox_worker(L)->slot_ref);
  void *environment = lua_upvalueid(L, -1, 1);
  lua_pop(L, 1);
  bool stateless = true;
  for (int i = 1; stateless && lua_getupvalue(L, index, i); i++) {
    lua_pop(L, 1);
    stateless = lua_upvalueid(L, index, i) == environment;
  }
  return stateless;
}

static const struct defined *find_closure(const struct chart *chart, const void *closure) {
  const struct defined *found = NULL;
  for (uint32_t i = 0; i < chart->defined_count && !found; i++) {
    found = chart->defined[i].closure == closure ? &chart->defined[i] : NULL;
  }
  return found;
}

/* Adds to `cost` the bytes that it compares. */
static const struct defined *find_code(const struct chart *chart, struct span code, uint64_t *cost) {
  uint64_t digest = digest_of(code);
  const struct defined *found = NULL;
  for (uint32_t i = 0; i < chart->defined_count && !found; i++) {
    const struct defined *defined = &chart->defined[i];
    if (defined->digest == digest && defined->code.size == code.size) {
      *cost += code.size;
      found = span_equal(defined->code, code) ? defined : NULL;
    }
  }
  return found;
}

/* Whoever saves pays for what is looked at: no instruction is run that would be counted. */
const struct defined *defined_of(lua_State *L, int index) {
  const struct chart *chart = sandbox_worker(L)->current->chart;
  index = lua_absindex(L, index);
  if (chart->defined_count == 0 || !is_stateless(L, index)) {
    return NULL;
  }
  uint64_t cost = chart->defined_count;
  const struct defined *found = find_closure(chart, lua_topointer(L, index));
  if (!found) {
    struct writer w;
    writer_init(&w);
    struct span code = code_write(L, index, &w);
    cost += chart->defined_count + code.size;
    found = find_code(chart, code, &cost);
    writer_finish(&w);
  }
  sandbox_charge(L, cost / BYTES_PER_STEP + 1);
  return found;
}

const struct defined *defined_named(const struct chart *chart, struct span name) {
  for (uint32_t i = 0; i < chart->defined_count; i++) {
    if (span_equal(chart->defined[i].name, name)) {
      return &chart->defined[i];
    }
  }
  return NULL;
}

/* ---- finding them ---- */

struct finding {
  struct chart_session *s;
  struct chart *chart;
  struct arena *arena;
};

static void note(lua_State *L, struct finding *f, int index, struct span name) {
  struct chart *chart = f->chart;
  if (!is_stateless(L, index)) {
    chart->stateful[chart->stateful_count++] = name;
    return;
  }
  struct writer w;
  writer_init(&w);
  struct span code = arena_copy(f->arena, code_write(L, index, &w));
  writer_finish(&w);
  sandbox_charge(L, code.size / BYTES_PER_STEP + 1);
  lua_pushvalue(L, index);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  chart->defined[chart->defined_count++] = (struct defined){name, ref, lua_topointer(L, index), code, digest_of(code)};
}

/* Of the table at `index`: functions, and with `inside` those of its tables. */
static size_t walk(lua_State *L, struct finding *f, int index, struct span owner, bool inside, bool counting) {
  size_t count = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    int value = lua_gettop(L);
    size_t size = 0;
    const char *text = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &size) : NULL;
    if (text && size > 0 && owner.size + size < NAME_MAX_BYTES) {
      struct span key = span_of(text, size);
      struct span name = counting         ? span_of(NULL, 0)
                         : owner.size > 0 ? arena_printf(f->arena, "%.*s.%.*s", SPAN_ARG(owner), SPAN_ARG(key))
                                          : arena_copy(f->arena, key);
      if (lua_type(L, value) == LUA_TFUNCTION && !lua_iscfunction(L, value)) {
        count++;
        if (!counting) {
          note(L, f, value, name);
        }
      } else if (inside && lua_type(L, value) == LUA_TTABLE && convert_proxy(L, value) < 0) {
        count += walk(L, f, value, counting ? key : name, false, counting);
      }
    }
    lua_pop(L, 1);
  }
  return count;
}

static int run_find(lua_State *L) {
  struct finding *f = lua_touserdata(L, 1);
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, f->s->environment_ref);
  int environment = lua_gettop(L);
  size_t count = walk(L, f, environment, span_of(NULL, 0), true, true);
  if (count > DEFINED_MAX) {
    return 0;
  }
  f->chart->defined = ARENA_ARRAY(f->arena, struct defined, count);
  f->chart->stateful = ARENA_ARRAY(f->arena, struct span, count);
  (void)walk(L, f, environment, span_of(NULL, 0), true, false);
  return 0;
}

static int defined_compare(const void *a, const void *b) {
  return span_compare(((const struct defined *)a)->name, ((const struct defined *)b)->name);
}

static int name_compare(const void *a, const void *b) {
  return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static void run_script(struct chart_session *s) {
  const struct chart *chart = s->chart;
  struct fault fault = {0};
  for (uint32_t i = 0; i < chart->data_count && (!chart->late_binding || chart->data_define); i++) {
    enum err err = script_declare(s, &chart->data[i], &fault);
    (void)err; /* unbound, as in any session */
  }
  struct range block = chart->script == NONE ? (struct range){0, 0} : chart->blocks[chart->script];
  for (uint32_t i = block.first; i < block.end; i++) {
    if (chart->ops[i].kind == OP_SCRIPT) {
      enum err err = script_run(s, chart->ops[i].script, &fault);
      (void)err; /* what it had defined until then stands */
    }
  }
}

/* A chart can be compiled while another one's session runs, which pays for what it does and for nothing else. */
struct spent {
  int64_t instructions_left;
  struct script_memory memory;
};

static struct spent budget_own(struct chart_worker *worker) {
  struct spent spent = {worker->instructions_left, worker->memory};
  sandbox_refill(worker);
  if (worker->instructions_left > INSTRUCTIONS_MAX) {
    worker->instructions_left = INSTRUCTIONS_MAX;
  }
  return spent;
}

static void budget_return(struct chart_worker *worker, const struct spent *spent) {
  worker->instructions_left = spent->instructions_left;
  worker->memory.used_max = spent->memory.used_max;
  worker->memory.traffic = spent->memory.traffic;
  worker->memory.traffic_max = spent->memory.traffic_max;
  worker->memory.refusals = spent->memory.refusals;
  worker->memory.rebuilt = spent->memory.rebuilt;
}

void defined_find(struct chart *chart) {
  struct chart_worker *worker = chart->worker;
  struct chart_session *s;
  if ((chart->script == NONE && !chart->data_define) || !worker->defines_functions ||
      session_create(worker, chart, span_of(NULL, 0), &s) != ERR_OK) {
    return;
  }
  struct finding finding = {s, chart, &chart->root->arena};
  struct fault fault = {0};
  struct chart_session *before = worker->current;
  struct spent spent = budget_own(worker);
  script_enter(s);
  run_script(s);
  (void)budget_own(worker);
  if (sandbox_run(worker, run_find, &finding, &fault) != ERR_OK) {
    defined_release(chart);
  }
  if (chart->defined_count > 0) {
    qsort(chart->defined, chart->defined_count, sizeof(struct defined), defined_compare);
  }
  if (chart->stateful_count > 0) {
    qsort(chart->stateful, chart->stateful_count, sizeof(struct span), name_compare);
  }
  session_destroy(s);
  budget_return(worker, &spent);
  if (before) {
    script_enter(before);
  }
}

void defined_release(struct chart *chart) {
  for (uint32_t i = 0; i < chart->defined_count; i++) {
    script_release(chart->worker, chart->defined[i].ref);
  }
  chart->defined_count = 0;
  chart->stateful_count = 0;
}
