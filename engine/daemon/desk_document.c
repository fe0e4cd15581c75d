/*
 * daemon/desk_document.c — one document of a case, as its form calls what stands in it.
 *
 *   case.document case=ID kind=KIND [edition=N] [to=EXECUTOR] [for=PARTICIPANT] [reveal=1]
 *
 * Rows: `type` document (what it is and how it stands), then its field and measure rows; the documents that stand in it
 * follow in the same way, with `part`. What is said of it comes from its entry of the journal; how far a measure is,
 * from its referral.
 *
 * Rights: an operator and an agent see what is open. `for` shows it as that participant may see it (need-to-know): the
 * kinds of the document's `seen_by` within their territory; an executor its own extract, and nothing of where it comes
 * from. Personal fields are shown with `reveal`, as by person.show: to an operator who has the right to them, states a
 * reason and stands in the journal; those only whose class says `reveal`, and with `for` those of the participant.
 */
#include "daemon/page.h"
#include "runtime/records.h"

enum { MEMBERS_MAX = 2000 };

/* ---- the question ---- */

struct wanted {
  struct span root, kind, to, reader; /* reader: of `for` */
  int64_t edition;                    /* 0: the last one */
};

/* A case of the family that has a register. */
struct member {
  struct span id;
  struct case_view view;
};
struct sheet {
  struct page *page;
  struct wanted wanted;
  const struct participant *reader; /* NULL: whoever asks */
  bool revealed;
  struct member *members;
  size_t members_count;
  enum err err;
  /* The document that is shown. */
  const struct member *of;
  size_t index;
  const struct document_rule *rule;
  struct span part; /* kind that it stands in; empty: it was asked for */
};

static const struct catalogue *catalogue_of(const struct sheet *s) {
  return &s->page->daemon->config->catalogue;
}

/* ---- the family ---- */

static enum err keep_member(struct sheet *s, struct span key, struct span value) {
  struct record_case record;
  struct member *member = &s->members[s->members_count];
  TRY(record_case_of_key(key, arena_alloc(s->page->arena, CASE_ID_MAX), &member->id));
  TRY(record_case_read(arena_copy(s->page->arena, value), &record));
  TRY(case_view_decode(record.body, s->page->arena, &member->view));
  s->members_count++;
  return ERR_OK;
}

static bool visit_member(void *arg, struct span key, struct span value) {
  struct sheet *s = arg;
  s->err = s->members_count < MEMBERS_MAX ? keep_member(s, key, value) : ERR_LIMIT;
  return s->err == ERR_OK;
}

static enum err read_family(struct sheet *s, struct fault *fault) {
  struct store *store = s->page->daemon->store;
  struct record_key key = record_case_key(s->wanted.root);
  struct record_key prefix = record_family_prefix(s->wanted.root);
  struct span bytes;
  s->members = ARENA_ARRAY(s->page->arena, struct member, MEMBERS_MAX);
  enum err err = store_get(store, STORE_CASE, record_key_span(&key), &bytes);
  if (err == ERR_NOT_FOUND) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого дела: %.*s", SPAN_ARG(s->wanted.root));
  }
  err = err == ERR_OK ? keep_member(s, record_key_span(&key), arena_copy(s->page->arena, bytes)) : err;
  if (err == ERR_OK) {
    err = store_scan(store, STORE_CASE, record_key_span(&prefix), record_key_span(&prefix), visit_member, s);
    err = err == ERR_OK ? s->err : err;
  }
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "запись дела не читается");
}

/* ---- which document ---- */

static bool is_wanted(const struct sheet *s, const struct case_document *document) {
  return span_equal(document->kind, s->wanted.kind) &&
         (span_empty(s->wanted.to) || span_equal(document->to, s->wanted.to)) &&
         (s->wanted.edition == 0 || document->edition == s->wanted.edition);
}

static const struct case_document *document_of(const struct sheet *s) {
  return &s->of->view.documents[s->index];
}

/* The one that was recorded last: of two parts of a case the living one. */
static bool find_document(struct sheet *s) {
  s->of = NULL;
  for (size_t i = 0; i < s->members_count; i++) {
    const struct case_view *view = &s->members[i].view;
    for (size_t k = 0; k < view->documents_count; k++) {
      if (is_wanted(s, &view->documents[k]) &&
          (!s->of || view->documents[k].recorded_at >= document_of(s)->recorded_at)) {
        s->of = &s->members[i];
        s->index = k;
      }
    }
  }
  return s->of != NULL;
}

static enum err several_executors(const struct sheet *s, struct fault *fault) {
  for (size_t i = 0; i < s->of->view.documents_count; i++) {
    const struct case_document *other = &s->of->view.documents[i];
    if (is_wanted(s, other) && !span_equal(other->to, document_of(s)->to)) {
      return fault_set(fault, ERR_CONFLICT, "выписок несколько: назовите исполнителя");
    }
  }
  return ERR_OK;
}

/* ---- who may see it ---- */

static enum err forbidden(struct fault *fault) {
  return fault_set(fault, ERR_FORBIDDEN, "этому участнику документ не показывается");
}

/* Whom nothing entitles to documents of this kind sees the extract that is its own. */
static enum err check_reader(struct sheet *s, struct fault *fault) {
  if (span_empty(s->wanted.reader)) {
    return ERR_OK;
  }
  s->reader = catalogue_participant(catalogue_of(s), s->wanted.reader);
  if (!s->reader) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого участника");
  }
  struct span territory = s->members[0].view.territory;
  bool entitled = text_list_has(&s->rule->seen_by, s->reader->kind) &&
                  (span_empty(territory) || participant_serves(s->reader, territory));
  if (entitled) {
    return ERR_OK;
  }
  bool own = s->rule->of.count > 0 && (span_empty(s->wanted.to) || span_equal(s->wanted.to, s->reader->id));
  s->wanted.to = s->reader->id;
  return own ? ERR_OK : forbidden(fault);
}

/* ---- what stands in it ---- */

struct content {
  const struct event_rule *event;
  struct record_journal entry;
  struct value clear, personal; /* maps; personal nil unless revealed */
};

static enum err read_content(const struct sheet *s, uint64_t journal, struct content *ret_content) {
  struct record_key key = record_number_key(journal);
  struct content content = {.clear = {.kind = VALUE_MAP}};
  struct span bytes;
  if (journal == 0) {
    *ret_content = content;
    return ERR_OK;
  }
  TRY(store_get(s->page->daemon->store, STORE_JOURNAL, record_key_span(&key), &bytes));
  TRY(record_journal_read(arena_copy(s->page->arena, bytes), &content.entry));
  content.event = catalogue_event(catalogue_of(s), content.entry.event);
  if (!span_empty(content.entry.clear)) {
    struct reader r = reader_of(content.entry.clear);
    TRY(value_decode(&r, s->page->arena, &content.clear));
  }
  *ret_content = content;
  return ERR_OK;
}

/* Only what both the classes' `reveal` and the reader's kind allow. */
static void reveal(const struct sheet *s, uint64_t journal, struct content *content) {
  struct value all;
  content->personal = value_nil();
  if (s->revealed && journal > 0 &&
      runtime_entry_personal(s->page->daemon->runtime, s->wanted.root, journal, s->page->arena, &all) == ERR_OK) {
    content->personal = catalogue_cut(catalogue_of(s), &all, SPAN_LITERAL(CATALOGUE_REVEAL), s->page->arena);
  }
}

static void cut_for_reader(const struct sheet *s, struct content *content) {
  if (s->reader) {
    content->clear = catalogue_cut(catalogue_of(s), &content->clear, s->reader->kind, s->page->arena);
    content->personal = catalogue_cut(catalogue_of(s), &content->personal, s->reader->kind, s->page->arena);
  }
}

/* The list of records in a payload; NULL if there is none. */
static const struct value *records_in(const struct content *content) {
  for (size_t i = 0; content->event && i < content->event->fields_count; i++) {
    const struct field_rule *field = &content->event->fields[i];
    const struct value *value = span_is(field->format, "records") ? value_find(&content->clear, field->name) : NULL;
    if (value && value->kind == VALUE_LIST && value->list.count > 0) {
      return value;
    }
  }
  return NULL;
}

/* The measures of a document of this member: its own, or those of the last one before it that it rests on. */
static enum err measures_of(const struct sheet *s, const struct member *of, size_t index, struct value *ret_list) {
  const struct case_document *documents = of->view.documents;
  const struct document_rule *rule = catalogue_document(catalogue_of(s), documents[index].kind);
  struct content content;
  *ret_list = value_list(NULL, 0);
  TRY(read_content(s, documents[index].journal, &content));
  const struct value *list = records_in(&content);
  for (size_t i = index; !list && rule && i-- > 0;) {
    if (text_list_has(&rule->measures_from, documents[i].kind)) {
      TRY(read_content(s, documents[i].journal, &content));
      list = records_in(&content);
    }
  }
  if (list) {
    *ret_list = value_copy(s->page->arena, list);
  }
  return ERR_OK;
}

static const struct value *measure_named(const struct value *list, struct span id) {
  for (size_t i = 0; i < list->list.count; i++) {
    if (span_equal(value_get_text(&list->list.items[i], "id"), id)) {
      return &list->list.items[i];
    }
  }
  return NULL;
}

/* What an extract tells of a measure stands in the last document before it that has the measure. */
static enum err extracted(const struct sheet *s, struct span id, struct value *ret_measure) {
  *ret_measure = value_nil();
  for (size_t i = s->index; i-- > 0;) {
    if (!text_list_has(&s->rule->of, s->of->view.documents[i].kind)) {
      continue;
    }
    struct value list;
    TRY(measures_of(s, s->of, i, &list));
    const struct value *measure = measure_named(&list, id);
    if (measure) {
      *ret_measure = *measure;
      return ERR_OK;
    }
  }
  return ERR_OK;
}

/* ---- rows ---- */

static struct value title_of(const struct sheet *s, struct span participant) {
  const struct participant *p = catalogue_participant(catalogue_of(s), participant);
  return p ? value_text(p->title) : page_known(participant);
}

static uint32_t last_edition(const struct sheet *s) {
  const struct case_document *shown = document_of(s);
  uint32_t last = shown->edition;
  for (size_t i = 0; i < s->of->view.documents_count; i++) {
    const struct case_document *other = &s->of->view.documents[i];
    bool same = span_equal(other->kind, shown->kind) && span_equal(other->to, shown->to);
    last = same && other->edition > last ? other->edition : last;
  }
  return last;
}

/* An extract goes to an executor: neither process nor clause nor who sent what stands on it. */
static void put_document(struct sheet *s, const struct content *content) {
  const struct case_document *d = document_of(s);
  bool neutral = s->rule->of.count > 0;
  bool superseded = case_document_superseded(s->of->view.documents, s->of->view.documents_count, s->index);
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("document"))),
      PAGE_FIELD("part", page_known(s->part)),
      PAGE_FIELD("case", value_text(s->wanted.root)),
      PAGE_FIELD("process", neutral ? value_nil() : value_text(s->of->view.identity.process)),
      PAGE_FIELD("kind", value_text(d->kind)),
      PAGE_FIELD("title", value_text(s->rule->title)),
      PAGE_FIELD("basis", neutral ? value_nil() : page_known(s->rule->basis)),
      PAGE_FIELD("edition", value_int(d->edition)),
      PAGE_FIELD("last_edition", value_int(last_edition(s))),
      PAGE_FIELD("superseded", superseded ? value_bool(true) : value_nil()),
      PAGE_FIELD("state", value_text(d->state)),
      PAGE_FIELD("state_title", value_text(catalogue_document_state(catalogue_of(s), d->state))),
      PAGE_FIELD("occurred_on", page_day(s->page, civil_moment_day(d->occurred_at))),
      PAGE_FIELD("recorded", page_moment(s->page, d->recorded_at)),
      PAGE_FIELD("journal", d->journal > 0 ? value_int((int64_t)d->journal) : value_nil()),
      PAGE_FIELD("state_journal", d->state_journal > 0 && d->state_journal != d->journal
                                      ? value_int((int64_t)d->state_journal)
                                      : value_nil()),
      PAGE_FIELD("from", neutral ? value_nil() : page_known(content->entry.sender)),
      PAGE_FIELD("from_title", neutral ? value_nil() : title_of(s, content->entry.sender)),
      PAGE_FIELD("to", page_known(d->to)),
      PAGE_FIELD("to_title", title_of(s, d->to)),
      PAGE_FIELD("revealed", s->revealed ? value_bool(true) : value_nil()),
  };
  page_row(s->page, fields, PAGE_COUNT(fields));
}

static struct span text_of(const struct sheet *s, const struct value *schema, const struct field_rule *field,
                           const struct value *value) {
  struct arena *arena = s->page->arena;
  struct span joined = {NULL, 0};
  switch (value->kind) {
  case VALUE_BOOL:
    return value->truth ? SPAN_LITERAL("да") : SPAN_LITERAL("нет");
  case VALUE_INT:
    return arena_printf(arena, "%lld", (long long)value->integer);
  case VALUE_TEXT:
    return form_word(schema, field->name, value->text);
  case VALUE_LIST:
    for (size_t i = 0; i < value->list.count; i++) {
      struct span word = form_word(schema, field->name, value->list.items[i].text);
      joined = arena_printf(arena, "%.*s%s%.*s", SPAN_ARG(joined), i > 0 ? ", " : "", SPAN_ARG(word));
    }
    return joined;
  default:
    return joined;
  }
}

/* A field of the form that is not filled is told if the form needs it; of a personal one nobody may say that. */
static void put_field(const struct sheet *s, const struct content *content, const struct value *schema,
                      const struct field_rule *field) {
  const struct data_class *class = catalogue_class(catalogue_of(s), field->class_name);
  bool personal = class && class->personal;
  const struct value *value = value_find(personal ? &content->personal : &content->clear, field->name);
  bool seen = !s->reader || (class && text_list_has(&class->seen_by, s->reader->kind));
  bool asked = !span_empty(form_title(schema, field->name, span_of(NULL, 0)));
  bool hidden = personal && !value && asked && seen && !span_empty(content->entry.sealed);
  bool missing = !personal && !value && seen && form_needs(schema, field->name);
  if (span_is(field->format, "records") || (!value && !hidden && !missing)) {
    return;
  }
  struct span text = value ? text_of(s, schema, field, value) : span_of(NULL, 0);
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("field"))),
      PAGE_FIELD("part", page_known(s->part)),
      PAGE_FIELD("name", value_text(field->name)),
      PAGE_FIELD("title", value_text(form_title(schema, field->name, field->name))),
      PAGE_FIELD("format", value_text(field->format)),
      PAGE_FIELD("value", value ? *value : value_nil()),
      PAGE_FIELD("text", page_known(text)),
      PAGE_FIELD("hidden", hidden ? value_bool(true) : value_nil()),
      PAGE_FIELD("missing", missing ? value_bool(true) : value_nil()),
  };
  page_row(s->page, fields, PAGE_COUNT(fields));
}

static const struct value *schema_of(const struct sheet *s, const struct content *content) {
  const struct config_form *form = content->event ? forms_find(&s->page->daemon->forms, s->of->view.identity.process,
                                                               content->event->name, s->rule->form)
                                                  : NULL;
  return form ? &form->schema : NULL;
}

static void put_fields(const struct sheet *s, const struct content *content) {
  const struct value *schema = schema_of(s, content);
  for (size_t i = 0; content->event && i < content->event->fields_count; i++) {
    put_field(s, content, schema, &content->event->fields[i]);
  }
}

/* The last referral of the measure below the case that the document belongs to. */
static const struct case_view *referral_of(const struct sheet *s, struct span measure) {
  const struct case_view *found = NULL;
  for (size_t i = 0; i < s->members_count; i++) {
    const struct case_view *view = &s->members[i].view;
    bool its = view->identity.referral && span_equal(view->identity.parent, s->of->id) &&
               span_equal(view->identity.key, measure);
    found = its && (!found || view->opened_at >= found->opened_at) ? view : found;
  }
  return found;
}

/* The participant that an entry names itself, before there is a referral. */
static struct span named_in(const struct sheet *s, const struct value *measure) {
  for (size_t i = 0; measure->kind == VALUE_MAP && i < measure->map.count; i++) {
    const struct value *value = &measure->map.fields[i].value;
    if (value->kind == VALUE_TEXT && catalogue_participant(catalogue_of(s), value->text)) {
      return value->text;
    }
  }
  return span_of(NULL, 0);
}

static void put_measure(const struct sheet *s, const struct value *items, const struct value *measure) {
  const struct case_view *referral = referral_of(s, value_get_text(measure, "id"));
  bool neutral = s->rule->of.count > 0;
  struct span to = referral && !span_empty(referral->last_addressee) ? referral->last_addressee : named_in(s, measure);
  struct span result = value_get_text(measure, "result");
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("measure"))),
      PAGE_FIELD("part", page_known(s->part)),
      PAGE_FIELD("measure", page_known(value_get_text(measure, "id"))),
      PAGE_FIELD("title", page_known(value_get_text(measure, "title"))),
      PAGE_FIELD("kind", page_known(value_get_text(measure, "kind"))),
      PAGE_FIELD("kind_title", page_known(form_word(items, SPAN_LITERAL("kind"), value_get_text(measure, "kind")))),
      PAGE_FIELD("due", page_known(value_get_text(measure, "due"))),
      PAGE_FIELD("to", neutral ? value_nil() : page_known(to)),
      PAGE_FIELD("to_title", neutral ? value_nil() : title_of(s, to)),
      PAGE_FIELD("result", page_known(result)),
      PAGE_FIELD("result_title", page_known(form_word(items, SPAN_LITERAL("result"), result))),
      PAGE_FIELD("status", referral ? page_known(referral->status) : value_nil()),
      PAGE_FIELD("status_title", referral && !span_empty(referral->status)
                                     ? value_text(catalogue_status(catalogue_of(s), referral->status))
                                     : value_nil()),
      PAGE_FIELD("reason", referral ? page_known(referral->reason) : value_nil()),
      PAGE_FIELD("at", referral ? page_moment(s->page, referral->status_at) : value_nil()),
  };
  page_row(s->page, fields, PAGE_COUNT(fields));
}

/* The schema of the entries of a form's list of records. */
static const struct value *items_of(const struct sheet *s, const struct config_form *form) {
  const struct event_rule *event = form ? catalogue_event(catalogue_of(s), form->event) : NULL;
  for (size_t i = 0; event && i < event->fields_count; i++) {
    if (span_is(event->fields[i].format, "records")) {
      return form_items(&form->schema, event->fields[i].name);
    }
  }
  return NULL;
}

static enum err put_extract(struct sheet *s) {
  const struct document_rule *source = catalogue_document(catalogue_of(s), s->rule->of.items[0]);
  const struct value *items = items_of(s, source ? forms_named(&s->page->daemon->forms, source->form) : NULL);
  const struct text_list *measures = &document_of(s)->measures;
  for (size_t i = 0; i < measures->count; i++) {
    struct value measure;
    TRY(extracted(s, measures->items[i], &measure));
    if (measure.kind != VALUE_MAP) {
      measure = value_with(s->page->arena, NULL, SPAN_LITERAL("id"), value_text(measures->items[i]));
    }
    put_measure(s, items, &measure);
  }
  return ERR_OK;
}

static enum err put_measures(struct sheet *s) {
  const struct value *items = items_of(s, forms_named(&s->page->daemon->forms, s->rule->form));
  struct value list;
  TRY(measures_of(s, s->of, s->index, &list));
  for (size_t i = 0; i < list.list.count; i++) {
    put_measure(s, items, &list.list.items[i]);
  }
  return ERR_OK;
}

/* What the event brought that last changed its state. Within another document its own sheet has told that. */
static enum err put_state_fields(struct sheet *s) {
  const struct case_document *d = document_of(s);
  struct content content;
  if (d->state_journal == d->journal || d->state_journal == 0 || !span_empty(s->part)) {
    return ERR_OK;
  }
  TRY(read_content(s, d->state_journal, &content));
  content.entry.sealed = span_of(NULL, 0);
  cut_for_reader(s, &content);
  const struct config_form *form =
      forms_find(&s->page->daemon->forms, s->of->view.identity.process, content.entry.event, span_of(NULL, 0));
  for (size_t i = 0; form && content.event && i < content.event->fields_count; i++) {
    if (value_find(&content.clear, content.event->fields[i].name)) {
      put_field(s, &content, &form->schema, &content.event->fields[i]);
    }
  }
  return ERR_OK;
}

static enum err put_one(struct sheet *s) {
  struct content content;
  TRY(read_content(s, document_of(s)->journal, &content));
  reveal(s, document_of(s)->journal, &content);
  cut_for_reader(s, &content);
  put_document(s, &content);
  if (s->rule->of.count > 0) { /* the entry behind it may be the source document's own: not its reader's to see */
    return put_extract(s);
  }
  put_fields(s, &content);
  TRY(put_state_fields(s));
  return put_measures(s);
}

/* What stands in it: the last edition of each, of the same part of the case. */
static enum err put_includes(struct sheet *s) {
  const struct document_rule *whole = s->rule;
  const struct member *of = s->of;
  for (size_t i = 0; i < whole->includes.count; i++) {
    struct sheet inner = *s;
    inner.part = whole->kind;
    inner.rule = catalogue_document(catalogue_of(s), whole->includes.items[i]);
    for (size_t k = of->view.documents_count; inner.rule && k-- > 0;) {
      if (span_equal(of->view.documents[k].kind, inner.rule->kind)) {
        inner.index = k;
        TRY(put_one(&inner));
        break;
      }
    }
  }
  return ERR_OK;
}

/* ---- the verb ---- */

static enum err show(struct sheet *s, struct fault *fault) {
  s->rule = catalogue_document(catalogue_of(s), s->wanted.kind);
  if (!s->rule) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого вида документов: %.*s", SPAN_ARG(s->wanted.kind));
  }
  TRY(read_family(s, fault));
  TRY(check_reader(s, fault));
  if (!find_document(s)) {
    return fault_set(fault, ERR_NOT_FOUND, "такого документа в деле нет");
  }
  TRY(several_executors(s, fault));
  enum err err = put_one(s);
  err = err == ERR_OK ? put_includes(s) : err;
  return err == ERR_OK ? ERR_OK : fault_set(fault, ERR_CORRUPT, "запись журнала не читается");
}

static enum err read_wanted(const struct page *page, struct wanted *ret_wanted, struct fault *fault) {
  struct wanted w = {.to = page_arg(page, "to"), .reader = page_arg(page, "for")};
  struct span case_id;
  TRY(page_arg_needed(page, "case", &case_id, fault));
  TRY(page_arg_needed(page, "kind", &w.kind, fault));
  TRY(page_arg_number(page, "edition", 0, &w.edition, fault));
  w.root = case_root(case_id);
  if (case_id.size > CASE_ID_MAX || w.root.size + w.kind.size + w.to.size + w.reader.size > PAGE_SUBJECT_MAX / 2) {
    return fault_set(fault, ERR_INVALID, "слишком длинное слово в запросе");
  }
  *ret_wanted = w;
  return ERR_OK;
}

/* The question is gone when its entry is durable: what it asked for waits as one text. */
static struct span wanted_pack(const struct page *page, const struct wanted *w) {
  return arena_printf(page->arena, "%.*s\n%.*s\n%.*s\n%.*s\n%lld", SPAN_ARG(w->root), SPAN_ARG(w->kind),
                      SPAN_ARG(w->to), SPAN_ARG(w->reader), (long long)w->edition);
}

static struct wanted wanted_unpack(struct span text) {
  struct wanted w;
  w.root = span_cut(text, '\n', &text);
  w.kind = span_cut(text, '\n', &text);
  w.to = span_cut(text, '\n', &text);
  w.reader = span_cut(text, '\n', &text);
  if (!span_to_int64(text, &w.edition)) {
    w.edition = 0;
  }
  return w;
}

static enum err show_revealed(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  struct sheet s = {.page = page, .wanted = wanted_unpack(page->subject), .revealed = true};
  (void)acted;
  page->limit = DESK_ROWS_MAX;
  return show(&s, fault);
}

/* Shown once without what is personal, and thrown away: nothing is journalled for a document that is not there. */
static enum err ask_to_reveal(struct page *page, const struct wanted *wanted, struct fault *fault) {
  struct span given = span_of_cstr(page->request->reason);
  struct runtime_act act = {.kind = RUNTIME_ACT_REVEAL,
                            .actor = page->asker,
                            .case_id = wanted->root,
                            .reason = span_trim(span_empty(given) ? page_arg(page, "reason") : given)};
  if ((page->roles & KEYRING_PRIVACY) == 0 || (page->roles & KEYRING_OPERATOR) == 0) {
    return fault_set(fault, ERR_FORBIDDEN, "у этого ключа нет права на персональные данные");
  }
  struct sheet s = {.page = page, .wanted = *wanted};
  TRY(show(&s, fault));
  page->count = 0;
  writer_reset(page->rows);
  TRY(runtime_act(page->daemon->runtime, &act, &page->ticket, fault));
  page->then = show_revealed;
  page->subject = wanted_pack(page, wanted);
  return ERR_OK;
}

static enum err case_document(struct page *page, struct fault *fault) {
  struct wanted wanted;
  TRY(read_wanted(page, &wanted, fault));
  if (!span_empty(page_arg(page, "reveal"))) {
    return ask_to_reveal(page, &wanted, fault);
  }
  struct sheet s = {.page = page, .wanted = wanted};
  return show(&s, fault);
}

const struct desk_verb desk_document_verbs[] = {
    {"case.document", false, case_document},
    {NULL, false, NULL},
};
