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
        done = subprocess.run([KURATOR, *map(str, words)], capture_output=True, check=False, timeout=900)
        self.assertEqual(code, done.returncode, done.stderr.decode())
        return done.stdout

    def report(self, name, *words, journal=None, as_of=DAY, config=CONFIG, code=0):
        return self.run_kurator("report", name, "--config", config, "--journal", journal or self.journal,
                                "--as-of", as_of, *words, code=code)

    def refused(self, name, *words):
        done = subprocess.run([KURATOR, "report", name, "--config", CONFIG, "--journal", self.journal, *words], capture_output=True,
                              check=False, timeout=900)
        self.assertNotEqual(0, done.returncode)
        self.assertEqual(b"", done.stdout)
        return done.stderr.decode()

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
           ("families",), ("monthly", "--month", "2026-03"), ("quarterly", "--quarter", "2026-Q1"), ("indicators", "--quarter", "2026-Q2"),
           ("agenda", "--group", "wg-surgut"), ("minutes", "--sitting", "2026-04-08"),
           ("minutes", "--sitting", "2026-04-08", "--group", "wg-surgut", "--extract", "provider-surgut"))


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
        self.report("minutes", code=2)
        self.report("minutes", "--sitting", "8.4.2026", code=2)
        self.report("minutes", "--sitting", "2026-04-08", "--month", "2026-04", code=2)
        self.report("quarterly", "--sitting", "2026-04-08", code=2)
        self.report("minutes", "--sitting", "2026-04-08", "--extract", "nobody", code=3)
        self.assertIn("не положена", self.refused("minutes", "--sitting", "2026-04-08", "--extract", "ufsin"))
        self.assertIn("не положена", self.refused("registry", "--extract", "provider-surgut"))

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
    QUARTER = ("quarterly", "--quarter", "2026-Q1", "--full")
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
        self.assertEqual(("2026-07-22", []), (answer["next_sitting"], answer["findings"]))
        # The fourth Wednesday, and then nothing for three weeks.
        answer, _ = self.agenda("2026-07-22")
        self.assertEqual("2026-07-22", answer["next_sitting"])
        self.assertEqual(1, len(answer["findings"]), answer["findings"])
        self.assertIn("05.08.2026", answer["findings"][0])
        self.assertIn("ВНИМАНИЕ", self.report(*self.GROUP, as_of="2026-07-22").decode())

    def test_a_draft_whose_term_ends_before_the_sitting_is_named(self):
        config = self.changed_config("participants.yaml", '["2 wed", "4 wed"]', '["2027-12-01"]')
        days = sorted({line["at"][:10] for line in self.lines if line["event"] == "draft.sent"})
        for day in days[:20]:
            answer, (drafts, *_) = self.agenda(day, config=config)
            self.assertEqual("2027-12-01", answer["next_sitting"])
            late = [row for row in drafts if row["due"]]
            if late:
                self.assertEqual({True}, {row["too_late"] for row in late})
                self.assertEqual(2, len(answer["findings"]), answer["findings"])
                return
        self.fail("no draft with a term")


    def test_a_sitting_that_was_moved_cancelled_or_appointed_is_on_the_calendar(self):
        def told(day, event, **data):
            return {"at": day + "T10:00:00+05:00", "as": "wg-surgut", "event": event, "case": "sitting.wg-surgut", "data": data}

        lines = [line for line in self.lines if line["at"] < "2026-07-10"] + [
            told("2026-07-10", "sitting.moved", sitting_on="2026-07-22", to_on="2026-07-24"),
            told("2026-07-11", "sitting.cancelled", sitting_on="2026-07-24"),
            told("2026-07-12", "sitting.moved", sitting_on="2026-07-23", to_on="2026-07-21"),  # there is none on the 23rd
            told("2026-07-13", "sitting.scheduled", sitting_on="2026-07-31"),
            told("2026-07-14", "sitting.held", held_on="2026-07-14", number="9", next_on="2026-07-30")]
        journal = self.folder / "calendar.jsonl"
        journal.write_text(text_of(lines), encoding="utf-8")
        for day, sitting in (("2026-07-09", "2026-07-22"), ("2026-07-10", "2026-07-24"), ("2026-07-11", "2026-08-12"),
                             ("2026-07-12", "2026-08-12"), ("2026-07-13", "2026-07-31"), ("2026-07-14", "2026-07-30")):
            answer, _ = self.agenda(day, journal=journal)
            self.assertEqual(sitting, answer["next_sitting"], day)
        # Nothing inside ten working days of the 11th.
        self.assertIn("нет заседания", " ".join(self.agenda("2026-07-11", journal=journal)[0]["findings"]))
        # It has sat on the 30th, which is no regular day.
        self.assertEqual("2026-07-31", self.agenda("2026-07-31", journal=journal)[0]["next_sitting"])
        self.assertIn("30.07.2026", self.report(*self.GROUP, as_of="2026-07-31", journal=journal).decode())


class Minutes(Report):
    """A sitting of its own in the journal: decisions of every kind about cases that stand in it."""

    DAY = "2026-04-08"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sitting = []
        provider, group, office, work = "provider-surgut", "wg-surgut", "uszn-surgut", "employment-surgut"

        def told(day, sender, event, case, hour=10, **data):
            cls.sitting.append({"at": f"{day}T{hour:02}:00:00+05:00", "as": sender, "event": event, "case": case, "data": data})

        named = {"sitting_on": cls.DAY, "minutes_number": "7"}
        measures = [{"id": "m1", "kind": "employment", "due": "2026-08-03"}, {"id": "m2", "kind": "medical", "due": "2026-08-03"}]
        for number in range(1, 6):
            told("2026-02-02", provider, "application.received", f"S-{number}", kind="support", received_on="2026-02-02",
                 municipality="surgut", surname="Неразглашаемов")
            told("2026-02-03", provider, "programme.drafted", f"S-{number}", need_established_on="2026-02-03", measures=measures)
            told("2026-02-04", provider, "draft.sent", f"S-{number}", sent_on="2026-02-04")
        for number in (2, 3, 4):
            told("2026-02-11", group, "section14.formed", f"S-{number}", formed_on="2026-02-11", measures=measures)
            told("2026-02-12", office, "programme.approved", f"S-{number}", approved_on="2026-02-12", term_months=4)
            told("2026-02-13", work, "referral.accepted", f"S-{number}", measure="m1", offer=1)
            told("2026-02-13", "health-surgut", "referral.accepted", f"S-{number}", measure="m2", offer=1)
        told("2026-03-30", provider, "issue.raised", "S-2", issue="q1", raised_on="2026-03-30", kind="rights")
        told(cls.DAY, group, "section14.formed", "S-1", 12, formed_on=cls.DAY, measures=measures[:1], **named)
        told(cls.DAY, office, "programme.approved", "S-1", 13, approved_on=cls.DAY, **named)
        told(cls.DAY, group, "issue.resolved", "S-2", 12, issue="q1", resolved_on=cls.DAY, decision="restored", **named)
        told(cls.DAY, group, "extension.decided", "S-3", 12, decided_on=cls.DAY, granted=True, months=2, **named)
        told(cls.DAY, group, "closure.decided", "S-4", 12, decided_on=cls.DAY, ground="impossible", **named)
        told(cls.DAY, group, "programme.returned", "S-5", 12, returned_on=cls.DAY, reason="papers", **named)
        told(cls.DAY, group, "sitting.held", "sitting.wg-surgut", 14, held_on=cls.DAY, next_on="2026-04-22", **named)
        told("2026-04-09", work, "referral.accepted", "S-1", measure="m1", offer=1)
        told("2026-04-09", group, "closure.decided", "S-2", 12, decided_on="2026-04-09", ground="wish", sitting_on="2026-04-09",
             minutes_number="8")
        cls.lines = sorted(cls.lines + cls.sitting, key=lambda line: line["at"])
        cls.journal.write_text(text_of(cls.lines), encoding="utf-8")

    MINUTES = ("minutes", "--sitting", DAY, "--group", "wg-surgut")

    def decisions(self, *words, **options):
        """(section, case, the rest) of the rows that belong to this sitting's cases."""
        sections = json.loads(self.report(*words, "-o", "json", **options))["sections"]
        return {(section["title"].split()[0], row.get("case")): row for section in sections for row in section["rows"]
                if str(row.get("case", "S-")).startswith("S-")}

    def test_the_minutes_hold_each_decision_with_its_ground(self):
        rows = self.decisions(*self.MINUTES)
        self.assertEqual(("7", self.DAY, "2026-04-22"), tuple(rows["Заседание", None][key] for key in ("number", "held_on", "next_on")))
        self.assertEqual("papers", rows["Индивидуальные", "S-5"]["reason"])
        self.assertIn(("Индивидуальные", "S-1"), rows)
        self.assertEqual(("m1", "employment", "2026-08-03"),
                         tuple(rows["Мероприятия,", "S-1"][key] for key in ("measure", "kind", "due")))
        self.assertEqual((True, 2), (rows["Продление", "S-3"]["granted"], rows["Продление", "S-3"]["months"]))
        self.assertEqual("impossible", rows["Прекращение", "S-4"]["ground"])
        self.assertEqual(("rights", "restored"), tuple(rows["Вопросы", "S-2"][key] for key in ("kind", "answer")))
        self.assertNotIn(("Прекращение", "S-2"), rows)  # that was the day after
        text = self.report(*self.MINUTES).decode()
        self.assertIn("Заседание: 08.04.2026", text)
        self.assertIn("Секретарь", text)
        self.assertNotIn("Неразглашаемов", text)

    def test_measures_of_a_draft_that_was_sent_back_are_not_agreed_with(self):
        def told(day, sender, event, hour=10, **data):
            return {"at": f"{day}T{hour}:00:00+05:00", "as": sender, "event": event, "case": "S-5", "data": data}

        day, named = "2026-04-10", {"sitting_on": "2026-04-10", "minutes_number": "9"}
        measures = [{"id": "m1", "kind": "employment", "due": "2026-08-03"}]
        lines = [line for line in self.lines if line["at"] < "2026-04-09"] + [
            told("2026-04-09", "provider-surgut", "programme.drafted", measures=measures, need_established_on="2026-04-09"),
            told("2026-04-09", "provider-surgut", "draft.sent", 11, sent_on="2026-04-09"),
            told(day, "wg-surgut", "section14.formed", formed_on=day, **named)]
        journal = self.folder / "drafts.jsonl"
        journal.write_text(text_of(lines), encoding="utf-8")
        sections = json.loads(self.report("minutes", "--sitting", day, "--group", "wg-surgut", "-o", "json", as_of=day, journal=journal))
        agreed = next(section["rows"] for section in sections["sections"] if "согласились" in section["title"])
        self.assertEqual([("S-5", "m1")], [(row["case"], row["measure"]) for row in agreed])

    def test_before_the_sitting_there_is_nothing_and_afterwards_it_stays(self):
        self.assertEqual({}, self.decisions(*self.MINUTES, as_of="2026-04-07"))
        self.assertEqual(self.decisions(*self.MINUTES, as_of=self.DAY), self.decisions(*self.MINUTES, as_of="2026-05-20"))

    def test_a_decision_that_was_taken_back_is_no_more_in_them(self):
        back = {"at": "2026-04-10T10:00:00+05:00", "as": "wg-surgut", "event": "event.annulled", "case": "S-3",
                "data": {"event": "extension.decided"}}
        journal = self.folder / "back.jsonl"
        journal.write_text(text_of([line for line in self.lines if line["at"] < "2026-04-10"] + [back]), encoding="utf-8")
        self.assertNotIn(("Продление", "S-3"), self.decisions(*self.MINUTES, journal=journal))
        self.assertIn(("Продление", "S-3"), self.decisions(*self.MINUTES, journal=journal, as_of="2026-04-09"))

    def test_an_executor_learns_of_its_own_measures_and_of_nothing_else(self):
        rows = self.decisions(*self.MINUTES, "--extract", "employment-surgut")
        self.assertEqual({("Поручено", "S-1"), ("Больше", "S-4")}, set(rows))
        self.assertEqual(("m1", "employment"), tuple(rows["Поручено", "S-1"][key] for key in ("measure", "kind")))
        health = self.decisions(*self.MINUTES, "--extract", "health-surgut")
        self.assertEqual({("Больше", "S-4")}, set(health))
        for output in ("table", "csv", "json", "jsonl"):
            text = self.report(*self.MINUTES, "--extract", "employment-surgut", "-o", output).decode()
            for word in ("002", "004", "000 п", "сопровожден", "програм", "рабоч", "Прекращ", "impossible", "S-3", "S-5", "m2",
                         "support", "section14", "Неразглашаемов"):
                self.assertNotIn(word, text, output)

    def test_an_extract_holds_only_its_own_territory_and_group(self):
        self.assertEqual(self.decisions(*self.MINUTES), self.decisions(*self.MINUTES, "--extract", "provider-surgut"))
        self.assertEqual({}, self.decisions(*self.MINUTES, "--extract", "provider-kogalym"))
        self.assertEqual({}, self.decisions("minutes", "--sitting", self.DAY, "--group", "wg-kogalym", "--extract", "employment-surgut"))
        self.assertEqual(self.decisions(*self.MINUTES, "--extract", "employment-surgut"),
                         self.decisions("minutes", "--sitting", self.DAY, "--extract", "employment-surgut"))


class Small(Report):
    """Numbers that tell who it was are hidden from everybody, and cannot be computed again."""

    WHOLE = ("quarterly", "--quarter", "2026-Q1")
    BELOW = 5

    def shown(self, *words, **options):
        sections = json.loads(self.report(*words, "-o", "json", **options))
        self.assertEqual(self.BELOW, sections.get("hidden_below"))
        return [section["rows"] for section in sections["sections"]]

    def assert_tied(self, parts, totals):
        """Pairs of (shown, full), tied by a sum. What is shown is right; of what is not, the shown ones tell no single one."""
        cells = parts + totals
        for cell, number in cells:
            self.assertIn(cell, (number,) if number == 0 else ("…",) if number < self.BELOW else (number, "…"), cells)
        for side in (parts, totals):
            away = [number for cell, number in side if cell == "…"]
            if away and not any(cell == "…" for cell, _ in (totals if side is parts else parts)):
                self.assertGreaterEqual(sum(away) - len(away), self.BELOW - 1, cells)
        return any(cell == "…" for cell, _ in cells)

    def test_no_small_number_is_shown_and_none_can_be_computed(self):
        hidden, whole = self.shown(*self.WHOLE), self.sections(*self.WHOLE, "--full")
        def pairs(a, b, names):
            return [(a[name], b[name]) for name in names]

        first = hidden[0][0], whole[0][0]
        tied = [self.assert_tied(pairs(*first, ("at_start", "begun")), pairs(*first, ("ended", "at_end"))),
                self.assert_tied([(a["cases"], b["cases"]) for a, b in zip(hidden[1], whole[1])], pairs(*first, ("ended",)))]
        for index, total, names in ((2, "all", ("met", "late", "missed", "open")),
                                    (3, "measures", ("completed", "no_right", "unavailable", "cancelled", "running"))):
            self.assertEqual(len(hidden[index]), len(whole[index]))
            tied += [self.assert_tied(pairs(a, b, names), pairs(a, b, (total,))) for a, b in zip(hidden[index], whole[index])]
        self.assertGreater(sum(tied), 3)
        self.assertEqual([], hidden[4])  # the cases one by one would tell the numbers
        self.assertTrue(whole[4])

    def test_the_reader_is_told_and_its_own_area_is_not_hidden(self):
        self.assertIn("правило по умолчанию", self.report(*self.WHOLE).decode())
        self.assertIn("только в полном отчёте", self.report(*self.WHOLE).decode())
        for words in (self.WHOLE + ("--full",), self.WHOLE + ("--for", "wg-surgut")):
            text = self.report(*words).decode()
            self.assertNotIn("<5", text)
            self.assertNotIn("скрыты", text)

    def test_the_threshold_is_a_setting(self):
        config = self.changed_config("reports/quarterly.yaml", "below: 5", "below: 0")
        self.assertEqual(self.sections(*self.WHOLE, config=config), self.sections(*self.WHOLE, "--full"))
        config = self.changed_config("reports/quarterly.yaml", "below: 5", "below: 100")
        numbers = self.sections(*self.WHOLE, config=config)[0][0]
        self.assertLessEqual({"<100", "…"}, set(numbers.values()))
        self.assertEqual([], [number for number in numbers.values() if isinstance(number, int) and 0 < number < 100])


class Indicators(Report):
    QUARTER = ("indicators", "--quarter", "2026-Q3", "--full")

    def ended_supports(self, day):
        """Ground of the supports of released persons that have ended by then."""
        outcome = [row for row in self.outcome(day) if row["type"] == "case"]
        release = {row["case"] for row in outcome if row["process"] == "release"}
        return {row["case"]: row["ground"] for row in outcome if row["process"] == "support" and row["case"] in release
                and row["ground"] and row["ground"] not in ("no-consent", "not-recognised")}

    def test_shares_are_those_of_the_outcome(self):
        numbers, work, families, places = self.sections(*self.QUARTER, as_of="2026-09-30")
        numbers, work = numbers[0], work[0]
        before, after = (self.ended_supports(day) for day in ("2026-06-30", "2026-09-30"))
        ended = [ground for case, ground in after.items() if case not in before]
        self.assertEqual(len(ended), numbers["released_ended"])
        self.assertEqual(ended.count("result"), numbers["integrated"])
        self.assertEqual(ended.count("imprisoned"), numbers["imprisoned"])
        self.assertGreaterEqual(families[0]["families_ended"], families[0]["families_result"])
        self.assertGreater(numbers["released_ended"], 0)
        self.assertEqual(f"{100 * numbers['integrated'] / numbers['released_ended']:.1f}", numbers["integrated_share"])
        self.assertEqual(numbers["released_ended"], sum(row["ended"] for row in places))
        self.assertEqual(numbers["integrated"], sum(row["with_result"] for row in places))
        if work["employment"]:
            self.assertEqual(f"{100 * work['employed'] / work['employment']:.1f}", work["employed_share"])

    def test_a_share_of_small_numbers_is_hidden_with_them_and_of_nobody_empty(self):
        numbers = self.sections("indicators", "--quarter", "2026-Q3", as_of="2026-09-30")
        for section in numbers[:3]:
            for name, value in section[0].items():
                if name.endswith("_share") and value not in (None, "…"):
                    self.assertRegex(value, r"^\d+\.\d$")
                elif isinstance(value, int):
                    self.assertTrue(value == 0 or value >= 5, (name, value))
        empty = self.sections("indicators", "--quarter", "2020-Q1", as_of="2026-09-30")
        self.assertIsNone(empty[0][0]["integrated_share"])


class Shown(Report):
    def test_without_a_name_the_reports_are_listed(self):
        listed = self.run_kurator("report", "--config", CONFIG).decode().splitlines()
        names = [path.stem for path in sorted((CONFIG / "reports").glob("*.yaml"), key=lambda path: path.name) if path.stem != "words"]
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
