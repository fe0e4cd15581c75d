/*
 * daemon/turn.h — when a batch is made, and what time it is.
 *
 * Purpose: the heartbeat of the daemon. On the system clock it ticks the runtime whenever something waits or a timer is
 * due. On the virtual clock input is held; `turn_advance` moves the clock from one due instant to the next, with a
 * barrier through all links before each step, so that what happens does not depend on a race.
 *
 * States: turn.c. Threading: the loop's thread. Never: steps a case by itself.
 */
#ifndef KURATOR_DAEMON_TURN_H
#define KURATOR_DAEMON_TURN_H

#include "base/civil.h"
#include "daemon/daemon.h"
#include "store/store.h"

struct turn_options {
  bool is_virtual;
  civil_moment start; /* virtual: where the clock of a new store begins; CIVIL_MOMENT_NONE: the wall clock's moment */
};
enum err turn_create(struct daemon *daemon, const struct turn_options *options, struct turn **ret_turn) MUST_CHECK;
void turn_destroy(struct turn **turn); /* the loop has to run once more */

/* Wall clock, milliseconds. */
civil_moment turn_wall_clock(void);
civil_moment turn_now(const struct turn *turn);
bool turn_is_virtual(const struct turn *turn);
/* Something may have to be done: soon, from the loop. */
void turn_kick(struct turn *turn);
/* True while nothing may be added to the inbox: it was put in order and is being worked off (virtual clock), or the
 * daemon is ending. */
bool turn_holds(const struct turn *turn);
/* The runtime's port: a batch has ended. */
void turn_committed(struct turn *turn, enum err result);
/* Not STORE_HAS_ROOM: the last batch could not be stored; it is tried again, every second. */
enum store_room turn_store_room(const struct turn *turn);
/* Until the next try: what comes now would wait behind what could not be stored. */
bool turn_refuses(const struct turn *turn);
/* Finishes what is under way, then stops the loop. What is held by the virtual clock stays with its senders. */
void turn_drain(struct turn *turn);
bool turn_draining(const struct turn *turn);
/* The store is unsafe: stops the loop at once, with daemon->failed. */
void turn_fail(struct turn *turn, enum err why);

/* Virtual clock. `expect`: participants, divided by commas, without whose links it does not set off. ERR_UNSUPPORTED on
 * the system clock, ERR_CONFLICT when an advance to another moment is under way, ERR_RANGE backwards. Russian text. It
 * goes on by itself; ask turn_advancing. */
enum err turn_advance(struct turn *turn, civil_moment target, struct span expect, struct fault *fault) MUST_CHECK;
/* The expected participant that the clock waits for, empty if none. */
struct span turn_missing(const struct turn *turn);
/* The participant whose link keeps the clock from moving on, empty if none does. */
struct span turn_held_by(const struct turn *turn);
bool turn_advancing(const struct turn *turn);
civil_moment turn_target(const struct turn *turn); /* of the advance under way, else the present moment */

#endif
