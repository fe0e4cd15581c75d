#include "exchange/outbox.h"

#include <stdio.h>

#include "base/civil.h"
#include "base/json.h"
#include "exchange/convert.h"
#include "exchange/folder.h"
#include "exchange/row.h"

enum { PART_SIZE = 256 << 10, PARTS_MAX = 10000 };

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
  (void)snprintf(name, sizeof name, "%010llu-%.*s.json", (unsigned long long)delivery->position,
                 SPAN_ARG(delivery->kind));
  TRY(out_path(outbox, participant, name, path));
  struct writer text DEFER(writer_finish);
  writer_init(&text);
  json_write(map, &text);
  writer_u8(&text, '\n');
  return folder_write(path, writer_span(&text));
}

/* ---- the day's table ---- */

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
                        struct writer *table) {
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  struct span *fields = ARENA_ARRAY(&arena, struct span, out->columns_count + 1);
  if (table->size == 0) {
    write_header(out, fields, table);
  }
  fields[0] = position;
  for (unsigned i = 0; i < out->columns_count; i++) {
    fields[i + 1] = convert_out(map, out->columns[i].field, &arena);
  }
  row_write(fields, out->columns_count + 1, table);
  return folder_write(path, writer_span(table));
}

/* What is to be written where: the table of a kind of delivery and a day. */
struct day_table {
  const struct outbox *outbox;
  const char *participant;
  const struct profile_out *out;
  char date[CIVIL_DATE_TEXT];
};

static enum err part_path(const struct day_table *table, unsigned part, char path[FOLDER_PATH_MAX]) {
  char name[FOLDER_NAME_MAX + 1];
  char number[16] = "";
  if (part > 1) {
    (void)snprintf(number, sizeof number, ".%u", part);
  }
  if (snprintf(name, sizeof name, "%s-%s%s.csv", table->out->name, table->date, number) >= (int)sizeof name) {
    return ERR_LIMIT;
  }
  return out_path(table->outbox, table->participant, name, path);
}

/* The last part that is there, 1 if there is none. */
static enum err last_part(const struct day_table *table, unsigned *ret_part) {
  char path[FOLDER_PATH_MAX];
  for (*ret_part = 1; *ret_part < PARTS_MAX; (*ret_part)++) {
    TRY(part_path(table, *ret_part + 1, path));
    if (!folder_has(path)) {
      break;
    }
  }
  return ERR_OK;
}

/* A part as it stands; empty if there is none. One that somebody has made much larger is not read to its end. */
static enum err read_part(const struct day_table *table, unsigned part, struct writer *w) {
  char path[FOLDER_PATH_MAX];
  writer_reset(w);
  TRY(part_path(table, part, path));
  enum err err = folder_read(path, 2 * PART_SIZE, w);
  return err == ERR_NOT_FOUND || err == ERR_LIMIT ? ERR_OK : err;
}

/* A row that is written again was written a moment before the process was killed: it stands in the last part or in the
 * one before. */
static enum err add_to_day(const struct day_table *table, const struct value *map, struct span position) {
  struct writer text DEFER(writer_finish);
  char path[FOLDER_PATH_MAX];
  unsigned part = 1;
  writer_init(&text);
  TRY(last_part(table, &part));
  if (part > 1) {
    TRY(read_part(table, part - 1, &text));
  }
  if (has_row(writer_span(&text), position)) {
    return ERR_OK;
  }
  TRY(read_part(table, part, &text));
  if (has_row(writer_span(&text), position)) {
    return ERR_OK;
  }
  if (text.size >= PART_SIZE) {
    writer_reset(&text);
    part++;
  }
  TRY(part_path(table, part, path));
  return add_row(path, table->out, map, position, &text);
}

static enum err write_tables(const struct outbox *outbox, const char *participant, const struct delivery *delivery,
                             const struct value *map) {
  char position[24];
  (void)snprintf(position, sizeof position, "%llu", (unsigned long long)delivery->position);
  for (unsigned i = 0; i < outbox->profile->out_count; i++) {
    struct day_table table = {.outbox = outbox, .participant = participant, .out = &outbox->profile->out[i]};
    if (span_is(delivery->kind, table.out->delivery)) {
      civil_day_format(civil_moment_day(delivery->recorded_at), table.date);
      TRY(add_to_day(&table, map, span_of_cstr(position)));
    }
  }
  return ERR_OK;
}

enum err outbox_write(const struct outbox *outbox, const char *participant, const struct delivery *delivery) {
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  struct value map = whole(delivery, participant, &arena);
  TRY(write_json(outbox, participant, delivery, &map));
  return write_tables(outbox, participant, delivery, &map);
}
