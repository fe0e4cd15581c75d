/*
 * kurator chart render: a chart as a drawing, laid out by Graphviz's `dot`.
 *
 * The program is run as it is found in PATH, with the drawing on its stdin and the picture on its stdout; nothing of
 * the chart stands in its arguments.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/words.h"
#include "chart_path.h"
#include "cli.h"
#include "output.h"

enum { PICTURE_MAX = 64 << 20, PIECE = 65536 };

/* ---- running dot ---- */

struct layouter {
  pid_t pid;
  int in, out; /* its stdin and stdout, -1 when closed */
};

static void close_fd(int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
    *fd = -1;
  }
}

static int spawn(const char *format, int in[2], int out[2], pid_t *ret_pid) {
  posix_spawn_file_actions_t actions;
  char option[16];
  (void)snprintf(option, sizeof option, "-T%s", format);
  char *arguments[] = {"dot", option, NULL};
  (void)posix_spawn_file_actions_init(&actions);
  (void)posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  (void)posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  for (int i = 0; i < 2; i++) {
    (void)posix_spawn_file_actions_addclose(&actions, in[i]);
    (void)posix_spawn_file_actions_addclose(&actions, out[i]);
  }
  int number = posix_spawnp(ret_pid, "dot", &actions, NULL, arguments, environ);
  (void)posix_spawn_file_actions_destroy(&actions);
  return number;
}

static int start(struct layouter *l, const char *format) {
  int in[2];
  int out[2];
  if (pipe(in) != 0) {
    return errno;
  }
  if (pipe(out) != 0) {
    int number = errno;
    close_fd(&in[0]);
    close_fd(&in[1]);
    return number;
  }
  int number = spawn(format, in, out, &l->pid);
  close_fd(&in[0]);
  close_fd(&out[1]);
  l->in = in[1];
  l->out = out[0];
  return number;
}

static void feed(struct layouter *l, struct span *rest) {
  ssize_t sent = write(l->in, rest->data, rest->size < PIECE ? rest->size : PIECE);
  if (sent < 0 && errno != EINTR) {
    rest->size = 0; /* it has given up; its exit code tells */
  } else if (sent > 0) {
    *rest = span_of(rest->data + sent, rest->size - (size_t)sent);
  }
  if (rest->size == 0) {
    close_fd(&l->in);
  }
}

static void take(struct layouter *l, struct writer *picture) {
  uint8_t bytes[PIECE];
  ssize_t got = read(l->out, bytes, sizeof bytes);
  if (got > 0 && picture->size + (size_t)got <= PICTURE_MAX) {
    writer_raw(picture, span_of(bytes, (size_t)got));
  } else if (got >= 0 || errno != EINTR) {
    close_fd(&l->out);
  }
}

/* Both pipes at once: it may begin to answer before it has heard everything. */
static void converse(struct layouter *l, struct span drawing, struct writer *picture) {
  while (l->out >= 0) {
    struct pollfd ready[2] = {{l->out, POLLIN, 0}, {l->in, POLLOUT, 0}};
    if (poll(ready, l->in >= 0 ? 2 : 1, -1) < 0 && errno != EINTR) {
      return;
    }
    if (l->in >= 0 && ready[1].revents != 0) {
      feed(l, &drawing);
    }
    if (ready[0].revents != 0) {
      take(l, picture);
    }
  }
}

static int lay_out(const char *format, struct span drawing, struct writer *picture) {
  struct layouter l = {.in = -1, .out = -1};
  int status = 0;
  (void)signal(SIGPIPE, SIG_IGN);
  int number = start(&l, format);
  if (number == 0) {
    converse(&l, drawing, picture);
  }
  close_fd(&l.in);
  close_fd(&l.out);
  if (number != 0) {
    return cli_fail(CLI_FAILURE, "программа dot не запускается: %s. Установите пакет graphviz.",
                    words_of_system(number));
  }
  while (waitpid(l.pid, &status, 0) < 0 && errno == EINTR) {
  }
  bool drawn = WIFEXITED(status) && WEXITSTATUS(status) == 0 && picture->size > 0;
  return drawn ? CLI_OK : cli_fail(CLI_FAILURE, "программа dot не нарисовала схему");
}

/* ---- the verb ---- */

/* By the name of the file: .dot the drawing itself, .png, .pdf and .svg what Graphviz makes of it. */
static const char *format_of(const char *out) {
  static const char *const formats[] = {"svg", "png", "pdf", "dot"};
  const char *dot = out ? strrchr(out, '.') : NULL;
  for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++) {
    if (strcmp(dot + 1, formats[i]) == 0) {
      return formats[i];
    }
  }
  return out && strcmp(out, "-") != 0 ? NULL : "svg";
}

static int write_file(const char *out, struct span picture) {
  struct output output;
  int result = output_open(&output, out ? out : "-");
  if (result != CLI_OK) {
    return result;
  }
  output.failed = fwrite(picture.data, 1, picture.size, output.file) != picture.size;
  return output_close(&output, true);
}

static int render(struct outline *o, const struct chart_trail *trail, const char *format, const char *out) {
  DEFER(writer_finish) struct writer drawing;
  DEFER(writer_finish) struct writer picture;
  writer_init(&drawing);
  writer_init(&picture);
  chart_dot_write(o, trail, &drawing);
  if (strcmp(format, "dot") == 0) {
    return write_file(out, writer_span(&drawing));
  }
  int result = lay_out(format, writer_span(&drawing), &picture);
  return result == CLI_OK ? write_file(out, writer_span(&picture)) : result;
}

static int run(const char *word, const struct path_request *request, const char *format, const char *out) {
  struct outline outline;
  struct chart_trail trail;
  int result = outline_open(&outline, word, request->config);
  if (result == CLI_OK && request->case_id) {
    result = chart_path_find(&outline, request, &trail);
  }
  if (result == CLI_OK) {
    result = render(&outline, request->case_id ? &trail : NULL, format, out);
  }
  outline_close(&outline);
  return result;
}

int chart_render_run(int argc, char **argv) {
  const char *word = NULL;
  const char *out = NULL;
  struct path_request request = {.case_id = NULL};
  const struct cli_option options[] = {{"--config", &request.config, NULL},
                                       {"-o", &out, NULL},
                                       {"--case", &request.case_id, NULL},
                                       {"--events", &request.events, NULL},
                                       {"--until", &request.until, NULL},
                                       {"--endpoint", &request.client.endpoint, NULL},
                                       {"--keys", &request.client.keys, NULL},
                                       {"--as", &request.client.as, NULL},
                                       {"--timeout", &request.client.timeout, NULL},
                                       {NULL, NULL, NULL}};
  int words = cli_options_read(argc, argv, options, &word, 1);
  if (words < 0) {
    return CLI_USAGE;
  }
  if (words == 0) {
    return cli_usage("нужна схема: файл, папка или имя процесса");
  }
  if (request.events && !request.case_id) {
    return cli_usage("к --events нужен --case: чей путь показать");
  }
  const char *format = format_of(out);
  if (!format) {
    return cli_usage("-o: файл с окончанием .svg, .png, .pdf или .dot");
  }
  if (output_same_file(out, word)) {
    return cli_usage("вывод записал бы рисунок поверх схемы");
  }
  return run(word, &request, format, out);
}
