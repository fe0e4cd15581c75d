#include "casework/functions.h"

#include "casework/sitting.h"
#include "casework/state.h"

struct call {
  const struct casework *casework;
  const struct value *arguments;
  size_t count;
  struct arena *arena;
  struct fault *fault;
};

static enum err bad_argument(const struct call *call, const char *usage) {
  return fault_set(call->fault, ERR_SCRIPT, "bad argument: %s", usage);
}

static const struct value *argument(const struct call *call, size_t index) {
  static const struct value nil = {.kind = VALUE_NIL};
  return index < call->count ? &call->arguments[index] : &nil;
}

static struct value date_value(const struct call *call, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  civil_day_format(day, text);
  return value_text(arena_copy(call->arena, span_of_cstr(text)));
}

static bool argument_day(const struct call *call, size_t index, civil_day *ret_day) {
  const struct value *v = argument(call, index);
  return v->kind == VALUE_TEXT && civil_day_parse(v->text, ret_day) == ERR_OK;
}

static bool argument_shift(const struct call *call, size_t index, enum term_shift *ret_shift) {
  static const char *const names[] = {
      [TERM_SHIFT_AUTO] = "auto", [TERM_SHIFT_ON] = "on", [TERM_SHIFT_BACK] = "back", [TERM_SHIFT_NONE] = "none"};
  const struct value *v = argument(call, index);
  if (v->kind == VALUE_NIL) {
    *ret_shift = TERM_SHIFT_AUTO;
    return true;
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (v->kind == VALUE_TEXT && span_is(v->text, names[i])) {
      *ret_shift = (enum term_shift)i;
      return true;
    }
  }
  return false;
}

/* due(from, term [, shift]): the last day of a term; nil when there is no `from`. */
static enum err function_due(const struct call *call, struct value *ret_value) {
  const char *usage = "due(date, term, [\"on\" | \"back\" | \"none\"])";
  civil_day from;
  struct term term;
  struct due due;
  enum term_shift shift;
  if (argument(call, 0)->kind == VALUE_NIL) {
    return ERR_OK;
  }
  const struct value *text = argument(call, 1);
  if (!argument_day(call, 0, &from) || text->kind != VALUE_TEXT || term_parse(text->text, &term, NULL) != ERR_OK ||
      !argument_shift(call, 2, &shift)) {
    return bad_argument(call, usage);
  }
  if (calendar_due(call->casework->options.calendar, from, &term, shift, &due) != ERR_OK) {
    return fault_set(call->fault, ERR_SCRIPT, "due: the result lies outside the years that are known");
  }
  *ret_value = date_value(call, due.day);
  return ERR_OK;
}

/* working_days(from, to): how many d with from < d <= to. */
static enum err function_working_days(const struct call *call, struct value *ret_value) {
  civil_day from;
  civil_day to;
  if (!argument_day(call, 0, &from) || !argument_day(call, 1, &to)) {
    return bad_argument(call, "working_days(date, date)");
  }
  *ret_value = value_int(calendar_working_days_between(call->casework->options.calendar, from, to));
  return ERR_OK;
}

static bool sits_for(const struct case_file *c, const struct participant *p, const struct role_rule *role) {
  return p->sittings.count > 0 && participant_serves(p, c->territory) &&
         (!role || text_list_names(&role->kinds, p->kind));
}

static void earliest_sitting(const struct participant *p, civil_day from, civil_day *best) {
  for (size_t i = 0; i < p->sittings.count; i++) {
    struct sitting sitting;
    if (sitting_parse(p->sittings.items[i], &sitting) != ERR_OK) {
      continue;
    }
    civil_day day = sitting_next(&sitting, from);
    if (day != CIVIL_DAY_NONE && (*best == CIVIL_DAY_NONE || day < *best)) {
      *best = day;
    }
  }
}

/* next_sitting(date [, role]): the first day on or after it on which a body of the case's territory sits, or nil. */
static enum err function_next_sitting(const struct call *call, struct value *ret_value) {
  civil_day from;
  civil_day best = CIVIL_DAY_NONE;
  const struct case_file *c = call->casework->stepping;
  const struct catalogue *catalogue = call->casework->options.catalogue;
  const struct value *name = argument(call, 1);
  const struct role_rule *role = name->kind == VALUE_TEXT ? catalogue_role(catalogue, name->text) : NULL;
  if (argument(call, 0)->kind == VALUE_NIL) {
    return ERR_OK;
  }
  if (!argument_day(call, 0, &from) || (name->kind != VALUE_NIL && !role)) {
    return bad_argument(call, "next_sitting(date, [role])");
  }
  for (size_t i = 0; c && i < catalogue->participants_count; i++) {
    if (sits_for(c, &catalogue->participants[i], role)) {
      earliest_sitting(&catalogue->participants[i], from, &best);
    }
  }
  *ret_value = best == CIVIL_DAY_NONE ? value_nil() : date_value(call, best);
  return ERR_OK;
}

/* participants(role): ids of those who stand behind it in the case's territory, in order. */
static enum err function_participants(const struct call *call, struct value *ret_value) {
  const struct case_file *c = call->casework->stepping;
  const struct catalogue *catalogue = call->casework->options.catalogue;
  const struct value *name = argument(call, 0);
  const struct role_rule *role = name->kind == VALUE_TEXT ? catalogue_role(catalogue, name->text) : NULL;
  if (!role) {
    return bad_argument(call, "participants(role)");
  }
  struct value *ids = ARENA_ARRAY(call->arena, struct value, catalogue->participants_count);
  size_t count = 0;
  for (size_t i = 0; c && i < catalogue->participants_count; i++) {
    const struct participant *p = &catalogue->participants[i];
    if (text_list_names(&role->kinds, p->kind) && participant_serves(p, c->territory)) {
      ids[count++] = value_text(p->id);
    }
  }
  *ret_value = value_list(ids, count);
  return ERR_OK;
}

/* delay(moment, date): how long until the day begins, as <send> wants it; "0s" if it has begun. */
static enum err function_delay(const struct call *call, struct value *ret_value) {
  const struct value *now = argument(call, 0);
  civil_moment moment;
  civil_day day;
  if (now->kind != VALUE_TEXT || civil_moment_parse(now->text, &moment) != ERR_OK || !argument_day(call, 1, &day)) {
    return bad_argument(call, "delay(moment, date)");
  }
  civil_moment start = civil_day_start(day);
  long long wait = start > moment ? (long long)(start - moment) : 0;
  *ret_value = value_text(arena_printf(call->arena, "%lldms", wait));
  return ERR_OK;
}

/* Dates as text compare as dates, so that the least text is the earliest day. Nils are passed over. */
static enum err extreme_date(const struct call *call, int sign, struct value *ret_value) {
  for (size_t i = 0; i < call->count; i++) {
    civil_day day;
    if (call->arguments[i].kind == VALUE_NIL) {
      continue;
    }
    if (!argument_day(call, i, &day)) {
      return bad_argument(call, "dates or nil are wanted");
    }
    if (ret_value->kind == VALUE_NIL || sign * span_compare(call->arguments[i].text, ret_value->text) > 0) {
      *ret_value = call->arguments[i];
    }
  }
  return ERR_OK;
}

static enum err function_max_date(const struct call *call, struct value *ret_value) {
  return extreme_date(call, 1, ret_value);
}

static enum err function_min_date(const struct call *call, struct value *ret_value) {
  return extreme_date(call, -1, ret_value);
}

/* ---- the worker's side of it -------------------------------------------------------------------------------- */

#define FUNCTION(name)                                                                                                 \
  static enum err call_##name(void *arg, const struct value *arguments, size_t count, struct arena *arena,             \
                              struct value *ret_value, struct fault *fault) {                                          \
    const struct call call = {arg, arguments, count, arena, fault};                                                    \
    *ret_value = value_nil();                                                                                          \
    return function_##name(&call, ret_value);                                                                          \
  }
FUNCTION(due)
FUNCTION(working_days)
FUNCTION(next_sitting)
FUNCTION(participants)
FUNCTION(delay)
FUNCTION(max_date)
FUNCTION(min_date)

const struct chart_function_entry *functions_table(void) {
  static const struct chart_function_entry table[] = {
      {"due", call_due},
      {"working_days", call_working_days},
      {"next_sitting", call_next_sitting},
      {"max_date", call_max_date},
      {"min_date", call_min_date},
      {"participants", call_participants},
      {"delay", call_delay},
      {NULL, NULL},
  };
  return table;
}
