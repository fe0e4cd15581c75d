/* A case as bytes, and bytes that are no case. (That a restored case goes on as before: world.h, in every test.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "family_charts.h"
#include "world.h"

static const struct world_process processes[] = {{"parent", PARENT_CHART}, {"measure", MEASURE_CHART}};

static struct world w;

static int setup(void **state) {
  (void)state;
  world_open(&w, processes, sizeof processes / sizeof *processes);
  world_start(&w, "c", "parent", "begin",
              "{\"place\":\"north\",\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-02-10\"},"
              "{\"id\":\"m2\",\"kind\":\"medical\",\"due\":\"2026-01-05\"}]}");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  world_close(&w);
  return 0;
}

static struct span record_of(const char *case_id) {
  return writer_span(&world_case(&w, case_id)->record);
}

static void an_ordinary_record_is_small(void **state) {
  (void)state;
  assert_true(record_of("c").size < 1024);
  assert_true(record_of("c/m1").size < 1024);
}

static void a_cut_record_is_refused(void **state) {
  (void)state;
  struct span record = record_of("c");
  for (size_t size = 0; size < record.size; size++) {
    struct case_file *c = NULL;
    assert_int_not_equal(case_decode(w.casework, span_of(record.data, size), &c, &w.fault), ERR_OK);
    assert_null(c);
  }
}

static void a_record_with_more_behind_it_is_refused(void **state) {
  (void)state;
  struct case_file *c = NULL;
  struct span record = record_of("c");
  uint8_t *longer = arena_calloc(&w.arena, 1, record.size + 1);
  memcpy(longer, record.data, record.size);
  assert_int_equal(case_decode(w.casework, span_of(longer, record.size + 1), &c, &w.fault), ERR_CORRUPT);
}

static void a_later_version_is_told_apart_from_damage(void **state) {
  (void)state;
  struct case_file *c = NULL;
  struct case_view view;
  struct span record = record_of("c");
  uint8_t *other = arena_calloc(&w.arena, 1, record.size);
  memcpy(other, record.data, record.size);
  other[0] = 6;
  assert_int_equal(case_decode(w.casework, span_of(other, record.size), &c, &w.fault), ERR_VERSION);
  assert_int_equal(case_view_decode(span_of(other, record.size), &w.arena, &view), ERR_VERSION);
}

/* Whatever a damaged record decodes to, a step on it must not crash; the sanitizers watch. */
static void use(struct case_file *c) {
  struct case_effects effects = {.arena = &w.arena};
  struct case_view view;
  const struct case_input input = {.kind = CASE_INPUT_EVENT,
                                   .event = SPAN_LITERAL("plan"),
                                   .occurred_at = w.now,
                                   .data = world_json(&w, "{\"rows\":[]}")};
  case_view_of(c, &w.arena, &view);
  (void)!case_step(c, &input, w.now, &effects, &w.fault);
}

static void no_flipped_byte_does_harm(void **state) {
  (void)state;
  static const uint8_t flips[] = {0x01, 0x80, 0xFF, 0x10};
  static const char *const cases[] = {"c", "c/m1"};
  for (size_t which = 0; which < 2; which++) {
    struct span record = record_of(cases[which]);
    uint8_t *bytes = arena_calloc(&w.arena, 1, record.size);
    for (size_t i = 0; i < record.size * 4; i++) {
      memcpy(bytes, record.data, record.size);
      bytes[i / 4] ^= flips[i % 4];
      struct case_file *c = NULL;
      struct case_view view;
      if (case_decode(w.casework, span_of(bytes, record.size), &c, &w.fault) == ERR_OK) {
        use(c);
        case_close(&c);
      }
      (void)!case_view_decode(span_of(bytes, record.size), &w.arena, &view);
    }
  }
}

static void a_view_needs_the_head_only(void **state) {
  (void)state;
  struct case_view view;
  struct span record = record_of("c");
  assert_int_equal(case_view_decode(span_of(record.data, record.size - 50), &w.arena, &view), ERR_OK);
  assert_true(span_is(view.identity.id, "c"));
  assert_true(span_is(view.territory, "north"));
  assert_int_equal(view.children.count, 2);
}

/* Records that version 2 wrote of the cases of `setup`. */
static const char parent_2[] =
    "0200016306706172656e74000000000000056e6f727468000020373465626136656536333562386566303166363439613431633435363162"
    "3465000080929a89f66680929a89f666ffffffffffffffffff010104776f726b0204632f6d310004632f6d3200020102ffffffffffffffff"
    "ff01000100086d6561737572657301086d65617375726573000008ffffffff0f00060106726561736f6e0404706c616e0200086d65617375"
    "72657301ffffffff0f80eee58e896701ffffffffffffffffff010001026d310230640010663664333162623339346530393939349cc0029c"
    "c002ffffffff0f01000180929a89f66680929a89f666ffffffff0f00086d6561737572657301ffffffff0f80bea2b9f66602ffffffffffff"
    "ffffff010002026d32023064001066366433316262333934653039393934d4bf02e2bf02ffffffff0f01000180929a89f66680929a89f666"
    "ffffffff0f026d31076d656173757265086d65617375726573076f66666572656408646f63746f722d610101026d32076d65617375726508"
    "6d65617375726573076f66666572656408646f63746f722d6201024b435301010163000000000104776f726b000006010573746172740605"
    "02617304086167656e63792d31056576656e740405626567696e0b6f636375727265645f6f6e040a323032362d30312d313205706c616365"
    "04056e6f72746804726f77730502060303647565040a323032362d30322d313002696404026d31046b696e6404076d65646963616c060303"
    "647565040a323032362d30312d303502696404026d32046b696e6404076d65646963616c000000000104776f726b09726566657272616c73"
    "086d6561737572657300086d6561737572657300";
static const char measure_2[] =
    "020204632f6d32076d6561737572650163086d65617375726573026d32076f6666657265640008646f63746f722d62056e6f727468000020"
    "3334393261616132353036623734636430306539643430643933666337613239020080929a89f66680929a89f66680929a89f66601076f66"
    "666572656400010201ffffffffffffffffff0100010108726573706f6e73650208726573706f6e7365000100ffffffff0f00010108726573"
    "706f6e736502ffffffff0f808ebbb0f86601ffffffffffffffffff0100010003337764001066366433316262333934653039393934e2bf02"
    "e8bf02ffffffff0f00000180929a89f66680929a89f666ffffffff0f4b4353010104632f6d320100000001076f6666657265640000060305"
    "61736b656405010408646f63746f722d620a6f6666657265645f6f6e040a323032362d30312d3132057374617274060603647565040a3230"
    "32362d30312d303502696404026d32046b696e6404076d65646963616c0b6f636375727265645f6f6e040a323032362d30312d3132067265"
    "61736f6e0404706c616e097465727269746f727904056e6f7274680000000001076f66666572656408646561646c696e6508726573706f6e"
    "73650008726573706f6e736500";

static uint8_t digit_of(char c) {
  return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The bytes that the digits tell, the case being pinned to today's revision of its chart. */
static struct span written_before(const char *hex, const char *case_id) {
  enum { DIGITS = 32 };
  struct span revision = world_view(&w, case_id).revision;
  size_t size = strlen(hex) / 2;
  uint8_t *bytes = arena_alloc(&w.arena, size);
  for (size_t i = 0; i < size; i++) {
    bytes[i] = (uint8_t)(digit_of(hex[2 * i]) << 4 | digit_of(hex[2 * i + 1]));
  }
  struct case_view view;
  assert_int_equal(case_view_decode(span_of(bytes, size), &w.arena, &view), ERR_OK);
  assert_int_equal(view.revision.size, DIGITS);
  assert_int_equal(revision.size, DIGITS);
  for (size_t at = 0; at + DIGITS <= size; at++) {
    if (memcmp(bytes + at, view.revision.data, DIGITS) == 0) {
      memcpy(bytes + at, revision.data, DIGITS);
    }
  }
  return span_of(bytes, size);
}

static struct case_file *decoded(struct casework *casework, struct span record) {
  struct case_file *c = NULL;
  struct fault fault = {0};
  if (case_decode(casework, record, &c, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  return c;
}

/* Bytes before the rest of the case: the least that a view can be made of. */
static size_t head_size(struct span record) {
  struct case_view view;
  size_t size = 0;
  while (case_view_decode(span_of(record.data, size), &w.arena, &view) != ERR_OK) {
    size++;
  }
  return size;
}

/* It is the same case, and from its next step on a record of today. */
static void a_record_of_version_2_is_read(void **state) {
  (void)state;
  static const char *const ids[] = {"c", "c/m2"};
  static const char *const texts[] = {parent_2, measure_2};
  for (size_t i = 0; i < 2; i++) {
    struct span before = written_before(texts[i], ids[i]);
    struct case_file *c = decoded(w.casework, before);
    struct writer now;
    writer_init(&now);
    assert_int_equal(case_encode(c, &now, &w.fault), ERR_OK);
    assert_true(span_equal(writer_span(&now), record_of(ids[i])));
    assert_true(now.size < before.size * 4 / 5);
    writer_finish(&now);
    case_close(&c);
  }
}

static void a_cut_record_of_version_2_is_refused(void **state) {
  (void)state;
  struct span record = written_before(parent_2, "c");
  for (size_t size = 0; size < record.size; size++) {
    struct case_file *c = NULL;
    assert_int_not_equal(case_decode(w.casework, span_of(record.data, size), &c, &w.fault), ERR_OK);
  }
}

/* Records that version 4 wrote of the cases of `setup`. */
static const char parent_4[] =
    "04108302016306706172656e74056e6f72746866ab648b00ce69a5104922956cb3692580929a89f6660104776f726b0204632f6d31000463"
    "2f6d320000020102000100e23b010008060106726561736f6e0404706c616e0200e23ba504010101009cc0029cc0020100026d3102306410"
    "66366433316262333934653039393934000000e23b2501020100d4bf02e2bf020200026d320230640000026d31076d656173757265086d65"
    "617375726573076f66666572656408646f63746f722d610101026d32076d656173757265086d65617375726573076f66666572656408646f"
    "63746f722d6201024b4353027364779180010163000000000101d5426173486167656e63792d31456576656e7445626567696e4b6f636375"
    "727265645f6f6e08e2bf0245706c616365456e6f72746844726f7773c2d343647565089cc002426964426d31446b696e64476d6564696361"
    "6cd34364756508d4bf02426964426d32446b696e64476d65646963616c00010004";
static const char measure_4[] =
    "0412bfa30204632f6d31076d6561737572650163086d65617375726573026d31076f66666572656408646f63746f722d61056e6f727468ce"
    "45c961ad9aa0cd8a5a70af35f69aca80929a89f666020001076f6666657265640000010201000101988302010001019883850402010000e2"
    "bf02e8bf02010003337764106636643331626233393465303939393400004b43530294011df7800104632f6d31010000000102d643647565"
    "089cc002426964426d31446b696e64476d65646963616c4b6f636375727265645f6f6e08e2bf0246726561736f6e44706c616e4974657272"
    "69746f7279456e6f727468020561736b6564c148646f63746f722d610a6f6666657265645f6f6e08e2bf02010104";

static void pack(struct span digits, uint8_t *ret_bytes) {
  for (size_t i = 0; i < digits.size / 2; i++) {
    ret_bytes[i] = (uint8_t)(digit_of((char)digits.data[2 * i]) << 4 | digit_of((char)digits.data[2 * i + 1]));
  }
}

/* As written_before; the revision is 16 bytes there. `version` 3 knew no pauses, and is else the same. */
static struct span written_packed(const char *hex, const char *case_id, uint8_t version) {
  enum { PACKED = 16 };
  uint8_t then[PACKED], now[PACKED];
  struct case_view view;
  size_t size = strlen(hex) / 2;
  uint8_t *bytes = arena_alloc(&w.arena, size);
  pack(span_of((const uint8_t *)hex, 2 * size), bytes);
  bytes[0] = version;
  assert_int_equal(case_view_decode(span_of(bytes, size), &w.arena, &view), ERR_OK);
  pack(view.revision, then);
  pack(world_view(&w, case_id).revision, now);
  for (size_t at = 0; at + PACKED <= size; at++) {
    if (memcmp(bytes + at, then, PACKED) == 0) {
      memcpy(bytes + at, now, PACKED);
    }
  }
  return span_of(bytes, size);
}

static void records_of_versions_3_and_4_are_read_and_have_no_documents(void **state) {
  (void)state;
  static const char *const ids[] = {"c", "c/m1"};
  static const char *const texts[] = {parent_4, measure_4};
  for (size_t i = 0; i < 4; i++) {
    struct case_file *c = decoded(w.casework, written_packed(texts[i % 2], ids[i % 2], i < 2 ? 3 : 4));
    struct case_view view;
    struct writer now;
    writer_init(&now);
    case_view_of(c, &w.arena, &view);
    assert_int_equal(view.documents_count, 0);
    assert_int_equal(case_encode(c, &now, &w.fault), ERR_OK);
    assert_true(span_equal(writer_span(&now), record_of(ids[i % 2])));
    writer_finish(&now);
    case_close(&c);
  }
}

/* Which revision it began with was not yet written down: it goes on with the present one, and is pinned to that. */
static void a_record_of_version_1_is_read(void **state) {
  (void)state;
  static const uint8_t head[] = "\x01\x00\x04"
                                "c/m2\x07measure\x01"
                                "c\x08measures\x02m2\x07offered\x00\x08"
                                "doctor-a\x05north\x00\x00\x02\x00\x80\x9d\xef\xe8\xf5\x66\x80\x9d\xef\xe8\xf5\x66"
                                "\x80\x9d\xef\xe8\xf5\x66\x01\x07offered";
  struct span record = written_before(measure_2, "c/m2");
  size_t now = head_size(record);
  uint8_t *old = arena_alloc(&w.arena, sizeof head + record.size);
  memcpy(old, head, sizeof head); /* the last byte is the number of its children: none */
  memcpy(old + sizeof head, record.data + now, record.size - now);
  struct case_view view;
  assert_int_equal(case_view_decode(span_of(old, sizeof head), &w.arena, &view), ERR_OK);
  assert_true(span_is(view.identity.key, "m2"));
  assert_true(span_is(view.addressee, "doctor-a"));
  assert_true(span_empty(view.revision));
  assert_true(view.identity.referral);
  struct case_file *c = decoded(w.casework, span_of(old, sizeof head + record.size - now));
  assert_true(span_empty(case_revision(c)));
  const struct case_input accepted = {
      .kind = CASE_INPUT_EVENT, .event = SPAN_LITERAL("accepted"), .occurred_at = w.now};
  struct case_effects effects = {.arena = &w.arena};
  assert_int_equal(case_step(c, &accepted, w.now, &effects, &w.fault), ERR_OK);
  assert_true(case_took(c));
  assert_true(span_equal(case_revision(c), world_view(&w, "c/m2").revision));
  case_close(&c);
}

/* It can be shown and asked, so that it can be parked; it cannot go on. */
static void without_its_definition_a_case_is_known_but_not_stepped(void **state) {
  (void)state;
  struct world other;
  struct case_view view;
  struct case_effects effects = {.arena = &w.arena};
  const struct case_input input = {.kind = CASE_INPUT_EVENT, .event = SPAN_LITERAL("plan"), .occurred_at = w.now};
  world_open(&other, &processes[1], 1);
  struct case_file *c = decoded(other.casework, record_of("c"));
  case_view_of(c, &w.arena, &view);
  assert_true(span_is(view.identity.process, "parent"));
  assert_true(span_equal(view.revision, world_view(&w, "c").revision));
  assert_int_equal(view.states.count, 1);
  assert_true(span_is(view.states.items[0], "work"));
  assert_int_equal(view.live.count, 2);
  assert_false(case_has_ended(c));
  assert_true(case_knows(c, SPAN_LITERAL("whatever")));
  assert_false(case_watches(c, SPAN_LITERAL("plan")));
  assert_int_equal(case_step(c, &input, w.now, &effects, &w.fault), ERR_CONFIG);
  assert_int_equal(effects.count, 0);
  struct writer record;
  writer_init(&record);
  assert_int_equal(case_encode(c, &record, &w.fault), ERR_CONFIG);
  writer_finish(&record);
  case_close(&c);
  world_close(&other);
}

/* Two charts of one name side by side: each case goes by its own. */
static void a_case_goes_on_by_its_own_revision(void **state) {
  (void)state;
  static const struct world_process now = {"parent",
                                           "<state id='new'><transition event='closed' target='over'/></state>"
                                           "<final id='over'/>"};
  struct world other;
  struct span revision = world_view(&w, "c").revision;
  world_open(&other, &now, 1);
  world_define(&other, &processes[0], revision);
  struct case_file *old = decoded(other.casework, record_of("c"));
  assert_true(case_knows(old, SPAN_LITERAL("plan")));
  assert_true(span_equal(case_revision(old), revision));
  case_close(&old);
  world_start(&other, "n", "parent", "begin", "{}");
  assert_true(span_is(world_view(&other, "n").states.items[0], "new"));
  assert_false(span_equal(world_view(&other, "n").revision, revision));
  assert_false(case_knows(world_case(&other, "n")->kept, SPAN_LITERAL("plan")));
  world_close(&other);
}

static void a_revision_is_the_chart_the_settings_and_nothing_else(void **state) {
  (void)state;
  char a[CASEWORK_REVISION_SIZE], b[CASEWORK_REVISION_SIZE];
  struct value settings = world_json(&w, "{\"x\":1,\"y\":\"5d\"}");
  struct value reordered = world_json(&w, "{\"y\":\"5d\",\"x\":1}");
  struct value changed = world_json(&w, "{\"x\":2,\"y\":\"5d\"}");
  casework_revision(SPAN_LITERAL("<scxml/>"), &settings, a);
  casework_revision(SPAN_LITERAL("<scxml/>"), &reordered, b);
  assert_memory_equal(a, b, sizeof a);
  casework_revision(SPAN_LITERAL("<scxml/>"), &changed, b);
  assert_memory_not_equal(a, b, sizeof a);
  casework_revision(SPAN_LITERAL("<scxml />"), &settings, b);
  assert_memory_not_equal(a, b, sizeof a);
}

/* A record numbers what its chart has. A revision is the chart's text, so another chart under the same one is a mistake
 * of whoever defined it. */
static void a_chart_that_changed_under_its_revision_is_refused(void **state) {
  (void)state;
  static const struct world_process others[] = {
      {"parent", "<state id='before'><k:deadline id='new' from='1' due='1d'/></state>" PARENT_CHART},
      {"parent", "<state id='work'/><state id='away'/><final id='end'/>"},
  };
  struct world other;
  struct case_file *c = NULL;
  struct span revision = world_view(&w, "c").revision;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    world_open(&other, NULL, 0);
    world_define(&other, &others[i], revision);
    assert_int_equal(case_decode(other.casework, record_of("c"), &c, &w.fault), ERR_CONFLICT);
    world_close(&other);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_ordinary_record_is_small),
      TEST(a_cut_record_is_refused),
      TEST(a_record_with_more_behind_it_is_refused),
      TEST(a_later_version_is_told_apart_from_damage),
      TEST(no_flipped_byte_does_harm),
      TEST(a_view_needs_the_head_only),
      TEST(a_record_of_version_1_is_read),
      TEST(a_record_of_version_2_is_read),
      TEST(records_of_versions_3_and_4_are_read_and_have_no_documents),
      TEST(a_cut_record_of_version_2_is_refused),
      TEST(without_its_definition_a_case_is_known_but_not_stepped),
      TEST(a_case_goes_on_by_its_own_revision),
      TEST(a_revision_is_the_chart_the_settings_and_nothing_else),
      TEST(a_chart_that_changed_under_its_revision_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
