/*
 * seeds.c — makes the binary seeds: `fuzz_seeds FOLDER` writes FOLDER/TARGET/NAME for every target that does not read
 * text.
 *
 * They come from the code that writes such bytes in earnest, so that after a change of a record they can be made again:
 * ./build/dev/fuzz/fuzz_seeds tests/fuzz/seeds. The seeds of targets that read text are written by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json.h"
#include "charts.h"
#include "fuzz.h"
#include "proto/envelope.h"
#include "proto/json.h"
#include "runtime/records.h"
#include "wire/frame.h"
#include "world.h"

enum { PATH_TEXT = 4096, SALT = 7 };

static const char *root;

/* libFuzzer's names of functions are not used here. */
void fuzz_one(struct span input, struct arena *arena) {
  (void)input;
  (void)arena;
}

static void put(const char *target, const char *name, struct span bytes) {
  char folder[PATH_TEXT];
  (void)snprintf(folder, sizeof folder, "%s/%s", root, target);
  (void)mkdir(folder, 0755);
  fuzz_write(folder, name, bytes);
}

static void put_numbered(const char *target, const char *name, unsigned number, struct span bytes) {
  char text[100];
  (void)snprintf(text, sizeof text, "%s-%u", name, number);
  put(target, text, bytes);
}

/* Behind a byte that chooses. */
static void put_choice(const char *target, const char *name, unsigned number, uint8_t choice, struct span bytes) {
  struct writer w;
  writer_init(&w);
  writer_u8(&w, choice);
  writer_raw(&w, bytes);
  put_numbered(target, name, number, writer_span(&w));
  writer_finish(&w);
}

static struct value json(const char *text, struct arena *arena) {
  struct value v;
  ASSERT(json_read(span_of_cstr(text), arena, &v, NULL) == ERR_OK);
  return v;
}

/* ---- messages ---- */

static const struct {
  const char *event, *data;
} payloads[] = {
    {"release.notice",
     "{\"notice_number\":\"86-1\",\"edition\":1,\"notice_date\":\"2025-10-01\",\"surname\":\"Тестов\","
     "\"release_date\":\"2026-06-15\",\"municipality\":\"surgut\",\"needs\":[\"legal\",\"employment\"],"
     "\"consent\":true}"},
    {"release.confirmed", "{\"released_on\":\"2026-06-15\"}"},
    {"visit.done", "{\"phase\":\"before\",\"visited_on\":\"2026-06-02\"}"},
    {"consultation.held", "{\"held_on\":\"2025-11-05\",\"form\":\"online\"}"},
};

static void put_event(unsigned number, const char *event, struct span payload, struct writer *envelope) {
  static const uint8_t salt[ENVELOPE_SALT] = {SALT, 1, 2, 3};
  const struct event_message message = {.case_id = SPAN_LITERAL("86-2026-00001"),
                                        .event = span_of_cstr(event),
                                        .occurred_at = INT64_C(1768200000000),
                                        .recipient = SPAN_LITERAL("health"),
                                        .acting_for = SPAN_LITERAL("agency-1"),
                                        .expires_at = INT64_C(1768300000000),
                                        .payload = payload};
  struct writer w;
  writer_init(&w);
  ASSERT(event_pack(&message, salt, &w) == ERR_OK);
  put_numbered("event", "event", number, writer_span(&w));
  writer_u8(envelope, (uint8_t)(w.size >> 8));
  writer_u8(envelope, (uint8_t)w.size);
  writer_raw(envelope, writer_span(&w));
  writer_finish(&w);
}

static void put_header(void) {
  struct envelope_draft draft;
  struct signing_pair pair;
  struct writer w;
  uint8_t signature[SIGNING_SIGNATURE];
  ASSERT(signing_start() == ERR_OK);
  signing_create(&pair);
  writer_init(&w);
  envelope_begin(&draft, SPAN_LITERAL("agency-1"), 3, INT64_C(1768200000000));
  ASSERT(envelope_add(&draft, SPAN_LITERAL("one")) == ERR_OK && envelope_add(&draft, SPAN_LITERAL("two")) == ERR_OK);
  envelope_sign(&draft, &pair, &w, signature);
  put("envelope", "header", writer_span(&w));
  writer_finish(&w);
}

static void make_messages(struct arena *arena) {
  struct writer envelope;
  writer_init(&envelope);
  for (unsigned i = 0; i < sizeof payloads / sizeof *payloads; i++) {
    struct writer w;
    struct fault fault = {0};
    struct value data = json(payloads[i].data, arena);
    writer_init(&w);
    if (payload_pack(span_of_cstr(payloads[i].event), &data, &w, &fault) != ERR_OK) {
      (void)fprintf(stderr, "%s: %s\n", payloads[i].event, fault.text);
      abort();
    }
    put_numbered("payload", "payload", i, writer_span(&w));
    put_event(i, payloads[i].event, writer_span(&w), &envelope);
    writer_finish(&w);
  }
  put("envelope_signed", "messages", writer_span(&envelope));
  writer_finish(&envelope);
  put_header();
}

static void make_deliveries(struct arena *arena) {
  static const struct {
    const char *kind, *body;
  } rows[] = {
      {"offer", "{\"case_id\":\"A/part/m1\",\"measure\":\"m1\",\"offer\":1,\"kind\":\"medical\",\"due\":\"2026-02-10\","
                "\"data\":{\"x\":[1,2.5,true]}}"},
      {"task", "{\"case_id\":\"A\",\"task\":\"call\",\"title\":\"Позвонить\",\"events\":[\"visit.done\",\"closed\"]}"},
      {"notice", "{\"case_id\":\"A\",\"template\":\"t\",\"data\":{}}"},
      {"deadline_notice", "{\"case_id\":\"A\",\"deadline\":\"visit\",\"from\":\"2026-01-12\",\"state\":\"missed\"}"},
      {"incident_notice", "{\"case_id\":\"A\",\"reason\":\"refused\",\"sequence\":7}"},
      {"journal_entry", "{\"journal\":5,\"kind\":\"message\",\"occurred_at_ms\":1768200000000,\"data\":{\"a\":null}}"},
      {"offer_withdrawn", "{\"case_id\":\"A\",\"offer\":1}"},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct fault fault = {0};
    struct writer w;
    const struct delivery delivery = {i + 1, INT64_C(1768200000000), span_of_cstr(rows[i].kind),
                                      json(rows[i].body, arena)};
    writer_init(&w);
    if (delivery_pack(&delivery, &w, &fault) != ERR_OK) {
      (void)fprintf(stderr, "%s: %s\n", rows[i].kind, fault.text);
      abort();
    }
    put_numbered("delivery", rows[i].kind, i, writer_span(&w));
    writer_finish(&w);
  }
}

static void put_message(const char *name, const ProtobufCMessage *message) {
  struct writer w;
  writer_init(&w);
  frame_pack(message, &w);
  put("frame", name, writer_span(&w));
  writer_finish(&w);
}

static void make_frames(void) {
  Kurator__V1__Frame frame = KURATOR__V1__FRAME__INIT;
  Kurator__V1__Hello hello = KURATOR__V1__HELLO__INIT;
  Kurator__V1__Receipts receipts = KURATOR__V1__RECEIPTS__INIT;
  Kurator__V1__Receipt receipt[2] = {KURATOR__V1__RECEIPT__INIT, KURATOR__V1__RECEIPT__INIT};
  Kurator__V1__Receipt *receipt_list[2] = {&receipt[0], &receipt[1]};
  Kurator__V1__QueryRequest question = KURATOR__V1__QUERY_REQUEST__INIT;
  Kurator__V1__QueryReply answer = KURATOR__V1__QUERY_REPLY__INIT;
  struct fault fault = {.err = ERR_INVALID, .text = "нет"};
  Kurator__V1__Fault message = frame_fault(&fault);
  char *args[] = {frame_text("A"), frame_text("--all")};
  frame.participant = frame_text("agency-1");
  frame.body_case = KURATOR__V1__FRAME__BODY_HELLO;
  frame.hello = &hello;
  hello.agent = frame_text("link 1");
  hello.has_position = 1;
  hello.position = 300;
  put_message("hello", &frame.base);
  receipt[0].outcome_case = KURATOR__V1__RECEIPT__OUTCOME_ACCEPTED;
  receipt[0].accepted = 5;
  receipt[1].outcome_case = KURATOR__V1__RECEIPT__OUTCOME_REFUSED;
  receipt[1].refused = &message;
  receipts.n_receipts = 2;
  receipts.receipts = receipt_list;
  frame.body_case = KURATOR__V1__FRAME__BODY_RECEIPTS;
  frame.receipts = &receipts;
  put_message("receipts", &frame.base);
  question.verb = frame_text("case.show");
  question.n_args = 2;
  question.args = args;
  put_message("question", &question.base);
  answer.fault = &message;
  put_message("answer", &answer.base);
}

static void make_values(struct arena *arena) {
  static const char *const texts[] = {"null", "[true,false,-1,9223372036854775807,1.5]",
                                      "{\"a\":{\"b\":[[],{},\"текст\"]},\"c\":-0.0}"};
  for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct writer w;
    struct value v = json(texts[i], arena);
    writer_init(&w);
    value_encode(&v, &w);
    put_numbered("value", "value", i, writer_span(&w));
    writer_finish(&w);
  }
}

/* ---- snapshots ---- */

static void make_snapshots(void) {
  static const char *const events[] = {"go", "tick", "out", "go"};
  struct value nothing = value_nil();
  for (unsigned i = 0; i < CHARTS_FIXED; i++) {
    struct chart_worker *worker = charts_worker();
    struct chart *chart = charts_compile(worker, span_of_cstr(charts_fixed[i]));
    struct charts_pair pair;
    bool running = charts_start(&pair, worker, chart);
    for (unsigned k = 0; running && k < 4; k++) {
      struct writer w;
      struct fault fault;
      writer_init(&w);
      ASSERT(chart_session_save(pair.kept, &w, &fault) == ERR_OK);
      put_choice("snapshot", "snapshot", 10 * i + k, (uint8_t)i, writer_span(&w));
      writer_finish(&w);
      running = charts_event(&pair, span_of_cstr(events[k]), &nothing);
    }
    charts_finish(&pair);
    chart_destroy(&chart);
    chart_worker_destroy(&worker);
  }
}

/* ---- the store of a small exchange ---- */

/* Numbers of targets/records.c. */
enum { HEAD, CASE, DEADLINE, INCIDENT, JOURNAL, RECEIPT, CURSOR, PLAIN, GENERATION };
enum { CASE_KEY = 9, DEADLINE_KEY, TIMER_KEY, INCIDENT_KEY, PAIR_KEY, NUMBER_KEY };

struct dumping {
  const char *name;
  uint8_t record, key;
  bool cases;
  unsigned count;
};

static bool dump(void *arg, struct span key, struct span value) {
  struct dumping *d = arg;
  struct record_case record;
  put_choice("records", d->name, d->count, d->record, value);
  if (d->key != 0 && d->count == 0) {
    put_choice("records", "key", d->key, d->key, key);
  }
  if (d->cases && record_case_read(value, &record) == ERR_OK) {
    put_numbered("case_record", "case", d->count, record.body);
  }
  if (d->record == DEADLINE) {
    put_numbered("case_record", "deadline", d->count, span_of(value.data + 1, value.size - 1));
  }
  return ++d->count < 5;
}

static void dump_space(struct store *store, enum store_space space, struct dumping d) {
  struct span all = span_of(NULL, 0);
  d.name = store_space_name(space);
  ASSERT(store_scan(store, space, all, all, dump, &d) == ERR_OK);
}

static void dump_store(struct store *store) {
  dump_space(store, STORE_META, (struct dumping){.record = HEAD});
  dump_space(store, STORE_CASE, (struct dumping){.record = CASE, .key = CASE_KEY, .cases = true});
  dump_space(store, STORE_DEADLINE, (struct dumping){.record = DEADLINE, .key = DEADLINE_KEY});
  dump_space(store, STORE_INCIDENT, (struct dumping){.record = INCIDENT, .key = INCIDENT_KEY});
  dump_space(store, STORE_JOURNAL, (struct dumping){.record = JOURNAL, .key = NUMBER_KEY});
  dump_space(store, STORE_DEDUP, (struct dumping){.record = RECEIPT, .key = PAIR_KEY});
  dump_space(store, STORE_CURSOR, (struct dumping){.record = CURSOR});
  dump_space(store, STORE_TIMER, (struct dumping){.record = GENERATION, .key = TIMER_KEY});
  dump_space(store, STORE_KEY, (struct dumping){.record = PLAIN});
}

static void settle(struct runtime *runtime, struct store *store, civil_moment now) {
  do {
    ASSERT(runtime_tick(runtime, now) == ERR_OK);
    while (store_poll(store)) {
    }
  } while (!runtime_idle(runtime));
}

static void submit(struct runtime *runtime, uint64_t sequence, const char *sender, const char *event,
                   struct value data) {
  const struct runtime_message message = {.sender = span_of_cstr(sender),
                                          .sequence = sequence,
                                          .event = span_of_cstr(event),
                                          .case_id = SPAN_LITERAL("A"),
                                          .data = data,
                                          .occurred_at = INT64_C(1768200000000)};
  ASSERT(runtime_submit(runtime, &message) == ERR_OK);
}

static void make_records(struct arena *arena) {
  static const uint8_t key[RUNTIME_KEY_SIZE] = {7};
  struct store *store = NULL;
  struct runtime *runtime = NULL;
  struct casework *casework = NULL;
  struct fault fault = {0};
  const struct casework_ports ports = {.arg = &runtime, .load = runtime_load};
  ASSERT(store_open_memory(&store) == ERR_OK);
  ASSERT(config_casework(world_config(), &ports, &casework, &fault) == ERR_OK);
  const struct runtime_options options = {
      .casework = casework, .store = store, .limits = runtime_limits_default(), .master_key = key};
  ASSERT(runtime_create(&options, &runtime, &fault) == ERR_OK);
  submit(runtime, 1, "agency-1", "begin",
         json("{\"edition\":1,\"day\":\"2026-01-12\",\"place\":\"north\",\"name\":\"Тестов\"}", arena));
  submit(runtime, 1, "helper-north", "visit.done", json("{\"day\":\"2026-01-12\"}", arena));
  submit(runtime, 2, "helper-north", "plan",
         json("{\"rows\":[{\"id\":\"m1\",\"kind\":\"medical\",\"due\":\"2026-02-10\"},"
              "{\"id\":\"m2\",\"kind\":\"other\",\"due\":\"2026-01-15\"}]}",
              arena));
  submit(runtime, 1, "helper-south", "visit.done", json("{}", arena));
  settle(runtime, store, INT64_C(1768200001000));
  settle(runtime, store, INT64_C(1769200001000));
  dump_store(store);
  runtime_destroy(&runtime);
  casework_destroy(&casework);
  store_close(&store);
}

int main(int argc, char **argv) {
  struct arena arena;
  ASSERT(argc == 2);
  root = argv[1];
  arena_init(&arena, 0);
  make_messages(&arena);
  make_deliveries(&arena);
  make_frames();
  make_values(&arena);
  make_snapshots();
  make_records(&arena);
  arena_finish(&arena);
  return 0;
}
