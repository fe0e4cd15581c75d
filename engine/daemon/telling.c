#include "daemon/telling.h"

#include <stdlib.h>

#include "base/log.h"

struct telling {
  uint64_t since; /* uv_now of the first line of this minute */
  uint32_t lines, left_out;
};

struct tellings {
  struct daemon *daemon;
  size_t count;            /* participants, and one for who is unknown */
  struct telling *items;   /* kind by kind */
  uint64_t left_out_count; /* of all */
};

static const char *const kind_names[] = {
    [TELLING_LINK_UP] = "link up",
    [TELLING_LINK_GONE] = "link gone",
    [TELLING_REFUSED] = "envelope refused",
    [TELLING_CUT_OFF] = "connection cut off",
};

enum err tellings_create(struct daemon *daemon, struct tellings **ret_tellings) {
  struct tellings *tellings = calloc(1, sizeof *tellings);
  ASSERT(tellings != NULL);
  tellings->daemon = daemon;
  tellings->count = daemon->config->catalogue.participants_count + 1;
  tellings->items = calloc(TELLING_KINDS * tellings->count, sizeof *tellings->items);
  ASSERT(tellings->items != NULL);
  *ret_tellings = tellings;
  return ERR_OK;
}

static void tell_left_out(struct tellings *tellings, size_t i) {
  const struct catalogue *catalogue = &tellings->daemon->config->catalogue;
  struct telling *telling = &tellings->items[i];
  size_t who = i % tellings->count;
  struct span name = who > 0 ? catalogue->participants[who - 1].id : span_of_cstr("unknown");
  if (telling->left_out > 0) {
    log_line(LOG_WARNING, "daemon", "msg=\"lines left out\" about=\"%s\" participant=%.*s lines=%u",
             kind_names[i / tellings->count], SPAN_ARG(name), telling->left_out);
  }
  tellings->left_out_count -= telling->left_out;
  telling->left_out = 0;
  telling->lines = 0;
}

static bool is_over(const struct tellings *tellings, const struct telling *telling) {
  return uv_now(&tellings->daemon->loop) - telling->since >= TELLING_MS;
}

bool telling_allows(struct tellings *tellings, enum telling_kind kind, const struct participant *participant) {
  size_t who = participant ? (size_t)(participant - tellings->daemon->config->catalogue.participants) + 1 : 0;
  size_t i = kind * tellings->count + who;
  struct telling *telling = &tellings->items[i];
  if (is_over(tellings, telling)) {
    tell_left_out(tellings, i);
  }
  if (telling->lines == 0) {
    telling->since = uv_now(&tellings->daemon->loop);
  }
  if (telling->lines == TELLING_LINES) {
    telling->left_out++;
    tellings->left_out_count++;
    return false;
  }
  telling->lines++;
  return true;
}

void tellings_flush(struct tellings *tellings) {
  for (size_t i = 0; i < TELLING_KINDS * tellings->count && tellings->left_out_count > 0; i++) {
    if (tellings->items[i].left_out > 0 && is_over(tellings, &tellings->items[i])) {
      tell_left_out(tellings, i);
    }
  }
}

void tellings_destroy(struct tellings **at) {
  struct tellings *tellings = *at;
  *at = NULL;
  if (!tellings) {
    return;
  }
  for (size_t i = 0; i < TELLING_KINDS * tellings->count; i++) {
    tell_left_out(tellings, i);
  }
  free(tellings->items);
  free(tellings);
}
