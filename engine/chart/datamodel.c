/*
 * Evaluating expressions and assigning variables.
 *
 * Each operation is one protected call: a small struct goes in as light userdata, the result comes back in it. A
 * value that is assigned is copied, tables and all. So two variables never share a table because of <assign>,
 * <data> or <foreach>, and a session that was restored from its snapshot, where nothing can be shared, goes on exactly
 * as the one that was saved.
 */
#include <lauxlib.h>

#include "chart/session.h"

struct operation {
  struct chart_session *s;
  const struct expr *expr;
  const struct location *location;
  struct span name;
  uint32_t variable;
  const struct value *value;
  struct arena *arena;
  struct value result;
  bool truth;
  struct script_loop loop;
  int64_t place;
  const struct location *index;
};

static struct operation *operation_of(lua_State *L) {
  struct operation *op = lua_touserdata(L, 1);
  lua_settop(L, 0);
  return op;
}

static const struct expr *expr_of(const struct chart_session *s, uint32_t expr) {
  return &s->chart->exprs[expr];
}

/* A line inside a script becomes a line of the document. */
static enum err at_line(enum err err, uint32_t line, struct fault *fault) {
  if (err != ERR_OK && fault) {
    fault->line = fault->line > 0 ? line + fault->line - 1 : line;
  }
  return err;
}

static enum err run(struct operation *op, lua_CFunction function, uint32_t line, struct fault *fault) {
  ASSERT(op->s->worker->current == op->s);
  return at_line(sandbox_run(op->s->worker, function, op, fault), line, fault);
}

static enum err fault_of_bad(const struct expr *expr, struct fault *fault) {
  return fault_set_at(fault, ERR_SCRIPT, expr->line, 0, "%.*s", SPAN_ARG(expr->problem));
}

/* --- environments --- */

static int environment_create(lua_State *L) {
  struct operation *op = operation_of(L);
  lua_createtable(L, 0, (int)op->s->chart->variables_count);
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, op->s->worker->environment_meta_ref);
  lua_setmetatable(L, -2);
  op->place = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

enum err script_environment_create(struct chart_session *s) {
  struct operation op = {.s = s};
  struct fault fault;
  s->environment_ref = LUA_NOREF;
  TRY(sandbox_run(s->worker, environment_create, &op, &fault));
  s->environment_ref = (int)op.place;
  return ERR_OK;
}

void script_environment_destroy(struct chart_session *s) {
  script_release(s->worker, s->environment_ref);
  s->environment_ref = LUA_NOREF;
  if (s->worker->current == s) {
    s->worker->current = NULL;
  }
}

void script_enter(struct chart_session *s) {
  struct chart_worker *worker = s->worker;
  if (worker->current == s) {
    return;
  }
  worker->current = s;
  (void)lua_rawgeti(worker->L, LUA_REGISTRYINDEX, worker->slot_ref);
  (void)lua_rawgeti(worker->L, LUA_REGISTRYINDEX, s->environment_ref);
  (void)lua_setupvalue(worker->L, -2, 1);
  lua_pop(worker->L, 1);
}

static void push_environment(lua_State *L, const struct chart_session *s) {
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, s->environment_ref);
}

static void push_span(lua_State *L, struct span s) {
  lua_pushlstring(L, s.data ? (const char *)s.data : "", s.size);
}

/* --- evaluating --- */

/* Pushes the value of an expression that is not bad. */
static void push_expr(lua_State *L, const struct chart_session *s, const struct expr *expr) {
  if (expr->kind == EXPR_LUA) {
    (void)lua_rawgeti(L, LUA_REGISTRYINDEX, expr->ref);
    lua_call(L, 0, 1);
  } else if (expr->kind == EXPR_IN) {
    lua_pushboolean(L, expr->state != NONE && bits_get(s->config, expr->state));
  } else {
    convert_push(L, &expr->literal, KEYS_OUTWARD);
  }
}

/* Of EXPR_LUA: leaves the value on the stack. */
static enum err call(struct chart_session *s, const struct expr *e, uint32_t line, struct fault *fault) {
  ASSERT(s->worker->current == s);
  return at_line(sandbox_call(s->worker, e->ref, e->bounded, fault), line, fault);
}

enum err script_test(struct chart_session *s, uint32_t expr, bool *ret_truth, struct fault *fault) {
  const struct expr *e = expr_of(s, expr);
  switch (e->kind) {
  case EXPR_IN:
    *ret_truth = e->state != NONE && bits_get(s->config, e->state);
    break;
  case EXPR_LITERAL:
    *ret_truth = e->literal.kind != VALUE_NIL && (e->literal.kind != VALUE_BOOL || e->literal.truth);
    break;
  case EXPR_BAD:
    return fault_of_bad(e, fault);
  case EXPR_LUA:
    TRY(call(s, e, e->line, fault));
    *ret_truth = lua_toboolean(s->worker->L, -1);
    lua_pop(s->worker->L, 1);
    break;
  }
  return ERR_OK;
}

static int evaluate_value(lua_State *L) {
  struct operation *op = operation_of(L);
  push_expr(L, op->s, op->expr);
  op->result = convert_from_lua(L, -1, op->arena, KEYS_OUTWARD);
  return 0;
}

enum err script_value(struct chart_session *s, uint32_t expr, struct arena *arena, struct value *ret_value,
                      struct fault *fault) {
  const struct expr *e = expr_of(s, expr);
  struct operation op = {.s = s, .expr = e, .arena = arena};
  if (e->kind == EXPR_BAD) {
    return fault_of_bad(e, fault);
  }
  if (e->kind == EXPR_LITERAL) {
    *ret_value = e->literal;
    return ERR_OK;
  }
  TRY(run(&op, evaluate_value, e->line, fault));
  *ret_value = op.result;
  return ERR_OK;
}

static enum err text_of_value(const struct value *v, struct arena *arena, struct span *ret_text) {
  switch (v->kind) {
  case VALUE_TEXT:
    *ret_text = v->text;
    return ERR_OK;
  case VALUE_INT:
    *ret_text = arena_printf(arena, LUA_INTEGER_FMT, (LUA_INTEGER)v->integer);
    return ERR_OK;
  case VALUE_REAL:
    *ret_text = arena_printf(arena, LUA_NUMBER_FMT, v->real);
    return ERR_OK;
  case VALUE_BOOL:
    *ret_text = v->truth ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
    return ERR_OK;
  default:
    return ERR_SCRIPT;
  }
}

enum err script_text(struct chart_session *s, uint32_t expr, struct arena *arena, struct span *ret_text,
                     struct fault *fault) {
  struct value v;
  TRY(script_value(s, expr, arena, &v, fault));
  if (text_of_value(&v, arena, ret_text) != ERR_OK) {
    return fault_set_at(fault, ERR_SCRIPT, expr_of(s, expr)->line, 0, "text is needed here");
  }
  return ERR_OK;
}

/* Variables that have become views of _event or _x (only a script can do that) turn into copies, because the view
 * would show the next event. */
static int evaluate_script(lua_State *L) {
  struct operation *op = operation_of(L);
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, op->expr->ref);
  lua_call(L, 0, 0);
  if (op->expr->views) {
    push_environment(L, op->s);
    convert_settle(L, -1);
  }
  return 0;
}

enum err script_run(struct chart_session *s, uint32_t expr, struct fault *fault) {
  const struct expr *e = expr_of(s, expr);
  if (e->kind == EXPR_BAD) {
    return fault_of_bad(e, fault);
  }
  struct operation op = {.s = s, .expr = e};
  return run(&op, evaluate_script, e->line, fault);
}

/* --- variables --- */

static bool is_bound(lua_State *L, struct chart_session *s, const struct location *location) {
  variables_push(L, s, location->variable, location->root);
  bool bound = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return bound;
}

/* Section 5.4: a location that is none, or that nothing has declared, is an error. */
static void check_location(lua_State *L, struct chart_session *s, const struct location *location, bool may_declare) {
  if (location->reserved) {
    (void)luaL_error(L, "a system variable cannot be changed");
  }
  if (!location->declared && !(may_declare && location->plain) && !is_bound(L, s, location)) {
    push_span(L, location->root);
    (void)luaL_error(L, "the variable \"%s\" is not declared", lua_tostring(L, -1));
  }
}

/* Puts a copy of the value on top into the location and pops it. */
static void put(lua_State *L, struct chart_session *s, const struct location *location, bool may_declare) {
  check_location(L, s, location, may_declare);
  convert_push_copy(L, -1);
  lua_remove(L, -2);
  if (location->plain) {
    variables_put(L, s, location->variable, location->root);
    return;
  }
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, location->write_ref);
  lua_insert(L, -2);
  lua_call(L, 1, 0);
}

static enum err fault_of_location(const struct location *location, struct fault *fault) {
  return fault_set_at(fault, ERR_SCRIPT, location->line, 0, "%.*s", SPAN_ARG(location->problem));
}

static int evaluate_assign(lua_State *L) {
  struct operation *op = operation_of(L);
  if (op->value) {
    convert_push(L, op->value, KEYS_OUTWARD);
  } else {
    push_expr(L, op->s, op->expr);
  }
  put(L, op->s, op->location, false);
  return 0;
}

/* A value without parts needs no copy. */
static bool is_scalar(lua_State *L) {
  int type = lua_type(L, -1);
  return type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING;
}

static int evaluate_put(lua_State *L) {
  struct operation *op = lua_touserdata(L, 1);
  lua_remove(L, 1);
  put(L, op->s, op->location, false);
  return 0;
}

/* Into a declared variable, which is where most assignments go. Nothing that is done outside of a protected call can
 * raise there: the environment has room for what is declared. */
static enum err assign_variable(struct chart_session *s, const struct location *l, const struct expr *e,
                                struct fault *fault) {
  lua_State *L = s->worker->L;
  TRY(call(s, e, l->line, fault));
  if (is_scalar(L)) {
    variables_put(L, s, l->variable, l->root);
    return ERR_OK;
  }
  struct operation op = {.s = s, .location = l};
  return at_line(sandbox_run_with(s->worker, evaluate_put, &op, fault), l->line, fault);
}

enum err script_assign(struct chart_session *s, uint32_t location, uint32_t expr, struct fault *fault) {
  const struct expr *e = expr_of(s, expr);
  const struct location *l = &s->chart->locations[location];
  if (!span_empty(l->problem)) {
    return fault_of_location(l, fault);
  }
  if (e->kind == EXPR_BAD) {
    return fault_of_bad(e, fault);
  }
  if (e->kind == EXPR_LUA && l->plain && l->declared && !l->reserved) {
    return assign_variable(s, l, e, fault);
  }
  struct operation op = {.s = s, .expr = e, .location = l};
  return run(&op, evaluate_assign, l->line, fault);
}

enum err script_put(struct chart_session *s, uint32_t location, const struct value *value, struct fault *fault) {
  const struct location *l = &s->chart->locations[location];
  struct operation op = {.s = s, .value = value, .location = l};
  if (!span_empty(l->problem)) {
    return fault_of_location(l, fault);
  }
  return run(&op, evaluate_assign, l->line, fault);
}

static int evaluate_read(lua_State *L) {
  struct operation *op = operation_of(L);
  const struct location *l = op->location;
  if (!l->declared && !l->reserved && !is_bound(L, op->s, l)) {
    push_span(L, l->root);
    return luaL_error(L, "the variable \"%s\" is not declared", lua_tostring(L, -1));
  }
  push_expr(L, op->s, op->expr);
  op->result = convert_from_lua(L, -1, op->arena, KEYS_OUTWARD);
  return 0;
}

enum err script_read(struct chart_session *s, uint32_t location, struct arena *arena, struct value *ret_value,
                     struct fault *fault) {
  const struct location *l = &s->chart->locations[location];
  if (!span_empty(l->problem)) {
    return fault_of_location(l, fault);
  }
  struct operation op = {.s = s, .expr = expr_of(s, l->read), .location = l, .arena = arena};
  TRY(run(&op, evaluate_read, l->line, fault));
  *ret_value = op.result;
  return ERR_OK;
}

static int evaluate_declare(lua_State *L) {
  struct operation *op = operation_of(L);
  if (op->value) {
    convert_push(L, op->value, KEYS_OUTWARD);
  } else {
    push_expr(L, op->s, op->expr);
    convert_push_copy(L, -1);
  }
  variables_put(L, op->s, op->variable, op->name);
  return 0;
}

enum err script_declare(struct chart_session *s, const struct data *datum, struct fault *fault) {
  const struct value none = value_nil();
  if (datum->expr == NONE) {
    return script_set(s, datum, &none, fault);
  }
  const struct expr *e = expr_of(s, datum->expr);
  if (e->kind == EXPR_BAD) {
    return fault_of_bad(e, fault);
  }
  struct operation op = {.s = s, .expr = e, .name = datum->id, .variable = datum->variable};
  return run(&op, evaluate_declare, e->line, fault);
}

enum err script_set(struct chart_session *s, const struct data *datum, const struct value *value, struct fault *fault) {
  struct operation op = {.s = s, .name = datum->id, .variable = datum->variable, .value = value};
  return run(&op, evaluate_declare, 0, fault);
}

static int evaluate_get(lua_State *L) {
  struct operation *op = operation_of(L);
  variables_push(L, op->s, op->variable, op->name);
  op->result = convert_from_lua(L, -1, op->arena, KEYS_OUTWARD);
  return 0;
}

enum err script_get(struct chart_session *s, struct span name, struct arena *arena, struct value *ret_value,
                    struct fault *fault) {
  struct operation op = {.s = s, .name = name, .variable = chart_variable_find(s->chart, name), .arena = arena};
  TRY(run(&op, evaluate_get, 0, fault));
  *ret_value = op.result;
  return ERR_OK;
}

/* --- foreach: section 4.6 wants a shallow copy of the collection --- */

static int evaluate_loop(lua_State *L) {
  struct operation *op = operation_of(L);
  push_expr(L, op->s, op->expr);
  if (lua_type(L, -1) != LUA_TTABLE || convert_proxy(L, -1) >= 0) {
    return luaL_error(L, "foreach needs a list, not a %s", luaL_typename(L, -1));
  }
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  sandbox_charge(L, (uint64_t)count);
  lua_pushnil(L);
  if (count == 0 && lua_next(L, -2)) {
    return luaL_error(L, "foreach needs a list, not a map");
  }
  lua_createtable(L, (int)(count < INT32_MAX ? count : 0), 0);
  for (lua_Integer i = 1; i <= count; i++) {
    (void)lua_rawgeti(L, 1, i);
    lua_rawseti(L, -2, i);
  }
  op->loop = (struct script_loop){luaL_ref(L, LUA_REGISTRYINDEX), count};
  return 0;
}

enum err script_loop_begin(struct chart_session *s, uint32_t expr, struct script_loop *ret_loop, struct fault *fault) {
  const struct expr *e = expr_of(s, expr);
  if (e->kind == EXPR_BAD) {
    return fault_of_bad(e, fault);
  }
  struct operation op = {.s = s, .expr = e, .loop = {LUA_NOREF, 0}};
  TRY(run(&op, evaluate_loop, e->line, fault));
  *ret_loop = op.loop;
  return ERR_OK;
}

static int evaluate_item(lua_State *L) {
  struct operation *op = operation_of(L);
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, op->loop.ref);
  (void)lua_rawgeti(L, -1, op->place);
  put(L, op->s, op->location, true);
  if (op->index) {
    lua_pushinteger(L, op->place);
    put(L, op->s, op->index, true);
  }
  return 0;
}

enum err script_loop_item(struct chart_session *s, const struct script_loop *loop, int64_t place, uint32_t item,
                          uint32_t index, struct fault *fault) {
  const struct location *l = &s->chart->locations[item];
  const struct location *i = index == NONE ? NULL : &s->chart->locations[index];
  if (!span_empty(l->problem) || (i && !span_empty(i->problem))) {
    return fault_of_location(span_empty(l->problem) ? i : l, fault);
  }
  struct operation op = {.s = s, .location = l, .index = i, .loop = *loop, .place = place};
  return run(&op, evaluate_item, l->line, fault);
}

void script_loop_end(struct chart_session *s, const struct script_loop *loop) {
  script_release(s->worker, loop->ref);
}
