/* daemon/session_keys.c — what a change of the registry means for the conversations under way. */
#include "daemon/session.h"
#include "daemon/sessions.h"

void sessions_keys_changed(struct sessions *sessions) {
  const struct keyring *keyring = sessions->daemon->keyring;
  for (size_t i = 0; i < sessions->count; i++) {
    struct session *session = &sessions->items[i];
    if (session->peer && !keyring_speaks_for(keyring, span_of_cstr(session->peer->user_id), session->participant->id)) {
      struct fault fault;
      (void)fault_set(&fault, ERR_FORBIDDEN, "ключ участника отозван");
      daemon_session_refuse(session, &fault, 0);
    }
  }
}
