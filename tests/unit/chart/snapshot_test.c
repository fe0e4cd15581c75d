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

/* Whatever it is that a function rests on besides its text: then it is not the same in each session. */
static void functions_with_a_state_of_their_own_cannot_be_kept(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *head, *inside;
  } cases[] = {
      {"<script>local n = 0 function f() n = n + 1 return n end</script>", ""},
      {"<script>local function g() end function f() g() end</script>", ""},
      {"<datamodel><data id='odd'/></datamodel><script>if odd then function f() return 1 end else function f() return "
       "2 "
       "end end</script>",
       "<onentry><script>odd = true if odd then function f() return 1 end end</script></onentry>"},
      {"<script>function g() end</script>", "<onentry><script>function f() return 3 end</script></onentry>"},
      {"<script>f = string.rep</script>", ""},
      {"<script>function make(x) return function() return x end end f = make(1)</script>", ""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct span body = arena_printf(&b->arena, "%s<state id='s'>%s</state>", cases[i].head, cases[i].inside);
    bench_start(b, arena_cstr(&b->arena, body));
    struct writer w;
    writer_init(&w);
    assert_int_equal(chart_session_save(b->session, &w, &b->fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(b->fault.text, "\"f\""));
    writer_finish(&w);
  }
}

static enum err restore(struct bench *b, struct span bytes) {
  chart_session_destroy(&b->session);
  struct reader r = reader_of(bytes);
  return chart_session_restore(b->worker, b->chart, &r, &b->session, &b->fault);
}

static struct span save_named(struct bench *b) {
  struct writer w;
  writer_init(&w);
  assert_int_equal(chart_session_save_named(b->session, &w, &b->fault), ERR_OK);
  struct span bytes = arena_copy(&b->arena, writer_span(&w));
  writer_finish(&w);
  return bytes;
}

static void a_changed_chart_is_restored_by_names(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='a'><transition event='e' target='b'/></state><state id='b'/>");
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  struct span bytes = save_named(b);
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

static void functions_of_the_script_come_back(void **state) {
  struct bench *b = *state;
  static const char chart[] =
      "<datamodel><data id='n' expr='1'/><data id='held'/></datamodel>"
      "<script>function f(x) n = n + x return n end t = {g = f} function t.h() return f(10) "
      "end</script>"
      "<state id='s'><transition event='e'><script>held = {t.h}; f(1)</script></transition>"
      "<transition event='d'><script>f = nil; r = held[1]() .. type(f)</script></transition></state>";
  bench_start(b, chart);
  struct span first = save(b);
  assert_int_equal(restore(b, first), ERR_OK);
  assert_true(span_equal(first, save(b)));
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  struct span second = save(b);
  assert_int_equal(restore(b, second), ERR_OK);
  assert_true(span_equal(second, save(b)));
  assert_string_equal(bench_variable(b, "n"), "2");
  bench_start(b, chart); /* compiled anew, as another process does */
  assert_int_equal(restore(b, second), ERR_OK);
  assert_true(span_equal(second, save(b)));
}

static void names_do_not_say_which_functions_there_are(void **state) {
  struct bench *b = *state;
  bench_start(b, "<datamodel><data id='n' expr='1'/></datamodel><script>function f(x) n = n + x end</script>"
                 "<state id='s'><transition event='e'><script>f(1)</script></transition></state>");
  struct span named = save_named(b);
  bench_start(b, "<datamodel><data id='n'/></datamodel><script>function f(x) n = n + 2 * x end</script>"
                 "<state id='s'><transition event='e'><script>f(1)</script></transition></state>");
  assert_int_equal(restore(b, named), ERR_OK);
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_string_equal(bench_variable(b, "n"), "3");
}

/* Nothing that is written in Lua runs meanwhile: whatever is compared must count by itself. */
static void looking_for_functions_is_paid_for(void **state) {
  struct bench *b = *state;
  struct writer script;
  writer_init(&script);
  for (int i = 0; i < 900; i++) {
    writer_printf(&script, "function f%03d() return %d end ", i, 1000 + i);
  }
  static const char *const fillings[] = {"nil", "f899", "function() return 1899 end"};
  for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
    struct span body = arena_printf(&b->arena,
                                    "<script>%.*s</script><state id='s'><onentry><script>all = {}; for i = 1, %d do "
                                    "all[i] = %s end</script></onentry></state>",
                                    SPAN_ARG(writer_span(&script)), 30000, fillings[i]);
    bench_start(b, arena_cstr(&b->arena, body));
    struct writer w;
    writer_init(&w);
    assert_int_equal(chart_session_save(b->session, &w, &b->fault), i == 0 ? ERR_OK : ERR_LIMIT);
    writer_finish(&w);
  }
  writer_finish(&script);
}

/* One and the same text of a function may stand in a list many times. */
static void many_functions_of_the_script_are_kept(void **state) {
  struct bench *b = *state;
  bench_start(b,
              "<datamodel><data id='n'/></datamodel><script>function f(x) return x + 1 end function g(x) return x + "
              "2 end</script><state id='s'><onentry><script>list = {}; for i = 1, 5000 do list[i] = i % 2 == 0 and f "
              "or g end</script></onentry><transition event='e'><script>n = list[1](1) * 10 + list[5000](1)</script>"
              "</transition></state>");
  struct span bytes = save(b);
  assert_int_equal(restore(b, bytes), ERR_OK);
  assert_true(span_equal(bytes, save(b)));
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_string_equal(bench_variable(b, "n"), "32");
}

static void a_function_that_names_cannot_say_is_refused(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *head, *inside, *part;
  } cases[] = {
      {"dates = {} function dates.last() return 1 end", "", "\"dates\""},
      {"function f() return 1 end", "list = {{f}}", "\"list\""},
      {"function f() return 1 end", "other = f", "\"other\""},
      {"function f() return 1 end function g() return 2 end", "f, g = 1, f", "\"g\""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    bench_start(b, arena_cstr(&b->arena, arena_printf(&b->arena,
                                                      "<script>%s</script><state id='s'><onentry><script>%s</script>"
                                                      "</onentry></state>",
                                                      cases[i].head, cases[i].inside)));
    struct span numbered = save(b);
    struct writer w;
    writer_init(&w);
    assert_int_equal(chart_session_save_named(b->session, &w, &b->fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(b->fault.text, cases[i].part));
    writer_finish(&w);
    assert_true(span_equal(numbered, save(b)));
  }
}

static void a_function_that_is_gone_stays_away_by_names(void **state) {
  struct bench *b = *state;
  static const char chart[] =
      "<datamodel><data id='n'/></datamodel><script>function f() return 1 end function g() return 2 end "
      "function h() return 3 end</script><state id='s'><onentry><script>f = nil; h = 5</script></onentry>"
      "<transition event='e'><script>n = {type(f), g(), h}</script></transition></state>";
  bench_start(b, chart);
  struct span numbered = save(b);
  struct span named = save_named(b);
  assert_int_equal(restore(b, named), ERR_OK);
  assert_true(span_equal(named, save_named(b)));
  assert_true(span_equal(numbered, save(b)));
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_string_equal(bench_variable(b, "n"), "[\"nil\",2,5]");
}

static void a_changed_chart_refuses_numbers(void **state) {
  struct bench *b = *state;
  static const char *const others[] = {
      "<datamodel><data id='v' expr='1'/></datamodel><state id='b'/><state id='a'/>",
      "<datamodel><data id='w' expr='1'/></datamodel><state id='a'/><state id='b'/>",
      "<datamodel><data id='v' expr='1'/></datamodel><state id='a'><state id='b'/></state>",
      "<datamodel><data id='v' expr='1'/></datamodel><state id='a'><invoke type='x'/></state><state id='b'/>",
  };
  bench_start(b, "<datamodel><data id='v' expr='1'/></datamodel><state id='a'/><state id='b'/>");
  struct span bytes = save(b);
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    assert_int_equal(bench_compile(b, others[i]), ERR_OK);
    assert_int_equal(restore(b, bytes), ERR_CONFLICT);
  }
  /* What is not numbered may change: the text of a guard, a transition, the value that a variable begins with. */
  assert_int_equal(bench_compile(b, "<datamodel><data id='v' expr='2'/></datamodel>"
                                    "<state id='a'><transition event='e' target='b'/></state><state id='b'/>"),
                   ERR_OK);
  assert_int_equal(restore(b, bytes), ERR_OK);
  assert_string_equal(bench_variable(b, "v"), "1");
}

/* Both forms of one session, each read back, give the same session. */
static void names_and_numbers_say_the_same(void **state) {
  struct bench *b = *state;
  bench_start(b, rich);
  assert_int_equal(bench_event(b, "next", NULL), ERR_OK);
  assert_int_equal(bench_event(b, "pause", NULL), ERR_OK);
  struct span numbered = save(b);
  struct span named = save_named(b);
  assert_true(numbered.size < named.size);
  assert_true(span_equal(numbered, save(b)));
  assert_int_equal(restore(b, named), ERR_OK);
  assert_true(span_equal(numbered, save(b)));
  assert_int_equal(restore(b, numbered), ERR_OK);
  assert_true(span_equal(named, save_named(b)));
}

/* Written by version 1, before there were numbers: the state "w2" of a chart with a history and a variable. */
static void a_snapshot_of_version_1_is_read(void **state) {
  struct bench *b = *state;
  static const uint8_t old[] = "KCS\x01\x01\x02s1\x00\x00\x00\x00\x01\x02w2\x01\x01h\x01\x02w1\x00"
                               "\x06\x02\x01n\x02\x0E\x01t\x06\x01\x03\x01i7\x04\x01x\x00\x00\x00\x00\x00";
  assert_int_equal(bench_compile(b, "<datamodel><data id='n'/><data id='t'/></datamodel><state id='w'>"
                                    "<history id='h'><transition target='w1'/></history><state id='w1'/>"
                                    "<state id='w2'><transition event='e' target='r'/></state></state>"
                                    "<state id='r'><transition event='back' target='h'/></state>"),
                   ERR_OK);
  assert_int_equal(restore(b, span_of(old, sizeof(old) - 1)), ERR_OK);
  assert_true(bench_in(b, "w2"));
  assert_string_equal(bench_variable(b, "n"), "7");
  assert_string_equal(bench_variable(b, "t"), "{\"7\":\"x\"}");
  assert_true(span_equal(save_named(b), span_of(old, sizeof(old) - 1)));
}

/* --- variables that nobody asks for --- */

static const char lazy[] =
    "<datamodel><data id='a' expr=\"'2026-01-20'\"/><data id='b' expr='{1, {x = 2}}'/><data id='c' expr='false'/>"
    "<data id='d'/><data id='next' expr=\"{'hides the library'}\"/></datamodel><state id='s'>"
    "<transition event='quiet'/>"
    "<transition event='read'><log expr=\"a .. ' ' .. b[2].x .. ' ' .. tostring(c) .. ' ' .. tostring(d) .. ' ' .. "
    "next[1]\"/></transition>"
    "<transition event='write'><assign location='c' expr='b[1]'/><script>d = a; a = nil</script></transition>"
    "<transition event='deep'><assign location='b[2].x' expr='b[2].x + 1'/></transition>"
    "<transition event='stray'><script>type = 'stray'; other = {b[2]}</script></transition>"
    "<transition event='strays'><log expr=\"type .. other[1].x\"/></transition></state>";

static void untouched_variables_survive_many_snapshots(void **state) {
  struct bench *b = *state;
  bench_start(b, lazy);
  struct span first = save(b);
  for (int i = 0; i < 3; i++) {
    bench_restore(b);
    assert_int_equal(bench_event(b, "quiet", NULL), ERR_OK);
    assert_true(span_equal(first, save(b)));
  }
  (void)bench_diary(b);
  assert_int_equal(bench_event(b, "read", NULL), ERR_OK);
  assert_string_equal(bench_diary(b), "log  2026-01-20 2 false nil hides the library\n");
  assert_true(span_equal(first, save(b)));
}

static void what_is_assigned_before_it_is_read_is_new(void **state) {
  struct bench *b = *state;
  bench_start(b, lazy);
  bench_restore(b);
  assert_int_equal(bench_event(b, "write", NULL), ERR_OK);
  bench_restore(b);
  assert_string_equal(bench_variable(b, "a"), "null");
  assert_string_equal(bench_variable(b, "c"), "1");
  assert_string_equal(bench_variable(b, "d"), "\"2026-01-20\"");
  bench_restore(b);
  assert_int_equal(bench_event(b, "deep", NULL), ERR_OK);
  assert_int_equal(bench_event(b, "deep", NULL), ERR_OK);
  bench_restore(b);
  assert_string_equal(bench_variable(b, "b"), "[1,{\"x\":4}]");
}

static void undeclared_variables_are_kept_too(void **state) {
  struct bench *b = *state;
  bench_start(b, lazy);
  bench_restore(b);
  assert_int_equal(bench_event(b, "stray", NULL), ERR_OK);
  struct span bytes = save(b);
  bench_restore(b);
  assert_true(span_equal(bytes, save(b)));
  bench_restore(b);
  (void)bench_diary(b);
  assert_int_equal(bench_event(b, "strays", NULL), ERR_OK);
  assert_string_equal(bench_diary(b), "log  stray2\n");
}

static void sessions_that_follow_each_other_share_nothing(void **state) {
  struct bench *b = *state;
  bench_start(b, lazy);
  assert_int_equal(bench_event(b, "stray", NULL), ERR_OK);
  assert_int_equal(bench_event(b, "write", NULL), ERR_OK);
  chart_session_destroy(&b->session);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(chart_session_create(b->worker, b->chart, SPAN_LITERAL("s2"), &b->session), ERR_OK);
    assert_int_equal(chart_session_start(b->session, &b->moment, NULL, &b->host, &b->outcome), ERR_OK);
    assert_string_equal(bench_variable(b, "d"), "null");
    assert_string_equal(bench_variable(b, "other"), "null");
    assert_string_equal(bench_variable(b, "a"), "\"2026-01-20\"");
    assert_int_equal(bench_event(b, "write", NULL), ERR_OK);
    chart_session_destroy(&b->session);
  }
}

static void every_kind_of_value_comes_back(void **state) {
  struct bench *b = *state;
  static const char *const values[] = {
      "0",
      "63",
      "64",
      "-1",
      "math.maxinteger",
      "math.mininteger",
      "0.5",
      "-0.0",
      "1.0",
      "1/0",
      "''",
      "('x'):rep(63)",
      "('x'):rep(64)",
      "'2024-02-29'",
      "'2023-02-29'",
      "'1899-12-31'",
      "'2026-1-20'",
      "'\\0\\1\\255'",
      "{}",
      "{{}}",
      "{[0] = 1}",
      "{[2] = 1}",
      "{1, 2, 3, x = 4}",
      "{[1.5] = 1, [2^53] = 2, [1/0] = 3}",
      "{['2026-01-20'] = '2026-01-21', ['2026-01-2'] = 1}",
      "{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17}",
      "{[math.maxinteger] = 1, [2.0^63] = 2}",
  };
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    struct span body = arena_printf(
        &b->arena,
        "<datamodel><data id='v' expr=\"%s\"/><data id='w'/></datamodel><state id='s'><transition event='again'>"
        "<assign location='w' expr='v'/><assign location='v' expr='w'/></transition></state>",
        values[i]);
    bench_start(b, arena_cstr(&b->arena, body));
    const char *before = bench_variable(b, "v");
    struct span named = save_named(b);
    bench_restore(b);
    assert_true(span_equal(named, save_named(b)));
    assert_string_equal(bench_variable(b, "v"), before);
    bench_restore(b);
    assert_int_equal(bench_event(b, "again", NULL), ERR_OK);
    bench_restore(b);
    assert_string_equal(bench_variable(b, "w"), before);
  }
}

static void truth_can_be_a_key(void **state) {
  struct bench *b = *state;
  bench_start(b, "<datamodel><data id='v' expr='{[true] = 1, [false] = 2}'/></datamodel><state id='s'>"
                 "<transition event='e'><log expr='v[true] + 10 * v[false]'/></transition></state>");
  bench_restore(b);
  (void)bench_diary(b);
  assert_int_equal(bench_event(b, "e", NULL), ERR_OK);
  assert_string_equal(bench_diary(b), "log  21\n");
}

static void what_is_deep_is_kept_or_refused_but_never_lost(void **state) {
  struct bench *b = *state;
  for (int depth = 30; depth < 35; depth++) {
    struct span body = arena_printf(&b->arena,
                                    "<datamodel><data id='v' expr='{}'/></datamodel><state id='s'><onentry><script>"
                                    "local t = v; for i = 2, %d do t[1] = {}; t = t[1] end</script></onentry></state>",
                                    depth);
    bench_start(b, arena_cstr(&b->arena, body));
    struct writer w;
    writer_init(&w);
    enum err err = chart_session_save(b->session, &w, &b->fault);
    assert_int_equal(err, depth <= VALUE_DEPTH_MAX ? ERR_OK : ERR_UNSUPPORTED);
    if (err == ERR_OK) {
      assert_int_equal(restore(b, writer_span(&w)), ERR_OK);
      writer_reset(&w);
      err = chart_session_save_named(b->session, &w, &b->fault);
      assert_int_equal(err, depth < VALUE_DEPTH_MAX ? ERR_OK : ERR_UNSUPPORTED);
    }
    if (err == ERR_OK) {
      assert_int_equal(restore(b, writer_span(&w)), ERR_OK);
    }
    writer_finish(&w);
  }
}

/* The value of a variable as it stands in the snapshot of a chart with nothing else. */
static enum err restore_value(struct bench *b, struct span value) {
  struct span whole = save(b);
  struct writer w;
  writer_init(&w);
  writer_raw(&w, span_of(whole.data, whole.size - 2)); /* without "nothing" and the count of strays */
  writer_raw(&w, value);
  writer_u8(&w, 0);
  struct span bytes = arena_copy(&b->arena, writer_span(&w));
  writer_finish(&w);
  return restore(b, bytes);
}

static void only_the_shortest_form_of_a_value_is_read(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *bytes;
    size_t size;
    bool valid;
  } values[] = {
#define BYTES(text) text, sizeof(text) - 1
      {BYTES("\x81"), true},       /* 1 */
      {BYTES("\x03\x02"), false},  /* 1, long */
      {BYTES("\x41x"), true},      /* "x" */
      {BYTES("\x05\x01x"), false}, /* "x", long */
      {BYTES("\x4A"
             "2026-01-20"),
       false},                                /* a date that should be a day */
      {BYTES("\x08\x00"), true},              /* 1970-01-01 */
      {BYTES("\x08\xFF\xFF\xFF\x0F"), false}, /* a day outside the years */
      {BYTES("\xC1\x81"), true},              /* {1} */
      {BYTES("\x06\x01\x81"), false},         /* {1}, long */
      {BYTES("\xC1\x00"), false},             /* nothing in a list */
      {BYTES("\xD0"), false},                 /* an empty map is a list */
      {BYTES("\xD1\x81\x81"), false},         /* a map that is a list */
      {BYTES("\xD1\x82\x81"), true},          /* {[2] = 1} */
      {BYTES("\xD2\x41"
             "b\x81\x41"
             "a\x81"),
       false}, /* keys out of order */
      {BYTES("\xD2\x41"
             "a\x81\x41"
             "a\x81"),
       false},                                                        /* a key twice */
      {BYTES("\xD1\x04\x7F\xF8\x00\x00\x00\x00\x00\x00\x81"), false}, /* NaN as a key */
      {BYTES("\xD1\x04\x40\x00\x00\x00\x00\x00\x00\x00\x81"), false}, /* 2.0 as a key is 2 */
      {BYTES("\xD1\x04\x3F\xE0\x00\x00\x00\x00\x00\x00\x81"), true},  /* 0.5 as a key */
      {BYTES("\x06\xFF\xFF\xFF\xFF\x0F"), false},                     /* more items than bytes */
      {BYTES("\x09"), false},
      {BYTES("\x09\x01"
             "f"),
       false}, /* a function that the chart does not define */
      {BYTES("\xE0"), false},
#undef BYTES
  };
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    bench_start(b, "<datamodel><data id='v'/></datamodel><state id='s'/>");
    enum err err = restore_value(b, span_of(values[i].bytes, values[i].size));
    if ((err == ERR_OK) != values[i].valid) {
      fail_msg("value %zu: %s", i, err_text(err));
    }
  }
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
  changed[3] += 2; /* 3 is of charts with functions */
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
      cmocka_unit_test_setup_teardown(functions_with_a_state_of_their_own_cannot_be_kept, setup, teardown),
      cmocka_unit_test_setup_teardown(functions_of_the_script_come_back, setup, teardown),
      cmocka_unit_test_setup_teardown(looking_for_functions_is_paid_for, setup, teardown),
      cmocka_unit_test_setup_teardown(many_functions_of_the_script_are_kept, setup, teardown),
      cmocka_unit_test_setup_teardown(a_function_that_names_cannot_say_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_function_that_is_gone_stays_away_by_names, setup, teardown),
      cmocka_unit_test_setup_teardown(names_do_not_say_which_functions_there_are, setup, teardown),
      cmocka_unit_test_setup_teardown(a_changed_chart_is_restored_by_names, setup, teardown),
      cmocka_unit_test_setup_teardown(a_changed_chart_refuses_numbers, setup, teardown),
      cmocka_unit_test_setup_teardown(names_and_numbers_say_the_same, setup, teardown),
      cmocka_unit_test_setup_teardown(a_snapshot_of_version_1_is_read, setup, teardown),
      cmocka_unit_test_setup_teardown(untouched_variables_survive_many_snapshots, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_assigned_before_it_is_read_is_new, setup, teardown),
      cmocka_unit_test_setup_teardown(undeclared_variables_are_kept_too, setup, teardown),
      cmocka_unit_test_setup_teardown(sessions_that_follow_each_other_share_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(every_kind_of_value_comes_back, setup, teardown),
      cmocka_unit_test_setup_teardown(truth_can_be_a_key, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_deep_is_kept_or_refused_but_never_lost, setup, teardown),
      cmocka_unit_test_setup_teardown(only_the_shortest_form_of_a_value_is_read, setup, teardown),
      cmocka_unit_test_setup_teardown(cut_and_changed_bytes_never_crash, setup, teardown),
      cmocka_unit_test_setup_teardown(versions_and_magic_are_checked, setup, teardown),
      cmocka_unit_test_setup_teardown(the_end_survives, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
