/*
 * chart/compiler.h — what the parts of the compiler share.
 *
 * A compiler lives while one chart_compile runs. Tables grow in vectors and move into the chart at the end, so nothing
 * may keep a pointer into a vector; numbers are kept instead. The charts inside <invoke> are put on a list and
 * compiled one after another: nesting costs no recursion.
 */
#ifndef KURATOR_CHART_COMPILER_H
#define KURATOR_CHART_COMPILER_H

#include "chart/document.h"
#include "chart/script.h"
#include "chart/tables.h"

struct vector {
  void *items;
  uint32_t count, capacity;
};

struct compiler {
  struct chart_worker *worker;
  struct chart *chart; /* being compiled */
  struct arena *arena; /* of the root chart */
  struct fault *fault;
  struct node **nodes; /* by state */
  struct vector transitions, targets, descriptors, blocks, ops, exprs, locations, params, payloads, sends, data,
      invokes, elements, element_attributes, labels;
};

/* A new cleared item at the end. */
void *vector_add(struct arena *arena, struct vector *v, size_t item_size);
#define VECTOR_ADD(c, field, type)   ((type *)vector_add((c)->arena, &(c)->field, sizeof(type)))
#define VECTOR_AT(c, field, type, i) (&((type *)(c)->field.items)[i])

enum err compile_fault(struct compiler *c, uint32_t line, const char *format, ...) PRINTF_LIKE(3, 4);

/* --- expressions (compile_expr.c); all give the number of the new entry --- */

/* A condition or value. Text that does not compile becomes EXPR_BAD: one bad expression must not refuse the document.
 */
uint32_t compile_expr(struct compiler *c, struct span text, uint32_t line);
uint32_t compile_script(struct compiler *c, struct span text, uint32_t line);
uint32_t compile_literal(struct compiler *c, struct value literal, uint32_t line);
uint32_t compile_bad(struct compiler *c, struct span problem, uint32_t line);
/* Inline content: XML as text; a literal or a table constructor as its value; other text with white space normalised.
 */
uint32_t compile_inline(struct compiler *c, struct span text, struct span markup, uint32_t line);
uint32_t compile_location(struct compiler *c, struct span text, uint32_t line);
/* NAME or NAMEexpr of an element; both at once are refused. */
enum err compile_text_or_expr(struct compiler *c, const struct node *node, const char *name, const char *name_expr,
                              struct text_or_expr *ret_source);

/* --- executable content (compile_content.c) --- */

/* The children of `node` as one block; gives its number. */
enum err compile_block(struct compiler *c, const struct node *node, uint32_t *ret_block);
/* Namelist and <param>s; then the same with <content>, which excludes them. */
enum err compile_params(struct compiler *c, const struct node *node, struct payload *ret_payload);
enum err compile_payload(struct compiler *c, const struct node *node, struct payload *ret_payload);
enum err compile_content_value(struct compiler *c, const struct node *node, uint32_t *ret_expr);

/* --- invocations and the vocabulary (compile_invoke.c) --- */

enum err compile_invoke(struct compiler *c, uint32_t state, const struct node *node);
enum err compile_element(struct compiler *c, uint32_t state, const struct node *node);
/* A vocabulary element in executable content: fills everything of `send` but the line. */
enum err compile_element_send(struct compiler *c, const struct node *node, struct send *send);

/* Variables and the fingerprint, when all tables have moved into the chart (numbers.c). */
void compile_numbers(struct compiler *c);

/* Makes an empty chart below `root` (NULL: a root of its own). */
struct chart *chart_create(struct chart_worker *worker, struct chart *root, const struct chart_source *source);

#endif
