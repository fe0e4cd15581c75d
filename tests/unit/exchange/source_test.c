#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "exchange/encoding.h"
#include "exchange/lines.h"
#include "exchange/row.h"
#include "exchange/source.h"

#define PROFILE     KURATOR_SOURCE_DIR "/adapters/ufsin/profile.yaml"
#define ANSWERS     KURATOR_SOURCE_DIR "/adapters/health/profile.yaml"
#define DECISIONS   KURATOR_SOURCE_DIR "/adapters/working_group/profile.yaml"
#define TERRITORIES KURATOR_SOURCE_DIR "/config/territories.yaml"
#define DATA        KURATOR_SOURCE_DIR "/ops/demo.d/data/"

struct world {
  struct arena arena;
  struct profile *profile;
  char path[64];
};

static int make_world(void **state) {
  struct world *world = calloc(1, sizeof *world);
  struct fault fault = {0};
  assert_non_null(world);
  arena_init(&world->arena, 0);
  assert_int_equal(profile_load(PROFILE, TERRITORIES, &world->profile, &fault), ERR_OK);
  snprintf(world->path, sizeof world->path, "/tmp/kurator-source-XXXXXX");
  int fd = mkstemp(world->path);
  assert_true(fd >= 0);
  close(fd);
  *state = world;
  return 0;
}

static int end_world(void **state) {
  struct world *world = *state;
  unlink(world->path);
  profile_destroy(&world->profile);
  arena_finish(&world->arena);
  free(world);
  return 0;
}

static void write_file(const struct world *world, const char *bytes, size_t size) {
  FILE *file = fopen(world->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

struct count {
  unsigned good, bad;
  struct fault last;
};

static struct count read_all(struct world *world, const char *path) {
  struct count count = {0};
  struct source *source = NULL;
  struct record record;
  struct fault fault = {0};
  assert_int_equal(source_open(path, world->profile, &source, &fault), ERR_OK);
  while (source_next(source, &world->arena, &record) == ERR_OK) {
    count.good += record.err == ERR_OK;
    count.bad += record.err != ERR_OK;
    if (record.err != ERR_OK) {
      count.last = record.fault;
      assert_int_not_equal(record.fault.text[0], '\0');
    }
  }
  source_close(&source);
  return count;
}

static void every_notice_of_the_demonstration_is_read(void **state) {
  struct count count = read_all(*state, DATA "ufsin-notices-2026.csv");
  assert_int_equal(count.good, 439);
  assert_int_equal(count.bad, 0);
}

static void damaged_rows_of_windows_1251_are_refused_and_the_rest_goes_on(void **state) {
  struct count count = read_all(*state, DATA "ufsin-notices-dirty.cp1251.csv");
  assert_int_equal(count.good + count.bad, 124);
  assert_int_equal(count.bad, 2); /* a cut row and a 31 February */
}

static void a_row_becomes_codes_and_iso_dates(void **state) {
  struct world *world = *state;
  struct source *source = NULL;
  struct record record;
  struct fault fault = {0};
  assert_int_equal(source_open(DATA "ufsin-notices-2026.csv", world->profile, &source, &fault), ERR_OK);
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  const struct exchange_event *event = &record.event;
  assert_int_equal(record.line, 2);
  assert_true(span_is(event->event, "release.notice"));
  assert_true(span_is(event->case_id, "86-2025-00137"));
  assert_true(span_is(value_get_text(&event->data, "release_date"), "2026-01-04"));
  assert_true(span_is(value_get_text(&event->data, "municipality"), "khanty-mansiysk"));
  assert_true(value_get(&event->data, "consent")->truth);
  assert_int_equal(value_get(&event->data, "needs")->list.count, 1);
  source_close(&source);
}

static void a_date_that_does_not_exist_names_the_column_and_not_the_value(void **state) {
  struct world *world = *state;
  struct source *source = NULL;
  struct record record;
  struct fault fault = {0};
  assert_int_equal(profile_load(ANSWERS, NULL, &world->profile, &fault), ERR_OK);
  static const char text[] = "Направление;Предложение;Ответ;Дата\r\n86-1/support/m1;1;принято;31.02.2026\r\n"
                             "86-1/support/m1;1;принято;28.02.2026\r\n";
  write_file(world, text, sizeof text - 1);
  assert_int_equal(source_open(world->path, world->profile, &source, &fault), ERR_OK);
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_int_equal(record.err, ERR_INVALID);
  assert_non_null(strstr(record.fault.text, "Дата"));
  assert_null(strstr(record.fault.text, "31.02"));
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_int_equal(record.err, ERR_OK);
  assert_true(span_is(record.event.event, "referral.accepted"));
  assert_true(span_is(value_get_text(&record.event.data, "accepted_on"), "2026-02-28"));
  source_close(&source);
}

/* What is mended one at a time comes back as often. */
static void all_that_is_wrong_with_a_row_is_told_at_once(void **state) {
  struct world *world = *state;
  struct source *source = NULL;
  struct record record;
  struct fault fault = {0};
  static const char text[] =
      "Номер извещения;Редакция;Дата извещения;Учреждение;Фамилия;Имя;Дата рождения;Планируемая дата освобождения;"
      "Муниципальное образование прибытия\r\n"
      "86-2026-00001;первая;31.02.2026;ИК-11;Неразглашаемов;;01.02.1980;30.08.2027;Сургут\r\n"
      ";x;x;;;;x;x;Атлантида\r\n";
  write_file(world, text, sizeof text - 1);
  assert_int_equal(source_open(world->path, world->profile, &source, &fault), ERR_OK);
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_int_equal(record.err, ERR_INVALID);
  assert_string_equal(record.fault.text,
                      "Столбец «Редакция»: ожидается целое число; «Дата извещения»: такой даты не бывает; "
                      "«Имя»: не заполнен.");
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_int_equal(record.err, ERR_INVALID);
  assert_non_null(strstr(record.fault.text, "Столбец «Редакция»: ожидается целое число; "));
  assert_non_null(strstr(record.fault.text, ". И ещё ошибок: "));
  assert_true(span_is_text(span_of_cstr(record.fault.text)));
  assert_null(strstr(record.fault.text, "Атлантида"));
  source_close(&source);
}

static int answers_world(void **state) {
  make_world(state);
  struct world *world = *state;
  profile_destroy(&world->profile);
  return 0;
}

static void a_forgotten_quote_costs_one_row(void **state) {
  struct world *world = *state;
  struct fault fault = {0};
  assert_int_equal(profile_load(ANSWERS, NULL, &world->profile, &fault), ERR_OK);
  static const char text[] = "Направление;Предложение;Ответ;Дата;Примечание\n"
                             "a;1;принято;01.02.2026;\"не закрыта\n"
                             "b;1;принято;01.02.2026;да\n"
                             "c;1;принято;01.02.2026;\"две\nстроки\"\n"
                             "d;1;принято;01.02.2026;\n"
                             "e;1;принято;01.02.2026;\n"
                             "f;1;принято;01.02.2026;\n";
  write_file(world, text, sizeof text - 1);
  struct count count = read_all(world, world->path);
  assert_int_equal(count.bad, 1);
  assert_int_equal(count.good, 5);
}

static void a_line_without_end_is_skipped_in_bounded_memory(void **state) {
  struct world *world = *state;
  struct line_reader *reader = NULL;
  struct line line;
  size_t size = (size_t)5 << 20;
  static const char tail[] = "\nlast\r\n\n";
  char *text = malloc(size + 1);
  assert_non_null(text);
  memset(text, 'x', size);
  memcpy(text + size - strlen(tail), tail, sizeof tail);
  write_file(world, text, size);
  free(text);
  assert_int_equal(line_reader_open(world->path, &reader), ERR_OK);
  assert_int_equal(line_reader_next(reader, &line), ERR_OK);
  assert_true(line.too_long);
  assert_int_equal(line_reader_next(reader, &line), ERR_OK);
  assert_true(span_is(line.bytes, "last"));
  assert_int_equal(line.number, 2);
  assert_int_equal(line_reader_next(reader, &line), ERR_OK);
  assert_true(span_empty(line.bytes));
  assert_int_equal(line_reader_next(reader, &line), ERR_NOT_FOUND);
  line_reader_close(&reader);
}

static void a_file_that_is_no_table_is_refused_as_a_whole(void **state) {
  static const char *const texts[] = {"", "\n", "\x00\x01\x02", "один;два\n1;2\n"};
  static const size_t sizes[] = {0, 1, 3, sizeof "один;два\n1;2\n" - 1};
  struct world *world = *state;
  for (size_t i = 0; i < 4; i++) {
    struct source *source = NULL;
    struct fault fault = {0};
    write_file(world, texts[i], sizes[i]);
    assert_int_not_equal(source_open(world->path, world->profile, &source, &fault), ERR_OK);
    assert_null(source);
    assert_int_not_equal(fault.text[0], '\0');
  }
}

static void json_lines_are_events_and_garbage_between_them_is_refused(void **state) {
  static const char text[] = "{\"event\":\"visit.done\",\"case\":\"1\",\"data\":{\"phase\":\"before\"},\"occurred_at\":"
                             "\"2026-01-12T10:15:00+05:00\"}\n"
                             "{\"event\":\"visit.done\"\n"
                             "{\"event\":\"visit.done\",\"case\":\"1\",\"date\":1}\n"
                             "[]\n"
                             "{\"event\":\"visit.done\",\"case\":\"1\"}\n";
  struct world *world = *state;
  write_file(world, text, sizeof text - 1);
  struct count count = read_all(world, world->path);
  assert_int_equal(count.good, 2);
  assert_int_equal(count.bad, 3);
}

static void a_cell_that_a_spreadsheet_would_run_is_defused(void **state) {
  const struct span fields[] = {SPAN_LITERAL("=1+1"), SPAN_LITERAL("a;\"b\""), SPAN_LITERAL("c")};
  struct writer w;
  (void)state;
  writer_init(&w);
  row_write(fields, 3, &w);
  assert_true(span_is(writer_span(&w), "'=1+1;\"a;\"\"b\"\"\";c\r\n"));
  writer_finish(&w);
}

static void an_empty_profile_is_refused(void **state) {
  struct world *world = *state;
  struct profile *profile = NULL;
  struct fault fault = {0};
  write_file(world, "", 0);
  assert_int_equal(profile_load(world->path, NULL, &profile, &fault), ERR_CONFIG);
  assert_int_equal(profile_load(PROFILE, world->path, &profile, &fault), ERR_CONFIG);
  assert_null(profile);
}

static void a_choice_sets_its_fields_and_names_speaker_and_case(void **state) {
  static const char text[] = "Случай;Решение;Дата заседания;Номер протокола;Продлить на, месяцев\n"
                             "a;продлить;25.03.2026;6;2\n"
                             "a;утвердить программу;25.03.2026;6;\n"
                             ";заседание проведено;25.03.2026;6;\n"
                             ";продлить;25.03.2026;6;2\n";
  struct world *world = *state;
  struct source *source = NULL;
  struct record record;
  struct fault fault = {0};
  assert_int_equal(profile_load(DECISIONS, NULL, &world->profile, &fault), ERR_OK);
  write_file(world, text, sizeof text - 1);
  assert_int_equal(source_open(world->path, world->profile, &source, &fault), ERR_OK);
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_int_equal(record.err, ERR_OK);
  assert_true(value_get(&record.event.data, "granted")->truth);
  assert_int_equal(value_get(&record.event.data, "months")->integer, 2);
  assert_true(span_is(value_get_text(&record.event.data, "decided_on"), "2026-03-25"));
  assert_true(span_is(value_get_text(&record.event.data, "sitting_on"), "2026-03-25"));
  assert_null(record.event.speaker);
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_string_equal(record.event.speaker, "uszn");
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_int_equal(record.err, ERR_OK);
  assert_string_equal(record.event.own_case, "sitting");
  assert_int_equal(source_next(source, &world->arena, &record), ERR_OK);
  assert_int_equal(record.err, ERR_INVALID);
  assert_non_null(strstr(record.fault.text, "Случай"));
  source_close(&source);
}

static void a_profile_that_could_not_be_followed_is_refused(void **state) {
  static const char *const wrong[] = {
      /* Codes cannot be set: a choice has no list. */
      "title: t\ntables:\n  - name: n\n    event_column: E\n    case_column: C\n    events:\n"
      "      - {text: a, event: b, set: [{field: f, format: code, value: x}]}\n"
      "    columns: [{title: E, format: text, required: true}, {title: C, format: text, required: true}]\n",
      /* Nothing says which case it is. */
      "title: t\ntables:\n  - name: n\n    event_column: E\n    events:\n      - {text: a, event: b}\n"
      "    columns: [{title: E, format: text, required: true}]\n",
      "title: t\ntables:\n  - name: n\n    event: e\n    columns: [{title: E, format: text, required: true}]\n",
      "title: t\nonce:\n  fields: []\n",
      "title: t\nonce:\n  fields: [number]\n  again_after: e\n",
      "title: t\nasked: {delivery: d}\n",
  };
  struct world *world = *state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct profile *profile = NULL;
    struct fault fault = {0};
    write_file(world, wrong[i], strlen(wrong[i]));
    assert_int_equal(profile_load(world->path, NULL, &profile, &fault), ERR_CONFIG);
    assert_true(fault.text[0] != '\0');
    assert_null(profile);
  }
}

static void a_row_over_several_lines_may_not_hide_anything_behind_nul(void **state) {
  static const char text[] = "Направление;Предложение;Ответ;Дата;Причина;Примечание\n"
                             "A/m1;1;принято;20.01.2026;;\"один\nдва\"\0три\n";
  struct world *world = *state;
  struct fault fault = {0};
  assert_int_equal(profile_load(ANSWERS, NULL, &world->profile, &fault), ERR_OK);
  write_file(world, text, sizeof text - 1);
  struct count count = read_all(world, world->path);
  assert_int_equal(count.good, 0);
  assert_true(count.bad > 0);
}

static void a_defused_cell_comes_back_as_it_was(void **state) {
  static const char *const cells[] = {"=1+1", "-", "+7 3467", "@x;y", "=\"a\"", "'quoted'", "'", "plain"};
  (void)state;
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
    struct arena arena DEFER(arena_finish);
    struct writer w DEFER(writer_finish);
    struct span field = span_of_cstr(cells[i]);
    struct row row;
    arena_init(&arena, 0);
    writer_init(&w);
    row_write(&field, 1, &w);
    assert_int_equal(row_parse(span_of(w.data, w.size - 2), ';', &arena, &row), ERR_OK);
    assert_int_equal(row.count, 1);
    assert_true(span_is(row_plain(row.fields[0]), cells[i]));
  }
}

static void going_back_finds_the_same_lines_near_and_far(void **state) {
  enum { LINES = 20000 };
  struct world *world = *state;
  struct line_reader *reader = NULL;
  struct line first;
  struct line line;
  char expected[32];
  FILE *file = fopen(world->path, "wb");
  assert_non_null(file);
  for (int i = 1; i <= LINES; i++) {
    fprintf(file, "line %d%s", i, i % 2 ? "\n" : "\r\n");
  }
  assert_int_equal(fclose(file), 0);
  assert_int_equal(line_reader_open(world->path, &reader), ERR_OK);
  for (int distance = 1; distance < LINES; distance = distance * 3 + 1) {
    assert_int_equal(line_reader_next(reader, &first), ERR_OK);
    for (int i = 1; i < distance; i++) {
      assert_int_equal(line_reader_next(reader, &line), ERR_OK);
    }
    assert_int_equal(line_reader_rewind(reader, &first), ERR_OK);
    assert_int_equal(line_reader_next(reader, &line), ERR_OK);
    (void)snprintf(expected, sizeof expected, "line %llu", (unsigned long long)first.number);
    assert_int_equal(line.number, first.number);
    assert_true(span_is(line.bytes, expected));
  }
  line_reader_close(&reader);
}

/* 98 is the one byte that windows-1251 does not use. */
static void every_byte_of_windows_1251_is_its_character(void **state) {
  static const char upper[] = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—™љ›њќћџ\u00A0ЎўЈ¤Ґ¦§Ё©Є«¬\u00AD®Ї°±Ііґµ¶·ё№є»јЅѕї"
                              "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";
  struct world *world = *state;
  struct span text;
  uint8_t bytes[127];
  size_t count = 0;
  for (unsigned byte = 0x80; byte <= 0xFF; byte++) {
    if (byte != 0x98) {
      bytes[count++] = (uint8_t)byte;
    }
  }
  assert_int_equal(encoding_to_utf8(ENCODING_CP1251, span_of(bytes, count), &world->arena, &text), ERR_OK);
  assert_true(span_is(text, upper));
  bytes[0] = 0x98;
  assert_int_equal(encoding_to_utf8(ENCODING_CP1251, span_of(bytes, count), &world->arena, &text), ERR_FORMAT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_notice_of_the_demonstration_is_read, make_world, end_world),
      cmocka_unit_test_setup_teardown(damaged_rows_of_windows_1251_are_refused_and_the_rest_goes_on, make_world,
                                      end_world),
      cmocka_unit_test_setup_teardown(a_row_becomes_codes_and_iso_dates, make_world, end_world),
      cmocka_unit_test_setup_teardown(a_date_that_does_not_exist_names_the_column_and_not_the_value, answers_world,
                                      end_world),
      cmocka_unit_test_setup_teardown(all_that_is_wrong_with_a_row_is_told_at_once, make_world, end_world),
      cmocka_unit_test_setup_teardown(a_forgotten_quote_costs_one_row, answers_world, end_world),
      cmocka_unit_test_setup_teardown(a_line_without_end_is_skipped_in_bounded_memory, make_world, end_world),
      cmocka_unit_test_setup_teardown(a_file_that_is_no_table_is_refused_as_a_whole, make_world, end_world),
      cmocka_unit_test_setup_teardown(json_lines_are_events_and_garbage_between_them_is_refused, make_world, end_world),
      cmocka_unit_test_setup_teardown(a_cell_that_a_spreadsheet_would_run_is_defused, make_world, end_world),
      cmocka_unit_test_setup_teardown(every_byte_of_windows_1251_is_its_character, make_world, end_world),
      cmocka_unit_test(a_defused_cell_comes_back_as_it_was),
      cmocka_unit_test_setup_teardown(going_back_finds_the_same_lines_near_and_far, make_world, end_world),
      cmocka_unit_test_setup_teardown(an_empty_profile_is_refused, make_world, end_world),
      cmocka_unit_test_setup_teardown(a_choice_sets_its_fields_and_names_speaker_and_case, answers_world, end_world),
      cmocka_unit_test_setup_teardown(a_profile_that_could_not_be_followed_is_refused, make_world, end_world),
      cmocka_unit_test_setup_teardown(a_row_over_several_lines_may_not_hide_anything_behind_nul, answers_world,
                                      end_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
