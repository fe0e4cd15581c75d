/*
 * base/arena.h — memory that is given back all at once.
 *
 * Purpose: the batch lifetime. Everything made while a batch, a file row or a request is handled comes from one
 * arena and disappears with `arena_reset`, so that no message on the hot path costs a malloc or a free.
 *
 * Life cycle: arena_init → arena_alloc… → arena_reset (keeps its blocks) … → arena_finish.
 * Ownership: the arena owns all it hands out. Threading: one owner at a time.
 * Limits: out of memory is a bug of sizing and aborts; callers bound their input before they allocate.
 */
#ifndef KURATOR_BASE_ARENA_H
#define KURATOR_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

struct arena_block;

struct arena {
  struct arena_block *first;   /* blocks stay linked over a reset */
  struct arena_block *current; /* where the next allocation is tried */
  size_t block_size;           /* bytes of an ordinary block */
};

/* `block_size` 0 chooses 64 KiB. Allocates nothing yet. */
void arena_init(struct arena *arena, size_t block_size);
void arena_finish(struct arena *arena); /* NULL-safe; leaves an arena that may be used again */
void arena_reset(struct arena *arena);
/* Aligned for any type, not cleared; `size` 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
void *arena_calloc(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
struct span arena_copy(struct arena *arena, struct span bytes);
/* Copies and terminates with NUL. */
char *arena_cstr(struct arena *arena, struct span text) __attribute__((returns_nonnull));
struct span arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
/* Bytes handed out since the last reset, for limits and tests. */
size_t arena_used(const struct arena *arena);
/* Bytes of all its blocks, which a reset keeps: for those who reuse arenas and bound what they hold. */
size_t arena_held(const struct arena *arena);

#define ARENA_NEW(arena, type)          ((type *)arena_calloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))

#endif
