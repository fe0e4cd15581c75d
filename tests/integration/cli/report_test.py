"""kurator report: a report is what the journal says up to a position, and says the same again.

  report_test.py KURATOR SOURCE_DIR

The journal is made of the examples of the processes: each becomes a case of its own, all in the order of their moments.
"""

import collections
import csv
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

KURATOR, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
CONFIG = SOURCE / "config"
PROCESSES = ("release", "support", "citizen", "family", "intake")
DAY = "2026-07-15"


def example_lines(path, number):
    head, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if set(head) - {"until", "about"}:
        return  # settings of its own
    for line in lines:
        if "event" in line and "as" in line and "at" in line and not line["event"].startswith("event."):
            root, slash, rest = line["case"].partition("/")
            yield {**line, "case": f"T-{number:04}-{root[-4:]}{slash}{rest}"}


def make_journal():
    lines = []
    paths = [path for process in PROCESSES for path in sorted((CONFIG / "processes" / process / "examples").glob("*.jsonl"))]
    for number, path in enumerate(paths):
        lines += example_lines(path, number)
    return sorted(lines, key=lambda line: line["at"])


def text_of(lines):
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="kurator-report-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.lines = make_journal()
        cls.journal = cls.folder / "journal.jsonl"
        cls.journal.write_text(text_of(cls.lines), encoding="utf-8")

    def run_kurator(self, *words, code=0):
        done = subprocess.run([KURATOR, *map(str, words)], capture_output=True, check=False, timeout=300)
        self.assertEqual(code, done.returncode, done.stderr.decode())
        return done.stdout

    def report(self, name, *words, journal=None, as_of=DAY, config=CONFIG, code=0):
        return self.run_kurator("report", name, "--config", config, "--journal", journal or self.journal,
                                "--as-of", as_of, *words, code=code)

    def rows(self, name, *words, **options):
        text = self.report(name, *words, "-o", "json", **options)
        return [row for section in json.loads(text)["sections"] for row in section["rows"]]

    def outcome(self, day=DAY):
        out = self.folder / "outcome.jsonl"
        self.run_kurator("rehearse", "--processes", CONFIG / "processes", "--events", self.journal, "--until", day, "--out", out)
        return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


REPORTS = (("registry", "--quarter", "2026-Q2"), ("applications", "--month", "2026-02"), ("applications",))


class Reproducible(Report):
    def test_the_same_journal_and_position_give_the_same_bytes(self):
        for words in REPORTS:
            for output in ("table", "csv", "json", "jsonl"):
                first = self.report(*words, "-o", output)
                self.assertGreater(len(first.splitlines()), 1, words)
                self.assertEqual(first, self.report(*words, "-o", output), words)

    def test_what_comes_later_does_not_change_an_earlier_position(self):
        before = self.folder / "before.jsonl"
        before.write_text(text_of(line for line in self.lines if line["at"] < "2026-07-16"), encoding="utf-8")
        for words in REPORTS:
            self.assertEqual(self.report(*words), self.report(*words, journal=before), words)

    def test_a_position_is_a_line_of_the_file_too(self):
        for number in (1, 40, len(self.lines) // 2):
            cut = self.folder / "cut.jsonl"
            cut.write_text(text_of(self.lines[:number]), encoding="utf-8")
            whole = self.report("applications", as_of=number)
            self.assertEqual(whole, self.report("applications", journal=cut, as_of=number))
            self.assertEqual(whole, self.run_kurator("report", "applications", "--config", CONFIG, "--journal", cut))

    def test_a_position_past_the_end_and_wrong_words_are_named(self):
        self.report("applications", as_of=len(self.lines) + 1, code=3)
        self.report("applications", as_of="yesterday", code=2)
        self.report("applications", "--month", "2026-13", code=2)
        self.report("registry", "--month", "2026-03", code=2)
        self.report("no-such", code=3)
        self.report("../catalogue", code=3)
        self.report("registry", "--for", "nobody", code=3)


class Numbers(Report):
    def by_case(self, rows, keep):
        return collections.Counter(row["case"] for row in rows if keep(row))

    def test_the_registry_adds_up_with_the_outcome(self):
        outcome = self.outcome()
        rows = self.rows("registry")
        released = {line["case"] for line in self.lines
                    if line["event"] in ("release.confirmed", "arrival.confirmed") and line["at"] <= DAY + "T24"}
        of_process = {row["case"] for row in outcome if row["type"] == "case" and row["process"] == "release"}
        self.assertLessEqual({row["case"] for row in rows}, released & of_process)
        self.assertGreater(len(rows), 20)
        missed = self.by_case(outcome, lambda row: row["type"] == "deadline" and row["state"] == "missed")
        completed = self.by_case(outcome, lambda row: row["type"] == "referral" and row["status"] == "completed")
        measures = self.by_case(outcome, lambda row: row["type"] == "referral")
        grounds = {row["case"]: row["ground"] for row in outcome if row["type"] == "case" and row["process"] == "release"}
        for row in rows:
            case = row["case"]
            self.assertEqual((missed[case], completed[case], measures[case]),
                             (row["missed"], row["completed"], row["measures"]), case)
            self.assertEqual(grounds[case] is not None, row["ended_on"] is not None, case)
            self.assertTrue(row["result"] == grounds[case] or row["ended_on"] is None, case)

    def test_the_journal_of_applications_has_each_once_in_the_order_of_days(self):
        rows = self.rows("applications")
        told = [line for line in self.lines if line["event"] in ("appeal.received", "application.received") and line["at"] < "2026-07-16"]
        refused = sum(row.get("count", 1) for row in self.outcome() if row["type"] == "incident" and row["reason"] == "refused")
        self.assertLessEqual(len(rows), len(told))
        self.assertGreaterEqual(len(rows), len(told) - refused)
        self.assertEqual([row["number"] for row in rows], list(range(1, len(rows) + 1)))
        days = [row["received_on"] for row in rows]
        self.assertEqual(days, sorted(days))

    def test_a_period_and_a_reader_narrow_it(self):
        every = self.rows("applications")
        march = self.rows("applications", "--month", "2026-02")
        self.assertEqual([row["case"] for row in every if row["received_on"].startswith("2026-02")],
                         [row["case"] for row in march])
        self.assertTrue(march)
        surgut = self.rows("applications", "--for", "provider-surgut")
        self.assertEqual({"surgut"}, {row["territory"] for row in surgut})


class Shown(Report):
    def test_no_name_of_a_person_is_in_a_report(self):
        names = {line["data"][name] for line in self.lines for name in ("surname", "given_name", "address") if name in line.get("data", {})}
        self.assertIn("Тестов", names)
        for words in REPORTS:
            text = self.report(*words).decode()
            for name in names:
                self.assertNotIn(name, text)

    def test_csv_opens_in_a_spreadsheet_and_holds_no_formula(self):
        lines = [{**line, "data": {**line["data"], "number": '=HYPERLINK("x";"y")'}} if line["event"] == "appeal.received" else line
                 for line in self.lines]
        hostile = self.folder / "hostile.jsonl"
        hostile.write_text(text_of(lines), encoding="utf-8")
        text = self.report("applications", "--csv", journal=hostile)
        self.assertEqual(b"\xef\xbb\xbf", text[:3])
        rows = list(csv.reader(io.StringIO(text[3:].decode()), delimiter=";"))
        self.assertEqual("Поступило", rows[0][1])
        self.assertEqual({len(rows[0])}, {len(row) for row in rows})
        self.assertIn("'=HYPERLINK(\"x\";\"y\")", {row[3] for row in rows})
        self.assertEqual(len(self.rows("applications")), len(rows) - 1)

    def test_a_definition_cannot_show_what_its_reader_may_not_see(self):
        config = self.folder / "config"
        shutil.copytree(CONFIG, config, dirs_exist_ok=True)
        path = config / "reports" / "registry.yaml"
        text = path.read_text(encoding="utf-8")
        for old, new in (("format: month, where: [{field: event, is: [release.notice]}]",
                          "format: date, where: [{field: event, is: [release.notice]}]"),
                         ("field: data.signed_on", "field: data.text"), ("format: stage", "format: star")):
            self.assertIn(old, text)
            path.write_text(text.replace(old, new), encoding="utf-8")
            self.report("registry", config=config, code=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
