"""kurator process and kurator route: examples, settings, rules and routes are shown as they are, and what is missing is named.

  process_test.py KURATOR CONFIG_DIR
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

KURATOR, CONFIG = sys.argv[1], sys.argv[2]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kurator-process-")
        self.addCleanup(folder.cleanup)
        self.config = os.path.join(folder.name, "config")
        shutil.copytree(CONFIG, self.config)

    def path(self, name):
        return os.path.join(self.config, name)

    def spoil(self, name, old, new):
        with open(self.path(name), encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def run_kurator(self, *words):
        done = subprocess.run([KURATOR, *words], capture_output=True, check=False, timeout=900)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def rows(self, *words):
        code, out, error = self.run_kurator(*words, "-o", "json", "--config", self.config)
        return code, json.loads(out), error


class Examples(Case):
    def test_a_process_is_named_by_its_folder_or_by_its_name(self):
        code, out, _ = self.run_kurator("process", "test", self.path("processes/referral"))
        self.assertEqual(code, 0, out)
        by_name = self.run_kurator("process", "test", "referral", "--config", self.config)
        self.assertEqual((code, out), by_name[:2])
        self.assertRegex(out, r"\n[0-9]+ passed, 0 failed\n$")

    def test_an_example_that_ends_otherwise_is_named_with_what_was_there(self):
        self.spoil("processes/referral/examples/completed.jsonl", '"status":"completed"', '"status":"no_right"')
        code, out, _ = self.run_kurator("process", "test", self.path("processes/referral"))
        self.assertEqual(code, 1)
        self.assertIn("НЕ ПРОЙДЕН referral/completed", out)
        self.assertIn(" passed, 1 failed", out)

    def test_an_incident_that_no_example_names_is_a_failure(self):
        self.spoil("processes/referral/examples/expired.jsonl", '"reason":"refused"', '"reason":"other"')
        code, out, _ = self.run_kurator("process", "test", "referral", "--config", self.config)
        self.assertEqual(code, 1, out)

    def test_what_cannot_be_tested_is_said(self):
        self.assertEqual(self.run_kurator("process", "test", "nothing", "--config", self.config)[0], 3)
        shutil.rmtree(self.path("processes/referral/examples"))
        self.assertEqual(self.run_kurator("process", "test", "referral", "--config", self.config)[0], 1)
        with open(self.path("processes/release/examples/broken.jsonl"), "w", encoding="utf-8") as file:
            file.write('{"until":"2026-02-30"}\n')
        code, _, error = self.run_kurator("process", "test", "release", "--config", self.config)
        self.assertEqual(code, 5)
        self.assertIn("broken.jsonl:1", error)


class Settings(Case):
    def test_each_setting_shows_value_default_and_source(self):
        self.spoil("processes/support/settings.yaml", "name: months_max, value: 6", "name: months_max, value: 5")
        code, rows, _ = self.rows("process", "settings")
        self.assertEqual(code, 0)
        months = [row for row in rows if row["name"] == "months_max"][0]
        self.assertEqual((months["value"], months["default"], months["changed"], months["house_rule"]), (5, 6, True, False))
        self.assertEqual(months["source"], "002 п. 5.1")
        for row in rows:
            self.assertTrue(row["title"] and row["source"] and "default" in row, row)


class Trace(Case):
    def test_from_a_rule_an_element_and_an_example_one_finds_the_others(self):
        code, rows, error = self.rows("process", "trace", "--rule", "R07")
        self.assertEqual(code, 0, error)
        self.assertEqual({"release#act", "documents#act"}, {row["element"] for row in rows})
        self.assertTrue(all(row["examples"] for row in rows), rows)
        code, rows, error = self.rows("process", "trace", "--element", "release#act")
        self.assertEqual(code, 0, error)
        self.assertIn("R07", {row["rule"] for row in rows})
        code, rows, error = self.rows("process", "trace", "--example", self.path("processes/release/examples/died-before-release.jsonl"))
        self.assertEqual(code, 0, error)
        self.assertIn(("R16", "release#died"), {(row["rule"], row["element"]) for row in rows})

    def assert_missing(self, rule, verdict):
        code, rows, error = self.rows("process", "trace", "--rule", rule)
        self.assertEqual(code, 1, error)
        self.assertIn(verdict, [row["verdict"] for row in rows])
        self.assertIn(rule, error)

    def test_an_element_that_no_example_misses_is_named(self):
        for name in os.listdir(self.path("processes/release/examples")):
            path = self.path(f"processes/release/examples/{name}")
            with open(path, encoding="utf-8") as file:
                if "death.registered" in file.read():
                    os.remove(path)
        self.assert_missing("R16", "no-example")

    def test_an_element_that_is_gone_is_named(self):
        self.spoil("rules.yaml", '"release#act"', '"release#acte"')
        self.assert_missing("R07", "no-element")

    def test_a_rule_whose_process_is_not_there_is_missing(self):
        self.spoil("rules.yaml", "process: release", "process: nowhere")
        self.assert_missing("R01", "no-process")
        code, _, error = self.run_kurator("process", "trace", "--rule", "R01", "--present", "--config", self.config)
        self.assertEqual(code, 0)
        self.assertIn("ждут своего процесса: 1", error)

    def test_a_task_without_a_basis_or_a_rule_is_named(self):
        self.spoil("processes/release/chart.scxml", 'basis="000 п. 2.1" ', "")
        self.spoil("processes/release/chart.scxml", 'k:task id="arrival"', 'k:task id="landing"')
        self.spoil("processes/release/examples/completed.jsonl", '"subject":"arrival"', '"subject":"landing"')
        code, rows, _ = self.rows("process", "trace", "--present")
        self.assertEqual(code, 1)
        self.assertIn(("release#act", "no-basis"), {(row.get("element"), row["verdict"]) for row in rows})
        self.assertIn(("release#landing", "no-rule"), {(row.get("element"), row["verdict"]) for row in rows})


class Route(Case):
    def verdicts(self, *words):
        code, rows, _ = self.rows("route", "explain", *words, "--all")
        return code, {row["participant"]: row["reason"] for row in rows}

    def test_who_gets_it_and_why_not_the_others(self):
        code, verdicts = self.verdicts("--kind", "employment", "--municipality", "г. Сургут")
        self.assertEqual(code, 0)
        self.assertEqual(verdicts["employment-surgut"], "chosen")
        self.assertEqual(verdicts["ngo-career"], "behind")
        self.assertEqual(verdicts["employment-uray"], "territory")
        self.assertEqual(verdicts["health-surgut"], "kind")
        self.assertEqual(verdicts["ngo-legal-aid"], "help")

    def test_declines_capacity_and_settlements_count(self):
        words = ("--kind", "employment", "--municipality", "surgut", "--declined", "employment-surgut")
        self.assertEqual(self.verdicts(*words)[1]["ngo-career"], "chosen")
        code, verdicts = self.verdicts(*words, "--load", "ngo-career=2000")
        self.assertEqual((code, verdicts["ngo-career"]), (1, "full"))
        code, verdicts = self.verdicts("--kind", "psychological", "--municipality", "пгт Федоровский")
        self.assertEqual(verdicts["ngo-fyodorovsky"], "chosen")

    def test_a_named_executor_that_cannot_is_not_replaced(self):
        code, verdicts = self.verdicts("--kind", "employment", "--municipality", "surgut", "--executor", "health-surgut")
        self.assertEqual((code, verdicts["employment-surgut"]), (1, "unnamed"))

    def test_unknown_words_are_not_found(self):
        for words in (("--kind", "flying", "--municipality", "surgut"), ("--kind", "legal", "--municipality", "nowhere")):
            self.assertEqual(self.run_kurator("route", "explain", *words, "--config", self.config)[0], 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
