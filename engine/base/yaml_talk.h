/*
 * base/yaml_talk.h — what libcyaml says of a file that does not fit, kept and put into Russian.
 *
 * Purpose: libcyaml tells what was wrong through its log only: the first error line is the message, the first line of
 * the backtrace after it holds the innermost position. Who writes a configuration is no engineer, so the message is
 * told in Russian; what has no translation here is told as it came.
 *
 * Life cycle: a zeroed struct yaml_talk is heard while a file is loaded and read afterwards. Threading: values only.
 * Never: allocates, or knows libcyaml's types.
 */
#ifndef KURATOR_BASE_YAML_TALK_H
#define KURATOR_BASE_YAML_TALK_H

#include "base/err.h"

struct yaml_talk {
  char text[FAULT_TEXT_MAX]; /* the first complaint, in Russian; empty: none was heard */
  uint32_t line, column;     /* 1-based, 0 if not told */
};

/* For libcyaml's log function. */
void yaml_talk_hear(struct yaml_talk *talk, const char *format, va_list arguments);

#endif
