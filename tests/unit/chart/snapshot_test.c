#include "bench.h"

static int setup(void **state) {
  static struct bench bench;
  bench_init(&bench);
  *state = &bench;
  return 0;
}

static int teardown(void **state) {
  bench_finish(*state);
  return 0;
}

/* Has of everything: history, late data, tables, timers, a running child, a service of the host. */
static const char rich[] =
    "<datamodel><data id='t' expr=\"{ list = {1, 2, {x = 'y'}}, [7] = 'seven', [2.5] = true, on = false, big = 1e300 "
    "}\"/>"
    "<data id='n' expr='0'/></datamodel>"
    "<state id='work' initial='w1'><history id='back' type='deep'><transition target='w1'/></history>"
    "<invoke id='sub' type='scxml'><content><scxml version='1.0' datamodel='lua'><datamodel><data id='own' expr='5'/>"
    "</datamodel><state id='c'><onentry><send event='tick' delay='3s'/></onentry><transition event='tick' target='f'>"
    "<send event='grown' target='#_parent' namelist='own'/></transition></state><final "
    "id='f'/></scxml></content></invoke>"
    "<invoke id='h' type='urn:service'/>"
    "<onentry><send event='timer' delay='10s' id='x'><param name='t' expr='t.list'/></send></onentry>"
    "<state id='w1'><transition event='next' target='w2'/></state><state id='w2'/>"
    "<transition event='pause' target='rest'/><transition event='timer' cond='_event.data.t[3].x == \"y\"' "
    "target='late'/>"
    "<transition event='grown'><assign location='n' expr='n + _event.data.own'/></transition></state>"
    "<state id='rest'><transition event='resume' target='back'/></state><state id='late'/>";

static struct span save(struct bench *b) {
  struct writer w;
  writer_init(&w);
  assert_int_equal(chart_session_save(b->session, &w, &b->fault), ERR_OK);
  struct span bytes = arena_copy(&b->arena, writer_span(&w));
  writer_finish(&w);
  return bytes;
}

static void advance(struct bench *b, int64_t ms) {
  b->moment.now += ms;
  assert_int_equal(chart_session_advance(b->session, &b->moment, &b->host, &b->outcome), ERR_OK);
}

static void a_restored_session_gives_the_same_bytes(void **state) {
  struct bench *b = *state;
  bench_start(b, rich);
  assert_int_equal(bench_event(b, "next", NULL), ERR_OK);
  struct span before = save(b);
  bench_restore(b);
  assert_true(span_equal(before, save(b)));
  assert_true(bench_in(b, "w2"));
  assert_int_equal(chart_session_due(b->session), 4000);
}

static void a_restored_session_goes_on(void **state) {
  struct bench *b = *state;
  bench_start(b, rich);
  assert_int_equal(bench_event(b, "next", NULL), ERR_OK);
  bench_restore(b);
  advance(b, 3000);
  assert_string_equal(bench_variable(b, "n"), "5");
  bench_restore(b);
  (void)bench_diary(b);
  assert_int_equal(bench_event(b, "pause", NULL), ERR_OK);
  assert_string_equal(bench_diary(b), "uninvoke h 4294967295\n");
  bench_restore(b);
  assert_int_equal(bench_event(b, "resume", NULL), ERR_OK);
  assert_true(bench_in(b, "w2"));
  bench_restore(b);
  advance(b, 7000);
  assert_true(bench_in(b, "late"));
}

static void keys_of_all_kinds_survive(void **state) {
  struct bench *b = *state;
  bench_start(b, rich);
  bench_restore(b);
  assert_string_equal(bench_variable(b, "t"),
                      "{\"2.5\":true,\"7\":\"seven\",\"big\":1e+300,\"list\":[1,2,{\"x\":\"y\"}],\"on\":false}");
}

static void shared_tables_are_parted(void **state) {
  struct bench *b = *state;
  bench_start(b, "<datamodel><data id='a' expr='{1, {2}}'/><data id='b'/></datamodel><state id='s'><onentry>"
                 "<script>b = { inner = a, again = a }</script></onentry>"
                 "<transition event='e'><script>a[1] = 9; b.inner[2][1] = 8</script></transition></state>");
  (void)save(b);
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_string_equal(bench_variable(b, "a"), "[9,[2]]");
  assert_string_equal(bench_variable(b, "b"), "{\"again\":[1,[2]],\"inner\":[1,[8]]}");
}

static void what_cannot_be_kept_is_named(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *script;
    const char *part;
  } cases[] = {
      {"good = 1; helper = function() end", "\"helper\""},
      {"loop = {}; loop.self = loop", "\"loop\""},
      {"lib = string", "\"lib\""},
      {"odd = {}; odd[{}] = 1", "\"odd\""},
      {"deep = {}; local t = deep; for i = 1, 40 do t.t = {}; t = t.t end", "\"deep\""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct span body =
        arena_printf(&b->arena, "<state id='s'><onentry><script>%s</script></onentry></state>", cases[i].script);
    bench_start(b, arena_cstr(&b->arena, body));
    struct writer w;
    writer_init(&w);
    assert_int_equal(chart_session_save(b->session, &w, &b->fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(b->fault.text, cases[i].part));
    writer_finish(&w);
  }
}

static enum err restore(struct bench *b, struct span bytes) {
  chart_session_destroy(&b->session);
  struct reader r = reader_of(bytes);
  return chart_session_restore(b->worker, b->chart, &r, &b->session, &b->fault);
}

static void a_changed_chart_is_restored_by_names(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'><transition event='e' target='b'/></state><state id='b'/>");
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  struct span bytes = save(b);
  assert_int_equal(bench_compile(b, "<state id='new'/><state id='outer'><state id='b'/></state><state id='a'/>"),
                   ERR_OK);
  assert_int_equal(restore(b, bytes), ERR_OK);
  assert_true(bench_in(b, "b") && bench_in(b, "outer"));
  assert_int_equal(bench_compile(b, "<state id='a'/>"), ERR_OK);
  assert_int_equal(restore(b, bytes), ERR_CONFLICT);
  assert_non_null(strstr(b->fault.text, "\"b\""));
  assert_int_equal(bench_compile(b, "<parallel id='p'><state id='b'/><state id='c'/></parallel>"), ERR_OK);
  assert_int_equal(restore(b, bytes), ERR_CONFLICT);
  assert_int_equal(bench_compile(b, "<state id='b'><state id='c'/></state>"), ERR_OK);
  assert_int_equal(restore(b, bytes), ERR_CONFLICT);
}

static void cut_and_changed_bytes_never_crash(void **state) {
  struct bench *b = *state;
  bench_start(b, rich);
  assert_int_equal(bench_event(b, "next", NULL), ERR_OK);
  assert_int_equal(bench_event(b, "pause", NULL), ERR_OK);
  assert_int_equal(bench_event(b, "resume", NULL), ERR_OK);
  struct span good = save(b);
  for (size_t size = 0; size < good.size; size++) {
    assert_int_not_equal(restore(b, span_of(good.data, size)), ERR_OK);
  }
  uint8_t *bad = arena_alloc(&b->arena, good.size);
  unsigned restored = 0;
  for (size_t i = 0; i < good.size; i++) {
    static const uint8_t masks[] = {0x01, 0x80, 0xFF, 0x10};
    for (size_t k = 0; k < sizeof(masks); k++) {
      memcpy(bad, good.data, good.size);
      bad[i] ^= masks[k];
      if (restore(b, span_of(bad, good.size)) == ERR_OK) {
        restored++; /* a changed text or number; it must still run */
        enum err err = bench_event(b, "next", NULL);
        b->moment.now += 20000;
        if (err == ERR_OK) {
          err = chart_session_advance(b->session, &b->moment, &b->host, &b->outcome);
        }
        assert_true(err == ERR_OK || err == ERR_LIMIT);
      }
    }
  }
  assert_true(restored > 0);
}

static void versions_and_magic_are_checked(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'/>");
  struct span bytes = save(b);
  uint8_t *changed = arena_alloc(&b->arena, bytes.size);
  memcpy(changed, bytes.data, bytes.size);
  changed[3]++;
  assert_int_equal(restore(b, span_of(changed, bytes.size)), ERR_VERSION);
  changed[0]++;
  assert_int_equal(restore(b, span_of(changed, bytes.size)), ERR_CORRUPT);
}

static void the_end_survives(void **state) {
  struct bench *b = *state;
  bench_start(b, "<final id='f'><donedata><param name='ground' expr=\"'done'\"/></donedata></final>");
  assert_true(b->outcome.ended);
  bench_restore(b);
  assert_true(chart_session_ended(b->session));
  assert_true(bench_in(b, "f"));
  struct value donedata = chart_session_donedata(b->session);
  assert_true(span_is(value_get_text(&donedata, "ground"), "done"));
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_false(b->outcome.taken);
  assert_true(b->outcome.ended);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_restored_session_gives_the_same_bytes, setup, teardown),
      cmocka_unit_test_setup_teardown(a_restored_session_goes_on, setup, teardown),
      cmocka_unit_test_setup_teardown(keys_of_all_kinds_survive, setup, teardown),
      cmocka_unit_test_setup_teardown(shared_tables_are_parted, setup, teardown),
      cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(a_changed_chart_is_restored_by_names, setup, teardown),
      cmocka_unit_test_setup_teardown(cut_and_changed_bytes_never_crash, setup, teardown),
      cmocka_unit_test_setup_teardown(versions_and_magic_are_checked, setup, teardown),
      cmocka_unit_test_setup_teardown(the_end_survives, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
