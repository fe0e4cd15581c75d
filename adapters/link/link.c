/* Life of a link, its connections, and what the adapter calls. What is said to the engine stands in talk.h's files. */
#include "link/link.h"

#include <stdlib.h>

#include "link/talk.h"

struct span member_id(const struct member *member) {
  return span_of_cstr(member->id);
}

struct member *link_member(struct link *link, const char *id) {
  for (size_t i = 0; i < link->members_count; i++) {
    if (strcmp(link->members[i].id, id) == 0) {
      return &link->members[i];
    }
  }
  return NULL;
}

void link_status(struct link *link, const char *text) {
  if (link->options.on_status) {
    link->options.on_status(link->options.arg, link_is_up(link), text);
  }
}

/* ---- transactions ---- */

void link_reload(struct link *link) {
  for (size_t i = 0; i < link->members_count; i++) {
    struct member *member = &link->members[i];
    uint64_t settled_before = member->state.pending;
    if (spool_participant_load(link->spool, member_id(member), &member->state) != ERR_OK) {
      continue; /* the disk is gone: the next write says so */
    }
    if (member->state.pending != settled_before && member->talk == TALK_WELCOMED) {
      member_restart(member, 1); /* which of them are in flight is not known any more */
    }
  }
}

enum err link_callback_begin(struct link *link) {
  ASSERT(link->transaction == TRANSACTION_NONE); /* link_begin … link_commit do not span turns of the loop */
  TRY(spool_begin(link->spool));
  link->transaction = TRANSACTION_CALLBACK;
  return ERR_OK;
}

enum err link_callback_end(struct link *link) {
  link->transaction = TRANSACTION_NONE;
  return spool_commit(link->spool);
}

enum err link_begin(struct link *link) {
  if (link->transaction == TRANSACTION_CALLBACK) {
    return ERR_OK;
  }
  ASSERT(link->transaction == TRANSACTION_NONE);
  TRY(spool_begin(link->spool));
  link->transaction = TRANSACTION_USER;
  return ERR_OK;
}

static enum err spool_fault(struct fault *fault, enum err err) {
  const char *text = err == ERR_FULL ? "диск заполнен: сообщение не сохранено" : "сообщение не удалось сохранить";
  return fault_set(fault, err, "%s", text);
}

enum err link_commit(struct link *link, struct fault *fault) {
  if (link->transaction == TRANSACTION_CALLBACK) {
    return ERR_OK;
  }
  ASSERT(link->transaction == TRANSACTION_USER);
  link->transaction = TRANSACTION_NONE;
  enum err err = spool_commit(link->spool);
  if (err != ERR_OK) {
    link_reload(link);
    return spool_fault(fault, err);
  }
  link_flush_soon(link);
  return ERR_OK;
}

void link_rollback(struct link *link) {
  if (link->transaction == TRANSACTION_USER) {
    link->transaction = TRANSACTION_NONE;
    spool_rollback(link->spool);
    link_reload(link);
  }
}

/* ---- sending ---- */

static enum err event_bytes(const struct link_event *event, struct writer *w, struct fault *fault) {
  struct writer payload DEFER(writer_finish);
  writer_init(&payload);
  TRY(payload_pack(event->event, event->data, &payload, fault));
  struct event_message message = {.case_id = event->case_id,
                                  .event = event->event,
                                  .occurred_at = event->occurred_at,
                                  .acting_for = event->acting_for,
                                  .expires_at = CIVIL_MOMENT_NONE,
                                  .payload = writer_span(&payload)};
  uint8_t salt[ENVELOPE_SALT];
  signing_random(salt, sizeof salt);
  enum err err = event_pack(&message, salt, w);
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "сообщение больше %d байт", EVENT_BYTES_MAX);
}

/* Form and bounds as the engine will check them: better told now than by a receipt. */
static enum err event_check(const struct link_event *event, struct span bytes, struct fault *fault) {
  struct event_message message;
  if (event->tag.size > LINK_TAG_MAX) {
    return fault_set(fault, ERR_LIMIT, "метка сообщения длиннее %d байт", LINK_TAG_MAX);
  }
  struct arena arena DEFER(arena_finish);
  arena_init(&arena, 4096);
  return event_read(bytes, &arena, &message, fault);
}

static enum err event_store(struct member *member, struct span bytes, struct span tag) {
  struct link *link = member->link;
  TRY(spool_message_put(link->spool, member_id(member), member->state.next, bytes, tag));
  struct spool_participant state = member->state;
  state.next++;
  TRY(spool_participant_store(link->spool, member_id(member), &state));
  state.pending++;
  member->state = state;
  return ERR_OK;
}

static enum err event_store_alone(struct member *member, struct span bytes, struct span tag, struct fault *fault) {
  struct link *link = member->link;
  enum err err = link_begin(link);
  if (err == ERR_OK) {
    err = event_store(member, bytes, tag);
  }
  if (err != ERR_OK) {
    link_rollback(link);
    return spool_fault(fault, err);
  }
  return link_commit(link, fault);
}

enum err link_send(struct link *link, const struct link_event *event, uint64_t *ret_sequence, struct fault *fault) {
  struct member *member = link_member(link, event->participant);
  if (!member) {
    return fault_set(fault, ERR_NOT_FOUND, "участник не подключён к этой программе");
  }
  struct writer bytes DEFER(writer_finish);
  writer_init(&bytes);
  TRY(event_bytes(event, &bytes, fault));
  TRY(event_check(event, writer_span(&bytes), fault));
  uint64_t sequence = member->state.next;
  if (link->transaction == TRANSACTION_NONE) {
    TRY(event_store_alone(member, writer_span(&bytes), event->tag, fault));
  } else {
    enum err err = event_store(member, writer_span(&bytes), event->tag);
    if (err != ERR_OK) {
      return spool_fault(fault, err);
    }
  }
  if (ret_sequence) {
    *ret_sequence = sequence;
  }
  return ERR_OK;
}

static void on_flush(uv_timer_t *timer) {
  struct link *link = timer->data;
  bool finished = true;
  for (size_t i = 0; i < link->members_count; i++) {
    finished = member_flush(&link->members[i]) && finished;
  }
  if (!finished) {
    link_flush_soon(link);
  }
  link_answer_barriers(link);
}

void link_flush_soon(struct link *link) {
  (void)uv_timer_start(&link->flush, on_flush, 0, 0);
}

/* ---- files, rows, notes ---- */

enum err link_file_get(struct link *link, struct span file, struct link_file *ret_file) {
  return spool_file_get(link->spool, file, ret_file);
}

enum err link_file_put(struct link *link, struct span file, const struct link_file *state) {
  return spool_file_put(link->spool, file, state);
}

enum err link_row_sent(struct link *link, struct span file, uint64_t row, const char *participant, uint64_t sequence) {
  return spool_row_sent(link->spool, file, row, span_of_cstr(participant), sequence);
}

enum err link_row_refused(struct link *link, struct span file, uint64_t row, struct span code, struct span text) {
  return spool_row_refused(link->spool, file, row, code, text);
}

enum err link_row_known(struct link *link, struct span file, uint64_t row, uint64_t journal, struct span text) {
  return spool_row_known(link->spool, file, row, journal, text);
}

enum err link_row_remark(struct link *link, struct span file, uint64_t row, struct span text) {
  return spool_row_remark(link->spool, file, row, text);
}

enum err link_rows(struct link *link, struct span file, bool (*visit)(void *arg, const struct link_row *row),
                   void *arg) {
  return spool_rows(link->spool, file, visit, arg);
}

enum err link_rows_pending(struct link *link, struct span file, uint64_t *ret_count) {
  return spool_rows_pending(link->spool, file, ret_count);
}

enum err link_file_done(struct link *link, struct span file) {
  return spool_file_done(link->spool, file);
}

enum err link_note_get(struct link *link, struct span name, struct arena *arena, struct span *ret_value) {
  return spool_note_get(link->spool, name, arena, ret_value);
}

enum err link_note_put(struct link *link, struct span name, struct span value) {
  return spool_note_put(link->spool, name, value);
}

/* ---- state ---- */

uint64_t link_pending(const struct link *link) {
  uint64_t pending = 0;
  for (size_t i = 0; i < link->members_count; i++) {
    pending += link->members[i].state.pending;
  }
  return pending;
}

bool link_idle(const struct link *link) {
  return link_pending(link) == 0;
}

bool link_is_up(const struct link *link) {
  for (size_t i = 0; i < link->members_count; i++) {
    if (link->members[i].talk != TALK_WELCOMED) {
      return false;
    }
  }
  return true;
}

/* ---- connections ---- */

Kurator__V1__Frame member_frame(struct member *member, Kurator__V1__Frame__BodyCase body) {
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  frame.participant = member->id;
  frame.body_case = body;
  return frame;
}

enum err connection_send(struct connection *connection, const Kurator__V1__Frame *frame, const struct span *parts,
                         size_t count) {
  struct link *link = connection->link;
  struct span all[1 + ENVELOPE_MESSAGES_MAX];
  ASSERT(count <= ENVELOPE_MESSAGES_MAX);
  writer_reset(&link->frame);
  frame_write(frame, &link->frame);
  all[0] = writer_span(&link->frame);
  if (count > 0) {
    memcpy(&all[1], parts, count * sizeof *parts);
  }
  return wire_client_send(connection->client, all, 1 + count);
}

static void on_up(void *arg) {
  struct connection *connection = arg;
  for (size_t i = 0; i < connection->link->members_count; i++) {
    if (connection->link->members[i].connection == connection) {
      member_hello(&connection->link->members[i]);
    }
  }
}

static void on_down(void *arg) {
  struct connection *connection = arg;
  connection->barrier = 0;
  connection->barrier_open = false;
  connection->link->rescan = true; /* an engine that was restarted counts from the start */
  link_flush_soon(connection->link);
  for (size_t i = 0; i < connection->link->members_count; i++) {
    if (connection->link->members[i].connection == connection) {
      member_silent(&connection->link->members[i]);
    }
  }
  link_status(connection->link, "соединение с сервером потеряно");
}

static void on_refused(void *arg, enum wire_refusal refusal) {
  struct connection *connection = arg;
  link_status(connection->link, wire_refusal_text(refusal));
}

static void on_writable(void *arg) {
  struct connection *connection = arg;
  link_flush_soon(connection->link);
}

static void on_ping(struct member *member, const Kurator__V1__Ping *ping) {
  Kurator__V1__Pong pong = KURATOR__V1__PONG__INIT;
  pong.has_number = 1;
  pong.number = ping->number;
  Kurator__V1__Frame frame = member_frame(member, KURATOR__V1__FRAME__BODY_PONG);
  frame.pong = &pong;
  enum err err = connection_send(member->connection, &frame, NULL, 0);
  (void)err; /* a lost answer is asked for again */
}

static void on_frame(struct member *member, const Kurator__V1__Frame *frame, const struct span *parts, size_t count) {
  switch (frame->body_case) {
  case KURATOR__V1__FRAME__BODY_WELCOME:
    member_on_welcome(member, frame->welcome);
    break;
  case KURATOR__V1__FRAME__BODY_RECEIPTS:
    member_on_receipts(member, frame->receipts);
    break;
  case KURATOR__V1__FRAME__BODY_DELIVERIES:
    member_on_deliveries(member, frame->deliveries, parts, count);
    break;
  case KURATOR__V1__FRAME__BODY_REFUSAL:
    member_on_refusal(member, frame->refusal);
    break;
  case KURATOR__V1__FRAME__BODY_PING:
    on_ping(member, frame->ping);
    break;
  default:
    break; /* of a newer engine; what matters has a version */
  }
}

static void on_message(void *arg, const struct span *parts, size_t count) {
  struct connection *connection = arg;
  struct link *link = connection->link;
  arena_reset(&link->arena);
  Kurator__V1__Frame *frame = NULL;
  if (frame_read(parts[0], &link->arena, &frame) != ERR_OK) {
    link_status(link, "сообщение сервера не разобрано");
    return;
  }
  if (frame->body_case == KURATOR__V1__FRAME__BODY_BARRIER) {
    connection_on_barrier(connection, frame->barrier);
    return;
  }
  struct member *member = link_member(link, frame->participant);
  if (member && member->connection == connection) {
    on_frame(member, frame, parts + 1, count - 1);
  }
}

static enum err connection_open(struct connection *connection, struct fault *fault) {
  const struct link_options *options = &connection->link->options;
  struct wire_client_options client = {.endpoint = options->endpoint,
                                       .server_key = options->server_key,
                                       .key_pair = &connection->keys,
                                       .limits = options->limits,
                                       .reconnect_max_ms = options->reconnect_max_ms,
                                       .on_up = on_up,
                                       .on_down = on_down,
                                       .on_refused = on_refused,
                                       .on_message = on_message,
                                       .on_writable = on_writable,
                                       .arg = connection};
  return wire_client_open(options->wire, &client, &connection->client, fault);
}

/* ---- life ---- */

static struct connection *connection_of(struct link *link, const struct key_pair *keys) {
  for (size_t i = 0; i < link->connections_count; i++) {
    struct connection *connection = &link->connections[i];
    if (memcmp(connection->keys.connection_public, keys->connection_public, KEY_CONNECTION) == 0) {
      return connection;
    }
  }
  struct connection *connection = &link->connections[link->connections_count++];
  *connection = (struct connection){.link = link, .keys = *keys};
  return connection;
}

static enum err member_open(struct link *link, const struct link_participant *participant, struct fault *fault) {
  struct span id = span_of_cstr(participant->id);
  if (!participant_id_valid(id) || link_member(link, participant->id)) {
    return fault_set(fault, ERR_INVALID, "участник «%s»: такого имени не бывает, или оно названо дважды",
                     participant->id);
  }
  struct member *member = &link->members[link->members_count];
  *member = (struct member){.link = link, .signing = participant->keys->signing, .pause_ms = TALK_PAUSE_MS};
  memcpy(member->id, id.data, id.size);
  enum err err = spool_participant_load(link->spool, id, &member->state);
  if (err != ERR_OK) {
    return fault_set(fault, err, "спул: запись участника не читается");
  }
  member->connection = connection_of(link, participant->keys);
  (void)uv_timer_init(link->options.loop, &member->timer);
  member->timer.data = member;
  link->members_count++;
  link->handles_open++;
  return ERR_OK;
}

static enum err open_all(struct link *link, const struct link_options *options, struct fault *fault) {
  TRY(spool_open(options->spool_path, &link->spool, fault));
  for (size_t i = 0; i < options->participants_count; i++) {
    TRY(member_open(link, &options->participants[i], fault));
  }
  for (size_t i = 0; i < link->connections_count; i++) {
    TRY(connection_open(&link->connections[i], fault));
  }
  return ERR_OK;
}

static struct link *link_new(const struct link_options *options) {
  struct link *link = calloc(1, sizeof *link);
  ASSERT(link);
  link->options = *options;
  link->agent = strdup(options->agent ? options->agent : "");
  link->options.participants = NULL;
  link->connections = calloc(options->participants_count, sizeof *link->connections);
  link->members = calloc(options->participants_count, sizeof *link->members);
  ASSERT(link->agent && link->connections && link->members);
  arena_init(&link->arena, 0);
  writer_init(&link->frame);
  writer_init(&link->header);
  (void)uv_timer_init(options->loop, &link->flush);
  link->flush.data = link;
  link->handles_open = 1;
  return link;
}

enum err link_open(const struct link_options *options, struct link **ret_link, struct fault *fault) {
  if (options->participants_count == 0 || options->participants_count > LINK_PARTICIPANTS_MAX) {
    return fault_set(fault, ERR_INVALID, "участников от 1 до %d", LINK_PARTICIPANTS_MAX);
  }
  struct link *link = link_new(options);
  enum err err = open_all(link, options, fault);
  /* These are the caller's; the rooms below have their own copies. */
  link->options.endpoint = NULL;
  link->options.server_key = NULL;
  link->options.spool_path = NULL;
  link->options.agent = NULL;
  if (err != ERR_OK) {
    link_close(&link);
    return err;
  }
  *ret_link = link;
  return ERR_OK;
}

static void link_free(struct link *link) {
  for (size_t i = 0; i < link->connections_count; i++) {
    key_pair_erase(&link->connections[i].keys);
  }
  for (size_t i = 0; i < link->members_count; i++) {
    signing_erase(&link->members[i].signing);
  }
  arena_finish(&link->arena);
  writer_finish(&link->frame);
  writer_finish(&link->header);
  free(link->agent);
  free(link->connections);
  free(link->members);
  free(link);
}

static void on_member_closed(uv_handle_t *handle) {
  struct link *link = ((struct member *)handle->data)->link;
  if (--link->handles_open == 0) {
    link_free(link);
  }
}

static void on_flush_closed(uv_handle_t *handle) {
  struct link *link = handle->data;
  if (--link->handles_open == 0) {
    link_free(link);
  }
}

void link_close(struct link **at) {
  struct link *link = *at;
  *at = NULL;
  if (!link) {
    return;
  }
  for (size_t i = 0; i < link->connections_count; i++) {
    wire_client_close(&link->connections[i].client);
  }
  spool_close(&link->spool);
  for (size_t i = 0; i < link->members_count; i++) {
    uv_close((uv_handle_t *)&link->members[i].timer, on_member_closed);
  }
  uv_close((uv_handle_t *)&link->flush, on_flush_closed);
}
