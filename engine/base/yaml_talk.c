#include "base/yaml_talk.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* * in a row's text stands for what follows its beginning. */
static const struct {
  const char *begins;
  const char *russian;
} rows[] = {
    {"Unexpected key: ", "здесь не бывает строки «*»: проверьте имя и отступ"},
    {"Missing required mapping field: ", "нет обязательной строки «*»"},
    {"Mapping field already seen: ", "строка «*» стоит дважды"},
    {"Invalid INT value: ", "нужно целое число, а стоит *"},
    {"Invalid uint64_t value: ", "нужно целое число, а стоит *"},
    {"Invalid UINT value: ", "нужно целое число без знака, а стоит *"},
    {"Invalid FLOAT value: ", "нужно число, а стоит *"},
    {"Invalid ENUM value: ", "такого слова здесь не бывает: *"},
    {"STRING length < ", "текст короче допустимого (*)"},
    {"STRING length > ", "текст длиннее допустимого (*)"},
    {"Insufficient entries (", "в списке слишком мало строк (*"},
    {"Excessive entries (", "в списке слишком много строк (*"},
    {"No anchor found for alias: ", "ссылки здесь не принимаются: *"},
    {"libyaml: could not find expected ':'", "нет двоеточия после имени"},
    {"libyaml: did not find expected key", "здесь ждут имя и двоеточие: проверьте отступы"},
    {"libyaml: did not find expected '-' indicator", "здесь ждут следующую строку списка (-): проверьте отступы"},
    {"libyaml: did not find expected ',' or", "не хватает запятой или закрывающей скобки"},
    {"libyaml: mapping values are not allowed", "двоеточие здесь не к месту: проверьте отступы или возьмите текст в "
                                                "кавычки"},
    {"libyaml: block sequence entries are not allowed", "дефис здесь не к месту: проверьте отступы"},
    {"libyaml: found character that cannot start any token",
     "с такого знака строка не начинается: вместо табуляции ставят пробелы, текст берут в кавычки"},
    {"libyaml: found a tab character", "отступы делают пробелами, а не табуляцией"},
    {"libyaml: found unexpected end of stream", "файл обрывается: не закрыта кавычка или скобка"},
    {"libyaml: control characters", "в файле есть недопустимые знаки"},
    {"libyaml: invalid leading UTF-8", "файл не в кодировке UTF-8"},
    {"libyaml: invalid trailing UTF-8", "файл не в кодировке UTF-8"},
    {"libyaml: incomplete UTF-8", "файл не в кодировке UTF-8"},
    {"libyaml: ", "написано не по правилам YAML (*)"},
};

static const struct {
  const char *english, *russian;
} kinds[] = {
    {"STRING", "текст"},
    {"INT", "число"},
    {"UINT", "число"},
    {"BOOL", "true или false"},
    {"MAPPING", "строки вида «имя: значение»"},
    {"SEQUENCE", "список (-)"},
    {"SCALAR", "одно значение"},
    {"ALIAS", "ссылка"},
    {"ENUM", "одно из заданных слов"},
};

/* "SEQUENCE", and an event's "SEQUENCE_START". */
static const char *kind_words(const char *word) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    size_t size = strlen(kinds[i].english);
    if (strncmp(word, kinds[i].english, size) == 0 && (word[size] == '\0' || strncmp(word + size, "_START", 6) == 0)) {
      return kinds[i].russian;
    }
  }
  return NULL;
}

/* "Expecting STRING, got event: SEQUENCE_START" */
static bool say_expecting(const char *text, char *ret_text) {
  char wanted[32];
  char found[32];
  if (sscanf(text, "Expecting %31[A-Z_], got event: %31[A-Z_]", wanted, found) != 2) {
    return false;
  }
  const char *wanted_words = kind_words(wanted);
  const char *found_words = kind_words(found);
  if (!wanted_words || !found_words) {
    return false;
  }
  (void)snprintf(ret_text, FAULT_TEXT_MAX, "здесь нужно другое: %s, а стоит %s", wanted_words, found_words);
  return true;
}

static void put(const char *pattern, const char *rest, char *ret_text) {
  const char *hole = strchr(pattern, '*');
  int before = hole ? (int)(hole - pattern) : (int)strlen(pattern);
  (void)snprintf(ret_text, FAULT_TEXT_MAX, "%.*s%s%s", before, pattern, hole ? rest : "", hole ? hole + 1 : "");
}

static void say(const char *text, char *ret_text) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t size = strlen(rows[i].begins);
    if (strncmp(text, rows[i].begins, size) == 0) {
      put(rows[i].russian, text + size, ret_text);
      return;
    }
  }
  if (!say_expecting(text, ret_text)) {
    (void)snprintf(ret_text, FAULT_TEXT_MAX, "%s", text);
  }
}

static void hear_position(struct yaml_talk *talk, const char *text) {
  const char *line = strstr(text, "(line: ");
  const char *column = strstr(text, ", column: ");
  if (line && column && talk->line == 0) {
    talk->line = (uint32_t)strtoul(line + strlen("(line: "), NULL, 10);
    talk->column = (uint32_t)strtoul(column + strlen(", column: "), NULL, 10);
  }
}

void yaml_talk_hear(struct yaml_talk *talk, const char *format, va_list arguments) {
  static const char prefix[] = "Load: ";
  char text[FAULT_TEXT_MAX];
  (void)vsnprintf(text, sizeof text, format, arguments);
  text[strcspn(text, "\n")] = '\0';
  if (strncmp(text, "  in ", 5) == 0) {
    hear_position(talk, text);
  } else if (talk->text[0] == '\0' && strncmp(text, prefix, sizeof prefix - 1) == 0 && !strstr(text, "Backtrace:")) {
    say(text + sizeof prefix - 1, talk->text);
  }
}
