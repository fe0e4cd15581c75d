/* A chart's file and what stands around it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chart.h"
#include "cli.h"

enum err chart_file_open(struct chart_file *file, const char *path, struct fault *fault) {
  *file = (struct chart_file){.path = path};
  arena_init(&file->arena, 0);
  const char *slash = strrchr(path, '/');
  struct span folder = slash ? span_of(path, (size_t)(slash - path) + (slash == path)) : SPAN_LITERAL(".");
  file->folder = arena_cstr(&file->arena, folder);
  struct span bytes;
  TRY(cli_read_file(path, CHART_SOURCE_MAX, &bytes, fault));
  file->source = arena_copy(&file->arena, bytes);
  cli_file_free(&bytes);
  return ERR_OK;
}

void chart_file_close(struct chart_file *file) {
  arena_finish(&file->arena);
}

const char *chart_file_beside(struct chart_file *file, const char *name) {
  struct span path = arena_printf(&file->arena, "%s/%s", file->folder, name);
  return arena_cstr(&file->arena, path);
}

bool chart_path_exists(const char *path) {
  return access(path, R_OK) == 0;
}

const char *chart_config_dir(struct chart_file *file, const char *given) {
  if (given || getenv("KURATOR_CONFIG")) {
    return cli_config_dir(given);
  }
  return chart_path_exists(chart_file_beside(file, "../../catalogue.yaml")) ? chart_file_beside(file, "../..")
                                                                            : cli_config_dir(NULL);
}

/* ---- files that a chart names ---- */

static bool is_inside(const char *folder, const char *path) {
  size_t size = strlen(folder);
  return strncmp(folder, path, size) == 0 && (path[size] == '/' || size == 1);
}

static enum err load_real(const char *folder, const char *path, struct arena *arena, struct span *ret_bytes) {
  if (!is_inside(folder, path)) {
    return ERR_FORBIDDEN;
  }
  struct span bytes;
  TRY(cli_read_file(path, CHART_SOURCE_MAX, &bytes, NULL));
  *ret_bytes = arena_copy(arena, bytes);
  cli_file_free(&bytes);
  return ERR_OK;
}

enum err chart_source_load(void *folder, struct span uri, struct arena *arena, struct span *ret_bytes) {
  struct span scheme = SPAN_LITERAL("file:");
  if (span_starts_with(uri, scheme)) {
    uri = span_of(uri.data + scheme.size, uri.size - scheme.size);
  }
  if (span_empty(uri) || uri.data[0] == '/' || memchr(uri.data, '\0', uri.size)) {
    return ERR_FORBIDDEN;
  }
  struct span joined = arena_printf(arena, "%s/%.*s", (const char *)folder, SPAN_ARG(uri));
  char *real_folder = realpath(folder, NULL);
  char *real = realpath(arena_cstr(arena, joined), NULL);
  enum err err = real && real_folder ? load_real(real_folder, real, arena, ret_bytes) : ERR_NOT_FOUND;
  free(real);
  free(real_folder);
  return err;
}
