/* kurator config check: reads config/ as the daemon does, and compiles every chart. */
#include <stdio.h>

#include "base/json.h"
#include "cli.h"
#include "lists.h"
#include "runtime/config.h"

static int64_t no_load(void *arg, struct span participant) {
  (void)arg;
  (void)participant;
  return 0;
}

static int complain(const struct fault *fault) {
  return cli_fail(CLI_INVALID, "%s", fault->text);
}

static int check(const struct config_options *options) {
  DEFER(config_destroy) struct config *config = NULL;
  DEFER(casework_destroy) struct casework *casework = NULL;
  const struct casework_ports ports = {.load = no_load};
  struct fault fault = {.err = ERR_OK};
  if (config_load(options, &config, &fault) != ERR_OK) {
    return complain(&fault);
  }
  if (config_casework(config, &ports, &casework, &fault) != ERR_OK) {
    return complain(&fault);
  }
  (void)printf("настройки верны: процессов %zu, событий %zu, участников %zu, территорий %zu, календарь %d–%d\n",
               config->processes_count, config->catalogue.events_count, config->catalogue.participants_count,
               config->catalogue.territories_count, calendar_first_year(config->calendar),
               calendar_last_year(config->calendar));
  return CLI_OK;
}

int config_check(int argc, char **argv) {
  const char *config = NULL;
  const char *processes = NULL;
  const struct cli_option table[] = {
      {"--config", &config, NULL}, {"--processes", &processes, NULL}, {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  const struct config_options options = {.config_dir = cli_config_dir(config), .processes_dir = processes};
  return check(&options);
}
