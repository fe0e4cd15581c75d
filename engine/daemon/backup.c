#include "daemon/backup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/words.h"
#include "daemon/daemon.h"
#include "daemon/turn.h"

const char *backup_state_name(enum backup_state state) {
  static const char *const names[] = {
      [BACKUP_NONE] = "none", [BACKUP_RUNNING] = "running", [BACKUP_DONE] = "done", [BACKUP_FAILED] = "failed"};
  return names[state];
}

static void translate(enum err err, const struct fault *found, struct fault *fault) {
  const char *why = err == ERR_FULL ? "на диске нет места" : err == ERR_EXISTS ? "такая папка уже есть" : found->text;
  (void)fault_set(fault, err, "копия не сделана: %s", why);
}

static void copied(void *arg, enum err result, const struct fault *fault) {
  struct daemon *daemon = arg;
  struct backup *backup = &daemon->backup;
  runtime_sign_each(daemon->runtime, false);
  backup->signing = false;
  backup->state = result == ERR_OK ? BACKUP_DONE : BACKUP_FAILED;
  backup->ended_at = turn_wall_clock();
  if (result != ERR_OK) {
    translate(result, fault, &backup->fault);
  }
  log_line(result == ERR_OK ? LOG_INFO : LOG_ERROR, "daemon", "msg=\"backup ended\" err=%s ms=%lld", err_name(result),
           (long long)(backup->ended_at - backup->started_at));
}

static enum err check_path(struct span path, struct fault *fault) {
  if (path.size < 2 || path.size > BACKUP_PATH_MAX || path.data[0] != '/' || memchr(path.data, '\0', path.size)) {
    return fault_set(fault, ERR_INVALID, "нужен полный путь к папке копии, не длиннее %d байт", BACKUP_PATH_MAX);
  }
  return ERR_OK;
}

/* A store that is full is copied without: to bring the data to safety matters more. */
static void copy_when_signed(struct daemon *daemon, enum err last_batch) {
  struct backup *backup = &daemon->backup;
  if (last_batch == ERR_OK && !runtime_head_signed(daemon->runtime)) {
    return;
  }
  struct fault fault = {.err = ERR_OK};
  backup->signing = false;
  enum err err = store_backup_start(daemon->store, backup->path, copied, daemon);
  if (err != ERR_OK) {
    (void)fault_set(&fault, err, "%s", words_of_err(err));
    copied(daemon, err, &fault);
  }
}

enum err backup_start(struct daemon *daemon, struct span path, struct fault *fault) {
  struct backup *backup = &daemon->backup;
  TRY(check_path(path, fault));
  if (backup->state == BACKUP_RUNNING) {
    return fault_set(fault, ERR_BUSY, "копия уже делается: %s", backup->path);
  }
  struct backup begun = {.state = BACKUP_RUNNING, .signing = true, .started_at = turn_wall_clock()};
  (void)snprintf(begun.path, sizeof begun.path, "%.*s", SPAN_ARG(path));
  if (access(begun.path, F_OK) == 0) {
    return fault_set(fault, ERR_EXISTS, "такая папка уже есть");
  }
  *backup = begun;
  runtime_sign_each(daemon->runtime, true);
  copy_when_signed(daemon, ERR_OK);
  return ERR_OK;
}

void backup_committed(struct daemon *daemon, enum err result) {
  if (daemon->backup.signing) {
    runtime_sign_head(daemon->runtime); /* nothing if the next batch is on its way */
    copy_when_signed(daemon, result);
  }
}
