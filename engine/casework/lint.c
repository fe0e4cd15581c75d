/*
 * The rules of a process.
 *
 * Each looks at the tree of the document, so that one mistake does not hide the next and every finding has its line.
 * A name that a chart takes from an expression is not looked at: only a run knows it.
 */
#include "casework/lint.h"

#include "casework/definition.h"
#include "chart/document.h"

static const struct lint_rule unknown_event = {
    "unknown-event",
    LINT_ERROR,
    {"the catalogue has no event \"%1\"", "события «%1» нет в каталоге"},
    {"correct the name, or add the event to config/catalogue.yaml",
     "исправьте имя или внесите событие в config/catalogue.yaml"},
};
static const struct lint_rule event_never = {
    "event-never",
    LINT_ERROR,
    {"the event \"%1\" never comes: this chart has no element \"%2\" that would raise it",
     "события «%1» не будет: в этой схеме нет элемента «%2», от которого оно приходит"},
    {"correct the name, or take the transition out", "исправьте имя или уберите переход"},
};
static const struct lint_rule deadline_unheard = {
    "deadline-unheard",
    LINT_ERROR,
    {"when the deadline \"%1\" is missed nobody hears of it: no transition takes deadline.%1 while it runs",
     "если срок «%1» нарушен, никто об этом не узнает: пока он идёт, ни один переход не принимает событие deadline.%1"},
    {"add a transition with event=\"deadline.%1\" (or event=\"deadline\") to the state of the deadline or one around "
     "it",
     "добавьте переход с event=\"deadline.%1\" (или event=\"deadline\") в состояние этого срока или в объемлющее"},
};
static const struct lint_rule due_twice = {
    "due-twice",
    LINT_ERROR,
    {"the deadline \"%1\" has both \"due\" and \"dueexpr\"", "у срока «%1» стоят и due, и dueexpr"},
    {"leave one of them", "оставьте одно из двух"},
};
static const struct lint_rule deadline_twice = {
    "deadline-twice",
    LINT_ERROR,
    {"another deadline that may run at the same time is called \"%1\", too: deadline.%1 tells nobody which of them was "
     "missed",
     "«%1» называется и другой срок, который может идти одновременно: по событию deadline.%1 не понять, какой нарушен"},
    {"give it another id, or both a key", "дайте ему другой id или обоим — key"},
};
static const struct lint_rule unknown_role = {
    "unknown-role",
    LINT_ERROR,
    {"the catalogue has no role \"%1\"", "роли «%1» нет в каталоге"},
    {"correct the name, or add the role to config/catalogue.yaml",
     "исправьте имя или внесите роль в config/catalogue.yaml"},
};
static const struct lint_rule unknown_stage = {
    "unknown-stage",
    LINT_ERROR,
    {"the catalogue has no stage \"%1\"", "этапа «%1» нет в каталоге"},
    {"correct the name, or add the stage to config/catalogue.yaml",
     "исправьте имя или внесите этап в config/catalogue.yaml"},
};
static const struct lint_rule unknown_process = {
    "unknown-process",
    LINT_ERROR,
    {"there is no process \"%1\"", "процесса «%1» нет"},
    {"correct the name: it is that of a folder in config/processes", "исправьте имя: это папка в config/processes"},
};
static const struct lint_rule unknown_form = {
    "unknown-form",
    LINT_ERROR,
    {"there is no form \"%1\"", "формы «%1» нет"},
    {"correct the name, or add forms/%1.json to the process", "исправьте имя или добавьте в процесс forms/%1.json"},
};
static const struct lint_rule unknown_setting = {
    "unknown-setting",
    LINT_ERROR,
    {"there is no setting \"%1\"", "настройки «%1» нет"},
    {"correct the name, or add the setting to the process' settings.yaml",
     "исправьте имя или внесите настройку в settings.yaml процесса"},
};
static const struct lint_rule setting_no_term = {
    "setting-no-term",
    LINT_ERROR,
    {"the setting \"%1\" is used as a term, but it is none: \"%2\"",
     "настройка «%1» служит сроком, а сроком не является: «%2»"},
    {"write it as 10wd, 5d, 2w, 3mo, 1y or -6mo", "запишите её как 10wd, 5d, 2w, 3mo, 1y или -6mo"},
};
static const struct lint_rule unknown_part = {
    "unknown-part",
    LINT_ERROR,
    {"nobody answers at \"#_%1\": this chart has no <k:case> with that id",
     "по адресу «#_%1» никто не ответит: в этой схеме нет <k:case> с таким id"},
    {"correct the target", "исправьте адрес (target)"},
};

static const struct lint_rule param_hidden = {
    "param-hidden",
    LINT_ERROR,
    {"the param \"%1\" never arrives: <k:%2> has an attribute of that name",
     "параметр «%1» не дойдёт: у <k:%2> есть атрибут с этим именем"},
    {"give it another name", "назовите его иначе"},
};

struct looking {
  const struct node *root;
  const struct lint_around *around;
  struct lint *lint;
};

static void tell(const struct looking *l, const struct lint_rule *rule, const struct node *node, struct span word_1,
                 struct span word_2) {
  lint_add(l->lint, rule, node->line, word_1, word_2, span_of(NULL, 0));
}

static bool is_element(const struct node *node, const char *name) {
  return node->tag == TAG_EXTENSION && span_is(node->name, name);
}

/* ---- names of events ---- */

static bool in_catalogue(const struct looking *l, struct span descriptor) {
  const struct catalogue *catalogue = l->around->catalogue;
  for (size_t i = 0; i < catalogue->events_count; i++) {
    if (descriptor_takes(descriptor, catalogue->events[i].name)) {
      return true;
    }
  }
  return false;
}

/* Raised or sent by the chart to itself; a send to somebody else does no harm here. */
static bool is_raised(const struct looking *l, struct span descriptor) {
  for (const struct node *node = l->root; node; node = node_walk(l->root, node)) {
    bool raises = node->tag == TAG_RAISE || node->tag == TAG_SEND;
    struct span event = raises ? span_trim(node_get(node, "event")) : span_of(NULL, 0);
    if (event.size > 0 && descriptor_takes(descriptor, event)) {
      return true;
    }
  }
  return false;
}

/* What this room and the interpreter tell a chart: after the prefix follows the id of an element that stands there. */
enum { SOURCE_ELEMENTS = 3 };
static const struct source {
  const char *prefix;
  const char *elements[SOURCE_ELEMENTS];
} sources[] = {
    {"deadline.", {"deadline"}},
    {"reminder.", {"deadline"}},
    {"referral.", {"referrals", "cases", "case"}},
    {"offer.", {"offer"}},
    {"done.invoke.", {"referrals", "cases", "case"}},
};
/* Known whatever stands in the chart. */
static const char *const always[] = {"error",
                                     "error.execution",
                                     "error.communication",
                                     "error.platform",
                                     "done",
                                     "done.invoke",
                                     "done.state",
                                     "case.cancelled",
                                     "case.moved",
                                     "case",
                                     "calendar.changed",
                                     "calendar",
                                     "deadline",
                                     "reminder",
                                     "referral",
                                     "offer",
                                     NULL};

static bool has_id(const struct looking *l, const char *element, struct span id) {
  for (const struct node *node = l->root; node; node = node_walk(l->root, node)) {
    if (is_element(node, element) && span_equal(span_trim(node_get(node, "id")), id)) {
      return true;
    }
  }
  return false;
}

/* The deadlines of the elements of a <k:referrals> all go by this name. */
static bool is_of_measure(const struct looking *l, const struct source *source, struct span id) {
  bool deadline = source->elements[0] && span_is(span_of_cstr(source->elements[0]), "deadline");
  for (const struct node *node = l->root; deadline && span_is(id, "measure") && node; node = node_walk(l->root, node)) {
    if (is_element(node, "referrals")) {
      return true;
    }
  }
  return false;
}

static bool has_source(const struct looking *l, const struct source *source, struct span id) {
  for (int i = 0; i < SOURCE_ELEMENTS && source->elements[i]; i++) {
    if (has_id(l, source->elements[i], id)) {
      return true;
    }
  }
  return is_of_measure(l, source, id);
}

static bool is_state(const struct looking *l, struct span id) {
  for (const struct node *node = l->root; node; node = node_walk(l->root, node)) {
    if (node_is_state(node) && span_equal(span_trim(node_get(node, "id")), id)) {
      return true;
    }
  }
  return false;
}

static bool is_invoked(const struct looking *l, struct span id) {
  for (const struct node *node = l->root; node; node = node_walk(l->root, node)) {
    if (node->tag == TAG_INVOKE && (!node_has(node, "id") || span_equal(node_get(node, "id"), id))) {
      return true;
    }
  }
  return false;
}

static struct span after(struct span text, const char *prefix) {
  size_t size = strlen(prefix);
  return span_of(text.data + size, text.size - size);
}

/* True when the descriptor has been judged. */
static bool judge_by_source(const struct looking *l, const struct node *node, struct span word, struct span name) {
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    if (!span_starts_with(name, span_of_cstr(sources[i].prefix))) {
      continue;
    }
    struct span rest;
    struct span id = span_cut(after(name, sources[i].prefix), '.', &rest);
    if (!has_source(l, &sources[i], id) && !is_invoked(l, id)) {
      tell(l, &event_never, node, word, id);
    }
    return true;
  }
  struct span state = SPAN_LITERAL("done.state.");
  if (span_starts_with(name, state)) {
    struct span id = after(name, "done.state.");
    if (!is_state(l, id)) {
      tell(l, &event_never, node, word, id);
    }
    return true;
  }
  return false;
}

/* What a <k:inform> of another chart says cannot be looked up here. */
static bool is_always(struct span name) {
  if (span_starts_with(name, SPAN_LITERAL("inform.")) || span_starts_with(name, SPAN_LITERAL("annulled."))) {
    return true;
  }
  for (int i = 0; always[i]; i++) {
    if (span_is(name, always[i])) {
      return true;
    }
  }
  return name.size == 0;
}

static void lint_descriptor(const struct looking *l, const struct node *node, struct span word) {
  struct span name = descriptor_bare(word);
  if (is_always(name) || in_catalogue(l, name) || is_raised(l, name)) {
    return;
  }
  if (!judge_by_source(l, node, word, name)) {
    tell(l, &unknown_event, node, word, span_of(NULL, 0));
  }
}

static void lint_transition(const struct looking *l, const struct node *node) {
  struct span rest = node_get(node, "event");
  for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
    lint_descriptor(l, node, word);
  }
}

static void lint_events(const struct looking *l, const struct node *node, const char *attribute) {
  struct span rest = node_get(node, attribute);
  for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
    if (!catalogue_event(l->around->catalogue, word)) {
      tell(l, &unknown_event, node, word, span_of(NULL, 0));
    }
  }
}

/* ---- who hears of a deadline ---- */

static bool is_around(const struct node *around, const struct node *node) {
  while (node && node != around) {
    node = node->parent;
  }
  return node != NULL;
}

/* Whether two states can be active at once: one around the other, or in two regions of a parallel. */
static bool can_be_together(const struct node *a, const struct node *b) {
  if (is_around(a, b) || is_around(b, a)) {
    return true;
  }
  const struct node *common = a->parent;
  while (common && !is_around(common, b)) {
    common = common->parent;
  }
  return common && common->tag == TAG_PARALLEL;
}

static bool names_event(const struct node *transition, struct span event) {
  struct span rest = node_get(transition, "event");
  for (struct span word = word_next(&rest); word.size > 0; word = word_next(&rest)) {
    if (descriptor_takes(descriptor_bare(word), event)) {
      return true;
    }
  }
  return false;
}

static bool is_heard(const struct looking *l, const struct node *state, struct span event) {
  for (const struct node *node = l->root; node; node = node_walk(l->root, node)) {
    if (node->tag == TAG_TRANSITION && names_event(node, event) && can_be_together(state, node->parent)) {
      return true;
    }
  }
  return false;
}

static void lint_miss(const struct looking *l, const struct node *node, struct span id) {
  struct span event = arena_printf(l->lint->arena, "deadline.%.*s", SPAN_ARG(id));
  if (id.size > 0 && !is_heard(l, node->parent, event)) {
    tell(l, &deadline_unheard, node, id, span_of(NULL, 0));
  }
}

/* ---- names of other things ---- */

static void lint_role(const struct looking *l, const struct node *node, const char *attribute) {
  struct span role = span_trim(node_get(node, attribute));
  if (role.size > 0 && !catalogue_role(l->around->catalogue, role)) {
    tell(l, &unknown_role, node, role, span_of(NULL, 0));
  }
}

static void lint_form(const struct looking *l, const struct node *node) {
  struct span form = span_trim(node_get(node, "form"));
  if (form.size > 0 && !l->around->has_form(l->around->arg, form)) {
    tell(l, &unknown_form, node, form, span_of(NULL, 0));
  }
}

static void lint_started_process(const struct looking *l, const struct node *node) {
  struct span process = span_trim(node_get(node, "process"));
  if (process.size > 0 && !l->around->has_process(l->around->arg, process)) {
    tell(l, &unknown_process, node, process, span_of(NULL, 0));
  }
}

static bool is_another_deadline(const struct node *a, const struct node *b) {
  bool same = a != b && is_element(b, "deadline") && !node_has(b, "key") &&
              span_equal(span_trim(node_get(a, "id")), span_trim(node_get(b, "id")));
  return same && can_be_together(a->parent, b->parent);
}

/* Of two the later one is told. */
static void lint_deadline_id(const struct looking *l, const struct node *node) {
  struct span id = span_trim(node_get(node, "id"));
  for (const struct node *at = l->root; at && at != node && id.size > 0; at = node_walk(l->root, at)) {
    if (!node_has(node, "key") && is_another_deadline(node, at)) {
      tell(l, &deadline_twice, node, id, span_of(NULL, 0));
      return;
    }
  }
}

static void lint_deadline(const struct looking *l, const struct node *node) {
  lint_deadline_id(l, node);
  if (node_has(node, "due") && node_has(node, "dueexpr")) {
    tell(l, &due_twice, node, node_get(node, "id"), span_of(NULL, 0));
  }
  lint_role(l, node, "owner");
  lint_events(l, node, "met-by");
  lint_events(l, node, "ends-by");
  lint_miss(l, node, span_trim(node_get(node, "id")));
}

static void lint_task(const struct looking *l, const struct node *node) {
  lint_role(l, node, "role");
  lint_events(l, node, "events");
  lint_form(l, node);
}

static void lint_referrals(const struct looking *l, const struct node *node) {
  lint_role(l, node, "owner");
  lint_started_process(l, node);
  lint_miss(l, node, SPAN_LITERAL("measure"));
}

static void lint_notify(const struct looking *l, const struct node *node) {
  lint_role(l, node, "role");
}

static const struct {
  const char *name;
  void (*lint)(const struct looking *, const struct node *);
} elements[] = {
    {"deadline", lint_deadline},    {"task", lint_task},     {"referrals", lint_referrals},
    {"case", lint_started_process}, {"notify", lint_notify}, {"cases", lint_started_process},
};

static void lint_params(const struct looking *l, const struct node *node) {
  const struct chart_vocabulary *vocabulary = casework_vocabulary();
  const struct chart_element *kind = vocabulary_element(vocabulary, node->name, CHART_PLACE_STATE);
  kind = kind ? kind : vocabulary_element(vocabulary, node->name, CHART_PLACE_CONTENT);
  for (const struct node *child = node->first; kind && child; child = child->next) {
    struct span name = node_get(child, "name");
    if (vocabulary_attribute(kind, name)) {
      tell(l, &param_hidden, child, name, node->name);
    }
  }
}

static void lint_element(const struct looking *l, const struct node *node) {
  lint_params(l, node);
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
    if (span_is(node->name, elements[i].name)) {
      elements[i].lint(l, node);
    }
  }
}

static void lint_stage(const struct looking *l, const struct node *node) {
  for (size_t i = 0; i < node->labels_count; i++) {
    const struct node_attribute *label = &node->labels[i];
    if (span_is(label->name, "stage") && catalogue_stage(l->around->catalogue, label->value) < 0) {
      tell(l, &unknown_stage, node, label->value, span_of(NULL, 0));
    }
  }
}

/* "#_NAME" reaches a part; the interpreter's own targets and charts invoked in the plain way are not ours. */
static void lint_send(const struct looking *l, const struct node *node) {
  struct span target = node_get(node, "target");
  if (!span_starts_with(target, SPAN_LITERAL("#_"))) {
    return;
  }
  struct span id = after(target, "#_");
  bool own = span_is(id, "internal") || span_is(id, "parent") || span_starts_with(id, SPAN_LITERAL("scxml_"));
  if (!own && !has_id(l, "case", id) && !is_invoked(l, id)) {
    tell(l, &unknown_part, node, id, span_of(NULL, 0));
  }
}

/* ---- settings ---- */

static const char setting_prefix[] = "_x.settings.";

static bool is_name_byte(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The name of the next setting in `*rest`, empty at the end; `*ret_lines` counts the line ends passed over. */
static struct span next_setting(struct span *rest, uint32_t *ret_lines) {
  size_t prefix = sizeof setting_prefix - 1;
  const uint8_t *at = rest->size > 0 ? memmem(rest->data, rest->size, setting_prefix, prefix) : NULL;
  if (!at) {
    return span_of(NULL, 0);
  }
  for (const uint8_t *c = rest->data; c < at; c++) {
    *ret_lines += *c == '\n';
  }
  size_t skipped = (size_t)(at - rest->data) + prefix;
  *rest = span_of(rest->data + skipped, rest->size - skipped);
  size_t size = 0;
  while (size < rest->size && is_name_byte(rest->data[size])) {
    size++;
  }
  return span_of(rest->data, size);
}

static void lint_settings_in(const struct looking *l, uint32_t line, struct span text) {
  for (struct span name = next_setting(&text, &line); name.size > 0; name = next_setting(&text, &line)) {
    if (!value_find(&l->around->settings, name)) {
      lint_add(l->lint, &unknown_setting, line, name, span_of(NULL, 0), span_of(NULL, 0));
    }
  }
}

static void lint_settings(const struct looking *l, const struct node *node) {
  for (size_t i = 0; i < node->attributes_count; i++) {
    lint_settings_in(l, node->line, node->attributes[i].value);
  }
  lint_settings_in(l, node->line, node->text);
}

static struct span setting_text(const struct value *value, struct arena *arena) {
  switch (value->kind) {
  case VALUE_TEXT:
    return value->text;
  case VALUE_INT:
    return arena_printf(arena, "%lld", (long long)value->integer);
  default:
    return value->truth ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
  }
}

/* A setting that alone is the length of a deadline. */
static void lint_term(const struct looking *l, const struct node *node) {
  struct span text = span_trim(node_get(node, "dueexpr"));
  uint32_t lines = 0;
  struct span rest = text;
  struct span name = next_setting(&rest, &lines);
  struct term term;
  if (name.size == 0 || name.size + sizeof setting_prefix - 1 != text.size) {
    return;
  }
  const struct value *value = value_find(&l->around->settings, name);
  if (value && (value->kind != VALUE_TEXT || term_parse(value->text, &term, NULL) != ERR_OK)) {
    tell(l, &setting_no_term, node, name, setting_text(value, l->lint->arena));
  }
}

void lint_process(const struct node *root, const struct lint_around *around, struct lint *lint) {
  const struct looking looking = {root, around, lint};
  for (const struct node *node = root; node; node = node_walk(root, node)) {
    lint_settings(&looking, node);
    lint_stage(&looking, node);
    if (node->tag == TAG_TRANSITION) {
      lint_transition(&looking, node);
    } else if (node->tag == TAG_SEND) {
      lint_send(&looking, node);
    } else if (node->tag == TAG_EXTENSION) {
      lint_element(&looking, node);
      lint_term(&looking, node);
    }
  }
}
