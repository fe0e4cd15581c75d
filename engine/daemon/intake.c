/* daemon/intake.c — judging one envelope on the pool; see intake.h for its states. */
#include "daemon/intake.h"

#include <stdlib.h>
#include <string.h>

#include "proto/json.h"

struct intake_judges {
  uv_loop_t *loop;
  void (*idle)(void *arg); /* NULL: destroyed, the last job frees it */
  void *arg;
  size_t working;
};

/* ---- on the pool: nothing but the job is touched ---- */

static const uint8_t *signer_find(const struct intake_source *source, struct span key_id) {
  for (size_t i = 0; i < source->signers_count; i++) {
    char text[SIGNING_KEY_ID_TEXT];
    signing_key_id(source->signers[i], text);
    if (span_is(key_id, text)) {
      return source->signers[i];
    }
  }
  return NULL;
}

/* Is it the sender's, unchanged and whole? */
static enum err judge_envelope(struct intake_job *job, struct envelope_header *header) {
  const struct intake_source *source = &job->source;
  TRY(envelope_read(source->header, &job->arena, header, &job->fault));
  if (!span_equal(header->sender, source->participant)) {
    return fault_set(&job->fault, ERR_FORBIDDEN, "конверт подписан от имени другого участника");
  }
  const uint8_t *key = signer_find(source, header->key_id);
  if (!key) {
    return fault_set(&job->fault, ERR_FORBIDDEN, "ключ подписи не зарегистрирован");
  }
  if (envelope_verify(source->header, source->signature, key) != ERR_OK) {
    return fault_set(&job->fault, ERR_FORBIDDEN, "подпись конверта неверна");
  }
  if (envelope_match(header, source->parts, source->count) != ERR_OK) {
    return fault_set(&job->fault, ERR_INVALID, "сообщения не соответствуют заголовку конверта");
  }
  memcpy(job->signer, key, sizeof job->signer);
  return ERR_OK;
}

static enum err judge_event(struct intake_job *job, const struct event_message *event, struct runtime_message *message,
                            struct fault *fault) {
  if (!span_empty(event->recipient)) {
    return fault_set(fault, ERR_INVALID, "сообщение адресовано не системе");
  }
  if (event->expires_at != CIVIL_MOMENT_NONE && event->expires_at < job->source.now) {
    return fault_set(fault, ERR_INVALID, "срок действия сообщения истёк");
  }
  return payload_unpack(event->event, event->payload, &job->arena, &message->data, fault);
}

/* One that cannot be read still gets its number and its refusal, and the others go on. */
static void judge_message(struct intake_job *job, size_t i) {
  struct runtime_message *message = &job->messages[i];
  struct event_message event = {.occurred_at = CIVIL_MOMENT_NONE};
  struct fault *fault = ARENA_NEW(&job->arena, struct fault);
  *message = (struct runtime_message){
      .sender = job->source.participant,
      .sequence = job->first_sequence + i,
      .occurred_at = CIVIL_MOMENT_NONE,
      .data = value_nil(),
  };
  event_digest(job->source.parts[i], message->digest);
  enum err err = event_read(job->source.parts[i], &job->arena, &event, fault);
  if (err == ERR_OK) {
    message->event = event.event;
    message->case_id = event.case_id;
    message->acting_for = event.acting_for;
    message->occurred_at = event.occurred_at;
    err = judge_event(job, &event, message, fault);
  }
  if (err != ERR_OK) {
    message->data = value_nil();
    message->refusal = fault;
  }
}

static void judge(uv_work_t *work) {
  struct intake_job *job = work->data;
  struct envelope_header header;
  if (judge_envelope(job, &header) != ERR_OK) {
    return;
  }
  job->first_sequence = header.first_sequence;
  job->count = header.count;
  job->messages = ARENA_ARRAY(&job->arena, struct runtime_message, header.count);
  for (size_t i = 0; i < job->count; i++) {
    judge_message(job, i);
  }
}

/* ---- on the loop ---- */

static void job_free(struct intake_job *job) {
  arena_finish(&job->arena);
  free(job);
}

static void job_done(struct intake_job *job) {
  if (job->dropped) {
    job_free(job);
    return;
  }
  job->state = INTAKE_READY;
  job->done(job->arg, job);
}

static void judge_free(struct intake_judges *judges) {
  judges->working--;
  if (judges->idle) {
    judges->idle(judges->arg);
  } else if (judges->working == 0) {
    free(judges);
  }
}

static void judged(uv_work_t *work, int status) {
  struct intake_job *job = work->data;
  struct intake_judges *judges = job->judges;
  if (status != 0) {
    (void)fault_set(&job->fault, ERR_BUSY, "проверка подписи прервана");
  }
  job_done(job);
  judge_free(judges);
}

static void source_copy(struct intake_job *job, const struct intake_source *source) {
  job->source = *source;
  job->source.header = arena_copy(&job->arena, source->header);
  job->source.signature = arena_copy(&job->arena, source->signature);
  struct span *parts = ARENA_ARRAY(&job->arena, struct span, source->count);
  job->bytes = source->header.size;
  for (size_t i = 0; i < source->count; i++) {
    parts[i] = arena_copy(&job->arena, source->parts[i]);
    job->bytes += source->parts[i].size;
  }
  job->source.parts = parts;
}

enum err intake_create(const struct intake_source *source, intake_done done, void *arg, struct intake_job **ret_job,
                       struct fault *fault) {
  if (source->count == 0 || source->count > ENVELOPE_MESSAGES_MAX || source->header.size > ENVELOPE_HEADER_MAX) {
    return fault_set(fault, ERR_LIMIT, "в конверте должно быть от 1 до %d сообщений", ENVELOPE_MESSAGES_MAX);
  }
  struct intake_job *job = calloc(1, sizeof *job);
  if (!job) {
    return fault_set(fault, ERR_NO_MEMORY, "не хватает памяти");
  }
  arena_init(&job->arena, 0);
  source_copy(job, source);
  job->done = done;
  job->arg = arg;
  job->work.data = job;
  *ret_job = job;
  return ERR_OK;
}

void intake_judge(struct intake_judges *judges, struct intake_job *job) {
  ASSERT(job->state == INTAKE_WAITING && !intake_judges_busy(judges));
  job->judges = judges;
  job->state = INTAKE_JUDGING;
  if (uv_queue_work(judges->loop, &job->work, judge, judged) != 0) {
    (void)fault_set(&job->fault, ERR_NO_MEMORY, "не хватает памяти");
    job->state = INTAKE_READY;
    return;
  }
  judges->working++;
}

void intake_drop(struct intake_job *job) {
  if (!job) {
    return;
  }
  if (job->state != INTAKE_JUDGING) {
    job_free(job);
    return;
  }
  job->dropped = true;
  (void)uv_cancel((uv_req_t *)&job->work);
}

/* ---- the judges ---- */

enum err intake_judges_create(uv_loop_t *loop, void (*idle)(void *arg), void *arg, struct intake_judges **ret_judges) {
  struct intake_judges *judges = calloc(1, sizeof *judges);
  if (!judges) {
    return ERR_NO_MEMORY;
  }
  *judges = (struct intake_judges){.loop = loop, .idle = idle, .arg = arg};
  *ret_judges = judges;
  return ERR_OK;
}

void intake_judges_destroy(struct intake_judges **at) {
  struct intake_judges *judges = *at;
  *at = NULL;
  if (!judges) {
    return;
  }
  judges->idle = NULL;
  if (judges->working == 0) {
    free(judges);
  }
}

bool intake_judges_busy(const struct intake_judges *judges) {
  return judges->working >= INTAKE_JUDGES_MAX;
}
