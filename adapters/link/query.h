/*
 * link/query.h — asking a running engine, for the CLI and scripts (blocking, no loop).
 *
 * Life cycle: query_open → query_ask… → query_close. Threading: one owner.
 * Errors: as the engine says (its code), ERR_UNREACHABLE when it does not answer in time, ERR_FORBIDDEN when it does
 * not admit the key. Texts in `fault` are Russian.
 */
#ifndef KURATOR_LINK_QUERY_H
#define KURATOR_LINK_QUERY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "wire/keys.h"

struct query;

struct query_options {
  const char *endpoint;
  const uint8_t *server_key; /* KEY_CONNECTION bytes, public */
  const struct key_pair *key_pair;
  uint32_t timeout_ms; /* for the connection and for each page; 0: 5 s */
};
enum err query_open(const struct query_options *options, struct query **ret_query, struct fault *fault) MUST_CHECK;
void query_close(struct query **at); /* NULL-safe */

struct query_request {
  const char *actor;  /* person or program that asks */
  const char *role;   /* NULL: none */
  const char *reason; /* why personal data is needed; NULL: it is not */
  const char *verb;   /* "case.show" */
  const char *const *args;
  size_t args_count;
  uint64_t limit;      /* rows in all, 0: all */
  uint32_t timeout_ms; /* for each page; 0: the one of query_open */
};
/* Rows come in order, each one JSON text, valid until the callback returns; false stops the asking. */
typedef bool (*query_on_row)(void *arg, struct span row);
/* Goes from page to page until the end. `ret_journal` (may be NULL): the journal position of the last page. */
enum err query_ask(struct query *query, const struct query_request *request, query_on_row on_row, void *arg,
                   uint64_t *ret_journal, struct fault *fault) MUST_CHECK;

#endif
