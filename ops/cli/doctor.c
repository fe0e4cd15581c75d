/*
 * kurator doctor: what is wrong, why, what to do.
 *
 * The engine looks at itself (daemon/desk_doctor.c); what can only be seen from outside is added here: whether it
 * answers at all, and how far its clock is from this computer's. Exit 0 if all is well, 1 if something needs doing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/civil.h"
#include "base/json.h"
#include "lists.h"
#include "table.h"

enum { WORD_BYTES = 64, SKEW_MAX_MS = 5000 };

struct finding {
  struct span check, what, why, advice;
};

struct doctor {
  enum client_output output;
  size_t findings;
  bool first;
};

/* ---- telling ---- */

static void begin_row(struct doctor *doctor) {
  if (doctor->output == CLIENT_JSON) {
    (void)fputs(doctor->first ? "[" : ",\n ", stdout);
  }
  doctor->first = false;
}

static void end_rows(const struct doctor *doctor) {
  if (doctor->output == CLIENT_JSON) {
    (void)puts(doctor->first ? "[]" : "]");
  } else if (doctor->output == CLIENT_TABLE && doctor->findings == 0) {
    (void)puts("Всё в порядке.");
  }
}

static void tell(struct doctor *doctor, const struct finding *finding) {
  doctor->findings++;
  if (doctor->output == CLIENT_TABLE) {
    (void)printf("✗ %.*s\n  почему: %.*s\n  что делать: %.*s\n", SPAN_ARG(finding->what), SPAN_ARG(finding->why),
                 SPAN_ARG(finding->advice));
    return;
  }
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  const struct value_field fields[] = {
      {SPAN_LITERAL("check"), value_text(finding->check)}, {SPAN_LITERAL("ok"), value_bool(false)},
      {SPAN_LITERAL("what"), value_text(finding->what)},   {SPAN_LITERAL("why"), value_text(finding->why)},
      {SPAN_LITERAL("do"), value_text(finding->advice)},
  };
  json_write_fields(fields, sizeof fields / sizeof fields[0], &w);
  begin_row(doctor);
  (void)printf("%.*s%s", SPAN_ARG(writer_span(&w)), doctor->output == CLIENT_JSONL ? "\n" : "");
}

static void tell_row(struct doctor *doctor, const struct client_row *row) {
  const struct value *ok = value_get(&row->value, "ok");
  if (!ok || ok->kind != VALUE_BOOL || !ok->truth) {
    const struct finding finding = {value_get_text(&row->value, "check"), value_get_text(&row->value, "what"),
                                    value_get_text(&row->value, "why"), value_get_text(&row->value, "do")};
    tell(doctor, &finding);
  } else if (doctor->output != CLIENT_TABLE) {
    begin_row(doctor);
    (void)printf("%.*s%s", SPAN_ARG(row->text), doctor->output == CLIENT_JSONL ? "\n" : "");
  }
}

static void tell_unreachable(struct doctor *doctor) {
  const struct finding finding = {
      SPAN_LITERAL("reachable"), SPAN_LITERAL("сервер не отвечает на запрос"),
      SPAN_LITERAL("kuratord не запущен, слушает другой адрес, или ключ этого оператора ему не известен"),
      SPAN_LITERAL("systemctl status kuratord; journalctl -u kuratord; проверить --endpoint, --keys и --as")};
  tell(doctor, &finding);
}

/* ---- asking ---- */

static int64_t now_ms(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_REALTIME, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void check_skew(struct doctor *doctor, const struct value *status) {
  civil_moment moment;
  char what[WORD_BYTES * 2];
  if (!span_is(value_get_text(status, "clock"), "system") ||
      civil_moment_parse(value_get_text(status, "now"), &moment) != ERR_OK) {
    return;
  }
  int64_t skew = now_ms() - moment;
  if (skew < SKEW_MAX_MS && skew > -SKEW_MAX_MS) {
    return;
  }
  (void)snprintf(what, sizeof what, "часы сервера расходятся с этим компьютером на %lld с", (long long)(skew / 1000));
  const struct finding finding = {SPAN_LITERAL("skew"), span_of_cstr(what),
                                  SPAN_LITERAL("одни из часов не сверяются по сети"),
                                  SPAN_LITERAL("timedatectl на обоих; от часов сервера зависят сроки")};
  tell(doctor, &finding);
}

static int examine(struct doctor *doctor, const struct client *client, const char *const *args, size_t count) {
  DEFER(client_rows_finish) struct client_rows rows;
  DEFER(client_rows_finish) struct client_rows status;
  client_rows_init(&rows);
  client_rows_init(&status);
  int code = client_ask(client, "status", NULL, 0, &status);
  code = code == CLI_OK ? client_ask(client, "doctor", args, count, &rows) : code;
  if (code == CLI_UNREACHABLE) {
    tell_unreachable(doctor);
    return CLI_OK;
  }
  if (code == CLI_OK && status.count > 0) {
    check_skew(doctor, &status.items[0].value);
  }
  for (size_t i = 0; i < rows.count; i++) {
    tell_row(doctor, &rows.items[i]);
  }
  return code;
}

int doctor_run(int argc, char **argv) {
  struct client_options options = {.endpoint = NULL};
  const char *days = NULL;
  const struct cli_option table[] = {CLIENT_OPTIONS(options), {"--silent-days", &days, NULL}, {NULL, NULL, NULL}};
  char word[WORD_BYTES];
  const char *args[] = {word};
  struct client client = {.query = NULL};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  int length = snprintf(word, sizeof word, "silent_days=%s", days ? days : "");
  if (length < 0 || (size_t)length >= sizeof word) {
    return cli_usage("--silent-days: число дней");
  }
  int code = client_open(&options, &client);
  if (code != CLI_OK && code != CLI_UNREACHABLE) {
    return code; /* told already: a wrong word, or a key file that others may read */
  }
  struct doctor doctor = {.output = client.output, .first = true};
  if (code == CLI_UNREACHABLE) {
    tell_unreachable(&doctor);
    code = CLI_OK;
  } else {
    code = examine(&doctor, &client, args, days ? 1 : 0);
    client_close(&client);
  }
  end_rows(&doctor);
  return code != CLI_OK ? code : doctor.findings > 0 ? CLI_FAILURE : CLI_OK;
}
