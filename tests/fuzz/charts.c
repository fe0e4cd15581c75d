#include "charts.h"

#include "base/json.h"
#include "fuzz.h"

/* ---- compiling ---- */

static const struct chart_attribute deadline_attributes[] = {{"id", CHART_ATTRIBUTE_TEXT, true},
                                                             {"from", CHART_ATTRIBUTE_LATER, true},
                                                             {"due", CHART_ATTRIBUTE_TEXT, false},
                                                             {"key", CHART_ATTRIBUTE_EXPR, false},
                                                             {NULL, CHART_ATTRIBUTE_TEXT, false}};
static const struct chart_attribute status_attributes[] = {{"value", CHART_ATTRIBUTE_EXPR, true},
                                                           {NULL, CHART_ATTRIBUTE_TEXT, false}};
static const struct chart_element elements[] = {{"deadline", CHART_PLACE_STATE, deadline_attributes},
                                                {"status", CHART_PLACE_CONTENT, status_attributes},
                                                {NULL, CHART_PLACE_STATE, NULL}};
const struct chart_vocabulary charts_vocabulary = {"urn:kurator:case", "urn:kurator:", elements};

static enum err twice(void *arg, const struct value *arguments, size_t count, struct arena *arena,
                      struct value *ret_value, struct fault *fault) {
  (void)arg;
  if (count != 1) {
    return fault_set(fault, ERR_INVALID, "twice(x)");
  }
  struct value *items = ARENA_ARRAY(arena, struct value, 2);
  items[0] = arguments[0];
  items[1] = arguments[0];
  *ret_value = value_list(items, 2);
  return value_depth_fits(ret_value) ? ERR_OK : fault_set(fault, ERR_LIMIT, "too deep");
}

struct chart_worker *charts_worker(void) {
  static const struct chart_function_entry functions[] = {{"twice", twice}, {NULL, NULL}};
  struct chart_worker *worker = NULL;
  struct chart_worker_options options = {.limits = chart_limits_default(), .functions = functions};
  options.limits.instructions_max = 50000;
  options.limits.script_memory_max = 4 << 20;
  options.limits.microsteps_max = 200;
  options.limits.queue_max = 100;
  ASSERT(chart_worker_create(&options, &worker) == ERR_OK);
  return worker;
}

struct chart *charts_compile(struct chart_worker *worker, struct span document) {
  const struct chart_source source = {.document = document, .name = "fuzz", .vocabulary = &charts_vocabulary};
  struct chart *chart = NULL;
  struct fault fault = {0};
  enum err err = chart_compile(worker, &source, &chart, &fault);
  if (err != ERR_OK) {
    fuzz_refused(err, &fault);
    ASSERT(!chart);
  }
  return chart;
}

/* ---- the host ---- */

static enum err say(struct writer *w, const char *what, struct span text, const struct value *data) {
  writer_printf(w, "%s ", what);
  writer_blob(w, text);
  value_encode(data, w);
  return ERR_OK;
}

static enum err host_invoke(void *arg, const struct chart_invocation *invocation, struct fault *fault) {
  (void)fault;
  return say(arg, "invoke", invocation->invokeid, &invocation->params);
}

static void host_uninvoke(void *arg, struct span invokeid, uint32_t element) {
  (void)element;
  struct value nothing = value_nil();
  (void)say(arg, "uninvoke", invokeid, &nothing);
}

static enum err host_send(void *arg, const struct chart_send *send, struct fault *fault) {
  (void)fault;
  return say(arg, "send", send->event, &send->data);
}

static void host_log(void *arg, struct span label, struct span text) {
  const struct value said = value_text(text);
  (void)say(arg, "log", label, &said);
}

static enum err silent_invoke(void *arg, const struct chart_invocation *invocation, struct fault *fault) {
  (void)arg;
  (void)invocation;
  (void)fault;
  return ERR_OK;
}

static void silent_uninvoke(void *arg, struct span invokeid, uint32_t element) {
  (void)arg;
  (void)invokeid;
  (void)element;
}

static enum err silent_send(void *arg, const struct chart_send *send, struct fault *fault) {
  (void)arg;
  (void)send;
  (void)fault;
  return ERR_OK;
}

const struct chart_host charts_silent = {.invoke = silent_invoke, .uninvoke = silent_uninvoke, .send = silent_send};

/* ---- two sessions ---- */

enum { KEPT, RESTORED };

static struct chart_host host_of(struct writer *diary) {
  return (struct chart_host){
      .arg = diary, .invoke = host_invoke, .uninvoke = host_uninvoke, .send = host_send, .log = host_log};
}

/* Puts a session made of the bytes of the other one in the place of `restored`. False when they cannot be saved. */
static bool exchange_bytes(struct charts_pair *p) {
  struct writer kept;
  struct writer restored;
  struct fault fault = {0};
  writer_init(&kept);
  writer_init(&restored);
  enum err err = chart_session_save(p->kept, &kept, &fault);
  struct fault fault_restored = {0};
  ASSERT(chart_session_save(p->restored, &restored, &fault_restored) == err);
  if (err == ERR_OK) {
    ASSERT(span_equal(writer_span(&kept), writer_span(&restored)));
    chart_session_destroy(&p->restored);
    struct reader r = reader_of(writer_span(&kept));
    ASSERT(chart_session_restore(p->worker, p->chart, &r, &p->restored, &fault) == ERR_OK);
    ASSERT(reader_end(&r) == ERR_OK);
  } else {
    fuzz_refused(err, &fault);
  }
  writer_finish(&kept);
  writer_finish(&restored);
  return err == ERR_OK;
}

static bool equal_outcomes(struct charts_pair *p, const enum err err[2], const struct chart_outcome outcome[2]) {
  ASSERT(err[KEPT] == err[RESTORED]);
  if (err[KEPT] != ERR_OK) {
    return false;
  }
  ASSERT(outcome[KEPT].taken == outcome[RESTORED].taken && outcome[KEPT].errors == outcome[RESTORED].errors &&
         outcome[KEPT].ended == outcome[RESTORED].ended);
  ASSERT(span_equal(writer_span(&p->diary[KEPT]), writer_span(&p->diary[RESTORED])));
  return exchange_bytes(p) && !outcome[KEPT].ended;
}

bool charts_start(struct charts_pair *p, struct chart_worker *worker, const struct chart *chart) {
  *p = (struct charts_pair){.worker = worker, .chart = chart, .moment = {.now = 1000, .platform = value_nil()}};
  struct chart_session **const sessions[2] = {&p->kept, &p->restored};
  struct chart_outcome outcome[2];
  enum err err[2];
  for (int i = 0; i < 2; i++) {
    writer_init(&p->diary[i]);
    struct chart_host host = host_of(&p->diary[i]);
    ASSERT(chart_session_create(worker, chart, SPAN_LITERAL("fuzz"), sessions[i]) == ERR_OK);
    err[i] = chart_session_start(*sessions[i], &p->moment, NULL, &host, &outcome[i]);
  }
  return equal_outcomes(p, err, outcome);
}

bool charts_event(struct charts_pair *p, struct span name, const struct value *data) {
  struct chart_session *const sessions[2] = {p->kept, p->restored};
  struct chart_event event = {.name = name, .data = *data};
  struct chart_outcome outcome[2];
  enum err err[2];
  p->moment.now++;
  for (int i = 0; i < 2; i++) {
    struct chart_host host = host_of(&p->diary[i]);
    err[i] = chart_session_event(sessions[i], &p->moment, &event, &host, &outcome[i]);
  }
  return equal_outcomes(p, err, outcome);
}

bool charts_advance(struct charts_pair *p) {
  struct chart_session *const sessions[2] = {p->kept, p->restored};
  struct chart_outcome outcome[2];
  enum err err[2];
  civil_moment due = chart_session_due(p->kept);
  ASSERT(due == chart_session_due(p->restored));
  if (due == CIVIL_MOMENT_NONE) {
    return true;
  }
  p->moment.now = due > p->moment.now ? due : p->moment.now;
  for (int i = 0; i < 2; i++) {
    struct chart_host host = host_of(&p->diary[i]);
    err[i] = chart_session_advance(sessions[i], &p->moment, &host, &outcome[i]);
  }
  return equal_outcomes(p, err, outcome);
}

void charts_finish(struct charts_pair *p) {
  chart_session_destroy(&p->kept);
  chart_session_destroy(&p->restored);
  writer_finish(&p->diary[KEPT]);
  writer_finish(&p->diary[RESTORED]);
}

/* ---- fixed charts ---- */

#define SCXML(body)                                                                                                    \
  "<scxml xmlns='http://www.w3.org/2005/07/scxml' xmlns:k='urn:kurator:case' version='1.0' datamodel='lua'>" body      \
  "</scxml>"

const char *const charts_fixed[CHARTS_FIXED] = {
    /* Plain states and data. */
    SCXML("<datamodel><data id='n' expr='1'/><data id='t' expr=\"{a = {1, 2.5, 'x'}, b = false}\"/></datamodel>"
          "<state id='a'><transition event='go' target='b'><assign location='n' expr='n + 1'/></transition></state>"
          "<state id='b'><onentry><send event='tick' delay='5s' id='later'/></onentry>"
          "<transition event='tick' target='end'/><transition event='go' target='a'/></state><final id='end'/>"),
    /* Regions, both kinds of history, late and early data. */
    SCXML("<datamodel><data id='seen' expr='{}'/></datamodel>"
          "<parallel id='p'><history id='hp' type='deep'><transition target='a1 b1'/></history>"
          "<state id='a'><history id='ha'><transition target='a1'/></history>"
          "<state id='a1'><transition event='go' target='a2'/></state>"
          "<state id='a2'><transition event='go' target='a1'/></state></state>"
          "<state id='b'><state id='b1'><transition event='tick' target='b2'/></state>"
          "<state id='b2'><datamodel><data id='inner' expr='7'/></datamodel></state></state>"
          "<transition event='out' target='rest'/></parallel>"
          "<state id='rest'><transition event='go' target='hp'/><transition event='tick' target='ha'/></state>"),
    /* Invocations: of the host, of a chart inside, of one whose text is computed. */
    SCXML("<datamodel><data id='doc' expr=\"'&lt;scxml xmlns=&quot;http://www.w3.org/2005/07/scxml&quot; "
          "version=&quot;1.0&quot;>&lt;state id=&quot;s&quot;/>&lt;/scxml>'\"/></datamodel>"
          "<state id='work'><k:deadline id='d' from='1'/><invoke id='sub' type='scxml' autoforward='true'>"
          "<content><scxml version='1.0' datamodel='lua'><datamodel><data id='own' expr='5'/></datamodel>"
          "<state id='c'><onentry><send event='tick' delay='3s'/></onentry><transition event='tick' target='f'>"
          "<send event='grown' target='#_parent' namelist='own'/></transition></state><final id='f'/></scxml>"
          "</content><finalize><log expr='_event.name'/></finalize></invoke>"
          "<invoke id='text' type='scxml'><content expr='doc'/></invoke>"
          "<transition event='go' target='over'/></state><final id='over'><donedata><param name='x' expr='1'/>"
          "</donedata></final>"),
};
