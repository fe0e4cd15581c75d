/*
 * daemon/desk_audit.c — the proof of the journal, as lines (runtime/audit.h).
 *
 *   audit.export              the whole chain, and the signed heads
 *   audit.proof journal=N     one entry, and the links up to the next signed head
 */
#include "daemon/evidence.h"
#include "daemon/page.h"
#include "daemon/turn.h"
#include "runtime/audit.h"

enum { ENTRIES_PER_PAGE = 1500 }; /* of two lines each at most, within DESK_PAGE_BYTES and DESK_ROWS_MAX */

static bool take_line(void *arg, struct span line) {
  page_text(arg, line);
  return true;
}

static struct audit_writer writer_to(struct page *page) {
  return (struct audit_writer){.sink = take_line,
                               .sink_arg = page,
                               .sign = evidence_sign,
                               .sign_arg = page->daemon,
                               .now = turn_now(page->daemon->turn)};
}

static enum err audit_lines(struct page *page, struct fault *fault) {
  struct audit_writer writer = writer_to(page);
  uint64_t next = 0;
  TRY(page_counted(page, fault));
  enum err err = audit_export(page->daemon->store, page->skip > 0 ? page->skip : 1, ENTRIES_PER_PAGE, &writer, &next);
  if (err != ERR_OK) {
    return fault_set(fault, err, "запись журнала не читается");
  }
  if (next > 0) {
    page->cursor = arena_printf(page->arena, "%llu", (unsigned long long)next);
  }
  return ERR_OK;
}

static enum err audit_proof(struct page *page, struct fault *fault) {
  struct audit_writer writer = writer_to(page);
  struct span word;
  int64_t number;
  TRY(page_arg_needed(page, "journal", &word, fault));
  TRY(page_arg_number(page, "journal", 0, &number, fault));
  return audit_prove(page->daemon->store, (uint64_t)number, &writer, fault);
}

const struct desk_verb desk_audit_verbs[] = {
    {"audit.export", false, audit_lines},
    {"audit.proof", false, audit_proof},
    {NULL, false, NULL},
};
