#!/usr/bin/env python3
"""kurator chart lint finds each kind of mistake where it is made, once, and nothing in what is right.

  lint_test.py KURATOR SOURCE_DIR

Each chart in bad/ marks its lines with "lint: RULE" ("lint: RULE 2": two lines above, where the element begins).
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

KURATOR, ROOT = sys.argv.pop(1), sys.argv.pop(1)
CONFIG = os.path.join(ROOT, "config")
RIGHT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "right")
BAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bad")
LINTERS = ("engine/chart/lint_chart.c", "engine/chart/lint_names.c", "engine/casework/lint.c",
           "ops/cli/chart_lint.c", "ops/cli/chart_schema.c")


def lint(*arguments):
    return subprocess.run([KURATOR, "chart", "lint", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          cwd=ROOT)


def findings(*paths):
    return [(found["line"], found["rule"]) for found in json.loads(lint("--json", "--config", CONFIG, *paths).stdout)]


def marks(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            for rule, above in re.findall(r"lint: ([a-z-]+)(?: (\d+))?", line):
                yield number - int(above or 0), rule


class Lint(unittest.TestCase):
    def test_each_bad_chart_is_told_by_its_line_and_nothing_else(self):
        charts = sorted(glob.glob(os.path.join(BAD, "*.scxml")))
        self.assertTrue(charts)
        for chart in charts:
            with self.subTest(os.path.basename(chart)):
                self.assertEqual(findings(chart), list(marks(chart)))

    def test_every_rule_has_a_bad_chart(self):
        rules = set()
        for path in LINTERS:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                rules |= set(re.findall(r'struct lint_rule \w+ = {\s*"([a-z-]+)"', file.read()))
        shown = {rule for chart in glob.glob(os.path.join(BAD, "*.scxml")) for _, rule in marks(chart)}
        self.assertEqual(rules, shown)

    def test_the_processes_are_clean(self):
        done = lint("--lang", "ru", os.path.join(CONFIG, "processes"))
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertRegex(done.stdout, r"^схем: \d+, ошибок: 0, предупреждений: 0\n$")

    def test_a_process_is_found_by_its_folder_its_file_or_beside_others(self):
        charts = sorted(glob.glob(os.path.join(CONFIG, "processes", "*", "chart.scxml")))
        done = lint(*charts[:2], os.path.dirname(charts[2]))
        self.assertEqual(done.stdout, "charts: 3, errors: 0, warnings: 0\n")

    def test_nothing_is_said_against_what_the_recommendation_allows(self):
        for language in ("ru", "en"):
            done = lint("--lang", language, RIGHT)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_a_chart_that_is_no_process_needs_no_configuration(self):
        elsewhere = {name: value for name, value in os.environ.items() if name != "KURATOR_CONFIG"}
        with tempfile.TemporaryDirectory() as folder:
            chart = os.path.join(folder, "own.scxml")
            with open(chart, "w", encoding="utf-8") as file:
                file.write('<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">\n<state id="a"/>\n'
                           '<state id="island"/></scxml>')
            done = subprocess.run([KURATOR, "chart", "lint", chart], capture_output=True, text=True, timeout=60,
                                  check=False, cwd=folder, env=elsewhere)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("own.scxml:3: error", done.stdout)
        self.assertIn("charts: 1, errors: 1, warnings: 0\n", done.stdout)

    def test_charts_of_others_are_not_asked_about_the_catalogue(self):
        done = lint(os.path.join(ROOT, "tests", "conformance", "charts", "cancel.scxml"))
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_is_told_in_russian_has_no_english_sentence(self):
        charts = glob.glob(os.path.join(BAD, "*.scxml"))
        done = lint("--lang", "ru", "--json", "--config", CONFIG, *charts)
        for found in json.loads(done.stdout):
            with self.subTest(found["rule"], line=found["line"], file=found["file"]):
                for text in (found["message"], found["advice"]):
                    self.assertRegex(text, "[а-я]{2}")
                    self.assertIsNone(re.search(r"\b(the|not|of|expected|attribute|no|is|has)\b", text), text)

    def test_the_exit_code_tells_clean_findings_and_wrong_calls(self):
        clean = os.path.join(CONFIG, "processes")
        bad = os.path.join(BAD, "unknown-role.scxml")
        warned = os.path.join(BAD, "undeclared.scxml")
        self.assertEqual(lint(clean).returncode, 0)
        self.assertEqual(lint("--config", CONFIG, bad).returncode, 1)
        self.assertEqual(lint("--config", CONFIG, warned).returncode, 1)
        self.assertIn("warning: ", lint("--config", CONFIG, warned).stdout)
        self.assertIn("error: ", lint("--config", CONFIG, bad).stdout)
        self.assertEqual(lint("--config", CONFIG, "/nowhere.scxml").returncode, 3)
        self.assertEqual(lint().returncode, 2)
        self.assertEqual(lint("--lang", "fr", clean).returncode, 2)
        self.assertEqual(lint("--nothing", clean).returncode, 2)

    def test_a_file_that_cannot_be_read_does_not_hide_the_others(self):
        done = lint("--config", CONFIG, "/nowhere.scxml", os.path.join(BAD, "unknown-role.scxml"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere.scxml", done.stderr)
        self.assertIn("unknown-role.scxml:4: error", done.stdout)

    def test_a_hostile_document_is_refused_and_not_expanded(self):
        bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><scxml>&b;</scxml>'
        away = '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><scxml/>'
        deep = '<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0">' + "<state>" * 5000
        for text in (bomb, away, deep, "", "\0\1\2", "<scxml"):
            with tempfile.NamedTemporaryFile("w", suffix=".scxml") as file:
                file.write(text)
                file.flush()
                done = lint("--json", "--config", CONFIG, file.name)
                self.assertEqual(done.returncode, 1)
                self.assertEqual([found["rule"] for found in json.loads(done.stdout)], ["document"], text[:40])


if __name__ == "__main__":
    unittest.main()
