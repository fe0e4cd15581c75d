/*
 * daemon/page.h — one page of an answer, as the verbs fill it. For desk.c and desk_*.c.
 *
 * A verb either walks a space of the store from the question's cursor on (page_scan), or makes all its rows every time
 * and leaves out those of the pages before (page_row counts them; page_counted).
 */
#ifndef KURATOR_DAEMON_PAGE_H
#define KURATOR_DAEMON_PAGE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/value.h"
#include "casework/casework.h"
#include "daemon/daemon.h"
#include "wire/frame.h"

enum {
  DESK_ROWS_MAX = 10000,
  DESK_PAGE_BYTES = 512 << 10, /* far under FRAME_QUERY_MAX: the last row may exceed it */
  DESK_SCAN_MAX = 20000,
  PAGE_SUBJECT_MAX = 1024, /* bytes of page.subject */
};

struct page;
/* Fills the answer when the operator's act is durable; `acted` says in which entry of the journal. */
typedef enum err (*page_then)(struct page *page, const struct runtime_acted *acted, struct fault *fault);

struct page {
  struct daemon *daemon;
  const Kurator__V1__QueryRequest *request;
  struct span asker;   /* name in the registry */
  unsigned roles;      /* of the asker's key */
  struct arena *arena; /* of the question */
  struct writer *rows; /* all rows, one behind the other */
  size_t *ends;        /* where each ends */
  size_t count, limit;
  size_t scanned;
  size_t skip;        /* rows that earlier pages have shown, for page_counted */
  struct span cursor; /* empty: this is the last page */
  bool later;         /* the answer comes by itself when the clock has moved */
  uint64_t ticket;    /* not 0: when this act is durable, by `then`, of the case `subject` */
  page_then then;
  struct span subject;
};

typedef enum err (*desk_verb_run)(struct page *page, struct fault *fault);
struct desk_verb {
  const char *name;
  bool changes; /* operators only */
  desk_verb_run run;
};
/* Each ends with a NULL name. */
extern const struct desk_verb desk_case_verbs[];
extern const struct desk_verb desk_document_verbs[];
extern const struct desk_verb desk_list_verbs[];
extern const struct desk_verb desk_journal_verbs[];
extern const struct desk_verb desk_outcome_verbs[];
extern const struct desk_verb desk_person_verbs[];
extern const struct desk_verb desk_audit_verbs[];
extern const struct desk_verb desk_keys_verbs[];
extern const struct desk_verb desk_doctor_verbs[];
extern const struct desk_verb desk_backup_verbs[];
extern const struct desk_verb desk_correct_verbs[];
extern const struct desk_verb desk_calendar_verbs[];
extern const struct desk_verb desk_admin_verbs[];

/* "name=value" among the question's words; the empty span if it is not there. */
struct span page_arg(const struct page *page, const char *name);
/* ERR_INVALID with a Russian text when the word is missing. */
enum err page_arg_needed(const struct page *page, const char *name, struct span *ret_value,
                         struct fault *fault) MUST_CHECK;
enum err page_arg_number(const struct page *page, const char *name, int64_t fallback, int64_t *ret_value,
                         struct fault *fault) MUST_CHECK;
/* True if the word is not there or is this text. */
bool page_arg_is(const struct page *page, const char *name, struct span text);

bool page_full(const struct page *page);
/* Nil fields are left out. */
void page_row(struct page *page, const struct value_field *fields, size_t count);
void page_text(struct page *page, struct span json);

/* Begins a verb that makes all its rows every time: reads how many to leave out from the cursor. page_counted_row
 * returns false when the page is full: then the verb returns. */
enum err page_counted(struct page *page, struct fault *fault) MUST_CHECK;
bool page_counted_row(struct page *page, const struct value_field *fields, size_t count);

/* Walks the committed keys with the prefix from the cursor on, until the page is full. `row` may not scan itself. */
typedef enum err (*page_visit)(struct page *page, struct span key, struct span value, void *arg);
enum err page_scan(struct page *page, enum store_space space, struct span prefix, page_visit row, void *arg,
                   struct fault *fault) MUST_CHECK;

/* ---- values of rows ---- */

struct value page_moment(const struct page *page, civil_moment moment); /* nil if none */
struct value page_day(const struct page *page, civil_day day);          /* nil if none */
struct value page_words(const struct page *page, const struct text_list *list);
struct value page_known(struct span text); /* nil if empty */
#define PAGE_FIELD(name, v)                                                                                            \
  { SPAN_LITERAL(name), (v) }
#define PAGE_COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* The committed view of a case. ERR_NOT_FOUND with a Russian text. */
enum err page_case(const struct page *page, struct span case_id, struct case_view *ret_view, bool *ret_parked,
                   struct fault *fault) MUST_CHECK;
/* A part has a status and a parent too: only what one of a chart's lists has started is a referral. */
static inline bool page_is_referral(const struct case_view *view) {
  return view->identity.referral;
}
/* The row of a deadline, the same in lists and in a case; `explain` adds why. */
void page_deadline_fields(const struct page *page, struct span case_id, const struct deadline *deadline, bool explain,
                          struct value_field *fields, size_t *ret_count);
enum { PAGE_DEADLINE_FIELDS = 20 };

#endif
