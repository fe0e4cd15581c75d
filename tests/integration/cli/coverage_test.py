"""The examples of each process show what can become of a case: none of its deadlines, endings and turns is left out.

  coverage_test.py KURATOR SOURCE_DIR            check
  coverage_test.py KURATOR SOURCE_DIR --table    print the table of turns, process by process, with one example of each

What a process has to show is read from its chart: each deadline met, missed and reported late; each final state entered.
The turns (a pause, a move, a day that the year does not have …) stand in TURNS; a process has to show those that it can
have, and it can have those of whose event its chart speaks. What cannot come about is in IMPOSSIBLE, with the reason.
"""

import collections
import json
import os
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ET

KURATOR, SOURCE = sys.argv[1], sys.argv[2]
SCXML = "{http://www.w3.org/2005/07/scxml}"
K = "{urn:kurator:case}"
STATES = ("met", "missed", "met-reported-late")
IMPOSSIBLE = {
    ("referral", "referral-response", "met-reported-late"):
        "silence gives the offer to the next: an answer that is told later is refused as stale (example response-told-late)",
    ("sitting", "extra-sitting", "met-reported-late"):
        "a sitting that is told has to lie ahead: one that is told after the term is too late for it",
}


class Example:
    """One example: what was sent, and what came of it."""

    def __init__(self, process, name, lines):
        self.process, self.name = process, name
        path = os.path.join(SOURCE, "config", "processes", process, "examples", name + ".jsonl")
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.strip()]
        self.head, self.events = rows[0], [row for row in rows if "event" in row]
        self.calendars = [row for row in rows if "calendar" in row]
        self.lines = lines

    def of(self, kind):
        return [line for line in self.lines if line["type"] == kind]

    def deadlines(self):
        return self.of("deadline")

    def sent(self, *names):
        return [row for row in self.events if row["event"] in names]

    def took(self, *names):
        """Sent, and nothing was refused in this example."""
        return self.sent(*names) and not any(row["reason"] == "refused" for row in self.of("incident"))

    def own(self):
        """Deadlines of the process itself; of one that has none, those of its parts."""
        found = [row for row in self.deadlines() if row["process"] == self.process]
        if found or deadlines_of(chart_of(self.process)):
            return found
        return [row for row in self.deadlines() if row["case"] == self.events[0]["case"]]

    def ended(self):
        """With an ending of its own, not because what it belongs to has ended. What never ends is where it should be."""
        if self.process == "referral":
            return any(row["status"] == "completed" for row in self.of("referral"))
        if not chart_of(self.process).findall(SCXML + "final"):
            return True
        return any(row["process"] == self.process and row["ground"] not in (None, "cancelled", "case-ended") for row in self.of("case"))


def straight(example):
    """Comes to its end, and no deadline is missed on the way."""
    own = example.own()
    return (own and all(row["state"] in ("met", "cancelled", "open", "provisional") for row in own)
            and any(row["state"] == "met" for row in own) and not example.of("incident") and example.ended())


def both_sentence_and_dispatch(example):
    return example.took("sentence.in_force") and example.sent("imprisonment.confirmed")


def only_a_sentence(example):
    return example.sent("sentence.in_force") and not example.sent("imprisonment.confirmed")


def corrected_release(example):
    return len({row["data"].get("release_date") for row in example.sent("release.notice")}) > 1


def left_the_region(example):
    return any(row["data"].get("permanent") is not False for row in example.sent("departure.registered"))


def moved_within(example):
    return any(row["data"].get("municipality") for row in example.sent("case.transferred", "arrival.confirmed"))


def silent_organisation(example):
    return any(row["id"] == "monthly-report" and row["state"] == "missed" for row in example.deadlines()) or any(
        row["id"] == "referral-response" and row["state"] == "missed" for row in example.deadlines())


def leap_day(example):
    return any(str(row[name]).endswith("-02-29") for row in example.own() for name in ("from", "due"))


def over_the_new_year(example):
    """A term that lies on 31 December, or runs over it and the days off behind it."""
    return any(row["due"] and row["from"][:4] + "-12-31" in (row["from"], row["due"]) or
               row["due"] and row["from"][5:7] == "12" and row["from"][:4] < row["due"][:4] for row in example.own())


def beyond_the_calendar(example):
    return any(row["state"] == "provisional" for row in example.own())


# The turn; the events of which a chart speaks that can have it (None: every process); whether an example shows it.
TURNS = (
    ("straight way", None, straight),
    ("extension", ("extension.decided",), lambda e: any(row["data"].get("granted") for row in e.sent("extension.decided"))),
    ("consent refused", ("consent.refused",), lambda e: e.sent("consent.refused")),
    ("consent withdrawn", ("consent.withdrawn",), lambda e: e.sent("consent.withdrawn")),
    ("late notice", ("release.notice",), lambda e: any(row.get("cause") == "late-notice" for row in e.deadlines())),
    ("corrected release date", ("release.notice",), corrected_release),
    ("new sentence without dispatch", ("sentence.in_force",), only_a_sentence),
    ("new sentence with dispatch", ("sentence.in_force",), both_sentence_and_dispatch),
    ("leaves the region", ("departure.registered",), left_the_region),
    ("moves within it", ("case.transferred", "case.moved"), moved_within),
    ("silent organisation", ("referral.accepted", "report.submitted"), silent_organisation),
    ("calendar amended", None, lambda e: e.calendars),
    ("pause", ("case.paused",), lambda e: e.took("case.paused")),
    ("annulled event", None, lambda e: e.sent("event.annulled")),
    ("29 February", None, leap_day),
    ("31 December", None, over_the_new_year),
    ("beyond the calendar", None, beyond_the_calendar),
)


def chart_of(process):
    path = os.path.join(SOURCE, "config", "processes", process, "chart.scxml")
    return ET.parse(path).getroot()


def spoken(chart):
    """Every name of an event that the chart speaks of."""
    words = set()
    for element in chart.iter():
        for attribute in ("event", "met-by", "ends-by", "events"):
            words.update(element.get(attribute, "").split())
    return words


def deadlines_of(chart):
    """(id, condition): the deadlines of a chart; those on the items of a list are called after them."""
    found = {element.get("id") for element in chart.iter(K + "deadline")}
    if any(True for _ in chart.iter(K + "referrals")):
        found.add("measure")
    return found


def read_examples():
    """{process: [Example]}: the lines that `process test --show` prints stand before the word on their example."""
    run = subprocess.run([KURATOR, "process", "test", "--config", os.path.join(SOURCE, "config"), "--show"],
                         capture_output=True, check=False, timeout=600)
    found, lines = collections.defaultdict(list), []
    for line in run.stdout.decode().splitlines():
        if line.startswith("{"):
            lines.append(json.loads(line))
            continue
        said = re.match(r"(?:пройден|НЕ ПРОЙДЕН)\s+([\w-]+)/([\w.-]+): ", line)
        if said:
            found[said.group(1)].append(Example(said.group(1), said.group(2), lines))
            lines = []
    return found


class Coverage(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.examples = read_examples()
        cls.processes = sorted(cls.examples)

    def test_each_deadline_is_met_missed_and_reported_late(self):
        shown = collections.defaultdict(set)
        for examples in self.examples.values():
            for example in examples:
                for row in example.deadlines():
                    shown[row["process"], row["id"].split(":")[0]].add(row["state"])
        lacking = [(process, name, state) for process in self.processes for name in sorted(deadlines_of(chart_of(process)))
                   for state in STATES if state not in shown[process, name] and (process, name, state) not in IMPOSSIBLE]
        self.assertEqual([], lacking)

    def test_what_is_called_impossible_is_not_shown(self):
        for process, name, state in IMPOSSIBLE:
            self.assertIn(name, deadlines_of(chart_of(process)))
            shown = [example.name for examples in self.examples.values() for example in examples
                     for row in example.deadlines() if (row["process"], row["id"], row["state"]) == (process, name, state)]
            self.assertEqual([], shown)

    def test_each_ending_is_reached(self):
        reached = collections.defaultdict(set)
        for examples in self.examples.values():
            for example in examples:
                for row in example.of("case"):
                    reached[row["process"]].update(row["states"])
                for row in example.of("referral"):
                    reached["referral"].add((row["status"], "reason" in row))
        lacking = []
        for process in self.processes:
            for final in chart_of(process).findall(SCXML + "final"):
                status = final.find(".//" + K + "status")
                known = final.get("id") in reached[process]
                if process == "referral":  # the outcome shows it by its status, and whether there is a reason
                    known = (status.get("value").strip("'"), status.get("reason") is not None) in reached[process]
                if not known:
                    lacking.append((process, final.get("id")))
        self.assertEqual([], lacking)

    def test_each_process_shows_every_turn_that_it_can_take(self):
        lacking = [(process, turn) for process, turn, shown in table(self.examples) if shown == ""]
        self.assertEqual([], lacking)


def table(examples):
    """(process, turn, example or "" or None where it cannot be)."""
    rows = []
    for process in sorted(examples):
        chart = chart_of(process)
        words = spoken(chart)
        for turn, events, shows in TURNS:
            can = events is None or bool(words.intersection(events))
            found = next((example.name for example in examples[process] if shows(example)), "")
            rows.append((process, turn, found or ("" if can else None)))
    return rows


def print_table(examples):
    rows = {(process, turn): shown for process, turn, shown in table(examples)}
    processes = sorted(examples)
    print("| | " + " | ".join(processes) + " |\n|---|" + "---|" * len(processes))
    for turn, _, _ in TURNS:
        words = {None: "—", "": "**нет**"}
        print(f"| {turn} | " + " | ".join(words.get(rows[p, turn], rows[p, turn]) for p in processes) + " |")


if __name__ == "__main__":
    if "--table" in sys.argv:
        print_table(read_examples())
    else:
        unittest.main(argv=[sys.argv[0]])
