/*
 * daemon/desk_admin.c — the daemon itself.
 *
 *   status                              one row
 *   participant.list [connected=1]      one row for each participant: what is connected, what waits
 *   clock.show
 *   clock.advance to=MOMENT|DATE [expect=A,B]  virtual clock; a date: its end; `expect`: whom it waits for
 */
#include "daemon/page.h"
#include "daemon/sessions.h"
#include "daemon/turn.h"
#include "runtime/rehearse.h"

static int64_t connected_count(const struct sessions *sessions) {
  int64_t connected = 0;
  for (size_t i = 0; i < sessions_count(sessions); i++) {
    connected += sessions_line(sessions, i).connected ? 1 : 0;
  }
  return connected;
}

static enum err status(struct page *page, struct fault *fault) {
  const struct daemon *daemon = page->daemon;
  struct runtime_stats stats = runtime_stats(daemon->runtime);
  struct wire_server_stats wire = wire_server_stats(daemon->exchange);
  struct store_stats store;
  if (store_stats(daemon->store, &store) != ERR_OK) {
    return fault_set(fault, ERR_IO, "хранилище не отвечает");
  }
  const struct value_field fields[] = {
      PAGE_FIELD("state", value_text(turn_draining(daemon->turn) ? SPAN_LITERAL("ending") : SPAN_LITERAL("running"))),
      PAGE_FIELD("clock", turn_is_virtual(daemon->turn) ? value_text(SPAN_LITERAL("virtual"))
                                                        : value_text(SPAN_LITERAL("system"))),
      PAGE_FIELD("now", page_moment(page, turn_now(daemon->turn))),
      PAGE_FIELD("started", page_moment(page, daemon->started_at)),
      PAGE_FIELD("journal", value_int((int64_t)runtime_journal_head(daemon->runtime))),
      PAGE_FIELD("next_due", page_moment(page, runtime_next_due(daemon->runtime))),
      PAGE_FIELD("inbox", value_int((int64_t)runtime_inbox_waiting(daemon->runtime))),
      PAGE_FIELD("connected", value_int(connected_count(daemon->sessions))),
      PAGE_FIELD("connections", value_int((int64_t)wire.connections)),
      PAGE_FIELD("connections_refused", value_int((int64_t)wire.refused)),
      PAGE_FIELD("batches", value_int((int64_t)stats.batches)),
      PAGE_FIELD("accepted", value_int((int64_t)stats.accepted)),
      PAGE_FIELD("duplicates", value_int((int64_t)stats.duplicates)),
      PAGE_FIELD("refused", value_int((int64_t)stats.refused)),
      PAGE_FIELD("incidents", value_int((int64_t)stats.incidents)),
      PAGE_FIELD("timers", value_int((int64_t)stats.timers)),
      PAGE_FIELD("store_entries", value_int((int64_t)store.entries)),
      PAGE_FIELD("store_bytes", value_int((int64_t)store.bytes_used)),
      PAGE_FIELD("store_bytes_max", value_int((int64_t)store.bytes_max)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

static enum err participant_list(struct page *page, struct fault *fault) {
  bool connected_only = !span_empty(page_arg(page, "connected"));
  TRY(page_counted(page, fault));
  for (size_t i = 0; i < sessions_count(page->daemon->sessions); i++) {
    struct sessions_line line = sessions_line(page->daemon->sessions, i);
    if (connected_only && !line.connected) {
      continue;
    }
    const struct value_field fields[] = {
        PAGE_FIELD("participant", value_text(line.participant->id)),
        PAGE_FIELD("kind", value_text(line.participant->kind)),
        PAGE_FIELD("title", value_text(line.participant->title)),
        PAGE_FIELD("connected", value_bool(line.connected)),
        PAGE_FIELD("agent", page_known(span_of_cstr(line.agent))),
        PAGE_FIELD("seen", line.seen_at > 0 ? page_moment(page, line.seen_at) : value_nil()),
        PAGE_FIELD("sequence", value_int((int64_t)line.sequence)),
        PAGE_FIELD("stream", value_int((int64_t)line.head)),
        PAGE_FIELD("acknowledged", value_int((int64_t)line.acknowledged)),
        PAGE_FIELD("waiting", value_int((int64_t)line.waiting)),
        PAGE_FIELD("load", value_int(runtime_load(&page->daemon->runtime, line.participant->id))),
    };
    if (!page_counted_row(page, fields, PAGE_COUNT(fields))) {
      break;
    }
  }
  return ERR_OK;
}

static enum err clock_show(struct page *page, struct fault *fault) {
  const struct turn *turn = page->daemon->turn;
  (void)fault;
  const struct value_field fields[] = {
      PAGE_FIELD("clock",
                 turn_is_virtual(turn) ? value_text(SPAN_LITERAL("virtual")) : value_text(SPAN_LITERAL("system"))),
      PAGE_FIELD("now", page_moment(page, turn_now(turn))),
      PAGE_FIELD("target", turn_advancing(turn) ? page_moment(page, turn_target(turn)) : value_nil()),
      PAGE_FIELD("next_due", page_moment(page, runtime_next_due(page->daemon->runtime))),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

/* A plain date means the end of that day, as `until` of a rehearsal does. */
static enum err target_parse(struct span text, civil_moment *ret_target, struct fault *fault) {
  civil_day day;
  if (civil_day_parse(text, &day) == ERR_OK) {
    *ret_target = rehearse_end_of(day);
    return ERR_OK;
  }
  if (civil_moment_parse(text, ret_target) != ERR_OK) {
    return fault_set(fault, ERR_INVALID, "момент пишется как 2026-01-31 или 2026-01-31T10:00:00+05:00");
  }
  return ERR_OK;
}

static enum err check_expected(const struct page *page, struct span expect, struct fault *fault) {
  while (expect.size > 0) {
    struct span name = span_cut(expect, ',', &expect);
    if (!catalogue_participant(&page->daemon->config->catalogue, name)) {
      return fault_set(fault, ERR_NOT_FOUND, "нет такого участника: %.*s", SPAN_ARG(name));
    }
  }
  return ERR_OK;
}

/* Asked again (with a cursor) while the clock moves: the same target goes on, an ended one is not begun anew. */
static enum err clock_advance(struct page *page, struct fault *fault) {
  struct turn *turn = page->daemon->turn;
  struct span to;
  civil_moment target;
  TRY(page_arg_needed(page, "to", &to, fault));
  TRY(target_parse(to, &target, fault));
  TRY(check_expected(page, page_arg(page, "expect"), fault));
  if (page->request->cursor.len == 0 || turn_now(turn) < target) {
    TRY(turn_advance(turn, target, page_arg(page, "expect"), fault));
  }
  if (turn_advancing(turn)) {
    page->later = true;
    return ERR_OK;
  }
  const struct value_field fields[] = {
      PAGE_FIELD("now", page_moment(page, turn_now(turn))),
      PAGE_FIELD("target", page_moment(page, target)),
      PAGE_FIELD("arrived", value_bool(true)),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return ERR_OK;
}

const struct desk_verb desk_admin_verbs[] = {
    {"status", false, status},
    {"participant.list", false, participant_list},
    {"clock.show", false, clock_show},
    {"clock.advance", true, clock_advance},
    {NULL, false, NULL},
};
