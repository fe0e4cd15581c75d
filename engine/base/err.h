/*
 * base/err.h — the result type of every function that can fail.
 *
 * Purpose: one closed list of error codes, each with a class and a text, and the few macros that make
 * checking them impossible to forget. A domain error (a bad message, a failed guard) travels as a value,
 * together with a `struct fault` when a person has to be told what was wrong; a bug stops the process.
 *
 * Life cycle: values only, nothing to release. Threading: no shared state.
 * Never: allocates, logs, or reads errno.
 */
#ifndef KURATOR_BASE_ERR_H
#define KURATOR_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK                           __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_arg) __attribute__((format(printf, format_index, first_arg)))
#define UNUSED                               __attribute__((unused))

/* The class says who can do something about it. */
enum err_class {
  ERR_CLASS_OK = 0,
  ERR_CLASS_DOMAIN,      /* the sender can: the message, file or chart is wrong */
  ERR_CLASS_OPERATIONAL, /* the operator can: disk, network, limits, configuration */
  ERR_CLASS_STORAGE,     /* nobody may go on: corruption or a failed commit; recover by restart */
};

/*     name            class                  text */
#define ERR_MAP(X)                                                                                                     \
  X(OK, ERR_CLASS_OK, "ok")                                                                                            \
  X(INVALID, ERR_CLASS_DOMAIN, "invalid value")                                                                        \
  X(FORMAT, ERR_CLASS_DOMAIN, "malformed input")                                                                       \
  X(RANGE, ERR_CLASS_DOMAIN, "value out of range")                                                                     \
  X(LIMIT, ERR_CLASS_DOMAIN, "limit exceeded")                                                                         \
  X(NOT_FOUND, ERR_CLASS_DOMAIN, "not found")                                                                          \
  X(EXISTS, ERR_CLASS_DOMAIN, "already exists")                                                                        \
  X(CONFLICT, ERR_CLASS_DOMAIN, "conflicts with the present state")                                                    \
  X(FORBIDDEN, ERR_CLASS_DOMAIN, "not permitted")                                                                      \
  X(UNSUPPORTED, ERR_CLASS_DOMAIN, "not supported")                                                                    \
  X(SCRIPT, ERR_CLASS_DOMAIN, "error in a script")                                                                     \
  X(IO, ERR_CLASS_OPERATIONAL, "input or output failed")                                                               \
  X(UNREACHABLE, ERR_CLASS_OPERATIONAL, "peer cannot be reached")                                                      \
  X(BUSY, ERR_CLASS_OPERATIONAL, "busy, try again")                                                                    \
  X(FULL, ERR_CLASS_OPERATIONAL, "storage is full")                                                                    \
  X(NO_MEMORY, ERR_CLASS_OPERATIONAL, "out of memory")                                                                 \
  X(CONFIG, ERR_CLASS_OPERATIONAL, "configuration is wrong")                                                           \
  X(VERSION, ERR_CLASS_OPERATIONAL, "version not understood")                                                          \
  X(CLOSED, ERR_CLASS_OPERATIONAL, "closed")                                                                           \
  X(CORRUPT, ERR_CLASS_STORAGE, "stored data is damaged")                                                              \
  X(COMMIT, ERR_CLASS_STORAGE, "commit failed")

enum err {
#define X(name, class, text) ERR_##name,
  ERR_MAP(X)
#undef X
};

/* Static English text of a code, for logs and engineers. */
const char *err_text(enum err err);
/* Short stable name of a code ("NOT_FOUND"), for machine-readable output. */
const char *err_name(enum err err);
enum err_class err_class_of(enum err err);

/*
 * What was wrong, told to a person. `text` is Russian where a user will read it (refused messages, refused
 * rows), English where an engineer will (charts, configuration). Never holds personal data: name the field,
 * not its value.
 */
enum { FAULT_TEXT_MAX = 320 };
struct fault {
  enum err err;
  uint32_t line;   /* 1-based line in the source that was read, 0 if none */
  uint32_t column; /* 1-based, 0 if none */
  char text[FAULT_TEXT_MAX];
};

/* Fills `fault` (NULL is allowed: then nothing is written) and returns `err`, so that a check reads in one line. */
enum err fault_set(struct fault *fault, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);
enum err fault_set_at(struct fault *fault, enum err err, uint32_t line, uint32_t column, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* Returns from the enclosing function with the error of `expr`, if there is one. */
#define TRY(expr)                                                                                                      \
  do {                                                                                                                 \
    enum err try_err_ = (expr);                                                                                        \
    if (try_err_ != ERR_OK) {                                                                                          \
      return try_err_;                                                                                                 \
    }                                                                                                                  \
  } while (0)

/* Runs `fn(&variable)` when the variable goes out of scope. */
#define DEFER(fn) __attribute__((cleanup(fn)))

/* A bug: prints where and aborts, in release too. A condition that input can make false is never an ASSERT. */
#define ASSERT(condition)                                                                                              \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      assert_fail(#condition, __FILE__, __LINE__);                                                                     \
    }                                                                                                                  \
  } while (0)
_Noreturn void assert_fail(const char *condition, const char *file, int line);

#endif
