/*
 * runtime/documents.h — documents.yaml of a process: its own documents, and what events mean for them in its cases.
 *
 * Purpose: a process that is added as a folder brings its papers with it. Its `events` count in its own cases only; its
 * `documents`, `states` and `statuses` join those of config/documents.yaml, and none may stand twice.
 *
 * Ownership: everything lives in the config's arena. For config.c only.
 */
#ifndef KURATOR_RUNTIME_DOCUMENTS_H
#define KURATOR_RUNTIME_DOCUMENTS_H

#include "runtime/config.h"

/* Adds `folder`/documents.yaml (may be missing) to config->catalogue, and checks its documents again. ERR_CONFIG names
 * the file; ERR_IO. */
enum err documents_load(struct config *config, struct span process, const char *folder, struct fault *fault) MUST_CHECK;

#endif
