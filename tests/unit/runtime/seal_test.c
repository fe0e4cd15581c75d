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
  uint8_t a[SEAL_HASH_SIZE] = {0};
  uint8_t b[SEAL_HASH_SIZE] = {0};
  seal_hash(SPAN_LITERAL("message"), digest);
  seal_chain(a, &(struct seal_link){1, 100, digest});
  seal_chain(b, &(struct seal_link){1, 101, digest});
  assert_memory_not_equal(a, b, sizeof a);
  seal_chain(a, &(struct seal_link){2, 200, digest});
  seal_chain(b, &(struct seal_link){2, 200, digest});
  assert_memory_not_equal(a, b, sizeof a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_sealed_opens_under_its_key),       TEST(another_person_another_key),
      TEST(another_master_key_opens_nothing),          TEST(a_changed_or_cut_box_is_corrupt),
      TEST(the_chain_depends_on_all_that_went_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
