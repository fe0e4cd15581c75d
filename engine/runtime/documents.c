/*
 * runtime/documents.c — documents.yaml of a process' folder joins the catalogue.
 *
 * The catalogue has been checked and sorted when this runs; no casework looks at it yet, so its tables may move.
 */
#include "runtime/documents.h"

#include <string.h>
#include <unistd.h>

#include "runtime/config_schema.h"

/* A table with `more` behind it. */
static void *joined(struct arena *arena, const void *items, size_t count, const void *more, size_t more_count,
                    size_t size) {
  uint8_t *both = arena_alloc(arena, (count + more_count) * size);
  if (count > 0) {
    memcpy(both, items, count * size);
  }
  if (more_count > 0) {
    memcpy(both + count * size, more, more_count * size);
  }
  return both;
}

static void join_tables(struct arena *arena, struct catalogue *c, const struct config_documents *own) {
  c->documents =
      joined(arena, c->documents, c->documents_count, own->documents, own->documents_count, sizeof *c->documents);
  c->documents_count += own->documents_count;
  c->document_states = joined(arena, c->document_states, c->document_states_count, own->states, own->states_count,
                              sizeof *c->document_states);
  c->document_states_count += own->states_count;
  c->statuses = joined(arena, c->statuses, c->statuses_count, own->statuses, own->statuses_count, sizeof *c->statuses);
  c->statuses_count += own->statuses_count;
}

static enum err join_event(struct config *config, struct span process, const struct config_event_document *own,
                           struct fault *fault) {
  const struct event_rule *known = catalogue_event(&config->catalogue, own->event);
  if (!known) {
    return fault_set(fault, ERR_CONFIG, "такого события нет в catalogue.yaml: «%.*s»", SPAN_ARG(own->event));
  }
  struct event_rule *event = &config->catalogue.events[known - config->catalogue.events];
  struct event_document document = own->document;
  document.process = process;
  event->documents =
      joined(&config->arena, event->documents, event->documents_count, &document, 1, sizeof *event->documents);
  event->documents_count++;
  return ERR_OK;
}

enum err documents_load(struct config *config, struct span process, const char *folder, struct fault *fault) {
  const char *path = arena_cstr(&config->arena, arena_printf(&config->arena, "%s/documents.yaml", folder));
  struct config_documents own;
  struct span text;
  struct fault found = {.err = ERR_OK};
  if (access(path, F_OK) != 0) {
    return ERR_OK;
  }
  TRY(config_read_document(config, path, &config_process_documents_schema, &text, &own, fault));
  join_tables(&config->arena, &config->catalogue, &own);
  for (size_t i = 0; i < own.events_count && found.err == ERR_OK; i++) {
    (void)!join_event(config, process, &own.events[i], &found);
  }
  enum err err = found.err == ERR_OK ? catalogue_check_documents(&config->catalogue, &found) : found.err;
  return err == ERR_OK ? ERR_OK : fault_set(fault, ERR_CONFIG, "%s: %s", path, found.text);
}
