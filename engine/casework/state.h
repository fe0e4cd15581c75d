/*
 * casework/state.h — a case in memory.
 *
 * Purpose: the struct behind casework.h and what every file of this room may do with it. What each part means, and
 * what holds between steps, stands in case.c; how it is written down, in record.c.
 *
 * Ownership: all texts and tables live in the case's own arena. Threading: as the casework.
 */
#ifndef KURATOR_CASEWORK_STATE_H
#define KURATOR_CASEWORK_STATE_H

#include "casework/definition.h"

/* A timer that the runtime keeps for us. */
struct case_timer {
  civil_moment due; /* CIVIL_MOMENT_NONE: not set */
  uint64_t generation;
};

/* A deadline that can still change: open, or missed and perhaps met in time but not yet reported. */
struct watch {
  struct deadline deadline;
  const struct element *element;
  uint32_t serial;     /* of the live element; 0 once its state has been left */
  civil_day not_after; /* CIVIL_DAY_NONE: no bound */
  struct case_timer end, warning;
};

/* An element whose state is active. */
struct live {
  const struct element *element;
  uint32_t serial; /* per case, never used twice */
  struct span invokeid;
  struct span key;
  struct value params;         /* task, referrals: its <k:param>s, a map or nil */
  uint32_t slot;               /* deadline: of its instance, 0 while it has none */
  bool faulty;                 /* its last evaluation failed, and an incident says so */
  bool delivered;              /* task */
  bool answered;               /* referrals: done.invoke.ID has been told */
  struct text_list recipients; /* task */
  civil_day due;               /* task: what it was delivered with, CIVIL_DAY_NONE if none */
};

/* A case that an element of this one has started. */
struct child {
  struct span id, key, process, invoke;
  struct span status, to;      /* as last heard */
  uint32_t serial;             /* of the live element that started it */
  uint32_t slot;               /* of the deadline on its due date, 0 if none */
  uint32_t content;            /* hash of its element of the list, where an extract tells it; 0: not known */
  const struct value *renewed; /* that element, if it has changed in this step; in the step's arena */
  bool part;                   /* of a k:case: it can be sent to */
  bool cancelled;              /* told to end */
  bool ended;
};

/* Slots of deadlines; two slots of timers each. */
enum { SLOTS_MAX = 1 << 30 };

struct case_file {
  struct casework *casework;
  const struct process *process; /* NULL: its revision is not defined here; only the head has been read */
  struct chart_session *session; /* NULL before the first step */
  struct arena arena;

  struct case_identity identity;
  struct span revision; /* empty: of a record of before, until its next step */
  struct span status, reason, addressee, last_addressee, territory, ground;
  int64_t offer, edition;
  int stage; /* -1: none */
  bool ended;
  civil_moment opened_at, changed_at, status_at;

  uint32_t slots, serials; /* last numbers given */
  uint64_t generations;
  struct case_timer session_timer;
  struct watch *watches;
  size_t watches_count, watches_capacity;
  struct live *lives;
  size_t lives_count, lives_capacity;
  struct child *children;
  size_t children_count, children_capacity;
  struct case_document *documents;
  size_t documents_count, documents_capacity;

  /* Only while the process runs. */
  bool took;
  struct text_list states; /* without a definition: those of the head */
};

/* Makes room for one more item of `size` bytes at *items; the count stays. */
void case_room(struct arena *arena, void **items, size_t count, size_t *capacity, size_t size);
struct watch *case_watch_new(struct case_file *c);
struct live *case_live_new(struct case_file *c);
struct child *case_child_new(struct case_file *c);
struct case_document *case_document_new(struct case_file *c);
void case_watch_drop(struct case_file *c, struct watch *watch);
void case_live_drop(struct case_file *c, struct live *live);
struct watch *case_watch_find(struct case_file *c, uint32_t slot); /* NULL if it is settled */
struct child *case_child_find(struct case_file *c, struct span id);
/* A copy that lives as long as the case in memory; the same span if it is equal already. */
struct span case_text(struct case_file *c, struct span present, struct span text);

/* Memory for a case, reused when possible, and its return. */
struct case_file *case_acquire(struct casework *casework);
void case_release(struct case_file *c);

/* The furthest stage of the active states, or the one before when none has a stage. */
void case_stage_update(struct case_file *c);
/* Ids of the active atomic states. */
struct text_list case_states(const struct case_file *c, struct arena *arena);

static inline bool deadline_is_open(const struct deadline *deadline) {
  return deadline->state == DEADLINE_OPEN || deadline->state == DEADLINE_PROVISIONAL;
}

#endif
