/*
 * kurator keys generate: pairs for the server, participants, operators and agents.
 *
 * Secrets are written once, for their owner only, and never overwritten; the registry (--register) is the server's
 * folder of keys and gets copies of the public halves.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/words.h"
#include "client.h"
#include "lists.h"
#include "proto/envelope.h"
#include "wire/keys.h"

enum { MASTER_BYTES = 32 };

static bool make_folder(const char *path) {
  return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static int write_new(const char *path, struct span bytes, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) {
    return cli_fail(errno == EEXIST ? CLI_CONFLICT : CLI_FAILURE, "%s: %s", path, words_of_system(errno));
  }
  bool written = write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size && fsync(fd) == 0;
  bool closed = close(fd) == 0;
  return written && closed ? CLI_OK : cli_fail(CLI_FAILURE, "%s: не записан: %s", path, words_of_system(errno));
}

/* What it reads as a public key and nothing else: never a secret that lies under the wrong name. */
static int copy_public(const char *from, const char *to) {
  struct key_public key;
  struct fault fault = {.err = ERR_OK};
  if (key_public_load(from, &key, &fault) != ERR_OK) {
    return cli_fail_fault(from, &fault);
  }
  return key_public_create(to, &key, &fault) == ERR_OK ? CLI_OK : cli_fail_fault(to, &fault);
}

static int pair_create(const char *path) {
  struct key_pair pair;
  struct fault fault = {.err = ERR_OK};
  enum err err = key_pair_create(path, &pair, &fault);
  fault.err = err;
  if (err != ERR_OK) {
    return cli_fail_fault(path, &fault);
  }
  key_pair_erase(&pair);
  (void)printf("%s\n", path);
  return CLI_OK;
}

/* The key that wraps the keys of personal data. */
static int master_create(const char *folder) {
  uint8_t key[MASTER_BYTES];
  char path[CLIENT_PATH_MAX];
  DEFER(writer_finish) struct writer text;
  writer_init(&text);
  signing_random(key, sizeof key);
  for (size_t i = 0; i < sizeof key; i++) {
    writer_printf(&text, "%02x", key[i]);
  }
  writer_printf(&text, "\n");
  explicit_bzero(key, sizeof key);
  int code = client_path(path, folder, "master") ? write_new(path, writer_span(&text), 0600)
                                                 : cli_usage("слишком длинный путь");
  explicit_bzero(text.data, text.size);
  if (code == CLI_OK) {
    (void)printf("%s\n", path);
  }
  return code;
}

static int server_create(const char *folder) {
  char path[CLIENT_PATH_MAX];
  if (!client_path(path, folder, "server")) {
    return cli_usage("слишком длинный путь");
  }
  int code = pair_create(path);
  return code == CLI_OK ? master_create(folder) : code;
}

/* ---- participants, operators, agents ---- */

struct request {
  const char *out, *registry, *shared;
  const char *role; /* folder of the registry */
  bool privacy;     /* operators may see and erase personal data */
};

static int register_at(const struct request *request, const char *role, const char *public_path, const char *name) {
  char folder[CLIENT_PATH_MAX];
  char path[CLIENT_PATH_MAX];
  if (!request->registry) {
    return CLI_OK;
  }
  int length = -1;
  if (client_path(folder, request->registry, role)) {
    length = snprintf(path, sizeof path, "%s/%s.pub", folder, name);
  }
  if (length < 0 || (size_t)length >= sizeof path) {
    return cli_usage("слишком длинный путь");
  }
  if (!make_folder(folder)) {
    return cli_fail(CLI_FAILURE, "%s: %s", folder, words_of_system(errno));
  }
  return copy_public(public_path, path);
}

static int register_public(const struct request *request, const char *public_path, const char *name) {
  int code = register_at(request, request->role, public_path, name);
  bool trusted = request->privacy && strcmp(request->role, "operators") == 0;
  return code == CLI_OK && trusted ? register_at(request, "privacy", public_path, name) : code;
}

/* Whoever connects has to know the server's key: it comes along with the first pair. */
static int server_public_copy(const struct request *request) {
  char from[CLIENT_PATH_MAX];
  char to[CLIENT_PATH_MAX];
  if (!request->registry) {
    return CLI_OK;
  }
  if (!client_path(from, request->registry, "server.pub") || !client_path(to, request->out, "server.pub")) {
    return cli_usage("слишком длинный путь");
  }
  return access(to, F_OK) == 0 ? CLI_OK : copy_public(from, to);
}

static int create_for(const struct request *request, const char *name) {
  char path[CLIENT_PATH_MAX];
  char public_path[CLIENT_PATH_MAX];
  const char *file = request->shared ? request->shared : name;
  if (!participant_id_valid(span_of_cstr(name)) || !client_path(path, request->out, file)) {
    return cli_fail(CLI_INVALID, "такого имени быть не может: %s", name);
  }
  int length = snprintf(public_path, sizeof public_path, "%s.pub", path);
  if (length < 0 || (size_t)length >= sizeof public_path) {
    return cli_usage("слишком длинный путь");
  }
  bool exists = request->shared && access(path, F_OK) == 0;
  int code = exists ? CLI_OK : pair_create(path);
  return code == CLI_OK ? register_public(request, public_path, name) : code;
}

/* Names divided by commas. */
static int create_all(struct request *request, const char *role, const char *names) {
  char name[CLIENT_PATH_MAX];
  struct span rest = span_of_cstr(names);
  int code = CLI_OK;
  request->role = role;
  while (code == CLI_OK && rest.size > 0) {
    struct span one = span_cut(rest, ',', &rest);
    (void)snprintf(name, sizeof name, "%.*s", SPAN_ARG(one));
    code = create_for(request, name);
  }
  return code;
}

int keys_generate(int argc, char **argv) {
  struct request request = {.out = NULL};
  bool server = false;
  const char *participants = NULL;
  const char *operators = NULL;
  const char *agents = NULL;
  const struct cli_option table[] = {{"--server", NULL, &server},
                                     {"--participant", &participants, NULL},
                                     {"--operator", &operators, NULL},
                                     {"--agent", &agents, NULL},
                                     {"--out", &request.out, NULL},
                                     {"--register", &request.registry, NULL},
                                     {"--shared", &request.shared, NULL},
                                     {"--privacy", NULL, &request.privacy},
                                     {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (!request.out || (!server && !participants && !operators && !agents)) {
    return cli_usage("нужны --out и хотя бы одно из --server, --participant, --operator, --agent");
  }
  if (signing_start() != ERR_OK || !make_folder(request.out)) {
    return cli_fail(CLI_FAILURE, "%s: %s", request.out, words_of_system(errno));
  }
  int code = server ? server_create(request.out) : CLI_OK;
  code = code == CLI_OK && participants ? create_all(&request, "participants", participants) : code;
  code = code == CLI_OK && operators ? create_all(&request, "operators", operators) : code;
  code = code == CLI_OK && agents ? create_all(&request, "agents", agents) : code;
  return code == CLI_OK ? server_public_copy(&request) : code;
}
