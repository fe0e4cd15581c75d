/*
 * Variables as bytes.
 *
 * One value is a tag and what follows it. The short forms hold what charts hold: codes, dates and small numbers.
 *
 *   00        nothing: the variable is unbound (never inside of a list or map)
 *   01 02     false, true
 *   03        integer: zigzag                          80 … BF   the integers 0 … 63
 *   04        number: IEEE 754 bits, big-endian
 *   05        text: blob                               40 … 7F   text of 0 … 63 bytes
 *   06        list: count, items                       C0 … CF   list of 0 … 15 items
 *   07        map: count, pairs of key and value       D0 … DF   map of 0 … 15 pairs
 *   08        a text that is a date of base/civil.h, "2026-01-20": zigzag of its day
 *   09        a function that the document's script defines: its name, a blob (defined.c)
 *
 * A table whose keys are exactly 1 … n is a list, and so is an empty one; other tables are maps. The keys of a map
 * stand in the order of keys.c. Of two forms the shorter one is meant; keep_check accepts no other, so equal values are
 * equal bytes and what has been checked can be put into Lua without looking. Other functions and trees deeper than
 * VALUE_DEPTH_MAX, which is what a cycle is, cannot be kept: writing them raises. The recursion is bounded by that
 * depth.
 */
#include <lauxlib.h>

#include "base/civil.h"
#include "chart/session.h"

enum keep_tag {
  KEEP_FALSE = KEEP_NOTHING + 1,
  KEEP_TRUE,
  KEEP_INTEGER,
  KEEP_NUMBER,
  KEEP_TEXT,
  KEEP_LIST,
  KEEP_MAP,
  KEEP_DAY,
  KEEP_FUNCTION,
  KEEP_SHORT_TEXT = 0x40,
  KEEP_SHORT_INTEGER = 0x80,
  KEEP_SHORT_LIST = 0xC0,
  KEEP_SHORT_MAP = 0xD0,
  KEEP_END = 0xE0
};
enum { SHORT_TEXTS = 64, SHORT_INTEGERS = 64, SHORT_TABLES = 16, STACK_NEEDED = 8, BYTES_PER_STEP = 16 };

/* --- writing --- */

struct keeping {
  lua_State *L;
  struct writer *w;
  struct arena *scratch;
};

static void write_integer(struct writer *w, int64_t v) {
  if (v >= 0 && v < SHORT_INTEGERS) {
    writer_u8(w, (uint8_t)(KEEP_SHORT_INTEGER + v));
  } else {
    writer_u8(w, KEEP_INTEGER);
    writer_zigzag(w, v);
  }
}

static bool is_day(struct span text, civil_day *ret_day) {
  return text.size == CIVIL_DATE_TEXT - 1 && text.data[4] == '-' && civil_day_parse(text, ret_day) == ERR_OK;
}

static void write_text(struct writer *w, struct span text) {
  civil_day day;
  if (is_day(text, &day)) {
    writer_u8(w, KEEP_DAY);
    writer_zigzag(w, day);
  } else if (text.size < SHORT_TEXTS) {
    writer_u8(w, (uint8_t)(KEEP_SHORT_TEXT + text.size));
    writer_raw(w, text);
  } else {
    writer_u8(w, KEEP_TEXT);
    writer_blob(w, text);
  }
}

static void write_number(struct writer *w, double v) {
  writer_u8(w, KEEP_NUMBER);
  writer_real(w, v);
}

static void write_count(struct writer *w, enum keep_tag tag, enum keep_tag short_tag, size_t count) {
  if (count < SHORT_TABLES) {
    writer_u8(w, (uint8_t)(short_tag + count));
  } else {
    writer_u8(w, (uint8_t)tag);
    writer_varint(w, count);
  }
}

static void write_key(struct writer *w, const struct script_key *key) {
  if (key->rank == KEY_TEXT) {
    write_text(w, key->text);
  } else if (key->rank != KEY_NUMBER) {
    writer_u8(w, key->rank == KEY_TRUE ? KEEP_TRUE : KEEP_FALSE);
  } else if (key->is_integer) {
    write_integer(w, key->integer);
  } else {
    write_number(w, key->number);
  }
}

static void write_value(const struct keeping *k, int index, unsigned depth_left);

static void write_list(const struct keeping *k, int index, size_t count, unsigned depth_left) {
  write_count(k->w, KEEP_LIST, KEEP_SHORT_LIST, count);
  for (size_t i = 0; i < count; i++) {
    (void)lua_rawgeti(k->L, index, (lua_Integer)i + 1);
    write_value(k, lua_gettop(k->L), depth_left - 1);
    lua_pop(k->L, 1);
  }
}

static void write_map(const struct keeping *k, int index, size_t count, unsigned depth_left) {
  struct script_key *keys = arena_alloc(k->scratch, count * sizeof(*keys));
  size_t i = 0;
  lua_pushnil(k->L);
  while (lua_next(k->L, index)) {
    keys[i++] = key_at(k->L, -2);
    lua_pop(k->L, 1);
  }
  keys_sort(keys, count);
  write_count(k->w, KEEP_MAP, KEEP_SHORT_MAP, count);
  for (i = 0; i < count; i++) {
    write_key(k->w, &keys[i]);
    key_push(k->L, &keys[i]);
    (void)lua_rawget(k->L, index);
    write_value(k, lua_gettop(k->L), depth_left - 1);
    lua_pop(k->L, 1);
  }
}

static void write_table(const struct keeping *k, int index, unsigned depth_left) {
  int top = lua_gettop(k->L);
  int table = convert_table(k->L, index, depth_left);
  bool list;
  size_t count = convert_shape(k->L, table, &list);
  sandbox_charge(k->L, count + 1);
  if (list) {
    write_list(k, table, count, depth_left);
  } else {
    write_map(k, table, count, depth_left);
  }
  lua_settop(k->L, top);
}

static void write_function(const struct keeping *k, int index) {
  const struct defined *defined = defined_of(k->L, index);
  if (!defined) {
    (void)luaL_error(k->L, "a %s is no value", luaL_typename(k->L, index));
    return;
  }
  writer_u8(k->w, KEEP_FUNCTION);
  writer_blob(k->w, defined->name);
}

static void write_value(const struct keeping *k, int index, unsigned depth_left) {
  switch (lua_type(k->L, index)) {
  case LUA_TNIL:
    writer_u8(k->w, KEEP_NOTHING);
    break;
  case LUA_TBOOLEAN:
    writer_u8(k->w, lua_toboolean(k->L, index) ? KEEP_TRUE : KEEP_FALSE);
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(k->L, index)) {
      write_integer(k->w, lua_tointeger(k->L, index));
    } else {
      write_number(k->w, lua_tonumber(k->L, index));
    }
    break;
  case LUA_TSTRING: {
    size_t size;
    const char *text = lua_tolstring(k->L, index, &size);
    sandbox_charge(k->L, size / BYTES_PER_STEP);
    write_text(k->w, span_of(text, size));
    break;
  }
  case LUA_TTABLE:
    write_table(k, index, depth_left);
    break;
  case LUA_TFUNCTION:
    write_function(k, index);
    break;
  default:
    (void)luaL_error(k->L, "a %s is no value", luaL_typename(k->L, index));
  }
}

void keep_write(lua_State *L, int index, struct writer *w, struct arena *scratch) {
  const struct keeping k = {L, w, scratch};
  write_value(&k, lua_absindex(L, index), VALUE_DEPTH_MAX);
}

/* --- reading: what both ways of reading see of a tag --- */

struct head {
  enum keep_tag tag; /* never a short one */
  size_t count;      /* of a list or map; size of a text */
  int64_t number;    /* of an integer or day */
  bool was_short;
};

static struct head read_head(struct reader *r) {
  uint8_t tag = reader_u8(r);
  struct head head = {.was_short = tag >= KEEP_SHORT_TEXT};
  if (tag >= KEEP_END) {
    r->failed = true;
  } else if (tag >= KEEP_SHORT_MAP) {
    head.tag = KEEP_MAP;
    head.count = tag - (size_t)KEEP_SHORT_MAP;
  } else if (tag >= KEEP_SHORT_LIST) {
    head.tag = KEEP_LIST;
    head.count = tag - (size_t)KEEP_SHORT_LIST;
  } else if (tag >= KEEP_SHORT_INTEGER) {
    head.tag = KEEP_INTEGER;
    head.number = tag - KEEP_SHORT_INTEGER;
  } else if (tag >= KEEP_SHORT_TEXT) {
    head.tag = KEEP_TEXT;
    head.count = tag - (size_t)KEEP_SHORT_TEXT;
  } else {
    head.tag = (enum keep_tag)tag;
    if (tag == KEEP_TEXT || tag == KEEP_LIST || tag == KEEP_MAP) {
      head.count = reader_varint(r);
    } else if (tag == KEEP_INTEGER || tag == KEEP_DAY) {
      head.number = reader_zigzag(r);
    } else if (tag > KEEP_FUNCTION) {
      r->failed = true;
    }
  }
  return head;
}

/* --- checking --- */

static bool fail(struct reader *r) {
  r->failed = true;
  return false;
}

static bool check_text(struct reader *r, const struct head *head, struct span *ret_text) {
  struct span text = reader_raw(r, head->count);
  civil_day day;
  if (r->failed || (!head->was_short && text.size < SHORT_TEXTS) || is_day(text, &day)) {
    return fail(r);
  }
  *ret_text = text;
  return true;
}

static bool check_integer(struct reader *r, const struct head *head) {
  bool could_be_short = head->number >= 0 && head->number < SHORT_INTEGERS;
  return head->was_short || !could_be_short || fail(r);
}

static bool check_day(struct reader *r, const struct head *head) {
  return (head->number >= CIVIL_DAY_FIRST && head->number <= CIVIL_DAY_LAST) || fail(r);
}

/* As a key; a whole number that an integer can hold is one, and NaN is none. */
static bool check_number_key(struct reader *r, double v) {
  bool whole = v >= -0x1p63 && v < 0x1p63 && v == (double)(int64_t)v;
  return (v == v && !whole) || fail(r);
}

static bool check_key(struct reader *r, struct script_key *ret_key, char day_text[CIVIL_DATE_TEXT]) {
  struct head head = read_head(r);
  *ret_key = (struct script_key){.rank = KEY_TEXT};
  switch (r->failed ? KEEP_END : head.tag) {
  case KEEP_FALSE:
  case KEEP_TRUE:
    ret_key->rank = head.tag == KEEP_TRUE ? KEY_TRUE : KEY_FALSE;
    return true;
  case KEEP_INTEGER:
    *ret_key = (struct script_key){
        .rank = KEY_NUMBER, .is_integer = true, .integer = head.number, .number = (double)head.number};
    return check_integer(r, &head);
  case KEEP_NUMBER:
    *ret_key = (struct script_key){.rank = KEY_NUMBER, .number = reader_real(r)};
    return !r->failed && check_number_key(r, ret_key->number);
  case KEEP_TEXT:
    return check_text(r, &head, &ret_key->text);
  case KEEP_DAY:
    if (!check_day(r, &head)) {
      return false;
    }
    civil_day_format((civil_day)head.number, day_text);
    ret_key->text = span_of_cstr(day_text);
    return true;
  default:
    return fail(r);
  }
}

static bool check_value(struct reader *r, unsigned depth_left, const struct chart *chart);

/* Each item takes at least one byte: a count beyond what is left is no count. */
static bool check_count(struct reader *r, const struct head *head, unsigned depth_left) {
  bool long_form = !head->was_short && head->count < SHORT_TABLES;
  if (depth_left == 0 || head->count > r->size || long_form) {
    return fail(r);
  }
  return true;
}

static bool check_list(struct reader *r, const struct head *head, unsigned depth_left, const struct chart *chart) {
  bool valid = check_count(r, head, depth_left);
  for (size_t i = 0; valid && i < head->count; i++) {
    valid = check_value(r, depth_left - 1, chart);
  }
  return valid;
}

static bool check_map(struct reader *r, const struct head *head, unsigned depth_left, const struct chart *chart) {
  if (!check_count(r, head, depth_left) || head->count == 0) {
    return fail(r);
  }
  struct script_key first = {0};
  struct script_key before = {0};
  char texts[2][CIVIL_DATE_TEXT];
  for (size_t i = 0; i < head->count; i++) {
    struct script_key key;
    if (!check_key(r, &key, texts[i & 1]) || (i > 0 && key_compare(&before, &key) >= 0)) {
      return fail(r);
    }
    first = i == 0 ? key : first;
    before = key;
    if (!check_value(r, depth_left - 1, chart)) {
      return false;
    }
  }
  bool list = first.is_integer && first.integer == 1 && before.is_integer && before.integer == (int64_t)head->count;
  return !list || fail(r);
}

/* A value inside of a table, where nothing cannot stand. */
static bool check_value(struct reader *r, unsigned depth_left, const struct chart *chart) {
  struct head head = read_head(r);
  struct span text;
  if (r->failed) {
    return false;
  }
  switch (head.tag) {
  case KEEP_FALSE:
  case KEEP_TRUE:
    return true;
  case KEEP_INTEGER:
    return check_integer(r, &head);
  case KEEP_NUMBER:
    (void)reader_real(r);
    return !r->failed;
  case KEEP_TEXT:
    return check_text(r, &head, &text);
  case KEEP_DAY:
    return check_day(r, &head);
  case KEEP_LIST:
    return check_list(r, &head, depth_left, chart);
  case KEEP_MAP:
    return check_map(r, &head, depth_left, chart);
  case KEEP_FUNCTION:
    text = reader_blob(r);
    return (!r->failed && defined_named(chart, text)) || fail(r);
  default:
    return fail(r);
  }
}

bool keep_check(struct reader *r, bool may_be_nothing, const struct chart *chart) {
  if (may_be_nothing && r->size > 0 && r->data[0] == KEEP_NOTHING) {
    (void)reader_u8(r);
    return true;
  }
  return check_value(r, VALUE_DEPTH_MAX, chart);
}

/* --- into Lua --- */

static void push_table(lua_State *L, struct reader *r, const struct head *head) {
  luaL_checkstack(L, STACK_NEEDED, "nested too deep");
  int count = head->count < INT32_MAX ? (int)head->count : 0;
  if (head->tag == KEEP_LIST) {
    lua_createtable(L, count, 0);
    for (size_t i = 0; i < head->count; i++) {
      keep_push(L, r);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return;
  }
  lua_createtable(L, 0, count);
  for (size_t i = 0; i < head->count; i++) {
    keep_push(L, r);
    keep_push(L, r);
    lua_rawset(L, -3);
  }
}

static void push_function(lua_State *L, struct span name) {
  const struct defined *defined = defined_named(sandbox_worker(L)->current->chart, name);
  ASSERT(defined);
  (void)lua_rawgeti(L, LUA_REGISTRYINDEX, defined->ref);
}

void keep_push(lua_State *L, struct reader *r) {
  struct head head = read_head(r);
  char day[CIVIL_DATE_TEXT];
  ASSERT(!r->failed);
  switch (head.tag) {
  case KEEP_FALSE:
  case KEEP_TRUE:
    lua_pushboolean(L, head.tag == KEEP_TRUE);
    break;
  case KEEP_INTEGER:
    lua_pushinteger(L, head.number);
    break;
  case KEEP_NUMBER:
    lua_pushnumber(L, reader_real(r));
    break;
  case KEEP_TEXT: {
    struct span text = reader_raw(r, head.count);
    lua_pushlstring(L, text.data ? (const char *)text.data : "", text.size);
    break;
  }
  case KEEP_DAY:
    civil_day_format((civil_day)head.number, day);
    lua_pushlstring(L, day, CIVIL_DATE_TEXT - 1);
    break;
  case KEEP_LIST:
  case KEEP_MAP:
    push_table(L, r, &head);
    break;
  case KEEP_FUNCTION:
    push_function(L, reader_blob(r));
    break;
  default:
    lua_pushnil(L);
  }
}
