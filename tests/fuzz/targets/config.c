/*
 * The configuration: one of its files holds anything, the others are those of tests/unit/runtime/world. What is taken
 * has been checked well enough to define its processes and to refuse or take them with a reason.
 *
 * Input: a byte that chooses the file, then its text.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "runtime/config.h"

#define WORLD KURATOR_SOURCE_DIR "/tests/unit/runtime/world"

static const char *const files[] = {
    "catalogue.yaml",  "participants.yaml",           "territories.yaml", "routing.yaml", "kurator.yaml",
    "calendar/ru.csv", "processes/root/settings.yaml"};
enum { FILES = sizeof files / sizeof *files, SETTINGS = 6, ENGINE = 4 };

static void path_of(const char *dir, const char *name, char path[512]) {
  (void)snprintf(path, 512, "%s/%s", dir, name);
}

static void link_world(const char *name) {
  char from[512];
  char to[512];
  path_of(WORLD, name, from);
  path_of(fuzz_folder(), name, to);
  (void)unlink(to);
  ASSERT(symlink(from, to) == 0);
}

/* Everything as in the world, but no settings and no kurator.yaml. */
static void make_folder(void) {
  static const char *const folders[] = {"calendar", "processes", "processes/root", "processes/part",
                                        "processes/referral"};
  static const char *const charts[] = {"processes/root/chart.scxml", "processes/part/chart.scxml",
                                       "processes/referral/chart.scxml"};
  char path[512];
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    path_of(fuzz_folder(), folders[i], path);
    ASSERT(mkdir(path, 0700) == 0);
  }
  for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) {
    link_world(charts[i]);
  }
  for (size_t i = 0; i < ENGINE; i++) {
    link_world(files[i]);
  }
  link_world("calendar/ru.csv");
}

static void put_back(size_t choice) {
  char path[512];
  if (choice != ENGINE && choice != SETTINGS) {
    link_world(files[choice]);
    return;
  }
  path_of(fuzz_folder(), files[choice], path);
  (void)unlink(path);
}

static int64_t no_load(void *arg, struct span participant) {
  (void)arg;
  (void)participant;
  return 0;
}

static void define(const struct config *config) {
  const struct casework_ports ports = {.load = no_load};
  struct casework *casework = NULL;
  struct fault fault = {0};
  enum err err = config_casework(config, &ports, &casework, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(!casework);
  }
  casework_destroy(&casework);
}

void fuzz_one(struct span input, struct arena *arena) {
  (void)arena;
  static bool made;
  if (!made) {
    make_folder();
    made = true;
  }
  size_t choice = fuzz_choice(&input) % FILES;
  char path[512];
  path_of(fuzz_folder(), files[choice], path);
  (void)unlink(path);
  fuzz_write(fuzz_folder(), files[choice], input);
  const struct config_options options = {.config_dir = fuzz_folder()};
  struct config *config = NULL;
  struct fault fault = {0};
  enum err err = config_load(&options, &config, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(err == ERR_CONFIG && !config);
  } else {
    define(config);
  }
  config_destroy(&config);
  put_back(choice);
}
