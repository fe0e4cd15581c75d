/*
 * daemon/desk_backup.c — a copy of the database while the daemon works.
 *
 *   backup.start out=FOLDER   begins it; the folder is of the server's computer
 *   backup.show               one row: how far the last one is
 */
#include "base/log.h"
#include "daemon/page.h"
#include "daemon/turn.h"

static void state_row(struct page *page) {
  const struct backup *backup = &page->daemon->backup;
  bool begun = backup->state != BACKUP_NONE;
  bool ended = begun && backup->state != BACKUP_RUNNING;
  const struct value_field fields[] = {
      PAGE_FIELD("state", value_text(span_of_cstr(backup_state_name(backup->state)))),
      PAGE_FIELD("out", page_known(span_of_cstr(backup->path))),
      PAGE_FIELD("started", begun ? page_moment(page, backup->started_at) : value_nil()),
      PAGE_FIELD("ms", ended ? value_int(backup->ended_at - backup->started_at) : value_nil()),
      PAGE_FIELD("text", backup->state == BACKUP_FAILED ? value_text(span_of_cstr(backup->fault.text)) : value_nil()),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static enum err backup_begin(struct page *page, struct fault *fault) {
  struct span out;
  TRY(page_arg_needed(page, "out", &out, fault));
  TRY(backup_start(page->daemon, out, fault));
  log_line(LOG_INFO, "daemon", "msg=\"backup begun\" operator=%.*s", SPAN_ARG(page->asker));
  state_row(page);
  return ERR_OK;
}

static enum err backup_show(struct page *page, struct fault *fault) {
  (void)fault;
  state_row(page);
  return ERR_OK;
}

const struct desk_verb desk_backup_verbs[] = {
    {"backup.start", true, backup_begin},
    {"backup.show", false, backup_show},
    {NULL, false, NULL},
};
