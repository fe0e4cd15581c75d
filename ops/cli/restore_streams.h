/*
 * restore_streams.h — the streams of a database that was put back from a copy.
 *
 * After the copy was made participants were told more: under numbers which the copy does not know, and would give again
 * to something else. A link passes over numbers that it has had, so what is new would be lost on it in silence. So
 * every stream goes on far behind all that it may have told, and what nobody had acknowledged when the copy was made is
 * told again there. Whoever had it meanwhile has it twice.
 */
#ifndef KURATOR_RESTORE_STREAMS_H
#define KURATOR_RESTORE_STREAMS_H

#include "base/err.h"

/* `path`: folder of the database, which nobody has opened; durable when it returns. */
enum err restore_streams(const char *path, struct fault *fault) MUST_CHECK;

#endif
