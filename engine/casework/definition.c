/*
 * definition.c — reading a process.
 *
 * The vocabulary below is all that the interpreter is told of casework. After chart_compile every extension invocation
 * becomes one struct element; an attribute that cannot be right in any case (a term that does not parse, a role or an
 * event that the catalogue does not know) refuses the process with its line, before a case ever runs on it.
 */
#include "casework/definition.h"

#include <sodium.h>

#include "casework/state.h"

#define CASE_NAMESPACE   "urn:kurator:case"
#define CASE_TYPE_PREFIX "urn:kurator:"

/* ---- vocabulary --------------------------------------------------------------------------------------------- */

#define TEXT(name)                                                                                                     \
  { name, CHART_ATTRIBUTE_TEXT, false }
#define TEXT_NEEDED(name)                                                                                              \
  { name, CHART_ATTRIBUTE_TEXT, true }
#define EXPR(name)                                                                                                     \
  { name, CHART_ATTRIBUTE_EXPR, false }
#define EXPR_NEEDED(name)                                                                                              \
  { name, CHART_ATTRIBUTE_EXPR, true }
#define LATER(name)                                                                                                    \
  { name, CHART_ATTRIBUTE_LATER, false }
#define LATER_NEEDED(name)                                                                                             \
  { name, CHART_ATTRIBUTE_LATER, true }
#define END                                                                                                            \
  { NULL, CHART_ATTRIBUTE_TEXT, false }

static const struct chart_attribute deadline_attributes[] = {
    TEXT_NEEDED("id"), TEXT("basis"),        TEXT("title"),
    TEXT("owner"),     LATER_NEEDED("from"), TEXT("due"),
    LATER("dueexpr"),  TEXT("shift"),        TEXT("opens"),
    TEXT("warn"),      TEXT("met-by"),       LATER("met-if"),
    TEXT("met-title"), LATER("not-after"),   LATER("cause"),
    EXPR("key"),       TEXT("ends-by"),      LATER("ends-if"),
    LATER("done"),     TEXT("pause"),        END,
};
static const struct chart_attribute pause_attributes[] = {TEXT_NEEDED("id"), TEXT("basis"), TEXT("title"), END};
static const struct chart_attribute task_attributes[] = {
    TEXT_NEEDED("id"), TEXT_NEEDED("role"), TEXT("title"), TEXT("form"), TEXT("basis"), TEXT("events"), END,
};
static const struct chart_attribute case_attributes[] = {
    TEXT_NEEDED("id"),
    TEXT_NEEDED("process"),
    EXPR("key"),
    END,
};
static const struct chart_attribute referrals_attributes[] = {
    TEXT_NEEDED("id"), LATER_NEEDED("each"), TEXT_NEEDED("process"), TEXT("basis"), TEXT("title"),
    TEXT("owner"),     TEXT_NEEDED("met"),   TEXT("extract"),        END,
};
static const struct chart_attribute cases_attributes[] = {
    TEXT_NEEDED("id"), LATER_NEEDED("each"), TEXT_NEEDED("process"), TEXT("basis"), TEXT("title"), END,
};
static const struct chart_attribute offer_attributes[] = {
    TEXT_NEEDED("id"), EXPR_NEEDED("kind"), EXPR("exclude"), EXPR("prefer"), END,
};
static const struct chart_attribute status_attributes[] = {EXPR_NEEDED("value"), EXPR("reason"), END};
static const struct chart_attribute notify_attributes[] = {
    TEXT_NEEDED("role"), TEXT_NEEDED("template"), EXPR("data"), EXPR("territory"), END,
};
static const struct chart_attribute incident_attributes[] = {EXPR_NEEDED("reason"), END};
static const struct chart_attribute withdraw_attributes[] = {EXPR("reason"), END};
static const struct chart_attribute inform_attributes[] = {
    TEXT_NEEDED("process"), EXPR_NEEDED("key"), TEXT_NEEDED("event"), EXPR("participant"), EXPR("data"), END,
};

static const struct chart_element vocabulary_elements[] = {
    [ELEMENT_DEADLINE] = {"deadline", CHART_PLACE_STATE, deadline_attributes},
    [ELEMENT_TASK] = {"task", CHART_PLACE_STATE, task_attributes},
    [ELEMENT_CASE] = {"case", CHART_PLACE_STATE, case_attributes},
    [ELEMENT_REFERRALS] = {"referrals", CHART_PLACE_STATE, referrals_attributes},
    [ELEMENT_OFFER] = {"offer", CHART_PLACE_STATE, offer_attributes},
    [ELEMENT_CASES] = {"cases", CHART_PLACE_STATE, cases_attributes},
    [ELEMENT_PAUSE] = {"pause", CHART_PLACE_STATE, pause_attributes},
    {"status", CHART_PLACE_CONTENT, status_attributes},
    {"notify", CHART_PLACE_CONTENT, notify_attributes},
    {"incident", CHART_PLACE_CONTENT, incident_attributes},
    {"withdraw", CHART_PLACE_CONTENT, withdraw_attributes},
    {"inform", CHART_PLACE_CONTENT, inform_attributes},
    {NULL, CHART_PLACE_STATE, NULL},
};
static const struct chart_vocabulary vocabulary = {CASE_NAMESPACE, CASE_TYPE_PREFIX, vocabulary_elements};

const struct chart_vocabulary *casework_vocabulary(void) {
  return &vocabulary;
}

static bool element_names(enum element_kind kind, struct span name) {
  for (const struct chart_attribute *a = vocabulary_elements[kind].attributes; a->name; a++) {
    if (span_is(name, a->name)) {
      return true;
    }
  }
  return false;
}

struct value element_params(enum element_kind kind, const struct value *params, struct arena *arena) {
  size_t count = params->kind == VALUE_MAP ? params->map.count : 0;
  struct value_field *fields = ARENA_ARRAY(arena, struct value_field, count);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    if (!element_names(kind, params->map.fields[i].name)) {
      fields[kept++] = params->map.fields[i];
    }
  }
  return kept == 0 ? value_nil() : (struct value){.kind = VALUE_MAP, .map = {fields, kept}};
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span next_word(struct span *rest) {
  *rest = span_trim(*rest);
  size_t size = 0;
  while (size < rest->size && !is_space(rest->data[size])) {
    size++;
  }
  struct span word = span_of(rest->data, size);
  *rest = span_of(rest->data ? rest->data + size : NULL, rest->size - size);
  return word;
}

struct text_list text_words(struct arena *arena, struct span text) {
  size_t count = 0;
  for (struct span rest = text; !span_empty(next_word(&rest));) {
    count++;
  }
  struct text_list list = {ARENA_ARRAY(arena, struct span, count), count};
  for (size_t i = 0; i < count; i++) {
    list.items[i] = next_word(&text);
  }
  return list;
}

bool text_list_names(const struct text_list *list, struct span text) {
  for (size_t i = 0; i < list->count; i++) {
    if (span_equal(list->items[i], text)) {
      return true;
    }
  }
  return false;
}

const struct role_rule *catalogue_role(const struct catalogue *catalogue, struct span role) {
  for (size_t i = 0; i < catalogue->roles_count; i++) {
    if (span_equal(catalogue->roles[i].role, role)) {
      return &catalogue->roles[i];
    }
  }
  return NULL;
}

/* ---- one element -------------------------------------------------------------------------------------------- */

struct reading {
  struct casework *casework;
  const struct process *process;
  const char *file;
  uint32_t element;
  uint32_t line;
  struct fault *fault;
};

static struct span attribute(const struct reading *r, const char *name) {
  return span_trim(chart_element_text(r->process->chart, r->element, name));
}

static enum err refuse(const struct reading *r, const char *name, const char *why) {
  return fault_set_at(r->fault, ERR_INVALID, r->line, 0, "%s:%u: attribute %s: %s", r->file, r->line, name, why);
}

static enum err read_role(const struct reading *r, const char *name, struct element *e) {
  struct span role = attribute(r, name);
  if (span_empty(role)) {
    return ERR_OK;
  }
  e->role = catalogue_role(r->casework->options.catalogue, role);
  return e->role ? ERR_OK : refuse(r, name, "no such role in the catalogue");
}

static enum err read_term(const struct reading *r, const char *name, struct term *ret_term) {
  struct span text = attribute(r, name);
  if (span_empty(text)) {
    return ERR_OK;
  }
  return term_parse(text, ret_term, NULL) == ERR_OK ? ERR_OK : refuse(r, name, "no term like \"10wd\" or \"-6mo\"");
}

static enum err read_shift(const struct reading *r, struct element *e) {
  static const struct {
    const char *name;
    enum term_shift shift;
  } shifts[] = {{"", TERM_SHIFT_AUTO}, {"on", TERM_SHIFT_ON}, {"back", TERM_SHIFT_BACK}, {"none", TERM_SHIFT_NONE}};
  struct span text = attribute(r, "shift");
  for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
    if (span_is(text, shifts[i].name)) {
      e->shift = shifts[i].shift;
      return ERR_OK;
    }
  }
  return refuse(r, "shift", "on, back or none");
}

/* "2wd 1wd": terms counted back from the due day. */
static enum err read_warnings(const struct reading *r, struct element *e) {
  struct text_list words = text_words(&r->casework->arena, attribute(r, "warn"));
  if (words.count > ELEMENT_WARNINGS_MAX) {
    return refuse(r, "warn", "too many terms");
  }
  for (size_t i = 0; i < words.count; i++) {
    struct term *term = &e->warnings[e->warnings_count++];
    if (term_parse(words.items[i], term, NULL) != ERR_OK || term->parts_count != 1 || term->parts[0].count <= 0) {
      return refuse(r, "warn", "terms like \"2wd\" before the due date, separated by spaces");
    }
    term->parts[0].count = -term->parts[0].count;
  }
  return ERR_OK;
}

static enum err read_events(const struct reading *r, const char *name, struct text_list *ret_events) {
  *ret_events = text_words(&r->casework->arena, attribute(r, name));
  for (size_t i = 0; i < ret_events->count; i++) {
    if (!catalogue_event(r->casework->options.catalogue, ret_events->items[i])) {
      return refuse(r, name, "names an event that the catalogue does not have");
    }
  }
  return ERR_OK;
}

static enum err read_pausable(const struct reading *r, struct element *e) {
  struct span text = attribute(r, "pause");
  e->unpaused = span_is(text, "no");
  return span_empty(text) || e->unpaused ? ERR_OK : refuse(r, "pause", "\"no\", or left out");
}

static enum err read_deadline(const struct reading *r, struct element *e) {
  const struct chart *chart = r->process->chart;
  TRY(read_pausable(r, e));
  e->term_text = attribute(r, "due");
  e->conditional = chart_element_has(chart, r->element, "met-if");
  e->bounded = chart_element_has(chart, r->element, "not-after");
  e->ends_conditional = chart_element_has(chart, r->element, "ends-if");
  e->excused = chart_element_has(chart, r->element, "cause");
  e->foreseen = chart_element_has(chart, r->element, "done");
  if (span_empty(e->term_text) && !chart_element_has(chart, r->element, "dueexpr")) {
    return refuse(r, "due", "a term is wanted, or dueexpr");
  }
  TRY(read_role(r, "owner", e));
  TRY(read_term(r, "due", &e->term));
  TRY(read_term(r, "opens", &e->opens));
  TRY(read_shift(r, e));
  TRY(read_warnings(r, e));
  TRY(read_events(r, "ends-by", &e->ends_by));
  return read_events(r, "met-by", &e->met_by);
}

static enum err read_task(const struct reading *r, struct element *e) {
  e->form = attribute(r, "form");
  TRY(read_role(r, "role", e));
  return read_events(r, "events", &e->events);
}

static enum err read_case(const struct reading *r, struct element *e) {
  e->process = attribute(r, "process");
  return ERR_OK;
}

/* Only a document that is made of others is one. */
static enum err read_extract(const struct reading *r, struct element *e) {
  struct span kind = attribute(r, "extract");
  e->extract = span_empty(kind) ? NULL : catalogue_document(r->casework->options.catalogue, kind);
  return span_empty(kind) || (e->extract && e->extract->of.count > 0)
             ? ERR_OK
             : refuse(r, "extract", "names no document that is an extract of others");
}

static enum err read_referrals(const struct reading *r, struct element *e) {
  e->process = attribute(r, "process");
  e->met_by = text_words(&r->casework->arena, attribute(r, "met"));
  e->term_text = SPAN_LITERAL("0d");
  e->shift = TERM_SHIFT_ON;
  TRY(term_parse(e->term_text, &e->term, r->fault));
  TRY(read_extract(r, e));
  return read_role(r, "owner", e);
}

static enum err read_cases(const struct reading *r, struct element *e) {
  e->process = attribute(r, "process");
  return ERR_OK;
}

static enum err read_plain(const struct reading *r, struct element *e) {
  (void)r;
  (void)e;
  return ERR_OK;
}

static enum err (*const readers[ELEMENT_KINDS])(const struct reading *, struct element *) = {
    [ELEMENT_DEADLINE] = read_deadline,   [ELEMENT_TASK] = read_task,   [ELEMENT_CASE] = read_case,
    [ELEMENT_REFERRALS] = read_referrals, [ELEMENT_OFFER] = read_plain, [ELEMENT_CASES] = read_cases,
    [ELEMENT_PAUSE] = read_plain,
};

static enum err read_element(const struct reading *r, struct element *e) {
  struct chart_element_info info = chart_element_info(r->process->chart, r->element);
  for (int kind = 0; kind < ELEMENT_KINDS; kind++) {
    if (span_is(info.name, vocabulary_elements[kind].name)) {
      *e = (struct element){.kind = (enum element_kind)kind,
                            .number = r->element,
                            .id = info.id,
                            .basis = attribute(r, "basis"),
                            .title = attribute(r, "title")};
      return readers[kind](r, e);
    }
  }
  return refuse(r, "id", "an element that stands in executable content only");
}

/* ---- one process -------------------------------------------------------------------------------------------- */

static enum err read_elements(struct casework *casework, struct process *process, const char *file,
                              struct fault *fault) {
  process->elements_count = chart_elements_count(process->chart);
  process->elements = ARENA_ARRAY(&casework->arena, struct element, process->elements_count);
  for (uint32_t i = 0; i < process->elements_count; i++) {
    const struct reading r = {.casework = casework,
                              .process = process,
                              .file = file,
                              .element = i,
                              .line = chart_element_info(process->chart, i).line,
                              .fault = fault};
    TRY(read_element(&r, &process->elements[i]));
  }
  return ERR_OK;
}

static enum err read_stages(struct casework *casework, struct process *process, const char *file, struct fault *fault) {
  uint32_t count = chart_states_count(process->chart);
  process->stages = ARENA_ARRAY(&casework->arena, int, count);
  for (uint32_t i = 0; i < count; i++) {
    struct span stage = chart_state_attribute(process->chart, i, "stage");
    process->stages[i] = catalogue_stage(casework->options.catalogue, stage);
    if (!span_empty(stage) && process->stages[i] < 0) {
      return fault_set(fault, ERR_INVALID, "%s: state \"%.*s\": no stage \"%.*s\" in the catalogue", file,
                       SPAN_ARG(chart_state_id(process->chart, i)), SPAN_ARG(stage));
    }
  }
  return ERR_OK;
}

/* ---- revisions ---------------------------------------------------------------------------------------------- */

void casework_revision(struct span chart, const struct value *settings, char ret_revision[CASEWORK_REVISION_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t hash[CASEWORK_REVISION_SIZE / 2];
  struct writer w;
  writer_init(&w);
  writer_varint(&w, CASEWORK_VOCABULARY);
  writer_blob(&w, chart);
  value_encode(settings, &w);
  int made = crypto_generichash(hash, sizeof hash, w.data, w.size, NULL, 0);
  ASSERT(made == 0); /* the size is one that it makes */
  writer_finish(&w);
  for (size_t i = 0; i < sizeof hash; i++) {
    ret_revision[2 * i] = digits[hash[i] >> 4];
    ret_revision[2 * i + 1] = digits[hash[i] & 15];
  }
}

const struct process *casework_process_of(const struct casework *casework, struct span name, struct span revision) {
  for (size_t i = 0; i < casework->processes_count; i++) {
    const struct process *process = casework->processes[i];
    if (span_equal(process->revision, revision) && span_equal(process->name, name)) {
      return process;
    }
  }
  return NULL;
}

const struct process *casework_process(const struct casework *casework, struct span name) {
  for (size_t i = 0; i < casework->processes_count; i++) {
    const struct process *process = casework->processes[i];
    if (process->present && span_equal(process->name, name)) {
      return process;
    }
  }
  return NULL;
}

bool casework_has_process(const struct casework *casework, struct span name) {
  return casework_process(casework, name) != NULL;
}

bool casework_has_revision(const struct casework *casework, struct span name, struct span revision) {
  return casework_process_of(casework, name, revision) != NULL;
}

size_t casework_definitions_count(const struct casework *casework) {
  return casework->processes_count;
}

struct process_definition casework_definition(const struct casework *casework, size_t index) {
  const struct process *process = casework->processes[index];
  return (struct process_definition){process->name, process->revision, process->document, process->settings,
                                     process->present};
}

/* ---- defining ----------------------------------------------------------------------------------------------- */

static enum err check_room(const struct casework *casework, const struct process *process, struct fault *fault) {
  size_t present = 0;
  for (size_t i = 0; i < casework->processes_count; i++) {
    present += casework->processes[i]->present;
  }
  if (span_empty(process->name) || process->name.size > CASEWORK_NAME_MAX) {
    return fault_set(fault, ERR_LIMIT, "имя процесса — от 1 до %d байт", CASEWORK_NAME_MAX);
  }
  if (process->present ? casework_has_process(casework, process->name)
                       : casework_has_revision(casework, process->name, process->revision)) {
    return fault_set(fault, ERR_EXISTS, "процесс «%.*s» стоит дважды", SPAN_ARG(process->name));
  }
  if ((process->present && present == CASEWORK_PROCESSES_MAX) ||
      casework->processes_count == CASEWORK_DEFINITIONS_MAX) {
    return fault_set(fault, ERR_LIMIT, "процессов больше %d", CASEWORK_PROCESSES_MAX);
  }
  return ERR_OK;
}

static struct process *process_new(struct casework *casework, const struct process_source *source) {
  struct arena *arena = &casework->arena;
  struct process *process = ARENA_NEW(arena, struct process);
  char revision[CASEWORK_REVISION_SIZE];
  process->present = span_empty(source->revision);
  casework_revision(source->chart, &source->settings, revision);
  process->name = arena_copy(arena, source->name);
  process->revision = arena_copy(arena, process->present ? span_of(revision, sizeof revision) : source->revision);
  process->document = arena_copy(arena, source->chart);
  process->settings = value_copy(arena, &source->settings);
  return process;
}

/* A document with a bad expression may run (SCXML 5.9), a regulation with one must not: what it guards would never
 * happen, and nobody would hear of it. */
static enum err check_expressions(const struct process *process, const char *file, struct fault *fault) {
  uint32_t line = 0;
  struct span problem;
  if (chart_problem(process->chart, 0, &line, &problem)) {
    return fault_set_at(fault, ERR_CONFIG, line, 0, "%s:%u: выражение не разбирается: %.*s", file, line,
                        SPAN_ARG(problem));
  }
  return ERR_OK;
}

enum err casework_define(struct casework *casework, const struct process_source *source, struct fault *fault) {
  const struct chart_source chart_source = {.document = source->chart, .name = source->file, .vocabulary = &vocabulary};
  struct process *process = process_new(casework, source);
  TRY(check_room(casework, process, fault));
  TRY(chart_compile(casework->worker, &chart_source, &process->chart, fault));
  enum err err = check_expressions(process, source->file, fault);
  if (err == ERR_OK) {
    err = read_elements(casework, process, source->file, fault);
  }
  if (err == ERR_OK) {
    err = read_stages(casework, process, source->file, fault);
  }
  if (err != ERR_OK) {
    chart_destroy(&process->chart);
    return err;
  }
  casework->processes[casework->processes_count++] = process;
  return ERR_OK;
}

/* ---- what a case may be told -------------------------------------------------------------------------------- */

static const struct process *process_that_answers(const struct case_file *c) {
  return c->process ? c->process : casework_process(c->casework, c->identity.process);
}

bool case_knows(const struct case_file *c, struct span event) {
  const struct process *process = process_that_answers(c);
  return !process || chart_knows_event(process->chart, event);
}

bool case_watches(const struct case_file *c, struct span event) {
  const struct process *process = process_that_answers(c);
  for (uint32_t i = 0; process && i < process->elements_count; i++) {
    const struct element *e = &process->elements[i];
    if (e->kind == ELEMENT_DEADLINE && (text_list_names(&e->met_by, event) || text_list_names(&e->ends_by, event))) {
      return true;
    }
  }
  return false;
}
