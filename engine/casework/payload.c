#include "casework/payload.h"

#include <stdio.h>

/* ---- rules -------------------------------------------------------------------------------------------------- */

bool field_format_of(const struct field_rule *rule, enum field_format *ret_format) {
  static const char *const names[] = {
      [FIELD_TEXT] = "text",       [FIELD_CODE] = "code",       [FIELD_DATE] = "date",
      [FIELD_INTEGER] = "integer", [FIELD_BOOLEAN] = "boolean", [FIELD_TERRITORY] = "territory",
      [FIELD_CODES] = "codes",     [FIELD_RECORDS] = "records",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (span_is(rule->format, names[i])) {
      *ret_format = (enum field_format)i;
      return true;
    }
  }
  return false;
}

/* The fields of an event or of a record. */
struct fields {
  const struct field_rule *items;
  size_t count;
};

static const struct field_rule *fields_find(struct fields fields, struct span name) {
  for (size_t i = 0; i < fields.count; i++) {
    if (span_equal(fields.items[i].name, name)) {
      return &fields.items[i];
    }
  }
  return NULL;
}

static struct fields fields_of_event(const struct event_rule *event) {
  return (struct fields){event->fields, event->fields_count};
}

static struct fields fields_of_record(const struct catalogue *catalogue, struct span name) {
  for (size_t i = 0; i < catalogue->records_count; i++) {
    if (span_equal(catalogue->records[i].name, name)) {
      return (struct fields){catalogue->records[i].fields, catalogue->records[i].fields_count};
    }
  }
  return (struct fields){NULL, 0};
}

const struct field_rule *event_field(const struct event_rule *event, struct span name) {
  return fields_find(fields_of_event(event), name);
}

const struct field_rule *event_territory_field(const struct event_rule *event) {
  for (size_t i = 0; i < event->fields_count; i++) {
    if (span_is(event->fields[i].format, "territory")) {
      return &event->fields[i];
    }
  }
  return NULL;
}

bool payload_key_valid(struct span key) {
  if (key.size == 0 || key.size > PAYLOAD_CODE_MAX || key.data[0] == '.') {
    return false;
  }
  for (size_t i = 0; i < key.size; i++) {
    uint8_t c = key.data[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

/* ---- checking ----------------------------------------------------------------------------------------------- */

struct check {
  const struct catalogue *catalogue;
  bool without_personal;
  struct span record; /* name of the list whose record is looked at, empty at the top */
  size_t row;         /* 1-based, of that list */
  struct fault *fault;
};

/* Names the field and what is wanted of it; never what stood there. */
static enum err wrong(const struct check *check, struct span field, const char *what) {
  if (span_empty(check->record)) {
    return fault_set(check->fault, ERR_INVALID, "поле «%.*s»: %s", SPAN_ARG(field), what);
  }
  return fault_set(check->fault, ERR_INVALID, "поле «%.*s», запись %zu, «%.*s»: %s", SPAN_ARG(check->record),
                   check->row, SPAN_ARG(field), what);
}

static enum err check_text(const struct check *check, const struct field_rule *rule, const struct value *v) {
  size_t max = rule->max > 0 ? (size_t)rule->max : PAYLOAD_TEXT_MAX;
  if (v->kind != VALUE_TEXT) {
    return wrong(check, rule->name, "нужен текст");
  }
  if (v->text.size > max) {
    return wrong(check, rule->name, "слишком длинный текст");
  }
  if (!span_is_text(v->text)) {
    return wrong(check, rule->name, "недопустимые символы");
  }
  return ERR_OK;
}

/* What a code may be, as far as a fault has room for it. */
enum { CODES_TEXT_MAX = 200 };
static void codes_text(const struct text_list *values, char text[CODES_TEXT_MAX]) {
  size_t size = 0;
  text[0] = 0;
  for (size_t i = 0; i < values->count; i++) {
    int added = snprintf(text + size, CODES_TEXT_MAX - size, "%s%.*s", i > 0 ? ", " : "", SPAN_ARG(values->items[i]));
    if (added < 0 || size + (size_t)added >= CODES_TEXT_MAX) {
      text[size] = 0; /* whole codes only */
      return;
    }
    size += (size_t)added;
  }
}

static enum err wrong_code(const struct check *check, const struct field_rule *rule, const char *what) {
  char codes[CODES_TEXT_MAX];
  char text[FAULT_TEXT_MAX];
  codes_text(&rule->values, codes);
  (void)snprintf(text, sizeof text, "%s%s%s", what, codes[0] ? "; можно: " : "", codes);
  return wrong(check, rule->name, text);
}

static bool list_names(const struct text_list *list, struct span text) {
  for (size_t i = 0; i < list->count; i++) {
    if (span_equal(list->items[i], text)) {
      return true;
    }
  }
  return false;
}

static enum err check_code(const struct check *check, const struct field_rule *rule, const struct value *v) {
  if (v->kind != VALUE_TEXT) {
    return wrong(check, rule->name, "нужен код");
  }
  bool known = rule->values.count > 0 ? list_names(&rule->values, v->text) : payload_key_valid(v->text);
  return known ? ERR_OK : wrong_code(check, rule, "такого кода нет");
}

static enum err check_date(const struct check *check, const struct field_rule *rule, const struct value *v) {
  civil_day day;
  if (v->kind != VALUE_TEXT) {
    return wrong(check, rule->name, "нужна дата в виде ГГГГ-ММ-ДД");
  }
  switch (civil_day_parse(v->text, &day)) {
  case ERR_OK:
    return ERR_OK;
  case ERR_RANGE:
    return wrong(check, rule->name, "такой даты нет");
  default:
    return wrong(check, rule->name, "нужна дата в виде ГГГГ-ММ-ДД");
  }
}

static enum err check_integer(const struct check *check, const struct field_rule *rule, const struct value *v) {
  if (v->kind != VALUE_INT) {
    return wrong(check, rule->name, "нужно целое число");
  }
  bool bounded = rule->min != 0 || rule->max != 0;
  if (bounded && (v->integer < rule->min || (rule->max != 0 && v->integer > rule->max))) {
    return wrong(check, rule->name, "число вне допустимых границ");
  }
  return ERR_OK;
}

static enum err check_boolean(const struct check *check, const struct field_rule *rule, const struct value *v) {
  return v->kind == VALUE_BOOL ? ERR_OK : wrong(check, rule->name, "нужно «да» или «нет»");
}

static enum err check_territory(const struct check *check, const struct field_rule *rule, const struct value *v) {
  if (v->kind != VALUE_TEXT || !catalogue_territory(check->catalogue, v->text)) {
    return wrong(check, rule->name, "такого муниципального образования нет в справочнике");
  }
  return ERR_OK;
}

static enum err check_list(const struct check *check, const struct field_rule *rule, const struct value *v) {
  size_t max = rule->max > 0 ? (size_t)rule->max : PAYLOAD_LIST_MAX;
  if (v->kind != VALUE_LIST) {
    return wrong(check, rule->name, "нужен список");
  }
  if (v->list.count > max) {
    return wrong(check, rule->name, "слишком длинный список");
  }
  return v->list.count < (size_t)rule->min ? wrong(check, rule->name, "слишком короткий список") : ERR_OK;
}

static enum err check_codes(const struct check *check, const struct field_rule *rule, const struct value *v) {
  TRY(check_list(check, rule, v));
  for (size_t i = 0; i < v->list.count; i++) {
    TRY(check_code(check, rule, &v->list.items[i]));
  }
  return ERR_OK;
}

static enum err check_records(const struct check *check, const struct field_rule *rule, const struct value *v) {
  return check_list(check, rule, v); /* the rows themselves: check_rows */
}

typedef enum err (*field_check)(const struct check *, const struct field_rule *, const struct value *);
static const field_check field_checks[] = {
    [FIELD_TEXT] = check_text,       [FIELD_CODE] = check_code,       [FIELD_DATE] = check_date,
    [FIELD_INTEGER] = check_integer, [FIELD_BOOLEAN] = check_boolean, [FIELD_TERRITORY] = check_territory,
    [FIELD_CODES] = check_codes,     [FIELD_RECORDS] = check_records,
};

static bool field_personal(const struct catalogue *catalogue, const struct field_rule *rule) {
  const struct data_class *class = catalogue_class(catalogue, rule->class_name);
  return !class || class->personal;
}

static bool field_empty(const struct value *v) {
  return !v || v->kind == VALUE_NIL || (v->kind == VALUE_TEXT && span_empty(span_trim(v->text)));
}

static enum err check_field(const struct check *check, const struct field_rule *rule, const struct value *v) {
  enum field_format format;
  if (field_empty(v)) {
    bool excused = check->without_personal && field_personal(check->catalogue, rule);
    return rule->required && !excused ? wrong_code(check, rule, "обязательное поле не заполнено") : ERR_OK;
  }
  if (!field_format_of(rule, &format)) {
    return wrong(check, rule->name, "формат поля не описан");
  }
  return field_checks[format](check, rule, v);
}

/* The name of an unknown field is the sender's text: shown only if it cannot hold anything but a name. */
static enum err check_unknown(const struct check *check, struct fields fields, const struct value *map) {
  for (size_t i = 0; i < map->map.count; i++) {
    struct span name = map->map.fields[i].name;
    if (!fields_find(fields, name)) {
      return wrong(check, payload_key_valid(name) ? name : SPAN_LITERAL("?"), "такого поля у события нет");
    }
  }
  return ERR_OK;
}

static enum err check_map(const struct check *check, struct fields fields, const struct value *map) {
  if (map->kind == VALUE_MAP) {
    TRY(check_unknown(check, fields, map));
  }
  for (size_t i = 0; i < fields.count; i++) {
    TRY(check_field(check, &fields.items[i], value_find(map, fields.items[i].name)));
  }
  return ERR_OK;
}

static enum err check_rows(const struct check *top, const struct field_rule *rule, const struct value *list) {
  struct fields fields = fields_of_record(top->catalogue, rule->record);
  struct check check = *top;
  check.record = rule->name;
  for (size_t i = 0; list && list->kind == VALUE_LIST && i < list->list.count; i++) {
    check.row = i + 1;
    if (list->list.items[i].kind != VALUE_MAP) {
      return wrong(top, rule->name, "нужен список записей");
    }
    TRY(check_map(&check, fields, &list->list.items[i]));
  }
  return ERR_OK;
}

enum err catalogue_validate(const struct catalogue *catalogue, const struct event_rule *event, const struct value *data,
                            bool without_personal, struct fault *fault) {
  const struct check check = {.catalogue = catalogue, .without_personal = without_personal, .fault = fault};
  if (data->kind != VALUE_MAP && data->kind != VALUE_NIL) {
    return fault_set(fault, ERR_INVALID, "данные события должны быть набором полей");
  }
  struct fields fields = fields_of_event(event);
  TRY(check_map(&check, fields, data));
  for (size_t i = 0; i < fields.count; i++) {
    if (span_is(fields.items[i].format, "records")) {
      TRY(check_rows(&check, &fields.items[i], value_find(data, fields.items[i].name)));
    }
  }
  return ERR_OK;
}

/* ---- splitting and cutting ---------------------------------------------------------------------------------- */

/* Two heaps that fields are dealt into; each is big enough for all of them. */
struct heaps {
  struct value_field *items[2]; /* clear, personal */
  size_t counts[2];
};
enum { HEAP_CLEAR, HEAP_PERSONAL };

static struct heaps heaps_new(struct arena *arena, size_t count) {
  return (struct heaps){
      .items = {ARENA_ARRAY(arena, struct value_field, count), ARENA_ARRAY(arena, struct value_field, count)}};
}

static void heaps_put(struct heaps *heaps, int heap, struct span name, struct value v) {
  heaps->items[heap][heaps->counts[heap]++] = (struct value_field){name, v};
}

/* Fields come from a map, in order and without doubles, so that the parts are maps as they stand. */
static struct value heaps_map(const struct heaps *heaps, int heap) {
  return (struct value){.kind = VALUE_MAP, .map = {heaps->items[heap], heaps->counts[heap]}};
}

/* What a chart sees of a field: a territory by its code, however the sender spelled it. */
static struct value clear_form(const struct catalogue *catalogue, const struct field_rule *rule, struct value v) {
  if (!span_is(rule->format, "territory") || v.kind != VALUE_TEXT) {
    return v;
  }
  const struct territory *territory = catalogue_territory(catalogue, v.text);
  return territory ? value_text(territory->code) : v;
}

static void split_record(const struct catalogue *catalogue, struct fields fields, const struct value *row,
                         struct arena *arena, struct heaps *ret_heaps) {
  size_t count = row->kind == VALUE_MAP ? row->map.count : 0;
  *ret_heaps = heaps_new(arena, count);
  for (size_t i = 0; i < count; i++) {
    const struct field_rule *rule = fields_find(fields, row->map.fields[i].name);
    bool personal = !rule || field_personal(catalogue, rule);
    heaps_put(ret_heaps, personal ? HEAP_PERSONAL : HEAP_CLEAR, row->map.fields[i].name, row->map.fields[i].value);
  }
}

/* A list of records becomes two lists with the same rows; the personal one only if some row has something for it. */
static void split_rows(const struct catalogue *catalogue, const struct field_rule *rule,
                       const struct value_field *field, struct arena *arena, struct heaps *heaps) {
  size_t count = field->value.kind == VALUE_LIST ? field->value.list.count : 0;
  struct value *rows[2] = {ARENA_ARRAY(arena, struct value, count), ARENA_ARRAY(arena, struct value, count)};
  struct fields fields = fields_of_record(catalogue, rule->record);
  size_t personal = 0;
  for (size_t i = 0; i < count; i++) {
    struct heaps row;
    split_record(catalogue, fields, &field->value.list.items[i], arena, &row);
    rows[HEAP_CLEAR][i] = heaps_map(&row, HEAP_CLEAR);
    rows[HEAP_PERSONAL][i] = heaps_map(&row, HEAP_PERSONAL);
    personal += row.counts[HEAP_PERSONAL];
  }
  heaps_put(heaps, HEAP_CLEAR, field->name, value_list(rows[HEAP_CLEAR], count));
  if (personal > 0) {
    heaps_put(heaps, HEAP_PERSONAL, field->name, value_list(rows[HEAP_PERSONAL], count));
  }
}

enum err catalogue_split(const struct catalogue *catalogue, const struct event_rule *event, const struct value *data,
                         struct arena *arena, struct value *ret_clear, struct value *ret_personal) {
  size_t count = data->kind == VALUE_MAP ? data->map.count : 0;
  struct heaps heaps = heaps_new(arena, count);
  for (size_t i = 0; i < count; i++) {
    const struct value_field *field = &data->map.fields[i];
    const struct field_rule *rule = event_field(event, field->name);
    if (!rule) {
      return ERR_INVALID;
    }
    if (field_empty(&field->value)) {
      continue;
    }
    if (field_personal(catalogue, rule)) {
      heaps_put(&heaps, HEAP_PERSONAL, field->name, field->value);
    } else if (span_is(rule->format, "records")) {
      split_rows(catalogue, rule, field, arena, &heaps);
    } else {
      heaps_put(&heaps, HEAP_CLEAR, field->name, clear_form(catalogue, rule, field->value));
    }
  }
  *ret_clear = heaps_map(&heaps, HEAP_CLEAR);
  *ret_personal = heaps_map(&heaps, HEAP_PERSONAL);
  return ERR_OK;
}

/* Where one name stands in several rules, all of them have to allow it. */
struct verdict {
  bool named, allowed;
  struct span record; /* of a list of records */
};

static void verdict_add(const struct catalogue *catalogue, const struct field_rule *rule, struct span kind,
                        struct verdict *verdict) {
  const struct data_class *class = catalogue_class(catalogue, rule->class_name);
  bool allowed = class && text_list_has(&class->seen_by, kind);
  verdict->allowed = allowed && (verdict->allowed || !verdict->named);
  verdict->named = true;
  if (span_is(rule->format, "records")) {
    verdict->record = rule->record;
  }
}

static struct verdict verdict_on(const struct catalogue *catalogue, struct span name, struct span kind) {
  struct verdict verdict = {0};
  for (size_t i = 0; i < catalogue->events_count; i++) {
    const struct field_rule *rule = event_field(&catalogue->events[i], name);
    if (rule) {
      verdict_add(catalogue, rule, kind, &verdict);
    }
  }
  return verdict;
}

static struct value cut_row(const struct catalogue *catalogue, struct fields fields, const struct value *row,
                            struct span kind, struct arena *arena) {
  size_t count = row->kind == VALUE_MAP ? row->map.count : 0;
  struct value_field *kept = ARENA_ARRAY(arena, struct value_field, count);
  size_t kept_count = 0;
  for (size_t i = 0; i < count; i++) {
    const struct field_rule *rule = fields_find(fields, row->map.fields[i].name);
    const struct data_class *class = rule ? catalogue_class(catalogue, rule->class_name) : NULL;
    if (class && text_list_has(&class->seen_by, kind)) {
      kept[kept_count++] = row->map.fields[i];
    }
  }
  return (struct value){.kind = VALUE_MAP, .map = {kept, kept_count}};
}

/* How many there are is news, too. */
static bool has_row(const struct value *rows) {
  for (size_t i = 0; i < rows->list.count; i++) {
    if (rows->list.items[i].map.count > 0) {
      return true;
    }
  }
  return false;
}

static struct value cut_rows(const struct catalogue *catalogue, struct span record, const struct value *list,
                             struct span kind, struct arena *arena) {
  size_t count = list->kind == VALUE_LIST ? list->list.count : 0;
  struct value *rows = ARENA_ARRAY(arena, struct value, count);
  for (size_t i = 0; i < count; i++) {
    rows[i] = cut_row(catalogue, fields_of_record(catalogue, record), &list->list.items[i], kind, arena);
  }
  return value_list(rows, count);
}

struct value catalogue_cut(const struct catalogue *catalogue, const struct value *data, struct span kind,
                           struct arena *arena) {
  size_t count = data->kind == VALUE_MAP ? data->map.count : 0;
  struct value_field *kept = ARENA_ARRAY(arena, struct value_field, count);
  size_t kept_count = 0;
  for (size_t i = 0; i < count; i++) {
    const struct value_field *field = &data->map.fields[i];
    struct verdict verdict = verdict_on(catalogue, field->name, kind);
    if (!verdict.allowed) {
      continue;
    }
    kept[kept_count] = *field;
    if (!span_empty(verdict.record)) {
      kept[kept_count].value = cut_rows(catalogue, verdict.record, &field->value, kind, arena);
      if (!has_row(&kept[kept_count].value)) {
        continue;
      }
    }
    kept_count++;
  }
  return (struct value){.kind = VALUE_MAP, .map = {kept, kept_count}};
}
