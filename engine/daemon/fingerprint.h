/*
 * daemon/fingerprint.h — is the configuration on disk still the one that runs?
 *
 * Purpose: one digest over what config_load reads: the .yaml, .csv and .scxml files of the folder and of those below
 * it, two levels deep, with their names. Examples, notes and hidden files do not count.
 *
 * Threading: none of its own. Limits: FINGERPRINT_FILE_MAX per file, FINGERPRINT_FILES_MAX files. Never: judges a file.
 */
#ifndef KURATOR_DAEMON_FINGERPRINT_H
#define KURATOR_DAEMON_FINGERPRINT_H

#include "base/err.h"
#include "proto/signing.h"

enum { FINGERPRINT_FILES_MAX = 1000, FINGERPRINT_FILE_MAX = 16 << 20 };

/* ERR_IO: a file cannot be read; ERR_LIMIT. */
enum err fingerprint_of(const char *folder, uint8_t ret_digest[SIGNING_DIGEST]) MUST_CHECK;

#endif
