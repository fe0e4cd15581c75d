/*
 * base/log.h — one line per fact, for journald and people at a terminal.
 *
 * Purpose: logfmt lines on stderr ("level=info room=runtime msg=… key=value"). Only runtime, wire, adapters and main
 * programs log; pure rooms return errors instead. Never: personal data, message payloads, keys. Case ids are
 * numbers of notices and may stand in debug lines only.
 * Threading: one write(2) per line, safe from any thread.
 */
#ifndef KURATOR_BASE_LOG_H
#define KURATOR_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_set_level(enum log_level level);
/* A text that begins with "msg=" is the rest of the line as it stands; any other text becomes a quoted msg="…".
 * Control characters become spaces; a line ends at 2 KiB. Lines under the level (at first LOG_INFO) are dropped. */
void log_line(enum log_level level, const char *room, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
