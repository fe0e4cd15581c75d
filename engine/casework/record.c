/*
 * record.c — a case as bytes.
 *
 * Version 5 (4: without documents, 3: without held). Integers are varints, signed ones and days zigzag, texts are
 * blobs; a list is its count and then its items. A moment is zigzag, counted from `opened_at` (`opened_at` itself from
 * 1970). What is in brackets stands there if the flags or the mask say so.
 *
 *   part     fields, in order
 *   ------   -------------------------------------------------------------------------------------------------
 *   head     u8 version · u8 flags (1 ended, 2 referral, 4 its offer was withdrawn: the addressee is the last one,
 *                                   8 its key is its id, 16 the revision is 16 bytes, told as hexadecimal digits)
 *            mask: which of the texts and numbers, from bit 0 in this order, are there
 *            [id · process · parent · invoke · key · status · reason · addressee · territory · ground · stage ·
 * revision] opened_at · [offer · edition · changed_at · status_at]; without bit changed_at is opened_at states [id] ·
 * children [id · u8 flags (1 ended, 2 cancelled, 4 part)] ·
 * documents [u8 flags · [kind] · state · edition · occurred_at, counted from opened_at · [recorded_at, from that] ·
 * journal · [state_journal] · [to · made_at, counted from recorded_at] · [measures]] room     u8 flags (1 session timer
 * set) · slots · serials · generations · generation and [due] of the session timer lives [element · serial · slot · u8
 * flags · [invokeid] · [key] · [due] · [recipients] · [params]] watches [element · flags · serial · slot · u8 shift ·
 * u8 state · from · due · [not_after] · generation and [due] of the end timer, of the warning timer · [key] · term ·
 * [cause] · [calendar revision] · [opens] · [done_on] · [held] · opened_at · at, counted from opened_at] children, the
 * rest of each [key · process · invoke · status · to · serial · slot · content] element: number · 16 bits of a hash of
 * its id; flags: record_room.c session  to the end: what chart_session_save wrote
 *
 * Versions 1 and 2 have all texts and numbers of the head and no mask (1: neither revision nor flags 2 and 4),
 * opened_at after the edition, and the room of record_before.c.
 *
 * The head alone tells a list what it shows: case_view_decode reads no further. It is also all that is read of a case
 * whose revision is not defined.
 */
#include "casework/record.h"

enum { STATES_MAX = 10000 };
enum { HEAD_TEXTS = 12, HEAD_TEXTS_1 = 11, HEAD_KEY = 4, HEAD_REVISION = 11 /* places among the texts */ };
enum { CASE_FLAG_ENDED = 1, CASE_FLAG_REFERRAL = 2, CASE_FLAG_WITHDRAWN = 4, CASE_FLAGS_2 = 7 };
enum { CASE_FLAG_KEY_IS_ID = 8, CASE_FLAG_REVISION_PACKED = 16, CASE_FLAGS = 31 };
enum {
  MASK_OFFER = 1 << 12,
  MASK_EDITION = 1 << 13,
  MASK_CHANGED = 1 << 14,
  MASK_STATUS = 1 << 15,
  MASK_END = 1 << 16
};
enum { REVISION_BYTES = 16 };
enum {
  DOCUMENT_SAME_KIND = 1,  /* as the edition before */
  DOCUMENT_AT_ONCE = 2,    /* recorded when it occurred */
  DOCUMENT_SAME_ENTRY = 4, /* no change of state since */
  DOCUMENT_TO = 8,
  DOCUMENT_MEASURES = 16,
  DOCUMENT_FLAGS = 31
};

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* Distances wrap, so that any two moments have one. */
void put_moment(struct writer *w, civil_moment moment, civil_moment from) {
  writer_zigzag(w, (int64_t)((uint64_t)moment - (uint64_t)from));
}

void put_texts(struct writer *w, const struct text_list *list) {
  writer_varint(w, list->count);
  for (size_t i = 0; i < list->count; i++) {
    writer_blob(w, list->items[i]);
  }
}

static bool state_is_shown(const struct case_file *c, uint32_t state) {
  return chart_state_is_atomic(c->process->chart, state) && chart_session_in(c->session, state);
}

/* What case_states lists, without a table in between. */
static void put_states(const struct case_file *c, struct writer *w) {
  uint32_t states = chart_states_count(c->process->chart);
  uint64_t shown = 0;
  for (uint32_t i = 0; i < states; i++) {
    shown += state_is_shown(c, i);
  }
  writer_varint(w, shown);
  for (uint32_t i = 0; i < states; i++) {
    if (state_is_shown(c, i)) {
      writer_blob(w, chart_state_id(c->process->chart, i));
    }
  }
}

/* The 16 bytes that 32 hexadecimal digits tell; false if they are something else. */
static bool revision_pack(struct span revision, uint8_t ret_bytes[REVISION_BYTES]) {
  memset(ret_bytes, 0, REVISION_BYTES);
  for (size_t i = 0; i < revision.size && i < (size_t)REVISION_BYTES * 2; i++) {
    uint8_t c = revision.data[i];
    bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'a' && c <= 'f')) {
      return false;
    }
    ret_bytes[i / 2] = (uint8_t)(ret_bytes[i / 2] << 4 | (digit ? c - '0' : c - 'a' + 10));
  }
  return revision.size == (size_t)REVISION_BYTES * 2;
}

static struct span revision_unpack(struct span bytes, struct arena *arena) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *text = arena_alloc(arena, bytes.size * 2);
  for (size_t i = 0; i < bytes.size; i++) {
    text[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
    text[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
  }
  return span_of(text, bytes.size * 2);
}

static void put_texts_of_head(const struct case_file *c, bool packed, uint32_t *mask, struct writer *w) {
  const struct stage_rule *stages = c->casework->options.catalogue->stages;
  const struct span texts[HEAD_TEXTS] = {c->identity.id,
                                         c->identity.process,
                                         c->identity.parent,
                                         c->identity.invoke,
                                         c->identity.key,
                                         c->status,
                                         c->reason,
                                         c->last_addressee,
                                         c->territory,
                                         c->ground,
                                         c->stage < 0 ? (struct span){0} : stages[c->stage].name,
                                         c->revision};
  for (uint32_t i = 0; i < HEAD_TEXTS; i++) {
    bool told = (i == HEAD_KEY && span_equal(texts[i], c->identity.id)) || (i == HEAD_REVISION && packed);
    *mask |= !told && !span_empty(texts[i]) ? 1u << i : 0;
  }
  writer_varint(w, *mask);
  for (uint32_t i = 0; i < HEAD_TEXTS; i++) {
    if (*mask & 1u << i) {
      writer_blob(w, texts[i]);
    }
  }
}

static void put_numbers_of_head(const struct case_file *c, uint32_t mask, struct writer *w) {
  writer_zigzag(w, c->opened_at);
  if (mask & MASK_OFFER) {
    writer_zigzag(w, c->offer);
  }
  if (mask & MASK_EDITION) {
    writer_zigzag(w, c->edition);
  }
  if (mask & MASK_CHANGED) {
    put_moment(w, c->changed_at, c->opened_at);
  }
  if (mask & MASK_STATUS) {
    put_moment(w, c->status_at, c->opened_at);
  }
}

static uint8_t head_flags(const struct case_file *c, bool packed) {
  bool withdrawn = span_empty(c->addressee) && !span_empty(c->last_addressee);
  return (uint8_t)((c->ended ? CASE_FLAG_ENDED : 0) | (c->identity.referral ? CASE_FLAG_REFERRAL : 0) |
                   (withdrawn ? CASE_FLAG_WITHDRAWN : 0) |
                   (span_equal(c->identity.key, c->identity.id) ? CASE_FLAG_KEY_IS_ID : 0) |
                   (packed ? CASE_FLAG_REVISION_PACKED : 0));
}

static void put_children(const struct case_file *c, struct writer *w) {
  writer_varint(w, c->children_count);
  for (size_t i = 0; i < c->children_count; i++) {
    const struct child *child = &c->children[i];
    int flags = (child->ended ? CHILD_FLAG_ENDED : 0) | (child->cancelled ? CHILD_FLAG_CANCELLED : 0) |
                (child->part ? CHILD_FLAG_PART : 0);
    writer_blob(w, child->id);
    writer_u8(w, (uint8_t)flags);
  }
}

static void put_document(const struct case_file *c, struct writer *w, const struct case_document *document,
                         struct span kind) {
  int flags = (span_equal(document->kind, kind) ? DOCUMENT_SAME_KIND : 0) |
              (document->recorded_at == document->occurred_at ? DOCUMENT_AT_ONCE : 0) |
              (document->state_journal == document->journal ? DOCUMENT_SAME_ENTRY : 0) |
              (span_empty(document->to) ? 0 : DOCUMENT_TO) | (document->measures.count == 0 ? 0 : DOCUMENT_MEASURES);
  writer_u8(w, (uint8_t)flags);
  if (!(flags & DOCUMENT_SAME_KIND)) {
    writer_blob(w, document->kind);
  }
  writer_blob(w, document->state);
  writer_varint(w, document->edition);
  put_moment(w, document->occurred_at, c->opened_at);
  if (!(flags & DOCUMENT_AT_ONCE)) {
    put_moment(w, document->recorded_at, document->occurred_at);
  }
  writer_varint(w, document->journal);
  if (!(flags & DOCUMENT_SAME_ENTRY)) {
    writer_varint(w, document->state_journal);
  }
  if (flags & DOCUMENT_TO) {
    writer_blob(w, document->to);
    put_moment(w, document->made_at, document->recorded_at);
  }
  if (flags & DOCUMENT_MEASURES) {
    put_texts(w, &document->measures);
  }
}

static void put_documents(const struct case_file *c, struct writer *w) {
  struct span kind = {0};
  writer_varint(w, c->documents_count);
  for (size_t i = 0; i < c->documents_count; i++) {
    put_document(c, w, &c->documents[i], kind);
    kind = c->documents[i].kind;
  }
}

static void put_head(const struct case_file *c, struct writer *w) {
  uint8_t revision[REVISION_BYTES];
  bool packed = revision_pack(c->revision, revision);
  uint32_t mask = (c->offer != 0 ? MASK_OFFER : 0) | (c->edition != 0 ? MASK_EDITION : 0) |
                  (c->changed_at != c->opened_at ? MASK_CHANGED : 0) |
                  (c->status_at != CIVIL_MOMENT_NONE ? MASK_STATUS : 0);
  writer_u8(w, RECORD_VERSION);
  writer_u8(w, head_flags(c, packed));
  put_texts_of_head(c, packed, &mask, w);
  if (packed) {
    writer_raw(w, span_of(revision, sizeof revision));
  }
  put_numbers_of_head(c, mask, w);
  put_states(c, w);
  put_children(c, w);
  put_documents(c, w);
}

enum err case_encode(struct case_file *c, struct writer *w, struct fault *fault) {
  if (!c->process) {
    return fault_set(fault, ERR_CONFIG, "a case without its definition is not encoded");
  }
  if (!c->session) {
    return fault_set(fault, ERR_INVALID, "a case that has not been started has no record");
  }
  size_t before = w->size;
  put_head(c, w);
  room_put(c, w);
  TRY(chart_session_save(c->session, w, fault));
  if (w->size - before > CASE_RECORD_MAX) {
    return fault_set(fault, ERR_LIMIT, "the record of the case is larger than %d bytes", CASE_RECORD_MAX);
  }
  return ERR_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

uint32_t get_u32(struct reader *r) {
  uint64_t v = reader_varint(r);
  r->failed = r->failed || v > UINT32_MAX;
  return r->failed ? 0 : (uint32_t)v;
}

size_t get_count(struct reader *r, size_t max) {
  uint64_t v = reader_varint(r);
  r->failed = r->failed || v > max || v > r->size;
  return r->failed ? 0 : (size_t)v;
}

uint8_t get_bounded(struct reader *r, uint8_t max) {
  uint8_t v = reader_u8(r);
  r->failed = r->failed || v > max;
  return r->failed ? 0 : v;
}

civil_day get_day(struct reader *r, bool may_be_none) {
  enum { DAY_FIRST = -25567 /* 1900-01-01 */, DAY_LAST = 84005 /* 2199-12-31 */ };
  int64_t v = reader_zigzag(r);
  bool valid = (v >= DAY_FIRST && v <= DAY_LAST) || (may_be_none && v == CIVIL_DAY_NONE);
  r->failed = r->failed || !valid;
  return r->failed ? CIVIL_DAY_NONE : (civil_day)v;
}

civil_moment get_moment(struct reader *r, civil_moment from) {
  return (civil_moment)((uint64_t)reader_zigzag(r) + (uint64_t)from);
}

struct text_list get_texts(struct reader *r, struct arena *arena, size_t max) {
  struct text_list list = {NULL, get_count(r, max)};
  list.items = ARENA_ARRAY(arena, struct span, list.count);
  for (size_t i = 0; i < list.count; i++) {
    list.items[i] = reader_blob(r);
  }
  return list;
}

/* As it was told before there was a flag: a child that was started for an element of a list has that element's key, not
 * its own invocation's id. */
static bool was_referral(const struct case_view *v) {
  return !span_empty(v->identity.parent) && !span_empty(v->status) && !span_equal(v->identity.invoke, v->identity.key);
}

static void head_texts(struct case_view *v, struct span *ret_texts[HEAD_TEXTS]) {
  struct span *const texts[HEAD_TEXTS] = {
      &v->identity.id, &v->identity.process, &v->identity.parent, &v->identity.invoke, &v->identity.key, &v->status,
      &v->reason,      &v->last_addressee,   &v->territory,       &v->ground,          &v->stage,        &v->revision};
  memcpy(ret_texts, texts, sizeof texts);
}

static void get_head_before(struct reader *r, uint8_t version, struct case_view *v) {
  struct span *texts[HEAD_TEXTS];
  uint8_t flags = get_bounded(r, version == 1 ? CASE_FLAG_ENDED : CASE_FLAGS_2);
  head_texts(v, texts);
  for (size_t i = 0; i < (version == 1 ? HEAD_TEXTS_1 : HEAD_TEXTS); i++) {
    *texts[i] = reader_blob(r);
  }
  v->ended = (flags & CASE_FLAG_ENDED) != 0;
  v->addressee = flags & CASE_FLAG_WITHDRAWN ? (struct span){0} : v->last_addressee;
  v->identity.referral = version == 1 ? was_referral(v) : (flags & CASE_FLAG_REFERRAL) != 0;
  int64_t *const numbers[] = {&v->offer, &v->edition, &v->opened_at, &v->changed_at, &v->status_at};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    *numbers[i] = reader_zigzag(r);
  }
}

static void get_head_texts(struct reader *r, uint8_t flags, uint32_t mask, struct arena *arena, struct case_view *v) {
  struct span *texts[HEAD_TEXTS];
  uint32_t told = (flags & CASE_FLAG_KEY_IS_ID ? 1u << HEAD_KEY : 0) |
                  (flags & CASE_FLAG_REVISION_PACKED ? 1u << HEAD_REVISION : 0);
  r->failed = r->failed || (mask & told) != 0;
  head_texts(v, texts);
  for (uint32_t i = 0; i < HEAD_TEXTS; i++) {
    *texts[i] = mask & 1u << i ? reader_blob(r) : (struct span){0};
  }
  if (flags & CASE_FLAG_KEY_IS_ID) {
    v->identity.key = v->identity.id;
  }
  if (flags & CASE_FLAG_REVISION_PACKED) {
    v->revision = revision_unpack(reader_raw(r, REVISION_BYTES), arena);
  }
}

static void get_head_now(struct reader *r, struct arena *arena, struct case_view *v) {
  uint8_t flags = get_bounded(r, CASE_FLAGS);
  uint32_t mask = get_u32(r);
  r->failed = r->failed || mask >= MASK_END;
  get_head_texts(r, flags, mask, arena, v);
  v->ended = (flags & CASE_FLAG_ENDED) != 0;
  v->addressee = flags & CASE_FLAG_WITHDRAWN ? (struct span){0} : v->last_addressee;
  v->identity.referral = (flags & CASE_FLAG_REFERRAL) != 0;
  v->opened_at = reader_zigzag(r);
  v->offer = mask & MASK_OFFER ? reader_zigzag(r) : 0;
  v->edition = mask & MASK_EDITION ? reader_zigzag(r) : 0;
  v->changed_at = mask & MASK_CHANGED ? get_moment(r, v->opened_at) : v->opened_at;
  v->status_at = mask & MASK_STATUS ? get_moment(r, v->opened_at) : CIVIL_MOMENT_NONE;
}

static void get_children(struct reader *r, struct arena *arena, struct record_head *head) {
  struct case_view *v = &head->view;
  v->children.count = get_count(r, CASE_CHILDREN_MAX);
  v->children.items = ARENA_ARRAY(arena, struct span, v->children.count);
  v->live.items = ARENA_ARRAY(arena, struct span, v->children.count);
  head->child_flags = ARENA_ARRAY(arena, uint8_t, v->children.count);
  for (size_t i = 0; i < v->children.count; i++) {
    v->children.items[i] = reader_blob(r);
    head->child_flags[i] = get_bounded(r, CHILD_FLAGS);
    if (!(head->child_flags[i] & CHILD_FLAG_ENDED)) {
      v->live.items[v->live.count++] = v->children.items[i];
    }
  }
}

static void get_document(struct reader *r, struct arena *arena, const struct case_view *v, struct span kind,
                         struct case_document *document) {
  uint8_t flags = get_bounded(r, DOCUMENT_FLAGS);
  *document = (struct case_document){.kind = flags & DOCUMENT_SAME_KIND ? kind : reader_blob(r)};
  document->state = reader_blob(r);
  document->edition = get_u32(r);
  document->occurred_at = get_moment(r, v->opened_at);
  document->recorded_at = flags & DOCUMENT_AT_ONCE ? document->occurred_at : get_moment(r, document->occurred_at);
  document->journal = reader_varint(r);
  document->state_journal = flags & DOCUMENT_SAME_ENTRY ? document->journal : reader_varint(r);
  document->made_at = CIVIL_MOMENT_NONE;
  if (flags & DOCUMENT_TO) {
    document->to = reader_blob(r);
    document->made_at = get_moment(r, document->recorded_at);
  }
  if (flags & DOCUMENT_MEASURES) {
    document->measures = get_texts(r, arena, CASE_CHILDREN_MAX);
  }
  r->failed = r->failed || span_empty(document->kind) || document->edition == 0;
}

static void get_documents(struct reader *r, struct arena *arena, struct case_view *v) {
  struct span kind = {0};
  v->documents_count = get_count(r, CASE_DOCUMENTS_MAX);
  v->documents = ARENA_ARRAY(arena, struct case_document, v->documents_count);
  for (size_t i = 0; i < v->documents_count; i++) {
    get_document(r, arena, v, kind, &v->documents[i]);
    kind = v->documents[i].kind;
  }
}

static enum err get_head(struct reader *r, struct arena *arena, struct record_head *ret_head) {
  struct record_head head = {.version = reader_u8(r)};
  if (r->failed || head.version < 1 || head.version > RECORD_VERSION) {
    return r->failed ? ERR_CORRUPT : ERR_VERSION;
  }
  if (head.version <= RECORD_NAMED) {
    get_head_before(r, head.version, &head.view);
  } else {
    get_head_now(r, arena, &head.view);
  }
  head.view.states = get_texts(r, arena, STATES_MAX);
  get_children(r, arena, &head);
  if (head.version > RECORD_PAPERLESS) {
    get_documents(r, arena, &head.view);
  }
  *ret_head = head;
  return r->failed ? ERR_CORRUPT : ERR_OK;
}

enum err case_view_decode(struct span record, struct arena *arena, struct case_view *ret_view) {
  struct record_head head;
  struct reader whole = reader_of(record);
  TRY(get_head(&whole, arena, &head));
  /* Once more from a copy of the head: its texts outlive the record. */
  struct span copy = arena_copy(arena, span_of(record.data, record.size - whole.size));
  struct reader r = reader_of(copy);
  TRY(get_head(&r, arena, &head));
  *ret_view = head.view;
  return ERR_OK;
}

static void take_head(struct case_file *c, const struct case_view *v) {
  c->identity = v->identity;
  c->revision = v->revision;
  c->status = v->status;
  c->reason = v->reason;
  c->addressee = v->addressee;
  c->last_addressee = v->last_addressee;
  c->territory = v->territory;
  c->ground = v->ground;
  c->stage = catalogue_stage(c->casework->options.catalogue, v->stage);
  c->offer = v->offer;
  c->edition = v->edition;
  c->ended = v->ended;
  c->opened_at = v->opened_at;
  c->changed_at = v->changed_at;
  c->status_at = v->status_at;
  c->documents = v->documents;
  c->documents_count = v->documents_count;
  c->documents_capacity = v->documents_count;
}

static void take_children(struct case_file *c, const struct record_head *head) {
  for (size_t i = 0; i < head->view.children.count; i++) {
    *case_child_new(c) =
        (struct child){.id = head->view.children.items[i], .ended = (head->child_flags[i] & CHILD_FLAG_ENDED) != 0};
  }
}

static enum err decode(struct case_file *c, struct span record, struct fault *fault) {
  struct record_head head;
  struct decoding d = {.c = c, .r = reader_of(arena_copy(&c->arena, record))};
  enum err err = get_head(&d.r, &c->arena, &head);
  if (err != ERR_OK) {
    return fault_set(fault, err, "the head of the record cannot be read");
  }
  take_head(c, &head.view);
  struct span name = c->identity.process;
  c->process = span_empty(c->revision) ? casework_process(c->casework, name)
                                       : casework_process_of(c->casework, name, c->revision);
  if (!c->process) {
    take_children(c, &head);
    c->states = head.view.states;
    return ERR_OK;
  }
  if (head.version <= RECORD_NAMED) {
    room_get_before(&d, &head);
  } else {
    room_get(&d, &head);
  }
  if (d.r.failed) {
    return d.err == ERR_CONFLICT ? fault_set(fault, ERR_CONFLICT, "the chart has lost an element that the case needs")
                                 : fault_set(fault, ERR_CORRUPT, "the record is damaged");
  }
  TRY(chart_session_restore(c->casework->worker, c->process->chart, &d.r, &c->session, fault));
  return reader_end(&d.r) == ERR_OK ? ERR_OK : fault_set(fault, ERR_CORRUPT, "the record is longer than its session");
}

enum err case_decode(struct casework *casework, struct span record, struct case_file **ret_case, struct fault *fault) {
  if (record.size > CASE_RECORD_MAX) {
    return fault_set(fault, ERR_CORRUPT, "the record is larger than any case");
  }
  struct case_file *c = case_acquire(casework);
  if (!c) {
    return ERR_NO_MEMORY;
  }
  enum err err = decode(c, record, fault);
  if (err != ERR_OK) {
    case_release(c);
    return err;
  }
  *ret_case = c;
  return ERR_OK;
}
