"""Properties of all processes, over histories that nobody has thought of.

  properties_test.py KURATOR SOURCE_DIR [--examples N] [--random] [TEST …]

N batches of histories for each property; always the same ones, but with --random. What fails is printed as the shortest history
that hypothesis finds: lines that `kurator rehearse` plays.
"""

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
import unittest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import histories  # noqa: E402
import world  # noqa: E402


def parse(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("kurator")
    parser.add_argument("source")
    parser.add_argument("--examples", type=int, default=15)
    parser.add_argument("--random", action="store_true")
    parser.add_argument("tests", nargs="*")
    return parser.parse_intermixed_args(argv)


ARGUMENTS = parse(sys.argv[1:])
CONFIG = os.path.join(ARGUMENTS.source, "config")
LIBRARY = histories.Library(CONFIG)
CHARTS = world.Deadlines(CONFIG)
CALENDAR = histories.Calendar(CONFIG)
END = dt.date(2027, 6, 30)
DAYS = st.integers(0, 500).map(lambda days: dt.date(2026, 1, 12) + dt.timedelta(days=days))
BOUNDED = settings(max_examples=ARGUMENTS.examples, deadline=None, derandomize=not ARGUMENTS.random, database=None,
                   suppress_health_check=list(HealthCheck))


class Property(unittest.TestCase):
    def rehearse(self, lines, until=END):
        with tempfile.TemporaryDirectory(prefix="kurator-property-") as folder:
            return world.Rehearsed(ARGUMENTS.kurator, CONFIG, folder, lines, until)

    def told(self, lines, *cases):
        """The lines of these cases, for whoever has to understand the failure."""
        return "\n" + "\n".join(json.dumps(line, ensure_ascii=False) for line in lines if not cases or line.get("case") in cases)


class NobodyIsForgotten(Property):
    @BOUNDED
    @given(histories.batch(LIBRARY), DAYS)
    def test_a_case_that_has_not_ended_is_owed_something_on_every_day(self, batch, day):
        lines = histories.lines_of(batch)
        found = self.rehearse(lines, day)
        forgotten = sorted(set(found.open_cases()) - found.obligations())
        states = [row for row in found.of("case") if row["case"] in forgotten]
        self.assertFalse(forgotten, "%s: %s%s" % (day, states, self.told(lines, *forgotten)))


class DeadlinesHoldByRecordedTime(Property):
    @BOUNDED
    @given(histories.batch(LIBRARY), DAYS)
    def test_a_deadline_is_missed_exactly_when_it_was_not_met_by_its_due_moment(self, batch, day):
        lines = histories.lines_of(batch)
        early, late = self.rehearse(lines, day), self.rehearse(lines)
        for found in (early, late):
            for row in found.of("deadline"):
                self.check_row(row, found, lines)
        self.check_passing(early, late, lines)

    def check_row(self, row, found, lines):
        """What a row says of itself is so."""
        why = "%s%s" % (row, self.told(lines, row["case"]))
        due, ends = world.end_of(row["due"]), world.end_of(found.until.isoformat())
        if row["state"] == "open":
            self.assertGreaterEqual(due, ends, "open after its due moment: " + why)
        elif row["state"] == "missed":
            self.assertLess(due, ends, "missed before its due moment: " + why)
            self.assertEqual(world.moment(row["at"]), max(due, self.begun(row, found)), "missed at another moment than it was due: " + why)
        elif row["state"] == "met":
            self.assertLess(world.moment(row["at"]), due, "met after its due moment: " + why)
            self.assertTrue(self.meeting(row, found), "met, but nothing has met it: " + why)
        elif row["state"] == "met-reported-late":
            self.assertGreaterEqual(world.moment(row["at"]), due, "reported late before it was due: " + why)
            self.assertTrue(self.meeting(row, found), "met, but nothing has met it: " + why)

    def begun(self, row, found):
        """A deadline that was past when it was set is missed then: at the moment of a message of its case."""
        at = world.moment(row["at"])
        told = {world.moment(line["at"]) for line in found.accepted() if line["case"].split("/")[0] in (row["case"], "")}
        return at if at in told else world.end_of(row["due"])

    @staticmethod
    def meeting(row, found):
        """What the chart lets meet it and was told by then: at that moment, or before the deadline was set. Those of parts and
        lists meet in their own way."""
        events = CHARTS.any.get((row["process"], row["id"]))
        if events is None or row["process"] == "report":
            return True
        at = world.moment(row["at"])
        return [line for line in found.accepted() if line["case"] == row["case"] and world.moment(line["at"]) <= at and
                any(line["event"] == event or line["event"].startswith(event + ".") for event in events)]

    def check_passing(self, early, late, lines):
        """What was open on a day and was missed later has not been met between that day and its due moment."""
        ends = world.end_of(early.until.isoformat())
        watched = {(row["case"], row["process"], row["id"], row["from"], row["due"]) for row in early.of("deadline") if row["state"] == "open"}
        for row in late.of("deadline"):
            key = (row["case"], row["process"], row["id"], row["from"], row["due"])
            events = CHARTS.met_by.get(key[1:3])
            if row["state"] != "missed" or key not in watched or not events or row["process"] in ("report", "referral", "issue"):
                continue
            met = [line for line in late.accepted() if line["case"] == row["case"] and line["event"] in events and
                   ends <= world.moment(line["at"]) < world.end_of(row["due"])]
            self.assertFalse(met, "%s%s" % (row, self.told(lines, row["case"])))


class RecomputingChangesNothing(Property):
    @BOUNDED
    @given(histories.batch(LIBRARY))
    def test_a_journal_rehearsed_again_gives_the_same_outcome(self, batch):
        lines = histories.lines_of(batch)
        first = self.rehearse(lines)
        again = self.rehearse(first.journal)
        self.assertEqual(first.text, again.text, self.told(lines))
        self.assertEqual(first.journal, again.journal, self.told(lines))


class AnAmendedCalendar(Property):
    @BOUNDED
    @given(histories.batch(LIBRARY), DAYS)
    def test_a_calendar_of_the_same_days_changes_nothing_but_for_its_own_entries(self, batch, day):
        lines = histories.lines_of(batch)
        plain = self.rehearse(lines)
        imported = self.rehearse(CALENDAR.imported(lines, day, in_other_words=True))
        self.assertEqual(plain.text, imported.text, self.told(lines))
        own = [line for line in imported.journal if {"calendar", "recount", "recounted"} & set(line)]
        self.assertEqual(["calendar", "recounted"], [name for line in own for name in ("calendar", "recount", "recounted") if name in line])
        self.assertEqual(plain.journal, [line for line in imported.journal if line not in own], self.told(lines))
        self.assertEqual(plain.deliveries, imported.deliveries, self.told(lines))

    @BOUNDED
    @given(histories.batch(LIBRARY), DAYS, st.lists(st.tuples(st.integers(0, 700), st.booleans()), min_size=1, max_size=6), DAYS)
    def test_its_journal_alone_gives_the_same_bytes_on_every_day(self, batch, day, moved, until):
        lines = CALENDAR.imported(histories.lines_of(batch), day, moved)
        for end in (until, END):
            first = self.rehearse(lines, end)
            again = self.rehearse(first.journal, end)
            self.assertEqual(first.text, again.text, self.told(lines))
            self.assertEqual(first.journal, again.journal, self.told(lines))

    @BOUNDED
    @given(histories.batch(LIBRARY), st.lists(st.tuples(st.integers(0, 700), st.booleans()), min_size=1, max_size=6))
    def test_who_knew_it_from_the_beginning_has_the_same_open_deadlines(self, batch, moved):
        """What an import leaves open is what the amended calendar would have given in the first place."""
        lines = histories.lines_of(batch)
        last = dt.datetime.fromisoformat(lines[-1]["at"]).date()
        early = self.rehearse(CALENDAR.imported(lines, dt.date(2021, 1, 1), moved), last)
        late = self.rehearse(CALENDAR.imported(lines, None, moved), last)
        for row in late.of("deadline"):
            same = [other for other in early.of("deadline") if row["state"] == other["state"] == "open" and
                    all(row.get(name) == other.get(name) for name in ("case", "process", "id", "key", "from"))]
            if len(same) == 1:
                self.assertEqual(same[0]["due"], row["due"], self.told(lines, row["case"]))


class AMistakeTakenBack(Property):
    @BOUNDED
    @given(histories.batch(LIBRARY), st.integers(0, 40))
    def test_annulling_an_event_and_sending_it_again_gives_the_same_case(self, batch, place):
        lines = histories.lines_of(batch)
        plain = self.rehearse(lines)
        corrected = self.rehearse(self.corrected(lines, plain, place))
        for row in self.rows(plain):
            self.assertIn(row, self.rows(corrected), self.told(lines, row["case"]))
        self.assertEqual(len(self.rows(plain)), len(self.rows(corrected)), self.told(lines))

    @staticmethod
    def corrected(lines, plain, place):
        """One message of each case is taken back at the moment when it came, and sent again: what began it only if it is alone."""
        taken = {}
        for line in plain.accepted():
            taken.setdefault(line["case"], []).append((line["at"], line["event"]))
        chosen = {case: (told[1:] or told)[place % max(len(told) - 1, 1)] for case, told in taken.items()}
        out = []
        for line in lines:
            out.append(line)
            if (line["at"], line["event"]) == chosen.get(line["case"]):
                del chosen[line["case"]]
                out.append({"at": line["at"], "as": line["as"], "event": "event.annulled", "case": line["case"], "data": {"event": line["event"]}})
                out.append(line)
        return out

    @staticmethod
    def rows(found):
        """What has become of the cases, and of those that charts keep: what participants owe, when a body sits."""
        return [row for row in found.outcome if row["type"] in ("case", "deadline", "referral")]


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *ARGUMENTS.tests])
