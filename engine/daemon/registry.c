/*
 * daemon/registry.c — files first, memory second.
 *
 * A new file appears under its name whole and synced (names that begin with a dot are not read), and never in the place
 * of another. When it is there, or has gone, the keyring follows, which cannot fail.
 */
#include "daemon/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/words.h"
#include "proto/envelope.h"

enum { PATH_BYTES = 4096 };

static enum err io_fault(struct fault *fault) {
  enum err err = errno == EEXIST ? ERR_EXISTS : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
  return fault_set(fault, err, "реестр ключей не изменён: %s", words_of_system(errno));
}

static enum err path_of(char path[PATH_BYTES], const struct keyring *keyring, const char *before,
                        const struct registry_key *which, const char *after, struct fault *fault) {
  int length = snprintf(path, PATH_BYTES, "%s/%s%.*s%s%.*s.pub%s", keyring_folder(keyring), before,
                        SPAN_ARG(which->participant), which->label.size > 0 ? "@" : "", SPAN_ARG(which->label), after);
  return length > 0 && length < PATH_BYTES ? ERR_OK : fault_set(fault, ERR_LIMIT, "слишком длинный путь к реестру");
}

static void descriptor_close(const int *fd) {
  if (*fd >= 0) {
    (void)close(*fd);
  }
}

static enum err folder_sync(const struct keyring *keyring, const char *name, struct fault *fault) {
  char path[PATH_BYTES];
  (void)snprintf(path, sizeof path, "%.*s/%s", PATH_BYTES - 32, keyring_folder(keyring), name);
  DEFER(descriptor_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 && fsync(fd) == 0 ? ERR_OK : io_fault(fault);
}

static enum err folder_make(const struct keyring *keyring, const char *name, struct fault *fault) {
  char path[PATH_BYTES];
  (void)snprintf(path, sizeof path, "%.*s/%s", PATH_BYTES - 32, keyring_folder(keyring), name);
  return mkdir(path, 0700) == 0 || errno == EEXIST ? ERR_OK : io_fault(fault);
}

/* ---- adding ---- */

struct survey {
  const struct registry_key *which;
  const struct key_public *key;
  size_t count;
  bool taken, same;
};

static bool survey_key(void *arg, const char *label, const struct key_public *key) {
  struct survey *survey = arg;
  survey->count++;
  survey->taken = survey->taken || span_is(survey->which->label, label);
  survey->same = survey->same || (survey->key && memcmp(key, survey->key, sizeof *key) == 0);
  return true;
}

static struct survey survey_of(const struct keyring *keyring, const struct registry_key *which,
                               const struct key_public *key) {
  struct survey survey = {.which = which, .key = key};
  keyring_keys(keyring, which->participant, survey_key, &survey);
  return survey;
}

static enum err check_names(const struct keyring *keyring, const struct registry_key *which, struct fault *fault) {
  if (!participant_id_valid(which->participant) || !keyring_knows(keyring, which->participant)) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого участника в настройках");
  }
  if (!span_empty(which->label) && (which->label.size > KEYRING_LABEL_MAX || !participant_id_valid(which->label))) {
    return fault_set(fault, ERR_INVALID, "метка ключа: буквы, цифры, «-», «_», «.», не длиннее %d", KEYRING_LABEL_MAX);
  }
  return ERR_OK;
}

static enum err check_new(const struct keyring *keyring, const struct survey *survey, bool beside,
                          struct fault *fault) {
  if (survey->same || survey->taken) {
    return fault_set(fault, ERR_EXISTS, survey->same ? "этот ключ у участника уже есть" : "такая метка уже занята");
  }
  if (!beside && survey->count > 0) {
    return fault_set(fault, ERR_EXISTS, "у участника уже есть ключ: второй рядом с ним добавляет rotate");
  }
  if (beside && survey->count == 0) {
    return fault_set(fault, ERR_NOT_FOUND, "у участника ещё нет ключа: первый добавляет add");
  }
  if (survey->count >= KEYRING_SIGNERS_MAX || keyring_full(keyring)) {
    return fault_set(fault, ERR_LIMIT, "ключей слишком много: не больше %d у участника", KEYRING_SIGNERS_MAX);
  }
  return ERR_OK;
}

static enum err file_put(const struct keyring *keyring, const struct registry_key *which, const struct key_public *key,
                         struct fault *fault) {
  char draft[PATH_BYTES];
  char path[PATH_BYTES];
  TRY(path_of(draft, keyring, "participants/.new-", which, "", fault));
  TRY(path_of(path, keyring, "participants/", which, "", fault));
  TRY(folder_make(keyring, "participants", fault));
  (void)unlink(draft); /* of an attempt that was cut short */
  struct fault found;
  if (key_public_create(draft, key, &found) != ERR_OK) {
    return fault_set(fault, ERR_IO, "реестр ключей не изменён: файл не записан");
  }
  enum err err = link(draft, path) == 0 ? ERR_OK : io_fault(fault);
  (void)unlink(draft);
  return err == ERR_OK ? folder_sync(keyring, "participants", fault) : err;
}

enum err registry_add(struct keyring *keyring, const struct registry_key *which, const struct key_public *key,
                      bool beside, struct fault *fault) {
  TRY(check_names(keyring, which, fault));
  struct survey survey = survey_of(keyring, which, key);
  TRY(check_new(keyring, &survey, beside, fault));
  TRY(file_put(keyring, which, key, fault));
  keyring_put(keyring, which->participant, which->label, key);
  return ERR_OK;
}

/* ---- revoking ---- */

/* A file that somebody has removed by hand is no reason to go on trusting its key. */
static enum err file_take(const struct keyring *keyring, const struct registry_key *which, civil_moment now,
                          struct fault *fault) {
  char path[PATH_BYTES];
  char past[PATH_BYTES];
  char moment[32];
  (void)snprintf(moment, sizeof moment, ".%lld", (long long)now);
  TRY(path_of(path, keyring, "participants/", which, "", fault));
  TRY(path_of(past, keyring, "revoked/", which, moment, fault));
  TRY(folder_make(keyring, "revoked", fault));
  if (rename(path, past) != 0) {
    return errno == ENOENT ? ERR_OK : io_fault(fault);
  }
  TRY(folder_sync(keyring, "revoked", fault));
  return folder_sync(keyring, "participants", fault);
}

enum err registry_revoke(struct keyring *keyring, const struct registry_key *which, civil_moment now,
                         struct fault *fault) {
  TRY(check_names(keyring, which, fault));
  struct survey survey = survey_of(keyring, which, NULL);
  if (!survey.taken) {
    return fault_set(fault, ERR_NOT_FOUND, "такого ключа у участника нет");
  }
  TRY(file_take(keyring, which, now, fault));
  keyring_take(keyring, which->participant, which->label);
  return ERR_OK;
}
