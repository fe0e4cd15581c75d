#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/words.h"
#include "chart/lint.h"

static const struct cli_verb *running;
static bool config_not_found; /* nobody said where config/ is, and it is not where it is looked for */

void cli_set_running(const struct cli_verb *verb) {
  running = verb;
}

static void complain(const char *format, va_list args) {
  (void)fputs("kurator: ", stderr);
  (void)vfprintf(stderr, format, args);
  (void)fputc('\n', stderr);
}

int cli_fail(enum cli_exit exit_code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  complain(format, args);
  va_end(args);
  return (int)exit_code;
}

int cli_usage(const char *format, ...) {
  va_list args;
  va_start(args, format);
  complain(format, args);
  va_end(args);
  if (running) {
    const char *space = running->verb[0] ? " " : "";
    (void)fprintf(stderr, "Вызов: kurator %s%s%s %s\n", running->noun, space, running->verb, running->usage);
  }
  return CLI_USAGE;
}

/* Charts are read by engineers' rules and told of in English; who stands before this program reads Russian. */
const char *cli_told(const struct fault *fault, struct arena *arena) {
  return fault->text[0] ? arena_cstr(arena, lint_told(span_of_cstr(fault->text), arena)) : words_of_err(fault->err);
}

static int fail_fault(const char *file, const struct fault *fault) {
  DEFER(arena_finish) struct arena arena;
  arena_init(&arena, 0);
  const char *text = cli_told(fault, &arena);
  enum cli_exit exit_code = cli_exit_of(fault->err);
  if (file && fault->line > 0 && fault->column > 0) {
    return cli_fail(exit_code, "%s:%u:%u: %s", file, fault->line, fault->column, text);
  }
  if (file && fault->line > 0) {
    return cli_fail(exit_code, "%s:%u: %s", file, fault->line, text);
  }
  return cli_fail(exit_code, "%s%s%s", file ? file : "", file ? ": " : "", text);
}

int cli_fail_fault(const char *file, const struct fault *fault) {
  int exit_code = fail_fault(file, fault);
  if (config_not_found) {
    (void)fputs("Настроек нет ни в ./config, ни в /etc/kurator: назовите их папку: --config ПАПКА\n", stderr);
  }
  return exit_code;
}

enum cli_exit cli_exit_of(enum err err) {
  switch (err) {
  case ERR_OK:
    return CLI_OK;
  case ERR_NOT_FOUND:
    return CLI_NOT_FOUND;
  case ERR_CONFLICT:
  case ERR_EXISTS:
    return CLI_CONFLICT;
  case ERR_UNREACHABLE:
    return CLI_UNREACHABLE;
  default:
    return err_class_of(err) == ERR_CLASS_DOMAIN ? CLI_INVALID : CLI_FAILURE;
  }
}

/* --- files --- */

static void descriptor_close(const int *fd) {
  if (*fd > STDIN_FILENO) {
    (void)close(*fd);
  }
}

void cli_file_free(struct span *bytes) {
  if (bytes) {
    free((void *)bytes->data);
    *bytes = span_of(NULL, 0);
  }
}

static void buffer_free(uint8_t **buffer) {
  free(*buffer);
}

/* One byte more than the limit is asked for, to tell a file of just that size from a larger one. */
static enum err read_all(int fd, size_t size_max, struct span *ret_bytes, struct fault *fault) {
  enum { CAPACITY_FIRST = 64 * 1024 };
  DEFER(buffer_free) uint8_t *buffer = NULL;
  size_t capacity = 0;
  size_t size = 0;
  for (;;) {
    if (size == capacity) {
      capacity = capacity ? capacity * 2 : CAPACITY_FIRST;
      capacity = capacity > size_max ? size_max + 1 : capacity;
      uint8_t *grown = realloc(buffer, capacity);
      if (!grown) {
        return fault_set(fault, ERR_NO_MEMORY, "не хватает памяти для файла");
      }
      buffer = grown;
    }
    ssize_t got = read(fd, buffer + size, capacity - size);
    if (got < 0 && errno != EINTR) {
      return fault_set(fault, ERR_IO, "файл не читается: %s", words_of_system(errno));
    }
    if (got == 0) {
      break;
    }
    size += got > 0 ? (size_t)got : 0;
    if (size > size_max) {
      return fault_set(fault, ERR_LIMIT, "файл больше %zu байт", size_max);
    }
  }
  *ret_bytes = span_of(buffer, size);
  buffer = NULL; /* the caller's from here on */
  return ERR_OK;
}

enum err cli_read_file(const char *path, size_t size_max, struct span *ret_bytes, struct fault *fault) {
  DEFER(descriptor_close) int fd = STDIN_FILENO;
  if (strcmp(path, "-") != 0) {
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      enum err err = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
      return fault_set(fault, err, "файл не открывается: %s", words_of_system(errno));
    }
  }
  return read_all(fd, size_max, ret_bytes, fault);
}

const char *cli_config_dir(const char *given) {
  if (given) {
    return given;
  }
  const char *environment = getenv("KURATOR_CONFIG");
  if (environment && environment[0]) {
    return environment;
  }
  if (access("config", X_OK) == 0) {
    return "config";
  }
  config_not_found = access("/etc/kurator/catalogue.yaml", F_OK) != 0;
  return "/etc/kurator";
}

/* --- options --- */

/* The option that `word` names, as itself or as "--name=TEXT"; then `ret_inline` is set to TEXT, else to NULL. */
static const struct cli_option *option_find(const struct cli_option *options, const char *word,
                                            const char **ret_inline) {
  const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
  size_t size = equals ? (size_t)(equals - word) : strlen(word);
  *ret_inline = equals ? equals + 1 : NULL;
  for (; options->name; options++) {
    if (strlen(options->name) == size && memcmp(options->name, word, size) == 0) {
      return options;
    }
  }
  return NULL;
}

/* Takes the option at `*at`, and its text behind it. False after the usage was printed. */
static bool option_take(int argc, char **argv, int *at, const struct cli_option *options) {
  const char *text;
  const struct cli_option *option = option_find(options, argv[*at], &text);
  if (!option) {
    cli_usage("нет такого параметра: %s", argv[*at]);
    return false;
  }
  if (option->flag) {
    if (text) {
      cli_usage("у параметра %s не бывает значения", option->name);
      return false;
    }
    *option->flag = true;
    return true;
  }
  if (!text && *at + 1 < argc) {
    text = argv[++*at];
  }
  if (!text) {
    cli_usage("у параметра %s нет значения", option->name);
    return false;
  }
  *option->text = text;
  return true;
}

int cli_options_read(int argc, char **argv, const struct cli_option *options, const char **words, int words_max) {
  int count = 0;
  bool options_ended = false;
  for (int at = 1; at < argc; at++) {
    const char *word = argv[at];
    bool is_option = !options_ended && word[0] == '-' && word[1] != '\0';
    if (is_option && strcmp(word, "--") == 0) {
      options_ended = true;
    } else if (is_option) {
      if (!option_take(argc, argv, &at, options)) {
        return -1;
      }
    } else if (count == words_max) {
      cli_usage("лишнее слово: %s", word);
      return -1;
    } else {
      words[count++] = word;
    }
  }
  return count;
}
