#!/usr/bin/env python3
"""kurator chart desugar writes a chart in plain SCXML that is the same chart.

  desugar_test.py KURATOR SOURCE_DIR [examples]

With "examples": every example of every process ends as it says, on the plain charts.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

KURATOR, ROOT = sys.argv.pop(1), sys.argv.pop(1)
CONFIG = os.path.join(ROOT, "config")
CHARTS = sorted(glob.glob(os.path.join(CONFIG, "processes", "*", "chart.scxml")))
SCXML, KURATOR_CASE = "{http://www.w3.org/2005/07/scxml}", "{urn:kurator:case}"
HEAD = ('<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:k="urn:kurator:case" version="1.0" datamodel="lua">'
        '<state id="a">%s</state></scxml>')


def kurator(*arguments):
    return subprocess.run([KURATOR, *arguments], capture_output=True, text=True, timeout=120, check=False)


def desugar(path):
    done = kurator("chart", "desugar", path)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Desugar(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, text, name="chart.scxml"):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def written(self, inside):
        return desugar(self.write(HEAD % inside))

    def test_nothing_is_left_of_the_extension_but_attributes(self):
        for chart in CHARTS:
            plain = desugar(chart)
            elements = [element.tag for element in xml.fromstring(plain).iter()]
            self.assertEqual([tag for tag in elements if not tag.startswith(SCXML)], [], chart)
            with open(chart, encoding="utf-8") as file:
                source = file.read()
            before = [element.tag for element in xml.fromstring(source).iter()]
            self.assertGreater(sum(tag.startswith(KURATOR_CASE) for tag in before), 0, chart)
            # What is not of the extension stays, comments and all.
            self.assertEqual(re.findall(r"<!--.*?-->", source, re.S), re.findall(r"<!--.*?-->", plain, re.S))
            for tag in ("state", "parallel", "final", "transition", "script", "assign"):
                self.assertEqual(before.count(SCXML + tag), elements.count(SCXML + tag), tag)

    def test_it_is_valid_and_without_findings(self):
        config = shutil.copytree(CONFIG, os.path.join(self.folder.name, "config"))
        for chart in glob.glob(os.path.join(config, "processes", "*", "chart.scxml")):
            text = desugar(chart)
            with open(chart, "w", encoding="utf-8") as file:
                file.write(text)
        done = kurator("chart", "lint", "--config", config, os.path.join(config, "processes"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_plain_chart_stays_as_it_is(self):
        for chart in CHARTS:
            plain = desugar(chart)
            self.assertEqual(desugar(self.write(plain)), plain, chart)

    def test_the_findings_are_the_same(self):
        """Names that nobody knows are found in the plain form as well."""
        bad = ('<k:deadline id="d" from="_x.today" due="5wd" owner="nobody" met-by="no.event"/>'
               '<k:task id="t" role="somebody" form="nothing"/><k:case id="c" process="nothing"/>')
        plain = self.write(self.written(bad), "plain.scxml")
        found = kurator("chart", "lint", "--config", CONFIG, plain).stdout
        rules = sorted(re.findall(r"\[([a-z-]+)\]", found))
        self.assertEqual(rules, ["deadline-unheard", "unknown-event", "unknown-form", "unknown-process", "unknown-role",
                                 "unknown-role"], found)

    def test_texts_are_literals_expressions_stay_and_what_is_asked_later_is_a_text(self):
        plain = self.written('<k:deadline id="d" from="x" due="5wd" key="y" met-if="_event.data.a == \'b\'"/>')
        self.assertIn('<invoke type="urn:kurator:deadline" id="d">', plain)
        self.assertIn('<param name="due" expr="\'5wd\'"/>', plain)
        self.assertIn('<param name="from" expr="\'x\'"/>', plain)
        self.assertIn('<param name="key" expr="y"/>', plain)
        self.assertIn('<param name="met-if" expr="[[_event.data.a == \'b\']]"/>', plain)

    def test_every_text_comes_back(self):
        for text in ("it's", "a\\b", "t[u[1]]", "'x' .. t[u[1]]", 'say "x"', "&lt;a&gt; &amp; b", "", "ёж", "a]", "[[x]]"):
            chart = self.write(HEAD % f'<k:task id="t" role="r" title="{text.replace(chr(34), "&quot;")}"/>')
            plain = desugar(chart)
            self.assertEqual(desugar(self.write(plain)), plain, text)

    def test_what_stands_in_a_value_is_data(self):
        chart = HEAD.replace('<state id="a">', '<datamodel><data id="d"><k:task id="t"><x/></k:task></data></datamodel>'
                                               '<state id="a">')
        self.assertIn('<k:task id="t"><x/></k:task>', desugar(self.write(chart % "")))

    def test_an_id_that_stands_elsewhere_is_a_param(self):
        plain = self.written('<k:task id="a" role="r"/><k:task id="t" role="r"/>')
        self.assertIn('<param name="id" expr="\'a\'"/>', plain)
        self.assertIn('<invoke type="urn:kurator:task" id="t">', plain)

    def test_content_becomes_a_send(self):
        plain = self.written('<onentry><k:status value="\'x\'"/></onentry>')
        self.assertIn('<send type="urn:kurator:status" event="status"><param name="value" expr="\'x\'"/></send>', plain)

    def test_what_cannot_be_told_apart_is_refused(self):
        hidden = self.write(HEAD % '<k:task id="t" role="r"><k:param name="title" expr="1"/></k:task>')
        done = kurator("chart", "desugar", hidden)
        self.assertEqual((done.returncode, done.stdout), (5, ""))
        self.assertIn("chart.scxml:1: <k:param name=\"title\"> называется так же, как атрибут", done.stderr)

    def test_a_plain_form_that_means_nothing_is_refused_with_its_line(self):
        for inside, wrong in (
            ('<invoke type="urn:kurator:task"><param name="id" expr="x"/></invoke>', 'параметр «id» — текст в кавычках'),
            ('<invoke type="urn:kurator:task" src="x"/>', 'не бывает атрибута «src»'),
            ('<invoke type="urn:kurator:task"><content>x</content></invoke>', 'а не «content»'),
            ('<invoke type="urn:kurator:task" id="t"><param name="id" expr="\'t\'"/></invoke>', 'дважды стоит «id»'),
            ('<invoke type="urn:kurator:task" id="t"/>', 'у <k:task> нет обязательного атрибута «role»'),
        ):
            done = kurator("chart", "desugar", self.write(HEAD % inside))
            self.assertEqual(done.returncode, 5, inside)
            self.assertIn("chart.scxml:1: ", done.stderr)
            self.assertIn(wrong, done.stderr)

    def test_the_source_is_never_overwritten(self):
        chart = self.write(HEAD % "")
        self.assertEqual(kurator("chart", "desugar", chart, "-o", chart).returncode, 2)
        out = os.path.join(self.folder.name, "out.scxml")
        self.assertEqual(kurator("chart", "desugar", chart, "-o", out).returncode, 0)
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read(), desugar(chart))


def run_examples():
    with tempfile.TemporaryDirectory() as folder:
        config = shutil.copytree(CONFIG, os.path.join(folder, "config"))
        for chart in glob.glob(os.path.join(config, "processes", "*", "chart.scxml")):
            text = desugar(chart)
            with open(chart, "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([KURATOR, "process", "test", "--config", config, "--quiet"], check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:] == ["examples"]:
        sys.exit(run_examples())
    unittest.main()
