"""The demonstration in small: real daemon, five adapters, files, and what it prints.

  demo_test.py BUILD_DIR SOURCE_DIR

Twelve notices, one of them damaged, one repeated, until the summer of 2026: enough for every station of the way.
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = sys.argv[1], sys.argv[2]
UNTIL = "2026-07-31"
ROWS = 12
NAMES, BORN, SNILS, ADDRESS = (4, 5, 6), 7, 9, 13  # columns of a notice
CASE = "86-2025-00137"
QUESTIONS = ("status -o json", "doctor -o jsonl", "participant list -o jsonl", "incident list --all -o jsonl",
             "case list -o jsonl", "deadline list -o jsonl", "referral list -o jsonl", "case show %s -o jsonl" % CASE,
             "case timeline %s -o jsonl" % CASE, "person show %s" % CASE, "journal export", "outcome export",
             "audit export", "status --prometheus", "case show Неизвестный", "incident retry %s 77" % CASE)


def lines_of_notices():
    with open(os.path.join(SOURCE, "ops/demo.d/data/ufsin-notices-2026.csv"), encoding="utf-8-sig") as file:
        return file.read().splitlines()[:ROWS + 1]


def private_words():
    """Every name, date of birth, number and address of the persons in the file, as whole words."""
    words = set()
    for line in lines_of_notices()[1:]:
        cells = line.split(";")
        words |= {cells[column] for column in (*NAMES, BORN, SNILS, ADDRESS)}
        words.add("-".join(reversed(cells[BORN].split("."))))
    return re.compile(r"(?<!\w)(?:%s)(?!\w)" % "|".join(re.escape(word) for word in sorted(words - {""})))


PRIVATE = private_words()


def notices(path):
    """The first rows of the real file, then a row with an impossible date and a row that was there before."""
    lines = lines_of_notices()
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

    # ---- nobody is named where nobody has to be ----

    def assert_names_nobody(self, text, where):
        self.assertEqual([], PRIVATE.findall(text), where)

    def kept_files(self):
        for folder, _, names in os.walk(self.kept):
            for name in names:
                yield os.path.join(folder, name)

    def test_the_names_are_found_where_they_belong(self):
        """So that the tests below can find them at all."""
        self.assertTrue(PRIVATE.search(self.tables("ufsin/rejected", ".rejected.csv")))

    def test_no_log_and_no_export_holds_a_name_an_address_or_a_number_of_a_person(self):
        logs = [path for path in self.kept_files() if path.endswith((".log", "outcome.jsonl", "journal.jsonl"))]
        self.assertGreater(len(logs), 6)
        for path in logs:
            with open(path, encoding="utf-8") as file:
                self.assert_names_nobody(file.read(), path)
        self.assert_names_nobody((self.demo.stdout + self.demo.stderr).decode(), "what the demonstration prints")

    def test_no_file_is_named_after_a_person(self):
        for path in self.kept_files():
            self.assert_names_nobody(os.path.relpath(path, self.kept), path)

    def test_no_reason_of_a_refusal_names_a_person(self):
        reasons = 0
        for path in self.kept_files():
            if path.endswith((".rejected.csv", ".result.csv", ".reason.txt")):
                with open(path, encoding="utf-8-sig", newline="") as file:
                    text = file.read()
                told = [row.get("Почему отклонено") or row.get("Причина") or "" for row in csv.DictReader(io.StringIO(text), delimiter=";")]
                reasons += sum(map(bool, told))
                self.assert_names_nobody(text if path.endswith(".txt") else "\n".join(told), path)
        self.assertGreater(reasons, 1)

    def test_no_answer_of_the_engine_and_no_word_of_its_log_names_a_person(self):
        """The engine of the demonstration once more, with all that it has to say."""
        endpoint = "ipc://" + os.path.join(self.folder.name, "query")
        log_path = os.path.join(self.folder.name, "kuratord.debug")
        command = [os.path.join(BUILD, "bin/kuratord"), "--config", os.path.join(SOURCE, "config"), "--data",
                   os.path.join(self.kept, "data"), "--keys", os.path.join(self.kept, "keys"), "--endpoint",
                   "ipc://" + os.path.join(self.folder.name, "exchange"), "--query-endpoint", endpoint, "--clock",
                   "virtual", "--log-level", "debug"]
        with open(log_path, "wb") as log:
            engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            self.assertTrue(engine.stdout.readline() and engine.stdout.readline())
            for question in QUESTIONS:
                asked = subprocess.run([os.path.join(BUILD, "bin/kurator"), *question.split(), "--endpoint", endpoint,
                                        "--keys", os.path.join(self.kept, "operator-keys")], capture_output=True,
                                       check=False, timeout=60)
                self.assertNotIn(asked.returncode, (2, 7), (question, asked.stderr.decode()))
                self.assertTrue(asked.stdout + asked.stderr, question)
                self.assert_names_nobody((asked.stdout + asked.stderr).decode(), question)
        finally:
            engine.terminate()
            engine.wait(60)
            engine.stdout.close()
        with open(log_path, encoding="utf-8") as log:
            self.assert_names_nobody(log.read(), "kuratord.debug")

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
