/*
 * jansson parses; its tree is made in the caller's arena, and the value tree borrows jansson's texts from there.
 *
 * jansson takes its allocator for the whole process, so the two functions below ask a variable of the thread: while a
 * text is being read it names the arena, and nothing is freed one by one; at all other times they are malloc and free.
 */
#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

static _Thread_local struct arena *reading_arena;
static once_flag allocator_once = ONCE_FLAG_INIT;

static void *json_allocate(size_t size) {
  return reading_arena ? arena_alloc(reading_arena, size) : malloc(size);
}

static void json_release(void *at) {
  if (!reading_arena) {
    free(at);
  }
}

static void allocator_install(void) {
  json_set_alloc_funcs(json_allocate, json_release);
}

/* --- reading --- */

struct position {
  uint32_t line;
  uint32_t column; /* in bytes */
};

/* jansson recurses over nested brackets down to 2048; this looks first, so that it never goes deeper than we do. */
static bool depth_scan(struct span text, struct position *ret_too_deep) {
  struct position at = {1, 1};
  unsigned depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size; i++, at.column++) {
    uint8_t c = text.data[i];
    if (c == '\n') {
      at = (struct position){at.line + 1, 0};
    }
    if (quoted && c == '\\') {
      i++;
      at.column++;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      depth++;
    } else if (!quoted && (c == ']' || c == '}') && depth > 0) {
      depth--;
    }
    if (depth > VALUE_DEPTH_MAX) {
      *ret_too_deep = at;
      return false;
    }
  }
  return true;
}

/* jansson's own text quotes what stood there, which may be personal data; ours names the kind of mistake only. */
static const char *mistake_text(enum json_error_code code) {
  switch (code) {
  case json_error_premature_end_of_input:
    return "текст JSON оборван";
  case json_error_end_of_input_expected:
    return "после значения JSON есть лишний текст";
  case json_error_invalid_utf8:
    return "недопустимая последовательность байтов UTF-8";
  case json_error_null_byte_in_key:
  case json_error_null_character:
    return "нулевой символ в строке JSON";
  case json_error_duplicate_key:
    return "имя поля JSON повторяется";
  case json_error_numeric_overflow:
    return "число JSON слишком велико";
  default:
    return "ошибка в записи JSON";
  }
}

static enum err convert(json_t *node, struct arena *arena, struct value *ret_value);

static enum err convert_list(json_t *node, struct arena *arena, struct value *ret_value) {
  size_t count = json_array_size(node);
  struct value *items = ARENA_ARRAY(arena, struct value, count);
  for (size_t i = 0; i < count; i++) {
    TRY(convert(json_array_get(node, i), arena, &items[i]));
  }
  *ret_value = value_list(items, count);
  return ERR_OK;
}

static enum err convert_map(json_t *node, struct arena *arena, struct value *ret_value) {
  struct value_field *fields = ARENA_ARRAY(arena, struct value_field, json_object_size(node));
  size_t count = 0;
  for (void *at = json_object_iter(node); at; at = json_object_iter_next(node, at)) {
    fields[count].name = span_of(json_object_iter_key(at), json_object_iter_key_len(at));
    TRY(convert(json_object_iter_value(at), arena, &fields[count].value));
    count++;
  }
  return value_map(fields, count, ret_value);
}

static enum err convert(json_t *node, struct arena *arena, struct value *ret_value) {
  switch (json_typeof(node)) {
  case JSON_NULL:
    *ret_value = value_nil();
    return ERR_OK;
  case JSON_TRUE:
  case JSON_FALSE:
    *ret_value = value_bool(json_is_true(node));
    return ERR_OK;
  case JSON_INTEGER:
    *ret_value = value_int(json_integer_value(node));
    return ERR_OK;
  case JSON_REAL:
    *ret_value = value_real(json_real_value(node));
    return ERR_OK;
  case JSON_STRING:
    *ret_value = value_text(span_of(json_string_value(node), json_string_length(node)));
    return ERR_OK;
  case JSON_ARRAY:
    return convert_list(node, arena, ret_value);
  case JSON_OBJECT:
    return convert_map(node, arena, ret_value);
  }
  return ERR_FORMAT;
}

enum err json_read(struct span text, struct arena *arena, struct value *ret_value, struct fault *fault) {
  /* jansson takes a NUL between tokens for the end of the text and would not look at what follows. */
  if (text.size > 0 && memchr(text.data, 0, text.size)) {
    return fault_set_at(fault, ERR_FORMAT, 1, 0, "нулевой байт в тексте JSON");
  }
  struct position too_deep;
  if (!depth_scan(text, &too_deep)) {
    return fault_set_at(fault, ERR_FORMAT, too_deep.line, too_deep.column, "вложенность JSON больше %d",
                        VALUE_DEPTH_MAX);
  }
  call_once(&allocator_once, allocator_install);
  json_error_t error;
  reading_arena = arena;
  json_t *tree = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
  enum err err = tree ? convert(tree, arena, ret_value) : ERR_FORMAT;
  reading_arena = NULL;
  if (!tree) {
    uint32_t line = error.line > 0 ? (uint32_t)error.line : 1;
    uint32_t column = error.column > 0 ? (uint32_t)error.column : 1;
    return fault_set_at(fault, ERR_FORMAT, line, column, "%s", mistake_text(json_error_code(&error)));
  }
  return err == ERR_OK ? ERR_OK : fault_set(fault, ERR_FORMAT, "имя поля JSON повторяется");
}

/* --- writing --- */

/* The short escapes of RFC 8259, section 7; other control characters are written as \u00XX. */
static char short_escape(uint8_t c) {
  switch (c) {
  case '"':
  case '\\':
    return (char)c;
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  case '\t':
    return 't';
  default:
    return '\0';
  }
}

static void escape_write(uint8_t c, struct writer *w) {
  char escape = short_escape(c);
  if (escape) {
    uint8_t pair[] = {'\\', (uint8_t)escape};
    writer_raw(w, span_of(pair, sizeof(pair)));
  } else {
    writer_printf(w, "\\u%04x", (unsigned)c);
  }
}

static bool stands_as_is(uint8_t c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Bytes that are no UTF-8 become U+FFFD, so that the output is JSON whatever the text was. */
static void text_write(struct span text, struct writer *w) {
  writer_u8(w, '"');
  size_t done = 0;
  for (size_t at = 0; at < text.size;) {
    uint8_t c = text.data[at];
    size_t size = stands_as_is(c) ? 1 : c < 0x80 ? 0 : span_character_size(span_of(text.data + at, text.size - at));
    if (size > 0) {
      at += size;
      continue;
    }
    writer_raw(w, span_of(text.data + done, at - done));
    if (c < 0x80) {
      escape_write(c, w);
    } else {
      writer_raw(w, SPAN_LITERAL("\xEF\xBF\xBD"));
    }
    done = ++at;
  }
  if (done < text.size) {
    writer_raw(w, span_of(text.data + done, text.size - done));
  }
  writer_u8(w, '"');
}

static void integer_write(int64_t v, struct writer *w) {
  uint8_t digits[20];
  size_t at = sizeof(digits);
  uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
  do {
    digits[--at] = (uint8_t)('0' + left % 10);
    left /= 10;
  } while (left > 0);
  if (v < 0) {
    digits[--at] = '-';
  }
  writer_raw(w, span_of(digits + at, sizeof(digits) - at));
}

/* The shortest digits that read back as the same number; always with a point or an exponent, so that it stays a real.
 * JSON has no word for what is not finite: null. */
static void real_write(double v, struct writer *w) {
  if (!isfinite(v)) {
    writer_raw(w, SPAN_LITERAL("null"));
    return;
  }
  char text[40];
  for (int precision = 15; precision <= 17; precision++) {
    (void)snprintf(text, sizeof(text), "%.*g", precision, v);
    if (real_bits(strtod(text, NULL)) == real_bits(v)) {
      break;
    }
  }
  bool whole = true;
  for (char *c = text; *c; c++) {
    *c = *c == ',' ? '.' : *c; /* a locale's decimal comma */
    whole = whole && *c != '.' && *c != 'e';
  }
  writer_printf(w, "%s%s", text, whole ? ".0" : "");
}

static void list_write(const struct value *v, struct writer *w) {
  writer_u8(w, '[');
  for (size_t i = 0; i < v->list.count; i++) {
    if (i > 0) {
      writer_u8(w, ',');
    }
    json_write(&v->list.items[i], w);
  }
  writer_u8(w, ']');
}

static void field_write(const struct value_field *field, struct writer *w) {
  text_write(field->name, w);
  writer_u8(w, ':');
  json_write(&field->value, w);
}

static void map_write(const struct value *v, struct writer *w) {
  writer_u8(w, '{');
  for (size_t i = 0; i < v->map.count; i++) {
    if (i > 0) {
      writer_u8(w, ',');
    }
    field_write(&v->map.fields[i], w);
  }
  writer_u8(w, '}');
}

void json_write(const struct value *v, struct writer *w) {
  switch (v->kind) {
  case VALUE_NIL:
    writer_raw(w, SPAN_LITERAL("null"));
    break;
  case VALUE_BOOL:
    writer_raw(w, span_of_cstr(v->truth ? "true" : "false"));
    break;
  case VALUE_INT:
    integer_write(v->integer, w);
    break;
  case VALUE_REAL:
    real_write(v->real, w);
    break;
  case VALUE_TEXT:
    text_write(v->text, w);
    break;
  case VALUE_LIST:
    list_write(v, w);
    break;
  case VALUE_MAP:
    map_write(v, w);
    break;
  }
}

void json_write_fields(const struct value_field *fields, size_t count, struct writer *w) {
  writer_u8(w, '{');
  bool first = true;
  for (size_t i = 0; i < count; i++) {
    if (fields[i].value.kind == VALUE_NIL) {
      continue;
    }
    if (!first) {
      writer_u8(w, ',');
    }
    first = false;
    field_write(&fields[i], w);
  }
  writer_u8(w, '}');
}
