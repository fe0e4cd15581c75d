"""Histories of cases for the properties: an example of a process, moved to other days and edited.

Every message is one that some example of the process sends, so that it is well formed; what the edits make of the whole is
what may come in life: said late, said twice, left out, out of order, in the wrong case. What of it is permitted, the engine
decides; what it refuses is part of the history too.
"""

import datetime as dt
import json
import os
import re

from hypothesis import strategies as st

DATE = re.compile(r"\d{4}-\d\d-\d\d")
EDITS = ("drop", "delay", "late", "twice", "swap", "insert")
GAPS = (1, 2, 3, 5, 8, 14, 30, 95)


def moved(value, days):
    """The same data, with every date in it `days` later."""
    if isinstance(value, dict):
        return {name: moved(item, days) for name, item in value.items()}
    if isinstance(value, list):
        return [moved(item, days) for item in value]
    if isinstance(value, str) and DATE.fullmatch(value):
        return (dt.date.fromisoformat(value) + dt.timedelta(days=days)).isoformat()
    return value


class Message:
    """One line of an example, without its case: `days` is how far its own dates have been moved, `late` how much later it
    is told than that."""

    __slots__ = ("sender", "event", "data", "at", "occurred", "days", "late")

    def __init__(self, sender, event, data, at, occurred, days=0, late=0):
        self.sender, self.event, self.data, self.at, self.occurred, self.days, self.late = sender, event, data, at, occurred, days, late

    @classmethod
    def of(cls, line):
        occurred = line.get("occurred_at")
        return cls(line["as"], line["event"], line["data"], dt.datetime.fromisoformat(line["at"]),
                   occurred and dt.datetime.fromisoformat(occurred))

    def changed(self, days=0, late=0):
        return Message(self.sender, self.event, self.data, self.at, self.occurred, self.days + days, self.late + late)

    def told(self):
        return self.at + dt.timedelta(days=self.days + self.late)

    def line(self, case):
        line = {"at": self.told().isoformat(), "as": self.sender, "event": self.event, "case": case, "data": moved(self.data, self.days)}
        happened = (self.occurred or self.at) + dt.timedelta(days=self.days)
        if self.occurred or self.late:
            line["occurred_at"] = happened.isoformat()
        return line


class Library:
    """The examples of config/processes as sequences of messages, one family of cases each."""

    def __init__(self, config):
        self.examples = {}
        root = os.path.join(config, "processes")
        for process in sorted(os.listdir(root)):
            folder = os.path.join(root, process, "examples")
            if not os.path.isdir(folder):
                continue
            found = [self.read(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.endswith(".jsonl")]
            self.examples[process] = [messages for messages in found if messages]
        self.pool = {process: [message for messages in examples for message in messages]
                     for process, examples in self.examples.items()}

    @staticmethod
    def read(path):
        """What is told of the first case in it. Corrections are left to the property that is about them."""
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        lines = [line for line in lines if "event" in line and "data" in line]
        return [Message.of(line) for line in lines if line["case"] == lines[0]["case"] and line["event"] != "event.annulled"]

    def processes(self):
        return sorted(process for process, examples in self.examples.items() if examples)


def edit(messages, kind, place, gap, foreign):
    """The messages with one thing about them changed, in the order in which they are told."""
    if not messages:
        return messages
    place %= len(messages)
    here = messages[place]
    if kind == "drop" and place > 0:
        messages = messages[:place] + messages[place + 1:]
    elif kind == "delay":
        messages = messages[:place] + [message.changed(days=gap) for message in messages[place:]]
    elif kind == "late":
        messages = messages[:place] + [here.changed(late=gap)] + messages[place + 1:]
    elif kind == "twice":
        messages = messages + [here.changed(days=gap)]
    elif kind == "swap" and 0 < place < len(messages) - 1:
        other = messages[place + 1]
        days = (other.told().date() - here.told().date()).days
        messages = messages[:place] + [other.changed(days=-days), here.changed(days=days)] + messages[place + 2:]
    elif kind == "insert":
        days = (here.told().date() - foreign.told().date()).days
        messages = messages + [foreign.changed(days=days)]
    return messages


@st.composite
def history(draw, library):
    """What is told of one case, ordered by when it is told; nothing comes before what begins it."""
    process = draw(st.sampled_from(library.processes()))
    messages = draw(st.sampled_from(library.examples[process]))
    shift = draw(st.integers(0, 120))
    messages = [message.changed(days=shift) for message in messages]
    edits = st.tuples(st.sampled_from(EDITS), st.integers(0, 30), st.sampled_from(GAPS), st.sampled_from(library.pool[process]))
    for kind, place, gap, foreign in draw(st.lists(edits, max_size=5)):
        messages = edit(messages, kind, place, gap, foreign)
    begins = messages[0].told()
    return sorted((message for message in messages if message.told() >= begins), key=Message.told)


def batch(library, size=8):
    """Several histories that happen side by side: one rehearsal plays them all."""
    return st.lists(history(library), min_size=1, max_size=size)


def lines_of(histories):
    """The lines of a batch, each history a case of its own, no two at the same moment."""
    lines = [message.line("prop-%03d" % index) for index, messages in enumerate(histories) for message in messages]
    lines.sort(key=lambda line: line["at"])
    for index, line in enumerate(lines):
        line["at"] = (dt.datetime.fromisoformat(line["at"]) + dt.timedelta(seconds=index)).isoformat()
    return lines


class Calendar:
    """The production calendar of config/, and lines that import another one over it."""

    FIRST, YEARS = dt.date(2026, 1, 12), ("2026", "2027")

    def __init__(self, config):
        with open(os.path.join(config, "calendar", "ru.csv"), encoding="utf-8") as file:
            rows = [line.rstrip("\n") for line in file][1:]
        self.rows = {row[:10]: row for row in rows if row[:4] in self.YEARS}

    def csv(self, moved, in_other_words):
        """`moved`: days after FIRST, made days off or working days where the calendar says nothing of them."""
        rows = dict(self.rows)
        for days, off in moved:
            day = self.FIRST + dt.timedelta(days=days)
            rows.setdefault(day.isoformat(), "%s,%s,перенос" % (day, "off" if off else "work"))
        if in_other_words:
            rows["2026-03-11"] = "2026-03-11,work,\"рабочий день, как и был\""
        return "date,kind,note\n" + "".join(row + "\n" for _, row in sorted(rows.items()))

    def imported(self, lines, day, moved=(), in_other_words=False):
        """The lines with an import at the beginning of that day; without a day a moment after the last of them."""
        last = dt.datetime.fromisoformat(lines[-1]["at"]) + dt.timedelta(seconds=1)
        at = last if day is None else dt.datetime.combine(day, dt.time(0, 0, 1), last.tzinfo)
        line = {"at": at.isoformat(), "as": "operator", "calendar": {"rows": self.csv(moved, in_other_words)}}
        before = [other for other in lines if dt.datetime.fromisoformat(other["at"]) < at]
        return before + [line] + lines[len(before):]
