#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/keys.h"

static char folder[64];
static char path[96];
static char path_public[100];
static struct fault fault;

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/kurator-keys-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/ufsin.key", folder);
  (void)snprintf(path_public, sizeof path_public, "%s.pub", path);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  (void)unlink(path);
  (void)unlink(path_public);
  (void)rmdir(folder);
  return 0;
}

static void keys_come_back_from_their_file(void **state) {
  (void)state;
  struct key_pair made, read;
  struct key_public half;
  assert_int_equal(key_pair_create(path, &made, &fault), ERR_OK);
  assert_int_equal(key_pair_load(path, &read, &fault), ERR_OK);
  assert_memory_equal(&made, &read, sizeof made);
  assert_int_equal(key_public_load(path_public, &half, &fault), ERR_OK);
  assert_memory_equal(half.connection, made.connection_public, KEY_CONNECTION);
  assert_memory_equal(half.signing, made.signing.public_key, SIGNING_PUBLIC);
}

/* Whoever hands over the wrong file is told so, before it goes anywhere. */
static void a_file_with_secrets_is_no_public_key(void **state) {
  (void)state;
  struct key_pair made;
  struct key_public half;
  assert_int_equal(key_pair_create(path, &made, &fault), ERR_OK);
  assert_int_equal(key_public_load(path, &half, &fault), ERR_FORBIDDEN);
  assert_non_null(strstr(fault.text, "это закрытый ключ"));
  assert_non_null(strstr(fault.text, ".pub"));
  FILE *file = fopen(path_public, "ae");
  assert_non_null(file);
  assert_true(fputs("connection-secret: 00\n", file) >= 0);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(key_public_load(path_public, &half, &fault), ERR_FORBIDDEN);
}

static void secrets_are_for_the_owner_only(void **state) {
  (void)state;
  struct key_pair pair;
  struct stat info;
  assert_int_equal(key_pair_create(path, &pair, &fault), ERR_OK);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(chmod(path, 0640), 0);
  assert_int_equal(key_pair_load(path, &pair, &fault), ERR_FORBIDDEN);
}

static void the_public_file_holds_no_secret(void **state) {
  (void)state;
  struct key_pair pair;
  assert_int_equal(key_pair_create(path, &pair, &fault), ERR_OK);
  FILE *file = fopen(path_public, "re");
  assert_non_null(file);
  char text[2000] = "";
  assert_true(fread(text, 1, sizeof text - 1, file) > 0);
  assert_int_equal(fclose(file), 0);
  assert_null(strstr(text, "secret"));
  struct key_pair none;
  assert_int_equal(key_pair_load(path_public, &none, &fault), ERR_FORBIDDEN);
}

static void an_existing_key_is_never_overwritten(void **state) {
  (void)state;
  struct key_pair first, second, read;
  assert_int_equal(key_pair_create(path, &first, &fault), ERR_OK);
  assert_int_equal(key_pair_create(path, &second, &fault), ERR_EXISTS);
  assert_int_equal(key_pair_load(path, &read, &fault), ERR_OK);
  assert_memory_equal(&first, &read, sizeof first);
}

static void a_damaged_or_mixed_file_is_refused(void **state) {
  (void)state;
  struct key_pair pair;
  assert_int_equal(key_pair_load(path, &pair, &fault), ERR_NOT_FOUND);
  assert_int_equal(key_pair_create(path, &pair, &fault), ERR_OK);
  FILE *file = fopen(path, "r+e");
  assert_non_null(file);
  char text[2000] = "";
  assert_true(fread(text, 1, sizeof text - 1, file) > 0);
  char *secret = strstr(text, "connection-secret: ");
  assert_non_null(secret);
  secret += strlen("connection-secret: ") + 20;
  *secret = *secret == '0' ? '1' : '0';
  rewind(file);
  assert_true(fwrite(text, 1, strlen(text), file) > 0);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(key_pair_load(path, &pair, &fault), ERR_INVALID);
  assert_int_equal(truncate(path, 150), 0);
  assert_int_equal(key_pair_load(path, &pair, &fault), ERR_FORMAT);
}

static void a_key_is_read_back_from_its_text(void **state) {
  (void)state;
  struct key_pair pair;
  uint8_t key[KEY_CONNECTION];
  char text[KEY_CONNECTION_TEXT];
  assert_int_equal(key_pair_generate(&pair), ERR_OK);
  key_connection_format(pair.connection_public, text);
  assert_int_equal(key_connection_parse(span_of_cstr(text), key), ERR_OK);
  assert_memory_equal(key, pair.connection_public, sizeof key);
  assert_int_equal(key_connection_parse(SPAN_LITERAL("abc"), key), ERR_FORMAT);
  text[3] = 'x';
  assert_int_equal(key_connection_parse(span_of_cstr(text), key), ERR_FORMAT);
}

int main(void) {
#define PROMISE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      PROMISE(keys_come_back_from_their_file),       PROMISE(a_file_with_secrets_is_no_public_key),
      PROMISE(secrets_are_for_the_owner_only),       PROMISE(the_public_file_holds_no_secret),
      PROMISE(an_existing_key_is_never_overwritten), PROMISE(a_damaged_or_mixed_file_is_refused),
      PROMISE(a_key_is_read_back_from_its_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
