#!/usr/bin/env python3
"""kurator chart render draws a process so that everything that stands in it can be read, and where a case is.

  render_test.py KURATOR SOURCE_DIR
"""

import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

KURATOR, ROOT = sys.argv.pop(1), sys.argv.pop(1)
os.environ["KURATOR_BIN"] = os.path.dirname(KURATOR)
sys.path.insert(0, os.path.join(ROOT, "tests", "integration", "daemon"))

from engine import Engine, finish  # noqa: E402

CONFIG = os.path.join(ROOT, "config")
PROCESSES = sorted(os.path.basename(os.path.dirname(p)) for p in glob.glob(os.path.join(CONFIG, "processes/*/chart.scxml")))
EXAMPLE = os.path.join(CONFIG, "processes", "release", "examples", "completed.jsonl")
CASE = "86-2026-00001"
K, SC, SVG = "{urn:kurator:case}", "{http://www.w3.org/2005/07/scxml}", "{http://www.w3.org/2000/svg}"
HEAD = ('<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:k="urn:kurator:case" version="1.0" datamodel="lua">%s</scxml>')


def run(*arguments, **more):
    return subprocess.run([KURATOR, "chart", "render", *arguments], capture_output=True, text=True, timeout=120,
                          check=False, cwd=ROOT, **more)


class Picture:
    """What an SVG shows."""

    def __init__(self, text):
        self.root = xml.fromstring(text)
        self.words = "".join("".join(" ".join(t.itertext()) for t in self.root.iter(SVG + "text")).split()).replace("\u2060", "")
        self.groups = [group for group in self.root.iter(SVG + "g") if group.get("id")]

    def shows(self, text):
        return "".join(text.split()) in self.words

    def of_class(self, name):
        return {group.get("id").removeprefix("state-") for group in self.groups
                if name in group.get("class", "").split() and group.get("id").startswith("state-")}

    def edges(self, name):
        return [group for group in self.groups if name in group.get("class", "").split()]


def picture(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return Picture(done.stdout)


def chart_of(process):
    return xml.parse(os.path.join(CONFIG, "processes", process, "chart.scxml")).getroot()


def states_of(root):
    for state in root.iter():
        if state.tag in (SC + "state", SC + "parallel", SC + "final"):
            yield state


def title_of(state):
    tasks = state.findall(K + "task")
    return state.get(K + "title") or (tasks[0].get("title") if len(tasks) == 1 else state.get("id"))


def outcome_states(events, until, case, process):
    """The states that the rehearsal itself reports for a part of a case."""
    with tempfile.TemporaryDirectory() as folder:
        with open(events, encoding="utf-8") as file:
            lines = [line for line in file if '"at"' in line]
        path, out = os.path.join(folder, "e"), os.path.join(folder, "o")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)
        subprocess.run([KURATOR, "rehearse", "--config", CONFIG, "--processes", os.path.join(CONFIG, "processes"),
                        "--events", path, "--until", until, "--out", out], check=True, timeout=120,
                       stderr=subprocess.DEVNULL)
        with open(out, encoding="utf-8") as file:
            for line in map(json.loads, file):
                if line["type"] == "case" and line["case"] == case and line["process"] == process:
                    return set(line["states"])
    return None


class Render(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def chart(self, body):
        path = os.path.join(self.folder.name, "chart.scxml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(HEAD % body)
        return path

    def drawn(self, body):
        return picture("--config", CONFIG, self.chart(body))

    def test_every_state_task_and_deadline_can_be_read(self):
        for process in PROCESSES:
            shown, root = picture(process), chart_of(process)
            self.assertTrue(shown.shows(root.get(K + "title", process)), process)
            for state in states_of(root):
                self.assertTrue(shown.shows(title_of(state)), f"{process}: {state.get('id')}")
            for element in [*root.iter(K + "deadline"), *root.iter(K + "task")]:
                self.assertTrue(shown.shows(element.get("title")), f"{process}: {element.get('title')}")

    def test_every_transition_to_a_state_is_a_line(self):
        for process in PROCESSES:
            root = chart_of(process)
            wanted = {(state.get("id"), target) for state in states_of(root)
                      for transition in state.findall(SC + "transition")
                      for target in (transition.get("target") or "").split()}
            self.assertEqual(len(picture(process).edges("way")), len(wanted), process)

    def test_kinds_of_states_are_told_apart(self):
        shown = self.drawn('<state id="a" initial="c"><history id="h"><transition target="b"/></history><history id="g" '
                           'type="deep"><transition target="b"/></history><state id="b" k:title="Бэ"/>'
                           '<state id="c" k:title="Вэ"><transition event="x" target="h"/></state></state>'
                           '<parallel id="p" k:title="Пэ"><state id="q"/><state id="r"/></parallel><final id="f"/>')
        self.assertTrue(shown.shows("● Вэ"))
        self.assertFalse(shown.shows("● Бэ"))
        self.assertTrue(shown.shows("H*"))
        self.assertTrue(shown.shows("Пэ — все области идут одновременно"))
        groups = {group.get("id"): group for group in shown.groups}
        outlines = [len(groups["state-" + name].findall(".//" + SVG + "path")) for name in ("b", "f")]
        self.assertGreater(outlines[1], outlines[0])
        dashed = [path for path in groups["state-p"].iter(SVG + "path") if path.get("stroke-dasharray")]
        self.assertTrue(dashed)

    def test_signs_in_texts_are_only_signs(self):
        title = "a &lt;B&gt; &amp; &quot;c&quot; \\N \\G [d]] {e} |f| &#38;#60;"
        shown = self.drawn(f'<state id="a" k:title="{title}"><k:task id="t" role="provider" title="{title}"/>'
                           f'<transition event="visit.done" cond="x[1][2]" k:title="{title}" target="b"/></state>'
                           '<state id="b"/>')
        self.assertTrue(shown.shows('a <B> & "c" \\N \\G [d]] {e} |f| &#60;'))
        self.assertEqual(len(shown.edges("way")), 1)

    def test_odd_charts_are_drawn_too(self):
        for body in ('<state id="&quot;];x"/>', '<state/>', '<state id="a"><transition target="a" event="visit.done"/></state>',
                     '<state id="a"><transition event="visit.done" target="b c"/></state>'
                     '<parallel id="p"><state id="b"/><state id="c"/></parallel>',
                     '<state id="a">' * 40 + '</state>' * 40,
                     '<parallel id="p"><parallel id="q"><state id="a"><transition event="visit.done" target="p"/></state>'
                     '<state id="b"/></parallel></parallel>'):
            with self.subTest(body[:60]):
                self.drawn(body)

    def test_a_case_shows_where_it_is_and_how_it_came_there(self):
        for until in ("2025-10-02", "2026-06-20", "2026-08-20", "2027-12-31"):
            for process in ("release", "support"):
                wanted = outcome_states(EXAMPLE, until, CASE, process)
                if wanted is None:
                    continue
                shown = picture(process, "--case", CASE, "--events", EXAMPLE, "--until", until)
                root = chart_of(process)
                leaves = {state.get("id") for state in states_of(root)
                          if not any(child.tag in (SC + "state", SC + "parallel") for child in state)}
                ended = {final.get("id") for final in root.findall(SC + "final")} & wanted
                active = shown.of_class("active") & leaves
                # An ending that lanes lead to stands in those lanes, under no name of its own.
                self.assertEqual(active | ended, wanted, f"{process} {until}")
                self.assertTrue(shown.shows(CASE))

    def test_the_way_is_one_of_lines_between_what_was_visited(self):
        early = picture("release", "--case", CASE, "--events", EXAMPLE, "--until", "2025-10-02")
        late = picture("release", "--case", CASE, "--events", EXAMPLE)
        self.assertEqual(len(early.edges("taken")), 0)
        self.assertGreater(len(late.edges("taken")), 8)
        self.assertLess(len(late.edges("taken")), len(late.edges("way")))
        self.assertIn("awaiting-arrival", late.of_class("visited"))
        self.assertNotIn("act-waiting", late.of_class("active"))

    def test_of_several_referrals_one_has_to_be_named(self):
        events = os.path.join(self.folder.name, "two.jsonl")
        with open(EXAMPLE, encoding="utf-8") as file:
            text = file.read()
        one = re.search(r'"measures":\[(\{.*?\})\]', text).group(1)
        name = json.loads(one)["id"]
        with open(events, "w", encoding="utf-8") as file:
            file.write(text.replace(one, one + "," + one.replace(f'"{name}"', '"zz"')))
        done = run("referral", "--case", CASE, "--events", events)
        self.assertEqual(done.returncode, 2)
        self.assertIn("назовите один", done.stderr)
        self.assertTrue(picture("referral", "--case", CASE + "/zz", "--events", events).of_class("active"))

    def test_wrong_calls_are_told(self):
        self.assertEqual(run("nothing").returncode, 3)
        self.assertEqual(run("release", "--case", "nobody", "--events", EXAMPLE).returncode, 3)
        self.assertEqual(run("release", "--case", CASE, "--events", "/nowhere").returncode, 3)
        for words in ((), ("release", "-o", "x.txt"), ("release", "--events", EXAMPLE),
                      ("release", "--case", CASE, "--events", EXAMPLE, "--until", "x")):
            self.assertEqual(run(*words).returncode, 2, words)
        chart = self.chart('<state id="a"/>')
        self.assertEqual(run("--config", CONFIG, chart, "-o", chart).returncode, 2)

    def test_without_graphviz_it_is_told_what_to_install(self):
        out = os.path.join(self.folder.name, "x.svg")
        done = run("release", "-o", out, env={"PATH": self.folder.name})
        self.assertEqual(done.returncode, 1)
        self.assertIn("graphviz", done.stderr)
        self.assertFalse(os.path.exists(out))

    def test_the_file_s_name_tells_its_form(self):
        for suffix, head in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF"), (".dot", b"digraph")):
            out = os.path.join(self.folder.name, "x" + suffix)
            self.assertEqual(run("issue", "-o", out).returncode, 0)
            with open(out, "rb") as file:
                self.assertTrue(file.read().startswith(head), suffix)


class OfTheDaemon(unittest.TestCase):
    def test_a_case_of_the_daemon_is_drawn_as_its_journal_says(self):
        with open(EXAMPLE, encoding="utf-8") as file:
            notice = json.loads(next(line for line in file if '"at"' in line))
        engine = Engine((notice["as"],)).start("--clock", "virtual", "--start", notice["at"][:10])
        self.addCleanup(engine.close)
        del notice["at"]
        sending = engine.submit([notice])
        engine.advance("2025-10-02T12:00:00+05:00", notice["as"])
        code, _, err = finish(sending)
        self.assertEqual(code, 0, err)
        out = pathlib.Path(engine.folder) / "case.svg"
        done = engine.ask("chart", "render", os.path.join(CONFIG, "processes", "release"), "--case", CASE, "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = Picture(out.read_text(encoding="utf-8"))
        (part,) = [row for row in engine.rows("case", "show", CASE) if row.get("process") == "release"]
        self.assertLessEqual(set(part["states"]), shown.of_class("active"))
        self.assertIn("way", shown.of_class("active"))
        missing = engine.ask("chart", "render", os.path.join(CONFIG, "processes", "release"), "--case", "nobody")
        self.assertEqual(missing.returncode, 3, missing.stderr)


if __name__ == "__main__":
    unittest.main()
