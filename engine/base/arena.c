/*
 * A list of blocks in the order in which they are filled.
 *
 * Invariants: (1) blocks before `current` are full enough to be left alone until the next reset; (2) blocks after
 * `current` hold nothing that is alive, whatever their `used` says: it is cleared when they become current; (3) an
 * allocation larger than an ordinary block gets a block of its own size, which is kept like the others.
 *
 * Under AddressSanitizer everything that is not handed out is poisoned, so that a borrowed span that outlives its
 * batch is found by the tests of the room that kept it.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif

#ifdef ARENA_POISONS
/* Declared here without the header's const: gcc would take a const pointer for a read of memory not yet written. */
void __asan_poison_memory_region(void *at, size_t size);
void __asan_unpoison_memory_region(void *at, size_t size);
#define POISON(at, size)   __asan_poison_memory_region((at), (size))
#define UNPOISON(at, size) __asan_unpoison_memory_region((at), (size))
#else
#define POISON(at, size)   ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
#endif

enum { BLOCK_SIZE_DEFAULT = 64 * 1024, ALIGNMENT = _Alignof(max_align_t), PRINTF_GUESS = 256 };

struct arena_block {
  struct arena_block *next;
  size_t size; /* bytes in `data` */
  size_t used;
  _Alignas(max_align_t) uint8_t data[];
};

static _Noreturn void out_of_memory(size_t size) {
  (void)fprintf(stderr, "arena: out of memory for %zu bytes\n", size);
  abort();
}

static struct arena_block *block_create(size_t size) {
  if (size > SIZE_MAX / 2) {
    out_of_memory(size);
  }
  struct arena_block *block = malloc(sizeof(*block) + size);
  if (!block) {
    out_of_memory(size);
  }
  block->next = NULL;
  block->size = size;
  block->used = 0;
  POISON(block->data, block->size);
  return block;
}

void arena_init(struct arena *arena, size_t block_size) {
  *arena = (struct arena){.block_size = block_size ? block_size : BLOCK_SIZE_DEFAULT};
}

void arena_finish(struct arena *arena) {
  if (!arena) {
    return;
  }
  struct arena_block *block = arena->first;
  while (block) {
    struct arena_block *next = block->next;
    UNPOISON(block->data, block->size);
    free(block);
    block = next;
  }
  arena->first = NULL;
  arena->current = NULL;
}

static void block_clear(struct arena_block *block) {
  POISON(block->data, block->size);
  block->used = 0;
}

void arena_reset(struct arena *arena) {
#ifdef ARENA_POISONS
  for (struct arena_block *block = arena->first; block; block = block->next) {
    block_clear(block);
  }
#endif
  arena->current = arena->first;
  if (arena->current) {
    block_clear(arena->current);
  }
}

/* The next block if it is large enough, else a new one put before it. */
static struct arena_block *block_advance(struct arena *arena, size_t size) {
  struct arena_block *next = arena->current ? arena->current->next : arena->first;
  if (next && next->size >= size) {
    block_clear(next);
    arena->current = next;
    return next;
  }
  struct arena_block *block = block_create(size > arena->block_size ? size : arena->block_size);
  block->next = next;
  if (arena->current) {
    arena->current->next = block;
  } else {
    arena->first = block;
  }
  arena->current = block;
  return block;
}

void *arena_alloc(struct arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) {
    out_of_memory(size);
  }
  size_t taken = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  struct arena_block *block = arena->current;
  if (!block || block->size - block->used < taken) {
    block = block_advance(arena, taken);
  }
  void *at = block->data + block->used;
  block->used += taken;
  UNPOISON(at, size);
  return at;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) {
    out_of_memory(SIZE_MAX);
  }
  return memset(arena_alloc(arena, total), 0, total);
}

struct span arena_copy(struct arena *arena, struct span bytes) {
  uint8_t *copy = arena_alloc(arena, bytes.size);
  if (bytes.size > 0) {
    memcpy(copy, bytes.data, bytes.size);
  }
  return span_of(copy, bytes.size);
}

char *arena_cstr(struct arena *arena, struct span text) {
  char *copy = arena_alloc(arena, text.size + 1);
  if (text.size > 0) {
    memcpy(copy, text.data, text.size);
  }
  copy[text.size] = '\0';
  return copy;
}

struct span arena_printf(struct arena *arena, const char *format, ...) {
  char guess[PRINTF_GUESS];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(guess, sizeof(guess), format, args);
  va_end(args);
  ASSERT(length >= 0);
  size_t size = (size_t)length;
  if (size < sizeof(guess)) {
    return arena_copy(arena, span_of(guess, size));
  }
  char *text = arena_alloc(arena, size + 1);
  va_start(args, format);
  (void)vsnprintf(text, size + 1, format, args);
  va_end(args);
  return span_of(text, size);
}

size_t arena_used(const struct arena *arena) {
  size_t used = 0;
  for (const struct arena_block *block = arena->first; block; block = block->next) {
    used += block->used;
    if (block == arena->current) {
      break;
    }
  }
  return used;
}

size_t arena_held(const struct arena *arena) {
  size_t held = 0;
  for (const struct arena_block *block = arena->first; block; block = block->next) {
    held += block->size;
  }
  return held;
}
