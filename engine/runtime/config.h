/*
 * runtime/config.h — the configuration folder, read and checked as a whole.
 *
 * Purpose: turns config/ into the plain structs that the pure rooms take: the catalogue (catalogue.yaml,
 * participants.yaml, territories.yaml, routing.yaml, documents.yaml), the production calendar, the processes with their
 * settings and what starts them, and the settings of the daemon (kurator.yaml, may be missing: then the defaults hold).
 * Reading is strict: a key that nobody knows, a missing one or a value of the wrong type is an error that names file
 * and line.
 *
 * Life cycle: config_load → used by any number of readers → config_destroy. Threading: immutable once loaded.
 * Ownership: everything that hangs on a struct config lives in its arena, until config_destroy.
 * Limits: CONFIG_*_MAX below. Never: writes, reads a clock or the environment, or compiles a chart by itself
 * (config_casework does).
 */
#ifndef KURATOR_RUNTIME_CONFIG_H
#define KURATOR_RUNTIME_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "base/value.h"
#include "calendar/calendar.h"
#include "casework/casework.h"
#include "casework/catalogue.h"

enum {
  CONFIG_FILE_MAX = 4 << 20,  /* bytes of one YAML file */
  CONFIG_CHART_MAX = 1 << 20, /* bytes of one chart */
  CONFIG_PROCESSES_MAX = 100,
  CONFIG_PATH_MAX = 4096,
};

/* A named choice where the documents are silent or disagree; becomes a field of _x.settings. */
struct config_setting {
  struct span name;
  struct value value;    /* a YAML scalar: true and false, whole numbers, anything else is text */
  struct value fallback; /* `default`: what it is unless somebody decides otherwise; nil: not said */
  struct span source;    /* document and clause, or "house rule" */
  struct span title;     /* Russian */
};

struct config_process {
  struct span name;             /* folder name: [a-z][a-z0-9-]* */
  const char *file;             /* path of the chart, for faults */
  struct span chart;            /* SCXML */
  struct value settings;        /* map name → value */
  struct config_setting *rules; /* the same with source and title, in the order of the file */
  size_t rules_count;
};

/* kurator.yaml. Every key may be missing; the defaults stand in config_engine_default (config.c). */
struct config_engine {
  struct {
    struct span endpoint;       /* participants; tcp:// or ipc:// */
    struct span query_endpoint; /* CLI and agents */
    struct span data;           /* directory of the database */
    struct span keys;           /* directory of the server's keys and the registry of participants' public keys */
    struct span log_level;      /* debug, info, warning, error */
  } daemon;
  struct {
    int64_t batch_messages;    /* messages stepped in one batch */
    int64_t batch_share;       /* of these, of one participant */
    int64_t timer_slice;       /* due timers stepped in one batch */
    int64_t inbox_messages;    /* messages waiting, all participants */
    int64_t inbox_share;       /* messages waiting, one participant: beyond it is told to wait */
    int64_t envelope_messages; /* messages in one envelope */
    int64_t deliveries_window; /* deliveries on their way to one participant, whatever credit it gives */
    int64_t query_rows;        /* rows of one query answer */
    int64_t sessions;          /* connections at a time, on each socket */
    int64_t key_sessions;      /* of these, of one key */
    int64_t handshake_ms;      /* the longest that a handshake may take */
    int64_t stream_tail;       /* acknowledged deliveries that each stream keeps */
  } limits;
  struct {
    int64_t map_mib;     /* first size of the database map */
    int64_t map_max_mib; /* it grows up to this */
  } store;
  struct {
    bool decree_days_off; /* calendar_options.decree_days_off */
  } calendar;
};

struct config {
  struct arena arena;
  struct catalogue catalogue; /* checked */
  struct calendar *calendar;
  struct config_process *processes; /* in byte order of their names */
  size_t processes_count;
  struct process_source *sources; /* the same, as casework and runtime take them */
  struct config_engine engine;
};

struct config_options {
  const char *config_dir;
  const char *processes_dir; /* NULL: config_dir/processes */
  bool without_processes;    /* catalogue, calendar and kurator.yaml alone, for who looks at one chart */
};
/* ERR_CONFIG or ERR_IO; the text begins with "FILE:LINE: " as far as they are known, and `line` holds the line. */
enum err config_load(const struct config_options *options, struct config **ret_config, struct fault *fault) MUST_CHECK;
void config_destroy(struct config **config);
/* Reads settings.yaml of a folder into `process` (a process without one has none). Errors as above. */
enum err config_read_settings(struct config *config, struct config_process *process, const char *folder,
                              struct fault *fault) MUST_CHECK;
/* A file that has to be there, whole, in the configuration's arena. */
enum err config_read_file(struct config *config, const char *path, size_t size_max, struct span *ret_text,
                          struct fault *fault) MUST_CHECK;
const struct config_process *config_process_of(const struct config *config, struct span name);

/* A casework over this configuration with all its processes defined (compiled and checked), in name order. The config
 * must outlive it. Errors as above, with the chart's file and line. */
enum err config_casework(const struct config *config, const struct casework_ports *ports,
                         struct casework **ret_casework, struct fault *fault) MUST_CHECK;

#endif
