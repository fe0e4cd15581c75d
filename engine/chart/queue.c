/* The two queues of a session, and the making of events. */
#include "chart/session.h"

struct event *event_create(struct chart_session *s, enum event_type type, struct span name) {
  struct event *event = ARENA_NEW(&s->arena, struct event);
  event->type = type;
  event->name = name;
  return event;
}

struct event *event_copy(struct chart_session *s, const struct event *from) {
  struct event *event = event_create(s, from->type, arena_copy(&s->arena, from->name));
  event->data = value_copy(&s->arena, &from->data);
  event->sendid = arena_copy(&s->arena, from->sendid);
  event->origin = arena_copy(&s->arena, from->origin);
  event->origintype = arena_copy(&s->arena, from->origintype);
  event->invokeid = arena_copy(&s->arena, from->invokeid);
  event->delivered = from->delivered;
  return event;
}

static enum err queue_add(struct chart_session *s, struct queue *queue, struct event *event) {
  if (s->internal.count + s->external.count >= s->worker->limits.queue_max) {
    return ERR_LIMIT;
  }
  event->next = NULL;
  if (queue->last) {
    queue->last->next = event;
  } else {
    queue->first = event;
  }
  queue->last = event;
  queue->count++;
  return ERR_OK;
}

enum err queue_internal(struct chart_session *s, struct event *event) {
  return queue_add(s, &s->internal, event);
}

enum err queue_external(struct chart_session *s, struct event *event) {
  return queue_add(s, &s->external, event);
}

struct event *queue_take(struct queue *queue) {
  struct event *event = queue->first;
  queue->first = event->next;
  if (!queue->first) {
    queue->last = NULL;
  }
  queue->count--;
  return event;
}

enum err raise_error(struct chart_session *s, const struct fault *fault, struct span sendid) {
  bool communication = fault->err == ERR_NOT_FOUND || fault->err == ERR_UNREACHABLE;
  struct span name = communication ? SPAN_LITERAL("error.communication") : SPAN_LITERAL("error.execution");
  struct event *event = event_create(s, EVENT_PLATFORM, name);
  struct fault *copy = ARENA_NEW(&s->arena, struct fault);
  *copy = *fault;
  event->fault = copy;
  event->sendid = sendid;
  event->data = value_text(span_of_cstr(copy->text));
  return queue_internal(s, event);
}
