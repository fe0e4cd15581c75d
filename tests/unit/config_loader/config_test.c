/* The configuration folder is read strictly and as a whole. Each test writes a small valid folder, then spoils it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/config.h"

static char folder[64];

static const struct {
  const char *path;
  const char *text;
} files[] = {
    {"catalogue.yaml", "stages: [{name: s1, title: Этап}]\n"
                       "classes: [{name: clear, personal: false, seen_by: ['*']}]\n"
                       "records: []\n"
                       "events:\n"
                       "  - name: note.sent\n"
                       "    title: Извещение\n"
                       "    senders: [office]\n"
                       "    starts: first\n"
                       "    starts_when: [{field: kind, value: special, process: another}]\n"
                       "    fields:\n"
                       "      - {name: sent_on, class: clear, format: date, required: true}\n"
                       "      - {name: place, class: clear, format: territory}\n"
                       "      - {name: kind, class: clear, format: code, values: [usual, special]}\n"
                       "roles: [{role: owner, kinds: [office], title: Ведомство}]\n"},
    {"participants.yaml", "participants:\n"
                          "  - {id: office-1, kind: office, title: Первое, territories: ['*'], capacity: 3}\n"},
    {"territories.yaml", "territories: [{code: t1, title: Город, names: [г. Город]}]\n"},
    {"routing.yaml", "routing: [{help: work, kinds: [office]}]\n"},
    {"kurator.yaml", "daemon: {endpoint: 'ipc:///tmp/x'}\nlimits: {batch_messages: 7}\n"},
    {"processes/first/chart.scxml",
     "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\" datamodel=\"lua\">"
     "<state id=\"a\"><transition event=\"note.sent\" target=\"b\"/></state>"
     "<final id=\"b\"/></scxml>\n"},
    {"processes/first/settings.yaml", "settings:\n"
                                      "  - {name: late_days, value: 10, source: house rule, title: Дни}\n"
                                      "  - {name: term, value: 10wd, source: house rule, title: Срок}\n"
                                      "  - {name: strict, value: true, source: house rule, title: Строго}\n"},
    {"processes/another/chart.scxml", "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\" "
                                      "datamodel=\"lua\"><final id=\"end\"/></scxml>\n"},
};

static void write_file(const char *name, const char *text) {
  char path[256];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(0, fclose(file));
}

static void make_dir(const char *name) {
  char path[256];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(0, mkdir(path, 0700));
}

static void copy_calendar(void) {
  static char text[1 << 16];
  FILE *file = fopen(KURATOR_SOURCE_DIR "/config/calendar/ru.csv", "r");
  assert_non_null(file);
  size_t size = fread(text, 1, sizeof text - 1, file);
  text[size] = '\0';
  assert_int_equal(0, fclose(file));
  write_file("calendar/ru.csv", text);
}

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/kurator-config-XXXXXX");
  assert_non_null(mkdtemp(folder));
  make_dir("calendar");
  make_dir("processes");
  make_dir("processes/first");
  make_dir("processes/another");
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    write_file(files[i].path, files[i].text);
  }
  copy_calendar();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command); /* NOLINT(cert-env33-c): the folder's name is our own */
}

static enum err load(struct config **config, struct fault *fault) {
  const struct config_options options = {.config_dir = folder};
  return config_load(&options, config, fault);
}

static void must_load(struct config **config) {
  struct fault fault = {.err = ERR_OK};
  if (load(config, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
}

static void must_fail(const char *word, uint32_t line) {
  struct config *config = NULL;
  struct fault fault = {.err = ERR_OK};
  assert_int_equal(ERR_CONFIG, load(&config, &fault));
  assert_null(config);
  if (!strstr(fault.text, word)) {
    fail_msg("%s is not in: %s", word, fault.text);
  }
  assert_int_equal(line, fault.line);
}

static void a_whole_folder_becomes_the_catalogue(void **state) {
  (void)state;
  DEFER(config_destroy) struct config *config = NULL;
  must_load(&config);
  const struct event_rule *rule = catalogue_event(&config->catalogue, SPAN_LITERAL("note.sent"));
  assert_non_null(rule);
  assert_true(span_is(rule->starts, "first"));
  assert_int_equal(3, rule->fields_count);
  assert_true(rule->fields[0].required);
  assert_int_equal(3, catalogue_participant(&config->catalogue, SPAN_LITERAL("office-1"))->capacity);
  assert_non_null(catalogue_territory(&config->catalogue, SPAN_LITERAL("г. Город")));
  assert_true(calendar_first_year(config->calendar) <= 2025);
}

static struct span process_for(const struct event_rule *rule, const char *kind) {
  struct value_field fields[] = {{SPAN_LITERAL("kind"), value_text(span_of_cstr(kind))}};
  struct value data;
  assert_int_equal(ERR_OK, value_map(fields, 1, &data));
  return event_process(rule, &data);
}

static void a_code_of_the_event_chooses_the_process(void **state) {
  (void)state;
  DEFER(config_destroy) struct config *config = NULL;
  must_load(&config);
  const struct event_rule *rule = catalogue_event(&config->catalogue, SPAN_LITERAL("note.sent"));
  assert_true(span_is(process_for(rule, "special"), "another"));
  assert_true(span_is(process_for(rule, "usual"), "first"));
  const struct value nothing = value_nil();
  assert_true(span_is(event_process(rule, &nothing), "first"));
}

static void a_choice_by_a_code_that_cannot_come_is_refused(void **state) {
  (void)state;
  static char text[4096];
  (void)snprintf(text, sizeof text, "%s", files[0].text);
  char *value = strstr(text, "value: special");
  assert_non_null(value);
  memcpy(value, "value: spacial", strlen("value: spacial"));
  write_file(files[0].path, text);
  must_fail("spacial", 0);
}

static void processes_come_in_byte_order_with_their_settings(void **state) {
  (void)state;
  DEFER(config_destroy) struct config *config = NULL;
  must_load(&config);
  assert_int_equal(2, config->processes_count);
  assert_true(span_is(config->processes[0].name, "another"));
  const struct config_process *first = config_process_of(config, SPAN_LITERAL("first"));
  assert_ptr_equal(&config->processes[1], first);
  assert_int_equal(10, value_get(&first->settings, "late_days")->integer);
  assert_true(span_is(value_get_text(&first->settings, "term"), "10wd"));
  assert_true(value_get(&first->settings, "strict")->truth);
  assert_true(span_is(first->rules[1].source, "house rule"));
  assert_true(span_is(config->sources[1].name, "first"));
}

static void what_the_settings_leave_out_has_a_default(void **state) {
  (void)state;
  struct config *config = NULL;
  must_load(&config);
  assert_true(span_is(config->engine.daemon.endpoint, "ipc:///tmp/x"));
  assert_true(config->engine.daemon.query_endpoint.size > 0);
  assert_int_equal(7, config->engine.limits.batch_messages);
  assert_int_equal(500, config->engine.limits.query_rows);
  config_destroy(&config);

  char path[128];
  (void)snprintf(path, sizeof path, "%s/kurator.yaml", folder);
  assert_int_equal(0, unlink(path));
  must_load(&config);
  assert_int_equal(256, config->engine.limits.batch_messages);
  config_destroy(&config);
}

static void a_mistake_names_its_file_and_line(void **state) {
  (void)state;
  write_file("participants.yaml", "participants:\n  - {id: a, kind: office, title: А}\n  - {id: b, kinds: office}\n");
  must_fail("participants.yaml:3:", 3);
}

static void a_contradiction_in_the_catalogue_is_refused(void **state) {
  (void)state;
  write_file("participants.yaml", "participants:\n  - {id: a, kind: office, title: А, territories: [atlantis]}\n");
  must_fail("atlantis", 0);
}

static void an_event_that_starts_no_known_process_is_refused(void **state) {
  (void)state;
  char path[128];
  (void)snprintf(path, sizeof path, "%s/processes/first/chart.scxml", folder);
  assert_int_equal(0, unlink(path));
  must_fail("chart.scxml: нет такого файла", 0);
  (void)snprintf(path, sizeof path, "%s/processes/first/settings.yaml", folder);
  assert_int_equal(0, unlink(path));
  (void)snprintf(path, sizeof path, "%s/processes/first", folder);
  assert_int_equal(0, rmdir(path));
  must_fail("note.sent", 0);
}

static void a_limit_out_of_bounds_is_refused(void **state) {
  (void)state;
  write_file("kurator.yaml", "limits: {inbox_messages: 100000000}\n");
  must_fail("limits.inbox_messages", 0);
  write_file("kurator.yaml", "limits: {inbox_messages: -1}\n");
  must_fail("limits.inbox_messages", 0);
}

static void a_spoiled_calendar_names_its_line(void **state) {
  (void)state;
  write_file("calendar/ru.csv", "date,kind,note\n2025-01-01,off,\n2025-02-31,off,\n");
  must_fail("calendar/ru.csv:3", 3);
}

static void a_folder_with_a_wrong_name_is_refused(void **state) {
  (void)state;
  make_dir("processes/First");
  must_fail("First", 0);
}

static void a_doubled_setting_is_refused(void **state) {
  (void)state;
  write_file("processes/first/settings.yaml", "settings:\n  - {name: a, value: 1, source: s, title: t}\n"
                                              "  - {name: a, value: 2, source: s, title: t}\n");
  must_fail("дважды", 0);
}

static void a_missing_folder_is_refused(void **state) {
  (void)state;
  const struct config_options options = {.config_dir = "/nonexistent/kurator"};
  struct config *config = NULL;
  struct fault fault;
  assert_int_equal(ERR_CONFIG, config_load(&options, &config, &fault));
  assert_non_null(strstr(fault.text, "/nonexistent/kurator/catalogue.yaml"));
}

static void a_broken_chart_names_its_file_and_line(void **state) {
  (void)state;
  write_file("processes/first/chart.scxml", "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\">\n"
                                            "<state id=\"a\"><transition event=\"note.sent\" target=\"nowhere\"/>"
                                            "</state></scxml>\n");
  DEFER(config_destroy) struct config *config = NULL;
  must_load(&config);
  const struct casework_ports ports = {.arg = NULL};
  struct casework *casework = NULL;
  struct fault fault = {.err = ERR_OK};
  assert_int_not_equal(ERR_OK, config_casework(config, &ports, &casework, &fault));
  assert_null(casework);
  assert_non_null(strstr(fault.text, "processes/first/chart.scxml"));
  assert_int_equal(2, fault.line);
}

static void the_shipped_configuration_loads_and_its_charts_compile(void **state) {
  (void)state;
  const struct config_options options = {.config_dir = KURATOR_SOURCE_DIR "/config"};
  DEFER(config_destroy) struct config *config = NULL;
  struct fault fault = {.err = ERR_OK};
  if (config_load(&options, &config, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  const struct casework_ports ports = {.arg = NULL};
  DEFER(casework_destroy) struct casework *casework = NULL;
  if (config_casework(config, &ports, &casework, &fault) != ERR_OK) {
    fail_msg("%s", fault.text);
  }
  for (size_t i = 0; i < config->processes_count; i++) {
    assert_true(casework_has_process(casework, config->processes[i].name));
  }
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CONFIG_TEST(a_whole_folder_becomes_the_catalogue),
      CONFIG_TEST(a_code_of_the_event_chooses_the_process),
      CONFIG_TEST(a_choice_by_a_code_that_cannot_come_is_refused),
      CONFIG_TEST(processes_come_in_byte_order_with_their_settings),
      CONFIG_TEST(what_the_settings_leave_out_has_a_default),
      CONFIG_TEST(a_mistake_names_its_file_and_line),
      CONFIG_TEST(a_contradiction_in_the_catalogue_is_refused),
      CONFIG_TEST(an_event_that_starts_no_known_process_is_refused),
      CONFIG_TEST(a_limit_out_of_bounds_is_refused),
      CONFIG_TEST(a_spoiled_calendar_names_its_line),
      CONFIG_TEST(a_folder_with_a_wrong_name_is_refused),
      CONFIG_TEST(a_doubled_setting_is_refused),
      CONFIG_TEST(a_missing_folder_is_refused),
      CONFIG_TEST(a_broken_chart_names_its_file_and_line),
      cmocka_unit_test(the_shipped_configuration_loads_and_its_charts_compile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
