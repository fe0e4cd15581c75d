/*
 * kurator route explain: who would be offered a kind of help in a municipality or settlement, and why not the others.
 *
 * The choice is the engine's own (casework/routing.h), on the configuration that stands in config/. How many referrals
 * each has open is asked of the running engine with --live; --load names it by hand; without either nobody has any.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "casework/routing.h"
#include "lists.h"
#include "runtime/config.h"
#include "table.h"

struct route {
  const char *config, *kind, *municipality, *declined, *executor, *at, *load;
  bool live, all;
  struct client_options client_options;
  struct arena arena;
  struct config *loaded;
  struct client_rows participants; /* of the running engine */
  struct value declined_list, executor_text;
  struct routing_query query;
};

static const struct table_word reasons[] = {
    {"chosen", "ПОЛУЧИТ НАПРАВЛЕНИЕ"},
    {"kind", "этот вид участников такой помощи не оказывает"},
    {"help", "такой помощи не оказывает"},
    {"territory", "эту территорию не обслуживает"},
    {"excluded", "уже отказался или не ответил"},
    {"full", "мест нет"},
    {"behind", "подходит, но в очереди после выбранного"},
    {"unnamed", "подходит, но назван другой исполнитель: вместо него никого не просят"},
    {NULL, NULL},
};
static const struct table_column columns[] = {
    {"Участник", "participant", TABLE_TEXT, 28, NULL},
    {"Название", "title", TABLE_TEXT, 48, NULL},
    {"Решение", "reason", TABLE_TEXT, 0, reasons},
    {"Почему", "why", TABLE_TEXT, 0, NULL},
    {NULL, NULL, TABLE_TEXT, 0, NULL},
};

/* ---- open referrals ---- */

/* "ID=N,ID=N": the number behind the id, or -1. */
static int64_t load_given(const struct route *route, struct span participant) {
  for (struct span rest = span_of_cstr(route->load); rest.size > 0;) {
    struct span number;
    struct span pair = span_cut(rest, ',', &rest);
    struct span id = span_cut(pair, '=', &number);
    int64_t load;
    if (span_equal(id, participant) && span_to_int64(number, &load)) {
      return load;
    }
  }
  return -1;
}

static int64_t load_of(void *arg, struct span participant) {
  const struct route *route = arg;
  int64_t given = load_given(route, participant);
  for (size_t i = 0; given < 0 && i < route->participants.count; i++) {
    const struct value *row = &route->participants.items[i].value;
    const struct value *load = value_get(row, "load");
    if (span_equal(value_get_text(row, "participant"), participant) && load && load->kind == VALUE_INT) {
      return load->integer;
    }
  }
  return given < 0 ? 0 : given;
}

static int ask_engine(struct route *route) {
  struct client client = {0};
  int exit_code = client_open(&route->client_options, &client);
  if (exit_code == CLI_OK) {
    exit_code = client_ask(&client, "participant.list", NULL, 0, &route->participants);
  }
  client_close(&client);
  return exit_code;
}

/* ---- the question ---- */

static struct value list_of(struct route *route, const char *words) {
  size_t count = 0;
  struct value *items = ARENA_ARRAY(&route->arena, struct value, words ? strlen(words) + 1 : 1);
  for (struct span rest = span_of_cstr(words); rest.size > 0;) {
    items[count++] = value_text(span_cut(rest, ',', &rest));
  }
  return value_list(items, count);
}

static int read_moment(struct route *route) {
  route->query.now = (civil_moment)time(NULL) * 1000;
  if (route->at && civil_moment_parse(span_of_cstr(route->at), &route->query.now) != ERR_OK) {
    return cli_usage("--at — день или момент: 2026-03-16, 2026-03-16T10:00:00+05:00");
  }
  return CLI_OK;
}

static int build_query(struct route *route) {
  const struct catalogue *catalogue = &route->loaded->catalogue;
  const struct territory *territory = catalogue_territory(catalogue, span_of_cstr(route->municipality));
  if (!territory) {
    return cli_fail(CLI_NOT_FOUND, "нет такого муниципального образования или поселения: %s", route->municipality);
  }
  route->declined_list = list_of(route, route->declined);
  route->executor_text = route->executor ? value_text(span_of_cstr(route->executor)) : value_nil();
  route->query = (struct routing_query){
      .catalogue = catalogue,
      .calendar = route->loaded->calendar,
      .help = span_of_cstr(route->kind),
      .territory = territory->code,
      .exclude = &route->declined_list,
      .prefer = &route->executor_text,
      .load = load_of,
      .load_arg = route,
  };
  return read_moment(route);
}

/* ---- the answer ---- */

static struct span why(struct route *route, const struct routing_verdict *v) {
  const struct participant *p = v->participant;
  struct span room = p->capacity > 0
                         ? arena_printf(&route->arena, "%lld из %lld", (long long)v->load, (long long)p->capacity)
                         : arena_printf(&route->arena, "%lld, без предела", (long long)v->load);
  switch (v->reason) {
  case ROUTING_CHOSEN:
  case ROUTING_BEHIND:
    return arena_printf(&route->arena, "%s%sочередь вида: %zu; открытых направлений: %.*s%s",
                        v->preferred ? "назван рабочей группой; " : "", v->near ? "своё поселение; " : "", v->rank + 1,
                        SPAN_ARG(room), v->open ? "" : "; сейчас закрыт");
  case ROUTING_FULL:
    return arena_printf(&route->arena, "открытых направлений: %.*s", SPAN_ARG(room));
  default:
    return span_of(NULL, 0);
  }
}

static void add_row(struct route *route, struct client_rows *rows, const struct routing_verdict *v) {
  bool far = v->reason == ROUTING_KIND || v->reason == ROUTING_HELP || v->reason == ROUTING_TERRITORY;
  if (far && !route->all) {
    return;
  }
  struct span text = why(route, v);
  const struct value_field fields[] = {
      {SPAN_LITERAL("participant"), value_text(v->participant->id)},
      {SPAN_LITERAL("title"), value_text(v->participant->title)},
      {SPAN_LITERAL("kind"), value_text(v->participant->kind)},
      {SPAN_LITERAL("reason"), value_text(span_of_cstr(reasons[v->reason].name))},
      {SPAN_LITERAL("load"), value_int(v->load)},
      {SPAN_LITERAL("capacity"), value_int(v->participant->capacity)},
      {SPAN_LITERAL("open"), far ? value_nil() : value_bool(v->open)},
      {SPAN_LITERAL("why"), span_empty(text) ? value_nil() : value_text(text)},
  };
  client_rows_add(rows, fields, sizeof fields / sizeof *fields);
}

/* The chosen one first, then those that would come next, then the others. */
static void add_rows(struct route *route, struct client_rows *rows, const struct routing_verdict *verdicts) {
  static const enum routing_reason order[] = {ROUTING_CHOSEN,   ROUTING_BEHIND,    ROUTING_UNNAMED, ROUTING_FULL,
                                              ROUTING_EXCLUDED, ROUTING_TERRITORY, ROUTING_HELP,    ROUTING_KIND};
  for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
    for (size_t i = 0; i < route->loaded->catalogue.participants_count; i++) {
      if (verdicts[i].reason == order[k]) {
        add_row(route, rows, &verdicts[i]);
      }
    }
  }
}

static int explain(struct route *route, const struct client *client) {
  size_t count = route->loaded->catalogue.participants_count;
  struct routing_verdict *verdicts = ARENA_ARRAY(&route->arena, struct routing_verdict, count);
  const struct participant *chosen;
  bool unfit;
  if (!routing_explain(&route->query, verdicts, &chosen, &unfit)) {
    return cli_fail(CLI_NOT_FOUND, "такого вида помощи нет в routing.yaml: %s", route->kind);
  }
  struct client_rows rows;
  client_rows_init(&rows);
  add_rows(route, &rows, verdicts);
  table_show(client, &rows, columns);
  client_rows_finish(&rows);
  if (chosen) {
    return CLI_OK;
  }
  return cli_fail(CLI_FAILURE, "%s",
                  unfit ? "названный исполнитель не подходит: исполнителя назначает куратор"
                        : "никого не осталось: исполнителя назначает куратор");
}

static int run(struct route *route, struct client *client) {
  const struct config_options options = {.config_dir = cli_config_dir(route->config)};
  struct fault fault = {.err = ERR_OK};
  if (config_load(&options, &route->loaded, &fault) != ERR_OK) {
    return cli_fail(CLI_INVALID, "%s", fault.text);
  }
  int exit_code = build_query(route);
  if (exit_code == CLI_OK && route->live) {
    exit_code = ask_engine(route);
  }
  return exit_code == CLI_OK ? explain(route, client) : exit_code;
}

int route_explain(int argc, char **argv) {
  struct route route = {.live = false};
  struct client client = {0};
  const struct cli_option table[] = {{"--config", &route.config, NULL},
                                     {"--kind", &route.kind, NULL},
                                     {"--municipality", &route.municipality, NULL},
                                     {"--declined", &route.declined, NULL},
                                     {"--executor", &route.executor, NULL},
                                     {"--at", &route.at, NULL},
                                     {"--load", &route.load, NULL},
                                     {"--live", NULL, &route.live},
                                     {"--all", NULL, &route.all},
                                     CLIENT_OPTIONS(route.client_options),
                                     {NULL, NULL, NULL}};
  if (cli_options_read(argc, argv, table, NULL, 0) < 0) {
    return CLI_USAGE;
  }
  if (!route.kind || !route.municipality) {
    return cli_usage("нужны --kind и --municipality");
  }
  if (!client_output_parse(route.client_options.output, &client.output)) {
    return cli_usage("-o бывает table, json или jsonl");
  }
  arena_init(&route.arena, 0);
  client_rows_init(&route.participants);
  int exit_code = run(&route, &client);
  client_rows_finish(&route.participants);
  config_destroy(&route.loaded);
  arena_finish(&route.arena);
  return exit_code;
}
