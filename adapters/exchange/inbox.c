/*
 * A file passes through these states, each of which a restart finds again:
 *
 *     FOUND     seen in in/; its size may still change
 *     READING   rows are being turned into messages; the place is in the spool (link_file)
 *     ANSWERING read to the end, receipts are missing
 *     gone      results written, moved to done/ or rejected/
 *
 * Invariants: a row is in the spool exactly once, with its message or its refusal, in the transaction that moves the
 * place behind it. The results are written before the rows are forgotten, and the file is moved last; whatever of this
 * is repeated after a crash gives the same bytes under the same names.
 */
#include "exchange/inbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "exchange/folder.h"
#include "exchange/result.h"
#include "exchange/source.h"

enum file_state { FILE_FOUND, FILE_READING, FILE_ANSWERING };

struct inbox_file {
  enum file_state state;
  const char *sender; /* of the sub-folder; NULL: each line names it */
  char name[FOLDER_NAME_MAX + 1];
  char path[FOLDER_PATH_MAX];
  char key[FOLDER_NAME_MAX + 100];
  off_t size;
  struct timespec changed;
  bool present; /* seen by the scan that is running */
  struct source *source;
  struct link_file place;
};

struct inbox {
  struct inbox_options options;
  struct arena arena;
  struct inbox_file *files[INBOX_FILES_MAX];
  size_t files_count;
};

static void free_file(struct inbox_file **file) {
  if (*file) {
    source_close(&(*file)->source);
    free(*file);
    *file = NULL;
  }
}

enum err inbox_create(const struct inbox_options *options, struct inbox **ret_inbox) {
  struct inbox *inbox = calloc(1, sizeof *inbox);
  if (!inbox) {
    return ERR_NO_MEMORY;
  }
  inbox->options = *options;
  arena_init(&inbox->arena, 0);
  *ret_inbox = inbox;
  return ERR_OK;
}

void inbox_destroy(struct inbox **inbox) {
  if (*inbox) {
    for (size_t i = 0; i < (*inbox)->files_count; i++) {
      free_file(&(*inbox)->files[i]);
    }
    arena_finish(&(*inbox)->arena);
    free(*inbox);
    *inbox = NULL;
  }
}

/* ---- looking ---- */

static struct inbox_file *find_file(struct inbox *inbox, const char *path) {
  for (size_t i = 0; i < inbox->files_count; i++) {
    if (strcmp(inbox->files[i]->path, path) == 0) {
      return inbox->files[i];
    }
  }
  return NULL;
}

/* The key names the content: a file of the same name that comes later is another file. */
static void name_content(struct inbox_file *file, const struct stat *status) {
  file->size = status->st_size;
  file->changed = status->st_mtim;
  snprintf(file->key, sizeof file->key, "%s|%lld|%lld.%09ld|%llu", file->name, (long long)status->st_size,
           (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec, (unsigned long long)status->st_ino);
}

static enum err add_file(struct inbox *inbox, const char *path, const char *name, const char *sender,
                         const struct stat *status) {
  if (inbox->files_count == INBOX_FILES_MAX) {
    return ERR_OK; /* waits for its turn */
  }
  struct inbox_file *file = calloc(1, sizeof *file);
  if (!file) {
    return ERR_NO_MEMORY;
  }
  file->sender = sender;
  file->present = true;
  snprintf(file->name, sizeof file->name, "%s", name);
  snprintf(file->path, sizeof file->path, "%s", path);
  name_content(file, status);
  inbox->files[inbox->files_count++] = file;
  return ERR_OK;
}

static bool same_content(const struct inbox_file *file, const struct stat *status) {
  return file->size == status->st_size && file->changed.tv_sec == status->st_mtim.tv_sec &&
         file->changed.tv_nsec == status->st_mtim.tv_nsec;
}

/* A place in the spool from before a restart is found by the key; ERR_NOT_FOUND starts at the beginning. */
static enum err begin_reading(struct inbox *inbox, struct inbox_file *file) {
  enum err result = link_file_get(inbox->options.link, span_of_cstr(file->key), &file->place);
  if (result == ERR_NOT_FOUND) {
    file->place = (struct link_file){0};
    result = ERR_OK;
  }
  TRY(result);
  file->state = file->place.complete ? FILE_ANSWERING : FILE_READING;
  return ERR_OK;
}

static enum err meet_file(struct inbox *inbox, const char *path, const char *name, const char *sender, bool settled) {
  struct stat status;
  if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
    return ERR_OK; /* a folder, or gone again */
  }
  struct inbox_file *file = find_file(inbox, path);
  if (!file) {
    TRY(add_file(inbox, path, name, sender, &status));
    file = find_file(inbox, path);
    if (!file || !settled) {
      return ERR_OK;
    }
  }
  file->present = true;
  if (file->state != FILE_FOUND) {
    return ERR_OK;
  }
  if (!settled && !same_content(file, &status)) {
    name_content(file, &status);
    return ERR_OK;
  }
  name_content(file, &status);
  return begin_reading(inbox, file);
}

/* Names that a writer uses before it renames. */
static bool is_hidden(const char *name) {
  size_t size = strlen(name);
  return name[0] == '.' || size > FOLDER_NAME_MAX - 40 || (size > 4 && strcmp(name + size - 4, ".tmp") == 0) ||
         (size > 5 && strcmp(name + size - 5, ".part") == 0);
}

static void free_entries(struct dirent ***entries) {
  free((void *)*entries);
}

static enum err scan_folder(struct inbox *inbox, const char *sender, bool settled) {
  char folder[FOLDER_PATH_MAX];
  char path[FOLDER_PATH_MAX];
  TRY(folder_path(folder, inbox->options.root, "in", sender && inbox->options.participants_count > 1 ? sender : ""));
  struct dirent **entries DEFER(free_entries) = NULL;
  int count = scandir(folder, &entries, NULL, alphasort);
  if (count < 0) {
    return ERR_IO;
  }
  enum err result = ERR_OK;
  for (int i = 0; i < count; i++) {
    if (result == ERR_OK && !is_hidden(entries[i]->d_name) &&
        folder_path(path, folder, entries[i]->d_name, "") == ERR_OK) {
      result = meet_file(inbox, path, entries[i]->d_name, sender, settled);
    }
    free(entries[i]);
  }
  return result;
}

static void forget(struct inbox *inbox, size_t index) {
  free_file(&inbox->files[index]);
  inbox->files_count--;
  memmove(&inbox->files[index], &inbox->files[index + 1], (inbox->files_count - index) * sizeof(struct inbox_file *));
}

/* A file that somebody took away before it was read is none of ours any more; one that is being read stays open. */
static void forget_vanished(struct inbox *inbox) {
  for (size_t i = inbox->files_count; i-- > 0;) {
    if (!inbox->files[i]->present && inbox->files[i]->state == FILE_FOUND) {
      forget(inbox, i);
    }
  }
}

enum err inbox_scan(struct inbox *inbox, bool settled) {
  for (size_t i = 0; i < inbox->files_count; i++) {
    inbox->files[i]->present = false;
  }
  bool several = inbox->options.participants_count > 1;
  TRY(scan_folder(inbox, several ? NULL : inbox->options.participants[0], settled));
  for (size_t i = 0; several && i < inbox->options.participants_count; i++) {
    TRY(scan_folder(inbox, inbox->options.participants[i], settled));
  }
  forget_vanished(inbox);
  return ERR_OK;
}

/* ---- reading ---- */

static enum err reject_file(struct inbox *inbox, size_t index, const struct fault *fault) {
  struct inbox_file *file = inbox->files[index];
  log_line(LOG_WARNING, "exchange", "msg=\"file rejected\" err=%s", err_name(fault->err));
  TRY(result_reject_file(inbox->options.root, file->path, file->name, fault));
  forget(inbox, index);
  return ERR_OK;
}

static enum err open_source(struct inbox *inbox, size_t index, bool *ret_open) {
  struct inbox_file *file = inbox->files[index];
  struct fault fault = {0};
  enum err result = source_open(file->path, inbox->options.profile, &file->source, &fault);
  *ret_open = result == ERR_OK;
  if (result == ERR_IO || result == ERR_NO_MEMORY) {
    return result;
  }
  if (result != ERR_OK) {
    fault.err = result;
    if (fault.text[0] == '\0') {
      fault_set(&fault, result, "Файл не читается.");
    }
    return reject_file(inbox, index, &fault);
  }
  return file->place.offset > 0 ? source_seek(file->source, file->place.offset, file->place.rows) : ERR_OK;
}

static bool serves(const struct inbox *inbox, struct span participant) {
  for (size_t i = 0; i < inbox->options.participants_count; i++) {
    if (span_is(participant, inbox->options.participants[i])) {
      return true;
    }
  }
  return false;
}

/* Who speaks: the folder, or the line; a line may not speak for another folder's participant. */
static enum err choose_sender(const struct inbox *inbox, const struct inbox_file *file, struct record *record,
                              const char **ret_sender) {
  struct span named = record->event.sender;
  if (span_empty(named) && !file->sender) {
    return fault_set(&record->fault, ERR_INVALID,
                     "Не указан отправитель: добавьте поле as или положите файл в папку организации.");
  }
  if (!span_empty(named) && file->sender && !span_is(named, file->sender)) {
    return fault_set(&record->fault, ERR_FORBIDDEN, "Отправитель в строке не тот, чья это папка.");
  }
  if (!span_empty(named) && !serves(inbox, named)) {
    return fault_set(&record->fault, ERR_FORBIDDEN, "Этот участник не обслуживается здесь: проверьте поле as.");
  }
  *ret_sender = file->sender;
  for (size_t i = 0; !*ret_sender && i < inbox->options.participants_count; i++) {
    if (span_is(named, inbox->options.participants[i])) {
      *ret_sender = inbox->options.participants[i];
    }
  }
  return ERR_OK;
}

static enum err send_record(struct inbox *inbox, const struct inbox_file *file, struct record *record,
                            civil_moment now) {
  const char *sender = NULL;
  uint64_t sequence = 0;
  TRY(record->err);
  TRY(choose_sender(inbox, file, record, &sender));
  struct exchange_event *event = &record->event;
  civil_moment occurred = event->occurred_at == CIVIL_MOMENT_NONE ? now : event->occurred_at;
  const struct link_event message = {.participant = sender,
                                     .event = event->event,
                                     .case_id = event->case_id,
                                     .occurred_at = occurred,
                                     .data = &event->data};
  TRY(link_send(inbox->options.link, &message, &sequence, &record->fault));
  return link_row_sent(inbox->options.link, span_of_cstr(file->key), record->line, sender, sequence);
}

static enum err take_record(struct inbox *inbox, struct inbox_file *file, struct record *record, civil_moment now) {
  enum err result = send_record(inbox, file, record, now);
  if (err_class_of(result) == ERR_CLASS_DOMAIN) {
    const char *text = record->fault.text[0] ? record->fault.text : "Строка не принята.";
    result = link_row_refused(inbox->options.link, span_of_cstr(file->key), record->line,
                              span_of_cstr(err_name(result)), span_of_cstr(text));
  }
  file->place.offset = record->next;
  file->place.rows = record->lines;
  return result;
}

/* One slice inside one transaction. */
static enum err take_slice(struct inbox *inbox, struct inbox_file *file, civil_moment now) {
  struct record record;
  for (int i = 0; i < INBOX_SLICE_ROWS; i++) {
    arena_reset(&inbox->arena);
    enum err result = source_next(file->source, &inbox->arena, &record);
    if (result == ERR_NOT_FOUND) {
      file->place.complete = true;
      break;
    }
    TRY(result);
    TRY(take_record(inbox, file, &record, now));
  }
  return link_file_put(inbox->options.link, span_of_cstr(file->key), &file->place);
}

static enum err read_slice(struct inbox *inbox, struct inbox_file *file, civil_moment now) {
  const struct link_file before = file->place;
  struct fault fault = {0};
  TRY(link_begin(inbox->options.link));
  enum err result = take_slice(inbox, file, now);
  if (result == ERR_OK) {
    result = link_commit(inbox->options.link, &fault);
  } else {
    link_rollback(inbox->options.link);
  }
  if (result != ERR_OK) { /* nothing of the slice is stored: read it again later */
    file->place = before;
    source_close(&file->source);
  }
  return result;
}

enum err inbox_work(struct inbox *inbox, civil_moment now, bool *ret_more) {
  *ret_more = false;
  if (link_pending(inbox->options.link) >= INBOX_PENDING_MAX) {
    return ERR_OK;
  }
  for (size_t i = 0; i < inbox->files_count; i++) {
    struct inbox_file *file = inbox->files[i];
    if (file->state != FILE_READING) {
      continue;
    }
    *ret_more = true;
    bool open = file->source != NULL;
    if (!open) {
      TRY(open_source(inbox, i, &open));
    }
    if (!open) {
      return ERR_OK;
    }
    TRY(read_slice(inbox, file, now));
    if (file->place.complete) {
      file->state = FILE_ANSWERING;
      source_close(&file->source);
    }
    return ERR_OK;
  }
  return ERR_OK;
}

/* ---- answering ---- */

static enum err finish_file(struct inbox *inbox, size_t index) {
  struct inbox_file *file = inbox->files[index];
  const struct result_file about = {
      .root = inbox->options.root, .path = file->path, .name = file->name, .key = span_of_cstr(file->key)};
  TRY(result_write(&about, inbox->options.profile, inbox->options.link));
  TRY(link_file_done(inbox->options.link, span_of_cstr(file->key)));
  TRY(result_put_away(&about));
  forget(inbox, index);
  return ERR_OK;
}

enum err inbox_settle(struct inbox *inbox) {
  for (size_t i = inbox->files_count; i-- > 0;) {
    struct inbox_file *file = inbox->files[i];
    uint64_t pending = 0;
    if (file->state != FILE_ANSWERING) {
      continue;
    }
    TRY(link_rows_pending(inbox->options.link, span_of_cstr(file->key), &pending));
    if (pending == 0) {
      TRY(finish_file(inbox, i));
    }
  }
  return ERR_OK;
}
