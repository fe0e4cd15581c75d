/* Strict reading of YAML into structs of spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "casework/catalogue.h"
#include "runtime/yaml.h"

struct item {
  struct span name;
  struct text_list tags;
  int64_t count;
  bool on;
};
struct document {
  struct span title;
  struct item *items;
  size_t items_count;
  struct {
    int64_t depth;
  } group;
};

static const cyaml_schema_field_t item_fields[] = {
    YAML_TEXT("name", CYAML_FLAG_DEFAULT, struct item, name),
    YAML_TEXTS("tags", CYAML_FLAG_OPTIONAL, struct item, tags),
    YAML_NUMBER("count", CYAML_FLAG_OPTIONAL, struct item, count),
    YAML_BOOL("on", CYAML_FLAG_OPTIONAL, struct item, on),
    YAML_END,
};
static const cyaml_schema_value_t item_entry = YAML_RECORD(struct item, item_fields);
static const cyaml_schema_field_t group_fields[] = {
    YAML_NUMBER("depth", CYAML_FLAG_OPTIONAL, struct document, group.depth),
    YAML_END,
};
static const cyaml_schema_field_t document_fields[] = {
    YAML_TEXT("title", CYAML_FLAG_OPTIONAL, struct document, title),
    YAML_RECORDS("items", CYAML_FLAG_DEFAULT, struct document, items, &item_entry),
    YAML_GROUP("group", CYAML_FLAG_OPTIONAL, struct document, group_fields),
    YAML_END,
};
static const cyaml_schema_value_t document_schema = YAML_DOCUMENT(struct document, document_fields);

static struct arena arena;

static int setup(void **state) {
  (void)state;
  arena_init(&arena, 0);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_finish(&arena);
  return 0;
}

static enum err read_text(const char *text, struct document *document, struct fault *fault) {
  return yaml_read(span_of_cstr(text), "f.yaml", &document_schema, &arena, document, fault);
}

static void what_is_written_is_what_the_structs_hold(void **state) {
  (void)state;
  struct document d;
  struct fault fault;
  assert_int_equal(ERR_OK, read_text("title: Заголовок\n"
                                     "items:\n"
                                     "  - {name: a, tags: [x, 'y z'], count: -3, on: true}\n"
                                     "  - name: b\n"
                                     "group: {depth: 7}\n",
                                     &d, &fault));
  assert_true(span_is(d.title, "Заголовок"));
  assert_int_equal(2, d.items_count);
  assert_true(span_is(d.items[0].name, "a"));
  assert_int_equal(2, d.items[0].tags.count);
  assert_true(span_is(d.items[0].tags.items[1], "y z"));
  assert_int_equal(-3, d.items[0].count);
  assert_true(d.items[0].on);
  assert_int_equal(0, d.items[1].tags.count);
  assert_false(d.items[1].on);
  assert_int_equal(7, d.group.depth);
}

static void a_missing_optional_text_is_empty(void **state) {
  (void)state;
  struct document d;
  assert_int_equal(ERR_OK, read_text("items: []\n", &d, NULL));
  assert_int_equal(0, d.title.size);
  assert_int_equal(0, d.items_count);
  assert_int_equal(0, d.group.depth);
}

static void a_list_may_be_long(void **state) {
  (void)state;
  DEFER(writer_finish) struct writer w;
  writer_init(&w);
  writer_printf(&w, "items:\n");
  for (int i = 0; i < 3000; i++) {
    writer_printf(&w, "- {name: n%d, count: %d}\n", i, i);
  }
  struct document d;
  assert_int_equal(ERR_OK, yaml_read(writer_span(&w), "f.yaml", &document_schema, &arena, &d, NULL));
  assert_int_equal(3000, d.items_count);
  assert_true(span_is(d.items[2999].name, "n2999"));
}

static void each_mistake_is_told_with_its_line(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint32_t line;
    const char *word;
  } mistakes[] = {
      {"items:\n- {name: a}\n- {name: b, colour: red}\n", 3, "colour"},
      {"items:\n- {name: a}\n- {count: 1}\n", 3, "name"},
      {"items:\n- {name: a, count: many}\n", 2, "many"},
      {"items:\n- {name: a, name: b}\n", 2, "name"},
      {"items:\n- {name: [a]}\n", 2, "текст, а стоит список"},
      {"items:\n- {name: a\n", 2, "закрывающей скобки"},
      {"title: x\n", 1, "items"},
      {"items: 5\n", 1, "список"},
      {"items: &a []\ntitle: *a\n", 2, "ссыл"},
  };
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    struct document d;
    struct fault fault = {.err = ERR_OK};
    assert_int_equal(ERR_CONFIG, read_text(mistakes[i].text, &d, &fault));
    assert_int_equal(mistakes[i].line, fault.line);
    assert_non_null(strstr(fault.text, "f.yaml:"));
    if (!strstr(fault.text, mistakes[i].word)) {
      fail_msg("%s is not in: %s", mistakes[i].word, fault.text);
    }
  }
}

static void an_empty_file_is_no_document(void **state) {
  (void)state;
  struct document d;
  struct fault fault;
  assert_int_equal(ERR_CONFIG, read_text("", &d, &fault));
  assert_int_equal(ERR_CONFIG, read_text("# only a remark\n", &d, &fault));
  assert_non_null(strstr(fault.text, "f.yaml"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_written_is_what_the_structs_hold, setup, teardown),
      cmocka_unit_test_setup_teardown(a_missing_optional_text_is_empty, setup, teardown),
      cmocka_unit_test_setup_teardown(a_list_may_be_long, setup, teardown),
      cmocka_unit_test_setup_teardown(each_mistake_is_told_with_its_line, setup, teardown),
      cmocka_unit_test_setup_teardown(an_empty_file_is_no_document, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
