/*
 * The record of a case and of a deadline. What is read as a case can be shown, stepped and written, and what was
 * written is read as the same bytes.
 */
#include "casework/casework.h"
#include "fuzz.h"
#include "world.h"

static void show_deadline(struct span input, struct arena *arena) {
  struct deadline deadline;
  if (deadline_decode(input, &deadline) != ERR_OK) {
    return;
  }
  struct writer w;
  writer_init(&w);
  deadline_encode(&deadline, &w);
  ASSERT(span_equal(input, writer_span(&w)));
  writer_finish(&w);
  ASSERT(deadline_state_name(deadline.state)[0] != '\0');
  (void)deadline_explain(casework_calendar(world_casework()), &deadline, arena);
}

static struct case_file *decode(struct span record) {
  struct case_file *c = NULL;
  struct fault fault = {0};
  enum err err = case_decode(world_casework(), record, &c, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(!c);
    return NULL;
  }
  return c;
}

static void step(struct case_file *c, struct span event, struct arena *arena) {
  struct case_effects effects = {.arena = arena};
  struct fault fault = {0};
  struct case_view view;
  const struct case_input input = {.kind = CASE_INPUT_EVENT,
                                   .event = event,
                                   .data = value_nil(),
                                   .sender = SPAN_LITERAL("helper-north"),
                                   .occurred_at = INT64_C(1768200000000)};
  enum err err = case_step(c, &input, INT64_C(1768200000000), &effects, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    return;
  }
  case_view_of(c, arena, &view);
}

static void is_stable(struct case_file *c) {
  struct writer first;
  struct writer second;
  struct fault fault = {0};
  writer_init(&first);
  writer_init(&second);
  if (case_encode(c, &first, &fault) == ERR_OK) {
    struct case_file *again = decode(writer_span(&first));
    ASSERT(again);
    ASSERT(case_encode(again, &second, &fault) == ERR_OK);
    ASSERT(span_equal(writer_span(&first), writer_span(&second)));
    case_close(&again);
  }
  writer_finish(&first);
  writer_finish(&second);
}

void fuzz_one(struct span input, struct arena *arena) {
  struct case_view view;
  show_deadline(input, arena);
  enum err err = case_view_decode(input, arena, &view);
  struct case_file *c = decode(input);
  if (!c) {
    return;
  }
  ASSERT(err == ERR_OK);
  is_stable(c);
  case_close(&c);
  static const char *const events[] = {"visit.done", "plan", "declined", "case.cancelled", "closed"};
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
    c = decode(input);
    step(c, span_of_cstr(events[i]), arena);
    case_close(&c);
  }
}
