/*
 * Executable content, flattened: <if> becomes tests and jumps, <foreach> a head and a tail, so that running it needs no
 * recursion. The walk over the elements is iterative too: a frame remembers what has to be patched when an element
 * ends.
 */
#include "chart/compiler.h"

/* Jumps out of one <if>, waiting for its end. */
struct open_if {
  uint32_t test;  /* the last OP_TEST, to be sent to the next branch; NONE after <else> */
  uint32_t first; /* of the chain of OP_JUMPs to the end, linked through their targets; NONE */
};

struct flattening {
  struct compiler *c;
  struct open_if ifs[DOCUMENT_DEPTH_MAX + 1]; /* by depth */
  uint32_t loops[DOCUMENT_DEPTH_MAX + 1];     /* by depth: the OP_FOREACH */
  unsigned depth;
};

static struct op *op_add(struct compiler *c, enum op_kind kind, uint32_t line) {
  struct op *op = VECTOR_ADD(c, ops, struct op);
  op->kind = kind;
  op->line = line;
  return op;
}

static struct op *op_at(struct compiler *c, uint32_t i) {
  return VECTOR_AT(c, ops, struct op, i);
}

/* --- payloads --- */

static enum err compile_param(struct compiler *c, const struct node *node) {
  if (node_has(node, "expr") == node_has(node, "location")) {
    return compile_fault(c, node->line, "<param> needs either \"expr\" or \"location\"");
  }
  struct param param = {node_get(node, "name"), NONE, NONE};
  if (node_has(node, "location")) {
    param.location = compile_location(c, node_get(node, "location"), node->line);
  } else {
    param.expr = compile_expr(c, node_get(node, "expr"), node->line);
  }
  *VECTOR_ADD(c, params, struct param) = param;
  return ERR_OK;
}

static void compile_namelist(struct compiler *c, const struct node *node) {
  struct span rest = node_get(node, "namelist");
  while (!span_empty(rest)) {
    size_t size = 0;
    while (size < rest.size && rest.data[size] > ' ') {
      size++;
    }
    struct span name = span_of(rest.data, size);
    rest = span_of(rest.data + size + (size < rest.size), rest.size - size - (size < rest.size));
    if (!span_empty(name)) {
      uint32_t location = compile_location(c, name, node->line);
      *VECTOR_ADD(c, params, struct param) = (struct param){name, NONE, location};
    }
  }
}

enum err compile_params(struct compiler *c, const struct node *node, struct payload *ret_payload) {
  struct payload payload = {{c->params.count, 0}, NONE};
  compile_namelist(c, node);
  for (const struct node *child = node->first; child; child = child->next) {
    if (child->tag == TAG_PARAM) {
      TRY(compile_param(c, child));
    }
  }
  payload.params.end = c->params.count;
  *ret_payload = payload;
  return ERR_OK;
}

enum err compile_content_value(struct compiler *c, const struct node *node, uint32_t *ret_expr) {
  if (!node_has(node, "expr")) {
    *ret_expr = compile_inline(c, node->text, node->markup, node->line);
    return ERR_OK;
  }
  if (!span_empty(span_trim(node->text)) || !span_empty(node->markup)) {
    return compile_fault(c, node->line, "<content> has either \"expr\" or something inside");
  }
  *ret_expr = compile_expr(c, node_get(node, "expr"), node->line);
  return ERR_OK;
}

enum err compile_payload(struct compiler *c, const struct node *node, struct payload *ret_payload) {
  TRY(compile_params(c, node, ret_payload));
  const struct node *content = node_child(node, TAG_CONTENT);
  if (!content) {
    return ERR_OK;
  }
  if (ret_payload->params.end > ret_payload->params.first) {
    return compile_fault(c, content->line, "<content> stands alone: neither namelist nor <param>");
  }
  return compile_content_value(c, content, &ret_payload->content);
}

/* --- single elements --- */

static enum err compile_raise(struct compiler *c, const struct node *node) {
  const struct symbol *symbol = chart_symbol_declare(c->chart, span_trim(node_get(node, "event")));
  op_add(c, OP_RAISE, node->line)->raise = symbol;
  return ERR_OK;
}

static enum err compile_log(struct compiler *c, const struct node *node) {
  uint32_t expr = node_has(node, "expr") ? compile_expr(c, node_get(node, "expr"), node->line) : NONE;
  struct op *op = op_add(c, OP_LOG, node->line);
  op->log.label = node_get(node, "label");
  op->log.expr = expr;
  return ERR_OK;
}

static enum err compile_assign(struct compiler *c, const struct node *node) {
  bool inside = !span_empty(span_trim(node->text)) || !span_empty(node->markup);
  if (node_has(node, "expr") && inside) {
    return compile_fault(c, node->line, "<assign> has either \"expr\" or something inside");
  }
  if (node_has(node, "attr") || node_has(node, "type")) {
    return compile_fault(c, node->line, "\"attr\" and \"type\" of <assign> belong to the XPath data model");
  }
  uint32_t location = compile_location(c, node_get(node, "location"), node->line);
  uint32_t expr = node_has(node, "expr") ? compile_expr(c, node_get(node, "expr"), node->line)
                                         : compile_inline(c, node->text, node->markup, node->line);
  struct op *op = op_add(c, OP_ASSIGN, node->line);
  op->assign.location = location;
  op->assign.expr = expr;
  return ERR_OK;
}

static enum err compile_script_element(struct compiler *c, const struct node *node) {
  struct span text = node->text;
  if (node_has(node, "src")) {
    if (!span_empty(span_trim(text))) {
      return compile_fault(c, node->line, "<script> has either \"src\" or something inside");
    }
    /* Section 5.8: a document whose script cannot be fetched is refused. */
    struct span src = node_get(node, "src");
    if (chart_load(c->chart, src, c->arena, &text) != ERR_OK) {
      return compile_fault(c, node->line, "the script \"%.*s\" cannot be read", SPAN_ARG(src));
    }
  }
  uint32_t expr = compile_script(c, text, node->line);
  op_add(c, OP_SCRIPT, node->line)->script = expr;
  return ERR_OK;
}

static enum err compile_delay(struct compiler *c, const struct node *node, struct send *send) {
  TRY(compile_text_or_expr(c, node, "delay", "delayexpr", &send->delay));
  bool given = node_has(node, "delay") || node_has(node, "delayexpr");
  if (node_has(node, "delay") && !delay_parse(send->delay.text, &send->delay_ms)) {
    return compile_fault(c, node->line, "\"%.*s\" is not a delay such as 10s, .5s or 250ms",
                         SPAN_ARG(send->delay.text));
  }
  if (given && send->target.expr == NONE && span_is(send->target.text, "#_internal")) {
    return compile_fault(c, node->line, "an event to #_internal cannot be delayed");
  }
  return ERR_OK;
}

static enum err compile_send(struct compiler *c, const struct node *node, struct send *send) {
  if (node_has(node, "id") && node_has(node, "idlocation")) {
    return compile_fault(c, node->line, "\"id\" and \"idlocation\" exclude each other");
  }
  TRY(compile_text_or_expr(c, node, "event", "eventexpr", &send->event));
  TRY(compile_text_or_expr(c, node, "target", "targetexpr", &send->target));
  TRY(compile_text_or_expr(c, node, "type", "typeexpr", &send->type));
  TRY(compile_delay(c, node, send));
  send->id = (struct text_or_expr){node_get(node, "id"), NONE};
  if (node_has(node, "idlocation")) {
    send->id_location = compile_location(c, node_get(node, "idlocation"), node->line);
  }
  TRY(compile_payload(c, node, &send->payload));
  if (!node_has(node, "event") && !node_has(node, "eventexpr") && send->payload.content == NONE) {
    return compile_fault(c, node->line, "<send> needs \"event\", \"eventexpr\" or <content>");
  }
  return ERR_OK;
}

static enum err compile_send_element(struct compiler *c, const struct node *node) {
  struct send send = {.line = node->line, .element = NONE, .id_location = NONE};
  send.event.expr = send.target.expr = send.type.expr = send.id.expr = send.delay.expr = NONE;
  TRY(node->tag == TAG_SEND ? compile_send(c, node, &send) : compile_element_send(c, node, &send));
  *VECTOR_ADD(c, sends, struct send) = send;
  op_add(c, OP_SEND, node->line)->send = c->sends.count - 1;
  return ERR_OK;
}

static enum err compile_cancel(struct compiler *c, const struct node *node) {
  struct text_or_expr sendid;
  TRY(compile_text_or_expr(c, node, "sendid", "sendidexpr", &sendid));
  if (!node_has(node, "sendid") && !node_has(node, "sendidexpr")) {
    return compile_fault(c, node->line, "<cancel> needs \"sendid\" or \"sendidexpr\"");
  }
  op_add(c, OP_CANCEL, node->line)->cancel = sendid;
  return ERR_OK;
}

/* --- if and foreach --- */

static void test_add(struct flattening *f, const struct node *node) {
  uint32_t cond = compile_expr(f->c, node_get(node, "cond"), node->line);
  struct op *op = op_add(f->c, OP_TEST, node->line);
  op->test.expr = cond;
  f->ifs[f->depth].test = f->c->ops.count - 1;
}

static void branch_end(struct flattening *f, uint32_t line) {
  struct open_if *open = &f->ifs[f->depth];
  op_add(f->c, OP_JUMP, line)->jump = open->first;
  open->first = f->c->ops.count - 1;
  op_at(f->c, open->test)->test.otherwise = f->c->ops.count;
}

static enum err compile_branch(struct flattening *f, const struct node *node) {
  if (f->ifs[f->depth].test == NONE) {
    return compile_fault(f->c, node->line, "nothing can follow <else> in an <if>");
  }
  branch_end(f, node->line);
  if (node->tag == TAG_ELSEIF) {
    test_add(f, node);
  } else {
    f->ifs[f->depth].test = NONE;
  }
  return ERR_OK;
}

static void if_end(struct flattening *f) {
  struct open_if *open = &f->ifs[f->depth];
  uint32_t end = f->c->ops.count;
  if (open->test != NONE) {
    op_at(f->c, open->test)->test.otherwise = end;
  }
  for (uint32_t jump = open->first; jump != NONE;) {
    uint32_t next = op_at(f->c, jump)->jump;
    op_at(f->c, jump)->jump = end;
    jump = next;
  }
}

static void foreach_begin(struct flattening *f, const struct node *node) {
  struct compiler *c = f->c;
  uint32_t array = compile_expr(c, node_get(node, "array"), node->line);
  uint32_t item = compile_location(c, node_get(node, "item"), node->line);
  uint32_t index = node_has(node, "index") ? compile_location(c, node_get(node, "index"), node->line) : NONE;
  struct op *op = op_add(c, OP_FOREACH, node->line);
  op->foreach.array = array;
  op->foreach.item = item;
  op->foreach.index = index;
  f->loops[f->depth] = c->ops.count - 1;
}

static void foreach_end(struct flattening *f, uint32_t line) {
  uint32_t loop = f->loops[f->depth];
  op_add(f->c, OP_NEXT, line)->next = loop;
  op_at(f->c, loop)->foreach.end = f->c->ops.count;
}

/* --- the walk --- */

static enum err compile_simple(struct compiler *c, const struct node *node) {
  switch (node->tag) {
  case TAG_RAISE:
    return compile_raise(c, node);
  case TAG_LOG:
    return compile_log(c, node);
  case TAG_ASSIGN:
    return compile_assign(c, node);
  case TAG_SCRIPT:
    return compile_script_element(c, node);
  case TAG_CANCEL:
    return compile_cancel(c, node);
  default:
    return compile_send_element(c, node);
  }
}

static void enter_element(struct flattening *f, const struct node *node) {
  f->depth++;
  if (node->tag == TAG_IF) {
    f->ifs[f->depth].first = NONE;
    test_add(f, node);
  } else {
    foreach_begin(f, node);
  }
}

static void leave_element(struct flattening *f, const struct node *node) {
  if (node->tag == TAG_IF) {
    if_end(f);
  } else {
    foreach_end(f, node->line);
  }
  f->depth--;
}

static bool has_inside(const struct node *node) {
  return node->tag == TAG_IF || node->tag == TAG_FOREACH;
}

static enum err compile_children(struct flattening *f, const struct node *block) {
  const struct node *node = block->first;
  while (node) {
    if (node->tag == TAG_ELSEIF || node->tag == TAG_ELSE) {
      TRY(compile_branch(f, node));
    } else if (has_inside(node)) {
      enter_element(f, node);
      if (node->first) {
        node = node->first;
        continue;
      }
      leave_element(f, node);
    } else {
      TRY(compile_simple(f->c, node));
    }
    while (node != block && !node->next) {
      node = node->parent;
      if (node != block) {
        leave_element(f, node);
      }
    }
    node = node == block ? NULL : node->next;
  }
  return ERR_OK;
}

enum err compile_block(struct compiler *c, const struct node *node, uint32_t *ret_block) {
  struct flattening f = {.c = c};
  uint32_t first = c->ops.count;
  TRY(compile_children(&f, node));
  *VECTOR_ADD(c, blocks, struct range) = (struct range){first, c->ops.count};
  *ret_block = c->blocks.count - 1;
  return ERR_OK;
}
