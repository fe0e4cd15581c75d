/*
 * kurator restore: looks whether a copy is good, says what is in it, and puts it into a new folder of data.
 *
 * The copy is opened for reading only; nothing is restored that did not pass. The chain of the journal is checked with
 * the engine's public keys, which the copy does not hold: a copy cannot vouch for itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/json.h"
#include "base/words.h"
#include "client.h"
#include "lists.h"
#include "restore_streams.h"
#include "runtime/records.h"
#include "store/store.h"
#include "trust.h"

enum { BLOCK_BYTES = 1 << 20 };

struct contents {
  uint64_t spaces[STORE_SPACES]; /* records of each */
  uint64_t cases, parked, incidents_open;
  uint64_t journal;
  civil_moment last_at;
  enum err err;
};

struct request {
  const char *copy, *to, *keys, *output;
  bool verify;
};

/* ---- counting ---- */

struct counting {
  struct contents *contents;
  enum store_space space;
};

static enum err count_special(struct contents *contents, enum store_space space, struct span key, struct span value) {
  struct record_case one;
  struct record_incident incident;
  if (space == STORE_CASE) {
    TRY(record_case_read(value, &one));
    contents->cases += memchr(key.data, '\0', key.size) == NULL ? 1 : 0;
    contents->parked += one.parked ? 1 : 0;
  } else if (space == STORE_INCIDENT) {
    TRY(record_incident_read(value, &incident));
    contents->incidents_open += incident.resolved ? 0 : 1;
  }
  return ERR_OK;
}

static bool count_record(void *arg, struct span key, struct span value) {
  const struct counting *counting = arg;
  struct contents *contents = counting->contents;
  contents->spaces[counting->space]++;
  contents->err = count_special(contents, counting->space, key, value);
  return contents->err == ERR_OK;
}

static bool last_entry(void *arg, struct span key, struct span value) {
  struct contents *contents = arg;
  struct record_journal entry;
  contents->err = record_journal_read(value, &entry);
  if (contents->err == ERR_OK) {
    contents->err = record_number_of_key(key, &contents->journal);
    contents->last_at = entry.recorded_at;
  }
  return false;
}

static enum err count_all(struct store *store, struct contents *contents) {
  struct span all = {NULL, 0};
  for (unsigned i = 0; i < STORE_SPACES; i++) {
    struct counting counting = {contents, (enum store_space)i};
    TRY(store_scan(store, counting.space, all, all, count_record, &counting));
    TRY(contents->err);
  }
  TRY(store_scan_back(store, STORE_JOURNAL, all, last_entry, contents));
  return contents->err;
}

/* ---- telling ---- */

static void contents_json(const struct contents *contents, const struct audit_report *report) {
  struct value_field fields[STORE_SPACES + 6];
  char moment[CIVIL_MOMENT_TEXT] = "";
  size_t count = 0;
  if (contents->journal > 0) {
    civil_moment_format(contents->last_at, moment);
  }
  for (unsigned i = 0; i < STORE_SPACES; i++) {
    fields[count++] = (struct value_field){span_of_cstr(store_space_name((enum store_space)i)),
                                           value_int((int64_t)contents->spaces[i])};
  }
  fields[count++] = (struct value_field){SPAN_LITERAL("cases"), value_int((int64_t)contents->cases)};
  fields[count++] = (struct value_field){SPAN_LITERAL("parked"), value_int((int64_t)contents->parked)};
  fields[count++] = (struct value_field){SPAN_LITERAL("incidents_open"), value_int((int64_t)contents->incidents_open)};
  fields[count++] = (struct value_field){SPAN_LITERAL("journal_head"), value_int((int64_t)contents->journal)};
  fields[count++] = (struct value_field){SPAN_LITERAL("last_at"), value_text(span_of_cstr(moment))};
  fields[count++] = (struct value_field){SPAN_LITERAL("signed_to"), value_int((int64_t)report->signed_to)};
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  json_write_fields(fields, count, &w);
  (void)printf("%.*s\n", SPAN_ARG(writer_span(&w)));
}

static void contents_print(const struct contents *contents, const struct audit_report *report) {
  char moment[CIVIL_MOMENT_TEXT] = "—";
  if (contents->journal > 0) {
    civil_moment_format(contents->last_at, moment);
  }
  (void)printf("Копия цела: журнал до записи %llu (%s), подписан до записи %llu.\n",
               (unsigned long long)contents->journal, moment, (unsigned long long)report->signed_to);
  (void)printf("Будет восстановлено: случаев %llu (на разборе %llu), сроков %llu, неразобранных сбоев %llu, "
               "сообщений для участников %llu, карточек лиц %llu.\n",
               (unsigned long long)contents->cases, (unsigned long long)contents->parked,
               (unsigned long long)contents->spaces[STORE_DEADLINE], (unsigned long long)contents->incidents_open,
               (unsigned long long)contents->spaces[STORE_STREAM], (unsigned long long)contents->spaces[STORE_PERSON]);
  (void)puts("Что принято после этой записи, участники пришлют снова: у них остаётся всё, на что не было квитанции. "
             "На что квитанция была, останется только в их собственных записях.");
}

/* ---- checking ---- */

static enum err examine(const struct request *request, struct trust *trust, struct contents *contents,
                        struct audit_report *report, struct fault *fault) {
  struct store *store;
  const struct audit_ports ports = trust_ports(trust);
  const struct store_lmdb_options options = {.path = request->copy, .read_only = true, .is_copy = true};
  TRY(store_open_lmdb(&options, &store, fault));
  enum err err = audit_verify_store(store, &ports, report, fault);
  if (err == ERR_OK) {
    err = count_all(store, contents);
    err = err == ERR_OK ? ERR_OK : fault_set(fault, err, "запись в копии не читается");
  }
  store_close(&store);
  return err;
}

/* What the journal's chain does not cover. A copy of an earlier version has no sum. */
static enum err check_bytes(const struct request *request, struct fault *fault) {
  enum err err = store_copy_check(request->copy, fault);
  if (err == ERR_NOT_FOUND) {
    (void)fputs("Суммы байтов у копии нет: проверен журнал, остальное только прочитано.\n", stderr);
    return ERR_OK;
  }
  return err == ERR_CORRUPT ? fault_set(fault, err, "копия повреждена: это не те байты, что были записаны") : err;
}

static int verify_here(const struct request *request) {
  struct trust trust = {.count = 0};
  struct contents contents = {.journal = 0};
  struct audit_report report = {.first = 0};
  struct fault fault = {.err = ERR_OK};
  int code = trust_load(request->keys, &trust);
  if (code != CLI_OK) {
    return code;
  }
  fault.err = examine(request, &trust, &contents, &report, &fault);
  fault.err = fault.err == ERR_OK ? check_bytes(request, &fault) : fault.err;
  if (fault.err != ERR_OK) {
    return cli_fail_fault(request->copy, &fault);
  }
  if (request->output && strcmp(request->output, "json") == 0) {
    contents_json(&contents, &report);
  } else {
    contents_print(&contents, &report);
  }
  return CLI_OK;
}

/* The database's format trusts its own pages: a damaged one may end the process that reads it. So that is another one,
 * and its end is an answer, too. */
static int verify(const struct request *request) {
  int status;
  (void)fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int code = verify_here(request);
    _exit(fflush(stdout) == 0 ? code : CLI_FAILURE);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) {
    return cli_fail(CLI_FAILURE, "проверка не началась: %s", words_of_system(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : cli_fail(CLI_INVALID, "%s: копия повреждена", request->copy);
}

/* ---- restoring ---- */

static void descriptor_close(const int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
  }
}

static bool bytes_copy(int from, int to) {
  static uint8_t block[BLOCK_BYTES];
  for (;;) {
    ssize_t got = read(from, block, sizeof block);
    if (got == 0) {
      return fsync(to) == 0;
    }
    for (ssize_t at = 0; at < got;) {
      ssize_t put = write(to, block + at, (size_t)(got - at));
      if (put <= 0) {
        return false;
      }
      at += put;
    }
    if (got < 0) {
      return false;
    }
  }
}

static bool folder_sync(const char *path) {
  DEFER(descriptor_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 && fsync(fd) == 0;
}

static bool data_copy(const struct request *request, const char *part) {
  char from[CLIENT_PATH_MAX];
  char file[CLIENT_PATH_MAX];
  if (!client_path(from, request->copy, "data.mdb") || !client_path(file, part, "data.mdb")) {
    errno = ENAMETOOLONG;
    return false;
  }
  if ((mkdir(request->to, 0700) != 0 && errno != EEXIST) || (mkdir(part, 0700) != 0 && errno != EEXIST)) {
    return false;
  }
  DEFER(descriptor_close) int in = open(from, O_RDONLY | O_CLOEXEC);
  DEFER(descriptor_close) int out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  return in >= 0 && out >= 0 && bytes_copy(in, out) && folder_sync(part);
}

/* DATA/store is made beside its place and renamed when it is whole. */
static int restore(const struct request *request) {
  char part[CLIENT_PATH_MAX];
  char place[CLIENT_PATH_MAX];
  struct fault fault = {.err = ERR_OK};
  if (!client_path(part, request->to, "store.part") || !client_path(place, request->to, "store")) {
    return cli_fail(CLI_USAGE, "%s: слишком длинный путь", request->to);
  }
  if (access(place, F_OK) == 0) {
    return cli_fail(CLI_CONFLICT, "%s уже есть: восстанавливать можно только в новую папку", place);
  }
  if (!data_copy(request, part)) {
    return cli_fail(CLI_FAILURE, "%s: не восстановлено: %s", request->to, words_of_system(errno));
  }
  if (restore_streams(part, &fault) != ERR_OK) {
    return cli_fail_fault(request->to, &fault);
  }
  if (rename(part, place) != 0 || !folder_sync(request->to)) {
    return cli_fail(CLI_FAILURE, "%s: не восстановлено: %s", request->to, words_of_system(errno));
  }
  (void)fprintf(
      stderr,
      "Восстановлено в %s. Теперь: положить на место ключи и запустить kuratord --data %s\n"
      "Доставки участникам идут дальше под новыми номерами; что никто не подтвердил до копии, придёт ещё раз.\n",
      request->to, request->to);
  return CLI_OK;
}

int restore_run(int argc, char **argv) {
  struct request request = {.copy = NULL};
  const struct cli_option table[] = {{"--verify", NULL, &request.verify},
                                     {"--to", &request.to, NULL},
                                     {"--keys", &request.keys, NULL},
                                     {"-o", &request.output, NULL},
                                     {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, &request.copy, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0 || !request.keys || request.verify == (request.to != NULL)) {
    return cli_usage("нужны папка копии, --keys и одно из --verify, --to");
  }
  int code = verify(&request);
  return code == CLI_OK && request.to ? restore(&request) : code;
}
