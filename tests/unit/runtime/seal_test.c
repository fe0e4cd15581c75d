/* Without the person's key nothing can be read; the chain does not care. */
#include "check.h"

#include "runtime/seal.h"

static struct seal seal;
static struct arena arena;
static struct writer wrapped, sealed;

static int setup(void **state) {
  (void)state;
  static const uint8_t master[SEAL_KEY_SIZE] = {1, 2, 3};
  arena_init(&arena, 0);
  writer_init(&wrapped);
  writer_init(&sealed);
  return seal_init(&seal, &(struct seal_options){.master_key = master}) == ERR_OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  seal_finish(&seal);
  writer_finish(&sealed);
  writer_finish(&wrapped);
  arena_finish(&arena);
  return 0;
}

static void what_was_sealed_opens_under_its_key(void **state) {
  (void)state;
  seal_new_key(&seal, &wrapped);
  assert_int_equal(ERR_OK, seal_close(&seal, writer_span(&wrapped), SPAN_LITERAL("Иванов"), &sealed));
  struct span plain;
  assert_int_equal(ERR_OK, seal_open(&seal, writer_span(&wrapped), writer_span(&sealed), &arena, &plain));
  assert_span(plain, "Иванов");
}

static void another_person_another_key(void **state) {
  (void)state;
  struct writer other;
  writer_init(&other);
  seal_new_key(&seal, &wrapped);
  seal_new_key(&seal, &other);
  struct span plain;
  assert_int_equal(ERR_OK, seal_close(&seal, writer_span(&wrapped), SPAN_LITERAL("x"), &sealed));
  assert_int_equal(ERR_CORRUPT, seal_open(&seal, writer_span(&other), writer_span(&sealed), &arena, &plain));
  writer_finish(&other);
}

static void another_master_key_opens_nothing(void **state) {
  (void)state;
  seal_new_key(&seal, &wrapped);
  assert_int_equal(ERR_OK, seal_close(&seal, writer_span(&wrapped), SPAN_LITERAL("x"), &sealed));
  static const uint8_t other[SEAL_KEY_SIZE] = {9};
  struct seal thief;
  assert_int_equal(ERR_OK, seal_init(&thief, &(struct seal_options){.master_key = other}));
  struct span plain;
  assert_int_equal(ERR_CORRUPT, seal_open(&thief, writer_span(&wrapped), writer_span(&sealed), &arena, &plain));
  seal_finish(&thief);
}

static void a_changed_or_cut_box_is_corrupt(void **state) {
  (void)state;
  seal_new_key(&seal, &wrapped);
  assert_int_equal(ERR_OK, seal_close(&seal, writer_span(&wrapped), SPAN_LITERAL("text"), &sealed));
  struct span plain;
  for (size_t i = 0; i < sealed.size; i++) {
    sealed.data[i] ^= 1;
    assert_int_equal(ERR_CORRUPT, seal_open(&seal, writer_span(&wrapped), writer_span(&sealed), &arena, &plain));
    sealed.data[i] ^= 1;
    assert_int_equal(ERR_CORRUPT, seal_open(&seal, writer_span(&wrapped), span_of(sealed.data, i), &arena, &plain));
  }
}

static void the_chain_depends_on_all_that_went_before(void **state) {
  (void)state;
  uint8_t digest[SEAL_HASH_SIZE];
  uint8_t content[SEAL_HASH_SIZE] = {1};
  uint8_t a[SEAL_HASH_SIZE] = {0};
  uint8_t b[SEAL_HASH_SIZE] = {0};
  seal_hash(SPAN_LITERAL("message"), digest);
  seal_chain(a, &(struct seal_link){1, 100, digest, content});
  seal_chain(b, &(struct seal_link){1, 101, digest, content});
  assert_memory_not_equal(a, b, sizeof a);
  seal_chain(a, &(struct seal_link){2, 200, digest, content});
  seal_chain(b, &(struct seal_link){2, 200, digest, content});
  assert_memory_not_equal(a, b, sizeof a);
}

static void the_chain_covers_the_content_but_for_entries_of_version_1(void **state) {
  (void)state;
  uint8_t digest[SEAL_HASH_SIZE] = {7};
  uint8_t content[SEAL_HASH_SIZE] = {1};
  uint8_t a[SEAL_HASH_SIZE] = {0};
  uint8_t b[SEAL_HASH_SIZE] = {0};
  uint8_t c[SEAL_HASH_SIZE] = {0};
  seal_chain(a, &(struct seal_link){1, 100, digest, content});
  content[0] = 2;
  seal_chain(b, &(struct seal_link){1, 100, digest, content});
  seal_chain(c, &(struct seal_link){1, 100, digest, NULL});
  assert_memory_not_equal(a, b, sizeof a);
  /* BLAKE2b-256 of 32 zeros, 1 and 100 as u64, and the digest: what version 1 wrote. */
  static const uint8_t before[32 + 8 + 8 + 32] = {[39] = 1, [47] = 100, [48] = 7};
  uint8_t expected[SEAL_HASH_SIZE];
  seal_hash(span_of(before, sizeof before), expected);
  assert_memory_equal(expected, c, sizeof c);
}

static void a_salt_needs_the_master_key(void **state) {
  (void)state;
  static const uint8_t other[SEAL_KEY_SIZE] = {9};
  uint8_t chain[SEAL_HASH_SIZE] = {3};
  uint8_t a[SEAL_SALT_SIZE];
  uint8_t b[SEAL_SALT_SIZE];
  struct seal thief;
  assert_int_equal(ERR_OK, seal_init(&thief, &(struct seal_options){.master_key = other}));
  seal_salt(&seal, chain, a);
  seal_salt(&thief, chain, b);
  assert_memory_not_equal(a, b, sizeof a);
  seal_salt(&seal, chain, b);
  assert_memory_equal(a, b, sizeof a);
  seal_finish(&thief);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_sealed_opens_under_its_key),
      TEST(another_person_another_key),
      TEST(another_master_key_opens_nothing),
      TEST(a_changed_or_cut_box_is_corrupt),
      TEST(the_chain_depends_on_all_that_went_before),
      TEST(the_chain_covers_the_content_but_for_entries_of_version_1),
      TEST(a_salt_needs_the_master_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
