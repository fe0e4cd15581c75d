/*
 * daemon/keyring.c — the registry folder as two sorted tables.
 *
 * Invariants: `entries` are sorted by (name, role), so that a participant's keys stand together; `by_key` holds the
 * same entries sorted by connection key. Both are replaced as a whole by a reload that succeeds, and untouched by one
 * that fails.
 */
#include "daemon/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"

enum { NAME_MAX_BYTES = 64, PATH_BYTES = 4096, MASTER_DIGITS = 2 * RUNTIME_KEY_SIZE };

struct entry {
  char name[NAME_MAX_BYTES + 1];
  char label[KEYRING_LABEL_MAX + 1];
  enum keyring_role role;
  struct key_public keys;
};

struct table {
  struct entry *entries;
  size_t count, capacity;
  size_t *by_key; /* indices of entries */
};

struct keyring {
  char folder[PATH_BYTES];
  const struct catalogue *catalogue;
  struct key_pair server;
  uint8_t master[RUNTIME_KEY_SIZE];
  struct table table;
};

/* ---- the table ---- */

static void table_finish(struct table *table) {
  free(table->entries);
  free(table->by_key);
  *table = (struct table){.count = 0};
}

static struct entry *table_add(struct table *table) {
  if (table->count == table->capacity) {
    size_t capacity = table->capacity ? table->capacity * 2 : 64;
    struct entry *grown = realloc(table->entries, capacity * sizeof *grown);
    ASSERT(grown != NULL);
    table->entries = grown;
    table->capacity = capacity;
  }
  struct entry *entry = &table->entries[table->count++];
  *entry = (struct entry){.role = KEYRING_PARTICIPANT};
  return entry;
}

static int entry_compare(const void *a, const void *b) {
  const struct entry *left = a;
  const struct entry *right = b;
  int order = strcmp(left->name, right->name);
  return order != 0 ? order : (int)left->role - (int)right->role;
}

static int key_compare(const void *a, const void *b, void *arg) {
  const struct entry *entries = arg;
  const uint8_t *left = entries[*(const size_t *)a].keys.connection;
  return memcmp(left, entries[*(const size_t *)b].keys.connection, KEY_CONNECTION);
}

static void table_sort(struct table *table) {
  if (table->count == 0) {
    return;
  }
  qsort(table->entries, table->count, sizeof *table->entries, entry_compare);
  table->by_key = calloc(table->count, sizeof *table->by_key);
  ASSERT(table->by_key != NULL);
  for (size_t i = 0; i < table->count; i++) {
    table->by_key[i] = i;
  }
  qsort_r(table->by_key, table->count, sizeof *table->by_key, key_compare, table->entries);
}

static void table_sort_again(struct table *table) {
  free(table->by_key);
  table->by_key = NULL;
  table_sort(table);
}

static const struct entry *table_key(const struct table *table, size_t i) {
  return &table->entries[table->by_key[i]];
}

/* Index of the first entry in by_key with this key; count if there is none. */
static size_t table_find_key(const struct table *table, const uint8_t key[KEY_CONNECTION]) {
  size_t low = 0;
  size_t high = table->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (memcmp(table_key(table, middle)->keys.connection, key, KEY_CONNECTION) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static size_t table_find_name(const struct table *table, struct span name) {
  size_t low = 0;
  size_t high = table->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (span_compare(span_of_cstr(table->entries[middle].name), name) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static bool has_key(const struct table *table, size_t i, const uint8_t key[KEY_CONNECTION]) {
  return i < table->count && memcmp(table_key(table, i)->keys.connection, key, KEY_CONNECTION) == 0;
}

/* ---- reading the folder ---- */

static void close_dir(DIR **dir) {
  if (*dir) {
    (void)closedir(*dir);
  }
}

/* "ID.pub" or "ID@LABEL.pub" → ID and LABEL. False for any other file. */
static bool name_of_file(const char *file, char name[NAME_MAX_BYTES + 1], char label_text[KEYRING_LABEL_MAX + 1]) {
  static const char suffix[] = ".pub";
  size_t size = strlen(file);
  if (size <= sizeof suffix - 1 || strcmp(file + size - (sizeof suffix - 1), suffix) != 0) {
    return false;
  }
  size -= sizeof suffix - 1;
  const char *label = memchr(file, '@', size);
  size_t label_size = label ? size - (size_t)(label + 1 - file) : 0;
  size = label ? (size_t)(label - file) : size;
  if (size == 0 || size > NAME_MAX_BYTES || label_size > KEYRING_LABEL_MAX) {
    return false;
  }
  memcpy(label_text, label ? label + 1 : "", label_size);
  label_text[label_size] = '\0';
  memcpy(name, file, size);
  name[size] = '\0';
  return true;
}

static enum err check_participant(const struct keyring *keyring, const char *name, const char *path,
                                  struct fault *fault) {
  if (!catalogue_participant(keyring->catalogue, span_of_cstr(name))) {
    return fault_set(fault, ERR_CONFIG, "%s: в participants.yaml нет участника %s", path, name);
  }
  return ERR_OK;
}

static enum err read_entry(const struct keyring *keyring, const char *folder, const char *file, enum keyring_role role,
                           struct table *table, struct fault *fault) {
  char name[NAME_MAX_BYTES + 1];
  char label[KEYRING_LABEL_MAX + 1];
  char path[PATH_BYTES];
  if (file[0] == '.' || !name_of_file(file, name, label)) {
    return ERR_OK;
  }
  int length = snprintf(path, sizeof path, "%s/%s", folder, file);
  if (length < 0 || (size_t)length >= sizeof path) {
    return fault_set(fault, ERR_CONFIG, "%s: путь слишком длинный", folder);
  }
  if (role == KEYRING_PARTICIPANT) {
    TRY(check_participant(keyring, name, path, fault));
  }
  if (table->count == KEYRING_KEYS_MAX) {
    return fault_set(fault, ERR_CONFIG, "%s: ключей больше %d", folder, KEYRING_KEYS_MAX);
  }
  struct fault found = {.err = ERR_OK};
  struct key_public keys;
  enum err err = key_public_load(path, &keys, &found);
  if (err != ERR_OK) {
    return fault_set(fault, err, "%s: %s", path, found.text);
  }
  struct entry *entry = table_add(table);
  entry->role = role;
  entry->keys = keys;
  memcpy(entry->name, name, sizeof name);
  memcpy(entry->label, label, sizeof label);
  return ERR_OK;
}

/* A folder that is not there holds nobody. */
static enum err read_folder(const struct keyring *keyring, const char *name, enum keyring_role role,
                            struct table *table, struct fault *fault) {
  char folder[PATH_BYTES];
  int length = snprintf(folder, sizeof folder, "%s/%s", keyring->folder, name);
  if (length < 0 || (size_t)length >= sizeof folder) {
    return fault_set(fault, ERR_CONFIG, "%s: путь слишком длинный", keyring->folder);
  }
  DEFER(close_dir) DIR *dir = opendir(folder);
  if (!dir) {
    return errno == ENOENT ? ERR_OK : fault_set(fault, ERR_IO, "%s: %s", folder, words_of_system(errno));
  }
  for (const struct dirent *file = readdir(dir); file; file = readdir(dir)) {
    TRY(read_entry(keyring, folder, file->d_name, role, table, fault));
  }
  return ERR_OK;
}

static enum err read_tables(const struct keyring *keyring, struct table *table, struct fault *fault) {
  static const struct {
    const char *name;
    enum keyring_role role;
  } folders[] = {
      {"participants", KEYRING_PARTICIPANT},
      {"operators", KEYRING_OPERATOR},
      {"agents", KEYRING_AGENT},
      {"privacy", KEYRING_PRIVACY},
  };
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
    TRY(read_folder(keyring, folders[i].name, folders[i].role, table, fault));
  }
  table_sort(table);
  return ERR_OK;
}

static void close_file(FILE **file) {
  if (*file) {
    (void)fclose(*file);
  }
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err read_master(struct keyring *keyring, struct fault *fault) {
  char path[PATH_BYTES];
  char text[MASTER_DIGITS + 2] = "";
  (void)snprintf(path, sizeof path, "%.*s/master", PATH_BYTES - 16, keyring->folder);
  DEFER(close_file) FILE *file = fopen(path, "re");
  if (!file) {
    return fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, words_of_system(errno));
  }
  size_t size = fread(text, 1, sizeof text - 1, file);
  for (size_t i = 0; i < RUNTIME_KEY_SIZE; i++) {
    int high = size >= MASTER_DIGITS ? digit_of(text[2 * i]) : -1;
    int low = size >= MASTER_DIGITS ? digit_of(text[2 * i + 1]) : -1;
    if (high < 0 || low < 0) {
      return fault_set(fault, ERR_FORMAT, "%s: нужны 64 шестнадцатеричные цифры; верните файл из копии", path);
    }
    keyring->master[i] = (uint8_t)(high * 16 + low);
  }
  explicit_bzero(text, sizeof text);
  return ERR_OK;
}

static enum err read_server(struct keyring *keyring, struct fault *fault) {
  char path[PATH_BYTES];
  struct fault found = {.err = ERR_OK};
  (void)snprintf(path, sizeof path, "%.*s/server", PATH_BYTES - 16, keyring->folder);
  enum err err = key_pair_load(path, &keyring->server, &found);
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s: %s", path, found.text);
}

static enum err load(struct keyring *keyring, struct fault *fault) {
  TRY(read_server(keyring, fault));
  TRY(read_master(keyring, fault));
  return read_tables(keyring, &keyring->table, fault);
}

enum err keyring_load(const char *folder, const struct catalogue *catalogue, struct keyring **ret_keyring,
                      struct fault *fault) {
  struct keyring *keyring = calloc(1, sizeof *keyring);
  ASSERT(keyring != NULL);
  keyring->catalogue = catalogue;
  int length = snprintf(keyring->folder, sizeof keyring->folder, "%s", folder);
  enum err err = length < 0 || (size_t)length >= sizeof keyring->folder - 32
                     ? fault_set(fault, ERR_CONFIG, "%s: путь слишком длинный", folder)
                     : load(keyring, fault);
  if (err != ERR_OK) {
    keyring_destroy(&keyring);
    return err;
  }
  *ret_keyring = keyring;
  return ERR_OK;
}

enum err keyring_reload(struct keyring *keyring, struct fault *fault) {
  struct table table = {.count = 0};
  enum err err = read_tables(keyring, &table, fault);
  if (err != ERR_OK) {
    table_finish(&table);
    return err;
  }
  table_finish(&keyring->table);
  keyring->table = table;
  return ERR_OK;
}

void keyring_destroy(struct keyring **keyring) {
  if (*keyring) {
    table_finish(&(*keyring)->table);
    key_pair_erase(&(*keyring)->server);
    explicit_bzero((*keyring)->master, sizeof(*keyring)->master);
    free(*keyring);
    *keyring = NULL;
  }
}

/* ---- one key more or less ---- */

static size_t find_key(const struct table *table, struct span participant, struct span label) {
  size_t i = table_find_name(table, participant);
  while (i < table->count && span_is(participant, table->entries[i].name) &&
         !(table->entries[i].role == KEYRING_PARTICIPANT && span_is(label, table->entries[i].label))) {
    i++;
  }
  return i < table->count && span_is(participant, table->entries[i].name) ? i : table->count;
}

void keyring_put(struct keyring *keyring, struct span participant, struct span label, const struct key_public *key) {
  ASSERT(participant.size <= NAME_MAX_BYTES && label.size <= KEYRING_LABEL_MAX && !keyring_full(keyring));
  struct entry *entry = table_add(&keyring->table);
  entry->keys = *key;
  (void)snprintf(entry->name, sizeof entry->name, "%.*s", SPAN_ARG(participant));
  (void)snprintf(entry->label, sizeof entry->label, "%.*s", SPAN_ARG(label));
  table_sort_again(&keyring->table);
}

void keyring_take(struct keyring *keyring, struct span participant, struct span label) {
  struct table *table = &keyring->table;
  size_t at = find_key(table, participant, label);
  if (at < table->count) {
    table->entries[at] = table->entries[--table->count];
    table_sort_again(table);
  }
}

void keyring_keys(const struct keyring *keyring, struct span participant, keyring_visit visit, void *arg) {
  const struct table *table = &keyring->table;
  for (size_t i = table_find_name(table, participant); i < table->count; i++) {
    const struct entry *entry = &table->entries[i];
    if (!span_is(participant, entry->name) ||
        (entry->role == KEYRING_PARTICIPANT && !visit(arg, entry->label, &entry->keys))) {
      break;
    }
  }
}

const char *keyring_folder(const struct keyring *keyring) {
  return keyring->folder;
}

bool keyring_full(const struct keyring *keyring) {
  return keyring->table.count >= KEYRING_KEYS_MAX;
}

bool keyring_knows(const struct keyring *keyring, struct span participant) {
  return catalogue_participant(keyring->catalogue, participant) != NULL;
}

/* ---- asking ---- */

const struct key_pair *keyring_server(const struct keyring *keyring) {
  return &keyring->server;
}

const uint8_t *keyring_master(const struct keyring *keyring) {
  return keyring->master;
}

unsigned keyring_roles(const struct keyring *keyring, const uint8_t key[KEY_CONNECTION]) {
  unsigned roles = 0;
  const struct table *table = &keyring->table;
  for (size_t i = table_find_key(table, key); has_key(table, i, key); i++) {
    roles |= (unsigned)table_key(table, i)->role;
  }
  return roles;
}

unsigned keyring_roles_of_user(const struct keyring *keyring, struct span user_id) {
  uint8_t key[KEY_CONNECTION];
  return key_connection_parse(user_id, key) == ERR_OK ? keyring_roles(keyring, key) : 0;
}

bool keyring_speaks_for(const struct keyring *keyring, struct span user_id, struct span participant) {
  uint8_t key[KEY_CONNECTION];
  if (key_connection_parse(user_id, key) != ERR_OK) {
    return false;
  }
  const struct table *table = &keyring->table;
  for (size_t i = table_find_key(table, key); has_key(table, i, key); i++) {
    const struct entry *entry = table_key(table, i);
    if (entry->role == KEYRING_PARTICIPANT && span_is(participant, entry->name)) {
      return true;
    }
  }
  return false;
}

struct span keyring_name_of_user(const struct keyring *keyring, struct span user_id) {
  uint8_t key[KEY_CONNECTION];
  if (key_connection_parse(user_id, key) != ERR_OK) {
    return span_of(NULL, 0);
  }
  const struct table *table = &keyring->table;
  for (size_t i = table_find_key(table, key); has_key(table, i, key); i++) {
    if (table_key(table, i)->role != KEYRING_PARTICIPANT) {
      return span_of_cstr(table_key(table, i)->name);
    }
  }
  return span_of(NULL, 0);
}

size_t keyring_signers(const struct keyring *keyring, struct span participant,
                       uint8_t ret_keys[KEYRING_SIGNERS_MAX][SIGNING_PUBLIC]) {
  size_t count = 0;
  const struct table *table = &keyring->table;
  for (size_t i = table_find_name(table, participant); i < table->count && count < KEYRING_SIGNERS_MAX; i++) {
    const struct entry *entry = &table->entries[i];
    if (!span_is(participant, entry->name)) {
      break;
    }
    if (entry->role == KEYRING_PARTICIPANT) {
      memcpy(ret_keys[count++], entry->keys.signing, SIGNING_PUBLIC);
    }
  }
  return count;
}

struct signer_search {
  const uint8_t *signer;
  bool found;
};

static bool is_signer(void *arg, const char *label, const struct key_public *key) {
  struct signer_search *search = arg;
  (void)label;
  search->found = memcmp(key->signing, search->signer, SIGNING_PUBLIC) == 0;
  return !search->found;
}

bool keyring_signs_for(const struct keyring *keyring, struct span participant, const uint8_t signer[SIGNING_PUBLIC]) {
  struct signer_search search = {.signer = signer};
  keyring_keys(keyring, participant, is_signer, &search);
  return search.found;
}
