/*
 * What is signed are bytes as they stand; nothing here serialises a second time what came in.
 *
 * Trust: envelope_read believes nothing but the form. The sender's name becomes true with envelope_verify, the messages
 * with envelope_match; an event's fields are then the sender's own words.
 */
#include "proto/envelope.h"

#include "kurator/v1/envelope.pb-c.h"
#include "proto/json.h"

#define DOMAIN_ENVELOPE "kurator/v1/envelope"
#define DOMAIN_MESSAGE  "kurator/v1/message"

/* ---- helpers over the mapper's maps ---- */

struct field_list {
  struct value_field fields[8];
  size_t count;
};

static void list_add(struct field_list *list, const char *name, struct value value) {
  ASSERT(list->count < sizeof list->fields / sizeof list->fields[0]);
  list->fields[list->count++] = (struct value_field){span_of_cstr(name), value};
}

static struct value list_map(struct field_list *list) {
  struct value map;
  enum err err = value_map(list->fields, list->count, &map);
  ASSERT(err == ERR_OK);
  return map;
}

static bool integer_get(const struct value *map, const char *name, int64_t *ret_integer) {
  const struct value *field = value_get(map, name);
  if (!field) {
    return false;
  }
  *ret_integer = field->integer;
  return true;
}

static enum err missing(struct fault *fault, const char *name) {
  return fault_set(fault, ERR_INVALID, "поле «%s»: не указано", name);
}

static enum err malformed(struct fault *fault, const char *name) {
  return fault_set(fault, ERR_INVALID, "поле «%s»: недопустимое значение", name);
}

static bool made_of(struct span text, size_t size_max, const char *extra) {
  if (text.size == 0 || text.size > size_max) {
    return false;
  }
  for (size_t i = 0; i < text.size; i++) {
    char c = (char)text.data[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain && (c == '\0' || !strchr(extra, c))) {
      return false;
    }
  }
  return true;
}

bool participant_id_valid(struct span id) {
  return made_of(id, PARTICIPANT_ID_MAX, "._-");
}

/* ---- events ---- */

enum err event_pack(const struct event_message *message, const uint8_t salt[ENVELOPE_SALT], struct writer *w) {
  struct field_list list = {.count = 0};
  list_add(&list, "case_id", value_text(message->case_id));
  list_add(&list, "event", value_text(message->event));
  list_add(&list, "occurred_at_ms", value_int(message->occurred_at));
  list_add(&list, "recipient", value_text(message->recipient));
  list_add(&list, "acting_for", value_text(message->acting_for));
  if (message->expires_at != CIVIL_MOMENT_NONE) {
    list_add(&list, "expires_at_ms", value_int(message->expires_at));
  }
  list_add(&list, "payload", value_text(message->payload));
  list_add(&list, "salt", value_text(span_of(salt, ENVELOPE_SALT)));
  struct value map = list_map(&list);
  size_t start = w->size;
  TRY(message_pack(&kurator__v1__event__descriptor, &map, w, NULL));
  if (w->size - start > EVENT_BYTES_MAX) {
    w->size = start;
    return ERR_LIMIT;
  }
  return ERR_OK;
}

static enum err event_check(const struct event_message *m, struct fault *fault) {
  if (span_empty(m->case_id)) {
    return missing(fault, "case_id");
  }
  if (span_empty(m->event)) {
    return missing(fault, "event");
  }
  if (!made_of(m->case_id, EVENT_CASE_MAX, "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-/")) {
    return malformed(fault, "case_id");
  }
  if (!made_of(m->event, EVENT_NAME_MAX, "._-")) {
    return malformed(fault, "event");
  }
  if (!span_empty(m->recipient) && !participant_id_valid(m->recipient)) {
    return malformed(fault, "recipient");
  }
  if (m->acting_for.size > PARTICIPANT_ID_MAX) {
    return malformed(fault, "acting_for");
  }
  return m->salt.size == ENVELOPE_SALT ? ERR_OK : malformed(fault, "salt");
}

enum err event_read(struct span bytes, struct arena *arena, struct event_message *ret_message, struct fault *fault) {
  if (bytes.size > EVENT_BYTES_MAX) {
    return fault_set(fault, ERR_LIMIT, "сообщение больше %d байт", EVENT_BYTES_MAX);
  }
  struct value map;
  TRY(message_unpack(&kurator__v1__event__descriptor, bytes, arena, &map, fault));
  struct event_message m = {
      .case_id = value_get_text(&map, "case_id"),
      .event = value_get_text(&map, "event"),
      .recipient = value_get_text(&map, "recipient"),
      .acting_for = value_get_text(&map, "acting_for"),
      .expires_at = CIVIL_MOMENT_NONE,
      .payload = value_get_text(&map, "payload"),
      .salt = value_get_text(&map, "salt"),
  };
  (void)integer_get(&map, "expires_at_ms", &m.expires_at);
  if (!integer_get(&map, "occurred_at_ms", &m.occurred_at)) {
    return missing(fault, "occurred_at_ms");
  }
  TRY(event_check(&m, fault));
  *ret_message = m;
  return ERR_OK;
}

void event_digest(struct span bytes, uint8_t ret_digest[SIGNING_DIGEST]) {
  signing_digest(DOMAIN_MESSAGE, bytes, ret_digest);
}

/* ---- sending ---- */

void envelope_begin(struct envelope_draft *draft, struct span sender, uint64_t first_sequence, civil_moment sent_at) {
  draft->sender = sender;
  draft->first_sequence = first_sequence;
  draft->sent_at = sent_at;
  draft->count = 0;
}

enum err envelope_add(struct envelope_draft *draft, struct span event_bytes) {
  if (draft->count == ENVELOPE_MESSAGES_MAX) {
    return ERR_LIMIT;
  }
  event_digest(event_bytes, draft->digests[draft->count++]);
  return ERR_OK;
}

void envelope_sign(const struct envelope_draft *draft, const struct signing_pair *pair, struct writer *header,
                   uint8_t ret_signature[SIGNING_SIGNATURE]) {
  ASSERT(draft->count > 0 && draft->first_sequence > 0);
  char key_id[SIGNING_KEY_ID_TEXT];
  signing_key_id(pair->public_key, key_id);
  struct value digests[ENVELOPE_MESSAGES_MAX];
  for (uint32_t i = 0; i < draft->count; i++) {
    digests[i] = value_text(span_of(draft->digests[i], SIGNING_DIGEST));
  }
  struct field_list list = {.count = 0};
  list_add(&list, "sender", value_text(draft->sender));
  list_add(&list, "key_id", value_text(span_of_cstr(key_id)));
  list_add(&list, "first_sequence", value_int((int64_t)draft->first_sequence));
  list_add(&list, "digests", value_list(digests, draft->count));
  list_add(&list, "sent_at_ms", value_int(draft->sent_at));
  struct value map = list_map(&list);
  size_t start = header->size;
  enum err err = message_pack(&kurator__v1__envelope_header__descriptor, &map, header, NULL);
  ASSERT(err == ERR_OK);
  signing_sign(pair, DOMAIN_ENVELOPE, span_of(header->data + start, header->size - start), ret_signature);
}

/* ---- receiving ---- */

static enum err digests_read(const struct value *list, struct arena *arena, struct envelope_header *header,
                             struct fault *fault) {
  if (!list || list->list.count == 0) {
    return missing(fault, "digests");
  }
  if (list->list.count > ENVELOPE_MESSAGES_MAX) {
    return fault_set(fault, ERR_LIMIT, "в конверте больше %d сообщений", ENVELOPE_MESSAGES_MAX);
  }
  struct span *digests = ARENA_ARRAY(arena, struct span, list->list.count);
  for (size_t i = 0; i < list->list.count; i++) {
    digests[i] = list->list.items[i].text;
    if (digests[i].size != SIGNING_DIGEST) {
      return malformed(fault, "digests");
    }
  }
  header->digests = digests;
  header->count = list->list.count;
  return ERR_OK;
}

enum err envelope_read(struct span header_bytes, struct arena *arena, struct envelope_header *ret_header,
                       struct fault *fault) {
  if (header_bytes.size > ENVELOPE_HEADER_MAX) {
    return fault_set(fault, ERR_LIMIT, "заголовок конверта больше %d байт", ENVELOPE_HEADER_MAX);
  }
  struct value map;
  TRY(message_unpack(&kurator__v1__envelope_header__descriptor, header_bytes, arena, &map, fault));
  struct envelope_header h = {
      .bytes = header_bytes,
      .sender = value_get_text(&map, "sender"),
      .key_id = value_get_text(&map, "key_id"),
  };
  int64_t sequence = 0;
  if (!participant_id_valid(h.sender)) {
    return malformed(fault, "sender");
  }
  if (h.key_id.size != SIGNING_KEY_ID_TEXT - 1) {
    return malformed(fault, "key_id");
  }
  if (!integer_get(&map, "sent_at_ms", &h.sent_at)) {
    return missing(fault, "sent_at_ms");
  }
  TRY(digests_read(value_get(&map, "digests"), arena, &h, fault));
  (void)integer_get(&map, "first_sequence", &sequence);
  if (sequence < 1 || sequence > INT64_MAX - ENVELOPE_MESSAGES_MAX) {
    return malformed(fault, "first_sequence");
  }
  h.first_sequence = (uint64_t)sequence;
  *ret_header = h;
  return ERR_OK;
}

enum err envelope_verify(struct span header_bytes, struct span signature, const uint8_t public_key[SIGNING_PUBLIC]) {
  bool good =
      signature.size == SIGNING_SIGNATURE && signing_verify(public_key, DOMAIN_ENVELOPE, header_bytes, signature.data);
  return good ? ERR_OK : ERR_FORBIDDEN;
}

enum err envelope_match(const struct envelope_header *header, const struct span *messages, size_t count) {
  if (count != header->count) {
    return ERR_INVALID;
  }
  for (size_t i = 0; i < count; i++) {
    uint8_t digest[SIGNING_DIGEST];
    event_digest(messages[i], digest);
    if (memcmp(digest, header->digests[i].data, SIGNING_DIGEST) != 0) {
      return ERR_INVALID;
    }
  }
  return ERR_OK;
}
