"""A year of mixed cases in small: rehearsed twice to the same bytes, from a script that its seed alone decides.

  year_test.py KURATOR SOURCE_DIR
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

KURATOR, SOURCE = sys.argv[1], sys.argv[2]


class Year(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="kurator-year-test-")
        cls.found = cls.year("twentieth", "1/20", 1)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def year(cls, name, scale, seed):
        command = [sys.executable, "-B", os.path.join(SOURCE, "ops/year.d/year.py"), "--kurator", KURATOR, "--scale", scale,
                   "--seed", str(seed), "--out", os.path.join(cls.folder.name, name)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=500)
        if done.returncode != 0:
            raise AssertionError(done.stdout.decode() + done.stderr.decode())
        return json.loads(done.stdout)

    def script(self, name):
        with open(os.path.join(self.folder.name, name, "year.jsonl"), "rb") as file:
            return file.read()

    def test_two_rehearsals_of_a_year_are_the_same_bytes(self):
        self.assertTrue(self.found["identical"])

    def test_every_case_that_was_asked_for_is_there(self):
        cases = self.found["cases"]
        self.assertEqual({kind: cases[kind] for kind in self.found["asked"]}, self.found["asked"])

    def test_the_year_has_every_kind_of_end_and_of_deadline(self):
        endings = {key.split()[1] for key in self.found["endings"]}
        for ground in ("completed", "refused", "departed", "died", "not-recognised", "no-consent", "no-need", "None"):
            self.assertIn(ground, endings)
        self.assertLessEqual({"met", "missed", "cancelled", "open"}, set(self.found["deadlines"]))
        self.assertLessEqual({"completed", "no_right", "unavailable", "cancelled"}, set(self.found["referrals"]))

    def test_nearly_all_that_is_told_is_taken(self):
        """What is refused was told of cases that had ended, or by who was asked no more."""
        self.assertLess(self.found["incidents"].get("refused", 0), self.found["lines"] * 0.02)

    def test_some_organisations_say_nothing(self):
        with open(os.path.join(self.folder.name, "twentieth", "outcome.jsonl"), encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        accounts = [row for row in rows if row["type"] == "deadline" and row["case"].startswith("report.")]
        states = {row["state"] for row in accounts}
        self.assertLessEqual({"met", "missed"}, states)
        silent = {row["case"] for row in accounts} - {row["case"] for row in accounts if row["state"] == "met"}
        self.assertTrue(silent)

    def test_the_seed_alone_decides_the_script(self):
        for name, seed in (("one", 7), ("same", 7), ("other", 8)):
            self.year(name, "1/100", seed)
        self.assertEqual(self.script("one"), self.script("same"))
        self.assertNotEqual(self.script("one"), self.script("other"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
