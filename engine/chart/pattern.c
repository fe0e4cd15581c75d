/*
 * string.find, match, gmatch and gsub, paid for step by step.
 *
 * The patterns are those of the Lua 5.4 reference manual, section 6.4.1. Lua's own matcher runs in C, where no
 * instruction is counted, and a pattern such as ".-.-.-.-x" on a long text keeps it busy for hours. This one charges
 * every comparison to the session's budget. Matching recurs once per repetition or capture that may have to be taken
 * back, at most DEPTH_MAX levels deep.
 *
 * A pattern is a row of items. An item is a single-byte class with an optional repetition, a capture's bracket, a
 * back reference, a balanced pair (%b) or a frontier (%f).
 */
#include <ctype.h>
#include <lauxlib.h>

#include "chart/script.h"

enum { CAPTURES_MAX = 32, DEPTH_MAX = 200, STEPS_AT_ONCE = 64, CAPTURE_OPEN = -1, CAPTURE_PLACE = -2 };

struct capture {
  const uint8_t *start;
  ptrdiff_t size; /* or CAPTURE_OPEN, CAPTURE_PLACE */
};

struct matcher {
  lua_State *L;
  const uint8_t *text, *text_end;
  const uint8_t *pattern_end;
  unsigned steps;
  int depth;
  int captures_count;
  struct capture captures[CAPTURES_MAX];
};

static const uint8_t *match_from(struct matcher *m, const uint8_t *s, const uint8_t *p);

static void step(struct matcher *m) {
  if (++m->steps == STEPS_AT_ONCE) {
    m->steps = 0;
    sandbox_charge(m->L, STEPS_AT_ONCE);
  }
}

/* --- single bytes --- */

static bool in_letter_class(uint8_t byte, uint8_t letter) {
  bool in;
  switch (tolower(letter)) {
  case 'a':
    in = isalpha(byte) != 0;
    break;
  case 'c':
    in = iscntrl(byte) != 0;
    break;
  case 'd':
    in = isdigit(byte) != 0;
    break;
  case 'g':
    in = isgraph(byte) != 0;
    break;
  case 'l':
    in = islower(byte) != 0;
    break;
  case 'p':
    in = ispunct(byte) != 0;
    break;
  case 's':
    in = isspace(byte) != 0;
    break;
  case 'u':
    in = isupper(byte) != 0;
    break;
  case 'w':
    in = isalnum(byte) != 0;
    break;
  case 'x':
    in = isxdigit(byte) != 0;
    break;
  default:
    return letter == byte; /* %. and the like */
  }
  return isupper(letter) ? !in : in;
}

static const uint8_t *set_end(struct matcher *m, const uint8_t *p) {
  p += *p == '^';
  bool first = true;
  for (; p < m->pattern_end && (first || *p != ']'); p++) {
    p += *p == '%' && p + 1 < m->pattern_end;
    first = false;
  }
  if (p >= m->pattern_end) {
    (void)luaL_error(m->L, "malformed pattern (missing ']')");
  }
  return p + 1;
}

/* The end of the single-byte class that starts at `p`. */
static const uint8_t *class_end(struct matcher *m, const uint8_t *p) {
  uint8_t first = *p++;
  if (first == '%') {
    if (p == m->pattern_end) {
      (void)luaL_error(m->L, "malformed pattern (ends with '%%')");
    }
    return p + 1;
  }
  return first == '[' ? set_end(m, p) : p;
}

/* `p` stands after '[', `last` on ']'. */
static bool in_set(struct matcher *m, uint8_t byte, const uint8_t *p, const uint8_t *last) {
  bool found_means = true;
  if (*p == '^') {
    found_means = false;
    p++;
  }
  while (p < last) {
    step(m);
    if (*p == '%') {
      if (in_letter_class(byte, p[1])) {
        return found_means;
      }
      p += 2;
    } else if (p + 2 < last && p[1] == '-') {
      if (p[0] <= byte && byte <= p[2]) {
        return found_means;
      }
      p += 3;
    } else if (*p++ == byte) {
      return found_means;
    }
  }
  return !found_means;
}

static bool matches_one(struct matcher *m, const uint8_t *s, const uint8_t *p, const uint8_t *p_end) {
  step(m);
  if (s >= m->text_end) {
    return false;
  }
  switch (*p) {
  case '.':
    return true;
  case '%':
    return in_letter_class(*s, p[1]);
  case '[':
    return in_set(m, *s, p + 1, p_end - 1);
  default:
    return *p == *s;
  }
}

/* --- repetitions --- */

static const uint8_t *match_greedy(struct matcher *m, const uint8_t *s, const uint8_t *p, const uint8_t *p_end) {
  const uint8_t *far = s;
  while (matches_one(m, far, p, p_end)) {
    far++;
  }
  for (;; far--) {
    const uint8_t *end = match_from(m, far, p_end + 1);
    if (end || far == s) {
      return end;
    }
  }
}

static const uint8_t *match_lazy(struct matcher *m, const uint8_t *s, const uint8_t *p, const uint8_t *p_end) {
  for (;;) {
    const uint8_t *end = match_from(m, s, p_end + 1);
    if (end || !matches_one(m, s, p, p_end)) {
      return end;
    }
    s++;
  }
}

/* --- captures, %b, %f, %1 --- */

static const uint8_t *open_capture(struct matcher *m, const uint8_t *s, const uint8_t *p, ptrdiff_t what) {
  if (m->captures_count == CAPTURES_MAX) {
    (void)luaL_error(m->L, "too many captures");
  }
  m->captures[m->captures_count++] = (struct capture){s, what};
  const uint8_t *end = match_from(m, s, p);
  m->captures_count -= end == NULL;
  return end;
}

static const uint8_t *close_capture(struct matcher *m, const uint8_t *s, const uint8_t *p) {
  int i = m->captures_count - 1;
  while (i >= 0 && m->captures[i].size != CAPTURE_OPEN) {
    i--;
  }
  if (i < 0) {
    (void)luaL_error(m->L, "invalid pattern capture");
  }
  m->captures[i].size = s - m->captures[i].start;
  const uint8_t *end = match_from(m, s, p);
  if (!end) {
    m->captures[i].size = CAPTURE_OPEN;
  }
  return end;
}

static const uint8_t *match_reference(struct matcher *m, const uint8_t *s, uint8_t digit) {
  int i = digit - '1';
  if (i < 0 || i >= m->captures_count || m->captures[i].size < 0) {
    (void)luaL_error(m->L, "invalid capture index %%%c", digit);
  }
  size_t size = (size_t)m->captures[i].size;
  sandbox_charge(m->L, size / STEPS_AT_ONCE + 1);
  bool fits = (size_t)(m->text_end - s) >= size;
  return fits && span_equal(span_of(m->captures[i].start, size), span_of(s, size)) ? s + size : NULL;
}

static const uint8_t *match_balanced(struct matcher *m, const uint8_t *s, const uint8_t *p) {
  if (m->pattern_end - p < 2) {
    (void)luaL_error(m->L, "missing arguments to '%%b'");
  }
  if (s >= m->text_end || *s != p[0]) {
    return NULL;
  }
  size_t open = 1;
  for (s++; s < m->text_end; s++) {
    step(m);
    if (*s == p[1]) {
      if (--open == 0) {
        return s + 1;
      }
    } else if (*s == p[0]) {
      open++;
    }
  }
  return NULL;
}

static bool at_frontier(struct matcher *m, const uint8_t *s, const uint8_t *p, const uint8_t *p_end) {
  uint8_t before = s == m->text ? 0 : s[-1];
  uint8_t after = s < m->text_end ? *s : 0;
  return !in_set(m, before, p + 1, p_end - 1) && in_set(m, after, p + 1, p_end - 1);
}

/* %b, %f and %1; false in *ret_special for every other escape, which is a class. */
static const uint8_t *match_special(struct matcher *m, const uint8_t *s, const uint8_t *p, bool *ret_special) {
  uint8_t kind = p + 1 < m->pattern_end ? p[1] : 0;
  *ret_special = true;
  if (kind == 'b') {
    s = match_balanced(m, s, p + 2);
    return s ? match_from(m, s, p + 4) : NULL;
  }
  if (kind == 'f') {
    if (p + 2 >= m->pattern_end || p[2] != '[') {
      (void)luaL_error(m->L, "missing '[' after '%%f' in pattern");
    }
    const uint8_t *p_end = class_end(m, p + 2);
    return at_frontier(m, s, p + 2, p_end) ? match_from(m, s, p_end) : NULL;
  }
  if (isdigit(kind)) {
    s = match_reference(m, s, kind);
    return s ? match_from(m, s, p + 2) : NULL;
  }
  *ret_special = false;
  return NULL;
}

/* --- items in a row --- */

/* Goes on as long as nothing has to be remembered; the rest is done by a function that comes back here. */
static const uint8_t *match_items(struct matcher *m, const uint8_t *s, const uint8_t *p) {
  while (p < m->pattern_end) {
    bool special = false;
    if (*p == '(') {
      bool place = p + 1 < m->pattern_end && p[1] == ')';
      return open_capture(m, s, place ? p + 2 : p + 1, place ? CAPTURE_PLACE : CAPTURE_OPEN);
    }
    if (*p == ')') {
      return close_capture(m, s, p + 1);
    }
    if (*p == '$' && p + 1 == m->pattern_end) {
      return s == m->text_end ? s : NULL;
    }
    if (*p == '%') {
      const uint8_t *end = match_special(m, s, p, &special);
      if (special) {
        return end;
      }
    }
    const uint8_t *p_end = class_end(m, p);
    uint8_t repetition = p_end < m->pattern_end ? *p_end : 0;
    if (repetition == '*') {
      return match_greedy(m, s, p, p_end);
    }
    if (repetition == '-') {
      return match_lazy(m, s, p, p_end);
    }
    bool one = matches_one(m, s, p, p_end);
    if (repetition == '+') {
      return one ? match_greedy(m, s + 1, p, p_end) : NULL;
    }
    if (repetition == '?') {
      const uint8_t *end = one ? match_from(m, s + 1, p_end + 1) : NULL;
      if (end) {
        return end;
      }
      p = p_end + 1;
      continue;
    }
    if (!one) {
      return NULL;
    }
    s++;
    p = p_end;
  }
  return s;
}

static const uint8_t *match_from(struct matcher *m, const uint8_t *s, const uint8_t *p) {
  if (++m->depth > DEPTH_MAX) {
    (void)luaL_error(m->L, "pattern too complex");
  }
  const uint8_t *end = match_items(m, s, p);
  m->depth--;
  return end;
}

/* --- results --- */

/* Pushes capture `i`; with no captures at all, number 0 is the whole match. */
static void push_capture(struct matcher *m, int i, const uint8_t *start, const uint8_t *end) {
  if (i >= m->captures_count) {
    if (i != 0) {
      (void)luaL_error(m->L, "invalid capture index %%%d", i + 1);
    }
    lua_pushlstring(m->L, (const char *)start, (size_t)(end - start));
    return;
  }
  const struct capture *capture = &m->captures[i];
  if (capture->size == CAPTURE_OPEN) {
    (void)luaL_error(m->L, "unfinished capture");
  }
  if (capture->size == CAPTURE_PLACE) {
    lua_pushinteger(m->L, capture->start - m->text + 1);
  } else {
    lua_pushlstring(m->L, (const char *)capture->start, (size_t)capture->size);
  }
}

static int push_captures(struct matcher *m, const uint8_t *start, const uint8_t *end, bool whole_if_none) {
  int count = m->captures_count == 0 && whole_if_none ? 1 : m->captures_count;
  luaL_checkstack(m->L, count, "too many captures");
  for (int i = 0; i < count; i++) {
    push_capture(m, i, start, end);
  }
  return count;
}

/* --- the functions --- */

struct subject {
  struct matcher m;
  const uint8_t *pattern; /* after the anchor */
  bool anchored;
};

static void subject_init(lua_State *L, struct subject *subject, int text_index, int pattern_index) {
  size_t text_size;
  size_t pattern_size;
  const uint8_t *text = (const uint8_t *)luaL_checklstring(L, text_index, &text_size);
  const uint8_t *pattern = (const uint8_t *)luaL_checklstring(L, pattern_index, &pattern_size);
  ASSERT(text && pattern);
  subject->m = (struct matcher){.L = L, .text = text, .text_end = text + text_size};
  subject->m.pattern_end = pattern + pattern_size;
  subject->anchored = pattern_size > 0 && pattern[0] == '^';
  subject->pattern = pattern + subject->anchored;
}

static const uint8_t *subject_match(struct subject *subject, const uint8_t *from) {
  subject->m.captures_count = 0;
  subject->m.depth = 0;
  return match_from(&subject->m, from, subject->pattern);
}

/* The first place from `init` (1-based, negative from the end), or NULL when it lies behind the text. */
static const uint8_t *start_of(lua_State *L, const struct subject *subject, int index) {
  lua_Integer init = luaL_optinteger(L, index, 1);
  lua_Integer size = subject->m.text_end - subject->m.text;
  if (init < 0) {
    init = init < -size ? 1 : size + init + 1;
  }
  init = init == 0 ? 1 : init;
  return init > size + 1 ? NULL : subject->m.text + (init - 1);
}

static bool is_plain(struct span pattern) {
  for (size_t i = 0; i < pattern.size; i++) {
    if (strchr("^$*+?.([%-", pattern.data[i]) && pattern.data[i] != '\0') {
      return false;
    }
  }
  return true;
}

static int find_plain(lua_State *L, const struct subject *subject, const uint8_t *from, struct span needle) {
  size_t left = (size_t)(subject->m.text_end - from);
  sandbox_charge(L, (left + needle.size) / STEPS_AT_ONCE + 1);
  const uint8_t *found = needle.size == 0 ? from : memmem(from, left, needle.data, needle.size);
  if (!found) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, found - subject->m.text + 1);
  lua_pushinteger(L, found - subject->m.text + (lua_Integer)needle.size);
  return 2;
}

static int find_or_match(lua_State *L, bool find) {
  struct subject subject;
  subject_init(L, &subject, 1, 2);
  const uint8_t *from = start_of(L, &subject, 3);
  if (!from) {
    lua_pushnil(L);
    return 1;
  }
  size_t size;
  const char *pattern = lua_tolstring(L, 2, &size);
  if (find && (lua_toboolean(L, 4) || is_plain(span_of(pattern, size)))) {
    return find_plain(L, &subject, from, span_of(pattern, size));
  }
  for (; from <= subject.m.text_end; from++) {
    const uint8_t *end = subject_match(&subject, from);
    if (end && find) {
      lua_pushinteger(L, from - subject.m.text + 1);
      lua_pushinteger(L, end - subject.m.text);
      return 2 + push_captures(&subject.m, from, end, false);
    }
    if (end) {
      return push_captures(&subject.m, from, end, true);
    }
    if (subject.anchored) {
      break;
    }
  }
  lua_pushnil(L);
  return 1;
}

static int lib_find(lua_State *L) {
  return find_or_match(L, true);
}

static int lib_match(lua_State *L) {
  return find_or_match(L, false);
}

/* upvalues: text, pattern, next place, end of the last match (0-based, -1 for none) */
static int gmatch_next(lua_State *L) {
  struct subject subject;
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  subject_init(L, &subject, 1, 2);
  subject.pattern -= subject.anchored; /* no anchor in gmatch */
  const uint8_t *from = subject.m.text + lua_tointeger(L, lua_upvalueindex(3));
  lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
  for (; from <= subject.m.text_end; from++) {
    const uint8_t *end = subject_match(&subject, from);
    if (end && end - subject.m.text != last) {
      lua_pushinteger(L, end - subject.m.text);
      lua_pushvalue(L, -1);
      lua_replace(L, lua_upvalueindex(3));
      lua_replace(L, lua_upvalueindex(4));
      return push_captures(&subject.m, from, end, true);
    }
  }
  return 0;
}

static int lib_gmatch(lua_State *L) {
  struct subject subject;
  subject_init(L, &subject, 1, 2);
  const uint8_t *from = start_of(L, &subject, 3);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushinteger(L, from ? from - subject.m.text : subject.m.text_end - subject.m.text + 1);
  lua_pushinteger(L, -1);
  lua_pushcclosure(L, gmatch_next, 4);
  return 1;
}

/* "%1" in a replacement text; leaves the result in the buffer. */
static void add_template(struct matcher *m, luaL_Buffer *buffer, const uint8_t *start, const uint8_t *end) {
  size_t size;
  const char *template = lua_tolstring(m->L, 3, &size);
  for (size_t i = 0; i < size; i++) {
    if (template[i] != '%') {
      luaL_addchar(buffer, template[i]);
      continue;
    }
    char what = i + 1 < size ? template[++i] : '\0';
    if (what == '%') {
      luaL_addchar(buffer, '%');
    } else if (what == '0') {
      luaL_addlstring(buffer, (const char *)start, (size_t)(end - start));
    } else if (isdigit((unsigned char)what)) {
      push_capture(m, what - '1', start, end);
      (void)luaL_tolstring(m->L, -1, NULL);
      lua_remove(m->L, -2);
      luaL_addvalue(buffer);
    } else {
      (void)luaL_error(m->L, "invalid use of '%%' in replacement string");
    }
  }
}

static void add_looked_up(struct matcher *m, luaL_Buffer *buffer, const uint8_t *start, const uint8_t *end) {
  if (lua_type(m->L, 3) == LUA_TFUNCTION) {
    lua_pushvalue(m->L, 3);
    lua_call(m->L, push_captures(m, start, end, true), 1);
  } else {
    push_capture(m, 0, start, end);
    (void)lua_gettable(m->L, 3);
  }
  if (!lua_toboolean(m->L, -1)) {
    lua_pop(m->L, 1);
    luaL_addlstring(buffer, (const char *)start, (size_t)(end - start));
  } else if (lua_isstring(m->L, -1)) {
    luaL_addvalue(buffer);
  } else {
    (void)luaL_error(m->L, "invalid replacement value (a %s)", luaL_typename(m->L, -1));
  }
}

static void add_replacement(struct matcher *m, luaL_Buffer *buffer, const uint8_t *start, const uint8_t *end) {
  int type = lua_type(m->L, 3);
  if (type == LUA_TSTRING || type == LUA_TNUMBER) {
    add_template(m, buffer, start, end);
  } else {
    add_looked_up(m, buffer, start, end);
  }
}

static int lib_gsub(lua_State *L) {
  struct subject subject;
  subject_init(L, &subject, 1, 2);
  int type = lua_type(L, 3);
  luaL_argcheck(L, type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                "string, number, table or function expected");
  if (type == LUA_TNUMBER) {
    (void)lua_tolstring(L, 3, NULL);
  }
  struct matcher *m = &subject.m;
  lua_Integer left = luaL_optinteger(L, 4, (lua_Integer)(m->text_end - m->text) + 1);
  lua_Integer count = 0;
  const uint8_t *from = m->text;
  const uint8_t *last = NULL;
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (bool more = true; more && count < left;) {
    const uint8_t *end = subject_match(&subject, from);
    if (end && end != last) {
      count++;
      add_replacement(m, &buffer, from, end);
      from = last = end;
    } else if (from < m->text_end) {
      luaL_addchar(&buffer, (char)*from++);
    } else {
      break;
    }
    more = !subject.anchored;
  }
  luaL_addlstring(&buffer, (const char *)from, (size_t)(m->text_end - from));
  luaL_pushresult(&buffer);
  lua_pushinteger(L, count);
  return 2;
}

void library_patterns(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"find", lib_find}, {"match", lib_match}, {"gmatch", lib_gmatch}, {"gsub", lib_gsub}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
