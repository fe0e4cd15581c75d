/*
 * A file passes through these states, each of which a restart finds again:
 *
 *     in in/     seen; it may still be growing
 *     READING    moved to work/ under a name that is its own; rows are being turned into messages, the place is in the
 *                spool (link_file) under that name
 *     ANSWERING  read to the end, receipts are missing
 *     ENDED      results are written, the rows forgotten, a note in the spool names the file; it has to be moved
 *     gone       moved to done/ or rejected/, place and note forgotten
 *
 * Invariants
 *   1. A row is in the spool exactly once, with its message or its refusal, in the transaction that moves the place
 *      behind it.
 *   2. Results are written while the rows are in the spool; rows are forgotten in the transaction that sets the note;
 * the file is moved after that; place and note go last. Whatever of this is repeated after a crash gives the same bytes
 *      under the same names.
 *   3. In work/ nobody replaces a file, so what is read, answered and moved is the same. A file that its writer had not
 *      let go of and that grew meanwhile is read on before it is answered.
 *   4. A file in work/ has a name that nothing in done/ and rejected/ uses: no result overwrites an earlier one.
 */
#include "exchange/inbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "exchange/folder.h"
#include "exchange/once.h"
#include "exchange/result.h"
#include "exchange/source.h"

enum { SIGHTS_MAX = 1000, NAMES_MAX = 100000 };

static const char NOTE[] = "inbox.ended"; /* name of the note: key of a file whose results are written */

enum file_state { FILE_READING, FILE_ANSWERING, FILE_ENDED };

struct inbox_file {
  enum file_state state;
  const char *sender; /* of the sub-folder; NULL: each line names it */
  char *path;
  char *key; /* "/NAME" or "SENDER/NAME", as in work/ */
  struct source *source;
  struct link_file place;
  bool abandoned;    /* cannot be read on */
  uint64_t check_at; /* ANSWERING: cannot be answered before so many receipts have come */
  bool waits;        /* something went wrong: until the next scan */
};

/* A file of in/ as the last scan saw it. */
struct inbox_sight {
  char *path;
  off_t size;
  struct timespec changed;
};
struct inbox_sights {
  struct inbox_sight *items;
  size_t count;
};

struct inbox {
  struct inbox_options options;
  struct arena arena; /* of one record */
  struct inbox_file **files;
  size_t files_count, files_capacity;
  struct inbox_sights before, now;
  uint64_t receipts;
};

/* ---- life ---- */

static void free_file(struct inbox_file **file) {
  if (*file) {
    source_close(&(*file)->source);
    free((*file)->path);
    free((*file)->key);
    free(*file);
    *file = NULL;
  }
}

static void forget_sights(struct inbox_sights *sights) {
  for (size_t i = 0; i < sights->count; i++) {
    free(sights->items[i].path);
  }
  sights->count = 0;
}

void inbox_destroy(struct inbox **inbox) {
  if (!*inbox) {
    return;
  }
  for (size_t i = 0; i < (*inbox)->files_count; i++) {
    free_file(&(*inbox)->files[i]);
  }
  forget_sights(&(*inbox)->before);
  forget_sights(&(*inbox)->now);
  free((*inbox)->before.items);
  free((*inbox)->now.items);
  free((void *)(*inbox)->files);
  arena_finish(&(*inbox)->arena);
  free(*inbox);
  *inbox = NULL;
}

static bool several(const struct inbox *inbox) {
  return inbox->options.participants_count > 1;
}

/* "ROOT/part[/SENDER]" */
static enum err folder_of(const struct inbox *inbox, const char *part, const char *sender, char path[FOLDER_PATH_MAX]) {
  char parts[FOLDER_PATH_MAX];
  TRY(folder_path(parts, inbox->options.root, part, ""));
  bool own = several(inbox) && sender;
  return own ? folder_path(path, parts, sender, "") : folder_path(path, inbox->options.root, part, "");
}

static const char *name_of(const struct inbox_file *file) {
  return strrchr(file->path, '/') + 1;
}

static struct span key_of(const struct inbox_file *file) {
  return span_of_cstr(file->key);
}

static struct result_file about(const struct inbox *inbox, const struct inbox_file *file) {
  return (struct result_file){
      .root = inbox->options.root, .path = file->path, .name = name_of(file), .key = key_of(file)};
}

static void drop(struct inbox *inbox, size_t index) {
  free_file(&inbox->files[index]);
  inbox->files_count--;
  memmove((void *)&inbox->files[index], (const void *)&inbox->files[index + 1],
          (inbox->files_count - index) * sizeof(void *));
}

static enum err grow(struct inbox *inbox) {
  size_t capacity = inbox->files_capacity ? 2 * inbox->files_capacity : 16;
  struct inbox_file **files = realloc((void *)inbox->files, capacity * sizeof(void *));
  if (!files) {
    return ERR_NO_MEMORY;
  }
  inbox->files = files;
  inbox->files_capacity = capacity;
  return ERR_OK;
}

static bool note_one(void *arg, const struct link_row *row UNUSED) {
  *(bool *)arg = true;
  return false;
}

/* Read to the end, it is said, but nothing is left of that: then it was another file, or one without rows. */
static enum err doubt_place(struct inbox *inbox, struct inbox_file *file) {
  const struct result_file result = about(inbox, file);
  bool any = false;
  TRY(link_rows(inbox->options.link, key_of(file), note_one, &any));
  if (!any && !result_is_written(&result)) {
    file->place = (struct link_file){0};
    file->state = FILE_READING;
  }
  return ERR_OK;
}

/* What the spool knows of it: the place, and whether its results are written. */
static enum err remember(struct inbox *inbox, struct inbox_file *file) {
  struct span ended = {0};
  arena_reset(&inbox->arena);
  enum err err = link_file_get(inbox->options.link, key_of(file), &file->place);
  if (err == ERR_NOT_FOUND) {
    return ERR_OK; /* starts at the beginning */
  }
  TRY(err);
  err = link_note_get(inbox->options.link, span_of_cstr(NOTE), &inbox->arena, &ended);
  if (err != ERR_OK && err != ERR_NOT_FOUND) {
    return err;
  }
  if (!file->place.complete) {
    return ERR_OK;
  }
  file->state = span_equal(ended, key_of(file)) ? FILE_ENDED : FILE_ANSWERING;
  return file->state == FILE_ANSWERING ? doubt_place(inbox, file) : ERR_OK;
}

static enum err new_file(const char *path, const char *sender, const char *prefix, struct inbox_file **ret_file) {
  struct inbox_file *file = calloc(1, sizeof *file);
  const char *name = strrchr(path, '/') + 1;
  size_t size = strlen(prefix) + strlen(name) + 2;
  if (!file) {
    return ERR_NO_MEMORY;
  }
  file->sender = sender;
  file->path = strdup(path);
  file->key = malloc(size);
  if (!file->path || !file->key) {
    free_file(&file);
    return ERR_NO_MEMORY;
  }
  (void)snprintf(file->key, size, "%s/%s", prefix, name);
  *ret_file = file;
  return ERR_OK;
}

/* A file that lies in work/. */
static enum err add_file(struct inbox *inbox, const char *path, const char *sender) {
  struct inbox_file *file = NULL;
  if (inbox->files_count == inbox->files_capacity) {
    TRY(grow(inbox));
  }
  TRY(new_file(path, sender, several(inbox) && sender ? sender : "", &file));
  enum err err = remember(inbox, file);
  if (err != ERR_OK) {
    free_file(&file);
    return err;
  }
  inbox->files[inbox->files_count++] = file;
  return ERR_OK;
}

/* ---- looking into folders ---- */

typedef enum err (*meet_fn)(struct inbox *inbox, const char *sender, const char *path, const char *name);

/* Entries in order of name, so that what came first by name is sent first. */
static enum err each_entry(struct inbox *inbox, const char *part, const char *sender, meet_fn meet) {
  char folder[FOLDER_PATH_MAX];
  char path[FOLDER_PATH_MAX];
  TRY(folder_of(inbox, part, sender, folder));
  struct dirent **entries = NULL;
  int count = scandir(folder, &entries, NULL, alphasort);
  if (count < 0) {
    return ERR_IO;
  }
  enum err first = ERR_OK;
  for (int i = 0; i < count; i++) {
    enum err err = folder_path(path, folder, entries[i]->d_name, "");
    if (err == ERR_OK) {
      err = meet(inbox, sender, path, entries[i]->d_name);
    }
    first = first == ERR_OK ? err : first;
    free(entries[i]);
  }
  free((void *)entries);
  return first;
}

/* The folder itself and those of the participants, all of them even if one cannot be read. */
static enum err each_folder(struct inbox *inbox, const char *part, meet_fn meet) {
  enum err first = each_entry(inbox, part, several(inbox) ? NULL : inbox->options.participants[0], meet);
  for (size_t i = 0; several(inbox) && i < inbox->options.participants_count; i++) {
    enum err err = each_entry(inbox, part, inbox->options.participants[i], meet);
    first = first == ERR_OK ? err : first;
  }
  return first;
}

static enum err meet_again(struct inbox *inbox, const char *sender, const char *path, const char *name) {
  struct stat status;
  if (name[0] == '.' || lstat(path, &status) != 0 || S_ISDIR(status.st_mode)) {
    return ERR_OK;
  }
  return add_file(inbox, path, sender);
}

/* The place must not be found by a later file of that name. */
static enum err forget_place(struct inbox *inbox, struct span key) {
  static const struct link_file start = {0};
  struct link *link = inbox->options.link;
  struct fault fault;
  TRY(link_begin(link));
  enum err err = link_file_put(link, key, &start);
  err = err == ERR_OK ? link_note_put(link, span_of_cstr(NOTE), (struct span){0}) : err;
  if (err != ERR_OK) {
    link_rollback(link);
    return err;
  }
  return link_commit(link, &fault);
}

/* Killed between moving a file and forgetting its place: the note names a file that is not in work/ any more. */
static enum err finish_note(struct inbox *inbox) {
  struct span key = {0};
  enum err err = link_note_get(inbox->options.link, span_of_cstr(NOTE), &inbox->arena, &key);
  if (err != ERR_OK) {
    return err == ERR_NOT_FOUND ? ERR_OK : err;
  }
  for (size_t i = 0; i < inbox->files_count; i++) {
    if (span_equal(key, key_of(inbox->files[i]))) {
      return ERR_OK;
    }
  }
  return forget_place(inbox, key);
}

enum err inbox_create(const struct inbox_options *options, struct inbox **ret_inbox) {
  struct inbox *inbox DEFER(inbox_destroy) = calloc(1, sizeof *inbox);
  if (!inbox) {
    return ERR_NO_MEMORY;
  }
  inbox->options = *options;
  arena_init(&inbox->arena, 0);
  inbox->before.items = calloc(SIGHTS_MAX, sizeof *inbox->before.items);
  inbox->now.items = calloc(SIGHTS_MAX, sizeof *inbox->now.items);
  if (!inbox->before.items || !inbox->now.items) {
    return ERR_NO_MEMORY;
  }
  TRY(each_folder(inbox, "work", meet_again));
  TRY(finish_note(inbox));
  *ret_inbox = inbox;
  inbox = NULL;
  return ERR_OK;
}

/* ---- taking ---- */

/* Names that a writer uses before it renames, and what editors leave about. */
static bool is_unfinished(const char *name) {
  static const char *const endings[] = {".tmp", ".part", ".filepart", ".swp"};
  size_t size = strlen(name);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    size_t ending = strlen(endings[i]);
    if (size > ending && strcmp(name + size - ending, endings[i]) == 0) {
      return true;
    }
  }
  return name[0] == '.' || name[0] == '~';
}

/* In no sub-folder of work/, in done/ or rejected/ is anything of that name. */
static bool is_free(const struct inbox *inbox, const char *name) {
  char folder[FOLDER_PATH_MAX];
  char path[FOLDER_PATH_MAX];
  for (size_t i = 0; i <= inbox->options.participants_count; i++) {
    const char *sender = i < inbox->options.participants_count ? inbox->options.participants[i] : NULL;
    if (folder_of(inbox, "work", sender, folder) != ERR_OK || folder_path(path, folder, name, "") != ERR_OK ||
        folder_has(path)) {
      return false;
    }
  }
  return !result_name_taken(inbox->options.root, name);
}

static enum err free_path(const struct inbox *inbox, const char *sender, const char *wish, char path[FOLDER_PATH_MAX]) {
  char folder[FOLDER_PATH_MAX];
  char name[FOLDER_NAME_MAX + 1];
  TRY(folder_of(inbox, "work", sender, folder));
  for (unsigned number = 1; number <= NAMES_MAX; number++) {
    folder_name(name, wish, number);
    if (is_free(inbox, name)) {
      return folder_path(path, folder, name, "");
    }
  }
  return ERR_IO;
}

/* It may have been moved without our being sure that it lasts: what counts is where it is. */
static enum err take(struct inbox *inbox, const char *sender, const char *from, const char *name) {
  char path[FOLDER_PATH_MAX];
  TRY(free_path(inbox, sender, name, path));
  enum err err = folder_move(from, path);
  if (err != ERR_OK && !folder_has(path)) {
    return err == ERR_NOT_FOUND ? ERR_OK : err; /* somebody took it away again */
  }
  return add_file(inbox, path, sender);
}

static bool same_content(const struct inbox_sight *sight, const struct stat *status) {
  return sight->size == status->st_size && sight->changed.tv_sec == status->st_mtim.tv_sec &&
         sight->changed.tv_nsec == status->st_mtim.tv_nsec;
}

static int compare_path(const void *path, const void *sight) {
  return strcmp(path, ((const struct inbox_sight *)sight)->path);
}

static int compare_sights(const void *a, const void *b) {
  return strcmp(((const struct inbox_sight *)a)->path, ((const struct inbox_sight *)b)->path);
}

static bool has_settled(const struct inbox *inbox, const char *path, const struct stat *status) {
  const struct inbox_sight *sight =
      bsearch(path, inbox->before.items, inbox->before.count, sizeof *inbox->before.items, compare_path);
  return sight && same_content(sight, status);
}

/* Without room it is seen next time. */
static void see(struct inbox *inbox, const char *path, const struct stat *status) {
  char *copy = inbox->now.count < SIGHTS_MAX ? strdup(path) : NULL;
  if (copy) {
    inbox->now.items[inbox->now.count++] = (struct inbox_sight){copy, status->st_size, status->st_mtim};
  }
}

/* Links, pipes and the like are taken, too, and refused as such when they are to be read. */
static enum err meet_new(struct inbox *inbox, const char *sender, const char *path, const char *name) {
  struct stat status;
  bool at_once = inbox->options.virtual_clock;
  if (is_unfinished(name) || (!at_once && inbox->files_count >= INBOX_FILES_MAX) || lstat(path, &status) != 0 ||
      S_ISDIR(status.st_mode)) {
    return ERR_OK;
  }
  if (at_once || has_settled(inbox, path, &status)) {
    return take(inbox, sender, path, name);
  }
  see(inbox, path, &status);
  return ERR_OK;
}

enum err inbox_scan(struct inbox *inbox) {
  for (size_t i = 0; i < inbox->files_count; i++) {
    inbox->files[i]->waits = false;
  }
  enum err err = each_folder(inbox, "in", meet_new);
  const struct inbox_sights seen = inbox->now;
  qsort(seen.items, seen.count, sizeof *seen.items, compare_sights);
  forget_sights(&inbox->before);
  inbox->now = inbox->before;
  inbox->before = seen;
  return err;
}

/* ---- reading ---- */

/* What was sent of it before is still answered. */
static enum err give_up(struct inbox *inbox, struct inbox_file *file, const struct fault *fault) {
  const struct result_file result = about(inbox, file);
  TRY(result_write_reason(&result, fault));
  file->place.complete = true;
  TRY(link_file_put(inbox->options.link, key_of(file), &file->place));
  file->state = FILE_ANSWERING;
  file->abandoned = true;
  return ERR_OK;
}

static enum err reject(struct inbox *inbox, size_t index, const struct fault *fault) {
  struct inbox_file *file = inbox->files[index];
  const struct result_file result = about(inbox, file);
  log_line(LOG_WARNING, "exchange", "msg=\"file rejected\" err=%s", err_name(fault->err));
  if (file->place.offset > 0) {
    return give_up(inbox, file, fault);
  }
  TRY(result_reject(&result, fault));
  drop(inbox, index);
  return ERR_OK;
}

/* `*ret_open` is false when the file has been refused; then it may be gone from the list. */
static enum err open_source(struct inbox *inbox, size_t index, bool *ret_open) {
  struct inbox_file *file = inbox->files[index];
  struct fault fault = {.text = "Файл не читается."};
  enum err err = source_open(file->path, inbox->options.profile, &file->source, &fault);
  *ret_open = err == ERR_OK;
  if (err == ERR_OK) {
    return file->place.offset > 0 ? source_seek(file->source, file->place.offset, file->place.rows) : ERR_OK;
  }
  if (err_class_of(err) != ERR_CLASS_DOMAIN) {
    return err;
  }
  fault.err = err;
  return reject(inbox, index, &fault);
}

static const char *served(const struct inbox *inbox, struct span participant) {
  for (size_t i = 0; i < inbox->options.participants_count; i++) {
    if (span_is(participant, inbox->options.participants[i])) {
      return inbox->options.participants[i];
    }
  }
  return NULL;
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
  *ret_sender = file->sender ? file->sender : served(inbox, named);
  return *ret_sender
             ? ERR_OK
             : fault_set(&record->fault, ERR_FORBIDDEN, "Этот участник не обслуживается здесь: проверьте поле as.");
}

/* Some decisions are another's who sits at the same table: its name is the folder's with another kind before the first
 * "-". */
static enum err choose_speaker(struct inbox *inbox, struct record *record, const char **sender) {
  struct exchange_event *event = &record->event;
  if (event->speaker) {
    const char *rest = strchr(*sender, '-');
    struct span name = arena_printf(&inbox->arena, "%s%s", event->speaker, rest ? rest : "");
    *sender = served(inbox, name);
    if (!*sender) {
      return fault_set(&record->fault, ERR_FORBIDDEN, "Это решает участник %.*s, а он здесь не обслуживается.",
                       SPAN_ARG(name));
    }
  }
  if (event->own_case) {
    event->case_id = arena_printf(&inbox->arena, "%s.%s", event->own_case, *sender);
  }
  return ERR_OK;
}

/* What the agency is told of a row that nobody had asked for. */
static enum err remark(struct inbox *inbox, const struct inbox_file *file, const struct record *record,
                       const char *sender) {
  const struct profile *profile = inbox->options.profile;
  bool asked = true;
  if (!record->event.own_case) {
    TRY(once_asked(profile, inbox->options.link, sender, record->event.case_id, &asked));
  }
  return asked ? ERR_OK
               : link_row_remark(inbox->options.link, key_of(file), record->line, span_of_cstr(profile->asked->text));
}

static enum err tell_known(struct inbox *inbox, const struct inbox_file *file, const struct record *record,
                           const struct once *once) {
  struct span text = once->journal > 0 ? SPAN_LITERAL("Это решение уже принято.")
                                       : SPAN_LITERAL("Это решение уже отправлено и ожидает ответа.");
  return link_row_known(inbox->options.link, key_of(file), record->line, once->journal, text);
}

static enum err send_record(struct inbox *inbox, const struct inbox_file *file, struct record *record,
                            civil_moment now) {
  const char *sender = NULL;
  uint64_t sequence = 0;
  struct once once;
  TRY(record->err);
  TRY(choose_sender(inbox, file, record, &sender));
  TRY(choose_speaker(inbox, record, &sender));
  const struct exchange_event *event = &record->event;
  TRY(once_ask(inbox->options.profile, inbox->options.link, sender, event, &inbox->arena, &once, &record->fault));
  if (once.known) {
    return tell_known(inbox, file, record, &once);
  }
  const struct link_event message = {.participant = sender,
                                     .event = event->event,
                                     .case_id = event->case_id,
                                     .occurred_at = event->occurred_at == CIVIL_MOMENT_NONE ? now : event->occurred_at,
                                     .data = &event->data,
                                     .tag = once.tag};
  TRY(link_send(inbox->options.link, &message, &sequence, &record->fault));
  TRY(once_sent(inbox->options.link, &once, sequence, &inbox->arena));
  TRY(link_row_sent(inbox->options.link, key_of(file), record->line, sender, sequence));
  return remark(inbox, file, record, sender);
}

static enum err take_record(struct inbox *inbox, struct inbox_file *file, struct record *record, civil_moment now) {
  enum err err = send_record(inbox, file, record, now);
  if (err_class_of(err) == ERR_CLASS_DOMAIN) {
    const char *text = record->fault.text[0] ? record->fault.text : "Строка не принята.";
    err = link_row_refused(inbox->options.link, key_of(file), record->line, span_of_cstr(err_name(err)),
                           span_of_cstr(text));
  }
  file->place.offset = record->next;
  file->place.rows = record->lines;
  return err;
}

static enum err take_slice(struct inbox *inbox, struct inbox_file *file, civil_moment now) {
  struct record record;
  for (int i = 0; i < INBOX_SLICE_ROWS; i++) {
    arena_reset(&inbox->arena);
    enum err err = source_next(file->source, &inbox->arena, &record);
    if (err == ERR_NOT_FOUND) {
      source_place(file->source, &file->place.offset, &file->place.rows);
      file->place.complete = true;
      break;
    }
    TRY(err);
    TRY(take_record(inbox, file, &record, now));
  }
  return link_file_put(inbox->options.link, key_of(file), &file->place);
}

/* One slice inside one transaction. */
static enum err read_slice(struct inbox *inbox, struct inbox_file *file, civil_moment now) {
  const struct link_file before = file->place;
  struct fault fault;
  TRY(link_begin(inbox->options.link));
  enum err err = take_slice(inbox, file, now);
  if (err == ERR_OK) {
    err = link_commit(inbox->options.link, &fault);
  } else {
    link_rollback(inbox->options.link);
  }
  if (err != ERR_OK) { /* nothing of the slice is stored: it is read again later */
    file->place = before;
    source_close(&file->source);
  } else if (file->place.complete) {
    file->state = FILE_ANSWERING;
    file->check_at = 0;
    source_close(&file->source);
  }
  return err;
}

static bool find_work(const struct inbox *inbox, size_t *ret_index) {
  for (size_t i = 0; i < inbox->files_count; i++) {
    if (inbox->files[i]->state == FILE_READING && !inbox->files[i]->waits) {
      *ret_index = i;
      return true;
    }
  }
  return false;
}

enum err inbox_work(struct inbox *inbox, civil_moment now, bool *ret_more) {
  size_t index = 0;
  *ret_more = false;
  if (!inbox->options.virtual_clock && link_pending(inbox->options.link) >= INBOX_PENDING_MAX) {
    return ERR_OK;
  }
  if (!find_work(inbox, &index)) {
    return ERR_OK;
  }
  *ret_more = true;
  struct inbox_file *file = inbox->files[index];
  bool open = file->source != NULL;
  enum err err = open ? ERR_OK : open_source(inbox, index, &open);
  if (err == ERR_OK && open) {
    err = read_slice(inbox, file, now);
  }
  if (err != ERR_OK) {
    file->waits = true;
  }
  return err;
}

/* ---- answering ---- */

void inbox_receipt(struct inbox *inbox) {
  inbox->receipts++;
}

/* Rows and their outcomes go together, or a crash in between would show messages without outcome. */
static enum err forget_rows(struct inbox *inbox, const struct inbox_file *file) {
  struct link *link = inbox->options.link;
  struct fault fault;
  TRY(link_begin(link));
  enum err err = link_file_done(link, key_of(file));
  err = err == ERR_OK ? link_note_put(link, span_of_cstr(NOTE), key_of(file)) : err;
  if (err != ERR_OK) {
    link_rollback(link);
    return err;
  }
  return link_commit(link, &fault);
}

/* Its writer went on writing after we had come to the end. */
static bool has_grown(const struct inbox_file *file) {
  struct stat status;
  return lstat(file->path, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size > file->place.offset;
}

static enum err end_file(struct inbox *inbox, struct inbox_file *file) {
  const struct result_file result = about(inbox, file);
  TRY(result_write(&result, inbox->options.profile, inbox->options.link));
  TRY(forget_rows(inbox, file));
  file->state = FILE_ENDED;
  return ERR_OK;
}

static enum err move_file(struct inbox *inbox, size_t index) {
  const struct result_file result = about(inbox, inbox->files[index]);
  TRY(result_put_away(&result));
  TRY(forget_place(inbox, key_of(inbox->files[index])));
  drop(inbox, index);
  return ERR_OK;
}

/* Counting the rows without receipt takes as long as the file is large. With n of them missing it need not be done
 * again before n receipts have come. */
static enum err answer(struct inbox *inbox, struct inbox_file *file) {
  uint64_t pending = 0;
  if (inbox->receipts < file->check_at) {
    return ERR_OK;
  }
  TRY(link_rows_pending(inbox->options.link, key_of(file), &pending));
  file->check_at = inbox->receipts + pending;
  if (pending > 0) {
    return ERR_OK;
  }
  if (!file->abandoned && has_grown(file)) {
    file->place.complete = false;
    file->state = FILE_READING;
    return ERR_OK;
  }
  return end_file(inbox, file);
}

static enum err settle_file(struct inbox *inbox, size_t index) {
  struct inbox_file *file = inbox->files[index];
  if (file->state == FILE_ANSWERING) {
    TRY(answer(inbox, file));
  }
  return file->state == FILE_ENDED ? move_file(inbox, index) : ERR_OK;
}

enum err inbox_settle(struct inbox *inbox) {
  enum err first = ERR_OK;
  for (size_t i = inbox->files_count; i-- > 0;) {
    struct inbox_file *file = inbox->files[i];
    if (file->waits) {
      continue;
    }
    enum err err = settle_file(inbox, i);
    if (err != ERR_OK) {
      file->waits = true;
    }
    first = first == ERR_OK ? err : first;
  }
  return first;
}
