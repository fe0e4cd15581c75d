/* Key files and connection keys as text. */
#include <sys/stat.h>

#include "fuzz.h"
#include "wire/keys.h"

static void read_file(const char *path) {
  struct key_pair pair;
  struct key_public all;
  struct fault fault = {0};
  enum err err = key_public_load(path, &all, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
  }
  struct fault fault_pair = {0};
  enum err err_pair = key_pair_load(path, &pair, &fault_pair);
  if (err_pair != ERR_OK) {
    fuzz_refused(err_pair, &fault_pair);
    return;
  }
  ASSERT(err == ERR_FORBIDDEN); /* a pair is never taken for a public key */
}

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  uint8_t key[KEY_CONNECTION];
  char text[KEY_CONNECTION_TEXT];
  const char *path = fuzz_file(".keys", input);
  ASSERT(chmod(path, 0600) == 0);
  read_file(path);
  if (key_connection_parse(input, key) == ERR_OK) {
    uint8_t again[KEY_CONNECTION];
    key_connection_format(key, text);
    ASSERT(key_connection_parse(span_of_cstr(text), again) == ERR_OK);
    ASSERT(memcmp(key, again, sizeof key) == 0);
  }
}
