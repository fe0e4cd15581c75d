/*
 * daemon/desk_correct.c — a correction, before it is done.
 *
 *   case.correct  case=ID event=NAME [sequence=N] [sender=PARTICIPANT]
 *
 * Rows: what would be different (runtime/correct.h), and behind them, as `type` "send", the event that takes it back,
 * ready to be sent by whoever may. The question itself changes nothing.
 */
#include "daemon/page.h"
#include "daemon/turn.h"
#include "runtime/correct.h"

static bool take_line(void *arg, struct span line) {
  struct page *page = arg;
  if (page->scanned < page->skip) {
    page->scanned++;
    return true;
  }
  if (page_full(page)) {
    page->cursor = arena_printf(page->arena, "%zu", page->scanned);
    return false;
  }
  page->scanned++;
  page_text(page, line);
  return true;
}

static const struct event_rule *annulling_rule(const struct catalogue *catalogue) {
  for (size_t i = 0; i < catalogue->events_count; i++) {
    if (!span_empty(catalogue->events[i].annuls)) {
      return &catalogue->events[i];
    }
  }
  return NULL;
}

static struct value event_data(const struct page *page, const struct event_rule *rule,
                               const struct correct_question *question) {
  struct value data = value_with(page->arena, NULL, rule->annuls, value_text(question->event));
  if (!span_empty(rule->annuls_sequence) && question->sequence > 0) {
    data = value_with(page->arena, &data, rule->annuls_sequence, value_int(question->sequence));
  }
  if (!span_empty(rule->annuls_sender) && !span_empty(question->sender)) {
    data = value_with(page->arena, &data, rule->annuls_sender, value_text(question->sender));
  }
  return data;
}

static void send_row(struct page *page, const struct event_rule *rule, const struct correct_question *question) {
  const struct value_field fields[] = {
      PAGE_FIELD("type", value_text(SPAN_LITERAL("send"))),
      PAGE_FIELD("event", value_text(rule->name)),
      PAGE_FIELD("case", value_text(case_root(question->case_id))),
      PAGE_FIELD("data", event_data(page, rule, question)),
  };
  (void)page_counted_row(page, fields, PAGE_COUNT(fields));
}

static enum err case_correct(struct page *page, struct fault *fault) {
  struct correct_question question = {.sender = page_arg(page, "sender")};
  const struct event_rule *rule = annulling_rule(&page->daemon->config->catalogue);
  TRY(page_arg_needed(page, "case", &question.case_id, fault));
  TRY(page_arg_needed(page, "event", &question.event, fault));
  TRY(page_arg_number(page, "sequence", 0, &question.sequence, fault));
  if (!rule || question.case_id.size > CASE_ID_MAX) {
    return fault_set(fault, ERR_NOT_FOUND, "Дело не найдено, или отзывать события настройки не позволяют");
  }
  TRY(page_counted(page, fault));
  TRY(runtime_correct_preview(page->daemon->runtime, &question, turn_now(page->daemon->turn), take_line, page, fault));
  if (span_empty(page->cursor)) {
    send_row(page, rule, &question);
  }
  return ERR_OK;
}

const struct desk_verb desk_correct_verbs[] = {
    {"case.correct", true, case_correct},
    {NULL, false, NULL},
};
