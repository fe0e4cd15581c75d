#include "exchange/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/json.h"
#include "exchange/convert.h"
#include "exchange/folder.h"
#include "exchange/row.h"

enum { TABLE_SIZE_MAX = 16 << 20 };

static enum err out_path(const struct outbox *outbox, const char *participant, const char *name,
                         char path[FOLDER_PATH_MAX]) {
  char folder[FOLDER_PATH_MAX];
  TRY(folder_path(folder, outbox->root, "out", outbox->several ? participant : ""));
  return folder_path(path, folder, name, "");
}

/* The delivery as one map: its body with what stands around it. */
static struct value whole(const struct delivery *delivery, const char *participant, struct arena *arena) {
  char moment[CIVIL_MOMENT_TEXT];
  civil_moment_format(delivery->recorded_at, moment);
  struct value map = value_with(arena, &delivery->body, SPAN_LITERAL("delivery"), value_text(delivery->kind));
  map = value_with(arena, &map, SPAN_LITERAL("position"), value_int((int64_t)delivery->position));
  map = value_with(arena, &map, SPAN_LITERAL("participant"), value_text(span_of_cstr(participant)));
  return value_with(arena, &map, SPAN_LITERAL("recorded_at"), value_text(arena_copy(arena, span_of_cstr(moment))));
}

static enum err write_json(const struct outbox *outbox, const char *participant, const struct delivery *delivery,
                           const struct value *map) {
  char name[FOLDER_NAME_MAX + 1];
  char path[FOLDER_PATH_MAX];
  snprintf(name, sizeof name, "%010llu-%.*s.json", (unsigned long long)delivery->position, SPAN_ARG(delivery->kind));
  TRY(out_path(outbox, participant, name, path));
  struct writer text DEFER(writer_finish);
  writer_init(&text);
  json_write(map, &text);
  writer_u8(&text, '\n');
  return folder_write(path, writer_span(&text));
}

/* ---- the day's table ---- */

static void close_file(FILE **file) {
  if (*file) {
    fclose(*file);
  }
}

/* The table as it stands; empty if there is none yet. */
static enum err read_table(const char *path, struct writer *w) {
  FILE *file DEFER(close_file) = fopen(path, "rb");
  uint8_t block[4096];
  size_t got = 0;
  while (file && (got = fread(block, 1, sizeof block, file)) > 0) {
    writer_raw(w, span_of(block, got));
    if (w->size > TABLE_SIZE_MAX) {
      return ERR_LIMIT;
    }
  }
  return file && ferror(file) ? ERR_IO : ERR_OK;
}

static bool has_row(struct span table, struct span position) {
  while (table.data) {
    struct span line = span_cut(table, '\n', &table);
    struct span rest;
    if (span_equal(span_cut(line, ';', &rest), position)) {
      return true;
    }
  }
  return false;
}

static void write_header(const struct profile_out *out, struct span *fields, struct writer *w) {
  fields[0] = SPAN_LITERAL("№");
  for (unsigned i = 0; i < out->columns_count; i++) {
    fields[i + 1] = span_of_cstr(out->columns[i].title);
  }
  writer_raw(w, SPAN_LITERAL("\xEF\xBB\xBF"));
  row_write(fields, out->columns_count + 1, w);
}

static enum err add_row(const char *path, const struct profile_out *out, const struct value *map, struct span position,
                        struct arena *arena) {
  struct writer table DEFER(writer_finish);
  writer_init(&table);
  TRY(read_table(path, &table));
  if (has_row(writer_span(&table), position)) {
    return ERR_OK;
  }
  struct span *fields = ARENA_ARRAY(arena, struct span, out->columns_count + 1);
  if (table.size == 0) {
    write_header(out, fields, &table);
  }
  fields[0] = position;
  for (unsigned i = 0; i < out->columns_count; i++) {
    fields[i + 1] = convert_out(map, out->columns[i].field, arena);
  }
  row_write(fields, out->columns_count + 1, &table);
  return folder_write(path, writer_span(&table));
}

static enum err write_tables(const struct outbox *outbox, const char *participant, const struct delivery *delivery,
                             const struct value *map, struct arena *arena) {
  char date[CIVIL_DATE_TEXT];
  civil_day_format(civil_moment_day(delivery->recorded_at), date);
  for (unsigned i = 0; i < outbox->profile->out_count; i++) {
    const struct profile_out *out = &outbox->profile->out[i];
    if (!span_is(delivery->kind, out->delivery)) {
      continue;
    }
    char name[FOLDER_NAME_MAX + 1];
    char path[FOLDER_PATH_MAX];
    if (snprintf(name, sizeof name, "%s-%s.csv", out->name, date) >= (int)sizeof name) {
      return ERR_LIMIT;
    }
    TRY(out_path(outbox, participant, name, path));
    TRY(add_row(path, out, map, arena_printf(arena, "%llu", (unsigned long long)delivery->position), arena));
  }
  return ERR_OK;
}

enum err outbox_write(const struct outbox *outbox, const char *participant, const struct delivery *delivery) {
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  struct value map = whole(delivery, participant, &arena);
  TRY(write_json(outbox, participant, delivery, &map));
  return write_tables(outbox, participant, delivery, &map, &arena);
}
