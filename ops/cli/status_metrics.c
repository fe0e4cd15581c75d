/*
 * kurator status --prometheus: the state of the server in the text exposition format of Prometheus, for the textfile
 * collector of node_exporter.
 *
 * Numbers, and names of participants out of the configuration; nothing of a case or a person. A server that does not
 * answer is a value, too (kurator_up 0): then the file is written all the same, and the exit code says why.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "output.h"
#include "status.h"

struct metric {
  const char *field; /* of the answer */
  const char *name;
  const char *type;
  const char *help;
};

static const struct metric of_server[] = {
    {"journal", "kurator_journal_entries", "gauge", "Entries of the journal."},
    {"inbox", "kurator_inbox_messages", "gauge", "Messages that wait to be processed."},
    {"connected", "kurator_participants_connected", "gauge", "Participants with a live connection."},
    {"connections", "kurator_connections", "gauge", "Connections to the exchange socket."},
    {"connections_refused", "kurator_connections_refused_total", "counter", "Connections refused since the start."},
    {"batches", "kurator_batches_total", "counter", "Batches committed since the start."},
    {"accepted", "kurator_messages_accepted_total", "counter", "Messages accepted since the start."},
    {"duplicates", "kurator_messages_duplicate_total", "counter", "Messages that had been there already."},
    {"refused", "kurator_messages_refused_total", "counter", "Messages refused since the start."},
    {"incidents", "kurator_incidents_total", "counter", "Incidents opened since the start."},
    {"timers", "kurator_timers_fired_total", "counter", "Deadlines and delays that fired since the start."},
    {"store_entries", "kurator_store_entries", "gauge", "Records in the database."},
    {"store_bytes", "kurator_store_bytes", "gauge", "Bytes of the database in use."},
    {"store_bytes_max", "kurator_store_bytes_max", "gauge", "Bytes that the database may have."},
    {NULL, NULL, NULL, NULL},
};
static const struct metric of_moments[] = {
    {"now", "kurator_clock_timestamp_seconds", "gauge", "Clock of the server."},
    {"started", "kurator_start_timestamp_seconds", "gauge", "When the server was started."},
    {"next_due", "kurator_next_due_timestamp_seconds", "gauge", "When the next deadline or delay is due."},
    {NULL, NULL, NULL, NULL},
};
static const struct metric of_participants[] = {
    {"connected", "kurator_participant_connected", "gauge", "1 if the participant has a live connection."},
    {"waiting", "kurator_participant_waiting_deliveries", "gauge", "Deliveries the participant has not acknowledged."},
    {"load", "kurator_participant_open_referrals", "gauge", "Referrals the participant has taken on."},
    {NULL, NULL, NULL, NULL},
};
static const struct metric seen = {"seen", "kurator_participant_seen_timestamp_seconds", "gauge",
                                   "When the participant was last heard of."};
static const struct metric incidents = {NULL, "kurator_incidents_open", "gauge", "Incidents that wait for somebody."};
static const struct metric up = {NULL, "kurator_up", "gauge", "1 if the server answers."};
static const struct metric copied = {NULL, "kurator_backup_timestamp_seconds", "gauge",
                                     "When the last backup since the start was begun that is whole."};

/* ---- writing ---- */

static void head(struct writer *w, const struct metric *metric) {
  writer_printf(w, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, metric->type);
}

static void single(struct writer *w, const struct metric *metric, int64_t value) {
  head(w, metric);
  writer_printf(w, "%s %lld\n", metric->name, (long long)value);
}

static bool number_of(const struct value *row, const char *field, int64_t *ret_number) {
  const struct value *value = value_get(row, field);
  if (!value || (value->kind != VALUE_INT && value->kind != VALUE_BOOL)) {
    return false;
  }
  *ret_number = value->kind == VALUE_INT ? value->integer : value->truth;
  return true;
}

/* Unix time, whole seconds. */
static bool seconds_of(const struct value *row, const char *field, int64_t *ret_seconds) {
  civil_moment moment;
  bool known = civil_moment_parse(value_get_text(row, field), &moment) == ERR_OK;
  *ret_seconds = known ? moment / 1000 : 0;
  return known;
}

/* Ids of participants are letters, digits and hyphens; a label could not be ended by one. */
static void of_each(struct writer *w, const struct metric *metric, const struct client_rows *rows,
                    bool (*get)(const struct value *, const char *, int64_t *)) {
  head(w, metric);
  for (size_t i = 0; i < rows->count; i++) {
    const struct value *row = &rows->items[i].value;
    int64_t value;
    if (get(row, metric->field, &value)) {
      struct span id = value_get_text(row, "participant");
      struct span kind = value_get_text(row, "kind");
      writer_printf(w, "%s{participant=\"%.*s\",kind=\"%.*s\"} %lld\n", metric->name, SPAN_ARG(id), SPAN_ARG(kind),
                    (long long)value);
    }
  }
}

/* ---- asking ---- */

static int ask_server(const struct client *client, struct writer *w) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, "status", NULL, 0, &rows);
  int64_t value;
  single(w, &up, code == CLI_OK && rows.count == 1);
  for (const struct metric *m = of_server; code == CLI_OK && rows.count == 1 && m->name; m++) {
    if (number_of(&rows.items[0].value, m->field, &value)) {
      single(w, m, value);
    }
  }
  for (const struct metric *m = of_moments; code == CLI_OK && rows.count == 1 && m->name; m++) {
    if (seconds_of(&rows.items[0].value, m->field, &value)) {
      single(w, m, value);
    }
  }
  return code;
}

static int ask_participants(const struct client *client, struct writer *w) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, "participant.list", NULL, 0, &rows);
  for (const struct metric *m = of_participants; code == CLI_OK && m->name; m++) {
    of_each(w, m, &rows, number_of);
  }
  if (code == CLI_OK) {
    of_each(w, &seen, &rows, seconds_of);
  }
  return code;
}

static bool count_row(void *arg, struct span text) {
  (void)text;
  ++*(int64_t *)arg;
  return true;
}

static int ask_incidents(const struct client *client, struct writer *w) {
  int64_t count = 0;
  int code = client_stream(client, "incident.list", NULL, 0, count_row, &count);
  if (code == CLI_OK) {
    single(w, &incidents, count);
  }
  return code;
}

static int ask_backup(const struct client *client, struct writer *w) {
  DEFER(client_rows_finish) struct client_rows rows;
  client_rows_init(&rows);
  int code = client_ask(client, "backup.show", NULL, 0, &rows);
  int64_t value;
  bool whole = code == CLI_OK && rows.count == 1 && span_is(value_get_text(&rows.items[0].value, "state"), "done");
  if (whole && seconds_of(&rows.items[0].value, "started", &value)) {
    single(w, &copied, value);
  }
  return code;
}

static int ask_all(const struct client *client, struct writer *w) {
  int code = ask_server(client, w);
  code = code == CLI_OK ? ask_participants(client, w) : code;
  code = code == CLI_OK ? ask_incidents(client, w) : code;
  return code == CLI_OK ? ask_backup(client, w) : code;
}

int status_metrics(const struct client *client, const char *out) {
  DEFER(writer_finish) struct writer w;
  struct output output;
  int opened = output_open(&output, out ? out : "-");
  if (opened != CLI_OK) {
    return opened;
  }
  writer_init(&w);
  int code = CLI_OK;
  if (client) {
    code = ask_all(client, &w);
  } else {
    single(&w, &up, 0);
  }
  struct span text = writer_span(&w);
  (void)output_line(&output, span_of(text.data, text.size - 1)); /* which brings the last line's end */
  int written = output_close(&output, true);
  return code == CLI_OK ? written : code;
}
