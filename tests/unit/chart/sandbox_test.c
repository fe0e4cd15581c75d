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

/* Runs a script in answer to the event "go"; `result` is the variable that it may set. */
static enum err run_script(struct bench *b, const char *script) {
  struct span body = arena_printf(&b->arena,
                                  "<datamodel><data id='result'/></datamodel><state id='s'><transition event='go'>"
                                  "<script><![CDATA[%s]]></script></transition></state>",
                                  script);
  bench_start(b, arena_cstr(&b->arena, body));
  return bench_event(b, "go", NULL);
}

static void gives(struct bench *b, const char *script, const char *json) {
  assert_int_equal(run_script(b, script), ERR_OK);
  if (b->outcome.errors > 0) {
    fail_msg("%s: %s", script, b->outcome.first_error.text);
  }
  if (strcmp(bench_variable(b, "result"), json) != 0) {
    fail_msg("%s: %s instead of %s", script, bench_variable(b, "result"), json);
  }
}

static void hits_the_limit(struct bench *b, const char *script) {
  enum err err = run_script(b, script);
  if (err != ERR_LIMIT) {
    fail_msg("%s: %s, %s", script, err_text(err), b->outcome.first_error.text);
  }
  assert_int_equal(b->outcome.first_error.err, ERR_LIMIT);
}

static void endless_scripts_hit_the_limit(void **state) {
  static const char *const scripts[] = {
      "while true do end",
      "local function f() return f() end f()",
      "for i = 1, 1e15 do end",
      "repeat until false",
      "::a:: goto a",
      "local t = {} for i = 1, 1000 do t[i] = i end while true do for k in pairs(t) do end end",
      "table.sort({3, 1, 2, 5, 4}, function() while true do end end)",
      ("local t = {} for i = 1, 2000 do t[i] = i end for i = 1, 2000 do table.insert(t, 1, i) end "
       "while true do table.insert(t, 1, 0) end"),
      "local s = ('0'):rep(250000) while true do local n = tonumber(s) end",
      "local s = ('0'):rep(250000) while true do local n = s + 1 end",
      "local t = {} for i = 1, 65536 do t['k' .. i] = 1 end local i = 0 while true do i = i + 1 t['k' .. i] = nil "
      "t[-i] = 1 "
      "end",
      "while true do local s = string.format('%.99f%.99f', 1e300, 1e300) end",
      "local s = ('\\0'):rep(40000) while true do local q = string.format('%q', s) end",
      "local t = {} for i = 1, 10000 do t[i] = 1.5 end while true do local s = table.concat(t) end",
      "local t = {} for i = 1, 10000 do t[-i] = '' end while true do local s = table.concat(t, '', -10000, -1) end",
      "local s = table.concat({}, '', math.mininteger, math.maxinteger)",
      "local next, s = utf8.codes('a' .. ('\\x80'):rep(250000)) while true do next(s, 1) end",
  };
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
    hits_the_limit(*state, scripts[i]);
  }
}

static void what_is_paid_for_by_its_range_works_as_ever(void **state) {
  struct bench *b = *state;
  gives(b,
        "local t = {1, 'b', 3} result = {table.concat(t), table.concat(t, '-', 2), table.concat(t, '-', 2, 3), "
        "table.concat(t, '-', 3, 2), table.concat({[-1] = 'x', [0] = 'y'}, '', -1, 0), "
        "table.concat({}, '', math.maxinteger, math.mininteger)}",
        "[\"1b3\",\"b-3\",\"b-3\",\"\",\"xy\",\"\"]");
  gives(b,
        "result = {} for at, code in utf8.codes('a\\u{44F}\\u{20AC}z') do result[#result + 1] = at; "
        "result[#result + 1] = code end",
        "[1,97,2,1103,4,8364,7,122]");
  gives(b, "local count = 0 for _ in utf8.codes(('\\u{44F}'):rep(30000)) do count = count + 1 end result = count",
        "30000");
}

/* Instructions are not counted for an expression that calls nothing: whatever hides a call must not pass for one. */
static void no_expression_hides_an_endless_call(void **state) {
  struct bench *b = *state;
  static const char *const conditions[] = {
      "spin()",
      "spin ()",
      "(spin)()",
      "spin''",
      "spin ''",
      "spin{}",
      "spin\n{}",
      "spin[[]]",
      "spin [==[]==]",
      "t.spin()",
      "t['spin']''",
      "t [ 'spin' ] {}",
      "t:spin()",
      "- spin''",
      "not spin''",
      "1 + spin''",
      "{spin()}",
      "t[spin'']",
      "'x' .. spin''",
      "true and spin''",
      "(true and spin)''",
      "t.spin --[[ ]] ''",
      "(function() while true do end end)()",
      "#spin''",
      "spin'\\''",
      "(t).spin''",
      "t.t.spin''",
      "1 &lt; spin''",
      "nil == spin''",
  };
  for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
    struct span body = arena_printf(&b->arena,
                                    "<script>function spin() while true do end end t = {spin = spin}; t.t = t</script>"
                                    "<state id='s'><transition event='go' cond=\"%s\"/></state>",
                                    conditions[i]);
    bench_start(b, arena_cstr(&b->arena, body));
    if (bench_event(b, "go", NULL) != ERR_LIMIT) {
      fail_msg("%s went on: %s", conditions[i], b->outcome.first_error.text);
    }
  }
}

static void an_event_kept_in_a_table_stays_as_it_was(void **state) {
  struct bench *b = *state;
  bench_start(
      b, "<datamodel><data id='t' expr='{}'/><data id='u'/></datamodel><state id='s'>"
         "<transition event='keep'><script>t.deep = {_event}; u = _event</script><raise event='other'/></transition>"
         "<transition event='other'><log expr=\"t.deep[1].name .. ' ' .. t.deep[1].data .. ' ' .. u.name\"/>"
         "</transition></state>");
  assert_int_equal(bench_event(b, "keep", "5"), ERR_OK);
  assert_string_equal(bench_diary(b), "log  keep 5 keep\n");
  bench_restore(b);
  assert_int_equal(bench_event(b, "other", NULL), ERR_OK);
  assert_string_equal(bench_diary(b), "log  keep 5 keep\n");
}

static void greedy_scripts_hit_the_limit(void **state) {
  static const char *const scripts[] = {
      "result = ('x'):rep(1e9)",
      "result = (''):rep(1e15) .. ('x'):rep(1e6, ',')",
      "local s = 'x' while true do s = s .. s end",
      "local t = {} for i = 1, 1e9 do t[i] = {i} end",
      "local t = {} while true do t = {t} end",
      "local s = ('x'):rep(200000) local t = {} for i = 1, 1e6 do t[i] = s .. i end",
      "local function f(n) return 1 + f(n + 1) end f(1)",
      "local s = ('x'):rep(250000) while true do local x = s .. '' .. 'y' end",
      "local t = {} for i = 1, 1e5 do t[i] = 'abcdefghijklmnopqrstuvwxyz' end result = table.concat(t)",
  };
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
    hits_the_limit(*state, scripts[i]);
  }
}

/* Each of them makes one instruction walk as much as there is. */
static void the_number_of_arguments_and_results_is_bounded(void **state) {
  struct bench *b = *state;
  static const char *const scripts[] = {
      "local function f(...) return f(1, ...) end f()",
      "local function f(...) local x = select('#', ...) return f(1, 2, 3, 4, 5, 6, ...) end f()",
      "local function r(n) if n == 0 then return end return nil, nil, nil, nil, nil, nil, r(n - 1) end r(900)",
      "local s = ('a'):rep(200000) local function f(...) end f(s:byte(1, 200000))",
  };
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
    assert_int_equal(run_script(b, scripts[i]), ERR_OK);
    assert_int_equal(b->outcome.errors, 1);
    assert_non_null(strstr(b->outcome.first_error.text, "too many arguments or results"));
  }
  gives(b, "local function f(...) return select('#', ...), ... end result = {f(1, 2, 3)}", "[3,1,2,3]");
}

/* What a script may not make at run time it may not bring along either: a restored session could not take it. */
static void a_text_in_a_script_is_bounded_as_any_other(void **state) {
  struct bench *b = *state;
  struct writer script;
  writer_init(&script);
  writer_raw(&script, SPAN_LITERAL("result = #'"));
  for (int i = 0; i < 300000; i++) {
    writer_u8(&script, 'a');
  }
  writer_raw(&script, SPAN_LITERAL("'"));
  writer_u8(&script, '\0');
  assert_int_equal(run_script(b, (const char *)script.data), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
  assert_non_null(strstr(b->outcome.first_error.text, "too long"));
  writer_finish(&script);
}

static void pattern_bombs_hit_the_limit(void **state) {
  hits_the_limit(*state, "result = ('a'):rep(300):find(('.-'):rep(20) .. 'b')");
  hits_the_limit(*state, "result = ('a'):rep(3000):match(('a*'):rep(10) .. 'b')");
  hits_the_limit(*state, "result = ('('):rep(100000):gsub('%b()', '')");
  hits_the_limit(*state, "for i = 1, 1e6 do local x = ('a'):rep(200000):find('b', 1, true) end");
}

static void another_session_goes_on_after_a_limit(void **state) {
  struct bench *b = *state;
  hits_the_limit(b, "result = {} while true do result[#result + 1] = ('y'):rep(100) end");
  gives(b, "result = 1 + 1", "2");
}

static void nothing_outside_can_be_reached(void **state) {
  static const char *const names[] = {
      "os",           "io",       "require",     "debug",           "load",        "loadstring",
      "dofile",       "loadfile", "print",       "collectgarbage",  "pcall",       "xpcall",
      "coroutine",    "package",  "rawset",      "rawget",          "rawequal",    "setmetatable",
      "getmetatable", "_G",       "math.random", "math.randomseed", "string.dump", "table.move",
      "string.pack"};
  struct bench *b = *state;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    gives(b, arena_cstr(&b->arena, arena_printf(&b->arena, "result = %s == nil", names[i])), "true");
  }
}

static void libraries_are_read_only(void **state) {
  struct bench *b = *state;
  static const char *const scripts[] = {"string.len = nil", "math.pi = 3", "table.sort = 1", "utf8.x = 1"};
  for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
    assert_int_equal(run_script(b, scripts[i]), ERR_OK);
    assert_int_equal(b->outcome.errors, 1);
  }
  assert_int_equal(run_script(b, "_ENV = {}"), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
}

static void variables_stay_in_their_session(void **state) {
  struct bench *b = *state;
  bench_start(
      b, "<state id='s'><transition event='set'><script>leak = 5; string2 = 'x'</script></transition>"
         "<transition event='get' cond='leak == nil and string2 == nil' target='clean'/></state><state id='clean'/>");
  struct chart_session *second;
  assert_int_equal(chart_session_create(b->worker, b->chart, SPAN_LITERAL("s2"), &second), ERR_OK);
  assert_int_equal(chart_session_start(second, &b->moment, NULL, &b->host, &b->outcome), ERR_OK);
  assert_int_equal(bench_event(b, "set", NULL), ERR_OK);
  assert_string_equal(bench_variable(b, "leak"), "5");
  struct chart_session *first = b->session;
  b->session = second;
  assert_int_equal(bench_event(b, "get", NULL), ERR_OK);
  assert_true(bench_in(b, "clean"));
  chart_session_destroy(&first);
}

static void nothing_depends_on_addresses(void **state) {
  struct bench *b = *state;
  gives(b, "result = tostring({}) .. tostring(print == nil) .. tostring(pairs)", "\"tabletruefunction\"");
  gives(b, "result = string.format('%s %d %5.1f %q', {}, 3, 2.25, 'x')", "\"table 3   2.2 \\\"x\\\"\"");
  assert_int_equal(run_script(b, "result = string.format('%p', {})"), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
  assert_int_equal(run_script(b, "local t = {} t[{}] = 1 for k in pairs(t) do end"), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
}

static void pairs_and_next_go_in_order(void **state) {
  struct bench *b = *state;
  gives(b,
        "local t, s = {z=1, a=2, [10]=3, [2.5]=4, [1]=5, [true]=6, [false]=7, m=8}, ''\n"
        "for k, v in pairs(t) do s = s .. tostring(k) .. '=' .. v .. ' ' end result = s",
        "\"false=7 true=6 1=5 2.5=4 10=3 a=2 m=8 z=1 \"");
  gives(
      b,
      "local t, s, k = {b=1, a=2, [1]=3}, '', nil repeat local v k, v = next(t, k) s = s .. tostring(k) until k == nil "
      "result = s",
      "\"1abnil\"");
  gives(b, "local t = {a=1, b=2, c=3} for k in pairs(t) do t[k] = nil end result = next(t) == nil", "true");
  gives(b, "local n = 0 for k, v in pairs(_event) do n = n + 1 end result = n", "2");
}

static void sort_is_stable_and_right(void **state) {
  struct bench *b = *state;
  gives(b, "local t = {5, 3, 9, 1, 7, 2, 8, 6, 4} table.sort(t) result = t", "[1,2,3,4,5,6,7,8,9]");
  gives(b,
        "local t = {'b1', 'a1', 'b2', 'a2', 'a3'} table.sort(t, function(x, y) return x:sub(1,1) < y:sub(1,1) end) "
        "result = t",
        "[\"a1\",\"a2\",\"a3\",\"b1\",\"b2\"]");
  gives(b, "local t = {3, 2, 1} table.sort(t, function(x, y) return x > y end) result = t", "[3,2,1]");
}

static void patterns_match_as_the_manual_says(void **state) {
  static const struct {
    const char *script;
    const char *json;
  } cases[] = {
      {"result = {('hello world'):find('o w')}", "[5,7]"},
      {"result = {('hello'):find('l+')}", "[3,4]"},
      {"result = {('hello'):find('xyz') == nil, ('a.b'):find('.', 1, true), ('a.b'):find('%.')}", "[true,2,2,2]"},
      {"result = {('key = value'):match('^(%w+)%s*=%s*(%w+)$')}", "[\"key\",\"value\"]"},
      {"result = {('2026-01-20'):match('(%d+)-(%d+)-(%d+)')}", "[\"2026\",\"01\",\"20\"]"},
      {"result = ('  trim  '):match('^%s*(.-)%s*$')", "\"trim\""},
      {"result = {('abc'):match('()b()')}", "[2,3]"},
      {"result = ('THE (quick) fox'):match('%((%a+)%)')", "\"quick\""},
      {"result = ('f(a(b)c)d'):match('%b()')", "\"(a(b)c)\""},
      {"result = ('THE (quick) fox'):find('%f[%a]%a+%f[%A]')", "1"},
      {"result = ('abab'):match('(ab)%1')", "\"ab\""},
      {"result = ('[x]'):match('[]]')", "\"]\""},
      {"result = ('a-b'):match('[a%-]+')", "\"a-\""},
      {"result = ('colour'):match('colou?r') .. ('color'):match('colou?r')", "\"colourcolor\""},
      {"result = ('x^y'):match('x^y')", "\"x^y\""},
      {"result = ('abc'):match('[^b]+', 2)", "\"c\""},
      {"result = ('a$b'):match('a$b')", "\"a$b\""},
      {"result = {('one two  three'):gsub('%s+', '_')}", "[\"one_two_three\",2]"},
      {"result = {('hello'):gsub('', '-')}", "[\"-h-e-l-l-o-\",6]"},
      {"result = {('abc'):gsub('%w', '%0%0', 2)}", "[\"aabbc\",2]"},
      {"result = {('hello world'):gsub('(%w+) (%w+)', '%2 %1')}", "[\"world hello\",1]"},
      {"result = ('$name is $age'):gsub('%$(%w+)', {name = 'N', age = 7})", "\"N is 7\""},
      {"result = ('4 + 5'):gsub('%d', function(d) return d * 2 end)", "\"8 + 10\""},
      {"result = ('abc'):gsub('b', function() return false end)", "\"abc\""},
      {"result = ('^a^a'):gsub('^%^a', 'x')", "\"x^a\""},
      {"local t = {} for w in ('one two three'):gmatch('%a+') do t[#t + 1] = w end result = t",
       "[\"one\",\"two\",\"three\"]"},
      {"local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[k] = v end result = t",
       "{\"a\":\"1\",\"b\":\"2\"}"},
      {"local n = 0 for _ in ('abc'):gmatch('') do n = n + 1 end result = n", "4"},
      {"local t = {} for p in ('abc'):gmatch('()', 2) do t[#t + 1] = p end result = t", "[2,3,4]"},
      {"result = {('abc'):find('b', -1) == nil, ('abc'):find('b', -2)}", "[true,2,2]"},
      {"result = ('abc'):find('', 10) == nil", "true"},
      {"result = ('a\\0b'):find('%z') == nil and ('a\\0b'):find('\\0')", "2"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    gives(*state, cases[i].script, cases[i].json);
  }
}

static void malformed_patterns_are_errors(void **state) {
  struct bench *b = *state;
  static const char *const patterns[] = {"%",  "[a",  "(a",  "a)",  "%b",   "%f",  "%1",
                                         "[%", "(()", "[^]", "%b(", "%f[a", "(%1)"};
  for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
    struct span script = arena_printf(&b->arena, "result = ('a%%b[(a)]aa'):match('%s')", patterns[i]);
    assert_int_equal(run_script(b, arena_cstr(&b->arena, script)), ERR_OK);
    assert_int_equal(b->outcome.errors, 1);
  }
}

static enum err twice(void *arg, const struct value *arguments, size_t count, struct arena *arena,
                      struct value *ret_value, struct fault *fault) {
  (void)arg;
  (void)arena;
  if (count != 1 || arguments[0].kind != VALUE_INT) {
    return fault_set(fault, ERR_INVALID, "a number is needed");
  }
  *ret_value = value_int(arguments[0].integer * 2);
  return ERR_OK;
}

static void functions_of_the_host_can_be_called(void **state) {
  static const struct chart_function_entry functions[] = {{"twice", twice}, {NULL, NULL}};
  struct bench *b = *state;
  b->options.functions = functions;
  gives(b, "result = twice(21)", "42");
  assert_int_equal(run_script(b, "result = twice('x')"), ERR_OK);
  assert_int_equal(b->outcome.errors, 1);
  assert_non_null(strstr(b->outcome.first_error.text, "a number is needed"));
}

static void errors_tell_the_line_of_the_document(void **state) {
  struct bench *b = *state;
  assert_int_equal(run_script(b, "local a = 1\nlocal b = nil\nresult = a + b"), ERR_OK);
  assert_int_equal(b->outcome.first_error.line, 4);
  assert_non_null(strstr(b->outcome.first_error.text, "arithmetic"));
  assert_null(strstr(b->outcome.first_error.text, "0x"));
}

static void microsteps_and_queues_are_bounded(void **state) {
  struct bench *b = *state;
  bench_start(b, "<state id='s'><transition event='go' target='a'/><transition event='full' target='f'/>"
                 "<transition event='talk' target='t'/></state>"
                 "<state id='a'><transition target='b'/></state><state id='b'><transition target='a'/></state>"
                 "<state id='f'><onentry><foreach array='{1,2,3,4,5,6,7,8,9,10}' item='i'>"
                 "<foreach array='{1,2,3,4,5,6,7,8,9,10}' item='j'><foreach array='{1,2,3,4,5,6,7,8,9,10,11}' item='k'>"
                 "<raise event='x'/></foreach></foreach></foreach></onentry></state>"
                 "<state id='t'><onentry><send event='talk'/></onentry><transition event='talk' target='t'/></state>");
  struct writer w;
  writer_init(&w);
  assert_int_equal(chart_session_save(b->session, &w, &b->fault), ERR_OK);
  static const char *const events[] = {"go", "full", "talk"};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(bench_event(b, events[i], NULL), ERR_LIMIT);
    assert_int_equal(b->outcome.first_error.err, ERR_LIMIT);
    chart_session_destroy(&b->session);
    struct reader r = reader_of(writer_span(&w));
    assert_int_equal(chart_session_restore(b->worker, b->chart, &r, &b->session, &b->fault), ERR_OK);
  }
  writer_finish(&w);
}

static void a_failing_condition_without_event_comes_to_an_end(void **state) {
  struct bench *b = *state;
  assert_int_equal(bench_compile(b, "<state id='s'><transition cond='no.thing' target='t'/></state><state id='t'/>"),
                   ERR_OK);
  assert_int_equal(chart_session_create(b->worker, b->chart, SPAN_LITERAL("s"), &b->session), ERR_OK);
  assert_int_equal(chart_session_start(b->session, &b->moment, NULL, &b->host, &b->outcome), ERR_LIMIT);
}

static void cheap_content_in_long_loops_hits_the_limit(void **state) {
  struct bench *b = *state;
  bench_start(b,
              "<datamodel><data id='l' expr='{}'/></datamodel><state id='s'><transition event='go'>"
              "<script>for i = 1, 2000 do l[i] = i end</script><foreach array='l' item='i'><foreach array='l' item='j'>"
              "<if cond='false'/></foreach></foreach></transition></state>");
  assert_int_equal(bench_event(b, "go", NULL), ERR_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(endless_scripts_hit_the_limit, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_paid_for_by_its_range_works_as_ever, setup, teardown),
      cmocka_unit_test_setup_teardown(no_expression_hides_an_endless_call, setup, teardown),
      cmocka_unit_test_setup_teardown(an_event_kept_in_a_table_stays_as_it_was, setup, teardown),
      cmocka_unit_test_setup_teardown(greedy_scripts_hit_the_limit, setup, teardown),
      cmocka_unit_test_setup_teardown(the_number_of_arguments_and_results_is_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(a_text_in_a_script_is_bounded_as_any_other, setup, teardown),
      cmocka_unit_test_setup_teardown(pattern_bombs_hit_the_limit, setup, teardown),
      cmocka_unit_test_setup_teardown(another_session_goes_on_after_a_limit, setup, teardown),
      cmocka_unit_test_setup_teardown(nothing_outside_can_be_reached, setup, teardown),
      cmocka_unit_test_setup_teardown(libraries_are_read_only, setup, teardown),
      cmocka_unit_test_setup_teardown(variables_stay_in_their_session, setup, teardown),
      cmocka_unit_test_setup_teardown(nothing_depends_on_addresses, setup, teardown),
      cmocka_unit_test_setup_teardown(pairs_and_next_go_in_order, setup, teardown),
      cmocka_unit_test_setup_teardown(sort_is_stable_and_right, setup, teardown),
      cmocka_unit_test_setup_teardown(patterns_match_as_the_manual_says, setup, teardown),
      cmocka_unit_test_setup_teardown(malformed_patterns_are_errors, setup, teardown),
      cmocka_unit_test_setup_teardown(functions_of_the_host_can_be_called, setup, teardown),
      cmocka_unit_test_setup_teardown(errors_tell_the_line_of_the_document, setup, teardown),
      cmocka_unit_test_setup_teardown(a_failing_condition_without_event_comes_to_an_end, setup, teardown),
      cmocka_unit_test_setup_teardown(cheap_content_in_long_loops_hits_the_limit, setup, teardown),
      cmocka_unit_test_setup_teardown(microsteps_and_queues_are_bounded, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
