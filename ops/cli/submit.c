/*
 * kurator event submit: one event, or a file of them, through a spool of its own.
 *
 * A line of the file is that of a rehearsal: {"as","event","case","data"[,"occurred_at"]}; `at` is passed over, for the
 * engine records when it takes a message in. The spool outlives the command: what has no receipt yet is sent again by
 * the next one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "base/json.h"
#include "base/words.h"
#include "client.h"
#include "link/link.h"
#include "lists.h"

enum {
  FILE_BYTES_MAX = 64 << 20,
  WAIT_S = 10,
  WAIT_S_MAX = 86400,
  NAME_BYTES = 65,
};

struct sender {
  char id[NAME_BYTES];
  struct key_pair keys;
};

struct event {
  size_t sender;
  struct span event, case_id;
  struct value data;
  civil_moment occurred_at;
  size_t line;
};

struct submit {
  /* what was asked for */
  struct client_options client;
  const char *event, *case_id, *data, *occurred_at, *file, *spool, *wait, *deliveries, *acting_for;

  struct arena arena;
  struct sender *senders;
  size_t senders_count;
  struct event *events;
  size_t events_count, events_capacity;
  struct key_public server;

  /* while it runs */
  uv_loop_t loop;
  uv_timer_t timer;
  struct wire *wire;
  struct link *link;
  FILE *out; /* of deliveries, NULL: they are left alone */
  size_t answered, wanted;
  enum err worst;
  char status[200];
};

/* ---- what is to be sent ---- */

static int sender_load(struct submit *s, struct sender *sender) {
  struct client_options options = s->client;
  options.as = sender->id;
  return client_keys(&options, NULL, &sender->keys, &s->server);
}

static int sender_find(struct submit *s, struct span id, size_t *ret_index) {
  for (size_t i = 0; i < s->senders_count; i++) {
    if (span_is(id, s->senders[i].id)) {
      *ret_index = i;
      return CLI_OK;
    }
  }
  if (s->senders_count == LINK_PARTICIPANTS_MAX || id.size == 0 || id.size >= NAME_BYTES ||
      memchr(id.data, '/', id.size)) {
    return cli_fail(CLI_INVALID, "неверный участник или их слишком много: %.*s", SPAN_ARG(id));
  }
  struct sender *sender = &s->senders[s->senders_count];
  (void)snprintf(sender->id, sizeof sender->id, "%.*s", SPAN_ARG(id));
  int code = sender_load(s, sender);
  if (code == CLI_OK) {
    *ret_index = s->senders_count++;
  }
  return code;
}

static struct event *event_add(struct submit *s) {
  if (s->events_count == s->events_capacity) {
    size_t capacity = s->events_capacity ? s->events_capacity * 2 : 64;
    struct event *grown = realloc(s->events, capacity * sizeof *grown);
    ASSERT(grown != NULL);
    s->events = grown;
    s->events_capacity = capacity;
  }
  return &s->events[s->events_count++];
}

static int moment_read(struct span text, size_t line, civil_moment *ret_moment) {
  *ret_moment = CIVIL_MOMENT_NONE;
  if (!span_empty(text) && civil_moment_parse(text, ret_moment) != ERR_OK) {
    return cli_fail(CLI_INVALID, "строка %zu: время пишется как 2026-01-31T10:15:00+05:00", line);
  }
  return CLI_OK;
}

static int line_read(struct submit *s, struct span text, size_t line) {
  struct value row;
  struct fault fault = {.err = ERR_OK};
  if (json_read(text, &s->arena, &row, &fault) != ERR_OK || row.kind != VALUE_MAP) {
    return cli_fail(CLI_INVALID, "строка %zu: не объект JSON: %s", line, fault.text);
  }
  struct event event = {.event = value_get_text(&row, "event"), .case_id = value_get_text(&row, "case"), .line = line};
  const struct value *data = value_get(&row, "data");
  event.data = data ? *data : (struct value){.kind = VALUE_MAP};
  int code = moment_read(value_get_text(&row, "occurred_at"), line, &event.occurred_at);
  code = code == CLI_OK ? sender_find(s, value_get_text(&row, "as"), &event.sender) : code;
  if (code == CLI_OK) {
    *event_add(s) = event;
  }
  return code;
}

static int file_read(struct submit *s) {
  struct span bytes;
  struct fault fault = {.err = ERR_OK};
  if (cli_read_file(s->file, FILE_BYTES_MAX, &bytes, &fault) != ERR_OK) {
    return cli_fail_fault(s->file, &fault);
  }
  struct span rest = arena_copy(&s->arena, bytes);
  free((void *)bytes.data);
  int code = CLI_OK;
  for (size_t line = 1; code == CLI_OK && rest.size > 0; line++) {
    struct span text = span_trim(span_cut(rest, '\n', &rest));
    code = span_empty(text) ? CLI_OK : line_read(s, text, line);
  }
  return code;
}

/* --data JSON or --data @FILE. */
static int data_read(struct submit *s, struct value *ret_data) {
  struct span text = span_of_cstr(s->data ? s->data : "{}");
  struct fault fault = {.err = ERR_OK};
  if (text.data[0] == '@') {
    struct span bytes;
    if (cli_read_file(s->data + 1, FILE_BYTES_MAX, &bytes, &fault) != ERR_OK) {
      return cli_fail_fault(s->data + 1, &fault);
    }
    text = arena_copy(&s->arena, bytes);
    free((void *)bytes.data);
  }
  enum err err = json_read(text, &s->arena, ret_data, &fault);
  if (err != ERR_OK || ret_data->kind != VALUE_MAP) {
    return cli_fail(CLI_INVALID, "--data: нужен объект JSON: %s", fault.text);
  }
  return CLI_OK;
}

static int one_read(struct submit *s) {
  struct event event = {.event = span_of_cstr(s->event), .case_id = span_of_cstr(s->case_id), .line = 1};
  if (!s->event || !s->case_id || !client_text(s->client.as, "KURATOR_AS", NULL)) {
    return cli_usage("нужны --as, --event и --case, или --file");
  }
  int code = data_read(s, &event.data);
  code = code == CLI_OK ? moment_read(span_of_cstr(s->occurred_at), 1, &event.occurred_at) : code;
  code = code == CLI_OK ? sender_find(s, span_of_cstr(client_text(s->client.as, "KURATOR_AS", NULL)), &event.sender)
                        : code;
  if (code == CLI_OK) {
    *event_add(s) = event;
  }
  return code;
}

/* ---- what comes back ---- */

static enum err err_of_code(struct span code) {
  for (int err = ERR_INVALID; err <= ERR_COMMIT; err++) {
    if (span_is(code, err_name((enum err)err))) {
      return (enum err)err;
    }
  }
  return ERR_INVALID;
}

static void result_print(const char *participant, struct span line, const struct link_receipt *receipt) {
  static const char *const names[] = {[LINK_PENDING] = "pending",
                                      [LINK_ACCEPTED] = "accepted",
                                      [LINK_DUPLICATE] = "duplicate",
                                      [LINK_REFUSED] = "refused"};
  DEFER(writer_finish) struct writer w;
  int64_t number = 0;
  bool known = span_to_int64(line, &number);
  const struct value_field fields[] = {
      {SPAN_LITERAL("line"), known ? value_int(number) : value_nil()},
      {SPAN_LITERAL("as"), value_text(span_of_cstr(participant))},
      {SPAN_LITERAL("sequence"), receipt->sequence ? value_int((int64_t)receipt->sequence) : value_nil()},
      {SPAN_LITERAL("state"), value_text(span_of_cstr(names[receipt->state]))},
      {SPAN_LITERAL("journal"), receipt->journal ? value_int((int64_t)receipt->journal) : value_nil()},
      {SPAN_LITERAL("code"), span_empty(receipt->code) ? value_nil() : value_text(receipt->code)},
      {SPAN_LITERAL("text"), span_empty(receipt->text) ? value_nil() : value_text(receipt->text)},
  };
  writer_init(&w);
  json_write_fields(fields, sizeof fields / sizeof fields[0], &w);
  (void)printf("%.*s\n", SPAN_ARG(writer_span(&w)));
  (void)fflush(stdout);
}

static void on_timer(uv_timer_t *timer) {
  struct submit *s = timer->data;
  uv_stop(&s->loop);
}

static void on_receipt(void *arg, const char *participant, const struct link_receipt *receipt) {
  struct submit *s = arg;
  result_print(participant, receipt->tag, receipt);
  s->answered++;
  if (receipt->state == LINK_REFUSED) {
    s->worst = err_of_code(receipt->code);
  }
  if (s->answered >= s->wanted) {
    (void)uv_timer_start(&s->timer, on_timer, 0, 0);
  }
}

static enum err on_delivery(void *arg, const char *participant, const struct delivery *delivery) {
  struct submit *s = arg;
  DEFER(writer_finish) struct writer w;
  const struct value_field fields[] = {
      {SPAN_LITERAL("to"), value_text(span_of_cstr(participant))},
      {SPAN_LITERAL("position"), value_int((int64_t)delivery->position)},
      {SPAN_LITERAL("kind"), value_text(delivery->kind)},
      {SPAN_LITERAL("body"), delivery->body},
  };
  writer_init(&w);
  json_write_fields(fields, sizeof fields / sizeof fields[0], &w);
  (void)fprintf(s->out, "%.*s\n", SPAN_ARG(writer_span(&w)));
  return fflush(s->out) == 0 ? ERR_OK : ERR_IO;
}

/* Somebody else's adapter handles them; here they stay where they are. */
static enum err leave_delivery(void *arg, const char *participant, const struct delivery *delivery) {
  (void)arg;
  (void)participant;
  (void)delivery;
  return ERR_BUSY;
}

static void on_status(void *arg, bool up, const char *text) {
  struct submit *s = arg;
  (void)up;
  (void)snprintf(s->status, sizeof s->status, "%s", text ? text : "");
}

/* ---- sending ---- */

/* What the schema refuses here never leaves: it is told like a refusal, and the others go on. */
static void send_one(struct submit *s, const struct event *event) {
  struct fault fault = {.err = ERR_OK};
  char tag[24];
  (void)snprintf(tag, sizeof tag, "%zu", event->line);
  const struct link_event message = {
      .participant = s->senders[event->sender].id,
      .event = event->event,
      .case_id = event->case_id,
      .occurred_at = event->occurred_at,
      .data = &event->data,
      .acting_for = span_of_cstr(s->acting_for),
      .tag = span_of_cstr(tag),
  };
  enum err err = link_send(s->link, &message, NULL, &fault);
  if (err != ERR_OK) {
    const struct link_receipt refusal = {
        .state = LINK_REFUSED, .code = span_of_cstr(err_name(err)), .text = span_of_cstr(fault.text)};
    s->worst = err;
    result_print(message.participant, span_of_cstr(tag), &refusal);
  }
}

static int send_all(struct submit *s) {
  struct fault fault = {.err = ERR_OK};
  enum err err = link_begin(s->link);
  for (size_t i = 0; err == ERR_OK && i < s->events_count; i++) {
    send_one(s, &s->events[i]);
  }
  err = err == ERR_OK ? link_commit(s->link, &fault) : err;
  fault.err = err;
  s->wanted = link_pending(s->link);
  return err == ERR_OK ? CLI_OK : cli_fail_fault(NULL, &fault);
}

static int result_code(const struct submit *s) {
  if (s->worst != ERR_OK) {
    return (int)cli_exit_of(s->worst);
  }
  if (s->answered >= s->wanted) {
    return CLI_OK;
  }
  return cli_fail(CLI_UNREACHABLE, "квитанций нет: %zu; сообщения ждут в спуле и уйдут при следующем вызове%s%s",
                  s->wanted - s->answered, s->status[0] ? "; " : "", s->status);
}

static int wait_receipts(struct submit *s) {
  int64_t seconds = WAIT_S;
  if (s->wait && (!span_to_int64(span_of_cstr(s->wait), &seconds) || seconds < 0 || seconds > WAIT_S_MAX)) {
    return cli_usage("--wait задаётся в секундах");
  }
  int code = send_all(s);
  if (code == CLI_OK && s->wanted > 0) {
    (void)uv_timer_start(&s->timer, on_timer, (uint64_t)seconds * 1000, 0);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
  }
  return code == CLI_OK ? result_code(s) : code;
}

/* ---- the spool ---- */

/* Makes the folders of a path, as far as they are missing. */
static bool make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    *slash = '/';
    if (!made) {
      return false;
    }
  }
  return true;
}

static bool spool_path(const struct submit *s, char path[CLIENT_PATH_MAX]) {
  const char *state = client_text(NULL, "XDG_STATE_HOME", NULL);
  const char *home = client_text(NULL, "HOME", "/tmp");
  const char *name = s->senders_count == 1 ? s->senders[0].id : "several";
  int length = 0;
  if (s->spool) {
    length = snprintf(path, CLIENT_PATH_MAX, "%s", s->spool);
  } else if (state) {
    length = snprintf(path, CLIENT_PATH_MAX, "%s/kurator/submit-%s.db", state, name);
  } else {
    length = snprintf(path, CLIENT_PATH_MAX, "%s/.local/state/kurator/submit-%s.db", home, name);
  }
  return length > 0 && length < CLIENT_PATH_MAX && make_folders(path);
}

/* ---- the whole ---- */

static enum err open_link(struct submit *s, const char *spool, struct fault *fault) {
  struct link_participant *participants = ARENA_ARRAY(&s->arena, struct link_participant, s->senders_count);
  for (size_t i = 0; i < s->senders_count; i++) {
    participants[i] = (struct link_participant){s->senders[i].id, &s->senders[i].keys};
  }
  const struct link_options options = {
      .loop = &s->loop,
      .wire = s->wire,
      .endpoint = client_text(s->client.endpoint, "KURATOR_ENDPOINT", "tcp://127.0.0.1:7300"),
      .server_key = s->server.connection,
      .participants = participants,
      .participants_count = s->senders_count,
      .spool_path = spool,
      .agent = "kurator event submit",
      .limits = wire_limits_default(),
      .arg = s,
      .on_delivery = s->out ? on_delivery : leave_delivery,
      .on_receipt = on_receipt,
      .on_status = on_status,
  };
  return link_open(&options, &s->link, fault);
}

static int submit_run(struct submit *s) {
  char spool[CLIENT_PATH_MAX];
  struct fault fault = {.err = ERR_OK};
  if (!spool_path(s, spool)) {
    return cli_fail(CLI_FAILURE, "спул не открывается: %s", words_of_system(errno));
  }
  const struct wire_options wire = {.loop = &s->loop};
  enum err err = wire_create(&wire, &s->wire);
  err = err == ERR_OK ? open_link(s, spool, &fault) : err;
  if (err != ERR_OK) {
    fault.err = err;
    return cli_fail_fault(NULL, &fault);
  }
  return wait_receipts(s);
}

static int loop_run(struct submit *s) {
  if (uv_loop_init(&s->loop) != 0 || uv_timer_init(&s->loop, &s->timer) != 0 || signing_start() != ERR_OK) {
    return cli_fail(CLI_FAILURE, "не хватает памяти или случайных чисел");
  }
  s->timer.data = s;
  int code = submit_run(s);
  link_close(&s->link);
  wire_destroy(&s->wire);
  uv_close((uv_handle_t *)&s->timer, NULL);
  (void)uv_run(&s->loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&s->loop);
  return code;
}

static int deliveries_open(struct submit *s) {
  if (!s->deliveries) {
    return CLI_OK;
  }
  s->out = strcmp(s->deliveries, "-") == 0 ? stdout : fopen(s->deliveries, "ae");
  return s->out ? CLI_OK : cli_fail(CLI_FAILURE, "файл не открывается: %s", s->deliveries);
}

static void submit_finish(struct submit *s) {
  for (size_t i = 0; s->senders && i < s->senders_count; i++) {
    key_pair_erase(&s->senders[i].keys);
  }
  if (s->out && s->out != stdout) {
    (void)fclose(s->out);
  }
  free(s->events);
  arena_finish(&s->arena);
}

static int submit(int argc, char **argv, struct submit *s) {
  const struct cli_option table[] = {
      CLIENT_OPTIONS(s->client),
      {"--event", &s->event, NULL},
      {"--case", &s->case_id, NULL},
      {"--data", &s->data, NULL},
      {"--occurred-at", &s->occurred_at, NULL},
      {"--acting-for", &s->acting_for, NULL},
      {"--file", &s->file, NULL},
      {"--spool", &s->spool, NULL},
      {"--wait", &s->wait, NULL},
      {"--deliveries", &s->deliveries, NULL},
      {NULL, NULL, NULL},
  };
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  int code = s->file ? file_read(s) : one_read(s);
  code = code == CLI_OK ? deliveries_open(s) : code;
  return code == CLI_OK ? loop_run(s) : code;
}

int event_submit(int argc, char **argv) {
  struct submit s = {.events = NULL};
  arena_init(&s.arena, 0);
  s.senders = ARENA_ARRAY(&s.arena, struct sender, LINK_PARTICIPANTS_MAX);
  int code = submit(argc, argv, &s);
  submit_finish(&s);
  return code;
}
