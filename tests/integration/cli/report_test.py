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

    def sections(self, name, *words, **options):
        return [section["rows"] for section in json.loads(self.report(name, *words, "-o", "json", **options))["sections"]]

    def changed_config(self, name, old, new):
        config = self.folder / "changed"
        shutil.rmtree(config, ignore_errors=True)
        shutil.copytree(CONFIG, config)
        text = (config / name).read_text(encoding="utf-8")
        self.assertIn(old, text)
        (config / name).write_text(text.replace(old, new), encoding="utf-8")
        return config

    def outcome(self, day=DAY):
        out = self.folder / "outcome.jsonl"
        self.run_kurator("rehearse", "--processes", CONFIG / "processes", "--events", self.journal, "--until", day, "--out", out)
        return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


REPORTS = (("registry", "--quarter", "2026-Q2"), ("applications", "--month", "2026-02"), ("applications",),
           ("families",), ("monthly", "--month", "2026-03"), ("quarterly", "--quarter", "2026-Q1"), ("agenda", "--group", "wg-surgut"))


class Reproducible(Report):
    def test_the_same_journal_and_position_give_the_same_bytes(self):
        for number, words in enumerate(REPORTS):
            for output in ("table", "csv", "json", "jsonl") if number < 2 else ("table",):
                first = self.report(*words, "-o", output)
                self.assertGreater(len(first.splitlines()), 1, words)
                self.assertEqual(first, self.report(*words, "-o", output), words)

    def test_what_comes_later_does_not_change_an_earlier_position(self):
        before = self.folder / "before.jsonl"
        before.write_text(text_of(line for line in self.lines if line["at"] < "2026-07-16"), encoding="utf-8")
        for words in REPORTS:
            self.assertEqual(self.report(*words), self.report(*words, journal=before), words)

    def test_an_event_that_was_taken_back_is_gone_and_the_earlier_position_stays(self):
        lines = list(example_lines(CONFIG / "processes/release/examples/annulled-arrival.jsonl", 1))
        arrived = next(line for line in lines if line["event"] == "arrival.confirmed")
        annulled = {**arrived, "at": arrived["at"].replace("2026-06-16", "2026-06-18"), "event": "event.annulled",
                    "data": {"event": "arrival.confirmed"}}
        journal = self.folder / "annulled.jsonl"
        journal.write_text(text_of([line for line in lines if line["at"] <= arrived["at"]] + [annulled]), encoding="utf-8")
        months = [self.rows("registry", journal=journal, as_of=day)[0]["arrival_month"] for day in ("2026-06-17", "2026-06-18")]
        self.assertEqual(["2026-06", None], months)

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
        self.report("monthly", code=2)
        self.report("quarterly", "--month", "2026-03", code=2)
        self.report("agenda", code=2)
        self.report("agenda", "--group", "provider-surgut", code=5)

    def test_a_line_that_cannot_be_read_is_told_and_an_empty_journal_too(self):
        spoiled = self.folder / "spoiled.jsonl"
        spoiled.write_text("{\n" + text_of(self.lines), encoding="utf-8")
        self.assertEqual(self.report("applications"), self.report("applications", journal=spoiled, code=5))
        spoiled.write_text("\n", encoding="utf-8")
        self.assertEqual(b"", self.run_kurator("report", "applications", "--config", CONFIG, "--journal", spoiled, code=5))


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

    def test_the_families_are_those_that_were_recognised(self):
        rows = self.rows("families")
        recognised = {line["case"] for line in self.lines if line["event"] == "recognition.decided"
                      and line["data"]["recognised"] and line["at"] < "2026-07-16"}
        families = {row["case"]: row for row in self.outcome() if row["type"] == "case" and row["process"] == "family"}
        self.assertEqual(recognised & set(families), {row["case"] for row in rows})
        self.assertEqual([families[row["case"]]["ground"] or families[row["case"]]["stage"] for row in rows],
                         [row["result"] for row in rows])

    def test_a_period_and_a_reader_narrow_it(self):
        every = self.rows("applications")
        march = self.rows("applications", "--month", "2026-02")
        self.assertEqual([row["case"] for row in every if row["received_on"].startswith("2026-02")],
                         [row["case"] for row in march])
        self.assertTrue(march)
        surgut = self.rows("applications", "--for", "provider-surgut")
        self.assertEqual({"surgut"}, {row["territory"] for row in surgut})


class Months(Report):
    MONTH = ("monthly", "--month", "2026-03")

    def test_the_monthly_information_shows_the_measures_as_the_outcome_does(self):
        referrals = {(row["case"], row["measure"]): row for row in self.outcome() if row["type"] == "referral"}
        measures, totals = self.sections(*self.MONTH)
        self.assertGreater(len(measures), 5)
        for row in measures:
            known = referrals[row["case"], row["measure"]]
            self.assertEqual((known["to"], known["status"]), (row["to"], row["status"]))
        self.assertEqual(collections.Counter(row["to"] for row in measures), {row["to"]: row["measures"] for row in totals})
        for total in totals:
            self.assertEqual(total["completed"], sum(row["status"] == "completed" for row in measures if row["to"] == total["to"]))

    def test_what_was_told_in_the_month_is_counted_and_nothing_else(self):
        measures, _ = self.sections(*self.MONTH)
        told = collections.Counter(
            (line["case"].split("/")[0], line["data"].get("measure")) for line in self.lines
            if line["event"] in ("measure.progress", "referral.accepted", "referral.appointment", "referral.attended", "referral.missed_appointment", "referral.in_progress", "referral.on_hold",
                                 "referral.completed", "referral.no_right", "referral.unavailable")
            and line.get("occurred_at", line["at"]).startswith("2026-03"))
        for row in measures:
            self.assertLessEqual(row["told"], told[row["case"], row["measure"]])
        self.assertTrue(any(row["told"] for row in measures))

    def test_an_organisation_gets_its_own_part(self):
        measures, totals = self.sections(*self.MONTH)
        organisation = totals[0]["to"]
        own, own_totals = self.sections(*self.MONTH, "--for", organisation)
        self.assertEqual([row for row in measures if row["to"] == organisation], own)
        self.assertEqual(totals[:1], own_totals)


class Quarters(Report):
    QUARTER = ("quarterly", "--quarter", "2026-Q1")
    PROCESSES = ("support", "referral", "issue")

    def test_who_was_there_came_and_left_adds_up(self):
        (numbers,), grounds, *_ = self.sections(*self.QUARTER)
        self.assertEqual(numbers["at_start"] + numbers["begun"] - numbers["ended"], numbers["at_end"])
        self.assertEqual(numbers["ended"], sum(row["cases"] for row in grounds))
        self.assertGreater(numbers["begun"], 10)
        self.assertGreater(numbers["ended"], 1)

    def test_terms_are_those_of_the_outcome(self):
        outcome = [row for row in self.outcome() if row["type"] == "deadline" and row["process"] in self.PROCESSES
                   and "2026-01-01" <= row["due"] <= "2026-03-31"]
        numbers, _, terms, _, violations = self.sections(*self.QUARTER)
        for field, state in (("met", "met"), ("late", "met-reported-late"), ("missed", "missed")):
            self.assertEqual(sum(row[field] for row in terms), sum(row["state"] == state for row in outcome), field)
        counted = [row for row in outcome if row["state"] == "missed" and row.get("counted", True)]
        self.assertEqual(sorted((row["case"], row["due"]) for row in counted),
                         sorted((row["case"], row["due"]) for row in violations))
        self.assertTrue(numbers and counted)

    def test_the_parts_of_the_groups_add_up_to_the_whole(self):
        groups = [line.split("id: ")[1].strip() for line in (CONFIG / "participants.yaml").read_text(encoding="utf-8").splitlines()
                  if line.strip().startswith("- id: wg-")]
        whole = self.sections(*self.QUARTER)[0][0]
        parts = [self.sections(*self.QUARTER, "--for", group)[0][0] for group in groups]
        for name, number in whole.items():
            self.assertEqual(number, sum(part[name] for part in parts), name)


class Agenda(Report):
    GROUP = ("agenda", "--group", "wg-surgut")

    def agenda(self, as_of=DAY, **options):
        answer = json.loads(self.report(*self.GROUP, "-o", "json", as_of=as_of, **options))
        return answer, [section["rows"] for section in answer["sections"]]

    def test_what_waits_for_the_group_is_on_it_and_once(self):
        elsewhere = {line["case"] for line in self.lines if line.get("data", {}).get("municipality", "surgut") != "surgut"}
        waiting = {state: {row["case"] for row in self.outcome() if row["type"] == "case" and row["process"] == "support"
                           and state in row["states"]} for state in ("at-working-group", "interim-change", "decision-asked")}
        _, (drafts, changes, extensions, closures, *_) = self.agenda()
        shown = {"at-working-group": drafts, "interim-change": changes, "decision-asked": extensions + closures}
        for state, rows in shown.items():
            cases = [row["case"] for row in rows]
            self.assertEqual(len(cases), len(set(cases)), state)
            self.assertEqual(waiting[state] - elsewhere, set(cases) - elsewhere, state)
        self.assertTrue(waiting["decision-asked"] - elsewhere)

    def test_a_wish_for_extension_is_no_closure(self):
        day = "2026-07-20"
        asked = next(row["case"] for row in self.agenda(day)[1][3] if not row["wish"])
        wish = {"at": day + "T10:00:00+05:00", "as": "provider-surgut", "event": "extension.requested", "case": asked,
                "data": {"requested_on": day, "months": 3, "written": True}}
        journal = self.folder / "wish.jsonl"
        journal.write_text(text_of([line for line in self.lines if line["at"] < day] + [wish]), encoding="utf-8")
        _, (_, _, extensions, closures, *_) = self.agenda(day, journal=journal)
        self.assertEqual([(day, 3)], [(row["requested_on"], row["months"]) for row in extensions if row["case"] == asked])
        self.assertNotIn(asked, {row["case"] for row in closures})

    def test_questions_stand_until_they_are_resolved(self):
        outcome = self.outcome()
        known = collections.Counter(row["case"] for row in outcome if row["type"] == "case" and row["process"] == "issue"
                                    and row["states"] == ["raised"])
        _, (*_, questions, _) = self.agenda()
        self.assertEqual(known, collections.Counter(row["case"] for row in questions))
        for row in questions:
            self.assertTrue(row["raised_on"] and row["kind"], row)

    def test_the_next_sitting_and_a_term_without_one_are_found(self):
        answer, _ = self.agenda("2026-07-10")
        self.assertEqual(("2026-07-22", []), (answer["sitting"], answer["findings"]))
        # The fourth Wednesday, and then nothing for three weeks.
        answer, _ = self.agenda("2026-07-22")
        self.assertEqual("2026-07-22", answer["sitting"])
        self.assertEqual(1, len(answer["findings"]), answer["findings"])
        self.assertIn("05.08.2026", answer["findings"][0])
        self.assertIn("ВНИМАНИЕ", self.report(*self.GROUP, as_of="2026-07-22").decode())

    def test_a_draft_whose_term_ends_before_the_sitting_is_named(self):
        config = self.changed_config("participants.yaml", '["2 wed", "4 wed"]', '["2027-12-01"]')
        days = sorted({line["at"][:10] for line in self.lines if line["event"] == "draft.sent"})
        for day in days[:20]:
            answer, (drafts, *_) = self.agenda(day, config=config)
            self.assertEqual("2027-12-01", answer["sitting"])
            late = [row for row in drafts if row["due"]]
            if late:
                self.assertEqual({True}, {row["too_late"] for row in late})
                self.assertEqual(2, len(answer["findings"]), answer["findings"])
                return
        self.fail("no draft with a term")


class Shown(Report):
    def test_without_a_name_the_reports_are_listed(self):
        listed = self.run_kurator("report", "--config", CONFIG).decode().splitlines()
        names = sorted(path.stem for path in (CONFIG / "reports").glob("*.yaml") if path.stem != "words")
        self.assertEqual(names, [line.split()[0] for line in listed])
        self.assertLessEqual({words[0] for words in REPORTS}, set(names))

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
        for old, new in (("format: month, where: [{field: event, is: [release.notice]}]",
                          "format: date, where: [{field: event, is: [release.notice]}]"),
                         ("field: data.signed_on", "field: data.text"), ("format: stage", "format: star")):
            self.report("registry", config=self.changed_config("reports/registry.yaml", old, new), code=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
