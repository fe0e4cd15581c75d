/*
 * daemon/desk_keys.c — participants' keys.
 *
 *   key.list    participant=ID                                        one row for each key
 *   key.add     participant=ID [label=L] connection=HEX signing=HEX [beside=1]
 *   key.revoke  participant=ID [label=L]                              counts at once, on open connections too
 *
 * A change counts when the registry has it; its answer comes when the journal says who made it. Should the journal have
 * no room for more acts, the log alone says so, and the answer has no number.
 */
#include "base/log.h"
#include "daemon/page.h"
#include "daemon/registry.h"
#include "daemon/sessions.h"
#include "daemon/turn.h"

static bool key_row(void *arg, const char *label, const struct key_public *key) {
  struct page *page = arg;
  char connection[KEY_CONNECTION_TEXT];
  char signing[SIGNING_KEY_ID_TEXT];
  key_connection_format(key->connection, connection);
  signing_key_id(key->signing, signing);
  const struct value_field fields[] = {
      PAGE_FIELD("label", value_text(span_of_cstr(label))),
      PAGE_FIELD("connection", value_text(arena_copy(page->arena, span_of_cstr(connection)))),
      PAGE_FIELD("signing_id", value_text(arena_copy(page->arena, span_of_cstr(signing)))),
  };
  page_row(page, fields, PAGE_COUNT(fields));
  return true;
}

static enum err which_key(const struct page *page, struct registry_key *ret_which, struct fault *fault) {
  TRY(page_arg_needed(page, "participant", &ret_which->participant, fault));
  ret_which->label = page_arg(page, "label");
  return ERR_OK;
}

static enum err key_list(struct page *page, struct fault *fault) {
  struct registry_key which;
  TRY(which_key(page, &which, fault));
  if (!keyring_knows(page->daemon->keyring, which.participant)) {
    return fault_set(fault, ERR_NOT_FOUND, "нет такого участника в настройках");
  }
  keyring_keys(page->daemon->keyring, which.participant, key_row, page);
  return ERR_OK;
}

static enum err key_read(const struct page *page, struct key_public *ret_key, struct fault *fault) {
  _Static_assert((int)KEY_CONNECTION == (int)SIGNING_PUBLIC, "both halves are as long");
  if (key_connection_parse(page_arg(page, "connection"), ret_key->connection) != ERR_OK ||
      key_connection_parse(page_arg(page, "signing"), ret_key->signing) != ERR_OK) {
    return fault_set(fault, ERR_INVALID, "открытый ключ не читается");
  }
  return ERR_OK;
}

/* ---- what was done ---- */

static void result_row(struct page *page, struct span participant, const char *result, uint64_t journal) {
  const struct value_field fields[] = {
      PAGE_FIELD("participant", value_text(participant)),
      PAGE_FIELD("result", value_text(span_of_cstr(result))),
      PAGE_FIELD("journal", journal > 0 ? value_int((int64_t)journal) : value_nil()),
  };
  page_row(page, fields, PAGE_COUNT(fields));
}

static enum err show_added(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)fault;
  result_row(page, page->subject, "added", acted->journal);
  return ERR_OK;
}

static enum err show_revoked(struct page *page, const struct runtime_acted *acted, struct fault *fault) {
  (void)fault;
  result_row(page, page->subject, "revoked", acted->journal);
  return ERR_OK;
}

static void journal_change(struct page *page, enum runtime_act_kind kind, const struct registry_key *which) {
  bool added = kind == RUNTIME_ACT_KEY_ADD;
  struct fault fault = {.err = ERR_OK};
  const struct runtime_act act = {
      .kind = kind,
      .actor = page->asker,
      .reason = arena_printf(page->arena, "participant=%.*s label=%.*s", SPAN_ARG(which->participant),
                             SPAN_ARG(which->label)),
  };
  log_line(LOG_WARNING, "daemon", "msg=\"%s\" %.*s operator=%.*s", added ? "key added" : "key revoked",
           SPAN_ARG(act.reason), SPAN_ARG(page->asker));
  page->subject = which->participant;
  page->then = added ? show_added : show_revoked;
  if (runtime_act(page->daemon->runtime, &act, &page->ticket, &fault) != ERR_OK) {
    page->ticket = 0;
    result_row(page, which->participant, added ? "added" : "revoked", 0);
  }
}

/* ---- changes ---- */

static enum err key_add(struct page *page, struct fault *fault) {
  struct registry_key which;
  struct key_public key;
  TRY(which_key(page, &which, fault));
  TRY(key_read(page, &key, fault));
  bool beside = span_is(page_arg(page, "beside"), "1");
  TRY(registry_add(page->daemon->keyring, &which, &key, beside, fault));
  journal_change(page, RUNTIME_ACT_KEY_ADD, &which);
  return ERR_OK;
}

static enum err key_revoke(struct page *page, struct fault *fault) {
  struct registry_key which;
  TRY(which_key(page, &which, fault));
  TRY(registry_revoke(page->daemon->keyring, &which, turn_wall_clock(), fault));
  sessions_keys_changed(page->daemon->sessions);
  journal_change(page, RUNTIME_ACT_KEY_REVOKE, &which);
  return ERR_OK;
}

const struct desk_verb desk_keys_verbs[] = {
    {"key.list", false, key_list},
    {"key.add", true, key_add},
    {"key.revoke", true, key_revoke},
    {NULL, false, NULL},
};
