/*
 * ops/cli/chart.h — what the verbs of `kurator chart` share: a chart's file with what stands around it.
 *
 * Ownership: everything hangs on the arena of the struct, until chart_file_close. Threading: one owner.
 */
#ifndef KURATOR_CLI_CHART_H
#define KURATOR_CLI_CHART_H

#include "base/arena.h"
#include "chart/document.h"
#include "chart/lint.h"
#include "runtime/config.h"

enum { CHART_SOURCE_MAX = 1 << 20 };

/* A chart and its process' folder. */
struct chart_file {
  struct arena arena;
  const char *path;   /* of the chart */
  const char *folder; /* that it lies in; "." for none */
  struct span source;
};

/* ERR_NOT_FOUND, ERR_IO, ERR_LIMIT. Close it in either case. */
enum err chart_file_open(struct chart_file *file, const char *path, struct fault *fault) MUST_CHECK;
void chart_file_close(struct chart_file *file);
/* "FOLDER/NAME" in the file's arena, and whether there is such a file. */
const char *chart_file_beside(struct chart_file *file, const char *name);
bool chart_path_exists(const char *path);
/* The configuration that a chart belongs to: what was given, else the folder above its processes if that has a
 * catalogue, else where every command looks. */
const char *chart_config_dir(struct chart_file *file, const char *given);

/* A chart_loader for the files beside a chart: "file:NAME" or NAME, relative to `folder` (a text that ends with NUL)
 * and not out of it. */
enum err chart_source_load(void *folder, struct span uri, struct arena *arena, struct span *ret_bytes);

/* ---- the schema (chart_schema.c) ---- */

struct chart_schema;
/* Reads config/processes/kurator-case.xsd and what it imports, never from the network. ERR_CONFIG with a Russian text.
 */
enum err chart_schema_load(const char *config_dir, struct chart_schema **ret_schema, struct fault *fault) MUST_CHECK;
void chart_schema_destroy(struct chart_schema **schema);
/* Adds what the schema does not allow, and in the chart of a `process` the elements that nobody reads. `document` is
 * well-formed and has no document type declaration. */
void chart_schema_check(const struct chart_schema *schema, struct span document, bool process, struct lint *lint);

/* ---- verbs ---- */

int chart_lint_run(int argc, char **argv);
int chart_desugar_run(int argc, char **argv);
int chart_table_run(int argc, char **argv);
int chart_render_run(int argc, char **argv);

#endif
