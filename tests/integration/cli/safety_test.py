#!/usr/bin/env python3
"""A script that does not end, or takes all memory, stops its own step and no other.

  safety_test.py KURATOR SOURCE_DIR

Each mistake stands in a process that several cases run; one of them comes to it. Of its step nothing is kept but an
incident, which tells the operator why; the others go on to their end, in bounded time and memory.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

KURATOR, ROOT = sys.argv.pop(1), sys.argv.pop(1)
CONFIG = os.path.join(ROOT, "config")
BAD, GOOD = "86-2026-90001", ("86-2026-90000", "86-2026-90002")
SECONDS_MAX = 60  # for a run that takes a tenth of a second; the machine may be slow

# "armed()" and "bomb()" are written out: a function is nothing that a case can keep.
CHART = """<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:k="urn:kurator:case" version="1.0" datamodel="lua">
  <datamodel>
    <data id="start"/>
    <data id="result" expr="false"/>
    %(data)s
  </datamodel>
  <state id="open" k:stage="information">
    %(inside)s
    <transition event="visit.done" target="end"/>
    <transition event="deadline reminder"/>
  </state>
  %(states)s
  <final id="end" k:stage="ending"/>
</scxml>
"""

# Lua has no end to it, or takes all memory, or is more than a case can keep.
BOMBS = {
    "endless loop": "while true do end",
    "endless recursion": "local function f() return 1 + f() end return f()",
    "endless tail call": "local function f() return f() end return f()",
    "long text": "return ('x'):rep(1e9)",
    "long text with separator": "return ('x'):rep(1e8, 'yy')",
    "doubling": "local s = 'x' while true do s = s .. s end",
    "table without end": "local t = {} while true do t[#t + 1] = {} end",
    "concat": "local t = {} for i = 1, 1e7 do t[i] = 'abcdefgh' end return table.concat(t)",
    "garbage": "local s = ('x'):rep(2e5) while true do local t = s .. 'y' end",
    "pattern": "return ('a'):rep(3000):match(('a*'):rep(12) .. 'b')",
    "balanced pattern": "return ('('):rep(1e5):gsub('%b()', '')",
    "gsub that grows": "local s = ('x'):rep(1e5) for i = 1, 1e6 do s = s:gsub('x', 'xx') end",
    "gmatch": "while true do for w in ('a b'):rep(1e4):gmatch('%a') do end end",
    "sort": "table.sort({3, 1, 2}, function() while true do end end)",
    "sort without order": "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t, function() return true end) end",
    "pairs": "local t = {} for i = 1, 1e4 do t[i] = i end while true do for k in pairs(t) do end end",
    "unpack": "local t = {} for i = 1, 1e6 do t[i] = i end while true do local a = {table.unpack(t)} end",
    "format": "while true do local s = string.format('%s%s%s', ('x'):rep(1e5), ('y'):rep(1e5), 'z') end",
    "dates": "while true do due('2026-01-12', '999wd') end",
    "long term": "while true do working_days('2021-01-01', '2027-12-31') end",
}
# These are only too much for what a case may keep.
KEPT = {
    "function": "result = function() end",
    "cycle": "result = {} result.self = result",
    "deep table": "local t = {} for i = 1, 20000 do t = {t} end result = t",
    "large table": "result = {} for i = 1, 20000 do result[i] = ('x'):rep(100) end",
}
# Where a script can stand.
PLACES = {
    "script": {"inside": "<transition event='act.signed'><script>if armed() then bomb() end</script></transition>"},
    "condition": {"inside": "<transition event='act.signed' cond='armed() and bomb()'/><transition event='act.signed'/>"},
    "condition without event": {"inside": "<transition event='act.signed'><assign location='result' expr='true'/></transition>"
                                          "<transition cond='result == true and armed() and bomb()' target='end'/>"},
    "assign": {"inside": "<transition event='act.signed'><assign location='result' expr='armed() and bomb()'/></transition>"},
    "log": {"inside": "<transition event='act.signed'><log expr='armed() and bomb()'/></transition>"},
    "foreach": {"inside": "<transition event='act.signed'><foreach array='armed() and bomb() or {}' item='result'>"
                          "<log expr='1'/></foreach></transition>"},
    "send": {"inside": "<transition event='act.signed'><send event='x' delayexpr='armed() and bomb() or \"1s\"'/>"
                       "</transition><transition event='x'/>"},
    "param of a send": {"inside": "<transition event='act.signed'><send event='x'><param name='a' expr='armed() and bomb()'/>"
                                  "</send></transition><transition event='x'/>"},
    "status": {"inside": "<transition event='act.signed'><k:status value='armed() and bomb() or \"x\"'/></transition>"},
    "onexit": {"inside": "<transition event='act.signed' target='other'/><onexit><script>if armed() then bomb() end</script></onexit>",
               "states": "<state id='other' k:stage='information'><transition event='visit.done' target='end'/></state>"},
    "anchor of a deadline": {"inside": "<k:deadline id='d' from='armed() and result and bomb() or nil' due='5wd'/>"
                                       "<transition event='act.signed'><assign location='result' expr='true'/></transition>"},
    "met-if": {"inside": "<k:deadline id='d' from='_x.today' due='500d' met-by='act.signed' met-if='armed() and bomb()'/>"
                         "<transition event='act.signed'/>"},
    "param of a task": {"inside": "<transition event='act.signed' target='other'/>",
                        "states": "<state id='other' k:stage='information'><k:task id='t' role='provider'><k:param name='a' "
                                  "expr='armed() and bomb()'/></k:task><transition event='visit.done' target='end'/></state>"},
    "donedata": {"inside": "<transition event='act.signed' cond='armed()' target='over'/><transition event='act.signed'/>",
                 "states": "<final id='over' k:stage='ending'><donedata><param name='a' expr='bomb()'/></donedata></final>"},
}
# Charts that go round by themselves.
CIRCLES = {
    "eventless": {"inside": "<transition event='act.signed' cond='armed()' target='a'/><transition event='act.signed'/>",
                  "states": "<state id='a' k:stage='information'><transition target='b'/></state>"
                            "<state id='b' k:stage='information'><transition target='a'/></state>"},
    "raised": {"inside": "<transition event='act.signed' cond='armed()'><raise event='x'/></transition>"
                         "<transition event='act.signed'/><transition event='x'><raise event='x'/></transition>"},
    "sent": {"inside": "<transition event='act.signed' cond='armed()'><send event='x'/></transition>"
                       "<transition event='act.signed'/><transition event='x'><send event='x'/></transition>"},
    "many raised": {"inside": "<transition event='act.signed' cond='armed()'><script>result = {} for i = 1, 5000 do result[i] = i "
                              "end</script><foreach array='result' item='start'><raise event='x'/></foreach></transition>"
                              "<transition event='act.signed'/><transition event='x'/>"},
}


class Safety(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.config = os.path.join(cls.folder.name, "config")
        shutil.copytree(CONFIG, cls.config, ignore=shutil.ignore_patterns("examples", "schema"))

    def outcome(self, **parts):
        words = {"data": "", "bomb": "", "inside": "", "states": "", **parts}
        chart = CHART % words
        chart = chart.replace("armed()", f"(_x.case == &quot;{BAD}&quot;)")
        chart = chart.replace("bomb()", "(function() %s end)()" % words["bomb"].replace("'", "&quot;").replace("<", "&lt;"))
        with open(os.path.join(self.config, "processes", "intake", "chart.scxml"), "w", encoding="utf-8") as file:
            file.write(chart)
        events = os.path.join(self.folder.name, "events.jsonl")
        with open(events, "w", encoding="utf-8") as file:
            for day, event, data in (("12", "appeal.received", {"received_on": "2026-01-12", "municipality": "surgut"}),
                                     ("13", "act.signed", {"signed_on": "2026-01-13"}),
                                     ("14", "visit.done", {"phase": "after", "visited_on": "2026-01-14"})):
                for case in (GOOD[0], BAD, GOOD[1]):
                    file.write(json.dumps({"at": f"2026-01-{day}T10:00:00+05:00", "as": "provider-surgut", "event": event,
                                           "case": case, "data": data}) + "\n")
        out = os.path.join(self.folder.name, "out.jsonl")
        done = subprocess.run([KURATOR, "rehearse", "--config", self.config, "--processes",
                               os.path.join(self.config, "processes"), "--events", events, "--until", "2026-02-01", "--out",
                               out], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(out, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def assert_only_the_bad_step_stops(self, lines):
        cases = {line["case"]: line for line in lines if line["type"] == "case"}
        incidents = [line for line in lines if line["type"] == "incident"]
        for case in GOOD:
            self.assertEqual(cases[case]["states"], ["end"], lines)
        self.assertIn(BAD, cases)
        self.assertEqual({(line["case"], line["reason"]) for line in incidents}, {(BAD, "step-failed")}, incidents)
        self.assertEqual(incidents[0]["at"][:10], "2026-01-13")
        self.assertTrue(incidents[0]["detail"])

    def test_each_mistake_of_a_script_becomes_an_incident(self):
        for name, bomb in BOMBS.items():
            with self.subTest(name):
                self.assert_only_the_bad_step_stops(self.outcome(bomb=bomb, **PLACES["script"]))

    def test_in_each_place_where_a_script_can_stand(self):
        for name, place in PLACES.items():
            with self.subTest(name):
                self.assert_only_the_bad_step_stops(self.outcome(bomb=BOMBS["endless loop"], **place))

    def test_what_a_case_cannot_keep_becomes_an_incident(self):
        for name, bomb in KEPT.items():
            with self.subTest(name):
                inside = f"<transition event='act.signed'><script>if armed() then {bomb} end</script></transition>"
                self.assert_only_the_bad_step_stops(self.outcome(inside=inside.replace("<=", "&lt;=")))

    def test_a_chart_that_goes_round_by_itself_becomes_an_incident(self):
        for name, parts in CIRCLES.items():
            with self.subTest(name):
                self.assert_only_the_bad_step_stops(self.outcome(**parts))

    def test_an_expression_of_the_data_model_stops_only_its_own_case(self):
        bomb = "<data id='x' expr=\"_x.case == '%s' and (function() while true do end end)() or 1\"/>" % BAD
        lines = self.outcome(data=bomb, inside="<transition event='act.signed'/>")
        self.assertEqual({line["case"] for line in lines if line["type"] == "case" and line["states"] == ["end"]}, set(GOOD))
        self.assertEqual({line["case"] for line in lines if line["type"] == "incident"}, {BAD})


class Binary(unittest.TestCase):
    def test_a_compiled_chunk_is_no_script(self):
        """Lua checks nothing in the bytes of a compiled chunk: whoever may load one may do anything."""
        with tempfile.TemporaryDirectory() as folder:
            chart = os.path.join(folder, "chart.scxml")
            with open(os.path.join(folder, "x.lua"), "wb") as file:
                file.write(b"\x1bLuaT\x00\x19\x93\r\n\x1a\n\x04\x08\x08xV\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00(w@" + bytes(64))
            with open(chart, "w", encoding="utf-8") as file:
                file.write('<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="lua"><state id="a"><onentry>'
                           '<script src="x.lua"/><raise event="ran"/></onentry><transition event="ran" target="fail"/>'
                           '<transition event="error.execution" target="pass"/></state><final id="pass"/><final id="fail"/></scxml>')
            done = subprocess.run([KURATOR, "chart", "test", chart], capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
