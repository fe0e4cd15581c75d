/*
 * kurator report — a report of config/reports, derived from the journal as of a position.
 *
 * The journal comes from a file (--journal) or from the running kuratord. It is rehearsed up to the position on the
 * memory store, and what that leaves is read (report_facts.c). A position is a day (its end), or a number: of the
 * file's line, or of kuratord's entry; without one it is the last line, or now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "client.h"
#include "report.h"
#include "runtime/rehearse.h"

enum { JOURNAL_SIZE_MAX = 1 << 30, WORD_BYTES = 64 };

struct arguments {
  struct client_options client;
  const char *as_of, *month, *quarter, *sitting, *participant, *group, *extract, *date;
  const char *journal, *config, *processes;
  bool csv, full;
  enum report_output output;
  const char *name;
};

/* The journal up to the position. */
struct source {
  struct span events;  /* borrowed from `text` or `file` */
  struct span file;    /* cli_read_file */
  struct writer text;  /* from kuratord */
  civil_moment moment; /* the position */
  bool failed;
};

/* ---- from a file ---- */

static bool moment_of_line(struct span line, struct arena *arena, civil_moment *ret_moment) {
  struct value map;
  return json_read(line, arena, &map, NULL) == ERR_OK &&
         civil_moment_parse(value_get_text(&map, "at"), ret_moment) == ERR_OK;
}

/* Cuts `events` behind so many lines, at the last one without a number, and finds the moment of the last. */
static int cut_lines(struct source *source, int64_t lines_max) {
  DEFER(arena_finish) struct arena arena;
  struct span rest = source->events;
  int64_t lines = 0;
  arena_init(&arena, 0);
  while (rest.size > 0 && lines < lines_max) {
    struct span line = span_trim(span_cut(rest, '\n', &rest));
    civil_moment at;
    lines++;
    arena_reset(&arena);
    if (!span_empty(line) && moment_of_line(line, &arena, &at) && at > source->moment) {
      source->moment = at;
    }
  }
  source->events.size -= rest.size;
  if (lines < lines_max && lines_max != INT64_MAX) {
    return cli_fail(CLI_NOT_FOUND, "в журнале только строк: %lld", (long long)lines);
  }
  return source->moment != CIVIL_MOMENT_NONE ? CLI_OK : cli_fail(CLI_INVALID, "в журнале нет ни одной записи");
}

static int file_read(const struct arguments *a, int64_t position, struct source *source) {
  struct fault fault = {.err = ERR_OK};
  enum err err = cli_read_file(a->journal, JOURNAL_SIZE_MAX, &source->file, &fault);
  if (err != ERR_OK) {
    return cli_fail(cli_exit_of(err), "%s: %s", a->journal, fault.text);
  }
  source->events = source->file;
  bool day = source->moment != CIVIL_MOMENT_NONE;
  return day ? CLI_OK : cut_lines(source, position > 0 ? position : INT64_MAX);
}

/* ---- from kuratord ---- */

static bool take_line(void *arg, struct span row) {
  struct source *source = arg;
  writer_raw(&source->text, row);
  writer_u8(&source->text, '\n');
  source->failed = source->text.size > JOURNAL_SIZE_MAX;
  return !source->failed;
}

/* The moment in a field of an answer's first row. */
static int ask_moment(const struct client *client, const char *verb, const char *word, const char *field,
                      civil_moment *ret_moment) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, verb, &word, word ? 1 : 0, &rows);
  if (code != CLI_OK) {
    return code;
  }
  if (rows.count == 0 || civil_moment_parse(value_get_text(&rows.items[0].value, field), ret_moment) != ERR_OK) {
    return cli_fail(CLI_NOT_FOUND, "такой записи в журнале ещё нет");
  }
  return CLI_OK;
}

struct first_row {
  civil_moment at;
};

static bool take_first(void *arg, struct span row) {
  struct first_row *first = arg;
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  (void)moment_of_line(row, &arena, &first->at);
  return false;
}

/* When the entry `position` was recorded. */
static int ask_entry(const struct client *client, int64_t position, civil_moment *ret_moment) {
  char word[WORD_BYTES];
  const char *words[] = {word};
  struct first_row first = {.at = CIVIL_MOMENT_NONE};
  (void)snprintf(word, sizeof word, "after=%lld", (long long)position - 1);
  int code = client_stream(client, "journal.list", words, 1, take_first, &first);
  *ret_moment = first.at;
  if (code != CLI_OK && first.at == CIVIL_MOMENT_NONE) {
    return code;
  }
  return first.at != CIVIL_MOMENT_NONE ? CLI_OK : cli_fail(CLI_NOT_FOUND, "такой записи в журнале ещё нет");
}

/* A day that has not ended yet is shown as of now; one that has not begun cannot be. */
static int ask_position(const struct client *client, int64_t position, struct source *source) {
  civil_moment now = CIVIL_MOMENT_NONE;
  if (position > 0) {
    return ask_entry(client, position, &source->moment);
  }
  int code = ask_moment(client, "clock.show", NULL, "now", &now);
  if (code != CLI_OK) {
    return code;
  }
  if (source->moment != CIVIL_MOMENT_NONE && civil_moment_day(source->moment) > civil_moment_day(now)) {
    return cli_fail(CLI_INVALID, "--as-of: этот день ещё не наступил");
  }
  source->moment = source->moment == CIVIL_MOMENT_NONE || source->moment > now ? now : source->moment;
  return CLI_OK;
}

static int engine_read(const struct arguments *a, int64_t position, struct source *source) {
  struct client client;
  struct client_options options = a->client;
  options.output = NULL;
  int code = client_open(&options, &client);
  if (code != CLI_OK) {
    return code;
  }
  char word[WORD_BYTES];
  const char *words[] = {word};
  (void)snprintf(word, sizeof word, "to=%lld", position > 0 ? (long long)position : (long long)INT64_MAX);
  code = ask_position(&client, position, source);
  if (code == CLI_OK) {
    code = client_stream(&client, "journal.export", words, 1, take_line, source);
  }
  client_close(&client);
  source->events = writer_span(&source->text);
  return source->failed ? cli_fail(CLI_INVALID, "журнал больше %d байт", JOURNAL_SIZE_MAX) : code;
}

/* ---- the words ---- */

/* --as-of: a day becomes the source's moment, a number the position; neither: both stay. */
static int as_of_parse(const char *text, int64_t *ret_position, civil_moment *ret_moment) {
  civil_day day;
  *ret_position = 0;
  *ret_moment = CIVIL_MOMENT_NONE;
  if (!text) {
    return CLI_OK;
  }
  if (civil_day_parse(span_of_cstr(text), &day) == ERR_OK) {
    *ret_moment = rehearse_end_of(day);
    return CLI_OK;
  }
  return span_to_int64(span_of_cstr(text), ret_position) && *ret_position > 0
             ? CLI_OK
             : cli_usage("--as-of: день вида 2026-03-31 или номер записи журнала");
}

static civil_day last_of_month(int year, int month) {
  civil_day day = CIVIL_DAY_NONE;
  enum err err = civil_day_of((struct civil_date){year, month, civil_month_days(year, month)}, &day);
  return err == ERR_OK ? day : CIVIL_DAY_NONE;
}

static bool month_parse(struct span text, struct report_period *period, struct arena *arena) {
  civil_day first;
  char buffer[WORD_BYTES];
  (void)snprintf(buffer, sizeof buffer, "%.*s-01", SPAN_ARG(text));
  if (text.size != 7 || civil_day_parse(span_of_cstr(buffer), &first) != ERR_OK) {
    return false;
  }
  static const char *const names[] = {"январь", "февраль", "март",     "апрель",  "май",    "июнь",
                                      "июль",   "август",  "сентябрь", "октябрь", "ноябрь", "декабрь"};
  struct civil_date date = civil_date_of(first);
  *period = (struct report_period){first, last_of_month(date.year, date.month), text,
                                   arena_printf(arena, "%s %d года", names[date.month - 1], date.year), NULL};
  return true;
}

/* "2026-Q1". */
static bool quarter_parse(struct span text, struct report_period *period, struct arena *arena) {
  int64_t year;
  if (text.size != 7 || memcmp(text.data + 4, "-Q", 2) != 0 || text.data[6] < '1' || text.data[6] > '4' ||
      !span_to_int64(span_of(text.data, 4), &year)) {
    return false;
  }
  static const char *const names[] = {"I", "II", "III", "IV"};
  int quarter = text.data[6] - '1';
  civil_day first;
  if (civil_day_of((struct civil_date){(int)year, quarter * 3 + 1, 1}, &first) != ERR_OK) {
    return false;
  }
  *period = (struct report_period){first, last_of_month((int)year, quarter * 3 + 3), text,
                                   arena_printf(arena, "%s квартал %lld года", names[quarter], (long long)year), NULL};
  return true;
}

/* The day of a sitting. */
static bool sitting_parse_period(struct span text, struct report_period *period, struct arena *arena) {
  civil_day day;
  char title[CIVIL_DATE_TEXT];
  if (civil_day_parse(text, &day) != ERR_OK) {
    return false;
  }
  civil_day_format_ru(day, title);
  *period = (struct report_period){day, day, text, arena_copy(arena, span_of_cstr(title)), "Заседание"};
  return true;
}

static int period_parse(const struct arguments *a, struct report *report) {
  const struct text_list *periods = &report->definition->periods;
  report->period = (struct report_period){CIVIL_DAY_NONE, CIVIL_DAY_NONE, {NULL, 0}, {NULL, 0}, NULL};
  if ((a->month != NULL) + (a->quarter != NULL) + (a->sitting != NULL) > 1) {
    return cli_usage("либо --month, либо --quarter, либо --sitting");
  }
  if ((a->month && !text_list_has(periods, SPAN_LITERAL("month"))) ||
      (a->quarter && !text_list_has(periods, SPAN_LITERAL("quarter"))) ||
      (a->sitting && !text_list_has(periods, SPAN_LITERAL("day")))) {
    return cli_usage("у этого отчёта такого периода не бывает");
  }
  if (a->sitting && !sitting_parse_period(span_of_cstr(a->sitting), &report->period, report->arena)) {
    return cli_usage("--sitting: день вида 2026-03-25");
  }
  if (a->month && !month_parse(span_of_cstr(a->month), &report->period, report->arena)) {
    return cli_usage("--month: месяц вида 2026-03");
  }
  if (a->quarter && !quarter_parse(span_of_cstr(a->quarter), &report->period, report->arena)) {
    return cli_usage("--quarter: квартал вида 2026-Q1");
  }
  bool given = a->month || a->quarter || a->sitting;
  if (!given && periods->count > 0 && !report->definition->period_optional) {
    return cli_usage("нужен период: --%.*s", SPAN_ARG(periods->items[0]));
  }
  return CLI_OK;
}

static int participant_named(const struct report *report, const char *name, const struct participant **ret_found) {
  *ret_found = catalogue_participant(&report->config->catalogue, span_of_cstr(name));
  return *ret_found ? CLI_OK : cli_fail(CLI_NOT_FOUND, "нет такого участника: %s", name);
}

/* An extract goes to another participant than the report itself; --group then says whose minutes they are. */
static int extract_parse(const struct arguments *a, struct report *report) {
  int code = participant_named(report, a->extract, &report->participant);
  report->extract = true;
  if (code == CLI_OK && a->group) {
    code = participant_named(report, a->group, &report->group);
  }
  return code;
}

static int participant_parse(const struct arguments *a, struct report *report) {
  const struct report_definition *definition = report->definition;
  const char *given = a->participant ? a->participant : a->group;
  if (a->extract) {
    return extract_parse(a, report);
  }
  if (!given) {
    return definition->participant_needed ? cli_usage("нужен участник: --for (или --group)") : CLI_OK;
  }
  int code = participant_named(report, given, &report->participant);
  if (code != CLI_OK) {
    return code;
  }
  if (!span_empty(definition->participant) && !span_equal(report->participant->kind, definition->participant)) {
    return cli_fail(CLI_INVALID, "отчёт не для этого участника: %s", given);
  }
  return CLI_OK;
}

/* Once the position is known. */
static int sitting_parse_day(const struct arguments *a, struct report *report) {
  civil_day from = civil_moment_day(report->at);
  if (a->date && civil_day_parse(span_of_cstr(a->date), &from) != ERR_OK) {
    return cli_usage("--date: день вида 2026-03-31");
  }
  report->sitting_from = from;
  return CLI_OK;
}

/* ---- the rehearsal ---- */

static void tell_bad_line(void *arg, uint32_t line, const struct fault *fault) {
  (void)arg;
  (void)line; /* the text names it */
  (void)fprintf(stderr, "kurator: журнал: %s\n", fault->text);
}

struct looking {
  struct report *report;
  const struct casework *casework;
};

/* The calendar in use goes with the rehearsal: the same again, from its source. */
static enum err look(void *arg, struct store *store) {
  const struct looking *looking = arg;
  struct report *report = looking->report;
  const struct calendar_options options = {.decree_days_off = report->config->engine.calendar.decree_days_off};
  struct span source = calendar_source(casework_calendar(looking->casework));
  TRY(calendar_create(source, options, &report->calendar, NULL));
  return report_facts_read(report, store);
}

/* `ret_played`: the facts are there, whatever was wrong with single lines. */
static int rehearse(struct report *report, const struct source *source, bool *ret_played) {
  struct fault fault = {.err = ERR_OK};
  struct runtime *runtime = NULL;
  struct casework *casework = NULL;
  struct casework_ports ports = {.arg = &runtime, .load = runtime_load};
  struct rehearse_counts counts = {0};
  enum err err = config_casework(report->config, &ports, &casework, &fault);
  if (err != ERR_OK) {
    return cli_fail(cli_exit_of(err), "%s", fault.text);
  }
  struct looking looking = {report, casework};
  const struct rehearse_options options = {
      .casework = casework,
      .runtime = &runtime,
      .events = source->events,
      .until_moment = true,
      .moment = source->moment,
      .look = look,
      .look_arg = &looking,
      .bad_line = tell_bad_line,
  };
  err = rehearse_run(&options, &counts, &fault);
  casework_destroy(&casework);
  report->lines = counts.lines;
  *ret_played = err == ERR_OK;
  if (err != ERR_OK) {
    return cli_fail(cli_exit_of(err), "журнал: %s", fault.text[0] ? fault.text : err_text(err));
  }
  return counts.bad == 0 ? CLI_OK : cli_fail(CLI_INVALID, "строк с ошибками: %u; они пропущены", counts.bad);
}

static int read_journal(const struct arguments *a, struct source *source) {
  int64_t position;
  int code = as_of_parse(a->as_of, &position, &source->moment);
  if (code != CLI_OK) {
    return code;
  }
  return a->journal ? file_read(a, position, source) : engine_read(a, position, source);
}

/* Lines that could not be read are told, and the rest is shown. */
static int rehearse_and_show(const struct arguments *a, struct report *report, const struct source *source) {
  bool played = false;
  int code = rehearse(report, source, &played);
  if (played) {
    report_sitting_find(report);
    report_lines_make(report);
    report_sitting_judge(report);
    report_small_hide(report);
    report_show(report, span_of_cstr(a->name), a->output);
  }
  report_facts_finish(report);
  return code;
}

static int make(const struct arguments *a, struct report *report) {
  struct source source = {.moment = CIVIL_MOMENT_NONE};
  writer_init(&source.text);
  int code = read_journal(a, &source);
  if (code == CLI_OK) {
    report->at = source.moment;
    code = sitting_parse_day(a, report);
  }
  if (code == CLI_OK) {
    code = rehearse_and_show(a, report, &source);
  }
  writer_finish(&source.text);
  cli_file_free(&source.file);
  return code;
}

/* The definition of the participant's extract takes the place of the report's. */
static enum err take_extract(const struct arguments *a, const struct config *config, const char *config_dir,
                             struct arena *arena, struct report_definition *definition, struct fault *fault) {
  const struct participant *reader = catalogue_participant(&config->catalogue, span_of_cstr(a->extract));
  if (!reader) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого участника: %s", a->extract);
  }
  for (size_t i = 0; i < definition->extracts_count; i++) {
    const struct report_extract *extract = &definition->extracts[i];
    if (text_list_has(&extract->kinds, reader->kind)) {
      const char *name = arena_cstr(arena, extract->report);
      TRY(report_definition_read(config, config_dir, name, arena, definition, fault));
      return report_definition_for(config, definition, reader->kind, fault);
    }
  }
  return fault_set(fault, ERR_FORBIDDEN, "выписка из этого отчёта такому участнику не положена: %s", a->extract);
}

static int define(const struct arguments *a, const struct config *config, const char *config_dir, struct arena *arena) {
  struct fault fault = {.err = ERR_OK};
  struct report_definition definition = {.sections = NULL};
  struct report report = {
      .config = config, .definition = &definition, .sitting = CIVIL_DAY_NONE, .full = a->full, .arena = arena};
  enum err err = a->name ? report_definition_read(config, config_dir, a->name, arena, &definition, &fault)
                         : report_definitions_list(config, config_dir, arena, &fault);
  err = err == ERR_OK && a->extract ? take_extract(a, config, config_dir, arena, &definition, &fault) : err;
  if (err != ERR_OK || !a->name) {
    return err == ERR_OK ? CLI_OK : cli_fail(cli_exit_of(err), "%s", fault.text);
  }
  int code = period_parse(a, &report);
  code = code == CLI_OK ? participant_parse(a, &report) : code;
  return code == CLI_OK ? make(a, &report) : code;
}

static int output_parse(struct arguments *a) {
  enum client_output output;
  bool csv = a->client.output && strcmp(a->client.output, "csv") == 0;
  if (!csv && !client_output_parse(a->client.output, &output)) {
    return cli_usage("-o бывает table, csv, json или jsonl");
  }
  a->output = csv || a->csv            ? REPORT_CSV
              : output == CLIENT_JSON  ? REPORT_JSON
              : output == CLIENT_JSONL ? REPORT_JSONL
                                       : REPORT_TABLE;
  return CLI_OK;
}

static int report_run(int argc, char **argv) {
  struct arguments a = {.name = NULL};
  const struct cli_option options[] = {CLIENT_OPTIONS(a.client),
                                       {"--as-of", &a.as_of, NULL},
                                       {"--month", &a.month, NULL},
                                       {"--quarter", &a.quarter, NULL},
                                       {"--for", &a.participant, NULL},
                                       {"--group", &a.group, NULL},
                                       {"--date", &a.date, NULL},
                                       {"--journal", &a.journal, NULL},
                                       {"--config", &a.config, NULL},
                                       {"--processes", &a.processes, NULL},
                                       {"--sitting", &a.sitting, NULL},
                                       {"--extract", &a.extract, NULL},
                                       {"--full", NULL, &a.full},
                                       {"--csv", NULL, &a.csv},
                                       {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, options, &a.name, 1);
  int code = words < 0 ? CLI_USAGE : output_parse(&a);
  if (code != CLI_OK) {
    return code;
  }
  struct fault fault = {.err = ERR_OK};
  struct config *config = NULL;
  const char *config_dir = cli_config_dir(a.config);
  const struct config_options load = {.config_dir = config_dir, .processes_dir = a.processes};
  enum err err = config_load(&load, &config, &fault);
  if (err != ERR_OK) {
    return cli_fail(cli_exit_of(err), "%s", fault.text);
  }
  struct arena arena;
  arena_init(&arena, 0);
  code = define(&a, config, config_dir, &arena);
  arena_finish(&arena);
  config_destroy(&config);
  return code;
}

const struct cli_verb cli_report_verbs[] = {
    {"report", "",
     "[ОТЧЁТ] [--as-of ДЕНЬ|ЗАПИСЬ] [--month ГГГГ-ММ|--quarter ГГГГ-QN|--sitting ДЕНЬ] [--for УЧАСТНИК] [--group "
     "УЧАСТНИК] [--extract УЧАСТНИК] [--full] [--date ДЕНЬ] "
     "[--journal ФАЙЛ] [--csv] [--config ПАПКА] [--processes ПАПКА] [--endpoint АДРЕС] [--keys ПАПКА] [--as ИМЯ] "
     "[-o table|csv|json|jsonl]",
     "Отчёт из папки reports/ настроек по журналу на любой день или запись: реестр, ежемесячная информация, журнал "
     "обращений, итоги квартала, показатели, повестка, протокол и выписки из него (--extract). Малые числа сводных "
     "отчётов скрыты, --full показывает их. Без названия: какие есть.",
     report_run},
    {NULL, NULL, NULL, NULL, NULL},
};
