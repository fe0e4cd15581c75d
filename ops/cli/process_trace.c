/*
 * kurator process trace: rule → element → example, from whichever side one asks.
 *
 * A rule is carried out by the elements that config/rules.yaml names, and an element is shown by the examples that fail
 * when it is taken out (mutant.h): no list of examples is kept by hand, so none can grow stale. What is wrong: a rule
 * without an element, an element that is not there, one that no example misses, a deadline, task or referral without a
 * basis or with one that no rule names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "example.h"
#include "lists.h"
#include "mutant.h"
#include "process.h"
#include "runtime/rules.h"
#include "table.h"

enum { KILLERS_MAX = 64 };

enum verdict { SHOWN, NOT_TRIED, NO_PROCESS, NO_ELEMENT, NO_EXAMPLE, NO_BASIS, NO_RULE };
static const struct {
  const char *code, *text;
  bool wrong;
} verdicts[] = {
    [SHOWN] = {"shown", "есть пример", false},
    [NOT_TRIED] = {"not-tried", "этим примером не показан", false},
    [NO_PROCESS] = {"no-process", "процесса ещё нет", true},
    [NO_ELEMENT] = {"no-element", "НЕТ ЭЛЕМЕНТА", true},
    [NO_EXAMPLE] = {"no-example", "НЕТ ПРИМЕРА: без элемента все примеры проходят", true},
    [NO_BASIS] = {"no-basis", "НЕТ ОСНОВАНИЯ", true},
    [NO_RULE] = {"no-rule", "НЕТ ПРАВИЛА с этим основанием", true},
};

/* Which examples fail without an element. */
struct killers {
  struct value names[KILLERS_MAX];
  size_t count;
  bool unreadable; /* the chart does not compile without it */
};

/* An element that has been tried, for the next rule that names it. */
struct tried {
  struct mutant_list mutants;
  struct killers *killers; /* of each */
  struct span element;
  struct tried *next;
};

struct trace {
  const char *rule, *element, *example;
  bool present; /* a rule whose process is not there yet is no mistake */
  bool all;     /* every example that shows an element, not only the first ones */
  struct process_choice choice;
  struct client client; /* the output that was asked for */
  struct arena arena;
  struct rules rules;
  struct example_list examples;
  struct client_rows rows;
  size_t wrong, missing, traced;
  struct tried *tried;
  size_t done, elements; /* progress */
};

static const struct table_column columns[] = {
    {"Правило", "rule", TABLE_TEXT, 0, NULL},      {"Документ", "clause", TABLE_TEXT, 28, NULL},
    {"Элемент", "element", TABLE_TEXT, 44, NULL},  {"Вид", "kind", TABLE_TEXT, 0, NULL},
    {"Строка", "line", TABLE_NUMBER, 0, NULL},     {"Итог", "verdict_text", TABLE_TEXT, 0, NULL},
    {"Примеры", "examples", TABLE_WORDS, 0, NULL}, {NULL, NULL, TABLE_TEXT, 0, NULL},
};

static const struct example_report silent = {.complaints = NULL};

/* ---- which examples miss an element ---- */

static bool is_example(const struct trace *t, const struct example *e) {
  char name[CONFIG_PATH_MAX];
  (void)snprintf(name, sizeof name, "%.*s/examples/%.*s.jsonl", SPAN_ARG(e->process), SPAN_ARG(e->name));
  return !t->example || strstr(name, t->example) || strstr(t->example, name);
}

/* First those that are likeliest to miss it: of its own process, and speaking of it. */
static int likelihood(const struct example *e, const struct mutant *mutant) {
  struct span name;
  struct span place = span_cut(mutant->element, '#', &name);
  bool own = span_equal(e->process, place);
  bool speaks = memmem(e->text.data, e->text.size, name.data, name.size) != NULL;
  return (speaks ? 0 : 2) + (own ? 0 : 1);
}

static void try_example(struct trace *t, const struct example *e, struct bench *bench, struct killers *killers) {
  if (!is_example(t, e) || example_run(e, bench, &silent)) {
    return;
  }
  killers->names[killers->count++] =
      value_text(arena_printf(&t->arena, "%.*s/%.*s", SPAN_ARG(e->process), SPAN_ARG(e->name)));
}

static void find_killers(struct trace *t, const struct mutant *mutant, struct killers *ret_killers) {
  DEFER(bench_destroy) struct bench *bench = NULL;
  struct fault fault = {.err = ERR_OK};
  *ret_killers = (struct killers){.count = 0};
  if (bench_create(t->choice.loaded, &mutant->change, &bench, &fault) != ERR_OK) {
    ret_killers->unreadable = true;
    return;
  }
  size_t wanted = t->all ? sizeof ret_killers->names / sizeof *ret_killers->names : 1;
  for (int rank = 0; rank < 4; rank++) {
    for (size_t i = 0; i < t->examples.count && ret_killers->count < wanted; i++) {
      if (likelihood(t->examples.items[i], mutant) == rank) {
        try_example(t, t->examples.items[i], bench, ret_killers);
      }
    }
  }
}

/* ---- rows ---- */

static void add_row(struct trace *t, const struct rule *rule, const struct mutant *mutant, enum verdict verdict,
                    struct killers *killers) {
  static const struct rule nobody = {0};
  const struct rule *r = rule ? rule : &nobody;
  size_t count = killers ? killers->count : 0;
  const struct value_field fields[] = {
      {SPAN_LITERAL("rule"), span_empty(r->id) ? value_nil() : value_text(r->id)},
      {SPAN_LITERAL("clause"),
       rule ? value_text(arena_printf(&t->arena, "%.*s, %.*s", SPAN_ARG(r->document), SPAN_ARG(r->clause)))
            : value_text(mutant->basis)},
      {SPAN_LITERAL("text"), span_empty(r->text) ? value_nil() : value_text(r->text)},
      {SPAN_LITERAL("element"), span_empty(mutant->element) ? value_nil() : value_text(mutant->element)},
      {SPAN_LITERAL("file"), mutant->file ? value_text(span_of_cstr(mutant->file)) : value_nil()},
      {SPAN_LITERAL("line"), mutant->line ? value_int(mutant->line) : value_nil()},
      {SPAN_LITERAL("kind"), span_empty(mutant->kind) ? value_nil() : value_text(mutant->kind)},
      {SPAN_LITERAL("verdict"), value_text(span_of_cstr(verdicts[verdict].code))},
      {SPAN_LITERAL("verdict_text"), value_text(span_of_cstr(verdicts[verdict].text))},
      {SPAN_LITERAL("examples"), value_list(killers ? killers->names : NULL, count)},
  };
  bool wanted = t->example ? verdict == SHOWN : true;
  if (wanted) {
    client_rows_add(&t->rows, fields, sizeof fields / sizeof *fields);
  }
  if (verdict == NO_PROCESS && t->present) {
    t->missing++;
  } else if (verdicts[verdict].wrong && !t->example) {
    t->wrong++;
    (void)fprintf(stderr, "kurator: %.*s %.*s%s%s: %s\n", SPAN_ARG(r->id), SPAN_ARG(mutant->element),
                  mutant->line ? ", строка " : "",
                  mutant->line ? arena_cstr(&t->arena, arena_printf(&t->arena, "%u", mutant->line)) : "",
                  verdicts[verdict].text);
  }
}

static void add_tried(struct trace *t, const struct rule *rule, const struct mutant *mutant, struct killers *killers) {
  bool caught = killers->count > 0 || (killers->unreadable && !t->example);
  enum verdict missed = t->example ? NOT_TRIED : NO_EXAMPLE;
  if (killers->unreadable && killers->count == 0) {
    killers->names[killers->count++] = value_text(SPAN_LITERAL("(схема без него не собирается)"));
  }
  add_row(t, rule, mutant, caught ? SHOWN : missed, killers);
}

static void show_progress(struct trace *t) {
  t->done++;
  if (isatty(STDERR_FILENO)) {
    (void)fprintf(stderr, "\rпроверено элементов: %zu из %zu\r", t->done, t->elements);
  }
}

/* NULL: its place is not there. */
static const struct tried *try_element(struct trace *t, struct span element) {
  for (const struct tried *tried = t->tried; tried; tried = tried->next) {
    if (span_equal(tried->element, element)) {
      return tried;
    }
  }
  struct tried *tried = ARENA_NEW(&t->arena, struct tried);
  *tried = (struct tried){.mutants = {.arena = &t->arena}, .element = element, .next = t->tried};
  if (!mutants_add(&tried->mutants, t->choice.loaded, element)) {
    return NULL;
  }
  tried->killers = ARENA_ARRAY(&t->arena, struct killers, tried->mutants.count);
  for (size_t i = 0; i < tried->mutants.count; i++) {
    find_killers(t, &tried->mutants.items[i], &tried->killers[i]);
  }
  t->tried = tried;
  return tried;
}

static void trace_element(struct trace *t, const struct rule *rule, struct span element) {
  struct mutant missing = {.element = element};
  show_progress(t);
  if (t->element && !span_is(element, t->element)) {
    return;
  }
  const struct tried *tried = try_element(t, element);
  if (!tried) {
    add_row(t, rule, &missing, NO_PROCESS, NULL);
  } else if (tried->mutants.count == 0) {
    add_row(t, rule, &missing, NO_ELEMENT, NULL);
  }
  for (size_t i = 0; tried && i < tried->mutants.count; i++) {
    add_tried(t, rule, &tried->mutants.items[i], &tried->killers[i]);
  }
}

static void trace_rule(struct trace *t, const struct rule *rule) {
  static const struct mutant none = {0};
  size_t wrong = t->wrong + t->missing;
  bool begun = config_process_of(t->choice.loaded, rule->process) != NULL;
  if (!begun) {
    add_row(t, rule, &(struct mutant){.element = arena_printf(&t->arena, "%.*s#", SPAN_ARG(rule->process))}, NO_PROCESS,
            NULL);
  } else if (rule->elements.count == 0) {
    add_row(t, rule, &none, NO_ELEMENT, NULL);
  }
  for (size_t i = 0; begun && i < rule->elements.count; i++) {
    trace_element(t, rule, rule->elements.items[i]);
  }
  t->traced += t->wrong + t->missing == wrong;
}

/* ---- from the other side: elements that stand there without a rule ---- */

static bool is_ruled(const struct trace *t, struct span element) {
  for (size_t i = 0; i < t->rules.rules_count; i++) {
    for (size_t k = 0; k < t->rules.rules[i].elements.count; k++) {
      if (span_equal(t->rules.rules[i].elements.items[k], element)) {
        return true;
      }
    }
  }
  return false;
}

/* A basis that names a clause speaks of a rule; a house rule alone does not. */
static bool names_clause(struct span basis) {
  for (size_t i = 0; i < basis.size; i++) {
    if (basis.data[i] >= '0' && basis.data[i] <= '9') {
      return true;
    }
  }
  return false;
}

static void check_based(struct trace *t, const struct config_process *process) {
  struct mutant_list list = {.arena = &t->arena};
  mutants_add_based(&list, process);
  for (size_t i = 0; i < list.count; i++) {
    const struct mutant *m = &list.items[i];
    if (span_empty(m->basis)) {
      add_row(t, NULL, m, NO_BASIS, NULL);
    } else if (names_clause(m->basis) && !is_ruled(t, m->element)) {
      add_row(t, NULL, m, NO_RULE, NULL);
    }
  }
}

/* ---- all of it ---- */

static int read_all(struct trace *t) {
  struct fault fault = {.err = ERR_OK};
  enum err err = rules_read(t->choice.config_dir, &t->arena, &t->rules, &fault);
  if (err != ERR_OK) {
    return cli_fail(err == ERR_NOT_FOUND ? CLI_NOT_FOUND : CLI_INVALID, "%s", fault.text);
  }
  const struct config *config = t->choice.loaded;
  for (size_t i = 0; i < config->processes_count; i++) {
    err = example_list_read(&t->examples, &config->processes[i], &fault);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
      return cli_fail(CLI_INVALID, "%s", fault.text);
    }
  }
  return CLI_OK;
}

/* An example that fails as it is would show every element. */
static int check_examples(struct trace *t) {
  DEFER(bench_destroy) struct bench *bench = NULL;
  struct fault fault = {.err = ERR_OK};
  size_t kept = 0;
  if (bench_create(t->choice.loaded, NULL, &bench, &fault) != ERR_OK) {
    return cli_fail(CLI_INVALID, "%s", fault.text);
  }
  for (size_t i = 0; i < t->examples.count; i++) {
    struct example *e = t->examples.items[i];
    if (!example_run(e, bench, &silent)) {
      return cli_fail(CLI_FAILURE, "пример %.*s/%.*s не проходит и ничего не показывает: kurator process test",
                      SPAN_ARG(e->process), SPAN_ARG(e->name));
    }
    kept += is_example(t, e);
  }
  return kept > 0 ? CLI_OK : cli_fail(CLI_NOT_FOUND, "нет такого примера: %s", t->example ? t->example : "ни одного");
}

static bool is_wanted(const struct trace *t, const struct rule *rule) {
  bool has = !t->element;
  for (size_t i = 0; !has && i < rule->elements.count; i++) {
    has = span_is(rule->elements.items[i], t->element);
  }
  return has && (!t->rule || span_is(rule->id, t->rule));
}

static int conclude(struct trace *t, size_t rules) {
  table_show(&t->client, &t->rows, columns);
  (void)fprintf(stderr, "правил: %zu, прослежено: %zu, с ошибками: %zu", rules, t->traced, t->wrong);
  (void)fprintf(stderr, t->missing > 0 ? ", ждут своего процесса: %zu\n" : "\n", t->missing);
  return t->wrong == 0 ? CLI_OK : CLI_FAILURE;
}

static int trace_all(struct trace *t) {
  size_t rules = 0;
  for (size_t i = 0; i < t->rules.rules_count; i++) {
    t->elements += is_wanted(t, &t->rules.rules[i]) ? t->rules.rules[i].elements.count : 0;
  }
  for (size_t i = 0; i < t->rules.rules_count; i++) {
    if (is_wanted(t, &t->rules.rules[i])) {
      trace_rule(t, &t->rules.rules[i]);
      rules++;
    }
  }
  bool whole = !t->rule && !t->element && !t->example;
  for (size_t i = 0; whole && i < t->choice.loaded->processes_count; i++) {
    check_based(t, &t->choice.loaded->processes[i]);
  }
  return rules > 0 ? conclude(t, rules) : cli_fail(CLI_NOT_FOUND, "нет такого правила или элемента");
}

static int run(struct trace *t) {
  int exit_code = process_choose(&t->choice);
  exit_code = exit_code == CLI_OK ? read_all(t) : exit_code;
  exit_code = exit_code == CLI_OK ? check_examples(t) : exit_code;
  return exit_code == CLI_OK ? trace_all(t) : exit_code;
}

int process_trace(int argc, char **argv) {
  struct trace t = {.all = false};
  const char *output = NULL;
  const struct cli_option table[] = {{"--config", &t.choice.config, NULL},
                                     {"--processes", &t.choice.processes, NULL},
                                     {"--rule", &t.rule, NULL},
                                     {"--element", &t.element, NULL},
                                     {"--example", &t.example, NULL},
                                     {"--present", NULL, &t.present},
                                     {"--all", NULL, &t.all},
                                     {"-o", &output, NULL},
                                     {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (!client_output_parse(output, &t.client.output)) {
    return cli_usage("-o бывает table, json или jsonl");
  }
  t.all = t.all || t.rule || t.element;
  t.present = t.present || t.example;
  arena_init(&t.arena, 0);
  client_rows_init(&t.rows);
  int exit_code = run(&t);
  client_rows_finish(&t.rows);
  example_list_free(&t.examples);
  process_choice_free(&t.choice);
  arena_finish(&t.arena);
  return exit_code;
}
