/*
 * kurator audit export, proof (from a running kuratord); verify, check-proof (offline, with the engine's public key).
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/civil.h"
#include "client.h"
#include "lists.h"
#include "output.h"
#include "proto/envelope.h"
#include "store/store.h"
#include "trust.h"

enum { LINES_SIZE_MAX = 1 << 30, MESSAGE_SIZE_MAX = 4 << 20, WORD_BYTES = 64 };

/* ---- from a running kuratord ---- */

static bool put_line(void *arg, struct span row) {
  return output_line(arg, row);
}

static int stream_to(const struct client_options *options, const char *verb, const char *word, const char *path) {
  struct client client;
  struct output output;
  int code = client_open(options, &client);
  if (code != CLI_OK) {
    return code;
  }
  code = output_open(&output, path);
  if (code == CLI_OK) {
    code = client_stream(&client, verb, &word, word ? 1 : 0, put_line, &output);
    int closed = output_close(&output, code == CLI_OK);
    code = code != CLI_OK ? code : closed;
  }
  client_close(&client);
  return code;
}

int audit_export_run(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  const char *out = NULL;
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {"--out", &out, NULL}, {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  return stream_to(&options, "audit.export", NULL, out ? out : "-");
}

int audit_proof_run(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  const char *out = NULL;
  const char *number = NULL;
  char word[WORD_BYTES];
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {"--out", &out, NULL}, {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, &number, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  int64_t entry;
  if (words == 0 || !span_to_int64(span_of_cstr(number), &entry) || entry < 1) {
    return cli_usage("нужен номер записи журнала");
  }
  (void)snprintf(word, sizeof word, "journal=%lld", (long long)entry);
  return stream_to(&options, "audit.proof", word, out ? out : "-");
}

/* ---- checking ---- */

/* kuratord keeps its database in DATA/store; a backup is the database itself. */
static const char *store_path(const char *data, char buffer[CLIENT_PATH_MAX]) {
  struct stat status;
  bool inside = client_path(buffer, data, "store/data.mdb") && stat(buffer, &status) == 0;
  return inside && client_path(buffer, data, "store") ? buffer : data;
}

static enum err check_store(const char *data, const struct audit_ports *ports, struct audit_report *report,
                            struct fault *fault) {
  char path[CLIENT_PATH_MAX];
  struct store *store;
  const struct store_lmdb_options options = {.path = store_path(data, path), .read_only = true};
  TRY(store_open_lmdb(&options, &store, fault));
  enum err err = audit_verify_store(store, ports, report, fault);
  store_close(&store);
  return err;
}

static enum err check_file(const char *path, const struct audit_ports *ports, struct audit_report *report,
                           struct fault *fault) {
  DEFER(cli_file_free) struct span text = {NULL, 0};
  TRY(cli_read_file(path, LINES_SIZE_MAX, &text, fault));
  return audit_verify_lines(text, ports, report, fault);
}

static void report_print(const struct audit_report *report) {
  char moment[CIVIL_MOMENT_TEXT] = "—";
  if (report->signed_to > 0) {
    civil_moment_format(report->signed_at, moment);
  }
  (void)printf("Проверено записей: %llu (%llu…%llu)\n",
               (unsigned long long)(report->last > 0 ? report->last - report->first + 1 : 0),
               (unsigned long long)report->first, (unsigned long long)report->last);
  (void)printf("Подписанных голов: %llu, последняя у записи %llu, %s, ключ %s\n", (unsigned long long)report->heads,
               (unsigned long long)report->signed_to, moment, report->key_id[0] ? report->key_id : "—");
  (void)printf("Записей после последней подписи: %llu\n", (unsigned long long)(report->last - report->signed_to));
}

static int verdict(const char *file, enum err err, struct fault *fault, const char *good) {
  fault->err = err;
  if (err == ERR_OK) {
    (void)puts(good);
    return CLI_OK;
  }
  if (err == ERR_INVALID) {
    (void)printf("НАРУШЕНО: %s\n", fault->text);
    return CLI_INVALID;
  }
  return cli_fail_fault(file, fault);
}

int audit_verify_run(int argc, char **argv) {
  const char *data = NULL;
  const char *file = NULL;
  const char *keys = NULL;
  struct trust trust = {.count = 0};
  const struct cli_option table[] = {
      {"--data", &data, NULL}, {"--file", &file, NULL}, {"--keys", &keys, NULL}, {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (!keys || (!data == !file)) {
    return cli_usage("нужны --keys и либо --data, либо --file");
  }
  int code = trust_load(keys, &trust);
  if (code != CLI_OK) {
    return code;
  }
  const struct audit_ports ports = trust_ports(&trust);
  struct audit_report report = {.first = 0};
  struct fault fault = {.err = ERR_OK};
  enum err err = data ? check_store(data, &ports, &report, &fault) : check_file(file, &ports, &report, &fault);
  if (err == ERR_OK || err == ERR_INVALID) {
    report_print(&report);
  }
  return verdict(data ? data : file, err, &fault, "Журнал цел.");
}

/* ---- a proof ---- */

static int check_message(const char *path, const struct audit_report *report) {
  DEFER(cli_file_free) struct span bytes = {NULL, 0};
  struct fault fault = {.err = ERR_OK};
  fault.err = cli_read_file(path, MESSAGE_SIZE_MAX, &bytes, &fault);
  if (fault.err != ERR_OK) {
    return cli_fail_fault(path, &fault);
  }
  uint8_t digest[SIGNING_DIGEST];
  event_digest(bytes, digest);
  if (memcmp(digest, report->told_digest, sizeof digest) != 0) {
    (void)printf("НАРУШЕНО: сообщение не то, что стоит в записи %llu\n", (unsigned long long)report->told);
    return CLI_INVALID;
  }
  (void)puts("Сообщение — то самое, что стоит в записи.");
  return CLI_OK;
}

static void told_print(const struct audit_report *report) {
  char moment[CIVIL_MOMENT_TEXT];
  civil_moment_format(report->told_at, moment);
  (void)printf("Запись %llu, внесена %s, отпечаток сообщения ", (unsigned long long)report->told, moment);
  for (size_t i = 0; i < sizeof report->told_digest; i++) {
    (void)printf("%02x", report->told_digest[i]);
  }
  civil_moment_format(report->signed_at, moment);
  (void)printf("\nПодписано у записи %llu, %s, ключ %s\n", (unsigned long long)report->signed_to, moment,
               report->key_id);
}

int audit_check_proof_run(int argc, char **argv) {
  const char *file = NULL;
  const char *keys = NULL;
  const char *message = NULL;
  struct trust trust = {.count = 0};
  const struct cli_option table[] = {{"--keys", &keys, NULL}, {"--message", &message, NULL}, {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, table, &file, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0 || !keys) {
    return cli_usage("нужны файл с доказательством и --keys");
  }
  int code = trust_load(keys, &trust);
  if (code != CLI_OK) {
    return code;
  }
  const struct audit_ports ports = trust_ports(&trust);
  struct audit_report report = {.first = 0};
  struct fault fault = {.err = ERR_OK};
  enum err err = check_file(file, &ports, &report, &fault);
  if (err == ERR_OK && report.told == 0) {
    err = fault_set(&fault, ERR_INVALID, "в файле нет ни одной раскрытой записи");
  }
  if (err == ERR_OK) {
    told_print(&report);
    code = message ? check_message(message, &report) : CLI_OK;
  }
  return err == ERR_OK && code != CLI_OK ? code : verdict(file, err, &fault, "Доказательство верно.");
}
