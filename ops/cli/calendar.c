/* kurator calendar: when a legal term ends, and whether a calendar file is sound. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "calendar/calendar.h"
#include "cli.h"

enum { PATH_TEXT_MAX = 4096 };

enum output { OUTPUT_TEXT, OUTPUT_JSON };

static bool output_parse(const char *text, enum output *ret_output) {
  *ret_output = text && strcmp(text, "json") == 0 ? OUTPUT_JSON : OUTPUT_TEXT;
  return !text || *ret_output == OUTPUT_JSON || strcmp(text, "text") == 0;
}

static struct value text_of(const char *text) {
  return value_text(span_of_cstr(text));
}

static void fields_print(const struct value_field *fields, size_t count) {
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  json_write_fields(fields, count, &w);
  (void)printf("%.*s\n", SPAN_ARG(writer_span(&w)));
}

static enum err calendar_load(const char *path, struct calendar **ret_calendar, struct fault *fault) {
  DEFER(cli_file_free) struct span csv = {0};
  TRY(cli_read_file(path, CALENDAR_FILE_MAX, &csv, fault));
  return calendar_create(csv, (struct calendar_options){0}, ret_calendar, fault);
}

/* --- due --- */

struct due_request {
  civil_day from;
  struct term term;
  const char *term_text;
  enum term_shift shift;
  enum output output;
  bool explain;
};

static bool shift_parse(const char *text, enum term_shift *ret_shift) {
  static const struct {
    const char *name;
    enum term_shift shift;
  } names[] = {{"on", TERM_SHIFT_ON}, {"back", TERM_SHIFT_BACK}, {"none", TERM_SHIFT_NONE}};
  *ret_shift = TERM_SHIFT_AUTO;
  for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++) {
    if (strcmp(text, names[i].name) == 0) {
      *ret_shift = names[i].shift;
      return true;
    }
  }
  return !text;
}

/* Every day that the result rests on has to lie in the loaded years: the anchor, the end of each part, the due day. */
static enum err due_compute(const struct calendar *calendar, const struct due_request *request, struct due *ret_due,
                            struct fault *fault) {
  TRY(calendar_require(calendar, request->from, fault));
  struct term begun = request->term;
  for (begun.parts_count = 1; begun.parts_count <= request->term.parts_count; begun.parts_count++) {
    if (calendar_due(calendar, request->from, &begun, TERM_SHIFT_NONE, ret_due) != ERR_OK) {
      return fault_set(fault, ERR_RANGE, "срок выходит за пределы 1900–2199 годов");
    }
    TRY(calendar_require(calendar, ret_due->raw, fault));
  }
  if (calendar_due(calendar, request->from, &request->term, request->shift, ret_due) != ERR_OK) {
    return fault_set(fault, ERR_RANGE, "срок выходит за пределы 1900–2199 годов");
  }
  return calendar_require(calendar, ret_due->day, fault);
}

static void due_print(const struct calendar *calendar, const struct due_request *request, const struct due *due) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  char from[CIVIL_DATE_TEXT];
  char raw[CIVIL_DATE_TEXT];
  char day[CIVIL_DATE_TEXT];
  civil_day_format(request->from, from);
  civil_day_format(due->raw, raw);
  civil_day_format(due->day, day);
  struct span why = span_of(NULL, 0);
  if (request->explain) {
    why = calendar_explain(calendar, request->from, &request->term, request->shift, &arena);
  }
  if (request->output == OUTPUT_JSON) {
    const struct value_field fields[] = {
        {SPAN_LITERAL("due"), text_of(day)},
        {SPAN_LITERAL("raw"), text_of(raw)},
        {SPAN_LITERAL("from"), text_of(from)},
        {SPAN_LITERAL("term"), text_of(request->term_text)},
        {SPAN_LITERAL("calendar"), text_of(calendar_revision(calendar))},
        {SPAN_LITERAL("explanation"), request->explain ? value_text(why) : value_nil()},
    };
    fields_print(fields, sizeof(fields) / sizeof(fields[0]));
    return;
  }
  (void)printf("%s\n", day);
  if (request->explain) {
    (void)printf("%.*s\n", SPAN_ARG(why));
  }
}

static int due_answer(const char *path, const struct due_request *request) {
  DEFER(calendar_destroy) struct calendar *calendar = NULL;
  struct fault fault = {0};
  if (calendar_load(path, &calendar, &fault) != ERR_OK) {
    return cli_fail_fault(path, &fault);
  }
  struct due due;
  if (due_compute(calendar, request, &due, &fault) != ERR_OK) {
    return cli_fail_fault(NULL, &fault);
  }
  due_print(calendar, request, &due);
  return CLI_OK;
}

static int due_run(int argc, char **argv) {
  const char *from = NULL;
  const char *term = NULL;
  const char *shift = NULL;
  const char *file = NULL;
  const char *config = NULL;
  const char *output = NULL;
  struct due_request request = {0};
  const struct cli_option options[] = {{"--from", &from, NULL},
                                       {"--term", &term, NULL},
                                       {"--shift", &shift, NULL},
                                       {"--calendar", &file, NULL},
                                       {"--config", &config, NULL},
                                       {"-o", &output, NULL},
                                       {"--explain", NULL, &request.explain},
                                       {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, options, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (!from || !term) {
    return cli_usage("нужны параметры --from и --term");
  }
  if (!shift_parse(shift, &request.shift)) {
    return cli_usage("--shift бывает on, back или none");
  }
  if (!output_parse(output, &request.output)) {
    return cli_usage("-o бывает text или json");
  }
  enum err err = civil_day_parse(span_of_cstr(from), &request.from);
  if (err != ERR_OK) {
    return cli_fail(CLI_INVALID, err == ERR_RANGE ? "такой даты нет: %s" : "дата пишется как 2026-01-31, а не %s",
                    from);
  }
  struct fault fault = {0};
  if (term_parse(span_of_cstr(term), &request.term, &fault) != ERR_OK) {
    return cli_fail_fault(NULL, &fault);
  }
  request.term_text = term;
  char path[PATH_TEXT_MAX];
  int length = snprintf(path, sizeof(path), "%s/calendar/ru.csv", cli_config_dir(config));
  if (!file && (length < 0 || (size_t)length >= sizeof(path))) {
    return cli_usage("слишком длинный путь к настройкам");
  }
  return due_answer(file ? file : path, &request);
}

/* --- check --- */

static void check_print(const struct calendar *calendar, enum output output) {
  int first = calendar_first_year(calendar);
  int last = calendar_last_year(calendar);
  const char *revision = calendar_revision(calendar);
  if (output == OUTPUT_TEXT) {
    (void)printf("годы %d–%d\nредакция %s\n", first, last, revision);
    return;
  }
  const struct value_field fields[] = {
      {SPAN_LITERAL("first_year"), value_int(first)},
      {SPAN_LITERAL("last_year"), value_int(last)},
      {SPAN_LITERAL("revision"), text_of(revision)},
  };
  fields_print(fields, sizeof(fields) / sizeof(fields[0]));
}

static int check_run(int argc, char **argv) {
  const char *output_text = NULL;
  const char *path = NULL;
  enum output output;
  const struct cli_option options[] = {{"-o", &output_text, NULL}, {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, options, &path, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0) {
    return cli_usage("нужен файл календаря");
  }
  if (!output_parse(output_text, &output)) {
    return cli_usage("-o бывает text или json");
  }
  DEFER(calendar_destroy) struct calendar *calendar = NULL;
  struct fault fault = {0};
  if (calendar_load(path, &calendar, &fault) != ERR_OK) {
    return cli_fail_fault(path, &fault);
  }
  civil_day holiday;
  if (calendar_misses_holiday(calendar, &holiday)) {
    char text[CIVIL_DATE_TEXT];
    civil_day_format_ru(holiday, text);
    return cli_fail(CLI_INVALID, "%s: праздник %s (ст. 112 ТК РФ) записан рабочим днём или пропущен", path, text);
  }
  check_print(calendar, output);
  return CLI_OK;
}

const struct cli_verb cli_calendar_verbs[] = {
    {"calendar", "due",
     "--from ДАТА --term СРОК [--shift on|back|none] [--explain] [--calendar ФАЙЛ] [--config ПАПКА] [-o text|json]",
     "день, в который истекает срок: 10wd рабочих дней, 5d, 2w, 3mo, 1y, -6mo (до даты)", due_run},
    {"calendar", "check", "ФАЙЛ [-o text|json]", "проверить файл производственного календаря", check_run},
    {NULL, NULL, NULL, NULL, NULL},
};
