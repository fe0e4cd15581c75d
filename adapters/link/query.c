#include "link/query.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "wire/frame.h"
#include "wire/request.h"

enum { TIMEOUT_MS = 5000, STRAY_REPLIES_MAX = 100 };

struct query {
  struct request_socket *socket;
  uint32_t timeout_ms;
  uint64_t number; /* of the last question */
};

enum err query_open(const struct query_options *options, struct query **ret_query, struct fault *fault) {
  uint32_t timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
  struct request_socket *socket = NULL;
  TRY(request_open(options->endpoint, options->server_key, options->key_pair, timeout_ms, &socket, fault));
  struct query *query = calloc(1, sizeof *query);
  ASSERT(query);
  query->socket = socket;
  query->timeout_ms = timeout_ms;
  *ret_query = query;
  return ERR_OK;
}

void query_close(struct query **at) {
  if (*at) {
    request_close(&(*at)->socket);
    free(*at);
    *at = NULL;
  }
}

/* ---- one page ---- */

struct asking {
  struct query *query;
  const struct query_request *request;
  query_on_row on_row;
  void *arg;
  struct fault *fault;
  struct arena arena; /* of the present page */
  struct writer bytes;
  struct writer cursor; /* where the next page starts; empty on the first */
  uint64_t rows;
  uint64_t journal;
  bool done;
};

/* As frame_text, for a list. */
static char **texts(const char *const *constants) {
  union {
    const char *const *constants;
    char **plain;
  } either = {.constants = constants};
  return either.plain;
}

static enum err page_request(struct asking *a) {
  const struct query_request *r = a->request;
  Kurator__V1__QueryRequest message = KURATOR__V1__QUERY_REQUEST__INIT;
  message.has_number = 1;
  message.number = ++a->query->number;
  message.actor = frame_text(r->actor);
  message.role = frame_text(r->role);
  message.reason = frame_text(r->reason);
  message.verb = frame_text(r->verb);
  message.n_args = r->args_count;
  message.args = texts(r->args);
  message.has_cursor = a->cursor.size > 0;
  message.cursor = (ProtobufCBinaryData){a->cursor.size, a->cursor.data};
  uint64_t left = r->limit > a->rows ? r->limit - a->rows : 0;
  message.has_limit = r->limit > 0;
  message.limit = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
  writer_reset(&a->bytes);
  frame_pack(&message.base, &a->bytes);
  if (a->bytes.size > FRAME_QUERY_MAX) {
    return fault_set(a->fault, ERR_LIMIT, "запрос слишком велик");
  }
  return request_send(a->query->socket, writer_span(&a->bytes), a->fault);
}

/* Answers to earlier questions, which were given up, may still come: they are passed over. */
static enum err page_receive(struct asking *a, Kurator__V1__QueryReply **ret_reply) {
  uint32_t timeout_ms = a->request->timeout_ms > 0 ? a->request->timeout_ms : a->query->timeout_ms;
  for (int i = 0; i < STRAY_REPLIES_MAX; i++) {
    writer_reset(&a->bytes);
    arena_reset(&a->arena);
    TRY(request_receive(a->query->socket, timeout_ms, FRAME_QUERY_MAX, &a->bytes, a->fault));
    if (frame_read_answer(writer_span(&a->bytes), &a->arena, ret_reply) != ERR_OK) {
      return fault_set(a->fault, ERR_FORMAT, "ответ сервера не разобран");
    }
    if ((*ret_reply)->number == a->query->number) {
      return ERR_OK;
    }
  }
  return fault_set(a->fault, ERR_UNREACHABLE, "сервер не отвечает на запрос");
}

static bool page_rows(struct asking *a, const Kurator__V1__QueryReply *reply) {
  for (size_t i = 0; i < reply->n_rows; i++) {
    a->rows++;
    if (!a->on_row(a->arg, span_of(reply->rows[i].data, reply->rows[i].len))) {
      return false;
    }
  }
  return a->request->limit == 0 || a->rows < a->request->limit;
}

static enum err page(struct asking *a) {
  TRY(page_request(a));
  Kurator__V1__QueryReply *reply = NULL;
  TRY(page_receive(a, &reply));
  if (reply->fault) {
    struct fault fault;
    frame_fault_read(reply->fault, &fault);
    return fault_set(a->fault, fault.err, "%s", fault.text);
  }
  a->journal = reply->journal_position;
  bool go_on = page_rows(a, reply);
  bool same = span_equal(writer_span(&a->cursor), span_of(reply->next_cursor.data, reply->next_cursor.len));
  a->done = !go_on || reply->done || !reply->has_next_cursor;
  if (!a->done && same) {
    return fault_set(a->fault, ERR_FORMAT, "сервер повторяет ту же страницу");
  }
  writer_reset(&a->cursor);
  writer_raw(&a->cursor, span_of(reply->next_cursor.data, reply->next_cursor.len));
  return ERR_OK;
}

enum err query_ask(struct query *query, const struct query_request *request, query_on_row on_row, void *arg,
                   uint64_t *ret_journal, struct fault *fault) {
  struct asking a = {.query = query, .request = request, .on_row = on_row, .arg = arg, .fault = fault};
  arena_init(&a.arena, 0);
  writer_init(&a.bytes);
  writer_init(&a.cursor);
  enum err err = ERR_OK;
  while (err == ERR_OK && !a.done) {
    err = page(&a);
  }
  if (err == ERR_OK && ret_journal) {
    *ret_journal = a.journal;
  }
  arena_finish(&a.arena);
  writer_finish(&a.bytes);
  writer_finish(&a.cursor);
  return err;
}
