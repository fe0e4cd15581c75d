/*
 * runtime/cursors.h — what is counted for each participant: its stream, its cursor, its sequence, its open referrals.
 *
 * Purpose: one small record per participant of the configuration, kept in memory and written with the batch that
 * changed it. Participants that are no longer configured keep their record in the store, unread.
 *
 * Threading: one owner. Ownership: borrows the catalogue and the store.
 */
#ifndef KURATOR_RUNTIME_CURSORS_H
#define KURATOR_RUNTIME_CURSORS_H

#include "casework/catalogue.h"
#include "runtime/records.h"
#include "store/store.h"

struct cursor_entry {
  const struct participant *participant;
  struct record_cursor record;
  bool dirty;
};
struct cursors {
  const struct catalogue *catalogue;
  struct cursor_entry *entries; /* in the order of the catalogue */
  size_t dirty;                 /* entries that have to be written */
};

void cursors_init(struct cursors *cursors, const struct catalogue *catalogue);
void cursors_finish(struct cursors *cursors); /* NULL-safe */
/* What is committed becomes what is in memory. */
enum err cursors_load(struct cursors *cursors, struct store *store) MUST_CHECK;
/* NULL if there is no such participant. */
struct cursor_entry *cursors_find(const struct cursors *cursors, struct span participant);
void cursors_touch(struct cursors *cursors, struct cursor_entry *entry);
/* Puts every dirty record into the open batch. */
void cursors_write(struct cursors *cursors, struct store *store, struct writer *scratch);

#endif
