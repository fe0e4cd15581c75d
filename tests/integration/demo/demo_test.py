"""The demonstration in small: real daemon, five adapters, files, and what it prints.

  demo_test.py BUILD_DIR SOURCE_DIR

Twelve notices, one of them damaged, one repeated, until the summer of 2026: enough for every station of the way.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = sys.argv[1], sys.argv[2]
UNTIL = "2026-07-31"
ROWS = 12


def notices(path):
    """The first rows of the real file, then a row with an impossible date and a row that was there before."""
    with open(os.path.join(SOURCE, "ops/demo.d/data/ufsin-notices-2026.csv"), encoding="utf-8-sig") as file:
        lines = file.read().splitlines()[:ROWS + 1]
    broken = lines[2].replace("86-2025-", "86-2025-9", 1).replace("07.01.2026", "31.02.2026")
    with open(path, "w", encoding="cp1251", newline="\r\n") as file:
        file.write("\n".join(lines + [broken, lines[1]]) + "\n")


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="kurator-demo-test-")
        path = os.path.join(cls.folder.name, "notices.csv")
        cls.kept = os.path.join(cls.folder.name, "kept")
        notices(path)
        cls.demo = subprocess.run(
            [sys.executable, "-B", os.path.join(SOURCE, "ops/demo.d/run.py"), "--build", BUILD, "--json", "--notices", path,
             "--until", UNTIL, "--keep", cls.kept], capture_output=True, check=False, stdin=subprocess.DEVNULL)
        cls.summary = json.loads(cls.demo.stdout) if cls.demo.returncode == 0 else None

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.assertEqual(self.demo.returncode, 0, self.demo.stderr.decode())

    def read(self, name):
        with open(os.path.join(self.kept, name), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def tables(self, folder, suffix):
        """All tables of a folder, one behind the other."""
        text = []
        for name in sorted(os.listdir(os.path.join(self.kept, folder))):
            if name.endswith(suffix):
                with open(os.path.join(self.kept, folder, name), encoding="utf-8-sig") as file:
                    text.append(file.read())
        return "".join(text)

    def test_every_good_notice_is_one_case_and_the_stages_add_up(self):
        self.assertEqual(self.summary["cases"]["total"], ROWS)
        self.assertEqual(sum(self.summary["cases"]["by_stage"].values()), ROWS)

    def test_people_have_moved_on(self):
        self.assertGreater(self.summary["referrals"]["total"], 0)
        self.assertGreater(self.summary["referrals"]["by_outcome"].get("completed", 0), 0)
        self.assertGreater(self.summary["deadlines"]["by_state"].get("met", 0), 0)

    def test_the_outcome_is_the_rehearsal_of_the_journal_byte_for_byte(self):
        rehearsed = os.path.join(self.kept, "rehearsed.jsonl")
        subprocess.run([os.path.join(BUILD, "bin/kurator"), "rehearse", "--processes", os.path.join(SOURCE, "config/processes"),
                        "--events", os.path.join(self.kept, "journal.jsonl"), "--until", UNTIL, "--out", rehearsed],
                       check=True, capture_output=True)
        with open(rehearsed, "rb") as mine, open(os.path.join(self.kept, "outcome.jsonl"), "rb") as theirs:
            self.assertEqual(mine.read(), theirs.read())

    def test_the_damaged_row_is_rejected_with_a_reason_and_the_repeated_one_answered(self):
        self.assertIn("такой даты не бывает", self.tables("ufsin/rejected", ".rejected.csv"))
        self.assertIn("уже было принято", self.tables("ufsin/done", ".result.csv"))

    def test_no_log_holds_a_name_an_address_or_a_number_of_a_person(self):
        with open(os.path.join(SOURCE, "ops/demo.d/data/ufsin-notices-2026.csv"), encoding="utf-8-sig") as file:
            rows = [line.split(";") for line in file.read().splitlines()[1:ROWS + 1]]
        private = {cell for row in rows for cell in (row[4], row[9], row[13]) if cell}
        for name in os.listdir(self.kept):
            if name.endswith(".log") or name.endswith("outcome.jsonl") or name.endswith("journal.jsonl"):
                with open(os.path.join(self.kept, name), encoding="utf-8") as file:
                    text = file.read()
                self.assertEqual([cell for cell in private if cell in text], [], name)

    def test_the_summary_has_the_form_of_its_schema(self):
        with open(os.path.join(SOURCE, "ops/demo.d/summary.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        self.assertEqual(set(self.summary), set(schema["properties"]))
        for name, part in schema["properties"].items():
            if part["type"] == "object":
                self.assertLessEqual(set(part["required"]), set(self.summary[name]), name)
            else:
                for row in self.summary[name]:
                    self.assertLessEqual(set(part["items"]["required"]), set(row), name)

    def test_the_executor_s_folder_holds_a_table_of_referrals(self):
        found = [name for _, _, names in os.walk(os.path.join(self.kept, "provider/out")) for name in names
                 if name.startswith("направления-")]
        self.assertTrue(found)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
