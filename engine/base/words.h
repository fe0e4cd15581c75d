/*
 * base/words.h — what an administrator or a clerk is told, in Russian, where a program has only a number.
 *
 * Purpose: the texts of error codes (err_text is for logs and engineers) and of the system's own errors, whose
 * strerror texts are English wherever a service runs without a locale.
 *
 * Life cycle: static texts only. Threading: no shared state. Never: allocates, logs, or reads errno.
 */
#ifndef KURATOR_BASE_WORDS_H
#define KURATOR_BASE_WORDS_H

#include "base/err.h"

/* What a code means to who is not an engineer; never NULL. */
const char *words_of_err(enum err err);
/* What an errno means; libzmq's own numbers too, since they lie among the system's. Never NULL: what has no text here
 * is told as the system tells it. */
const char *words_of_system(int error);

#endif
