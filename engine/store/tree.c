/*
 * A B+ tree: entries in leaves, the nodes of a level linked in key order; inner nodes hold for each child the lowest
 * key that may stand under it.
 *
 * Invariants
 *  1. Slots of a node ascend strictly by key. Slot 0 of an inner node has no separator (low[0] is NULL): it takes all
 *     that is below low[1].
 *  2. All leaves are at the same depth. Every node except a root leaf has at least one slot.
 *  3. A separator is a copy of a key that once stood there; the entry itself may be gone.
 *  4. An inner root has at least two children.
 *
 * Insertion splits full nodes on the way down, so that a parent always has room for the new half. Deletion frees a
 * node only when it is empty and never merges: simpler, and as fast under the load of a store (records are
 * rewritten in place; queues are eaten from one end). The depth cannot run away, since a root grows only from a
 * full node: each level takes some thirty times the insertions of the one below.
 */
#include "store/tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/key_order.h"

enum { SLOTS = 64, DEPTH_MAX = 16 };

struct item {
  uint32_t key_size;
  uint32_t value_size;
  uint8_t bytes[]; /* the key, then the value */
};

struct tree_node {
  bool leaf;
  uint16_t count;
  struct tree_node *previous; /* neighbours on the same level */
  struct tree_node *next;
  uint64_t head[SLOTS];      /* key_head of item[i] */
  struct item *item[SLOTS];  /* leaf: entries; inner: separators without value */
  struct tree_node *child[]; /* SLOTS of an inner node, none of a leaf */
};

static void *must_allocate(void *old, size_t size) {
  void *memory = realloc(old, size);
  ASSERT(memory);
  return memory;
}

static struct span item_key(const struct item *item) {
  return span_of(item->bytes, item->key_size);
}
static struct span item_value(const struct item *item) {
  return span_of(item->bytes + item->key_size, item->value_size);
}

static struct item *item_new(struct span key) {
  ASSERT(key.size <= UINT32_MAX);
  struct item *item = must_allocate(NULL, sizeof *item + key.size);
  item->key_size = (uint32_t)key.size;
  item->value_size = 0;
  if (key.size > 0) {
    memcpy(item->bytes, key.data, key.size);
  }
  return item;
}

static struct item *item_set_value(struct item *item, struct span value) {
  ASSERT(value.size <= UINT32_MAX);
  item = must_allocate(item, sizeof *item + item->key_size + value.size);
  item->value_size = (uint32_t)value.size;
  if (value.size > 0) {
    memcpy(item->bytes + item->key_size, value.data, value.size);
  }
  return item;
}

static struct tree_node *node_new(bool leaf) {
  size_t size = sizeof(struct tree_node) + (leaf ? 0 : SLOTS * sizeof(struct tree_node *));
  struct tree_node *node = must_allocate(NULL, size);
  node->leaf = leaf;
  node->count = 0;
  node->previous = node->next = NULL;
  return node;
}

/* The first slot from `from` on whose key is not below `key` (or, with `above`, is above it). */
static size_t node_search(const struct tree_node *node, size_t from, struct span key, bool above) {
  uint64_t head = key_head(key);
  size_t low = from;
  size_t high = node->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = node->head[middle] != head ? (node->head[middle] < head ? -1 : 1)
                                           : span_compare(item_key(node->item[middle]), key);
    if (order < 0 || (above && order == 0)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static size_t child_index(const struct tree_node *node, struct span key) {
  return node_search(node, 1, key, true) - 1;
}

static bool leaf_holds(const struct tree_node *leaf, size_t index, struct span key) {
  return index < leaf->count && span_equal(item_key(leaf->item[index]), key);
}

static const struct tree_node *leaf_of(const struct tree *tree, struct span key) {
  const struct tree_node *node = tree->root;
  while (!node->leaf) {
    node = node->child[child_index(node, key)];
  }
  return node;
}

/* Moves slots [index, count) by one place, up or down. */
static void node_shift(struct tree_node *node, size_t index, int by) {
  size_t count = node->count - index;
  size_t to = by > 0 ? index + 1 : index - 1;
  memmove(&node->head[to], &node->head[index], count * sizeof(uint64_t));
  memmove(&node->item[to], &node->item[index], count * sizeof(struct item *));
  if (!node->leaf) {
    memmove(&node->child[to], &node->child[index], count * sizeof(struct tree_node *));
  }
  node->count = (uint16_t)(by > 0 ? node->count + 1 : node->count - 1);
}

static void node_insert(struct tree_node *node, size_t index, struct item *item, struct tree_node *child) {
  ASSERT(node->count < SLOTS);
  node_shift(node, index, 1);
  node->item[index] = item;
  node->head[index] = item ? key_head(item_key(item)) : 0;
  if (!node->leaf) {
    node->child[index] = child;
  }
}

static void link_after(struct tree_node *left, struct tree_node *right) {
  right->previous = left;
  right->next = left->next;
  if (left->next) {
    left->next->previous = right;
  }
  left->next = right;
}

/* Entries often arrive in ascending order (journals, streams): then the left half is left nearly full. */
static size_t split_point(const struct tree_node *node, bool at_end) {
  return at_end ? SLOTS - 4 : node->count / 2;
}

/* Splits the full child at `index`; the parent has room for the new right half. */
static void split_child(struct tree_node *parent, size_t index, struct span key) {
  struct tree_node *left = parent->child[index];
  struct tree_node *right = node_new(left->leaf);
  size_t keep = split_point(left, node_search(left, 1, key, false) == left->count);
  size_t moved = left->count - keep;
  memcpy(right->head, &left->head[keep], moved * sizeof(uint64_t));
  memcpy(right->item, &left->item[keep], moved * sizeof(struct item *));
  right->count = (uint16_t)moved;
  left->count = (uint16_t)keep;
  struct item *separator;
  link_after(left, right);
  if (left->leaf) {
    separator = item_new(item_key(right->item[0]));
  } else {
    memcpy(right->child, &left->child[keep], moved * sizeof(struct tree_node *));
    separator = right->item[0];
    right->item[0] = NULL;
    right->head[0] = 0;
  }
  node_insert(parent, index + 1, separator, right);
}

static void grow_root(struct tree *tree) {
  struct tree_node *root = node_new(false);
  node_insert(root, 0, NULL, tree->root);
  tree->root = root;
}

/* The leaf for `key`, with room for one more entry. */
static struct tree_node *leaf_with_room(struct tree *tree, struct span key) {
  if (tree->root->count == SLOTS) {
    grow_root(tree);
    split_child(tree->root, 0, key);
  }
  struct tree_node *node = tree->root;
  while (!node->leaf) {
    size_t index = child_index(node, key);
    if (node->child[index]->count == SLOTS) {
      split_child(node, index, key);
      index = child_index(node, key);
    }
    node = node->child[index];
  }
  return node;
}

void tree_init(struct tree *tree) {
  *tree = (struct tree){.root = node_new(true)};
}

void tree_put(struct tree *tree, struct span key, struct span value) {
  struct tree_node *leaf = leaf_with_room(tree, key);
  size_t index = node_search(leaf, 0, key, false);
  if (leaf_holds(leaf, index, key)) {
    tree->bytes -= leaf->item[index]->value_size;
  } else {
    node_insert(leaf, index, item_new(key), NULL);
    tree->bytes += key.size;
    tree->count++;
  }
  leaf->item[index] = item_set_value(leaf->item[index], value);
  tree->bytes += value.size;
}

bool tree_find(const struct tree *tree, struct span key, struct span *ret_value) {
  const struct tree_node *leaf = leaf_of(tree, key);
  size_t index = node_search(leaf, 0, key, false);
  if (!leaf_holds(leaf, index, key)) {
    return false;
  }
  *ret_value = item_value(leaf->item[index]);
  return true;
}

static void unlink_node(struct tree_node *node) {
  if (node->previous) {
    node->previous->next = node->next;
  }
  if (node->next) {
    node->next->previous = node->previous;
  }
}

/* Takes the slot of a freed child out; the slot that becomes the first loses its separator (invariant 1). */
static void drop_child(struct tree_node *parent, size_t index) {
  free(parent->item[index]);
  node_shift(parent, index + 1, -1);
  if (index == 0 && parent->count > 0) {
    free(parent->item[0]);
    parent->item[0] = NULL;
    parent->head[0] = 0;
  }
}

static void shrink_root(struct tree *tree) {
  while (!tree->root->leaf && tree->root->count == 1) {
    struct tree_node *only = tree->root->child[0];
    free(tree->root);
    tree->root = only;
  }
}

struct step {
  struct tree_node *node;
  size_t index;
};

/* Frees `leaf`, which is empty, and every ancestor that becomes empty with it. */
static void free_empty(struct tree *tree, struct tree_node *leaf, const struct step *path, size_t depth) {
  struct tree_node *empty = leaf;
  while (depth > 0 && empty->count == 0) {
    depth--;
    unlink_node(empty);
    free(empty);
    drop_child(path[depth].node, path[depth].index);
    empty = path[depth].node;
  }
  shrink_root(tree);
}

bool tree_delete(struct tree *tree, struct span key) {
  struct step path[DEPTH_MAX];
  size_t depth = 0;
  struct tree_node *node = tree->root;
  while (!node->leaf) {
    ASSERT(depth < DEPTH_MAX);
    path[depth] = (struct step){node, child_index(node, key)};
    node = node->child[path[depth++].index];
  }
  size_t index = node_search(node, 0, key, false);
  if (!leaf_holds(node, index, key)) {
    return false;
  }
  tree->count--;
  tree->bytes -= node->item[index]->key_size + node->item[index]->value_size;
  free(node->item[index]);
  node_shift(node, index + 1, -1);
  if (node->count == 0 && depth > 0) {
    free_empty(tree, node, path, depth);
  }
  return true;
}

static void free_level(struct tree_node *node) {
  while (node) {
    struct tree_node *next = node->next;
    for (size_t i = 0; i < node->count; i++) {
      free(node->item[i]);
    }
    free(node);
    node = next;
  }
}

void tree_finish(struct tree *tree) {
  if (!tree) {
    return;
  }
  struct tree_node *level = tree->root;
  while (level) {
    struct tree_node *below = level->leaf ? NULL : level->child[0];
    free_level(level);
    level = below;
  }
  *tree = (struct tree){0};
}

struct tree_cursor tree_seek(const struct tree *tree, struct span key) {
  const struct tree_node *leaf = leaf_of(tree, key);
  size_t index = node_search(leaf, 0, key, false);
  return index < leaf->count ? (struct tree_cursor){leaf, index} : (struct tree_cursor){leaf->next, 0};
}

static struct tree_cursor last_of(const struct tree_node *leaf) {
  return leaf && leaf->count > 0 ? (struct tree_cursor){leaf, leaf->count - 1u} : (struct tree_cursor){0};
}

struct tree_cursor tree_last(const struct tree *tree) {
  const struct tree_node *node = tree->root;
  while (!node->leaf) {
    node = node->child[node->count - 1];
  }
  return last_of(node);
}

struct tree_cursor tree_seek_before(const struct tree *tree, struct span key) {
  const struct tree_node *leaf = leaf_of(tree, key);
  size_t index = node_search(leaf, 0, key, false);
  return index > 0 ? (struct tree_cursor){leaf, index - 1} : last_of(leaf->previous);
}

bool tree_entry(struct tree_cursor cursor, struct span *ret_key, struct span *ret_value) {
  if (!cursor.leaf || cursor.index >= cursor.leaf->count) {
    return false;
  }
  *ret_key = item_key(cursor.leaf->item[cursor.index]);
  *ret_value = item_value(cursor.leaf->item[cursor.index]);
  return true;
}

void tree_next(struct tree_cursor *cursor) {
  if (!cursor->leaf || ++cursor->index < cursor->leaf->count) {
    return;
  }
  *cursor = (struct tree_cursor){cursor->leaf->next, 0};
}

void tree_previous(struct tree_cursor *cursor) {
  if (cursor->leaf) {
    *cursor =
        cursor->index > 0 ? (struct tree_cursor){cursor->leaf, cursor->index - 1} : last_of(cursor->leaf->previous);
  }
}
