/*
 * chart/tables.h — a compiled chart.
 *
 * Purpose: everything that the interpreter needs to know of a document, in arrays that never change after compiling.
 * States stand in document order (preorder), so that the descendants of state i are the numbers i+1 … states[i].last
 * and "exit all below the domain" is a range of a bitset. A transition knows its domain and, where no history is
 * involved, the exact set of states that it enters. An event name becomes a symbol once: a mask of the transitions that
 * name it and of the states that they stand in.
 *
 * Ownership: all arrays live in the arena of the root chart; charts inside <invoke> belong to their root.
 * Threading: as the worker's. The one thing that grows is the bounded table of event names asked for (`learned`).
 */
#ifndef KURATOR_CHART_TABLES_H
#define KURATOR_CHART_TABLES_H

#include "chart/chart.h"

#define NONE UINT32_MAX

enum { CHART_NESTING_MAX = 8 /* sessions inside sessions */ };

struct range {
  uint32_t first, end;
};

/* --- bitsets over states or transitions --- */

typedef uint64_t bits_word;
enum { BITS_WORD = 64 };
static inline size_t bits_words(uint32_t count) {
  return (count + BITS_WORD - 1) / BITS_WORD;
}
static inline bool bits_get(const bits_word *set, uint32_t i) {
  return (set[i / BITS_WORD] >> (i % BITS_WORD) & 1) != 0;
}
static inline void bits_add(bits_word *set, uint32_t i) {
  set[i / BITS_WORD] |= (bits_word)1 << (i % BITS_WORD);
}
static inline void bits_remove(bits_word *set, uint32_t i) {
  set[i / BITS_WORD] &= ~((bits_word)1 << (i % BITS_WORD));
}
/* The first member at or after `from` and below `end`, or NONE. */
static inline uint32_t bits_next(const bits_word *set, uint32_t from, uint32_t end) {
  if (from >= end) {
    return NONE;
  }
  uint32_t word = from / BITS_WORD;
  bits_word rest = set[word] & (~(bits_word)0 << (from % BITS_WORD));
  while (rest == 0) {
    if (++word * BITS_WORD >= end) {
      return NONE;
    }
    rest = set[word];
  }
  uint32_t found = word * BITS_WORD + (uint32_t)__builtin_ctzll(rest);
  return found < end ? found : NONE;
}
/* The last member below `end` and at or after `from`, or NONE. */
static inline uint32_t bits_previous(const bits_word *set, uint32_t from, uint32_t end) {
  if (from >= end) {
    return NONE;
  }
  uint32_t at = end - 1;
  uint32_t word = at / BITS_WORD;
  bits_word rest = set[word] & (~(bits_word)0 >> (BITS_WORD - 1 - at % BITS_WORD));
  while (rest == 0) {
    if (word == from / BITS_WORD) {
      return NONE;
    }
    rest = set[--word];
  }
  uint32_t found = word * BITS_WORD + (BITS_WORD - 1 - (uint32_t)__builtin_clzll(rest));
  return found >= from ? found : NONE;
}

/* --- expressions --- */

enum expr_kind {
  EXPR_LUA,     /* a function in the worker's registry */
  EXPR_LITERAL, /* a value: inline content, quoted text of the null data model */
  EXPR_IN,      /* In('state') and nothing else: no script has to run */
  EXPR_BAD,     /* does not compile: error.execution when it is asked for */
};
struct expr {
  enum expr_kind kind;
  uint32_t line;
  int ref;        /* EXPR_LUA */
  uint32_t state; /* EXPR_IN; NONE for a state that does not exist */
  bool bounded;   /* EXPR_LUA: calls nothing, so that it cannot run for longer than its text */
  bool views;     /* EXPR_LUA: mentions a system variable as a whole, so that a variable may become a view of it */
  struct value literal; /* EXPR_LITERAL */
  struct span problem;  /* EXPR_BAD */
};

/* Where a value can be put: `name` alone, or a path that a script of its own walks. */
struct location {
  struct span root;    /* the variable that it starts with */
  bool plain;          /* nothing but the variable */
  bool declared;       /* some <data> declares the variable */
  uint32_t variable;   /* its number; NONE when not declared */
  bool reserved;       /* a system variable: every attempt fails */
  uint32_t read;       /* expr */
  int write_ref;       /* function of one argument, when not plain */
  struct span problem; /* not empty: no location at all */
  uint32_t line;
};

/* An attribute that stands as itself or as its …expr twin. */
struct text_or_expr {
  struct span text;
  uint32_t expr; /* NONE: `text` */
};

struct param {
  struct span name;
  uint32_t expr;
  uint32_t location; /* for an empty <finalize>; NONE */
};

/* What <send>, <invoke> and <donedata> carry. */
struct payload {
  struct range params;
  uint32_t content; /* expr; NONE */
};

/* --- executable content: flat, with jumps --- */

enum op_kind { OP_RAISE, OP_LOG, OP_ASSIGN, OP_SCRIPT, OP_SEND, OP_CANCEL, OP_TEST, OP_JUMP, OP_FOREACH, OP_NEXT };

struct symbol;
struct op {
  enum op_kind kind;
  uint32_t line;
  union {
    const struct symbol *raise;
    struct {
      struct span label;
      uint32_t expr; /* NONE: the label alone */
    } log;
    struct {
      uint32_t location, expr;
    } assign;
    uint32_t script; /* expr */
    uint32_t send;   /* index */
    struct text_or_expr cancel;
    struct {
      uint32_t expr, otherwise; /* op to go on with when false */
    } test;
    uint32_t jump;
    struct {
      uint32_t array, item, index, end; /* expr, locations (index may be NONE), op after the loop */
    } foreach;
    uint32_t next; /* the OP_FOREACH that this ends */
  };
};

struct send {
  uint32_t line;
  uint32_t element; /* of the vocabulary (CHART_PLACE_CONTENT); NONE for <send> */
  struct text_or_expr event, target, type, id, delay;
  int64_t delay_ms;     /* of a literal delay */
  uint32_t id_location; /* NONE */
  struct payload payload;
};

/* --- structure --- */

enum state_kind {
  STATE_ROOT,
  STATE_COMPOUND,
  STATE_ATOMIC,
  STATE_PARALLEL,
  STATE_FINAL,
  STATE_HISTORY_SHALLOW,
  STATE_HISTORY_DEEP,
};

struct state {
  enum state_kind kind;
  uint32_t parent; /* NONE for the root */
  uint32_t last;   /* the highest number of a descendant; its own if it has none */
  uint32_t line;
  struct span id;
  uint32_t initial; /* the transition of <initial>, of initial="…", or a history's default; NONE */
  bool has_history;
  struct range transitions, entry, exit, data, invokes, labels;
  uint32_t donedata;         /* payload; NONE */
  const struct symbol *done; /* done.state.ID */
};

struct transition {
  uint32_t source;
  uint32_t line;
  struct range targets; /* numbers of states, in order */
  uint32_t domain;      /* NONE when there is no target; with `dynamic` found at run time */
  bool internal;
  bool dynamic;     /* a history is targeted or on the way */
  uint32_t cond;    /* expr; NONE */
  uint32_t content; /* block */
  bool eventless;
  const bits_word *enters;   /* states entered, when not dynamic */
  const bits_word *defaults; /* of those: entered by default, so that their <initial> content runs */
};

struct data {
  struct span id;
  uint32_t line;
  uint32_t expr; /* NONE: declared only */
  uint32_t variable;
};

/* A name that some <data> declares; in order of the names. */
struct variable {
  struct span name;
  int name_ref; /* the same as a text of Lua */
  bool shadows; /* a name of the library: Lua would find that first */
};

struct invoke {
  uint32_t state;
  uint32_t line;
  uint32_t element; /* number among the chart's extension invocations; NONE for <invoke> */
  struct span name; /* "invoke" or the extension's name */
  struct text_or_expr type, src, id;
  uint32_t id_location;
  struct payload payload;
  bool autoforward;
  bool has_finalize;
  uint32_t finalize;          /* block */
  struct chart *nested;       /* inline chart, or the file that a literal src names; NULL */
  struct span nested_problem; /* why there is none */
  bool nested_unreachable;    /* the file could not be read: error.communication */
};

struct element {
  const struct chart_element *kind;
  uint32_t invoke;
  struct range attributes; /* in element_attributes */
};
struct element_attribute {
  struct span name;
  struct span text; /* literal */
  uint32_t expr;    /* NONE: literal */
};

struct label {
  struct span name, value;
};

/* One descriptor of one transition; the table is sorted by text, so that the descriptors of a name are found by search.
 */
struct descriptor {
  struct span text; /* without a trailing ".*"; empty for "*" */
  uint32_t transition;
};

/* An event name and what it can do. */
struct symbol {
  struct span name;
  const bits_word *transitions;
  const bits_word *sources; /* states that hold them */
  bool known;               /* some descriptor other than "*" names it */
  bool any;                 /* some transition matches */
};

struct node;
struct symbol_table {
  struct arena *arena;
  struct symbol **slots; /* open addressing, a power of two */
  uint32_t capacity;
  uint32_t count;
};

/* Sessions that have been destroyed and keep their memory for the next one of the same chart (session.c). */
enum { SPARE_MAX = 32 };
struct spare {
  struct chart_session *sessions[SPARE_MAX];
  uint32_t count;
};
void chart_spare_destroy(struct chart *chart);

enum { LEARNED_MAX = 256 };
/* Names asked for while running. */
struct learned {
  struct arena arena;
  struct symbol_table table;
};

enum { ABOVE_MAX = 512 };

enum datamodel { DATAMODEL_LUA, DATAMODEL_NULL };

struct defined {
  struct span name; /* "rate", or "dates.last" in a table */
  int ref;
  const void *closure; /* whose identity `ref` keeps */
  struct span code;    /* as Lua dumps it */
  uint64_t digest;     /* of the code */
};

struct chart {
  struct chart_worker *worker;
  struct chart *root;         /* itself for a chart that was compiled by name */
  struct chart *next;         /* the charts inside, linked from the root */
  struct arena arena;         /* of the root only */
  struct chart_source source; /* the loader stays borrowed for src that is only known at run time */
  struct span uri;            /* of a chart that a literal src named; empty otherwise */
  struct span problem;        /* of such a chart: why it cannot run */
  struct node *document;      /* while compiling */
  struct chart *pending;      /* while compiling: the stack of charts still to be compiled */

  enum datamodel datamodel;
  bool late_binding;
  struct span name;

  struct state *states;
  uint32_t states_count;
  uint32_t *by_id;   /* numbers of states in order of their ids */
  bits_word *atomic; /* atomic and final states */
  bits_word *above;  /* by state: itself and its ancestors; NULL when there are more than ABOVE_MAX states */
  struct transition *transitions;
  uint32_t transitions_count;
  uint32_t *targets;
  struct descriptor *descriptors;
  uint32_t descriptors_count;
  struct range *blocks; /* of ops */
  uint32_t blocks_count;
  struct op *ops;
  struct expr *exprs;
  uint32_t exprs_count;
  struct location *locations;
  uint32_t locations_count;
  struct param *params;
  struct payload *payloads;
  struct send *sends;
  struct data *data;
  uint32_t data_count;
  struct variable *variables;
  uint32_t variables_count;
  struct invoke *invokes;
  uint32_t invokes_count;
  struct element *elements;
  uint32_t elements_count;
  struct element_attribute *element_attributes;
  struct label *labels;
  uint32_t script;         /* block of the global script; NONE */
  bool data_define;        /* the expression of some <data> mentions functions */
  struct defined *defined; /* functions of that script, by name (defined.c) */
  uint32_t defined_count;
  struct span *stateful; /* names of those that no snapshot can hold */
  uint32_t stateful_count;

  uint32_t fingerprint; /* of all that snapshots number: states, variables, invocations (numbers.c) */
  struct spare *spare;  /* sessions to be used again */

  struct symbol eventless;
  struct symbol_table known; /* names that stand in the chart; fixed after compiling */
  struct learned *learned;   /* emptied when full */
};

static inline bool state_is_history(const struct state *s) {
  return s->kind == STATE_HISTORY_SHALLOW || s->kind == STATE_HISTORY_DEEP;
}
static inline bool state_is_leaf(const struct state *s) {
  return s->kind == STATE_ATOMIC || s->kind == STATE_FINAL;
}
static inline bool is_below(const struct chart *c, uint32_t state, uint32_t ancestor) {
  return state > ancestor && state <= c->states[ancestor].last;
}
/* An attribute of an extension invocation, or NULL. */
const struct element_attribute *chart_element_attribute(const struct chart *chart, uint32_t element, const char *name);
/* True for the types of <invoke> that mean SCXML; the empty one is the default. */
bool chart_type_is_scxml(struct span type);
/* The text of a `src` through the chart's loader. */
enum err chart_load(const struct chart *chart, struct span uri, struct arena *arena, struct span *ret_bytes) MUST_CHECK;
/* "10s", ".5s", "250ms", and plain milliseconds; false on anything else. */
bool delay_parse(struct span text, int64_t *ret_ms);
/* The variable with a name, or NONE. */
uint32_t chart_variable_find(const struct chart *chart, struct span name);
/* The state with an id, or NONE. */
uint32_t chart_state_find(const struct chart *chart, struct span id);

/* The symbol of a name; valid until the next question. */
const struct symbol *chart_symbol(const struct chart *chart, struct span name);
/* While compiling: a symbol that stays; the name is borrowed. Its masks are filled by chart_symbols_finish. */
const struct symbol *chart_symbol_declare(struct chart *chart, struct span name);
/* Sorts the descriptors and fills the masks; after all transitions and declarations. */
void chart_symbols_finish(struct chart *chart);
void chart_symbols_forget(struct chart *chart);

/* --- entering, shared by the compiler (static masks) and the step --- */

struct entry_set {
  bits_word *enters;
  bits_word *defaults;               /* states entered by default */
  uint32_t *history_defaults;        /* per state: the history's default transition whose content runs; may be NULL */
  const bits_word *const *histories; /* recorded configurations by state, NULL entries; may be NULL */
  bool met_history;
};
/* Adds to `set` what entering `targets` below `domain` enters (appendix D, computeEntrySet). */
void entry_add(const struct chart *chart, struct entry_set *set, struct range targets, uint32_t domain);
/* Appendix D, getTransitionDomain, for given effective targets. */
uint32_t transition_domain_find(const struct chart *chart, const struct transition *t, const uint32_t *targets,
                                uint32_t count);

#endif
