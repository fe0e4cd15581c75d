#include "runtime/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/words.h"
#include "runtime/config.h"
#include "runtime/yaml.h"

enum { RULES_FILE_MAX = 4 << 20 };

static const cyaml_schema_field_t rule_fields[] = {
    YAML_TEXT("id", CYAML_FLAG_DEFAULT, struct rule, id),
    YAML_TEXT("document", CYAML_FLAG_DEFAULT, struct rule, document),
    YAML_TEXT("clause", CYAML_FLAG_DEFAULT, struct rule, clause),
    YAML_TEXT("text", CYAML_FLAG_DEFAULT, struct rule, text),
    YAML_TEXT("owner", CYAML_FLAG_OPTIONAL, struct rule, owner),
    YAML_TEXT("term", CYAML_FLAG_OPTIONAL, struct rule, term),
    YAML_TEXT("gap", CYAML_FLAG_OPTIONAL, struct rule, gap),
    YAML_TEXT("process", CYAML_FLAG_DEFAULT, struct rule, process),
    YAML_TEXTS("elements", CYAML_FLAG_OPTIONAL, struct rule, elements),
    YAML_END,
};
static const cyaml_schema_value_t rule_entry = YAML_RECORD(struct rule, rule_fields);
static const cyaml_schema_field_t rules_fields[] = {
    YAML_RECORDS("rules", CYAML_FLAG_DEFAULT, struct rules, rules, &rule_entry),
    YAML_END,
};
static const cyaml_schema_value_t rules_schema = YAML_DOCUMENT(struct rules, rules_fields);

static enum err read_file(const char *path, struct arena *arena, struct span *ret_text, struct fault *fault) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fault_set(fault, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, words_of_system(errno));
  }
  enum err err = ERR_OK;
  if (fstat(fd, &status) != 0 || status.st_size > RULES_FILE_MAX) {
    err = fault_set(fault, ERR_LIMIT, "%s: файл больше %d байт", path, RULES_FILE_MAX);
  }
  if (err == ERR_OK) {
    uint8_t *bytes = arena_alloc(arena, (size_t)status.st_size);
    ssize_t got = read(fd, bytes, (size_t)status.st_size);
    err = got == status.st_size ? ERR_OK : fault_set(fault, ERR_IO, "%s: файл не читается", path);
    *ret_text = span_of(bytes, (size_t)status.st_size);
  }
  (void)close(fd);
  return err;
}

static enum err check_rule(const struct rules *rules, size_t index, const char *path, struct fault *fault) {
  const struct rule *rule = &rules->rules[index];
  for (size_t i = 0; i < index; i++) {
    if (span_equal(rules->rules[i].id, rule->id)) {
      return fault_set(fault, ERR_CONFIG, "%s: правило %.*s стоит дважды", path, SPAN_ARG(rule->id));
    }
  }
  for (size_t i = 0; i < rule->elements.count; i++) {
    struct span name;
    struct span place = span_cut(rule->elements.items[i], '#', &name);
    if (span_empty(place) || span_empty(name)) {
      return fault_set(fault, ERR_CONFIG, "%s: правило %.*s: элемент пишется МЕСТО#ИМЯ, а не «%.*s»", path,
                       SPAN_ARG(rule->id), SPAN_ARG(rule->elements.items[i]));
    }
  }
  return ERR_OK;
}

enum err rules_read(const char *config_dir, struct arena *arena, struct rules *ret_rules, struct fault *fault) {
  const char *path = arena_cstr(arena, arena_printf(arena, "%s/rules.yaml", config_dir));
  struct span text = {NULL, 0};
  TRY(read_file(path, arena, &text, fault));
  TRY(yaml_read(text, path, &rules_schema, arena, ret_rules, fault));
  for (size_t i = 0; i < ret_rules->rules_count; i++) {
    TRY(check_rule(ret_rules, i, path, fault));
  }
  return ERR_OK;
}
