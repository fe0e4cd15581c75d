/*
 * kuratord.c — the engine as a daemon: wires the rooms together and runs them until SIGTERM.
 *
 * Order of beginning, and the reverse at the end: configuration → keys → store → casework → runtime → clock, sessions,
 * desk → sockets → ready. Exit codes: 0 ended as asked, 1 failure (the store: restart to recover), 2 usage, 5 wrong
 * configuration.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "base/words.h"
#include "chart/lint.h"
#include "daemon/daemon.h"
#include "daemon/deliver.h"
#include "daemon/desk.h"
#include "daemon/evidence.h"
#include "daemon/fingerprint.h"
#include "daemon/options.h"
#include "daemon/sessions.h"
#include "daemon/telling.h"
#include "daemon/trouble.h"
#include "daemon/turn.h"

enum {
  PATH_BYTES = 4096,
  SIGNALS = 3,
  DESCRIPTORS_OWN = 200,  /* files, sockets of its own, libzmq's */
  QUESTIONS_PER_TURN = 1, /* a page of an answer may take some milliseconds, */
  QUESTIONS_REST = 2,     /* and then the participants have the loop for twice as long */
  TICK_MESSAGES = 8,      /* stepped before the sockets are looked at again: less than a millisecond */
  EXCHANGE_ROLES = KEYRING_PARTICIPANT,
  QUERY_ROLES = KEYRING_OPERATOR | KEYRING_AGENT,
};

struct process {
  struct options options;
  struct daemon daemon;
  struct casework *casework;
  uv_signal_t signals[SIGNALS];
};

/* ---- ports of the runtime ---- */

static void port_receipt(void *arg, const struct runtime_receipt *receipt) {
  struct daemon *daemon = arg;
  sessions_receipt(daemon->sessions, receipt);
}

static void port_delivered(void *arg, struct span participant, uint64_t position, struct span bytes) {
  struct daemon *daemon = arg;
  (void)bytes;
  sessions_delivered(daemon->sessions, participant, position);
}

static void port_acted(void *arg, const struct runtime_acted *acted) {
  struct daemon *daemon = arg;
  desk_acted(daemon->desk, acted);
}

static void port_committed(void *arg, enum err result, uint64_t head) {
  struct daemon *daemon = arg;
  (void)head;
  turn_committed(daemon->turn, result);
  backup_committed(daemon, result);
}

/* ---- callbacks of the sockets ---- */

static bool admit(void *arg, const char *domain, const uint8_t key[KEY_CONNECTION]) {
  const struct daemon *daemon = arg;
  unsigned wanted = strcmp(domain, "exchange") == 0 ? EXCHANGE_ROLES : QUERY_ROLES;
  return (keyring_roles(daemon->keyring, key) & wanted) != 0;
}

/* A key can be taken back while its connection stands. */
static bool still_admitted(const struct daemon *daemon, struct wire_server *server, unsigned wanted,
                           const struct wire_message *message) {
  bool admitted = (keyring_roles_of_user(daemon->keyring, message->user_id) & wanted) != 0;
  if (!admitted) {
    wire_server_drop(server, "the key was revoked");
  }
  return admitted;
}

static void on_exchange(void *arg, const struct wire_message *message) {
  struct daemon *daemon = arg;
  if (still_admitted(daemon, daemon->exchange, EXCHANGE_ROLES, message)) {
    sessions_on_message(daemon->sessions, message);
  }
}

static void on_query(void *arg, const struct wire_message *message) {
  struct daemon *daemon = arg;
  if (still_admitted(daemon, daemon->query, QUERY_ROLES, message)) {
    desk_on_message(daemon->desk, message);
  }
}

/* One of those that this key speaks for, NULL if there is none. */
static const struct participant *participant_of_user(const struct daemon *daemon, struct span user_id) {
  const struct catalogue *catalogue = &daemon->config->catalogue;
  for (size_t i = 0; i < catalogue->participants_count && !span_empty(user_id); i++) {
    if (keyring_speaks_for(daemon->keyring, user_id, catalogue->participants[i].id)) {
      return &catalogue->participants[i];
    }
  }
  return NULL;
}

static void on_dropped(void *arg, struct span user_id, const char *why) {
  const struct daemon *daemon = arg;
  if (telling_allows(daemon->tellings, TELLING_CUT_OFF, participant_of_user(daemon, user_id))) {
    log_line(LOG_WARNING, "daemon", "msg=\"connection cut off\" key=%.8s why=\"%s\"",
             user_id.size >= 8 ? (const char *)user_id.data : "unknown", why);
  }
}

static void on_signal(uv_signal_t *handle, int number) {
  struct daemon *daemon = handle->data;
  struct fault fault = {.err = ERR_OK};
  if (number != SIGHUP) {
    log_line(LOG_INFO, "daemon", "msg=\"ending\" signal=%d", number);
    (void)sd_notify(0, "STOPPING=1");
    turn_drain(daemon->turn);
    return;
  }
  if (keyring_reload(daemon->keyring, &fault) == ERR_OK) {
    log_line(LOG_INFO, "daemon", "msg=\"keys read again\"");
    sessions_keys_changed(daemon->sessions);
  } else {
    log_line(LOG_ERROR, "daemon", "keys not read, the old ones stay: %s", fault.text);
  }
}

/* ---- beginning ---- */

static enum err make_folder(const char *path, struct fault *fault) {
  struct stat status;
  if (mkdir(path, 0700) != 0 && (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))) {
    return fault_set(fault, ERR_IO, "папка не создаётся: %s", words_of_system(errno));
  }
  return ERR_OK;
}

static enum err open_database(struct process *process, struct fault *fault) {
  struct daemon *daemon = &process->daemon;
  char path[PATH_BYTES];
  int length = snprintf(path, sizeof path, "%s/store", process->options.data);
  if (length < 0 || (size_t)length >= sizeof path) {
    return fault_set(fault, ERR_CONFIG, "путь к папке данных слишком длинный");
  }
  const struct store_lmdb_options options = {
      .path = path,
      .map_size = (size_t)daemon->config->engine.store.map_mib << 20,
      .map_size_max = (size_t)daemon->config->engine.store.map_max_mib << 20,
      .loop = &daemon->loop,
  };
  TRY(make_folder(process->options.data, fault));
  return store_open_lmdb(&options, &daemon->store, fault);
}

static enum err open_store(struct process *process, struct fault *fault) {
  enum err err = open_database(process, fault);
  return err == ERR_OK ? ERR_OK : trouble_explain_start(process->options.data, fault);
}

static enum err open_runtime(struct process *process, struct fault *fault) {
  struct daemon *daemon = &process->daemon;
  const struct config_engine *engine = &daemon->config->engine;
  const struct casework_ports ports = {.arg = &daemon->runtime, .load = runtime_load};
  TRY(config_casework(daemon->config, &ports, &process->casework, fault));
  struct runtime_options options = {
      .casework = process->casework,
      .store = daemon->store,
      .ports = {.arg = daemon,
                .receipt = port_receipt,
                .delivered = port_delivered,
                .delivery_encode = deliver_encode,
                .committed = port_committed,
                .acted = port_acted,
                .sign = evidence_sign},
      .limits = runtime_limits_default(),
      .master_key = keyring_master(daemon->keyring),
      .durable_clock = process->options.is_virtual,
  };
  options.limits.inbox_messages = (uint32_t)engine->limits.inbox_messages;
  options.limits.batch_messages = (uint32_t)engine->limits.batch_messages;
  options.limits.batch_share = (uint32_t)engine->limits.batch_share;
  options.limits.tick_messages = process->options.is_virtual ? 0 : TICK_MESSAGES;
  options.limits.stream_tail = (uint32_t)engine->limits.stream_tail;
  options.limits.batch_timers = (uint32_t)engine->limits.timer_slice;
  return runtime_create(&options, &daemon->runtime, fault);
}

static enum err open_parts(struct process *process, struct fault *fault) {
  struct daemon *daemon = &process->daemon;
  const struct turn_options turn = {.is_virtual = process->options.is_virtual, .start = process->options.start};
  const struct wire_options wire = {.loop = &daemon->loop, .admit = admit, .admit_arg = daemon};
  enum err err = turn_create(daemon, &turn, &daemon->turn);
  err = err == ERR_OK ? tellings_create(daemon, &daemon->tellings) : err;
  err = err == ERR_OK ? sessions_create(daemon, &daemon->sessions) : err;
  err = err == ERR_OK ? desk_create(daemon, &daemon->desk) : err;
  err = err == ERR_OK ? wire_create(&wire, &daemon->wire) : err;
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", words_of_err(err));
}

static enum err open_server(struct daemon *daemon, const char *domain, const char *endpoint, wire_on_message on_message,
                            struct wire_server **ret_server, struct fault *fault) {
  struct wire_server_options options = {
      .endpoints = &endpoint,
      .endpoints_count = 1,
      .domain = domain,
      .secret_key = keyring_server(daemon->keyring)->connection_secret,
      .limits = wire_limits_default(),
      .on_message = on_message,
      .on_dropped = on_dropped,
      .arg = daemon,
  };
  options.limits.connections_max = (uint32_t)daemon->config->engine.limits.sessions;
  options.limits.key_connections_max = (uint32_t)daemon->config->engine.limits.key_sessions;
  options.limits.handshake_ms = (uint32_t)daemon->config->engine.limits.handshake_ms;
  if (on_message == on_query) {
    options.limits.turn_messages_max = QUESTIONS_PER_TURN;
    options.limits.turn_rest = QUESTIONS_REST;
  }
  return wire_server_open(daemon->wire, &options, ret_server, fault);
}

static enum err open_signals(struct process *process, struct fault *fault) {
  static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
  for (size_t i = 0; i < SIGNALS; i++) {
    uv_signal_t *handle = &process->signals[i];
    if (uv_signal_init(&process->daemon.loop, handle) != 0) {
      return fault_set(fault, ERR_NO_MEMORY, "у системы не взять сигналы");
    }
    handle->data = &process->daemon;
    if (uv_signal_start(handle, on_signal, numbers[i]) != 0) {
      return fault_set(fault, ERR_NO_MEMORY, "у системы не взять сигналы");
    }
  }
  return ERR_OK;
}

static enum err read_settings(struct process *process, struct fault *fault) {
  struct daemon *daemon = &process->daemon;
  const struct config_options options = {.config_dir = process->options.config};
  TRY(config_load(&options, &daemon->config, fault));
  TRY(forms_load(daemon->config, &daemon->forms, fault));
  if (fingerprint_of(process->options.config, daemon->config_digest) != ERR_OK) {
    return fault_set(fault, ERR_IO, "%s: папка настроек не читается", process->options.config);
  }
  options_complete(&process->options, &daemon->config->engine, &daemon->config->arena);
  daemon->config_dir = process->options.config;
  daemon->data_dir = process->options.data;
  return keyring_load(process->options.keys, &daemon->config->catalogue, &daemon->keyring, fault);
}

/* A connection is a descriptor, on either socket. Fewer than wanted are allowed: then fewer connections are. */
static void make_room_for_sessions(struct config_engine *engine) {
  struct rlimit limit;
  rlim_t wanted = 2 * (rlim_t)engine->limits.sessions + DESCRIPTORS_OWN;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
    return;
  }
  limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
    int64_t left = limit.rlim_cur > DESCRIPTORS_OWN ? (int64_t)(limit.rlim_cur - DESCRIPTORS_OWN) / 2 : 1;
    log_line(LOG_WARNING, "daemon",
             "msg=\"fewer connections than limits.sessions: too few descriptors are allowed\" sessions=%lld "
             "descriptors=%lld",
             (long long)left, (long long)limit.rlim_cur);
    engine->limits.sessions = left;
  }
}

static enum err begin(struct process *process, struct fault *fault) {
  struct daemon *daemon = &process->daemon;
  TRY(read_settings(process, fault));
  make_room_for_sessions(&daemon->config->engine);
  TRY(open_store(process, fault));
  TRY(open_runtime(process, fault));
  TRY(open_parts(process, fault));
  TRY(open_server(daemon, "exchange", process->options.endpoint, on_exchange, &daemon->exchange, fault));
  TRY(open_server(daemon, "query", process->options.query_endpoint, on_query, &daemon->query, fault));
  TRY(open_signals(process, fault));
  daemon->started_at = turn_wall_clock();
  turn_kick(daemon->turn);
  return ERR_OK;
}

/* ---- end ---- */

/* What remains open now is the rooms' own; the loop runs until their handles have ended. */
static void end(struct process *process) {
  struct daemon *daemon = &process->daemon;
  for (size_t i = 0; i < SIGNALS; i++) {
    if (process->signals[i].data && !uv_is_closing((uv_handle_t *)&process->signals[i])) {
      uv_close((uv_handle_t *)&process->signals[i], NULL);
    }
  }
  if (daemon->turn && !daemon->failed) {
    runtime_sign_head(daemon->runtime);
  }
  wire_server_close(&daemon->query);
  wire_server_close(&daemon->exchange);
  if (daemon->store) {
    store_close(&daemon->store); /* what is in flight ends here */
  }
  runtime_destroy(&daemon->runtime);
  sessions_destroy(&daemon->sessions);
  tellings_destroy(&daemon->tellings);
  desk_destroy(&daemon->desk);
  turn_destroy(&daemon->turn);
  wire_destroy(&daemon->wire);
  (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
  casework_destroy(&process->casework);
  keyring_destroy(&daemon->keyring);
  config_destroy(&daemon->config);
  (void)uv_loop_close(&daemon->loop);
}

/* Printed for whoever started it with port "*". */
static void tell_ready(const struct daemon *daemon) {
  (void)printf("endpoint %s\nquery-endpoint %s\n", wire_server_endpoint(daemon->exchange, 0),
               wire_server_endpoint(daemon->query, 0));
  (void)fflush(stdout);
  (void)sd_notify(0, "READY=1");
  log_line(LOG_INFO, "daemon", "msg=ready journal=%llu", (unsigned long long)runtime_journal_head(daemon->runtime));
}

static int exit_code_of(enum err err) {
  static const int wrong_configuration = 5;
  bool configuration = err == ERR_CONFIG || err_class_of(err) == ERR_CLASS_DOMAIN;
  return configuration ? wrong_configuration : EXIT_FAILURE;
}

/* An administrator reads it, be it of a chart. */
static void tell_failure(const struct fault *fault, enum err err) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  struct span text = lint_told(span_of_cstr(fault->text), &arena);
  (void)fprintf(stderr, "kuratord: %.*s\n", SPAN_ARG(text.size > 0 ? text : span_of_cstr(words_of_err(err))));
}

static int run(struct process *process) {
  struct daemon *daemon = &process->daemon;
  struct fault fault = {.err = ERR_OK};
  if (uv_loop_init(&daemon->loop) != 0 || signing_start() != ERR_OK) {
    log_line(LOG_ERROR, "daemon", "no loop or no randomness");
    return EXIT_FAILURE;
  }
  enum err err = begin(process, &fault);
  if (err == ERR_OK) {
    tell_ready(daemon);
    (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
  } else {
    tell_failure(&fault, err);
  }
  bool failed = daemon->failed;
  end(process);
  if (err != ERR_OK) {
    return exit_code_of(err);
  }
  log_line(LOG_INFO, "daemon", "msg=ended");
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A batch takes and gives back memory many times a second: given back to the kernel each time, every page of it would
 * have to be faulted in again. */
static void keep_memory(void) {
  enum { KEPT_BYTES = 32 << 20 };
  (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
  (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
}

int main(int argc, char **argv) {
  static struct process process;
  bool stop;
  keep_memory();
  int code = options_read(argc, argv, &process.options, &stop);
  return stop ? code : run(&process);
}
