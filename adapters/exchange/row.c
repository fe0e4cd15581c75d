#include "exchange/row.h"

#include <csv.h>

char row_separator(struct span header) {
  static const char candidates[] = {';', ',', '\t'};
  size_t counts[sizeof candidates] = {0};
  bool quoted = false;
  for (size_t i = 0; i < header.size; i++) {
    quoted ^= header.data[i] == '"';
    for (size_t c = 0; c < sizeof candidates && !quoted; c++) {
      counts[c] += header.data[i] == (uint8_t)candidates[c];
    }
  }
  size_t best = 0;
  for (size_t c = 1; c < sizeof candidates; c++) {
    best = counts[c] > counts[best] ? c : best;
  }
  return candidates[best];
}

bool row_unfinished(struct span text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size; i++) {
    quoted ^= text.data[i] == '"';
  }
  return quoted;
}

struct parse {
  struct arena *arena;
  struct row row;
  size_t records;
  bool overflow;
};

static void on_field(void *bytes, size_t size, void *arg) {
  struct parse *parse = arg;
  if (parse->row.count == ROW_FIELDS_MAX) {
    parse->overflow = true;
    return;
  }
  parse->row.fields[parse->row.count++] = arena_copy(parse->arena, span_of(bytes, size));
}

static void on_record(int terminator UNUSED, void *arg) {
  struct parse *parse = arg;
  parse->records++;
}

enum err row_parse(struct span text, char separator, struct arena *arena, struct row *ret_row) {
  struct csv_parser parser;
  if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
    return ERR_NO_MEMORY;
  }
  csv_set_delim(&parser, (unsigned char)separator);
  struct parse parse = {.arena = arena, .row.fields = ARENA_ARRAY(arena, struct span, ROW_FIELDS_MAX)};
  bool whole = csv_parse(&parser, text.data, text.size, on_field, on_record, &parse) == text.size &&
               csv_fini(&parser, on_field, on_record, &parse) == 0;
  csv_free(&parser);
  if (parse.overflow) {
    return ERR_LIMIT;
  }
  if (!whole || parse.records > 1) {
    return ERR_FORMAT;
  }
  *ret_row = parse.row;
  return ERR_OK;
}

static bool looks_like_formula(struct span field) {
  static const uint8_t signs[] = {'=', '+', '-', '@', '\t', '\r'};
  return field.size > 0 && memchr(signs, field.data[0], sizeof signs) != NULL;
}

struct span row_plain(struct span field) {
  bool defused = field.size > 1 && field.data[0] == '\'' && looks_like_formula(span_of(field.data + 1, field.size - 1));
  return defused ? span_of(field.data + 1, field.size - 1) : field;
}

static bool needs_quotes(struct span field) {
  static const uint8_t signs[] = {';', '"', ',', '\r', '\n', '\t'};
  for (size_t i = 0; i < field.size; i++) {
    if (memchr(signs, field.data[i], sizeof signs)) {
      return true;
    }
  }
  return false;
}

static void write_escaped(struct span field, struct writer *w) {
  for (size_t i = 0; i < field.size; i++) {
    if (field.data[i] == '"') {
      writer_u8(w, '"');
    }
    writer_u8(w, field.data[i]);
  }
}

static void write_field(struct span field, struct writer *w) {
  struct span quote = needs_quotes(field) ? SPAN_LITERAL("\"") : (struct span){0};
  writer_raw(w, quote);
  if (looks_like_formula(field)) {
    writer_u8(w, '\'');
  }
  write_escaped(field, w);
  writer_raw(w, quote);
}

void row_write(const struct span *fields, size_t count, struct writer *w) {
  for (size_t i = 0; i < count; i++) {
    if (i > 0) {
      writer_u8(w, ';');
    }
    write_field(fields[i], w);
  }
  writer_raw(w, SPAN_LITERAL("\r\n"));
}
