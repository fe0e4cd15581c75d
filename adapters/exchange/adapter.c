/*
 * The program of every agency's adapter: files on one side, the engine on the other.
 *
 * Everything happens on one libuv loop. A timer looks into in/; work goes on in slices from an idle handle while there
 * is any; receipts ask for settling, which the same handle does. Under the virtual clock (--clock virtual) nothing is
 * done by time: a barrier of the engine is the moment to look, and it is answered when all has been read.
 *
 *   IDLE ──scan finds files──▶ WORKING ──nothing to read, nothing to settle──▶ IDLE
 *   any ──SIGTERM, SIGINT──▶ CLOSING: handles close, the spool stays as it is; the next start goes on from there.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "base/civil.h"
#include "base/log.h"
#include "base/words.h"
#include "exchange/convert.h"
#include "exchange/folder.h"
#include "exchange/inbox.h"
#include "exchange/once.h"
#include "exchange/outbox.h"
#include "exchange/profile.h"
#include "link/link.h"

enum { SCAN_INTERVAL_MS = 1000, TELL_INTERVAL_MS = 60000 };
enum trouble { TROUBLE_SCAN, TROUBLE_READ, TROUBLE_SETTLE, TROUBLE_DELIVERY, TROUBLE_REPLY, TROUBLE_COUNT };

#define REPLY_TAG "reply"

struct arguments {
  const char *profile;
  const char *territories;
  const char *root;
  const char *spool;
  const char *endpoint;
  const char *server_key;
  const char *keys;
  const char *shared;
  const char *participants[LINK_PARTICIPANTS_MAX];
  size_t participants_count;
  bool virtual_clock;
};

struct adapter {
  struct arguments arguments;
  uv_loop_t loop;
  uv_timer_t scan_timer;
  uv_idle_t worker;
  uv_signal_t terminate, interrupt;
  struct wire *wire;
  struct link *link;
  struct profile *profile;
  struct inbox *inbox;
  struct outbox outbox;
  struct key_pair *keys; /* one per participant */
  civil_moment barrier_now;
  uint64_t barrier; /* to be answered when nothing is left to read; 0: none */
  struct {
    enum err err;
    uint64_t told_at;
  } troubles[TROUBLE_COUNT];
  bool settle;
  bool closing;
};

/* ---- time: the engine's, when it has said what time it is ---- */

static civil_moment moment_now(const struct adapter *adapter) {
  if (adapter->arguments.virtual_clock) {
    return adapter->barrier_now;
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (civil_moment)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- work ---- */

/* What goes wrong goes wrong again every second: it is told once a minute, another error at once. */
static void report(struct adapter *adapter, enum trouble trouble, enum err err) {
  static const char *const texts[TROUBLE_COUNT] = {[TROUBLE_SCAN] = "looking into in/ failed",
                                                   [TROUBLE_READ] = "reading a file failed",
                                                   [TROUBLE_SETTLE] = "writing results failed",
                                                   [TROUBLE_DELIVERY] = "writing a delivery failed",
                                                   [TROUBLE_REPLY] = "answering a delivery failed"};
  uint64_t now = uv_now(&adapter->loop);
  bool told = err == adapter->troubles[trouble].err && now - adapter->troubles[trouble].told_at < TELL_INTERVAL_MS;
  if (err != ERR_OK && !told) {
    adapter->troubles[trouble].err = err;
    adapter->troubles[trouble].told_at = now;
    log_line(LOG_ERROR, "exchange", "msg=\"%s\" err=%s", texts[trouble], err_name(err));
  }
}

static void on_work(uv_idle_t *handle) {
  struct adapter *adapter = handle->data;
  bool more = false;
  enum err err = inbox_work(adapter->inbox, moment_now(adapter), &more);
  report(adapter, TROUBLE_READ, err);
  if (adapter->settle || !more) {
    adapter->settle = false;
    report(adapter, TROUBLE_SETTLE, inbox_settle(adapter->inbox));
  }
  if (more) {
    return;
  }
  uv_idle_stop(handle);
  if (adapter->barrier) {
    link_barrier_done(adapter->link, adapter->barrier);
    adapter->barrier = 0;
  }
}

static void wake(struct adapter *adapter) {
  if (!adapter->closing) {
    uv_idle_start(&adapter->worker, on_work);
  }
}

static void look(struct adapter *adapter) {
  report(adapter, TROUBLE_SCAN, inbox_scan(adapter->inbox));
  adapter->settle = true;
  wake(adapter);
}

static void on_scan(uv_timer_t *timer) {
  look(timer->data);
}

/* Everything that lies in in/ becomes messages before the barrier is answered. */
static void on_barrier(void *arg, uint64_t number, civil_moment now) {
  struct adapter *adapter = arg;
  adapter->barrier_now = now;
  adapter->barrier = number;
  look(adapter);
}

/* Nobody waits for the receipt of a reply, so a refusal is told to the operator; the engine keeps it as well. */
static void on_receipt(void *arg, const char *participant UNUSED, const struct link_receipt *receipt) {
  struct adapter *adapter = arg;
  if (receipt->state == LINK_REFUSED && span_is(receipt->tag, REPLY_TAG)) {
    log_line(LOG_WARNING, "exchange", "msg=\"a reply was refused\" code=%.*s", SPAN_ARG(receipt->code));
  }
  report(adapter, TROUBLE_SETTLE, once_receipt(adapter->link, receipt));
  inbox_receipt(adapter->inbox);
  adapter->settle = true;
  wake(adapter);
}

static void on_status(void *arg UNUSED, bool up, const char *text) {
  log_line(up ? LOG_INFO : LOG_WARNING, "exchange", "msg=\"%s\"", text);
}

/* ---- deliveries ---- */

static enum err reply(struct adapter *adapter, const char *participant, const struct profile_reply *how,
                      const struct delivery *delivery) {
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 0);
  struct value_field *fields = ARENA_ARRAY(&arena, struct value_field, how->fields_count + 1);
  char date[CIVIL_DATE_TEXT];
  size_t count = 0;
  for (unsigned i = 0; i < how->fields_count; i++) {
    const struct value *from = value_get(&delivery->body, how->fields[i].from);
    if (from) {
      fields[count++] = (struct value_field){span_of_cstr(how->fields[i].field), *from};
    }
  }
  struct value data;
  struct fault fault = {0};
  civil_moment now = moment_now(adapter);
  now = now > delivery->recorded_at ? now : delivery->recorded_at; /* an answer is not older than the question */
  civil_day_format(civil_moment_day(now), date);
  if (how->date_field) {
    fields[count++] = (struct value_field){span_of_cstr(how->date_field), value_text(span_of_cstr(date))};
  }
  TRY(value_map(fields, count, &data));
  const struct link_event event = {.participant = participant,
                                   .event = span_of_cstr(how->event),
                                   .case_id = value_get_text(&delivery->body, how->case_field),
                                   .occurred_at = now,
                                   .data = &data,
                                   .tag = SPAN_LITERAL(REPLY_TAG)};
  return link_send(adapter->link, &event, NULL, &fault);
}

/* A reply that does not fit the schema is a mistake in the profile: it is told, and what comes behind is not held up by
 * it, for the agency has its delivery. */
static enum err reply_all(struct adapter *adapter, const char *participant, const struct delivery *delivery) {
  for (unsigned i = 0; i < adapter->profile->replies_count; i++) {
    const struct profile_reply *how = &adapter->profile->replies[i];
    if (span_is(delivery->kind, how->delivery)) {
      enum err err = reply(adapter, participant, how, delivery);
      report(adapter, TROUBLE_REPLY, err);
      TRY(err_class_of(err) == ERR_CLASS_DOMAIN ? ERR_OK : err);
    }
  }
  return ERR_OK;
}

static enum err on_delivery(void *arg, const char *participant, const struct delivery *delivery) {
  struct adapter *adapter = arg;
  enum err err = outbox_write(&adapter->outbox, participant, delivery);
  err = err == ERR_OK ? once_delivered(adapter->profile, adapter->link, participant, delivery) : err;
  report(adapter, TROUBLE_DELIVERY, err);
  TRY(err);
  return reply_all(adapter, participant, delivery);
}

/* ---- life ---- */

static void close_handle(uv_handle_t *handle) {
  if (!uv_is_closing(handle)) {
    uv_close(handle, NULL);
  }
}

static void close_all(struct adapter *adapter) {
  adapter->closing = true;
  close_handle((uv_handle_t *)&adapter->scan_timer);
  close_handle((uv_handle_t *)&adapter->worker);
  close_handle((uv_handle_t *)&adapter->terminate);
  close_handle((uv_handle_t *)&adapter->interrupt);
  uv_stop(&adapter->loop);
}

static void on_signal(uv_signal_t *handle, int number UNUSED) {
  close_all(handle->data);
}

static enum err start_handles(struct adapter *adapter) {
  if (uv_loop_init(&adapter->loop) != 0 || uv_timer_init(&adapter->loop, &adapter->scan_timer) != 0 ||
      uv_idle_init(&adapter->loop, &adapter->worker) != 0 || uv_signal_init(&adapter->loop, &adapter->terminate) != 0 ||
      uv_signal_init(&adapter->loop, &adapter->interrupt) != 0) {
    return ERR_IO;
  }
  adapter->scan_timer.data = adapter->worker.data = adapter->terminate.data = adapter->interrupt.data = adapter;
  uv_signal_start(&adapter->terminate, on_signal, SIGTERM);
  uv_signal_start(&adapter->interrupt, on_signal, SIGINT);
  if (!adapter->arguments.virtual_clock) {
    uv_timer_start(&adapter->scan_timer, on_scan, 0, SCAN_INTERVAL_MS);
  }
  return ERR_OK;
}

/* What is wrong with a key file, told with its name. */
static enum err key_fault(const char *path, enum err err, const struct fault *found, struct fault *fault) {
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s: %s", path, found->text);
}

static enum err load_keys(struct adapter *adapter, struct link_participant *participants, struct fault *fault) {
  const struct arguments *arguments = &adapter->arguments;
  char path[FOLDER_PATH_MAX];
  adapter->keys = calloc(arguments->participants_count, sizeof *adapter->keys);
  if (!adapter->keys) {
    return fault_set(fault, ERR_NO_MEMORY, "%s", words_of_err(ERR_NO_MEMORY));
  }
  for (size_t i = 0; i < arguments->participants_count; i++) {
    if (snprintf(path, sizeof path, "%s/%s", arguments->keys,
                 arguments->shared ? arguments->shared : arguments->participants[i]) >= (int)sizeof path) {
      return fault_set(fault, ERR_LIMIT, "%s: путь слишком длинный", arguments->keys);
    }
    struct fault found = {.err = ERR_OK};
    TRY(key_fault(path, key_pair_load(path, &adapter->keys[i], &found), &found, fault));
    participants[i] = (struct link_participant){.id = arguments->participants[i], .keys = &adapter->keys[i]};
  }
  return ERR_OK;
}

static enum err open_link(struct adapter *adapter, struct fault *fault) {
  const struct arguments *arguments = &adapter->arguments;
  struct link_participant participants[LINK_PARTICIPANTS_MAX];
  struct key_public server;
  const struct wire_options wire_options = {.loop = &adapter->loop};
  TRY(load_keys(adapter, participants, fault));
  struct fault found = {.err = ERR_OK};
  TRY(key_fault(arguments->server_key, key_public_load(arguments->server_key, &server, &found), &found, fault));
  TRY(wire_create(&wire_options, &adapter->wire));
  const struct link_options options = {
      .loop = &adapter->loop,
      .wire = adapter->wire,
      .endpoint = arguments->endpoint,
      .server_key = server.connection,
      .participants = participants,
      .participants_count = arguments->participants_count,
      .spool_path = arguments->spool,
      .agent = "kurator-adapter 0.1",
      .limits = wire_limits_default(),
      .arg = adapter,
      .on_delivery = on_delivery,
      .on_receipt = on_receipt,
      .on_barrier = on_barrier,
      .on_status = on_status,
  };
  return link_open(&options, &adapter->link, fault);
}

static enum err start(struct adapter *adapter, struct fault *fault) {
  const struct arguments *arguments = &adapter->arguments;
  TRY(profile_load(arguments->profile, arguments->territories, &adapter->profile, fault));
  TRY(folder_prepare(arguments->root, arguments->participants, arguments->participants_count, fault));
  TRY(start_handles(adapter));
  TRY(open_link(adapter, fault));
  adapter->outbox = (struct outbox){
      .root = arguments->root, .profile = adapter->profile, .several = arguments->participants_count > 1};
  const struct inbox_options inbox = {.root = arguments->root,
                                      .profile = adapter->profile,
                                      .participants = arguments->participants,
                                      .participants_count = arguments->participants_count,
                                      .link = adapter->link,
                                      .virtual_clock = arguments->virtual_clock};
  return inbox_create(&inbox, &adapter->inbox);
}

static void finish(struct adapter *adapter) {
  close_all(adapter);
  inbox_destroy(&adapter->inbox);
  link_close(&adapter->link);
  if (adapter->wire) {
    wire_destroy(&adapter->wire);
  }
  uv_run(&adapter->loop, UV_RUN_DEFAULT);
  uv_loop_close(&adapter->loop);
  profile_destroy(&adapter->profile);
  for (size_t i = 0; adapter->keys && i < adapter->arguments.participants_count; i++) {
    key_pair_erase(&adapter->keys[i]);
  }
  free(adapter->keys);
}

/* ---- the command line ---- */

static const char USAGE[] =
    "Использование: %s --profile ФАЙЛ --root ПАПКА --endpoint АДРЕС --server-key ФАЙЛ --keys ПАПКА\n"
    "               --participant ИМЯ [--participant ИМЯ …] [--territories ФАЙЛ] [--shared ФАЙЛ] [--spool ФАЙЛ] "
    "[--clock virtual]\n"
    "  --profile      описание таблиц ведомства (profile.yaml)\n"
    "  --root         папка обмена: в ней in, work, out, done, rejected\n"
    "  --endpoint     адрес kuratord, например tcp://127.0.0.1:7701\n"
    "  --server-key   открытый ключ kuratord (файл .pub)\n"
    "  --keys         папка с ключами участников: файл ИМЯ для каждого\n"
    "  --shared       имя общего файла ключей, если у всех участников один\n"
    "  --participant  участник, за которого говорит этот процесс; можно указать несколько раз\n"
    "  --territories  справочник муниципальных образований (territories.yaml)\n"
    "  --spool        очередь сообщений; по умолчанию ПАПКА/spool.db\n"
    "  --clock        virtual: работать по часам kuratord, а не по времени компьютера\n";

static bool read_option(struct arguments *arguments, int option) {
  switch (option) {
  case 'P':
    arguments->profile = optarg;
    return true;
  case 't':
    arguments->territories = optarg;
    return true;
  case 'r':
    arguments->root = optarg;
    return true;
  case 's':
    arguments->spool = optarg;
    return true;
  case 'e':
    arguments->endpoint = optarg;
    return true;
  case 'k':
    arguments->server_key = optarg;
    return true;
  case 'K':
    arguments->keys = optarg;
    return true;
  case 'S':
    arguments->shared = optarg;
    return true;
  case 'p':
    if (arguments->participants_count == LINK_PARTICIPANTS_MAX) {
      return false;
    }
    arguments->participants[arguments->participants_count++] = optarg;
    return true;
  case 'c':
    arguments->virtual_clock = strcmp(optarg, "virtual") == 0;
    return arguments->virtual_clock || strcmp(optarg, "system") == 0;
  default:
    return false;
  }
}

static bool read_arguments(int argc, char **argv, struct arguments *arguments) {
  static const struct option options[] = {
      {"profile", required_argument, NULL, 'P'},
      {"territories", required_argument, NULL, 't'},
      {"root", required_argument, NULL, 'r'},
      {"spool", required_argument, NULL, 's'},
      {"endpoint", required_argument, NULL, 'e'},
      {"server-key", required_argument, NULL, 'k'},
      {"keys", required_argument, NULL, 'K'},
      {"participant", required_argument, NULL, 'p'},
      {"clock", required_argument, NULL, 'c'},
      {"shared", required_argument, NULL, 'S'},
      {NULL, 0, NULL, 0},
  };
  int option = 0;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (!read_option(arguments, option)) {
      return false;
    }
  }
  return optind == argc && arguments->profile && arguments->root && arguments->endpoint && arguments->server_key &&
         arguments->keys && arguments->participants_count > 0;
}

int main(int argc, char **argv) {
  static struct adapter adapter;
  static char spool[FOLDER_PATH_MAX];
  struct fault fault = {0};
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    printf(USAGE, argv[0]);
    return 0;
  }
  if (!read_arguments(argc, argv, &adapter.arguments)) {
    fprintf(stderr, USAGE, argv[0]);
    return 2;
  }
  if (!adapter.arguments.spool) {
    snprintf(spool, sizeof spool, "%s/spool.db", adapter.arguments.root);
    adapter.arguments.spool = spool;
  }
  enum err result = start(&adapter, &fault);
  if (result != ERR_OK) {
    fprintf(stderr, "%s: %s\n", argv[0], fault.text[0] ? fault.text : words_of_err(result));
    return 1;
  }
  uv_run(&adapter.loop, UV_RUN_DEFAULT);
  finish(&adapter);
  return 0;
}
