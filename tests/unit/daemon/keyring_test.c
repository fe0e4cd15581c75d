/* Which key may speak for whom, from files as `kurator keys generate` writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/keyring.h"

static char folder[64];

static struct participant participants[] = {
    {.id = {(const uint8_t *)"alpha", 5}, .kind = {(const uint8_t *)"k", 1}},
    {.id = {(const uint8_t *)"beta", 4}, .kind = {(const uint8_t *)"k", 1}},
};
static const struct catalogue catalogue = {.participants = participants, .participants_count = 2};

static const char *path_of(const char *name) {
  static char path[256];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void write_text(const char *name, const char *text) {
  FILE *file = fopen(path_of(name), "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(0, fclose(file));
}

/* Makes NAME and NAME.pub outside the registry and puts a copy of the public half at `place`. */
static struct key_pair pair_at(const char *name, const char *place) {
  struct key_pair pair;
  struct fault fault = {.err = ERR_OK};
  char made[256];
  char text[4096];
  (void)snprintf(made, sizeof made, "%s/%s", folder, name);
  assert_int_equal(ERR_OK, key_pair_create(made, &pair, &fault));
  (void)snprintf(made, sizeof made, "%s/%s.pub", folder, name);
  FILE *file = fopen(made, "r");
  assert_non_null(file);
  size_t size = fread(text, 1, sizeof text - 1, file);
  text[size] = '\0';
  assert_int_equal(0, fclose(file));
  write_text(place, text);
  return pair;
}

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/kurator-keyring-XXXXXX");
  assert_non_null(mkdtemp(folder));
  assert_int_equal(ERR_OK, signing_start());
  assert_int_equal(0, mkdir(path_of("participants"), 0700));
  assert_int_equal(0, mkdir(path_of("operators"), 0700));
  struct key_pair server;
  assert_int_equal(ERR_OK, key_pair_create(path_of("server"), &server, NULL));
  write_text("master", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command); /* NOLINT(cert-env33-c): the folder's name is our own */
}

static struct keyring *must_load(void) {
  struct keyring *keyring = NULL;
  struct fault fault = {.err = ERR_OK};
  if (keyring_load(folder, &catalogue, &keyring, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  return keyring;
}

static void must_fail(enum err err, const char *word) {
  struct keyring *keyring = NULL;
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(err, keyring_load(folder, &catalogue, &keyring, &fault));
  assert_null(keyring);
  if (!strstr(fault.text, word)) {
    fail_msg("%s is not in: %s", word, fault.text);
  }
}

static struct span user_of(const struct key_pair *pair) {
  static char text[KEY_CONNECTION_TEXT];
  key_connection_format(pair->connection_public, text);
  return span_of_cstr(text);
}

static void a_key_speaks_for_its_participant_and_nobody_else(void **state) {
  (void)state;
  struct key_pair alpha = pair_at("a", "participants/alpha.pub");
  struct key_pair beta = pair_at("b", "participants/beta.pub");
  DEFER(keyring_destroy) struct keyring *keyring = must_load();
  assert_true(keyring_speaks_for(keyring, user_of(&alpha), SPAN_LITERAL("alpha")));
  assert_false(keyring_speaks_for(keyring, user_of(&alpha), SPAN_LITERAL("beta")));
  assert_false(keyring_speaks_for(keyring, user_of(&alpha), SPAN_LITERAL("alph")));
  assert_true(keyring_speaks_for(keyring, user_of(&beta), SPAN_LITERAL("beta")));
  assert_false(keyring_speaks_for(keyring, SPAN_LITERAL("no key at all"), SPAN_LITERAL("beta")));
  assert_int_equal(KEYRING_PARTICIPANT, keyring_roles_of_user(keyring, user_of(&alpha)));
}

static void one_key_may_serve_several_participants(void **state) {
  (void)state;
  struct key_pair shared = pair_at("s", "participants/alpha.pub");
  char text[4096];
  FILE *file = fopen(path_of("s.pub"), "r");
  assert_non_null(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  assert_int_equal(0, fclose(file));
  write_text("participants/beta.pub", text);
  DEFER(keyring_destroy) struct keyring *keyring = must_load();
  assert_true(keyring_speaks_for(keyring, user_of(&shared), SPAN_LITERAL("alpha")));
  assert_true(keyring_speaks_for(keyring, user_of(&shared), SPAN_LITERAL("beta")));
}

static void an_old_and_a_new_key_are_valid_side_by_side(void **state) {
  (void)state;
  struct key_pair old = pair_at("o", "participants/alpha.pub");
  struct key_pair new = pair_at("n", "participants/alpha@2027.pub");
  uint8_t keys[KEYRING_SIGNERS_MAX][SIGNING_PUBLIC];
  DEFER(keyring_destroy) struct keyring *keyring = must_load();
  assert_true(keyring_speaks_for(keyring, user_of(&old), SPAN_LITERAL("alpha")));
  assert_true(keyring_speaks_for(keyring, user_of(&new), SPAN_LITERAL("alpha")));
  assert_int_equal(2, keyring_signers(keyring, SPAN_LITERAL("alpha"), keys));
  assert_memory_not_equal(keys[0], keys[1], SIGNING_PUBLIC);
  assert_int_equal(0, keyring_signers(keyring, SPAN_LITERAL("beta"), keys));
}

static void an_operator_is_no_participant(void **state) {
  (void)state;
  struct key_pair operator_pair = pair_at("op", "operators/alpha.pub");
  DEFER(keyring_destroy) struct keyring *keyring = must_load();
  assert_int_equal(KEYRING_OPERATOR, keyring_roles_of_user(keyring, user_of(&operator_pair)));
  assert_false(keyring_speaks_for(keyring, user_of(&operator_pair), SPAN_LITERAL("alpha")));
  assert_true(span_is(keyring_name_of_user(keyring, user_of(&operator_pair)), "alpha"));
}

static void the_right_to_personal_data_is_given_beside_the_office(void **state) {
  (void)state;
  struct key_pair officer = pair_at("op", "operators/petrova.pub");
  assert_int_equal(0, mkdir(path_of("privacy"), 0700));
  struct key_pair stranger = pair_at("st", "privacy/stranger.pub");
  char text[4096];
  FILE *file = fopen(path_of("op.pub"), "r");
  assert_non_null(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  assert_int_equal(0, fclose(file));
  write_text("privacy/petrova.pub", text);
  DEFER(keyring_destroy) struct keyring *keyring = must_load();
  assert_int_equal(KEYRING_OPERATOR | KEYRING_PRIVACY, keyring_roles_of_user(keyring, user_of(&officer)));
  assert_true(span_is(keyring_name_of_user(keyring, user_of(&officer)), "petrova"));
  assert_int_equal(KEYRING_PRIVACY, keyring_roles_of_user(keyring, user_of(&stranger))); /* opens no door by itself */
}

static void a_reload_that_fails_leaves_the_old_keys(void **state) {
  (void)state;
  struct key_pair alpha = pair_at("a", "participants/alpha.pub");
  struct fault fault;
  DEFER(keyring_destroy) struct keyring *keyring = must_load();
  write_text("participants/beta.pub", "not a key\n");
  assert_int_not_equal(ERR_OK, keyring_reload(keyring, &fault));
  assert_true(keyring_speaks_for(keyring, user_of(&alpha), SPAN_LITERAL("alpha")));
  assert_int_equal(0, unlink(path_of("participants/beta.pub")));
  assert_int_equal(0, unlink(path_of("participants/alpha.pub")));
  assert_int_equal(ERR_OK, keyring_reload(keyring, &fault));
  assert_false(keyring_speaks_for(keyring, user_of(&alpha), SPAN_LITERAL("alpha")));
}

static void a_key_of_somebody_unknown_is_a_mistake(void **state) {
  (void)state;
  (void)pair_at("g", "participants/gamma.pub");
  must_fail(ERR_CONFIG, "gamma");
}

static void missing_or_spoiled_secrets_are_named(void **state) {
  (void)state;
  write_text("master", "00010203\n");
  must_fail(ERR_FORMAT, "/master");
  assert_int_equal(0, unlink(path_of("master")));
  must_fail(ERR_NOT_FOUND, "/master");
  assert_int_equal(0, unlink(path_of("server")));
  must_fail(ERR_NOT_FOUND, "/server");
}

static void other_files_in_the_registry_are_passed_over(void **state) {
  (void)state;
  write_text("participants/README", "who is who\n");
  write_text("participants/.alpha.pub.swp", "editor\n");
  DEFER(keyring_destroy) struct keyring *keyring = must_load();
  uint8_t key[KEY_CONNECTION] = {0};
  assert_int_equal(0, keyring_roles(keyring, key));
}

#define KEYRING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      KEYRING_TEST(a_key_speaks_for_its_participant_and_nobody_else),
      KEYRING_TEST(one_key_may_serve_several_participants),
      KEYRING_TEST(an_old_and_a_new_key_are_valid_side_by_side),
      KEYRING_TEST(an_operator_is_no_participant),
      KEYRING_TEST(the_right_to_personal_data_is_given_beside_the_office),
      KEYRING_TEST(a_reload_that_fails_leaves_the_old_keys),
      KEYRING_TEST(a_key_of_somebody_unknown_is_a_mistake),
      KEYRING_TEST(missing_or_spoiled_secrets_are_named),
      KEYRING_TEST(other_files_in_the_registry_are_passed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
