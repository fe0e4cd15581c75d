#include "exchange/convert.h"

#include <string.h>

#include "base/json.h"

/* ---- recognising a table ---- */

static size_t header_position(const struct row *header, const char *title) {
  for (size_t i = 0; i < header->count; i++) {
    if (span_is(span_trim(header->fields[i]), title)) {
      return i;
    }
  }
  return SIZE_MAX;
}

static const char *lay_out(const struct profile_table *table, const struct row *header, struct table_layout *layout) {
  const char *missing = NULL;
  layout->table = table;
  layout->fields_count = header->count;
  for (unsigned i = 0; i < table->columns_count; i++) {
    layout->positions[i] = header_position(header, table->columns[i].title);
    if (layout->positions[i] == SIZE_MAX && table->columns[i].required && !missing) {
      missing = table->columns[i].title;
    }
  }
  return missing;
}

enum err convert_recognise(const struct profile *profile, const struct row *header, struct table_layout *ret_layout,
                           struct fault *fault) {
  const char *missing = NULL;
  for (unsigned i = 0; i < profile->tables_count; i++) {
    if (profile->tables[i].columns_count > ROW_FIELDS_MAX) {
      continue;
    }
    const char *lacks = lay_out(&profile->tables[i], header, ret_layout);
    if (!lacks) {
      return ERR_OK;
    }
    missing = missing ? missing : lacks;
  }
  if (profile->tables_count == 1) {
    return fault_set(fault, ERR_NOT_FOUND, "В заголовке таблицы нет столбца «%s».", missing);
  }
  return fault_set(fault, ERR_NOT_FOUND, "Таблица не узнана: заголовок не похож ни на одну из принимаемых форм.");
}

/* ---- one cell ---- */

#define COLUMN "Столбец "

static const struct profile_code *find_code(const struct profile_list *list, struct span text) {
  for (unsigned i = 0; i < list->items_count; i++) {
    const struct profile_code *item = &list->items[i];
    if (span_is(text, item->title) || span_is(text, item->code)) {
      return item;
    }
    for (unsigned n = 0; n < item->names_count; n++) {
      if (span_is(text, item->names[n])) {
        return item;
      }
    }
  }
  return NULL;
}

struct cell {
  const struct profile *profile;
  const struct profile_column *column;
  struct span text; /* trimmed, not empty */
  struct arena *arena;
  struct fault *fault;
};

static enum err cell_fault(const struct cell *cell, const char *what) {
  return fault_set(cell->fault, ERR_INVALID, COLUMN "«%s»: %s.", cell->column->title, what);
}

static enum err read_text(const struct cell *cell, struct value *ret_value) {
  *ret_value = value_text(cell->text);
  return ERR_OK;
}

static enum err read_integer(const struct cell *cell, struct value *ret_value) {
  int64_t number = 0;
  if (!span_to_int64(cell->text, &number)) {
    return cell_fault(cell, "ожидается целое число");
  }
  *ret_value = value_int(number);
  return ERR_OK;
}

static enum err parse_date(struct span text, civil_day *ret_day) {
  enum err result = civil_day_parse_ru(text, ret_day);
  return result == ERR_FORMAT ? civil_day_parse(text, ret_day) : result;
}

static enum err read_date(const struct cell *cell, struct value *ret_value) {
  civil_day day = 0;
  enum err result = parse_date(cell->text, &day);
  if (result != ERR_OK) {
    return cell_fault(cell, result == ERR_RANGE ? "такой даты не бывает" : "ожидается дата в виде дд.мм.гггг");
  }
  char date[CIVIL_DATE_TEXT];
  civil_day_format(day, date);
  *ret_value = value_text(arena_copy(cell->arena, span_of_cstr(date)));
  return ERR_OK;
}

static enum err read_boolean(const struct cell *cell, struct value *ret_value) {
  bool yes = span_is(cell->text, "да") || span_is(cell->text, "Да") || span_is(cell->text, "ДА");
  bool no = span_is(cell->text, "нет") || span_is(cell->text, "Нет") || span_is(cell->text, "НЕТ");
  if (!yes && !no) {
    return cell_fault(cell, "ожидается «да» или «нет»");
  }
  *ret_value = value_bool(yes);
  return ERR_OK;
}

static enum err read_code(const struct cell *cell, struct value *ret_value) {
  const struct profile_code *code = find_code(profile_list(cell->profile, cell->column->list), cell->text);
  if (!code) {
    return cell_fault(cell, "такого значения нет в справочнике");
  }
  *ret_value = value_text(span_of_cstr(code->code));
  return ERR_OK;
}

/* The code "none" of a list ("не заявлены") says that there is nothing to list. */
static enum err read_codes(const struct cell *cell, struct value *ret_value) {
  enum { CODES_MAX = 100 };
  struct value *items = ARENA_ARRAY(cell->arena, struct value, CODES_MAX);
  size_t count = 0;
  struct span rest = cell->text;
  while (rest.data) {
    if (count == CODES_MAX) {
      return cell_fault(cell, "слишком много значений");
    }
    struct cell one = *cell;
    one.text = span_trim(span_cut(rest, ',', &rest));
    TRY(read_code(&one, &items[count]));
    count += span_is(items[count].text, "none") ? 0 : 1;
  }
  *ret_value = value_list(items, count);
  return ERR_OK;
}

typedef enum err (*cell_reader)(const struct cell *cell, struct value *ret_value);
static const cell_reader READERS[] = {
    [COLUMN_TEXT] = read_text,       [COLUMN_INTEGER] = read_integer, [COLUMN_DATE] = read_date,
    [COLUMN_BOOLEAN] = read_boolean, [COLUMN_CODE] = read_code,       [COLUMN_CODES] = read_codes,
};

/* ---- a row ---- */

static const struct profile_choice *find_choice(const struct profile_table *table, struct span text) {
  for (unsigned i = 0; i < table->events_count; i++) {
    if (span_is(text, table->events[i].text)) {
      return &table->events[i];
    }
  }
  return NULL;
}

/* What a row has come to, cell by cell. */
struct row_reading {
  const struct profile_table *table;
  struct exchange_event *event;
  const struct profile_choice *choice; /* of the event column */
  civil_day occurred;                  /* CIVIL_DAY_NONE until its column was read */
  struct value_field *fields;
  size_t fields_count;
};

static enum err take_cell(const struct cell *cell, struct row_reading *reading) {
  const struct profile_table *table = reading->table;
  const char *title = cell->column->title;
  struct value value;
  TRY(READERS[cell->column->format](cell, &value));
  if (cell->column->field) {
    reading->fields[reading->fields_count++] = (struct value_field){span_of_cstr(cell->column->field), value};
  }
  if (table->case_column && strcmp(title, table->case_column) == 0) {
    reading->event->case_id = cell->text;
  }
  if (table->occurred_column && strcmp(title, table->occurred_column) == 0) {
    TRY(parse_date(cell->text, &reading->occurred));
    reading->event->occurred_at = civil_day_start(reading->occurred);
  }
  if (table->event_column && strcmp(title, table->event_column) == 0) {
    reading->choice = find_choice(table, cell->text);
    if (!reading->choice) {
      return cell_fault(cell, "такого значения нет в справочнике");
    }
    reading->event->event = span_of_cstr(reading->choice->event);
    reading->event->speaker = reading->choice->sender;
    reading->event->own_case = reading->choice->own_case;
  }
  return ERR_OK;
}

/* What the choice says by itself. */
static enum err add_settings(const struct profile *profile, struct row_reading *reading, struct arena *arena,
                             struct fault *fault) {
  const struct profile_choice *choice = reading->choice;
  for (unsigned i = 0; choice && i < choice->set_count; i++) {
    const struct profile_column column = {.title = choice->set[i].field, .format = choice->set[i].format};
    const struct cell cell = {profile, &column, span_of_cstr(choice->set[i].value), arena, fault};
    struct value_field *field = &reading->fields[reading->fields_count++];
    field->name = span_of_cstr(column.title);
    TRY(READERS[column.format](&cell, &field->value));
  }
  return ERR_OK;
}

static bool is_case_column(const struct profile_table *table, const struct profile_column *column) {
  return table->case_column && strcmp(column->title, table->case_column) == 0;
}

/* All that is wrong with a row, so that it is mended in one go; what there is no room for is counted. */
struct complaints {
  struct fault told; /* ERR_OK: none */
  unsigned left_out;
};

/* "Столбец «A»: …." and "Столбец «B»: …." become "Столбец «A»: …; «B»: …." */
static bool join_complaint(struct fault *told, const char *text) {
  enum { LAST_BYTES = 48 }; /* for the count */
  size_t size = strlen(told->text);
  const char *rest = strncmp(text, COLUMN, sizeof COLUMN - 1) == 0 ? text + sizeof COLUMN - 1 : text;
  bool fits = size > 0 && size + 1 + strlen(rest) < sizeof told->text - LAST_BYTES;
  if (fits) {
    struct fault before = *told;
    (void)fault_set(told, before.err, "%.*s; %s", (int)(size - 1), before.text, rest);
  }
  return fits;
}

static void complain(struct complaints *complaints, enum err err, const struct fault *found) {
  if (err == ERR_OK) {
    return;
  }
  if (complaints->told.err == ERR_OK) {
    complaints->told = *found;
  } else if (!join_complaint(&complaints->told, found->text)) {
    complaints->left_out++;
  }
}

static enum err conclude(const struct complaints *complaints, struct fault *fault) {
  const struct fault *told = &complaints->told;
  if (told->err == ERR_OK) {
    return ERR_OK;
  }
  if (complaints->left_out == 0) {
    return fault_set(fault, told->err, "%s", told->text);
  }
  return fault_set(fault, told->err, "%s И ещё ошибок: %u.", told->text, complaints->left_out);
}

static enum err take_or_miss(const struct cell *cell, struct row_reading *reading) {
  if (!span_empty(cell->text)) {
    return take_cell(cell, reading);
  }
  bool missing = cell->column->required && !is_case_column(reading->table, cell->column);
  return missing ? cell_fault(cell, "не заполнен") : ERR_OK;
}

static void take_cells(const struct profile *profile, const struct table_layout *layout, const struct row *row,
                       struct row_reading *reading, struct arena *arena, struct complaints *complaints) {
  for (unsigned i = 0; i < layout->table->columns_count; i++) {
    struct fault found = {.err = ERR_OK};
    struct cell cell = {profile, &layout->table->columns[i], {0}, arena, &found};
    if (layout->positions[i] != SIZE_MAX) {
      cell.text = row_plain(span_trim(row->fields[layout->positions[i]]));
    }
    complain(complaints, take_or_miss(&cell, reading), &found);
  }
}

/* The case may be left open where the choice names it. */
static enum err check_case(const struct row_reading *reading, struct fault *fault) {
  return !span_empty(reading->event->case_id) || reading->event->own_case
             ? ERR_OK
             : fault_set(fault, ERR_INVALID, COLUMN "«%s»: не заполнен.", reading->table->case_column);
}

/* Cells, the date of the choice and what it sets. */
static size_t fields_max(const struct profile_table *table) {
  size_t set = 0;
  for (unsigned i = 0; i < table->events_count; i++) {
    set = table->events[i].set_count > set ? table->events[i].set_count : set;
  }
  return table->columns_count + 1 + set;
}

/* The answer's own date field, where the events of a column have one each. */
static void add_date(struct row_reading *reading, struct arena *arena) {
  char date[CIVIL_DATE_TEXT];
  if (reading->choice && reading->choice->date_field && reading->occurred != CIVIL_DAY_NONE) {
    civil_day_format(reading->occurred, date);
    reading->fields[reading->fields_count++] = (struct value_field){span_of_cstr(reading->choice->date_field),
                                                                    value_text(arena_copy(arena, span_of_cstr(date)))};
  }
}

enum err convert_row(const struct profile *profile, const struct table_layout *layout, const struct row *row,
                     struct arena *arena, struct exchange_event *ret_event, struct fault *fault) {
  const struct profile_table *table = layout->table;
  if (row->count != layout->fields_count) {
    return fault_set(fault, ERR_INVALID, "В строке %zu столбцов, а в заголовке %zu.", row->count, layout->fields_count);
  }
  struct row_reading reading = {.table = table,
                                .event = ret_event,
                                .occurred = CIVIL_DAY_NONE,
                                .fields = ARENA_ARRAY(arena, struct value_field, fields_max(table))};
  *ret_event = (struct exchange_event){.event = span_of_cstr(table->event), .occurred_at = CIVIL_MOMENT_NONE};
  struct complaints complaints = {.left_out = 0};
  struct fault found = {.err = ERR_OK};
  take_cells(profile, layout, row, &reading, arena, &complaints);
  complain(&complaints, check_case(&reading, &found), &found);
  TRY(conclude(&complaints, fault));
  add_date(&reading, arena);
  TRY(add_settings(profile, &reading, arena, fault));
  return value_map(reading.fields, reading.fields_count, &ret_event->data);
}

/* ---- a JSON line ---- */

enum err convert_line(struct span line, struct arena *arena, struct exchange_event *ret_event, struct fault *fault) {
  static const char *const known[] = {"event", "case", "data", "as", "occurred_at"};
  struct value root;
  if (json_read(line, arena, &root, NULL) != ERR_OK || root.kind != VALUE_MAP) {
    return fault_set(fault, ERR_FORMAT, "Строка не читается как объект JSON.");
  }
  for (size_t i = 0; i < root.map.count; i++) {
    bool found = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
      found |= span_is(root.map.fields[i].name, known[k]);
    }
    if (!found) {
      return fault_set(fault, ERR_INVALID,
                       "В строке есть неизвестное поле; допустимы event, case, data, as, occurred_at.");
    }
  }
  const struct value *data = value_get(&root, "data");
  *ret_event = (struct exchange_event){
      .sender = value_get_text(&root, "as"),
      .event = value_get_text(&root, "event"),
      .case_id = value_get_text(&root, "case"),
      .occurred_at = CIVIL_MOMENT_NONE,
  };
  if (span_empty(ret_event->event) || span_empty(ret_event->case_id)) {
    return fault_set(fault, ERR_INVALID, "В строке нет поля event или case.");
  }
  if (data && data->kind != VALUE_MAP) {
    return fault_set(fault, ERR_INVALID, "Поле data должно быть объектом.");
  }
  if (data) {
    ret_event->data = *data;
  } else {
    TRY(value_map(NULL, 0, &ret_event->data));
  }
  struct span occurred = value_get_text(&root, "occurred_at");
  if (!span_empty(occurred) && civil_moment_parse(occurred, &ret_event->occurred_at) != ERR_OK) {
    return fault_set(fault, ERR_INVALID, "Поле occurred_at: ожидается время в виде 2026-01-12T10:15:00+05:00.");
  }
  return ERR_OK;
}

/* ---- deliveries ---- */

static struct span join(const struct value *list, struct arena *arena) {
  struct span text = {0};
  for (size_t i = 0; i < list->list.count; i++) {
    const struct value *item = &list->list.items[i];
    if (item->kind == VALUE_TEXT) {
      text = arena_printf(arena, "%.*s%s%.*s", SPAN_ARG(text), text.size ? ", " : "", SPAN_ARG(item->text));
    }
  }
  return text;
}

static struct span show(const struct value *v, struct arena *arena) {
  civil_day day = 0;
  char date[CIVIL_DATE_TEXT];
  switch (v->kind) {
  case VALUE_TEXT:
    if (civil_day_parse(v->text, &day) == ERR_OK) {
      civil_day_format_ru(day, date);
      return arena_copy(arena, span_of_cstr(date));
    }
    return v->text;
  case VALUE_INT:
    return arena_printf(arena, "%lld", (long long)v->integer);
  case VALUE_BOOL:
    return v->truth ? SPAN_LITERAL("да") : SPAN_LITERAL("нет");
  case VALUE_LIST:
    return join(v, arena);
  case VALUE_NIL:
  case VALUE_REAL:
  case VALUE_MAP:
    break;
  }
  return (struct span){0};
}

struct span convert_out(const struct value *delivery, const char *field, struct arena *arena) {
  const struct value *at = delivery;
  struct span rest = span_of_cstr(field);
  while (at && rest.data) {
    struct span name = span_cut(rest, '.', &rest);
    at = value_find(at, name);
  }
  return at ? show(at, arena) : (struct span){0};
}
