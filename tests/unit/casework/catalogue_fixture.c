/* A small catalogue: three kinds of helper, one agency that starts cases, one body that sits, two territories. */
#include "world.h"

static struct span text(const char *s) {
  return span_of_cstr(s);
}

static struct text_list words(struct arena *arena, const char *s) {
  struct text_list list = {ARENA_ARRAY(arena, struct span, 16), 0};
  struct span rest = text(s);
  while (!span_empty(rest)) {
    list.items[list.count++] = span_cut(rest, ' ', &rest);
  }
  return list;
}

struct field_row {
  const char *event, *name, *class_name, *format;
  bool required;
  const char *values, *record;
  int64_t min, max;
};
static const struct field_row field_rows[] = {
    {"begin", "edition", "plain", "integer", true, "", "", 1, 99},
    {"begin", "day", "plain", "date", true, "", "", 0, 0},
    {"begin", "place", "plain", "territory", true, "", "", 0, 0},
    {"begin", "name", "person", "text", true, "", "", 0, 40},
    {"begin", "sex", "plain", "code", false, "m f", "", 0, 0},
    {"begin", "free", "plain", "boolean", false, "", "", 0, 0},
    {"begin", "kinds", "plain", "codes", false, "medical work", "", 0, 3},
    {"begin", "rows", "plain", "records", false, "", "row", 0, 2},
    {"visit.done", "phase", "plain", "code", false, "before after", "", 0, 0},
    {"visit.done", "note", "person", "text", false, "", "", 0, 0},
    {"moved", "day", "plain", "date", false, "", "", 0, 0},
    {"moved", "bound", "plain", "date", false, "", "", 0, 0},
    {"moved", "term", "plain", "code", false, "", "", 0, 0},
    {"plan", "rows", "plain", "records", true, "", "row", 0, 0},
    {"accepted", "offer", "plain", "integer", false, "", "", 0, 0},
    {"accepted", "measure", "plain", "code", false, "", "", 0, 0},
    {"declined", "offer", "plain", "integer", false, "", "", 0, 0},
    {"completed", "note", "health", "text", false, "", "", 0, 0},
};
static const struct {
  const char *name, *senders;
  bool only_addressee;
  const char *starts, *edition, *addressed_by;
} event_rows[] = {
    {"visit.done", "helper", false, "", "", ""},
    {"begin", "agency", false, "root", "edition", ""},
    {"moved", "agency", false, "", "", ""},
    {"plan", "helper board", false, "", "", ""},
    {"left", "helper", false, "", "", ""},
    {"entered", "helper", false, "", "", ""},
    {"accepted", "doctor office", true, "", "", "measure"},
    {"declined", "doctor office", true, "", "", ""},
    {"completed", "doctor office", true, "", "", ""},
    {"closed", "*", false, "", "", ""},
};
static const struct {
  const char *id, *kind, *territories, *helps;
  int64_t capacity;
  const char *sittings;
} participant_rows[] = {
    {"office-1", "office", "north south", "work medical", 0, ""},
    {"helper-north", "helper", "north", "", 0, ""},
    {"helper-south", "helper", "south", "", 0, ""},
    {"agency-1", "agency", "*", "", 0, ""},
    {"doctor-b", "doctor", "north", "medical", 2, ""},
    {"doctor-a", "doctor", "north", "medical", 2, ""},
    {"doctor-south", "doctor", "south", "medical", 0, ""},
    {"board-north", "board", "north", "", 0, "3 wed"},
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static struct field_rule field(struct arena *arena, const struct field_row *row) {
  return (struct field_rule){.name = text(row->name),
                             .class_name = text(row->class_name),
                             .format = text(row->format),
                             .required = row->required,
                             .values = words(arena, row->values),
                             .record = text(row->record),
                             .min = row->min,
                             .max = row->max};
}

static void fill_events(struct arena *arena, struct catalogue *c) {
  c->events = ARENA_ARRAY(arena, struct event_rule, COUNT(event_rows));
  c->events_count = COUNT(event_rows);
  for (size_t i = 0; i < COUNT(event_rows); i++) {
    struct event_rule *event = &c->events[i];
    *event = (struct event_rule){.name = text(event_rows[i].name),
                                 .senders = words(arena, event_rows[i].senders),
                                 .only_addressee = event_rows[i].only_addressee,
                                 .starts = text(event_rows[i].starts),
                                 .edition = text(event_rows[i].edition),
                                 .addressed_by = text(event_rows[i].addressed_by),
                                 .title = text("Событие"),
                                 .fields = ARENA_ARRAY(arena, struct field_rule, 16)};
    for (size_t k = 0; k < COUNT(field_rows); k++) {
      if (span_is(event->name, field_rows[k].event)) {
        event->fields[event->fields_count++] = field(arena, &field_rows[k]);
      }
    }
  }
}

static void fill_participants(struct arena *arena, struct catalogue *c) {
  c->participants = ARENA_ARRAY(arena, struct participant, COUNT(participant_rows));
  c->participants_count = COUNT(participant_rows);
  for (size_t i = 0; i < COUNT(participant_rows); i++) {
    struct text_list sittings = {ARENA_ARRAY(arena, struct span, 1), 0};
    if (participant_rows[i].sittings[0]) {
      sittings.items[sittings.count++] = text(participant_rows[i].sittings);
    }
    c->participants[i] = (struct participant){.id = text(participant_rows[i].id),
                                              .kind = text(participant_rows[i].kind),
                                              .title = text("Участник"),
                                              .territories = words(arena, participant_rows[i].territories),
                                              .helps = words(arena, participant_rows[i].helps),
                                              .capacity = participant_rows[i].capacity,
                                              .sittings = sittings};
  }
}

static void fill_records(struct arena *arena, struct catalogue *c) {
  static const struct field_row rows[] = {
      {"", "id", "plain", "code", true, "", "", 0, 0},
      {"", "kind", "plain", "code", false, "", "", 0, 0},
      {"", "due", "plain", "date", false, "", "", 0, 0},
      {"", "comment", "person", "text", false, "", "", 0, 0},
  };
  c->records = ARENA_ARRAY(arena, struct record_rule, 1);
  c->records_count = 1;
  c->records[0] = (struct record_rule){text("row"), ARENA_ARRAY(arena, struct field_rule, COUNT(rows)), COUNT(rows)};
  for (size_t i = 0; i < COUNT(rows); i++) {
    c->records[0].fields[i] = field(arena, &rows[i]);
  }
}

static void fill_rest(struct arena *arena, struct catalogue *c) {
  c->stages = ARENA_ARRAY(arena, struct stage_rule, 3);
  c->stages_count = 3;
  c->stages[0] = (struct stage_rule){text("early"), text("Начало")};
  c->stages[1] = (struct stage_rule){text("middle"), text("Середина")};
  c->stages[2] = (struct stage_rule){text("late"), text("Конец")};
  c->classes = ARENA_ARRAY(arena, struct data_class, 3);
  c->classes_count = 3;
  c->classes[0] = (struct data_class){text("plain"), false, words(arena, "*")};
  c->classes[1] = (struct data_class){text("person"), true, words(arena, "helper")};
  c->classes[2] = (struct data_class){text("health"), true, words(arena, "doctor")};
  c->territories = ARENA_ARRAY(arena, struct territory, 2);
  c->territories_count = 2;
  c->territories[0] =
      (struct territory){.code = text("north"), .title = text("г. Северный"), .names = words(arena, "Северный")};
  c->territories[1] = (struct territory){.code = text("south"), .title = text("г. Южный"), .names = words(arena, "")};
  c->roles = ARENA_ARRAY(arena, struct role_rule, 3);
  c->roles_count = 3;
  c->roles[0] = (struct role_rule){text("helper"), words(arena, "helper"), text("Куратор")};
  c->roles[1] = (struct role_rule){text("executor"), words(arena, "doctor office"), text("Исполнитель")};
  c->roles[2] = (struct role_rule){text("board"), words(arena, "board"), text("Рабочая группа")};
  c->routing = ARENA_ARRAY(arena, struct routing_rule, 2);
  c->routing_count = 2;
  c->routing[0] = (struct routing_rule){text("medical"), words(arena, "doctor office")};
  c->routing[1] = (struct routing_rule){text("work"), words(arena, "office")};
}

/* ---- documents: a paper that events bring, and an extract of it ---- */

static const struct {
  const char *event, *state, *edition, *from, *field, *value;
  bool absent;
} paper_rows[] = {
    {"plan", "made", "next", "", "", "", false},
    {"left", "gone", "known", "", "", "", false},
    {"visit.done", "sent", "", "made", "phase", "after", true},
    {"moved", "taken", "", "", "", "", false},
};

static void fill_papers(struct arena *arena, struct catalogue *c) {
  for (size_t i = 0; i < c->events_count; i++) {
    struct event_rule *event = &c->events[i];
    event->documents = ARENA_ARRAY(arena, struct event_document, COUNT(paper_rows));
    for (size_t k = 0; k < COUNT(paper_rows); k++) {
      if (span_is(event->name, paper_rows[k].event)) {
        event->documents[event->documents_count++] = (struct event_document){.kind = text("paper"),
                                                                             .state = text(paper_rows[k].state),
                                                                             .edition = text(paper_rows[k].edition),
                                                                             .from = words(arena, paper_rows[k].from),
                                                                             .field = text(paper_rows[k].field),
                                                                             .value = text(paper_rows[k].value),
                                                                             .absent = paper_rows[k].absent};
      }
    }
  }
}

static void fill_documents(struct arena *arena, struct catalogue *c) {
  static const char *const states[] = {"made", "sent", "taken", "gone"};
  c->document_states = ARENA_ARRAY(arena, struct document_state, COUNT(states));
  c->document_states_count = COUNT(states);
  for (size_t i = 0; i < COUNT(states); i++) {
    c->document_states[i] = (struct document_state){text(states[i]), text("Состояние")};
  }
  c->documents = ARENA_ARRAY(arena, struct document_rule, 2);
  c->documents_count = 2;
  c->documents[0] = (struct document_rule){.kind = text("paper"), .title = text("Бумага"), .basis = text("п. 1")};
  c->documents[1] = (struct document_rule){.kind = text("share"),
                                           .title = text("Выписка"),
                                           .of = words(arena, "paper"),
                                           .progress = ARENA_ARRAY(arena, struct document_progress, 2),
                                           .progress_count = 2,
                                           .gone = text("gone")};
  c->documents[1].progress[0] = (struct document_progress){text("offered"), text("sent")};
  c->documents[1].progress[1] = (struct document_progress){text("accepted"), text("taken")};
  fill_papers(arena, c);
}

struct catalogue *catalogue_fixture(struct arena *arena) {
  struct catalogue *c = ARENA_NEW(arena, struct catalogue);
  fill_events(arena, c);
  fill_participants(arena, c);
  fill_records(arena, c);
  fill_rest(arena, c);
  fill_documents(arena, c);
  return c;
}
