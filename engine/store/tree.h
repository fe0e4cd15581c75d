/*
 * store/tree.h — an ordered map from bytes to bytes in memory.
 *
 * Purpose: one space of the memory backend: a B+ tree with linked leaves, quick for a million entries and for scans in
 * both directions.
 *
 * Life cycle: tree_init → tree_put/tree_delete/tree_find/tree_seek… → tree_finish.
 * Ownership: copies keys and values; spans and cursors are valid until the next tree_put or tree_delete.
 * Threading: one owner. Limits: keys and values below 4 GiB; out of memory aborts.
 */
#ifndef KURATOR_STORE_TREE_H
#define KURATOR_STORE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct tree_node;

struct tree {
  struct tree_node *root; /* a leaf or an inner node; never NULL between init and finish */
  size_t count;           /* entries */
  size_t bytes;           /* keys and values */
};

void tree_init(struct tree *tree);
void tree_finish(struct tree *tree);
bool tree_find(const struct tree *tree, struct span key, struct span *ret_value);
void tree_put(struct tree *tree, struct span key, struct span value); /* replaces */
bool tree_delete(struct tree *tree, struct span key);                 /* false if it was not there */

struct tree_cursor {
  const struct tree_node *leaf; /* NULL when there is no entry here */
  size_t index;
};

/* At the first entry whose key is not below `key`. */
struct tree_cursor tree_seek(const struct tree *tree, struct span key);
struct tree_cursor tree_last(const struct tree *tree);
/* At the last entry whose key is below `key`. */
struct tree_cursor tree_seek_before(const struct tree *tree, struct span key);
/* False when the cursor stands nowhere. */
bool tree_entry(struct tree_cursor cursor, struct span *ret_key, struct span *ret_value);
void tree_next(struct tree_cursor *cursor);
void tree_previous(struct tree_cursor *cursor);

#endif
